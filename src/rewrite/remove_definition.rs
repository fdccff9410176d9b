//! A method that nothing calls any more goes.

use crate::rewrite::{Proposal, Refusal, Subject};

pub(super) fn propose(subject: Subject<'_>) -> Result<Proposal, Refusal> {
    let file = subject.parsed();
    let project = subject.world.project;
    let definition = subject.hit.site;
    let name = subject.text(subject.capture_of_hit("METHOD")?);
    let scope = file
        .model
        .scopes
        .iter()
        .find(|scope| scope.name == name && definition.contains(scope.span));
    let Some(scope) = scope else {
        return Err(Refusal::one("the definition is not one that could go"));
    };
    let uses = project
        .calls_named(name)
        .map(|(id, call)| (id, call.span))
        .chain(project.reads_named(name).map(|(id, read)| (id, read.span)));
    let mut uses = uses.filter(|(id, span)| *id != subject.file || !definition.contains(*span));
    if let Some((id, span)) = uses.next() {
        return Err(Refusal::one(format!(
            "`{name}` is still used at {}",
            project.place(id, span)
        )));
    }
    if !scope.decorators.is_empty() {
        return Err(Refusal::one("a decorator may have handed it on"));
    }
    let mut proposal = Proposal::new(definition, "");
    proposal.unproven.push(format!(
        "nothing in the project uses `{name}`; what is looked up by name at run time is not seen"
    ));
    proposal.edits = vec![file.language.remove_statement(file.code(), definition)];
    Ok(proposal)
}
