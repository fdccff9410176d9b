//! The rules under which a connection may be replaced, each giving its reasons where it does not hold.

use std::collections::BTreeSet;

use crate::facts::connection::{Connection, QueryCall};
use crate::facts::standard::Helper;
use crate::facts::tables::parse_name;
use crate::finding::Identity;
use crate::language::BindingKind;
use crate::language::expression::Argument;
use crate::language::usage::Manner;
use crate::recipe::PoolClass;
use crate::rewrite::Subject;
use crate::source::Span;
use crate::sql::Effect;

/// The pool is the shared one, and the site is not in the module that defines the standard.
pub(super) fn shared_pool(subject: Subject<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(pool) = &subject.facts.pool {
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

/// What is not proven of the pool though all that is seen speaks for it.
pub(super) fn doubt(subject: Subject<'_>) -> Option<String> {
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
    for argument in arguments {
        match argument {
            Argument::Positional(_) => positional += 1,
            Argument::Spread(_) if helper.spreads => positional = positional.max(1),
            Argument::Spread(_) => return Some(format!("`{name}` takes no spread arguments")),
            Argument::Keyword { name: keyword, .. } if helper.keywords.contains(keyword) => {}
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
    (!helper.spreads && positional > helper.positional).then(|| {
        format!(
            "`{name}` takes {} arguments, not {positional}",
            helper.positional
        )
    })
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
        Effect::NoTransaction => "the statement cannot share a transaction",
    }
}

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

/// The block may run inside a transaction: nothing in it forbids one, and no error is swallowed and worked on after.
///
/// `region` is the whole block, `body` what runs on the connection.
pub(super) fn in_transaction(
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
pub(super) fn forbidden(subject: Subject<'_>, call: &QueryCall, reasons: &mut Vec<String>) {
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
fn swallows(subject: Subject<'_>, catch: &crate::language::usage::Catch) -> bool {
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

/// The user may be missing: the scope would then be opened for the text "None".
pub(super) fn identity_missing(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Optional { why, .. } => Some(format!(
            "the user is not certain: {why}; str(None) is no user"
        )),
        _ => None,
    }
}
