//! `explain FILE:LINE`: all that is known about one place.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cli::Outcome;
use crate::cli::args::Explain;
use crate::cli::session::{Session, Surveyed};
use crate::cli::terminal::print;
use crate::edit::splice;
use crate::finding::{Finding, Patch};
use crate::report::escape::visible;
use crate::report::explain::{Explanation, at, nothing_at, render};
use crate::report::hunks;

pub(super) fn run(args: &Explain, session: &Session) -> Result<Outcome> {
    let (path, line) = place(&args.place)?;
    let surveyed = session.survey(std::slice::from_ref(&path))?;
    let file = surveyed.base.relative(&surveyed.base.roots[0]);
    let inventory = &surveyed.survey.inventory;
    // As it was surveyed: what lies there may be no regular file, or may have changed since.
    let source = surveyed.survey.source(&file);
    let findings = at(inventory, &file, line, source);
    let terminal = session.terminal;
    let Some(first) = findings.first() else {
        print(&nothing_at(inventory, &file, line))?;
        return Ok(Outcome::Done);
    };
    let begin = first.site.line;
    if begin != line {
        let file = visible(&file);
        print(&format!(
            "{file}:{line} belongs to the site of line {begin}\n\n"
        ))?;
    }
    let texts: Vec<String> = findings
        .into_iter()
        .map(|finding| {
            let diff = proposed(&surveyed, finding, source);
            let explanation = Explanation {
                finding,
                recipe: surveyed.library.recipe(&finding.site.recipe),
                config: &surveyed.survey.config,
                source,
                diff: &diff,
            };
            render(&explanation, terminal.results)
        })
        .collect();
    print(&texts.join("\n"))?;
    Ok(Outcome::Done)
}

/// A file and a line; a column behind it, as compilers print it, is let pass.
fn place(text: &str) -> Result<(PathBuf, usize)> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
    if let Some((rest, last)) = text.rsplit_once(':')
        && let Some(last) = number(last)
    {
        if let Some((file, line)) = rest.rsplit_once(':')
            && let Some(line) = number(line)
            && !file.is_empty()
        {
            return Ok((PathBuf::from(file), line));
        }
        if !rest.is_empty() {
            return Ok((PathBuf::from(rest), last));
        }
    }
    bail!("`{text}` is no place; it is written as FILE:LINE, with lines from 1")
}

/// The diff of the edits that a site asks for; without its imports, which belong to the file.
fn proposed(surveyed: &Surveyed, finding: &Finding, source: Option<&str>) -> String {
    let (Some(fix), Some(before)) = (&finding.fix, source) else {
        return String::new();
    };
    let Ok(after) = splice(before, &fix.edits) else {
        return String::new();
    };
    let edits = fix.edits.iter().cloned();
    let patch = Patch {
        path: finding.site.file.clone(),
        before: before.to_owned(),
        after,
        edits: edits.map(|edit| (edit, Some(finding.id.clone()))).collect(),
        sites: [finding.id.clone()].into(),
    };
    hunks::unified(&patch, &hunks::by_id(&surveyed.survey.inventory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_files_with_a_line() {
        let read = |text: &str| place(text).expect("a place");
        assert_eq!(read("a/b.py:12"), (PathBuf::from("a/b.py"), 12));
        assert_eq!(read("a/b.py:12:5"), (PathBuf::from("a/b.py"), 12));
        assert_eq!(read("a:b.py:12"), (PathBuf::from("a:b.py"), 12));
        for text in ["a.py", "a.py:", "a.py:0", ":12", "a.py:x", ""] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
