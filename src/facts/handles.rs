//! What a connection hands out that goes on using it: prepared statements and cursors. A call on one of these is a use of the connection.

use std::collections::BTreeSet;

use crate::facts::World;
use crate::language::ScopeId;
use crate::language::expression::Expression;
use crate::language::usage::{MethodCall, Usage};
use crate::project::{FileId, ParsedFile};
use crate::source::Span;

/// A use of something that a connection handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HandleUse {
    /// Where.
    pub(super) span: Span,
    /// The scope in which the name is read; that of the call where it has no name.
    pub(super) scope: ScopeId,
    /// The scope that owns its name.
    pub(super) owner: ScopeId,
    /// Its name, or the method that gave it where it has none.
    pub(super) name: String,
    /// What is done with it.
    pub(super) usage: Usage,
}

/// Every use of what the method call `call` on a connection hands out, and of what that hands out in turn; nothing for a call that
/// hands out no such thing.
pub(super) fn uses(world: World<'_>, id: FileId, call: &MethodCall) -> Vec<HandleUse> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    given(
        world,
        world.project.file(id),
        call,
        &mut seen,
        &mut |handle| {
            found.push(handle);
        },
    );
    found
}

fn given(
    world: World<'_>,
    file: &ParsedFile,
    call: &MethodCall,
    seen: &mut BTreeSet<Span>,
    found: &mut impl FnMut(HandleUse),
) {
    if !world.driver.handle_methods.contains(&call.method) || !seen.insert(call.call) {
        return;
    }
    let of_call = |value: &Span| {
        let mut value = *value;
        // `?` and the like hand the same on.
        while let Expression::Same(inner) = file.expression(value) {
            if value == call.call || value == call.whole {
                break;
            }
            value = inner;
        }
        value == call.call || value == call.whole
    };
    let mut names = file.model.bindings.iter();
    let named = names.find(|binding| binding.value.is_some_and(|value| of_call(&value)));
    let Some(binding) = named else {
        let scope = file.model.scope_at(call.call.start);
        let usage = file.language.usage(file.code(), call.whole);
        if let Usage::MethodCall(method) = &usage {
            given(world, file, method, seen, found);
        }
        return found(HandleUse {
            span: call.call,
            scope,
            owner: scope,
            name: call.method.clone(),
            usage,
        });
    };
    for reference in file.model.references_to(binding.scope, &binding.name) {
        let usage = file.language.usage(file.code(), reference.span);
        if let Usage::MethodCall(method) = &usage {
            given(world, file, method, seen, found);
        }
        found(HandleUse {
            span: reference.span,
            scope: reference.scope,
            owner: binding.scope,
            name: binding.name.to_string(),
            usage,
        });
    }
}
