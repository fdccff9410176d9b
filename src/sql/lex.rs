//! The tokens of PostgreSQL's language.
//!
//! Its own reader beside the grammar's, because three things must work on text that no grammar takes: making placeholders parsable,
//! cutting a script into statements, and reading what a broken statement does. It follows `scan.l` with
//! `standard_conforming_strings` on, never fails, and takes time linear in the text.

use crate::source::Span;

/// The character that stands for a hole in a text handed to the lexer: private use, and to PostgreSQL a letter.
pub(super) const HOLE: char = '\u{E000}';

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword or an unquoted name.
    Word,
    /// `"…"` or `U&"…"`
    QuotedName,
    /// `'…'` with any prefix.
    String,
    /// `$$…$$` or `$tag$…$tag$`
    DollarString,
    /// A number.
    Number,
    /// `$1`, or `$` and a hole.
    Parameter,
    /// Any other single character, or `..`.
    Symbol,
    /// `-- …`
    LineComment,
    /// `/* … */`, nested.
    BlockComment,
}

/// A token: its kind and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: TokenKind,
    /// Where it stands in the text.
    pub(super) span: Span,
}

impl Token {
    /// Whether the grammar does not see it.
    pub(super) fn is_comment(self) -> bool {
        matches!(self.kind, TokenKind::LineComment | TokenKind::BlockComment)
    }
}

/// Reads tokens from a text, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    /// Goes on reading at a later `position`, which must lie between two characters.
    pub(super) fn skip_to(&mut self, position: usize) {
        debug_assert!(self.text.is_char_boundary(position));
        self.position = position;
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn token_end(&self, first: char) -> (TokenKind, usize) {
        let rest = self.rest();
        let second = rest[first.len_utf8()..].chars().next();
        match (first, second) {
            ('-', Some('-')) => (
                TokenKind::LineComment,
                rest.find(['\n', '\r']).unwrap_or(rest.len()),
            ),
            ('/', Some('*')) => (TokenKind::BlockComment, block_comment_len(rest)),
            ('\'', _) => (TokenKind::String, quoted_len(rest, '\'', false)),
            ('"', _) => (TokenKind::QuotedName, quoted_len(rest, '"', false)),
            ('e' | 'E', Some('\'')) => (TokenKind::String, 1 + quoted_len(&rest[1..], '\'', true)),
            ('b' | 'B' | 'x' | 'X' | 'n' | 'N', Some('\'')) => {
                (TokenKind::String, 1 + quoted_len(&rest[1..], '\'', false))
            }
            ('u' | 'U', Some('&')) if rest[2..].starts_with('\'') => {
                (TokenKind::String, 2 + quoted_len(&rest[2..], '\'', false))
            }
            ('u' | 'U', Some('&')) if rest[2..].starts_with('"') => (
                TokenKind::QuotedName,
                2 + quoted_len(&rest[2..], '"', false),
            ),
            ('$', _) => dollar(rest),
            ('0'..='9', _) | ('.', Some('0'..='9')) => (TokenKind::Number, number_len(rest)),
            ('.', Some('.')) => (TokenKind::Symbol, 2),
            _ if is_name_start(first) => (TokenKind::Word, name_len(rest)),
            _ => (TokenKind::Symbol, first.len_utf8()),
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.rest();
        let blank = rest.len() - rest.trim_start_matches(is_space).len();
        self.position += blank;
        let first = self.rest().chars().next()?;
        let (kind, len) = self.token_end(first);
        let span = Span::new(self.position, self.position + len);
        self.position = span.end;
        Some(Token { kind, span })
    }
}

fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{FEFF}' | '\0'
    )
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_name_part(c: char) -> bool {
    is_name_start(c) || c.is_ascii_digit() || c == '$'
}

fn name_len(text: &str) -> usize {
    text.find(|c| !is_name_part(c)).unwrap_or(text.len())
}

/// The length of a quoted token at the start of `text`; a doubled quote stands for itself.
fn quoted_len(text: &str, quote: char, backslashes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && backslashes {
            characters.next();
        } else if c == quote && characters.next_if(|&(_, next)| next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

fn block_comment_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

fn number_len(text: &str) -> usize {
    let mut len = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let exponent_sign = matches!(c, '+' | '-')
            && text[..at].ends_with(['e', 'E'])
            && !text.starts_with("0x")
            && characters
                .peek()
                .is_some_and(|(_, next)| next.is_ascii_digit());
        let range = c == '.' && characters.peek().is_some_and(|&(_, next)| next == '.');
        if range || !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || exponent_sign) {
            break;
        }
        len = at + 1;
    }
    len
}

/// A `$`: a parameter, a dollar-quoted string, or a stray sign.
fn dollar(text: &str) -> (TokenKind, usize) {
    let after = &text[1..];
    let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 {
        return (TokenKind::Parameter, 1 + digits);
    }
    if after.starts_with(HOLE) {
        return (TokenKind::Parameter, 1 + HOLE.len_utf8());
    }
    let tag = after
        .find(|c: char| !(is_name_start(c) || c.is_ascii_digit()))
        .unwrap_or(after.len());
    if !after[tag..].starts_with('$') || after[..tag].contains(HOLE) {
        return (TokenKind::Symbol, 1);
    }
    let delimiter = &text[..tag + 2];
    let body = &text[delimiter.len()..];
    let len = body
        .find(delimiter)
        .map_or(text.len(), |end| end + 2 * delimiter.len());
    (TokenKind::DollarString, len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(TokenKind, &str)> {
        Lexer::new(text)
            .map(|token| (token.kind, token.span.text(text)))
            .collect()
    }

    #[test]
    fn quotes_keep_what_they_hold() {
        use TokenKind::{DollarString, QuotedName, String};
        for (text, kind) in [
            ("'it''s; -- no'", String),
            (r"E'it\'s'", String),
            (r"'c:\'", String),
            ("U&'d\\0061t'", String),
            ("x'1F'", String),
            ("\"a\"\"b\"", QuotedName),
            ("U&\"d\\0061t\"", QuotedName),
            ("$$ ; ' $$", DollarString),
            ("$fn$ $$ $f$ $fn$", DollarString),
            ("'never closed", String),
        ] {
            assert_eq!(tokens(text), [(kind, text)]);
        }
    }

    #[test]
    fn comments_nest_and_end() {
        assert_eq!(
            tokens("a--b\nc/* /* d */ */e"),
            [
                (TokenKind::Word, "a"),
                (TokenKind::LineComment, "--b"),
                (TokenKind::Word, "c"),
                (TokenKind::BlockComment, "/* /* d */ */"),
                (TokenKind::Word, "e"),
            ]
        );
    }

    #[test]
    fn numbers_parameters_and_casts_come_apart() {
        let words = |text| {
            tokens(text)
                .into_iter()
                .map(|(_, text)| text)
                .collect::<Vec<_>>()
        };
        assert_eq!(words("$1::int"), ["$1", ":", ":", "int"]);
        assert_eq!(words("1.5e-3-2"), ["1.5e-3", "-", "2"]);
        assert_eq!(words("1..10"), ["1", "..", "10"]);
        assert_eq!(words("a.b$c"), ["a", ".", "b$c"]);
        assert_eq!(
            words("$\u{E000},$\u{E000}"),
            ["$\u{E000}", ",", "$\u{E000}"]
        );
    }
}
