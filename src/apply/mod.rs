//! Puts planned changes on the disk, each file whole or not at all.
//!
//! It is handed bytes to expect and bytes to write, and knows nothing of where they come from.

mod write;

pub use write::{Cause, Planned, Root, WriteError};
