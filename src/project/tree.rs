//! The tree of a file, which can be given up and grown again: trees are by far the largest part of what a run holds, some twenty times the
//! size of the text.

use std::sync::OnceLock;

use tree_sitter::Tree;

use crate::language::{self, Language};

/// A tree that is there when it is asked for.
#[derive(Debug, Default)]
pub(super) struct LazyTree(OnceLock<Tree>);

impl LazyTree {
    /// The tree of `text`, which is parsed where it is not at hand.
    pub(super) fn of(&self, language: &dyn Language, text: &str) -> &Tree {
        self.0.get_or_init(|| {
            // The same text has been parsed before, by the same parser without a limit of time: there is one way for it to end.
            #[allow(clippy::expect_used)]
            language::parse(language, text)
                .expect("a text that was parsed once can be parsed again")
                .tree
        })
    }

    /// Whether the tree is at hand.
    pub(super) fn is_grown(&self) -> bool {
        self.0.get().is_some()
    }

    /// Gives the tree up until it is asked for again.
    pub(super) fn forget(&mut self) {
        self.0.take();
    }
}

impl From<Tree> for LazyTree {
    fn from(tree: Tree) -> Self {
        Self(OnceLock::from(tree))
    }
}
