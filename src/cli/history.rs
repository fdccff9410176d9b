//! What the commands that write share: the project's history, what is said about a run that was interrupted, and how a run's result is
//! reported.

use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};

use crate::apply::{Done, Entry, History, Kind, Pending, Root, Written};
use crate::cli::terminal::{Terminal, print};
use crate::report::escape::visible;
use crate::report::totals::plural;

/// For tests: the step of writing at which the process ends as if it was killed, counted from 1.
const KILL_AT: &str = "CONNMOD_TEST_KILL_AT";

/// The history of the project in `folder`.
pub(super) fn open(folder: &Path) -> Result<History> {
    let root = Root::watched(folder, steps()).with_context(|| format!("{}", folder.display()))?;
    Ok(History::new(root))
}

fn steps() -> fn(&'static str) {
    if env::var_os(KILL_AT).is_some() {
        end_at_step
    } else {
        |_| {}
    }
}

fn end_at_step(_: &'static str) {
    static REACHED: AtomicUsize = AtomicUsize::new(0);
    let reached = REACHED.fetch_add(1, Ordering::SeqCst) + 1;
    let last = env::var(KILL_AT).ok().and_then(|text| text.parse().ok());
    if last == Some(reached) {
        std::process::abort();
    }
}

/// Seconds since 1970, for the list; a clock that stands before counts as then.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Says on one line that an earlier run was interrupted, if one was, or that the journal cannot be read.
pub(super) fn remark_on_interrupted(terminal: Terminal, folder: &Path) {
    match open(folder).map(|history| history.pending()) {
        Ok(Ok(Some(pending))) => terminal.warning(&interrupted(&pending)),
        Ok(Err(error)) => terminal.warning(&error.to_string()),
        // The command itself says what is wrong with the folder.
        Ok(Ok(None)) | Err(_) => {}
    }
}

/// What was interrupted, how far it came and how to go on.
pub(super) fn interrupted(pending: &Pending) -> String {
    let Pending { entry, reached, .. } = pending;
    let name = name(entry);
    if pending.is_running {
        return format!("`{name}` is writing files of this project right now");
    }
    let of = format!("{reached} of {}", plural(entry.files.len(), "file"));
    match entry.kind {
        Kind::Apply => format!(
            "`{name}` was interrupted with {of} written; `connmod apply --resume` writes the rest, `connmod undo` takes them back"
        ),
        Kind::Undo => format!(
            "`{name}` was interrupted with {of} taken back; `connmod undo` takes back the rest, `connmod apply --resume` writes them again"
        ),
    }
}

/// A run as it was called.
pub(super) fn name(entry: &Entry) -> String {
    let command = match entry.kind {
        Kind::Apply => "connmod apply",
        Kind::Undo => "connmod undo",
    };
    format!("{command} {}", entry.selection)
        .trim_end()
        .to_owned()
}

/// Prints the files that were written or, in an undo, restored, says why the others were not; gives the number of those.
pub(super) fn report(terminal: Terminal, done: &Done, is_undo: bool) -> Result<usize> {
    let (did, word) = if is_undo {
        ("restored", "restored")
    } else {
        ("wrote", "written")
    };
    let mut refused = 0;
    for Written { path, result } in &done.files {
        match result {
            Ok(()) => print(&format!("{did} {}\n", visible(path)))?,
            Err(error) => {
                terminal.warning(&format!("not {word}: {error}"));
                refused += 1;
            }
        }
    }
    if let Some(error) = &done.unsettled {
        terminal.warning(&format!(
            "{error}; the run counts as interrupted: `connmod apply --resume` or `connmod undo` settles it"
        ));
    }
    Ok(refused)
}

/// A time as `2026-01-31 12:00 UTC`.
pub(super) fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March have their leap day at the end; 719468 days lie between the first of them and 1970.
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + next;
    let (hour, minute) = (rest / 3600, rest / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_251_200, "2024-03-01 00:00 UTC"),
            (1_767_225_599, "2025-12-31 23:59 UTC"),
        ] {
            assert_eq!(date(seconds), text);
        }
        // A damaged record is no reason to panic.
        date(u64::MAX);
    }
}
