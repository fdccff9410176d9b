//! What can catch an exception that a site raises.

use tree_sitter::Node;

use super::{MAX_LEVELS, PythonFile, has_other_exit, leaves, own_block};
use crate::language::python::nodes::{children, is_function, node_at, path, unparenthesised};
use crate::source::Span;

/// One `except` of a `try`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handler {
    /// The whole clause.
    pub span: Span,
    /// The exceptions it takes; empty for a bare `except:`.
    pub types: Vec<Span>,
    /// Its block.
    pub body: Span,
    /// Whether every path through it raises.
    pub always_raises: bool,
    /// Whether every path through it raises, returns, breaks or continues.
    pub always_leaves: bool,
}

/// A `try` around a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The whole statement.
    pub span: Span,
    /// Its body.
    pub body: Span,
    /// Its handlers, in order.
    pub handlers: Vec<Handler>,
    /// The block of its `finally`.
    pub finally: Option<Span>,
}

/// The `try` statements of the same function whose body holds `site`, innermost first.
pub fn tries_around(file: &PythonFile<'_>, site: Span) -> Vec<Try> {
    let path = path(file.tree, site);
    let mut found = Vec::new();
    for pair in path.windows(2).rev() {
        let [node, part] = pair else { continue };
        if is_function(node.kind()) && Span::from(*node) != site {
            break;
        }
        let body = node.child_by_field_name("body");
        if node.kind() == "try_statement" && body == Some(*part) {
            found.push(describe(*node, *part));
        }
    }
    found
}

/// The `try` statement with this span.
pub fn try_at(file: &PythonFile<'_>, statement: Span) -> Option<Try> {
    let node = node_at(file.tree, statement, |kind| kind == "try_statement")?;
    Some(describe(node, node.child_by_field_name("body")?))
}

fn describe(statement: Node<'_>, body: Node<'_>) -> Try {
    let parts = children(statement);
    let clauses = |kind: &'static str| parts.iter().filter(move |part| part.kind() == kind);
    Try {
        span: statement.into(),
        body: body.into(),
        handlers: clauses("except_clause")
            .filter_map(|clause| handler(*clause))
            .collect(),
        finally: clauses("finally_clause")
            .find_map(|clause| own_block(*clause))
            .map(Span::from),
    }
}

fn handler(clause: Node<'_>) -> Option<Handler> {
    let block = own_block(clause)?;
    let always_leaves = leaves(block, MAX_LEVELS);
    Some(Handler {
        span: clause.into(),
        types: handled(clause),
        body: block.into(),
        always_raises: always_leaves && !has_other_exit(block),
        always_leaves,
    })
}

/// The exceptions that an `except` takes, a tuple one by one.
fn handled(clause: Node<'_>) -> Vec<Span> {
    let mut cursor = clause.walk();
    let mut types = Vec::new();
    for value in clause.children_by_field_name("value", &mut cursor) {
        let value = match value.kind() {
            "as_pattern" => value.named_child(0).unwrap_or(value),
            _ => value,
        };
        let value = unparenthesised(value);
        if value.kind() == "tuple" {
            types.extend(children(value).into_iter().map(Span::from));
        } else {
            types.push(value.into());
        }
    }
    types
}
