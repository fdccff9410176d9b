//! What is called inside the block: exceptions that it raises behind a write, and other connections that it takes meanwhile.

use std::collections::BTreeMap;

use super::{Run, Transaction, Writes, runs};
use crate::facts::connection::Connection;
use crate::facts::effects::{Borrow, Effects, of_call, of_manager};
use crate::language::expression::CallSite;
use crate::rewrite::Subject;
use crate::source::Span;
use crate::sql::{Command, Effect, Statement, StatementKind, TableUse};

/// Something that a block runs, and what that does beside its result.
struct Called<'a> {
    /// Where it has run.
    span: Span,
    /// The call or statement that this is a part of.
    whole: Span,
    /// What is called, as it is written.
    name: &'a str,
    effects: Effects,
}

/// What called functions raise behind a write, and which connections they take.
pub(super) fn effects(
    subject: Subject<'_>,
    connection: &Connection,
    writes: &Writes,
    body: Span,
    result: &mut Transaction,
) {
    let mut called = calls(subject, body);
    called.extend(managers(subject, body));
    raises(subject, &called, writes, body, result);
    tells(subject, &called, writes, body, result);
    second_connections(subject, &called, connection, writes, body, result);
}

/// Exceptions that called functions raise behind a write.
fn raises(
    subject: Subject<'_>,
    called: &[Called<'_>],
    writes: &Writes,
    body: Span,
    result: &mut Transaction,
) {
    for call in called {
        if let Some(place) = &call.effects.raises
            && writes
                .before_part(subject, call.span, call.whole, body)
                .is_some()
        {
            result.unproven.push(format!(
                "`{}` after a write (line {}) may raise ({place}), which now undoes the write",
                call.name,
                subject.line(call.span)
            ));
            return;
        }
    }
}

/// Others who hear of a write behind it: they do not see it before the block is over, nor ever when it fails.
fn tells(
    subject: Subject<'_>,
    called: &[Called<'_>],
    writes: &Writes,
    body: Span,
    result: &mut Transaction,
) {
    let behind = |call: &&Called<'_>| {
        writes
            .before_part(subject, call.span, call.whole, body)
            .is_some()
    };
    let mut noted = false;
    for call in called.iter().filter(behind) {
        let line = subject.line(call.span);
        if let Some(what) = &call.effects.tells {
            result.unproven.push(format!(
                "`{what}` after a write (line {line}) reaches others before the write is committed"
            ));
            return;
        }
        if call.effects.hints && !noted {
            noted = true;
            result.notes.push(format!(
                "who hears of the write by `{}` (line {line}) sees it only when the block is over",
                call.name
            ));
        }
    }
}

/// Connections that are taken while this one is held: they do not see what the block has written, and wait for the rows that it has
/// changed.
fn second_connections(
    subject: Subject<'_>,
    called: &[Called<'_>],
    connection: &Connection,
    writes: &Writes,
    body: Span,
    result: &mut Transaction,
) {
    let runs = runs(subject, connection, body);
    let own: Vec<Span> = connection.calls.iter().map(|call| call.call.call).collect();
    let mut noted = false;
    for call in called {
        let effects = &call.effects;
        if own.contains(&call.span) || effects.borrows.is_empty() {
            continue;
        }
        let line = subject.line(call.span);
        let behind_write = writes
            .before_part(subject, call.span, call.whole, body)
            .is_some();
        let meets = effects
            .borrows
            .iter()
            .find(|borrow| meets(subject, borrow, writes));
        if let Some(borrow) = meets.filter(|_| behind_write) {
            let what = through(call, borrow);
            result.unproven.push(format!(
                "{what} takes another connection (line {line}), which does not see what this transaction has written and may wait for it"
            ));
            return;
        }
        if let Some(borrow) = waiting(subject, call, &runs, writes, body) {
            let what = through(call, borrow);
            result.unproven.push(format!(
                "{what} takes another connection (line {line}), which waits for a lock that this transaction holds"
            ));
            return;
        }
        if !noted {
            noted = true;
            let what = through(call, &effects.borrows[0]);
            result.notes.push(format!(
                "{what} takes another connection while this one is held (line {line}): with a pool of one it waits for ever"
            ));
        }
    }
}

/// The connection taken by `call` that waits for a lock which a statement of the block has taken before: of rows, or of a whole table.
fn waiting<'c>(
    subject: Subject<'_>,
    call: &'c Called<'_>,
    runs: &[Run<'_>],
    writes: &Writes,
    body: Span,
) -> Option<&'c Borrow> {
    let earlier = runs
        .iter()
        .filter(|run| writes.has_run(subject, run.span, call.span, call.whole, body));
    let held: Vec<&Statement> = earlier
        .flat_map(|run| run.statements.iter().copied())
        .collect();
    call.effects.borrows.iter().find(|borrow| {
        let Some(queries) = &borrow.queries else {
            return held.iter().any(|held| locks(held));
        };
        let mut wanted = queries.iter().flat_map(|query| &query.statements);
        wanted.any(|wanted| held.iter().any(|held| collide(subject, held, wanted)))
    })
}

/// Whether a statement locks more than its reading or writing does.
fn locks(statement: &Statement) -> bool {
    let effects = &statement.effects;
    effects.contains(&Effect::RowLock) || effects.contains(&Effect::TableLock)
}

/// Whether `wanted` waits until the transaction of `held` is over.
fn collide(subject: Subject<'_>, held: &Statement, wanted: &Statement) -> bool {
    let schema = subject.world.schema;
    let of_table = |statement: &Statement| statement.effects.contains(&Effect::TableLock);
    let of_rows = |statement: &Statement| statement.effects.contains(&Effect::RowLock);
    let is_open =
        |statement: &Statement| statement.tables_open || !statement.unknown_functions.is_empty();
    // A definition does not tell its table.
    let any_table = |statement: &Statement| of_table(statement) && statement.tables.is_empty();
    let uses = |statement: &Statement| !statement.tables.is_empty() || is_open(statement);
    if any_table(held) && uses(wanted) || any_table(wanted) && (uses(held) || any_table(held)) {
        return true;
    }
    if locks(held) && is_open(wanted) || locks(wanted) && is_open(held) {
        return true;
    }
    held.tables.iter().any(|one| {
        wanted.tables.iter().any(|other| {
            let same = one.table.matches(&other.table);
            let changes = other.command != Command::Select;
            let of_tables = same && (of_table(held) || of_table(wanted));
            // To put in a row that refers to another one is to lock that.
            of_tables
                || of_rows(held)
                    && one.command != Command::Select
                    && changes
                    && (same || schema.is_tied(&one.table, &other.table))
        })
    })
}

/// Whether what another connection does can have to do with the writes of the block: it uses a table that they change, changes one that
/// foreign keys or triggers may tie to them, or is not known.
fn meets(subject: Subject<'_>, borrow: &Borrow, writes: &Writes) -> bool {
    let (Some(queries), Some(changed)) = (&borrow.queries, &writes.tables) else {
        return true;
    };
    let schema = subject.world.schema;
    let meets = |statement: &Statement| {
        // A definition waits for the writes of its table, which it does not tell.
        let is_open = statement.tables_open
            || !statement.unknown_functions.is_empty()
            || statement.kind == StatementKind::Definition;
        let uses = |used: &TableUse| {
            changed.iter().any(|table| {
                let changes = used.command != Command::Select;
                table.matches(&used.table) || (changes && schema.is_tied(table, &used.table))
            })
        };
        is_open || statement.tables.iter().any(uses)
    };
    queries
        .iter()
        .any(|query| query.statements.is_empty() || query.statements.iter().any(meets))
}

/// The calls inside the block, not those of functions that are defined there.
fn calls(subject: Subject<'_>, body: Span) -> Vec<Called<'_>> {
    let file = subject.parsed();
    let around = file.function_at(body.start);
    let here = file
        .outline
        .calls
        .iter()
        .filter(|call| body.contains(call.span))
        .filter(|call| file.model.function_around(call.scope) == around);
    // The calls are in source order; one that is an argument of another stands behind it and runs before it, which is all the same here.
    let by_place: BTreeMap<Span, &CallSite> = here.map(|call| (call.span, call)).collect();
    by_place
        .into_values()
        .map(|call| Called {
            span: call.span,
            whole: call.span,
            name: first_line(subject.text(call.callee)),
            effects: of_call(subject.world, subject.file, call),
        })
        .collect()
}

/// The resources that are opened inside the block: what opening one does where it stands, and what closing it does at the end of its body.
fn managers(subject: Subject<'_>, body: Span) -> Vec<Called<'_>> {
    let file = subject.parsed();
    let entered = file.language.entered(file.code(), body).into_iter();
    entered
        .flat_map(|entered| {
            let (opening, closing) = of_manager(subject.world, subject.file, entered);
            let name = first_line(subject.text(entered.resource));
            let end = Span::new(entered.body.end, entered.body.end);
            [(entered.resource, opening), (end, closing)].map(|(span, effects)| Called {
                span,
                whole: entered.span,
                name,
                effects,
            })
        })
        .collect()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What takes the connection, and by which call of the block.
fn through(call: &Called<'_>, borrow: &Borrow) -> String {
    let called = call.name;
    if called == borrow.what {
        format!("`{called}`")
    } else {
        format!("`{}`, called by `{called}`,", borrow.what)
    }
}
