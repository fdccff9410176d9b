//! Connections that are lent as values: what may become of one that is a transaction on behalf of a user from then on, which is rolled
//! back when its name goes out of scope and nobody has committed it.

use crate::edit::Edit;
use crate::facts::connection::{Connection, OtherUse, QueryCall};
use crate::facts::passing;
use crate::facts::types::{Kind, Types};
use crate::finding::Identity;
use crate::language::expression::{Argument, Expression};
use crate::language::usage::{Manner, Usage};
use crate::recipe::Pattern;
use crate::rewrite::Subject;
use crate::source::Span;
use crate::sql::Effect;

/// What a lent connection becomes a transaction on behalf of a user under.
#[derive(Debug, Default)]
pub(super) struct Lent {
    /// Why it is not possible.
    pub(super) refused: Vec<String>,
    /// What a reviewer should know.
    pub(super) notes: Vec<String>,
    /// The edits of its uses.
    pub(super) edits: Vec<Edit>,
}

/// The rules for the connection or transaction that the site takes from a pool and gives a name.
pub(super) fn on_behalf(subject: Subject<'_>) -> Lent {
    let mut lent = Lent::default();
    let Some(connection) = subject.connection else {
        lent.refused.push(
            "it gets no name of its own by a `let`, so what is done with it cannot be followed"
                .to_owned(),
        );
        return lent;
    };
    if let Some(declared) = declared(subject) {
        let line = subject.line(declared);
        let text = subject.text(declared);
        lent.refused.push(format!(
            "its type is written down as `{text}` (line {line}), which the standard's transaction is not"
        ));
    }
    for other in &connection.others {
        lent.refused.extend(handed(subject, other));
    }
    for call in &connection.calls {
        match itself(subject, call) {
            Some(edit) => lent.edits.push(edit),
            None => lent.refused.extend(run(subject, call)),
        }
    }
    lent.refused.extend(state(subject, connection));
    if let Some(span) = connection.ended {
        let line = subject.line(span);
        lent.refused.push(format!(
            "the connection is closed while its transaction is open (line {line})"
        ));
    }
    if subject.pattern == Pattern::PoolAcquireManual {
        statements_of_their_own(subject, connection, &mut lent);
    }
    lent
}

/// The user may be another, or the code may not compile with it.
pub(super) fn uncertain(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Optional { why, .. } => Some(format!("the user is not certain: {why}")),
        _ => None,
    }
}

/// The type that the name of the connection is declared with.
fn declared(subject: Subject<'_>) -> Option<Span> {
    let site = subject.hit.site;
    let bindings = subject.parsed().model.bindings.iter();
    let mut own = bindings.filter(|own| own.value.is_some_and(|value| value.contains(site)));
    own.find_map(|own| own.annotation)
}

/// Why a use that is no query can not be one of the standard's transaction.
fn handed(subject: Subject<'_>, other: &OtherUse) -> Option<String> {
    let line = subject.line(other.span);
    if !other.passed {
        return Some(format!("the connection {} (line {line})", other.what));
    }
    let file = subject.parsed();
    let Usage::Argument { call, callee } = file.language.usage(file.code(), other.span) else {
        return Some(format!("the connection {} (line {line})", other.what));
    };
    let name = subject.text(callee).lines().next().unwrap_or_default();
    let Some((function, parameter)) =
        passing::reached(subject.world, subject.file, call, callee, other.span)
    else {
        return Some(format!(
            "the connection is passed to `{name}` (line {line}), and what that takes is not seen"
        ));
    };
    let written = parameter.annotation?;
    let home = subject.world.project.file(function.file);
    let types = Types::new(subject.world.project, subject.world.driver);
    let text = written.text(home.text());
    match types.kind_of_written(function.file, written, function.scope) {
        // Whatever lends a connection can be lent as one.
        Kind::Connection if text.contains("PgConnection") => None,
        Kind::Executor(_) if is_reborrowed(subject, call, other.span) => None,
        _ => Some(format!(
            "the connection is passed to `{name}` (line {line}), which takes `{}`: the standard's transaction is lent as a `PgConnection`",
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        )),
    }
}

/// Whether the value at `span` is lent on as what it is a connection by: `&mut *tx`, `tx.as_mut()`.
fn is_reborrowed(subject: Subject<'_>, call: Span, span: Span) -> bool {
    let Expression::Call { arguments, .. } = subject.parsed().expression(call) else {
        return false;
    };
    let mut values = arguments.iter().map(Argument::value);
    values.any(|value| value.contains(span) && reborrows(subject.text(value)))
}

fn reborrows(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    (plain.starts_with("&mut*") && !plain.starts_with("&mut**"))
        || plain.ends_with(".as_mut()")
        || plain.ends_with(".deref_mut()")
}

/// The edit for a query that is handed the transaction itself, which earlier versions of the driver take: the standard's is lent on.
fn itself(subject: Subject<'_>, call: &QueryCall) -> Option<Edit> {
    let argument = call.call.arguments.first()?.value();
    let name = subject.text(argument).strip_prefix("&mut ")?;
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_run = subject.world.driver.executors.contains(&call.call.method);
    (is_run && is_name).then(|| Edit::insert(argument.start + "&mut ".len(), "*".to_owned()))
}

/// Why a query or method cannot be one on the standard's transaction.
fn run(subject: Subject<'_>, call: &QueryCall) -> Option<String> {
    let line = subject.line(call.call.call);
    let driver = subject.world.driver;
    let method = &call.call.method;
    if driver.executors.contains(method) {
        let on = call
            .call
            .arguments
            .first()
            .map(|own| subject.text(own.value()));
        let is_argument = call.queries.is_some() && on.is_some_and(|on| on.starts_with('&'));
        if is_argument && !on.is_some_and(reborrows) {
            return Some(format!(
                "`{}` hands the transaction itself to the query (line {line}); the standard's is lent on by `&mut *`",
                on.unwrap_or_default()
            ));
        }
        return None;
    }
    let known = ["commit", "rollback", "begin", "ping"];
    (!known.contains(&method.as_str()) || call.call.manner != Manner::Awaited).then(|| {
        format!("`.{method}()` of the connection (line {line}) may not be one of the standard's transaction")
    })
}

/// State that is set by hand, or that a setting as the first statement comes in the way of.
fn state(subject: Subject<'_>, connection: &Connection) -> Vec<String> {
    let mut reasons = Vec::new();
    let passed = connection
        .passed_queries
        .iter()
        .flat_map(|own| &own.statements);
    let own = connection.calls.iter().flat_map(|call| {
        let statements = call.statements().map(|statement| &statement.effects);
        statements.map(|effects| (Some(call.call.call), effects))
    });
    let passed = passed.map(|statement| (None, &statement.effects));
    for (place, effects) in own.chain(passed) {
        let line = place.map_or_else(String::new, |place| {
            format!(" (line {})", subject.line(place))
        });
        for effect in effects {
            let why = match effect {
                Effect::LocalSetting => "the user or another setting is set by hand",
                Effect::SessionSetting | Effect::SettingsReset => {
                    "a setting of the session is changed, which stays on the connection"
                }
                Effect::TransactionControl | Effect::NextTransaction => {
                    "the transaction is steered by SQL text, which may have to come first in it"
                }
                Effect::NoTransaction => "the statement cannot run in a transaction",
                _ => continue,
            };
            let reason = format!(
                "{why}{line}; the standard's transaction sets the user before everything else"
            );
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    reasons
}

/// On a connection each statement is committed by itself; in a transaction that nobody commits all are rolled back, and the first error
/// ends it.
fn statements_of_their_own(subject: Subject<'_>, connection: &Connection, lent: &mut Lent) {
    let file = subject.parsed();
    let writes = connection.calls.iter();
    let mut writes = writes.filter(|call| call.queries.is_some() && call.may_write());
    if let Some(write) = writes.next() {
        let line = subject.line(write.call.call);
        let what = if write.is_known() {
            "writes"
        } else {
            "may write"
        };
        lent.refused.push(format!(
            "it {what} (line {line}), and nothing commits the transaction: what is written would be rolled back"
        ));
    }
    let passed = connection.others.iter().filter(|other| other.passed);
    for other in passed.filter(|other| other.behind.may_write()) {
        let line = subject.line(other.span);
        lent.refused.push(format!(
            "what it is passed to may write (line {line}), and nothing commits the transaction: what is written would be rolled back"
        ));
    }
    // What is last on the connection may fail as it likes.
    let places = connection.calls.iter().map(|call| call.call.call);
    let last = places
        .chain(connection.others.iter().map(|other| other.span))
        .max();
    for call in connection
        .calls
        .iter()
        .filter(|call| call.queries.is_some())
    {
        if call.call.manner != Manner::Awaited {
            let line = subject.line(call.call.call);
            lent.refused.push(format!(
                "the result of `.{}()` is not awaited on the spot (line {line})",
                call.call.method
            ));
        } else if (Some(call.call.call) != last || call.in_loop)
            && !file.language.error_leaves(file.code(), call.call.whole)
        {
            let line = subject.line(call.call.call);
            lent.refused.push(format!(
                "an error of the query (line {line}) does not leave the function, and the connection is used again: in a transaction every further statement fails"
            ));
        }
    }
    if connection.calls.len() > 1 {
        lent.notes.push(
            "the statements see one moment of `now()`, and locks are held to the end".to_owned(),
        );
    }
}
