//! What stands where: every site under its file, and what was looked at without becoming a site.

use std::collections::BTreeMap;

use super::{Align, Report, Table, count_sites, heading, paragraph, tables, verdict};
use crate::finding::{Finding, Verdict};
use crate::report::markdown::{code, prose};
use crate::report::totals::Tally;

pub(super) fn render(report: &Report<'_>, out: &mut String) {
    heading(out, 2, "Sites by file");
    paragraph(
        out,
        "🔒 marks tables that row-level security protects; *unknown* says that not all tables are known before the program runs.",
    );
    let mut sites: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.inventory.findings {
        sites.entry(&finding.site.file).or_default().push(finding);
    }
    for (file, findings) in sites {
        let tally = Tally::of(findings.iter().copied());
        heading(out, 3, &code(file));
        let counts: Vec<String> = Verdict::ALL
            .into_iter()
            .filter(|verdict| tally.count(*verdict) > 0)
            .map(|verdict| format!("{} {}", tally.count(verdict), verdict.as_str()))
            .collect();
        paragraph(
            out,
            &format!("{}: {}.", count_sites(tally.total()), counts.join(", ")),
        );
        let mut table = Table::new(&[
            ("Line", Align::Right),
            ("Function", Align::Left),
            ("Pattern", Align::Left),
            ("Tables", Align::Left),
            ("Verdict", Align::Left),
            ("Target", Align::Left),
            ("Reason", Align::Left),
        ]);
        for finding in findings {
            table.row(&site(report, finding));
        }
        out.push_str(&table.finish());
    }
}

fn site(report: &Report<'_>, finding: &Finding) -> [String; 7] {
    let function = finding.facts.function.as_deref();
    let remarks = finding.reasons.iter().chain(&finding.notes);
    let remarks: Vec<String> = remarks.map(|remark| prose(remark)).collect();
    [
        finding.site.line.to_string(),
        function.map_or_else(|| "–".to_owned(), code),
        report.title(finding),
        tables(finding),
        verdict(finding),
        target(finding),
        remarks.join("; "),
    ]
}

fn target(finding: &Finding) -> String {
    let form = finding.form.as_deref();
    match (&finding.target, form) {
        (Some(target), _) => code(target),
        (None, Some(form)) => prose(form),
        (None, None) => String::new(),
    }
}

pub(super) fn render_dismissed(report: &Report<'_>, out: &mut String) {
    if report.inventory.dismissed.is_empty() {
        return;
    }
    heading(out, 2, "Looks alike, is no site");
    paragraph(
        out,
        "A recipe's query found these; they are proven to be something other than a database connection.",
    );
    let mut hits: Vec<_> = report.inventory.dismissed.iter().collect();
    hits.sort();
    let mut table = Table::new(&[
        ("Place", Align::Left),
        ("Recipe", Align::Left),
        ("What it is", Align::Left),
    ]);
    for hit in hits {
        table.row(&[
            code(&format!("{}:{}", hit.file, hit.line)),
            code(&hit.recipe),
            prose(&hit.reason),
        ]);
    }
    out.push_str(&table.finish());
}

pub(super) fn render_remarks(report: &Report<'_>, out: &mut String) {
    let remarks = &report.inventory.remarks;
    if remarks.is_empty() {
        return;
    }
    heading(out, 2, "Comments without effect");
    let mut table = Table::new(&[("Place", Align::Left), ("What is wrong", Align::Left)]);
    for remark in remarks {
        let place = code(&format!("{}:{}", remark.file, remark.line));
        table.row(&[place, prose(&remark.text)]);
    }
    out.push_str(&table.finish());
}

pub(super) fn render_unparsed(report: &Report<'_>, out: &mut String) {
    if report.inventory.unparsed.is_empty() {
        return;
    }
    heading(out, 2, "Files that were not read or parsed");
    paragraph(out, "Whatever these hold is not in the numbers above.");
    let mut files: Vec<_> = report.inventory.unparsed.iter().collect();
    files.sort_by_key(|unparsed| (&unparsed.file, &unparsed.reason));
    let mut table = Table::new(&[("File", Align::Left), ("What is wrong", Align::Left)]);
    for unparsed in files {
        table.row(&[code(&unparsed.file), prose(&unparsed.reason)]);
    }
    out.push_str(&table.finish());
}
