//! An acquire and its release in a `finally` become a scope: `conn = await pool.acquire()`, `try: … finally: await pool.release(conn)`.

use crate::edit::Edit;
use crate::language::usage::Cleanup;
use crate::recipe::Template;
use crate::rewrite::{Proposal, Refusal, Subject, proof, template, transaction, unit_of_work};
use crate::source::Span;

pub(super) fn propose(subject: Subject<'_>, with: &Template) -> Result<Proposal, Refusal> {
    let shape = subject.shape()?;
    let (assignment, name) = (subject.capture("ASSIGN")?, subject.capture("CONN")?);
    let (pair, is_async) = pair(subject, assignment, name)?;
    let mut reasons = proof::shared_pool(subject);
    reasons.extend(proof::binds_nothing_else(
        subject,
        subject.capture("ACQUIRE")?,
    ));
    reasons.extend(proof::no_arguments(subject, shape.get("ARGS").copied()));
    // Handlers that stay are part of what the connection is open for.
    let body = if pair.handles {
        Span::new(pair.header.start, pair.clause.start)
    } else {
        pair.body
    };
    let connection = crate::facts::connection::follow(
        subject.world,
        subject.file,
        subject.text(name),
        name,
        body,
    );
    if let Some(span) = connection.rebound {
        reasons.push(format!(
            "the connection's name is bound again (line {})",
            subject.line(span)
        ));
    }
    if let Some(span) = connection.ended {
        reasons.push(format!(
            "the connection is closed, reset or given back in the `try` already (line {})",
            subject.line(span)
        ));
    }
    reasons.extend(used_elsewhere(subject, name, body, pair.clause));
    Refusal::unless_empty(reasons)?;
    let filled = template::fill(subject, with, assignment.start)?;
    let mut proposal = Proposal::new(Span::new(assignment.start, pair.clause.end), filled.target);
    proposal.unproven.extend(proof::doubt(subject));
    proposal.unproven.extend(filled.unproven);
    if filled.with_user {
        let mut transaction = transaction::around(subject, &connection, proposal.region, pair.body);
        // The release behind the body is not a use after the block.
        transaction
            .refused
            .retain(|reason| !reason.contains("after the block"));
        Refusal::unless_empty(transaction.refused)?;
        proposal
            .unproven
            .extend(proof::identity_missing(&subject.facts.identity));
        proposal.unproven.extend(transaction.unproven);
        proposal.notes.extend(transaction.notes);
    }
    if subject.world.driver.session.is_some() {
        let scope = subject.world.standard.session;
        if scope.is_async.is_some_and(|there| there != is_async) {
            return Err(Refusal::one(
                "the session and the standard's scope are not both asynchronous",
            ));
        }
        let whole = Span::new(pair.header.start, pair.clause.end);
        let unproven = unit_of_work::unproven(subject, &connection, scope, whole, true);
        proposal.unproven.extend(unproven);
    }
    let file = subject.parsed();
    proposal
        .edits
        .push(file.language.remove_statement(file.code(), assignment));
    let header = file
        .language
        .scope_header(&filled.text, subject.text(name), is_async);
    let start = file.source.line_start(pair.clause.start);
    let end = file.source.line_end(pair.clause.end.saturating_sub(1));
    proposal.edits.push(Edit::delete(Span::new(start, end)));
    if pair.handles {
        // The handlers stay, inside of the scope.
        let whole = Span::new(pair.header.start, pair.clause.end);
        let Some(moved) = file.language.wrap_statement(file.code(), whole, &header) else {
            return Err(Refusal::one(
                "the `try` cannot be moved into a block without changing its text",
            ));
        };
        proposal.move_lines(moved);
    } else {
        proposal.edits.push(Edit::replace(pair.header, header));
    }
    proposal.imports = filled.imports;
    Ok(proposal)
}

/// Finds the `try` behind the acquire, with a `finally` that does nothing but give the connection back.
fn pair(subject: Subject<'_>, assignment: Span, name: Span) -> Result<(Cleanup, bool), Refusal> {
    let file = subject.parsed();
    let next = file.language.next_statement(file.code(), assignment);
    let pair = next.and_then(|next| file.language.cleanup(file.code(), next));
    let Some(pair) = pair else {
        return Err(leak(subject, name));
    };
    if pair.handles && subject.world.driver.session.is_none() {
        return Err(Refusal::one(
            "the `try` around the connection has handlers of its own",
        ));
    }
    if !file.language.comments(file.code(), pair.clause).is_empty() {
        return Err(Refusal::one(
            "the `finally` holds a comment that would be lost",
        ));
    }
    let text = subject.text(pair.clause);
    let mut releases = subject.world.driver.release.iter();
    if text.contains("if ") && releases.any(|release| text.contains(&format!(".{release}("))) {
        return Err(Refusal::one(
            "the connection is given back only under a condition: a leak on the other paths",
        ));
    }
    match only_releases(subject, &pair.statements, name) {
        Some(is_async) => Ok((pair, is_async)),
        None => Err(Refusal::one(
            "the `finally` does not just give the connection back to the pool that it was taken from",
        )),
    }
}

/// The finding where no adjacent release is certain: whether there is a release at all.
fn leak(subject: Subject<'_>, name: Span) -> Refusal {
    let file = subject.parsed();
    let text = subject.text(name);
    let driver = subject.world.driver;
    let closes = driver.session.iter().flat_map(|session| &session.close);
    let gives_back: Vec<&String> = driver.release.iter().chain(closes).collect();
    let released = file.outline.calls.iter().any(|call| {
        gives_back.contains(&&*call.name)
            && subject.text(call.span).contains(text)
            && file.function_at(call.span.start) == file.function_at(name.start)
    });
    Refusal::one(if released {
        "the release is not in a `finally` directly behind the acquire: an error or an early return in between leaks the connection"
    } else {
        "the connection is never given back in this function: a leak, unless another part of the program does it"
    })
}

/// Whether the release is awaited, if it is all that the statements do.
fn only_releases(subject: Subject<'_>, statements: &[Span], name: Span) -> Option<bool> {
    let [only] = statements else { return None };
    let text: String = subject.text(*only).split_whitespace().collect();
    let conn = subject.text(name);
    // A pair: what is borrowed from one pool is given back to the same.
    let pool: String = subject
        .capture("POOL")
        .map(|pool| subject.text(pool))
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let driver = subject.world.driver;
    let releases = driver.release.iter();
    let mut releases = releases.map(|release| format!("{pool}.{release}({conn})"));
    // A session gives its connection back itself.
    let closes = driver.session.iter().flat_map(|session| &session.close);
    let mut closes = closes.map(|close| format!("{conn}.{close}()"));
    let (call, is_async) = match text.strip_prefix("await") {
        Some(call) => (call, true),
        None => (text.as_str(), false),
    };
    let given_back = is_async && releases.any(|release| call == release);
    (given_back || closes.any(|close| call == close)).then_some(is_async)
}

/// The connection is used nowhere but in the body and in its release.
fn used_elsewhere(subject: Subject<'_>, name: Span, body: Span, clause: Span) -> Vec<String> {
    let file = subject.parsed();
    let text = subject.text(name);
    let Some(owner) = file.model.resolve(file.model.scope_at(name.start), text) else {
        return Vec::new();
    };
    let outside = file.model.references_to(owner, text).find(|reference| {
        !body.contains(reference.span)
            && !clause.contains(reference.span)
            && reference.span.start > name.start
    });
    outside
        .map(|reference| {
            format!(
                "the connection is used after it was given back (line {})",
                subject.line(reference.span)
            )
        })
        .into_iter()
        .collect()
}
