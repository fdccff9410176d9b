//! Texts that are no recipes: they are refused in words, and nothing panics.

use super::*;

#[test]
fn hostile_yaml_is_refused_in_words() {
    let bomb: String = std::iter::once("id: &a0 [x, x, x, x]\n".to_owned())
        .chain((1..12).map(|level| {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            format!("k{level}: &a{level} [{aliases}]\n")
        }))
        .collect();
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
            query(&format!("(argument_list {}) @site", "(_)? ".repeat(3_000))),
            query(&format!("(argument_list {}) @site", "(_)* ".repeat(33))),
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

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

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
