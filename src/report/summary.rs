//! What a person wants to see first, on a terminal: how much there is, what would change, what is left to decide, and what to do next.

use std::fmt::Write;

use crate::finding::{Finding, Inventory, Remark, Verdict};
use crate::recipe::Severity;
use crate::report::escape::visible;
use crate::report::paint::{COMMAND, FAINT, TITLE, View, of_severity, of_verdict, pad, place};
use crate::report::reasons::{by_reason, first_reason};
use crate::report::totals::{Gap, Tally, Totals, applicability, gap, plural};

/// How many reasons for reviews are shown.
const REASONS: usize = 8;
/// How many sites that are wrong as they stand are shown.
const ERRORS: usize = 10;
/// How many comments without effect are shown.
const REMARKS: usize = 5;
/// How many files that were not read are shown.
const UNREAD: usize = 5;

/// The summary.
pub fn render(inventory: &Inventory, view: View) -> String {
    let totals = Totals::of(inventory);
    let mut out = headline(&totals, view);
    for (language, count) in &inventory.uncovered {
        let files = plural(*count, "file");
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{files} in {language} not looked at: no recipe is for that language"
        );
    }
    if totals.all.total() > 0 {
        patterns(&totals, view, &mut out);
        phases(&totals, view, &mut out);
        reviews(inventory, view, &mut out);
        errors(inventory, view, &mut out);
        gaps(inventory, view, &mut out);
    }
    remarks(inventory, view, &mut out);
    unread(inventory, view, &mut out);
    next_step(&totals, inventory.lacks_standard, view, &mut out);
    out
}

/// Every site on a line of its own: place, verdict, pattern, reason.
pub fn every_site(inventory: &Inventory, view: View) -> String {
    sites(inventory.findings.iter(), view)
}

/// What is left for a person, one site per line: reviews, and regions that do not parse.
pub fn open_sites<'a>(findings: impl Iterator<Item = &'a Finding>, view: View) -> String {
    sites(
        findings.filter(|finding| matches!(finding.verdict, Verdict::Review | Verdict::Unparsed)),
        view,
    )
}

/// What there is to know beside the sites, a line each.
pub fn remark_lines<'a>(remarks: impl Iterator<Item = &'a Remark>) -> String {
    let lines = remarks.map(|remark| {
        let (file, text) = (visible(&remark.file), visible(&remark.text));
        format!("{file}:{}  {text}\n", remark.line)
    });
    lines.collect()
}

fn sites<'a>(findings: impl Iterator<Item = &'a Finding>, view: View) -> String {
    let findings: Vec<&Finding> = findings.collect();
    let places: Vec<String> = findings.iter().map(|finding| place(finding)).collect();
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let place_width = width(&mut places.iter().map(|place| place.chars().count()));
    let verdict_width = width(&mut findings.iter().map(|finding| verdict(finding).len()));
    let pattern_width = width(
        &mut findings
            .iter()
            .map(|finding| finding.site.pattern.as_str().len()),
    );
    let mut out = String::new();
    for (finding, place) in findings.into_iter().zip(places) {
        let line = format!(
            "{}  {}  {}  {}",
            pad(&place, place_width),
            view.paint(
                of_verdict(finding.verdict),
                &pad(&verdict(finding), verdict_width)
            ),
            pad(finding.site.pattern.as_str(), pattern_width),
            view.paint(of_severity(finding.severity), &visible(&remark(finding))),
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn verdict(finding: &Finding) -> String {
    match applicability(finding) {
        Some(applicability) => format!("{}/{}", finding.verdict.as_str(), applicability.as_str()),
        None => finding.verdict.as_str().to_owned(),
    }
}

/// Why a site is what it is, or, where nothing has to be said, what it becomes.
fn remark(finding: &Finding) -> String {
    let mut remarks: Vec<String> = Vec::new();
    if finding.verdict == Verdict::Rewrite {
        let target = finding.target.as_deref().or(finding.form.as_deref());
        remarks.extend(target.map(|target| format!("→ {target}")));
    }
    remarks.extend(finding.reasons.iter().chain(&finding.notes).cloned());
    remarks.join("; ")
}

fn headline(totals: &Totals<'_>, view: View) -> String {
    let all = &totals.all;
    let sites = all.total();
    let files = plural(totals.files, "file");
    if sites == 0 {
        return format!(
            "{}\n",
            view.paint(
                TITLE,
                &format!("{files}, no place that reaches the database")
            )
        );
    }
    let mut parts = vec![
        format!("{} already standard", all.count(Verdict::Standard)),
        format!(
            "{} would be rewritten ({} safe, {} unsafe)",
            all.count(Verdict::Rewrite),
            all.safe(),
            all.not_safe()
        ),
        format!("{} left to review", all.count(Verdict::Review)),
    ];
    for (verdict, word) in [
        (Verdict::Keep, "kept by a rule"),
        (Verdict::Suppressed, "suppressed"),
        (Verdict::Unparsed, "not parsed"),
    ] {
        if all.count(verdict) > 0 {
            parts.push(format!("{} {word}", all.count(verdict)));
        }
    }
    let start = view.paint(TITLE, &format!("{files}, {}", plural(sites, "site")));
    format!("{start}: {}\n", parts.join(", "))
}

fn section(title: &str, view: View, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\n{}", view.paint(TITLE, title));
}

/// The columns that hold a number somewhere.
fn columns(all: &Tally) -> Vec<(Verdict, &'static str)> {
    let columns = [
        (Verdict::Standard, "Standard"),
        (Verdict::Rewrite, "Rewrite"),
        (Verdict::Review, "Review"),
        (Verdict::Keep, "Keep"),
        (Verdict::Suppressed, "Suppressed"),
        (Verdict::Unparsed, "Unparsed"),
    ];
    let always = [Verdict::Standard, Verdict::Rewrite, Verdict::Review];
    columns
        .into_iter()
        .filter(|(verdict, _)| always.contains(verdict) || all.count(*verdict) > 0)
        .collect()
}

/// The phases in the order of the settings, each with whether it is done, and what is still open where it is not.
fn phases(totals: &Totals<'_>, view: View, out: &mut String) {
    let with_sites = totals.contexts.iter();
    let phases: Vec<_> = with_sites.filter(|(_, tally)| tally.total() > 0).collect();
    if phases.len() < 2 {
        return;
    }
    let names = phases.iter().map(|(context, _)| visible(&context.name));
    let width = names.map(|name| name.chars().count()).max();
    let width = width.unwrap_or_default().max("Phase".len());
    section(
        &format!("{}  {:>6}  {:>9}", pad("Phase", width), "Sites", "Done"),
        view,
        out,
    );
    for (context, tally) in phases {
        let done = tally.total() - tally.open();
        let mut open = Vec::new();
        let rewrites = tally.count(Verdict::Rewrite);
        if rewrites > 0 {
            open.push(format!("{rewrites} to rewrite ({} safe)", tally.safe()));
        }
        for (verdict, words) in [
            (Verdict::Review, "to review"),
            (Verdict::Unparsed, "not parsed"),
        ] {
            if tally.count(verdict) > 0 {
                open.push(format!("{} {words}", tally.count(verdict)));
            }
        }
        let word = if open.is_empty() {
            view.paint(of_verdict(Verdict::Standard), "go")
        } else {
            let word = view.paint(of_verdict(Verdict::Review), "no-go");
            format!("{word}: {}", open.join(", "))
        };
        let name = pad(&visible(&context.name), width);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name}  {:>6}  {done:>9}  {word}", tally.total());
    }
}

fn patterns(totals: &Totals<'_>, view: View, out: &mut String) {
    let columns = columns(&totals.all);
    let names = totals.patterns.keys().map(|pattern| pattern.as_str().len());
    let width = names.max().unwrap_or_default().max("Pattern".len());
    let mut title = format!("{}  {:>6}", pad("Pattern", width), "Sites");
    for (_, name) in &columns {
        // Writing to a string cannot fail.
        let _ = write!(title, "  {name:>9}");
    }
    section(&title, view, out);
    let mut row = |name: &str, tally: &Tally| {
        let mut line = format!("{}  {:>6}", pad(name, width), tally.total());
        for (verdict, title) in &columns {
            let width = title.len().max(9);
            let count = tally.count(*verdict);
            let style = if count == 0 {
                FAINT
            } else {
                of_verdict(*verdict)
            };
            let cell = view.paint(style, &format!("{count:>width$}"));
            let _ = write!(line, "  {cell}");
        }
        let _ = writeln!(out, "{line}");
    };
    for (pattern, tally) in &totals.patterns {
        row(pattern.as_str(), tally);
    }
    row("all", &totals.all);
}

fn reviews(inventory: &Inventory, view: View, out: &mut String) {
    let findings = inventory.findings.iter();
    let groups = by_reason(findings.filter(|finding| finding.verdict == Verdict::Review));
    if groups.is_empty() {
        return;
    }
    section("Left to review, by reason", view, out);
    for group in groups.iter().take(REASONS) {
        let site = &group.sites[0].site;
        let place = format!("{}:{}", visible(&site.file), site.line);
        let taken = 2 + 5 + 2 + 2 + place.chars().count();
        let count = view.paint(
            of_verdict(Verdict::Review),
            &format!("{:>5}", group.sites.len()),
        );
        let reason = view.fit(&group.reason, taken);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {count}  {reason}  {}", view.paint(FAINT, &place));
    }
    if groups.len() > REASONS {
        let sites: usize = groups[REASONS..]
            .iter()
            .map(|group| group.sites.len())
            .sum();
        let more = plural(groups.len() - REASONS, "more reason");
        let _ = writeln!(out, "  {sites:>5}  for {more}");
    }
}

fn errors(inventory: &Inventory, view: View, out: &mut String) {
    let errors: Vec<&Finding> = inventory
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    if errors.is_empty() {
        return;
    }
    section(
        &format!("Wrong as they stand ({})", errors.len()),
        view,
        out,
    );
    for finding in errors.iter().take(ERRORS) {
        let place = place(finding);
        let verdict = verdict(finding);
        let taken = 2 + place.chars().count() + 2 + verdict.len() + 2;
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "  {place}  {}  {}",
            view.paint(of_verdict(finding.verdict), &verdict),
            view.paint(
                of_severity(finding.severity),
                &view.fit(&fault(finding), taken)
            ),
        );
    }
    if errors.len() > ERRORS {
        let _ = writeln!(out, "  and {} more", errors.len() - ERRORS);
    }
}

/// What is wrong with a site as it stands, and what becomes of it. How far its edits are proven is no part of that.
fn fault(finding: &Finding) -> String {
    let unprotected = finding
        .facts
        .tables
        .as_ref()
        .filter(|_| gap(finding).is_some());
    let mut parts: Vec<String> = Vec::new();
    if let Some(tables) = unprotected {
        let tables: Vec<&str> = tables.rls.iter().map(String::as_str).collect();
        parts.push(format!("uses {} without a user", tables.join(", ")));
    }
    match (finding.verdict, &finding.target) {
        (Verdict::Rewrite, Some(target)) if !parts.is_empty() => parts.push(format!("→ {target}")),
        _ => parts.push(first_reason(finding).to_owned()),
    }
    parts.join("; ")
}

fn gaps(inventory: &Inventory, view: View, out: &mut String) {
    let gaps: Vec<Gap> = inventory.findings.iter().filter_map(gap).collect();
    if gaps.is_empty() {
        return;
    }
    let count = |fate| gaps.iter().filter(|gap| **gap == fate).count();
    section("Row-level security", view, out);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "  {} use user data without a user: {} closed by rewrites, {} left to review, {} stay",
        plural(gaps.len(), "site"),
        count(Gap::Closed),
        count(Gap::Undecided),
        count(Gap::Stays),
    );
}

fn unread(inventory: &Inventory, view: View, out: &mut String) {
    let mut files: Vec<_> = inventory.unparsed.iter().collect();
    files.sort_by_key(|unparsed| (&unparsed.file, &unparsed.reason));
    if files.is_empty() {
        return;
    }
    section(&format!("Not read or parsed ({})", files.len()), view, out);
    for unparsed in files.iter().take(UNREAD) {
        let file = visible(&unparsed.file);
        let reason = view.fit(&unparsed.reason, 4 + file.chars().count());
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {file}: {reason}");
    }
    if files.len() > UNREAD {
        let _ = writeln!(
            out,
            "  and {} more; `connmod inventory` lists them",
            files.len() - UNREAD
        );
    }
}

/// Comments that look as if they said something to the program and do not.
fn remarks(inventory: &Inventory, view: View, out: &mut String) {
    let remarks = &inventory.remarks;
    if remarks.is_empty() {
        return;
    }
    let title = format!("Comments without effect ({})", remarks.len());
    section(&title, view, out);
    for remark in remarks.iter().take(REMARKS) {
        let place = format!("{}:{}", visible(&remark.file), remark.line);
        let text = view.fit(&remark.text, 4 + place.chars().count());
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {place}  {text}");
    }
    if remarks.len() > REMARKS {
        let _ = writeln!(out, "  and {} more", remarks.len() - REMARKS);
    }
}

fn next_step(totals: &Totals<'_>, lacks_standard: bool, view: View, out: &mut String) {
    let all = &totals.all;
    let command = |text: &str| view.paint(COMMAND, &format!("`{text}`"));
    let mut steps = Vec::new();
    if all.safe() > 0 {
        steps.push(format!("{} shows the safe edits", command("connmod diff")));
    }
    if all.not_safe() > 0 {
        steps.push(format!(
            "{} shows the unsafe ones too",
            command("connmod diff --unsafe")
        ));
    }
    if all.count(Verdict::Review) > 0 && lacks_standard {
        steps.push(format!(
            "{} writes a standard module, or name the project's in {}",
            command("connmod init --scaffold"),
            command("connmod.yaml")
        ));
    } else if all.count(Verdict::Review) > 0 {
        steps.push(format!(
            "{} shows what is left for a person",
            command("connmod diff --review")
        ));
    }
    if !steps.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\nNext: {}", steps.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_sample() {
        let inventory = sample::inventory();
        let view = View::default();
        let text = format!(
            "{}\n---\n{}",
            render(&inventory, view),
            every_site(&inventory, view)
        );
        insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("report-summary", text);
        });
    }

    #[test]
    fn colour_only_adds_escape_sequences() {
        let inventory = sample::inventory();
        let coloured = View {
            colour: true,
            width: None,
        };
        let painted = render(&inventory, coloured);
        assert!(painted.contains('\u{1b}'));
        let stripped = anstream::adapter::strip_str(&painted).to_string();
        assert_eq!(stripped, render(&inventory, View::default()));
    }

    #[test]
    fn there_is_one_line_per_site() {
        let inventory = sample::inventory();
        let text = every_site(&inventory, View::default());
        assert_eq!(text.lines().count(), inventory.findings.len());
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn a_project_without_a_database_gets_one_line() {
        let text = render(&Inventory::default(), View::default());
        assert_eq!(text, "0 files, no place that reaches the database\n");
    }

    #[test]
    fn files_that_no_recipe_is_for_are_told() {
        let inventory = Inventory {
            files: 5,
            uncovered: [("rust", 1)].into(),
            ..Inventory::default()
        };
        assert_eq!(
            render(&inventory, View::default()),
            "5 files, no place that reaches the database\n1 file in rust not looked at: no recipe is for that language\n"
        );
    }

    #[test]
    fn a_project_without_a_standard_is_told_how_to_get_one() {
        let mut inventory = sample::inventory();
        inventory.lacks_standard = true;
        let text = render(&inventory, View::default());
        let next = text.lines().last().unwrap_or_default();
        assert!(next.contains("`connmod init --scaffold` writes"), "{next}");
        assert!(!next.contains("--review"), "{next}");
    }

    #[test]
    fn lines_fit_the_terminal() {
        let mut inventory = sample::inventory();
        for finding in &mut inventory.findings {
            finding.reasons = vec!["long ".repeat(60)];
        }
        let view = View {
            colour: false,
            width: Some(100),
        };
        let text = render(&inventory, view);
        let body = text.lines().skip(1).filter(|line| line.contains("long"));
        for line in body {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}
