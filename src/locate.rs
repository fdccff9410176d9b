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
use crate::recipe::{Driver, Recipe, Role};
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

/// Why a file could not be searched to the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// The queries took too many steps.
    #[error("the recipes' queries took too many steps in this file and were stopped")]
    TooManySteps,
}

/// How often a query may report progress before it is stopped; the library reports every hundred steps or so. A file of 16 MiB needs
/// some 10⁵; a query that is exponential in the depth of the tree passes any bound.
const PROGRESS_LIMIT: usize = 5_000_000;

/// How many matches may be in progress at once, so that memory stays bounded.
const MATCH_LIMIT: u32 = 65_536;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Locate,
    Shape,
}

struct Combined {
    language: &'static dyn Language,
    query: Query,
    /// For each pattern of the query: its recipe and section.
    owners: Vec<(usize, Section)>,
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
            combined.push(combine(*language, &own)?);
            filters.push((language.name(), filter(&own, config, driver)));
        }
        Ok(Self { combined, filters })
    }

    /// Whether some recipe can match in `text`.
    pub fn may_match(&self, language: &dyn Language, text: &str) -> bool {
        self.filters.iter().any(|(name, filter)| {
            *name == language.name() && filter.as_ref().is_none_or(|filter| filter.is_match(text))
        })
    }

    /// All hits in `file`, by position, then recipe.
    ///
    /// # Errors
    /// When the queries do not come to an end within bounds.
    pub fn hits(&self, file: &ParsedFile) -> Result<Vec<Hit>, LocateError> {
        let mut located: BTreeMap<(Span, usize), Captures> = BTreeMap::new();
        let mut shaped: BTreeMap<(Span, usize), Captures> = BTreeMap::new();
        for combined in self
            .combined
            .iter()
            .filter(|c| c.language.name() == file.language.name())
        {
            run(combined, file, |recipe, section, site, captures| {
                let into = match section {
                    Section::Locate => &mut located,
                    Section::Shape => &mut shaped,
                };
                // The first match of several for one site is the one whose patterns come first in the recipe.
                into.entry((site, recipe)).or_insert(captures);
            })?;
        }
        let hits = located.into_iter().map(|((site, recipe), captures)| Hit {
            shape: shaped.remove(&(site, recipe)),
            recipe,
            site,
            captures,
        });
        Ok(hits.collect())
    }
}

fn combine(
    language: &'static dyn Language,
    recipes: &[(usize, &Recipe)],
) -> Result<Combined, tree_sitter::QueryError> {
    let mut source = String::new();
    let mut parts: Vec<(usize, (usize, Section))> = Vec::new();
    for (index, recipe) in recipes {
        parts.push((source.len(), (*index, Section::Locate)));
        source.push_str(&recipe.locate);
        source.push('\n');
        if let Some(shape) = &recipe.shape {
            parts.push((source.len(), (*index, Section::Shape)));
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
        query,
        owners,
    })
}

fn run(
    combined: &Combined,
    file: &ParsedFile,
    mut found: impl FnMut(usize, Section, Span, Captures),
) -> Result<(), LocateError> {
    let mut cursor = QueryCursor::new();
    cursor.set_match_limit(MATCH_LIMIT);
    let mut calls = 0usize;
    let mut stopped = false;
    {
        let mut progress = |_: &tree_sitter::QueryCursorState| {
            calls += 1;
            if calls > PROGRESS_LIMIT {
                stopped = true;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let options = QueryCursorOptions::new().progress_callback(&mut progress);
        let names = combined.query.capture_names();
        let root = file.tree().root_node();
        let mut matches =
            cursor.matches_with_options(&combined.query, root, file.text().as_bytes(), options);
        while let Some(matched) = matches.next() {
            let (recipe, section) = combined.owners[matched.pattern_index];
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
                found(recipe, section, site, captures);
            }
        }
    }
    if stopped || cursor.did_exceed_match_limit() {
        return Err(LocateError::TooManySteps);
    }
    Ok(())
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

fn names_of(role: Role, config: &Config, driver: &Driver) -> Vec<String> {
    let standard = &config.standard;
    let one = |name: &Option<String>| name.iter().cloned().collect();
    match role {
        Role::Helper => standard.helpers.values().cloned().collect(),
        Role::Scope => one(&standard.scope),
        Role::Rls => one(&standard.rls),
        Role::PoolGetter => one(&standard.pool),
        Role::CreatePool => driver
            .create_pool
            .iter()
            .chain(&driver.pool_types)
            .cloned()
            .collect(),
        Role::Connect => driver.modules.clone(),
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
