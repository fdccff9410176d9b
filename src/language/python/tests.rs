//! What the tests of the language share.

use std::sync::Arc;

use tree_sitter::Tree;

use super::{Python, model};
use crate::edit::splice;
use crate::language::{Code, Language, Model, parse};
use crate::source::Span;

/// A parsed text that owns its parts.
pub(crate) struct Fixture {
    pub(crate) source: String,
    pub(crate) tree: Arc<Tree>,
    pub(crate) model: Model,
}

impl Fixture {
    pub(crate) fn new(source: &str) -> Self {
        let tree = parse(&Python, source).expect("parses").tree;
        let model = model(source, &tree);
        Self {
            source: source.to_owned(),
            tree: Arc::new(tree),
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
            tree: Arc::clone(&self.tree),
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
        tree: Arc::new(parsed.tree),
        model: &model,
    };
    Python.outline(source, &code.tree, &model);
    Python.import_anchor(code.clone());
    for reference in &model.references {
        let span = reference.span;
        Python.usage(code.clone(), span);
        Python.expression(source, &code.tree, span);
        assert!(!Python.texts(code.clone(), span).is_empty());
        Python.known_present(code.clone(), &reference.name, span);
        Python.innermost_loop(code.clone(), span, Span::new(0, source.len()));
        let Some(statement) = Python.statement(code.clone(), span) else {
            continue;
        };
        Python.guard(code.clone(), statement, &reference.name);
        Python.next_statement(code.clone(), statement);
        Python.siblings(code.clone(), statement);
        Python.catches(code.clone(), statement);
        Python.raises(code.clone(), statement);
        Python.comments(code.clone(), statement);
        if let Some(body) = Python.body(code.clone(), statement) {
            Python.statements(code.clone(), body);
            Python.first_statement(code.clone(), body);
        }
        for edits in [
            Python.unwrap_block(code.clone(), statement),
            Python.wrap_statement(code.clone(), statement, "with z:"),
            Some(vec![Python.remove_statement(code.clone(), statement)]),
        ] {
            splice(source, &edits.unwrap_or_default()).expect("edits are disjoint");
        }
    }
    for binding in &model.bindings {
        if let Some(value) = binding.value {
            Python.texts(code.clone(), value);
        }
        for reference in model.references.iter().take(20) {
            Python.dominates(code.clone(), binding.statement, reference.span);
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

#[test]
fn wide_and_deep_files_are_answered_in_time() {
    let wide = "    rows = (await c.fetch(q))[0].x\n".repeat(5_000);
    let wide = format!("async def f(c, q):\n    if not c: raise E\n{wide}");
    let deep = (0..300).map(|depth| format!("{}if a.b or (c.d and e):\n", " ".repeat(depth)));
    let deep = format!("{}{}f(a.b)\n", deep.collect::<String>(), " ".repeat(300));
    let started = std::time::Instant::now();
    for source in [&wide, &deep] {
        let fixture = Fixture::new(source);
        let code = fixture.file();
        Python.outline(source, &fixture.tree, &fixture.model);
        for reference in &fixture.model.references {
            Python.usage(code.clone(), reference.span);
            Python.statement(code.clone(), reference.span);
            fixture.model.scope_at(reference.span.start);
        }
        let last = fixture.model.references.last().expect("a name").span;
        Python.known_present(code.clone(), "c", last);
    }
    // Far above what it takes; what grows with the square of the size takes minutes.
    assert!(started.elapsed().as_secs() < 20);
}
