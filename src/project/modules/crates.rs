//! Which file a path of Rust means.
//!
//! Files only are known, not what `Cargo.toml` says: a crate is a folder with a `src`, and is called like the folder. Binaries, tests,
//! examples and benches are crates of one file, as cargo finds them by itself.

use std::collections::BTreeMap;

/// The modules of all crates.
#[derive(Debug, Clone, Default)]
pub(super) struct Crates {
    /// Crate and module → the file.
    files: BTreeMap<(String, String), String>,
    /// What other crates call a crate → the crates of that name.
    names: BTreeMap<String, Vec<String>>,
}

/// Whether a file is one of Rust.
pub(super) fn is_rust(path: &str) -> bool {
    path.strip_suffix(".rs").is_some()
}

/// The folder of the crate that a file belongs to.
pub(super) fn root_of(path: &str) -> Option<String> {
    placed(path).map(|(root, _)| root)
}

impl Crates {
    /// Takes a file in, if it is one of Rust.
    pub(super) fn add(&mut self, path: &str) {
        let Some((root, module)) = placed(path) else {
            return;
        };
        let folder = root.rsplit('/').next().unwrap_or_default();
        let known = self.names.entry(folder.replace('-', "_")).or_default();
        if !known.contains(&root) {
            known.push(root.clone());
        }
        // A package with a library and a program: other crates see the library.
        let taken = self.files.contains_key(&(root.clone(), module.clone()));
        if !taken || path.ends_with("/lib.rs") {
            self.files.insert((root, module), path.to_owned());
        }
    }

    /// The file that `module` means in the file `from`.
    pub(super) fn find(&self, from: &str, module: &str) -> Option<&str> {
        let (root, own) = placed(from)?;
        let mut parts: Vec<&str> = module.split('.').filter(|part| !part.is_empty()).collect();
        let mut around: Vec<&str> = own.split('.').filter(|part| !part.is_empty()).collect();
        match *parts.first()? {
            "crate" => {
                parts.remove(0);
                self.file(&root, &parts)
            }
            "self" | "super" => {
                while let Some(first @ (&"self" | &"super")) = parts.first() {
                    if *first == "super" {
                        around.pop()?;
                    }
                    parts.remove(0);
                }
                around.extend(parts);
                self.file(&root, &around)
            }
            name => {
                let below: Vec<&str> = around.iter().chain(&parts).copied().collect();
                if let Some(found) = self.file(&root, &below) {
                    return Some(found);
                }
                let mut roots = self.names.get(name)?.iter();
                let nearest = roots.find(|other| root.starts_with(other.as_str()));
                let other = nearest.or_else(|| self.names.get(name)?.first())?;
                self.file(other, &parts[1..])
            }
        }
    }

    /// The dotted path by which the module in the file `to` is reached from the file `from`, and whether both belong to one package.
    pub(super) fn path_to(&self, from: &str, to: &str) -> Option<(String, bool)> {
        let ((root, _), (target, inside)) = (placed(from)?, placed(to)?);
        let join = |first: &str| match inside.as_str() {
            "" => first.to_owned(),
            inside => format!("{first}.{inside}"),
        };
        let folder = target.rsplit('/').next().unwrap_or_default();
        let name = folder.replace('-', "_");
        // A program beside a library of the same package has a tree of its own.
        let beside = from.ends_with("/main.rs")
            && from.strip_suffix("main.rs").is_some_and(|folder| {
                self.files
                    .values()
                    .any(|file| *file == format!("{folder}lib.rs"))
            });
        if root == target && (!beside || name.is_empty()) {
            return Some((join("crate"), true));
        }
        if name.is_empty() {
            return None;
        }
        let is_own = root == target || root.starts_with(&format!("{target}/"));
        Some((join(&name), is_own))
    }

    fn file(&self, root: &str, parts: &[&str]) -> Option<&str> {
        let key = (root.to_owned(), parts.join("."));
        self.files.get(&key).map(String::as_str)
    }
}

/// The crate of a file, by its folder or, for a crate of one file, by that, and the module that the file is in it.
fn placed(path: &str) -> Option<(String, String)> {
    let stem = path.strip_suffix(".rs")?;
    let parts: Vec<&str> = stem.split('/').collect();
    let src = parts.iter().rposition(|part| *part == "src");
    let alone = parts
        .iter()
        .rposition(|part| matches!(*part, "bin" | "tests" | "examples" | "benches"));
    let (root, inside) = match (src, alone) {
        (Some(src), Some(alone)) if alone == src + 1 && parts[alone] == "bin" => {
            parts.split_at((alone + 2).min(parts.len()))
        }
        (Some(src), _) => (&parts[..src], &parts[src + 1..]),
        (None, Some(alone)) => parts.split_at((alone + 2).min(parts.len())),
        (None, None) => parts.split_at(parts.len()),
    };
    let mut inside: Vec<&str> = inside.to_vec();
    let is_root = inside.len() == 1 && matches!(inside[0], "lib" | "main");
    if is_root || inside.last() == Some(&"mod") {
        inside.pop();
    }
    Some((root.join("/"), inside.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_followed_from_its_crate() {
        let mut crates = Crates::default();
        for path in [
            "crates/my-db/src/lib.rs",
            "crates/my-db/src/rls/mod.rs",
            "crates/my-db/src/rls/scope.rs",
            "crates/web/src/main.rs",
            "crates/web/src/lib.rs",
            "crates/web/src/db.rs",
            "crates/web/src/bin/tool.rs",
            "crates/web/tests/api.rs",
            "build.py",
        ] {
            crates.add(path);
        }
        for (from, module, found) in [
            (
                "crates/web/src/db.rs",
                "crate",
                Some("crates/web/src/lib.rs"),
            ),
            (
                "crates/web/src/db.rs",
                "super",
                Some("crates/web/src/lib.rs"),
            ),
            ("crates/web/src/db.rs", "self", Some("crates/web/src/db.rs")),
            (
                "crates/web/src/main.rs",
                "self.db",
                Some("crates/web/src/db.rs"),
            ),
            ("crates/web/src/main.rs", "db", Some("crates/web/src/db.rs")),
            (
                "crates/web/src/db.rs",
                "my_db.rls",
                Some("crates/my-db/src/rls/mod.rs"),
            ),
            (
                "crates/web/src/db.rs",
                "my_db",
                Some("crates/my-db/src/lib.rs"),
            ),
            (
                "crates/my-db/src/rls/mod.rs",
                "self.scope",
                Some("crates/my-db/src/rls/scope.rs"),
            ),
            (
                "crates/my-db/src/rls/scope.rs",
                "super",
                Some("crates/my-db/src/rls/mod.rs"),
            ),
            (
                "crates/my-db/src/rls/scope.rs",
                "super.super",
                Some("crates/my-db/src/lib.rs"),
            ),
            (
                "crates/web/src/bin/tool.rs",
                "web.db",
                Some("crates/web/src/db.rs"),
            ),
            ("crates/web/src/bin/tool.rs", "crate.db", None),
            (
                "crates/web/tests/api.rs",
                "web.db",
                Some("crates/web/src/db.rs"),
            ),
            ("crates/web/src/db.rs", "sqlx", None),
            ("crates/web/src/lib.rs", "super.super", None),
        ] {
            assert_eq!(crates.find(from, module), found, "{module} in {from}");
        }
    }
}
