//! Source text and positions in it.
//!
//! The lowest layer: it knows bytes, lines and files, and nothing of languages, recipes or databases.

mod file;
mod ignored;
mod span;
mod tracked;
pub mod walk;

pub use file::{LineColumn, NewlineStyle, SourceError, SourceFile};
pub use span::Span;
