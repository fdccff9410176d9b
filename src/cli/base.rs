//! Where a run takes place: the folder that all paths are relative to, and the settings that hold there.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};

use crate::config::FILE_NAME;

/// The files that describe a package; each stands at its top.
const PACKAGE_FILES: [&str; 4] = ["pyproject.toml", "setup.py", "setup.cfg", "Cargo.toml"];

/// Where a run takes place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base {
    /// The folder that paths in settings and results are relative to; absolute, without symbolic links.
    pub(crate) folder: PathBuf,
    /// The files and folders to look at; absolute, each inside of `folder`.
    pub(crate) roots: Vec<PathBuf>,
    /// The settings, if there are any.
    pub(crate) settings: Option<PathBuf>,
    /// How the folder was found.
    pub(crate) how: How,
}

/// How the folder was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It was named.
    Named,
    /// It holds the settings.
    Settings,
    /// It is the top of a project: of a git work tree, or where a package is described.
    Project,
    /// It is the current folder, and nothing says where the project begins.
    Current,
    /// It holds everything that was named, and nothing says where the project begins.
    Paths,
}

impl How {
    /// Whether it is only a guess that the whole project lies in it.
    pub(crate) fn is_guess(self) -> bool {
        matches!(self, Self::Current | Self::Paths)
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "named by --root",
            Self::Settings => "it holds the settings",
            Self::Project => "the top of the project",
            Self::Current => "the current folder",
            Self::Paths => "it holds everything that is to be looked at",
        })
    }
}

impl Base {
    /// Finds it for the `paths` given on the command line, relative to `current`; none mean `root`, or `current` itself.
    pub(crate) fn find(
        current: &Path,
        paths: &[PathBuf],
        root: Option<&Path>,
        config: Option<&Path>,
    ) -> Result<Self> {
        let mut roots = Vec::new();
        for path in paths {
            roots.push(existing(current, path)?);
        }
        if roots.is_empty() {
            roots.push(existing(current, root.unwrap_or(Path::new(".")))?);
        }
        let config = config.map(|path| existing(current, path)).transpose()?;
        let common = common_folder(&roots);
        let (folder, how) = match (root, &config) {
            (Some(root), _) => (existing(current, root)?, How::Named),
            (None, Some(config)) => match folder_of_settings(config, &common) {
                Some(folder) => (folder, How::Settings),
                None => without_settings(&common, current),
            },
            (None, None) => match with_settings(&common) {
                Some(folder) => (folder, How::Settings),
                None => without_settings(&common, current),
            },
        };
        if !folder.is_dir() {
            bail!("{} is no folder; --root names one", folder.display());
        }
        if let Some(outside) = roots.iter().find(|path| !path.starts_with(&folder)) {
            bail!(
                "{} is outside of {} ({how}); name the folder that holds both with --root",
                outside.display(),
                folder.display()
            );
        }
        let own = folder.join(FILE_NAME);
        // Whatever has the name: a run without settings that are there would not do what was meant.
        let settings = config.or_else(|| fs::symlink_metadata(&own).is_ok().then_some(own));
        Ok(Self {
            folder,
            roots,
            settings,
            how,
        })
    }

    /// A path inside of the base as reports write it: relative, with `/` between its parts; empty for the base itself.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.folder).unwrap_or(path);
        let parts: Vec<_> = inside
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        parts.join("/")
    }
}

fn existing(current: &Path, path: &Path) -> Result<PathBuf> {
    fs::canonicalize(current.join(path)).map_err(|error| {
        let path = path.display();
        if error.kind() == io::ErrorKind::NotFound {
            anyhow!("there is no {path}")
        } else {
            anyhow!("{path} cannot be looked at: {error}")
        }
    })
}

/// The deepest folder that holds all of them.
fn common_folder(roots: &[PathBuf]) -> PathBuf {
    let folder_of = |path: &PathBuf| {
        if path.is_dir() {
            path.clone()
        } else {
            path.parent().unwrap_or(path).to_path_buf()
        }
    };
    let mut folders = roots.iter().map(folder_of);
    let mut common = folders.next().unwrap_or_default();
    for folder in folders {
        while !folder.starts_with(&common) && common.pop() {}
    }
    common
}

/// The nearest folder from `start` upwards that holds settings. The top of a git work tree is the last one looked at: what lies above
/// belongs to somebody else. The top of a package is not: one of several packages may be all that is looked at.
fn with_settings(start: &Path) -> Option<PathBuf> {
    for folder in start.ancestors() {
        if fs::symlink_metadata(folder.join(FILE_NAME)).is_ok() {
            return Some(folder.to_path_buf());
        }
        if is_git_top(folder) {
            break;
        }
    }
    None
}

/// The folder of settings that are named, if it holds everything that is to be looked at.
fn folder_of_settings(config: &Path, common: &Path) -> Option<PathBuf> {
    let folder = config.parent()?;
    common.starts_with(folder).then(|| folder.to_path_buf())
}

/// The top of the project around `common`. Where nothing marks it, whoever stands in a folder and names a part of it means that folder;
/// a home folder and the top of the file system hold more than one project.
fn without_settings(common: &Path, current: &Path) -> (PathBuf, How) {
    let is_top = |folder: &&Path| is_git_top(folder) || is_package_top(folder);
    if let Some(top) = common.ancestors().find(is_top) {
        return (top.to_path_buf(), How::Project);
    }
    let home = env::home_dir().and_then(|home| fs::canonicalize(home).ok());
    let holds_projects =
        |folder: &Path| folder.parent().is_none() || Some(folder) == home.as_deref();
    match fs::canonicalize(current) {
        Ok(current) if common.starts_with(&current) && !holds_projects(&current) => {
            (current, How::Current)
        }
        _ => (common.to_path_buf(), How::Paths),
    }
}

/// A work tree has a folder `.git`, a linked one a file.
fn is_git_top(folder: &Path) -> bool {
    folder.join(".git").exists()
}

/// Whether a package is described here.
fn is_package_top(folder: &Path) -> bool {
    PACKAGE_FILES.iter().any(|name| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files in it; a name that ends in `/` is a folder.
    fn tree(entries: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for entry in entries {
            let path = folder.path().join(entry);
            let parent = if entry.ends_with('/') {
                path.as_path()
            } else {
                path.parent().expect("an entry lies in a folder")
            };
            fs::create_dir_all(parent).expect("a new folder");
            if !entry.ends_with('/') {
                fs::write(&path, "version: 1\n").expect("a new file");
            }
        }
        folder
    }

    fn find(folder: &tempfile::TempDir, current: &str, paths: &[&str]) -> Result<Base> {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        Base::find(&folder.path().join(current), &paths, None, None)
    }

    fn name(folder: &tempfile::TempDir, base: &Base) -> String {
        let top = fs::canonicalize(folder.path()).expect("the folder is there");
        let inside = base.folder.strip_prefix(top).expect("inside of the tree");
        inside.display().to_string()
    }

    #[test]
    fn the_folder_with_settings_wins_over_the_git_top() {
        let folder = tree(&["a/.git/", "a/b/connmod.yaml", "a/b/c/x.py"]);
        let base = find(&folder, "a/b/c", &[]).expect("a base");
        assert_eq!(
            (name(&folder, &base).as_str(), base.how),
            ("a/b", How::Settings)
        );
        assert!(base.settings.is_some());
        assert_eq!(base.relative(&base.roots[0]), "c");
    }

    #[test]
    fn settings_above_the_git_top_belong_to_somebody_else() {
        let folder = tree(&["connmod.yaml", "a/.git/", "a/b/x.py"]);
        let base = find(&folder, "a/b", &[]).expect("a base");
        assert_eq!(
            (name(&folder, &base).as_str(), base.how),
            ("a", How::Project)
        );
        assert_eq!(base.settings, None);
    }

    #[test]
    fn a_package_is_a_project_of_its_own() {
        for file in ["pyproject.toml", "setup.py", "setup.cfg", "Cargo.toml"] {
            let own = format!("a/b/{file}");
            let folder = tree(&["a/.git/", &own, "a/b/c/x.py"]);
            let base = find(&folder, "a/b/c", &[]).expect("a base");
            let found = (name(&folder, &base), base.how);
            assert_eq!(found, ("a/b".to_owned(), How::Project), "{file}");
        }
    }

    #[test]
    fn what_holds_several_packages_is_their_base() {
        let folder = tree(&["a/.git/", "a/b/setup.py", "a/c/setup.py"]);
        let base = find(&folder, "a", &["b", "c"]).expect("a base");
        assert_eq!(name(&folder, &base), "a");
    }

    #[test]
    fn settings_above_a_package_hold_for_it() {
        let folder = tree(&["a/.git/", "a/connmod.yaml", "a/b/setup.py", "a/b/x.py"]);
        let base = find(&folder, "a/b", &[]).expect("a base");
        assert_eq!(
            (name(&folder, &base).as_str(), base.how),
            ("a", How::Settings)
        );
    }

    #[test]
    fn without_git_it_is_the_folder_that_holds_all_paths() {
        let folder = tree(&["a/b/x.py", "a/c/y.py", "d/"]);
        let base = find(&folder, "d", &["../a/b/x.py", "../a/c"]).expect("a base");
        assert_eq!((name(&folder, &base).as_str(), base.how), ("a", How::Paths));
        let one = find(&folder, "d", &["../a/b/x.py"]).expect("a base");
        assert_eq!(name(&folder, &one), "a/b");
    }

    #[test]
    fn without_git_a_path_below_the_current_folder_is_a_part_of_it() {
        let folder = tree(&["a/b/x.py", "a/c/y.py"]);
        for paths in [&["b/x.py"][..], &["b"], &["b/x.py", "c"], &[]] {
            let base = find(&folder, "a", paths).expect("a base");
            let found = (name(&folder, &base), base.how);
            assert_eq!(found, ("a".to_owned(), How::Current), "{paths:?}");
        }
        let file = find(&folder, "a", &["b/x.py"]).expect("a base");
        assert_eq!(file.relative(&file.roots[0]), "b/x.py");
    }

    #[test]
    fn settings_elsewhere_do_not_move_the_base() {
        let folder = tree(&["a/x.py", "settings/own.yaml"]);
        let config = folder.path().join("settings/own.yaml");
        let current = folder.path().join("a");
        let base = Base::find(&current, &[], None, Some(&config)).expect("a base");
        let found = (name(&folder, &base), base.how);
        assert_eq!(found, ("a".to_owned(), How::Current));
        assert_eq!(base.settings, fs::canonicalize(&config).ok());
    }

    #[test]
    fn a_named_root_is_taken_and_what_lies_outside_refused() {
        let folder = tree(&["a/x.py", "b/y.py"]);
        let root = Path::new("a");
        let base = Base::find(folder.path(), &[], Some(root), None).expect("a base");
        assert_eq!((name(&folder, &base).as_str(), base.how), ("a", How::Named));
        let paths = [PathBuf::from("b")];
        let error = Base::find(folder.path(), &paths, Some(root), None).expect_err("outside");
        assert!(error.to_string().contains("--root"), "{error}");
    }

    #[test]
    fn a_path_that_is_missing_is_named() {
        let folder = tree(&["a/x.py"]);
        let error = find(&folder, "", &["nowhere"]).expect_err("it is missing");
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}
