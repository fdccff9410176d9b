//! The functions around connections: the one that gives the shared pool, those that lend a connection, those that set a user on it.

use crate::language::expression::{CallSite, Expression};
use crate::language::{BindingKind, Model, Parameter, ParameterKind};
use crate::learn::evidence::{Evidence, returned, value_of, yielded};
use crate::project::{FunctionRef, ParsedFile};
use crate::source::Span;
use crate::sql::Part;

/// How a function comes to the pool that it gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Getter {
    /// It opens the pool unless there is one.
    Opens,
    /// It gives back what others have stored.
    Stored,
}

/// Whether a function gives back the shared pool to whoever asks.
pub(super) fn getter(evidence: &Evidence<'_>, function: FunctionRef) -> Option<Getter> {
    let file = evidence.file(function.file);
    let scope = file.model.scope(function.scope);
    if scope.is_generator || needs_arguments(&scope.parameters) {
        return None;
    }
    let mut values = returned(file, function.scope).peekable();
    values.peek()?;
    let gives = evidence.declares_pool(function)
        || values.any(|value| is_stored_pool(evidence, function, value));
    let opens = evidence.calls_in(function).any(|call| {
        evidence.is_of_driver(function.file, call.callee, &evidence.driver.create_pool)
    });
    match (gives, opens) {
        (false, _) => None,
        (true, false) => Some(Getter::Stored),
        // A function that opens a new pool each time shares none.
        (true, true) => keeps_pool(evidence, function).then_some(Getter::Opens),
    }
}

/// Whether the value at `span` is a pool that outlives the call: held by a global or an attribute.
fn is_stored_pool(evidence: &Evidence<'_>, function: FunctionRef, span: Span) -> bool {
    let file = evidence.file(function.file);
    if !evidence.is_pool(function.file, span) {
        return false;
    }
    match file.expression(span) {
        Expression::Attribute { .. } => true,
        Expression::Name(name) => match file.model.resolve(function.scope, &name) {
            Some(owner) if owner == Model::MODULE => true,
            Some(owner) => file.model.bindings_of(owner, &name).any(|binding| {
                binding.kind != BindingKind::Parameter
                    && value_of(binding).is_some_and(|value| is_read(file, value))
            }),
            None => false,
        },
        Expression::Same(inner) => is_stored_pool(evidence, function, inner),
        _ => false,
    }
}

/// Whether the value at `span` is read from where it is kept, rather than made.
fn is_read(file: &ParsedFile, span: Span) -> bool {
    match file.expression(span) {
        Expression::Name(_) | Expression::Attribute { .. } | Expression::Index { .. } => true,
        Expression::Call { callee, .. } => callee.text(file.text()) == "getattr",
        Expression::Same(inner) => is_read(file, inner),
        _ => false,
    }
}

/// Whether a function stores the pool that it opens where it outlives the call.
fn keeps_pool(evidence: &Evidence<'_>, function: FunctionRef) -> bool {
    let file = evidence.file(function.file);
    let is_inside = |scope| file.model.function_around(scope) == Some(function.scope);
    let is_pool =
        |value: Option<Span>| value.is_some_and(|value| evidence.is_pool(function.file, value));
    let into_global = file.model.bindings.iter().any(|binding| {
        binding.scope == Model::MODULE
            && is_inside(binding.executed_in)
            && is_pool(value_of(binding))
    });
    into_global
        || file
            .outline
            .writes
            .iter()
            .any(|write| is_inside(write.scope) && is_pool(write.value))
}

fn needs_arguments(parameters: &[Parameter]) -> bool {
    required(parameters).next().is_some()
}

fn required(parameters: &[Parameter]) -> impl Iterator<Item = &Parameter> {
    let is_rest = |kind| matches!(kind, ParameterKind::Rest | ParameterKind::KeywordRest);
    parameters
        .iter()
        .filter(move |parameter| parameter.default.is_none() && !is_rest(parameter.kind))
}

/// Whether a function lends a connection as it came from the pool: without a transaction, without a user.
pub(super) fn is_plain(evidence: &Evidence<'_>, function: FunctionRef) -> bool {
    let file = evidence.file(function.file);
    let scope = file.model.scope(function.scope);
    if needs_arguments(&scope.parameters) {
        return false;
    }
    let changes = |call: &CallSite| {
        call.name == "transaction"
            || evidence.driver.query_methods.contains(&call.name)
            || evidence.driver.connect.contains(&call.name)
    };
    if evidence.calls_in(function).any(changes) {
        return false;
    }
    if scope.is_generator {
        return evidence.is_context_manager(function)
            && yielded(file, function.scope)
                .any(|value| evidence.is_connection(function.file, value));
    }
    let mut values = returned(file, function.scope).peekable();
    !scope.is_async
        && values.peek().is_some()
        && values.all(|value| evidence.borrows(function.file, value))
}

/// Whether a function lends a connection on which it has set the user that it was given, for one transaction.
pub(super) fn is_rls(evidence: &Evidence<'_>, function: FunctionRef) -> bool {
    let file = evidence.file(function.file);
    let scope = file.model.scope(function.scope);
    let Some(user) = user_parameter(&scope.parameters) else {
        return false;
    };
    let lends = evidence.is_context_manager(function)
        && yielded(file, function.scope).any(|value| evidence.is_connection(function.file, value));
    let in_transaction = evidence
        .calls_in(function)
        .any(|call| call.name == "transaction");
    lends
        && in_transaction
        && evidence
            .calls_in(function)
            .any(|call| sets_user(evidence, function, call, user))
}

/// The one parameter that a scope with a user takes.
fn user_parameter(parameters: &[Parameter]) -> Option<&str> {
    let mut needed = required(parameters);
    match (needed.next(), needed.next()) {
        (Some(user), None) => Some(&user.name),
        (None, _) => parameters.first().map(|first| first.name.as_str()),
        _ => None,
    }
}

/// Whether a call sets a custom setting from the parameter `user`.
fn sets_user(evidence: &Evidence<'_>, function: FunctionRef, call: &CallSite, user: &str) -> bool {
    let file = evidence.file(function.file);
    let Expression::Call { arguments, .. } = file.expression(call.span) else {
        return false;
    };
    let Some(query) = arguments.first() else {
        return false;
    };
    if !evidence.driver.query_methods.contains(&call.name) {
        return false;
    }
    let texts = |span| -> Vec<String> {
        let texts = file.language.texts(file.code(), span);
        texts.iter().map(|text| known(&text.parts)).collect()
    };
    let settings: Vec<String> = arguments[1..]
        .iter()
        .flat_map(|argument| texts(argument.value()))
        .collect();
    let sets = texts(query.value())
        .iter()
        .any(|query| sets_custom(query, &settings));
    sets && depends_on(file, function, call.span, user)
}

/// The known parts of a text, with a space for each hole.
fn known(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::Hole => " ".to_owned(),
    };
    parts.iter().map(part).collect()
}

/// Whether a query sets a setting of the application for the transaction: one with a dot in its name.
fn sets_custom(query: &str, arguments: &[String]) -> bool {
    let query = query.to_ascii_lowercase();
    if let Some((_, name)) = query.split_once("set local ") {
        let name = name.split(['=', ' ']).next().unwrap_or_default();
        return name.contains('.');
    }
    let Some((_, call)) = query.split_once("set_config(") else {
        return false;
    };
    let name = call.split(',').next().unwrap_or_default().trim();
    if name.starts_with('$') {
        // The name comes as an argument; where that is not known, any could be meant.
        return arguments.iter().all(|text| text.trim().is_empty())
            || arguments.iter().any(|text| text.contains('.'));
    }
    name.contains('.')
}

/// Whether what stands in `span` is made of the parameter `name`, directly or by one variable.
fn depends_on(file: &ParsedFile, function: FunctionRef, span: Span, name: &str) -> bool {
    let reads = |span: Span, name: &str| {
        file.model
            .references_to(function.scope, name)
            .any(|reference| span.contains(reference.span))
    };
    if reads(span, name) {
        return true;
    }
    file.model.bindings.iter().any(|binding| {
        binding.scope == function.scope
            && value_of(binding).is_some_and(|value| reads(value, name))
            && reads(span, &binding.name)
    })
}
