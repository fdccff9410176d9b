//! Python, read with the tree-sitter grammar: scopes, strings, uses of names, flow, and moves of indented text.
//!
//! Everything here answers questions about syntax and names. It knows nothing of connections, recipes or SQL beyond handing over texts
//! whose unknown parts are holes.

mod annotations;
mod definitions;
mod exports;
mod expression;
mod flow;
mod forms;
mod imported;
mod imports;
mod layout;
mod names;
mod nodes;
mod outline;
mod patterns;
mod quoted;
mod scope;
pub mod standard_library;
mod statements;
mod strings;
mod targets;
mod usage;

#[cfg(test)]
mod tests;

use tree_sitter::Tree;

use crate::edit::Edit;
use crate::language::expression::{Expression, Outline};
use crate::language::import::{ImportChange, ImportPlace, ModuleNames};
use crate::language::usage::{Branch, Catch, Cleanup, Entered, Fallible, Guard, Implied, Usage};
use crate::language::{Code, Language, Model};
use crate::source::Span;
use crate::sql::SqlText;

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

    fn unparsable(&self, source: &str) -> Option<usize> {
        statements::too_indented(source)
    }

    fn misplaced(&self, source: &str, tree: &Tree) -> Vec<Span> {
        statements::indented_at_top(source, tree)
    }

    fn observers(&self) -> &'static [&'static str] {
        &["locals", "vars", "globals", "dir", "eval", "exec"]
    }

    fn line_comment(&self) -> &'static str {
        "#"
    }

    fn imported(&self, source: &str) -> Option<Vec<(String, usize)>> {
        Some(imported::imported(source))
    }

    fn quoted<'s>(&self, source: &'s str) -> Vec<&'s str> {
        quoted::quoted(source)
    }

    fn replaced<'s>(&self, source: &'s str) -> Vec<&'s str> {
        quoted::replaced(source)
    }

    fn read_by_name<'s>(&self, source: &'s str) -> Vec<&'s str> {
        quoted::read_by_name(source)
    }

    fn model(&self, source: &str, tree: &Tree) -> Model {
        model(source, tree)
    }

    fn outline(&self, source: &str, tree: &Tree, model: &Model) -> Outline {
        outline::outline(source, tree, model)
    }

    fn expression(&self, source: &str, tree: &Tree, span: Span) -> Expression {
        nodes::expression_at(tree, span)
            .map_or(Expression::Other, |node| expression::classify(source, node))
    }

    fn plain_expression(&self, source: &str, span: Span) -> Option<Expression> {
        expression::plain(source, span)
    }

    fn texts(&self, code: Code<'_>, span: Span) -> Vec<SqlText> {
        strings::evaluate(&code, span)
    }

    fn usage(&self, code: Code<'_>, span: Span) -> Usage {
        usage::usage(&code, span)
    }

    fn statement(&self, code: Code<'_>, span: Span) -> Option<Span> {
        statements::statement(&code.tree, span)
    }

    fn next_statement(&self, code: Code<'_>, span: Span) -> Option<Span> {
        statements::next_statement(&code.tree, span)
    }

    fn body(&self, code: Code<'_>, span: Span) -> Option<Span> {
        nodes::statement_at(&code.tree, span)?
            .child_by_field_name("body")
            .map(Span::from)
    }

    fn statements(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        statements::of_block(&code.tree, body)
    }

    fn siblings(&self, code: Code<'_>, span: Span) -> Vec<Span> {
        statements::siblings(&code.tree, span)
    }

    fn one_has_run(&self, code: Code<'_>, earlier: &[Span], later: Span) -> bool {
        flow::one_has_run(&code.tree, earlier, later)
    }

    fn innermost_loop(&self, code: Code<'_>, span: Span, outer: Span) -> Option<Span> {
        flow::innermost_loop(&code.tree, span, outer)
    }

    fn catches(&self, code: Code<'_>, body: Span) -> Vec<Catch> {
        flow::catches(&code, body)
    }

    fn raises(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::raises(&code.tree, body)
    }

    fn runs_to_end(&self, code: Code<'_>, body: Span) -> bool {
        flow::runs_to_end(&code.tree, body)
    }

    fn returns(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::returns(&code.tree, body)
    }

    fn jumps(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::jumps(&code.tree, body)
    }

    fn asserts(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::asserts(&code.tree, body)
    }

    fn fallible(&self, code: Code<'_>, body: Span) -> Vec<Fallible> {
        flow::fallible(&code, body)
    }

    fn exits(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::exits(&code, body)
    }

    fn implied_awaits(&self, code: Code<'_>, body: Span) -> Vec<Implied> {
        flow::implied_awaits(&code.tree, body)
    }

    fn yields(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::yields(&code.tree, body)
    }

    fn entered(&self, code: Code<'_>, body: Span) -> Vec<Entered> {
        forms::entered(&code.tree, body)
    }

    fn awaits(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::awaits(&code.tree, body)
    }

    fn cleanup(&self, code: Code<'_>, span: Span) -> Option<Cleanup> {
        forms::cleanup(&code, span)
    }

    fn branch(&self, code: Code<'_>, span: Span) -> Option<Branch> {
        forms::branch(&code.tree, span)
    }

    fn is_simple(&self, code: Code<'_>, span: Span) -> bool {
        forms::is_simple(&code.tree, span)
    }

    fn is_whole_value(&self, code: Code<'_>, span: Span) -> bool {
        forms::is_whole_value(&code.tree, span)
    }

    fn always_runs(&self, code: Code<'_>, span: Span, statement: Span) -> bool {
        forms::always_runs(&code.tree, span, statement)
    }

    fn is_shown(&self, code: Code<'_>, span: Span) -> bool {
        forms::is_shown(&code.tree, span)
    }

    fn opens_more(&self, code: Code<'_>, item: Span) -> bool {
        forms::opens_more(&code.tree, item)
    }

    fn named_expression(&self, code: Code<'_>, name: Span, value: Span) -> Span {
        forms::named_expression(&code, name, value)
    }

    fn access_around(&self, code: Code<'_>, span: Span) -> Option<Span> {
        forms::access_around(&code.tree, span)
    }

    fn guard(&self, code: Code<'_>, span: Span, name: &str) -> Option<Guard> {
        flow::guard(&code, span, name)
    }

    fn known_present(&self, code: Code<'_>, name: &str, later: Span) -> bool {
        flow::known_present(&code, name, later)
    }

    fn runs_as_program(&self, code: Code<'_>, span: Span) -> bool {
        forms::runs_as_program(&code, span)
    }

    fn add_imports(&self, code: Code<'_>, place: ImportPlace, names: &ModuleNames) -> Edit {
        layout::add_imports(&code, place, names)
    }

    fn change_import(&self, code: Code<'_>, statement: Span, change: &ImportChange) -> Vec<Edit> {
        layout::change_import(&code, statement, change)
    }

    fn import_anchor(&self, code: Code<'_>) -> Option<Span> {
        statements::import_anchor(&code.tree)
    }

    fn first_statement(&self, code: Code<'_>, span: Span) -> Option<Span> {
        statements::first_statement(&code.tree, span)
    }

    fn scope_header(&self, resource: &str, name: &str, is_async: bool) -> String {
        let word = if is_async { "async with" } else { "with" };
        if name.is_empty() {
            return format!("{word} {resource}:");
        }
        format!("{word} {resource} as {name}:")
    }

    fn is_async_block(&self, code: Code<'_>, span: Span) -> bool {
        code.text(span).starts_with("async")
    }

    fn add_parameter(&self, code: Code<'_>, function: Span, parameter: &str) -> Option<Edit> {
        layout::add_parameter(&code, function, parameter)
    }

    fn replace_access(&self, code: Code<'_>, span: Span, name: &str) -> Vec<Edit> {
        nodes::replace_access(&code.tree, span, "attribute", ["object", "attribute"], name)
    }

    fn empty_statement(&self) -> &'static str {
        "pass"
    }

    fn line_above(&self, code: Code<'_>, span: Span) -> usize {
        layout::line_above(&code, span)
    }

    fn remove_statement(&self, code: Code<'_>, span: Span) -> Edit {
        layout::remove_statement(&code, span)
    }

    fn unwrap_block(&self, code: Code<'_>, span: Span) -> Option<Vec<Edit>> {
        layout::unwrap_block(&code, span)
    }

    fn wrap_statement(&self, code: Code<'_>, span: Span, header: &str) -> Option<Vec<Edit>> {
        layout::wrap_statement(&code, span, header)
    }

    fn comments(&self, code: Code<'_>, span: Span) -> Vec<Span> {
        statements::comments(&code.tree, span)
    }
}
