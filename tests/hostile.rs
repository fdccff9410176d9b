//! Input that tries to break the program: each is named with its reason, the run goes on, and nothing of it reaches a terminal raw.
#![cfg(unix)]

mod support;

use connmod::recipe::builtin;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const SETTINGS: &str = "version: 1\n\
    standard: {module: db, file: db.py, pool: get_pool, helpers: {fetch: rows}}\n\
    contexts:\n  - {name: jobs, kind: system, paths: ['**']}\n";
const MODULE: &str = "import asyncpg\n\n_pool = None\n\nasync def start(dsn):\n    global _pool\n    _pool = await asyncpg.create_pool(dsn)\n\n\
    def get_pool():\n    return _pool\n\n\
    async def rows(sql, *args):\n    async with get_pool().acquire() as conn:\n        return await conn.fetch(sql, *args)\n";
const JOB: &str = "from db import get_pool\n\n\nasync def run():\n    return await get_pool().fetch('SELECT 1')\n";

/// Longer than any of these runs takes on a slow machine, and shorter than for ever.
const PATIENCE: Duration = Duration::from_mins(1);

struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.put("connmod.yaml", SETTINGS);
        project.put("db.py", MODULE);
        project.put("good.py", JOB);
        project
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("connmod"));
        command.current_dir(self.0.path()).args(line);
        command
    }

    /// Exit code, standard output, standard error.
    fn run(&self, line: &[&str]) -> (i32, String, String) {
        ended(self.command(line))
    }

    /// What the run could not read, as `file: reason` lines.
    fn unread(&self) -> Vec<String> {
        let (code, out, err) = self.run(&["scan", "--format", "json"]);
        assert_eq!(code, 0, "{err}");
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        let sites = report["sites"].as_array().unwrap();
        assert!(
            ["good.py", "wide.py"].iter().all(|name| {
                !self.path(name).exists() || sites.iter().any(|site| site["file"] == *name)
            }),
            "the run went on: {out}"
        );
        let files = report["unparsed"].as_array().unwrap().iter();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        files
            .map(|file| format!("{}: {}", text(&file["file"]), text(&file["reason"])))
            .collect()
    }

    fn refusal(&self, line: &[&str]) -> String {
        let (code, out, err) = self.run(line);
        assert_eq!((code, out.as_str()), (2, ""), "{line:?}: {err}");
        assert!(err.len() < 2_000, "{line:?} floods the terminal");
        err
    }
}

/// Runs it to its end, which has to come.
fn ended(mut command: Command) -> (i32, String, String) {
    let (mut out, mut err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(err.try_clone().unwrap())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{command:?} does not come to an end");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let text = |file: &mut fs::File| {
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    };
    let (out, err) = (text(&mut out), text(&mut err));
    (status.code().expect("no signal ended it"), out, err)
}

fn utf16(bom: bool) -> Vec<u8> {
    let text = if bom {
        format!("\u{feff}{JOB}")
    } else {
        JOB.to_owned()
    };
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_file_that_is_no_text_is_named_with_its_reason() {
    let project = Project::new();
    let latin = |head: &str| [head.as_bytes(), JOB.as_bytes(), b"# \xe9\n"].concat();
    project.put("declared.py", latin("# coding: latin-1\n"));
    project.put("latin.py", latin(""));
    project.put("utf16.py", utf16(true));
    project.put("utf16_bare.py", utf16(false));
    project.put("binary.py", b"\x7fELF\x01\x00\xff");
    project.put("nul.py", format!("{JOB}x = '\0'\n"));
    project.put(
        "surrogate.py",
        [JOB.as_bytes(), b"# \xed\xa0\x80\n"].concat(),
    );
    let huge = fs::File::create(project.path("huge.py")).unwrap();
    huge.set_len(100 << 20).unwrap();
    assert_eq!(
        project.unread(),
        [
            "binary.py: holds a NUL byte (byte 5); a binary file, or UTF-16",
            "declared.py: declares the encoding latin-1; only UTF-8 is read",
            "huge.py: 104857600 bytes is over the limit of 16777216",
            "latin.py: not read: not UTF-8 (line 6)",
            "nul.py: holds a NUL byte (byte 94); a binary file, or UTF-16",
            "surrogate.py: not read: not UTF-8 (line 6)",
            "utf16.py: holds a NUL byte (byte 3); a binary file, or UTF-16",
            "utf16_bare.py: holds a NUL byte (byte 1); a binary file, or UTF-16",
        ]
    );
}

#[test]
fn code_that_nests_without_end_is_named_and_not_followed() {
    let project = Project::new();
    let nested = |open: &str, close: &str| {
        format!(
            "{JOB}x = {}1{}\n",
            open.repeat(10_000),
            close.repeat(10_000)
        )
    };
    project.put("parentheses.py", nested("(", ")"));
    project.put("lists.py", nested("[", "]"));
    project.put("calls.py", nested("f(", ")"));
    project.put("not.py", nested("not ", ""));
    let blocks = |levels: usize| {
        let lines = (0..levels).map(|level| format!("{}if x:\n", " ".repeat(level)));
        let blocks: String = lines.collect();
        format!("{JOB}{blocks}{}pass\n", " ".repeat(levels))
    };
    project.put("blocks.py", blocks(5_000));
    // Half a square of blanks: the file meets the limit of its size before the one of its levels.
    project.put("more_blocks.py", blocks(10_000));
    project.put("open.py", format!("{JOB}x = {}\n", "[".repeat(200_000)));
    let unread = project.unread();
    assert_eq!(unread.len(), 7, "{unread:#?}");
    for line in &unread {
        let known = line.contains("nests more than 2000 levels deep")
            || line.starts_with("open.py: does not parse (byte ")
            || line.starts_with("more_blocks.py: ")
                && line.ends_with(" bytes is over the limit of 16777216");
        assert!(known, "{line}");
    }
}

#[test]
fn a_site_in_a_very_long_line_is_found_and_edited() {
    let project = Project::new();
    let long = "x".repeat(200_000);
    let line = |call: &str| format!("    a = '{long}'; return await {call}('SELECT 1')\n");
    let text = |import: &str, call: &str| {
        format!(
            "from db import {import}\n\n\nasync def run():\n{}",
            line(call)
        )
    };
    project.put("long.py", text("get_pool", "get_pool().fetch"));
    assert!(project.unread().is_empty());
    let (code, _, err) = project.run(&["apply", "long.py"]);
    assert_eq!(code, 0, "{err}");
    let after = fs::read_to_string(project.path("long.py")).unwrap();
    assert!(
        after == text("rows", "rows"),
        "{}",
        &after[after.len() - 60..]
    );
}

#[test]
fn what_is_no_file_is_never_opened() {
    let project = Project::new();
    let made = Command::new("mkfifo")
        .arg(project.path("pipe.py"))
        .status()
        .unwrap();
    assert!(made.success());
    symlink("/dev/zero", project.path("zero.py")).unwrap();
    symlink("round.py", project.path("round.py")).unwrap();
    symlink(".", project.path("circle")).unwrap();
    let unread = project.unread();
    assert_eq!(unread.len(), 3, "{unread:#?}");
    assert_eq!(unread[0], "pipe.py: is a named pipe");
    assert!(
        unread[1].starts_with("round.py: cannot be read: "),
        "{unread:#?}"
    );
    assert!(
        unread[2].starts_with("zero.py: a symbolic link"),
        "{unread:#?}"
    );
    let (code, out, err) = project.run(&["explain", "pipe.py:1"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("is a named pipe"), "{out}");
    // Under its target's name it is a device, in a folder without any project.
    let (code, out, err) = project.run(&["explain", "--root", "/dev", "zero.py:1"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("no site"), "{out}");
    for option in ["--config", "--recipe"] {
        for (name, word) in [("pipe.py", "is a named pipe"), ("/dev/zero", "is a device")] {
            let err = project.refusal(&["scan", option, name]);
            assert!(err.contains(word), "{option} {name}: {err}");
        }
    }
}

#[test]
fn names_that_no_report_can_hold_are_listed_and_shown_escaped() {
    let project = Project::new();
    for name in [&b"\xff.py"[..], b"new\nline.py", b"esc\x1b[2J.py"] {
        project.put(OsStr::from_bytes(name), JOB);
    }
    let unread = project.unread();
    assert_eq!(unread.len(), 3, "{unread:#?}");
    for line in &unread {
        assert!(line.ends_with("rename it"), "{line}");
    }
    let (_, out, _) = project.run(&["inventory"]);
    assert!(!out.contains('\u{1b}') && out.contains("2J.py"), "{out}");
}

#[test]
fn what_may_not_be_read_is_named() {
    let project = Project::new();
    project.put("secret.py", JOB);
    project.put("closed/inside.py", JOB);
    let set_mode = |name: &str, mode| {
        fs::set_permissions(project.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode("", 0o755);
    set_mode("secret.py", 0o000);
    set_mode("closed", 0o000);
    let is_root = fs::read(project.path("secret.py")).is_ok();
    let line = ["inventory"];
    // Nothing is closed to the superuser, who can be somebody else; then the program has to lie where that one may run it.
    let (code, out, err) = if is_root {
        let binary = project.path("connmod");
        fs::copy(assert_cmd::cargo::cargo_bin!("connmod"), &binary).unwrap();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(binary)
            .args(line)
            .current_dir(project.0.path());
        ended(command)
    } else {
        project.run(&line)
    };
    set_mode("closed", 0o755);
    assert_eq!(code, 0, "{err}");
    for name in ["secret.py", "closed"] {
        let named = out
            .lines()
            .any(|line| line.contains(name) && line.contains("cannot be read: Permission denied"));
        assert!(named, "{name}: {out}");
    }
    assert!(out.contains("good.py"), "{out}");
}

#[test]
fn many_files_in_one_folder_are_all_read() {
    let project = Project::new();
    for number in 0..10_000 {
        project.put(format!("many/m{number}.py"), "x = 1\n");
    }
    let (code, out, err) = project.run(&["scan", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("\"files\": 10002"), "{}", &out[..200]);
}

/// `text` as a recipe of the project, made of the scaffold with another query.
fn put_recipe(project: &Project, query: &str) {
    let (code, _, err) = project.run(&["recipe", "new", "asyncpg/slow"]);
    assert_eq!(code, 0, "{err}");
    let name = ".connmod/recipes/asyncpg/slow.yaml";
    let text = fs::read_to_string(project.path(name)).unwrap();
    let begin = text.find("locate: |\n").unwrap();
    let end = text.find("# What captures of `locate`").unwrap();
    let text = format!("{}locate: |\n  {query}\n{}", &text[..begin], &text[end..]);
    project.put(name, text);
}

#[test]
fn a_query_that_explodes_is_stopped_and_named_and_the_other_recipes_go_on() {
    for query in [
        "(list (_)* @a (_)* @b (_)* @c (_)* @d (_)* @e) @site",
        "(list (integer)+ @a (integer)+ @b (integer)+ @c (string) @d) @site",
    ] {
        let project = Project::new();
        project.put("wide.py", format!("{JOB}x = [{}]\n", "1, ".repeat(2_000)));
        put_recipe(&project, query);
        assert_eq!(
            project.unread(),
            [
                "wide.py: the queries of asyncpg/slow took too many steps in this file and were stopped; its sites here are not known"
            ]
        );
    }
}

#[test]
fn a_template_names_the_standard_and_captures_and_no_files() {
    for template in [
        "{file:/etc/passwd}",
        "{include /etc/passwd}",
        "{../../etc/passwd}",
        "{standard.file}",
        "{env.HOME}",
    ] {
        let project = Project::new();
        let own = builtin().into_iter();
        let recipe = own
            .map(|(_, text)| text)
            .find(|text| text.contains("with: \""));
        let recipe = recipe.expect("a recipe has a template");
        let from = recipe.find("with: \"").unwrap() + "with: \"".len();
        let to = from + recipe[from..].find('"').expect("which ends");
        let text = format!("{}{template}{}", &recipe[..from], &recipe[to..]);
        project.put(".connmod/recipes/asyncpg/slow.yaml", text);
        let err = project.refusal(&["scan"]);
        assert!(err.contains("slow.yaml:"), "{template}: {err}");
        assert!(!err.contains("root:"), "{template}: {err}");
    }
}

#[test]
fn settings_that_try_to_break_it_are_refused_with_their_place() {
    let project = Project::new();
    let mut bomb = "version: 1\nexclude: &a0 [x, x, x]\n".to_owned();
    let level = |level: usize| {
        format!(
            "k{level}: &a{level} [{}]\n",
            format!("*a{},", level - 1).repeat(9)
        )
    };
    bomb.extend((1..12).map(level));
    let replay = format!(
        "version: 1\nexclude:\n  - &a x\n{}",
        "  - *a\n".repeat(1_000)
    );
    for (text, words) in [
        (bomb, "unknown key `k1`"),
        (
            replay,
            "more nesting, values or aliases than this file can have",
        ),
        (
            format!("version: 1\nexclude: {}", "[".repeat(100_000)),
            "connmod.yaml:",
        ),
        (
            "version: 1\nversion: 1\n".into(),
            "`version` is given twice",
        ),
        (
            "version: 1\nidentity: *nowhere\n".into(),
            "alias references unknown anchor",
        ),
        (
            "version: 1\nstandard: {file: ../x.py}\n".into(),
            "points out of the project",
        ),
        (
            "version: 1\nstandard: {file: /etc/x.py}\n".into(),
            "points out of the project",
        ),
        (
            "version: 1\nexclude: ['a/../../**']\n".into(),
            "points out of the project",
        ),
        (
            "version: 1\nschema: {files: ['/etc/*.sql']}\n".into(),
            "points out of the project",
        ),
        (
            "version: 1\ncontexts: [{name: \"a\\e[2J\", kind: user}]\n".into(),
            "control character",
        ),
        ("version: 1\n# \u{1b}[2J\n".into(), "control character"),
        (
            format!("version: 1\n#{}", "#".repeat(2 << 20)),
            "over the limit",
        ),
        ("\0".into(), "NUL byte"),
    ] {
        project.put("connmod.yaml", &text);
        let err = project.refusal(&["scan"]);
        assert!(
            err.contains(words) && err.contains("connmod.yaml"),
            "{words}: {err}"
        );
        assert!(!err.contains('\u{1b}'), "{err:?}");
    }
    project.put("connmod.yaml", b"version: 1\n# \xff\n");
    let err = project.refusal(&["scan"]);
    assert!(err.contains("not UTF-8 (line 2)"), "{err}");
}

#[test]
fn settings_and_recipes_of_a_project_do_not_reach_out_of_it() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.yaml");
    fs::write(&secret, "password: hunter2\n").unwrap();
    let project = Project::new();
    fs::remove_file(project.path("connmod.yaml")).unwrap();
    symlink(&secret, project.path("connmod.yaml")).unwrap();
    let err = project.refusal(&["scan"]);
    assert!(
        err.contains("leads out of the project") && err.contains("--config"),
        "{err}"
    );
    assert!(!err.contains("hunter2"), "{err}");
    // Something else of that name is not taken for none.
    fs::remove_file(project.path("connmod.yaml")).unwrap();
    fs::create_dir(project.path("connmod.yaml")).unwrap();
    let err = project.refusal(&["scan"]);
    assert!(err.contains("connmod.yaml: is a folder"), "{err}");
    fs::remove_dir(project.path("connmod.yaml")).unwrap();
    project.put("connmod.yaml", SETTINGS);
    fs::create_dir_all(project.path(".connmod/recipes/asyncpg")).unwrap();
    symlink(&secret, project.path(".connmod/recipes/asyncpg/x.yaml")).unwrap();
    let err = project.refusal(&["scan"]);
    assert!(
        err.contains("leads out of the project") && err.contains("--recipe"),
        "{err}"
    );
    assert!(!err.contains("hunter2"), "{err}");
}

/// Runs a line with a terminal as standard streams, and gives what came out of it.
const TERMINAL: &str = "import os, pty, sys\n\
    seen = bytearray()\n\
    def read(fd):\n    data = os.read(fd, 65536)\n    seen.extend(data)\n    return b''  if not data else data\n\
    status = pty.spawn(sys.argv[1:], read)\n\
    sys.exit(os.waitstatus_to_exitcode(status))\n";

#[test]
fn nothing_that_a_terminal_obeys_reaches_one() {
    let Some(python) = support::python() else {
        return;
    };
    let project = Project::new();
    let evil = "\u{1b}]0;EVIL\u{7}\u{9b}2J\u{202e}\u{200b}";
    let text = format!(
        "# {evil}\nfrom db import get_pool\n\n\nasync def run():\n    # {evil}\n    return await get_pool().fetch('SELECT 1')  # {evil}\rEVIL\n\n\n\
         async def other(sql):\n    async with get_pool().acquire() as conn:\n        return await conn.copy_to_table('{evil}')\n"
    );
    project.put("bidi\u{202e}.py", &text);
    project.put("esc\u{1b}[2J.py", JOB);
    let file = "bidi\u{202e}.py";
    let place = format!("{file}:7");
    put_recipe(
        &project,
        "(call function: (identifier) @a (#eq? @a \"EVIL\")) @site",
    );
    let name = ".connmod/recipes/asyncpg/slow.yaml";
    let recipe = fs::read_to_string(project.path(name)).unwrap();
    let title = recipe.lines().find(|line| line.starts_with("title:"));
    let title = title.expect("a recipe has a title");
    let hostile = "title: \"EVIL\\e]0;EVIL\\a\\x9b2J\\u202e\"";
    project.put(name, recipe.replace(title, hostile));
    for line in [
        &["scan", "-v"][..],
        &["inventory"],
        &["diff"],
        &["diff", "--color", "always"],
        &["diff", "--stat"],
        &["diff", "--review"],
        &["explain", &place],
        &["verify"],
        &["guide"],
        &["scan", "--format", "json"],
        &["scan", "nowhere\u{1b}[2J"],
        &["scan", "--format", "\u{1b}[2J"],
        &["\u{9b}2J"],
        &["undo", "nowhere\u{1b}[2J"],
        &["recipe", "show", "\u{1b}[2J"],
        &["recipe", "list"],
        &["recipe", "show", "asyncpg/slow"],
        &["recipe", "test", "asyncpg/slow"],
        &["init", "--print"],
        &["diff", "--annotate"],
        &["apply", "--annotate"],
        &["undo", "--list", "-v"],
        &["undo"],
    ] {
        let output = Command::new(&python)
            .args(["-c", TERMINAL])
            .arg(assert_cmd::cargo::cargo_bin!("connmod"))
            .args(line)
            .current_dir(project.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let seen = String::from_utf8(output.stdout).unwrap();
        assert!(!seen.is_empty(), "{line:?}");
        let seen = without_own_sequences(&seen);
        let obeyed =
            |c: char| c.is_control() && !"\r\n\t".contains(c) || "\u{202e}\u{200b}".contains(c);
        assert!(!seen.contains(obeyed), "{line:?}: {seen:?}");
        assert!(
            !seen.replace("\r\n", "\n").contains('\r'),
            "{line:?}: {seen:?}"
        );
    }
    // A pipe gets the bytes that `git apply` needs.
    let (code, patch, err) = project.run(&["diff", file]);
    assert_eq!(code, 0, "{err}");
    assert!(patch.contains(evil), "{patch:?}");
    let mut git = Command::new("git")
        .args(["apply", "-"])
        .current_dir(project.0.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin
        .take()
        .unwrap()
        .write_all(patch.as_bytes())
        .unwrap();
    assert!(git.wait().unwrap().success(), "{patch:?}");
}

/// What the program itself paints with: colours, and the progress line that it takes back.
fn without_own_sequences(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| !(c.is_ascii_digit() || ";?".contains(c)));
        let Some(end) = end else { break };
        let known = after[end..].starts_with('m')
            || ["2K", "?25l", "?25h", "1A", "1B", "0K", "K", "J"].contains(&&after[..=end]);
        if !known {
            plain.push('\u{1b}');
        }
        rest = &after[end + 1..];
    }
    plain.push_str(rest);
    plain
}

#[test]
fn rules_of_git_that_are_no_files_hold_nothing_up() {
    for (name, device) in [
        (".gitignore", false),
        (".gitignore", true),
        (".ignore", false),
        (".git", false),
        (".git/info/exclude", false),
        ("home/.gitconfig", false),
        ("home/.config/git/ignore", false),
        ("home/.config/git/ignore", true),
        ("sub/.gitignore", false),
    ] {
        let project = Project::new();
        project.put("sub/x.py", JOB);
        project.put("home/x", "");
        let place = project.path(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        if device {
            symlink("/dev/zero", &place).unwrap();
        } else {
            assert!(
                Command::new("mkfifo")
                    .arg(&place)
                    .status()
                    .unwrap()
                    .success()
            );
        }
        for line in [
            &["scan"][..],
            &["scan", "sub"],
            &["inventory"],
            &["diff"],
            &["verify"],
            &["explain", "good.py:5"],
            &["init", "--print"],
            &["apply", "--allow-dirty"],
        ] {
            let mut command = project.command(line);
            command
                .env("HOME", project.path("home"))
                .env_remove("XDG_CONFIG_HOME")
                .env_remove("GIT_CONFIG_GLOBAL");
            let (code, _, err) = ended(command);
            assert!(code < 2, "{name} {line:?}: {err}");
            let kind = if device { "a device" } else { "a named pipe" };
            let words = format!("{name}: is {kind}; nothing is left out by its rules\n");
            // Only git's rules are followed, so the rules of other programs are no news.
            assert_eq!(
                err.matches(&words).count(),
                usize::from(name != ".ignore"),
                "{err}"
            );
        }
    }
}
