//! Imports that rewrites need, and imports that rewrites orphan: the only place that asks for edits of import statements. How such an
//! edit is written is the language's.
//!
//! A rewrite asks for a name and is told under which local name it will be visible at its site; where the import goes is decided here,
//! once for all rewrites of a file, so that nothing is added twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::edit::Edit;
use crate::finding::NeededImport;
use crate::language::import::{ImportChange, ImportPlace, ModuleNames};
use crate::language::{BindingKind, Import, ImportKind, Model, ScopeId};
use crate::project::{FileId, ParsedFile, Project, Symbol};
use crate::source::Span;

/// The standard module, as an import names it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// How it is imported unless the file has a spelling of its own.
    pub module: &'a str,
    /// Its file, if it is part of the project.
    pub path: Option<&'a str>,
}

/// How a name is reached at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// What to write there.
    pub local: String,
    /// The import that has to be added; `None` if the name is visible already.
    pub needed: Option<NeededImport>,
}

/// How `name` of the target module is reached at `at`.
///
/// # Errors
/// When the name means something else there: the text says what.
pub fn reach(
    project: &Project,
    id: FileId,
    target: Target<'_>,
    name: &str,
    at: usize,
) -> Result<Reach, String> {
    let file = project.file(id);
    let scope = file.model.scope_at(at);
    if let Some(local) = visible(project, id, target, name, at) {
        return Ok(Reach {
            local,
            needed: None,
        });
    }
    if let Some(owner) = file.model.resolve(scope, name) {
        let binding = file
            .model
            .bindings_of(owner, name)
            .find(|binding| !is_import_of(project, id, target, name, binding.span));
        if let Some(binding) = binding {
            let line = file.source.line_of(binding.span.start);
            return Err(format!(
                "the name `{name}` means something else here (line {line})"
            ));
        }
    }
    let stars = file.model.imports.iter();
    let mut stars = stars.filter(|import| import.kind == ImportKind::Star);
    if let Some(star) = stars.find(|star| may_bring(project, id, target, name, star, STARS)) {
        let line = file.source.line_of(star.statement.start);
        return Err(format!(
            "the name `{name}` may mean something else here: `{}` may bring one in (line {line})",
            star.statement.text(file.text())
        ));
    }
    let module = spelling(project, id, target, name);
    Ok(Reach {
        local: name.to_owned(),
        needed: Some(NeededImport {
            module,
            name: name.to_owned(),
            standard: target.module.to_owned(),
            at,
        }),
    })
}

/// How many stars are followed from module to module.
const STARS: usize = 4;

/// Whether a star import may bring in a `name` that is not the target's. What lies outside of the project has other names.
fn may_bring(
    project: &Project,
    id: FileId,
    target: Target<'_>,
    name: &str,
    star: &Import,
    hops: usize,
) -> bool {
    let path = project.file(id).source.path();
    let Some(found) = project.modules().find(path, &star.module, star.level) else {
        return false;
    };
    if Some(found) == target.path {
        return false;
    }
    let (Some(other), Some(hops)) = (project.by_path(found), hops.checked_sub(1)) else {
        return true;
    };
    let model = &project.file(other).model;
    if model.resolve(Model::MODULE, name).is_some() {
        let wanted = target.path.map(|path| project.member_of(path, name));
        return wanted != Some(project.member_of(found, name));
    }
    let stars = model.imports.iter();
    stars
        .filter(|import| import.kind == ImportKind::Star)
        .any(|import| other != id && may_bring(project, other, target, name, import, hops))
}

/// The local name under which an import that runs before `at` brings in `name` of the target.
fn visible(
    project: &Project,
    id: FileId,
    target: Target<'_>,
    name: &str,
    at: usize,
) -> Option<String> {
    let file = project.file(id);
    let from = file.model.scope_at(at);
    let runs_before = |import: &&Import| {
        !import.type_checking
            && !import.conditional
            && (import.scope == Model::MODULE || import.statement.end <= at)
            && file.model.resolve(from, &import.local) == Some(import.scope)
            && file.model.bindings_of(import.scope, &import.local).count() == 1
    };
    let imports = || file.model.imports.iter().filter(runs_before);
    let by_name = imports().find(|import| {
        let named = matches!(&import.kind, ImportKind::Name { name: imported } if imported == name);
        named && means(project, id, target, name, import)
    });
    let by_module = || {
        imports().find_map(|import| {
            Some(format!(
                "{}.{name}",
                module_prefix(project, id, target, import)?
            ))
        })
    };
    by_name
        .map(|import| import.local.clone())
        .or_else(by_module)
}

/// What an import of the target module itself is reached by: `connection`, `db`, `app.db.connection`.
fn module_prefix(
    project: &Project,
    id: FileId,
    target: Target<'_>,
    import: &Import,
) -> Option<String> {
    let path = project.file(id).source.path();
    let (module, prefix) = match &import.kind {
        ImportKind::Module { aliased: true } => (import.module.clone(), import.local.clone()),
        ImportKind::Module { aliased: false } => (import.module.clone(), import.module.clone()),
        ImportKind::Name { name } if import.module.is_empty() => {
            (name.clone(), import.local.clone())
        }
        ImportKind::Name { name } => (format!("{}.{name}", import.module), import.local.clone()),
        ImportKind::Star => return None,
    };
    let found = project.modules().find(path, &module, import.level);
    (found.is_some() && found == target.path).then_some(prefix)
}

/// Whether an import of `name` comes from the target, directly or by a re-export.
fn means(project: &Project, id: FileId, target: Target<'_>, name: &str, import: &Import) -> bool {
    let path = project.file(id).source.path();
    match project.modules().find(path, &import.module, import.level) {
        Some(found) => match (project.member_of(found, name), target.path) {
            (Symbol::Unread { path, name: member }, wanted) => {
                member == name && wanted == Some(path.as_str())
            }
            (symbol @ Symbol::Member { .. }, Some(wanted)) => {
                symbol == project.member_of(wanted, name)
            }
            _ => false,
        },
        None => {
            import.level == 0
                && (import.module == target.module
                    || import.module.ends_with(&format!(".{}", target.module)))
        }
    }
}

fn is_import_of(project: &Project, id: FileId, target: Target<'_>, name: &str, span: Span) -> bool {
    let imports = &project.file(id).model.imports;
    imports
        .iter()
        .any(|import| import.span.contains(span) && means(project, id, target, name, import))
}

/// How this file spells the module that has `name`: as it does already, or else as the settings do.
fn spelling(project: &Project, id: FileId, target: Target<'_>, name: &str) -> String {
    let file = project.file(id);
    let spelled = |import: &&Import| {
        matches!(import.kind, ImportKind::Name { .. })
            && !import.type_checking
            // What only runs under a condition at the top (`if __name__ == "__main__":`) says nothing of how the module is loaded.
            && !(import.conditional && import.scope == Model::MODULE)
            && exports(project, id, target, name, import)
    };
    let direct = |import: &&Import| {
        let found = project
            .modules()
            .find(file.source.path(), &import.module, import.level);
        found.is_some() && found == target.path
    };
    let imports = &file.model.imports;
    let best = imports
        .iter()
        .filter(spelled)
        .find(direct)
        .or_else(|| imports.iter().find(spelled));
    best.map_or_else(|| target.module.to_owned(), written_module)
}

/// What speaks against the spelling of an import that is to be added: the file has another one for the module, where it is run as a program.
/// How the module is loaded otherwise, and so which of both is found, its own code does not say.
pub(super) fn spelled_otherwise(
    project: &Project,
    id: FileId,
    path: Option<&str>,
    needed: &NeededImport,
) -> Option<String> {
    let file = project.file(id);
    let is_named_so = |import: &Import| {
        import.scope == Model::MODULE
            && !import.conditional
            && written_module(import) == needed.module
    };
    if file.model.imports.iter().any(is_named_so) {
        return None;
    }
    let mut imports = file.model.imports.iter().filter(|import| {
        let found = project
            .modules()
            .find(file.source.path(), &import.module, import.level);
        import.conditional && import.scope == Model::MODULE && found.is_some() && found == path
    });
    let other = imports.find(|import| written_module(import) != needed.module)?;
    Some(format!(
        "the import names `{}`, and line {} the same module as `{}`: whether it is found where this file is loaded is not known",
        needed.module,
        file.source.line_of(other.statement.start),
        written_module(other)
    ))
}

/// The module of an import as it is written, dots included.
fn written_module(import: &Import) -> String {
    format!("{}{}", ".".repeat(import.level), import.module)
}

/// Whether the module that `import` names has `name` of the target.
fn exports(project: &Project, id: FileId, target: Target<'_>, name: &str, import: &Import) -> bool {
    let path = project.file(id).source.path();
    let found = project.modules().find(path, &import.module, import.level);
    match found {
        Some(found) if Some(found) == target.path => true,
        Some(found) => {
            // A package around the module may re-export the name on purpose; another module that only imports it does not.
            let package = found
                .strip_suffix("__init__.py")
                .filter(|folder| target.path.is_some_and(|path| path.starts_with(*folder)));
            let bound = package.is_some()
                && project.by_path(found).is_some_and(|file| {
                    project
                        .file(file)
                        .model
                        .resolve(Model::MODULE, name)
                        .is_some()
                });
            bound && means(project, id, target, name, import)
        }
        None => import.level == 0 && import.module == target.module,
    }
}

/// The edits of a file's import statements that its rewrites ask for; `targets` are the standard modules of the migrations.
///
/// `removed` are the spans that the rewrites take out or replace: a name whose every reference lies in one of them is orphaned.
/// `kept` names the texts that rewrites put in, so that a name which new text still uses is not taken for orphaned.
pub fn edits(
    project: &Project,
    id: FileId,
    targets: &[Target<'_>],
    needed: &BTreeSet<NeededImport>,
    removed: &[Span],
    inserted: &[(usize, &str)],
) -> Vec<Edit> {
    let file = project.file(id);
    let mut statements: BTreeMap<Span, ImportChange> = BTreeMap::new();
    for import in orphans(project, id, removed, inserted) {
        statements
            .entry(import.statement)
            .or_default()
            .drop
            .insert(import.span);
    }
    let mut fresh: BTreeMap<ImportPlace, ModuleNames> = BTreeMap::new();
    let mut placed: BTreeSet<(Option<ScopeId>, String)> = BTreeSet::new();
    for import in needed {
        // What is of no standard module is of a library.
        let own = targets.iter().find(|own| own.module == import.standard);
        let target = own.copied().unwrap_or(Target {
            module: &import.standard,
            path: None,
        });
        // An import further down would make the name local to the function, which does not have it yet at the site.
        for later in later_imports(project, id, target, import) {
            let change = statements.entry(later.statement).or_default();
            change.drop.insert(later.span);
        }
        let hosts = hosts(project, id, target, import);
        if hosts.is_empty() {
            let place = place(project, id, target, import);
            fresh
                .entry(place)
                .or_default()
                .entry(import.module.clone())
                .or_default()
                .insert(import.name.clone());
        }
        let once = (hosts.first().map(|host| host.scope), import.name.clone());
        if placed.insert(once) || hosts.iter().any(|host| host.conditional) {
            for host in hosts {
                statements
                    .entry(host.statement)
                    .or_default()
                    .add
                    .insert(import.name.clone());
            }
        }
    }
    let mut edits: Vec<Edit> = Vec::new();
    for (statement, change) in &statements {
        edits.extend(file.language.change_import(file.code(), *statement, change));
    }
    for (place, names) in fresh {
        // What takes the place of an import that goes needs no empty line before it.
        let place = match place {
            ImportPlace::Apart(statement) if goes(file, statement, &statements) => {
                ImportPlace::Behind(statement)
            }
            other => other,
        };
        edits.push(file.language.add_imports(file.code(), place, &names));
    }
    edits
}

/// The imports of a needed name that its function has behind the site.
fn later_imports<'p>(
    project: &'p Project,
    id: FileId,
    target: Target<'_>,
    needed: &NeededImport,
) -> Vec<&'p Import> {
    let model = &project.file(id).model;
    let scope = model.scope_at(needed.at);
    let owner = model.resolve(scope, &needed.name);
    let Some(owner) = owner.filter(|owner| *owner != Model::MODULE) else {
        return Vec::new();
    };
    let imports = model.imports.iter().filter(|import| {
        let named = matches!(&import.kind, ImportKind::Name { name } if *name == needed.name);
        named
            && import.scope == owner
            && import.local == needed.name
            && import.statement.start >= needed.at
    });
    imports
        .filter(|import| means(project, id, target, &needed.name, import))
        .collect()
}

/// Whether nothing is left of an import statement.
fn goes(file: &ParsedFile, statement: Span, changes: &BTreeMap<Span, ImportChange>) -> bool {
    changes.get(&statement).is_some_and(|change| {
        let imports = file.model.imports.iter();
        let mut own = imports.filter(|import| import.statement == statement);
        change.add.is_empty() && own.all(|import| change.drop.contains(&import.span))
    })
}

/// The imports that the rewrites orphan: read before, read by nothing any more.
fn orphans<'p>(
    project: &'p Project,
    id: FileId,
    removed: &[Span],
    inserted: &[(usize, &str)],
) -> Vec<&'p Import> {
    let file = project.file(id);
    let model = &file.model;
    let gone = |span: Span| removed.iter().any(|removed| removed.contains(span));
    // A name in a function is seen by what is called there, one of the module from everywhere.
    let is_observed = |scope: ScopeId| file.is_observed(model.scope(scope).body);
    let orphaned = model.imports.iter().filter(|import| {
        if matches!(import.kind, ImportKind::Star)
            || gone(import.statement)
            || is_observed(import.scope)
        {
            return false;
        }
        let other_binding = model
            .bindings_of(import.scope, &import.local)
            .any(|b| b.kind != BindingKind::Import);
        let is_declared = model
            .declarations_of(import.scope, &import.local)
            .any(|declared| !gone(declared.span));
        let mut references = model.references_to(import.scope, &import.local).peekable();
        let read_before = references.peek().is_some();
        // In each branch the same import: they go together.
        let several = model
            .imports
            .iter()
            .filter(|o| o.scope == import.scope && o.local == import.local)
            .any(|o| {
                let same =
                    (&o.module, o.level, &o.kind) == (&import.module, import.level, &import.kind);
                !same || (import.scope == Model::MODULE && o.span != import.span)
            });
        read_before
            && !other_binding
            && !is_declared
            && !several
            && references.all(|reference| gone(reference.span))
            && !inserted.iter().any(|(at, text)| {
                let scope = model.scope_at(*at);
                model.ancestors(scope).any(|scope| scope == import.scope)
                    && mentions(text, &import.local)
            })
            && !is_given_on(file, import)
            && (import.scope != Model::MODULE || !may_be_read_outside(project, file, &import.local))
    });
    orphaned.collect()
}

/// Whether an import says that others may take the name from here: `from a import b as b`.
fn is_given_on(file: &ParsedFile, import: &Import) -> bool {
    let named = matches!(&import.kind, ImportKind::Name { name } if *name == import.local);
    named && import.span.text(file.text()).trim() != import.local
}

/// Whether something outside of the file may read `name` of its module.
pub(super) fn is_taken_from(project: &Project, id: FileId, name: &str) -> bool {
    let file = project.file(id);
    may_be_read_outside(project, file, name)
        || project.links().quoting(file.source.path(), name).is_some()
}

/// Whether another file takes `name` from the module, or may by a text.
fn may_be_read_outside(project: &Project, file: &ParsedFile, name: &str) -> bool {
    is_imported_from(project, file, name) || project.links().reading(name).next().is_some()
}

/// The edits that take one name out of its import.
pub(super) fn without(file: &ParsedFile, import: &Import) -> Vec<Edit> {
    let mut change = ImportChange::default();
    change.drop.insert(import.span);
    file.language
        .change_import(file.code(), import.statement, &change)
}

/// Whether another file takes `name` from this one: by an import, a star, or as an attribute of the module.
fn is_imported_from(project: &Project, file: &ParsedFile, name: &str) -> bool {
    let path = file.source.path();
    // What a package imports, it gives on.
    path.ends_with("/__init__.py")
        || project
            .files()
            .filter(|(_, other)| other.source.path() != path)
            .any(|(id, other)| {
                let from_here = |import: &&Import| {
                    project
                        .modules()
                        .find(other.source.path(), &import.module, import.level)
                        == Some(path)
                };
                let by_name =
                    other
                        .model
                        .imports
                        .iter()
                        .filter(from_here)
                        .any(|import| match &import.kind {
                            ImportKind::Name { name: imported } => imported == name,
                            ImportKind::Star => true,
                            ImportKind::Module { .. } => false,
                        });
                let by_module = other
                    .outline
                    .reads
                    .iter()
                    .filter(|read| read.name == name)
                    .any(|read| {
                        project.symbol(id, read.object)
                            == Some(Symbol::Module {
                                path: path.to_owned(),
                            })
                    });
                by_name || by_module
            })
}

/// Whether `name` stands in `text` as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let behind = text[at + name.len()..].chars().next();
        !before.is_some_and(word) && !behind.is_some_and(word)
    })
}

/// The import statements that a needed name joins: one that surely runs; or, where the file imports from the module only under conditions
/// (`try: … except ImportError:`), all of those, so that the name is there whenever the others are.
fn hosts<'p>(
    project: &'p Project,
    id: FileId,
    target: Target<'_>,
    needed: &NeededImport,
) -> Vec<&'p Import> {
    let file = project.file(id);
    let scope = file.model.scope_at(needed.at);
    let visible = |import: &&Import| {
        let around = file
            .model
            .ancestors(scope)
            .any(|ancestor| ancestor == import.scope);
        matches!(import.kind, ImportKind::Name { .. })
            && !import.type_checking
            && around
            && (import.scope == Model::MODULE || import.statement.end <= needed.at)
    };
    let mut certain: Vec<&Import> = file
        .model
        .imports
        .iter()
        .filter(|import| {
            visible(import) && !import.conditional && written_module(import) == needed.module
        })
        .collect();
    // The module's import serves all; else the nearest one before the site.
    certain.sort_by_key(|import| {
        (
            import.scope != Model::MODULE,
            std::cmp::Reverse(import.statement.start),
        )
    });
    if let Some(host) = certain.first() {
        return vec![*host];
    }
    let mut guarded: Vec<&Import> = file
        .model
        .imports
        .iter()
        .filter(|import| {
            visible(import)
                // In a function a further import would make the name local to all of it.
                && import.scope == Model::MODULE
                && import.conditional
                && !file
                    .language
                    .runs_as_program(file.code(), import.statement)
                && exports(project, id, target, &needed.name, import)
        })
        .collect();
    guarded.dedup_by_key(|import| import.statement);
    guarded
}

/// The place for an import that no statement can host: grouped with imports from the same package, else behind the last import, else
/// behind the docstring. A file that imports from that module only inside functions does so to avoid a cycle; there, and where the import
/// would be the first to close one, it goes to the head of the function.
fn place(project: &Project, id: FileId, target: Target<'_>, needed: &NeededImport) -> ImportPlace {
    let file = project.file(id);
    let model = &file.model;
    let package = |module: &str| {
        module
            .trim_start_matches('.')
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let mut from_target = model
        .imports
        .iter()
        .filter(|import| {
            matches!(import.kind, ImportKind::Name { .. })
                && exports(project, id, target, &needed.name, import)
        })
        .peekable();
    let local_habit =
        from_target.peek().is_some() && from_target.all(|import| import.scope != Model::MODULE);
    let module_level: Vec<&Import> = model
        .imports
        .iter()
        .filter(|import| {
            import.scope == Model::MODULE && !import.type_checking && !import.conditional
        })
        .collect();
    let is_local = local_habit || comes_round(project, id, target);
    if is_local && let Some(place) = function_head(file, needed.at) {
        return place;
    }
    let wanted = package(&needed.module);
    let relative = needed.module.starts_with('.');
    let related = |import: &&&Import| {
        (import.level > 0) == relative && (relative || package(&import.module) == wanted)
    };
    let kin = module_level.iter().rfind(related);
    match (kin, module_level.last()) {
        (Some(import), _) => ImportPlace::Behind(import.statement),
        (None, Some(import)) => ImportPlace::Apart(import.statement),
        (None, None) => file
            .language
            .import_anchor(file.code())
            .map_or_else(|| ImportPlace::Top, ImportPlace::Apart),
    }
}

/// Whether the target module imports a file when it is loaded, directly or by others: at the head of that file, an import of it would ask a
/// module that is not complete yet.
fn comes_round(project: &Project, id: FileId, target: Target<'_>) -> bool {
    let goal = project.file(id).source.path();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<String> = target.path.iter().map(|path| (*path).to_owned()).collect();
    while let Some(path) = open.pop() {
        let Some(file) = project.by_path(&path) else {
            continue;
        };
        let model = &project.file(file).model;
        let loaded = model
            .imports
            .iter()
            .filter(|import| import.scope == Model::MODULE && !import.type_checking);
        for import in loaded {
            let find = |module: &str| project.modules().find(&path, module, import.level);
            let inside = match &import.kind {
                // `from app import infra` loads the module of that name.
                ImportKind::Name { name } => {
                    let dot = if import.module.is_empty() { "" } else { "." };
                    find(&format!("{}{dot}{name}", import.module))
                }
                _ => None,
            };
            for found in find(&import.module).into_iter().chain(inside) {
                if found == goal {
                    return true;
                }
                if seen.insert(found.to_owned()) {
                    open.push(found.to_owned());
                }
            }
        }
    }
    false
}

/// The place for an import inside the function around `at`: at its head, behind the docstring; or, where exceptions are caught around `at`, at
/// the head of that body, so that an import that fails is caught as before.
fn function_head(file: &ParsedFile, at: usize) -> Option<ImportPlace> {
    let function = file.function_at(at)?;
    let body = file.model.scope(function).body;
    let here = Span::at(at);
    let caught = file
        .language
        .catches(file.code(), body)
        .into_iter()
        .find(|catch| catch.handles && catch.body.contains(here));
    let first = file
        .language
        .first_statement(file.code(), caught.map_or(body, |catch| catch.body))?;
    // A one-line body has no line to put an import on.
    let line = file.source.line_start(first.start);
    let own_line = file.text()[line..first.start]
        .chars()
        .all(char::is_whitespace);
    own_line.then_some(ImportPlace::Before(first.start))
}
