//! A connection that is taken by a statement and given back by others becomes a scope around all that stands between them.
//!
//! The scope gives the connection back however it is left. So do acquire and release where the release is in a `finally`; where it is not,
//! an error in between lost the connection, which is what the rewrite mends, and says.

use crate::edit::Edit;
use crate::facts::connection;
use crate::language::expression::{AttributeWrite, CallSite, Expression};
use crate::language::usage::{Cleanup, Usage};
use crate::language::{BindingKind, Model};
use crate::project::Symbol;
use crate::recipe::Template;
use crate::rewrite::{Proposal, Refusal, Subject, lender, proof, template};
use crate::source::Span;

pub(super) fn propose(subject: Subject<'_>, with: &Template) -> Result<Proposal, Refusal> {
    subject.shape()?;
    let (assignment, name) = (subject.capture("ASSIGN")?, subject.capture("CONN")?);
    let file = subject.parsed();
    let code = file.code();
    let acquire = subject.capture("ACQUIRE")?;
    let region = Region::of(subject, assignment, name)?;
    let mut reasons = proof::shared_pool(subject);
    let said = lender::said_to_acquire(subject, acquire);
    reasons.extend(said.reasons);
    reasons.extend(region.faults(subject, name));
    reasons.extend(left_unread(subject, assignment));
    Refusal::unless_empty(reasons)?;

    let filled = template::fill(subject, with, assignment.start)?;
    let mut proposal = Proposal::new(Span::new(assignment.start, region.body.end), filled.target);
    proposal.unproven.extend(proof::doubt(subject));
    proposal.unproven.extend(lender::told_by_lender(subject));
    proposal.unproven.extend(said.doubts);
    proposal.unproven.extend(filled.unproven);
    proposal.unproven.extend(region.mended(subject));
    proposal
        .notes
        .extend(region.lender_unread(subject, assignment));
    let reckons = region.reckons(subject, name, acquire);
    proposal.notes.extend(reckons.note);
    proposal.unproven.extend(reckons.unproven);
    let header = if region.names_it(subject, name) {
        file.language
            .scope_header(&filled.text, subject.text(name), false)
    } else {
        file.language.scope_header(&filled.text, "", false)
    };
    proposal
        .edits
        .push(file.language.remove_statement(code.clone(), assignment));
    for release in &region.releases {
        proposal
            .edits
            .push(file.language.remove_statement(code.clone(), *release));
    }
    region.open_up(subject, &header, &mut proposal)?;
    proposal.imports = filled.imports;
    Ok(proposal)
}

/// What a region says of a missing connection.
#[derive(Debug, Default)]
pub(super) struct Reckons {
    /// What is never done and never was.
    pub(super) note: Option<String>,
    /// What is no longer done.
    pub(super) unproven: Option<String>,
}

/// What comes to stand in the scope.
pub(super) struct Region {
    /// From the first to the last statement of it.
    body: Span,
    /// The statements that give the connection back.
    releases: Vec<Span>,
    /// The `try … finally` that ends the region and whose `finally` does nothing but give the connection back, if it is one.
    pair: Option<Cleanup>,
    /// The statements before it.
    leads: Vec<Span>,
    /// What an error would have to interrupt for the connection to be lost.
    exposed: Option<Span>,
    /// Where a connection of a pool is closed instead of given back.
    closed: Option<Span>,
}

impl Region {
    /// The region behind the acquire at `assignment`.
    ///
    /// # Errors
    /// Where no release is found behind it.
    pub(super) fn of(subject: Subject<'_>, assignment: Span, name: Span) -> Result<Self, Refusal> {
        let file = subject.parsed();
        let siblings = file.language.siblings(file.code(), assignment);
        if siblings.is_empty() {
            return Err(Refusal::one(
                "it stands at the top of the file, whose statements are not moved into a block",
            ));
        }
        let behind: Vec<Span> = siblings
            .into_iter()
            .filter(|sibling| sibling.start >= assignment.end)
            .collect();
        Self::find(subject, &behind, name)
    }

    /// Its end, releases included.
    pub(super) fn end(&self) -> usize {
        let releases = self.releases.iter().map(|release| release.end);
        releases.fold(self.body.end, usize::max)
    }

    /// What it does about a connection that is missing, which one of the service never is.
    pub(super) fn reckons(&self, subject: Subject<'_>, name: Span, acquire: Span) -> Reckons {
        let mut found = Reckons::default();
        let Some(asked) = self.asked(subject, name) else {
            return found;
        };
        let line = subject.line(asked);
        if lender::lends_or_raises(subject, acquire) {
            found.note = Some(format!(
                "`{}` is never missing here; what line {line} does about it is never done",
                subject.text(name)
            ));
        } else {
            found.unproven = Some(format!(
                "line {line} reckons with no connection, where the service raises an error"
            ));
        }
        found
    }

    /// The calls that give the connection back.
    pub(super) fn releases(&self, subject: Subject<'_>, name: Span) -> Vec<Span> {
        let file = subject.parsed();
        let pair = self.pair.iter().flat_map(|pair| &pair.statements);
        let statements: Vec<Span> = pair.chain(&self.releases).copied().collect();
        let calls = file.outline.calls.iter();
        calls
            .filter(|call| {
                statements
                    .iter()
                    .any(|statement| statement.contains(call.span))
            })
            .filter(|call| gives_back(subject, call.span, name).is_some())
            .map(|call| call.span)
            .collect()
    }

    /// Finds the releases behind an acquire: in the `finally` of a `try` that follows, or else a statement of the same block.
    fn find(subject: Subject<'_>, behind: &[Span], name: Span) -> Result<Self, Refusal> {
        let file = subject.parsed();
        let code = file.code();
        let mut leads: Vec<Span> = Vec::new();
        for statement in behind {
            if let Some(pair) = file.language.cleanup(code.clone(), *statement)
                && let [others @ .., last] = &pair.statements[..]
                && let Some(release) = gives_back(subject, *last, name)
            {
                // An error in a guard for a missing connection would have none to lose.
                let guards = |lead: &&Span| {
                    file.language
                        .guard(code.clone(), **lead, subject.text(name))
                        .is_some()
                };
                let lead = leads.iter().find(|lead| !guards(lead));
                return Ok(Self {
                    body: *statement,
                    exposed: lead.or(others.first()).copied(),
                    closed: release.closed,
                    releases: if others.is_empty() {
                        Vec::new()
                    } else {
                        vec![*last]
                    },
                    pair: others.is_empty().then_some(pair),
                    leads,
                });
            }
            if let Some(release) = gives_back(subject, *statement, name) {
                return Ok(Self::straight(&leads, *statement, release));
            }
            leads.push(*statement);
        }
        Err(not_found(subject, name))
    }

    /// The statements up to a release in the same block.
    fn straight(leads: &[Span], release: Span, how: Release) -> Self {
        let body = match leads {
            [] => Span::at(release.start),
            [first, rest @ ..] => Span::new(first.start, rest.last().unwrap_or(first).end),
        };
        Self {
            body,
            releases: vec![release],
            pair: None,
            leads: Vec::new(),
            exposed: (!leads.is_empty()).then_some(body),
            closed: how.closed,
        }
    }

    /// All that runs while the connection is out; with the statement that gives it back, or without.
    fn inside(&self, with_release: bool) -> Span {
        let start = self.leads.first().unwrap_or(&self.body).start;
        let end = match (&self.pair, self.releases.last()) {
            (Some(pair), _) if with_release => pair.clause.end,
            (Some(pair), _) => pair.clause.start,
            (None, Some(release)) if with_release => release.end,
            (None, Some(release)) => release.start,
            (None, None) => self.body.end,
        };
        Span::new(start.min(end), end)
    }

    /// The lines that move inwards.
    fn moved(&self, subject: Subject<'_>) -> Option<Span> {
        let (first, last) = (self.leads.first(), self.leads.last());
        match &self.pair {
            Some(pair) if pair.handles => Some(self.inside(true)),
            // With the comments between them and the `try`.
            Some(pair) => {
                let between = Span::new(last?.end, pair.header.start);
                let text = subject.text(between).trim_end();
                Some(Span::new(first?.start, between.start + text.len()))
            }
            None if self.body.is_empty() => None,
            None => Some(Span::new(first.unwrap_or(&self.body).start, self.body.end)),
        }
    }

    /// Whether something goes as a whole that stands in the region.
    fn gone(&self, span: Span) -> bool {
        let clause = self.pair.as_ref().map(|pair| pair.clause);
        let mut gone = self.releases.iter().copied().chain(clause);
        gone.any(|release| release.contains(span))
    }

    /// Why the region cannot stand in a scope.
    pub(super) fn faults(&self, subject: Subject<'_>, name: Span) -> Vec<String> {
        let file = subject.parsed();
        let text = subject.text(name);
        let follow = |region| connection::follow(subject.world, subject.file, text, name, region);
        let followed = follow(self.inside(false));
        let mut reasons = Vec::new();
        if let Some(span) = followed.rebound {
            reasons.push(format!(
                "the connection's name is bound again (line {})",
                subject.line(span)
            ));
        }
        // A generator that is left early runs the `finally`, as it leaves the scope.
        let stays = |span: Span| {
            self.exposed.is_none() && file.language.usage(file.code(), span) == Usage::Yielded
        };
        let outliving = followed.others.iter().filter(|other| other.outlives);
        reasons.extend(outliving.filter(|other| !stays(other.span)).map(|other| {
            format!(
                "the connection {} (line {})",
                other.what,
                subject.line(other.span)
            )
        }));
        if let Some(span) = followed.ended {
            reasons.push(format!(
                "the connection is closed or given back before (line {})",
                subject.line(span)
            ));
        }
        let elsewhere = followed.others.iter();
        reasons.extend(elsewhere.filter_map(|other| {
            let place = other.behind.ended.as_ref()?;
            Some(format!(
                "the connection {}, which gives it back (in {place})",
                other.what
            ))
        }));
        let after = follow(self.inside(true)).used_after;
        reasons.extend(after.map(|span| {
            format!(
                "the connection is used after it was given back (line {})",
                subject.line(span)
            )
        }));
        reasons.extend(self.lender_bound(subject).map(|span| {
            format!(
                "what lends the connection is bound again (line {})",
                subject.line(span)
            )
        }));
        let moved = self.moved(subject);
        let other = moved.and_then(|moved| another_taken(subject, moved));
        reasons.extend(other.map(|call| {
            format!(
                "another connection is taken meanwhile (line {}), and the lines of both would have to move",
                subject.line(call)
            )
        }));
        reasons
    }

    /// Where the region gives another meaning to what the connection was taken from.
    fn lender_bound(&self, subject: Subject<'_>) -> Option<Span> {
        let file = subject.parsed();
        let pool = subject.hit.captures.get("POOL").copied()?;
        let inside = self.inside(false);
        let writes = file.outline.writes.iter();
        let name = subject
            .text(pool)
            .split('.')
            .next()
            .unwrap_or_default()
            .trim();
        let owner = file.model.resolve(file.model.scope_at(pool.start), name);
        let bindings = owner
            .into_iter()
            .flat_map(|owner| file.model.bindings_of(owner, name));
        let mut bound = bindings
            .map(|binding| binding.span)
            .filter(|span| inside.contains(*span));
        let attribute = |write: &&AttributeWrite| {
            let written = format!("{}.{}", subject.text(write.object), write.name);
            inside.contains(write.statement) && subject.text(pool).starts_with(&written)
        };
        bound
            .next()
            .or_else(|| writes.clone().find(attribute).map(|write| write.statement))
    }

    /// What lent the connection, if it is a variable that got its value from a call and that nothing else reads: the call may do more.
    fn lender_unread(&self, subject: Subject<'_>, assignment: Span) -> Option<String> {
        let file = subject.parsed();
        let pool = subject.hit.captures.get("POOL").copied()?;
        let Expression::Name(name) = file.expression(pool) else {
            return None;
        };
        let scope = file.model.scope_at(pool.start);
        let owner = file.model.resolve(scope, &name);
        let owner = owner.filter(|owner| *owner != Model::MODULE)?;
        let mut references = file.model.references_to(owner, &name);
        let goes = |span: Span| assignment.contains(span) || self.gone(span);
        let mut bindings = file.model.bindings_of(owner, &name);
        let binding = bindings.next()?;
        let called = matches!(file.expression(binding.value?), Expression::Call { .. });
        (called && references.all(|reference| goes(reference.span))).then(|| {
            format!(
                "nothing reads `{name}` any more (line {})",
                subject.line(binding.span)
            )
        })
    }

    /// Whether anything in the region reads the connection's name.
    fn names_it(&self, subject: Subject<'_>, name: Span) -> bool {
        let file = subject.parsed();
        let text = subject.text(name);
        let owner = file.model.resolve(file.model.scope_at(name.start), text);
        owner.is_some_and(|owner| {
            let mut references = file.model.references_to(owner, text);
            references.any(|reference| !self.gone(reference.span))
        })
    }

    /// What the scope does on paths on which nothing gave the connection back.
    fn mended(&self, subject: Subject<'_>) -> Vec<String> {
        let file = subject.parsed();
        let mut mended = Vec::new();
        if let Some(open) = self.exposed {
            let mut leaving = file.language.returns(file.code(), open);
            let jumps = file.language.jumps(file.code(), open);
            let out_of_loop = |jump: &Span| {
                let around = file.language.innermost_loop(file.code(), *jump, open);
                around.is_none()
            };
            leaving.extend(jumps.into_iter().filter(out_of_loop));
            let where_from = leaving.iter().min().map_or_else(
                || "an error".to_owned(),
                |place| {
                    let word = subject.text(*place).split_whitespace().next();
                    format!(
                        "an error, or the `{}` in line {},",
                        word.unwrap_or("return"),
                        subject.line(*place)
                    )
                },
            );
            mended.push(format!(
                "{where_from} between acquire and release lost the connection; the scope gives it back"
            ));
        }
        mended.extend(self.closed.map(|closed| {
            format!(
                "line {} closes the connection, which its pool never got back; the scope gives it back",
                subject.line(closed)
            )
        }));
        mended
    }

    /// Where the region asks whether there is a connection at all: the service's is never missing.
    fn asked(&self, subject: Subject<'_>, name: Span) -> Option<Span> {
        let file = subject.parsed();
        let text = subject.text(name);
        let owner = file.model.resolve(file.model.scope_at(name.start), text)?;
        let inside = self.inside(false);
        let mut references = file.model.references_to(owner, text);
        let asks = |span: Span| file.language.usage(file.code(), span) == Usage::Tested;
        let asked =
            references.find(|reference| inside.contains(reference.span) && asks(reference.span));
        asked.map(|reference| reference.span)
    }

    /// Puts the header above the region and moves its lines.
    fn open_up(
        &self,
        subject: Subject<'_>,
        header: &str,
        proposal: &mut Proposal,
    ) -> Result<(), Refusal> {
        let file = subject.parsed();
        let code = file.code();
        let stuck =
            || Refusal::one("the lines cannot be moved into a block without changing their text");
        let wrapped = |span: Span| file.language.wrap_statement(code.clone(), span, header);
        let Some(pair) = &self.pair else {
            if self.body.is_empty() {
                let assignment = subject.capture("ASSIGN")?;
                let nothing = file.language.empty_statement();
                let moved = wrapped(assignment).ok_or_else(stuck)?;
                let assigns = |edit: &Edit| edit.span.overlaps(assignment);
                proposal.edits.retain(|edit| !assigns(edit));
                proposal.edits.push(Edit::replace(assignment, nothing));
                proposal.move_lines(moved);
                return Ok(());
            }
            let moved = self.moved(subject).and_then(wrapped);
            proposal.move_lines(moved.ok_or_else(stuck)?);
            return Ok(());
        };
        let line = |span: Span| {
            let start = file.source.line_start(span.start);
            let end = file.source.line_end(span.end.saturating_sub(1));
            Span::new(start, end)
        };
        let indent = |span: Span| {
            let start = file.source.line_start(span.start);
            let text = &file.text()[start..span.start];
            text.trim().is_empty().then_some(text)
        };
        let clause = line(pair.clause);
        let moved = self
            .moved(subject)
            .map(|moved| wrapped(moved).ok_or_else(stuck));
        let moved = moved.transpose()?;
        // The lines that come to stand in the scope where nothing moves them are in a block already, which has to be as deep.
        if let Some(moved) = moved.as_ref().filter(|_| !pair.handles) {
            let depth = moved.first().and_then(|edit| edit.text.rsplit('\n').next());
            if depth.is_none() || depth != indent(pair.body) {
                return Err(stuck());
            }
        }
        proposal
            .edits
            .push(Self::without_clause(subject, pair, clause).ok_or_else(stuck)?);
        match moved {
            Some(moved) => {
                if !pair.handles {
                    if !file
                        .language
                        .comments(code.clone(), line(pair.header))
                        .is_empty()
                    {
                        return Err(Refusal::one("a comment stands beside the `try` that goes"));
                    }
                    proposal.edits.push(Edit::delete(line(pair.header)));
                }
                proposal.move_lines(moved);
            }
            None => proposal.edits.push(Edit::replace(pair.header, header)),
        }
        Ok(())
    }

    /// Takes the `finally` out; its comments stay behind what it follows, as deep as what it did.
    fn without_clause(subject: Subject<'_>, pair: &Cleanup, clause: Span) -> Option<Edit> {
        let file = subject.parsed();
        let comments = file.language.comments(file.code(), clause);
        if comments.is_empty() {
            return Some(Edit::delete(clause));
        }
        let start = file.source.line_start(pair.body.start);
        let depth = &file.text()[start..pair.body.start];
        if !depth.trim().is_empty() {
            return None;
        }
        let newline = file.source.newline().as_str();
        let mut text = String::new();
        // What is around moves inwards as well.
        let outer = &file.text()[clause.start..pair.clause.start];
        let unit = depth.strip_prefix(outer).filter(|_| pair.handles);
        for comment in &comments {
            text.push_str(unit.unwrap_or_default());
            text.push_str(depth);
            text.push_str(subject.text(*comment));
            text.push_str(newline);
        }
        if !subject.text(clause).ends_with('\n') {
            text.truncate(text.len() - newline.len());
        }
        Some(Edit::replace(clause, text))
    }
}

/// A call inside `region` that takes another connection, or opens a scope of the service for one.
fn another_taken(subject: Subject<'_>, region: Span) -> Option<Span> {
    let file = subject.parsed();
    let driver = subject.world.driver;
    let services = subject.world.config.standard.service.as_slice();
    let of_driver = |callee: Span| match subject.world.project.symbol(subject.file, callee) {
        Some(Symbol::External(dotted)) => {
            let first = dotted.split('.').next().unwrap_or_default();
            driver.modules.iter().any(|module| module == first)
        }
        _ => false,
    };
    let takes = |call: &&CallSite| {
        let callee = subject.text(call.callee);
        let scope = |service: &String| callee.ends_with(&format!("{service}.connection"));
        driver.acquire.contains(&call.name)
            || services.iter().any(scope)
            || (driver.connect.contains(&call.name) && of_driver(call.callee))
    };
    let mut calls = file.outline.calls.iter();
    let taken = calls.find(|call| region.contains(call.span) && takes(call));
    taken.map(|call| call.span)
}

/// Why there is no region.
fn not_found(subject: Subject<'_>, name: Span) -> Refusal {
    let file = subject.parsed();
    let driver = subject.world.driver;
    let text = subject.text(name);
    let owner = file.model.resolve(file.model.scope_at(name.start), text);
    let ends = |span: Span| match file.language.usage(file.code(), span) {
        Usage::Argument { callee, .. } => {
            let last = subject.text(callee).rsplit('.').next().unwrap_or_default();
            driver.release.iter().any(|release| release == last)
        }
        Usage::MethodCall(call) => driver.closes.contains(&call.method),
        _ => false,
    };
    let references = owner
        .into_iter()
        .flat_map(|owner| file.model.references_to(owner, text));
    let mut ended = references
        .map(|reference| reference.span)
        .filter(|span| ends(*span));
    Refusal::one(match ended.next() {
        Some(span) => format!(
            "the connection is given back in line {}, but not by a statement behind this one in the same block, nor at the end of a `finally` there",
            subject.line(span)
        ),
        None => "the connection is never given back in this function: a leak, unless another part of the program does it".to_owned(),
    })
}

/// Variables that only the arguments of the acquire read: what they say belongs to the configuration of the service, and a person moves it
/// there.
fn left_unread(subject: Subject<'_>, assignment: Span) -> Vec<String> {
    let file = subject.parsed();
    let model = &file.model;
    let read = model
        .references
        .iter()
        .filter(|reference| assignment.contains(reference.span));
    let mut names: Vec<&str> = Vec::new();
    for reference in read {
        let Some(owner) = reference.target.filter(|owner| *owner != Model::MODULE) else {
            continue;
        };
        let is_variable = model.bindings_of(owner, &reference.name).all(|binding| {
            binding.kind != BindingKind::Parameter && binding.kind != BindingKind::Import
        });
        let mut references = model.references_to(owner, &reference.name);
        let only_here = references.all(|other| assignment.contains(other.span));
        if is_variable && only_here && !names.contains(&reference.name.as_str()) {
            names.push(&reference.name);
        }
    }
    names
        .into_iter()
        .map(|name| {
            format!("`{name}` says how to connect, and nothing else reads it: that belongs to the configuration of the service")
        })
        .collect()
}

/// How a statement gives a connection back.
#[derive(Debug, Clone, Copy)]
struct Release {
    /// Where the connection of a pool is closed, which the pool never hears of.
    closed: Option<Span>,
}

/// How a statement gives the connection back, if that is all that it does: to what it was taken from, or by closing it.
fn gives_back(subject: Subject<'_>, statement: Span, name: Span) -> Option<Release> {
    let file = subject.parsed();
    let driver = subject.world.driver;
    let text: String = subject.text(statement).split_whitespace().collect();
    let conn = subject.text(name);
    let pool: String = subject
        .capture("POOL")
        .map(|pool| subject.text(pool))
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let code = file.code();
    // `if conn: pool.putconn(conn)`
    if let Some(branch) = file.language.branch(code.clone(), statement) {
        let condition: String = subject.text(branch.condition).split_whitespace().collect();
        let asks = condition == conn || condition == format!("{conn}isnotNone");
        let inner = file.language.statements(code.clone(), branch.body);
        return match inner[..] {
            [only] if asks => gives_back(subject, only, name),
            _ => None,
        };
    }
    let is_call = file.outline.calls.iter().any(|call| call.span == statement);
    if !is_call && !file.language.is_simple(code.clone(), statement) {
        return None;
    }
    let mut releases = driver.release.iter();
    if releases.any(|release| text == format!("{pool}.{release}({conn})")) {
        return Some(Release { closed: None });
    }
    let mut closes = driver.closes.iter();
    let closed = closes.any(|close| text == format!("{conn}.{close}()"));
    closed.then(|| Release {
        closed: (!pool.is_empty()).then_some(statement),
    })
}
