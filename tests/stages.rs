//! A migration that is made in stages ends where the one that is made at once does.

use connmod::config::Stage;
use connmod::pipeline::Selection;
use connmod::recipe::{Example, Expectation, Library, Migration, builtin};
use connmod::recipe_test;

/// The text of an example after one stage; `None`: at once.
fn after(
    library: &Library,
    migration: &Migration,
    example: &Example,
    text: &str,
    stage: Option<Stage>,
) -> String {
    let survey = recipe_test::survey_in_stage(library, migration, example, text, stage)
        .expect("the recipes compile");
    let selection = Selection {
        unsafe_too: true,
        ..Selection::default()
    };
    let patches = survey.patches(&selection);
    let patch = patches.iter().find(|patch| patch.path == example.path);
    patch.map_or_else(|| text.to_owned(), |patch| patch.after.clone())
}

#[test]
fn dual_cutover_and_cleanup_give_the_text_of_at_once() {
    let library = Library::load(builtin()).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let migration = &library.migrations["connection-service"];
    let recipe = library
        .recipe("connection-service/raw-connection")
        .expect("it is embedded");
    let mut compared = 0;
    for example in &recipe.examples {
        if !matches!(example.expect, Expectation::After { .. }) {
            continue;
        }
        let go = |text: &str, stage| after(&library, migration, example, text, stage);
        let at_once = go(&example.before, None);
        let dual = go(&example.before, Some(Stage::Dual));
        assert_ne!(
            dual, example.before,
            "{}: nothing goes both ways",
            example.title
        );
        assert!(
            dual.contains("if settings.USE_NEW_CONNECTION_SERVICE else"),
            "{dual}"
        );
        assert_eq!(
            go(&dual, Some(Stage::Dual)),
            dual,
            "{}: a second run changes it again",
            example.title
        );
        let cutover = go(&dual, Some(Stage::Cutover));
        assert!(!cutover.contains("USE_NEW_CONNECTION_SERVICE"), "{cutover}");
        let cleanup = go(&cutover, Some(Stage::Cleanup));
        assert_eq!(cleanup, at_once, "{}", example.title);
        compared += 1;
    }
    assert!(compared >= 5, "only {compared} examples are rewritten");
}
