//! The sample application before and after a migration, on a real PostgreSQL: what it answers, what it leaves in the tables, how it fails.
//!
//! The scenarios and the rules of comparing are in Python beside this file (`behaviour/`), because the application is. Here is what is
//! compared with what: the sample, a copy that `connmod apply` migrated, copies with a wrong rewrite put in by hand. It knows of
//! the tool only its command line, and the JSON that `scan` prints.

#[path = "behaviour/probes.rs"]
mod probes;
#[path = "behaviour/stage.rs"]
mod stage;
mod support;
#[path = "behaviour/wrong.rs"]
mod wrong;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use stage::{Answers, BEHAVIOUR, SAMPLE, Stage, connmod, said, succeeded};
use wrong::{missed, wrong_rewrites};

/// Where the sample may answer differently after `apply --unsafe`: the start of a line of `compare.py`, the function whose rewrite
/// rests on a rule that is not proven, and a word of the reason that is given for it. Each must differ, and nothing else.
const UNPROVEN: &[(&str, &str, &str)] = &[
    (
        "guards_and_leaks.result.a.alarm_for_nobody ",
        "BudgetCoach.coach_alarm",
        "None",
    ),
    (
        "guards_and_leaks.result.b.alarm_for_nobody ",
        "BudgetCoach.coach_alarm",
        "None",
    ),
    (
        "guards_and_leaks.result.a.goals_of_nobody ",
        "GoalPlanner.goal_of",
        "None",
    ),
    (
        "guards_and_leaks.result.b.goals_of_nobody ",
        "GoalPlanner.goal_of",
        "None",
    ),
    (
        "errors_in_between.result.a.traces_left ",
        "unlock_entry",
        "exception",
    ),
    (
        "errors_in_between.result.b.traces_left ",
        "unlock_entry",
        "exception",
    ),
    (
        "errors_in_between.rows.audit.events.added ",
        "unlock_entry",
        "exception",
    ),
];

#[test]
fn the_migrated_sample_answers_as_before_and_shows_nobody_anothers_rows() {
    let Some(stage) = Stage::shared() else { return };
    let differences = stage.differences(&stage.both("answers", stage.migrated(), "after"));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn after_unsafe_edits_it_differs_where_a_rule_was_said_not_to_be_proven() {
    let Some(stage) = Stage::shared() else { return };
    let copy = stage.migrated_unsafely();
    let differences = stage.differences(&stage.both("answers", copy, "after-unsafe"));

    let sites = sites(Path::new(SAMPLE));
    for (start, function, word) in UNPROVEN {
        assert!(
            differences.iter().any(|line| line.starts_with(start)),
            "{start}: no difference, is {function} still unsafe?"
        );
        let says_so = sites.iter().any(|site| {
            site["function"] == *function
                && site["applicability"] == "unsafe"
                && site["reasons"].to_string().contains(word)
        });
        assert!(says_so, "{function}: no unsafe site because of {word:?}");
    }
    let unexplained: Vec<&str> = differences
        .iter()
        .map(String::as_str)
        .filter(|line| !UNPROVEN.iter().any(|(start, ..)| line.starts_with(start)))
        .collect();
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}

#[test]
fn every_rewritten_statement_is_run_before_and_after() {
    let Some(stage) = Stage::shared() else { return };
    let copy = stage.migrated_unsafely();
    let report = connmod(Path::new(SAMPLE), &["scan", "--format", "json"]);
    let both = |lines: Answers| {
        [lines.bound.as_os_str(), lines.bypassing.as_os_str()].join(OsStr::new(","))
    };
    let output = stage
        .script("executed.py")
        .args([Path::new(SAMPLE), copy])
        .arg(stage.kept("sites", &report))
        .arg(recipes().join(","))
        .arg(both(stage.both("lines", Path::new(SAMPLE), "lines-before")))
        .arg(both(stage.both("lines", copy, "lines-after")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn what_is_called_safe_does_what_it_did() {
    let Some(stage) = Stage::shared() else { return };
    let probes = stage.probes();
    let faults = probes.faults(&stage.both("probes", probes.migrated(), "probes-after"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_wrong_rewrite_of_each_kind_is_caught() {
    let Some(stage) = Stage::shared() else { return };
    let wrongs = wrong_rewrites();
    assert!(wrongs.len() >= 30, "{wrongs:?}");
    let missed = missed(&stage, wrongs);
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_scaffold_keeps_its_promises() {
    let (Some(python), Some(database)) = (support::python(), support::database()) else {
        return;
    };
    let project = tempfile::tempdir().unwrap();
    connmod(project.path(), &["init", "--scaffold"]);
    let output = Command::new(python)
        .arg(Path::new(BEHAVIOUR).join("scaffold.py"))
        .arg(database)
        .arg(project.path().join("db/connection.py"))
        .output()
        .unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.matches("holds: ").count() >= 20, "{said}");
}

#[test]
fn a_project_without_a_standard_is_given_one_and_migrated() {
    let (Some(python), Some(database)) = (support::python(), support::database()) else {
        return;
    };
    let answers = |root: &Path| {
        ["bound", "bypassing"].map(|role| -> Value {
            let mut command = Command::new(&python);
            command.arg(Path::new(BEHAVIOUR).join("plain.py"));
            let output = command.arg(&database).arg(role).arg(root).output();
            serde_json::from_slice(&succeeded(&output.unwrap())).unwrap()
        })
    };
    let project = tempfile::tempdir().unwrap();
    let root = project.path();
    support::copy(&Path::new(BEHAVIOUR).join("plain"), root);
    let [bound, bypassing] = answers(root);

    connmod(root, &["init", "--scaffold"]);
    connmod(root, &["apply"]);
    let [same_bound, same_bypassing] = answers(root);
    assert_eq!((&same_bound, &same_bypassing), (&bound, &bypassing));

    // What is left to a person: who opens the pool, and who the user is.
    replace(
        &root.join("app/main.py"),
        &[
            (
                "import asyncpg",
                "from app.db.connection import init_db_pool, close_db_pool",
            ),
            ("asyncpg.create_pool(", "init_db_pool("),
            ("self.pool.close()", "close_db_pool()"),
        ],
    );
    replace(
        &root.join("connmod.yaml"),
        &[("identity: []", "identity: [user.id]")],
    );
    connmod(root, &["apply"]);
    let borrowed = |site: &Value| {
        site["pattern"]
            .as_str()
            .is_some_and(|p| p.starts_with("pool_"))
    };
    let mut left = sites(root).into_iter().filter(borrowed);
    assert!(
        left.all(|site| site["verdict"] == "keep"),
        "some are not migrated"
    );

    let [now_bound, now_bypassing] = answers(root);
    assert_eq!(now_bypassing, bypassing);
    assert_eq!(now_bound["all"], bound["all"]);
    // Before, nobody saw a row, or everybody saw all; now each sees their own.
    assert_eq!(bound["a"]["open"], json!([]));
    assert_eq!(
        bypassing["a"]["open"],
        json!(["a sows", "a reaps", "b reads", "b writes"])
    );
    let not_found = json!({"error": "NotFound"});
    for (user, open, then) in [
        ("a", json!(["a sows", "a reaps"]), json!(["a reaps", "new"])),
        (
            "b",
            json!(["b reads", "b writes"]),
            json!(["b writes", "new"]),
        ),
    ] {
        let found = &now_bound[user];
        assert_eq!((&found["open"], &found["open_then"]), (&open, &then));
        assert_eq!(found["own"]["title"], open[0]);
        assert_eq!(
            (&found["not_own"], &found["not_finished"]),
            (&not_found, &not_found)
        );
        assert_eq!(
            (&found["added"], &found["finished"], &found["count"]),
            (&json!("3 tasks"), &json!(1), &json!(3))
        );
    }
}

/// Puts other texts in the place of those that must be in a file.
fn replace(path: &Path, texts: &[(&str, &str)]) {
    let mut text = fs::read_to_string(path).unwrap();
    for (old, new) in texts {
        assert!(text.contains(old), "{}: no {old}", path.display());
        text = text.replace(old, new);
    }
    fs::write(path, text).unwrap();
}

/// The ids of all recipes of the migration.
fn recipes() -> Vec<String> {
    let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/recipes/asyncpg")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stems = names.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned));
    stems
        .filter(|stem| stem != "migration")
        .map(|stem| format!("asyncpg/{stem}"))
        .collect()
}

/// The sites that `scan` finds.
fn sites(root: &Path) -> Vec<Value> {
    let answer = connmod(root, &["scan", "--format", "json"]);
    let mut report: Value = serde_json::from_slice(&answer).unwrap();
    match report["sites"].take() {
        Value::Array(sites) => sites,
        other => panic!("sites: {other}"),
    }
}
