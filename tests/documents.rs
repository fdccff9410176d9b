//! Holds the documents to the program: what they show as output is output, and what they show as a file can be used.

use std::fs;
use std::path::Path;
use std::process::Command;

use connmod::config::Config;
use connmod::recipe::{Expectation, Library, builtin};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("the document is there")
}

/// What the program prints on standard output when it is run in `folder`.
fn output(folder: &Path, line: &[&str]) -> String {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
        .args(line)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line:?}: {errors}");
    String::from_utf8(output.stdout).expect("the output is text")
}

/// The texts of the fenced blocks of this kind.
fn blocks(document: &str, kind: &str) -> Vec<String> {
    let fence = format!("```{kind}\n");
    let starts = document
        .match_indices(&fence)
        .map(|(at, _)| at + fence.len());
    starts
        .map(|start| {
            let rest = &document[start..];
            let end = rest.find("```").expect("the block is closed");
            rest[..end].to_owned()
        })
        .collect()
}

#[test]
fn the_hunks_are_what_the_first_command_shows() {
    let diff = output(root(), &["diff", "tests/fixtures/ledger"]);
    let hunks = blocks(&document("README.md"), "diff");
    let of_sample = hunks.iter().filter(|hunk| hunk.starts_with("@@"));
    assert!(of_sample.clone().count() >= 2, "README.md shows no diff");
    for hunk in of_sample {
        assert!(diff.contains(hunk), "not in the diff:\n{hunk}");
    }
}

/// The changes that stand for a migration are those of an example of its recipes, which are tests as well.
#[test]
fn the_changes_are_those_of_examples() {
    let library = Library::load(builtin()).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let examples: Vec<(&str, &str)> = library
        .recipes
        .iter()
        .flat_map(|recipe| &recipe.examples)
        .filter_map(|example| match &example.expect {
            Expectation::After { text, .. } => Some((example.before.as_str(), text.as_str())),
            _ => None,
        })
        .collect();
    let hunks = blocks(&document("README.md"), "diff");
    let changes: Vec<&String> = hunks
        .iter()
        .filter(|hunk| !hunk.starts_with("@@"))
        .collect();
    assert!(!changes.is_empty(), "README.md shows no change");
    for change in changes {
        let lines = |sign: char| {
            let of_side = change.lines().filter(move |line| line.starts_with(sign));
            of_side.map(|line| line[1..].trim())
        };
        let has = |text: &str, line: &str| text.lines().any(|own| own.trim() == line);
        let shown = examples.iter().any(|(before, after)| {
            lines('-').all(|line| has(before, line)) && lines('+').all(|line| has(after, line))
        });
        assert!(shown, "no example has this change:\n{change}");
    }
}

#[test]
fn the_sessions_are_what_the_program_answers() {
    let sessions = blocks(&document("README.md"), "console");
    assert!(!sessions.is_empty(), "README.md shows no session");
    for session in sessions {
        let (line, answer) = session.split_once('\n').expect("a command and its answer");
        let words: Vec<&str> = line
            .strip_prefix("$ connmod ")
            .expect("a command of the program")
            .split(' ')
            .collect();
        assert_eq!(
            output(&root().join("tests/fixtures/ledger"), &words),
            answer
        );
    }
}

#[test]
fn the_settings_can_be_used() {
    let settings = blocks(&document("README.md"), "yaml");
    let (whole, parts): (Vec<&String>, Vec<&String>) = settings
        .iter()
        .partition(|settings| settings.starts_with("version:"));
    assert_eq!(whole.len(), 1, "README.md shows one file of settings");
    assert!(
        !parts.is_empty(),
        "README.md shows the keys of each migration"
    );
    for part in parts {
        let text = format!("version: 1\n{part}");
        Config::parse("README.md", &text).unwrap_or_else(|error| panic!("{error}\n{part}"));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("connmod.yaml");
    fs::write(&file, whole[0]).expect("a new file");
    let file = file.to_str().expect("the path is text");
    output(root(), &["scan", "--config", file, "tests/fixtures/ledger"]);
}

#[test]
fn the_architecture_shows_the_layers_that_are_held() {
    let source = document("tests/layers.rs");
    let (_, rest) = source
        .split_once("const LAYERS:")
        .expect("the table is there");
    let (_, rest) = rest.split_once("= &[").expect("the table has a value");
    let (table, _) = rest.split_once("];").expect("the table ends");
    // The first word of each row is the module; the brackets hold what it may name.
    let rows: Vec<String> = table
        .split("&[")
        .collect::<Vec<_>>()
        .windows(2)
        .map(|pair| {
            let module = quoted(pair[0]).last().cloned().expect("a row has a name");
            let (named, _) = pair[1].split_once(']').expect("a row ends");
            let named: Vec<String> = quoted(named)
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            let named = if named.is_empty() {
                "nothing".to_owned()
            } else {
                named.join(", ")
            };
            format!("| `{module}` | {named} |")
        })
        .collect();
    let architecture = document("ARCHITECTURE.md");
    assert!(rows.len() > 10, "the table was not read");
    assert!(
        architecture.contains(&rows.join("\n")),
        "the table of ARCHITECTURE.md should read:\n{}",
        rows.join("\n")
    );
}

/// The texts between double quotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
