//! On whose behalf the parts of a tree run: by what folders are called, and by decorators, bases and what scripts do.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Context, ContextKind};
use crate::language::ScopeKind;
use crate::language::expression::{Argument, Expression};
use crate::learn::evidence::Evidence;
use crate::learn::standard::Forms;
use crate::learn::{Learnt, Note};
use crate::project::{FileId, ParsedFile};
use crate::source::SourceFile;

/// What folders of one kind are called, in the order of the phases of a migration.
struct Custom {
    context: &'static str,
    kind: ContextKind,
    folders: &'static [&'static str],
    /// Whether only folders count whose code uses the database.
    on_evidence: bool,
}

const CUSTOMS: &[Custom] = &[
    Custom {
        context: "services",
        kind: ContextKind::System,
        folders: &["services", "service"],
        on_evidence: false,
    },
    Custom {
        context: "data layer",
        kind: ContextKind::System,
        folders: &[
            "repositories",
            "repository",
            "repos",
            "crud",
            "db",
            "database",
            "storage",
            "dal",
            "dao",
            "stores",
            "store",
            "core",
            "models",
            "integrations",
            "providers",
            "persistence",
            "queries",
        ],
        on_evidence: true,
    },
    Custom {
        context: "agents",
        kind: ContextKind::User,
        folders: &["agents", "agent"],
        on_evidence: false,
    },
    Custom {
        context: "jobs",
        kind: ContextKind::System,
        folders: &[
            "jobs",
            "job",
            "tasks",
            "workers",
            "worker",
            "cron",
            "celery",
            "scheduler",
        ],
        on_evidence: false,
    },
    Custom {
        context: "api routes",
        kind: ContextKind::User,
        folders: &[
            "routes",
            "api",
            "routers",
            "router",
            "views",
            "endpoints",
            "handlers",
            "controllers",
        ],
        on_evidence: false,
    },
    Custom {
        context: "scripts",
        kind: ContextKind::Script,
        folders: &[
            "scripts",
            "script",
            "bin",
            "tools",
            "alembic",
            "versions",
            "migrations",
        ],
        on_evidence: false,
    },
];

/// Folders of tests.
const TESTS: &[&str] = &["tests", "test", "testing"];

/// The methods of a router that make a function a route.
const ROUTES: &[&str] = &[
    "get",
    "post",
    "put",
    "delete",
    "patch",
    "websocket",
    "route",
    "api_route",
];

/// Whether the file at `path` is a test, or serves tests.
pub(super) fn is_test(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    folders.split('/').any(|folder| TESTS.contains(&folder)) || is_test_name(name)
}

#[allow(clippy::case_sensitive_file_extension_comparisons)] // As Python has it: `.PY` is no module.
fn is_test_name(name: &str) -> bool {
    (name.starts_with("test_") && name.ends_with(".py"))
        || name.ends_with("_test.py")
        || name == "conftest.py"
}

/// Whether the file at `path` lies in a folder of scripts.
pub(super) fn is_script(path: &str) -> bool {
    custom_of(path).is_some_and(|(custom, _)| custom.kind == ContextKind::Script)
}

/// The custom that says what the file at `path` is, with the folder that it goes by: the innermost one that is called so.
fn custom_of(path: &str) -> Option<(&'static Custom, &str)> {
    let mut folder = path.rsplit_once('/')?.0;
    loop {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        if let Some(custom) = CUSTOMS.iter().find(|custom| custom.folders.contains(&name)) {
            return Some((custom, folder));
        }
        folder = folder.rsplit_once('/')?.0;
    }
}

/// What is known of one context before it is written down.
#[derive(Default)]
struct Draft {
    paths: BTreeSet<String>,
    decorators: BTreeSet<String>,
    bases: BTreeSet<String>,
    /// Where each of the last two was found.
    places: BTreeMap<String, String>,
}

impl Draft {
    fn add(
        set: &mut BTreeSet<String>,
        places: &mut BTreeMap<String, String>,
        name: String,
        place: String,
    ) {
        if set.insert(name.clone()) {
            places.insert(name, place);
        }
    }
}

/// Learns `contexts`.
pub(super) fn learn(
    evidence: &Evidence<'_>,
    forms: &Forms,
    files: &[SourceFile],
    learnt: &mut Learnt,
) {
    let users = users_of_database(evidence, forms);
    let mut drafts: BTreeMap<&'static str, Draft> = BTreeMap::new();
    for file in files.iter().filter(|file| is_code(file.path())) {
        let path = file.path();
        if is_test(path) {
            drafts
                .entry("tests")
                .or_default()
                .paths
                .insert(test_glob(path));
        } else if let Some((custom, folder)) = custom_of(path)
            && (!custom.on_evidence || users.contains(path))
        {
            let glob = format!("{}/**", globset::escape(folder));
            drafts.entry(custom.context).or_default().paths.insert(glob);
        }
    }
    decorated(evidence, &mut drafts);
    bases(evidence, &mut drafts);
    let mut uncovered = Vec::new();
    for path in &users {
        let covered = is_test(path)
            || custom_of(path).is_some()
            || evidence
                .project
                .by_path(path)
                .is_some_and(|id| forms.files.contains(&id));
        if covered || defines_routes(evidence, path) {
            continue;
        }
        if runs_alone(path, files) {
            drafts
                .entry("scripts")
                .or_default()
                .paths
                .insert(globset::escape(path));
        } else {
            uncovered.push(path.as_str());
        }
    }
    let standard: Vec<String> = forms
        .files
        .iter()
        .map(|id| globset::escape(evidence.file(*id).source.path()))
        .collect();
    drafts.entry("standard").or_default().paths.extend(standard);
    write(drafts, learnt);
    if !uncovered.is_empty() {
        let text = format!(
            "none for {}: say there on whose behalf they run",
            some(&uncovered)
        );
        learnt.notes.push(Note::guessed(
            "contexts",
            text,
            "nothing tells what they are",
        ));
    }
}

/// The first few of a list, and how many more there are.
fn some(items: &[&str]) -> String {
    const SHOWN: usize = 5;
    let shown = items
        .iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn is_code(path: &str) -> bool {
    crate::language::for_path(path).is_some()
}

fn test_glob(path: &str) -> String {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    match folders.split('/').find(|folder| TESTS.contains(folder)) {
        Some(folder) => format!("**/{folder}/**"),
        None if name == "conftest.py" => "**/conftest.py".to_owned(),
        None if name.starts_with("test_") => "**/test_*.py".to_owned(),
        None => "**/*_test.py".to_owned(),
    }
}

/// The files that run queries, borrow connections or open them.
fn users_of_database(evidence: &Evidence<'_>, forms: &Forms) -> BTreeSet<String> {
    let driver = evidence.driver;
    let uses = |id: FileId, file: &ParsedFile| {
        let calls = |call: &crate::language::expression::CallSite| {
            let opens =
                driver.connect.contains(&call.name) || driver.create_pool.contains(&call.name);
            (opens
                && (evidence.is_of_driver(id, call.callee, &driver.connect)
                    || evidence.is_of_driver(id, call.callee, &driver.create_pool)))
                || evidence
                    .called(id, call.callee)
                    .is_some_and(|function| forms.has(function))
                || (driver.acquire.contains(&call.name) && evidence.is_acquire(id, call.callee))
        };
        file.outline.calls.iter().any(calls)
    };
    evidence
        .project
        .files()
        .filter(|(id, file)| uses(*id, file))
        .map(|(_, file)| file.source.path().to_owned())
        .collect()
}

/// Adds the decorators that make routes and tasks.
fn decorated(evidence: &Evidence<'_>, drafts: &mut BTreeMap<&'static str, Draft>) {
    for (id, file) in evidence.project.files() {
        if is_test(file.source.path()) {
            continue;
        }
        for scope in file
            .model
            .scopes
            .iter()
            .filter(|scope| scope.kind == ScopeKind::Function)
        {
            for decorator in &scope.decorators {
                let Some((context, name)) = role_of(file, *decorator) else {
                    continue;
                };
                let draft = drafts.entry(context).or_default();
                let place = evidence.project.place(id, *decorator);
                Draft::add(&mut draft.decorators, &mut draft.places, name, place);
            }
        }
    }
}

/// The context that a decorator puts a function into, with the end of its name.
fn role_of(file: &ParsedFile, decorator: crate::source::Span) -> Option<(&'static str, String)> {
    let (callee, arguments) = match file.expression(decorator) {
        Expression::Call { callee, arguments } => (callee, Some(arguments)),
        _ => (decorator, None),
    };
    let text = callee.text(file.text());
    if text == "shared_task" || text.ends_with(".shared_task") {
        return Some(("jobs", "shared_task".to_owned()));
    }
    let Expression::Attribute { object, name } = file.expression(callee) else {
        return None;
    };
    let object = object.text(file.text());
    let owner = object.rsplit('.').next().filter(|owner| is_name(owner))?;
    let last = format!("{owner}.{name}");
    if name == "task" || name == "periodic_task" {
        return Some(("jobs", last));
    }
    // A route has a path; `@cache.get("key")` has none.
    let has_path = arguments.is_some_and(|arguments| match arguments.first() {
        Some(Argument::Positional(path)) => {
            let path = path
                .text(file.text())
                .trim_start_matches(['f', 'r'])
                .trim_matches(['"', '\'']);
            path.is_empty() || path.starts_with('/')
        }
        _ => false,
    });
    (ROUTES.contains(&name.as_str()) && has_path).then_some(("api routes", last))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Whether a file defines routes by decorators.
fn defines_routes(evidence: &Evidence<'_>, path: &str) -> bool {
    let Some(id) = evidence.project.by_path(path) else {
        return false;
    };
    let file = evidence.file(id);
    let mut decorators = file.model.scopes.iter().flat_map(|scope| &scope.decorators);
    decorators.any(|decorator| {
        role_of(file, *decorator).is_some_and(|(context, _)| context == "api routes")
    })
}

/// Adds the base classes that the classes in folders of agents share.
fn bases(evidence: &Evidence<'_>, drafts: &mut BTreeMap<&'static str, Draft>) {
    let Some(draft) = drafts.get_mut("agents") else {
        return;
    };
    for (id, file) in evidence.project.files() {
        if custom_of(file.source.path()).is_none_or(|(custom, _)| custom.context != "agents") {
            continue;
        }
        for scope in file
            .model
            .scopes
            .iter()
            .filter(|scope| scope.kind == ScopeKind::Class)
        {
            for base in &scope.bases {
                let text = base.text(file.text());
                let last = text.rsplit('.').next().unwrap_or(text);
                let is_agent = is_name(last) && last.ends_with("Agent");
                let symbol = evidence.project.symbol(id, *base);
                let of_project =
                    symbol.is_some_and(|symbol| evidence.project.class(&symbol, id).is_some());
                if is_agent && (of_project || !evidence.project.classes_named(last).is_empty()) {
                    let place = evidence.project.place(id, *base);
                    Draft::add(&mut draft.bases, &mut draft.places, last.to_owned(), place);
                }
            }
        }
    }
}

/// Whether a file is run by hand and nothing imports it.
fn runs_alone(path: &str, files: &[SourceFile]) -> bool {
    let Some(file) = files.iter().find(|file| file.path() == path) else {
        return false;
    };
    let is_main = |line: &str| line.starts_with("if __name__") && line.contains("__main__");
    let serves = file.text().contains("uvicorn.run(") || file.text().contains(".run_polling(");
    if serves || !file.text().lines().any(is_main) {
        return false;
    }
    let stem = path
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".py"))
        .unwrap_or(path);
    !files
        .iter()
        .any(|other| other.path() != path && imports(other.text(), stem))
}

/// Whether a line of `text` imports a module whose last name is `stem`.
fn imports(text: &str, stem: &str) -> bool {
    text.lines()
        .filter(|line| line.contains("import") && line.contains(stem))
        .any(|line| {
            let line = line.trim_start();
            let is_import = line.starts_with("import ") || line.starts_with("from ");
            let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            is_import && words.any(|word| word == stem)
        })
}

/// Writes the contexts that have anything in the order of the phases.
fn write(mut drafts: BTreeMap<&'static str, Draft>, learnt: &mut Learnt) {
    let customs = CUSTOMS.iter().map(|custom| (custom.context, custom.kind));
    let all = customs.chain([
        ("tests", ContextKind::Test),
        ("standard", ContextKind::Standard),
    ]);
    for (name, kind) in all {
        let Some(draft) = drafts.remove(name) else {
            continue;
        };
        let setting = format!("contexts.{name}");
        if !draft.paths.is_empty() {
            let paths: Vec<&str> = draft.paths.iter().map(String::as_str).collect();
            let text = some(&paths);
            learnt.notes.push(match kind {
                ContextKind::Standard => Note::found(&setting, text, "the module and its pool"),
                _ if name == "data layer" => Note::guessed(
                    &setting,
                    text,
                    "their code runs queries for others, as its folders are called",
                ),
                _ => Note::guessed(&setting, text, "from the names of folders and files"),
            });
        }
        for found in draft.decorators.iter().chain(&draft.bases) {
            if let Some(place) = draft.places.get(found) {
                learnt.notes.push(Note::found(&setting, found, place));
            }
        }
        if draft.paths.is_empty() && draft.decorators.is_empty() && draft.bases.is_empty() {
            continue;
        }
        learnt.config.contexts.push(Context {
            name: name.to_owned(),
            kind,
            paths: without_nested(draft.paths),
            decorators: draft.decorators.into_iter().collect(),
            bases: draft.bases.into_iter().collect(),
        });
    }
}

/// The globs without those of folders that lie in another one of them.
fn without_nested(paths: BTreeSet<String>) -> Vec<String> {
    let folders: Vec<String> = paths
        .iter()
        .filter_map(|path| path.strip_suffix("/**"))
        .filter(|folder| !folder.starts_with("**"))
        .map(|folder| format!("{folder}/"))
        .collect();
    paths
        .into_iter()
        .filter(|path| {
            let inside = |folder: &String| {
                path.starts_with(folder) && path.strip_suffix("**") != Some(folder)
            };
            !folders.iter().any(inside)
        })
        .collect()
}
