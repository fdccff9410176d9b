//! `verify`: the migration's validation checklist, answered from the code.

use anyhow::Result;

use crate::cli::Outcome;
use crate::cli::args::Verify;
use crate::cli::session::Session;
use crate::cli::terminal::print;
use crate::report::verification;

pub(super) fn run(args: &Verify, session: &Session) -> Result<Outcome> {
    let surveyed = session.survey(&args.paths.paths)?;
    let inventory = &surveyed.survey.inventory;
    print(&verification::render(inventory, session.terminal.results))?;
    Ok(if verification::holds(inventory) {
        Outcome::Done
    } else {
        Outcome::No
    })
}
