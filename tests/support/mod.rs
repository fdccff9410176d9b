//! The tools beside Rust that some tests need. `tests/run` provides them; a plain `cargo test` on a machine without them passes over
//! such a test and says so, and under `CI` it fails.

// Each test file is a crate of its own and takes what it needs.
#![allow(dead_code)]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// A Python that has the packages listed in `tests/tools/install`.
pub(crate) fn python() -> Option<OsString> {
    provided("CONNMOD_TEST_PYTHON")
}

/// The address of a PostgreSQL server where a test may create databases and roles, as superuser.
pub(crate) fn database() -> Option<OsString> {
    provided("CONNMOD_TEST_DATABASE")
}

/// Copies the files below `from` to `to`, byte for byte. Links are followed.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (source, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap();
        }
    }
}

fn provided(variable: &str) -> Option<OsString> {
    let value = env::var_os(variable).filter(|value| !value.is_empty());
    if value.is_none() {
        assert!(
            env::var_os("CI").is_none_or(|ci| ci.is_empty() || ci == "false"),
            "{variable} is not set; run tests/run"
        );
        // The only way to tell a person that a test did not look.
        #[allow(clippy::print_stderr)]
        {
            eprintln!("passed over: {variable} is not set; tests/run sets it");
        }
    }
    value
}

/// What CPython's symbol table says of pairs of texts, in the form that `tests/names_kept.py` takes: of each the faults, `None` where this
/// Python refuses the text before.
pub(crate) fn names_kept(
    python: &std::ffi::OsStr,
    pairs: &[serde_json::Value],
) -> Vec<Option<Vec<String>>> {
    let mut child = std::process::Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/names_kept.py"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("Python starts");
    let input = serde_json::to_vec(pairs).expect("is JSON");
    let mut pipe = child.stdin.take().expect("is piped");
    std::io::Write::write_all(&mut pipe, &input).expect("Python reads");
    drop(pipe);
    let output = child.wait_with_output().expect("Python ends");
    serde_json::from_slice(&output.stdout).expect("Python answers in JSON")
}
