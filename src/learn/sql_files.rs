//! Where the SQL schema is: the folders whose scripts define tables and policies, and the order in which they are read.

use std::collections::BTreeSet;

use crate::config::glob_of;
use crate::facts::schema;
use crate::learn::contexts::is_test;
use crate::learn::{Learnt, Note};
use crate::source::SourceFile;
use crate::sql::schema::{Schema, Undone};

/// Parts of names of scripts that take a migration back.
const BACKWARDS: &[&str] = &["down", "rollback", "revert", "undo", "drop"];

/// Folders whose scripts only show something.
const ASIDE: &[&str] = &["docs", "doc", "examples", "example", "samples"];

/// Learns `schema.files`.
pub(super) fn learn(files: &[SourceFile], learnt: &mut Learnt) {
    let defining: Vec<&SourceFile> = files.iter().filter(|file| defines(file)).collect();
    let in_use: Vec<&SourceFile> = defining
        .iter()
        .copied()
        .filter(|file| !is_test(file.path()) && !is_aside(file.path()))
        .collect();
    let chosen = if in_use.is_empty() { defining } else { in_use };
    let sources = in_safe_order(sources(files, &chosen), learnt);
    for source in sources {
        for glob in source.globs.iter().cloned() {
            let first = source.files.first().map_or("", |file| file.path());
            let place = match source.files.len() {
                many if many > 1 && source.globs.len() == 1 => {
                    format!("{first} and {} more", many - 1)
                }
                _ if source.globs.len() > 1 => glob.clone(),
                _ => first.to_owned(),
            };
            learnt
                .notes
                .push(Note::found("schema.files", glob.as_str(), place));
            learnt.config.schema.files.push(glob);
        }
    }
    if learnt.config.schema.files.is_empty() {
        let why = "no *.sql file and no migration creates a table or a policy";
        learnt
            .notes
            .push(Note::guessed("schema.files", "none", why));
    }
}

/// Whether a file defines tables or their row-level security.
fn defines(file: &SourceFile) -> bool {
    let path = file.path();
    if goes_backwards(path) {
        return false;
    }
    let text = file.text();
    if split(path).1 == "sql" {
        return has_definition(text);
    }
    // Code counts where it is a migration.
    text.contains("def upgrade(") && text.contains("execute(") && has_definition(text)
}

fn has_definition(text: &str) -> bool {
    const MODIFIERS: &[&str] = &[
        "global",
        "local",
        "temp",
        "temporary",
        "unlogged",
        "foreign",
        "or",
        "replace",
    ];
    let is = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted);
    let mut words = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .peekable();
    while let Some(word) = words.next() {
        if is(word, "create") {
            let modifies = |word: &&str| MODIFIERS.iter().any(|other| is(word, other));
            while words.next_if(modifies).is_some() {}
            if words
                .next_if(|next| is(next, "table") || is(next, "policy"))
                .is_some()
            {
                return true;
            }
        } else if is(word, "row")
            && words.next_if(|next| is(next, "level")).is_some()
            && words.next_if(|next| is(next, "security")).is_some()
        {
            return true;
        }
    }
    false
}

fn goes_backwards(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let last = stem.rsplit(['.', '_', '-']).next().unwrap_or(stem);
    BACKWARDS.contains(&last.to_ascii_lowercase().as_str())
        || folder
            .rsplit('/')
            .next()
            .is_some_and(|folder| BACKWARDS.contains(&folder))
}

fn is_aside(path: &str) -> bool {
    path.split('/').any(|part| ASIDE.contains(&part))
}

/// The scripts of one folder.
struct Source<'f> {
    globs: Vec<String>,
    files: Vec<&'f SourceFile>,
}

impl Source<'_> {
    fn fold(&self, schema: &mut Schema) {
        for file in &self.files {
            schema::fold(schema, file);
        }
    }

    fn holds(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path() == path)
    }
}

/// The folders of the chosen files, each with globs that match its scripts and nothing that must be left out.
fn sources<'f>(all: &'f [SourceFile], chosen: &[&SourceFile]) -> Vec<Source<'f>> {
    let folders: BTreeSet<(&str, &str)> = chosen.iter().map(|file| split(file.path())).collect();
    let mut sources: Vec<Source<'f>> = folders
        .into_iter()
        .map(|folder| source(folder, all))
        .collect();
    // What a schema begins with comes before what changes it.
    sources.sort_by_key(|source| {
        let later = ["migration", "versions"];
        let changes = source
            .globs
            .iter()
            .any(|glob| later.iter().any(|word| glob.contains(word)));
        (changes, source.globs.clone())
    });
    sources
}

/// The folder and the extension of a file.
fn split(path: &str) -> (&str, &str) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    (folder, extension)
}

/// The scripts of one folder: all that run forward, since one that defines nothing may still change what others define; of code only the
/// files that define something.
fn source<'f>(folder: (&str, &str), all: &'f [SourceFile]) -> Source<'f> {
    let here = || all.iter().filter(|file| split(file.path()) == folder);
    let counts =
        |file: &&SourceFile| !goes_backwards(file.path()) && (folder.1 == "sql" || defines(file));
    let mut files: Vec<&SourceFile> = here().filter(counts).collect();
    files.sort_unstable_by_key(|file| file.path());
    let prefix = match folder.0 {
        "" => String::new(),
        folder => format!("{}/", glob_of(folder)),
    };
    let fits_all = |suffix: &str| {
        let fits = |file: &SourceFile| file.path().ends_with(suffix);
        files.iter().all(|file| fits(file)) && here().all(|file| !fits(file) || counts(&file))
    };
    let suffixes = [format!(".{}", folder.1), format!(".up.{}", folder.1)];
    let globs = match suffixes.iter().find(|suffix| fits_all(suffix)) {
        Some(suffix) => vec![format!("{prefix}*{suffix}")],
        None => files.iter().map(|file| glob_of(file.path())).collect(),
    };
    Source { globs, files }
}

/// Puts first what would otherwise take row-level security away again that another folder gives: which of two folders runs first is not
/// to be seen, and to hold data for a user's that is not is the safe mistake.
fn in_safe_order<'f>(mut sources: Vec<Source<'f>>, learnt: &mut Learnt) -> Vec<Source<'f>> {
    let mut moved = BTreeSet::new();
    // Each round moves one folder, and none twice.
    while let Some(step) = unsafe_step(&sources, &moved) {
        let source = sources.remove(step.from);
        let text = format!(
            "{} is read before {}",
            source.globs.join(", "),
            sources[step.to].globs.join(", ")
        );
        moved.insert(source.globs.clone());
        sources.insert(step.to, source);
        learnt
            .notes
            .push(Note::guessed("schema.files", text, step.why));
    }
    sources
}

/// A folder to be moved before another one.
struct Step {
    from: usize,
    to: usize,
    why: String,
}

/// The first folder that takes security away from tables to which earlier ones gave it, and the first of those.
fn unsafe_step(sources: &[Source<'_>], moved: &BTreeSet<Vec<String>>) -> Option<Step> {
    let mut schema = Schema::default();
    for source in sources {
        source.fold(&mut schema);
    }
    let index = |path: &str| sources.iter().position(|source| source.holds(path));
    let taken: Vec<(usize, usize, &Undone)> = schema
        .undone()
        .filter_map(|undone| {
            let from = index(&undone.at.file)?;
            let to = index(&undone.table.security.as_ref()?.file)?;
            (to < from && !moved.contains(&sources[from].globs)).then_some((from, to, undone))
        })
        .collect();
    let from = taken.iter().map(|(from, ..)| *from).min()?;
    let own = || taken.iter().filter(|(other, ..)| *other == from);
    let to = own().map(|(_, to, _)| *to).min()?;
    let tables: BTreeSet<String> = own()
        .map(|(.., undone)| undone.table.name.to_string())
        .collect();
    let tables: Vec<String> = tables.into_iter().collect();
    let place = own()
        .next()
        .map_or_else(String::new, |(.., undone)| undone.at.to_string());
    let why = format!(
        "in the other order {place} would take row-level security from {} again, and nothing shows which of them runs first",
        tables.join(", ")
    );
    Some(Step { from, to, why })
}
