//! What scripts say about row-level security.

use super::{Location, Schema, Table};
use crate::sql::tests::query;
use crate::sql::{Command, TableName, TableUse};

fn schema(sql: &str) -> Schema {
    let mut schema = Schema::default();
    schema.apply_file("a.sql", sql);
    schema
}

fn name(text: &str) -> TableName {
    match text.split_once('.') {
        Some((schema, name)) => TableName {
            schema: Some(schema.to_owned()),
            name: name.to_owned(),
        },
        None => TableName {
            schema: None,
            name: text.to_owned(),
        },
    }
}

fn guarded(schema: &Schema) -> Vec<String> {
    schema
        .rls_tables()
        .map(|table| table.name.to_string())
        .collect()
}

fn table<'a>(schema: &'a Schema, text: &str) -> &'a Table {
    schema.table(&name(text)).expect("the script names it")
}

/// The commands that are about user data on table `t`, as `SIUD`.
fn user_data(sql: &str) -> String {
    let schema = schema(&format!(
        "CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; {sql}"
    ));
    [
        (Command::Select, 'S'),
        (Command::Insert, 'I'),
        (Command::Update, 'U'),
        (Command::Delete, 'D'),
    ]
    .into_iter()
    .filter(|&(command, _)| {
        let table = name("t");
        schema.is_user_data(&TableUse { table, command })
    })
    .map(|(_, letter)| letter)
    .collect()
}

#[test]
fn security_is_enabled_forced_and_disabled() {
    let cases = [
        ("ALTER TABLE lots ENABLE ROW LEVEL SECURITY", "lots"),
        (
            "ALTER TABLE IF EXISTS ONLY public.lots ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "lots",
        ),
        (
            "ALTER TABLE \"Lots\" ENABLE ROW LEVEL SECURITY; ALTER TABLE audit.lots enable row level security",
            "audit.lots Lots",
        ),
        (
            "ALTER TABLE a ENABLE ROW LEVEL SECURITY; ALTER TABLE a DISABLE ROW LEVEL SECURITY",
            "",
        ),
        (
            "ALTER TABLE a ENABLE ROW LEVEL SECURITY; DROP TABLE IF EXISTS b, a CASCADE",
            "",
        ),
        (
            "ALTER TABLE s.a ENABLE ROW LEVEL SECURITY; DROP SCHEMA s CASCADE",
            "",
        ),
        (
            "ALTER TABLE a ENABLE ROW LEVEL SECURITY; ALTER TABLE a RENAME TO b; ALTER TABLE b SET SCHEMA s",
            "s.b",
        ),
        (
            "ALTER TABLE s.a ENABLE ROW LEVEL SECURITY; ALTER SCHEMA s RENAME TO t",
            "t.a",
        ),
        (
            "ALTER TABLE a ENABLE ROW LEVEL SECURITY; CREATE TABLE IF NOT EXISTS a (x int)",
            "a",
        ),
        (
            "CREATE TABLE a (x int); -- ALTER TABLE a ENABLE ROW LEVEL SECURITY;\n",
            "",
        ),
        ("SELECT 'ALTER TABLE a ENABLE ROW LEVEL SECURITY'", ""),
        ("ALTER TABLE a FORCE ROW LEVEL SECURITY", ""),
    ];
    for (sql, expected) in cases {
        assert_eq!(guarded(&schema(sql)).join(" "), expected, "{sql}");
    }
}

#[test]
fn places_are_lines_of_the_file() {
    let schema = schema(
        "-- tables\nCREATE TABLE lots (\n  id uuid PRIMARY KEY,\n  \"userId\" uuid,\n  CONSTRAINT c CHECK (true)\n);\n\n\
         ALTER TABLE lots ENABLE ROW LEVEL SECURITY;\nCREATE POLICY own ON lots\n  USING (user_id = current_setting('app.user_id')::uuid);\n\
         ALTER TABLE lots ADD COLUMN IF NOT EXISTS qty int, DROP COLUMN id, RENAME COLUMN qty TO quantity;",
    );
    let lots = table(&schema, "lots");
    let line = |location: &Option<Location>| location.as_ref().map(ToString::to_string);
    assert_eq!(line(&lots.created).as_deref(), Some("a.sql:2"));
    assert_eq!(line(&lots.security).as_deref(), Some("a.sql:8"));
    assert_eq!(lots.forced, None);
    assert_eq!(lots.policies[0].at.line, 9);
    assert_eq!(
        lots.policies[0].using.as_deref(),
        Some("user_id = current_setting('app.user_id')::uuid")
    );
    assert_eq!(lots.columns, ["userId", "quantity"]);
}

#[test]
fn policies_decide_what_is_user_data() {
    let cases = [
        // No policy admits nobody.
        ("", "SIUD"),
        ("CREATE POLICY p ON t USING (true)", ""),
        (
            "CREATE POLICY p ON t FOR ALL TO PUBLIC USING ((TRUE)) WITH CHECK (true)",
            "",
        ),
        ("CREATE POLICY p ON t USING (owner = current_user)", "SIUD"),
        ("CREATE POLICY p ON t FOR SELECT USING (true)", "IUD"),
        ("CREATE POLICY p ON t FOR INSERT WITH CHECK (true)", "SUD"),
        // UPDATE and DELETE read the rows that they change.
        ("CREATE POLICY p ON t FOR UPDATE USING (true)", "SIUD"),
        (
            "CREATE POLICY p ON t FOR DELETE USING (true); CREATE POLICY q ON t FOR SELECT USING (true)",
            "IU",
        ),
        (
            "CREATE POLICY p ON t USING (true) WITH CHECK (owner = current_user)",
            "IU",
        ),
        // A policy without USING admits no row.
        ("CREATE POLICY p ON t WITH CHECK (true)", "SUD"),
        (
            "CREATE POLICY p ON t USING (true); CREATE POLICY q ON t FOR SELECT USING (mine)",
            "SUD",
        ),
        (
            "CREATE POLICY p ON t USING (true); CREATE POLICY q ON t AS RESTRICTIVE USING (true)",
            "SIUD",
        ),
        (
            "CREATE POLICY p ON t USING (mine); ALTER POLICY p ON t USING (true)",
            "",
        ),
        (
            "CREATE POLICY p ON t USING (true); ALTER POLICY p ON t TO app USING (mine)",
            "SIUD",
        ),
        (
            "CREATE POLICY p ON t USING (mine); ALTER POLICY p ON t RENAME TO q; DROP POLICY q ON t; CREATE POLICY r ON t USING (true)",
            "",
        ),
        (
            "CREATE POLICY p ON t USING (mine); DROP POLICY IF EXISTS p ON public.t; CREATE POLICY p ON t USING (true)",
            "",
        ),
        (
            "CREATE POLICY p ON t USING (mine); ALTER TABLE t DISABLE ROW LEVEL SECURITY",
            "",
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(user_data(sql), expected, "{sql}");
    }
}

#[test]
fn roles_are_kept() {
    let schema = schema(
        "CREATE POLICY p ON t AS PERMISSIVE FOR SELECT TO app, \"Admin\" USING (a IN (SELECT 1)); CREATE POLICY q ON t TO PUBLIC USING (true)",
    );
    let policies = &table(&schema, "t").policies;
    assert_eq!(policies[0].roles, ["app", "Admin"]);
    assert_eq!(policies[0].using.as_deref(), Some("a IN (SELECT 1)"));
    assert_eq!(policies[1].roles, [""; 0]);
}

#[test]
fn names_without_a_schema_are_looked_for() {
    let one = schema("ALTER TABLE app.lots ENABLE ROW LEVEL SECURITY");
    assert!(one.table(&name("lots")).is_some());
    assert!(one.table(&name("public.lots")).is_none());
    let two = schema("CREATE TABLE a.lots (x int); CREATE TABLE b.lots (x int)");
    assert!(two.table(&name("lots")).is_none());
    let public = schema("CREATE TABLE lots (x int); CREATE TABLE b.lots (x int)");
    assert_eq!(
        table(&public, "lots").name.schema.as_deref(),
        Some("public")
    );
}

#[test]
fn blocks_are_read_as_far_as_literals_go() {
    let cases = [
        (
            "DO $$ BEGIN ALTER TABLE a ENABLE ROW LEVEL SECURITY; END $$;",
            "a",
        ),
        (
            "DO $do$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_class WHERE x = 'then') THEN ALTER TABLE a ENABLE ROW LEVEL SECURITY; ELSE ALTER TABLE b ENABLE ROW LEVEL SECURITY; END IF; END $do$ LANGUAGE plpgsql",
            "a b",
        ),
        (
            "DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['a','b']::text[] LOOP EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t); END LOOP; END $$",
            "a b",
        ),
        (
            "DO $$ DECLARE names text[] := ARRAY['a', 'b']; t text; BEGIN FOREACH t IN ARRAY names LOOP EXECUTE 'ALTER TABLE public.' || quote_ident(t) || ' ENABLE ROW LEVEL SECURITY'; END LOOP; END $$",
            "a b",
        ),
        (
            "DO $$ DECLARE names text[] := '{a,b}'; t text; BEGIN FOREACH t IN ARRAY names LOOP EXECUTE format('ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY; ALTER TABLE %1$s FORCE ROW LEVEL SECURITY', t); END LOOP; END $$",
            "a b",
        ),
        (
            "DO $$ BEGIN FOR t IN SELECT unnest(ARRAY['a','b']) LOOP EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', 'app', t); END LOOP; END $$",
            "app.a app.b",
        ),
        (
            "DO 'BEGIN ALTER TABLE a ENABLE ROW LEVEL SECURITY; END'",
            "a",
        ),
        (
            "DO $$ BEGIN BEGIN ALTER TABLE a ENABLE ROW LEVEL SECURITY; EXCEPTION WHEN OTHERS THEN NULL; END; END $$; ALTER TABLE b ENABLE ROW LEVEL SECURITY",
            "a b",
        ),
    ];
    for (sql, expected) in cases {
        let schema = schema(sql);
        assert_eq!(guarded(&schema).join(" "), expected, "{sql}");
        assert_eq!(schema.dynamic().count(), 0, "{sql}");
    }
}

#[test]
fn a_policy_in_a_loop_is_named_for_its_table() {
    let schema = schema(
        "DO $$\nDECLARE t text;\nBEGIN\n  FOREACH t IN ARRAY ARRAY['a','b'] LOOP\n    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);\n    \
         EXECUTE format('CREATE POLICY %I ON %I USING (owner = current_setting(''app.owner''))', t || '_own', t);\n  END LOOP;\nEND $$;",
    );
    let policy = &table(&schema, "b").policies[0];
    assert_eq!((policy.name.as_str(), policy.at.line), ("b_own", 6));
    assert_eq!(
        policy.using.as_deref(),
        Some("owner = current_setting('app.owner')")
    );
}

#[test]
fn what_is_not_known_is_noted() {
    let cases = [
        (
            "SELECT 1;\nDO $$ BEGIN\nFOR r IN SELECT tablename FROM pg_tables LOOP\nEXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', r.tablename);\nEND LOOP; END $$",
            "a.sql:4",
        ),
        (
            "CREATE FUNCTION guard(t text) RETURNS void AS $$ BEGIN EXECUTE 'ALTER TABLE ' || t || ' ENABLE ROW LEVEL SECURITY'; END $$ LANGUAGE plpgsql",
            "a.sql:1",
        ),
        ("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", "a.sql:1"),
        ("ALTER TABLE app.{} ENABLE ROW LEVEL SECURITY", "a.sql:1"),
        ("ALTER TABLE {table} ADD COLUMN x int", ""),
        (
            "ALTER TABLE :schema.lots ENABLE ROW LEVEL SECURITY",
            "a.sql:1",
        ),
        (
            "DO $$ BEGIN EXECUTE format('CREATE INDEX ON %I (x)', t); END $$",
            "",
        ),
    ];
    for (sql, expected) in cases {
        let schema = schema(sql);
        let noted: Vec<_> = schema.dynamic().map(ToString::to_string).collect();
        assert_eq!(noted.join(" "), expected, "{sql}");
        assert_eq!(guarded(&schema), [""; 0]);
    }
}

#[test]
fn holes_are_noted_at_their_place() {
    let mut schema = Schema::default();
    let at = |offset: usize| Location {
        file: "m.py".to_owned(),
        line: offset,
    };
    schema.apply_text(&query("{a}; ALTER TABLE {t} ENABLE ROW LEVEL SECURITY; ALTER TABLE b ENABLE ROW LEVEL SECURITY"), at);
    let noted: Vec<_> = schema.dynamic().map(|location| location.line).collect();
    assert_eq!(noted, [2]);
    let line = table(&schema, "b").security.as_ref().map(|at| at.line);
    assert_eq!(
        line,
        Some(2 + "ALTER TABLE  ENABLE ROW LEVEL SECURITY; ".len())
    );
}

#[test]
fn settings_are_found_through_functions() {
    let schema = schema(
        "CREATE OR REPLACE FUNCTION app.uid() RETURNS uuid LANGUAGE sql AS $$ SELECT current_setting('app.user_id', true)::uuid $$;
         CREATE FUNCTION is_mine(x uuid) RETURNS bool AS $$ SELECT x = app.uid() $$ LANGUAGE sql;
         CREATE FUNCTION other() RETURNS text AS $$ SELECT current_setting('app.other') $$ LANGUAGE sql;
         CREATE POLICY p ON t USING (is_mine(owner)) WITH CHECK (tenant = current_setting('app.tenant') AND current_setting('role') = 'x');",
    );
    let settings: Vec<_> = schema.setting_names().into_iter().collect();
    assert_eq!(settings, ["app.tenant", "app.user_id"]);
}

#[test]
fn bad_statements_and_psql_lose_nothing() {
    let schema = schema(
        "\\set ON_ERROR_STOP on\nCREATE TABLE (((;\nALTER TABLE;\nCREATE POLICY;\nCREATE POLICY p ON;\nCOPY a FROM stdin;\n1\tit's\n\\.\nALTER TABLE a ENABLE ROW LEVEL SECURITY;\n\\connect 'x\nALTER TABLE b ENABLE ROW LEVEL SECURITY;",
    );
    assert_eq!(guarded(&schema), ["a", "b"]);
    let line = table(&schema, "b").security.as_ref().map(|at| at.line);
    assert_eq!(line, Some(11));
}

#[test]
fn what_is_taken_away_is_remembered() {
    let mut schema = schema(
        "ALTER TABLE a ENABLE ROW LEVEL SECURITY; ALTER TABLE b ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON b USING (mine); ALTER TABLE c ENABLE ROW LEVEL SECURITY; CREATE TABLE d (x int)",
    );
    schema.apply_file(
        "b.sql",
        "DROP TABLE a, d;\nDROP TABLE IF EXISTS b CASCADE;\nCREATE TABLE b (x int);\nALTER TABLE c DISABLE ROW LEVEL SECURITY;",
    );
    // A table that is made again begins without security.
    assert!(guarded(&schema).is_empty());
    assert!(table(&schema, "b").policies.is_empty());
    let undone: Vec<_> = schema
        .undone()
        .map(|undone| format!("{} {}", undone.table.name, undone.at))
        .collect();
    assert_eq!(undone, ["a b.sql:1", "b b.sql:2", "c b.sql:4"]);
    schema.apply_file(
        "c.sql",
        "CREATE TABLE a (x int); ALTER TABLE c ENABLE ROW LEVEL SECURITY",
    );
    assert_eq!(guarded(&schema), ["c"]);
    assert_eq!(schema.undone().count(), 2);
}
