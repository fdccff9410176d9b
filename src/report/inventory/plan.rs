//! The work that is left: phases in the order of the settings, and the checklist that says when it is done.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Align, Report, Table, count_sites, heading, paragraph, place};
use crate::finding::{ContextRef, Finding, Verdict};
use crate::report::escape::is_obeyed;
use crate::report::markdown::{code, prose};
use crate::report::totals::{Tally, plural};

/// Minutes to read the hunk of a safe rewrite.
const SAFE: usize = 1;
/// Minutes to check the one rule that an unsafe rewrite rests on.
const UNSAFE: usize = 5;
/// Minutes to decide and change a site by hand, also one in a region that does not parse.
const REVIEW: usize = 15;
/// How many sites that break an item of the checklist are listed.
const BREAKERS: usize = 12;

pub(super) fn render_phases(report: &Report<'_>, out: &mut String) {
    heading(out, 2, "Phases");
    paragraph(
        out,
        &format!(
            "One phase per context, in the order of the settings. The estimate counts {SAFE} minute to read a safe rewrite, {UNSAFE} \
             to check an unsafe one and {REVIEW} to decide a review; tests and roll-out come on top."
        ),
    );
    let contexts = &report.totals.contexts;
    let open: Vec<_> = contexts
        .iter()
        .filter(|(_, tally)| tally.open() > 0)
        .collect();
    for (index, (context, tally)) in open.iter().enumerate() {
        phase(report, index + 1, context, tally, out);
    }
    if open.len() > 1 {
        paragraph(
            out,
            &format!(
                "All phases: {} to change or decide, about {}.",
                count_sites(report.totals.all.open()),
                duration(minutes(&report.totals.all))
            ),
        );
    }
    let done: Vec<String> = contexts
        .iter()
        .filter(|(_, tally)| tally.open() == 0)
        .map(|(context, tally)| {
            format!("{} ({})", prose(&context.name), count_sites(tally.total()))
        })
        .collect();
    if !done.is_empty() {
        paragraph(out, &format!("No changes needed: {}.", done.join(", ")));
    }
}

fn phase(
    report: &Report<'_>,
    number: usize,
    context: &ContextRef,
    tally: &Tally,
    out: &mut String,
) {
    let name = prose(&context.name);
    heading(out, 3, &format!("Phase {number}: {name}"));
    let mut files: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.inventory.findings {
        if finding.facts.context == *context {
            files.entry(&finding.site.file).or_default().push(finding);
        }
    }
    let tallies: Vec<(&str, Tally)> = files
        .into_iter()
        .map(|(file, findings)| (file, Tally::of(findings)))
        .filter(|(_, tally)| tally.open() > 0)
        .collect();
    paragraph(
        out,
        &format!(
            "Effort: {} in {}, about {}. `connmod diff --phase {}` shows the edits.",
            count_sites(tally.open()),
            plural(tallies.len(), "file"),
            duration(minutes(tally)),
            shell_word(&context.name),
        ),
    );
    let mut table = Table::new(&[
        ("File", Align::Left),
        ("Rewrite, safe", Align::Right),
        ("Rewrite, unsafe", Align::Right),
        ("Review", Align::Right),
        ("Unparsed", Align::Right),
        ("Already done", Align::Right),
    ]);
    for (file, tally) in tallies {
        table.row(&[
            code(file),
            tally.safe().to_string(),
            tally.not_safe().to_string(),
            tally.count(Verdict::Review).to_string(),
            tally.count(Verdict::Unparsed).to_string(),
            (tally.total() - tally.open()).to_string(),
        ]);
    }
    out.push_str(&table.finish());
}

/// A name as an argument, where it can stand inside of a code span as it is.
fn shell_word(name: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./".contains(character);
    if name.chars().all(plain) {
        name.to_owned()
    } else if name.chars().any(|c| is_obeyed(c) || "'`".contains(c)) {
        "…".to_owned()
    } else {
        format!("'{name}'")
    }
}

fn minutes(tally: &Tally) -> usize {
    let by_hand = tally.count(Verdict::Review) + tally.count(Verdict::Unparsed);
    tally.safe() * SAFE + tally.not_safe() * UNSAFE + by_hand * REVIEW
}

/// A rough length of time: minutes in steps of five, from two hours on hours in steps of one half. Rounded up.
fn duration(minutes: usize) -> String {
    if minutes < 120 {
        return format!("{} min", minutes.div_ceil(5) * 5);
    }
    let halves = minutes.div_ceil(30);
    let half = if halves.is_multiple_of(2) { "" } else { "½" };
    format!("{}{half} h", halves / 2)
}

pub(super) fn render_checklist(report: &Report<'_>, out: &mut String) {
    if report.inventory.checklist.is_empty() {
        return;
    }
    heading(out, 2, "Validation checklist");
    let by_id: BTreeMap<&str, &Finding> = report
        .inventory
        .findings
        .iter()
        .map(|finding| (finding.id.as_str(), finding))
        .collect();
    for (title, broken_by) in &report.inventory.checklist {
        // Writing to a string cannot fail.
        let _ = if broken_by.is_empty() {
            writeln!(out, "- [x] {}", prose(title))
        } else {
            writeln!(
                out,
                "- [ ] {} ({}: {})",
                prose(title),
                count_sites(broken_by.len()),
                breakers(broken_by, &by_id)
            )
        };
    }
    out.push('\n');
}

/// The sites that break an item, by file with their lines, the first of many: all of them would bury the list.
fn breakers(ids: &[String], by_id: &BTreeMap<&str, &Finding>) -> String {
    let mut sites: Vec<&Finding> = ids
        .iter()
        .filter_map(|id| by_id.get(id.as_str()).copied())
        .collect();
    sites.sort_by(|a, b| a.site.cmp(&b.site));
    let hidden = sites.len().saturating_sub(BREAKERS);
    // One more than is shown would take no more room than to say so.
    let shown = if hidden > 1 { BREAKERS } else { sites.len() };
    let mut files: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &sites[..shown] {
        files.entry(&finding.site.file).or_default().push(finding);
    }
    let mut parts: Vec<String> = files
        .into_iter()
        .map(|(file, findings)| {
            if let [finding] = findings[..] {
                return place(finding);
            }
            let lines: Vec<String> = findings
                .iter()
                .map(|finding| finding.site.line.to_string())
                .collect();
            format!("{} lines {}", code(file), lines.join(", "))
        })
        .collect();
    if shown < sites.len() {
        parts.push(format!("and {hidden} more"));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::source::Span;

    #[test]
    fn a_phase_is_named_as_a_shell_takes_it() {
        assert_eq!(shell_word("services"), "services");
        assert_eq!(shell_word("api routes"), "'api routes'");
        assert_eq!(shell_word("it's `x`"), "…");
        assert_eq!(shell_word("a\nb"), "…");
    }

    #[test]
    fn many_sites_that_break_an_item_are_counted() {
        let mut inventory = sample::inventory();
        let first = inventory.findings[0].clone();
        inventory.findings = (1..=40)
            .map(|line| {
                let mut finding = first.clone();
                finding.id = format!("{line}");
                (finding.site.line, finding.site.span) = (line, Span::at(line));
                finding
            })
            .collect();
        let findings = inventory.findings.iter();
        let by_id = findings
            .map(|finding| (finding.id.as_str(), finding))
            .collect();
        let ids: Vec<String> = inventory.findings.iter().map(|f| f.id.clone()).collect();
        let text = breakers(&ids, &by_id);
        assert!(
            text.ends_with("lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12; and 28 more"),
            "{text}"
        );
        assert!(!breakers(&ids[..13], &by_id).contains("more"));
    }

    #[test]
    fn durations_are_rounded_up() {
        assert_eq!(duration(0), "0 min");
        assert_eq!(duration(1), "5 min");
        assert_eq!(duration(119), "120 min");
        assert_eq!(duration(120), "2 h");
        assert_eq!(duration(121), "2½ h");
        assert_eq!(duration(180), "3 h");
    }
}
