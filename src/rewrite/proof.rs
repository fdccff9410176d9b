//! The rules under which a connection may be replaced, each giving its reasons where it does not hold.

use std::collections::BTreeSet;

use crate::facts::connection::{Connection, QueryCall};
use crate::facts::session_scope::SessionScope;
use crate::facts::standard::Helper;
use crate::finding::Identity;
use crate::language::BindingKind;
use crate::language::expression::Argument;
use crate::language::usage::Manner;
use crate::recipe::PoolClass;
use crate::rewrite::{Subject, lender};
use crate::source::Span;
use crate::sql::{Effect, StatementKind};

/// The pool is the shared one, and the site is not in the module that defines the standard.
pub(super) fn shared_pool(subject: Subject<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    let any = subject.world.driver.any_pool;
    if let Some(pool) = subject.facts.pool.as_ref().filter(|_| !any) {
        match pool.class {
            PoolClass::Shared => {}
            PoolClass::Own => {
                reasons.push(format!("the pool is not the shared one: {}", pool.story));
            }
            PoolClass::Unknown => reasons.push(format!(
                "the pool is not known to be the shared one: {}",
                pool.story
            )),
        }
    }
    if subject.world.standard.is_file(subject.file) {
        reasons.push("the standard's own module would call itself".to_owned());
    }
    reasons
}

/// Nothing else reads a name that the header binds on the way: `async with (pool := get_db_pool()).acquire() as conn`.
pub(super) fn binds_nothing_else(subject: Subject<'_>, header: Span) -> Vec<String> {
    let model = &subject.parsed().model;
    let walruses = model
        .bindings
        .iter()
        .filter(|binding| binding.kind == BindingKind::Walrus && header.contains(binding.span));
    let read = walruses.filter(|binding| {
        model
            .references_to(binding.scope, &binding.name)
            .any(|reference| !header.contains(reference.span))
    });
    read.map(|binding| {
        format!(
            "the header binds `{}`, which is read elsewhere",
            binding.name
        )
    })
    .collect()
}

/// Why a block cannot open what `scope` describes: one is asynchronous and the other is not.
pub(super) fn entered_alike(subject: Subject<'_>, block: Span, scope: SessionScope) -> Vec<String> {
    let file = subject.parsed();
    let here = file.language.is_async_block(file.code(), block);
    let mut reasons = Vec::new();
    if scope.is_async.is_some_and(|there| there != here) {
        let word = |is_async| {
            if is_async {
                "asynchronous"
            } else {
                "synchronous"
            }
        };
        reasons.push(format!(
            "the block is {}, and the standard's form {}",
            word(here),
            word(!here)
        ));
    }
    reasons
}

/// What is not proven of the pool though all that is seen speaks for it.
pub(super) fn doubt(subject: Subject<'_>) -> Option<String> {
    if subject.world.driver.any_pool {
        return lender::other_database(subject);
    }
    let doubt = subject.facts.pool.as_ref()?.doubt.as_ref()?;
    Some(format!(
        "the pool is the shared one wherever it is seen, but {doubt}"
    ))
}

/// `acquire()` has no arguments, which no standard form takes.
pub(super) fn no_arguments(subject: Subject<'_>, arguments: Option<Span>) -> Vec<String> {
    let text = arguments.map(|span| subject.text(span)).unwrap_or_default();
    let inner = text.trim_start_matches('(').trim_end_matches(')').trim();
    if inner.is_empty() {
        Vec::new()
    } else {
        vec![format!(
            "`acquire({inner})`: the standard forms take no such argument"
        )]
    }
}

/// Every use of the connection is a call of a method that a helper stands for, with arguments that it takes.
pub(super) fn only_mapped_calls(subject: Subject<'_>, connection: &Connection) -> Vec<String> {
    let mut reasons = Vec::new();
    for other in &connection.others {
        reasons.push(format!(
            "the connection {} (line {})",
            other.what,
            subject.line(other.span)
        ));
    }
    for call in &connection.calls {
        reasons.extend(mapped(subject, call));
    }
    if connection.calls.is_empty() && connection.others.is_empty() {
        reasons.push("the connection is never used".to_owned());
    }
    if let Some(span) = connection.rebound {
        reasons.push(format!(
            "the connection's name is bound again inside the block (line {})",
            subject.line(span)
        ));
    }
    if let Some(span) = connection.used_after {
        reasons.push(format!(
            "the connection is used after the block (line {})",
            subject.line(span)
        ));
    }
    if let Some(span) = connection.name_needed {
        reasons.push(format!(
            "the name of the connection is still needed outside of the block (line {})",
            subject.line(span)
        ));
    }
    reasons
}

/// Whether a helper stands for one call; the reasons why not.
pub(super) fn mapped(subject: Subject<'_>, call: &QueryCall) -> Vec<String> {
    let line = subject.line(call.call.call);
    let method = &call.call.method;
    let Some(helper) = subject.world.standard.helpers.get(method) else {
        let why = subject.world.standard.no_helper(method);
        return vec![format!("{why} (line {line})")];
    };
    let mut reasons = Vec::new();
    if call.call.manner != Manner::Awaited {
        reasons.push(format!(
            "the result of `.{method}()` is not awaited on the spot (line {line})"
        ));
    }
    reasons.extend(taken(helper, &call.call.arguments).map(|why| format!("{why} (line {line})")));
    let several = call.is_script() && call.call.arguments.len() == 1;
    if several {
        reasons.push(format!(
            "`.{method}()` holds several statements (line {line})"
        ));
    }
    reasons
}

/// Why a helper does not take these arguments.
fn taken(helper: &Helper, arguments: &[Argument]) -> Option<String> {
    let name = &helper.name;
    let mut positional = 0;
    let mut by_name = Vec::new();
    for argument in arguments {
        match argument {
            Argument::Positional(_) => positional += 1,
            Argument::Spread(_) if helper.spreads => positional = positional.max(1),
            Argument::Spread(_) => return Some(format!("`{name}` takes no spread arguments")),
            Argument::Keyword { name: keyword, .. } if helper.keywords.contains(keyword) => {
                by_name.push(keyword);
            }
            Argument::Keyword { name: keyword, .. } if helper.ignored.contains(keyword) => {
                return Some(format!(
                    "`{name}` does not pass `{keyword}=` on to its query"
                ));
            }
            Argument::Keyword { name: keyword, .. } => {
                return Some(format!("`{name}` takes no `{keyword}=`"));
            }
            Argument::KeywordSpread(_) => {
                return Some(format!("`{name}` may not take what `**` passes"));
            }
        }
    }
    if positional == 0 {
        return Some(format!("`{name}` needs the query as its first argument"));
    }
    let (by_position, only_by_name) = &helper.required;
    let mut needed = by_position.iter().skip(positional).chain(only_by_name);
    if let Some(missing) = needed.find(|needed| !by_name.contains(needed)) {
        return Some(format!(
            "`{name}` needs `{missing}`, which is not known here"
        ));
    }
    if helper.spreads || positional <= helper.positional {
        return None;
    }
    Some(match helper.positional {
        1 => format!("`{name}` does not take the parameters of the query one by one"),
        takes => format!("`{name}` takes {takes} arguments, not {positional}"),
    })
}

/// What a helper does at a call besides the method that it stands for, and what it gives instead of the result that is used.
pub(super) fn besides(subject: Subject<'_>, helper: &Helper, call: &QueryCall) -> Vec<String> {
    let (name, method) = (&helper.name, &call.call.method);
    let reading = &helper.reading;
    let differs = reading.differs.iter();
    let mut reasons: Vec<String> = differs
        .map(|why| format!("`{name}` is not just `.{method}()`: {why}"))
        .collect();
    let file = subject.parsed();
    let whole = call.call.whole;
    let is_used = file.language.statement(file.code(), whole) != Some(whole);
    if let Some(result) = reading.result.as_ref().filter(|_| is_used) {
        reasons.push(format!("`{name}` {result}, where the result is used"));
    }
    let refuses_transactions = call.statements().any(|statement| {
        statement.effects.contains(&Effect::NoTransaction)
            || statement.kind == StatementKind::Procedure
    });
    if reading.in_transaction && (refuses_transactions || !call.is_known()) {
        reasons.push(format!(
            "`{name}` runs its statement in a transaction, in which this one may not run (line {})",
            subject.line(call.call.call)
        ));
    }
    reasons
}

/// No state of the session or transaction is carried from statement to statement.
pub(super) fn no_session_state<'c>(
    subject: Subject<'_>,
    calls: impl IntoIterator<Item = &'c QueryCall>,
) -> Vec<String> {
    let calls: Vec<&QueryCall> = calls.into_iter().collect();
    let single = calls.len() == 1 && !calls[0].in_loop && !calls[0].is_script();
    let mut reasons = Vec::new();
    for call in &calls {
        let line = subject.line(call.call.call);
        let effects: BTreeSet<Effect> = call
            .statements()
            .flat_map(|s| s.effects.iter().copied())
            .filter(|effect| !is_of_transaction(*effect))
            .collect();
        for effect in effects {
            if !(single && ends_with_statement(effect)) {
                reasons.push(format!("{} (line {line})", carried(effect)));
            }
        }
        let unknown: BTreeSet<&String> = call
            .statements()
            .flat_map(|s| &s.unknown_functions)
            .collect();
        // A function of the project may change the session, or depend on it.
        for function in unknown.into_iter().filter(|_| !single) {
            reasons.push(format!("it is not known what `{function}()` does to the session, and other statements share its connection (line {line})"));
        }
        // A part that is only known at run time may hold anything: a lock, a setting, a further statement.
        if !single && !call.is_known() {
            reasons.push(format!("the SQL is only known at run time, and other statements share its connection (line {line})"));
        }
    }
    reasons
}

/// Whether an effect is one of the transaction, which each statement is by itself, before and after.
fn is_of_transaction(effect: Effect) -> bool {
    matches!(
        effect,
        Effect::TransactionTime
            | Effect::ReadsTime
            | Effect::StoresTime
            | Effect::Notify
            | Effect::TransactionNumber
            | Effect::TableLock
    )
}

/// Whether an effect is over when its statement, run on its own, is.
fn ends_with_statement(effect: Effect) -> bool {
    matches!(
        effect,
        Effect::RowLock | Effect::TransactionLock | Effect::LocalSetting | Effect::NoTransaction
    )
}

fn carried(effect: Effect) -> &'static str {
    match effect {
        Effect::SessionSetting => "a setting of the session is changed",
        Effect::SettingsReset => "the settings of the session are reset",
        Effect::LocalSetting => "a setting of the transaction is changed",
        Effect::TemporaryTable => "a temporary table belongs to the session",
        Effect::Listen => "LISTEN belongs to the session",
        Effect::SessionLock => "an advisory lock is held by the session",
        Effect::TransactionLock => "a lock is held by the transaction",
        Effect::RowLock => "rows are locked for a later statement",
        Effect::PreparedStatement => "a prepared statement belongs to the session",
        Effect::Cursor => "a cursor belongs to the session",
        Effect::SequenceState => "currval/lastval read what this session did before",
        Effect::TransactionControl => "the transaction is steered by SQL text",
        Effect::NextTransaction => "a setting of later transactions is changed",
        Effect::OnCommit => "something happens to a temporary table when the transaction ends",
        Effect::TransactionTime
        | Effect::ReadsTime
        | Effect::StoresTime
        | Effect::Notify
        | Effect::TransactionNumber
        | Effect::TableLock => "the statement is part of the transaction",
        Effect::NoTransaction => "the statement cannot share a transaction",
    }
}

/// The user may be missing: the scope would then be opened for the text "None".
pub(super) fn identity_missing(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Optional { why, .. } => Some(format!(
            "the user is not certain: {why}; str(None) is no user"
        )),
        _ => None,
    }
}
