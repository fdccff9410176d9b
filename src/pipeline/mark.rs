//! What surrounds a site without being part of it: comments that suppress it, code that does not parse; and the checklist over all sites.

use crate::config::Config;
use crate::finding::{Finding, Verdict};
use crate::project::ParsedFile;
use crate::recipe::{Check, Library};
use crate::source::Span;

/// The word that begins a comment to this program.
const MARK: &str = "connmod:";

/// What a comment at the site says of leaving it: the reason, or what is wrong with the comment. The comment stands on one of the site's
/// own lines or on lines of its own directly above: `# connmod: allow(asyncpg/pool-acquire): why`.
pub(crate) fn suppression(
    file: &ParsedFile,
    site: Span,
    recipe: &str,
) -> Option<Result<String, String>> {
    let source = &file.source;
    let statement = file.language.statement(file.code(), site).unwrap_or(site);
    let mut first = source.line_of(statement.start);
    let comment_start = file.language.line_comment();
    while first > 1
        && source
            .slice(source.line_span(first - 1))
            .trim_start()
            .starts_with(comment_start)
    {
        first -= 1;
    }
    let last = source.line_of(site.end.saturating_sub(1).max(site.start));
    let region = Span::new(source.line_span(first).start, source.line_span(last).end);
    let comments = file.language.comments(file.code(), region);
    let texts = comments.into_iter().map(|span| (span, source.slice(span)));
    for (span, text) in texts {
        let Some(rest) = text
            .trim_start_matches(comment_start)
            .trim_start()
            .strip_prefix(MARK)
        else {
            continue;
        };
        let Some(rest) = rest.trim_start().strip_prefix("allow") else {
            continue;
        };
        let (names, reason) = split(rest);
        if !names.is_empty()
            && !names
                .iter()
                .any(|name| recipe == *name || recipe.ends_with(&format!("/{name}")))
        {
            continue;
        }
        let line = source.line_of(span.start);
        return Some(if reason.is_empty() {
            Err(format!(
                "the suppression in line {line} gives no reason and is not followed: `{MARK} allow({recipe}): why`"
            ))
        } else {
            Ok(reason.to_owned())
        });
    }
    None
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
    let mut node = file
        .tree
        .root_node()
        .descendant_for_byte_range(site.start, site.end)?;
    while let Some(parent) = node.parent().filter(|parent| parent.parent().is_some()) {
        node = parent;
    }
    let region = Span::from(node);
    let root_is_error = file.tree.root_node().is_error();
    file.errors
        .iter()
        .copied()
        .find(|error| root_is_error || region.overlaps(*error) || region.contains(*error))
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
    migrations
        .flat_map(|migration| &migration.checklist)
        .map(|check| {
            let broken = findings
                .iter()
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
