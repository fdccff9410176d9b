//! On whose behalf the parts of a tree run: by what folders are called, and by decorators, bases and what scripts do.

mod alone;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Context, ContextKind, glob_of};
use crate::facts::types::{Type, Types};
use crate::language::expression::{Argument, Expression};
use crate::language::{ScopeId, ScopeKind};
use crate::learn::evidence::Evidence;
use crate::learn::identity::is_extracted;
use crate::learn::standard::Forms;
use crate::learn::{Learnt, Note};
use crate::project::{FileId, ParsedFile, Symbol};
use crate::source::SourceFile;

/// What folders of one kind are called.
struct Custom {
    context: &'static str,
    kind: ContextKind,
    /// Names that say it by themselves.
    folders: &'static [&'static str],
    /// Names that say it where no folder around or inside is called by one of the others'.
    weak: &'static [&'static str],
}

/// In the order of the phases of a migration.
const CUSTOMS: &[Custom] = &[
    Custom {
        context: "services",
        kind: ContextKind::System,
        folders: &["services", "service"],
        weak: &[],
    },
    Custom {
        context: "agents",
        kind: ContextKind::User,
        folders: &["agents", "agent"],
        weak: &[],
    },
    Custom {
        context: "jobs",
        kind: ContextKind::System,
        folders: &[
            "jobs", "job", "tasks", "workers", "worker", "cron", "celery",
        ],
        weak: &["scheduler", "queues"],
    },
    Custom {
        context: "api routes",
        kind: ContextKind::User,
        folders: &["routes", "api", "routers", "endpoints"],
        weak: &["router", "views", "handlers", "controllers"],
    },
    Custom {
        context: DATA_LAYER,
        kind: ContextKind::System,
        folders: &[],
        weak: &[
            "core",
            "crud",
            "dal",
            "dao",
            "database",
            "db",
            "integrations",
            "models",
            "persistence",
            "providers",
            "queries",
            "repos",
            "repositories",
            "repository",
            "storage",
            "store",
            "stores",
        ],
    },
    Custom {
        context: "scripts",
        kind: ContextKind::Script,
        folders: &["scripts", "alembic", "versions", "migrations"],
        weak: &["script", "bin", "tools"],
    },
];

/// Code that runs queries for others. Many folders are called so and do not, so they count only where they are seen to.
const DATA_LAYER: &str = "data-layer";

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
        || matches!(
            name,
            "tests.rs" | "test.rs" | "test_utils.rs" | "test_helpers.rs"
        )
        || name.ends_with("_tests.rs")
        || name.ends_with("_test.rs")
}

/// Whether the file at `path` lies in a folder of scripts.
pub(super) fn is_script(path: &str) -> bool {
    custom_of(path).is_some_and(|custom| custom.kind == ContextKind::Script)
}

/// The custom that says what the file at `path` is: that of the innermost folder with a telling name, else with a weak one.
fn custom_of(path: &str) -> Option<&'static Custom> {
    let (folders, name) = path.rsplit_once('/')?;
    // A file of Rust is a module as a folder is one, and `bin` is a folder of programs below `src` only.
    let stem = name.strip_suffix(".rs");
    if name == "build.rs" || stem.is_some() && is_beside(folders) {
        return CUSTOMS.iter().find(|custom| custom.context == "scripts");
    }
    let own = stem.filter(|stem| !matches!(*stem, "mod" | "lib" | "main"));
    let module;
    let folders = match stem {
        Some(_) => {
            let inside = folders.strip_suffix("src").unwrap_or(folders);
            let inside = inside
                .rsplit_once("src/")
                .map_or(inside, |(_, inside)| inside);
            let inside = if folders.contains("src") {
                inside
            } else {
                folders
            };
            let inside = if folders.ends_with("src") { "" } else { inside };
            module = format!("{inside}/{}", own.unwrap_or_default());
            module.trim_matches('/')
        }
        None => folders,
    };
    let called = |names: fn(&Custom) -> &'static [&'static str]| {
        folders.rsplit('/').find_map(|folder| {
            CUSTOMS
                .iter()
                .find(|custom| names(custom).contains(&folder))
        })
    };
    called(|custom| custom.folders).or_else(|| called(|custom| custom.weak))
}

/// Whether a folder of Rust holds programs of their own: further binaries, examples, benchmarks.
fn is_beside(folders: &str) -> bool {
    let mut parts = folders.split('/').peekable();
    while let Some(part) = parts.next() {
        if matches!(part, "examples" | "benches") || part == "src" && parts.peek() == Some(&"bin") {
            return true;
        }
    }
    false
}

/// What is known of one context before it is written down.
#[derive(Default)]
struct Draft {
    paths: BTreeSet<String>,
    decorators: BTreeSet<String>,
    bases: BTreeSet<String>,
    parameters: BTreeSet<String>,
    /// Where each of these was found, unless it is guessed.
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
    let mut users = users_of_database(evidence, forms);
    // The standard itself tells nothing of the folder that it lies in.
    for id in &forms.files {
        users.remove(evidence.file(*id).source.path());
    }
    let paths: Vec<&str> = files
        .iter()
        .map(SourceFile::path)
        .filter(|path| is_code(path))
        .collect();
    let mut drafts: BTreeMap<&'static str, Draft> = BTreeMap::new();
    for (context, globs) in folders(evidence, &users, &paths) {
        drafts.entry(context).or_default().paths.extend(globs);
    }
    decorated(evidence, &mut drafts);
    by_parameters(evidence, &mut drafts);
    roots(evidence, &mut drafts);
    bases(evidence, &mut drafts);
    let uncovered = alone::single_files(evidence, files, &users, &mut drafts);
    for id in &forms.files {
        let standard = drafts.entry("standard").or_default();
        let path = evidence.file(*id).source.path();
        let folder = path.strip_suffix("__init__.py");
        let (path, place) = match folder.filter(|_| evidence.driver.any_pool) {
            // A service is a package: all of it is the standard's own.
            Some(folder) => (format!("{}**", glob_of(folder)), path.to_owned()),
            None => (glob_of(path), forms.first_in(evidence, *id)),
        };
        Draft::add(&mut standard.paths, &mut standard.places, path, place);
    }
    write(drafts, learnt);
    if !uncovered.is_empty() {
        let uncovered: Vec<&str> = uncovered.iter().map(String::as_str).collect();
        let text = format!(
            "none for {}: say there on whose behalf they run",
            some(&uncovered)
        );
        let why = "nothing tells what these files are";
        learnt.notes.push(Note::guessed("contexts", text, why));
    }
}

/// The globs of the contexts that folders are called by.
fn folders(
    evidence: &Evidence<'_>,
    users: &BTreeSet<String>,
    paths: &[&str],
) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut globs: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    let (tests, others): (Vec<&str>, Vec<&str>) = paths.iter().partition(|path| is_test(path));
    for path in tests {
        globs.entry("tests").or_default().insert(test_glob(path));
    }
    let contexts: BTreeMap<&str, &'static str> = others
        .iter()
        .filter_map(|path| Some((*path, custom_of(path)?.context)))
        .collect();
    for context in CUSTOMS.iter().map(|custom| custom.context) {
        let tells = |path: &str| {
            let mentions = evidence.project.by_path(path).is_some();
            contexts.get(path) == Some(&context)
                && if context == DATA_LAYER {
                    users.contains(path)
                } else {
                    mentions
                }
        };
        let roots: BTreeSet<&str> = others
            .iter()
            .filter(|path| tells(path))
            .filter_map(|path| outermost(path, context, &contexts))
            .collect();
        for root in roots {
            cover(root, context, &contexts, globs.entry(context).or_default());
        }
    }
    globs
}

/// The outermost folder around the file at `path` that is called as `context`'s are.
fn outermost<'p>(
    path: &'p str,
    context: &str,
    contexts: &BTreeMap<&str, &'static str>,
) -> Option<&'p str> {
    let custom = CUSTOMS.iter().find(|custom| custom.context == context)?;
    debug_assert!(contexts.contains_key(path));
    path.match_indices('/')
        .map(|(at, _)| &path[..at])
        .find(|folder| {
            let name = folder.rsplit('/').next().unwrap_or(folder);
            custom.folders.contains(&name) || custom.weak.contains(&name)
        })
}

/// Adds globs for the files below `folder` that belong to `context`: one where they all do, else those of its parts.
///
/// The first context that covers a file decides, so files of a context that comes later must not be covered by an earlier one.
fn cover(
    folder: &str,
    context: &'static str,
    contexts: &BTreeMap<&str, &'static str>,
    globs: &mut BTreeSet<String>,
) {
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        let prefix = format!("{folder}/");
        let below = || {
            let all = contexts.range(prefix.as_str()..);
            all.take_while(|(path, _)| path.starts_with(&prefix))
        };
        if !below().any(|(_, other)| *other == context) {
            continue;
        }
        let others_below = below().any(|(_, other)| comes_before(context, other));
        if !others_below {
            globs.insert(format!("{}/**", glob_of(&folder)));
            continue;
        }
        let mut parts = BTreeSet::new();
        for (path, _) in below() {
            match path[prefix.len()..].split_once('/') {
                Some((part, _)) => parts.insert(format!("{prefix}{part}")),
                None => globs.insert(format!("{}/*", glob_of(&folder))),
            };
        }
        pending.extend(parts);
    }
}

/// Whether `earlier` would decide where both contexts cover a file.
fn comes_before(earlier: &str, later: &str) -> bool {
    let rank = |name: &str| CUSTOMS.iter().position(|custom| custom.context == name);
    rank(earlier) < rank(later)
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
        None if name.ends_with("_tests.rs") => "**/*_tests.rs".to_owned(),
        None if name.ends_with("_test.rs") => "**/*_test.rs".to_owned(),
        None if name.strip_suffix(".rs").is_some() => format!("**/{name}"),
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
                || ((driver.acquire.contains(&call.name) || driver.begin.contains(&call.name))
                    && evidence.is_acquire(id, call.callee))
                || (driver.executors.contains(&call.name) && evidence.runs_on_pool(id, call))
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
    if file.language.is_typed() {
        // `get("/parcels")` of actix and rocket.
        let text = decorator.text(file.text());
        let (name, rest) = text.split_once('(')?;
        let last = name.rsplit("::").next().unwrap_or(name).trim();
        let is_route = ROUTES.contains(&last) && rest.trim_start().starts_with("\"/");
        return is_route.then(|| ("api routes", last.to_owned()));
    }
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

/// Crates whose types of parameters make a function one that answers requests.
const FRAMEWORKS: &[&str] = &["axum", "axum_extra", "actix_web", "poem", "salvo"];

/// Those types.
const EXTRACTORS: &[&str] = &[
    "State",
    "Path",
    "Query",
    "Json",
    "Form",
    "Extension",
    "Multipart",
    "TypedHeader",
    "ConnectInfo",
    "WebSocketUpgrade",
    "HttpRequest",
    "Data",
    "ReqData",
    "Payload",
    "CookieJar",
    "PrivateCookieJar",
    "SignedCookieJar",
];

/// Adds the types of parameters by which frameworks hand a request to a function.
fn by_parameters(evidence: &Evidence<'_>, drafts: &mut BTreeMap<&'static str, Draft>) {
    let types = Types::new(evidence.project, evidence.driver);
    for (id, file) in evidence.project.files() {
        if !file.language.is_typed() || is_test(file.source.path()) {
            continue;
        }
        for (index, scope) in file.model.scopes.iter().enumerate() {
            if scope.kind != ScopeKind::Function {
                continue;
            }
            for annotation in scope.parameters.iter().filter_map(|own| own.annotation) {
                let declared = types.written(id, annotation, ScopeId(index as u32));
                let Type::Named { name, class, .. } = declared else {
                    continue;
                };
                let root = name.split('.').next().unwrap_or_default();
                let last = name.rsplit('.').next().unwrap_or(&name);
                let of_framework = FRAMEWORKS.contains(&root) && EXTRACTORS.contains(&last);
                let own = class.is_some_and(|class| is_extracted(evidence, class));
                if of_framework || own {
                    let draft = drafts.entry("api routes").or_default();
                    let place = evidence.project.place(id, annotation);
                    Draft::add(
                        &mut draft.parameters,
                        &mut draft.places,
                        last.to_owned(),
                        place,
                    );
                }
            }
        }
    }
}

/// Adds the files in which programs are put together.
fn roots(evidence: &Evidence<'_>, drafts: &mut BTreeMap<&'static str, Draft>) {
    for (id, file) in evidence.project.files() {
        let path = file.source.path();
        let is_main = path == "src/main.rs" || path.ends_with("/src/main.rs");
        if !is_main || is_script(path) || is_test(path) {
            continue;
        }
        let scopes = &file.model.scopes;
        if let Some(main) = scopes.iter().find(|scope| scope.name == "main") {
            let place = evidence.project.place(id, main.span);
            let draft = drafts.entry(START).or_default();
            Draft::add(&mut draft.paths, &mut draft.places, glob_of(path), place);
        }
    }
}

/// The context of what puts a program together.
const START: &str = "start";

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
        if custom_of(file.source.path()).is_none_or(|custom| custom.context != "agents") {
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
                // A class that every agent inherits may stand in a file that tells nothing else.
                let of_project = evidence.project.symbol(id, *base).is_some_and(|symbol| {
                    matches!(symbol, Symbol::Unread { .. })
                        || evidence.project.class(&symbol, id).is_some()
                });
                if is_agent && of_project {
                    let place = evidence.project.place(id, *base);
                    Draft::add(&mut draft.bases, &mut draft.places, last.to_owned(), place);
                }
            }
        }
    }
}

/// Writes the contexts that have anything, in the order of the phases.
fn write(mut drafts: BTreeMap<&'static str, Draft>, learnt: &mut Learnt) {
    let customs = CUSTOMS.iter().map(|custom| (custom.context, custom.kind));
    let all = customs.chain([
        (START, ContextKind::Root),
        ("tests", ContextKind::Test),
        ("standard", ContextKind::Standard),
    ]);
    for (name, kind) in all {
        let Some(draft) = drafts.remove(name) else {
            continue;
        };
        let by_code = [&draft.decorators, &draft.bases, &draft.parameters];
        if draft.paths.is_empty() && by_code.iter().all(|names| names.is_empty()) {
            continue;
        }
        let setting = format!("contexts.{name}");
        for path in &draft.paths {
            learnt.notes.push(match draft.places.get(path) {
                Some(place) => Note::found(&setting, path, place),
                None => Note::guessed(&setting, path, why(name, path)),
            });
        }
        let by_code = draft.decorators.iter().chain(&draft.bases);
        for found in by_code.chain(&draft.parameters) {
            if let Some(place) = draft.places.get(found) {
                learnt.notes.push(Note::found(&setting, found, place));
            }
        }
        learnt.config.contexts.push(Context {
            name: name.to_owned(),
            kind,
            paths: draft.paths.into_iter().collect(),
            decorators: draft.decorators.into_iter().collect(),
            bases: draft.bases.into_iter().collect(),
            parameters: draft.parameters.into_iter().collect(),
        });
    }
}

/// What a glob is guessed from.
fn why(context: &str, glob: &str) -> &'static str {
    if context == DATA_LAYER {
        "what is called so and uses the database does it for others"
    } else if glob.contains('*') {
        "from its name"
    } else {
        "it is run by itself, and nothing imports it"
    }
}
