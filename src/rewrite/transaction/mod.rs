//! The rules under which a block may run inside the transaction that an RLS scope opens, each giving its reasons where it does not hold.
//!
//! A transaction changes what errors do: the first one of the connection aborts all later statements, and any that leaves the block
//! undoes the writes. It also changes when others see those writes, and what waits for whom.

mod callees;
mod errors;
mod failures;
mod undone;

use std::collections::BTreeSet;

use crate::facts::connection::{Connection, OtherUse, QueryCall};
use crate::facts::standard::setting;
use crate::facts::tables::parse_name;
use crate::language::usage::{Manner, Usage};
use crate::project::ParsedFile;
use crate::rewrite::Subject;
use crate::source::Span;
use crate::sql::{Effect, Part, SqlFacts, Statement, StatementKind, TableName};

/// Functions that run what they are given before they are done themselves.
const WAITING: [&str; 3] = ["gather", "wait_for", "shield"];

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
    result.refused.extend(ended(subject, connection));
    if let Some(span) = connection.used_after {
        result.refused.push(format!(
            "the connection is used after the block (line {})",
            subject.line(span)
        ));
    }
    for call in &connection.calls {
        left_running(subject, call, &mut result.refused);
    }
    let writes = Writes::of(subject, connection);
    errors::swallowed(subject, connection, &writes, region, body, &mut result);
    errors::swallowed_elsewhere(subject, connection, &writes, region, &mut result);
    result.unproven.extend(procedures(subject, connection));
    result.unproven.extend(effective_now(subject, connection));
    result.unproven.extend(times(subject, connection));
    undone::writes(subject, connection, &writes, body, &mut result);
    undone::transactions(subject, connection, &writes, body, &mut result);
    callees::effects(subject, connection, &writes, body, &mut result);
    failures::behind_writes(subject, connection, &writes, body, &mut result);
    result
        .notes
        .extend(foreign_await(subject, connection, body));
    owners_views(subject, &mut result);
    result
}

/// Where the connection is closed, reset or given back while the transaction is open, which can then not be ended.
fn ended(subject: Subject<'_>, connection: &Connection) -> Vec<String> {
    let own = connection
        .ended
        .map(|span| format!("line {}", subject.line(span)));
    let behind = connection.others.iter();
    let behind = behind.filter_map(|other| other.behind.ended.clone());
    own.into_iter()
        .chain(behind)
        .map(|place| {
            format!("the connection is closed, reset or given back while its transaction is open ({place})")
        })
        .collect()
}

/// The places in a block that may change rows, and the transactions in it that are there already.
struct Writes {
    /// Where rows may be changed, in source order: by the block itself, or by what it passes the connection to.
    spans: Vec<Span>,
    /// The tables that are changed; `None` where they are not all known.
    tables: Option<Vec<TableName>>,
    /// The blocks `async with conn.transaction():`.
    transactions: Vec<Span>,
}

impl Writes {
    fn of(subject: Subject<'_>, connection: &Connection) -> Self {
        let file = subject.parsed();
        let own: Vec<&QueryCall> = connection
            .calls
            .iter()
            .filter(|call| call.queries.is_some() && call.may_write())
            .collect();
        let passed: Vec<&OtherUse> = connection
            .others
            .iter()
            .filter(|other| other.passed && other.behind.may_write())
            .collect();
        let mut spans: Vec<Span> = own.iter().map(|call| call.call.call).collect();
        spans.extend(passed.iter().map(|other| other.span));
        spans.sort_unstable();
        let known = own.iter().all(|call| call.is_known())
            && passed.iter().all(|other| !other.behind.is_lost);
        let queries = own.iter().flat_map(|call| call.queries.iter().flatten());
        let queries = queries.chain(passed.iter().flat_map(|other| &other.behind.queries));
        let tables = queries.flat_map(SqlFacts::changed).collect();
        Self {
            spans,
            tables: known.then_some(tables),
            transactions: savepoints(file, connection),
        }
    }

    /// Whether one transaction that is there already holds all of `spans`.
    fn in_one(&self, spans: &[Span]) -> bool {
        let holds = |block: &Span| spans.iter().all(|span| block.contains(*span));
        self.transactions.iter().any(holds)
    }

    /// A write that has run when `place` is reached, and that no transaction which is there already binds to it.
    fn before(&self, subject: Subject<'_>, place: Span, body: Span) -> Option<Span> {
        let file = subject.parsed();
        let round = file.language.innermost_loop(file.code(), place, body);
        self.spans.iter().copied().find(|write| {
            let earlier =
                write.end <= place.start || round.is_some_and(|round| round.contains(*write));
            earlier && !write.contains(place) && !self.in_one(&[*write, place])
        })
    }
}

/// The blocks `async with conn.transaction():` of a connection.
fn savepoints(file: &ParsedFile, connection: &Connection) -> Vec<Span> {
    let opened = connection
        .calls
        .iter()
        .filter(|call| call.call.method == "transaction" && call.call.manner == Manner::Entered);
    opened
        .filter_map(|call| file.language.statement(file.code(), call.call.call))
        .collect()
}

/// A query that is started and not waited for on the spot may run when the connection is somebody else's.
fn left_running(subject: Subject<'_>, call: &QueryCall, reasons: &mut Vec<String>) {
    if call.queries.is_none() || call.call.manner != Manner::Plain || call.call.method == "cursor" {
        return;
    }
    let file = subject.parsed();
    // `await gather(conn.fetch(…), …)` waits for its arguments.
    let mut value = call.call.call;
    while let Usage::Argument { call, callee } = file.language.usage(file.code(), value) {
        let last = subject.text(callee).rsplit('.').next().unwrap_or_default();
        if !WAITING.contains(&last) {
            break;
        }
        value = call;
    }
    if value == call.call.call || file.language.usage(file.code(), value) != Usage::Awaited {
        reasons.push(format!(
            "a query is not awaited where it is called (line {})",
            subject.line(call.call.call)
        ));
    }
}

/// Procedures and anonymous blocks, which may commit, and must not where there is a transaction around them.
fn procedures(subject: Subject<'_>, connection: &Connection) -> Option<String> {
    // `EXECUTE` runs a prepared statement, which is no procedure.
    let may_commit = |statement: &Statement| {
        statement.kind == StatementKind::Procedure
            && !statement.effects.contains(&Effect::PreparedStatement)
    };
    let own = connection.calls.iter();
    let own = own.filter(|call| call.statements().any(may_commit));
    let mut places = own.map(|call| call.call.call).chain(
        connection
            .others
            .iter()
            .filter(|other| {
                let mut queries = other.behind.queries.iter();
                queries.any(|query| query.statements.iter().any(may_commit))
            })
            .map(|other| other.span),
    );
    let place = places.next()?;
    Some(format!(
        "a procedure or `DO` block that commits fails inside a transaction (line {})",
        subject.line(place)
    ))
}

/// Statements that hand out the time, which stands still in a transaction.
fn times(subject: Subject<'_>, connection: &Connection) -> Option<String> {
    let asks = |call: &&QueryCall| {
        call.statements()
            .any(|statement| statement.effects.contains(&Effect::TransactionTime))
    };
    let asking: Vec<&QueryCall> = connection.calls.iter().filter(asks).collect();
    // A statement that only compares with the time gets another answer when it is asked again later: a loop waits for that.
    let polls = |call: &&QueryCall| {
        let reads = |statement: &Statement| statement.effects.contains(&Effect::ReadsTime);
        call.in_loop && call.statements().any(reads)
    };
    let several = asking.get(1..).and_then(|further| further.last().copied());
    let last = several.or_else(|| connection.calls.iter().find(polls))?;
    Some(format!(
        "`now()` stands still in a transaction, so several statements get one time (line {})",
        subject.line(last.call.call)
    ))
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
    if effects.contains(&Effect::SettingsReset) {
        reasons.push(format!(
            "`RESET ALL` would take the user of row-level security away (line {line})"
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
    if !sets {
        return false;
    }
    let file = subject.parsed();
    // The name may stand in the text of the query, which need not be written here, or be an argument of `set_config($1, …)`.
    let texts = call.call.arguments.iter().flat_map(|argument| {
        let value = argument.value();
        let texts = file.language.texts(file.code(), value).into_iter();
        let known = texts.map(|text| {
            let parts = text.parts.into_iter().map(|part| match part {
                Part::Literal(text) => text,
                Part::Hole => " ".to_owned(),
            });
            parts.collect::<String>()
        });
        known.chain([subject.text(value).to_owned()])
    });
    let texts: Vec<String> = texts.map(|text| setting::plain(&text)).collect();
    subject.world.schema.setting_names().iter().any(|name| {
        let name = setting::plain(name);
        texts.iter().any(|text| text.contains(&name))
    })
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

/// An await in the block that is not on the connection: while it lasts, the transaction stays open.
fn foreign_await(subject: Subject<'_>, connection: &Connection, body: Span) -> Option<String> {
    let file = subject.parsed();
    let uses: Vec<Span> = connection
        .calls
        .iter()
        .map(|call| call.call.call)
        .chain(connection.others.iter().map(|other| other.span))
        .chain(connection.handles.iter().copied())
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
