//! What one function of the standard module does, as its code says: whether the call that a rewrite writes can work, and what the function
//! does besides the method that it stands for, or besides lending a connection. Learning and the rules of rewrites ask the same reading.

use std::collections::BTreeSet;

use crate::facts::standard::setting::{self, Setting};
use crate::language::expression::{Argument, CallSite, Expression};
use crate::language::usage::Catch;
use crate::language::{BindingKind, Model, Parameter, ParameterKind, ScopeId};
use crate::project::{FunctionRef, ParsedFile, Project, Symbol};
use crate::recipe::Driver;
use crate::source::Span;

/// How many functions deep a function of the standard is followed.
const DEPTH: usize = 4;

/// How many names and calls deep a result is followed.
const VALUES: usize = 8;

/// The method whose result gives nothing to return.
pub const WITHOUT_RESULT: &str = "executemany";

/// What a function of the standard does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Why the call that a rewrite writes cannot work.
    pub refused: Vec<String>,
    /// What it does otherwise, each with its place.
    pub differs: Vec<String>,
    /// What it gives instead of the method's result; nothing where it gives that.
    pub result: Option<String>,
    /// Whether it runs its statement in a transaction.
    pub in_transaction: bool,
    /// The settings that it sets for the user; `None` where its code sets none that could be read.
    pub settings: Option<BTreeSet<String>>,
}

/// Reads the helper for `method`.
pub fn helper(project: &Project, driver: &Driver, function: FunctionRef, method: &str) -> Reading {
    let mut reader = Reader::new(project, driver);
    reader.helper(function, method, DEPTH);
    reader.reading
}

/// How a scope is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lends {
    /// It lends a connection without a user.
    Plain,
    /// It lends one on behalf of a user.
    ForUser,
    /// Another function of the standard opens it.
    Inside,
}

/// Reads the scope that `function` is.
pub fn scope(project: &Project, driver: &Driver, function: FunctionRef, lends: Lends) -> Reading {
    let mut reader = Reader::new(project, driver);
    reader.scope(function, lends, DEPTH);
    reader.reading
}

/// Why a function cannot be called with `given` arguments by position and no others.
pub fn not_callable(project: &Project, function: FunctionRef, given: usize) -> Vec<String> {
    let file = project.file(function.file);
    let parameters = &file.model.scope(function.scope).parameters;
    let by_position = |parameter: &&Parameter| is_by_position(parameter);
    let takes = parameters.iter().filter(by_position).count();
    let rest = parameters.iter().any(|p| p.kind == ParameterKind::Rest);
    let place = project.place(function.file, file.model.scope(function.scope).span);
    let mut reasons = Vec::new();
    if takes < given && !rest {
        reasons.push(format!("it takes no argument by position ({place})"));
    }
    let further = parameters.iter().filter(by_position).skip(given);
    let by_name = parameters
        .iter()
        .filter(|parameter| parameter.kind == ParameterKind::KeywordOnly);
    let needed = further
        .chain(by_name)
        .filter(|parameter| parameter.default.is_none());
    reasons.extend(needed.map(|parameter| {
        format!(
            "it needs `{}`, which is not known here ({place})",
            parameter.name
        )
    }));
    reasons
}

fn is_by_position(parameter: &Parameter) -> bool {
    matches!(
        parameter.kind,
        ParameterKind::PositionalOnly | ParameterKind::Positional
    )
}

/// A call in a helper that runs its query: the driver's method, or a function of the project that the query is passed to.
struct Run<'p> {
    call: &'p CallSite,
    arguments: Vec<Argument>,
    /// The function of the project.
    target: Option<FunctionRef>,
}

struct Reader<'p> {
    project: &'p Project,
    driver: &'p Driver,
    seen: BTreeSet<FunctionRef>,
    reading: Reading,
}

impl<'p> Reader<'p> {
    fn new(project: &'p Project, driver: &'p Driver) -> Self {
        Self {
            project,
            driver,
            seen: BTreeSet::new(),
            reading: Reading::default(),
        }
    }

    fn file(&self, function: FunctionRef) -> &'p ParsedFile {
        self.project.file(function.file)
    }

    fn refuse(&mut self, function: FunctionRef, why: &str) {
        let span = self.file(function).model.scope(function.scope).span;
        let place = self.project.place(function.file, span);
        self.reading.refused.push(format!("{why} ({place})"));
    }

    fn differs(&mut self, function: FunctionRef, span: Span, why: &str) {
        let place = self.project.place(function.file, span);
        let text = format!("{why} ({place})");
        if !self.reading.differs.contains(&text) {
            self.reading.differs.push(text);
        }
    }

    fn calls(&self, function: FunctionRef) -> Vec<&'p CallSite> {
        let file = self.file(function);
        let own = |call: &&CallSite| file.model.function_around(call.scope) == Some(function.scope);
        file.outline.calls.iter().filter(own).collect()
    }

    fn called(&self, function: FunctionRef, callee: Span) -> Option<FunctionRef> {
        let symbol = self.project.symbol(function.file, callee)?;
        self.project.function(&symbol, function.file)
    }

    /// Whether a call is of a query method of something.
    fn is_query(&self, file: &ParsedFile, call: &CallSite) -> bool {
        self.driver.query_methods.contains(&call.name)
            && matches!(file.expression(call.callee), Expression::Attribute { .. })
    }

    fn helper(&mut self, function: FunctionRef, method: &str, depth: usize) {
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
        }
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

    fn scope(&mut self, function: FunctionRef, lends: Lends, depth: usize) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let Some(depth) = depth.checked_sub(1) else {
            return self.differs(function, scope.span, "it is not followed any further");
        };
        if !self.seen.insert(function) {
            return;
        }
        self.definition(function);
        if lends != Lends::Inside {
            let given = usize::from(lends == Lends::ForUser);
            let reasons = not_callable(self.project, function, given);
            self.reading.refused.extend(reasons);
        }
        let managers = scope
            .decorators
            .iter()
            .filter(|span| is_manager(file, **span))
            .count();
        if !scope.is_generator {
            return self.gives_scope(function, lends, depth);
        }
        if scope.decorators.is_empty() {
            self.refuse(function, "it is no context manager");
        } else if managers > 0 && !scope.is_async && lends != Lends::Inside {
            self.refuse(function, "it is not asynchronous");
        }
        let yields = file.language.yields(file.code(), scope.body);
        self.lent(function, &yields);
        let queries: Vec<&CallSite> = self
            .calls(function)
            .into_iter()
            .filter(|call| self.is_query(file, call))
            .collect();
        let mut known = yields.clone();
        if lends == Lends::ForUser {
            known.extend(self.sets_user(function, &queries, &yields));
        }
        for query in queries.iter().filter(|query| !known.contains(&query.span)) {
            let why = format!("it runs `{}`", one_line(query.span.text(file.text())));
            self.differs(function, query.span, &why);
        }
        let awaits = queries.iter().map(|query| query.span);
        let spans: Vec<Span> = yields.into_iter().chain(awaits).collect();
        let before = self.reading.in_transaction;
        self.body(function, &spans, depth);
        if lends == Lends::Plain && self.reading.in_transaction && !before {
            self.differs(function, scope.span, "it opens a transaction");
        }
    }

    /// A scope that is no generator: what it gives back has to be one.
    fn gives_scope(&mut self, function: FunctionRef, lends: Lends, depth: usize) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        if !scope.decorators.is_empty() {
            return;
        }
        if scope.is_async {
            return self.refuse(function, "it is no context manager");
        }
        let mut any = false;
        for value in returned(file, function.scope) {
            any = true;
            let Expression::Call { callee, arguments } = file.expression(innermost(file, value))
            else {
                self.differs(function, value, "what it gives back is not followed");
                continue;
            };
            let borrows = self.driver.acquire.iter();
            let callee_text = callee.text(file.text());
            if borrows
                .into_iter()
                .any(|name| last_part(callee_text) == name)
            {
                if !arguments.is_empty() {
                    let why = format!("it borrows by `{}`", one_line(value.text(file.text())));
                    self.differs(function, value, &why);
                }
            } else if let Some(target) = self.called(function, callee) {
                self.scope(target, Lends::Inside, depth);
            } else {
                self.differs(function, value, "what it gives back is not followed");
            }
        }
        if !any {
            self.refuse(function, "it is no context manager");
        } else if lends == Lends::ForUser {
            self.differs(function, scope.span, "it sets no user that could be read");
        }
    }

    /// What a scope yields: the connection that it has borrowed, once.
    fn lent(&mut self, function: FunctionRef, yields: &[Span]) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let repeated = yields.iter().any(|span| {
            file.language
                .innermost_loop(file.code(), *span, scope.body)
                .is_some()
        });
        if yields.len() != 1 || repeated {
            self.differs(function, scope.span, "it yields several times");
        }
        for value in file
            .outline
            .returns
            .iter()
            .filter(|r| r.scope == function.scope && r.yields)
        {
            let Some(value) = value.value else {
                self.differs(function, scope.span, "it yields no connection");
                continue;
            };
            if !self.is_borrowed(function, value, VALUES) {
                let why = format!(
                    "it yields `{}`, which is not followed",
                    value.text(file.text())
                );
                self.differs(function, value, &why);
            }
        }
    }

    /// Whether a value is a connection that was borrowed: by `acquire()`, or from a scope of the project.
    fn is_borrowed(&self, function: FunctionRef, value: Span, depth: usize) -> bool {
        let file = self.file(function);
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        match file.expression(innermost(file, value)) {
            Expression::Name(name) => {
                let mut bindings = file.model.bindings_of(function.scope, &name).peekable();
                bindings.peek().is_some()
                    && bindings.all(|binding| {
                        binding.value.is_some_and(|value| {
                            file.expression(value) == Expression::Null
                                || self.is_borrowed(function, value, depth)
                        })
                    })
            }
            Expression::Call { callee, .. } => {
                let name = last_part(callee.text(file.text()));
                self.driver.acquire.iter().any(|acquire| acquire == name)
                    || self.called(function, callee).is_some()
            }
            _ => false,
        }
    }

    /// The queries of a scope that set its user, and whether they do it for the transaction and the connection that is lent.
    fn sets_user(
        &mut self,
        function: FunctionRef,
        queries: &[&CallSite],
        yields: &[Span],
    ) -> Vec<Span> {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let mut found = Vec::new();
        for query in queries {
            let Some(Setting { name, local }) = setting::set_by(file, query) else {
                continue;
            };
            found.push(query.span);
            if !local {
                let why = "the user that it sets stays on the connection";
                self.differs(function, query.span, why);
            }
            let settings = self.reading.settings.get_or_insert_default();
            settings.extend(name);
            let object = match file.expression(query.callee) {
                Expression::Attribute { object, .. } => object.text(file.text()),
                _ => "",
            };
            let lent = file
                .outline
                .returns
                .iter()
                .filter(|r| r.scope == function.scope);
            let mut lent = lent.filter_map(|give_back| give_back.value);
            if !lent.all(|value| value.text(file.text()) == object) {
                let why = "it sets the user on another connection than it lends";
                self.differs(function, query.span, why);
            }
            let entered = file.language.entered(file.code(), scope.body);
            let holds = entered.iter().any(|entered| {
                is_transaction(entered.resource.text(file.text()))
                    && entered.body.contains(query.span)
                    && yields.iter().all(|span| entered.body.contains(*span))
            });
            if !holds {
                let why = "no transaction holds the user that it sets";
                self.differs(function, query.span, why);
            }
        }
        if found.is_empty() {
            self.differs(function, scope.span, "it sets no user that could be read");
        }
        found
    }

    /// What the body of any function of the standard does around `main`: its queries, or where it lends.
    fn body(&mut self, function: FunctionRef, main: &[Span], depth: usize) {
        let file = self.file(function);
        let body = file.model.scope(function.scope).body;
        let catches = file.language.catches(file.code(), body);
        for catch in &catches {
            let concerns = main.iter().any(|span| catch.body.contains(*span));
            if let Some(why) = ends_errors(file, catch).filter(|_| concerns) {
                self.differs(function, catch.span, why);
            }
        }
        for awaited in file.language.awaits(file.code(), body) {
            let known = main.iter().any(|span| awaited.contains(*span))
                || self
                    .calls(function)
                    .iter()
                    .any(|call| awaited.contains(call.span) && self.is_of_pool(function, call));
            if !known {
                let why = format!("it does `{}` besides", one_line(awaited.text(file.text())));
                self.differs(function, awaited, &why);
            }
        }
        for entered in file.language.entered(file.code(), body) {
            self.entered(function, entered.resource, depth);
        }
        let handlers = catches.iter().flat_map(|catch| catch.handlers.iter());
        let handlers: Vec<Span> = handlers.copied().collect();
        for raise in file.language.raises(file.code(), body) {
            let handled = handlers.iter().any(|handler| handler.contains(raise));
            if !handled && !is_guard(file, raise, body) {
                let why = format!("it may `{}`", one_line(raise.text(file.text())));
                self.differs(function, raise, &why);
            }
        }
    }

    /// Whether a call only comes to a connection or gives it back: `acquire`, `release`, a function that gives the pool.
    fn is_of_pool(&self, function: FunctionRef, call: &CallSite) -> bool {
        let file = self.file(function);
        let Expression::Call { arguments, .. } = file.expression(call.span) else {
            return false;
        };
        let own = [
            &self.driver.acquire,
            &self.driver.release,
            &self.driver.create_pool,
        ];
        if own.iter().any(|names| names.contains(&call.name)) {
            // `acquire(timeout=1)` gives up where the method would wait.
            return call.name != "acquire" || arguments.is_empty();
        }
        let gives_pool = || {
            let target = self.called(function, call.callee)?;
            let file = self.file(target);
            let scope = file.model.scope(target.scope);
            let opens = self
                .calls(target)
                .iter()
                .any(|call| self.driver.create_pool.contains(&call.name));
            let header = Span::new(scope.span.start, scope.body.start).text(file.text());
            let declared = header.rsplit_once("->").map_or("", |(_, result)| result);
            let is_type = self
                .driver
                .pool_types
                .iter()
                .any(|name| declared.contains(name.as_str()));
            (opens || is_type).then_some(())
        };
        arguments.is_empty() && gives_pool().is_some()
    }

    /// A resource that is opened: a connection, a transaction, a scope of the project.
    fn entered(&mut self, function: FunctionRef, resource: Span, depth: usize) {
        let file = self.file(function);
        let text = one_line(resource.text(file.text()));
        let Expression::Call { callee, arguments } = file.expression(innermost(file, resource))
        else {
            return self.differs(function, resource, &format!("it waits for `{text}`"));
        };
        let name = last_part(callee.text(file.text())).to_owned();
        if self.driver.acquire.contains(&name) {
            if !arguments.is_empty() {
                self.differs(function, resource, &format!("it borrows by `{text}`"));
            }
        } else if is_transaction(resource.text(file.text())) {
            self.reading.in_transaction = true;
            if !arguments.is_empty() {
                self.differs(function, resource, &format!("it opens `{text}`"));
            }
        } else if let Some(target) = self.called(function, callee) {
            if !arguments.is_empty() {
                self.differs(function, resource, &format!("it opens `{text}`"));
            }
            self.scope(target, Lends::Inside, depth);
        } else {
            self.differs(function, resource, &format!("it opens `{text}`"));
        }
    }

    /// How a function is defined: once, for certain, and as it stands there.
    fn definition(&mut self, function: FunctionRef) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        for decorator in &scope.decorators {
            if !is_manager(file, *decorator) {
                let text = one_line(decorator.text(file.text()));
                let why = format!("the decorator `{text}` is not followed");
                self.differs(function, *decorator, &why);
            }
        }
        if scope.parent != Some(Model::MODULE) {
            return;
        }
        for binding in file.model.bindings_of(Model::MODULE, &scope.name) {
            let opened = binding.opens.map(|opened| file.model.scope(opened));
            let overload = opened.is_some_and(|opened| {
                let mut decorators = opened.decorators.iter();
                decorators.any(|span| decorated(span.text(file.text())) == "overload")
            });
            if binding.opens == Some(function.scope) {
                let siblings = file.language.siblings(file.code(), binding.statement);
                if !siblings.is_empty() {
                    self.differs(function, binding.span, "it is defined only in one branch");
                }
            } else if !overload {
                let why = format!("`{}` is bound here, too", scope.name);
                self.differs(function, binding.span, &why);
            }
        }
    }
}

/// How a place that catches changes what comes out of its body.
fn ends_errors(file: &ParsedFile, catch: &Catch) -> Option<&'static str> {
    let code = || file.code();
    if !catch.handles {
        let behind = Span::new(catch.body.end, catch.span.end.max(catch.body.end));
        let returns = file.language.returns(code(), behind);
        return (!returns.is_empty()).then_some("it swallows errors");
    }
    let raises: Vec<Vec<Span>> = catch
        .handlers
        .iter()
        .map(|handler| file.language.raises(code(), *handler))
        .collect();
    let leaves = |handler: &Span| !file.language.returns(code(), *handler).is_empty();
    if raises.is_empty()
        || raises.iter().any(Vec::is_empty)
        || catch.falls_through
        || catch.continues
        || catch.handlers.iter().any(leaves)
    {
        return Some("it swallows errors");
    }
    let same = |raise: &Span| {
        let text = raise.text(file.text()).trim();
        let raised = text.strip_prefix("raise").unwrap_or(text).trim();
        raised.is_empty()
            || file.model.bindings.iter().any(|binding| {
                binding.kind == BindingKind::Except
                    && binding.name == raised
                    && catch.span.contains(binding.span)
            })
    };
    (!raises.iter().flatten().all(same)).then_some("it raises other errors")
}

/// Whether a `raise` stands behind a test that something is there at all: the pool, the user.
fn is_guard(file: &ParsedFile, raise: Span, body: Span) -> bool {
    let mut open = vec![body];
    while let Some(body) = open.pop() {
        for statement in file.language.statements(file.code(), body) {
            if !statement.contains(raise) {
                continue;
            }
            if let Some(branch) = file.language.branch(file.code(), statement)
                && branch.body.contains(raise)
            {
                let condition = branch.condition.text(file.text());
                return condition.starts_with("not ") || condition.contains(" is None");
            }
            let entered = file.language.entered(file.code(), statement);
            open.extend(entered.iter().map(|entered| entered.body));
            open.extend(file.language.body(file.code(), statement));
        }
        if open.len() > VALUES {
            return false;
        }
    }
    false
}

/// The values that a function returns; nothing for a bare `return`.
fn gives(file: &ParsedFile, scope: ScopeId) -> impl Iterator<Item = Option<Span>> + '_ {
    let returns = file.outline.returns.iter();
    returns
        .filter(move |give_back| give_back.scope == scope && !give_back.yields)
        .map(|give_back| give_back.value)
}

fn returned(file: &ParsedFile, scope: ScopeId) -> impl Iterator<Item = Span> + '_ {
    gives(file, scope).flatten()
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

/// What `[dict(row) for row in rows]` and `[row for row in rows]` list: `rows`.
pub fn listed(file: &ParsedFile, span: Span) -> Option<Span> {
    let text = span.text(file.text());
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    let (element, clause) = inside.split_once(" for ")?;
    let (row, rows) = clause.split_once(" in ")?;
    let (element, row, rows) = (element.trim(), row.trim(), rows.trim());
    let is_row = element == row || element.strip_prefix("dict(")?.strip_suffix(')')?.trim() == row;
    if !is_row || rows.is_empty() {
        return None;
    }
    let start = span.start + (rows.as_ptr() as usize - text.as_ptr() as usize);
    Some(Span::new(start, start + rows.len()))
}

/// The expression without `await` and parentheses.
fn innermost(file: &ParsedFile, span: Span) -> Span {
    let mut span = span;
    for _ in 0..VALUES {
        match file.expression(span) {
            Expression::Same(inner) => span = inner,
            _ => break,
        }
    }
    span
}

fn is_manager(file: &ParsedFile, decorator: Span) -> bool {
    let name = decorated(decorator.text(file.text()));
    matches!(name, "asynccontextmanager" | "contextmanager")
}

fn is_transaction(resource: &str) -> bool {
    resource
        .split_once('(')
        .is_some_and(|(callee, _)| callee.trim_end().ends_with(".transaction"))
}

/// Whether what is called writes to a log.
fn is_log(callee: &str) -> bool {
    let object = callee.rsplit_once('.').map_or(callee, |(object, _)| object);
    callee == "print" || last_part(object).to_ascii_lowercase().contains("log")
}

fn last_part(text: &str) -> &str {
    text.rsplit('.').next().unwrap_or(text).trim()
}

/// The last name of a decorator, without its arguments.
fn decorated(text: &str) -> &str {
    last_part(text.split('(').next().unwrap_or(text))
}

/// The beginning of a text, in one line.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The function that a symbol of the standard names, or why what it names cannot be opened as a scope.
pub fn openable(project: &Project, symbol: &Symbol, home: crate::project::FileId) -> Reading {
    let mut reading = Reading::default();
    let Symbol::Member { file, name } = symbol else {
        return reading;
    };
    let parsed = project.file(*file);
    let binding = parsed.model.bindings_of(Model::MODULE, name).next();
    let Some(binding) = binding else {
        return reading;
    };
    let place = project.place(*file, binding.span);
    if let Some(class) = project.class(symbol, home) {
        let bases = &parsed.model.scope(class.scope).bases;
        if project.method(class, "__aenter__").is_none() && bases.is_empty() {
            reading
                .refused
                .push(format!("it is no context manager ({place})"));
            return reading;
        }
    }
    reading
        .differs
        .push(format!("what it does is not followed ({place})"));
    reading
}
