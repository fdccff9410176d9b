//! `undo`: takes back what `apply` wrote, all of the last one or some files, and lists what was written.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::apply::{Change, Done, End, Entry, History, Kind, State};
use crate::cli::Outcome;
use crate::cli::args::Undo;
use crate::cli::base::{Base, real_place};
use crate::cli::history::{self, date, interrupted, name, now, report};
use crate::cli::session::Session;
use crate::cli::terminal::print;
use crate::report::escape::visible;
use crate::report::totals::plural;

pub(super) fn run(args: &Undo, session: &Session) -> Result<Outcome> {
    let base = session.base(&[], None)?;
    let history = history::open(&base.folder)?;
    if args.list {
        return list(session, &history);
    }
    let terminal = session.terminal;
    if let Some(pending) = history.pending()? {
        if !args.files.is_empty() {
            bail!("{}", interrupted(&pending));
        }
        terminal.remark(&interrupted(&pending));
        let settled = history.settle(End::TakenBack, args.force)?;
        let done = settled.map(|(_, done)| done).unwrap_or_default();
        return conclude(session, &done);
    }
    let chosen = chosen(args, session, &base)?;
    let takes = |path: &str| chosen.iter().any(|chosen| is_in(path, chosen));
    let takes: Option<&dyn Fn(&str) -> bool> = (!chosen.is_empty()).then_some(&takes);
    let standing = History::standing(&history.entries()?);
    for (given, name) in args.files.iter().zip(&chosen) {
        let mut files = standing.iter().flat_map(|(_, files)| files);
        if !files.any(|file| is_in(&file.path, name)) {
            bail!(
                "no apply that still stands has written {}; nothing was taken back, `connmod undo --list` shows what there is",
                given.display()
            );
        }
    }
    if standing.is_empty() {
        terminal.remark(&format!(
            "nothing to take back in {}; --root names another project",
            base.folder.display()
        ));
        return Ok(Outcome::Done);
    }
    let done = history.undo(takes, args.force, now(), chosen.join(" "))?;
    conclude(session, &done)
}

fn conclude(session: &Session, done: &Done) -> Result<Outcome> {
    let terminal = session.terminal;
    let refused = report(terminal, done, true)?;
    let restored = done.files.len() - refused;
    terminal.remark(&format!("{} restored", plural(restored, "file")));
    if refused > 0 {
        let files = plural(done.files.len(), "file");
        terminal.warning(&format!("{refused} of {files} not restored, see above"));
    }
    Ok(if refused == 0 && done.unsettled.is_none() {
        Outcome::Done
    } else {
        Outcome::No
    })
}

/// The paths of the command line as the journal has them. A file may be gone, or be a link.
fn chosen(args: &Undo, session: &Session, base: &Base) -> Result<Vec<String>> {
    let relative = |path: &PathBuf| {
        let full = session.full(path);
        // What it is itself is not looked at, only where it lies.
        let real = match (full.parent(), full.file_name()) {
            (Some(folder), Some(name)) => real_place(folder).join(name),
            _ => real_place(&full),
        };
        if !real.starts_with(&base.folder) {
            bail!(
                "{} is outside of {}; nothing was taken back, --root names another project",
                path.display(),
                base.folder.display()
            );
        }
        Ok(base.relative(&real))
    };
    args.files.iter().map(relative).collect()
}

/// Whether a path is `chosen` or lies in it.
fn is_in(path: &str, chosen: &str) -> bool {
    Path::new(path).starts_with(chosen)
}

fn list(session: &Session, history: &History) -> Result<Outcome> {
    let entries = history.entries()?;
    let standing = History::standing(&entries);
    let mut text = String::new();
    for entry in entries.iter().rev() {
        let still = standing.iter().find(|(number, _)| *number == entry.number);
        let still = still.map_or(&[][..], |(_, files)| files);
        text += &line(entry, still);
        if session.terminal.verbose {
            let files = entry.files.iter().map(|file| {
                let mark = if file.written { "" } else { "not written: " };
                format!("      {mark}{}\n", visible(&file.path))
            });
            text.extend(files);
        }
    }
    print(&text)?;
    if entries.is_empty() {
        session.terminal.remark("nothing was written yet");
    }
    if let Some(pending) = history.pending()? {
        session.terminal.warning(&interrupted(&pending));
    }
    Ok(Outcome::Done)
}

/// One run: its number, time and name, and what is left of it.
fn line(entry: &Entry, standing: &[Change]) -> String {
    let written = entry.files.iter().filter(|file| file.written).count();
    let state = match (entry.state, entry.kind) {
        (State::Open, _) => "interrupted".to_owned(),
        (State::Closed, _) if written == 0 => "nothing changed".to_owned(),
        (State::Closed, Kind::Undo) => format!("{} restored", plural(written, "file")),
        (State::Closed, Kind::Apply) if standing.is_empty() => "taken back".to_owned(),
        (State::Closed, Kind::Apply) if standing.len() == written => {
            format!("{} written", plural(written, "file"))
        }
        (State::Closed, Kind::Apply) => format!(
            "{} of {} written still stand",
            standing.len(),
            plural(written, "file")
        ),
    };
    format!(
        "{:>4}  {}  {}  ({state})\n",
        entry.number,
        date(entry.when),
        visible(&name(entry))
    )
}
