//! Holds the dependencies to `deny.toml`, the file of cargo-deny, without cargo-deny: licences, banned crates, crates in two versions,
//! sources. Only the advisories need that program itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A dependency as cargo resolved it.
struct Package {
    name: String,
    version: String,
    /// Absent where the crate only names a file.
    licence: Option<String>,
    /// Absent for this crate.
    source: Option<String>,
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    packages
        .iter()
        .map(|package| Package {
            name: text(&package["name"]).unwrap(),
            version: text(&package["version"]).unwrap(),
            licence: text(&package["license"]),
            source: text(&package["source"]),
        })
        .collect()
}

/// The strings of `key = [ … ]` in a section of `deny.toml`; of an inline table, the one behind `crate =`.
fn listed(section: &str, key: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml");
    strings_of(&fs::read_to_string(path).unwrap(), section, key)
}

fn strings_of(toml: &str, section: &str, key: &str) -> BTreeSet<String> {
    let heading = format!("[{section}]");
    let mut lines = toml
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    let first = lines
        .find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))
        .unwrap_or_else(|| panic!("deny.toml has no `{key}` in [{section}]"))
        .trim();
    let mut list = first.to_owned();
    while !list.ends_with(']') {
        list.push_str(lines.next().expect("the list ends"));
    }
    let list = list.trim_matches(['[', ']']);
    let entries: Vec<&str> = if list.contains('{') {
        list.split('{')
            .skip(1)
            .map(|entry| entry.split("crate =").nth(1).expect("`crate =`"))
            .collect()
    } else {
        list.split(',').collect()
    };
    entries
        .into_iter()
        .filter_map(|entry| entry.split('"').nth(1))
        .map(str::to_owned)
        .collect()
}

/// Whether an SPDX expression can be met with the allowed licences; `/` is the old way to write `OR`.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = any_of(&words, &mut at, allowed);
    met && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all_of(words, at, allowed);
    }
    met
}

fn all_of(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word == "(" {
        let met = any_of(words, at, allowed);
        *at += 1;
        return met;
    }
    if words.get(*at) == Some(&"WITH") {
        let with = format!("{word} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
        return allowed.contains(&with);
    }
    allowed.contains(word)
}

#[test]
fn every_licence_is_allowed() {
    let allowed = listed("licenses", "allow");
    let refused: Vec<String> = packages()
        .iter()
        .filter(|package| {
            !package
                .licence
                .as_deref()
                .is_some_and(|licence| is_met(licence, &allowed))
        })
        .map(|package| {
            format!(
                "{} {}: {:?}",
                package.name, package.version, package.licence
            )
        })
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn no_banned_crate_is_used() {
    let banned = listed("bans", "deny");
    let used: Vec<String> = packages()
        .into_iter()
        .map(|package| package.name)
        .filter(|name| banned.contains(name))
        .collect();
    assert!(used.is_empty(), "{used:?}: see deny.toml for the reason");
}

#[test]
fn crates_in_two_versions_are_listed_and_no_others() {
    let skipped = listed("bans", "skip");
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        versions
            .entry(package.name)
            .or_default()
            .push(package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let doubled: BTreeSet<String> = versions.keys().cloned().collect();
    assert_eq!(
        doubled, skipped,
        "`skip` in deny.toml lists each of {versions:?} with its reason, and nothing else"
    );
}

#[test]
fn everything_comes_from_the_registry() {
    let registries = listed("sources", "allow-registry");
    let elsewhere: Vec<String> = packages()
        .into_iter()
        .filter_map(|package| package.source.map(|source| (package.name, source)))
        .filter(|(_, source)| {
            !source
                .strip_prefix("registry+")
                .is_some_and(|registry| registries.contains(registry))
        })
        .map(|(name, source)| format!("{name} from {source}"))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Zlib".to_owned()]);
    for met in [
        "MIT",
        "GPL-3.0-only OR MIT",
        "GPL-3.0-only/MIT",
        "(GPL-3.0-only OR MIT) AND Zlib",
        "GPL-3.0-only AND BSD-3-Clause OR MIT",
        "Apache-2.0 WITH LLVM-exception OR MIT",
    ] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for unmet in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "(MIT OR Zlib) AND GPL-3.0-only",
        "MIT WITH some-exception",
        "MIT GPL-3.0-only",
    ] {
        assert!(!is_met(unmet, &allowed), "{unmet}");
    }
}

#[test]
fn lists_of_both_shapes_are_read() {
    let toml = "[a]\nallow = [\n  \"x\",\n  \"y\",\n]\n[b]\nallow = []\nskip = [\n  { crate = \"p\", reason = \"q\" },\n  { crate = \"r\" },\n]\n";
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    assert_eq!(strings_of(toml, "a", "allow"), set(&["x", "y"]));
    assert_eq!(strings_of(toml, "b", "allow"), set(&[]));
    assert_eq!(strings_of(toml, "b", "skip"), set(&["p", "r"]));
}
