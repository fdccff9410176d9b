//! What holds of every module, whatever is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use proptest::strategy::ValueTree;
use proptest::test_runner::{
    Config as Runs, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};
use proptest::{collection, num, prelude::*};

use super::modules::{Module, module};
use crate::edit::splice;
use crate::finding::{Finding, Patch, Verdict};
use crate::language::python::Python;
use crate::language::{BindingKind, Language, parse};
use crate::pipeline::{Lane, Selection, Survey, gather};
use crate::progress::Silent;
use crate::recipe::{Library, Migration, builtin};
use crate::source::{SourceFile, Span};

#[path = "../../../tests/support/mod.rs"]
mod support;

static LIBRARY: LazyLock<Library> =
    LazyLock::new(|| Library::load(builtin()).expect("the built-in recipes load"));

/// Surveys a project of the migration's example files and these.
fn survey<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Survey {
    let migration: &Migration = &LIBRARY.migrations["asyncpg"];
    let shared = migration.example_files.iter();
    let mut files: Vec<SourceFile> = shared
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .chain(texts)
        .map(|(path, text)| SourceFile::new(path, text))
        .collect();
    files.sort_by(|a, b| a.path().cmp(b.path()));
    let settings = migration.example_settings.clone();
    let lanes = Lane::all(&[migration], &LIBRARY, &settings).expect("the recipes compile");
    gather(settings, lanes, &files, &Silent)
}

fn selection(unsafe_too: bool) -> Selection {
    Selection {
        unsafe_too,
        ..Selection::default()
    }
}

/// What a text consists of, as far as no rewrite may lose it.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    comments: Vec<String>,
    /// The contents of string literals, with their places.
    strings: Vec<(Span, String)>,
    /// Names that are read and bound nowhere.
    unbound: BTreeSet<String>,
    /// Imported names that nothing reads.
    unread: BTreeSet<String>,
}

/// The contents of a text; an error if it does not parse.
fn contents(text: &str) -> Result<Contents, String> {
    let parsed = parse(&Python, text).map_err(|problem| problem.to_string())?;
    if let Some(problem) = parsed.errors {
        return Err(format!("{problem:?}"));
    }
    let model = Python.model(text, &parsed.tree);
    let mut comments = Vec::new();
    let mut strings = Vec::new();
    let mut work = vec![parsed.tree.root_node()];
    while let Some(node) = work.pop() {
        let own = Span::from(node).text(text).trim_end().to_owned();
        match node.kind() {
            "comment" => comments.push(own),
            "string_content" => {
                strings.push((Span::from(node), Span::from(node).text(text).to_owned()));
            }
            _ => {}
        }
        let mut cursor = node.walk();
        work.extend(node.children(&mut cursor));
    }
    comments.sort();
    strings.sort();
    let unbound = model
        .references
        .iter()
        .filter(|reference| reference.target.is_none())
        .map(|reference| reference.name.to_string())
        .collect();
    let unread = model
        .bindings
        .iter()
        .filter(|binding| binding.kind == BindingKind::Import)
        .filter(|binding| {
            model
                .references_to(binding.scope, &binding.name)
                .next()
                .is_none()
        })
        .map(|binding| binding.name.to_string())
        .collect();
    Ok(Contents {
        comments,
        strings,
        unbound,
        unread,
    })
}

/// Something that does not hold of a module.
struct Fault {
    /// Which module of the project.
    index: usize,
    what: String,
}

/// What does not hold of a project of these modules.
fn faults(modules: &[Module]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let before: Vec<Option<Contents>> = modules
        .iter()
        .map(|module| contents(&module.text).ok())
        .collect();
    let first = survey(texts_of(modules));
    let accounts = accounted(&first.inventory.findings);
    faults.extend(accounts.map(|what| Fault { index: 0, what }));
    for unsafe_too in [false, true] {
        let patches = first.patches(&selection(unsafe_too));
        let patch_of = |module: &Module| patches.iter().find(|patch| patch.path == module.path);
        let mut after = Vec::new();
        for (index, module) in modules.iter().enumerate() {
            let patch = patch_of(module);
            after.push((
                &*module.path,
                patch.map_or(&*module.text, |patch| &patch.after),
            ));
            // The grammar does not know all of Python; what it does not read is not held to this.
            let (Some(patch), Some(before)) = (patch, &before[index]) else {
                continue;
            };
            if let Some(what) = patched(module, before, patch) {
                let what = format!("{what}\n--- after\n{}", patch.after);
                faults.push(Fault { index, what });
            }
        }
        faults.extend(proposed_again(&after, unsafe_too));
    }
    faults
}

fn texts_of(modules: &[Module]) -> impl Iterator<Item = (&str, &str)> {
    modules.iter().map(|module| (&*module.path, &*module.text))
}

/// Every site has one verdict, and no place is the same site twice.
fn accounted(findings: &[Finding]) -> Option<String> {
    let mut by_verdict: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut places = BTreeSet::new();
    for finding in findings {
        *by_verdict.entry(finding.verdict.as_str()).or_default() += 1;
        if !ids.insert(&finding.id) {
            return Some(format!("two sites have the id {}", finding.id));
        }
        if !places.insert((&finding.site.file, &finding.site.recipe, finding.site.span)) {
            return Some(format!("{:?} is a site twice", finding.site));
        }
        if (finding.verdict == Verdict::Rewrite) != finding.fix.is_some() {
            return Some(format!(
                "verdict and fix of {:?} do not agree",
                finding.site
            ));
        }
        if finding.reasons.is_empty() && finding.verdict == Verdict::Review {
            return Some(format!("{:?} has no reason", finding.site));
        }
    }
    let known: usize = Verdict::ALL
        .iter()
        .filter_map(|verdict| by_verdict.get(verdict.as_str()))
        .sum();
    (known != findings.len()).then(|| format!("{} sites, {by_verdict:?}", findings.len()))
}

/// What an edited text keeps of the one before it.
fn patched(module: &Module, before: &Contents, patch: &Patch) -> Option<String> {
    if patch.before != module.text {
        return Some("the patch is of another text".to_owned());
    }
    let edits: Vec<_> = patch.edits.iter().map(|(edit, _)| edit.clone()).collect();
    if splice(&patch.before, &edits).as_ref() != Ok(&patch.after) {
        return Some("the edits do not give the text".to_owned());
    }
    let after = match contents(&patch.after) {
        Ok(after) => after,
        Err(problem) => return Some(format!("does not parse: {problem}")),
    };
    if after.comments != before.comments {
        return Some(format!(
            "comments: {:?} became {:?}",
            before.comments, after.comments
        ));
    }
    // What a removed statement says goes with it, but no query does.
    let kept = before
        .strings
        .iter()
        .filter(|(span, text)| {
            is_query(text) || !edits.iter().any(|edit| edit.span.contains(*span))
        })
        .map(|(_, text)| text);
    let mut left: Vec<&String> = after.strings.iter().map(|(_, text)| text).collect();
    for text in kept {
        match left.iter().position(|other| *other == text) {
            Some(at) => drop(left.swap_remove(at)),
            None => return Some(format!("the text {text:?} is gone or changed")),
        }
    }
    if !left.is_empty() {
        return Some(format!("the texts {left:?} are new"));
    }
    let unbound: Vec<_> = after.unbound.difference(&before.unbound).collect();
    if !unbound.is_empty() {
        return Some(format!("{unbound:?} are bound nowhere"));
    }
    let unread: Vec<_> = after.unread.difference(&before.unread).collect();
    if !unread.is_empty() {
        return Some(format!("the imports of {unread:?} are left over"));
    }
    frame(&patch.before, &patch.after)
}

fn is_query(text: &str) -> bool {
    text.contains("SELECT ") || text.contains("UPDATE ")
}

/// Byte order mark, line breaks and the end of the text.
fn frame(before: &str, after: &str) -> Option<String> {
    let mark = |text: &str| text.matches('\u{feff}').count();
    if mark(before) != mark(after)
        || before.starts_with('\u{feff}') != after.starts_with('\u{feff}')
    {
        return Some("the byte order mark".to_owned());
    }
    if before.ends_with('\n') != after.ends_with('\n') {
        return Some("the end of the last line".to_owned());
    }
    let bare = |text: &str| text.matches('\n').count() - text.matches("\r\n").count();
    let mixed = if before.contains("\r\n") {
        bare(after) > 0
    } else {
        after.contains('\r')
    };
    mixed.then(|| "a line break of the other kind".to_owned())
}

/// What a second run over the edited modules proposes.
fn proposed_again(after: &[(&str, &str)], unsafe_too: bool) -> Vec<Fault> {
    let again = survey(after.iter().copied()).patches(&selection(unsafe_too));
    again
        .iter()
        .map(|patch| {
            let index = after.iter().position(|(path, _)| *path == patch.path);
            let edits: Vec<_> = patch.edits.iter().map(|(edit, _)| edit).collect();
            Fault {
                index: index.unwrap_or(0),
                what: format!(
                    "a second run (unsafe: {unsafe_too}) proposes {edits:?}\n--- after\n{}",
                    patch.before
                ),
            }
        })
        .collect()
}

/// How many modules make a project: most of the time goes into reading the recipes.
const PROJECT: usize = 32;

/// The variable of the environment that asks for other modules than the usual ones, and how many.
const MORE: &str = "CONNMOD_TEST_MODULES";

/// A source of modules, the same in every run unless others are asked for; and how many modules are wanted.
fn runner() -> (TestRunner, usize) {
    let runs = Runs {
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Runs::default()
    };
    let asked = std::env::var(MORE)
        .ok()
        .and_then(|asked| asked.parse().ok());
    if let Some(number) = asked {
        (TestRunner::new(runs), number)
    } else {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        (TestRunner::new_with_rng(runs, rng), 192)
    }
}

fn choices(runner: &mut TestRunner) -> Choices {
    collection::vec(any::<u8>(), 0..200)
        .new_tree(runner)
        .expect("bytes have no conditions")
}

type Choices = collection::VecValueTree<<num::u8::Any as Strategy>::Tree>;

/// The module of one byte string, in a project of others.
fn numbered(tree: &Choices, index: usize) -> Module {
    module(&tree.current(), index)
}

#[test]
fn every_module_keeps_its_meaning() {
    let (mut runner, number) = runner();
    for _ in 0..number.div_ceil(PROJECT) {
        let trees: Vec<Choices> = (0..PROJECT).map(|_| choices(&mut runner)).collect();
        let modules: Vec<Module> = trees
            .iter()
            .enumerate()
            .map(|(index, tree)| numbered(tree, index))
            .collect();
        let Some(found) = faults(&modules).into_iter().next() else {
            continue;
        };
        // The same module alone, made smaller; if it needs the others it is shown as it is.
        let alone = runner.run_one(trees[found.index].clone(), |bytes| {
            let module = module(&bytes, found.index);
            match faults(std::slice::from_ref(&module)).first() {
                None => Ok(()),
                Some(fault) => Err(TestCaseError::fail(shown(&module, fault))),
            }
        });
        if let Err(TestError::Fail(smallest, _)) = alone {
            panic!("{smallest}");
        }
        panic!("{}", shown(&modules[found.index], &found));
    }
}

fn shown(module: &Module, fault: &Fault) -> String {
    let (path, text) = (&module.path, &module.text);
    format!("{path}: {}\n--- before\n{text}", fault.what)
}

/// What is removed may be the end of a file that has no final line break; it had none, and has none afterwards.
#[test]
fn an_open_last_line_stays_open() {
    let text = "from app.db.connection import get_db_pool\n\n\nasync def f():\n    held = await get_db_pool().acquire()\n    try:\n        \
                await held.fetch('SELECT 1 FROM securities')\n    finally:\n        await get_db_pool().release(held)";
    for text in [text.to_owned(), text.replace('\n', "\r\n")] {
        let patches = survey([("app/services/open.py", &*text)]).patches(&selection(true));
        let [patch] = &patches[..] else {
            panic!("one file changes")
        };
        assert!(
            patch.after.ends_with("fetch('SELECT 1 FROM securities')"),
            "{:?}",
            patch.after
        );
    }
}

/// Whether a module has a shape.
type HasShape = fn(&str) -> bool;

/// Shapes that break tools, each with how to see that a module holds one.
const SHAPES: [(&str, HasShape); 22] = [
    ("a pooled block", |text| text.contains(".acquire() as ")),
    ("a nested block", |text| {
        text.lines().any(|line| {
            (line.starts_with("            async with") || line.starts_with("\t\t\tasync with"))
                && line.contains("acquire(")
        })
    }),
    ("a comment on its own line", |text| {
        text.lines().any(|line| line.trim().starts_with("# c"))
    }),
    ("a comment behind code", |text| text.contains("  # c")),
    ("a comment in brackets", |text| text.contains("(  # c")),
    ("tabs", |text| text.contains("\n\t")),
    ("CRLF", |text| text.contains("\r\n")),
    ("no final newline", |text| !text.ends_with('\n')),
    ("a byte order mark", |text| text.starts_with('\u{feff}')),
    ("a form feed", |text| text.contains('\u{c}')),
    ("a string of several lines", |text| {
        text.contains("\"\"\"\n")
    }),
    ("an f-string of 3.12", |text| text.contains("f\"{d[\"k\"]}")),
    ("match", |text| text.contains("case _:")),
    ("a decorator", |text| text.contains("@decorated(")),
    ("an async generator", |text| text.contains("yield await ")),
    ("a semicolon", |text| text.contains("; rows")),
    ("a backslash", |text| text.contains(" \\\n")),
    ("a unicode identifier", |text| text.contains("größe")),
    ("type parameters of a function", |text| {
        text.lines()
            .any(|line| line.contains("def f") && line.contains("[T](") || line.contains("[Ä: "))
    }),
    ("type parameters of a class", |text| {
        text.lines()
            .any(|line| line.contains("class ") && line.contains("[T]"))
    }),
    ("a type alias", |text| text.contains("type Größen")),
    ("type parameters with comments", |text| {
        text.contains("[  # c")
    }),
];

/// The properties speak of modules that have all shapes and are rewritten; a generator that makes none would pass them all.
#[test]
fn modules_have_every_shape_and_are_rewritten() {
    let (mut runner, number) = runner();
    let mut seen: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut rewritten, mut all) = (0, 0);
    for _ in 0..number.div_ceil(PROJECT) {
        let modules: Vec<Module> = (0..PROJECT)
            .map(|index| numbered(&choices(&mut runner), index))
            .collect();
        let patches = survey(texts_of(&modules)).patches(&selection(true));
        all += modules.len();
        rewritten += patches.len();
        for module in &modules {
            let is_rewritten = patches.iter().any(|patch| patch.path == module.path);
            for (shape, _) in SHAPES.iter().filter(|(_, has)| has(&module.text)) {
                let counts = seen.entry(shape).or_default();
                counts.0 += 1;
                counts.1 += usize::from(is_rewritten);
            }
        }
    }
    let rare: Vec<_> = SHAPES
        .iter()
        .map(|(shape, _)| (shape, seen.get(shape).copied().unwrap_or_default()))
        .filter(|(_, (made, rewritten))| *made < 3 || *rewritten < 1)
        .collect();
    assert!(rare.is_empty(), "made, rewritten: {rare:?} of {seen:?}");
    assert!(
        rewritten * 2 > all,
        "only {rewritten} of {all} are rewritten"
    );
}

/// One thread and several find and write the same.
#[test]
fn threads_change_nothing() {
    let (mut runner, _) = runner();
    let modules: Vec<Module> = (0..2 * PROJECT)
        .map(|index| numbered(&choices(&mut runner), index))
        .collect();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads start").install(|| {
            let survey = survey(texts_of(&modules));
            let patches = survey.patches(&selection(true));
            (format!("{:?}", survey.inventory), format!("{patches:?}"))
        })
    };
    let one = on(1);
    assert!(one.1.contains("Patch"), "nothing is rewritten");
    for threads in [2, 7] {
        assert!(on(threads) == one, "{threads} threads give another answer");
    }
}

/// Held by a parser that is not ours and knows the newest syntax, which an older Python refuses.
#[test]
fn what_another_parser_read_it_still_reads() {
    let (mut runner, number) = runner();
    let (mut sound, mut newest, mut all) = (0, 0, 0);
    for _ in 0..number.div_ceil(PROJECT) {
        let modules: Vec<Module> = (0..PROJECT)
            .map(|index| numbered(&choices(&mut runner), index))
            .collect();
        let survey = survey(texts_of(&modules));
        for unsafe_too in [false, true] {
            for patch in survey.patches(&selection(unsafe_too)) {
                all += 1;
                if ruff_python_parser::parse_module(&patch.before).is_err() {
                    continue;
                }
                sound += 1;
                let is_new = ["type Größen", "f\"{d[\"k\"]}", "[T](", "[Ä: "];
                newest += usize::from(is_new.iter().any(|new| patch.before.contains(new)));
                if let Err(problem) = ruff_python_parser::parse_module(&patch.after) {
                    let (before, after) = (&patch.before, &patch.after);
                    panic!("not Python any more: {problem}\n{after}\n--- before\n{before}");
                }
            }
        }
    }
    assert!(sound * 4 > all * 3, "only {sound} of {all} are Python");
    assert!(newest > 20, "only {newest} have syntax of 3.12");
}

/// What all edits make of two projects' worth of modules.
fn rewritten() -> Vec<Patch> {
    let (mut runner, _) = runner();
    let modules: Vec<Module> = (0..2 * PROJECT)
        .map(|index| numbered(&choices(&mut runner), index))
        .collect();
    survey(texts_of(&modules)).patches(&selection(true))
}

/// Compiles texts in pairs, and prints the numbers of those pairs of which only the first is Python, then how many firsts are.
const COMPILE: &str = r"
import sys
texts = sys.stdin.buffer.read().split(b'\0')[:-1]
def compiles(text):
    try:
        compile(text, 'made.py', 'exec', dont_inherit=True)
    except SyntaxError:
        return False
    return True
sound = [index for index in range(0, len(texts), 2) if compiles(texts[index])]
print(*[index // 2 for index in sound if not compiles(texts[index + 1])])
print(len(sound))
";

#[test]
fn what_python_compiled_it_still_compiles() {
    let Some(python) = support::python() else {
        return;
    };
    let patches = rewritten();
    assert!(!patches.is_empty());
    let mut child = Command::new(python)
        .args(["-W", "ignore", "-c", COMPILE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("is piped");
    for patch in &patches {
        write!(input, "{}\0{}\0", patch.before, patch.after).expect("Python reads");
    }
    drop(input);
    let output = child.wait_with_output().expect("Python ends");
    let answer = String::from_utf8(output.stdout).expect("Python prints numbers");
    let (broken, sound) = answer.trim_end().rsplit_once('\n').unwrap_or_default();
    if let Some(first) = broken.split_whitespace().next() {
        let patch = &patches[first.parse::<usize>().expect("a number")];
        panic!(
            "not Python any more:\n{}\n--- before\n{}",
            patch.after, patch.before
        );
    }
    // The older a Python, the less of the syntax it knows.
    let sound: usize = sound.parse().expect("a number");
    assert!(
        sound * 3 > patches.len(),
        "only {sound} of {}",
        patches.len()
    );
}

/// Held by CPython's symbol table, which knows nothing of ours.
#[test]
fn names_differ_only_by_what_the_rewrite_says() {
    let Some(python) = support::python() else {
        return;
    };
    let settings = &LIBRARY.migrations["asyncpg"].example_settings;
    let standard = &settings.standard;
    let scopes = standard.scope.iter().chain(&standard.rls);
    let added: Vec<&String> = standard.helpers.values().chain(scopes).collect();
    let patches = rewritten();
    let pairs: Vec<serde_json::Value> = patches
        .iter()
        .map(|patch| serde_json::json!([patch.before, patch.after, added, settings.identity]))
        .collect();
    let answers = support::names_kept(&python, &pairs);
    // The older a Python, the less of the syntax it knows.
    let sound = answers.iter().flatten().count();
    assert!(
        sound * 3 > patches.len(),
        "only {sound} of {}",
        patches.len()
    );
    for (patch, faults) in patches.iter().zip(answers) {
        let faults = faults.unwrap_or_default();
        assert!(
            faults.is_empty(),
            "{faults:?}\n{}\n--- before\n{}",
            patch.after,
            patch.before
        );
    }
}

/// Whether a second run over what all edits of a first one make proposes nothing.
fn is_settled_at_once(text: &str) -> bool {
    const PATH: &str = "app/services/case.py";
    let patches = survey([(PATH, text)]).patches(&selection(true));
    let [patch] = &patches[..] else {
        panic!("one file changes: {patches:?}")
    };
    let again = survey([(PATH, patch.after.as_str())]).patches(&selection(true));
    again.is_empty()
}

/// What the rewrites leave nothing reading goes in the same run, however it is reached: a getter that fills an attribute is dead only
/// once those who read the attribute past it are gone.
#[test]
fn a_getter_goes_with_the_last_reader_of_what_it_fills() {
    let text = "from app.db.connection import get_db_pool


class Service:
    def __init__(self):
        self.db_pool = None

    def _pool(self):
        if self.db_pool is None:
            self.db_pool = get_db_pool()
        return self.db_pool

    async def one(self):
        pool = self.db_pool
        if pool is None:
            raise RuntimeError('no pool')
        async with pool.acquire() as conn:
            return await conn.fetch('SELECT * FROM prices')

    async def two(self):
        pool = self._pool()
        if not pool:
            raise RuntimeError('no pool')
        return 2
";
    assert!(is_settled_at_once(text));
}

#[test]
fn a_text_that_would_break_its_file_is_told() {
    const PATH: &str = "app/services/case.py";
    let text = "from app.db.connection import get_db_pool\n\n\nasync def one():\n    return await get_db_pool().fetch('SELECT 1')\n";
    let survey = survey([(PATH, text)]);
    assert!(survey.parses(PATH, text));
    for broken in [
        text.replace("one()", "one("),
        text.replace("get_db_pool\n", "get_db_pool,\n"),
    ] {
        assert!(!survey.parses(PATH, &broken), "{broken}");
    }
    assert!(!survey.parses("app/no_such_file.py", text));
}

/// The first reason of the site in `load`, which `callers` functions hand a pool that comes to them by a chain of variables.
fn reason_with_callers(callers: usize) -> String {
    const PATH: &str = "app/services/case.py";
    let mut text = "from app.db.connection import get_db_pool


async def load(pool):
    async with pool.acquire() as conn:
        return await conn.fetch('SELECT * FROM prices')
"
    .to_owned();
    for number in 0..callers {
        let caller = format!(
            "\n\nasync def call_{number}():\n    one = get_db_pool()\n    two = one\n    return await load(two)\n"
        );
        text.push_str(&caller);
    }
    let survey = survey([(PATH, text.as_str())]);
    let mut findings = survey.inventory.findings.iter();
    let site = findings.find(|finding| finding.site.line == 5 && finding.site.file == PATH);
    site.expect("it borrows a connection").reasons.join("; ")
}

#[test]
fn a_pool_is_followed_to_many_callers_but_not_to_any_number() {
    const GIVEN_UP: &str = "too many places pass it on for all of them to be followed";
    let few = reason_with_callers(100);
    assert!(!few.contains(GIVEN_UP), "{few}");
    let many = reason_with_callers(1_000);
    assert!(many.contains(GIVEN_UP), "{many}");
}
