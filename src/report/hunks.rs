//! Diffs of patches whose hunks say which sites they serve.
//!
//! The words stand behind the `@@ … @@` of each hunk, where `git apply` ignores them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use crate::edit::Edit;
use crate::finding::{Finding, Inventory, Patch};
use crate::report::diff::{self, Change};
use crate::report::totals::applicability;

/// What a comment to a person has in it.
const COMMENT: &str = "connmod: review(";

/// How many unchanged lines may lie between an edit and the changed lines it is behind: a diff can slide a change along equal lines.
const SLACK: usize = 3;

/// The findings of an inventory by their ids.
pub type ById<'a> = BTreeMap<&'a str, &'a Finding>;

/// Indexes the findings.
pub fn by_id(inventory: &Inventory) -> ById<'_> {
    let findings = inventory.findings.iter();
    findings
        .map(|finding| (finding.id.as_str(), finding))
        .collect()
}

/// The diff of one patch.
pub fn unified(patch: &Patch, findings: &ById<'_>) -> String {
    let hunks = Hunks::of(patch, findings);
    diff::unified(&patch.path, &patch.before, &patch.after, &|changes| {
        hunks.describe(changes)
    })
}

/// The diff that leads to a patch from a text in which others are made already, whose lines are therefore not those of the edits. Its
/// hunks name everything that the further sites of the file are about.
pub fn unified_after(before: &str, patch: &Patch, sites: &[&Finding]) -> String {
    let words = describe_all(sites);
    diff::unified(&patch.path, before, &patch.after, &|_| words.clone())
}

/// Which lines of a file serve which sites.
pub(super) struct Hunks<'a> {
    edits: Vec<(RangeInclusive<usize>, Option<&'a Finding>)>,
    /// For each edit whether it only adds or removes a comment to a person.
    comments: Vec<bool>,
}

impl<'a> Hunks<'a> {
    pub(super) fn of(patch: &Patch, findings: &ById<'a>) -> Self {
        let lines = LineStarts::of(&patch.before);
        let edits = patch.edits.iter().map(|(edit, id)| {
            let finding = id.as_deref().and_then(|id| findings.get(id)).copied();
            (lines.of_edit(edit), finding)
        });
        let is_comment = |edit: &Edit| {
            let old = &patch.before[edit.span.start..edit.span.end];
            let texts = [edit.text.as_str(), old];
            let only = |text: &&str| text.trim().is_empty() || text.contains(COMMENT);
            texts.iter().all(only) && texts.iter().any(|text| text.contains(COMMENT))
        };
        Self {
            edits: edits.collect(),
            comments: patch
                .edits
                .iter()
                .map(|(edit, _)| is_comment(edit))
                .collect(),
        }
    }

    fn describe(&self, changes: &[Change]) -> Option<String> {
        let near = self.near(changes);
        let of = |comments: bool| -> Vec<&Finding> {
            let chosen = near.iter().filter(|at| self.comments[**at] == comments);
            chosen.filter_map(|at| self.edits[*at].1).collect()
        };
        if !near.is_empty() && near.iter().all(|at| self.comments[*at]) {
            let words = describe_all(&of(true));
            return Some(words.map_or_else(
                || "comments for a person".to_owned(),
                |words| format!("comment for a person: {words}"),
            ));
        }
        describe_all(&of(false)).or_else(|| self.describe_shared())
    }

    /// The sites that a hunk with these changes serves, one for each of their edits.
    pub(super) fn sites(&self, changes: &[Change]) -> Vec<&'a Finding> {
        let near = self.near(changes).into_iter();
        near.filter_map(|at| self.edits[at].1).collect()
    }

    /// The edits that a hunk with these changes holds.
    fn near(&self, changes: &[Change]) -> Vec<usize> {
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
            return Vec::new();
        };
        let range = first.before.start..=last.before.end.max(first.before.start);
        let distances = self
            .edits
            .iter()
            .enumerate()
            .map(|(at, (lines, _))| (distance(&range, lines), at));
        let nearest = distances.clone().map(|(distance, _)| distance).min();
        let limit = nearest.unwrap_or_default().max(SLACK);
        distances
            .filter(|(distance, _)| *distance <= limit)
            .map(|(_, at)| at)
            .collect()
    }

    /// What an edit serves that is no single site's: imports.
    fn describe_shared(&self) -> Option<String> {
        let mut recipes: Vec<String> = self
            .edits
            .iter()
            .filter_map(|(_, finding)| *finding)
            .map(recipe)
            .collect();
        recipes.sort();
        recipes.dedup();
        (!recipes.is_empty()).then(|| format!("imports for {}", recipes.join(", ")))
    }
}

/// How many lines lie between two ranges.
fn distance(one: &RangeInclusive<usize>, other: &RangeInclusive<usize>) -> usize {
    let gap = |before: &RangeInclusive<usize>, after: &RangeInclusive<usize>| {
        after.start().saturating_sub(*before.end())
    };
    gap(one, other).max(gap(other, one))
}

/// A sentence for each recipe, with applicability, form and reasons, in the order of the sites; what several sites have in common is
/// said once.
fn describe_all(sites: &[&Finding]) -> Option<String> {
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    let mut sentences: Vec<Sentence<'_>> = Vec::new();
    for site in sites.iter().filter(|site| ids.insert(&site.id)) {
        let (recipe, form) = (recipe(site), site.form.as_deref());
        let same =
            |sentence: &&mut Sentence<'_>| sentence.recipe == recipe && sentence.form == form;
        if let Some(sentence) = sentences.iter_mut().find(same) {
            sentence.sites += 1;
            sentence.add(site);
        } else {
            let mut sentence = Sentence {
                recipe,
                form,
                sites: 1,
                reasons: Vec::new(),
                notes: Vec::new(),
            };
            sentence.add(site);
            sentences.push(sentence);
        }
    }
    let texts: Vec<String> = sentences.iter().map(Sentence::text).collect();
    (!texts.is_empty()).then(|| texts.join(" | "))
}

/// What is said of the sites of one recipe that take one form.
struct Sentence<'a> {
    recipe: String,
    form: Option<&'a str>,
    sites: usize,
    reasons: Vec<&'a str>,
    notes: Vec<&'a str>,
}

impl<'a> Sentence<'a> {
    fn add(&mut self, site: &'a Finding) {
        let once = |all: &mut Vec<&'a str>, more: &'a [String]| {
            for text in more {
                if !all.contains(&text.as_str()) {
                    all.push(text);
                }
            }
        };
        once(&mut self.reasons, &site.reasons);
        once(&mut self.notes, &site.notes);
    }

    fn text(&self) -> String {
        let mut text = self.recipe.clone();
        if self.sites > 1 {
            // Writing to a string cannot fail.
            let _ = write!(text, " ×{}", self.sites);
        }
        let reasons = self.reasons.join("; ");
        let words = self.form.into_iter().chain(Some(reasons.as_str()));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        if !words.is_empty() {
            text.push_str(": ");
            text.push_str(&words.join(", "));
        }
        if !self.notes.is_empty() {
            let _ = write!(text, "; note: {}", self.notes.join("; "));
        }
        text
    }
}

pub(super) fn recipe(finding: &Finding) -> String {
    let recipe = &finding.site.recipe;
    match applicability(finding) {
        Some(applicability) => format!("{recipe} ({})", applicability.as_str()),
        None => recipe.clone(),
    }
}

/// Where the lines of a text begin.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn of(text: &str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(breaks).collect())
    }

    /// The line, from 1, that holds a byte.
    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }

    fn of_edit(&self, edit: &Edit) -> RangeInclusive<usize> {
        let last = edit.span.end.saturating_sub(1).max(edit.span.start);
        self.line(edit.span.start)..=self.line(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::splice;
    use crate::finding::Verdict;
    use crate::report::sample;
    use crate::source::Span;

    /// A file of forty numbered lines with some of them replaced.
    fn patch(edits: &[(usize, &str, Option<&str>)]) -> Patch {
        let lines: Vec<String> = (1..=40).map(|line| format!("line {line:02}\n")).collect();
        let before = lines.concat();
        let edits: Vec<(Edit, Option<String>)> = edits
            .iter()
            .map(|(line, text, id)| {
                let start = (line - 1) * 8;
                let end = if text.ends_with('\n') {
                    start
                } else {
                    start + 7
                };
                let edit = Edit::replace(Span::new(start, end), *text);
                (edit, id.map(str::to_owned))
            })
            .collect();
        let plain: Vec<Edit> = edits.iter().map(|(edit, _)| edit.clone()).collect();
        let after = splice(&before, &plain).expect("the edits are disjoint");
        Patch {
            path: "app/agents/advisor.py".into(),
            before,
            after,
            sites: edits.iter().filter_map(|(_, id)| id.clone()).collect(),
            edits,
        }
    }

    fn headers(diff: &str) -> Vec<&str> {
        diff.lines().filter(|line| line.starts_with("@@")).collect()
    }

    #[test]
    fn each_hunk_names_its_own_sites() {
        let inventory = sample::inventory();
        let patch = patch(&[
            (1, "import x\n", None),
            (15, "one", Some("app-agents-advisor-py-0010")),
            (35, "two", Some("app-agents-advisor-py-0040")),
        ]);
        let diff = unified(&patch, &by_id(&inventory));
        assert_eq!(
            headers(&diff),
            [
                "@@ -1,3 +1,4 @@ imports for asyncpg/pool-acquire (safe), asyncpg/pool-acquire (unsafe)",
                "@@ -12,7 +13,7 @@ asyncpg/pool-acquire (safe): rls; note: two writes become atomic",
                "@@ -32,7 +33,7 @@ asyncpg/pool-acquire (unsafe): rls, the identity `user_id` may be `None`: its default is `None`",
            ]
        );
    }

    #[test]
    fn a_hunk_with_nothing_but_a_comment_says_so() {
        let inventory = sample::inventory();
        let comment = "# connmod: review(asyncpg/pool-acquire): why\n";
        let patch = patch(&[
            (15, "one", Some("app-agents-advisor-py-0010")),
            (35, comment, Some("app-agents-advisor-py-0040")),
        ]);
        let diff = unified(&patch, &by_id(&inventory));
        let headers = headers(&diff);
        assert!(headers[0].contains("@@ asyncpg/pool-acquire (safe): rls"));
        assert!(headers[1].contains("@@ comment for a person: asyncpg/pool-acquire"));
    }

    #[test]
    fn sites_of_one_hunk_that_say_the_same_say_it_once() {
        let inventory = sample::inventory();
        let id = Some("app-agents-advisor-py-0010");
        let patch = patch(&[(10, "one", id), (12, "two", id)]);
        let diff = unified(&patch, &by_id(&inventory));
        assert_eq!(headers(&diff).len(), 1);
        assert_eq!(diff.matches("asyncpg/pool-acquire").count(), 1);
    }

    #[test]
    fn sites_of_one_recipe_and_form_are_one_sentence() {
        let mut inventory = sample::inventory();
        for (finding, reason) in inventory.findings.iter_mut().zip(["one", "two", "two"]) {
            finding.site.recipe = "asyncpg/pool-acquire".into();
            finding.verdict = Verdict::Review;
            finding.form = Some("helpers".into());
            finding.reasons = vec![reason.to_owned()];
            finding.notes = vec!["three".into()];
        }
        let sites: Vec<&Finding> = inventory.findings[..3].iter().collect();
        let both = [sites[0], sites[1], sites[2], sites[0]];
        assert_eq!(
            describe_all(&both).as_deref(),
            Some("asyncpg/pool-acquire ×3: helpers, one; two; note: three")
        );
        assert_eq!(describe_all(&[]), None);
    }

    #[test]
    fn a_text_without_edits_that_are_known_has_plain_hunks() {
        let patch = patch(&[(10, "one", Some("no-such-id"))]);
        let diff = unified(&patch, &ById::new());
        assert_eq!(headers(&diff), ["@@ -7,7 +7,7 @@"]);
    }
}
