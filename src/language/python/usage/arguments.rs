//! The arguments of a call.

use super::PythonFile;
use crate::language::python::nodes::{children, expression_at};
use crate::source::Span;

/// How an argument is passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentKind {
    /// `f(x)`
    Positional,
    /// `f(name=x)`
    Keyword(String),
    /// `f(*x)`
    Star,
    /// `f(**x)`
    DoubleStar,
}

/// One argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// How it is passed.
    pub kind: ArgumentKind,
    /// The whole argument (`name=x`, `*x`).
    pub span: Span,
    /// Its value.
    pub value: Span,
}

/// The arguments in an argument list, in order. A lone generator expression is one argument.
pub fn arguments(file: &PythonFile<'_>, argument_list: Span) -> Vec<Argument> {
    let Some(list) = expression_at(file.tree, argument_list) else {
        return Vec::new();
    };
    if list.kind() == "generator_expression" {
        return vec![Argument {
            kind: ArgumentKind::Positional,
            span: list.into(),
            value: list.into(),
        }];
    }
    children(list)
        .into_iter()
        .map(|argument| {
            let (kind, value) = match argument.kind() {
                "keyword_argument" => {
                    let name = argument.child_by_field_name("name");
                    let name = name.map(|name| file.text(name.into()).to_owned());
                    (
                        ArgumentKind::Keyword(name.unwrap_or_default()),
                        argument.child_by_field_name("value"),
                    )
                }
                "list_splat" => (ArgumentKind::Star, argument.named_child(0)),
                "dictionary_splat" => (ArgumentKind::DoubleStar, argument.named_child(0)),
                _ => (ArgumentKind::Positional, Some(argument)),
            };
            Argument {
                kind,
                span: argument.into(),
                value: value.unwrap_or(argument).into(),
            }
        })
        .collect()
}
