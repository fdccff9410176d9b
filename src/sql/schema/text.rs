//! What the text of an expression, a function or a block refers to.

use super::Body;
use crate::sql::lex::{Lexer, Token, TokenKind};
use crate::sql::tokens::Tokens;

/// Whether a text that is run as SQL changes row-level security or policies.
pub(super) fn concerns_security(text: &str) -> bool {
    let tokens: Vec<Token> = Lexer::new(text).collect();
    let tokens = Tokens::new(text, &tokens);
    let quoted = |at: usize| {
        matches!(
            tokens.kind(at),
            Some(TokenKind::String | TokenKind::DollarString)
        ) && {
            let text = tokens.text(at).to_ascii_lowercase();
            let words: Vec<_> = text.split_ascii_whitespace().collect();
            words.windows(3).any(|words| {
                words[0] == "row" && words[1] == "level" && words[2].starts_with("security")
            }) || words
                .windows(2)
                .any(|words| words[0].ends_with("create") && words[1] == "policy")
        }
    };
    (0..tokens.len()).any(|at| {
        tokens.are(at, &["row", "level", "security"])
            || tokens.is_any(at, &["create", "alter", "drop"]) && tokens.is(at + 1, "policy")
            || quoted(at)
    })
}

/// The settings and functions that an expression or the body of a function refers to.
pub(super) fn body(text: &str) -> Body {
    let tokens: Vec<Token> = Lexer::new(text)
        .filter(|token| !token.is_comment())
        .collect();
    let tokens = Tokens::new(text, &tokens);
    let mut body = Body::default();
    for at in 0..tokens.len() {
        if !tokens.is_symbol(at + 1, '(') {
            continue;
        }
        let Some(name) = tokens.name(at) else {
            continue;
        };
        if name == "current_setting" {
            // Settings of the server have no dot; only those of the application do.
            let setting = tokens.string(at + 2).filter(|name| name.contains('.'));
            body.settings.extend(setting);
        } else {
            body.calls.insert(name);
        }
    }
    body
}
