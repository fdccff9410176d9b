//! Which files hang together by imports: what one part of a tree makes can only come into another that it is linked with.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::language;
use crate::project::Modules;
use crate::source::SourceFile;

/// The files in groups: two files are in one group when a chain of imports, in whichever direction, leads from one to the other.
///
/// Read from the text, before anything is parsed: what only looks like an import links more, never less.
#[derive(Debug, Default)]
pub struct Links {
    /// The group of each file; a file that is missing is linked with every other.
    groups: HashMap<String, usize>,
    /// The names of a file, by its path, that other files have in quotes, each with the first of these.
    quoted: HashMap<String, HashMap<String, String>>,
    /// The names that files have in quotes without a module that is known.
    quoted_alone: HashMap<String, String>,
    /// The attributes in whose place files put something else by their names, each with these files.
    replaced: HashMap<String, Vec<u32>>,
    /// The names that files may read as attributes though no code says so, each with these files.
    read_by_name: HashMap<String, Vec<u32>>,
    /// The files that these two speak of, by number.
    paths: Vec<String>,
}

impl Links {
    /// Reads the imports of `files`, which are given by path and text.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, modules: &Modules) -> Self {
        let files: Vec<(&str, &str)> = files.into_iter().collect();
        let places = files.iter().enumerate().map(|(at, (path, _))| (*path, at));
        let places: HashMap<&str, usize> = places.collect();
        let mut union = Union::of(files.len());
        let mut first_of: HashMap<&str, usize> = HashMap::new();
        for (at, (path, text)) in files.iter().enumerate() {
            let Some(language) = language::for_path(path) else {
                continue;
            };
            match language.imported(text) {
                Some(imported) => {
                    for (module, level) in imported {
                        let found = modules.find(path, &module, level);
                        if let Some(other) = found.and_then(|found| places.get(found)) {
                            union.join(at, *other);
                        }
                    }
                }
                // No telling from the text: all files of the language hang together.
                None => union.join(at, *first_of.entry(language.name()).or_insert(at)),
            }
        }
        let mut links = Self::default();
        for (path, text) in &files {
            links.by_name(path, text);
            let quoted = language::for_path(path).map(|language| language.quoted(text));
            for name in quoted.into_iter().flatten() {
                links.quote(path, name, modules);
            }
        }
        let group = |(at, (path, _)): (usize, &(&str, &str))| ((*path).to_owned(), union.root(at));
        links.groups = files.iter().enumerate().map(group).collect();
        links
    }

    /// Takes in a name that the file at `path` has in quotes: `app.prices.get_db_pool.cache` names `get_db_pool` of `app/prices.py`.
    fn quote(&mut self, path: &str, name: &str, modules: &Modules) {
        if !name.contains('.') {
            let first = || path.to_owned();
            self.quoted_alone
                .entry(name.to_owned())
                .or_insert_with(first);
            return;
        }
        let mut ends = name.rmatch_indices('.').map(|(at, _)| at);
        let found =
            ends.find_map(|at| Some((modules.find(path, &name[..at], 0)?, &name[at + 1..])));
        if let Some((file, member)) = found {
            let member = member.split('.').next().unwrap_or(member);
            let names = self.quoted.entry(file.to_owned()).or_default();
            let first = || path.to_owned();
            names.entry(member.to_owned()).or_insert_with(first);
        }
    }

    /// Takes in the attributes that a file replaces or reads by their names.
    fn by_name(&mut self, path: &str, text: &str) {
        let Some(language) = language::for_path(path) else {
            return;
        };
        let (replaced, read) = (language.replaced(text), language.read_by_name(text));
        if replaced.is_empty() && read.is_empty() {
            return;
        }
        let number = self.paths.len() as u32;
        self.paths.push(path.to_owned());
        for name in replaced {
            let files = self.replaced.entry(name.to_owned()).or_default();
            if files.last() != Some(&number) {
                files.push(number);
            }
        }
        for name in read {
            let files = self.read_by_name.entry(name.to_owned()).or_default();
            if files.last() != Some(&number) {
                files.push(number);
            }
        }
    }

    /// The files that put something else in the place of an attribute `name`.
    pub fn replacing<'l>(&'l self, name: &str) -> impl Iterator<Item = &'l str> {
        let files = self.replaced.get(name).into_iter().flatten();
        files.map(|number| self.paths[*number as usize].as_str())
    }

    /// The files that may read an attribute `name`, of whatever object, though no code says so.
    pub fn reading<'l>(&'l self, name: &str) -> impl Iterator<Item = &'l str> {
        let files = self.read_by_name.get(name).into_iter().flatten();
        files.map(|number| self.paths[*number as usize].as_str())
    }

    /// A file that has `name` of the file at `path` in quotes, as one does that puts something else in its place.
    pub fn quoting(&self, path: &str, name: &str) -> Option<&str> {
        let of_file = self.quoted.get(path).and_then(|names| names.get(name));
        let found = of_file.or_else(|| self.quoted_alone.get(name));
        found.map(String::as_str)
    }

    /// Of `files` those that are linked with one that is a seed.
    pub fn reached_files<'s>(
        &self,
        files: &[&'s SourceFile],
        is_seed: impl Fn(&SourceFile) -> bool + Sync,
    ) -> Vec<&'s SourceFile> {
        let seeds = files.par_iter().filter(|file| is_seed(file));
        let seeds: Vec<&str> = seeds.map(|file| file.path()).collect();
        let paths: Vec<&str> = files.iter().map(|file| file.path()).collect();
        let reached = self.reached(&paths, &seeds).into_iter();
        let reached = files.iter().zip(reached).filter(|(_, reached)| *reached);
        reached.map(|(file, _)| *file).collect()
    }

    /// For each of `paths` whether it is linked with one of `seeds`.
    pub fn reached(&self, paths: &[&str], seeds: &[&str]) -> Vec<bool> {
        let groups: BTreeSet<Option<&usize>> =
            seeds.iter().map(|seed| self.groups.get(*seed)).collect();
        let everywhere = groups.contains(&None);
        let is_reached = |path: &&str| match self.groups.get(*path) {
            Some(group) => everywhere || groups.contains(&Some(group)),
            None => true,
        };
        paths.iter().map(is_reached).collect()
    }
}

/// Disjoint sets of numbers.
struct Union(Vec<usize>);

impl Union {
    fn of(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&self, mut at: usize) -> usize {
        while self.0[at] != at {
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.shortened(left), self.shortened(right));
        self.0[left.max(right)] = left.min(right);
    }

    /// The root, which the numbers on the way to it are then closer to.
    fn shortened(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(files: &[(&str, &str)], seed: &str) -> Vec<String> {
        let modules = Modules::new(files.iter().map(|(path, _)| *path));
        let links = Links::new(files.iter().copied(), &modules);
        let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let reached = links.reached(&paths, &[seed]);
        let found = paths.iter().zip(reached).filter(|(_, reached)| *reached);
        found.map(|(path, _)| (*path).to_owned()).collect()
    }

    #[test]
    fn files_hang_together_by_imports_in_either_direction() {
        let files = [
            ("app/db.py", "import asyncpg\n"),
            ("app/service.py", "from app.db import pool\n"),
            (
                "app/main.py",
                "def f():\n    from app import (\n        service,\n    )\n",
            ),
            ("app/util.py", "x = 1\n"),
            ("app/api/routes.py", "import os, app.util as u, app.main\n"),
            ("other/tool.py", "import threading\nfrom . import helper\n"),
            ("other/helper.py", "import os\n"),
        ];
        assert_eq!(
            reached(&files, "app/db.py"),
            [
                "app/db.py",
                "app/service.py",
                "app/main.py",
                "app/util.py",
                "app/api/routes.py"
            ]
        );
        assert_eq!(
            reached(&files, "other/helper.py"),
            ["other/tool.py", "other/helper.py"]
        );
    }

    #[test]
    fn the_files_of_a_language_whose_imports_are_not_read_hang_together() {
        let files = [
            ("a/src/main.rs", "use sqlx;\n"),
            ("b/src/lib.rs", ""),
            ("x.py", ""),
        ];
        assert_eq!(
            reached(&files, "a/src/main.rs"),
            ["a/src/main.rs", "b/src/lib.rs"]
        );
    }

    #[test]
    fn a_file_that_is_not_known_is_linked_with_all() {
        let links = Links::default();
        assert_eq!(links.reached(&["a.py", "b.py"], &["a.py"]), [true, true]);
        assert_eq!(links.reached(&["a.py"], &[]), [true]);
    }
}
