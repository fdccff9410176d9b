//! What the project as a whole knows: its parsed files, whose name is whose, who calls whom.
//!
//! Built in the first pass from the files that recipes can match, and from those that mention what the pools flow through. Knows no
//! recipe and decides nothing.

mod links;
mod modules;
mod room;
mod symbols;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tree_sitter::Tree;

use crate::language::expression::{AttributeRead, AttributeWrite, Expression, Outline};
use crate::language::{self, Code, ImportKind, Language, Model, Parsed, Reference, ScopeId};
use crate::source::{SourceFile, Span};

pub use links::Links;
pub use modules::Modules;
pub use room::Room;
pub use symbols::{ClassRef, FunctionRef, Symbol};

/// Index of a file in a [`Project`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub usize);

/// A file with its tree and what its names mean.
pub struct ParsedFile {
    /// The text.
    pub source: SourceFile,
    /// The tree, while there is room for it: of a large project most are parsed again when they are asked for.
    tree: room::Lent,
    /// Scopes, bindings, references, imports.
    pub model: Model,
    /// Calls, attribute accesses, returns.
    pub outline: Outline,
    /// The language.
    pub language: &'static dyn Language,
    /// The places that do not parse, in source order.
    pub errors: Vec<Span>,
    /// The forms of the expressions that were asked for: following values comes back to the same ones again and again.
    forms: Mutex<HashMap<Span, Expression>>,
}

impl ParsedFile {
    /// Draws up the names and the outline of a parsed file, whose tree has a room of its own.
    pub fn new(source: SourceFile, parsed: Parsed, language: &'static dyn Language) -> Self {
        Self::held_in(&Arc::default(), source, parsed, language)
    }

    /// Draws up the names and the outline of a parsed file, whose tree shares `room` with others.
    pub fn held_in(
        room: &Arc<Room>,
        source: SourceFile,
        parsed: Parsed,
        language: &'static dyn Language,
    ) -> Self {
        let model = language.model(source.text(), &parsed.tree);
        let outline = language.outline(source.text(), &parsed.tree, &model);
        let mut errors = language.misplaced(source.text(), &parsed.tree);
        if parsed.errors.is_some() {
            errors.extend(language::error_spans(&parsed.tree));
            errors.sort_unstable();
        }
        Self {
            tree: room::Lent::new(parsed.tree, source.text().len(), room),
            source,
            model,
            outline,
            language,
            errors,
            forms: Mutex::default(),
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// The tree; parses the text again if it was let go.
    pub fn tree(&self) -> Arc<Tree> {
        let again = || language::parse_again(self.language, self.text());
        self.tree.get(self.text().len(), again)
    }

    /// Lets go of the tree, which will be made again.
    #[cfg(test)]
    pub(crate) fn let_go(&self) {
        self.room().clear();
    }

    /// Where the tree is held.
    pub fn room(&self) -> &Arc<Room> {
        self.tree.room()
    }

    /// What questions about the code are asked of.
    pub fn code(&self) -> Code<'_> {
        Code {
            source: self.text(),
            tree: self.tree(),
            model: &self.model,
        }
    }

    /// The outermost form of the expression at `span`.
    pub fn expression(&self, span: Span) -> Expression {
        if let Some(plain) = self.language.plain_expression(self.text(), span) {
            return plain;
        }
        // A thread that panicked held the lock for a look or an insertion only: the map is whole.
        let forms = || self.forms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = forms().get(&span) {
            return known.clone();
        }
        let form = self.language.expression(self.text(), &self.tree(), span);
        forms().insert(span, form.clone());
        form
    }

    /// Whether code inside `span` may look at names that it does not write: `locals()`, `eval(…)`.
    pub fn is_observed(&self, span: Span) -> bool {
        let observers = self.language.observers();
        let mut calls = self.outline.calls.iter();
        calls.any(|call| {
            span.contains(call.span) && observers.contains(&call.callee.text(self.text()))
        })
    }

    /// The function around `offset`, by its scope.
    pub fn function_at(&self, offset: usize) -> Option<ScopeId> {
        self.model.function_around(self.model.scope_at(offset))
    }
}

/// A file and an index in its lists, in half the room that they have elsewhere: a large project has millions of places.
type Place = (u32, u32);

/// The file and the index that a place stands for.
fn at(place: Place) -> (FileId, usize) {
    (FileId(place.0 as usize), place.1 as usize)
}

/// Adds to the places of a name; most names are there already.
fn note(places: &mut BTreeMap<String, Vec<Place>>, name: &str, (file, index): (FileId, usize)) {
    let place = (file.0 as u32, index as u32);
    match places.get_mut(name) {
        Some(known) => known.push(place),
        None => {
            places.insert(name.to_owned(), vec![place]);
        }
    }
}

/// All that is known of the project.
pub struct Project {
    files: Vec<Arc<ParsedFile>>,
    by_path: BTreeMap<Arc<str>, FileId>,
    modules: Modules,
    links: Arc<Links>,
    /// Calls by the last part of the callee's name: (file, index in its outline).
    calls: BTreeMap<String, Vec<Place>>,
    /// References by name: (file, index in its model).
    references: BTreeMap<String, Vec<Place>>,
    /// Assignments to attributes by name: (file, index in its outline).
    writes: BTreeMap<String, Vec<Place>>,
    /// Reads of attributes by name: (file, index in its outline).
    reads: BTreeMap<String, Vec<Place>>,
    /// What imported names are called where they are imported, by the name in their module.
    aliases: BTreeMap<String, BTreeSet<String>>,
    /// Each class with its bases, nearest first; drawn up when first asked for.
    lineages: OnceLock<BTreeMap<ClassRef, Vec<ClassRef>>>,
    /// Classes by name.
    classes: BTreeMap<String, Vec<ClassRef>>,
}

impl Project {
    /// Indexes `files`; `paths` are all files of the tree, parsed or not, for the resolution of imports.
    pub fn new<'a>(files: Vec<Arc<ParsedFile>>, paths: impl IntoIterator<Item = &'a str>) -> Self {
        Self::with_modules(files, Modules::new(paths))
    }

    /// Indexes `files`, whose imports mean what `modules` says.
    pub fn with_modules(files: Vec<Arc<ParsedFile>>, modules: Modules) -> Self {
        let mut project = Self {
            by_path: BTreeMap::new(),
            modules,
            links: Arc::default(),
            calls: BTreeMap::new(),
            references: BTreeMap::new(),
            writes: BTreeMap::new(),
            reads: BTreeMap::new(),
            aliases: BTreeMap::new(),
            lineages: OnceLock::new(),
            classes: BTreeMap::new(),
            files,
        };
        for (index, file) in project.files.iter().enumerate() {
            let id = FileId(index);
            project.by_path.insert(file.source.path_arc(), id);
            for (call, site) in file.outline.calls.iter().enumerate() {
                note(&mut project.calls, &site.name, (id, call));
            }
            for (index, write) in file.outline.writes.iter().enumerate() {
                note(&mut project.writes, &write.name, (id, index));
            }
            for (index, read) in file.outline.reads.iter().enumerate() {
                note(&mut project.reads, &read.name, (id, index));
            }
            for import in &file.model.imports {
                if let ImportKind::Name { name } = &import.kind {
                    let locals = project.aliases.entry(name.clone()).or_default();
                    locals.insert(import.local.clone());
                }
            }
            for (index, reference) in file.model.references.iter().enumerate() {
                note(&mut project.references, &reference.name, (id, index));
            }
            for class in symbols::classes_of(&file.model) {
                let name = file.model.scope(class).name.clone();
                project.classes.entry(name).or_default().push(ClassRef {
                    file: id,
                    scope: class,
                });
            }
        }
        project
    }

    /// The same project, whose files hang together as `links` says; without it each is taken to be linked with all.
    #[must_use]
    pub fn linked(mut self, links: Arc<Links>) -> Self {
        self.links = links;
        self
    }

    /// How the files hang together.
    pub fn links(&self) -> Arc<Links> {
        Arc::clone(&self.links)
    }

    /// For each file, by its id, whether it is linked with one whose text `mentions` what is looked for.
    pub fn reached(&self, mentions: impl Fn(&ParsedFile) -> bool) -> Vec<bool> {
        let seeds = self.files.iter().filter(|file| mentions(file));
        let seeds: Vec<&str> = seeds.map(|file| file.source.path()).collect();
        let paths: Vec<&str> = self.files.iter().map(|file| file.source.path()).collect();
        self.links.reached(&paths, &seeds)
    }

    /// The parsed files with their ids, by path.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &ParsedFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(index), &**file))
    }

    /// The parsed files, shared, in the order of their ids.
    pub fn shared(&self) -> impl Iterator<Item = Arc<ParsedFile>> + '_ {
        self.files.iter().map(Arc::clone)
    }

    /// A file.
    pub fn file(&self, id: FileId) -> &ParsedFile {
        &self.files[id.0]
    }

    /// The parsed file at `path`.
    pub fn by_path(&self, path: &str) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    /// How modules are found.
    pub fn modules(&self) -> &Modules {
        &self.modules
    }

    /// The calls of anything whose name ends in `name`.
    pub fn calls_named(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (FileId, &crate::language::expression::CallSite)> {
        self.calls
            .get(name)
            .into_iter()
            .flatten()
            .map(|place| at(*place))
            .map(|(file, call)| (file, &self.file(file).outline.calls[call]))
    }

    /// The assignments to attributes of that name.
    pub fn writes_named(&self, name: &str) -> impl Iterator<Item = (FileId, &AttributeWrite)> {
        let found = self.writes.get(name).into_iter().flatten();
        found
            .map(|place| at(*place))
            .map(|(file, index)| (file, &self.file(file).outline.writes[index]))
    }

    /// The reads of attributes of that name.
    pub fn reads_named(&self, name: &str) -> impl Iterator<Item = (FileId, &AttributeRead)> {
        let found = self.reads.get(name).into_iter().flatten();
        found
            .map(|place| at(*place))
            .map(|(file, index)| (file, &self.file(file).outline.reads[index]))
    }

    /// What the name `name` of some module is called where it is imported, sorted.
    pub fn aliases_of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.aliases
            .get(name)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The references by that name.
    pub fn references_named(&self, name: &str) -> impl Iterator<Item = (FileId, &Reference)> {
        let found = self.references.get(name).into_iter().flatten();
        found
            .map(|place| at(*place))
            .map(|(file, index)| (file, &self.file(file).model.references[index]))
    }

    /// The classes of that name.
    pub fn classes_named(&self, name: &str) -> &[ClassRef] {
        self.classes.get(name).map_or(&[], Vec::as_slice)
    }

    /// `path:line` of a place, for people.
    pub fn place(&self, file: FileId, span: Span) -> String {
        let file = self.file(file);
        format!("{}:{}", file.source.path(), file.source.line_of(span.start))
    }
}
