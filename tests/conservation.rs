//! No site and no edit is lost on the way to a reader: the reports say the same numbers, and what is planned is written or named.
//!
//! The numbers are read from the texts that the program prints, not from the values that it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use connmod::recipe::{Library, builtin};
use serde_json::Value;

mod support;

const VERDICTS: [&str; 6] = [
    "standard",
    "rewrite",
    "keep",
    "review",
    "suppressed",
    "unparsed",
];

/// Both streams of a command that ends with 0 or 1.
fn connmod(root: &Path, line: &[&str]) -> (String, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("connmod"))
        .current_dir(root)
        .args(line)
        .args(["--root", "."])
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the output is text");
    let (out, error) = (text(output.stdout), text(output.stderr));
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{line:?}: {error}"
    );
    (out, error)
}

fn ledger(to: &Path) {
    support::copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ledger"),
        to,
    );
}

/// One project of all rule cases and of all examples that need no files of their own; and one for each other example.
fn projects(folder: &Path) -> Vec<std::path::PathBuf> {
    let library = Library::load(builtin()).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let migration = &library.migrations["asyncpg"];
    let source = include_str!("../recipes/asyncpg/migration.yaml");
    let settings: String = source
        .lines()
        .skip_while(|line| *line != "example_settings:")
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line)))
        .collect();
    let put = |root: &Path, path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("can be made");
        fs::write(path, text).expect("can be written");
    };
    let start = |root: &Path| {
        put(root, "connmod.yaml", &settings);
        for (path, text) in &migration.example_files {
            put(root, path, text);
        }
    };
    let common = folder.join("common");
    start(&common);
    let mut roots = vec![common.clone()];
    let mut number = 0;
    let mut numbered = |path: &str| {
        number += 1;
        path.replacen(".py", &format!("_{number}.py"), 1)
    };
    for example in library.recipes.iter().flat_map(|recipe| &recipe.examples) {
        let is_own =
            !example.files.is_empty() || migration.example_files.contains_key(&example.path);
        if is_own {
            let root = folder.join(format!("own{}", roots.len()));
            start(&root);
            put(&root, &example.path, &example.before);
            for (path, text) in &example.files {
                put(&root, path, text);
            }
            roots.push(root);
        } else {
            put(&common, &numbered(&example.path), &example.before);
        }
    }
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    for entry in fs::read_dir(rules).expect("the cases are there") {
        let text = fs::read_to_string(entry.expect("is read").path()).expect("is text");
        for part in text.split("\n## ").skip(1) {
            let (heading, code) = part.split_once('\n').expect("a heading");
            let (_, path) = heading.split_once(" @ ").expect("a path");
            let (before, _) = code.split_once("──▶ ").expect("an outcome");
            // Further files of a case would count for all of them.
            let (before, _) = before.split_once("┄┄ ").unwrap_or((before, ""));
            let import = "from app.db.connection import get_db_pool\n\n\n";
            let import = if before.contains("import ") {
                ""
            } else {
                import
            };
            put(&common, &numbered(path), &format!("{import}{before}"));
        }
    }
    assert!(number > 150, "only {number} cases were found");
    roots
}

type Numbers = BTreeMap<String, usize>;

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

/// The number before `word` in a line, 0 if the word is not there.
fn before(line: &str, word: &str) -> usize {
    let words: Vec<&str> = line.split([' ', '(', ',', ':']).collect();
    let at = words
        .windows(2)
        .position(|pair| pair[1].trim_end_matches(')') == word);
    at.map_or(0, |at| number(words[at]))
}

/// The matrix of the terminal summary: its columns by their headings, of the line `all`; each must be the sum of those above.
fn of_terminal(text: &str) -> Numbers {
    let mut lines = text.lines();
    let first = lines.next().expect("a first line");
    let heading: Vec<String> = lines
        .by_ref()
        .find(|line| line.starts_with("Pattern "))
        .expect("a table")
        .split_whitespace()
        .skip(1)
        .map(str::to_lowercase)
        .collect();
    let mut sums = vec![0; heading.len()];
    for line in lines {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let row: Vec<usize> = cells[1..].iter().map(|cell| number(cell)).collect();
        if cells[0] == "all" {
            assert_eq!(row, sums, "the lines of the table do not add up: {text}");
            break;
        }
        sums.iter_mut()
            .zip(row)
            .for_each(|(sum, cell)| *sum += cell);
    }
    let mut numbers: Numbers = heading.into_iter().zip(sums).collect();
    assert_eq!(numbers["sites"], before(first, "sites"), "{first}");
    for word in ["safe", "unsafe"] {
        numbers.insert(word.to_owned(), before(first, word));
    }
    numbers
}

/// The table of the inventory by pattern and context.
fn of_inventory(text: &str) -> Numbers {
    let mut total = Numbers::new();
    let mut contexts = Numbers::new();
    let table = text
        .lines()
        .skip_while(|line| !line.starts_with("| Pattern | Context |"));
    let mut rows = table.take_while(|line| line.starts_with('|'));
    let heading: Vec<String> = rows
        .next()
        .expect("a table")
        .split('|')
        .skip(3)
        .map(|cell| cell.trim().to_lowercase())
        .filter(|cell| !cell.is_empty())
        .collect();
    for row in rows.skip(1) {
        let cells: Vec<String> = row
            .split('|')
            .map(|cell| cell.trim().replace('*', ""))
            .collect();
        let sums = match (cells[1].as_str(), cells[2].as_str()) {
            ("all" | "All" | "Total", _) => continue,
            (_, "all") => &mut total,
            _ => &mut contexts,
        };
        for (name, cell) in heading.iter().zip(&cells[3..]) {
            *sums.entry(name.clone()).or_default() += number(cell);
        }
    }
    assert_eq!(total, contexts, "the contexts do not add up");
    total["rewrite, safe"]
        .checked_add(total["rewrite, unsafe"])
        .map(|all| total.insert("rewrite".to_owned(), all));
    total
}

/// What the list of sites in JSON says; its own summary must agree.
fn of_json(scan: &Value) -> Numbers {
    let mut numbers = Numbers::new();
    let mut places = BTreeSet::new();
    for site in scan["sites"].as_array().expect("a list") {
        *numbers.entry("sites".to_owned()).or_default() += 1;
        for key in ["verdict", "applicability"] {
            if let Some(word) = site[key].as_str() {
                *numbers.entry(word.to_owned()).or_default() += 1;
            }
        }
        let place = [
            &site["file"],
            &site["line"],
            &site["column"],
            &site["recipe"],
        ];
        assert!(places.insert(format!("{place:?}")), "twice: {site}");
    }
    for hit in scan["dismissed"].as_array().expect("a list") {
        let place = [&hit["file"], &hit["line"], &hit["column"], &hit["recipe"]];
        assert!(places.insert(format!("{place:?}")), "a site, too: {hit}");
        let reason = hit["reason"].as_str().unwrap_or_default();
        assert!(!reason.is_empty(), "no reason: {hit}");
    }
    let summary = &scan["summary"];
    let said = |value: &Value| value.as_u64().unwrap_or_default() as usize;
    let of = |name: &str| numbers.get(name).copied().unwrap_or_default();
    assert_eq!(said(&summary["sites"]), of("sites"));
    for verdict in VERDICTS {
        assert_eq!(said(&summary["by_verdict"][verdict]), of(verdict));
    }
    for map in ["by_recipe", "by_pattern", "by_context", "by_severity"] {
        let values = summary[map].as_object().expect("a map").values();
        assert_eq!(values.map(said).sum::<usize>(), of("sites"), "{map}");
    }
    numbers
}

fn get(numbers: &Numbers, name: &str) -> usize {
    numbers.get(name).copied().unwrap_or_default()
}

/// The summary for the terminal and the inventory say what the list of sites says.
fn assert_agree(json: &Numbers, terminal: &str, inventory: &str, place: &str) {
    let terminal = of_terminal(terminal);
    let inventory = of_inventory(inventory);
    for name in VERDICTS.iter().chain(&["sites"]) {
        let said = get(json, name);
        assert_eq!(get(&terminal, name), said, "terminal: {name} in {place}");
        assert_eq!(get(&inventory, name), said, "inventory: {name} in {place}");
    }
    for name in ["safe", "unsafe"] {
        let column = format!("rewrite, {name}");
        let said = get(json, name);
        assert_eq!(get(&terminal, name), said, "terminal: {name} in {place}");
        assert_eq!(
            get(&inventory, &column),
            said,
            "inventory: {name} in {place}"
        );
    }
}

#[test]
fn every_report_says_the_same_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = folder.path().join("ledger");
    ledger(&sample);
    let mut roots = projects(folder.path());
    roots.push(sample);
    let mut sites = 0;
    for root in roots {
        let (json, _) = connmod(&root, &["scan", "--format", "json"]);
        let json = of_json(&serde_json::from_str(&json).expect("JSON"));
        let all = get(&json, "sites");
        sites += all;
        let sum: usize = VERDICTS.iter().map(|verdict| get(&json, verdict)).sum();
        assert_eq!(sum, all, "{}", root.display());
        assert_eq!(
            get(&json, "safe") + get(&json, "unsafe"),
            get(&json, "rewrite")
        );
        if all == 0 {
            continue;
        }
        let terminal = connmod(&root, &["scan"]).0;
        let inventory = connmod(&root, &["inventory"]).0;
        assert_agree(&json, &terminal, &inventory, &root.display().to_string());
    }
    assert!(sites > 600, "only {sites} sites");
}

/// Copies of a table's text, each with one more in one of the cells of its lines that `is_row` takes.
fn spoiled(text: &str, is_row: impl Fn(&str) -> bool) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_row(line)) {
        for (start, _) in line.match_indices(|letter: char| letter.is_ascii_digit()) {
            let is_cell = line[..start].ends_with([' ', '*']);
            let end = line[start..]
                .find(|letter: char| !letter.is_ascii_digit())
                .map_or(line.len(), |length| start + length);
            if !is_cell {
                continue;
            }
            let more = number(&line[start..end]) + 1;
            let mut copy = lines.clone();
            let line = format!("{}{more}{}", &line[..start], &line[end..]);
            copy[at] = &line;
            all.push(format!("{}\n", copy.join("\n")));
        }
    }
    all
}

/// One more in any cell of a table is found, so the test above can fail.
#[test]
fn spoiled_numbers_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    ledger(folder.path());
    let report = |line: &[&str]| connmod(folder.path(), line).0;
    let json: Value =
        serde_json::from_str(&report(&["scan", "--format", "json"])).expect("is JSON");
    let json = of_json(&json);
    let (terminal, inventory) = (report(&["scan"]), report(&["inventory"]));
    assert_agree(&json, &terminal, &inventory, "the sample");
    let is_found = |terminal: &str, inventory: &str| {
        std::panic::catch_unwind(|| assert_agree(&json, terminal, inventory, "the sample")).is_err()
    };
    // Each line of the matrix begins with the name of a pattern, or with `all`, and ends with a number.
    let (heading, matrix) = terminal.split_once("Pattern ").expect("a table");
    let matrix = matrix.split_once("\nall").map_or(0, |(rows, _)| rows.len());
    let end = heading.len() + "Pattern ".len() + matrix;
    let table: Vec<&str> = terminal[heading.len()..end].lines().skip(1).collect();
    let copies = spoiled(&terminal, |line| {
        table.contains(&line) || line.starts_with("all ")
    });
    assert!(copies.len() > 40, "only {} cells", copies.len());
    for copy in copies {
        assert!(is_found(&copy, &inventory), "{copy}");
    }
    let table = inventory
        .split_once("| Pattern | Context |")
        .expect("a table");
    let rows: Vec<&str> = table
        .1
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter(|line| {
            !line.to_lowercase().starts_with("| **all") && !line.starts_with("| **Total")
        })
        .collect();
    let copies = spoiled(&inventory, |line| rows.contains(&line));
    assert!(copies.len() > 40, "only {} cells", copies.len());
    for copy in copies {
        assert!(is_found(&terminal, &copy), "{copy}");
    }
}

/// Pairs of a changed file before and after, in the form that the script takes, with the file's name.
fn changed(root: &Path) -> Vec<(String, Value)> {
    let (json, _) = connmod(root, &["scan", "--format", "json"]);
    let scan: Value = serde_json::from_str(&json).expect("JSON");
    let read = |file: &str| fs::read_to_string(root.join(file)).expect("is text");
    let mut users: BTreeMap<String, (String, Vec<Value>)> = BTreeMap::new();
    for site in scan["sites"].as_array().expect("a list") {
        let file = site["file"].as_str().expect("a name");
        let entry = users.entry(file.to_owned());
        let entry = entry.or_insert_with(|| (read(file), Vec::new()));
        entry.1.extend(
            site["identity"]
                .is_string()
                .then(|| site["identity"].clone()),
        );
    }
    connmod(root, &["apply", "--unsafe"]);
    let added = [
        "execute_query",
        "execute_query_one",
        "execute_query_value",
        "execute_statement",
        "get_db_connection",
        "get_db_connection_with_rls",
    ];
    let pairs = users.into_iter().map(|(file, (before, identities))| {
        let after = read(&file);
        let pair = serde_json::json!([before, after, added, identities]);
        (file, pair)
    });
    pairs.filter(|(_, pair)| pair[0] != pair[1]).collect()
}

#[test]
fn names_differ_only_by_what_the_rewrite_says() {
    let Some(python) = support::python() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let sample = folder.path().join("ledger");
    ledger(&sample);
    let mut roots = projects(folder.path());
    roots.push(sample);
    let changed: Vec<(String, Value)> = roots.iter().flat_map(|root| changed(root)).collect();
    assert!(changed.len() > 100, "only {} files change", changed.len());
    let pairs: Vec<Value> = changed.iter().map(|(_, pair)| pair.clone()).collect();
    let mut wrong = Vec::new();
    for ((file, pair), answer) in changed.iter().zip(support::names_kept(&python, &pairs)) {
        match answer {
            None => wrong.push(format!("{file}: CPython refuses it")),
            Some(faults) if !faults.is_empty() => {
                wrong.push(format!(
                    "{file}: {faults:?}\n{}",
                    pair[1].as_str().unwrap_or("")
                ));
            }
            Some(_) => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "{} files:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// One wrong name and one lost name are found.
#[test]
fn spoiled_names_are_found() {
    let Some(python) = support::python() else {
        return;
    };
    let before = "async def f(pool, a):\n    async with pool.acquire() as conn:\n        rows = await conn.fetch('x', a)\n    return rows\n";
    let good = "async def f(pool, a):\n    rows = await execute_query('x', a)\n    return rows\n";
    let pair = |after: &str| serde_json::json!([before, after, ["execute_query"], []]);
    let texts = [
        good.to_owned(),
        good.replace("    rows =", "    row ="),
        good.replace(", a)\n    r", ")\n    r"),
        good.replace("execute_query", "execute_queries"),
        good.replace("(pool, a)", "(pool, conn)"),
    ];
    let pairs: Vec<Value> = texts.iter().map(|text| pair(text)).collect();
    let answers = support::names_kept(&python, &pairs);
    assert_eq!(answers[0], Some(Vec::new()));
    for (text, answer) in texts.iter().zip(&answers).skip(1) {
        assert!(
            answer.as_ref().is_some_and(|faults| !faults.is_empty()),
            "{text}"
        );
    }
}

/// The number of sites in the last line but one of what `diff` or `apply` says, and those that it left out or did not write.
fn planned(error: &str) -> (usize, usize, usize) {
    let line = error
        .lines()
        .find(|line| line.contains(" would change") || line.contains(" changed"))
        .unwrap_or_else(|| panic!("no count: {error}"));
    let parts: Vec<&str> = line.split("; ").collect();
    let of = |word: &str| {
        let part = parts.iter().find(|part| part.contains(word));
        part.and_then(|part| part.split(' ').next())
            .and_then(|count| count.parse().ok())
            .unwrap_or_default()
    };
    (of("change"), of("left out"), of("not written"))
}

#[test]
fn what_is_planned_is_written_or_named() {
    for (options, is_read_only) in [
        (&[][..], false),
        (&["--unsafe"][..], false),
        (&["--phase", "agents"][..], false),
        (&["--only", "asyncpg/pool-*", "--unsafe"][..], false),
        (&["--unsafe"][..], true),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("ledger");
        ledger(&root);
        let (_, said) = connmod(&root, &[&["diff"], options].concat());
        let (would, left_out, _) = planned(&said);
        assert!(would > 0, "{options:?}: {said}");
        if is_read_only {
            let path = root.join("backend/jobs/reminders.py");
            let mut permissions = fs::metadata(&path).expect("is there").permissions();
            permissions.set_readonly(true);
            fs::set_permissions(path, permissions).expect("is ours");
        }
        let (_, said) = connmod(&root, &[&["apply"], options].concat());
        let (written, also_left_out, not_written) = planned(&said);
        assert_eq!(written + not_written, would, "{options:?}: {said}");
        assert_eq!(also_left_out, left_out, "{options:?}: {said}");
        assert_eq!(not_written > 0, is_read_only, "{options:?}: {said}");
    }
}
