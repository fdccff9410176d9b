//! A name that nothing reads goes from its import.

use crate::language::Model;
use crate::rewrite::{Proposal, Refusal, Subject, imports};

pub(super) fn propose(subject: Subject<'_>) -> Result<Proposal, Refusal> {
    let file = subject.parsed();
    let site = subject.hit.site;
    let found = file.model.imports.iter();
    let mut found = found.filter(|import| import.span.contains(site) || site.contains(import.span));
    let Some(import) = found.next() else {
        return Err(Refusal::one("the import is not one of single names"));
    };
    if import.scope == Model::MODULE
        && imports::is_taken_from(subject.world.project, subject.file, &import.local)
    {
        return Err(Refusal::one(format!(
            "`{}` may be taken from this module by another",
            import.local
        )));
    }
    if file.is_observed(file.model.scope(import.scope).body) {
        return Err(Refusal::one("code here looks at all names of the module"));
    }
    let mut proposal = Proposal::new(import.statement, "");
    proposal.edits = imports::without(file, import);
    Ok(proposal)
}
