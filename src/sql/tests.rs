//! What queries do, one line each: kind, relations (`?` at the end when open), effects, columns.

use super::fallback;
use super::placeholders::{normalize, with_marked_holes};
use super::script::statements;
use super::tokens::Tokens;
use super::{Command, Part, SqlFacts, SqlText, Statement, read, read_plain};

/// A query with each `{…}` a hole.
pub(super) fn query(text: &str) -> SqlText {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        parts.push(Part::Literal(literal.to_owned()));
        parts.push(Part::Hole);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    parts.push(Part::Literal(rest.to_owned()));
    SqlText { parts }
}

fn tables(statement: &Statement) -> String {
    let mut words: Vec<String> = statement
        .tables
        .iter()
        .map(|used| {
            let sign = match used.command {
                Command::Select => "",
                Command::Insert => "+",
                Command::Update => "~",
                Command::Delete => "-",
            };
            format!("{sign}{}", used.table)
        })
        .collect();
    words.sort();
    if statement.tables_open {
        words.push("?".to_owned());
    }
    words.join(" ")
}

pub(super) fn one(facts: SqlFacts) -> Statement {
    assert_eq!(facts.statements.len(), 1, "{facts:?}");
    facts.statements.into_iter().next().expect("counted above")
}

/// Checks the relations of parsed single statements: `+` inserts, `~` updates, `-` deletes.
fn check_tables(cases: &[(&str, &str)]) {
    for &(text, expected) in cases {
        let facts = read(&query(text));
        assert!(facts.parsed, "not parsed: {text}");
        let statement = one(facts);
        assert_eq!(tables(&statement), expected, "{text}");
        check_fallback(text, &statement);
    }
}

/// The reading of tokens alone finds nothing that the grammar does not, and what it misses it leaves open.
fn check_fallback(text: &str, parsed: &Statement) {
    let text = normalize(&with_marked_holes(&query(text)));
    for statement in statements(&text) {
        let tokens = Tokens::new(&text, &statement.tokens);
        let (uses, open) = fallback::relations(tokens, parsed.kind);
        for used in &uses {
            assert!(parsed.tables.contains(used), "{used:?} in {text}");
        }
        assert!(
            open || uses.len() == parsed.tables.len(),
            "not open: {text}"
        );
    }
}

#[test]
fn what_policies_are_asked_for() {
    check_tables(&[
        ("SELECT * FROM a FOR UPDATE", "a ~a"),
        ("SELECT * FROM a x, b FOR NO KEY UPDATE OF x", "a b ~a"),
        (
            "SELECT * FROM s.a, b FOR KEY SHARE OF a, b",
            "b s.a ~b ~s.a",
        ),
        (
            "SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b) FOR SHARE SKIP LOCKED",
            "a b ~a",
        ),
        (
            "SELECT * FROM c, (SELECT * FROM a) x FOR UPDATE OF x",
            "a c ~a",
        ),
        ("WITH a AS (SELECT 1) SELECT * FROM a FOR UPDATE", ""),
        ("TABLE a FOR UPDATE", "a ~a"),
        ("(SELECT * FROM a) FOR UPDATE", "a ~a"),
        ("INSERT INTO a VALUES (1) RETURNING id", "+a a"),
        (
            "INSERT INTO a VALUES (1) ON CONFLICT (id) DO NOTHING",
            "+a a",
        ),
        (
            "INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1",
            "+a a ~a",
        ),
    ]);
}

#[test]
fn relations_of_queries() {
    check_tables(&[
        ("SELECT 1", ""),
        ("SELECT * FROM lots", "lots"),
        (
            "SELECT * FROM Lots, \"Lots\" l2, audit.lots AS x(a)",
            "Lots audit.lots lots",
        ),
        ("SELECT * FROM public.lots", "lots"),
        ("SELECT * FROM db.audit.lots", "audit.lots"),
        ("SELECT * FROM ONLY lots, trades *", "lots trades"),
        (
            "SELECT * FROM a JOIN b USING (id) LEFT JOIN (c JOIN d ON true) ON a.x = c.x",
            "a b c d",
        ),
        (
            "SELECT * FROM (a) x CROSS JOIN LATERAL (SELECT * FROM b WHERE b.id = x.id) y",
            "a b",
        ),
        ("TABLE lots", "lots"),
        (
            "SELECT (SELECT max(x) FROM a) FROM b WHERE EXISTS (SELECT 1 FROM c) ORDER BY (SELECT 1 FROM d)",
            "a b c d",
        ),
        (
            "SELECT 1 FROM a UNION ALL (SELECT 2 FROM b EXCEPT TABLE c)",
            "a b c",
        ),
        ("VALUES ((SELECT 1 FROM a)), (2)", "a"),
        (
            "SELECT array(SELECT id FROM a), x = ANY(SELECT id FROM b)",
            "a b",
        ),
        ("SELECT * FROM a TABLESAMPLE system (1)", "a"),
        ("SELECT x.* FROM a AS x, x.items", "a x.items"),
    ]);
}

#[test]
fn what_is_no_relation() {
    check_tables(&[
        (
            "SELECT * FROM generate_series(1, 3) AS g(n), unnest($1::int[]) u, now()",
            "",
        ),
        (
            "SELECT * FROM a, LATERAL jsonb_to_recordset(a.j) AS r(x int, y text)",
            "a",
        ),
        ("SELECT * FROM ROWS FROM (f(1), g(2)) AS r", ""),
        (
            "SELECT EXTRACT(year FROM x), SUBSTRING(y FROM 1 FOR 2), TRIM(BOTH FROM z), OVERLAY(a PLACING b FROM 1) FROM t",
            "t",
        ),
        (
            "SELECT x IS DISTINCT FROM y, x IS NOT DISTINCT FROM z FROM t",
            "t",
        ),
        (
            "SELECT count(*) FILTER (WHERE x) OVER w FROM t WINDOW w AS (PARTITION BY y)",
            "t",
        ),
        (
            "SELECT '1 FROM a', $$ FROM b $$ -- FROM c\n FROM t /* , d */",
            "t",
        ),
        ("SELECT * FROM t FOR UPDATE OF t", "t ~t"),
    ]);
}

#[test]
fn relations_of_changes() {
    check_tables(&[
        ("INSERT INTO a (x) VALUES ($1)", "+a"),
        ("INSERT INTO a SELECT * FROM b", "+a b"),
        (
            "INSERT INTO a AS t (x) VALUES (1) ON CONFLICT (x) DO UPDATE SET x = EXCLUDED.x",
            "+a a ~a",
        ),
        (
            "INSERT INTO a (x) VALUES (1) ON CONFLICT DO NOTHING RETURNING (SELECT y FROM b)",
            "+a a b",
        ),
        (
            "UPDATE ONLY a SET x = (SELECT 1 FROM b) FROM c WHERE a.id IN (SELECT id FROM d)",
            "b c d ~a",
        ),
        ("DELETE FROM a USING b WHERE a.id = b.id", "-a b"),
        (
            "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET x = 1 WHEN NOT MATCHED THEN INSERT (x) VALUES (1)",
            "+a a b ~a",
        ),
        (
            "MERGE INTO a USING (SELECT 1 FROM b) s ON true WHEN MATCHED THEN DELETE",
            "-a a b",
        ),
        (
            "MERGE INTO a USING b ON true WHEN MATCHED THEN DO NOTHING",
            "a b",
        ),
        ("TRUNCATE TABLE a, ONLY b RESTART IDENTITY CASCADE", "-a -b"),
        ("COPY a (x) FROM STDIN", "+a"),
        ("COPY a TO STDOUT WITH (FORMAT csv)", "a"),
        ("COPY (SELECT * FROM a) TO STDOUT", "a"),
        ("CREATE TABLE a AS SELECT * FROM b", "+a b"),
        ("SELECT * INTO a FROM b", "+a b"),
        ("CREATE MATERIALIZED VIEW a AS SELECT * FROM b", "+a b"),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY a", "+a"),
        ("LOCK TABLE a, b IN EXCLUSIVE MODE", "a b"),
        ("EXPLAIN ANALYZE DELETE FROM a", "-a"),
        ("DECLARE c CURSOR FOR SELECT * FROM a", "a"),
        ("PREPARE q AS INSERT INTO a VALUES (1)", "+a"),
    ]);
}

#[test]
fn definitions_use_no_rows() {
    check_tables(&[
        ("CREATE TABLE a (x int REFERENCES b)", ""),
        ("ALTER TABLE a ADD COLUMN x int", ""),
        ("CREATE INDEX i ON a (x)", ""),
        ("CREATE VIEW v AS SELECT * FROM a", ""),
        ("CREATE POLICY p ON a USING (x IN (SELECT id FROM b))", ""),
        ("GRANT SELECT ON a TO r", ""),
        ("SET LOCAL app.user_id = 'x'", ""),
        ("SHOW search_path", ""),
    ]);
}

#[test]
fn common_table_expressions_have_scopes() {
    check_tables(&[
        ("WITH a AS (SELECT * FROM b) SELECT * FROM a", "b"),
        (
            "WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b JOIN c ON true",
            "c",
        ),
        // An expression does not see itself or those behind it without RECURSIVE.
        (
            "WITH lots AS (SELECT * FROM lots) SELECT * FROM lots",
            "lots",
        ),
        (
            "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
            "b",
        ),
        (
            "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT * FROM a, b), b AS (SELECT * FROM c) SELECT * FROM a",
            "c",
        ),
        (
            "SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) x, a",
            "a",
        ),
        ("WITH a AS (SELECT 1) SELECT * FROM public.a", "a"),
        (
            "WITH a AS (SELECT 1) SELECT * FROM a UNION SELECT * FROM a UNION SELECT * FROM b",
            "b",
        ),
        ("WITH a AS (SELECT 1) (SELECT * FROM a)", ""),
        ("WITH \"A\" AS (SELECT 1) SELECT * FROM a, \"A\"", "a"),
        (
            "WITH a AS (SELECT 1) SELECT (WITH b AS (SELECT * FROM a) SELECT 1 FROM b) FROM b",
            "b",
        ),
        ("WITH a AS (SELECT 1) INSERT INTO a SELECT * FROM a", "+a"),
        (
            "WITH d AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM d",
            "+b -a",
        ),
        (
            "INSERT INTO b WITH a AS (SELECT 1 FROM c) SELECT * FROM a",
            "+b c",
        ),
        ("WITH a AS (SELECT 1) UPDATE b SET x = 1 FROM a", "~b"),
    ]);
}

#[test]
fn placeholders_of_every_driver() {
    check_tables(&[
        (
            "SELECT * FROM a WHERE x = %s AND y IN %s AND z LIKE '50%' LIMIT %s",
            "a",
        ),
        ("SELECT * FROM a WHERE x = %(user.id)s AND y %% 2 = 0", "a"),
        ("SELECT * FROM a WHERE d >= DATE %s - INTERVAL %s", "a"),
        ("INSERT INTO a (x, y) VALUES %s", "+a"),
        ("INSERT INTO a (x, y) VALUES (%s, %s::jsonb)", "+a"),
        (
            "SELECT * FROM a WHERE x = :x AND y::date = :day::date AND t = '10:30' AND z IN :ids",
            "a",
        ),
        ("SELECT arr[1:n], arr[lo:hi] FROM a WHERE b = :b", "a"),
        (
            "SELECT * FROM a WHERE x = ? AND j ? 'key' AND j @? '$.a' AND j ?| $2 AND n % 2 = 1",
            "a",
        ),
        (
            "SELECT * FROM a WHERE x = ANY($1::uuid[]) AND y % s.n = 0",
            "a",
        ),
        ("SELECT f(x := 1, y => 2) FROM a WHERE \"50%s :x\" = 1", "a"),
    ]);
}

#[test]
fn holes_leave_relations_open() {
    check_tables(&[
        ("SELECT * FROM {table}", "?"),
        ("SELECT * FROM {schema}.lots JOIN b ON true", "b ?"),
        ("SELECT * FROM lots_{year} x JOIN b ON true", "b ?"),
        ("SELECT * FROM a WHERE {condition}", "a ?"),
        ("SELECT * FROM a {where}", "a ?"),
        (
            "SELECT * FROM a x {joins} WHERE x.id = 1 {more} ORDER BY id {direction}",
            "a ?",
        ),
        ("SELECT {columns} FROM a", "a ?"),
        ("SELECT * FROM a ORDER BY {column}", "a ?"),
        ("SELECT * FROM a WHERE x IN ({ids})", "a ?"),
        ("SELECT * FROM a WHERE x IN {ids}", "a ?"),
        ("UPDATE a SET {assignments} WHERE id = $1", "~a ?"),
        (
            "UPDATE a SET updated_at = NOW(), {assignments} WHERE id = $1",
            "~a ?",
        ),
        (
            "INSERT INTO a ({columns}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET {sets}",
            "+a a ~a ?",
        ),
        ("INSERT INTO a (x) VALUES {rows}", "+a ?"),
        ("{with} SELECT * FROM a", "a ?"),
        ("SELECT * FROM a -- {comment}\n", "a ?"),
        ("DELETE FROM {table} WHERE x IN (SELECT 1 FROM b)", "b ?"),
        // A name in quotes is one relation, but not which.
        ("SELECT * FROM \"{table}\"", "?"),
    ]);
}

#[test]
fn holes_that_can_hold_no_relation() {
    check_tables(&[
        ("SELECT * FROM a WHERE x = '{value}'", "a"),
        (
            "SELECT * FROM a WHERE t > now() - interval '{days} days'",
            "a",
        ),
        ("SELECT \"{column}\" FROM a", "a"),
        ("SELECT * FROM a LIMIT {limit} OFFSET {offset}", "a"),
        (
            "UPDATE a SET x = ${first}, y = ${second} WHERE id = $1",
            "~a",
        ),
        ("SELECT * FROM a /* {comment} */", "a"),
    ]);
    // One hole behind LIMIT is a number; a second is not.
    check_tables(&[("SELECT * FROM a LIMIT {limit} {rest}", "a ?")]);
    check_tables(&[("SELECT * FROM a LIMIT {limit}{rest}", "a ?")]);
}

#[test]
fn fields_of_templates_are_holes() {
    for (text, expected) in [
        ("SELECT * FROM {table} JOIN b USING (id)", "b ?"),
        (
            "SELECT * FROM a WHERE x = ${} AND y = '{1,2}' LIMIT {limit:d}",
            "a",
        ),
        ("SELECT {} FROM a", "a ?"),
        ("SELECT * FROM a WHERE x = '{}'", "a"),
    ] {
        let facts = read_plain(text);
        assert!(facts.parsed, "not parsed: {text}");
        assert_eq!(tables(&one(facts)), expected, "{text}");
    }
}

#[test]
fn a_query_of_one_hole_is_unknown() {
    let facts = read(&SqlText::unknown());
    assert!(!facts.parsed);
    let statement = one(facts);
    assert_eq!(statement.kind, super::StatementKind::Unknown);
    assert!(statement.tables_open);
}

#[test]
fn texts_without_a_statement() {
    for text in ["", "  \n", "-- nothing\n/* at all */", ";;"] {
        assert_eq!(read_plain(text).statements, [], "{text:?}");
    }
}

#[test]
fn several_statements_keep_their_order() {
    let facts = read_plain("SELECT 1 FROM a; DELETE FROM b; -- c\nSELECT ';' FROM d");
    let all: Vec<_> = facts.statements.iter().map(tables).collect();
    assert_eq!(all, ["a", "-b", "d"]);
    let facts = read(&query("SELECT 1 FROM a; {more}; DELETE FROM b"));
    let all: Vec<_> = facts.statements.iter().map(tables).collect();
    assert_eq!(all, ["a", "?", "-b"]);
}
