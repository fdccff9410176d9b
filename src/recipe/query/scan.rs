//! Reads as much of a query as is needed to find its predicates and its nesting.
//!
//! tree-sitter keeps no positions of predicates and drops those that it ignores.

use super::QueryFault;
use crate::source::Span;

/// A predicate as it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Predicate {
    /// With its parentheses.
    pub(super) span: Span,
    /// Without `#`.
    pub(super) operator: String,
    /// With `#`.
    pub(super) operator_span: Span,
    pub(super) arguments: Vec<Argument>,
}

/// An argument of a predicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    Capture { name: String, span: Span },
    Text { value: String, span: Span },
}

/// What a scan finds.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) predicates: Vec<Predicate>,
    /// The offsets of `?`, `*` and `+` behind patterns.
    pub(super) quantifiers: Vec<usize>,
    /// The innermost bracket that nothing closes.
    pub(super) unclosed: Option<usize>,
    /// The offset of the first bracket at each depth.
    first_at_depth: Vec<usize>,
}

impl Scanned {
    /// The first bracket that is nested deeper than `limit`.
    pub(super) fn deeper_than(&self, limit: usize) -> Option<usize> {
        self.first_at_depth.get(limit).copied()
    }
}

/// Scans a query. Only what cannot be scanned at all is a fault; the rest is for the compiler to say.
pub(super) fn scan(text: &str) -> Result<Scanned, QueryFault> {
    let mut scanned = Scanned::default();
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(token) = next_token(text, at)? {
        at = token.span.end;
        match token.kind {
            TokenKind::Open => {
                if let Some(predicate) = predicate(text, token.span)? {
                    at = predicate.span.end;
                    scanned.predicates.push(predicate);
                    continue;
                }
                if scanned.first_at_depth.len() == open.len() {
                    scanned.first_at_depth.push(token.span.start);
                }
                open.push(token.span.start);
            }
            TokenKind::Close => {
                open.pop();
            }
            TokenKind::Word | TokenKind::Other => {
                if token.span.text(text).ends_with(['?', '*', '+']) {
                    scanned.quantifiers.push(token.span.end - 1);
                }
            }
            TokenKind::Text => {}
        }
    }
    scanned.unclosed = open.pop();
    Ok(scanned)
}

/// The predicate that the parenthesis at `open` begins, if it begins one.
fn predicate(text: &str, open: Span) -> Result<Option<Predicate>, QueryFault> {
    let Some(operator) = next_token(text, open.end)? else {
        return Ok(None);
    };
    let word = operator.span.text(text);
    let Some(name) = word.strip_prefix('#') else {
        return Ok(None);
    };
    let mut arguments = Vec::new();
    let mut end = operator.span.end;
    while let Some(token) = next_token(text, end)? {
        end = token.span.end;
        let word = token.span.text(text);
        match token.kind {
            TokenKind::Close => break,
            TokenKind::Text => arguments.push(Argument::Text {
                value: unescape(&word[1..word.len() - 1]),
                span: token.span,
            }),
            TokenKind::Word => arguments.push(match word.strip_prefix('@') {
                Some(name) => Argument::Capture {
                    name: name.to_owned(),
                    span: token.span,
                },
                None => Argument::Text {
                    value: word.to_owned(),
                    span: token.span,
                },
            }),
            TokenKind::Open | TokenKind::Other => {
                return Err(QueryFault::new(
                    token.span,
                    "a predicate holds captures and texts in quotes",
                ));
            }
        }
    }
    Ok(Some(Predicate {
        span: Span::new(open.start, end),
        operator: name.to_owned(),
        operator_span: operator.span,
        arguments,
    }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    Open,
    Close,
    /// With its quotes.
    Text,
    /// A name, with what stands before it: `@site`, `#eq?`, `function:`.
    Word,
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    kind: TokenKind,
    span: Span,
}

fn next_token(text: &str, from: usize) -> Result<Option<Token>, QueryFault> {
    let start = skip_blank(text, from);
    let rest = &text[start..];
    let Some(first) = rest.chars().next() else {
        return Ok(None);
    };
    let token = |kind, length| {
        Some(Token {
            kind,
            span: Span::new(start, start + length),
        })
    };
    Ok(match first {
        '(' | '[' => token(TokenKind::Open, 1),
        ')' | ']' => token(TokenKind::Close, 1),
        '"' => token(TokenKind::Text, string_length(rest, start)?),
        c if is_word(c) => {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            token(TokenKind::Word, length)
        }
        c => token(TokenKind::Other, c.len_utf8()),
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | '#' | '?' | '!' | ':' | '/' | '.')
}

/// Skips white space and comments.
fn skip_blank(text: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start().len();
        if !text[at..].starts_with(';') {
            return at;
        }
        at += text[at..].find('\n').unwrap_or(text.len() - at);
    }
}

/// The length of the string, with its quotes, that `rest` begins with.
fn string_length(rest: &str, start: usize) -> Result<usize, QueryFault> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(at + 1),
            '\n' => break,
            _ => {}
        }
    }
    Err(QueryFault::new(
        Span::new(start, start + 1),
        "this text is never closed",
    ))
}

/// The text that a string in a query stands for.
fn unescape(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some(other) => text.push(other),
                None => {}
            },
            c => text.push(c),
        }
    }
    text
}
