//! A patch as the choices that it leaves to a person, each with the reason for it.
//!
//! What a person chooses are sites; hunks are how the choice is shown.

use std::fmt::Write as _;

use crate::finding::{Finding, Patch};
use crate::report::diff::{self, Hunk};
use crate::report::escape::visible;
use crate::report::hunks::{ById, Hunks, recipe};
use crate::report::paint::{self, View};

/// What a patch does in one place that is to be taken or left as a whole.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The sites, in their order.
    pub sites: Vec<&'a Finding>,
    /// The changes for them, in their order.
    pub hunks: Vec<Hunk>,
}

/// The choices that a patch leaves, in the order of their first hunks, and the hunks that are nobody's choice: they follow from what is
/// chosen, as imports do and the removal of what nothing reads any more.
///
/// Sites are one choice when they share a hunk, or when one needs the other.
pub fn choices<'a>(patch: &Patch, findings: &ById<'a>) -> (Vec<Choice<'a>>, Vec<Hunk>) {
    let lines = Hunks::of(patch, findings);
    let mut choices: Vec<Choice<'a>> = Vec::new();
    let mut following = Vec::new();
    for hunk in diff::hunks(&patch.before, &patch.after) {
        let mut sites = lines.sites(&hunk.changes);
        sites.retain(|site| is_wanted_itself(site));
        if sites.is_empty() {
            following.push(hunk);
            continue;
        }
        let mut choice = Choice {
            sites,
            hunks: vec![hunk],
        };
        let (same, others): (Vec<_>, Vec<_>) = choices
            .into_iter()
            .partition(|other: &Choice<'_>| other.belongs_to(&choice));
        choices = others;
        for other in same {
            choice.sites.extend(other.sites);
            choice.hunks.extend(other.hunks);
        }
        choice.sites.sort_by_key(|site| (&site.site, &site.id));
        choice.sites.dedup_by_key(|site| &site.id);
        choice.hunks.sort_by_key(|hunk| hunk.before.start);
        choices.push(choice);
    }
    choices.sort_by_key(|choice| choice.hunks.first().map(|hunk| hunk.before.start));
    (choices, following)
}

/// Whether a site is rewritten because somebody wants it, not because nothing reads it after other rewrites.
fn is_wanted_itself(finding: &Finding) -> bool {
    let fix = finding.fix.as_ref();
    fix.is_some_and(|fix| !fix.edits.is_empty())
}

impl Choice<'_> {
    fn belongs_to(&self, other: &Self) -> bool {
        let needs = |one: &Finding, site: &Finding| {
            let fix = one.fix.as_ref();
            fix.is_some_and(|fix| fix.requires.contains(&site.id))
        };
        self.sites.iter().any(|one| {
            let mut others = other.sites.iter();
            others.any(|site| one.id == site.id || needs(one, site) || needs(site, one))
        })
    }

    /// The reasons for each site, and the hunks.
    pub fn shown(&self, view: View) -> String {
        let mut text = String::new();
        for finding in &self.sites {
            let site = &finding.site;
            let place = format!("{}:{}:{}:", visible(&site.file), site.line, site.column);
            let form = finding.form.as_deref();
            let form = form.map_or_else(String::new, |form| format!(": {form}"));
            let words = format!("{}{}", recipe(finding), visible(&form));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {words}", view.paint(paint::TITLE, &place));
            for reason in &finding.reasons {
                let _ = writeln!(text, "  {}", visible(reason));
            }
            for note in &finding.notes {
                let _ = writeln!(text, "  note: {}", visible(note));
            }
        }
        text + &shown(&self.hunks, view)
    }
}

/// Hunks for whoever reads them. What a terminal would obey is written out even where the answer comes through a pipe: nobody applies
/// this text.
pub fn shown(hunks: &[Hunk], view: View) -> String {
    let width = view.width.or(Some(diff::ANY_WIDTH));
    let hunks = hunks
        .iter()
        .map(|hunk| format!("{}\n{}", hunk.header(), hunk.body));
    diff::shown(&hunks.collect::<String>(), View { width, ..view })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{Applicability, Edit, splice};
    use crate::finding::Fix;
    use crate::report::hunks::by_id;
    use crate::report::sample;
    use crate::source::Span;

    /// Forty lines of eight bytes, in which the edits change lines for the findings of the sample, by their numbers.
    fn patch(edits: &[(usize, usize)], findings: &mut [Finding]) -> Patch {
        let before: String = (1..=40).map(|line| format!("line {line:02}\n")).collect();
        let mut all = Vec::new();
        for (line, index) in edits {
            let start = (line - 1) * 8;
            let edit = Edit::replace(Span::new(start, start + 7), format!("new  {line:02}"));
            let finding = &mut findings[*index];
            let fix = finding.fix.get_or_insert_with(|| Fix {
                edits: Vec::new(),
                region: edit.span,
                applicability: Applicability::Safe,
                imports: Vec::new(),
                removes: false,
                requires: std::collections::BTreeSet::new(),
            });
            fix.edits.push(edit.clone());
            all.push((edit, Some(finding.id.clone())));
        }
        let plain: Vec<Edit> = all.iter().map(|(edit, _)| edit.clone()).collect();
        Patch {
            path: "app/a.py".into(),
            after: splice(&before, &plain).expect("the edits are disjoint"),
            before,
            sites: all.iter().filter_map(|(_, id)| id.clone()).collect(),
            edits: all,
        }
    }

    /// Which findings of the sample the choices are about, and how many hunks each has.
    fn outline(
        edits: &[(usize, usize)],
        requires: &[(usize, usize)],
    ) -> (Vec<(usize, usize)>, usize) {
        let mut inventory = sample::inventory();
        for finding in &mut inventory.findings {
            finding.fix = None;
        }
        let patch = patch(edits, &mut inventory.findings);
        for (one, other) in requires {
            let id = inventory.findings[*other].id.clone();
            let fix = inventory.findings[*one].fix.as_mut().expect("it has edits");
            fix.requires.insert(id);
        }
        let findings = by_id(&inventory);
        let (choices, following) = choices(&patch, &findings);
        let outline = choices
            .iter()
            .map(|choice| (choice.sites.len(), choice.hunks.len()));
        (outline.collect(), following.len())
    }

    #[test]
    fn sites_apart_are_choices_of_their_own() {
        assert_eq!(outline(&[(5, 0), (30, 1)], &[]), (vec![(1, 1), (1, 1)], 0));
    }

    #[test]
    fn sites_of_one_hunk_are_one_choice() {
        assert_eq!(outline(&[(5, 0), (8, 1)], &[]), (vec![(2, 1)], 0));
    }

    #[test]
    fn a_site_with_changes_in_two_places_is_one_choice() {
        let edits = [(5, 0), (18, 1), (30, 0)];
        assert_eq!(outline(&edits, &[]), (vec![(1, 2), (1, 1)], 0));
    }

    #[test]
    fn a_site_goes_with_the_one_that_it_needs() {
        assert_eq!(outline(&[(5, 0), (30, 1)], &[(1, 0)]), (vec![(2, 2)], 0));
    }

    #[test]
    fn what_no_site_asks_for_is_no_choice() {
        let mut inventory = sample::inventory();
        let mut patch = patch(&[(5, 0), (30, 1)], &mut inventory.findings);
        for (_, id) in &mut patch.edits {
            *id = None;
        }
        let findings = by_id(&inventory);
        let (choices, following) = choices(&patch, &findings);
        assert_eq!((choices.len(), following.len()), (0, 2));
    }
}
