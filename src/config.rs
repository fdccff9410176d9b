//! `connmod.yaml`: what differs from project to project.
//!
//! Knows the file's shape and validates it; knows neither the command line nor how the values are learnt.

mod names;

use std::collections::BTreeMap;

use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::{self, FileFault};

/// The name of the settings file, at the root of the codebase.
pub const FILE_NAME: &str = "connmod.yaml";

/// The settings of one project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The version of this format: 1.
    pub version: u32,
    /// The migrations whose recipes run, by folder name.
    #[serde(default = "default_migrations")]
    pub migrations: Vec<String>,
    /// The module that everything else should reach the database through.
    #[serde(default)]
    pub standard: Standard,
    /// The same for further migrations, by their names; `standard` is that of the first one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub standards: BTreeMap<String, Standard>,
    /// The parts of the codebase, in the order in which they are to be migrated. A test context, then the standard's own module,
    /// then the first entry that covers a place decides.
    #[serde(default)]
    pub contexts: Vec<Context>,
    /// Expressions that name the user on whose behalf the code runs, best first: `ctx.user_id`.
    #[serde(default)]
    pub identity: Vec<String>,
    /// Where the SQL schema is, and what it does not say.
    #[serde(default)]
    pub schema: SchemaConfig,
    /// What a connection of the connection service is said to be for: a text in which `{context}`, `{function}` and `{module}` stand for
    /// those of the place. By default `{context}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The rules that every engine has to keep, those of the session module too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engine_rules: Vec<EngineRule>,
    /// How far the move to a connection service is, where it is made in stages; without one it is made at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// The flag that decides in the stage `dual`: the module and the expression, `app.settings:settings.USE_NEW_CONNECTION_SERVICE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// Globs of files that are never looked at.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// A rule on how an engine connects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EngineRule {
    /// The cache of prepared statements is off.
    StatementCacheOff,
    /// The user is `postgres.<project>`.
    ProjectUser,
    /// The host is that of the pooler.
    PoolerHost,
    /// SSL is set.
    Ssl,
}

impl EngineRule {
    /// The word that settings use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StatementCacheOff => "statement-cache-off",
            Self::ProjectUser => "project-user",
            Self::PoolerHost => "pooler-host",
            Self::Ssl => "ssl",
        }
    }
}

/// A stage of a migration that is made step by step.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Both ways, by a flag.
    Dual,
    /// The new way only.
    Cutover,
    /// What is left of the steps becomes the standard form.
    Cleanup,
}

impl Stage {
    /// The word that settings and recipes use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dual => "dual",
            Self::Cutover => "cutover",
            Self::Cleanup => "cleanup",
        }
    }
}

fn default_migrations() -> Vec<String> {
    vec!["asyncpg".to_owned()]
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: 1,
            migrations: default_migrations(),
            standard: Standard::default(),
            standards: BTreeMap::new(),
            contexts: Vec::new(),
            identity: Vec::new(),
            schema: SchemaConfig::default(),
            purpose: None,
            engine_rules: Vec::new(),
            stage: None,
            flag: None,
            exclude: Vec::new(),
        }
    }
}

impl Config {
    /// The settings as one of the migrations sees them: its standard module is the standard.
    #[must_use]
    pub fn of_migration(&self, name: &str) -> Self {
        let is_first = self.migrations.first().is_some_and(|first| first == name);
        let standard = if is_first {
            self.standard.clone()
        } else {
            self.standards.get(name).cloned().unwrap_or_default()
        };
        Self {
            standard,
            ..self.clone()
        }
    }
}

/// The names of the standard module. A name that is missing is a form that the project does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// How the module is imported: `app.db.connection`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Its file, relative to the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The function that returns the shared pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The variable that makes sessions when it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factory: Option<String>,
    /// Connection method → the helper that does the same on a connection of its own: `fetch: execute_query`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub helpers: BTreeMap<String, String>,
    /// The context manager that lends a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The context manager that lends a connection with the user set for row-level security.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rls: Option<String>,
    /// The function that opens a transaction for system data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<String>,
    /// The function that gives the pool on to a query of system data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The function that gives a session to whoever declares that it depends on one: `Depends(get_session_dependency)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependency: Option<String>,
    /// The object that lends connections: `connection_service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What the service takes the place of and reaches the same database as, by the end of its dotted name: `infra`, `psycopg2.connect`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
}

impl Standard {
    /// What [`Standard::get`] knows.
    pub const KEYS: [&str; 9] = [
        "module",
        "pool",
        "factory",
        "scope",
        "rls",
        "dependency",
        "service",
        "begin",
        "system",
    ];

    /// The function or functions that a template calls `standard.<key>`.
    pub fn get(&self, key: &str) -> Option<&str> {
        match key {
            "module" => self.module.as_deref(),
            "pool" => self.pool.as_deref(),
            "scope" => self.scope.as_deref(),
            "rls" => self.rls.as_deref(),
            "factory" => self.factory.as_deref(),
            "dependency" => self.dependency.as_deref(),
            "service" => self.service.as_deref(),
            "begin" => self.begin.as_deref(),
            "system" => self.system.as_deref(),
            _ => None,
        }
    }

    /// Whether the project can have anything to rewrite to: at least one name of a standard module is known.
    pub fn is_known(&self) -> bool {
        let single = [
            &self.module,
            &self.scope,
            &self.rls,
            &self.dependency,
            &self.service,
            &self.begin,
            &self.system,
        ];
        single.into_iter().any(Option::is_some) || !self.helpers.is_empty()
    }

    /// The names are written into code as they stand. `key` is what the settings call this module.
    fn check(&self, key: &str) -> Result<(), ValueFault> {
        if let Some(file) = &self.file {
            check_inside(&format!("{key}.file"), file)?;
        }
        if let Some(module) = &self.module {
            let problem = "is not how a module is imported; it is names joined by dots, such as `app.db.connection`";
            check(&format!("{key}.module"), module, names::is_dotted, problem)?;
        }
        let single = [
            ("pool", &self.pool),
            ("scope", &self.scope),
            ("rls", &self.rls),
            ("factory", &self.factory),
            ("dependency", &self.dependency),
            ("service", &self.service),
            ("begin", &self.begin),
            ("system", &self.system),
        ];
        let mut given: Vec<(String, &str)> = single
            .into_iter()
            .filter_map(|(part, name)| Some((format!("{key}.{part}"), name.as_deref()?)))
            .collect();
        for (method, name) in &self.helpers {
            let problem = "is not the name of a method";
            check(&format!("{key}.helpers"), method, names::is_name, problem)?;
            given.push((format!("{key}.helpers.{method}"), name));
        }
        for (key, name) in given {
            let problem = "is not a name in the module; a single word without dots, brackets or arguments, or words joined by `::`";
            check(&key, name, names::is_path, problem)?;
        }
        Ok(())
    }
}

/// On whose behalf a part of the codebase runs, which decides the form that its connections should have.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ContextKind {
    /// On behalf of a user: routes, agents.
    User,
    /// On behalf of the system: services, jobs.
    System,
    /// Run once by hand: scripts, data migrations.
    Script,
    /// The module that defines the standard.
    Standard,
    /// Tests.
    Test,
    /// Where the program is put together: what opens the pool and hands it on.
    Root,
    /// Covered by no context. Nothing that a file can say.
    #[serde(skip)]
    Unknown,
}

impl ContextKind {
    /// The word that settings and recipes use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::System => "system",
            Self::Script => "script",
            Self::Standard => "standard",
            Self::Test => "test",
            Self::Root => "root",
            Self::Unknown => "unknown",
        }
    }
}

/// A part of the codebase.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// What reports call it.
    pub name: String,
    /// On whose behalf it runs.
    pub kind: ContextKind,
    /// Globs of its files, relative to the root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Decorators that put a function into it, by the end of their dotted name: `router.get`, `app.post`. `*` stands for any one part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decorators: Vec<String>,
    /// Base classes that put a class into it, by the end of their dotted name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<String>,
    /// Types of parameters that put a function into it, by the last part of their name: `State`, `AuthUser`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<String>,
}

/// The SQL schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemaConfig {
    /// Globs of files that define it, read in the order of their paths within each glob: `migrations/*.sql`. Python files among them
    /// are read for SQL in strings.
    #[serde(default)]
    pub files: Vec<String>,
    /// Tables that hold user data though the files do not say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_tables: Vec<String>,
    /// Tables that hold no user data though the files put them under row-level security.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system_tables: Vec<String>,
}

/// Why settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not YAML of the right shape.
    #[error(transparent)]
    Shape(FileFault),
    /// A value that cannot be meant.
    #[error("{origin}: {key}: {problem}")]
    Value {
        /// The file.
        origin: String,
        /// The setting.
        key: String,
        /// What is wrong, and what to do.
        problem: String,
    },
}

/// A value of the settings that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ValueFault {
    /// The setting.
    pub key: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl Config {
    /// Reads and validates the settings in `text`, which is that of the file `origin`.
    ///
    /// # Errors
    /// When it is not YAML of this shape, or a value cannot be meant.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ConfigError> {
        let config: Self = fault::read_yaml(text)
            .map_err(|fault| fault.in_file(origin, text))
            .map_err(ConfigError::Shape)?;
        config
            .validate()
            .map_err(|ValueFault { key, problem }| ConfigError::Value {
                origin: origin.to_owned(),
                key,
                problem,
            })?;
        Ok(config)
    }

    /// Whether the values can be meant.
    ///
    /// # Errors
    /// When one cannot.
    pub fn validate(&self) -> Result<(), ValueFault> {
        let fault = |key: String, problem: String| Err(ValueFault { key, problem });
        if self.version != 1 {
            return fault(
                "version".into(),
                format!("{} is unknown; this connmod reads version 1", self.version),
            );
        }
        for (index, context) in self.contexts.iter().enumerate() {
            let key = format!("contexts[{index}] ({})", context.name);
            if context.name.trim().is_empty() {
                return fault(key, "the name is empty".into());
            }
            if context.name.contains(char::is_control) {
                return fault(key, "the name holds a control character".into());
            }
            if self.contexts[..index]
                .iter()
                .any(|other| other.name == context.name)
            {
                return fault(key, "the name is taken by an earlier context".into());
            }
            check_globs(&format!("{key}.paths"), &context.paths)?;
        }
        check_globs("schema.files", &self.schema.files)?;
        check_globs("exclude", &self.exclude)?;
        self.standard.check("standard")?;
        let Some(first) = self.migrations.first() else {
            return fault("migrations".into(), "it names none; `[asyncpg]`".into());
        };
        for (index, migration) in self.migrations.iter().enumerate() {
            if self.migrations[..index].contains(migration) {
                return fault("migrations".into(), format!("`{migration}` stands twice"));
            }
        }
        for (migration, standard) in &self.standards {
            let key = format!("standards.{migration}");
            if migration == first {
                let problem = "this is the first migration; its module goes under `standard`";
                return fault(key, problem.into());
            }
            if !self.migrations.contains(migration) {
                return fault(key, "migrations does not name it".into());
            }
            standard.check(&key)?;
        }
        if let Some(purpose) = &self.purpose {
            let problem = "is no text that can stand in quotes; letters, digits, spaces and `_ - . : /`, with {context}, {function} and {module}";
            check("purpose", purpose, names::is_purpose, problem)?;
        }
        if let Some(flag) = &self.flag {
            let problem = "is not a module and an expression of it, such as `app.settings:settings.USE_NEW_CONNECTION_SERVICE`";
            check("flag", flag, names::is_flag, problem)?;
        }
        for expression in &self.identity {
            check(
                "identity",
                expression,
                names::is_chain,
                "is not an expression that settings can name; it is a name and what is read from it, such as `ctx.user_id`, `user[\"id\"]` or `claims.get(\"sub\")`",
            )?;
        }
        Ok(())
    }
}

fn check(
    key: &str,
    value: &str,
    fits: impl Fn(&str) -> bool,
    problem: &str,
) -> Result<(), ValueFault> {
    if fits(value) {
        return Ok(());
    }
    Err(ValueFault {
        key: key.to_owned(),
        problem: format!("`{value}` {problem}"),
    })
}

fn check_globs(key: &str, globs: &[String]) -> Result<(), ValueFault> {
    for pattern in globs {
        check_inside(key, pattern)?;
        if let Err(error) = Glob::new(pattern) {
            return Err(ValueFault {
                key: key.to_owned(),
                problem: error.to_string(),
            });
        }
    }
    Ok(())
}

/// Paths in settings are relative to the root and stay inside of it.
fn check_inside(key: &str, path: &str) -> Result<(), ValueFault> {
    let outside = path.starts_with('/') || path.split(['/', '\\']).any(|part| part == "..");
    if outside {
        let problem = format!(
            "`{path}` points out of the project; paths are relative to the root, without `..`"
        );
        return Err(ValueFault {
            key: key.to_owned(),
            problem,
        });
    }
    Ok(())
}

/// Compiles globs over paths relative to the root. A `*` does not cross a `/`; `**` does.
///
/// Globs that do not compile match nothing: [`Config::parse`] has refused them before.
pub fn globs(patterns: &[String]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        if let Ok(glob) = globset::GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
        {
            builder.add(glob);
        }
    }
    builder.build().unwrap_or_else(|_| GlobSet::empty())
}

/// The glob that matches the path `text` and nothing else.
pub fn glob_of(text: &str) -> String {
    // Where `\` escapes, `globset::escape` leaves it alone; in a class it is only itself.
    let parts = text.split('\\').map(globset::escape);
    parts.collect::<Vec<_>>().join("[\\]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_of_a_path_matches_it() {
        for path in ["a/b.py", r"a/\{b.py", "[x]*?{y}", r"a\b", "é/ü.py"] {
            let glob = glob_of(path);
            let set = globs(std::slice::from_ref(&glob));
            assert!(set.is_match(path), "{path}: {glob}");
            assert!(!set.is_match("a/c.py"), "{path}: {glob}");
        }
    }

    fn refused(settings: &str) -> String {
        let text = format!("version: 1\n{settings}");
        let error = Config::parse("connmod.yaml", &text).expect_err(settings);
        error.to_string()
    }

    #[test]
    fn what_would_be_written_into_code_must_be_a_name_or_one_expression() {
        for (settings, key, value) in [
            ("standard: {module: app db}", "standard.module", "app db"),
            ("standard: {module: ../x}", "standard.module", "../x"),
            ("standard: {pool: db.pool}", "standard.pool", "db.pool"),
            ("standard: {scope: lambda}", "standard.scope", "lambda"),
            ("standard: {rls: ''}", "standard.rls", ""),
            (
                "standard: {helpers: {fetch: x()}}",
                "standard.helpers.fetch",
                "x()",
            ),
            ("standard: {helpers: {a b: x}}", "standard.helpers", "a b"),
            (
                "identity: [user_id, 'user.id) as c, g(']",
                "identity",
                "user.id) as c, g(",
            ),
        ] {
            let text = refused(settings);
            let begin = format!("connmod.yaml: {key}: `{value}` is not ");
            assert!(text.starts_with(&begin), "{text}");
        }
    }

    #[test]
    fn names_and_expressions_that_can_be_meant_are_taken() {
        let text = "version: 1\nstandard: {module: app.db, pool: pool, helpers: {fetch: rows}}\nidentity: [ctx.user_id, 'user[\"id\"]']\n";
        let config = Config::parse("connmod.yaml", text).expect("it can be meant");
        assert!(config.standard.is_known());
        assert!(!Config::default().standard.is_known());
    }

    #[test]
    fn migrations_are_named_once_and_have_one_standard_each() {
        for (settings, fault) in [
            ("migrations: []", "connmod.yaml: migrations: it names none"),
            (
                "migrations: [a, b, a]",
                "connmod.yaml: migrations: `a` stands twice",
            ),
            (
                "migrations: [a]\nstandards: {b: {pool: p}}",
                "connmod.yaml: standards.b: migrations does not name it",
            ),
            (
                "migrations: [a]\nstandards: {a: {pool: p}}",
                "connmod.yaml: standards.a: this is the first migration",
            ),
            (
                "migrations: [a, b]\nstandards: {b: {pool: p()}}",
                "connmod.yaml: standards.b.pool: `p()` is not ",
            ),
        ] {
            let text = refused(settings);
            assert!(text.starts_with(fault), "{text}");
        }
    }

    #[test]
    fn each_migration_sees_its_own_standard() {
        let text = "version: 1\nmigrations: [a, b, c]\nstandard: {pool: one}\nstandards: {b: {pool: two}}\n";
        let config = Config::parse("connmod.yaml", text).expect("it can be meant");
        let pools = ["a", "b", "c"].map(|name| config.of_migration(name).standard.pool);
        assert_eq!(pools, [Some("one".into()), Some("two".into()), None]);
    }
}
