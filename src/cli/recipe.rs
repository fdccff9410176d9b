//! `recipe …`: for those who write recipes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::apply::Root;
use crate::cli::Outcome;
use crate::cli::args::{RecipeCommand, RecipeNew, RecipeSchema, RecipeTest};
use crate::cli::narrow::no_recipe;
use crate::cli::session::{OWN_RECIPES, Session};
use crate::cli::terminal::print;
use crate::pipeline::names_recipe;
use crate::recipe::{Library, Recipe, migration_schema, recipe_schema, scaffold, settings_schema};
use crate::recipe_test;
use crate::report::escape::visible_lines;
use crate::report::manual;
use crate::report::totals::plural;

pub(super) fn run(command: &RecipeCommand, session: &Session) -> Result<Outcome> {
    match command {
        RecipeCommand::Schema(args) => schema(args),
        RecipeCommand::List => {
            let library = here(session)?;
            print(&manual::list(&library.recipes, session.terminal.results))?;
            Ok(Outcome::Done)
        }
        RecipeCommand::Show(args) => {
            let library = here(session)?;
            let Some(recipe) = library.recipe(&args.id) else {
                bail!(no_recipe(&library, &args.id));
            };
            print(&manual::page(recipe, session.terminal.results))?;
            Ok(Outcome::Done)
        }
        RecipeCommand::Test(args) => test(args, session),
        RecipeCommand::New(args) => new(args, session),
    }
}

/// The recipes that hold in the current folder.
fn here(session: &Session) -> Result<Library> {
    let base = session.base(&[], None)?;
    session.library(&base.folder)
}

fn schema(args: &RecipeSchema) -> Result<Outcome> {
    let schema = if args.settings {
        settings_schema()
    } else if args.migration {
        migration_schema()
    } else {
        recipe_schema()
    };
    let text = serde_json::to_string_pretty(&schema).context("the schema cannot be written")?;
    print(&format!("{text}\n"))?;
    Ok(Outcome::Done)
}

/// Runs the examples of the recipes that are named, of all where none is.
fn test(args: &RecipeTest, session: &Session) -> Result<Outcome> {
    let base = session.base(&[], None)?;
    let known = session.library(&base.folder)?;
    let (names, paths) = sort_out(&args.which, &known, session)?;
    let library = session.library_with(&base.folder, &paths)?;
    let is_chosen = |recipe: &&Recipe| {
        args.which.is_empty()
            || names.iter().any(|name| names_recipe(name, &recipe.id))
            || paths
                .iter()
                .any(|path| Path::new(&recipe.origin).starts_with(path))
    };
    let chosen: Vec<&Recipe> = library.recipes.iter().filter(is_chosen).collect();
    let mut failed = BTreeSet::new();
    for recipe in &chosen {
        let outcomes = recipe_test::run(&library, recipe)
            .with_context(|| format!("{} cannot be run", recipe.id))?;
        if outcomes.iter().any(|outcome| !outcome.faults.is_empty()) {
            failed.insert(&recipe.id);
        }
        print(&report(recipe, &outcomes))?;
    }
    let all = plural(chosen.len(), "recipe");
    if failed.is_empty() {
        session
            .terminal
            .remark(&format!("{all}: all examples pass"));
        return Ok(Outcome::Done);
    }
    let words = format!("{all}, {} with an example that fails", failed.len());
    session.terminal.remark(&words);
    Ok(Outcome::No)
}

/// The names of recipes, and the full paths of the files and folders that are none.
fn sort_out<'w>(
    which: &'w [String],
    known: &Library,
    session: &Session,
) -> Result<(Vec<&'w str>, Vec<PathBuf>)> {
    let (mut names, mut paths) = (Vec::new(), Vec::new());
    for word in which {
        let path = session.full(Path::new(word));
        if known
            .recipes
            .iter()
            .any(|recipe| names_recipe(word, &recipe.id))
        {
            names.push(word.as_str());
        } else if path.exists() {
            paths.push(path);
        } else {
            bail!(no_recipe(known, word));
        }
    }
    Ok((names, paths))
}

/// What came of the examples of a recipe: a line, and below it what is wrong.
fn report(recipe: &Recipe, outcomes: &[recipe_test::Outcome]) -> String {
    let failed = outcomes.iter().filter(|outcome| !outcome.faults.is_empty());
    let failed: Vec<&recipe_test::Outcome> = failed.collect();
    let examples = plural(outcomes.len(), "example");
    if failed.is_empty() {
        return format!("ok      {}  {examples}\n", recipe.id);
    }
    let mut out = format!("FAILED  {}  {} of {examples}\n", recipe.id, failed.len());
    for outcome in failed {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "  {}:{}  {}",
            recipe.origin, outcome.line, outcome.title
        );
        for fault in &outcome.faults {
            for line in fault.to_string().lines() {
                let _ = writeln!(out, "{}", format!("    {line}").trim_end());
            }
        }
    }
    visible_lines(&out).into_owned()
}

/// Writes the recipe that an author begins with into the project.
fn new(args: &RecipeNew, session: &Session) -> Result<Outcome> {
    let base = session.base(&[], None)?;
    let library = session.library(&base.folder)?;
    let (migration, name) = parts(&args.id, &library)?;
    if let Some(recipe) = library.recipe(&args.id) {
        bail!("{} is there already: {}", args.id, recipe.origin);
    }
    let root = Root::new(&base.folder)
        .with_context(|| format!("{} cannot be written to", base.folder.display()))?;
    let path = format!("{OWN_RECIPES}/{migration}/{name}.yaml");
    root.create(&path, scaffold(migration, name).as_bytes())?;
    print(&format!("{}\n", base.folder.join(&path).display()))?;
    let remark = format!(
        "write it over section by section; `connmod recipe test {}` runs its examples",
        args.id
    );
    session.terminal.remark(&remark);
    Ok(Outcome::Done)
}

/// An id in its parts, if it can be one.
fn parts<'i>(id: &'i str, library: &Library) -> Result<(&'i str, &'i str)> {
    let migrations: Vec<&str> = library.migrations.keys().map(String::as_str).collect();
    let Some((migration, name)) = id.split_once('/') else {
        bail!(
            "{id}: an id is <migration>/<name>, for instance {}/raw-connect",
            migrations.first().unwrap_or(&"asyncpg")
        );
    };
    if !library.migrations.contains_key(migration) {
        bail!(
            "{id}: there is no migration {migration}; there are {}",
            migrations.join(", ")
        );
    }
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name == "migration" || !name.chars().all(is_word) {
        bail!("{id}: a name is made of small letters, digits and hyphens");
    }
    Ok((migration, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::builtin;

    #[test]
    fn ids_stay_inside_of_their_folder() {
        let library = Library::load(builtin()).unwrap_or_else(|errors| panic!("{}", errors[0]));
        let accepted = |id| parts(id, &library).is_ok();
        assert!(accepted("asyncpg/raw-connect"));
        for id in [
            "raw-connect",
            "asyncpg/",
            "asyncpg/../x",
            "asyncpg/a/b",
            "asyncpg/migration",
            "nowhere/x",
            "asyncpg/Ünder",
        ] {
            assert!(!accepted(id), "{id}");
        }
    }
}
