//! The languages that code is read in, behind one trait and one registry.
//!
//! A language is one folder (or file) and one line in [`Language::all`]. It turns a tree into the neutral [`Model`] and answers the
//! questions about syntax that the rest asks; it knows nothing of recipes or databases.

mod model;
pub mod python;

pub use model::{
    Binding, BindingId, BindingKind, Import, ImportKind, Model, Parameter, ParameterKind,
    Reference, ReferenceKind, Scope, ScopeId, ScopeKind,
};
