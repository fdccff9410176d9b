//! What is known and decided about each site: the data that every report is made of.
//!
//! Plain data, sorted; it knows neither how it was found out nor how it is shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::ContextKind;
use crate::edit::{Applicability, Edit};
use crate::recipe::{IdentityClass, Pattern, PoolClass, Severity, TablesClass};
use crate::source::{SourceError, Span};

/// The decision about a site. Every site ends in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Already in the target form, and the right one for its data.
    Standard,
    /// Edits are proposed.
    Rewrite,
    /// A rule says that the form stays here.
    Keep,
    /// A person decides.
    Review,
    /// A comment at the site says to leave it.
    Suppressed,
    /// The region around the site does not parse.
    Unparsed,
}

impl Verdict {
    /// All verdicts, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Standard,
        Self::Rewrite,
        Self::Keep,
        Self::Review,
        Self::Suppressed,
        Self::Unparsed,
    ];

    /// The word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Rewrite => "rewrite",
            Self::Keep => "keep",
            Self::Review => "review",
            Self::Suppressed => "suppressed",
            Self::Unparsed => "unparsed",
        }
    }
}

/// The context that covers a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContextRef {
    /// Its name in the settings; `other` where none covers the place.
    pub name: String,
    /// Its kind.
    pub kind: ContextKind,
}

/// The tables that a site touches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tables {
    /// The names that are known, as reports show them.
    pub known: BTreeSet<String>,
    /// Those of them that hold user data for what is done with them.
    pub rls: BTreeSet<String>,
    /// Those that are under row-level security, but open to everyone for what is done with them.
    pub open: BTreeSet<String>,
    /// Whether these are all; otherwise some SQL is only known when the program runs, or the connection goes where it cannot be followed.
    pub complete: bool,
}

impl Tables {
    /// What recipes ask for.
    pub fn class(&self) -> TablesClass {
        if !self.rls.is_empty() {
            TablesClass::Rls
        } else if self.complete {
            TablesClass::Plain
        } else {
            TablesClass::Unknown
        }
    }
}

/// The user on whose behalf a site runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// This expression names it.
    Bound {
        /// The expression as it is to be passed to the scope.
        expression: String,
    },
    /// This expression names it but may be `None`.
    Optional {
        /// The expression.
        expression: String,
        /// How it can come to be missing.
        why: String,
    },
    /// None is in scope.
    None,
}

impl Identity {
    /// What recipes ask for.
    pub fn class(&self) -> IdentityClass {
        match self {
            Self::Bound { .. } => IdentityClass::Bound,
            Self::Optional { .. } => IdentityClass::Optional,
            Self::None => IdentityClass::None,
        }
    }

    /// The expression, if there is one.
    pub fn expression(&self) -> Option<&str> {
        match self {
            Self::Bound { expression } | Self::Optional { expression, .. } => Some(expression),
            Self::None => None,
        }
    }
}

/// Where a pool comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOrigin {
    /// Whether it is the shared one.
    pub class: PoolClass,
    /// How that is known, or what could not be followed: for people.
    pub story: String,
    /// What would make it another one if it ever came to pass: a function that nothing calls.
    pub doubt: Option<String>,
}

/// What is known about a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The context that covers it.
    pub context: ContextRef,
    /// The names of the classes and functions around it, joined by dots.
    pub function: Option<String>,
    /// The tables; `None` for a pattern without SQL of its own (a getter call, a pool creation).
    pub tables: Option<Tables>,
    /// The user.
    pub identity: Identity,
    /// The pool; `None` where none is involved.
    pub pool: Option<PoolOrigin>,
}

/// A site: a place that one recipe has located.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The file, relative to the root.
    pub file: String,
    /// The located expression or statement.
    pub span: Span,
    /// Its first line, from 1.
    pub line: usize,
    /// Its last line.
    pub end_line: usize,
    /// The last line of the block that it opens; its own where it opens none.
    pub block_end_line: usize,
    /// Its column, from 1.
    pub column: usize,
    /// The recipe.
    pub recipe: String,
    /// The pattern.
    pub pattern: Pattern,
}

/// An import that a fix needs. A rewrite never places it itself: [`crate::rewrite`] does, once per file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NeededImport {
    /// The module.
    pub module: String,
    /// The name to be imported from it.
    pub name: String,
    /// The standard module that the name belongs to, as the settings name it; `module` may be another spelling.
    pub standard: String,
    /// The site's offset: the import has to be visible there.
    pub at: usize,
}

/// The edits that one site asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Its edits, disjoint and sorted; imports are not among them.
    pub edits: Vec<Edit>,
    /// The whole range that it reshapes: two fixes whose regions overlap need not overlap in edits, but nested ones are composed inner first.
    pub region: Span,
    /// How far it is proven.
    pub applicability: Applicability,
    /// The names that its new text uses, to be imported.
    pub imports: Vec<NeededImport>,
    /// Whether it takes its whole region out: what other fixes do inside goes with it.
    pub removes: bool,
    /// Sites (by id) whose fixes must be applied for this one to be right.
    pub requires: BTreeSet<String>,
}

/// A site with all that is known and decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A fingerprint that stays when lines above it move.
    pub id: String,
    /// The site.
    pub site: Site,
    /// What is known.
    pub facts: Facts,
    /// The decision.
    pub verdict: Verdict,
    /// The form it is to take, or the form that it is in: `helpers`, `rls`, `scope`, `remove`.
    pub form: Option<String>,
    /// The text of the target, for tables in reports: `execute_query, execute_statement`.
    pub target: Option<String>,
    /// Why, most important first; each a sentence without a full stop.
    pub reasons: Vec<String>,
    /// Further remarks: what a reviewer should know though it decides nothing.
    pub notes: Vec<String>,
    /// How much it matters.
    pub severity: Severity,
    /// The line of the recipe's decision table that decided.
    pub decided_by: Option<usize>,
    /// The edits, for [`Verdict::Rewrite`].
    pub fix: Option<Fix>,
}

impl Finding {
    /// The applicability of its edits.
    pub fn applicability(&self) -> Option<Applicability> {
        self.fix.as_ref().map(|fix| fix.applicability)
    }
}

/// A hit of a recipe's query that is proven to be something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dismissed {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The recipe.
    pub recipe: String,
    /// What it is instead.
    pub reason: String,
}

/// A file, or a region of one, that could not be read or parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unparsed {
    /// The file.
    pub file: String,
    /// What is wrong, with a position where there is one.
    pub reason: String,
}

impl Unparsed {
    /// A file that could not be read.
    pub fn unread(file: impl Into<String>, error: &SourceError) -> Self {
        Self {
            file: file.into(),
            reason: error.to_string(),
        }
    }
}

/// Something in a file that a person should know though it is no site: a suppression that does nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What to know.
    pub text: String,
}

/// Where a table's row-level security comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RlsTable {
    /// The table.
    pub table: String,
    /// `file:line` of each statement that enables it, forces it or gives it a policy, with a word on what it does.
    pub sources: Vec<(String, usize, String)>,
    /// Whether it holds user data for some command (not all policies are `USING (true)`).
    pub user_data: bool,
}

/// Everything that a run has found out.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// How many files were read.
    pub files: usize,
    /// How many of them were parsed.
    pub parsed: usize,
    /// Files that were not looked at since no recipe is for their language: how many, by its name.
    pub uncovered: BTreeMap<&'static str, usize>,
    /// Whether nothing is known of a standard module, so that there is nothing to rewrite to.
    pub lacks_standard: bool,
    /// All sites, by file and position.
    pub findings: Vec<Finding>,
    /// Hits that are no sites, by file and position.
    pub dismissed: Vec<Dismissed>,
    /// Files that could not be read or parsed.
    pub unparsed: Vec<Unparsed>,
    /// What else there is to know of single files.
    pub remarks: Vec<Remark>,
    /// Tables under row-level security, by name.
    pub rls_tables: Vec<RlsTable>,
    /// The contexts in the order of the settings: names, kinds.
    pub contexts: Vec<ContextRef>,
    /// What the recipes call themselves: id → title.
    pub titles: BTreeMap<String, String>,
    /// The files that applies which still stand have changed, as the history says.
    pub applied: BTreeSet<String>,
    /// The checklist of the migration: each sentence with the ids of the sites that break it.
    pub checklist: Vec<(String, Vec<String>)>,
}

/// The new text of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The file, relative to the root.
    pub path: String,
    /// The text as it was read.
    pub before: String,
    /// The text as it is to be.
    pub after: String,
    /// The edits that lead from one to the other, each with the id of the site it serves; `None` for shared edits such as imports.
    pub edits: Vec<(Edit, Option<String>)>,
    /// The ids of the sites whose rewrites are in the text, also of those that go with the rewrite of another.
    pub sites: BTreeSet<String>,
}
