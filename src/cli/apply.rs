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
    let mut written = Vec::with_capacity(planned);
    for patch in patches {
        match root.write(&plan(&patch)) {
            Ok(()) => {
                print(&format!("wrote {}\n", visible(&patch.path)))?;
                written.push(patch);
            }
            Err(error) => terminal.warning(&format!("not written: {error}")),
        }
    }
    let account = Account::of(&surveyed.survey.inventory, &selection, &written);
    terminal.remark(&account.words(selection.unsafe_too, "changed"));
    let failed = planned - written.len();
    if failed > 0 {
        let files = plural(failed, "file");
        terminal.warning(&format!("{files} of {planned} were not written, see above"));
        return Ok(Outcome::No);
    }
    Ok(Outcome::Done)
}

fn plan(patch: &Patch) -> Planned {
    Planned {
        path: patch.path.clone(),
        before: patch.before.clone().into_bytes(),
        after: patch.after.clone().into_bytes(),
    }
}
