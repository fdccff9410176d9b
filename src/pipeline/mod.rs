//! Orders the stages: the only place that does. Two passes: the first gathers what the project knows, the second works file by file.

mod first_pass;
mod judge;
mod lesson;
mod mark;
mod removal;
mod settings;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;
use rayon::prelude::*;

use crate::config::{self, Config, ContextKind};
use crate::edit::Applicability;
use crate::facts::World;
use crate::facts::context::Contexts;
use crate::facts::memo::Memo;
use crate::facts::schema;
use crate::facts::standard::StandardModule;
use crate::finding::{
    ContextRef, Dismissed, Finding, Inventory, Patch, Remark, RlsTable, Unparsed, Verdict,
};
use crate::language;
use crate::learn;
use crate::locate::Locator;
use crate::progress::Progress;
use crate::project::{FileId, ParsedFile, Project};
use crate::recipe::{Driver, Library, Migration, Recipe};
use crate::rewrite::compose::{self, Composed};
use crate::source::SourceFile;
use crate::source::walk::{self, Tree, WalkError, WalkOptions};
use crate::sql::schema::Schema;

pub use lesson::{Lesson, learn_only};

/// What a run is asked for.
pub struct Request {
    /// The folder that all paths are relative to.
    pub base: PathBuf,
    /// The files and folders whose sites are wanted; what the project knows is gathered from the whole of `base`.
    pub roots: Vec<PathBuf>,
    /// The settings; without any they are learnt.
    pub config: Option<Config>,
    /// The recipes.
    pub library: Library,
    /// How many threads; by default as many as there are processors.
    pub threads: Option<usize>,
    /// Whether hidden files are read.
    pub hidden: bool,
    /// Whether ignore files are disregarded.
    pub no_ignore: bool,
}

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A root cannot be read.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The settings name a migration that no recipes belong to.
    #[error("connmod.yaml: migrations: there is no migration `{name}`; there are {known}")]
    Migration {
        /// The name.
        name: String,
        /// The ones that there are.
        known: String,
    },
    /// The recipes, each fine by itself, do not compile together.
    #[error("the recipes do not compile into one query: {0}")]
    Query(#[from] tree_sitter::QueryError),
    /// The threads could not be started.
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Which of the proposed edits are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those that are not proven, too.
    pub unsafe_too: bool,
    /// Recipes, by id, the start of one, or a glob; empty: all.
    pub recipes: Vec<String>,
    /// Contexts, by name; empty: all.
    pub contexts: Vec<String>,
    /// Files and folders, relative to the base; empty: all.
    pub paths: Vec<String>,
    /// The sites, by id, whose edits are wanted; `None`: all. What nothing reads any more goes with them.
    pub sites: Option<BTreeSet<String>>,
}

impl Selection {
    /// Whether a site belongs to the selection, whatever its verdict.
    pub fn takes(&self, finding: &Finding) -> bool {
        let any = |wanted: &[String], holds: &dyn Fn(&String) -> bool| {
            wanted.is_empty() || wanted.iter().any(holds)
        };
        let site = &finding.site;
        any(&self.recipes, &|pattern| {
            names_recipe(pattern, &site.recipe)
        }) && any(&self.contexts, &|name| *name == finding.facts.context.name)
            && any(&self.paths, &|path| lies_in(&site.file, path))
    }

    /// Whether edits as far proven as those of the site are wanted.
    pub fn may_edit(&self, finding: &Finding) -> bool {
        self.unsafe_too || finding.applicability() == Some(Applicability::Safe)
    }

    /// Whether the edits of a site that belongs to the selection are wanted.
    fn wants_edits(&self, finding: &Finding) -> bool {
        let is_removed = || finding.fix.as_ref().is_none_or(|fix| fix.edits.is_empty());
        let sites = self.sites.as_ref();
        sites.is_none_or(|sites| sites.contains(&finding.id) || is_removed())
    }
}

/// Whether `pattern` names a recipe: by its id, the start of it, or a glob.
pub fn names_recipe(pattern: &str, id: &str) -> bool {
    id.starts_with(pattern) || config::globs(&[pattern.to_owned()]).is_match(id)
}

fn lies_in(file: &str, path: &str) -> bool {
    file.strip_prefix(path)
        .is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

/// The outcome of a run, with all that is needed to make patches of it.
pub struct Survey {
    /// What was found.
    pub inventory: Inventory,
    /// The settings as used.
    pub config: Config,
    /// What was learnt or guessed, a line each; empty where settings were given.
    pub learnt: Vec<String>,
    /// What given settings say and the project does not bear out, a line each.
    pub missing: Vec<String>,
    project: Project,
    driver: Driver,
    standard: StandardModule,
    tests: GlobSet,
    schema: Schema,
    memo: Memo,
}

impl Survey {
    fn world(&self) -> World<'_> {
        World {
            project: &self.project,
            config: &self.config,
            driver: &self.driver,
            standard: &self.standard,
            tests: &self.tests,
            schema: &self.schema,
            memo: &self.memo,
        }
    }

    /// The new texts of the files that the selected edits change, by path.
    pub fn patches(&self, selection: &Selection) -> Vec<Patch> {
        let mut by_file: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in &self.inventory.findings {
            let wanted = finding.verdict == Verdict::Rewrite && selection.takes(finding);
            if wanted && selection.wants_edits(finding) && selection.may_edit(finding) {
                by_file.entry(&finding.site.file).or_default().push(finding);
            }
        }
        let files: Vec<(FileId, Vec<&Finding>)> = by_file
            .into_iter()
            .filter_map(|(path, findings)| Some((self.project.by_path(path)?, findings)))
            .collect();
        let composed: Vec<Composed> = files
            .par_iter()
            .map(|(id, findings)| {
                compose::compose(self.world(), *id, findings, selection.unsafe_too)
            })
            .collect();
        composed
            .into_iter()
            .map(|composed| composed.patch)
            .filter(|patch| patch.before != patch.after)
            .collect()
    }
}

/// The stack of each thread. Following a value through functions, attributes and parameters is bounded in steps, not in the size of a step;
/// a tree of a million lines needed more than the usual 2 MiB once. Untouched pages cost nothing.
const STACK: usize = 64 << 20;

/// The threads that a run works on.
fn threads(request: &Request) -> Result<rayon::ThreadPool, PipelineError> {
    let builder = rayon::ThreadPoolBuilder::new()
        .num_threads(request.threads.unwrap_or(0))
        .stack_size(STACK);
    Ok(builder.build()?)
}

/// Surveys the project.
///
/// # Errors
/// When a root cannot be read, or the settings ask for what there is not. What is wrong with single files is part of the inventory.
pub fn survey(request: &Request, progress: &dyn Progress) -> Result<Survey, PipelineError> {
    threads(request)?.install(|| survey_here(request, progress))
}

fn survey_here(request: &Request, progress: &dyn Progress) -> Result<Survey, PipelineError> {
    let tree = read(request, progress)?;
    progress.start("learning", 0);
    let (config, learnt) = match &request.config {
        Some(config) => (config.clone(), Vec::new()),
        None => learnt(&request.library, &tree.files),
    };
    let (migration, recipes) = active(&request.library, &config)?;
    let mut survey = gather(config, migration, &recipes, &tree.files, progress)?;
    survey.learnt = learnt;
    if request.config.is_some() {
        let read = tree.files.iter().map(SourceFile::path);
        let skipped = tree.skipped.iter().map(|skipped| skipped.path.as_str());
        let paths: Vec<&str> = read.chain(skipped).collect();
        survey.missing = settings::missing(&survey.config, &survey.project, &paths);
        survey.missing.extend(survey.standard.warnings.clone());
    }
    let roots = relative_roots(request);
    let wanted = |path: &str| roots.iter().any(|root| lies_in(path, root));
    survey.inventory.files = tree
        .files
        .iter()
        .filter(|file| wanted(file.path()) && is_code(file.path()))
        .count();
    survey.inventory.parsed = survey
        .project
        .files()
        .filter(|(_, file)| wanted(file.source.path()))
        .count();
    survey
        .inventory
        .findings
        .retain(|finding| wanted(&finding.site.file));
    survey
        .inventory
        .dismissed
        .retain(|dismissed| wanted(&dismissed.file));
    survey
        .inventory
        .remarks
        .retain(|remark| wanted(&remark.file));
    survey
        .inventory
        .unparsed
        .retain(|unparsed| wanted(&unparsed.file));
    let skipped = tree.skipped.iter().filter(|skipped| wanted(&skipped.path));
    survey
        .inventory
        .unparsed
        .extend(skipped.map(|skipped| Unparsed::unread(&skipped.path, &skipped.reason)));
    survey
        .inventory
        .unparsed
        .sort_by(|a, b| (&a.file, &a.reason).cmp(&(&b.file, &b.reason)));
    survey.inventory.checklist =
        mark::checklist(&request.library, &survey.config, &survey.inventory.findings);
    progress.done();
    Ok(survey)
}

/// Reads all files below the base that can matter.
fn read(request: &Request, progress: &dyn Progress) -> Result<Tree, WalkError> {
    progress.start("reading", 0);
    let excluded = request
        .config
        .as_ref()
        .map(|config| config::globs(&config.exclude))
        .unwrap_or_default();
    let options = WalkOptions {
        hidden: request.hidden,
        no_ignore: request.no_ignore,
        excluded,
        ..WalkOptions::new(&request.base)
    };
    walk::walk(&options, is_wanted)
}

/// Files that are read: code, and SQL that may define the schema.
fn is_wanted(path: &Path) -> bool {
    let text = path.to_string_lossy();
    is_code(&text) || text.ends_with(".sql")
}

fn is_code(path: &str) -> bool {
    language::for_path(path).is_some()
}

fn relative_roots(request: &Request) -> Vec<String> {
    let base = request
        .base
        .canonicalize()
        .unwrap_or_else(|_| request.base.clone());
    let relative = |root: &PathBuf| {
        let root = base.join(root);
        let root = root.canonicalize().unwrap_or(root);
        let inside = root.strip_prefix(&base).unwrap_or(Path::new(""));
        let parts: Vec<String> = inside
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        parts.join("/")
    };
    if request.roots.is_empty() {
        vec![String::new()]
    } else {
        request.roots.iter().map(relative).collect()
    }
}

fn learnt(library: &Library, files: &[SourceFile]) -> (Config, Vec<String>) {
    let Some(migration) = library.migrations.values().next() else {
        return (Config::default(), Vec::new());
    };
    let learnt = learn::learn(&learn::Input {
        files,
        driver: &migration.driver,
    });
    let lines = learnt.notes.iter().map(ToString::to_string).collect();
    (learnt.config, lines)
}

/// The migration that the settings name, with its recipes.
fn active<'l>(
    library: &'l Library,
    config: &Config,
) -> Result<(&'l Migration, Vec<&'l Recipe>), PipelineError> {
    for name in &config.migrations {
        if !library.migrations.contains_key(name) {
            let known: Vec<&str> = library.migrations.keys().map(String::as_str).collect();
            return Err(PipelineError::Migration {
                name: name.clone(),
                known: known.join(", "),
            });
        }
    }
    let migration = config
        .migrations
        .first()
        .and_then(|name| library.migrations.get(name));
    let migration = migration.ok_or_else(|| PipelineError::Migration {
        name: String::new(),
        known: library
            .migrations
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
    })?;
    let belongs = |recipe: &&Recipe| {
        library
            .migration_of(recipe)
            .is_some_and(|own| own.id == migration.id)
    };
    Ok((migration, library.recipes.iter().filter(belongs).collect()))
}

/// Both passes over `files`, by these settings.
pub(crate) fn gather(
    config: Config,
    migration: &Migration,
    recipes: &[&Recipe],
    files: &[SourceFile],
    progress: &dyn Progress,
) -> Result<Survey, PipelineError> {
    let recipes: Vec<Recipe> = recipes.iter().map(|recipe| (*recipe).clone()).collect();
    let locator = Locator::new(&recipes, &config, &migration.driver)?;
    let schema = schema::schema(&config, files);
    let first = first_pass::run(&locator, &config, &migration.driver, files, progress);
    let standard = StandardModule::read(&first.project, &config, &migration.driver);
    let tests = test_globs(&config);
    let mut survey = Survey {
        inventory: Inventory {
            parsed: first.project.files().count(),
            unparsed: first.unparsed,
            lacks_standard: !config.standard.is_known(),
            ..Inventory::default()
        },
        config,
        learnt: Vec::new(),
        missing: Vec::new(),
        driver: migration.driver.clone(),
        project: first.project,
        standard,
        tests,
        schema,
        memo: Memo::default(),
    };
    let ids: Vec<FileId> = survey.project.files().map(|(id, _)| id).collect();
    let mut judged = second_pass(survey.world(), &locator, &recipes, &ids, progress);
    verify::verify(survey.world(), &locator, &recipes, &mut judged);
    let inventory = &mut survey.inventory;
    for file in judged {
        inventory.findings.extend(file.findings);
        inventory.dismissed.extend(file.dismissed);
        inventory.unparsed.extend(file.unparsed);
        inventory.remarks.extend(file.remarks);
    }
    inventory.findings.sort_by(|a, b| a.site.cmp(&b.site));
    if inventory.lacks_standard {
        judge::name_only_pool(&mut inventory.findings);
    }
    inventory.dismissed.sort();
    inventory.contexts = contexts(&survey.config);
    inventory.titles = recipes
        .iter()
        .map(|recipe| (recipe.id.clone(), recipe.title.clone()))
        .collect();
    inventory.rls_tables = rls_tables(&survey.schema, &survey.config);
    Ok(survey)
}

fn test_globs(config: &Config) -> GlobSet {
    let tests = config
        .contexts
        .iter()
        .filter(|context| context.kind == ContextKind::Test);
    let paths: Vec<String> = tests
        .flat_map(|context| context.paths.iter().cloned())
        .collect();
    config::globs(&paths)
}

/// What the second pass says of one file.
pub(crate) struct Judged {
    pub(crate) file: FileId,
    pub(crate) findings: Vec<Finding>,
    pub(crate) dismissed: Vec<Dismissed>,
    pub(crate) unparsed: Vec<Unparsed>,
    pub(crate) remarks: Vec<Remark>,
}

/// Judges every hit in the files, in parallel; the results are in the order of `ids`.
fn second_pass(
    world: World<'_>,
    locator: &Locator,
    recipes: &[Recipe],
    ids: &[FileId],
    progress: &dyn Progress,
) -> Vec<Judged> {
    let contexts = Contexts::new(world.config);
    progress.start("judging", ids.len());
    ids.par_iter()
        .map(|id| {
            let judged = judge::file(world, &contexts, locator, recipes, *id);
            progress.step();
            judged
        })
        .collect()
}

fn contexts(config: &Config) -> Vec<ContextRef> {
    config
        .contexts
        .iter()
        .map(|context| ContextRef {
            name: context.name.clone(),
            kind: context.kind,
        })
        .collect()
}

fn rls_tables(schema: &Schema, config: &Config) -> Vec<RlsTable> {
    let mut tables: Vec<RlsTable> = schema::register(schema, &config.schema);
    tables.sort();
    tables
}

/// A text as a parsed file, if it has a usable tree.
pub(crate) fn parse_file(source: &SourceFile) -> Result<Option<ParsedFile>, Unparsed> {
    let Some(language) = language::for_path(source.path()) else {
        return Ok(None);
    };
    match language::parse(language, source.text()) {
        Ok(parsed) => Ok(Some(ParsedFile::new(source.clone(), parsed, language))),
        Err(problem) => Err(Unparsed {
            file: source.path().to_owned(),
            reason: problem.to_string(),
        }),
    }
}

/// Parsed files shared between the projects of a run.
pub(crate) type Files = Vec<Arc<ParsedFile>>;
