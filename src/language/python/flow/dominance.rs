//! Which statements have surely run where another is reached.

use tree_sitter::{Node, Tree};

use super::{MAX_LEVELS, is_block, leaves, own_block};
use crate::language::python::nodes::{children, is_function, is_statement, path, unparenthesised};
use crate::source::Span;

/// Whether the bindings of the statement at `earlier` are made on every path that reaches `later`, both in one function.
///
/// A statement that binds in one branch or in a loop body does not dominate what follows, except where every other branch leaves. Of a
/// `with`, `for` or `if` only the names that its header surely binds count: the targets of `as`, the target of the loop inside of its body, a
/// `:=` that is evaluated first.
pub(in crate::language::python) fn dominates(tree: &Tree, earlier: Span, later: Span) -> bool {
    let to_site = path(tree, later);
    let to_binding = path(tree, earlier);
    let Some(statement) = to_binding.iter().position(|node| {
        Span::from(*node) == earlier && (is_statement(node.kind()) || is_function(node.kind()))
    }) else {
        return false;
    };
    let common = to_site
        .iter()
        .zip(&to_binding[..=statement])
        .take_while(|(one, other)| one == other)
        .count();
    let runs_later = |from: usize| to_site[from..].iter().any(|node| is_function(node.kind()));
    if common > statement {
        // The site is inside of the binding statement itself.
        return inside(&to_site[statement..]) && !runs_later(statement + 1);
    }
    let Some(block) = common.checked_sub(1) else {
        return false;
    };
    let (Some(before), Some(after)) = (to_binding.get(common), to_site.get(common)) else {
        return false;
    };
    is_block(to_site[block])
        && before.end_byte() <= after.start_byte()
        && !runs_later(common)
        && completed(&to_binding[common..=statement])
}

/// Whether a site inside of a statement runs after what its header binds. `path` leads from the statement to the site.
fn inside(path: &[Node<'_>]) -> bool {
    let (Some(statement), Some(part)) = (path.first(), path.get(1)) else {
        return false;
    };
    let is = |field: &str| statement.child_by_field_name(field) == Some(*part);
    match statement.kind() {
        "with_statement" | "for_statement" | "function_definition" | "lambda" => is("body"),
        "if_statement" => !is("condition") && binds_first(*statement),
        "while_statement" => is("body") && binds_first(*statement),
        _ => false,
    }
}

/// Whether what the last statement of `path` binds is bound when its first one is done. `path` leads from the one to the other.
fn completed(path: &[Node<'_>]) -> bool {
    let Some(binding) = path.last() else {
        return false;
    };
    let by_header = match binding.kind() {
        "for_statement" | "try_statement" | "match_statement" | "lambda" => false,
        "if_statement" | "while_statement" => binds_first(*binding),
        _ => true,
    };
    by_header
        && path.windows(2).all(|pair| match pair {
            [outer, inner] => !is_statement(outer.kind()) || always_taken(*outer, *inner),
            _ => false,
        })
}

/// Whether control that leaves `statement` at its end has gone through `part` of it.
fn always_taken(statement: Node<'_>, part: Node<'_>) -> bool {
    let others_leave = |kinds: &[&str]| {
        children(statement)
            .into_iter()
            .filter(|child| *child != part && kinds.contains(&child.kind()))
            .all(|child| own_block(child).is_some_and(|block| leaves(block, MAX_LEVELS)))
    };
    match statement.kind() {
        "decorated_definition" => true,
        "try_statement" => match part.kind() {
            "finally_clause" => true,
            "block" | "else_clause" => others_leave(&["except_clause"]),
            _ => false,
        },
        "if_statement" => {
            let has_else = children(statement)
                .iter()
                .any(|child| child.kind() == "else_clause");
            has_else && others_leave(&["block", "elif_clause", "else_clause"])
        }
        _ => false,
    }
}

/// Whether the condition evaluates a `:=` whatever its outcome.
fn binds_first(statement: Node<'_>) -> bool {
    let Some(mut node) = statement.child_by_field_name("condition") else {
        return false;
    };
    loop {
        node = unparenthesised(node);
        let next = match node.kind() {
            "named_expression" => return true,
            "not_operator" => node.child_by_field_name("argument"),
            "boolean_operator" => node.child_by_field_name("left"),
            "comparison_operator" => node.named_child(0),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return false,
        }
    }
}
