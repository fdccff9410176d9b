//! Where imports go and what happens to those that there are, in terms that fit every language.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Span;

/// Names to import, by the module as it is written.
pub type ModuleNames = BTreeMap<String, BTreeSet<String>>;

/// Where a new import statement goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImportPlace {
    /// On lines of its own behind this statement, with its indentation.
    Behind(Span),
    /// The same, with a blank line in between: a group of its own.
    Apart(Span),
    /// On lines of its own before the statement that begins here, with its indentation.
    Before(usize),
    /// At the very top, behind a byte order mark.
    Top,
}

/// What happens to one import statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportChange {
    /// The names to put in.
    pub add: BTreeSet<String>,
    /// The entries to take out.
    pub drop: BTreeSet<Span>,
}
