//! `init`: learns the project and writes its settings down.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::apply::{Planned, Root};
use crate::cli::Outcome;
use crate::cli::args::Init;
use crate::cli::session::Session;
use crate::cli::terminal::print;
use crate::config::FILE_NAME;
use crate::learn::{How, Note, Scaffold, to_yaml};
use crate::report::escape::visible;

pub(super) fn run(args: &Init, session: &Session) -> Result<Outcome> {
    let base = session.base(&[], args.project.as_deref())?;
    let target = base.folder.join(FILE_NAME);
    if !args.print {
        refuse(&base.folder, &target, args.force)?;
    }
    let mut lesson = session.learn(&base)?;
    if args.scaffold {
        let scaffold = lesson.scaffold()?;
        put(&base.folder, &scaffold)?;
        lesson = lesson.with(&scaffold);
        for (path, _) in &scaffold.files {
            session.terminal.remark(&format!("wrote {path}"));
        }
        if let Some(next) = &scaffold.next {
            session.terminal.remark(&format!("Next: {next}"));
        }
    }
    let text = to_yaml(&lesson.learnt);
    if args.print {
        print(&text)?;
        return Ok(Outcome::Done);
    }
    write(&base.folder, text)?;
    print(&summary(&lesson.learnt.notes))?;
    let target = target.display();
    let terminal = session.terminal;
    terminal.remark(&format!("wrote {target}"));
    terminal.remark(if lesson.learnt.notes.iter().any(is_guess) {
        "Next: check the guesses above in it, then run `connmod scan`"
    } else {
        "Next: `connmod scan` shows what there is to migrate"
    });
    Ok(Outcome::Done)
}

/// Says before the work what is in the way of the settings.
fn refuse(folder: &Path, target: &Path, force: bool) -> Result<()> {
    let name = target.display();
    if fs::symlink_metadata(target).is_err() {
        return Ok(());
    }
    let Ok(real) = fs::canonicalize(target) else {
        bail!("{name} is a symbolic link that leads to no file; remove it");
    };
    if !force {
        bail!(
            "{name} is there already; --force overwrites it, --print shows what would be written"
        );
    }
    if !real.starts_with(folder) {
        bail!(
            "{name} is a symbolic link that leads out of the project and is not followed; remove it"
        );
    }
    if !real.is_file() {
        bail!("{name} is no regular file");
    }
    Ok(())
}

fn is_guess(note: &Note) -> bool {
    matches!(note.how, How::Guessed { .. })
}

/// What was found, and then what was guessed: that is what a person has to read.
fn summary(notes: &[Note]) -> String {
    let (guessed, found): (Vec<&Note>, Vec<&Note>) = notes.iter().partition(|note| is_guess(note));
    let lines = |notes: &[&Note]| -> String {
        let lines = notes
            .iter()
            .map(|note| visible(&note.to_string()).into_owned() + "\n");
        lines.collect()
    };
    let mut text = lines(&found);
    if !guessed.is_empty() {
        if !found.is_empty() {
            text.push('\n');
        }
        text.push_str("Guessed, please check:\n");
        text.push_str(&lines(&guessed));
    }
    text
}

/// Writes the files of a scaffold into `folder`, none over another.
fn put(folder: &Path, scaffold: &Scaffold) -> Result<()> {
    let root =
        Root::new(folder).with_context(|| format!("{} cannot be written to", folder.display()))?;
    for (path, text) in &scaffold.files {
        root.create(path, text.as_bytes())?;
    }
    Ok(())
}

/// Writes the settings into `folder`, in the place of those that are there.
fn write(folder: &Path, text: String) -> Result<()> {
    let unwritable = || format!("{} cannot be written to", folder.display());
    let root = Root::new(folder).with_context(unwritable)?;
    let target = folder.join(FILE_NAME);
    if !target.exists() {
        return Ok(root.create(FILE_NAME, text.as_bytes())?);
    }
    let before =
        fs::read(&target).with_context(|| format!("{} cannot be read", target.display()))?;
    Ok(root.write(&Planned {
        path: FILE_NAME.to_owned(),
        before,
        after: text.into_bytes(),
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_anew_and_over_old_ones() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for text in ["version: 1\n", "version: 1\nidentity: []\n"] {
            write(folder.path(), text.to_owned()).expect("it can be written");
            let read = fs::read_to_string(folder.path().join(FILE_NAME)).expect("it is there");
            assert_eq!(read, text);
        }
    }
}
