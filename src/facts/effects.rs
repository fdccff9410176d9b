//! What a call does beside its result, as far as the project shows: other connections that it takes, exceptions that it raises itself.
//!
//! Followed through functions, methods and constructors of the project. What leads out of the project is no effect here: it neither
//! reaches the database by the standard nor raises in a way that anybody could see.

use std::collections::BTreeSet;

use crate::facts::connection::{self, queries_of};
use crate::facts::origin::{self, Value};
use crate::facts::{World, errors, passing, site};
use crate::language::expression::{Argument, CallSite, Expression};
use crate::language::usage::Usage;
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
}

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
    let own = |call: &&CallSite| file.language.usage(file.code(), call.span) == Usage::Awaited;
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
    functions.into_iter().find_map(|function| {
        if !seen.insert(function) {
            return None;
        }
        let file = world.project.file(function.file);
        let body = file.model.scope(function.scope).body;
        let leaves = leaving(world, function);
        let awaits = file.language.awaits(file.code(), body).into_iter();
        awaits
            .filter(leaves)
            .find_map(|awaited| outside(world, function.file, awaited, seen, depth))
    })
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
        for function in called(self.world, id, call) {
            if self.seen.insert(function) {
                self.function(function, depth);
            }
        }
    }

    fn function(&mut self, function: FunctionRef, depth: usize) {
        let file = self.world.project.file(function.file);
        let body = file.model.scope(function.scope).body;
        // The standard raises when there is no pool; whoever holds a connection has one.
        let of_standard = self.world.standard.is_file(function.file);
        if self.found.raises.is_none() && !of_standard {
            self.found.raises = raised(self.world, function);
        }
        let calls = file
            .outline
            .calls
            .iter()
            .filter(|call| body.contains(call.span))
            .filter(|call| file.model.function_around(call.scope) == Some(function.scope));
        for call in calls {
            self.call(function.file, call, depth);
        }
    }
}

/// Where a function raises an exception of its own that leaves it. What a handler raises only passes on what went wrong before.
fn raised(world: World<'_>, function: FunctionRef) -> Option<String> {
    let file = world.project.file(function.file);
    let body = file.model.scope(function.scope).body;
    let raises = file.language.raises(file.code(), body);
    let raise = raises.into_iter().find(leaving(world, function))?;
    Some(world.project.place(function.file, raise))
}

/// Tells of a place in a function whether an exception that is raised there leaves the function; a handler is not asked about.
fn leaving(world: World<'_>, function: FunctionRef) -> impl Fn(&Span) -> bool {
    let file = world.project.file(function.file);
    let body = file.model.scope(function.scope).body;
    let catches = errors::catches(world, function.file, body);
    let ends: Vec<bool> = catches
        .iter()
        .map(|catch| errors::ends_in(file, catch))
        .collect();
    move |place: &Span| {
        !catches.iter().zip(&ends).any(|(catch, ends)| {
            let handler = catch.span.contains(*place) && place.start >= catch.body.end;
            handler || (catch.body.contains(*place) && *ends)
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
