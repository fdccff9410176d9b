//! Policies: whom and what they concern, and whether they let everything pass.

use super::Location;
use crate::sql::Command;
use crate::sql::lex::{Lexer, TokenKind};
use crate::sql::tokens::Tokens;

/// The commands that a policy is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyCommand {
    /// `FOR ALL`, or no `FOR`.
    All,
    /// `FOR` one command.
    Only(Command),
}

impl PolicyCommand {
    /// Whether a policy for these holds for `command`.
    pub fn includes(self, command: Command) -> bool {
        match self {
            PolicyCommand::All => true,
            PolicyCommand::Only(only) => only == command,
        }
    }
}

/// A policy of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// The commands it holds for.
    pub command: PolicyCommand,
    /// Whether it admits rows; a restrictive one takes away what others admit.
    pub permissive: bool,
    /// The roles it holds for; empty for all.
    pub roles: Vec<String>,
    /// The text of its `USING` expression: which present rows are visible.
    pub using: Option<String>,
    /// The text of its `WITH CHECK` expression: which new rows are allowed.
    pub check: Option<String>,
    /// Where it is created, or altered last.
    pub at: Location,
}

impl Policy {
    /// Whether its expressions for `command` are just `true`.
    ///
    /// Reading asks `USING`, inserting `WITH CHECK`, updating both; a missing `WITH CHECK` is the `USING`, a missing `USING` admits nothing.
    pub fn lets_everything_pass(&self, command: Command) -> bool {
        let using = self.using.as_deref().is_some_and(is_true);
        let check = self.check.as_deref().map_or(using, is_true);
        match command {
            Command::Select | Command::Delete => using,
            Command::Insert => check,
            Command::Update => using && check,
        }
    }
}

/// Whether an expression is `true` for every row: `true`, or a number equal to itself, in any number of brackets.
fn is_true(expression: &str) -> bool {
    let tokens: Vec<_> = Lexer::new(expression)
        .filter(|token| !token.is_comment())
        .collect();
    let mut tokens = Tokens::new(expression, &tokens);
    while tokens.is_symbol(0, '(') && tokens.after_group(0) == tokens.len() && tokens.len() > 2 {
        tokens = tokens.slice(1, tokens.len() - 1);
    }
    let is_number = tokens.kind(0) == Some(TokenKind::Number);
    match tokens.len() {
        1 => tokens.is(0, "true"),
        3 => is_number && tokens.is_symbol(1, '=') && tokens.text(0) == tokens.text(2),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_plainly_true_is_true() {
        for text in ["true", "TRUE", "(true)", "((True))", "1=1", "( 1 = 1 )"] {
            assert!(is_true(text), "{text}");
        }
        for text in [
            "",
            "()",
            "false",
            "1=2",
            "true AND x",
            "x OR true",
            "(true",
            "(a) = (a)",
            "a = a",
            "'true'",
        ] {
            assert!(!is_true(text), "{text}");
        }
    }
}
