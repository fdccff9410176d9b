//! Parts of a tree that no import links with the driver: locks in them are followed no further, and what looks like a pool is still a site.

use std::sync::LazyLock;

use crate::config::Config;
use crate::pipeline::{Lane, Survey, gather};
use crate::progress::Silent;
use crate::recipe::{Library, builtin};
use crate::source::SourceFile;

static LIBRARY: LazyLock<Library> =
    LazyLock::new(|| Library::load(builtin()).expect("the recipes load"));

fn survey(files: &[(&str, &str)]) -> Survey {
    let config = Config::default();
    let chosen = [&LIBRARY.migrations["asyncpg"]];
    let lanes = Lane::all(&chosen, &LIBRARY, &config).expect("the recipes compile");
    let files = files.iter();
    let files: Vec<SourceFile> = files
        .map(|(path, text)| SourceFile::new(*path, *text))
        .collect();
    gather(config, lanes, &files, &Silent)
}

const DRIVER: (&str, &str) = (
    "app/db.py",
    "import asyncpg\n\n\nasync def start(dsn):\n    return await asyncpg.create_pool(dsn)\n",
);

/// The sites and the dismissed hits of a file, by line.
fn of(survey: &Survey, path: &str) -> (Vec<usize>, Vec<(usize, String)>) {
    let inventory = &survey.inventory;
    let sites = inventory.findings.iter();
    let sites = sites.filter(|finding| finding.site.file == path);
    let dismissed = inventory.dismissed.iter();
    let dismissed = dismissed.filter(|dismissed| dismissed.file == path);
    (
        sites.map(|finding| finding.site.line).collect(),
        dismissed
            .map(|dismissed| (dismissed.line, dismissed.reason.clone()))
            .collect(),
    )
}

#[test]
fn a_pool_is_a_site_by_its_name_and_use_though_nothing_links_it_with_the_driver() {
    let cog = "class Cog:\n    async def one(self):\n        async with self.bot.pool.acquire() as conn:\n            \
        return await conn.fetch('SELECT 1')\n\n    async def two(self):\n        async with self.bot.database.acquire() as conn:\n            \
        return await conn.fetch('SELECT 2')\n";
    let survey = survey(&[DRIVER, ("cogs/cog.py", cog)]);
    let (sites, dismissed) = of(&survey, "cogs/cog.py");
    assert_eq!(sites, [3, 7]);
    assert!(dismissed.is_empty(), "{dismissed:?}");
}

#[test]
fn a_lock_is_listed_with_a_reason_whether_linked_or_not() {
    let lock = "from threading import Lock\n\n\nclass Cache:\n    def __init__(self):\n        self.guard = Lock()\n        \
        self.pool = Lock()\n\n    def get(self):\n        self.guard.acquire()\n        self.pool.acquire()\n";
    let linked = format!("import app.db\n{lock}");
    let survey = survey(&[DRIVER, ("other/a.py", lock), ("app/b.py", &linked)]);
    let (sites, dismissed) = of(&survey, "other/a.py");
    assert!(sites.is_empty(), "{sites:?}");
    let lines: Vec<usize> = dismissed.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [10, 11]);
    let (sites, dismissed) = of(&survey, "app/b.py");
    assert!(sites.is_empty(), "{sites:?}");
    let lines: Vec<usize> = dismissed.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [11, 12]);
}

#[test]
fn a_tree_that_was_let_go_says_the_same() {
    let text = "async def f(pool):\n    async with pool.acquire() as conn:\n        return await conn.fetch('SELECT a FROM t')\n";
    let survey = survey(&[DRIVER, ("app/a.py", text)]);
    let shape = |survey: &Survey| {
        let files = survey.project.files();
        let trees = files.map(|(_, file)| file.tree().root_node().to_sexp());
        trees.collect::<Vec<_>>()
    };
    let before = shape(&survey);
    let id = survey.project.by_path("app/a.py").expect("it is there");
    let call = crate::source::Span::new(
        text.find("pool.acq").expect("there"),
        text.find(" as conn").expect("there"),
    );
    let form = survey.project.file(id).expression(call);
    survey.project.files().for_each(|(_, file)| file.let_go());
    assert_eq!(shape(&survey), before);
    assert_eq!(survey.project.file(id).expression(call), form);
}
