//! Conditions that ask whether an expression has a value, and what follows from their outcome.

use tree_sitter::Node;

use super::{MAX_LEVELS, is_block, leaves};
use crate::language::python::nodes::{children, is_function, node_at, path, unparenthesised};
use crate::language::python::statements::statements_of;
use crate::language::usage::Guard;
use crate::language::{BindingKind, Code};
use crate::source::Span;

/// What the `if` statement at `statement` does when the expression written `name` has no value, if it does nothing else.
pub(in crate::language::python) fn guard(
    code: &Code<'_>,
    statement: Span,
    name: &str,
) -> Option<Guard> {
    let node = node_at(&code.tree, statement, |kind| kind == "if_statement")?;
    if node.child_by_field_name("alternative").is_some() {
        return None;
    }
    let (subject, present) = tested(node.child_by_field_name("condition")?)?;
    if code.text(subject.into()) != name {
        return None;
    }
    if present {
        return Some(Guard::OnlyIfPresent);
    }
    let [only] = statements_of(node.child_by_field_name("consequence")?)[..] else {
        return None;
    };
    match only.kind() {
        "raise_statement" => Some(Guard::RaiseIfMissing),
        "return_statement" => Some(Guard::ReturnIfMissing),
        _ => None,
    }
}

/// The expression that a condition asks for, and whether the condition holds when it has a value.
fn tested(condition: Node<'_>) -> Option<(Node<'_>, bool)> {
    let mut node = unparenthesised(condition);
    let mut present = true;
    while node.kind() == "not_operator" {
        present = !present;
        node = unparenthesised(node.child_by_field_name("argument")?);
    }
    if node.kind() == "comparison_operator" {
        let [left, right] = children(node)[..] else {
            return None;
        };
        if right.kind() != "none" {
            return None;
        }
        let mut cursor = node.walk();
        let operator = node
            .children_by_field_name("operators", &mut cursor)
            .next()?;
        match operator.kind() {
            "is" | "==" => present = !present,
            "is not" | "!=" => {}
            _ => return None,
        }
        node = unparenthesised(left);
    }
    Some((node, present))
}

/// Whether a guard before `later` or a branch around it makes certain that the expression written `name` has a value there.
///
/// Nothing is certain where the name, or an object on the way to it, may have been changed since.
pub(in crate::language::python) fn known_present(code: &Code<'_>, name: &str, later: Span) -> bool {
    let path = path(&code.tree, later);
    let function = path
        .iter()
        .rposition(|node| is_function(node.kind()) && Span::from(*node) != later)
        .unwrap_or(0);
    let inside = &path[function..];
    inside.windows(2).rev().any(|pair| {
        outcomes(pair[0], pair[1]).into_iter().any(|outcome| {
            outcome.shows_presence(code, name) && !changed(code, name, outcome.since, later, inside)
        })
    })
}

/// A condition whose outcome is known where control is.
#[derive(Clone, Copy)]
struct Outcome<'t> {
    condition: Node<'t>,
    holds: bool,
    /// The place from which on it is known.
    since: usize,
}

impl Outcome<'_> {
    /// Whether the outcome means that `name` has a value: a part of a disjunction that is false is false, one of a conjunction that is true
    /// is true.
    fn shows_presence(self, code: &Code<'_>, name: &str) -> bool {
        let mut work = vec![(self.condition, self.holds)];
        while let Some((condition, holds)) = work.pop() {
            let condition = unparenthesised(condition);
            let decided = if holds { "and" } else { "or" };
            match condition.kind() {
                "not_operator" => {
                    let argument = condition.child_by_field_name("argument");
                    work.extend(argument.map(|argument| (argument, !holds)));
                }
                "boolean_operator" => {
                    let operator = condition.child_by_field_name("operator");
                    if operator.is_some_and(|operator| operator.kind() == decided) {
                        let sides = ["left", "right"].into_iter();
                        let sides = sides.filter_map(|side| condition.child_by_field_name(side));
                        work.extend(sides.map(|side| (side, holds)));
                    }
                }
                _ => {
                    if let Some((subject, present)) = tested(condition)
                        && present == holds
                        && means(code, subject, name)
                    {
                        return true;
                    }
                }
            }
        }
        false
    }
}

/// Whether an expression is the one written `name`, or has just been given that name.
fn means(code: &Code<'_>, subject: Node<'_>, name: &str) -> bool {
    let parts = match subject.kind() {
        "named_expression" => ["name", "value"].map(|field| subject.child_by_field_name(field)),
        _ => [Some(subject), None],
    };
    let mut parts = parts.into_iter().flatten();
    parts.any(|part| code.text(unparenthesised(part).into()) == name)
}

/// The conditions whose outcome is known in `part`, a child of `node`.
fn outcomes<'t>(node: Node<'t>, part: Node<'t>) -> Vec<Outcome<'t>> {
    let known = |condition: Option<Node<'t>>, holds| {
        condition.map(|condition| Outcome {
            condition,
            holds,
            since: condition.end_byte(),
        })
    };
    let field = |field: &str| node.child_by_field_name(field);
    match node.kind() {
        _ if is_block(node) => children(node)
            .into_iter()
            .take_while(|before| *before != part)
            .filter_map(passed)
            .collect(),
        "if_statement" if field("condition") != Some(part) => {
            let taken = field("consequence") == Some(part);
            let mut found: Vec<_> = known(field("condition"), taken).into_iter().collect();
            if !taken {
                let earlier = children(node).into_iter();
                let earlier = earlier.take_while(|clause| *clause != part);
                found.extend(
                    earlier
                        .filter(|clause| clause.kind() == "elif_clause")
                        .filter_map(|clause| known(clause.child_by_field_name("condition"), false)),
                );
            }
            found
        }
        "elif_clause" if field("consequence") == Some(part) => {
            known(field("condition"), true).into_iter().collect()
        }
        "while_statement" if field("body") == Some(part) => {
            known(field("condition"), true).into_iter().collect()
        }
        "conditional_expression" => match children(node)[..] {
            // The condition is evaluated first, though it stands behind the value.
            [value, condition, _] if part != condition => vec![Outcome {
                condition,
                holds: part == value,
                since: part.start_byte(),
            }],
            _ => Vec::new(),
        },
        "boolean_operator" if field("right") == Some(part) => {
            let is_and = field("operator").is_some_and(|operator| operator.kind() == "and");
            known(field("left"), is_and).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What is known of the condition of an `if` once control has passed it: one of its branches leaves.
fn passed(statement: Node<'_>) -> Option<Outcome<'_>> {
    if statement.kind() != "if_statement" {
        return None;
    }
    let consequence = statement.child_by_field_name("consequence")?;
    leaves(consequence, MAX_LEVELS).then_some(Outcome {
        condition: statement.child_by_field_name("condition")?,
        holds: false,
        since: consequence.end_byte(),
    })
}

/// Whether `name`, or what it is an attribute of, may be changed between `since` and `later`, to which `path` leads.
fn changed(code: &Code<'_>, name: &str, since: usize, later: Span, path: &[Node<'_>]) -> bool {
    // What stands behind `later` in a loop runs before it in the next round.
    let loops = path.iter().filter(|node| {
        matches!(node.kind(), "for_statement" | "while_statement") && node.start_byte() >= since
    });
    let end = loops.map(Node::end_byte).fold(later.start, usize::max);
    let region = Span::new(since, end.max(since));
    binds(code, name, region, later) || sets_attribute(code, name, region)
}

/// Whether the variable that `name` begins with is bound in `region`.
fn binds(code: &Code<'_>, name: &str, region: Span, later: Span) -> bool {
    let root = name.split(['.', '[', '(']).next().unwrap_or(name).trim();
    let scope = code.model.scope_at(later.start);
    let Some(owner) = code.model.resolve(scope, root) else {
        return false;
    };
    code.model.bindings_of(owner, root).any(|binding| {
        let declares = binding.kind == BindingKind::Annotation && binding.value.is_none();
        !declares && region.overlaps(binding.span)
    })
}

/// Whether an attribute or element that `name` goes through is written in `region`.
fn sets_attribute(code: &Code<'_>, name: &str, region: Span) -> bool {
    let concerns = |target: Node<'_>| {
        let rest = name.strip_prefix(code.text(target.into()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let mut work = vec![(code.tree.root_node(), false)];
    while let Some((node, target)) = work.pop() {
        if target && matches!(node.kind(), "attribute" | "subscript") && concerns(node) {
            return true;
        }
        let left = match node.kind() {
            "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => {
                node.child_by_field_name("left")
            }
            _ => None,
        };
        let all = matches!(node.kind(), "as_pattern_target" | "delete_statement");
        let inner = children(node).into_iter();
        let inner = inner.filter(|child| region.overlaps(Span::from(*child)));
        work.extend(inner.map(|child| {
            let is_target = target && !matches!(node.kind(), "attribute" | "subscript");
            (child, is_target || all || left == Some(child))
        }));
    }
    false
}
