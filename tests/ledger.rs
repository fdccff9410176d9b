//! The sample application, site by site: what the tool says of it beside what its README says a correct tool does.
//!
//! The table in `tests/fixtures/ledger/README.md` was written by reading the code against the semantics, not by running the tool. Where
//! they differ one of them is wrong, and this test names the place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn ledger() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ledger")
}

/// Standard output of a command that does its work.
fn connmod(line: &[&str]) -> String {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
        .current_dir(ledger())
        .args(line)
        .output()
        .expect("the program starts");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line:?}: {error}");
    String::from_utf8(output.stdout).expect("the output is text")
}

/// One row of the README's tables.
#[derive(Debug)]
struct Row {
    line: usize,
    file: String,
    /// Names of functions, each the end of a dotted name; empty for all of the file.
    functions: Vec<String>,
    /// Patterns of the sites that are meant; empty for all that no other row of the function names.
    patterns: Vec<String>,
    /// Code that stands in the site's line, where a function has several sites of a pattern.
    code: Option<String>,
    /// Every verdict that is right, the best first; `no site` is one.
    verdicts: Vec<Expected>,
    forms: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Expected {
    verdict: String,
    applicability: Option<String>,
    /// Whether a reason has to warn that user data is used without a user; otherwise none may.
    warning: bool,
}

/// Reads the tables whose header names a verdict.
fn rows(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut is_table = false;
    for (index, line) in text.lines().enumerate() {
        let Some(inner) = line
            .strip_prefix("| ")
            .and_then(|line| line.strip_suffix(" |"))
        else {
            is_table &= line.starts_with('|');
            continue;
        };
        if inner == "file | function | site | verdict | form | why" {
            is_table = true;
            continue;
        }
        if !is_table {
            continue;
        }
        let cells: Vec<&str> = inner.splitn(6, " | ").map(str::trim).collect();
        let [file, functions, site, verdicts, forms, _why] = cells[..] else {
            panic!("line {}: not six cells: {line}", index + 1);
        };
        let file = match (file, rows.last()) {
            ("", Some(above)) => above.file.clone(),
            (name, _) => name.to_owned(),
        };
        let (patterns, code) = match site.split_once('`') {
            Some((patterns, code)) => (patterns, Some(code.trim_end_matches('`').to_owned())),
            None => (site, None),
        };
        rows.push(Row {
            line: index + 1,
            file,
            functions: list(if functions == "all" { "" } else { functions }, ", "),
            patterns: list(patterns, ", "),
            code,
            verdicts: list(verdicts, " or ")
                .iter()
                .map(|text| expected(text))
                .collect(),
            forms: list(forms, " or "),
        });
    }
    rows
}

fn list(cell: &str, separator: &str) -> Vec<String> {
    let parts = cell.trim().split(separator);
    parts
        .filter(|part| !part.is_empty())
        .map(|part| part.trim().replace('\\', ""))
        .collect()
}

fn expected(text: &str) -> Expected {
    let (text, warning) = match text.strip_suffix(" with a warning") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (verdict, applicability) = match text {
        "rewrite safe" => ("rewrite", Some("safe")),
        "rewrite unsafe" => ("rewrite", Some("unsafe")),
        "review" | "standard" | "keep" | "no site" => (text, None),
        other => panic!("no verdict: {other}"),
    };
    Expected {
        verdict: verdict.to_owned(),
        applicability: applicability.map(str::to_owned),
        warning,
    }
}

fn text<'v>(site: &'v Value, key: &str) -> &'v str {
    site[key].as_str().unwrap_or_default()
}

fn has_warning(site: &Value) -> bool {
    reasons(site)
        .iter()
        .any(|reason| reason.contains("without a user"))
}

impl Row {
    fn covers_file(&self, file: &str) -> bool {
        file == self.file || file.ends_with(&format!("/{}", self.file))
    }

    fn covers_function(&self, function: &str) -> bool {
        self.functions.is_empty()
            || self
                .functions
                .iter()
                .any(|name| function == name || function.ends_with(&format!(".{name}")))
    }

    /// Whether the row names the site by its pattern.
    fn names(&self, site: &Value, source: &str) -> bool {
        let number = site["line"].as_u64().expect("a number") as usize;
        let line = source.lines().nth(number - 1).unwrap_or_default();
        self.patterns
            .iter()
            .any(|pattern| pattern == text(site, "pattern"))
            && self
                .code
                .as_ref()
                .is_none_or(|code| line.contains(code.as_str()))
    }

    /// Whether what the tool says of a site is right.
    fn accepts(&self, site: &Value) -> bool {
        // A getter goes with the block beside it, unless a row says otherwise.
        let goes_along = text(site, "pattern") == "get_pool_call" && self.patterns.is_empty();
        let verdict = text(site, "verdict");
        let is_right = self.verdicts.iter().any(|expected| {
            expected.verdict == verdict
                && expected.applicability.as_deref() == site["applicability"].as_str()
                && (goes_along || verdict == "review" || expected.warning == has_warning(site))
        });
        let form = text(site, "form");
        let is_form = match verdict {
            "rewrite" if goes_along => form == "remove",
            "rewrite" => self.forms.is_empty() || self.forms.iter().any(|known| known == form),
            _ => true,
        };
        is_right && is_form
    }
}

#[test]
fn every_site_is_as_the_readme_says() {
    let readme = fs::read_to_string(ledger().join("README.md")).expect("the table is there");
    let rows = rows(&readme);
    assert!(rows.len() > 100, "the tables were not found");
    let scan: Value = serde_json::from_str(&connmod(&["scan", "--format", "json"])).expect("JSON");
    let sites = scan["sites"].as_array().expect("a list");
    let mut sources: BTreeMap<&str, String> = BTreeMap::new();
    let mut differences = Vec::new();
    let mut used: BTreeSet<usize> = BTreeSet::new();
    for site in sites {
        let file = text(site, "file");
        let source = sources
            .entry(file)
            .or_insert_with(|| fs::read_to_string(ledger().join(file)).expect("it was scanned"));
        let around: Vec<&Row> = rows
            .iter()
            .filter(|row| row.covers_file(file) && row.covers_function(text(site, "function")))
            .collect();
        let row = around
            .iter()
            .find(|row| row.names(site, source))
            .or_else(|| around.iter().find(|row| row.patterns.is_empty()));
        let Some(row) = row else {
            differences.push(format!(
                "{}: no row of the README covers it",
                describe(site)
            ));
            continue;
        };
        used.insert(row.line);
        if !row.accepts(site) {
            let (line, verdicts, forms) = (row.line, &row.verdicts, &row.forms);
            let verdicts: Vec<String> = verdicts.iter().map(words).collect();
            differences.push(format!(
                "{}\n    README.md:{line} expects {} {}",
                describe(site),
                verdicts.join(" or "),
                forms.join(" or ")
            ));
        }
    }
    for row in &rows {
        let has_none = row
            .verdicts
            .iter()
            .all(|expected| expected.verdict == "no site");
        if !has_none && !used.contains(&row.line) {
            differences.push(format!("README.md:{}: no site for {row:?}", row.line));
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

fn words(expected: &Expected) -> String {
    let applicability = expected.applicability.as_deref().unwrap_or_default();
    let warning = if expected.warning {
        " with a warning"
    } else {
        ""
    };
    format!("{} {applicability}{warning}", expected.verdict)
}

fn reasons(site: &Value) -> Vec<&str> {
    let reasons = site["reasons"].as_array();
    reasons
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn describe(site: &Value) -> String {
    format!(
        "{}:{} {} {}: {} {} {}: {}",
        text(site, "file"),
        site["line"],
        text(site, "function"),
        text(site, "pattern"),
        text(site, "verdict"),
        text(site, "applicability"),
        text(site, "form"),
        reasons(site).join("; ")
    )
}

/// The reports of a project without settings, whole; reviewed like code.
#[test]
fn reports_are_as_reviewed() {
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("ledger-scan", connmod(&["scan", "-v"]));
        insta::assert_snapshot!("ledger-inventory", connmod(&["inventory"]));
        insta::assert_snapshot!("ledger-diff", connmod(&["diff", "--unsafe"]));
    });
}

#[test]
fn reports_are_the_same_on_any_number_of_threads() {
    for command in [
        &["scan", "-v"][..],
        &["scan", "--format", "json"],
        &["inventory"],
        &["diff"],
        &["diff", "--unsafe"],
        &["diff", "--review"],
    ] {
        let run = |threads| connmod(&[command, &["--threads", threads]].concat());
        let first = run("4");
        for threads in ["1", "4"] {
            // The texts are long; which line differs is what matters.
            let again = run(threads);
            let other = first.lines().zip(again.lines()).find(|(a, b)| a != b);
            assert_eq!(other, None, "{command:?} on {threads} threads");
            assert_eq!(first.len(), again.len(), "{command:?} on {threads} threads");
        }
    }
}
