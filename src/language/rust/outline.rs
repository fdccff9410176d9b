//! Calls, field accesses and returns of a Rust file.

use tree_sitter::{Node, Tree};

use super::expression::callee;
use super::nodes::children;
use crate::language::expression::{AttributeRead, AttributeWrite, CallSite, Outline, Return};
use crate::language::{Model, ScopeId, ScopeKind};
use crate::source::Span;

/// Collects the outline. One pass over the tree, without recursion.
pub(super) fn outline(source: &str, tree: &Tree, model: &Model) -> Outline {
    let mut outline = Outline::default();
    let mut cursor = tree.walk();
    let mut around: Vec<Node<'_>> = Vec::new();
    loop {
        let node = cursor.node();
        visit(source, model, &mut outline, node, around.last().copied());
        if cursor.goto_first_child() {
            around.push(node);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return outline;
            }
            around.pop();
        }
    }
}

fn visit(
    source: &str,
    model: &Model,
    outline: &mut Outline,
    node: Node<'_>,
    parent: Option<Node<'_>>,
) {
    let scope = model.scope_at(node.start_byte());
    match node.kind() {
        "call_expression" => called(source, outline, node, callee(node), scope),
        "macro_invocation" => {
            called(
                source,
                outline,
                node,
                node.child_by_field_name("macro"),
                scope,
            );
        }
        "field_expression" => field(source, outline, node, parent, scope),
        "return_expression" => {
            let value = children(node).first().map(|value| Span::from(*value));
            returned(model, outline, value, scope);
        }
        "function_item" => {
            // The expression that a body ends with is what it gives back.
            let body = node.child_by_field_name("body");
            let tail = body.and_then(|body| children(body).pop()).filter(is_value);
            if let Some(tail) = tail {
                let scope = model.scope_at(tail.start_byte());
                returned(model, outline, Some(tail.into()), scope);
            }
        }
        _ => {}
    }
}

/// Whether the last node of a block is its value, not a statement.
fn is_value(node: &Node<'_>) -> bool {
    !matches!(
        node.kind(),
        "expression_statement" | "let_declaration" | "empty_statement" | "macro_definition"
    ) && !node.kind().ends_with("_item")
        && !node.kind().ends_with("_declaration")
}

fn returned(model: &Model, outline: &mut Outline, value: Option<Span>, inner: ScopeId) {
    let is_function = |id: &ScopeId| {
        matches!(
            model.scope(*id).kind,
            ScopeKind::Function | ScopeKind::Lambda
        )
    };
    let scope = model.ancestors(inner).find(is_function).unwrap_or(inner);
    outline.returns.push(Return {
        value,
        scope,
        yields: false,
    });
}

fn called(
    source: &str,
    outline: &mut Outline,
    node: Node<'_>,
    callee: Option<Node<'_>>,
    scope: ScopeId,
) {
    let Some(callee) = callee else { return };
    let name = match callee.kind() {
        "identifier" => Some(callee),
        "field_expression" => callee.child_by_field_name("field"),
        "scoped_identifier" => callee.child_by_field_name("name"),
        _ => None,
    };
    let Some(name) = name else { return };
    outline.calls.push(CallSite {
        name: Span::from(name).text(source).to_owned(),
        callee: callee.into(),
        span: node.into(),
        scope,
    });
}

fn field(
    source: &str,
    outline: &mut Outline,
    node: Node<'_>,
    parent: Option<Node<'_>>,
    scope: ScopeId,
) {
    let (Some(object), Some(name)) = (
        node.child_by_field_name("value"),
        node.child_by_field_name("field"),
    ) else {
        return;
    };
    let object = Span::from(object);
    let name = Span::from(name).text(source).to_owned();
    let target = parent.filter(|parent| {
        matches!(
            parent.kind(),
            "assignment_expression" | "compound_assignment_expr"
        ) && parent.child_by_field_name("left") == Some(node)
    });
    if let Some(statement) = target {
        let value = statement
            .child_by_field_name("right")
            .filter(|_| statement.kind() == "assignment_expression");
        outline.writes.push(AttributeWrite {
            object,
            name,
            value: value.map(Span::from),
            scope,
            statement: statement.into(),
        });
    } else {
        outline.reads.push(AttributeRead {
            object,
            name,
            span: node.into(),
            scope,
        });
    }
}
