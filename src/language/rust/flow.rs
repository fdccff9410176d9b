//! What runs before what, and where a function can be left.
//!
//! Nothing catches a panic here, and an error is a value: it leaves by `?`, so nothing in Rust is a handler of exceptions.

use tree_sitter::{Node, Tree};

use super::nodes::{children, is_function, is_statement, own_nodes, path};
use crate::source::Span;

/// Macros that end the function by a panic, whatever they are given.
const PANICS: [&str; 4] = ["panic", "todo", "unimplemented", "unreachable"];
/// Macros that end it where what they are given does not hold.
const ASSERTS: [&str; 4] = ["assert", "assert_eq", "assert_ne", "ensure"];

/// Whether one of the statements at `earlier` has run whenever `later` is reached.
///
/// One that stands in a block around `later` and before it has; what would take more to know has not.
pub(super) fn one_has_run(tree: &Tree, earlier: &[Span], later: Span) -> bool {
    let path = path(tree, later);
    let inner = path
        .iter()
        .rposition(|node| is_function(node.kind()) && Span::from(*node) != later)
        .unwrap_or(0);
    path[inner..].windows(2).any(|pair| {
        let [block, on_path] = pair else { return false };
        let mut cursor = block.walk();
        matches!(block.kind(), "block" | "source_file")
            && block
                .named_children(&mut cursor)
                .take_while(|child| child != on_path)
                .any(|child| is_statement(*block, child) && earlier.contains(&Span::from(child)))
    })
}

/// The innermost loop around `span` that lies inside `outer`.
pub(super) fn innermost_loop(tree: &Tree, span: Span, outer: Span) -> Option<Span> {
    path(tree, span).windows(2).rev().find_map(|pair| {
        let [node, inner] = pair else { return None };
        let runs_again = match node.kind() {
            "loop_expression" | "while_expression" => true,
            // What is handed a closure may call it for each of many.
            "for_expression" | "closure_expression" => {
                node.child_by_field_name("body") == Some(*inner)
            }
            _ => false,
        };
        let span = Span::from(*node);
        (runs_again && outer.contains(span) && span != outer).then_some(span)
    })
}

/// The expressions inside `body` that leave the function with an error: `?`, `return Err(…)`, panics, `bail!`.
pub(super) fn raises(source: &str, tree: &Tree, body: Span) -> Vec<Span> {
    let text = |node: Node<'_>| Span::from(node).text(source);
    let raises = |node: &Node<'_>| match node.kind() {
        "try_expression" => true,
        "return_expression" => children(*node)
            .first()
            .is_some_and(|value| text(*value).starts_with("Err(")),
        "macro_invocation" => {
            let name = macro_name(source, *node);
            PANICS.contains(&name) || name == "bail"
        }
        _ => false,
    };
    own_nodes(tree, body)
        .into_iter()
        .filter(raises)
        .map(Span::from)
        .collect()
}

/// The macros inside `body` that end the function where what they claim does not hold.
pub(super) fn asserts(source: &str, tree: &Tree, body: Span) -> Vec<Span> {
    own_nodes(tree, body)
        .into_iter()
        .filter(|node| {
            node.kind() == "macro_invocation" && ASSERTS.contains(&macro_name(source, *node))
        })
        .map(Span::from)
        .collect()
}

fn macro_name<'s>(source: &'s str, node: Node<'_>) -> &'s str {
    let name = node.child_by_field_name("macro");
    let text = name.map_or("", |name| Span::from(name).text(source));
    text.rsplit("::").next().unwrap_or(text)
}

/// The awaited expressions inside `body`.
pub(super) fn awaits(tree: &Tree, body: Span) -> Vec<Span> {
    own_nodes(tree, body)
        .into_iter()
        .filter(|node| node.kind() == "await_expression")
        .map(Span::from)
        .collect()
}

/// The expressions inside `body` at which a function hands over and goes on later (`yield` of a generator).
pub(super) fn yields(tree: &Tree, body: Span) -> Vec<Span> {
    own_nodes(tree, body)
        .into_iter()
        .filter(|node| node.kind() == "yield_expression")
        .map(Span::from)
        .collect()
}
