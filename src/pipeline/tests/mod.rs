//! The pipeline on modules that nobody wrote.

mod modules;
mod properties;
