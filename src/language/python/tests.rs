//! What the tests of the language share.

use tree_sitter::Tree;

use super::{PythonFile, model};
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
