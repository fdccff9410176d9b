//! The names of the columns that a parsed statement returns, as PostgreSQL gives them (`FigureColname`).

use squawk_parser::SyntaxKind;

use super::lex::{HOLE, Lexer, TokenKind};
use super::tokens::fold_name;
use super::tree::{NodeId, Tree};

/// The columns of the statement's rows; nothing when it returns none, or when some name or their number is not known.
pub(super) fn columns(tree: &Tree<'_>) -> Option<Vec<String>> {
    let mut statement = tree.children(Tree::root()).next()?;
    loop {
        let returning = match tree.kind(statement) {
            SyntaxKind::COMPOUND_SELECT | SyntaxKind::PAREN_SELECT => {
                statement = tree
                    .children(statement)
                    .find(|&child| is_query(tree, child))?;
                continue;
            }
            SyntaxKind::SELECT => SyntaxKind::SELECT_CLAUSE,
            SyntaxKind::INSERT | SyntaxKind::UPDATE | SyntaxKind::DELETE | SyntaxKind::MERGE => {
                SyntaxKind::RETURNING_CLAUSE
            }
            _ => return None,
        };
        let clause = tree.child(statement, returning)?;
        return if may_hold_more(tree, statement, clause) {
            None
        } else {
            list(tree, clause)
        };
    }
}

/// Whether a hole in or right behind the clause can hold further columns. In quotes it is a value or one name.
fn may_hold_more(tree: &Tree<'_>, statement: NodeId, clause: NodeId) -> bool {
    let clause = tree.span(clause);
    let end = tree
        .children(statement)
        .map(|child| tree.span(child).start)
        .find(|&start| start >= clause.end)
        .unwrap_or(tree.source().len());
    let text = &tree.source()[clause.start..end];
    Lexer::new(text).any(|token| {
        token.span.text(text).contains(HOLE)
            && !matches!(
                token.kind,
                TokenKind::String | TokenKind::DollarString | TokenKind::QuotedName
            )
    })
}

fn is_query(tree: &Tree<'_>, node: NodeId) -> bool {
    matches!(
        tree.kind(node),
        SyntaxKind::SELECT
            | SyntaxKind::COMPOUND_SELECT
            | SyntaxKind::PAREN_SELECT
            | SyntaxKind::VALUES
            | SyntaxKind::TABLE
    )
}

fn list(tree: &Tree<'_>, clause: NodeId) -> Option<Vec<String>> {
    let list = tree.child(clause, SyntaxKind::TARGET_LIST)?;
    tree.children(list)
        .filter(|&child| tree.kind(child) == SyntaxKind::TARGET)
        .map(|target| target_name(tree, target))
        .collect()
}

fn target_name(tree: &Tree<'_>, target: NodeId) -> Option<String> {
    let alias = tree
        .child(target, SyntaxKind::AS_NAME)
        .and_then(|alias| tree.child(alias, SyntaxKind::COLUMN_NAME));
    let name = match alias {
        Some(alias) => fold_name(tree.text(alias)),
        None => match expression_name(tree, tree.children(target).next()?) {
            Named::Strong(name) | Named::Weak(Some(name)) => name,
            Named::Not => "?column?".to_owned(),
            Named::Weak(None) | Named::Unknown => return None,
        },
    };
    (!name.contains(HOLE)).then_some(name)
}

/// What names the column of an expression.
enum Named {
    /// A column or a function, through casts and `CASE` too.
    Strong(String),
    /// Only what kind of expression it is; nothing when that is a type, whose name is not always as written (`int` is `int4`).
    Weak(Option<String>),
    /// Nothing does.
    Not,
    /// Not known here.
    Unknown,
}

/// Names an expression. It calls itself for casts and `ELSE` only, which nest no deeper than the tree may.
fn expression_name(tree: &Tree<'_>, expression: NodeId) -> Named {
    let mut node = expression;
    loop {
        let inner = match tree.kind(node) {
            SyntaxKind::NAME_REF => return Named::Strong(fold_name(tree.text(node))),
            SyntaxKind::FIELD_EXPR => return field_name(tree, node),
            SyntaxKind::CALL_EXPR => return call_name(tree, node),
            SyntaxKind::CASE_EXPR => return case_name(tree, node),
            SyntaxKind::ARRAY_EXPR => return Named::Strong("array".to_owned()),
            SyntaxKind::LITERAL
            | SyntaxKind::PREFIX_EXPR
            | SyntaxKind::POSTFIX_EXPR
            | SyntaxKind::BETWEEN_EXPR => return Named::Not,
            SyntaxKind::BIN_EXPR if tree.child(node, SyntaxKind::AT_TIME_ZONE).is_none() => {
                return Named::Not;
            }
            SyntaxKind::CAST_EXPR => return cast_name(tree, node),
            SyntaxKind::INDEX_EXPR | SyntaxKind::SLICE_EXPR | SyntaxKind::COLLATE => {
                tree.children(node).next()
            }
            SyntaxKind::PAREN_EXPR => tree
                .children(node)
                .find(|&child| tree.kind(child) != SyntaxKind::L_PAREN),
            _ => return Named::Unknown,
        };
        match inner {
            Some(inner) => node = inner,
            None => return Named::Unknown,
        }
    }
}

fn field_name(tree: &Tree<'_>, field: NodeId) -> Named {
    match tree.children(field).last() {
        Some(name) if tree.kind(name) == SyntaxKind::NAME_REF => {
            Named::Strong(fold_name(tree.text(name)))
        }
        _ => Named::Unknown,
    }
}

/// A call is named by its function.
fn call_name(tree: &Tree<'_>, call: NodeId) -> Named {
    let Some(callee) = tree.children(call).next() else {
        return Named::Unknown;
    };
    let name = match tree.kind(callee) {
        SyntaxKind::NAME_REF => return Named::Strong(fold_name(tree.text(callee))),
        SyntaxKind::FIELD_EXPR => return field_name(tree, callee),
        SyntaxKind::EXISTS_FN => "exists",
        SyntaxKind::EXTRACT_FN => "extract",
        SyntaxKind::SUBSTRING_FN => "substring",
        SyntaxKind::POSITION_FN => "position",
        SyntaxKind::OVERLAY_FN => "overlay",
        _ => return Named::Unknown,
    };
    Named::Strong(name.to_owned())
}

/// A cast keeps the name of the column or call that it casts.
fn cast_name(tree: &Tree<'_>, cast: NodeId) -> Named {
    let inner = tree
        .children(cast)
        .find(|&child| tree.children(child).next().is_some());
    match inner.map(|inner| expression_name(tree, inner)) {
        Some(Named::Not | Named::Weak(_)) => Named::Weak(None),
        Some(named) => named,
        None => Named::Unknown,
    }
}

/// `CASE` takes the name of a column or call in its `ELSE`.
fn case_name(tree: &Tree<'_>, case: NodeId) -> Named {
    let otherwise = tree
        .child(case, SyntaxKind::ELSE_CLAUSE)
        .and_then(|clause| tree.children(clause).last())
        .map(|otherwise| expression_name(tree, otherwise));
    match otherwise {
        Some(named @ (Named::Strong(_) | Named::Unknown)) => named,
        _ => Named::Weak(Some("case".to_owned())),
    }
}
