//! `if` statements that only ask whether a name has a value.

use tree_sitter::Node;

use super::{PythonFile, has_other_exit, next_statement, statement_of, statements};
use crate::language::python::nodes::{children, node_at, unparenthesised};
use crate::source::Span;

/// What a test of a name guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardKind {
    /// `if not x: raise …`
    RaiseIfMissing,
    /// `if x is None: return …`
    ReturnIfMissing,
    /// `if x: …`
    BranchIfPresent,
}

/// A statement that only asks whether a name has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// What it guards.
    pub kind: GuardKind,
    /// The `if` statement.
    pub statement: Span,
    /// The block of the `if`.
    pub body: Span,
    /// Whether `elif` or `else` follows.
    pub has_alternative: bool,
}

/// The guard whose condition is nothing but a test of the name at `reference`.
pub fn guard(file: &PythonFile<'_>, reference: Span) -> Option<Guard> {
    let statement = statement_of(file, reference)?;
    let node = node_at(file.tree, statement, |kind| kind == "if_statement")?;
    let (name, present) = tested(node.child_by_field_name("condition")?)?;
    if Span::from(name) != reference {
        return None;
    }
    let body = node.child_by_field_name("consequence")?;
    let has_alternative = node.child_by_field_name("alternative").is_some();
    let kind = if present {
        GuardKind::BranchIfPresent
    } else {
        match statements(body).last()?.kind() {
            "raise_statement" if !has_other_exit(body) => GuardKind::RaiseIfMissing,
            "return_statement" => GuardKind::ReturnIfMissing,
            _ => return None,
        }
    };
    Some(Guard {
        kind,
        statement,
        body: body.into(),
        has_alternative,
    })
}

/// The guard of `name` that directly follows `statement`.
pub fn guard_after(file: &PythonFile<'_>, statement: Span, name: &str) -> Option<Guard> {
    let next = next_statement(file, statement)?;
    let node = node_at(file.tree, next, |kind| kind == "if_statement")?;
    let (tested, _) = tested(node.child_by_field_name("condition")?)?;
    if file.text(tested.into()) != name {
        return None;
    }
    guard(file, tested.into())
}

/// The name that a condition asks for, and whether it holds when the name has a value.
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
    (node.kind() == "identifier").then_some((node, present))
}
