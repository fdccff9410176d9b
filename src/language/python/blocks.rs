//! Putting a block around a statement.

use crate::edit::Edit;
use crate::language::Code;
use crate::language::python::layout;
use crate::source::Span;

/// Puts `header` above the statement at `span` and indents the statement by one unit of the file.
pub(super) fn wrap(code: Code<'_>, span: Span, header: &str) -> Option<Vec<Edit>> {
    let source = code.source;
    let line_start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let indent = &source[line_start..span.start];
    if !indent.chars().all(|c| matches!(c, ' ' | '\t')) {
        return None;
    }
    let unit = layout::indent_unit(&code);
    let newline = if source[span.start..]
        .find('\n')
        .is_some_and(|at| source[..span.start + at].ends_with('\r'))
    {
        "\r\n"
    } else {
        "\n"
    };
    let mut edits = vec![Edit::insert(
        span.start,
        format!("{header}{newline}{indent}{unit}"),
    )];
    let moved = layout::indent_block(&code, span, unit)?;
    // The first line gets its indentation with the header.
    edits.extend(
        moved
            .into_iter()
            .filter(|edit| edit.span.start > span.start),
    );
    Some(edits)
}
