//! Where exceptions are caught (or collected as values), and where execution goes on after that.

use tree_sitter::Node;

use super::{Jumps, MAX_LEVELS, leaves, own_block};
use crate::language::Code;
use crate::language::python::forms::with_around;
use crate::language::python::imports::qualified;
use crate::language::python::nodes::{children, own_nodes, unparenthesised};
use crate::language::usage::Catch;
use crate::source::Span;

/// The context managers that swallow exceptions of their body, by the last part of their name.
const SUPPRESSING: [&str; 7] = [
    "suppress",
    "raises",
    "assertRaises",
    "assertRaisesRegex",
    "move_on_after",
    "move_on_at",
    "CancelScope",
];

/// The places inside `body` where exceptions are caught: handlers, a `finally` that jumps, `with suppress(…)`. Not those of nested functions.
pub(in crate::language::python) fn catches(code: &Code<'_>, body: Span) -> Vec<Catch> {
    own_nodes(&code.tree, body)
        .into_iter()
        .flat_map(|node| match node.kind() {
            "try_statement" => tried(code, node),
            "with_item" => suppressed(code, node).into_iter().collect(),
            "call" => collected(code, node).into_iter().collect(),
            _ => Vec::new(),
        })
        .collect()
}

fn tried(code: &Code<'_>, statement: Node<'_>) -> Vec<Catch> {
    let Some(body) = statement.child_by_field_name("body") else {
        return Vec::new();
    };
    let parts = children(statement);
    let blocks = |kind: &'static str| {
        parts
            .iter()
            .filter(move |part| part.kind() == kind)
            .filter_map(|clause| own_block(*clause))
    };
    let mut found = Vec::new();
    let handlers: Vec<Node<'_>> = blocks("except_clause").collect();
    if !handlers.is_empty() {
        let clauses = parts.iter().filter(|part| part.kind() == "except_clause");
        let jumps = handlers.iter().map(|handler| Jumps::of(*handler));
        found.push(Catch {
            span: statement.into(),
            body: body.into(),
            handles: true,
            falls_through: jumps.clone().any(|jumps| jumps.breaks)
                || handlers.iter().any(|handler| !leaves(*handler, MAX_LEVELS)),
            continues: jumps.clone().any(|jumps| jumps.continues),
            handlers: handlers.iter().copied().map(Span::from).collect(),
            types: caught_types(code, clauses),
        });
    }
    let before = parts.iter().rfind(|part| part.kind() != "finally_clause");
    let end = before.map_or(body.end_byte(), Node::end_byte);
    // A jump in a `finally` drops the exception that is on its way, that of a handler too.
    found.extend(blocks("finally_clause").map(|finally| {
        let jumps = Jumps::of(finally);
        Catch {
            span: statement.into(),
            body: Span::new(body.start_byte(), end),
            handles: jumps.any(),
            falls_through: jumps.breaks,
            continues: jumps.continues,
            handlers: vec![finally.into()],
            types: None,
        }
    }));
    found
}

/// A call that gives exceptions back as values: `gather(…, return_exceptions=True)`, or one that keeps them in tasks: `asyncio.wait(…)`.
fn collected(code: &Code<'_>, call: Node<'_>) -> Option<Catch> {
    let callee = call.child_by_field_name("function")?;
    let arguments = call.child_by_field_name("arguments")?;
    let gives_back = children(arguments).into_iter().any(|argument| {
        let field = |name| argument.child_by_field_name(name);
        field("name").is_some_and(|name| code.text(name.into()) == "return_exceptions")
            && field("value").is_some_and(|value| value.kind() != "false")
    });
    let name = qualified(code, callee);
    let waits = name.is_some_and(|name| name == "asyncio.wait");
    (gives_back || waits).then(|| Catch {
        span: call.into(),
        body: arguments.into(),
        handles: true,
        falls_through: true,
        continues: false,
        handlers: Vec::new(),
        types: None,
    })
}

fn suppressed(code: &Code<'_>, item: Node<'_>) -> Option<Catch> {
    let value = item.child_by_field_name("value")?;
    let call = suppressing(code, value)?;
    let statement = with_around(&code.tree, item)?;
    let types = call.child_by_field_name("arguments").map(children);
    Some(Catch {
        span: statement.into(),
        body: statement.child_by_field_name("body")?.into(),
        handles: true,
        falls_through: true,
        continues: false,
        handlers: Vec::new(),
        types: names_of(code, types.unwrap_or_default()),
    })
}

/// The types that the clauses of a `try` catch together; `None` where that is every exception.
fn caught_types<'t>(
    code: &Code<'_>,
    clauses: impl Iterator<Item = &'t Node<'t>>,
) -> Option<Vec<String>> {
    let mut types = Vec::new();
    for clause in clauses {
        let parts = children(*clause).into_iter();
        let mut written = parts.take_while(|part| part.kind() != "block");
        types.push(written.next()?);
    }
    names_of(code, types)
}

/// The last parts of the names of exceptions; `None` where one of them stands for all.
fn names_of(code: &Code<'_>, types: Vec<Node<'_>>) -> Option<Vec<String>> {
    let mut due = types;
    let mut names = Vec::new();
    while let Some(node) = due.pop() {
        match node.kind() {
            "tuple" | "list" | "parenthesized_expression" => due.extend(children(node)),
            "as_pattern" => due.extend(children(node).first().copied()),
            _ => {
                let text = code.text(node.into());
                let last = text.rsplit('.').next().unwrap_or(text);
                if ["Exception", "BaseException"].contains(&last) {
                    return None;
                }
                names.push(last.to_owned());
            }
        }
    }
    Some(names)
}

/// The call in the header of a block that makes a manager which swallows exceptions.
fn suppressing<'t>(code: &Code<'_>, item: Node<'t>) -> Option<Node<'t>> {
    let mut value = unparenthesised(item);
    if value.kind() == "as_pattern" {
        value = children(value).first().copied().unwrap_or(value);
        value = unparenthesised(value);
    }
    let callee = value.child_by_field_name("function")?;
    let name = qualified(code, callee).unwrap_or_else(|| code.text(callee.into()).to_owned());
    let last = name.rsplit('.').next().unwrap_or(&name);
    SUPPRESSING.contains(&last).then_some(value)
}
