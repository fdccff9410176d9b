//! The rules under which a block may run inside the transaction that an RLS scope opens, each giving its reasons where it does not hold.
//!
//! A transaction changes what errors do: the first one of the connection aborts all later statements, and any that leaves the block
//! undoes the writes. It also changes when others see those writes, and what waits for whom.

mod callees;
mod errors;
mod failures;
mod statements;
mod undone;

use crate::facts::connection::{Connection, OtherUse, QueryCall};
use crate::facts::standard::setting;
use crate::facts::tables::parse_name;
use crate::language::expression::Argument;
use crate::language::usage::{Manner, MethodCall, Usage};
use crate::project::{FileId, ParsedFile};
use crate::rewrite::Subject;
use crate::source::Span;
use crate::sql::{Effect, SqlFacts, Statement, StatementKind, TableName};

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
    let body = with_further_items(subject, region, body);
    let runs = runs(subject, connection, body);
    for run in &runs {
        forbidden(subject, run, &mut result.refused);
    }
    result.refused.extend(levels(subject, connection));
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
    result
        .unproven
        .extend(effective_now(subject, connection, &runs));
    statements::changed(subject, connection, &writes, &runs, body, &mut result);
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

/// The body with what the header of the block opens behind the connection: that is entered and left while the connection is open.
fn with_further_items(subject: Subject<'_>, region: Span, body: Span) -> Span {
    let file = subject.parsed();
    let opened = file.language.entered(file.code(), region).into_iter();
    let own = subject.hit.site.end;
    let further = opened
        .filter(|entered| entered.span == region && entered.resource.start >= own)
        .map(|entered| entered.resource.start);
    Span::new(
        further.min().unwrap_or(body.start).min(body.start),
        body.end,
    )
}

/// Where statements are run on the connection: by a call on it, or by what it is passed to.
struct Run<'a> {
    span: Span,
    in_loop: bool,
    /// Whether several statements are run there, each by itself; those of one text are one transaction anyway.
    is_several: bool,
    /// Whether it is passed to what opens a transaction of its own.
    in_transaction: bool,
    statements: Vec<&'a Statement>,
    /// The calls that run them, each with its file.
    calls: Vec<(FileId, &'a MethodCall)>,
}

impl Run<'_> {
    fn has(&self, effect: Effect) -> bool {
        let mut statements = self.statements.iter();
        statements.any(|statement| statement.effects.contains(&effect))
    }
}

/// All places where statements are run on the connection, in source order.
fn runs<'a>(subject: Subject<'a>, connection: &'a Connection, body: Span) -> Vec<Run<'a>> {
    let project = subject.world.project;
    let own = connection.calls.iter();
    let own = own.filter(|call| call.queries.is_some()).map(|call| Run {
        span: call.call.call,
        in_loop: call.in_loop,
        is_several: false,
        in_transaction: false,
        statements: call.statements().collect(),
        calls: vec![(subject.file, &call.call)],
    });
    let passed = connection.others.iter().filter(|other| other.passed);
    let passed = passed.map(|other| {
        let calls = &other.behind.calls;
        let queries = &other.behind.queries;
        Run {
            span: other.span,
            in_loop: repeats(subject.parsed(), other.span, body)
                || calls.iter().any(|(id, call)| {
                    let file = project.file(*id);
                    let around = file.function_at(call.call.start);
                    around
                        .is_some_and(|scope| repeats(file, call.call, file.model.scope(scope).body))
                }),
            is_several: queries.len() > 1,
            in_transaction: calls.iter().any(|(_, call)| call.method == "transaction"),
            statements: queries.iter().flat_map(|query| &query.statements).collect(),
            calls: calls.iter().map(|(id, call)| (*id, call)).collect(),
        }
    });
    let mut runs: Vec<Run<'a>> = own.chain(passed).collect();
    runs.sort_by_key(|run| run.span);
    runs
}

fn repeats(file: &ParsedFile, span: Span, outer: Span) -> bool {
    file.language
        .innermost_loop(file.code(), span, outer)
        .is_some()
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
        let queries = own.iter().flat_map(|call| call.queries.iter().flatten());
        let queries: Vec<&SqlFacts> = queries
            .chain(passed.iter().flat_map(|other| &other.behind.queries))
            .collect();
        // What a definition is about is not read.
        let mut statements = queries.iter().flat_map(|query| &query.statements);
        let known = own.iter().all(|call| call.is_known())
            && passed.iter().all(|other| !other.behind.is_lost)
            && !statements.any(|statement| statement.kind == StatementKind::Definition);
        let tables = queries.into_iter().flat_map(SqlFacts::changed).collect();
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
        self.before_part(subject, place, place, body)
    }

    /// The same of a place that is a part of `whole`, its end say: a transaction that binds the two holds the whole.
    fn before_part(
        &self,
        subject: Subject<'_>,
        place: Span,
        whole: Span,
        body: Span,
    ) -> Option<Span> {
        let mut writes = self.spans.iter().copied();
        writes.find(|write| self.has_run(subject, *write, place, whole, body))
    }

    /// Whether what stands at `earlier` has run when `place`, a part of `whole`, is reached, and no transaction that is there already binds
    /// the two.
    fn has_run(
        &self,
        subject: Subject<'_>,
        earlier: Span,
        place: Span,
        whole: Span,
        body: Span,
    ) -> bool {
        let file = subject.parsed();
        // The end of a block is no part of its last statement.
        if earlier.contains(place) && place.start < earlier.end || self.in_one(&[earlier, whole]) {
            return false;
        }
        let round = || file.language.innermost_loop(file.code(), place, body);
        earlier.end <= place.start || round().is_some_and(|round| round.contains(earlier))
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

/// Views that read their tables with their owner's rights, which the schema does not show to be subject to the policies.
fn owners_views(subject: Subject<'_>, result: &mut Transaction) {
    let tables = subject.facts.tables.iter().flat_map(|tables| &tables.rls);
    let views = tables.filter(|name| subject.world.schema.owners_view(&parse_name(name)));
    result.notes.extend(views.map(|view| {
        format!("`{view}` is a view with its owner's rights; whether its owner is subject to the policies is not known")
    }));
}

/// Statements that a surrounding transaction changes or forbids.
fn forbidden(subject: Subject<'_>, run: &Run<'_>, reasons: &mut Vec<String>) {
    let line = subject.line(run.span);
    if run.has(Effect::NoTransaction) {
        reasons.push(format!(
            "a statement cannot run inside a transaction (line {line})"
        ));
    }
    if run.has(Effect::TransactionControl) {
        reasons.push(format!(
            "the transaction is steered by SQL text (line {line})"
        ));
    }
    if run.has(Effect::SettingsReset) {
        reasons.push(format!(
            "`RESET ALL` would take the user of row-level security away (line {line})"
        ));
    }
    if sets_user(subject, run) {
        reasons.push(format!(
            "the user of row-level security is set by hand (line {line})"
        ));
    }
}

/// Transactions with arguments: asyncpg refuses a nested one of another isolation level and ignores `readonly` and `deferrable` there.
fn levels(subject: Subject<'_>, connection: &Connection) -> Option<String> {
    let has_arguments =
        |call: &MethodCall| call.method == "transaction" && !call.arguments.is_empty();
    let own = connection.calls.iter();
    let own = own.filter(|call| has_arguments(&call.call));
    let passed = connection.others.iter().filter(|other| {
        let mut calls = other.behind.calls.iter();
        calls.any(|(_, call)| has_arguments(call))
    });
    let places = own.map(|call| call.call.call);
    let place = places.chain(passed.map(|other| other.span)).min()?;
    Some(format!(
        "`.transaction(…)` has arguments, which a savepoint cannot have (line {})",
        subject.line(place)
    ))
}

/// Whether a statement sets a setting that the policies read, which would override the user of the scope.
fn sets_user(subject: Subject<'_>, run: &Run<'_>) -> bool {
    if !run.has(Effect::LocalSetting) && !run.has(Effect::SessionSetting) {
        return false;
    }
    // The name may stand in the text of the query, which need not be written here, or be an argument of `set_config($1, …)`.
    let project = subject.world.project;
    let texts = run.calls.iter().flat_map(|(id, call)| {
        let file = project.file(*id);
        let values = call.arguments.iter().map(Argument::value);
        values.flat_map(|value| {
            let written = value.text(file.text()).to_owned();
            setting::texts(file, value).into_iter().chain([written])
        })
    });
    let texts: Vec<String> = texts.map(|text| setting::plain(&text)).collect();
    let names = subject.world.schema.setting_names();
    names.iter().any(|name| {
        let name = setting::plain(name);
        texts.iter().any(|text| text.contains(&name))
    })
}

/// Statements that have an effect only inside of a transaction, where the block has none today.
fn effective_now(subject: Subject<'_>, connection: &Connection, runs: &[Run<'_>]) -> Vec<String> {
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
    let late = [
        Effect::LocalSetting,
        Effect::TransactionLock,
        Effect::Cursor,
    ];
    let runs = runs
        .iter()
        .filter(|run| !run.in_transaction && late.iter().any(|effect| run.has(*effect)));
    runs.map(|run| {
        format!(
            "a statement takes effect only in a transaction, which there is now (line {})",
            subject.line(run.span)
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
    let awaits = file.language.awaits(file.code(), body).into_iter();
    let implied = file.language.implied_awaits(file.code(), body).into_iter();
    let foreign = awaits
        .chain(implied.map(|implied| implied.value))
        .find(|awaited| !uses.iter().any(|used| awaited.contains(*used)))?;
    Some(format!(
        "an await that is not on the connection holds the transaction open (line {})",
        subject.line(foreign)
    ))
}
