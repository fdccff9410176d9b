//! `inventory`: the document for a review meeting.

use anyhow::Result;

use crate::cli::Outcome;
use crate::cli::args::InventoryArgs;
use crate::cli::session::Session;
use crate::report::inventory;

pub(super) fn run(args: &InventoryArgs, session: &Session) -> Result<Outcome> {
    let base = session.base(&args.paths.paths, None)?;
    // Before the work: a wrong name is no reason to do it twice.
    let given = args.output.as_deref();
    let output = session.output(&base, given)?;
    let config = session.settings(&base)?;
    let surveyed = session.survey_with(base, config)?;
    let document = inventory::render(&surveyed.survey.inventory);
    session.deliver(&document, given, output.as_deref())?;
    Ok(Outcome::Done)
}
