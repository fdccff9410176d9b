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

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(schema: &Schema) -> Vec<&str> {
        let properties = schema.get("properties").and_then(|value| value.as_object());
        properties
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn a_recipe_has_the_sections_that_authors_write() {
        let schema = recipe_schema();
        let mut sections = keys(&schema);
        sections.sort_unstable();
        assert_eq!(
            sections,
            [
                "decide", "examples", "id", "language", "locate", "pattern", "rewrite", "shape",
                "stages", "title", "where", "why"
            ]
        );
        assert_eq!(
            schema.get("additionalProperties"),
            Some(&serde_json::json!(false))
        );
        let required = schema.get("required").and_then(|value| value.as_array());
        let required: Vec<&str> = required
            .expect("a list")
            .iter()
            .filter_map(|value| value.as_str())
            .collect();
        assert_eq!(
            required,
            [
                "id", "title", "pattern", "why", "language", "locate", "decide", "examples"
            ]
        );
    }

    #[test]
    fn every_key_that_people_write_is_described() {
        for schema in [recipe_schema(), migration_schema(), settings_schema()] {
            let properties = schema.get("properties").and_then(|value| value.as_object());
            for (key, property) in properties.expect("an object") {
                assert!(property.get("description").is_some(), "{key}");
            }
        }
    }
}
