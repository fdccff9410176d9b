//! The kind of a statement and its effects beyond its rows, read from its tokens.
//!
//! The leading words decide both for every statement of PostgreSQL, and a call or a locking clause shows in the tokens as well as in a
//! tree. So statements that the grammar refuses are classified by the same code as those that it takes.

use std::collections::BTreeSet;

use super::tokens::Tokens;
use super::{Effect, StatementKind};

/// The kind of the statement and its effects.
pub(super) fn classify(tokens: Tokens<'_>) -> (StatementKind, BTreeSet<Effect>) {
    let (kind, mut effects) = match explained(tokens) {
        Some((Explained::Planned, _)) => return (StatementKind::Read, BTreeSet::new()),
        Some((Explained::Run, inner)) => (kind(inner), own_effects(inner)),
        None => (kind(tokens), own_effects(tokens)),
    };
    if runs_expressions(tokens, kind) {
        effects.extend(call_effects(tokens));
        effects.extend(clause_effects(tokens));
        let reads = (0..tokens.len()).any(|at| is_transaction_time(tokens, at));
        effects.extend(reads.then_some(Effect::ReadsTime));
        effects.extend(hands_out_time(tokens).then_some(Effect::TransactionTime));
        effects.extend(stores_time(tokens).then_some(Effect::StoresTime));
    }
    (kind, effects)
}

/// What `EXPLAIN` does with its statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Explained {
    /// It is planned only.
    Planned,
    /// `ANALYZE`: it is run.
    Run,
}

const ANALYZE: [&str; 2] = ["analyze", "analyse"];

fn explained(tokens: Tokens<'_>) -> Option<(Explained, Tokens<'_>)> {
    if !tokens.is(0, "explain") {
        return None;
    }
    let (mut at, mut analyze) = (1, false);
    if tokens.is_symbol(1, '(') && !tokens.is_any(2, &["select", "values", "table", "with"]) {
        at = tokens.after_group(1);
        analyze = tokens.slice(2, at - 1).split_commas().iter().any(|option| {
            option.is_any(0, &ANALYZE)
                && !option.is_any(1, &["false", "off"])
                && option.text(1) != "0"
        });
    } else {
        while tokens.is_any(at, &ANALYZE) || tokens.is(at, "verbose") {
            analyze |= tokens.is_any(at, &ANALYZE);
            at += 1;
        }
    }
    let explained = if analyze {
        Explained::Run
    } else {
        Explained::Planned
    };
    Some((explained, tokens.slice(at, tokens.len())))
}

fn kind(tokens: Tokens<'_>) -> StatementKind {
    let writes_in_with = writes_in_with(tokens);
    let mut body = tokens;
    loop {
        while body.is_symbol(0, '(') {
            body = body.slice(1, body.len());
        }
        body = match body.text(0).to_ascii_lowercase().as_str() {
            "select" | "values" | "table" | "with" if writes_in_with => {
                return StatementKind::Write;
            }
            "with" => main_statement(body),
            "copy" if body.is_symbol(1, '(') => body.slice(1, body.len()),
            word => return kind_of_word(word, body),
        };
    }
}

/// The kind of a statement that begins with `word`.
fn kind_of_word(word: &str, tokens: Tokens<'_>) -> StatementKind {
    match word {
        "select" if tokens.contain(&["into"]) => StatementKind::Definition,
        "select" | "values" | "table" | "show" | "fetch" => StatementKind::Read,
        "copy" if !tokens.contain(&["from"]) => StatementKind::Read,
        "insert" | "update" | "delete" | "merge" | "copy" | "truncate" | "refresh" => {
            StatementKind::Write
        }
        "create" | "alter" | "drop" | "comment" | "grant" | "revoke" | "reindex" | "vacuum"
        | "analyze" | "analyse" | "cluster" | "repack" | "security" | "import" | "reassign"
        | "checkpoint" => StatementKind::Definition,
        "set" | "reset" | "discard" | "begin" | "start" | "commit" | "end" | "rollback"
        | "abort" | "savepoint" | "release" | "listen" | "unlisten" | "notify" | "lock"
        | "prepare" | "deallocate" | "declare" | "move" | "close" | "load" => {
            StatementKind::Session
        }
        "call" | "do" | "execute" => StatementKind::Procedure,
        _ => StatementKind::Unknown,
    }
}

/// The statement behind the list of common table expressions, which `WITH` begins.
fn main_statement(tokens: Tokens<'_>) -> Tokens<'_> {
    let mut at = 1;
    while at < tokens.len() {
        if tokens.is_symbol(at, '(') {
            let after = tokens.after_group(at);
            let list_ends =
                !tokens.is_symbol(after, ',') && !tokens.is_any(after, &["as", "search", "cycle"]);
            at = after;
            if list_ends {
                break;
            }
        } else {
            at += 1;
        }
    }
    while at < tokens.len()
        && !tokens.is_symbol(at, '(')
        && !tokens.is_any(
            at,
            &[
                "select", "values", "table", "insert", "update", "delete", "merge", "with",
            ],
        )
    {
        at += 1;
    }
    tokens.slice(at, tokens.len())
}

/// Whether a common table expression changes rows.
fn writes_in_with(tokens: Tokens<'_>) -> bool {
    (1..tokens.len()).any(|at| {
        tokens.is_symbol(at, '(')
            && tokens.is_any(at - 1, &["as", "materialized"])
            && tokens.is_any(at + 1, &["insert", "update", "delete", "merge"])
    })
}

fn is_temporary(tokens: Tokens<'_>, at: usize) -> bool {
    let at = at + usize::from(tokens.is_any(at, &["local", "global"]));
    tokens.is_any(at, &["temp", "temporary"])
}

/// The effects that its leading words name.
fn own_effects(tokens: Tokens<'_>) -> BTreeSet<Effect> {
    let mut effects = BTreeSet::new();
    if cannot_run_in_transaction(tokens) {
        effects.insert(Effect::NoTransaction);
    }
    if tokens.are(0, &["reset", "all"]) {
        effects.insert(Effect::SettingsReset);
    }
    effects.extend(locks_table(tokens).then_some(Effect::TableLock));
    effects.extend(counts_later(tokens).then_some(Effect::NextTransaction));
    effects.extend(tokens.is(0, "notify").then_some(Effect::Notify));
    if defines_in_temporary_schema(tokens) {
        effects.insert(Effect::TemporaryTable);
    }
    let effect = match tokens.text(0).to_ascii_lowercase().as_str() {
        "set" if tokens.is_any(1, &["transaction", "constraints"]) => Effect::TransactionControl,
        "set" if tokens.is(1, "local") => Effect::LocalSetting,
        "prepare" if tokens.is(1, "transaction") => Effect::TransactionControl,
        "set" | "reset" | "discard" | "load" => Effect::SessionSetting,
        "listen" | "unlisten" => Effect::Listen,
        "lock" => Effect::TransactionLock,
        "prepare" | "execute" | "deallocate" => Effect::PreparedStatement,
        "declare" | "fetch" | "move" | "close" => Effect::Cursor,
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" => {
            Effect::TransactionControl
        }
        "create" if creates_temporary(tokens) => {
            let ends = (0..tokens.len()).any(|at| {
                tokens.are(at, &["on", "commit"]) && !tokens.are(at + 2, &["preserve", "rows"])
            });
            effects.extend(ends.then_some(Effect::OnCommit));
            Effect::TemporaryTable
        }
        "update" if changes_settings(tokens) => Effect::SessionSetting,
        _ => return effects,
    };
    effects.insert(effect);
    effects
}

/// Whether the statement locks a table so that those who read it wait.
fn locks_table(tokens: Tokens<'_>) -> bool {
    match tokens.text(0).to_ascii_lowercase().as_str() {
        "truncate" | "lock" | "cluster" | "reindex" => true,
        "alter" => !tokens.is_any(1, &["role", "user", "system", "database", "default"]),
        "drop" => !tokens.is_any(1, &["role", "user", "database"]),
        "create" => tokens.is_any(1, &["trigger", "policy", "rule"]),
        "refresh" => !tokens.contain(&["concurrently"]),
        "vacuum" => tokens.contain(&["full"]),
        _ => false,
    }
}

/// Whether a setting of transactions is changed, which the one that runs already does not heed.
fn counts_later(tokens: Tokens<'_>) -> bool {
    tokens.are(0, &["set", "session", "characteristics"])
        || (tokens.is_any(0, &["set", "reset"])
            && (1..3).any(|at| {
                let name = tokens.name(at);
                name.is_some_and(|name| name.starts_with("default_transaction_"))
            }))
}

/// The schema of the temporary objects of a session.
fn is_temporary_schema(tokens: Tokens<'_>, at: usize) -> bool {
    tokens.name(at).as_deref() == Some("pg_temp") && tokens.is_symbol(at + 1, '.')
}

/// Whether an object is created, changed or dropped in the schema of temporary objects; what the text of a function does is not meant.
fn defines_in_temporary_schema(tokens: Tokens<'_>) -> bool {
    tokens.is_any(
        0,
        &[
            "create", "alter", "drop", "comment", "truncate", "lock", "copy",
        ],
    ) && (1..tokens.len()).any(|at| is_temporary_schema(tokens, at))
}

/// `UPDATE pg_settings SET setting = …` is `SET`.
fn changes_settings(tokens: Tokens<'_>) -> bool {
    let at = 1 + usize::from(tokens.is(1, "only"));
    let at = if tokens.name(at).as_deref() == Some("pg_catalog") && tokens.is_symbol(at + 1, '.') {
        at + 2
    } else {
        at
    };
    tokens.name(at).as_deref() == Some("pg_settings")
}

fn creates_temporary(tokens: Tokens<'_>) -> bool {
    let at = if tokens.are(1, &["or", "replace"]) {
        3
    } else {
        1
    };
    is_temporary(tokens, at)
}

/// Whether PostgreSQL refuses it inside a transaction block.
///
/// `ALTER TYPE … ADD VALUE` is not among them since PostgreSQL 12. A `REINDEX` or `CLUSTER` of a partitioned table is, which no query
/// shows. Subscriptions depend on their options; all forms that may be refused count.
fn cannot_run_in_transaction(tokens: Tokens<'_>) -> bool {
    let any = |words: &[&[&str]]| words.iter().any(|words| tokens.are(0, words));
    let concurrently = tokens.contain(&["concurrently"]);
    any(&[
        &["vacuum"],
        &["create", "database"],
        &["drop", "database"],
        &["create", "tablespace"],
        &["drop", "tablespace"],
        &["alter", "system"],
        &["create", "subscription"],
        &["drop", "subscription"],
        &["commit", "prepared"],
        &["rollback", "prepared"],
        &["discard", "all"],
    ]) || (tokens.are(0, &["alter", "database"]) && tokens.contain(&["tablespace"]))
        || (tokens.are(0, &["alter", "subscription"])
            && tokens.contain(&["publication", "set", "refresh"]))
        || (tokens.is(0, "cluster") && clusters_everything(tokens))
        || (tokens.is(0, "reindex")
            && (concurrently || tokens.contain(&["database", "schema", "system"])))
        || (concurrently
            && (any(&[
                &["create", "index"],
                &["create", "unique", "index"],
                &["drop", "index"],
            ]) || (tokens.are(0, &["alter", "table"]) && tokens.contain(&["detach"]))))
        || (tokens.is(0, "repack") && (concurrently || tokens.len() == 1))
}

fn clusters_everything(tokens: Tokens<'_>) -> bool {
    let mut at = 1;
    if tokens.is_symbol(at, '(') {
        at = tokens.after_group(at);
    }
    if tokens.is(at, "verbose") {
        at += 1;
    }
    at >= tokens.len()
}

/// Whether its expressions are evaluated when it runs, and neither stored nor only planned.
pub(super) fn evaluates(tokens: Tokens<'_>, kind: StatementKind) -> bool {
    !matches!(explained(tokens), Some((Explained::Planned, _))) && runs_expressions(tokens, kind)
}

/// Whether expressions in it are evaluated when it runs, and not only stored.
fn runs_expressions(tokens: Tokens<'_>, kind: StatementKind) -> bool {
    match kind {
        StatementKind::Definition => {
            tokens.is_any(0, &["select", "with"])
                || tokens.is_symbol(0, '(')
                || (tokens.is(0, "create")
                    && tokens.contain(&["table", "materialized"])
                    && tokens.contain(&["select", "values", "execute"])
                    && !tokens.contain(&["function", "procedure", "policy", "rule", "trigger"]))
        }
        _ => true,
    }
}

/// The effects of the functions that it calls.
fn call_effects(tokens: Tokens<'_>) -> BTreeSet<Effect> {
    (0..tokens.len())
        .filter(|&at| tokens.is_symbol(at + 1, '('))
        .filter(|&at| {
            at == 0 || !tokens.is_symbol(at - 1, '.') || at >= 2 && tokens.is(at - 2, "pg_catalog")
        })
        .flat_map(|at| {
            let later = (tokens.name(at).as_deref() == Some("set_config")
                && tokens
                    .string(at + 2)
                    .is_some_and(|name| name.starts_with("default_transaction_")))
            .then_some(Effect::NextTransaction);
            call_effect(tokens, at).into_iter().chain(later)
        })
        .collect()
}

/// How many tokens the arguments of `set_config` may have, to be looked at.
const MAX_ARGUMENTS: usize = 256;

fn call_effect(tokens: Tokens<'_>, at: usize) -> Option<Effect> {
    let name = tokens.name(at)?;
    match name.as_str() {
        "set_config" => {
            let call = tokens.slice(at + 1, at + 1 + MAX_ARGUMENTS);
            let arguments = call.slice(1, call.after_group(0) - 1);
            Some(set_config_effect(arguments))
        }
        "setseed" => Some(Effect::SessionSetting),
        "currval" | "lastval" => Some(Effect::SequenceState),
        "pg_notify" => Some(Effect::Notify),
        "txid_current"
        | "txid_current_if_assigned"
        | "txid_current_snapshot"
        | "pg_current_xact_id"
        | "pg_current_xact_id_if_assigned"
        | "pg_current_snapshot" => Some(Effect::TransactionNumber),
        _ if name.starts_with("pg_advisory_xact_") || name.starts_with("pg_try_advisory_xact_") => {
            Some(Effect::TransactionLock)
        }
        _ if name.starts_with("pg_advisory_") || name.starts_with("pg_try_advisory_") => {
            Some(Effect::SessionLock)
        }
        _ => None,
    }
}

/// `set_config(name, value, is_local)`: local only when the third argument says so for certain.
fn set_config_effect(arguments: Tokens<'_>) -> Effect {
    let arguments = arguments.split_commas();
    let named = arguments.iter().find(|argument| argument.is(0, "is_local"));
    let (argument, value) = match (named, arguments.get(2)) {
        (Some(argument), _) => (*argument, 3),
        (None, Some(argument)) => (*argument, 0),
        (None, None) => return Effect::SessionSetting,
    };
    let is_true = argument.is(value, "true")
        || matches!(argument.string(value).as_deref(), Some("true" | "t"));
    let ends = argument.len() == value + 1 || argument.is_symbol(value + 1, ':');
    if is_true && ends {
        Effect::LocalSetting
    } else {
        Effect::SessionSetting
    }
}

/// Whether a `FOR UPDATE`, `FOR SHARE` or their kin stands at `at`.
fn locks_rows(tokens: Tokens<'_>, at: usize) -> bool {
    tokens.is(at, "for")
        && (tokens.is_any(at + 1, &["update", "share"])
            || tokens.are(at + 1, &["no", "key", "update"])
            || tokens.are(at + 1, &["key", "share"]))
}

/// The effects of clauses within a query.
fn clause_effects(tokens: Tokens<'_>) -> BTreeSet<Effect> {
    let mut effects = BTreeSet::new();
    for at in 0..tokens.len() {
        if locks_rows(tokens, at) {
            effects.insert(Effect::RowLock);
        } else if tokens.is(at, "into") && is_temporary(tokens, at + 1)
            || is_temporary_schema(tokens, at)
        {
            effects.insert(Effect::TemporaryTable);
        } else if tokens.are(at, &["where", "current", "of"]) {
            effects.insert(Effect::Cursor);
        }
    }
    effects
}

/// Whether the time of the transaction stands in a select list, or in `RETURNING`: of the statement itself, of a common table expression, or
/// of a sub-query that is read from. Not of one that something is only compared with.
fn hands_out_time(tokens: Tokens<'_>) -> bool {
    // For each open bracket: whether it holds a query that is read from, and whether its select list is at hand.
    let mut around: Vec<(bool, bool)> = vec![(true, false)];
    for at in 0..tokens.len() {
        let Some(&(reads, in_list)) = around.last() else {
            return false;
        };
        let set = |around: &mut Vec<(bool, bool)>, in_list| {
            around.pop();
            around.push((reads, in_list));
        };
        if tokens.is_symbol(at, '(') {
            let begins = tokens.is_any(at + 1, &["select", "with", "values"]);
            let is_source = at == 0
                || tokens.is_any(
                    at - 1,
                    &[
                        "as",
                        "materialized",
                        "from",
                        "join",
                        "lateral",
                        "union",
                        "all",
                    ],
                )
                || tokens.is_symbol(at - 1, '(');
            let is_query = is_source && (begins || tokens.is_symbol(at + 1, '('));
            // What stands in the brackets of a call or an expression of the list is a part of the list.
            around.push((reads && (is_query || in_list), in_list && !is_query));
        } else if tokens.is_symbol(at, ')') {
            if around.len() > 1 {
                around.pop();
            }
        } else if reads && tokens.is_any(at, &["select", "returning"]) {
            set(&mut around, true);
        } else if tokens.is_any(at, &["from", "where", "into", "order", "limit"]) {
            set(&mut around, false);
        } else if in_list && is_transaction_time(tokens, at) {
            return true;
        }
    }
    false
}

/// Whether an `INSERT` puts the time of the transaction into its rows.
fn stores_time(tokens: Tokens<'_>) -> bool {
    let Some(start) = (0..tokens.len()).find(|&at| tokens.are(at, &["insert", "into"])) else {
        return false;
    };
    let rest = tokens.slice(start, tokens.len());
    let until = |word: &str| (0..rest.len()).find(|&at| rest.is(at, word));
    let end = until("conflict")
        .into_iter()
        .chain(until("returning"))
        .min()
        .unwrap_or(rest.len());
    let Some(values) = until("values").or_else(|| until("select")) else {
        return false;
    };
    (values..end).any(|at| is_transaction_time(rest, at))
}

/// Whether the time of the transaction is read at `at`.
pub(super) fn is_transaction_time(tokens: Tokens<'_>, at: usize) -> bool {
    let keywords = [
        "current_timestamp",
        "current_time",
        "current_date",
        "localtimestamp",
        "localtime",
    ];
    let of_catalog = at > 1
        && tokens.is_symbol(at - 1, '.')
        && tokens.name(at - 2).as_deref() == Some("pg_catalog");
    let is_member =
        at > 0 && (tokens.is_symbol(at - 1, '.') && !of_catalog || tokens.is(at - 1, "as"));
    let is_call =
        tokens.is_any(at, &["now", "transaction_timestamp"]) && tokens.is_symbol(at + 1, '(');
    // `age(x)` counts from today.
    let is_age = tokens.is(at, "age")
        && tokens.is_symbol(at + 1, '(')
        && tokens
            .slice(at + 2, tokens.after_group(at + 1) - 1)
            .split_commas()
            .len()
            == 1;
    !is_member && (tokens.is_any(at, &keywords) || is_call || is_age) || is_word_of_time(tokens, at)
}

/// `'now'::timestamptz`, `timestamp 'today'`, `CAST('now' AS date)`.
fn is_word_of_time(tokens: Tokens<'_>, at: usize) -> bool {
    let types = ["timestamptz", "timestamp", "date", "time", "timetz"];
    let Some(text) = tokens.string(at) else {
        return false;
    };
    let words = ["now", "today", "tomorrow", "yesterday"];
    if !words.contains(&text.trim().to_ascii_lowercase().as_str()) {
        return false;
    }
    let is_cast = tokens.is_symbol(at + 1, ':')
        && (at + 2..at + 4).any(|at| tokens.is_any(at, &types))
        || tokens.is(at + 1, "as") && tokens.is_any(at + 2, &types);
    is_cast || at > 0 && (tokens.is_any(at - 1, &types) || tokens.is(at - 1, "zone"))
}
