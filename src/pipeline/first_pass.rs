//! The first pass: parses the files that recipes can match, then those that show where their pools, bases and types come from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use rayon::prelude::*;

use crate::finding::Unparsed;
use crate::language::{self, ImportKind, Model, ScopeKind};
use crate::pipeline::mark::MARK;
use crate::pipeline::{Files, Lane, parse_file};
use crate::progress::Progress;
use crate::project::{Links, Modules, ParsedFile, Project, Room};
use crate::recipe::Driver;
use crate::source::{SourceFile, Span};

/// How often the set of files may grow by what the files before mention. Each round adds callers of callers.
const ROUNDS: usize = 3;

/// What the first pass leaves.
pub(crate) struct FirstPass {
    /// All parsed files.
    pub(crate) project: Project,
    /// Files without a usable tree.
    pub(crate) unparsed: Vec<Unparsed>,
}

/// Runs the first pass.
pub(crate) fn run(lanes: &[Lane], files: &[SourceFile], progress: &dyn Progress) -> FirstPass {
    let code: Vec<&SourceFile> = files
        .iter()
        .filter(|file| language::for_path(file.path()).is_some())
        .collect();
    let standards: BTreeSet<&str> = lanes
        .iter()
        .filter_map(|lane| lane.config.standard.file.as_deref())
        .collect();
    let candidates: BTreeSet<&str> = code
        .par_iter()
        .filter(|file| {
            let may_match = |own| {
                let mut locators = lanes.iter().map(|lane| &lane.locator);
                locators.any(|locator| locator.may_match(own, file.text()))
            };
            standards.contains(file.path())
                || language::for_path(file.path()).is_some_and(may_match)
                || file.text().contains(MARK)
        })
        .map(|file| file.path())
        .collect();
    let modules = Modules::new(code.iter().map(|file| file.path()));
    let texts = code.iter().map(|file| (file.path(), file.text()));
    let links = Links::new(texts, &modules);
    let linked = linked(lanes, &code, &links);
    let by_path: BTreeMap<&str, &SourceFile> =
        code.iter().map(|file| (file.path(), *file)).collect();
    progress.start("parsing", candidates.len());
    let mut parsed: BTreeMap<&str, Arc<ParsedFile>> = BTreeMap::new();
    let mut unparsed: Vec<Unparsed> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut next = candidates;
    let room: Arc<Room> = Arc::default();
    for _ in 0..=ROUNDS {
        let fresh: Vec<&SourceFile> = next
            .iter()
            .filter(|path| !seen.contains(*path))
            .filter_map(|path| by_path.get(path).copied())
            .collect();
        if fresh.is_empty() {
            break;
        }
        seen.extend(fresh.iter().map(|file| file.path()));
        let results: Vec<_> = fresh
            .par_iter()
            .map(|file| {
                let result = parse_file(file, &room);
                progress.step();
                result
            })
            .collect();
        let mut added: Files = Vec::new();
        for (file, result) in fresh.iter().zip(results) {
            match result {
                Ok(Some(file_parsed)) => {
                    let shared = Arc::new(file_parsed);
                    parsed.insert(file.path(), Arc::clone(&shared));
                    // Pools only flow where a driver is in reach; what lends connections goes where nobody makes it any more.
                    let drivers = lanes.iter().map(|lane| &lane.driver);
                    let lends = || {
                        drivers
                            .into_iter()
                            .any(|driver| lends(&shared.model, driver))
                    };
                    if linked.contains(file.path()) || lends() {
                        added.push(shared);
                    }
                }
                Ok(None) => {}
                Err(problem) => unparsed.push(problem),
            }
        }
        next = mentioned(&added, lanes, &code, &modules, &by_path);
    }
    let files: Files = parsed.into_values().collect();
    for file in &files {
        if let Some(error) = file.errors.first() {
            let place = file.source.position(error.start);
            let reason = format!(
                "does not parse at line {}, column {}; sites near it are left alone",
                place.line, place.column
            );
            unparsed.push(Unparsed {
                file: file.source.path().to_owned(),
                reason,
            });
        }
    }
    let project = Project::with_modules(files, modules).linked(Arc::new(links));
    FirstPass { project, unparsed }
}

/// The files that are linked by imports with one that names a driver, or with a standard module.
fn linked<'s>(lanes: &[Lane], code: &[&'s SourceFile], links: &Links) -> BTreeSet<&'s str> {
    let names = |file: &SourceFile| lanes.iter().any(|lane| lane.is_named_in(file));
    let reached = links.reached_files(code, names).into_iter();
    reached.map(SourceFile::path).collect()
}

/// The files that the freshly parsed ones make of interest: callers of what takes a pool, definitions of bases and of types.
fn mentioned<'s>(
    added: &Files,
    lanes: &[Lane],
    code: &[&'s SourceFile],
    modules: &Modules,
    by_path: &BTreeMap<&'s str, &'s SourceFile>,
) -> BTreeSet<&'s str> {
    let mut words: BTreeMap<String, Taker> = BTreeMap::new();
    let mut paths: BTreeSet<&'s str> = BTreeSet::new();
    for file in added {
        let drivers = lanes.iter().map(|lane| &lane.driver);
        for (word, kind) in drivers.flat_map(|driver| takers_of_pools(file, driver)) {
            let known = words.entry(word).or_insert(kind);
            *known = kind.max(*known);
        }
        for path in definitions(file, modules) {
            if let Some((path, _)) = by_path.get_key_value(path.as_str()) {
                paths.insert(*path);
            }
        }
    }
    let (words, kinds): (Vec<String>, Vec<Taker>) = words.into_iter().unzip();
    if let Ok(searcher) = AhoCorasick::new(&words)
        && !words.is_empty()
    {
        let mentions = |text: &str| {
            searcher.find_overlapping_iter(text).any(|found| {
                let place = Span::new(found.start(), found.end());
                is_mentioned(text, place, kinds[found.pattern().as_usize()])
            })
        };
        let found: Vec<&'s str> = code
            .par_iter()
            .filter(|file| mentions(file.text()))
            .map(|file| file.path())
            .collect();
        paths.extend(found);
    }
    paths
}

/// What takes a pool: it matters where it is called, and a class also where it is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Taker {
    Function,
    Class,
}

/// Whether the word at `place` is one by itself, and can be a use of what takes a pool.
fn is_mentioned(text: &str, place: Span, kind: Taker) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (before, after) = (&text[..place.start], &text[place.end..]);
    if before.ends_with(is_part) || after.starts_with(is_part) {
        return false;
    }
    // An import under another name is a use that has to be read to be understood.
    let is_renamed = || after.trim_start().starts_with("as ");
    match kind {
        Taker::Class => true,
        Taker::Function => {
            let is_call = after.trim_start().starts_with('(');
            let is_definition = before.ends_with("def ") || before.ends_with("fn ");
            (is_call && !is_definition) || is_renamed()
        }
    }
}

/// The names of classes and functions whose parameters may be pools: who calls them shows which pool it is.
fn takers_of_pools(file: &ParsedFile, driver: &Driver) -> BTreeMap<String, Taker> {
    let model = &file.model;
    let mut names = BTreeMap::new();
    let pooled: BTreeSet<&str> = file
        .outline
        .calls
        .iter()
        .filter(|call| {
            driver.acquire.contains(&call.name) || driver.query_methods.contains(&call.name)
        })
        .map(|call| root(call.callee.text(file.text())))
        .collect();
    for scope in model
        .scopes
        .iter()
        .filter(|scope| scope.kind == ScopeKind::Function)
    {
        let class = scope
            .parent
            .map(|parent| model.scope(parent))
            .filter(|parent| parent.kind == ScopeKind::Class);
        let takes = scope.parameters.iter().any(|parameter| {
            let name = parameter.name.to_lowercase();
            let declared = parameter.annotation.is_some_and(|span| {
                driver
                    .pool_types
                    .iter()
                    .any(|known| span.text(file.text()).contains(known.as_str()))
            });
            declared
                || name.contains("pool")
                || (name != "self" && pooled.contains(parameter.name.as_str()))
        });
        let keeps = class.is_some() && scope.name == "__init__" && pooled.contains("self");
        if takes || keeps {
            match class {
                Some(class) if scope.name == "__init__" => {
                    names.insert(class.name.clone(), Taker::Class);
                }
                _ => {
                    names.entry(scope.name.clone()).or_insert(Taker::Function);
                }
            }
        }
    }
    // Whether anything still makes a class that lends connections decides whether it can go.
    if lends(model, driver) {
        let classes = model
            .scopes
            .iter()
            .filter(|scope| scope.kind == ScopeKind::Class);
        names.extend(classes.map(|scope| (scope.name.clone(), Taker::Class)));
    }
    // Classes without a constructor of their own take what their base takes.
    if pooled.contains("self") {
        names.extend(
            model
                .scopes
                .iter()
                .filter(|scope| scope.kind == ScopeKind::Class)
                .map(|scope| (scope.name.clone(), Taker::Class)),
        );
    }
    names.retain(|name, _| name.len() > 3 && !name.starts_with("__"));
    names
}

/// Whether a class of the file may be one of those that lend connections, for a standard that takes the place of them.
fn lends(model: &Model, driver: &Driver) -> bool {
    let mut scopes = model.scopes.iter();
    driver.any_pool && scopes.any(|scope| driver.release.contains(&scope.name))
}

fn root(callee: &str) -> &str {
    callee
        .split(['.', '(', '['])
        .next()
        .unwrap_or(callee)
        .trim()
}

/// The files that define the bases of this file's classes and the types of its parameters, and what it calls by imported names.
fn definitions(file: &ParsedFile, modules: &Modules) -> BTreeSet<String> {
    let model = &file.model;
    let text = file.text();
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    let word = |c: char| !(c.is_alphanumeric() || c == '_');
    for scope in &model.scopes {
        wanted.extend(
            scope
                .bases
                .iter()
                .flat_map(|span| span.text(text).split(word)),
        );
        let annotations = scope
            .parameters
            .iter()
            .filter_map(|parameter| parameter.annotation);
        wanted.extend(annotations.flat_map(|span| span.text(text).split(word)));
        let defaults = scope
            .parameters
            .iter()
            .filter_map(|parameter| parameter.default);
        wanted.extend(defaults.flat_map(|span| span.text(text).split(word)));
    }
    let arguments = file.outline.calls.iter().filter(|call| {
        // Only what may be handed a connection or a pool.
        let call = call.span.text(text);
        ["conn", "pool", "db"]
            .iter()
            .any(|name| call.contains(name))
    });
    wanted.extend(arguments.map(|call| root(call.callee.text(text))));
    model
        .imports
        .iter()
        .filter(|import| {
            // Whatever a star brings in may be a name that a rewrite needs.
            import.kind == ImportKind::Star
                || matches!(import.kind, ImportKind::Name { .. })
                    && wanted.contains(import.local.as_str())
        })
        .filter(|import| import.scope == Model::MODULE || !import.local.is_empty())
        .filter_map(|import| {
            modules
                .find(file.source.path(), &import.module, import.level)
                .map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the first `word` in `text` is a use.
    fn mentioned(text: &str, word: &str, kind: Taker) -> bool {
        let start = text.find(word).expect("the word is there");
        is_mentioned(text, Span::new(start, start + word.len()), kind)
    }

    #[test]
    fn a_function_is_used_where_it_is_called_or_renamed() {
        for text in ["load(pool)", "x.load (pool)", "from a import load as l"] {
            assert!(mentioned(text, "load", Taker::Function), "{text}");
        }
        for text in [
            "def load(pool):",
            "from a import load",
            "reload(x)",
            "loads(x)",
            "é_load(x)",
            "# load it",
        ] {
            assert!(!mentioned(text, "load", Taker::Function), "{text}");
        }
    }

    #[test]
    fn a_class_is_used_wherever_it_is_named() {
        assert!(mentioned("register(Store)", "Store", Taker::Class));
        assert!(!mentioned("StoreFront()", "Store", Taker::Class));
    }
}
