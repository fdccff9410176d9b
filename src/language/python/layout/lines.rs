//! Where the lines of a region begin, and what may be put there or taken away.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::text::{Text, common_prefix};
use crate::edit::Edit;
use crate::language::python::nodes::is_statement;
use crate::source::Span;

/// The lines of a region, and what begins them.
pub(super) struct Lines {
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
    pub(super) fn of(around: Node<'_>, start: usize, end: usize) -> Self {
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
    pub(super) fn dedent(&self, text: Text<'_>, inner: &str, outer: &str) -> Option<Vec<Edit>> {
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
    pub(super) fn indent(&self, text: Text<'_>, indent: &str, unit: &str) -> Option<Vec<Edit>> {
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
