//! Where a run takes place: the folder that all paths are relative to, and the settings that hold there.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

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
    ///
    /// Which project is meant, the paths say as they were typed: a link inside of a project may lead out of it, and what lies there is
    /// then refused instead of being taken for the project.
    pub(crate) fn find(
        current: &Path,
        paths: &[PathBuf],
        root: Option<&Path>,
        config: Option<&Path>,
    ) -> Result<Self> {
        let mut named = Vec::new();
        for path in paths {
            named.push(Target::find(current, path)?);
        }
        if named.is_empty() {
            named.push(Target::find(current, root.unwrap_or(Path::new(".")))?);
        }
        let settings = config.map(|path| existing(current, path)).transpose()?;
        let (folder, how) = if let Some(root) = root {
            (existing(current, root)?, How::Named)
        } else {
            let own = config.and_then(|path| current.join(path).parent().map(Path::to_path_buf));
            let own = own.and_then(|folder| fs::canonicalize(folder).ok());
            if own.is_none() {
                refuse_two_projects(&named, current)?;
            }
            let folders = named.iter().map(Target::folder).collect();
            project_of(folders, current, own.as_deref())
        };
        if !folder.is_dir() {
            bail!("{} is no folder; --root names one", folder.display());
        }
        if let Some(outside) = named
            .iter()
            .find(|target| !target.real.starts_with(&folder))
        {
            bail!("{}", outside.refusal(&folder, how));
        }
        let own = folder.join(FILE_NAME);
        // Whatever has the name: a run without settings that are there would not do what was meant.
        let settings = settings.or_else(|| fs::symlink_metadata(&own).is_ok().then_some(own));
        Ok(Self {
            folder,
            roots: named.into_iter().map(|target| target.real).collect(),
            settings,
            how,
        })
    }

    /// Where something is to be written that the command line names, which need not be there yet.
    ///
    /// # Errors
    /// When it lies in the base by its name, and a link on the way leads out.
    pub(crate) fn destination(&self, current: &Path, given: &Path) -> Result<PathBuf> {
        let real = real_place(&current.join(given));
        let typed = as_typed(current, given);
        let mut around = typed.ancestors().skip(1);
        let is_inside =
            around.any(|folder| fs::canonicalize(folder).is_ok_and(|real| real == self.folder));
        if is_inside && !real.starts_with(&self.folder) {
            bail!(
                "{} leads through a symbolic link to {}, outside of {}, and is not written; name the place behind the link itself",
                given.display(),
                real.display(),
                self.folder.display()
            );
        }
        Ok(real)
    }

    /// A path inside of the base as reports write it: relative, with `/` between its parts; empty for the base itself. Settings may lie
    /// outside of it and have their full path.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let Ok(inside) = path.strip_prefix(&self.folder) else {
            return path.display().to_string();
        };
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

/// A file or folder that was named.
struct Target {
    /// As it was typed.
    given: PathBuf,
    /// As it was typed, from the top of the file system and without `.` and `..`; links in it stay.
    typed: PathBuf,
    /// Where it leads.
    real: PathBuf,
}

impl Target {
    fn find(current: &Path, given: &Path) -> Result<Self> {
        let real = existing(current, given)?;
        Ok(Self {
            given: given.to_path_buf(),
            typed: as_typed(current, given),
            real,
        })
    }

    /// The folder that it is, or that it lies in, as typed.
    fn folder(&self) -> PathBuf {
        if self.real.is_dir() {
            self.typed.clone()
        } else {
            let folder = self.typed.parent().unwrap_or(&self.typed);
            folder.to_path_buf()
        }
    }

    /// Why it cannot be looked at from `folder`.
    fn refusal(&self, folder: &Path, how: How) -> String {
        let (folder, real) = (folder.display(), self.real.display());
        if self.typed == self.real {
            return format!(
                "{real} is outside of {folder} ({how}); name the folder that holds both with --root"
            );
        }
        format!(
            "{} leads through a symbolic link to {real}, outside of {folder} ({how}); run the command in the project that it belongs to, or name that with --root",
            self.given.display()
        )
    }
}

/// Where a path leads that need not be there: links on the way are followed as far as there is one.
pub(crate) fn real_place(full: &Path) -> PathBuf {
    let mut there = full;
    let mut missing = Vec::new();
    let mut real = loop {
        if let Ok(real) = fs::canonicalize(there) {
            break real;
        }
        let (Some(folder), Some(name)) = (there.parent(), there.file_name()) else {
            break there.to_path_buf();
        };
        missing.push(name);
        there = folder;
    };
    real.extend(missing.into_iter().rev());
    real
}

/// A path from the top of the file system, without `.` and `..`; links in it stay.
fn as_typed(current: &Path, given: &Path) -> PathBuf {
    // The current folder is where one stands, however one came there.
    let current = fs::canonicalize(current).unwrap_or_else(|_| current.to_path_buf());
    let mut typed = PathBuf::new();
    for part in current.join(given).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                typed.pop();
            }
            part => typed.push(part),
        }
    }
    typed
}

/// Says that the paths lie in projects of their own: what holds both would be looked at as one, with all that lies beside them.
fn refuse_two_projects(named: &[Target], current: &Path) -> Result<()> {
    let projects = named.iter().map(|target| {
        let (folder, how) = project_of(vec![target.folder()], current, None);
        (target, folder, how)
    });
    // Packages of one tree are often looked at together; work trees are not.
    let has_history = |folder: &Path| folder.join(".git").exists();
    let own: Vec<_> = projects
        .filter(|(_, folder, how)| !how.is_guess() && has_history(folder))
        .collect();
    let Some((first, folder, _)) = own.first() else {
        return Ok(());
    };
    let apart = own
        .iter()
        .find(|(_, other, _)| !other.starts_with(folder) && !folder.starts_with(other));
    match apart {
        Some((target, other, _)) => bail!(
            "{} belongs to the project {}, {} to {}: run the command for each, or name the folder that holds both with --root",
            first.given.display(),
            folder.display(),
            target.given.display(),
            other.display()
        ),
        None => Ok(()),
    }
}

/// The project that holds `folders`, which are as typed. Links are only followed where no project lies before them.
fn project_of(
    mut folders: Vec<PathBuf>,
    current: &Path,
    settings: Option<&Path>,
) -> (PathBuf, How) {
    loop {
        let common = common_folder(&folders);
        // Free of links, so it is where it says.
        let before = outermost_link(&common)
            .and_then(|link| link.parent().map(Path::to_path_buf))
            .unwrap_or_else(|| common.clone());
        let with_settings = match settings {
            Some(folder) => before.starts_with(folder).then(|| folder.to_path_buf()),
            None => with_settings(&before),
        };
        if let Some(folder) = with_settings {
            return (folder, How::Settings);
        }
        if let Some(found) = without_settings(&before, current) {
            return found;
        }
        let mut is_followed = false;
        for folder in &mut folders {
            if let Some(link) = outermost_link(folder)
                && let (Ok(target), Ok(rest)) =
                    (fs::canonicalize(&link), folder.strip_prefix(&link))
            {
                *folder = target.join(rest);
                is_followed = true;
            }
        }
        if !is_followed {
            return (common, How::Paths);
        }
    }
}

/// The first part of a path that is a symbolic link.
fn outermost_link(path: &Path) -> Option<PathBuf> {
    let mut parts: Vec<&Path> = path.ancestors().collect();
    parts.reverse();
    let link = parts.into_iter().find(|part| part.is_symlink());
    link.map(Path::to_path_buf)
}

/// The deepest folder that holds all of them.
fn common_folder(folders: &[PathBuf]) -> PathBuf {
    let mut folders = folders.iter();
    let mut common = folders.next().cloned().unwrap_or_default();
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

/// The top of the project around `start`. Where nothing marks it, whoever stands in a folder and names a part of it means that folder;
/// a home folder and the top of the file system hold more than one project.
fn without_settings(start: &Path, current: &Path) -> Option<(PathBuf, How)> {
    let is_top = |folder: &&Path| is_git_top(folder) || is_package_top(folder);
    if let Some(top) = start.ancestors().find(is_top) {
        return Some((top.to_path_buf(), How::Project));
    }
    let home = env::home_dir().and_then(|home| fs::canonicalize(home).ok());
    let current = fs::canonicalize(current).ok()?;
    let holds_projects = current.parent().is_none() || Some(&current) == home.as_ref();
    (start.starts_with(&current) && !holds_projects).then_some((current, How::Current))
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
        let real = fs::canonicalize(&config).expect("the settings are there");
        assert_eq!(base.relative(&real), real.display().to_string());
        assert_eq!(base.settings, Some(real));
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

    #[cfg(unix)]
    #[test]
    fn a_link_to_another_project_is_no_part_of_this_one() {
        use std::os::unix::fs::symlink;
        for mark in [".git/", "setup.py", "connmod.yaml", "none.txt"] {
            let own = format!("a/{mark}");
            let folder = tree(&[&own, "a/sub/x.py", "b/setup.py", "b/y.py", "b/sub/z.py"]);
            let top = fs::canonicalize(folder.path()).expect("the folder is there");
            symlink(top.join("b"), top.join("a/away")).expect("a new link");
            symlink("../../b/y.py", top.join("a/sub/y.py")).expect("a new link");
            symlink("sub", top.join("a/near")).expect("a new link");
            for path in [
                "away",
                "away/y.py",
                "away/sub",
                "sub/y.py",
                "away/../b/y.py",
            ] {
                let error = find(&folder, "a", &[path]).expect_err(path);
                let error = error.to_string();
                let words = format!("{path} leads through a symbolic link to {}", top.display());
                assert!(error.starts_with(&words), "{error}");
                assert!(
                    error.contains(" outside of ") && error.contains("--root"),
                    "{error}"
                );
            }
            // The same from elsewhere, where something marks the project.
            if mark != "none.txt" {
                for (current, path) in [("", "a/away/y.py"), ("b", "../a/away/y.py")] {
                    let error = find(&folder, current, &[path]).expect_err(path);
                    assert!(error.to_string().contains("symbolic link"), "{error}");
                }
            }
            // A link that stays inside is none to speak of, and whoever stands behind one stands there.
            let near = find(&folder, "a", &["near/x.py"]).expect("a base");
            assert_eq!(name(&folder, &near), "a", "{mark}");
            assert_eq!(near.relative(&near.roots[0]), "sub/x.py");
            let behind = find(&folder, "a/away/sub", &["z.py"]).expect("a base");
            assert_eq!(name(&folder, &behind), "b", "{mark}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_front_of_a_project_is_followed() {
        use std::os::unix::fs::symlink;
        let folder = tree(&["away/", "b/.git/", "b/sub/y.py", "d/"]);
        let top = fs::canonicalize(folder.path()).expect("the folder is there");
        symlink(top.join("b"), top.join("away/link")).expect("a new link");
        for (current, path) in [("d", "../away/link/sub/y.py"), ("d", "../away/link")] {
            let base = find(&folder, current, &[path]).expect("a base");
            let found = (name(&folder, &base), base.how);
            assert_eq!(found, ("b".to_owned(), How::Project), "{path}");
        }
        let root = Path::new("away/link");
        let base = Base::find(&top, &[], Some(root), None).expect("a base");
        assert_eq!(name(&folder, &base), "b");
    }
}
