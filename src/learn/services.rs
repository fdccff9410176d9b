//! The connection service of a project: an object that lends connections to blocks, and takes them back.

use std::cmp::Reverse;

use crate::language::expression::Expression;
use crate::language::{ImportKind, Model};
use crate::learn::contexts::{is_script, is_test};
use crate::learn::evidence::Evidence;
use crate::learn::standard::{Forms, spelling};
use crate::learn::{Learnt, Note};
use crate::project::{FileId, ParsedFile};
use crate::source::Span;

/// The methods that a class has which is a connection service.
pub(super) const METHODS: [&str; 3] = ["connection", "acquire_connection", "release_connection"];

/// A variable of a module that holds a service.
struct Service<'e> {
    file: FileId,
    name: &'e str,
    span: Span,
    users: usize,
}

/// Learns `standard` of a migration to a connection service.
pub(super) fn learn(evidence: &Evidence<'_>, learnt: &mut Learnt) -> Forms {
    let services = services(evidence);
    let best = services
        .iter()
        .max_by_key(|service| (service.users, Reverse((service.file, service.span))));
    let Some(best) = best else {
        let why = "no object has the methods of a connection service";
        let text = "none; `connmod init --scaffold` writes one";
        learnt.notes.push(Note::guessed("standard", text, why));
        return Forms::default();
    };
    let path = evidence.file(best.file).source.path();
    let (written, note) = spelling(evidence, path);
    learnt.notes.push(note);
    let place = evidence.project.place(best.file, best.span);
    let note = Note::found("standard.service", best.name, place);
    learnt.notes.push(note);
    let standard = &mut learnt.config.standard;
    standard.module = Some(written);
    standard.file = Some(path.to_owned());
    standard.service = Some(best.name.to_owned());
    Forms::of_sessions(best.file, None, Vec::new())
}

fn services<'e>(evidence: &'e Evidence<'_>) -> Vec<Service<'e>> {
    let mut found = Vec::new();
    for (file, parsed) in evidence.project.files() {
        let path = parsed.source.path();
        if is_test(path) || is_script(path) {
            continue;
        }
        for binding in &parsed.model.bindings {
            let makes = |value: Span| is_service(evidence, file, value);
            if binding.scope == Model::MODULE && binding.value.is_some_and(makes) {
                let takes = |other: &ParsedFile| {
                    other.model.imports.iter().any(|import| {
                        let named = matches!(&import.kind, ImportKind::Name { name } if *name == binding.name);
                        let modules = evidence.project.modules();
                        let from = modules.find(other.source.path(), &import.module, import.level);
                        named && from == Some(path)
                    })
                };
                let files = evidence.project.files();
                found.push(Service {
                    file,
                    name: &binding.name,
                    span: binding.span,
                    users: files.filter(|(_, other)| takes(other)).count(),
                });
            }
        }
    }
    found
}

/// Whether an expression makes an object of a class with the methods of a service.
fn is_service(evidence: &Evidence<'_>, file: FileId, value: Span) -> bool {
    let Expression::Call { callee, .. } = evidence.file(file).expression(value) else {
        return false;
    };
    let project = evidence.project;
    let class = project
        .symbol(file, callee)
        .and_then(|symbol| project.class(&symbol, file));
    class.is_some_and(|class| {
        METHODS
            .iter()
            .all(|method| project.method(class, method).is_some())
    })
}
