//! `inventory`: the document for a review meeting.

use anyhow::Result;

use crate::apply::History;
use crate::cli::Outcome;
use crate::cli::args::InventoryArgs;
use crate::cli::history;
use crate::cli::session::Session;
use crate::report::inventory;

pub(super) fn run(args: &InventoryArgs, session: &Session) -> Result<Outcome> {
    let base = session.base(&args.paths.paths, None)?;
    // Before the work: a wrong name is no reason to do it twice.
    let given = args.output.as_deref();
    let output = session.output(&base, given)?;
    let config = session.settings(&base)?;
    let folder = base.folder.clone();
    let mut surveyed = session.survey_with(base, config)?;
    // Without a history nothing was fixed by a run; a broken one is named by the commands that write.
    let entries = history::open(&folder).and_then(|history| Ok(history.entries()?));
    let standing = History::standing(&entries.unwrap_or_default());
    let files = standing.into_iter().flat_map(|(_, files)| files);
    surveyed.survey.inventory.applied = files.map(|file| file.path).collect();
    let document = inventory::render(&surveyed.survey.inventory);
    session.deliver(&document, given, output.as_deref())?;
    Ok(Outcome::Done)
}
