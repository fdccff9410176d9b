//! A call on a pool becomes a call of the helper for its method: one statement on a connection of its own, before and after.

use crate::rewrite::{Proposal, Refusal, Subject, proof, template};

pub(super) fn propose(subject: Subject<'_>) -> Result<Proposal, Refusal> {
    let Some(query) = subject.call else {
        return Err(Refusal::one("the pool's method is not called here"));
    };
    let call = &query.call;
    let mut reasons = proof::shared_pool(subject);
    reasons.extend(proof::binds_nothing_else(subject, call.callee));
    reasons.extend(proof::mapped(subject, query));
    // A loop around the call changes nothing: each round has its own connection already.
    let alone = crate::facts::connection::QueryCall {
        in_loop: false,
        ..query.clone()
    };
    reasons.extend(proof::no_session_state(subject, [&alone]));
    Refusal::unless_empty(reasons)?;
    let Some(helper) = subject.world.standard.helpers.get(&call.method) else {
        return Err(Refusal::one(subject.world.standard.no_helper(&call.method)));
    };
    let mut proposal = Proposal::new(call.whole, helper.name.clone());
    proposal.unproven.extend(proof::doubt(subject));
    let local = template::name_at(
        subject,
        &helper.name,
        call.call.start,
        &mut proposal.imports,
    )?;
    let file = subject.parsed();
    proposal.edits = file
        .language
        .replace_access(file.code(), call.callee, &local);
    proposal
        .unproven
        .extend(proof::besides(subject, helper, query));
    if let Some(conversion) = &helper.converts {
        proposal.unproven.push(format!(
            "`{}` gives another type: {conversion}",
            helper.name
        ));
    }
    Ok(proposal)
}
