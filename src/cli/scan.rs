//! `scan`: what there is.

use anyhow::Result;

use crate::cli::Outcome;
use crate::cli::args::{Format, Scan};
use crate::cli::session::Session;
use crate::cli::terminal::print;
use crate::report::{json, summary};

pub(super) fn run(args: &Scan, session: &Session) -> Result<Outcome> {
    // The project itself is not needed any more.
    let inventory = session.survey(&args.paths.paths)?.survey.inventory;
    let terminal = session.terminal;
    let text = match args.format {
        Format::Json => json::render(&inventory),
        Format::Text if terminal.verbose && !inventory.findings.is_empty() => format!(
            "{}\n{}",
            summary::every_site(&inventory, terminal.results),
            summary::render(&inventory, terminal.results)
        ),
        Format::Text => summary::render(&inventory, terminal.results),
    };
    print(&text)?;
    Ok(Outcome::Done)
}
