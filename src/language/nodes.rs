//! Questions about the nodes of a tree that are the same in every grammar.

use tree_sitter::{Node, Tree};

use crate::source::Span;

/// The nodes from the root down to the smallest one that covers `span`. Of several nodes with that very span, the innermost is last.
pub(in crate::language) fn path(tree: &Tree, span: Span) -> Vec<Node<'_>> {
    let mut node = tree.root_node();
    let mut path = vec![node];
    while let Some(child) = child_covering(node, span) {
        path.push(child);
        node = child;
    }
    path
}

/// The child of `node` that covers `span`. Children do not overlap, so only the first that ends behind its start can.
fn child_covering(node: Node<'_>, span: Span) -> Option<Node<'_>> {
    let mut cursor = node.walk();
    cursor.goto_first_child_for_byte(span.start)?;
    let child = cursor.node();
    Span::from(child).contains(span).then_some(child)
}

/// The innermost named node that has exactly this span: the expression itself, not the statement that consists of it.
pub(in crate::language) fn expression_at(tree: &Tree, span: Span) -> Option<Node<'_>> {
    path(tree, span)
        .into_iter()
        .rev()
        .find(|node| node.is_named() && Span::from(*node) == span)
}
