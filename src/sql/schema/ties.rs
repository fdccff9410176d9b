//! What ties the rows of one table to those of another: foreign keys, and triggers and rules, which may do anything.
//!
//! Only ever added: a tie that a later source drops may still be there where that source did not run.

use std::collections::{BTreeMap, BTreeSet};

use super::{Schema, with_schema};
use crate::sql::TableName;
use crate::sql::statement::is_transaction_time;
use crate::sql::tokens::Tokens;

/// The ties of all tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ties {
    /// The tables that the foreign keys of a table refer to.
    references: BTreeMap<TableName, BTreeSet<TableName>>,
    /// Tables with triggers or rules.
    active: BTreeSet<TableName>,
    /// Tables with constraints that are checked when the transaction ends.
    deferred: BTreeSet<TableName>,
    /// Tables that give a new row the time at which it is made.
    stamped: BTreeSet<TableName>,
}

impl Ties {
    /// Notes what a statement ties.
    pub(super) fn note(&mut self, tokens: Tokens<'_>) {
        let Some(table) = subject(tokens) else { return };
        if (0..tokens.len()).any(|at| tokens.are(at, &["initially", "deferred"])) {
            self.deferred.insert(table.clone());
        }
        if (0..tokens.len()).any(|at| tokens.is(at, "default") && is_time(tokens, at + 1)) {
            self.stamped.insert(table.clone());
        }
        if tokens.is(0, "create") && !tokens.contain(&["table"]) {
            self.active.insert(table);
            return;
        }
        let at = (0..tokens.len()).filter(|&at| tokens.is(at, "references"));
        let referred: Vec<TableName> = at.filter_map(|at| name_at(tokens, at + 1)).collect();
        self.references.entry(table).or_default().extend(referred);
    }

    /// Whether foreign keys lead from one table to the other.
    fn leads(&self, from: &TableName, to: &TableName) -> bool {
        let mut due = vec![from];
        let mut seen = BTreeSet::new();
        while let Some(table) = due.pop() {
            if table == to {
                return true;
            }
            if seen.insert(table) {
                due.extend(self.references.get(table).into_iter().flatten());
            }
        }
        false
    }
}

impl Schema {
    /// Whether a change of rows may be refused only when its transaction ends: by a constraint of the table, or of one that refers to it.
    pub fn is_deferred(&self, name: &TableName) -> bool {
        let name = self.known_name(name);
        let mut deferred = self.ties.deferred.iter();
        deferred.any(|table| {
            let references = self.ties.references.get(table);
            *table == name || references.is_some_and(|tables| tables.contains(&name))
        })
    }

    /// Whether a new row gets the time of its transaction by itself.
    pub fn is_stamped(&self, name: &TableName) -> bool {
        self.ties.stamped.contains(&self.known_name(name))
    }

    fn known_name(&self, name: &TableName) -> TableName {
        let known = self.table(name).map(|table| with_schema(&table.name));
        known.unwrap_or_else(|| with_schema(name))
    }

    /// Whether changing rows of one table may have to do with rows of the other: they are one, a foreign key leads from one to the other,
    /// a trigger may, or the sources do not show how they are made.
    pub fn is_tied(&self, one: &TableName, other: &TableName) -> bool {
        let known = |name: &TableName| {
            let table = self.table(name).filter(|table| table.created.is_some())?;
            Some(with_schema(&table.name))
        };
        let (Some(one), Some(other)) = (known(one), known(other)) else {
            return true;
        };
        let active = |table| self.ties.active.contains(table);
        active(&one)
            || active(&other)
            || self.ties.leads(&one, &other)
            || self.ties.leads(&other, &one)
    }
}

/// Whether the expression that begins at `start` has the time of the transaction in it.
fn is_time(tokens: Tokens<'_>, start: usize) -> bool {
    let rest = tokens.slice(start, tokens.len());
    let expression = rest.split_commas().into_iter().next().unwrap_or(rest);
    // What closes the list of columns ends it, too.
    let mut depth = 0usize;
    for at in 0..expression.len() {
        if expression.is_symbol(at, '(') {
            depth += 1;
        } else if expression.is_symbol(at, ')') {
            let Some(outer) = depth.checked_sub(1) else {
                return false;
            };
            depth = outer;
        } else if is_transaction_time(expression, at) {
            return true;
        }
    }
    false
}

/// The table that a statement is about, of those that can tie tables: `CREATE TABLE`, `ALTER TABLE`, `CREATE TRIGGER`, `CREATE RULE`.
fn subject(tokens: Tokens<'_>) -> Option<TableName> {
    if tokens.are(0, &["alter", "table"]) {
        let names = (2..5).find(|&at| !tokens.is_any(at, &["if", "exists", "only"]));
        return name_at(tokens, names?);
    }
    if !tokens.is(0, "create") {
        return None;
    }
    let word = (1..6).find(|&at| tokens.is_any(at, &["table", "trigger", "rule"]))?;
    if tokens.is(word, "table") {
        let after = (word + 1..word + 5).find(|&at| !tokens.is_any(at, &["if", "not", "exists"]));
        return name_at(tokens, after?);
    }
    let preposition = if tokens.is(word, "rule") { "to" } else { "on" };
    let at = (word..tokens.len()).find(|&at| tokens.is(at, preposition))?;
    name_at(tokens, at + 1)
}

/// The name of a table at `at`, with its schema.
fn name_at(tokens: Tokens<'_>, at: usize) -> Option<TableName> {
    let first = tokens.name(at)?;
    let name = if tokens.is_symbol(at + 1, '.') {
        TableName {
            schema: Some(first),
            name: tokens.name(at + 2)?,
        }
    } else {
        TableName {
            schema: None,
            name: first,
        }
    };
    Some(with_schema(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tied(one: &str, other: &str) -> bool {
        let mut schema = Schema::default();
        schema.apply_file(
            "a.sql",
            "CREATE TABLE users (id int PRIMARY KEY);
             CREATE TABLE IF NOT EXISTS houses (id int PRIMARY KEY, owner int REFERENCES public.users (id));
             CREATE TABLE rooms (id int, house int, FOREIGN KEY (house) REFERENCES houses);
             CREATE TABLE log.events (id int, who int);
             ALTER TABLE ONLY log.events ADD CONSTRAINT who FOREIGN KEY (who) REFERENCES users;
             CREATE TABLE counted (id int);
             CREATE OR REPLACE TRIGGER count AFTER INSERT ON counted EXECUTE FUNCTION f();
             CREATE TABLE ruled (id int);
             CREATE RULE r AS ON INSERT TO ruled DO ALSO NOTIFY x;
             ALTER TABLE elsewhere ENABLE ROW LEVEL SECURITY;",
        );
        let name = |text: &str| {
            let (schema, name) = text.split_once('.').unwrap_or(("public", text));
            TableName {
                schema: Some(schema.to_owned()),
                name: name.to_owned(),
            }
        };
        schema.is_tied(&name(one), &name(other))
    }

    #[test]
    fn constraints_that_wait_and_columns_that_take_the_time_are_told() {
        let mut schema = Schema::default();
        schema.apply_file(
            "a.sql",
            "CREATE TABLE users (id int PRIMARY KEY, at timestamptz DEFAULT timezone('utc', now()), b int);
             CREATE TABLE houses (id int, owner int REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);
             CREATE TABLE rooms (id int DEFAULT 1, at timestamptz CHECK (at < now()));
             CREATE TABLE doors (id int, name text);
             ALTER TABLE doors ADD CONSTRAINT one UNIQUE (name) DEFERRABLE INITIALLY DEFERRED;
             ALTER TABLE doors ADD COLUMN at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP;",
        );
        let name = |name: &str| TableName {
            schema: None,
            name: name.to_owned(),
        };
        let deferred =
            ["users", "houses", "rooms", "doors"].map(|table| schema.is_deferred(&name(table)));
        assert_eq!(deferred, [true, true, false, true]);
        let stamped =
            ["users", "houses", "rooms", "doors"].map(|table| schema.is_stamped(&name(table)));
        assert_eq!(stamped, [true, false, false, true]);
    }

    #[test]
    fn foreign_keys_tie_in_both_directions_and_through_others() {
        assert!(tied("users", "users"));
        assert!(tied("houses", "users") && tied("users", "houses"));
        assert!(tied("rooms", "users") && tied("users", "rooms"));
        assert!(tied("log.events", "users"));
    }

    #[test]
    fn what_only_refers_to_the_same_table_is_not_tied() {
        assert!(!tied("log.events", "houses"));
        assert!(!tied("houses", "log.events"));
    }

    #[test]
    fn triggers_rules_and_unknown_tables_may_tie_anything() {
        assert!(tied("counted", "houses"));
        assert!(tied("houses", "ruled"));
        assert!(tied("houses", "elsewhere"));
        assert!(tied("nowhere", "houses"));
    }
}
