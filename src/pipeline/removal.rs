//! Sites whose rewrite is to go: they can when the other rewrites of the file leave nothing that reads them.

use std::collections::BTreeSet;

use crate::edit::Applicability;
use crate::facts::World;
use crate::finding::{Finding, Fix, Verdict};
use crate::project::FileId;
use crate::recipe::{Pattern, Severity};
use crate::rewrite::cleanup::{self, Dead};
use crate::rewrite::compose::{gone, kept};
use crate::rewrite::remains::Rest;
use crate::source::Span;

/// What is gone under a set of rewrites.
struct Outlook {
    gone: Vec<Span>,
    dead: Dead,
}

impl Outlook {
    fn of(world: World<'_>, id: FileId, findings: &[Finding], unsafe_too: bool) -> Self {
        let chosen = findings.iter().filter_map(|finding| finding.fix.as_ref());
        let chosen = chosen.filter(|fix| unsafe_too || fix.applicability == Applicability::Safe);
        let gone = gone(chosen.flat_map(|fix| &fix.edits));
        let dead = cleanup::dead(world, id, &gone, &kept(findings), unsafe_too);
        Self { gone, dead }
    }

    fn covers(&self, span: Span) -> bool {
        self.gone.iter().any(|gone| gone.contains(span)) || self.dead.covers(span)
    }
}

/// Settles the findings at `removable`.
pub(crate) fn settle(world: World<'_>, id: FileId, findings: &mut [Finding], removable: &[usize]) {
    let is_unsafe = |finding: &Finding| finding.applicability() == Some(Applicability::Unsafe);
    if removable.is_empty() && !findings.iter().any(is_unsafe) {
        return;
    }
    let all = Outlook::of(world, id, findings, true);
    tell_guards(world, id, findings, &all.dead.guards);
    if removable.is_empty() {
        return;
    }
    let safe = Outlook::of(world, id, findings, false);
    let suppressed: Vec<(Span, usize)> = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Suppressed)
        .map(|finding| (finding.site.span, finding.site.line))
        .collect();
    for index in removable {
        let finding = &mut findings[*index];
        let span = finding.site.span;
        if safe.covers(span) {
            goes(
                finding,
                Applicability::Safe,
                "nothing reads it after the rewrites",
            );
        } else if all.covers(span) {
            let reason = if all.dead.guards.is_empty() {
                "goes with a rewrite that is not proven"
            } else {
                "the error for a missing pool now comes from the helper"
            };
            goes(finding, Applicability::Unsafe, reason);
        } else if let Some(line) = waits_for(world, id, span, &suppressed) {
            finding.verdict = Verdict::Suppressed;
            finding.severity = Severity::None;
            finding.reasons.push(format!(
                "stays with the site in line {line}, which is suppressed"
            ));
        } else {
            finding.verdict = Verdict::Review;
            finding
                .reasons
                .extend(stays(world, id, finding.site.pattern, span, &all));
        }
    }
}

/// Says of a rewrite that is not proven which guard goes with it.
fn tell_guards(world: World<'_>, id: FileId, findings: &mut [Finding], guards: &BTreeSet<Span>) {
    let file = world.project.file(id);
    for guard in guards {
        let function = file.function_at(guard.start);
        let behind = findings.iter_mut().find(|finding| {
            finding.applicability() == Some(Applicability::Unsafe)
                && finding.site.span.start >= guard.end
                && file.function_at(finding.site.span.start) == function
        });
        if let Some(finding) = behind {
            let line = file.source.line_of(guard.start);
            finding.notes.push(format!(
                "line {line} goes with it: the error for a missing pool now comes from the standard"
            ));
        }
    }
}

fn goes(finding: &mut Finding, applicability: Applicability, reason: &str) {
    finding.verdict = Verdict::Rewrite;
    finding.target = Some("removed".to_owned());
    finding.reasons.push(reason.to_owned());
    finding.fix = Some(Fix {
        edits: Vec::new(),
        region: finding.site.span,
        applicability,
        imports: Vec::new(),
        removes: false,
        requires: BTreeSet::new(),
    });
}

/// The line of the suppressed site that alone uses what the call at `span` gives.
fn waits_for(
    world: World<'_>,
    id: FileId,
    span: Span,
    suppressed: &[(Span, usize)],
) -> Option<usize> {
    let holder = |span: Span| {
        suppressed
            .iter()
            .find(|(site, _)| site.contains(span))
            .map(|(_, line)| *line)
    };
    if let Some(line) = holder(span) {
        return Some(line);
    }
    let file = world.project.file(id);
    let binding = file
        .model
        .bindings
        .iter()
        .find(|binding| binding.value == Some(span))?;
    let mut lines = file
        .model
        .references_to(binding.scope, &binding.name)
        .map(|reference| holder(reference.span));
    let first = lines.next()??;
    lines.all(|line| line.is_some()).then_some(first)
}

/// Why the site stays.
fn stays(
    world: World<'_>,
    file: FileId,
    pattern: Pattern,
    span: Span,
    all: &Outlook,
) -> Vec<String> {
    let rest = Rest {
        world,
        file,
        gone: &all.gone,
        dead: &all.dead,
    };
    if pattern == Pattern::CachedPool {
        rest.users_of_holder(span)
    } else {
        rest.users_of_pool(span)
    }
}
