//! What becomes of a value at the place where its name is read.

use tree_sitter::Node;

use super::expression::{arguments, callee};
use super::nodes::path;
use crate::language::Code;
use crate::language::usage::{Manner, MethodCall, Usage};
use crate::source::Span;

/// How the expression at `span` is used by what stands around it. `&x`, `&mut *x` and parentheses are passed over.
pub(super) fn usage(code: &Code<'_>, span: Span) -> Usage {
    let path = path(&code.tree, span);
    let exactly = |node: &Node<'_>| node.is_named() && Span::from(*node) == span;
    let Some(mut at) = path.iter().rposition(exactly) else {
        return Usage::Other;
    };
    loop {
        let Some(above) = at.checked_sub(1) else {
            return Usage::Other;
        };
        let (node, parent) = (path[at], path[above]);
        let is = |field: &str| parent.child_by_field_name(field) == Some(node);
        return match parent.kind() {
            "parenthesized_expression" | "reference_expression" => {
                at = above;
                continue;
            }
            "unary_expression" if code.text(parent.into()).starts_with('*') => {
                at = above;
                continue;
            }
            "field_expression" if is("value") => {
                // `tx.as_mut()` is `tx` as far as it matters who uses it.
                if let Some(call) = handed_on(code, &path, above) {
                    at = call;
                    continue;
                }
                field(code, &path, above)
            }
            "call_expression" if is("function") => Usage::Called,
            "arguments" => argument(&path, above),
            "return_expression" => Usage::Returned,
            "await_expression" => Usage::Awaited,
            "let_declaration" | "let_condition" | "match_expression" if is("value") => {
                Usage::Aliased
            }
            "assignment_expression" if is("right") => {
                let target = parent.child_by_field_name("left");
                match target.map(|target| target.kind()) {
                    Some("identifier") => Usage::Aliased,
                    _ => Usage::Stored,
                }
            }
            "field_initializer"
            | "shorthand_field_initializer"
            | "array_expression"
            | "tuple_expression" => Usage::Stored,
            "binary_expression" => Usage::Tested,
            "if_expression" | "while_expression" if is("condition") => Usage::Tested,
            // The value of a block is the value of what it stands for; of a function, what it returns.
            "block" if is_tail(parent, node) && is_body(&path, above) => Usage::Returned,
            "closure_expression" if is("body") => Usage::Returned,
            _ => Usage::Other,
        };
    }
}

fn is_tail(block: Node<'_>, node: Node<'_>) -> bool {
    super::nodes::children(block).last() == Some(&node)
}

fn is_body(path: &[Node<'_>], block: usize) -> bool {
    block
        .checked_sub(1)
        .is_some_and(|above| super::nodes::is_function(path[above].kind()))
}

fn argument(path: &[Node<'_>], list: usize) -> Usage {
    let call = list.checked_sub(1).map(|above| path[above]);
    match call.and_then(|call| Some((call, callee(call)?))) {
        Some((call, callee)) => Usage::Argument {
            call: call.into(),
            callee: callee.into(),
        },
        None => Usage::Other,
    }
}

/// `x.name`, which is at `at`.
fn field(code: &Code<'_>, path: &[Node<'_>], at: usize) -> Usage {
    let field = path[at];
    let name = field.child_by_field_name("field");
    let name = name.map_or("", |name| code.text(name.into())).to_owned();
    let Some(above) = at.checked_sub(1) else {
        return Usage::AttributeRead { name };
    };
    let mut above = above;
    if path[above].kind() == "generic_function" && above > 0 {
        above -= 1;
    }
    let parent = path[above];
    if parent.kind() == "call_expression" && callee(parent) == Some(field) {
        return Usage::MethodCall(method_call(path, above, field, name));
    }
    let is_target = matches!(
        parent.kind(),
        "assignment_expression" | "compound_assignment_expr"
    ) && parent.child_by_field_name("left") == Some(field);
    if is_target {
        Usage::AttributeWrite { name }
    } else {
        Usage::AttributeRead { name }
    }
}

/// The call of a method that gives the value itself for whoever changes it, if the access at `at` is that of one.
fn handed_on(code: &Code<'_>, path: &[Node<'_>], at: usize) -> Option<usize> {
    let name = path[at].child_by_field_name("field")?;
    let call = at.checked_sub(1)?;
    let is_call = path[call].kind() == "call_expression" && callee(path[call]) == Some(path[at]);
    let same = matches!(
        code.text(name.into()),
        "as_mut" | "deref_mut" | "borrow_mut"
    );
    (is_call && same).then_some(call)
}

/// The call at `span` with its `.await`, and what is done with what it gives.
pub(super) fn whole_call(code: &Code<'_>, span: Span) -> (Span, Manner) {
    let path = path(&code.tree, span);
    let exactly = |node: &Node<'_>| node.is_named() && Span::from(*node) == span;
    path.iter()
        .rposition(exactly)
        .map_or((span, Manner::Plain), |at| manner(&path, at))
}

fn manner(path: &[Node<'_>], at: usize) -> (Span, Manner) {
    let call = path[at];
    let above = at.checked_sub(1).map(|above| path[above]);
    match above.map(|above| (above, above.kind())) {
        Some((above, "await_expression")) => (above.into(), Manner::Awaited),
        Some((above, "for_expression")) if above.child_by_field_name("value") == Some(call) => {
            (call.into(), Manner::Iterated)
        }
        _ => (call.into(), Manner::Plain),
    }
}

fn method_call(path: &[Node<'_>], at: usize, callee: Node<'_>, method: String) -> MethodCall {
    let call = path[at];
    let (whole, manner) = manner(path, at);
    MethodCall {
        method,
        callee: callee.into(),
        call: call.into(),
        whole,
        arguments: call
            .child_by_field_name("arguments")
            .map(arguments)
            .unwrap_or_default(),
        manner,
    }
}
