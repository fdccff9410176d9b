//! Expressions that name the user: what scopes with a user are opened with, what authentication puts into parameters, what contexts
//! carry.

mod typed;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::language::expression::{Argument, Expression};
use crate::language::{ScopeId, ScopeKind};
use crate::learn::contexts::{is_script, is_test};
use crate::learn::evidence::Evidence;
use crate::learn::standard::Forms;
use crate::learn::{Learnt, Note};
use crate::project::{FileId, FunctionRef, ParsedFile};
use crate::source::Span;

pub(super) use typed::is_extracted;

/// Attributes and keys that hold a user's identity, best first.
const KEYS: &[&str] = &["user_id", "uid", "sub", "id"];

/// Words in the name of a parameter or its type that make it one about the user or the request.
const CARRIERS: &[&str] = &[
    "ctx",
    "context",
    "request",
    "user",
    "principal",
    "claims",
    "identity",
    "auth",
];

/// What is made of an identity on its way into a query.
const CONVERSIONS: &[&str] = &["str", "UUID", "uuid.UUID", "int"];

/// How much an expression tells, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evident {
    /// A scope with a user is opened with it.
    Opened,
    /// A parameter that authentication fills.
    Authenticated,
    /// An attribute of a context or request.
    Carried,
}

/// An expression that was found.
struct Found {
    evident: Evident,
    count: usize,
    place: String,
}

/// Learns `identity`.
pub(super) fn learn(evidence: &Evidence<'_>, forms: &Forms, learnt: &mut Learnt) {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let mut add = |file: FileId, span: Span, evident: Evident| {
        let text = one_line(span.text(evidence.file(file).text()));
        let Some(text) = text else { return };
        let new = || Found {
            evident,
            count: 0,
            place: evidence.project.place(file, span),
        };
        let entry = found.entry(text).or_insert_with(new);
        entry.count += 1;
        entry.evident = entry.evident.min(evident);
    };
    for function in &forms.rls {
        opened_with(evidence, *function, &mut add);
    }
    for (id, file) in evidence.project.files() {
        if !is_test(file.source.path()) && !is_script(file.source.path()) {
            carried(id, file, &mut add);
        }
    }
    for (text, place, evident) in typed::carried(evidence) {
        let entry = found.entry(text).or_insert(Found {
            evident,
            count: 0,
            place,
        });
        entry.count += 1;
        entry.evident = entry.evident.min(evident);
    }
    let mut ranked: Vec<(String, Found)> = found.into_iter().collect();
    // What an object carries says more than a variable, which can hold the identity of anybody.
    let is_variable = |text: &str| !text.contains(['.', '[']);
    ranked.sort_by_key(|(text, found)| {
        (
            found.evident,
            is_variable(text),
            Reverse(found.count),
            text.clone(),
        )
    });
    for (text, found) in ranked {
        let place = match found.count {
            1 => found.place,
            many => format!("{} and {} more", found.place, many - 1),
        };
        learnt
            .notes
            .push(Note::found("identity", text.as_str(), place));
        learnt.config.identity.push(text);
    }
}

/// An expression as settings write it; nothing for one that runs over lines.
fn one_line(text: &str) -> Option<String> {
    (!text.contains(['\n', '\r'])).then(|| text.replace('\'', "\""))
}

/// What the calls of a scope with a user pass as the user.
fn opened_with(
    evidence: &Evidence<'_>,
    scope: FunctionRef,
    add: &mut impl FnMut(FileId, Span, Evident),
) {
    for (id, call) in evidence.project.calls_named(evidence.name(scope)) {
        let file = evidence.file(id);
        let path = file.source.path();
        if is_test(path) || is_script(path) || evidence.called(id, call.callee) != Some(scope) {
            continue;
        }
        let Expression::Call { arguments, .. } = file.expression(call.span) else {
            continue;
        };
        // Behind the pool, where a scope is told which.
        let place = usize::from(evidence.driver.pool_is_given);
        let Some(user) = arguments.get(place).map(Argument::value) else {
            continue;
        };
        let user = unconverted(file, user);
        // A variable tells no more than what it is made of, where that is all there is to it.
        if let Some(root) = root_of(file, user)
            && is_local(file, call.scope, &root)
        {
            add(id, user, Evident::Opened);
        }
    }
}

/// The identity inside of `str(…)` and its like.
fn unconverted(file: &ParsedFile, span: Span) -> Span {
    let mut span = span;
    // Each round goes one level in.
    loop {
        match file.expression(span) {
            Expression::Call { callee, arguments } => match arguments[..] {
                [Argument::Positional(inner)]
                    if CONVERSIONS.contains(&callee.text(file.text())) =>
                {
                    span = inner;
                }
                _ => return span,
            },
            Expression::Same(inner) if inner != span => span = inner,
            _ => return span,
        }
    }
}

/// The name that a chain of attributes and keys begins with.
fn root_of(file: &ParsedFile, span: Span) -> Option<String> {
    let mut span = span;
    loop {
        match file.expression(span) {
            Expression::Name(name) => return Some(name),
            Expression::Attribute { object, .. } | Expression::Index { object, .. } => {
                span = object;
            }
            _ => return None,
        }
    }
}

/// Whether a name belongs to the function around, and is no loop's.
fn is_local(file: &ParsedFile, scope: ScopeId, name: &str) -> bool {
    use crate::language::BindingKind::{Comprehension, For};
    let Some(owner) = file.model.resolve(scope, name) else {
        return false;
    };
    file.model.function_around(owner).is_some()
        && file.model.scope(owner).kind != ScopeKind::Class
        && !file
            .model
            .bindings_of(owner, name)
            .any(|binding| matches!(binding.kind, For | Comprehension))
}

/// What parameters carry: those that authentication fills, and contexts and requests.
fn carried(id: FileId, file: &ParsedFile, add: &mut impl FnMut(FileId, Span, Evident)) {
    for (index, scope) in file.model.scopes.iter().enumerate() {
        if scope.kind != ScopeKind::Function || file.language.is_typed() {
            continue;
        }
        let scope_id = ScopeId(index as u32);
        for parameter in &scope.parameters {
            let annotation = parameter
                .annotation
                .map_or("", |span| span.text(file.text()));
            let depends = dependency(file, parameter.default, annotation);
            if depends.is_some() && KEYS[..2].iter().any(|key| parameter.name.ends_with(key)) {
                add(id, parameter.span, Evident::Authenticated);
            }
            let about_user = |text: &str| {
                let text = text.to_ascii_lowercase();
                CARRIERS.iter().any(|word| text.contains(word))
            };
            if !about_user(&parameter.name)
                && !about_user(annotation)
                && !depends.is_some_and(about_user)
            {
                continue;
            }
            let evident = if depends.is_some() {
                Evident::Authenticated
            } else {
                Evident::Carried
            };
            for read in reads(file, scope_id, &parameter.name, depends.is_some()) {
                add(id, read, evident);
            }
        }
    }
}

/// What a parameter depends on by `= Depends(function)` or `Annotated[…, Depends(function)]`.
fn dependency<'f>(
    file: &'f ParsedFile,
    default: Option<Span>,
    annotation: &'f str,
) -> Option<&'f str> {
    let text = match default {
        Some(default) => default.text(file.text()),
        None => annotation,
    };
    let (_, inside) = text
        .split_once("Depends(")
        .or_else(|| text.split_once("Security("))?;
    Some(inside.split([')', ',']).next().unwrap_or_default().trim())
}

/// The places that read the identity from the parameter `name`: `name.user_id`, `name["user_id"]`, `name.state.user_id`.
fn reads(file: &ParsedFile, scope: ScopeId, name: &str, authenticated: bool) -> Vec<Span> {
    let keys = if authenticated { KEYS } else { &KEYS[..1] };
    let mut found = Vec::new();
    for reference in file.model.references_to(scope, name) {
        // Outwards from the name, as long as the chain goes on.
        let mut span = reference.span;
        for _ in 0..3 {
            let Some((outer, member)) = around(file, span) else {
                break;
            };
            if keys.contains(&member.as_str()) {
                found.push(outer);
                break;
            }
            if member != "state" && member != "user" {
                break;
            }
            span = outer;
        }
    }
    found
}

/// The access of an attribute or key to the value at `span`, with its name, if that is what is done with it there.
fn around(file: &ParsedFile, span: Span) -> Option<(Span, String)> {
    let outer = file.language.access_around(file.code(), span)?;
    match file.expression(outer) {
        Expression::Attribute { object, name } if object == span => {
            let written = file
                .outline
                .writes
                .iter()
                .any(|write| write.object == span && write.name == name);
            (!written).then_some((outer, name))
        }
        Expression::Index { object, key } if object == span => Some((outer, key)),
        _ => None,
    }
}
