//! Row-level security: where user data is used without a user, and where each table's protection comes from.

use std::collections::BTreeMap;

use super::{Align, Report, Table, count_sites, heading, paragraph, place_in_function};
use crate::finding::Finding;
use crate::report::markdown::{code, prose};
use crate::report::totals::{Gap, gap};

pub(super) fn render_gaps(report: &Report<'_>, out: &mut String) {
    heading(out, 2, "Row-level security gaps");
    let mut gaps: Vec<(Gap, &Finding)> = report
        .inventory
        .findings
        .iter()
        .filter_map(|finding| Some((gap(finding)?, finding)))
        .collect();
    if gaps.is_empty() {
        paragraph(
            out,
            "None is known: no site outside of scripts, tests and the standard's own module uses a table under row-level \
             security without a user.",
        );
        return;
    }
    // The sort is stable: within one fate the sites stay in the order of files.
    gaps.sort_by_key(|(gap, _)| *gap);
    paragraph(
        out,
        &format!(
            "{} use tables under row-level security on a connection that has no user. To a role that is subject to the \
             policies such a query returns no rows, or fails; to a role that is not, it returns the rows of every user.",
            count_sites(gaps.len())
        ),
    );
    let mut table = Table::new(&[
        ("Site", Align::Left),
        ("Context", Align::Left),
        ("User data", Align::Left),
        ("After the migration", Align::Left),
    ]);
    for (gap, finding) in gaps {
        let tables = finding.facts.tables.iter().flat_map(|tables| &tables.rls);
        let tables: Vec<String> = tables.map(|table| code(table)).collect();
        table.row(&[
            place_in_function(finding),
            prose(&finding.facts.context.name),
            tables.join(", "),
            fate(gap).to_owned(),
        ]);
    }
    out.push_str(&table.finish());
}

fn fate(gap: Gap) -> &'static str {
    match gap {
        Gap::Stays => "⚠ stays: its form sets no user",
        Gap::Undecided => "open: a person decides",
        Gap::Closed => "closed by the rewrite",
    }
}

pub(super) fn render_register(report: &Report<'_>, out: &mut String) {
    heading(out, 2, "Tables under row-level security");
    let tables = &report.inventory.rls_tables;
    if tables.is_empty() {
        paragraph(
            out,
            "None is known. If the schema lies elsewhere, say where under `schema.files` in `connmod.yaml`.",
        );
        return;
    }
    let uses = uses(report.inventory.findings.iter());
    let mut sorted: Vec<_> = tables.iter().collect();
    sorted.sort();
    let mut table = Table::new(&[
        ("Table", Align::Left),
        ("User data", Align::Left),
        ("Sites", Align::Right),
        ("Where it comes from", Align::Left),
    ]);
    for entry in sorted {
        let sources: Vec<String> = entry
            .sources
            .iter()
            .map(|(file, line, what)| {
                format!("{} {}", code(&format!("{file}:{line}")), prose(what))
            })
            .collect();
        let user_data = if entry.user_data {
            "🔒 yes"
        } else {
            "no: its policies are open, or the settings say so"
        };
        let sites = uses.get(entry.table.as_str()).copied().unwrap_or_default();
        table.row(&[
            code(&entry.table),
            user_data.to_owned(),
            sites.to_string(),
            sources.join("<br>"),
        ]);
    }
    out.push_str(&table.finish());
}

/// How many sites are known to use each table.
fn uses<'a>(findings: impl Iterator<Item = &'a Finding>) -> BTreeMap<&'a str, usize> {
    let mut uses = BTreeMap::new();
    for tables in findings.filter_map(|finding| finding.facts.tables.as_ref()) {
        for table in tables.known.union(&tables.rls) {
            *uses.entry(table.as_str()).or_default() += 1;
        }
    }
    uses
}
