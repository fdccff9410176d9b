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
    // Several share a copy, each in a scenario of its own: a copy for each would take a minute.
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
    let missed = rounds.iter().map(|round| missed_together(stage, round));
    missed.flatten().collect()
}

fn differ(one: Option<&str>, other: Option<&str>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

fn missed_together(stage: &Stage, round: &[Wrong]) -> Vec<String> {
    let copy = spoiled(stage, round);
    let starts = round.iter().all(|wrong| wrong.scenario().is_some());
    let (found, ended_well) = if starts {
        let differences = stage.differences(&stage.both("answers", copy.path(), "spoiled"));
        (differences.join("\n"), true)
    } else {
        let output = stage.asked("answers", copy.path(), "bound");
        (said(&output), output.status.success())
    };
    let caught = |wrong: &&Wrong| match &wrong.sign {
        Sign::Differs(start) => found.lines().any(|line| line.starts_with(start)),
        Sign::Fails(words) => !ended_well && found.contains(words),
    };
    let missed = round.iter().filter(|wrong| !caught(wrong));
    missed
        .map(|wrong| format!("{}: {found}", wrong.path.display()))
        .collect()
}

/// A copy of the migrated sample with all of these in it.
fn spoiled(stage: &Stage, round: &[Wrong]) -> TempDir {
    let copy = stage.copy(stage.migrated());
    for wrong in round {
        let mut spoil = stage.script("spoil.py");
        succeeded(&spoil.args([&wrong.path, copy.path()]).output().unwrap());
    }
    copy
}
