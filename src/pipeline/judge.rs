//! From a hit to a finding: what it is, what is known, which row decides, whether the rewrite that the row wants is proven.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::config::ContextKind;
use crate::decide;
use crate::facts::World;
use crate::facts::context::Contexts;
use crate::facts::engine_rules;
use crate::facts::roles::{self, Standing};
use crate::facts::site::{self, SiteFacts};
use crate::finding::{Dismissed, Facts, Finding, Site, Unparsed, Verdict};
use crate::locate::{Hit, Located, Locator};
use crate::pipeline::{Judged, mark, removal};
use crate::project::{FileId, ParsedFile};
use crate::recipe::{Outcome, Pattern, Recipe, RewriteKind, Row, Severity, Warning};
use crate::rewrite::remove_definition::{self, Doomed};
use crate::rewrite::{self, Subject};
use crate::source::Span;

/// How the reason begins for a scope that stands where helper calls are not proven.
const ONE_CONNECTION: &str = "one connection for the block";

/// The reason for every site of a project that has nothing to rewrite to yet.
const NO_STANDARD: &str = "the project has no standard module yet: `connmod init --scaffold` writes one, or connmod.yaml names it";

/// Why a block may stand in a scope that commits.
const NOTHING_LEFT: &str = "nothing that the block does is left uncommitted at its end";

/// Why a connection may come from the service.
const GIVEN_BACK: &str =
    "the service takes the place of what lent it, and every path gives it back";

/// The same for the one place that makes a pool.
const ONLY_POOL: &str = "the project's pool; a standard module would own it";

/// Judges every hit of a file.
pub(crate) fn file(
    world: World<'_>,
    contexts: &Contexts<'_>,
    locator: &Locator,
    recipes: &[Recipe],
    id: FileId,
) -> Judged {
    let parsed = world.project.file(id);
    let mut judged = Judged::new(id);
    let Located { hits, stopped } = locator.hits(parsed);
    judged
        .unparsed
        .extend(stopped.iter().map(|stopped| Unparsed {
            file: parsed.source.path().to_owned(),
            reason: stopped.to_string(),
        }));
    let mut taken: BTreeSet<Span> = BTreeSet::new();
    let mut dismissed: BTreeMap<Span, Dismissed> = BTreeMap::new();
    let mut removable: Vec<usize> = Vec::new();
    let mut doomed: Vec<(usize, Result<Doomed, String>)> = Vec::new();
    // Both ways of a connection that a flag decides on are one site.
    let flagged = hits.iter().filter(|hit| {
        let recipe = &recipes[hit.recipe];
        recipe.pattern == Pattern::FlaggedConnection
            && roles::standing(world, id, hit, recipe) == Standing::Site
    });
    let flagged: Vec<Span> = flagged.map(|hit| hit.site).collect();
    for hit in &hits {
        let is_part = |whole: &Span| *whole != hit.site && whole.contains(hit.site);
        // One place is a site of one recipe: the first that it belongs to.
        if taken.contains(&hit.site) || flagged.iter().any(is_part) {
            continue;
        }
        let recipe = &recipes[hit.recipe];
        match roles::standing(world, id, hit, recipe) {
            Standing::Site => {
                taken.insert(hit.site);
                let judgement = Judgement {
                    world,
                    contexts,
                    id,
                    hit,
                    recipe,
                };
                let (finding, waits) = judgement.finding();
                match waits {
                    Some(Waits::ForReaders) => removable.push(judged.findings.len()),
                    Some(Waits::ForUsers) => {
                        doomed.push((judged.findings.len(), judgement.doomed()));
                    }
                    None => {}
                }
                judged.findings.push(finding);
            }
            Standing::Other(reason) => {
                dismissed
                    .entry(hit.site)
                    .or_insert_with(|| dismiss(parsed, hit.site, recipe, reason));
            }
            Standing::Unrelated => {}
        }
    }
    judged.dismissed = dismissed
        .into_iter()
        .filter(|(site, _)| !taken.contains(site))
        .map(|(_, d)| d)
        .collect();
    number(&mut judged.findings, parsed);
    removal::settle(world, id, &mut judged.findings, &removable);
    for (index, doomed) in doomed {
        let finding = &mut judged.findings[index];
        match doomed {
            Ok(doomed) => judged.doomed.push((finding.id.clone(), doomed)),
            Err(reason) => finding.reasons.insert(0, reason),
        }
    }
    judged
}

/// What a site waits for whose rewrite is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// The other rewrites of the file: then it is known what reads it.
    ForReaders,
    /// The other rewrites of all files: then it is known what uses it.
    ForUsers,
}

fn dismiss(parsed: &ParsedFile, site: Span, recipe: &Recipe, reason: String) -> Dismissed {
    let place = parsed.source.position(site.start);
    Dismissed {
        file: parsed.source.path().to_owned(),
        line: place.line,
        column: place.column,
        recipe: recipe.id.clone(),
        reason,
    }
}

struct Judgement<'a> {
    world: World<'a>,
    contexts: &'a Contexts<'a>,
    id: FileId,
    hit: &'a Hit,
    recipe: &'a Recipe,
}

impl Judgement<'_> {
    /// What may go where nothing uses it any more.
    fn doomed(&self) -> Result<Doomed, String> {
        remove_definition::definitions(self.world, self.id, self.hit)
    }

    /// The finding, and what it waits for.
    fn finding(&self) -> (Finding, Option<Waits>) {
        let known = site::gather(self.world, self.contexts, self.id, self.hit, self.recipe);
        let row = decide::row(self.recipe, &known.facts);
        let mut finding = self.blank(&known.facts);
        if let Some(verdict) = self.set_aside(&mut finding) {
            finding.verdict = verdict;
            finding.severity = if verdict == Verdict::Suppressed {
                Severity::None
            } else {
                Severity::Info
            };
            return (finding, None);
        }
        let Some(row) = row else {
            return (finding, None);
        };
        finding.decided_by = Some(row.line);
        let waits = self.decide(row, &known, &mut finding);
        if self.recipe.pattern == Pattern::CreateEngine {
            let broken = engine_rules::broken(self.world, self.id, self.hit.site);
            let is_test = known.facts.context.kind == ContextKind::Test;
            if !broken.is_empty() && !is_test {
                // What stays stays by these rules only.
                finding.verdict = Verdict::Review;
                finding.reasons = broken;
            }
        }
        if finding.verdict == Verdict::Review
            && waits.is_none()
            && !self.world.config.standard.is_known()
            && self.recipe.pattern.standard_form().is_none()
        {
            // Whatever else stands in the way, a person cannot do anything about it before.
            finding.reasons = vec![NO_STANDARD.to_owned()];
        }
        if row.warning == Some(Warning::RlsWithoutUser) {
            finding.reasons.extend(without_user(
                &known.facts,
                finding.verdict,
                self.recipe.pattern,
            ));
        }
        let words = &self.world.driver.words;
        for text in finding.reasons.iter_mut().chain(&mut finding.notes) {
            *text = in_words(words, text);
        }
        finding.severity = row
            .severity
            .unwrap_or_else(|| severity(finding.verdict, &known.facts));
        (finding, waits)
    }

    fn blank(&self, facts: &Facts) -> Finding {
        let parsed = self.world.project.file(self.id);
        let span = self.hit.site;
        let place = parsed.source.position(span.start);
        let last_line = |span: Span| {
            let last = span.end.saturating_sub(1).max(span.start);
            parsed.source.line_of(last)
        };
        Finding {
            id: String::new(),
            site: Site {
                file: parsed.source.path().to_owned(),
                span,
                line: place.line,
                end_line: last_line(span),
                block_end_line: last_line(self.block().unwrap_or(span)),
                column: place.column,
                recipe: self.recipe.id.clone(),
                pattern: self.recipe.pattern,
            },
            facts: facts.clone(),
            verdict: Verdict::Review,
            form: None,
            target: None,
            reasons: Vec::new(),
            notes: Vec::new(),
            severity: Severity::Warning,
            decided_by: None,
            fix: None,
        }
    }

    /// The block that the site stands in the header of; the body of a function is none.
    fn block(&self) -> Option<Span> {
        let parsed = self.world.project.file(self.id);
        let span = self.hit.site;
        let statement = parsed.language.statement(parsed.code(), span)?;
        let body = parsed.language.body(parsed.code(), statement)?;
        let scope = |offset| parsed.model.scope_at(offset);
        (body.start >= span.end && scope(body.start) == scope(span.start)).then_some(body)
    }

    /// A site that is suppressed, or whose surroundings do not parse.
    fn set_aside(&self, finding: &mut Finding) -> Option<Verdict> {
        let parsed = self.world.project.file(self.id);
        if let Some(error) = mark::error_near(parsed, self.hit.site) {
            let place = parsed.source.position(error.start);
            finding.reasons.push(format!(
                "the code around it does not parse (line {}, column {})",
                place.line, place.column
            ));
            return Some(Verdict::Unparsed);
        }
        match mark::suppression(parsed, self.hit.site, &self.recipe.id) {
            Some(Ok(reason)) => {
                finding.reasons.push(reason);
                Some(Verdict::Suppressed)
            }
            Some(Err(problem)) => {
                finding.notes.push(problem);
                None
            }
            None => None,
        }
    }

    fn decide(&self, row: &Row, known: &SiteFacts, finding: &mut Finding) -> Option<Waits> {
        finding.reasons.extend(row.because.clone());
        match &row.outcome {
            Outcome::Keep => finding.verdict = Verdict::Keep,
            Outcome::Review => {
                finding.verdict = Verdict::Review;
                finding.reasons.extend(self.unknown_pool(known));
            }
            Outcome::Standard => {
                finding.verdict = Verdict::Standard;
                finding.form = self.recipe.pattern.standard_form().map(str::to_owned);
            }
            Outcome::Rewrite(names) => return self.rewrite(names, known, finding),
        }
        None
    }

    /// What could not be followed is worth saying where a person has to look anyway.
    fn unknown_pool(&self, known: &SiteFacts) -> Option<String> {
        let connection = known.connection.as_ref()?;
        let parsed = self.world.project.file(self.id);
        let lost = connection.lost_in?;
        let line = parsed.source.line_of(lost.start);
        if let Some(other) = connection.others.iter().find(|other| other.span == lost) {
            return Some(format!("the connection {} (line {line})", other.what));
        }
        let text = lost.text(parsed.text()).lines().next().unwrap_or_default();
        Some(format!(
            "the connection is passed to `{text}` (line {line}), which cannot be followed"
        ))
    }

    /// The first of the rewrites that is proven. Those before it that are not say why in the notes.
    fn rewrite(&self, names: &[String], known: &SiteFacts, finding: &mut Finding) -> Option<Waits> {
        let subject = Subject {
            world: self.world,
            file: self.id,
            hit: self.hit,
            facts: &known.facts,
            connection: known.connection.as_ref(),
            call: known.call.as_ref(),
            pattern: self.recipe.pattern,
        };
        let mut refused: Vec<String> = Vec::new();
        // Which form each of them speaks of.
        let mut forms: Vec<&str> = Vec::new();
        for name in names {
            let Some(rewrite) = self.recipe.rewrites.get(name) else {
                continue;
            };
            let waits = match rewrite.kind {
                RewriteKind::Remove => Some(Waits::ForReaders),
                RewriteKind::RemoveDefinition => Some(Waits::ForUsers),
                _ => None,
            };
            if waits.is_some() {
                finding.form = Some(name.clone());
                return waits;
            }
            match rewrite::attempt(subject, rewrite) {
                Ok(proposal) => {
                    finding.verdict = Verdict::Rewrite;
                    finding.form = Some(name.clone());
                    finding.target = Some(proposal.target.clone());
                    finding.reasons.extend(proposal.unproven.iter().cloned());
                    if finding.reasons.is_empty() {
                        let driver = self.world.driver;
                        finding.reasons.extend(if driver.session.is_some() {
                            vec![NOTHING_LEFT.to_owned()]
                        } else if driver.any_pool {
                            vec![GIVEN_BACK.to_owned()]
                        } else {
                            why(&known.facts, name, &refused)
                        });
                    }
                    finding.notes.extend(proposal.notes.iter().cloned());
                    // The first refusal is the reason already where the fallback is what stands.
                    let told = usize::from(
                        finding
                            .reasons
                            .iter()
                            .any(|reason| reason.starts_with(ONE_CONNECTION)),
                    );
                    let further = refused.iter().zip(&forms).skip(told);
                    finding
                        .notes
                        .extend(further.map(|(reason, form)| match *form {
                            "helpers" => format!("no helper calls: {reason}"),
                            other => format!("not as {other}: {reason}"),
                        }));
                    finding.fix = Some(proposal.into_fix());
                    return None;
                }
                Err(refusal) => {
                    for reason in refusal.reasons {
                        if !refused.contains(&reason) {
                            refused.push(reason);
                            forms.push(name);
                        }
                    }
                    if refusal.is_final {
                        finding.verdict = Verdict::Review;
                        finding.form = Some(name.clone());
                        finding.reasons.extend(refused);
                        return None;
                    }
                }
            }
        }
        finding.verdict = Verdict::Review;
        finding.form = names.last().cloned();
        finding.reasons.extend(refused);
        None
    }
}

/// A reason in the words of the driver: what stands between backticks is code and stays.
fn in_words(words: &BTreeMap<String, String>, text: &str) -> String {
    if words.is_empty() {
        return text.to_owned();
    }
    let parts = text.split('`').enumerate().map(|(index, part)| {
        let mut part = part.to_owned();
        for (word, own) in words.iter().filter(|_| index % 2 == 0) {
            for article in ["the", "a", "another"] {
                part = replace_word(
                    &part,
                    &format!("{article} {word}"),
                    &format!("{article} {own}"),
                );
            }
        }
        part
    });
    parts.collect::<Vec<_>>().join("`")
}

/// `text` with each `from` that no further letter belongs to replaced.
fn replace_word(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, behind) = (&rest[..at], &rest[at + from.len()..]);
        out.push_str(before);
        let is_part = |c: char| c.is_alphanumeric();
        let whole = !before.ends_with(is_part) && !behind.starts_with(is_part);
        out.push_str(if whole { to } else { from });
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// In a project without a standard module, says of the place that makes the pool what it is, if there is only one.
pub(super) fn name_only_pool(findings: &mut [Finding]) {
    let mut pools = findings.iter_mut().filter(|finding| {
        finding.site.pattern == Pattern::CreatePool && finding.verdict != Verdict::Keep
    });
    if let (Some(only), None) = (pools.next(), pools.next())
        && only.verdict == Verdict::Review
    {
        only.reasons = vec![ONLY_POOL.to_owned()];
    }
}

/// Why this form, where no rule had anything to say against it.
fn why(facts: &Facts, form: &str, refused: &[String]) -> Vec<String> {
    let tables = facts.tables.clone().unwrap_or_default();
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let reason = match (form, facts.identity.expression()) {
        ("rls", Some(user)) if !tables.rls.is_empty() => {
            format!(
                "{} under row-level security; the user is {user}",
                list(&tables.rls)
            )
        }
        ("scope", _) if !refused.is_empty() => {
            format!("{ONE_CONNECTION}: {}", refused[0])
        }
        _ if !tables.rls.is_empty() => format!("{} under row-level security", list(&tables.rls)),
        _ if !tables.complete && tables.known.is_empty() => {
            "the tables are only known at run time".to_owned()
        }
        _ if !tables.complete => {
            format!(
                "not all tables are known; those that are, are not under row-level security: {}",
                list(&tables.known)
            )
        }
        _ if !tables.open.is_empty() => {
            let are = if tables.open.len() == 1 { "is" } else { "are" };
            format!(
                "{} {are} under row-level security, but open to everyone for this",
                list(&tables.open)
            )
        }
        _ if tables.known.is_empty() => "no table under row-level security".to_owned(),
        _ => format!("no table under row-level security: {}", list(&tables.known)),
    };
    vec![reason]
}

/// The remark on tables under row-level security that are used without a user.
fn without_user(facts: &Facts, verdict: Verdict, pattern: Pattern) -> Option<String> {
    let tables = facts
        .tables
        .as_ref()
        .filter(|tables| !tables.rls.is_empty())?;
    let names: Vec<&str> = tables.rls.iter().map(String::as_str).collect();
    let noun = if names.len() == 1 { "table" } else { "tables" };
    let before = if verdict == Verdict::Rewrite && pattern != Pattern::HelperCall {
        ", as before"
    } else {
        ""
    };
    Some(format!(
        "uses RLS {noun} {} without a user{before}",
        names.join(", ")
    ))
}

fn severity(verdict: Verdict, facts: &Facts) -> Severity {
    let user_data = facts.context.kind == ContextKind::User
        && facts
            .tables
            .as_ref()
            .is_some_and(|tables| !tables.rls.is_empty());
    match verdict {
        Verdict::Standard | Verdict::Keep | Verdict::Suppressed => Severity::None,
        Verdict::Rewrite | Verdict::Review if user_data => Severity::Error,
        Verdict::Rewrite | Verdict::Review => Severity::Warning,
        Verdict::Unparsed => Severity::Info,
    }
}

/// Gives every finding its fingerprint: file, recipe, function and text, and a number where several are alike. Lines above it may move.
fn number(findings: &mut [Finding], parsed: &ParsedFile) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        let site = &finding.site;
        let text: String = site
            .span
            .text(parsed.text())
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let function = finding.facts.function.as_deref().unwrap_or_default();
        let key = format!("{}\0{}\0{function}\0{text}", site.file, site.recipe);
        let count = seen.entry(key.clone()).or_default();
        let digest = Sha256::digest(format!("{key}\0{count}").as_bytes());
        *count += 1;
        finding.id = digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
    }
}
