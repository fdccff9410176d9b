//! How a function of the standard module is reached where its module is named on the way: `db::rls::begin`.
//!
//! A file that has the module in sight names it as it does already; another one imports the module, or writes the whole path where its name
//! is taken.

use crate::finding::NeededImport;
use crate::language::{BindingKind, Import, ImportKind, ScopeId};
use crate::project::{FileId, Project, Symbol};
use crate::rewrite::imports::{Reach, Target};

/// How `name` of the target module, whose parts are joined by `::`, is reached at `at`.
///
/// # Errors
/// When the module cannot be reached from the file.
pub(super) fn reach(
    project: &Project,
    id: FileId,
    target: Target<'_>,
    name: &str,
    at: usize,
) -> Result<Reach, String> {
    let file = project.file(id);
    let scope = file.model.scope_at(at);
    if let Some(local) = in_sight(project, id, target, name, scope) {
        return Ok(Reach {
            local,
            needed: None,
        });
    }
    let module = from_here(project, id, target)?;
    let (around, last) = module.rsplit_once('.').unwrap_or(("", &module));
    // A variable of the name is no hindrance: it cannot begin a path.
    let is_taken = file.model.resolve(scope, last).is_some_and(|owner| {
        let mut bindings = file.model.bindings_of(owner, last);
        bindings.any(|binding| {
            matches!(
                binding.kind,
                BindingKind::Import | BindingKind::Class | BindingKind::Type
            )
        })
    });
    if is_taken || around.is_empty() {
        return Ok(Reach {
            local: format!("{}::{name}", module.replace('.', "::")),
            needed: None,
        });
    }
    Ok(Reach {
        local: format!("{last}::{name}"),
        needed: Some(NeededImport {
            module: around.to_owned(),
            name: last.to_owned(),
            standard: target.module.to_owned(),
            at,
        }),
    })
}

/// The shortest way over an import that is seen in `scope`: of the function itself, of the part of the module that has it, of the module.
fn in_sight(
    project: &Project,
    id: FileId,
    target: Target<'_>,
    name: &str,
    scope: ScopeId,
) -> Option<String> {
    let path = target.path?;
    let file = project.file(id);
    let seen = |import: &&Import| {
        !import.conditional
            && import.kind != ImportKind::Star
            && file.model.resolve(scope, &import.local) == Some(import.scope)
            && file.model.bindings_of(import.scope, &import.local).count() == 1
    };
    let symbols: Vec<(&str, Symbol)> = file
        .model
        .imports
        .iter()
        .filter(seen)
        .map(|import| {
            let symbol = project.name_in(id, import.scope, &import.local);
            (import.local.as_str(), symbol)
        })
        .collect();
    let by = |wanted: &Symbol| {
        let mut found = symbols.iter().filter(|(_, symbol)| symbol == wanted);
        found.next().map(|(local, _)| *local)
    };
    // From the whole path to its end: `rls::begin`, then `begin`.
    let mut rest = name;
    let mut around = Symbol::Module {
        path: path.to_owned(),
    };
    loop {
        if let Some(local) = by(&around) {
            return Some(format!("{local}::{rest}"));
        }
        let Some((part, behind)) = rest.split_once("::") else {
            break;
        };
        let Symbol::Module { path } = &around else {
            break;
        };
        around = project.member_of(path, part);
        rest = behind;
    }
    by(&project.below(path, name)).map(str::to_owned)
}

/// The dotted path by which the module is reached from a file.
fn from_here(project: &Project, id: FileId, target: Target<'_>) -> Result<String, String> {
    let from = project.file(id).source.path();
    let Some(path) = target.path else {
        return Ok(target.module.to_owned());
    };
    let Some((module, is_own_package)) = project.modules().path_to(from, path) else {
        return Ok(target.module.to_owned());
    };
    let root = module.split('.').next().unwrap_or(&module);
    let is_used = || {
        project.files().any(|(_, file)| {
            project.modules().are_of_one_crate(from, file.source.path())
                && file.text().contains(&format!("{root}::"))
        })
    };
    if is_own_package || is_used() {
        return Ok(module);
    }
    Err(format!(
        "`{root}`, which has the standard module, is not seen to be a dependency of this crate"
    ))
}
