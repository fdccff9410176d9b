//! All migrations and recipes of a run.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::load::{load, load_migration, migration_of};
use super::model::{Migration, Recipe};
use crate::fault::FileFault as RecipeError;

/// The name of the file that makes a folder of recipes a migration.
const MIGRATION_FILE: &str = "migration.yaml";

/// Migrations and recipes, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Library {
    /// The migrations, by id.
    pub migrations: BTreeMap<String, Migration>,
    /// The recipes, sorted by id.
    pub recipes: Vec<Recipe>,
}

impl Library {
    /// Loads `(path, text)` of recipes and migrations, in any order. Of two recipes (or migrations) with the same id the later one
    /// counts, so that a project can replace what the binary carries.
    ///
    /// # Errors
    /// All files that cannot be used, each with its own error.
    pub fn load(
        files: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Vec<RecipeError>> {
        let (migration_files, recipe_files): (Vec<_>, Vec<_>) = files
            .into_iter()
            .partition(|(path, _)| file_name(path) == MIGRATION_FILE);
        let mut errors = Vec::new();
        let mut migrations = BTreeMap::new();
        for (path, text) in &migration_files {
            match load_migration(path, text) {
                Ok(migration) => {
                    migrations.insert(migration.id.clone(), migration);
                }
                Err(error) => errors.push(error),
            }
        }
        // Queries take a few milliseconds each to compile, and this runs before every command.
        let loaded: Vec<Result<Recipe, RecipeError>> = recipe_files
            .par_iter()
            .map(|(path, text)| load_into(&migrations, path, text))
            .collect();
        let mut recipes = BTreeMap::new();
        for result in loaded {
            match result {
                Ok(recipe) => {
                    recipes.insert(recipe.id.clone(), recipe);
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(Self {
                migrations,
                recipes: recipes.into_values().collect(),
            })
        } else {
            Err(errors)
        }
    }

    /// The recipe with this id.
    pub fn recipe(&self, id: &str) -> Option<&Recipe> {
        let found = self
            .recipes
            .binary_search_by(|recipe| recipe.id.as_str().cmp(id));
        found.ok().map(|index| &self.recipes[index])
    }

    /// The migration that a recipe belongs to.
    pub fn migration_of(&self, recipe: &Recipe) -> Option<&Migration> {
        let (migration, _) = recipe.id.split_once('/')?;
        self.migrations.get(migration)
    }
}

/// Loads a recipe into the migration of its folder, or, if it stands elsewhere, into the one that its id names.
fn load_into(
    migrations: &BTreeMap<String, Migration>,
    path: &str,
    text: &str,
) -> Result<Recipe, RecipeError> {
    let by_folder = recipes_folder(path).and_then(|folder| migrations.get(folder));
    if let Some(migration) = by_folder {
        return load(path, text, migration);
    }
    let (name, unknown) = migration_of(path, text)?;
    match migrations.get(&name) {
        Some(migration) => load(path, text, migration),
        None => Err(unknown.in_file(path, text)),
    }
}

/// The `<migration>` of a path `…/recipes/<migration>/<file>`.
fn recipes_folder(path: &str) -> Option<&str> {
    let mut parts = path.rsplit(['/', '\\']).skip(1);
    let folder = parts.next()?;
    (parts.next()? == "recipes").then_some(folder)
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::builtin;

    #[test]
    fn the_embedded_recipes_load() {
        if let Err(errors) = Library::load(builtin()) {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            panic!("{}", all.join("\n\n"));
        }
    }
}
