//! Which statements are surely executed before which, and how a body can be left: what proofs about rewrites stand on.
//!
//! Everything is conservative: `true` is proven, `false` is "not shown".

mod guards;
mod handlers;
#[cfg(test)]
mod tests;

use tree_sitter::Node;

use super::PythonFile;
use super::nodes::{
    begins_with, children, expression_at, is_comprehension, is_function, is_statement, node_at,
    path, unparenthesised,
};
use crate::source::Span;

pub use guards::{Guard, GuardKind, guard, guard_after};
pub use handlers::{Handler, Try, tries_around, try_at};

/// How deep the questions about nested statements look; below it nothing is shown.
const MAX_LEVELS: usize = 100;

/// The innermost statement around `span`. A decorated definition is one statement with its decorators.
pub fn statement_of(file: &PythonFile<'_>, span: Span) -> Option<Span> {
    let path = path(file.tree, span);
    let at = path.iter().rposition(|node| is_statement(node.kind()))?;
    let decorated = at
        .checked_sub(1)
        .is_some_and(|above| path[above].kind() == "decorated_definition");
    Some(path[at - usize::from(decorated)].into())
}

/// The block (or the module) that the statement stands in.
pub fn block_of(file: &PythonFile<'_>, statement: Span) -> Option<Span> {
    let path = path(file.tree, statement);
    let at = path
        .iter()
        .position(|node| is_statement(node.kind()) && Span::from(*node) == statement)?;
    Some(path.get(at.checked_sub(1)?)?.to_owned().into())
}

/// The statements of a block or of the module, in order; comments are none.
pub fn statements_in(file: &PythonFile<'_>, block: Span) -> Vec<Span> {
    let root = file.tree.root_node();
    let node = if Span::from(root) == block || block == Span::new(0, file.source.len()) {
        Some(root)
    } else {
        node_at(file.tree, block, |kind| kind == "block")
    };
    node.map(statements)
        .unwrap_or_default()
        .into_iter()
        .map(Span::from)
        .collect()
}

/// The statement that follows in the same block.
pub fn next_statement(file: &PythonFile<'_>, statement: Span) -> Option<Span> {
    siblings(file, statement)?
        .into_iter()
        .find(|other| other.start >= statement.end)
}

/// The statement before it in the same block.
pub fn previous_statement(file: &PythonFile<'_>, statement: Span) -> Option<Span> {
    siblings(file, statement)?
        .into_iter()
        .rev()
        .find(|other| other.end <= statement.start)
}

fn siblings(file: &PythonFile<'_>, statement: Span) -> Option<Vec<Span>> {
    Some(statements_in(file, block_of(file, statement)?))
}

fn statements(block: Node<'_>) -> Vec<Node<'_>> {
    children(block)
        .into_iter()
        .filter(|child| is_statement(child.kind()))
        .collect()
}

fn is_block(node: Node<'_>) -> bool {
    matches!(node.kind(), "block" | "module")
}

/// Whether the bindings of `binding_statement` are made on every path that reaches `site`, both in one function.
///
/// A statement that binds in one branch or in a loop body does not dominate what follows, except where every other branch leaves. Of a
/// `with`, `for` or `if` only the names that its header surely binds count: the targets of `as`, the target of the loop inside of its body, a
/// `:=` that is evaluated first.
pub fn dominates(file: &PythonFile<'_>, binding_statement: Span, site: Span) -> bool {
    let to_site = path(file.tree, site);
    let to_binding = path(file.tree, binding_statement);
    let Some(statement) = to_binding.iter().position(|node| {
        Span::from(*node) == binding_statement
            && (is_statement(node.kind()) || is_function(node.kind()))
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

/// A way to leave a body before its end, or to pause in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitKind {
    /// `return`
    Return,
    /// `raise`
    Raise,
    /// `break` out of a loop around the body
    Break,
    /// `continue` of a loop around the body
    Continue,
    /// `yield`
    Yield,
    /// `await`, `async with`, `async for`
    Await,
}

/// One place where a body is left or paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How.
    pub kind: ExitKind,
    /// The statement or expression.
    pub span: Span,
}

/// Where `body` can be left early or paused, in source order; nested functions and lambdas are not part of it.
pub fn exits(file: &PythonFile<'_>, body: Span) -> Vec<Exit> {
    let mut found = Vec::new();
    let mut work: Vec<_> = path(file.tree, body)
        .last()
        .map(|root| (*root, false))
        .into_iter()
        .collect();
    while let Some((node, in_loop)) = work.pop() {
        if is_function(node.kind()) && body.contains(node.into()) {
            continue;
        }
        let is_async = begins_with(node, "async");
        let kind = match node.kind() {
            "return_statement" => Some(ExitKind::Return),
            "raise_statement" => Some(ExitKind::Raise),
            "break_statement" if !in_loop => Some(ExitKind::Break),
            "continue_statement" if !in_loop => Some(ExitKind::Continue),
            "yield" => Some(ExitKind::Yield),
            "await" => Some(ExitKind::Await),
            "with_statement" | "for_statement" | "for_in_clause" if is_async => {
                Some(ExitKind::Await)
            }
            _ => None,
        };
        let span = Span::from(node);
        if let (Some(kind), true) = (kind, body.contains(span)) {
            found.push(Exit { kind, span });
        }
        let is_loop = matches!(node.kind(), "for_statement" | "while_statement")
            && body.contains(node.into());
        for child in children(node) {
            if body.overlaps(child.into()) {
                // `break` in the `else` of a loop belongs to the loop around it.
                let own = is_loop && child.kind() != "else_clause";
                work.push((child, in_loop || own));
            }
        }
    }
    found.sort_by_key(|exit| exit.span);
    found
}

/// The outermost node with this span that is a body.
fn widest<'t>(file: &PythonFile<'t>, body: Span) -> Option<Node<'t>> {
    node_at(file.tree, body, is_body).or_else(|| expression_at(file.tree, body))
}

fn is_body(kind: &str) -> bool {
    kind == "block" || kind == "module" || is_statement(kind)
}

/// Whether `body` never runs to its end: every path returns, raises, breaks or continues.
pub fn always_leaves(file: &PythonFile<'_>, body: Span) -> bool {
    widest(file, body).is_some_and(|node| {
        if is_block(node) {
            leaves(node, MAX_LEVELS)
        } else {
            statement_leaves(node, MAX_LEVELS)
        }
    })
}

fn leaves(block: Node<'_>, levels: usize) -> bool {
    let statements = statements(block);
    statements
        .iter()
        .any(|statement| statement_leaves(*statement, levels))
}

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

/// What a loop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopKind {
    /// `for`
    For,
    /// `async for`
    AsyncFor,
    /// `while`
    While,
    /// A comprehension or generator expression.
    Comprehension,
}

/// A loop around a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loop {
    /// What it is.
    pub kind: LoopKind,
    /// The whole statement or expression.
    pub span: Span,
}

/// The innermost loop of the same function that executes `site` again and again.
pub fn enclosing_loop(file: &PythonFile<'_>, site: Span) -> Option<Loop> {
    let path = path(file.tree, site);
    let function = path
        .iter()
        .rposition(|node| is_function(node.kind()) && Span::from(*node) != site);
    let inside = &path[function.unwrap_or(0)..];
    inside.windows(2).enumerate().rev().find_map(|(at, pair)| {
        let [node, part] = pair else { return None };
        let is = |field: &str| node.child_by_field_name(field) == Some(*part);
        let kind = match node.kind() {
            "for_statement" if is("body") || is("left") => {
                if begins_with(*node, "async") {
                    LoopKind::AsyncFor
                } else {
                    LoopKind::For
                }
            }
            "while_statement" if is("body") || is("condition") => LoopKind::While,
            kind if is_comprehension(kind) => {
                // The first iterable is evaluated once.
                let first = children(*node)
                    .into_iter()
                    .find(|child| child.kind() == "for_in_clause");
                let iterable = inside.get(at + 2).copied();
                let once = first == Some(*part)
                    && iterable.is_some()
                    && first.and_then(|first| first.child_by_field_name("right")) == iterable;
                if once {
                    return None;
                }
                LoopKind::Comprehension
            }
            _ => return None,
        };
        Some(Loop {
            kind,
            span: (*node).into(),
        })
    })
}

/// Whether a block holds a `return`, or a `break` or `continue` of a loop around it.
fn has_other_exit(block: Node<'_>) -> bool {
    let mut work = vec![(block, false)];
    while let Some((node, in_loop)) = work.pop() {
        match node.kind() {
            "return_statement" => return true,
            "break_statement" | "continue_statement" if !in_loop => return true,
            _ => {}
        }
        let is_loop = matches!(node.kind(), "for_statement" | "while_statement");
        work.extend(
            children(node)
                .into_iter()
                .filter(|child| !is_function(child.kind()))
                .map(|child| (child, in_loop || is_loop && child.kind() != "else_clause")),
        );
    }
    false
}
