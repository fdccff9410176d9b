//! Cuts a script into statements.
//!
//! One bad statement must not lose those behind it, so nothing but a `;` outside of quotes ends a statement, whatever brackets are
//! left open. Only two forms hold a `;` of their own: a function's `BEGIN ATOMIC … END`, and the action list of `CREATE RULE`.
//! What belongs to `psql` and not to the server (meta commands, rows behind `COPY … FROM stdin`) is passed over.

use super::lex::{Lexer, Token};
use super::tokens::Tokens;

/// The tokens of one statement, comments among them, without the `;`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct StatementTokens {
    /// What the grammar sees.
    pub(super) tokens: Vec<Token>,
    /// The comments before, within and behind it.
    pub(super) comments: Vec<Token>,
}

/// The statements of `text`, in order; empty ones are left out unless they hold a comment.
pub(super) fn statements(text: &str) -> Vec<StatementTokens> {
    let mut cutter = Cutter {
        text,
        done: Vec::new(),
        open: StatementTokens::default(),
        inner: Inner::None,
    };
    let mut lexer = Lexer::new(text);
    while let Some(token) = lexer.next() {
        match cutter.take(token) {
            Next::Token => {}
            Next::Skip(position) => lexer.skip_to(position),
        }
    }
    cutter.finish();
    cutter.done
}

/// What of the open statement may hold a `;` of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inner {
    None,
    /// `BEGIN ATOMIC`, and how many `END`s are due.
    Atomic(usize),
    /// `CREATE RULE`, and how many brackets are open.
    Rule(usize),
}

enum Next {
    Token,
    Skip(usize),
}

struct Cutter<'a> {
    text: &'a str,
    done: Vec<StatementTokens>,
    open: StatementTokens,
    inner: Inner,
}

impl Cutter<'_> {
    fn take(&mut self, token: Token) -> Next {
        if token.is_comment() {
            self.open.comments.push(token);
            return Next::Token;
        }
        match token.span.text(self.text) {
            "\\" => return self.meta_command(token),
            ";" if matches!(self.inner, Inner::None | Inner::Rule(0)) => {
                return self.end_of_statement(token);
            }
            _ => {}
        }
        self.open.tokens.push(token);
        self.track_inner();
        Next::Token
    }

    fn track_inner(&mut self) {
        let tokens = Tokens::new(self.text, &self.open.tokens);
        let last = tokens.len() - 1;
        match &mut self.inner {
            Inner::None => {
                if tokens.is(last, "atomic")
                    && tokens.is(0, "create")
                    && last > 0
                    && tokens.is(last - 1, "begin")
                {
                    self.inner = Inner::Atomic(1);
                } else if tokens.is(last, "rule")
                    && (tokens.are(0, &["create", "rule"])
                        || tokens.are(0, &["create", "or", "replace", "rule"]))
                {
                    self.inner = Inner::Rule(0);
                }
            }
            Inner::Atomic(ends) => {
                if tokens.is(last, "case") {
                    *ends += 1;
                } else if tokens.is(last, "end") {
                    *ends -= 1;
                    if *ends == 0 {
                        self.inner = Inner::None;
                    }
                }
            }
            Inner::Rule(depth) => {
                if tokens.is_symbol(last, '(') {
                    *depth += 1;
                } else if tokens.is_symbol(last, ')') {
                    *depth = depth.saturating_sub(1);
                }
            }
        }
    }

    fn finish(&mut self) {
        let statement = std::mem::take(&mut self.open);
        self.inner = Inner::None;
        if !(statement.tokens.is_empty() && statement.comments.is_empty()) {
            self.done.push(statement);
        }
    }

    fn end_of_statement(&mut self, semicolon: Token) -> Next {
        let tokens = Tokens::new(self.text, &self.open.tokens);
        let has_rows = tokens.is(0, "copy") && tokens.contain(&["stdin"]);
        self.finish();
        if has_rows && let Some(end) = end_of_rows(self.text, semicolon.span.end) {
            return Next::Skip(end);
        }
        Next::Token
    }

    /// Passes over a meta command, which ends with its line; `\g` and its kin send the open statement first.
    fn meta_command(&mut self, backslash: Token) -> Next {
        let rest = &self.text[backslash.span.end..];
        if rest.starts_with('g') {
            self.finish();
        }
        let line = rest.find('\n').unwrap_or(rest.len());
        Next::Skip(backslash.span.end + line)
    }
}

/// Where the rows behind `COPY … FROM stdin;` end: behind the line `\.`, when there is one.
fn end_of_rows(text: &str, start: usize) -> Option<usize> {
    let mut at = start + text[start..].find('\n')? + 1;
    for line in text[at..].split_inclusive('\n') {
        at += line.len();
        if line.trim_end() == "\\." {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        statements(text)
            .iter()
            .map(|statement| {
                let first = statement.tokens.first().map_or(0, |token| token.span.start);
                let last = statement
                    .tokens
                    .last()
                    .map_or(first, |token| token.span.end);
                &text[first..last]
            })
            .collect()
    }

    #[test]
    fn only_semicolons_outside_of_quotes_end_a_statement() {
        assert_eq!(
            cut("SELECT ';' /* ; */; DO $$ a; b; $$ ; SELECT 1"),
            ["SELECT ';'", "DO $$ a; b; $$", "SELECT 1"]
        );
        assert_eq!(cut(" ;; \n"), [""; 0]);
    }

    #[test]
    fn a_bad_statement_loses_none_behind_it() {
        assert_eq!(
            cut("CREATE TABLE t (a int;\nNONSENSE ))(;SELECT 1;"),
            ["CREATE TABLE t (a int", "NONSENSE ))(", "SELECT 1"]
        );
    }

    #[test]
    fn bodies_and_rules_keep_their_semicolons() {
        let function = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END";
        let rule = "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)";
        assert_eq!(
            cut(&format!("{function}; {rule}; SELECT 1;")),
            [function, rule, "SELECT 1"]
        );
    }

    #[test]
    fn psql_is_passed_over() {
        assert_eq!(
            cut(
                "\\connect app\nSELECT 1;\n\\i it's.sql\nCOPY t (a) FROM stdin;\n1\t'x\n;\n\\.\n\nSELECT 2 \\gset\nSELECT 3"
            ),
            ["SELECT 1", "COPY t (a) FROM stdin", "SELECT 2", "SELECT 3"]
        );
    }
}
