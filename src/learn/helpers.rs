//! Helpers: functions that run the query that they are given on a connection of their own, and give back what it gave.

use crate::facts::standard::reading::{self, WITHOUT_RESULT, listed};
use crate::language::expression::{Argument, CallSite, Expression};
use crate::language::{Parameter, ParameterKind};
use crate::learn::evidence::{Evidence, returned, value_of};
use crate::project::{FunctionRef, ParsedFile};
use crate::source::Span;

/// A function that does on a connection of its own what one method of a connection does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Helper {
    pub(super) function: FunctionRef,
    /// The method that it stands for.
    pub(super) method: String,
    /// What it does besides the method, or gives instead of its result.
    pub(super) differs: Option<String>,
}

/// The helper that a function is, if it is one.
pub(super) fn helper(evidence: &Evidence<'_>, function: FunctionRef) -> Option<Helper> {
    let file = evidence.file(function.file);
    let scope = file.model.scope(function.scope);
    let is_plain = scope.is_async && !scope.is_generator && scope.decorators.is_empty();
    let signature = Signature::of(&scope.parameters).filter(|_| is_plain)?;
    let mut method: Option<&str> = None;
    let mut results = Vec::new();
    for call in evidence.calls_in(function) {
        if !evidence.driver.query_methods.contains(&call.name) {
            continue;
        }
        let Expression::Call { callee, arguments } = file.expression(call.span) else {
            continue;
        };
        let Expression::Attribute { object, name } = file.expression(callee) else {
            continue;
        };
        if !evidence.is_connection(function.file, object)
            && !evidence.is_pool(function.file, object)
        {
            continue;
        }
        // Any other query makes it more than a helper.
        if method.is_some_and(|other| other != name) || !signature.is_passed_on(file, &arguments) {
            return None;
        }
        method = Some(&call.name);
        results.push(call);
    }
    let method = method?.to_owned();
    let body = scope.body;
    let swallows = file
        .language
        .catches(file.code(), body)
        .iter()
        .any(|catch| catch.falls_through);
    if swallows || !gives_results(file, function, &results, &method) {
        return None;
    }
    let reading = reading::helper(evidence.project, evidence.driver, None, function, &method);
    let differs = reading.differs.into_iter().chain(reading.result).next();
    reading.refused.is_empty().then_some(Helper {
        function,
        method,
        differs,
    })
}

/// The parameters of a helper: the query, then its arguments.
struct Signature<'p> {
    query: &'p str,
    /// `*args`, or the one parameter that holds all sets of arguments.
    arguments: &'p str,
    spreads: bool,
}

impl<'p> Signature<'p> {
    fn of(parameters: &'p [Parameter]) -> Option<Self> {
        let [query, second, rest @ ..] = parameters else {
            return None;
        };
        let by_position = |kind| {
            matches!(
                kind,
                ParameterKind::Positional | ParameterKind::PositionalOnly
            )
        };
        let optional = |parameter: &Parameter| {
            parameter.default.is_some() || parameter.kind == ParameterKind::KeywordRest
        };
        let spreads = second.kind == ParameterKind::Rest;
        let fits = by_position(query.kind)
            && (spreads || by_position(second.kind))
            && rest.iter().all(optional);
        fits.then_some(Self {
            query: &query.name,
            arguments: &second.name,
            spreads,
        })
    }

    /// Whether a call is made with the query and its arguments as they came.
    fn is_passed_on(&self, file: &ParsedFile, arguments: &[Argument]) -> bool {
        let text = |span: Span| span.text(file.text());
        let (query, values) = match arguments {
            [Argument::Positional(query), values, ..] => (*query, values),
            _ => return false,
        };
        let passes = match values {
            Argument::Spread(values) => self.spreads && text(*values) == self.arguments,
            Argument::Positional(values) => !self.spreads && text(*values) == self.arguments,
            _ => false,
        };
        let by_name = |argument: &Argument| {
            matches!(
                argument,
                Argument::Keyword { .. } | Argument::KeywordSpread(_)
            )
        };
        text(query) == self.query && passes && arguments[2..].iter().all(by_name)
    }
}

/// Whether a function gives back nothing but what its query calls gave.
fn gives_results(
    file: &ParsedFile,
    function: FunctionRef,
    calls: &[&CallSite],
    method: &str,
) -> bool {
    let is_call = |span: Span| calls.iter().any(|call| call.span == span);
    let mut any = false;
    for give_back in &file.outline.returns {
        if give_back.scope != function.scope || give_back.yields {
            continue;
        }
        match give_back.value {
            Some(value) if is_result(file, function, value, &is_call, 8) => any = true,
            None if method == WITHOUT_RESULT => {}
            _ => return false,
        }
    }
    any || (method == WITHOUT_RESULT && returned(file, function.scope).next().is_none())
}

/// Whether the value at `span` is the result of a query call, as it came or with its rows made into dictionaries.
fn is_result(
    file: &ParsedFile,
    function: FunctionRef,
    span: Span,
    is_call: &dyn Fn(Span) -> bool,
    depth: usize,
) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    if is_call(span) {
        return true;
    }
    let inner = |span| is_result(file, function, span, is_call, depth);
    match file.expression(span) {
        Expression::Same(value) => inner(value),
        Expression::Either(options) => {
            // `dict(row) if row else None`
            let is_null = |option: &&Span| file.expression(**option) == Expression::Null;
            let mut values = options.iter().filter(|option| !is_null(option)).peekable();
            values.peek().is_some() && values.all(|option| inner(*option))
        }
        Expression::Name(name) => {
            let mut bindings = file.model.bindings_of(function.scope, &name).peekable();
            bindings.peek().is_some()
                && bindings.all(|binding| {
                    value_of(binding).is_some_and(|value| {
                        file.expression(value) == Expression::Null || inner(value)
                    })
                })
        }
        Expression::Call { callee, arguments } => {
            let converts = ["dict", "list"].contains(&callee.text(file.text()));
            matches!(arguments[..], [Argument::Positional(value)] if converts && inner(value))
        }
        Expression::Other => listed(file, span).is_some_and(inner),
        _ => false,
    }
}
