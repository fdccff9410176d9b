//! What the code shows of pools and connections, before any settings exist.
//!
//! Only what is shown counts: a value that cannot be followed is no pool here, so nothing is learnt from it.

use std::collections::BTreeSet;

use crate::facts::types::{Kind, Types};
use crate::language::expression::{Argument, CallSite, Expression};
use crate::language::{Binding, BindingKind, Model, ScopeId, ScopeKind};
use crate::project::{FileId, FunctionRef, ParsedFile, Project, Symbol};
use crate::recipe::Driver;
use crate::source::Span;

/// How many steps a value is followed.
const DEPTH: usize = 24;

/// How many attributes a pool is followed through.
const ROUNDS: usize = 4;

/// The project, asked what its values are.
pub(super) struct Evidence<'a> {
    pub(super) project: &'a Project,
    pub(super) driver: &'a Driver,
    /// The names of attributes that some code puts a pool into, or declares as one.
    pool_attributes: BTreeSet<String>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(project: &'a Project, driver: &'a Driver) -> Self {
        let mut evidence = Self {
            project,
            driver,
            pool_attributes: BTreeSet::new(),
        };
        // An attribute that is filled from another one is found in the round after that one.
        for _ in 0..ROUNDS {
            let more = evidence.more_pool_attributes();
            if more.is_empty() {
                break;
            }
            evidence.pool_attributes.extend(more);
        }
        evidence
    }

    fn more_pool_attributes(&self) -> BTreeSet<String> {
        let mut more = BTreeSet::new();
        for (id, file) in self.project.files() {
            for write in &file.outline.writes {
                if !self.pool_attributes.contains(write.name.as_str())
                    && write.value.is_some_and(|value| self.is_pool(id, value))
                {
                    more.insert(write.name.to_string());
                }
            }
            for binding in &file.model.bindings {
                if file.model.scope(binding.scope).kind == ScopeKind::Class
                    && !self.pool_attributes.contains(binding.name.as_str())
                    && self.is_pool_type(id, binding.annotation)
                {
                    more.insert(binding.name.to_string());
                }
            }
        }
        more
    }

    pub(super) fn file(&self, id: FileId) -> &'a ParsedFile {
        self.project.file(id)
    }

    /// The functions at the top of their modules, in the order of files and lines.
    pub(super) fn functions(&self) -> impl Iterator<Item = FunctionRef> + 'a {
        self.project.files().flat_map(|(id, file)| {
            let scopes = file.model.scopes.iter().enumerate();
            let top = scopes.filter(|(_, scope)| {
                scope.kind == ScopeKind::Function && scope.parent == Some(Model::MODULE)
            });
            top.map(move |(index, _)| FunctionRef {
                file: id,
                scope: ScopeId(index as u32),
            })
        })
    }

    pub(super) fn name(&self, function: FunctionRef) -> &'a str {
        &self.file(function.file).model.scope(function.scope).name
    }

    /// `file:line` of a function.
    pub(super) fn place(&self, function: FunctionRef) -> String {
        let span = self.file(function.file).model.scope(function.scope).span;
        self.project.place(function.file, span)
    }

    /// The calls in a function itself, not in those nested in it.
    pub(super) fn calls_in(
        &self,
        function: FunctionRef,
    ) -> impl Iterator<Item = &'a CallSite> + use<'a> {
        let file = self.file(function.file);
        let own =
            move |call: &&CallSite| file.model.function_around(call.scope) == Some(function.scope);
        file.outline.calls.iter().filter(own)
    }

    /// The function that the call at `callee` runs, if it is one of the project.
    pub(super) fn called(&self, file: FileId, callee: Span) -> Option<FunctionRef> {
        let symbol = self.project.symbol(file, callee)?;
        self.project.function(&symbol, file)
    }

    /// Whether the expression at `span` is one of the driver's functions `names`.
    pub(super) fn is_of_driver(&self, file: FileId, span: Span, names: &[String]) -> bool {
        let Some(Symbol::External(dotted)) = self.project.symbol(file, span) else {
            return false;
        };
        self.is_driver_name(&dotted, names)
    }

    fn is_driver_name(&self, dotted: &str, names: &[String]) -> bool {
        let mut parts = dotted.split('.');
        let root = parts.next().unwrap_or_default();
        let last = parts.next_back().unwrap_or_default();
        self.driver.modules.iter().any(|module| module == root)
            && names.iter().any(|name| name == last)
    }

    /// Whether the annotation `text` in `file` names one of the driver's `types`.
    pub(super) fn names_type(&self, file: FileId, text: &str, types: &[String]) -> bool {
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
        words.filter(|word| !word.is_empty()).any(|word| {
            let (root, rest) = word.split_once('.').unwrap_or((word, ""));
            match self.project.name_in(file, Model::MODULE, root) {
                Symbol::External(dotted) if rest.is_empty() => self.is_driver_name(&dotted, types),
                Symbol::External(dotted) => self.is_driver_name(&format!("{dotted}.{rest}"), types),
                _ => false,
            }
        })
    }

    fn is_pool_type(&self, file: FileId, annotation: Option<Span>) -> bool {
        let types = &self.driver.pool_types;
        annotation
            .is_some_and(|span| self.names_type(file, span.text(self.file(file).text()), types))
    }

    /// What a function declares to give back.
    pub(super) fn declared_result(&self, function: FunctionRef) -> Option<&'a str> {
        let file = self.file(function.file);
        let scope = file.model.scope(function.scope);
        let header = Span::new(scope.span.start, scope.body.start.max(scope.span.start));
        let (parameters, result) = header.text(file.text()).rsplit_once("->")?;
        parameters.trim_end().ends_with(')').then_some(result)
    }

    /// Whether a function declares that it gives back a pool.
    pub(super) fn declares_pool(&self, function: FunctionRef) -> bool {
        let types = &self.driver.pool_types;
        self.declared_result(function)
            .is_some_and(|result| self.names_type(function.file, result, types))
    }

    /// Whether the value at `span` is shown to be a pool.
    pub(super) fn is_pool(&self, file: FileId, span: Span) -> bool {
        Follower::new(self).is_pool(file, span, DEPTH)
    }

    /// Whether the value at `span` is shown to be a connection that was borrowed from a pool.
    pub(super) fn is_connection(&self, file: FileId, span: Span) -> bool {
        Follower::new(self).is_connection(file, span, DEPTH)
    }

    /// Whether the expression at `span` borrows a connection: `pool.acquire()`, or a scope that does.
    pub(super) fn borrows(&self, file: FileId, span: Span) -> bool {
        Follower::new(self).borrows(file, span, DEPTH)
    }

    /// Whether `callee` is the method of a pool that borrows a connection.
    pub(super) fn is_acquire(&self, file: FileId, callee: Span) -> bool {
        match self.file(file).expression(callee) {
            Expression::Attribute { object, name } if self.file(file).language.is_typed() => {
                let borrows = self.driver.acquire.iter().chain(&self.driver.begin);
                let types = Types::new(self.project, self.driver);
                borrows.into_iter().any(|own| *own == name)
                    && matches!(types.kind(file, object), Kind::Pool | Kind::OtherPool(_))
            }
            Expression::Attribute { object, name } => {
                self.driver.acquire.contains(&name) && self.is_pool(file, object)
            }
            _ => false,
        }
    }

    /// Whether a query is run on a pool itself.
    pub(super) fn runs_on_pool(&self, file: FileId, call: &CallSite) -> bool {
        let Expression::Call { arguments, .. } = self.file(file).expression(call.span) else {
            return false;
        };
        let types = Types::new(self.project, self.driver);
        let mut values = arguments.iter().map(Argument::value);
        values.any(|value| types.kind(file, value) == Kind::Pool)
    }

    /// Whether a function is made a context manager by its decorator.
    pub(super) fn is_context_manager(&self, function: FunctionRef) -> bool {
        let decorators = &self
            .file(function.file)
            .model
            .scope(function.scope)
            .decorators;
        decorators.iter().any(|decorator| {
            let symbol = self.project.symbol(function.file, *decorator);
            matches!(symbol, Some(Symbol::External(dotted)) if dotted == "contextlib.asynccontextmanager")
        })
    }
}

/// Follows one value. What was looked at once shows nothing new the second time, so cycles end.
struct Follower<'e, 'a> {
    evidence: &'e Evidence<'a>,
    seen: BTreeSet<(FileId, Span)>,
}

impl<'e, 'a> Follower<'e, 'a> {
    fn new(evidence: &'e Evidence<'a>) -> Self {
        Self {
            evidence,
            seen: BTreeSet::new(),
        }
    }

    fn is_pool(&mut self, id: FileId, span: Span, depth: usize) -> bool {
        let Some(depth) = depth
            .checked_sub(1)
            .filter(|_| self.seen.insert((id, span)))
        else {
            return false;
        };
        let project = self.evidence.project;
        match project.file(id).expression(span) {
            Expression::Name(_) => match project.symbol(id, span) {
                Some(Symbol::Local { scope, name }) => self.variable(id, scope, &name, depth),
                Some(Symbol::Member { file, name }) => {
                    self.variable(file, Model::MODULE, &name, depth)
                }
                _ => false,
            },
            Expression::Attribute { name, .. } => match project.symbol(id, span) {
                Some(Symbol::Member { file, name }) => {
                    self.variable(file, Model::MODULE, &name, depth)
                }
                Some(_) => false,
                None => self.evidence.pool_attributes.contains(&name),
            },
            Expression::Call { callee, arguments } => {
                self.gives_pool(id, callee, &arguments, depth)
            }
            Expression::Same(inner) => self.is_pool(id, inner, depth),
            Expression::Either(options) => options
                .into_iter()
                .any(|option| self.is_pool(id, option, depth)),
            _ => false,
        }
    }

    fn gives_pool(
        &mut self,
        id: FileId,
        callee: Span,
        arguments: &[Argument],
        depth: usize,
    ) -> bool {
        let evidence = self.evidence;
        if evidence.is_of_driver(id, callee, &evidence.driver.create_pool) {
            return true;
        }
        if let Some(attribute) = read_by_getattr(evidence.file(id), callee, arguments) {
            return evidence.pool_attributes.contains(&attribute);
        }
        let Some(function) = evidence.called(id, callee) else {
            return false;
        };
        evidence.declares_pool(function)
            || returned(evidence.file(function.file), function.scope)
                .any(|value| self.is_pool(function.file, value, depth))
    }

    /// Whether some binding shows that a variable holds a pool.
    fn variable(&mut self, id: FileId, scope: ScopeId, name: &str, depth: usize) -> bool {
        let evidence = self.evidence;
        let mut bindings = evidence.file(id).model.bindings_of(scope, name);
        bindings.any(|binding| {
            evidence.is_pool_type(id, binding.annotation)
                || value_of(binding).is_some_and(|value| self.is_pool(id, value, depth))
        })
    }

    fn is_connection(&mut self, id: FileId, span: Span, depth: usize) -> bool {
        let Some(depth) = depth
            .checked_sub(1)
            .filter(|_| self.seen.insert((id, span)))
        else {
            return false;
        };
        let file = self.evidence.file(id);
        match file.expression(span) {
            Expression::Name(name) => {
                let Some(owner) = file.model.resolve(file.model.scope_at(span.start), &name) else {
                    return false;
                };
                let mut values = file.model.bindings_of(owner, &name).filter_map(value_of);
                values.any(|value| self.borrows(id, value, depth))
            }
            Expression::Same(inner) => self.is_connection(id, inner, depth),
            _ => false,
        }
    }

    fn borrows(&mut self, id: FileId, span: Span, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        let file = self.evidence.file(id);
        match file.expression(span) {
            Expression::Call { callee, .. } => {
                if let Expression::Attribute { object, name } = file.expression(callee)
                    && self.evidence.driver.acquire.contains(&name)
                {
                    return self.evidence.is_pool(id, object);
                }
                let called = self.evidence.called(id, callee);
                called.is_some_and(|function| self.lends(function, depth))
            }
            Expression::Same(inner) => self.borrows(id, inner, depth),
            _ => self.is_connection(id, span, depth),
        }
    }

    /// Whether a function lends a connection to a `with` block.
    fn lends(&mut self, function: FunctionRef, depth: usize) -> bool {
        let file = self.evidence.file(function.file);
        let scope = file.model.scope(function.scope);
        if scope.is_generator {
            return self.evidence.is_context_manager(function)
                && yielded(file, function.scope)
                    .any(|value| self.is_connection(function.file, value, depth));
        }
        !scope.is_async
            && returned(file, function.scope).any(|value| self.borrows(function.file, value, depth))
    }
}

/// The values that a function returns.
pub(super) fn returned(file: &ParsedFile, scope: ScopeId) -> impl Iterator<Item = Span> + '_ {
    gives(file, scope, false)
}

/// The values that a function yields.
pub(super) fn yielded(file: &ParsedFile, scope: ScopeId) -> impl Iterator<Item = Span> + '_ {
    gives(file, scope, true)
}

fn gives(file: &ParsedFile, scope: ScopeId, yields: bool) -> impl Iterator<Item = Span> + '_ {
    let returns = file.outline.returns.iter();
    returns
        .filter(move |give_back| give_back.scope == scope && give_back.yields == yields)
        .filter_map(|give_back| give_back.value)
}

/// The value that a binding gives its name as a whole.
pub(super) fn value_of(binding: &Binding) -> Option<Span> {
    let whole = matches!(
        binding.kind,
        BindingKind::Assignment | BindingKind::Annotation | BindingKind::Walrus | BindingKind::With
    );
    binding.value.filter(|_| whole)
}

/// The attribute that `getattr(object, "attribute")` reads.
fn read_by_getattr(file: &ParsedFile, callee: Span, arguments: &[Argument]) -> Option<String> {
    if callee.text(file.text()) != "getattr" {
        return None;
    }
    let text = arguments.get(1)?.value().text(file.text());
    let name = text.trim_matches(['"', '\'']);
    (name.len() + 2 == text.len()).then(|| name.to_owned())
}
