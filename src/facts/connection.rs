//! The connection followed: every use of its name, what is called on it, where it escapes.

use crate::facts::World;
use crate::facts::handles::{self, HandleUse};
use crate::facts::passing::{self, Passed};
use crate::facts::query;
use crate::language::expression::{Argument, Expression};
use crate::language::usage::{MethodCall, Usage};
use crate::language::{BindingKind, Reference, ScopeId, ScopeKind};
use crate::project::{FileId, ParsedFile};
use crate::recipe::SessionMethods;
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
        let nothing_known = || self.queries.is_some() && self.statements().next().is_none();
        self.queries.iter().flatten().any(SqlFacts::may_write) || nothing_known()
    }
}

/// A use of the connection that is no call on it.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherUse {
    /// Where.
    pub span: Span,
    /// What, as the end of "the connection …".
    pub what: String,
    /// Whether the connection can be used by others afterwards, even behind the block.
    pub outlives: bool,
    /// Whether it is passed to a call, which may do anything with it while the block lasts.
    pub passed: bool,
    /// What is done with it there, for a call that it is passed to.
    pub behind: Passed,
}

/// What is done with a connection in a region.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connection {
    /// The calls on it, in source order.
    pub calls: Vec<QueryCall>,
    /// Its other uses, in source order.
    pub others: Vec<OtherUse>,
    /// Where a prepared statement or cursor of it is used.
    pub handles: Vec<Span>,
    /// Where it is closed, reset or given back in the region: it is of no use from then on.
    pub ended: Option<Span>,
    /// A use behind the block that still means this connection.
    pub used_after: Option<Span>,
    /// A place outside of the block that needs the name, whatever it means there: one that deletes or declares it, or reads it before the
    /// block runs again.
    pub name_needed: Option<Span>,
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
    let bound = file.code().binding_at(binding).map(|bound| bound.scope);
    let around = || file.model.resolve(file.model.scope_at(binding.start), name);
    let Some(owner) = bound.or_else(around) else {
        return Connection::default();
    };
    let mut visitor = Visitor {
        world,
        id,
        file,
        owner,
        body,
        connection: Connection::default(),
    };
    for reference in file.model.references_to(owner, name) {
        if body.contains(reference.span) {
            visitor.visit(reference);
        } else if reference.span.start >= body.end
            && still_means(file, owner, name, body, reference.span)
        {
            visitor.connection.used_after.get_or_insert(reference.span);
        }
    }
    visitor.connection.name_needed = name_needed(file, owner, name, binding, body);
    visitor.handles(|name, owner, span| still_means(file, owner, name, body, span));
    let mut connection = visitor.connection;
    connection.others.sort_by_key(|other| other.span);
    // A bare annotation binds nothing.
    let bindings = file
        .model
        .bindings_of(owner, name)
        .filter(|other| other.kind != BindingKind::Annotation || other.value.is_some());
    connection.rebound = bindings
        .map(|other| other.span)
        .find(|span| body.contains(*span) && *span != binding);
    connection
}

/// A place outside of the block at `body` that has no meaning any more when the block does not bind `name`.
fn name_needed(
    file: &ParsedFile,
    owner: ScopeId,
    name: &str,
    binding: Span,
    body: Span,
) -> Option<Span> {
    let model = &file.model;
    let declared = model.declarations_of(owner, name).next();
    if let Some(declared) = declared {
        return Some(declared.span);
    }
    let deleted = model
        .bindings_of(owner, name)
        .filter(|other| other.kind == BindingKind::Delete)
        .map(|other| other.span);
    let deleted: Vec<Span> = deleted.collect();
    let behind = deleted
        .iter()
        .find(|span| span.start >= body.end && still_means(file, owner, name, body, **span));
    if let Some(span) = behind {
        return Some(*span);
    }
    // What stands before the block sees the name of the round before.
    let around = outermost_loop(file, body)?;
    let references = model.references_to(owner, name).map(|read| read.span);
    references.chain(deleted).find(|span| {
        let before = around.contains(*span) && span.end <= binding.start;
        before
            && !model.bindings_of(owner, name).any(|other| {
                let anew = around.contains(other.span) && other.kind != BindingKind::Delete;
                let is_inside = matches!(other.kind, BindingKind::With | BindingKind::For)
                    && other.statement.contains(*span);
                anew && other.span.start < span.start
                    && (is_inside || file.language.dominates(file.code(), other.statement, *span))
            })
    })
}

/// The outermost loop of the function around `span`.
fn outermost_loop(file: &ParsedFile, span: Span) -> Option<Span> {
    let outer = match file.function_at(span.start) {
        Some(function) => file.model.scope(function).body,
        None => Span::new(0, file.text().len()),
    };
    let mut found = None;
    let mut inner = span;
    while let Some(around) = file.language.innermost_loop(file.code(), inner, outer) {
        if around == inner {
            break;
        }
        found = Some(around);
        inner = around;
    }
    found
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

/// Looks at the references to one connection.
struct Visitor<'a> {
    world: World<'a>,
    id: FileId,
    file: &'a ParsedFile,
    owner: ScopeId,
    body: Span,
    connection: Connection,
}

impl Visitor<'_> {
    fn visit(&mut self, reference: &Reference) {
        let span = reference.span;
        let usage = self.file.language.usage(self.file.code(), span);
        if passing::ends(self.world, self.id, &usage) {
            self.connection.ended.get_or_insert(span);
        }
        if let Some((what, outlives)) = captured(self.file, self.owner, self.body, reference.scope)
        {
            self.other(span, what, outlives, false);
            return self.run_elsewhere(span, usage);
        }
        match usage {
            Usage::MethodCall(call) => {
                self.connection
                    .calls
                    .push(query_call(self.world, self.id, call, self.body));
            }
            // It ends the connection's use and is none.
            Usage::Argument { callee, .. } if passing::gives_back(self.world, self.id, callee) => {}
            // The query is what runs, and the connection what it runs on.
            Usage::Argument { call, callee } if is_executor(self.world, self.id, callee) => {
                let query = executed(self.world, self.id, call, callee, self.body);
                self.connection.calls.push(query);
            }
            Usage::Argument { call, .. } if self.becomes_task(call) => {
                self.other(span, "is handed to a task", true, false);
                self.run_elsewhere(span, usage);
            }
            Usage::Argument { callee, .. } => {
                let name = callee
                    .text(self.file.text())
                    .lines()
                    .next()
                    .unwrap_or_default();
                self.other(span, format!("is passed to `{name}`"), false, true);
                self.run_elsewhere(span, usage);
            }
            Usage::Returned => self.other(span, "is returned", true, false),
            Usage::Yielded => self.other(span, "is yielded", true, false),
            Usage::Stored => self.other(span, "is stored", true, false),
            Usage::Aliased => self.other(span, "gets a second name", true, false),
            // A method kept under a name runs whatever it is called with, whenever that is.
            Usage::AttributeRead { name } if self.is_method(&name) => {
                let what =
                    format!("gives away its method `.{name}`, which is not called on the spot");
                self.other(span, what, true, false);
                self.run_elsewhere(span, Usage::Other);
            }
            Usage::AttributeRead { name } => {
                self.other(span, format!("is read: `.{name}`"), false, false);
            }
            Usage::AttributeWrite { name } => {
                self.other(span, format!("is changed: `.{name}`"), false, false);
            }
            Usage::Tested => self.other(span, "is tested or compared", false, false),
            Usage::Deleted => self.other(span, "is deleted", false, false),
            Usage::Interpolated => self.other(span, "is put into a text", false, false),
            // What lends it out takes it back wherever the block within ends.
            Usage::Entered if self.world.driver.any_pool => {
                self.other(span, "is entered as a block", false, false);
            }
            Usage::Called | Usage::Awaited | Usage::Entered | Usage::Other => {
                self.other(span, "is used in a way that is not followed", true, false);
            }
        }
    }

    /// Looks at the uses of what the connection hands out. `still_means` tells whether a name behind the block means the same as in it.
    fn handles(&mut self, still_means: impl Fn(&str, ScopeId, Span) -> bool) {
        let calls = self.connection.calls.iter();
        let uses: Vec<HandleUse> = calls
            .flat_map(|call| handles::uses(self.world, self.id, &call.call))
            .collect();
        for handle in uses {
            if self.body.contains(handle.span) {
                self.handle(handle);
            } else if handle.span.start >= self.body.end
                && still_means(&handle.name, handle.owner, handle.span)
            {
                self.connection.used_after.get_or_insert(handle.span);
            }
        }
    }

    fn handle(&mut self, handle: HandleUse) {
        let gives = |what: &str| format!("gives `{}`, which {what}", handle.name);
        let span = handle.span;
        if let Some((what, outlives)) = captured(self.file, handle.owner, self.body, handle.scope) {
            self.connection.handles.push(span);
            return self.other(span, gives(&what), outlives, false);
        }
        let outlives = match handle.usage {
            Usage::MethodCall(call) if self.world.driver.executors.contains(&call.method) => {
                self.connection.handles.push(call.call);
                let query = query_call(self.world, self.id, call, self.body);
                return self.connection.calls.push(query);
            }
            Usage::MethodCall(call) => return self.connection.handles.push(call.call),
            // A transaction inside of the connection: what runs on it runs on that.
            Usage::Argument { call, callee } if is_executor(self.world, self.id, callee) => {
                self.connection.handles.push(call);
                let query = executed(self.world, self.id, call, callee, self.body);
                return self.connection.calls.push(query);
            }
            Usage::Argument { callee, .. } => {
                let callee = callee.text(self.file.text());
                let callee = callee.lines().next().unwrap_or_default();
                self.other(
                    span,
                    gives(&format!("is passed to `{callee}`")),
                    false,
                    true,
                );
                if let Some(other) = self.connection.others.last_mut() {
                    other.behind.is_lost = true;
                }
                return;
            }
            Usage::Returned => "is returned",
            Usage::Yielded => "is yielded",
            Usage::Stored => "is stored",
            Usage::Aliased => "gets a second name",
            _ => return self.connection.handles.push(span),
        };
        self.other(span, gives(outlives), true, false);
    }

    fn other(&mut self, span: Span, what: impl Into<String>, outlives: bool, passed: bool) {
        self.connection.others.push(OtherUse {
            span,
            what: what.into(),
            outlives,
            passed,
            behind: Passed::default(),
        });
    }

    fn is_method(&self, name: &str) -> bool {
        let driver = self.world.driver;
        let mut methods = driver.query_methods.iter().chain(&driver.silent_methods);
        let of_session = |session: &SessionMethods| session.all().any(|method| method == name);
        methods.any(|method| method == name) || driver.session.as_ref().is_some_and(of_session)
    }

    /// Whether a call is started beside the block: `asyncio.create_task(work(conn))`, `asyncio.gather(work(conn), …)`.
    fn becomes_task(&self, call: Span) -> bool {
        let starters = [
            "create_task",
            "ensure_future",
            "gather",
            "wait",
            "wait_for",
            "shield",
            "as_completed",
            "start_soon",
            "run_coroutine_threadsafe",
        ];
        let last = |callee: Span| {
            callee
                .text(self.file.text())
                .rsplit('.')
                .next()
                .unwrap_or_default()
        };
        match self.file.language.usage(self.file.code(), call) {
            Usage::Argument { callee, .. } => {
                // `wait_for` and `shield` wait on the spot, but leave the work behind when they are cancelled.
                starters.contains(&last(callee))
            }
            Usage::Stored => true,
            _ => false,
        }
    }

    /// What is run on the connection by code that is not the block's own: a nested function, a function that it is passed to.
    fn run_elsewhere(&mut self, span: Span, usage: Usage) {
        match usage {
            Usage::MethodCall(call) => {
                let queries = queries_of(self.world, self.id, &call);
                self.connection
                    .passed_queries
                    .extend(queries.unwrap_or_default());
            }
            Usage::Argument { call, callee } => {
                let passed = passing::follow(self.world, self.id, call, callee, span);
                let queries = passed.queries.iter().cloned();
                self.connection.passed_queries.extend(queries);
                let lost = passed.is_lost.then_some(callee);
                self.connection.lost_in = self.connection.lost_in.or(lost);
                if let Some(other) = self.connection.others.last_mut() {
                    other.behind = passed;
                }
            }
            _ => self.connection.lost_in = self.connection.lost_in.or(Some(span)),
        }
    }
}

/// What captures a value whose name belongs to `owner`, if a use in `scope` lies in a function (or generator) inside of it; and whether
/// that can outlive `body`.
fn captured(
    file: &ParsedFile,
    owner: ScopeId,
    body: Span,
    scope: ScopeId,
) -> Option<(String, bool)> {
    let model = &file.model;
    model
        .ancestors(scope)
        .take_while(|scope| *scope != owner)
        .find_map(|id| {
            let scope = model.scope(id);
            let outliving = |what: &str| {
                Some((
                    format!("is captured by {what} that can outlive the block"),
                    true,
                ))
            };
            match scope.kind {
                ScopeKind::Function if stays_inside(file, body, id) => Some((
                    format!("is captured by the nested function `{}`", scope.name),
                    false,
                )),
                ScopeKind::Function => outliving("a nested function"),
                ScopeKind::Lambda => outliving("a lambda"),
                ScopeKind::Class => outliving("a class body"),
                // A list, set or dict display is filled on the spot; a generator runs later.
                ScopeKind::Comprehension if scope.is_generator => {
                    outliving("a generator expression")
                }
                _ => None,
            }
        })
}

/// Whether a nested function is called in the block at `body` and goes nowhere else.
fn stays_inside(file: &ParsedFile, body: Span, function: ScopeId) -> bool {
    let model = &file.model;
    let scope = model.scope(function);
    let Some(parent) = scope.parent else {
        return false;
    };
    let mut references = model.references_to(parent, &scope.name);
    body.contains(scope.span)
        && scope.decorators.is_empty()
        && references.all(|reference| {
            body.contains(reference.span)
                && file.language.usage(file.code(), reference.span) == Usage::Called
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

/// Whether what is called runs a query on what it is given.
pub(super) fn is_executor(world: World<'_>, id: FileId, callee: Span) -> bool {
    let file = world.project.file(id);
    matches!(file.expression(callee), Expression::Attribute { name, .. }
        if world.driver.executors.contains(&name))
}

/// The query that the call at `call` runs on what it is given.
pub(super) fn executed(
    world: World<'_>,
    id: FileId,
    call: Span,
    callee: Span,
    outer: Span,
) -> QueryCall {
    let file = world.project.file(id);
    let (whole, manner) = file.language.whole_call(file.code(), call);
    let (object, method) = match file.expression(callee) {
        Expression::Attribute { object, name } => (object, name),
        _ => (callee, String::new()),
    };
    let arguments = match file.expression(call) {
        Expression::Call { arguments, .. } => arguments,
        _ => Vec::new(),
    };
    let in_loop = file.language.innermost_loop(file.code(), call, outer);
    QueryCall {
        queries: Some(query_of(world, id, object)),
        in_loop: in_loop.is_some(),
        call: MethodCall {
            method,
            callee,
            call,
            whole,
            arguments,
            manner,
        },
    }
}

/// The query that is run on the value at `span`, where it stands: as an argument of the query, or by a method.
pub(super) fn on(world: World<'_>, id: FileId, span: Span) -> Option<QueryCall> {
    let file = world.project.file(id);
    match file.language.usage(file.code(), span) {
        Usage::Argument { call, callee } if is_executor(world, id, callee) => {
            Some(executed(world, id, call, callee, call))
        }
        Usage::MethodCall(call) if world.driver.executors.contains(&call.method) => {
            let outer = call.call;
            Some(query_call(world, id, call, outer))
        }
        _ => None,
    }
}

/// Whether the expression at `span` makes a query of a text, or goes on from one that does.
pub(super) fn is_query(world: World<'_>, id: FileId, span: Span) -> bool {
    query::of(world.project, world.driver, id, span).is_some()
}

/// What the query that the expression at `span` gives can be.
fn query_of(world: World<'_>, id: FileId, span: Span) -> Vec<SqlFacts> {
    let query = query::of(world.project, world.driver, id, span);
    let text = query.and_then(|query| query.text);
    text.map_or_else(
        || vec![unknown()],
        |text| read(world.project.file(id), text),
    )
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
    if world.driver.executors.contains(&call.method) {
        return Some(first.map_or_else(|| vec![unknown()], |span| query_of(world, id, span)));
    }
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
        unknown_functions: std::collections::BTreeSet::default(),
        effects: std::collections::BTreeSet::default(),
        columns: None,
    };
    SqlFacts {
        statements: vec![statement],
        parsed: true,
    }
}
