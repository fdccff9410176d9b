//! What has been found out once and is asked for again: who calls a function, where objects of a class are made, what a value can be.
//!
//! Every entry is a pure function of the project, so it does not matter which thread writes it first.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use crate::facts::origin::Values;
use crate::project::{ClassRef, FileId, FunctionRef};
use crate::source::Span;

/// A place where a class is used in a way that matters for what its constructor takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Making {
    /// An object is made by this call.
    Call(FileId, Span),
    /// The class is handed on as a value, and may be called anywhere.
    HandedOn(FileId, Span),
}

/// The answers of one run over one project.
#[derive(Debug, Default)]
pub struct Memo {
    /// The calls of each function.
    pub(super) calls: Table<FunctionRef, Vec<(FileId, Span)>>,
    /// The places where objects of each class are made.
    pub(super) makings: Table<ClassRef, Vec<Making>>,
    /// What expressions can evaluate to.
    pub(super) values: Table<(FileId, Span), Values>,
    /// The names under which session factories are kept.
    pub(super) factories: Table<(), BTreeSet<String>>,
    /// The names of the methods by which objects with rows change themselves.
    pub(super) changers: Table<(), BTreeSet<String>>,
    /// The names of the functions that change objects which they are given.
    pub(super) touchers: Table<(), BTreeSet<String>>,
}

/// Answers by question.
#[derive(Debug)]
pub(super) struct Table<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    /// The answer to `question`, found by `find` where nobody has asked before. `find` may ask other questions itself.
    pub(super) fn get(&self, question: K, find: impl FnOnce() -> V) -> Arc<V> {
        // A thread that panicked held the lock for a look or an insertion only: the map is whole.
        let known = |table: &Self| {
            let map = table.0.lock().unwrap_or_else(PoisonError::into_inner);
            map.get(&question).map(Arc::clone)
        };
        if let Some(answer) = known(self) {
            return answer;
        }
        let answer = Arc::new(find());
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(map.entry(question).or_insert(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_once() {
        let table: Table<u8, u8> = Table::default();
        assert_eq!(*table.get(1, || *table.get(2, || 7) + 1), 8);
        assert_eq!(*table.get(2, || unreachable!("it is known")), 7);
    }
}
