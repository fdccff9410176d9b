//! Patterns of `match`: a bare name captures, a dotted name is looked up.

use tree_sitter::Node;

use super::nodes::children;
use super::scope::{Bind, Builder, Place};
use crate::language::model::{BindingKind, ReferenceKind};

/// Binds and reads the names of one pattern.
pub(super) fn pattern<'t>(builder: &mut Builder<'_, 't>, node: Node<'t>, place: Place) {
    let mut work = vec![node];
    while let Some(node) = work.pop() {
        match node.kind() {
            "dotted_name" => dotted(builder, node, place),
            "as_pattern" | "splat_pattern" => {
                for child in children(node) {
                    if child.kind() == "identifier" {
                        capture(builder, child, place);
                    } else {
                        work.push(child);
                    }
                }
            }
            "class_pattern" => {
                let mut parts = children(node).into_iter();
                // The class is looked up even if its name has no dot.
                if let Some(class) = parts.next()
                    && let Some(first) = class.named_child(0)
                {
                    builder.refer(first, place, ReferenceKind::Read);
                }
                work.extend(parts);
            }
            // `name=pattern`: the name is an attribute.
            "keyword_pattern" => work.extend(children(node).into_iter().skip(1)),
            "string" | "concatenated_string" => builder.later(node, place),
            _ => work.extend(children(node)),
        }
    }
}

fn dotted<'t>(builder: &mut Builder<'_, 't>, node: Node<'t>, place: Place) {
    let parts = children(node);
    match parts.as_slice() {
        [name] => capture(builder, *name, place),
        [first, ..] => builder.refer(*first, place, ReferenceKind::Read),
        [] => {}
    }
}

fn capture<'t>(builder: &mut Builder<'_, 't>, name: Node<'t>, place: Place) {
    if builder.text(name) != "_" {
        builder.bind(
            place,
            &Bind {
                name,
                kind: BindingKind::Pattern,
                value: None,
                annotation: None,
                opens: None,
            },
        );
    }
}
