//! Which files are parsed: only those with a word that something is learnt from.

use std::collections::BTreeSet;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use rayon::prelude::*;

use crate::language;
use crate::learn::Input;
use crate::project::{Links, Modules, ParsedFile, Project, Room};
use crate::source::SourceFile;

/// Words that tell of scopes and users, whatever the driver.
const WORDS: &[&str] = &[
    "asynccontextmanager",
    "Depends(",
    "shared_task",
    "alembic",
    "FromRequest",
    "extract::",
    "web::",
];

/// Parsed files, and what their names mean.
pub(super) struct Reading<'i> {
    /// What may be parsed: the files that are linked by imports with one that names the driver.
    linked: Vec<&'i SourceFile>,
    modules: Modules,
    room: Arc<Room>,
    files: Vec<Arc<ParsedFile>>,
    /// The project of these files alone.
    pub(super) project: Project,
}

/// The files that the standard can be defined in.
pub(super) fn first<'i>(input: &Input<'i>) -> Reading<'i> {
    let driver = input.driver;
    let modules = Modules::new(input.files.iter().map(SourceFile::path));
    let linked = linked(input, &modules);
    let words = driver
        .modules
        .iter()
        .chain(&driver.create_pool)
        .chain(&driver.acquire)
        .chain(&driver.begin)
        .chain(&driver.pool_types)
        .map(String::as_str);
    // A migration or a job may be linked with nothing.
    let everywhere: Vec<&SourceFile> = input.files.iter().collect();
    let room: Arc<Room> = Arc::default();
    let files = mentioning(&everywhere, &room, Vec::new(), WORDS.iter().copied());
    read(linked, modules, room, files, words)
}

/// The files of `first` and those that mention one of `names`.
pub(super) fn second<'i>(first: Reading<'i>, names: &BTreeSet<String>) -> Reading<'i> {
    if names.is_empty() {
        return first;
    }
    let names = names.iter().map(String::as_str);
    let Reading {
        linked,
        modules,
        room,
        files,
        project: _,
    } = first;
    read(linked, modules, room, files, names)
}

/// The files that pools of the driver can come to.
fn linked<'i>(input: &Input<'i>, modules: &Modules) -> Vec<&'i SourceFile> {
    let code = input.files.iter();
    let code: Vec<&SourceFile> = code
        .filter(|file| language::for_path(file.path()).is_some())
        .collect();
    let texts = code.iter().map(|file| (file.path(), file.text()));
    let links = Links::new(texts, modules);
    links.reached_files(&code, |file| input.driver.is_named_in(file.text()))
}

fn read<'i, 'w>(
    linked: Vec<&'i SourceFile>,
    modules: Modules,
    room: Arc<Room>,
    files: Vec<Arc<ParsedFile>>,
    words: impl Iterator<Item = &'w str>,
) -> Reading<'i> {
    let files = mentioning(&linked, &room, files, words);
    let project = Project::with_modules(files.clone(), modules.clone());
    Reading {
        linked,
        modules,
        room,
        files,
        project,
    }
}

/// `files` and those of `sources` that hold one of `words`, by path.
fn mentioning<'w>(
    sources: &[&SourceFile],
    room: &Arc<Room>,
    mut files: Vec<Arc<ParsedFile>>,
    words: impl Iterator<Item = &'w str>,
) -> Vec<Arc<ParsedFile>> {
    let known: BTreeSet<Arc<str>> = files.iter().map(|file| file.source.path_arc()).collect();
    // Plain words always compile into an automaton.
    if let Ok(words) = AhoCorasick::new(words) {
        let wanted =
            |file: &&&SourceFile| !known.contains(file.path()) && words.is_match(file.text());
        let more = sources
            .par_iter()
            .filter(wanted)
            .filter_map(|file| parse(file, room));
        files.extend(more.map(Arc::new).collect::<Vec<_>>());
    }
    files.sort_by(|left, right| left.source.path().cmp(right.source.path()));
    files
}

/// A file that does not parse at all teaches nothing.
fn parse(source: &SourceFile, room: &Arc<Room>) -> Option<ParsedFile> {
    let language = language::for_path(source.path())?;
    let parsed = language::parse(language, source.text()).ok()?;
    let file = ParsedFile::held_in(room, source.clone(), parsed, language);
    Some(file)
}
