//! `apply`: writes what `diff` with the same options shows, each file whole or not at all.

use anyhow::{Context as _, Result};

use crate::apply::{Planned, Root};
use crate::cli::Outcome;
use crate::cli::args::Apply;
use crate::cli::narrow::{self, Account};
use crate::cli::session::Session;
use crate::cli::terminal::print;
use crate::finding::Patch;
use crate::report::escape::visible;
use crate::report::totals::plural;

pub(super) fn run(args: &Apply, session: &Session) -> Result<Outcome> {
    let surveyed = session.survey(&args.paths.paths)?;
    let selection = narrow::selection(&args.narrowing, &surveyed)?;
    let patches = surveyed.survey.patches(&selection);
    let folder = &surveyed.base.folder;
    let root = Root::new(folder).with_context(|| format!("{}", folder.display()))?;
    let terminal = session.terminal;
    let planned = patches.len();
    let (mut written, mut unwritten) = (Vec::new(), Vec::new());
    for patch in patches {
        match root.write(&plan(&patch)) {
            Ok(()) => {
                print(&format!("wrote {}\n", visible(&patch.path)))?;
                written.push(patch);
            }
            Err(error) => {
                terminal.warning(&format!("not written: {error}"));
                unwritten.push(patch);
            }
        }
    }
    let inventory = &surveyed.survey.inventory;
    let account = Account::with_unwritten(inventory, &selection, &written, &unwritten);
    terminal.remark(&account.words(selection.unsafe_too, "changed"));
    if let Some(step) = account.next_step() {
        terminal.remark(step);
    }
    if unwritten.is_empty() {
        return Ok(Outcome::Done);
    }
    let were = if unwritten.len() == 1 { "was" } else { "were" };
    let files = plural(planned, "file");
    terminal.warning(&format!(
        "{} of {files} {were} not written, see above",
        unwritten.len()
    ));
    Ok(Outcome::No)
}

fn plan(patch: &Patch) -> Planned {
    Planned {
        path: patch.path.clone(),
        before: patch.before.clone().into_bytes(),
        after: patch.after.clone().into_bytes(),
    }
}
