//! JSON Schemas of the files that people write, for their editors.

use schemars::{Schema, schema_for};

use super::file::RecipeFile;
use super::model::Migration;
use crate::config::Config;

/// The schema of a recipe.
pub fn recipe_schema() -> Schema {
    schema_for!(RecipeFile)
}

/// The schema of `migration.yaml`.
pub fn migration_schema() -> Schema {
    schema_for!(Migration)
}

/// The schema of `connmod.yaml`.
pub fn settings_schema() -> Schema {
    schema_for!(Config)
}
