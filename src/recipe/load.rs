//! From the text of a recipe to a checked [`Recipe`].
//!
//! Whatever is refused here can be relied on elsewhere: names resolve, queries compile, rows are reached.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::Spanned;

use super::examples;
use super::file::{RecipeFile, RecipeStage, RewriteFile};
use super::model::{Migration, Recipe, Rewrite, RewriteKind, Role};
use super::query::{self, CheckedQuery, QueryFault};
use super::rows::{self, CheckedRow};
use super::scalar::Scalar;
use super::template;
use crate::config::Stage;
use crate::fault::{Fault, FileFault as RecipeError, read_yaml, span_of};
use crate::language;
use crate::source::Span;

/// Reads and checks one recipe. `origin` is its path, whose last part has to be the last part of its id.
///
/// # Errors
/// When it cannot be used; the error says where and why.
pub fn load(origin: &str, text: &str, migration: &Migration) -> Result<Recipe, RecipeError> {
    check_recipe(origin, text, migration).map_err(|fault| fault.in_file(origin, text))
}

/// Reads and checks a `migration.yaml`.
///
/// # Errors
/// When it cannot be used; the error says where and why.
pub fn load_migration(origin: &str, text: &str) -> Result<Migration, RecipeError> {
    check_migration(origin, text).map_err(|fault| fault.in_file(origin, text))
}

/// The migration that a recipe's id begins with, read without checking the rest.
pub(super) fn migration_of(origin: &str, text: &str) -> Result<(String, Fault), RecipeError> {
    let bind = |fault: Fault| fault.in_file(origin, text);
    let file: RecipeFile = read_yaml(text).map_err(bind)?;
    let span = span_of(text, file.id.defined);
    let Some((migration, _)) = file.id.value.split_once('/') else {
        return Err(bind(Fault::new(span, "an id is `<migration>/<name>`")));
    };
    let unknown = Fault::new(span, format!("there is no migration `{migration}`"))
        .help("a migration is a folder of recipes with a `migration.yaml`");
    Ok((migration.to_owned(), unknown))
}

fn check_migration(origin: &str, text: &str) -> Result<Migration, Fault> {
    let migration: Migration = read_yaml(text)?;
    let folder = origin.rsplit(['/', '\\']).nth(1);
    if folder.is_some_and(|folder| folder != migration.id) {
        let problem = format!("the id `{}` is not the name of the folder", migration.id);
        return Err(Fault::new(section_span(text, "id"), problem));
    }
    migration
        .example_settings
        .validate()
        .map_err(|error| Fault::new(section_span(text, "example_settings"), error.to_string()))?;
    Ok(migration)
}

/// The key of a top-level section; the beginning of the text where it is written in an unusual way.
fn section_span(text: &str, key: &str) -> Span {
    let heading = format!("{key}:");
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(&heading) {
            return Span::new(at, at + key.len());
        }
        at += line.len();
    }
    Span::at(0)
}

fn check_recipe(origin: &str, text: &str, migration: &Migration) -> Result<Recipe, Fault> {
    let file: RecipeFile = read_yaml(text)?;
    check_order(text, &file)?;
    check_id(origin, text, &file.id, migration)?;
    for section in [&file.title, &file.why] {
        if section.value.trim().is_empty() {
            return Err(Fault::new(span_of(text, section.defined), "this is empty"));
        }
    }
    let queries = Queries::check(text, &file)?;
    let roles = check_roles(text, &file, &queries)?;
    let rewrites = check_rewrites(text, &file, &queries)?;
    let rows = rows::check(text, &file.decide)?;
    check_references(text, &file, &rows, &rewrites)?;
    let examples = examples::check(text, &file.examples, !rewrites.is_empty())?;
    Ok(Recipe {
        id: file.id.value,
        title: file.title.value,
        pattern: file.pattern.value,
        why: file.why.value,
        language: file.language.value,
        stages: file.stages.into_iter().map(stage_of).collect(),
        locate: file.locate.value,
        roles,
        shape: file.shape.map(|shape| shape.value),
        rows: rows.into_iter().map(|row| row.row).collect(),
        rewrites,
        examples,
        literals: queries.locate.literals,
        origin: origin.to_owned(),
    })
}

fn stage_of(stage: RecipeStage) -> Option<Stage> {
    match stage {
        RecipeStage::AtOnce => None,
        RecipeStage::Dual => Some(Stage::Dual),
        RecipeStage::Cutover => Some(Stage::Cutover),
        RecipeStage::Cleanup => Some(Stage::Cleanup),
    }
}

/// The sections stand in the order in which every recipe is read.
fn check_order(text: &str, file: &RecipeFile) -> Result<(), Fault> {
    let at = |location| span_of(text, location);
    let sections = [
        ("id", Some(at(file.id.defined))),
        ("title", Some(at(file.title.defined))),
        ("pattern", Some(at(file.pattern.defined))),
        ("why", Some(at(file.why.defined))),
        ("language", Some(at(file.language.defined))),
        ("locate", Some(at(file.locate.defined))),
        ("where", file.roles.as_ref().map(|roles| at(roles.defined))),
        ("shape", file.shape.as_ref().map(|shape| at(shape.defined))),
        ("decide", Some(at(file.decide.defined))),
        (
            "rewrite",
            file.rewrite.as_ref().map(|rewrite| at(rewrite.defined)),
        ),
        ("examples", Some(at(file.examples.defined))),
    ];
    let present: Vec<(&str, Span)> = sections
        .into_iter()
        .filter_map(|(name, span)| span.map(|span| (name, span)))
        .collect();
    for pair in present.windows(2) {
        let [(earlier, before), (later, after)] = [pair[0], pair[1]];
        if after.start < before.start {
            let names: Vec<&str> = present.iter().map(|(name, _)| *name).collect();
            return Err(
                Fault::new(after, format!("`{later}` stands before `{earlier}`"))
                    .help(format!("the order is {}", names.join(", "))),
            );
        }
    }
    Ok(())
}

/// The id is the migration and the file's name; in a folder `recipes/<migration>/`, that folder.
fn check_id(
    origin: &str,
    text: &str,
    id: &Spanned<String>,
    migration: &Migration,
) -> Result<(), Fault> {
    let name = origin.rsplit(['/', '\\']).next().unwrap_or(origin);
    let stem = name.strip_suffix(".yaml").unwrap_or(name);
    let expected = format!("{}/{stem}", migration.id);
    if id.value == expected {
        return Ok(());
    }
    let problem = format!("the id does not fit the file's path: `{expected}`");
    Err(Fault::new(span_of(text, id.defined), problem)
        .help("an id is `<migration>/<name of the file>`"))
}

/// The queries of a recipe, checked.
struct Queries {
    locate: CheckedQuery,
    shape: Option<CheckedQuery>,
}

impl Queries {
    fn check(text: &str, file: &RecipeFile) -> Result<Self, Fault> {
        let name = &file.language.value;
        let Some(language) = language::by_name(name) else {
            let span = span_of(text, file.language.defined);
            let known: Vec<&str> = language::all().iter().map(|known| known.name()).collect();
            return Err(Fault::new(span, format!("there is no language `{name}`"))
                .help(format!("one of {}", known.join(", "))));
        };
        let grammar = language.grammar();
        let check = |section: &Spanned<String>| {
            let scalar = Scalar::new(text, section);
            query::check(name, &grammar, scalar.value).map_err(|fault| query_fault(&scalar, fault))
        };
        Ok(Self {
            locate: check(&file.locate)?,
            shape: file.shape.as_ref().map(check).transpose()?,
        })
    }

    /// Whether a query binds the capture.
    fn bind(&self, name: &str) -> bool {
        let queries = std::iter::once(&self.locate).chain(&self.shape);
        queries
            .flat_map(|query| &query.captures)
            .any(|capture| capture == name)
    }

    /// All captures, for people.
    fn list(&self) -> String {
        let queries = std::iter::once(&self.locate).chain(&self.shape);
        let names: BTreeSet<&str> = queries
            .flat_map(|query| &query.captures)
            .map(String::as_str)
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        format!("the queries capture {}", names.join(", "))
    }
}

fn query_fault(scalar: &Scalar<'_>, fault: QueryFault) -> Fault {
    Fault {
        help: fault.help,
        ..scalar.fault(fault.span, fault.problem)
    }
}

fn check_roles(
    text: &str,
    file: &RecipeFile,
    queries: &Queries,
) -> Result<BTreeMap<String, Role>, Fault> {
    let mut roles = BTreeMap::new();
    for (name, role) in file.roles.iter().flat_map(|entries| &entries.value.0) {
        if !queries.locate.captures.contains(&name.value) {
            let problem = format!("`locate` does not capture `@{}`", name.value);
            return Err(Fault::new(span_of(text, name.defined), problem));
        }
        roles.insert(name.value.clone(), *role);
    }
    Ok(roles)
}

fn check_rewrites(
    text: &str,
    file: &RecipeFile,
    queries: &Queries,
) -> Result<BTreeMap<String, Rewrite>, Fault> {
    let mut rewrites = BTreeMap::new();
    for (name, written) in file.rewrite.iter().flat_map(|entries| &entries.value.0) {
        if rows::VERDICTS.contains(&name.value.as_str()) {
            let problem = format!("`{}` is a verdict, not the name of a rewrite", name.value);
            return Err(Fault::new(span_of(text, name.defined), problem));
        }
        let kind = rewrite_kind(text, &written.value, queries)?;
        let name = name.value.clone();
        rewrites.insert(name.clone(), Rewrite { name, kind });
    }
    Ok(rewrites)
}

fn rewrite_kind(
    text: &str,
    written: &RewriteFile,
    queries: &Queries,
) -> Result<RewriteKind, Fault> {
    let template = |with: &Spanned<String>| {
        let scalar = Scalar::new(text, with);
        if scalar.value.trim().is_empty() {
            return Err(scalar.fault_whole("an empty template"));
        }
        let parsed = template::parse(scalar.value)
            .map_err(|error| scalar.fault(error.span, error.problem))?;
        for (name, span) in &parsed.captures {
            if !queries.bind(name) {
                let problem = format!("no query captures `@{name}`");
                return Err(scalar.fault(*span, problem).help(queries.list()));
            }
        }
        Ok(parsed.template)
    };
    Ok(match written {
        RewriteFile::BlockToCalls {} => RewriteKind::BlockToCalls,
        RewriteFile::CallToHelper {} => RewriteKind::CallToHelper,
        RewriteFile::Remove {} => RewriteKind::Remove,
        RewriteFile::RemoveImport {} => RewriteKind::RemoveImport,
        RewriteFile::RemoveDefinition {} => RewriteKind::RemoveDefinition,
        RewriteFile::BothWays { acquire, release } => RewriteKind::BothWays {
            acquire: template(acquire)?,
            release: template(release)?,
        },
        RewriteFile::RegionToBlock { with } => RewriteKind::RegionToBlock {
            with: template(with)?,
        },
        RewriteFile::BlockToParameter { with, sync } => RewriteKind::BlockToParameter {
            with: template(with)?,
            sync: sync.as_ref().map(template).transpose()?,
        },
        RewriteFile::CallToBlock { with } => RewriteKind::CallToBlock {
            with: template(with)?,
        },
        RewriteFile::PairToBlock { with } => RewriteKind::PairToBlock {
            with: template(with)?,
        },
        RewriteFile::Replace { at, with } => {
            if !queries.bind(&at.value) {
                let problem = format!("no query captures `@{}`", at.value);
                return Err(Fault::new(span_of(text, at.defined), problem).help(queries.list()));
            }
            RewriteKind::Replace {
                at: at.value.clone(),
                with: template(with)?,
            }
        }
    })
}

/// Rows name rewrites that exist, and every rewrite is named.
fn check_references(
    text: &str,
    file: &RecipeFile,
    rows: &[CheckedRow],
    rewrites: &BTreeMap<String, Rewrite>,
) -> Result<(), Fault> {
    let mut named = BTreeSet::new();
    for (name, span) in rows.iter().flat_map(|row| &row.rewrites) {
        if !rewrites.contains_key(name) {
            let known: Vec<&str> = rows::VERDICTS
                .into_iter()
                .chain(rewrites.keys().map(String::as_str))
                .collect();
            return Err(Fault::new(*span, format!("there is no rewrite `{name}`"))
                .help(format!("one of {}", known.join(", "))));
        }
        named.insert(name);
    }
    for (name, _) in file.rewrite.iter().flat_map(|entries| &entries.value.0) {
        if !named.contains(&name.value) {
            let problem = format!("no row decides for the rewrite `{}`", name.value);
            return Err(Fault::new(span_of(text, name.defined), problem));
        }
    }
    Ok(())
}
