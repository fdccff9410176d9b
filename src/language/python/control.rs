//! What Python's statements do with control: order, loops, exceptions, guards. Conservative: what is not certain is not claimed.

use tree_sitter::{Node, Tree};

use crate::language::usage::{Catch, Guard};
use crate::source::Span;

/// The node kinds that open a function's own flow.
const FUNCTIONS: [&str; 2] = ["function_definition", "lambda"];

/// The innermost statement around `span`.
pub fn statement(tree: &Tree, span: Span) -> Option<Span> {
    statement_node(tree, span).map(Span::from)
}

fn statement_node(tree: &Tree, span: Span) -> Option<Node<'_>> {
    let mut node = tree
        .root_node()
        .descendant_for_byte_range(span.start, span.end)?;
    loop {
        let parent = node.parent()?;
        if is_block(parent) {
            return Some(node);
        }
        node = parent;
    }
}

fn is_block(node: Node<'_>) -> bool {
    matches!(node.kind(), "block" | "module")
}

/// Whether the statement at `earlier` has run whenever `later` is reached: it stands before it in the same block, or in a block around it
/// within the same function; or it is the `with` or `for` statement around it.
pub fn dominates(tree: &Tree, earlier: Span, later: Span) -> bool {
    let Some(first) = statement_node(tree, earlier) else {
        return false;
    };
    let Some(block) = first.parent() else {
        return false;
    };
    let Some(mut node) = tree
        .root_node()
        .descendant_for_byte_range(later.start, later.end)
    else {
        return false;
    };
    loop {
        if node == first {
            // Inside the statement itself: the target of a `with` or `for` is bound before the body runs.
            let body = first.child_by_field_name("body");
            return matches!(first.kind(), "with_statement" | "for_statement")
                && body.is_some_and(|body| Span::from(body).contains(later));
        }
        let Some(parent) = node.parent() else {
            return false;
        };
        if parent == block {
            return first.end_byte() <= node.start_byte();
        }
        if FUNCTIONS.contains(&parent.kind()) && parent.kind() != "lambda" {
            return false;
        }
        node = parent;
    }
}

/// Whether a loop (or comprehension) lies between `span` and the node around it at `outer`, `outer` not included.
pub fn in_loop(tree: &Tree, span: Span, outer: Span) -> bool {
    innermost_loop(tree, span, outer).is_some()
}

/// The innermost loop around `span` inside `outer`.
pub fn innermost_loop(tree: &Tree, span: Span, outer: Span) -> Option<Span> {
    let mut node = tree
        .root_node()
        .descendant_for_byte_range(span.start, span.end)?;
    loop {
        let parent = node.parent()?;
        if !outer.contains(parent.into()) || Span::from(parent) == outer {
            return None;
        }
        let is_loop = match parent.kind() {
            // The iterable of a `for` is evaluated once.
            "for_statement" => parent.child_by_field_name("right") != Some(node),
            "while_statement"
            | "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "generator_expression" => true,
            _ => false,
        };
        if is_loop {
            return Some(parent.into());
        }
        node = parent;
    }
}

/// The places inside `body` where exceptions are caught: `try` with handlers, `with suppress(…)`; not those of nested functions.
pub fn catches(source: &str, tree: &Tree, body: Span) -> Vec<Catch> {
    own_nodes(tree, body)
        .into_iter()
        .filter_map(|node| caught_by(source, node))
        .collect()
}

/// The `raise` statements inside `body`; not those of nested functions.
pub fn raises(tree: &Tree, body: Span) -> Vec<Span> {
    let raising = own_nodes(tree, body)
        .into_iter()
        .filter(|node| node.kind() == "raise_statement");
    raising.map(Span::from).collect()
}

/// The nodes inside `body`, without those of functions that are defined there, in source order.
fn own_nodes(tree: &Tree, body: Span) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let Some(root) = tree
        .root_node()
        .descendant_for_byte_range(body.start, body.end)
    else {
        return found;
    };
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        let nested = FUNCTIONS.contains(&node.kind());
        if body.contains(node.into()) && !nested {
            found.push(node);
        }
        if !nested && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

fn caught_by(source: &str, node: Node<'_>) -> Option<Catch> {
    match node.kind() {
        "try_statement" => {
            let body = node.child_by_field_name("body")?;
            let mut cursor = node.walk();
            let handlers: Vec<Leave> = node
                .named_children(&mut cursor)
                .filter(|child| matches!(child.kind(), "except_clause" | "except_group_clause"))
                .map(|handler| block_of(handler).map_or(Leave::FallsThrough, leave))
                .collect();
            let finally_leaves = finally_returns(node);
            (!handlers.is_empty() || finally_leaves).then(|| Catch {
                span: node.into(),
                body: body.into(),
                falls_through: handlers.contains(&Leave::FallsThrough)
                    || handlers.contains(&Leave::Breaks),
                continues: handlers.contains(&Leave::Continues),
            })
        }
        "with_statement" => {
            let clause = node.named_child(0)?;
            let text = Span::from(clause).text(source);
            let body = node.child_by_field_name("body")?;
            let suppresses = text.contains("suppress(")
                || text.contains("assertRaises")
                || text.contains("raises(");
            suppresses.then(|| Catch {
                span: node.into(),
                body: body.into(),
                falls_through: true,
                continues: false,
            })
        }
        _ => None,
    }
}

/// Whether the `finally` of a `try` returns, which drops an exception on the way.
fn finally_returns(statement: Node<'_>) -> bool {
    let mut cursor = statement.walk();
    let clause = statement
        .named_children(&mut cursor)
        .find(|child| child.kind() == "finally_clause");
    clause.and_then(block_of).is_some_and(|block| {
        leave(block) == Leave::Leaves && last_kind(block) == Some("return_statement")
    })
}

fn block_of(clause: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = clause.walk();
    clause
        .named_children(&mut cursor)
        .find(|child| child.kind() == "block")
}

/// How the end of a block is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    /// By `raise` or `return` on every path.
    Leaves,
    /// By `continue`.
    Continues,
    /// By `break`.
    Breaks,
    /// Execution can go on behind it.
    FallsThrough,
}

fn last_statement(block: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = block.walk();
    block
        .named_children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .last()
}

fn last_kind<'t>(block: Node<'t>) -> Option<&'t str> {
    last_statement(block).map(|statement| statement.kind())
}

/// How the end of `block` is left; an `if` leaves where both its branches do, one level deep.
fn leave(block: Node<'_>) -> Leave {
    let Some(last) = last_statement(block) else {
        return Leave::FallsThrough;
    };
    match last.kind() {
        "raise_statement" | "return_statement" => Leave::Leaves,
        "continue_statement" => Leave::Continues,
        "break_statement" => Leave::Breaks,
        "if_statement" => {
            let then = last.child_by_field_name("consequence").and_then(last_kind);
            let mut cursor = last.walk();
            let others: Vec<Node<'_>> = last
                .children_by_field_name("alternative", &mut cursor)
                .collect();
            let has_else = others.iter().any(|clause| clause.kind() == "else_clause");
            let leaves =
                |kind: Option<&str>| matches!(kind, Some("raise_statement" | "return_statement"));
            let all = others
                .iter()
                .all(|clause| leaves(block_of(*clause).and_then(last_kind)));
            if has_else && all && leaves(then) {
                Leave::Leaves
            } else {
                Leave::FallsThrough
            }
        }
        _ => Leave::FallsThrough,
    }
}

/// Whether every path through the block at `span` ends in a `raise`, `return` (or, if `jumps`, in a jump of a loop).
pub fn always_leaves(tree: &Tree, span: Span, jumps: bool) -> bool {
    let node = tree
        .root_node()
        .descendant_for_byte_range(span.start, span.end);
    let Some(mut node) = node else { return false };
    while !is_block(node) {
        let Some(parent) = node.parent() else {
            return false;
        };
        node = parent;
    }
    match leave(node) {
        Leave::Leaves => true,
        Leave::Continues | Leave::Breaks => jumps,
        Leave::FallsThrough => false,
    }
}

/// What the statement at `span` does when the expression written `name` has no value; `None` if it is no such guard.
pub fn guard(source: &str, tree: &Tree, span: Span, name: &str) -> Option<Guard> {
    let mut node = tree
        .root_node()
        .descendant_for_byte_range(span.start, span.end)?;
    while node.kind() != "if_statement" {
        node = node
            .parent()
            .filter(|parent| Span::from(*parent) == span || parent.kind() == "if_statement")?;
    }
    if Span::from(node) != span || node.child_by_field_name("alternative").is_some() {
        return None;
    }
    let consequence = node.child_by_field_name("consequence")?;
    let missing = tests_missing(source, node.child_by_field_name("condition")?, name)?;
    if !missing {
        return Some(Guard::OnlyIfPresent);
    }
    let mut cursor = consequence.walk();
    let kinds: Vec<&str> = consequence
        .named_children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .map(|child| child.kind())
        .collect();
    match kinds[..] {
        ["raise_statement"] => Some(Guard::RaiseIfMissing),
        ["return_statement"] => Some(Guard::ReturnIfMissing),
        _ => None,
    }
}

/// Whether the condition holds when `name` is missing (`not x`, `x is None`: true) or when it is there (`x`, `x is not None`: false).
pub fn tests_missing(source: &str, condition: Node<'_>, name: &str) -> Option<bool> {
    let text = |node: Node<'_>| Span::from(node).text(source).to_owned();
    match condition.kind() {
        "parenthesized_expression" => tests_missing(source, condition.named_child(0)?, name),
        "not_operator" => {
            let inner = tests_missing(source, condition.child_by_field_name("argument")?, name)?;
            Some(!inner)
        }
        "comparison_operator" => {
            let (left, right) = (condition.named_child(0)?, condition.named_child(1)?);
            let between = source[left.end_byte()..right.start_byte()]
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            if condition.named_child_count() != 2 || text(left) != name || right.kind() != "none" {
                return None;
            }
            match between.as_str() {
                "is" | "==" => Some(true),
                "is not" | "!=" => Some(false),
                _ => None,
            }
        }
        _ => (text(condition) == name).then_some(false),
    }
}

/// The statement behind the one at `span` in its block.
pub fn next_statement(tree: &Tree, span: Span) -> Option<Span> {
    let mut next = statement_node(tree, span)?.next_named_sibling()?;
    while next.kind() == "comment" {
        next = next.next_named_sibling()?;
    }
    Some(next.into())
}

/// Whether a condition that `name` has a value is known to hold at `later`: a guard before it leaves when it has none, or a branch around
/// it is only taken when it has one.
pub fn known_present(source: &str, tree: &Tree, name: &str, later: Span) -> bool {
    let Some(mut node) = tree
        .root_node()
        .descendant_for_byte_range(later.start, later.end)
    else {
        return false;
    };
    loop {
        let Some(parent) = node.parent() else {
            return false;
        };
        if is_block(parent) {
            let mut sibling = node.prev_named_sibling();
            while let Some(before) = sibling {
                let leaves = before
                    .child_by_field_name("consequence")
                    .is_some_and(|block| leave(block) != Leave::FallsThrough);
                if before.kind() == "if_statement"
                    && leaves
                    && before
                        .child_by_field_name("condition")
                        .is_some_and(|condition| excludes_missing(source, condition, name, true))
                {
                    return true;
                }
                sibling = before.prev_named_sibling();
            }
        }
        if parent.kind() == "if_statement"
            && parent.child_by_field_name("consequence") == Some(node)
            && parent
                .child_by_field_name("condition")
                .is_some_and(|condition| excludes_missing(source, condition, name, false))
        {
            return true;
        }
        if FUNCTIONS.contains(&parent.kind()) {
            return false;
        }
        node = parent;
    }
}

/// Whether `condition` decides on `name`: being false (`leaving`: `if not x or …: raise`) or being true (`if x and …:`) means it is there.
fn excludes_missing(source: &str, condition: Node<'_>, name: &str, leaving: bool) -> bool {
    if tests_missing(source, condition, name) == Some(leaving) {
        return true;
    }
    let operator = condition
        .child_by_field_name("operator")
        .map(|operator| operator.kind());
    let wanted = if leaving { "or" } else { "and" };
    condition.kind() == "boolean_operator"
        && operator == Some(wanted)
        && ["left", "right"].iter().any(|side| {
            condition
                .child_by_field_name(side)
                .is_some_and(|side| excludes_missing(source, side, name, leaving))
        })
}
