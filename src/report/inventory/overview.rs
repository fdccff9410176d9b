//! What a team lead reads first: the numbers, what changes, and what needs a person.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{
    Align, Report, Table, count_sites, heading, paragraph, place, place_in_function, prose,
};
use crate::finding::{Finding, Verdict};
use crate::recipe::{Pattern, Severity};
use crate::report::markdown::code;
use crate::report::reasons::by_reason;
use crate::report::totals::{Gap, Tally, applicability, gap, plural, share};

pub(super) fn render(report: &Report<'_>, out: &mut String) {
    heading(out, 2, "Summary");
    headlines(report, out);
    by_pattern(report, out);
    by_context(report, out);
    changes(report, out);
    reviews(report, out);
}

fn headlines(report: &Report<'_>, out: &mut String) {
    let totals = &report.totals;
    let all = &totals.all;
    let sites = all.total();
    let mut line = |label: &str, text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "- **{label}:** {text}");
    };
    line(
        "Sites",
        &format!(
            "{sites} in {} ({} read, {} parsed)",
            plural(totals.by_file.len(), "file"),
            totals.files,
            totals.parsed
        ),
    );
    line(
        "Already standard",
        &share(all.count(Verdict::Standard), sites),
    );
    line(
        "Will change",
        &format!(
            "{}; {} safe, {} unsafe",
            share(all.count(Verdict::Rewrite), sites),
            all.safe(),
            all.not_safe()
        ),
    );
    line("Need a person", &share(all.count(Verdict::Review), sites));
    line(
        "Stay as they are by a rule",
        &share(all.count(Verdict::Keep), sites),
    );
    for (verdict, label) in [
        (Verdict::Suppressed, "Suppressed by a comment"),
        (Verdict::Unparsed, "In regions that do not parse"),
    ] {
        if all.count(verdict) > 0 {
            line(label, &share(all.count(verdict), sites));
        }
    }
    let errors = totals.severity(Severity::Error);
    if errors > 0 {
        line("Wrong as they stand", &count_sites(errors));
    }
    let findings = report.inventory.findings.iter();
    let gaps: Vec<Gap> = findings.filter_map(gap).collect();
    if !gaps.is_empty() {
        let closed = gaps.iter().filter(|gap| **gap == Gap::Closed).count();
        line(
            "Row-level security gaps",
            &format!(
                "{} use user data without a user; {closed} of them closed by a rewrite",
                count_sites(gaps.len())
            ),
        );
    }
    out.push('\n');
}

fn verdict_columns<'a>(first: &[&'a str]) -> Vec<(&'a str, Align)> {
    let mut columns: Vec<(&str, Align)> = first.iter().map(|title| (*title, Align::Left)).collect();
    columns.extend([
        ("Sites", Align::Right),
        ("Standard", Align::Right),
        ("Rewrite, safe", Align::Right),
        ("Rewrite, unsafe", Align::Right),
        ("Keep", Align::Right),
        ("Review", Align::Right),
        ("Suppressed", Align::Right),
        ("Unparsed", Align::Right),
    ]);
    columns
}

fn verdict_cells(first: &[String], tally: &Tally, bold: bool) -> Vec<String> {
    let counts = [
        tally.total(),
        tally.count(Verdict::Standard),
        tally.safe(),
        tally.not_safe(),
        tally.count(Verdict::Keep),
        tally.count(Verdict::Review),
        tally.count(Verdict::Suppressed),
        tally.count(Verdict::Unparsed),
    ];
    let strong = |text: &str| {
        if bold && !text.is_empty() {
            format!("**{text}**")
        } else {
            text.to_owned()
        }
    };
    let mut cells: Vec<String> = first.iter().map(|text| strong(text)).collect();
    cells.extend(counts.map(|count| strong(&count.to_string())));
    cells
}

/// Each pattern in each context, under the pattern's own total.
fn by_pattern(report: &Report<'_>, out: &mut String) {
    if report.totals.patterns.is_empty() {
        paragraph(out, "No site was found.");
        return;
    }
    heading(out, 3, "By pattern and context");
    let mut table = Table::new(&verdict_columns(&["Pattern", "Context"]));
    for (pattern, tally) in &report.totals.patterns {
        let name = report.pattern(*pattern);
        table.row(&verdict_cells(&[name, "all".into()], tally, true));
        let of_pattern = (*pattern, 0)..=(*pattern, usize::MAX);
        for ((_, context), tally) in report.totals.matrix.range(of_pattern) {
            let name = prose(&report.totals.contexts[*context].0.name);
            table.row(&verdict_cells(&[String::new(), name], tally, false));
        }
    }
    table.row(&verdict_cells(
        &["All".into(), String::new()],
        &report.totals.all,
        true,
    ));
    out.push_str(&table.finish());
}

fn by_context(report: &Report<'_>, out: &mut String) {
    if report.totals.all.total() == 0 {
        return;
    }
    heading(out, 3, "By context");
    let mut table = Table::new(&verdict_columns(&["Context", "Kind"]));
    for (context, tally) in &report.totals.contexts {
        let first = [prose(&context.name), context.kind.as_str().to_owned()];
        table.row(&verdict_cells(&first, tally, false));
    }
    table.row(&verdict_cells(
        &["All".into(), String::new()],
        &report.totals.all,
        true,
    ));
    out.push_str(&table.finish());
}

fn changes(report: &Report<'_>, out: &mut String) {
    heading(out, 2, "What will change");
    let rewrites: Vec<&Finding> = report.with_verdict(Verdict::Rewrite).collect();
    if rewrites.is_empty() {
        paragraph(out, "Nothing: no rewrite is proposed.");
        return;
    }
    let mut forms: BTreeMap<(Pattern, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in &rewrites {
        let form = finding.form.as_deref().unwrap_or("–");
        forms
            .entry((finding.site.pattern, form))
            .or_default()
            .push(finding);
    }
    let mut table = Table::new(&[
        ("From", Align::Left),
        ("To", Align::Left),
        ("Safe", Align::Right),
        ("Unsafe", Align::Right),
    ]);
    for ((pattern, form), findings) in forms {
        let tally = Tally::of(findings);
        table.row(&[
            report.pattern(pattern),
            prose(form),
            tally.safe().to_string(),
            tally.not_safe().to_string(),
        ]);
    }
    out.push_str(&table.finish());
    paragraph(
        out,
        "Safe edits keep the meaning by every rule. Unsafe edits rest on one rule that is not proven; \
         `connmod apply` leaves them out unless it is given `--unsafe`.",
    );
    not_proven(&rewrites, out);
}

fn not_proven(rewrites: &[&Finding], out: &mut String) {
    let groups = by_reason(
        rewrites
            .iter()
            .copied()
            .filter(|finding| applicability(finding) == Some(crate::edit::Applicability::Unsafe)),
    );
    if groups.is_empty() {
        return;
    }
    heading(out, 3, "Why edits are unsafe");
    for group in groups {
        let sites = count_sites(group.sites.len());
        let places: Vec<String> = group
            .sites
            .iter()
            .map(|site| match group.detail(site) {
                detail if detail.is_empty() => place(site),
                detail => format!("{} ({})", place(site), prose(&detail)),
            })
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "- {} ({sites}): {}",
            prose(&group.reason),
            places.join(", ")
        );
    }
    out.push('\n');
}

fn reviews(report: &Report<'_>, out: &mut String) {
    heading(out, 2, "What needs a person");
    let groups = by_reason(report.with_verdict(Verdict::Review));
    if groups.is_empty() {
        paragraph(out, "Nothing: every site is decided.");
        return;
    }
    paragraph(
        out,
        &format!(
            "{} for {}, most frequent first.",
            count_sites(report.totals.all.count(Verdict::Review)),
            plural(groups.len(), "reason")
        ),
    );
    for (index, group) in groups.iter().enumerate() {
        let sites = count_sites(group.sites.len());
        heading(
            out,
            3,
            &format!("{}. {} ({sites})", index + 1, prose(&group.reason)),
        );
        for finding in &group.sites {
            review(finding, &group.detail(finding), out);
        }
        out.push('\n');
    }
}

/// One site with what its group's heading does not say.
fn review(finding: &Finding, detail: &str, out: &mut String) {
    let mut remarks: Vec<&str> = Vec::new();
    if !detail.is_empty() {
        remarks.push(detail);
    }
    remarks.extend(finding.reasons.iter().skip(1).map(String::as_str));
    remarks.extend(finding.notes.iter().map(String::as_str));
    let mut line = format!("- {}", place_in_function(finding));
    if finding.severity == Severity::Error {
        line.push_str(" **error**");
    }
    if !remarks.is_empty() {
        let remarks: Vec<String> = remarks.into_iter().map(prose).collect();
        let _ = write!(line, ": {}", remarks.join("; "));
    }
    if finding
        .facts
        .tables
        .as_ref()
        .is_some_and(|tables| !tables.rls.is_empty())
    {
        let names = finding.facts.tables.iter().flat_map(|tables| &tables.rls);
        let names: Vec<String> = names.map(|name| code(name)).collect();
        let _ = write!(line, " (user data: {})", names.join(", "));
    }
    line.push('\n');
    out.push_str(&line);
}
