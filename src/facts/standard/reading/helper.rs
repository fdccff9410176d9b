//! What a helper does with the query that it is given, and what it gives back.

use std::collections::BTreeSet;

use super::{
    Reader, VALUES, WITHOUT_RESULT, gives, innermost, is_by_position, is_log, listed, one_line,
    returned,
};
use crate::language::expression::{Argument, CallSite, Expression};
use crate::language::{BindingKind, Parameter, ParameterKind, ScopeId};
use crate::project::{FunctionRef, ParsedFile};
use crate::source::Span;

/// A call in a helper that runs its query: the driver's method, or a function of the project that the query is passed to.
struct Run<'p> {
    call: &'p CallSite,
    arguments: Vec<Argument>,
    /// The function of the project.
    target: Option<FunctionRef>,
}

impl<'p> Reader<'p> {
    pub(super) fn helper(&mut self, function: FunctionRef, method: &str, depth: usize) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let Some(depth) = depth.checked_sub(1) else {
            return self.differs(function, scope.span, "it is not followed any further");
        };
        if !self.seen.insert(function) {
            return self.differs(function, scope.span, "it calls itself");
        }
        self.definition(function);
        if scope.is_generator {
            return self.refuse(function, "it is a generator, which cannot be awaited");
        }
        let query = scope.parameters.iter().find(|p| is_by_position(p));
        let runs = self.runs(function, query);
        if runs.is_empty() {
            let why = format!("it calls no `.{method}()` that could be read");
            self.differs(function, scope.span, &why);
        }
        for run in &runs {
            self.run(function, run, query, method);
            self.passes(function, run);
        }
        self.other_pool(function);
        let spans: Vec<Span> = runs.iter().map(|run| run.call.span).collect();
        self.several(function, &spans);
        self.awaited(function, &spans);
        self.looks_at(function, &spans);
        self.result(function, &spans, method);
        self.body(function, &spans, depth);
        for target in runs.iter().filter_map(|run| run.target) {
            self.helper(target, method, depth);
        }
    }

    /// The calls that run the query of a helper.
    fn runs(&self, function: FunctionRef, query: Option<&Parameter>) -> Vec<Run<'p>> {
        let file = self.file(function);
        let mut runs = Vec::new();
        for call in self.calls(function) {
            let Expression::Call { arguments, .. } = file.expression(call.span) else {
                continue;
            };
            let first = arguments
                .first()
                .map(|first| first.value().text(file.text()));
            let passes = first.is_some() && first == query.map(|query| query.name.as_str());
            let target = self.called(function, call.callee);
            if self.is_query(file, call) || (passes && target.is_some()) {
                runs.push(Run {
                    call,
                    arguments,
                    target,
                });
            }
        }
        runs
    }

    /// One call that runs the query: with the query and its parameters as they came, and nothing else.
    fn run(
        &mut self,
        function: FunctionRef,
        run: &Run<'_>,
        query: Option<&Parameter>,
        method: &str,
    ) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let span = run.call.span;
        if run.target.is_none() && run.call.name != method {
            let why = format!("it calls `.{}()`", run.call.name);
            return self.differs(function, span, &why);
        }
        let text = |span: Span| span.text(file.text());
        let rest = scope
            .parameters
            .iter()
            .find(|parameter| parameter.kind == ParameterKind::Rest);
        let passes_query = match (run.arguments.first(), query) {
            (Some(Argument::Positional(first)), Some(query)) => {
                text(*first) == query.name
                    && file.model.bindings_of(function.scope, &query.name).count() == 1
            }
            _ => false,
        };
        let passes_rest = rest.is_none_or(|rest| {
            file.model.bindings_of(function.scope, &rest.name).count() == 1
                && run.arguments.iter().any(|argument| match argument {
                    Argument::Spread(value) => text(*value) == rest.name,
                    // A function of the project may take them as one.
                    Argument::Positional(value) => {
                        run.target.is_some() && text(*value) == rest.name
                    }
                    _ => false,
                })
        });
        if !passes_query || !passes_rest {
            self.differs(function, span, "it passes on something else than its query");
        }
        for argument in &run.arguments {
            let Argument::Keyword { name, value } = argument else {
                continue;
            };
            let without_default = scope.parameters.iter().any(|parameter| {
                let default = parameter.default.map(|default| file.expression(default));
                parameter.name == text(*value) && default.is_none_or(|d| d == Expression::Null)
            });
            if !without_default && file.expression(*value) != Expression::Null {
                let why = format!(
                    "it passes `{name}=` of its own: `{}`",
                    one_line(text(*value))
                );
                self.differs(function, *value, &why);
            }
        }
    }

    /// The keyword arguments that reach the query under their own name.
    fn passes(&mut self, function: FunctionRef, run: &Run<'_>) {
        let file = self.file(function);
        let passed = run.arguments.iter().filter_map(|argument| match argument {
            Argument::Keyword { name, value } if *name == value.text(file.text()) => {
                Some(name.clone())
            }
            _ => None,
        });
        let passed: BTreeSet<String> = passed.collect();
        let known = self.reading.passes.take();
        self.reading.passes = Some(match known {
            Some(known) => known.intersection(&passed).cloned().collect(),
            None => passed,
        });
    }

    /// Queries that run again, or one after the other.
    fn several(&mut self, function: FunctionRef, runs: &[Span]) {
        let file = self.file(function);
        let body = file.model.scope(function.scope).body;
        let returns = file.language.returns(file.code(), body);
        for (index, run) in runs.iter().enumerate() {
            if file
                .language
                .innermost_loop(file.code(), *run, body)
                .is_some()
            {
                self.differs(function, *run, "it may run its query several times");
                continue;
            }
            let leaves = returns.iter().any(|statement| statement.contains(*run));
            let statement = file.language.statement(file.code(), *run).unwrap_or(*run);
            // The other branch of a choice gives the same name.
            let named = statement != *run
                && file
                    .model
                    .bindings
                    .iter()
                    .any(|b| b.value.is_some_and(|v| v.contains(*run)));
            let again = runs[index + 1..]
                .iter()
                .any(|later| !named || file.language.dominates(file.code(), statement, *later));
            if !leaves && again {
                self.differs(function, *run, "it runs more than its query");
            }
        }
    }

    /// Queries that are not awaited by themselves: `wait_for(conn.fetch(…), 5)`.
    fn awaited(&mut self, function: FunctionRef, runs: &[Span]) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let awaits = file.language.awaits(file.code(), scope.body);
        let inner = |span: Span| innermost(file, span);
        for run in runs {
            let is_awaited = awaits.iter().any(|awaited| inner(*awaited) == *run);
            let returned = || returned(file, function.scope).any(|value| value == *run);
            if scope.is_async && !is_awaited {
                self.differs(function, *run, "it does not await its query by itself");
            } else if !scope.is_async && !returned() {
                return self.refuse(function, "it is not asynchronous");
            }
        }
        if !scope.is_async && runs.is_empty() {
            self.refuse(function, "it is not asynchronous");
        }
    }

    /// What it does with its query and its parameters beside running it: it may refuse some.
    fn looks_at(&mut self, function: FunctionRef, runs: &[Span]) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let logs: Vec<Span> = self
            .calls(function)
            .into_iter()
            .filter(|call| is_log(call.callee.text(file.text())))
            .map(|call| call.span)
            .collect();
        let first = scope.parameters.iter().find(|p| is_by_position(p));
        let rest = scope
            .parameters
            .iter()
            .filter(|parameter| parameter.kind == ParameterKind::Rest);
        for parameter in first.into_iter().chain(rest) {
            let elsewhere = file
                .model
                .references_to(function.scope, &parameter.name)
                .find(|reference| {
                    !runs
                        .iter()
                        .chain(&logs)
                        .any(|call| call.contains(reference.span))
                });
            if let Some(reference) = elsewhere {
                let why = format!("it looks at `{}` itself", parameter.name);
                self.differs(function, reference.span, &why);
            }
        }
    }

    /// What a helper gives back.
    fn result(&mut self, function: FunctionRef, runs: &[Span], method: &str) {
        if method == WITHOUT_RESULT {
            return;
        }
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let mut any = false;
        let mut other = None;
        for value in gives(file, function.scope) {
            match value {
                Some(value) if is_result(file, function.scope, value, runs, method, VALUES) => {
                    any = true;
                }
                Some(value) => {
                    let text = one_line(value.text(file.text()));
                    other = other.or(Some((value, format!("gives `{text}`"))));
                }
                None => other = other.or(Some((scope.span, "may return nothing".to_owned()))),
            }
        }
        let ends = file.language.runs_to_end(file.code(), scope.body);
        let what = match other {
            Some(other) => Some(other),
            None if !any => Some((scope.span, "returns nothing".to_owned())),
            None if ends => Some((scope.span, "may return nothing".to_owned())),
            None => None,
        };
        if let Some((span, what)) = what {
            let place = self.project.place(function.file, span);
            self.reading
                .result
                .get_or_insert(format!("{what} ({place})"));
        }
    }
}

/// Whether the value at `span` is what a query gave, as it came or with its rows made into dictionaries.
fn is_result(
    file: &ParsedFile,
    scope: ScopeId,
    span: Span,
    runs: &[Span],
    method: &str,
    depth: usize,
) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    if runs.contains(&span) {
        return true;
    }
    let inner = |span| is_result(file, scope, span, runs, method, depth);
    match file.expression(span) {
        Expression::Same(value) => inner(value) && !span.text(file.text()).contains(" and "),
        Expression::Either(options) => {
            // `dict(row) if row else None`, `rows or []`
            let is_same_as_empty = |option: &Span| match method {
                "fetchrow" => file.expression(*option) == Expression::Null,
                "fetch" => option.text(file.text()) == "[]",
                _ => false,
            };
            let mut values = options
                .iter()
                .filter(|option| !is_same_as_empty(option))
                .peekable();
            values.peek().is_some() && values.all(|option| inner(*option))
        }
        Expression::Name(name) => {
            let mut bindings = file.model.bindings_of(scope, &name).peekable();
            bindings.peek().is_some()
                && bindings.all(|binding| {
                    let whole = matches!(
                        binding.kind,
                        BindingKind::Assignment | BindingKind::Annotation | BindingKind::Walrus
                    );
                    binding.value.filter(|_| whole).is_some_and(|value| {
                        file.expression(value) == Expression::Null || inner(value)
                    })
                })
        }
        Expression::Call { callee, arguments } => {
            let converts = match callee.text(file.text()) {
                "dict" => method == "fetchrow",
                "list" => method == "fetch",
                _ => false,
            };
            matches!(arguments[..], [Argument::Positional(value)] if converts && inner(value))
        }
        Expression::Other => listed(file, span).is_some_and(inner),
        _ => false,
    }
}
