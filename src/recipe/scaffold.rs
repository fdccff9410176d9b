//! The recipe that an author begins with: complete, loadable, and to be written over section by section.

/// The text of a new recipe `<migration>/<name>`.
///
/// It finds calls of `open_connection` and leaves each to a person.
pub fn scaffold(migration: &str, name: &str) -> String {
    TEMPLATE
        .replace("MIGRATION", migration)
        .replace("NAME", name)
}

const TEMPLATE: &str = r#"# Run it: connmod recipe test MIGRATION/NAME
id: MIGRATION/NAME
# What inventories call it, and the pattern that its sites show.
title: Direct connection
pattern: direct_connect
# Why the pattern should go, or stay.
why: Each call opens a connection of its own, which the pool neither limits nor reuses.
language: python
# A broad tree-sitter query: every hit, captured as @site, becomes a site and gets a verdict.
locate: |
  (call
    function: (identifier) @function
    (#eq? @function "open_connection")) @site
# What captures of `locate` have to denote for a hit to be a site, for instance: where: {POOL: pool}
# A narrow query, `shape`, says what the rewrites can handle; it captures @site at the same node, and what they need.
# The first row that holds decides: keep, review, standard, or rewrites to try in order. The last row is `else`.
decide:
  - {if: {context: [standard, test]}, then: keep, because: where connections are made}
  - {else: review, because: a connection outside the pool, severity: warning}
# The rewrites that rows name, for instance:
# rewrite:
#   scope: {replace: {at: CALL, with: "{standard.scope}()"}}
# Each example expects exactly one of after, review, keep, standard, no-site.
examples:
  - title: a service with a connection of its own
    path: app/services/report.py
    before: |
      from legacy import open_connection

      connection = open_connection()
    review: a connection outside the pool
  - title: a test
    path: tests/test_report.py
    before: |
      from legacy import open_connection

      connection = open_connection()
    keep: where connections are made
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Library, builtin};

    #[test]
    fn a_new_recipe_loads() {
        let mut files = builtin();
        let path = ".connmod/recipes/asyncpg/raw-connect.yaml".to_owned();
        files.push((path, scaffold("asyncpg", "raw-connect")));
        let library = Library::load(files).unwrap_or_else(|errors| panic!("{}", errors[0]));
        let recipe = library.recipe("asyncpg/raw-connect").expect("added");
        assert_eq!(recipe.literals, ["open_connection"]);
    }
}
