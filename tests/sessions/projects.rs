//! The projects whose functions are called: where their files are, what is changed in them, and how they are run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

use crate::support;

const SESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sessions");

/// A folder of `sessions/`, with other texts in its session module.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) name: &'static str,
    folder: &'static str,
    changes: &'static [(&'static str, &'static str)],
    /// The modules whose functions are called; none for all.
    pub(crate) modules: &'static [&'static str],
}

const EXPIRES: (&str, &str) = (", expire_on_commit=False", "");

pub(crate) const PROJECTS: &[Project] = &[
    Project {
        name: "keeping",
        folder: "app",
        changes: &[],
        modules: &[],
    },
    Project {
        name: "expiring",
        folder: "app",
        changes: &[EXPIRES],
        modules: &[
            "app.tasks.committing",
            "app.tasks.handing",
            "app.tasks.manual",
            "app.tasks.objects",
            "app.routers.domains",
        ],
    },
    Project {
        name: "committing nothing",
        folder: "app",
        changes: &[("        await session.commit()\n", "")],
        modules: &[
            "app.tasks.beginning",
            "app.tasks.manual",
            "app.routers.domains",
        ],
    },
    Project {
        name: "beginning",
        folder: "app",
        changes: &[(
            r"    session = session_factory()
    try:
        yield session
        await session.commit()
    except Exception:
        await session.rollback()
        raise
    finally:
        await session.close()
",
            r"    async with session_factory.begin() as session:
        yield session
",
        )],
        modules: &[
            "app.tasks.beginning",
            "app.tasks.committing",
            "app.routers.domains",
        ],
    },
    Project {
        name: "without asyncio",
        folder: "sync",
        changes: &[],
        modules: &[],
    },
    Project {
        name: "without asyncio, expiring",
        folder: "sync",
        changes: &[EXPIRES],
        modules: &[],
    },
];

impl Project {
    /// A copy, to be changed.
    pub(crate) fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        support::copy(&Path::new(SESSIONS).join(self.folder), copy.path());
        let module = copy.path().join("app/session.py");
        for (old, new) in self.changes {
            replace(&module, old, new);
        }
        copy
    }
}

/// Puts another text in the place of one that must be in a file once.
pub(crate) fn replace(path: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(path).unwrap();
    let count = text.matches(old).count();
    assert_eq!(count, 1, "{}: {old}\n{text}", path.display());
    fs::write(path, text.replace(old, new)).unwrap();
}

/// The Python and the server that the projects are run with, and what each project did before anything was changed.
pub(crate) struct Machine {
    python: OsString,
    database: OsString,
    before: Mutex<BTreeMap<&'static str, Arc<OnceLock<Value>>>>,
}

impl Machine {
    /// The machine of all tests. `None` where there is no server or no Python.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Machine>> = OnceLock::new();
        let machine = SHARED.get_or_init(|| {
            Some(Self {
                python: support::python()?,
                database: support::database()?,
                before: Mutex::default(),
            })
        });
        machine.as_ref()
    }

    /// What the functions of a project do as it is.
    pub(crate) fn before(&self, project: &Project) -> Value {
        let known = {
            let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(before.entry(project.name).or_default())
        };
        let found = known.get_or_init(|| self.answers(project.copy().path(), project.modules));
        found.clone()
    }

    /// What the functions of the project in `root` do, or those of these names or modules.
    pub(crate) fn answers(&self, root: &Path, wanted: &[&str]) -> Value {
        let mut command = Command::new(&self.python);
        command.arg(Path::new(SESSIONS).join("calls.py"));
        command.arg(&self.database).arg(root).args(wanted);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The sites that `scan` finds.
pub(crate) fn sites(root: &Path) -> Vec<Value> {
    let answer = connmod(root, &["scan", "--format", "json"]);
    let report: Value = serde_json::from_slice(&answer).unwrap();
    report["sites"].as_array().unwrap().clone()
}

/// What a command that must succeed printed.
pub(crate) fn connmod(root: &Path, line: &[&str]) -> Vec<u8> {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("connmod"));
    let output = command.current_dir(root).args(line).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    output.stdout
}

/// All that a program printed.
pub(crate) fn said(output: &Output) -> String {
    let text = [&output.stdout[..], b"\n", &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}
