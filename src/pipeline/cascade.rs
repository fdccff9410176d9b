//! Definitions that are to go once nothing uses them: what the other rewrites of all files leave without a use, and what that leaves
//! without one in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::edit::{Applicability, Edit};
use crate::finding::{Finding, Fix, Verdict};
use crate::language::ImportKind;
use crate::pipeline::lane::{Known, Run};
use crate::pipeline::{Judged, verify};
use crate::project::{FileId, Project};
use crate::rewrite::remove_definition::{self, Definition, Use};
use crate::source::Span;

/// What is not seen by anything that reads code.
const BY_NAME: &str = "what is looked up by name at run time is not seen";

/// A definition of the file at this position of what was judged.
type Place = (usize, Definition);

/// Gives the findings that wait for the users of a definition a fix, or the reason why it stays. Says whether there is any fix.
pub(super) fn settle(run: Run<'_>, judged: &mut [Judged]) -> bool {
    if judged.iter().all(|file| file.doomed.is_empty()) {
        return false;
    }
    let before: Vec<Vec<Finding>> = judged.iter().map(|file| file.findings.clone()).collect();
    let rewritten = after(run, judged);
    let known = Known::of(run.lanes, &rewritten);
    let users = Users::of(
        Run {
            project: &rewritten,
            known: &known,
            ..run
        },
        judged,
    );
    // Definitions that something names after all when they are taken out.
    let mut held: BTreeMap<Place, Use> = BTreeMap::new();
    let going = loop {
        let (going, stays) = users.unused(judged, &held);
        for (index, file) in judged.iter_mut().enumerate() {
            file.findings.clone_from(&before[index]);
            let own: BTreeSet<&Definition> = going
                .iter()
                .filter(|(at, _)| *at == index)
                .map(|(_, definition)| definition)
                .collect();
            propose(run.project, file, &own);
            explain(&rewritten, index, file, &stays);
        }
        let last = after(run, judged);
        let left: BTreeMap<Place, Use> = going
            .iter()
            .filter_map(|place| Some((place.clone(), users.left(place, &last)?)))
            .collect();
        if left.is_empty() {
            break going;
        }
        held.extend(left);
    };
    require(run, judged, &going);
    !going.is_empty()
}

/// The project that all fixes make.
fn after(run: Run<'_>, judged: &[Judged]) -> Project {
    let worlds = run.worlds();
    let changed: Vec<_> = judged
        .par_iter()
        .filter_map(|file| {
            let composed = verify::compose_all(&worlds, file, true)?;
            let before = run.project.file(file.file);
            let after = verify::reparsed(&composed.patch.after, before)?;
            Some((file.file.0, Arc::new(after)))
        })
        .collect();
    verify::with_files(run.project, changed.into_iter().collect())
}

/// What uses the definitions that may go, once the other rewrites are made.
struct Users {
    /// Each definition with its file, its place there, and its uses.
    all: BTreeMap<Place, (FileId, Span, Vec<Use>)>,
}

impl Users {
    fn of(run: Run<'_>, judged: &[Judged]) -> Self {
        let worlds = run.worlds();
        let mut all = BTreeMap::new();
        for (index, file) in judged.iter().enumerate() {
            let doomed = file.doomed.iter().map(|(_, doomed)| doomed);
            let definitions = doomed.flat_map(|doomed| doomed.class.iter().chain([&doomed.method]));
            for definition in definitions {
                let place = (index, definition.clone());
                let span = remove_definition::span_of(run.project, file.file, definition);
                if let Some(span) = span.filter(|_| !all.contains_key(&place)) {
                    let uses = remove_definition::uses(&worlds, file.file, definition);
                    all.insert(place, (file.file, span, uses));
                }
            }
        }
        Self { all }
    }

    /// The definitions that nothing uses but what goes itself, and for each other one what uses it; `held` stay in any case.
    fn unused(
        &self,
        judged: &[Judged],
        held: &BTreeMap<Place, Use>,
    ) -> (BTreeSet<Place>, BTreeMap<Place, Option<Use>>) {
        let mut stays: BTreeMap<Place, Option<Use>> = BTreeMap::new();
        for (place, used) in held {
            stays.insert(place.clone(), Some(used.clone()));
        }
        for place in self.all.keys().filter(|place| is_kept(judged, place)) {
            stays.entry(place.clone()).or_insert(None);
        }
        // All are taken to go, until something that stays uses one.
        loop {
            let going = |place: &Place| !stays.contains_key(place);
            let spans: Vec<(FileId, Span)> = self
                .all
                .iter()
                .filter(|(place, _)| going(place))
                .map(|(_, (file, span, _))| (*file, *span))
                .collect();
            let is_gone = |file: FileId, span: Span| {
                let mut spans = spans.iter();
                spans.any(|(gone, around)| *gone == file && around.contains(span))
            };
            let left = |place: &Place| {
                let (_, _, uses) = &self.all[place];
                let used = uses.iter().find(|used| !used.goes(is_gone));
                used.cloned()
                    .map(Some)
                    .or_else(|| stays.get(place).cloned())
            };
            // What lends and takes back goes together or not at all; so do a class and its methods: whoever calls one of them was given what
            // the class makes.
            let bound = |place: &Place, other: &Place| {
                let same = place.0 == other.0;
                let (here, there) = (class_of(place), class_of(other));
                same && (place == other
                    || there == Some(&place.1.dotted)
                    || here.is_some() && here == there)
            };
            let fresh: Vec<(Place, Option<Use>)> = self
                .all
                .keys()
                .filter(|place| going(place))
                .filter_map(|place| {
                    let mut others = self.all.keys().filter(|other| bound(place, other));
                    Some((place.clone(), others.find_map(left)?))
                })
                .collect();
            if fresh.is_empty() {
                let going = self.all.keys().filter(|place| going(place));
                return (going.cloned().collect(), stays);
            }
            stays.extend(fresh);
        }
    }

    /// What still names a definition in a project that it was taken out of.
    fn left(&self, place: &Place, last: &Project) -> Option<Use> {
        let (file, _, uses) = self.all.get(place)?;
        let mut imports = uses.iter().filter_map(|used| match used {
            Use::Import {
                file: importing, ..
            } if importing != file => Some((*importing, used)),
            _ => None,
        });
        let name = place.1.dotted.as_str();
        let left = imports.find(|(importing, _)| {
            let mut imports = last.file(*importing).model.imports.iter();
            imports.any(|import| {
                matches!(&import.kind, ImportKind::Name { name: imported } if imported == name)
            })
        });
        left.map(|(_, used)| used.clone())
    }
}

/// The class that a method belongs to.
fn class_of((_, definition): &Place) -> Option<&str> {
    let class = definition.dotted.rsplit_once('.');
    class.map(|(class, _)| class)
}

/// Whether a comment in a definition says to leave a site there alone, or a method may not go without its class.
fn is_kept(judged: &[Judged], (index, definition): &Place) -> bool {
    let file = &judged[*index];
    let suppressed = file.findings.iter().any(|finding| {
        finding.verdict == Verdict::Suppressed && definition.span.contains(finding.site.span)
    });
    let bound = file
        .doomed
        .iter()
        .any(|(_, doomed)| doomed.method == *definition && doomed.alone.is_err());
    suppressed || bound
}

/// Puts the removal of `going` into the findings of the file: each definition is taken out by the first finding that waits for it, and
/// what else stands in it goes with it.
fn propose(project: &Project, file: &mut Judged, going: &BTreeSet<&Definition>) {
    let outermost: BTreeSet<Span> = going
        .iter()
        .map(|going| going.span)
        .filter(|span| {
            let mut others = going.iter();
            !others.any(|other| other.span != *span && other.span.contains(*span))
        })
        .collect();
    if outermost.is_empty() {
        return;
    }
    let edits = remove_definition::removal(project.file(file.file), &outermost);
    let waiting: BTreeSet<String> = file.doomed.iter().map(|(id, _)| id.clone()).collect();
    for (span, edit) in edits {
        let name = going.iter().find(|going| going.span == span);
        let name = name.map_or("", |going| going.dotted.as_str());
        let mut edits = vec![edit];
        for finding in &mut file.findings {
            if !span.contains(finding.site.span) || finding.verdict == Verdict::Suppressed {
                continue;
            }
            let is_own = waiting.contains(&finding.id);
            if is_own {
                goes(finding, span, std::mem::take(&mut edits));
                finding.reasons = vec![format!("nothing in the project uses `{name}`; {BY_NAME}")];
            } else if finding.applicability() != Some(Applicability::Safe) {
                goes(finding, finding.site.span, Vec::new());
                finding.reasons = vec![format!(
                    "goes with `{name}`, which nothing in the project uses"
                )];
            }
        }
    }
}

fn goes(finding: &mut Finding, region: Span, edits: Vec<Edit>) {
    finding.verdict = Verdict::Rewrite;
    finding.target = Some("removed".to_owned());
    finding.fix = Some(Fix {
        removes: !edits.is_empty(),
        edits,
        region,
        applicability: Applicability::Unsafe,
        imports: Vec::new(),
        requires: BTreeSet::new(),
    });
}

/// Says of what stays why.
fn explain(after: &Project, index: usize, file: &mut Judged, stays: &BTreeMap<Place, Option<Use>>) {
    for (id, doomed) in &file.doomed {
        let finding = file.findings.iter_mut().find(|finding| finding.id == *id);
        let Some(finding) = finding.filter(|finding| finding.fix.is_none()) else {
            continue;
        };
        let used = stays.get(&(index, doomed.method.clone()));
        let reason = match used {
            Some(Some(used)) => used.told(after),
            _ => match &doomed.alone {
                Err(reason) => reason.clone(),
                Ok(()) => "a comment inside says to leave a site alone".to_owned(),
            },
        };
        finding.reasons.insert(0, reason);
    }
}

/// Notes for each removal which other fixes it needs: those that take its uses out.
fn require(run: Run<'_>, judged: &mut [Judged], going: &BTreeSet<Place>) {
    let worlds = run.worlds();
    // Which findings have edits, by file: a use goes with those of its file.
    let mut fixes: BTreeMap<FileId, BTreeSet<String>> = BTreeMap::new();
    for file in judged.iter() {
        let has_edits = |finding: &&Finding| {
            let fix = finding.fix.as_ref();
            fix.is_some_and(|fix| !fix.edits.is_empty())
        };
        let ids = file.findings.iter().filter(has_edits);
        fixes.insert(file.file, ids.map(|finding| finding.id.clone()).collect());
    }
    for (index, definition) in going {
        let file = &mut judged[*index];
        let mut findings = file.findings.iter_mut();
        let removing = findings.find_map(|finding| {
            let fix = finding.fix.as_mut()?;
            let is_own = fix.removes && fix.region == definition.span;
            is_own.then_some((&finding.id, fix))
        });
        if let Some((id, fix)) = removing {
            let uses = remove_definition::uses(&worlds, file.file, definition);
            let mut needed: BTreeSet<String> = BTreeSet::new();
            for user in uses.iter().filter_map(Use::file) {
                needed.extend(fixes.get(&user).into_iter().flatten().cloned());
            }
            needed.remove(id);
            fix.requires = needed;
        }
    }
}

/// Takes back the removals whose requirements were taken back.
pub(super) fn withdraw(judged: &mut [Judged]) {
    loop {
        let stands: BTreeSet<String> = judged
            .iter()
            .flat_map(|file| &file.findings)
            .filter(|finding| finding.fix.is_some())
            .map(|finding| finding.id.clone())
            .collect();
        let mut any = false;
        for file in judged.iter_mut() {
            let broken: Vec<Span> = file
                .findings
                .iter()
                .filter_map(|finding| finding.fix.as_ref())
                .filter(|fix| fix.removes && !fix.requires.is_subset(&stands))
                .map(|fix| fix.region)
                .collect();
            for finding in &mut file.findings {
                let lies_in = |region: &Span| region.contains(finding.site.span);
                let is_unsafe = finding.applicability() == Some(Applicability::Unsafe);
                if is_unsafe && broken.iter().any(lies_in) {
                    finding.verdict = Verdict::Review;
                    finding.fix = None;
                    finding
                        .reasons
                        .insert(0, "what uses it could not be rewritten".to_owned());
                    any = true;
                }
            }
        }
        if !any {
            return;
        }
    }
}

/// Leaves out the removals that need a fix which is not among the wanted ones.
pub(super) fn keep_whole(by_file: &mut BTreeMap<&str, Vec<&Finding>>) {
    loop {
        let wanted: BTreeSet<&str> = by_file
            .values()
            .flatten()
            .map(|finding| finding.id.as_str())
            .collect();
        let is_whole = |finding: &&Finding| {
            let fix = finding.fix.as_ref();
            fix.is_none_or(|fix| fix.requires.iter().all(|id| wanted.contains(id.as_str())))
        };
        let left: BTreeMap<&str, Vec<&Finding>> = by_file
            .iter()
            .map(|(path, findings)| (*path, findings.iter().copied().filter(is_whole).collect()))
            .collect();
        let settled = left == *by_file;
        *by_file = left;
        if settled {
            by_file.retain(|_, findings| !findings.is_empty());
            return;
        }
    }
}
