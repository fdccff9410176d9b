//! `guide`: the project's connection guide.

use anyhow::Result;

use crate::cli::Outcome;
use crate::cli::args::Guide;
use crate::cli::session::Session;
use crate::recipe::Recipe;
use crate::report::guide::{Source, render};

pub(super) fn run(args: &Guide, session: &Session) -> Result<Outcome> {
    let base = session.base(&[], args.project.as_deref())?;
    let given = args.output.as_deref();
    let output = session.output(&base, given)?;
    let (config, library) = session.known(&base)?;
    let documents: Vec<String> = config
        .migrations
        .iter()
        .filter_map(|name| library.migrations.get(name))
        .map(|migration| {
            let own = |recipe: &&Recipe| {
                library
                    .migration_of(recipe)
                    .is_some_and(|found| found.id == migration.id)
                    && recipe.runs_in(config.stage)
            };
            let recipes: Vec<&Recipe> = library.recipes.iter().filter(own).collect();
            render(Source {
                config: &config.of_migration(&migration.id),
                migration,
                recipes: &recipes,
            })
        })
        .collect();
    session.deliver(&documents.join("\n"), given, output.as_deref())?;
    Ok(Outcome::Done)
}
