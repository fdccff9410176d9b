//! Templates: text with places to fill, `{standard.rls}({identity})`.
//!
//! Only their syntax; which captures exist is the caller's to check.

use super::model::{Template, TemplatePart};
use crate::config::Standard;
use crate::source::Span;

/// The names that `{standard.…}` can ask for.
pub(super) const STANDARD_KEYS: [&str; Standard::KEYS.len()] = Standard::KEYS;

/// Why a text is no template; positions are offsets into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TemplateError {
    pub(super) span: Span,
    pub(super) problem: String,
}

/// A template with the place of each part in its text.
#[derive(Debug)]
pub(super) struct ParsedTemplate {
    pub(super) template: Template,
    /// The captures that it names, each with its place.
    pub(super) captures: Vec<(String, Span)>,
}

/// Parses a template. `{{` and `}}` stand for the braces themselves.
pub(super) fn parse(text: &str) -> Result<ParsedTemplate, TemplateError> {
    let mut parts = Vec::new();
    let mut captures = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['{', '}']) {
        literal.push_str(&text[at..at + found]);
        at += found;
        let rest = &text[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            literal.push_str(&rest[..1]);
            at += 2;
            continue;
        }
        let end = place_end(rest, at)?;
        let span = Span::new(at, at + end + 1);
        let part = place(&rest[1..end]).map_err(|problem| TemplateError { span, problem })?;
        match &part {
            TemplatePart::Capture(name) => captures.push((name.clone(), span)),
            TemplatePart::Pool => captures.push(("POOL".to_owned(), span)),
            _ => {}
        }
        if !literal.is_empty() {
            parts.push(TemplatePart::Text(std::mem::take(&mut literal)));
        }
        parts.push(part);
        at += end + 1;
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() {
        parts.push(TemplatePart::Text(literal));
    }
    Ok(ParsedTemplate {
        template: Template { parts },
        captures,
    })
}

/// The offset of the `}` that closes the place at the beginning of `rest`.
fn place_end(rest: &str, at: usize) -> Result<usize, TemplateError> {
    let brace = |problem: &str| TemplateError {
        span: Span::new(at, at + 1),
        problem: problem.to_owned(),
    };
    if rest.starts_with('}') {
        return Err(brace(
            "`}` closes nothing; a brace that is meant is written `}}`",
        ));
    }
    match rest[1..].find(['{', '}']) {
        Some(length) if rest[1 + length..].starts_with('}') => Ok(1 + length),
        _ => Err(brace(
            "`{` is never closed; a brace that is meant is written `{{`",
        )),
    }
}

fn place(name: &str) -> Result<TemplatePart, String> {
    if name == "identity" {
        return Ok(TemplatePart::Identity);
    }
    if name == "purpose" {
        return Ok(TemplatePart::Purpose);
    }
    if name == "pool" {
        return Ok(TemplatePart::Pool);
    }
    if let Some(key) = name.strip_prefix("standard.") {
        return if STANDARD_KEYS.contains(&key) {
            Ok(TemplatePart::Standard(key.to_owned()))
        } else {
            Err(format!(
                "unknown name `standard.{key}`; there are standard.{}",
                STANDARD_KEYS.join(", standard.")
            ))
        };
    }
    let parts: Vec<&str> = name.split('.').collect();
    if let [module @ .., last] = parts.as_slice()
        && !module.is_empty()
        && parts.iter().all(|part| is_word(part))
    {
        return Ok(TemplatePart::Library {
            module: module.join("."),
            name: (*last).to_owned(),
        });
    }
    if is_word(name) {
        Ok(TemplatePart::Capture(name.to_owned()))
    } else {
        Err(format!(
            "`{{{name}}}` is neither `{{identity}}`, `{{standard.…}}` nor the name of a capture"
        ))
    }
}

fn is_word(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> TemplatePart {
        TemplatePart::Text(text.to_owned())
    }

    #[test]
    fn places_and_text_alternate() {
        let parsed = parse("{standard.rls}({identity}, {POOL})").expect("a template");
        assert_eq!(
            parsed.template.parts,
            [
                TemplatePart::Standard("rls".into()),
                text("("),
                TemplatePart::Identity,
                text(", "),
                TemplatePart::Capture("POOL".into()),
                text(")"),
            ]
        );
        assert_eq!(parsed.captures, [("POOL".to_owned(), Span::new(27, 33))]);
    }

    #[test]
    fn doubled_braces_are_text() {
        let parsed = parse("{{{POOL}}} {{}}").expect("a template");
        assert_eq!(
            parsed.template.parts,
            [
                text("{"),
                TemplatePart::Capture("POOL".into()),
                text("} {}")
            ]
        );
    }

    #[test]
    fn text_without_places_is_one_part() {
        assert_eq!(
            parse("a ü").expect("a template").template.parts,
            [text("a ü")]
        );
        assert!(parse("").expect("a template").template.parts.is_empty());
    }

    #[test]
    fn faults_have_their_place() {
        let fault = |text| {
            let error = parse(text).expect_err("a fault");
            (error.span.start, error.span.end, error.problem)
        };
        let faults = [
            (
                "a {POOL",
                2,
                3,
                "`{` is never closed; a brace that is meant is written `{{`",
            ),
            (
                "a } b",
                2,
                3,
                "`}` closes nothing; a brace that is meant is written `}}`",
            ),
            (
                "{a{b}",
                0,
                1,
                "`{` is never closed; a brace that is meant is written `{{`",
            ),
            (
                "ü {x y}",
                3,
                8,
                "`{x y}` is neither `{identity}`, `{standard.…}` nor the name of a capture",
            ),
            (
                "{}",
                0,
                2,
                "`{}` is neither `{identity}`, `{standard.…}` nor the name of a capture",
            ),
            (
                "{standard.url}",
                0,
                14,
                "unknown name `standard.url`; there are standard.module, standard.pool, standard.factory, standard.scope, standard.rls, standard.dependency, standard.service, standard.begin, standard.system",
            ),
        ];
        for (text, start, end, problem) in faults {
            assert_eq!(fault(text), (start, end, problem.to_owned()));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "[{}a-z.ü ]{0,20}") {
            match parse(&text) {
                Ok(parsed) => for (name, span) in parsed.captures {
                    assert_eq!(span.text(&text), format!("{{{name}}}"));
                },
                Err(error) => assert!(text.get(error.span.start..error.span.end).is_some()),
            }
        }
    }
}
