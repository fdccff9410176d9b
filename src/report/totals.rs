//! All counting that reports do, in one place, so that no two of them can disagree.
//!
//! Reads an [`Inventory`] and nothing else; knows no output format.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::ContextKind;
use crate::edit::Applicability;
use crate::finding::{ContextRef, Finding, Inventory, Verdict};
use crate::recipe::{Pattern, Severity};

/// How many sites ended in each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    verdicts: [usize; Verdict::ALL.len()],
    safe: usize,
    not_safe: usize,
}

impl Tally {
    /// Counts `findings`.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut tally = Self::default();
        for finding in findings {
            tally.add(finding);
        }
        tally
    }

    fn add(&mut self, finding: &Finding) {
        self.verdicts[index(finding.verdict)] += 1;
        match applicability(finding) {
            Some(Applicability::Safe) => self.safe += 1,
            Some(Applicability::Unsafe) => self.not_safe += 1,
            None => {}
        }
    }

    /// The sites with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.verdicts[index(verdict)]
    }

    /// All sites.
    pub fn total(&self) -> usize {
        self.verdicts.iter().sum()
    }

    /// Those with a rewrite that every rule allows.
    pub fn safe(&self) -> usize {
        self.safe
    }

    /// Those with a rewrite of which one named rule is not proven.
    pub fn not_safe(&self) -> usize {
        self.not_safe
    }

    /// Those that somebody has yet to do something about: rewrites, reviews, and regions that do not parse.
    pub fn open(&self) -> usize {
        self.count(Verdict::Rewrite) + self.count(Verdict::Review) + self.count(Verdict::Unparsed)
    }
}

fn index(verdict: Verdict) -> usize {
    // `ALL` holds every verdict in the order of the declaration, which a test checks.
    verdict as usize
}

/// How far the edits of a site are proven; `None` unless its verdict is a rewrite.
pub fn applicability(finding: &Finding) -> Option<Applicability> {
    match finding.verdict {
        Verdict::Rewrite => finding.applicability(),
        _ => None,
    }
}

/// Every number that a report may show.
#[derive(Debug, Clone)]
pub struct Totals<'a> {
    /// Files read.
    pub files: usize,
    /// Files parsed.
    pub parsed: usize,
    /// All sites.
    pub all: Tally,
    /// By pattern; only patterns that occur.
    pub patterns: BTreeMap<Pattern, Tally>,
    /// By recipe; also recipes without a site.
    pub recipes: BTreeMap<&'a str, Tally>,
    /// By context, in the order of the settings, then those that the settings do not name; also contexts without a site.
    pub contexts: Vec<(&'a ContextRef, Tally)>,
    /// By pattern and position in [`Self::contexts`]; only pairs that occur.
    pub matrix: BTreeMap<(Pattern, usize), Tally>,
    /// By file; only files with sites.
    pub by_file: BTreeMap<&'a str, Tally>,
    /// By severity; only those that occur.
    pub severities: BTreeMap<Severity, usize>,
}

impl<'a> Totals<'a> {
    /// Counts everything in `inventory`.
    pub fn of(inventory: &'a Inventory) -> Self {
        let mut totals = Self {
            files: inventory.files,
            parsed: inventory.parsed,
            all: Tally::default(),
            patterns: BTreeMap::new(),
            recipes: inventory
                .titles
                .keys()
                .map(|id| (id.as_str(), Tally::default()))
                .collect(),
            contexts: contexts(inventory)
                .into_iter()
                .map(|context| (context, Tally::default()))
                .collect(),
            matrix: BTreeMap::new(),
            by_file: BTreeMap::new(),
            severities: BTreeMap::new(),
        };
        let positions: BTreeMap<&ContextRef, usize> = totals
            .contexts
            .iter()
            .enumerate()
            .map(|(position, (context, _))| (*context, position))
            .collect();
        for finding in &inventory.findings {
            let site = &finding.site;
            let position = positions[&finding.facts.context];
            let tallies = [
                &mut totals.all,
                totals.patterns.entry(site.pattern).or_default(),
                totals.recipes.entry(&site.recipe).or_default(),
                &mut totals.contexts[position].1,
                totals.matrix.entry((site.pattern, position)).or_default(),
                totals.by_file.entry(&site.file).or_default(),
            ];
            for tally in tallies {
                tally.add(finding);
            }
            *totals.severities.entry(finding.severity).or_default() += 1;
        }
        totals
    }

    /// The sites with this severity.
    pub fn severity(&self, severity: Severity) -> usize {
        self.severities.get(&severity).copied().unwrap_or_default()
    }
}

/// The contexts of the settings in their order, then others that cover a site, by name. A name comes once, unless its kinds differ.
fn contexts(inventory: &Inventory) -> Vec<&ContextRef> {
    let mut seen = BTreeSet::new();
    let mut contexts: Vec<&ContextRef> = inventory
        .contexts
        .iter()
        .filter(|context| seen.insert(*context))
        .collect();
    let others: BTreeSet<&ContextRef> = inventory
        .findings
        .iter()
        .map(|finding| &finding.facts.context)
        .filter(|context| !seen.contains(context))
        .collect();
    contexts.extend(others);
    contexts
}

/// What happens to a site that uses tables under row-level security without a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// It stays: the form it has, or gets, sets no user.
    Stays,
    /// It stays until a person decides.
    Undecided,
    /// The proposed rewrite sets the user.
    Closed,
}

/// Whether a site uses user data without a user, and what becomes of that. Scripts, tests and the standard's own module are no gaps:
/// they are kept on purpose.
pub fn gap(finding: &Finding) -> Option<Gap> {
    let tables = finding.facts.tables.as_ref()?;
    let on_purpose = matches!(
        finding.facts.context.kind,
        ContextKind::Script | ContextKind::Test | ContextKind::Standard | ContextKind::Root
    );
    if tables.rls.is_empty() || on_purpose || finding.site.pattern == Pattern::RlsBlock {
        return None;
    }
    Some(match finding.verdict {
        Verdict::Rewrite if finding.form.as_deref() == Some("rls") => Gap::Closed,
        Verdict::Review | Verdict::Unparsed => Gap::Undecided,
        _ => Gap::Stays,
    })
}

/// How much of a whole, in words: `62 of 189 (32 %)`. Only all of it is 100 %, and only nothing is 0 %.
pub fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return format!("{part} of {whole}");
    }
    match (part * 200 + whole) / (2 * whole) {
        0 if part > 0 => format!("{part} of {whole} (under 1 %)"),
        100 if part < whole => format!("{part} of {whole} (99 %)"),
        percent => format!("{part} of {whole} ({percent} %)"),
    }
}

/// The number with its noun: `1 site`, `2 sites`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_verdict_has_its_own_place() {
        for (position, verdict) in Verdict::ALL.into_iter().enumerate() {
            assert_eq!(index(verdict), position);
        }
    }

    #[test]
    fn every_way_of_counting_gives_the_same_sum() {
        let inventory = sample::inventory();
        let totals = Totals::of(&inventory);
        let sites = inventory.findings.len();
        let ways: [Vec<&Tally>; 6] = [
            vec![&totals.all],
            totals.patterns.values().collect(),
            totals.recipes.values().collect(),
            totals.contexts.iter().map(|(_, tally)| tally).collect(),
            totals.matrix.values().collect(),
            totals.by_file.values().collect(),
        ];
        for tallies in ways {
            assert_eq!(
                tallies.iter().map(|tally| tally.total()).sum::<usize>(),
                sites
            );
            for verdict in Verdict::ALL {
                let counted: usize = tallies.iter().map(|tally| tally.count(verdict)).sum();
                assert_eq!(counted, totals.all.count(verdict), "{verdict:?}");
            }
            let safe: usize = tallies.iter().map(|tally| tally.safe()).sum();
            assert_eq!(safe, totals.all.safe());
        }
        assert_eq!(
            totals.all.safe() + totals.all.not_safe(),
            totals.all.count(Verdict::Rewrite)
        );
        assert_eq!(totals.severities.values().sum::<usize>(), sites);
    }

    #[test]
    fn contexts_come_in_the_order_of_the_settings_and_others_last() {
        let inventory = sample::inventory();
        let totals = Totals::of(&inventory);
        let names: Vec<&str> = totals
            .contexts
            .iter()
            .map(|(context, _)| context.name.as_str())
            .collect();
        assert_eq!(names, ["services", "agents", "jobs", "scripts", "other"]);
    }

    #[test]
    fn a_gap_is_user_data_without_a_user() {
        let inventory = sample::inventory();
        let gaps: Vec<(usize, Gap)> = inventory
            .findings
            .iter()
            .filter_map(|finding| Some((finding.site.line, gap(finding)?)))
            .collect();
        assert_eq!(
            gaps,
            [
                (10, Gap::Closed),
                (40, Gap::Closed),
                (90, Gap::Undecided),
                (7, Gap::Stays),
            ]
        );
    }

    #[test]
    fn shares_are_never_rounded_up_to_all_or_down_to_nothing() {
        assert_eq!(share(0, 0), "0 of 0");
        assert_eq!(share(1, 3), "1 of 3 (33 %)");
        assert_eq!(share(2, 3), "2 of 3 (67 %)");
        assert_eq!(share(1, 1000), "1 of 1000 (under 1 %)");
        assert_eq!(share(999, 1000), "999 of 1000 (99 %)");
        assert_eq!(share(3, 3), "3 of 3 (100 %)");
    }
}
