//! Rewrites of Rust code, held to tools that are not ours: a parser of Rust takes every text that comes out, the formatter has nothing new to
//! say, and code that is cut off anywhere is answered without a panic.

use std::io::Write;
use std::process::{Command, Stdio};

use connmod::pipeline::Selection;
use connmod::recipe::{Example, Expectation, Library, Migration, builtin};
use connmod::recipe_test;

fn library() -> Library {
    Library::load(builtin()).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// The examples of recipes for Rust, each with its migration.
fn examples(library: &Library) -> Vec<(&Migration, &Example)> {
    let recipes = library.recipes.iter();
    let rust = recipes.filter(|recipe| recipe.language == "rust");
    rust.flat_map(|recipe| {
        let migration = library.migration_of(recipe).expect("it belongs to one");
        recipe.examples.iter().map(move |own| (migration, own))
    })
    .collect()
}

/// What becomes of a text at an example's place when everything that is proposed is taken.
fn rewritten(
    library: &Library,
    migration: &Migration,
    example: &Example,
    text: &str,
) -> Option<String> {
    let survey =
        recipe_test::survey(library, migration, example, text).expect("the recipes compile");
    let all = Selection {
        unsafe_too: true,
        ..Selection::default()
    };
    let patches = survey.patches(&all);
    let own = patches.into_iter().find(|patch| patch.path == example.path);
    own.map(|patch| patch.after)
}

/// A text as the formatter has it.
fn formatted(text: &str) -> String {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2021", "--emit", "stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("rustfmt comes with the compiler");
    let mut input = child.stdin.take().expect("it has an input");
    input.write_all(text.as_bytes()).expect("it takes the text");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("it writes text")
}

#[test]
fn every_rewritten_text_is_rust_to_another_parser() {
    let library = library();
    let mut seen = 0;
    for (migration, example) in examples(&library) {
        let before = syn::parse_file(&example.before);
        assert!(before.is_ok(), "{}: {:?}", example.title, before.err());
        if let Some(after) = rewritten(&library, migration, example, &example.before) {
            let parsed = syn::parse_file(&after);
            assert!(
                parsed.is_ok(),
                "{}: {:?}\n{after}",
                example.title,
                parsed.err()
            );
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} texts were rewritten");
}

#[test]
fn the_formatter_has_nothing_new_to_say() {
    let library = library();
    let mut seen = 0;
    for (migration, example) in examples(&library) {
        if !matches!(example.expect, Expectation::After { .. }) {
            continue;
        }
        let before = formatted(&example.before);
        if let Some(after) = rewritten(&library, migration, example, &before) {
            assert_eq!(after, formatted(&after), "{}", example.title);
            seen += 1;
        }
    }
    assert!(seen >= 7, "only {seen} texts were rewritten");
}

#[test]
fn code_that_is_cut_off_is_answered() {
    let library = library();
    for (migration, example) in examples(&library) {
        let text = &example.before;
        for part in 2..5 {
            let mut end = text.len() * part / 5;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let Some(after) = rewritten(&library, migration, example, &text[..end]) else {
                continue;
            };
            let again = rewritten(&library, migration, example, &after);
            assert_eq!(again, None, "{}", example.title);
        }
    }
}
