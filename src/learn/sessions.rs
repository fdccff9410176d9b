//! The session module of a project: the factory that its sessions come from, the context manager around it, the dependency for routes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::facts::factories::named_factory;
use crate::facts::standard::reading;
use crate::language::expression::Expression;
use crate::language::{Binding, BindingKind, ImportKind, Model};
use crate::learn::contexts::{is_script, is_test};
use crate::learn::evidence::Evidence;
use crate::learn::standard::{Forms, spelling, users};
use crate::learn::{Learnt, Note};
use crate::project::{FileId, FunctionRef, ParsedFile, Symbol};
use crate::source::Span;

/// The decorators that make a context manager of a generator.
const MANAGERS: [&str; 2] = [
    "contextlib.contextmanager",
    "contextlib.asynccontextmanager",
];

/// What a function does with a factory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It lends a session to a `with` block.
    Scope,
    /// It yields a session to a framework.
    Dependency,
}

/// A function that gives sessions out.
struct Giver {
    function: FunctionRef,
    kind: Kind,
    users: BTreeSet<FileId>,
}

/// The names by which other files reach what may be the standard.
pub(super) fn names(evidence: &Evidence<'_>) -> BTreeSet<String> {
    let givers = kinds(evidence).into_keys();
    let givers = givers.map(|function| evidence.name(function).to_owned());
    let files = evidence.project.files();
    let made = files.flat_map(|(id, _)| factories(evidence, id).map(|own| own.name.to_string()));
    givers.chain(made).collect()
}

/// Learns `standard` of a driver with sessions.
pub(super) fn learn(evidence: &Evidence<'_>, learnt: &mut Learnt) -> Forms {
    let givers = givers(evidence);
    let Some(module) = choose(evidence, &givers).or_else(|| of_factory(evidence)) else {
        let why = "no context manager and no dependency gives a session of a factory out";
        let text = "none; name the module, its factory and its functions here once there is one";
        learnt.notes.push(Note::guessed("standard", text, why));
        return Forms::default();
    };
    let path = evidence.file(module).source.path();
    let (written, note) = spelling(evidence, path);
    learnt.notes.push(note);
    learnt.config.standard.module = Some(written);
    learnt.config.standard.file = Some(path.to_owned());
    let mut functions = Vec::new();
    for kind in [Kind::Scope, Kind::Dependency] {
        let of_kind = givers.iter().filter(|giver| giver.kind == kind);
        let (here, elsewhere): (Vec<&Giver>, Vec<&Giver>) =
            of_kind.partition(|giver| giver.function.file == module);
        // A fixture lends sessions to tests.
        let is_test = |giver: &&Giver| is_test(evidence.file(giver.function.file).source.path());
        let elsewhere = elsewhere.into_iter().filter(|giver| !is_test(giver));
        let by_users = |giver: &&&Giver| (giver.users.len(), Reverse(giver.function));
        let key = match kind {
            Kind::Scope => "scope",
            Kind::Dependency => "dependency",
        };
        let setting = format!("standard.{key}");
        if let Some(best) = here.iter().max_by_key(by_users) {
            let name = evidence.name(best.function);
            let place = evidence.place(best.function);
            learnt.notes.push(Note::found(setting, name, place));
            functions.push(best.function);
            let standard = &mut learnt.config.standard;
            match kind {
                Kind::Scope => standard.scope = Some(name.to_owned()),
                Kind::Dependency => standard.dependency = Some(name.to_owned()),
            }
        } else if let Some(best) =
            elsewhere.max_by_key(|giver| (giver.users.len(), Reverse(giver.function)))
        {
            let name = evidence.name(best.function);
            let text = format!("none: `{name}` would do, but stands in another module");
            let place = evidence.place(best.function);
            learnt.notes.push(Note::found(setting, text, place));
        } else if kind == Kind::Scope {
            let text =
                "none: a context manager in it that lends a session is what blocks could become";
            let why = "no function of the module lends one";
            learnt.notes.push(Note::guessed(setting, text, why));
        }
    }
    let home = factory(evidence, module, &functions, learnt);
    Forms::of_sessions(module, home, functions)
}

/// The functions that give sessions out, with the files that use them.
fn givers(evidence: &Evidence<'_>) -> Vec<Giver> {
    let giver = |(function, kind)| Giver {
        function,
        kind,
        users: users(evidence, function),
    };
    kinds(evidence).into_iter().map(giver).collect()
}

fn kinds(evidence: &Evidence<'_>) -> BTreeMap<FunctionRef, Kind> {
    let mut kinds: BTreeMap<FunctionRef, Kind> = BTreeMap::new();
    // A function may open the scope of another: two rounds find it whatever their order.
    for _ in 0..2 {
        for function in evidence.functions() {
            let file = evidence.file(function.file);
            let scope = file.model.scope(function.scope);
            if !scope.is_generator || kinds.contains_key(&function) {
                continue;
            }
            // What it lends has to be the session itself, not a row or an object that works with it.
            let lent = reading::lent_session(evidence.project, function);
            let opens = lent.is_some_and(|lent| {
                let Expression::Call { callee, .. } = file.expression(lent) else {
                    return false;
                };
                calls_factory(evidence, function.file, callee)
                    || evidence
                        .called(function.file, callee)
                        .is_some_and(|inner| kinds.contains_key(&inner))
            });
            if opens {
                let is_manager = scope.decorators.iter().any(|decorator| {
                    let symbol = evidence.project.symbol(function.file, *decorator);
                    matches!(symbol, Some(Symbol::External(dotted)) if MANAGERS.contains(&dotted.as_str()))
                });
                let kind = if is_manager {
                    Kind::Scope
                } else {
                    Kind::Dependency
                };
                kinds.insert(function, kind);
            }
        }
    }
    kinds
}

/// Whether what is called is a factory, or a method of one that opens a session: `factory()`, `factory.begin()`.
fn calls_factory(evidence: &Evidence<'_>, file: FileId, callee: Span) -> bool {
    let opens = |object: Span, name: &str| {
        let session = evidence.driver.session.as_ref();
        session.is_some_and(|session| session.begin.iter().any(|begin| begin == name))
            && evidence.is_pool(file, object)
    };
    evidence.is_pool(file, callee)
        || is_called_factory(evidence, file, callee)
        || matches!(evidence.file(file).expression(callee), Expression::Attribute { object, name } if opens(object, &name))
}

/// Whether a variable of a module that makes factories is called one, though what it holds is not followed: a part of what a function
/// returns.
fn is_called_factory(evidence: &Evidence<'_>, file: FileId, callee: Span) -> bool {
    let Some(Symbol::Member { file: home, name }) = evidence.project.symbol(file, callee) else {
        return false;
    };
    let home_file = evidence.file(home);
    let mut calls = home_file.outline.calls.iter();
    let is_variable = home_file
        .model
        .bindings_of(Model::MODULE, &name)
        .all(|binding| binding.kind == BindingKind::Assignment);
    is_variable
        && named_factory(&name)
        && calls.any(|call| evidence.is_of_driver(home, call.callee, &evidence.driver.create_pool))
}

/// The file that the project goes through: the one whose scope or dependency most files use.
fn choose(evidence: &Evidence<'_>, givers: &[Giver]) -> Option<FileId> {
    let files = givers.iter().map(|giver| giver.function.file);
    let candidates: BTreeSet<FileId> = files
        .filter(|file| {
            let path = evidence.file(*file).source.path();
            !is_test(path) && !is_script(path)
        })
        .collect();
    candidates.into_iter().max_by_key(|file| {
        let path = evidence.file(*file).source.path();
        let own = || givers.iter().filter(|giver| giver.function.file == *file);
        let users: BTreeSet<&FileId> = own().flat_map(|giver| &giver.users).collect();
        let has_scope = own().any(|giver| giver.kind == Kind::Scope);
        (users.len(), has_scope, own().count(), Reverse(path))
    })
}

/// The file that makes the factory which most other files import, where no function gives its sessions out.
fn of_factory(evidence: &Evidence<'_>) -> Option<FileId> {
    let mut files: Vec<(usize, Reverse<FileId>)> = Vec::new();
    for (id, file) in evidence.project.files() {
        let path = file.source.path();
        if is_test(path) || is_script(path) {
            continue;
        }
        let names: BTreeSet<&str> = factories(evidence, id)
            .map(|binding| binding.name.as_str())
            .collect();
        if names.is_empty() {
            continue;
        }
        let takes = |other: &ParsedFile| {
            other.model.imports.iter().any(|import| {
                let named = matches!(&import.kind, ImportKind::Name { name } if names.contains(name.as_str()));
                let modules = evidence.project.modules();
                named && modules.find(other.source.path(), &import.module, import.level) == Some(path)
            })
        };
        let users = evidence.project.files().filter(|(_, other)| takes(other));
        files.push((users.count(), Reverse(id)));
    }
    files.into_iter().max().map(|(_, Reverse(id))| id)
}

/// The variables of a module that hold a factory.
fn factories<'e>(
    evidence: &'e Evidence<'_>,
    module: FileId,
) -> impl Iterator<Item = &'e Binding> + 'e {
    let bindings = evidence.file(module).model.bindings.iter();
    bindings.filter(move |binding| {
        binding.scope == Model::MODULE
            && matches!(
                binding.kind,
                BindingKind::Assignment | BindingKind::Annotation
            )
            && (named_factory(&binding.name)
                || binding
                    .value
                    .is_some_and(|value| evidence.is_pool(module, value)))
    })
}

/// Learns the factory: the one that the functions of the module call, else the first that it makes. Gives the file that makes it.
fn factory(
    evidence: &Evidence<'_>,
    module: FileId,
    functions: &[FunctionRef],
    learnt: &mut Learnt,
) -> Option<FileId> {
    let file = evidence.file(module);
    let called = |name: &str| {
        functions.iter().any(|function| {
            evidence.calls_in(*function).any(|call| {
                let text = call.callee.text(file.text());
                text == name || text.starts_with(&format!("{name}."))
            })
        })
    };
    let imported = file.model.bindings.iter().filter_map(|binding| {
        if binding.kind != BindingKind::Import || !called(&binding.name) {
            return None;
        }
        match evidence
            .project
            .name_in(module, binding.scope, &binding.name)
        {
            Symbol::Member { file, name } => factories(evidence, file)
                .any(|own| own.name == *name)
                .then_some((file, binding)),
            _ => None,
        }
    });
    let (home, binding) = factories(evidence, module)
        .map(|binding| (module, binding))
        .chain(imported)
        .max_by_key(|(_, binding)| (called(&binding.name), Reverse(binding.span)))?;
    let place = evidence.project.place(module, binding.span);
    let name = binding.name.as_str();
    learnt
        .notes
        .push(Note::found("standard.factory", name, place));
    learnt.config.standard.factory = Some(name.to_owned());
    Some(home)
}
