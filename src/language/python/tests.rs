//! What the tests of the language share.

use tree_sitter::Tree;

use super::{PythonFile, flow, imports, layout, model, strings, usage};
use crate::edit::splice;
use crate::language::{Model, parse};
use crate::source::Span;

/// A parsed text that owns its parts.
pub(crate) struct Fixture {
    pub(crate) source: String,
    pub(crate) tree: Tree,
    pub(crate) model: Model,
}

impl Fixture {
    pub(crate) fn new(source: &str) -> Self {
        let tree = parse(&super::Python, source).expect("parses").tree;
        let model = model(source, &tree);
        Self {
            source: source.to_owned(),
            tree,
            model,
        }
    }

    /// The text without the marks `«` and `»`, and the span between them.
    pub(crate) fn marked(marked: &str) -> (Self, Span) {
        let start = marked.find('«').expect("a «");
        let end = marked.find('»').expect("a »") - '«'.len_utf8();
        let fixture = Self::new(&marked.replace(['«', '»'], ""));
        (fixture, Span::new(start, end))
    }

    pub(crate) fn file(&self) -> PythonFile<'_> {
        PythonFile {
            source: &self.source,
            tree: &self.tree,
            model: &self.model,
        }
    }

    /// The span of the first occurrence of `text`.
    pub(crate) fn find(&self, text: &str) -> Span {
        let start = self.source.find(text).expect("occurs");
        Span::new(start, start + text.len())
    }
}

/// Asks everything of every name of a text.
fn ask_everything(source: &str) {
    let Ok(parsed) = parse(&super::Python, source) else {
        return;
    };
    let model = model(source, &parsed.tree);
    let file = PythonFile {
        source,
        tree: &parsed.tree,
        model: &model,
    };
    let unit = layout::indent_unit(&file);
    for reference in &model.references {
        let span = reference.span;
        usage::usage(&file, span);
        imports::qualified_name(&file, span);
        let value = strings::evaluate(&file, span);
        assert!(!value.alternatives.is_empty());
        flow::guard(&file, span);
        flow::enclosing_loop(&file, span);
        flow::tries_around(&file, span);
        let Some(statement) = flow::statement_of(&file, span) else {
            continue;
        };
        flow::exits(&file, statement);
        flow::always_leaves(&file, statement);
        flow::next_statement(&file, statement);
        for edits in [
            layout::unwrap_block(&file, statement),
            layout::indent_block(&file, statement, unit),
        ] {
            splice(source, &edits.unwrap_or_default()).expect("edits are disjoint");
        }
    }
    for binding in &model.bindings {
        if let Some(value) = binding.value {
            strings::evaluate(&file, value);
        }
        for reference in model.references.iter().take(20) {
            flow::dominates(&file, binding.statement, reference.span);
        }
    }
}

#[test]
fn broken_syntax_is_answered_without_panic() {
    let source = include_str!("../../../tests/python_scopes.txt");
    for sample in source.split("# ---") {
        for cut in (0..sample.len()).step_by(5) {
            if sample.is_char_boundary(cut) {
                ask_everything(&sample[..cut]);
                ask_everything(&sample[cut..]);
            }
        }
    }
    for source in [
        "",
        "\0",
        "\u{feff}",
        "with",
        "f'{",
        "x +=",
        "q = q = q",
        "class",
        "🦀.🦀",
    ] {
        ask_everything(source);
    }
}
