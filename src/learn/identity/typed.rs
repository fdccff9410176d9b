//! The user in languages that declare types: what frameworks extract from a request, by the type of the parameter that it becomes.

use super::{CARRIERS, Evident, KEYS};
use crate::facts::types::{Type, Types};
use crate::language::{ScopeId, ScopeKind};
use crate::learn::contexts::{is_script, is_test};
use crate::learn::evidence::Evidence;
use crate::project::{ClassRef, FileId};

/// Traits of what a framework makes of a request by itself.
const EXTRACTORS: &[&str] = &[
    "FromRequest",
    "FromRequestParts",
    "OptionalFromRequestParts",
];

/// Types that hold what an earlier step has found out about the request.
const CARRIED: &[&str] = &["Extension", "ReqData"];

/// Names of parameters that are the user's identity themselves.
const VARIABLES: &[&str] = &["user_id", "current_user_id", "actor_id"];

/// The expressions by which parameters carry the user, each with its place.
pub(super) fn carried(evidence: &Evidence<'_>) -> Vec<(String, String, Evident)> {
    let mut found = Vec::new();
    for (id, file) in evidence.project.files() {
        let path = file.source.path();
        if !file.language.is_typed() || is_test(path) || is_script(path) {
            continue;
        }
        for (index, scope) in file.model.scopes.iter().enumerate() {
            let is_function = scope.kind == ScopeKind::Function;
            if !is_function || file.language.is_for_tests(file.code(), scope.span) {
                continue;
            }
            for parameter in &scope.parameters {
                let scope = ScopeId(index as u32);
                let told = told(evidence, id, scope, parameter);
                let place = || evidence.project.place(id, parameter.span);
                found.extend(told.map(|(text, evident)| (text, place(), evident)));
            }
        }
    }
    found
}

fn told(
    evidence: &Evidence<'_>,
    id: FileId,
    scope: ScopeId,
    parameter: &crate::language::Parameter,
) -> Option<(String, Evident)> {
    let annotation = parameter.annotation?;
    let name = &parameter.name;
    if name.is_empty() || name == "self" {
        return None;
    }
    if VARIABLES.contains(&name.as_str()) {
        return Some((name.clone(), Evident::Carried));
    }
    let file = evidence.file(id);
    // What a pattern takes out of it is a part of the user, not the user.
    let is_part = file.language.field_of_pattern(file.code(), parameter.span);
    if is_part.is_some() {
        return None;
    }
    let types = Types::new(evidence.project, evidence.driver);
    let declared = types.written(id, annotation, scope);
    let head = match &declared {
        Type::Named { name, .. } => name.rsplit('.').next().unwrap_or_default().to_owned(),
        _ => return None,
    };
    let Type::Named {
        class: Some(class),
        name: structure,
        ..
    } = types.plain(&declared)
    else {
        return None;
    };
    let key = KEYS
        .iter()
        .find(|key| types.field(class, key).is_some())
        .copied()?;
    let about_user = |text: &str| {
        let text = text.to_ascii_lowercase();
        // What names the request or a context may carry anything.
        CARRIERS[3..].iter().any(|word| text.contains(word))
    };
    let extracted = is_extracted(evidence, class) && about_user(&structure);
    let handed_on =
        CARRIED.contains(&head.as_str()) && (about_user(name) || about_user(&structure));
    (extracted || handed_on).then(|| (format!("{name}.{key}"), Evident::Authenticated))
}

/// Whether a framework makes objects of a structure of a request.
pub(in crate::learn) fn is_extracted(evidence: &Evidence<'_>, class: ClassRef) -> bool {
    let project = evidence.project;
    let own = evidence
        .file(class.file)
        .model
        .scope(class.scope)
        .name
        .clone();
    project.files().any(|(id, file)| {
        let mut scopes = file.model.scopes.iter();
        scopes.any(|scope| {
            let [target, interface, ..] = scope.bases[..] else {
                return false;
            };
            let interface = interface.text(file.text());
            let last = interface.rsplit("::").next().unwrap_or(interface);
            let symbol = || project.symbol(id, target);
            EXTRACTORS.contains(&last)
                && scope.name == own
                && symbol().and_then(|symbol| project.class(&symbol, id)) == Some(class)
        })
    })
}
