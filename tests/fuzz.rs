//! Random damage to recipes, settings, SQL, code and journals: whatever comes of it, no panic, an end in time, and no rewrite that breaks a
//! file or does not come to rest.
//!
//! Every round is made from its number alone, so that what fails can be repeated. A short run belongs to every test run;
//! `CONNMOD_FUZZ_SECONDS=600 cargo test --release --test fuzz -- --nocapture` takes that long for each target, and `CONNMOD_FUZZ_START` is the
//! number of the first round.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use connmod::config::Config;
use connmod::language;
use connmod::pipeline::Selection;
use connmod::recipe::{Example, Expectation, Library, builtin};
use connmod::recipe_test;
use connmod::source::SourceFile;
use connmod::sql;

/// The longest that one round may take. Debug builds on a busy machine are slow; what never ends is slower.
const PATIENCE: Duration = Duration::from_secs(30);

static LIBRARY: LazyLock<Library> =
    LazyLock::new(|| Library::load(builtin()).expect("the built-in recipes load"));

/// Numbers that look random (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.roll() % limit as u64).unwrap_or_default()
    }

    fn of<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// A piece of at most some hundred bytes.
    fn piece<'t>(&mut self, text: &'t str) -> &'t str {
        let start = self.place(text);
        let mut end = (start + self.below(200)).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        &text[start..end.max(start)]
    }
}

/// What parsers stumble over.
const WORDS: &[&str] = &[
    "\0",
    "\r",
    "\u{feff}",
    "\u{c}",
    "\t",
    "\\\n",
    "\"\"\"",
    "'''",
    "f\"{",
    "{",
    "}",
    "(",
    ")",
    "[",
    ":",
    ";",
    "#",
    "@",
    "é",
    "\u{202e}",
    "async ",
    "await ",
    "with ",
    "yield ",
    "return ",
    "lambda: ",
    "match x:\n",
    "else:\n",
    "$1",
    "%s",
    "--",
    "/*",
    "$$",
    "E'",
    "::",
    "&a ",
    "*a ",
    "<<: ",
    "- ",
    "? ",
    "|\n",
    "!!",
    "---\n",
    "99999999999999999999",
    "-1",
    "null",
    "pool.acquire()",
    "conn.fetch(",
    "get_db_pool()",
    "\n",
];

/// `text` with a few faults; now and then with pieces of `others`.
fn damaged(dice: &mut Dice, text: &str, others: &[String]) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.below(4) {
        let at = dice.place(&text);
        match dice.below(6) {
            0 => text.truncate(at),
            1 => {
                let length = dice.piece(&text[at..]).len();
                let end = (at..=at + length)
                    .rev()
                    .find(|end| text.is_char_boundary(*end));
                text.replace_range(at..end.unwrap_or(at), "");
            }
            2 => {
                let piece = dice.piece(&text).to_owned();
                text.insert_str(at, &piece);
            }
            3 => {
                let other = dice.of(others).clone();
                text.insert_str(at, dice.piece(&other));
            }
            4 => {
                let lines: Vec<&str> = text.split_inclusive('\n').collect();
                if lines.len() > 1 {
                    let mut lines = lines;
                    let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
                    lines.swap(one, other);
                    text = lines.concat();
                }
            }
            _ => text.insert_str(at, WORDS[dice.below(WORDS.len())]),
        }
    }
    text
}

/// Runs rounds for the time that a target has; `round` gets what was damaged.
fn fuzz(target: &str, seeds: &[String], round: impl Fn(&str)) {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|value| value.parse::<u64>().ok())
    };
    let limit =
        number("CONNMOD_FUZZ_SECONDS").map_or(Duration::from_millis(1500), Duration::from_secs);
    let first = number("CONNMOD_FUZZ_START").unwrap_or(0);
    let start = Instant::now();
    let mut current = first;
    while start.elapsed() < limit || current == first {
        let mut dice = Dice(current);
        let seed = dice.of(seeds);
        let input = damaged(&mut dice, seed, seeds);
        let began = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| round(&input)));
        assert!(
            ended.is_ok(),
            "{target}: round {current} failed on\n{input:?}"
        );
        let took = began.elapsed();
        assert!(
            took < PATIENCE,
            "{target}: round {current} took {took:?} on\n{input:?}"
        );
        current += 1;
    }
    if limit.as_secs() > 10 {
        // A long run is watched by a person.
        #[allow(clippy::print_stderr)]
        {
            eprintln!(
                "{target}: {} rounds from {first} in {:?}",
                current - first,
                start.elapsed()
            );
        }
    }
}

fn folder(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The texts below a folder whose names end so.
fn texts(path: &Path, end: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            found.extend(texts(&entry, end));
        } else if entry.to_string_lossy().ends_with(end) {
            found.extend(fs::read_to_string(&entry));
        }
    }
    found
}

#[test]
fn damaged_recipes_are_read_or_refused() {
    let seeds: Vec<String> = builtin().into_iter().map(|(_, text)| text).collect();
    let names: Vec<String> = builtin().into_iter().map(|(path, _)| path).collect();
    let migration = builtin()
        .into_iter()
        .find(|(path, _)| path.ends_with("asyncpg/migration.yaml"));
    let migration = migration.expect("it is embedded");
    fuzz("recipes", &seeds, |text| {
        for path in [&names[0], &migration.0] {
            let files = [migration.clone(), (path.clone(), text.to_owned())];
            if let Err(errors) = Library::load(files) {
                assert!(errors.iter().all(|error| !error.to_string().is_empty()));
            }
        }
    });
}

#[test]
fn damaged_settings_are_read_or_refused() {
    let mut seeds = texts(&folder("tests"), "connmod.yaml");
    seeds.push(include_str!("../snapshots/learn-yaml.snap").to_owned());
    seeds.push("version: 1\nmigrations: [asyncpg]\nstandard: {module: db, helpers: {fetch: rows}}\nexclude: ['a/**']\n".to_owned());
    fuzz("settings", &seeds, |text| {
        if let Err(error) = Config::parse("connmod.yaml", text) {
            assert!(error.to_string().contains("connmod.yaml"), "{error}");
        }
    });
}

#[test]
fn damaged_sql_is_read() {
    let mut seeds = texts(&folder("tests/fixtures"), ".sql");
    let code = texts(&folder("tests/fixtures"), ".py");
    seeds.extend(
        code.iter()
            .flat_map(|text| text.split("\"\"\"").skip(1).step_by(2))
            .map(str::to_owned),
    );
    fuzz("sql", &seeds, |text| {
        let facts = sql::read_plain(text);
        let _ = facts.may_write();
    });
}

#[test]
fn damaged_code_is_rewritten_rightly_or_not_at_all() {
    let mut seeds: Vec<String> = Vec::new();
    for text in texts(&folder("tests/rules"), ".txt") {
        let cases = text
            .split("\n## ")
            .skip(1)
            .filter_map(|case| case.split_once('\n'));
        let import = "from app.db.connection import get_db_pool\n\n\n";
        seeds.extend(cases.map(|(_, case)| {
            let code = case.split("──▶").next().unwrap_or_default();
            format!("{import}{code}")
        }));
    }
    seeds.extend(texts(
        &folder("tests/fixtures/ledger/backend/app/services"),
        ".py",
    ));
    fuzz("code", &seeds, |text| {
        let Ok(source) = SourceFile::from_bytes("app/services/case.py", text.as_bytes()) else {
            return;
        };
        check_rewrites(source.text());
    });
}

/// Rewrites a file of the project of the migration's examples.
fn check_rewrites(text: &str) {
    const PATH: &str = "app/services/case.py";
    let survey = |text: &str| {
        let example = Example {
            title: "fuzz".to_owned(),
            path: PATH.to_owned(),
            before: text.to_owned(),
            files: BTreeMap::new(),
            expect: Expectation::Standard,
            line: 0,
        };
        let migration = &LIBRARY.migrations["asyncpg"];
        recipe_test::survey(&LIBRARY, migration, &example, text).expect("the recipes compile")
    };
    let python = language::for_path(PATH).expect("it is Python");
    let has_error =
        |text: &str| language::parse(python, text).map_or(true, |parsed| parsed.errors.is_some());
    let before = survey(text);
    for unsafe_too in [false, true] {
        let selection = Selection {
            unsafe_too,
            ..Selection::default()
        };
        for patch in before.patches(&selection) {
            assert!(
                !has_error(&patch.after) || has_error(&patch.before),
                "{}",
                patch.after
            );
            let again = survey(&patch.after).patches(&selection);
            assert!(
                again.iter().all(|again| again.path != patch.path),
                "a second run changes\n{}",
                patch.after
            );
        }
    }
}

#[test]
fn damaged_journals_are_read_or_refused() {
    let project = tempfile::tempdir().unwrap();
    let connmod = |arguments: &[&str]| {
        Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
            .args(arguments)
            .current_dir(project.path())
            .output()
            .unwrap()
    };
    support::copy(&folder("tests/fixtures/ledger"), project.path());
    assert!(
        connmod(&["apply", "--only", "asyncpg/pool-direct-call"])
            .status
            .success()
    );
    let entry = project.path().join(".connmod/journal/000001/entry.json");
    let sound = fs::read_to_string(&entry).expect("a run was recorded");
    let before = texts(&project.path().join("backend"), ".py");
    fuzz("journals", &[sound], |text| {
        fs::write(&entry, text).unwrap();
        let output = connmod(&["undo", "--list"]);
        // Never a panic, which ends with 101, and never a signal.
        assert!(matches!(output.status.code(), Some(0..=2)), "{output:?}");
        assert_eq!(texts(&project.path().join("backend"), ".py"), before);
    });
}

#[path = "support/mod.rs"]
mod support;
