//! The summary of a change, file by file, as `git diff --stat` prints it.

use std::fmt::Write as _;

use similar::DiffOp;

use crate::report::diff::{lines, operations, quoted};

/// The width that git takes when it does not write to a terminal.
pub const DEFAULT_WIDTH: usize = 80;

/// One file's two texts.
#[derive(Debug, Clone, Copy)]
pub struct FileChange<'a> {
    /// The path, relative to the root.
    pub path: &'a str,
    /// What it holds.
    pub before: &'a str,
    /// What it is to hold.
    pub after: &'a str,
}

/// How many lines come and go in one file.
struct Counts {
    name: String,
    added: usize,
    removed: usize,
}

/// A line per changed file, with a bar of its changed lines, and a line of totals. Files that do not change are left out; where
/// none does, the text is empty.
pub fn stat(changes: &[FileChange<'_>], width: usize) -> String {
    let files: Vec<Counts> = changes
        .iter()
        .filter(|change| change.before != change.after)
        .map(count)
        .collect();
    if files.is_empty() {
        return String::new();
    }
    let layout = Layout::new(&files, width);
    let mut text = String::new();
    for file in &files {
        layout.push_file(&mut text, file);
    }
    let added = files.iter().map(|file| file.added).sum();
    let removed = files.iter().map(|file| file.removed).sum();
    push_totals(&mut text, files.len(), added, removed);
    text
}

fn count(change: &FileChange<'_>) -> Counts {
    let (before, after) = (lines(change.before), lines(change.after));
    let (mut added, mut removed) = (0, 0);
    for operation in operations(&before, &after) {
        if !matches!(operation, DiffOp::Equal { .. }) {
            removed += operation.old_range().len();
            added += operation.new_range().len();
        }
    }
    Counts {
        name: quoted("", change.path),
        added,
        removed,
    }
}

/// The columns, divided as git divides them.
struct Layout {
    name: usize,
    number: usize,
    graph: usize,
    largest: usize,
}

impl Layout {
    fn new(files: &[Counts], width: usize) -> Self {
        let largest = files
            .iter()
            .map(|file| file.added + file.removed)
            .max()
            .unwrap_or(0);
        let number = largest.to_string().len();
        // A space, and ` | ` with the blanks around the number.
        let fixed = number + 6;
        let width = width.max(16 + fixed);
        let mut name = files.iter().map(|file| file.name.len()).max().unwrap_or(0);
        let mut graph = largest;
        if name + fixed + graph > width {
            graph = graph.min((width * 3 / 8).saturating_sub(fixed).max(6));
            name = name.min(width - fixed - graph);
            graph = largest.min(width - fixed - name);
        }
        Self {
            name,
            number,
            graph,
            largest,
        }
    }

    fn push_file(&self, text: &mut String, file: &Counts) {
        let total = file.added + file.removed;
        let (plus, minus) = self.bar(file);
        let _ = writeln!(
            text,
            " {:name$} | {total:number$}{}{}{}",
            self.shortened(&file.name),
            if total == 0 { "" } else { " " },
            "+".repeat(plus),
            "-".repeat(minus),
            name = self.name,
            number = self.number,
        );
    }

    /// The end of a name that is too long, from a `/` on where there is one. Quoted names are ASCII, so bytes are columns.
    fn shortened(&self, name: &str) -> String {
        if name.len() <= self.name {
            return name.to_owned();
        }
        let tail = &name[name.len() - self.name.saturating_sub(3)..];
        let tail = tail.find('/').map_or(tail, |slash| &tail[slash..]);
        format!("...{tail}")
    }

    fn bar(&self, file: &Counts) -> (usize, usize) {
        let (added, removed) = (file.added, file.removed);
        if self.graph >= self.largest {
            return (added, removed);
        }
        let mut total = self.scaled(added + removed);
        if total < 2 && added > 0 && removed > 0 {
            total = 2;
        }
        if added < removed {
            let plus = self.scaled(added);
            (plus, total - plus)
        } else {
            let minus = self.scaled(removed);
            (total - minus, minus)
        }
    }

    fn scaled(&self, count: usize) -> usize {
        if count == 0 {
            0
        } else {
            1 + count * (self.graph - 1) / self.largest
        }
    }
}

fn push_totals(text: &mut String, files: usize, added: usize, removed: usize) {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let _ = write!(text, " {files} file{} changed", plural(files));
    if added > 0 || removed == 0 {
        let _ = write!(text, ", {added} insertion{}(+)", plural(added));
    }
    if removed > 0 || added == 0 {
        let _ = write!(text, ", {removed} deletion{}(-)", plural(removed));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn numbered(count: usize, word: &str) -> String {
        let mut text = String::new();
        for number in 0..count {
            let _ = writeln!(text, "{word} {number}");
        }
        text
    }

    /// What git says about the same change, from a repository of its own.
    fn from_git(changes: &[FileChange<'_>]) -> String {
        let folder = tempfile::TempDir::new().unwrap();
        let git = |arguments: &[&str]| {
            let output = Command::new("git")
                .args([
                    "-c",
                    "core.autocrlf=false",
                    "-c",
                    "diff.algorithm=histogram",
                ])
                .args(arguments)
                .current_dir(folder.path())
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_SYSTEM", "/dev/null")
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let put = |text: for<'a> fn(&FileChange<'a>) -> &'a str| {
            for change in changes {
                let path = folder.path().join(change.path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text(change)).unwrap();
            }
        };
        git(&["init", "-q"]);
        put(|change| change.before);
        git(&["add", "-A"]);
        put(|change| change.after);
        git(&["diff", "--stat=80"])
    }

    fn check(changes: &[FileChange<'_>]) {
        assert_eq!(stat(changes, DEFAULT_WIDTH), from_git(changes));
    }

    #[test]
    fn nothing_changed_is_an_empty_text() {
        let same = FileChange {
            path: "a.py",
            before: "x\n",
            after: "x\n",
        };
        assert_eq!(stat(&[same], DEFAULT_WIDTH), "");
    }

    #[test]
    fn small_changes_have_a_sign_per_line() {
        check(&[
            FileChange {
                path: "a.py",
                before: "a\nb\nc\n",
                after: "a\nB\nc\nd\n",
            },
            FileChange {
                path: "pkg/longer name.py",
                before: "a\nb\n",
                after: "a\n",
            },
        ]);
    }

    #[test]
    fn insertions_alone_name_no_deletions() {
        check(&[FileChange {
            path: "a.py",
            before: "",
            after: "a",
        }]);
    }

    #[test]
    fn large_changes_and_long_names_are_scaled_and_shortened() {
        let (old, new) = (numbered(700, "old"), numbered(350, "new"));
        let long = format!(
            "services/{}/handlers/connection_registry.py",
            "x".repeat(60)
        );
        check(&[
            FileChange {
                path: "a.py",
                before: "a\n",
                after: "b\n",
            },
            FileChange {
                path: "b/caf\u{e9}.py",
                before: &new,
                after: "b\n",
            },
            FileChange {
                path: &long,
                before: &old,
                after: &new,
            },
        ]);
        check(&[FileChange {
            path: "one.py",
            before: &old,
            after: &new,
        }]);
    }
}
