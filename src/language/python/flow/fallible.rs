//! Expressions that raise where their operands do not fit: what proofs about errors look at besides `raise`.
//!
//! Nearly every expression can raise; these are the ones that do so for values that programs meet: a key that is not there, a divisor that
//! is nought, a text that is no number.

use tree_sitter::Node;

use crate::language::Code;
use crate::language::python::nodes::{children, own_nodes};
use crate::source::Span;

/// Functions and methods that read a value out of a text, or one out of many, and raise where there is none.
const CONVERSIONS: [&str; 12] = [
    "int",
    "float",
    "complex",
    "Decimal",
    "Fraction",
    "UUID",
    "loads",
    "strptime",
    "fromisoformat",
    "model_validate",
    "parse_obj",
    "next",
];

/// The expressions inside `body` that raise for values which do not fit; not those of nested functions.
pub(in crate::language::python) fn fallible(code: &Code<'_>, body: Span) -> Vec<Span> {
    own_nodes(&code.tree, body)
        .into_iter()
        .filter(|node| may_raise(code, *node))
        .map(Span::from)
        .collect()
}

fn may_raise(code: &Code<'_>, node: Node<'_>) -> bool {
    let text = |node: Node<'_>| code.text(node.into());
    match node.kind() {
        // A slice is cut to what there is.
        "subscript" => {
            let mut cursor = node.walk();
            let mut keys = node.children_by_field_name("subscript", &mut cursor);
            keys.all(|key| key.kind() != "slice") && is_evaluated(node)
        }
        "binary_operator" => {
            let part = |field| node.child_by_field_name(field);
            let operator = part("operator").map(text).unwrap_or_default();
            let formats = operator == "%"
                && part("left")
                    .is_some_and(|left| matches!(left.kind(), "string" | "concatenated_string"));
            let by_number = part("right")
                .is_some_and(|right| text(right).contains(|digit| ('1'..='9').contains(&digit)));
            let constant = part("right")
                .is_some_and(|right| matches!(right.kind(), "integer" | "float"))
                && by_number;
            matches!(operator, "/" | "//" | "%") && !formats && !constant
        }
        "call" => {
            let callee = node.child_by_field_name("function").map(text);
            let last = callee.and_then(|callee| callee.rsplit('.').next());
            let arguments = node.child_by_field_name("arguments").map(children);
            let arguments = arguments.unwrap_or_default();
            // `next(rows, None)` has an answer where there is nothing left.
            let answered = last == Some("next") && arguments.len() > 1;
            let is_literal =
                |argument: &Node<'_>| matches!(argument.kind(), "integer" | "float" | "string");
            last.is_some_and(|last| CONVERSIONS.contains(&last))
                && !arguments.is_empty()
                && !arguments.iter().all(is_literal)
                && !answered
        }
        _ => false,
    }
}

/// Whether a subscript is looked up: it is no part of an annotation, and nothing is put there.
fn is_evaluated(node: Node<'_>) -> bool {
    let mut inner = node;
    while let Some(around) = inner.parent() {
        let is = |field: &str| around.child_by_field_name(field) == Some(inner);
        match around.kind() {
            "type" => return false,
            "assignment" => return !is("left"),
            "delete_statement" => return true,
            kind if kind.ends_with("_statement") || kind == "block" => return true,
            _ => inner = around,
        }
    }
    true
}
