//! A block that borrows a connection becomes helper calls, each on a connection of its own (the block goes, its body moves out).

use std::collections::BTreeSet;

use crate::rewrite::{Proposal, Refusal, Subject, proof, template};

pub(super) fn propose(subject: Subject<'_>) -> Result<Proposal, Refusal> {
    let shape = subject.shape()?;
    let (block, item) = (subject.capture("BLOCK")?, subject.capture("ITEM")?);
    let Some(connection) = subject.connection else {
        return Err(Refusal::one("the block does not name its connection"));
    };
    let mut reasons = proof::shared_pool(subject);
    reasons.extend(proof::binds_nothing_else(
        subject,
        subject.capture("ACQUIRE")?,
    ));
    reasons.extend(proof::no_arguments(subject, shape.get("ARGS").copied()));
    let file = subject.parsed();
    if file.language.opens_more(file.code(), item) {
        reasons.push("the `with` has further items".to_owned());
    }
    reasons.extend(proof::only_mapped_calls(subject, connection));
    reasons.extend(proof::no_session_state(subject, &connection.calls));
    Refusal::unless_empty(reasons)?;

    let mut proposal = Proposal::new(block, "");
    proposal.unproven.extend(proof::doubt(subject));
    let mut helpers = BTreeSet::new();
    for call in &connection.calls {
        let Some(helper) = subject.world.standard.helpers.get(&call.call.method) else {
            continue;
        };
        let local = template::name_at(
            subject,
            &helper.name,
            call.call.call.start,
            &mut proposal.imports,
        )?;
        let callee = call.call.callee;
        let called = file.language.replace_access(file.code(), callee, &local);
        proposal.edits.extend(called);
        helpers.insert(helper.name.clone());
        let line = subject.line(call.call.call);
        for reason in proof::besides(subject, helper, call) {
            if !proposal.unproven.contains(&reason) {
                proposal.unproven.push(reason);
            }
        }
        if let Some(conversion) = &helper.converts {
            proposal.unproven.push(format!(
                "`{}` gives another type: {conversion} (line {line})",
                helper.name
            ));
        }
        if call.in_loop {
            proposal
                .notes
                .push(format!("one acquire per iteration (line {line})"));
        }
    }
    proposal.imports.sort();
    proposal.imports.dedup();
    proposal.unproven.dedup();
    let Some(moved) = file.language.unwrap_block(file.code(), block) else {
        return Err(Refusal::one(
            "the block cannot be moved to its header's indentation without changing its text",
        ));
    };
    proposal.move_lines(moved);
    proposal.target = helpers.into_iter().collect::<Vec<_>>().join(", ");
    Ok(proposal)
}
