//! What a rewrite proposes: edits, and how far they are proven.
//!
//! Pure data. Nothing here knows why an edit is proposed or how it reaches the disk.

use serde::Serialize;

use crate::source::Span;

/// How far a fix is proven to keep the meaning. Ordered: the larger, the safer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// One named rule is not proven; written only when asked for.
    Unsafe,
    /// Every rule holds.
    Safe,
}

impl Applicability {
    /// The word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsafe => "unsafe",
            Self::Safe => "safe",
        }
    }
}

/// Replaces the bytes of one span by a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

impl Edit {
    /// Puts `text` in the place of `span`.
    pub fn replace(span: Span, text: impl Into<String>) -> Self {
        Self {
            span,
            text: text.into(),
        }
    }

    /// Takes `span` out.
    pub fn delete(span: Span) -> Self {
        Self::replace(span, "")
    }

    /// Puts `text` before the byte at `offset`.
    pub fn insert(offset: usize, text: impl Into<String>) -> Self {
        Self::replace(Span::at(offset), text)
    }
}

/// Edits that overlap, so that there is no one text they give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("edits overlap at byte {offset}")]
pub struct Overlap {
    /// Where the second one begins.
    pub offset: usize,
}

/// The text that `edits` make of `source`. Their order does not matter; two insertions at one place keep theirs.
///
/// # Errors
/// When two of them overlap.
pub fn splice(source: &str, edits: &[Edit]) -> Result<String, Overlap> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut text = String::with_capacity(source.len());
    let mut done = 0;
    for edit in sorted {
        if edit.span.start < done {
            return Err(Overlap {
                offset: edit.span.start,
            });
        }
        text.push_str(&source[done..edit.span.start]);
        text.push_str(&edit.text);
        done = edit.span.end;
    }
    text.push_str(&source[done..]);
    Ok(text)
}
