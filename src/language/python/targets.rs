//! What a name is bound by: targets of assignments, loops, `with`, `except` and `del`, however nested.

use tree_sitter::Node;

use super::exports;
use super::nodes::children;
use super::scope::{Bind, Builder, Place};
use crate::language::model::{BindingKind, ReferenceKind};
use crate::source::Span;

/// What the names in a target have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    kind: BindingKind,
    annotation: Option<Span>,
}

impl Target {
    /// Targets bound in the way `kind`, without an annotation.
    pub(super) fn of(kind: BindingKind) -> Self {
        Self {
            kind,
            annotation: None,
        }
    }
}

/// Binds the names in `target` to `value` or to parts of it; other expressions in it (`x.a`, `x[i]`) read what they name.
pub(super) fn bind<'t>(
    builder: &mut Builder<'_, 't>,
    target: Node<'t>,
    value: Option<Node<'t>>,
    how: Target,
    place: Place,
) {
    let mut work = vec![(target, value)];
    while let Some((target, value)) = work.pop() {
        match target.kind() {
            "identifier" => builder.bind(
                place,
                &Bind {
                    name: target,
                    kind: how.kind,
                    value: value.map(Span::from),
                    annotation: how.annotation,
                    opens: None,
                },
            ),
            "parenthesized_expression" | "as_pattern_target" => {
                work.extend(children(target).into_iter().map(|inner| (inner, value)));
            }
            "tuple_pattern" if is_parentheses(target) => {
                work.extend(children(target).into_iter().map(|inner| (inner, value)));
            }
            "tuple_pattern" | "list_pattern" | "pattern_list" | "tuple" | "list"
            | "expression_list" => {
                let targets = children(target);
                let values = match value {
                    Some(value) if how.kind == BindingKind::Assignment => parts(value, &targets),
                    _ => None,
                };
                match values {
                    Some(values) => {
                        work.extend(targets.into_iter().zip(values.into_iter().map(Some)));
                    }
                    None => work.extend(targets.into_iter().map(|target| (target, None))),
                }
            }
            "list_splat_pattern" | "list_splat" => {
                work.extend(children(target).into_iter().map(|inner| (inner, None)));
            }
            _ => builder.later(target, place),
        }
    }
}

/// Whether the pattern `(x)` only groups: the grammar has no other node for it.
fn is_parentheses(pattern: Node<'_>) -> bool {
    let mut cursor = pattern.walk();
    children(pattern).len() == 1
        && !pattern
            .children(&mut cursor)
            .any(|child| child.kind() == ",")
}

/// The elements of a display that `targets` take one by one (`a, b = 1, 2`).
fn parts<'t>(value: Node<'t>, targets: &[Node<'t>]) -> Option<Vec<Node<'t>>> {
    let value = super::nodes::unparenthesised(value);
    if !matches!(value.kind(), "tuple" | "list" | "expression_list") {
        return None;
    }
    let values = children(value);
    let plain = |node: &Node<'_>| !matches!(node.kind(), "list_splat" | "list_splat_pattern");
    let even = values.len() == targets.len();
    (even && values.iter().all(plain) && targets.iter().all(plain)).then_some(values)
}

/// `a = b = value`, `x: T`, `x: T = value`
pub(super) fn assignment<'t>(builder: &mut Builder<'_, 't>, node: Node<'t>, place: Place) {
    let mut targets = Vec::new();
    let mut link = node;
    // The chain is one assignment of the last value to every target.
    let value = loop {
        let annotation = link.child_by_field_name("type");
        if let Some(annotation) = annotation {
            builder.later(annotation, place.annotation());
        }
        if let Some(left) = link.child_by_field_name("left") {
            targets.push((left, annotation));
        }
        match link.child_by_field_name("right") {
            Some(right) if right.kind() == "assignment" => link = right,
            right => break right,
        }
    };
    for (target, annotation) in targets {
        let how = Target {
            kind: if annotation.is_some() {
                BindingKind::Annotation
            } else {
                BindingKind::Assignment
            },
            annotation: annotation.map(Span::from),
        };
        bind(builder, target, value, how, place);
        exports::assigned(builder, target, value, place);
    }
    if let Some(value) = value {
        builder.later(value, place);
    }
}

/// `x += value`
pub(super) fn augmented<'t>(builder: &mut Builder<'_, 't>, node: Node<'t>, place: Place) {
    let value = node.child_by_field_name("right");
    if let Some(target) = node.child_by_field_name("left") {
        if target.kind() == "identifier" {
            builder.refer(target, place, ReferenceKind::ReadWrite);
            bind(
                builder,
                target,
                None,
                Target::of(BindingKind::Augmented),
                place,
            );
            exports::assigned(builder, target, value, place);
        } else {
            builder.later(target, place);
        }
    }
    if let Some(value) = value {
        builder.later(value, place);
    }
}

/// `value as target`, in a `with` item or an `except`.
pub(super) fn with_alias<'t>(
    builder: &mut Builder<'_, 't>,
    node: Node<'t>,
    kind: BindingKind,
    place: Place,
) {
    let alias = node.child_by_field_name("alias");
    let value = children(node)
        .into_iter()
        .find(|child| Some(*child) != alias);
    if let Some(alias) = alias {
        let known = value.filter(|_| kind == BindingKind::With);
        bind(builder, alias, known, Target::of(kind), place);
    }
    if let Some(value) = value {
        builder.later(value, place);
    }
}
