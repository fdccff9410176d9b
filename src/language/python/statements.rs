//! Where statements of Python begin, and how one is taken out.

use tree_sitter::{Node, Tree};

use crate::edit::Edit;
use crate::language::expression::Expression;
use crate::language::python::expression::classify;
use crate::source::Span;

/// The statement behind which the first import of a module may stand: the last `from __future__` import, or the docstring.
pub fn import_anchor(source: &str, tree: &Tree) -> Option<Span> {
    let root = tree.root_node();
    let mut cursor = root.walk();
    let statements = root
        .named_children(&mut cursor)
        .filter(|child| child.kind() != "comment");
    let mut anchor = None;
    for (index, statement) in statements.enumerate() {
        match statement.kind() {
            "future_import_statement" => anchor = Some(Span::from(statement)),
            "expression_statement" if index == 0 && is_string(source, statement) => {
                anchor = Some(Span::from(statement));
            }
            _ => break,
        }
    }
    anchor
}

/// The first statement of the body at `body`, behind a docstring.
pub fn first_statement(source: &str, tree: &Tree, body: Span) -> Option<Span> {
    let mut block = tree
        .root_node()
        .descendant_for_byte_range(body.start, body.end)?;
    while block.kind() != "block" {
        block = block.parent()?;
    }
    let mut cursor = block.walk();
    let mut statements = block
        .named_children(&mut cursor)
        .filter(|child| child.kind() != "comment");
    let first = statements.next()?;
    let docstring = first.kind() == "expression_statement" && is_string(source, first);
    let found = if docstring {
        statements.next().unwrap_or(first)
    } else {
        first
    };
    Some(found.into())
}

fn is_string(source: &str, statement: Node<'_>) -> bool {
    let inner = statement.named_child(0);
    statement.named_child_count() == 1
        && inner.is_some_and(|inner| {
            matches!(inner.kind(), "string" | "concatenated_string")
                && classify(source, inner) == Expression::Literal
        })
}

/// Takes out the statement at `span` with its line, or puts `pass` in its place where nothing else is left of the block.
///
/// A comment behind the statement on its line goes with it only if the line would otherwise be a comment alone that spoke of it: it is
/// kept, on the line, so that no comment is lost.
pub fn remove(source: &str, tree: &Tree, span: Span) -> Edit {
    let Some(statement) = statement_node(tree, span) else {
        return Edit::delete(span);
    };
    let only = statement.parent().is_some_and(|block| {
        let mut cursor = block.walk();
        let code = block
            .named_children(&mut cursor)
            .filter(|child| child.kind() != "comment")
            .count();
        code == 1 && block.kind() == "block"
    });
    let span = Span::from(statement);
    if only {
        return Edit::replace(span, "pass");
    }
    let start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = source[span.end..]
        .find('\n')
        .map_or(source.len(), |at| span.end + at + 1);
    let before = &source[start..span.start];
    let behind = source[span.end..end].trim_end_matches(['\n', '\r']);
    let rest = behind.trim_start();
    if before
        .trim_matches([' ', '\t', '\u{feff}', '\u{c}'])
        .is_empty()
    {
        if rest.is_empty() {
            // A byte order mark stays.
            if matches!(
                statement.kind(),
                "function_definition" | "class_definition" | "decorated_definition"
            ) {
                return Edit::delete(with_blank_lines(source, statement, start, end));
            }
            let start = if before.starts_with('\u{feff}') {
                start + '\u{feff}'.len_utf8()
            } else {
                start
            };
            return Edit::delete(Span::new(start, end));
        }
        // `statement; next` or `statement  # comment`: what follows moves to the front.
        let next = rest.strip_prefix(';').map_or(rest, str::trim_start);
        return Edit::delete(Span::new(span.start, span.end + behind.len() - next.len()));
    }
    // `previous; statement`
    let previous = source[start..span.start]
        .trim_end()
        .trim_end_matches(';')
        .trim_end();
    Edit::delete(Span::new(start + previous.len(), span.end))
}

/// The lines of a definition with one of the two runs of blank lines around it: the one behind, or for the last of a block the one before.
fn with_blank_lines(source: &str, definition: Node<'_>, start: usize, end: usize) -> Span {
    let blank = |line: &str| line.trim().is_empty();
    if definition.next_named_sibling().is_some() {
        let behind: usize = source[end..]
            .split_inclusive('\n')
            .take_while(|line| blank(line))
            .map(str::len)
            .sum();
        return Span::new(start, end + behind);
    }
    let before: usize = source[..start]
        .split_inclusive('\n')
        .rev()
        .take_while(|line| blank(line))
        .map(str::len)
        .sum();
    Span::new(start - before, end)
}

/// The statement node with exactly this extent.
fn statement_node(tree: &Tree, span: Span) -> Option<Node<'_>> {
    let mut node = tree
        .root_node()
        .descendant_for_byte_range(span.start, span.end)?;
    while let Some(parent) = node.parent() {
        if matches!(parent.kind(), "block" | "module") {
            return Some(node);
        }
        node = parent;
    }
    None
}

/// The statements of the block at `body`, in order.
pub fn of_block(tree: &Tree, body: Span) -> Vec<Span> {
    let Some(mut block) = tree
        .root_node()
        .descendant_for_byte_range(body.start, body.end)
    else {
        return Vec::new();
    };
    while !matches!(block.kind(), "block" | "module") {
        match block.parent() {
            Some(parent) => block = parent,
            None => return Vec::new(),
        }
    }
    let mut cursor = block.walk();
    block
        .named_children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .map(Span::from)
        .collect()
}

/// The statements of the block around the statement at `span`, in order; a module's own statements are none, for a module may be empty.
pub fn siblings(tree: &Tree, span: Span) -> Vec<Span> {
    let block = statement_node(tree, span).and_then(|statement| statement.parent());
    match block.filter(|block| block.kind() == "block") {
        Some(block) => {
            let mut cursor = block.walk();
            block
                .named_children(&mut cursor)
                .filter(|child| child.kind() != "comment")
                .map(Span::from)
                .collect()
        }
        None => Vec::new(),
    }
}

/// The comments inside `span`, in order.
pub fn comments(tree: &Tree, span: Span) -> Vec<Span> {
    let mut found = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.kind() == "comment" && span.contains(node.into()) {
            found.push(node.into());
        }
        if span.overlaps(node.into()) && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}
