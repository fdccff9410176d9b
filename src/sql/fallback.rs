//! The relations of a statement that the grammar does not take, read from its tokens.
//!
//! What it finds is there; what it does not find may be there all the same, so that the statement counts as open unless its form leaves no
//! room for more. A name that is not certainly a relation (behind the `FROM` of `EXTRACT`, a function, a common table expression) is left out.

use std::collections::BTreeSet;

use super::lex::TokenKind;
use super::tokens::Tokens;
use super::{Command, StatementKind, TableName, TableUse};

/// The relations that certainly are used, and whether there may be others.
pub(super) fn relations(tokens: Tokens<'_>, kind: StatementKind) -> (BTreeSet<TableUse>, bool) {
    match kind {
        StatementKind::Read if tokens.is(0, "fetch") => return (BTreeSet::new(), true),
        // A session command names no relation but for LOCK, and DECLARE and PREPARE hold a query.
        StatementKind::Session if tokens.is_any(0, &["lock", "declare", "prepare"]) => {}
        StatementKind::Session => return (BTreeSet::new(), false),
        StatementKind::Definition if !runs_query(tokens) => return (BTreeSet::new(), false),
        StatementKind::Read | StatementKind::Write | StatementKind::Definition => {}
        StatementKind::Procedure | StatementKind::Unknown => return (BTreeSet::new(), true),
    }
    let mut reader = Reader {
        tokens,
        expressions: expression_names(tokens),
        uses: BTreeSet::new(),
        inserted: None,
        calls: Vec::new(),
    };
    if tokens.is(0, "copy") && !tokens.is_symbol(1, '(') {
        let writes = tokens.contain(&["from"]);
        reader.add(
            1,
            if writes {
                Command::Insert
            } else {
                Command::Select
            },
        );
        let open = reader.uses.is_empty();
        return (reader.uses, open);
    }
    for at in 0..tokens.len() {
        reader.token(at);
    }
    if is_plain_insert(tokens) && tokens.contain(&["returning", "conflict"]) {
        let command = Command::Select;
        let targets: Vec<_> = reader.uses.iter().cloned().collect();
        reader
            .uses
            .extend(targets.into_iter().map(|used| TableUse { command, ..used }));
    }
    let complete = is_plain_insert(tokens) && !reader.uses.is_empty();
    (reader.uses, !complete)
}

/// Whether a definition runs a query: `CREATE TABLE … AS`, `CREATE MATERIALIZED VIEW`, `SELECT INTO`.
fn runs_query(tokens: Tokens<'_>) -> bool {
    tokens.is_any(0, &["select", "with", "explain"])
        || tokens.is_symbol(0, '(')
        || tokens.is(0, "create")
            && tokens.slice(1, 4).contain(&["table", "materialized"])
            && tokens.contain(&["as"])
}

/// Whether it is `INSERT INTO t … VALUES …` with no room for another relation.
fn is_plain_insert(tokens: Tokens<'_>) -> bool {
    tokens.are(0, &["insert", "into"])
        && tokens.contain(&["values"])
        && !tokens.contain(&[
            "select", "from", "table", "with", "join", "using", "execute",
        ])
        && (0..tokens.len()).all(|at| !tokens.has_hole(at))
}

/// The names that common table expressions may have: whatever stands before `AS (` or `AS MATERIALIZED (`.
fn expression_names(tokens: Tokens<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut closed = Vec::new();
    let mut groups = std::collections::HashMap::new();
    for at in 0..tokens.len() {
        if tokens.is_symbol(at, '(') {
            closed.push(at);
        } else if tokens.is_symbol(at, ')') {
            if let Some(open) = closed.pop() {
                groups.insert(at, open);
            }
        } else if tokens.is(at, "as") && at > 0 {
            let before = groups
                .get(&(at - 1))
                .map_or(at - 1, |open| open.saturating_sub(1));
            names.extend(tokens.name(before));
        }
    }
    names
}

struct Reader<'a> {
    tokens: Tokens<'a>,
    expressions: BTreeSet<String>,
    uses: BTreeSet<TableUse>,
    /// Where the target of the last `INSERT` stands.
    inserted: Option<usize>,
    /// For each open bracket, whether it is the argument list of a function, where `FROM` belongs to the function.
    calls: Vec<bool>,
}

impl Reader<'_> {
    fn token(&mut self, at: usize) {
        let tokens = self.tokens;
        if tokens.is_symbol(at, '(') {
            self.calls.push(self.is_call(at));
        } else if tokens.is_symbol(at, ')') {
            self.calls.pop();
        }
        if tokens.is_any(at, &["from", "join"]) && !self.is_function_syntax(at) {
            let command = if at > 0 && tokens.is(at - 1, "delete") {
                Command::Delete
            } else {
                Command::Select
            };
            self.sources(at + 1, command);
        } else if tokens.is(at, "into") && at > 0 && tokens.is_any(at - 1, &["insert", "merge"]) {
            if tokens.is(at - 1, "insert") {
                self.inserted = Some(at + 1);
                self.add(at + 1, Command::Insert);
            }
        } else if at > 0 && tokens.are(at - 1, &["do", "update"]) {
            if let Some(target) = self.inserted {
                self.add(target, Command::Update);
            }
        } else if tokens.is(at, "update") && self.is_update_statement(at) {
            self.add(at + 1, Command::Update);
        } else if at == 0 && tokens.is(0, "truncate") {
            self.sources(1, Command::Delete);
        }
    }

    /// Whether the bracket at `at` opens arguments: a name stands before it that is no keyword of a clause.
    fn is_call(&self, at: usize) -> bool {
        at > 0
            && matches!(
                self.tokens.kind(at - 1),
                Some(TokenKind::Word | TokenKind::QuotedName)
            )
            && !self.tokens.is_any(
                at - 1,
                &[
                    "from",
                    "join",
                    "in",
                    "exists",
                    "as",
                    "any",
                    "all",
                    "some",
                    "and",
                    "or",
                    "not",
                    "where",
                    "on",
                    "lateral",
                    "array",
                    "union",
                    "except",
                    "intersect",
                    "materialized",
                    "select",
                    "then",
                    "else",
                    "when",
                    "values",
                    "by",
                    "using",
                    "returning",
                    "having",
                    "limit",
                    "offset",
                    "over",
                    "filter",
                    "set",
                ],
            )
    }

    /// Whether the `FROM` at `at` is no clause: `EXTRACT(… FROM …)`, `IS DISTINCT FROM`.
    fn is_function_syntax(&self, at: usize) -> bool {
        self.calls.last() == Some(&true)
            || at > 1
                && self.tokens.is(at - 1, "distinct")
                && self.tokens.is_any(at - 2, &["is", "not"])
    }

    /// Whether the `UPDATE` at `at` begins a statement: not `FOR UPDATE`, `DO UPDATE SET`, `ON UPDATE`.
    fn is_update_statement(&self, at: usize) -> bool {
        at == 0 || self.tokens.is_symbol(at - 1, '(') || self.tokens.is_symbol(at - 1, ')')
    }

    /// Adds the relation at `at` and those behind commas.
    fn sources(&mut self, mut at: usize, command: Command) {
        let tokens = self.tokens;
        loop {
            while tokens.is_any(at, &["only", "lateral", "table"]) {
                at += 1;
            }
            let Some(mut after) = self.add(at, command) else {
                return;
            };
            after += usize::from(tokens.is_symbol(after, '*'));
            after += usize::from(tokens.is(after, "as"));
            if tokens.name(after).is_some() && tokens.is_symbol(after + 1, ',') {
                after += 1;
            }
            if !tokens.is_symbol(after, ',') {
                return;
            }
            at = after + 1;
        }
    }

    /// Adds the relation named at `at`, unless it is a call or a common table expression; gives the position behind its name.
    fn add(&mut self, at: usize, command: Command) -> Option<usize> {
        let tokens = self.tokens;
        let at = at + usize::from(tokens.is(at, "only"));
        if tokens.is_any(at, &NOT_NAMES) {
            return None;
        }
        let mut table = TableName {
            schema: None,
            name: tokens.name(at)?,
        };
        let (mut after, mut holes) = (at + 1, tokens.has_hole(at));
        while tokens.is_symbol(after, '.') {
            holes |= tokens.has_hole(after + 1);
            let part = tokens.name(after + 1)?;
            table.schema = Some(std::mem::replace(&mut table.name, part));
            after += 2;
        }
        let is_target = command != Command::Select;
        let is_call = !is_target && tokens.is_symbol(after, '(');
        let is_expression =
            !is_target && table.schema.is_none() && self.expressions.contains(&table.name);
        if !holes && !is_call && !is_expression {
            self.uses.insert(TableUse { table, command });
        }
        Some(after)
    }
}

/// Words that can stand where a relation does and are none.
const NOT_NAMES: [&str; 38] = [
    "select",
    "values",
    "lateral",
    "rows",
    "with",
    "set",
    "where",
    "group",
    "order",
    "having",
    "limit",
    "offset",
    "union",
    "except",
    "intersect",
    "on",
    "using",
    "join",
    "left",
    "right",
    "full",
    "inner",
    "cross",
    "natural",
    "from",
    "for",
    "returning",
    "window",
    "fetch",
    "into",
    "as",
    "and",
    "or",
    "not",
    "when",
    "then",
    "case",
    "end",
];
