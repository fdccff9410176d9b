//! Replaces the content of a file in one step.
//!
//! The new content goes to a temporary file beside the old one, is on the disk before the name moves over, and takes permissions and
//! owner with it: at any moment the name leads to the old content or to the new. A file is written only while it still holds what the
//! change was made from.
//!
//! Refused, with a word on what to do: a file with several hard links (a new file would part them without a sign, and writing in place
//! is no single step), a read-only file (somebody meant that), a file whose owner could not be kept. Access control lists and extended
//! attributes are not carried over.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// What temporary files are called, so that one left by a killed run is known for what it is.
const PREFIX: &str = ".connmod-";
const SUFFIX: &str = ".tmp";

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The path relative to the root.
    pub path: String,
    /// The whole content that the change was made from, as it was read.
    pub before: Vec<u8>,
    /// The whole content that is to be there.
    pub after: Vec<u8>,
}

/// Why a file was not written. Its content is what it was.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct WriteError {
    /// The path as it was planned.
    pub path: String,
    /// Why, and what to do about it.
    #[source]
    pub cause: Cause,
}

/// The reasons not to write a file.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// There is no such file.
    #[error("is gone since it was read; run the command again")]
    Gone,
    /// It was there when an apply wrote it.
    #[error("was deleted since the apply; `connmod undo --force` brings it back")]
    Deleted,
    /// There is one already.
    #[error("exists already and is not overwritten")]
    Exists,
    /// It holds something else than the change was made from.
    #[error("changed since it was read; run the command again")]
    Changed,
    /// It holds neither what was there before a write nor what the write put there.
    #[error(
        "was edited since; `connmod undo --force` replaces it and keeps the edited text in the journal"
    )]
    Edited,
    /// What is to be written cannot be had.
    #[error("{0}")]
    Journal(#[from] Box<super::journal::JournalError>),
    /// The path leads out of the root, perhaps by a symbolic link.
    #[error("leads out of the root; write it from the folder that holds it")]
    Outside,
    /// A folder, a pipe, a device.
    #[error("is not a regular file")]
    NotRegular,
    /// A link to what is not there.
    #[error("is a symbolic link that leads to no file")]
    Dangling,
    /// The content is shared with other names.
    #[error(
        "has {links} hard links, which a write would part; replace them by copies or edit it by hand"
    )]
    HardLinked {
        /// How many names there are.
        links: u64,
    },
    /// It may not be written.
    #[error("is read-only; make it writable and run the command again")]
    ReadOnly,
    /// The new file would belong to somebody else.
    #[error(
        "belongs to another user or group, which could not be kept; run the command as its owner"
    )]
    Owner,
    /// The operating system refused.
    #[error("could not {action}: {error}; nothing was changed")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What it said.
        #[source]
        error: io::Error,
    },
}

/// Makes an error of the operating system a cause.
fn failed(action: &'static str) -> impl FnOnce(io::Error) -> Cause {
    move |error| Cause::Io { action, error }
}

/// The folder outside of which nothing is written.
#[derive(Debug, Clone)]
pub struct Root {
    /// Without symbolic links, so that paths can be compared with it.
    folder: PathBuf,
    /// Hears of each step that could be the last one of a process.
    steps: fn(&'static str),
}

impl Root {
    /// Takes an existing folder as the root.
    pub fn new(folder: &Path) -> io::Result<Self> {
        Self::watched(folder, |_| {})
    }

    /// The same; `steps` is called at each step of a write, for tests that end the process there.
    pub fn watched(folder: &Path, steps: fn(&'static str)) -> io::Result<Self> {
        fs::canonicalize(folder).map(|folder| Self { folder, steps })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn steps(&self) -> fn(&'static str) {
        self.steps
    }

    /// Looks whether `planned` could be written now, and changes nothing. The answer may be outdated a moment later; [`Root::write`]
    /// looks again.
    pub fn check(&self, planned: &Planned) -> Result<(), WriteError> {
        self.target(planned)
            .map(drop)
            .map_err(|cause| named(&planned.path, cause))
    }

    /// Writes one file: afterwards it holds `after`, or, on an error, what it held before.
    pub fn write(&self, planned: &Planned) -> Result<(), WriteError> {
        self.target(planned)
            .and_then(|target| {
                target.replace(&planned.after, Some(&planned.before), None, self.steps)
            })
            .map_err(|cause| named(&planned.path, cause))
    }

    /// Writes one file like [`Root::write`], and gives it the permissions `mode` where the system has any.
    pub(super) fn restore(&self, planned: &Planned, mode: Option<u32>) -> Result<(), WriteError> {
        self.target(planned)
            .and_then(|target| {
                target.replace(&planned.after, Some(&planned.before), mode, self.steps)
            })
            .map_err(|cause| named(&planned.path, cause))
    }

    /// What a file holds now, and its permissions, if it is one below the root.
    pub(super) fn read(&self, path: &str) -> Result<(Vec<u8>, Option<u32>), WriteError> {
        self.existing(path)
            .and_then(|(file, metadata)| {
                let content = fs::read(file).map_err(failed("read the file"))?;
                Ok((content, mode(&metadata)))
            })
            .map_err(|cause| named(path, cause))
    }

    /// Writes a file that was deleted, with the folders that lead to it, and gives it the permissions `mode` where the system has any.
    pub(super) fn recreate(
        &self,
        path: &str,
        content: &[u8],
        mode: Option<u32>,
    ) -> Result<(), WriteError> {
        self.create_at(Path::new(path), content, mode, self.steps)
            .map_err(|cause| named(path, cause))
    }

    /// Removes what a process that was killed left beside the file: temporary files, which have their name from here.
    pub(super) fn sweep(&self, path: &str) {
        // The file itself may be gone, or be a link to one in another folder.
        let file = match self.existing(path) {
            Ok((file, _)) => file,
            Err(_) => self.folder.join(path),
        };
        let folder = file
            .parent()
            .and_then(|folder| fs::canonicalize(folder).ok());
        let folder = folder.filter(|folder| folder.starts_with(&self.folder));
        let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_ours = name.to_str().is_some_and(|name| {
                let middle = name.strip_prefix(PREFIX);
                let middle = middle.and_then(|name| name.strip_suffix(SUFFIX));
                middle.is_some_and(|middle| {
                    middle.len() == 6 && middle.bytes().all(|byte| byte.is_ascii_alphanumeric())
                })
            });
            if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                // One that stays is in nobody's way.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Writes a file that does not exist yet, and the folders that lead to it.
    pub fn create(&self, path: &str, content: &[u8]) -> Result<(), WriteError> {
        self.create_at(Path::new(path), content, None, |_| {})
            .map_err(|cause| named(path, cause))
    }

    /// The file behind the planned path, if it may be written and holds what it should.
    fn target(&self, planned: &Planned) -> Result<Target, Cause> {
        let (path, metadata) = self.existing(&planned.path)?;
        let links = hard_links(&metadata);
        if links > 1 {
            return Err(Cause::HardLinked { links });
        }
        let target = Target::writable(path, metadata)?;
        target.still_holds(&planned.before)?;
        Ok(target)
    }

    /// The regular file that a path leads to, inside the root.
    fn existing(&self, path: &str) -> Result<(PathBuf, Metadata), Cause> {
        let path = self.folder.join(path);
        let path = fs::canonicalize(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Cause::Gone,
            _ => failed("find the file")(error),
        })?;
        if !path.starts_with(&self.folder) {
            return Err(Cause::Outside);
        }
        let metadata = fs::metadata(&path).map_err(failed("look at the file"))?;
        if !metadata.is_file() {
            return Err(Cause::NotRegular);
        }
        Ok((path, metadata))
    }

    fn create_at(
        &self,
        relative: &Path,
        content: &[u8],
        mode: Option<u32>,
        steps: fn(&'static str),
    ) -> Result<(), Cause> {
        let path = self.folder.join(relative);
        let folder = path.parent().ok_or(Cause::Outside)?;
        let existing = folder
            .ancestors()
            .find_map(|folder| fs::canonicalize(folder).ok())
            .ok_or(Cause::Outside)?;
        let climbs = relative
            .components()
            .any(|part| part == std::path::Component::ParentDir);
        if climbs || !existing.starts_with(&self.folder) {
            return Err(Cause::Outside);
        }
        if fs::symlink_metadata(&path).is_ok() {
            return Err(Cause::Exists);
        }
        fs::create_dir_all(folder).map_err(failed("create its folder"))?;
        create_new(&path, folder, content, mode, steps)
    }
}

/// Writes a document to the place that somebody named for it, whatever the file held before. A link there is followed to a file that
/// exists; the file is replaced in one step, so that other names of the old content keep it.
pub fn put(path: &Path, content: &[u8]) -> Result<(), Cause> {
    match fs::canonicalize(path) {
        Ok(path) => {
            let metadata = fs::metadata(&path).map_err(failed("look at the file"))?;
            if !metadata.is_file() {
                return Err(Cause::NotRegular);
            }
            Target::writable(path, metadata)?.replace(content, None, None, |_| {})
        }
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("find the file")(error)),
        Err(_) if path.is_symlink() => Err(Cause::Dangling),
        Err(_) => {
            let folder = path.parent().ok_or(Cause::NotRegular)?;
            create_new(path, folder, content, None, |_| {})
        }
    }
}

/// Writes a file that does not exist yet into `folder`; its permissions are `mode`, or those of any new file.
fn create_new(
    path: &Path,
    folder: &Path,
    content: &[u8],
    mode: Option<u32>,
    steps: fn(&'static str),
) -> Result<(), Cause> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The umask takes from these what it takes from any new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let file = builder
        .tempfile_in(folder)
        .map_err(failed("create a temporary file beside it"))?;
    let file = filled(file, content)?;
    if mode.is_some() {
        let metadata = file
            .as_file()
            .metadata()
            .map_err(failed("look at the temporary file"))?;
        file.as_file()
            .set_permissions(with_mode(metadata.permissions(), mode))
            .map_err(failed("give it its permissions"))?;
    }
    sync(&file)?;
    steps("before the new name");
    file.persist_noclobber(path)
        .map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => Cause::Exists,
            _ => failed("give the new file its name")(error.error),
        })?;
    steps("named");
    sync_folder(folder);
    Ok(())
}

fn named(path: &str, cause: Cause) -> WriteError {
    WriteError {
        path: path.to_owned(),
        cause,
    }
}

/// An existing file that may be written.
struct Target {
    /// Inside the root and free of symbolic links, so that a link to the file stays one.
    path: PathBuf,
    metadata: Metadata,
}

impl Target {
    /// A file that this user may write to.
    fn writable(path: PathBuf, metadata: Metadata) -> Result<Self, Cause> {
        if metadata.permissions().readonly() {
            return Err(Cause::ReadOnly);
        }
        // A rename would also succeed on a file that this user may not write to.
        if let Err(error) = OpenOptions::new().write(true).open(&path) {
            return Err(match error.kind() {
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Cause::ReadOnly,
                _ => failed("open the file")(error),
            });
        }
        Ok(Self { path, metadata })
    }

    fn still_holds(&self, expected: &[u8]) -> Result<(), Cause> {
        let size = fs::metadata(&self.path)
            .map_err(failed("look at the file"))?
            .len();
        if size != expected.len() as u64 {
            return Err(Cause::Changed);
        }
        let content = fs::read(&self.path).map_err(failed("read the file"))?;
        if content == expected {
            Ok(())
        } else {
            Err(Cause::Changed)
        }
    }

    /// Puts `content` in the place of what it holds, which is `expected` where that is known.
    fn replace(
        &self,
        content: &[u8],
        expected: Option<&[u8]>,
        mode: Option<u32>,
        steps: fn(&'static str),
    ) -> Result<(), Cause> {
        let folder = self.path.parent().ok_or(Cause::Outside)?;
        let file = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .tempfile_in(folder)
            .map_err(failed("create a temporary file beside it"))?;
        steps("temporary file");
        let file = filled(file, content)?;
        steps("temporary file filled");
        self.keep_owner(file.as_file())?;
        // After the owner: a change of owner takes the set-user-id bit away.
        file.as_file()
            .set_permissions(with_mode(self.metadata.permissions(), mode))
            .map_err(failed("keep its permissions"))?;
        sync(&file)?;
        // Once more, as close to the rename as can be.
        if let Some(expected) = expected {
            self.still_holds(expected)?;
        }
        steps("before the rename");
        file.persist(&self.path)
            .map_err(|error| failed("put the new content in its place")(error.error))?;
        steps("renamed");
        sync_folder(folder);
        Ok(())
    }

    #[cfg(unix)]
    fn keep_owner(&self, file: &File) -> Result<(), Cause> {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let new = file
            .metadata()
            .map_err(failed("look at the temporary file"))?;
        let changed = |old: u32, new: u32| (old != new).then_some(old);
        let user = changed(self.metadata.uid(), new.uid());
        let group = changed(self.metadata.gid(), new.gid());
        if user.is_none() && group.is_none() {
            return Ok(());
        }
        fchown(file, user, group).map_err(|_| Cause::Owner)
    }

    #[cfg(not(unix))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)] // The shape is that of Unix.
    fn keep_owner(&self, _: &File) -> Result<(), Cause> {
        Ok(())
    }
}

/// The temporary file with its content.
fn filled(mut file: NamedTempFile, content: &[u8]) -> Result<NamedTempFile, Cause> {
    file.write_all(content)
        .map_err(failed("write the new content"))?;
    Ok(file)
}

/// Waits until the content is on the disk: a rename that gets there first would leave an empty file after a power cut.
fn sync(file: &NamedTempFile) -> Result<(), Cause> {
    file.as_file()
        .sync_all()
        .map_err(failed("bring the new content to the disk"))
}

/// Brings the new name to the disk. Not every file system can; the content is in its place either way.
pub(super) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// The permission bits, where the system has any.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)] // The shape is that of all systems.
fn mode(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<u32> {
    None
}

/// `permissions` with other permission bits; special bits stay as they are.
#[cfg(unix)]
fn with_mode(mut permissions: fs::Permissions, mode: Option<u32>) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    if let Some(mode) = mode {
        permissions.set_mode((permissions.mode() & !0o777) | (mode & 0o777));
    }
    permissions
}

#[cfg(not(unix))]
fn with_mode(permissions: fs::Permissions, _: Option<u32>) -> fs::Permissions {
    permissions
}

#[cfg(unix)]
fn hard_links(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    metadata.nlink()
}

#[cfg(not(unix))]
fn hard_links(_: &Metadata) -> u64 {
    1
}

#[cfg(all(test, unix))]
mod tests;
