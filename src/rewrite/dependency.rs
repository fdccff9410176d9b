//! Who else of a route is given the session of the standard's dependency: the framework makes one for all that a request asks for, so that a
//! route which asked for it, too, would work in the transaction of the others.

use std::collections::BTreeSet;

use crate::language::{Model, ScopeId};
use crate::project::{FileId, FunctionRef, Symbol};
use crate::rewrite::Subject;
use crate::source::Span;

/// What takes dependencies for all routes of an application or a part of it.
const FOR_ALL: [&str; 3] = ["FastAPI", "APIRouter", "include_router"];

/// Why the session of a parameter would not be the route's own.
pub(super) fn shared(subject: Subject<'_>, route: ScopeId) -> Option<String> {
    let project = subject.world.project;
    let mut open = header(
        subject,
        FunctionRef {
            file: subject.file,
            scope: route,
        },
    );
    for name in FOR_ALL {
        let calls = project.calls_named(name);
        let given = calls.filter(|(id, call)| {
            call.span
                .text(project.file(*id).text())
                .contains("dependencies")
        });
        open.extend(given.map(|(id, call)| (id, Span::new(call.callee.end, call.span.end))));
    }
    let dependency = subject.world.config.standard.dependency.as_deref()?;
    let mut seen = BTreeSet::new();
    while let Some((id, span)) = open.pop() {
        if !seen.insert((id, span)) {
            continue;
        }
        let file = project.file(id);
        let names = file.model.references.iter().map(|reference| reference.span);
        let attributes = file.outline.reads.iter().map(|read| read.span);
        for mentioned in names
            .chain(attributes)
            .filter(|place| span.contains(*place))
        {
            let Some(symbol) = project.symbol(id, mentioned) else {
                continue;
            };
            let standard = &subject.world.standard;
            if standard
                .member(subject.world, id, mentioned, [dependency])
                .is_some()
            {
                return Some(format!(
                    "the framework would give it the session that is asked for at {}, too",
                    project.place(id, mentioned)
                ));
            }
            if let Some(function) = project.function(&symbol, id) {
                open.extend(header(subject, function));
            } else if let Some(class) = project.class(&symbol, id) {
                let method = project.method(class, "__init__");
                open.extend(
                    method
                        .into_iter()
                        .flat_map(|method| header(subject, method)),
                );
            } else if let Symbol::Member { file, name } = symbol {
                // `Visitor = Annotated[str, Depends(visitor)]`
                let bindings = project.file(file).model.bindings_of(Model::MODULE, &name);
                let values = bindings.filter_map(|binding| binding.value);
                open.extend(values.map(|value| (file, value)));
            }
        }
    }
    None
}

/// Where a function says what it is given: its parameters and decorators.
fn header(subject: Subject<'_>, function: FunctionRef) -> Vec<(FileId, Span)> {
    let scope = subject
        .world
        .project
        .file(function.file)
        .model
        .scope(function.scope);
    let parameters = scope.parameters.iter();
    let given = parameters.flat_map(|parameter| [parameter.annotation, parameter.default]);
    let spans = given.flatten().chain(scope.decorators.iter().copied());
    spans.map(|span| (function.file, span)).collect()
}
