//! `connmod.yaml` as `init` writes it: for people to read and change.

use std::fmt::Write;

use crate::config::{Config, Context, SchemaConfig, Standard};
use crate::report::escape::visible;

/// The settings as YAML, under what was found out about each of them.
pub fn render(config: &Config, learnt: &[String]) -> String {
    let mut out = String::from(
        "# What differs from project to project, for connmod. `connmod scan -v` says how it is used.\n",
    );
    if !learnt.is_empty() {
        out.push_str("#\n# Learnt by `connmod init`:\n");
        for line in learnt {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "# - {}", visible(line));
        }
    }
    let _ = writeln!(out, "\nversion: {}", config.version);
    list(&mut out, 0, "migrations", &config.migrations);
    standard(&config.standard, &mut out);
    contexts(&config.contexts, &mut out);
    section(
        &mut out,
        "Expressions that name the user on whose behalf the code runs, best first.",
    );
    list(&mut out, 0, "identity", &config.identity);
    schema(&config.schema, &mut out);
    section(&mut out, "Globs of files that are never looked at.");
    list(&mut out, 0, "exclude", &config.exclude);
    out
}

fn section(out: &mut String, comment: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\n# {comment}");
}

fn standard(standard: &Standard, out: &mut String) {
    section(
        out,
        "The module that everything else should reach the database through; a name that is missing is a form it does not have.",
    );
    let fields = [
        ("module", &standard.module),
        ("file", &standard.file),
        ("pool", &standard.pool),
        ("scope", &standard.scope),
        ("rls", &standard.rls),
    ];
    if fields.iter().all(|(_, value)| value.is_none()) && standard.helpers.is_empty() {
        out.push_str("standard: {}\n");
        return;
    }
    out.push_str("standard:\n");
    for (key, value) in fields {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  {key}: {}", scalar(value));
        }
    }
    if !standard.helpers.is_empty() {
        out.push_str("  helpers:\n");
        for (method, helper) in &standard.helpers {
            let _ = writeln!(out, "    {}: {}", scalar(method), scalar(helper));
        }
    }
}

fn contexts(contexts: &[Context], out: &mut String) {
    section(
        out,
        "On whose behalf each part runs (user, system, script, standard, test), in the order in which to migrate them.",
    );
    if contexts.is_empty() {
        out.push_str("contexts: []\n");
        return;
    }
    out.push_str("contexts:\n");
    for context in contexts {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  - name: {}", scalar(&context.name));
        let _ = writeln!(out, "    kind: {}", context.kind.as_str());
        for (key, values) in [
            ("paths", &context.paths),
            ("decorators", &context.decorators),
            ("bases", &context.bases),
        ] {
            if !values.is_empty() {
                list(out, 4, key, values);
            }
        }
    }
}

fn schema(schema: &SchemaConfig, out: &mut String) {
    section(
        out,
        "Where the SQL schema is: globs, read in this order. Tables it is wrong about go to user_tables or system_tables.",
    );
    out.push_str("schema:\n");
    list(out, 2, "files", &schema.files);
    for (key, tables) in [
        ("user_tables", &schema.user_tables),
        ("system_tables", &schema.system_tables),
    ] {
        if !tables.is_empty() {
            list(out, 2, key, tables);
        }
    }
}

fn list(out: &mut String, indent: usize, key: &str, values: &[String]) {
    let space = " ".repeat(indent);
    if values.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{space}{key}: []");
        return;
    }
    let _ = writeln!(out, "{space}{key}:");
    for value in values {
        let _ = writeln!(out, "{space}  - {}", scalar(value));
    }
}

/// A string as YAML reads it back: plain where that can be nothing else, else in double quotes.
fn scalar(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._/-".contains(character);
    let starts_like_a_name = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let means_something = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .contains(&text.to_ascii_lowercase().as_str());
    if starts_like_a_name && text.chars().all(plain) && !means_something {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            _ if visible(character.encode_utf8(&mut [0; 4])).len() != character.len_utf8() => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::ContextKind;

    fn full() -> Config {
        Config {
            standard: Standard {
                module: Some("app.db.connection".into()),
                file: Some("app/db/connection.py".into()),
                pool: Some("get_db_pool".into()),
                helpers: BTreeMap::from([("fetch".into(), "execute_query".into())]),
                scope: Some("get_db_connection".into()),
                rls: None,
            },
            contexts: vec![Context {
                name: "routes: v2".into(),
                kind: ContextKind::User,
                paths: vec!["app/api/**/*.py".into()],
                decorators: vec!["router.*".into()],
                bases: vec!["BaseAgent".into()],
            }],
            identity: vec!["ctx.user_id".into(), "user[\"id\"]".into()],
            schema: SchemaConfig {
                files: vec!["db/*.sql".into(), "true".into()],
                user_tables: vec!["naïve\u{7}\u{2028}".into()],
                system_tables: vec!["no".into()],
            },
            exclude: vec!["*".into()],
            ..Config::default()
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for config in [Config::default(), full()] {
            let text = render(&config, &["identity: found in app/x.py:3\nx: y".into()]);
            assert_eq!(Config::parse(&text), Ok(config), "{text}");
        }
    }

    #[test]
    fn the_file() {
        insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("report-settings", render(&full(), &["identity: found".into()]));
        });
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_back(name in "\\S.{0,12}", identity in ".*") {
            let mut config = full();
            config.contexts[0].name = name;
            config.identity = vec![identity];
            proptest::prop_assert_eq!(Config::parse(&render(&config, &[])), Ok(config));
        }
    }
}
