//! Objects that code changes: attributes that are set, collections in attributes, and what methods and functions of the project do with
//! the objects that they are given. A session writes the rows of objects that it knows without being told.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::facts::{World, passing};
use crate::language::expression::Expression;
use crate::language::{Model, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId, FunctionRef, ParsedFile};
use crate::source::Span;

/// Methods of collections that change them: on an attribute of an object that a session knows, that changes rows.
const MUTATORS: [&str; 13] = [
    "append",
    "extend",
    "insert",
    "remove",
    "discard",
    "add",
    "clear",
    "pop",
    "update",
    "setdefault",
    "popitem",
    "sort",
    "reverse",
];

/// Methods of any object that set its attributes.
const SETTERS: [&str; 2] = ["__setattr__", "sqlmodel_update"];

/// Calls by which a class says what its rows hold.
const COLUMNS: [&str; 5] = [
    "mapped_column",
    "Column",
    "relationship",
    "Relationship",
    "Field",
];

/// How many calls deep functions are followed, and how often the methods that change their object may grow by those which call them.
const DEPTH: usize = 4;

/// A place where an object is changed, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// Where.
    pub span: Span,
    /// What does it.
    pub what: String,
}

/// The places in a body where an attribute or a collection of an object is changed, other than of the object that the code belongs to.
pub fn direct(file: &ParsedFile, body: Span) -> Vec<Touch> {
    changed(file, body, |root| !is_own(root))
}

/// What the calls in a body do to objects, where `is_object` says which expressions mention one.
pub fn by_calls(
    world: World<'_>,
    id: FileId,
    body: Span,
    is_object: impl Fn(Span) -> bool,
) -> Vec<Touch> {
    let file = world.project.file(id);
    let calls = file
        .outline
        .calls
        .iter()
        .filter(|call| body.contains(call.span));
    let touching = calls.filter(|call| {
        let arguments = Span::new(call.callee.end, call.span.end);
        match passing::target(world, id, call.callee) {
            Some(function) => is_object(arguments) && inside(world, function),
            None => {
                changes_its_object(world, file, call.callee, &is_object)
                    || (is_object(arguments) && changes_others(world, file, call.callee, arguments))
            }
        }
    });
    touching
        .map(|call| Touch {
            span: call.span,
            what: format!("what `{}` does", first_line(call.callee.text(file.text()))),
        })
        .collect()
}

/// Whether a function changes objects that are not its own, or one that it calls does.
pub fn inside(world: World<'_>, function: FunctionRef) -> bool {
    let mut seen = BTreeSet::from([function]);
    let mut open = vec![(function, DEPTH)];
    while let Some((FunctionRef { file: id, scope }, depth)) = open.pop() {
        let file = world.project.file(id);
        let body = file.model.scope(scope).body;
        if !direct(file, body).is_empty() {
            return true;
        }
        let calls = file.outline.calls.iter();
        for call in calls.filter(|call| body.contains(call.span)) {
            let target = passing::target(world, id, call.callee);
            match target {
                None if changes_its_object(world, file, call.callee, |_| true) => return true,
                Some(target) if depth > 0 && seen.insert(target) => open.push((target, depth - 1)),
                _ => {}
            }
        }
    }
    false
}

/// Whether a body puts something where it can be found when the body has ended.
pub fn keeps(file: &ParsedFile, body: Span) -> bool {
    let writes = file.outline.writes.iter().chain(&file.outline.items);
    let mut statements = writes.map(|write| write.statement);
    let mut references = file.model.references.iter();
    let global = references.any(|reference| {
        let is_variable = || {
            let mut bindings = file.model.bindings_of(Model::MODULE, &reference.name);
            bindings.any(|binding| binding.value.is_some())
        };
        body.contains(reference.span) && reference.target == Some(Model::MODULE) && is_variable()
    });
    global || statements.any(|statement| body.contains(statement))
}

/// Whether a call is one of a method by which an object with rows changes itself.
fn changes_its_object(
    world: World<'_>,
    file: &ParsedFile,
    callee: Span,
    is_object: impl Fn(Span) -> bool,
) -> bool {
    let Expression::Attribute { object, name } = file.expression(callee) else {
        return false;
    };
    !is_own(root(object.text(file.text()))) && is_object(object) && changers(world).contains(&name)
}

/// Whether a call may be one of a method that changes objects which it is given, or is given a function that does: `map(promote, lots)`.
fn changes_others(world: World<'_>, file: &ParsedFile, callee: Span, arguments: Span) -> bool {
    let names = touchers(world);
    let is_method = matches!(file.expression(callee), Expression::Attribute { .. });
    let references = file.model.references.iter();
    let mut handed = references.filter(|reference| arguments.contains(reference.span));
    (is_method && names.contains(last(callee.text(file.text()))))
        || named_code(file, callee).any(|code| !direct(file, code).is_empty())
        || handed.any(|reference| names.iter().any(|name| *name == reference.name))
}

/// The functions of the project that change objects which they are given.
fn touchers(world: World<'_>) -> Arc<BTreeSet<String>> {
    world.memo.touchers.get((), || {
        let mut names = BTreeSet::new();
        for (_, file) in world.project.files() {
            let scopes = file.model.scopes.iter();
            let functions = scopes.filter(|scope| scope.kind == ScopeKind::Function);
            for scope in functions.filter(|scope| !scope.parameters.is_empty()) {
                let is_given = |root: &str| {
                    let mut parameters = scope.parameters.iter();
                    !is_own(root) && parameters.any(|parameter| parameter.name == root)
                };
                if !changed(file, scope.body, is_given).is_empty() {
                    names.insert(scope.name.clone());
                }
            }
        }
        names
    })
}

/// What a variable that is called may hold: `mark = lambda lot: …`.
fn named_code(file: &ParsedFile, callee: Span) -> impl Iterator<Item = Span> {
    let name = match file.expression(callee) {
        Expression::Name(name) => name,
        _ => String::new(),
    };
    let scope = file.model.scope_at(callee.start);
    let owner = file.model.resolve(scope, &name);
    let bindings = owner.map(|owner| file.model.bindings_of(owner, &name));
    let values = bindings.into_iter().flatten();
    values
        .filter_map(|binding| binding.value)
        .collect::<Vec<Span>>()
        .into_iter()
}

fn last(text: &str) -> &str {
    text.rsplit('.').next().unwrap_or(text).trim()
}

/// The methods of classes with rows that change the object they are called on.
fn changers(world: World<'_>) -> Arc<BTreeSet<String>> {
    world.memo.changers.get((), || {
        let mut classes: BTreeSet<ClassRef> = BTreeSet::new();
        for (id, file) in world.project.files() {
            for (index, scope) in (0..).zip(&file.model.scopes) {
                if scope.kind == ScopeKind::Class && has_rows(file, scope.body) {
                    let class = ClassRef {
                        file: id,
                        scope: ScopeId(index),
                    };
                    classes.extend(world.project.lineage(class));
                }
            }
        }
        let methods: Vec<FunctionRef> = classes
            .iter()
            .flat_map(|class| {
                let model = &world.project.file(class.file).model;
                let scopes = (0..).zip(&model.scopes);
                let own = scopes.filter(|(_, scope)| {
                    scope.kind == ScopeKind::Function
                        && scope.parent == Some(class.scope)
                        && !scope.name.starts_with("__")
                });
                own.map(|(index, _)| FunctionRef {
                    file: class.file,
                    scope: ScopeId(index),
                })
            })
            .collect();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for _ in 0..DEPTH {
            let before = names.len();
            for method in &methods {
                let file = world.project.file(method.file);
                let scope = file.model.scope(method.scope);
                let calls = file.outline.calls.iter();
                let mut calls = calls.filter(|call| scope.body.contains(call.span));
                let calls_one = calls.any(|call| {
                    names.iter().any(|name| *name == call.name)
                        && is_own(root(call.callee.text(file.text())))
                });
                if calls_one || !changed(file, scope.body, is_own).is_empty() {
                    names.insert(scope.name.clone());
                }
            }
            if names.len() == before {
                break;
            }
        }
        names
    })
}

/// Whether the class with this body says what its rows hold.
fn has_rows(file: &ParsedFile, body: Span) -> bool {
    let mut calls = file.outline.calls.iter();
    calls.any(|call| body.contains(call.span) && COLUMNS.contains(&call.name.as_str()))
}

/// The places in a body where an attribute of an object is set, or a collection in one is changed, whose root `matters`.
fn changed(file: &ParsedFile, body: Span, matters: impl Fn(&str) -> bool) -> Vec<Touch> {
    let text = file.text();
    let of = |object: Span| matters(root(object.text(text)));
    let writes = file.outline.writes.iter();
    let written = writes
        .filter(|write| body.contains(write.statement) && of(write.object))
        .map(|write| Touch {
            span: write.statement,
            what: format!("`{}.{} = …`", write.object.text(text), write.name),
        });
    let items = file.outline.items.iter();
    let set = items
        .filter(|item| body.contains(item.statement) && of(item.object))
        .map(|item| Touch {
            span: item.statement,
            what: format!("`{}.{}[…] = …`", item.object.text(text), item.name),
        });
    let calls = file.outline.calls.iter();
    let called = calls
        .filter(|call| body.contains(call.span))
        .filter(|call| {
            let Expression::Attribute { object, name } = file.expression(call.callee) else {
                return call.name == "setattr";
            };
            if SETTERS.contains(&name.as_str()) {
                return of(object);
            }
            let collection = attribute(file, object);
            MUTATORS.contains(&name.as_str()) && collection.is_some_and(of)
        })
        .map(|call| Touch {
            span: call.span,
            what: format!("`{}(…)`", first_line(call.callee.text(text))),
        });
    let mut found: Vec<Touch> = written.chain(set).chain(called).collect();
    found.sort_by_key(|touch| touch.span);
    found
}

/// The expression, if it is an attribute, or the attribute that a name stands for: `tags = domain.tags`.
fn attribute(file: &ParsedFile, span: Span) -> Option<Span> {
    match file.expression(span) {
        Expression::Attribute { .. } => Some(span),
        Expression::Name(name) => {
            let owner = file.model.resolve(file.model.scope_at(span.start), &name)?;
            let values = file.model.bindings_of(owner, &name);
            let mut values = values.filter_map(|binding| binding.value);
            values.find(|value| matches!(file.expression(*value), Expression::Attribute { .. }))
        }
        _ => None,
    }
}

fn is_own(root: &str) -> bool {
    matches!(root, "self" | "cls")
}

fn root(text: &str) -> &str {
    text.split(['.', '(', '[']).next().unwrap_or(text).trim()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
