//! The sample application before and after a migration, on a real PostgreSQL: what it answers, what it leaves in the tables, how it fails.
//!
//! The scenarios and the rules of comparing are in Python beside this file (`behaviour/`), because the application is. Here is what is
//! compared with what: the sample, a copy that `connmod apply` migrated, copies with a wrong rewrite put in by hand. It knows of
//! the tool only its command line, and the JSON that `scan` prints.

#[path = "behaviour/stage.rs"]
mod stage;
mod support;
#[path = "behaviour/wrong.rs"]
mod wrong;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use stage::{BEHAVIOUR, SAMPLE, Stage, connmod, migrate, said};
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

/// The probe modules, and where in the sample they go.
const PROBES: &[(&str, &str)] = &[
    ("routes.py", "backend/app/api/routes/probe.py"),
    ("services.py", "backend/app/services/probe.py"),
];

/// Probes that the tool is known to change or to trust too much, with what it does not see. Each fails; none is added without a plan.
const OPEN: &[(&str, &str)] = &[
    ("assertion_after_a_write", "an assertion raises"),
    (
        "helper_in_the_block",
        "a second connection does not see what is not committed",
    ),
    (
        "local_setting",
        "SET LOCAL has an effect in a transaction only",
    ),
    (
        "not_safe_awaited_after_the_block",
        "a call that is not awaited on the spot",
    ),
    (
        "not_safe_user_from_the_path",
        "whoever asks chooses what is in the path",
    ),
    ("not_safe_user_of_a_loop", "the name is bound again"),
    (
        "not_safe_user_set_by_hand",
        "the block sets another user itself",
    ),
    (
        "parameter_of_a_nested_function",
        "the inner parameter hides the outer one",
    ),
    (
        "query_timeout_after_a_write",
        "a swallowed error undoes earlier writes",
    ),
    (
        "raise_in_a_callee",
        "what is called after a write may raise",
    ),
    (
        "second_connection_reads",
        "a second connection does not see what is not committed",
    ),
    (
        "second_connection_writes",
        "a second connection waits for the first for ever",
    ),
    (
        "swallowed_after_a_write",
        "a swallowed error undoes earlier writes",
    ),
    (
        "swallowed_by_a_callee",
        "a callee may swallow errors of the connection",
    ),
    (
        "swallowed_by_a_return",
        "a swallowed error undoes earlier writes",
    ),
    ("swallowed_by_gather", "return_exceptions swallows"),
    (
        "table_lock",
        "LOCK TABLE is an error outside of a transaction",
    ),
    (
        "task_reads",
        "a second connection does not see what is not committed",
    ),
    (
        "time_of_the_transaction",
        "now() stands still in a transaction",
    ),
    (
        "timeout_after_a_write",
        "a swallowed error undoes earlier writes",
    ),
    (
        "write_before_a_yield",
        "a consumer that stops early undoes the write",
    ),
    (
        "not_safe_method_without_its_call",
        "the tables are unknown, not none",
    ),
    ("return_in_finally", "a return in `finally` swallows"),
    (
        "second_transaction_fails",
        "the first transaction was committed",
    ),
    (
        "suppressed_by_a_context_manager",
        "a context manager may swallow",
    ),
    ("write_in_a_callee", "a callee may write"),
    (
        "generator_consumed_later",
        "a generator expression runs later",
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
    let copy = stage.copy(Path::new(SAMPLE));
    migrate(copy.path(), &["--unsafe"]);
    let differences = stage.differences(&stage.both("answers", copy.path(), "after-unsafe"));

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
fn what_is_called_safe_does_what_it_did() {
    let Some(stage) = Stage::shared() else { return };
    let copy = stage.copy(Path::new(SAMPLE));
    for (probe, place) in PROBES {
        let probe = Path::new(BEHAVIOUR).join("probes").join(probe);
        fs::copy(probe, copy.path().join(place)).unwrap();
    }
    let sites = sites(copy.path());
    let before = outcomes(&stage, copy.path(), "probes-before");
    migrate(copy.path(), &[]);
    let after = outcomes(&stage, copy.path(), "probes-after");

    let mut wrong = Vec::new();
    for (function, bypassing) in before.bypassing.as_object().unwrap() {
        let name = function.rsplit('.').next().unwrap();
        let (bound, now) = (&before.bound[function], &after.bound[function]);
        let same = after.bypassing[function] == *bypassing
            && (now == bound || (function.contains(".routes.") && now == bypassing));
        let called_safe = sites.iter().any(|site| {
            site["function"].as_str() == Some(name)
                && site["applicability"] == "safe"
                && site["form"] != "remove"
        });
        let fault = if name.starts_with("not_safe_") {
            called_safe.then(|| "is called safe".to_owned())
        } else {
            let outcomes = || {
                format!(
                    "{bound} and {bypassing} became {now} and {}",
                    after.bypassing[function]
                )
            };
            (!same).then(outcomes)
        };
        match (fault, OPEN.iter().find(|(open, _)| *open == name)) {
            (Some(fault), None) => wrong.push(format!("{name}: {fault}")),
            (None, Some(_)) => wrong.push(format!("{name}: is right now, take it out of OPEN")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_rewrite_of_each_kind_is_caught() {
    let Some(stage) = Stage::shared() else { return };
    let wrongs = wrong_rewrites();
    assert!(wrongs.len() >= 10, "{wrongs:?}");
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
    assert!(said.matches("holds: ").count() >= 10, "{said}");
}

/// What the probes of an application do, as each role.
struct Outcomes {
    bound: Value,
    bypassing: Value,
}

fn outcomes(stage: &Stage, root: &Path, name: &str) -> Outcomes {
    let files = stage.both("probes", root, name);
    let read = |path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    Outcomes {
        bound: read(files.bound),
        bypassing: read(files.bypassing),
    }
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
