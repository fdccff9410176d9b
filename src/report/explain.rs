//! `explain FILE:LINE`: all that is known about one site, in words.

use std::fmt::Write;
use std::ops::RangeInclusive;

use crate::config::{Config, ContextKind, globs};
use crate::finding::{Finding, Identity, Inventory, Verdict};
use crate::recipe::{PoolClass, Recipe};
use crate::report::diff;
use crate::report::escape::visible;
use crate::report::paint::{FAINT, TITLE, View, of_severity, of_verdict, place};
use crate::report::totals::applicability;

/// One site with what is needed to explain it.
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'a> {
    /// The site.
    pub finding: &'a Finding,
    /// The recipe that located it.
    pub recipe: Option<&'a Recipe>,
    /// The settings it was decided by.
    pub config: &'a Config,
    /// The text of its file as it was read.
    pub source: Option<&'a str>,
    /// The diff of its own edits; empty where there are none.
    pub diff: &'a str,
}

/// The sites at a line: those that begin there, else those that open the innermost block around it. `source` is the text of the file.
pub fn at<'a>(
    inventory: &'a Inventory,
    file: &str,
    line: usize,
    source: Option<&str>,
) -> Vec<&'a Finding> {
    let sites = inventory.findings.iter();
    let around: Vec<(RangeInclusive<usize>, &Finding)> = sites
        .filter(|finding| finding.site.file == file)
        .map(|finding| (reach(finding, source), finding))
        .filter(|(lines, _)| lines.contains(&line))
        .collect();
    let at = |begin: usize| {
        let sites = around.iter().map(|(_, finding)| *finding);
        sites
            .filter(|finding| finding.site.line == begin)
            .collect::<Vec<_>>()
    };
    let here = at(line);
    if !here.is_empty() {
        return here;
    }
    let innermost = around
        .iter()
        .min_by_key(|(lines, _)| lines.end() - lines.start());
    innermost.map_or_else(Vec::new, |(_, finding)| at(finding.site.line))
}

/// The lines that a site is about: itself, the block that it opens, and what its edits reshape.
fn reach(finding: &Finding, source: Option<&str>) -> RangeInclusive<usize> {
    let site = &finding.site;
    let mut lines = (site.line, site.end_line.max(site.block_end_line));
    let region = finding.fix.as_ref().map(|fix| fix.region);
    if let (Some(region), Some(source)) = (region, source) {
        let line_of = |offset: usize| {
            let before = source.as_bytes().iter().take(offset);
            1 + before.filter(|byte| **byte == b'\n').count()
        };
        lines.0 = lines.0.min(line_of(region.start));
        lines.1 = lines.1.max(line_of(region.end.saturating_sub(1)));
    }
    lines.0..=lines.1
}

/// What can be said about a line that no site covers.
pub fn nothing_at(inventory: &Inventory, file: &str, line: usize) -> String {
    let name = visible(file);
    let mut out = format!("{name}:{line}: no site\n");
    let hits = inventory.dismissed.iter();
    for hit in hits.filter(|hit| hit.file == file && hit.line == line) {
        let (recipe, reason) = (visible(&hit.recipe), visible(&hit.reason));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {recipe} looked at column {}: {reason}", hit.column);
    }
    let faults = inventory.unparsed.iter();
    for unparsed in faults.filter(|unparsed| unparsed.file == file) {
        let _ = writeln!(out, "  the file: {}", visible(&unparsed.reason));
    }
    let sites = inventory.findings.iter();
    let sites: Vec<&Finding> = sites.filter(|finding| finding.site.file == file).collect();
    if !sites.is_empty() {
        out.push_str("  sites of the file:\n");
    } else if !inventory.unparsed.iter().any(|other| other.file == file) {
        out.push_str("  the file has no site at all\n");
    }
    for finding in sites {
        let function = finding.facts.function.as_deref().unwrap_or("module level");
        let _ = writeln!(
            out,
            "  {:>6}  {:<22}  {}",
            finding.site.line,
            finding.site.pattern.as_str(),
            visible(function)
        );
    }
    out
}

/// Everything about one site.
pub fn render(explanation: &Explanation<'_>, view: View) -> String {
    let finding = explanation.finding;
    let mut out = String::new();
    title(explanation, view, &mut out);
    source(explanation, view, &mut out);
    verdict(explanation, view, &mut out);
    known(explanation, view, &mut out);
    list("Reasons", &finding.reasons, view, &mut out);
    list("Notes", &finding.notes, view, &mut out);
    if !explanation.diff.is_empty() {
        section("Proposed change", view, &mut out);
        out.push_str(&diff::shown(explanation.diff, view));
    }
    out
}

fn section(name: &str, view: View, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\n{}", view.paint(TITLE, name));
}

fn title(explanation: &Explanation<'_>, view: View, out: &mut String) {
    let site = &explanation.finding.site;
    let title = explanation
        .recipe
        .map_or(site.pattern.as_str(), |recipe| recipe.title.as_str());
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{}  {} ({})",
        view.paint(TITLE, &place(explanation.finding)),
        visible(title),
        visible(&site.recipe)
    );
    if let Some(recipe) = explanation.recipe {
        for line in recipe.why.lines() {
            let _ = writeln!(out, "{}", visible(line));
        }
    }
}

/// The lines of the site, the first few of a long one.
fn source(explanation: &Explanation<'_>, view: View, out: &mut String) {
    const SHOWN: usize = 12;
    let Some(text) = explanation.source else {
        return;
    };
    let site = &explanation.finding.site;
    section("Located", view, out);
    let last = site.end_line.min(site.line + SHOWN - 1);
    let lines = text.split('\n').enumerate().skip(site.line.max(1) - 1);
    for (index, line) in lines.take_while(|(index, _)| *index < last) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        // Tabs keep their width; nothing else that is not text is shown raw.
        let shown: Vec<_> = line.split('\t').map(visible).collect();
        let number = view.paint(FAINT, &format!("{:>6} |", index + 1));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{number} {}", shown.join("\t"));
    }
    if site.end_line > last {
        let _ = writeln!(out, "       | … to line {}", site.end_line);
    }
}

fn verdict(explanation: &Explanation<'_>, view: View, out: &mut String) {
    let finding = explanation.finding;
    section("Verdict", view, out);
    let mut text = view.paint(of_verdict(finding.verdict), finding.verdict.as_str());
    if let Some(applicability) = applicability(finding) {
        let _ = write!(text, ", {}", applicability.as_str());
    }
    if let Some(form) = &finding.form {
        let _ = write!(text, ", form {}", visible(form));
    }
    if let Some(target) = &finding.target {
        let _ = write!(text, ": {}", visible(target));
    }
    // Writing to a string cannot fail.
    let _ = writeln!(out, "  {text}");
    if let Some(meaning) = meaning(finding.verdict) {
        let _ = writeln!(out, "  {meaning}");
    }
    let severity = view.paint(of_severity(finding.severity), finding.severity.as_str());
    let _ = writeln!(out, "  severity {severity}");
    match (finding.decided_by, explanation.recipe) {
        (Some(line), Some(recipe)) => {
            let origin = visible(&recipe.origin);
            let _ = writeln!(out, "  decided by {origin}:{line}");
        }
        (Some(line), None) => {
            let id = visible(&finding.site.recipe);
            let _ = writeln!(out, "  decided by line {line} of {id}");
        }
        (None, _) => {
            let _ = writeln!(out, "  decided by no row of the recipe");
        }
    }
}

/// What a verdict says beyond its name.
fn meaning(verdict: Verdict) -> Option<&'static str> {
    Some(match verdict {
        Verdict::Rewrite => return None,
        Verdict::Standard => "already in the target form, and the right one for its data",
        Verdict::Keep => "a rule of the recipe says that this form stays here",
        Verdict::Review => "a person decides",
        Verdict::Suppressed => "a comment at the site says to leave it",
        Verdict::Unparsed => "the code around it does not parse, so nothing is edited",
    })
}

fn known(explanation: &Explanation<'_>, view: View, out: &mut String) {
    let facts = &explanation.finding.facts;
    section("What is known", view, out);
    let mut fact = |name: &str, text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {name:<9} {}", visible(text));
    };
    fact("pattern", explanation.finding.site.pattern.as_str());
    fact("context", &context(explanation));
    fact(
        "function",
        facts.function.as_deref().unwrap_or("none: module level"),
    );
    let pool = facts.pool.as_ref().map(|pool| {
        let class = match pool.class {
            PoolClass::Shared => "the shared one",
            PoolClass::Own => "not the shared one",
            PoolClass::Unknown => "not known",
        };
        format!("{class}: {}", pool.story)
    });
    fact("pool", pool.as_deref().unwrap_or("none is involved"));
    fact("tables", &tables(explanation.finding));
    fact("user", &identity(explanation.finding));
}

fn context(explanation: &Explanation<'_>) -> String {
    let context = &explanation.finding.facts.context;
    let behalf = match context.kind {
        ContextKind::User => "runs on behalf of a user",
        ContextKind::System => "runs on behalf of the system",
        ContextKind::Script => "runs once, by hand",
        ContextKind::Standard => "defines the standard",
        ContextKind::Test => "tests",
        ContextKind::Root => "puts the program together",
        ContextKind::Unknown => "no context of the settings covers it",
    };
    let name = &context.name;
    match why_context(explanation) {
        Some(why) => format!("{name} ({behalf}): {why}"),
        None => format!("{name} ({behalf})"),
    }
}

/// Which setting put the site into its context.
fn why_context(explanation: &Explanation<'_>) -> Option<String> {
    let name = &explanation.finding.facts.context.name;
    let contexts = &explanation.config.contexts;
    let context = contexts.iter().find(|context| context.name == *name)?;
    let file = &explanation.finding.site.file;
    let matching = context
        .paths
        .iter()
        .find(|path| globs(std::slice::from_ref(path)).is_match(file));
    if let Some(path) = matching {
        return Some(format!("its file matches `{path}`"));
    }
    let marks: Vec<String> = context
        .decorators
        .iter()
        .map(|decorator| format!("@{decorator}"))
        .chain(context.bases.iter().map(|base| format!("class …({base})")))
        .chain(context.parameters.iter().map(|name| format!("…: {name}")))
        .collect();
    (!marks.is_empty()).then(|| format!("a definition around it has one of {}", marks.join(", ")))
}

fn tables(finding: &Finding) -> String {
    let Some(tables) = &finding.facts.tables else {
        return "none: no SQL here".to_owned();
    };
    let mut names: Vec<String> = tables
        .known
        .union(&tables.rls)
        .map(|table| {
            if tables.rls.contains(table) {
                format!("{table} (RLS)")
            } else {
                table.clone()
            }
        })
        .collect();
    if !tables.complete {
        names.push("others that are not known before the program runs".to_owned());
    }
    if names.is_empty() {
        names.push("none".to_owned());
    }
    names.join(", ")
}

fn identity(finding: &Finding) -> String {
    let target = finding.target.as_deref().unwrap_or_default();
    match &finding.facts.identity {
        Identity::Bound { expression } if target.contains(&format!("(str({expression})")) => {
            format!("`{expression}`, passed as text: the scope declares its user as `str`")
        }
        Identity::Bound { expression } => format!("`{expression}`"),
        Identity::Optional { expression, why } => {
            format!("`{expression}`, which may be `None`: {why}")
        }
        Identity::None => "none in scope".to_owned(),
    }
}

fn list(name: &str, items: &[String], view: View, out: &mut String) {
    if items.is_empty() {
        return;
    }
    section(name, view, out);
    for item in items {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  - {}", visible(item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Context;
    use crate::report::sample;
    use crate::source::Span;

    fn config() -> Config {
        Config {
            contexts: vec![Context {
                name: "agents".into(),
                kind: ContextKind::User,
                paths: vec!["app/agents/**".into()],
                decorators: Vec::new(),
                bases: Vec::new(),
                parameters: Vec::new(),
            }],
            ..Config::default()
        }
    }

    #[test]
    fn the_sample() {
        let inventory = sample::inventory();
        let config = config();
        let source =
            "\n".repeat(9) + "\tasync with pool.acquire() as conn:\n\t\tone\n\t\ttwo\u{7}\n";
        let explanations: Vec<String> = [
            ("app/agents/advisor.py", 11),
            ("app/agents/advisor.py", 40),
            ("app/services/ratings.py", 30),
            ("scripts/seed.py", 3),
        ]
        .into_iter()
        .flat_map(|(file, line)| at(&inventory, file, line, None))
        .map(|finding| {
            let explanation = Explanation {
                finding,
                recipe: None,
                config: &config,
                source: (finding.site.line == 10).then_some(source.as_str()),
                diff: "",
            };
            render(&explanation, View::default())
        })
        .collect();
        assert_eq!(explanations.len(), 4);
        insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("report-explain", explanations.join("\n---\n"));
        });
    }

    #[test]
    fn a_line_inside_of_nested_sites_means_the_innermost() {
        let mut inventory = sample::inventory();
        inventory.findings[0].site.block_end_line = 100;
        let lines = |line, source| {
            let found = at(&inventory, "app/agents/advisor.py", line, source);
            let lines = found.iter().map(|finding| finding.site.line);
            lines.collect::<Vec<_>>()
        };
        assert_eq!(lines(41, None), [40]);
        assert_eq!(lines(43, None), [10]);
        assert_eq!(lines(100, None), [10]);
        assert!(lines(9, None).is_empty());
        assert!(lines(101, None).is_empty());
    }

    #[test]
    fn what_the_edits_reshape_belongs_to_the_site() {
        let mut inventory = sample::inventory();
        let fix = inventory.findings[0].fix.as_mut().expect("a rewrite");
        fix.region = Span::new(0, 200);
        let source = "\n".repeat(400);
        let found = at(&inventory, "app/agents/advisor.py", 200, Some(&source));
        assert_eq!(found[0].site.line, 10);
        assert!(at(&inventory, "app/agents/advisor.py", 201, Some(&source)).is_empty());
    }

    #[test]
    fn a_line_without_a_site_says_what_was_seen() {
        let inventory = sample::inventory();
        let lock = nothing_at(&inventory, "app/locks.py", 4);
        assert!(lock.contains("is an `asyncio.Lock`"), "{lock}");
        let beside = nothing_at(&inventory, "app/agents/advisor.py", 1);
        assert!(beside.contains("\n      10  pool_acquire "), "{beside}");
        assert!(beside.contains("\n      40  pool_acquire "), "{beside}");
        let broken = nothing_at(&inventory, "tools/latin1.py", 1);
        assert!(broken.contains("not UTF-8"), "{broken}");
        assert!(!broken.contains("no site at all"), "{broken}");
    }
}
