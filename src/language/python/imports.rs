//! Imports, in all their forms.

use tree_sitter::Node;

use super::nodes::{children, identifier, unparenthesised};
use super::scope::{Bind, Builder, Place};
use crate::language::Code;
use crate::language::model::{BindingKind, Import, ImportKind};
use crate::source::Span;

/// The full name of what an expression means by the file's imports: `sa.text` is `sqlalchemy.text` under `import sqlalchemy as sa`.
///
/// A relative import keeps its dots (`.db.get_pool`). `None` where the name is not an import, or not always the same one.
pub(super) fn qualified(file: &Code<'_>, expression: Node<'_>) -> Option<String> {
    let mut attributes = Vec::new();
    let mut node = unparenthesised(expression);
    while node.kind() == "attribute" {
        attributes.push(file.text(node.child_by_field_name("attribute")?.into()));
        node = unparenthesised(node.child_by_field_name("object")?);
    }
    if node.kind() != "identifier" {
        return None;
    }
    let reference = file.reference_at(node.into())?;
    let mut name: Option<String> = None;
    for binding in file.model.bindings_of(reference.target?, &reference.name) {
        let import = file.import_of(binding)?;
        let full = full_name(import);
        if name.get_or_insert_with(|| full.clone()) != &full {
            return None;
        }
    }
    let mut name = name?;
    for attribute in attributes.iter().rev() {
        name.push('.');
        name.push_str(attribute);
    }
    Some(name)
}

/// What the local name of an import stands for.
fn full_name(import: &Import) -> String {
    let module = format!("{}{}", ".".repeat(import.level), import.module);
    match &import.kind {
        ImportKind::Name { name } if import.module.is_empty() => format!("{module}{name}"),
        ImportKind::Name { name } => format!("{module}.{name}"),
        ImportKind::Module { aliased: false } => import.local.clone(),
        ImportKind::Module { aliased: true } | ImportKind::Star => module,
    }
}

/// Whether a condition holds only for type checkers: `TYPE_CHECKING`, `typing.TYPE_CHECKING`.
pub(super) fn is_type_checking(condition: Node<'_>, source: &str) -> bool {
    let condition = unparenthesised(condition);
    let name = match condition.kind() {
        "identifier" => Some(condition),
        "attribute" => condition.child_by_field_name("attribute"),
        _ => None,
    };
    name.is_some_and(|name| Span::from(name).text(source) == "TYPE_CHECKING")
}

/// `import …`, `from … import …`, `from __future__ import …`
pub(super) fn import<'t>(builder: &mut Builder<'_, 't>, node: Node<'t>, place: Place) {
    let source = match node.kind() {
        "import_statement" => None,
        "future_import_statement" => Some(("__future__".to_owned(), 0)),
        _ => node
            .child_by_field_name("module_name")
            .map(|module| from_module(builder, module)),
    };
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        match child.kind() {
            "wildcard_import" => {
                let (module, level) = source.clone().unwrap_or_default();
                builder.draft.dynamic = true;
                push(
                    builder,
                    place,
                    node,
                    child,
                    module,
                    level,
                    ImportKind::Star,
                    None,
                );
            }
            "dotted_name" | "aliased_import"
                if Some(child) != node.child_by_field_name("module_name") =>
            {
                one(builder, place, node, child, source.as_ref());
            }
            _ => {}
        }
    }
}

/// One imported name, with or without `as`.
fn one<'t>(
    builder: &mut Builder<'_, 't>,
    place: Place,
    statement: Node<'t>,
    part: Node<'t>,
    from: Option<&(String, usize)>,
) {
    let alias = part.child_by_field_name("alias");
    let Some(dotted) = (match alias {
        Some(_) => part.child_by_field_name("name"),
        None => Some(part),
    }) else {
        return;
    };
    let name = dotted_text(builder, dotted);
    let Some(local) = alias.or_else(|| dotted.named_child(0)) else {
        return;
    };
    let (module, level, kind) = match from {
        Some((module, level)) => (module.clone(), *level, ImportKind::Name { name }),
        None => (
            name,
            0,
            ImportKind::Module {
                aliased: alias.is_some(),
            },
        ),
    };
    push(
        builder,
        place,
        statement,
        part,
        module,
        level,
        kind,
        Some(local),
    );
}

#[allow(clippy::too_many_arguments)] // Each is a field of the import; a struct would repeat `Import`.
fn push<'t>(
    builder: &mut Builder<'_, 't>,
    place: Place,
    statement: Node<'t>,
    part: Node<'t>,
    module: String,
    level: usize,
    kind: ImportKind,
    local: Option<Node<'t>>,
) {
    let import = Import {
        module,
        level,
        kind,
        local: local
            .map(|local| identifier(builder.text(local)).into_owned())
            .unwrap_or_default(),
        scope: place.scope,
        statement: statement.into(),
        span: part.into(),
        type_checking: place.type_checking,
        conditional: place.conditional,
    };
    let before = builder.draft.bindings.len();
    if let Some(name) = local {
        builder.bind(
            place,
            &Bind {
                name,
                kind: BindingKind::Import,
                value: None,
                annotation: None,
                opens: None,
            },
        );
    }
    // A name that the parser only supposed binds nothing.
    let binding = (builder.draft.bindings.len() > before).then_some(before);
    builder.draft.imports.push((import, binding));
}

/// The module of a `from`, and how many dots lead it.
fn from_module(builder: &Builder<'_, '_>, module: Node<'_>) -> (String, usize) {
    if module.kind() != "relative_import" {
        return (dotted_text(builder, module), 0);
    }
    let mut level = 0;
    let mut name = String::new();
    for part in children(module) {
        if part.kind() == "import_prefix" {
            level = builder.text(part).matches('.').count();
        } else {
            name = dotted_text(builder, part);
        }
    }
    (name, level)
}

/// A dotted name without the white space that may stand around its dots.
fn dotted_text(builder: &Builder<'_, '_>, node: Node<'_>) -> String {
    let parts: Vec<&str> = children(node)
        .into_iter()
        .map(|part| builder.text(part))
        .collect();
    parts.join(".")
}
