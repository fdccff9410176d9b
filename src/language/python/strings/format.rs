//! The two ways of formatting by a template: `%` and `.format()`.

use std::collections::BTreeMap;

use super::value::Value;
use crate::sql::{Part, SqlText};

/// What is put into a template.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// By position; `None` where that is not known (a spread argument).
    pub(super) positional: Option<Vec<Value>>,
    /// By name.
    pub(super) named: BTreeMap<String, Value>,
}

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The next field in order, as it is.
    Next,
    /// A field by its number, as it is.
    Numbered(usize),
    /// A field by its name, as it is.
    Named(String),
    /// A field whose text depends on more than its value.
    Formatted,
}

/// `template % fields`
pub(super) fn percent(template: &SqlText, fields: &Fields) -> Value {
    fill(template, fields, percent_pieces)
}

/// `template.format(fields)`
pub(super) fn braces(template: &SqlText, fields: &Fields) -> Value {
    fill(template, fields, brace_pieces)
}

fn fill(template: &SqlText, fields: &Fields, split: fn(&str) -> Option<Vec<Piece>>) -> Value {
    // A hole may hold fields of its own, so the order of the others is not known.
    let ordered = !template.has_hole();
    let mut value = Value::literal("");
    let mut next = 0;
    for part in &template.parts {
        let Part::Literal(text) = part else {
            value = value.then(&Value::unknown());
            continue;
        };
        let Some(pieces) = split(text) else {
            return Value::unknown();
        };
        for piece in pieces {
            let positional = |index: usize| {
                let values = fields.positional.as_ref().filter(|_| ordered)?;
                values.get(index).cloned()
            };
            let filled = match piece {
                Piece::Text(text) => Some(Value::literal(text)),
                Piece::Next => {
                    next += 1;
                    positional(next - 1)
                }
                Piece::Numbered(index) => positional(index),
                Piece::Named(name) => fields.named.get(&name).cloned(),
                Piece::Formatted => {
                    next += 1;
                    None
                }
            };
            value = value.then(&filled.map_or_else(Value::unknown, Value::shown));
        }
    }
    value
}

fn percent_pieces(template: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        pieces.push(Piece::Text(rest[..at].to_owned()));
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('%') {
            pieces.push(Piece::Text("%".to_owned()));
            rest = behind;
            continue;
        }
        let mut name = None;
        if let Some(named) = rest.strip_prefix('(') {
            let end = named.find(')')?;
            name = Some(named[..end].to_owned());
            rest = &named[end + 1..];
        }
        let flags = rest.find(|c: char| {
            !matches!(
                c,
                '#' | '0'..='9' | '-' | '+' | ' ' | '.' | '*' | 'h' | 'l' | 'L'
            )
        })?;
        let conversion = rest[flags..].chars().next()?;
        pieces.push(match (flags, conversion, name) {
            (0, 's', Some(name)) => Piece::Named(name),
            (0, 's', None) => Piece::Next,
            _ => Piece::Formatted,
        });
        rest = &rest[flags + conversion.len_utf8()..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Some(pieces)
}

fn brace_pieces(template: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        pieces.push(Piece::Text(rest[..at].to_owned()));
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(brace) {
            pieces.push(Piece::Text(brace.to_owned()));
            rest = behind;
            continue;
        }
        if brace == "}" {
            return None;
        }
        let end = field_end(rest)?;
        let field = &rest[..end];
        rest = &rest[end + 1..];
        let simple = field.chars().all(|c| c == '_' || c.is_alphanumeric());
        pieces.push(match field.parse() {
            _ if field.is_empty() => Piece::Next,
            Ok(index) => Piece::Numbered(index),
            Err(_) if simple => Piece::Named(field.to_owned()),
            Err(_) => Piece::Formatted,
        });
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Some(pieces)
}

/// Where the field that begins `rest` is closed; its format may hold fields.
fn field_end(rest: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &Value) -> Vec<String> {
        value.texts.iter().map(super::super::tests::show).collect()
    }

    fn fields(positional: &[&str], named: &[(&str, &str)]) -> Fields {
        Fields {
            positional: Some(
                positional
                    .iter()
                    .map(|text| Value::literal(*text))
                    .collect(),
            ),
            named: named
                .iter()
                .map(|(name, text)| ((*name).to_owned(), Value::literal(*text)))
                .collect(),
        }
    }

    #[test]
    fn percent_fills_plain_conversions_and_leaves_others_open() {
        for (template, expected) in [
            ("a %s b %s", "a x b y"),
            ("100%% %s", "100% x"),
            ("%-5d %s", "⟨⟩ y"),
            ("%(n)s %(m)s", "z ⟨⟩"),
            ("%s %s %s", "x y ⟨⟩"),
            ("a", "a"),
            ("a %", "⟨⟩"),
            ("%(a", "⟨⟩"),
        ] {
            let text = SqlText::literal(template);
            let value = percent(&text, &fields(&["x", "y"], &[("n", "z")]));
            assert_eq!(shown(&value), [expected], "{template}");
        }
    }

    #[test]
    fn braces_fill_plain_fields_and_leave_others_open() {
        for (template, expected) in [
            ("a {} b {}", "a x b y"),
            ("{{}} {1}{0}", "{} yx"),
            ("{n} {n!r} {n:>{w}} {n.a}", "z ⟨⟩ ⟨⟩ ⟨⟩"),
            ("{", "⟨⟩"),
            ("}", "⟨⟩"),
            ("{9}", "⟨⟩"),
        ] {
            let text = SqlText::literal(template);
            let value = braces(&text, &fields(&["x", "y"], &[("n", "z")]));
            assert_eq!(shown(&value), [expected], "{template}");
        }
    }

    #[test]
    fn a_hole_in_the_template_leaves_the_order_open() {
        let template = SqlText {
            parts: vec![Part::Hole, Part::Literal(" %s".to_owned())],
        };
        let value = percent(&template, &fields(&["x"], &[]));
        assert_eq!(shown(&value), ["⟨⟩ ⟨⟩"]);
    }
}
