//! Whoever was handed the session, and works with it later: `repository = Repository(session)`, a nested function, a method under a name.
//!
//! Handing the session over is a change as such, where a change may come of it; but it may come at every later use of what holds it, also
//! behind a commit.

use std::collections::BTreeSet;

use super::{Change, Work};
use crate::facts::connection::OtherUse;
use crate::facts::{passing, touched};
use crate::language::expression::{Argument, Expression};
use crate::language::usage::Usage;
use crate::language::{Model, ScopeId};
use crate::source::Span;

/// Where a session may be after it was handed over.
#[derive(Default)]
struct Holders {
    /// The names of the function that have it in their hands.
    names: BTreeSet<String>,
    /// From where on anything that is called may have it: it was kept outside of the function.
    anywhere: Option<usize>,
}

impl Work<'_> {
    /// What may be done with the session by whoever holds it.
    pub(super) fn by_holders(&self) -> Vec<Change> {
        let mut holders = Holders::default();
        let others = self.connection.others.iter();
        for other in others.filter(|other| self.may_change(other)) {
            self.hold(other, &mut holders);
        }
        self.follow(&mut holders.names);
        let (subject, file) = (self.subject, self.subject.parsed());
        let mut found = Vec::new();
        let references = file.model.references.iter();
        for reference in references.filter(|reference| {
            self.body.contains(reference.span) && holders.names.contains(reference.name.as_str())
        }) {
            if let Some(span) = self.works(reference.span) {
                found.push(Change {
                    span,
                    what: format!("what `{}` does with the session", reference.name),
                });
            }
        }
        let Some(start) = holders.anywhere else {
            return found;
        };
        let calls = file.outline.calls.iter();
        for call in calls.filter(|call| self.body.contains(call.span) && call.span.start >= start) {
            let is_own = || {
                let mut calls = self.connection.calls.iter();
                calls.any(|own| own.call.call == call.span)
            };
            let symbol = subject.world.project.symbol(subject.file, call.callee);
            let is_of_project = match symbol {
                Some(symbol) => subject
                    .world
                    .project
                    .function(&symbol, subject.file)
                    .is_some(),
                None => true,
            };
            if is_of_project && !is_own() {
                let callee = subject.text(call.callee);
                found.push(Change {
                    span: call.span,
                    what: format!(
                        "what `{}` does, which may have the session,",
                        callee.lines().next().unwrap_or_default()
                    ),
                });
            }
        }
        found
    }

    /// Notes who holds the session after `other`.
    fn hold(&self, other: &OtherUse, holders: &mut Holders) {
        let (subject, file) = (self.subject, self.subject.parsed());
        let function = self.function();
        // Nested functions around the use.
        let mut scope = file.model.scope_at(other.span.start);
        while Some(scope) != function && scope != Model::MODULE {
            let mut bindings = file.model.bindings.iter();
            if let Some(binding) = bindings.find(|binding| binding.opens == Some(scope)) {
                holders.names.insert(binding.name.to_string());
            }
            match file.model.scope(scope).parent {
                Some(parent) => scope = parent,
                None => break,
            }
        }
        let region = self.region_of(other.span);
        let before = holders.names.len();
        let usage = file.language.usage(file.code(), other.span);
        let keeps = match usage {
            Usage::Argument { callee, .. } => {
                let target = passing::target(subject.world, subject.file, callee);
                match target {
                    // It was followed to the end and keeps nothing.
                    Some(_) if !other.behind.is_lost => return,
                    Some(function) => {
                        let file = subject.world.project.file(function.file);
                        touched::keeps(file, file.model.scope(function.scope).body)
                    }
                    None => {
                        self.receiver(callee, holders);
                        false
                    }
                }
            }
            Usage::Stored => {
                self.receiver(region, holders);
                holders.names.len() == before
            }
            _ => false,
        };
        if keeps {
            let start = holders.anywhere.unwrap_or(usize::MAX);
            holders.anywhere = Some(start.min(region.end));
        }
        // What an `await` gives is what was asked for, and not who was asked.
        if file
            .language
            .awaits(file.code(), self.body)
            .iter()
            .any(|awaited| region.contains(*awaited) && awaited.contains(other.span))
        {
            return;
        }
        let bindings = file.model.bindings.iter();
        let bound = bindings
            .filter(|binding| region.contains(binding.span) && Some(binding.scope) == function);
        holders
            .names
            .extend(bound.map(|binding| binding.name.to_string()));
    }

    /// The variable at whose beginning an expression stands, which has the session from then on: `service` of `service.attach(session)`.
    fn receiver(&self, span: Span, holders: &mut Holders) {
        let file = self.subject.parsed();
        let function = self.function();
        let mut references = file.model.references.iter();
        let root = references.find(|reference| {
            reference.span.start == span.start
                && reference.span.end < span.end
                && reference.target == function
        });
        holders.names.extend(root.map(|root| root.name.to_string()));
    }

    /// Adds the names that get a holder from another: `service = Service(repository)`, `lots = work.lots`.
    fn follow(&self, names: &mut BTreeSet<String>) {
        let file = self.subject.parsed();
        let function = self.function();
        let holds = |names: &BTreeSet<String>, span: Span| {
            let mut references = file.model.references.iter();
            references.any(|reference| {
                span.contains(reference.span) && names.contains(reference.name.as_str())
            })
        };
        loop {
            let before = names.len();
            for binding in &file.model.bindings {
                let is_own = Some(binding.scope) == function && self.body.contains(binding.span);
                let Some(value) = binding.value.filter(|_| is_own) else {
                    continue;
                };
                let passes = match file.expression(value) {
                    Expression::Name(_) | Expression::Attribute { .. } => holds(names, value),
                    Expression::Call { arguments, .. } => arguments
                        .iter()
                        .map(Argument::value)
                        .any(|argument| holds(names, argument)),
                    _ => false,
                };
                if passes {
                    names.insert(binding.name.to_string());
                }
            }
            if names.len() == before {
                return;
            }
        }
    }

    /// The call, if whoever the expression at `span` names is put to work there.
    fn works(&self, span: Span) -> Option<Span> {
        let file = self.subject.parsed();
        let mut span = span;
        loop {
            match file.language.usage(file.code(), span) {
                Usage::MethodCall(call) => return Some(call.call),
                Usage::Argument { call, callee } => {
                    // What is done to an object is asked where the session is handed over.
                    let symbol = self.subject.world.project.symbol(self.subject.file, callee);
                    let project = self.subject.world.project;
                    let is_class = symbol
                        .is_some_and(|symbol| project.class(&symbol, self.subject.file).is_some());
                    return (!is_class).then_some(call);
                }
                Usage::AttributeRead { .. } => {
                    let mut reads = file.outline.reads.iter();
                    span = reads.find(|read| read.object == span)?.span;
                }
                Usage::Called | Usage::Awaited | Usage::Entered => return Some(span),
                _ => return None,
            }
        }
    }

    fn function(&self) -> Option<ScopeId> {
        self.subject.parsed().function_at(self.body.start)
    }
}
