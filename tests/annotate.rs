//! `--annotate`: comments above the sites that are left to a person come once, follow their sites, and go with them.

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

const SETTINGS: &str = "version: 1\n\
    standard: {module: db, file: db.py, pool: get_pool, helpers: {fetch: rows}}\n\
    contexts:\n  - {name: jobs, kind: system, paths: ['jobs/*.py']}\n  - {name: web, kind: system, paths: ['web/*.py']}\n";
const MODULE: &str = "import asyncpg\n\n_pool = None\n\nasync def start(dsn):\n    global _pool\n    _pool = await asyncpg.create_pool(dsn)\n\n\
    def get_pool():\n    return _pool\n\n\
    async def rows(sql, *args):\n    async with get_pool().acquire() as conn:\n        return await conn.fetch(sql, *args)\n";
/// One site that is rewritten, and one that a person has to look at.
const JOB: &str = "from db import get_pool\n\n\nasync def run():\n    return await get_pool().fetch('SELECT 1')\n\n\n\
    async def wait():\n    # Not for long.\n    if True: found = await get_pool().fetch('SELECT 2', timeout=2)\n    return found\n";
const MARK: &str = "# connmod: review(asyncpg/pool-direct-call): ";

struct Project(tempfile::TempDir);

impl Project {
    fn new(job: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.put("connmod.yaml", SETTINGS);
        project.put("db.py", MODULE);
        project.put("jobs/a.py", job);
        project
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn run(&self, line: &str) -> String {
        run(self.0.path(), line)
    }
}

/// What the program says, results first.
fn run(folder: &Path, line: &str) -> String {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{line}");
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_comment_is_added_once_above_its_line_and_below_other_comments() {
    let project = Project::new(JOB);
    assert!(project.run("apply --annotate").contains("2 comments"));
    let text = project.text("jobs/a.py");
    let place = "    # Not for long.\n    # connmod: review(";
    assert!(text.contains(place), "{text}");
    assert_eq!(text.matches(MARK).count(), 1, "{text}");
    assert!(text.contains("await rows('SELECT 1')"), "{text}");
    let again = project.run("apply --annotate");
    assert!(again.contains("nothing changed"), "{again}");
    assert_eq!(project.text("jobs/a.py"), text);
}

#[test]
fn a_comment_goes_with_its_site_even_when_the_file_has_no_other() {
    let project = Project::new(JOB);
    project.run("apply --annotate");
    let text = project.text("jobs/a.py");
    let without = text.replace("await get_pool().fetch('SELECT 2', timeout=2)", "None");
    let without = without.replace("await rows('SELECT 1')", "None");
    project.put("jobs/a.py", &without);
    let said = project.run("apply --annotate");
    assert!(said.contains("2 removed"), "{said}");
    let text = project.text("jobs/a.py");
    assert!(
        !text.contains("connmod:") && text.contains("# Not for long."),
        "{text}"
    );
}

#[test]
fn a_comment_of_another_reason_is_replaced_and_one_of_another_phase_left_alone() {
    let project =
        Project::new(&JOB.replace("    if True", &format!("    {MARK}of old\n    if True")));
    project.put(
        "web/b.py",
        &JOB.replace("    if True", &format!("    {MARK}mine\n    if True")),
    );
    project.run("apply --annotate --phase jobs");
    let text = project.text("jobs/a.py");
    assert!(
        !text.contains("of old") && text.matches(MARK).count() == 1,
        "{text}"
    );
    assert!(project.text("web/b.py").contains(&format!("{MARK}mine")));
}

#[test]
fn line_breaks_stay_as_they_are_and_undo_takes_everything_back() {
    let job = JOB.replace('\n', "\r\n");
    let project = Project::new(&job);
    project.run("apply --annotate");
    let text = project.text("jobs/a.py");
    assert!(text.contains(MARK));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    project.run("undo");
    assert_eq!(project.text("jobs/a.py"), job);
}

#[test]
fn a_diff_shows_the_comments_that_apply_writes() {
    let project = Project::new(JOB);
    let diff = project.run("diff --annotate");
    assert!(diff.contains(&format!("+    {MARK}")), "{diff}");
    assert!(!project.run("diff").contains(MARK));
}

/// A function on one line, below a decorator.
const DECORATED: &str = "import functools\nfrom db import get_pool\n\n\n@functools.cache\n\
    async def wait(): return await get_pool().fetch('SELECT 2', timeout=2)\n";

#[test]
fn a_comment_above_a_decorator_can_be_turned_into_a_suppression() {
    let project = Project::new(DECORATED);
    project.run("apply --annotate");
    let text = project.text("jobs/a.py");
    assert!(text.contains(MARK), "{text}");
    project.put("jobs/a.py", &text.replace("review(", "allow("));
    let scan = project.run("scan --format json");
    assert!(scan.contains("\"verdict\": \"suppressed\""), "{scan}");
    assert!(!scan.contains("holds for no site"), "{scan}");
}

#[test]
fn a_hunk_with_nothing_but_a_comment_is_not_called_a_rewrite() {
    let project = Project::new(DECORATED);
    let diff = project.run("diff --annotate");
    assert!(
        diff.contains("@@ comment for a person: asyncpg/get-pool-call"),
        "{diff}"
    );
}

#[test]
fn a_misspelt_suppression_is_told_by_every_command_that_shows_edits() {
    let job = JOB.replace(
        "    return await",
        "    # connmod: allow(asyncpg/pool-aquire): kept\n    return await",
    );
    let project = Project::new(&job);
    for line in ["diff", "apply"] {
        let told = project.run(line);
        assert!(
            told.contains("`allow(asyncpg/pool-aquire)`: there is no such recipe"),
            "{line}: {told}"
        );
    }
}

#[test]
fn sites_that_wait_for_other_recipes_are_not_called_unsafe() {
    let job = "from db import get_pool\n\n\nasync def run():\n    pool = get_pool()\n    return await pool.fetch('SELECT 1')\n";
    let project = Project::new(job);
    let told = project.run("diff --only asyncpg/get-pool-call");
    assert!(
        told.contains("nothing would change; 1 left out: they depend on sites of other recipes"),
        "{told}"
    );
}

#[test]
fn the_sample_is_marked_once_and_still_compiles() {
    let Some(python) = support::python() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ledger");
    support::copy(&sample, folder.path());
    run(folder.path(), "apply --annotate");
    let again = run(folder.path(), "diff --annotate");
    assert!(again.contains("nothing would change"), "{again}");
    let status = Command::new(python)
        .args(["-m", "compileall", "-q", "."])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
}
