//! What a checked recipe holds.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{ContextKind, Stage};

/// The pattern that a site shows; the vocabulary of reports, shared by all migrations.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// `async with pool.acquire() as conn:`
    PoolAcquire,
    /// `pool.begin()`
    PoolBegin,
    /// `pool.execute("…")`
    PoolMethodCall,
    /// `events(&pool)`, where anything that runs queries would do.
    PoolHandedOn,
    /// A pool in a `static`.
    StaticPool,
    /// `deadpool.get().await`, `tokio_postgres::connect(…)`
    OtherDriver,
    /// `conn = await pool.acquire()`
    PoolAcquireManual,
    /// `await pool.fetch(…)`
    PoolDirectCall,
    /// `get_db_pool()`
    GetPoolCall,
    /// `asyncpg.create_pool(…)`
    CreatePool,
    /// `asyncpg.connect(…)`
    DirectConnect,
    /// A pool kept in an attribute, behind a getter method, or taken by a constructor.
    CachedPool,
    /// A call of a standard helper.
    HelperCall,
    /// A standard block with the user set.
    RlsBlock,
    /// A standard block without a user.
    PlainConnectionBlock,
    /// `async with session_factory() as session:`
    SessionBlock,
    /// `session = session_factory()`
    SessionManual,
    /// An import of the session factory that nothing reads.
    FactoryImport,
    /// `async_sessionmaker(…)`
    CreateFactory,
    /// `create_async_engine(…)`
    CreateEngine,
    /// A session that a function opens on an engine itself: `AsyncSession(engine)`.
    DirectSession,
    /// `session: AsyncSession = Depends(get_session_dependency)`
    SessionParameter,
    /// A function that begins, commits or rolls back the session that it was given.
    SessionTransaction,
    /// Parameters of the database handed on to a task: `db_params=…`.
    TaskParameters,
    /// A query that filters by tenant.
    TenantFilter,
    /// `conn = pool.getconn()`
    RawConnection,
    /// A class that lends connections out itself.
    PoolClass,
    /// `service.acquire_connection() if FLAG else pool.getconn()`
    FlaggedConnection,
    /// `conn = service.acquire_connection()`
    ServiceCall,
    /// A role or claims of a token among the parameters of a connection.
    ConnectionClaims,
}

impl Pattern {
    /// The word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PoolAcquire => "pool_acquire",
            Self::PoolBegin => "pool_begin",
            Self::PoolMethodCall => "pool_method_call",
            Self::PoolHandedOn => "pool_handed_on",
            Self::StaticPool => "static_pool",
            Self::OtherDriver => "other_driver",
            Self::PoolAcquireManual => "pool_acquire_manual",
            Self::PoolDirectCall => "pool_direct_call",
            Self::GetPoolCall => "get_pool_call",
            Self::CreatePool => "create_pool",
            Self::DirectConnect => "direct_connect",
            Self::CachedPool => "cached_pool",
            Self::HelperCall => "helper_call",
            Self::RlsBlock => "rls_block",
            Self::PlainConnectionBlock => "plain_connection_block",
            Self::SessionBlock => "session_block",
            Self::SessionManual => "session_manual",
            Self::FactoryImport => "factory_import",
            Self::CreateFactory => "create_factory",
            Self::CreateEngine => "create_engine",
            Self::DirectSession => "direct_session",
            Self::SessionParameter => "session_parameter",
            Self::SessionTransaction => "session_transaction",
            Self::TaskParameters => "task_parameters",
            Self::TenantFilter => "tenant_filter",
            Self::ConnectionClaims => "connection_claims",
            Self::RawConnection => "raw_connection",
            Self::PoolClass => "pool_class",
            Self::FlaggedConnection => "flagged_connection",
            Self::ServiceCall => "service_call",
        }
    }

    /// Whether it is one of sessions, whose tables are not followed.
    pub fn is_of_sessions(self) -> bool {
        matches!(
            self,
            Self::SessionBlock
                | Self::SessionManual
                | Self::FactoryImport
                | Self::CreateFactory
                | Self::CreateEngine
                | Self::DirectSession
                | Self::SessionParameter
                | Self::SessionTransaction
                | Self::TaskParameters
                | Self::TenantFilter
                | Self::ConnectionClaims
        )
    }

    /// The form that sites of a standard pattern have already; `None` for a pattern that is to go.
    pub fn standard_form(self) -> Option<&'static str> {
        match self {
            Self::HelperCall => Some("helpers"),
            Self::RlsBlock => Some("rls"),
            Self::PlainConnectionBlock => Some("scope"),
            Self::SessionParameter => Some("dependency"),
            _ => None,
        }
    }
}

/// What a capture has to denote for a hit to be a site. A capture that is proven to denote something else is no site, and the reason is
/// listed; one that could be either is a site.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A connection pool of the driver.
    Pool,
    /// The driver's function that opens a pool.
    CreatePool,
    /// The driver's function that opens one connection.
    Connect,
    /// The standard's function that returns the shared pool.
    PoolGetter,
    /// A standard helper.
    Helper,
    /// The standard's plain scope.
    Scope,
    /// The standard's scope with a user.
    Rls,
    /// An assignment target or parameter that keeps a pool beyond one function.
    PoolHolder,
    /// What makes sessions when it is called: the value that one of the driver's `create_pool` functions gave.
    SessionFactory,
    /// A name that an import takes from where a session factory is, and that nothing in the file reads.
    UnreadFactory,
    /// The driver's function that makes an engine.
    CreateEngine,
    /// The standard's function that gives a session to whoever declares that it depends on one.
    Dependency,
    /// A session that the function around it was given by its caller.
    GivenSession,
    /// The method of the standard's service that lends a connection to a block.
    Service,
    /// The standard's service itself.
    ServiceObject,
    /// A method by which a class lends connections out, or takes them back.
    Lender,
    /// A text that names a role or claims of a token for a connection.
    Claims,
    /// What a query is run on: a pool itself.
    Executor,
    /// A type that is kept or handed out by a framework: that of a pool.
    KeptType,
    /// A pool that is handed to a function which takes anything that queries can be run on.
    HandedOn,
    /// The name of a type of pools.
    PoolName,
    /// A pool of one of the driver's neighbours, from which a connection is taken.
    OtherPool,
    /// A function of one of the driver's neighbours that opens a connection.
    OtherConnect,
    /// The standard's function that gives the pool on to a query of system data.
    System,
    /// One of the standard's functions that lend a connection or open a transaction for system data.
    PlainScope,
}

/// What gives a connection a role or the claims of a token, by the names that the parameters of PostgreSQL and `PostgREST` have for them.
pub const CLAIMS: [&str; 3] = ["request.jwt.claim", "-c role=", "-c request.jwt"];

/// What is known of the tables that a site touches.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TablesClass {
    /// At least one is known to be under row-level security.
    Rls,
    /// All are known and none is under row-level security.
    Plain,
    /// Not all are known, and none of the known ones is under row-level security.
    Unknown,
}

/// What is known of the user at a site.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum IdentityClass {
    /// An identity is in scope and cannot be seen to be missing.
    Bound,
    /// An identity is in scope but may be `None`.
    Optional,
    /// No identity is in scope.
    None,
}

/// What is known of the pool at a site.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PoolClass {
    /// The shared one.
    Shared,
    /// Another one.
    Own,
    /// Not known.
    Unknown,
}

/// How much a finding matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing to do.
    None,
    /// Worth knowing.
    Info,
    /// To be changed.
    Warning,
    /// Wrong as it stands: a leak, or another user's rows.
    Error,
}

impl Severity {
    /// The word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What must hold for a row; every part that is given, each by one of its values. Empty: always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// The kind of context, or the name of one.
    pub context: Option<BTreeSet<ContextKind>>,
    /// The tables.
    pub tables: Option<BTreeSet<TablesClass>>,
    /// The user.
    pub identity: Option<BTreeSet<IdentityClass>>,
    /// The pool.
    pub pool: Option<BTreeSet<PoolClass>>,
}

/// What a row decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The form stays here.
    Keep,
    /// A person decides.
    Review,
    /// It is already the right form.
    Standard,
    /// The first of these rewrites whose rules hold; if none does, a person decides.
    Rewrite(Vec<String>),
}

/// A remark that a row adds to a site.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// Tables under row-level security are used without a user.
    RlsWithoutUser,
}

/// One row of the decision table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When it holds.
    pub condition: Condition,
    /// What it decides.
    pub outcome: Outcome,
    /// Why, in words for the person who reads the report.
    pub because: Option<String>,
    /// A remark, where it applies.
    pub warning: Option<Warning>,
    /// How much it matters; by default what the verdict implies.
    pub severity: Option<Severity>,
    /// The line of the recipe file, from 1.
    pub line: usize,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    /// Text as it stands.
    Text(String),
    /// `{standard.scope}`: a name of the standard module, imported where needed.
    Standard(String),
    /// `{identity}`: the user's expression.
    Identity,
    /// `{purpose}`: what the connection is for, by the settings' rule.
    Purpose,
    /// `{pool}`: the site's pool as an argument.
    Pool,
    /// `{POOL}`: the text of a capture.
    Capture(String),
    /// `{fastapi.Depends}`: a name of a library, imported where needed.
    Library {
        /// The module.
        module: String,
        /// The name.
        name: String,
    },
}

/// A text with places to fill.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    /// Its parts, in order.
    pub parts: Vec<TemplatePart>,
}

/// The engine's verbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RewriteKind {
    /// The block goes; each call on the connection becomes a call of the helper for its method (`standard.helpers`).
    BlockToCalls,
    /// The expression that a capture marks becomes another expression.
    Replace {
        /// The capture.
        at: String,
        /// What it becomes.
        with: Template,
    },
    /// A call on a pool becomes a call of the helper for its method.
    CallToHelper,
    /// A call on a pool becomes the same call inside a scope.
    CallToBlock {
        /// The scope.
        with: Template,
    },
    /// An acquire and its release become a scope.
    PairToBlock {
        /// The scope.
        with: Template,
    },
    /// What nothing reads any more goes.
    Remove,
    /// The block goes; its connection becomes a parameter that the framework fills.
    BlockToParameter {
        /// What fills it.
        with: Template,
        /// What fills it where the standard's dependency is no coroutine.
        sync: Option<Template>,
    },
    /// A name that nothing reads goes from its import.
    RemoveImport,
    /// An acquire and its releases go both ways, by the flag of the settings.
    BothWays {
        /// The new way to acquire.
        acquire: Template,
        /// The new way to release.
        release: Template,
    },
    /// A definition that nothing uses goes.
    RemoveDefinition,
    /// An acquire, its releases and all that stands between them become a scope.
    RegionToBlock {
        /// The scope.
        with: Template,
    },
}

/// One rewrite of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// Its name in the recipe; reports call it the form.
    pub name: String,
    /// What it does.
    pub kind: RewriteKind,
}

/// What an example expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// This text afterwards, with this applicability (`safe` unless given).
    After {
        /// The text.
        text: String,
        /// Whether the rewrite is only proposed as unsafe; the reason has to contain this.
        unsafe_because: Option<String>,
    },
    /// A review whose reason contains this text.
    Review(String),
    /// Kept, with a reason that contains this text.
    Keep(String),
    /// Already right.
    Standard,
    /// No site at all.
    NoSite,
}

/// One example: a test and a page of the manual at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What it shows.
    pub title: String,
    /// Where in a project the code stands.
    pub path: String,
    /// The code.
    pub before: String,
    /// Further files of the project, by path.
    pub files: BTreeMap<String, String>,
    /// What must come out.
    pub expect: Expectation,
    /// The line of the recipe file, from 1.
    pub line: usize,
}

/// A recipe that has passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// `<migration>/<pattern>`, the path of its file.
    pub id: String,
    /// What inventories call it.
    pub title: String,
    /// The pattern.
    pub pattern: Pattern,
    /// Why the pattern should go, or stay.
    pub why: String,
    /// The language, by its registry name.
    pub language: String,
    /// The stages of a migration in which it runs; none: where there are no stages. Empty: always.
    pub stages: Vec<Option<Stage>>,
    /// The query that finds sites; captures `@site`.
    pub locate: String,
    /// What captures of `locate` have to denote.
    pub roles: BTreeMap<String, Role>,
    /// The query that rewrites can handle; captures `@site` at the node that `locate` found.
    pub shape: Option<String>,
    /// The decision table; the last row always holds.
    pub rows: Vec<Row>,
    /// The rewrites, by name.
    pub rewrites: BTreeMap<String, Rewrite>,
    /// Its examples.
    pub examples: Vec<Example>,
    /// Words of which a file must hold at least one for `locate` to find anything; empty when the roles decide.
    pub literals: Vec<String>,
    /// Where it was read from.
    pub origin: String,
}

impl Recipe {
    /// Whether it runs in a stage; `None`: where there are no stages.
    pub fn runs_in(&self, stage: Option<Stage>) -> bool {
        self.stages.is_empty() || self.stages.contains(&stage)
    }

    /// The recipe as it counts in a stage that it does not run in: it finds what it does, and what it would rewrite is kept for its own
    /// stage, or should have gone through that before. `None` where its sites are those of others.
    pub fn out_of_stage(&self, now: Option<Stage>) -> Option<Self> {
        let now = now?;
        let own = self.stages.iter().flatten();
        let (outcome, because) = if let Some(next) = own.clone().filter(|own| **own > now).min() {
            let word = next.as_str();
            (
                Outcome::Keep,
                format!("its stage is `{word}`, which comes later"),
            )
        } else {
            let word = own.max()?.as_str();
            let because = format!("it has not gone through the stage `{word}`, which comes before");
            (Outcome::Review, because)
        };
        let mut recipe = self.clone();
        for row in &mut recipe.rows {
            if matches!(row.outcome, Outcome::Rewrite(_)) {
                row.outcome = outcome.clone();
                row.because = Some(because.clone());
            }
        }
        Some(recipe)
    }
}

/// What the recipes of one migration share: `recipes/<migration>/migration.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// The folder's name.
    pub id: String,
    /// What reports call it.
    pub title: String,
    /// The driver's facts.
    pub driver: Driver,
    /// The checklist that `inventory` and `verify` answer: a sentence, and the patterns and verdicts that break it.
    pub checklist: Vec<Check>,
    /// Settings of the project that examples run in.
    pub example_settings: crate::config::Config,
    /// Files of the project that examples run in, by path.
    pub example_files: BTreeMap<String, String>,
}

/// Facts of a database driver.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// The language that its code is written in, by its registry name.
    #[serde(default = "python")]
    pub language: String,
    /// The modules that it is imported as.
    pub modules: Vec<String>,
    /// Other libraries with pools, locks and connections of their own: nothing they give is this driver's.
    #[serde(default)]
    pub other_modules: Vec<String>,
    /// Functions that open a pool.
    pub create_pool: Vec<String>,
    /// Functions that open a connection.
    pub connect: Vec<String>,
    /// Types of pools, by the last part of their name.
    pub pool_types: Vec<String>,
    /// Types of connections, by the last part of their name.
    pub connection_types: Vec<String>,
    /// The pool's method that borrows a connection.
    pub acquire: Vec<String>,
    /// The pool's method that gives it back.
    pub release: Vec<String>,
    /// Methods of connection and pool that run one query given as their first argument.
    pub query_methods: Vec<String>,
    /// Methods of a connection that run no query: what is called on it besides these and the query methods may use any table.
    #[serde(default)]
    pub silent_methods: Vec<String>,
    /// Methods of a connection that end its work: a transaction that is open on it cannot be committed any more.
    #[serde(default)]
    pub ending_methods: Vec<String>,
    /// Methods of a connection that give an object which goes on using it: a prepared statement, a cursor.
    #[serde(default)]
    pub handle_methods: Vec<String>,
    /// Keyword arguments of `acquire`; a call with others is not this driver's.
    #[serde(default)]
    pub acquire_keywords: Vec<String>,
    /// Whether connections are borrowed without `await`.
    #[serde(default)]
    pub synchronous: bool,
    /// Whether the standard takes the place of the pools, so that it does not matter which pool a connection comes from.
    #[serde(default)]
    pub any_pool: bool,
    /// Methods of a connection that give it back, or up.
    #[serde(default)]
    pub closes: Vec<String>,
    /// Keyword arguments of `connect` that say where the database is and how to get there; the others say how the connection behaves.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Keyword arguments of `connect` and of pools that say how connections behave: what their rows are, how they commit.
    #[serde(default)]
    pub behaves: Vec<String>,
    /// Those methods of `acquire` that lend a connection or raise, and never give none.
    #[serde(default)]
    pub lends_or_raises: Vec<String>,
    /// What reasons call the driver's connections and pools, where not by these words: `{connection: session, pool: session factory}`.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
    /// Functions that make an engine, which pools and factories are made of.
    #[serde(default)]
    pub create_engine: Vec<String>,
    /// What its sessions do, for a driver whose connections are units of work.
    #[serde(default)]
    pub session: Option<SessionMethods>,
    /// The pool's methods that open a transaction.
    #[serde(default)]
    pub begin: Vec<String>,
    /// Types that pools and connections are set up with, and the type that their `create_pool` and `connect` methods give.
    #[serde(default)]
    pub builders: BTreeMap<String, String>,
    /// Methods of a query that run it on the pool or connection which is their argument.
    #[serde(default)]
    pub executors: Vec<String>,
    /// What makes a query of a text: the first text among its arguments.
    #[serde(default)]
    pub query_makers: Vec<String>,
    /// What promises no more than that queries can be run on it: a pool, a connection or a transaction.
    #[serde(default)]
    pub executor_traits: Vec<String>,
    /// The arguments of generic pools and connections that make them ones of this database.
    #[serde(default)]
    pub databases: Vec<String>,
    /// Types by which frameworks hand a value to a function: `State`.
    #[serde(default)]
    pub extractors: Vec<String>,
    /// Whether the forms of the standard are told which pool: it stays the one that it was.
    #[serde(default)]
    pub pool_is_given: bool,
    /// Other drivers of the same database, whose connections are listed and left to a person.
    #[serde(default)]
    pub neighbours: Vec<Neighbour>,
}

/// A driver beside the migration's own: its connections are found and left to a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// The modules that it is imported as.
    pub modules: Vec<String>,
    /// Types of its pools, by the last part of their name.
    #[serde(default)]
    pub pool_types: Vec<String>,
    /// The methods by which those lend a connection.
    #[serde(default)]
    pub acquire: Vec<String>,
    /// Functions that open a connection.
    #[serde(default)]
    pub connect: Vec<String>,
    /// What a person should do about it.
    pub advice: String,
}

impl Driver {
    /// The neighbour that a dotted name belongs to.
    pub fn neighbour(&self, dotted: &str) -> Option<&Neighbour> {
        let within = |module: &String| {
            dotted == module.as_str()
                || dotted
                    .strip_prefix(module.as_str())
                    .is_some_and(|rest| rest.starts_with('.'))
        };
        // Of `diesel` and `diesel.r2d2` the longer name says more.
        let fits = self.neighbours.iter().filter_map(|neighbour| {
            let modules = neighbour.modules.iter().filter(|module| within(module));
            Some((modules.map(String::len).max()?, neighbour))
        });
        fits.max_by_key(|(length, _)| *length)
            .map(|(_, neighbour)| neighbour)
    }

    /// Whether a text may use this driver or one of its neighbours.
    pub fn is_named_in(&self, text: &str) -> bool {
        let neighbours = self.neighbours.iter().flat_map(|own| &own.modules);
        let mut modules = self.modules.iter().chain(neighbours);
        modules.any(|module| text.contains(module.split('.').next().unwrap_or(module)))
    }
}

/// The language of most drivers.
fn python() -> String {
    "python".to_owned()
}

/// The methods of a session: a connection that gathers changes and writes them when it is told to commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionMethods {
    /// Functions that make a statement which only reads, and methods that begin with one.
    pub reading: Vec<String>,
    /// Functions that make a statement which changes rows.
    pub changing: Vec<String>,
    /// Functions that make a statement of a text.
    pub textual: Vec<String>,
    /// Methods that change rows, or the objects that become rows.
    pub change: Vec<String>,
    /// Methods that read.
    pub read: Vec<String>,
    /// Methods that write the changes for good.
    pub commit: Vec<String>,
    /// Methods that take the changes back.
    pub rollback: Vec<String>,
    /// Methods that open a transaction.
    pub begin: Vec<String>,
    /// Methods that give the connection back.
    pub close: Vec<String>,
}

impl SessionMethods {
    /// The methods of a session that are known.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        let steering = [&self.commit, &self.rollback, &self.begin, &self.close];
        let others = [&self.change, &self.read];
        steering.into_iter().chain(others).flatten()
    }
}

/// One item of a migration's checklist.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The sentence that must hold.
    pub title: String,
    /// Patterns whose sites break it, unless their verdict is one of `unless`; empty: all patterns.
    #[serde(default)]
    pub patterns: Vec<Pattern>,
    /// Kinds of context that it speaks of; empty: all.
    #[serde(default)]
    pub contexts: Vec<ContextKind>,
    /// Whether only sites on tables under row-level security count.
    #[serde(default)]
    pub rls_only: bool,
}
