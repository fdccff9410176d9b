//! What kind of statement it is, which effects it has, and which columns it returns.

use super::read;
use super::tests::{one, query};

/// The kind and the effects of one statement, in words.
fn does(text: &str) -> String {
    let statement = one(read(&query(text)));
    let mut words = vec![format!("{:?}", statement.kind)];
    words.extend(statement.effects.iter().map(|effect| format!("{effect:?}")));
    words.join(" ")
}

fn check(cases: &[(&str, &str)]) {
    for &(text, expected) in cases {
        assert_eq!(does(text), expected, "{text}");
    }
}

#[test]
fn kinds() {
    check(&[
        ("SELECT 1", "Read"),
        ("((SELECT 1))", "Read"),
        ("VALUES (1)", "Read"),
        ("TABLE t", "Read"),
        ("SHOW search_path", "Read"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "Read"),
        (
            "WITH delete (a) AS NOT MATERIALIZED (SELECT 1) (SELECT * FROM delete)",
            "Read",
        ),
        ("EXPLAIN DELETE FROM t", "Read"),
        ("EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t", "Write"),
        ("EXPLAIN (ANALYZE false) DELETE FROM t", "Read"),
        ("EXPLAIN ANALYZE VERBOSE SELECT 1", "Read"),
        ("EXPLAIN (SELECT 1)", "Read"),
        ("COPY t TO STDOUT", "Read"),
        ("COPY (SELECT 1 FROM t) TO STDOUT", "Read"),
        ("COPY (DELETE FROM t RETURNING *) TO STDOUT", "Write"),
        ("COPY t FROM STDIN", "Write"),
        ("INSERT INTO t VALUES (1)", "Write"),
        ("WITH a AS (SELECT 1) DELETE FROM t", "Write"),
        (
            "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
            "Write",
        ),
        (
            "WITH a AS MATERIALIZED (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM a",
            "Write",
        ),
        (
            "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
            "Write",
        ),
        ("TRUNCATE t", "Write TableLock"),
        ("REFRESH MATERIALIZED VIEW v", "Write TableLock"),
        ("CREATE TABLE t (x int)", "Definition"),
        ("SELECT * INTO t FROM s", "Definition"),
        ("COMMENT ON TABLE t IS 'x'", "Definition"),
        ("ANALYZE t", "Definition"),
        ("CALL f(1)", "Procedure"),
        (
            "DO $$ BEGIN PERFORM set_config('a.b', 'c', false); END $$",
            "Procedure",
        ),
        ("NOTIFY c, 'x'", "Session Notify"),
        ("{statement}", "Unknown"),
        ("FROB t", "Unknown"),
    ]);
}

#[test]
fn settings() {
    check(&[
        ("SET search_path TO x", "Session SessionSetting"),
        ("SET SESSION app.x = 'y'", "Session SessionSetting"),
        ("SET ROLE app", "Session SessionSetting"),
        ("SET LOCAL ROLE app", "Session LocalSetting"),
        ("SET LOCAL app.user_id = '{user}'", "Session LocalSetting"),
        ("RESET ALL", "Session SessionSetting SettingsReset"),
        ("DISCARD TEMP", "Session SessionSetting"),
        (
            "SELECT set_config('app.user_id', $1, true)",
            "Read LocalSetting",
        ),
        (
            "SELECT pg_catalog.set_config('a.b', f($1, ','), TRUE::bool)",
            "Read LocalSetting",
        ),
        (
            "SELECT set_config('a.b', $1, is_local => true)",
            "Read LocalSetting",
        ),
        ("SELECT set_config('a.b', $1, false)", "Read SessionSetting"),
        ("SELECT set_config('a.b', $1, $2)", "Read SessionSetting"),
        (
            "SELECT set_config('a.b', $1, NOT true)",
            "Read SessionSetting",
        ),
        (
            "SELECT set_config('a.b', $1, {local})",
            "Read SessionSetting",
        ),
        ("SELECT 'set_config(1)', mine.set_config(1)", "Read"),
    ]);
}

#[test]
fn locks() {
    check(&[
        ("SELECT pg_advisory_lock(1)", "Read SessionLock"),
        ("SELECT pg_try_advisory_lock_shared(1)", "Read SessionLock"),
        ("SELECT pg_advisory_unlock_all()", "Read SessionLock"),
        (
            "SELECT pg_try_advisory_xact_lock(1)",
            "Read TransactionLock",
        ),
        ("LOCK TABLE t", "Session TransactionLock TableLock"),
        ("SELECT * FROM t FOR UPDATE SKIP LOCKED", "Read RowLock"),
        ("SELECT * FROM t FOR NO KEY UPDATE", "Read RowLock"),
        ("SELECT * FROM t FOR KEY SHARE OF t NOWAIT", "Read RowLock"),
        ("SELECT substring(x FOR update) FROM t", "Read RowLock"),
    ]);
}

#[test]
fn objects_of_the_session() {
    check(&[
        ("CREATE TEMP TABLE t (x int)", "Definition TemporaryTable"),
        (
            "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1",
            "Definition TemporaryTable",
        ),
        (
            "SELECT 1 AS x INTO LOCAL TEMP t",
            "Definition TemporaryTable",
        ),
        ("INSERT INTO pg_temp.t VALUES (1)", "Write TemporaryTable"),
        ("LISTEN c", "Session Listen"),
        ("UNLISTEN *", "Session Listen"),
        ("PREPARE q AS SELECT 1", "Session PreparedStatement"),
        ("EXECUTE q(1)", "Procedure PreparedStatement"),
        ("DEALLOCATE ALL", "Session PreparedStatement"),
        ("DECLARE c CURSOR FOR SELECT 1", "Session Cursor"),
        ("FETCH 10 FROM c", "Read Cursor"),
        ("UPDATE t SET x = 1 WHERE CURRENT OF c", "Write Cursor"),
        ("SELECT currval('s')", "Read SequenceState"),
        ("SELECT lastval(), nextval('s')", "Read SequenceState"),
    ]);
}

#[test]
fn transactions() {
    check(&[
        (
            "BEGIN ISOLATION LEVEL SERIALIZABLE",
            "Session TransactionControl",
        ),
        ("START TRANSACTION", "Session TransactionControl"),
        ("SET TRANSACTION READ ONLY", "Session TransactionControl"),
        ("SET CONSTRAINTS ALL DEFERRED", "Session TransactionControl"),
        ("ROLLBACK TO SAVEPOINT s", "Session TransactionControl"),
        ("RELEASE s", "Session TransactionControl"),
        ("PREPARE TRANSACTION 'x'", "Session TransactionControl"),
        (
            "COMMIT PREPARED 'x'",
            "Session TransactionControl NoTransaction",
        ),
    ]);
}

#[test]
fn what_a_transaction_ends_with() {
    check(&[
        ("NOTIFY c, 'x'", "Session Notify"),
        ("SELECT pg_notify('c', $1)", "Read Notify"),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "Session SessionSetting NextTransaction",
        ),
        (
            "SET LOCAL default_transaction_read_only = on",
            "Session LocalSetting NextTransaction",
        ),
        (
            "SELECT set_config('default_transaction_isolation', 'x', true)",
            "Read LocalSetting NextTransaction",
        ),
        (
            "CREATE TEMP TABLE t (x int) ON COMMIT DELETE ROWS",
            "Definition TemporaryTable OnCommit",
        ),
        (
            "CREATE TEMP TABLE t (x int) ON COMMIT PRESERVE ROWS",
            "Definition TemporaryTable",
        ),
        (
            "SELECT 1 WHERE pg_current_xact_id() IS NULL",
            "Read TransactionNumber",
        ),
        ("ALTER TABLE t ADD x int", "Definition TableLock"),
        ("DROP TABLE t", "Definition TableLock"),
        ("CREATE TABLE t (x int)", "Definition"),
        ("ALTER ROLE r SET x = 1", "Definition"),
    ]);
}

#[test]
fn the_time_of_a_transaction() {
    check(&[
        ("SELECT a FROM t WHERE b < now()", "Read ReadsTime"),
        ("SELECT max(now()) FROM t", "Read TransactionTime ReadsTime"),
        (
            "SELECT x FROM (SELECT pg_catalog.now() AS x) s",
            "Read TransactionTime ReadsTime",
        ),
        ("SELECT a FROM t WHERE b < (SELECT now())", "Read ReadsTime"),
        (
            "SELECT CAST('now' AS timestamptz)",
            "Read TransactionTime ReadsTime",
        ),
        (
            "SELECT timestamp with time zone 'now'",
            "Read TransactionTime ReadsTime",
        ),
        ("SELECT 'now', age(a, b), mine.now()", "Read"),
        ("SELECT age(a) FROM t", "Read TransactionTime ReadsTime"),
        (
            "INSERT INTO t (a) VALUES (current_timestamp)",
            "Write ReadsTime StoresTime",
        ),
        (
            "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = now()",
            "Write ReadsTime",
        ),
        ("UPDATE t SET a = now()", "Write ReadsTime"),
    ]);
}

#[test]
fn objects_in_the_schema_of_the_session() {
    check(&[
        (
            "CREATE TABLE pg_temp.t (x int)",
            "Definition TemporaryTable",
        ),
        (
            "CREATE OR REPLACE VIEW \"pg_temp\".v AS SELECT 1",
            "Definition TemporaryTable",
        ),
        ("SELECT * FROM \"pg_temp\".t", "Read TemporaryTable"),
        (
            "UPDATE pg_catalog.pg_settings SET setting = '1' WHERE name = 'x'",
            "Write SessionSetting",
        ),
        ("UPDATE t SET pg_settings = 1", "Write"),
    ]);
}

#[test]
fn statements_outside_of_transactions() {
    check(&[
        ("VACUUM (FULL) t", "Definition NoTransaction TableLock"),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY i ON t (x)",
            "Definition NoTransaction",
        ),
        ("CREATE INDEX i ON t (x)", "Definition"),
        (
            "DROP INDEX CONCURRENTLY i",
            "Definition NoTransaction TableLock",
        ),
        ("REINDEX TABLE t", "Definition TableLock"),
        (
            "REINDEX (CONCURRENTLY) TABLE t",
            "Definition NoTransaction TableLock",
        ),
        ("REINDEX DATABASE d", "Definition NoTransaction TableLock"),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", "Write"),
        ("CREATE DATABASE d", "Definition NoTransaction"),
        (
            "ALTER DATABASE d SET TABLESPACE s",
            "Definition NoTransaction",
        ),
        ("ALTER DATABASE d SET x = 1", "Definition"),
        ("ALTER SYSTEM SET x = 1", "Definition NoTransaction"),
        (
            "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
            "Definition NoTransaction TableLock",
        ),
        ("ALTER TYPE t ADD VALUE 'x'", "Definition TableLock"),
        ("CLUSTER", "Definition NoTransaction TableLock"),
        ("CLUSTER VERBOSE t USING i", "Definition TableLock"),
        ("DISCARD ALL", "Session SessionSetting NoTransaction"),
    ]);
}

#[test]
fn columns_are_named_as_postgres_names_them() {
    let cases: [(&str, Option<&[&str]>); 22] = [
        (
            "SELECT id, t.name, \"Qty\", a AS b, c d, Count(*) FROM t",
            Some(&["id", "name", "Qty", "b", "d", "count"]),
        ),
        (
            "SELECT s.f(x), now() AT TIME ZONE 'UTC' AS utc, (c).d, arr[1], (x)",
            Some(&["f", "utc", "d", "arr", "x"]),
        ),
        (
            "SELECT a::text, CAST(f(b) AS int), max(c)::int::text",
            Some(&["a", "f", "max"]),
        ),
        (
            "SELECT 1, a + 1, $1, -a, a IS NULL, a BETWEEN 1 AND 2",
            Some(&[
                "?column?", "?column?", "?column?", "?column?", "?column?", "?column?",
            ]),
        ),
        (
            "SELECT CASE WHEN a THEN 1 ELSE 2 END, CASE WHEN a THEN 1 ELSE b END, CASE WHEN a THEN 1 END",
            Some(&["case", "b", "case"]),
        ),
        (
            "SELECT coalesce(a, b), EXISTS (SELECT 1), ARRAY[1], current_date, extract(year FROM d)",
            Some(&["coalesce", "exists", "array", "current_date", "extract"]),
        ),
        (
            "SELECT a FROM t UNION SELECT b FROM t ORDER BY 1",
            Some(&["a"]),
        ),
        ("(SELECT a FROM t)", Some(&["a"])),
        ("WITH x AS (SELECT b FROM t) SELECT a FROM x", Some(&["a"])),
        (
            "INSERT INTO t (x) SELECT y FROM z RETURNING id, now()",
            Some(&["id", "now"]),
        ),
        ("DELETE FROM t", None),
        ("SELECT * FROM t", None),
        ("SELECT t.*, a FROM t", None),
        ("SELECT 1::int", None),
        ("SELECT {columns} FROM t", None),
        ("SELECT a, {more} FROM t", None),
        ("SELECT {distinct} a FROM t", None),
        ("SELECT a b {more} FROM t", None),
        ("DELETE FROM t RETURNING a b {more}", None),
        ("SELECT \"{name}\" AS a FROM t {rest}", Some(&["a"])),
        ("SELECT a AS \"{name}\" FROM t", None),
        (
            "SELECT '{value}' AS a FROM t WHERE {condition}",
            Some(&["a"]),
        ),
    ];
    for (text, expected) in cases {
        let columns = one(read(&query(text))).columns;
        let columns: Option<Vec<&str>> = columns
            .as_ref()
            .map(|columns| columns.iter().map(String::as_str).collect());
        assert_eq!(columns.as_deref(), expected, "{text}");
    }
}
