//! A run of tokens, and the questions that readers without a grammar ask of it.

use super::lex::{HOLE, Token, TokenKind};

/// The tokens of one statement, without comments, and the text that they stand in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl<'a> Tokens<'a> {
    /// Looks at `tokens` of `text`.
    pub(super) fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Self { text, tokens }
    }

    /// How many there are.
    pub(super) fn len(self) -> usize {
        self.tokens.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(self) -> bool {
        self.tokens.is_empty()
    }

    /// The token at `at`.
    pub(super) fn get(self, at: usize) -> Option<Token> {
        self.tokens.get(at).copied()
    }

    /// The tokens from `start` up to, not including, `end`.
    pub(super) fn slice(self, start: usize, end: usize) -> Self {
        let end = end.min(self.len());
        Self {
            text: self.text,
            tokens: &self.tokens[start.min(end)..end],
        }
    }

    /// The kind of the token at `at`.
    pub(super) fn kind(self, at: usize) -> Option<TokenKind> {
        self.get(at).map(|token| token.kind)
    }

    /// The text of the token at `at`; empty behind the last.
    pub(super) fn text(self, at: usize) -> &'a str {
        self.get(at).map_or("", |token| token.span.text(self.text))
    }

    /// The text from the first to the last token.
    pub(super) fn source(self) -> &'a str {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => &self.text[first.span.start..last.span.end],
            _ => "",
        }
    }

    /// Whether the word `word`, written in lower case, stands at `at`.
    pub(super) fn is(self, at: usize, word: &str) -> bool {
        self.kind(at) == Some(TokenKind::Word) && self.text(at).eq_ignore_ascii_case(word)
    }

    /// Whether one of `words` stands at `at`.
    pub(super) fn is_any(self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(at, word))
    }

    /// Whether all of `words` stand in a row from `at` on.
    pub(super) fn are(self, at: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| self.is(at + offset, word))
    }

    /// Whether the character `symbol` stands at `at`.
    pub(super) fn is_symbol(self, at: usize, symbol: char) -> bool {
        self.kind(at) == Some(TokenKind::Symbol) && self.text(at).starts_with(symbol)
    }

    /// Whether some token is one of `words`.
    pub(super) fn contain(self, words: &[&str]) -> bool {
        (0..self.len()).any(|at| self.is_any(at, words))
    }

    /// Whether the token at `at` is, or has in it, a hole.
    pub(super) fn has_hole(self, at: usize) -> bool {
        self.text(at).contains(HOLE)
    }

    /// The name at `at` as PostgreSQL compares it.
    pub(super) fn name(self, at: usize) -> Option<String> {
        match self.kind(at)? {
            TokenKind::Word | TokenKind::QuotedName => Some(fold_name(self.text(at))),
            _ => None,
        }
    }

    /// The value of the string at `at`; nothing for strings with escapes of their own.
    pub(super) fn string(self, at: usize) -> Option<String> {
        let text = self.text(at);
        match self.kind(at)? {
            TokenKind::String => {
                let text = text.strip_prefix(['e', 'E']).unwrap_or(text);
                let body = text.strip_prefix('\'')?.strip_suffix('\'')?;
                (text.len() >= 2 && !body.contains('\\')).then(|| body.replace("''", "'"))
            }
            TokenKind::DollarString => {
                let delimiter = 2 + text[1..].find('$')?;
                let body = text.get(delimiter..text.len().checked_sub(delimiter)?)?;
                Some(body.to_owned())
            }
            _ => None,
        }
    }

    /// The position behind the `)` that closes the `(` at `at`; the end when none does.
    pub(super) fn after_group(self, at: usize) -> usize {
        let mut depth = 0usize;
        for index in at..self.len() {
            if self.is_symbol(index, '(') {
                depth += 1;
            } else if self.is_symbol(index, ')') {
                depth = depth.saturating_sub(1);
            }
            if depth == 0 {
                return index + 1;
            }
        }
        self.len()
    }

    /// The parts between the commas of these tokens that no bracket encloses; none for no tokens.
    pub(super) fn split_commas(self) -> Vec<Self> {
        let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0usize);
        for at in 0..self.len() {
            if self.is_symbol(at, '(') || self.is_symbol(at, '[') {
                depth += 1;
            } else if self.is_symbol(at, ')') || self.is_symbol(at, ']') {
                depth = depth.saturating_sub(1);
            } else if depth == 0 && self.is_symbol(at, ',') {
                parts.push(self.slice(start, at));
                start = at + 1;
            }
        }
        if !self.is_empty() {
            parts.push(self.slice(start, self.len()));
        }
        parts
    }
}

/// A name as PostgreSQL compares it: unquoted ones in lower case, quoted ones as they are.
pub(super) fn fold_name(text: &str) -> String {
    let quoted = text
        .strip_prefix("U&")
        .or_else(|| text.strip_prefix("u&"))
        .filter(|rest| rest.starts_with('"'))
        .unwrap_or(text);
    match quoted.strip_prefix('"') {
        Some(body) => body.strip_suffix('"').unwrap_or(body).replace("\"\"", "\""),
        None => text.to_ascii_lowercase(),
    }
}
