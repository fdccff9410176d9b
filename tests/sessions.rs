//! Projects that open SQLAlchemy sessions in every way, before and after `connmod apply`, on a real PostgreSQL: what is called safe gives
//! the same results, fails in the same way and leaves the same rows; what is called unsafe does not.
//!
//! The projects are in `sessions/`, and a Python program there calls their functions. Here is what is compared with what.

#[path = "sessions/projects.rs"]
mod projects;
mod support;
#[path = "sessions/wrong.rs"]
mod wrong;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Command;
use std::thread;

use projects::{Machine, PROJECTS, Project};
use wrong::{WRONGS, Wrong};

/// Functions that the tool is known to be wrong of: the project, the function and why. They must differ; who mends one takes it out.
const OPEN: &[(&str, &str, &str)] = &[];

/// What must be called safe, so that the comparison has something to compare.
const SAFE: &[&str] = &[
    "count_all",
    "names_of_status",
    "name_of",
    "name_or_error",
    "count_by_text",
    "query_that_grows",
    "two_blocks",
    "joined",
    "connection_lost_and_taken_back",
    "locked",
    "raised_in_the_middle",
    "add",
    "add_and_give_number",
    "add_or_raise",
    "add_or_false",
    "add_refused_in_the_middle",
    "change",
    "count_up",
    "bulk_update",
    "bulk_insert",
    "delete_all_tags",
    "update_by_text",
    "call_of_a_function",
    "taken_back",
    "changed_under_a_condition",
    "merged",
    "asked_by_its_method",
    "described_by_a_function",
    "block_in_a_loop",
    "commit_in_a_loop",
    "commit_behind_a_loop",
    "refused_in_a_loop",
    "taken_back_in_a_loop",
    "names_read_in_a_loop",
    "factory_begins",
    "factory_begins_and_raises",
    "factory_begins_and_returns",
    "session_begins",
    "session_begins_and_raises",
    "session_begins_and_is_read_behind",
    "given_back",
    "read_behind",
    "committed_and_read_behind",
    "read_and_closed",
    "committed_and_closed",
    "with_a_handler",
    "with_a_handler_that_raises",
    "object_read_behind",
    "helper_reads",
    "helper_writes_and_block_commits",
    "helper_marks_all",
    "rolled_back_or_raised",
    "broken_off_in_the_next_round",
    "shelf_before_the_commit",
    "element_before_the_commit",
    "Job.look",
    "compared_with_a_function",
    "route_counts",
    "route_gives_objects",
    "route_gives_names",
    "route_not_found",
    "route_adds",
    "route_adds_or_tells",
    "route_refuses_in_the_middle",
    "route_raises_in_the_middle",
    "route_begins",
];

/// Functions that lose nothing by a rewrite that is called unsafe: the rule does not see why.
const CAUTIOUS: &[&str] = &[
    // These differ where they are called.
    "Job.activate",
    "Job.run",
    "Job.run_in_steps",
    "Office.promote",
    "bare_dependency",
    "rows_of",
    "with_domain",
    // These do not.
    "begun_in_the_header",
    "helper_writes_and_commits",
    "repository_reads",
    "with_an_else",
];

#[test]
fn what_is_called_safe_does_what_it_did() {
    let Some(machine) = Machine::shared() else {
        return;
    };
    let faults = |project: &Project| {
        let changed = compared(machine, project, &[]);
        let known = |function: &str| {
            let mut open = OPEN.iter();
            open.find(|(where_, name, _)| *where_ == project.name && *name == function)
        };
        let new = changed
            .iter()
            .filter(|(function, _)| known(function).is_none());
        let mut faults: Vec<String> = new
            .map(|(function, how)| format!("{}: {function}: {how}", project.name))
            .collect();
        let mended = OPEN.iter().filter(|(where_, name, _)| {
            *where_ == project.name && !changed.iter().any(|(function, _)| function == name)
        });
        faults.extend(
            mended
                .map(|(_, name, why)| format!("{}: {name}: no longer open ({why})", project.name)),
        );
        faults
    };
    let faults: Vec<String> = PROJECTS.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_called_unsafe_does_something_else() {
    let Some(machine) = Machine::shared() else {
        return;
    };
    let project = &PROJECTS[0];
    let changed = compared(machine, project, &["--unsafe"]);
    let changed: BTreeSet<&str> = changed.iter().map(|(name, _)| name.as_str()).collect();
    let copy = project.copy();
    let commits = projects::sites(copy.path()).into_iter().filter(|site| {
        site["applicability"] == "unsafe" && site["reasons"].to_string().contains("now commits")
    });
    let commits: BTreeSet<String> = commits
        .filter_map(|site| Some(site["function"].as_str()?.to_owned()))
        .collect();
    assert!(commits.len() >= 20, "{commits:?}");
    let same: BTreeSet<&str> = commits
        .iter()
        .map(String::as_str)
        .filter(|function| !changed.contains(function))
        .collect();
    assert_eq!(same, CAUTIOUS.iter().copied().collect());
}

#[test]
fn what_keeps_its_meaning_is_called_safe() {
    let copy = PROJECTS[0].copy();
    let sites = projects::sites(copy.path());
    let is_safe = |function: &&&str| {
        let mut sites = sites.iter().filter(|site| site["function"] == **function);
        sites.clone().next().is_some()
            && sites.all(|site| site["verdict"] == "rewrite" && site["applicability"] == "safe")
    };
    let missing: Vec<_> = SAFE.iter().filter(|name| !is_safe(name)).collect();
    assert!(missing.is_empty(), "not called safe: {missing:?}");
}

#[test]
fn a_wrong_rewrite_of_each_kind_is_caught() {
    let Some(machine) = Machine::shared() else {
        return;
    };
    assert!(WRONGS.len() >= 15, "{WRONGS:?}");
    let missed = |project: &Project| {
        let wrongs: Vec<&Wrong> = WRONGS
            .iter()
            .filter(|wrong| wrong.project == project.name)
            .collect();
        let functions: Vec<&str> = wrongs.iter().map(|wrong| wrong.function).collect();
        if functions.is_empty() {
            return Vec::new();
        }
        let before = machine.before(project);
        let copy = project.copy();
        projects::connmod(copy.path(), &["apply"]);
        for wrong in &wrongs {
            wrong.put_into(copy.path());
        }
        let after = machine.answers(copy.path(), &functions);
        let missed = functions
            .into_iter()
            .filter(|name| before[name] == after[name]);
        missed
            .map(|function| format!("{}: {function}", project.name))
            .collect::<Vec<_>>()
    };
    let missed: Vec<String> = PROJECTS.iter().flat_map(missed).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn sqlalchemy_and_fastapi_behave_as_the_rules_say() {
    let (Some(python), Some(database)) = (support::python(), support::database()) else {
        return;
    };
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sessions/facts.py");
    let output = Command::new(python)
        .args([OsStr::new(program), &database])
        .output()
        .unwrap();
    let said = projects::said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.matches("holds: ").count() >= 10, "{said}");
}

/// The functions that do something else after `apply` with these options, and what.
fn compared(machine: &Machine, project: &Project, options: &[&str]) -> Vec<(String, String)> {
    let copy = project.copy();
    projects::connmod(copy.path(), &[&["apply"], options].concat());
    let [before, after] = thread::scope(|scope| {
        let before = scope.spawn(|| machine.before(project));
        let after = machine.answers(copy.path(), project.modules);
        [before.join().unwrap(), after]
    });
    let functions = before.as_object().unwrap().iter();
    let changed = functions.filter_map(|(function, calls)| {
        let mut calls = calls.as_object().unwrap().iter();
        let (arguments, was) =
            calls.find(|(arguments, was)| after[function][arguments] != **was)?;
        let now = &after[function][arguments];
        Some((function.clone(), format!("{arguments}: {was} became {now}")))
    });
    changed.collect()
}
