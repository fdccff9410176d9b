//! Several migrations over the same files.

use std::sync::LazyLock;

use crate::config::{Config, Standard};
use crate::finding::Inventory;
use crate::pipeline::{Lane, Selection, Survey, gather};
use crate::progress::Silent;
use crate::recipe::{Library, builtin};
use crate::source::SourceFile;

/// The built-in migration, and one for another driver with the same methods.
static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let other = builtin().into_iter().map(|(path, text)| {
        let text = text
            .replace("id: asyncpg", "id: other")
            .replace("modules: [asyncpg]", "modules: [otherpg]");
        (path.replace("/asyncpg/", "/other/"), text)
    });
    Library::load(builtin().into_iter().chain(other)).expect("the recipes load")
});

const MODULE: &str = "import DRIVER\n\n_pool = None\n\n\nasync def start(dsn):\n    global _pool\n    _pool = await DRIVER.create_pool(dsn)\n\n\n\
    def get_pool():\n    return _pool\n\n\n\
    async def rows(sql, *args):\n    async with get_pool().acquire() as conn:\n        return await conn.fetch(sql, *args)\n";

const BOTH: &str = "import first\nimport second\n\n\nasync def one():\n    async with first.get_pool().acquire() as conn:\n        return await conn.fetch('SELECT 1')\n\n\n\
    async def two():\n    async with second.get_pool().acquire() as conn:\n        return await conn.fetch('SELECT 2')\n";

fn standard(module: &str) -> Standard {
    Standard {
        module: Some(module.into()),
        file: Some(format!("{module}.py")),
        pool: Some("get_pool".into()),
        helpers: [("fetch".to_owned(), "rows".to_owned())].into(),
        ..Standard::default()
    }
}

fn survey(migrations: [&str; 2]) -> Survey {
    let mut config = Config::parse(
        "connmod.yaml",
        "version: 1\ncontexts:\n  - {name: app, kind: system, paths: ['app/**']}\n",
    )
    .expect("the settings are right");
    config.migrations = migrations.map(str::to_owned).into();
    let modules = [("asyncpg", "first"), ("other", "second")];
    for (migration, module) in modules {
        if migration == migrations[0] {
            config.standard = standard(module);
        } else {
            config.standards.insert(migration.into(), standard(module));
        }
    }
    config.validate().expect("the settings are right");
    let chosen = migrations.map(|name| &LIBRARY.migrations[name]);
    let lanes = Lane::all(&chosen, &LIBRARY, &config).expect("the recipes compile");
    let files = [
        ("app/both.py", BOTH.to_owned()),
        ("first.py", MODULE.replace("DRIVER", "asyncpg")),
        ("second.py", MODULE.replace("DRIVER", "otherpg")),
    ];
    let files = files.map(|(path, text)| SourceFile::new(path, text));
    gather(config, lanes, &files, &Silent)
}

/// The sites of `app/both.py`: line and migration, once each.
fn sites(inventory: &Inventory) -> Vec<(usize, String)> {
    let findings = inventory.findings.iter();
    let own = findings.filter(|finding| finding.site.file == "app/both.py");
    let mut sites: Vec<(usize, String)> = own
        .map(|finding| {
            let migration = finding.site.recipe.split('/').next().unwrap_or_default();
            (finding.site.line, migration.to_owned())
        })
        .collect();
    sites.dedup();
    sites
}

#[test]
fn each_place_is_a_site_of_one_migration() {
    for migrations in [["asyncpg", "other"], ["other", "asyncpg"]] {
        let survey = survey(migrations);
        let inventory = &survey.inventory;
        let mut spans: Vec<_> = inventory
            .findings
            .iter()
            .map(|finding| (&finding.site.file, finding.site.span))
            .collect();
        let all = spans.len();
        spans.sort();
        spans.dedup();
        assert_eq!(spans.len(), all, "a place is two sites: {migrations:?}");
        assert_eq!(
            sites(inventory),
            [(6, "asyncpg".to_owned()), (11, "other".to_owned())],
            "{migrations:?}"
        );
    }
}

#[test]
fn the_rewrites_of_two_migrations_in_one_file_become_one_text() {
    for migrations in [["asyncpg", "other"], ["other", "asyncpg"]] {
        let patches = survey(migrations).patches(&Selection::default());
        let after: Vec<(&str, &str)> = patches
            .iter()
            .map(|patch| (patch.path.as_str(), patch.after.as_str()))
            .collect();
        let expected = "import first\nimport second\n\n\nasync def one():\n    return await first.rows('SELECT 1')\n\n\n\
            async def two():\n    return await second.rows('SELECT 2')\n";
        assert_eq!(after, [("app/both.py", expected)], "{migrations:?}");
    }
}

#[test]
fn each_checklist_answers_for_its_own_sites() {
    let survey = survey(["asyncpg", "other"]);
    let findings = &survey.inventory.findings;
    let answers = crate::pipeline::mark::checklist(&LIBRARY, &survey.config, findings);
    let title = "No pool is acquired from in services, jobs, routes or agents";
    let counts: Vec<usize> = answers
        .iter()
        .filter(|(item, _)| item == title)
        .map(|(_, broken)| broken.len())
        .collect();
    assert_eq!(counts, [1, 1]);
}
