//! What `apply` makes of the sample application, judged by CPython and pyflakes.
//!
//! The checks themselves are in `tests/tools/corpus_check.py`, which also runs on any other checkout.

use std::process::Command;

mod support;

/// What a check of `tests/tools` says of the sample, in which it must find nothing wrong; `None` without a Python.
fn checked(script: &str, options: &[&str]) -> Option<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(support::python()?)
        .arg(format!("{root}/tests/tools/{script}"))
        .arg(format!("{root}/tests/fixtures/ledger"))
        .args(options)
        .arg("--binary")
        .arg(assert_cmd::cargo::cargo_bin!("connmod"))
        .output()
        .expect("Python starts");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}\n{errors}");
    Some(report)
}

#[test]
fn applied_edits_leave_good_python() {
    let Some(report) = checked("corpus_check.py", &["--all"]) else {
        return;
    };
    // A check that changes nothing has checked nothing.
    for what in ["apply", "apply --unsafe"] {
        let line = report
            .lines()
            .find(|line| line.starts_with(&format!("{what}: ")));
        let line = line.unwrap_or_else(|| panic!("no line for {what}: {report}"));
        assert!(
            line.contains(" files changed") && !line.contains(": 0 files"),
            "{line}"
        );
    }
}

/// Each phase stands on its own, and all of them come to what one apply does.
#[test]
fn phases_stand_alone_and_add_up() {
    let Some(report) = checked("phases_check.py", &[]) else {
        return;
    };
    let changing = report
        .lines()
        .filter(|line| line.ends_with(" files") && !line.ends_with(": 0 files"))
        .count();
    assert!(changing > 3, "{report}");
}

/// The checks find what they are there to find.
#[test]
fn the_checks_can_fail() {
    let Some(python) = support::python() else {
        return;
    };
    let output = Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/tools/corpus_check_test.py"
        ))
        .output()
        .expect("Python starts");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
}
