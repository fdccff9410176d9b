//! A connection that is passed on: into functions of the project, and into objects that keep it, for the SQL that is run on it there.

use std::collections::BTreeSet;

use crate::facts::attribute::Family;
use crate::facts::connection::{executed, is_executor, queries_of};
use crate::facts::handles::{self, HandleUse};
use crate::facts::types::{Type, Types};
use crate::facts::{World, errors};
use crate::language::expression::{Argument, Expression};
use crate::language::usage::{Manner, MethodCall, Usage};
use crate::language::{BindingKind, Parameter, ParameterKind};
use crate::project::{ClassRef, FileId, FunctionRef, ParsedFile};
use crate::source::Span;
use crate::sql::SqlFacts;

/// Decorators that neither catch what their function raises nor run it twice.
const HARMLESS_DECORATORS: [&str; 8] = [
    "staticmethod",
    "classmethod",
    "abstractmethod",
    "override",
    "final",
    "overload",
    "contextmanager",
    "asynccontextmanager",
];

/// How many calls a connection is followed into.
const DEPTH: usize = 5;

/// What is done with a connection behind a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Passed {
    /// The queries that are run on it; all that an object which keeps it can run, whichever of its methods is called.
    pub queries: Vec<SqlFacts>,
    /// Whether it goes where it cannot be followed.
    pub is_lost: bool,
    /// Where it is closed, reset or given back: `path:line`.
    pub ended: Option<String>,
    /// The calls on it, each with its file.
    pub calls: Vec<(FileId, MethodCall)>,
    /// The functions that it was followed into.
    pub functions: BTreeSet<FunctionRef>,
    /// Where one of its errors is caught and the caller does not hear of it.
    pub swallowed: Option<Swallowed>,
    /// A decorator of a function that it goes through, which may run that function again or not let its errors out: "`@name` at `path:line`".
    pub decorated: Option<String>,
}

impl Passed {
    /// Whether rows may be changed behind the call: some query may, or it is not known what is run.
    pub fn may_write(&self) -> bool {
        self.is_lost || self.queries.iter().any(SqlFacts::may_write)
    }
}

/// An error of the connection that ends in a function which the connection is passed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swallowed {
    /// Where it is caught: `path:line`.
    pub place: String,
    /// Whether that function goes on using the connection.
    pub used_again: bool,
}

/// Whether a use of a connection closes or resets it, or gives it back.
pub(super) fn ends(world: World<'_>, id: FileId, usage: &Usage) -> bool {
    match usage {
        Usage::MethodCall(call) => world.driver.ending_methods.contains(&call.method),
        Usage::Argument { callee, .. } => gives_back(world, id, *callee),
        _ => false,
    }
}

/// Whether a call of `callee` gives the connection back that it is handed: `pool.release(conn)`.
pub(super) fn gives_back(world: World<'_>, id: FileId, callee: Span) -> bool {
    let text = callee.text(world.project.file(id).text());
    let last = text.rsplit('.').next().unwrap_or_default();
    world.driver.release.iter().any(|release| release == last)
}

/// Follows the argument at `argument` of the call at `call`.
pub fn follow(world: World<'_>, id: FileId, call: Span, callee: Span, argument: Span) -> Passed {
    let mut follower = Follower {
        world,
        passed: Passed::default(),
        seen: BTreeSet::new(),
    };
    follower.call(id, call, callee, argument, DEPTH);
    follower.passed
}

/// The function of the project that `callee` names: a name, or a method of the object the site stands in.
pub fn target(world: World<'_>, id: FileId, callee: Span) -> Option<FunctionRef> {
    let project = world.project;
    if let Some(symbol) = project.symbol(id, callee) {
        return project.function(&symbol, id);
    }
    let file = project.file(id);
    let Expression::Attribute { object, name } = file.expression(callee) else {
        return None;
    };
    if !matches!(object.text(file.text()), "self" | "cls") {
        return None;
    }
    let class = file.model.class_around(file.model.scope_at(callee.start))?;
    project.method(
        ClassRef {
            file: id,
            scope: class,
        },
        &name,
    )
}

/// The function of the project that a call runs and the parameter that the value at `argument` reaches, where types tell whose method it is.
pub fn reached(
    world: World<'_>,
    id: FileId,
    call: Span,
    callee: Span,
    argument: Span,
) -> Option<(FunctionRef, Parameter)> {
    let (function, through) = called(world, id, callee)?;
    let Expression::Call { arguments, .. } = world.project.file(id).expression(call) else {
        return None;
    };
    let at = arguments
        .iter()
        .position(|own| own.value().contains(argument))?;
    let home = world.project.file(function.file);
    let parameters = &home.model.scope(function.scope).parameters;
    let receiver = usize::from(through && parameters.first().is_some_and(|own| own.name == "self"));
    Some((function, parameters.get(at + receiver)?.clone()))
}

/// The function that `callee` names, and whether it is called on an object.
fn called(world: World<'_>, id: FileId, callee: Span) -> Option<(FunctionRef, bool)> {
    let project = world.project;
    if let Some(symbol) = project.symbol(id, callee)
        && let Some(function) = project.function(&symbol, id)
    {
        return Some((function, false));
    }
    let file = project.file(id);
    let Expression::Attribute { object, name } = file.expression(callee) else {
        return None;
    };
    let types = Types::new(project, world.driver);
    let is_path = callee.text(file.text())[object.len()..]
        .trim_start()
        .starts_with("::");
    let owner = if is_path {
        types.written(id, object, file.model.scope_at(callee.start))
    } else {
        types.of(id, object)
    };
    match owner {
        Type::Named {
            class: Some(class), ..
        } => Some((types.method(class, &name)?, !is_path)),
        _ => None,
    }
}

struct Follower<'a> {
    world: World<'a>,
    passed: Passed,
    seen: BTreeSet<(FileId, Span)>,
}

impl Follower<'_> {
    fn lost(&mut self) {
        self.passed.is_lost = true;
    }

    fn call(&mut self, id: FileId, call: Span, callee: Span, argument: Span, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.lost();
        };
        let project = self.world.project;
        if project.file(id).language.is_typed() {
            return match reached(self.world, id, call, callee, argument) {
                Some((function, parameter)) => self.variable(function, &parameter, None, depth),
                None => self.lost(),
            };
        }
        let class = project
            .symbol(id, callee)
            .and_then(|symbol| project.class(&symbol, id));
        let function = match class {
            Some(class) => project.method(class, "__init__"),
            None => target(self.world, id, callee),
        };
        let Some(function) = function else {
            return self.lost();
        };
        let model = &project.file(function.file).model;
        let mut decorators = model.scope(function.scope).decorators.iter();
        let is_static = decorators
            .any(|decorator| decorator.text(project.file(function.file).text()) == "staticmethod");
        let is_method = model.class_around(function.scope).is_some() && !is_static;
        // `Class.method(object, …)` passes the object itself.
        let through_object = class.is_some() || callee.text(project.file(id).text()).contains('.');
        let receivers = usize::from(is_method && through_object);
        match self.parameter(id, call, argument, function, receivers) {
            Some(parameter) => self.variable(function, &parameter, class, depth),
            None => self.lost(),
        }
    }

    /// The parameter that the argument reaches.
    fn parameter(
        &self,
        id: FileId,
        call: Span,
        argument: Span,
        function: FunctionRef,
        receivers: usize,
    ) -> Option<Parameter> {
        let project = self.world.project;
        let Expression::Call { arguments, .. } = project.file(id).expression(call) else {
            return None;
        };
        let parameters = &project
            .file(function.file)
            .model
            .scope(function.scope)
            .parameters;
        let mut position = receivers;
        for passed in &arguments {
            match passed {
                // `&mut *conn` passes `conn` on.
                Argument::Positional(span) if span.contains(argument) => {
                    let by_position = |parameter: &&Parameter| {
                        matches!(
                            parameter.kind,
                            ParameterKind::PositionalOnly | ParameterKind::Positional
                        )
                    };
                    return parameters.iter().filter(by_position).nth(position).cloned();
                }
                Argument::Positional(_) => position += 1,
                Argument::Keyword { name, value } if *value == argument => {
                    return parameters
                        .iter()
                        .find(|parameter| parameter.name == *name)
                        .cloned();
                }
                Argument::Keyword { .. } => {}
                Argument::Spread(_) | Argument::KeywordSpread(_) => return None,
            }
        }
        None
    }

    /// Everything that a function does with its parameter.
    fn variable(
        &mut self,
        function: FunctionRef,
        parameter: &Parameter,
        class: Option<ClassRef>,
        depth: usize,
    ) {
        if !self.seen.insert((function.file, parameter.span)) {
            return;
        }
        self.passed.functions.insert(function);
        let file = self.world.project.file(function.file);
        let mut decorators = file.model.scope(function.scope).decorators.iter();
        let unknown = decorators.find(|decorator| {
            let text = decorator.text(file.text());
            !HARMLESS_DECORATORS.contains(&text.rsplit('.').next().unwrap_or(text))
        });
        if let Some(decorator) = unknown {
            let place = self.world.project.place(function.file, *decorator);
            let text = decorator.text(file.text());
            let name = text.split(['(', '\n']).next().unwrap_or(text).trim();
            let whole = || format!("`@{}` at {place}", name.trim_start_matches('@'));
            self.passed.decorated.get_or_insert_with(whole);
        }
        let rebound = file
            .model
            .bindings_of(function.scope, &parameter.name)
            .any(|binding| binding.kind != BindingKind::Parameter);
        if rebound {
            return self.lost();
        }
        let references = file.model.references_to(function.scope, &parameter.name);
        let spans: Vec<Span> = references.map(|reference| reference.span).collect();
        let handles = self.handles(function.file, &spans);
        let uses: Vec<Span> = spans.iter().copied().chain(handles).collect();
        self.swallows(function, &uses);
        for span in spans {
            let kept = file
                .outline
                .writes
                .iter()
                .find(|write| write.value == Some(span));
            match (class, kept) {
                (Some(class), Some(write)) if matches!(write.object.text(file.text()), "self") => {
                    self.attribute(class, &write.name, depth);
                }
                _ => self.used(function.file, span, depth),
            }
        }
    }

    /// Where prepared statements and cursors are used that calls on the connection at `spans` hand out.
    fn handles(&mut self, id: FileId, spans: &[Span]) -> Vec<Span> {
        let file = self.world.project.file(id);
        let calls = spans.iter();
        let calls = calls.filter_map(|span| match file.language.usage(file.code(), *span) {
            Usage::MethodCall(call) => Some(call),
            _ => None,
        });
        let uses: Vec<HandleUse> = calls
            .flat_map(|call| handles::uses(self.world, id, &call))
            .collect();
        let goes_away = |handle: &HandleUse| {
            matches!(
                handle.usage,
                Usage::Argument { .. }
                    | Usage::Returned
                    | Usage::Yielded
                    | Usage::Stored
                    | Usage::Aliased
            )
        };
        if uses.iter().any(goes_away) {
            self.lost();
        }
        uses.into_iter().map(|handle| handle.span).collect()
    }

    /// Whether a function catches errors of the connection, which it uses at `uses`, and says nothing of them. An error inside a
    /// savepoint undoes no more than that.
    fn swallows(&mut self, function: FunctionRef, uses: &[Span]) {
        let file = self.world.project.file(function.file);
        let body = file.model.scope(function.scope).body;
        let savepoints = savepoints(file, uses);
        for catch in errors::catches(self.world, function.file, body) {
            let caught = uses.iter().any(|used| {
                let spared = savepoints
                    .iter()
                    .any(|block| catch.body.contains(*block) && block.contains(*used));
                catch.body.contains(*used) && !spared
            });
            if !caught || !errors::ends_in(file, &catch) {
                continue;
            }
            let swallowed = Swallowed {
                place: self.world.project.place(function.file, catch.span),
                used_again: uses.iter().any(|used| used.start >= catch.body.end),
            };
            let known = self.passed.swallowed.as_ref();
            if known.is_none_or(|known| !known.used_again) {
                self.passed.swallowed = Some(swallowed);
            }
        }
    }

    /// Everything that the methods of a class do with the attribute that keeps the connection.
    fn attribute(&mut self, class: ClassRef, name: &str, depth: usize) {
        let family = Family::of(self.world, class);
        for (file, read) in family.reads(self.world, name) {
            self.used(file, read.span, depth);
        }
    }

    fn used(&mut self, id: FileId, span: Span, depth: usize) {
        let file = self.world.project.file(id);
        let usage = file.language.usage(file.code(), span);
        if ends(self.world, id, &usage) {
            let place = || self.world.project.place(id, span);
            self.passed.ended.get_or_insert_with(place);
        }
        match usage {
            Usage::MethodCall(call) => {
                self.passed
                    .queries
                    .extend(queries_of(self.world, id, &call).unwrap_or_default());
                self.passed.calls.push((id, call));
            }
            Usage::Argument { call, callee } if is_executor(self.world, id, callee) => {
                let query = executed(self.world, id, call, callee, call);
                self.passed
                    .queries
                    .extend(query.queries.unwrap_or_default());
                self.passed.calls.push((id, query.call));
            }
            Usage::Argument { call, callee } => self.call(id, call, callee, span, depth),
            Usage::Tested | Usage::Interpolated => {}
            _ => self.lost(),
        }
    }
}

/// The blocks `async with conn.transaction():` of a connection that is used at `uses`.
fn savepoints(file: &ParsedFile, uses: &[Span]) -> Vec<Span> {
    let opens = |used: &Span| match file.language.usage(file.code(), *used) {
        Usage::MethodCall(call)
            if call.method == "transaction" && call.manner == Manner::Entered =>
        {
            file.language.statement(file.code(), call.call)
        }
        _ => None,
    };
    uses.iter().filter_map(opens).collect()
}
