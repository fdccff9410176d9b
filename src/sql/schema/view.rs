//! Views: what their queries use, and whose rights they are run with.

use super::apply::Change;
use super::{View, with_schema};
use crate::sql::read_plain;
use crate::sql::tokens::Tokens;

const INVOKER: &str = "security_invoker";

impl Change<'_> {
    /// Where the word `VIEW` of a `CREATE VIEW` stands. A materialised view is none: its rows are its own.
    pub(super) fn view_word(&self) -> Option<usize> {
        let mut at = self.next;
        while self
            .tokens
            .is_any(at, &["temp", "temporary", "local", "global", "recursive"])
        {
            at += 1;
        }
        self.tokens.is(at, "view").then_some(at)
    }

    /// Reads on behind `CREATE … VIEW`.
    pub(super) fn create_view(&mut self) -> Option<()> {
        self.eat(&["if", "not", "exists"]);
        let name = with_schema(&self.table_name()?);
        self.group();
        let mut view = View::default();
        if self.eat(&["with"])
            && let Some((start, end)) = self.group()
        {
            view.set_options(self.tokens.slice(start, end));
        }
        if !self.eat(&["as"]) {
            return None;
        }
        let query = self.tokens.slice(self.next, self.tokens.len());
        let facts = read_plain(query.source());
        view.uses = facts
            .statements
            .into_iter()
            .flat_map(|statement| statement.tables)
            // A recursive view names itself.
            .filter(|used| with_schema(&used.table) != name)
            .collect();
        self.schema.views.insert(name, view);
        Some(())
    }

    /// Reads on behind `ALTER VIEW`.
    pub(super) fn alter_view(&mut self) -> Option<()> {
        self.eat(&["if", "exists"]);
        let name = with_schema(&self.table_name()?);
        if self.eat(&["set"]) {
            if self.eat(&["schema"]) {
                let schema = self.name();
                return self.rename_view(&name, |name| name.schema = schema);
            }
            let (start, end) = self.group()?;
            let options = self.tokens.slice(start, end);
            self.schema.views.get_mut(&name)?.set_options(options);
        } else if self.eat(&["reset"]) {
            let (start, end) = self.group()?;
            if self.tokens.slice(start, end).contain(&[INVOKER]) {
                self.schema.views.get_mut(&name)?.invoker = false;
            }
        } else if self.eat(&["rename", "to"]) {
            let new = self.name()?;
            return self.rename_view(&name, |name| name.name = new);
        }
        Some(())
    }

    fn rename_view(
        &mut self,
        name: &crate::sql::TableName,
        change: impl FnOnce(&mut crate::sql::TableName),
    ) -> Option<()> {
        let view = self.schema.views.remove(name)?;
        let mut name = name.clone();
        change(&mut name);
        self.schema.views.insert(name, view);
        Some(())
    }

    /// Reads on behind `DROP VIEW`.
    pub(super) fn drop_views(&mut self) -> Option<()> {
        self.eat(&["if", "exists"]);
        loop {
            let name = with_schema(&self.table_name()?);
            self.schema.views.remove(&name);
            if !self.tokens.is_symbol(self.next, ',') {
                return Some(());
            }
            self.next += 1;
        }
    }
}

impl View {
    /// Takes over the options between the brackets of `WITH (…)` or `SET (…)`.
    fn set_options(&mut self, options: Tokens<'_>) {
        for option in options.split_commas() {
            if option.is(0, INVOKER) {
                let value = option.string(2);
                let value = value.as_deref().unwrap_or(option.text(2));
                let is_off = ["false", "off", "no", "0", "f", "n"]
                    .iter()
                    .any(|off| value.eq_ignore_ascii_case(off));
                self.invoker = !is_off;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::schema::Schema;
    use crate::sql::{Command, TableName, TableUse};

    /// Whether reading `v` is about user data, and whether it is done with its owner's rights.
    fn reading(sql: &str, name: &str) -> (bool, bool) {
        let mut schema = Schema::default();
        let tables = "CREATE TABLE t (a int); CREATE TABLE p (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY;";
        schema.apply_file("a.sql", &format!("{tables} {sql}"));
        let table = TableName {
            schema: None,
            name: name.to_owned(),
        };
        let owners = schema.owners_view(&table);
        let command = Command::Select;
        (schema.is_user_data(&TableUse { table, command }), owners)
    }

    #[test]
    fn a_view_counts_as_its_tables() {
        let invoker =
            "CREATE VIEW v WITH (security_invoker = true) AS SELECT * FROM p JOIN t ON true";
        assert_eq!(reading(invoker, "v"), (true, false));
        assert_eq!(
            reading(
                "CREATE OR REPLACE VIEW public.v (a) WITH (security_invoker) AS TABLE t",
                "v"
            ),
            (true, false)
        );
        assert_eq!(
            reading("CREATE VIEW v AS SELECT * FROM t", "v"),
            (true, true)
        );
        assert_eq!(
            reading("CREATE TEMP VIEW v AS SELECT * FROM p", "v"),
            (false, true)
        );
        assert_eq!(
            reading("CREATE MATERIALIZED VIEW v AS SELECT * FROM t", "v"),
            (false, false)
        );
    }

    #[test]
    fn views_over_views_are_followed_and_end() {
        let chain = "CREATE VIEW a AS SELECT * FROM t; CREATE VIEW v AS SELECT * FROM a";
        assert_eq!(reading(chain, "v"), (true, true));
        let circle = "CREATE VIEW v AS SELECT * FROM a; CREATE VIEW a AS SELECT * FROM v";
        assert_eq!(reading(circle, "v"), (false, true));
    }

    #[test]
    fn later_statements_change_views() {
        let view = "CREATE VIEW v AS SELECT * FROM t;";
        for (change, name, expected) in [
            (
                "ALTER VIEW v SET (security_invoker = on)",
                "v",
                (true, false),
            ),
            (
                "ALTER VIEW v SET (security_invoker = 'off')",
                "v",
                (true, true),
            ),
            ("ALTER VIEW IF EXISTS v RENAME TO w", "w", (true, true)),
            ("ALTER VIEW v SET SCHEMA app", "v", (true, true)),
            ("DROP VIEW IF EXISTS x, v CASCADE", "v", (false, false)),
        ] {
            assert_eq!(
                reading(&format!("{view} {change}"), name),
                expected,
                "{change}"
            );
        }
    }
}
