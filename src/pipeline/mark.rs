//! What surrounds a site without being part of it: comments that suppress it, code that does not parse; and the checklist over all sites.

use crate::config::Config;
use crate::finding::{Finding, Remark, Verdict};
use crate::language::ScopeKind;
use crate::project::ParsedFile;
use crate::recipe::{Check, Library, Recipe};
use crate::source::Span;

/// The word that begins a comment to this program.
pub(super) const MARK: &str = "connmod:";

/// A comment that asks to leave sites alone: `# connmod: allow(asyncpg/pool-acquire): why`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Suppression<'f> {
    /// Its line.
    line: usize,
    /// The recipes that it names; none means all.
    names: Vec<&'f str>,
    /// Why.
    reason: &'f str,
}

impl Suppression<'_> {
    fn names_recipe(&self, recipe: &str) -> bool {
        let same = |name: &&str| recipe == *name || recipe.ends_with(&format!("/{name}"));
        self.names.is_empty() || self.names.iter().any(same)
    }
}

/// The comment to this program that `text` is, behind its mark; `None` for any other comment.
pub(super) fn marked<'f>(file: &ParsedFile, text: &'f str) -> Option<&'f str> {
    let text = text
        .trim_start_matches(file.language.line_comment())
        .trim_start();
    text.strip_prefix(MARK).map(str::trim_start)
}

/// The suppressions inside `region`.
fn suppressions(file: &ParsedFile, region: Span) -> Vec<Suppression<'_>> {
    let comments = file.language.comments(file.code(), region).into_iter();
    comments
        .filter_map(|span| {
            let rest = marked(file, file.source.slice(span))?.strip_prefix("allow")?;
            let (names, reason) = split(rest);
            Some(Suppression {
                line: file.source.line_of(span.start),
                names,
                reason,
            })
        })
        .collect()
}

/// The lines in which a comment speaks of the site: its own, those of its statement's header, and comment lines directly above; also those
/// above the line that the site's is a part of, as above the decorators of a function on one line.
fn regions_of(file: &ParsedFile, site: Span) -> Vec<Span> {
    let own = region_of(file, site);
    let above = file.language.line_above(file.code(), site);
    let above = with_comments_above(file, above);
    let before = Span::new(above.start, above.end.min(own.start));
    [own, before]
        .into_iter()
        .filter(|region| !region.is_empty())
        .collect()
}

/// The comment lines directly above the line that begins at `start`.
fn with_comments_above(file: &ParsedFile, start: usize) -> Span {
    let source = &file.source;
    let line = source.line_of(start);
    let comment = file.language.line_comment();
    let mut first = line;
    while first > 1
        && source
            .slice(source.line_span(first - 1))
            .trim_start()
            .starts_with(comment)
    {
        first -= 1;
    }
    Span::new(source.line_span(first).start, source.line_span(line).start)
}

/// The site's own lines, with comment lines directly above.
fn region_of(file: &ParsedFile, site: Span) -> Span {
    let source = &file.source;
    let statement = file.language.statement(file.code(), site).unwrap_or(site);
    let line = source.line_span(source.line_of(statement.start)).start;
    let last = source.line_of(site.end.saturating_sub(1).max(site.start));
    Span::new(
        with_comments_above(file, line).start,
        source.line_span(last).end,
    )
}

/// What a comment at the site says of leaving it: the reason, or what is wrong with the comment.
pub(crate) fn suppression(
    file: &ParsedFile,
    site: Span,
    recipe: &str,
) -> Option<Result<String, String>> {
    let regions = regions_of(file, site).into_iter();
    let mut found = regions.flat_map(|region| suppressions(file, region));
    let suppression = found.find(|suppression| suppression.names_recipe(recipe))?;
    Some(if suppression.reason.is_empty() {
        let line = suppression.line;
        Err(format!(
            "the suppression in line {line} gives no reason and is not followed: `{MARK} allow({recipe}): why`"
        ))
    } else {
        Ok(suppression.reason.to_owned())
    })
}

/// Comments to this program that do nothing: misspelt, for no recipe, or at no site.
pub(crate) fn idle_comments(
    file: &ParsedFile,
    recipes: &[&Recipe],
    findings: &[Finding],
) -> Vec<Remark> {
    let whole = Span::new(0, file.text().len());
    let remark = |line: usize, text: String| Remark {
        file: file.source.path().to_owned(),
        line,
        text,
    };
    let mut remarks = Vec::new();
    for span in file.language.comments(file.code(), whole) {
        let Some(rest) = marked(file, file.source.slice(span)) else {
            continue;
        };
        let word = rest
            .split(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or_default();
        // `review` marks what the tool itself has left for a person.
        if !matches!(word, "allow" | "review") {
            let text = format!(
                "`{MARK} {word}` says nothing to connmod; `{MARK} allow(<recipe>): why` suppresses a site"
            );
            remarks.push(remark(file.source.line_of(span.start), text));
        }
    }
    for suppression in suppressions(file, whole) {
        let unknown = suppression.names.iter().find(|name| {
            !recipes
                .iter()
                .any(|recipe| recipe.id == **name || recipe.id.ends_with(&format!("/{name}")))
        });
        let used = findings.iter().any(|finding| {
            let holds = |region: &Span| {
                let lines = file.source.line_of(region.start)
                    ..=file
                        .source
                        .line_of(region.end.saturating_sub(1).max(region.start));
                lines.contains(&suppression.line)
            };
            suppression.names_recipe(&finding.site.recipe)
                && regions_of(file, finding.site.span).iter().any(holds)
        });
        if let Some(name) = unknown {
            remarks.push(remark(
                suppression.line,
                format!("`allow({name})`: there is no such recipe"),
            ));
        } else if !used {
            remarks.push(remark(
                suppression.line,
                "this suppression holds for no site".to_owned(),
            ));
        }
    }
    remarks
}

/// `(a, b): reason` → the names and the reason.
fn split(rest: &str) -> (Vec<&str>, &str) {
    let rest = rest.trim_start();
    let (names, behind) = match rest
        .strip_prefix('(')
        .and_then(|inner| inner.split_once(')'))
    {
        Some((names, behind)) => (
            names
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .collect(),
            behind,
        ),
        None => (Vec::new(), rest),
    };
    (names, behind.trim_start().trim_start_matches(':').trim())
}

/// An error in the statement of the module that holds the site: what is read there may be read wrongly.
pub(crate) fn error_near(file: &ParsedFile, site: Span) -> Option<Span> {
    if file.errors.is_empty() {
        return None;
    }
    let tree = file.tree();
    let root = tree.root_node();
    let mut node = root.descendant_for_byte_range(site.start, site.end)?;
    while let Some(parent) = node.parent().filter(|parent| parent.parent().is_some()) {
        node = parent;
    }
    let region = with_what_follows(file, node.into());
    file.errors
        .iter()
        .copied()
        .find(|error| root.is_error() || region.overlaps(*error) || region.contains(*error))
}

/// A statement of the module with what stands between it and the next definition: where an error cut a body off, that is the rest of it. What
/// is indented at the top is such a rest, and the error is before it.
fn with_what_follows(file: &ParsedFile, statement: Span) -> Span {
    let definitions = || {
        let scopes = file.model.scopes.iter().skip(1);
        scopes.filter(|scope| matches!(scope.kind, ScopeKind::Function | ScopeKind::Class))
    };
    let next = definitions()
        .map(|scope| scope.span.start)
        .find(|start| *start >= statement.end);
    let line = file.source.line_start(statement.start);
    let is_rest = line < statement.start;
    let before = || {
        let ends = definitions().map(|scope| scope.span.end);
        ends.filter(|end| *end <= statement.start).max()
    };
    let start = if is_rest {
        before().unwrap_or(0)
    } else {
        statement.start
    };
    Span::new(start, next.unwrap_or(file.text().len()))
}

/// The checklist of the active migrations: each sentence with the ids of the sites that break it.
pub(crate) fn checklist(
    library: &Library,
    config: &Config,
    findings: &[Finding],
) -> Vec<(String, Vec<String>)> {
    let migrations = config
        .migrations
        .iter()
        .filter_map(|name| library.migrations.get(name));
    let checks = migrations
        .flat_map(|migration| migration.checklist.iter().map(move |own| (migration, own)));
    checks
        .map(|(migration, check)| {
            // Two migrations may know one pattern, but each answers for its own sites.
            let is_own = |finding: &&Finding| {
                let of = finding.site.recipe.split_once('/');
                of.is_some_and(|(own, _)| own == migration.id)
            };
            let broken = findings
                .iter()
                .filter(is_own)
                .filter(|finding| breaks(check, finding))
                .map(|finding| finding.id.clone());
            (check.title.clone(), broken.collect())
        })
        .collect()
}

fn breaks(check: &Check, finding: &Finding) -> bool {
    let open = matches!(
        finding.verdict,
        Verdict::Rewrite | Verdict::Review | Verdict::Unparsed
    );
    let gap = finding
        .facts
        .tables
        .as_ref()
        .is_some_and(|tables| !tables.rls.is_empty());
    let without_user =
        gap && finding.verdict == Verdict::Standard && finding.form.as_deref() != Some("rls");
    let pattern = check.patterns.is_empty() || check.patterns.contains(&finding.site.pattern);
    let context = check.contexts.is_empty() || check.contexts.contains(&finding.facts.context.kind);
    pattern
        && context
        && if check.rls_only {
            gap && (open || without_user)
        } else {
            open
        }
}
