//! What may fail behind a write without saying `raise`: an await on something else, a lookup, a deadline. In a transaction its error
//! undoes the write.
//!
//! Errors of further statements are not meant: that these and the write are one is what a transaction is, and a note says so.

use super::{Transaction, Writes};
use crate::facts::connection::Connection;
use crate::facts::{effects, errors};
use crate::language::expression::Expression;
use crate::language::usage::{Fallible, Implied, Risk};
use crate::language::{BindingKind, ScopeId};
use crate::project::Symbol;
use crate::rewrite::Subject;
use crate::source::Span;

/// How many names a value is followed through to the row that it is of.
const DEPTH: usize = 3;

/// Context managers of libraries that raise in their body when a time is over.
const DEADLINES: [&str; 4] = ["timeout", "timeout_at", "fail_after", "fail_at"];

/// What may fail behind a write, with an error that leaves the block.
pub(super) fn behind_writes(
    subject: Subject<'_>,
    connection: &Connection,
    writes: &Writes,
    body: Span,
    result: &mut Transaction,
) {
    if writes.spans.is_empty() {
        return;
    }
    let file = subject.parsed();
    let code = file.code();
    let place = Place {
        subject,
        writes,
        body,
        connection,
        uses: uses(connection),
    };
    let awaits = file.language.awaits(code.clone(), body);
    if let Some(line) = place.first(awaits, |awaited| place.is_foreign(awaited)) {
        result.unproven.push(format!(
            "an await on something else after a write (line {line}) may raise, which now undoes the write"
        ));
    }
    let implied = file.language.implied_awaits(code.clone(), body);
    if let Some(line) = place.first_implied(implied) {
        result.unproven.push(format!(
            "an `async` loop or block on something else after a write (line {line}) may raise, which now undoes the write"
        ));
    }
    let fallible = file.language.fallible(code, body).into_iter();
    let mut fallible = fallible.filter(|fallible| {
        (place.undoes(fallible.span) || place.reads_write(fallible.span))
            && !place.is_caught(fallible.span)
    });
    if let Some(fallible) = fallible.find(|fallible| place.may_raise(*fallible)) {
        let what = match fallible.risk {
            Risk::Lookup | Risk::Division | Risk::Conversion => "a lookup, division or conversion",
            Risk::Unpacking(_) => "a value that is unpacked",
            Risk::Arguments => "a call with `**`",
            Risk::Import => "an import",
        };
        let line = subject.line(fallible.span);
        result.unproven.push(format!(
            "{what} after a write (line {line}) may raise, which now undoes the write"
        ));
    }
    let timed = place.uses.iter().copied();
    let timed = timed.filter(|used| place.has_deadline(*used)).collect();
    if let Some(line) = place.first(timed, |_| true) {
        result.unproven.push(format!(
            "a deadline that passes after a write (line {line}) now undoes the write"
        ));
    }
}

/// Where the connection is used, or what it handed out.
fn uses(connection: &Connection) -> Vec<Span> {
    let calls = connection.calls.iter().map(|call| call.call.call);
    let others = connection.others.iter().map(|other| other.span);
    let handles = connection.handles.iter().copied();
    calls.chain(others).chain(handles).collect()
}

struct Place<'a> {
    subject: Subject<'a>,
    writes: &'a Writes,
    body: Span,
    connection: &'a Connection,
    uses: Vec<Span>,
}

impl Place<'_> {
    /// The line of the first of `places` that is as `wanted` and whose error undoes a write.
    fn first(&self, places: Vec<Span>, wanted: impl Fn(Span) -> bool) -> Option<usize> {
        let mut places = places.into_iter();
        let found = places
            .find(|place| self.undoes(*place) && !self.is_caught(*place) && wanted(*place))?;
        Some(self.subject.line(found))
    }

    /// Whether an error at `place` undoes a write that has run.
    fn undoes(&self, place: Span) -> bool {
        self.writes.before(self.subject, place, self.body).is_some()
    }

    /// Whether an expression is about what a write gives that is a part of it, and so runs behind that.
    fn reads_write(&self, found: Span) -> bool {
        let mut writes = self.writes.spans.iter();
        writes.any(|write| found.contains(*write) && !self.writes.in_one(&[found]))
    }

    /// Whether an error at `place` is certain not to leave the block.
    fn is_caught(&self, place: Span) -> bool {
        let (world, file) = (self.subject.world, self.subject.file);
        let catches = errors::catches(world, file, self.body);
        catches.iter().any(|catch| {
            catch.body.contains(place) && errors::surely_ends_in(self.subject.parsed(), catch, None)
        })
    }

    /// The line of the first loop or block that awaits something else when a write has run: before it, or in it when its end is awaited.
    fn first_implied(&self, implied: Vec<Implied>) -> Option<usize> {
        let subject = self.subject;
        let mut implied = implied.into_iter();
        let found = implied.find(|implied| {
            if self.is_used_in(implied.value) || self.is_caught(implied.value) {
                return false;
            }
            let (first, last) =
                effects::implied_awaits_outside(subject.world, subject.file, *implied);
            let mut writes = self.writes.spans.iter();
            let holds = |write: &&Span| {
                implied.whole.contains(**write) && !self.writes.in_one(&[implied.whole])
            };
            first.is_some() && self.undoes(implied.value)
                || last.is_some() && writes.any(|write| holds(&write))
        })?;
        Some(subject.line(found.value))
    }

    fn is_used_in(&self, span: Span) -> bool {
        self.uses.iter().any(|used| span.contains(*used))
    }

    /// Whether an await is on something else than the database, in a way that may raise.
    fn is_foreign(&self, awaited: Span) -> bool {
        let subject = self.subject;
        !self.is_used_in(awaited)
            && effects::awaits_outside(subject.world, subject.file, awaited).is_some()
    }

    /// Whether an expression may raise by itself: not as a part of a statement on the connection, nor where it reads a row that is there.
    fn may_raise(&self, fallible: Fallible) -> bool {
        let found = fallible.span;
        let file = self.subject.parsed();
        if self.is_used_in(found) {
            return self.fails_on_rows(fallible);
        }
        if fallible.risk == Risk::Import {
            return self.leads_out(found);
        }
        let statement = file.language.statement(file.code(), found);
        let on_connection = statement.is_some_and(|statement| {
            file.language.is_simple(file.code(), statement) && self.is_used_in(statement)
        });
        let scope = file.model.scope_at(found.start);
        let reads_row = fallible.risk == Risk::Lookup;
        let of_row = || reads_row && self.is_of_row(scope, found, found, DEPTH);
        !on_connection && !of_row()
    }

    /// Whether an expression about what a statement on the connection gives raises although that has changed rows: one that changes none
    /// gives none. A row that is there has what the statement names.
    fn fails_on_rows(&self, fallible: Fallible) -> bool {
        let mut uses = self.uses.iter();
        let given = uses.find(|used| fallible.span.contains(**used));
        // What the statement is called with is no part of what it gives.
        if given == Some(&fallible.span) {
            return false;
        }
        // With another write before it, no row at all is an error that undoes that.
        if self.undoes(fallible.span) {
            return true;
        }
        match fallible.risk {
            Risk::Lookup | Risk::Import => false,
            Risk::Division | Risk::Conversion | Risk::Arguments => true,
            Risk::Unpacking(names) => {
                let columns = given.and_then(|given| self.columns(*given));
                columns != Some(names)
            }
        }
    }

    /// How many columns the rows of a statement on the connection have.
    fn columns(&self, call: Span) -> Option<usize> {
        let mut calls = self.connection.calls.iter();
        let call =
            calls.find(|other| other.call.call == call && other.call.method == "fetchrow")?;
        let mut counts = call.statements().map(|statement| {
            let columns = statement.columns.as_ref();
            columns.map(Vec::len)
        });
        let first = counts.next()??;
        counts.all(|count| count == Some(first)).then_some(first)
    }

    /// Whether an import brings in a module that is not of the project.
    fn leads_out(&self, import: Span) -> bool {
        let subject = self.subject;
        let file = subject.parsed();
        let mut bound =
            file.model.bindings.iter().filter(|binding| {
                binding.kind == BindingKind::Import && import.contains(binding.span)
            });
        bound.any(|binding| {
            let project = subject.world.project;
            let symbol = project.name_in(subject.file, binding.executed_in, &binding.name);
            matches!(symbol, Symbol::External(_) | Symbol::Unbound(_))
        })
    }

    /// Whether an expression reads a row of the database that is certainly there at `place`.
    fn is_of_row(&self, scope: ScopeId, value: Span, place: Span, depth: usize) -> bool {
        let file = self.subject.parsed();
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        let mut root = value;
        while let Expression::Index { object, .. } | Expression::Attribute { object, .. } =
            file.expression(root)
        {
            root = object;
        }
        let Expression::Name(name) = file.expression(root) else {
            return false;
        };
        let Some(owner) = file.model.resolve(scope, &name) else {
            return false;
        };
        let mut bindings = file.model.bindings_of(owner, &name).peekable();
        bindings.peek().is_some()
            && bindings.all(|binding| {
                let Some(value) = binding.value else {
                    return false;
                };
                // One of several rows: each is there.
                if matches!(binding.kind, BindingKind::For | BindingKind::Comprehension) {
                    return self.is_used_in(value)
                        || self.is_of_row(binding.executed_in, value, value, depth)
                        || self.is_result(owner, value);
                }
                let given = self.uses.iter().find(|used| value.contains(**used));
                given.is_some_and(|given| {
                    let earlier = self.writes.before(self.subject, place, self.body);
                    earlier == Some(*given)
                        || file.language.known_present(file.code(), &name, place)
                })
            })
    }

    /// Whether a value is a name for what a query gave.
    fn is_result(&self, scope: ScopeId, value: Span) -> bool {
        let file = self.subject.parsed();
        let Expression::Name(name) = file.expression(value) else {
            return false;
        };
        let Some(owner) = file.model.resolve(scope, &name) else {
            return false;
        };
        let mut bindings = file.model.bindings_of(owner, &name);
        bindings.all(|binding| binding.value.is_some_and(|value| self.is_used_in(value)))
    }

    /// Whether a use of the connection may be cut short by a deadline that the block itself sets.
    fn has_deadline(&self, used: Span) -> bool {
        let file = self.subject.parsed();
        let last = |call: Span| match file.expression(call) {
            Expression::Call { callee, .. } => {
                let text = self.subject.text(callee);
                text.rsplit('.').next().unwrap_or_default()
            }
            _ => "",
        };
        let mut entered = file.language.entered(file.code(), self.body).into_iter();
        let in_block = entered.any(|entered| {
            entered.body.contains(used) && DEADLINES.contains(&last(entered.resource))
        });
        let mut calls = file.outline.calls.iter();
        in_block
            || calls.any(|call| {
                call.name == "wait_for" && call.span.contains(used) && call.span != used
            })
    }
}
