//! Methods that lend connections, and classes of such methods, go once nothing in the project uses them.
//!
//! Whether something does is only known when the other rewrites of all files are: [`uses`] is asked of the project that these make.

use std::collections::BTreeSet;

use crate::config::Stage;
use crate::edit::Edit;
use crate::facts::World;
use crate::facts::origin::{self, Value};
use crate::language::{ImportKind, Model, ScopeId};
use crate::locate::Hit;
use crate::project::{FileId, ParsedFile, Project, Symbol};
use crate::rewrite::cleanup::{self, Dead};
use crate::source::Span;

/// A definition that may go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Definition {
    /// The names of what is around it and its own, joined by dots: how it is found again in the project that the rewrites make.
    pub dotted: String,
    /// The whole of it.
    pub span: Span,
}

/// What may go for a method that lends connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// The method itself.
    pub method: Definition,
    /// Why it could not go without the class, whatever uses it.
    pub alone: Result<(), String>,
    /// The class around it, if that could go.
    pub class: Option<Definition>,
}

/// What may go for the method at a hit.
///
/// # Errors
/// Why nothing could, whatever uses it.
pub fn definitions(world: World<'_>, id: FileId, hit: &Hit) -> Result<Doomed, String> {
    let file = world.project.file(id);
    if matches!(world.config.stage, Some(Stage::Dual | Stage::Cutover)) {
        return Err("goes in the stage `cleanup`: until then it is the way back".to_owned());
    }
    let scopes = file
        .model
        .scopes
        .iter()
        .zip(0..)
        .map(|(scope, id)| (scope, ScopeId(id)));
    let mut own = scopes.filter(|(scope, _)| scope.span == hit.site);
    let Some((scope, method)) = own.next() else {
        return Err("the definition is not one that could go".to_owned());
    };
    let around = file.model.class_around(method);
    let class = around.filter(|class| {
        let class = file.model.scope(*class);
        class.parent == Some(Model::MODULE) && class.decorators.is_empty()
    });
    let has_foreign_base = || {
        let bases = around.map(|class| file.model.scope(class).bases.as_slice());
        let mut bases = bases.unwrap_or_default().iter();
        bases.any(|base| !is_known_base(world.project, id, *base))
    };
    let alone = if !scope.decorators.is_empty() {
        Err("a decorator may have handed it on".to_owned())
    } else if has_foreign_base() {
        Err("its class has a base that is not in the project and may call it".to_owned())
    } else {
        Ok(())
    };
    let method = named(file, method).ok_or("another definition of the file has the same name")?;
    let class = class.and_then(|class| named(file, class));
    Ok(Doomed {
        method,
        alone,
        class,
    })
}

/// Whether what a class gets from a base is known: the base is of the project, or one that calls no methods of its heirs.
fn is_known_base(project: &Project, id: FileId, base: Span) -> bool {
    const QUIET: [&str; 4] = ["object", "ABC", "Protocol", "Generic"];
    let text = base.text(project.file(id).text());
    let last = text.rsplit('.').next().unwrap_or(text);
    match project.symbol(id, base) {
        Some(Symbol::External(_)) | None => QUIET.contains(&last),
        Some(symbol) => project.class(&symbol, id).is_some() || QUIET.contains(&last),
    }
}

/// The definition that opens a scope, if no other one of the file has its name.
fn named(file: &ParsedFile, id: ScopeId) -> Option<Definition> {
    let dotted = file.model.dotted(id)?;
    let span = file.model.scope(id).span;
    (find(file, &dotted) == Some(id)).then_some(Definition { dotted, span })
}

/// The scope of the definition of that name, if there is exactly one.
fn find(file: &ParsedFile, dotted: &str) -> Option<ScopeId> {
    let last = dotted.rsplit('.').next().unwrap_or(dotted);
    let scopes = file.model.scopes.iter().zip(0..);
    let alike = scopes.filter(|(scope, _)| scope.name == last);
    let mut found = alike
        .map(|(_, id)| ScopeId(id))
        .filter(|id| file.model.dotted(*id).as_deref() == Some(dotted));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// What uses a definition, or may by its name, in the project as `worlds` see it; not what the definition does itself.
pub fn uses(worlds: &[World<'_>], id: FileId, definition: &Definition) -> Vec<Use> {
    let project = worlds[0].project;
    let file = project.file(id);
    let Some(scope) = find(file, &definition.dotted) else {
        return Vec::new();
    };
    let (name, own) = (
        file.model.scope(scope).name.as_str(),
        file.model.scope(scope).span,
    );
    let is_class = file.model.class_around(scope) == Some(scope);
    let mut uses: BTreeSet<(FileId, Span)> = BTreeSet::new();
    let reads = project.reads_named(name);
    // Pools of drivers have methods of the same names.
    let reads = reads.filter(|(id, read)| is_class || !is_pool_of_driver(worlds, *id, read.object));
    uses.extend(reads.map(|(id, read)| (id, read.span)));
    let writes = project.writes_named(name);
    uses.extend(writes.map(|(id, write)| (id, write.statement)));
    let references = project.references_named(name);
    uses.extend(references.map(|(id, reference)| (id, reference.span)));
    uses.retain(|(found, span)| *found != id || !own.contains(*span));
    let at = |(file, span)| Use::At {
        name: name.to_owned(),
        file,
        span,
    };
    let mut found: Vec<Use> = uses.into_iter().map(at).collect();
    for (other, parsed) in project.files().filter(|_| is_class) {
        for import in &parsed.model.imports {
            if matches!(&import.kind, ImportKind::Name { name: imported } if imported == name) {
                let readers = parsed.model.references_to(import.scope, &import.local);
                found.push(Use::Import {
                    name: name.to_owned(),
                    file: other,
                    span: import.span,
                    readers: readers.map(|reference| reference.span).collect(),
                });
            }
        }
    }
    let links = project.links();
    let named = links.quoting(file.source.path(), name);
    let named = named.or_else(|| links.reading(name).next());
    found.extend(named.map(|path| Use::ByName(format!("{path} has `{name}` in quotes"))));
    found
}

/// A use of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// A place that has its name.
    At {
        /// The name.
        name: String,
        /// The file.
        file: FileId,
        /// The place.
        span: Span,
    },
    /// An import of its name: whoever imports it from there may use it, too. It goes with the last of its readers.
    Import {
        /// The name.
        name: String,
        /// The file.
        file: FileId,
        /// The name in the import.
        span: Span,
        /// What reads it in its file.
        readers: Vec<Span>,
    },
    /// Its name in a text; in words.
    ByName(String),
}

impl Use {
    /// The file that it stands in, where that is code.
    pub fn file(&self) -> Option<FileId> {
        match self {
            Self::At { file, .. } | Self::Import { file, .. } => Some(*file),
            Self::ByName(_) => None,
        }
    }

    /// Whether it goes when what `is_gone` says goes.
    pub fn goes(&self, is_gone: impl Fn(FileId, Span) -> bool) -> bool {
        match self {
            Self::At { file, span, .. } => is_gone(*file, *span),
            Self::Import { file, readers, .. } => {
                !readers.is_empty() && readers.iter().all(|span| is_gone(*file, *span))
            }
            Self::ByName(_) => false,
        }
    }

    /// Why the definition stays for its sake.
    pub fn told(&self, project: &Project) -> String {
        match self {
            Self::At { name, file, span }
            | Self::Import {
                name, file, span, ..
            } => {
                format!("`{name}` is still used at {}", project.place(*file, *span))
            }
            Self::ByName(words) => words.clone(),
        }
    }
}

/// Whether an object is certainly a pool that the driver made.
fn is_pool_of_driver(worlds: &[World<'_>], id: FileId, object: Span) -> bool {
    worlds.iter().any(|world| {
        let values = origin::values(*world, id, object);
        origin::is_pool(&values)
            && values
                .iter()
                .all(|value| !matches!(value, Value::Instance(_)))
    })
}

/// Where a definition stands in the project as it is by now.
pub fn span_of(project: &Project, id: FileId, definition: &Definition) -> Option<Span> {
    let file = project.file(id);
    let scope = find(file, &definition.dotted)?;
    Some(file.model.scope(scope).span)
}

/// The edits that take `definitions` of a file out, in their order, each with the definition that it is for.
pub fn removal(file: &ParsedFile, definitions: &BTreeSet<Span>) -> Vec<(Span, Edit)> {
    let dead = Dead {
        statements: definitions.clone(),
        ..Dead::default()
    };
    let mut edits = cleanup::edits(file, &dead);
    // The blank lines between two that go are taken out once.
    let mut end = 0;
    for (_, edit) in &mut edits {
        edit.span = Span::new(edit.span.start.max(end), edit.span.end);
        end = edit.span.end;
    }
    edits
}
