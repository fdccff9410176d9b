//! What the tests of the language share.

use tree_sitter::Tree;

use super::{Python, model};
use crate::edit::splice;
use crate::language::{Code, Language, Model, parse};
use crate::source::Span;

/// A parsed text that owns its parts.
pub(crate) struct Fixture {
    pub(crate) source: String,
    pub(crate) tree: Tree,
    pub(crate) model: Model,
}

impl Fixture {
    pub(crate) fn new(source: &str) -> Self {
        let tree = parse(&Python, source).expect("parses").tree;
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

    pub(crate) fn file(&self) -> Code<'_> {
        Code {
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
    let Ok(parsed) = parse(&Python, source) else {
        return;
    };
    let model = model(source, &parsed.tree);
    let code = Code {
        source,
        tree: &parsed.tree,
        model: &model,
    };
    Python.outline(source, &parsed.tree, &model);
    Python.import_anchor(code);
    for reference in &model.references {
        let span = reference.span;
        Python.usage(code, span);
        Python.expression(source, &parsed.tree, span);
        assert!(!Python.texts(code, span).is_empty());
        Python.known_present(code, &reference.name, span);
        Python.innermost_loop(code, span, Span::new(0, source.len()));
        let Some(statement) = Python.statement(code, span) else {
            continue;
        };
        Python.guard(code, statement, &reference.name);
        Python.next_statement(code, statement);
        Python.siblings(code, statement);
        Python.catches(code, statement);
        Python.raises(code, statement);
        Python.comments(code, statement);
        if let Some(body) = Python.body(code, statement) {
            Python.statements(code, body);
            Python.first_statement(code, body);
        }
        for edits in [
            Python.unwrap_block(code, statement),
            Python.wrap_statement(code, statement, "with z:"),
            Some(vec![Python.remove_statement(code, statement)]),
        ] {
            splice(source, &edits.unwrap_or_default()).expect("edits are disjoint");
        }
    }
    for binding in &model.bindings {
        if let Some(value) = binding.value {
            Python.texts(code, value);
        }
        for reference in model.references.iter().take(20) {
            Python.dominates(code, binding.statement, reference.span);
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
