//! Taking one statement out of its block.

use tree_sitter::Node;

use super::is_undocumented;
use super::text::Text;
use crate::edit::Edit;
use crate::language::Code;
use crate::language::python::statements::{
    comments, is_docstring, statement_in_block, statements_of,
};
use crate::source::Span;

/// Takes the statement at `span` out with its lines, or puts `pass` in its place where nothing else is left of the block.
///
/// No comment goes: one behind the statement stays on the line, those inside of it get lines of their own. With a definition goes one of the
/// two runs of blank lines around it.
pub(in crate::language::python) fn remove_statement(code: &Code<'_>, span: Span) -> Edit {
    let Some((statement, block)) = statement_in_block(&code.tree, span) else {
        return Edit::delete(span);
    };
    let removal = Removal {
        code,
        text: Text(code.source),
        span: statement.into(),
        is_definition: matches!(
            statement.kind(),
            "function_definition" | "class_definition" | "decorated_definition"
        ),
    };
    removal.out_of(block)
}

struct Removal<'a> {
    code: &'a Code<'a>,
    text: Text<'a>,
    span: Span,
    is_definition: bool,
}

impl Removal<'_> {
    fn out_of(&self, block: Node<'_>) -> Edit {
        let statements: Vec<Span> = statements_of(block).into_iter().map(Span::from).collect();
        if block.kind() == "block" && statements.len() <= 1 {
            return self.passed();
        }
        let before = statements.iter().rev().find(|other| self.precedes(**other));
        let behind = statements.iter().find(|other| self.follows(**other));
        // A text behind the statement would become the documentation.
        let first = statements.first() == Some(&self.span);
        let next = statements_of(block).into_iter().nth(1);
        if first && next.is_some_and(is_docstring) && is_undocumented(&self.code.tree, self.span) {
            return self.passed();
        }
        match (before, behind) {
            (_, Some(next)) => self.without(Span::new(self.span.start, next.start)),
            (Some(previous), None) => self.without(Span::new(previous.end, self.span.end)),
            (None, None) => self.own_lines(statements.last() == Some(&self.span)),
        }
    }

    /// Whether `other` ends on the line that the statement begins on.
    fn precedes(&self, other: Span) -> bool {
        other.end <= self.span.start && !self.between(other, self.span).contains('\n')
    }

    /// Whether `other` begins on the line that the statement ends on.
    fn follows(&self, other: Span) -> bool {
        self.span.end <= other.start && !self.between(self.span, other).contains('\n')
    }

    fn between(&self, first: Span, second: Span) -> &str {
        self.code.text(Span::new(first.end, second.start))
    }

    /// The statement has its lines for itself, a comment behind it apart.
    fn own_lines(&self, is_last: bool) -> Edit {
        let (text, span) = (self.text, self.span);
        let line_end = text.line_end(span.end);
        let rest = self.code.source[span.end..line_end].trim_start();
        let rest = rest.strip_prefix(';').unwrap_or(rest).trim_start();
        let Some(indent) = text.indent_before(span.start) else {
            return self.passed();
        };
        if rest.starts_with('#') {
            return self.without(Span::new(span.start, line_end - rest.len()));
        }
        if !rest.is_empty() || text.continues_line(&self.code.tree, span.start) {
            return self.passed();
        }
        let lines = Span::new(span.start - indent.len(), text.next_line(line_end));
        let lines = if self.is_definition {
            self.with_blank_lines(lines, is_last)
        } else {
            lines
        };
        let kept = self.comments();
        if kept.is_empty() {
            return Edit::delete(lines);
        }
        let code_end = span.start + self.code.source[span.start..line_end].trim_end().len();
        let kept = kept.join(&self.line_break(indent));
        Edit::replace(Span::new(span.start, code_end), kept)
    }

    /// The lines of a definition with the blank lines behind it, or for the last of a block those before it.
    fn with_blank_lines(&self, lines: Span, is_last: bool) -> Span {
        let blank = |line: &&str| line.trim().is_empty();
        let length = |lines: &mut dyn Iterator<Item = &str>| lines.map(str::len).sum::<usize>();
        let source = self.code.source;
        if is_last {
            let before = source[..lines.start].split_inclusive('\n').rev();
            let before = length(&mut before.take_while(blank));
            Span::new(lines.start - before, lines.end)
        } else {
            let behind = source[lines.end..].split_inclusive('\n');
            let behind = length(&mut behind.take_while(blank));
            Span::new(lines.start, lines.end + behind)
        }
    }

    /// The comments inside of the statement, without the blanks behind them.
    fn comments(&self) -> Vec<&str> {
        comments(&self.code.tree, self.span)
            .into_iter()
            .map(|comment| self.code.text(comment).trim_end())
            .collect()
    }

    /// Puts `pass` in the statement's place.
    fn passed(&self) -> Edit {
        let mut kept = self.comments();
        let behind = &self.code.source[self.span.end..self.text.line_end(self.span.end)];
        let new = match self.text.indent_before(self.span.start) {
            _ if kept.is_empty() => "pass".to_owned(),
            Some(indent) => {
                kept.push("pass");
                kept.join(&self.line_break(indent))
            }
            None if behind.trim().is_empty() => format!("pass  {}", kept.join(" ")),
            // Between other statements only brackets can hold a comment.
            None => format!("(  {}{})", kept.join(" "), self.text.newline()),
        };
        Edit::replace(self.span, new)
    }

    /// Deletes `gone`, which covers the statement, but for the comments inside of it.
    fn without(&self, gone: Span) -> Edit {
        let mut kept = self.comments();
        match self.text.indent_before(self.span.start) {
            _ if kept.is_empty() => Edit::delete(gone),
            Some(indent) => {
                kept.push("");
                Edit::replace(gone, kept.join(&self.line_break(indent)))
            }
            None => self.passed(),
        }
    }

    fn line_break(&self, indent: &str) -> String {
        format!("{}{indent}", self.text.newline())
    }
}
