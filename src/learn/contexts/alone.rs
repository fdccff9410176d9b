//! Files that stand alone: run by hand and imported by nothing, as scripts are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Draft, custom_of, defines_routes, is_code, is_test};
use crate::config::glob_of;
use crate::facts::context::takes;
use crate::learn::evidence::Evidence;
use crate::source::SourceFile;

/// Adds the files outside of telling folders that use the database: scripts to the scripts; gives those of which nothing is known.
pub(super) fn single_files(
    evidence: &Evidence<'_>,
    files: &[SourceFile],
    users: &BTreeSet<String>,
    drafts: &mut BTreeMap<&'static str, Draft>,
) -> Vec<String> {
    let mut unknown = Vec::new();
    let imported = Imported::of(files);
    for path in users {
        let by_code = drafts.values().any(|draft| {
            draft.paths.contains(&glob_of(path))
                || evidence.project.by_path(path).is_some_and(|id| {
                    let types: Vec<String> = draft.parameters.iter().cloned().collect();
                    let file = evidence.file(id);
                    let mut scopes = file.model.scopes.iter();
                    scopes.any(|scope| takes(file, scope, &types))
                })
        });
        let covered = is_test(path) || custom_of(path).is_some() || defines_routes(evidence, path);
        if covered || by_code {
            continue;
        }
        let may_be_script = is_called_like_a_script(path) || !opens_pool(evidence, path);
        if may_be_script && runs_alone(path, files, &imported) {
            let scripts = drafts.entry("scripts").or_default();
            scripts.paths.insert(glob_of(path));
        } else {
            unknown.push(path.clone());
        }
    }
    unknown
}

/// Whether a file opens a pool, as servers do.
fn opens_pool(evidence: &Evidence<'_>, path: &str) -> bool {
    evidence.project.by_path(path).is_some_and(|id| {
        let mut calls = evidence.file(id).outline.calls.iter();
        calls.any(|call| evidence.is_of_driver(id, call.callee, &evidence.driver.create_pool))
    })
}

/// Whether a file is called as what is run once.
fn is_called_like_a_script(path: &str) -> bool {
    const VERBS: &[&str] = &[
        "backfill", "check", "clean", "create", "delete", "drop", "export", "fix", "import",
        "init", "insert", "load", "migrate", "populate", "repair", "reset", "seed", "setup",
        "update", "validate", "verify",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let verb = name.split(['_', '.', '-']).next().unwrap_or(name);
    VERBS.contains(&verb)
}

/// Whether a file is run by hand and nothing imports it.
fn runs_alone(path: &str, files: &[SourceFile], imported: &Imported<'_>) -> bool {
    let Some(file) = files.iter().find(|file| file.path() == path) else {
        return false;
    };
    let is_main = |line: &str| line.starts_with("if __name__") && line.contains("__main__");
    let serves = file.text().contains("uvicorn.run(") || file.text().contains(".run_polling(");
    if serves || !file.text().lines().any(is_main) {
        return false;
    }
    let stem = path
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".py"))
        .unwrap_or(path);
    !imported.by_another(stem, path)
}

/// The words that lines have which import something.
struct Imported<'f> {
    /// For each word the files that have it: the first, and whether there is another.
    words: HashMap<&'f str, (&'f str, bool)>,
}

impl<'f> Imported<'f> {
    fn of(files: &'f [SourceFile]) -> Self {
        let mut words: HashMap<&str, (&str, bool)> = HashMap::new();
        for file in files.iter().filter(|file| is_code(file.path())) {
            let lines = file.text().lines().map(str::trim_start);
            let lines =
                lines.filter(|line| line.starts_with("import ") || line.starts_with("from "));
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            for word in lines.flat_map(|line| line.split(move |c: char| !is_word(c))) {
                let (first, several) = words.entry(word).or_insert((file.path(), false));
                *several |= *first != file.path();
            }
        }
        Self { words }
    }

    /// Whether a file other than that at `path` has the word.
    fn by_another(&self, word: &str, path: &str) -> bool {
        let found = self.words.get(word);
        found.is_some_and(|(first, several)| *several || *first != path)
    }
}
