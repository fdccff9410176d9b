//! The bundled crate on the real server, before and after a migration: it compiles as it did, answers as it did, and shows nobody
//! another's rows any more. And what that rests on: facts about sqlx, and the module that `init --scaffold` writes.
//!
//! The programs that ask are Rust, too (`parcels/`), and are put into each copy of the crate as examples of it. All copies share one folder
//! of compiled dependencies.

#[path = "parcels/by_hand.rs"]
mod by_hand;
#[path = "parcels/compare.rs"]
mod compare;
mod support;
#[path = "parcels/workshop.rs"]
mod workshop;
#[path = "parcels/wrong.rs"]
mod wrong;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use compare::{ASKED, answer, differences, is_of_the_system, labels};
use serde_json::{Value, json};
use workshop::{SAMPLE, State, Workshop, connmod, made};
use wrong::WRONG;

/// The states after a migration that is meant to be right.
const MIGRATED: &[State] = &[State::ByHand, State::Applied, State::AppliedUnsafely];

#[test]
fn before_the_sample_leaks() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let before = workshop.asked(State::Before);
    // To a role that the policies do not bind everything is there for everybody.
    let everything = ["a books", "a piano", "a socks", "b seeds", "b stove"];
    for user in ["a", "b"] {
        let (status, body) = answer(&before.bypassing, "list", &format!("{user} GET /parcels"));
        assert_eq!((status, labels(body)), (200, everything.to_vec()));
    }
    let (status, body) = answer(&before.bypassing, "show", "b GET /parcels/1");
    assert_eq!((status, &body["parcel"]["label"]), (200, &json!("a books")));
    // To one that they bind nothing is, not even one's own.
    let (status, body) = answer(&before.bound, "list", "a GET /parcels");
    assert_eq!((status, labels(body)), (200, vec![]));
    assert_eq!(answer(&before.bound, "show", "a GET /parcels/1").0, 404);
    assert_eq!(answer(&before.bound, "create", "a POST /parcels").0, 500);
    // Unless somebody left their name on the connection: then it is theirs that the next one sees.
    let (status, body) = answer(&before.bound, "recent_then_list", "b GET /parcels");
    assert_eq!(
        (status, labels(body)),
        (200, vec!["a books", "a piano", "a socks"])
    );
    assert_eq!(
        answer(&before.bound, "recent_then_list", "b GET /parcels/1").0,
        200
    );
}

#[test]
fn after_it_each_sees_their_own_rows_and_nobody_elses() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let after = &workshop.asked(State::ByHand).bound;
    let list = |scenario, user: &str| {
        let (status, body) = answer(after, scenario, &format!("{user} GET /parcels"));
        assert_eq!(status, 200, "{body}");
        labels(body)
    };
    assert_eq!(list("list", "a"), ["a books", "a piano", "a socks"]);
    assert_eq!(list("list", "b"), ["b seeds", "b stove"]);
    assert_eq!(
        list("create", "a"),
        ["a books", "a new", "a piano", "a socks"]
    );
    assert_eq!(list("create", "b"), ["b seeds", "b stove"]);
    assert_eq!(list("recent_then_list", "b"), ["b seeds", "b stove"]);
    for (scenario, request, status) in [
        ("show", "a GET /parcels/1", 200),
        ("show", "a GET /parcels/4", 404),
        ("show", "b GET /parcels/4", 200),
        ("show", "b GET /parcels/1", 404),
        ("create", "a POST /parcels", 201),
        ("cancel", "a POST /parcels/1/cancel", 204),
        ("cancel", "a POST /parcels/2/cancel", 409),
        ("cancel", "a POST /parcels/4/cancel", 404),
        ("history", "a GET /parcels/2/history", 200),
        ("history", "a GET /parcels/5/history", 404),
        ("rename", "a POST /parcels/1/rename", 204),
        ("rename", "a POST /parcels/4/rename", 404),
        ("rename", "b POST /parcels/4/rename", 204),
        ("label_and_quote", "a POST /parcels/1/label", 200),
        ("label_and_quote", "b GET /parcels/1/quote", 404),
        ("addresses", "a POST /addresses/2/default", 204),
        ("addresses", "a POST /addresses/3/default", 404),
        ("recent_then_list", "b GET /parcels/1", 404),
    ] {
        let (found, body) = answer(after, scenario, request);
        assert_eq!(found, status, "{scenario}: {request}: {body}");
    }
    let (_, body) = answer(after, "history", "a GET /parcels/2/history");
    assert_eq!(
        *body,
        json!({"label": "a piano", "events": ["packed", "left"]})
    );
    // What one may not see, one has not changed.
    let others = |rows: &Value, user: &str| {
        let rows = rows.as_array().expect("rows").iter();
        let id = format!("00000000-0000-0000-0000-00000000000{user}");
        rows.filter(|row| row.as_str().expect("a row").contains(&id))
            .count()
    };
    assert_eq!(others(&after["cancel"]["gone"], "b"), 0);
    assert_eq!(others(&after["rename"]["gone"], "b"), 1);
    assert_eq!(others(&after["rename"]["gone"], "a"), 1);
}

#[test]
fn where_no_policy_binds_it_answers_as_before_in_rows_errors_and_tables() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let (before, after) = (workshop.asked(State::Before), workshop.asked(State::ByHand));
    assert_eq!(
        differences(&before.bypassing, &after.bypassing),
        BTreeSet::new()
    );
    // And the system's own data is the same for the role that they bind.
    let changed = differences(&before.bound, &after.bound);
    let changed: Vec<&String> = changed
        .iter()
        .filter(|line| is_of_the_system(line))
        .collect();
    assert_eq!(changed, Vec::<&String>::new());
}

#[test]
fn what_apply_writes_as_safe_answers_as_before_where_no_policy_binds() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let before = workshop.asked(State::Before);
    let after = workshop.asked(State::Applied);
    let changed = differences(&before.bypassing, &after.bypassing);
    assert_eq!(changed, BTreeSet::new());
    let changed = differences(&before.bound, &after.bound);
    let changed: Vec<&String> = changed
        .iter()
        .filter(|line| is_of_the_system(line))
        .collect();
    assert_eq!(changed, Vec::<&String>::new());
}

#[test]
fn what_apply_writes_shows_each_user_what_a_migration_by_hand_shows_but_where_it_left_a_site() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let before = &workshop.asked(State::Before).bound;
    let by_hand = &workshop.asked(State::ByHand).bound;
    let sites = sites(made(State::Scaffolded).path());
    for state in [State::Applied, State::AppliedUnsafely] {
        let applied = &workshop.asked(state).bound;
        let is_left = |site: &Value| {
            let unsafe_too = state == State::Applied && site["applicability"] == "unsafe";
            site["verdict"] == "review" || unsafe_too
        };
        let left = sites.iter().filter(|site| is_left(site)).map(|site| {
            let file = site["file"].as_str().expect("a file");
            let function = site["function"].as_str().unwrap_or_default();
            format!("{} {function}", file.trim_start_matches("src/"))
        });
        let left: BTreeSet<String> = left.collect();
        let differ = differences(by_hand, applied);
        let is_explained = |line: &&String| {
            let scenario = line.split(':').next();
            let asked = ASKED.iter().find(|(name, _)| Some(*name) == scenario);
            asked.is_some_and(|(_, functions)| functions.iter().any(|it| left.contains(*it)))
        };
        let unexplained: Vec<&String> = differ.iter().filter(|line| !is_explained(line)).collect();
        assert!(
            unexplained.is_empty(),
            "{state:?}: {unexplained:#?} with {left:#?} left"
        );
        let closed = differences(before, by_hand).difference(&differ).count();
        assert!(
            closed >= 10,
            "{state:?}: only {closed} answers became right"
        );
    }
}

#[test]
fn every_way_to_the_database_is_a_site_and_permits_and_printers_are_none() {
    let copy = made(State::Scaffolded);
    let sites = sites(copy.path());
    let mut missing = Vec::new();
    let mut hits = 0;
    for path in workshop::sources(copy.path()) {
        let of_file = sites.iter().filter(|site| site["file"] == *path);
        let lines: Vec<(u64, u64)> = of_file
            .map(|site| {
                let line = |key: &str| site[key].as_u64().expect("a line");
                (line("line"), line("end_line"))
            })
            .collect();
        let is_other = path == "src/services/labels.rs";
        assert!(!is_other || lines.is_empty(), "{path}: {lines:?}");
        let text = fs::read_to_string(copy.path().join(&path)).expect("it is read");
        for (number, line) in (1..).zip(text.lines()) {
            let ways = [
                ".acquire()",
                ".begin()",
                "::connect(",
                ".connect(",
                "pool)",
                "pool())",
            ];
            let in_query = |way: &&str| {
                !way.starts_with("pool") || QUERIES.iter().any(|call| line.contains(call))
            };
            let is_way = ways.iter().filter(|way| line.contains(**way)).any(in_query);
            // A transaction on a connection that was borrowed before is no way of its own.
            let is_inner = line.contains("conn.begin()");
            let is_comment = line.trim_start().starts_with("//");
            if !is_way || is_inner || is_comment || is_other {
                continue;
            }
            hits += 1;
            if !lines
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&number))
            {
                missing.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(hits >= 30, "{hits}");
}

/// Calls that run a query on what they are given.
const QUERIES: &[&str] = &[
    ".fetch_one(",
    ".fetch_all(",
    ".fetch_optional(",
    ".execute(",
];

/// The sites that `scan` finds.
fn sites(copy: &Path) -> Vec<Value> {
    let answer = connmod(copy, &["scan", "--format", "json"]);
    let mut report: Value = serde_json::from_slice(&answer).expect("JSON");
    match report["sites"].take() {
        Value::Array(sites) => sites,
        other => panic!("sites: {other}"),
    }
}

#[test]
fn a_second_run_writes_nothing() {
    for state in [State::Applied, State::AppliedUnsafely] {
        let copy = made(state);
        let options: &[&str] = match state {
            State::Applied => &["diff"],
            _ => &["diff", "--unsafe"],
        };
        let diff = String::from_utf8(connmod(copy.path(), options)).expect("text");
        assert_eq!(diff, "", "{state:?}");
    }
}

#[test]
fn a_wrong_rewrite_of_each_kind_is_found_out() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let (right, wrong) = (workshop.asked(State::ByHand), workshop.asked(State::Wrong));
    let bound = differences(&right.bound, &wrong.bound);
    let bypassing = differences(&right.bypassing, &wrong.bypassing);
    for rewrite in WRONG {
        let found = if rewrite.bound { &bound } else { &bypassing };
        assert!(
            found.contains(rewrite.shows),
            "{}: {found:#?}",
            rewrite.name
        );
    }
}

#[test]
fn the_compiler_says_nothing_new() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let before = &workshop.asked(State::Before).warnings;
    for state in MIGRATED {
        let after = &workshop.asked(*state).warnings;
        let new: Vec<&String> = after.difference(before).collect();
        assert!(new.is_empty(), "{state:?}: {new:#?}");
    }
}

#[test]
fn the_facts_hold_and_the_scaffold_keeps_its_promises() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let said = workshop.proof();
    assert!(!said.contains("FAILS: "), "{said}");
    let held = said.lines().filter(|line| line.starts_with("holds: "));
    assert!(held.count() >= 37, "{said}");
}

#[test]
fn what_is_rewritten_parses_and_is_as_well_formatted_as_before() {
    for state in MIGRATED {
        let copy = made(*state);
        let mut rewritten = 0;
        for path in workshop::sources(copy.path()) {
            let text = fs::read_to_string(copy.path().join(&path)).expect("it is read");
            if let Err(error) = syn::parse_file(&text) {
                panic!("{state:?}: {path}: {error}");
            }
            let original = Path::new(SAMPLE).join(&path);
            let before = fs::read_to_string(original).unwrap_or_default();
            if before == text {
                continue;
            }
            rewritten += 1;
            let said = unformatted(&text);
            // What was not as rustfmt has it before need not be after.
            let was_well = unformatted(&before).is_empty();
            assert!(said.is_empty() || !was_well, "{state:?}: {path}:\n{said}");
        }
        assert!(rewritten >= 10, "{state:?}: {rewritten} files");
    }
}

/// What `rustfmt --check` has against a text.
fn unformatted(text: &str) -> String {
    let file = tempfile::Builder::new().suffix(".rs").tempfile();
    let file = file.expect("a temporary file");
    // Without its modules, which are files of their own.
    fs::write(
        file.path(),
        text.replace("\npub mod ", "\n// ")
            .replace("\nmod ", "\n// "),
    )
    .expect("it is written");
    let mut command = Command::new("rustfmt");
    let output = command
        .args(["--check", "--color", "never", "--edition", "2021"])
        .arg(file.path())
        .output()
        .expect("rustfmt starts");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn the_table_in_the_architecture_names_each_fact_and_each_wrong_rewrite() {
    let text = |path: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        fs::read_to_string(path).expect("it is read")
    };
    let architecture = text("ARCHITECTURE.md");
    let head = "| of sqlx holds | fact | wrong rewrite |\n|---|---|---|\n";
    let (_, table) = architecture.split_once(head).expect("the table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let (mut facts, mut wrongs) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let names = |cell: &str| {
            let names = cell.split('`').skip(1).step_by(2);
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        facts.extend(names(cells[2]));
        wrongs.extend(names(cells[3]));
    }
    let program = text("tests/parcels/proof/facts.rs");
    let functions = program.split("pub(crate) async fn ").skip(1);
    let functions = functions.filter_map(|rest| rest.split_once('('));
    assert_eq!(facts, functions.map(|(name, _)| name.to_owned()).collect());
    assert_eq!(
        wrongs,
        WRONG.iter().map(|wrong| wrong.name.to_owned()).collect()
    );
}
