//! What is learnt from small projects, and what is not because the code does something else than its name says.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::config::ContextKind;
use crate::recipe::{Library, builtin};

static LIBRARY: LazyLock<Library> =
    LazyLock::new(|| Library::load(builtin()).expect("the built-in recipes load"));

fn from(files: &[(&str, &str)]) -> Learnt {
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile::new(*path, *text))
        .collect();
    let learnt = learn_one(&Input {
        files: &files,
        driver: &LIBRARY.migrations["asyncpg"].driver,
    });
    learnt.config.validate().expect("the settings are valid");
    let text = to_yaml(&learnt);
    assert_eq!(
        Config::parse("connmod.yaml", &text).as_ref(),
        Ok(&learnt.config),
        "{text}"
    );
    learnt
}

const POOL: &str = r"
from contextlib import asynccontextmanager
import asyncpg

_pool = None

async def open_pool(dsn):
    global _pool
    _pool = await asyncpg.create_pool(dsn)

def shared():
    return _pool
";

/// A module with a pool and `rest`.
fn module(rest: &str) -> Learnt {
    from(&[("app/db.py", &format!("{POOL}\n{rest}\n"))])
}

fn helpers(rest: &str) -> Vec<String> {
    let helpers = module(rest).config.standard.helpers;
    let pair = |(method, name): (String, String)| format!("{method}: {name}");
    helpers.into_iter().map(pair).collect()
}

fn place<'n>(learnt: &'n Learnt, setting: &str) -> Option<&'n How> {
    let note = learnt.notes.iter().find(|note| note.setting == setting);
    note.map(|note| &note.how)
}

fn context<'c>(learnt: &'c Learnt, name: &str) -> Option<&'c crate::config::Context> {
    let contexts = &learnt.config.contexts;
    contexts.iter().find(|context| context.name == name)
}

fn paths(learnt: &Learnt, name: &str) -> Vec<String> {
    context(learnt, name).map_or_else(Vec::new, |context| context.paths.clone())
}

#[test]
fn nothing_is_learnt_from_nothing() {
    for files in [
        &[][..],
        &[("a.py", "import os\n"), ("b.py", "")],
        &[("x.txt", "asyncpg")],
    ] {
        let learnt = from(files);
        assert_eq!(learnt.config, Config::default());
        assert!(matches!(
            place(&learnt, "standard"),
            Some(How::Guessed { .. })
        ));
    }
}

#[test]
fn a_helper_is_what_runs_the_query_that_it_is_given() {
    let found = helpers(
        r"
async def rows(sql, *values, timeout=None):
    async with shared().acquire() as c:
        return await c.fetch(sql, *values, timeout=timeout)

async def row(sql, *values):
    return await _pool.fetchrow(sql, *values)

async def value(sql, /, *values):
    pool = shared()
    try:
        async with pool.acquire() as c:
            if values:
                return await c.fetchval(sql, *values)
            else:
                return await c.fetchval(sql, *values)
    except Exception as error:
        print(error)
        raise

@asynccontextmanager
async def lent():
    async with shared().acquire() as c:
        yield c

async def run(sql, *values):
    async with lent() as c:
        status = await c.execute(sql, *values)
        return status

async def many(sql, sets):
    async with lent() as c, c.transaction():
        await c.executemany(sql, sets)
",
    );
    assert_eq!(
        found,
        [
            "execute: run",
            "executemany: many",
            "fetch: rows",
            "fetchrow: row",
            "fetchval: value"
        ]
    );
}

#[test]
fn a_helper_may_make_dictionaries_of_rows() {
    for body in [
        "rows = await c.fetch(q, *a)\n        return [dict(r) for r in rows]",
        "return [dict(r) for r in await c.fetch(q, *a)]",
        "return list(await c.fetch(q, *a))",
    ] {
        let text = format!(
            "async def f(q, *a):\n    async with shared().acquire() as c:\n        {body}\n"
        );
        assert_eq!(helpers(&text), ["fetch: f"], "{body}");
    }
    for body in [
        "row = await c.fetchrow(q, *a)\n        return dict(row) if row else None",
        "row = await c.fetchrow(q, *a)\n        return row and dict(row)",
    ] {
        let text = format!(
            "async def f(q, *a):\n    async with shared().acquire() as c:\n        {body}\n"
        );
        assert_eq!(helpers(&text), ["fetchrow: f"], "{body}");
    }
}

#[test]
fn what_does_something_else_is_no_helper() {
    let bodies = [
        // Does not run the query.
        "        return q",
        "        return await c.fetch('SELECT 1', *a)",
        "        return await c.fetch(q + ' LIMIT 1', *a)",
        "        return await c.fetch(q)",
        "        return await c.fetch(q, a)",
        "        return await c.fetch(q, *a, 1)",
        // Gives something else back.
        "        await c.fetch(q, *a)",
        "        rows = await c.fetch(q, *a)\n        return len(rows)",
        "        row = await c.fetchrow(q, *a)\n        return row[0]",
        "        rows = await c.fetch(q, *a)\n        return [r['id'] for r in rows]",
        "        rows = await c.fetch(q, *a)\n        return rows or []",
        // Runs more.
        "        await c.execute('SET search_path TO x')\n        return await c.fetch(q, *a)",
        "        await c.execute(q, *a)\n        return await c.fetch(q, *a)",
        // Swallows errors.
        "        try:\n            return await c.fetch(q, *a)\n        except Exception:\n            print(q)",
        "        try:\n            return await c.fetch(q, *a)\n        except Exception:\n            return []",
    ];
    for body in bodies {
        let text = format!(
            "async def execute_query(q, *a):\n    async with shared().acquire() as c:\n{body}\n"
        );
        assert_eq!(helpers(&text), Vec::<String>::new(), "{body}");
    }
    let functions = [
        "def execute_query(q, *a):\n    return _pool.fetch(q, *a)",
        "async def execute_query(c, q, *a):\n    return await c.fetch(q, *a)",
        "async def execute_query(q, *a, user):\n    return await _pool.fetch(q, *a)",
        "async def execute_query(*a):\n    return await _pool.fetch(*a)",
        "@cached\nasync def execute_query(q, *a):\n    return await _pool.fetch(q, *a)",
        "async def execute_query(q, *a):\n    return await redis.fetch(q, *a)",
        "async def execute_query(q, *a):\n    c = await asyncpg.connect()\n    return await c.fetch(q, *a)",
        "class Db:\n    async def execute_query(self, q, *a):\n        return await _pool.fetch(q, *a)",
    ];
    for function in functions {
        assert_eq!(helpers(function), Vec::<String>::new(), "{function}");
    }
}

#[test]
fn a_pool_is_known_however_it_is_imported_and_kept() {
    let modules = [
        "import asyncpg as pg\n_p: pg.Pool | None = None\ndef get():\n    return _p\n",
        "from asyncpg import create_pool as make\nclass S: pass\nstate = S()\nasync def start():\n    state.pool = await make()\ndef get():\n    return state.pool\n",
        "import asyncpg\nasync def start():\n    global _p\n    _p = await asyncpg.create_pool()\ndef get():\n    p = _p\n    if p is None:\n        raise RuntimeError\n    return p\n",
        "import asyncpg, sys\nbox = sys.modules['x']\ndef register(pool: asyncpg.Pool):\n    box.pool = pool\ndef get():\n    found = getattr(box, 'pool', None)\n    return found\n",
        "from asyncpg.pool import Pool\ndef get() -> 'Pool':\n    return anything()\n",
        "import asyncpg\n_p = None\nasync def get():\n    global _p\n    if _p is None:\n        _p = await asyncpg.create_pool()\n    return _p\n",
    ];
    for text in modules {
        let learnt = from(&[("app/db.py", text)]);
        let standard = &learnt.config.standard;
        assert_eq!(standard.pool.as_deref(), Some("get"), "{text}");
        assert_eq!(standard.file.as_deref(), Some("app/db.py"), "{text}");
    }
}

#[test]
fn what_gives_another_pool_is_no_getter() {
    let modules = [
        // A new pool for each caller.
        "import asyncpg\nasync def get_db_pool():\n    return await asyncpg.create_pool()\n",
        "import asyncpg\nasync def get_db_pool():\n    pool = await asyncpg.create_pool()\n    return pool\n",
        // Other libraries' pools.
        "from multiprocessing import Pool\n_p = Pool()\ndef get_db_pool() -> Pool:\n    return _p\n",
        "import asyncpg, redis\n_p = redis.create_pool()\ndef get_db_pool():\n    return _p\n",
        // A pool of the caller's.
        "import asyncpg\ndef get_db_pool(pool: asyncpg.Pool) -> asyncpg.Pool:\n    return pool\n",
        "import asyncpg\n_p = None\ndef get_db_pool():\n    return _p\n",
    ];
    for text in modules {
        let learnt = from(&[("app/db.py", text)]);
        assert_eq!(
            learnt.config.standard,
            crate::config::Standard::default(),
            "{text}"
        );
    }
}

#[test]
fn opening_the_pool_is_not_taken_for_getting_it() {
    let learnt = from(&[(
        "app/db.py",
        "import asyncpg\n_p = None\nasync def init(dsn=None) -> asyncpg.Pool:\n    global _p\n    if _p is None:\n        _p = await asyncpg.create_pool(dsn)\n    return _p\ndef pool() -> asyncpg.Pool:\n    return _p\n",
    )]);
    assert_eq!(learnt.config.standard.pool.as_deref(), Some("pool"));
}

#[test]
fn scopes_are_told_apart_by_what_they_set() {
    let learnt = module(
        r#"
@asynccontextmanager
async def lent():
    async with shared().acquire() as c:
        yield c

@asynccontextmanager
async def as_user(who):
    async with lent() as c:
        async with c.transaction():
            await c.execute("SELECT set_config('app.user_id', $1, true)", str(who))
            yield c
"#,
    );
    let standard = &learnt.config.standard;
    assert_eq!(standard.scope.as_deref(), Some("lent"));
    assert_eq!(standard.rls.as_deref(), Some("as_user"));
    assert_eq!(
        place(&learnt, "standard.rls"),
        Some(&How::Found {
            place: "app/db.py:21".into()
        })
    );
}

/// The scope with a user that a body of `as_user(who)` makes.
fn rls(body: &str) -> Option<String> {
    let text = format!(
        "KEY = 'app.user_id'\n@asynccontextmanager\nasync def as_user(who):\n    async with shared().acquire() as c:\n        async with c.transaction():\n{body}"
    );
    module(&text).config.standard.rls
}

#[test]
fn a_user_is_set_by_any_way_that_ends_with_the_transaction() {
    for sets in [
        "await c.execute(f\"SET LOCAL app.user_id = '{who}'\")",
        "await c.execute(\"SELECT set_config($1, $2, true)\", KEY, str(who))",
        "await c.execute(\"SELECT set_config('app.user_id', $1, true)\", who)",
        "who_text = str(who)\n            await c.fetchval(\"select SET_CONFIG('jwt.claims.sub', $1, true)\", who_text)",
    ] {
        let body = format!("            {sets}\n            yield c\n");
        assert_eq!(rls(&body).as_deref(), Some("as_user"), "{sets}");
    }
}

#[test]
fn a_scope_that_sets_no_user_is_none() {
    for sets in [
        "pass",
        "print(who)",
        "await c.execute('SELECT 1')",
        "await c.execute(f'SET LOCAL statement_timeout = {who}')",
        "await c.execute(\"SET LOCAL app.user_id = 'root'\")",
        "await c.execute('SELECT id FROM users WHERE id = $1', who)",
    ] {
        let body = format!("            {sets}\n            yield c\n");
        assert_eq!(rls(&body), None, "{sets}");
    }
    // Without a transaction, or without a connection.
    let others = [
        "@asynccontextmanager\nasync def as_user(who):\n    async with shared().acquire() as c:\n        await c.execute(f\"SET LOCAL app.user_id = '{who}'\")\n        yield c\n",
        "@asynccontextmanager\nasync def as_user(who):\n    async with shared().acquire() as c:\n        async with c.transaction():\n            await c.execute(f\"SET LOCAL app.user_id = '{who}'\")\n            yield who\n",
        "async def as_user(who):\n    async with shared().acquire() as c:\n        async with c.transaction():\n            await c.execute(f\"SET LOCAL app.user_id = '{who}'\")\n            yield c\n",
        "@asynccontextmanager\nasync def as_user(who, tenant):\n    async with shared().acquire() as c:\n        async with c.transaction():\n            await c.execute(f\"SET LOCAL app.user_id = '{who}'\")\n            yield c\n",
    ];
    for text in others {
        assert_eq!(module(text).config.standard.rls, None, "{text}");
    }
}

#[test]
fn a_plain_scope_lends_the_connection_as_it_is() {
    let scope = |text: &str| module(text).config.standard.scope;
    assert_eq!(
        scope("def lent():\n    return shared().acquire()\n").as_deref(),
        Some("lent")
    );
    for text in [
        // A dependency of a framework, which nobody can open with `async with`.
        "async def get_db():\n    async with shared().acquire() as c:\n        yield c\n",
        "@asynccontextmanager\nasync def tx():\n    async with shared().acquire() as c, c.transaction():\n        yield c\n",
        "@asynccontextmanager\nasync def lent():\n    async with shared().acquire() as c:\n        await c.execute('SET x TO 1')\n        yield c\n",
        "@asynccontextmanager\nasync def lent(size):\n    async with shared().acquire() as c:\n        yield c\n",
        "@asynccontextmanager\nasync def lent():\n    async with lock.acquire() as c:\n        yield c\n",
        "def lent():\n    return lock.acquire()\n",
    ] {
        assert_eq!(scope(text), None, "{text}");
    }
}

#[test]
fn helpers_beside_the_pool_import_it() {
    let learnt = from(&[
        ("backend/db/pool.py", POOL),
        (
            "backend/helpers.py",
            "from .db.pool import shared as pool\nasync def all_of(q, *a):\n    async with pool().acquire() as c:\n        return await c.fetch(q, *a)\n",
        ),
        (
            "backend/a.py",
            "from backend.helpers import all_of\nfrom backend.db.pool import shared\n",
        ),
        ("backend/b.py", "from backend.db.pool import shared\n"),
    ]);
    let standard = &learnt.config.standard;
    assert_eq!(standard.file.as_deref(), Some("backend/helpers.py"));
    assert_eq!(standard.module.as_deref(), Some("backend.helpers"));
    assert_eq!(standard.pool.as_deref(), Some("pool"));
    assert_eq!(standard.helpers["fetch"], "all_of");
    assert_eq!(
        paths(&learnt, "standard"),
        ["backend/db/pool.py", "backend/helpers.py"]
    );
    let how = place(&learnt, "standard.pool").map(ToString::to_string);
    assert!(how.is_some_and(|how| {
        how.contains("backend/db/pool.py:11, from where backend/helpers.py imports it")
    }));
}

#[test]
fn of_several_modules_the_one_in_use_is_the_standard() {
    let helper = "import asyncpg\npool: asyncpg.Pool = None\nasync def run(q, *a):\n    return await pool.fetch(q, *a)\n";
    let learnt = from(&[
        ("old/db.py", helper),
        ("new/db.py", helper),
        ("tests/db.py", helper),
        ("a.py", "from new.db import run\n"),
        ("tests/a.py", "from tests.db import run\n"),
        ("tests/b.py", "from tests.db import run\n"),
    ]);
    assert_eq!(learnt.config.standard.file.as_deref(), Some("new/db.py"));
}

#[test]
fn the_module_is_spelt_as_most_imports_spell_it() {
    let db = |importers: &[(&str, &str)]| {
        let mut files = vec![("backend/app/db.py", POOL)];
        files.extend(importers);
        let learnt = from(&files);
        let how = place(&learnt, "standard.module").cloned();
        (learnt.config.standard.module.unwrap_or_default(), how)
    };
    let (module, how) = db(&[
        ("backend/app/a.py", "from app.db import shared\n"),
        (
            "backend/app/b.py",
            "def f():\n    from app import db\n    db.shared()\n",
        ),
        ("run.py", "from backend.app.db import shared\n"),
        (
            "backend/app/c.py",
            "from .db import shared\nfrom .db import open_pool\nfrom . import db; db.shared()\n",
        ),
    ]);
    assert_eq!(module, "app.db");
    assert!(matches!(how, Some(How::Found { .. })));
    // Only relative ones: other imports say where names count from.
    let (module, how) = db(&[
        ("backend/app/c.py", "from .db import shared\nimport app.d\n"),
        ("backend/app/d.py", ""),
    ]);
    assert_eq!(module, "app.db");
    assert!(matches!(how, Some(How::Guessed { .. })));
    let (module, _) = db(&[("backend/app/__init__.py", "")]);
    assert_eq!(module, "app.db");
}

#[test]
fn identities_are_what_the_code_uses() {
    let rls = "\n@asynccontextmanager\nasync def as_user(who):\n    async with shared().acquire() as c:\n        async with c.transaction():\n            await c.execute(f\"SET LOCAL app.user_id = '{who}'\")\n            yield c\n";
    let learnt = from(&[
        ("app/db.py", &format!("{POOL}{rls}")),
        (
            "app/agents/a.py",
            "from app.db import as_user\nasync def f(ctx):\n    async with as_user(str(ctx.user_id)) as c: pass\nasync def g(ctx):\n    async with as_user(ctx.user_id) as c: pass\nasync def h(user_id):\n    async with as_user(UUID(user_id)) as c: pass\n",
        ),
        (
            "app/api/r.py",
            "from app.db import as_user\nfrom fastapi import Depends\nasync def f(user: dict = Depends(get_user), db=Depends(get_db)):\n    print(user['id'], user['name'], db.id)\nasync def g(request, item):\n    print(request.state.user_id, item.user_id)\nasync def h(me: Annotated[User, Depends(current_user)]):\n    return me.id\nasync def i(rows):\n    for row in rows:\n        async with as_user(row['user_id']) as c: pass\n    async with as_user('root') as c: pass\n",
        ),
        (
            "tests/test_x.py",
            "from app.db import as_user\nasync def test(ada):\n    async with as_user(ada.user_id): pass\n",
        ),
    ]);
    assert_eq!(
        learnt.config.identity,
        [
            "ctx.user_id",
            "user_id",
            "me.id",
            "user[\"id\"]",
            "request.state.user_id"
        ]
    );
}

#[test]
fn contexts_come_from_folders_decorators_bases_and_what_runs_alone() {
    let uses = "from app.db import shared\nshared()\n";
    let main = format!("{uses}if __name__ == '__main__':\n    pass\n");
    let learnt = from(&[
        ("app/db.py", POOL),
        ("app/services/a.py", uses),
        ("app/agents/base.py", "class BaseAgent: pass\n"),
        (
            "app/agents/x.py",
            &format!("{uses}from app.agents.base import BaseAgent\nclass X(BaseAgent): pass\n"),
        ),
        ("app/agents/tools/y.py", uses),
        ("app/core/agents/z.py", uses),
        ("app/core/z.py", uses),
        ("app/models/z.py", "import asyncpg\n"),
        (
            "app/api/r.py",
            &format!(
                "{uses}@router.get('/x')\nasync def f(): pass\n@cache.get('x')\nasync def g(): pass\n"
            ),
        ),
        (
            "app/main.py",
            &format!("{uses}@app.post('')\nasync def f(): pass\n"),
        ),
        (
            "jobs/nightly.py",
            &format!("{uses}@celery.task\ndef f(): pass\n@shared_task(bind=True)\ndef g(): pass\n"),
        ),
        ("init_db.py", &main),
        ("odd.py", uses),
        ("imported.py", &main),
        ("run.py", "import imported\n"),
        ("scripts/fix.py", uses),
        ("tests/test_a.py", uses),
        ("app/services/conftest.py", uses),
    ]);
    let contexts: Vec<(&str, ContextKind)> = learnt
        .config
        .contexts
        .iter()
        .map(|context| (context.name.as_str(), context.kind))
        .collect();
    assert_eq!(
        contexts,
        [
            ("services", ContextKind::System),
            ("agents", ContextKind::User),
            ("jobs", ContextKind::System),
            ("api routes", ContextKind::User),
            ("data-layer", ContextKind::System),
            ("scripts", ContextKind::Script),
            ("tests", ContextKind::Test),
            ("standard", ContextKind::Standard),
        ]
    );
    assert_eq!(paths(&learnt, "services"), ["app/services/**"]);
    assert_eq!(
        paths(&learnt, "agents"),
        ["app/agents/**", "app/core/agents/**"]
    );
    assert_eq!(paths(&learnt, "data-layer"), ["app/core/**"]);
    assert_eq!(paths(&learnt, "scripts"), ["init_db.py", "scripts/**"]);
    assert_eq!(paths(&learnt, "tests"), ["**/conftest.py", "**/tests/**"]);
    let of = |name: &str| context(&learnt, name).expect("it is there").clone();
    assert_eq!(of("agents").bases, ["BaseAgent"]);
    assert_eq!(of("api routes").decorators, ["app.post", "router.get"]);
    assert_eq!(of("jobs").decorators, ["celery.task", "shared_task"]);
    let remark = learnt.notes.iter().find(|note| note.setting == "contexts");
    let text = remark.map(|note| note.text.as_str()).unwrap_or_default();
    assert!(text.contains("imported.py, odd.py"), "{text}");
}

#[test]
fn a_folder_inside_another_ones_keeps_its_own_context() {
    let uses = "from app.db import shared\nshared()\n";
    let learnt = from(&[
        ("app/db.py", POOL),
        ("services/billing/api/r.py", uses),
        ("services/billing/core.py", uses),
        ("services/mail/x.py", uses),
        ("services/y.py", uses),
    ]);
    assert_eq!(
        paths(&learnt, "services"),
        ["services/*", "services/billing/*", "services/mail/**"]
    );
    assert_eq!(paths(&learnt, "api routes"), ["services/billing/api/**"]);
}

#[test]
fn schema_files_are_the_folders_that_define_tables() {
    let table = "CREATE TABLE t (id int);";
    let files = |files: &[(&str, &str)]| from(files).config.schema.files;
    assert_eq!(
        files(&[
            ("db/migrations/1_a.sql", table),
            ("db/migrations/2_b.sql", "INSERT INTO t VALUES (1);"),
            ("db/schema/1.sql", "create unlogged table u (id int);"),
            ("db/seeds/1.sql", "INSERT INTO t VALUES (1);"),
            ("docs/x.sql", table),
            ("tests/fixtures/x.sql", table),
        ]),
        ["db/schema/*.sql", "db/migrations/*.sql"]
    );
    assert_eq!(
        files(&[("m/1.up.sql", table), ("m/1.down.sql", "DROP TABLE t;")]),
        ["m/*.up.sql"]
    );
    assert_eq!(
        files(&[
            ("m/1.sql", table),
            (
                "m/1_rollback.sql",
                "DROP TABLE t; CREATE TABLE old (id int);"
            )
        ]),
        ["m/1.sql"]
    );
    assert_eq!(files(&[("tests/x.sql", table)]), ["tests/*.sql"]);
    assert_eq!(
        files(&[
            (
                "alembic/versions/1.py",
                "from alembic import op\ndef upgrade():\n    op.execute('ALTER TABLE t ENABLE ROW LEVEL SECURITY')\n"
            ),
            (
                "alembic/versions/2.py",
                "from alembic import op\ndef upgrade():\n    op.execute('CREATE TABLE t (id int)')\n"
            ),
        ]),
        ["alembic/versions/*.py"]
    );
    assert_eq!(files(&[("a.sql", "SELECT 1")]), Vec::<String>::new());
}

#[test]
fn of_two_folders_the_one_that_takes_security_away_is_read_first() {
    let learnt = from(&[
        (
            "a/1.sql",
            "CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY;",
        ),
        ("b/1.sql", "DROP TABLE t; CREATE TABLE u (id int);"),
    ]);
    assert_eq!(learnt.config.schema.files, ["b/*.sql", "a/*.sql"]);
    let remark = learnt
        .notes
        .iter()
        .find(|note| note.text.contains(" is read before "));
    assert_eq!(
        remark.map(ToString::to_string).as_deref(),
        Some(
            "schema.files: b/*.sql is read before a/*.sql (guessed: in the other order b/1.sql:1 would take row-level security from t again, and nothing shows which of them runs first)"
        )
    );
    // In one folder the order is to be seen.
    let learnt = from(&[
        (
            "a/1.sql",
            "CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY;",
        ),
        ("a/2.sql", "DROP TABLE t;"),
    ]);
    assert_eq!(learnt.config.schema.files, ["a/*.sql"]);
}

#[test]
fn the_example_project_of_the_recipes_is_learnt() {
    let migration = &LIBRARY.migrations["asyncpg"];
    let files: Vec<(&str, &str)> = migration
        .example_files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let learnt = from(&files);
    let expected = &migration.example_settings;
    assert_eq!(learnt.config.standard, expected.standard);
    assert_eq!(learnt.config.schema, expected.schema);
}

#[test]
fn the_scaffold_is_learnt_as_the_standard() {
    let scaffold = scaffold(
        &[],
        &crate::sql::schema::Schema::default(),
        &crate::config::Standard::default(),
        ScaffoldForm::Module,
    )
    .expect("it can be written");
    let (path, text) = &scaffold.files[0];
    let standard = from(&[(path, text)]).config.standard;
    assert_eq!(standard.module.as_deref(), Some("db.connection"));
    assert_eq!(standard.file.as_deref(), Some("db/connection.py"));
    assert_eq!(standard.pool.as_deref(), Some("get_db_pool"));
    assert_eq!(standard.scope.as_deref(), Some("get_db_connection"));
    assert_eq!(standard.rls.as_deref(), Some("get_db_connection_with_rls"));
    let helpers: Vec<(&str, &str)> = standard
        .helpers
        .iter()
        .map(|(m, h)| (m.as_str(), h.as_str()))
        .collect();
    assert_eq!(
        helpers,
        [
            ("execute", "execute_statement"),
            ("executemany", "execute_many"),
            ("fetch", "execute_query"),
            ("fetchrow", "execute_query_one"),
            ("fetchval", "execute_query_value"),
        ]
    );
}

#[test]
fn hostile_code_is_survived() {
    let deep = format!(
        "import asyncpg\nx = {}asyncpg{}\n",
        "(".repeat(1_500),
        ")".repeat(1_500)
    );
    let deeper = format!(
        "import asyncpg\nx = {}1{}\n",
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let cycle = "import asyncpg\na = b\nb = a\ndef f():\n    return g()\ndef g():\n    return f()\nasync def h(q, *a):\n    x = y or x\n    y = x or y\n    await a.fetch(q, *a)\n    return x\n";
    let wide = format!(
        "import asyncpg\nx = {}\ndef f():\n    return x\n",
        vec!["x"; 3_000].join(" or ")
    );
    let own = "from .db import shared\nfrom db import *\nimport db as shared\ndef shared() -> asyncpg.Pool:\n    return shared()\n";
    let texts = [
        &deep,
        &deeper,
        cycle,
        &wide,
        own,
        "import asyncpg\ndef (",
        "asyncpg\0",
        "asyncpg\u{feff}\r\r",
        "async def",
    ];
    for text in texts {
        from(&[
            ("db.py", text),
            ("x/[a]{b}*?.py", text),
            ("x/[a]{b}*?/tests/é.py", text),
            ("services/[x]/y.py", text),
            ("services/\\{/y.py", text),
            ("[s]/a.sql", "CREATE TABLE t"),
            ("[s]/a.down.sql", text),
        ]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_names_of_files_give_valid_settings(
        folder in "(services|api|agents|m)/[^/]{1,6}",
        name in "[^/]{1,6}",
        text in any::<String>(),
    ) {
        let code = format!("import asyncpg\n{text}\n");
        from(&[
            (&format!("{folder}/{name}.py"), &code),
            (&format!("{folder}/api/{name}.py"), &code),
            (&format!("{folder}/{name}.sql"), "CREATE TABLE t (id int);"),
            (&format!("{folder}/{name}.down.sql"), &text),
        ]);
    }
}

/// The scope and the dependency that are learnt of a session module with `rest`.
fn givers(rest: &str) -> (Option<String>, Option<String>) {
    let module = format!(
        "from contextlib import asynccontextmanager\n\
         from sqlalchemy import select\n\
         from sqlalchemy.ext.asyncio import async_sessionmaker\n\n\
         session_factory = async_sessionmaker(expire_on_commit=False)\n\n{rest}\n"
    );
    let files = [SourceFile::new("app/session.py", module)];
    let learnt = learn_one(&Input {
        files: &files,
        driver: &LIBRARY.migrations["sqlalchemy"].driver,
    });
    let standard = learnt.config.standard;
    (standard.scope, standard.dependency)
}

#[test]
fn only_what_gives_the_session_itself_is_its_scope() {
    let name = |name: &str| Some(name.to_owned());
    for (rest, found) in [
        (
            "@asynccontextmanager\nasync def lend():\n    async with session_factory() as session:\n        yield session",
            (name("lend"), None),
        ),
        (
            "async def give():\n    session = session_factory()\n    try:\n        yield session\n    finally:\n        await session.close()",
            (None, name("give")),
        ),
        (
            "@asynccontextmanager\nasync def work():\n    async with session_factory() as session:\n        yield Work(session)",
            (None, None),
        ),
        (
            "async def names():\n    async with session_factory() as session:\n        for name in await session.scalars(select(1)):\n            yield name",
            (None, None),
        ),
    ] {
        assert_eq!(givers(rest), found, "{rest}");
    }
}
