//! One file as text, with the properties an edit has to preserve.

use std::sync::Arc;

use crate::source::Span;

/// The line break that a file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewlineStyle {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
}

impl NewlineStyle {
    /// The characters themselves.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

/// A place as people count: both numbers start at 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
}

/// Why bytes are not a source text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The bytes are not UTF-8.
    #[error("not UTF-8 (byte {offset})")]
    NotUtf8 {
        /// The first offending byte.
        offset: usize,
    },
    /// A NUL byte: a binary file, or UTF-16.
    #[error("holds a NUL byte (byte {offset}); a binary file, or UTF-16")]
    Binary {
        /// The first NUL byte.
        offset: usize,
    },
    /// Too large to be worth parsing.
    #[error("{bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The operating system refused.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// The text of one file under a root, read once.
///
/// The path is relative to the root, with `/` between its parts on every system, so that reports are the same everywhere.
/// A byte order mark stays part of the text: offsets are offsets into the file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    path: Arc<str>,
    text: Arc<str>,
    /// The offset of each line's first byte; the first is 0.
    line_starts: Vec<usize>,
}

impl SourceFile {
    /// Takes a text as the content of the file at `path`.
    pub fn new(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        Self {
            path: path.into(),
            text,
            line_starts,
        }
    }

    /// Decodes the content of the file at `path`.
    ///
    /// # Errors
    /// When the bytes hold a NUL or are not UTF-8.
    pub fn from_bytes(path: impl Into<Arc<str>>, bytes: &[u8]) -> Result<Self, SourceError> {
        if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
            return Err(SourceError::Binary { offset });
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(path, text)),
            Err(error) => Err(SourceError::NotUtf8 {
                offset: error.valid_up_to(),
            }),
        }
    }

    /// The path relative to the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path, shared.
    pub fn path_arc(&self) -> Arc<str> {
        Arc::clone(&self.path)
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole text, shared.
    pub fn text_arc(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// The text of `span`.
    pub fn slice(&self, span: Span) -> &str {
        span.text(&self.text)
    }

    /// How many lines there are; a final line break does not open a further one.
    pub fn line_count(&self) -> usize {
        if self.text.ends_with('\n') {
            self.line_starts.len() - 1
        } else {
            self.line_starts.len()
        }
    }

    /// The line (from 1) that holds the byte at `offset`.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// Where the byte at `offset` stands.
    pub fn position(&self, offset: usize) -> LineColumn {
        let line = self.line_of(offset);
        let start = self.line_starts[line - 1];
        LineColumn {
            line,
            column: self.text[start..offset].chars().count() + 1,
        }
    }

    /// The bytes of a line (from 1) with its line break.
    pub fn line_span(&self, line: usize) -> Span {
        let start = self.line_starts[line - 1];
        let end = self
            .line_starts
            .get(line)
            .copied()
            .unwrap_or(self.text.len());
        Span::new(start, end)
    }

    /// The offset of the first byte of the line that holds `offset`.
    pub fn line_start(&self, offset: usize) -> usize {
        self.line_starts[self.line_of(offset) - 1]
    }

    /// The offset behind the line (with its line break) that holds `offset`.
    pub fn line_end(&self, offset: usize) -> usize {
        self.line_span(self.line_of(offset)).end
    }

    /// The white space that the line holding `offset` begins with.
    pub fn indent_at(&self, offset: usize) -> &str {
        let start = self.line_start(offset);
        let line = &self.text[start..];
        let length = line
            .find(|c: char| c != ' ' && c != '\t')
            .unwrap_or(line.len());
        &line[..length]
    }

    /// The line break of the first line; a file of one line counts as `\n`.
    pub fn newline(&self) -> NewlineStyle {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => NewlineStyle::CrLf,
            _ => NewlineStyle::Lf,
        }
    }
}
