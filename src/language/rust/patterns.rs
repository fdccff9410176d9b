//! What a pattern binds: of `let`, `match`, parameters and loops, however nested.

use tree_sitter::Node;

use super::nodes::children;
use super::scope::{Builder, Place};
use crate::language::model::BindingKind;
use crate::source::Span;

/// Binds the names in `pattern`. `known` is the value that is matched, and its type.
pub(super) fn bind<'t>(
    builder: &mut Builder<'_, 't>,
    pattern: Node<'t>,
    kind: BindingKind,
    known: (Option<Span>, Option<Span>),
    place: Place,
) {
    let mut work = vec![(pattern, known)];
    while let Some((node, known)) = work.pop() {
        let parts = children(node);
        match node.kind() {
            "identifier" | "shorthand_field_identifier" => {
                let text = builder.text(node);
                // A name with a capital is a constant or a variant that is compared with.
                if text.starts_with(char::is_uppercase) {
                    builder.later(node, place);
                } else {
                    builder.bind(node.into(), text, kind, known, place);
                }
            }
            "mut_pattern" | "ref_pattern" | "reference_pattern" | "match_pattern" => {
                work.extend(parts.into_iter().map(|part| (part, known)));
            }
            "captured_pattern" => {
                let mut parts = parts.into_iter();
                work.extend(parts.next().map(|name| (name, known)));
                work.extend(parts.map(|part| (part, (None, None))));
            }
            "tuple_struct_pattern" => {
                let path = node.child_by_field_name("type");
                let name = path.map_or("", |path| builder.text(path));
                // The value inside is what following a connection asks for; an extractor's type names what it extracts.
                let value = known.0.filter(|_| matches!(name, "Some" | "Ok"));
                let fields: Vec<_> = parts.into_iter().filter(|p| Some(*p) != path).collect();
                let written = |span: &Span| span.text(builder.source).contains('<');
                let annotation = known.1.filter(|span| fields.len() == 1 && written(span));
                if let Some(path) = path {
                    builder.later(path, place);
                }
                work.extend(fields.into_iter().map(|field| (field, (value, annotation))));
            }
            "struct_pattern" => {
                let path = node.child_by_field_name("type");
                for part in parts {
                    if Some(part) == path {
                        builder.later(part, place);
                    } else {
                        work.push((part, (None, None)));
                    }
                }
            }
            "field_pattern" => {
                if let Some(inner) = node.child_by_field_name("pattern") {
                    work.push((inner, (None, None)));
                } else {
                    let named = parts
                        .into_iter()
                        .filter(|part| part.kind() == "shorthand_field_identifier");
                    work.extend(named.map(|part| (part, (None, None))));
                }
            }
            "tuple_pattern" | "slice_pattern" | "or_pattern" => {
                work.extend(parts.into_iter().map(|part| (part, (None, None))));
            }
            "mutable_specifier" | "remaining_field_pattern" => {}
            _ => builder.later(node, place),
        }
    }
}
