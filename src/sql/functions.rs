//! Which functions a statement calls of which nothing is known.
//!
//! A function that a project defines can read and write any table and change the session. PostgreSQL's own do neither, but for those that
//! are left out of the list; what a few of them do to the session (`set_config`, advisory locks, …) is an effect of the statement.

use std::collections::BTreeSet;

use squawk_parser::SyntaxKind;

use super::lex::{HOLE, TokenKind};
use super::tokens::{Tokens, fold_name};
use super::tree::{NodeId, Tree};

/// The names of `pg_catalog` (PostgreSQL 15, and what later versions add) that touch neither tables that the query does not name nor
/// the session, sorted, with the keywords that are written like calls.
///
/// Left out are what runs a query given as text (`query_to_xml`, `ts_stat`), large objects, transaction numbers and snapshots, the
/// backend's number, replication, the server's files, and what no query calls (`…send`, handlers).
const BUILT_IN: &str = include_str!("builtin_functions.txt");

/// Functions of extensions in wide use that compute a value from their arguments alone, sorted.
///
/// uuid-ossp, pgcrypto, `pg_trgm`, fuzzystrmatch, unaccent, hstore, cube and earthdistance, pgvector, `TimescaleDB`.
const EXTENSIONS: [&str; 68] = [
    "akeys",
    "armor",
    "avals",
    "cosine_distance",
    "crypt",
    "dearmor",
    "decrypt",
    "decrypt_iv",
    "difference",
    "digest",
    "dmetaphone",
    "dmetaphone_alt",
    "each",
    "earth",
    "earth_box",
    "earth_distance",
    "encrypt",
    "encrypt_iv",
    "first",
    "gen_random_bytes",
    "gen_random_uuid",
    "gen_salt",
    "hamming_distance",
    "histogram",
    "hmac",
    "hstore",
    "hstore_to_json",
    "hstore_to_jsonb",
    "inner_product",
    "interpolate",
    "jaccard_distance",
    "l1_distance",
    "l2_distance",
    "l2_normalize",
    "last",
    "levenshtein",
    "levenshtein_less_equal",
    "ll_to_earth",
    "locf",
    "metaphone",
    "pgp_pub_decrypt",
    "pgp_pub_encrypt",
    "pgp_sym_decrypt",
    "pgp_sym_decrypt_bytea",
    "pgp_sym_encrypt",
    "pgp_sym_encrypt_bytea",
    "show_trgm",
    "similarity",
    "skeys",
    "soundex",
    "strict_word_similarity",
    "svals",
    "time_bucket",
    "time_bucket_gapfill",
    "unaccent",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v3",
    "uuid_generate_v4",
    "uuid_generate_v5",
    "uuid_nil",
    "uuid_ns_dns",
    "uuid_ns_oid",
    "uuid_ns_url",
    "uuid_ns_x500",
    "vector_dims",
    "vector_norm",
    "word_similarity",
];

/// The schemas that extensions are installed in.
const EXTENSION_SCHEMAS: [&str; 2] = ["public", "extensions"];

/// The functions that the statement `tree` calls and that are not known to be harmless, as reports show them.
pub(super) fn unknown_functions(tree: &Tree<'_>) -> BTreeSet<String> {
    tree.subtree(Tree::root())
        .filter(|&node| tree.kind(node) == SyntaxKind::CALL_EXPR)
        .filter_map(|call| tree.children(call).next())
        .filter_map(|callee| name_parts(tree, callee))
        .filter(|parts| !is_known(parts))
        .map(|parts| parts.join("."))
        .collect()
}

/// The parts of the called name; nothing for the special forms of the grammar (`EXTRACT`, `EXISTS`, …) and names with a hole.
fn name_parts(tree: &Tree<'_>, callee: NodeId) -> Option<Vec<String>> {
    let is_name = matches!(
        tree.kind(callee),
        SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR
    );
    if !is_name || tree.text(callee).contains(HOLE) {
        return None;
    }
    let parts = tree
        .subtree(callee)
        .filter(|&part| tree.kind(part) == SyntaxKind::NAME_REF)
        .map(|part| fold_name(tree.text(part)));
    Some(parts.collect())
}

/// The same, read from the tokens of a statement that the grammar does not take.
pub(super) fn unknown_functions_in_tokens(tokens: Tokens<'_>) -> BTreeSet<String> {
    (1..tokens.len())
        .filter(|&at| tokens.is_symbol(at, '('))
        .filter_map(|open| called(tokens, open - 1))
        .filter(|parts| !is_known(parts))
        .map(|parts| parts.join("."))
        .collect()
}

/// The name that ends at `end`, when arguments can follow it there.
fn called(tokens: Tokens<'_>, end: usize) -> Option<Vec<String>> {
    if tokens.is_any(end, &CLAUSE_WORDS) || tokens.has_hole(end) {
        return None;
    }
    let name = tokens.name(end)?;
    let is_qualified = end > 1 && tokens.is_symbol(end - 1, '.');
    let start = if is_qualified { end - 2 } else { end };
    // A target, an alias or a common table expression with its columns.
    let is_relation = start > 0 && tokens.is_any(start - 1, &["into", "as", "with", "recursive"]);
    // A type behind a cast.
    let is_type = start > 0 && tokens.is_symbol(start - 1, ':');
    if is_relation || is_type {
        return None;
    }
    let is_alias = start > 0
        && !is_qualified
        && matches!(
            tokens.kind(start - 1),
            Some(TokenKind::Word | TokenKind::QuotedName)
        )
        && !tokens.is_any(start - 1, &CLAUSE_WORDS);
    if is_alias {
        return None;
    }
    let schema = is_qualified.then(|| tokens.name(start)).flatten();
    Some(schema.into_iter().chain([name]).collect())
}

/// Whether a function of this name is known to do nothing but compute, or has its effects read elsewhere.
fn is_known(parts: &[String]) -> bool {
    let is_extension =
        |name: &str| EXTENSIONS.binary_search(&name).is_ok() || name.starts_with("st_");
    match parts {
        [name] => is_built_in(name) || is_extension(name),
        [schema, name] if schema == "pg_catalog" => is_built_in(name),
        [schema, name] if EXTENSION_SCHEMAS.contains(&schema.as_str()) => is_extension(name),
        _ => false,
    }
}

/// Looks `name` up in the list, whose lines are sorted: halves the text, and moves each middle to the start of its line.
fn is_built_in(name: &str) -> bool {
    let (mut start, mut end) = (0, BUILT_IN.len());
    while start < end {
        let middle = usize::midpoint(start, end);
        let line_start = BUILT_IN[start..middle]
            .rfind('\n')
            .map_or(start, |newline| start + newline + 1);
        let line_end = BUILT_IN[middle..end]
            .find('\n')
            .map_or(end, |newline| middle + newline);
        match BUILT_IN[line_start..line_end].cmp(name) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => start = line_end + 1,
            std::cmp::Ordering::Greater => end = line_start,
        }
    }
    false
}

/// The words that a bracket can follow without being called.
const CLAUSE_WORDS: [&str; 57] = [
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "by",
    "case",
    "check",
    "conflict",
    "default",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "filter",
    "from",
    "group",
    "having",
    "ilike",
    "in",
    "index",
    "intersect",
    "is",
    "join",
    "key",
    "lateral",
    "like",
    "limit",
    "materialized",
    "not",
    "offset",
    "on",
    "only",
    "or",
    "over",
    "partition",
    "primary",
    "recursive",
    "references",
    "returning",
    "row",
    "select",
    "set",
    "similar",
    "some",
    "then",
    "union",
    "unique",
    "using",
    "values",
    "when",
    "where",
    "with",
    "within",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::read_plain;

    fn unknown(text: &str) -> String {
        let facts = read_plain(text);
        let names: Vec<_> = facts
            .statements
            .iter()
            .flat_map(|statement| statement.unknown_functions.iter().cloned())
            .collect();
        names.join(" ")
    }

    #[test]
    fn lists_are_sorted_and_found() {
        let names: Vec<_> = BUILT_IN.lines().collect();
        assert!(names.is_sorted() && EXTENSIONS.is_sorted());
        for name in names {
            assert!(is_built_in(name), "{name}");
        }
        for name in ["", "a", "coun", "counts", "zzz", "abbrev\nabs", "\n"] {
            assert!(!is_built_in(name), "{name}");
        }
    }

    #[test]
    fn built_ins_and_what_only_looks_like_a_call_are_known() {
        for text in [
            "SELECT count(*), COALESCE(a, NULLIF(b, c)), extract(year FROM d), now() FROM t WHERE a IN (1, 2)",
            "SELECT CAST(a AS numeric(10, 2)), b::varchar(3), row(1), ARRAY(SELECT 1), EXISTS (SELECT 1) FROM t",
            "INSERT INTO t (a, b) VALUES (gen_random_uuid(), $1) ON CONFLICT (a) DO UPDATE SET b = lower(excluded.b)",
            "WITH x(a) AS (SELECT 1) SELECT pg_catalog.lower(a), sum(a) OVER (PARTITION BY a) FROM x",
            "SELECT * FROM unnest($1::int[]) AS u(a), generate_series(1, 2) g(b) JOIN t USING (a)",
            "SELECT public.uuid_generate_v4(), similarity(a, b), time_bucket('1 day', c), ST_Distance(d, e) FROM t",
            "SELECT set_config('a.b', '', true), pg_advisory_xact_lock(1), nextval('s'), pg_sleep(1)",
            "CREATE TABLE t (a int DEFAULT mine(1))",
            "EXPLAIN SELECT mine(1)",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT mine(1) $$",
        ] {
            assert_eq!(unknown(text), "", "{text}");
        }
    }

    #[test]
    fn functions_of_a_project_and_of_the_session_are_not() {
        for (text, expected) in [
            ("SELECT * FROM my_function($1)", "my_function"),
            ("SELECT a, Close_Lots(b) FROM t", "close_lots"),
            ("SELECT app.count(1), \"Count\"(1)", "Count app.count"),
            ("INSERT INTO t (a) VALUES (mine(1))", "mine"),
            (
                "UPDATE t SET a = 1 WHERE owns(a) RETURNING mine(a)",
                "mine owns",
            ),
            ("SELECT * FROM ROWS FROM (one(1), two(2))", "one two"),
            ("CREATE TABLE t AS SELECT mine(1)", "mine"),
            ("EXPLAIN ANALYZE SELECT mine(1)", "mine"),
            ("SELECT lo_open(1, 2)", "lo_open"),
            (
                "SELECT * FROM dblink('c', 'SELECT 1') AS x(a int)",
                "dblink",
            ),
            ("SELECT pg_export_snapshot()", "pg_export_snapshot"),
            (
                "SELECT txid_current(), pg_backend_pid()",
                "pg_backend_pid txid_current",
            ),
            (
                "SELECT query_to_xml('SELECT * FROM t', true, true, '')",
                "query_to_xml",
            ),
        ] {
            assert_eq!(unknown(text), expected, "{text}");
        }
    }

    #[test]
    fn tokens_say_the_same_of_what_the_grammar_does_not_take() {
        let text = "INSERT INTO t (a, b) VALUES (mine(1), now(), x::numeric(3, 1)) ON CONFLICT (a) DO FROB";
        let facts = read_plain(text);
        assert!(!facts.parsed);
        assert_eq!(unknown(text), "mine");
    }
}
