//! Which of the proposed edits are wanted.

use std::collections::BTreeSet;

use crate::config;
use crate::edit::Applicability;
use crate::finding::Finding;

/// Which of the proposed edits are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those that are not proven, too.
    pub unsafe_too: bool,
    /// Recipes, by id, the start of one, the name alone, or a glob; empty: all.
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
            && self.takes_file(&site.file)
    }

    /// Whether a file belongs to the selection.
    pub fn takes_file(&self, file: &str) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|path| lies_in(file, path))
    }

    /// Whether edits as far proven as those of the site are wanted.
    pub fn may_edit(&self, finding: &Finding) -> bool {
        self.unsafe_too || finding.applicability() == Some(Applicability::Safe)
    }

    /// Whether the edits of a site that belongs to the selection are wanted.
    pub(super) fn wants_edits(&self, finding: &Finding) -> bool {
        let is_removed = || finding.fix.as_ref().is_none_or(|fix| fix.edits.is_empty());
        let sites = self.sites.as_ref();
        sites.is_none_or(|sites| sites.contains(&finding.id) || is_removed())
    }
}

/// Whether `pattern` names a recipe: by its id, the start of it, what stands behind the migration, or a glob.
pub fn names_recipe(pattern: &str, id: &str) -> bool {
    let short = id.split_once('/').map(|(_, name)| name);
    id.starts_with(pattern)
        || short == Some(pattern)
        || config::globs(&[pattern.to_owned()]).is_match(id)
}

pub(super) fn lies_in(file: &str, path: &str) -> bool {
    file.strip_prefix(path)
        .is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'))
}
