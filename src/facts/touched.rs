//! Objects that code changes: attributes that are set, collections in attributes, and what methods and functions of the project do with
//! the objects that they are given. A session writes the rows of objects that it knows without being told.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::facts::{World, passing};
use crate::language::expression::Expression;
use crate::language::usage::Usage;
use crate::language::{Binding, BindingKind, Model, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId, FunctionRef, ParsedFile, Symbol};
use crate::source::Span;

/// Methods of collections that change them: on an attribute of an object that a session knows, that changes rows.
const MUTATORS: [&str; 19] = [
    "append",
    "appendleft",
    "extend",
    "insert",
    "remove",
    "discard",
    "add",
    "add_all",
    "clear",
    "pop",
    "update",
    "setdefault",
    "popitem",
    "sort",
    "reverse",
    "intersection_update",
    "difference_update",
    "symmetric_difference_update",
    "__setitem__",
];

/// Functions and methods of any object that set its attributes and elements, or say that they were set.
const SETTERS: [&str; 10] = [
    "setattr",
    "delattr",
    "__setattr__",
    "__delattr__",
    "setitem",
    "delitem",
    "sqlmodel_update",
    "flag_modified",
    "set_attribute",
    "del_attribute",
];

/// Calls by which a class says what its rows hold.
const COLUMNS: [&str; 5] = [
    "mapped_column",
    "Column",
    "relationship",
    "Relationship",
    "Field",
];

/// How many values of a name are looked at.
const VALUES: usize = 32;

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

/// The attributes of the object that code belongs to in which it keeps objects of a session: `job` of `self.job = …`.
pub type Stored = BTreeSet<String>;

/// The places in a body where an attribute or a collection of an object is changed, other than of the object that the code belongs to.
pub fn direct(file: &ParsedFile, body: Span, stored: &Stored) -> Vec<Touch> {
    changed(file, body, |object| is_other(object, stored))
}

/// The attributes that a body sets of the object that it belongs to, to a value that `matters`.
pub fn stores(file: &ParsedFile, body: Span, matters: impl Fn(Span) -> bool) -> Stored {
    let writes = file.outline.writes.iter();
    let own = writes.filter(|write| {
        body.contains(write.statement)
            && is_own(write.object.text(file.text()))
            && write.value.is_none_or(&matters)
    });
    own.map(|write| write.name.to_string()).collect()
}

/// What the calls in a body do to objects, where `is_object` says which expressions mention one.
pub fn by_calls(
    world: World<'_>,
    id: FileId,
    body: Span,
    stored: &Stored,
    is_object: impl Fn(Span) -> bool,
) -> Vec<Touch> {
    let file = world.project.file(id);
    let calls = file
        .outline
        .calls
        .iter()
        .filter(|call| body.contains(call.span));
    let around = file
        .function_at(body.start)
        .map(|scope| file.model.scope(scope).span);
    let touching = calls.filter(|call| {
        let arguments = Span::new(call.callee.end, call.span.end);
        let given = is_object(arguments);
        let in_hand = |function| {
            let mut reads = file.outline.reads.iter();
            let collections =
                reads.any(|read| arguments.contains(read.span) && is_object(read.object));
            inside(world, function, stored, collections)
        };
        if let Some(function) = passing::target(world, id, call.callee) {
            let scope = world
                .project
                .file(function.file)
                .model
                .scope(function.scope);
            // A function that stands in this one has its variables.
            let is_nested = function.file == id
                && around.is_some_and(|around| around.contains(scope.span) && around != scope.span);
            return (given || is_nested || !stored.is_empty()) && in_hand(function);
        }
        let class = world.project.symbol(id, call.callee);
        let class = class.and_then(|symbol| world.project.class(&symbol, id));
        if let Some(class) = class {
            return given && world.project.method(class, "__init__").is_some_and(in_hand);
        }
        changes_its_object(world, file, call.callee, stored, &is_object)
            || (given && changes_others(world, id, call.callee, arguments))
    });
    let touching = touching.map(|call| (call.span, call.callee));
    let handed = unnamed(file, body, &is_object);
    touching
        .chain(handed)
        .map(|(span, callee)| Touch {
            span,
            what: format!("what `{}` does", first_line(callee.text(file.text()))),
        })
        .collect()
}

/// The calls in a body that are given an object and whose callee has no name: `HANDLERS[kind](lot)`, `pick(kind)(lot)`.
fn unnamed(file: &ParsedFile, body: Span, is_object: impl Fn(Span) -> bool) -> Vec<(Span, Span)> {
    let references = file.model.references.iter();
    let objects =
        references.filter(|reference| body.contains(reference.span) && is_object(reference.span));
    let calls = objects.filter_map(
        |object| match file.language.usage(file.code(), object.span) {
            Usage::Argument { call, callee } => Some((call, callee)),
            _ => None,
        },
    );
    let has_name = |callee: Span| {
        matches!(
            file.expression(callee),
            Expression::Name(_) | Expression::Attribute { .. }
        )
    };
    calls.filter(|(_, callee)| !has_name(*callee)).collect()
}

/// Whether a function changes objects that are not its own, or one that it calls does. `collections` says whether it is given collections
/// of such objects, which it may change itself.
pub fn inside(world: World<'_>, function: FunctionRef, stored: &Stored, collections: bool) -> bool {
    if collections && changes_parameters(world, function) {
        return true;
    }
    let mut seen = BTreeSet::from([function]);
    let mut open = vec![(function, DEPTH)];
    while let Some((FunctionRef { file: id, scope }, depth)) = open.pop() {
        let file = world.project.file(id);
        let body = file.model.scope(scope).body;
        if !direct(file, body, stored).is_empty() {
            return true;
        }
        let calls = file.outline.calls.iter();
        for call in calls.filter(|call| body.contains(call.span)) {
            let target = passing::target(world, id, call.callee);
            match target {
                None if changes_its_object(world, file, call.callee, stored, |_| true) => {
                    return true;
                }
                None if is_given_code(file, scope, call.callee) => return true,
                Some(target) if depth > 0 && seen.insert(target) => open.push((target, depth - 1)),
                _ => {}
            }
        }
    }
    false
}

/// Whether what is called is a parameter of the function: whatever the caller passes there.
fn is_given_code(file: &ParsedFile, function: ScopeId, callee: Span) -> bool {
    let Expression::Name(name) = file.expression(callee) else {
        return false;
    };
    let mut parameters = file.model.scope(function).parameters.iter();
    parameters.any(|parameter| parameter.name == name)
}

/// Whether a function changes a collection that it is given: `tags.append(…)`, `data[key] = …`.
fn changes_parameters(world: World<'_>, function: FunctionRef) -> bool {
    let file = world.project.file(function.file);
    let scope = file.model.scope(function.scope);
    let is_parameter = |span: Span| {
        let mut parameters = scope.parameters.iter();
        parameters.any(|parameter| parameter.name == span.text(file.text()))
    };
    let mut elements = file.outline.elements.iter();
    let mut calls = file.outline.calls.iter();
    elements.any(|element| scope.body.contains(element.statement) && is_parameter(element.name))
        || calls.any(|call| {
            let changes = MUTATORS.contains(&call.name.as_str());
            changes
                && scope.body.contains(call.span)
                && matches!(file.expression(call.callee), Expression::Attribute { object, .. } if is_parameter(object))
        })
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

/// Whether a call is one of a method by which an object with rows changes itself, or one that it was given.
fn changes_its_object(
    world: World<'_>,
    file: &ParsedFile,
    callee: Span,
    stored: &Stored,
    is_object: impl Fn(Span) -> bool,
) -> bool {
    let Expression::Attribute { object, name } = file.expression(callee) else {
        return false;
    };
    is_other(object.text(file.text()), stored)
        && is_object(object)
        && changers(world).contains(&name)
}

/// Whether a call may be one of a function that changes objects which it is given, or is given a function that does: `map(promote, lots)`.
fn changes_others(world: World<'_>, id: FileId, callee: Span, arguments: Span) -> bool {
    let file = world.project.file(id);
    let names = touchers(world);
    let is_method = matches!(file.expression(callee), Expression::Attribute { .. });
    let references = file.model.references.iter();
    let mut handed = references.filter(|reference| arguments.contains(reference.span));
    let called = last(callee.text(file.text()));
    // `Lot.promote(lot)`
    (is_method && (names.contains(called) || changers(world).contains(called)))
        || is_unknown(world, id, callee)
        || handed.any(|reference| names.iter().any(|name| *name == reference.name))
}

/// Whether what a name that is called stands for is not known, or code that changes objects: a parameter, `for step in steps`,
/// `mark = lambda lot: …`.
fn is_unknown(world: World<'_>, id: FileId, callee: Span) -> bool {
    let file = world.project.file(id);
    let Expression::Name(name) = file.expression(callee) else {
        return false;
    };
    let scope = file.model.scope_at(callee.start);
    let Some(owner) = file.model.resolve(scope, &name) else {
        // It is the language's own.
        return false;
    };
    let is_lambda = |value: Span| {
        let mut scopes = file.model.scopes.iter();
        scopes.any(|scope| scope.kind == ScopeKind::Lambda && scope.span == value)
    };
    let is_known = |binding: &Binding| match (binding.kind, binding.value) {
        (BindingKind::Import, _) => true,
        (_, Some(value)) => is_lambda(value) && direct(file, value, &Stored::new()).is_empty(),
        (_, None) => binding.opens.is_some(),
    };
    let external = matches!(
        world.project.symbol(id, callee),
        Some(Symbol::External(_) | Symbol::Unbound(_))
    );
    !external && !file.model.bindings_of(owner, &name).all(is_known)
}

/// The functions of the project that change objects which they are given.
fn touchers(world: World<'_>) -> Arc<BTreeSet<String>> {
    world.memo.touchers.get((), || {
        let mut names = BTreeSet::new();
        for (_, file) in world.project.files() {
            let scopes = file.model.scopes.iter();
            let functions = scopes.filter(|scope| scope.kind == ScopeKind::Function);
            for scope in functions.filter(|scope| !scope.parameters.is_empty()) {
                let is_given = |object: &str| {
                    let root = root(object);
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

fn last(text: &str) -> &str {
    text.rsplit('.').next().unwrap_or(text).trim()
}

/// The methods of classes with rows that change the object they are called on, and those of any class that change one which it keeps:
/// `self.lot.status = …`.
fn changers(world: World<'_>) -> Arc<BTreeSet<String>> {
    world.memo.changers.get((), || {
        let mut all: Vec<(ClassRef, bool)> = Vec::new();
        for (id, file) in world.project.files() {
            for (index, scope) in (0..).zip(&file.model.scopes) {
                if scope.kind == ScopeKind::Class {
                    let class = ClassRef {
                        file: id,
                        scope: ScopeId(index),
                    };
                    all.push((class, has_rows(file, scope.body)));
                }
            }
        }
        let rows: BTreeSet<ClassRef> = all
            .iter()
            .filter(|(_, rows)| *rows)
            .map(|(class, _)| *class)
            .collect();
        let mut classes: BTreeSet<ClassRef> = BTreeSet::new();
        for (class, _) in &all {
            let lineage: Vec<ClassRef> = world.project.lineage(*class).into_iter().collect();
            // What has rows, what it inherits from, and what inherits from it.
            if rows.contains(class) {
                classes.extend(lineage);
            } else if lineage.iter().any(|base| rows.contains(base)) {
                classes.insert(*class);
            }
        }
        let methods_of = |classes: &mut dyn Iterator<Item = ClassRef>| -> Vec<FunctionRef> {
            let methods = classes.flat_map(|class| {
                let model = &world.project.file(class.file).model;
                let scopes = (0..).zip(&model.scopes);
                let own = scopes.filter(|(_, scope)| {
                    scope.kind == ScopeKind::Function
                        && scope.parent == Some(class.scope)
                        && !scope.name.starts_with("__")
                });
                let method = move |(index, _)| FunctionRef {
                    file: class.file,
                    scope: ScopeId(index),
                };
                own.map(method).collect::<Vec<_>>()
            });
            methods.collect()
        };
        let mut names: BTreeSet<String> = BTreeSet::new();
        for method in methods_of(&mut all.iter().map(|(class, _)| *class)) {
            let file = world.project.file(method.file);
            let scope = file.model.scope(method.scope);
            if !changed(file, scope.body, is_kept).is_empty() {
                names.insert(scope.name.clone());
            }
        }
        let methods = methods_of(&mut classes.iter().copied());
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
                if calls_one || !changed(file, scope.body, |object| is_own(root(object))).is_empty()
                {
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

/// The places in a body where an attribute of an object that `matters` is set, or a collection in one is changed.
fn changed(file: &ParsedFile, body: Span, matters: impl Fn(&str) -> bool) -> Vec<Touch> {
    let text = file.text();
    let of = |object: Span| matters(object.text(text));
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
    let elements = file.outline.elements.iter();
    let element = elements
        .filter(|element| {
            body.contains(element.statement) && collection(file, element.name).is_some_and(&matters)
        })
        .map(|element| Touch {
            span: element.statement,
            what: format!("`{}[…] = …`", element.name.text(text)),
        });
    let calls = file.outline.calls.iter();
    let called = calls
        .filter(|call| body.contains(call.span))
        .filter(|call| {
            let name = call.name.as_str();
            let Expression::Attribute { object, .. } = file.expression(call.callee) else {
                return SETTERS.contains(&name);
            };
            if SETTERS.contains(&name) {
                return of(object);
            }
            MUTATORS.contains(&name) && collection(file, object).is_some_and(&matters)
        })
        .map(|call| Touch {
            span: call.span,
            what: format!("`{}(…)`", first_line(call.callee.text(text))),
        });
    // `tags += […]` changes a list in its place. What the name holds is not known: a number is taken for a list rather than the other way round.
    let bindings = file.model.bindings.iter();
    let added = bindings
        .filter(|binding| binding.kind == BindingKind::Augmented && body.contains(binding.span))
        .filter(|binding| collection(file, binding.span).is_some_and(&matters))
        .map(|binding| Touch {
            span: binding.statement,
            what: format!("`{}`", first_line(binding.statement.text(text))),
        });
    let mut found: Vec<Touch> = written
        .chain(set)
        .chain(element)
        .chain(added)
        .chain(called)
        .collect();
    found.sort_by_key(|touch| touch.span);
    found
}

/// The object whose collection an expression is: an attribute, or a name that stands for one: `tags = domain.tags`.
fn collection(file: &ParsedFile, span: Span) -> Option<&str> {
    let of = |span: Span| match file.expression(span) {
        Expression::Attribute { object, .. } => Some(object.text(file.text())),
        // `getattr(lot, "tags")`
        Expression::Call { callee, arguments } if callee.text(file.text()) == "getattr" => {
            let object = arguments.first()?.value();
            Some(object.text(file.text()))
        }
        _ => None,
    };
    if let Some(object) = of(span) {
        return Some(object);
    }
    let Expression::Name(name) = file.expression(span) else {
        return None;
    };
    let owner = file.model.resolve(file.model.scope_at(span.start), &name)?;
    let values = file.model.bindings_of(owner, &name);
    let mut open: Vec<Span> = values.filter_map(|binding| binding.value).collect();
    for _ in 0..VALUES {
        let value = open.pop()?;
        match file.expression(value) {
            Expression::Same(inner) => open.push(inner),
            // `lot.tags or []`
            Expression::Either(options) => open.extend(options),
            _ => {
                if let Some(object) = of(value) {
                    return Some(object);
                }
            }
        }
    }
    None
}

/// Whether what is changed is not the code's own: another object, or one of a session that it keeps.
fn is_other(object: &str, stored: &Stored) -> bool {
    if !is_own(root(object)) {
        return true;
    }
    let rest = object.split_once('.').map_or("", |(_, rest)| rest);
    stored.contains(root(rest))
}

/// Whether an object is one that the code's own object keeps: `self.lot`.
fn is_kept(object: &str) -> bool {
    is_own(root(object)) && object.contains('.')
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
