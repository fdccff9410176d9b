//! An acquire and its release go both ways, by a flag of the project: through the service where it is on, as before where it is off.

use crate::edit::Edit;
use crate::recipe::Template;
use crate::rewrite::region_to_block::Region;
use crate::rewrite::{Proposal, Refusal, Subject, lender, proof, template};
use crate::source::Span;

pub(super) fn propose(
    subject: Subject<'_>,
    acquire: &Template,
    release: &Template,
) -> Result<Proposal, Refusal> {
    subject.shape()?;
    let (assignment, name) = (subject.capture("ASSIGN")?, subject.capture("CONN")?);
    let call = subject.capture("ACQUIRE")?;
    let region = Region::of(subject, assignment, name)?;
    let mut reasons = proof::shared_pool(subject);
    let said = lender::said_to_acquire(subject, call);
    reasons.extend(said.reasons);
    reasons.extend(region.faults(subject, name));
    Refusal::unless_empty(reasons)?;

    let taken = template::fill(subject, acquire, assignment.start)?;
    let given = template::fill(subject, release, assignment.start)?;
    let flag = template::flag(subject, assignment.start)?;
    let both = |new: &str, old: Span| {
        let old = subject.text(old);
        Edit::replace(Span::at(0), format!("{new} if {} else {old}", flag.text))
    };
    let mut proposal = Proposal::new(Span::new(assignment.start, region.end()), taken.target);
    proposal.unproven.extend(proof::doubt(subject));
    proposal.unproven.extend(taken.unproven);
    proposal.unproven.extend(lender::told_by_lender(subject));
    proposal.unproven.extend(said.doubts);
    proposal.unproven.extend(flag.unproven);
    let reckons = region.reckons(subject, name, call);
    proposal.notes.extend(reckons.note);
    proposal.unproven.extend(reckons.unproven);
    for (new, old) in std::iter::once((&taken.text, call)).chain(
        region
            .releases(subject, name)
            .into_iter()
            .map(|old| (&given.text, old)),
    ) {
        let Edit { text, .. } = both(new, old);
        proposal.edits.push(Edit::replace(old, text));
    }
    proposal.imports = taken.imports;
    for import in given.imports.into_iter().chain(flag.imports) {
        if !proposal.imports.contains(&import) {
            proposal.imports.push(import);
        }
    }
    Ok(proposal)
}
