//! `apply`: writes what `diff` with the same options shows, each file whole or not at all.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};

use crate::apply::{End, Planned};
use crate::cli::Outcome;
use crate::cli::args::Apply;
use crate::cli::diff::{say_idle, say_marks};
use crate::cli::git::{self, Uncommitted};
use crate::cli::history::{self, interrupted, now, report};
use crate::cli::interactive;
use crate::cli::narrow::{self, Account};
use crate::cli::session::{Session, Surveyed};
use crate::cli::terminal::Terminal;
use crate::finding::Patch;
use crate::pipeline::{MarkChange, Selection};
use crate::report::totals::plural;

pub(super) fn run(args: &Apply, session: &Session) -> Result<Outcome> {
    if args.resume {
        return resume(session);
    }
    // An answer that takes no survey.
    let base = session.base(&args.paths.paths, None)?;
    refuse_unsettled(&base.folder)?;
    let config = session.settings(&base)?;
    let surveyed = session.survey_with(base, config)?;
    let mut selection = narrow::selection(&args.narrowing, &surveyed)?;
    say_idle(&surveyed.survey.inventory, &selection, session.terminal);
    let mut patches = surveyed.survey.patches(&selection);
    // Before anything is asked: answers that nothing comes of would be lost.
    let mut guard = Guard::new(session, &surveyed, args.allow_dirty);
    guard.look_at(&patches);
    if args.interactive && !guard.is_refused {
        let terminal = session.terminal;
        patches = interactive::choose(&surveyed.survey, &mut selection, &patches, terminal)?;
    }
    let mut marks = MarkChange::default();
    if args.narrowing.annotate && !guard.is_refused {
        (patches, marks) = surveyed.survey.annotated(patches, &selection);
        guard.look_at(&patches);
    }
    let is_refused = guard.is_refused;
    let outcome = write(session, &surveyed, &selection, patches, is_refused)?;
    if !is_refused {
        say_marks(marks, "were", session.terminal);
    }
    Ok(outcome)
}

/// Writes `patches` as one run unless that `is_refused`, and tells what became of them.
fn write(
    session: &Session,
    surveyed: &Surveyed,
    selection: &Selection,
    patches: Vec<Patch>,
    is_refused: bool,
) -> Result<Outcome> {
    let terminal = session.terminal;
    let folder = &surveyed.base.folder;
    let planned = patches.len();
    let mut is_settled = true;
    let (written, unwritten): (Vec<Patch>, Vec<Patch>) = if is_refused {
        (Vec::new(), patches)
    } else {
        let plans: Vec<Planned> = patches.iter().map(plan).collect();
        let done = history::open(folder)?.apply(&plans, now(), words(selection))?;
        report(terminal, &done, false)?;
        is_settled = done.unsettled.is_none();
        let ok = done.files.iter().filter(|file| file.result.is_ok());
        let ok: BTreeSet<&str> = ok.map(|file| file.path.as_str()).collect();
        patches
            .into_iter()
            .partition(|patch| ok.contains(patch.path.as_str()))
    };
    let inventory = &surveyed.survey.inventory;
    let account = Account::with_unwritten(inventory, selection, &written, &unwritten);
    terminal.remark(&account.words("changed"));
    if let Some(step) = account.next_step() {
        terminal.remark(step);
    }
    if unwritten.is_empty() {
        return Ok(if is_settled {
            Outcome::Done
        } else {
            Outcome::No
        });
    }
    let were = if unwritten.len() == 1 { "was" } else { "were" };
    let files = plural(planned, "file");
    terminal.warning(&format!(
        "{} of {files} {were} not written, see above",
        unwritten.len()
    ));
    Ok(Outcome::No)
}

/// Writes the rest of a run that was interrupted.
fn resume(session: &Session) -> Result<Outcome> {
    let base = session.base(&[], None)?;
    let history = history::open(&base.folder)?;
    let terminal = session.terminal;
    if let Some(pending) = history.pending()? {
        terminal.remark(&interrupted(&pending));
    }
    let Some((_, done)) = history.settle(End::Applied, false)? else {
        terminal.remark("no apply was interrupted: there is nothing to resume");
        return Ok(Outcome::Done);
    };
    let refused = report(terminal, &done, false)?;
    Ok(if refused == 0 && done.unsettled.is_none() {
        Outcome::Done
    } else {
        Outcome::No
    })
}

fn refuse_unsettled(folder: &Path) -> Result<()> {
    if let Some(pending) = history::open(folder)?.pending()? {
        bail!("{}", interrupted(&pending));
    }
    Ok(())
}

/// Keeps a run from writing to files whose content git could not give back.
struct Guard<'a> {
    terminal: Terminal,
    folder: &'a Path,
    allow_dirty: bool,
    /// Files that git has been asked about.
    known: BTreeSet<String>,
    /// Whether nothing may be written: what to do about such a file concerns the whole work tree.
    is_refused: bool,
}

impl<'a> Guard<'a> {
    fn new(session: &Session, surveyed: &'a Surveyed, allow_dirty: bool) -> Self {
        Self {
            terminal: session.terminal,
            folder: &surveyed.base.folder,
            allow_dirty,
            known: BTreeSet::new(),
            is_refused: false,
        }
    }

    /// Asks git about the files of `patches`, and names those that may not be written.
    fn look_at(&mut self, patches: &[Patch]) {
        if self.allow_dirty {
            return;
        }
        let files: Vec<(&str, &str)> = patches
            .iter()
            .filter(|patch| self.known.insert(patch.path.clone()))
            .map(|patch| (patch.path.as_str(), patch.before.as_str()))
            .collect();
        let Uncommitted { files, unknown } = git::uncommitted(self.folder, &files);
        for path in &files {
            self.terminal
                .warning(&format!("not written: {path}: has uncommitted changes"));
        }
        for (top, why) in &unknown {
            self.terminal.warning(&format!(
                "not written: git cannot tell what is committed in {}: {why}",
                top.display()
            ));
        }
        if files.is_empty() && unknown.is_empty() {
            return;
        }
        self.is_refused = true;
        self.terminal.warning(
            "no file was written: commit or stash first, so that git can give the files back, or use --allow-dirty",
        );
    }
}

/// The selection as on the command line, for the history.
fn words(selection: &Selection) -> String {
    let quote = |word: &String| {
        if word.contains([' ', ',']) {
            format!("'{word}'")
        } else {
            word.clone()
        }
    };
    let option = |name: &str, values: &[String]| {
        let values: Vec<String> = values.iter().map(quote).collect();
        (!values.is_empty()).then(|| format!("{name} {}", values.join(",")))
    };
    let mut words: Vec<String> = selection.paths.iter().map(quote).collect();
    words.extend(selection.unsafe_too.then(|| "--unsafe".to_owned()));
    words.extend(option("--only", &selection.recipes));
    words.extend(option("--phase", &selection.contexts));
    words.extend(
        selection
            .sites
            .is_some()
            .then(|| "--interactive".to_owned()),
    );
    words.join(" ")
}

fn plan(patch: &Patch) -> Planned {
    Planned {
        path: patch.path.clone(),
        before: patch.before.clone().into_bytes(),
        after: patch.after.clone().into_bytes(),
    }
}
