//! The sample application before and after a migration, on a real PostgreSQL: what it answers, what it leaves in the tables, how it fails.
//!
//! The scenarios and the rules of comparing are in Python beside this file (`behaviour/`), because the application is. Here is what is
//! compared with what: the sample, a copy that `connmod apply` migrated, copies with a wrong rewrite put in by hand. It knows of
//! the tool only its command line, and the JSON that `scan` prints.

mod support;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;

use tempfile::TempDir;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/ledger");
const BEHAVIOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour");

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
    let differences = stage.differences(&stage.both(stage.migrated(), "after"));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn after_unsafe_edits_it_differs_where_a_rule_was_said_not_to_be_proven() {
    let Some(stage) = Stage::shared() else { return };
    let migrated = stage.migration(&["--unsafe"]);
    let differences = stage.differences(&stage.both(migrated.path(), "after-unsafe"));

    let sites = sites_of_the_sample();
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
fn a_wrong_rewrite_of_each_kind_is_caught() {
    let Some(stage) = Stage::shared() else { return };
    let wrongs = wrong_rewrites();
    assert!(wrongs.len() >= 10, "{wrongs:?}");
    // Two at a time: most of the time goes into waiting for the server.
    let missed: Vec<String> = thread::scope(|scope| {
        let halves = wrongs.chunks(wrongs.len().div_ceil(2)).map(|half| {
            let stage = &stage;
            let missed = move || half.iter().filter_map(|wrong| stage.missed(wrong));
            scope.spawn(move || missed().collect::<Vec<_>>())
        });
        let running: Vec<_> = halves.collect();
        let each = running.into_iter().map(|half| half.join().unwrap());
        each.flatten().collect()
    });
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

/// A database in the state that the scenarios start from, of which each run has a copy; and what several tests start from.
struct Stage {
    python: OsString,
    server: OsString,
    database: String,
    folder: TempDir,
    before: OnceLock<Answers>,
    migrated: OnceLock<TempDir>,
}

/// What `scenarios.py` printed, run as a role that the policies bind and as one that bypasses them.
#[derive(Clone)]
struct Answers {
    bound: PathBuf,
    bypassing: PathBuf,
}

impl Stage {
    /// The stage of all tests that are under way, gone with the last of them. `None` where there is no server or no Python.
    fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Stage>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = shared.upgrade() {
            return Some(stage);
        }
        let stage = Arc::new(Self::new(support::python()?, support::database()?));
        *shared = Arc::downgrade(&stage);
        Some(stage)
    }

    fn new(python: OsString, server: OsString) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let stage = Self {
            python,
            server,
            database: format!("connmod_stage_{}_{count}", std::process::id()),
            folder: tempfile::tempdir().unwrap(),
            before: OnceLock::new(),
            migrated: OnceLock::new(),
        };
        succeeded(&stage.run("prepare", &[OsStr::new(SAMPLE)]));
        stage
    }

    /// What the sample answers as it is.
    fn before(&self) -> &Answers {
        self.before
            .get_or_init(|| self.both(Path::new(SAMPLE), "before"))
    }

    /// A copy of the sample after `init` and `apply`, not to be changed.
    fn migrated(&self) -> &Path {
        self.migrated.get_or_init(|| self.migration(&[])).path()
    }

    fn run(&self, verb: &str, arguments: &[&OsStr]) -> Output {
        self.script("stage.py")
            .arg(&self.server)
            .args([verb, &self.database])
            .args(arguments)
            .output()
            .unwrap()
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(Path::new(BEHAVIOUR).join(name));
        command
    }

    /// What the application in `root` answers as `role`.
    fn answers(&self, root: &Path, role: &str) -> Output {
        self.run("answers", &[OsStr::new(role), root.as_os_str()])
    }

    /// What it answers as each role, kept under `name`.
    fn both(&self, root: &Path, name: &str) -> Answers {
        let keep = |role| {
            let answers = succeeded(&self.answers(root, role));
            self.kept(&format!("{name}-{role}"), &answers)
        };
        thread::scope(|scope| {
            let bound = scope.spawn(|| keep("bound"));
            Answers {
                bypassing: keep("bypassing"),
                bound: bound.join().unwrap(),
            }
        })
    }

    fn kept(&self, name: &str, answers: &[u8]) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.json"));
        fs::write(&path, answers).unwrap();
        path
    }

    /// A copy of the sample after `init` and `apply` with these options.
    fn migration(&self, options: &[&str]) -> TempDir {
        let copy = tempfile::tempdir_in(self.folder.path()).unwrap();
        support::copy(Path::new(SAMPLE), copy.path());
        connmod(copy.path(), &["init"]);
        connmod(copy.path(), &[&["apply"], options].concat());
        copy
    }

    /// The lines of `compare.py`, none when a migration may do what this one did.
    fn differences(&self, after: &Answers) -> Vec<String> {
        let before = self.before();
        let files = [
            &before.bound,
            &before.bypassing,
            &after.bound,
            &after.bypassing,
        ];
        let output = self.script("compare.py").args(files).output().unwrap();
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        match output.status.code() {
            Some(0) => Vec::new(),
            Some(1) if !text.is_empty() => text.lines().map(str::to_owned).collect(),
            _ => panic!("{}", said(&output)),
        }
    }

    /// Why `wrong`, put into a copy of the migrated sample, was not caught.
    fn missed(&self, wrong: &Wrong) -> Option<String> {
        let copy = tempfile::tempdir_in(self.folder.path()).unwrap();
        support::copy(self.migrated(), copy.path());
        let spoil = self
            .script("spoil.py")
            .args([&wrong.path, copy.path()])
            .output()
            .unwrap();
        succeeded(&spoil);
        let output = self.answers(copy.path(), wrong.sign.role());
        let missed = |found: &str| Some(format!("{}: not caught: {found}", wrong.path.display()));
        let start = match &wrong.sign {
            Sign::Fails(words) => {
                let said = said(&output);
                let caught = !output.status.success() && said.contains(words);
                return if caught { None } else { missed(&said) };
            }
            Sign::Differs { start, .. } => start,
        };
        let name = wrong.path.file_stem().unwrap().to_string_lossy();
        let now = self.kept(&name, &succeeded(&output));
        let mut after = self.before().clone();
        match wrong.sign.role() {
            "bound" => after.bound = now,
            _ => after.bypassing = now,
        }
        let differences = self.differences(&after);
        let caught = differences.iter().any(|line| line.starts_with(start));
        if caught {
            None
        } else {
            missed(&differences.join("\n"))
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let output = self.run("drop", &[]);
        // A second panic would hide the first.
        assert!(
            output.status.success() || thread::panicking(),
            "{}",
            said(&output)
        );
    }
}

/// A function of the sample, rewritten as no tool may.
#[derive(Debug)]
struct Wrong {
    path: PathBuf,
    sign: Sign,
}

/// By what a wrong rewrite is to be known.
#[derive(Debug)]
enum Sign {
    /// The start of a line of `compare.py`, and the role whose answers show it.
    Differs { start: String, bound: bool },
    /// The run ends with an error of these words.
    Fails(String),
}

impl Sign {
    fn role(&self) -> &'static str {
        match self {
            Self::Differs { bound: false, .. } => "bypassing",
            _ => "bound",
        }
    }
}

/// Those in `behaviour/wrong`, with the sign that each names in its head.
fn wrong_rewrites() -> Vec<Wrong> {
    let folder = fs::read_dir(Path::new(BEHAVIOUR).join("wrong")).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let wrongs = paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let named = |key: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| Some(line.strip_prefix(key)?.to_owned()))
        };
        let sign = match (named("# differs: "), named("# fails: ")) {
            (Some(start), None) => Sign::Differs {
                bound: start.ends_with("(bound)"),
                start,
            },
            (None, Some(words)) => Sign::Fails(words),
            _ => panic!("{}: one of differs and fails", path.display()),
        };
        Wrong { path, sign }
    });
    wrongs.collect()
}

/// The sites that `scan` finds in the sample.
fn sites_of_the_sample() -> Vec<serde_json::Value> {
    let answer = connmod(Path::new(SAMPLE), &["scan", "--format", "json"]);
    let mut report: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    match report["sites"].take() {
        serde_json::Value::Array(sites) => sites,
        other => panic!("sites: {other}"),
    }
}

/// The result of a command in `folder`.
fn connmod(folder: &Path, line: &[&str]) -> Vec<u8> {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("connmod"));
    succeeded(&command.current_dir(folder).args(line).output().unwrap())
}

/// What a command that must succeed printed.
fn succeeded(output: &Output) -> Vec<u8> {
    assert!(output.status.success(), "{}", said(output));
    output.stdout.clone()
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], b"\n", &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}
