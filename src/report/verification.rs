//! The migration's validation checklist, answered from the code: each item with the sites that break it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::finding::{Finding, Inventory};
use crate::recipe::Severity;
use crate::report::escape::visible;
use crate::report::paint::{COMMAND, FAINT, TITLE, View, of_severity, pad, place};
use crate::report::totals::plural;

/// The answers, an item a line, and below an item that does not hold the sites that break it.
pub fn render(inventory: &Inventory, view: View) -> String {
    let by_id: BTreeMap<&str, &Finding> = inventory
        .findings
        .iter()
        .map(|finding| (finding.id.as_str(), finding))
        .collect();
    let mut out = String::new();
    for (title, ids) in &inventory.checklist {
        let mut sites: Vec<&Finding> = ids
            .iter()
            .filter_map(|id| by_id.get(id.as_str()).copied())
            .collect();
        sites.sort_by(|a, b| a.site.cmp(&b.site));
        item(title, &sites, view, &mut out);
    }
    out.push_str(&conclusion(inventory, view));
    out
}

/// Whether every item of the checklist holds.
pub fn holds(inventory: &Inventory) -> bool {
    inventory.checklist.iter().all(|(_, ids)| ids.is_empty())
}

fn item(title: &str, sites: &[&Finding], view: View, out: &mut String) {
    let title = visible(title);
    if sites.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "[x] {title}");
        return;
    }
    let count = plural(sites.len(), "site");
    let line = format!("[ ] {title}: {count}");
    out.push_str(&view.paint(TITLE, &line));
    out.push('\n');
    let places: Vec<String> = sites.iter().map(|finding| place(finding)).collect();
    let width = places.iter().map(|place| place.chars().count()).max();
    for (finding, place) in sites.iter().zip(&places) {
        let start = format!("      {}  ", pad(place, width.unwrap_or_default()));
        let words = why(finding);
        let words = view.fit(&words, start.chars().count());
        let words = view.paint(of_severity(finding.severity), &words);
        out.push_str(format!("{start}{words}").trim_end());
        out.push('\n');
    }
}

/// What a site is, and what there is to say of it.
fn why(finding: &Finding) -> String {
    let verdict = finding.verdict.as_str();
    match finding.reasons.iter().chain(&finding.notes).next() {
        Some(reason) => format!("{verdict}: {reason}"),
        None => verdict.to_owned(),
    }
}

fn conclusion(inventory: &Inventory, view: View) -> String {
    let mut lines = Vec::new();
    let items = inventory.checklist.len();
    let broken = inventory
        .checklist
        .iter()
        .filter(|(_, ids)| !ids.is_empty())
        .count();
    lines.push(if inventory.findings.is_empty() {
        "No place that reaches the database was found, so there is nothing that could break an item.".to_owned()
    } else if broken == 0 {
        format!("Everything holds: {}.", plural(items, "item"))
    } else {
        format!("{} of {} hold.", items - broken, plural(items, "item"))
    });
    if !inventory.unparsed.is_empty() {
        let files = plural(inventory.unparsed.len(), "file");
        lines.push(view.paint(
            of_severity(Severity::Warning),
            &format!("{files} could not be read or parsed, wholly or in part; what stands there is not verified"),
        ));
    }
    if broken > 0 {
        lines.push(format!(
            "{} {}, {} {}",
            view.paint(COMMAND, "connmod diff"),
            view.paint(FAINT, "shows what can be rewritten"),
            view.paint(COMMAND, "connmod diff --review"),
            view.paint(FAINT, "what is left for a person"),
        ));
    }
    format!("\n{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn an_item_that_does_not_hold_names_every_site_that_breaks_it() {
        let inventory = sample::inventory();
        let text = render(&inventory, View::default());
        assert!(
            text.starts_with(
                "[x] Every pool is the shared one\n[ ] Every connection is given back: "
            )
        );
        let (_, broken) = &inventory.checklist[1];
        assert_eq!(
            text.lines()
                .filter(|line| line.starts_with("      "))
                .count(),
            broken.len()
        );
        assert!(text.contains("\n1 of 2 items hold.\n"), "{text}");
        assert!(text.contains("not verified"), "{text}");
        assert!(!holds(&inventory));
    }

    #[test]
    fn a_checklist_that_holds_says_so_once() {
        let mut inventory = sample::inventory();
        inventory.checklist.pop();
        inventory.unparsed.clear();
        let text = render(&inventory, View::default());
        assert_eq!(
            text,
            "[x] Every pool is the shared one\n\nEverything holds: 1 item.\n"
        );
        assert!(holds(&inventory));
    }

    #[test]
    fn without_sites_nothing_is_claimed_to_be_verified() {
        let mut inventory = sample::inventory();
        inventory.findings.clear();
        for (_, ids) in &mut inventory.checklist {
            ids.clear();
        }
        assert!(render(&inventory, View::default()).contains("nothing that could break"));
    }
}
