//! Holds the direction of imports between the modules of `src`, and what only some of them may do.
//!
//! `ARCHITECTURE.md` shows the same table. The source is read as tokens, so comments and strings do not count; code under
//! `#[cfg(test)]` and files named `tests.rs` may import what they like.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tree_sitter::{Node, Parser};

/// Every module, from the lowest to the highest, and the modules that it may name. A module may only name what stands above it here.
const LAYERS: &[(&str, &[&str])] = &[
    // Who waits.
    ("progress", &[]),
    // What is read, and what is changed in it.
    ("source", &[]),
    ("edit", &["source"]),
    ("sql", &["source"]),
    ("language", &["source", "edit", "sql"]),
    // What is asked for.
    ("fault", &["source"]),
    ("config", &["source", "fault"]),
    (
        "recipe",
        &["source", "edit", "sql", "language", "fault", "config"],
    ),
    // What is found out: data first, then the stages in their order.
    (
        "finding",
        &["source", "edit", "sql", "language", "config", "recipe"],
    ),
    ("project", &["source", "sql", "language", "config"]),
    (
        "locate",
        &[
            "source", "language", "config", "recipe", "finding", "project",
        ],
    ),
    (
        "facts",
        &[
            "source", "sql", "language", "config", "recipe", "finding", "project", "locate",
        ],
    ),
    (
        "decide",
        &["source", "edit", "sql", "config", "recipe", "finding"],
    ),
    (
        "rewrite",
        &[
            "source", "edit", "sql", "language", "config", "recipe", "finding", "project",
            "locate", "facts",
        ],
    ),
    // What is done with it.
    (
        "report",
        &["source", "edit", "sql", "config", "recipe", "finding"],
    ),
    ("apply", &["source", "edit"]),
    (
        "learn",
        &[
            "source", "sql", "language", "config", "recipe", "finding", "project", "locate",
            "facts",
        ],
    ),
    // Who orders it.
    (
        "pipeline",
        &[
            "source", "edit", "sql", "language", "fault", "config", "recipe", "finding", "project",
            "locate", "facts", "decide", "rewrite", "learn", "progress",
        ],
    ),
    (
        "recipe_test",
        &[
            "source", "edit", "config", "recipe", "finding", "report", "pipeline", "progress",
        ],
    ),
    (
        "cli",
        &[
            "source",
            "edit",
            "sql",
            "language",
            "fault",
            "config",
            "recipe",
            "finding",
            "project",
            "locate",
            "facts",
            "decide",
            "rewrite",
            "report",
            "apply",
            "learn",
            "pipeline",
            "recipe_test",
            "progress",
        ],
    ),
    ("main", &["cli"]),
];

/// What may be named only in some places: a path, or a macro with its `!`; the files and folders under `src`; and the reason.
const RESERVED: &[(&str, &[&str], &str)] = &[
    (
        "anyhow",
        &["cli", "main.rs"],
        "errors are typed below the command line",
    ),
    (
        "std::fs",
        &["source/walk.rs", "apply", "cli"],
        "only the walk reads the tree, and only apply writes it",
    ),
    ("tempfile", &["apply"], "only apply writes files"),
    (
        "tree_sitter",
        &[
            "language",
            "locate.rs",
            "pipeline/mod.rs",
            "project/mod.rs",
            "project/room.rs",
            "recipe",
            "source/span.rs",
        ],
        "what nodes mean is asked of the language",
    ),
    ("std::net", &[], "no network, ever"),
    (
        "std::process",
        &["cli", "main.rs"],
        "the stages are pure functions, and no code of the scanned project is run",
    ),
    (
        "std::time::SystemTime",
        &["cli"],
        "the same input gives the same bytes",
    ),
    (
        "println!",
        &["cli", "main.rs"],
        "reports are texts; the command line prints them",
    ),
    (
        "print!",
        &["cli", "main.rs"],
        "reports are texts; the command line prints them",
    ),
    (
        "eprintln!",
        &["cli", "main.rs"],
        "messages are the command line's",
    ),
    (
        "eprint!",
        &["cli", "main.rs"],
        "messages are the command line's",
    ),
];

#[test]
fn imports_point_one_way() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        faults.extend(layer_faults(&path, &text));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn reserved_names_stay_in_their_places() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        faults.extend(reserved_faults(&path, &text));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_table_itself_points_one_way() {
    for (index, (module, allowed)) in LAYERS.iter().enumerate() {
        for name in *allowed {
            let rank = LAYERS.iter().position(|(known, _)| known == name);
            assert!(
                rank.is_some_and(|rank| rank < index),
                "`{module}` may name `{name}`, which does not stand above it"
            );
        }
    }
}

/// Every Rust file under `src` that is not tests alone, by its path from there.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("tests") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("tests.rs")
            {
                let relative = path.strip_prefix(&root).unwrap().to_str().unwrap();
                sources.insert(
                    relative.replace('\\', "/"),
                    fs::read_to_string(&path).unwrap(),
                );
            }
        }
    }
    assert!(sources.contains_key("main.rs"), "no sources were found");
    sources
}

/// The names of the modules from the crate's root down to the file.
fn module_path(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if parts.len() > 1 && parts.last() == Some(&"mod") {
        parts.pop();
    }
    parts
}

fn layer_faults(path: &str, text: &str) -> Vec<String> {
    let modules = module_path(path);
    let module = modules[0];
    if module == "lib" {
        return Vec::new();
    }
    let Some((_, allowed)) = LAYERS.iter().find(|(known, _)| *known == module) else {
        return vec![format!(
            "src/{path}: the module `{module}` has no layer; add it to LAYERS in tests/layers.rs and to ARCHITECTURE.md"
        )];
    };
    let mut faults = Vec::new();
    for Mention { line, path: named } in mentions(text) {
        let Some(target) = target_module(&modules, &named) else {
            continue;
        };
        if target != module && !allowed.contains(&target) {
            faults.push(format!(
                "src/{path}:{line}: `{module}` names `{}`; it may name only {allowed:?}",
                named.join("::")
            ));
        }
    }
    faults
}

/// The top module that a path leads to, when it goes through the crate's root.
fn target_module<'a>(from: &[&str], named: &'a [String]) -> Option<&'a str> {
    let supers = named.iter().take_while(|part| *part == "super").count();
    let reaches_root = match named.first()?.as_str() {
        "crate" | "connmod" => return named.get(1).map(String::as_str),
        _ => supers > 0 && supers == from.len(),
    };
    reaches_root
        .then(|| named.get(supers).map(String::as_str))
        .flatten()
}

fn reserved_faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mentions = mentions(text);
    for (name, places, reason) in RESERVED {
        let is_allowed = places.iter().any(|place| {
            path == *place
                || path
                    .strip_prefix(place)
                    .is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
        });
        if is_allowed {
            continue;
        }
        let parts: Vec<&str> = name.split("::").collect();
        for mention in &mentions {
            if mention.path.len() >= parts.len()
                && mention.path.iter().zip(&parts).all(|(a, b)| a == b)
            {
                faults.push(format!(
                    "src/{path}:{}: names `{name}`: {reason}",
                    mention.line
                ));
            }
        }
    }
    faults
}

/// A path as the code names it, the groups of a `use` spelt out.
#[derive(Debug, PartialEq, Eq)]
struct Mention {
    line: usize,
    path: Vec<String>,
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

fn mentions(text: &str) -> Vec<Mention> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = if is_name(&tokens[at].text) {
            read_path(&tokens, at, &[], &mut found)
        } else {
            at + 1
        };
    }
    found
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads a path whose first name is at `at`, and gives the index behind it.
fn read_path(
    tokens: &[Token],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<Mention>,
) -> usize {
    let line = tokens[at].line;
    let mut path = prefix.to_vec();
    path.push(tokens[at].text.clone());
    at += 1;
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    while text(at) == "::" {
        if is_name(text(at + 1)) {
            path.push(tokens[at + 1].text.clone());
            at += 2;
        } else if text(at + 1) == "{" {
            at += 2;
            while at < tokens.len() && text(at) != "}" {
                at = if is_name(text(at)) {
                    read_path(tokens, at, &path, found)
                } else {
                    at + 1
                };
            }
            return at + 1;
        } else {
            at += 1;
            break;
        }
    }
    if text(at) == "!"
        && let Some(name) = path.last_mut()
    {
        name.push('!');
    }
    found.push(Mention { line, path });
    at
}

/// The tokens of a Rust file without comments, strings and what is compiled for tests only.
fn tokens(text: &str) -> Vec<Token> {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_rust::LANGUAGE.into())
        .unwrap();
    let tree = parser.parse(text, None).unwrap();
    let mut tokens = Vec::new();
    let mut pending = vec![tree.root_node()];
    while let Some(node) = pending.pop() {
        if node.kind().ends_with("comment") || node.kind().ends_with("string_literal") {
            continue;
        }
        if node.child_count() == 0 {
            tokens.push(Token {
                line: node.start_position().row + 1,
                text: text[node.byte_range()].to_owned(),
            });
            continue;
        }
        let mut kept = kept_children(node, text);
        kept.reverse();
        pending.extend(kept);
    }
    tokens
}

/// The children without the items that stand behind a `#[cfg(test)]`.
fn kept_children<'tree>(node: Node<'tree>, text: &str) -> Vec<Node<'tree>> {
    let mut kept = Vec::new();
    let mut for_tests = false;
    for child in node.children(&mut node.walk()) {
        let code = &text[child.byte_range()];
        if child.kind() == "attribute_item" {
            for_tests |= code.starts_with("#[cfg(") && names_test(code);
        } else if child.kind().ends_with("comment") {
            // May stand between an attribute and its item.
        } else if for_tests {
            for_tests = false;
        } else {
            kept.push(child);
        }
    }
    kept
}

fn names_test(attribute: &str) -> bool {
    !attribute.contains("not(")
        && attribute
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| word == "test")
}

mod self_check {
    use super::*;

    fn faults(path: &str, text: &str) -> usize {
        layer_faults(path, text).len()
    }

    #[test]
    fn every_way_to_name_a_module_is_seen() {
        for text in [
            "use crate::cli::Options;",
            "use crate::cli;",
            "use crate::{source::Span, cli::Options};",
            "pub(crate) use crate::{edit::{Edit, splice}, cli};",
            "fn f() { crate::cli::run() }",
            "fn f() -> Vec<crate::cli::Options> { vec![] }",
            "fn f() { println!(\"{}\", crate::cli::NAME) }",
            "use super::cli::run;",
            "mod inner { fn f() { connmod::cli::run() } }",
        ] {
            assert_eq!(faults("report/mod.rs", text), 1, "{text}");
        }
        assert_eq!(faults("report/json.rs", "use super::super::cli::run;"), 1);
        assert_eq!(faults("report/json.rs", "use super::cli::run;"), 0);
    }

    #[test]
    fn comments_strings_tests_and_allowed_modules_are_no_faults() {
        for text in [
            "//! See [`crate::cli`].\n/* crate::cli */ fn f() {}",
            "const TEXT: &str = \"crate::cli::run\"; const RAW: &str = r#\"crate::cli\"#;",
            "#[cfg(test)]\nmod tests { use crate::cli::run; }",
            "#[cfg(all(test, unix))]\n// Why.\n#[allow(unused)]\nuse crate::cli::run;",
            "use crate::{finding::Site, report::escape, source::{Span, SourceFile}};",
        ] {
            assert_eq!(layer_faults("report/mod.rs", text), [""; 0], "{text}");
        }
        let text = "#[cfg(test)]\nuse crate::cli::a;\nuse crate::cli::b;\n#[cfg(not(test))]\nuse crate::cli::c;";
        assert_eq!(faults("report/mod.rs", text), 2);
    }

    #[test]
    fn an_unknown_module_is_told_where_to_go() {
        let faults = layer_faults("telemetry/mod.rs", "");
        assert!(faults[0].contains("add it to LAYERS"), "{faults:?}");
        assert_eq!(layer_faults("report.rs", "use crate::telemetry;").len(), 1);
    }

    #[test]
    fn reserved_names_are_seen_in_groups_and_macros() {
        let faults = |path, text| reserved_faults(path, text).len();
        assert_eq!(faults("facts/mod.rs", "use std::{fs, io};"), 1);
        assert_eq!(faults("facts/mod.rs", "use std::{fs::{self, File}};"), 2);
        assert_eq!(faults("facts/mod.rs", "fn f() { std::fs::read(x); }"), 1);
        assert_eq!(faults("facts/mod.rs", "fn f() { println!(\"x\"); }"), 1);
        assert_eq!(faults("facts/mod.rs", "fn f() { if print != x {} }"), 0);
        assert_eq!(faults("source/walk.rs", "use std::fs;"), 0);
        assert_eq!(faults("source/file.rs", "use std::fs;"), 1);
        assert_eq!(faults("cli/scan.rs", "use std::fs; use anyhow::Result;"), 0);
        assert_eq!(faults("report.rs", "use anyhow::Result;"), 1);
    }
}
