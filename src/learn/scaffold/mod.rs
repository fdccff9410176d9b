//! A standard module for a project that has none.
