//! A standard module for a project that has none, ready to be put into its tree.
//!
//! The module is `connection.py` beside this file, a package on psycopg (`service.rs`), a module of sessions (`session.rs`) or one of a crate
//! (`crate_module.rs`); what depends on the project is where it goes and which setting its policies read.

mod crate_module;
mod service;
mod session;

use std::collections::BTreeMap;

use crate::config::Standard;
use crate::learn::contexts::{is_script, is_test};
use crate::source::SourceFile;
use crate::sql::schema::Schema;

/// The module as it is when the policies read [`DEFAULT_SETTING`].
const MODULE: &str = include_str!("connection.py");

/// The line of the module that names the setting, around the name.
const SETTING_LINE: (&str, &str) = ("USER_SETTING = \"", "\"\n");

/// How deep the folder of an application may lie: `services/web/app`.
const APP_DEPTH: usize = 3;

/// The setting where no policy reads one.
const DEFAULT_SETTING: &str = "app.user_id";

/// Files to be written, none of which exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaffold {
    /// The path of the standard module.
    pub module: String,
    /// All files, the module among them: path and text.
    pub files: Vec<(String, String)>,
    /// What is left to a person before the module can be used.
    pub next: Option<String>,
}

/// Which standard a project gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaffoldForm {
    /// A module with a pool, helpers and scopes, on asyncpg.
    Module,
    /// A connection service, on psycopg.
    Service,
    /// A module around the session factory that the project has, on SQLAlchemy.
    Session,
    /// A module of a crate, on sqlx.
    Crate,
}

/// Why no module is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScaffoldError {
    /// There is a standard already.
    #[error("{0} is a standard module already; nothing else is written")]
    HasStandard(String),
    /// There is nothing that its sessions could come from.
    #[error(
        "a session module belongs to the engine that the project has, and no file keeps a session factory (`sessionmaker`, `async_sessionmaker`) in a variable; make one first"
    )]
    NoFactory,
    /// The file exists.
    #[error("{0} exists already and is not overwritten")]
    Exists(String),
}

/// The standard module for a project of these `files` with this `schema`; `standard` is what was learnt of the one that there is.
///
/// # Errors
/// When there is one already, or a file in its place.
pub fn scaffold(
    files: &[SourceFile],
    schema: &Schema,
    standard: &Standard,
    form: ScaffoldForm,
) -> Result<Scaffold, ScaffoldError> {
    // A factory alone is what a session module is still to be made of.
    let lacks_scope =
        form == ScaffoldForm::Session && standard.scope.is_none() && standard.dependency.is_none();
    if let Some(file) = standard.file.as_ref().filter(|_| !lacks_scope) {
        return Err(ScaffoldError::HasStandard(file.clone()));
    }
    match form {
        ScaffoldForm::Module => {}
        ScaffoldForm::Service => return service::package(files),
        ScaffoldForm::Session => return session::module(files, standard),
        ScaffoldForm::Crate => return crate_module::module(files, &setting(schema)),
    }
    let exists = |path: &str| files.iter().any(|file| file.path() == path);
    let (package, folder) = place(files);
    let module = format!("{folder}/connection.py");
    if exists(&module) {
        return Err(ScaffoldError::Exists(module));
    }
    let text = with_setting(MODULE, SETTING_LINE, &setting(schema));
    let mut written = vec![(module.clone(), text)];
    written.extend(markers(files, package.as_deref(), &folder));
    Ok(Scaffold {
        module,
        files: written,
        next: None,
    })
}

/// The text of a module that reads `setting` in the place of the usual one; `line` is what stands around its name.
fn with_setting(text: &str, line: (&str, &str), setting: &str) -> String {
    let (before, behind) = line;
    let of = |name: &str| format!("{before}{name}{behind}");
    text.replacen(&of(DEFAULT_SETTING), &of(setting), 1)
}

/// Whether the project is mainly a crate: most of its code, tests and scripts aside, is Rust.
pub fn is_crate(files: &[SourceFile]) -> bool {
    let languages = files.iter().map(SourceFile::path).filter_map(|path| {
        let language = crate::language::for_path(path)?;
        (!is_test(path) && !is_script(path)).then(|| language.name())
    });
    let (crates, others): (Vec<&str>, Vec<&str>) = languages.partition(|name| *name == "rust");
    crates.len() > others.len()
}

/// The folder of the application, and the one in it that a standard goes into.
fn place(files: &[SourceFile]) -> (Option<String>, String) {
    let package = package(files);
    let folder = match &package {
        Some(package) => format!("{package}/db"),
        None => "db".to_owned(),
    };
    (package, folder)
}

/// The file that makes `folder` a package: packaging tools leave out folders without it where those around have one.
fn markers(files: &[SourceFile], package: Option<&str>, folder: &str) -> Option<(String, String)> {
    let exists = |path: &str| files.iter().any(|file| file.path() == path);
    let marker = format!("{folder}/__init__.py");
    let is_package = package.is_some_and(|package| exists(&format!("{package}/__init__.py")));
    (is_package && !exists(&marker)).then(|| (marker, String::new()))
}

/// The folder of the application: `app` where there is one, else the package with the most files.
fn package(files: &[SourceFile]) -> Option<String> {
    let code = || {
        let paths = files.iter().map(SourceFile::path);
        paths.filter(|path| {
            crate::language::for_path(path).is_some() && !is_test(path) && !is_script(path)
        })
    };
    let app = code()
        .flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]))
        .filter(|folder| *folder == "app" || folder.ends_with("/app"))
        // What lies deeper is one of many: an example, an old copy.
        .filter(|folder| folder.matches('/').count() < APP_DEPTH)
        .min_by_key(|folder| (folder.len(), *folder));
    if let Some(app) = app {
        return Some(app.to_owned());
    }
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for marker in code().filter_map(|path| path.strip_suffix("/__init__.py")) {
        let inside = |path: &&str| {
            path.strip_prefix(marker)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        sizes.insert(marker, code().filter(inside).count());
    }
    let outermost = sizes.iter().filter(|(folder, _)| {
        !folder
            .match_indices('/')
            .any(|(at, _)| sizes.contains_key(&folder[..at]))
    });
    outermost
        .max_by_key(|(folder, size)| (**size, std::cmp::Reverse(**folder)))
        .map(|(folder, _)| (*folder).to_owned())
}

/// The setting that the policies read; of several the one that speaks of a user.
fn setting(schema: &Schema) -> String {
    let is_name = |name: &str| {
        name.contains('.')
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
    };
    let names: Vec<String> = schema
        .setting_names()
        .into_iter()
        .filter(|name| is_name(name))
        .collect();
    names
        .iter()
        .find(|name| name.contains("user"))
        .or(names.first())
        .map_or_else(|| DEFAULT_SETTING.to_owned(), String::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Vec<SourceFile> {
        paths
            .iter()
            .map(|path| SourceFile::new(*path, ""))
            .collect()
    }

    fn written(files: &[&str]) -> Vec<String> {
        let scaffold = scaffold(
            &paths(files),
            &Schema::default(),
            &Standard::default(),
            ScaffoldForm::Module,
        )
        .expect("it can be written");
        scaffold.files.into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn the_module_goes_where_the_application_is() {
        assert_eq!(
            written(&["backend/app/main.py", "tests/app/x.py"]),
            ["backend/app/db/connection.py"]
        );
        assert_eq!(
            written(&[
                "shop/__init__.py",
                "shop/a/__init__.py",
                "b/__init__.py",
                "shop/x.py"
            ]),
            ["shop/db/connection.py", "shop/db/__init__.py"]
        );
        assert_eq!(
            written(&["src/shop/__init__.py", "src/shop/db/__init__.py"]),
            ["src/shop/db/connection.py"]
        );
        assert_eq!(
            written(&["main.py", "scripts/__init__.py"]),
            ["db/connection.py"]
        );
        assert_eq!(written(&[]), ["db/connection.py"]);
    }

    #[test]
    fn nothing_is_overwritten_and_no_second_standard_is_written() {
        let schema = Schema::default();
        let files = paths(&["app/main.py", "app/db/connection.py"]);
        assert_eq!(
            scaffold(&files, &schema, &Standard::default(), ScaffoldForm::Module),
            Err(ScaffoldError::Exists("app/db/connection.py".into()))
        );
        let there = Standard {
            file: Some("x/db.py".into()),
            ..Standard::default()
        };
        assert_eq!(
            scaffold(&files, &schema, &there, ScaffoldForm::Module),
            Err(ScaffoldError::HasStandard("x/db.py".into()))
        );
    }

    #[test]
    fn a_project_is_a_crate_when_most_of_its_code_is() {
        assert!(is_crate(&paths(&[
            "src/lib.rs",
            "src/a.rs",
            "tools/x.py",
            "tests/a.py",
            "tests/b.py"
        ])));
        assert!(!is_crate(&paths(&[
            "app/a.py",
            "app/b.py",
            "native/src/lib.rs"
        ])));
        assert!(!is_crate(&[]));
    }

    #[test]
    fn the_setting_is_the_one_that_the_policies_read() {
        let (before, behind) = SETTING_LINE;
        assert!(
            MODULE.contains(&format!("{before}{DEFAULT_SETTING}{behind}")),
            "the line is replaced by its text"
        );
        let text = |sql: &str| {
            let mut schema = Schema::default();
            schema.apply_file("s.sql", sql);
            scaffold(&[], &schema, &Standard::default(), ScaffoldForm::Module)
                .expect("it can be written")
                .files[0]
                .1
                .clone()
        };
        let policy = |setting: &str| {
            format!(
                "CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id::text = current_setting('{setting}'));"
            )
        };
        assert!(
            text(&policy("shop.current_user")).contains("USER_SETTING = \"shop.current_user\"\n")
        );
        assert_eq!(text(""), MODULE);
        assert_eq!(text(&policy("a.\"; import os; \"")), MODULE);
    }
}
