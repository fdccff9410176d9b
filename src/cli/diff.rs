//! `diff`: what `apply` with the same options would write, and what is left for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::cli::Outcome;
use crate::cli::args::Diff;
use crate::cli::narrow::{self, Account};
use crate::cli::run::{Selection, Survey};
use crate::cli::session::Session;
use crate::cli::terminal::{Terminal, print};
use crate::finding::{Finding, Inventory, Patch};
use crate::report::escape::visible_lines;
use crate::report::stat::{DEFAULT_WIDTH, FileChange, stat};
use crate::report::totals::plural;
use crate::report::{diff, hunks, summary};

pub(super) fn run(args: &Diff, session: &Session) -> Result<Outcome> {
    let surveyed = session.survey(&args.paths.paths)?;
    let survey = &surveyed.survey;
    let selection = narrow::selection(&args.narrowing, &surveyed)?;
    let terminal = session.terminal;
    let is_something = if args.review {
        review(survey, &selection, terminal)?
    } else if let Some(folder) = &args.out_dir {
        write_phases(survey, &selection, &session.full(folder), terminal)?
    } else {
        show(survey, &selection, args.stat, terminal)?
    };
    Ok(if args.exit_code && is_something {
        Outcome::No
    } else {
        Outcome::Done
    })
}

/// Prints what would change; says whether anything would.
fn show(survey: &Survey, selection: &Selection, as_stat: bool, terminal: Terminal) -> Result<bool> {
    let patches = survey.patches(selection);
    let text = if as_stat {
        let changes: Vec<FileChange<'_>> = patches.iter().map(change).collect();
        stat(&changes, terminal.results.width.unwrap_or(DEFAULT_WIDTH))
    } else {
        let findings = hunks::by_id(&survey.inventory);
        let diffs = patches.iter().map(|patch| hunks::unified(patch, &findings));
        shown(&diffs.collect::<String>(), terminal)
    };
    print(&text)?;
    let account = Account::of(&survey.inventory, selection, &patches);
    terminal.remark(&account.words(selection.unsafe_too, "would change"));
    Ok(!patches.is_empty())
}

fn change(patch: &Patch) -> FileChange<'_> {
    FileChange {
        path: &patch.path,
        before: &patch.before,
        after: &patch.after,
    }
}

/// A diff for whoever reads it: a terminal gets nothing that steers it, a file or a pipe every byte.
fn shown(diff: &str, terminal: Terminal) -> String {
    let view = terminal.results;
    if view.colour {
        diff::coloured(diff)
    } else if view.width.is_some() {
        visible_lines(diff).into_owned()
    } else {
        diff.to_owned()
    }
}

/// Prints what is left for a person; says whether anything is.
fn review(survey: &Survey, selection: &Selection, terminal: Terminal) -> Result<bool> {
    let selected = survey
        .inventory
        .findings
        .iter()
        .filter(|finding| narrow::takes(selection, finding));
    let text = summary::open_sites(selected, terminal.results);
    print(&text)?;
    let sites = plural(text.lines().count(), "site");
    terminal.remark(&format!("{sites} left for a person"));
    Ok(!text.is_empty())
}

/// Writes one patch per context; says whether there is any.
fn write_phases(
    survey: &Survey,
    selection: &Selection,
    folder: &Path,
    terminal: Terminal,
) -> Result<bool> {
    let unwritable = |path: &Path| format!("{} cannot be written", path.display());
    let phases = phases(survey, selection);
    if !phases.is_empty() {
        fs::create_dir_all(folder).with_context(|| unwritable(folder))?;
    }
    for (name, text) in &phases {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| unwritable(&path))?;
        print(&format!("{}\n", path.display()))?;
    }
    let account = Account::of(&survey.inventory, selection, &survey.patches(selection));
    terminal.remark(&account.words(selection.unsafe_too, "would change"));
    Ok(!phases.is_empty())
}

/// The patches by context, in the order of the settings: file names and texts. Each takes the tree to where the one before it left it,
/// so that they apply one after the other even where a file has sites of several contexts.
fn phases(survey: &Survey, selection: &Selection) -> Vec<(String, String)> {
    let mut done = Selection {
        contexts: Vec::new(),
        recipes: selection.recipes.clone(),
        paths: selection.paths.clone(),
        unsafe_too: selection.unsafe_too,
    };
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut phases = Vec::new();
    for context in order(&survey.inventory, selection) {
        done.contexts.push(context.clone());
        let mut diffs = String::new();
        for patch in survey.patches(&done) {
            diffs.push_str(&step(survey, &context, &patch, texts.get(&patch.path)));
            texts.insert(patch.path, patch.after);
        }
        if !diffs.is_empty() {
            let number = phases.len() + 1;
            phases.push((format!("{number:02}-{}.patch", file_name(&context)), diffs));
        }
    }
    phases
}

/// The contexts that are selected, in the order of the settings, then those that the settings do not name.
fn order(inventory: &Inventory, selection: &Selection) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let named = inventory.contexts.iter().map(|context| &context.name);
    let others: BTreeSet<&String> = inventory
        .findings
        .iter()
        .map(|finding| &finding.facts.context.name)
        .collect();
    named
        .chain(others)
        .filter(|name| selection.contexts.is_empty() || selection.contexts.contains(name))
        .filter(|name| seen.insert(name.as_str()))
        .cloned()
        .collect()
}

/// The diff of one file from what the phases before have made of it.
fn step(survey: &Survey, context: &str, patch: &Patch, before: Option<&String>) -> String {
    let Some(before) = before else {
        return hunks::unified(patch, &hunks::by_id(&survey.inventory));
    };
    let findings = hunks::by_id(&survey.inventory);
    let mut sites: Vec<&Finding> = patch
        .edits
        .iter()
        .filter_map(|(_, id)| findings.get(id.as_deref()?).copied())
        .filter(|finding| finding.facts.context.name == context)
        .collect();
    sites.dedup_by_key(|finding| &finding.id);
    hunks::unified_after(before, patch, &sites)
}

/// A context's name as a part of a file name.
fn file_name(context: &str) -> String {
    let keep = |character: char| {
        if character.is_alphanumeric() || "-_".contains(character) {
            character
        } else {
            '-'
        }
    };
    context.chars().map(keep).collect()
}
