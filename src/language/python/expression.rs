//! Python's expressions in neutral terms.

use tree_sitter::Node;

use crate::language::expression::{Argument, Expression};
use crate::source::Span;

/// The outermost form of the expression at `node`.
pub fn classify(source: &str, node: Node<'_>) -> Expression {
    match node.kind() {
        "identifier" => Expression::Name(text(source, node).to_owned()),
        "attribute" => attribute(source, node),
        "call" => call(source, node),
        "await" | "parenthesized_expression" => {
            only_child(node).map_or(Expression::Other, |child| Expression::Same(child.into()))
        }
        "named_expression" => field(node, "value").map_or(Expression::Other, Expression::Same),
        "conditional_expression" => conditional(node),
        "boolean_operator" => boolean(node),
        "none" => Expression::Null,
        "dictionary" => mapping(source, node),
        "subscript" => subscript(source, node),
        "string" | "concatenated_string" | "integer" | "float" | "true" | "false" => {
            Expression::Literal
        }
        _ => Expression::Other,
    }
}

/// The arguments of an argument list, in order.
pub fn arguments(source: &str, list: Node<'_>) -> Vec<Argument> {
    let mut cursor = list.walk();
    if list.kind() == "generator_expression" {
        return vec![Argument::Positional(list.into())];
    }
    list.named_children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .map(|child| match child.kind() {
            "keyword_argument" => match (field(child, "name"), field(child, "value")) {
                (Some(name), Some(value)) => Argument::Keyword {
                    name: name.text(source).to_owned(),
                    value,
                },
                _ => Argument::Positional(child.into()),
            },
            "list_splat" => Argument::Spread(only_child(child).unwrap_or(child).into()),
            "dictionary_splat" => {
                Argument::KeywordSpread(only_child(child).unwrap_or(child).into())
            }
            _ => Argument::Positional(child.into()),
        })
        .collect()
}

/// The text of a string literal without prefix and quotes, if it has neither escapes nor interpolations.
pub fn plain_string(source: &str, node: Node<'_>) -> Option<String> {
    if node.kind() != "string" {
        return None;
    }
    let mut cursor = node.walk();
    let mut content = None;
    for child in node.named_children(&mut cursor) {
        match child.kind() {
            "string_start" | "string_end" => {}
            "string_content" if child.named_child_count() == 0 && content.is_none() => {
                content = Some(text(source, child).to_owned());
            }
            _ => return None,
        }
    }
    Some(content.unwrap_or_default())
}

fn text<'s>(source: &'s str, node: Node<'_>) -> &'s str {
    Span::from(node).text(source)
}

fn field(node: Node<'_>, name: &str) -> Option<Span> {
    node.child_by_field_name(name).map(Span::from)
}

/// The one named child that is no comment.
fn only_child(node: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = node.walk();
    let mut children = node
        .named_children(&mut cursor)
        .filter(|child| child.kind() != "comment");
    match (children.next(), children.next()) {
        (Some(child), None) => Some(child),
        _ => None,
    }
}

fn attribute(source: &str, node: Node<'_>) -> Expression {
    match (field(node, "object"), field(node, "attribute")) {
        (Some(object), Some(name)) => Expression::Attribute {
            object,
            name: name.text(source).to_owned(),
        },
        _ => Expression::Other,
    }
}

fn call(source: &str, node: Node<'_>) -> Expression {
    match (
        field(node, "function"),
        node.child_by_field_name("arguments"),
    ) {
        (Some(callee), Some(list)) => Expression::Call {
            callee,
            arguments: arguments(source, list),
        },
        _ => Expression::Other,
    }
}

/// `a if c else b`: the grammar has no fields; the named children are value, condition, alternative.
fn conditional(node: Node<'_>) -> Expression {
    let mut cursor = node.walk();
    let parts: Vec<Span> = node
        .named_children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .map(Span::from)
        .collect();
    match parts[..] {
        [value, _, alternative] => Expression::Either(vec![value, alternative]),
        _ => Expression::Other,
    }
}

/// `a or b` is one of both; `a and b` is `b` where it is anything.
fn boolean(node: Node<'_>) -> Expression {
    let operator = node
        .child_by_field_name("operator")
        .map(|operator| operator.kind());
    match (field(node, "left"), operator, field(node, "right")) {
        (Some(left), Some("or"), Some(right)) => Expression::Either(vec![left, right]),
        (_, Some("and"), Some(right)) => Expression::Same(right),
        _ => Expression::Other,
    }
}

fn mapping(source: &str, node: Node<'_>) -> Expression {
    let mut entries = Vec::new();
    let mut complete = true;
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        let key = child
            .child_by_field_name("key")
            .and_then(|key| plain_string(source, key));
        match (child.kind(), key, field(child, "value")) {
            ("comment", ..) => {}
            ("pair", Some(key), Some(value)) => entries.push((key, value)),
            _ => complete = false,
        }
    }
    Expression::Mapping { entries, complete }
}

fn subscript(source: &str, node: Node<'_>) -> Expression {
    let mut cursor = node.walk();
    let mut keys = node.children_by_field_name("subscript", &mut cursor);
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) => plain_string(source, key),
        _ => None,
    };
    match (field(node, "value"), key) {
        (Some(object), Some(key)) => Expression::Index { object, key },
        _ => Expression::Other,
    }
}
