//! Calls, attribute accesses and returns of a Python file.

use tree_sitter::{Node, Tree};

use super::nodes::identifier;
use crate::language::expression::{
    AttributeRead, AttributeWrite, CallSite, ElementWrite, Outline, Return,
};
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
    let mut around = Vec::new();
    loop {
        let node = cursor.node();
        collector.visit(node, &around);
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
    /// Looks at one node; `around` leads to it from the root.
    fn visit(&mut self, node: Node<'_>, around: &[Node<'_>]) {
        match node.kind() {
            "call" => self.call(node),
            "attribute" => self.attribute(node, around),
            "identifier" => self.element(node, around),
            "return_statement" => self.give_back(node, false),
            // The keyword is a node of the same kind.
            "yield" if node.is_named() => self.give_back(node, true),
            _ => {}
        }
    }

    fn scope(&self, node: Node<'_>) -> ScopeId {
        self.model.scope_at(node.start_byte())
    }

    fn name(&mut self, node: Node<'_>) -> Name {
        self.names
            .get(&identifier(Span::from(node).text(self.source)))
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
        let name = self.name(name);
        self.outline.calls.push(CallSite {
            name,
            callee: callee.into(),
            span: node.into(),
            scope,
        });
    }

    fn attribute(&mut self, node: Node<'_>, around: &[Node<'_>]) {
        let (Some(object), Some(name)) = (
            node.child_by_field_name("object"),
            node.child_by_field_name("attribute"),
        ) else {
            return;
        };
        let scope = self.scope(node);
        let name = self.name(name);
        let object = Span::from(object);
        if let Some((statement, value)) = written(node, around) {
            let statement = Span::from(statement);
            self.outline.writes.push(AttributeWrite {
                object,
                name,
                value,
                scope,
                statement,
            });
        } else {
            if let Some(statement) = element_written(node, around) {
                self.outline.items.push(AttributeWrite {
                    object,
                    name: name.clone(),
                    value: None,
                    scope,
                    statement: statement.into(),
                });
            }
            let span = node.into();
            self.outline.reads.push(AttributeRead {
                object,
                name,
                span,
                scope,
            });
        }
    }

    /// A variable of which an element is written.
    fn element(&mut self, node: Node<'_>, around: &[Node<'_>]) {
        let statement = element_written(node, around);
        let element = statement.map(|statement| ElementWrite {
            name: node.into(),
            statement: statement.into(),
        });
        self.outline.elements.extend(element);
    }

    fn give_back(&mut self, node: Node<'_>, yields: bool) {
        let inner = self.scope(node);
        let is_function = |id: &ScopeId| {
            matches!(
                self.model.scope(*id).kind,
                ScopeKind::Function | ScopeKind::Lambda
            )
        };
        let scope = self
            .model
            .ancestors(inner)
            .find(is_function)
            .unwrap_or(inner);
        let value = node.named_child(0).map(Span::from);
        self.outline.returns.push(Return {
            value,
            scope,
            yields,
        });
    }
}

/// The statement that writes to an element of the attribute or variable at `node`.
fn element_written<'t>(node: Node<'t>, around: &[Node<'t>]) -> Option<Node<'t>> {
    let (element, around) = around.split_last()?;
    let is_its_element =
        element.kind() == "subscript" && element.child_by_field_name("value") == Some(node);
    is_its_element
        .then(|| written(*element, around))
        .flatten()
        .map(|(statement, _)| statement)
}

/// The statement that writes to the attribute at `node`, with the value where it is taken as a whole.
fn written<'t>(node: Node<'t>, around: &[Node<'t>]) -> Option<(Node<'t>, Option<Span>)> {
    let mut target = node;
    let mut whole = true;
    for parent in around.iter().rev() {
        let is_target = parent.child_by_field_name("left") == Some(target);
        match parent.kind() {
            "assignment" if is_target => {
                let value = whole.then(|| assigned_value(*parent)).flatten();
                return Some((*parent, value));
            }
            "augmented_assignment" | "for_statement" | "for_in_clause" if is_target => {
                return Some((*parent, None));
            }
            "delete_statement" | "as_pattern_target" => return Some((*parent, None)),
            "pattern_list" | "tuple_pattern" | "list_pattern" | "list_splat_pattern" => {
                whole = false;
                target = *parent;
            }
            _ => return None,
        }
    }
    None
}

/// The last value of a chained assignment: `a = b = value`.
fn assigned_value(assignment: Node<'_>) -> Option<Span> {
    let mut right = assignment.child_by_field_name("right")?;
    while right.kind() == "assignment" {
        right = right.child_by_field_name("right")?;
    }
    Some(right.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::python::tests::Fixture;

    fn of(source: &str) -> Outline {
        let fixture = Fixture::new(source);
        outline(source, &fixture.tree, &fixture.model)
    }

    #[test]
    fn calls_are_told_by_the_last_part_of_their_name() {
        let found = of("a(b.c.d(1))\nx[0]()\n").calls;
        let names: Vec<&str> = found.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, ["a", "d"]);
    }

    #[test]
    fn elements_of_variables_are_told_from_reads() {
        for (source, found) in [
            ("a[0] = b\n", vec!["a"]),
            ("a[0], c = b\n", vec!["a"]),
            ("a += b\n", vec![]),
            ("a[0] += b\n", vec!["a"]),
            ("del a[0]\n", vec!["a"]),
            ("a = b\n", vec![]),
            ("c = a[b]\n", vec![]),
            ("a.x[b] = c\n", vec![]),
        ] {
            let elements = of(source).elements.into_iter();
            let names: Vec<&str> = elements.map(|element| element.name.text(source)).collect();
            assert_eq!(names, found, "{source}");
        }
    }

    #[test]
    fn writes_of_attributes_are_told_from_reads() {
        for (source, value) in [
            ("a.x = b\n", Some("b")),
            ("c = a.x = d = b\n", Some("b")),
            ("a.x: T = b\n", Some("b")),
            ("a.x += b\n", None),
            ("a.x, (c, *d) = b\n", None),
            ("c, [*a.x] = b\n", None),
            ("del a.x\n", None),
            ("for a.x in b: pass\n", None),
            ("with b as a.x: pass\n", None),
        ] {
            let found = of(source);
            let [write] = &found.writes[..] else {
                panic!("{source}: {found:?}");
            };
            assert_eq!(write.name, "x");
            assert_eq!(write.value.map(|span| span.text(source)), value, "{source}");
        }
        for source in ["b = a.x\n", "a.x[0] = b\n", "a.x()\n", "f(k=a.x)\n"] {
            let found = of(source);
            assert_eq!((found.writes.len(), found.reads.len()), (0, 1), "{source}");
        }
    }

    #[test]
    fn returns_belong_to_their_function() {
        let source =
            "def f():\n    g = lambda: (yield 1)\n    def h(): return\n    return [x for x in y]\n";
        let found = of(source).returns;
        let fixture = Fixture::new(source);
        let told: Vec<(&str, bool)> = found
            .iter()
            .map(|give| (&*fixture.model.scope(give.scope).name, give.yields))
            .collect();
        assert_eq!(told, [("", true), ("h", false), ("f", false)]);
    }
}
