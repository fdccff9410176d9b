//! The texts that an expression can have when the program runs, as far as the file shows; everything else is a hole.

use tree_sitter::Node;

use super::expression::{callee, macro_arguments};
use super::nodes::{children, expression_at};
use crate::language::{BindingKind, Code};
use crate::source::Span;
use crate::sql::{Part, SqlText};

/// How deep expressions and constants through constants are followed.
const MAX_DEPTH: usize = 32;

/// The texts that the expression at `span` can have; never empty.
pub(super) fn evaluate(code: &Code<'_>, span: Span) -> Vec<SqlText> {
    let text = expression_at(&code.tree, span)
        .map_or_else(SqlText::unknown, |node| value(code, node, MAX_DEPTH));
    vec![text]
}

fn value(code: &Code<'_>, node: Node<'_>, depth: usize) -> SqlText {
    let Some(depth) = depth.checked_sub(1) else {
        return SqlText::unknown();
    };
    let inner = |node: Option<&Node<'_>>| {
        node.map_or_else(SqlText::unknown, |node| value(code, *node, depth))
    };
    match node.kind() {
        "string_literal" | "raw_string_literal" => {
            literal(code, node).map_or_else(SqlText::unknown, SqlText::literal)
        }
        "parenthesized_expression" | "reference_expression" | "try_expression" => {
            inner(children(node).last())
        }
        "identifier" | "scoped_identifier" => variable(code, node, depth),
        "call_expression" => {
            // What turns a text into another type of text.
            let object = callee(node).filter(|callee| {
                let method = callee.child_by_field_name("field");
                let method = method.map_or("", |method| code.text(method.into()));
                matches!(
                    method,
                    "to_string" | "to_owned" | "into" | "as_str" | "as_ref" | "clone"
                )
            });
            inner(
                object
                    .and_then(|callee| callee.child_by_field_name("value"))
                    .as_ref(),
            )
        }
        "macro_invocation" => from_macro(code, node, depth),
        _ => SqlText::unknown(),
    }
}

/// The text of a constant, or of a variable that is bound once and never changed.
fn variable(code: &Code<'_>, node: Node<'_>, depth: usize) -> SqlText {
    let found = code.reference_at(node.into()).and_then(|reference| {
        let mut bindings = code.model.bindings_of(reference.target?, &reference.name);
        bindings.next().filter(|_| bindings.next().is_none())
    });
    let constant = found.filter(|binding| {
        let plain = matches!(
            binding.kind,
            BindingKind::Assignment | BindingKind::Annotation
        );
        // `let mut` may be pushed to.
        let changed = code.text(binding.statement).starts_with("let mut")
            || code.text(binding.statement).starts_with("static mut");
        plain && !changed
    });
    constant
        .and_then(|binding| expression_at(&code.tree, binding.value?))
        .map_or_else(SqlText::unknown, |node| value(code, node, depth))
}

fn from_macro(code: &Code<'_>, node: Node<'_>, depth: usize) -> SqlText {
    let name = node.child_by_field_name("macro");
    let name = name.map_or("", |name| code.text(name.into()));
    let arguments = macro_arguments(node);
    let mut texts = arguments.iter().map(|argument| {
        expression_at(&code.tree, argument.value())
            .map_or_else(SqlText::unknown, |node| value(code, node, depth))
    });
    match name.rsplit("::").next().unwrap_or(name) {
        "concat" => texts.fold(SqlText::default(), |left, right| concat(left, &right)),
        "format" => texts
            .next()
            .map_or_else(SqlText::unknown, |text| holes(&text)),
        _ => SqlText::unknown(),
    }
}

fn concat(mut left: SqlText, right: &SqlText) -> SqlText {
    for part in &right.parts {
        match (left.parts.last_mut(), part) {
            (Some(Part::Literal(before)), Part::Literal(after)) => before.push_str(after),
            (Some(Part::Hole), Part::Hole) => {}
            _ => left.parts.push(part.clone()),
        }
    }
    left
}

/// A template of `format!`: each `{…}` is a hole, `{{` and `}}` are braces.
fn holes(template: &SqlText) -> SqlText {
    let [Part::Literal(text)] = &template.parts[..] else {
        return SqlText::unknown();
    };
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '{' | '}' if characters.peek() == Some(&character) => {
                characters.next();
                plain.push(character);
            }
            '{' => {
                for inner in characters.by_ref() {
                    if inner == '}' {
                        break;
                    }
                }
                if !plain.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut plain)));
                }
                if parts.last() != Some(&Part::Hole) {
                    parts.push(Part::Hole);
                }
            }
            _ => plain.push(character),
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Literal(plain));
    }
    SqlText { parts }
}

/// The text of a literal; `None` for bytes and for an escape that is not known.
fn literal(code: &Code<'_>, node: Node<'_>) -> Option<String> {
    let text = code.text(node.into());
    if node.kind() == "raw_string_literal" {
        let text = text.strip_prefix('r').or_else(|| text.strip_prefix("cr"))?;
        let hashes = text.len() - text.trim_start_matches('#').len();
        let inner = text.get(hashes + 1..text.len().checked_sub(hashes + 1)?)?;
        return Some(inner.to_owned());
    }
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut found = String::new();
    let mut characters = inner.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            found.push(character);
            continue;
        }
        match characters.next()? {
            'n' => found.push('\n'),
            'r' => found.push('\r'),
            't' => found.push('\t'),
            '0' => found.push('\0'),
            escaped @ ('\\' | '"' | '\'') => found.push(escaped),
            'x' => {
                let digits: String = characters.by_ref().take(2).collect();
                found.push(char::from(u8::from_str_radix(&digits, 16).ok()?));
            }
            'u' => {
                let digits: String = characters.by_ref().take_while(|c| *c != '}').collect();
                let digits = digits.strip_prefix('{')?.replace('_', "");
                found.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
            }
            // A line break that is escaped goes, with the white space that begins the next line.
            '\n' | '\r' => while characters.next_if(|c| c.is_whitespace()).is_some() {},
            _ => return None,
        }
    }
    Some(found)
}
