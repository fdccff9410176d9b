//! How Python code uses the value of a name.

use tree_sitter::{Node, Tree};

use crate::language::python::expression::arguments;
use crate::language::usage::{Manner, MethodCall, Usage};
use crate::source::Span;

/// How the expression at `span` is used by its surroundings.
pub fn usage(source: &str, tree: &Tree, span: Span) -> Usage {
    let Some(mut node) = tree
        .root_node()
        .descendant_for_byte_range(span.start, span.end)
    else {
        return Usage::Other;
    };
    while let Some(parent) = node.parent() {
        if let Some(usage) = by(source, parent, node) {
            return usage;
        }
        node = parent;
    }
    Usage::Other
}

/// What `parent` does with `child`; `None` where it hands the value on to its own parent.
fn by(source: &str, parent: Node<'_>, child: Node<'_>) -> Option<Usage> {
    let is = |field: &str| parent.child_by_field_name(field) == Some(child);
    Some(match parent.kind() {
        "parenthesized_expression" | "named_expression" if !is("name") => match parent.kind() {
            // The walrus gives it a further name.
            "named_expression" => Usage::Aliased,
            _ => return None,
        },
        "attribute" if is("object") => attribute(source, parent),
        "call" if is("function") => Usage::Called,
        "argument_list" | "keyword_argument" | "list_splat" | "dictionary_splat" => {
            argument(parent)?
        }
        "return_statement" => Usage::Returned,
        "yield" => Usage::Yielded,
        "await" => Usage::Awaited,
        "assignment" if is("right") => assigned(parent),
        "augmented_assignment" => Usage::Other,
        "delete_statement" => Usage::Deleted,
        "comparison_operator" | "not_operator" | "assert_statement" => Usage::Tested,
        // `a or b` is one of both.
        "boolean_operator" => return None,
        "if_statement" | "elif_clause" | "while_statement" if is("condition") => Usage::Tested,
        "interpolation" | "format_expression" => Usage::Interpolated,
        "list" | "tuple" | "set" | "dictionary" | "pair" | "expression_list" => stored(parent),
        "with_item" => Usage::Entered,
        "as_pattern" if parent.named_child(0) == Some(child) => Usage::Entered,
        "conditional_expression" if parent.named_child(1) == Some(child) => Usage::Tested,
        "conditional_expression" => return None,
        "subscript" if is("value") => Usage::Other,
        "expression_statement" => Usage::Tested,
        _ => Usage::Other,
    })
}

/// A display that is returned or yielded hands out what it holds.
fn stored(display: Node<'_>) -> Usage {
    match display.parent().map(|parent| parent.kind()) {
        Some("return_statement") => Usage::Returned,
        Some("yield") => Usage::Yielded,
        _ => Usage::Stored,
    }
}

fn assigned(assignment: Node<'_>) -> Usage {
    match assignment
        .child_by_field_name("left")
        .map(|left| left.kind())
    {
        Some("attribute" | "subscript") => Usage::Stored,
        _ => Usage::Aliased,
    }
}

fn argument(node: Node<'_>) -> Option<Usage> {
    let mut list = node;
    while list.kind() != "argument_list" {
        list = list.parent()?;
        if !matches!(
            list.kind(),
            "argument_list" | "keyword_argument" | "list_splat" | "dictionary_splat"
        ) {
            return Some(Usage::Stored);
        }
    }
    let call = list.parent()?;
    // Bases and keywords of a class statement are an argument list too.
    let callee = call.child_by_field_name("function");
    Some(callee.map_or(Usage::Other, |callee| Usage::Argument {
        call: call.into(),
        callee: callee.into(),
    }))
}

fn attribute(source: &str, attribute: Node<'_>) -> Usage {
    let name = attribute.child_by_field_name("attribute");
    let name = name.map_or(String::new(), |name| {
        Span::from(name).text(source).to_owned()
    });
    let Some(parent) = attribute.parent() else {
        return Usage::AttributeRead { name };
    };
    let field = |field: &str| parent.child_by_field_name(field) == Some(attribute);
    match parent.kind() {
        "call" if field("function") => {
            Usage::MethodCall(method_call(source, parent, attribute, name))
        }
        "assignment" | "augmented_assignment" if field("left") => Usage::AttributeWrite { name },
        "delete_statement" => Usage::AttributeWrite { name },
        _ => Usage::AttributeRead { name },
    }
}

fn method_call(source: &str, call: Node<'_>, callee: Node<'_>, method: String) -> MethodCall {
    let arguments = call
        .child_by_field_name("arguments")
        .map(|list| arguments(source, list))
        .unwrap_or_default();
    let mut outer = call;
    while let Some(parent) = outer
        .parent()
        .filter(|parent| parent.kind() == "parenthesized_expression")
    {
        outer = parent;
    }
    let parent = outer.parent();
    let manner = match parent.map(|parent| parent.kind()) {
        Some("await") => Manner::Awaited,
        Some("with_item") => Manner::Entered,
        Some("as_pattern") => match parent
            .and_then(|parent| parent.parent())
            .map(|item| item.kind())
        {
            Some("with_item") => Manner::Entered,
            _ => Manner::Plain,
        },
        Some("for_statement" | "for_in_clause")
            if parent.and_then(|parent| parent.child_by_field_name("right")) == Some(outer) =>
        {
            Manner::Iterated
        }
        _ => Manner::Plain,
    };
    let whole = match (manner, parent) {
        (Manner::Awaited, Some(parent)) => parent.into(),
        _ => call.into(),
    };
    MethodCall {
        method,
        callee: callee.into(),
        call: call.into(),
        whole,
        arguments,
        manner,
    }
}
