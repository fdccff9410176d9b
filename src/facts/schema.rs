//! The SQL schema of a project: the files that the settings name, folded in the order in which they would run.
//!
//! Python files count for the SQL that they execute on the way up (Alembic's `op.execute`); what a downgrade does is not the schema.

use std::collections::BTreeSet;
use std::slice;
use std::sync::Arc;

use crate::config::{self, Config, FILE_NAME, SchemaConfig};
use crate::facts::tables::parse_name;
use crate::finding::RlsTable;
use crate::language::expression::{Argument, Expression};
use crate::language::{self, Code, Language, Model, ScopeId, ScopeKind};
use crate::source::{SourceFile, Span};
use crate::sql::schema::{Location, Schema, Table};
use crate::sql::{Command, Part, SqlText};

/// What runs SQL in a migration, by the last part of its name.
const EXECUTES: &[&str] = &["execute", "executescript", "exec_driver_sql"];

/// What SQL is wrapped in on its way there: `op.execute(sa.text("…"))`.
const WRAPPERS: &[&str] = &["text", "DDL", "SQL"];

/// The beginnings of the names of functions that take a migration back.
const BACKWARDS: &[&str] = &["downgrade", "down", "rollback", "revert", "undo"];

/// The schema that the files named by `config` define: glob by glob, each in the order of its paths.
pub fn schema(config: &Config, files: &[SourceFile]) -> Schema {
    let mut schema = Schema::default();
    for file in in_order(&config.schema, files) {
        fold(&mut schema, file);
    }
    let has_file = |pattern: &String| {
        let globs = config::globs(slice::from_ref(pattern));
        files.iter().any(|file| globs.is_match(file.path()))
    };
    if !config.schema.files.iter().all(has_file) {
        schema.note_gap();
    }
    schema
}

/// The files that `settings` name, each once.
fn in_order<'f>(settings: &SchemaConfig, files: &'f [SourceFile]) -> Vec<&'f SourceFile> {
    let mut seen = BTreeSet::new();
    let mut ordered = Vec::new();
    for pattern in &settings.files {
        let globs = config::globs(slice::from_ref(pattern));
        let fits = |file: &&SourceFile| globs.is_match(file.path());
        let mut matching: Vec<&SourceFile> = files.iter().filter(fits).collect();
        matching.sort_unstable_by_key(|file| file.path());
        ordered.extend(matching.into_iter().filter(|file| seen.insert(file.path())));
    }
    ordered
}

/// Folds one file in.
pub(crate) fn fold(schema: &mut Schema, file: &SourceFile) {
    match language::for_path(file.path()) {
        None => schema.apply_file(file.path(), file.text()),
        Some(language) => fold_code(schema, file, language),
    }
}

fn fold_code(schema: &mut Schema, file: &SourceFile, language: &dyn Language) {
    let Ok(parsed) = language::parse(language, file.text()) else {
        return;
    };
    let model = language.model(file.text(), &parsed.tree);
    let outline = language.outline(file.text(), &parsed.tree, &model);
    let code = Code {
        source: file.text(),
        tree: Arc::new(parsed.tree),
        model: &model,
    };
    for call in &outline.calls {
        if !EXECUTES.contains(&call.name.as_str()) || goes_backwards(&model, call.scope) {
            continue;
        }
        let Some(query) = query_of(language, &code, call.span) else {
            continue;
        };
        let regions = regions(&code, query);
        for text in language.texts(code.clone(), query) {
            let places = places(&text, code.source, &regions);
            schema.apply_text(&text, |offset| Location {
                file: file.path().to_owned(),
                line: file.line_of(place_of(&places, offset).unwrap_or(query.start)),
            });
        }
    }
}

/// Whether the code in `scope` takes a migration back.
fn goes_backwards(model: &Model, scope: ScopeId) -> bool {
    model.ancestors(scope).any(|id| {
        let scope = model.scope(id);
        scope.kind == ScopeKind::Function
            && BACKWARDS
                .iter()
                .any(|word| scope.name.trim_start_matches('_').starts_with(word))
    })
}

/// The expression that gives the SQL of the call at `call`.
fn query_of(language: &dyn Language, code: &Code<'_>, call: Span) -> Option<Span> {
    let first = |span| match language.expression(code.source, &code.tree, span) {
        Expression::Call { callee, arguments } => match arguments.first()? {
            Argument::Positional(value) => Some((callee, *value)),
            _ => None,
        },
        _ => None,
    };
    let (_, query) = first(call)?;
    Some(match first(query) {
        Some((callee, inner)) if WRAPPERS.contains(&last_part(code.text(callee))) => inner,
        _ => query,
    })
}

fn last_part(dotted: &str) -> &str {
    dotted.rsplit('.').next().unwrap_or(dotted)
}

/// Where the text of the expression at `query` may be written: there, and in what its names are bound to.
fn regions(code: &Code<'_>, query: Span) -> Vec<Span> {
    let mut regions = vec![query];
    let names = code
        .model
        .references
        .iter()
        .filter(|reference| query.contains(reference.span));
    for reference in names {
        let Some(owner) = reference.target else {
            continue;
        };
        let values = code.model.bindings_of(owner, &reference.name);
        regions.extend(values.filter_map(|binding| binding.value));
    }
    regions
}

/// Where a known part of a text stands in the source.
struct Place {
    /// The offset behind it in the known parts alone.
    behind: usize,
    /// Where it begins in the source; `None` where the source spells it in another way, by escapes.
    start: Option<usize>,
}

/// The places of the known parts of `text`, in order.
fn places(text: &SqlText, source: &str, regions: &[Span]) -> Vec<Place> {
    let mut behind = 0;
    let mut places = Vec::new();
    for part in &text.parts {
        let Part::Literal(part) = part else { continue };
        behind += part.len();
        let start = regions.iter().find_map(|region| {
            let at = region.text(source).find(part.as_str())?;
            Some(region.start + at)
        });
        places.push(Place { behind, start });
    }
    places
}

/// Where the byte at `offset` of the known parts stands in the source, as far as that is known.
fn place_of(places: &[Place], offset: usize) -> Option<usize> {
    let index = places.partition_point(|place| place.behind <= offset);
    let index = index.min(places.len().checked_sub(1)?);
    let begins = index
        .checked_sub(1)
        .map_or(0, |before| places[before].behind);
    let place = &places[index];
    Some(place.start? + offset.min(place.behind) - begins)
}

/// The tables that hold data of single users, each with what makes it so; `settings` have the last word.
pub fn register(schema: &Schema, settings: &SchemaConfig) -> Vec<RlsTable> {
    let mut tables: Vec<RlsTable> = schema
        .rls_tables()
        .map(|table| RlsTable {
            table: table.name.to_string(),
            sources: sources(table),
            user_data: is_user_data(table),
        })
        .collect();
    let mut overrule = |names: &[String], key: &str, user_data: bool| {
        for name in names {
            let wanted = parse_name(name);
            let source = (FILE_NAME.to_owned(), 1, format!("listed in schema.{key}"));
            let known = tables
                .iter_mut()
                .find(|table| parse_name(&table.table).matches(&wanted));
            match known {
                Some(table) => {
                    table.user_data = user_data;
                    table.sources.push(source);
                }
                None if user_data => tables.push(RlsTable {
                    table: wanted.to_string(),
                    sources: vec![source],
                    user_data,
                }),
                None => {}
            }
        }
    };
    overrule(&settings.user_tables, "user_tables", true);
    overrule(&settings.system_tables, "system_tables", false);
    tables.sort();
    tables
}

fn is_user_data(table: &Table) -> bool {
    let commands = [
        Command::Select,
        Command::Insert,
        Command::Update,
        Command::Delete,
    ];
    commands
        .into_iter()
        .any(|command| table.is_user_data(command))
}

fn sources(table: &Table) -> Vec<(String, usize, String)> {
    let source = |at: &Location, what: String| (at.file.clone(), at.line, what);
    let enabled = table
        .security
        .iter()
        .map(|at| source(at, "enables row-level security".to_owned()));
    let forced = table
        .forced
        .iter()
        .map(|at| source(at, "forces it on the owner".to_owned()));
    let policies = table
        .policies
        .iter()
        .map(|policy| source(&policy.at, format!("policy {}", policy.name)));
    enabled.chain(forced).chain(policies).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(globs: &[&str]) -> Config {
        let files = globs.iter().map(|glob| (*glob).to_owned()).collect();
        Config {
            schema: SchemaConfig {
                files,
                ..SchemaConfig::default()
            },
            ..Config::default()
        }
    }

    fn folded(globs: &[&str], files: &[(&str, &str)]) -> Schema {
        let files: Vec<SourceFile> = files
            .iter()
            .map(|(path, text)| SourceFile::new(*path, *text))
            .collect();
        schema(&config(globs), &files)
    }

    #[test]
    fn a_table_may_be_defined_by_files_that_are_not_there() {
        let files = [("a/1.sql", "CREATE TABLE here (id int);")];
        let name = |name: &str| crate::facts::tables::parse_name(name);
        let whole = folded(&["a/*.sql"], &files);
        assert!(!whole.may_lack(&name("elsewhere")));
        let part = folded(&["a/*.sql", "b/*.sql"], &files);
        assert!(part.may_lack(&name("elsewhere")));
        assert!(!part.may_lack(&name("here")));
    }

    fn secured(schema: &Schema) -> Vec<String> {
        let places = schema.rls_tables().map(|table| {
            let at = table.security.as_ref().map(ToString::to_string);
            format!("{} {}", table.name, at.unwrap_or_default())
        });
        places.collect()
    }

    #[test]
    fn files_are_read_glob_by_glob_and_then_by_path() {
        let files = [
            ("b/1.sql", "ALTER TABLE t DISABLE ROW LEVEL SECURITY;"),
            (
                "a/1.sql",
                "CREATE TABLE t (id int);\nALTER TABLE t ENABLE ROW LEVEL SECURITY;",
            ),
            ("c.sql", "ALTER TABLE u ENABLE ROW LEVEL SECURITY;"),
        ];
        assert_eq!(
            secured(&folded(&["b/*.sql", "a/*.sql"], &files)),
            ["t a/1.sql:2"]
        );
        assert!(secured(&folded(&["a/*.sql", "b/*.sql"], &files)).is_empty());
        // A file that two globs name is read once, where the first one has it.
        assert_eq!(
            secured(&folded(&["b/*.sql", "**/*.sql", "b/*.sql"], &files)),
            ["t a/1.sql:2", "u c.sql:1"]
        );
        assert!(secured(&folded(&[], &files)).is_empty());
    }

    #[test]
    fn sql_in_python_counts_where_it_is_executed_on_the_way_up() {
        let migration = r#"
import sqlalchemy as sa
from alembic import op

POLICY = """
ALTER TABLE goals ENABLE ROW LEVEL SECURITY;
"""
UNUSED = "ALTER TABLE unused ENABLE ROW LEVEL SECURITY"


def upgrade():
    op.execute(POLICY)
    op.execute(sa.text("ALTER TABLE notes ENABLE ROW LEVEL SECURITY"))
    op.get_bind().execute(
        "CREATE TABLE a (id int);"
        "ALTER TABLE a ENABLE ROW LEVEL SECURITY"
    )


def downgrade():
    op.execute("ALTER TABLE goals DISABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE other ENABLE ROW LEVEL SECURITY")
"#;
        let schema = folded(&["versions/*.py"], &[("versions/1.py", migration)]);
        let found = secured(&schema);
        assert_eq!(
            found[1..],
            ["goals versions/1.py:6", "notes versions/1.py:13"]
        );
        assert!(found[0].starts_with("a versions/1.py:1"), "{found:?}");
    }

    #[test]
    fn code_that_does_not_parse_says_nothing() {
        let deep = format!("x = {}1{}\n", "(".repeat(9_000), ")".repeat(9_000));
        for text in [
            "def (",
            "\0",
            &deep,
            "op.execute(",
            "op.execute()",
            "execute(*x)",
        ] {
            let files = [("versions/1.py", text)];
            assert!(secured(&folded(&["versions/*.py"], &files)).is_empty());
        }
    }

    #[test]
    fn the_register_says_where_security_comes_from_and_settings_overrule_it() {
        let files = [(
            "1.sql",
            "CREATE TABLE lots (id int);\nALTER TABLE lots ENABLE ROW LEVEL SECURITY;\nCREATE POLICY own ON lots USING (true);",
        )];
        let schema = folded(&["*.sql"], &files);
        let mut settings = SchemaConfig::default();
        let tables = register(&schema, &settings);
        assert_eq!(tables.len(), 1);
        assert!(!tables[0].user_data);
        assert_eq!(
            tables[0].sources,
            [
                (
                    "1.sql".to_owned(),
                    2,
                    "enables row-level security".to_owned()
                ),
                ("1.sql".to_owned(), 3, "policy own".to_owned())
            ]
        );
        settings.user_tables = vec!["public.lots".into(), "notes".into()];
        settings.system_tables = vec!["unheard_of".into()];
        let names: Vec<(String, bool)> = register(&schema, &settings)
            .into_iter()
            .map(|table| (table.table, table.user_data))
            .collect();
        assert_eq!(
            names,
            [("lots".to_owned(), true), ("notes".to_owned(), true)]
        );
    }
}
