//! `connmod` migrates the ways a codebase reaches its PostgreSQL database to one standard.
//!
//! `ARCHITECTURE.md` describes the way of the data and where each part lives.

pub mod apply;
pub mod cli;
pub mod config;
pub mod decide;
pub mod edit;
pub mod facts;
mod fault;
pub mod finding;
pub mod language;
pub mod learn;
pub mod locate;
pub mod pipeline;
pub mod progress;
pub mod project;
pub mod recipe;
pub mod recipe_test;
pub mod report;
pub mod rewrite;
pub mod source;
pub mod sql;
