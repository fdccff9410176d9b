//! The standard module: which of the files with pools, scopes and helpers the project goes through, and what its functions are called
//! there.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::facts::standard::reading::{self, Lends};
use crate::language::{ImportKind, Model};
use crate::learn::contexts::{is_script, is_test};
use crate::learn::evidence::Evidence;
use crate::learn::helpers::{self, Helper};
use crate::learn::scopes::{self, Getter};
use crate::learn::{Learnt, Note};
use crate::project::{FileId, FunctionRef, Modules, Symbol};

/// The functions of the project that a standard can be made of.
#[derive(Debug, Clone, Default)]
pub(super) struct Forms {
    getters: Vec<(FunctionRef, Getter)>,
    helpers: Vec<Helper>,
    plain: Vec<FunctionRef>,
    /// The scopes that set a user.
    pub(super) rls: Vec<FunctionRef>,
    /// The file of the standard module, and that of its pool.
    pub(super) files: BTreeSet<FileId>,
}

impl Forms {
    fn find(evidence: &Evidence<'_>) -> Self {
        let mut forms = Self::default();
        for function in evidence.functions() {
            if let Some(helper) = helpers::helper(evidence, function) {
                forms.helpers.push(helper);
            } else if scopes::is_rls(evidence, function) {
                forms.rls.push(function);
            } else if scopes::is_plain(evidence, function) {
                forms.plain.push(function);
            } else if let Some(getter) = scopes::getter(evidence, function) {
                forms.getters.push((function, getter));
            }
        }
        forms
    }

    /// The functions of a session module, whose factory `home` makes.
    pub(super) fn of_sessions(
        module: FileId,
        home: Option<FileId>,
        functions: Vec<FunctionRef>,
    ) -> Self {
        Self {
            plain: functions,
            files: home.into_iter().chain([module]).collect(),
            ..Self::default()
        }
    }

    /// The functions of a standard that is told which pool.
    pub(super) fn of_given(
        files: BTreeSet<FileId>,
        rls: Vec<FunctionRef>,
        plain: Vec<FunctionRef>,
    ) -> Self {
        Self {
            plain,
            rls,
            files,
            ..Self::default()
        }
    }

    fn functions(&self) -> impl Iterator<Item = FunctionRef> + '_ {
        let getters = self.getters.iter().map(|(function, _)| *function);
        let helpers = self.helpers.iter().map(|helper| helper.function);
        let scopes = self.plain.iter().chain(&self.rls).copied();
        getters.chain(helpers).chain(scopes)
    }

    /// Where the first of the functions in a file is.
    pub(super) fn first_in(&self, evidence: &Evidence<'_>, file: FileId) -> String {
        let own = self.functions().filter(|function| function.file == file);
        own.min().map_or_else(
            || evidence.file(file).source.path().to_owned(),
            |function| evidence.place(function),
        )
    }

    /// Whether a function is one of these.
    pub(super) fn has(&self, function: FunctionRef) -> bool {
        self.functions().any(|own| own == function)
    }
}

/// The other files that use each function.
type Users = BTreeMap<FunctionRef, BTreeSet<FileId>>;

/// The names by which other files reach what may be the standard.
pub(super) fn names(evidence: &Evidence<'_>) -> BTreeSet<String> {
    let forms = Forms::find(evidence);
    forms
        .functions()
        .map(|function| evidence.name(function).to_owned())
        .collect()
}

/// Learns `standard`.
pub(super) fn learn(evidence: &Evidence<'_>, learnt: &mut Learnt) -> Forms {
    let mut forms = Forms::find(evidence);
    let users: Users = forms
        .functions()
        .map(|function| (function, users(evidence, function)))
        .collect();
    let Some(module) = choose(evidence, &forms, &users) else {
        let why = "no function gives a shared pool, lends a connection or runs a query on one";
        let text = "none; `connmod init --scaffold` writes one";
        learnt.notes.push(Note::guessed("standard", text, why));
        return forms;
    };
    forms.files.insert(module);
    let chosen = Chosen {
        evidence,
        module,
        users,
    };
    chosen.name_module(&forms, learnt);
    if let Some(pool) = chosen.pool(&forms, learnt) {
        forms.files.insert(pool);
    }
    chosen.helpers(&forms, learnt);
    chosen.scopes(&forms, learnt);
    forms
}

/// The file that the project goes through: of those with helpers, if there are any, the one that most files use.
fn choose(evidence: &Evidence<'_>, forms: &Forms, users: &Users) -> Option<FileId> {
    let candidates: BTreeSet<FileId> = forms.functions().map(|function| function.file).collect();
    candidates.into_iter().max_by_key(|file| {
        let path = evidence.file(*file).source.path();
        let own = || forms.functions().filter(|function| function.file == *file);
        let users: BTreeSet<&FileId> = own()
            .filter_map(|function| users.get(&function))
            .flatten()
            .collect();
        let has_helpers = forms
            .helpers
            .iter()
            .any(|helper| helper.function.file == *file);
        (
            !is_test(path) && !is_script(path),
            !users.is_empty(),
            has_helpers,
            users.len(),
            own().count(),
            Reverse(path),
        )
    })
}

/// The other files that import or call a function.
pub(super) fn users(evidence: &Evidence<'_>, function: FunctionRef) -> BTreeSet<FileId> {
    let name = evidence.name(function);
    let wanted = Symbol::Member {
        file: function.file,
        name: name.to_owned(),
    };
    let importing = evidence.project.files().filter(|(id, file)| {
        let imports = file.model.imports.iter();
        let mut named = imports.filter(
            |import| matches!(&import.kind, ImportKind::Name { name: other } if other == name),
        );
        named.any(|import| evidence.project.name_in(*id, import.scope, &import.local) == wanted)
    });
    let calling = evidence
        .project
        .calls_named(name)
        .filter(|(id, call)| evidence.project.symbol(*id, call.callee).as_ref() == Some(&wanted));
    importing
        .map(|(id, _)| id)
        .chain(calling.map(|(id, _)| id))
        .filter(|id| *id != function.file)
        .collect()
}

/// The standard module, once it is chosen.
struct Chosen<'e, 'a> {
    evidence: &'e Evidence<'a>,
    module: FileId,
    users: Users,
}

impl Chosen<'_, '_> {
    /// The name of a function in the module: its own, or that of an import.
    fn name(&self, function: FunctionRef) -> Option<String> {
        let own = self.evidence.name(function);
        if function.file == self.module {
            return Some(own.to_owned());
        }
        let wanted = Symbol::Member {
            file: function.file,
            name: own.to_owned(),
        };
        let imports = self.evidence.file(self.module).model.imports.iter();
        let mut names = imports
            .filter(|import| import.scope == Model::MODULE)
            .map(|import| import.local.as_str());
        names
            .find(|local| {
                let project = self.evidence.project;
                project.name_in(self.module, Model::MODULE, local) == wanted
            })
            .map(str::to_owned)
    }

    /// Of several functions the one that is defined here rather than imported, then the one with the most users.
    fn best(
        &self,
        functions: impl IntoIterator<Item = FunctionRef>,
    ) -> Option<(FunctionRef, String)> {
        let reachable = functions
            .into_iter()
            .filter_map(|function| Some((function, self.name(function)?)));
        reachable.max_by_key(|(function, _)| {
            let users = self.users.get(function).map_or(0, BTreeSet::len);
            (function.file == self.module, users, Reverse(*function))
        })
    }

    fn name_module(&self, forms: &Forms, learnt: &mut Learnt) {
        let path = self.evidence.file(self.module).source.path();
        let (spelling, note) = spelling(self.evidence, path);
        learnt.notes.push(note);
        let place = forms.first_in(self.evidence, self.module);
        learnt.notes.push(Note::found("standard.file", path, place));
        learnt.config.standard.module = Some(spelling);
        learnt.config.standard.file = Some(path.to_owned());
    }

    /// The getter of the pool; gives the file that defines it.
    fn pool(&self, forms: &Forms, learnt: &mut Learnt) -> Option<FileId> {
        let of_kind = |wanted: Getter| {
            let getters = forms.getters.iter();
            getters
                .filter(move |(_, kind)| *kind == wanted)
                .map(|(function, _)| *function)
        };
        let best = self
            .best(of_kind(Getter::Stored))
            .or_else(|| self.best(of_kind(Getter::Opens)));
        let Some((getter, name)) = best else {
            self.out_of_reach(
                "pool",
                forms.getters.iter().map(|(function, _)| *function),
                learnt,
            );
            return None;
        };
        let mut place = self.evidence.place(getter);
        if getter.file != self.module {
            let module = self.evidence.file(self.module).source.path();
            place = format!("{place}, from where {module} imports it");
        }
        learnt
            .notes
            .push(Note::found("standard.pool", name.as_str(), place));
        learnt.config.standard.pool = Some(name);
        Some(getter.file)
    }

    fn helpers(&self, forms: &Forms, learnt: &mut Learnt) {
        for method in &self.evidence.driver.query_methods {
            let of_method = |plain: bool| {
                let own = forms.helpers.iter();
                own.filter(|helper| helper.method == *method)
                    .filter(move |helper| !plain || helper.differs.is_none())
                    .map(|helper| helper.function)
            };
            let best = self.best(of_method(true));
            if let Some((helper, name)) = best.or_else(|| self.best(of_method(false))) {
                let setting = format!("standard.helpers.{method}");
                let mut own = forms.helpers.iter();
                let own = own.find(|own| own.function == helper);
                let place = noted(
                    self.evidence.place(helper),
                    own.and_then(|own| own.differs.as_ref()),
                );
                learnt
                    .notes
                    .push(Note::found(setting, name.as_str(), place));
                learnt.config.standard.helpers.insert(method.clone(), name);
            }
        }
    }

    fn scopes(&self, forms: &Forms, learnt: &mut Learnt) {
        for (key, functions) in [("scope", &forms.plain), ("rls", &forms.rls)] {
            let lends = if key == "rls" {
                Lends::ForUser
            } else {
                Lends::Plain
            };
            let read = |function: FunctionRef| {
                let (project, driver) = (self.evidence.project, self.evidence.driver);
                reading::scope(project, driver, None, function, lends)
            };
            let callable = || {
                let functions = functions.iter().copied();
                functions.filter(|function| read(*function).refused.is_empty())
            };
            let plain = callable().filter(|function| read(*function).differs.is_empty());
            let best = self.best(plain).or_else(|| self.best(callable()));
            let Some((function, name)) = best else {
                self.out_of_reach(key, functions.iter().copied(), learnt);
                continue;
            };
            let place = noted(
                self.evidence.place(function),
                read(function).differs.first(),
            );
            let note = Note::found(format!("standard.{key}"), name.as_str(), place);
            learnt.notes.push(note);
            let standard = &mut learnt.config.standard;
            let slot = if key == "rls" {
                &mut standard.rls
            } else {
                &mut standard.scope
            };
            *slot = Some(name);
        }
    }

    /// Says of functions that would fit that they are no names of the module.
    fn out_of_reach(
        &self,
        key: &str,
        functions: impl IntoIterator<Item = FunctionRef>,
        learnt: &mut Learnt,
    ) {
        let most_used = functions.into_iter().max_by_key(|function| {
            (
                self.users.get(function).map(BTreeSet::len),
                Reverse(*function),
            )
        });
        if let Some(function) = most_used {
            let name = self.evidence.name(function);
            let module = self.evidence.file(self.module).source.path();
            let text = format!("none: `{name}` would do, but {module} does not import it");
            let place = self.evidence.place(function);
            learnt
                .notes
                .push(Note::found(format!("standard.{key}"), text, place));
        }
    }
}

/// Where a setting was found, with what a function does that its setting does not say.
fn noted(place: String, differs: Option<&String>) -> String {
    match differs {
        Some(why) => format!("{place}; but {why}"),
        None => place,
    }
}

/// How the module at `path` is imported: as most imports of it do, never a relative one.
pub(super) fn spelling(evidence: &Evidence<'_>, path: &str) -> (String, Note) {
    let mut spellings: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (id, file) in evidence.project.files() {
        for import in file.model.imports.iter().filter(|import| import.level == 0) {
            let from = file.source.path();
            let means =
                |module: &str| evidence.project.modules().find(from, module, 0) == Some(path);
            let written = match &import.kind {
                _ if means(&import.module) => import.module.clone(),
                ImportKind::Name { name } => {
                    let module = format!("{}.{name}", import.module);
                    if !means(&module) {
                        continue;
                    }
                    module
                }
                _ => continue,
            };
            let first = || (0, evidence.project.place(id, import.statement));
            spellings.entry(written).or_insert_with(first).0 += 1;
        }
    }
    let most = spellings
        .into_iter()
        .max_by_key(|(module, (count, _))| (*count, Reverse(module.clone())));
    if let Some((module, (_, place))) = most {
        let note = Note::found("standard.module", module.as_str(), place);
        return (module, note);
    }
    let module = from_root(evidence, path);
    let why = format!("no import of {path} but relative ones says where the root is");
    let note = Note::guessed("standard.module", module.as_str(), why);
    (module, note)
}

/// The dotted name of the module at `path`: from where most imports count, else from the outermost package around it.
fn from_root(evidence: &Evidence<'_>, path: &str) -> String {
    let root = imported_root(evidence, path).unwrap_or_else(|| package_root(evidence, path));
    let inside = path[root.len()..].trim_start_matches('/');
    // A folder whose name is none in Python cannot be part of the way: imports begin below it.
    let is_name = |part: &str| {
        let mut letters = part.chars();
        letters
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_')
            && letters.all(|c| c.is_alphanumeric() || c == '_')
    };
    let dotted = Modules::dotted(inside);
    let parts: Vec<&str> = dotted.split('.').collect();
    let from = parts.iter().rposition(|part| !is_name(part));
    parts[from.map_or(0, |at| at + 1)..].join(".")
}

/// The folder around `path` from which imports count: most of those of its neighbours, near ones first.
fn imported_root(evidence: &Evidence<'_>, path: &str) -> Option<String> {
    let mut counted: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (_, file) in evidence.project.files() {
        let from = file.source.path();
        for import in file.model.imports.iter().filter(|import| import.level == 0) {
            let found = evidence.project.modules().find(from, &import.module, 0);
            let root = found.and_then(|found| {
                let full = Modules::dotted(found).replace('.', "/");
                let inside = import.module.replace('.', "/");
                let root = full.strip_suffix(&inside)?.trim_end_matches('/').to_owned();
                Some((folder_of(found).to_owned(), root))
            });
            if let Some(root) = root.filter(|(_, root)| lies_in(path, root)) {
                *counted.entry(root).or_default() += 1;
            }
        }
    }
    let mut around = Some(folder_of(path));
    while let Some(folder) = around {
        let mut roots: BTreeMap<&str, usize> = BTreeMap::new();
        let near = counted
            .iter()
            .filter(|((of, _), _)| of == folder || lies_in(of, folder));
        for ((_, root), count) in near {
            *roots.entry(root.as_str()).or_default() += count;
        }
        let most = roots
            .into_iter()
            .max_by_key(|(root, count)| (*count, Reverse(*root)));
        if let Some((root, _)) = most {
            return Some(root.to_owned());
        }
        around = (!folder.is_empty()).then(|| folder_of(folder));
    }
    None
}

/// The folder that a path stands in; empty for what stands at the top.
fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn lies_in(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| folder.is_empty() || rest.starts_with('/'))
}

/// The folder around the outermost package that holds `path`; without packages, that of the sources.
fn package_root(evidence: &Evidence<'_>, path: &str) -> String {
    let is_package = |folder: &str| {
        let marker = format!("{folder}/__init__.py");
        let dotted = Modules::dotted(&marker);
        evidence.project.modules().find(path, &dotted, 0) == Some(&marker)
    };
    let folder = folder_of(path);
    let mut root = folder;
    while !root.is_empty() && is_package(root) {
        root = folder_of(root);
    }
    if root != folder {
        return root.to_owned();
    }
    let sources = if lies_in(path, "src") { "src" } else { "" };
    sources.to_owned()
}
