//! `connmod` migrates the ways a codebase reaches its PostgreSQL database to one standard.
//!
//! `ARCHITECTURE.md` describes the way of the data and where each part lives.

pub mod apply;
pub mod config;
pub mod edit;
pub mod finding;
pub mod language;
pub mod progress;
pub mod recipe;
pub mod report;
pub mod source;
pub mod sql;
