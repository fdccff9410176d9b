//! Every fault of a recipe, with the message that its author reads.

use super::*;

#[test]
fn faults_of_the_shape() {
    assert_shown(
        "shape",
        &[
            refused("why: A reason.", "wy: A reason."),
            refused("why: A reason.\n", ""),
            refused("why: A reason.", "why: ' '"),
            refused("title: Probe", "title: Probe\ntitle: Again"),
            refused("title: Probe", "title: [Probe"),
            refused("title: Probe", "title: {a: Probe}"),
            refused("pattern: pool_acquire", "pattern: pool_aquire"),
            refused("{POOL: pool}", "{POOL: pond}"),
            refused("{POOL: pool}", "[POOL]"),
            refused("replace: {at: ACQUIRE,", "replace: {of: 1, at: ACQUIRE,"),
            refused("rls: {replace:", "rls: {replaces:"),
            refused(
                "{replace: {at: ACQUIRE, with: \"{standard.scope}()\"}}",
                "{remove: {at: 1}}",
            ),
            refused("then: keep", "then: {keep: 1}"),
            refused(
                "title: Probe\npattern: pool_acquire\n",
                "pattern: pool_acquire\ntitle: Probe\n",
            ),
            refused(GOOD, ""),
            refused(GOOD, "---\na: 1\n---\nb: 2\n"),
            refused("title: Probe", "title: Pro\tbe\u{7}"),
            refused("title: Probe", "title:"),
            refused("title: Probe", "title: &t"),
            refused("{POOL: pool}", "&w\n  POOL: *w"),
        ],
    );
}

#[test]
fn faults_of_the_id_and_language() {
    assert_shown(
        "id",
        &[
            refused("id: asyncpg/probe", "id: asyncpg/prob"),
            refused("id: asyncpg/probe", "id: 'probe'"),
            refused("id: asyncpg/probe", "id: psycopg/probe"),
            refused("language: python", "language: cobol"),
        ],
    );
}

#[test]
fn faults_of_queries() {
    assert_shown(
        "query",
        &[
            refused("(call\n", "(cal\n"),
            refused("    function: (attribute", "    fonction: (attribute"),
            refused(
                "(#eq? @m \"acquire\")) @site",
                "(#eq? @n \"acquire\")) @site",
            ),
            refused("(#eq? @m", "(#eqq? @m"),
            refused("(#eq? @m", "(#any-eq? @m"),
            refused("(#eq? @m \"acquire\")", "(#set! kind \"x\")"),
            refused("(#eq? @m \"acquire\")", "(#is? local)"),
            refused(
                "(#eq? @m \"acquire\")",
                "(#has-ancestor? @m with_statement)",
            ),
            refused("(#eq? @m \"acquire\")", "(#eq? @m)"),
            refused("(#eq? @m \"acquire\")", "(#eq? \"acquire\" @m)"),
            refused("(#eq? @m \"acquire\")", "(#match? @m @POOL)"),
            refused("(#eq? @m \"acquire\")", "(#match? @m \"a(b\")"),
            refused("(#eq? @m \"acquire\")", "(#any-of? @m)"),
            refused("(#eq? @m \"acquire\")", "(#any-of? @m \"a\" @POOL)"),
            refused("(#eq? @m \"acquire\")", "(#eq? @m (call))"),
            refused("(#eq? @m \"acquire\")", "(#eq? @m \"acquire)"),
            refused("(#eq? @m \"acquire\")) @site", "(#eq? @m \"acquire\")"),
            refused("@m)\n", "@m]\n"),
            refused(
                "    function: (attribute",
                "    (block) function: (attribute",
            ),
            refused("|\n  (call\n", "|\n  ; ü\n\n  (cal\n"),
            refused("  (await (call", "  (await\n     (caller"),
        ],
    );
}

#[test]
fn faults_of_captures() {
    assert_shown(
        "capture",
        &[
            refused("(#eq? @m \"acquire\")) @site", "(#eq? @m \"acquire\"))"),
            refused(
                "(#eq? @m \"acquire\")) @site",
                "(#eq? @m \"acquire\")) @site\n  (await)",
            ),
            refused(
                "(#eq? @m \"acquire\")) @site",
                "(#eq? @m \"acquire\"))? @site",
            ),
            refused(
                "arguments: (argument_list) @ARGS) @site)",
                "arguments: (argument_list) @site @ARGS) @site)",
            ),
            refused(
                "arguments: (argument_list) @ARGS) @site)",
                "(argument_list) @ARGS))",
            ),
            refused("{POOL: pool}", "{CONN: pool}"),
            refused("at: ACQUIRE", "at: AQUIRE"),
            refused("{standard.rls}({identity})", "{standard.rls}({CONN})"),
            refused("{standard.rls}", "{standard.url}"),
            refused("({identity})", "({identity)"),
            refused("\"{standard.scope}()\"", "''"),
        ],
    );
}

#[test]
fn faults_of_the_table() {
    let rows = "  - {if: {context: standard}, then: keep, because: its own module}\n";
    let with = |row: &str| refused(rows, &format!("{rows}  - {row}\n"));
    assert_shown(
        "table",
        &[
            with("{if: {context: standard}, then: review, because: x}"),
            with("{if: {context: standard, tables: rls}, then: review, because: x}"),
            refused(
                rows,
                "  - {if: {context: user}, then: scope}\n  - {if: {tables: rls}, then: scope}\n",
            ),
            refused(
                rows,
                "  - {if: {tables: [rls, plain]}, then: scope}\n  - {if: {tables: unknown}, then: rls}\n",
            ),
            with("{if: {}, then: rls}"),
            with("{if: {context: []}, then: rls}"),
            with("{if: {context: routes}, then: rls}"),
            with("{if: {context: [user, route]}, then: rls}"),
            with("{if: {context: [user, user]}, then: rls}"),
            with("{if: {tables: 3}, then: rls}"),
            with("{if: {kind: user}, then: rls}"),
            with("{if: {context: user}, then: helpers}"),
            with("{if: {context: user}, then: [scope, rules]}"),
            with("{if: {context: user}, then: [scope, review]}"),
            with("{if: {context: user}, then: []}"),
            with("{if: {context: user}, then: review}"),
            with("{if: {context: user}}"),
            with("{else: rls}"),
            with("{if: {context: user}, then: rls, else: scope}"),
            with("{if: {context: user}, then: rls, warn: loudly}"),
            with("{if: {context: user}, then: rls, severity: fatal}"),
            refused("  - {else: review, because: nobody knows}\n", ""),
            refused("then: [rls, scope]", "then: rls"),
            refused("  rls: {replace", "  keep: {replace"),
        ],
    );
}

#[test]
fn faults_of_examples() {
    assert_shown(
        "example",
        &[
            refused("    after: |\n      scope()\n", ""),
            refused("    after: |\n      scope()\n", "    review: nobody\n"),
            refused("no-site: true", "no-site: true, standard: true"),
            refused("no-site: true", "no-site: false"),
            refused("no-site: true", "no-site: yes"),
            refused("no-site: true", "review: ''"),
            refused("no-site: true", "no-site: true, unsafe: None"),
            refused("path: app/b.py", "path: ../b.py"),
            refused("path: app/b.py", "path: /b.py"),
            refused("no-site: true", "no-site: true, files: {a//b: x}"),
        ],
    );
}

#[test]
fn a_recipe_without_rewrites_needs_an_example_with_a_site() {
    let (head, _) = GOOD.split_once("decide:").expect("a table");
    let tail = "decide:\n  - {else: review, because: x}\nexamples:\n  - {title: t, path: a.py, before: '', ";
    let none = load_probe(&format!("{head}{tail}no-site: true}}\n")).expect_err("no site");
    assert_eq!(none.problem, "no example shows a site");
    load_probe(&format!("{head}{tail}review: x}}\n")).expect("a site");
}

#[test]
fn a_fault_in_a_text_with_wide_characters_has_its_column() {
    let text = GOOD.replacen("because: its own module", "because: 中文, warn: x", 1);
    let error = load_probe(&text).expect_err("a fault");
    assert_eq!((error.position.line, error.position.column), (14, 62));
}

#[test]
fn migrations_are_checked() {
    let files = builtin();
    let (_, text) = files
        .iter()
        .find(|(path, _)| path.ends_with("asyncpg/migration.yaml"))
        .expect("embedded");
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        load_migration(
            "recipes/asyncpg/migration.yaml",
            &text.replacen(from, to, 1),
        )
        .expect_err("a fault")
        .to_string()
    };
    assert_shown(
        "migration",
        &[
            refused("driver:", "drivers:"),
            refused("id: asyncpg", "id: other"),
            refused("  version: 1", "  version: 2"),
            refused("kind: system", "kind: sys"),
        ],
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_move_no_fault() {
    let text = GOOD.replacen("  (call\n", "  (cal\n", 1);
    let plain = load_probe(&text).expect_err("a fault");
    for text in [
        text.replace('\n', "\r\n"),
        format!("\u{feff}{text}"),
        format!("\u{feff}{}", text.replace('\n', "\r\n")),
    ] {
        let error = load_probe(&text).expect_err("a fault");
        assert_eq!(error.position, plain.position, "{error}");
        assert_eq!(error.problem, plain.problem);
    }
}

#[test]
fn an_empty_table_or_list_of_examples_is_a_fault() {
    let (head, tail) = GOOD.split_once("decide:").expect("a table");
    let (_, tail) = tail.split_once("rewrite:").expect("rewrites");
    let table = load_probe(&format!("{head}decide: []\nrewrite:{tail}")).expect_err("a fault");
    assert_eq!(table.problem, "the table has no rows");
    let (head, _) = GOOD.split_once("examples:").expect("examples");
    let examples = load_probe(&format!("{head}examples: []\n")).expect_err("a fault");
    assert_eq!(
        examples.problem,
        "no example shows what a rewrite writes (`after`)"
    );
}
