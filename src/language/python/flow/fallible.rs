//! Expressions that raise where their operands do not fit: what proofs about errors look at besides `raise`.
//!
//! Nearly every expression can raise; these are the ones that do so for values that programs meet: a key that is not there, a divisor that
//! is nought, a text that is no number.

use tree_sitter::Node;

use crate::language::Code;
use crate::language::python::imports::qualified;
use crate::language::python::nodes::{children, own_nodes, unparenthesised};
use crate::language::python::standard_library;
use crate::language::usage::{Fallible, Risk};
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

/// Functions of one collection that raise where it is empty.
const CHOICES: [&str; 2] = ["max", "min"];

/// Methods that take something out of a collection, or look for it there, and raise where it is not in it.
const REMOVALS: [&str; 4] = ["remove", "pop", "popitem", "index"];

/// The expressions inside `body` that raise for values which do not fit; not those of nested functions.
pub(in crate::language::python) fn fallible(code: &Code<'_>, body: Span) -> Vec<Fallible> {
    own_nodes(&code.tree, body)
        .into_iter()
        .filter_map(|node| fault(code, node))
        .collect()
}

/// The calls inside `body` that end the program; not those of nested functions.
pub(in crate::language::python) fn exits(code: &Code<'_>, body: Span) -> Vec<Span> {
    let ends = |node: &Node<'_>| {
        let callee = node.child_by_field_name("function");
        callee.is_some_and(|callee| {
            if let Some(name) = qualified(code, callee) {
                ["sys.exit", "os._exit", "os.abort"].contains(&name.as_str())
            } else {
                let text = code.text(callee.into());
                let reference = code.reference_at(callee.into());
                ["exit", "quit"].contains(&text)
                    && reference.is_some_and(|reference| reference.target.is_none())
            }
        })
    };
    own_nodes(&code.tree, body)
        .into_iter()
        .filter(|node| node.kind() == "call")
        .filter(ends)
        .map(Span::from)
        .collect()
}

fn fault(code: &Code<'_>, node: Node<'_>) -> Option<Fallible> {
    let text = |node: Node<'_>| code.text(node.into());
    let at_node = |risk| {
        Some(Fallible {
            span: node.into(),
            risk,
        })
    };
    match node.kind() {
        // A slice is cut to what there is.
        "subscript" => {
            let mut cursor = node.walk();
            let mut keys = node.children_by_field_name("subscript", &mut cursor);
            let looked_up = keys.all(|key| key.kind() != "slice") && is_evaluated(node);
            looked_up.then_some(()).and_then(|()| at_node(Risk::Lookup))
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
            let divides = matches!(operator, "/" | "//" | "%") && !formats && !constant;
            divides.then_some(()).and_then(|()| at_node(Risk::Division))
        }
        "call" => call(code, node).and_then(at_node),
        "assignment" => {
            let (left, right) = (
                node.child_by_field_name("left")?,
                unparenthesised(node.child_by_field_name("right")?),
            );
            let names = parts_of(left)?;
            let fits = matches!(right.kind(), "tuple" | "list" | "expression_list")
                && children(right).len() == names
                && !children(right)
                    .iter()
                    .any(|part| part.kind() == "list_splat");
            (!fits).then_some(Fallible {
                span: right.into(),
                risk: Risk::Unpacking(names),
            })
        }
        "import_statement" | "import_from_statement" if !of_python(code, node) => {
            at_node(Risk::Import)
        }
        _ => None,
    }
}

fn call(code: &Code<'_>, node: Node<'_>) -> Option<Risk> {
    let callee = node.child_by_field_name("function")?;
    let text = code.text(callee.into());
    let last = text.rsplit('.').next().unwrap_or(text);
    let is_method = callee.kind() == "attribute";
    let arguments = node.child_by_field_name("arguments").map(children);
    let arguments = arguments.unwrap_or_default();
    let is_literal =
        |argument: &Node<'_>| matches!(argument.kind(), "integer" | "float" | "string");
    // `next(rows, None)` has an answer where there is nothing left.
    let answers = last == "next" && arguments.len() > 1;
    let constant = arguments.iter().all(is_literal);
    let converts = CONVERSIONS.contains(&last) && !constant && !answers;
    let chooses = CHOICES.contains(&last) && !is_method && arguments.len() == 1;
    // `values.pop(key, None)` has an answer, too.
    let removes = REMOVALS.contains(&last) && is_method && arguments.len() < 2;
    if converts || chooses || removes {
        return Some(Risk::Conversion);
    }
    let spreads = arguments
        .iter()
        .any(|argument| argument.kind() == "dictionary_splat");
    spreads.then_some(Risk::Arguments)
}

/// How many names the parts of a value get; nothing where it gets one name, or where what is left over is collected.
fn parts_of(left: Node<'_>) -> Option<usize> {
    let is_pattern = matches!(
        left.kind(),
        "pattern_list" | "tuple_pattern" | "list_pattern"
    );
    is_pattern.then(|| children(left).len())
}

/// Whether an import is of the modules that come with Python.
fn of_python(code: &Code<'_>, statement: Node<'_>) -> bool {
    let here = Span::from(statement);
    let mut imports = code.model.imports.iter();
    imports.all(|import| {
        !here.contains(import.span) || import.level == 0 && standard_library::has(&import.module)
    })
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
