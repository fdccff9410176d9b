//! The words that a query needs, against what it matches.

use tree_sitter::{Parser, QueryCursor, StreamingIterator as _};

use super::*;

fn grammar() -> tree_sitter::Language {
    tree_sitter_python::LANGUAGE.into()
}

fn words(query: &str) -> Vec<String> {
    match check("python", &grammar(), query) {
        Ok(checked) => checked.literals,
        Err(fault) => panic!("{query}: {fault:?}"),
    }
}

fn attribute(predicate: &str) -> String {
    format!("(call function: (attribute attribute: (identifier) @m) {predicate}) @site")
}

#[test]
fn a_text_that_a_capture_has_to_be_is_needed() {
    let cases: [(&str, &[&str]); 10] = [
        (r#"(#eq? @m "acquire")"#, &["acquire"]),
        (r#"(#any-of? @m "fetch" "execute")"#, &["execute", "fetch"]),
        (r#"(#match? @m "^acquire$")"#, &["acquire"]),
        (r#"(#match? @m "^(get|put)conn$")"#, &[]),
        (
            r#"(#match? @m "^(getconn|putconn)$")"#,
            &["getconn", "putconn"],
        ),
        (r#"(#match? @m "acquire|borrow")"#, &["acquire", "borrow"]),
        (r#"(#match? @m "^get_.*")"#, &[]),
        (r#"(#not-eq? @m "acquire")"#, &[]),
        (r"(#eq? @m @m)", &[]),
        (r#"(#eq? @m "")"#, &[]),
    ];
    for (predicate, expected) in cases {
        assert_eq!(words(&attribute(predicate)), expected, "{predicate}");
    }
}

#[test]
fn of_several_predicates_the_narrowest_counts() {
    let query = attribute(r#"(#any-of? @m "a" "b") (#eq? @m "longer") (#eq? @m "x")"#);
    assert_eq!(words(&query), ["longer"]);
}

#[test]
fn each_pattern_adds_its_words_and_one_without_words_takes_all() {
    let acquire = attribute(r#"(#eq? @m "acquire")"#);
    let connect = "((call function: (identifier) @f) @site (#eq? @f \"connect\"))";
    assert_eq!(
        words(&format!("{acquire}\n{connect}")),
        ["acquire", "connect"]
    );
    assert!(words(&format!("{acquire}\n(await) @site")).is_empty());
}

#[test]
fn a_capture_that_may_be_missing_needs_nothing() {
    // A predicate about a capture that is not bound holds.
    let optional = "(call function: (identifier)? @f (#eq? @f \"connect\")) @site";
    assert!(words(optional).is_empty());
    let either = "(call function: [(identifier) @f (attribute)] (#eq? @f \"connect\")) @site";
    assert!(words(either).is_empty());
    let both = "(call function: [(identifier) @f (attribute attribute: (_) @f)] (#eq? @f \"connect\")) @site";
    assert_eq!(words(both), ["connect"]);
}

#[test]
fn comments_and_texts_hide_nothing() {
    let query = "; (#nonsense? @x)\n(call function: (identifier) @f (#eq? @f \"a;(b\")) @site ; (";
    assert_eq!(words(query), ["a;(b"]);
}

proptest::proptest! {
    /// A file that a query matches holds one of the query's words.
    #[test]
    fn no_match_without_a_word(
        predicates in proptest::collection::vec(
            proptest::sample::select(vec![
                "(#eq? @m \"acquire\")",
                "(#any-of? @m \"fetch\" \"acquire\")",
                "(#match? @m \"^(fetch|run)$\")",
                "(#match? @m \"c\")",
                "(#not-eq? @m \"fetch\")",
                "(#not-any-of? @m \"run\" \"acquire\")",
                "(#not-match? @m \"^a\")",
            ]),
            0..3,
        ),
        shapes in proptest::collection::vec(
            proptest::sample::select(vec![
                "(call function: (attribute attribute: (identifier) @m) PREDICATES) @site",
                "((call function: [(identifier) @m (attribute)]) @site PREDICATES)",
                "(assignment left: (identifier)? @m PREDICATES) @site",
            ]),
            1..3,
        ),
        source in "((x = )?(a|b)?\\.?(acquire|fetch|run|connect|pick)\\(\\)\n){0,4}",
    ) {
        let text = shapes.join("\n").replace("PREDICATES", &predicates.join(" "));
        let Ok(checked) = check("python", &grammar(), &text) else {
            return Ok(());
        };
        let query = Query::new(&grammar(), &text).expect("checked");
        let mut parser = Parser::new();
        parser.set_language(&grammar()).expect("a grammar that fits");
        let tree = parser.parse(&source, None).expect("a tree");
        let mut cursor = QueryCursor::new();
        let found = cursor.matches(&query, tree.root_node(), source.as_bytes()).next().is_some();
        let expected = checked.literals.is_empty()
            || checked.literals.iter().any(|word| source.contains(word));
        assert!(!found || expected, "{text}\n{source}");
    }
}
