//! A connection that is taken by a statement and given back by others becomes a scope around all that stands between them.
//!
//! The scope gives the connection back however it is left. So do acquire and release where the release is in a `finally`; where it is not,
//! an error in between lost the connection, which is what the rewrite mends, and says.

use crate::edit::Edit;
use crate::facts::connection;
use crate::language::usage::Cleanup;
use crate::language::{BindingKind, Model};
use crate::recipe::Template;
use crate::rewrite::{Proposal, Refusal, Subject, proof, template};
use crate::source::Span;

pub(super) fn propose(subject: Subject<'_>, with: &Template) -> Result<Proposal, Refusal> {
    subject.shape()?;
    let (assignment, name) = (subject.capture("ASSIGN")?, subject.capture("CONN")?);
    let file = subject.parsed();
    let code = file.code();
    let region = Region::of(subject, assignment, name)?;
    let mut reasons = proof::shared_pool(subject);
    reasons.extend(region.faults(subject, name));
    reasons.extend(left_unread(subject, assignment));
    Refusal::unless_empty(reasons)?;

    let filled = template::fill(subject, with, assignment.start)?;
    let mut proposal = Proposal::new(Span::new(assignment.start, region.body.end), filled.target);
    proposal.unproven.extend(proof::doubt(subject));
    proposal.unproven.extend(filled.unproven);
    proposal.unproven.extend(region.mended(subject));
    proposal.notes.extend(region.dead_guard(subject, name));
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

/// What comes to stand in the scope.
pub(super) struct Region {
    /// From the first to the last statement of it.
    body: Span,
    /// The statements that give the connection back.
    releases: Vec<Span>,
    /// The `try … finally` that ends the region, if it is one.
    pair: Option<Cleanup>,
    /// The statements before it.
    leads: Vec<Span>,
    /// Those of them that only leave where there is no connection.
    guards: Vec<Span>,
}

impl Region {
    /// The region behind the acquire at `assignment`.
    pub(super) fn of(subject: Subject<'_>, assignment: Span, name: Span) -> Result<Self, Refusal> {
        let file = subject.parsed();
        let siblings = file.language.siblings(file.code(), assignment);
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
            .filter(|call| gives_back(subject, call.span, name))
            .map(|call| call.span)
            .collect()
    }

    /// Finds the releases behind an acquire: in the `finally` of a `try` that follows; else by statements, of which the last stands in the
    /// same block.
    fn find(subject: Subject<'_>, behind: &[Span], name: Span) -> Result<Self, Refusal> {
        let file = subject.parsed();
        let code = file.code();
        let (mut leads, mut guards) = (Vec::new(), Vec::new());
        for statement in behind {
            if let Some(pair) = file.language.cleanup(code.clone(), *statement) {
                if let [only] = pair.statements[..]
                    && gives_back(subject, only, name)
                    && file.language.comments(code.clone(), pair.clause).is_empty()
                {
                    return Ok(Self {
                        body: *statement,
                        releases: Vec::new(),
                        pair: Some(pair),
                        leads,
                        guards,
                    });
                }
                break;
            }
            if gives_back(subject, *statement, name) {
                break;
            }
            let guard = file
                .language
                .guard(code.clone(), *statement, subject.text(name));
            guards.extend(guard.map(|_| *statement));
            leads.push(*statement);
        }
        Self::straight(subject, behind, name)
    }

    fn straight(subject: Subject<'_>, behind: &[Span], name: Span) -> Result<Self, Refusal> {
        let last = behind
            .iter()
            .rposition(|statement| gives_back(subject, *statement, name));
        let Some(last) = last else {
            return Err(Refusal::one(
                "the connection is never given back in this function: a leak, unless another part of the program does it",
            ));
        };
        let release = behind[last];
        let body = match &behind[..last] {
            [] => Span::at(release.start),
            [first, rest @ ..] => Span::new(first.start, rest.last().unwrap_or(first).end),
        };
        Ok(Self {
            body,
            releases: vec![release],
            pair: None,
            leads: Vec::new(),
            guards: Vec::new(),
        })
    }

    /// Why the region cannot stand in a scope.
    pub(super) fn faults(&self, subject: Subject<'_>, name: Span) -> Vec<String> {
        let file = subject.parsed();
        let inside = self.pair.as_ref().map_or(self.body, |pair| {
            let start = self
                .leads
                .first()
                .map_or(pair.header.start, |lead| lead.start);
            Span::new(start, pair.clause.start)
        });
        let text = subject.text(name);
        let followed = connection::follow(subject.world, subject.file, text, name, inside);
        let mut reasons = Vec::new();
        if let Some(span) = followed.rebound {
            reasons.push(format!(
                "the connection's name is bound again (line {})",
                subject.line(span)
            ));
        }
        for other in followed.others.iter().filter(|other| other.outlives) {
            reasons.push(format!(
                "the connection {} (line {})",
                other.what,
                subject.line(other.span)
            ));
        }
        if let Some(span) = followed.ended {
            reasons.push(format!(
                "the connection is closed or given back before (line {})",
                subject.line(span)
            ));
        }
        let Some(owner) = file.model.resolve(file.model.scope_at(name.start), text) else {
            return reasons;
        };
        let gone = |span: Span| {
            let clause = self.pair.as_ref().map(|pair| pair.clause);
            let mut gone = self.releases.iter().copied().chain(clause);
            gone.any(|release| release.contains(span))
        };
        let outside = file.model.references_to(owner, text).find(|reference| {
            !inside.contains(reference.span)
                && !gone(reference.span)
                && reference.span.start > name.start
        });
        reasons.extend(outside.map(|reference| {
            format!(
                "the connection is used after it was given back (line {})",
                subject.line(reference.span)
            )
        }));
        reasons
    }

    /// Whether anything in the region reads the connection's name.
    fn names_it(&self, subject: Subject<'_>, name: Span) -> bool {
        let file = subject.parsed();
        let text = subject.text(name);
        let owner = file.model.resolve(file.model.scope_at(name.start), text);
        let gone = |span: Span| {
            let clause = self.pair.as_ref().map(|pair| pair.clause);
            let mut gone = self.releases.iter().copied().chain(clause);
            gone.any(|release| release.contains(span))
        };
        owner.is_some_and(|owner| {
            let mut references = file.model.references_to(owner, text);
            references.any(|reference| !gone(reference.span))
        })
    }

    /// What the scope does on paths on which nothing gave the connection back.
    fn mended(&self, subject: Subject<'_>) -> Option<String> {
        let file = subject.parsed();
        let open = match &self.pair {
            // What leads to the `try`, but for guards.
            Some(_) => self
                .leads
                .iter()
                .find(|lead| !self.guards.contains(lead))
                .copied()?,
            None if self.body.is_empty() => return None,
            None => self.body,
        };
        let returns = file.language.returns(file.code(), open);
        let where_from = returns.first().map_or_else(
            || "an error".to_owned(),
            |place| {
                format!(
                    "an error, or the `return` in line {},",
                    subject.line(*place)
                )
            },
        );
        Some(format!(
            "{where_from} between acquire and release lost the connection; the scope gives it back"
        ))
    }

    /// The guards for a connection that is missing, which the service's never is.
    fn dead_guard(&self, subject: Subject<'_>, name: Span) -> Option<String> {
        let guard = self.guards.first()?;
        Some(format!(
            "`{}` is never missing here; what line {} does about it is never done",
            subject.text(name),
            subject.line(*guard)
        ))
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
        let Some(pair) = &self.pair else {
            if self.body.is_empty() {
                let assignment = subject.capture("ASSIGN")?;
                let whole = format!("{header} {}", file.language.empty_statement());
                let assigns = |edit: &Edit| edit.span.overlaps(assignment);
                proposal.edits.retain(|edit| !assigns(edit));
                proposal.edits.push(Edit::replace(assignment, whole));
                return Ok(());
            }
            let moved = file
                .language
                .wrap_statement(code.clone(), self.body, header);
            proposal.move_lines(moved.ok_or_else(stuck)?);
            return Ok(());
        };
        let line = |span: Span| {
            let start = file.source.line_start(span.start);
            let end = file.source.line_end(span.end.saturating_sub(1));
            Span::new(start, end)
        };
        proposal.edits.push(Edit::delete(line(pair.clause)));
        if pair.handles {
            let start = self
                .leads
                .first()
                .map_or(pair.header.start, |lead| lead.start);
            let whole = Span::new(start, pair.clause.end);
            let moved = file.language.wrap_statement(code.clone(), whole, header);
            proposal.move_lines(moved.ok_or_else(stuck)?);
            return Ok(());
        }
        match (self.leads.first(), self.leads.last()) {
            (Some(first), Some(last)) => {
                let leads = Span::new(first.start, last.end);
                let moved = file.language.wrap_statement(code.clone(), leads, header);
                if !file
                    .language
                    .comments(code.clone(), line(pair.header))
                    .is_empty()
                {
                    return Err(Refusal::one("a comment stands beside the `try` that goes"));
                }
                proposal.edits.push(Edit::delete(line(pair.header)));
                proposal.move_lines(moved.ok_or_else(stuck)?);
            }
            _ => proposal.edits.push(Edit::replace(pair.header, header)),
        }
        Ok(())
    }
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

/// Whether a statement does nothing but give the connection back: to what it was taken from, or by closing it.
fn gives_back(subject: Subject<'_>, statement: Span, name: Span) -> bool {
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
    let mut releases = driver.release.iter();
    let mut closes = driver.closes.iter();
    let returned = releases.any(|release| text == format!("{pool}.{release}({conn})"));
    let closed = closes.any(|close| text == format!("{conn}.{close}()"));
    let code = file.code();
    // `if conn: pool.putconn(conn)`
    if let Some(branch) = file.language.branch(code.clone(), statement) {
        let condition: String = subject.text(branch.condition).split_whitespace().collect();
        let asks = condition == conn || condition == format!("{conn}isnotNone");
        let inner = file.language.statements(code.clone(), branch.body);
        return asks && matches!(inner[..], [only] if gives_back(subject, only, name));
    }
    let is_simple = file.language.is_simple(code.clone(), statement)
        || file.outline.calls.iter().any(|call| call.span == statement);
    // A connection of a pool that is only closed is missing there for ever: that is no release.
    is_simple && (returned || (closed && pool.is_empty()))
}
