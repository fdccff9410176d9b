//! Runs the examples of recipes through the whole pipeline.
//!
//! An example is run as its project would be: among the files and by the settings of its migration, with all recipes of that migration,
//! because a rewrite is only whole with what the others do (a getter line that goes, an import that comes). Pure: texts in, an answer
//! out; nothing is read from or written to the disk.

use std::fmt;

use crate::config::{self, Config};
use crate::edit::Applicability;
use crate::finding::{Finding, Verdict};
use crate::pipeline::{self, Lane, PipelineError, Selection, Survey};
use crate::progress::Silent;
use crate::recipe::{Example, Expectation, Library, Migration, Recipe};
use crate::report::diff;
use crate::source::SourceFile;

/// What came of one example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its title.
    pub title: String,
    /// The line of the recipe file, from 1.
    pub line: usize,
    /// Everything that is not as the example says; empty when it passes.
    pub faults: Vec<Fault>,
}

/// One thing that is not as an example says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in a sentence without a full stop.
    pub problem: String,
    /// Lines that show it: a diff from what is expected, or the sites; may be empty.
    pub details: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        for line in self.details.lines() {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

/// Runs every example of `recipe`, in order.
///
/// # Errors
/// When the recipes of its migration do not compile together.
pub fn run(library: &Library, recipe: &Recipe) -> Result<Vec<Outcome>, PipelineError> {
    let Some(migration) = library.migration_of(recipe) else {
        return Ok(Vec::new());
    };
    let stage = Stage { library, migration };
    recipe
        .examples
        .iter()
        .map(|example| {
            Ok(Outcome {
                title: example.title.clone(),
                line: example.line,
                faults: stage.faults(recipe, example)?,
            })
        })
        .collect()
}

/// Surveys the project of an example with `text` at the example's path.
///
/// # Errors
/// When the recipes of the migration do not compile together.
pub fn survey(
    library: &Library,
    migration: &Migration,
    example: &Example,
    text: &str,
) -> Result<Survey, PipelineError> {
    let stage = migration.example_settings.stage;
    survey_in_stage(library, migration, example, text, stage)
}

/// The same in a stage of a migration that is made step by step.
///
/// # Errors
/// When the recipes of the migration do not compile together.
pub fn survey_in_stage(
    library: &Library,
    migration: &Migration,
    example: &Example,
    text: &str,
    stage: Option<config::Stage>,
) -> Result<Survey, PipelineError> {
    let shared = migration
        .example_files
        .iter()
        .filter(|(path, _)| **path != example.path && !example.files.contains_key(*path));
    let own = example.files.iter();
    let mut files: Vec<SourceFile> = shared
        .chain(own)
        .map(|(path, text)| SourceFile::new(path.as_str(), text.as_str()))
        .collect();
    files.push(SourceFile::new(example.path.as_str(), text));
    files.sort_by(|a, b| a.path().cmp(b.path()));
    let settings = Config {
        stage,
        ..migration.example_settings.clone()
    };
    let lanes = Lane::all(&[migration], library, &settings)?;
    Ok(pipeline::gather(settings, lanes, &files, &Silent))
}

/// Where examples are run.
struct Stage<'a> {
    library: &'a Library,
    migration: &'a Migration,
}

impl Stage<'_> {
    fn faults(&self, recipe: &Recipe, example: &Example) -> Result<Vec<Fault>, PipelineError> {
        let stage = recipe.stages.first().copied().flatten();
        let (library, migration) = (self.library, self.migration);
        let survey = survey_in_stage(library, migration, example, &example.before, stage)?;
        let here: Vec<&Finding> = sites(&survey, &example.path).collect();
        let own: Vec<&Finding> = here
            .iter()
            .copied()
            .filter(|finding| finding.site.recipe == recipe.id)
            .collect();
        let mut faults = unparsed(&survey, &example.path);
        match &example.expect {
            Expectation::NoSite if !here.is_empty() => {
                faults.push(Fault::with_sites("a site where none is expected", &here));
            }
            Expectation::NoSite => {}
            _ if own.is_empty() => {
                let problem = format!("no site of {}", recipe.id);
                faults.push(Fault::with_sites(&problem, &here));
            }
            Expectation::Review(reason) => {
                faults.extend(verdict(&own, Verdict::Review, Some(reason)));
            }
            Expectation::Keep(reason) => {
                faults.extend(verdict(&own, Verdict::Keep, Some(reason)));
            }
            Expectation::Standard => faults.extend(verdict(&own, Verdict::Standard, None)),
            Expectation::After {
                text,
                unsafe_because,
            } => {
                faults.extend(applicability(&own, unsafe_because.as_deref()));
                faults.extend(changes(&survey, example, text, unsafe_because.is_some()));
                faults.extend(self.again(example, text)?);
            }
        }
        Ok(faults)
    }

    /// What a second run over the expected text would still change.
    fn again(&self, example: &Example, after: &str) -> Result<Option<Fault>, PipelineError> {
        let survey = survey(self.library, self.migration, example, after)?;
        let rewritten: Vec<&Finding> = sites(&survey, &example.path)
            .filter(|finding| finding.verdict == Verdict::Rewrite)
            .collect();
        let problem = "a second run would change the expected text again";
        Ok((!rewritten.is_empty()).then(|| Fault::with_sites(problem, &rewritten)))
    }
}

impl Fault {
    fn with_sites(problem: &str, sites: &[&Finding]) -> Self {
        let details: Vec<String> = sites.iter().map(|site| in_a_line(site)).collect();
        let problem = if sites.is_empty() {
            format!("{problem}; there are no sites")
        } else {
            format!("{problem}; the sites:")
        };
        Self {
            problem,
            details: details.join("\n"),
        }
    }

    fn with_diff(problem: String, path: &str, expected: &str, actual: &str) -> Self {
        Self {
            problem,
            details: diff::unified(path, expected, actual, &|_| None),
        }
    }
}

fn sites<'s>(survey: &'s Survey, path: &'s str) -> impl Iterator<Item = &'s Finding> {
    survey
        .inventory
        .findings
        .iter()
        .filter(move |finding| finding.site.file == path)
}

fn in_a_line(finding: &Finding) -> String {
    let site = &finding.site;
    let how = match finding.applicability() {
        Some(applicability) => format!(
            " {} {}",
            applicability.as_str(),
            finding.form.as_deref().unwrap_or_default()
        ),
        None => String::new(),
    };
    let reasons = finding.reasons.join("; ");
    format!(
        "line {}: {} {}{how}: {}",
        site.line,
        site.recipe,
        finding.verdict.as_str(),
        if reasons.is_empty() {
            "no reason given"
        } else {
            &reasons
        }
    )
}

/// Code of an example has to parse.
fn unparsed(survey: &Survey, path: &str) -> Vec<Fault> {
    let unparsed = survey.inventory.unparsed.iter();
    unparsed
        .filter(|unparsed| unparsed.file == path)
        .map(|unparsed| Fault {
            problem: unparsed.reason.clone(),
            details: String::new(),
        })
        .collect()
}

/// Every site of the recipe has the verdict, and one of them the reason.
fn verdict(own: &[&Finding], expected: Verdict, reason: Option<&str>) -> Option<Fault> {
    let has_reason =
        |finding: &&Finding| reason.is_none_or(|wanted| contains(&finding.reasons, wanted));
    if own.iter().any(|finding| finding.verdict != expected) {
        let problem = format!("expected {}", expected.as_str());
        return Some(Fault::with_sites(&problem, own));
    }
    if own.iter().any(has_reason) {
        return None;
    }
    let problem = format!(
        "no reason contains `{}`",
        reason.unwrap_or_default().trim_end()
    );
    Some(Fault::with_sites(&problem, own))
}

fn contains(reasons: &[String], wanted: &str) -> bool {
    reasons
        .iter()
        .any(|reason| reason.contains(wanted.trim_end()))
}

/// The sites of the recipe are rewritten, as far proven as the example says.
fn applicability(own: &[&Finding], unsafe_because: Option<&str>) -> Option<Fault> {
    let proven = |finding: &&&Finding, wanted| finding.applicability() == Some(wanted);
    if own
        .iter()
        .any(|finding| finding.verdict != Verdict::Rewrite)
    {
        return Some(Fault::with_sites("expected a rewrite", own));
    }
    let Some(reason) = unsafe_because else {
        let all_safe = own.iter().all(|site| proven(&site, Applicability::Safe));
        return (!all_safe).then(|| Fault::with_sites("expected a safe rewrite", own));
    };
    if own.iter().any(|site| proven(&site, Applicability::Safe)) {
        return Some(Fault::with_sites("expected an unsafe rewrite", own));
    }
    let is_named = own.iter().any(|site| contains(&site.reasons, reason));
    let problem = format!("no reason contains `{}`", reason.trim_end());
    (!is_named).then(|| Fault::with_sites(&problem, own))
}

/// The edits give the expected text, and change no other file.
fn changes(survey: &Survey, example: &Example, after: &str, unsafe_too: bool) -> Vec<Fault> {
    let patches = survey.patches(&Selection {
        unsafe_too,
        ..Selection::default()
    });
    let mut faults = Vec::new();
    let actual = patches
        .iter()
        .find(|patch| patch.path == example.path)
        .map_or(example.before.as_str(), |patch| patch.after.as_str());
    if actual != after {
        let problem = "the text differs (- expected, + what came out)".to_owned();
        let mut fault = Fault::with_diff(problem, &example.path, after, actual);
        for site in sites(survey, &example.path) {
            fault.details.push_str(&in_a_line(site));
            fault.details.push('\n');
        }
        faults.push(fault);
    }
    for patch in patches.iter().filter(|patch| patch.path != example.path) {
        let problem = format!("{} would change, too", patch.path);
        let (before, after) = (&patch.before, &patch.after);
        faults.push(Fault::with_diff(problem, &patch.path, before, after));
    }
    faults
}
