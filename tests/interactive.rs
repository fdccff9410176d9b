//! `apply --interactive` on a pseudo-terminal: what each answer writes, and what it leaves.
#![cfg(unix)]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

const SETTINGS: &str = "version: 1\n\
    standard: {module: db, file: db.py, pool: get_pool, helpers: {fetch: rows}}\n\
    contexts:\n  - {name: jobs, kind: system, paths: ['jobs/*.py']}\n";
const MODULE: &str = "import asyncpg\n\n_pool = None\n\nasync def start(dsn):\n    global _pool\n    _pool = await asyncpg.create_pool(dsn)\n\n\
    def get_pool():\n    return _pool\n\n\
    async def rows(sql, *args):\n    async with get_pool().acquire() as conn:\n        return await conn.fetch(sql, *args)\n";

/// A job with `count` functions that query the pool, far enough from each other to be hunks of their own.
fn job(count: usize) -> String {
    let function = |number: usize| {
        format!(
            "\n\nasync def run_{number}():\n    # one\n    # two\n    # three\n    # four\n    \
             found = await get_pool().fetch('SELECT {number}')\n    return found\n"
        )
    };
    let functions: String = (1..=count).map(function).collect();
    format!("from db import get_pool\n{functions}")
}

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("jobs")).unwrap();
        for (name, text) in [
            ("connmod.yaml", SETTINGS.to_owned()),
            ("db.py", MODULE.to_owned()),
            ("jobs/a.py", job(3)),
            ("jobs/b.py", job(2)),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Answers each question; what the terminal got. `None` without a Python.
    fn answer(&self, answers: &str) -> Option<String> {
        self.answer_with(answers, "false")
    }

    fn answer_with(&self, answers: &str, editor: &str) -> Option<String> {
        let output = Command::new(support::python()?)
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/tools/on_terminal.py"
            ))
            .args(["]? ", answers])
            .arg(assert_cmd::cargo::cargo_bin!("connmod"))
            .args(["apply", "--interactive"])
            .current_dir(self.folder.path())
            .env("EDITOR", editor)
            .env_remove("VISUAL")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
        Some(text)
    }

    /// Which functions of a file call the helper.
    fn rewritten(&self, name: &str) -> Vec<usize> {
        let text = self.text(name);
        (1..=3)
            .filter(|number| text.contains(&format!("await rows('SELECT {number}')")))
            .collect()
    }

    /// A program that edits the file it is given with `sed`.
    fn editor(&self, script: &str) -> String {
        let path = self.folder.path().join("editor");
        fs::write(&path, format!("#!/bin/sh\nexec sed -i '{script}' \"$1\"\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// What the answers write: the functions of `a.py`, those of `b.py`.
fn written(answers: &str) -> Option<(Vec<usize>, Vec<usize>)> {
    let project = Project::new();
    project.answer(answers)?;
    Some((
        project.rewritten("jobs/a.py"),
        project.rewritten("jobs/b.py"),
    ))
}

#[test]
fn each_answer_writes_what_it_says() {
    for (answers, in_a, in_b) in [
        ("y n y n y", vec![1, 3], vec![2]),
        ("y q", vec![1], vec![]),
        ("q", vec![], vec![]),
        ("n a n n", vec![2, 3], vec![]),
        ("a a", vec![1, 2, 3], vec![1, 2]),
        ("d y y", vec![], vec![1, 2]),
        ("y d a", vec![1], vec![1, 2]),
        ("y ^D", vec![1], vec![]),
        ("nonsense ? Y N q", vec![1], vec![]),
    ] {
        let Some(found) = written(answers) else {
            return;
        };
        assert_eq!(found, (in_a, in_b), "{answers}");
    }
}

#[test]
fn imports_follow_what_was_chosen() {
    let project = Project::new();
    if project.answer("n y n d").is_none() {
        return;
    }
    let text = project.text("jobs/a.py");
    assert!(
        text.starts_with("from db import get_pool, rows\n"),
        "{text}"
    );
    assert_eq!(project.text("jobs/b.py"), job(2));
}

#[test]
fn all_answers_of_yes_write_what_apply_writes() {
    let (asked, at_once) = (Project::new(), Project::new());
    if asked.answer("y y y y y").is_none() {
        return;
    }
    let status = Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
        .arg("apply")
        .current_dir(at_once.folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    for name in ["jobs/a.py", "jobs/b.py"] {
        assert_eq!(asked.text(name), at_once.text(name));
    }
}

#[test]
fn the_reason_stands_above_each_change() {
    let project = Project::new();
    let Some(seen) = project.answer("? q") else {
        return;
    };
    let place = |text: &str| seen.find(text).unwrap_or_else(|| panic!("{text}: {seen}"));
    assert!(place("jobs/a.py:9:") < place("asyncpg/pool-direct-call (safe)"));
    assert!(place("asyncpg/pool-direct-call (safe)") < place("no table"));
    assert!(place("no table") < place("(1/3) Apply this change to jobs/a.py [y,n,q,a,d,e,?]?"));
    assert!(place("q - quit") > place("(1/3)"));
    assert!(seen.contains("nothing changed; 10 not chosen"), "{seen}");
}

#[test]
fn a_change_is_written_as_it_was_edited() {
    let project = Project::new();
    let editor = project.editor(
        "s/^+    found = await rows(.*/+    # by hand\\n+    found = await rows(\"SELECT 1\")/",
    );
    if project.answer_with("e n n d", &editor).is_none() {
        return;
    }
    let text = project.text("jobs/a.py");
    assert!(
        text.contains("    # four\n    # by hand\n    found = await rows(\"SELECT 1\")\n"),
        "{text}"
    );
    assert!(project.rewritten("jobs/b.py").is_empty());
}

#[test]
fn an_edited_change_that_cannot_be_applied_is_asked_about_again() {
    for (script, problem, answers) in [
        (
            "s/^     # two/     # zwei/",
            "are not those of the file",
            "e n q",
        ),
        (
            "s/^+    found = .*/+    found = (/",
            "would not parse",
            "e y n q",
        ),
        ("/./d", "nothing is left of the change", "e q"),
    ] {
        let project = Project::new();
        let editor = project.editor(script);
        let Some(seen) = project.answer_with(answers, &editor) else {
            return;
        };
        assert!(seen.contains(problem), "{script}: {seen}");
        assert!(project.rewritten("jobs/a.py").is_empty(), "{script}");
    }
}

#[test]
fn an_editor_that_fails_is_told_and_the_change_is_asked_about_again() {
    let project = Project::new();
    let Some(seen) = project.answer_with("e y n y q", "false") else {
        return;
    };
    assert_eq!(
        seen.matches("the editor `false` failed").count(),
        2,
        "{seen}"
    );
    assert_eq!(project.rewritten("jobs/a.py"), [1]);
}

#[test]
fn files_with_uncommitted_changes_are_refused_before_anything_is_asked() {
    let project = Project::new();
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(arguments)
            .current_dir(project.folder.path())
            .output();
        assert!(status.unwrap().status.success(), "{arguments:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "all"]);
    fs::write(project.folder.path().join("jobs/a.py"), job(3) + "# mine\n").unwrap();
    let output = Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
        .args(["apply", "-i"])
        .current_dir(project.folder.path())
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!out.contains("Apply this change"), "{out}");
    assert!(err.contains("jobs/a.py: has uncommitted changes"), "{err}");
}
