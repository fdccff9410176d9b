//! `--only`, `--phase`, `--unsafe` and paths: which edits `diff` shows and `apply` writes.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::cli::args::Narrowing;
use crate::cli::session::Surveyed;
use crate::fault::nearest;
use crate::finding::{Inventory, Patch, Verdict};
use crate::pipeline::{Selection, names_recipe};
use crate::recipe::Library;
use crate::report::totals::plural;

/// The selection that the options name. Names that nothing has are mistakes, not empty selections.
pub(super) fn selection(narrowing: &Narrowing, surveyed: &Surveyed) -> Result<Selection> {
    let known = context_names(&surveyed.survey.inventory);
    let contexts = narrowing.phase.iter().map(|name| context(name, &known));
    for pattern in &narrowing.only {
        let library = &surveyed.library;
        let mut recipes = library.recipes.iter();
        if !recipes.any(|recipe| names_recipe(pattern, &recipe.id)) {
            bail!("--only {}", no_recipe(library, pattern));
        }
    }
    let base = &surveyed.base;
    let paths = base.roots.iter().map(|root| base.relative(root));
    Ok(Selection {
        unsafe_too: narrowing.unsafe_too,
        recipes: narrowing.only.clone(),
        contexts: contexts.collect::<Result<_>>()?,
        paths: paths.filter(|path| !path.is_empty()).collect(),
        sites: None,
    })
}

/// The context that a word on the command line means: the one of this name, also with other dashes and capitals, or else the only one
/// with these words in its name.
fn context(word: &str, known: &BTreeSet<&str>) -> Result<String> {
    let wanted = words(word);
    let all = || known.iter().copied();
    let candidates: Vec<&str> = if known.contains(word) {
        vec![word]
    } else if all().any(|name| words(name) == wanted) {
        all().filter(|name| words(name) == wanted).collect()
    } else {
        let holds = |name: &&str| {
            let words = words(name);
            !wanted.is_empty() && words.windows(wanted.len()).any(|part| part == wanted)
        };
        all().filter(holds).collect()
    };
    match candidates[..] {
        [name] => Ok(name.to_owned()),
        [] => {
            let parts = all().flat_map(|name| name.split(' ').chain([name]));
            bail!(
                "--phase {word}: there is no such context{}; there are {}",
                meant(nearest(word, parts)),
                quoted(all())
            )
        }
        _ => bail!(
            "--phase {word}: that could be any of {}",
            quoted(candidates.iter().copied())
        ),
    }
}

/// Names in a list, those of several words as a shell takes them.
fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted = names.map(|name| {
        if name.contains(' ') {
            format!("'{name}'")
        } else {
            name.to_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(", ")
}

/// The words of a name, without what separates them.
fn words(name: &str) -> Vec<String> {
    name.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// That no recipe is called `name`, and what there is.
pub(super) fn no_recipe(library: &Library, name: &str) -> String {
    let ids = || library.recipes.iter().map(|recipe| recipe.id.as_str());
    let parts = ids().flat_map(|id| id.rsplit('/').take(1).chain([id]));
    format!(
        "{name}: there is no such recipe{}; there are {}",
        meant(nearest(name, parts)),
        quoted(ids())
    )
}

fn meant(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(", did you mean `{name}`"))
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

/// What a selection of patches does and leaves out, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// Files that change.
    files: usize,
    /// Sites that change.
    sites: usize,
    /// Files whose patches could not be written.
    unwritten_files: usize,
    /// Sites in them.
    unwritten_sites: usize,
    /// Selected sites with edits that are not proven, and therefore not wanted.
    left_out: usize,
    /// Selected sites whose edits are wanted, but wait for those of others.
    waiting: usize,
    /// Whether these others may be sites of recipes that are not selected.
    only_some: bool,
    /// Sites whose edits a person did not choose.
    not_chosen: usize,
    /// Selected sites that a person has to decide.
    open: usize,
}

impl Account {
    /// Counts what `patches` change.
    pub(super) fn of(inventory: &Inventory, selection: &Selection, patches: &[Patch]) -> Self {
        Self::with_unwritten(inventory, selection, patches, &[])
    }

    /// Counts what was `written`, and what could not be.
    pub(super) fn with_unwritten(
        inventory: &Inventory,
        selection: &Selection,
        written: &[Patch],
        unwritten: &[Patch],
    ) -> Self {
        let sites = |patches: &[Patch]| patches.iter().map(|patch| patch.sites.len()).sum();
        let patched: BTreeSet<&str> = written
            .iter()
            .chain(unwritten)
            .flat_map(|patch| &patch.sites)
            .map(String::as_str)
            .collect();
        let mut account = Self {
            only_some: !selection.recipes.is_empty(),
            files: written.len(),
            sites: sites(written),
            unwritten_files: unwritten.len(),
            unwritten_sites: sites(unwritten),
            ..Self::default()
        };
        let findings = inventory.findings.iter();
        for finding in findings.filter(|finding| selection.takes(finding)) {
            match finding.verdict {
                Verdict::Rewrite if patched.contains(finding.id.as_str()) => {}
                Verdict::Rewrite if selection.sites.is_some() && selection.may_edit(finding) => {
                    account.not_chosen += 1;
                }
                Verdict::Rewrite if selection.may_edit(finding) => account.waiting += 1,
                Verdict::Rewrite => account.left_out += 1,
                Verdict::Review | Verdict::Unparsed => account.open += 1,
                _ => {}
            }
        }
        account
    }

    /// What to tell the reader beside the edits themselves; `took` says what was done with them.
    pub(super) fn words(&self, took: &str) -> String {
        let in_files =
            |sites, files| format!("{} in {}", plural(sites, "site"), plural(files, "file"));
        let mut parts = vec![match self.files {
            0 => format!("nothing {took}"),
            files => format!("{} {took}", in_files(self.sites, files)),
        }];
        if self.unwritten_files > 0 {
            let unwritten = in_files(self.unwritten_sites, self.unwritten_files);
            parts.push(format!("{unwritten} not written"));
        }
        if self.not_chosen > 0 {
            parts.push(format!("{} not chosen", self.not_chosen));
        }
        if self.left_out > 0 {
            let count = self.left_out;
            parts.push(format!("{count} left out as unsafe (--unsafe takes them)"));
        }
        if self.waiting > 0 {
            let count = self.waiting;
            let others = if self.only_some {
                "sites of other recipes"
            } else {
                "others"
            };
            parts.push(format!("{count} left out: they depend on {others}"));
        }
        if self.open > 0 {
            parts.push(format!(
                "{} left for a person (`connmod diff --review` lists them)",
                self.open
            ));
        }
        parts.join("; ")
    }

    /// What comes after edits were written.
    pub(super) fn next_step(&self) -> Option<&'static str> {
        match (self.files, self.open) {
            (0, _) => None,
            (_, 0) => Some("Next: run your tests"),
            _ => Some(
                "Next: run your tests; `connmod diff --review` shows what is left for a person",
            ),
        }
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
            ..Account::default()
        };
        assert_eq!(
            account.words("would change"),
            "2 sites in 1 file would change; 3 left out as unsafe (--unsafe takes them); 4 left for a person (`connmod diff --review` \
             lists them)"
        );
    }

    #[test]
    fn what_waits_for_others_is_not_called_unsafe() {
        let account = Account {
            left_out: 1,
            waiting: 41,
            only_some: true,
            ..Account::default()
        };
        assert_eq!(
            account.words("would change"),
            "nothing would change; 1 left out as unsafe (--unsafe takes them); 41 left out: they depend on sites of other recipes"
        );
    }

    #[test]
    fn what_could_not_be_written_is_not_called_unsafe() {
        let account = Account {
            unwritten_files: 1,
            unwritten_sites: 12,
            ..Account::default()
        };
        assert_eq!(
            account.words("changed"),
            "nothing changed; 12 sites in 1 file not written"
        );
        assert_eq!(account.next_step(), None);
    }

    #[test]
    fn a_phase_is_named_as_people_name_it() {
        let known = BTreeSet::from(["api routes", "data-layer", "jobs", "Web jobs", "web pages"]);
        let meant = |word| context(word, &known).map_err(|error| error.to_string());
        for word in ["api routes", "api-routes", "API_Routes", "routes", "api"] {
            assert_eq!(meant(word), Ok("api routes".to_owned()), "{word}");
        }
        assert_eq!(meant("data layer"), Ok("data-layer".to_owned()));
        assert_eq!(meant("jobs"), Ok("jobs".to_owned()));
        let several = meant("web").expect_err("there are two");
        assert!(
            several.ends_with("any of 'Web jobs', 'web pages'"),
            "{several}"
        );
        for word in ["", "-", "route", "outes"] {
            let missing = meant(word).expect_err("there is none");
            assert!(
                missing.contains("there are 'Web jobs', 'api routes'"),
                "{missing}"
            );
        }
        assert!(
            meant("routs")
                .expect_err("misspelt")
                .contains("did you mean `routes`")
        );
        assert!(
            meant("job")
                .expect_err("misspelt")
                .contains("did you mean `jobs`")
        );
    }
}
