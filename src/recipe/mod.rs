//! Recipes: what to look for, how to decide, what to write.
//!
//! A recipe is one YAML file. `load` turns it into a checked [`Recipe`]; nothing unchecked leaves this module.
//!
//! `file` is the shape as it is written, `load` the checks, `model` what is known afterwards.

mod embed;
mod examples;

mod file;
mod library;
mod load;
mod model;
mod query;
mod rows;
mod scaffold;
mod scalar;
mod schema;
mod template;

pub use crate::fault::FileFault as RecipeError;
pub use embed::builtin;
pub use library::Library;
pub use load::{load, load_migration};
pub use model::{
    CLAIMS, Check, Condition, Driver, Example, Expectation, IdentityClass, Migration, Outcome,
    Pattern, PoolClass, Recipe, Rewrite, RewriteKind, Role, Row, SessionMethods, Severity,
    TablesClass, Template, TemplatePart, Warning,
};
pub use scaffold::scaffold;
pub use schema::{migration_schema, recipe_schema, settings_schema};

#[cfg(test)]
mod tests;
