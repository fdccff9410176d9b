//! Folds one source into a schema.
//!
//! Reads the few statements that matter from their tokens, each on its own: a source that the grammar refuses, or that is written for
//! another version of PostgreSQL, still says what it says about row-level security.

use super::policy::{Policy, PolicyCommand};
use super::text::{body, concerns_security};
use super::{Location, Schema, block, with_schema};
use crate::sql::lex::HOLE;
use crate::sql::placeholders::with_marked_holes;
use crate::sql::script::statements;
use crate::sql::tokens::Tokens;
use crate::sql::{Command, SqlText, TableName};

impl Schema {
    /// Folds the script `sql` in. `at` says where the byte at an offset of `sql` stands in its file.
    pub fn apply(&mut self, sql: &str, at: impl Fn(usize) -> Location) {
        self.apply_script(sql, &at);
    }

    /// Folds a file in.
    pub fn apply_file(&mut self, file: &str, sql: &str) {
        let mut line_starts = vec![0];
        line_starts.extend(sql.match_indices('\n').map(|(newline, _)| newline + 1));
        self.apply_script(sql, &|offset| Location {
            file: file.to_owned(),
            line: line_starts.partition_point(|&start| start <= offset),
        });
    }

    /// Folds in a script of which parts are not known. `at` counts offsets in the known parts alone.
    ///
    /// A statement about row-level security whose table is in a hole is listed by [`Schema::dynamic`].
    pub fn apply_text(&mut self, sql: &SqlText, at: impl Fn(usize) -> Location) {
        let text = with_marked_holes(sql);
        self.apply_script(&text, &|offset| {
            let holes = text[..offset].matches(HOLE).count();
            at(offset - holes * HOLE.len_utf8())
        });
    }

    pub(super) fn apply_script(&mut self, sql: &str, at: &dyn Fn(usize) -> Location) {
        for statement in statements(sql) {
            self.apply_statement(Tokens::new(sql, &statement.tokens), at);
        }
    }

    /// Folds one statement in.
    pub(super) fn apply_statement(&mut self, tokens: Tokens<'_>, at: &dyn Fn(usize) -> Location) {
        let Some(first) = tokens.get(0) else { return };
        if tokens.is(0, "do") {
            block::apply(self, tokens, at);
            return;
        }
        self.ties.note(tokens);
        let mut change = Change {
            schema: self,
            tokens,
            next: 2,
            at: at(first.span.start),
        };
        let words = (
            tokens.text(0).to_ascii_lowercase(),
            tokens.text(1).to_ascii_lowercase(),
        );
        // A statement that ends too early says nothing.
        let _ = match (words.0.as_str(), words.1.as_str()) {
            ("create", "policy") => change.create_policy(),
            ("alter", "policy") => change.alter_policy(),
            ("drop", "policy") => change.drop_policy(),
            ("create", _) => change.create(),
            ("alter", "table") => change.alter_table(),
            ("alter", "schema") => change.alter_schema(),
            ("alter", "view") => change.alter_view(),
            ("drop", "view") => change.drop_views(),
            ("drop", "table") => change.drop_tables(),
            ("drop", "schema") => change.drop_schemas(),
            _ => None,
        };
    }

    pub(super) fn note_dynamic(&mut self, at: Location) {
        self.dynamic.insert(at);
    }
}

/// A statement being folded in, and how far it is read. Readers give nothing when the statement is not of the form they read.
pub(super) struct Change<'a> {
    pub(super) schema: &'a mut Schema,
    pub(super) tokens: Tokens<'a>,
    pub(super) next: usize,
    at: Location,
}

impl Change<'_> {
    pub(super) fn eat(&mut self, words: &[&str]) -> bool {
        let found = self.tokens.are(self.next, words);
        self.next += if found { words.len() } else { 0 };
        found
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let name = self.tokens.name(self.next)?;
        self.next += 1;
        Some(name)
    }

    /// The name of a table; nothing, and noted, when it has a hole.
    pub(super) fn table_name(&mut self) -> Option<TableName> {
        let start = self.next;
        let table = self.written_table_name();
        let end = self.next + 1;
        // A brace is the field of a template, a colon begins a variable of psql.
        let has_hole = (start..end).any(|at| {
            self.tokens.has_hole(at)
                || self.tokens.is_symbol(at, '{')
                || self.tokens.is_symbol(at, ':')
        });
        if !has_hole {
            return table;
        }
        if concerns_security(self.tokens.source()) {
            self.schema.note_dynamic(self.at.clone());
        }
        None
    }

    fn written_table_name(&mut self) -> Option<TableName> {
        let mut table = TableName {
            schema: None,
            name: self.name()?,
        };
        while self.tokens.is_symbol(self.next, '.') {
            self.next += 1;
            let name = self.name()?;
            table.schema = Some(std::mem::replace(&mut table.name, name));
        }
        Some(table)
    }

    /// The bracketed group at hand: the positions of its content.
    pub(super) fn group(&mut self) -> Option<(usize, usize)> {
        if !self.tokens.is_symbol(self.next, '(') {
            return None;
        }
        let (start, end) = (self.next + 1, self.tokens.after_group(self.next));
        self.next = end;
        let closed = self.tokens.is_symbol(end - 1, ')');
        Some((start, end - usize::from(closed)))
    }

    fn create(&mut self) -> Option<()> {
        self.next = 1;
        self.eat(&["or", "replace"]);
        if self.eat(&["function"]) || self.eat(&["procedure"]) {
            return self.create_function();
        }
        if let Some(view) = self.view_word() {
            self.next = view + 1;
            return self.create_view();
        }
        self.eat(&["unlogged"]);
        self.eat(&["foreign"]);
        if !self.eat(&["table"]) {
            return None;
        }
        self.eat(&["if", "not", "exists"]);
        let name = self.table_name()?;
        let columns = match self.group() {
            Some((start, end)) => columns(self.tokens.slice(start, end)),
            None => Vec::new(),
        };
        let at = self.at.clone();
        let name = with_schema(&name);
        let table = self
            .schema
            .tables
            .entry(name.clone())
            .or_insert_with(|| super::Table::new(name));
        if table.created.is_none() {
            table.created = Some(at);
            table.columns = columns;
        }
        Some(())
    }

    fn create_function(&mut self) -> Option<()> {
        let name = self.table_name()?.name;
        let rest = self.tokens.slice(self.next, self.tokens.len());
        let text = (0..rest.len())
            .filter(|&at| at > 0 && rest.is(at - 1, "as"))
            .find_map(|at| rest.string(at))
            .unwrap_or_else(|| rest.source().to_owned());
        if concerns_security(&text) {
            self.schema.note_dynamic(self.at.clone());
        }
        self.schema.functions.insert(name, body(&text));
        Some(())
    }

    fn alter_table(&mut self) -> Option<()> {
        self.eat(&["if", "exists"]);
        self.eat(&["only"]);
        let mut name = self.table_name()?;
        self.next += usize::from(self.tokens.is_symbol(self.next, '*'));
        for action in self
            .tokens
            .slice(self.next, self.tokens.len())
            .split_commas()
        {
            self.alter_action(&mut name, action);
        }
        Some(())
    }

    fn alter_action(&mut self, name: &mut TableName, action: Tokens<'_>) {
        let security = ["row", "level", "security"];
        let at = self.at.clone();
        if action.is(0, "enable") && action.are(1, &security) {
            let table = self.schema.table_mut(name);
            table.security.get_or_insert(at);
            let name = table.name.clone();
            self.schema
                .undone
                .retain(|undone| undone.table.name != name);
        } else if action.is(0, "disable") && action.are(1, &security) {
            let table = self.schema.table_mut(name);
            let before = table.clone();
            table.security = None;
            self.note_undone(before);
        } else if action.is(0, "force") && action.are(1, &security) {
            self.schema.table_mut(name).forced = Some(at);
        } else if action.are(0, &["no", "force"]) && action.are(2, &security) {
            self.schema.table_mut(name).forced = None;
        } else if action.are(0, &["rename", "to"]) {
            if let Some(new) = action.name(2) {
                self.rename(name, |table| table.name = new);
            }
        } else if action.are(0, &["set", "schema"]) {
            if let Some(new) = action.name(2) {
                self.rename(name, |table| table.schema = Some(new));
            }
        } else {
            self.alter_columns(name, action);
        }
    }

    fn rename(&mut self, name: &mut TableName, change: impl FnOnce(&mut TableName)) {
        let table = self.schema.table_mut(name).name.clone();
        if let Some(mut table) = self.schema.tables.remove(&table) {
            change(&mut table.name);
            *name = table.name.clone();
            self.schema.tables.insert(name.clone(), table);
        }
    }

    fn alter_columns(&mut self, name: &TableName, action: Tokens<'_>) {
        let column = |mut at: usize| {
            at += usize::from(action.is(at, "column"));
            for words in [["if", "not", "exists"].as_slice(), &["if", "exists"]] {
                at += if action.are(at, words) {
                    words.len()
                } else {
                    0
                };
            }
            Some((at, action.name(at)?))
        };
        let is_constraint = action.is_any(1, &CONSTRAINT_WORDS);
        let Some((at, named)) = column(1).filter(|_| !is_constraint) else {
            return;
        };
        if action.is(0, "add") {
            self.schema.table_mut(name).columns.push(named);
        } else if action.is(0, "drop") {
            let table = self.schema.table_mut(name);
            table.columns.retain(|column| *column != named);
        } else if action.is(0, "rename")
            && action.is(at + 1, "to")
            && let Some(new) = action.name(at + 2)
        {
            let table = self.schema.table_mut(name);
            if let Some(column) = table.columns.iter_mut().find(|column| **column == named) {
                *column = new;
            }
        }
    }

    fn alter_schema(&mut self) -> Option<()> {
        let old = self.name()?;
        if !self.eat(&["rename", "to"]) {
            return None;
        }
        let new = self.name()?;
        let tables = std::mem::take(&mut self.schema.tables);
        for (_, mut table) in tables {
            if table.name.schema.as_ref() == Some(&old) {
                table.name.schema = Some(new.clone());
            }
            self.schema.tables.insert(table.name.clone(), table);
        }
        Some(())
    }

    fn drop_tables(&mut self) -> Option<()> {
        self.eat(&["if", "exists"]);
        loop {
            let name = self.table_name()?;
            if let Some(table) = self.schema.table(&name) {
                let name = table.name.clone();
                self.drop_table(&name);
            }
            if !self.tokens.is_symbol(self.next, ',') {
                return Some(());
            }
            self.next += 1;
        }
    }

    fn drop_schemas(&mut self) -> Option<()> {
        self.eat(&["if", "exists"]);
        loop {
            let name = self.name()?;
            let tables: Vec<_> = self.schema.tables.keys().cloned().collect();
            for table in tables {
                if table.schema.as_ref() == Some(&name) {
                    self.drop_table(&table);
                }
            }
            if !self.tokens.is_symbol(self.next, ',') {
                return Some(());
            }
            self.next += 1;
        }
    }

    fn drop_table(&mut self, name: &TableName) {
        if let Some(table) = self.schema.tables.remove(name) {
            self.note_undone(table);
        }
    }

    fn note_undone(&mut self, table: super::Table) {
        if table.security.is_some() {
            let at = self.at.clone();
            self.schema.undone.push(super::Undone { table, at });
        }
    }

    /// `policy ON table`: both names.
    fn policy_and_table(&mut self) -> Option<(String, TableName)> {
        let policy = self.name()?;
        if !self.eat(&["on"]) {
            return None;
        }
        let table = self.table_name()?;
        Some((policy, table))
    }

    fn create_policy(&mut self) -> Option<()> {
        let (name, table) = self.policy_and_table()?;
        let mut policy = Policy {
            name,
            command: PolicyCommand::All,
            permissive: true,
            roles: Vec::new(),
            using: None,
            check: None,
            at: self.at.clone(),
        };
        self.policy_clauses(&mut policy);
        let policies = &mut self.schema.table_mut(&table).policies;
        policies.retain(|other| other.name != policy.name);
        policies.push(policy);
        Some(())
    }

    fn alter_policy(&mut self) -> Option<()> {
        let (name, table) = self.policy_and_table()?;
        let table = self.schema.table_mut(&table);
        let place = table
            .policies
            .iter()
            .position(|policy| policy.name == name)?;
        let mut policy = table.policies.remove(place);
        let table = table.name.clone();
        if self.eat(&["rename", "to"]) {
            policy.name = self.name().unwrap_or(policy.name);
        } else {
            policy.at = self.at.clone();
            self.policy_clauses(&mut policy);
        }
        self.schema.table_mut(&table).policies.insert(place, policy);
        Some(())
    }

    fn drop_policy(&mut self) -> Option<()> {
        self.eat(&["if", "exists"]);
        let (name, table) = self.policy_and_table()?;
        let policies = &mut self.schema.table_mut(&table).policies;
        policies.retain(|policy| policy.name != name);
        Some(())
    }

    fn policy_clauses(&mut self, policy: &mut Policy) {
        while self.next < self.tokens.len() {
            if self.eat(&["as"]) {
                policy.permissive = !self.eat(&["restrictive"]);
            } else if self.eat(&["for"]) {
                policy.command = match self.tokens.text(self.next).to_ascii_lowercase().as_str() {
                    "select" => PolicyCommand::Only(Command::Select),
                    "insert" => PolicyCommand::Only(Command::Insert),
                    "update" => PolicyCommand::Only(Command::Update),
                    "delete" => PolicyCommand::Only(Command::Delete),
                    _ => PolicyCommand::All,
                };
                self.next += 1;
            } else if self.eat(&["to"]) {
                policy.roles = self.roles();
            } else if self.eat(&["using"]) {
                policy.using = self.group_text();
            } else if self.eat(&["with", "check"]) {
                policy.check = self.group_text();
            } else {
                self.next += 1;
            }
        }
    }

    /// The roles of a list; none for `PUBLIC`, which is everybody.
    fn roles(&mut self) -> Vec<String> {
        let mut roles = Vec::new();
        loop {
            let everybody = self.tokens.is(self.next, "public");
            roles.extend(self.name().filter(|_| !everybody));
            if !self.tokens.is_symbol(self.next, ',') {
                return roles;
            }
            self.next += 1;
        }
    }

    fn group_text(&mut self) -> Option<String> {
        let (start, end) = self.group()?;
        Some(self.tokens.slice(start, end).source().to_owned())
    }
}

const CONSTRAINT_WORDS: [&str; 7] = [
    "constraint",
    "primary",
    "unique",
    "check",
    "foreign",
    "exclude",
    "like",
];

/// The columns in the brackets of `CREATE TABLE`.
fn columns(definitions: Tokens<'_>) -> Vec<String> {
    definitions
        .split_commas()
        .iter()
        .filter(|definition| !definition.is_any(0, &CONSTRAINT_WORDS))
        .filter_map(|definition| definition.name(0))
        .collect()
}
