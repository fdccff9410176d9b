//! A call on a pool becomes the same call on a connection of a scope that is put around its statement.

use crate::edit::Edit;
use crate::facts::connection::{Connection, QueryCall};
use crate::language::ScopeKind;
use crate::language::usage::{Lending, Manner};
use crate::recipe::Template;
use crate::rewrite::{Proposal, Refusal, Subject, lent, proof, template, transaction};
use crate::source::Span;

/// Names for the connection, in order of preference.
const NAMES: [&str; 3] = ["conn", "connection", "db_connection"];

pub(super) fn propose(subject: Subject<'_>, with: &Template) -> Result<Proposal, Refusal> {
    let pool = subject.capture("POOL")?;
    let Some(query) = subject.call else {
        return Err(Refusal::one("the pool's method is not called here"));
    };
    if subject.world.driver.pool_is_given {
        return lend(subject, query, pool, with);
    }
    let file = subject.parsed();
    let statement = file
        .language
        .statement(file.code(), query.call.call)
        .ok_or_else(|| Refusal::one("the call stands in no statement"))?;
    let mut reasons = proof::shared_pool(subject);
    reasons.extend(proof::binds_nothing_else(subject, pool));
    reasons.extend(stands_alone(subject, query, statement));
    let connection = Connection {
        calls: vec![query.clone()],
        ..Connection::default()
    };
    let transaction = transaction::around(subject, &connection, statement, statement);
    reasons.extend(transaction.refused);
    let name = free_name(subject);
    if name.is_none() {
        reasons.push(format!("the names {} are all taken here", NAMES.join(", ")));
    }
    Refusal::unless_empty(reasons)?;
    let filled = template::fill(subject, with, statement.start)?;
    let name = name.unwrap_or(NAMES[0]);
    let header = file.language.scope_header(&filled.text, name, true);
    let Some(edits) = file
        .language
        .wrap_statement(file.code(), statement, &header)
    else {
        return Err(Refusal::one(
            "the statement cannot be moved into a block without changing its text",
        ));
    };
    let mut proposal = Proposal::new(statement, filled.target);
    proposal.unproven.extend(proof::doubt(subject));
    if !file
        .language
        .always_runs(file.code(), query.call.call, statement)
    {
        let always = "the call only runs under a condition, the block around its statement always";
        proposal.unproven.push(always.to_owned());
    }
    proposal.unproven.extend(filled.unproven);
    proposal.edits.push(Edit::replace(pool, name));
    proposal.move_lines(edits);
    proposal.imports = filled.imports;
    if filled.with_user {
        proposal
            .unproven
            .extend(proof::identity_missing(&subject.facts.identity));
        proposal.unproven.extend(transaction.unproven);
        proposal.notes.extend(transaction.notes);
        if query.may_write() && !file.language.is_whole_value(file.code(), query.call.whole) {
            let undoes = "an exception raised by the rest of the statement now undoes the write";
            proposal.unproven.push(undoes.to_owned());
        }
    }
    Ok(proposal)
}

/// The same where a connection is lent as a value, which has to be committed.
fn lend(
    subject: Subject<'_>,
    query: &QueryCall,
    pool: Span,
    with: &Template,
) -> Result<Proposal, Refusal> {
    let file = subject.parsed();
    let mut reasons = proof::shared_pool(subject);
    if query.call.manner != Manner::Awaited {
        reasons.push("the call is not awaited on the spot".to_owned());
    }
    if !query.call.arguments.iter().any(|own| own.value() == pool) {
        reasons
            .push("the query is a method of the pool; hand the connection to the query".to_owned());
    }
    let (inner, around) = (
        file.model.scope_at(query.call.call.start),
        file.function_at(query.call.call.start),
    );
    let in_closure = file
        .model
        .ancestors(inner)
        .take_while(|scope| Some(*scope) != around)
        .any(|scope| file.model.scope(scope).kind == ScopeKind::Lambda);
    if in_closure {
        reasons.push(
            "the call stands in a closure or a task, which may run when the user is another"
                .to_owned(),
        );
    }
    let connection = Connection {
        calls: vec![query.clone()],
        ..Connection::default()
    };
    let whole = query.call.whole;
    let transaction = transaction::around(subject, &connection, whole, whole);
    reasons.extend(transaction.refused);
    let free = |names: &[&'static str]| {
        let scope = file.model.scope_at(query.call.call.start);
        let taken = |name: &&&str| file.model.resolve(scope, name).is_some();
        names.iter().find(|name| !taken(name)).copied()
    };
    let (name, value) = (free(&TRANSACTIONS), free(values(&query.call.method)));
    let (Some(name), Some(value)) = (name, value) else {
        reasons.push(format!(
            "the names {} are all taken here",
            TRANSACTIONS.join(", ")
        ));
        return Err(Refusal {
            reasons,
            is_final: false,
        });
    };
    Refusal::unless_empty(reasons)?;
    let filled = template::fill(subject, with, whole.start)?;
    let lending = Lending {
        whole,
        executor: pool,
        scope: &filled.text,
        name,
        value,
    };
    let edits = file.language.lend(file.code(), &lending);
    let edits = edits
        .unwrap_or_else(|| Err("a connection is lent to a block here".to_owned()))
        .map_err(Refusal::one)?;
    let statement = file.language.statement(file.code(), whole);
    let mut proposal = Proposal::new(statement.unwrap_or(whole), filled.target);
    proposal.unproven.extend(filled.unproven);
    proposal
        .unproven
        .extend(lent::uncertain(&subject.facts.identity));
    proposal.unproven.extend(transaction.unproven);
    proposal.notes.extend(transaction.notes);
    proposal.edits = edits;
    proposal.imports = filled.imports;
    Ok(proposal)
}

/// Names for the transaction, in order of preference.
const TRANSACTIONS: [&str; 3] = ["tx", "rls_tx", "transaction"];

/// Names for what a query gives, in order of preference.
fn values(method: &str) -> &'static [&'static str] {
    match method {
        "fetch_all" => &["rows", "found", "all_rows"],
        "execute" => &["done", "result", "outcome"],
        _ => &["row", "found", "one_row"],
    }
}

/// The statement is a simple one, in an async function, and does nothing else with the database.
fn stands_alone(subject: Subject<'_>, query: &QueryCall, statement: Span) -> Vec<String> {
    let file = subject.parsed();
    let mut reasons = Vec::new();
    if query.call.manner != Manner::Awaited {
        reasons.push("the call is not awaited on the spot".to_owned());
    }
    if !file.language.is_simple(file.code(), statement) {
        reasons.push("the call is part of a larger statement".to_owned());
    }
    let in_function = file
        .function_at(statement.start)
        .is_some_and(|scope| file.model.scope(scope).is_async);
    if !in_function {
        reasons.push("the call does not stand in an async function".to_owned());
    }
    let inner = file.model.scope_at(query.call.call.start);
    if Some(inner) != file.function_at(statement.start) {
        reasons.push("the call stands in a comprehension or lambda".to_owned());
    }
    reasons
}

fn free_name(subject: Subject<'_>) -> Option<&'static str> {
    let file = subject.parsed();
    let scope = file.model.scope_at(subject.hit.site.start);
    NAMES.into_iter().find(|name| {
        let mut declared = file.model.declarations.iter();
        file.model.resolve(scope, name).is_none()
            && !declared.any(|declared| declared.name == *name)
    })
}
