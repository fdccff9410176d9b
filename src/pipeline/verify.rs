//! Nothing is proposed that has not been tried: the edited file must parse, and a second run over it must propose nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::edit::Applicability;
use crate::facts::World;
use crate::finding::{Finding, Verdict};
use crate::pipeline::lane::{Known, Run};
use crate::pipeline::{Files, Judged, cascade, parse_file};
use crate::progress::{Progress, Silent};
use crate::project::{FileId, ParsedFile, Project};
use crate::rewrite::compose::{self, Composed, LeftOut};
use crate::source::SourceFile;

/// Judges files and tries what is proposed for them: nothing is left that has not been composed, parsed and found silent.
pub(super) fn judge(run: Run<'_>, ids: &[FileId], progress: &dyn Progress) -> Vec<Judged> {
    let mut judged = run.judge(ids, progress);
    for unsafe_too in [false, true] {
        verify(run, &mut judged, unsafe_too);
    }
    if cascade::settle(run, &mut judged) {
        verify(run, &mut judged, true);
        cascade::withdraw(&mut judged);
    }
    judged
}

/// The project with some of its files, by their positions, replaced.
pub(super) fn with_files(
    project: &Project,
    mut fresh: BTreeMap<usize, Arc<ParsedFile>>,
) -> Project {
    let files: Files = project
        .shared()
        .enumerate()
        .map(|(position, file)| fresh.remove(&position).unwrap_or(file))
        .collect();
    Project::with_modules(files, project.modules().clone()).linked(project.links())
}

/// Tries the proven edits alone, or all with `unsafe_too`; findings whose edits fail become reviews.
fn verify(run: Run<'_>, judged: &mut [Judged], unsafe_too: bool) {
    let worlds = run.worlds();
    let tried: Vec<Option<Tried>> = judged
        .par_iter()
        .map(|file| {
            let Composed {
                patch, left_out, ..
            } = compose_all(&worlds, file, unsafe_too)?;
            let rewritten = reparsed(&patch.after, run.project.file(file.file));
            Some((left_out, rewritten))
        })
        .collect();
    let mut rewritten: BTreeMap<usize, ParsedFile> = BTreeMap::new();
    for (index, tried) in tried.into_iter().enumerate() {
        let Some((left_out, parsed)) = tried else {
            continue;
        };
        for left in &left_out {
            for finding in judged[index]
                .findings
                .iter_mut()
                .filter(|finding| finding.id == left.id)
            {
                refuse(finding, &left.reason);
            }
        }
        match parsed {
            Some(parsed) => {
                rewritten.insert(index, parsed);
            }
            None => refuse_all(&mut judged[index], unsafe_too, "the edit would not parse"),
        }
    }
    second_run(run, judged, rewritten, unsafe_too);
}

/// What the edits of a file left out, and the file that they make if it parses.
type Tried = (Vec<LeftOut>, Option<ParsedFile>);

pub(super) fn wanted(finding: &Finding, unsafe_too: bool) -> bool {
    finding.verdict == Verdict::Rewrite
        && finding
            .fix
            .as_ref()
            .is_some_and(|fix| unsafe_too || fix.applicability == Applicability::Safe)
}

pub(super) fn compose_all(
    worlds: &[World<'_>],
    file: &Judged,
    unsafe_too: bool,
) -> Option<Composed> {
    let findings: Vec<&Finding> = file
        .findings
        .iter()
        .filter(|finding| wanted(finding, unsafe_too))
        .collect();
    if findings.is_empty() {
        return None;
    }
    let kept = compose::kept(&file.findings);
    let composed = compose::compose(worlds, file.file, &findings, &kept, unsafe_too);
    let says = composed.patch.before != composed.patch.after || !composed.left_out.is_empty();
    says.then_some(composed)
}

/// The file with a new text, if that has no error that it did not have before.
pub(super) fn reparsed(after: &str, before: &ParsedFile) -> Option<ParsedFile> {
    let source = SourceFile::new(before.source.path_arc(), after);
    let parsed = parse_file(&source, before.room()).ok().flatten()?;
    // The grammar lets a list of imports end in a comma without parentheses; CPython does not.
    let open_list = parsed.model.imports.iter().any(|import| {
        import
            .statement
            .text(parsed.text())
            .trim_end()
            .ends_with([',', '\\'])
    });
    (parsed.errors.len() <= before.errors.len() && !open_list).then_some(parsed)
}

/// Runs the second pass over the edited files: it must find nothing more to rewrite.
fn second_run(
    run: Run<'_>,
    judged: &mut [Judged],
    mut rewritten: BTreeMap<usize, ParsedFile>,
    unsafe_too: bool,
) {
    if rewritten.is_empty() {
        return;
    }
    let indices: Vec<usize> = rewritten.keys().copied().collect();
    let changed: BTreeSet<usize> = indices.iter().map(|index| judged[*index].file.0).collect();
    let mut fresh: BTreeMap<usize, Arc<ParsedFile>> = BTreeMap::new();
    for index in &indices {
        if let Some(parsed) = rewritten.remove(index) {
            fresh.insert(judged[*index].file.0, Arc::new(parsed));
        }
    }
    let project = with_files(run.project, fresh);
    let known = Known::of(run.lanes, &project);
    let again = Run {
        project: &project,
        known: &known,
        ..run
    };
    let ids: Vec<_> = project
        .files()
        .map(|(id, _)| id)
        .filter(|id| changed.contains(&id.0))
        .collect();
    let second = again.judge(&ids, &Silent);
    let worlds = again.worlds();
    for file in second {
        let restless: Vec<&Finding> = file
            .findings
            .iter()
            .filter(|finding| wanted(finding, unsafe_too))
            .collect();
        if restless.is_empty() {
            continue;
        }
        let kept = compose::kept(&file.findings);
        let composed = compose::compose(&worlds, file.file, &restless, &kept, unsafe_too);
        if composed.patch.before == composed.patch.after {
            continue;
        }
        if let Some(first) = judged.iter_mut().find(|first| first.file == file.file) {
            refuse_all(first, unsafe_too, "a second run would change it again");
        }
    }
}

fn refuse_all(file: &mut Judged, unsafe_too: bool, reason: &str) {
    // When the proven edits alone pass, only the others are at fault.
    let at_fault = |finding: &Finding| {
        let fix = finding.fix.as_ref();
        let own = if unsafe_too {
            Applicability::Unsafe
        } else {
            Applicability::Safe
        };
        finding.verdict == Verdict::Rewrite && fix.is_some_and(|fix| fix.applicability == own)
    };
    for finding in file.findings.iter_mut().filter(|finding| at_fault(finding)) {
        refuse(finding, reason);
    }
}

fn refuse(finding: &mut Finding, reason: &str) {
    finding.verdict = Verdict::Review;
    finding.fix = None;
    finding.reasons.insert(0, reason.to_owned());
}
