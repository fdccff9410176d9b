//! Anonymous blocks: `DO $$ … $$`.
//!
//! A block is not run, but read as far as migrations go: plain statements in it, and `EXECUTE` of a text that is put together from
//! literals and from variables over arrays of literals. What stays unknown and concerns row-level security is noted.

use std::collections::BTreeMap;

use super::text::concerns_security;
use super::{Location, Schema};
use crate::sql::lex::TokenKind;
use crate::sql::script::statements;
use crate::sql::tokens::Tokens;

/// How many texts the `EXECUTE`s of a block may stand for before they count as unknown.
const MAX_TEXTS: usize = 10_000;

/// Folds the block `DO …` in.
pub(super) fn apply(schema: &mut Schema, tokens: Tokens<'_>, at: &dyn Fn(usize) -> Location) {
    let quoted = |index: &usize| {
        matches!(
            tokens.kind(*index),
            Some(TokenKind::String | TokenKind::DollarString)
        ) && !tokens.is(index - 1, "language")
    };
    let Some(index) = (1..tokens.len()).find(quoted) else {
        return;
    };
    let (Some(token), Some(body)) = (tokens.get(index), tokens.string(index)) else {
        return;
    };
    let delimiter = match token.kind {
        TokenKind::DollarString => (token.span.len() - body.len()) / 2,
        _ => 1,
    };
    let start = token.span.start + delimiter;
    let end = token.span.end;
    let mut block = Block {
        schema,
        values: BTreeMap::new(),
        texts_left: MAX_TEXTS,
    };
    for statement in statements(&body) {
        let tokens = Tokens::new(&body, &statement.tokens);
        block.statement(tokens, &|offset| at((start + offset).min(end)));
    }
}

struct Block<'a> {
    schema: &'a mut Schema,
    /// The values that a variable takes, one after the other, where all are known.
    values: BTreeMap<String, Vec<String>>,
    texts_left: usize,
}

impl Block<'_> {
    fn statement(&mut self, tokens: Tokens<'_>, at: &dyn Fn(usize) -> Location) {
        let tokens = self.behind_control(tokens);
        if tokens.is(0, "execute") {
            self.execute(tokens, at);
        } else if !tokens.is(0, "do") && !self.assignment(tokens) {
            // A block within a block would have to be run to be understood.
            self.schema.apply_statement(tokens, at);
        }
    }

    /// The statement behind the words that control it: `IF … THEN`, `FOREACH … LOOP`, `BEGIN`, …
    fn behind_control<'t>(&mut self, mut tokens: Tokens<'t>) -> Tokens<'t> {
        loop {
            let end = match tokens.text(0).to_ascii_lowercase().as_str() {
                "begin" | "else" | "loop" | "declare" | "exception" | "then" => Some(0),
                "if" | "elsif" | "elseif" | "when" => find(tokens, "then"),
                "for" | "foreach" | "while" => find(tokens, "loop"),
                "<" if tokens.is_symbol(1, '<') => (2..tokens.len())
                    .find(|&at| tokens.is_symbol(at - 1, '>') && tokens.is_symbol(at, '>')),
                _ => None,
            };
            let Some(end) = end else { return tokens };
            if tokens.is_any(0, &["for", "foreach"]) {
                self.loop_header(tokens.slice(1, end));
            }
            tokens = tokens.slice(end + 1, tokens.len());
        }
    }

    /// Binds the variable of `variable IN …` to the values it takes.
    fn loop_header(&mut self, header: Tokens<'_>) {
        let Some(variable) = header.name(0) else {
            return;
        };
        let values = self.values_in(header.slice(1, header.len()));
        match values {
            Some(values) => self.values.insert(variable, values),
            None => self.values.remove(&variable),
        };
    }

    /// `variable [type] := ARRAY[…]` or a text; whether it is an assignment.
    fn assignment(&mut self, tokens: Tokens<'_>) -> bool {
        let Some(variable) = tokens.name(0) else {
            return false;
        };
        if tokens.is_any(
            0,
            &[
                "create", "alter", "drop", "do", "select", "perform", "update", "insert", "delete",
            ],
        ) {
            return false;
        }
        let sign =
            (1..tokens.len()).find(|&at| tokens.is_symbol(at, '=') || tokens.is(at, "default"));
        let Some(sign) = sign else { return false };
        let value = tokens.slice(sign + 1, tokens.len());
        let values = self
            .values_in(value)
            .or_else(|| Some(vec![concatenate(value, &BTreeMap::new())?]));
        match values {
            Some(values) => self.values.insert(variable, values),
            None => self.values.remove(&variable),
        };
        true
    }

    /// The elements of an array of literals, or of a variable that holds one.
    fn values_in(&self, tokens: Tokens<'_>) -> Option<Vec<String>> {
        if let Some(array) =
            (0..tokens.len()).find(|&at| tokens.is(at, "array") && tokens.is_symbol(at + 1, '['))
        {
            let elements = tokens.slice(array + 2, tokens.len());
            let end = (0..elements.len()).find(|&at| elements.is_symbol(at, ']'))?;
            return elements
                .slice(0, end)
                .split_commas()
                .iter()
                .map(|element| element.string(0))
                .collect();
        }
        let is_array = tokens.are(0, &["in", "array"]);
        if is_array && let Some(values) = self.values.get(&tokens.name(2)?) {
            return Some(values.clone());
        }
        let literal = tokens.string(if is_array { 2 } else { 0 })?;
        let elements = literal.strip_prefix('{')?.strip_suffix('}')?;
        let elements = elements.split(',').map(|element| element.trim().to_owned());
        Some(elements.collect())
    }

    fn execute(&mut self, tokens: Tokens<'_>, at: &dyn Fn(usize) -> Location) {
        let start = tokens.get(0).map_or(0, |token| token.span.start);
        let end = find(tokens, "using").unwrap_or(tokens.len());
        let expression = tokens.slice(1, end);
        match self.texts(expression) {
            Some(texts) => {
                self.texts_left -= texts.len();
                for text in texts {
                    for statement in statements(&text) {
                        let tokens = Tokens::new(&text, &statement.tokens);
                        if !tokens.is(0, "do") {
                            self.schema.apply_statement(tokens, &|_| at(start));
                        }
                    }
                }
            }
            None if concerns_security(expression.source()) => self.schema.note_dynamic(at(start)),
            None => {}
        }
    }

    /// The texts that an expression stands for, one for each combination of the values of its variables.
    fn texts(&self, expression: Tokens<'_>) -> Option<Vec<String>> {
        if self.texts_left == 0 {
            return None;
        }
        let mut combinations = vec![BTreeMap::new()];
        for (variable, values) in &self.values {
            let used =
                (0..expression.len()).any(|at| expression.name(at).as_ref() == Some(variable));
            if !used {
                continue;
            }
            if combinations.len() * values.len() > self.texts_left {
                return None;
            }
            combinations = combinations
                .iter()
                .flat_map(|combination: &BTreeMap<String, String>| {
                    values.iter().map(|value| {
                        let mut combination = combination.clone();
                        combination.insert(variable.clone(), value.clone());
                        combination
                    })
                })
                .collect();
        }
        combinations
            .iter()
            .map(|variables| concatenate(expression, variables))
            .collect()
    }
}

/// The place of `word` outside of brackets.
fn find(tokens: Tokens<'_>, word: &str) -> Option<usize> {
    let mut depth = 0usize;
    (0..tokens.len()).find(|&at| {
        if tokens.is_symbol(at, '(') {
            depth += 1;
        } else if tokens.is_symbol(at, ')') {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && tokens.is(at, word)
    })
}

/// The text of `operand || operand …`.
fn concatenate(tokens: Tokens<'_>, variables: &BTreeMap<String, String>) -> Option<String> {
    let (mut text, mut at) = (String::new(), 0);
    while at < tokens.len() {
        let (operand, after) = operand(tokens, at, variables)?;
        text.push_str(&operand);
        at = after;
        if at == tokens.len() {
            return Some(text);
        }
        if !(tokens.is_symbol(at, '|') && tokens.is_symbol(at + 1, '|')) {
            return None;
        }
        at += 2;
    }
    None
}

/// A literal, a variable, `format(…)` or `quote_ident(…)` at `at`, and the position behind it.
fn operand(
    tokens: Tokens<'_>,
    at: usize,
    variables: &BTreeMap<String, String>,
) -> Option<(String, usize)> {
    if let Some(literal) = tokens.string(at) {
        return Some((literal, at + 1));
    }
    let name = tokens.name(at)?;
    if !tokens.is_symbol(at + 1, '(') {
        return Some((variables.get(&name)?.clone(), at + 1));
    }
    let after = tokens.after_group(at + 1);
    let arguments = tokens.slice(at + 2, after.checked_sub(1)?).split_commas();
    // Arguments hold no calls of their own: a migration that nests them is not one to be guessed at.
    let mut values = arguments
        .iter()
        .map(|argument| simple(*argument, variables));
    let text = match name.as_str() {
        "quote_ident" => quote_name(&values.next()??),
        "format" => {
            let template = values.next()??;
            format_text(&template, &values.collect::<Vec<_>>())?
        }
        _ => return None,
    };
    Some((text, after))
}

/// The text of literals and variables that `||` joins.
fn simple(tokens: Tokens<'_>, variables: &BTreeMap<String, String>) -> Option<String> {
    let (mut text, mut at) = (String::new(), 0);
    loop {
        match tokens.string(at) {
            Some(literal) => text.push_str(&literal),
            None => text.push_str(variables.get(&tokens.name(at)?)?),
        }
        if at + 1 >= tokens.len() {
            return Some(text);
        }
        if !(tokens.is_symbol(at + 1, '|') && tokens.is_symbol(at + 2, '|')) {
            return None;
        }
        at += 3;
    }
}

/// `format(template, arguments)` with the conversions `%s`, `%I`, `%L` and `%%`, with or without positions.
fn format_text(template: &str, arguments: &[Option<String>]) -> Option<String> {
    let (mut text, mut rest, mut next) = (String::new(), template, 0);
    while let Some((literal, after)) = rest.split_once('%') {
        text.push_str(literal);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (position, after) = match after[digits..].strip_prefix('$') {
            Some(after_sign) if digits > 0 => {
                (Some(after[..digits].parse::<usize>().ok()?), after_sign)
            }
            _ => (None, after),
        };
        let conversion = after.chars().next()?;
        rest = &after[conversion.len_utf8()..];
        if conversion == '%' {
            text.push('%');
            continue;
        }
        let index = position.map_or(Some(next), |position| position.checked_sub(1))?;
        next = index + 1;
        let value = arguments.get(index)?.as_ref()?;
        match conversion {
            's' => text.push_str(value),
            'I' => text.push_str(&quote_name(value)),
            'L' => text.push_str(&quote_literal(value)),
            _ => return None,
        }
    }
    text.push_str(rest);
    Some(text)
}

fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
