//! Where copies of the sample are compiled and run.
//!
//! It knows cargo, and what the programs beside it print; not what has to be true of that.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

use crate::by_hand;
use crate::support;
use crate::wrong::{WRONG, Wrong};

pub(crate) const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/parcels");
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parcels");

/// The states that the sample is asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// As it is.
    Before,
    /// With the standard module and settings, and nothing else.
    Scaffolded,
    /// As a careful person migrates it.
    ByHand,
    /// The same with all wrong rewrites in it at once, each in a function of its own.
    Wrong,
    /// After `apply`.
    Applied,
    /// After `apply --unsafe`.
    AppliedUnsafely,
}

/// What a copy answered to the scenarios, as each role, and what the compiler had to say of it.
pub(crate) struct Answers {
    pub(crate) bound: Value,
    pub(crate) bypassing: Value,
    pub(crate) warnings: BTreeSet<String>,
}

/// The server that the copies run on, and the folder where they are compiled.
pub(crate) struct Workshop {
    address: String,
    answers: [OnceLock<Answers>; 6],
    proof: OnceLock<String>,
    // Nobody else compiles in the folder meanwhile: all copies have programs of the same name.
    _lock: File,
}

impl Workshop {
    /// That of all tests here. `None` where there is no server.
    pub(crate) fn open() -> Option<MutexGuard<'static, Self>> {
        static SHARED: OnceLock<Option<Mutex<Workshop>>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            let address = support::database()?.into_string().expect("an address");
            fs::create_dir_all(folder()).expect("a folder");
            let lock = File::create(folder().join("lock")).expect("a file");
            lock.lock().expect("a lock");
            Some(Mutex::new(Self {
                // Where the host is a folder, its name is a parameter, and something has to stand in its place.
                address: address.replace("@/", "@localhost/"),
                answers: [const { OnceLock::new() }; 6],
                proof: OnceLock::new(),
                _lock: lock,
            }))
        });
        let shared = shared.as_ref()?;
        Some(shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the sample answers in a state.
    pub(crate) fn asked(&self, state: State) -> &Answers {
        self.answers[state as usize].get_or_init(|| {
            let name = format!("{state:?}").to_lowercase();
            let copy = folder().join("copies").join(&name);
            let _ = fs::remove_dir_all(&copy);
            make(&copy, state);
            // Cargo tells packages of one folder for what it compiles apart by name and version, not by where they are.
            for (file, before) in [("Cargo.toml", ""), ("Cargo.lock", "name = \"parcels\"\n")] {
                let old = format!("{before}version = \"0.3.1\"\n");
                let new = format!("{before}version = \"0.3.1+{name}\"\n");
                replace(&copy.join(file), &[(&old, &new)]);
            }
            put(&copy, "scenarios");
            // The module that it asks is the same in all states that have it.
            if state == State::ByHand {
                put(&copy, "proof");
            }
            self.answers(&copy)
        })
    }

    /// What `proof` says, in the migrated sample.
    pub(crate) fn proof(&self) -> &str {
        self.proof.get_or_init(|| {
            self.asked(State::ByHand);
            let mut command = Command::new(program("proof"));
            said(&command.arg(&self.address).output().expect("it starts"))
        })
    }

    fn answers(&self, copy: &Path) -> Answers {
        let warnings = compile(copy);
        let ask = |role: &str| {
            let mut command = Command::new(program("scenarios"));
            let output = command.args([self.address.as_str(), role]).output();
            let output = output.expect("it starts");
            assert!(output.status.success(), "{}", said(&output));
            serde_json::from_slice(&output.stdout).expect("JSON")
        };
        Answers {
            bound: ask("bound"),
            bypassing: ask("bypassing"),
            warnings,
        }
    }
}

/// The folder that all copies are compiled in, beside that of this crate's own code.
fn folder() -> PathBuf {
    let own = Path::new(env!("CARGO_TARGET_TMPDIR"));
    own.parent().expect("a folder").join("parcels")
}

fn program(name: &str) -> PathBuf {
    folder().join("debug/examples").join(name)
}

/// A copy of the sample in a state, gone with what is given back.
pub(crate) fn made(state: State) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    make(folder.path(), state);
    folder
}

/// Copies the sample to `copy` and brings it into a state.
fn make(copy: &Path, state: State) {
    support::copy(Path::new(SAMPLE), copy);
    if state == State::Before {
        return;
    }
    connmod(copy, &["init", "--scaffold"]);
    let declared = [("pub mod error;", "pub mod db;\npub mod error;")];
    replace(&copy.join("src/lib.rs"), &declared);
    // What `init` asks a person to check: whom the repositories work for.
    let settings = "  - name: data-layer\n    kind: ";
    let (system, user) = (format!("{settings}system\n"), format!("{settings}user\n"));
    replace(&copy.join("connmod.yaml"), &[(&system, &user)]);
    let apply: &[&str] = match state {
        State::Before | State::Scaffolded => return,
        State::Applied => &["apply", "--allow-dirty"],
        State::AppliedUnsafely => &["apply", "--allow-dirty", "--unsafe"],
        State::ByHand | State::Wrong => {
            for (path, texts) in by_hand::CHANGES {
                replace(&copy.join(path), texts);
            }
            &[]
        }
    };
    if !apply.is_empty() {
        connmod(copy, apply);
    }
    if state == State::Wrong {
        for Wrong { change, .. } in WRONG {
            replace(&copy.join(change.0), change.1);
        }
    }
}

/// Puts one of the programs that ask it into a copy.
fn put(copy: &Path, program: &str) {
    for folder in [program, "shared"] {
        let target = copy.join("examples").join(folder);
        support::copy(&Path::new(PROGRAMS).join(folder), &target);
    }
}

/// The sources of the crate, and not of the programs beside it.
pub(crate) fn sources(copy: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec!["src".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(copy.join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found
}

/// Compiles all of a copy, and gives the warnings.
fn compile(copy: &Path) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", folder())
        // Each copy is compiled once.
        .env("CARGO_INCREMENTAL", "0")
        .args([
            "build",
            "--all-targets",
            "--locked",
            "--message-format",
            "json",
        ]);
    let output = command.output().expect("cargo starts");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let messages: Vec<Value> = messages
        .filter(|message| message["reason"] == "compiler-message")
        .map(|mut message| message["message"].take())
        .collect();
    let text = |message: &Value, key: &str| message[key].as_str().unwrap_or_default().to_owned();
    let rendered: String = messages
        .iter()
        .map(|message| text(message, "rendered"))
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{rendered}\n{errors}");
    messages
        .iter()
        .map(|message| text(message, "message"))
        .collect()
}

/// Puts other texts in the place of those that must be in a file.
fn replace(path: &Path, texts: &[(&str, &str)]) {
    let mut text = fs::read_to_string(path).expect("it is read");
    for (old, new) in texts {
        assert!(text.contains(old), "{}: no {old}", path.display());
        text = text.replace(old, new);
    }
    fs::write(path, text).expect("it is written");
}

/// What a command that must succeed prints.
pub(crate) fn connmod(folder: &Path, line: &[&str]) -> Vec<u8> {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("connmod"));
    let output = command.current_dir(folder).args(line).output();
    let output = output.expect("it starts");
    assert!(output.status.success(), "{}", said(&output));
    output.stdout
}

/// All that a program printed.
fn said(output: &Output) -> String {
    let text = [&output.stdout[..], b"\n", &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}
