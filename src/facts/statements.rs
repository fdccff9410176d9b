//! Statements that a program makes of calls (`select(Lot).where(…)`) or of a text (`text("SELECT …")`): whether they only read.

use crate::facts::World;
use crate::facts::connection::read;
use crate::language::BindingKind;
use crate::language::expression::{Argument, Expression};
use crate::project::FileId;
use crate::recipe::SessionMethods;
use crate::source::Span;
use crate::sql::{self, Effect, SqlFacts, SqlText, StatementKind};

/// How many names and calls a statement is followed through.
const DEPTH: usize = 12;

/// What a statement does to the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// It only reads, and leaves nothing behind.
    Reads,
    /// It changes rows, or something of the session.
    Changes,
    /// It is not known.
    Unknown,
}

/// What the statement at `span` does.
pub fn manner(world: World<'_>, session: &SessionMethods, id: FileId, span: Span) -> Manner {
    made(world, session, id, span, DEPTH)
}

fn made(
    world: World<'_>,
    session: &SessionMethods,
    id: FileId,
    span: Span,
    depth: usize,
) -> Manner {
    let Some(depth) = depth.checked_sub(1) else {
        return Manner::Unknown;
    };
    let file = world.project.file(id);
    match file.expression(span) {
        Expression::Same(inner) => made(world, session, id, inner, depth),
        Expression::Either(options) => options
            .into_iter()
            .map(|option| made(world, session, id, option, depth))
            .max()
            .unwrap_or(Manner::Unknown),
        Expression::Name(name) => {
            let scope = file.model.scope_at(span.start);
            let Some(owner) = file.model.resolve(scope, &name) else {
                return Manner::Unknown;
            };
            let values = file.model.bindings_of(owner, &name).map(|binding| {
                let value = binding.value.filter(|_| {
                    matches!(
                        binding.kind,
                        BindingKind::Assignment | BindingKind::Annotation | BindingKind::Walrus
                    )
                });
                // `query = query.where(…)` is what it was before.
                let grows = |value: Span| begins_with(value.text(file.text()), &name);
                match value {
                    Some(value) if grows(value) => functions(world, id, value),
                    Some(value) => made(world, session, id, value, depth),
                    None => Manner::Unknown,
                }
            });
            values.max().unwrap_or(Manner::Unknown)
        }
        Expression::Call { callee, arguments } => {
            let text = callee.text(file.text());
            let last = text.rsplit('.').next().unwrap_or(text).trim();
            let has = |names: &[String]| names.iter().any(|name| name == last);
            if has(&session.textual) {
                return match arguments.first() {
                    Some(Argument::Positional(value)) => of_texts(&read(file, *value)),
                    _ => Manner::Unknown,
                };
            }
            if has(&session.changing) {
                return Manner::Changes;
            }
            if has(&session.reading) {
                return functions(world, id, span);
            }
            match file.expression(callee) {
                // `select(…).where(…)`
                Expression::Attribute { object, .. } => {
                    let inner = made(world, session, id, object, depth);
                    inner.max(functions(world, id, span))
                }
                _ => Manner::Unknown,
            }
        }
        _ => Manner::Unknown,
    }
}

/// Whether the text of an expression is built on the variable `name`.
fn begins_with(text: &str, name: &str) -> bool {
    text.strip_prefix(name)
        .is_some_and(|rest| rest.trim_start().starts_with('.'))
}

/// Functions of the database that a statement calls by `func.name(…)`: one that is not known may change rows.
fn functions(world: World<'_>, id: FileId, span: Span) -> Manner {
    let file = world.project.file(id);
    let calls = file.outline.calls.iter();
    let names = calls
        .filter(|call| span.contains(call.span))
        .filter(|call| call.callee.text(file.text()).starts_with("func."));
    names
        .map(|call| {
            let text = format!("SELECT {}()", call.name);
            of_texts(&[sql::read(&SqlText::literal(text))])
        })
        .max()
        .unwrap_or(Manner::Reads)
}

/// What SQL does to the rows and the session.
pub(super) fn of_texts(queries: &[SqlFacts]) -> Manner {
    if queries.is_empty() || queries.iter().any(|query| query.statements.is_empty()) {
        return Manner::Unknown;
    }
    let statements = queries.iter().flat_map(|query| &query.statements);
    statements
        .map(|statement| {
            let lasts = statement.effects.iter().any(|effect| {
                !matches!(
                    effect,
                    Effect::RowLock
                        | Effect::TransactionLock
                        | Effect::TransactionTime
                        | Effect::ReadsTime
                        | Effect::LocalSetting
                )
            });
            if statement.kind == StatementKind::Unknown {
                Manner::Unknown
            } else if statement.kind != StatementKind::Read || lasts {
                Manner::Changes
            } else if statement.unknown_functions.is_empty() {
                Manner::Reads
            } else {
                Manner::Unknown
            }
        })
        .max()
        .unwrap_or(Manner::Unknown)
}
