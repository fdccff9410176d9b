//! `use` trees in all their forms, and modules that are other files.
//!
//! Paths are written with dots, as in every model: `crate::db::Pool` is the name `Pool` of the module `crate.db`.

use tree_sitter::Node;

use super::nodes::children;
use super::scope::{Builder, Place};
use crate::language::model::{BindingKind, Import, ImportKind};
use crate::source::Span;

/// `use …;`, `extern crate …;`
pub(super) fn import<'t>(builder: &mut Builder<'_, 't>, node: Node<'t>, place: Place) {
    if node.kind() == "extern_crate_declaration" {
        if let Some(name) = node.child_by_field_name("name") {
            let local = node.child_by_field_name("alias").unwrap_or(name);
            let module = builder.text(name).to_owned();
            let kind = ImportKind::Module { aliased: true };
            let text = builder.text(local);
            push(
                builder,
                node,
                (name.into(), local.into()),
                text,
                (module, kind),
                place,
            );
        }
        return;
    }
    let Some(argument) = node.child_by_field_name("argument") else {
        return;
    };
    let mut work = vec![(argument, String::new())];
    while let Some((part, prefix)) = work.pop() {
        match part.kind() {
            "use_list" => {
                let parts = children(part).into_iter();
                work.extend(parts.map(|inner| (inner, prefix.clone())));
            }
            "scoped_use_list" => {
                let path = part.child_by_field_name("path");
                let path = path.map_or("", |path| builder.text(path));
                if let Some(list) = part.child_by_field_name("list") {
                    work.push((list, join(&prefix, path)));
                }
            }
            "use_wildcard" => {
                let path = children(part)
                    .first()
                    .map_or("", |path| builder.text(*path));
                let module = join(&prefix, path);
                builder.dynamic = true;
                let found = (module, ImportKind::Star);
                push(builder, node, (part.into(), part.into()), "", found, place);
            }
            "use_as_clause" => {
                let path = part.child_by_field_name("path");
                let alias = part.child_by_field_name("alias");
                if let (Some(path), Some(alias)) = (path, alias) {
                    let local = builder.text(alias);
                    let found = split(&join(&prefix, builder.text(path)));
                    push(
                        builder,
                        node,
                        (part.into(), alias.into()),
                        local,
                        found,
                        place,
                    );
                }
            }
            _ => {
                let found = split(&join(&prefix, builder.text(part)));
                let local = local_name(&found);
                let name = part.child_by_field_name("name").unwrap_or(part);
                push(
                    builder,
                    node,
                    (part.into(), name.into()),
                    &local,
                    found,
                    place,
                );
            }
        }
    }
}

/// `mod name;`
pub(super) fn module<'t>(
    builder: &mut Builder<'_, 't>,
    node: Node<'t>,
    name: Node<'t>,
    place: Place,
) {
    let text = builder.text(name);
    let found = (format!("self.{text}"), ImportKind::Module { aliased: true });
    push(
        builder,
        node,
        (name.into(), name.into()),
        text,
        found,
        place,
    );
}

/// A path as seen from the file, for one that is written in `inner` modules inside each other: there `super` is the module around.
fn from_file(module: String, inner: usize) -> String {
    let parts: Vec<&str> = module.split('.').collect();
    let supers = parts.iter().take_while(|part| **part == "super").count();
    if inner == 0 || supers == 0 {
        return module;
    }
    let rest = &parts[supers.min(inner)..];
    match rest.first() {
        Some(&"super") => rest.join("."),
        _ => [&["self"], rest].concat().join("."),
    }
}

fn join(prefix: &str, path: &str) -> String {
    let plain: String = path.chars().filter(|c| !c.is_whitespace()).collect();
    let dotted = plain.trim_start_matches("::").replace("::", ".");
    match (prefix.is_empty(), dotted.is_empty()) {
        (true, _) => dotted,
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}.{dotted}"),
    }
}

/// The module that a whole path names, and what of it.
fn split(path: &str) -> (String, ImportKind) {
    match path.rsplit_once('.') {
        Some((module, "self")) => (module.to_owned(), ImportKind::Module { aliased: true }),
        Some((module, name)) => {
            let name = name.to_owned();
            (module.to_owned(), ImportKind::Name { name })
        }
        None => (path.to_owned(), ImportKind::Module { aliased: true }),
    }
}

fn local_name((module, kind): &(String, ImportKind)) -> String {
    match kind {
        ImportKind::Name { name } => name.clone(),
        _ => module.rsplit('.').next().unwrap_or_default().to_owned(),
    }
}

fn push<'t>(
    builder: &mut Builder<'_, 't>,
    statement: Node<'t>,
    (span, name): (Span, Span),
    local: &str,
    (module, kind): (String, ImportKind),
    place: Place,
) {
    if kind != ImportKind::Star {
        builder.bind(name, local, BindingKind::Import, (None, None), place);
    }
    let module = from_file(module, builder.namespaces(place.scope));
    let conditional = statement.prev_named_sibling().is_some_and(|before| {
        before.kind() == "attribute_item" && builder.text(before).contains("cfg")
    });
    builder.imports.push(Import {
        module,
        level: 0,
        kind,
        local: if local == "_" {
            String::new()
        } else {
            local.to_owned()
        },
        scope: place.scope,
        statement: statement.into(),
        span,
        type_checking: false,
        conditional,
    });
}
