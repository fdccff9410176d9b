//! The command line: arguments in, streams and an outcome out.
//!
//! One file per command. The only user of `anyhow`: below, errors are typed.

mod apply;
mod args;
mod base;
mod diff;
mod explain;
mod generate;
mod git;
mod guide;
mod history;
mod init;
mod interactive;
mod inventory;
mod manual;
mod narrow;
mod progress;
mod recipe;
mod scan;
mod session;
mod terminal;
mod undo;
mod verify;

use std::env;
use std::io::{self, Write as _};

use anyhow::Result;
use clap::Parser as _;

use args::{Cli, Command};
use session::Session;
use terminal::Terminal;

use crate::report::escape::{is_obeyed, visible_lines};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did its work.
    Done,
    /// It did its work, and the answer is no.
    No,
    /// It could not do its work; what was wrong has been said.
    Failed,
}

/// Runs the command that the program's arguments name.
pub fn main() -> Outcome {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are answers too. A closed stream takes nothing from anybody.
            if answer.use_stderr()
                && env::args_os().any(|word| word.to_string_lossy().contains(is_obeyed))
            {
                // It quotes an argument that a terminal would obey; such a file name may come from `*`.
                let _ = write!(io::stderr(), "{}", visible_lines(&answer.to_string()));
            } else {
                let _ = answer.print();
            }
            return if answer.use_stderr() {
                Outcome::Failed
            } else {
                Outcome::Done
            };
        }
    };
    let terminal = Terminal::new(cli.global.color.into(), cli.global.verbose);
    match dispatch(cli, terminal) {
        Ok(outcome) => outcome,
        // Whoever read the result has seen enough of it.
        Err(error) if is_broken_pipe(&error) => Outcome::Done,
        Err(error) => {
            let text = in_words(&error);
            // A fault in a file is shown as compilers show it, and begins with the word.
            terminal.error(text.strip_prefix("error: ").unwrap_or(&text));
            Outcome::Failed
        }
    }
}

fn dispatch(cli: Cli, terminal: Terminal) -> Result<Outcome> {
    let session = || Session::new(cli.global.clone(), terminal);
    match cli.command {
        Command::Init(args) => init::run(&args, &session()?),
        Command::Scan(args) => scan::run(&args, &session()?),
        Command::Inventory(args) => inventory::run(&args, &session()?),
        Command::Diff(args) => diff::run(&args, &session()?),
        Command::Apply(args) => apply::run(&args, &session()?),
        Command::Undo(args) => undo::run(&args, &session()?),
        Command::Verify(args) => verify::run(&args, &session()?),
        Command::Guide(args) => guide::run(&args, &session()?),
        Command::Explain(args) => explain::run(&args, &session()?),
        Command::Recipe(command) => recipe::run(&command, &session()?),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    }
}

/// What went wrong, and why: each cause once, also where the words before tell it already.
fn in_words(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_broken_pipe_is_seen_through_what_was_said_about_it() {
        let broken = |kind| -> anyhow::Error {
            let failed: io::Result<()> = Err(io::Error::from(kind));
            failed.context("while writing").expect_err("it failed")
        };
        assert!(is_broken_pipe(&broken(io::ErrorKind::BrokenPipe)));
        assert!(!is_broken_pipe(&broken(io::ErrorKind::NotFound)));
    }

    #[test]
    fn no_reason_is_given_twice() {
        let failed: Result<(), io::Error> = Err(io::Error::other("no room"));
        let error = failed.context("a.py: no room").context("it failed");
        let error = error.expect_err("it failed");
        assert_eq!(in_words(&error), "it failed: a.py: no room");
    }
}
