//! Rust's expressions in neutral terms.
//!
//! `?`, `.await`, `&`, `*` and methods like `clone()` give the same value as far as following a connection goes.

use tree_sitter::Node;

use super::nodes::children;
use crate::language::expression::{Argument, Expression};
use crate::source::Span;

/// Methods that hand on the value that they are called on, or its error.
const SAME: [&str; 13] = [
    "clone",
    "as_ref",
    "as_mut",
    "borrow",
    "deref",
    "deref_mut",
    "unwrap",
    "expect",
    "cloned",
    "map_err",
    "context",
    "with_context",
    "wrap_err",
];

/// The outermost form of the expression at `node`.
pub(super) fn classify(source: &str, node: Node<'_>) -> Expression {
    let name = || Expression::Name(text(source, node).to_owned());
    match node.kind() {
        "identifier" if text(source, node) == "None" => Expression::Null,
        "identifier" | "type_identifier" | "primitive_type" | "self" | "crate" | "super" => name(),
        "field_expression" => attribute(source, node, "value", "field"),
        "scoped_identifier" | "scoped_type_identifier" => attribute(source, node, "path", "name"),
        "call_expression" => call(source, node),
        "macro_invocation" => macro_call(node),
        "struct_expression" => structure(source, node),
        "await_expression"
        | "try_expression"
        | "parenthesized_expression"
        | "reference_expression" => children(node)
            .into_iter()
            .rfind(|child| child.kind() != "mutable_specifier")
            .map_or(Expression::Other, |child| Expression::Same(child.into())),
        "unary_expression" if text(source, node).starts_with('*') => children(node)
            .last()
            .map_or(Expression::Other, |child| Expression::Same((*child).into())),
        "string_literal" | "raw_string_literal" | "integer_literal" | "float_literal"
        | "boolean_literal" | "char_literal" => Expression::Literal,
        _ => Expression::Other,
    }
}

fn text<'s>(source: &'s str, node: Node<'_>) -> &'s str {
    Span::from(node).text(source)
}

fn attribute(source: &str, node: Node<'_>, object: &str, name: &str) -> Expression {
    let Some(name) = node.child_by_field_name(name) else {
        return Expression::Other;
    };
    let name = text(source, name).to_owned();
    match node.child_by_field_name(object).map(without_arguments) {
        Some(object) => Expression::Attribute {
            object: object.into(),
            name,
        },
        None => Expression::Name(name),
    }
}

/// A type in a path without what it is given: `Pool` of `Pool::<Postgres>`.
fn without_arguments(node: Node<'_>) -> Node<'_> {
    if matches!(node.kind(), "generic_type" | "generic_type_with_turbofish") {
        return node.child_by_field_name("type").unwrap_or(node);
    }
    node
}

/// What is called, without its turbofish.
pub(super) fn callee(call: Node<'_>) -> Option<Node<'_>> {
    let function = call.child_by_field_name("function")?;
    if function.kind() == "generic_function" {
        return function.child_by_field_name("function");
    }
    Some(function)
}

fn call(source: &str, node: Node<'_>) -> Expression {
    let (Some(callee), Some(list)) = (callee(node), node.child_by_field_name("arguments")) else {
        return Expression::Other;
    };
    if let (Some(object), Some(method)) = (
        callee.child_by_field_name("value"),
        callee.child_by_field_name("field"),
    ) && SAME.contains(&text(source, method))
    {
        return Expression::Same(object.into());
    }
    Expression::Call {
        callee: callee.into(),
        arguments: arguments(list),
    }
}

/// The arguments of an argument list, in order.
pub(super) fn arguments(list: Node<'_>) -> Vec<Argument> {
    children(list)
        .into_iter()
        .map(|child| Argument::Positional(child.into()))
        .collect()
}

/// A macro as a call: what stands between the commas of its token tree are the arguments.
fn macro_call(node: Node<'_>) -> Expression {
    let Some(callee) = node.child_by_field_name("macro") else {
        return Expression::Other;
    };
    Expression::Call {
        callee: callee.into(),
        arguments: macro_arguments(node),
    }
}

/// The spans between the commas of the token tree of the macro at `node`.
pub(super) fn macro_arguments(node: Node<'_>) -> Vec<Argument> {
    let Some(tree) = children(node)
        .into_iter()
        .find(|child| child.kind() == "token_tree")
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut open: Option<Span> = None;
    let mut cursor = tree.walk();
    let count = tree.child_count() as usize;
    for (index, token) in tree.children(&mut cursor).enumerate() {
        if index == 0 || index + 1 == count {
            continue;
        }
        if token.kind() == "," {
            found.extend(open.take().map(Argument::Positional));
            continue;
        }
        let start = open.map_or(token.start_byte(), |open| open.start);
        open = Some(Span::new(start, token.end_byte()));
    }
    found.extend(open.map(Argument::Positional));
    found
}

/// A structure that is made: a call of its type with its fields by name.
fn structure(source: &str, node: Node<'_>) -> Expression {
    let (Some(name), Some(body)) = (
        node.child_by_field_name("name"),
        node.child_by_field_name("body"),
    ) else {
        return Expression::Other;
    };
    let fields = children(body).into_iter().map(|field| {
        let value = field.child_by_field_name("value").unwrap_or(field);
        match field.child_by_field_name("field") {
            Some(name) => Argument::Keyword {
                name: text(source, name).to_owned(),
                value: value.into(),
            },
            None if field.kind() == "shorthand_field_initializer" => Argument::Keyword {
                name: text(source, field).to_owned(),
                value: children(field).last().copied().unwrap_or(field).into(),
            },
            None => {
                Argument::KeywordSpread(children(field).last().copied().unwrap_or(field).into())
            }
        }
    });
    Expression::Call {
        callee: name.into(),
        arguments: fields.collect(),
    }
}
