//! How results are shown: one file per format, and what the formats share.
//!
//! A report is a text made of values that are given to it. Nothing here reads files, decides anything or writes to a stream.

pub mod colour;
pub mod diff;
pub mod escape;
pub mod stat;
