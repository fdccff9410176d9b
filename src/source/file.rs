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

/// Why a file is not read as a source text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum SourceError {
    /// The file says that it is written in another encoding.
    #[error("declares the encoding {name}; only UTF-8 is read")]
    OtherEncoding {
        /// The name as it is written, its control characters removed.
        name: String,
    },
    /// The bytes are not UTF-8.
    #[error("not read: not UTF-8 (line {line})")]
    NotUtf8 {
        /// The line of the first offending byte, from 1.
        line: usize,
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
    /// A pipe, a socket or a device: opening it could wait for ever.
    #[error("is {0}")]
    NotRegular(&'static str),
    /// Its name cannot stand in a report or a patch.
    #[error("the path is not Unicode or holds control characters; rename it")]
    Name,
    /// A file that was named on the command line and that no language reads.
    #[error("no language reads files of this name")]
    NotSource,
    /// A symbolic link out of the given paths.
    #[error("a symbolic link that leads out of the given paths is not followed")]
    LinkLeadsOut,
    /// A symbolic link with the name of a source file to a file without one.
    #[error(
        "a symbolic link to a file that is not named like source; it is read under its own name only"
    )]
    LinkRenames,
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
    line_starts: Arc<[u32]>,
}

impl SourceFile {
    /// Takes a text as the content of the file at `path`.
    pub fn new(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let breaks = text.match_indices('\n').map(|(at, _)| at as u32 + 1);
        let line_starts = std::iter::once(0).chain(breaks).collect();
        Self {
            path: path.into(),
            text,
            line_starts,
        }
    }

    /// Decodes the content of the file at `path`.
    ///
    /// # Errors
    /// When the bytes hold a NUL, are not UTF-8, or are more than ASCII and declared to be in another encoding.
    pub fn from_bytes(path: impl Into<Arc<str>>, bytes: &[u8]) -> Result<Self, SourceError> {
        if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
            return Err(SourceError::Binary { offset });
        }
        if !bytes.is_ascii()
            && let Some(name) = declared_encoding(bytes)
            && !is_utf8(&name)
        {
            return Err(SourceError::OtherEncoding { name });
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(path, text)),
            Err(error) => {
                let valid = bytes.iter().take(error.valid_up_to());
                let line = 1 + valid.filter(|byte| **byte == b'\n').count();
                Err(SourceError::NotUtf8 { line })
            }
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
        self.line_starts
            .partition_point(|start| *start as usize <= offset)
    }

    /// Where the byte at `offset` stands.
    pub fn position(&self, offset: usize) -> LineColumn {
        let line = self.line_of(offset);
        let start = self.line_starts[line - 1] as usize;
        LineColumn {
            line,
            column: self.text[start..offset].chars().count() + 1,
        }
    }

    /// The bytes of a line (from 1) with its line break.
    pub fn line_span(&self, line: usize) -> Span {
        let start = self.line_starts[line - 1] as usize;
        let end = self
            .line_starts
            .get(line)
            .map_or(self.text.len(), |start| *start as usize);
        Span::new(start, end)
    }

    /// The offset of the first byte of the line that holds `offset`.
    pub fn line_start(&self, offset: usize) -> usize {
        self.line_starts[self.line_of(offset) - 1] as usize
    }

    /// The offset behind the line (with its line break) that holds `offset`.
    pub fn line_end(&self, offset: usize) -> usize {
        self.line_span(self.line_of(offset)).end
    }

    /// The line break of the first line; a file of one line counts as `\n`.
    pub fn newline(&self) -> NewlineStyle {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => NewlineStyle::CrLf,
            _ => NewlineStyle::Lf,
        }
    }
}

/// The encoding that a comment in the first two lines declares, as PEP 263 and the editors Emacs and Vim have it.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    for line in bytes.split(|byte| *byte == b'\n').take(2) {
        let comment = line.trim_ascii_start();
        if comment.is_empty() {
            continue;
        }
        // `#[` and `#![` open an attribute of Rust.
        if !comment.starts_with(b"#") || comment.starts_with(b"#[") || comment.starts_with(b"#![") {
            return None;
        }
        if let Some(name) = encoding_in(comment) {
            return Some(name);
        }
    }
    None
}

/// The name behind the first `coding:` or `coding=` of a comment.
fn encoding_in(comment: &[u8]) -> Option<String> {
    const WORD: &[u8] = b"coding";
    let mut from = 0;
    while let Some(at) = comment[from..]
        .windows(WORD.len())
        .position(|window| window == WORD)
    {
        from += at + WORD.len();
        let rest = &comment[from..];
        if let Some(b':' | b'=') = rest.first() {
            let name: String = rest[1..]
                .trim_ascii_start()
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
                .map(|byte| char::from(*byte))
                .collect();
            if !name.is_empty() {
                return Some(name);
            }
        }
    }
    None
}

/// Whether an encoding name is one of those of UTF-8, or of ASCII, whose texts are UTF-8 as well.
fn is_utf8(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    matches!(
        name.as_str(),
        "utf-8" | "utf8" | "u8" | "utf-8-sig" | "utf8-sig" | "ascii" | "us-ascii"
    ) || name.starts_with("utf-8-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SourceFile {
        SourceFile::new("a.py", text)
    }

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let file = file("é = 1\nb = é\n");
        assert_eq!(file.position(0), LineColumn { line: 1, column: 1 });
        assert_eq!(file.position(2), LineColumn { line: 1, column: 2 });
        let at = file.text().rfind('é').unwrap();
        assert_eq!(file.position(at), LineColumn { line: 2, column: 5 });
        assert_eq!(
            file.position(file.text().len()),
            LineColumn { line: 3, column: 1 }
        );
    }

    #[test]
    fn lines_keep_their_line_break_and_a_final_one_opens_no_line() {
        let file = file("a\r\n\nc");
        assert_eq!(file.line_count(), 3);
        assert_eq!(file.slice(file.line_span(1)), "a\r\n");
        assert_eq!(file.slice(file.line_span(2)), "\n");
        assert_eq!(file.slice(file.line_span(3)), "c");
        assert_eq!(SourceFile::new("a", "a\n").line_count(), 1);
    }

    #[test]
    fn a_lone_carriage_return_is_part_of_its_line() {
        let file = file("a\rb\nc\n");
        assert_eq!(file.line_count(), 2);
        assert_eq!(file.line_of(2), 1);
    }

    #[test]
    fn the_first_line_break_gives_the_style() {
        assert_eq!(file("a\r\nb\n").newline(), NewlineStyle::CrLf);
        assert_eq!(file("a\nb\r\n").newline(), NewlineStyle::Lf);
        assert_eq!(file("a").newline(), NewlineStyle::Lf);
    }

    #[test]
    fn a_byte_order_mark_stays_in_the_text() {
        let file = SourceFile::from_bytes("a.py", b"\xEF\xBB\xBFx = 1\n").unwrap();
        assert!(file.text().starts_with('\u{feff}'));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_the_place() {
        let reason = |bytes: &[u8]| SourceFile::from_bytes("a.py", bytes).unwrap_err();
        assert_eq!(reason(b"x = \xff\n"), SourceError::NotUtf8 { line: 1 });
        assert_eq!(reason(b"ab\0c"), SourceError::Binary { offset: 2 });
    }

    #[test]
    fn a_declared_encoding_is_named_when_it_matters() {
        let encoding = |bytes: &[u8]| match SourceFile::from_bytes("a.py", bytes) {
            Ok(_) => "read".to_owned(),
            Err(SourceError::OtherEncoding { name }) => name,
            Err(other) => other.to_string(),
        };
        assert_eq!(
            encoding(b"# -*- coding: latin-1 -*-\ns = '\xe9'\n"),
            "latin-1"
        );
        assert_eq!(
            encoding(b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\ns = '\xe9'\n"),
            "cp1252"
        );
        // Valid UTF-8 by chance: it would still mean other characters.
        assert_eq!(
            encoding("# coding: latin-1\ns = 'é'\n".as_bytes()),
            "latin-1"
        );
        assert_eq!(encoding(b"# coding: latin-1\ns = 'e'\n"), "read");
        assert_eq!(encoding("# coding: UTF_8\ns = 'é'\n".as_bytes()), "read");
        assert_eq!(
            encoding("\n\n# coding: latin-1\ns = 'é'\n".as_bytes()),
            "read"
        );
        assert_eq!(
            encoding("x = 1\n# coding: latin-1\ns = 'é'\n".as_bytes()),
            "read"
        );
        assert_eq!(
            encoding("#![doc = \"coding: x\"]\n// é\n".as_bytes()),
            "read"
        );
    }
}
