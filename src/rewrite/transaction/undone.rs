//! Writes that an error undoes because they are one transaction now.

use super::{Transaction, Writes};
use crate::facts::connection::Connection;
use crate::rewrite::Subject;
use crate::source::Span;

/// Writes become one, and what is raised behind one undoes it.
pub(super) fn writes(
    subject: Subject<'_>,
    connection: &Connection,
    writes: &Writes,
    body: Span,
    result: &mut Transaction,
) {
    let in_loop = connection
        .calls
        .iter()
        .any(|call| call.in_loop && writes.spans.contains(&call.call.call));
    if (writes.spans.len() > 1 || in_loop) && !writes.in_one(&writes.spans) {
        result
            .notes
            .push("the writes of the block become one transaction".to_owned());
    }
    let file = subject.parsed();
    let behind = |places: Vec<Span>| {
        let found = places
            .into_iter()
            .find(|place| writes.before(subject, *place, body).is_some());
        found.map(|place| subject.line(place))
    };
    if let Some(line) = behind(file.language.raises(file.code(), body)) {
        result.unproven.push(format!(
            "an exception raised after a write (line {line}) now undoes the write"
        ));
    }
    if let Some(line) = behind(file.language.exits(file.code(), body)) {
        result.unproven.push(format!(
            "the program may end after a write (line {line}), which now undoes the write"
        ));
    }
    if let Some(line) = behind(file.language.asserts(file.code(), body)) {
        result.unproven.push(format!(
            "an assertion that fails after a write (line {line}) now undoes the write"
        ));
    }
    if let Some(line) = behind(file.language.yields(file.code(), body)) {
        result.unproven.push(format!(
            "a consumer that stops at a `yield` after a write (line {line}) now undoes the write"
        ));
    }
}

/// A transaction of the block was over at its end, and nothing that came later could undo it.
pub(super) fn transactions(
    subject: Subject<'_>,
    connection: &Connection,
    writes: &Writes,
    body: Span,
    result: &mut Transaction,
) {
    let file = subject.parsed();
    let later = connection.calls.iter().map(|call| call.call.call);
    let passed = connection.others.iter().filter(|other| other.passed);
    let later: Vec<Span> = later
        .chain(passed.map(|other| other.span))
        .chain(connection.handles.iter().copied())
        .collect();
    let undone = writes.transactions.iter().find(|block| {
        let writes_rows = writes.spans.iter().any(|write| block.contains(*write));
        let repeated = file
            .language
            .innermost_loop(file.code(), **block, body)
            .is_some();
        let outer = writes
            .transactions
            .iter()
            .any(|other| other != *block && other.contains(**block));
        let followed = later.iter().any(|span| span.start >= block.end);
        writes_rows && !outer && (repeated || followed)
    });
    if let Some(block) = undone {
        result.unproven.push(format!(
            "the transaction in line {} was committed by itself; an error behind it now undoes it",
            subject.line(*block)
        ));
    }
}
