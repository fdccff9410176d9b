//! `__all__`: the names that a module gives to `from module import *` are in use, though nothing in the file reads them.

use tree_sitter::Node;

use super::nodes::{children, unparenthesised};
use super::scope::{Builder, Place};
use crate::language::model::{Model, ReferenceKind};
use crate::source::Span;

/// `__all__ = […]`, `__all__ += […]`
pub(super) fn assigned<'t>(
    builder: &mut Builder<'_, 't>,
    target: Node<'t>,
    value: Option<Node<'t>>,
    place: Place,
) {
    let exports = place.scope == Model::MODULE
        && target.kind() == "identifier"
        && builder.text(target) == "__all__";
    if let (true, Some(value)) = (exports, value) {
        names(builder, value);
    }
}

/// `__all__.extend([…])`, `__all__.append("…")`
pub(super) fn call<'t>(
    builder: &mut Builder<'_, 't>,
    call: Node<'t>,
    function: Node<'t>,
    place: Place,
) {
    let (Some(object), Some(method)) = (
        function.child_by_field_name("object"),
        function.child_by_field_name("attribute"),
    ) else {
        return;
    };
    if place.scope != Model::MODULE || builder.text(object) != "__all__" {
        return;
    }
    if matches!(builder.text(method), "extend" | "append") {
        for argument in call
            .child_by_field_name("arguments")
            .map(children)
            .unwrap_or_default()
        {
            names(builder, argument);
        }
    }
}

/// Takes every string of a display as a name of the module; anything that is not a display of strings is built at run time.
fn names<'t>(builder: &mut Builder<'_, 't>, value: Node<'t>) {
    let mut work = vec![value];
    while let Some(node) = work.pop() {
        let node = unparenthesised(node);
        match node.kind() {
            "list" | "tuple" | "expression_list" => work.extend(children(node)),
            "binary_operator" => work.extend(
                ["left", "right"]
                    .iter()
                    .filter_map(|side| node.child_by_field_name(side)),
            ),
            "string" => match children(node).as_slice() {
                [_, content, _] if content.kind() == "string_content" => {
                    builder.refer_at(Span::from(*content), Model::MODULE, ReferenceKind::Read);
                }
                _ => builder.draft.dynamic = true,
            },
            _ => builder.draft.dynamic = true,
        }
    }
}
