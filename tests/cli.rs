//! The command line as a user meets it: streams, exit codes, and what is said when something is wrong.

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use assert_cmd::Command;

fn connmod(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("connmod"));
    command
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS");
    command
}

/// Runs a line in `folder`: exit code, standard output, standard error.
fn run(folder: &Path, line: &[&str]) -> (i32, String, String) {
    let output = connmod(folder)
        .args(line)
        .output()
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is text");
    (
        output.status.code().expect("no signal ended it"),
        text(output.stdout),
        text(output.stderr),
    )
}

fn empty() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn help_is_a_result() {
    let folder = empty();
    for line in [&["--help"][..], &["help"], &["scan", "-h"], &["--version"]] {
        let (code, out, err) = run(folder.path(), line);
        assert_eq!((code, err.as_str()), (0, ""), "{line:?}");
        assert!(out.contains("connmod") || out.contains("PATH"), "{out}");
    }
}

#[test]
fn wrong_usage_ends_with_two_and_prints_no_result() {
    let folder = empty();
    for line in [
        &[][..],
        &["scam"],
        &["scan", "--format", "xml"],
        &["scan", "--threads", "0"],
        &["diff", "--stat", "--review"],
        &["explain", "app.py"],
    ] {
        let (code, out, err) = run(folder.path(), line);
        assert_eq!((code, out.as_str()), (2, ""), "{line:?}");
        assert!(!err.is_empty(), "{line:?}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let folder = empty();
    for line in [
        &["scan", "nowhere"][..],
        &["scan", "--config", "nowhere"],
        &["diff", "--root", "nowhere"],
        &["explain", "nowhere:3"],
    ] {
        let (code, out, err) = run(folder.path(), line);
        assert_eq!((code, out.as_str()), (2, ""), "{line:?}");
        assert_eq!(err, "error: there is no nowhere\n", "{line:?}");
    }
}

#[test]
fn settings_that_cannot_be_used_are_shown_with_their_place() {
    let folder = empty();
    fs::write(
        folder.path().join("connmod.yaml"),
        "version: 1\ncontext: []\n",
    )
    .expect("a new file");
    let (code, out, err) = run(folder.path(), &["scan"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error: unknown key `context`\n"), "{err}");
    assert!(err.contains(" --> connmod.yaml:2:1\n"), "{err}");
    assert!(err.contains("did you mean `contexts`?"), "{err}");
}

#[test]
fn a_word_that_is_refused_is_not_offered() {
    let folder = empty();
    for word in ["users", "unknown"] {
        let text = format!("version: 1\ncontexts:\n  - {{name: a, kind: {word}}}\n");
        fs::write(folder.path().join("connmod.yaml"), text).expect("a new file");
        let (code, _, err) = run(folder.path(), &["scan"]);
        assert_eq!(code, 2);
        assert!(
            err.contains("one of user, system, script, standard, test, root\n"),
            "{err}"
        );
    }
}

#[test]
fn settings_that_name_what_is_not_there_are_remarked_on_by_every_command() {
    let folder = empty();
    let settings = "version: 1\nstandard: {file: no/such.py, pool: nope}\nschema: {files: [migration/*.sql]}\n";
    fs::write(folder.path().join("connmod.yaml"), settings).expect("a new file");
    fs::write(folder.path().join("a.py"), "x = 1\n").expect("a new file");
    for line in [
        &["scan"][..],
        &["inventory"],
        &["diff"],
        &["apply"],
        &["explain", "a.py:1"],
    ] {
        let (code, _, err) = run(folder.path(), line);
        assert_eq!(code, 0, "{line:?}: {err}");
        assert!(
            err.contains("warning: connmod.yaml: standard.file: no/such.py is not there\n"),
            "{err}"
        );
        assert!(
            err.contains("warning: connmod.yaml: schema.files: `migration/*.sql`"),
            "{err}"
        );
    }
}

#[test]
fn a_file_of_a_project_that_nothing_marks_is_judged_with_the_project() {
    let folder = empty();
    fs::create_dir_all(folder.path().join("app/services")).expect("new folders");
    let service = "from app.pool import get_pool\n\nasync def f():\n    async with get_pool().acquire() as conn:\n        return await conn.fetch('select 1')\n";
    let pool = "import asyncpg\n\n_pool = None\n\nasync def start(dsn):\n    global _pool\n    _pool = await asyncpg.create_pool(dsn)\n\ndef get_pool():\n    return _pool\n";
    fs::write(folder.path().join("app/services/a.py"), service).expect("a new file");
    fs::write(folder.path().join("app/pool.py"), pool).expect("a new file");
    let (code, out, err) = run(folder.path(), &["explain", "app/services/a.py:4"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("app/services/a.py:4:"), "{out}");
    assert!(out.contains("Verdict"), "{out}");
    assert!(err.contains("--root names another"), "{err}");
}

#[test]
fn recipes_that_cannot_be_used_are_shown_with_their_place() {
    let folder = empty();
    fs::write(
        folder.path().join("own.yaml"),
        "id: asyncpg/own\ntitel: Own\n",
    )
    .expect("a new file");
    let (code, out, err) = run(folder.path(), &["scan", "--recipe", "own.yaml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("own.yaml") && err.contains("titel"), "{err}");
    assert_eq!(err.matches("error: ").count(), 1, "{err}");
}

#[test]
fn settings_are_not_overwritten_unasked() {
    let folder = empty();
    let path = folder.path().join("connmod.yaml");
    fs::write(&path, "version: 1\n").expect("a new file");
    let (code, _, err) = run(folder.path(), &["init"]);
    assert_eq!(code, 2);
    assert!(err.contains("--force"), "{err}");
    assert_eq!(
        fs::read_to_string(&path).expect("it is there"),
        "version: 1\n"
    );
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = Process::new(assert_cmd::cargo::cargo_bin!("connmod"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_checklist_answers_with_its_exit_code() {
    let folder = empty();
    let (code, out, _) = run(folder.path(), &["verify"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("No place that reaches the database"), "{out}");
    let pool =
        "import asyncpg\n\n\nasync def start(dsn):\n    return await asyncpg.create_pool(dsn)\n";
    fs::write(folder.path().join("pyproject.toml"), "").expect("a new file");
    fs::write(folder.path().join("app.py"), pool).expect("a new file");
    let (code, out, _) = run(folder.path(), &["verify"]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("none is duplicated: 1 site\n      app.py:5:18  "),
        "{out}"
    );
    let (code, out, _) = run(folder.path(), &["verify", "pyproject.toml"]);
    assert_eq!(code, 0, "{out}");
}

#[test]
fn only_what_is_asked_for_is_counted() {
    let folder = empty();
    let pool =
        "import asyncpg\n\n\nasync def start(dsn):\n    return await asyncpg.create_pool(dsn)\n";
    fs::write(folder.path().join("pyproject.toml"), "").expect("a new file");
    for name in ["a", "b"] {
        fs::create_dir(folder.path().join(name)).expect("a new folder");
        fs::write(folder.path().join(name).join("app.py"), pool).expect("a new file");
    }
    let (code, out, _) = run(folder.path(), &["inventory", "a"]);
    assert_eq!(code, 0);
    assert!(out.contains("1 in 1 file (1 read, 1 parsed)"), "{out}");
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let folder = empty();
    let commands = [
        "init",
        "scan",
        "inventory",
        "diff",
        "apply",
        "undo",
        "explain",
    ];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = run(folder.path(), &["completions", shell]);
        assert_eq!(code, 0, "{shell}");
        for command in commands {
            assert!(out.contains(command), "{shell} {command}");
        }
    }
    let (code, page, _) = run(folder.path(), &["man"]);
    assert_eq!(code, 0);
    assert!(page.contains("\\-\\-threads"), "{page}");
    let (code, _, _) = run(folder.path(), &["man", "--out-dir", "pages"]);
    assert_eq!(code, 0);
    for command in commands {
        let page = folder.path().join(format!("pages/connmod-{command}.1"));
        assert!(page.is_file(), "{command}");
    }
}

#[test]
fn errors_show_no_escape_sequence_of_a_name() {
    let folder = empty();
    let (code, _, err) = run(folder.path(), &["scan", "a\u{1b}[2Jb"]);
    assert_eq!(code, 2);
    assert!(!err.contains('\u{1b}'), "{err:?}");
    let (_, _, err) = run(folder.path(), &["scan", "nowhere", "--color", "always"]);
    assert!(err.contains('\u{1b}'), "{err:?}");
}

#[test]
fn a_helper_of_another_method_is_remarked_on_and_not_used() {
    let folder = empty();
    let settings = "version: 1\nstandard: {module: db, file: db.py, pool: get_pool, scope: borrow, helpers: {fetch: one, execute: nope}}\n\
        contexts:\n  - {name: jobs, kind: system, paths: [job.py]}\n";
    let module = "_pool = None\ndef get_pool():\n    return _pool\n\
        async def one(sql, *args):\n    async with get_pool().acquire() as conn:\n        return await conn.fetchrow(sql, *args)\n";
    let job = "from db import get_pool\nasync def rows():\n    return await get_pool().fetch('SELECT 1')\n\
        async def clear():\n    await get_pool().execute('SELECT 1')\n";
    for (name, text) in [
        ("connmod.yaml", settings),
        ("db.py", module),
        ("job.py", job),
    ] {
        fs::write(folder.path().join(name), text).expect("a new file");
    }
    let (_, out, err) = run(folder.path(), &["scan", "-v"]);
    let why = "`one` is not a helper for `.fetch()`: it calls `.fetchrow()`";
    assert_eq!(err.matches(why).count(), 1, "{err}");
    assert!(err.contains("db.py defines no `nope`"), "{err}");
    assert!(out.contains(why), "{out}");
    assert!(!out.contains("rewrite/"), "{out}");
}

#[test]
fn a_project_without_a_standard_hears_one_reason() {
    let folder = empty();
    let text = "import asyncpg\n\nclass Bot:\n    async def start(self):\n        self.pool = await asyncpg.create_pool('')\n\n\
        \x20   async def names(self):\n        async with self.pool.acquire() as conn:\n            return await conn.fetch('SELECT name FROM t')\n";
    fs::write(folder.path().join("bot.py"), text).expect("a new file");
    fs::write(
        folder.path().join("connmod.yaml"),
        "version: 1\ncontexts:\n  - {name: bot, kind: system, paths: ['*.py']}\n",
    )
    .expect("a new file");
    let (code, out, _) = run(folder.path(), &["scan", "-v"]);
    assert_eq!(code, 0);
    let reason = "pool_acquire  the project has no standard module yet: `connmod init --scaffold` writes one, or connmod.yaml names it\n";
    assert!(out.contains(reason), "{out}");
    assert!(
        out.contains("create_pool   the project's pool; a standard module would own it\n"),
        "{out}"
    );
    assert!(out.contains("Next: `connmod init --scaffold`"), "{out}");
    assert!(!out.contains("shared"), "{out}");
}
