//! What a string of SQL does, as far as it can be read.
//!
//! Knows PostgreSQL's language and nothing of the host language: it is handed a text whose unknown parts are holes.

mod columns;
mod fallback;
mod functions;
mod lex;
mod placeholders;
mod read;
mod relations;
pub mod schema;
mod script;
mod statement;
mod tokens;
mod tree;

#[cfg(test)]
mod effects_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

pub use read::{read, read_plain};

use std::collections::BTreeSet;
use std::fmt;

/// A piece of a query string.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Characters that are in the query for certain.
    Literal(String),
    /// Characters that are only known when the program runs.
    Hole,
}

/// One form that a query string can take when the program runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct SqlText {
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

impl SqlText {
    /// A query that is known to the letter.
    pub fn literal(text: impl Into<String>) -> Self {
        Self {
            parts: vec![Part::Literal(text.into())],
        }
    }

    /// A query of which nothing is known.
    pub fn unknown() -> Self {
        Self {
            parts: vec![Part::Hole],
        }
    }

    /// Whether some part of it is unknown.
    pub fn has_hole(&self) -> bool {
        self.parts.contains(&Part::Hole)
    }
}

/// The name of a relation as PostgreSQL compares it: unquoted names folded to lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// The schema, when one is written.
    pub schema: Option<String>,
    /// The relation.
    pub name: String,
}

impl TableName {
    /// Whether both can name one relation: a missing schema is the search path's, which is taken to hold `public`.
    pub fn matches(&self, other: &Self) -> bool {
        let schema = |table: &Self| table.schema.clone().unwrap_or_else(|| "public".to_owned());
        self.name == other.name && schema(self) == schema(other)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) if schema != "public" => write!(f, "{schema}.{}", self.name),
            _ => f.write_str(&self.name),
        }
    }
}

/// A command that row-level security policies are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// `SELECT`, and reading a table in any other statement.
    Select,
    /// `INSERT`
    Insert,
    /// `UPDATE`
    Update,
    /// `DELETE`
    Delete,
}

/// One use of a relation by a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableUse {
    /// Which relation; never the name of a common table expression, a function or an alias.
    pub table: TableName,
    /// What is done with it.
    pub command: Command,
}

/// The kind of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatementKind {
    /// Reads rows: `SELECT`, `VALUES`, `TABLE`, `WITH … SELECT`, `SHOW`, `EXPLAIN` without `ANALYZE`.
    Read,
    /// Changes rows: `INSERT`, `UPDATE`, `DELETE`, `MERGE`, `COPY … FROM`, `TRUNCATE`; also data-modifying CTEs.
    Write,
    /// Defines or drops objects.
    Definition,
    /// Steers the session or a transaction: `SET`, `BEGIN`, `LISTEN`, …
    Session,
    /// A call whose effect is not visible: `CALL`, `DO`.
    Procedure,
    /// The first word is in a hole, or is no statement of PostgreSQL.
    Unknown,
}

/// An effect of a statement on the session, the transaction or the server beyond its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// `SET`, `SET SESSION`, `RESET`, `DISCARD`, `SET ROLE`, `set_config(…, false)`, or `set_config` with an unknown third argument.
    SessionSetting,
    /// `SET LOCAL`, `set_config(…, true)`: ends with the transaction.
    LocalSetting,
    /// `CREATE TEMP …`, `SELECT … INTO TEMP`
    TemporaryTable,
    /// `RESET ALL`: each setting gets back the value that the session began with, also one that counts for the transaction only.
    SettingsReset,
    /// `LISTEN`, `UNLISTEN`
    Listen,
    /// `pg_advisory_lock`, `pg_try_advisory_lock`, `pg_advisory_unlock…`: held by the session.
    SessionLock,
    /// `pg_advisory_xact_lock…`, `LOCK TABLE`: held until the transaction ends.
    TransactionLock,
    /// `SELECT … FOR UPDATE`/`SHARE`/`NO KEY UPDATE`/`KEY SHARE`: held until the transaction ends.
    RowLock,
    /// `PREPARE`, `EXECUTE`, `DEALLOCATE`
    PreparedStatement,
    /// `DECLARE`, `FETCH`, `MOVE`, `CLOSE`
    Cursor,
    /// `currval`, `lastval`: read what this session did before.
    SequenceState,
    /// `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT`, `RELEASE`, `SET TRANSACTION`, … as text.
    TransactionControl,
    /// Hands out the time at which the transaction began: `now()`, `current_timestamp`, … in a select list or `RETURNING`. Outside of a
    /// transaction that is the time of the statement.
    TransactionTime,
    /// It looks at the time of the transaction, handed out or not.
    ReadsTime,
    /// Cannot run inside a transaction block: `VACUUM`, `CREATE INDEX CONCURRENTLY`, `CREATE DATABASE`, `ALTER SYSTEM`, …
    NoTransaction,
    /// Stores the time of the transaction in new rows: `INSERT INTO t VALUES (now())`.
    StoresTime,
    /// `NOTIFY`, `pg_notify`: sent when the transaction ends.
    Notify,
    /// A setting that counts from the next transaction on: `SET SESSION CHARACTERISTICS`, `default_transaction_…`.
    NextTransaction,
    /// `CREATE TEMP TABLE … ON COMMIT DROP` or `DELETE ROWS`: something happens when the transaction ends.
    OnCommit,
    /// Hands out the number of the transaction: `txid_current`, `pg_current_xact_id`.
    TransactionNumber,
    /// Locks a table so that readers of it wait, until the transaction ends: `TRUNCATE`, `LOCK`, `ALTER TABLE`, `DROP TABLE`, …
    TableLock,
}

/// What one statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its kind.
    pub kind: StatementKind,
    /// The relations it uses, sorted, each pair once.
    pub tables: Vec<TableUse>,
    /// Whether a hole stands where a relation, a join, a sub-query or a further statement could be, so that `tables` may lack some.
    ///
    /// Also true where a statement uses relations that no text of it names (`CALL`, `DO`, `EXECUTE`, `FETCH`), and where the grammar does not
    /// take it and its tokens leave room for more.
    pub tables_open: bool,
    /// The functions it calls that are neither PostgreSQL's own nor of a well-known extension, as they are written, without arguments.
    ///
    /// Each may use relations that `tables` lacks, and have any effect. Also here are those of PostgreSQL that depend on the session, the
    /// transaction or the server in a way that no [`Effect`] names (`lo_open`, `txid_current`), or that run a query given as text.
    pub unknown_functions: BTreeSet<String>,
    /// Its further effects; where `tables_open` holds, a hole may add others.
    pub effects: BTreeSet<Effect>,
    /// The names of the select list or of `RETURNING`, in order; `None` where it is not a plain list (`*`, holes), or where there is none.
    pub columns: Option<Vec<String>>,
}

impl Statement {
    /// The relations that get new rows.
    pub fn inserted(&self) -> impl Iterator<Item = TableName> + '_ {
        let uses = self.tables.iter();
        uses.filter(|used| used.command == Command::Insert)
            .map(|used| used.table.clone())
    }
}

/// What a query string does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SqlFacts {
    /// The statements, in order; empty for a text without one.
    pub statements: Vec<Statement>,
    /// Whether the PostgreSQL grammar took the text; otherwise the statements come from a reading of its tokens alone.
    pub parsed: bool,
}

impl SqlFacts {
    /// Whether it may change rows, or send what a transaction that fails does not: it is known to, or not known not to.
    pub fn may_write(&self) -> bool {
        self.statements.iter().any(|statement| {
            !matches!(statement.kind, StatementKind::Read | StatementKind::Session)
                || !statement.unknown_functions.is_empty()
                || statement.effects.contains(&Effect::Notify)
        })
    }

    /// The relations whose rows it changes.
    pub fn changed(&self) -> impl Iterator<Item = TableName> + '_ {
        let uses = self
            .statements
            .iter()
            .flat_map(|statement| &statement.tables);
        uses.filter(|used| used.command != Command::Select)
            .map(|used| used.table.clone())
    }
}
