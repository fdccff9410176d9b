//! What rewrites leave behind: pool variables that nothing reads any more, guards that only asked for them, attributes and getters that
//! only kept them.
//!
//! Works on what is gone (the spans that other edits take out) and finds what is dead because of it, until nothing more is.

use std::collections::BTreeSet;

use crate::edit::Edit;
use crate::facts::World;
use crate::facts::connection::target;
use crate::facts::origin::{self, Value};
use crate::language::expression::{AttributeRead, Expression};
use crate::language::usage::Guard;
use crate::language::{BindingKind, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId, FunctionRef, ParsedFile};
use crate::source::Span;

/// What is dead in a file once some of its text is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dead {
    /// Statements and definitions that go.
    pub statements: BTreeSet<Span>,
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
}

/// Finds what is dead in `file` when the text of `gone` is taken out; guards only where `guards` says so.
pub fn dead(world: World<'_>, file: FileId, gone: &[Span], guards: bool) -> Dead {
    let mut finder = Finder {
        world,
        id: file,
        file: world.project.file(file),
        gone: gone.to_vec(),
        dead: Dead::default(),
        guards,
    };
    if gone.is_empty() {
        return finder.dead;
    }
    loop {
        let before = finder.dead.statements.len();
        finder.variables();
        finder.attributes();
        if finder.dead.statements.len() == before {
            return finder.dead;
        }
    }
}

/// The edits that take `dead` out. A block of which nothing would be left keeps a `pass`.
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
            Edit::replace(*span, "pass")
        } else {
            file.language.remove_statement(file.code(), *span)
        };
        edits.push((*span, edit));
    }
    edits
}

/// What still reads the value that the call at `site` gives, for people; `None` if it goes into no variable.
pub fn readers(
    world: World<'_>,
    id: FileId,
    site: Span,
    gone: &[Span],
    dead: &Dead,
) -> Vec<String> {
    let file = world.project.file(id);
    let Some(binding) = file
        .model
        .bindings
        .iter()
        .find(|binding| binding.value.is_some_and(|value| value.contains(site)))
    else {
        return Vec::new();
    };
    let lines: BTreeSet<usize> = file
        .model
        .references_to(binding.scope, &binding.name)
        .filter(|reference| {
            !gone.iter().any(|span| span.contains(reference.span)) && !dead.covers(reference.span)
        })
        .map(|reference| file.source.line_of(reference.span.start))
        .collect();
    lines
        .into_iter()
        .map(|line| format!("`{}` is still read in line {line}", binding.name))
        .collect()
}

/// What still needs the attribute or parameter that the site at `site` fills, for people.
pub fn holder_readers(
    world: World<'_>,
    id: FileId,
    site: Span,
    gone: &[Span],
    dead: &Dead,
) -> Vec<String> {
    let file = world.project.file(id);
    let left = |span: Span| !gone.iter().any(|gone| gone.contains(span)) && !dead.covers(span);
    let mut reasons = Vec::new();
    if let Some(write) = file
        .outline
        .writes
        .iter()
        .find(|write| site.contains(write.statement) || write.statement.contains(site))
    {
        for (other, parsed) in world.project.files() {
            let reads = parsed
                .outline
                .reads
                .iter()
                .filter(|read| read.name == write.name && (other != id || left(read.span)));
            let lines: BTreeSet<usize> = reads
                .map(|read| parsed.source.line_of(read.span.start))
                .collect();
            reasons.extend(lines.into_iter().take(3).map(|line| {
                format!(
                    "`.{}` is still read at {}:{line}",
                    write.name,
                    parsed.source.path()
                )
            }));
        }
        if let Some(value) = write.value
            && let Expression::Name(name) = file.expression(value)
        {
            reasons.push(format!(
                "the constructor's parameter `{name}` may be passed by callers"
            ));
        }
    } else {
        let lines: BTreeSet<usize> = file
            .model
            .bindings
            .iter()
            .filter(|binding| binding.kind == BindingKind::Parameter && site.contains(binding.span))
            .flat_map(|binding| file.model.references_to(binding.scope, &binding.name))
            .filter(|reference| left(reference.span))
            .map(|reference| file.source.line_of(reference.span.start))
            .collect();
        reasons.extend(
            lines
                .into_iter()
                .map(|line| format!("the parameter is still read in line {line}")),
        );
        reasons.push("callers pass the pool to the constructor: pool injection".to_owned());
    }
    if reasons.is_empty() {
        reasons.push("something may still read it".to_owned());
    }
    reasons
}

struct Finder<'a> {
    world: World<'a>,
    id: FileId,
    file: &'a ParsedFile,
    gone: Vec<Span>,
    dead: Dead,
    guards: bool,
}

impl Finder<'_> {
    fn is_gone(&self, span: Span) -> bool {
        self.gone.iter().any(|gone| gone.contains(span))
    }

    fn kill(&mut self, statement: Span) {
        self.dead.statements.insert(statement);
        self.gone.push(statement);
    }

    /// Pool variables of functions whose every reader is gone.
    fn variables(&mut self) {
        let variables: Vec<(ScopeId, String)> = self
            .file
            .model
            .by_variable
            .keys()
            .filter(|(scope, _)| self.file.model.scope(*scope).kind == ScopeKind::Function)
            .cloned()
            .collect();
        for (scope, name) in variables {
            self.variable(scope, &name);
        }
    }

    fn variable(&mut self, scope: ScopeId, name: &str) {
        let statements: Option<Vec<Span>> = self
            .file
            .model
            .bindings_of(scope, name)
            .map(|binding| {
                let value = binding.value?;
                let whole =
                    matches!(binding.kind, BindingKind::Assignment) && binding.executed_in == scope;
                (whole
                    && self.is_only_target(binding.statement, binding.span)
                    && self.is_pool_expression(value, 8))
                .then_some(binding.statement)
            })
            .collect();
        let Some(statements) = statements.filter(|statements| !statements.is_empty()) else {
            return;
        };
        if statements.iter().all(|statement| self.is_gone(*statement)) {
            return;
        }
        let references: Vec<Span> = self
            .file
            .model
            .references_to(scope, name)
            .map(|reference| reference.span)
            .collect();
        // What was unread before is not for this change to remove.
        if !references.iter().any(|span| self.is_gone(*span)) {
            return;
        }
        let left: Vec<Span> = references
            .into_iter()
            .filter(|span| !self.is_gone(*span))
            .collect();
        let guards: Option<BTreeSet<Span>> = left
            .iter()
            .map(|span| self.raise_guard(*span, name))
            .collect();
        let Some(guards) = guards else { return };
        if !guards.is_empty() && !self.guards {
            return;
        }
        for guard in guards {
            self.dead.guards.insert(guard);
            self.kill(guard);
        }
        for statement in statements {
            self.kill(statement);
        }
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
        let statement = self.file.language.statement(code, reference)?;
        (self.file.language.guard(code, statement, name) == Some(Guard::RaiseIfMissing))
            .then_some(statement)
    }

    /// Whether an expression gives the shared pool and does nothing else.
    fn is_pool_expression(&self, span: Span, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        let values = origin::values(self.world, self.id, span);
        let shared = values.iter().any(|value| matches!(value, Value::Shared(_)));
        let only = values
            .iter()
            .all(|value| matches!(value, Value::Shared(_) | Value::Missing));
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
                    return true;
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

    /// Whether a method only fills and returns an attribute that nothing else reads.
    fn is_lazy_getter(&self, getter: FunctionRef) -> bool {
        let file = self.world.project.file(getter.file);
        let body = file.model.scope(getter.scope).body;
        let written: BTreeSet<&str> = file
            .outline
            .writes
            .iter()
            .filter(|write| body.contains(write.statement))
            .map(|write| write.name.as_str())
            .collect();
        let inside = |read: &AttributeRead| body.contains(read.span);
        file.outline
            .reads
            .iter()
            .filter(|read| written.contains(read.name.as_str()))
            .all(inside)
            && written
                .iter()
                .all(|name| self.reads_elsewhere(getter.file, name).is_empty())
    }

    fn reads_elsewhere(&self, home: FileId, attribute: &str) -> Vec<(FileId, Span)> {
        let others = self.world.project.files().filter(|(id, _)| *id != home);
        others
            .flat_map(|(id, file)| {
                file.outline
                    .reads
                    .iter()
                    .filter(|read| read.name == attribute)
                    .map(move |read| (id, read.span))
            })
            .collect()
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
                    write.name.clone(),
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
        let body = model.scope(class).span;
        let own = ClassRef {
            file: self.id,
            scope: class,
        };
        let alone =
            self.world.project.lineage(own).len() == 1 && self.world.project.heirs(own).is_empty();
        let writes: Vec<_> = self
            .file
            .outline
            .writes
            .iter()
            .filter(|write| write.name == name && body.contains(write.statement))
            .collect();
        if !alone || writes.iter().all(|write| self.is_gone(write.statement)) {
            return None;
        }
        let mut keeps_pool = false;
        for write in &writes {
            let value = write.value?;
            let values = origin::values(self.world, self.id, value);
            keeps_pool |= values.iter().any(|value| matches!(value, Value::Shared(_)));
            let plain = values
                .iter()
                .all(|value| matches!(value, Value::Shared(_) | Value::Missing));
            if !plain || !self.has_no_effect(value, 8) || self.is_parameter(value) {
                return None;
            }
        }
        let elsewhere = self.reads_elsewhere(self.id, name);
        if !keeps_pool || !elsewhere.is_empty() {
            return None;
        }
        let reads: Vec<&AttributeRead> = self
            .file
            .outline
            .reads
            .iter()
            .filter(|read| read.name == name)
            .collect();
        let touched = reads.iter().any(|read| self.is_gone(read.span))
            || self
                .getters(class, name)
                .iter()
                .any(|getter| self.was_called(*getter));
        if !touched {
            return None;
        }
        let mut statements: Vec<Span> = Vec::new();
        for getter in self.getters(class, name) {
            self.uncalled(getter)
                .then(|| statements.push(model.scope(getter).span))?;
        }
        for read in reads.iter().filter(|read| !self.is_gone(read.span)) {
            if statements
                .iter()
                .any(|statement| statement.contains(read.span))
            {
                continue;
            }
            statements.push(self.lazy_guard(read, name)?);
        }
        statements.extend(writes.iter().map(|write| write.statement));
        Some(statements)
    }

    fn is_parameter(&self, value: Span) -> bool {
        let Expression::Name(name) = self.file.expression(value) else {
            return false;
        };
        let scope = self.file.model.scope_at(value.start);
        let owner = self.file.model.resolve(scope, &name);
        owner.is_some_and(|owner| {
            self.file
                .model
                .bindings_of(owner, &name)
                .any(|b| b.kind == BindingKind::Parameter)
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
        let statement = self.file.language.statement(code, read.span)?;
        let node = self.file.node(statement)?;
        if node.kind() != "if_statement" || node.child_by_field_name("alternative").is_some() {
            return None;
        }
        let body = node.child_by_field_name("consequence")?;
        let harmless = self
            .file
            .language
            .statements(code, body.into())
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
        let tests = node
            .child_by_field_name("condition")
            .is_some_and(|condition| Span::from(condition).contains(read.span));
        (harmless && tests).then_some(statement)
    }
}
