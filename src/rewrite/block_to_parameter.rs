//! A block that opens a session for all of a route becomes a parameter that the framework fills: the block goes, its body moves out.
//!
//! The framework calls the route, nobody else: whoever calls it without the parameter would get the mark that stands for it.

use crate::language::expression::Expression;
use crate::language::{Model, ScopeId};
use crate::project::{FileId, Symbol};
use crate::recipe::Template;
use crate::rewrite::{Proposal, Refusal, Subject, dependency, proof, template, unit_of_work};
use crate::source::Span;

/// What the framework does behind the function of a route, before it ends the sessions of the parameters.
const BEHIND_THE_ANSWER: [&str; 5] = [
    "BackgroundTask",
    "BackgroundTasks",
    "StreamingResponse",
    "EventSourceResponse",
    "FileResponse",
];

pub(super) fn propose(subject: Subject<'_>, with: &Template) -> Result<Proposal, Refusal> {
    let shape = subject.shape()?;
    let (block, item) = (subject.capture("BLOCK")?, subject.capture("ITEM")?);
    let name = subject.capture("CONN")?;
    let Some(connection) = subject.connection else {
        return Err(Refusal::one("the block does not name its session"));
    };
    let file = subject.parsed();
    let code = file.code();
    let mut reasons = proof::shared_pool(subject);
    reasons.extend(proof::no_arguments(subject, shape.get("ARGS").copied()));
    if file.language.opens_more(code.clone(), item) {
        reasons.push("the `with` has further items".to_owned());
    }
    let Some(function) = file.function_at(block.start) else {
        return Err(Refusal::one("the block stands in no function"));
    };
    let scope = file.model.scope(function);
    reasons.extend(not_for_all(subject, block, scope.body));
    reasons.extend(no_route(subject, function));
    reasons.extend(called_elsewhere(subject, &scope.name));
    if unit_of_work::begins(subject, subject.capture("ACQUIRE")?) {
        reasons.push(
            "the block is committed before the answer is made, and the session of a parameter behind it"
                .to_owned(),
        );
    }
    reasons.extend(outlasted(subject, scope.span));
    reasons.extend(dependency::shared(subject, function));
    let text = subject.text(name);
    let others = file.model.bindings_of(function, text);
    if others.into_iter().any(|binding| binding.span != name) {
        reasons.push(format!(
            "the name `{text}` is used for something else in this function"
        ));
    }
    reasons.extend(proof::entered_alike(
        subject,
        block,
        subject.world.standard.dependency,
    ));
    Refusal::unless_empty(reasons)?;

    let filled = template::fill(subject, with, scope.span.start)?;
    let mut proposal = Proposal::new(scope.span, filled.target);
    proposal.unproven.extend(proof::doubt(subject));
    proposal.unproven.extend(filled.unproven);
    let body = shape.get("BODY").copied().unwrap_or(block);
    let dependency = subject.world.standard.dependency;
    proposal.unproven.extend(unit_of_work::unproven(
        subject, connection, dependency, body, false,
    ));
    let parameter = format!("{text}{}", filled.text);
    let Some(added) = file
        .language
        .add_parameter(code.clone(), scope.span, &parameter)
    else {
        return Err(Refusal::one(
            "the function has no list of parameters that one could be added to",
        ));
    };
    let Some(moved) = file.language.unwrap_block(code, block) else {
        return Err(Refusal::one(
            "the block cannot be moved to its header's indentation without changing its text",
        ));
    };
    proposal.edits.push(added);
    proposal.edits.extend(moved);
    proposal.imports = filled.imports;
    Ok(proposal)
}

/// Methods of an application or router whose decorators make a route of a function.
const ROUTES: [&str; 10] = [
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "head",
    "options",
    "trace",
    "api_route",
    "websocket",
];

/// Why the framework would not fill a parameter of the function: it is no route of it, or something else calls it for the framework.
fn no_route(subject: Subject<'_>, function: ScopeId) -> Option<String> {
    let file = subject.parsed();
    let scope = file.model.scope(function);
    if scope.is_generator {
        return Some(
            "the function goes on when it was called, to give one value after the other".to_owned(),
        );
    }
    if file.model.class_around(function).is_some() {
        return Some(
            "a method is called by whoever has its object, who would not fill a parameter"
                .to_owned(),
        );
    }
    let other = scope
        .decorators
        .iter()
        .find(|decorator| !is_route(subject, **decorator));
    if let Some(other) = other {
        let text = subject.text(*other).lines().next().unwrap_or_default();
        return Some(format!(
            "`{text}` is not known to make a route whose parameters are filled (line {})",
            subject.line(*other)
        ));
    }
    scope.decorators.is_empty().then(|| {
        format!(
            "`{}` is no route, whose parameters would be filled",
            scope.name
        )
    })
}

/// Whether a decorator is one of an application or router of the framework.
fn is_route(subject: Subject<'_>, decorator: Span) -> bool {
    let project = subject.world.project;
    let file = subject.parsed();
    let Expression::Call { callee, .. } = file.expression(decorator) else {
        return false;
    };
    let Expression::Attribute { object, name } = file.expression(callee) else {
        return false;
    };
    if !ROUTES.contains(&name.as_str()) {
        return false;
    }
    let made = |id: FileId, scope: ScopeId, name: &str| {
        let file = project.file(id);
        let mut values = file
            .model
            .bindings_of(scope, name)
            .map(|binding| binding.value);
        let mut any = false;
        let all = values.all(|value| {
            any = true;
            value.is_some_and(|value| {
                let Expression::Call { callee, .. } = file.expression(value) else {
                    return false;
                };
                matches!(project.symbol(id, callee), Some(Symbol::External(dotted))
                    if dotted.starts_with("fastapi."))
            })
        });
        any && all
    };
    match project.symbol(subject.file, object) {
        Some(Symbol::Member { file, name }) => made(file, Model::MODULE, &name),
        // Its file says nothing of databases and was not read; this one says which framework it works with.
        Some(Symbol::Unread { .. }) => {
            let mut imports = file.model.imports.iter();
            imports.any(|import| {
                import.level == 0 && import.module.split('.').next() == Some("fastapi")
            })
        }
        _ => {
            let Expression::Name(name) = file.expression(object) else {
                return false;
            };
            let owner = file.model.resolve(file.model.scope_at(object.start), &name);
            owner.is_some_and(|owner| made(subject.file, owner, &name))
        }
    }
}

/// Why the session is not open for all that the function does: the block is not its last statement.
fn not_for_all(subject: Subject<'_>, block: Span, body: Span) -> Option<String> {
    let file = subject.parsed();
    let statements = file.language.statements(file.code(), body);
    match statements.last() {
        Some(last) if *last == block => None,
        _ => Some(
            "the session is not open until the end of the function, as one of a parameter is"
                .to_owned(),
        ),
    }
}

/// What of the answer runs when the function is left, while the session of a parameter is open still: a task behind it that waits for a lock
/// of this session would wait for ever.
fn outlasted(subject: Subject<'_>, function: Span) -> Option<String> {
    let references = subject.parsed().model.references.iter();
    let mut inside = references.filter(|reference| function.contains(reference.span));
    let found = inside.find(|reference| BEHIND_THE_ANSWER.contains(&reference.name.as_str()))?;
    Some(format!(
        "`{}` runs when the block has ended, and the session of a parameter would be open until then",
        found.name
    ))
}

/// Where the function is used by name, other than by the framework.
fn called_elsewhere(subject: Subject<'_>, name: &str) -> Option<String> {
    let project = subject.world.project;
    let calls = project.calls_named(name).map(|(id, call)| (id, call.span));
    let mut uses = calls.chain(
        project
            .references_named(name)
            .map(|(id, reference)| (id, reference.span)),
    );
    let (id, span) = uses.next()?;
    Some(format!(
        "`{name}` is used at {}, where nobody would fill the parameter",
        project.place(id, span)
    ))
}
