//! Errors that are caught while the transaction goes on: PostgreSQL refuses every statement of a transaction after its first error
//! ("current transaction is aborted"), up to the savepoint that it happened in.

use super::{Transaction, Writes};
use crate::facts::connection::Connection;
use crate::facts::errors;
use crate::language::usage::{Catch, Usage};
use crate::project::Symbol;
use crate::rewrite::Subject;
use crate::source::Span;
use crate::sql::{Command, SqlFacts};

/// Errors of the connection that are caught inside the block.
pub(super) fn swallowed(
    subject: Subject<'_>,
    connection: &Connection,
    writes: &Writes,
    region: Span,
    body: Span,
    result: &mut Transaction,
) {
    let file = subject.parsed();
    let uses = uses(subject, connection);
    let savepoints = &writes.transactions;
    let caught_in = |limit: Span| -> Vec<Span> {
        let spared = |used: Span| {
            savepoints
                .iter()
                .any(|block| limit.contains(*block) && block.contains(used))
        };
        let inside = uses.iter().copied().filter(|used| limit.contains(*used));
        inside.filter(|used| !spared(*used)).collect()
    };
    for catch in errors::catches(subject.world, subject.file, body) {
        let inside = caught_in(catch.body);
        if inside.is_empty() {
            continue;
        }
        let line = subject.line(catch.span);
        if used_behind(&uses, &catch) || repeated(subject, &catch, region) {
            result.refused.push(format!(
                "an error of the connection is caught and the connection is used again (line {line})"
            ));
        } else if errors::ends_in(file, &catch) && undoes_write(writes, catch.body.end, &inside) {
            result.unproven.push(format!(
                "a swallowed error (line {line}) now undoes the writes before it"
            ));
        }
    }
    for catch in errors::catches(subject.world, subject.file, body) {
        deferred(subject, connection, &catch, result);
    }
    for entered in errors::doubtful(subject.world, subject.file, body) {
        let inside = caught_in(entered.body);
        if inside.is_empty() {
            continue;
        }
        // The next round of a loop around it comes behind it, too: `for attempt in retrying: with attempt: …`.
        let again = uses.iter().any(|used| used.start >= entered.span.end)
            || file
                .language
                .innermost_loop(file.code(), entered.span, region)
                .is_some();
        let outcome = if again {
            "which is used again behind it"
        } else if undoes_write(writes, entered.body.end, &inside) {
            "which would undo the writes before them"
        } else {
            continue;
        };
        result.unproven.push(format!(
            "it is not known whether `{}` swallows errors of the connection, {outcome} (line {})",
            subject
                .text(entered.resource)
                .lines()
                .next()
                .unwrap_or_default(),
            subject.line(entered.resource)
        ));
    }
}

/// A handler around a change that is only checked when the transaction ends: it is not there any more when that fails.
fn deferred(
    subject: Subject<'_>,
    connection: &Connection,
    catch: &Catch,
    result: &mut Transaction,
) {
    let schema = subject.world.schema;
    let checked_later = |run: &super::Run<'_>| {
        let statements = run.statements.iter();
        let mut changed = statements
            .flat_map(|statement| &statement.tables)
            .filter(|used| used.command != Command::Select);
        changed.any(|used| schema.is_deferred(&used.table))
    };
    let runs = super::runs(subject, connection, catch.body);
    let mut inside = runs.iter().filter(|run| catch.body.contains(run.span));
    if let Some(run) = inside.find(|run| catch.handles && checked_later(run)) {
        result.unproven.push(format!(
            "a deferred constraint is checked when the transaction ends, and no longer where its error is caught (line {})",
            subject.line(run.span)
        ));
    }
}

/// Errors of the connection that are caught by what it is passed to.
pub(super) fn swallowed_elsewhere(
    subject: Subject<'_>,
    connection: &Connection,
    writes: &Writes,
    region: Span,
    result: &mut Transaction,
) {
    let file = subject.parsed();
    let uses = uses(subject, connection);
    let savepoints = &writes.transactions;
    for other in connection.others.iter().filter(|other| other.passed) {
        // An error inside a savepoint that goes on is met by what ends the savepoint.
        let in_loop = file
            .language
            .innermost_loop(file.code(), other.span, region)
            .is_some();
        let again = in_loop
            || uses.iter().any(|used| used.start >= other.span.end)
            || savepoints.iter().any(|block| block.contains(other.span));
        let written = writes
            .spans
            .iter()
            .any(|write| write.end <= other.span.start);
        let line = subject.line(other.span);
        if let Some(swallowed) = &other.behind.swallowed {
            let place = &swallowed.place;
            let changed = other.behind.queries.iter().flat_map(SqlFacts::changed);
            let mut deferred = changed.filter(|table| subject.world.schema.is_deferred(table));
            if deferred.next().is_some() {
                result.unproven.push(format!(
                    "a deferred constraint is checked when the transaction ends, and no longer where its error is caught ({place})"
                ));
            }
            if swallowed.used_again || again {
                result.refused.push(format!(
                    "an error of the connection is caught at {place} and the connection is used again (line {line})"
                ));
            } else if written {
                result.unproven.push(format!(
                    "an error that is swallowed at {place} now undoes the writes before it (line {line})"
                ));
            }
        } else if other.behind.is_lost && (again || written) && !is_builtin(subject, other.span) {
            let outcome = if again {
                "the connection is used again behind it"
            } else {
                "which would undo the writes before it"
            };
            result.unproven.push(format!(
                "the connection {}, which may catch its errors; {outcome} (line {line})",
                other.what
            ));
        }
        if let Some(decorator) = &other.behind.decorated {
            result.unproven.push(format!(
                "the connection {} (line {line}), and it is not known whether {decorator} catches its errors and goes on",
                other.what
            ));
        }
    }
}

/// Whether what stands at `argument` is passed to a function of the language itself, such as `print` or `dict`, which catches nothing.
fn is_builtin(subject: Subject<'_>, argument: Span) -> bool {
    let file = subject.parsed();
    let Usage::Argument { callee, .. } = file.language.usage(file.code(), argument) else {
        return false;
    };
    let symbol = subject.world.project.symbol(subject.file, callee);
    matches!(symbol, Some(Symbol::Unbound(_)))
}

/// Where the connection is used, or passed to what may use it; an object that it was given to uses it, too.
fn uses(subject: Subject<'_>, connection: &Connection) -> Vec<Span> {
    let calls = connection.calls.iter().map(|call| call.call.call);
    let passed = connection.others.iter().filter(|other| other.passed);
    let handles = connection.handles.iter().copied();
    calls
        .chain(passed.flat_map(|other| {
            let given = given_to(subject, other.span).into_iter();
            given.chain([other.span])
        }))
        .chain(handles)
        .collect()
}

/// The uses of the object that a call gives which gets the connection at `argument`: `lots = Lots(conn)`. What is awaited on the spot is
/// a result.
fn given_to(subject: Subject<'_>, argument: Span) -> Vec<Span> {
    let file = subject.parsed();
    let Usage::Argument { call, .. } = file.language.usage(file.code(), argument) else {
        return Vec::new();
    };
    let mut named = file.model.bindings.iter();
    let named = named.find(|binding| binding.value == Some(call));
    let references = named
        .into_iter()
        .flat_map(|binding| file.model.references_to(binding.scope, &binding.name));
    references.map(|reference| reference.span).collect()
}

/// Whether the connection is used in a handler, or behind a place that goes on after an error.
fn used_behind(uses: &[Span], catch: &Catch) -> bool {
    uses.iter().any(|span| {
        let in_handler = catch.span.contains(*span) && span.start >= catch.body.end;
        let behind = catch.falls_through && span.start >= catch.span.end;
        in_handler || behind
    })
}

/// Whether the block goes into another round of a loop after an error.
fn repeated(subject: Subject<'_>, catch: &Catch, region: Span) -> bool {
    let file = subject.parsed();
    (catch.falls_through || catch.continues)
        && file
            .language
            .innermost_loop(file.code(), catch.span, region)
            .is_some()
}

/// Whether a write has run when an error is caught at `end`: not one that is all that can fail there.
fn undoes_write(writes: &Writes, end: usize, inside: &[Span]) -> bool {
    writes
        .spans
        .iter()
        .any(|write| write.start < end && inside != [*write])
}
