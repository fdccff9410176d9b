//! One writer at a time: the lock that a run holds while it writes below a root.
//!
//! The lock is the operating system's, on a file in the journal's folder: it ends with the process that holds it, however that ends, so
//! there is never a stale one to remove.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// What the file is called.
pub(super) const NAME: &str = "lock";

/// Held for as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Whether the lock could be had.
#[derive(Debug)]
pub(super) enum Attempt {
    /// Nobody else writes.
    Held(Lock),
    /// Another process does.
    Busy,
}

impl Lock {
    /// Takes the lock in the journal's `folder`, which is there.
    pub(super) fn take(folder: &Path) -> io::Result<Attempt> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(NAME))?;
        match file.try_lock() {
            Ok(()) => Ok(Attempt::Held(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(Attempt::Busy),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether somebody holds it now. Changes nothing: it also answers where nothing may be written.
    pub(super) fn is_taken(folder: &Path) -> bool {
        let Ok(file) = File::open(folder.join(NAME)) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}
