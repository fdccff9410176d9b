//! The embedded recipes against the grammar: what their queries find in their own examples.
//!
//! What the rewrites write is checked by `connmod recipe test`, which runs the examples.

use std::collections::BTreeSet;

use tree_sitter::{Parser, Query, QueryCursor, StreamingIterator as _, Tree};

use super::*;
use crate::language;
use crate::recipe::{Expectation, Pattern, Role};
use crate::source::Span;

fn library() -> Library {
    Library::load(builtin()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn parse(recipe: &Recipe, text: &str) -> Tree {
    let language = language::by_name(&recipe.language).expect("a language");
    let mut parser = Parser::new();
    parser
        .set_language(&language.grammar())
        .expect("a grammar that fits");
    parser.parse(text, None).expect("a tree")
}

/// The captures of each match of a query: name and text.
fn matches(recipe: &Recipe, query: &str, text: &str) -> Vec<Vec<(String, Span)>> {
    let language = language::by_name(&recipe.language).expect("a language");
    let query = Query::new(&language.grammar(), query).expect("checked at load");
    let tree = parse(recipe, text);
    let mut cursor = QueryCursor::new();
    let mut found = Vec::new();
    let mut hits = cursor.matches(&query, tree.root_node(), text.as_bytes());
    while let Some(hit) = hits.next() {
        let captures = hit.captures().iter().map(|capture| {
            let name = query.capture_names()[capture.index as usize];
            (name.to_owned(), Span::from(capture.node))
        });
        found.push(captures.collect());
    }
    found
}

fn sites(recipe: &Recipe, query: &str, text: &str) -> BTreeSet<Span> {
    matches(recipe, query, text)
        .into_iter()
        .flatten()
        .filter(|(name, _)| name == "site")
        .map(|(_, span)| span)
        .collect()
}

#[test]
fn every_pattern_has_its_recipe() {
    let library = library();
    let ids: Vec<&str> = library
        .recipes
        .iter()
        .map(|recipe| recipe.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "asyncpg/cached-pool",
            "asyncpg/create-pool",
            "asyncpg/direct-connect",
            "asyncpg/get-pool-call",
            "asyncpg/helper-call",
            "asyncpg/plain-connection-block",
            "asyncpg/pool-acquire",
            "asyncpg/pool-acquire-manual",
            "asyncpg/pool-direct-call",
            "asyncpg/rls-block",
            "connection-service/cleanup",
            "connection-service/create-pool",
            "connection-service/cutover",
            "connection-service/direct-connect",
            "connection-service/dual",
            "connection-service/dual-connect",
            "connection-service/dual-flagged",
            "connection-service/plain-connection-block",
            "connection-service/pool-class",
            "connection-service/raw-connection",
            "sqlalchemy/connection-claims",
            "sqlalchemy/create-engine",
            "sqlalchemy/create-factory",
            "sqlalchemy/direct-session",
            "sqlalchemy/factory-import",
            "sqlalchemy/plain-connection-block",
            "sqlalchemy/session-block",
            "sqlalchemy/session-manual",
            "sqlalchemy/session-parameter",
            "sqlalchemy/session-transaction",
            "sqlalchemy/task-parameters",
            "sqlalchemy/tenant-filter",
            "sqlx/cached-pool",
            "sqlx/create-pool",
            "sqlx/direct-connect",
            "sqlx/helper-call",
            "sqlx/other-driver",
            "sqlx/plain-connection-block",
            "sqlx/pool-acquire-manual",
            "sqlx/pool-begin",
            "sqlx/pool-direct-call",
            "sqlx/pool-handed-on",
            "sqlx/pool-method-call",
            "sqlx/rls-block",
            "sqlx/static-pool",
        ]
    );
    for recipe in &library.recipes {
        let word = recipe
            .id
            .rsplit('/')
            .next()
            .expect("a name")
            .replace('-', "_");
        // The recipes of a stage are called after the stage.
        match recipe.stages.iter().flatten().next() {
            Some(stage) => assert!(word.starts_with(stage.as_str()), "{word}"),
            None => assert_eq!(recipe.pattern.as_str(), word),
        }
        assert_eq!(recipe.origin, format!("recipes/{}.yaml", recipe.id));
    }
}

#[test]
fn every_example_parses_and_is_found() {
    for recipe in &library().recipes {
        for example in &recipe.examples {
            let place = format!("{}:{} ({})", recipe.origin, example.line, example.title);
            assert!(
                !parse(recipe, &example.before).root_node().has_error(),
                "{place}"
            );
            let located = sites(recipe, &recipe.locate, &example.before);
            if example.expect != Expectation::NoSite {
                assert!(!located.is_empty(), "{place}: nothing is located");
            }
            let Some(shape) = &recipe.shape else {
                continue;
            };
            let shaped = sites(recipe, shape, &example.before);
            // A broad `locate` hits more than the roles let through.
            if !recipe.literals.is_empty() {
                assert!(shaped.is_subset(&located), "{place}: shaped, not located");
            }
            match &example.expect {
                Expectation::After { text, .. } => {
                    assert!(!parse(recipe, text).root_node().has_error(), "{place}");
                    assert!(!shaped.is_empty(), "{place}: rewritten, not shaped");
                    assert_ne!(*text, example.before, "{place}: nothing changes");
                }
                Expectation::Review(reason) if reason == "shape" => {
                    assert!(shaped.is_empty(), "{place}: it has the shape");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn every_recipe_shows_a_form_that_is_none() {
    for recipe in &library().recipes {
        let negative = |example: &crate::recipe::Example| example.expect == Expectation::NoSite;
        assert!(recipe.examples.iter().any(negative), "{}", recipe.id);
        assert!(recipe.examples.len() >= 4, "{}", recipe.id);
    }
}

#[test]
fn files_without_the_words_need_no_parsing() {
    let library = library();
    let literals = |id: &str| library.recipe(id).expect("embedded").literals.clone();
    assert_eq!(literals("asyncpg/pool-acquire"), ["acquire"]);
    assert_eq!(literals("asyncpg/pool-acquire-manual"), ["acquire"]);
    assert!(literals("asyncpg/pool-direct-call").contains(&"fetchrow".to_owned()));
    // Here the names of the project and of the driver decide.
    let of_asyncpg = |recipe: &&Recipe| recipe.id.starts_with("asyncpg/");
    for recipe in library.recipes.iter().filter(of_asyncpg) {
        let by_name = [Role::Pool, Role::PoolHolder];
        let by_role = !recipe.roles.values().any(|role| by_name.contains(role));
        assert_eq!(
            recipe.literals.is_empty(),
            by_role || recipe.pattern == Pattern::CachedPool
        );
    }
}

/// Every form of a `with` that borrows, with what the shape takes of it.
#[test]
fn the_forms_of_an_acquire_block() {
    let forms = [
        ("async with p.acquire() as c:", "p.acquire()", Some("c")),
        ("async with p.acquire():", "p.acquire()", None),
        ("async with (p.acquire() as c):", "p.acquire()", Some("c")),
        ("async with (p.acquire()) as c:", "(p.acquire())", Some("c")),
        ("async with (p.acquire() as c,):", "p.acquire()", Some("c")),
        (
            "async with a, p.acquire() as c, b:",
            "p.acquire()",
            Some("c"),
        ),
        (
            "async with (a, p.acquire() as c,):",
            "p.acquire()",
            Some("c"),
        ),
        (
            "async with (a, p.acquire() as c, b as d):",
            "p.acquire()",
            Some("c"),
        ),
        ("async with (a as d, p.acquire()):", "p.acquire()", None),
        (
            "async with p.acquire(timeout=3) as c:",
            "p.acquire(timeout=3)",
            Some("c"),
        ),
        (
            "async with get().acquire() as c:",
            "get().acquire()",
            Some("c"),
        ),
        (
            "async with self._p.acquire() as c:",
            "self._p.acquire()",
            Some("c"),
        ),
        (
            "async with await p.acquire() as c:",
            "await p.acquire()",
            Some("c"),
        ),
    ];
    let library = library();
    let recipe = library.recipe("asyncpg/pool-acquire").expect("embedded");
    let shape = recipe.shape.as_deref().expect("a shape");
    for (header, acquire, connection) in forms {
        let text = format!("async def f():\n    {header}\n        pass\n");
        assert_eq!(sites(recipe, &recipe.locate, &text).len(), 1, "{header}");
        let found = matches(recipe, shape, &text);
        assert_eq!(found.len(), 1, "{header}");
        let capture = |wanted: &str| {
            let mut spans = found[0].iter().filter(|(name, _)| name == wanted);
            spans.next().map(|(_, span)| span.text(&text))
        };
        assert_eq!(capture("ACQUIRE"), Some(acquire), "{header}");
        assert_eq!(capture("CONN"), connection, "{header}");
        assert_eq!(capture("BODY"), Some("pass"), "{header}");
        assert!(capture("BLOCK").is_some_and(|block| block.starts_with("async with")));
    }
}

#[test]
fn the_forms_of_a_plain_block() {
    let library = library();
    let recipe = library
        .recipe("asyncpg/plain-connection-block")
        .expect("embedded");
    let shape = recipe.shape.as_deref().expect("a shape");
    for header in [
        "async with scope() as c:",
        "async with scope():",
        "async with (scope() as c):",
        "async with (scope() as c,):",
        "async with (a, scope() as c, b as d):",
        "async with a, db.scope() as c:",
    ] {
        let text = format!("async def f():\n    {header}\n        pass\n");
        assert_eq!(sites(recipe, shape, &text).len(), 1, "{header}");
    }
}

#[test]
fn forms_for_a_person_are_located_without_a_shape() {
    let forms = [
        "with p.acquire() as c:",
        "with p.acquire():",
        "async with p.acquire() as (c, d):",
        "async with p.acquire() as self.c:",
        "with (await p.acquire()) as c:",
        "with (await p.acquire() as c):",
    ];
    let library = library();
    let recipe = library.recipe("asyncpg/pool-acquire").expect("embedded");
    let shape = recipe.shape.as_deref().expect("a shape");
    for header in forms {
        let text = format!("async def f():\n    {header}\n        pass\n");
        assert_eq!(sites(recipe, &recipe.locate, &text).len(), 1, "{header}");
        assert!(sites(recipe, shape, &text).is_empty(), "{header}");
    }
}

#[test]
fn only_a_plain_assignment_is_a_manual_acquire_with_a_shape() {
    let library = library();
    let recipe = library
        .recipe("asyncpg/pool-acquire-manual")
        .expect("embedded");
    let shape = recipe.shape.as_deref().expect("a shape");
    let shaped = |line: &str| {
        let text = format!("async def f():\n    {line}\n");
        assert_eq!(sites(recipe, &recipe.locate, &text).len(), 1, "{line}");
        !sites(recipe, shape, &text).is_empty()
    };
    assert!(shaped("c = await p.acquire()"));
    assert!(shaped("c: Connection = await self.p.acquire(timeout=3)"));
    for line in [
        "self.c = await p.acquire()",
        "c, d = await p.acquire(), 1",
        "c = d = await p.acquire()",
        "c = p.acquire()",
        "return await p.acquire()",
        "await p.acquire()",
        "use(c := await p.acquire())",
    ] {
        assert!(!shaped(line), "{line}");
    }
}
