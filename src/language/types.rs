//! Types as they are written, in terms that fit every language that declares them.

use crate::source::Span;

/// The outermost form of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeForm {
    /// The name that it begins with: `sqlx::Pool` of `&sqlx::Pool<Postgres>`.
    pub name: Span,
    /// The types that it is given: `Postgres`.
    pub arguments: Vec<Span>,
    /// Whether it is a reference to a value that somebody else owns.
    pub is_reference: bool,
    /// Whether it is any type that keeps a promise: `impl Executor`, `dyn Store`.
    pub is_promise: bool,
}

/// What a type is the type of, or what its name does where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeUse {
    /// A part of the type of a field or static.
    Within,
    /// A field of a structure.
    Field,
    /// A value that lives as long as the program.
    Static,
    /// A parameter.
    Parameter,
    /// What a function gives back.
    Result,
    /// A variable.
    Variable,
    /// It is imported or named anew.
    Import,
    /// A function of it is called or named.
    Path,
    /// Something else.
    Other,
}
