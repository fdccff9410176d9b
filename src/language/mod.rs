//! The languages that code is read in, behind one trait and one registry.
//!
//! A language is one folder (or file) and one line in [`all`]. It turns a tree into the neutral [`Model`] and answers the
//! questions about syntax that the rest asks; it knows nothing of recipes or databases.

mod model;
mod parse;
pub mod python;

pub use model::{
    Binding, BindingId, BindingKind, Import, ImportKind, Model, Parameter, ParameterKind,
    Reference, ReferenceKind, Scope, ScopeId, ScopeKind,
};
pub use parse::{MAX_DEPTH, ParseProblem, Parsed, parse};

/// What the rest of the program needs to know of a language.
pub trait Language: Send + Sync {
    /// Its name, as recipes write it.
    fn name(&self) -> &'static str;
    /// The extensions of its files, without the dot.
    fn extensions(&self) -> &'static [&'static str];
    /// The grammar that its files are parsed and queried with.
    fn grammar(&self) -> tree_sitter::Language;
    /// Names, scopes and imports of a parsed file.
    fn model(&self, source: &str, tree: &tree_sitter::Tree) -> Model;
    /// What a comment that runs to the end of the line begins with.
    fn line_comment(&self) -> &'static str;
}

/// All languages: the one place where a language is registered.
pub fn all() -> &'static [&'static dyn Language] {
    &[&python::Python]
}

/// The language with this name.
pub fn by_name(name: &str) -> Option<&'static dyn Language> {
    all()
        .iter()
        .copied()
        .find(|language| language.name() == name)
}

/// The language of the file at `path`, by its extension.
pub fn for_path(path: &str) -> Option<&'static dyn Language> {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let (stem, extension) = file.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    all()
        .iter()
        .copied()
        .find(|language| language.extensions().contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_in_the_language_of_its_extension() {
        let name = |path| for_path(path).map(Language::name);
        assert_eq!(name("a/b.py"), Some("python"));
        assert_eq!(name("a\\b.py"), Some("python"));
        assert_eq!(name("a/b.pyi"), None);
        assert_eq!(name("a.py/b"), None);
        assert_eq!(name("a/.py"), None);
        assert_eq!(name("py"), None);
    }

    #[test]
    fn a_language_is_found_by_its_name() {
        for language in all() {
            assert_eq!(
                by_name(language.name()).map(Language::name),
                Some(language.name())
            );
        }
        assert!(by_name("cobol").is_none());
    }
}
