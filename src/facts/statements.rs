//! Statements that a program makes of calls (`select(Lot).where(…)`) or of a text (`text("SELECT …")`): whether they only read.

use std::collections::BTreeSet;

use crate::facts::connection::read;
use crate::facts::{World, passing};
use crate::language::expression::{Argument, Expression};
use crate::language::usage::Usage;
use crate::language::{Binding, BindingKind, Model};
use crate::project::{FileId, FunctionRef, ParsedFile, Symbol};
use crate::recipe::SessionMethods;
use crate::source::Span;
use crate::sql::{self, Effect, Part, SqlFacts, SqlText, StatementKind};

/// How many names and calls a statement is followed through.
const DEPTH: usize = 12;

/// Methods of a statement that take another one.
const STATEMENT_TAKERS: [&str; 5] = [
    "from_statement",
    "add_cte",
    "select_from",
    "exists",
    "aliased",
];

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
                    Some(value) if grows(value) => parts(world, session, id, value),
                    Some(value) => made(world, session, id, value, depth),
                    None => Manner::Unknown,
                }
            });
            values.max().unwrap_or(Manner::Unknown)
        }
        Expression::Call { callee, arguments } => {
            let maker = maker(world, id, callee);
            let makes = |names: &[String]| names.iter().any(|name| maker.as_ref() == Some(name));
            if makes(&session.textual) {
                return match arguments.first() {
                    Some(Argument::Positional(value)) => {
                        let texts = file.language.texts(file.code(), *value);
                        let notices = texts.iter().map(notice).max().unwrap_or(Manner::Reads);
                        of_texts(&read(file, *value)).max(notices)
                    }
                    _ => Manner::Unknown,
                };
            }
            if makes(&session.changing) {
                return Manner::Changes;
            }
            if makes(&session.reading) {
                return parts(world, session, id, span);
            }
            match file.expression(callee) {
                // `table("lots").update()`, `Lot.__table__.insert()`
                Expression::Attribute { name, .. } if session.changing.contains(&name) => {
                    Manner::Changes
                }
                // `select(…).where(…)`
                Expression::Attribute { object, .. } => {
                    let inner = made(world, session, id, object, depth);
                    inner.max(parts(world, session, id, span))
                }
                _ => Manner::Unknown,
            }
        }
        _ => Manner::Unknown,
    }
}

/// The name of the function that makes a statement, as the library calls it; nothing for a method of a statement, which may have the same
/// name: `insert(Lot).values(…)`.
fn maker(world: World<'_>, id: FileId, callee: Span) -> Option<String> {
    match world.project.symbol(id, callee)? {
        Symbol::External(dotted) | Symbol::Unbound(dotted) => {
            dotted.rsplit('.').next().map(str::to_owned)
        }
        _ => None,
    }
}

/// Whether the text of an expression is built on the variable `name`.
fn begins_with(text: &str, name: &str) -> bool {
    text.strip_prefix(name)
        .is_some_and(|rest| rest.trim_start().starts_with('.'))
}

/// What the parts of a statement do that is otherwise known: statements inside of it, functions of the database, pieces of SQL; also those
/// that it holds under a name.
fn parts(world: World<'_>, session: &SessionMethods, id: FileId, span: Span) -> Manner {
    let mut seen = BTreeSet::new();
    let mut open = vec![(id, span)];
    let mut found = Manner::Reads;
    while let Some((id, span)) = open.pop() {
        if !seen.insert((id, span)) {
            continue;
        }
        let file = world.project.file(id);
        let calls = file.outline.calls.iter();
        for call in calls.filter(|call| span.contains(call.span)) {
            found = found.max(part(world, session, id, call.span));
        }
        let references = file.model.references.iter();
        for reference in references.filter(|reference| span.contains(reference.span)) {
            let (place, scope) = match world.project.symbol(id, reference.span) {
                Some(Symbol::Member { file, .. }) => (file, Some(Model::MODULE)),
                _ => (id, reference.target),
            };
            let Some(scope) = scope else { continue };
            let model = &world.project.file(place).model;
            let is_parameter = |binding: &Binding| matches!(binding.kind, BindingKind::Parameter);
            // What is selected from is a statement, if it is not a class of the project; a value to compare with is none.
            if model.bindings_of(scope, &reference.name).any(is_parameter)
                && is_statement_of(file, reference.span)
            {
                found = found.max(Manner::Unknown);
            }
            let values = model.bindings_of(scope, &reference.name);
            open.extend(
                values
                    .filter_map(|binding| binding.value)
                    .map(|value| (place, value)),
            );
        }
    }
    found
}

/// What a call inside of a statement does.
fn part(world: World<'_>, session: &SessionMethods, id: FileId, span: Span) -> Manner {
    let file = world.project.file(id);
    let Expression::Call { callee, arguments } = file.expression(span) else {
        return Manner::Reads;
    };
    if matches!(file.expression(callee), Expression::Attribute { object, name }
        if session.changing.contains(&name) && matches!(file.expression(object), Expression::Call { .. } | Expression::Attribute { .. }))
    {
        return Manner::Changes;
    }
    let symbol = world.project.symbol(id, callee);
    let Some(Symbol::External(dotted) | Symbol::Unbound(dotted)) = symbol else {
        let target = passing::target(world, id, callee);
        return target.map_or(Manner::Reads, |function| behind(world, session, function));
    };
    let mut names = dotted.rsplit('.');
    let name = names.next().unwrap_or_default();
    // `func.name(…)`: one that is not known may change rows.
    if names.any(|name| name == "func") {
        let text = SqlText::literal(format!("SELECT {name}()"));
        return of_texts(&[sql::read(&text)]).max(notice(&text));
    }
    let is = |names: &[String]| names.iter().any(|known| known == name);
    if is(&session.changing) {
        return Manner::Changes;
    }
    if is(&session.textual) || name == "literal_column" {
        return match arguments.first() {
            Some(Argument::Positional(value)) => {
                let texts = file.language.texts(file.code(), *value).into_iter();
                texts.map(of_piece).max().unwrap_or(Manner::Unknown)
            }
            _ => Manner::Unknown,
        };
    }
    Manner::Reads
}

/// What the statements do that a function of the project makes, which a statement is built on: `select(Lot).from_statement(put(name))`.
fn behind(world: World<'_>, session: &SessionMethods, function: FunctionRef) -> Manner {
    let mut seen = BTreeSet::from([function]);
    let mut open = vec![function];
    while let Some(function) = open.pop() {
        let file = world.project.file(function.file);
        let body = file.model.scope(function.scope).body;
        let calls = file.outline.calls.iter();
        for call in calls.filter(|call| body.contains(call.span)) {
            let maker = maker(world, function.file, call.callee);
            let makes = |names: &[String]| names.iter().any(|name| maker.as_ref() == Some(name));
            if makes(&session.changing) {
                return Manner::Changes;
            }
            let target = passing::target(world, function.file, call.callee);
            open.extend(target.filter(|target| seen.len() < DEPTH && seen.insert(*target)));
        }
    }
    Manner::Reads
}

/// Whether a statement is built on what a name stands for: `select(Lot).from_statement(name)`, `select(name.c.id)`.
fn is_statement_of(file: &ParsedFile, name: Span) -> bool {
    match file.language.usage(file.code(), name) {
        Usage::Argument { callee, .. } => {
            let callee = callee.text(file.text());
            STATEMENT_TAKERS.contains(&callee.rsplit('.').next().unwrap_or(callee))
        }
        Usage::AttributeRead { name } => matches!(name.as_str(), "c" | "columns"),
        _ => false,
    }
}

/// What a piece of SQL does that may be a whole statement, or an expression or clause in one.
fn of_piece(text: SqlText) -> Manner {
    let (whole, notice) = (sql::read(&text), notice(&text));
    let is_known = |query: &SqlFacts| {
        let mut statements = query.statements.iter();
        !query.statements.is_empty()
            && statements.all(|statement| statement.kind != StatementKind::Unknown)
    };
    if is_known(&whole) {
        return of_texts(&[whole]).max(notice);
    }
    let mut parts = vec![Part::Literal("SELECT ".to_owned())];
    parts.extend(text.parts);
    of_texts(&[sql::read(&SqlText { parts })]).max(notice)
}

/// Whether SQL tells other sessions something: they hear of it when it is committed.
fn notice(text: &SqlText) -> Manner {
    let tells = text.parts.iter().any(
        |part| matches!(part, Part::Literal(text) if text.to_lowercase().contains("pg_notify")),
    );
    if tells {
        Manner::Changes
    } else {
        Manner::Reads
    }
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
                        | Effect::TransactionNumber
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
