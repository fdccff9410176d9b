//! What changes for the work of a session when the scope around it commits: what a block left undone without a word is now done.
//!
//! A session from a bare factory is closed at the end of its block, which takes back whatever was not committed. The standard's scope
//! commits first. Both take back everything when an exception leaves the block. So a block keeps its meaning if nothing can be left
//! uncommitted at its end: it only reads, or it commits (or takes back) behind each change, on every path.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::connection::Connection;
use crate::facts::session_scope::SessionScope;
use crate::facts::statements::{self, Manner};
use crate::facts::{errors, passing::Passed};
use crate::language::expression::{Argument, Expression};
use crate::language::usage::{MethodCall, Usage};
use crate::language::{BindingKind, Model, ScopeId};
use crate::project::FileId;
use crate::recipe::SessionMethods;
use crate::rewrite::Subject;
use crate::source::Span;

/// Methods of collections that change them: on an attribute of an object that a session knows, that changes rows.
const MUTATORS: [&str; 9] = [
    "append", "extend", "insert", "remove", "discard", "add", "clear", "pop", "update",
];

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
    reasons.extend(scope.begins.then(|| work.steered()).flatten());
    if leaves && !scope.keeps_objects {
        reasons.extend(work.outliving());
    }
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
        let code = file.code();
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
            let between = |span: &Span| span.start >= change.span.end && span.end <= end.start;
            let returns = file.language.returns(code.clone(), self.body);
            let settled = |place: Span| self.is_settled(place, &ends);
            if let Some(left) = returns
                .into_iter()
                .find(|place| between(place) && !settled(*place))
            {
                return Some(format!(
                    "now commits: {what} in line {line} is left uncommitted by line {}",
                    self.subject.line(left)
                ));
            }
            let jumps = file.language.jumps(code.clone(), self.body).into_iter();
            let outside = |jump: &Span| {
                file.language
                    .innermost_loop(code.clone(), *jump, self.body)
                    .is_some_and(|round| round.contains(end))
            };
            let mut jumps = jumps.filter(|jump| between(jump) && outside(jump));
            if let Some(left) = jumps.find(|jump| !settled(*jump)) {
                return Some(format!(
                    "now commits: {what} in line {line} is left uncommitted by line {}",
                    self.subject.line(left)
                ));
            }
            let caught = errors::catches(self.subject.world, self.subject.file, self.body);
            let swallowed = caught.iter().find(|catch| {
                let handlers = Span::new(catch.body.end, catch.span.end.max(catch.body.end));
                let inside = catch.body.contains(change.span);
                let cleared = ends.iter().any(|end| handlers.contains(*end));
                inside && errors::ends_in(file, catch) && !cleared
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
            "the scope holds a transaction open, in which `.{}()` (line {}) ends or begins another",
            call.call.method,
            self.subject.line(call.call.call)
        ))
    }

    /// The statements that commit, take back or close, in source order.
    fn ends(&self) -> Vec<Span> {
        let file = self.subject.parsed();
        let session = self.session;
        let own = self.connection.calls.iter().filter(|call| {
            let ends = session.commit.iter().chain(&session.rollback);
            ends.chain(&session.close)
                .any(|method| *method == call.call.method)
        });
        let statements = own.filter_map(|call| {
            let statement = file.language.statement(file.code(), call.call.call)?;
            file.language
                .is_simple(file.code(), statement)
                .then_some(statement)
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

    /// Whether a statement right in front of `place`, in its block, commits or takes back.
    fn is_settled(&self, place: Span, ends: &[Span]) -> bool {
        let file = self.subject.parsed();
        let siblings = file.language.siblings(file.code(), place);
        let before = siblings
            .iter()
            .rev()
            .find(|sibling| sibling.end <= place.start);
        before.is_some_and(|before| ends.contains(before))
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
        found.extend(self.touched_objects());
        found
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

    /// Whether `session.query(…)` ends in a method that changes rows, there or where its name is used.
    fn query_changes(&self, id: FileId, call: &MethodCall) -> Option<String> {
        let file = self.subject.world.project.file(id);
        let code = file.code();
        let mut whole = call.call;
        while let Usage::MethodCall(next) = file.language.usage(code.clone(), whole) {
            if matches!(next.method.as_str(), "update" | "delete" | "merge_result") {
                return Some(format!("`.{}()` of a query", next.method));
            }
            whole = next.call;
        }
        let binding = file.model.bindings.iter();
        let mut binding = binding.filter(|binding| binding.value == Some(whole));
        let binding = binding.next()?;
        let mut references = file.model.references_to(binding.scope, &binding.name);
        references.find_map(|reference| {
            let mut span = reference.span;
            while let Usage::MethodCall(next) = file.language.usage(code.clone(), span) {
                if matches!(next.method.as_str(), "update" | "delete") {
                    return Some(format!("`.{}()` of a query", next.method));
                }
                span = next.call;
            }
            None
        })
    }

    /// Whether a function that the session is passed to changes rows, or may.
    fn changes_behind(&self, passed: &Passed) -> bool {
        let changes = |(file, call): &(FileId, MethodCall)| self.of_method(*file, call).is_some();
        let touches = passed.functions.iter().any(|function| {
            let file = self.subject.world.project.file(function.file);
            let body = file.model.scope(function.scope).body;
            touches_objects(file, body).is_some()
        });
        passed.is_lost || touches || passed.calls.iter().any(changes)
    }

    /// Attributes and collections of objects that the block changes: a session writes those of objects that it knows.
    fn touched_objects(&self) -> Option<Change> {
        let (span, what) = touches_objects(self.subject.parsed(), self.body)?;
        Some(Change { span, what })
    }

    /// Objects of the session that are used behind the block, which its commit expires.
    fn outliving(&self) -> Option<String> {
        let file = self.subject.parsed();
        let code = file.code();
        let names = self.results();
        let mentions = |span: Span| {
            let mut references = file.model.references.iter();
            references.any(|reference| {
                span.contains(reference.span) && names.contains(reference.name.as_str())
            }) || self
                .connection
                .calls
                .iter()
                .any(|call| span.contains(call.call.call))
        };
        if self.expires_itself(&mentions) {
            return None;
        }
        let returned = file.language.returns(code, self.body).into_iter();
        let kept = file.outline.writes.iter().filter_map(|write| {
            let value = write
                .value
                .filter(|_| self.body.contains(write.statement))?;
            mentions(value).then_some(write.statement)
        });
        let mut leaving = returned.filter(|place| mentions(*place)).chain(kept);
        let behind = || {
            let mut references = file.model.references.iter();
            let function = file.function_at(self.body.start);
            references.find(|reference| {
                reference.span.start >= self.body.end
                    && names.contains(reference.name.as_str())
                    && file.function_at(reference.span.start) == function
            })
        };
        let place = leaving
            .next()
            .or_else(|| behind().map(|reference| reference.span))?;
        Some(format!(
            "an object of the session may be used behind the block (line {}), and the scope's commit expires it (`expire_on_commit` is not off)",
            self.subject.line(place)
        ))
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
    fn results(&self) -> BTreeSet<&str> {
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
    fn region_of(&self, span: Span) -> Span {
        let file = self.subject.parsed();
        let code = file.code();
        let Some(statement) = file.language.statement(code.clone(), span) else {
            return span;
        };
        match file.language.body(code, statement) {
            Some(body) if body.start >= span.end => Span::new(statement.start, body.start),
            _ => statement,
        }
    }
}

/// The first place in a body where an attribute or a collection of an object is changed, other than of the object that the code belongs to.
fn touches_objects(file: &crate::project::ParsedFile, body: Span) -> Option<(Span, String)> {
    let own = |object: Span| matches!(root(object.text(file.text())), "self" | "cls");
    let mut writes = file.outline.writes.iter();
    let written = writes.find(|write| body.contains(write.statement) && !own(write.object));
    if let Some(write) = written {
        let object = write.object.text(file.text());
        return Some((write.statement, format!("`{object}.{} = …`", write.name)));
    }
    let changed = file.outline.calls.iter().find(|call| {
        if !body.contains(call.span) {
            return false;
        }
        let Expression::Attribute { object, name } = file.expression(call.callee) else {
            return call.name == "setattr";
        };
        let of_attribute = matches!(file.expression(object), Expression::Attribute { .. });
        MUTATORS.contains(&name.as_str()) && of_attribute && !own(object)
    })?;
    let text = changed.callee.text(file.text());
    Some((
        changed.span,
        format!("`{}(…)`", text.lines().next().unwrap_or_default()),
    ))
}

fn root(text: &str) -> &str {
    text.split(['.', '(', '[']).next().unwrap_or(text).trim()
}
