//! Calls, attribute accesses and returns of a Python file.

use tree_sitter::{Node, Tree};

use crate::language::expression::{AttributeRead, AttributeWrite, CallSite, Outline, Return};
use crate::language::{Model, ScopeId};
use crate::source::Span;

/// Collects the outline. One pass over the tree, without recursion.
pub(super) fn outline(source: &str, tree: &Tree, model: &Model) -> Outline {
    let mut collector = Collector {
        source,
        model,
        outline: Outline::default(),
    };
    let mut cursor = tree.walk();
    loop {
        collector.visit(cursor.node());
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return collector.outline;
            }
        }
    }
}

struct Collector<'a> {
    source: &'a str,
    model: &'a Model,
    outline: Outline,
}

impl Collector<'_> {
    fn visit(&mut self, node: Node<'_>) {
        match node.kind() {
            "call" => self.call(node),
            "attribute" => self.attribute(node),
            "return_statement" => self.give_back(node, false),
            "yield" => self.give_back(node, true),
            _ => {}
        }
    }

    fn scope(&self, node: Node<'_>) -> ScopeId {
        self.model.scope_at(node.start_byte())
    }

    fn call(&mut self, node: Node<'_>) {
        let Some(callee) = node.child_by_field_name("function") else {
            return;
        };
        let name = match callee.kind() {
            "identifier" => Some(callee),
            "attribute" => callee.child_by_field_name("attribute"),
            _ => None,
        };
        let Some(name) = name else { return };
        let scope = self.scope(node);
        let name = Span::from(name).text(self.source).to_owned();
        self.outline.calls.push(CallSite {
            name,
            callee: callee.into(),
            span: node.into(),
            scope,
        });
    }

    fn attribute(&mut self, node: Node<'_>) {
        let (Some(object), Some(name)) = (
            node.child_by_field_name("object"),
            node.child_by_field_name("attribute"),
        ) else {
            return;
        };
        let scope = self.scope(node);
        let name = Span::from(name).text(self.source).to_owned();
        let object = Span::from(object);
        match written(node) {
            Some((statement, value)) => {
                let statement = Span::from(statement);
                self.outline.writes.push(AttributeWrite {
                    object,
                    name,
                    value,
                    scope,
                    statement,
                });
            }
            None => {
                let span = node.into();
                self.outline.reads.push(AttributeRead {
                    object,
                    name,
                    span,
                    scope,
                });
            }
        }
    }

    fn give_back(&mut self, node: Node<'_>, yields: bool) {
        let inner = self.scope(node);
        let scope = self.model.function_around(inner).unwrap_or(inner);
        let value = node.named_child(0).map(Span::from);
        self.outline.returns.push(Return {
            value,
            scope,
            yields,
        });
    }
}

/// The statement that writes to the attribute at `node`, with the value where it is taken as a whole.
fn written<'t>(node: Node<'t>) -> Option<(Node<'t>, Option<Span>)> {
    let mut target = node;
    let mut whole = true;
    loop {
        let parent = target.parent()?;
        match parent.kind() {
            "assignment" => {
                let is_target = parent.child_by_field_name("left") == Some(target);
                return is_target
                    .then(|| (parent, if whole { assigned_value(parent) } else { None }));
            }
            "augmented_assignment" => {
                return (parent.child_by_field_name("left") == Some(target))
                    .then_some((parent, None));
            }
            "delete_statement" => return Some((parent, None)),
            "for_statement" | "for_in_clause" => {
                return (parent.child_by_field_name("left") == Some(target))
                    .then_some((parent, None));
            }
            "as_pattern_target" => return Some((parent, None)),
            "pattern_list" | "tuple_pattern" | "list_pattern" | "list_splat_pattern" => {
                whole = false;
                target = parent;
            }
            _ => return None,
        }
    }
}

/// The last value of a chained assignment: `a = b = value`.
fn assigned_value(assignment: Node<'_>) -> Option<Span> {
    let mut right = assignment.child_by_field_name("right")?;
    while right.kind() == "assignment" {
        right = right.child_by_field_name("right")?;
    }
    Some(right.into())
}
