//! The languages that code is read in, behind one trait and one registry.
//!
//! A language is one folder (or file) and one line in [`all`]. It turns a tree into the neutral [`Model`] and answers the
//! questions about syntax that the rest asks; it knows nothing of recipes or databases.

pub mod expression;
pub mod import;
mod model;
mod name;
mod nodes;
mod parse;
pub mod python;
pub mod rust;
pub mod types;
pub mod usage;

use std::sync::Arc;

use tree_sitter::Tree;

use crate::edit::Edit;
use crate::language::expression::{Expression, Outline};
use crate::language::import::{ImportChange, ImportPlace, ModuleNames};
use crate::language::types::{TypeForm, TypeUse};
use crate::language::usage::{
    Branch, Catch, Cleanup, Entered, Fallible, Guard, Implied, Lending, Manner, Usage,
};
use crate::source::Span;
use crate::sql::SqlText;

pub use model::{
    Binding, BindingId, BindingKind, Declaration, Import, ImportKind, Model, Parameter,
    ParameterKind, Reference, ReferenceKind, Scope, ScopeId, ScopeKind,
};
pub use name::Name;
pub use parse::{MAX_DEPTH, ParseProblem, Parsed, error_spans, parse, parse_again};

/// A parsed text with its names: what every question about code is asked of.
#[derive(Debug, Clone)]
pub struct Code<'a> {
    /// The text.
    pub source: &'a str,
    /// Its tree, which is there as long as somebody asks.
    pub tree: Arc<Tree>,
    /// Its names.
    pub model: &'a Model,
}

impl<'a> Code<'a> {
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

/// What the rest of the program needs to know of a language.
pub trait Language: Send + Sync {
    /// Its name, as recipes write it.
    fn name(&self) -> &'static str;
    /// The extensions of its files, without the dot.
    fn extensions(&self) -> &'static [&'static str];
    /// The grammar that its files are parsed and queried with.
    fn grammar(&self) -> tree_sitter::Language;
    /// Where `source` nests so deep that its grammar must not be let loose on it; `None` for any code that people write.
    fn unparsable(&self, source: &str) -> Option<usize>;
    /// The statements of a parsed file that stand where none can, though the grammar takes them.
    fn misplaced(&self, _source: &str, _tree: &Tree) -> Vec<Span> {
        Vec::new()
    }
    /// Functions that look at the names around their call, or run a text that may.
    fn observers(&self) -> &'static [&'static str] {
        &[]
    }
    /// What a comment that runs to the end of the line begins with.
    fn line_comment(&self) -> &'static str;

    /// Whether a name that is bound nowhere in a file stands for a package (or a part of this one) at the beginning of a path.
    fn paths_begin_with_packages(&self) -> bool {
        false
    }

    /// The modules that a text names in imports, with the number of their leading dots, without a parse: rather too many than too few.
    /// `None` where a text does not say what it is linked with.
    fn imported(&self, _source: &str) -> Option<Vec<(String, usize)>> {
        None
    }

    /// The names that a text has in quotes, dotted or single, by which it may reach into other files: a test that puts something else in
    /// their place. Rather too many than too few, without a parse.
    fn quoted<'s>(&self, _source: &'s str) -> Vec<&'s str> {
        Vec::new()
    }

    /// The attributes in whose place a text puts something else by their names in quotes, without a parse.
    fn replaced<'s>(&self, _source: &'s str) -> Vec<&'s str> {
        Vec::new()
    }

    /// The names that a text may read as attributes though it has them in a text or pattern only. Rather too many than too few, without a
    /// parse.
    fn read_by_name<'s>(&self, _source: &'s str) -> Vec<&'s str> {
        Vec::new()
    }

    /// Names, scopes and imports of a parsed file.
    fn model(&self, source: &str, tree: &Tree) -> Model;
    /// Calls, attribute accesses and returns of a parsed file.
    fn outline(&self, source: &str, tree: &Tree, model: &Model) -> Outline;
    /// The outermost form of the expression at `span`.
    fn expression(&self, source: &str, tree: &Tree, span: Span) -> Expression;
    /// The texts that the expression at `span` can evaluate to.
    fn texts(&self, code: Code<'_>, span: Span) -> Vec<SqlText>;
    /// The form of the expression at `span` where its text alone tells it, as that of a name does; `None` where the tree has to be asked.
    fn plain_expression(&self, _source: &str, _span: Span) -> Option<Expression> {
        None
    }
    /// Whether declared types decide what a value can be.
    fn is_typed(&self) -> bool {
        false
    }
    /// Types that stand for the value inside of them, by the last part of their name: what can be done with that can be done with them.
    fn wrappers(&self) -> &'static [&'static str] {
        &[]
    }
    /// The outermost form of the type at `span`.
    fn type_form(&self, _code: Code<'_>, _span: Span) -> Option<TypeForm> {
        None
    }
    /// What the function whose definition is at `function` declares to give back.
    fn declared_result(&self, _code: Code<'_>, _function: Span) -> Option<Span> {
        None
    }
    /// The type and the field that a pattern takes the name at `binding` from.
    fn field_of_pattern(&self, _code: Code<'_>, _binding: Span) -> Option<(Span, String)> {
        None
    }
    /// What the type at `span` is the type of, or what its name does there.
    fn type_use(&self, _code: Code<'_>, _span: Span) -> TypeUse {
        TypeUse::Other
    }
    /// Whether the code itself says that what stands at `span` is for tests only.
    fn is_for_tests(&self, _code: Code<'_>, _span: Span) -> bool {
        false
    }
    /// Whether `span` is a token of a macro, which need not be code as it looks.
    fn is_in_tokens(&self, _code: Code<'_>, _span: Span) -> bool {
        false
    }
    /// The call at `call` with what waits for it, and what is done with its result.
    fn whole_call(&self, _code: Code<'_>, call: Span) -> (Span, Manner) {
        (call, Manner::Plain)
    }
    /// How the expression at `span` is used by its surroundings.
    fn usage(&self, code: Code<'_>, span: Span) -> Usage;

    /// The innermost statement around `span`.
    fn statement(&self, code: Code<'_>, span: Span) -> Option<Span>;
    /// The statement behind the one at `span` in its block.
    fn next_statement(&self, code: Code<'_>, span: Span) -> Option<Span>;
    /// The body of the block statement at `span`.
    fn body(&self, code: Code<'_>, span: Span) -> Option<Span>;
    /// The statements of the block at `body`, in order.
    fn statements(&self, code: Code<'_>, body: Span) -> Vec<Span>;
    /// The statements of the block that the statement at `span` stands in, itself included; none at the top of a file, which may be empty.
    fn siblings(&self, code: Code<'_>, span: Span) -> Vec<Span>;
    /// Whether the statement at `earlier` has run whenever `later` is reached.
    fn dominates(&self, code: Code<'_>, earlier: Span, later: Span) -> bool {
        self.one_has_run(code, &[earlier], later)
    }
    /// Whether one of the statements at `earlier` has run whenever `later` is reached: in each branch another one, say.
    fn one_has_run(&self, code: Code<'_>, earlier: &[Span], later: Span) -> bool;
    /// The innermost loop around `span` that lies inside `outer` and runs it again and again; a function defined in a loop counts as run there.
    fn innermost_loop(&self, code: Code<'_>, span: Span, outer: Span) -> Option<Span>;
    /// The places inside `body` where exceptions are caught.
    fn catches(&self, code: Code<'_>, body: Span) -> Vec<Catch>;
    /// The statements inside `body` that raise an exception; not those of nested functions.
    fn raises(&self, code: Code<'_>, body: Span) -> Vec<Span>;
    /// Whether the body of a function may run to its end, where it gives back nothing.
    fn runs_to_end(&self, _code: Code<'_>, _body: Span) -> bool {
        false
    }
    /// The statements inside `body` that leave the function with a value or without one; not those of nested functions.
    fn returns(&self, _code: Code<'_>, _body: Span) -> Vec<Span> {
        Vec::new()
    }
    /// The statements inside `body` that leave a loop or one of its rounds; not those of nested functions.
    fn jumps(&self, _code: Code<'_>, _body: Span) -> Vec<Span> {
        Vec::new()
    }
    /// The statements inside `body` that raise an exception where what they claim does not hold; not those of nested functions.
    fn asserts(&self, code: Code<'_>, body: Span) -> Vec<Span>;
    /// The expressions inside `body` that raise an exception for values which do not fit: a key that is not there, a divisor that is
    /// nought; not those of nested functions. None in a language without exceptions.
    fn fallible(&self, _code: Code<'_>, _body: Span) -> Vec<Fallible> {
        Vec::new()
    }
    /// The calls inside `body` that end the program; not those of nested functions.
    fn exits(&self, _code: Code<'_>, _body: Span) -> Vec<Span> {
        Vec::new()
    }
    /// What is awaited inside `body` by loops and blocks that say no `await`; not by those of nested functions.
    fn implied_awaits(&self, _code: Code<'_>, _body: Span) -> Vec<Implied> {
        Vec::new()
    }
    /// The expressions inside `body` at which the function hands over to its consumer, who may never come back; not those of nested
    /// functions.
    fn yields(&self, code: Code<'_>, body: Span) -> Vec<Span>;
    /// The resources that statements inside `body` open for a body of their own; not those of nested functions.
    fn entered(&self, code: Code<'_>, body: Span) -> Vec<Entered>;
    /// The awaited expressions inside `body`; not those of nested functions.
    fn awaits(&self, code: Code<'_>, body: Span) -> Vec<Span>;
    /// The statement at `span`, if it runs some code however its body ends.
    fn cleanup(&self, code: Code<'_>, span: Span) -> Option<Cleanup>;
    /// The statement at `span`, if it runs its body under a condition and does nothing otherwise.
    fn branch(&self, code: Code<'_>, span: Span) -> Option<Branch>;
    /// Whether the statement at `span` has no body: it evaluates an expression, gives it a name, or returns it.
    fn is_simple(&self, code: Code<'_>, span: Span) -> bool;
    /// Whether the expression at `span` is all that its statement evaluates: nothing runs between it and the end of the statement.
    fn is_whole_value(&self, code: Code<'_>, span: Span) -> bool;
    /// Whether the expression at `span` runs whenever the statement at `statement` around it does, unless an exception ends that before.
    fn always_runs(&self, _code: Code<'_>, _span: Span, _statement: Span) -> bool {
        true
    }
    /// Whether the text of the code at `span` is data, too: a program that shows it says something else when it is another.
    fn is_shown(&self, _code: Code<'_>, _span: Span) -> bool {
        false
    }
    /// Whether the block in whose header the resource at `item` is opened opens others, too.
    fn opens_more(&self, code: Code<'_>, item: Span) -> bool;
    /// The expression that gives `value` the name at `name` in passing, with the parentheses that it needs.
    fn named_expression(&self, code: Code<'_>, name: Span, value: Span) -> Span;
    /// What is done with the value at `span` by an attribute or index access around it: the whole access.
    fn access_around(&self, code: Code<'_>, span: Span) -> Option<Span>;
    /// What the statement at `span` does when `name` has no value, if it does nothing else.
    fn guard(&self, code: Code<'_>, span: Span, name: &str) -> Option<Guard>;
    /// Whether a guard or branch makes certain that the expression written `name` has a value at `later`, and nothing may have changed it since.
    fn known_present(&self, code: Code<'_>, name: &str, later: Span) -> bool;

    /// Whether `span` only runs when the file is the program, not when it is imported.
    fn runs_as_program(&self, code: Code<'_>, span: Span) -> bool;
    /// Puts imports of `names` at `place`, in lines of their own.
    fn add_imports(&self, code: Code<'_>, place: ImportPlace, names: &ModuleNames) -> Edit;
    /// Takes names out of the import statement at `statement` and puts others in; the statement goes where nothing is left of it.
    fn change_import(&self, code: Code<'_>, statement: Span, change: &ImportChange) -> Vec<Edit>;
    /// The statement behind which the first import of a file may stand; `None`: at the top.
    fn import_anchor(&self, code: Code<'_>) -> Option<Span>;
    /// The first statement of the body at `span`, behind its documentation.
    fn first_statement(&self, code: Code<'_>, span: Span) -> Option<Span>;
    /// The header of a block that opens `resource` under the name `name`, or under none where that is empty; `is_async`: the resource is opened asynchronously.
    fn scope_header(&self, resource: &str, name: &str, is_async: bool) -> String;
    /// Whether the block statement at `span` opens its resources asynchronously.
    fn is_async_block(&self, _code: Code<'_>, _span: Span) -> bool {
        false
    }
    /// Adds `parameter` behind the last parameter of the function at `function` that can stand before it; `None` for a function without
    /// a list of parameters.
    fn add_parameter(&self, _code: Code<'_>, _function: Span, _parameter: &str) -> Option<Edit> {
        None
    }
    /// Puts `name` in the place of the member access at `span` (`object.member`), which becomes a plain name. Comments between the
    /// two stay.
    fn replace_access(&self, code: Code<'_>, span: Span, name: &str) -> Vec<Edit>;
    /// Whether an error of the awaited call at `whole` leaves the function right there.
    fn error_leaves(&self, _code: Code<'_>, _whole: Span) -> bool {
        true
    }
    /// Lets a call run on a connection of its own, which is taken before the statement and committed right behind the call; an error of
    /// either leaves as one of the call does. `None` in a language where a connection is lent to a block.
    ///
    /// # Errors
    /// Why it cannot be written.
    fn lend(&self, _code: Code<'_>, _lending: &Lending<'_>) -> Option<Result<Vec<Edit>, String>> {
        None
    }
    /// The line breaks that the language's formatter wants where the call at `call` gets longer at `changed`, by `growth` bytes.
    fn broken(&self, _code: Code<'_>, _call: Span, _changed: Span, _growth: usize) -> Vec<Edit> {
        Vec::new()
    }
    /// A statement that does nothing.
    fn empty_statement(&self) -> &'static str;
    /// Takes the statement at `span` out with its lines, or puts an empty statement there where a block would get empty. No comment goes.
    fn remove_statement(&self, code: Code<'_>, span: Span) -> Edit;
    /// Takes the header of the block statement at `span` away and moves its body to the header's indentation; `None` where that cannot
    /// be done without changing what the code says.
    fn unwrap_block(&self, code: Code<'_>, span: Span) -> Option<Vec<Edit>>;
    /// Puts `header` (without indentation or line break) above the statement at `span` and moves the statement into its block.
    fn wrap_statement(&self, code: Code<'_>, span: Span, header: &str) -> Option<Vec<Edit>>;
    /// The start of the line above which a comment on the code at `span` can stand by itself.
    fn line_above(&self, code: Code<'_>, span: Span) -> usize;
    /// The comments inside `span`.
    fn comments(&self, code: Code<'_>, span: Span) -> Vec<Span>;
}

/// All languages: the one place where a language is registered.
pub fn all() -> &'static [&'static dyn Language] {
    &[&python::Python, &rust::Rust]
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
        assert_eq!(name("a/b.rs"), Some("rust"));
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
