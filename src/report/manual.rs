//! Recipes as people read them: the list of all, and the manual page of one, both made of nothing but the recipes themselves.
//!
//! The page says in words what the recipe says in YAML; it knows no site and no project.

use std::fmt::Write as _;

use crate::config::ContextKind;
use crate::recipe::{
    Condition, Example, Expectation, IdentityClass, Outcome, PoolClass, Recipe, Rewrite,
    RewriteKind, Row, TablesClass, Template, TemplatePart, Warning,
};
use crate::report::escape::visible;
use crate::report::paint::{FAINT, TITLE, View, pad};

/// One line for each recipe: id, title, pattern, and why in short.
pub fn list<'r>(recipes: impl IntoIterator<Item = &'r Recipe>, view: View) -> String {
    let mut rows = vec![["Recipe", "Title", "Pattern", "Why"].map(str::to_owned)];
    for recipe in recipes {
        rows.push([
            visible(&recipe.id).into_owned(),
            visible(&recipe.title).into_owned(),
            recipe.pattern.as_str().to_owned(),
            visible(first_sentence(&recipe.why)).into_owned(),
        ]);
    }
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let mut out = String::new();
    for (index, [id, title, pattern, why]) in rows.iter().enumerate() {
        let start = format!(
            "{}  {}  {}  ",
            pad(id, widths[0]),
            pad(title, widths[1]),
            pad(pattern, widths[2])
        );
        let taken = start.chars().count();
        let line = format!("{start}{}", view.fit(why, taken));
        let line = line.trim_end();
        out.push_str(&if index == 0 {
            view.paint(TITLE, line)
        } else {
            line.to_owned()
        });
        out.push('\n');
    }
    out
}

fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.find(". ").map_or(line, |end| &line[..=end])
}

/// The manual page of a recipe.
pub fn page(recipe: &Recipe, view: View) -> String {
    let mut out = format!(
        "{}  {}\n",
        view.paint(TITLE, &visible(&recipe.id)),
        visible(&recipe.title)
    );
    let origin = format!(
        "pattern {}, language {}, from {}",
        recipe.pattern.as_str(),
        recipe.language,
        recipe.origin
    );
    push_line(&mut out, "", &view.paint(FAINT, &visible(&origin)));
    section("Why", view, &mut out);
    for line in recipe.why.lines() {
        push_line(&mut out, "  ", &visible(line));
    }
    decisions(recipe, view, &mut out);
    rewrites(recipe, view, &mut out);
    section("Examples", view, &mut out);
    for (index, shown) in recipe.examples.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        example(shown, view, &mut out);
    }
    out
}

fn push_line(out: &mut String, indent: &str, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}", format!("{indent}{text}").trim_end());
}

fn section(name: &str, view: View, out: &mut String) {
    out.push('\n');
    push_line(out, "", &view.paint(TITLE, name));
}

/// The decision table: of each row when it holds, and below what it decides.
fn decisions(recipe: &Recipe, view: View, out: &mut String) {
    section("Decision (the first row that holds)", view, out);
    for (index, row) in recipe.rows.iter().enumerate() {
        let number = index + 1;
        push_line(
            out,
            "",
            &format!("{number:>4}. {}", condition(&row.condition)),
        );
        push_line(out, "        ", &visible(&outcome(row)));
    }
}

/// A condition in words; "otherwise" for one that always holds.
pub(super) fn condition(condition: &Condition) -> String {
    let parts = [
        any_of(condition.context.as_ref(), context),
        any_of(condition.tables.as_ref(), tables),
        any_of(condition.identity.as_ref(), identity),
        any_of(condition.pool.as_ref(), pool),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "otherwise".to_owned()
    } else {
        parts.join(", ")
    }
}

fn any_of<'v, T: Copy + 'v>(
    values: Option<impl IntoIterator<Item = &'v T>>,
    words: impl Fn(T) -> &'static str,
) -> Option<String> {
    let words: Vec<&str> = values?.into_iter().map(|value| words(*value)).collect();
    Some(words.join(" or "))
}

fn context(kind: ContextKind) -> &'static str {
    match kind {
        ContextKind::User => "on behalf of a user",
        ContextKind::System => "on behalf of the system",
        ContextKind::Script => "in a script",
        ContextKind::Standard => "in the standard's own module",
        ContextKind::Test => "in a test",
        ContextKind::Root => "where the program is put together",
        ContextKind::Unknown => "where no context covers the file",
    }
}

fn tables(class: TablesClass) -> &'static str {
    match class {
        TablesClass::Rls => "a table under row-level security",
        TablesClass::Plain => "no table under row-level security",
        TablesClass::Unknown => "not all tables known",
    }
}

fn identity(class: IdentityClass) -> &'static str {
    match class {
        IdentityClass::Bound => "a user in scope",
        IdentityClass::Optional => "a user in scope who may be None",
        IdentityClass::None => "no user in scope",
    }
}

fn pool(class: PoolClass) -> &'static str {
    match class {
        PoolClass::Shared => "the shared pool",
        PoolClass::Own => "a pool of its own",
        PoolClass::Unknown => "a pool that is not known",
    }
}

fn outcome(row: &Row) -> String {
    let mut words = match &row.outcome {
        Outcome::Keep => "keep".to_owned(),
        Outcome::Review => "review".to_owned(),
        Outcome::Standard => "standard".to_owned(),
        Outcome::Rewrite(forms) => format!("rewrite: {}", forms.join(", or else ")),
    };
    if let Some(because) = &row.because {
        words.push_str(": ");
        words.push_str(because);
    }
    if row.warning == Some(Warning::RlsWithoutUser) {
        words.push_str(", with a warning that no user is set");
    }
    if let Some(severity) = row.severity {
        words.push_str(" (");
        words.push_str(severity.as_str());
        words.push(')');
    }
    words
}

fn rewrites(recipe: &Recipe, view: View, out: &mut String) {
    if recipe.rewrites.is_empty() {
        return;
    }
    section("Rewrites", view, out);
    let width = recipe.rewrites.keys().map(|name| name.chars().count());
    let width = width.max().unwrap_or_default();
    for Rewrite { name, kind } in recipe.rewrites.values() {
        let line = format!("{}  {}", pad(name, width), verb(kind));
        push_line(out, "  ", &visible(&line));
    }
}

fn verb(kind: &RewriteKind) -> String {
    match kind {
        RewriteKind::BlockToCalls => {
            "the block goes, and each call on its connection becomes a call of the helper for its method".to_owned()
        }
        RewriteKind::Replace { at, with } => format!("{at} becomes {}", template(with)),
        RewriteKind::CallToHelper => {
            "the call becomes a call of the helper for its method".to_owned()
        }
        RewriteKind::CallToBlock { with } => {
            format!("the call moves into a block on {}", template(with))
        }
        RewriteKind::PairToBlock { with } => {
            format!("acquire and release become a block on {}", template(with))
        }
        RewriteKind::BlockToParameter { with, .. } => format!(
            "the block goes, and its session becomes a parameter{}",
            template(with)
        ),
        RewriteKind::RegionToBlock { with } => format!(
            "acquire, releases and all between them become a block on {}",
            template(with)
        ),
        RewriteKind::BothWays { acquire, release } => format!(
            "by a flag, the acquire becomes {} and each release {}",
            template(acquire),
            template(release)
        ),
        RewriteKind::RemoveDefinition => "the definition goes where nothing uses it".to_owned(),
        RewriteKind::RemoveImport => "the name goes from its import".to_owned(),
        RewriteKind::Remove => "what nothing reads any more goes".to_owned(),
    }
}

fn template(template: &Template) -> String {
    let part = |part: &TemplatePart| match part {
        TemplatePart::Text(text) => text.clone(),
        TemplatePart::Standard(key) => format!("{{standard.{key}}}"),
        TemplatePart::Identity => "{identity}".to_owned(),
        TemplatePart::Purpose => "{purpose}".to_owned(),
        TemplatePart::Pool => "{pool}".to_owned(),
        TemplatePart::Capture(name) => format!("{{{name}}}"),
        TemplatePart::Library { module, name } => format!("{module}.{name}"),
    };
    template.parts.iter().map(part).collect()
}

/// An example as before ──▶ after, or before and what is said of it.
fn example(example: &Example, view: View, out: &mut String) {
    let place = view.paint(FAINT, &format!("({})", visible(&example.path)));
    push_line(out, "  ", &format!("{} {place}", visible(&example.title)));
    code(&example.before, out);
    let arrow = |words: &str| {
        let words = if words.is_empty() {
            "──▶".to_owned()
        } else {
            format!("──▶ {}", visible(words))
        };
        view.paint(TITLE, &words)
    };
    let words = match &example.expect {
        Expectation::After {
            unsafe_because: Some(reason),
            ..
        } => format!("unsafe: {}", reason.trim_end()),
        Expectation::After { .. } => String::new(),
        Expectation::Review(reason) => format!("review: {}", reason.trim_end()),
        Expectation::Keep(reason) => format!("keep: {}", reason.trim_end()),
        Expectation::Standard => "standard".to_owned(),
        Expectation::NoSite => "no site".to_owned(),
    };
    push_line(out, "  ", &arrow(&words));
    if let Expectation::After { text, .. } = &example.expect {
        code(text, out);
    }
}

fn code(text: &str, out: &mut String) {
    for line in text.lines() {
        let parts: Vec<_> = line.split('\t').map(visible).collect();
        push_line(out, "      ", &parts.join("\t"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Library, builtin};

    fn library() -> Library {
        Library::load(builtin()).unwrap_or_else(|errors| panic!("{}", errors[0]))
    }

    #[test]
    fn a_page_shows_every_section() {
        let library = library();
        let recipe = library.recipe("asyncpg/pool-acquire-manual");
        let text = page(recipe.expect("it is built in"), View::default());
        insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("report-manual", text);
        });
    }

    #[test]
    fn every_recipe_is_listed_with_its_pattern_and_has_a_page() {
        let library = library();
        let text = list(&library.recipes, View::default());
        for recipe in &library.recipes {
            let line = text.lines().find(|line| line.starts_with(&recipe.id));
            let line = line.unwrap_or_else(|| panic!("{} is missing", recipe.id));
            assert!(line.contains(recipe.pattern.as_str()), "{line}");
            let page = page(recipe, View::default());
            for example in &recipe.examples {
                assert!(page.contains(&example.title), "{}", example.title);
            }
        }
    }

    #[test]
    fn a_list_is_fitted_to_the_terminal_and_has_no_escape_of_a_recipe() {
        let mut recipe = library().recipes[0].clone();
        recipe.title = "a\u{1b}[2Jb".to_owned();
        recipe.why = "x".repeat(500);
        let view = View {
            width: Some(100),
            ..View::default()
        };
        let text = list([&recipe], view);
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.lines().all(|line| line.chars().count() <= 110));
    }

    #[test]
    fn reasons_in_short_are_one_sentence() {
        assert_eq!(first_sentence("One. Two."), "One.");
        assert_eq!(
            first_sentence("Only asyncpg 0.29 does\nmore"),
            "Only asyncpg 0.29 does"
        );
    }
}
