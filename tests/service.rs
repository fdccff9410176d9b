//! The connection service that is written into a project, with each of the two drivers, on a real PostgreSQL.
//!
//! What it promises is asked in Python (`service/checks.py`), because it is a package of Python. Here is how the package is put together
//! for a project, and by which wrong texts in it the checks are checked.

mod support;
#[path = "service/wrong.rs"]
mod wrong;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use wrong::{WRONGS, Wrong};

const SCAFFOLD: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/recipes/connection-service/scaffold"
);
const CHECKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/checks.py");

/// Where the package is in the project of the tests: it may be anywhere, so not at the top.
const FOLDER: &str = "shop/db/connection_service";

#[test]
fn with_psycopg2_the_service_keeps_its_promises() {
    all_hold("psycopg2");
}

#[test]
fn with_psycopg_3_the_service_keeps_its_promises() {
    all_hold("psycopg3");
}

#[test]
fn a_wrong_service_of_each_kind_is_caught() {
    let (Some(python), Some(database)) = (support::python(), support::database()) else {
        return;
    };
    let missed = |wrong: &Wrong| {
        let project = project(wrong.driver);
        wrong.put_into(&project.path().join(FOLDER));
        let output = checked(&python, &database, project.path(), &[wrong.caught_by]);
        let said = said(&output);
        let is_caught = said.contains(&format!("FAILS: {}", wrong.caught_by));
        (!is_caught).then(|| format!("{wrong:?}: {said}"))
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

fn all_hold(driver: &str) {
    let (Some(python), Some(database)) = (support::python(), support::database()) else {
        return;
    };
    let project = project(driver);
    let output = checked(&python, &database, project.path(), &[]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.matches("holds: ").count() >= 25, "{said}");
}

/// A project with the service for this driver in it.
fn project(driver: &str) -> TempDir {
    let project = tempfile::tempdir().unwrap();
    let package = project.path().join(FOLDER);
    let scaffold = Path::new(SCAFFOLD);
    support::copy(&scaffold.join("connection_service"), &package);
    let its_module = scaffold.join(format!("drivers/{driver}_driver.py"));
    fs::copy(its_module, package.join("driver.py")).unwrap();
    project
}

/// Runs these checks, or all when none is named.
fn checked(python: &OsStr, database: &OsStr, project: &Path, checks: &[&str]) -> Output {
    let mut command = Command::new(python);
    command.arg(CHECKS).arg(database).arg(project);
    command.arg(FOLDER.replace('/', ".")).args(checks);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|said| String::from_utf8_lossy(said))
        .join("\n")
}
