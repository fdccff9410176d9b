//! The project's connection guide: the rule, what to write in which scenario, what not to write, and what a review asks.
//!
//! Made of the recipes and the settings alone. The code in it is that of the recipes' examples, which are tests as well, with the names of
//! the project's own standard in the place of the examples'.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::config::{Config, Context, ContextKind, Standard};
use crate::recipe::{Example, Expectation, Migration, Outcome, Recipe};
use crate::report::manual::condition;
use crate::report::markdown::{Align, Table, code, fenced, heading, paragraph, prose};

/// How many rewrites a recipe shows; of what is right already, the first example says it.
const REWRITES: usize = 2;

/// What the guide is made of.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The migration.
    pub migration: &'a Migration,
    /// Its recipes.
    pub recipes: &'a [&'a Recipe],
}

/// The guide, in Markdown.
pub fn render(source: Source<'_>) -> String {
    let mut out = String::new();
    let title = if source.config.migrations.len() > 1 {
        format!(
            "Database connection guide: {}",
            prose(&source.migration.title)
        )
    } else {
        "Database connection guide".to_owned()
    };
    heading(&mut out, 1, &title);
    paragraph(
        &mut out,
        "Written by `connmod guide` from the settings and recipes; run it again instead of editing this file.",
    );
    rule(source, &mut out);
    scenarios(source, &mut out);
    noncompliant(source, &mut out);
    checklist(source, &mut out);
    out
}

fn rule(source: Source<'_>, out: &mut String) {
    let standard = &source.config.standard;
    heading(out, 2, "The rule");
    let Some(module) = &standard.module else {
        paragraph(
            out,
            "This project has no standard module yet. `connmod init --scaffold` writes one; then this guide can name its functions.",
        );
        return;
    };
    let file = standard
        .file
        .as_deref()
        .map(|file| format!(" ({})", code(file)));
    paragraph(
        out,
        &format!(
            "Every part of the project reaches the database through {}{}, and through nothing else.",
            code(module),
            file.unwrap_or_default()
        ),
    );
    if source.migration.driver.session.is_some() {
        return sessions(source, out);
    }
    if let Some(service) = &standard.service {
        return borrowed(source, service, out);
    }
    let mut table = Table::new(&[
        ("Where", Align::Left),
        ("Runs for", Align::Left),
        ("User data", Align::Left),
        ("Other data", Align::Left),
    ]);
    for context in &source.config.contexts {
        let [user, other] = forms(standard, context.kind);
        table.row(&[
            whereabouts(context),
            runs_for(context.kind).to_owned(),
            user,
            other,
        ]);
    }
    out.push_str(&table.finish());
    helpers(standard, out);
    paragraph(
        out,
        "User data is what stands in tables under row-level security. Which tables those are, and where that comes from, is in the inventory \
         (`connmod inventory`).",
    );
    if !source.config.identity.is_empty() {
        let users: Vec<String> = source
            .config
            .identity
            .iter()
            .map(|user| code(user))
            .collect();
        paragraph(out, &format!("The user is {}.", users.join(" or ")));
    }
}

/// Where connections come from in a project with a connection service.
fn borrowed(source: Source<'_>, service: &str, out: &mut String) {
    let own = code(&format!(
        "with {service}.connection(purpose=\"…\") as conn:"
    ));
    let mut table = Table::new(&[
        ("Where", Align::Left),
        ("Runs for", Align::Left),
        ("A connection comes from", Align::Left),
    ]);
    for context in &source.config.contexts {
        let from = match context.kind {
            ContextKind::Test => "the service, with its strategy for tests, or one of its own",
            ContextKind::Standard => "–",
            _ => &own,
        };
        table.row(&[
            whereabouts(context),
            runs_for(context.kind).to_owned(),
            from.to_owned(),
        ]);
    }
    out.push_str(&table.finish());
    paragraph(
        out,
        "Nothing is committed for you: whoever changes rows commits, and what is not committed when the block is left is taken back.",
    );
}

/// Where sessions come from, for a driver that has them.
fn sessions(source: Source<'_>, out: &mut String) {
    let standard = &source.config.standard;
    let missing = "the project has no form for it";
    let named = |name: &Option<String>| {
        name.as_deref()
            .map_or_else(|| missing.to_owned(), |name| code(&format!("{name}()")))
    };
    let parameter = standard.dependency.as_deref().map_or_else(
        || named(&standard.scope),
        |name| {
            format!(
                "a parameter with {}; {} where the session is not for the whole function",
                code(&format!("Depends({name})")),
                named(&standard.scope)
            )
        },
    );
    let mut table = Table::new(&[
        ("Where", Align::Left),
        ("Runs for", Align::Left),
        ("A session comes from", Align::Left),
        ("Who commits", Align::Left),
    ]);
    for context in &source.config.contexts {
        let [from, commits] = match context.kind {
            ContextKind::User => [parameter.clone(), "whoever opens it".to_owned()],
            ContextKind::System => [
                format!("the caller; {} where there is none", named(&standard.scope)),
                "whoever opens it, never who is given it".to_owned(),
            ],
            ContextKind::Script | ContextKind::Test | ContextKind::Root => {
                ["wherever it likes".to_owned(), "itself".to_owned()]
            }
            ContextKind::Standard | ContextKind::Unknown => ["–".to_owned(), "–".to_owned()],
        };
        table.row(&[
            whereabouts(context),
            runs_for(context.kind).to_owned(),
            from,
            commits,
        ]);
    }
    out.push_str(&table.finish());
}

fn whereabouts(context: &Context) -> String {
    let globs = context.paths.iter().map(|path| code(path));
    let decorators = context
        .decorators
        .iter()
        .map(|name| code(&format!("@{name}")));
    let bases = context
        .bases
        .iter()
        .map(|name| format!("heirs of {}", code(name)));
    let parameters = context.parameters.iter();
    let parameters = parameters.map(|name| format!("functions that take {}", code(name)));
    let places = globs.chain(decorators).chain(bases).chain(parameters);
    let places: Vec<String> = places.collect();
    let name = prose(&context.name);
    if places.is_empty() {
        name
    } else {
        format!("{name}: {}", places.join(", "))
    }
}

fn runs_for(kind: ContextKind) -> &'static str {
    match kind {
        ContextKind::User => "a user",
        ContextKind::System => "the system",
        ContextKind::Script => "whoever starts it, by hand",
        ContextKind::Standard => "everybody: the standard itself",
        ContextKind::Test => "tests",
        ContextKind::Root => "everybody: it puts the program together",
        ContextKind::Unknown => "nobody knows whom",
    }
}

/// What code of this kind writes for user data and for other data.
fn forms(standard: &Standard, kind: ContextKind) -> [String; 2] {
    let missing = "the project has no form for it";
    let rls = standard
        .rls
        .as_deref()
        .map_or_else(|| missing.to_owned(), code);
    let scope = standard.scope.as_deref().map(code);
    let plain = match (standard.helpers.is_empty(), scope) {
        (true, None) => missing.to_owned(),
        (true, Some(scope)) => scope,
        (false, None) => "the helpers".to_owned(),
        (false, Some(scope)) => format!("the helpers; {scope} where statements share a connection"),
    };
    match kind {
        ContextKind::User => [rls, plain],
        ContextKind::System => [
            format!("{rls} where there is a user; without one it is listed as a gap"),
            plain,
        ],
        ContextKind::Script | ContextKind::Test | ContextKind::Root => {
            let own = "a connection of its own is fine".to_owned();
            [own.clone(), own]
        }
        ContextKind::Standard | ContextKind::Unknown => ["–".to_owned(), "–".to_owned()],
    }
}

/// The helpers, by what they stand for.
fn helpers(standard: &Standard, out: &mut String) {
    if standard.helpers.is_empty() {
        return;
    }
    let mut table = Table::new(&[
        ("Method of a connection", Align::Left),
        ("Helper", Align::Left),
    ]);
    for (method, name) in &standard.helpers {
        table.row(&[code(&format!(".{method}()")), code(name)]);
    }
    paragraph(out, "The helpers, each on a connection of its own:");
    out.push_str(&table.finish());
}

/// The standard forms, each with code to begin with.
fn scenarios(source: Source<'_>, out: &mut String) {
    let names = Names::of(source);
    let shown: Vec<(&Recipe, Vec<&Example>)> = source
        .recipes
        .iter()
        .map(|recipe| {
            (
                *recipe,
                examples(recipe, &names, 1, |expect| *expect == Expectation::Standard),
            )
        })
        .filter(|(_, examples)| !examples.is_empty())
        .collect();
    if shown.is_empty() {
        return;
    }
    heading(out, 2, "What to write");
    for (recipe, examples) in shown {
        heading(out, 3, &prose(&recipe.title));
        paragraph(out, &prose(&recipe.why));
        for example in examples {
            paragraph(
                out,
                &format!(
                    "For instance, {} ({}):",
                    prose(&example.title),
                    code(&example.path)
                ),
            );
            fenced(out, &recipe.language, &names.in_text(&example.before));
        }
    }
}

/// What is not to be written, and what instead.
fn noncompliant(source: Source<'_>, out: &mut String) {
    let names = Names::of(source);
    heading(out, 2, "What not to write");
    for recipe in source.recipes {
        if recipe.pattern.standard_form().is_some() {
            continue;
        }
        heading(out, 3, &prose(&recipe.title));
        paragraph(out, &prose(&recipe.why));
        let rewritten = |expect: &Expectation| {
            matches!(
                expect,
                Expectation::After {
                    unsafe_because: None,
                    ..
                }
            )
        };
        for example in examples(recipe, &names, REWRITES, rewritten) {
            let Expectation::After { text, .. } = &example.expect else {
                continue;
            };
            paragraph(out, &format!("Not ({}):", prose(&example.title)));
            fenced(out, &recipe.language, &names.in_text(&example.before));
            paragraph(out, "but:");
            fenced(out, &recipe.language, &names.in_text(text));
        }
        let stays: Vec<String> = recipe
            .rows
            .iter()
            .filter(|row| row.outcome == Outcome::Keep)
            .map(|row| {
                let because = row.because.as_deref().unwrap_or("a rule of the recipe");
                format!("{} ({})", prose(&condition(&row.condition)), prose(because))
            })
            .collect();
        if !stays.is_empty() {
            paragraph(out, &format!("It may stay: {}.", stays.join("; ")));
        }
    }
}

fn checklist(source: Source<'_>, out: &mut String) {
    heading(out, 2, "What a review asks");
    for check in &source.migration.checklist {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "- [ ] {}", prose(&check.title));
    }
    out.push('\n');
    paragraph(
        out,
        "`connmod verify` answers these from the code. A place that has to stay as it is says so in a comment: \
         `connmod: allow(<recipe>): <reason>`.",
    );
}

/// The first `most` examples of a recipe that expect this and that the project's names can be put into.
fn examples<'r>(
    recipe: &'r Recipe,
    names: &Names<'_>,
    most: usize,
    wanted: impl Fn(&Expectation) -> bool,
) -> Vec<&'r Example> {
    let texts = |example: &Example| {
        let after = match &example.expect {
            Expectation::After { text, .. } => text.clone(),
            _ => String::new(),
        };
        format!("{}\n{after}", example.before)
    };
    recipe
        .examples
        .iter()
        .filter(|example| wanted(&example.expect) && names.fit(&texts(example)))
        .take(most)
        .collect()
}

/// The names of the standard that examples use, and what the project calls them; `None` for what it does not have.
struct Names<'a> {
    by_example: BTreeMap<&'a str, Option<&'a str>>,
}

impl<'a> Names<'a> {
    fn of(source: Source<'a>) -> Self {
        let (theirs, own) = (
            &source.migration.example_settings.standard,
            &source.config.standard,
        );
        let mut by_example: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for key in Standard::KEYS {
            if let Some(name) = theirs.get(key) {
                by_example.insert(name, own.get(key));
            }
        }
        for (method, name) in &theirs.helpers {
            by_example.insert(name, own.helpers.get(method).map(String::as_str));
        }
        Self { by_example }
    }

    /// Whether the project has everything that `text` names, and each name stands there by itself: what is reached through the module
    /// (`db.execute_query`) would need the project's way to import it.
    fn fit(&self, text: &str) -> bool {
        words(text).all(|(_, word)| match self.by_example.get(word) {
            Some(own) => own.is_some(),
            None => !self.by_example.keys().any(|name| {
                let package = name.strip_prefix(word);
                let member = word.rsplit('.').next() == Some(*name);
                package.is_some_and(|rest| rest.starts_with('.')) || member
            }),
        })
    }

    /// `text` with the names of the project.
    fn in_text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (at, word) in words(text) {
            if let Some(Some(own)) = self.by_example.get(word) {
                out.push_str(&text[done..at]);
                out.push_str(own);
                done = at + word.len();
            }
        }
        out.push_str(&text[done..]);
        out
    }
}

/// Names in a text, dotted ones whole, with where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(of_name)?;
        let length = text[start..]
            .find(|c| !of_name(c))
            .unwrap_or(text.len() - start);
        rest = start + length;
        Some((start, text[start..rest].trim_end_matches('.')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Library, builtin};

    fn library() -> Library {
        Library::load(builtin()).unwrap_or_else(|errors| panic!("{}", errors[0]))
    }

    fn guide(config: &Config) -> String {
        guide_of("asyncpg", config)
    }

    fn guide_of(name: &str, config: &Config) -> String {
        let library = library();
        let migration = &library.migrations[name];
        let of_migration = |recipe: &&Recipe| recipe.id.starts_with(&format!("{name}/"));
        let recipes: Vec<&Recipe> = library.recipes.iter().filter(of_migration).collect();
        render(Source {
            config,
            migration,
            recipes: &recipes,
        })
    }

    fn settings() -> Config {
        let mut config = library().migrations["asyncpg"].example_settings.clone();
        config.standard.module = Some("shop.database".to_owned());
        config.standard.rls = Some("as_user".to_owned());
        config
            .standard
            .helpers
            .insert("fetch".to_owned(), "all_rows".to_owned());
        config
    }

    #[test]
    fn the_guide_speaks_with_the_names_of_the_project() {
        let text = guide(&settings());
        insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("report-guide", text);
        });
        for name in [
            "app.db.connection",
            "get_db_connection_with_rls",
            "execute_query(",
        ] {
            assert!(!text.contains(name), "{name} is the examples' name");
        }
    }

    #[test]
    fn the_guide_of_sessions_says_where_they_come_from() {
        let mut config = library().migrations["sqlalchemy"].example_settings.clone();
        config.standard.dependency = Some("session_of_request".to_owned());
        let text = guide_of("sqlalchemy", &config);
        assert!(text.contains("`Depends(session_of_request)`"), "{text}");
        assert!(!text.contains("get_session_dependency"), "{text}");
        assert!(!text.contains("row-level security"), "{text}");
    }

    #[test]
    fn the_guide_of_a_service_says_how_to_borrow() {
        let mut config = library().migrations["connection-service"]
            .example_settings
            .clone();
        config.standard.service = Some("lender".to_owned());
        let text = guide_of("connection-service", &config);
        assert!(
            text.contains("`with lender.connection(purpose=\"…\") as conn:`"),
            "{text}"
        );
        assert!(!text.contains("no form for it"), "{text}");
    }

    #[test]
    fn a_form_that_the_project_lacks_is_not_shown() {
        let mut config = settings();
        config.standard.rls = None;
        let text = guide(&config);
        assert!(text.contains("the project has no form for it"), "{text}");
        assert!(!text.contains("get_db_connection_with_rls"), "{text}");
    }

    #[test]
    fn a_project_without_a_standard_is_told_how_to_get_one() {
        let text = guide(&Config::default());
        assert!(text.contains("init --scaffold"), "{text}");
    }

    #[test]
    fn names_are_whole_words() {
        let found: Vec<&str> = words("from a.b import c_1, d.\n(e.f)")
            .map(|(_, word)| word)
            .collect();
        assert_eq!(found, ["from", "a.b", "import", "c_1", "d", "e.f"]);
    }
}
