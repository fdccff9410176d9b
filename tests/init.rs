//! `connmod init` as a user meets it: what it writes, what it says, what it leaves alone.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command as Process;

use assert_cmd::Command;
use connmod::config::Config;

/// Runs `connmod init` with these arguments in `folder`: exit code, standard output, standard error.
fn init(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
        .current_dir(folder)
        .arg("init")
        .args(arguments)
        .output()
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is text");
    let code = output.status.code().expect("no signal ended it");
    (code, text(output.stdout), text(output.stderr))
}

fn read(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).expect("the file is there")
}

/// A folder with these files.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("new folders");
        fs::write(path, text).expect("a new file");
    }
    folder
}

const WITHOUT_STANDARD: &[(&str, &str)] = &[
    ("app/__init__.py", ""),
    (
        "app/services/orders.py",
        "import asyncpg\n\n\nasync def orders(dsn):\n    conn = await asyncpg.connect(dsn)\n    return await conn.fetch('SELECT 1')\n",
    ),
    (
        "migrations/1.sql",
        "CREATE TABLE orders (id int, owner text);\nALTER TABLE orders ENABLE ROW LEVEL SECURITY;\nCREATE POLICY own ON orders USING (owner = current_setting('shop.user'));\n",
    ),
];

#[test]
fn the_sample_application_is_learnt() {
    let ledger = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ledger");
    let (code, out, err) = init(&ledger, &["--print"]);
    assert_eq!(code, 0, "{err}");
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("init-ledger", out);
    });
    assert!(
        !ledger.join("connmod.yaml").exists(),
        "it was only to be printed"
    );
}

#[test]
fn what_was_found_and_what_was_guessed_is_said_and_written() {
    let folder = project(WITHOUT_STANDARD);
    let (code, out, err) = init(folder.path(), &[]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("contexts.services: app/services/** (guessed: from its name)\n"),
        "{out}"
    );
    assert!(
        out.contains("schema.files: migrations/*.sql (found in migrations/1.sql)\n"),
        "{out}"
    );
    assert!(out.contains("standard: none"), "{out}");
    let guesses = out
        .find("\nGuessed, please check:\n")
        .expect("there are guesses");
    assert!(out[guesses..].contains("contexts.services"), "{out}");
    assert!(!out[guesses..].contains("(found in"), "{out}");
    assert!(!out[..guesses].contains("(guessed"), "{out}");
    assert!(
        err.contains("connmod.yaml") && err.contains("Next: "),
        "{err}"
    );
    assert!(!err.contains("no connmod.yaml"), "{err}");
    let config = Config::parse("connmod.yaml", &read(folder.path(), "connmod.yaml"))
        .expect("it can be read");
    assert_eq!(config.schema.files, ["migrations/*.sql"]);
    assert_eq!(config.standard.module, None);
}

#[test]
fn the_same_project_gives_the_same_bytes_on_any_number_of_threads() {
    let folder = project(WITHOUT_STANDARD);
    let (_, first, _) = init(folder.path(), &["--print", "--threads", "1"]);
    let (_, second, _) = init(folder.path(), &["--print", "--threads", "8"]);
    assert_eq!(first, second);
}

#[test]
fn only_force_overwrites() {
    let folder = project(WITHOUT_STANDARD);
    let old = "version: 1\nidentity: [me]\n";
    fs::write(folder.path().join("connmod.yaml"), old).expect("a new file");
    for arguments in [&[][..], &["--scaffold"]] {
        let (code, out, err) = init(folder.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert_eq!(read(folder.path(), "connmod.yaml"), old);
        assert!(!folder.path().join("app/db").exists());
    }
    let (code, ..) = init(folder.path(), &["--force"]);
    assert_eq!(code, 0);
    // The old settings are no evidence.
    let config = Config::parse("connmod.yaml", &read(folder.path(), "connmod.yaml"))
        .expect("it can be read");
    assert!(config.identity.is_empty());
}

#[test]
fn a_project_without_a_standard_gets_one() {
    let folder = project(WITHOUT_STANDARD);
    let (code, _, err) = init(folder.path(), &["--scaffold"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("wrote app/db/connection.py"), "{err}");
    assert_eq!(read(folder.path(), "app/db/__init__.py"), "");
    let module = read(folder.path(), "app/db/connection.py");
    assert!(module.contains("USER_SETTING = \"shop.user\"\n"));
    let config = Config::parse("connmod.yaml", &read(folder.path(), "connmod.yaml"))
        .expect("it can be read");
    assert_eq!(config.standard.module.as_deref(), Some("app.db.connection"));
    assert_eq!(config.standard.helpers.len(), 5);
    assert_eq!(
        config.standard.rls.as_deref(),
        Some("get_db_connection_with_rls")
    );

    // A second one is refused, and so is a file in its place.
    let (code, _, err) = init(folder.path(), &["--scaffold", "--force"]);
    assert_eq!(code, 2);
    assert!(err.contains("app/db/connection.py"), "{err}");
    assert_eq!(read(folder.path(), "app/db/connection.py"), module);
    let taken = project(&[("app/db/connection.py", "x = 1\n")]);
    let (code, _, err) = init(taken.path(), &["--scaffold"]);
    assert_eq!(code, 2);
    assert!(err.contains("exists already"), "{err}");
    assert_eq!(read(taken.path(), "app/db/connection.py"), "x = 1\n");
    assert!(!taken.path().join("connmod.yaml").exists());
}

#[test]
fn a_crate_without_a_standard_gets_a_module_and_is_told_where_to_declare_it() {
    let folder = project(&[
        (
            "src/lib.rs",
            "pub async fn orders(pool: &sqlx::PgPool) -> sqlx::Result<i32> {\n    sqlx::query_scalar(\"SELECT 1\").fetch_one(pool).await\n}\n",
        ),
        ("tools/count.py", "print(1)\n"),
        ("src/rows.rs", ""),
        WITHOUT_STANDARD[2],
    ]);
    let (code, _, err) = init(folder.path(), &["--scaffold"]);
    assert_eq!(code, 0, "{err}");
    for line in [
        "wrote src/db/mod.rs",
        "wrote src/db/rls.rs",
        "Next: add `pub mod db;` to src/lib.rs",
    ] {
        assert!(err.contains(line), "{err}");
    }
    let module = read(folder.path(), "src/db/rls.rs");
    assert!(module.contains("const USER_SETTING: &str = \"shop.user\";\n"));
    assert!(!folder.path().join("src/db/connection.py").exists());

    let (code, _, err) = init(folder.path(), &["--scaffold", "--force"]);
    assert_eq!(code, 2);
    assert!(err.contains("src/db/mod.rs"), "{err}");
    assert_eq!(read(folder.path(), "src/db/rls.rs"), module);
}

#[test]
fn the_scaffold_satisfies_python_and_pyflakes() {
    let Some(python) = support::python() else {
        return;
    };
    let folder = project(WITHOUT_STANDARD);
    assert_eq!(init(folder.path(), &["--scaffold"]).0, 0);
    for check in [&["-m", "compileall", "-q"][..], &["-m", "pyflakes"]] {
        let output = Process::new(&python)
            .args(check)
            .arg(folder.path().join("app/db/connection.py"))
            .output()
            .expect("Python starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{check:?}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn what_stands_in_the_place_of_the_settings_is_said_once() {
    use std::os::unix::fs::symlink;
    let outside = project(&[("own.yaml", "version: 1\n")]);
    let folder = project(WITHOUT_STANDARD);
    let settings = folder.path().join("connmod.yaml");
    let refused = |arguments: &[&str], words: &str| {
        let (code, out, err) = init(folder.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.ends_with(&format!("connmod.yaml {words}\n")), "{err}");
    };
    symlink("nowhere.yaml", &settings).expect("a new link");
    for arguments in [&[][..], &["--force"], &["--scaffold"]] {
        refused(
            arguments,
            "is a symbolic link that leads to no file; remove it",
        );
    }
    assert!(!folder.path().join("app/db").exists());
    fs::remove_file(&settings).expect("it is removed");
    symlink(outside.path().join("own.yaml"), &settings).expect("a new link");
    refused(
        &["--force"],
        "is a symbolic link that leads out of the project and is not followed; remove it",
    );
    assert_eq!(read(outside.path(), "own.yaml"), "version: 1\n");
    fs::remove_file(&settings).expect("it is removed");
    fs::create_dir(&settings).expect("a new folder");
    refused(&["--force"], "is no regular file");
}
