//! Runs the queries of all recipes over a file: one combined query per language, one pass per file.
//!
//! Finds; does not judge. Which files are worth parsing at all is decided here too, from the literals of the queries.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use aho_corasick::AhoCorasick;
use tree_sitter::{Query, QueryCursor, QueryCursorOptions, StreamingIterator};

use crate::config::Config;
use crate::language::{self, Language};
use crate::project::ParsedFile;
use crate::recipe::{CLAIMS, Driver, Recipe, Role};
use crate::source::Span;

/// The node spans that a match bound, by capture name.
pub type Captures = BTreeMap<String, Span>;

/// A place that the `locate` query of a recipe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The recipe, by its index in the library.
    pub recipe: usize,
    /// The node captured as `@site`.
    pub site: Span,
    /// What `locate` bound.
    pub captures: Captures,
    /// What `shape` bound, where it matched the same site.
    pub shape: Option<Captures>,
}

/// A recipe whose queries did not come to an end in a file within bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the queries of {recipe} took too many steps in this file and were stopped; its sites here are not known"
)]
pub struct Stopped {
    /// The id of the recipe.
    pub recipe: String,
}

/// What was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Located {
    /// All hits, by position, then recipe.
    pub hits: Vec<Hit>,
    /// The recipes that were stopped; no hit is theirs.
    pub stopped: Vec<Stopped>,
}

/// How often queries may report progress in any file before they are stopped. The library reports per thousand units of work; what is
/// in progress at each node counts.
const REPORTS: usize = 200;

/// One more report for as many bytes. Code that people write takes under three units a byte, this gives it ten.
const BYTES_PER_REPORT: usize = 100;

/// How many matches may be in progress at once. Code that people write keeps under 32; the time for a step grows with their square.
const MATCH_LIMIT: u32 = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Locate,
    Shape,
}

struct Combined {
    language: &'static dyn Language,
    /// What the query is made of.
    sources: Vec<Source>,
    query: Query,
    /// For each pattern of the query: its recipe and section.
    owners: Vec<(usize, Section)>,
}

/// The queries of a recipe as text.
#[derive(Clone)]
struct Source {
    recipe: usize,
    id: String,
    locate: String,
    shape: Option<String>,
}

/// The queries of a library, ready to run.
pub struct Locator {
    combined: Vec<Combined>,
    /// Per language: the literals of which a file must hold one; `None` if every file has to be parsed.
    filters: Vec<(&'static str, Option<AhoCorasick>)>,
}

impl Locator {
    /// Prepares the queries of `recipes`, which have been compiled one by one before.
    pub fn new(
        recipes: &[Recipe],
        config: &Config,
        driver: &Driver,
    ) -> Result<Self, tree_sitter::QueryError> {
        let mut combined = Vec::new();
        let mut filters = Vec::new();
        for language in language::all() {
            let own: Vec<(usize, &Recipe)> = recipes
                .iter()
                .enumerate()
                .filter(|(_, recipe)| recipe.language == language.name())
                .collect();
            if own.is_empty() {
                continue;
            }
            let sources = own.iter().map(|(index, recipe)| Source {
                recipe: *index,
                id: recipe.id.clone(),
                locate: recipe.locate.clone(),
                shape: recipe.shape.clone(),
            });
            combined.push(combine(*language, sources.collect())?);
            filters.push((language.name(), filter(&own, config, driver)));
        }
        Ok(Self { combined, filters })
    }

    /// Whether there is a recipe for the language at all.
    pub fn knows(&self, language: &dyn Language) -> bool {
        let mut languages = self.filters.iter().map(|(name, _)| *name);
        languages.any(|name| name == language.name())
    }

    /// Whether some recipe can match in `text`.
    pub fn may_match(&self, language: &dyn Language, text: &str) -> bool {
        self.filters.iter().any(|(name, filter)| {
            *name == language.name() && filter.as_ref().is_none_or(|filter| filter.is_match(text))
        })
    }

    /// All hits in `file`. Where the queries of all recipes do not come to an end within bounds, those of each are run alone, so that
    /// only the recipes at fault find nothing.
    pub fn hits(&self, file: &ParsedFile) -> Located {
        let mut found = Matches::default();
        let mut stopped = Vec::new();
        for combined in self
            .combined
            .iter()
            .filter(|c| c.language.name() == file.language.name())
        {
            if let Some(matches) = run(combined, file) {
                found.take(matches);
                continue;
            }
            for source in &combined.sources {
                let alone = combine(combined.language, vec![source.clone()]).ok();
                match alone.and_then(|alone| run(&alone, file)) {
                    Some(matches) => found.take(matches),
                    None => stopped.push(Stopped {
                        recipe: source.id.clone(),
                    }),
                }
            }
        }
        Located {
            hits: found.hits(),
            stopped,
        }
    }
}

/// What queries bound, by site and recipe.
#[derive(Default)]
struct Matches {
    located: BTreeMap<(Span, usize), Captures>,
    shaped: BTreeMap<(Span, usize), Captures>,
}

impl Matches {
    fn add(&mut self, (recipe, section): (usize, Section), site: Span, captures: Captures) {
        let into = match section {
            Section::Locate => &mut self.located,
            Section::Shape => &mut self.shaped,
        };
        // The first match of several for one site is the one whose patterns come first in the recipe.
        into.entry((site, recipe)).or_insert(captures);
    }

    fn take(&mut self, other: Self) {
        self.located.extend(other.located);
        self.shaped.extend(other.shaped);
    }

    fn hits(mut self) -> Vec<Hit> {
        let located = std::mem::take(&mut self.located);
        let hits = located.into_iter().map(|((site, recipe), captures)| Hit {
            shape: self.shaped.remove(&(site, recipe)),
            recipe,
            site,
            captures,
        });
        hits.collect()
    }
}

fn combine(
    language: &'static dyn Language,
    sources: Vec<Source>,
) -> Result<Combined, tree_sitter::QueryError> {
    let mut source = String::new();
    let mut parts: Vec<(usize, (usize, Section))> = Vec::new();
    for own in &sources {
        parts.push((source.len(), (own.recipe, Section::Locate)));
        source.push_str(&own.locate);
        source.push('\n');
        if let Some(shape) = &own.shape {
            parts.push((source.len(), (own.recipe, Section::Shape)));
            source.push_str(shape);
            source.push('\n');
        }
    }
    let query = Query::new(&language.grammar(), &source)?;
    let owners = (0..query.pattern_count())
        .map(|pattern| {
            let start = query.start_byte_for_pattern(pattern);
            let part = parts.partition_point(|(from, _)| *from <= start) - 1;
            parts[part].1
        })
        .collect();
    Ok(Combined {
        language,
        sources,
        query,
        owners,
    })
}

/// What the queries match in `file`; `None` if they were stopped.
fn run(combined: &Combined, file: &ParsedFile) -> Option<Matches> {
    let mut found = Matches::default();
    let mut cursor = QueryCursor::new();
    cursor.set_match_limit(MATCH_LIMIT);
    let limit = REPORTS + file.text().len() / BYTES_PER_REPORT;
    let mut calls = 0usize;
    let mut stopped = false;
    {
        let mut progress = |_: &tree_sitter::QueryCursorState| {
            calls += 1;
            if calls > limit {
                stopped = true;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let options = QueryCursorOptions::new().progress_callback(&mut progress);
        let names = combined.query.capture_names();
        let tree = file.tree();
        let (root, text) = (tree.root_node(), file.text().as_bytes());
        let mut matches = cursor.matches_with_options(&combined.query, root, text, options);
        while let Some(matched) = matches.next() {
            let owner = combined.owners[matched.pattern_index];
            let captures: Captures = matched
                .captures()
                .iter()
                .map(|capture| {
                    (
                        names[capture.index as usize].to_owned(),
                        Span::from(capture.node),
                    )
                })
                .collect();
            if let Some(site) = captures.get("site").copied() {
                found.add(owner, site, captures);
            }
        }
    }
    (!stopped && !cursor.did_exceed_match_limit()).then_some(found)
}

/// The literals of which a file must hold at least one; `None` if some recipe names none.
fn filter(recipes: &[(usize, &Recipe)], config: &Config, driver: &Driver) -> Option<AhoCorasick> {
    let mut words: Vec<String> = Vec::new();
    for (_, recipe) in recipes {
        words.extend(literals(recipe, config, driver)?);
    }
    words.sort();
    words.dedup();
    AhoCorasick::new(&words).ok()
}

/// The words of which a file must hold one for `recipe` to find anything in it; `None` if there is no telling.
fn literals(recipe: &Recipe, config: &Config, driver: &Driver) -> Option<Vec<String>> {
    if !recipe.literals.is_empty() {
        return Some(recipe.literals.clone());
    }
    // What a capture has to denote is imported or defined under its name somewhere in the file.
    recipe
        .roles
        .values()
        .map(|role| names_of(*role, config, driver))
        .next()
}

/// The last of the words of a name: `begin` of `rls::begin`.
fn last_word(name: &str) -> String {
    name.rsplit("::").next().unwrap_or(name).to_owned()
}

fn names_of(role: Role, config: &Config, driver: &Driver) -> Vec<String> {
    let standard = &config.standard;
    let one = |name: &Option<String>| name.iter().cloned().collect();
    match role {
        Role::Helper => standard.helpers.values().cloned().collect(),
        Role::Scope => one(&standard.scope),
        Role::Rls => standard.rls.iter().map(|name| last_word(name)).collect(),
        Role::PoolGetter => one(&standard.pool),
        Role::CreatePool => driver
            .create_pool
            .iter()
            .chain(&driver.pool_types)
            .cloned()
            .collect(),
        Role::Connect => driver.modules.clone(),
        Role::CreateEngine => driver.create_engine.clone(),
        Role::Dependency => one(&standard.dependency),
        Role::SessionFactory | Role::UnreadFactory => {
            let makers = driver.create_pool.iter();
            makers.chain(&standard.factory).cloned().collect()
        }
        Role::Service | Role::ServiceObject => one(&standard.service),
        Role::Lender => driver
            .acquire
            .iter()
            .chain(&driver.release)
            .cloned()
            .collect(),
        Role::GivenSession => driver.connection_types.clone(),
        Role::Claims => CLAIMS.iter().map(|word| (*word).to_owned()).collect(),
        Role::System => standard.system.iter().map(|name| last_word(name)).collect(),
        Role::PlainScope => {
            let names = standard.scope.iter().chain(&standard.begin);
            names.map(|name| last_word(name)).collect()
        }
        Role::Executor => driver.executors.clone(),
        Role::HandedOn => ["pool", "Pool"].map(str::to_owned).to_vec(),
        Role::KeptType | Role::PoolName => {
            let builders = driver.builders.keys();
            driver.pool_types.iter().chain(builders).cloned().collect()
        }
        Role::OtherPool | Role::OtherConnect => {
            let modules = driver.neighbours.iter().flat_map(|own| &own.modules);
            let roots = modules.map(|module| module.split('.').next().unwrap_or(module));
            roots.map(str::to_owned).collect()
        }
        Role::Pool | Role::PoolHolder => {
            let names = driver
                .create_pool
                .iter()
                .chain(&driver.acquire)
                .chain(&driver.modules);
            names
                .chain(&standard.pool)
                .cloned()
                .chain(["pool".to_owned(), "Pool".to_owned()])
                .collect()
        }
    }
}
