//! Session factories: values that make a session when they are called, wherever they are kept.
//!
//! Every call in a file could be one of a factory. So the names under which a project keeps factories are found first, once for a run;
//! only calls of these are followed.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::facts::World;
use crate::facts::origin;
use crate::facts::roles::Standing;
use crate::language::expression::Expression;
use crate::language::{ImportKind, Model};
use crate::project::{FileId, ParsedFile, Symbol};
use crate::source::Span;

/// How often the names may grow by aliases of the names before.
const ROUNDS: usize = 4;

/// The names under which the project keeps session factories, and of the functions that make one.
pub(super) fn names(world: World<'_>) -> Arc<BTreeSet<String>> {
    world.memo.factories.get((), || {
        let driver = world.driver;
        let mut names: BTreeSet<String> = world.config.standard.factory.iter().cloned().collect();
        let makers: BTreeSet<&str> = driver.create_pool.iter().map(String::as_str).collect();
        for _ in 0..ROUNDS {
            let before = names.len();
            for (_, file) in world.project.files() {
                let found = kept(file, &makers, &names);
                names.extend(found);
            }
            if names.len() == before {
                break;
            }
        }
        names
    })
}

/// The names of a file that hold what a maker, or one of the names that are known, gives.
fn kept(file: &ParsedFile, makers: &BTreeSet<&str>, names: &BTreeSet<String>) -> Vec<String> {
    let makes = |name: &str| makers.contains(name) || (names.contains(name) && !is_kept(name));
    let calls = file.outline.calls.iter();
    let made: BTreeSet<Span> = calls
        .filter(|call| makes(&call.name))
        .map(|call| call.span)
        .collect();
    let is_known = |value: Span| {
        let text = value.text(file.text());
        let dotted = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        made.contains(&value)
            || (text.chars().all(dotted) && names.contains(text.rsplit('.').next().unwrap_or(text)))
    };
    let bindings = file.model.bindings.iter();
    let bound = bindings.filter(|binding| binding.value.is_some_and(is_known));
    let writes = file.outline.writes.iter();
    let written = writes.filter(|write| write.value.is_some_and(is_known));
    let returns = file.outline.returns.iter();
    let returned = returns.filter(|give_back| give_back.value.is_some_and(is_known));
    let imports = file.model.imports.iter();
    let renamed = imports
        .filter(|import| matches!(&import.kind, ImportKind::Name { name } if names.contains(name)));
    let found = bound.map(|binding| binding.name.to_string());
    found
        .chain(written.map(|write| write.name.to_string()))
        .chain(returned.map(|give_back| file.model.scope(give_back.scope).name.clone()))
        .chain(renamed.map(|import| import.local.clone()))
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether a name is that of a factory itself, whose call gives a session, rather than of a function that makes a factory.
fn is_kept(name: &str) -> bool {
    !["get_", "make_", "create_", "build_"]
        .iter()
        .any(|verb| name.starts_with(verb))
}

fn last(file: &ParsedFile, span: Span) -> &str {
    let text = span.text(file.text());
    text.rsplit('.').next().unwrap_or(text).trim()
}

/// Whether what is called at `span` is a session factory.
pub(super) fn standing(world: World<'_>, id: FileId, span: Span) -> Standing {
    let file = world.project.file(id);
    // `sessionmaker(bind=engine)()`
    if let Expression::Call { callee, .. } = file.expression(span) {
        let is_maker = world
            .driver
            .create_pool
            .iter()
            .any(|maker| maker == last(file, callee));
        let made = is_maker && origin::is_pool(&origin::values(world, id, span));
        return if made {
            Standing::Site
        } else {
            Standing::Unrelated
        };
    }
    let called = last(file, span);
    if !world.linked[id.0] || !(names(world).contains(called) || named_factory(called)) {
        return Standing::Unrelated;
    }
    let values = origin::values(world, id, span);
    if origin::is_pool(&values) {
        return Standing::Site;
    }
    if let Some(what) = origin::not_a_pool(&values) {
        return Standing::Other(format!("`{called}` makes no session: {what}"));
    }
    match world.project.symbol(id, span) {
        // A function of the project makes what it returns; those who call it are no sites of the factory inside.
        Some(symbol)
            if world.project.function(&symbol, id).is_some()
                || world.project.class(&symbol, id).is_some() =>
        {
            Standing::Unrelated
        }
        _ if named_factory(called) => Standing::Site,
        _ => Standing::Unrelated,
    }
}

/// Whether a name says that it makes sessions.
pub fn named_factory(name: &str) -> bool {
    let name = name.to_lowercase().replace('_', "");
    [
        "sessionlocal",
        "sessionfactory",
        "sessionmaker",
        "asyncsessionlocal",
    ]
    .iter()
    .any(|known| name.ends_with(known))
}

/// Whether the import of the name at `span` brings a session factory in and nothing in the file reads it.
pub(super) fn unread(world: World<'_>, id: FileId, span: Span) -> Standing {
    let file = world.project.file(id);
    let name = last(file, span);
    if !names(world).contains(name) || world.standard.is_file(id) {
        return Standing::Unrelated;
    }
    let Some(import) = file
        .model
        .imports
        .iter()
        .find(|import| import.span.contains(span))
    else {
        return Standing::Unrelated;
    };
    let is_read = file
        .model
        .references_to(import.scope, &import.local)
        .next()
        .is_some();
    let symbol = world.project.name_in(id, import.scope, &import.local);
    let of_factory = match &symbol {
        Symbol::Member { file, name } => {
            origin::is_pool(&origin::variable(world, *file, Model::MODULE, name))
        }
        _ => world.config.standard.factory.as_deref() == Some(name),
    };
    if is_read || !of_factory {
        return Standing::Unrelated;
    }
    Standing::Site
}
