//! `scan --format json`: the report that programs read.
//!
//! Its keys and their meaning are a promise: later versions may add keys, but never change or remove one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use crate::edit::Applicability;
use crate::finding::{Finding, Identity, Inventory, Remark, Verdict};
use crate::recipe::{IdentityClass, PoolClass, Severity};
use crate::report::escape::is_obeyed;
use crate::report::totals::{Tally, Totals, applicability};

/// The version of the format; it changes only if a key has to change its meaning.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    /// Paths are relative to it.
    root: &'static str,
    summary: Summary<'a>,
    sites: Vec<SiteRecord<'a>>,
    unparsed: Vec<UnparsedRecord<'a>>,
    remarks: Vec<RemarkRecord<'a>>,
    dismissed: Vec<DismissedRecord<'a>>,
    rls_table_register: Vec<RlsTableRecord<'a>>,
    contexts: Vec<ContextRecord<'a>>,
    recipes: Vec<RecipeRecord<'a>>,
    checklist: Vec<ChecklistRecord<'a>>,
}

#[derive(Serialize)]
struct Summary<'a> {
    files: usize,
    parsed: usize,
    sites: usize,
    by_verdict: BTreeMap<&'static str, usize>,
    by_recipe: BTreeMap<&'a str, usize>,
    by_context: BTreeMap<&'a str, usize>,
    by_pattern: BTreeMap<&'static str, usize>,
    by_severity: BTreeMap<&'static str, usize>,
    by_applicability: BTreeMap<&'static str, usize>,
    /// The sites of each pattern in each context, by verdict.
    matrix: Vec<MatrixRecord<'a>>,
}

#[derive(Serialize)]
struct MatrixRecord<'a> {
    pattern: &'static str,
    context: &'a str,
    sites: usize,
    by_verdict: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct SiteRecord<'a> {
    id: &'a str,
    file: &'a str,
    line: usize,
    end_line: usize,
    column: usize,
    recipe: &'a str,
    migration: &'a str,
    pattern: &'static str,
    function: Option<&'a str>,
    context: &'a str,
    context_kind: &'static str,
    verdict: &'static str,
    applicability: Option<&'static str>,
    form: Option<&'a str>,
    target: Option<&'a str>,
    /// `null` when not all tables are known; `known_tables` has those that are.
    tables: Option<Vec<&'a str>>,
    known_tables: Vec<&'a str>,
    rls_tables: Vec<&'a str>,
    identity: Option<&'a str>,
    /// `bound`, `optional` (may be `None`) or `none`.
    identity_class: &'static str,
    pool: Option<PoolRecord<'a>>,
    reasons: Vec<&'a str>,
    notes: Vec<&'a str>,
    severity: &'static str,
    /// The line of the recipe file whose row decided.
    decided_by: Option<usize>,
}

#[derive(Serialize)]
struct PoolRecord<'a> {
    class: &'static str,
    story: &'a str,
}

#[derive(Serialize)]
struct UnparsedRecord<'a> {
    file: &'a str,
    reason: &'a str,
}

/// A comment that looks as if it said something to the program and does not.
#[derive(Serialize)]
struct RemarkRecord<'a> {
    file: &'a str,
    line: usize,
    text: &'a str,
}

#[derive(Serialize)]
struct DismissedRecord<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    recipe: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct RlsTableRecord<'a> {
    table: &'a str,
    user_data: bool,
    sources: Vec<SourceRecord<'a>>,
}

#[derive(Serialize)]
struct SourceRecord<'a> {
    file: &'a str,
    line: usize,
    what: &'a str,
}

#[derive(Serialize)]
struct ContextRecord<'a> {
    name: &'a str,
    kind: &'static str,
}

#[derive(Serialize)]
struct RecipeRecord<'a> {
    id: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct ChecklistRecord<'a> {
    title: &'a str,
    holds: bool,
    /// The ids of the sites that break it.
    broken_by: Vec<&'a str>,
}

/// The report as one JSON object, indented, with a final line break.
#[expect(
    clippy::missing_panics_doc,
    reason = "the records hold nothing that JSON cannot say"
)]
pub fn render(inventory: &Inventory) -> String {
    let totals = Totals::of(inventory);
    let report = Report {
        schema_version: SCHEMA_VERSION,
        root: ".",
        summary: summary(&totals),
        sites: inventory.findings.iter().map(site).collect(),
        unparsed: unparsed(inventory),
        remarks: remarks(inventory),
        dismissed: dismissed(inventory),
        rls_table_register: register(inventory),
        contexts: contexts(&totals),
        recipes: recipes(inventory),
        checklist: checklist(inventory),
    };
    let mut text = Escaped(String::new());
    serde_json::to_writer_pretty(&mut text, &report)
        .expect("strings, numbers and maps with string keys are always JSON");
    let Escaped(mut text) = text;
    text.push('\n');
    text
}

/// JSON with an escape for each character that a terminal would obey; serde leaves those beyond ASCII. Line breaks stand between values,
/// all others inside of texts.
struct Escaped(String);

impl io::Write for Escaped {
    /// Takes a piece of JSON; serde writes whole characters.
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        for c in str::from_utf8(piece).map_err(io::Error::other)?.chars() {
            if is_obeyed(c) && c != '\n' {
                // All of them lie in the first plane; writing to a string does not fail.
                let _ = write!(self.0, "\\u{:04x}", u32::from(c));
            } else {
                self.0.push(c);
            }
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn summary<'a>(totals: &Totals<'a>) -> Summary<'a> {
    let mut by_context: BTreeMap<&str, usize> = BTreeMap::new();
    for (context, tally) in &totals.contexts {
        *by_context.entry(&context.name).or_default() += tally.total();
    }
    let severities = [
        Severity::None,
        Severity::Info,
        Severity::Warning,
        Severity::Error,
    ];
    Summary {
        files: totals.files,
        parsed: totals.parsed,
        sites: totals.all.total(),
        by_verdict: by_verdict(&totals.all),
        by_recipe: totals
            .recipes
            .iter()
            .map(|(id, tally)| (*id, tally.total()))
            .collect(),
        by_context,
        by_pattern: totals
            .patterns
            .iter()
            .map(|(pattern, tally)| (pattern.as_str(), tally.total()))
            .collect(),
        by_severity: severities
            .iter()
            .map(|severity| (severity.as_str(), totals.severity(*severity)))
            .collect(),
        by_applicability: BTreeMap::from([
            ("safe", totals.all.safe()),
            ("unsafe", totals.all.not_safe()),
        ]),
        matrix: matrix(totals),
    }
}

/// Every verdict, also those that no site has.
fn by_verdict(tally: &Tally) -> BTreeMap<&'static str, usize> {
    Verdict::ALL
        .iter()
        .map(|verdict| (verdict.as_str(), tally.count(*verdict)))
        .collect()
}

fn matrix<'a>(totals: &Totals<'a>) -> Vec<MatrixRecord<'a>> {
    let cells = totals.matrix.iter();
    cells
        .map(|((pattern, context), tally)| MatrixRecord {
            pattern: pattern.as_str(),
            context: &totals.contexts[*context].0.name,
            sites: tally.total(),
            by_verdict: by_verdict(tally),
        })
        .collect()
}

fn site(finding: &Finding) -> SiteRecord<'_> {
    let Finding { site, facts, .. } = finding;
    let tables = facts.tables.as_ref();
    let known: Vec<&str> = tables.map_or_else(Vec::new, |tables| texts(&tables.known));
    SiteRecord {
        id: &finding.id,
        file: &site.file,
        line: site.line,
        end_line: site.end_line,
        column: site.column,
        recipe: &site.recipe,
        migration: site
            .recipe
            .split_once('/')
            .map_or(site.recipe.as_str(), |(migration, _)| migration),
        pattern: site.pattern.as_str(),
        function: facts.function.as_deref(),
        context: &facts.context.name,
        context_kind: facts.context.kind.as_str(),
        verdict: finding.verdict.as_str(),
        applicability: applicability(finding).map(Applicability::as_str),
        form: finding.form.as_deref(),
        target: finding.target.as_deref(),
        tables: tables
            .is_none_or(|tables| tables.complete)
            .then(|| known.clone()),
        known_tables: known,
        rls_tables: tables.map_or_else(Vec::new, |tables| texts(&tables.rls)),
        identity: facts.identity.expression(),
        identity_class: identity_class(&facts.identity),
        pool: facts.pool.as_ref().map(|pool| PoolRecord {
            class: pool_class(pool.class),
            story: &pool.story,
        }),
        reasons: texts(&finding.reasons),
        notes: texts(&finding.notes),
        severity: finding.severity.as_str(),
        decided_by: finding.decided_by,
    }
}

fn texts<'a>(values: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    values.into_iter().map(String::as_str).collect()
}

fn identity_class(identity: &Identity) -> &'static str {
    match identity.class() {
        IdentityClass::Bound => "bound",
        IdentityClass::Optional => "optional",
        IdentityClass::None => "none",
    }
}

fn pool_class(class: PoolClass) -> &'static str {
    match class {
        PoolClass::Shared => "shared",
        PoolClass::Own => "own",
        PoolClass::Unknown => "unknown",
    }
}

fn unparsed(inventory: &Inventory) -> Vec<UnparsedRecord<'_>> {
    let mut records: Vec<_> = inventory
        .unparsed
        .iter()
        .map(|unparsed| UnparsedRecord {
            file: &unparsed.file,
            reason: &unparsed.reason,
        })
        .collect();
    records.sort_by_key(|record| (record.file, record.reason));
    records
}

fn remarks(inventory: &Inventory) -> Vec<RemarkRecord<'_>> {
    let remarks = inventory.remarks.iter();
    remarks
        .map(|Remark { file, line, text }| RemarkRecord {
            file,
            line: *line,
            text,
        })
        .collect()
}

fn dismissed(inventory: &Inventory) -> Vec<DismissedRecord<'_>> {
    let hits: BTreeSet<_> = inventory.dismissed.iter().collect();
    hits.into_iter()
        .map(|hit| DismissedRecord {
            file: &hit.file,
            line: hit.line,
            column: hit.column,
            recipe: &hit.recipe,
            reason: &hit.reason,
        })
        .collect()
}

fn register(inventory: &Inventory) -> Vec<RlsTableRecord<'_>> {
    let tables: BTreeSet<_> = inventory.rls_tables.iter().collect();
    tables
        .into_iter()
        .map(|table| RlsTableRecord {
            table: &table.table,
            user_data: table.user_data,
            sources: table
                .sources
                .iter()
                .map(|(file, line, what)| SourceRecord {
                    file,
                    line: *line,
                    what,
                })
                .collect(),
        })
        .collect()
}

fn contexts<'a>(totals: &Totals<'a>) -> Vec<ContextRecord<'a>> {
    let contexts = totals.contexts.iter();
    contexts
        .map(|(context, _)| ContextRecord {
            name: &context.name,
            kind: context.kind.as_str(),
        })
        .collect()
}

fn recipes(inventory: &Inventory) -> Vec<RecipeRecord<'_>> {
    let titles = inventory.titles.iter();
    titles
        .map(|(id, title)| RecipeRecord { id, title })
        .collect()
}

fn checklist(inventory: &Inventory) -> Vec<ChecklistRecord<'_>> {
    let items = inventory.checklist.iter();
    items
        .map(|(title, broken_by)| ChecklistRecord {
            title,
            holds: broken_by.is_empty(),
            broken_by: texts(broken_by),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::sample;

    fn report(inventory: &Inventory) -> Value {
        serde_json::from_str(&render(inventory)).expect("the report is JSON")
    }

    #[test]
    fn the_sample() {
        insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("report-json", render(&sample::inventory()));
        });
    }

    #[test]
    fn every_verdict_is_counted_even_where_there_is_no_site() {
        let report = report(&Inventory::default());
        let counts = report["summary"]["by_verdict"]
            .as_object()
            .expect("an object");
        assert_eq!(counts.len(), Verdict::ALL.len());
        assert!(counts.values().all(|count| count == 0));
        assert_eq!(report["sites"], Value::Array(Vec::new()));
    }

    #[test]
    fn totals_are_those_of_the_listed_sites() {
        let report = report(&sample::inventory());
        let sites = report["sites"].as_array().expect("a list");
        for (total, key) in [
            ("by_verdict", "verdict"),
            ("by_recipe", "recipe"),
            ("by_context", "context"),
            ("by_pattern", "pattern"),
            ("by_severity", "severity"),
            ("by_applicability", "applicability"),
        ] {
            let totals = report["summary"][total].as_object().expect("an object");
            for (name, count) in totals {
                let listed = sites.iter().filter(|site| site[key] == **name).count();
                assert_eq!(*count, listed, "{total} {name}");
            }
        }
        assert_eq!(report["summary"]["sites"], sites.len());
    }

    #[test]
    fn tables_are_null_only_where_they_are_unknown() {
        let report = report(&sample::inventory());
        let sites = report["sites"].as_array().expect("a list");
        let at = |file: &str, line: usize| -> &Value {
            sites
                .iter()
                .find(|site| site["file"] == file && site["line"] == line)
                .expect("the site is in the sample")
        };
        let unknown = at("app/agents/harvester.py", 12);
        assert_eq!(unknown["tables"], Value::Null);
        assert_eq!(unknown["known_tables"], serde_json::json!(["news"]));
        let without_sql = at("scripts/seed.py", 3);
        assert_eq!(without_sql["tables"], serde_json::json!([]));
    }
}
