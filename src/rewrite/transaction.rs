//! The rules under which a block may run inside the transaction that an RLS scope opens, each giving its reasons where it does not hold.
//!
//! A transaction changes what errors do: the first one of the connection aborts all later statements, and any that leaves the block
//! undoes the writes. It also changes when others see those writes, and what waits for whom.

use std::collections::BTreeSet;

use crate::facts::connection::{Connection, QueryCall};
use crate::facts::tables::parse_name;
use crate::language::usage::{Catch, Manner};
use crate::rewrite::Subject;
use crate::source::Span;
use crate::sql::Effect;

/// What the RLS scope's transaction changes.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// Why it is not possible.
    pub(super) refused: Vec<String>,
    /// What is not proven.
    pub(super) unproven: Vec<String>,
    /// What a reviewer should know.
    pub(super) notes: Vec<String>,
}

/// What changes for a block when a transaction is opened around it: whether it may be at all, and what would then be different.
///
/// `region` is the whole block, `body` what runs on the connection.
pub(super) fn around(
    subject: Subject<'_>,
    connection: &Connection,
    region: Span,
    body: Span,
) -> Transaction {
    let mut result = Transaction::default();
    for call in &connection.calls {
        forbidden(subject, call, &mut result.refused);
    }
    for other in connection.others.iter().filter(|other| other.outlives) {
        result.refused.push(format!(
            "the connection {} (line {})",
            other.what,
            subject.line(other.span)
        ));
    }
    if let Some(span) = connection.used_after {
        result.refused.push(format!(
            "the connection is used after the block (line {})",
            subject.line(span)
        ));
    }
    let refused = swallowed(subject, connection, region, body, &mut result.unproven);
    result.refused.extend(refused);
    result.unproven.extend(effective_now(subject, connection));
    writes(subject, connection, body, &mut result);
    result
        .notes
        .extend(foreign_await(subject, connection, body));
    owners_views(subject, &mut result);
    result
}

/// Views that read their tables with their owner's rights, which the schema does not show to be subject to the policies.
fn owners_views(subject: Subject<'_>, result: &mut Transaction) {
    let tables = subject.facts.tables.iter().flat_map(|tables| &tables.rls);
    let views = tables.filter(|name| subject.world.schema.owners_view(&parse_name(name)));
    result.notes.extend(views.map(|view| {
        format!("`{view}` is a view with its owner's rights; whether its owner is subject to the policies is not known")
    }));
}

/// Statements and methods that a surrounding transaction changes or forbids.
fn forbidden(subject: Subject<'_>, call: &QueryCall, reasons: &mut Vec<String>) {
    let line = subject.line(call.call.call);
    let effects: BTreeSet<Effect> = call
        .statements()
        .flat_map(|s| s.effects.iter().copied())
        .collect();
    if effects.contains(&Effect::NoTransaction) {
        reasons.push(format!(
            "a statement cannot run inside a transaction (line {line})"
        ));
    }
    if effects.contains(&Effect::TransactionControl) {
        reasons.push(format!(
            "the transaction is steered by SQL text (line {line})"
        ));
    }
    if sets_user(subject, call) {
        reasons.push(format!(
            "the user of row-level security is set by hand (line {line})"
        ));
    }
    // asyncpg refuses a nested transaction of another isolation level and ignores `readonly` and `deferrable` there.
    if call.call.method == "transaction" && !call.call.arguments.is_empty() {
        reasons.push(format!(
            "`.transaction(…)` has arguments, which a savepoint cannot have (line {line})"
        ));
    }
}

/// Whether a statement sets a setting that the policies read, which would override the user of the scope.
fn sets_user(subject: Subject<'_>, call: &QueryCall) -> bool {
    let sets = call.statements().any(|statement| {
        statement.effects.contains(&Effect::LocalSetting)
            || statement.effects.contains(&Effect::SessionSetting)
    });
    let text = call
        .call
        .arguments
        .first()
        .map(|argument| subject.text(argument.value()))
        .unwrap_or_default();
    sets && subject
        .world
        .schema
        .setting_names()
        .iter()
        .any(|name| text.contains(name.as_str()))
}

/// Statements that have an effect only inside of a transaction, where the block has none today.
fn effective_now(subject: Subject<'_>, connection: &Connection) -> Vec<String> {
    let file = subject.parsed();
    let has_transaction = connection
        .calls
        .iter()
        .filter(|call| call.call.method == "transaction")
        .any(|call| {
            file.language
                .statement(file.code(), call.call.call)
                .is_some()
        });
    if has_transaction {
        return Vec::new();
    }
    let late = |effect: &Effect| {
        matches!(
            effect,
            Effect::LocalSetting | Effect::TransactionLock | Effect::Cursor
        )
    };
    let calls = connection.calls.iter().filter(|call| {
        call.statements()
            .any(|statement| statement.effects.iter().any(late))
    });
    calls
        .map(|call| {
            format!(
                "a statement takes effect only in a transaction, which there is now (line {})",
                subject.line(call.call.call)
            )
        })
        .collect()
}

/// Errors that are caught inside the block while the connection is used on: PostgreSQL refuses every statement of a transaction after its
/// first error ("current transaction is aborted").
fn swallowed(
    subject: Subject<'_>,
    connection: &Connection,
    region: Span,
    body: Span,
    unproven: &mut Vec<String>,
) -> Vec<String> {
    let file = subject.parsed();
    let uses: Vec<Span> = connection
        .calls
        .iter()
        .map(|call| call.call.call)
        .chain(
            connection
                .others
                .iter()
                .filter(|other| other.passed)
                .map(|other| other.span),
        )
        .collect();
    let mut reasons = Vec::new();
    for catch in file.language.catches(file.code(), body) {
        let inside: Vec<Span> = uses
            .iter()
            .copied()
            .filter(|span| catch.body.contains(*span))
            .collect();
        if inside.is_empty()
            || inside
                .iter()
                .all(|span| in_savepoint(subject, connection, *span, catch.body))
        {
            continue;
        }
        let again = uses.iter().any(|span| {
            let in_handler = catch.span.contains(*span) && span.start >= catch.body.end;
            let behind = catch.falls_through && span.start >= catch.span.end;
            in_handler || behind
        });
        let repeated = (catch.falls_through || catch.continues)
            && file
                .language
                .innermost_loop(file.code(), catch.span, region)
                .is_some();
        let written = connection
            .calls
            .iter()
            .filter(|call| call.queries.is_some() && call.may_write());
        let undoes = catch.falls_through || catch.continues || swallows(subject, &catch);
        let lost = undoes
            && written.into_iter().any(|call| {
                call.call.call.start < catch.body.end
                    && !(inside.len() == 1 && inside[0] == call.call.call)
            });
        if lost && !(again || repeated) {
            unproven.push(format!(
                "a swallowed error (line {}) now undoes the writes before it",
                subject.line(catch.span)
            ));
        }
        if again || repeated {
            reasons.push(format!(
                "an error of the connection is caught and the connection is used again (line {})",
                subject.line(catch.span)
            ));
        }
    }
    reasons
}

/// Whether a handler ends an exception without raising again: by a `return`, too.
fn swallows(subject: Subject<'_>, catch: &Catch) -> bool {
    let file = subject.parsed();
    let handlers = Span::new(catch.body.end, catch.span.end.max(catch.body.end));
    catch.handles && file.language.raises(file.code(), handlers).is_empty()
}

/// Whether a use stands in an `async with conn.transaction():` inside `limit`, so that an error only undoes that savepoint.
fn in_savepoint(subject: Subject<'_>, connection: &Connection, used: Span, limit: Span) -> bool {
    let file = subject.parsed();
    connection
        .calls
        .iter()
        .filter(|call| call.call.method == "transaction")
        .any(|call| {
            let opened = file.language.statement(file.code(), call.call.call);
            call.call.manner == Manner::Entered
                && opened.is_some_and(|block| limit.contains(block) && block.contains(used))
        })
}

/// An await in the block that is not on the connection: while it lasts, the transaction stays open.
fn foreign_await(subject: Subject<'_>, connection: &Connection, body: Span) -> Option<String> {
    let file = subject.parsed();
    let uses: Vec<Span> = connection
        .calls
        .iter()
        .map(|call| call.call.call)
        .chain(connection.others.iter().map(|other| other.span))
        .collect();
    let foreign = file
        .language
        .awaits(file.code(), body)
        .into_iter()
        .find(|awaited| !uses.iter().any(|used| awaited.contains(*used)))?;
    Some(format!(
        "an await that is not on the connection holds the transaction open (line {})",
        subject.line(foreign)
    ))
}

/// Writes become one: what that means.
fn writes(subject: Subject<'_>, connection: &Connection, body: Span, result: &mut Transaction) {
    let writing: Vec<&QueryCall> = connection
        .calls
        .iter()
        .filter(|call| call.queries.is_some() && call.may_write())
        .collect();
    let file = subject.parsed();
    let transactions: Vec<Span> = connection
        .calls
        .iter()
        .filter(|call| call.call.method == "transaction" && call.call.manner == Manner::Entered)
        .filter_map(|call| file.language.statement(file.code(), call.call.call))
        .collect();
    let in_one = |spans: &[Span]| {
        transactions
            .iter()
            .any(|block| spans.iter().all(|span| block.contains(*span)))
    };
    let spans: Vec<Span> = writing.iter().map(|call| call.call.call).collect();
    let several = writing.len() > 1 || writing.iter().any(|call| call.in_loop);
    if several && !in_one(&spans) {
        result
            .notes
            .push("the writes of the block become one transaction".to_owned());
    }
    // A write inside a transaction that the exception leaves is undone by it today, too.
    let raised = file
        .language
        .raises(file.code(), body)
        .into_iter()
        .find(|raise| {
            spans
                .iter()
                .any(|write| write.end <= raise.start && !in_one(&[*write, *raise]))
        });
    if let Some(raised) = raised {
        result.unproven.push(format!(
            "an exception raised after a write (line {}) now undoes the write",
            subject.line(raised)
        ));
    }
}
