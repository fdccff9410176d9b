//! Changes of whole statements: a suite moved out to its header's indentation, a statement put into a new block, a statement taken out,
//! imports.
//!
//! Only the white space at the beginning of lines of code changes, so that a diff shows what moved and nothing else. What lies inside of a
//! string never moves, since it is data. Where the white space does not tell for certain what a move means (a suite whose indentation does not
//! begin with its header's), there is no answer.

mod above;
mod imports;
mod lines;
mod parameters;
mod removal;
#[cfg(test)]
mod tests;
mod text;

use tree_sitter::{Node, Tree};

use self::lines::Lines;
use self::text::{Text, common_prefix};
use super::nodes::{children, is_statement, node_at, path};
use super::statements::{comments, is_docstring, statement_in_block, statements_of};
use crate::edit::Edit;
use crate::language::Code;
use crate::source::Span;

pub(super) use above::line_above;
pub(super) use imports::{add_imports, change_import};
pub(super) use parameters::add_parameter;
pub(super) use removal::remove_statement;

/// The indentation that new blocks get in a file that has none to follow.
const DEFAULT_UNIT: &str = "    ";

/// Takes the header of the compound statement at `statement` away and moves its suite out to the header's indentation. Comments of the header
/// stay where they are.
///
/// All edits are deletions, save where a suite on its header's line needs an indentation. Of two statements inside each other, the deletions
/// of the one are inside or outside of those of the other, never across their ends, so that both can be unwrapped at once.
///
/// `None` for a statement with a further clause (`else`, `except`), and where the suite cannot be moved.
pub(super) fn unwrap_block(code: &Code<'_>, statement: Span) -> Option<Vec<Edit>> {
    let node = node_at(&code.tree, statement, is_statement)?;
    if node.has_error() {
        return None;
    }
    let suite = only_suite(node)?;
    if would_document(&code.tree, node, suite) {
        return None;
    }
    let block = Span::from(suite);
    let text = Text(code.source);
    let outer = text.indent_before(statement.start)?;
    let colon = colon_before(node, suite)?;
    if !code.source[colon..block.start].contains('\n') {
        let header = Span::new(statement.start, block.start);
        return Some(without_header(code, header, outer, true));
    }
    let header = Span::new(statement.start, text.next_line(colon));
    let inner = text.indent_before(block.start)?;
    let mut edits = without_header(code, header, outer, false);
    edits.extend(Lines::of(suite, header.end, block.end).dedent(text, inner, outer)?);
    Some(edits)
}

/// Whether a text at the head of `suite` may become the documentation of what the statement stands in, when its suite takes its place.
fn would_document(tree: &Tree, statement: Node<'_>, suite: Node<'_>) -> bool {
    let first = statements_of(suite).into_iter().next();
    first.is_some_and(is_docstring) && is_undocumented(tree, statement.into())
}

/// Whether the statement at `span` stands in the body of a function, class or module that has no documentation.
fn is_undocumented(tree: &Tree, span: Span) -> bool {
    let Some((_, block)) = statement_in_block(tree, span) else {
        return false;
    };
    let documented = statements_of(block)
        .into_iter()
        .next()
        .is_some_and(is_docstring);
    let around = path(tree, span);
    let at = around.iter().position(|node| *node == block);
    let owner = at.and_then(|at| around.get(at.checked_sub(1)?));
    let has_documentation = block.kind() == "module"
        || owner.is_some_and(|owner| {
            matches!(owner.kind(), "function_definition" | "class_definition")
        });
    has_documentation && !documented
}

/// The one suite of a compound statement without further clauses.
fn only_suite(statement: Node<'_>) -> Option<Node<'_>> {
    let mut suites = children(statement).into_iter().filter(|child| {
        child.kind() == "block"
            || child.kind().ends_with("_clause") && child.kind() != "with_clause"
    });
    let only = suites.next().filter(|suite| suite.kind() == "block")?;
    suites.next().is_none().then_some(only)
}

/// The end of the colon before `suite`.
fn colon_before(statement: Node<'_>, suite: Node<'_>) -> Option<usize> {
    let mut cursor = statement.walk();
    statement
        .children(&mut cursor)
        .take_while(|child| *child != suite)
        .filter(|child| child.kind() == ":")
        .last()
        .map(|colon| colon.end_byte())
}

/// Deletes a header, which begins at the indentation `outer` and ends where the suite's first line begins (or its first statement, for
/// a suite on the same line), but for its comments, each of which gets a line of its own.
fn without_header(code: &Code<'_>, header: Span, outer: &str, one_line: bool) -> Vec<Edit> {
    let text = Text(code.source);
    let comments = comments(&code.tree, header);
    if comments.is_empty() && !one_line {
        // The suite brings its own indentation, so the one before the header goes with it.
        return vec![Edit::delete(Span::new(
            header.start - outer.len(),
            header.end,
        ))];
    }
    let mut gone = Vec::new();
    let mut done = header.start;
    for comment in &comments {
        let mut from = done;
        if done > header.start {
            let line = text.line_start(comment.start);
            gone.push(Span::new(done, line));
            from = line + common_prefix(&code.source[line..comment.start], outer);
        }
        gone.push(Span::new(from, comment.start));
        done = text.next_line(comment.end).min(header.end);
    }
    let rest = Span::new(done, header.end);
    let indented = done > header.start && one_line;
    if indented && !code.text(rest).starts_with(outer) {
        let mut edits = deletions(gone);
        edits.push(Edit::replace(rest, outer));
        return edits;
    }
    let kept = if indented { outer.len() } else { 0 };
    gone.push(Span::new(rest.start + kept, rest.end));
    deletions(gone)
}

fn deletions(spans: Vec<Span>) -> Vec<Edit> {
    let spans = spans.into_iter().filter(|span| !span.is_empty());
    spans.map(Edit::delete).collect()
}

/// Puts `header` above the statement at `span` and indents the statement by one unit of the file.
///
/// `None` unless the statement has its lines for itself.
pub(super) fn wrap_statement(code: &Code<'_>, span: Span, header: &str) -> Option<Vec<Edit>> {
    let text = Text(code.source);
    let indent = text.indent_before(span.start)?;
    let unit = indent_unit(code);
    let newline = text.newline();
    let mut edits = vec![Edit::insert(
        span.start,
        format!("{header}{newline}{indent}{unit}"),
    )];
    let moved = indent_block(code, span, unit)?;
    // The first line gets its indentation with the header.
    edits.extend(
        moved
            .into_iter()
            .filter(|edit| edit.span.start > span.start),
    );
    Some(edits)
}

/// Moves the lines of the statements that `statements` covers inwards by `unit`, for a new header before them.
///
/// `None` unless they begin and end whole lines.
fn indent_block(code: &Code<'_>, statements: Span, unit: &str) -> Option<Vec<Edit>> {
    let text = Text(code.source);
    let indent = text.indent_before(statements.start)?;
    let rest = code.source[statements.end..text.line_end(statements.end)].trim_start();
    let rest = rest.strip_prefix(';').unwrap_or(rest).trim();
    if !(rest.is_empty() || rest.starts_with('#'))
        || text.continues_line(&code.tree, statements.start)
    {
        return None;
    }
    let around = *path(&code.tree, statements).last()?;
    if around.has_error() {
        return None;
    }
    let first_line = text.line_start(statements.start);
    Lines::of(around, first_line, statements.end).indent(text, indent, unit)
}

/// What the file indents its blocks by: as its first indented block does.
fn indent_unit<'s>(code: &Code<'s>) -> &'s str {
    let text = Text(code.source);
    let mut work = vec![code.tree.root_node()];
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
