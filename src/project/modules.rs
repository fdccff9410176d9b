//! Which file an import means.

mod crates;

use std::collections::BTreeMap;

use self::crates::Crates;
use crate::language::python::standard_library;

/// The modules of the tree, found by the end of their path: `app.db` is any `…/app/db.py` or `…/app/db/__init__.py`.
///
/// Which folders are on the path when the program runs is not known; of several files that fit, the one that shares most of its path
/// with the importing file is meant.
#[derive(Debug, Clone, Default)]
pub struct Modules {
    /// The last part of a module's name → the files, each with the parts of its name.
    by_last: BTreeMap<String, Vec<(String, Vec<String>)>>,
    /// The modules of Rust, which are found from the root of their crate.
    crates: Crates,
}

impl Modules {
    /// Indexes the files of code among `paths`.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut modules = Self::default();
        for path in paths {
            modules.crates.add(path);
            let parts = parts_of(path);
            if let Some(last) = parts.last() {
                let entry = (path.to_owned(), parts.clone());
                modules.by_last.entry(last.clone()).or_default().push(entry);
            }
        }
        modules
    }

    /// The dotted path by which the module in the file `to` is reached from the file `from`, and whether both belong to one package.
    pub fn path_to(&self, from: &str, to: &str) -> Option<(String, bool)> {
        self.crates.path_to(from, to)
    }

    /// Whether two files belong to one crate.
    pub fn are_of_one_crate(&self, left: &str, right: &str) -> bool {
        crates::root_of(left).is_some_and(|root| Some(root) == crates::root_of(right))
    }

    /// The file that `module` (without its leading dots, `level` of them) means in the file `from`.
    pub fn find(&self, from: &str, module: &str, level: usize) -> Option<&str> {
        if crates::is_rust(from) {
            return self.crates.find(from, module);
        }
        let wanted = absolute(from, module, level)?;
        let candidates = self.by_last.get(wanted.last()?)?;
        let of_python = level == 0 && standard_library::has(module);
        let fits = candidates.iter().filter(|(path, parts)| {
            if level > 0 {
                return *parts == wanted;
            }
            // What comes with Python is only hidden by a file whose folder is on the path, as that of the program is.
            parts.ends_with(&wanted) && (!of_python || hides(path, parts, &wanted, from))
        });
        fits.max_by_key(|(path, parts)| {
            (
                shared_prefix(path, from),
                std::cmp::Reverse(parts.len()),
                std::cmp::Reverse(path),
            )
        })
        .map(|(path, _)| path.as_str())
    }

    /// The dotted name of the module in `path`, from the root of the tree.
    pub fn dotted(path: &str) -> String {
        parts_of(path).join(".")
    }
}

/// The parts of the full name of the module in `path`; empty for what is no module.
fn parts_of(path: &str) -> Vec<String> {
    let Some(stem) = path.strip_suffix(".py") else {
        return Vec::new();
    };
    let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
    stem.split('/').map(str::to_owned).collect()
}

/// The parts that an import names; for a relative import the full name from the root.
fn absolute(from: &str, module: &str, level: usize) -> Option<Vec<String>> {
    let named = module
        .split('.')
        .filter(|part| !part.is_empty())
        .map(str::to_owned);
    if level == 0 {
        let parts: Vec<String> = named.collect();
        return (!parts.is_empty()).then_some(parts);
    }
    let mut package: Vec<String> = from.split('/').map(str::to_owned).collect();
    // One dot is the package of the file itself, each further one the package around it.
    for _ in 0..level {
        package.pop()?;
    }
    package.extend(named);
    Some(package)
}

/// Whether the module at `path`, of the full name `parts`, is found from the folder of `from` or one around it by the name `wanted`.
fn hides(path: &str, parts: &[String], wanted: &[String], from: &str) -> bool {
    let root = parts.len() - wanted.len();
    shared_prefix(path, from) >= root
}

fn shared_prefix(left: &str, right: &str) -> usize {
    left.split('/')
        .zip(right.split('/'))
        .take_while(|(a, b)| a == b)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules() -> Modules {
        Modules::new([
            "backend/app/db/__init__.py",
            "backend/app/db/connection.py",
            "other/app/db/connection.py",
            "backend/app/main.py",
            "README.md",
        ])
    }

    #[test]
    fn an_absolute_import_fits_the_end_of_a_path_and_the_nearest_one_wins() {
        let modules = modules();
        let found = |from, module| modules.find(from, module, 0);
        assert_eq!(
            found("backend/app/x.py", "app.db.connection"),
            Some("backend/app/db/connection.py")
        );
        assert_eq!(
            found("other/run.py", "app.db.connection"),
            Some("other/app/db/connection.py")
        );
        assert_eq!(
            found("x.py", "backend.app.db"),
            Some("backend/app/db/__init__.py")
        );
        assert_eq!(found("x.py", "app.missing"), None);
    }

    #[test]
    fn what_comes_with_python_is_hidden_only_by_a_file_beside_the_program() {
        let modules = Modules::new([
            "lib/contextlib.py",
            "lib/asyncio/__init__.py",
            "app/types.py",
        ]);
        let found = |from, module| modules.find(from, module, 0);
        assert_eq!(found("app/db.py", "contextlib"), None);
        assert_eq!(found("app/db.py", "asyncio"), None);
        assert_eq!(
            found("lib/asyncio/locks.py", "contextlib"),
            Some("lib/contextlib.py")
        );
        assert_eq!(found("app/api/routes.py", "types"), Some("app/types.py"));
        assert_eq!(found("main.py", "app.types"), Some("app/types.py"));
    }

    #[test]
    fn a_relative_import_counts_from_the_package_of_the_file() {
        let modules = modules();
        let found = |from, module, level| modules.find(from, module, level);
        assert_eq!(
            found("backend/app/db/__init__.py", "connection", 1),
            Some("backend/app/db/connection.py")
        );
        assert_eq!(
            found("backend/app/api/routes.py", "db.connection", 2),
            Some("backend/app/db/connection.py")
        );
        assert_eq!(
            found("backend/app/main.py", "db", 1),
            Some("backend/app/db/__init__.py")
        );
        assert_eq!(found("main.py", "db", 3), None);
    }
}
