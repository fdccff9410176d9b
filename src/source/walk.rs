//! Reads the files under the roots: the only place that reads source text from the disk.
//!
//! It gives the same tree on every run: what it found is sorted by path before anything looks at it, and files are read on whatever
//! rayon pool the caller runs in. It knows which paths are worth reading only through the caller's filter, and nothing of languages.
//!
//! What git ignores is left out, and as for git itself a file that is tracked is not ignored, whatever the rules say.
//!
//! Symbolic links are never followed below a root. What a link inside the roots leads to is read under its own name, once; what lies
//! outside of them is listed as skipped. So there are no loops, and no file is edited under two names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileType};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;
use ignore::{DirEntry, Match, WalkBuilder};
use rayon::prelude::*;

use crate::source::ignored::{Rules, own_folder};
use crate::source::tracked::tracked_paths;
use crate::source::{SourceError, SourceFile};

/// The size beyond which a file is listed and not read: no person wrote it.
pub const DEFAULT_SIZE_LIMIT: u64 = 16 << 20;

/// The size beyond which git's index is not read.
const INDEX_LIMIT: u64 = 1 << 30;

/// Folders that are never looked into.
const NEVER: &[&str] = &[".git", ".connmod"];

/// Folders of other people's code and of caches, looked into only with [`WalkOptions::no_ignore`]. A virtual environment of another
/// name is known by its `pyvenv.cfg`.
const FOREIGN: &[&str] = &[
    "node_modules",
    "__pycache__",
    ".venv",
    "venv",
    "site-packages",
];

/// Where to look, and what to leave out.
#[derive(Debug, Clone)]
pub struct WalkOptions {
    /// The folder that paths are reported relative to.
    pub base: PathBuf,
    /// The files and folders to read; relative ones are taken from `base`. Each must lie inside of it.
    pub roots: Vec<PathBuf>,
    /// Whether files and folders whose name starts with a dot are read.
    pub hidden: bool,
    /// Whether `.gitignore` and the built-in list of foreign folders are disregarded.
    pub no_ignore: bool,
    /// What the project's settings leave out; matched against relative paths, also of a file that is named as a root.
    pub excluded: GlobSet,
    /// The size in bytes beyond which a file is skipped.
    pub size_limit: u64,
}

impl WalkOptions {
    /// Everything in `base` that git would not ignore.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self {
            base: base.into(),
            roots: vec![PathBuf::from(".")],
            hidden: false,
            no_ignore: false,
            excluded: GlobSet::empty(),
            size_limit: DEFAULT_SIZE_LIMIT,
        }
    }
}

/// What was found under the roots, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The files that could be read.
    pub files: Vec<SourceFile>,
    /// The files and folders that should have been read and could not be.
    pub skipped: Vec<Skipped>,
    /// The files of git's rules that could not be read: what they leave out is in the tree. Paths outside of the base are full ones.
    pub unread_rules: Vec<Skipped>,
}

/// A path that was not read although it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The path relative to the base; characters that are not Unicode are replaced.
    pub path: String,
    /// Why.
    pub reason: SourceError,
}

/// Why nothing was read at all.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A root does not exist, or may not be looked at.
    #[error("{}: {error}", .path.display())]
    Root {
        /// The root as it was given.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: std::io::Error,
    },
    /// A root lies outside of the base, perhaps by a symbolic link.
    #[error("{} is outside of {}", .path.display(), .base.display())]
    OutsideBase {
        /// The root as it was given.
        path: PathBuf,
        /// The base.
        base: PathBuf,
    },
}

/// Reads every file under the roots whose relative path is `wanted`.
///
/// # Errors
/// When a root is missing or lies outside of the base. A file or folder that cannot be read is in [`Tree::skipped`] instead.
pub fn walk(
    options: &WalkOptions,
    wanted: impl Fn(&Path) -> bool + Sync,
) -> Result<Tree, WalkError> {
    let base = canonical(&options.base, &options.base)?;
    let roots = real_roots(&base, &options.roots)?;
    let mut found = Found::default();
    if !roots.is_empty() {
        look(options, &base, &roots, &wanted, &mut found);
        if !options.no_ignore {
            add_tracked(options, &base, &roots, &wanted, &mut found);
        }
    }
    Ok(found.read(options.size_limit))
}

fn canonical(path: &Path, given: &Path) -> Result<PathBuf, WalkError> {
    fs::canonicalize(path).map_err(|error| WalkError::Root {
        path: given.to_path_buf(),
        error,
    })
}

/// The roots without symbolic links and without those that lie in another one.
fn real_roots(base: &Path, given: &[PathBuf]) -> Result<BTreeSet<PathBuf>, WalkError> {
    let mut roots = BTreeSet::new();
    for root in given {
        let real = canonical(&base.join(root), root)?;
        if !real.starts_with(base) {
            return Err(WalkError::OutsideBase {
                path: root.clone(),
                base: base.to_path_buf(),
            });
        }
        roots.insert(real);
    }
    Ok(roots)
}

/// The paths that were found, before any of them is read.
#[derive(Debug, Default)]
struct Found {
    /// Relative path → path to open.
    files: BTreeMap<String, PathBuf>,
    skipped: BTreeSet<Skipped>,
    unread_rules: Vec<Skipped>,
}

impl Found {
    fn skip(&mut self, relative: &Path, reason: SourceError) {
        self.skipped.insert(Skipped {
            path: portable(relative).unwrap_or_else(|| relative.to_string_lossy().into_owned()),
            reason,
        });
    }

    fn read(self, size_limit: u64) -> Tree {
        let files: Vec<(String, PathBuf)> = self.files.into_iter().collect();
        let read: Vec<Result<SourceFile, Skipped>> = files
            .into_par_iter()
            .map(|(path, real)| {
                let path: Arc<str> = path.into();
                read_file(&real, size_limit)
                    .and_then(|bytes| SourceFile::from_bytes(Arc::clone(&path), &bytes))
                    .map_err(|reason| Skipped {
                        path: path.to_string(),
                        reason,
                    })
            })
            .collect();
        let mut tree = Tree::default();
        let mut skipped = self.skipped;
        for file in read {
            match file {
                Ok(file) => tree.files.push(file),
                Err(file) => {
                    skipped.insert(file);
                }
            }
        }
        tree.skipped.extend(skipped);
        tree.unread_rules = self.unread_rules;
        tree
    }
}

/// Lists the files under `roots`.
fn look(
    options: &WalkOptions,
    base: &Path,
    roots: &BTreeSet<PathBuf>,
    wanted: &impl Fn(&Path) -> bool,
    found: &mut Found,
) {
    let rules = (!options.no_ignore).then(|| Arc::new(Rules::new(base)));
    for entry in walker(options, base, roots, rules.clone()) {
        match entry {
            Ok(entry) => sort_in(&entry, base, roots, &options.excluded, wanted, found),
            Err(error) => {
                let path = path_of(&error).unwrap_or(base);
                let relative = path.strip_prefix(base).unwrap_or(path);
                found.skip(relative, SourceError::Unreadable(cause_of(&error)));
            }
        }
    }
    for (path, reason) in rules.iter().flat_map(|rules| rules.unread()) {
        let path = path.strip_prefix(base).unwrap_or(&path);
        found.unread_rules.push(Skipped {
            path: path.to_string_lossy().into_owned(),
            reason,
        });
    }
}

/// The walk below `roots`. Which rules hold is decided here: the walker would open any file that has the name of one.
fn walker(
    options: &WalkOptions,
    base: &Path,
    roots: &BTreeSet<PathBuf>,
    rules: Option<Arc<Rules>>,
) -> ignore::Walk {
    let mut roots = roots.iter();
    let mut builder = WalkBuilder::new(roots.next().map_or(base, PathBuf::as_path));
    for root in roots {
        builder.add(root);
    }
    let (no_ignore, hidden) = (options.no_ignore, options.hidden);
    let excluded = options.excluded.clone();
    let base = base.to_path_buf();
    builder
        .standard_filters(false)
        .follow_links(false)
        .filter_entry(move |entry| {
            if entry.depth() == 0 {
                return true;
            }
            let path = entry.path();
            let is_excluded = |relative| excluded.is_match(relative);
            if is_left_out(entry, no_ignore) || path.strip_prefix(&base).is_ok_and(is_excluded) {
                return false;
            }
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            let verdict = rules
                .as_ref()
                .map_or(Match::None, |rules| rules.judge(path, is_folder));
            // A rule that expressly keeps a file shows it even if its name begins with a dot.
            let is_hidden = !hidden && entry.file_name().as_encoded_bytes().starts_with(b".");
            verdict.is_whitelist() || !(verdict.is_ignore() || is_hidden)
        });
    builder.build()
}

/// Whether the entry below a root is one of the folders that hold no code of the project.
fn is_left_out(entry: &DirEntry, no_ignore: bool) -> bool {
    let name = entry.file_name().to_str().unwrap_or_default();
    NEVER.contains(&name)
        || (!no_ignore
            && entry.file_type().is_some_and(|kind| kind.is_dir())
            && is_foreign(name, entry.path()))
}

fn is_foreign(name: &str, folder: &Path) -> bool {
    FOREIGN.contains(&name) || folder.join("pyvenv.cfg").is_file()
}

/// Adds the files that git tracks although one of its rules ignores them.
fn add_tracked(
    options: &WalkOptions,
    base: &Path,
    roots: &BTreeSet<PathBuf>,
    wanted: &impl Fn(&Path) -> bool,
    found: &mut Found,
) {
    let Some((repository, tracked)) = tracked_files(base) else {
        return;
    };
    // Many files share a folder, and each question about one goes to the disk.
    let mut folders = BTreeMap::new();
    for tracked in tracked {
        let path = repository.join(tracked);
        let Ok(relative) = path.strip_prefix(base) else {
            continue;
        };
        let Some(name) = portable(relative).filter(|name| !name.contains(char::is_control)) else {
            continue;
        };
        if found.files.contains_key(&name)
            || !wanted(relative)
            || relative
                .ancestors()
                .any(|part| options.excluded.is_match(part))
        {
            continue;
        }
        let is_reached = roots.iter().any(|root| {
            path.strip_prefix(root)
                .is_ok_and(|below| is_open(root, below, options.hidden, &mut folders))
        });
        if is_reached && fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            found.files.insert(name, path);
        }
    }
}

/// Whether nothing but git's rules keeps the walk from `root` to the file `below` it.
fn is_open(root: &Path, below: &Path, hidden: bool, folders: &mut BTreeMap<PathBuf, bool>) -> bool {
    let is_hidden = |name: &str| !hidden && name.starts_with('.');
    let mut path = root.to_path_buf();
    let mut parts = below.components().peekable();
    while let Some(part) = parts.next() {
        // An index is not trusted to stay inside of its repository.
        let Component::Normal(part) = part else {
            return false;
        };
        let Some(name) = part.to_str() else {
            return false;
        };
        path.push(name);
        if is_hidden(name) || NEVER.contains(&name) {
            return false;
        }
        let is_folder = parts.peek().is_some();
        if is_folder
            && !*folders
                .entry(path.clone())
                .or_insert_with(|| !path.is_symlink() && !is_foreign(name, &path))
        {
            return false;
        }
    }
    true
}

/// The root of the repository around `base`, and the paths that its index tracks.
fn tracked_files(base: &Path) -> Option<(PathBuf, Vec<PathBuf>)> {
    let repository = base
        .ancestors()
        .find(|folder| stands(&folder.join(".git")).is_some())?;
    let git = repository.join(".git");
    let git = if git.is_dir() {
        git
    } else {
        // A linked work tree or a submodule: a file that says where its folder is.
        own_folder(&git).ok()??
    };
    let index = git.join("index");
    if !fs::symlink_metadata(&index).ok()?.is_file() {
        return None;
    }
    let paths = tracked_paths(&read_file(&index, INDEX_LIMIT).ok()?)?;
    let paths = paths.into_iter().filter_map(|path| {
        // The index has `/` on every system; what is not Unicode was listed by the walk, or is ignored.
        String::from_utf8(path).ok().map(PathBuf::from)
    });
    Some((repository.to_path_buf(), paths.collect()))
}

/// Puts one entry where it belongs.
fn sort_in(
    entry: &DirEntry,
    base: &Path,
    roots: &BTreeSet<PathBuf>,
    excluded: &GlobSet,
    wanted: &impl Fn(&Path) -> bool,
    found: &mut Found,
) {
    let path = entry.path();
    let (Ok(relative), Some(kind)) = (path.strip_prefix(base), entry.file_type()) else {
        return;
    };
    let named = entry.depth() == 0;
    if kind.is_dir() || (named && excluded.is_match(relative)) {
        return;
    }
    if kind.is_symlink() {
        if let Some(reason) = judge_link(path, base, roots, wanted(relative), wanted) {
            found.skip(relative, reason);
        }
    } else if !wanted(relative) {
        if named {
            found.skip(relative, SourceError::NotSource);
        }
    } else if !kind.is_file() {
        found.skip(relative, SourceError::NotRegular(kind_of(kind)));
    } else {
        match portable(relative) {
            Some(name) if !name.contains(char::is_control) => {
                found.files.insert(name, path.to_path_buf());
            }
            _ => found.skip(relative, SourceError::Name),
        }
    }
}

/// Why the file or folder behind a link is missing from the tree; `None` when it is read under its own name, or is no source.
fn judge_link(
    link: &Path,
    base: &Path,
    roots: &BTreeSet<PathBuf>,
    named_like_source: bool,
    wanted: &impl Fn(&Path) -> bool,
) -> Option<SourceError> {
    let target = match fs::canonicalize(link) {
        Ok(target) => target,
        Err(error) => {
            return named_like_source.then(|| SourceError::Unreadable(error.to_string()));
        }
    };
    let is_folder = target.is_dir();
    if !is_folder && !named_like_source {
        return None;
    }
    if !roots.iter().any(|root| target.starts_with(root)) {
        return Some(SourceError::LinkLeadsOut);
    }
    let relative = target.strip_prefix(base).unwrap_or(&target);
    (!is_folder && !wanted(relative)).then_some(SourceError::LinkRenames)
}

fn kind_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    let _ = kind;
    "no regular file"
}

/// A relative path with `/` between its parts, if it is Unicode.
fn portable(relative: &Path) -> Option<String> {
    let mut text = String::new();
    for component in relative.components() {
        if let Component::Normal(part) = component {
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(part.to_str()?);
        }
    }
    if text.is_empty() {
        text.push('.');
    }
    Some(text)
}

/// A file that people write beside the source, such as settings: as text of at most `limit` bytes.
///
/// # Errors
/// When it is no regular file, larger, no UTF-8, or cannot be read.
pub fn read_text(path: &Path, limit: u64) -> Result<String, SourceError> {
    let metadata =
        fs::metadata(path).map_err(|error| SourceError::Unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(SourceError::NotRegular(kind_of(metadata.file_type())));
    }
    let bytes = read_file(path, limit)?;
    let file = SourceFile::from_bytes("", &bytes)?;
    Ok(file.text().to_owned())
}

/// Whether a folder (`true`) or a regular file stands there, or behind a link there.
pub(super) fn stands(path: &Path) -> Option<bool> {
    let metadata = fs::metadata(path).ok()?;
    (metadata.is_dir() || metadata.is_file()).then(|| metadata.is_dir())
}

/// The content of a regular file of at most `limit` bytes; `None` when there is nothing of that name, or a link to nothing.
pub(super) fn read_regular(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
    use std::io::ErrorKind;
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(SourceError::Unreadable(error.to_string())),
    };
    if !metadata.is_file() {
        return Err(SourceError::NotRegular(kind_of(metadata.file_type())));
    }
    read_file(path, limit).map(Some)
}

/// The content of a file of at most `limit` bytes. The limit also holds for a file that grows or lies about its size.
fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    let unreadable = |error: std::io::Error| SourceError::Unreadable(error.to_string());
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > limit {
        return Err(SourceError::TooLarge { bytes: size, limit });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.by_ref()
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let bytes_read = bytes.len() as u64;
    if bytes_read > limit {
        return Err(SourceError::TooLarge {
            bytes: bytes_read,
            limit,
        });
    }
    Ok(bytes)
}

/// The path that an error of the walk is about.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        _ => None,
    }
}

/// What went wrong, without the path.
fn cause_of(error: &ignore::Error) -> String {
    match error {
        ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } => cause_of(err),
        ignore::Error::Io(error) => {
            // The walker wraps what the system said in words that name the full path.
            let mut cause: &dyn std::error::Error = error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            cause.to_string()
        }
        other => other.to_string(),
    }
}

#[cfg(all(test, unix))]
mod tests;
