//! Holds the table of `ARCHITECTURE.md` that leads from each rule about the server and the driver to the test that shows the fact, and to
//! the wrong rewrite that breaks the rule. That the facts hold and the rewrites are found out is asked in other tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The rules that speak of PostgreSQL or the driver, as far as there are migrations for them.
const RULES: &[&str] = &[
    "2.1", "2.2", "2.3", "2.4", "2.5", "3.1", "3.2", "3.3", "3.5", "3.6", "4", "7",
];

struct Row {
    rule: String,
    facts: Vec<String>,
    wrongs: Vec<String>,
}

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

fn rows() -> Vec<Row> {
    let document = text("ARCHITECTURE.md");
    let (_, table) = document
        .split_once("| rule | what holds | fact | wrong rewrite |\n|---|---|---|---|\n")
        .expect("the table");
    let lines = table.lines().take_while(|line| line.starts_with('|'));
    let rows = lines.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [rule, _, facts, wrongs] = cells[..] else {
            panic!("not four cells: {line}");
        };
        Row {
            rule: rule.to_owned(),
            facts: quoted(facts),
            wrongs: quoted(wrongs),
        }
    });
    rows.collect()
}

/// The names between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The functions that `driver_facts.py` asks.
fn facts() -> BTreeSet<String> {
    let program = text("tests/tools/driver_facts.py");
    let asked = program.split("@fact\nasync def ").skip(1);
    asked
        .filter_map(|rest| Some(rest.split_once('(')?.0.to_owned()))
        .collect()
}

/// Each wrong rewrite with the number of the rule in its head.
fn wrongs() -> BTreeSet<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour/wrong");
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let wrongs = paths.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let head = text.lines().next().unwrap_or_default();
        let rule = head
            .strip_suffix(')')
            .and_then(|head| Some(head.strip_prefix("# rule: ")?.rsplit_once('(')?.1))
            .unwrap_or_else(|| panic!("{}: names no rule", path.display()));
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        (stem, rule.to_owned())
    });
    wrongs.collect()
}

#[test]
fn each_rule_has_a_fact_and_a_wrong_rewrite() {
    let rows = rows();
    for row in &rows {
        assert!(!row.facts.is_empty(), "{}: a row without a fact", row.rule);
        assert!(
            !row.wrongs.is_empty(),
            "{}: a row without a wrong rewrite",
            row.rule
        );
    }
    let there: BTreeSet<&str> = rows.iter().map(|row| row.rule.as_str()).collect();
    assert_eq!(there, RULES.iter().copied().collect());
}

#[test]
fn each_fact_and_each_wrong_rewrite_is_in_the_table() {
    let rows = rows();
    let named: BTreeSet<String> = rows.iter().flat_map(|row| row.facts.clone()).collect();
    assert_eq!(named, facts());

    let of = |row: &Row| {
        let wrongs = row.wrongs.iter();
        let named = wrongs.map(|name| (name.clone(), row.rule.clone()));
        named.collect::<Vec<_>>()
    };
    let named: BTreeSet<(String, String)> = rows.iter().flat_map(of).collect();
    assert_eq!(named, wrongs());
}
