//! Whatever the text, the readers give an answer, and soon.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::schema::Schema;
use super::tests::query;
use super::{read, read_plain};

/// Pieces of SQL, of host languages, and of neither.
const PIECES: [&str; 96] = [
    "SELECT",
    "FROM",
    "WHERE",
    "JOIN",
    "ON",
    "USING",
    "LATERAL",
    "INSERT INTO",
    "VALUES",
    "UPDATE",
    "SET",
    "DELETE",
    "MERGE",
    "WITH",
    "RECURSIVE",
    "AS",
    "MATERIALIZED",
    "UNION ALL",
    "RETURNING",
    "ON CONFLICT",
    "DO UPDATE",
    "DO NOTHING",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "NOT",
    "IS DISTINCT FROM",
    "EXTRACT(year FROM",
    "TRIM(BOTH FROM",
    "FOR UPDATE",
    "LIMIT",
    "OFFSET",
    "ORDER BY",
    "CREATE TABLE",
    "CREATE POLICY",
    "CREATE FUNCTION",
    "CREATE RULE",
    "BEGIN ATOMIC",
    "ALTER TABLE",
    "ENABLE ROW LEVEL SECURITY",
    "RENAME TO",
    "DROP TABLE",
    "IF EXISTS",
    "DO",
    "EXECUTE",
    "format(",
    "FOREACH t IN ARRAY",
    "ARRAY[",
    "LOOP",
    "END LOOP",
    ":=",
    "COPY t FROM stdin",
    "\\.\n",
    "\\connect x\n",
    "EXPLAIN",
    "ANALYZE",
    "set_config(",
    "current_setting('a.b')",
    "a",
    "b",
    "t",
    "\"Q\"",
    "s.t",
    "*",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ".",
    "::",
    ":x",
    "%s",
    "%(x)s",
    "%",
    "?",
    "$1",
    "$",
    "$$",
    "$f$",
    "'",
    "\"",
    "'x'",
    "E'\\'",
    "--",
    "\n",
    "/*",
    "*/",
    "{",
    "}",
    "{x}",
    "é",
    "\0",
];

fn read_everything(text: &str) {
    let facts = read(&query(text));
    for statement in &facts.statements {
        assert!(statement.tables.is_sorted());
    }
    read_plain(text);
    let mut schema = Schema::default();
    schema.apply_file("a.sql", text);
    schema.apply_file(
        "b.sql",
        &format!("DO $hostile$ BEGIN {text}; END $hostile$"),
    );
    schema.setting_names();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_is_too_odd(text in ".{0,200}") {
        read_everything(&text);
    }

    #[test]
    fn no_mixture_is_too_odd(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)) {
        read_everything(&pieces.join(" "));
        read_everything(&pieces.concat());
    }
}

#[test]
fn depth_is_no_danger() {
    for (start, repeated) in [
        ("SELECT ", "("),
        ("SELECT ", "NOT "),
        ("SELECT ", "- "),
        ("SELECT ", "CASE WHEN a THEN "),
        ("SELECT ", "(SELECT "),
        ("SELECT ", "a + "),
        ("SELECT ", "a OPERATOR(+) "),
        ("SELECT ", "a::b"),
        ("SELECT a ", "UNION SELECT a "),
        ("SELECT * FROM a ", "JOIN b "),
        ("SELECT * FROM ", "("),
        ("", "WITH a AS ("),
        ("", "EXPLAIN "),
        ("", "PREPARE a AS "),
        ("", "COPY ("),
        ("", "DO $$ "),
        ("SELECT ", "set_config("),
        ("CREATE POLICY p ON t USING ", "("),
        ("", "/*"),
        ("", "{"),
    ] {
        // On either side of the cap, and far beyond it.
        for times in [120, 240, 700, 1900, 10_000] {
            let text = format!("{start}{}", repeated.repeat(times));
            let start = Instant::now();
            read_everything(&text);
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "{repeated} × {times}"
            );
        }
    }
}

#[test]
fn a_long_list_of_rows_is_read_all_the_same() {
    let rows = vec!["(1, 'x', now())"; 60_000].join(", ");
    let facts = read_plain(&format!("INSERT INTO t (a, b, c) VALUES {rows}"));
    assert!(!facts.parsed);
    assert_eq!(facts.statements[0].tables.len(), 1);
    assert!(!facts.statements[0].tables_open);
}

#[test]
fn what_the_grammar_refuses_stays_open() {
    for text in [
        "SELECT * FROMM a",
        "SELECT FROM WHERE",
        "INSERT INTO t VALUES",
        "FETCH ALL FROM FROM c",
    ] {
        let facts = read_plain(text);
        assert!(!facts.parsed, "{text}");
        let statement = &facts.statements[0];
        assert!(
            statement.tables_open || !statement.tables.is_empty(),
            "{text}"
        );
    }
}
