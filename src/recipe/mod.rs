//! Recipes: what to look for, how to decide, what to write.
//!
//! A recipe is one YAML file. `load` turns it into a checked [`Recipe`]; nothing unchecked leaves this module.

mod model;

pub use model::{
    Check, Condition, Driver, Example, Expectation, IdentityClass, Migration, Outcome, Pattern, PoolClass, Recipe,
    Rewrite, RewriteKind, Role, Row, Severity, TablesClass, Template, TemplatePart, Warning,
};
