//! Rust, read with the tree-sitter grammar: scopes, strings, uses of names, flow, and edits of `use` declarations.
//!
//! Everything here answers questions about syntax and names. It knows nothing of connections, recipes or SQL beyond handing over texts
//! whose unknown parts are holes. Moves of blocks have no answer yet: what a block of Rust gives and drops is not settled by its layout.

mod expression;
mod flow;
mod imports;
mod layout;
mod lend;
mod nodes;
mod outline;
mod patterns;
mod scope;
mod statements;
mod strings;
mod types;
mod usage;

#[cfg(test)]
mod tests;

use tree_sitter::Tree;

use crate::edit::Edit;
use crate::language::expression::{Expression, Outline};
use crate::language::import::{ImportChange, ImportPlace, ModuleNames};
use crate::language::types::{TypeForm, TypeUse};
use crate::language::usage::{Branch, Catch, Cleanup, Entered, Guard, Lending, Manner, Usage};
use crate::language::{Code, Language, Model};
use crate::source::Span;
use crate::sql::SqlText;

pub use scope::model;

/// The language Rust.
#[derive(Debug, Clone, Copy)]
pub struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["rs"]
    }

    fn grammar(&self) -> tree_sitter::Language {
        tree_sitter_rust::LANGUAGE.into()
    }

    fn unparsable(&self, _source: &str) -> Option<usize> {
        None
    }

    fn line_comment(&self) -> &'static str {
        "//"
    }

    fn paths_begin_with_packages(&self) -> bool {
        true
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

    fn texts(&self, code: Code<'_>, span: Span) -> Vec<SqlText> {
        strings::evaluate(&code, span)
    }

    fn usage(&self, code: Code<'_>, span: Span) -> Usage {
        usage::usage(&code, span)
    }

    fn is_typed(&self) -> bool {
        true
    }

    fn wrappers(&self) -> &'static [&'static str] {
        &types::WRAPPERS
    }

    fn type_form(&self, code: Code<'_>, span: Span) -> Option<TypeForm> {
        types::form(&code, span)
    }

    fn declared_result(&self, code: Code<'_>, function: Span) -> Option<Span> {
        types::declared_result(&code, function)
    }

    fn field_of_pattern(&self, code: Code<'_>, binding: Span) -> Option<(Span, String)> {
        types::field_of_pattern(&code, binding)
    }

    fn type_use(&self, code: Code<'_>, span: Span) -> TypeUse {
        types::type_use(&code, span)
    }

    fn is_for_tests(&self, code: Code<'_>, span: Span) -> bool {
        types::is_for_tests(&code, span)
    }

    fn is_in_tokens(&self, code: Code<'_>, span: Span) -> bool {
        types::is_in_tokens(&code, span)
    }

    fn whole_call(&self, code: Code<'_>, call: Span) -> (Span, Manner) {
        usage::whole_call(&code, call)
    }

    fn statement(&self, code: Code<'_>, span: Span) -> Option<Span> {
        statements::statement(&code.tree, span)
    }

    fn next_statement(&self, code: Code<'_>, span: Span) -> Option<Span> {
        statements::next_statement(&code.tree, span)
    }

    fn body(&self, code: Code<'_>, span: Span) -> Option<Span> {
        statements::body(&code.tree, span)
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

    fn catches(&self, _code: Code<'_>, _body: Span) -> Vec<Catch> {
        Vec::new()
    }

    fn raises(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::raises(code.source, &code.tree, body)
    }

    fn asserts(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::asserts(code.source, &code.tree, body)
    }

    fn yields(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::yields(&code.tree, body)
    }

    fn entered(&self, _code: Code<'_>, _body: Span) -> Vec<Entered> {
        Vec::new()
    }

    fn awaits(&self, code: Code<'_>, body: Span) -> Vec<Span> {
        flow::awaits(&code.tree, body)
    }

    fn cleanup(&self, _code: Code<'_>, _span: Span) -> Option<Cleanup> {
        None
    }

    fn branch(&self, _code: Code<'_>, _span: Span) -> Option<Branch> {
        None
    }

    fn is_simple(&self, code: Code<'_>, span: Span) -> bool {
        nodes::expression_at(&code.tree, span).is_some_and(|node| {
            node.kind() == "let_declaration" && node.child_by_field_name("alternative").is_none()
        })
    }

    fn is_whole_value(&self, _code: Code<'_>, _span: Span) -> bool {
        false
    }

    fn opens_more(&self, _code: Code<'_>, _item: Span) -> bool {
        false
    }

    fn named_expression(&self, _code: Code<'_>, _name: Span, value: Span) -> Span {
        value
    }

    fn access_around(&self, code: Code<'_>, span: Span) -> Option<Span> {
        nodes::access_around(&code.tree, span)
    }

    fn guard(&self, _code: Code<'_>, _span: Span, _name: &str) -> Option<Guard> {
        None
    }

    fn known_present(&self, _code: Code<'_>, _name: &str, _later: Span) -> bool {
        false
    }

    fn runs_as_program(&self, _code: Code<'_>, _span: Span) -> bool {
        false
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
        statements::of_block(&code.tree, span).into_iter().next()
    }

    fn scope_header(&self, resource: &str, name: &str, _is_async: bool) -> String {
        format!("let mut {name} = {resource}.await?;")
    }

    fn replace_access(&self, code: Code<'_>, span: Span, name: &str) -> Vec<Edit> {
        nodes::replace_access(
            &code.tree,
            span,
            "field_expression",
            ["value", "field"],
            name,
        )
    }

    fn error_leaves(&self, code: Code<'_>, whole: Span) -> bool {
        lend::error_leaves(&code, whole)
    }

    fn lend(&self, code: Code<'_>, lending: &Lending<'_>) -> Option<Result<Vec<Edit>, String>> {
        Some(lend::lend(&code, lending))
    }

    fn broken(&self, code: Code<'_>, call: Span, changed: Span, growth: usize) -> Vec<Edit> {
        lend::broken(&code, call, changed, growth)
    }

    fn empty_statement(&self) -> &'static str {
        "();"
    }

    fn line_above(&self, code: Code<'_>, span: Span) -> usize {
        statements::line_above(code.source, &code.tree, span)
    }

    fn remove_statement(&self, code: Code<'_>, span: Span) -> Edit {
        layout::remove_statement(&code, span)
    }

    fn unwrap_block(&self, _code: Code<'_>, _span: Span) -> Option<Vec<Edit>> {
        None
    }

    fn wrap_statement(&self, _code: Code<'_>, _span: Span, _header: &str) -> Option<Vec<Edit>> {
        None
    }

    fn comments(&self, code: Code<'_>, span: Span) -> Vec<Span> {
        statements::comments(&code.tree, span)
    }
}
