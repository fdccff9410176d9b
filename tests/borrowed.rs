//! Connections that are taken and given back by hand become blocks of the connection service: nothing else changes, for either driver, on a
//! real PostgreSQL.
//!
//! Every function of a sample (`borrowed/sample`) is called before and after. A safe rewrite gives the same results, exceptions and rows. One
//! that is unsafe because a path lost the connection gives the same, too, but for the pool: before it is one connection short.

mod support;
#[path = "borrowed/wrong.rs"]
mod wrong;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};
use tempfile::TempDir;
use wrong::{WRONGS, Wrong};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What came of each call, by the call.
type Outcomes = Map<String, Value>;

#[test]
fn with_psycopg2_nothing_changes_but_what_was_lost() {
    nothing_changes_but_what_was_lost("psycopg2", "psycopg2");
}

#[test]
fn with_psycopg_3_nothing_changes_but_what_was_lost() {
    nothing_changes_but_what_was_lost("psycopg", "psycopg3");
}

#[test]
fn a_wrong_rewrite_of_each_kind_is_caught() {
    let Some(tools) = Tools::provided() else {
        return;
    };
    let sample = sample("psycopg2", "psycopg2");
    let spoiled: Vec<&str> = WRONGS.iter().map(|wrong| wrong.function).collect();
    let before = tools.outcomes(sample.path(), &spoiled);
    connmod(sample.path(), &["apply", "--unsafe"]);
    let missed = |wrong: &Wrong| {
        let folder = tempfile::tempdir().unwrap();
        support::copy(sample.path(), folder.path());
        wrong.put_into(&folder.path().join("app"));
        let after = tools.outcomes(folder.path(), &[wrong.function]);
        let told: Vec<&String> = after
            .iter()
            .filter(|(call, outcome)| {
                // What was short before may not be short after, but never the other way round.
                let was_short = before[*call]["short"] == Value::Bool(true);
                differs(&before[*call], outcome) || (is_short(outcome) && !was_short)
            })
            .map(|(call, _)| call)
            .collect();
        told.is_empty().then(|| format!("{wrong:?}"))
    };
    // Most of the time they wait for the server, so a few at once.
    let missed: Vec<String> = std::thread::scope(|scope| {
        let shares = WRONGS.chunks(WRONGS.len().div_ceil(4));
        let threads: Vec<_> = shares
            .map(|share| scope.spawn(|| share.iter().filter_map(missed).collect::<Vec<_>>()))
            .collect();
        let found = threads.into_iter().map(|thread| thread.join().unwrap());
        found.flatten().collect()
    });
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

fn nothing_changes_but_what_was_lost(module: &str, driver: &str) {
    let Some(tools) = Tools::provided() else {
        return;
    };
    let sample = sample(module, driver);
    let text = |name: &str| fs::read_to_string(sample.path().join("app").join(name)).unwrap();
    let originals = ["doubtful.py", "left.py"].map(text);
    let before = tools.outcomes(sample.path(), &[]);
    let of = |part: &str| before.keys().filter(|call| call.starts_with(part)).count();
    assert!(of("safe.") >= 30 && of("doubtful.") >= 12 && of("left.") >= 3);
    assert!(
        before
            .values()
            .any(|outcome| outcome.get("error").is_some())
    );

    connmod(sample.path(), &["apply"]);
    // All of them are rewritten, or the comparison says nothing.
    assert_eq!(taken_by_hand(&text("safe.py")), Vec::<&str>::new());
    assert_eq!(["doubtful.py", "left.py"].map(text), originals);
    let rewritten = text("safe.py");
    for (call, outcome) in tools.outcomes(sample.path(), &["safe"]) {
        assert_eq!(outcome, before[&call], "{call}");
    }

    connmod(sample.path(), &["apply", "--unsafe"]);
    assert_eq!(taken_by_hand(&text("doubtful.py")), Vec::<&str>::new());
    assert_eq!(
        [text("safe.py"), text("left.py")],
        [rewritten, originals[1].clone()]
    );
    assert_eq!(connmod(sample.path(), &["diff", "--unsafe"]), "");
    for (call, outcome) in tools.outcomes(sample.path(), &["doubtful"]) {
        assert!(!differs(&before[&call], &outcome), "{call}: {outcome}");
        assert!(!is_short(&outcome), "{call} loses a connection");
    }
    let mut short: Vec<&str> = before
        .iter()
        .filter(|(_, outcome)| is_short(outcome))
        .map(|(call, _)| call.as_str())
        .collect();
    short.sort_unstable();
    assert_eq!(
        short,
        [
            "doubtful.cleans_up(True,)",
            "doubtful.closed_for_good()",
            "doubtful.continues(1,)",
            "doubtful.fails_before_the_try(True,)",
            "doubtful.fails_between(True,)",
            "doubtful.fails_in_the_finally(True,)",
            "doubtful.left_early(False,)",
            "doubtful.returns_between(True,)",
        ]
    );
}

/// Whether two outcomes of a call are different, but for a connection that is missing afterwards.
fn differs(before: &Value, after: &Value) -> bool {
    ["result", "error", "rows"]
        .iter()
        .any(|key| before.get(key) != after.get(key))
}

fn is_short(outcome: &Value) -> bool {
    outcome["short"] == Value::Bool(true)
}

/// The lines that take a connection without the service.
fn taken_by_hand(text: &str) -> Vec<&str> {
    let words = ["getconn(", "get_db_connection(", ".connect("];
    let takes = |line: &&str| words.iter().any(|word| line.contains(word));
    text.lines().filter(takes).collect()
}

/// The sample for a driver, with its service.
fn sample(module: &str, driver: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tests = Path::new(ROOT).join("tests/borrowed");
    let scaffold = Path::new(ROOT).join("recipes/connection-service/scaffold");
    support::copy(&tests.join("sample"), folder.path());
    for file in [
        "connmod.yaml",
        "app/safe.py",
        "app/doubtful.py",
        "app/left.py",
    ] {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("psycopg2", module)).unwrap();
    }
    let app = folder.path().join("app");
    fs::copy(
        tests.join(format!("pools_{module}.py")),
        app.join("pools.py"),
    )
    .unwrap();
    let service = app.join("db/connection_service");
    support::copy(&scaffold.join("connection_service"), &service);
    let its_module = scaffold.join(format!("drivers/{driver}_driver.py"));
    fs::copy(its_module, service.join("driver.py")).unwrap();
    folder
}

/// Runs the program, which must not fail.
fn connmod(folder: &Path, line: &[&str]) -> String {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("connmod"));
    let output = command.args(line).current_dir(folder).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Python and the address of the server.
struct Tools {
    python: OsString,
    database: OsString,
}

impl Tools {
    fn provided() -> Option<Self> {
        Some(Self {
            python: support::python()?,
            database: support::database()?,
        })
    }

    /// What comes of the calls of these functions, or of all when none is named.
    fn outcomes(&self, folder: &Path, functions: &[&str]) -> Outcomes {
        let script: &OsStr = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/borrowed/run.py").as_ref();
        let mut command = Command::new(&self.python);
        command.arg(script).arg(&self.database).arg(folder);
        let output = command.args(functions).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        let outcomes: Outcomes = serde_json::from_slice(&output.stdout).unwrap();
        assert!(!outcomes.is_empty(), "no function is called {functions:?}");
        outcomes
    }
}
