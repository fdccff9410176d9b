//! `connmod.yaml` as `init` writes it: for people to read and change, with a word beside each setting on how it is known.

use std::fmt::Write as _;

use crate::config::{Config, Standard};
use crate::learn::{Learnt, Note};

/// The settings as YAML, each under how it is known. [`Config::parse`] reads the same settings back.
pub fn to_yaml(learnt: &Learnt) -> String {
    let Config {
        version,
        migrations,
        standard,
        standards,
        contexts,
        identity,
        schema,
        purpose,
        engine_rules,
        stage,
        flag,
        exclude,
    } = &learnt.config;
    let mut page = Page {
        notes: &learnt.notes,
        out: String::new(),
    };
    page.line(0, "# What differs from project to project, for connmod. Written by `connmod init`; change what it guessed wrong.");
    page.line(0, &format!("version: {version}"));
    page.list(0, "migrations", migrations, "migrations");

    page.section("The module that everything else should reach the database through; a name that is missing is a form it does not have.");
    page.standard(0, "standard", "standard", standard);
    if !standards.is_empty() {
        page.section("The same for the further migrations.");
        page.line(0, "standards:");
        for (migration, standard) in standards {
            page.standard(2, migration, &format!("standards.{migration}"), standard);
        }
    }

    page.section("On whose behalf each part runs (user, system, script, standard, test, root), in the order in which to migrate them.");
    page.remarks(0, "contexts", &[]);
    page.line(
        0,
        if contexts.is_empty() {
            "contexts: []"
        } else {
            "contexts:"
        },
    );
    for context in contexts {
        let setting = format!("contexts.{}", context.name);
        page.line(2, &format!("- name: {}", scalar(&context.name)));
        page.line(4, &format!("kind: {}", context.kind.as_str()));
        for (key, values) in [
            ("paths", &context.paths),
            ("decorators", &context.decorators),
            ("bases", &context.bases),
            ("parameters", &context.parameters),
        ] {
            if !values.is_empty() {
                page.list(4, key, values, &setting);
            }
        }
    }

    page.section("Expressions that name the user on whose behalf the code runs, best first.");
    page.remarks(0, "identity", identity);
    page.list(0, "identity", identity, "identity");

    page.section("Where the SQL schema is: globs, read in this order. Tables it is wrong about go to user_tables or system_tables.");
    page.remarks(0, "schema.files", &schema.files);
    page.line(0, "schema:");
    page.list(2, "files", &schema.files, "schema.files");
    for (key, tables) in [
        ("user_tables", &schema.user_tables),
        ("system_tables", &schema.system_tables),
    ] {
        if !tables.is_empty() {
            page.list(2, key, tables, &format!("schema.{key}"));
        }
    }

    if let Some(purpose) = purpose {
        page.section("What a connection of the service is said to be for; {context}, {function} and {module} stand for those of the place.");
        page.line(0, &format!("purpose: {}", scalar(purpose)));
    }

    if !engine_rules.is_empty() {
        page.section(
            "What every engine has to keep: statement-cache-off, project-user, pooler-host, ssl.",
        );
        let rules: Vec<String> = engine_rules
            .iter()
            .map(|rule| rule.as_str().to_owned())
            .collect();
        page.list(0, "engine_rules", &rules, "engine_rules");
    }
    if let Some(stage) = stage {
        page.section("How far the move to the service is: dual, cutover, cleanup; without a stage it is made at once.");
        page.line(0, &format!("stage: {}", stage.as_str()));
    }
    if let Some(flag) = flag {
        page.section("The flag that decides in the stage `dual`.");
        page.line(0, &format!("flag: {}", scalar(flag)));
    }

    page.section("Globs of files that are never looked at.");
    page.list(0, "exclude", exclude, "exclude");
    page.out
}

/// The text as far as it is written.
struct Page<'n> {
    notes: &'n [Note],
    out: String,
}

impl Page<'_> {
    fn line(&mut self, indent: usize, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{:indent$}{text}", "");
    }

    fn section(&mut self, comment: &str) {
        self.out.push('\n');
        self.line(0, &format!("# {comment}"));
    }

    /// A standard module under `key`; `setting` is how notes call it.
    fn standard(&mut self, indent: usize, key: &str, setting: &str, standard: &Standard) {
        self.remarks(indent, setting, &[]);
        let names = [
            ("module", &standard.module),
            ("file", &standard.file),
            ("pool", &standard.pool),
            ("factory", &standard.factory),
            ("system", &standard.system),
            ("scope", &standard.scope),
            ("begin", &standard.begin),
            ("rls", &standard.rls),
            ("dependency", &standard.dependency),
            ("service", &standard.service),
        ];
        let is_empty = names.iter().all(|(_, value)| value.is_none())
            && standard.helpers.is_empty()
            && standard.replaces.is_empty();
        let nothing = if is_empty { " {}" } else { "" };
        self.line(indent, &format!("{}:{nothing}", scalar(key)));
        for (key, value) in names {
            self.entry(
                indent + 2,
                key,
                value.as_deref(),
                &format!("{setting}.{key}"),
            );
        }
        if !standard.replaces.is_empty() {
            let setting = format!("{setting}.replaces");
            self.list(indent + 2, "replaces", &standard.replaces, &setting);
        }
        if standard.helpers.is_empty() {
            return;
        }
        let comment =
            "# Connection method: the helper that does the same on a connection of its own.";
        self.line(indent + 2, comment);
        self.line(indent + 2, "helpers:");
        for (method, helper) in &standard.helpers {
            let setting = format!("{setting}.helpers.{method}");
            self.entry(indent + 4, method, Some(helper), &setting);
        }
    }

    fn notes_on<'s>(&self, setting: &'s str) -> impl Iterator<Item = &Note> + use<'_, 's> {
        self.notes
            .iter()
            .filter(move |note| note.setting == setting)
    }

    /// The notes on a setting that are on none of its values.
    fn remarks(&mut self, indent: usize, setting: &str, values: &[String]) {
        let remarks: Vec<String> = self
            .notes_on(setting)
            .filter(|note| !values.contains(&note.text))
            .map(|note| visible(&format!("# {} ({})", note.text, note.how)))
            .collect();
        for remark in remarks {
            self.line(indent, &remark);
        }
    }

    /// The note on one value, as it stands behind it.
    fn note(&self, setting: &str, value: &str) -> String {
        let mut notes = self.notes_on(setting);
        notes
            .find(|note| note.text == value)
            .map_or_else(String::new, |note| visible(&format!("  # {}", note.how)))
    }

    fn entry(&mut self, indent: usize, key: &str, value: Option<&str>, setting: &str) {
        let own: Vec<String> = value.iter().map(|value| (*value).to_owned()).collect();
        self.remarks(indent, setting, &own);
        if let Some(value) = value {
            let note = self.note(setting, value);
            self.line(indent, &format!("{}: {}{note}", scalar(key), scalar(value)));
        }
    }

    fn list(&mut self, indent: usize, key: &str, values: &[String], setting: &str) {
        if values.is_empty() {
            return self.line(indent, &format!("{key}: []"));
        }
        self.line(indent, &format!("{key}:"));
        for value in values {
            let note = self.note(setting, value);
            self.line(indent + 2, &format!("- {}{note}", scalar(value)));
        }
    }
}

/// A text without what would end a comment or hide in one.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if is_hidden(c) { ' ' } else { c })
        .collect()
}

/// Whether a character ends a line or is not to be seen.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff0}'..='\u{ffff}')
}

/// A string as YAML reads it back: plain where that can be nothing else, else in quotes.
fn scalar(text: &str) -> String {
    const MEANINGS: &[&str] = &["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "._/-* ".contains(character);
    let starts_like_a_name = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let means_something = MEANINGS.contains(&text.to_ascii_lowercase().as_str());
    let is_name = starts_like_a_name && !text.ends_with(' ') && text.chars().all(is_plain);
    if is_name && !means_something {
        return text.to_owned();
    }
    if text.contains('"') && !text.contains(['\'', '\\']) && !text.chars().any(is_hidden) {
        return format!("'{text}'");
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            hidden if is_hidden(hidden) => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\U{:08x}", u32::from(hidden));
            }
            seen => quoted.push(seen),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::config::{Context, ContextKind, SchemaConfig, Standard};

    fn full() -> Config {
        Config {
            standard: Standard {
                module: Some("app.db.connection".into()),
                file: Some("app/db/connection.py".into()),
                pool: Some("get_db_pool".into()),
                factory: Some("session_factory".into()),
                helpers: BTreeMap::from([("fetch".into(), "execute_query".into())]),
                scope: None,
                rls: Some("rls::begin".into()),
                begin: Some("begin".into()),
                system: Some("system".into()),
                dependency: Some("get_session".into()),
                service: Some("connection_service".into()),
                replaces: vec!["infra".into()],
            },
            contexts: vec![Context {
                name: "api routes".into(),
                kind: ContextKind::User,
                paths: vec!["app/api/**".into(), "**/x.py".into()],
                decorators: vec!["router.*".into()],
                bases: vec!["BaseAgent".into()],
                parameters: vec!["AuthUser".into()],
            }],
            identity: vec!["ctx.user_id".into(), "user[\"id\"]".into()],
            schema: SchemaConfig {
                files: vec!["db/*.sql".into()],
                user_tables: vec!["no".into()],
                system_tables: vec!["naïve\u{7}\u{2028}".into()],
            },
            purpose: Some("{context}: {function}".into()),
            exclude: vec!["*".into()],
            ..Config::default()
        }
    }

    fn learnt(config: Config) -> Learnt {
        let notes = vec![
            Note::found("standard.pool", "get_db_pool", "app/db/connection.py:7"),
            Note::guessed("standard.scope", "none: `x` would do", "why\nnot: #"),
            Note::guessed("contexts.api routes", "app/api/**", "from its name"),
            Note::found("contexts.api routes", "router.*", "app/x.py:3"),
            Note::guessed("contexts", "none for a.py", "nothing tells"),
            Note::found("identity", "user[\"id\"]", "app/x.py:4 and 2 more"),
            Note::found("schema.files", "db/*.sql", "db/1.sql"),
        ];
        Learnt { config, notes }
    }

    #[test]
    fn the_file() {
        insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("learn-yaml", to_yaml(&learnt(full())));
        });
    }

    #[test]
    fn what_is_written_is_read_back() {
        for config in [Config::default(), full()] {
            let text = to_yaml(&learnt(config.clone()));
            assert_eq!(Config::parse("connmod.yaml", &text), Ok(config), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_settings_are_read_back(
            text in any::<String>(),
            word in "[a-z \"'\\\\#:*&!|>%@`{}\\[\\],?-]{0,12}",
            // A name with a control character is refused.
            name in "[^\\s\\p{Cc}][^\\p{Cc}]{0,12}",
            note in any::<String>(),
            // Names that YAML would read as something else.
            plain in prop::sample::select(vec!["no", "yes", "on", "null", "true", "n", "fetch"]),
        ) {
            let mut config = full();
            config.contexts[0].name = name;
            config.contexts[0].decorators = vec![text.clone(), word.clone()];
            config.contexts[0].bases = vec![word, text.clone()];
            config.identity = vec![plain.into(), format!("user['{plain}']")];
            config.standard.pool = Some(plain.into());
            config.standard.helpers = BTreeMap::from([(plain.into(), plain.into())]);
            config.schema.user_tables = vec![text.clone()];
            let mut learnt = learnt(config.clone());
            learnt.notes.push(Note::guessed("identity", text, note.as_str()));
            learnt.notes.push(Note::guessed("standard.pool", note.as_str(), note.as_str()));
            prop_assert_eq!(Config::parse("connmod.yaml", &to_yaml(&learnt)), Ok(config));
        }
    }
}
