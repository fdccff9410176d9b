//! The inventory: the document that a team reviews before a migration, and reads again after each phase of it.
//!
//! Markdown, the same bytes for the same findings: no time stamps, no absolute paths, nothing in the order of a hash map.

mod audit;
mod files;
mod overview;
mod plan;
mod rls;

use crate::finding::{Finding, Inventory, Verdict};
use crate::recipe::Pattern;
use crate::report::markdown::{Align, Table, code, heading, paragraph, prose};
use crate::report::totals::{Totals, plural};

/// The inventory as Markdown.
pub fn render(inventory: &Inventory) -> String {
    let report = Report {
        inventory,
        totals: Totals::of(inventory),
    };
    let mut out = String::from(
        "# Database connection inventory\n\n\
         Written by `connmod inventory`; run it again instead of editing this file. \
         Each site is a place in the code that opens, borrows or passes around a database connection.\n\n",
    );
    overview::render(&report, &mut out);
    rls::render_gaps(&report, &mut out);
    audit::render(&report, &mut out);
    files::render(&report, &mut out);
    rls::render_register(&report, &mut out);
    plan::render_phases(&report, &mut out);
    plan::render_checklist(&report, &mut out);
    files::render_dismissed(&report, &mut out);
    files::render_remarks(&report, &mut out);
    files::render_unparsed(&report, &mut out);
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// What all sections read.
struct Report<'a> {
    inventory: &'a Inventory,
    totals: Totals<'a>,
}

impl<'a> Report<'a> {
    fn with_verdict(&self, verdict: Verdict) -> impl Iterator<Item = &'a Finding> + use<'a> {
        self.inventory
            .findings
            .iter()
            .filter(move |finding| finding.verdict == verdict)
    }

    /// What the recipe calls the pattern of a site.
    fn title(&self, finding: &Finding) -> String {
        let title = self.inventory.titles.get(&finding.site.recipe);
        prose(title.map_or(finding.site.pattern.as_str(), String::as_str))
    }

    /// What its recipes call a pattern, and its name in other reports.
    fn pattern(&self, pattern: Pattern) -> String {
        let mut titles: Vec<&str> = self
            .inventory
            .findings
            .iter()
            .filter(|finding| finding.site.pattern == pattern)
            .filter_map(|finding| self.inventory.titles.get(&finding.site.recipe))
            .map(String::as_str)
            .collect();
        titles.sort_unstable();
        titles.dedup();
        let name = code(pattern.as_str());
        if titles.is_empty() {
            name
        } else {
            format!("{} ({name})", prose(&titles.join(" / ")))
        }
    }
}

/// Where a site is, for lists.
fn place(finding: &Finding) -> String {
    code(&format!("{}:{}", finding.site.file, finding.site.line))
}

/// Where a site is, and in which function.
fn place_in_function(finding: &Finding) -> String {
    match &finding.facts.function {
        Some(function) => format!("{} in {}", place(finding), code(function)),
        None => place(finding),
    }
}

/// The tables of a site, those under row-level security marked; with `…` where they may not be all.
fn tables(finding: &Finding) -> String {
    let Some(tables) = &finding.facts.tables else {
        return "–".to_owned();
    };
    let mut names: Vec<String> = tables
        .known
        .union(&tables.rls)
        .map(|name| {
            let mark = if tables.rls.contains(name) {
                " 🔒"
            } else {
                ""
            };
            format!("{}{mark}", code(name))
        })
        .collect();
    match (tables.complete, names.is_empty()) {
        (false, _) => names.push("*unknown*".to_owned()),
        (true, true) => names.push("–".to_owned()),
        (true, false) => {}
    }
    names.join(", ")
}

/// The verdict of a site, with the applicability of its edits.
fn verdict(finding: &Finding) -> String {
    match crate::report::totals::applicability(finding) {
        Some(applicability) => format!("{} ({})", finding.verdict.as_str(), applicability.as_str()),
        None => finding.verdict.as_str().to_owned(),
    }
}

fn count_sites(count: usize) -> String {
    plural(count, "site")
}

#[cfg(test)]
mod tests;
