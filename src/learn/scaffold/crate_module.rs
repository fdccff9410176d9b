//! The standard module of a crate on sqlx: a folder of the same files everywhere, but for the setting that its policies read.

use std::cmp::Reverse;

use super::{Scaffold, ScaffoldError, with_setting};
use crate::learn::contexts::is_test;
use crate::source::SourceFile;

/// The files of the module, by their names in its folder. The first one is the module itself.
const FILES: [(&str, &str); 2] = [
    (
        "mod.rs",
        include_str!("../../../recipes/sqlx/scaffold/db/mod.rs"),
    ),
    (
        "rls.rs",
        include_str!("../../../recipes/sqlx/scaffold/db/rls.rs"),
    ),
];

/// The text that names the setting, around the name.
const SETTING: (&str, &str) = ("const USER_SETTING: &str = \"", "\";\n");

/// What a crate that uses the driver names.
const DRIVER: &str = "sqlx";

/// A crate by the folder of its sources, ending in `src/`.
struct Crate<'a> {
    sources: &'a str,
    /// The file that declares its modules, and whether others use them from outside.
    root: Option<(&'a str, bool)>,
}

/// The module for a project of these `files` whose policies read `setting`.
pub(super) fn module(files: &[SourceFile], setting: &str) -> Result<Scaffold, ScaffoldError> {
    let target = target(files);
    let sources = target.as_ref().map_or("src/", |found| found.sources);
    let written: Vec<(String, String)> = FILES
        .iter()
        .map(|(name, text)| {
            let text = with_setting(text, SETTING, setting);
            (format!("{sources}db/{name}"), text)
        })
        .collect();
    let other_spelling = format!("{sources}db.rs");
    let places = written.iter().map(|(path, _)| path);
    let exists = |place: &&String| files.iter().any(|file| file.path() == place.as_str());
    if let Some(taken) = places.chain([&other_spelling]).find(exists) {
        return Err(ScaffoldError::Exists(taken.clone()));
    }
    let next = target.and_then(|found| found.root).map_or_else(
        || format!("declare the module of {sources}db"),
        |(root, public)| {
            let declaration = if public { "pub mod db;" } else { "mod db;" };
            format!("add `{declaration}` to {root}")
        },
    );
    Ok(Scaffold {
        module: written[0].0.clone(),
        files: written,
        next: Some(next),
    })
}

/// The crate that the module is for: of those that use the driver the one where most files do.
fn target(files: &[SourceFile]) -> Option<Crate<'_>> {
    let mut crates: Vec<Crate<'_>> = Vec::new();
    for file in files {
        let path = file.path();
        let Some(sources) = sources_of(path) else {
            continue;
        };
        let root = match &path[sources.len()..] {
            "lib.rs" => Some((path, true)),
            "main.rs" => Some((path, false)),
            _ => None,
        };
        match crates.iter_mut().find(|known| known.sources == sources) {
            // A library's own root comes before that of a program beside it, by its name and here.
            Some(known) => known.root = known.root.or(root),
            None => crates.push(Crate { sources, root }),
        }
    }
    let users = |sources: &str| {
        let inside = files
            .iter()
            .filter(|file| sources_of(file.path()) == Some(sources));
        inside.filter(|file| file.text().contains(DRIVER)).count()
    };
    crates.into_iter().max_by_key(|found| {
        let sources = found.sources;
        (users(sources), Reverse((sources.len(), sources)))
    })
}

/// The folder of the sources of the crate that the file at `path` is code of.
fn sources_of(path: &str) -> Option<&str> {
    let is_code = path
        .rsplit_once('.')
        .is_some_and(|(_, extension)| extension == "rs");
    if !is_code || is_test(path) {
        return None;
    }
    let folders = path.match_indices('/').map(|(at, _)| &path[..=at]);
    folders
        .filter(|folder| *folder == "src/" || folder.ends_with("/src/"))
        .min_by_key(|folder| folder.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::scaffold::DEFAULT_SETTING;

    fn written(files: &[(&str, &str)], setting: &str) -> Result<Scaffold, ScaffoldError> {
        let files: Vec<SourceFile> = files
            .iter()
            .map(|(path, text)| SourceFile::new(*path, *text))
            .collect();
        module(&files, setting)
    }

    fn place(files: &[(&str, &str)]) -> (String, String) {
        let scaffold = written(files, DEFAULT_SETTING).expect("it can be written");
        (scaffold.module, scaffold.next.expect("a step is left"))
    }

    #[test]
    fn the_module_goes_into_the_crate_that_uses_the_driver() {
        let case = |files: &[(&str, &str)], module: &str, next: &str| {
            assert_eq!(place(files), (module.to_owned(), next.to_owned()));
        };
        case(
            &[("src/lib.rs", ""), ("src/main.rs", "use sqlx::PgPool;")],
            "src/db/mod.rs",
            "add `pub mod db;` to src/lib.rs",
        );
        case(
            &[("src/main.rs", "")],
            "src/db/mod.rs",
            "add `mod db;` to src/main.rs",
        );
        case(
            &[
                ("a/src/lib.rs", ""),
                ("crates/store/src/lib.rs", ""),
                ("crates/store/src/rows.rs", "use sqlx::PgPool;"),
                ("crates/store/tests/a.rs", "use sqlx::PgPool;"),
                ("tests/src/main.rs", "use sqlx::PgPool;"),
            ],
            "crates/store/src/db/mod.rs",
            "add `pub mod db;` to crates/store/src/lib.rs",
        );
        case(
            &[("src/bin/one.rs", "")],
            "src/db/mod.rs",
            "declare the module of src/db",
        );
        case(&[], "src/db/mod.rs", "declare the module of src/db");
    }

    #[test]
    fn nothing_is_overwritten_in_either_spelling() {
        for taken in ["src/db/mod.rs", "src/db/rls.rs", "src/db.rs"] {
            assert_eq!(
                written(&[("src/lib.rs", ""), (taken, "")], DEFAULT_SETTING),
                Err(ScaffoldError::Exists(taken.to_owned()))
            );
        }
    }

    #[test]
    fn the_setting_stands_where_the_module_names_it() {
        let texts = |setting: &str| {
            let scaffold = written(&[], setting).expect("it can be written");
            let texts = scaffold.files.into_iter().map(|(_, text)| text);
            texts.collect::<Vec<_>>()
        };
        assert_eq!(texts(DEFAULT_SETTING), FILES.map(|(_, text)| text));
        let with_own = texts("shop.current_user");
        assert!(with_own[1].contains("const USER_SETTING: &str = \"shop.current_user\";\n"));
        assert!(!with_own[1].contains(DEFAULT_SETTING));
    }
}
