//! Asks git which contents are committed, before they are replaced.
//!
//! A repository's own configuration can name programs that git runs: a file system monitor, hooks, filters, text conversions, helpers of
//! remotes. No code of the project is to be run, so git is only asked for objects, by `ls-tree` and `cat-file`, which look neither at the
//! work tree nor at the index and so need none of these; and what could reach the network is switched off. The comparison is made here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long git may take for one answer: longer than for any repository, and shorter than for a pipe in the place of one of its files.
const PATIENCE: Duration = Duration::from_mins(2);

/// What would be lost for git if files were replaced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uncommitted {
    /// The files whose content is not that of the last commit.
    pub(super) files: BTreeSet<String>,
    /// Work trees of which git could not tell, and why.
    pub(super) unknown: BTreeMap<PathBuf, String>,
}

/// Which of `files`, paths below `base` with their contents, are not committed as they are. Files outside of any work tree are none of
/// git's business.
pub(super) fn uncommitted(base: &Path, files: &[(&str, &str)]) -> Uncommitted {
    let mut trees: BTreeMap<PathBuf, Vec<(&str, &str)>> = BTreeMap::new();
    for file in files {
        // A link is written through to its target, so that is the file that counts.
        let path = base.join(file.0);
        let path = path.canonicalize().unwrap_or(path);
        if let Some(top) = path.ancestors().skip(1).find(|folder| is_top(folder)) {
            trees.entry(top.to_owned()).or_default().push(*file);
        }
    }
    let mut found = Uncommitted::default();
    for (top, files) in trees {
        match changed(base, &top, &files) {
            Ok(changed) => found.files.extend(changed),
            Err(why) => {
                found.unknown.insert(top, why);
            }
        }
    }
    found
}

/// A linked work tree and a submodule have a file `.git`; any other folder of this name is a repository only with a `HEAD`.
fn is_top(folder: &Path) -> bool {
    let git = folder.join(".git");
    git.is_file() || git.join("HEAD").exists()
}

fn changed(base: &Path, top: &Path, files: &[(&str, &str)]) -> Result<Vec<String>, String> {
    // git would open them and wait for ever.
    for name in [
        "HEAD",
        "config",
        "commondir",
        "packed-refs",
        "shallow",
        "objects/info/alternates",
    ] {
        let path = top.join(".git").join(name);
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Err(format!(".git/{name} is no regular file"));
        }
    }
    let committed = committed(top)?;
    let (mut changed, mut to_compare) = (Vec::new(), Vec::new());
    for (path, content) in files {
        let full = base.join(path);
        let full = full.canonicalize().unwrap_or(full);
        let inside = full.strip_prefix(top).unwrap_or(&full);
        match committed.get(inside.as_os_str().as_encoded_bytes()) {
            Some(object) => to_compare.push((path, content, object.as_str())),
            None => changed.push((*path).to_owned()),
        }
    }
    let objects = to_compare.iter().map(|(_, _, object)| *object).collect();
    let contents = contents(top, objects)?;
    for ((path, content, _), old) in to_compare.into_iter().zip(contents) {
        if !is_same(&old, content.as_bytes()) {
            changed.push((*path).to_owned());
        }
    }
    Ok(changed)
}

/// Whether they differ at most in line endings, which git may convert on the way.
fn is_same(committed: &[u8], content: &[u8]) -> bool {
    let lines = |text: &[u8]| -> Vec<u8> {
        let bytes = text.iter().enumerate();
        let kept = bytes.filter(|(at, byte)| **byte != b'\r' || text.get(at + 1) != Some(&b'\n'));
        kept.map(|(_, byte)| *byte).collect()
    };
    committed == content || lines(committed) == lines(content)
}

/// The files of the last commit, by path below `top`, each with the name of its content.
fn committed(top: &Path) -> Result<HashMap<Vec<u8>, String>, String> {
    // A repository without a commit has none to go back to.
    if ask(top, &["rev-parse", "--git-dir"], Vec::new()).is_ok()
        && ask(
            top,
            &["rev-parse", "--verify", "--quiet", "HEAD"],
            Vec::new(),
        )
        .is_err()
    {
        return Ok(HashMap::new());
    }
    let listed = ask(
        top,
        &["ls-tree", "-r", "-z", "--full-tree", "HEAD"],
        Vec::new(),
    )?;
    let mut files = HashMap::new();
    for line in listed.split(|byte| *byte == 0) {
        // <mode> SP <type> SP <object> TAB <path>
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else {
            continue;
        };
        let head = String::from_utf8_lossy(&line[..tab]);
        if let [_, "blob", object] = head.split(' ').collect::<Vec<_>>()[..] {
            files.insert(line[tab + 1..].to_owned(), object.to_owned());
        }
    }
    Ok(files)
}

/// The contents of these names, in their order.
fn contents(top: &Path, objects: Vec<&str>) -> Result<Vec<Vec<u8>>, String> {
    let names: String = objects.iter().map(|name| format!("{name}\n")).collect();
    let answer = ask(top, &["cat-file", "--batch"], names.into_bytes())?;
    let mut rest = &answer[..];
    let mut contents = Vec::new();
    for _ in objects {
        contents.push(take_content(&mut rest).ok_or("an object is missing")?);
    }
    Ok(contents)
}

/// `<object> SP <type> SP <size> LF <content> LF`.
fn take_content(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&rest[..end]).ok()?;
    let size: usize = head.rsplit(' ').next()?.parse().ok()?;
    let content = rest.get(end + 1..)?.get(..size)?.to_owned();
    *rest = rest.get(end + 1 + size + 1..)?;
    Some(content)
}

fn ask(top: &Path, arguments: &[&str], input: Vec<u8>) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    for (name, _) in env::vars_os() {
        // What they would change is which repository, which configuration, which program.
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    command
        .args(["--no-pager", "-c", "core.fsmonitor=false"])
        .args(["-c", "core.hooksPath=/dev/null", "-C"])
        .arg(top)
        .args(arguments)
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("git could not be started: {error}"))?;
    // From a thread of its own: git answers while it still reads.
    let feeder = child.stdin.take().map(|mut stream| {
        thread::spawn(move || {
            // If git ended early, its status says so.
            let _ = stream.write_all(&input);
        })
    });
    let streams = (child.stdout.take(), child.stderr.take());
    let (told, answer) = mpsc::channel();
    let reader = thread::spawn(move || {
        let errors = thread::spawn(move || read(streams.1));
        let results = read(streams.0);
        // Nobody listens any more when it took too long.
        let _ = told.send((results, errors.join().unwrap_or_default()));
    });
    let Ok((results, said)) = answer.recv_timeout(PATIENCE) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err("git gave no answer".to_owned());
    };
    let _ = reader.join();
    let status = child
        .wait()
        .map_err(|error| format!("git did not end well: {error}"))?;
    if let Some(feeder) = feeder {
        let _ = feeder.join();
    }
    if status.success() {
        return Ok(results);
    }
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().next().unwrap_or("git gave no reason");
    Err(line.to_owned())
}

/// All that comes out of a stream.
fn read(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What is missing shows in the answer.
        let _ = stream.read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b.example"])
            .args(arguments)
            .current_dir(folder)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{output:?}");
    }

    fn found(folder: &Path, files: &[(&str, &str)]) -> Vec<String> {
        let base = folder.canonicalize().expect("it is there");
        let found = uncommitted(&base, files);
        assert_eq!(found.unknown, BTreeMap::new());
        found.files.into_iter().collect()
    }

    #[test]
    fn only_what_the_last_commit_holds_is_committed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = [
            ("a.py", "1\n"),
            ("o\"d\n\u{e9} d.py", "2\n"),
            ("new.py", "3\n"),
        ];
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a new file");
        }
        // Nothing marks a work tree.
        assert_eq!(found(folder.path(), &files), [""; 0]);
        git(folder.path(), &["init", "-q"]);
        assert_eq!(found(folder.path(), &files).len(), 3);
        git(folder.path(), &["add", "a.py", files[1].0]);
        assert_eq!(found(folder.path(), &files).len(), 3);
        git(folder.path(), &["commit", "-qm", "x"]);
        assert_eq!(found(folder.path(), &files), ["new.py"]);
        assert_eq!(found(folder.path(), &[("a.py", "1\r\n")]), [""; 0]);
        assert_eq!(found(folder.path(), &[("a.py", "1\n\n")]), ["a.py"]);
    }

    #[test]
    fn programs_that_the_repository_names_are_not_run() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        fs::write(path.join("a.py"), "1\n").expect("a new file");
        fs::write(path.join(".gitattributes"), "*.py filter=own diff=own\n").expect("a new file");
        git(path, &["init", "-q"]);
        git(path, &["add", "."]);
        git(path, &["commit", "-qm", "x"]);
        let trace = path.join("ran");
        let program = format!("touch '{}'; cat", trace.display());
        for key in [
            "core.fsmonitor",
            "filter.own.clean",
            "filter.own.smudge",
            "diff.own.textconv",
            "core.pager",
            "core.sshCommand",
        ] {
            git(path, &["config", key, &program]);
        }
        let _ = fs::remove_file(&trace);
        fs::write(path.join("a.py"), "2\n").expect("a changed file");
        assert_eq!(found(path, &[("a.py", "2\n")]), ["a.py"]);
        assert!(!trace.exists());
    }

    #[test]
    fn a_repository_that_git_cannot_read_is_unknown() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join(".git"), "gitdir: nowhere\n").expect("a new file");
        fs::write(folder.path().join("a.py"), "").expect("a new file");
        let base = folder.path().canonicalize().expect("it is there");
        let found = uncommitted(&base, &[("a.py", "")]);
        assert_eq!(found.files, BTreeSet::new());
        assert!(found.unknown.contains_key(&base), "{found:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_a_repository_is_not_waited_for() {
        for name in ["HEAD", "config", "packed-refs"] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            git(folder.path(), &["init", "-q"]);
            let path = folder.path().join(".git").join(name);
            let _ = fs::remove_file(&path);
            let made = Command::new("mkfifo").arg(&path).status();
            assert!(made.expect("mkfifo runs").success());
            let base = folder.path().canonicalize().expect("it is there");
            let found = uncommitted(&base, &[("a.py", "")]);
            let why = found.unknown.get(&base).map(String::as_str);
            assert_eq!(why, Some(&*format!(".git/{name} is no regular file")));
        }
    }
}
