//! `connmod` migrates the ways a codebase reaches its PostgreSQL database to one standard.
//!
//! `ARCHITECTURE.md` describes the way of the data and where each part lives.

pub mod apply;
pub mod edit;
pub mod language;
pub mod report;
pub mod source;
pub mod sql;
