//! Writes many files as one run that can be finished or taken back, wherever it was stopped.
//!
//! A run is checked as a whole, recorded with all contents, and only then are files replaced. There is one way to bring the files of a
//! record to one of its two ends; `apply`, `undo`, finishing a run and taking one back are that way in one direction or the other:
//!
//! ```text
//!             begin                     close
//! (nothing) ────────▶ open ──────────────────────────────▶ closed
//!                      │  each file holds `before` or `after`
//!                      └ killed: the next run settles it, towards either end
//! ```

use std::collections::BTreeMap;

use super::journal::{Change, Entry, Journal, JournalError, Kind, State, hash};
use super::lock::Lock;
use super::write::{Cause, Planned, Root, WriteError};

/// The two ends of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The edits are in the files.
    Applied,
    /// The files are as they were.
    TakenBack,
}

/// What became of one file.
#[derive(Debug)]
pub struct Written {
    /// The path relative to the root.
    pub path: String,
    /// Why it was not written, if it was not.
    pub result: Result<(), WriteError>,
}

/// What became of a run.
#[derive(Debug, Default)]
pub struct Done {
    /// Its files.
    pub files: Vec<Written>,
    /// Why the record could not be closed, if it could not: the next run has to settle it.
    pub unsettled: Option<JournalError>,
}

/// A run that is not over.
#[derive(Debug)]
pub struct Pending {
    /// Its record.
    pub entry: Entry,
    /// How many of its files hold what it was to write.
    pub reached: usize,
    /// Whether it goes on right now, in another process.
    pub is_running: bool,
}

/// The runs that wrote below a root.
#[derive(Debug)]
pub struct History {
    root: Root,
    journal: Journal,
}

/// How a record is brought to an end.
#[derive(Debug, Clone, Copy)]
struct Way {
    end: End,
    /// Whether it is a run of earlier, whose files somebody may have edited.
    is_late: bool,
    force: bool,
}

impl History {
    /// That of `root`.
    pub fn new(root: Root) -> Self {
        let journal = Journal::new(&root);
        Self { root, journal }
    }

    /// All runs, oldest first.
    pub fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        self.journal.entries()
    }

    /// The run that is not over, if there is one. Changes nothing.
    pub fn pending(&self) -> Result<Option<Pending>, JournalError> {
        let Some(entry) = open(self.entries()?) else {
            return Ok(None);
        };
        let holds = |change: &&Change| self.holds(&change.path).as_ref() == Some(&change.after);
        Ok(Some(Pending {
            reached: entry.files.iter().filter(holds).count(),
            is_running: self.journal.is_busy(),
            entry,
        }))
    }

    /// The files whose edits stand, of each apply by its number, newest first.
    pub fn standing(entries: &[Entry]) -> Vec<(u32, Vec<Change>)> {
        let closed = |kind| {
            let entries = entries.iter().rev();
            entries.filter(move |entry| entry.kind == kind && entry.state == State::Closed)
        };
        let is_taken_back = |number: u32, path: &str| {
            closed(Kind::Undo)
                .flat_map(|undo| &undo.files)
                .any(|file| file.written && file.of == Some(number) && file.path == path)
        };
        let mut standing = Vec::new();
        for entry in closed(Kind::Apply) {
            let stands = |file: &&Change| file.written && !is_taken_back(entry.number, &file.path);
            let files: Vec<Change> = entry.files.iter().filter(stands).cloned().collect();
            if !files.is_empty() {
                standing.push((entry.number, files));
            }
        }
        standing
    }

    /// Looks whether each file could be written now, and changes nothing.
    pub fn check(&self, plans: &[Planned]) -> Vec<Written> {
        let checked = plans.iter().map(|planned| Written {
            path: planned.path.clone(),
            result: self.root.check(planned),
        });
        checked.collect()
    }

    /// Writes those of `plans` that can be written, as one run. `when` and `selection` are for the list.
    pub fn apply(
        &self,
        plans: &[Planned],
        when: u64,
        selection: String,
    ) -> Result<Done, JournalError> {
        if self.check(plans).iter().all(|file| file.result.is_err()) {
            // No journal for nothing.
            return Ok(Done {
                files: self.check(plans),
                unsettled: None,
            });
        }
        let lock = self.settled()?;
        let (mut refused, mut files, mut contents) = (Vec::new(), Vec::new(), Vec::new());
        for (planned, checked) in plans.iter().zip(self.check(plans)) {
            if checked.result.is_err() {
                refused.push(checked);
                continue;
            }
            contents.extend([&planned.before[..], &planned.after[..]]);
            files.push(Change {
                path: planned.path.clone(),
                before: hash(&planned.before),
                after: hash(&planned.after),
                mode: self
                    .root
                    .read(&planned.path)
                    .ok()
                    .and_then(|(_, mode)| mode),
                of: None,
                written: false,
            });
        }
        let when = (when, selection);
        let entry = self
            .journal
            .begin(&lock, Kind::Apply, when, files, &contents)?;
        Ok(self.finish(&lock, entry, refused, false))
    }

    /// Takes back the last apply that stands, or, of the files that `chosen` takes, the last apply of each. With `force` also where
    /// somebody edited or deleted a file since.
    pub fn undo(
        &self,
        chosen: Option<&dyn Fn(&str) -> bool>,
        force: bool,
        when: u64,
        selection: String,
    ) -> Result<Done, JournalError> {
        if self.entries()?.is_empty() {
            return Ok(Done::default());
        }
        let lock = self.settled()?;
        let mut newest: BTreeMap<String, (u32, Change)> = BTreeMap::new();
        for (number, files) in Self::standing(&self.entries()?) {
            for file in files {
                if chosen.is_none_or(|chosen| chosen(&file.path)) {
                    let path = file.path.clone();
                    newest.entry(path).or_insert((number, file));
                }
            }
            if chosen.is_none() {
                break;
            }
        }
        let (mut refused, mut files, mut contents) = (Vec::new(), Vec::new(), Vec::new());
        for (path, (number, change)) in newest {
            match self.way_back(number, &change, force) {
                Ok(planned) => {
                    files.push(Change {
                        before: hash(&planned.before),
                        after: change.before,
                        of: Some(number),
                        written: false,
                        ..change
                    });
                    contents.extend([planned.before, planned.after]);
                }
                Err(error) => refused.push(Written {
                    path,
                    result: Err(error),
                }),
            }
        }
        if files.is_empty() {
            return Ok(Done {
                files: refused,
                unsettled: None,
            });
        }
        let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        let when = (when, selection);
        let entry = self
            .journal
            .begin(&lock, Kind::Undo, when, files, &contents)?;
        Ok(self.finish(&lock, entry, refused, force))
    }

    /// What has to be written to take `change` back.
    fn way_back(&self, number: u32, change: &Change, force: bool) -> Result<Planned, WriteError> {
        let before = match self.root.read(&change.path) {
            Ok((before, _)) => before,
            Err(error) if !matches!(error.cause, Cause::Gone) => return Err(error),
            Err(_) if !force => return Err(refusal(change, Cause::Deleted)),
            // It is written anew, as if it still held what the apply left there.
            Err(_) => {
                return Ok(Planned {
                    path: change.path.clone(),
                    before: self.content(number, change, &change.after)?,
                    after: self.content(number, change, &change.before)?,
                });
            }
        };
        let holds = hash(&before);
        if holds != change.after && holds != change.before && !force {
            return Err(refusal(change, Cause::Edited));
        }
        let after = self.content(number, change, &change.before)?;
        let planned = Planned {
            path: change.path.clone(),
            before,
            after,
        };
        if planned.before != planned.after {
            self.root.check(&planned)?;
        }
        Ok(planned)
    }

    /// Brings the run that is not over to one of its ends; `None` if there is none. With `force` a file that somebody edited since is
    /// replaced as well, and one that was deleted is written anew.
    pub fn settle(&self, end: End, force: bool) -> Result<Option<(Entry, Done)>, JournalError> {
        if self.entries()?.is_empty() {
            return Ok(None);
        }
        let lock = self.journal.lock()?;
        let Some(entry) = open(self.entries()?) else {
            return Ok(None);
        };
        for change in &entry.files {
            self.root.sweep(&change.path);
        }
        let way = Way {
            end,
            is_late: true,
            force,
        };
        let done = self.bring_all(&lock, entry.clone(), way);
        Ok(Some((entry, done)))
    }

    /// The lock, if no run is left to be settled.
    fn settled(&self) -> Result<Lock, JournalError> {
        let lock = self.journal.lock()?;
        match open(self.entries()?) {
            None => Ok(lock),
            Some(_) => Err(JournalError::Unsettled),
        }
    }

    /// Brings a run that was just begun to its end. With `force` files that are not there are written anew.
    fn finish(&self, lock: &Lock, entry: Entry, refused: Vec<Written>, force: bool) -> Done {
        let end = match entry.kind {
            Kind::Apply => End::Applied,
            Kind::Undo => End::TakenBack,
        };
        let way = Way {
            end,
            is_late: false,
            force,
        };
        let mut done = self.bring_all(lock, entry, way);
        done.files.extend(refused);
        done.files.sort_by(|one, other| one.path.cmp(&other.path));
        done
    }

    fn bring_all(&self, _: &Lock, mut entry: Entry, way: Way) -> Done {
        let forward = (way.end == End::Applied) == (entry.kind == Kind::Apply);
        let mut done = Done::default();
        let (number, kind) = (entry.number, entry.kind);
        for change in &mut entry.files {
            let result = self.bring(number, kind, change, forward, way);
            change.written = match &result {
                Ok(()) => forward,
                Err(_) if !way.is_late => false,
                // What somebody edited counts as what it is after an apply: it can still be taken back by force.
                Err(_) => match self.holds(&change.path) {
                    Some(holds) if holds == change.before => false,
                    Some(holds) if holds == change.after => true,
                    _ => kind == Kind::Apply,
                },
            };
            done.files.push(Written {
                path: change.path.clone(),
                result,
            });
        }
        entry.state = State::Closed;
        done.unsettled = self.journal.record(&entry).err();
        done
    }

    /// Brings one file to its content from after (`forward`) or from before.
    fn bring(
        &self,
        number: u32,
        kind: Kind,
        change: &Change,
        forward: bool,
        way: Way,
    ) -> Result<(), WriteError> {
        let (goal, other) = if forward {
            (&change.after, &change.before)
        } else {
            (&change.before, &change.after)
        };
        // The permissions from before an apply belong to the content from before it.
        let is_original = (kind == Kind::Apply) != forward;
        let mode = change.mode.filter(|_| is_original);
        let content = match self.root.read(&change.path) {
            Ok((content, _)) => content,
            Err(error) if !matches!(error.cause, Cause::Gone) => return Err(error),
            Err(_) if way.force => {
                let content = self.content(number, change, goal)?;
                return self.root.recreate(&change.path, &content, mode);
            }
            Err(_) if way.is_late => return Err(refusal(change, Cause::Deleted)),
            Err(error) => return Err(error),
        };
        let holds = hash(&content);
        if holds == *goal {
            return Ok(());
        }
        if holds != *other {
            if !way.is_late {
                return Err(refusal(change, Cause::Changed));
            }
            if !way.force {
                return Err(refusal(change, Cause::Edited));
            }
            self.journal
                .keep(number, &content)
                .map_err(|error| refusal(change, Cause::Journal(Box::new(error))))?;
        }
        let planned = Planned {
            path: change.path.clone(),
            before: content,
            after: self.content(number, change, goal)?,
        };
        self.root.restore(&planned, mode)
    }

    fn content(&self, number: u32, change: &Change, hash: &str) -> Result<Vec<u8>, WriteError> {
        self.journal
            .blob(number, hash)
            .map_err(|error| refusal(change, Cause::Journal(Box::new(error))))
    }

    /// The hash of what a file holds now.
    fn holds(&self, path: &str) -> Option<String> {
        self.root.read(path).ok().map(|(content, _)| hash(&content))
    }
}

fn open(entries: Vec<Entry>) -> Option<Entry> {
    let mut entries = entries.into_iter().rev();
    entries.find(|entry| entry.state == State::Open)
}

fn refusal(change: &Change, cause: Cause) -> WriteError {
    WriteError {
        path: change.path.clone(),
        cause,
    }
}
