//! What single statements do otherwise inside of a transaction: what is sent, set, locked or numbered with it, and definitions.

use super::{Run, Transaction, Writes};
use crate::facts::connection::Connection;
use crate::rewrite::Subject;
use crate::source::Span;
use crate::sql::{Effect, Statement, StatementKind, TableName};

/// Statements and methods of the connection that the end of a transaction, or its beginning, means something to.
pub(super) fn changed(
    subject: Subject<'_>,
    connection: &Connection,
    writes: &Writes,
    runs: &[Run<'_>],
    body: Span,
    result: &mut Transaction,
) {
    let mut say = |reason: Option<String>| result.unproven.extend(reason);
    say(notifications(subject, connection, runs, body));
    say(listening(subject, connection, runs));
    say(definitions(subject, runs));
    say(locks_given_back(subject, writes, runs, body));
    say(session_settings(subject, runs));
    say(numbers(subject, connection, runs));
    say(ends(subject, runs));
    say(times(subject, runs));
}

fn with<'r, 's>(runs: &'r [Run<'s>], effect: Effect) -> Option<&'r Run<'s>> {
    runs.iter().find(|run| run.has(effect))
}

/// A notification is sent when the transaction ends, and an equal one only once.
fn notifications(
    subject: Subject<'_>,
    connection: &Connection,
    runs: &[Run<'_>],
    body: Span,
) -> Option<String> {
    let file = subject.parsed();
    let calls = file.outline.calls.iter().map(|call| call.span);
    let others = connection.others.iter().map(|other| other.span);
    let awaits = file.language.awaits(file.code(), body).into_iter();
    let implied = file.language.implied_awaits(file.code(), body).into_iter();
    let places: Vec<Span> = calls
        .filter(|call| body.contains(*call))
        .chain(others)
        .chain(awaits)
        .chain(implied.map(|implied| implied.value))
        .chain(connection.handles.iter().copied())
        .collect();
    let run = runs
        .iter()
        .filter(|run| run.has(Effect::Notify))
        .find(|run| {
            run.in_loop || run.is_several || places.iter().any(|place| place.start >= run.span.end)
        })?;
    Some(format!(
        "a notification (line {}) is sent only when the transaction ends, behind all that follows it, and an equal one only once",
        subject.line(run.span)
    ))
}

/// The session listens from the end of the transaction on.
fn listening(subject: Subject<'_>, connection: &Connection, runs: &[Run<'_>]) -> Option<String> {
    let place = with(runs, Effect::Listen)
        .map(|run| run.span)
        .or_else(|| called(connection, &["add_listener", "remove_listener"]))?;
    Some(format!(
        "the connection listens only when the transaction ends, and hears nothing before (line {})",
        subject.line(place)
    ))
}

/// Where a method of the connection is called, here or by what it is passed to.
fn called(connection: &Connection, methods: &[&str]) -> Option<Span> {
    let own = connection.calls.iter();
    let own = own.filter(|call| methods.contains(&call.call.method.as_str()));
    let passed = connection.others.iter().filter(|other| {
        let mut calls = other.behind.calls.iter();
        calls.any(|(_, call)| methods.contains(&call.method.as_str()))
    });
    own.map(|call| call.call.call)
        .chain(passed.map(|other| other.span))
        .min()
}

/// Definitions beside other statements: those that were prepared before fail, a new value of a type cannot be used yet, and everybody who
/// uses the table waits.
fn definitions(subject: Subject<'_>, runs: &[Run<'_>]) -> Option<String> {
    let defines = |statement: &&Statement| statement.kind == StatementKind::Definition;
    let run = runs
        .iter()
        .find(|run| run.statements.iter().any(&defines))?;
    let alone = runs.len() == 1 && !run.is_several && !run.in_loop;
    (!alone).then(|| {
        format!(
            "a definition (line {}) is in one transaction with the other statements now: they may fail by it, and others wait until it is over",
            subject.line(run.span)
        )
    })
}

/// A lock of the session that is taken or given back behind a write, which is committed later now.
fn locks_given_back(
    subject: Subject<'_>,
    writes: &Writes,
    runs: &[Run<'_>],
    body: Span,
) -> Option<String> {
    let mut locks = runs.iter().filter(|run| run.has(Effect::SessionLock));
    let run = locks.rfind(|run| {
        !writes.spans.is_empty()
            && (run.is_several || writes.before(subject, run.span, body).is_some())
    })?;
    Some(format!(
        "an advisory lock is given back (line {}) before the write that it guards is committed",
        subject.line(run.span)
    ))
}

fn session_settings(subject: Subject<'_>, runs: &[Run<'_>]) -> Option<String> {
    let run = with(runs, Effect::NextTransaction)?;
    Some(format!(
        "a setting of transactions counts from the next one on, and the block is one now (line {})",
        subject.line(run.span)
    ))
}

/// What tells whether there is a transaction, or which.
fn numbers(subject: Subject<'_>, connection: &Connection, runs: &[Run<'_>]) -> Option<String> {
    let place = with(runs, Effect::TransactionNumber)
        .map(|run| run.span)
        .or_else(|| called(connection, &["is_in_transaction"]))?;
    Some(format!(
        "it is asked for the transaction, which is another one now (line {})",
        subject.line(place)
    ))
}

fn ends(subject: Subject<'_>, runs: &[Run<'_>]) -> Option<String> {
    let run = with(runs, Effect::OnCommit)?;
    Some(format!(
        "`ON COMMIT` comes at the end of the block now, and no longer at that of its statement (line {})",
        subject.line(run.span)
    ))
}

/// Statements that hand out or store the time, which stands still in a transaction.
fn times(subject: Subject<'_>, runs: &[Run<'_>]) -> Option<String> {
    let asking: Vec<&Run<'_>> = runs
        .iter()
        .filter(|run| run.has(Effect::TransactionTime))
        .collect();
    let again = |run: &&&Run<'_>| {
        let statements = run.statements.iter();
        let asks = |statement: &&&Statement| statement.effects.contains(&Effect::TransactionTime);
        run.in_loop || run.is_several && statements.filter(asks).count() > 1
    };
    // A statement that only compares with the time gets another answer when it is asked again later: a loop waits for that.
    let polls = |run: &&Run<'_>| run.in_loop && run.has(Effect::ReadsTime);
    let several = asking.get(1..).and_then(|further| further.last().copied());
    let last = several
        .or_else(|| asking.iter().find(again).copied())
        .or_else(|| runs.iter().find(polls))
        .or_else(|| stamped(subject, runs))?;
    Some(format!(
        "`now()` stands still in a transaction, so several statements get one time (line {})",
        subject.line(last.span)
    ))
}

/// The second of two statements that put rows into one table with the time at which they are made.
fn stamped<'r, 's>(subject: Subject<'_>, runs: &'r [Run<'s>]) -> Option<&'r Run<'s>> {
    let schema = subject.world.schema;
    let mut seen: Vec<TableName> = Vec::new();
    for run in runs {
        let mut here = Vec::new();
        for statement in &run.statements {
            let stores = statement.effects.contains(&Effect::StoresTime);
            let stamped = |table: &TableName| stores || schema.is_stamped(table);
            here.extend(statement.inserted().filter(stamped));
        }
        // Of the queries of one call only one is run.
        if !run.is_several {
            here.sort_unstable();
            here.dedup();
        }
        for table in here {
            if run.in_loop || seen.iter().any(|other| other.matches(&table)) {
                return Some(run);
            }
            seen.push(table);
        }
    }
    None
}
