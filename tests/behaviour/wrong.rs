//! Functions of the sample, rewritten as no tool may: each breaks one rule, and the scenarios must show it.
//!
//! One a file in `wrong/`, which names in its head the rule, the file of the sample, and by what it is to be known.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::stage::{BEHAVIOUR, Stage, said, succeeded};

/// A function of the sample, rewritten as no tool may.
#[derive(Debug)]
pub(crate) struct Wrong {
    path: PathBuf,
    sign: Sign,
}

/// By what a wrong rewrite is to be known.
#[derive(Debug)]
enum Sign {
    /// A line of `compare.py` begins like this.
    Differs(String),
    /// The run ends with an error of these words.
    Fails(String),
}

impl Wrong {
    /// It stands in a probe, which is called by itself.
    fn is_of_a_probe(&self) -> bool {
        matches!(&self.sign, Sign::Differs(start) if start.starts_with("app."))
    }

    /// The scenario that is to show it; none where the application does not start.
    fn scenario(&self) -> Option<&str> {
        match &self.sign {
            Sign::Differs(start) => start.split('.').next(),
            Sign::Fails(_) => None,
        }
    }
}

/// Those in `behaviour/wrong`, with the sign that each names in its head.
pub(crate) fn wrong_rewrites() -> Vec<Wrong> {
    let folder = fs::read_dir(Path::new(BEHAVIOUR).join("wrong")).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let wrongs = paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let named = |key: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| Some(line.strip_prefix(key)?.to_owned()))
        };
        let sign = match (named("# differs: "), named("# fails: ")) {
            (Some(start), None) => Sign::Differs(start),
            (None, Some(words)) => Sign::Fails(words),
            _ => panic!("{}: one of differs and fails", path.display()),
        };
        Wrong { path, sign }
    });
    wrongs.collect()
}

/// Puts them into copies of the migrated sample, and says of each that was not caught what was found instead.
pub(crate) fn missed(stage: &Stage, wrongs: Vec<Wrong>) -> Vec<String> {
    let (of_probes, of_the_sample): (Vec<Wrong>, Vec<Wrong>) =
        wrongs.into_iter().partition(Wrong::is_of_a_probe);
    let mut missed = missed_in_probes(stage, &of_probes);
    for round in rounds(of_the_sample) {
        missed.extend(missed_together(stage, &round));
    }
    missed
}

/// Probes do not depend on each other, so all share a copy.
fn missed_in_probes(stage: &Stage, wrongs: &[Wrong]) -> Vec<String> {
    let copy = spoiled(stage, stage.probes().migrated(), wrongs);
    let after = stage.both("probes", copy.path(), "probes-spoiled");
    uncaught(wrongs, &stage.probes().faults(&after).join("\n"), true)
}

/// Several share a copy, each in a scenario of its own: a copy for each would take a minute.
fn rounds(wrongs: Vec<Wrong>) -> Vec<Vec<Wrong>> {
    let mut rounds: Vec<Vec<Wrong>> = Vec::new();
    for wrong in wrongs {
        let scenario = wrong.scenario();
        let is_free = |round: &&mut Vec<Wrong>| {
            scenario.is_some() && round.iter().all(|other| differ(other.scenario(), scenario))
        };
        match rounds.iter_mut().find(is_free) {
            Some(round) => round.push(wrong),
            None => rounds.push(vec![wrong]),
        }
    }
    rounds
}

fn differ(one: Option<&str>, other: Option<&str>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

fn missed_together(stage: &Stage, round: &[Wrong]) -> Vec<String> {
    let copy = spoiled(stage, stage.migrated(), round);
    let starts = round.iter().all(|wrong| wrong.scenario().is_some());
    if starts {
        let differences = stage.differences(&stage.both("answers", copy.path(), "spoiled"));
        uncaught(round, &differences.join("\n"), true)
    } else {
        let output = stage.asked("answers", copy.path(), "bound");
        uncaught(round, &said(&output), output.status.success())
    }
}

/// Those of which `found`, what the run printed, does not show the sign.
fn uncaught(wrongs: &[Wrong], found: &str, ended_well: bool) -> Vec<String> {
    let caught = |wrong: &&Wrong| match &wrong.sign {
        Sign::Differs(start) => found.lines().any(|line| line.starts_with(start)),
        Sign::Fails(words) => !ended_well && found.contains(words),
    };
    let missed = wrongs.iter().filter(|wrong| !caught(wrong));
    missed
        .map(|wrong| format!("{}: {found}", wrong.path.display()))
        .collect()
}

/// A copy of a migrated application with all of these in it.
fn spoiled(stage: &Stage, migrated: &Path, round: &[Wrong]) -> TempDir {
    let copy = stage.copy(migrated);
    for wrong in round {
        let mut spoil = stage.script("spoil.py");
        succeeded(&spoil.args([&wrong.path, copy.path()]).output().unwrap());
    }
    copy
}
