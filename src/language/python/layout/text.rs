//! A text as lines with their indentation.

use tree_sitter::Tree;

use crate::language::python::nodes::path;
use crate::source::Span;

/// The text as lines.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl<'a> Text<'a> {
    pub(super) fn line_start(self, at: usize) -> usize {
        self.0[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The end of the line, its line break not included.
    pub(super) fn line_end(self, at: usize) -> usize {
        self.0[at..].find('\n').map_or(self.0.len(), |end| at + end)
    }

    pub(super) fn next_line(self, at: usize) -> usize {
        (self.line_end(at) + 1).min(self.0.len())
    }

    pub(super) fn newline(self) -> &'static str {
        match self.0.find('\n') {
            Some(at) if self.0[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// The indentation of the line that `at` is the first code of; `None` if other code is before it.
    ///
    /// A form feed sets the column back to 0, so only what is behind it counts; a byte order mark is no part of the line.
    pub(super) fn indent_before(self, at: usize) -> Option<&'a str> {
        let line = &self.0[self.line_start(at)..at];
        let line = line.trim_start_matches('\u{feff}');
        let indent = line.rsplit('\u{c}').next().unwrap_or(line);
        let blank = line.chars().all(|c| matches!(c, ' ' | '\t' | '\u{c}'));
        blank.then_some(indent)
    }

    /// The white space at the beginning of the line of `at`.
    pub(super) fn indent_of_line(self, at: usize) -> &'a str {
        let line = &self.0[self.line_start(at)..];
        let line = line.trim_start_matches('\u{feff}');
        let code = line.trim_start_matches([' ', '\t', '\u{c}']);
        let indent = &line[..line.len() - code.len()];
        indent.rsplit('\u{c}').next().unwrap_or(indent)
    }

    /// Whether the line of `at` belongs to the one before it, which ends in a backslash.
    pub(super) fn continues_line(self, tree: &Tree, at: usize) -> bool {
        let before = self.0[..self.line_start(at)].trim_end_matches(['\n', '\r']);
        let Some(backslash) = before.strip_suffix('\\').map(str::len) else {
            return false;
        };
        let innermost = path(tree, Span::new(backslash, backslash + 1)).pop();
        innermost.is_some_and(|node| node.kind() != "comment")
    }
}

/// How many bytes two texts have in common at their beginning.
pub(super) fn common_prefix(one: &str, other: &str) -> usize {
    one.bytes()
        .zip(other.bytes())
        .take_while(|(one, other)| one == other)
        .count()
}
