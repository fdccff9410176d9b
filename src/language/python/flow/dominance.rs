//! Which statements have surely run where another is reached.

use tree_sitter::{Node, Tree};

use super::{MAX_LEVELS, is_block, leaves, own_block};
use crate::language::python::nodes::{children, is_function, path, unparenthesised};
use crate::language::python::statements::statements_of;
use crate::source::Span;

/// Whether the bindings of one of the statements at `earlier` are made on every path that reaches `later`, all in one function.
///
/// A statement that binds in one branch or in a loop body does not dominate what follows, except where every other branch leaves or binds,
/// too. Of a `with`, `for` or `if` only the names that its header surely binds count: the targets of `as`, the target of the loop inside of its
/// body, a `:=` that is evaluated first.
pub(in crate::language::python) fn one_has_run(tree: &Tree, earlier: &[Span], later: Span) -> bool {
    let path = path(tree, later);
    let function = path
        .iter()
        .rposition(|node| is_function(node.kind()) && Span::from(*node) != later)
        .unwrap_or(0);
    path[function..].windows(2).any(|pair| {
        let [around, part] = pair else { return false };
        if earlier.contains(&Span::from(*around)) && binds_before(*around, *part) {
            return true;
        }
        is_block(*around)
            && statements_of(*around)
                .into_iter()
                .take_while(|before| before.end_byte() <= part.start_byte())
                .any(|before| runs_one(before, earlier, MAX_LEVELS))
    })
}

/// Whether `part` of a statement runs after what the statement's header binds.
fn binds_before(statement: Node<'_>, part: Node<'_>) -> bool {
    let is = |field: &str| statement.child_by_field_name(field) == Some(part);
    match statement.kind() {
        "with_statement" | "for_statement" | "function_definition" | "lambda" => is("body"),
        "if_statement" => !is("condition") && binds_first(statement),
        "while_statement" => is("body") && binds_first(statement),
        _ => false,
    }
}

/// Whether control that leaves `statement` at its end has made the bindings of one of the statements at `earlier`.
fn runs_one(statement: Node<'_>, earlier: &[Span], levels: usize) -> bool {
    let span = Span::from(statement);
    let Some(levels) = levels.checked_sub(1) else {
        return false;
    };
    if !earlier.iter().any(|one| span.contains(*one)) {
        return false;
    }
    if earlier.contains(&span) {
        return binds_by_header(statement);
    }
    let runs = |clause: &Node<'_>| {
        own_block(*clause).is_some_and(|block| {
            statements_of(block)
                .into_iter()
                .any(|inner| runs_one(inner, earlier, levels))
        })
    };
    let leaves_or_runs = |clause: &Node<'_>| {
        own_block(*clause).is_some_and(|block| leaves(block, levels)) || runs(clause)
    };
    let parts = children(statement);
    let of = |kinds: &'static [&'static str]| {
        parts
            .iter()
            .filter(move |part| kinds.contains(&part.kind()))
    };
    match statement.kind() {
        "decorated_definition" => parts
            .iter()
            .any(|part| earlier.contains(&Span::from(*part))),
        "try_statement" => {
            of(&["finally_clause"]).any(runs)
                || of(&["block", "else_clause"]).any(runs)
                    && of(&["except_clause"]).all(leaves_or_runs)
        }
        "if_statement" => {
            of(&["else_clause"]).next().is_some()
                && of(&["block", "elif_clause", "else_clause"]).all(leaves_or_runs)
        }
        _ => false,
    }
}

/// Whether a statement has bound what its header binds, or all that it binds if it has none, when it is done.
fn binds_by_header(statement: Node<'_>) -> bool {
    match statement.kind() {
        "for_statement" | "try_statement" | "match_statement" => false,
        "if_statement" | "while_statement" => binds_first(statement),
        _ => true,
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
