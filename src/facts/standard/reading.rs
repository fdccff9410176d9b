//! What one function of the standard module does, as its code says: whether the call that a rewrite writes can work, and what the function
//! does besides the method that it stands for, or besides lending a connection. Learning and the rules of rewrites ask the same reading.

pub mod given;
mod helper;
mod scope;
mod service;
mod session;

pub use service::{behaving, lender, service};
pub use session::{lent_session, session};

use std::collections::BTreeSet;

use crate::language::expression::{CallSite, Expression};
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
    /// The keyword arguments that it passes on under their own name, wherever it runs its query; `None` where it runs none.
    pub passes: Option<BTreeSet<String>>,
}

/// Reads the helper for `method`. `pool` is what gives the shared pool, as far as it is known.
pub fn helper(
    project: &Project,
    driver: &Driver,
    pool: Option<&Symbol>,
    function: FunctionRef,
    method: &str,
) -> Reading {
    let mut reader = Reader::new(project, driver);
    reader.pool = pool.cloned();
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

/// Reads the scope that `function` is. `pool` is what gives the shared pool, as far as it is known.
pub fn scope(
    project: &Project,
    driver: &Driver,
    pool: Option<&Symbol>,
    function: FunctionRef,
    lends: Lends,
) -> Reading {
    let mut reader = Reader::new(project, driver);
    reader.pool = pool.cloned();
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

struct Reader<'p> {
    project: &'p Project,
    driver: &'p Driver,
    seen: BTreeSet<FunctionRef>,
    /// What gives the shared pool.
    pool: Option<Symbol>,
    reading: Reading,
}

impl<'p> Reader<'p> {
    fn new(project: &'p Project, driver: &'p Driver) -> Self {
        Self {
            project,
            driver,
            seen: BTreeSet::new(),
            pool: None,
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

    /// Calls on a pool that is certainly another one than the shared one: it is kept in another variable of a module.
    fn other_pool(&mut self, function: FunctionRef) {
        let kept = self.pool.as_ref().and_then(|pool| self.kept(pool, DEPTH));
        let Some(kept) = kept else { return };
        let file = self.file(function);
        for call in self.calls(function) {
            let of_pool = self.driver.acquire.contains(&call.name) || self.is_query(file, call);
            let Expression::Attribute { object, .. } = file.expression(call.callee) else {
                continue;
            };
            let Some(other) = self.variable(function, object, DEPTH).filter(|_| of_pool) else {
                continue;
            };
            if other != kept {
                let text = one_line(object.text(file.text()));
                let why = format!("it works on `{text}`, which is not the shared pool");
                self.differs(function, call.span, &why);
            }
        }
    }

    /// The variable of a module that a function gives, or that a symbol is itself.
    fn kept(&self, symbol: &Symbol, depth: usize) -> Option<Symbol> {
        let depth = depth.checked_sub(1)?;
        let Symbol::Member { file: home, .. } = symbol else {
            return None;
        };
        let Some(function) = self.project.function(symbol, *home) else {
            return Some(symbol.clone());
        };
        let file = self.file(function);
        let mut kept = returned(file, function.scope)
            .filter(|value| file.expression(*value) != Expression::Null)
            .map(|value| self.variable(function, value, depth));
        let first = kept.next()??;
        kept.all(|other| other.as_ref() == Some(&first))
            .then_some(first)
    }

    /// The variable of a module that an expression stands for, where that is known.
    fn variable(&self, function: FunctionRef, span: Span, depth: usize) -> Option<Symbol> {
        let depth = depth.checked_sub(1)?;
        let file = self.file(function);
        let span = innermost(file, span);
        let by_symbol = |span: Span| {
            let symbol = self.project.symbol(function.file, span);
            symbol.filter(|symbol| matches!(symbol, Symbol::Member { .. }))
        };
        match file.expression(span) {
            Expression::Call { callee, .. } => self.kept(&by_symbol(callee)?, depth),
            Expression::Name(name) => {
                if let Some(symbol) = by_symbol(span) {
                    return Some(symbol);
                }
                let mut values = file
                    .model
                    .bindings_of(function.scope, &name)
                    .map(|binding| self.variable(function, binding.value?, depth));
                let first = values.next()??;
                values
                    .all(|other| other.as_ref() == Some(&first))
                    .then_some(first)
            }
            Expression::Attribute { .. } => by_symbol(span),
            _ => None,
        }
    }

    /// Whether a call is of a query method of something.
    fn is_query(&self, file: &ParsedFile, call: &CallSite) -> bool {
        self.driver.query_methods.contains(&call.name)
            && matches!(file.expression(call.callee), Expression::Attribute { .. })
    }

    /// What the body of any function of the standard does around `main`: its queries, or where it lends.
    fn body(&mut self, function: FunctionRef, main: &[Span], depth: usize) {
        let file = self.file(function);
        let body = file.model.scope(function.scope).body;
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
        self.leaves(function, main);
    }

    /// How errors of what stands at `main` leave a function, and which others it raises.
    fn leaves(&mut self, function: FunctionRef, main: &[Span]) {
        let file = self.file(function);
        let body = file.model.scope(function.scope).body;
        let catches = file.language.catches(file.code(), body);
        for catch in &catches {
            let concerns = main.iter().any(|span| catch.body.contains(*span));
            if let Some(why) = ends_errors(file, catch).filter(|_| concerns) {
                self.differs(function, catch.span, why);
            }
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
