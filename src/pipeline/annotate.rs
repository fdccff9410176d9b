//! Comments above the sites that are left to a person: `# connmod: review(asyncpg/pool-acquire): why`.
//!
//! They are drawn up from the tree as it is to be, so that a run over the written tree has nothing to add. A comment whose site is gone, or
//! whose reason is another by now, goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::edit::{Edit, splice};
use crate::finding::{Finding, Patch, Verdict};
use crate::pipeline::lane::{Known, Run};
use crate::pipeline::{Selection, mark, parse_file, verify};
use crate::progress::Silent;
use crate::project::{FileId, ParsedFile, Project};
use crate::source::{SourceFile, Span};

/// The patches with the comments of the selected sites; and how many comments come and go.
pub(super) fn annotate(
    run: Run<'_>,
    patches: Vec<Patch>,
    selection: &Selection,
) -> (Vec<Patch>, Change) {
    let mut by_path: BTreeMap<String, Patch> = patches
        .into_iter()
        .map(|patch| (patch.path.clone(), patch))
        .collect();
    let project = after(run.project, &by_path);
    let known = Known::of(run.lanes, &project);
    let later = Run {
        project: &project,
        known: &known,
        ..run
    };
    let ids: Vec<FileId> = project.files().map(|(id, _)| id).collect();
    let judged = verify::judge(later, &ids, &Silent);
    let mut change = Change::default();
    for file in &judged {
        let parsed = project.file(file.file);
        let edits = marks(parsed, &file.findings, selection, &mut change);
        if edits.is_empty() {
            continue;
        }
        let path = parsed.source.path();
        let patch = by_path.remove(path);
        let patch = patch.unwrap_or_else(|| unchanged(parsed));
        by_path.insert(path.to_owned(), with(patch, edits));
    }
    (by_path.into_values().collect(), change)
}

/// How many comments come and go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// Comments that are put above a site.
    pub added: usize,
    /// Comments that are taken out.
    pub removed: usize,
}

/// The project with the patches made.
fn after(project: &Project, patches: &BTreeMap<String, Patch>) -> Project {
    let changed = |file: &ParsedFile| {
        let patch = patches.get(file.source.path())?;
        let source = SourceFile::new(file.source.path_arc(), patch.after.clone());
        parse_file(&source, file.room()).ok().flatten()
    };
    let files = project.files();
    let fresh = files.filter_map(|(id, file)| Some((id.0, Arc::new(changed(file)?))));
    verify::with_files(project, fresh.collect())
}

fn unchanged(file: &ParsedFile) -> Patch {
    Patch {
        path: file.source.path().to_owned(),
        before: file.text().to_owned(),
        after: file.text().to_owned(),
        edits: Vec::new(),
        sites: BTreeSet::new(),
    }
}

/// The edits that bring the comments of one file up to date, each with the id of its site.
fn marks(
    file: &ParsedFile,
    findings: &[Finding],
    selection: &Selection,
    change: &mut Change,
) -> Vec<(Edit, Option<String>)> {
    let there = existing(file);
    let mut wanted: BTreeMap<usize, Vec<(String, &Finding)>> = BTreeMap::new();
    let mut others: BTreeSet<usize> = BTreeSet::new();
    for finding in findings {
        if finding.verdict != Verdict::Review {
            continue;
        }
        let line = file.language.line_above(file.code(), finding.site.span);
        if selection.takes(finding) {
            let text = comment(file, finding);
            let texts = wanted.entry(line).or_default();
            if !texts.iter().any(|(known, _)| *known == text) {
                texts.push((text, finding));
            }
        } else {
            others.insert(line);
        }
    }
    let mut edits = Vec::new();
    let mut fresh = wanted.clone();
    for (line_of_comment, text) in there {
        let line = code_below(file, line_of_comment.end);
        let texts = fresh.entry(line).or_default();
        let stays = texts.iter().position(|(wanted, _)| is_same(wanted, &text));
        match stays {
            Some(at) => {
                texts.remove(at);
            }
            // What is not selected is left as it is.
            None if others.contains(&line) => {}
            None => {
                change.removed += 1;
                edits.push((Edit::delete(line_of_comment), None));
            }
        }
    }
    for (line, texts) in fresh {
        let mark = "\u{feff}";
        let line_text = &file.text()[line..];
        let at = line
            + if line_text.starts_with(mark) {
                mark.len()
            } else {
                0
            };
        let code = &file.text()[at..];
        let indent = &code[..code.len() - code.trim_start_matches([' ', '\t', '\u{c}']).len()];
        for (text, finding) in texts {
            change.added += 1;
            let newline = file.source.newline().as_str();
            let line = format!("{indent}{text}{newline}");
            edits.push((Edit::insert(at, line), Some(finding.id.clone())));
        }
    }
    edits.sort_by_key(|(edit, _)| (edit.span.start, edit.span.end));
    edits
}

/// The comment on a site, without indentation.
fn comment(file: &ParsedFile, finding: &Finding) -> String {
    let reason = finding.reasons.first().map_or("", String::as_str);
    // Reasons quote code, which may hold anything.
    let words = reason.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let reason = without_lines(&words.join(" "));
    let recipe = &finding.site.recipe;
    let word = file.language.line_comment();
    format!("{word} {} review({recipe}): {reason}", mark::MARK)
        .trim_end()
        .to_owned()
}

/// Whether two comments say the same. How many more there are of something is no reason for another comment.
fn is_same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    words(one) == words(other)
}

/// A reason without the numbers of lines: the comments themselves would move them.
fn without_lines(reason: &str) -> String {
    let digits =
        |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mut rest = reason;
    let mut kept = String::with_capacity(reason.len());
    while let Some(first) = rest.chars().next() {
        let number = |before: &str, after: &str| {
            let behind = rest.strip_prefix(before)?;
            let count = digits(behind);
            let end = behind[count..].strip_prefix(after)?;
            (count > 0).then_some(end)
        };
        // `app/a.py:12`, not `10:30` and not `$1`.
        let in_path = || number(":", "").filter(|_| kept.ends_with(char::is_alphabetic));
        let skipped = number(" (line ", ")")
            .or_else(|| number(" in line ", ""))
            .or_else(|| several(rest))
            .or_else(in_path);
        rest = skipped.unwrap_or_else(|| {
            kept.push(first);
            &rest[first.len_utf8()..]
        });
    }
    kept
}

/// What follows ` in lines 1, 2 and 3` at the beginning of a text.
fn several(text: &str) -> Option<&str> {
    let list = text.strip_prefix(" in lines ")?;
    let end = |c: char| !(c.is_ascii_digit() || c == ',' || c == ' ');
    let mut length = list.find(end).unwrap_or(list.len());
    while let Some(more) = list[length..].strip_prefix("and ") {
        let digits = more
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(more.len());
        if digits == 0 || more[digits..].starts_with(" more") {
            break;
        }
        length += "and ".len() + digits;
    }
    let numbers = list[..length].trim_end_matches([' ', ',']);
    numbers
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| &list[numbers.len()..])
}

/// The comments of this kind that stand on lines of their own: the whole lines, and the comments.
fn existing(file: &ParsedFile) -> Vec<(Span, String)> {
    let whole = Span::new(0, file.text().len());
    let comments = file.language.comments(file.code(), whole).into_iter();
    comments
        .filter_map(|span| {
            let text = file.source.slice(span).trim_end();
            mark::marked(file, text)?.strip_prefix("review(")?;
            let line = file.source.line_start(span.start);
            let before = file.text()[line..span.start].trim_start_matches('\u{feff}');
            let is_alone = before.trim().is_empty();
            let start = span.start - before.len();
            let end = file.source.line_span(file.source.line_of(span.start)).end;
            is_alone.then(|| (Span::new(start, end), text.to_owned()))
        })
        .collect()
}

/// The start of the first line from `at` on that is no comment.
fn code_below(file: &ParsedFile, at: usize) -> usize {
    let comment = file.language.line_comment();
    let mut start = at;
    for line in file.text()[at..].split_inclusive('\n') {
        if !line.trim_start().starts_with(comment) {
            break;
        }
        start += line.len();
    }
    start
}

/// A patch with further edits of its new text.
fn with(mut patch: Patch, marks: Vec<(Edit, Option<String>)>) -> Patch {
    let plain: Vec<Edit> = marks.iter().map(|(edit, _)| edit.clone()).collect();
    // The edits are lines: none overlaps another.
    let Ok(after) = splice(&patch.after, &plain) else {
        return patch;
    };
    let moved = marks.into_iter().map(|(edit, id)| {
        let span = Span::new(
            before(&patch.edits, edit.span.start),
            before(&patch.edits, edit.span.end),
        );
        (Edit::replace(span, edit.text), id)
    });
    let moved: Vec<_> = moved.collect();
    patch.edits.extend(moved);
    patch
        .edits
        .sort_by_key(|(edit, _)| (edit.span.start, edit.span.end));
    patch.after = after;
    patch
}

/// Where an offset of the new text lies in the old one; inside of what was put in, where that stands.
fn before(edits: &[(Edit, Option<String>)], at: usize) -> usize {
    let (mut old, mut new) = (0, 0);
    for (edit, _) in edits {
        let kept = edit.span.start - old;
        if at < new + kept {
            break;
        }
        new += kept;
        old = edit.span.start;
        if at < new + edit.text.len() {
            return old;
        }
        new += edit.text.len();
        old = edit.span.end;
    }
    old + at.saturating_sub(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_part_of_a_comment() {
        for (reason, kept) in [
            ("caught (line 59); used", "caught; used"),
            (
                "stays with `.acquire()` in line 130, which stays",
                "stays with `.acquire()`, which stays",
            ),
            (
                "read at a/b.py:23, c.py:4 and 3 more",
                "read at a/b.py, c.py and 3 more",
            ),
            (
                "`SELECT $1` at 10:30 (linen 4)",
                "`SELECT $1` at 10:30 (linen 4)",
            ),
        ] {
            assert_eq!(without_lines(reason), kept);
        }
    }

    #[test]
    fn an_offset_of_the_new_text_is_found_in_the_old_one() {
        // "abcdef" → "abXYZef" → the offsets of a, X, Z, e.
        let edits = [(Edit::replace(Span::new(2, 4), "XYZ"), None)];
        let places: Vec<usize> = [0, 2, 4, 5, 7].map(|at| before(&edits, at)).into();
        assert_eq!(places, [0, 2, 2, 4, 6]);
    }
}
