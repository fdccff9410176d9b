//! What the project as a whole knows: its parsed files, whose name is whose, who calls whom.
//!
//! Built in the first pass from the files that recipes can match, and from those that mention what the pools flow through. Knows no
//! recipe and decides nothing.

mod modules;
mod symbols;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tree_sitter::Tree;

use crate::language::expression::{Expression, Outline};
use crate::language::{Code, Language, Model, Reference, ScopeId};
use crate::source::{SourceFile, Span};

pub use modules::Modules;
pub use symbols::{ClassRef, FunctionRef, Symbol};

/// Index of a file in a [`Project`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub usize);

/// A file with its tree and what its names mean.
pub struct ParsedFile {
    /// The text.
    pub source: SourceFile,
    /// The tree.
    pub tree: Tree,
    /// Scopes, bindings, references, imports.
    pub model: Model,
    /// Calls, attribute accesses, returns.
    pub outline: Outline,
    /// The language.
    pub language: &'static dyn Language,
    /// The places that do not parse, in source order.
    pub errors: Vec<Span>,
}

impl ParsedFile {
    /// The text.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// What questions about the code are asked of.
    pub fn code(&self) -> Code<'_> {
        Code {
            source: self.text(),
            tree: &self.tree,
            model: &self.model,
        }
    }

    /// The outermost form of the expression at `span`.
    pub fn expression(&self, span: Span) -> Expression {
        self.language.expression(self.text(), &self.tree, span)
    }

    /// The function around `offset`, by its scope.
    pub fn function_at(&self, offset: usize) -> Option<ScopeId> {
        self.model.function_around(self.model.scope_at(offset))
    }
}

/// All that is known of the project.
pub struct Project {
    files: Vec<Arc<ParsedFile>>,
    by_path: BTreeMap<Arc<str>, FileId>,
    modules: Modules,
    /// Calls by the last part of the callee's name: (file, index in its outline).
    calls: BTreeMap<String, Vec<(FileId, usize)>>,
    /// References by name: (file, index in its model).
    references: BTreeMap<String, Vec<(FileId, usize)>>,
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
            calls: BTreeMap::new(),
            references: BTreeMap::new(),
            lineages: OnceLock::new(),
            classes: BTreeMap::new(),
            files,
        };
        for (index, file) in project.files.iter().enumerate() {
            let id = FileId(index);
            project.by_path.insert(file.source.path_arc(), id);
            for (call, site) in file.outline.calls.iter().enumerate() {
                project
                    .calls
                    .entry(site.name.clone())
                    .or_default()
                    .push((id, call));
            }
            for (index, reference) in file.model.references.iter().enumerate() {
                match project.references.get_mut(&reference.name) {
                    Some(known) => known.push((id, index)),
                    None => {
                        project
                            .references
                            .insert(reference.name.clone(), vec![(id, index)]);
                    }
                }
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
            .map(|(file, call)| (*file, &self.file(*file).outline.calls[*call]))
    }

    /// The references by that name.
    pub fn references_named(&self, name: &str) -> impl Iterator<Item = (FileId, &Reference)> {
        let found = self.references.get(name).into_iter().flatten();
        found.map(|(file, index)| (*file, &self.file(*file).model.references[*index]))
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
