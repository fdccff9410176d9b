//! What was written when, and what is needed to finish it or to take it back.
//!
//! Under the root lies `.connmod/journal/`, and in it one folder per run that writes, `000001`, `000002`, …: the run's record `entry.json`,
//! and `blobs/` with the contents from before and after, each named by its SHA-256. A folder without a record is one of a run that ended
//! before it replaced anything. The record is replaced once, when the run is over; what became of a file in between, its own content
//! says: it is that from before or that from after.
//!
//! A journal is read as if a stranger had written it: its paths stay below the root and out of `.git` and `.connmod`, its contents must
//! have the hash that they are named by, nothing in it may be a symbolic link.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::lock::{Attempt, Lock};
use super::write::{Root, sync_folder};

/// The folder of everything that the program keeps in a project.
const OWN: &str = ".connmod";
const RECORD: &str = "entry.json";
const BLOBS: &str = "blobs";
/// The format of a record.
const VERSION: u32 = 1;
/// A record of a hundred thousand files is smaller.
const MAX_RECORD: u64 = 64 << 20;
/// No source file that is read is as large.
const MAX_BLOB: u64 = 256 << 20;
/// Recipes in the same folder belong to the project and stay visible to git.
const IGNORE: &str = "# The history of `connmod apply`; recipes beside it belong to the project.\n/journal/\n/.gitignore\n";

/// The name of a content: its SHA-256 in hexadecimal digits.
pub fn hash(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It wrote edits.
    Apply,
    /// It took edits back.
    Undo,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Each file is old or new.
    Open,
    /// It is over, and `written` of each file says how it ended.
    Closed,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The path relative to the root.
    pub path: String,
    /// The hash of the content that the run found.
    pub before: String,
    /// The hash of the content that it put in its place.
    pub after: String,
    /// The permissions to restore with a content from before an apply.
    pub mode: Option<u32>,
    /// In an undo, the number of the apply that is taken back.
    pub of: Option<u32>,
    /// Whether the file holds, or held at the end of the run, what was to be written.
    pub written: bool,
}

/// The record of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    version: u32,
    /// Which run it was; they count from 1.
    pub number: u32,
    /// What it did.
    pub kind: Kind,
    /// How far it came.
    pub state: State,
    /// When it began, in seconds since 1970.
    pub when: u64,
    /// The selection that it wrote, as on the command line.
    pub selection: String,
    /// Its files, in the order in which they are written.
    pub files: Vec<Change>,
}

/// Why the journal cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process writes.
    #[error("another connmod is writing to {0} now; wait for it to end and run the command again")]
    Busy(PathBuf),
    /// A run was ended before it was over.
    #[error(
        "an earlier run was interrupted; `connmod apply --resume` or `connmod undo` settles it"
    )]
    Unsettled,
    /// A record that was not written by this program, or was damaged since.
    #[error(
        "{path}: {fault}; if the journal cannot be repaired, move the folder that holds this file away and go back with git"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The operating system refused.
    #[error("{path}: could not {action}: {error}; no file of the project was changed by this step")]
    Io {
        /// What it was done to.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// What it said.
        #[source]
        error: io::Error,
    },
}

fn failed<'a>(path: &'a Path, action: &'static str) -> impl FnOnce(io::Error) -> JournalError + 'a {
    move |error| JournalError::Io {
        path: path.to_owned(),
        action,
        error,
    }
}

fn damaged(path: &Path, fault: impl Into<String>) -> JournalError {
    JournalError::Damaged {
        path: path.to_owned(),
        fault: fault.into(),
    }
}

/// The journal of a root, whether there is one yet or not.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    root: Root,
    /// Hears of each step that could be the last one.
    steps: fn(&'static str),
}

impl Journal {
    /// That of `root`.
    pub(super) fn new(root: &Root) -> Self {
        Self {
            folder: root.folder().join(OWN).join("journal"),
            root: root.clone(),
            steps: root.steps(),
        }
    }

    /// Whether another process writes now.
    pub(super) fn is_busy(&self) -> bool {
        Lock::is_taken(&self.folder)
    }

    /// Makes the folders, and takes the lock.
    pub(super) fn lock(&self) -> Result<Lock, JournalError> {
        let own = self.folder.parent().unwrap_or(&self.folder);
        for folder in [own, &self.folder] {
            match fs::create_dir(folder) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => real_folder(folder)?,
                Err(error) => return Err(failed(folder, "create the folder")(error)),
            }
        }
        let ignore = own.join(".gitignore");
        // As a whole or not at all; one that is there is left as somebody wrote it.
        if fs::symlink_metadata(&ignore).is_err() {
            let created = self
                .root
                .create(&format!("{OWN}/.gitignore"), IGNORE.as_bytes());
            // Another process that begins at the same time may have made it meanwhile.
            if let Err(error) = created
                && fs::symlink_metadata(&ignore).is_err()
            {
                return Err(failed(&ignore, "create it")(io::Error::other(error.cause)));
            }
        }
        let path = self.folder.join(super::lock::NAME);
        no_link(&path)?;
        match Lock::take(&self.folder).map_err(failed(&path, "take the lock"))? {
            Attempt::Held(lock) => Ok(lock),
            Attempt::Busy => Err(JournalError::Busy(own.parent().unwrap_or(own).to_owned())),
        }
    }

    /// The records of all runs, oldest first.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        let mut entries = Vec::new();
        for number in self.numbers()? {
            let path = self.path(number).join(RECORD);
            if fs::symlink_metadata(&path).is_ok() {
                entries.push(read_record(&path, number)?);
            }
        }
        Ok(entries)
    }

    /// The content of this hash in the run of this number.
    pub(super) fn blob(&self, number: u32, hash: &str) -> Result<Vec<u8>, JournalError> {
        let path = self.blob_path(number, hash);
        let content = read_file(&path, MAX_BLOB)?;
        if self::hash(&content) == hash {
            Ok(content)
        } else {
            Err(damaged(&path, "does not hold the content it is named by"))
        }
    }

    /// Where the content of this hash lies.
    fn blob_path(&self, number: u32, hash: &str) -> PathBuf {
        self.path(number).join(BLOBS).join(hash)
    }

    /// Begins a run: `blobs` and the record are on the disk before the first file is replaced.
    pub(super) fn begin(
        &self,
        _: &Lock,
        kind: Kind,
        (when, selection): (u64, String),
        files: Vec<Change>,
        contents: &[&[u8]],
    ) -> Result<Entry, JournalError> {
        let numbers = self.numbers()?;
        let number = numbers.last().copied().unwrap_or(0) + 1;
        for abandoned in numbers {
            let folder = self.path(abandoned);
            if fs::symlink_metadata(folder.join(RECORD)).is_err() {
                // What stays of it is only in the way of disk space.
                let _ = fs::remove_dir_all(folder);
            }
        }
        let entry = Entry {
            version: VERSION,
            number,
            kind,
            state: State::Open,
            when,
            selection,
            files,
        };
        self.put(&entry, contents).inspect_err(|_| {
            // Without a record the folder means nothing.
            let _ = fs::remove_dir_all(self.path(number));
        })?;
        Ok(entry)
    }

    fn put(&self, entry: &Entry, contents: &[&[u8]]) -> Result<(), JournalError> {
        let folder = self.path(entry.number);
        let blobs = folder.join(BLOBS);
        fs::create_dir_all(&blobs).map_err(failed(&blobs, "create the folder"))?;
        (self.steps)("journal folder");
        for content in contents {
            self.keep(entry.number, content)?;
        }
        sync_folder(&blobs);
        self.record(entry)?;
        // The names of the folders that may be new, up to the root.
        for folder in self.folder.ancestors().take(3) {
            sync_folder(folder);
        }
        Ok(())
    }

    /// Keeps a content in the run of this number.
    pub(super) fn keep(&self, number: u32, content: &[u8]) -> Result<(), JournalError> {
        let path = self.blob_path(number, &hash(content));
        if let Some(folder) = path.parent() {
            real_folder(folder)?;
        }
        let folder = path.parent().unwrap_or(&path);
        let mut file =
            tempfile::NamedTempFile::new_in(folder).map_err(failed(folder, "create a file"))?;
        file.write_all(content)
            .and_then(|()| file.as_file().sync_all())
            .map_err(failed(&path, "keep the content"))?;
        file.persist(&path)
            .map_err(|error| failed(&path, "keep the content")(error.error))?;
        (self.steps)("content kept");
        Ok(())
    }

    /// Puts the record in its place, as a whole.
    pub(super) fn record(&self, entry: &Entry) -> Result<(), JournalError> {
        let folder = self.path(entry.number);
        let path = folder.join(RECORD);
        let mut text = serde_json::to_vec_pretty(entry)
            .map_err(|error| failed(&path, "write the record")(error.into()))?;
        text.push(b'\n');
        let mut file =
            tempfile::NamedTempFile::new_in(&folder).map_err(failed(&folder, "create a file"))?;
        file.write_all(&text)
            .and_then(|()| file.as_file().sync_all())
            .map_err(failed(&path, "write the record"))?;
        (self.steps)("record written");
        file.persist(&path)
            .map_err(|error| failed(&path, "put the record in its place")(error.error))?;
        sync_folder(&folder);
        (self.steps)("record in place");
        Ok(())
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number:06}"))
    }

    /// The numbers that folders have, lowest first.
    fn numbers(&self) -> Result<Vec<u32>, JournalError> {
        let own = self.folder.parent().unwrap_or(&self.folder);
        for folder in [own, &self.folder] {
            if fs::symlink_metadata(folder).is_err() {
                return Ok(Vec::new());
            }
            real_folder(folder)?;
        }
        let unreadable = || failed(&self.folder, "read the folder");
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unreadable())? {
            let name = entry.map_err(unreadable())?.file_name();
            let number = name
                .to_str()
                .filter(|name| name.len() == 6 && name.bytes().all(|byte| byte.is_ascii_digit()));
            let Some(number) = number.and_then(|name| name.parse().ok()) else {
                continue;
            };
            real_folder(&self.path(number))?;
            numbers.push(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

fn real_folder(path: &Path) -> Result<(), JournalError> {
    let metadata = fs::symlink_metadata(path).map_err(failed(path, "look at it"))?;
    if metadata.is_dir() {
        Ok(())
    } else {
        Err(damaged(path, "is no folder, or a symbolic link"))
    }
}

fn no_link(path: &Path) -> Result<(), JournalError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(damaged(path, "is no file, or a symbolic link")),
        _ => Ok(()),
    }
}

fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, JournalError> {
    if let Some(folder) = path.parent() {
        real_folder(folder)?;
    }
    no_link(path)?;
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut content))
        .map_err(failed(path, "read it"))?;
    if content.len() as u64 > limit {
        return Err(damaged(path, "is too large"));
    }
    Ok(content)
}

fn read_record(path: &Path, number: u32) -> Result<Entry, JournalError> {
    let text = read_file(path, MAX_RECORD)?;
    let entry: Entry = serde_json::from_slice(&text)
        .map_err(|error| damaged(path, format!("is no record of this version ({error})")))?;
    if entry.version != VERSION {
        return Err(damaged(path, "was written by another version of connmod"));
    }
    if entry.number != number {
        return Err(damaged(path, "has the number of another run"));
    }
    let mut paths = BTreeSet::new();
    for file in &entry.files {
        if !is_inside(&file.path) {
            let fault = format!("names {:?}, which is no path of the project", file.path);
            return Err(damaged(path, fault));
        }
        if !paths.insert(&file.path) {
            return Err(damaged(path, format!("names {} twice", file.path)));
        }
        if !is_hash(&file.before) || !is_hash(&file.after) {
            return Err(damaged(path, format!("has no hashes for {}", file.path)));
        }
        if (entry.kind == Kind::Undo) != file.of.is_some() {
            let fault = format!("does not say what is taken back in {}", file.path);
            return Err(damaged(path, fault));
        }
    }
    Ok(entry)
}

/// A path below the root that is neither the program's own nor git's. A symbolic link on the way is looked at when it is written.
fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some()
        && parts
            .all(|part| matches!(part, Component::Normal(name) if name != OWN && name != ".git"))
}

fn is_hash(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
