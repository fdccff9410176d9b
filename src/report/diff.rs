//! Unified diffs that `git apply` takes.
//!
//! A diff is bytes of the files it is about: lines end at `\n` alone, so that a lone `\r`, `\r\n`, a byte order mark and a missing
//! final line break all survive. It knows texts and line numbers, and nothing of why they differ: the words behind `@@ … @@` are
//! the caller's.

use std::fmt::Write as _;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use crate::report::escape::{is_obeyed, visible_lines};
use crate::report::paint::View;

/// The width of a view that is for eyes, where the width itself plays no part.
pub(super) const ANY_WIDTH: usize = 100;

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// One run of changed lines, as half-open ranges of line numbers from 1. An insertion has an empty `before`, which starts at the
/// line that follows it; a deletion an empty `after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The lines that go.
    pub before: Range<usize>,
    /// The lines that come.
    pub after: Range<usize>,
}

/// Says in a line what the changes of one hunk are; `None` for no annotation.
pub type Annotate<'a> = dyn Fn(&[Change]) -> Option<String> + 'a;

/// The difference between two texts of the file at `path` (relative, with `/` between its parts); empty when there is none.
pub fn unified(path: &str, before: &str, after: &str, annotate: &Annotate<'_>) -> String {
    if before == after {
        return String::new();
    }
    let mut diff = String::new();
    let (old, new) = (quoted("a/", path), quoted("b/", path));
    let _ = writeln!(diff, "diff --git {old} {new}");
    let _ = writeln!(diff, "--- {old}{}", name_end(path));
    let _ = writeln!(diff, "+++ {new}{}", name_end(path));
    push_hunks(&mut diff, before, after, annotate);
    diff
}

/// The lines of a text, each with its `\n`.
pub(super) fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// What has to be done to the lines `before` to get those `after`.
pub(super) fn operations(before: &[&str], after: &[&str]) -> Vec<DiffOp> {
    capture_diff_slices(Algorithm::Histogram, before, after)
}

fn push_hunks(diff: &mut String, before: &str, after: &str, annotate: &Annotate<'_>) {
    for hunk in hunks(before, after) {
        diff.push_str(&hunk.header());
        if let Some(words) = annotate(&hunk.changes) {
            let _ = write!(diff, " {}", one_line(&words));
        }
        diff.push('\n');
        diff.push_str(&hunk.body);
    }
}

/// Changes that lie near each other, with the unchanged lines around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The lines of the text before, as a half-open range from 0.
    pub before: Range<usize>,
    /// The lines of the text after.
    pub after: Range<usize>,
    /// The changed lines among them.
    pub changes: Vec<Change>,
    /// The lines, each behind ` `, `-` or `+`.
    pub body: String,
}

impl Hunk {
    /// The line `@@ -1,2 +1,3 @@`, without its line break.
    pub fn header(&self) -> String {
        format!("@@ -{} +{} @@", range(&self.before), range(&self.after))
    }
}

/// The hunks of the difference between two texts.
pub fn hunks(before: &str, after: &str) -> Vec<Hunk> {
    let (before, after) = (lines(before), lines(after));
    let groups = group_diff_ops(operations(&before, &after), CONTEXT);
    let groups = groups.into_iter().filter_map(|group| {
        let (first, last) = (group.first()?, group.last()?);
        let mut body = String::new();
        for operation in &group {
            if let DiffOp::Equal { .. } = operation {
                push_lines(&mut body, ' ', &before[operation.old_range()]);
            } else {
                push_lines(&mut body, '-', &before[operation.old_range()]);
                push_lines(&mut body, '+', &after[operation.new_range()]);
            }
        }
        Some(Hunk {
            before: first.old_range().start..last.old_range().end,
            after: first.new_range().start..last.new_range().end,
            changes: changes(&group),
            body,
        })
    });
    groups.collect()
}

/// A range of lines as a hunk's header has it: an empty one names the line before it, and a length of 1 is left out.
fn range(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        length => format!("{},{length}", lines.start + 1),
    }
}

fn changes(hunk: &[DiffOp]) -> Vec<Change> {
    let numbers = |lines: Range<usize>| lines.start + 1..lines.end + 1;
    let mut changes: Vec<Change> = Vec::new();
    for operation in hunk {
        if let DiffOp::Equal { .. } = operation {
            continue;
        }
        let change = Change {
            before: numbers(operation.old_range()),
            after: numbers(operation.new_range()),
        };
        match changes.last_mut() {
            Some(last)
                if last.before.end == change.before.start
                    && last.after.end == change.after.start =>
            {
                last.before.end = change.before.end;
                last.after.end = change.after.end;
            }
            _ => changes.push(change),
        }
    }
    changes
}

fn push_lines(diff: &mut String, sign: char, lines: &[&str]) {
    for line in lines {
        diff.push(sign);
        diff.push_str(line);
        if !line.ends_with('\n') {
            diff.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// An annotation as one line that neither a terminal nor `git apply` takes for anything else.
fn one_line(words: &str) -> String {
    let mut line = String::with_capacity(words.len());
    for word in words.split(|c: char| c.is_whitespace() || is_obeyed(c)) {
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

/// A path behind its prefix as git writes it: in double quotes, with C's escapes, when it holds anything but plain ASCII.
pub(super) fn quoted(prefix: &str, path: &str) -> String {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    if path.bytes().all(is_plain) {
        return format!("{prefix}{path}");
    }
    let mut quoted = format!("\"{prefix}");
    for byte in path.bytes() {
        match byte {
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            7 => quoted.push_str("\\a"),
            8 => quoted.push_str("\\b"),
            b'\t' => quoted.push_str("\\t"),
            b'\n' => quoted.push_str("\\n"),
            11 => quoted.push_str("\\v"),
            12 => quoted.push_str("\\f"),
            b'\r' => quoted.push_str("\\r"),
            byte if is_plain(byte) => quoted.push(char::from(byte)),
            byte => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted.push('"');
    quoted
}

/// What follows a name in a `---` or `+++` line: a name with a space ends at a tab.
fn name_end(path: &str) -> &'static str {
    if path.contains(' ') { "\t" } else { "" }
}

/// A diff for whoever reads it: a terminal gets nothing that steers it, a file or a pipe every byte.
pub fn shown(diff: &str, view: View) -> String {
    if view.colour {
        coloured(diff)
    } else if view.width.is_some() {
        visible_lines(diff).into_owned()
    } else {
        diff.to_owned()
    }
}

/// A diff for a terminal: coloured as git does, and with everything that a terminal would obey written out.
fn coloured(diff: &str) -> String {
    let mut shown = String::with_capacity(diff.len() * 5 / 4);
    // How many lines of the current hunk are still to come: a removed SQL comment looks like a header (`--- note`).
    let (mut old, mut new) = (0, 0);
    for line in lines(diff) {
        let style = match line.as_bytes().first() {
            Some(b' ') if old > 0 && new > 0 => {
                (old, new) = (old - 1, new - 1);
                Style::new()
            }
            Some(b'-') if old > 0 => {
                old -= 1;
                AnsiColor::Red.on_default()
            }
            Some(b'+') if new > 0 => {
                new -= 1;
                AnsiColor::Green.on_default()
            }
            Some(b'@') if old == 0 && new == 0 => {
                if let Some(hunk) = HunkLine::read(line) {
                    (old, new) = (hunk.old, hunk.new);
                    push_styled(&mut shown, AnsiColor::Cyan.on_default(), hunk.range);
                    push_styled(&mut shown, AnsiColor::Yellow.on_default(), hunk.annotation);
                    continue;
                }
                Style::new()
            }
            Some(b'\\') => Style::new().dimmed(),
            _ => Style::new().bold(),
        };
        push_styled(&mut shown, style, line);
    }
    shown
}

/// The parts of a line `@@ -1,2 +1,3 @@ words`.
struct HunkLine<'a> {
    old: usize,
    new: usize,
    range: &'a str,
    annotation: &'a str,
}

impl<'a> HunkLine<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let end = line.find(" @@")? + " @@".len();
        let (range, annotation) = line.split_at(end);
        let mut counts =
            range
                .trim_matches(['@', ' '])
                .split(' ')
                .map(|part| match part.split_once(',') {
                    Some((_, count)) => count.parse().ok(),
                    None => Some(1),
                });
        Some(Self {
            old: counts.next()??,
            new: counts.next()??,
            range,
            annotation,
        })
    }
}

/// A line in one style; the line break stays outside of it.
fn push_styled(shown: &mut String, style: Style, line: &str) {
    let text = line.strip_suffix('\n').unwrap_or(line);
    if text.is_empty() || style == Style::new() {
        shown.push_str(&visible_lines(line));
        return;
    }
    let body = text.strip_suffix('\r').unwrap_or(text);
    let _ = write!(shown, "{style}{}{style:#}", visible_lines(body));
    shown.push_str(&line[body.len()..]);
}

#[cfg(all(test, unix))]
mod tests;
