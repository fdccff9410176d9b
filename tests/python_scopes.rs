//! The model of Python names, held against `CPython`'s own symbol table.
//!
//! Needs `python3`; without it the test fails rather than pass unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use connmod::language::python::Python;
use connmod::language::{
    Binding, BindingKind, Model, ReferenceKind, Scope, ScopeId, ScopeKind, parse,
};
use serde::Deserialize;

/// Which scope: kind, name, line.
type Key = (String, String, usize);
/// The names of a scope, each with its class.
type Names = BTreeMap<String, String>;

/// A scope as the script prints it.
type Printed = (String, String, usize, Names);

#[derive(Deserialize)]
struct Answers {
    /// Whether this `CPython` merges comprehensions into the scope around them, so that its table shows them no more.
    inlines: bool,
    sources: Vec<Option<Vec<Printed>>>,
}

fn ask_cpython(sources: &[String]) -> Answers {
    let mut child = Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/python_scopes.py"
        ))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed to check the model of names");
    let input = serde_json::to_vec(sources).expect("strings are JSON");
    child
        .stdin
        .take()
        .expect("standard input is piped")
        .write_all(&input)
        .expect("python3 reads its input");
    let output = child.wait_with_output().expect("python3 ends");
    assert!(output.status.success(), "python3 failed");
    serde_json::from_slice(&output.stdout).expect("python3 answers in JSON")
}

fn kind(scope: &Scope) -> Option<&'static str> {
    match scope.kind {
        ScopeKind::Module => Some("module"),
        ScopeKind::Class => Some("class"),
        ScopeKind::Function => Some("function"),
        ScopeKind::Lambda => Some("lambda"),
        ScopeKind::Comprehension => Some("comprehension"),
        ScopeKind::TypeParameters => None,
        ScopeKind::Block | ScopeKind::Namespace => unreachable!("Python has no such scope"),
    }
}

/// Whether `CPython` notes the binding in `scope`: where it stands, and for `:=` in a comprehension also in the function
/// that it reaches.
fn stands_in(model: &Model, binding: &Binding, scope: ScopeId) -> bool {
    let reached = || {
        model
            .ancestors(binding.executed_in)
            .find(|id| model.scope(*id).kind != ScopeKind::Comprehension)
    };
    binding.executed_in == scope
        || (binding.kind == BindingKind::Walrus
            && scope != Model::MODULE
            && reached() == Some(scope))
}

/// The name as the class around `scope` mangles it.
fn mangled(model: &Model, scope: ScopeId, name: &str) -> String {
    let class = model
        .class_around(scope)
        .map(|class| model.scope(class).name.trim_start_matches('_'));
    match class {
        Some(class) if !class.is_empty() && name.starts_with("__") && !name.ends_with("__") => {
            format!("_{class}{name}")
        }
        _ => name.to_owned(),
    }
}

/// What the model says, in `CPython`'s terms; and apart from it the names that only annotations read, which `CPython` may leave out.
#[allow(clippy::type_complexity)]
fn ours(source: &str, model: &Model) -> BTreeMap<Key, (Vec<Names>, BTreeSet<String>)> {
    let mut found: BTreeMap<Key, (Vec<Names>, BTreeSet<String>)> = BTreeMap::new();
    for (index, scope) in model.scopes.iter().enumerate() {
        let id = ScopeId(index as u32);
        let Some(kind) = kind(scope) else { continue };
        let class = |owner: Option<ScopeId>| {
            let class = match owner {
                _ if id == Model::MODULE => "global",
                Some(owner) if owner == id => "local",
                None | Some(Model::MODULE) => "global",
                Some(_) => "free",
            };
            class.to_owned()
        };
        let mut names = Names::new();
        let mut annotations = BTreeSet::new();
        for binding in model.bindings.iter().filter(|b| stands_in(model, b, id)) {
            names.insert(
                mangled(model, id, &binding.name),
                class(Some(binding.scope)),
            );
        }
        for reference in model.references.iter().filter(|r| r.scope == id) {
            let exported = source[..reference.span.start].ends_with(['"', '\'']);
            if reference.kind == ReferenceKind::Annotation {
                annotations.insert(mangled(model, id, &reference.name));
            } else if !exported {
                names.insert(mangled(model, id, &reference.name), class(reference.target));
            }
        }
        let line = if id == Model::MODULE {
            0
        } else {
            source[..scope.span.start].matches('\n').count() + 1
        };
        let entry = found
            .entry((kind.to_owned(), scope.name.clone(), line))
            .or_default();
        entry.0.push(names);
        entry.1.extend(annotations);
    }
    found
}

/// The lines that the two disagree in.
fn differences(source: &str, theirs: &[Printed], inlines: bool) -> Vec<String> {
    let parsed = parse(&Python, source).expect("parses");
    let model = connmod::language::python::model(source, &parsed.tree);
    let ours = ours(source, &model);
    let mut expected: BTreeMap<Key, Vec<Names>> = BTreeMap::new();
    for (kind, name, line, names) in theirs {
        expected
            .entry((kind.clone(), name.clone(), *line))
            .or_default()
            .push(names.clone());
    }
    let mut lines = Vec::new();
    let keys: BTreeSet<&Key> = ours.keys().chain(expected.keys()).collect();
    for key in keys {
        if inlines && (key.0 == "comprehension" || holds_comprehension(&model, source, key)) {
            continue;
        }
        let empty = (Vec::new(), BTreeSet::new());
        let (mut mine, annotations) = ours.get(key).unwrap_or(&empty).clone();
        let mut theirs = expected.get(key).cloned().unwrap_or_default();
        for names in &mut theirs {
            names.retain(|name, _| {
                !annotations.contains(name) || mine.iter().any(|mine| mine.contains_key(name))
            });
        }
        mine.sort();
        theirs.sort();
        if mine != theirs {
            lines.push(format!("{key:?}\n   ours {mine:?}\n theirs {theirs:?}"));
        }
    }
    lines
}

fn holds_comprehension(model: &Model, source: &str, key: &Key) -> bool {
    model.scopes.iter().any(|scope| {
        scope.kind == ScopeKind::Comprehension
            && scope.parent.is_some_and(|parent| {
                let parent = model.scope(parent);
                let line = source[..parent.span.start].matches('\n').count() + 1;
                parent.name == key.1 && (parent.kind == ScopeKind::Module || line == key.2)
            })
    })
}

/// All differences over `sources`, which `CPython` must take.
pub fn compare(sources: &[String]) -> Vec<Vec<String>> {
    let answers = ask_cpython(sources);
    sources
        .iter()
        .zip(&answers.sources)
        .map(|(source, theirs)| match theirs {
            Some(theirs) => differences(source, theirs, answers.inlines),
            None => vec!["CPython refuses it".to_owned()],
        })
        .collect()
}

#[test]
fn names_mean_what_cpython_says() {
    let text = include_str!("python_scopes.txt");
    let sources: Vec<String> = text
        .split("\n# ---")
        .map(|part| {
            part.split_once('\n')
                .map_or("", |(_, body)| body)
                .to_owned()
                + "\n"
        })
        .collect();
    assert!(sources.len() > 20, "the snippets are read");
    for (source, differences) in sources.iter().zip(compare(&sources)) {
        assert!(
            differences.is_empty(),
            "{source}\n{}",
            differences.join("\n")
        );
    }
}
