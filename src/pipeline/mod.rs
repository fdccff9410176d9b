//! Orders the stages: the only place that does. Two passes: the first gathers what the project knows, the second works file by file.

mod annotate;
mod cascade;
mod first_pass;
mod judge;
mod lane;
mod lesson;
mod mark;
mod removal;
mod selection;
mod settings;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;
use rayon::prelude::*;

use crate::config::{self, Config, ContextKind};
use crate::facts::schema;
use crate::finding::{ContextRef, Finding, Inventory, Patch, RlsTable, Unparsed, Verdict};
use crate::language;
use crate::learn;
use crate::progress::Progress;
use crate::project::{FileId, ParsedFile, Project, Room};
use crate::recipe::Library;
use crate::rewrite::compose::{self, Composed};
use crate::source::SourceFile;
use crate::source::walk::{self, Tree, WalkError, WalkOptions};
use crate::sql::schema::Schema;

pub use annotate::Change as MarkChange;
pub(crate) use lane::{Judged, Lane};
pub use lesson::{Lesson, learn_only};
pub use selection::{Selection, names_recipe};

use lane::{Known, Run};
use selection::lies_in;

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
    /// The files of git's rules that could not be read, a line each.
    pub unread_rules: Vec<String>,
    project: Project,
    lanes: Vec<Lane>,
    known: Known,
    tests: GlobSet,
    schema: Schema,
}

impl Survey {
    fn run(&self) -> Run<'_> {
        Run {
            lanes: &self.lanes,
            project: &self.project,
            known: &self.known,
            tests: &self.tests,
            schema: &self.schema,
        }
    }

    /// The text of a file that was parsed.
    pub fn source(&self, path: &str) -> Option<&str> {
        let id = self.project.by_path(path)?;
        Some(self.project.file(id).text())
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
        cascade::keep_whole(&mut by_file);
        let files: Vec<(FileId, Vec<&Finding>)> = by_file
            .into_iter()
            .filter_map(|(path, findings)| Some((self.project.by_path(path)?, findings)))
            .collect();
        let worlds = self.run().worlds();
        let composed: Vec<Composed> = files
            .par_iter()
            .map(|(id, findings)| {
                let path = self.project.file(*id).source.path();
                let all = self.inventory.findings.iter();
                let kept = compose::kept(all.filter(|finding| finding.site.file == path));
                compose::compose(&worlds, *id, findings, &kept, selection.unsafe_too)
            })
            .collect();
        // A selection of edits has not been tried before: all of them together were.
        composed
            .into_par_iter()
            .map(|composed| composed.patch)
            .filter(|patch| patch.before != patch.after && self.parses(&patch.path, &patch.after))
            .collect()
    }

    /// Whether `after`, in the place of the file at `path`, has no error that the file does not have.
    pub fn parses(&self, path: &str, after: &str) -> bool {
        self.project.by_path(path).is_some_and(|id| {
            let before = self.project.file(id);
            verify::reparsed(after, before).is_some()
        })
    }
}

impl Survey {
    /// The patches with a comment above each selected site that is left to a person, and without those whose site is gone; and how many
    /// comments come and go.
    pub fn annotated(
        &self,
        patches: Vec<Patch>,
        selection: &Selection,
    ) -> (Vec<Patch>, MarkChange) {
        annotate::annotate(self.run(), patches, selection)
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
    let lanes = lanes(&request.library, &config)?;
    let mut survey = gather(config, lanes, &tree.files, progress);
    survey.learnt = learnt;
    survey.unread_rules = unread_rules(&tree);
    if request.config.is_some() {
        let read = tree.files.iter().map(SourceFile::path);
        let skipped = tree.skipped.iter().map(|skipped| skipped.path.as_str());
        let paths: Vec<&str> = read.chain(skipped).collect();
        survey.missing = settings::missing(&survey.config, &survey.project, &paths);
        survey.missing.extend(survey.known.warnings().cloned());
    }
    let roots = relative_roots(request);
    let wanted = |path: &str| roots.iter().any(|root| lies_in(path, root));
    for file in tree.files.iter().filter(|file| wanted(file.path())) {
        let Some(language) = language::for_path(file.path()) else {
            continue;
        };
        if survey.run().looks_at(language) {
            survey.inventory.files += 1;
        } else {
            let count = survey.inventory.uncovered.entry(language.name());
            *count.or_default() += 1;
        }
    }
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
    walk::walk(&options, is_read)
}

/// What is to be said about rules that could not be read: the run goes on without them.
fn unread_rules(tree: &Tree) -> Vec<String> {
    let line = |unread: &walk::Skipped| {
        let walk::Skipped { path, reason } = unread;
        format!("{path}: {reason}; nothing is left out by its rules")
    };
    tree.unread_rules.iter().map(line).collect()
}

/// Whether files of this name are read: code, and SQL that may define the schema.
pub fn is_read(path: &Path) -> bool {
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
    let migrations = library.migrations.values();
    let candidates: Vec<learn::Candidate<'_>> = migrations
        .map(|migration| (migration.id.as_str(), &migration.driver))
        .collect();
    let learnt = learn::learn(files, &candidates);
    let lines = learnt.notes.iter().map(ToString::to_string).collect();
    (learnt.config, lines)
}

/// The migrations that the settings name, in their order.
fn lanes(library: &Library, config: &Config) -> Result<Vec<Lane>, PipelineError> {
    let migration = |name: &String| {
        let unknown = || PipelineError::Migration {
            name: name.clone(),
            known: library
                .migrations
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        };
        library.migrations.get(name).ok_or_else(unknown)
    };
    let migrations: Vec<_> = config
        .migrations
        .iter()
        .map(migration)
        .collect::<Result<_, _>>()?;
    Lane::all(&migrations, library, config)
}

/// Both passes over `files`, by these settings.
pub(crate) fn gather(
    config: Config,
    lanes: Vec<Lane>,
    files: &[SourceFile],
    progress: &dyn Progress,
) -> Survey {
    let schema = schema::schema(&config, files);
    let first = first_pass::run(&lanes, files, progress);
    let known = Known::of(&lanes, &first.project);
    let tests = test_globs(&config);
    let mut survey = Survey {
        unread_rules: Vec::new(),
        inventory: Inventory {
            parsed: first.project.files().count(),
            unparsed: first.unparsed,
            lacks_standard: lanes.iter().all(|lane| !lane.config.standard.is_known()),
            ..Inventory::default()
        },
        config,
        learnt: Vec::new(),
        missing: Vec::new(),
        project: first.project,
        lanes,
        known,
        tests,
        schema,
    };
    let ids: Vec<FileId> = survey.project.files().map(|(id, _)| id).collect();
    progress.start("judging", ids.len());
    let judged = verify::judge(survey.run(), &ids, progress);
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
    let recipes = survey.lanes.iter().flat_map(|lane| &lane.recipes);
    inventory.titles = recipes
        .map(|recipe| (recipe.id.clone(), recipe.title.clone()))
        .collect();
    inventory.rls_tables = rls_tables(&survey.schema, &survey.config);
    survey
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

/// A text as a parsed file whose tree is held in `room`, if it has a usable one.
pub(crate) fn parse_file(
    source: &SourceFile,
    room: &Arc<Room>,
) -> Result<Option<ParsedFile>, Unparsed> {
    let Some(language) = language::for_path(source.path()) else {
        return Ok(None);
    };
    match language::parse(language, source.text()) {
        Ok(parsed) => {
            let file = ParsedFile::held_in(room, source.clone(), parsed, language);
            Ok(Some(file))
        }
        Err(problem) => Err(Unparsed {
            file: source.path().to_owned(),
            reason: problem.to_string(),
        }),
    }
}

/// Parsed files shared between the projects of a run.
pub(crate) type Files = Vec<Arc<ParsedFile>>;
