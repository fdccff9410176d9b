//! What git's rules leave out: `.gitignore` in every folder, `info/exclude` of the repository, and the user's own file.
//!
//! The rules are read here and not by the walker of the `ignore` crate, which opens whatever has the name: a named pipe would be waited
//! for without end, and a device read without end. Only regular files of a bounded size are read; anything else is named, and nothing
//! is left out by it. What a rule means and which of two counts is left to the crate, and is what it is for git: the nearest folder
//! decides, and the rules above the top of a repository are another one's. Without a repository all folders above count.

use std::collections::{BTreeSet, HashMap};
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::source::SourceError;
use crate::source::walk::{read_regular, stands};

/// The size beyond which rules are not read: no person wrote them.
const LIMIT: u64 = 1 << 20;

/// The rules that hold below a folder.
pub(super) struct Rules {
    state: Mutex<State>,
    /// The user's own, for all repositories.
    own: Gitignore,
}

#[derive(Default)]
struct State {
    /// The rules of each folder that was asked about, most of them those of the folder above.
    folders: HashMap<PathBuf, Arc<Folder>>,
    /// The folder of the last question; the next one is mostly about the same.
    last: Option<(PathBuf, Arc<Folder>)>,
    unread: BTreeSet<(PathBuf, SourceError)>,
}

/// The rules of one folder.
struct Folder {
    /// Those above it in the same repository.
    above: Option<Arc<Folder>>,
    rules: Gitignore,
    /// Those of the repository whose top this is.
    exclude: Gitignore,
}

impl Rules {
    /// Those for what lies below `base`, an absolute path.
    pub(super) fn new(base: &Path) -> Self {
        let mut state = State::default();
        let top = base.ancestors().find(|folder| is_top(folder));
        let own = match users_file(&mut state) {
            Some(file) => state.rules(top.unwrap_or(base), &file),
            None => Gitignore::empty(),
        };
        Self {
            state: Mutex::new(state),
            own,
        }
    }

    /// Whether a file or folder is left out (`Ignore`) or expressly kept (`Whitelist`).
    pub(super) fn judge(&self, path: &Path, is_folder: bool) -> Match<()> {
        let Some(folder) = path.parent() else {
            return Match::None;
        };
        let folder = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.folder(folder)
        };
        let of = |rules: &Gitignore| rules.matched(path, is_folder).map(drop);
        for own in folder.upwards() {
            let found = of(&own.rules);
            if !found.is_none() {
                return found;
            }
        }
        for own in folder.upwards() {
            let found = of(&own.exclude);
            if !found.is_none() {
                return found;
            }
        }
        of(&self.own)
    }

    /// The files of rules that were not read, and why.
    pub(super) fn unread(&self) -> Vec<(PathBuf, SourceError)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unread.iter().cloned().collect()
    }
}

impl Folder {
    /// This one and those above it, the nearest first.
    fn upwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |folder| folder.above.as_deref())
    }
}

impl State {
    /// The rules that hold for what lies in `path`.
    fn folder(&mut self, path: &Path) -> Arc<Folder> {
        if let Some((last, folder)) = &self.last
            && last == path
        {
            return Arc::clone(folder);
        }
        // From here upwards to a folder that is known, or to the top.
        let mut missing = Vec::new();
        let mut above = None;
        for folder in path.ancestors() {
            if let Some(known) = self.folders.get(folder) {
                above = Some(Arc::clone(known));
                break;
            }
            missing.push(folder);
        }
        for folder in missing.into_iter().rev() {
            let made = self.make(folder, above);
            self.folders.insert(folder.to_path_buf(), Arc::clone(&made));
            above = Some(made);
        }
        let folder = above.unwrap_or_else(|| self.make(path, None));
        self.last = Some((path.to_path_buf(), Arc::clone(&folder)));
        folder
    }

    fn make(&mut self, path: &Path, above: Option<Arc<Folder>>) -> Arc<Folder> {
        let rules = self.rules(path, &path.join(".gitignore"));
        let git = path.join(".git");
        let (above, exclude) = match repository(&git) {
            Ok(None) => (above, Gitignore::empty()),
            Ok(Some(repository)) => (None, self.rules(path, &repository.join("info/exclude"))),
            Err(reason) => {
                self.unread.insert((git, reason));
                (above, Gitignore::empty())
            }
        };
        match above {
            Some(above) if rules.is_empty() && exclude.is_empty() => above,
            above => Arc::new(Folder {
                above,
                rules,
                exclude,
            }),
        }
    }

    /// The rules that `file` gives for `folder`; none where there is no such file.
    fn rules(&mut self, folder: &Path, file: &Path) -> Gitignore {
        let read = read_regular(file, LIMIT).and_then(|bytes| {
            bytes.map_or(Ok(Gitignore::empty()), |bytes| compile(folder, &bytes))
        });
        read.unwrap_or_else(|reason| {
            self.unread.insert((file.to_path_buf(), reason));
            Gitignore::empty()
        })
    }
}

fn compile(folder: &Path, bytes: &[u8]) -> Result<Gitignore, SourceError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut builder = GitignoreBuilder::new(folder);
    for line in bytes.split(|byte| *byte == b'\n') {
        // A line that is no pattern matches nothing, as for git.
        let _ = builder.add_line(None, &String::from_utf8_lossy(line));
    }
    builder
        .build()
        .map_err(|error| SourceError::Unreadable(error.to_string()))
}

/// A repository has a folder `.git` at its top, a linked work tree or a submodule a file.
fn is_top(folder: &Path) -> bool {
    stands(&folder.join(".git")).is_some()
}

/// The folder that holds `info/exclude`, if `git` is one, or a file that leads to one.
fn repository(git: &Path) -> Result<Option<PathBuf>, SourceError> {
    if stands(git) == Some(true) {
        return Ok(Some(git.to_path_buf()));
    }
    let Some(folder) = own_folder(git)? else {
        return Ok(None);
    };
    // A linked work tree shares the rules of the repository that it was made from.
    let common = first_line(&folder.join("commondir"))?;
    Ok(Some(match common {
        Some(common) => folder.join(common),
        None => folder,
    }))
}

/// The folder of a linked work tree or a submodule, which the file `git` names.
pub(super) fn own_folder(git: &Path) -> Result<Option<PathBuf>, SourceError> {
    let line = first_line(git)?;
    let named = line
        .as_deref()
        .and_then(|line| line.strip_prefix("gitdir: "));
    let around = git.parent().unwrap_or(git);
    Ok(named.map(|folder| around.join(folder)))
}

/// The first line of a file that is one; `None` when there is none.
fn first_line(path: &Path) -> Result<Option<String>, SourceError> {
    let Some(bytes) = read_regular(path, LIMIT)? else {
        return Ok(None);
    };
    let line = bytes.split(|byte| *byte == b'\n').next();
    let line = line.and_then(|line| std::str::from_utf8(line).ok());
    Ok(line.map(|line| line.trim_end().to_owned()))
}

/// The user's own file of rules: the one that git's settings name, else the usual one.
fn users_file(state: &mut State) -> Option<PathBuf> {
    let named = |name| {
        env::var_os(name)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    let home = env::home_dir();
    let usual = named("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    let system = named("GIT_CONFIG_SYSTEM").unwrap_or_else(|| PathBuf::from("/etc/gitconfig"));
    let settings = match named("GIT_CONFIG_GLOBAL") {
        Some(global) => vec![Some(global), Some(system)],
        None => vec![
            home.as_ref().map(|home| home.join(".gitconfig")),
            usual.as_ref().map(|usual| usual.join("git/config")),
            Some(system),
        ],
    };
    for file in settings.into_iter().flatten() {
        match read_regular(&file, LIMIT) {
            Ok(bytes) => {
                let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                let named = text.as_deref().and_then(excludes_file);
                if let Some(named) = named {
                    let below_home = named.strip_prefix("~/").zip(home.as_ref());
                    return Some(
                        below_home
                            .map_or_else(|| PathBuf::from(named), |(below, home)| home.join(below)),
                    );
                }
            }
            // `/dev/null` is how one says that there are none.
            Err(SourceError::NotRegular("a device")) => {}
            Err(reason) => {
                state.unread.insert((file, reason));
            }
        }
    }
    usual.map(|usual| usual.join("git/ignore"))
}

/// The value of `core.excludesFile`, the last one if there are several.
fn excludes_file(settings: &str) -> Option<&str> {
    let mut is_core = false;
    let mut found = None;
    for line in settings.lines() {
        let mut line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let (name, rest) = section.split_once(']')?;
            is_core = name.trim().eq_ignore_ascii_case("core");
            line = rest.trim();
        }
        let Some((key, value)) = line.split_once('=').filter(|_| is_core) else {
            continue;
        };
        if key.trim().eq_ignore_ascii_case("excludesfile") {
            let value = value.trim();
            let quoted = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            found = Some(quoted.unwrap_or(value)).filter(|value| !value.is_empty());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_file_is_the_one_that_git_uses() {
        for (settings, file) in [
            ("[core]\n\texcludesFile = ~/.ignored\n", Some("~/.ignored")),
            ("[Core]\nexcludesfile=\"/a b/c\"\n", Some("/a b/c")),
            (
                "[core] excludesfile = x\n[core]\nexcludesfile = y\n",
                Some("y"),
            ),
            ("[user]\nexcludesfile = x\n", None),
            ("[core]\nexcludesfile =\n", None),
            ("excludesfile = x\n[", None),
        ] {
            assert_eq!(excludes_file(settings), file, "{settings}");
        }
    }
}
