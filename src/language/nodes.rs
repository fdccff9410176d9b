//! Questions about the nodes of a tree that are the same in every grammar.

use tree_sitter::{Node, Tree};

use crate::edit::Edit;
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

/// Puts `name` in the place of the member access of the kind `access` at `span`, whose `fields` are the object and the member. What stands
/// between the two stays where it is if there is a comment in it.
pub(in crate::language) fn replace_access(
    tree: &Tree,
    span: Span,
    access: &str,
    fields: [&str; 2],
    name: &str,
) -> Vec<Edit> {
    let node = path(tree, span)
        .into_iter()
        .find(|node| Span::from(*node) == span && node.kind() == access);
    let parts = node.and_then(|node| {
        let part = |field| node.child_by_field_name(field).map(Span::from);
        let mut cursor = node.walk();
        let comment = |child: Node<'_>| child.kind().ends_with("comment");
        let extras = node.children(&mut cursor).any(comment);
        let between = |child: &Node<'_>| !child.is_named();
        let dot = node.children(&mut cursor).find(between)?;
        extras.then_some((part(fields[0])?, Span::from(dot), part(fields[1])?))
    });
    match parts {
        Some((object, dot, member)) => vec![
            Edit::replace(object, name),
            Edit::delete(dot),
            Edit::delete(member),
        ],
        None => vec![Edit::replace(span, name)],
    }
}
