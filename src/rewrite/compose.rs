//! The fixes of a file become one text: overlaps settled, what they orphan cleaned up, imports placed once.

use std::collections::BTreeSet;

use crate::edit::{self, Edit};
use crate::facts::World;
use crate::finding::{Finding, NeededImport, Patch, Verdict};
use crate::project::FileId;
use crate::rewrite::cleanup::{self, Dead};
use crate::rewrite::imports::{self, Target};
use crate::source::Span;

/// Why a fix is not part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The site, by id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// The new text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The text and its edits.
    pub patch: Patch,
    /// The fixes that had to be left out.
    pub left_out: Vec<LeftOut>,
    /// What went because nothing reads it any more.
    pub dead: Dead,
}

/// Puts the fixes of `findings` (all of one file) together. `guards`: whether guards for a missing pool may go with the pool.
///
/// `worlds` are those of the migrations that run over the project; `kept` are the sites of the file that a comment says to leave alone.
pub fn compose(
    worlds: &[World<'_>],
    id: FileId,
    findings: &[&Finding],
    kept: &[Span],
    guards: bool,
) -> Composed {
    let project = worlds[0].project;
    let file = project.file(id);
    let (mut accepted, mut left_out) = accept(findings);
    let removed_whole: Vec<(Span, &str)> = accepted
        .iter()
        .filter_map(|finding| {
            let region = finding.fix.as_ref().filter(|fix| fix.removes)?.region;
            Some((region, finding.id.as_str()))
        })
        .collect();
    accepted.retain(|finding| {
        let inside =
            |(region, id): &(Span, &str)| *id != finding.id && region.contains(finding.site.span);
        !removed_whole.iter().any(inside)
    });
    let mut edits: Vec<(Edit, Option<String>)> = Vec::new();
    let mut needed: BTreeSet<NeededImport> = BTreeSet::new();
    for finding in &accepted {
        let Some(fix) = &finding.fix else { continue };
        edits.extend(
            fix.edits
                .iter()
                .map(|edit| (edit.clone(), Some(finding.id.clone()))),
        );
        needed.extend(fix.imports.iter().cloned());
    }
    let gone = gone(edits.iter().map(|(edit, _)| edit));
    let mut dead = Dead::default();
    for world in worlds {
        dead.add(cleanup::dead(*world, id, &gone, kept, guards));
    }
    for (statement, edit) in cleanup::edits(file, &dead) {
        let own = findings
            .iter()
            .find(|finding| statement.contains(finding.site.span));
        // What has no site of its own goes with the first rewrite behind it that left it without a reader.
        let function = file.function_at(statement.start);
        let behind = || {
            accepted.iter().find(|finding| {
                let site = finding.site.span.start;
                site >= statement.end && file.function_at(site) == function
            })
        };
        let owner = own.or_else(behind);
        edits.push((edit, owner.map(|finding| finding.id.clone())));
    }
    let removed: Vec<Span> = gone
        .iter()
        .copied()
        .chain(dead.statements.iter().copied())
        .collect();
    let inserted: Vec<(usize, &str)> = edits
        .iter()
        .map(|(edit, _)| (edit.span.start, edit.text.as_str()))
        .collect();
    let targets: Vec<Target<'_>> = worlds
        .iter()
        .map(|world| Target {
            module: world.config.standard.module.as_deref().unwrap_or_default(),
            path: world.config.standard.file.as_deref(),
        })
        .collect();
    let import_edits = if edits.is_empty() {
        Vec::new()
    } else {
        imports::edits(project, id, &targets, &needed, &removed, &inserted)
    };
    edits.extend(import_edits.into_iter().map(|edit| (edit, None)));
    let mut edits = without_inner_deletions(edits);
    edits.extend(spare_blank_lines(
        file.text(),
        file.language.line_comment(),
        &edits,
    ));
    edits.sort_by_key(|(edit, _)| (edit.span.start, edit.span.end));
    keep_open_end(file.text(), &mut edits);
    let plain: Vec<Edit> = edits.iter().map(|(edit, _)| edit.clone()).collect();
    let before = file.text().to_owned();
    // Fixes whose edits overlap have been left out before; where an import or a removal overlaps one still, the file keeps its text.
    let (after, edits, sites) = match edit::splice(&before, &plain) {
        Ok(after) => (after, edits, applied(&accepted, findings, &removed)),
        Err(overlap) => {
            let line = file.source.line_of(overlap.offset);
            left_out.extend(accepted.iter().map(|finding| LeftOut {
                id: finding.id.clone(),
                reason: format!("the edits of this file overlap in line {line}"),
            }));
            (before.clone(), Vec::new(), BTreeSet::new())
        }
    };
    Composed {
        patch: Patch {
            path: file.source.path().to_owned(),
            before,
            after,
            edits,
            sites,
        },
        left_out,
        dead,
    }
}

/// The sites among `findings` that a comment says to leave alone: nothing takes them out either.
pub fn kept<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<Span> {
    let findings = findings.into_iter();
    findings
        .filter(|finding| finding.verdict == Verdict::Suppressed)
        .map(|finding| finding.site.span)
        .collect()
}

/// The ids of the sites whose rewrites are in the text: those with edits of their own, and those that go with what is taken out.
fn applied(accepted: &[&Finding], all: &[&Finding], removed: &[Span]) -> BTreeSet<String> {
    let has_edits = |finding: &Finding| {
        finding
            .fix
            .as_ref()
            .is_some_and(|fix| !fix.edits.is_empty())
    };
    let own = accepted.iter().filter(|finding| has_edits(finding));
    let whole = accepted
        .iter()
        .filter_map(|finding| finding.fix.as_ref().filter(|fix| fix.removes))
        .map(|fix| fix.region);
    let whole: Vec<Span> = whole.collect();
    let gone = all.iter().filter(|finding| {
        let lies_in = |spans: &[Span]| spans.iter().any(|span| span.contains(finding.site.span));
        lies_in(&whole) || !has_edits(finding) && lies_in(removed)
    });
    own.chain(gone).map(|finding| finding.id.clone()).collect()
}

/// The spans whose text edits take away.
pub fn gone<'e>(edits: impl IntoIterator<Item = &'e Edit>) -> Vec<Span> {
    edits
        .into_iter()
        .map(|edit| edit.span)
        .filter(|span| !span.is_empty())
        .collect()
}

/// Takes the fixes whose edits agree with each other: inner sites first, then by position.
fn accept<'f>(findings: &[&'f Finding]) -> (Vec<&'f Finding>, Vec<LeftOut>) {
    let mut ordered: Vec<&Finding> = findings
        .iter()
        .copied()
        .filter(|finding| finding.fix.is_some())
        .collect();
    ordered.sort_by_key(|finding| {
        finding
            .fix
            .as_ref()
            .map(|fix| (fix.region.len(), fix.region.start))
    });
    let mut accepted: Vec<&Finding> = Vec::new();
    let mut left_out = Vec::new();
    for finding in ordered {
        match accepted.iter().find(|other| conflict(finding, other)) {
            None => accepted.push(finding),
            Some(other) => left_out.push(LeftOut {
                id: finding.id.clone(),
                reason: format!(
                    "overlaps the rewrite in line {}; run again after that one",
                    other.site.line
                ),
            }),
        }
    }
    accepted.sort_by_key(|finding| finding.site.span);
    (accepted, left_out)
}

fn conflict(left: &Finding, right: &Finding) -> bool {
    let takes = |whole: &Finding, part: &Finding| {
        let removed = whole.fix.as_ref().filter(|fix| fix.removes);
        removed.is_some_and(|fix| fix.region.contains(part.site.span))
    };
    if takes(left, right) || takes(right, left) {
        return false;
    }
    let edits = |finding: &Finding| {
        finding
            .fix
            .as_ref()
            .map(|fix| fix.edits.clone())
            .unwrap_or_default()
    };
    let others = edits(right);
    edits(left).iter().any(|edit| {
        others.iter().any(|other| {
            let inner = |a: &Edit, b: &Edit| {
                a.text.is_empty() && b.text.is_empty() && b.span.contains(a.span)
            };
            edit.span.overlaps(other.span) && !inner(edit, other) && !inner(other, edit)
        })
    })
}

/// Deletions of blank lines that whole-line deletions would leave doubled, or at the head of a block.
fn spare_blank_lines(
    text: &str,
    comment: &str,
    edits: &[(Edit, Option<String>)],
) -> Vec<(Edit, Option<String>)> {
    let is_line_start = |at: usize| at == 0 || text[..at].ends_with('\n');
    let whole: Vec<&(Edit, Option<String>)> = edits
        .iter()
        .filter(|(edit, _)| {
            edit.text.is_empty()
                && !edit.span.is_empty()
                && is_line_start(edit.span.start)
                && is_line_start(edit.span.end)
        })
        .collect();
    let touched = |at: usize| {
        edits
            .iter()
            .any(|(edit, _)| edit.span.start == at && !edit.text.is_empty())
    };
    let mut found = Vec::new();
    let mut index = 0;
    while index < whole.len() {
        let start = whole[index].0.span.start;
        let mut end = whole[index].0.span.end;
        while whole
            .get(index + 1)
            .is_some_and(|(next, _)| next.span.start <= end)
        {
            index += 1;
            end = end.max(whole[index].0.span.end);
        }
        let owner = whole[index].1.clone();
        index += 1;
        // What stood between the last code and what goes at the end of the file would be left hanging.
        let kept = text[..start]
            .trim_end_matches(['\n', '\r', ' ', '\t'])
            .len();
        let kept = kept + text[kept..start].find('\n').map_or(0, |at| at + 1);
        if end == text.len() && kept > 0 && kept < start {
            found.push((Edit::delete(Span::new(kept, start)), owner));
            continue;
        }
        let before = text[..start].strip_suffix('\n').unwrap_or_default();
        let before = before.rsplit('\n').next().unwrap_or_default().trim();
        // A comment that spoke of what goes stays with what comes next.
        let joins = before.is_empty() || before.ends_with(':') || before.starts_with(comment);
        let blank: usize = text[end..]
            .split_inclusive('\n')
            .take_while(|line| line.trim().is_empty() && line.ends_with('\n'))
            .map(str::len)
            .sum();
        if blank > 0 && joins && !touched(end) {
            found.push((Edit::delete(Span::new(end, end + blank)), owner));
        }
    }
    found
}

/// Where a text has no final line break and its last lines are deleted, the line break before them goes too: the end stays open.
fn keep_open_end(text: &str, edits: &mut [(Edit, Option<String>)]) {
    if text.ends_with('\n') {
        return;
    }
    // The deletions that together reach the end of the text.
    let mut first = None;
    let mut start = text.len();
    for (index, (edit, _)) in edits.iter().enumerate().rev() {
        if edit.span.end != start || !edit.text.is_empty() {
            break;
        }
        start = edit.span.start;
        first = Some(index);
    }
    let Some(first) = first else { return };
    let end = text[..start].trim_end_matches(['\r', '\n']).len();
    let is_free = edits[..first].iter().all(|(edit, _)| edit.span.end <= end);
    if is_free {
        edits[first].0.span = Span::new(end, edits[first].0.span.end);
    }
}

/// Drops deletions that lie inside a larger one, and insertions in the middle of one.
fn without_inner_deletions(edits: Vec<(Edit, Option<String>)>) -> Vec<(Edit, Option<String>)> {
    let deletions: Vec<Span> = edits
        .iter()
        .map(|(edit, _)| edit)
        .filter(|edit| edit.text.is_empty())
        .map(|edit| edit.span)
        .collect();
    let mut seen: BTreeSet<Edit> = BTreeSet::new();
    let mut kept: Vec<(Edit, Option<String>)> = edits
        .into_iter()
        .filter(|(edit, _)| {
            let covered = edit.text.is_empty()
                && deletions.iter().any(|other| {
                    *other != edit.span
                        && other.contains(edit.span)
                        && other.start < edit.span.end
                        && edit.span.start < other.end
                });
            !covered && seen.insert(edit.clone())
        })
        .collect();
    kept.sort_by_key(|(edit, _)| (edit.span.start, edit.span.end));
    kept
}
