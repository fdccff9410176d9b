//! What people and programs read of a run: one file per output format, and what the formats share.
//!
//! Every report is a pure function from values to text. None reads the clock, the disk or the terminal, decides anything or writes to a
//! stream. All numbers come from [`totals`], so that no two reports disagree.

pub mod choice;
pub mod colour;
pub mod diff;
pub mod escape;
pub mod explain;
pub mod guide;
pub mod hunks;
pub mod inventory;
pub mod json;
pub mod manual;
mod markdown;
pub mod paint;
mod reasons;
pub mod stat;
pub mod summary;
pub mod totals;
pub mod verification;

#[cfg(test)]
pub(crate) mod sample;
