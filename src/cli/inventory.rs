//! `inventory`: the document for a review meeting.

use std::fs;

use anyhow::{Context as _, Result};

use crate::cli::Outcome;
use crate::cli::args::InventoryArgs;
use crate::cli::session::Session;
use crate::cli::terminal::print;
use crate::report::inventory;

pub(super) fn run(args: &InventoryArgs, session: &Session) -> Result<Outcome> {
    let surveyed = session.survey(&args.paths.paths)?;
    let document = inventory::render(&surveyed.survey.inventory);
    match &args.output {
        None => print(&document)?,
        Some(path) => {
            fs::write(session.full(path), &document)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            session
                .terminal
                .remark(&format!("wrote {}", path.display()));
        }
    }
    Ok(Outcome::Done)
}
