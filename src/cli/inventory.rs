//! `inventory`: the document for a review meeting.

use anyhow::Result;

use crate::cli::Outcome;
use crate::cli::args::InventoryArgs;
use crate::cli::session::Session;
use crate::report::inventory;

pub(super) fn run(args: &InventoryArgs, session: &Session) -> Result<Outcome> {
    let surveyed = session.survey(&args.paths.paths)?;
    let document = inventory::render(&surveyed.survey.inventory);
    session.deliver(&document, args.output.as_deref())?;
    Ok(Outcome::Done)
}
