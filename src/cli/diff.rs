//! `diff`: what `apply` with the same options would write, and what is left for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::apply::Root;
use crate::cli::Outcome;
use crate::cli::args::Diff;
use crate::cli::narrow::{self, Account};
use crate::cli::session::Session;
use crate::cli::terminal::{Terminal, print};
use crate::finding::{Finding, Inventory, Patch};
use crate::pipeline::{MarkChange, Selection, Survey};
use crate::report::escape::visible;
use crate::report::hunks::{self, ById};
use crate::report::stat::{DEFAULT_WIDTH, FileChange, stat};
use crate::report::totals::plural;
use crate::report::{diff, summary};

pub(super) fn run(args: &Diff, session: &Session) -> Result<Outcome> {
    let surveyed = session.survey(&args.paths.paths)?;
    let survey = &surveyed.survey;
    let selection = narrow::selection(&args.narrowing, &surveyed)?;
    let terminal = session.terminal;
    let is_something = if args.review {
        review(survey, &selection, terminal)?
    } else if let Some(folder) = &args.out_dir {
        let folder = session.destination(&surveyed.base, folder)?;
        write_phases(survey, &selection, &folder, terminal)?
    } else {
        show(survey, &selection, args, terminal)?
    };
    Ok(if args.exit_code && is_something {
        Outcome::No
    } else {
        Outcome::Done
    })
}

/// Prints what would change; says whether anything would.
fn show(survey: &Survey, selection: &Selection, args: &Diff, terminal: Terminal) -> Result<bool> {
    let mut patches = survey.patches(selection);
    let mut marks = MarkChange::default();
    if args.narrowing.annotate {
        (patches, marks) = survey.annotated(patches, selection);
    }
    let text = if args.stat {
        let changes: Vec<FileChange<'_>> = patches.iter().map(change).collect();
        stat(&changes, terminal.results.width.unwrap_or(DEFAULT_WIDTH))
    } else {
        let findings = hunks::by_id(&survey.inventory);
        let diffs = patches.iter().map(|patch| hunks::unified(patch, &findings));
        diff::shown(&diffs.collect::<String>(), terminal.results)
    };
    print(&text)?;
    say_idle(&survey.inventory, selection, terminal);
    let account = Account::of(&survey.inventory, selection, &patches);
    terminal.remark(&account.words("would change"));
    say_marks(marks, "would be", terminal);
    Ok(!patches.is_empty())
}

/// Tells how many comments of this program come and go.
pub(super) fn say_marks(marks: MarkChange, verb: &str, terminal: Terminal) {
    let MarkChange { added, removed } = marks;
    if marks != MarkChange::default() {
        let comments = plural(added, "comment");
        terminal.remark(&format!(
            "{comments} for a person {verb} added, {removed} removed"
        ));
    }
}

/// How many comments without effect are named.
const IDLE: usize = 5;

/// Warns of comments to this program that do nothing: who wrote one counts on a site that is left alone.
pub(super) fn say_idle(inventory: &Inventory, selection: &Selection, terminal: Terminal) {
    let remarks = inventory.remarks.iter();
    let remarks = remarks.filter(|remark| selection.takes_file(&remark.file));
    let count = remarks.clone().count();
    for line in summary::remark_lines(remarks.take(IDLE)).lines() {
        terminal.warning(&format!("a comment without effect: {}", line.trim()));
    }
    if count > IDLE {
        let more = plural(count - IDLE, "further comment");
        terminal.warning(&format!(
            "{more} without effect: `connmod scan` counts them"
        ));
    }
}

fn change(patch: &Patch) -> FileChange<'_> {
    FileChange {
        path: &patch.path,
        before: &patch.before,
        after: &patch.after,
    }
}

/// Prints what is left for a person; says whether anything is.
fn review(survey: &Survey, selection: &Selection, terminal: Terminal) -> Result<bool> {
    let inventory = &survey.inventory;
    let findings = inventory.findings.iter();
    let selected = findings.filter(|finding| selection.takes(finding));
    let sites = summary::open_sites(selected, terminal.results);
    // A comment that does nothing belongs to no recipe and to no phase.
    let is_all = selection.recipes.is_empty() && selection.contexts.is_empty();
    let remarks = inventory.remarks.iter().filter(|_| is_all);
    let remarks = summary::remark_lines(remarks);
    print(&format!("{sites}{remarks}"))?;
    let mut words = vec![plural(sites.lines().count(), "site")];
    if !remarks.is_empty() {
        let comments = plural(remarks.lines().count(), "comment");
        words.push(format!("{comments} without effect"));
    }
    terminal.remark(&format!("{} left for a person", words.join(" and ")));
    Ok(!sites.is_empty() || !remarks.is_empty())
}

/// Writes one patch per context; says whether there is any.
fn write_phases(
    survey: &Survey,
    selection: &Selection,
    folder: &Path,
    terminal: Terminal,
) -> Result<bool> {
    let unwritable = |path: &Path| format!("{} cannot be written", path.display());
    let phases = phases(&survey.inventory, selection, &|selection| {
        survey.patches(selection)
    });
    refuse_patches(folder)?;
    if !phases.is_empty() {
        fs::create_dir_all(folder).with_context(|| unwritable(folder))?;
    }
    for (name, text) in &phases {
        let path = folder.join(name);
        let root = Root::new(folder).with_context(|| unwritable(folder))?;
        root.create(name, text.as_bytes())?;
        print(&format!("{}\n", visible(&path.display().to_string())))?;
    }
    let account = Account::of(&survey.inventory, selection, &survey.patches(selection));
    terminal.remark(&account.words("would change"));
    Ok(!phases.is_empty())
}

/// Patches of an earlier run among those of this one would be applied with them.
fn refuse_patches(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut patches: Vec<_> = names
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|end| end == "patch")
        })
        .collect();
    patches.sort();
    if let Some(first) = patches.first() {
        bail!(
            "{} holds patches already, {} the first; remove them, or name another folder",
            folder.display(),
            first.display()
        );
    }
    Ok(())
}

/// The patches by context, in the order of the settings: file names and texts. Each takes the tree to where the one before it left it,
/// so that they apply one after the other even where a file has sites of several contexts.
fn phases(
    inventory: &Inventory,
    selection: &Selection,
    patches: &dyn Fn(&Selection) -> Vec<Patch>,
) -> Vec<(String, String)> {
    let findings = hunks::by_id(inventory);
    let mut done = Selection {
        sites: None,
        contexts: Vec::new(),
        recipes: selection.recipes.clone(),
        paths: selection.paths.clone(),
        unsafe_too: selection.unsafe_too,
    };
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut phases = Vec::new();
    for context in order(inventory, selection) {
        done.contexts.push(context.clone());
        let mut diffs = String::new();
        for patch in patches(&done) {
            diffs.push_str(&match texts.get(&patch.path) {
                None => hunks::unified(&patch, &findings),
                Some(before) => further(before, &patch, &context, &findings),
            });
            texts.insert(patch.path, patch.after);
        }
        if !diffs.is_empty() {
            let number = phases.len() + 1;
            phases.push((format!("{number:02}-{}.patch", file_name(&context)), diffs));
        }
    }
    phases
}

/// The diff of a file from what the phases before have made of it.
fn further(before: &str, patch: &Patch, context: &str, findings: &ById<'_>) -> String {
    let ids: BTreeSet<&str> = patch
        .edits
        .iter()
        .filter_map(|(_, id)| id.as_deref())
        .collect();
    let sites: Vec<&Finding> = ids
        .into_iter()
        .filter_map(|id| findings.get(id).copied())
        .filter(|finding| finding.facts.context.name == context)
        .collect();
    hunks::unified_after(before, patch, &sites)
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::config::ContextKind;
    use crate::edit::{Edit, splice};
    use crate::finding::{ContextRef, Verdict};
    use crate::recipe::Pattern;
    use crate::report::sample;
    use crate::source::Span;

    const BEFORE: &str = "import a\n\none\ntwo\nthree\n";

    fn context(name: &str) -> ContextRef {
        ContextRef {
            name: name.to_owned(),
            kind: ContextKind::User,
        }
    }

    /// One file with a site in each of two contexts.
    fn inventory() -> Inventory {
        let site = |line, name| {
            sample::finding(
                "app/x.py",
                line,
                Pattern::PoolAcquire,
                context(name),
                Verdict::Rewrite,
            )
        };
        Inventory {
            findings: vec![site(3, "routes"), site(4, "jobs and more")],
            contexts: vec![context("routes"), context("jobs and more")],
            ..Inventory::default()
        }
    }

    /// Puts each selected site in capitals, and an import above.
    fn patches(inventory: &Inventory, selection: &Selection) -> Vec<Patch> {
        let selected = inventory
            .findings
            .iter()
            .filter(|finding| selection.takes(finding));
        let mut edits = vec![(Edit::insert(9, "import b\n"), None)];
        for finding in selected {
            let start = if finding.site.line == 3 { 10 } else { 14 };
            let span = Span::new(start, start + 3);
            let text = span.text(BEFORE).to_uppercase();
            edits.push((Edit::replace(span, text), Some(finding.id.clone())));
        }
        let plain: Vec<Edit> = edits.iter().map(|(edit, _)| edit.clone()).collect();
        vec![Patch {
            path: "app/x.py".into(),
            before: BEFORE.into(),
            after: splice(BEFORE, &plain).expect("the edits are disjoint"),
            sites: edits.iter().filter_map(|(_, id)| id.clone()).collect(),
            edits,
        }]
    }

    #[test]
    fn patches_of_phases_apply_one_after_the_other() {
        let inventory = inventory();
        let phases = phases(&inventory, &Selection::default(), &|selection| {
            patches(&inventory, selection)
        });
        let names: Vec<&str> = phases.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["01-routes.patch", "02-jobs-and-more.patch"]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("app/x.py");
        fs::create_dir(folder.path().join("app")).expect("a new folder");
        fs::write(&file, BEFORE).expect("a new file");
        for (name, text) in &phases {
            fs::write(folder.path().join(name), text).expect("a new patch");
            let status = Command::new("git")
                .args(["apply", name])
                .current_dir(folder.path())
                .status()
                .expect("git runs");
            assert!(status.success(), "{name}:\n{text}");
        }
        let after = fs::read_to_string(&file).expect("the file is there");
        assert_eq!(after, "import a\nimport b\n\nONE\nTWO\nthree\n");
    }

    #[test]
    fn patches_of_an_earlier_run_are_not_mixed_with_new_ones() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        refuse_patches(&folder.path().join("new")).expect("there is nothing");
        fs::write(folder.path().join("notes.md"), "").expect("a new file");
        refuse_patches(folder.path()).expect("there is no patch");
        fs::write(folder.path().join("01-a.patch"), "").expect("a new file");
        let error = refuse_patches(folder.path()).expect_err("there is a patch");
        assert!(error.to_string().contains("01-a.patch"), "{error}");
    }

    #[test]
    fn only_selected_phases_are_written() {
        let inventory = inventory();
        let selection = Selection {
            contexts: vec!["jobs and more".into()],
            ..Selection::default()
        };
        let phases = phases(&inventory, &selection, &|selection| {
            patches(&inventory, selection)
        });
        assert_eq!(phases.len(), 1);
        assert!(phases[0].1.contains("+TWO"), "{}", phases[0].1);
        assert!(!phases[0].1.contains("+ONE"), "{}", phases[0].1);
    }
}
