//! Small questions about tree nodes, shared by the whole language.

use tree_sitter::{Node, Tree};

use crate::source::Span;

pub(super) use crate::language::nodes::{expression_at, path, replace_access};

/// The named children without comments and attributes.
pub(super) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| !is_comment(child.kind()) && child.kind() != "attribute_item")
        .collect()
}

/// Whether nodes of this kind are comments.
pub(super) fn is_comment(kind: &str) -> bool {
    matches!(kind, "line_comment" | "block_comment")
}

/// Whether nodes of this kind run code of their own, which returns and fails for itself.
pub(super) fn is_function(kind: &str) -> bool {
    matches!(kind, "function_item" | "closure_expression" | "async_block")
}

/// Whether `node` is a statement of `parent`: what stands in a block or at the top of a file, its tail expression too.
pub(super) fn is_statement(parent: Node<'_>, node: Node<'_>) -> bool {
    matches!(parent.kind(), "block" | "source_file" | "declaration_list")
        && node.is_named()
        && !is_comment(node.kind())
        && !matches!(
            node.kind(),
            "attribute_item" | "inner_attribute_item" | "label"
        )
}

/// The field access around the value at `span`.
pub(super) fn access_around(tree: &Tree, span: Span) -> Option<Span> {
    let path = path(tree, span);
    let at = path
        .iter()
        .rposition(|node| node.is_named() && Span::from(*node) == span)?;
    let around = path[at.checked_sub(1)?];
    let is_access = around.kind() == "field_expression"
        && around.child_by_field_name("value") == Some(path[at]);
    is_access.then(|| around.into())
}

/// The nodes inside `body`, without those of functions, closures and `async` blocks that stand there, in source order.
pub(super) fn own_nodes(tree: &Tree, body: Span) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let Some(around) = path(tree, body).pop() else {
        return found;
    };
    let mut cursor = around.walk();
    loop {
        let node = cursor.node();
        let nested = is_function(node.kind()) && Span::from(node) != body;
        if body.contains(node.into()) && !nested {
            found.push(node);
        }
        if !nested && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}
