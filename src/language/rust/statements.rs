//! Where statements of Rust stand: around, behind and inside of what, and which come first in a file or body.

use tree_sitter::{Node, Tree};

use super::nodes::{children, is_comment, is_statement, path};
use crate::source::Span;

/// The index on `path` of the innermost statement that covers `span`.
fn innermost(path: &[Node<'_>]) -> Option<usize> {
    (1..path.len())
        .rev()
        .find(|at| is_statement(path[at - 1], path[*at]))
}

/// The innermost statement around `span`.
pub(super) fn statement(tree: &Tree, span: Span) -> Option<Span> {
    let path = path(tree, span);
    innermost(&path).map(|at| path[at].into())
}

/// The start of the line above which a comment on the code at `span` can stand: that of the first statement on the line where the statement
/// around `span` begins.
pub(super) fn line_above(source: &str, tree: &Tree, span: Span) -> usize {
    let first = |span: Span| statement(tree, span).map_or(span.start, |statement| statement.start);
    let mut start = first(span);
    loop {
        let line = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let before = &source[line..start];
        let code = before.trim_start();
        let at = line + before.len() - code.len();
        // What is before it may be the end of a string or of a block that begins further up.
        let earlier = first(Span::new(at, at + 1));
        if code.is_empty() || earlier >= start {
            return line;
        }
        start = earlier;
    }
}

/// The statements of the block around the statement at `span`.
pub(super) fn siblings(tree: &Tree, span: Span) -> Vec<Span> {
    let path = path(tree, span);
    let block = innermost(&path).map(|at| path[at - 1]);
    block
        .filter(|block| block.kind() == "block")
        .map(statements_of)
        .unwrap_or_default()
}

/// The statement behind the one at `span` in its block.
pub(super) fn next_statement(tree: &Tree, span: Span) -> Option<Span> {
    let path = path(tree, span);
    let at = innermost(&path)?;
    statements_of(path[at - 1])
        .into_iter()
        .find(|other| other.start >= span.end)
}

/// The statements of the block at `body`, in order.
pub(super) fn of_block(tree: &Tree, body: Span) -> Vec<Span> {
    let path = path(tree, body);
    let block = path
        .into_iter()
        .rfind(|node| matches!(node.kind(), "block" | "source_file" | "declaration_list"));
    block.map(statements_of).unwrap_or_default()
}

fn statements_of(block: Node<'_>) -> Vec<Span> {
    children(block)
        .into_iter()
        .filter(|child| is_statement(block, *child))
        .map(Span::from)
        .collect()
}

/// The body of the block statement at `span`.
pub(super) fn body(tree: &Tree, span: Span) -> Option<Span> {
    path(tree, span)
        .into_iter()
        .filter(|node| Span::from(*node) == span)
        .flat_map(|node| {
            let inner = (node.kind() == "expression_statement").then(|| children(node));
            std::iter::once(node).chain(inner.into_iter().flatten())
        })
        .find_map(|node| node.child_by_field_name("body"))
        .map(Span::from)
}

/// The comments inside `span`.
pub(super) fn comments(tree: &Tree, span: Span) -> Vec<Span> {
    let mut found = Vec::new();
    let mut work: Vec<Node<'_>> = path(tree, span).pop().into_iter().collect();
    while let Some(node) = work.pop() {
        if is_comment(node.kind()) {
            if span.contains(node.into()) {
                found.push(Span::from(node));
            }
            continue;
        }
        let mut cursor = node.walk();
        let inner = node.children(&mut cursor);
        work.extend(inner.filter(|child| span.overlaps(Span::from(*child))));
    }
    found.sort_unstable();
    found
}

/// The statement behind which the first import of a file may stand: its inner attributes.
pub(super) fn import_anchor(tree: &Tree) -> Option<Span> {
    let root = tree.root_node();
    let mut cursor = root.walk();
    let attributes = root
        .named_children(&mut cursor)
        .take_while(|node| node.kind() == "inner_attribute_item" || is_comment(node.kind()))
        .filter(|node| node.kind() == "inner_attribute_item");
    attributes.last().map(Span::from)
}
