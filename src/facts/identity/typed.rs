//! The user in languages that declare types: whether the expression is there, of which type it is, and whether it can be missing.

use crate::facts::World;
use crate::facts::types::{Kind, Type, Types, last_part, shown};
use crate::finding::Identity;
use crate::language::usage::Usage;
use crate::language::{Binding, BindingKind, Model, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId};
use crate::source::Span;

/// Types that are copied where they are used, and can be written as text.
const PLAIN: [&str; 14] = [
    "Uuid", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
    "bool",
];

/// Types of text.
const TEXTS: [&str; 3] = ["String", "str", "Cow"];

/// Types by which a framework hands over what whoever sends the request has chosen.
const CHOSEN: [&str; 4] = ["Path", "Query", "Json", "Form"];

/// Tries one expression of the settings at a place.
pub(super) fn candidate(
    world: World<'_>,
    id: FileId,
    at: Span,
    expression: &str,
) -> Option<Identity> {
    let file = world.project.file(id);
    let (root, rest) = parts(expression);
    let from = file.model.scope_at(at.start);
    let (owner, binding) = bound(world, id, from, root)?;
    let found = type_of(world, id, at, expression)?;
    let optional = |why: String| {
        Some(Identity::Optional {
            expression: expression.to_owned(),
            why,
        })
    };
    let declared = binding.annotation.map_or("", |span| span.text(file.text()));
    let head = declared.split('<').next().unwrap_or_default();
    let head = head.rsplit("::").next().unwrap_or(head).trim();
    if CHOSEN.contains(&head) {
        return optional(format!(
            "`{root}` is a part of the request, which the caller chooses"
        ));
    }
    if let Type::Named { name, .. } = &found
        && last_part(name) == "Option"
    {
        return optional(format!("`{expression}` is an `Option`"));
    }
    if let Type::Unknown(why) = &found {
        return optional(format!("the type of `{expression}` is not seen: {why}"));
    }
    let mut between = file
        .model
        .ancestors(from)
        .take_while(|scope| *scope != owner);
    if between.any(|scope| file.model.scope(scope).kind == ScopeKind::Lambda) {
        return optional(format!(
            "`{root}` is captured by a closure or a task here, which may have to own it"
        ));
    }
    if let Some(line) = moved(world, id, owner, root, rest, at, &found) {
        // Behind a move that is certain the code would not compile with it.
        let whole = Types::new(world.project, world.driver).of_binding(id, binding);
        if matches!(whole, Type::Named { class: Some(_), .. }) {
            return None;
        }
        return optional(format!("`{root}` may have been moved away in line {line}"));
    }
    Some(Identity::Bound {
        expression: expression.to_owned(),
    })
}

/// The name that an expression begins with, and what is read from it.
fn parts(expression: &str) -> (&str, &str) {
    let end = expression.find('.').unwrap_or(expression.len());
    expression.split_at(end)
}

/// The variable of a function that `root` means in a scope.
fn bound<'w>(
    world: World<'w>,
    id: FileId,
    from: ScopeId,
    root: &str,
) -> Option<(ScopeId, &'w Binding)> {
    let file = world.project.file(id);
    let owner = file.model.resolve(from, root)?;
    let kind = file.model.scope(owner).kind;
    if owner == Model::MODULE || matches!(kind, ScopeKind::Class | ScopeKind::Namespace) {
        return None;
    }
    let binding = file.model.bindings_of(owner, root).next()?;
    let is_variable = !matches!(
        binding.kind,
        BindingKind::Import | BindingKind::Function | BindingKind::Class | BindingKind::Type
    );
    is_variable.then_some((owner, binding))
}

/// The type of an expression of the settings at a place; `None` where the type of its root is known and has no such field.
pub fn type_of(world: World<'_>, id: FileId, at: Span, expression: &str) -> Option<Type> {
    let file = world.project.file(id);
    let types = Types::new(world.project, world.driver);
    let (root, rest) = parts(expression);
    let from = file.model.scope_at(at.start);
    let (_, binding) = bound(world, id, from, root)?;
    let mut found = types.of_binding(id, binding);
    for part in rest.split('.').filter(|part| !part.is_empty()) {
        let owner = types.plain(&found);
        found = match &owner {
            Type::Named {
                class: Some(class), ..
            } => {
                let method = part.strip_suffix("()");
                match method {
                    Some(method) => types.result(types.method(*class, method)?)?,
                    None => types.field(*class, part)?,
                }
            }
            Type::Named { name, .. } if is_plain(name) => return None,
            _ => Type::Unknown(format!("the field `{part}` of {}", shown(&owner))),
        };
    }
    Some(found)
}

fn is_plain(name: &str) -> bool {
    PLAIN.contains(&last_part(name)) || TEXTS.contains(&last_part(name))
}

/// Whether a value of a type is copied where it is used.
pub fn is_copied(world: World<'_>, found: &Type) -> bool {
    match found {
        Type::Named {
            is_reference: true, ..
        } => true,
        Type::Named {
            class: Some(class), ..
        } => derives(world, *class, "Copy"),
        Type::Named { name, .. } => PLAIN.contains(&last_part(name)),
        Type::Promise(_) | Type::Unknown(_) => false,
    }
}

/// Why a value of a type can not be seen to be written as text.
pub fn not_as_text(world: World<'_>, found: &Type) -> Option<String> {
    let types = Types::new(world.project, world.driver);
    match &types.plain(found) {
        Type::Named {
            class: Some(class), ..
        } => {
            let own = world.project.file(class.file).model.scope(class.scope);
            let is_text = derives(world, *class, "Display") || implements(world, *class, "Display");
            (!is_text).then(|| format!("`{}` is not seen to implement `Display`", own.name))
        }
        Type::Named { name, .. } if is_plain(name) => None,
        other => Some(format!(
            "nothing shows that {} implements `Display`",
            shown(other)
        )),
    }
}

fn derives(world: World<'_>, class: ClassRef, wanted: &str) -> bool {
    let file = world.project.file(class.file);
    let attributes = file.model.scope(class.scope).decorators.iter();
    let mut texts = attributes.map(|span| span.text(file.text()));
    texts.any(|text| {
        let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        text.trim_start().starts_with("derive") && words.any(|word| word == wanted)
    })
}

fn implements(world: World<'_>, class: ClassRef, wanted: &str) -> bool {
    let own = &world.project.file(class.file).model.scope(class.scope).name;
    world.project.files().any(|(_, file)| {
        file.model.scopes.iter().any(|scope| {
            scope.name == *own
                && scope.bases.get(1).is_some_and(|base| {
                    let text = base.text(file.text());
                    text.rsplit("::").next() == Some(wanted)
                })
        })
    })
}

/// The line before the site in which the identity may be moved to somebody else.
fn moved(
    world: World<'_>,
    id: FileId,
    owner: ScopeId,
    root: &str,
    rest: &str,
    at: Span,
    found: &Type,
) -> Option<usize> {
    let file = world.project.file(id);
    let types = Types::new(world.project, world.driver);
    let whole = types.of_binding(id, bound(world, id, owner, root)?.1);
    if is_copied(world, &whole) || types.kind_of(&whole) == Kind::Pool {
        return None;
    }
    let mut references = file.model.references_to(owner, root);
    let moving = references.find(|reference| {
        if reference.span.start >= at.start {
            return false;
        }
        let before = file.text()[..reference.span.start].trim_end();
        if before.ends_with('&') || before.ends_with("&mut") {
            return false;
        }
        if file.language.is_in_tokens(file.code(), reference.span) {
            return false;
        }
        match file.language.usage(file.code(), reference.span) {
            Usage::Argument { .. } | Usage::Stored | Usage::Returned => true,
            // A pattern that takes parts out leaves those that are copied.
            Usage::Aliased => rest.is_empty() || !is_copied(world, found),
            Usage::MethodCall(call) => call.method.starts_with("into"),
            Usage::AttributeRead { name } => {
                let read = file.language.access_around(file.code(), reference.span);
                let given = read.map(|read| file.language.usage(file.code(), read));
                rest == format!(".{name}")
                    && !is_copied(world, found)
                    && matches!(
                        given,
                        Some(Usage::Argument { .. } | Usage::Stored | Usage::Aliased)
                    )
            }
            _ => false,
        }
    })?;
    Some(file.source.line_of(moving.span.start))
}
