//! A change that is edited by hand before it is applied: the text for the editor, and what comes back.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::report::diff::{Hunk, hunks};

const QUICK_GUIDE: &str = "\
# ---
# To keep a line that goes, turn its '-' into ' '.
# To drop a line that comes, delete it, or write '+' lines of your own.
# Lines that start with # are left out. The other lines have to stay.
# When nothing is left, the change stays as it was and you are asked again.
";

/// A change as it was shown, and as it was edited.
#[derive(Debug, Clone)]
pub(super) struct Edited {
    /// The file.
    pub(super) path: String,
    /// The ids of its sites.
    pub(super) sites: BTreeSet<String>,
    /// Its hunks, each with the lines that are to stand there.
    pub(super) hunks: Vec<(Hunk, String)>,
}

impl Edited {
    /// The text `after` with this change as it was edited; `None` where the hunks are no longer those that were shown.
    pub(super) fn place(&self, before: &str, after: &str) -> Option<String> {
        let current = hunks(before, after);
        let mut lines: Vec<&str> = after.split_inclusive('\n').collect();
        // From the last one, so that the lines of those before keep their numbers.
        for (shown, text) in self.hunks.iter().rev() {
            let hunk = current
                .iter()
                .find(|hunk| hunk.before == shown.before && hunk.body == shown.body)?;
            lines.splice(hunk.after.clone(), [text.as_str()]);
        }
        Some(lines.concat())
    }
}

/// What the editor is given.
pub(super) fn document(hunks: &[Hunk]) -> String {
    let mut text = "# Edit the change; see the end for a quick guide.\n".to_owned();
    for hunk in hunks {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}\n{}", hunk.header(), hunk.body);
    }
    text + QUICK_GUIDE
}

/// Reads what came back: the lines that are to stand in the place of each hunk. `None` when there is nothing left.
///
/// # Errors
/// What is wrong with it, for whoever edited.
pub(super) fn read(text: &str, hunks: &[Hunk]) -> Result<Option<Vec<String>>, String> {
    let mut sides: Vec<Sides> = Vec::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with('#') {
            continue;
        }
        if line.starts_with("@@") {
            sides.push(Sides::default());
            continue;
        }
        match sides.last_mut() {
            Some(side) => side.add(line)?,
            None if line.trim().is_empty() => {}
            None => return Err("a line stands before the first @@".to_owned()),
        }
    }
    if sides.is_empty() {
        return Ok(None);
    }
    if sides.len() != hunks.len() {
        return Err(format!(
            "it has {} parts that begin with @@ instead of {}",
            sides.len(),
            hunks.len()
        ));
    }
    let mut texts = Vec::new();
    for (side, hunk) in sides.into_iter().zip(hunks) {
        let mut shown = Sides::default();
        for line in hunk.body.split_inclusive('\n') {
            shown.add(line)?;
        }
        if side.before != shown.before {
            return Err(format!(
                "the lines with ' ' and '-' under {} are not those of the file",
                hunk.header()
            ));
        }
        texts.push(side.after);
    }
    Ok(Some(texts))
}

/// The two texts that a hunk is about.
#[derive(Debug, Default)]
struct Sides {
    before: String,
    after: String,
    /// Which of them the last line belongs to.
    last: (bool, bool),
}

impl Sides {
    fn add(&mut self, line: &str) -> Result<(), String> {
        if line.starts_with('\\') {
            // "\ No newline at end of file": of the line before.
            for (text, is_its) in [
                (&mut self.before, self.last.0),
                (&mut self.after, self.last.1),
            ] {
                if is_its && text.ends_with('\n') {
                    text.pop();
                }
            }
            return Ok(());
        }
        // Editors take the space of an empty line away.
        let (sign, rest) = if line.trim_end_matches(['\n', '\r']).is_empty() {
            (' ', line)
        } else {
            let mut characters = line.chars();
            (characters.next().unwrap_or(' '), characters.as_str())
        };
        self.last = match sign {
            ' ' => (true, true),
            '-' => (true, false),
            '+' => (false, true),
            _ => {
                return Err(format!(
                    "a line starts with none of ' ', '-', '+': {}",
                    line.trim_end()
                ));
            }
        };
        if self.last.0 {
            self.before.push_str(rest);
        }
        if self.last.1 {
            self.after.push_str(rest);
        }
        Ok(())
    }
}

/// Has a text edited in the editor that the environment names.
pub(super) fn in_editor(text: &str) -> Result<String> {
    let named = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR"));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let folder = env::temp_dir().join(format!("connmod-{}", std::process::id()));
    private_folder(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let path = folder.join("change.diff");
    let edited = (|| {
        let mut file = fs::File::create_new(&path)?;
        file.write_all(text.as_bytes())?;
        drop(file);
        // The shell reads it as git does: an editor may come with options.
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{editor} \"$@\""), &editor])
            .arg(&path);
        let status = command.status();
        let status = status.with_context(|| format!("the editor `{editor}` cannot be started"))?;
        if !status.success() {
            bail!("the editor `{editor}` failed: {status}; VISUAL or EDITOR names another");
        }
        fs::read_to_string(&path).context("what was edited cannot be read")
    })();
    // What is left there is in nobody's way.
    let _ = fs::remove_dir_all(&folder);
    edited
}

/// A new folder that only this user can look into: it holds source text.
fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "one\ntwo\n\nthree\nfour\nfive\n";
    const AFTER: &str = "one\nzwei\n\nthree\nfour\nfive\n";

    fn shown() -> Vec<Hunk> {
        hunks(BEFORE, AFTER)
    }

    fn edited(from: &str, to: &str) -> Result<Option<String>, String> {
        let document = document(&shown());
        assert!(document.contains(from), "{document}");
        let texts = read(&document.replace(from, to), &shown())?;
        Ok(texts.map(|texts| {
            let edited = Edited {
                path: "a".into(),
                sites: BTreeSet::new(),
                hunks: shown().into_iter().zip(texts).collect(),
            };
            edited.place(BEFORE, AFTER).expect("the hunk is there")
        }))
    }

    #[test]
    fn an_untouched_change_is_the_change() {
        assert_eq!(edited("", ""), Ok(Some(AFTER.to_owned())));
    }

    #[test]
    fn lines_come_go_and_stay_by_hand() {
        let text = |to| edited("-two\n+zwei\n", to).map(Option::unwrap_or_default);
        let rest = "\nthree\nfour\nfive\n";
        assert_eq!(
            text("-two\n+deux\n+drei\n"),
            Ok(format!("one\ndeux\ndrei\n{rest}"))
        );
        assert_eq!(text(" two\n+zwei\n"), Ok(format!("one\ntwo\nzwei\n{rest}")));
        assert_eq!(text("-two\n"), Ok(format!("one\n{rest}")));
    }

    #[test]
    fn an_empty_line_may_lose_its_space() {
        assert_eq!(edited("\n \n", "\n\n"), Ok(Some(AFTER.to_owned())));
    }

    #[test]
    fn what_is_not_the_file_is_refused() {
        for (from, to) in [
            ("-two\n", "-too\n"),
            (" three\n", ""),
            (" three\n", "three\n"),
            ("@@", "@@ -1 +1 @@\n@@"),
        ] {
            assert!(edited(from, to).is_err(), "{to}");
        }
    }

    #[test]
    fn an_emptied_document_leaves_the_change_alone() {
        assert_eq!(read("# only\n# comments\n\n", &shown()), Ok(None));
    }

    #[test]
    fn a_missing_line_break_at_the_end_stays_missing() {
        let (before, after) = ("a\nb", "a\nc");
        let hunks = hunks(before, after);
        let texts = read(&document(&hunks), &hunks).expect("it is untouched");
        assert_eq!(texts, Some(vec!["a\nc".to_owned()]));
    }

    #[test]
    fn a_hunk_that_is_not_there_any_more_cannot_be_placed() {
        let edited = Edited {
            path: "a".into(),
            sites: BTreeSet::new(),
            hunks: shown()
                .into_iter()
                .map(|hunk| (hunk, String::new()))
                .collect(),
        };
        assert_eq!(edited.place(BEFORE, BEFORE), None);
    }
}
