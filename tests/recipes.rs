//! The built-in recipes as a whole: every example holds, every recipe bears every code, and the commands for authors work.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use connmod::finding::{Finding, Inventory, Verdict};
use connmod::pipeline::{Request, Selection, survey};
use connmod::progress::Silent;
use connmod::recipe::{Example, Expectation, Library, Migration, Recipe, builtin};
use connmod::recipe_test;

fn library() -> Library {
    Library::load(builtin()).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// All examples of all recipes, with what they belong to.
fn examples(library: &Library) -> impl Iterator<Item = (&Recipe, &Migration, &Example)> {
    library.recipes.iter().flat_map(|recipe| {
        let migration = library
            .migration_of(recipe)
            .expect("it was loaded into one");
        let examples = recipe.examples.iter();
        examples.map(move |example| (recipe, migration, example))
    })
}

#[test]
fn every_example_passes() {
    let library = library();
    let mut failures = String::new();
    for recipe in &library.recipes {
        let outcomes = recipe_test::run(&library, recipe).expect("the recipes compile together");
        assert_eq!(outcomes.len(), recipe.examples.len());
        for outcome in outcomes {
            for fault in &outcome.faults {
                let (origin, line) = (&recipe.origin, outcome.line);
                let _ = writeln!(failures, "{origin}:{line} {}\n  {fault}", outcome.title);
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// Mutations of passing examples must fail: a runner that finds nothing wrong proves nothing.
#[test]
fn examples_can_fail() {
    let library = library();
    let recipe = library.recipe("asyncpg/pool-acquire").expect("built in");
    let after = |text: &str, unsafe_because: Option<&str>| Expectation::After {
        text: text.to_owned(),
        unsafe_because: unsafe_because.map(str::to_owned),
    };
    let given = |title: &str| {
        let mut examples = recipe.examples.iter();
        let example = examples.find(|example| example.title.starts_with(title));
        example.unwrap_or_else(|| panic!("no example `{title}`"))
    };
    let safe = given("a service that reads tables");
    let is_unsafe = given("a user that may be None");
    let review = given("user data without a user");
    let no_site = given("a pool of something else");
    let Expectation::After { text, .. } = &safe.expect else {
        panic!("it is rewritten");
    };
    let Expectation::After {
        text: unsafe_text, ..
    } = &is_unsafe.expect
    else {
        panic!("it is rewritten");
    };
    for (example, wrong, expected) in [
        (
            safe,
            after(&text.replace("row in", "row  in"), None),
            "the text differs",
        ),
        (
            safe,
            after(&safe.before, None),
            "would change the expected text again",
        ),
        (safe, after(text, Some("x")), "expected an unsafe rewrite"),
        (safe, Expectation::Standard, "expected standard"),
        (safe, Expectation::NoSite, "a site where none is expected"),
        (
            is_unsafe,
            after(unsafe_text, None),
            "expected a safe rewrite",
        ),
        (
            is_unsafe,
            after(unsafe_text, Some("no such")),
            "no reason contains",
        ),
        (
            review,
            Expectation::Review("no such".into()),
            "no reason contains",
        ),
        (review, Expectation::Keep("user".into()), "expected keep"),
        (no_site, Expectation::Review("x".into()), "no site of"),
    ] {
        let mut changed = library.clone();
        let mut recipe = recipe.clone();
        recipe.examples = vec![Example {
            expect: wrong,
            ..example.clone()
        }];
        let found = changed.recipes.iter_mut().find(|own| own.id == recipe.id);
        *found.expect("built in") = recipe.clone();
        let outcomes = recipe_test::run(&changed, &recipe).expect("the recipes compile together");
        let faults: Vec<String> = outcomes[0].faults.iter().map(ToString::to_string).collect();
        let named = faults.iter().any(|fault| fault.contains(expected));
        assert!(
            named,
            "{}: expected `{expected}`, got {faults:?}",
            example.title
        );
    }
}

#[test]
fn every_after_is_inert_under_every_recipe() {
    let library = library();
    for (recipe, migration, example) in examples(&library) {
        let Expectation::After { text, .. } = &example.expect else {
            continue;
        };
        let survey = recipe_test::survey(&library, migration, example, text).expect("it compiles");
        let rewritten: Vec<&Finding> = survey
            .inventory
            .findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Rewrite)
            .collect();
        assert!(
            rewritten.is_empty(),
            "{} {}: {rewritten:#?}",
            recipe.id,
            example.title
        );
    }
}

#[test]
fn every_recipe_bears_every_example() {
    let library = library();
    for (recipe, migration, example) in examples(&library) {
        let texts = match &example.expect {
            Expectation::After { text, .. } => vec![&example.before, text],
            _ => vec![&example.before],
        };
        for text in texts {
            let survey =
                recipe_test::survey(&library, migration, example, text).expect("it compiles");
            let place = format!("{} {}", recipe.id, example.title);
            totals_add_up(&survey.inventory, &place);
            assert!(
                survey.inventory.unparsed.is_empty(),
                "{place}: {:?}",
                survey.inventory.unparsed
            );
        }
    }
}

#[test]
fn every_recipe_bears_every_fixture() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let library = library();
    for entry in fs::read_dir(&fixtures).expect("the fixtures are there") {
        let folder = entry.expect("it can be read").path();
        let settings = library.migrations["asyncpg"].example_settings.clone();
        // By what is learnt from the code, and by settings that fit nothing of it.
        for config in [None, Some(settings)] {
            let request = Request {
                base: folder.clone(),
                roots: Vec::new(),
                config,
                library: library.clone(),
                threads: None,
                hidden: false,
                no_ignore: false,
            };
            let survey = survey(&request, &Silent).expect("the fixture can be read");
            let place = folder.display().to_string();
            totals_add_up(&survey.inventory, &place);
            for unsafe_too in [false, true] {
                let patches = survey.patches(&Selection {
                    unsafe_too,
                    ..Selection::default()
                });
                let files: Vec<&str> = patches.iter().map(|patch| patch.path.as_str()).collect();
                assert!(files.is_sorted(), "{place}: {files:?}");
            }
        }
    }
}

/// No site is counted twice or not at all, and what is said about each is complete.
fn totals_add_up(inventory: &Inventory, place: &str) {
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &inventory.findings {
        *by_id.entry(&finding.id).or_default() += 1;
        let site = &finding.site;
        let what = format!("{place}: {}:{} {}", site.file, site.line, site.recipe);
        assert_eq!(
            finding.verdict == Verdict::Rewrite,
            finding.fix.is_some(),
            "{what}"
        );
        let needs_reason = matches!(
            finding.verdict,
            Verdict::Review | Verdict::Keep | Verdict::Unparsed | Verdict::Suppressed
        );
        assert!(
            !needs_reason || !finding.reasons.is_empty(),
            "{what}: no reason"
        );
        assert!(
            inventory.titles.contains_key(&site.recipe),
            "{what}: no title"
        );
    }
    assert!(
        by_id.values().all(|count| *count == 1),
        "{place}: {by_id:?}"
    );
    let mut spans: BTreeMap<(&str, usize, usize), &str> = BTreeMap::new();
    for finding in &inventory.findings {
        let site = &finding.site;
        let other = spans.insert((&site.file, site.span.start, site.span.end), &site.recipe);
        assert_eq!(
            other, None,
            "{place}: {}:{} is a site twice",
            site.file, site.line
        );
    }
    for dismissed in &inventory.dismissed {
        assert!(!dismissed.reason.is_empty(), "{place}: {dismissed:?}");
    }
}

#[test]
fn ids_equal_paths() {
    let library = library();
    for recipe in &library.recipes {
        assert_eq!(recipe.origin, format!("recipes/{}.yaml", recipe.id));
    }
    let files = builtin().len();
    assert_eq!(files, library.recipes.len() + library.migrations.len());
}

fn connmod(folder: &Path, line: &[&str]) -> (i32, String, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
        .current_dir(folder)
        .args(line)
        .output()
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is text");
    let code = output.status.code().expect("no signal ended it");
    (code, text(output.stdout), text(output.stderr))
}

#[test]
fn a_new_recipe_is_written_once_and_passes_its_test() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder
        .path()
        .join(".connmod/recipes/asyncpg/raw-connect.yaml");
    let new = ["recipe", "new", "asyncpg/raw-connect"];
    let (code, out, err) = connmod(folder.path(), &new);
    assert_eq!(code, 0, "{err}");
    assert!(out.trim_end().ends_with("raw-connect.yaml"), "{out}");
    let (code, out, err) = connmod(folder.path(), &["recipe", "test", "asyncpg/raw-connect"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.starts_with("ok ") && out.contains("asyncpg/raw-connect"),
        "{out}"
    );
    let (_, list, _) = connmod(folder.path(), &["recipe", "list"]);
    assert!(list.contains("asyncpg/raw-connect"), "{list}");
    fs::write(&path, "mine").expect("it can be written");
    let (code, _, _) = connmod(folder.path(), &new);
    assert_eq!(code, 2);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "mine");
    fs::remove_file(&path).expect("it is there");
    connmod(folder.path(), &new);
    let (code, _, err) = connmod(folder.path(), &new);
    assert_eq!(code, 2);
    assert!(err.contains("is there already"), "{err}");
}

#[test]
fn a_recipe_that_fails_is_shown_with_its_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    connmod(folder.path(), &["recipe", "new", "asyncpg/raw-connect"]);
    let written = folder
        .path()
        .join(".connmod/recipes/asyncpg/raw-connect.yaml");
    let text = fs::read_to_string(&written).expect("it was written");
    let path = folder.path().join("raw-connect.yaml");
    fs::write(
        &path,
        text.replace("review: a connection", "review: two connections"),
    )
    .expect("a new file");
    let (code, out, err) = connmod(folder.path(), &["recipe", "test", "raw-connect.yaml"]);
    assert_eq!(code, 1, "{err}");
    assert!(
        out.contains("FAILED  asyncpg/raw-connect  1 of 2 examples"),
        "{out}"
    );
    assert!(out.contains("raw-connect.yaml:25  a service"), "{out}");
    assert!(out.contains("no reason contains `two connections"), "{out}");
    let (code, _, err) = connmod(folder.path(), &["recipe", "test", "nowhere"]);
    assert_eq!(code, 2);
    assert!(err.contains("there is no such recipe"), "{err}");
}

#[test]
fn pages_and_schemas_are_results() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (code, out, _) = connmod(folder.path(), &["recipe", "show", "asyncpg/rls-block"]);
    assert_eq!(code, 0);
    assert!(out.contains("──▶"), "{out}");
    let (code, _, err) = connmod(folder.path(), &["recipe", "show", "asyncpg/nothing"]);
    assert_eq!(code, 2);
    assert!(err.contains("asyncpg/rls-block"), "{err}");
    for (option, key) in [
        (&[][..], "decide"),
        (&["--settings"], "standard"),
        (&["--migration"], "driver"),
    ] {
        let line = [&["recipe", "schema"], option].concat();
        let (code, out, _) = connmod(folder.path(), &line);
        assert_eq!(code, 0);
        let schema: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
        assert!(schema["properties"][key].is_object(), "{line:?}");
    }
}
