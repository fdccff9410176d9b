//! A block that borrows a connection becomes helper calls, each on a connection of its own (the block goes, its body moves out).

use std::collections::BTreeSet;

use crate::facts::connection::Connection;
use crate::facts::errors;
use crate::language::usage::Catch;
use crate::rewrite::{Proposal, Refusal, Subject, proof, template};
use crate::source::Span;

pub(super) fn propose(subject: Subject<'_>) -> Result<Proposal, Refusal> {
    let shape = subject.shape()?;
    let (block, item) = (subject.capture("BLOCK")?, subject.capture("ITEM")?);
    let Some(connection) = subject.connection else {
        return Err(Refusal::one("the block does not name its connection"));
    };
    let mut reasons = proof::shared_pool(subject);
    reasons.extend(proof::binds_nothing_else(
        subject,
        subject.capture("ACQUIRE")?,
    ));
    reasons.extend(proof::no_arguments(subject, shape.get("ARGS").copied()));
    let file = subject.parsed();
    if file.language.opens_more(file.code(), item) {
        reasons.push("the `with` has further items".to_owned());
    }
    reasons.extend(proof::only_mapped_calls(subject, connection));
    reasons.extend(proof::no_session_state(subject, &connection.calls));
    Refusal::unless_empty(reasons)?;

    let mut proposal = Proposal::new(block, "");
    proposal.unproven.extend(proof::doubt(subject));
    proposal
        .unproven
        .extend(borrowing_caught(subject, connection, block));
    let mut helpers = BTreeSet::new();
    for call in &connection.calls {
        let Some(helper) = subject.world.standard.helpers.get(&call.call.method) else {
            continue;
        };
        let local = template::name_at(
            subject,
            &helper.name,
            call.call.call.start,
            &mut proposal.imports,
        )?;
        let callee = call.call.callee;
        let called = file.language.replace_access(file.code(), callee, &local);
        proposal.edits.extend(called);
        helpers.insert(helper.name.clone());
        let line = subject.line(call.call.call);
        for reason in proof::besides(subject, helper, call) {
            if !proposal.unproven.contains(&reason) {
                proposal.unproven.push(reason);
            }
        }
        if let Some(conversion) = &helper.converts {
            proposal.unproven.push(format!(
                "`{}` gives another type: {conversion} (line {line})",
                helper.name
            ));
        }
        if call.in_loop {
            proposal
                .notes
                .push(format!("one acquire per iteration (line {line})"));
        }
    }
    proposal.imports.sort();
    proposal.imports.dedup();
    proposal.unproven.dedup();
    let Some(moved) = file.language.unwrap_block(file.code(), block) else {
        return Err(Refusal::one(
            "the block cannot be moved to its header's indentation without changing its text",
        ));
    };
    proposal.move_lines(moved);
    proposal.target = helpers.into_iter().collect::<Vec<_>>().join(", ");
    Ok(proposal)
}

/// Errors that a statement has by itself: a handler that catches no others does not catch those of borrowing a connection.
const OF_STATEMENTS: [&str; 12] = [
    "ViolationError",
    "DataError",
    "UndefinedTableError",
    "UndefinedColumnError",
    "DuplicateTableError",
    "SerializationError",
    "DeadlockDetectedError",
    "ValueError",
    "TypeError",
    "KeyError",
    "IndexError",
    "JSONDecodeError",
];

/// Handlers inside the block that would catch an error of borrowing a connection: the block borrowed before them, each helper borrows
/// inside.
fn borrowing_caught(subject: Subject<'_>, connection: &Connection, block: Span) -> Option<String> {
    let file = subject.parsed();
    let catches = errors::catches(subject.world, subject.file, block);
    let catch = catches.iter().find(|catch| {
        let calls = || {
            let mut calls = connection.calls.iter();
            calls.any(|call| catch.body.contains(call.call.call))
        };
        catch.handles && catch.span != block && calls() && !only_of_statements(file.text(), catch)
    })?;
    Some(format!(
        "an error of borrowing a connection would now be caught inside the block (line {})",
        subject.line(catch.span)
    ))
}

/// Whether each handler names errors that only statements have.
fn only_of_statements(text: &str, catch: &Catch) -> bool {
    let names_them = |handler: &str| {
        let header = handler.lines().next().unwrap_or_default();
        let header = header.trim_start();
        let types = header.strip_prefix("except").and_then(|rest| {
            let rest = rest.split(':').next()?;
            Some(rest.split(" as ").next().unwrap_or(rest))
        });
        types.is_some_and(|types| {
            let mut names = types
                .trim_matches(['*', '(', ')', ' '])
                .split(',')
                .map(str::trim)
                .peekable();
            names.peek().is_some_and(|first| !first.is_empty())
                && names.all(|name| {
                    let last = name.rsplit('.').next().unwrap_or(name);
                    OF_STATEMENTS.iter().any(|known| last.ends_with(known))
                })
        })
    };
    let handlers = Span::new(catch.body.end, catch.span.end.max(catch.body.end)).text(text);
    let mut parts = handlers
        .lines()
        .filter(|line| line.trim_start().starts_with("except"))
        .peekable();
    parts.peek().is_some() && parts.all(names_them)
}
