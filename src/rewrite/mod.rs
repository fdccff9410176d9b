//! Rewrites: what an outcome of the decision table does to the text, and the rules under which it may.

pub mod imports;
