//! Which files are parsed: only those with a word that something is learnt from.

use std::collections::BTreeSet;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use rayon::prelude::*;

use crate::language;
use crate::learn::Input;
use crate::project::{ParsedFile, Project};
use crate::source::SourceFile;

/// Words that tell of scopes and users, whatever the driver.
const WORDS: &[&str] = &["asynccontextmanager", "Depends(", "shared_task", "alembic"];

/// Parsed files, and what their names mean.
pub(super) struct Reading {
    files: Vec<Arc<ParsedFile>>,
    /// The project of these files alone.
    pub(super) project: Project,
}

/// The files that the standard can be defined in.
pub(super) fn first(input: &Input<'_>) -> Reading {
    let driver = input.driver;
    let words = driver
        .modules
        .iter()
        .chain(&driver.create_pool)
        .chain(&driver.acquire)
        .map(String::as_str)
        .chain(WORDS.iter().copied());
    read(input, Vec::new(), words)
}

/// The files of `first` and those that mention one of `names`.
pub(super) fn second(input: &Input<'_>, first: Reading, names: &BTreeSet<String>) -> Reading {
    if names.is_empty() {
        return first;
    }
    read(input, first.files, names.iter().map(String::as_str))
}

fn read<'w>(
    input: &Input<'_>,
    mut files: Vec<Arc<ParsedFile>>,
    words: impl Iterator<Item = &'w str>,
) -> Reading {
    let known: BTreeSet<Arc<str>> = files.iter().map(|file| file.source.path_arc()).collect();
    // Plain words always compile into an automaton.
    if let Ok(words) = AhoCorasick::new(words) {
        let wanted =
            |file: &&SourceFile| !known.contains(file.path()) && words.is_match(file.text());
        let more = input.files.par_iter().filter(wanted).filter_map(parse);
        files.extend(more.map(Arc::new).collect::<Vec<_>>());
    }
    files.sort_by(|left, right| left.source.path().cmp(right.source.path()));
    let paths = input.files.iter().map(SourceFile::path);
    let project = Project::new(files.clone(), paths);
    Reading { files, project }
}

/// A file that does not parse at all teaches nothing.
fn parse(source: &SourceFile) -> Option<ParsedFile> {
    let language = language::for_path(source.path())?;
    let parsed = language::parse(language, source.text()).ok()?;
    Some(ParsedFile::new(source.clone(), parsed, language))
}
