//! Calls, field accesses and returns of a Rust file.

use tree_sitter::{Node, Tree};

use super::expression::callee;
use super::nodes::children;
use crate::language::expression::{AttributeRead, AttributeWrite, CallSite, Outline, Return};
use crate::language::name::{Name, Names};
use crate::language::{Model, ScopeId, ScopeKind};
use crate::source::Span;

/// Collects the outline. One pass over the tree, without recursion.
pub(super) fn outline(source: &str, tree: &Tree, model: &Model) -> Outline {
    let mut collector = Collector {
        source,
        model,
        names: Names::default(),
        outline: Outline::default(),
    };
    let mut cursor = tree.walk();
    let mut around: Vec<Node<'_>> = Vec::new();
    loop {
        let node = cursor.node();
        collector.visit(node, around.last().copied());
        if cursor.goto_first_child() {
            around.push(node);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return collector.outline.fitted();
            }
            around.pop();
        }
    }
}

struct Collector<'a> {
    source: &'a str,
    model: &'a Model,
    names: Names,
    outline: Outline,
}

impl Collector<'_> {
    fn visit(&mut self, node: Node<'_>, parent: Option<Node<'_>>) {
        let scope = self.model.scope_at(node.start_byte());
        match node.kind() {
            "call_expression" => self.called(node, callee(node), scope),
            "macro_invocation" => {
                self.called(node, node.child_by_field_name("macro"), scope);
            }
            "field_expression" => self.field(node, parent, scope),
            "return_expression" => {
                let value = children(node).first().map(|value| Span::from(*value));
                self.returned(value, scope);
            }
            "function_item" => {
                // The expression that a body ends with is what it gives back.
                let body = node.child_by_field_name("body");
                let tail = body.and_then(|body| children(body).pop()).filter(is_value);
                if let Some(tail) = tail {
                    let scope = self.model.scope_at(tail.start_byte());
                    self.returned(Some(tail.into()), scope);
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, node: Node<'_>) -> Name {
        self.names.get(Span::from(node).text(self.source))
    }

    fn returned(&mut self, value: Option<Span>, inner: ScopeId) {
        let is_function = |id: &ScopeId| {
            matches!(
                self.model.scope(*id).kind,
                ScopeKind::Function | ScopeKind::Lambda
            )
        };
        let around = self.model.ancestors(inner).find(is_function);
        self.outline.returns.push(Return {
            value,
            scope: around.unwrap_or(inner),
            yields: false,
        });
    }

    fn called(&mut self, node: Node<'_>, callee: Option<Node<'_>>, scope: ScopeId) {
        let Some(callee) = callee else { return };
        let name = match callee.kind() {
            "identifier" => Some(callee),
            "field_expression" => callee.child_by_field_name("field"),
            "scoped_identifier" => callee.child_by_field_name("name"),
            _ => None,
        };
        let Some(name) = name else { return };
        let name = self.name(name);
        self.outline.calls.push(CallSite {
            name,
            callee: callee.into(),
            span: node.into(),
            scope,
        });
    }

    fn field(&mut self, node: Node<'_>, parent: Option<Node<'_>>, scope: ScopeId) {
        let (Some(object), Some(name)) = (
            node.child_by_field_name("value"),
            node.child_by_field_name("field"),
        ) else {
            return;
        };
        let object = Span::from(object);
        let name = self.name(name);
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
            self.outline.writes.push(AttributeWrite {
                object,
                name,
                value: value.map(Span::from),
                scope,
                statement: statement.into(),
            });
        } else {
            self.outline.reads.push(AttributeRead {
                object,
                name,
                span: node.into(),
                scope,
            });
        }
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
