//! A migration as it runs over a project: its recipes, its driver and its standard module. Several run side by side over the same files,
//! and one place is a site of one of them: the first in the order of the settings.

use std::collections::BTreeSet;

use globset::GlobSet;
use rayon::prelude::*;

use crate::config::Config;
use crate::facts::World;
use crate::facts::context::Contexts;
use crate::facts::memo::Memo;
use crate::facts::standard::StandardModule;
use crate::finding::{Dismissed, Finding, Remark, Unparsed};
use crate::language::Language;
use crate::locate::Locator;
use crate::pipeline::{PipelineError, judge, mark};
use crate::progress::Progress;
use crate::project::{FileId, Project};
use crate::recipe::{Driver, Library, Migration, Recipe};
use crate::rewrite::remove_definition::Doomed;
use crate::source::{SourceFile, Span};
use crate::sql::schema::Schema;

/// A migration with all that does not depend on the files.
pub(crate) struct Lane {
    /// Its driver.
    pub(super) driver: Driver,
    /// Its recipes.
    pub(super) recipes: Vec<Recipe>,
    /// Their queries.
    pub(super) locator: Locator,
    /// The settings, with the standard module of this migration as the standard.
    pub(super) config: Config,
}

impl Lane {
    /// Prepares migrations that run side by side, in this order: what belongs to the driver of one is nothing to the others.
    pub(crate) fn all(
        migrations: &[&Migration],
        library: &Library,
        config: &Config,
    ) -> Result<Vec<Self>, PipelineError> {
        let lane = |migration: &&Migration| {
            let mut driver = migration.driver.clone();
            for other in migrations {
                let foreign = other.driver.modules.iter();
                let foreign = foreign.filter(|module| !migration.driver.modules.contains(module));
                driver.other_modules.extend(foreign.cloned());
            }
            Self::new(migration, driver, library, config)
        };
        migrations.iter().map(lane).collect()
    }

    /// Whether a file names the driver, or is the standard module: pools come from such files.
    pub(super) fn is_named_in(&self, file: &SourceFile) -> bool {
        self.config.standard.file.as_deref() == Some(file.path())
            || self.driver.is_named_in(file.text())
    }

    /// Prepares a migration with those of the recipes that belong to it.
    fn new(
        migration: &Migration,
        driver: Driver,
        library: &Library,
        config: &Config,
    ) -> Result<Self, PipelineError> {
        let belongs = |recipe: &&Recipe| {
            library
                .migration_of(recipe)
                .is_some_and(|own| own.id == migration.id)
        };
        let own = library.recipes.iter().filter(belongs);
        let (running, others): (Vec<&Recipe>, Vec<&Recipe>) =
            own.partition(|recipe| recipe.runs_in(config.stage));
        let others = others.into_iter();
        let others = others.filter_map(|recipe| recipe.out_of_stage(config.stage));
        let recipes: Vec<Recipe> = running.into_iter().cloned().chain(others).collect();
        let config = config.of_migration(&migration.id);
        let locator = Locator::new(&recipes, &config, &driver)?;
        Ok(Self {
            driver,
            recipes,
            locator,
            config,
        })
    }
}

/// What the lanes have found out about a project.
pub(super) struct Known {
    standards: Vec<StandardModule>,
    linked: Vec<Vec<bool>>,
    memos: Vec<Memo>,
}

impl Known {
    pub(super) fn of(lanes: &[Lane], project: &Project) -> Self {
        let standards = lanes
            .iter()
            .map(|lane| StandardModule::read(project, &lane.config, &lane.driver));
        let linked = lanes
            .iter()
            .map(|lane| project.reached(|file| lane.is_named_in(&file.source)));
        Self {
            standards: standards.collect(),
            linked: linked.collect(),
            memos: lanes.iter().map(|_| Memo::default()).collect(),
        }
    }

    /// What the settings say of the standard modules and their code does not bear out.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &String> {
        self.standards
            .iter()
            .flat_map(|standard| &standard.warnings)
    }
}

/// All lanes over one project.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) lanes: &'a [Lane],
    pub(super) project: &'a Project,
    pub(super) known: &'a Known,
    pub(super) tests: &'a GlobSet,
    pub(super) schema: &'a Schema,
}

impl<'a> Run<'a> {
    /// The world of each lane.
    pub(super) fn worlds(self) -> Vec<World<'a>> {
        let Known {
            standards,
            linked,
            memos,
        } = self.known;
        let known = standards.iter().zip(linked).zip(memos);
        let worlds = self.lanes.iter().zip(known);
        worlds
            .map(|(lane, ((standard, linked), memo))| World {
                project: self.project,
                config: &lane.config,
                driver: &lane.driver,
                standard,
                tests: self.tests,
                schema: self.schema,
                linked,
                memo,
            })
            .collect()
    }

    /// Whether there is a recipe for the language.
    pub(super) fn looks_at(self, language: &dyn Language) -> bool {
        let mut locators = self.lanes.iter().map(|lane| &lane.locator);
        locators.any(|locator| locator.knows(language))
    }

    /// Judges every hit in the files, in parallel; the results are in the order of `ids`.
    pub(super) fn judge(self, ids: &[FileId], progress: &dyn Progress) -> Vec<Judged> {
        let worlds = self.worlds();
        let contexts: Vec<Contexts<'_>> = self
            .lanes
            .iter()
            .map(|lane| Contexts::new(&lane.config))
            .collect();
        ids.par_iter()
            .map(|id| {
                let mut all = Judged::new(*id);
                for ((lane, world), contexts) in self.lanes.iter().zip(&worlds).zip(&contexts) {
                    let (locator, recipes) = (&lane.locator, &lane.recipes);
                    all.add(judge::file(*world, contexts, locator, recipes, *id));
                }
                all.dismissed.sort();
                let recipes = self.lanes.iter().flat_map(|lane| &lane.recipes);
                let recipes: Vec<&Recipe> = recipes.collect();
                all.remarks = mark::idle_comments(self.project.file(*id), &recipes, &all.findings);
                progress.step();
                all
            })
            .collect()
    }
}

/// What the second pass says of one file.
pub(crate) struct Judged {
    pub(crate) file: FileId,
    pub(crate) findings: Vec<Finding>,
    pub(crate) dismissed: Vec<Dismissed>,
    pub(crate) unparsed: Vec<Unparsed>,
    pub(crate) remarks: Vec<Remark>,
    /// What may go for findings, by their ids, once nothing uses it.
    pub(crate) doomed: Vec<(String, Doomed)>,
}

impl Judged {
    pub(super) fn new(file: FileId) -> Self {
        Self {
            file,
            findings: Vec::new(),
            dismissed: Vec::new(),
            unparsed: Vec::new(),
            remarks: Vec::new(),
            doomed: Vec::new(),
        }
    }

    /// Adds what a further migration says. A place that is a site already stays what it is; one that another takes for a lock can
    /// still be a site of this one.
    fn add(&mut self, other: Self) {
        let taken: BTreeSet<Span> = self.spans().collect();
        let fresh = |finding: &Finding| !taken.contains(&finding.site.span);
        self.findings
            .extend(other.findings.into_iter().filter(fresh));
        self.dismissed.extend(other.dismissed);
        self.doomed.extend(other.doomed);
        let sites: BTreeSet<(usize, usize)> = self
            .findings
            .iter()
            .map(|finding| (finding.site.line, finding.site.column))
            .collect();
        let mut seen: BTreeSet<(usize, usize)> = BTreeSet::new();
        self.dismissed.retain(|dismissed| {
            let place = (dismissed.line, dismissed.column);
            !sites.contains(&place) && seen.insert(place)
        });
        for unparsed in other.unparsed {
            if !self.unparsed.contains(&unparsed) {
                self.unparsed.push(unparsed);
            }
        }
    }

    fn spans(&self) -> impl Iterator<Item = Span> {
        self.findings.iter().map(|finding| finding.site.span)
    }
}
