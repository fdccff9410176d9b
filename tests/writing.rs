//! `apply` and `undo` as a user meets them when something goes wrong: killed at each step, a full disk, edits in between, two at once.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const SETTINGS: &str = "version: 1\n\
    standard: {module: db, file: db.py, pool: get_pool, helpers: {fetch: rows}}\n\
    contexts:\n  - {name: night jobs, kind: system, paths: ['jobs/*.py']}\n  - {name: web, kind: system, paths: ['web/*.py']}\n";
const MODULE: &str = "import asyncpg\n\n_pool = None\n\nasync def start(dsn):\n    global _pool\n    _pool = await asyncpg.create_pool(dsn)\n\n\
    def get_pool():\n    return _pool\n\n\
    async def rows(sql, *args):\n    async with get_pool().acquire() as conn:\n        return await conn.fetch(sql, *args)\n";
const JOB: &str = "from db import get_pool\n\n\nasync def run():\n    return await get_pool().fetch('SELECT 1')\n";

/// Every file below a folder with its permissions, but for the program's own.
type Tree = BTreeMap<PathBuf, (u32, Vec<u8>)>;

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Self { folder };
        project.put("connmod.yaml", SETTINGS);
        project.put("db.py", MODULE);
        for (name, mode) in [
            ("jobs/a.py", 0o644),
            ("jobs/b.py", 0o755),
            ("web/c.py", 0o600),
        ] {
            project.put(name, &format!("{JOB}# {name}\n"));
            fs::set_permissions(project.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("connmod"));
        command
            .current_dir(self.folder.path())
            .args(line.split_whitespace());
        command
    }

    /// Exit code, standard output, standard error.
    fn run(&self, line: &str) -> (i32, String, String) {
        ended(&mut self.command(line))
    }

    fn done(&self, line: &str) -> String {
        let (code, out, err) = self.run(line);
        assert_eq!(code, 0, "{line}: {out}{err}");
        out + &err
    }

    /// Ends the process at a step of writing; whether it came so far.
    fn killed(&self, line: &str, step: usize) -> bool {
        let status = self
            .command(line)
            .env("CONNMOD_TEST_KILL_AT", step.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        status.code().is_none()
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        read(self.folder.path(), &mut tree);
        tree
    }

    /// Each file is one of the two, whatever else lies around.
    fn assert_old_or_new(&self, old: &Tree, new: &Tree) {
        for (path, now) in self.tree() {
            let known = [old.get(&path), new.get(&path)];
            let is_left_over = path.to_string_lossy().contains("/.connmod-");
            assert!(
                is_left_over || known.contains(&Some(&now)),
                "{}",
                path.display()
            );
        }
    }
}

fn ended(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("no signal ended it");
    (code, text(output.stdout), text(output.stderr))
}

fn read(folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_name() == ".connmod" || entry.file_name() == ".git" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            read(&path, tree);
        } else if path.is_dir() {
            // A link to a folder, whose files are read where they lie.
        } else {
            let mode = fs::metadata(&path).unwrap().mode();
            tree.insert(path.clone(), (mode, fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn undo_restores_content_and_permissions() {
    let project = Project::new();
    let old = project.tree();
    let said = project.done("apply");
    assert!(said.contains("6 sites in 3 files changed"), "{said}");
    assert_ne!(project.tree(), old);
    fs::set_permissions(project.path("jobs/a.py"), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(project.done("undo").contains("3 files restored"));
    assert_eq!(project.tree(), old);
    assert!(project.done("undo").contains("nothing to take back"));
    // What was taken back can be written again.
    project.done("apply");
    project.done("undo");
    assert_eq!(project.tree(), old);
}

#[test]
fn phases_are_taken_back_one_after_the_other_and_files_by_name() {
    let project = Project::new();
    let old = project.tree();
    project.done("apply --phase night");
    project.done("apply --phase web");
    let list = project.done("undo --list");
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split("UTC  ").nth(1))
        .collect();
    assert_eq!(
        names,
        [
            "connmod apply --phase web  (1 file written)",
            "connmod apply --phase 'night jobs'  (2 files written)"
        ]
    );
    project.done("undo jobs/a.py");
    assert!(
        project
            .done("undo --list")
            .contains("(1 of 2 files written still stand)")
    );
    let (code, _, err) = project.run("undo jobs/a.py");
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("no apply that still stands has written jobs/a.py"),
        "{err}"
    );
    project.done("undo");
    assert!(project.text("web/c.py").contains("get_pool"));
    assert!(!project.text("jobs/b.py").contains("get_pool"));
    project.done("undo");
    assert_eq!(project.tree(), old);
}

#[test]
fn a_file_edited_since_is_refused_and_nothing_else_is_lost() {
    let project = Project::new();
    let old = project.tree();
    project.done("apply");
    let edited = project.text("jobs/a.py") + "# mine\n";
    project.put("jobs/a.py", &edited);
    let (code, out, err) = project.run("undo");
    assert_eq!(code, 1, "{err}");
    assert_eq!(out, "restored jobs/b.py\nrestored web/c.py\n");
    assert!(
        err.contains("not restored: jobs/a.py: was edited since; `connmod undo --force`"),
        "{err}"
    );
    assert_eq!(project.text("jobs/a.py"), edited);
    project.done("undo --force");
    assert_eq!(project.tree(), old);
    let kept = project.path(".connmod/journal/000003/blobs");
    let mut kept = fs::read_dir(kept).unwrap();
    assert!(kept.any(|file| fs::read(file.unwrap().path()).unwrap() == edited.as_bytes()));
}

/// Kills `line` at each of its steps, from the state that `prepare` makes; then both ways of settling lead to an end.
fn kill_at_each_step(prepare: &[&str], line: &str) {
    let reference = Project::new();
    let old = reference.tree();
    reference.done("apply");
    let new = reference.tree();
    let strip = |tree: &Tree, project: &Project| -> Tree {
        let from = reference.folder.path();
        let to = project.folder.path();
        let moved = tree
            .iter()
            .map(|(path, file)| (to.join(path.strip_prefix(from).unwrap()), file.clone()));
        moved.collect()
    };
    let mut steps = 0;
    for settle in ["undo", "apply --resume"] {
        for step in 1.. {
            let project = Project::new();
            let (old, new) = (strip(&old, &project), strip(&new, &project));
            for line in prepare {
                project.done(line);
            }
            let before = project.tree();
            if !project.killed(line, step) {
                steps += step - 1;
                break;
            }
            project.assert_old_or_new(&old, &new);
            let (_, _, err) = project.run("scan");
            if err.contains("was interrupted") {
                let (code, _, err) = project.run("apply");
                assert_eq!(code, 2, "{step}: {err}");
                // Also while settling it may be killed.
                project.killed(settle, step % 7 + 1);
                project.assert_old_or_new(&old, &new);
                project.done(settle);
                let end = if settle.starts_with("undo") {
                    &old
                } else {
                    &new
                };
                assert_eq!(&project.tree(), end, "{settle} after {line} at {step}");
            } else {
                // Before the record or behind its end: nothing or all of it is done.
                let now = project.tree();
                assert!(
                    now == before || now == old || now == new,
                    "{line} at {step}"
                );
            }
            assert!(!project.run("scan").2.contains("interrupted"));
        }
    }
    assert!(steps > 40, "{steps}");
}

#[test]
fn an_apply_killed_at_any_step_is_finished_or_taken_back() {
    kill_at_each_step(&[], "apply");
}

#[test]
fn an_undo_killed_at_any_step_is_finished_or_taken_back() {
    kill_at_each_step(&["apply"], "undo");
}

#[test]
fn killed_at_random_moments_each_file_is_old_or_new() {
    let project = Project::new();
    let old = project.tree();
    project.done("apply");
    let new = project.tree();
    project.done("undo");
    // A fixed sequence that looks like none.
    let mut random: u64 = 0x5eed;
    for round in 0..60 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mut child = project
            .command("apply")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros((random >> 33) % 120_000));
        child.kill().unwrap();
        child.wait().unwrap();
        project.assert_old_or_new(&old, &new);
        if project.run("scan").2.contains("interrupted") && round % 2 == 0 {
            project.done("apply --resume");
            assert_eq!(project.tree(), new);
        }
        project.done("undo");
        assert_eq!(project.tree(), old);
    }
}

#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    let project = Project::new();
    let large = "# padding\n".repeat(400);
    project.put("jobs/z.py", &format!("{JOB}{large}"));
    let old = project.tree();
    // Blocks of 512 bytes in a POSIX shell, of 1024 in some; the limit lies between the record and the large file in both.
    let binary = assert_cmd::cargo::cargo_bin!("connmod");
    for blocks in [0, 1, 2] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" apply");
        let mut shell = Command::new("sh");
        let (code, _, err) = ended(
            shell
                .args(["-c", &script])
                .arg(binary)
                .current_dir(project.folder.path()),
        );
        assert_eq!(code, 2, "{blocks}: {err}");
        assert!(err.contains("File too large"), "{err}");
        let ignore = fs::read_to_string(project.path(".connmod/.gitignore"));
        assert!(ignore.is_err() || ignore.is_ok_and(|text| text.contains("/journal/\n")));
        assert_eq!(project.tree(), old);
    }
    project.done("apply");
    project.done("undo");
    assert_eq!(project.tree(), old);
}

#[test]
fn what_cannot_be_written_is_named_and_the_rest_is_written() {
    let project = Project::new();
    fs::set_permissions(project.path("jobs/b.py"), fs::Permissions::from_mode(0o444)).unwrap();
    let (code, out, err) = project.run("apply");
    assert_eq!(code, 1, "{err}");
    assert_eq!(out, "wrote jobs/a.py\nwrote web/c.py\n");
    assert!(err.contains("jobs/b.py: is read-only"), "{err}");
    fs::remove_dir_all(project.path("jobs")).unwrap();
    let (code, out, err) = project.run("undo");
    assert_eq!(code, 1, "{err}");
    assert_eq!(out, "restored web/c.py\n");
    assert!(err.contains("jobs/a.py: was deleted since"), "{err}");
}

#[test]
fn a_file_deleted_since_is_named_and_force_brings_it_back() {
    let project = Project::new();
    let old = project.tree();
    project.done("apply --phase web");
    project.done("apply --phase night");
    fs::remove_file(project.path("jobs/b.py")).unwrap();
    let (code, out, err) = project.run("undo");
    assert_eq!((code, out.as_str()), (1, "restored jobs/a.py\n"), "{err}");
    let words = "not restored: jobs/b.py: was deleted since the apply; `connmod undo --force` brings it back\n";
    assert!(err.contains(words), "{err}");
    assert!(!project.path("jobs/b.py").exists());
    // Until somebody says what is to become of it, the apply stands.
    let (code, _, err) = project.run("undo");
    assert_eq!(code, 1, "{err}");
    assert_eq!(
        project.done("undo jobs/b.py --force").lines().next(),
        Some("restored jobs/b.py")
    );
    project.done("undo");
    assert_eq!(project.tree(), old);

    // With its folder, also when it is killed on the way.
    let mut steps = 0;
    for step in 1.. {
        project.done("apply");
        fs::remove_dir_all(project.path("jobs")).unwrap();
        let was_killed = project.killed("undo --force", step);
        if was_killed {
            steps += 1;
            let (code, _, err) = project.run("undo --force");
            assert_eq!(code, 0, "{step}: {err}");
        }
        assert_eq!(project.tree(), old, "{step}");
        if !was_killed {
            break;
        }
    }
    assert!(steps > 10, "{steps}");

    // What lies in its place is not overwritten, and nothing is written behind a link out of the project.
    let outside = tempfile::tempdir().unwrap();
    project.done("apply");
    fs::remove_dir_all(project.path("jobs")).unwrap();
    symlink(outside.path(), project.path("jobs")).unwrap();
    fs::remove_file(project.path("web/c.py")).unwrap();
    symlink("nowhere", project.path("web/c.py")).unwrap();
    let (code, out, err) = project.run("undo --force");
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("jobs/a.py: leads out of the root"), "{err}");
    assert!(err.contains("web/c.py: exists already"), "{err}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn one_writes_at_a_time() {
    let project = Project::new();
    project.done("apply --phase web");
    let lock = fs::File::open(project.path(".connmod/journal/lock")).unwrap();
    lock.lock().unwrap();
    let before = project.tree();
    for line in ["apply", "undo"] {
        let (code, _, err) = project.run(line);
        assert_eq!(code, 2, "{line}: {err}");
        assert!(err.contains("another connmod is writing to"), "{err}");
    }
    assert_eq!(project.tree(), before);
    drop(lock);
    project.done("apply");
}

#[test]
fn the_first_two_that_write_at_once_do_not_fail_over_the_folder() {
    for _ in 0..5 {
        let project = Project::new();
        let runs: Vec<_> = (0..4)
            .map(|_| {
                let mut command = project.command("apply");
                command.stderr(std::process::Stdio::piped());
                command.stdout(std::process::Stdio::null());
                command.spawn().unwrap()
            })
            .collect();
        for run in runs {
            let output = run.wait_with_output().unwrap();
            let err = String::from_utf8(output.stderr).unwrap();
            assert!(!err.contains("could not create"), "{err}");
        }
        project.done("undo --list");
    }
}

#[test]
fn a_link_stays_one_and_its_target_is_written() {
    let project = Project::new();
    project.put("shared/real.py", JOB);
    fs::remove_file(project.path("web/c.py")).unwrap();
    symlink("../shared/real.py", project.path("web/c.py")).unwrap();
    let old = project.tree();
    project.done("apply");
    project.done("undo");
    assert_eq!(project.tree(), old);
    assert!(
        fs::symlink_metadata(project.path("web/c.py"))
            .unwrap()
            .is_symlink()
    );
}

fn git(project: &Project, line: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b.example"])
        .args(line)
        .current_dir(project.folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn uncommitted_changes_are_not_overwritten() {
    let project = Project::new();
    project.put(".connmod/recipes/asyncpg/README", "of the project\n");
    git(&project, &["init", "-q"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "-qm", "x"]);
    project.put("jobs/a.py", &format!("{JOB}# new\n"));
    let old = project.tree();
    let (code, out, err) = project.run("apply");
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("jobs/a.py: has uncommitted changes"), "{err}");
    assert!(!err.contains("jobs/b.py"), "{err}");
    assert_eq!(project.tree(), old);
    // Files that the selection does not touch do not matter.
    project.done("apply --phase web");
    project.done("apply --allow-dirty");
    assert_eq!(
        git(&project, &["status", "--short"]),
        " M jobs/a.py\n M jobs/b.py\n M web/c.py\n"
    );
    project.done("undo");
    project.done("undo");
    assert_eq!(project.tree(), old);
}

#[test]
fn without_git_a_work_tree_is_not_trusted() {
    let project = Project::new();
    git(&project, &["init", "-q"]);
    let (code, _, err) = ended(project.command("apply").env("PATH", "/nowhere"));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("git could not be started"), "{err}");
    assert!(err.contains("--allow-dirty"), "{err}");
}

#[test]
fn a_hostile_journal_writes_nothing() {
    let project = Project::new();
    let outside = tempfile::tempdir().unwrap();
    project.done("apply");
    let new = project.tree();
    let record = ".connmod/journal/000001/entry.json";
    let good = project.text(record);
    let first = "\"path\": \"jobs/a.py\"";
    assert!(good.contains(first));
    for path in [
        "../a.py",
        "/etc/passwd",
        "jobs/../../a.py",
        ".git/config",
        "a/.connmod/x",
        "",
        "./a.py",
    ] {
        project.put(
            record,
            &good.replace(first, &format!("\"path\": \"{path}\"")),
        );
        let (code, _, err) = project.run("undo");
        assert_eq!(code, 2, "{path}: {err}");
        assert!(err.contains("no path of the project"), "{path}: {err}");
    }
    for (bad, word) in [
        (
            good[..good.len() / 2].to_owned(),
            "no record of this version",
        ),
        (
            good.replace("\"version\": 1", "\"version\": 2"),
            "another version",
        ),
        (
            good.replace("\"number\": 1", "\"number\": 7"),
            "number of another run",
        ),
        (good.replace("jobs/b.py", "jobs/a.py"), "twice"),
        (String::new(), "no record of this version"),
    ] {
        project.put(record, &bad);
        for line in ["undo", "apply", "undo --list", "apply --resume"] {
            let (code, _, err) = project.run(line);
            assert_eq!(code, 2, "{word}: {err}");
            assert!(err.contains(word), "{err}");
        }
        let (code, _, err) = project.run("scan");
        assert_eq!(code, 0, "{err}");
        assert!(err.contains(word), "{err}");
    }
    // A content that is not what its name says.
    project.put(record, &good);
    let blobs = project.path(".connmod/journal/000001/blobs");
    for blob in fs::read_dir(&blobs).unwrap() {
        fs::write(blob.unwrap().path(), "evil").unwrap();
    }
    let (code, _, err) = project.run("undo");
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("does not hold the content it is named by"),
        "{err}"
    );
    // Links that lead elsewhere.
    fs::remove_dir_all(project.path(".connmod")).unwrap();
    symlink(outside.path(), project.path(".connmod")).unwrap();
    for line in ["undo", "apply"] {
        let (code, _, err) = project.run(line);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("symbolic link"), "{err}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(project.tree(), new);
}

#[test]
fn a_link_into_another_project_is_refused_by_every_command_that_takes_paths() {
    let (project, other) = (Project::new(), Project::new());
    symlink(other.folder.path(), project.path("away")).unwrap();
    symlink(other.path("jobs/a.py"), project.path("jobs/away.py")).unwrap();
    let (old, others) = (project.tree(), other.tree());
    for line in [
        "scan",
        "inventory",
        "diff",
        "diff --out-dir patches",
        "apply",
        "apply --root .",
        "verify",
        "explain",
    ] {
        for path in ["away/jobs/a.py", "jobs/away.py", "away", "away/jobs"] {
            let place = if line == "explain" { ":5" } else { "" };
            let (code, out, err) = project.run(&format!("{line} {path}{place}"));
            assert_eq!((code, out.as_str()), (2, ""), "{line} {path}: {err}");
            let words = format!("error: {path} leads through a symbolic link to ");
            assert!(err.starts_with(&words), "{line}: {err}");
        }
    }
    other.done("apply");
    let (code, _, err) = project.run("undo away/jobs/a.py");
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("away/jobs/a.py is outside of "), "{err}");
    other.done("undo");
    assert_eq!((project.tree(), other.tree()), (old, others));
    assert!(!project.path(".connmod").exists());
    // The folder that is named as the root is the root, and so is the one that somebody went to.
    project.done("apply --root away");
    assert!(other.path(".connmod/journal/000003").exists());
    assert!(!project.path(".connmod").exists());
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Where no document is written to, and why.
const NO_PLACES: &[(&str, &str)] = &[
    ("jobs/a.py", "named like what this program reads"),
    ("jobs/new.py", "named like what this program reads"),
    ("schema.sql", "named like what this program reads"),
    ("connmod.yaml", "named like what this program reads"),
    ("code.md", "named like what this program reads"),
    (".git/HEAD", "what git and this program keep"),
    (".connmod/journal/x", "what git and this program keep"),
    ("away.md", "leads through a symbolic link to "),
    ("away/secret.md", "leads through a symbolic link to "),
    ("away/new.md", "leads through a symbolic link to "),
    ("dangling.md", "leads to no file"),
    ("pipe.md", "a pipe or a device"),
    ("/dev/null", "a pipe or a device"),
    ("docs", "is a folder"),
    ("docs/closed.md", "is read-only"),
    ("nowhere/x.md", "could not create"),
];

/// A project with files and links of all kinds, some of which lead to `outside`.
fn with_places(outside: &Path) -> Project {
    let project = Project::new();
    let set_mode = |name: &str, mode| {
        fs::set_permissions(project.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    project.put("schema.sql", "SELECT 1;\n");
    project.put("docs/old.md", "old\n");
    project.put("docs/closed.md", "old\n");
    project.put(".git/HEAD", "ref: refs/heads/x\n");
    set_mode("docs/old.md", 0o640);
    set_mode("docs/closed.md", 0o444);
    symlink(outside, project.path("away")).unwrap();
    symlink(outside.join("secret.md"), project.path("away.md")).unwrap();
    symlink("nowhere.md", project.path("dangling.md")).unwrap();
    symlink("docs/old.md", project.path("link.md")).unwrap();
    symlink("db.py", project.path("code.md")).unwrap();
    pipe(&project.path("pipe.md"));
    // Both names of one content, of which a document is to replace one only.
    fs::hard_link(project.path("db.py"), project.path("twin.md")).unwrap();
    project
}

#[test]
fn a_document_is_written_to_an_ordinary_file_and_nowhere_else() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.md");
    fs::write(&secret, "mine\n").unwrap();
    let project = with_places(outside.path());
    let sources = || {
        let names = ["db.py", "jobs/a.py", "schema.sql", "connmod.yaml"];
        names.map(|name| project.text(name))
    };
    let old = sources();
    let beside = outside.path().join("own.md");
    let places = ["docs/old.md", "new.md", "link.md", "twin.md"];
    for command in ["inventory -o", "guide -o"] {
        for (name, words) in NO_PLACES {
            let (code, out, err) = project.run(&format!("{command} {name}"));
            assert_eq!((code, out.as_str()), (2, ""), "{name}: {err}");
            assert!(err.contains(&format!("error: {name}")), "{name}: {err}");
            assert!(err.contains(words), "{name}: {err}");
        }
        for name in places.into_iter().chain(beside.to_str()) {
            let (code, out, err) = project.run(&format!("{command} {name}"));
            assert_eq!((code, out.as_str()), (0, ""), "{name}: {err}");
            assert!(err.contains(&format!("wrote {name}\n")), "{err}");
            assert!(project.text(name).starts_with("# "), "{name}");
        }
        fs::remove_file(&beside).unwrap();
    }
    assert!(project.path("link.md").is_symlink());
    let mode = fs::metadata(project.path("docs/old.md")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o640);
    for line in ["diff --out-dir away", "diff --out-dir away/patches"] {
        let (code, _, err) = project.run(line);
        assert_eq!(code, 2, "{line}: {err}");
        assert!(err.contains("leads through a symbolic link to "), "{err}");
    }
    assert_eq!(sources(), old);
    assert_eq!(project.text(".git/HEAD"), "ref: refs/heads/x\n");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "mine\n");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    let mut left = fs::read_dir(project.folder.path()).unwrap();
    assert!(!left.any(|entry| {
        let name = entry.unwrap().file_name();
        name.to_string_lossy().starts_with(".connmod-")
    }));
}

#[test]
fn man_pages_are_written_over_older_ones_but_not_through_links_and_into_pipes() {
    let project = Project::new();
    let page = project.path("pages/connmod-scan.1");
    project.done("man --out-dir pages");
    project.done("man --out-dir pages");
    assert!(fs::read_to_string(&page).unwrap().contains(".TH"));
    for is_link in [true, false] {
        fs::remove_file(&page).unwrap();
        if is_link {
            symlink("../db.py", &page).unwrap();
        } else {
            pipe(&page);
        }
        let (code, _, err) = project.run("man --out-dir pages");
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("pages/connmod-scan.1"), "{err}");
    }
    assert_eq!(project.text("db.py"), MODULE);
}
