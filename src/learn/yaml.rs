//! `connmod.yaml` as `init` writes it: for people to read and change, with a word beside each setting on how it is known.

use std::fmt::Write as _;

use crate::config::Config;
use crate::learn::{Learnt, Note};

/// The settings as YAML, each under how it is known. [`Config::parse`] reads the same settings back.
pub fn to_yaml(learnt: &Learnt) -> String {
    let Config {
        version,
        migrations,
        standard,
        contexts,
        identity,
        schema,
        exclude,
    } = &learnt.config;
    let mut page = Page {
        notes: &learnt.notes,
        out: String::new(),
    };
    page.line(0, "# What differs from project to project, for connmod. Written by `connmod init`; change what it guessed wrong.");
    page.line(0, &format!("version: {version}"));
    page.list(0, "migrations", migrations);

    page.section("The module that everything else should reach the database through; a name that is missing is a form it does not have.");
    page.notes(0, "standard");
    let names = [
        ("module", &standard.module),
        ("file", &standard.file),
        ("pool", &standard.pool),
        ("scope", &standard.scope),
        ("rls", &standard.rls),
    ];
    if names.iter().all(|(_, value)| value.is_none()) && standard.helpers.is_empty() {
        page.line(0, "standard: {}");
    } else {
        page.line(0, "standard:");
    }
    for (key, value) in names {
        page.notes(2, &format!("standard.{key}"));
        if let Some(value) = value {
            page.line(2, &format!("{key}: {}", scalar(value)));
        }
    }
    if !standard.helpers.is_empty() {
        page.line(
            2,
            "# Connection method: the helper that does the same on a connection of its own.",
        );
        page.line(2, "helpers:");
        for (method, helper) in &standard.helpers {
            page.notes(4, &format!("standard.helpers.{method}"));
            page.line(4, &format!("{}: {}", scalar(method), scalar(helper)));
        }
    }

    page.section("On whose behalf each part runs (user, system, script, standard, test), in the order in which to migrate them.");
    page.notes(0, "contexts");
    page.line(
        0,
        if contexts.is_empty() {
            "contexts: []"
        } else {
            "contexts:"
        },
    );
    for context in contexts {
        page.notes(2, &format!("contexts.{}", context.name));
        page.line(2, &format!("- name: {}", scalar(&context.name)));
        page.line(4, &format!("kind: {}", context.kind.as_str()));
        for (key, values) in [
            ("paths", &context.paths),
            ("decorators", &context.decorators),
            ("bases", &context.bases),
        ] {
            if !values.is_empty() {
                page.list(4, key, values);
            }
        }
    }

    page.section("Expressions that name the user on whose behalf the code runs, best first.");
    page.notes(0, "identity");
    page.list(0, "identity", identity);

    page.section("Where the SQL schema is: globs, read in this order. Tables it is wrong about go to user_tables or system_tables.");
    page.notes(0, "schema.files");
    page.line(0, "schema:");
    page.list(2, "files", &schema.files);
    for (key, tables) in [
        ("user_tables", &schema.user_tables),
        ("system_tables", &schema.system_tables),
    ] {
        if !tables.is_empty() {
            page.list(2, key, tables);
        }
    }

    page.section("Globs of files that are never looked at.");
    page.list(0, "exclude", exclude);
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

    /// The remarks on one setting.
    fn notes(&mut self, indent: usize, setting: &str) {
        let notes = self.notes;
        for note in notes.iter().filter(|note| note.setting == setting) {
            let text = visible(&format!("# {} ({})", note.text, note.how));
            self.line(indent, &text);
        }
    }

    fn list(&mut self, indent: usize, key: &str, values: &[String]) {
        if values.is_empty() {
            return self.line(indent, &format!("{key}: []"));
        }
        self.line(indent, &format!("{key}:"));
        for value in values {
            self.line(indent + 2, &format!("- {}", scalar(value)));
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

/// A string as YAML reads it back: plain where that can be nothing else, else in double quotes.
fn scalar(text: &str) -> String {
    const MEANINGS: &[&str] = &["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "._/- ".contains(character);
    let starts_like_a_name = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let means_something = MEANINGS.contains(&text.to_ascii_lowercase().as_str());
    if starts_like_a_name && !text.ends_with(' ') && text.chars().all(is_plain) && !means_something
    {
        return text.to_owned();
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
