//! Learns from the code of a project what `connmod.yaml` would say: a pure function of the texts that were read.
//!
//! A function is what it does: one that borrows from the pool and gives back what `fetch` gave is the helper for `fetch`, whatever it
//! is called. Names decide only where several would do. What is not seen in the code but taken from custom, such as what a folder is
//! called, is noted as a guess.

mod combine;
mod contexts;
mod evidence;
mod given;
mod helpers;
mod identity;
mod read;
mod scaffold;
mod scopes;
mod services;
mod sessions;
mod sql_files;
mod standard;
mod yaml;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::config::Config;
use crate::learn::evidence::Evidence;
use crate::recipe::Driver;
use crate::source::SourceFile;

pub use scaffold::{Scaffold, ScaffoldError, ScaffoldForm, is_crate, scaffold};
pub use yaml::to_yaml;

/// What is learnt from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The texts of the project: code and SQL.
    pub files: &'a [SourceFile],
    /// The driver that the project is migrated for.
    pub driver: &'a Driver,
}

/// A migration that a project may need, by its name.
pub type Candidate<'a> = (&'a str, &'a Driver);

/// What was learnt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learnt {
    /// The settings.
    pub config: Config,
    /// How each of them is known, in the order of the settings.
    pub notes: Vec<Note>,
}

/// How a setting is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It is what the code does.
    Found {
        /// `file:line`, or a file, or a folder.
        place: String,
    },
    /// It is taken from custom.
    Guessed {
        /// From what.
        why: String,
    },
}

/// A remark on one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The setting, by its path in the file: `standard.pool`, `contexts.services`, `schema.files`.
    pub setting: String,
    /// How it is known.
    pub how: How,
    /// Its value, or what there is to know about it.
    pub text: String,
}

impl Note {
    fn found(
        setting: impl Into<String>,
        text: impl Into<String>,
        place: impl Into<String>,
    ) -> Self {
        Self {
            setting: setting.into(),
            how: How::Found {
                place: place.into(),
            },
            text: text.into(),
        }
    }

    fn guessed(
        setting: impl Into<String>,
        text: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            setting: setting.into(),
            how: How::Guessed { why: why.into() },
            text: text.into(),
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { place } => write!(f, "found in {place}"),
            Self::Guessed { why } => write!(f, "guessed: {why}"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.setting, self.text, self.how)
    }
}

/// Learns the settings of a project: which of the migrations it needs, and the standard of each.
pub fn learn(files: &[SourceFile], migrations: &[Candidate<'_>]) -> Learnt {
    combine::learn(files, migrations)
}

/// Learns the settings of a project as one migration needs them.
fn learn_one(input: &Input<'_>) -> Learnt {
    let first = read::first(input);
    let of_sessions = input.driver.session.is_some();
    let evidence = Evidence::new(&first.project, input.driver);
    let of_service = input.driver.any_pool;
    let names = if of_sessions {
        sessions::names(&evidence)
    } else if of_service {
        let words = services::METHODS.iter().chain(&["ConnectionService"]);
        words.map(|word| (*word).to_owned()).collect()
    } else if input.driver.pool_is_given {
        given::names(&evidence)
    } else {
        standard::names(&evidence)
    };
    let reading = read::second(first, &names);
    let evidence = Evidence::new(&reading.project, input.driver);
    let mut learnt = Learnt::default();
    let forms = if of_sessions {
        sessions::learn(&evidence, &mut learnt)
    } else if of_service {
        services::learn(&evidence, &mut learnt)
    } else if input.driver.pool_is_given {
        given::learn(&evidence, &mut learnt)
    } else {
        standard::learn(&evidence, &mut learnt)
    };
    contexts::learn(&evidence, &forms, input.files, &mut learnt);
    identity::learn(&evidence, &forms, &mut learnt);
    sql_files::learn(input.files, &mut learnt);
    learnt
}
