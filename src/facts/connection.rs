//! The connection followed: every use of its name, what is called on it, where it escapes.

use crate::facts::{World, passing};
use crate::language::expression::Argument;
use crate::language::usage::{Manner, MethodCall, Usage};
use crate::language::{ScopeId, ScopeKind};
use crate::project::{FileId, ParsedFile};
use crate::source::Span;
use crate::sql::{self, Command, SqlFacts, SqlText, Statement, StatementKind, TableName, TableUse};

/// A call on a connection or pool.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryCall {
    /// The call.
    pub call: MethodCall,
    /// The queries that it can run, each as one text can turn out; `None` for a method that runs none.
    pub queries: Option<Vec<SqlFacts>>,
    /// Whether it stands in a loop inside the block.
    pub in_loop: bool,
}

impl QueryCall {
    /// The statements of all its queries.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.queries
            .iter()
            .flatten()
            .flat_map(|query| &query.statements)
    }

    /// Whether all that it can do is known: its texts have no part that could be anything.
    pub fn is_known(&self) -> bool {
        match &self.queries {
            None => true,
            Some(queries) => queries.iter().all(|query| {
                !query.statements.is_empty()
                    && query
                        .statements
                        .iter()
                        .all(|s| s.kind != StatementKind::Unknown && !s.tables_open)
            }),
        }
    }

    /// Whether one of its texts holds several statements.
    pub fn is_script(&self) -> bool {
        self.queries
            .iter()
            .flatten()
            .any(|query| query.statements.len() > 1)
    }

    /// Whether it may change rows: known to, or not known not to.
    pub fn may_write(&self) -> bool {
        self.statements()
            .any(|s| !matches!(s.kind, StatementKind::Read | StatementKind::Session))
            || (self.queries.is_some() && self.statements().next().is_none())
    }
}

/// A use of the connection that is no call on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherUse {
    /// Where.
    pub span: Span,
    /// What, as the end of "the connection …".
    pub what: String,
    /// Whether the connection can be used by others afterwards, even behind the block.
    pub outlives: bool,
    /// Whether it is passed to a call, which may do anything with it while the block lasts.
    pub passed: bool,
}

/// What is done with a connection in a region.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connection {
    /// The calls on it, in source order.
    pub calls: Vec<QueryCall>,
    /// Its other uses, in source order.
    pub others: Vec<OtherUse>,
    /// A use behind the block that still means this connection.
    pub used_after: Option<Span>,
    /// A place in the block where its name is bound to something else.
    pub rebound: Option<Span>,
    /// The queries that functions run on it which it is passed to.
    pub passed_queries: Vec<SqlFacts>,
    /// A function that it is passed to and that could not be followed.
    pub lost_in: Option<Span>,
}

/// Follows the connection `name`, bound at `binding`, through `body`.
pub fn follow(world: World<'_>, id: FileId, name: &str, binding: Span, body: Span) -> Connection {
    let file = world.project.file(id);
    let scope = file.model.scope_at(binding.start);
    let Some(owner) = file.model.resolve(scope, name) else {
        return Connection::default();
    };
    let mut connection = Connection::default();
    for reference in file.model.references_to(owner, name) {
        if body.contains(reference.span) {
            visit(
                world,
                id,
                reference.span,
                reference.scope,
                owner,
                body,
                &mut connection,
            );
        } else if reference.span.start >= body.end
            && still_means(file, owner, name, body, reference.span)
        {
            connection.used_after.get_or_insert(reference.span);
        }
    }
    connection.rebound = file
        .model
        .bindings_of(owner, name)
        .map(|other| other.span)
        .find(|span| body.contains(*span) && *span != binding);
    connection
}

/// The calls that are made on the expression at `span` (a pool, an attribute) itself.
pub fn single_call(world: World<'_>, id: FileId, span: Span, outer: Span) -> Option<QueryCall> {
    let file = world.project.file(id);
    match file.language.usage(file.code(), span) {
        Usage::MethodCall(call) => Some(query_call(world, id, call, outer)),
        _ => None,
    }
}

/// Whether a reference behind the block still means the connection: no other binding of the name is certain to have run in between.
fn still_means(file: &ParsedFile, owner: ScopeId, name: &str, body: Span, reference: Span) -> bool {
    !file.model.bindings_of(owner, name).any(|other| {
        other.span.start >= body.end
            && other.span.end <= reference.start
            && file
                .language
                .dominates(file.code(), other.statement, reference)
    })
}

fn visit(
    world: World<'_>,
    id: FileId,
    span: Span,
    scope: ScopeId,
    owner: ScopeId,
    body: Span,
    connection: &mut Connection,
) {
    let file = world.project.file(id);
    if let Some(inner) = captured_by(file, scope, owner) {
        let what = format!("is captured by {inner} that can outlive the block");
        connection.others.push(OtherUse {
            span,
            what,
            outlives: true,
            passed: false,
        });
        return;
    }
    let mut other = |what: String, outlives: bool, passed: bool| {
        connection.others.push(OtherUse {
            span,
            what,
            outlives,
            passed,
        });
    };
    match file.language.usage(file.code(), span) {
        Usage::MethodCall(call) => connection.calls.push(query_call(world, id, call, body)),
        Usage::Argument { call, callee } => {
            let name = callee
                .text(file.text())
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            other(format!("is passed to `{name}`"), false, true);
            let passed = passing::follow(world, id, call, callee, span);
            connection.passed_queries.extend(passed.queries);
            connection.lost_in = connection.lost_in.or(passed.is_lost.then_some(callee));
        }
        Usage::Returned => other("is returned".to_owned(), true, false),
        Usage::Yielded => other("is yielded".to_owned(), true, false),
        Usage::Stored => other("is stored".to_owned(), true, false),
        Usage::Aliased => other("gets a second name".to_owned(), true, false),
        Usage::AttributeRead { name } => other(format!("is read: `.{name}`"), false, false),
        Usage::AttributeWrite { name } => other(format!("is changed: `.{name}`"), false, false),
        Usage::Tested => other("is tested or compared".to_owned(), false, false),
        Usage::Deleted => other("is deleted".to_owned(), false, false),
        Usage::Interpolated => other("is put into a text".to_owned(), false, false),
        Usage::Called | Usage::Awaited | Usage::Entered | Usage::Other => {
            other(
                "is used in a way that is not followed".to_owned(),
                true,
                false,
            );
        }
    }
}

/// What captures the connection, if the scope of a use lies in a function (or generator) inside the scope that owns it.
fn captured_by(file: &ParsedFile, scope: ScopeId, owner: ScopeId) -> Option<&'static str> {
    file.model
        .ancestors(scope)
        .take_while(|scope| *scope != owner)
        .find_map(|scope| {
            let scope = file.model.scope(scope);
            match scope.kind {
                ScopeKind::Function => Some("a nested function"),
                ScopeKind::Lambda => Some("a lambda"),
                ScopeKind::Class => Some("a class body"),
                // A list, set or dict display is filled on the spot; a generator runs later.
                ScopeKind::Comprehension if scope.is_generator => Some("a generator expression"),
                _ => None,
            }
        })
}

fn query_call(world: World<'_>, id: FileId, call: MethodCall, outer: Span) -> QueryCall {
    let file = world.project.file(id);
    let in_loop = file
        .language
        .innermost_loop(file.code(), call.call, outer)
        .is_some();
    let queries = queries_of(world, id, &call);
    QueryCall {
        call,
        queries,
        in_loop,
    }
}

/// What the query argument of a call can be; `None` for a method without one.
pub(super) fn queries_of(world: World<'_>, id: FileId, call: &MethodCall) -> Option<Vec<SqlFacts>> {
    let file = world.project.file(id);
    let argument = |keyword: &str| {
        call.arguments.iter().find_map(|argument| match argument {
            Argument::Keyword { name, value } if name == keyword => Some(*value),
            _ => None,
        })
    };
    let first = match call.arguments.first() {
        Some(Argument::Positional(span)) => Some(*span),
        Some(Argument::Spread(_) | Argument::KeywordSpread(_)) => return Some(vec![unknown()]),
        _ => None,
    };
    if world.driver.query_methods.contains(&call.method) {
        let query = first
            .or_else(|| argument("query"))
            .or_else(|| argument("command"));
        return Some(query.map_or_else(|| vec![unknown()], |span| read(file, span)));
    }
    // `copy_records_to_table("lots", …)` names its table.
    if let Some(command) = copy_command(&call.method) {
        let table = first.or_else(|| argument("table_name"));
        let names = table
            .map(|span| file.language.texts(file.code(), span))
            .unwrap_or_default();
        return Some(names.iter().map(|text| copied(text, command)).collect());
    }
    None
}

/// The queries that an expression can evaluate to.
pub fn read(file: &ParsedFile, span: Span) -> Vec<SqlFacts> {
    let mut texts = file.language.texts(file.code(), span);
    texts.sort();
    texts.dedup();
    texts.iter().map(sql::read).collect()
}

fn unknown() -> SqlFacts {
    sql::read(&SqlText::unknown())
}

fn copy_command(method: &str) -> Option<Command> {
    match method {
        "copy_records_to_table" | "copy_to_table" => Some(Command::Insert),
        "copy_from_table" => Some(Command::Select),
        _ => None,
    }
}

/// A `COPY` of the table that `text` names.
fn copied(text: &SqlText, command: Command) -> SqlFacts {
    let [sql::Part::Literal(name)] = &text.parts[..] else {
        return unknown();
    };
    let table = TableName {
        schema: None,
        name: name.clone(),
    };
    let kind = if command == Command::Select {
        StatementKind::Read
    } else {
        StatementKind::Write
    };
    let statement = Statement {
        kind,
        tables: vec![TableUse { table, command }],
        tables_open: false,
        effects: std::collections::BTreeSet::default(),
        columns: None,
    };
    SqlFacts {
        statements: vec![statement],
        parsed: true,
    }
}
