//! What the project's SQL says about its tables: which exist, and which of them row-level security guards, by which policies.
//!
//! A schema is folded from sources in the order they would be run; a later one undoes an earlier one. It knows nothing of where the
//! sources come from, nor which of them run in production (a down migration is the caller's to leave out).

mod apply;
mod block;
mod policy;
#[cfg(test)]
mod tests;
mod text;
mod ties;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use policy::{Policy, PolicyCommand};

use super::{Command, TableName, TableUse};

/// A line of a source file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The file, as the caller names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A table that the sources name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name, with its schema.
    pub name: TableName,
    /// Where it is created; nothing when the sources only alter it.
    pub created: Option<Location>,
    /// Its columns, as far as they are written.
    pub columns: Vec<String>,
    /// Where row-level security is enabled; nothing when it is not.
    pub security: Option<Location>,
    /// Where it is forced on the table's owner too.
    pub forced: Option<Location>,
    /// Its policies, by the order of their creation. They hold only while security is enabled.
    pub policies: Vec<Policy>,
}

impl Table {
    fn new(name: TableName) -> Self {
        Self {
            name,
            created: None,
            columns: Vec::new(),
            security: None,
            forced: None,
            policies: Vec::new(),
        }
    }

    /// Whether what a `command` can do with its rows depends on who asks.
    ///
    /// It does not without row-level security, nor when every policy for the command lets everything pass and there is at least one;
    /// without any, nobody but the owner sees a row. A restrictive policy always counts as a condition. PostgreSQL also applies the
    /// `SELECT` policies to an `UPDATE` or `DELETE` that reads its rows, which `WHERE` and `RETURNING` do, so both commands ask for both.
    pub fn is_user_data(&self, command: Command) -> bool {
        if self.security.is_none() {
            return false;
        }
        let reads_rows = matches!(command, Command::Update | Command::Delete);
        self.is_restricted(command) || (reads_rows && self.is_restricted(Command::Select))
    }

    fn is_restricted(&self, command: Command) -> bool {
        let mut policies = self
            .policies
            .iter()
            .filter(|policy| policy.command.includes(command))
            .peekable();
        policies.peek().is_none()
            || policies.any(|policy| !policy.permissive || !policy.lets_everything_pass(command))
    }
}

/// Row-level security that one source gave and a later one took away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The table as it was before.
    pub table: Table,
    /// Where it is dropped, or its security disabled.
    pub at: Location,
}

/// The tables of a project and the rules on their rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    tables: BTreeMap<TableName, Table>,
    /// The functions that are defined: the settings that each reads and the functions that it calls.
    functions: BTreeMap<String, Body>,
    /// The views that are defined; no materialised ones, whose rows are their own.
    views: BTreeMap<TableName, View>,
    /// What ties tables to each other.
    ties: ties::Ties,
    undone: Vec<Undone>,
    dynamic: BTreeSet<Location>,
    /// Whether files that should define a part of it are not there.
    has_gaps: bool,
}

/// A view: what its query uses, and with whose rights.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct View {
    uses: Vec<TableUse>,
    /// Whether policies are asked for the user of the view, and not for its owner.
    invoker: bool,
}

/// What the text of a function or a policy refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Body {
    settings: BTreeSet<String>,
    calls: BTreeSet<String>,
}

impl Schema {
    /// Notes that files which should define a part of the schema are not there: a table that none of the others defines may be anything.
    pub fn note_gap(&mut self) {
        self.has_gaps = true;
    }

    /// Whether a table may be defined by a file that is not there.
    pub fn may_lack(&self, name: &TableName) -> bool {
        self.has_gaps && self.table(name).is_none()
    }

    /// The table called `name`. A name without a schema is looked for in `public`, then in all others if just one has it.
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        if let Some(table) = self.tables.get(&with_schema(name)) {
            return Some(table);
        }
        if name.schema.is_some() {
            return None;
        }
        let mut others = self
            .tables
            .values()
            .filter(|table| table.name.name == name.name);
        others.next().filter(|_| others.next().is_none())
    }

    /// All tables, sorted by name.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// The tables under row-level security, sorted by name.
    pub fn rls_tables(&self) -> impl Iterator<Item = &Table> {
        self.tables
            .values()
            .filter(|table| table.security.is_some())
    }

    /// Whether the use touches rows that depend on who asks; see [`Table::is_user_data`].
    ///
    /// A view does when a relation of its query does. That holds for one with its owner's rights, too, as whether the owner is subject
    /// to the policies is not to be seen; [`Schema::owners_view`] tells such views.
    pub fn is_user_data(&self, used: &TableUse) -> bool {
        let mut due = vec![used.clone()];
        let mut seen = BTreeSet::new();
        while let Some(used) = due.pop() {
            if let Some(table) = self.table(&used.table) {
                if table.is_user_data(used.command) {
                    return true;
                }
            } else if let Some(view) = self.view(&used.table)
                && seen.insert(used.clone())
            {
                let inner = |command| {
                    view.uses.iter().map(move |inner| TableUse {
                        table: inner.table.clone(),
                        command,
                    })
                };
                due.extend(inner(Command::Select));
                due.extend(inner(used.command));
            }
        }
        false
    }

    /// Whether `name` is a view that reads its tables with its owner's rights.
    pub fn owners_view(&self, name: &TableName) -> bool {
        self.table(name).is_none() && self.view(name).is_some_and(|view| !view.invoker)
    }

    fn view(&self, name: &TableName) -> Option<&View> {
        if let Some(view) = self.views.get(&with_schema(name)) {
            return Some(view);
        }
        let mut others = self
            .views
            .iter()
            .filter(|(other, _)| name.schema.is_none() && other.name == name.name);
        let (_, view) = others.next()?;
        others.next().is_none().then_some(view)
    }

    /// The tables whose security was taken away again, in the order in which that happened.
    ///
    /// Which of two folders of scripts runs first is not always to be seen, so a caller may want to name them.
    pub fn undone(&self) -> impl Iterator<Item = &Undone> {
        self.undone.iter()
    }

    /// The places where row-level security or policies are changed for tables that the text does not name.
    pub fn dynamic(&self) -> impl Iterator<Item = &Location> {
        self.dynamic.iter()
    }

    /// The custom settings (`app.user_id`) that policies read by `current_setting`, themselves or through functions that they call.
    pub fn setting_names(&self) -> BTreeSet<String> {
        let mut settings = BTreeSet::new();
        let mut calls = Vec::new();
        let texts = self
            .tables
            .values()
            .flat_map(|table| &table.policies)
            .flat_map(|policy| policy.using.iter().chain(&policy.check));
        for text in texts {
            let body = text::body(text);
            settings.extend(body.settings);
            calls.extend(body.calls);
        }
        let mut seen = BTreeSet::new();
        while let Some(call) = calls.pop() {
            if let Some(body) = self.functions.get(&call)
                && seen.insert(call)
            {
                settings.extend(body.settings.iter().cloned());
                calls.extend(body.calls.iter().cloned());
            }
        }
        settings
    }

    fn table_mut(&mut self, name: &TableName) -> &mut Table {
        let name = self
            .table(name)
            .map_or_else(|| with_schema(name), |table| table.name.clone());
        self.tables
            .entry(name.clone())
            .or_insert_with(|| Table::new(name))
    }
}

/// The name with `public` for a schema that is not written.
fn with_schema(name: &TableName) -> TableName {
    TableName {
        schema: Some(name.schema.clone().unwrap_or_else(|| "public".to_owned())),
        name: name.name.clone(),
    }
}
