//! Who calls a function, and what reaches one of its parameters.
//!
//! Calls in tests do not count: what a test passes is a double.

use std::collections::BTreeSet;

use crate::facts::World;
use crate::facts::memo::Making;
use crate::language::expression::{Argument, CallSite, Expression};
use crate::language::usage::Usage;
use crate::language::{Parameter, ParameterKind, ReferenceKind, Scope, ScopeKind};
use crate::project::{ClassRef, FileId, FunctionRef, ParsedFile};
use crate::source::Span;

/// What one call does for a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// It passes this expression.
    Value(FileId, Span),
    /// It leaves the parameter to its default.
    Omitted(FileId, Span),
    /// It passes something, but what cannot be told: `*args`, `**kwargs`.
    Untold(FileId, Span),
    /// It is no call: the class is handed on as a value here and can be called anywhere.
    HandedOn(FileId, Span),
}

/// What the calls in the project pass for `parameter`, one entry a call.
///
/// `receiver`: the class of the object that is meant; objects of other heirs of the function's class are made by other calls.
pub fn passed_for(
    world: World<'_>,
    function: FunctionRef,
    parameter: &Parameter,
    receiver: Option<ClassRef>,
) -> Vec<Passed> {
    let project = world.project;
    let parsed = project.file(function.file);
    let scope = parsed.model.scope(function.scope);
    let class = scope
        .parent
        .filter(|parent| parsed.model.scope(*parent).kind == ScopeKind::Class);
    let position = scope
        .parameters
        .iter()
        .position(|other| other.span == parameter.span);
    let Some(position) = position else {
        return Vec::new();
    };
    let Some(class) = class else {
        return calls_of(world, function, &scope.name, parameter, position);
    };
    let class = ClassRef {
        file: function.file,
        scope: class,
    };
    // The object that a method is called on is no argument.
    let position = position.saturating_sub(usize::from(!is_static(parsed.text(), scope)));
    if scope.name != "__init__" {
        return calls_of(world, function, &scope.name, parameter, position);
    }
    let meant = receiver
        .filter(|receiver| project.lineage(*receiver).contains(&class))
        .unwrap_or(class);
    let mut passed = Vec::new();
    for maker in std::iter::once(meant).chain(project.heirs(meant)) {
        match project.method(maker, "__init__") {
            // The heir has its own constructor and hands on what it likes.
            Some(own) if own != function => {
                passed.extend(super_calls(world, own, parameter, position));
            }
            _ => passed.extend(constructions(world, maker, parameter, position)),
        }
    }
    passed
}

/// The calls in the project by that name that are no test's.
fn calls_named<'w>(world: World<'w>, name: &str) -> impl Iterator<Item = (FileId, &'w CallSite)> {
    let calls = world.project.calls_named(name);
    calls.filter(move |(file, _)| {
        !world
            .tests
            .is_match(world.project.file(*file).source.path())
    })
}

fn calls_of(
    world: World<'_>,
    function: FunctionRef,
    name: &str,
    parameter: &Parameter,
    position: usize,
) -> Vec<Passed> {
    let calls = world
        .memo
        .calls
        .get(function, || fitting(world, function, name));
    calls
        .iter()
        .map(|(file, call)| in_call(world, *file, *call, parameter, position))
        .collect()
}

/// The calls that run a function, or may.
fn fitting(world: World<'_>, function: FunctionRef, name: &str) -> Vec<(FileId, Span)> {
    let project = world.project;
    let is_method = project
        .file(function.file)
        .model
        .class_around(function.scope)
        .is_some();
    let fitting = calls_named(world, name).filter(|(file, call)| {
        let symbol = project.symbol(*file, call.callee);
        let target = symbol
            .as_ref()
            .and_then(|symbol| project.function(symbol, *file));
        match (&symbol, target) {
            (_, Some(target)) => target == function,
            // A method call on something that is not followed may mean this one.
            (None, _) => is_method,
            _ => false,
        }
    });
    fitting.map(|(file, call)| (file, call.span)).collect()
}

fn constructions(
    world: World<'_>,
    class: ClassRef,
    parameter: &Parameter,
    position: usize,
) -> Vec<Passed> {
    let makings = world.memo.makings.get(class, || makings(world, class));
    makings
        .iter()
        .map(|making| match making {
            Making::Call(file, call) => in_call(world, *file, *call, parameter, position),
            Making::HandedOn(file, span) => Passed::HandedOn(*file, *span),
        })
        .collect()
}

/// The places where objects of a class are made, or may be.
fn makings(world: World<'_>, class: ClassRef) -> Vec<Making> {
    let project = world.project;
    let name = project
        .file(class.file)
        .model
        .scope(class.scope)
        .name
        .as_str();
    let is_class = |file: FileId, span: Span| {
        project
            .symbol(file, span)
            .and_then(|symbol| project.class(&symbol, file))
            == Some(class)
    };
    let is_test = |file: FileId| world.tests.is_match(project.file(file).source.path());
    let mut found = Vec::new();
    let locals: BTreeSet<&str> = project.aliases_of(name).chain([name]).collect();
    let references = locals
        .iter()
        .flat_map(|local| project.references_named(local));
    let read = references.filter(|(id, r)| r.kind == ReferenceKind::Read && !is_test(*id));
    // What the name means is known without a tree, unlike how it is used.
    for (id, reference) in read.filter(|(id, r)| is_class(*id, r.span)) {
        let file = project.file(id);
        match file.language.usage(file.code(), reference.span) {
            Usage::Called => {
                let call = file
                    .outline
                    .calls
                    .iter()
                    .find(|call| call.callee == reference.span);
                found.extend(call.map(|call| Making::Call(id, call.span)));
            }
            usage if is_value(file, &usage) => {
                found.push(Making::HandedOn(id, reference.span));
            }
            _ => {}
        }
    }
    // `module.Class(…)`
    let through_module = calls_named(world, name).filter(|(id, call)| {
        project.file(*id).text()[call.callee.start..call.callee.end].contains('.')
            && is_class(*id, call.callee)
    });
    found.extend(through_module.map(|(id, call)| Making::Call(id, call.span)));
    found
}

/// Whether a use hands a class on as a value.
fn is_value(file: &ParsedFile, usage: &Usage) -> bool {
    match usage {
        Usage::Argument { callee, .. } => {
            let looks = [
                "isinstance",
                "issubclass",
                "cast",
                "typing.cast",
                "type",
                "repr",
                "str",
                "hasattr",
            ];
            !looks.contains(&callee.text(file.text()))
        }
        Usage::Aliased | Usage::Stored | Usage::Returned | Usage::Yielded => true,
        _ => false,
    }
}

/// What the constructor `init` of an heir hands to `super().__init__(…)`.
fn super_calls(
    world: World<'_>,
    init: FunctionRef,
    parameter: &Parameter,
    position: usize,
) -> Vec<Passed> {
    let parsed = world.project.file(init.file);
    let inside = parsed.model.scope(init.scope).span;
    let calls = parsed.outline.calls.iter().filter(|call| {
        call.name == "__init__"
            && inside.contains(call.span)
            && call.callee.text(parsed.text()).starts_with("super(")
    });
    calls
        .map(|call| in_call(world, init.file, call.span, parameter, position))
        .collect()
}

/// What one call does for the parameter at `position` of the arguments.
pub(super) fn in_call(
    world: World<'_>,
    file: FileId,
    call: Span,
    parameter: &Parameter,
    position: usize,
) -> Passed {
    let Expression::Call { arguments, .. } = world.project.file(file).expression(call) else {
        return Passed::Untold(file, call);
    };
    let by_name = arguments.iter().find_map(|argument| match argument {
        Argument::Keyword { name, value } if *name == parameter.name => Some(*value),
        _ => None,
    });
    if let Some(value) = by_name {
        return Passed::Value(file, value);
    }
    let before = arguments.iter().take(position + 1);
    let spread = before
        .clone()
        .any(|argument| matches!(argument, Argument::Spread(_)));
    let keywords = arguments
        .iter()
        .any(|argument| matches!(argument, Argument::KeywordSpread(_)));
    let by_position = parameter.kind != ParameterKind::KeywordOnly;
    let mut positional = arguments.iter().filter_map(|argument| match argument {
        Argument::Positional(span) => Some(*span),
        _ => None,
    });
    match positional.nth(position) {
        _ if spread => Passed::Untold(file, call),
        Some(value) if by_position => Passed::Value(file, value),
        _ if keywords => Passed::Untold(file, call),
        _ => Passed::Omitted(file, call),
    }
}

fn is_static(source: &str, scope: &Scope) -> bool {
    scope
        .decorators
        .iter()
        .any(|span| span.text(source).ends_with("staticmethod"))
}
