//! Reads what a query string does.
//!
//! A query goes through four steps: placeholders are made parsable, the text is cut into statements, each is parsed, and what the grammar
//! refuses is read from its tokens instead.

use std::collections::BTreeSet;

use super::columns::columns;
use super::fallback;
use super::functions::{unknown_functions, unknown_functions_in_tokens};
use super::placeholders::{Holes, is_open, normalize, with_holes_as, with_marked_holes};
use super::relations::relations;
use super::script::{StatementTokens, statements};
use super::statement::{classify, evaluates};
use super::tokens::Tokens;
use super::tree::Tree;
use super::{SqlFacts, SqlText, Statement, StatementKind, TableUse};

/// Reads a query string whose unknown parts are holes.
pub fn read(text: &SqlText) -> SqlFacts {
    read_marked(&with_marked_holes(text))
}

/// Reads a query string that is known to the letter.
pub fn read_plain(text: &str) -> SqlFacts {
    read_marked(text)
}

fn read_marked(text: &str) -> SqlFacts {
    let text = normalize(text);
    let mut facts = SqlFacts {
        statements: Vec::new(),
        parsed: true,
    };
    for statement in statements(&text) {
        let Some((statement, parsed)) = read_statement(&text, &statement) else {
            continue;
        };
        facts.parsed &= parsed;
        facts.statements.push(statement);
    }
    facts
}

/// What the grammar, or failing that the tokens, say of a statement's relations and columns.
struct Reading {
    tables: Vec<TableUse>,
    open: bool,
    unknown_functions: BTreeSet<String>,
    columns: Option<Vec<String>>,
    parsed: bool,
}

fn read_statement(text: &str, statement: &StatementTokens) -> Option<(Statement, bool)> {
    let tokens = Tokens::new(text, &statement.tokens);
    let open = is_open(tokens, text, &statement.comments);
    if tokens.is_empty() && !open {
        return None;
    }
    let (kind, effects) = classify(tokens);
    let mut reading = parse(tokens).unwrap_or_else(|| read_tokens(tokens, kind));
    if !evaluates(tokens, kind) {
        reading.unknown_functions.clear();
    }
    let statement = Statement {
        kind,
        tables: reading.tables,
        tables_open: open || reading.open || hides_relations(tokens, kind),
        unknown_functions: reading.unknown_functions,
        effects,
        columns: reading.columns,
    };
    Some((statement, reading.parsed))
}

/// Whether a statement uses relations that it does not name: those of a routine, a prepared statement or a cursor.
fn hides_relations(tokens: Tokens<'_>, kind: StatementKind) -> bool {
    matches!(kind, StatementKind::Procedure | StatementKind::Unknown) || tokens.is(0, "fetch")
}

fn parse(tokens: Tokens<'_>) -> Option<Reading> {
    let has_holes = (0..tokens.len()).any(|at| tokens.has_hole(at));
    let attempts: &[Holes] = if has_holes {
        &[
            Holes::Names,
            Holes::NamesWhereOperandsStand,
            Holes::NamesAlone,
        ]
    } else {
        &[Holes::Names]
    };
    attempts.iter().find_map(|&holes| {
        let text = with_holes_as(tokens, holes);
        let tree = Tree::parse(&text)?;
        let relations = relations(&tree);
        Some(Reading {
            tables: relations.uses.into_iter().collect(),
            open: relations.unnamed,
            unknown_functions: unknown_functions(&tree),
            columns: columns(&tree),
            parsed: true,
        })
    })
}

fn read_tokens(tokens: Tokens<'_>, kind: StatementKind) -> Reading {
    let (tables, open) = fallback::relations(tokens, kind);
    Reading {
        tables: tables.into_iter().collect(),
        open,
        unknown_functions: unknown_functions_in_tokens(tokens),
        columns: None,
        parsed: false,
    }
}
