//! What changes for the work of a session when the scope around it commits: what a block left undone without a word is now done.
//!
//! A session from a bare factory is closed at the end of its block, which takes back whatever was not committed. The standard's scope
//! commits first. Both take back everything when an exception leaves the block. So a block keeps its meaning if nothing can be left
//! uncommitted at its end: it only reads, or it commits (or takes back) behind each change, on every path.

mod holders;
mod leaving;
mod outliving;

use std::collections::BTreeSet;

use crate::facts::connection::{Connection, OtherUse};
use crate::facts::passing::{self, Passed};
use crate::facts::session_scope::SessionScope;
use crate::facts::statements::{self, Manner};
use crate::facts::touched::Stored;
use crate::facts::{errors, touched};
use crate::language::expression::{Argument, Expression};
use crate::language::usage::{self, MethodCall, Usage};
use crate::project::FileId;
use crate::recipe::SessionMethods;
use crate::rewrite::Subject;
use crate::source::Span;

/// What is not proven of a block whose session comes to stand in a scope that does what `scope` says.
///
/// `body` is what runs in it. `leaves` says whether objects are used behind the end of the scope: a parameter's scope ends when the
/// answer is made already.
pub(super) fn unproven(
    subject: Subject<'_>,
    connection: &Connection,
    scope: SessionScope,
    body: Span,
    leaves: bool,
) -> Vec<String> {
    let Some(session) = &subject.world.driver.session else {
        return Vec::new();
    };
    if scope.commits == Some(false) {
        return Vec::new();
    }
    let work = Work {
        subject,
        session,
        connection,
        body,
    };
    let mut reasons: Vec<String> = work.uncommitted().into_iter().collect();
    reasons.extend(work.swallows_loss());
    reasons.extend(scope.shares_sessions.then(|| {
        "the factory is a registry, which gives the session that is open already: the scope commits what others left in it".to_owned()
    }));
    reasons.extend(scope.begins.then(|| work.steered()).flatten());
    if leaves && !scope.keeps_objects {
        reasons.extend(work.outliving());
    }
    reasons
}

/// What is not proven of a block that the factory opens with a transaction, which is committed at its end: `factory.begin()`.
pub(super) fn unproven_of_begun(
    subject: Subject<'_>,
    connection: &Connection,
    scope: SessionScope,
    body: Span,
) -> Vec<String> {
    let Some(session) = &subject.world.driver.session else {
        return Vec::new();
    };
    let work = Work {
        subject,
        session,
        connection,
        body,
    };
    let lost = "the block is committed at its end, and the standard's scope commits nothing";
    let mut reasons = Vec::from_iter((scope.commits == Some(false)).then(|| lost.to_owned()));
    reasons.extend((!scope.begins).then(|| work.steered()).flatten());
    reasons
}

/// Whether the call at `acquire` opens a session in a transaction that is committed at the end of its block: `factory.begin()`.
pub(super) fn begins(subject: Subject<'_>, acquire: Span) -> bool {
    let Expression::Call { callee, .. } = subject.parsed().expression(acquire) else {
        return false;
    };
    let text = subject.text(callee);
    let last = text.rsplit('.').next().unwrap_or(text);
    let session = subject.world.driver.session.as_ref();
    session.is_some_and(|session| session.begin.iter().any(|begin| begin == last))
}

/// A place that changes rows, or may.
struct Change {
    span: Span,
    what: String,
}

struct Work<'a> {
    subject: Subject<'a>,
    session: &'a SessionMethods,
    connection: &'a Connection,
    body: Span,
}

impl Work<'_> {
    /// The first change that may be left uncommitted at the end, in words.
    fn uncommitted(&self) -> Option<String> {
        let file = self.subject.parsed();
        let ends = self.ends();
        let begun = self.begun();
        let mut changes = self.changes();
        changes.sort_by_key(|change| change.span);
        for change in changes {
            if begun.iter().any(|block| block.contains(change.span)) {
                continue;
            }
            let line = self.subject.line(change.span);
            let what = &change.what;
            let Some(end) = self.end_behind(change.span, &ends) else {
                return Some(format!(
                    "now commits: {what} in line {line} is not followed by a commit on every path"
                ));
            };
            // What leaves in between leaves the change where it is.
            let left = self.left_between(change.span, end, &ends);
            if let Some(left) = left {
                return Some(format!(
                    "now commits: {what} in line {line} is left uncommitted by line {}",
                    self.subject.line(left)
                ));
            }
            let caught = errors::catches(self.subject.world, self.subject.file, self.body);
            let swallowed = caught.iter().find(|catch| {
                let inside = catch.body.contains(change.span);
                inside && errors::ends_in(file, catch) && !self.clears(catch, &ends)
            });
            if let Some(catch) = swallowed {
                return Some(format!(
                    "now commits: an error behind {what} in line {line} is caught (line {}) without a rollback",
                    self.subject.line(catch.span)
                ));
            }
        }
        None
    }

    /// Where the block ends or begins transactions itself, inside of one that the scope holds open: SQLAlchemy refuses what comes behind
    /// ("Can't operate on closed transaction inside context manager").
    fn steered(&self) -> Option<String> {
        let session = self.session;
        let call = self.connection.calls.iter().find(|call| {
            let steers = session.commit.iter().chain(&session.rollback);
            steers
                .chain(&session.begin)
                .any(|method| *method == call.call.method)
        })?;
        Some(format!(
            "a transaction is held open around the block, in which `.{}()` (line {}) ends or begins another",
            call.call.method,
            self.subject.line(call.call.call)
        ))
    }

    /// The statements that commit, take back or close, in source order.
    fn ends(&self) -> Vec<Span> {
        let file = self.subject.parsed();
        let session = self.session;
        let is_async = self.subject.world.standard.session.is_async == Some(true);
        let own = self.connection.calls.iter().filter(|call| {
            let ends = session.commit.iter().chain(&session.rollback);
            let mut ends = ends.chain(&session.close);
            // What is not awaited may never run.
            let runs = !is_async || call.call.manner == usage::Manner::Awaited;
            runs && ends.any(|method| *method == call.call.method)
        });
        let statements = own.filter_map(|call| {
            let statement = file.language.statement(file.code(), call.call.call)?;
            let runs = file.language.is_simple(file.code(), statement)
                && file
                    .language
                    .always_runs(file.code(), call.call.call, statement);
            runs.then_some(statement)
        });
        statements.collect()
    }

    /// The blocks `async with session.begin():`, which commit at their end.
    fn begun(&self) -> Vec<Span> {
        let file = self.subject.parsed();
        let entered = file.language.entered(file.code(), self.body);
        let begins = |span: Span| {
            self.connection.calls.iter().any(|call| {
                call.call.call == span && self.session.begin.contains(&call.call.method)
            })
        };
        let blocks = entered.into_iter();
        blocks
            .filter(|entered| begins(entered.resource))
            .map(|entered| entered.span)
            .collect()
    }

    /// The first end that surely runs behind `change`, unless something leaves in between.
    fn end_behind(&self, change: Span, ends: &[Span]) -> Option<Span> {
        let file = self.subject.parsed();
        ends.iter().copied().find(|end| {
            let siblings = file.language.siblings(file.code(), *end);
            siblings
                .iter()
                .any(|sibling| sibling.contains(change) && sibling.end <= end.start)
        })
    }

    /// Everything in the block that changes rows, or may.
    fn changes(&self) -> Vec<Change> {
        let mut found: Vec<Change> = Vec::new();
        for call in &self.connection.calls {
            if let Some(what) = self.of_method(self.subject.file, &call.call) {
                found.push(Change {
                    span: call.call.call,
                    what,
                });
            }
        }
        for other in &self.connection.others {
            if other.passed && self.changes_behind(&other.behind) {
                found.push(Change {
                    span: other.span,
                    what: format!("what is done where the session {}", other.what),
                });
            } else if !other.passed && self.is_used_elsewhere(other.span) {
                found.push(Change {
                    span: other.span,
                    what: "what a nested function does with the session".to_owned(),
                });
            } else if other.outlives {
                found.push(Change {
                    span: other.span,
                    what: "the session in other hands".to_owned(),
                });
            }
        }
        found.extend(self.by_holders());
        let names = self.results();
        let is_object = |span: Span| self.mentions_object(&names, span);
        let subject = self.subject;
        let file = subject.parsed();
        let stored = self.stored_objects();
        let called = touched::by_calls(subject.world, subject.file, self.body, &stored, is_object);
        let of_session = |span: Span| {
            let mut calls = self.connection.calls.iter();
            calls.any(|call| call.call.call == span)
        };
        let called = called.into_iter().filter(|touch| !of_session(touch.span));
        let touches = touched::direct(file, self.body, &stored)
            .into_iter()
            .chain(called);
        found.extend(touches.map(|touch| Change {
            span: touch.span,
            what: touch.what,
        }));
        found
    }

    /// Whether a use of the session that is no call on it may change rows.
    fn may_change(&self, other: &OtherUse) -> bool {
        if other.passed {
            return self.changes_behind(&other.behind);
        }
        other.outlives || self.is_used_elsewhere(other.span)
    }

    /// Whether a use stands in a function of its own inside the block.
    fn is_used_elsewhere(&self, span: Span) -> bool {
        let file = self.subject.parsed();
        file.function_at(span.start) != file.function_at(self.body.start)
    }

    /// What a call on the session changes, in words; nothing for one that only reads.
    fn of_method(&self, file: FileId, call: &MethodCall) -> Option<String> {
        let session = self.session;
        let has = |names: &[String]| names.contains(&call.method);
        let own = [
            &session.commit,
            &session.rollback,
            &session.begin,
            &session.close,
        ];
        if own.iter().any(|names| has(names)) {
            return None;
        }
        if has(&session.change) {
            return Some(format!("`.{}()`", call.method));
        }
        if !has(&session.read) {
            return Some(format!("`.{}()`, which may change rows,", call.method));
        }
        if call.method == "query" {
            return self.query_changes(file, call);
        }
        let statement = call.arguments.first().map(Argument::value);
        let is_statement = !matches!(call.method.as_str(), "get" | "refresh" | "get_one");
        let statement = statement.filter(|_| is_statement)?;
        match statements::manner(self.subject.world, session, file, statement) {
            Manner::Reads => None,
            Manner::Changes => Some("a statement that changes rows".to_owned()),
            Manner::Unknown => Some("a statement that may change rows".to_owned()),
        }
    }

    /// Whether `session.query(…)` ends in a method that changes rows: there, where its name is used, or behind a function of the project
    /// that it is handed to.
    fn query_changes(&self, id: FileId, call: &MethodCall) -> Option<String> {
        let world = self.subject.world;
        let file = world.project.file(id);
        let code = file.code();
        let changes = |method: &str| matches!(method, "update" | "delete" | "merge_result");
        let mut seen: BTreeSet<Span> = BTreeSet::new();
        let mut open = vec![call.call];
        while let Some(query) = open.pop() {
            if !seen.insert(query) {
                continue;
            }
            match file.language.usage(code.clone(), query) {
                Usage::MethodCall(next) if changes(&next.method) => {
                    return Some(format!("`.{}()` of a query", next.method));
                }
                Usage::MethodCall(next) => open.push(next.call),
                Usage::Argument { call, callee } => {
                    if let Some(function) = passing::target(world, id, callee) {
                        let file = world.project.file(function.file);
                        let body = file.model.scope(function.scope).body;
                        let mut calls = file.outline.calls.iter();
                        if calls.any(|call| body.contains(call.span) && changes(&call.name)) {
                            let callee = callee.text(self.subject.world.project.file(id).text());
                            return Some(format!("what `{callee}` does with a query"));
                        }
                        open.push(call);
                    }
                }
                _ => {}
            }
            let bindings = file.model.bindings.iter();
            for binding in bindings.filter(|binding| binding.value == Some(query)) {
                let references = file.model.references_to(binding.scope, &binding.name);
                open.extend(references.map(|reference| reference.span));
            }
        }
        None
    }

    /// Whether a function that the session is passed to changes rows, or may.
    fn changes_behind(&self, passed: &Passed) -> bool {
        let changes = |(file, call): &(FileId, MethodCall)| self.of_method(*file, call).is_some();
        let mut functions = passed.functions.iter();
        let stored = self.stored_objects();
        let touches = functions
            .any(|function| touched::inside(self.subject.world, *function, &stored, false));
        passed.is_lost || touches || passed.calls.iter().any(changes)
    }

    /// The attributes of the object that the block belongs to in which objects of the session are kept, here or where the session is
    /// passed to.
    fn stored_objects(&self) -> Stored {
        let names = self.results();
        let is_object = |value: Span| self.mentions_object(&names, value);
        let mut stored = touched::stores(self.subject.parsed(), self.body, is_object);
        let passed = self.connection.others.iter();
        for function in passed.flat_map(|other| &other.behind.functions) {
            let file = self.subject.world.project.file(function.file);
            let scope = file.model.scope(function.scope);
            if scope.name != "__init__" {
                stored.extend(touched::stores(file, scope.body, |_| true));
            }
        }
        stored
    }

    /// Whether an expression or statement reads one of these names.
    fn mentions(&self, names: &BTreeSet<&str>, span: Span) -> bool {
        let mut references = self.subject.parsed().model.references.iter();
        references.any(|reference| {
            span.contains(reference.span) && names.contains(reference.name.as_str())
        })
    }
}
