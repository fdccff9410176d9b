//! Moves of indented text: a suite out to its header's indentation, statements into a new block.
//!
//! Only the white space at the beginning of lines of code changes, so that a diff shows what moved and nothing else. What lies inside of a
//! string never moves, since it is data. Where the white space does not tell for certain what a move means (a suite whose indentation does not
//! begin with its header's), there is no answer.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::PythonFile;
use super::nodes::{children, is_statement, node_at, path};
use crate::edit::Edit;
use crate::source::Span;

/// The indentation that new blocks get in a file that has none to follow.
const DEFAULT_UNIT: &str = "    ";

/// A suite moved out to the indentation of its header. The header itself still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedent {
    /// Deletions of white space, one a line.
    pub edits: Vec<Edit>,
    /// Whether the suite stands on the line of its header (`with x: y`): then nothing moves.
    pub one_line: bool,
    /// From the beginning of the header's text up to where the suite begins: the first line behind the header, or its first statement.
    pub header: Span,
    /// Comments in the header, behind it on its line included.
    pub header_comments: Vec<Span>,
    /// Comments on lines of their own between the header and the first statement; `edits` move them with the suite.
    pub leading_comments: Vec<Span>,
}

/// Moves the suite `block` of the compound statement `statement` out to the statement's own indentation.
pub fn dedent_block(file: &PythonFile<'_>, block: Span, statement: Span) -> Option<Dedent> {
    let node = node_at(file.tree, statement, is_statement)?;
    let suite = suite_of(node, block)?;
    if node.has_error() {
        return None;
    }
    let text = Text(file.source);
    let outer = text.indent_before(statement.start)?;
    let header_end = suite_colon(node, suite)?;
    let one_line = !file.source[header_end..block.start].contains('\n');
    let first_line = if one_line {
        block.start
    } else {
        text.next_line(header_end)
    };
    let comments = comments_in(node);
    let header_comments = comments
        .iter()
        .copied()
        .filter(|comment| {
            statement.start <= comment.start && comment.end <= first_line && !one_line
                || comment.end <= header_end
        })
        .collect();
    let leading_comments = comments
        .iter()
        .copied()
        .filter(|comment| first_line <= comment.start && comment.end <= block.start)
        .collect();
    let edits = if one_line {
        Vec::new()
    } else {
        let inner = text.indent_before(block.start)?;
        let lines = Lines::of(suite, first_line, block.end);
        lines.dedent(text, inner, outer)?
    };
    Some(Dedent {
        edits,
        one_line,
        header: Span::new(statement.start, first_line),
        header_comments,
        leading_comments,
    })
}

/// Takes the compound statement `statement` away from around its suite. Comments of the header get lines of their own in its place.
///
/// `None` for a statement with a further clause (`else`, `except`), and where the suite cannot be moved.
pub fn unwrap_block(file: &PythonFile<'_>, statement: Span) -> Option<Vec<Edit>> {
    let node = node_at(file.tree, statement, is_statement)?;
    let mut suites = children(node).into_iter().filter(|child| {
        child.kind() == "block"
            || child.kind().ends_with("_clause") && child.kind() != "with_clause"
    });
    let (suite, None) = (suites.next()?, suites.next()) else {
        return None;
    };
    let dedent = dedent_block(file, suite.into(), statement)?;
    let text = Text(file.source);
    let indent = text.indent_before(statement.start)?;
    let newline = text.newline();
    let mut kept = String::new();
    for comment in &dedent.header_comments {
        kept.push_str(file.text(*comment).trim_end());
        kept.push_str(newline);
        kept.push_str(indent);
    }
    let mut edits = dedent.edits;
    let span = if dedent.one_line {
        dedent.header
    } else {
        // The suite brings its own indentation, so the one before the header goes with it.
        kept.insert_str(0, indent);
        kept.truncate(kept.len() - indent.len());
        Span::new(dedent.header.start - indent.len(), dedent.header.end)
    };
    edits.insert(0, Edit::replace(span, kept));
    Some(edits)
}

/// Moves the lines of the statements that `statements` covers inwards by `unit`, for a new header before them.
///
/// `None` unless they begin and end whole lines.
pub fn indent_block(file: &PythonFile<'_>, statements: Span, unit: &str) -> Option<Vec<Edit>> {
    let text = Text(file.source);
    let indent = text.indent_before(statements.start)?;
    let rest = &file.source[statements.end..text.line_end(statements.end)];
    let rest = rest.trim_start().trim_start_matches(';').trim();
    if !(rest.is_empty() || rest.starts_with('#')) {
        return None;
    }
    let around = *path(file.tree, statements).last()?;
    if around.has_error() {
        return None;
    }
    let first_line = text.line_start(statements.start);
    Lines::of(around, first_line, statements.end).indent(text, indent, unit)
}

/// What the file indents its blocks by: as its first indented block does.
pub fn indent_unit<'a>(file: &PythonFile<'a>) -> &'a str {
    let text = Text(file.source);
    let mut work = vec![file.tree.root_node()];
    while let Some(node) = work.pop() {
        let parts = children(node);
        if let Some(block) = parts.iter().find(|part| part.kind() == "block") {
            let outer = text.indent_before(node.start_byte());
            let inner = text.indent_before(block.start_byte());
            let unit = inner
                .zip(outer)
                .and_then(|(inner, outer)| inner.strip_prefix(outer));
            if let Some(unit) = unit.filter(|unit| !unit.is_empty()) {
                return unit;
            }
        }
        work.extend(parts.into_iter().rev());
    }
    DEFAULT_UNIT
}

/// The suite of `statement`, or of one of its clauses, with this span.
fn suite_of(statement: Node<'_>, block: Span) -> Option<Node<'_>> {
    let mut work = vec![statement];
    while let Some(node) = work.pop() {
        for child in children(node) {
            if child.kind() == "block" && Span::from(child) == block {
                return Some(child);
            }
            if child.kind().ends_with("_clause") {
                work.push(child);
            }
        }
    }
    None
}

/// The end of the colon before `suite`.
fn suite_colon(statement: Node<'_>, suite: Node<'_>) -> Option<usize> {
    let mut work = vec![statement];
    while let Some(node) = work.pop() {
        let mut colon = None;
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            if child.kind() == ":" {
                colon = Some(child.end_byte());
            }
            if child == suite {
                return colon;
            }
            if child.kind().ends_with("_clause") {
                work.push(child);
            }
        }
    }
    None
}

fn comments_in(node: Node<'_>) -> Vec<Span> {
    let mut found = Vec::new();
    let mut work = vec![node];
    while let Some(node) = work.pop() {
        if node.kind() == "comment" {
            found.push(Span::from(node));
        }
        let mut cursor = node.walk();
        work.extend(node.named_children(&mut cursor));
    }
    found.sort_unstable();
    found
}

/// The text as lines.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn line_start(self, at: usize) -> usize {
        self.0[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The end of the line, its line break not included.
    fn line_end(self, at: usize) -> usize {
        self.0[at..].find('\n').map_or(self.0.len(), |end| at + end)
    }

    fn next_line(self, at: usize) -> usize {
        (self.line_end(at) + 1).min(self.0.len())
    }

    fn newline(self) -> &'static str {
        match self.0.find('\n') {
            Some(at) if self.0[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// The indentation of the line that `at` is the first code of; `None` if other code is before it.
    ///
    /// A form feed sets the column back to 0, so only what is behind it counts; a byte order mark is no part of the line.
    fn indent_before(self, at: usize) -> Option<&'a str> {
        let line = &self.0[self.line_start(at)..at];
        let line = line.trim_start_matches('\u{feff}');
        let indent = line.rsplit('\u{c}').next().unwrap_or(line);
        let blank = line.chars().all(|c| matches!(c, ' ' | '\t' | '\u{c}'));
        blank.then_some(indent)
    }
}

/// The lines of a region, and what begins them.
struct Lines {
    start: usize,
    end: usize,
    /// Where statements and clauses begin.
    heads: BTreeSet<usize>,
    /// String literals of more than one line, outermost only, in source order.
    strings: Vec<Span>,
}

/// The beginning of one line.
struct Line<'a> {
    /// Where its indentation begins.
    at: usize,
    indent: &'a str,
    kind: LineKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineKind {
    /// A statement or a clause begins here.
    Head,
    Comment,
    /// The middle of a statement.
    Continuation,
}

impl Lines {
    fn of(around: Node<'_>, start: usize, end: usize) -> Self {
        let region = Span::new(start, end.max(start));
        let mut heads = BTreeSet::new();
        let mut strings = Vec::new();
        let mut work = vec![around];
        while let Some(node) = work.pop() {
            let span = Span::from(node);
            let kind = node.kind();
            if is_statement(kind) || begins_line(kind) {
                heads.insert(span.start);
            }
            if kind == "string" {
                if node.start_position().row != node.end_position().row {
                    strings.push(span);
                }
                continue;
            }
            let mut cursor = node.walk();
            work.extend(
                node.named_children(&mut cursor)
                    .filter(|child| region.overlaps(Span::from(*child))),
            );
        }
        strings.sort_unstable();
        Self {
            start,
            end,
            heads,
            strings,
        }
    }

    /// The lines that hold code or a comment, without those that begin inside of a string.
    fn each<'a>(&self, text: Text<'a>) -> Vec<Line<'a>> {
        let mut lines = Vec::new();
        let mut at = self.start;
        while at < self.end {
            let line = &text.0[at..text.line_end(at)];
            if !self.in_string(at) {
                lines.extend(self.line(line, at));
            }
            let next = text.next_line(at);
            if next == at {
                break;
            }
            at = next;
        }
        lines
    }

    fn line<'a>(&self, line: &'a str, start: usize) -> Option<Line<'a>> {
        let blank = |c: char| matches!(c, ' ' | '\t' | '\u{c}' | '\u{feff}');
        let code = line.trim_start_matches(blank);
        let white = &line[..line.len() - code.len()];
        if code.trim_end().is_empty() {
            return None;
        }
        let indent = white.rsplit(['\u{c}', '\u{feff}']).next().unwrap_or(white);
        let kind = if code.starts_with('#') {
            LineKind::Comment
        } else if self.heads.contains(&(start + white.len())) {
            LineKind::Head
        } else {
            LineKind::Continuation
        };
        Some(Line {
            at: start + white.len() - indent.len(),
            indent,
            kind,
        })
    }

    fn in_string(&self, at: usize) -> bool {
        let behind = self.strings.partition_point(|string| string.start < at);
        behind
            .checked_sub(1)
            .is_some_and(|last| at < self.strings[last].end)
    }

    /// Deletes what `inner` has more than `outer`.
    fn dedent(&self, text: Text<'_>, inner: &str, outer: &str) -> Option<Vec<Edit>> {
        if inner == outer || !inner.starts_with(outer) {
            return None;
        }
        let mut edits = Vec::new();
        for line in self.each(text) {
            // Only what lies between the two indentations goes, so that the moves of nested suites never delete the same bytes.
            let shared = common_prefix(line.indent, inner);
            if shared < inner.len() {
                match line.kind {
                    // Its column is worth something else than its characters say.
                    LineKind::Head => return None,
                    LineKind::Comment => continue,
                    LineKind::Continuation => {}
                }
            }
            if shared > outer.len() {
                edits.push(Edit::delete(Span::new(
                    line.at + outer.len(),
                    line.at + shared,
                )));
            }
        }
        Some(edits)
    }

    /// Inserts `unit` behind `indent`.
    fn indent(&self, text: Text<'_>, indent: &str, unit: &str) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        for line in self.each(text) {
            if line.indent.starts_with(indent) {
                edits.push(Edit::insert(line.at + indent.len(), unit));
            } else if line.kind == LineKind::Head {
                return None;
            }
        }
        Some(edits)
    }
}

/// Whether nodes of this kind, other than statements, stand at the beginning of a logical line.
fn begins_line(kind: &str) -> bool {
    matches!(
        kind,
        "elif_clause"
            | "else_clause"
            | "except_clause"
            | "finally_clause"
            | "case_clause"
            | "decorator"
    )
}

fn common_prefix(one: &str, other: &str) -> usize {
    one.bytes()
        .zip(other.bytes())
        .take_while(|(one, other)| one == other)
        .count()
}
