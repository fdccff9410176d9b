//! Which statements run, how often, and how a body is left: what proofs about rewrites stand on.
//!
//! Everything is conservative: `true` is proven, `false` is "not shown".

mod dominance;
mod fallible;
mod guards;
mod handlers;
#[cfg(test)]
mod tests;

use tree_sitter::{Node, Tree};

use super::forms::{resource_of, with_around};
use super::nodes::{begins_with, children, is_comprehension, is_function, own_nodes, path};
use super::statements::statements_of;
use crate::language::usage::Implied;
use crate::source::Span;

pub(super) use dominance::one_has_run;
pub(super) use fallible::{exits, fallible};
pub(super) use guards::{guard, known_present};
pub(super) use handlers::catches;

/// How deep the questions about nested statements look; below it nothing is shown.
const MAX_LEVELS: usize = 100;

/// The innermost loop around `span` that lies inside `outer` and runs `span` again and again.
///
/// A function that is defined in a loop counts as run in it. The iterable of a loop and its `else` run once.
pub(super) fn innermost_loop(tree: &Tree, span: Span, outer: Span) -> Option<Span> {
    let path = path(tree, span);
    let around = path.windows(2).enumerate().rev();
    around
        // A loop that is all of a body has the span of the body.
        .filter(|(_, pair)| outer.contains(pair[0].into()))
        .find(|(at, pair)| repeats(pair[0], pair[1], path.get(at + 2).copied()))
        .map(|(_, pair)| pair[0].into())
}

/// Whether `node` is a loop that runs `part`, one of its children, again and again. `inner` is the child of `part` that is asked for.
fn repeats<'t>(node: Node<'t>, part: Node<'t>, inner: Option<Node<'t>>) -> bool {
    let is = |field: &str| node.child_by_field_name(field) == Some(part);
    match node.kind() {
        "for_statement" => is("body") || is("left"),
        "while_statement" => is("body") || is("condition"),
        kind if is_comprehension(kind) => {
            let first = children(node)
                .into_iter()
                .find(|child| child.kind() == "for_in_clause");
            let iterable = first.and_then(|first| first.child_by_field_name("right"));
            first != Some(part) || inner.is_none() || iterable != inner
        }
        _ => false,
    }
}

/// The `raise` statements inside `body`; not those of nested functions.
pub(super) fn raises(tree: &Tree, body: Span) -> Vec<Span> {
    of_kind(tree, body, "raise_statement")
}

/// The `return` statements inside `body`; not those of nested functions.
pub(super) fn returns(tree: &Tree, body: Span) -> Vec<Span> {
    of_kind(tree, body, "return_statement")
}

/// The `break` and `continue` statements inside `body`; not those of nested functions.
pub(super) fn jumps(tree: &Tree, body: Span) -> Vec<Span> {
    let mut found = of_kind(tree, body, "break_statement");
    found.extend(of_kind(tree, body, "continue_statement"));
    found.sort_unstable();
    found
}

/// The `assert` statements inside `body`; not those of nested functions.
pub(super) fn asserts(tree: &Tree, body: Span) -> Vec<Span> {
    of_kind(tree, body, "assert_statement")
}

/// The `yield` expressions inside `body`; not those of nested functions.
pub(super) fn yields(tree: &Tree, body: Span) -> Vec<Span> {
    of_kind(tree, body, "yield")
}

/// The awaited expressions inside `body`; not those of nested functions.
pub(super) fn awaits(tree: &Tree, body: Span) -> Vec<Span> {
    of_kind(tree, body, "await")
}

/// What asynchronous loops, comprehensions and blocks inside `body` await; not those of nested functions.
pub(super) fn implied_awaits(tree: &Tree, body: Span) -> Vec<Implied> {
    let implied = |node: Node<'_>| match node.kind() {
        "for_statement" | "for_in_clause" if begins_with(node, "async") => {
            let value = node.child_by_field_name("right")?.into();
            let whole = match node.kind() {
                "for_statement" => Some(node),
                _ => path(tree, node.into())
                    .into_iter()
                    .rfind(|around| is_comprehension(around.kind())),
            };
            Some(Implied {
                value,
                whole: whole?.into(),
                is_resource: false,
            })
        }
        "with_item" => {
            let statement = with_around(tree, node).filter(|with| begins_with(*with, "async"))?;
            Some(Implied {
                value: resource_of(node)?.into(),
                whole: statement.into(),
                is_resource: true,
            })
        }
        _ => None,
    };
    own_nodes(tree, body)
        .into_iter()
        .filter_map(implied)
        .collect()
}

fn of_kind(tree: &Tree, body: Span, kind: &str) -> Vec<Span> {
    own_nodes(tree, body)
        .into_iter()
        .filter(|node| node.is_named() && node.kind() == kind)
        .map(Span::from)
        .collect()
}

fn is_block(node: Node<'_>) -> bool {
    matches!(node.kind(), "block" | "module")
}

/// The block of a clause; a block is its own.
fn own_block(clause: Node<'_>) -> Option<Node<'_>> {
    if clause.kind() == "block" {
        return Some(clause);
    }
    ["body", "consequence"]
        .iter()
        .find_map(|field| clause.child_by_field_name(field))
        .or_else(|| {
            children(clause)
                .into_iter()
                .find(|child| child.kind() == "block")
        })
}

/// Whether a block never runs to its end: every path returns, raises, breaks or continues.
fn leaves(block: Node<'_>, levels: usize) -> bool {
    statements_of(block)
        .into_iter()
        .any(|statement| statement_leaves(statement, levels))
}

/// Whether a statement never runs to its end. Looks `levels` deep into it.
pub(super) fn statement_leaves(statement: Node<'_>, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else {
        return false;
    };
    let clause_leaves =
        |clause: &Node<'_>| own_block(*clause).is_some_and(|block| leaves(block, levels));
    match statement.kind() {
        "return_statement" | "raise_statement" | "break_statement" | "continue_statement" => true,
        "if_statement" => {
            let parts = children(statement);
            parts.iter().any(|part| part.kind() == "else_clause")
                && parts
                    .iter()
                    .filter(|part| matches!(part.kind(), "block" | "elif_clause" | "else_clause"))
                    .all(clause_leaves)
        }
        "try_statement" => {
            let parts = children(statement);
            let of = |kinds: &'static [&'static str]| {
                parts
                    .iter()
                    .filter(move |part| kinds.contains(&part.kind()))
            };
            of(&["finally_clause"]).any(clause_leaves)
                || of(&["block", "else_clause"]).any(clause_leaves)
                    && of(&["except_clause"]).all(clause_leaves)
        }
        _ => false,
    }
}

/// Whether the body of a function may run to its end. What a `with` opens is taken to let every exception through.
pub(super) fn runs_to_end(tree: &Tree, body: Span) -> bool {
    let block = path(tree, body)
        .into_iter()
        .find(|node| Span::from(*node) == body && node.kind() == "block");
    block.is_some_and(|block| !is_left(block, MAX_LEVELS))
}

/// Whether a block is left before its end on every path, also out of `with` blocks and endless loops.
fn is_left(block: Node<'_>, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else {
        return false;
    };
    let clause = |part: &Node<'_>| own_block(*part).is_some_and(|block| is_left(block, levels));
    let leaves = |statement: Node<'_>| {
        let parts = children(statement);
        let of = |kinds: &'static [&'static str]| {
            let parts = parts.iter();
            parts.filter(move |part| kinds.contains(&part.kind()))
        };
        match statement.kind() {
            "with_statement" => clause(&statement),
            // Nothing but a jump ends it.
            "while_statement" => {
                let condition = statement.child_by_field_name("condition");
                let body = own_block(statement).map(|block| Jumps::of(block).breaks);
                condition.is_some_and(|condition| condition.kind() == "true") && body == Some(false)
            }
            "if_statement" => {
                of(&["else_clause"]).next().is_some()
                    && of(&["block", "elif_clause", "else_clause"]).all(clause)
            }
            "try_statement" => {
                of(&["finally_clause"]).any(clause)
                    || of(&["block", "else_clause"]).any(clause)
                        && of(&["except_clause"]).all(clause)
            }
            "match_statement" => {
                let cases = own_block(statement).map(children).unwrap_or_default();
                !cases.is_empty() && cases.iter().all(clause)
            }
            _ => statement_leaves(statement, levels),
        }
    };
    statements_of(block).into_iter().any(leaves)
}

/// The jumps out of a block that are no exceptions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Jumps {
    /// `return`
    returns: bool,
    /// `break` of a loop around the block
    breaks: bool,
    /// `continue` of a loop around the block
    continues: bool,
}

impl Jumps {
    fn of(block: Node<'_>) -> Self {
        let mut found = Self::default();
        let mut work = vec![(block, false)];
        while let Some((node, in_loop)) = work.pop() {
            match node.kind() {
                "return_statement" => found.returns = true,
                "break_statement" => found.breaks |= !in_loop,
                "continue_statement" => found.continues |= !in_loop,
                _ => {}
            }
            let is_loop = matches!(node.kind(), "for_statement" | "while_statement");
            work.extend(
                children(node)
                    .into_iter()
                    .filter(|child| !is_function(child.kind()))
                    // `break` in the `else` of a loop belongs to the loop around it.
                    .map(|child| (child, in_loop || is_loop && child.kind() != "else_clause")),
            );
        }
        found
    }

    fn any(self) -> bool {
        self.returns || self.breaks || self.continues
    }
}
