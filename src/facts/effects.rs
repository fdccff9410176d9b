//! What a call does beside its result, as far as the project shows: other connections that it takes, exceptions that it raises itself.
//!
//! Followed through functions, methods and constructors of the project. What leads out of the project is no effect here: it neither
//! reaches the database by the standard nor raises in a way that anybody could see.

use std::collections::BTreeSet;

use crate::facts::connection::{self, queries_of};
use crate::facts::errors::Managing;
use crate::facts::origin::{self, Value};
use crate::facts::{World, errors, passing, site};
use crate::language::expression::{Argument, CallSite, Expression};
use crate::language::usage::{Entered, Implied, Usage};
use crate::project::{FileId, FunctionRef, Symbol};
use crate::source::Span;
use crate::sql::SqlFacts;

/// How many calls deep effects are looked for.
const DEPTH: usize = 5;

/// A connection that is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Borrow {
    /// What takes it, as it is written.
    pub what: String,
    /// The queries that are run on it; `None` where they are not all known.
    pub queries: Option<Vec<SqlFacts>>,
}

/// What a call does beside its result.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    /// The connections that it takes.
    pub borrows: Vec<Borrow>,
    /// Where it raises an exception that leaves it: `path:line`.
    pub raises: Option<String>,
    /// The call that starts a task, hands work to another process or talks to another server, as it is written.
    pub tells: Option<String>,
    /// Whether something in this process may be waiting for it: a queue, an event.
    pub hints: bool,
}

/// Libraries that talk to other servers, by the beginning of a dotted name.
const REMOTE: [&str; 16] = [
    "requests.",
    "httpx.",
    "urllib.request.",
    "urllib3.",
    "http.client.",
    "aiohttp.",
    "smtplib.",
    "boto3.",
    "botocore.",
    "redis.",
    "pika.",
    "kafka.",
    "stripe.",
    "twilio.",
    "sendgrid.",
    "slack_sdk.",
];

/// Functions that only make a client.
const QUIET: [&str; 4] = ["client", "resource", "session", "from_url"];

/// Functions and methods that start a task beside the block, or hand work to a worker.
const STARTERS: [&str; 10] = [
    "create_task",
    "ensure_future",
    "start_soon",
    "start_new_thread",
    "run_coroutine_threadsafe",
    "call_soon_threadsafe",
    "run_in_executor",
    "apply_async",
    "send_task",
    "delay",
];

/// Methods that something in this process may be waiting for.
const HINTS: [&str; 7] = [
    "put_nowait",
    "put",
    "set",
    "publish",
    "emit",
    "notify",
    "notify_all",
];

/// The effects of one call.
pub fn of_call(world: World<'_>, id: FileId, call: &CallSite) -> Effects {
    let mut finder = Finder {
        world,
        found: Effects::default(),
        seen: BTreeSet::new(),
    };
    finder.call(id, call, DEPTH);
    finder.found
}

/// What opening a resource does, and what closing it does: the methods of an object, or what stands before and behind the `yield` of a
/// generator. Nothing for what is not of the project.
pub fn of_manager(world: World<'_>, id: FileId, entered: Entered) -> (Effects, Effects) {
    let of = |functions: &[FunctionRef], from: usize| {
        let mut finder = Finder {
            world,
            found: Effects::default(),
            seen: BTreeSet::new(),
        };
        for function in functions {
            finder.part(*function, from, DEPTH);
        }
        finder.found
    };
    match errors::manager_functions(world, id, entered) {
        Some(Managing::Methods { opening, closing }) => (of(&opening, 0), of(&closing, 0)),
        // What the call of a generator does is the call's.
        Some(Managing::Generator(function)) => {
            let file = world.project.file(function.file);
            let body = file.model.scope(function.scope).body;
            let yields = file.language.yields(file.code(), body);
            let first = yields.iter().map(|place| place.end).min();
            let closing = first.map(|behind| of(&[function], behind));
            (Effects::default(), closing.unwrap_or_default())
        }
        None => Default::default(),
    }
}

/// Where the `await` at `awaited`, or a function of the project that it runs, awaits something that is neither of the project nor of the
/// database and may raise: `path:line`. Sleeping does not.
pub fn awaits_outside(world: World<'_>, id: FileId, awaited: Span) -> Option<String> {
    outside(world, id, awaited, &mut BTreeSet::new(), DEPTH)
}

fn outside(
    world: World<'_>,
    id: FileId,
    awaited: Span,
    seen: &mut BTreeSet<FunctionRef>,
    depth: usize,
) -> Option<String> {
    let file = world.project.file(id);
    let place = || Some(world.project.place(id, awaited));
    let own = |call: &&CallSite| {
        call.span == awaited || file.language.usage(file.code(), call.span) == Usage::Awaited
    };
    let inside = file.outline.calls.iter();
    let inside = inside.filter(|call| awaited.contains(call.span));
    // The outermost call is the one that is awaited.
    let Some(call) = inside.filter(own).min_by_key(|call| call.span.start) else {
        return place();
    };
    if let Some(Symbol::External(dotted)) = world.project.symbol(id, call.callee)
        && dotted.rsplit('.').next() == Some("sleep")
    {
        return None;
    }
    let driver = world.driver;
    let of_driver = [
        &driver.query_methods,
        &driver.silent_methods,
        &driver.acquire,
        &driver.release,
    ];
    if of_driver.iter().any(|names| names.contains(&call.name))
        || borrowed(world, id, call).is_some()
    {
        return None;
    }
    let functions = called(world, id, call);
    let (false, Some(depth)) = (functions.is_empty(), depth.checked_sub(1)) else {
        return place();
    };
    functions
        .into_iter()
        .find_map(|function| outside_in(world, function, 0, seen, depth))
}

/// Where a function awaits something outside, from the place `from` on.
fn outside_in(
    world: World<'_>,
    function: FunctionRef,
    from: usize,
    seen: &mut BTreeSet<FunctionRef>,
    depth: usize,
) -> Option<String> {
    if !seen.insert(function) {
        return None;
    }
    let file = world.project.file(function.file);
    let body = file.model.scope(function.scope).body;
    let leaves = leaving(world, function);
    let awaits = file.language.awaits(file.code(), body).into_iter();
    let mut awaits = awaits.filter(|awaited| awaited.start >= from && leaves(awaited));
    let awaited = awaits.find_map(|awaited| outside(world, function.file, awaited, seen, depth));
    awaited.or_else(|| {
        let implied = file.language.implied_awaits(file.code(), body).into_iter();
        let mut implied =
            implied.filter(|implied| implied.whole.end >= from && leaves(&implied.value));
        implied.find_map(|implied| {
            let (first, last) = implied_outside(world, function.file, implied, seen, depth);
            first.filter(|_| implied.value.start >= from).or(last)
        })
    })
}

/// Where what is awaited without an `await` leads out of the project and may raise: where it begins, and where it ends or goes on.
pub fn implied_awaits_outside(
    world: World<'_>,
    id: FileId,
    implied: Implied,
) -> (Option<String>, Option<String>) {
    implied_outside(world, id, implied, &mut BTreeSet::new(), DEPTH)
}

fn implied_outside(
    world: World<'_>,
    id: FileId,
    implied: Implied,
    seen: &mut BTreeSet<FunctionRef>,
    depth: usize,
) -> (Option<String>, Option<String>) {
    let Some(depth) = depth.checked_sub(1) else {
        return (None, None);
    };
    if !implied.is_resource {
        let found = outside(world, id, implied.value, seen, depth);
        return (found.clone(), found);
    }
    let entered = Entered {
        resource: implied.value,
        span: implied.whole,
        body: implied.whole,
    };
    let mut of = |functions: &[FunctionRef], from: usize| {
        let mut functions = functions.iter();
        functions.find_map(|function| outside_in(world, *function, from, seen, depth))
    };
    match errors::manager_functions(world, id, entered) {
        Some(Managing::Methods { opening, closing }) => (of(&opening, 0), of(&closing, 0)),
        Some(Managing::Generator(function)) => {
            let body = world
                .project
                .file(function.file)
                .model
                .scope(function.scope)
                .body;
            let file = world.project.file(function.file);
            let yields = file.language.yields(file.code(), body);
            let first = yields.iter().map(|place| place.end).min();
            let last = first.and_then(|behind| of(&[function], behind));
            let whole = last.clone().or_else(|| {
                let mut seen = BTreeSet::new();
                outside_in(world, function, 0, &mut seen, depth)
            });
            (whole, last)
        }
        None if errors::is_of_database_manager(world, id, entered) => (None, None),
        None => {
            let place = world.project.place(id, implied.value);
            let quiet = errors::closes_quietly(world, id, entered);
            (Some(place.clone()), (!quiet).then_some(place))
        }
    }
}

struct Finder<'a> {
    world: World<'a>,
    found: Effects,
    seen: BTreeSet<FunctionRef>,
}

impl Finder<'_> {
    fn call(&mut self, id: FileId, call: &CallSite, depth: usize) {
        if let Some(borrow) = borrowed(self.world, id, call) {
            self.found.borrows.push(borrow);
            return;
        }
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        self.tells(id, call);
        for function in called(self.world, id, call) {
            if self.seen.insert(function) {
                self.function(function, depth);
            }
        }
    }

    /// Whether a call reaches somebody else.
    fn tells(&mut self, id: FileId, call: &CallSite) {
        let file = self.world.project.file(id);
        let method = matches!(file.expression(call.callee), Expression::Attribute { .. });
        // A function of the project that has such a name is looked into.
        let started =
            STARTERS.contains(&call.name.as_str()) && called(self.world, id, call).is_empty();
        if started || talks(self.world, id, call) {
            let text = call.callee.text(file.text());
            let what = || text.lines().next().unwrap_or_default().to_owned();
            self.found.tells.get_or_insert_with(what);
        }
        self.found.hints |= method && HINTS.contains(&call.name.as_str());
    }

    fn function(&mut self, function: FunctionRef, depth: usize) {
        self.part(function, 0, depth);
    }

    /// What a function does from the place `from` on.
    fn part(&mut self, function: FunctionRef, from: usize, depth: usize) {
        let file = self.world.project.file(function.file);
        let body = file.model.scope(function.scope).body;
        // The standard raises when there is no pool; whoever holds a connection has one.
        let of_standard = self.world.standard.is_file(function.file);
        if self.found.raises.is_none() && !of_standard {
            self.found.raises = raised(self.world, function, from);
        }
        let calls = file
            .outline
            .calls
            .iter()
            .filter(|call| body.contains(call.span) && call.span.start >= from)
            .filter(|call| file.model.function_around(call.scope) == Some(function.scope));
        for call in calls {
            self.call(function.file, call, depth);
        }
    }
}

/// Whether a call talks to another server: a function of a library for that, or a method of an object that one gave.
fn talks(world: World<'_>, id: FileId, call: &CallSite) -> bool {
    let project = world.project;
    let remote = |id: FileId, callee: Span| match project.symbol(id, callee) {
        Some(Symbol::External(dotted)) => REMOTE
            .iter()
            .any(|known| dotted.starts_with(known))
            .then_some(dotted),
        _ => None,
    };
    if let Some(dotted) = remote(id, call.callee) {
        let last = dotted.rsplit('.').next().unwrap_or(&dotted);
        let makes_object = last.starts_with(char::is_uppercase) && !dotted.starts_with("smtplib.");
        return !makes_object && !QUIET.contains(&last);
    }
    let file = project.file(id);
    let Expression::Attribute { object, .. } = file.expression(call.callee) else {
        return false;
    };
    let Expression::Name(name) = file.expression(object) else {
        return false;
    };
    let Some(owner) = file.model.resolve(call.scope, &name) else {
        return false;
    };
    let mut bindings = file.model.bindings_of(owner, &name);
    bindings.any(|binding| {
        let value = binding.value.map(|value| file.expression(value));
        matches!(value, Some(Expression::Call { callee, .. }) if remote(id, callee).is_some())
    })
}

/// Where a function raises an exception of its own that leaves it. What a handler raises only passes on what went wrong before.
fn raised(world: World<'_>, function: FunctionRef, from: usize) -> Option<String> {
    let file = world.project.file(function.file);
    let body = file.model.scope(function.scope).body;
    // What ends the program is caught by next to nothing.
    let exits = file.language.exits(file.code(), body).into_iter();
    let raises = file.language.raises(file.code(), body).into_iter();
    let leaving = raises.filter(leaving(world, function));
    let mut places = leaving.chain(exits).filter(|place| place.start >= from);
    let raise = places.next()?;
    Some(world.project.place(function.file, raise))
}

/// Tells of a place in a function whether an exception that is raised there leaves the function; a handler is not asked about.
fn leaving(world: World<'_>, function: FunctionRef) -> impl Fn(&Span) -> bool {
    let file = world.project.file(function.file);
    let body = file.model.scope(function.scope).body;
    let catches = errors::catches(world, function.file, body);
    move |place: &Span| {
        let raised = errors::raised_type(file, *place);
        !catches.iter().any(|catch| {
            let handler = catch.span.contains(*place) && place.start >= catch.body.end;
            handler
                || (catch.body.contains(*place)
                    && errors::surely_ends_in(file, catch, raised.as_deref()))
        })
    }
}

/// The functions of the project that a call may run.
fn called(world: World<'_>, id: FileId, call: &CallSite) -> Vec<FunctionRef> {
    let project = world.project;
    let file = project.file(id);
    let symbol = project.symbol(id, call.callee);
    if let Some(class) = symbol.and_then(|symbol| project.class(&symbol, id)) {
        return project.method(class, "__init__").into_iter().collect();
    }
    if let Some(function) = passing::target(world, id, call.callee) {
        return vec![function];
    }
    let Expression::Attribute { object, name } = file.expression(call.callee) else {
        return Vec::new();
    };
    let values = origin::values(world, id, object);
    let classes = values.iter().filter_map(|value| match value {
        Value::Instance(class) => Some(*class),
        _ => None,
    });
    classes
        .filter_map(|class| project.method(class, &name))
        .collect()
}

/// The connection that a call takes itself.
fn borrowed(world: World<'_>, id: FileId, call: &CallSite) -> Option<Borrow> {
    let file = world.project.file(id);
    let text = call.callee.text(file.text());
    let borrow = |queries| {
        Some(Borrow {
            what: text.lines().next().unwrap_or_default().to_owned(),
            queries,
        })
    };
    let standard = &world.config.standard;
    let helpers = standard.helpers.values().map(String::as_str);
    if world
        .standard
        .member(world, id, call.callee, helpers)
        .is_some()
    {
        return borrow(helper_queries(world, id, call.span));
    }
    let scopes = standard.scope.iter().chain(&standard.rls);
    let is_scope = world
        .standard
        .member(world, id, call.callee, scopes.map(String::as_str))
        .is_some();
    if is_scope || lends(world, id, call) {
        return borrow(site::run_on(world, id, call.span));
    }
    if !world.driver.query_methods.contains(&call.name) {
        return None;
    }
    let object = pool_of(world, id, call)?;
    match file.language.usage(file.code(), object) {
        Usage::MethodCall(method) => borrow(queries_of(world, id, &method)),
        _ => borrow(None),
    }
}

fn helper_queries(world: World<'_>, id: FileId, call: Span) -> Option<Vec<SqlFacts>> {
    let file = world.project.file(id);
    let Expression::Call { arguments, .. } = file.expression(call) else {
        return None;
    };
    match arguments.first()? {
        Argument::Positional(query) => Some(connection::read(file, *query)),
        _ => None,
    }
}

/// Whether a call borrows from a pool, or opens a connection.
fn lends(world: World<'_>, id: FileId, call: &CallSite) -> bool {
    let driver = world.driver;
    if driver.acquire.contains(&call.name) {
        return pool_of(world, id, call).is_some();
    }
    let symbol = || world.project.symbol(id, call.callee);
    driver.connect.contains(&call.name)
        && matches!(symbol(), Some(crate::project::Symbol::External(dotted))
            if driver.modules.iter().any(|module| dotted.starts_with(&format!("{module}."))))
}

/// The pool that a method is called on, if it is one.
fn pool_of(world: World<'_>, id: FileId, call: &CallSite) -> Option<Span> {
    let file = world.project.file(id);
    let Expression::Attribute { object, .. } = file.expression(call.callee) else {
        return None;
    };
    origin::is_pool(&origin::values(world, id, object)).then_some(object)
}
