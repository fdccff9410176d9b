//! Objects of a session that are used behind its block: a commit expires them, and without their session they cannot be loaded again.

use std::collections::{BTreeMap, BTreeSet};

use super::Work;
use crate::facts::{passing, touched};
use crate::language::expression::Expression;
use crate::language::usage::Usage;
use crate::language::{BindingKind, Model, ScopeId};
use crate::project::Symbol;
use crate::source::Span;

/// Methods that make something else of an object, or look at it.
const COPYING: [&str; 4] = ["model_validate", "from_orm", "dump", "index"];

impl Work<'_> {
    /// Objects of the session that are used behind the block, which its commit expires.
    pub(super) fn outliving(&self) -> Option<String> {
        let file = self.subject.parsed();
        let code = file.code();
        let names = self.results();
        let mentions = |span: Span| self.mentions_object(&names, span);
        let ends = self.ends();
        let returned = file.language.returns(code.clone(), self.body).into_iter();
        let yielded = file.language.yields(code.clone(), self.body).into_iter();
        let returned = returned.chain(yielded);
        let told = |place: Span| {
            Some(format!(
                "an object of the session may be used behind the block (line {}), and the scope's commit expires it (`expire_on_commit` is not off)",
                self.subject.line(place)
            ))
        };
        let kept = file.outline.writes.iter().filter_map(|write| {
            let value = write
                .value
                .filter(|_| self.body.contains(write.statement))?;
            mentions(value).then_some(write.statement)
        });
        let behind = || {
            let mut references = file.model.references.iter();
            let function = file.function_at(self.body.start);
            references.find(|reference| {
                reference.span.start >= self.body.end
                    && names.contains(reference.name.as_str())
                    && file.function_at(reference.span.start) == function
            })
        };
        let returned = returned.filter(|place| mentions(*place));
        if self.expires_itself(&mentions) {
            // What leaves before the block's own commit takes along what is not expired yet.
            let jumps = behind().map(|_| self.leaving_jumps()).unwrap_or_default();
            let mut early = returned.chain(jumps);
            return told(early.find(|place| !self.is_settled(*place, &ends))?);
        }
        let place = returned
            .chain(kept)
            .next()
            .or_else(|| self.stored(&names))
            .or_else(|| self.given_out(&names))
            .or_else(|| behind().map(|reference| reference.span))?;
        told(place)
    }

    /// Where one of these objects becomes the value of a variable of a function around, or of the module.
    fn given_out(&self, names: &BTreeSet<&str>) -> Option<Span> {
        let file = self.subject.parsed();
        let model = &file.model;
        let function = file.function_at(self.body.start);
        let others = model.bindings.iter().filter(|binding| {
            self.body.contains(binding.span)
                && model.function_around(binding.executed_in) == function
                && model.function_around(binding.scope) != function
        });
        let mut given = others.filter(|binding| self.mentions_object(names, binding.statement));
        given.next().map(|binding| binding.span)
    }

    /// Where one of these objects is put into something that is not the function's own: an element of a global, a collection, the hands of
    /// somebody who is not known.
    fn stored(&self, names: &BTreeSet<&str>) -> Option<Span> {
        let file = self.subject.parsed();
        let code = file.code();
        let inside = file.model.references.iter();
        let mut inside = inside.filter(|reference| self.body.contains(reference.span));
        let found = inside.find(|reference| {
            let is_object = names.contains(reference.name.as_str());
            match file.language.usage(code.clone(), reference.span) {
                Usage::Argument { callee, .. } if is_object => self.keeps(callee),
                _ => {
                    let statement = self.region_of(reference.span);
                    let behind = file.text().get(reference.span.end..statement.end);
                    let is_element = statement.start == reference.span.start
                        && behind.is_some_and(|behind| behind.starts_with('['));
                    is_element
                        && !self.is_made_here(reference.span)
                        && self.mentions_object(names, Span::new(reference.span.end, statement.end))
                }
            }
        });
        found.map(|reference| reference.span)
    }

    /// Whether whoever is called may keep an object that it is handed.
    fn keeps(&self, callee: Span) -> bool {
        let world = self.subject.world;
        let (id, file) = (self.subject.file, self.subject.parsed());
        if let Some(function) = passing::target(world, id, callee) {
            let file = world.project.file(function.file);
            return touched::keeps(file, file.model.scope(function.scope).body);
        }
        if let Some(Symbol::External(_) | Symbol::Unbound(_)) = world.project.symbol(id, callee) {
            return false;
        }
        let Expression::Attribute { object, name } = file.expression(callee) else {
            // A class of the project, or a variable.
            return true;
        };
        let of_session = self.session.all().any(|method| *method == name);
        let copies = COPYING.contains(&name.as_str());
        !of_session && !copies && !self.is_made_here(object)
    }

    /// Whether an expression is a variable of the function that is assigned there.
    fn is_made_here(&self, span: Span) -> bool {
        let file = self.subject.parsed();
        let Expression::Name(name) = file.expression(span) else {
            return false;
        };
        let scope = file.model.scope_at(span.start);
        let owner = file
            .model
            .resolve(scope, &name)
            .filter(|owner| *owner != Model::MODULE);
        owner.is_some_and(|owner| {
            let mut bindings = file.model.bindings_of(owner, &name);
            bindings.any(|binding| binding.value.is_some())
        })
    }

    /// Whether an expression mentions an object of the session, or asks the session for one.
    pub(super) fn mentions_object(&self, names: &BTreeSet<&str>, span: Span) -> bool {
        let mut calls = self.connection.calls.iter();
        self.mentions(names, span) || calls.any(|call| span.contains(call.call.call))
    }

    /// The jumps to a loop around the block, which leave it.
    fn leaving_jumps(&self) -> Vec<Span> {
        let file = self.subject.parsed();
        let code = file.code();
        let jumps = file.language.jumps(code.clone(), self.body).into_iter();
        let inside = |jump: Span| {
            file.language
                .innermost_loop(code.clone(), jump, self.body)
                .is_some()
        };
        jumps.filter(|jump| !inside(*jump)).collect()
    }

    /// Whether the block's own commit is the last that it does with the session and its objects: they are expired already.
    fn expires_itself(&self, mentions: &impl Fn(Span) -> bool) -> bool {
        let file = self.subject.parsed();
        let statements = file.language.statements(file.code(), self.body);
        let commits = |statement: &Span| {
            self.connection.calls.iter().any(|call| {
                self.session.commit.contains(&call.call.method)
                    && statement.contains(call.call.call)
                    && file.language.is_simple(file.code(), *statement)
            })
        };
        let mut backwards = statements.iter().rev();
        backwards
            .find(|statement| mentions(**statement))
            .is_some_and(commits)
    }

    /// The names of the function that hold objects of the session: what it gave, what it was given, and what shares a statement with one
    /// of these, in which it may have been put into the other.
    pub(super) fn results(&self) -> BTreeSet<&str> {
        let file = self.subject.parsed();
        let model = &file.model;
        let function = file.function_at(self.body.start);
        let uses: Vec<Span> = self
            .connection
            .calls
            .iter()
            .map(|call| call.call.call)
            .chain(self.connection.others.iter().map(|other| other.span))
            .collect();
        // Each mention of a name of the function in the block, with its statement.
        let session = |name: &str| {
            let mut bindings = model.bindings.iter();
            bindings.any(|binding| {
                binding.name == name
                    && binding.kind == BindingKind::With
                    && binding.span.end <= self.body.start
                    && binding.statement.contains(self.body)
            })
        };
        let is_own = |scope: Option<ScopeId>| {
            scope.is_some_and(|scope| {
                scope != Model::MODULE && model.function_around(scope) == function
            })
        };
        let read = model
            .references
            .iter()
            .filter(|reference| self.body.contains(reference.span) && is_own(reference.target));
        let bound = model
            .bindings
            .iter()
            .filter(|binding| self.body.contains(binding.span) && is_own(Some(binding.scope)));
        let mentions = read
            .map(|reference| (reference.name.as_str(), reference.span))
            .chain(bound.map(|binding| (binding.name.as_str(), binding.span)));
        let mut statements: BTreeMap<Span, Vec<&str>> = BTreeMap::new();
        for (name, span) in mentions.filter(|(name, _)| !session(name)) {
            let statement = self.region_of(span);
            statements.entry(statement).or_default().push(name);
        }
        let mut names: BTreeSet<&str> = BTreeSet::new();
        loop {
            let before = names.len();
            for (statement, mentioned) in &statements {
                let of_session = uses.iter().any(|used| statement.contains(*used));
                if of_session || mentioned.iter().any(|name| names.contains(name)) {
                    names.extend(mentioned);
                }
            }
            if names.len() == before {
                return names;
            }
        }
    }

    /// The part of the code in which names can be put into each other: a simple statement, or the header of a compound one.
    pub(super) fn region_of(&self, span: Span) -> Span {
        let file = self.subject.parsed();
        let code = file.code();
        let Some(statement) = file.language.statement(code.clone(), span) else {
            return span;
        };
        match file.language.body(code.clone(), statement) {
            Some(body) if body.start >= span.end => Span::new(statement.start, body.start),
            _ => statement,
        }
    }
}
