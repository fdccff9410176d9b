//! The standard module read from texts.

use std::sync::Arc;

use super::*;
use crate::config::Config;
use crate::language;
use crate::project::Project;
use crate::recipe::{Library, builtin};
use crate::source::SourceFile;
use crate::sql::schema::Schema;

fn parsed(path: &str, text: &str) -> Arc<ParsedFile> {
    let language: &'static dyn language::Language = &language::python::Python;
    let parsed = language::parse(language, text).expect("it parses");
    Arc::new(ParsedFile::new(
        SourceFile::new(path, text),
        parsed,
        language,
    ))
}

/// The standard module of one file, by these helpers.
fn helpers(text: &str, helpers: &[(&str, &str)]) -> StandardModule {
    let files = vec![parsed("app/db.py", text)];
    let project = Project::new(files, ["app/db.py"]);
    let mut config = Config::default();
    config.standard.file = Some("app/db.py".into());
    let named = helpers
        .iter()
        .map(|(method, name)| ((*method).to_owned(), (*name).to_owned()));
    config.standard.helpers = named.collect();
    let library = Library::load(builtin()).expect("the built-in recipes load");
    StandardModule::read(&project, &config, &library.migrations["asyncpg"].driver)
}

const HELPERS: &str = "\
async def rows(sql, *args):
    async with pool.acquire() as conn:
        await conn.execute('SET ROLE reader')
        return await conn.fetch(sql, *args)
async def row(sql, *args):
    return await pool.fetchrow(sql, *args)
async def value(sql, *args):
    return await run('fetchval', sql, *args)
async def shared(sql, *args):
    await conn.execute('SELECT 1')
    return await inner(sql, *args)
async def inner(sql, *args):
    return await shared(sql, *args) or await pool.fetch(sql, *args)
";

#[test]
fn a_helper_that_does_another_method_is_not_used() {
    let standard = helpers(HELPERS, &[("fetch", "row"), ("fetchrow", "row")]);
    assert_eq!(standard.helpers.keys().collect::<Vec<_>>(), ["fetchrow"]);
    assert_eq!(
        standard.no_helper("fetch"),
        "`row` is not a helper for `.fetch()`: it calls `.fetchrow()`"
    );
    assert_eq!(
        standard.warnings,
        ["standard.helpers.fetch: `row` is not a helper for `.fetch()`: it calls `.fetchrow()`"]
    );
    assert_eq!(
        standard.no_helper("execute"),
        "no helper stands for `.execute()`"
    );
}

#[test]
fn a_helper_that_the_module_does_not_define_is_not_used() {
    let standard = helpers(HELPERS, &[("fetch", "nope")]);
    assert!(standard.helpers.is_empty());
    assert!(standard.absent.contains("nope"));
    assert_eq!(
        standard.no_helper("fetch"),
        "`nope` is not a helper for `.fetch()`: app/db.py does not define it"
    );
    assert!(
        standard.warnings.is_empty(),
        "the settings' own check says so"
    );
    let open = format!("from installed import *\n{HELPERS}");
    assert_eq!(helpers(&open, &[("fetch", "nope")]).helpers.len(), 1);
}

#[test]
fn a_helper_that_also_does_more_or_does_it_elsewhere_is_one() {
    let standard = helpers(HELPERS, &[("fetch", "rows"), ("fetchval", "value")]);
    assert_eq!(standard.helpers.len(), 2);
    let standard = helpers(HELPERS, &[("fetch", "shared")]);
    assert_eq!(standard.helpers.len(), 1);
    // It is one, but what it does besides is said.
    let besides = |warning: &String| {
        warning.starts_with("standard.helpers.fetch: `shared` is not just `.fetch()`: ")
    };
    assert!(!standard.warnings.is_empty());
    assert!(
        standard.warnings.iter().all(besides),
        "{:?}",
        standard.warnings
    );
}

#[test]
fn a_name_that_the_module_imports_is_a_name_of_the_module() {
    let files = [
        (
            "app/pool.py",
            "_pool = None\ndef register(pool):\n    global _pool\n    _pool = pool\ndef shared():\n    return _pool\ndef other(): pass\n",
        ),
        ("app/db.py", "from app.pool import shared as get\n"),
        (
            "app/a.py",
            "from app.pool import shared, other\nfrom app.db import get\nshared(), get(), other()\n",
        ),
    ];
    let files: Vec<Arc<ParsedFile>> = files
        .iter()
        .map(|(path, text)| parsed(path, text))
        .collect();
    let paths: Vec<String> = files
        .iter()
        .map(|file| file.source.path().to_owned())
        .collect();
    let project = Project::new(files, paths.iter().map(String::as_str));
    let mut config = Config::default();
    config.standard.file = Some("app/db.py".into());
    config.standard.pool = Some("get".into());
    let library = Library::load(builtin()).expect("the built-in recipes load");
    let driver = &library.migrations["asyncpg"].driver;
    let standard = StandardModule::read(&project, &config, driver);
    assert_eq!(standard.registrars, ["register"]);
    let linked = vec![true; project.files().count()];
    let world = World {
        project: &project,
        config: &config,
        driver,
        standard: &standard,
        schema: &Schema::default(),
        tests: &globset::GlobSet::empty(),
        linked: &linked,
        memo: &crate::facts::memo::Memo::default(),
    };
    let file = project.by_path("app/a.py").expect("it is there");
    let getters: Vec<(&str, bool)> = project
        .file(file)
        .outline
        .calls
        .iter()
        .map(|call| {
            let is_getter = standard.is_pool_getter(world, file, call.callee);
            (call.name.as_str(), is_getter)
        })
        .collect();
    assert_eq!(getters, [("shared", true), ("get", true), ("other", false)]);
}
