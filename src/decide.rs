//! The decision table of a recipe, applied to what is known: the first row that holds wins.
//!
//! Pure: facts in, row out. Whether the rewrites that a row names can be proven is for `rewrite` to say.

use crate::finding::Facts;
use crate::recipe::{Condition, PoolClass, Recipe, Row, TablesClass};

/// The first row of `recipe` that holds for `facts`.
///
/// A recipe's last row always holds; a recipe without rows is refused when it is loaded.
pub fn row<'r>(recipe: &'r Recipe, facts: &Facts) -> Option<&'r Row> {
    recipe.rows.iter().find(|row| holds(&row.condition, facts))
}

/// Whether every part of the condition holds.
fn holds(condition: &Condition, facts: &Facts) -> bool {
    // A pattern without SQL of its own touches no table.
    let tables = facts
        .tables
        .as_ref()
        .map_or(TablesClass::Plain, crate::finding::Tables::class);
    let pool = facts
        .pool
        .as_ref()
        .map_or(PoolClass::Shared, |pool| pool.class);
    let within = |holds: Option<bool>| holds.unwrap_or(true);
    within(
        condition
            .context
            .as_ref()
            .map(|wanted| wanted.contains(&facts.context.kind)),
    ) && within(
        condition
            .tables
            .as_ref()
            .map(|wanted| wanted.contains(&tables)),
    ) && within(
        condition
            .identity
            .as_ref()
            .map(|wanted| wanted.contains(&facts.identity.class())),
    ) && within(condition.pool.as_ref().map(|wanted| wanted.contains(&pool)))
}
