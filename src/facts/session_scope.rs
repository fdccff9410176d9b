//! What the standard's session scope does when its block is left, as its code says: whether it commits, whether it is awaited, and
//! whether objects can still be read afterwards.

use std::collections::BTreeSet;

use crate::language::expression::{Argument, Expression};
use crate::language::{Model, ScopeId};
use crate::project::{FileId, FunctionRef, ParsedFile, Project, Symbol};
use crate::recipe::Driver;

/// How many functions deep a scope is followed.
const DEPTH: usize = 4;

/// What makes registries of sessions.
const REGISTRIES: [&str; 2] = ["scoped_session", "async_scoped_session"];

/// What a standard scope does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionScope {
    /// Whether it commits when the block is left without an error; `None` where its code was not read.
    pub commits: Option<bool>,
    /// Whether it is entered by `async with`; `None` where its code was not read.
    pub is_async: Option<bool>,
    /// Whether it opens a transaction by `begin()`, whose end is that of the block.
    pub begins: bool,
    /// Whether its sessions keep the attributes of their objects when they commit (`expire_on_commit=False`). SQLAlchemy expires them
    /// unless told not to, and an object without its session cannot load them again (`DetachedInstanceError`).
    pub keeps_objects: bool,
    /// Whether its sessions are those of a registry (`scoped_session`), which others of the same thread or task have, too.
    pub shares_sessions: bool,
}

/// Reads the function that `symbol` means, and the factory of the same module.
pub(super) fn read(
    project: &Project,
    home: FileId,
    symbol: Option<&Symbol>,
    factory: Option<&Symbol>,
    driver: &Driver,
) -> SessionScope {
    let Some(session) = &driver.session else {
        return SessionScope::default();
    };
    let function = symbol.and_then(|symbol| project.function(symbol, home));
    SessionScope {
        commits: function.map(|function| {
            let ends: Vec<&String> = session.commit.iter().chain(&session.begin).collect();
            calls(project, function, &ends)
        }),
        begins: function.is_some_and(|function| {
            let begin: Vec<&String> = session.begin.iter().collect();
            calls(project, function, &begin)
        }),
        is_async: function.map(|FunctionRef { file, scope }| {
            let model = &project.file(file).model;
            model.scope(scope).is_async
        }),
        keeps_objects: factory.is_some_and(|factory| keeps_objects(project, factory)),
        shares_sessions: factory.is_some_and(|factory| is_registry(project, factory)),
    }
}

/// Whether a scope, or one that it opens itself, calls one of these methods. `async with factory.begin() as session:` commits at its end.
fn calls(project: &Project, function: FunctionRef, methods: &[&String]) -> bool {
    let mut seen = BTreeSet::from([function]);
    let mut open = vec![(function, DEPTH)];
    while let Some((FunctionRef { file: id, scope }, depth)) = open.pop() {
        let file = project.file(id);
        let body = file.model.scope(scope).body;
        let calls = file.outline.calls.iter();
        for call in calls.filter(|call| body.contains(call.span)) {
            let is_method = matches!(file.expression(call.callee), Expression::Attribute { .. });
            if is_method && methods.contains(&&*call.name) {
                return true;
            }
            let symbol = project.symbol(id, call.callee);
            let inner = symbol.and_then(|symbol| project.function(&symbol, id));
            if let (Some(inner), Some(depth)) = (inner, depth.checked_sub(1))
                && seen.insert(inner)
            {
                open.push((inner, depth));
            }
        }
    }
    false
}

/// Whether the factory is a registry: it gives the session that its thread or task has already.
fn is_registry(project: &Project, factory: &Symbol) -> bool {
    let Symbol::Member { file: id, name } = factory else {
        return false;
    };
    let file = project.file(*id);
    let values = file.model.bindings_of(Model::MODULE, name);
    let mut values = values.filter_map(|binding| binding.value);
    values.any(|value| match file.expression(value) {
        Expression::Call { callee, .. } => {
            let callee = callee.text(file.text());
            REGISTRIES.contains(&callee.rsplit('.').next().unwrap_or(callee))
        }
        _ => false,
    })
}

/// Whether the factory is made with `expire_on_commit=False`.
fn keeps_objects(project: &Project, factory: &Symbol) -> bool {
    let Symbol::Member { file: id, name } = factory else {
        return false;
    };
    let file = project.file(*id);
    let scope: ScopeId = Model::MODULE;
    let mut values = file
        .model
        .bindings_of(scope, name)
        .filter_map(|binding| binding.value)
        .peekable();
    values.peek().is_some()
        && values.all(|value| {
            let Expression::Call { arguments, .. } = file.expression(value) else {
                // `factory: Factory | None = None`, filled later.
                return file.expression(value) == Expression::Null;
            };
            keeps(file, &arguments)
                // `scoped_session(sessionmaker(…))`
                || arguments.iter().any(|argument| match file.expression(argument.value()) {
                    Expression::Call { arguments, .. } => keeps(file, &arguments),
                    _ => false,
                })
        })
}

fn keeps(file: &ParsedFile, arguments: &[Argument]) -> bool {
    arguments.iter().any(|argument| {
        matches!(argument, Argument::Keyword { name, value }
            if name == "expire_on_commit" && value.text(file.text()) == "False")
    })
}
