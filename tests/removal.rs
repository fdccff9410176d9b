//! What lends connections goes with its last user: methods, then the classes of such methods, then what only these used.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const SETTINGS: &str = "\
version: 1
migrations: [connection-service]
standard:
  module: app.db.service
  file: app/db/service.py
  service: connection_service
  replaces: [infra, pool]
flag: app.settings:settings.USE_NEW_CONNECTION_SERVICE
contexts:
  - {name: tests, kind: test, paths: ['tests/**']}
  - {name: adapters, kind: system, paths: ['app/adapters/**']}
  - {name: core, kind: system, paths: ['app/core/**']}
  - {name: standard, kind: standard, paths: ['app/db/**']}
";

const SERVICE: &str = "\
from contextlib import contextmanager


class ConnectionService:
    def acquire_connection(self, purpose=\"general\"):
        \"\"\"A connection.\"\"\"

    def release_connection(self, conn):
        \"\"\"Takes it back.\"\"\"

    @contextmanager
    def connection(self, purpose=\"general\"):
        conn = self.acquire_connection(purpose)
        try:
            yield conn
        finally:
            self.release_connection(conn)


connection_service = ConnectionService()
";

/// A delegate over a wrapper over a pool: each is used by the one before only.
const INFRA: &str = "\
from app.core.pools import DelegatePool


class Infra:
    def __init__(self):
        self.name = \"infra\"

    def get_db_connection(self):
        return DelegatePool().getconn()

    def return_db_connection(self, conn):
        DelegatePool().putconn(conn)

    def label(self):
        return self.name


infra = Infra()
";

const POOLS: &str = "\
from psycopg2.pool import SimpleConnectionPool

LIMIT = 5


class DelegatePool:
    \"\"\"Hands on.\"\"\"

    def getconn(self):
        return BasePool().getconn()

    def putconn(self, conn):
        BasePool().putconn(conn)


class BasePool:
    def __init__(self):
        self.under = SimpleConnectionPool(1, LIMIT)

    def getconn(self):
        return self.under.getconn()

    def putconn(self, conn):
        self.under.putconn(conn)
";

const PAPERS: &str = "\
from app.core.infra import infra


def titles():
    conn = infra.get_db_connection()
    try:
        cursor = conn.cursor()
        cursor.execute(\"SELECT title FROM papers\")
        return cursor.fetchall()
    finally:
        infra.return_db_connection(conn)


def label():
    return infra.label()
";

struct Project(tempfile::TempDir);

impl Project {
    fn new(settings: &str, more: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        let files = [
            ("connmod.yaml", settings),
            ("app/db/service.py", SERVICE),
            ("app/core/infra.py", INFRA),
            ("app/core/pools.py", POOLS),
            ("app/adapters/papers.py", PAPERS),
        ];
        for (name, text) in files.iter().chain(more) {
            project.put(name, text);
        }
        project
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, line: &str) -> String {
        let output = Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
            .args(line.split(' '))
            .current_dir(self.0.path())
            .output()
            .unwrap();
        assert_ne!(output.status.code(), Some(2), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The texts of the code, by path.
    fn code(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        collect(self.0.path(), self.0.path(), &mut found);
        found
    }
}

fn collect(base: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(base, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            let name = path
                .strip_prefix(base)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn what_lends_connections_goes_with_its_last_user() {
    let project = Project::new(SETTINGS, &[]);
    project.run("apply --unsafe --allow-dirty");
    let code = project.code();
    assert_eq!(
        code["app/core/infra.py"],
        "class Infra:\n    def __init__(self):\n        self.name = \"infra\"\n\n    def label(self):\n        return self.name\n\n\ninfra = Infra()\n"
    );
    // A wrapper that only the delegate made, and what only the wrapper made.
    assert_eq!(code["app/core/pools.py"], "LIMIT = 5\n");
    assert!(code["app/adapters/papers.py"].contains("with connection_service.connection("));
    assert_eq!(
        project.run("diff --unsafe"),
        "",
        "a second run is not silent"
    );
}

#[test]
fn stages_end_where_at_once_does() {
    let at_once = Project::new(SETTINGS, &[]);
    at_once.run("apply --unsafe --allow-dirty");
    let staged = Project::new(SETTINGS, &[]);
    for stage in ["dual", "cutover", "cleanup"] {
        staged.put("connmod.yaml", &format!("{SETTINGS}stage: {stage}\n"));
        let before = staged.code();
        staged.run("apply --unsafe --allow-dirty");
        let after = staged.code();
        assert_ne!(before, after, "{stage} does nothing");
        if stage != "cleanup" {
            // Until the last stage the old way is the way back.
            for kept in ["app/core/infra.py", "app/core/pools.py"] {
                assert_eq!(before[kept], after[kept], "{stage}");
            }
        }
        assert_eq!(
            staged.run("diff --unsafe"),
            "",
            "{stage}: a second run is not silent"
        );
    }
    assert_eq!(staged.code(), at_once.code());
}

/// What each of these says keeps the delegate and all that it needs, and the reason is told.
#[test]
fn a_use_that_is_left_keeps_it() {
    let cases = [
        (
            "app/adapters/other.py",
            "from app.core.infra import infra\n\n\ndef lost():\n    return infra.get_db_connection()\n",
            "`get_db_connection` is still used at app/adapters/other.py:5",
        ),
        (
            "tests/test_infra.py",
            "from app.core.infra import infra\n\n\ndef test_lends():\n    assert infra.get_db_connection()\n",
            "`get_db_connection` is still used at tests/test_infra.py:5",
        ),
        (
            "app/core/names.py",
            "def lend(infra):\n    return getattr(infra, \"get_db_connection\")()\n",
            "app/core/names.py has `get_db_connection` in quotes",
        ),
        (
            "app/adapters/kept.py",
            "from app.core.infra import infra\n\n\ndef rows():\n    conn = infra.get_db_connection()  # connmod: ignore -- legacy\n    try:\n        return conn.cursor()\n    finally:\n        infra.return_db_connection(conn)\n",
            "`get_db_connection` is still used at app/adapters/kept.py:5",
        ),
    ];
    for (path, text, reason) in cases {
        let project = Project::new(SETTINGS, &[(path, text)]);
        let scan = project.run("scan --format json");
        assert!(scan.contains(reason), "{path}:\n{scan}");
        project.run("apply --unsafe --allow-dirty");
        let code = project.code();
        assert!(
            code["app/core/infra.py"].contains("def get_db_connection"),
            "{path}"
        );
        assert_eq!(code["app/core/pools.py"], POOLS, "{path}");
        assert_eq!(
            project.run("diff --unsafe"),
            "",
            "{path}: a second run is not silent"
        );
    }
}

#[test]
fn a_part_of_the_rewrites_takes_nothing_that_the_others_use() {
    for part in ["--only connection-service/pool-class", "--phase core"] {
        let project = Project::new(SETTINGS, &[]);
        let before = project.code();
        project.run(&format!("apply --unsafe --allow-dirty {part}"));
        assert_eq!(project.code(), before, "{part}");
    }
    // Once the users are gone, the rest follows.
    let project = Project::new(SETTINGS, &[]);
    project.run("apply --unsafe --allow-dirty --phase adapters");
    assert_eq!(project.code()["app/core/infra.py"], INFRA);
    project.run("apply --unsafe --allow-dirty --phase core");
    assert!(!project.code()["app/core/infra.py"].contains("get_db_connection"));
    assert_eq!(project.code()["app/core/pools.py"], "LIMIT = 5\n");
    // The safe edits alone never take a definition out.
    let project = Project::new(SETTINGS, &[]);
    project.run("apply --allow-dirty");
    assert_eq!(project.code()["app/core/pools.py"], POOLS);
}
