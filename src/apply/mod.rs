//! Puts planned changes on the disk, each file whole or not at all, and takes them back.
//!
//! It is handed bytes to expect and bytes to write, and knows nothing of where they come from. `write` replaces one file, `journal` keeps
//! what is needed to finish or to take back, `lock` lets one process write at a time, `history` orders them: it is what others use.

mod history;
mod journal;
mod lock;
mod write;

pub use history::{Done, End, History, Pending, Written};
pub use journal::{Change, Entry, JournalError, Kind, State, hash};
pub use write::{Cause, Planned, Root, WriteError, put};
