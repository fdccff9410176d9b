//! An expression becomes another: the header of a block changes, the connection keeps its name and the body its place.

use crate::edit::Edit;
use crate::recipe::Template;
use crate::rewrite::{
    Proposal, Refusal, Subject, lent, proof, template, transaction, unit_of_work,
};

pub(super) fn propose(
    subject: Subject<'_>,
    at: &str,
    with: &Template,
) -> Result<Proposal, Refusal> {
    let shape = subject.shape()?;
    let span = subject.capture(at)?;
    let mut reasons = proof::shared_pool(subject);
    reasons.extend(proof::binds_nothing_else(subject, span));
    reasons.extend(proof::no_arguments(subject, shape.get("ARGS").copied()));
    Refusal::unless_empty(reasons)?;
    let filled = template::fill(subject, with, span.start)?;
    let region = shape.get("BLOCK").copied().unwrap_or(span);
    let mut proposal = Proposal::new(region, filled.target);
    proposal.unproven.extend(proof::doubt(subject));
    proposal.unproven.extend(filled.unproven);
    if filled.with_user && subject.world.driver.pool_is_given {
        let lent = lent::on_behalf(subject);
        Refusal::unless_empty(lent.refused)?;
        let identity = &subject.facts.identity;
        proposal.unproven.extend(lent::uncertain(identity));
        proposal.notes.extend(lent.notes);
        proposal.edits.extend(lent.edits);
    } else if filled.with_user {
        let connection = subject.connection.cloned().unwrap_or_default();
        let body = shape.get("BODY").copied().unwrap_or(region);
        let transaction = transaction::around(subject, &connection, region, body);
        Refusal::unless_empty(transaction.refused)?;
        proposal
            .unproven
            .extend(proof::identity_missing(&subject.facts.identity));
        proposal.unproven.extend(transaction.unproven);
        proposal.notes.extend(transaction.notes);
    }
    if let Some(connection) = subject.connection
        && subject.world.driver.session.is_some()
    {
        let scope = subject.world.standard.session;
        Refusal::unless_empty(proof::entered_alike(subject, region, scope))?;
        let body = shape.get("BODY").copied().unwrap_or(region);
        proposal
            .unproven
            .extend(if unit_of_work::begins(subject, span) {
                unit_of_work::unproven_of_begun(subject, connection, scope, body)
            } else {
                unit_of_work::unproven(subject, connection, scope, body, true)
            });
    }
    let growth = filled.text.len().saturating_sub(span.len());
    if growth > 0 {
        let file = subject.parsed();
        let site = subject.hit.site;
        let broken = file.language.broken(file.code(), site, span, growth);
        // A break right behind what is replaced is none inside of it.
        let outside = broken
            .into_iter()
            .filter(|edit| edit.span.start >= span.end || edit.span.end <= span.start);
        proposal.edits.extend(outside);
    }
    proposal.edits.push(Edit::replace(span, filled.text));
    proposal.imports = filled.imports;
    Ok(proposal)
}
