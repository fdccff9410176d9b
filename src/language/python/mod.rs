//! Python, read with the tree-sitter grammar: scopes, strings, uses of names, flow, and moves of indented text.
//!
//! Everything here answers questions about syntax and names. It knows nothing of connections, recipes or SQL beyond handing over texts
//! whose unknown parts are holes.

mod annotations;
mod definitions;
mod exports;
pub mod flow;
pub mod imports;
pub mod layout;
mod names;
mod nodes;
mod patterns;
mod scope;
pub mod strings;
mod targets;
pub mod usage;

#[cfg(test)]
mod tests;

use tree_sitter::Tree;

use crate::language::{Binding, BindingKind, Import, Language, Model, Reference};
use crate::source::Span;

pub use scope::model;

/// The language Python.
#[derive(Debug, Clone, Copy)]
pub struct Python;

impl Language for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["py"]
    }

    fn grammar(&self) -> tree_sitter::Language {
        tree_sitter_python::LANGUAGE.into()
    }

    fn model(&self, source: &str, tree: &Tree) -> Model {
        model(source, tree)
    }

    fn line_comment(&self) -> &'static str {
        "#"
    }
}

/// A parsed file with its model: what every question about Python code is asked of.
#[derive(Debug, Clone, Copy)]
pub struct PythonFile<'a> {
    /// The text.
    pub source: &'a str,
    /// Its tree.
    pub tree: &'a Tree,
    /// Its names.
    pub model: &'a Model,
}

impl<'a> PythonFile<'a> {
    /// The text of `span`.
    pub fn text(&self, span: Span) -> &'a str {
        span.text(self.source)
    }

    /// The reference that stands exactly at `span`.
    pub fn reference_at(&self, span: Span) -> Option<&'a Reference> {
        let references = &self.model.references;
        let at = references.partition_point(|reference| reference.span < span);
        references.get(at).filter(|found| found.span == span)
    }

    /// The binding whose name stands exactly at `span`.
    pub fn binding_at(&self, span: Span) -> Option<&'a Binding> {
        let bindings = &self.model.bindings;
        let at = bindings.partition_point(|binding| binding.span < span);
        bindings.get(at).filter(|found| found.span == span)
    }

    /// The import that makes a binding.
    pub fn import_of(&self, binding: &Binding) -> Option<&'a Import> {
        let imports = &self.model.imports;
        let behind = imports.partition_point(|import| import.span.start <= binding.span.start);
        imports.get(behind.checked_sub(1)?).filter(|import| {
            binding.kind == BindingKind::Import && import.span.contains(binding.span)
        })
    }
}
