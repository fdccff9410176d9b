//! What rewrites leave behind: pool variables that nothing reads any more, guards that only asked for them, attributes and getters that
//! only kept them.
//!
//! Works on what is gone (the spans that other edits take out) and finds what is dead because of it, until nothing more is.

use std::collections::{BTreeMap, BTreeSet};

use crate::edit::Edit;
use crate::facts::World;
use crate::facts::attribute::{self, Family};
use crate::facts::origin::{self, Value};
use crate::facts::passing::target;
use crate::language::expression::{AttributeRead, AttributeWrite, Expression};
use crate::language::usage::Guard;
use crate::language::{Binding, BindingKind, Model, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId, FunctionRef, ParsedFile};
use crate::source::Span;

/// What is dead in a file once some of its text is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dead {
    /// Statements and definitions that go.
    pub statements: BTreeSet<Span>,
    /// `name := value` whose name nothing reads: it becomes the value.
    pub unnamed: BTreeMap<Span, Span>,
    /// Those of them that are guards: without them the error for a missing pool comes from the standard instead.
    pub guards: BTreeSet<Span>,
}

impl Dead {
    /// Whether `span` is part of what goes.
    pub fn covers(&self, span: Span) -> bool {
        self.statements
            .iter()
            .any(|statement| statement.contains(span))
    }

    /// Takes in what is dead in the eyes of another migration.
    pub fn add(&mut self, other: Self) {
        self.statements.extend(other.statements);
        self.unnamed.extend(other.unnamed);
        self.guards.extend(other.guards);
    }
}

/// Finds what is dead in `file` when the text of `gone` is taken out; guards only where `guards` says so. What holds one of `kept` stays.
pub fn dead(world: World<'_>, file: FileId, gone: &[Span], kept: &[Span], guards: bool) -> Dead {
    let mut finder = Finder {
        world,
        id: file,
        file: world.project.file(file),
        gone: gone.to_vec(),
        kept: kept.to_vec(),
        dead: Dead::default(),
        guards,
    };
    if gone.is_empty() && !guards {
        return finder.dead;
    }
    loop {
        let before = finder.gone.len();
        finder.variables();
        finder.attributes();
        if finder.gone.len() == before {
            return finder.dead;
        }
    }
}

/// The edits that take `dead` out. A block of which nothing would be left keeps an empty statement.
pub fn edits(file: &ParsedFile, dead: &Dead) -> Vec<(Span, Edit)> {
    let outermost: Vec<Span> = dead
        .statements
        .iter()
        .copied()
        .filter(|span| {
            !dead
                .statements
                .iter()
                .any(|other| other != span && other.contains(*span))
        })
        .collect();
    let mut edits = Vec::new();
    let mut emptied: BTreeSet<Span> = BTreeSet::new();
    for span in &outermost {
        let siblings = file.language.siblings(file.code(), *span);
        let all_dead = siblings.iter().all(|sibling| outermost.contains(sibling));
        let first = siblings.first().copied().unwrap_or(*span);
        let edit = if all_dead && siblings.len() > 1 && emptied.insert(first) {
            Edit::replace(*span, file.language.empty_statement())
        } else {
            file.language.remove_statement(file.code(), *span)
        };
        edits.push((*span, edit));
    }
    for (whole, value) in &dead.unnamed {
        edits.push((*whole, Edit::replace(*whole, file.source.slice(*value))));
    }
    edits
}

/// Whether a function changes no variable of its module that anything else reads.
fn only_fills_own_globals(file: &ParsedFile, function: ScopeId) -> bool {
    let body = file.model.scope(function).body;
    let filled = file
        .model
        .bindings
        .iter()
        .filter(|binding| binding.scope == Model::MODULE && binding.executed_in == function);
    let writes = file
        .outline
        .writes
        .iter()
        .any(|write| body.contains(write.statement));
    !writes
        && filled.into_iter().all(|binding| {
            file.model
                .references_to(Model::MODULE, &binding.name)
                .all(|reference| body.contains(reference.span))
        })
}

struct Finder<'a> {
    world: World<'a>,
    id: FileId,
    file: &'a ParsedFile,
    gone: Vec<Span>,
    kept: Vec<Span>,
    dead: Dead,
    guards: bool,
}

impl Finder<'_> {
    fn is_gone(&self, span: Span) -> bool {
        self.gone.iter().any(|gone| gone.contains(span))
    }

    fn is_kept(&self, span: Span) -> bool {
        self.kept.iter().any(|kept| span.contains(*kept))
    }

    fn kill(&mut self, statement: Span) {
        self.dead.statements.insert(statement);
        self.gone.push(statement);
    }

    /// Pool variables of functions whose every reader is gone.
    fn variables(&mut self) {
        let model = &self.file.model;
        let is_function = |scope: ScopeId| model.scope(scope).kind == ScopeKind::Function;
        for (scope, name) in model.variables().filter(|(scope, _)| is_function(*scope)) {
            self.variable(scope, name);
        }
    }

    fn variable(&mut self, scope: ScopeId, name: &str) {
        let bindings: Vec<&Binding> = self.file.model.bindings_of(scope, name).collect();
        if bindings.is_empty()
            || !bindings
                .iter()
                .all(|binding| self.binds_pool(scope, binding))
        {
            return;
        }
        let stays = bindings.iter().any(|binding| match binding.kind {
            BindingKind::Walrus => binding.value.is_some_and(|value| self.is_kept(value)),
            _ => self.is_kept(binding.statement),
        });
        if stays {
            return;
        }
        let is_observed = || self.file.is_observed(self.file.model.scope(scope).body);
        let is_declared = || {
            let mut declared = self.file.model.declarations_of(scope, name);
            declared.any(|declared| !self.is_gone(declared.span))
        };
        if bindings.iter().all(|binding| self.is_gone(binding.span))
            || is_observed()
            || is_declared()
        {
            return;
        }
        let references: Vec<Span> = self
            .file
            .model
            .references_to(scope, name)
            .map(|reference| reference.span)
            .collect();
        let used = references.clone();
        let left: Vec<Span> = references
            .into_iter()
            .filter(|span| !self.is_gone(*span))
            .collect();
        let guards: Option<BTreeSet<Span>> = left
            .iter()
            .map(|span| self.raise_guard(*span, name))
            .collect();
        let Some(guards) = guards.filter(|guards| !guards.iter().any(|guard| self.is_kept(*guard)))
        else {
            return;
        };
        // What nothing read before is not for this change to remove, but for a guard that nothing is left behind of.
        let was_read = used.iter().any(|span| self.is_gone(*span));
        if (!guards.is_empty() && !self.guards) || (guards.is_empty() && !was_read) {
            return;
        }
        for guard in guards {
            self.dead.guards.insert(guard);
            self.kill(guard);
        }
        for binding in bindings {
            match (binding.kind, binding.value) {
                (BindingKind::Walrus, Some(value)) => {
                    let whole =
                        self.file
                            .language
                            .named_expression(self.file.code(), binding.span, value);
                    self.dead.unnamed.insert(whole, value);
                    self.gone.push(binding.span);
                }
                // The error for a missing pool is caught here: the call stays for its sake, the name goes.
                (_, Some(value)) if self.is_caught_apart(binding.statement, &used) => {
                    self.dead.unnamed.insert(binding.statement, value);
                    self.gone.push(binding.span);
                }
                _ => self.kill(binding.statement),
            }
        }
    }

    /// Whether exceptions of a statement are caught where those of `uses`, which take its place, are not.
    fn is_caught_apart(&self, statement: Span, uses: &[Span]) -> bool {
        let function = self.file.function_at(statement.start);
        let body = function.map(|function| self.file.model.scope(function).body);
        body.is_some_and(|body| {
            let catches = self.file.language.catches(self.file.code(), body);
            catches.iter().any(|catch| {
                catch.handles
                    && catch.body.contains(statement)
                    && !uses.iter().all(|span| catch.body.contains(*span))
            })
        })
    }

    /// Whether a binding gives the name the shared pool and does nothing else.
    fn binds_pool(&self, scope: ScopeId, binding: &Binding) -> bool {
        let Some(value) = binding.value else {
            return false;
        };
        let whole = match binding.kind {
            BindingKind::Assignment | BindingKind::Annotation => {
                self.is_only_target(binding.statement, binding.span)
            }
            BindingKind::Walrus => true,
            _ => false,
        };
        let gives_pool = || self.is_pool_expression(value, 8) || self.is_way_to_pool(value);
        whole && binding.executed_in == scope && gives_pool()
    }

    /// Whether an expression only reads where something is kept, for a standard that takes the place of whatever lent connections:
    /// `infra = self.infra`.
    fn is_way_to_pool(&self, span: Span) -> bool {
        let is_attribute = matches!(self.file.expression(span), Expression::Attribute { .. });
        self.world.driver.any_pool && is_attribute && self.has_no_effect(span, 8)
    }

    /// Whether the assignment binds this name and nothing else.
    fn is_only_target(&self, statement: Span, target: Span) -> bool {
        let bound = self
            .file
            .model
            .bindings
            .iter()
            .filter(|binding| binding.statement == statement)
            .count();
        let attribute =
            self.file.outline.writes.iter().any(|write| {
                write.statement.contains(target) && statement.contains(write.statement)
            });
        bound == 1 && !attribute
    }

    /// The guard that a reference stands in, if it does nothing but raise when the pool is missing.
    fn raise_guard(&self, reference: Span, name: &str) -> Option<Span> {
        let code = self.file.code();
        let statement = self.file.language.statement(code.clone(), reference)?;
        (self.file.language.guard(code, statement, name) == Some(Guard::RaiseIfMissing))
            .then_some(statement)
    }

    /// Whether an expression gives the shared pool and does nothing else.
    fn is_pool_expression(&self, span: Span, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        let values = origin::values(self.world, self.id, span);
        let shared = values.iter().any(|value| origin::is_shared(value, self.id));
        let only = values.iter().all(|value| {
            origin::is_shared(value, self.id)
                || matches!(value, Value::Missing | Value::Absent(_) | Value::Doubt(_))
        });
        shared && only && self.has_no_effect(span, depth)
    }

    fn has_no_effect(&self, span: Span, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        match self.file.expression(span) {
            Expression::Name(_) | Expression::Null | Expression::Literal => true,
            Expression::Attribute { object, .. } | Expression::Index { object, .. } => {
                self.has_no_effect(object, depth)
            }
            Expression::Same(inner) => self.has_no_effect(inner, depth),
            Expression::Either(options) => options
                .iter()
                .all(|option| self.has_no_effect(*option, depth)),
            Expression::Call { callee, arguments } => {
                if self
                    .world
                    .standard
                    .is_pool_getter(self.world, self.id, callee)
                {
                    return arguments.is_empty();
                }
                if let Some(getter) = target(self.world, self.id, callee) {
                    return arguments.is_empty() && self.is_lazy_getter(getter);
                }
                let lookup = matches!(self.file.expression(callee), Expression::Attribute { object, name }
                    if name == "get" && self.has_no_effect(object, depth));
                lookup
                    && arguments
                        .iter()
                        .all(|argument| self.has_no_effect(argument.value(), depth))
            }
            _ => false,
        }
    }

    /// Whether a method only fills and returns an attribute that nothing else reads any more.
    fn is_lazy_getter(&self, getter: FunctionRef) -> bool {
        let file = self.world.project.file(getter.file);
        let body = file.model.scope(getter.scope).body;
        let Some(class) = file.model.class_around(getter.scope) else {
            return only_fills_own_globals(file, getter.scope);
        };
        let family = Family::of(
            self.world,
            ClassRef {
                file: getter.file,
                scope: class,
            },
        );
        let written = file
            .outline
            .writes
            .iter()
            .filter(|write| body.contains(write.statement));
        let names: BTreeSet<&str> = written.map(|write| write.name.as_str()).collect();
        names.iter().all(|name| {
            let reads = family.reads(self.world, name);
            reads.iter().all(|(id, read)| {
                let is_gone = *id == self.id && self.is_gone(read.span);
                is_gone || (*id == getter.file && body.contains(read.span))
            })
        })
    }

    /// Attributes that keep the pool, with the guards and getters that serve only them.
    fn attributes(&mut self) {
        let names: BTreeSet<(ScopeId, String)> = self
            .file
            .outline
            .writes
            .iter()
            .filter_map(|write| {
                Some((
                    self.file.model.class_around(write.scope)?,
                    write.name.to_string(),
                ))
            })
            .collect();
        for (class, name) in names {
            if let Some(statements) = self.dead_attribute(class, &name) {
                for statement in statements {
                    self.kill(statement);
                }
            }
        }
    }

    /// The statements that go with the attribute `name` of a class of this file, if nothing needs it any more.
    fn dead_attribute(&self, class: ScopeId, name: &str) -> Option<Vec<Span>> {
        let model = &self.file.model;
        let family = Family::of(
            self.world,
            ClassRef {
                file: self.id,
                scope: class,
            },
        );
        let writes = family.writes(self.world, name);
        let all_gone = writes
            .iter()
            .all(|(_, write)| self.is_gone(write.statement));
        let by_name = attribute::read_by_name(self.world, name).is_some();
        if !family.is_alone() || all_gone || by_name || !self.keeps_only_pool(&writes) {
            return None;
        }
        let reads = family.reads(self.world, name);
        if reads.iter().any(|(id, _)| *id != self.id) {
            return None;
        }
        let getters = self.getters(class, name);
        let touched = reads.iter().any(|(_, read)| self.is_gone(read.span))
            || getters.iter().any(|getter| self.was_called(*getter));
        if !touched {
            return None;
        }
        let mut statements: Vec<Span> = Vec::new();
        for getter in getters {
            self.uncalled(getter)
                .then(|| statements.push(model.scope(getter).span))?;
        }
        for (_, read) in reads.iter().filter(|(_, read)| !self.is_gone(read.span)) {
            if statements
                .iter()
                .any(|statement| statement.contains(read.span))
            {
                continue;
            }
            statements.push(self.lazy_guard(read, name)?);
        }
        statements.extend(writes.iter().map(|(_, write)| write.statement));
        let stays = statements.iter().any(|statement| self.is_kept(*statement));
        (!stays).then_some(statements)
    }

    /// Whether everything that is written is the shared pool or nothing, by expressions without effect, none handed in from outside.
    fn keeps_only_pool(&self, writes: &[(FileId, &AttributeWrite)]) -> bool {
        let mut keeps_pool = false;
        let plain = writes.iter().all(|(_, write)| {
            let Some(value) = write.value else {
                return false;
            };
            let values = origin::values(self.world, self.id, value);
            keeps_pool |= values.iter().any(|value| origin::is_shared(value, self.id));
            let shared =
                |value: &Value| origin::is_shared(value, self.id) || *value == Value::Missing;
            values.iter().all(shared) && self.has_no_effect(value, 8) && !self.is_parameter(value)
        });
        plain && keeps_pool
    }

    /// Whether a value is, or may be, what a caller passed.
    fn is_parameter(&self, value: Span) -> bool {
        let model = &self.file.model;
        model
            .references
            .iter()
            .filter(|reference| value.contains(reference.span))
            .any(|reference| {
                reference.name != "self"
                    && reference.target.is_some_and(|owner| {
                        model
                            .bindings_of(owner, &reference.name)
                            .any(|binding| binding.kind == BindingKind::Parameter)
                    })
            })
    }

    /// The methods of a class that return the attribute `name`.
    fn getters(&self, class: ScopeId, name: &str) -> Vec<ScopeId> {
        let model = &self.file.model;
        let returns = self.file.outline.returns.iter().filter(|give_back| {
            let value = give_back.value.map(|span| self.file.expression(span));
            matches!(value, Some(Expression::Attribute { name: found, .. }) if found == name)
        });
        let mut scopes: Vec<ScopeId> = returns
            .map(|give_back| give_back.scope)
            .filter(|scope| model.scope(*scope).parent == Some(class))
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }

    fn calls_of(&self, getter: ScopeId) -> Vec<(FileId, Span)> {
        let name = &self.file.model.scope(getter).name;
        self.world
            .project
            .calls_named(name)
            .map(|(file, call)| (file, call.span))
            .collect()
    }

    fn was_called(&self, getter: ScopeId) -> bool {
        self.calls_of(getter)
            .iter()
            .any(|(file, span)| *file == self.id && self.is_gone(*span))
    }

    /// Whether nothing calls a getter any more, nor takes it as a value.
    fn uncalled(&self, getter: ScopeId) -> bool {
        let name = &self.file.model.scope(getter).name;
        let span = self.file.model.scope(getter).span;
        let quiet = |file: FileId, place: Span| {
            file == self.id && (self.is_gone(place) || span.contains(place))
        };
        self.calls_of(getter)
            .iter()
            .all(|(file, place)| quiet(*file, *place))
            && self.world.project.files().all(|(id, file)| {
                file.outline
                    .reads
                    .iter()
                    .filter(|read| read.name == *name)
                    .all(|read| quiet(id, read.span))
            })
    }

    /// `if self.pool is None: self.pool = …`, with nothing else in it but an import.
    fn lazy_guard(&self, read: &AttributeRead, name: &str) -> Option<Span> {
        let code = self.file.code();
        let statement = self.file.language.statement(code.clone(), read.span)?;
        let branch = self.file.language.branch(code.clone(), statement)?;
        let harmless = self
            .file
            .language
            .statements(code, branch.body)
            .into_iter()
            .all(|inner| {
                let sets = self
                    .file
                    .outline
                    .writes
                    .iter()
                    .any(|write| write.name == name && inner.contains(write.statement));
                let imports = self
                    .file
                    .model
                    .imports
                    .iter()
                    .any(|import| import.statement == inner);
                sets || imports
            });
        (harmless && branch.condition.contains(read.span)).then_some(statement)
    }
}
