//! Rewrites: what an outcome of the decision table does to the text, and the rules under which it may.
//!
//! Each kind applies the rules of the meaning itself: a recipe chooses among what is proven, it cannot switch a proof off. An attempt
//! gives a fix, or the reasons why not; nothing here touches a file.

mod block_to_calls;
mod block_to_parameter;
mod both_ways;
mod call_to_block;
mod call_to_helper;
pub mod cleanup;
pub mod compose;
mod dependency;
pub mod imports;
mod lender;
mod lent;
mod pair_to_block;
mod paths;
mod proof;
mod region_to_block;
pub mod remains;
pub mod remove_definition;
mod remove_import;
mod replace;
mod template;
mod transaction;
mod unit_of_work;

use std::collections::BTreeSet;

use crate::edit::{Applicability, Edit, splice};
use crate::facts::World;
use crate::facts::attribute::Family;
use crate::facts::connection::{Connection, QueryCall};
use crate::finding::{Facts, Fix, NeededImport};
use crate::language::expression::{AttributeRead, Expression};
use crate::language::{Import, Model};
use crate::locate::{Captures, Hit};
use crate::project::{ClassRef, FileId, ParsedFile, Symbol};
use crate::recipe::{Pattern, Rewrite, RewriteKind};
use crate::source::Span;

/// A site that is to be rewritten, with all that is known.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The project and its settings.
    pub world: World<'a>,
    /// The file.
    pub file: FileId,
    /// The hit.
    pub hit: &'a Hit,
    /// What is known of the site.
    pub facts: &'a Facts,
    /// The connection followed, for a site that names one.
    pub connection: Option<&'a Connection>,
    /// The call, for a site that is one query.
    pub call: Option<&'a QueryCall>,
    /// The pattern that it shows.
    pub pattern: Pattern,
}

impl<'a> Subject<'a> {
    fn parsed(&self) -> &'a ParsedFile {
        self.world.project.file(self.file)
    }

    fn text(&self, span: Span) -> &'a str {
        span.text(self.parsed().text())
    }

    fn line(&self, span: Span) -> usize {
        self.parsed().source.line_of(span.start)
    }

    fn shape(&self) -> Result<&'a Captures, Refusal> {
        self.hit
            .shape
            .as_ref()
            .ok_or_else(|| Refusal::one("its shape is not one that the rewrites can handle"))
    }

    fn capture(&self, name: &str) -> Result<Span, Refusal> {
        let shape = self.shape()?;
        shape
            .get(name)
            .copied()
            .ok_or_else(|| Refusal::one(format!("the site has no {name} to rewrite")))
    }
}

/// What a rewrite proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The edits; imports are not among them.
    pub edits: Vec<Edit>,
    /// The range that is reshaped.
    pub region: Span,
    /// The names that the new text needs.
    pub imports: Vec<NeededImport>,
    /// The rules that are not proven: none means safe.
    pub unproven: Vec<String>,
    /// What a reviewer should know.
    pub notes: Vec<String>,
    /// The target, for reports: `execute_query, execute_statement`.
    pub target: String,
}

impl Proposal {
    fn new(region: Span, target: impl Into<String>) -> Self {
        Self {
            edits: Vec::new(),
            region,
            imports: Vec::new(),
            unproven: Vec::new(),
            notes: Vec::new(),
            target: target.into(),
        }
    }

    /// Takes in the edits that move lines, but for those of lines whose beginnings another edit replaces anyway.
    fn move_lines(&mut self, moved: Vec<Edit>) {
        let replaced: Vec<(Span, bool)> = self
            .edits
            .iter()
            .map(|edit| (edit.span, edit.text.is_empty()))
            .collect();
        let is_replaced = |edit: &Edit| {
            let inside = |(span, is_gone): &(Span, bool)| {
                let behind_start = edit.span.start > span.start;
                span.contains(edit.span) && edit.span.start < span.end && (behind_start || *is_gone)
            };
            replaced.iter().any(inside)
        };
        self.edits
            .extend(moved.into_iter().filter(|edit| !is_replaced(edit)));
    }

    /// How far it is proven.
    pub fn applicability(&self) -> Applicability {
        if self.unproven.is_empty() {
            Applicability::Safe
        } else {
            Applicability::Unsafe
        }
    }

    /// As a fix of a finding.
    pub fn into_fix(mut self) -> Fix {
        let applicability = self.applicability();
        self.edits
            .sort_by_key(|edit| (edit.span.start, edit.span.end));
        Fix {
            edits: self.edits,
            region: self.region,
            applicability,
            imports: self.imports,
            removes: false,
            requires: BTreeSet::new(),
        }
    }
}

/// Why a rewrite is not proposed; each reason in words that a reviewer can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reasons, most important first.
    pub reasons: Vec<String>,
    /// Whether a person has to decide, even where another form could be proven: the name that would be written is taken.
    pub is_final: bool,
}

impl Refusal {
    fn one(reason: impl Into<String>) -> Self {
        Self {
            reasons: vec![reason.into()],
            is_final: false,
        }
    }

    /// The refusal of a name that means something else at the site.
    fn taken(reason: impl Into<String>) -> Self {
        Self {
            is_final: true,
            ..Self::one(reason)
        }
    }

    /// A refusal for all of `reasons`; none if there are none.
    fn unless_empty(reasons: Vec<String>) -> Result<(), Self> {
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(Self {
                reasons,
                is_final: false,
            })
        }
    }
}

/// Tries one rewrite on a site.
///
/// # Errors
/// The reasons why it cannot be proposed.
pub fn attempt(subject: Subject<'_>, rewrite: &Rewrite) -> Result<Proposal, Refusal> {
    let mut proposal = propose(subject, rewrite)?;
    proposal.unproven.extend(replaced_by_others(subject));
    proposal.unproven.extend(attribute_replaced(subject));
    let (project, file) = (subject.world.project, subject.file);
    let home = subject.world.config.standard.file.as_deref();
    let mut imports = proposal.imports.iter();
    let misspelt =
        imports.find_map(|needed| imports::spelled_otherwise(project, file, home, needed));
    proposal.unproven.extend(misspelt);
    Refusal::unless_empty(lost_comments(subject, &proposal.edits))?;
    Refusal::unless_empty(shown(subject, &proposal.edits))?;
    if splice(subject.parsed().text(), &proposal.edits).is_err() {
        return Err(Refusal::one("the edits of its lines would overlap"));
    }
    Ok(proposal)
}

/// Names of the site's function that another file puts something else in the place of (a test, by `patch("app.prices.get_db_pool")`), and by
/// which the function reaches the database: what is put there is not reached any more.
fn replaced_by_others(subject: Subject<'_>) -> Option<String> {
    let (file, world) = (subject.parsed(), subject.world);
    let links = world.project.links();
    let path = file.source.path();
    let function = file.function_at(subject.hit.site.start);
    let reaches = |import: &&Import| {
        let symbol = world
            .project
            .name_in(subject.file, import.scope, &import.local);
        match &symbol {
            Symbol::Member { file, .. } => world.standard.is_file(*file),
            Symbol::External(dotted) => {
                let root = dotted.split('.').next().unwrap_or_default();
                world.driver.modules.iter().any(|module| module == root)
            }
            _ => false,
        }
    };
    let imports = file.model.imports.iter();
    let mut imports = imports
        .filter(|import| import.scope == Model::MODULE)
        .filter(reaches);
    imports.find_map(|import| {
        let quoting = links.quoting(path, &import.local).filter(|other| *other != path)?;
        let mut references = file.model.references_to(import.scope, &import.local);
        references
            .any(|reference| file.function_at(reference.span.start) == function)
            .then(|| {
                format!(
                    "{quoting} names `{}` of this file in quotes: what it puts in its place is not reached any more",
                    import.local
                )
            })
    })
}

/// An attribute that gives the site its pool and that a test puts something else in the place of: what is put there is not reached any more.
fn attribute_replaced(subject: Subject<'_>) -> Option<String> {
    let (file, world) = (subject.parsed(), subject.world);
    let is_test = |path: &str| world.tests.is_match(path);
    if is_test(file.source.path()) {
        return None;
    }
    let told = |path: &str, name: &str| {
        format!(
            "{path} puts something else in the place of `.{name}`, which is not reached any more"
        )
    };
    pool_attributes(subject).into_iter().find_map(|read| {
        let name = read.name.as_str();
        let links = world.project.links();
        if let Some(path) = links.replacing(name).find(|path| is_test(path)) {
            return Some(told(path, name));
        }
        let class = file.model.class_around(read.scope).map(|scope| ClassRef {
            file: subject.file,
            scope,
        });
        let own = matches!(subject.text(read.object), "self" | "cls");
        let family = class.filter(|_| own).map(|class| Family::of(world, class));
        let mut writes = world.project.writes_named(name);
        let found = writes.find(|(id, write)| {
            let other = world.project.file(*id);
            let object = write.object.text(other.text());
            is_test(other.source.path())
                && !matches!(object, "self" | "cls")
                // `app.state.pool`: what an application keeps is no service's.
                && !object.ends_with("state")
                && family
                    .as_ref()
                    .is_none_or(|family| family.may_be(world, *id, write.object, write.scope))
        });
        found.map(|(id, _)| told(world.project.file(id).source.path(), name))
    })
}

/// The attributes by which the site reaches its pool: in the pool's expression, in what a variable of that name is given, and in the methods
/// that are called there.
fn pool_attributes(subject: Subject<'_>) -> Vec<&AttributeRead> {
    let file = subject.parsed();
    let Some(pool) = subject.hit.captures.get("POOL").copied() else {
        return Vec::new();
    };
    let mut spans = vec![pool];
    if let Expression::Name(name) = file.expression(pool)
        && let Some(owner) = file.model.resolve(file.model.scope_at(pool.start), &name)
        && owner != Model::MODULE
    {
        let bindings = file.model.bindings_of(owner, &name);
        spans.extend(bindings.filter_map(|binding| binding.value));
    }
    let within = |spans: &[Span]| -> Vec<&AttributeRead> {
        let reads = file.outline.reads.iter();
        reads
            .filter(|read| spans.iter().any(|span| span.contains(read.span)))
            .collect()
    };
    let mut reads = within(&spans);
    let methods: Vec<Span> = reads
        .iter()
        .filter_map(|read| {
            let class = file.model.class_around(read.scope)?;
            let own = matches!(subject.text(read.object), "self" | "cls");
            let bound = file.model.bindings_of(class, &read.name).last()?;
            bound.opens.filter(|_| own)
        })
        .map(|scope| file.model.scope(scope).body)
        .collect();
    reads.extend(within(&methods));
    reads
}

/// The comments that an edit would take away: none ever is.
fn lost_comments(subject: Subject<'_>, edits: &[Edit]) -> Vec<String> {
    let file = subject.parsed();
    let comments = |edit: &Edit| file.language.comments(file.code(), edit.span);
    let lost = edits.iter().flat_map(|edit| {
        let all = comments(edit).into_iter();
        all.filter(|comment| !edit.text.contains(subject.text(*comment)))
    });
    lost.map(|comment| {
        let line = subject.line(comment);
        format!("a comment in what is replaced would be lost (line {line})")
    })
    .collect()
}

/// Code that a text shows, as `f"{x=}"` does, and that an edit would change.
fn shown(subject: Subject<'_>, edits: &[Edit]) -> Vec<String> {
    let file = subject.parsed();
    let shown = edits
        .iter()
        .filter(|edit| !edit.text.trim().is_empty() || !subject.text(edit.span).trim().is_empty())
        .filter(|edit| file.language.is_shown(file.code(), edit.span));
    shown
        .take(1)
        .map(|edit| {
            let line = subject.line(edit.span);
            format!("the text of the call is shown by `=` in a replacement field (line {line})")
        })
        .collect()
}

fn propose(subject: Subject<'_>, rewrite: &Rewrite) -> Result<Proposal, Refusal> {
    match &rewrite.kind {
        RewriteKind::BlockToCalls => block_to_calls::propose(subject),
        RewriteKind::Replace { at, with } => replace::propose(subject, at, with),
        RewriteKind::CallToHelper => call_to_helper::propose(subject),
        RewriteKind::CallToBlock { with } => call_to_block::propose(subject, with),
        RewriteKind::BlockToParameter { with, sync } => {
            let is_sync = subject.world.standard.dependency.is_async == Some(false);
            let fitting = sync.as_ref().filter(|_| is_sync).unwrap_or(with);
            block_to_parameter::propose(subject, fitting)
        }
        RewriteKind::RegionToBlock { with } => region_to_block::propose(subject, with),
        RewriteKind::BothWays { acquire, release } => both_ways::propose(subject, acquire, release),
        RewriteKind::RemoveImport => remove_import::propose(subject),
        RewriteKind::PairToBlock { with } => pair_to_block::propose(subject, with),
        // What is dead is only known when the other rewrites of the file are: see `cleanup`.
        RewriteKind::Remove => Err(Refusal::one("something still reads it")),
        // And what nothing uses only when those of all files are: see `remove_definition`.
        RewriteKind::RemoveDefinition => Err(Refusal::one("something still uses it")),
    }
}
