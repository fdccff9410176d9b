//! Python's expressions in neutral terms.

use tree_sitter::Node;

use super::nodes::{children, identifier};
use crate::language::expression::{Argument, Expression};
use crate::source::Span;

/// The outermost form of the expression at `node`.
pub(super) fn classify(source: &str, node: Node<'_>) -> Expression {
    match node.kind() {
        "identifier" => Expression::Name(identifier(text(source, node)).into_owned()),
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

/// The form of a name or of dotted names, by the text alone.
pub(super) fn plain(source: &str, span: Span) -> Option<Expression> {
    let text = span.text(source);
    let is_name = |name: &str| {
        let mut chars = name.chars();
        chars
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !CONSTANTS.contains(&name)
    };
    let (object, name) = text
        .rsplit_once('.')
        .map_or((None, text), |(object, name)| (Some(object), name));
    if !is_name(name) || !object.is_none_or(|object| object.split('.').all(is_name)) {
        return None;
    }
    let name = identifier(name).into_owned();
    Some(match object {
        Some(object) => Expression::Attribute {
            object: Span::new(span.start, span.start + object.len()),
            name,
        },
        None => Expression::Name(name),
    })
}

/// Words that are values and no names.
const CONSTANTS: &[&str] = &["None", "True", "False"];

/// The arguments of an argument list, in order. A lone generator expression is one argument.
pub(super) fn arguments(source: &str, list: Node<'_>) -> Vec<Argument> {
    if list.kind() == "generator_expression" {
        return vec![Argument::Positional(list.into())];
    }
    children(list)
        .into_iter()
        .map(|child| match child.kind() {
            "keyword_argument" => match (field(child, "name"), field(child, "value")) {
                (Some(name), Some(value)) => Argument::Keyword {
                    name: identifier(name.text(source)).into_owned(),
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
fn plain_string(source: &str, node: Node<'_>) -> Option<String> {
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
    match children(node)[..] {
        [only] => Some(only),
        _ => None,
    }
}

fn attribute(source: &str, node: Node<'_>) -> Expression {
    match (field(node, "object"), field(node, "attribute")) {
        (Some(object), Some(name)) => Expression::Attribute {
            object,
            name: identifier(name.text(source)).into_owned(),
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
    let parts: Vec<Span> = children(node).into_iter().map(Span::from).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::python::nodes::expression_at;
    use crate::language::python::tests::Fixture;

    #[test]
    fn arguments_are_told_by_kind() {
        let (fixture, span) = Fixture::marked("f«(a, *b, k=1, # why\n  **d)»\n");
        let file = fixture.file();
        let list = expression_at(&file.tree, span).expect("a list");
        let found: Vec<String> = arguments(file.source, list)
            .into_iter()
            .map(|argument| {
                let kind = match &argument {
                    Argument::Positional(_) => "",
                    Argument::Keyword { name, .. } => name,
                    Argument::Spread(_) => "*",
                    Argument::KeywordSpread(_) => "**",
                };
                format!("{kind} {}", file.text(argument.value()))
            })
            .collect();
        assert_eq!(found, [" a", "* b", "k 1", "** d"]);
        let (fixture, span) = Fixture::marked("f«(a for a in b)»\n");
        let list = expression_at(&fixture.tree, span).expect("a generator");
        assert_eq!(arguments(&fixture.source, list).len(), 1);
    }

    /// The form of the expression between `«` and `»`, shown briefly.
    fn form(marked: &str) -> String {
        let (fixture, span) = Fixture::marked(marked);
        let file = fixture.file();
        let node = expression_at(&file.tree, span).expect("an expression");
        match classify(file.source, node) {
            Expression::Name(name) => format!("name {name}"),
            Expression::Attribute { object, name } => format!("{} . {name}", file.text(object)),
            Expression::Call { callee, arguments } => {
                format!("{} ({})", file.text(callee), arguments.len())
            }
            Expression::Same(span) => format!("same {}", file.text(span)),
            Expression::Either(spans) => {
                let texts: Vec<&str> = spans.iter().map(|span| file.text(*span)).collect();
                texts.join(" | ")
            }
            Expression::Null => "null".to_owned(),
            Expression::Mapping { entries, complete } => {
                format!("mapping {} {complete}", entries.len())
            }
            Expression::Index { object, key } => format!("{} [{key}]", file.text(object)),
            Expression::Literal => "literal".to_owned(),
            Expression::Other => "other".to_owned(),
        }
    }

    #[test]
    fn an_expression_has_one_outermost_form() {
        for (marked, expected) in [
            ("«a»\n", "name a"),
            ("«a.b.c»\n", "a.b . c"),
            ("«a.b(1, k=2)»\n", "a.b (2)"),
            ("«(  # why\n a)»\n", "same a"),
            ("«await a»\n", "same a"),
            ("x = («a := b»)\n", "same b"),
            ("«a if b else c»\n", "a | c"),
            ("«a or b»\n", "a | b"),
            ("«a and b»\n", "same b"),
            ("«None»\n", "null"),
            ("«{'a': 1, 'b': 2}»\n", "mapping 2 true"),
            ("«{'a': 1, **b, c: 2}»\n", "mapping 1 false"),
            ("«a['b']»\n", "a [b]"),
            ("«a[b]»\n", "other"),
            ("«'a'»\n", "literal"),
            ("«1»\n", "literal"),
            ("«lambda: a»\n", "other"),
        ] {
            assert_eq!(form(marked), expected, "{marked}");
        }
    }
}
