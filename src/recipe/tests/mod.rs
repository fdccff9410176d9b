//! Recipes from their text: what loads, and what is refused with which message.

mod builtin;
mod faults;
mod hostile;

use super::{Library, Migration, Recipe, builtin, load, load_migration};
use crate::fault::FileFault as RecipeError;

/// A recipe without a fault; the tests below break one thing each.
const GOOD: &str = r#"id: asyncpg/probe
title: Probe
pattern: pool_acquire
why: A reason.
language: python
locate: |
  (call
    function: (attribute object: (_) @POOL attribute: (identifier) @m)
    (#eq? @m "acquire")) @site
where: {POOL: pool}
shape: |
  (await (call arguments: (argument_list) @ARGS) @site) @ACQUIRE
decide:
  - {if: {context: standard}, then: keep, because: its own module}
  - {if: {context: [user, system], tables: rls}, then: [rls, scope]}
  - {else: review, because: nobody knows}
rewrite:
  rls: {replace: {at: ACQUIRE, with: "{standard.rls}({identity})"}}
  scope: {replace: {at: ACQUIRE, with: "{standard.scope}()"}}
examples:
  - title: one
    path: app/a.py
    before: |
      await pool.acquire()
    after: |
      scope()
  - {title: two, path: app/b.py, before: "1\n", no-site: true}
"#;

fn migration() -> Migration {
    let files = builtin();
    let (path, text) = files
        .iter()
        .find(|(path, _)| path.ends_with("asyncpg/migration.yaml"))
        .expect("embedded");
    load_migration(path, text).expect("valid")
}

fn load_probe(text: &str) -> Result<Recipe, RecipeError> {
    load("recipes/asyncpg/probe.yaml", text, &migration())
}

/// What the author reads when `from` of [`GOOD`] is written as `to`.
fn refused(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the recipe");
    let text = GOOD.replacen(from, to, 1);
    let error = load_probe(&text).expect_err("a fault");
    // The caret's line is the line of the position.
    let place = format!(
        "{}:{}:{}",
        error.origin, error.position.line, error.position.column
    );
    let shown = error.to_string();
    assert!(shown.contains(&place), "{place} is not in\n{shown}");
    shown
}

/// Compares with `snapshots/<name>.snap` at the top of the project.
fn assert_shown(name: &str, shown: &[String]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("recipe_{name}"), shown.join("\n\n")));
}

#[test]
fn a_good_recipe_loads() {
    let recipe = load_probe(GOOD).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(recipe.id, "asyncpg/probe");
    assert_eq!(recipe.literals, ["acquire"]);
    assert_eq!(recipe.rows.len(), 3);
    assert_eq!(recipe.rows[1].line, 15);
    assert_eq!(recipe.examples[0].line, 21);
    assert_eq!(recipe.rewrites.len(), 2);
}

#[test]
fn a_project_adds_and_replaces_recipes() {
    let mut files = builtin();
    let all = Library::load(files.clone()).expect("valid");
    files.push((".connmod/recipes/asyncpg/probe.yaml".into(), GOOD.into()));
    files.push((
        "mine/probe.yaml".into(),
        GOOD.replace("title: Probe", "title: Mine"),
    ));
    let library = Library::load(files).expect("valid");
    assert_eq!(library.recipes.len(), all.recipes.len() + 1);
    let probe = library.recipe("asyncpg/probe").expect("added");
    assert_eq!(
        (probe.title.as_str(), probe.origin.as_str()),
        ("Mine", "mine/probe.yaml")
    );
    assert_eq!(
        library.migration_of(probe).map(|m| m.id.as_str()),
        Some("asyncpg")
    );
    assert!(library.recipes.is_sorted_by(|a, b| a.id < b.id));
}

#[test]
fn every_file_at_fault_is_named() {
    let mut files = builtin();
    files.push(("a/probe.yaml".into(), "id: x".into()));
    files.push((
        "a/probe.yaml".into(),
        GOOD.replace("id: asyncpg", "id: nowhere"),
    ));
    files.push(("recipes/asyncpg/other.yaml".into(), GOOD.into()));
    files.push(("recipes/other/migration.yaml".into(), "id: 1".into()));
    let errors = Library::load(files).expect_err("faults");
    let problems: Vec<String> = errors.into_iter().map(|error| error.problem).collect();
    assert_eq!(
        problems,
        [
            "the section `title` is missing",
            "the section `title` is missing",
            "there is no migration `nowhere`",
            "the id does not fit the file's path: `asyncpg/other`",
        ]
    );
}
