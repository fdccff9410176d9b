//! Taking a block statement away around its body, and putting one around a statement.

use crate::edit::Edit;
use crate::language::Code;
use crate::language::python::{layout, nodes};
use crate::source::Span;

/// Takes the header of the block statement at `span` away; its body moves to the header's indentation.
///
/// Comments of the header stay: one behind the colon moves to a line of its own. A header that holds comments elsewhere (in the middle of
/// a parenthesised list) is left alone.
pub fn unwrap(code: Code<'_>, span: Span) -> Option<Vec<Edit>> {
    let statement = nodes::statement_at(code.tree, span)?;
    let body = statement.child_by_field_name("body")?;
    let source = code.source;
    let first = nodes::children(body).first().copied()?;
    let line_start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let before = &source[line_start..span.start];
    if !before
        .chars()
        .all(|c| matches!(c, ' ' | '\t' | '\u{c}' | '\u{feff}'))
    {
        // `if x: with …` on one line, or behind a semicolon.
        return None;
    }
    let header_end = header_end(statement, body)?;
    let mut cursor = statement.walk();
    let inside_header =
        crate::language::python::statements::comments(code.tree, Span::new(span.start, header_end));
    if !inside_header.is_empty() {
        return None;
    }
    cursor.reset(statement);
    if !source[header_end..first.start_byte()].contains('\n') {
        // The body stands on the header's line.
        return Some(vec![Edit::delete(Span::new(
            span.start,
            first.start_byte(),
        ))]);
    }
    let line_end = source[header_end..]
        .find('\n')
        .map(|at| header_end + at + 1)?;
    let trailing = source[header_end..line_end].trim();
    let header = if trailing.is_empty() {
        Edit::delete(Span::new(line_start + bom(before), line_end))
    } else {
        // `…:  # why`: the comment keeps the header's line and indentation.
        let comment = header_end + source[header_end..line_end].find(trailing)?;
        Edit::delete(Span::new(span.start, comment))
    };
    let mut edits = vec![header];
    edits.extend(layout::dedent(source, code.tree, body.into(), span)?);
    Some(edits)
}

fn bom(before: &str) -> usize {
    if before.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    }
}

/// The offset behind the colon of the header.
fn header_end(statement: tree_sitter::Node<'_>, body: tree_sitter::Node<'_>) -> Option<usize> {
    let mut cursor = statement.walk();
    let colon = statement
        .children(&mut cursor)
        .filter(|child| child.kind() == ":" && child.end_byte() <= body.start_byte());
    colon.last().map(|colon| colon.end_byte())
}

/// Puts `header` above the statement at `span` and indents the statement by one unit of the file.
pub fn wrap(code: Code<'_>, span: Span, header: &str) -> Option<Vec<Edit>> {
    let source = code.source;
    let line_start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let indent = &source[line_start..span.start];
    if !indent.chars().all(|c| matches!(c, ' ' | '\t')) {
        return None;
    }
    // `a; b` on one line would leave `b` outside.
    let line_end = source[span.end..]
        .find('\n')
        .map_or(source.len(), |at| span.end + at);
    let behind = source[span.end..line_end].trim();
    if !behind.is_empty() && !behind.starts_with('#') {
        return None;
    }
    let newline = if source[..line_end + 1.min(source.len() - line_end)].contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let unit = layout::indent_unit(source, code.tree);
    let mut edits = vec![Edit::insert(
        span.start,
        format!("{header}{newline}{indent}{unit}"),
    )];
    let rest = layout::indent(source, code.tree, span, &unit)?;
    edits.extend(rest.into_iter().filter(|edit| edit.span.start > span.start));
    Some(edits)
}
