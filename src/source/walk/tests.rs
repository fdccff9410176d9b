use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use globset::{Glob, GlobSetBuilder};
use tempfile::TempDir;

use super::*;

/// A folder with the given files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        put(folder.path(), path, text.as_bytes());
    }
    folder
}

fn put(folder: &Path, path: &str, bytes: &[u8]) {
    assert!(!path.starts_with('/'), "{path} lies in no folder of ours");
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py")
}

fn read(options: &WalkOptions) -> Tree {
    walk(options, is_python).unwrap()
}

fn paths(tree: &Tree) -> Vec<&str> {
    tree.files.iter().map(SourceFile::path).collect()
}

fn skipped(tree: &Tree) -> Vec<(&str, String)> {
    tree.skipped
        .iter()
        .map(|skipped| (skipped.path.as_str(), skipped.reason.to_string()))
        .collect()
}

#[test]
fn files_come_sorted_by_the_bytes_of_their_path() {
    let folder = folder(&[
        ("b.py", ""),
        ("a/z.py", "z"),
        ("a.py", ""),
        ("a-b.py", ""),
        ("B.py", ""),
        ("note.txt", ""),
    ]);
    let tree = read(&WalkOptions::new(folder.path()));
    assert_eq!(paths(&tree), ["B.py", "a-b.py", "a.py", "a/z.py", "b.py"]);
    assert_eq!(tree.files[3].text(), "z");
    assert!(tree.skipped.is_empty());
}

#[test]
fn any_number_of_threads_gives_the_same_tree() {
    let folder = TempDir::new().unwrap();
    for number in 0..200 {
        let text: &[u8] = if number % 7 == 0 { b"\xff" } else { b"x = 1\n" };
        put(
            folder.path(),
            &format!("d{}/f{number}.py", number % 5),
            text,
        );
    }
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let tree = pool.install(|| read(&WalkOptions::new(folder.path())));
        format!("{:?} {:?}", paths(&tree), tree.skipped)
    };
    assert_eq!(on(1), on(8));
}

#[test]
fn ignore_files_hold_without_a_repository_and_can_be_switched_off() {
    let folder = folder(&[
        (".gitignore", "generated/\n*_local.py\n"),
        ("a.py", ""),
        ("a_local.py", ""),
        ("generated/b.py", ""),
        ("pkg/.gitignore", "c.py\n"),
        ("pkg/c.py", ""),
        ("pkg/d.py", ""),
    ]);
    let mut options = WalkOptions::new(folder.path());
    assert_eq!(paths(&read(&options)), ["a.py", "pkg/d.py"]);
    options.roots = vec!["pkg".into()];
    assert_eq!(paths(&read(&options)), ["pkg/d.py"]);
    options.roots = vec![".".into()];
    options.no_ignore = true;
    assert_eq!(
        paths(&read(&options)),
        [
            "a.py",
            "a_local.py",
            "generated/b.py",
            "pkg/c.py",
            "pkg/d.py"
        ]
    );
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_tracked_file_is_not_ignored() {
    let folder = folder(&[
        (".gitignore", "test_*.py\nold/\nvenv/\n"),
        ("a.py", ""),
        ("test_tracked.py", ""),
        ("test_deleted.py", ""),
        ("test_note.txt", ""),
        ("old/b.py", ""),
        ("old/excluded.py", ""),
        ("old/node_modules/c.py", ""),
        ("old/.hidden/d.py", ""),
        ("venv/e.py", ""),
    ]);
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "-f", "."]);
    put(folder.path(), "test_untracked.py", b"");
    fs::remove_file(folder.path().join("test_deleted.py")).unwrap();
    let mut options = WalkOptions::new(folder.path());
    options.excluded = GlobSetBuilder::new()
        .add(Glob::new("old/excluded.py").unwrap())
        .build()
        .unwrap();
    let expected = ["a.py", "old/b.py", "test_tracked.py"];
    assert_eq!(paths(&read(&options)), expected);
    options.hidden = true;
    let expected = ["a.py", "old/.hidden/d.py", "old/b.py", "test_tracked.py"];
    assert_eq!(paths(&read(&options)), expected);

    // A root inside of the repository, and a base there.
    options.hidden = false;
    options.roots = vec!["old".into()];
    assert_eq!(paths(&read(&options)), ["old/b.py"]);
    let options = WalkOptions::new(folder.path().join("old"));
    assert_eq!(paths(&read(&options)), ["b.py", "excluded.py"]);
}

#[test]
fn a_linked_work_tree_has_an_index_of_its_own() {
    let main = folder(&[("a.py", ""), ("b.py", "")]);
    let away = TempDir::new().unwrap();
    let linked = away.path().join("linked");
    git(main.path(), &["init", "-q"]);
    git(main.path(), &["add", "."]);
    let identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
    git(
        main.path(),
        &[&identity[..], &["commit", "-q", "-m", "x"]].concat(),
    );
    git(
        main.path(),
        &["worktree", "add", "-q", linked.to_str().unwrap()],
    );
    put(&linked, ".gitignore", b"*.py\n");
    put(&linked, "c.py", b"");
    assert_eq!(paths(&read(&WalkOptions::new(linked))), ["a.py", "b.py"]);
}

#[test]
fn a_tracked_file_behind_a_link_is_not_reached() {
    let outside = folder(&[("a.py", "")]);
    let folder = folder(&[(".gitignore", "sub\n"), ("sub/a.py", "")]);
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "-f", "."]);
    fs::remove_dir_all(folder.path().join("sub")).unwrap();
    symlink(outside.path(), folder.path().join("sub")).unwrap();
    assert!(read(&WalkOptions::new(folder.path())).files.is_empty());
}

#[test]
fn a_path_of_the_index_stays_inside_its_root() {
    let root = folder(&[("a.py", "")]);
    let is_open = |below: &str| is_open(root.path(), Path::new(below), true, &mut BTreeMap::new());
    assert!(is_open("a.py"));
    assert!(!is_open("../a.py"));
    assert!(!is_open("sub/../../a.py"));
}

#[test]
fn foreign_folders_are_read_only_when_asked_for() {
    let folder = folder(&[
        ("a.py", ""),
        ("node_modules/b.py", ""),
        ("venv/c.py", ""),
        ("env/pyvenv.cfg", ""),
        ("env/d.py", ""),
        ("lib/site-packages/e.py", ""),
        (".git/hooks/f.py", ""),
        (".connmod/g.py", ""),
        (".hidden/h.py", ""),
    ]);
    let mut options = WalkOptions::new(folder.path());
    assert_eq!(paths(&read(&options)), ["a.py"]);
    options.hidden = true;
    assert_eq!(paths(&read(&options)), [".hidden/h.py", "a.py"]);
    options.no_ignore = true;
    assert_eq!(
        paths(&read(&options)),
        [
            ".hidden/h.py",
            "a.py",
            "env/d.py",
            "lib/site-packages/e.py",
            "node_modules/b.py",
            "venv/c.py"
        ]
    );
    // A root that a person names is read, whatever it is called.
    options = WalkOptions::new(folder.path());
    options.roots = vec!["node_modules".into()];
    assert_eq!(paths(&read(&options)), ["node_modules/b.py"]);
}

#[test]
fn excluded_paths_are_left_out_also_when_named() {
    let folder = folder(&[("a.py", ""), ("old/b.py", ""), ("old/c.py", "")]);
    let mut options = WalkOptions::new(folder.path());
    options.excluded = GlobSetBuilder::new()
        .add(Glob::new("old/**").unwrap())
        .build()
        .unwrap();
    assert_eq!(paths(&read(&options)), ["a.py"]);
    options.roots = vec!["old/b.py".into(), "old".into(), "a.py".into()];
    assert_eq!(paths(&read(&options)), ["a.py"]);
}

#[test]
fn overlapping_roots_give_each_file_once() {
    let folder = folder(&[("src/a.py", ""), ("src/b.py", ""), ("c.py", "")]);
    let mut options = WalkOptions::new(folder.path());
    options.roots = vec![
        "src/a.py".into(),
        folder.path().join("src"),
        "./src/../src".into(),
    ];
    assert_eq!(paths(&read(&options)), ["src/a.py", "src/b.py"]);
}

#[test]
fn a_named_file_that_is_no_source_is_listed() {
    let folder = folder(&[("a.txt", "")]);
    let mut options = WalkOptions::new(folder.path());
    options.roots = vec!["a.txt".into()];
    let tree = read(&options);
    assert_eq!(
        skipped(&tree),
        [("a.txt", SourceError::NotSource.to_string())]
    );
}

#[test]
fn a_missing_root_and_one_outside_the_base_are_errors() {
    let outside = folder(&[("x.py", "")]);
    let folder = folder(&[]);
    symlink(outside.path(), folder.path().join("away")).unwrap();
    let mut options = WalkOptions::new(folder.path());
    options.roots = vec!["nowhere".into()];
    let error = walk(&options, is_python).unwrap_err();
    assert!(matches!(&error, WalkError::Root { path, .. } if path == Path::new("nowhere")));
    for root in ["away", ".."] {
        options.roots = vec![root.into()];
        let error = walk(&options, is_python).unwrap_err();
        assert!(matches!(error, WalkError::OutsideBase { .. }), "{error}");
    }
}

#[test]
fn links_are_read_under_the_name_of_their_target_only() {
    let outside = folder(&[("secret.py", "")]);
    let folder = folder(&[("real/a.py", ""), ("real/plain", ""), ("other/b.py", "")]);
    let link = |target: &Path, name: &str| symlink(target, folder.path().join(name)).unwrap();
    link(Path::new("a.py"), "real/alias.py");
    link(Path::new("plain"), "real/renamed.py");
    link(Path::new("../other"), "real/other");
    link(Path::new("."), "real/loop");
    link(Path::new("missing.py"), "real/dangling.py");
    link(&outside.path().join("secret.py"), "real/secret.py");
    link(outside.path(), "real/outside");
    link(Path::new("round.py"), "real/round.py");

    let tree = read(&WalkOptions::new(folder.path()));
    assert_eq!(paths(&tree), ["other/b.py", "real/a.py"]);
    let leads_out = SourceError::LinkLeadsOut.to_string();
    let listed = skipped(&tree);
    let named: Vec<&str> = listed.iter().map(|(path, _)| *path).collect();
    assert_eq!(
        named,
        [
            "real/dangling.py",
            "real/outside",
            "real/renamed.py",
            "real/round.py",
            "real/secret.py"
        ]
    );
    assert_eq!(listed[1].1, leads_out);
    assert_eq!(listed[2].1, SourceError::LinkRenames.to_string());
    assert_eq!(listed[4].1, leads_out);

    // What lies outside of the roots is not reached through a link either.
    let mut options = WalkOptions::new(folder.path());
    options.roots = vec!["real".into()];
    let tree = read(&options);
    assert_eq!(paths(&tree), ["real/a.py"]);
    assert!(skipped(&tree).contains(&("real/other", leads_out)));
    // A link that is itself a root counts as its target.
    options.roots = vec!["real/other".into(), "real/alias.py".into()];
    assert_eq!(paths(&read(&options)), ["other/b.py", "real/a.py"]);
}

#[test]
fn a_pipe_is_never_opened() {
    let folder = folder(&[]);
    let made = Command::new("mkfifo")
        .arg(folder.path().join("pipe.py"))
        .status()
        .unwrap();
    assert!(made.success());
    let socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket.py"));
    let mut options = WalkOptions::new(folder.path());
    assert_eq!(
        skipped(&read(&options)),
        [
            ("pipe.py", "is a named pipe".to_owned()),
            ("socket.py", "is a socket".to_owned())
        ]
    );
    options.roots = vec!["pipe.py".into()];
    assert_eq!(skipped(&read(&options)).len(), 1);
    drop(socket);
}

#[test]
fn what_is_no_text_is_listed_with_its_reason() {
    let folder = folder(&[("fine.py", "x = 1\n")]);
    put(folder.path(), "binary.py", b"\x7fELF\0\0");
    put(
        folder.path(),
        "latin.py",
        b"# coding: latin-1\ns = '\xe9'\n",
    );
    put(folder.path(), "long.py", &[b'#'; 101]);
    put(folder.path(), "exact.py", &[b'#'; 100]);
    let mut options = WalkOptions::new(folder.path());
    options.size_limit = 100;
    let tree = read(&options);
    assert_eq!(paths(&tree), ["exact.py", "fine.py"]);
    assert_eq!(
        skipped(&tree),
        [
            (
                "binary.py",
                "holds a NUL byte (byte 4); a binary file, or UTF-16".to_owned()
            ),
            (
                "latin.py",
                "declares the encoding latin-1; only UTF-8 is read".to_owned()
            ),
            ("long.py", "101 bytes is over the limit of 100".to_owned()),
        ]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_no_report_can_hold_are_listed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder(&[("a\nb.py", ""), ("café and more.py", "")]);
    fs::write(folder.path().join(OsStr::from_bytes(b"\xff.py")), "").unwrap();
    let tree = read(&WalkOptions::new(folder.path()));
    assert_eq!(paths(&tree), ["café and more.py"]);
    let reason = SourceError::Name.to_string();
    assert_eq!(
        skipped(&tree),
        [("a\nb.py", reason.clone()), ("\u{fffd}.py", reason)]
    );
}

#[test]
fn unreadable_files_and_folders_are_listed_and_the_walk_goes_on() {
    let folder = folder(&[("a.py", ""), ("closed/b.py", ""), ("c.py", "")]);
    let set_mode = |path: &str, mode| {
        fs::set_permissions(folder.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode("closed", 0o000);
    set_mode("c.py", 0o000);
    let tree = read(&WalkOptions::new(folder.path()));
    let is_root = fs::read_dir(folder.path().join("closed")).is_ok();
    set_mode("closed", 0o755);
    if is_root {
        // Nothing is unreadable to the superuser; then both are read.
        assert_eq!(paths(&tree), ["a.py", "c.py", "closed/b.py"]);
    } else {
        assert_eq!(paths(&tree), ["a.py"]);
        let listed = skipped(&tree);
        assert_eq!((listed[0].0, listed[1].0), ("c.py", "closed"));
        assert!(listed[1].1.starts_with("cannot be read: "));
    }
}

fn pipe(folder: &Path, path: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn unread_rules(tree: &Tree) -> Vec<(&str, String)> {
    let unread = tree.unread_rules.iter();
    unread
        .map(|unread| (unread.path.as_str(), unread.reason.to_string()))
        .collect()
}

#[test]
fn rules_are_read_from_regular_files_of_a_bounded_size_only() {
    let folder = folder(&[
        ("a/x.py", ""),
        ("b/x.py", ""),
        ("c/x.py", ""),
        ("d/x.py", ""),
        ("e/x.py", ""),
        ("e/.gitignore/x", ""),
        ("f/x.py", ""),
        ("f/rules", "x.py\n"),
        ("g/x.py", ""),
    ]);
    pipe(folder.path(), ".gitignore");
    pipe(folder.path(), "a/.git");
    symlink("/dev/zero", folder.path().join("b/.gitignore")).unwrap();
    put(folder.path(), "c/.gitignore", &b"x.py\n".repeat(300_000));
    pipe(folder.path(), "d/.git/info/exclude");
    symlink("rules", folder.path().join("f/.gitignore")).unwrap();
    symlink("nowhere", folder.path().join("g/.gitignore")).unwrap();
    let mut options = WalkOptions::new(folder.path());
    let tree = read(&options);
    let read_anyway = ["a/x.py", "b/x.py", "c/x.py", "d/x.py", "e/x.py", "g/x.py"];
    assert_eq!(paths(&tree), read_anyway);
    assert_eq!(
        unread_rules(&tree),
        [
            (".gitignore", "is a named pipe".to_owned()),
            ("a/.git", "is a named pipe".to_owned()),
            ("b/.gitignore", "is a device".to_owned()),
            (
                "c/.gitignore",
                "1500000 bytes is over the limit of 1048576".to_owned()
            ),
            ("d/.git/info/exclude", "is a named pipe".to_owned()),
            ("e/.gitignore", "is a folder".to_owned()),
        ]
    );
    assert!(tree.skipped.is_empty());
    // A pipe in the place of a work tree's file or of its index.
    let repository = TempDir::new().unwrap();
    put(repository.path(), "x.py", b"");
    for name in [".git", ".git/index", "away/commondir"] {
        let _ = fs::remove_file(repository.path().join(".git"));
        let _ = fs::remove_dir_all(repository.path().join(".git"));
        pipe(repository.path(), name);
        if name.starts_with("away") {
            put(repository.path(), ".git", b"gitdir: away\n");
        }
        assert_eq!(paths(&read(&WalkOptions::new(repository.path()))), ["x.py"]);
    }
    options.no_ignore = true;
    assert_eq!(unread_rules(&read(&options)), []);
}

#[test]
fn the_rules_of_a_repository_are_its_own() {
    let folder = folder(&[
        (".gitignore", "*.py\n"),
        ("repo/.git/info/exclude", "b.py\n/c.py\n"),
        ("repo/.gitignore", ".*\n!.kept\n!.kept/*\nd.py\n"),
        ("repo/a.py", ""),
        ("repo/b.py", ""),
        ("repo/c.py", ""),
        ("repo/d.py", ""),
        ("repo/sub/.gitignore", "!d.py\n"),
        ("repo/sub/c.py", ""),
        ("repo/sub/d.py", ""),
        ("repo/.kept/e.py", ""),
        ("repo/.left/e.py", ""),
    ]);
    let tree = read(&WalkOptions::new(folder.path().join("repo")));
    // What a rule expressly keeps is shown, also where its name begins with a dot.
    assert_eq!(paths(&tree), [".kept/e.py", "a.py", "sub/c.py", "sub/d.py"]);
    // From the folder around it, too.
    let tree = read(&WalkOptions::new(folder.path()));
    assert_eq!(paths(&tree).len(), 4);
}

#[test]
fn a_linked_work_tree_shares_the_rules_of_its_repository() {
    let main = folder(&[("a.py", "")]);
    let away = TempDir::new().unwrap();
    let linked = away.path().join("linked");
    git(main.path(), &["init", "-q"]);
    git(main.path(), &["add", "."]);
    let identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
    let commit = [&identity[..], &["commit", "-q", "-m", "x"]].concat();
    git(main.path(), &commit);
    let linked_path = linked.to_str().unwrap();
    git(main.path(), &["worktree", "add", "-q", linked_path]);
    put(main.path(), ".git/info/exclude", b"b.py\n");
    put(&linked, "b.py", b"");
    put(&linked, "c.py", b"");
    assert_eq!(paths(&read(&WalkOptions::new(linked))), ["a.py", "c.py"]);
}

#[test]
fn rules_mean_what_they_mean_to_the_walker_that_reads_them_itself() {
    let patterns = [
        "a", "b/", "/a", "*.py", "!a.py", "!b", "a/**", "**/b", "a/b", "/a/*.py", "!/a/b/", "#a",
        "[ab].py", "\\!a", "b.py ", "", "a.?y", "!*.py", "!.h",
    ];
    let mut random: u64 = 0x5eed;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    for round in 0..60 {
        let top = TempDir::new().unwrap();
        let folders = [".", "a", "b", "a/a", "a/b", "b/a", "a/b/a", ".h"];
        for place in folders {
            for name in ["a.py", "b.py", "c.py"] {
                put(top.path(), &format!("{place}/{name}"), b"");
            }
            if next(2) == 0 {
                let lines: Vec<&str> = (0..=next(4))
                    .map(|_| patterns[next(patterns.len())])
                    .collect();
                let end = ["\n", "\r\n"][next(2)];
                put(
                    top.path(),
                    &format!("{place}/.gitignore"),
                    lines.join(end).as_bytes(),
                );
            }
        }
        let base = top.path().join([".", "a"][next(2)]);
        let walk = ignore::WalkBuilder::new(&base)
            .require_git(false)
            .ignore(false)
            .git_global(false)
            .build();
        let mut expected: Vec<String> = walk
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.is_file() && is_python(path))
            .map(|path| portable(path.strip_prefix(&base).unwrap()).unwrap())
            .collect();
        expected.sort();
        let tree = read(&WalkOptions::new(&base));
        assert_eq!(paths(&tree), expected, "round {round}");
    }
}
