//! The examples of a recipe file: each expects one thing, and together they show that the recipe does something.
//!
//! They are run elsewhere; here only their form is checked.

use std::collections::BTreeMap;

use serde_yaml::Spanned;

use super::file::{Entries, ExampleFile};
use super::model::{Example, Expectation};
use crate::fault::{Fault, span_of};
use crate::source::{SourceFile, Span};

/// Checks the examples of a recipe file.
pub(super) fn check(
    text: &str,
    written: &Spanned<Vec<Spanned<ExampleFile>>>,
    has_rewrites: bool,
) -> Result<Vec<Example>, Fault> {
    let lines = SourceFile::new("", text);
    let mut examples = Vec::new();
    for example in &written.value {
        let span = span_of(text, example.defined);
        let line = lines.line_of(span.start);
        examples.push(check_example(text, &example.value, span, line)?);
    }
    let (found, missing) = if has_rewrites {
        let found = examples
            .iter()
            .any(|example| matches!(example.expect, Expectation::After { .. }));
        (found, "no example shows what a rewrite writes (`after`)")
    } else {
        let found = examples
            .iter()
            .any(|example| example.expect != Expectation::NoSite);
        (found, "no example shows a site")
    };
    if found {
        Ok(examples)
    } else {
        let span = span_of(text, written.defined);
        Err(Fault::new(span, missing).help("a recipe without an example is not known to work"))
    }
}

fn check_example(
    text: &str,
    written: &ExampleFile,
    span: Span,
    line: usize,
) -> Result<Example, Fault> {
    let expectations = [
        written.after.as_ref().map(|text| Expectation::After {
            text: text.clone(),
            unsafe_because: written
                .unsafe_because
                .as_ref()
                .map(|reason| reason.value.clone()),
        }),
        written.review.clone().map(Expectation::Review),
        written.keep.clone().map(Expectation::Keep),
        written.standard.map(|_| Expectation::Standard),
        written.no_site.map(|_| Expectation::NoSite),
    ];
    let mut given = expectations.into_iter().flatten();
    let (Some(expect), None) = (given.next(), given.next()) else {
        return Err(Fault::new(
            span,
            "an example expects exactly one of `after`, `review`, `keep`, `standard`, `no-site`",
        ));
    };
    if written.standard == Some(false) || written.no_site == Some(false) {
        return Err(Fault::new(
            span,
            "`standard` and `no-site` are `true` or not given",
        ));
    }
    if let Expectation::Review(reason) | Expectation::Keep(reason) = &expect
        && reason.trim().is_empty()
    {
        return Err(Fault::new(
            span,
            "the expected reason is empty, so any reason passes",
        ));
    }
    if let Some(reason) = &written.unsafe_because
        && !matches!(expect, Expectation::After { .. })
    {
        let span = span_of(text, reason.defined);
        return Err(Fault::new(span, "`unsafe` goes with `after`"));
    }
    check_path(&written.path.value)
        .map_err(|problem| Fault::new(span_of(text, written.path.defined), problem))?;
    Ok(Example {
        title: written.title.clone(),
        path: written.path.value.clone(),
        before: written.before.clone(),
        files: example_files(text, written.files.as_ref())?,
        expect,
        line,
    })
}

fn example_files(
    text: &str,
    files: Option<&Entries<String>>,
) -> Result<BTreeMap<String, String>, Fault> {
    let mut by_path = BTreeMap::new();
    for (path, content) in files.into_iter().flat_map(|entries| &entries.0) {
        check_path(&path.value)
            .map_err(|problem| Fault::new(span_of(text, path.defined), problem))?;
        by_path.insert(path.value.clone(), content.clone());
    }
    Ok(by_path)
}

/// Paths of examples lie inside the project, with `/` between their parts.
fn check_path(path: &str) -> Result<(), String> {
    let ordinary = |part: &str| !part.is_empty() && part != "." && part != "..";
    if path.split('/').all(ordinary) && !path.contains('\\') {
        Ok(())
    } else {
        Err(format!("`{path}` is no path inside a project"))
    }
}
