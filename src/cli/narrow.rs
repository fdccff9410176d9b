//! `--only`, `--phase`, `--unsafe` and paths: which edits `diff` shows and `apply` writes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::cli::args::Narrowing;
use crate::cli::session::Surveyed;
use crate::finding::{Inventory, Patch, Verdict};
use crate::pipeline::{Selection, names_recipe};
use crate::report::totals::plural;

/// The selection that the options name. Names that nothing has are mistakes, not empty selections.
pub(super) fn selection(narrowing: &Narrowing, surveyed: &Surveyed) -> Result<Selection> {
    let inventory = &surveyed.survey.inventory;
    for name in &narrowing.phase {
        let known: BTreeSet<&str> = context_names(inventory);
        if !known.contains(name.as_str()) {
            let known: Vec<&str> = known.into_iter().collect();
            bail!(
                "--phase {name}: there is no such context; there are {}",
                known.join(", ")
            );
        }
    }
    for pattern in &narrowing.only {
        let recipes = surveyed.library.recipes.iter();
        let ids: Vec<&str> = recipes.map(|recipe| recipe.id.as_str()).collect();
        if !ids.iter().any(|id| names_recipe(pattern, id)) {
            bail!(
                "--only {pattern}: there is no such recipe; there are {}",
                ids.join(", ")
            );
        }
    }
    let base = &surveyed.base;
    let paths = base.roots.iter().map(|root| base.relative(root));
    Ok(Selection {
        unsafe_too: narrowing.unsafe_too,
        recipes: narrowing.only.clone(),
        contexts: narrowing.phase.clone(),
        paths: paths.filter(|path| !path.is_empty()).collect(),
    })
}

/// Those that the settings name, and those that cover a site.
pub(super) fn context_names(inventory: &Inventory) -> BTreeSet<&str> {
    let of_sites = inventory
        .findings
        .iter()
        .map(|finding| &finding.facts.context);
    let contexts = inventory.contexts.iter().chain(of_sites);
    contexts.map(|context| context.name.as_str()).collect()
}

/// What a selection of patches leaves out, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    /// Files that change.
    pub(super) files: usize,
    /// Sites that change.
    pub(super) sites: usize,
    /// Selected sites with edits that are not in the patches.
    pub(super) left_out: usize,
    /// Selected sites that a person has to decide.
    pub(super) open: usize,
}

impl Account {
    /// Counts.
    pub(super) fn of(inventory: &Inventory, selection: &Selection, patches: &[Patch]) -> Self {
        let ids: BTreeSet<&str> = patches
            .iter()
            .flat_map(|patch| &patch.sites)
            .map(String::as_str)
            .collect();
        let selected = inventory
            .findings
            .iter()
            .filter(|finding| selection.takes(finding));
        let mut account = Self {
            files: patches.len(),
            sites: ids.len(),
            left_out: 0,
            open: 0,
        };
        for finding in selected {
            match finding.verdict {
                Verdict::Rewrite if !ids.contains(finding.id.as_str()) => account.left_out += 1,
                Verdict::Review | Verdict::Unparsed => account.open += 1,
                _ => {}
            }
        }
        account
    }

    /// What to tell the reader beside the edits themselves; `took` says what was done with them.
    pub(super) fn words(&self, unsafe_too: bool, took: &str) -> String {
        let (sites, files) = (plural(self.sites, "site"), plural(self.files, "file"));
        let mut words = match self.files {
            0 => format!("nothing {took}"),
            _ => format!("{sites} in {files} {took}"),
        };
        let left_out = self.left_out;
        // Writing to a string cannot fail.
        let _ = match left_out {
            0 => Ok(()),
            _ if unsafe_too => write!(words, "; {left_out} left out: they depend on others"),
            _ => write!(
                words,
                "; {left_out} left out as unsafe (--unsafe takes them)"
            ),
        };
        if self.open > 0 {
            let list = "`connmod diff --review` lists them";
            let _ = write!(words, "; {} left for a person ({list})", self.open);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_what_was_left_out() {
        let account = Account {
            files: 1,
            sites: 2,
            left_out: 3,
            open: 4,
        };
        assert_eq!(
            account.words(false, "would change"),
            "2 sites in 1 file would change; 3 left out as unsafe (--unsafe takes them); 4 left for a person (`connmod diff --review` \
             lists them)"
        );
    }
}
