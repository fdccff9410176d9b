//! Which of the migrations a project needs, and the settings of all of them in one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::config::Context;
use crate::language::{self, Language};
use crate::learn::contexts::{is_script, is_test};
use crate::learn::{Candidate, Input, Learnt, Note, learn_one};
use crate::recipe::Driver;
use crate::source::SourceFile;

/// Learns the settings: those of every migration whose standard the project has; where it has none, those of the migration whose driver it
/// uses most.
pub(super) fn learn(files: &[SourceFile], migrations: &[Candidate<'_>]) -> Learnt {
    let used: Vec<usize> = migrations
        .iter()
        .map(|(_, driver)| users(files, driver))
        .collect();
    let learn = |index: usize| {
        let (_, driver) = migrations[index];
        learn_one(&Input { files, driver })
    };
    // The first is also what a project gets that shows nothing.
    let candidates = (0..migrations.len()).filter(|index| *index == 0 || used[*index] > 0);
    let mut known: Vec<(usize, Learnt)> = Vec::new();
    let mut unknown: Vec<(usize, Learnt)> = Vec::new();
    for index in candidates {
        let learnt = learn(index);
        if learnt.config.standard.is_known() {
            known.push((index, learnt));
        } else {
            unknown.push((index, learnt));
        }
    }
    if known.is_empty() {
        unknown.sort_by_key(|(index, _)| (Reverse(used[*index]), *index));
        unknown.truncate(1);
        known = unknown;
    }
    let mut known = known.into_iter();
    let Some((first, mut learnt)) = known.next() else {
        return Learnt::default();
    };
    let main = migrations[first].0;
    learnt.config.migrations = vec![main.to_owned()];
    for (index, other) in known {
        let name = migrations[index].0;
        learnt.config.migrations.push(name.to_owned());
        add(&mut learnt, name, other);
    }
    if learnt.config.migrations != [migrations[0].0] {
        let text = learnt.config.migrations.join(", ");
        let why = "by the drivers that the code uses and the standard modules that it has";
        learnt
            .notes
            .insert(0, Note::guessed("migrations", text, why));
    }
    learnt
}

/// Adds what a further migration learnt: its standard module, and what its contexts have beside those that are known.
fn add(learnt: &mut Learnt, name: &str, other: Learnt) {
    let config = &mut learnt.config;
    config
        .standards
        .insert(name.to_owned(), other.config.standard);
    let mut by_name: BTreeMap<String, usize> = config
        .contexts
        .iter()
        .enumerate()
        .map(|(index, context)| (context.name.clone(), index))
        .collect();
    for context in other.config.contexts {
        if let Some(index) = by_name.get(&context.name) {
            merge(&mut config.contexts[*index], context);
        } else {
            by_name.insert(context.name.clone(), config.contexts.len());
            config.contexts.push(context);
        }
    }
    let of_standard = other
        .notes
        .into_iter()
        .filter(|note| note.setting.starts_with("standard"));
    learnt.notes.extend(of_standard.map(|note| {
        let setting = note
            .setting
            .replacen("standard", &format!("standards.{name}"), 1);
        Note { setting, ..note }
    }));
}

fn merge(context: &mut Context, other: Context) {
    let add = |own: &mut Vec<String>, more: Vec<String>| {
        for text in more {
            if !own.contains(&text) {
                own.push(text);
            }
        }
    };
    add(&mut context.paths, other.paths);
    add(&mut context.decorators, other.decorators);
    add(&mut context.bases, other.bases);
}

/// How many files, of those that are neither tests nor scripts, open or borrow connections of the driver.
fn users(files: &[SourceFile], driver: &Driver) -> usize {
    let calls = driver.create_pool.iter().chain(&driver.connect);
    let calls = calls.chain(&driver.acquire).chain(&driver.create_engine);
    let calls = calls.chain(&driver.begin).chain(&driver.executors);
    let neighbours = driver.neighbours.iter();
    let others = neighbours.flat_map(|own| own.acquire.iter().chain(&own.connect));
    let calls = calls.chain(others);
    let calls: Vec<String> = calls.map(|name| format!("{name}(")).collect();
    let uses = |file: &&SourceFile| {
        let text = file.text();
        let path = file.path();
        let names_driver = || driver.is_named_in(text);
        let language = language::for_path(path).map(Language::name);
        language == Some(driver.language.as_str())
            && !is_test(path)
            && !is_script(path)
            && (driver.any_pool || names_driver())
            && calls.iter().any(|call| contains_word(text, call))
            && (names_driver()
                || driver
                    .acquire
                    .iter()
                    .any(|name| contains_word(text, &format!("{name}("))))
    };
    files.par_iter().filter(uses).count()
}

/// Whether `call` stands in `text` as a name of its own.
fn contains_word(text: &str, call: &str) -> bool {
    text.match_indices(call).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Standard};
    use crate::learn::ScaffoldForm;
    use crate::recipe::{Library, builtin};
    use crate::sql::schema::Schema;

    fn learnt(files: &[(&str, &str)]) -> Config {
        let library = Library::load(builtin()).expect("the built-in recipes load");
        let candidates: Vec<Candidate<'_>> = library
            .migrations
            .values()
            .map(|migration| (migration.id.as_str(), &migration.driver))
            .collect();
        let files: Vec<SourceFile> = files
            .iter()
            .map(|(path, text)| SourceFile::new(*path, *text))
            .collect();
        learn(&files, &candidates).config
    }

    const SESSIONS: &str = "\
from contextlib import asynccontextmanager
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
engine = create_async_engine('')
make = async_sessionmaker(engine)
spare = async_sessionmaker(engine)
@asynccontextmanager
async def lend():
    async with make() as session:
        yield session
async def depend():
    async with lend() as session:
        yield session
";

    const USES_SESSIONS: &str = "\
from shop.db import lend
async def f():
    async with lend() as session:
        return await session.scalar('SELECT 1')
";

    const POOL: &str = "\
import asyncpg
pool = None
async def open_pool(dsn):
    global pool
    pool = await asyncpg.create_pool(dsn)
def get_pool():
    return pool
";

    #[test]
    fn a_session_module_is_known_by_what_it_does() {
        let config = learnt(&[("shop/db.py", SESSIONS), ("shop/a.py", USES_SESSIONS)]);
        assert_eq!(config.migrations, ["sqlalchemy"]);
        let standard = config.standard;
        assert_eq!(standard.file.as_deref(), Some("shop/db.py"));
        assert_eq!(standard.module.as_deref(), Some("shop.db"));
        assert_eq!(standard.factory.as_deref(), Some("make"));
        assert_eq!(standard.scope.as_deref(), Some("lend"));
        assert_eq!(standard.dependency.as_deref(), Some("depend"));
    }

    #[test]
    fn what_tests_define_is_no_standard() {
        let config = learnt(&[("tests/conftest.py", SESSIONS)]);
        assert!(!config.standard.is_known());
    }

    #[test]
    fn a_project_with_two_standards_needs_two_migrations() {
        let config = learnt(&[
            ("shop/db.py", SESSIONS),
            ("shop/a.py", USES_SESSIONS),
            ("shop/pool.py", POOL),
        ]);
        assert_eq!(config.migrations, ["asyncpg", "sqlalchemy"]);
        assert_eq!(config.standard.pool.as_deref(), Some("get_pool"));
        let second = &config.standards["sqlalchemy"];
        assert_eq!(second.scope.as_deref(), Some("lend"));
        config.validate().expect("they are good settings");
    }

    #[test]
    fn without_a_standard_the_driver_that_is_used_most_decides() {
        let file =
            "import psycopg2\ndef f(dsn):\n    conn = psycopg2.connect(dsn)\n    conn.close()\n";
        let config = learnt(&[("shop/a.py", file)]);
        assert_eq!(config.migrations, ["connection-service"]);
        assert_eq!(learnt(&[("shop/a.py", "x = 1\n")]).migrations, ["asyncpg"]);
    }

    #[test]
    fn a_driver_is_used_in_its_own_language_only() {
        let file = "import psycopg2\nPOSTGRES = 'postgres://'\ndef f(dsn):\n    conn = psycopg2.connect(dsn)\n    conn.execute('SELECT 1')\n";
        let more = "POSTGRES = 'postgres'\ndef g(app):\n    app.connect()\n    app.execute()\n";
        let config = learnt(&[
            ("shop/a.py", file),
            ("shop/b.py", more),
            ("shop/c.py", more),
        ]);
        assert_eq!(config.migrations, ["connection-service"]);
        let crate_file = "use sqlx::PgPool;\npub async fn f(pool: &PgPool) -> sqlx::Result<()> {\n    sqlx::query(\"SELECT 1\").execute(pool).await?;\n    Ok(())\n}\n";
        assert_eq!(learnt(&[("src/a.rs", crate_file)]).migrations, ["sqlx"]);
    }

    #[test]
    fn the_session_module_that_is_written_is_learnt() {
        for (maker, is_async) in [("async_sessionmaker", true), ("sessionmaker", false)] {
            let home = format!(
                "from sqlalchemy import {maker}\nengine = None\nmake_session = {maker}(engine)\n"
            );
            let user = "from shop.db import make_session\ndef f():\n    s = make_session()\n    s.close()\n";
            let files = [
                ("src/shop/db.py", home.as_str()),
                ("src/shop/a.py", user),
                ("src/other.py", "import shop.a\n"),
            ];
            let sources: Vec<SourceFile> = files
                .iter()
                .map(|(path, text)| SourceFile::new(*path, *text))
                .collect();
            let before = learnt(&files);
            let written = crate::learn::scaffold(
                &sources,
                &Schema::default(),
                &before.standard,
                ScaffoldForm::Session,
            )
            .expect("there is a factory, and no scope");
            let (path, text) = &written.files[0];
            assert_eq!(path, "src/shop/session.py");
            assert_eq!(text.contains("async with make_session()"), is_async);
            let mut all = files.to_vec();
            all.push((path, text));
            let config = learnt(&all);
            let standard = config.standard;
            assert_eq!(standard.module.as_deref(), Some("shop.session"));
            assert_eq!(standard.factory.as_deref(), Some("make_session"));
            assert_eq!(standard.scope.as_deref(), Some("get_session"));
            assert_eq!(
                standard.dependency.as_deref(),
                Some("get_session_dependency")
            );
            let own = config
                .contexts
                .iter()
                .find(|context| context.name == "standard");
            assert_eq!(
                own.map(|own| own.paths.as_slice()),
                Some(
                    &[
                        "src/shop/db.py".to_owned(),
                        "src/shop/session.py".to_owned()
                    ][..]
                )
            );
            // There is one now.
            let again = crate::learn::scaffold(
                &sources,
                &Schema::default(),
                &standard,
                ScaffoldForm::Session,
            );
            assert!(again.is_err());
        }
    }

    #[test]
    fn without_a_factory_no_session_module_is_written() {
        let nothing = Standard::default();
        let form = ScaffoldForm::Session;
        let error = crate::learn::scaffold(&[], &Schema::default(), &nothing, form);
        let error = error.expect_err("its sessions would come from nowhere");
        assert!(error.to_string().contains("make one first"), "{error}");
    }

    #[test]
    fn the_service_that_is_written_is_learnt() {
        for (driver, own) in [("psycopg2", "psycopg2"), ("psycopg", "psycopg_pool")] {
            let text = format!("import {driver}\ndef f(dsn):\n    {driver}.connect(dsn).close()\n");
            let files = [SourceFile::new("shop/a.py", text.as_str())];
            let form = ScaffoldForm::Service;
            let written =
                crate::learn::scaffold(&files, &Schema::default(), &Standard::default(), form)
                    .expect("nothing is in its place");
            let adapter = written
                .files
                .iter()
                .find(|(path, _)| path.ends_with("/driver.py"));
            assert!(
                adapter.is_some_and(|(_, text)| text.contains(&format!("import {own}"))
                    || text.contains(&format!("from {own}")))
            );
            let mut all: Vec<(&str, &str)> = vec![("shop/a.py", &text)];
            all.extend(
                written
                    .files
                    .iter()
                    .map(|(path, text)| (path.as_str(), text.as_str())),
            );
            let config = learnt(&all);
            assert_eq!(config.migrations, ["connection-service"]);
            assert_eq!(
                config.standard.service.as_deref(),
                Some("connection_service")
            );
            assert_eq!(
                config.standard.file.as_deref(),
                Some(written.module.as_str())
            );
        }
    }
}
