//! Small questions about tree nodes, shared by the whole language.
//!
//! `Node::parent` walks from the root each time, so whoever needs more than one ancestor asks for the [`path`] once.

use std::borrow::Cow;

use tree_sitter::{Node, Tree};
use unicode_normalization::UnicodeNormalization;

use crate::source::Span;

pub(super) use crate::language::nodes::{expression_at, path, replace_access};

/// A name as the compiler reads it: two spellings of which one is the other's compatible form are one name (PEP 3131).
pub(super) fn identifier(written: &str) -> Cow<'_, str> {
    if written.is_ascii() {
        Cow::Borrowed(written)
    } else {
        Cow::Owned(written.nfkc().collect())
    }
}

/// The outermost node that has exactly this span and is of a kind that `wanted` accepts.
pub(super) fn node_at(tree: &Tree, span: Span, wanted: impl Fn(&str) -> bool) -> Option<Node<'_>> {
    path(tree, span)
        .into_iter()
        .find(|node| Span::from(*node) == span && wanted(node.kind()))
}

/// The outermost statement that has exactly this span.
pub(super) fn statement_at(tree: &Tree, span: Span) -> Option<Node<'_>> {
    node_at(tree, span, is_statement)
}

/// The named children without comments. Errors stay in: they are marked as extras, but hold code.
pub(super) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| !matches!(child.kind(), "comment" | "line_continuation"))
        .collect()
}

/// The nodes inside `body`, without those of functions that are defined there, in source order.
pub(super) fn own_nodes(tree: &Tree, body: Span) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let Some(around) = path(tree, body).pop() else {
        return found;
    };
    let mut cursor = around.walk();
    loop {
        let node = cursor.node();
        let nested = is_function(node.kind());
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

/// The expression inside any number of parentheses.
pub(super) fn unparenthesised(mut node: Node<'_>) -> Node<'_> {
    while node.kind() == "parenthesized_expression" {
        match children(node).first() {
            Some(inner) => node = *inner,
            None => break,
        }
    }
    node
}

/// Whether the first child of `node` is the token `token`.
pub(super) fn begins_with(node: Node<'_>, token: &str) -> bool {
    node.child(0).is_some_and(|first| first.kind() == token)
}

/// Whether nodes of this kind are statements.
pub(super) fn is_statement(kind: &str) -> bool {
    kind.ends_with("_statement")
        || matches!(
            kind,
            "function_definition" | "class_definition" | "decorated_definition"
        )
}

/// Whether nodes of this kind open a function of their own.
pub(super) fn is_function(kind: &str) -> bool {
    matches!(kind, "function_definition" | "lambda")
}

/// Whether nodes of this kind are comprehensions or generator expressions.
pub(super) fn is_comprehension(kind: &str) -> bool {
    matches!(
        kind,
        "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "generator_expression"
    )
}
