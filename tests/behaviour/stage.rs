//! Where the application is put to run: a database in the state that each run starts from, copies of the sample, what they answered.
//!
//! It knows how to run the Python programs beside this file and the tool, not what is to be compared with what.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;

use tempfile::TempDir;

use crate::probes::Probes;
use crate::support;

pub(crate) const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/ledger");
pub(crate) const BEHAVIOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour");

/// A database in the state that the scenarios start from, of which each run has a copy; and what several tests start from.
pub(crate) struct Stage {
    python: OsString,
    server: OsString,
    database: String,
    folder: TempDir,
    before: OnceLock<Answers>,
    migrated: OnceLock<TempDir>,
    migrated_unsafely: OnceLock<TempDir>,
    probes: OnceLock<Probes>,
}

/// Files with what `stage.py` printed, run as a role that the policies bind and as one that bypasses them.
#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) bound: PathBuf,
    pub(crate) bypassing: PathBuf,
}

impl Stage {
    /// The stage of all tests that are under way, gone with the last of them. `None` where there is no server or no Python.
    pub(crate) fn shared() -> Option<Arc<Self>> {
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
            migrated_unsafely: OnceLock::new(),
            probes: OnceLock::new(),
        };
        succeeded(&stage.run("prepare", &[OsStr::new(SAMPLE)]));
        stage
    }

    /// What the sample answers as it is.
    pub(crate) fn before(&self) -> &Answers {
        self.before
            .get_or_init(|| self.both("answers", Path::new(SAMPLE), "before"))
    }

    /// A copy of the sample after `init` and `apply`, not to be changed.
    pub(crate) fn migrated(&self) -> &Path {
        self.migrated.get_or_init(|| self.migrate(&[])).path()
    }

    /// A copy after `init` and `apply --unsafe`, not to be changed.
    pub(crate) fn migrated_unsafely(&self) -> &Path {
        let copy = &self.migrated_unsafely;
        copy.get_or_init(|| self.migrate(&["--unsafe"])).path()
    }

    /// The sample with the probes in it.
    pub(crate) fn probes(&self) -> &Probes {
        self.probes.get_or_init(|| Probes::new(self))
    }

    fn migrate(&self, options: &[&str]) -> TempDir {
        let copy = self.copy(Path::new(SAMPLE));
        migrate(copy.path(), options);
        copy
    }

    fn run(&self, verb: &str, arguments: &[&OsStr]) -> Output {
        self.script("stage.py")
            .arg(&self.server)
            .args([verb, &self.database])
            .args(arguments)
            .output()
            .unwrap()
    }

    /// One of the Python programs beside this file.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(Path::new(BEHAVIOUR).join(name));
        command
    }

    /// What the application in `root` answers as `role`: to the scenarios (`answers`), its `probes`, or the `lines` that the scenarios run.
    pub(crate) fn asked(&self, verb: &str, root: &Path, role: &str) -> Output {
        self.run(verb, &[OsStr::new(role), root.as_os_str()])
    }

    /// What it answers as each role, kept under `name`.
    pub(crate) fn both(&self, verb: &str, root: &Path, name: &str) -> Answers {
        let keep = |role| {
            let answers = succeeded(&self.asked(verb, root, role));
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

    /// Writes down what a program printed, for others to read.
    pub(crate) fn kept(&self, name: &str, answers: &[u8]) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.json"));
        fs::write(&path, answers).unwrap();
        path
    }

    /// A copy of an application, to be changed.
    pub(crate) fn copy(&self, root: &Path) -> TempDir {
        let copy = tempfile::tempdir_in(self.folder.path()).unwrap();
        support::copy(root, copy.path());
        copy
    }

    /// The lines of `compare.py`, none when a migration may do what this one did.
    pub(crate) fn differences(&self, after: &Answers) -> Vec<String> {
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

/// `init`, and `apply` with these options.
pub(crate) fn migrate(root: &Path, options: &[&str]) {
    connmod(root, &["init"]);
    connmod(root, &[&["apply"], options].concat());
}

/// The result of a command in `folder`.
pub(crate) fn connmod(folder: &Path, line: &[&str]) -> Vec<u8> {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("connmod"));
    succeeded(&command.current_dir(folder).args(line).output().unwrap())
}

/// What a command that must succeed printed.
pub(crate) fn succeeded(output: &Output) -> Vec<u8> {
    assert!(output.status.success(), "{}", said(output));
    output.stdout.clone()
}

/// All that a program printed.
pub(crate) fn said(output: &Output) -> String {
    let text = [&output.stdout[..], b"\n", &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}
