//! Every fault of a recipe, with the message that its author reads.

use super::fault::RecipeError;
use super::{Library, Migration, Recipe, builtin, load, load_migration};

/// A recipe without a fault; the tests below break one thing each.
const GOOD: &str = r#"id: asyncpg/probe
title: Probe
pattern: pool_acquire
why: A reason.
language: python
locate: |
  (call
    function: (attribute object: (_) @POOL attribute: (identifier) @m)
    (#eq? @m "acquire")) @site
where: {POOL: pool}
shape: |
  (await (call arguments: (argument_list) @ARGS) @site) @ACQUIRE
decide:
  - {if: {context: standard}, then: keep, because: its own module}
  - {if: {context: [user, system], tables: rls}, then: [rls, scope]}
  - {else: review, because: nobody knows}
rewrite:
  rls: {replace: {at: ACQUIRE, with: "{standard.rls}({identity})"}}
  scope: {replace: {at: ACQUIRE, with: "{standard.scope}()"}}
examples:
  - title: one
    path: app/a.py
    before: |
      await pool.acquire()
    after: |
      scope()
  - {title: two, path: app/b.py, before: "1\n", no-site: true}
"#;

fn migration() -> Migration {
    let files = builtin();
    let (path, text) = files
        .iter()
        .find(|(path, _)| path.ends_with("asyncpg/migration.yaml"))
        .expect("embedded");
    load_migration(path, text).expect("valid")
}

fn load_probe(text: &str) -> Result<Recipe, RecipeError> {
    load("recipes/asyncpg/probe.yaml", text, &migration())
}

/// What the author reads when `from` of [`GOOD`] is written as `to`.
fn refused(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the recipe");
    let text = GOOD.replacen(from, to, 1);
    let error = load_probe(&text).expect_err("a fault");
    // The caret's line is the line of the position.
    let place = format!(
        "{}:{}:{}",
        error.origin, error.position.line, error.position.column
    );
    let shown = error.to_string();
    assert!(shown.contains(&place), "{place} is not in\n{shown}");
    shown
}

/// Compares with `snapshots/<name>.snap` at the top of the project.
fn assert_shown(name: &str, shown: &[String]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("recipe_{name}"), shown.join("\n\n")));
}

#[test]
fn a_good_recipe_loads() {
    let recipe = load_probe(GOOD).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(recipe.id, "asyncpg/probe");
    assert_eq!(recipe.literals, ["acquire"]);
    assert_eq!(recipe.rows.len(), 3);
    assert_eq!(recipe.rows[1].line, 15);
    assert_eq!(recipe.examples[0].line, 21);
    assert_eq!(recipe.rewrites.len(), 2);
}

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
fn hostile_yaml_is_refused_in_words() {
    let bomb = {
        let mut text = "id: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            let aliases = vec![format!("*a{before}"); 10].join(", ");
            text.push_str(&format!("k{level}: &a{level} [{aliases}]\n"));
        }
        text
    };
    let problem = |text: &str| load_probe(text).expect_err("refused").problem;
    assert_eq!(problem(&bomb), "expected a text");
    let problems = [
        problem(&format!("examples: {bomb}").replace("id: ", "")),
        problem(&format!("id: {}", "[".repeat(100_000))),
        problem(&format!("examples: {}", "[".repeat(100))),
        problem(&"- ".repeat(100_000)),
        problem(&format!("id: {}", "{a: ".repeat(100_000))),
        problem(&format!("id: x\n{}", " ".repeat(2 << 20))),
        problem("\u{feff}id: x\n"),
        problem("id: \"\\u0000\"\n"),
        problem("id: *nowhere\n"),
        problem("&a id: x\n<<: *a\n"),
        problem(&GOOD.replacen(
            "  - {else:",
            &format!(
                "  - &row {{if: {{context: test}}, then: scope}}\n{}  - {{else:",
                "  - *row\n".repeat(200)
            ),
            1,
        )),
        problem("%YAML 9.9\n---\nid: x\n"),
        problem("id: !!binary AAAA\n"),
    ];
    assert_shown("hostile", &problems.map(|problem| format!("- {problem}")));
}

#[test]
fn hostile_queries_are_refused_in_words() {
    let query = |query: &str| {
        let text = GOOD.replacen(
            "  (call\n    function: (attribute object: (_) @POOL attribute: (identifier) @m)\n    (#eq? @m \"acquire\")) @site\n",
            &format!("  {query}\n"),
            1,
        );
        load_probe(&text).expect_err("refused").problem
    };
    assert_shown(
        "hostile_query",
        &[
            query(&"(".repeat(30_000)),
            query(&format!("{}{}", "(_ ".repeat(101), ")".repeat(101))),
            query(&"[".repeat(101)),
            query(&"(_) @site ".repeat(5_000)),
            query("; nothing"),
            query("(call) @site (#eq? @site \"x\")"),
            query("\u{1F600}"),
            query("(\u{1F600}) @site"),
            query("(call \u{1F600}: (_)) @site"),
            query("(call) @\u{1F600}"),
            query("(#"),
            query("@site"),
            query("((call) @site (#eq? @site \"\\\\"),
        ],
    );
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
fn a_project_adds_and_replaces_recipes() {
    let mut files = builtin();
    let all = Library::load(files.clone()).expect("valid");
    files.push((".connmod/recipes/asyncpg/probe.yaml".into(), GOOD.into()));
    files.push((
        "mine/probe.yaml".into(),
        GOOD.replace("title: Probe", "title: Mine"),
    ));
    let library = Library::load(files).expect("valid");
    assert_eq!(library.recipes.len(), all.recipes.len() + 1);
    let probe = library.recipe("asyncpg/probe").expect("added");
    assert_eq!(
        (probe.title.as_str(), probe.origin.as_str()),
        ("Mine", "mine/probe.yaml")
    );
    assert_eq!(
        library.migration_of(probe).map(|m| m.id.as_str()),
        Some("asyncpg")
    );
    assert!(library.recipes.is_sorted_by(|a, b| a.id < b.id));
}

#[test]
fn every_file_at_fault_is_named() {
    let mut files = builtin();
    files.push(("a/probe.yaml".into(), "id: x".into()));
    files.push((
        "a/probe.yaml".into(),
        GOOD.replace("id: asyncpg", "id: nowhere"),
    ));
    files.push(("recipes/asyncpg/other.yaml".into(), GOOD.into()));
    files.push(("recipes/other/migration.yaml".into(), "id: 1".into()));
    let errors = Library::load(files).expect_err("faults");
    let problems: Vec<String> = errors.into_iter().map(|error| error.problem).collect();
    assert_eq!(
        problems,
        [
            "the section `title` is missing",
            "the section `title` is missing",
            "there is no migration `nowhere`",
            "the id does not fit the file's path: `asyncpg/other`",
        ]
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Any damage to a good recipe is either harmless or a fault with a place; nothing panics.
    #[test]
    fn damage_never_panics(
        at in 0..GOOD.len(),
        length in 0..40_usize,
        put in "[-{}\\[\\]:,&*#|>'\"@()?!.a-z0-9\\n\\t ü]{0,12}",
    ) {
        let start = GOOD.floor_char_boundary(at);
        let end = GOOD.ceil_char_boundary((at + length).min(GOOD.len()));
        let text = format!("{}{put}{}", &GOOD[..start], &GOOD[end..]);
        if let Err(error) = load_probe(&text) {
            assert!(error.position.line >= 1 && !error.problem.is_empty());
        }
    }

    #[test]
    fn noise_never_panics(text in "(\\PC|[\\n\\r\\t\\x00 ]|id: |- |\\{|\\[|\\(|\\||&a |\\*a |<<: ){0,60}") {
        assert!(load_probe(&text).is_err());
        assert!(load_migration("migration.yaml", &text).is_err());
    }

    #[test]
    fn queries_of_noise_never_panic(query in "(\\(|\\)|\\[|\\]|call|_|@site|@m|#eq\\?|#match\\?|\"|\\\\|acquire|function:|!|\\.|\\*|\\+|;| |ü|\\n  ){0,40}") {
        let text = GOOD.replacen("  (call\n", &format!("  {query}(call\n"), 1);
        let _ = load_probe(&text);
    }
}
