//! The words that a file must hold for a query to match, so that other files need not be parsed.
//!
//! Conservative: a word is given only where no match is possible without it.

use std::collections::BTreeSet;

use tree_sitter::{CaptureQuantifier, Query};

use super::scan::{Argument, Predicate};

/// Words of which a file must hold at least one for any pattern to match; empty when some pattern needs none.
pub(super) fn of(query: &Query, predicates: &[Predicate]) -> Vec<String> {
    let mut words = BTreeSet::new();
    for pattern in 0..query.pattern_count() {
        let best = predicates
            .iter()
            .filter(|predicate| pattern_of(query, predicate) == Some(pattern))
            .filter(|predicate| always_bound(query, pattern, predicate))
            .filter_map(alternatives)
            // The rarer the better: few words, and long ones.
            .min_by_key(|words| {
                let shortest = words.iter().map(String::len).min().unwrap_or(0);
                (words.len(), usize::MAX - shortest)
            });
        match best {
            Some(alternatives) => words.extend(alternatives),
            None => return Vec::new(),
        }
    }
    words.into_iter().collect()
}

/// The pattern that a predicate belongs to: the last one that begins at or before it.
fn pattern_of(query: &Query, predicate: &Predicate) -> Option<usize> {
    (0..query.pattern_count())
        .rev()
        .find(|pattern| query.start_byte_for_pattern(*pattern) <= predicate.span.start)
}

/// Whether every match of the pattern binds the capture that the predicate is about; a predicate on an unbound capture holds.
fn always_bound(query: &Query, pattern: usize, predicate: &Predicate) -> bool {
    let Some(Argument::Capture { name, .. }) = predicate.arguments.first() else {
        return false;
    };
    query.capture_index_for_name(name).is_some_and(|index| {
        matches!(
            query.capture_quantifiers(pattern)[index as usize],
            CaptureQuantifier::One | CaptureQuantifier::OneOrMore
        )
    })
}

/// The words of which the captured text must hold one, if the predicate asks for words.
fn alternatives(predicate: &Predicate) -> Option<Vec<String>> {
    let texts = predicate.arguments[1..]
        .iter()
        .map(|argument| match argument {
            Argument::Text { value, .. } => Some(value.clone()),
            Argument::Capture { .. } => None,
        });
    let words = match predicate.operator.as_str() {
        "eq?" | "any-of?" => texts.collect::<Option<Vec<_>>>()?,
        "match?" => match &predicate.arguments[1] {
            Argument::Text { value, .. } => literal_expression(value)?,
            Argument::Capture { .. } => return None,
        },
        _ => return None,
    };
    words.iter().all(|word| !word.is_empty()).then_some(words)
}

/// The words of a regular expression that is no more than words: `^a$`, `^(a|b)$`, `a|b`.
fn literal_expression(expression: &str) -> Option<Vec<String>> {
    let start = expression.strip_prefix('^').unwrap_or(expression);
    let body = start.strip_suffix('$').unwrap_or(start);
    let body = match body.strip_prefix('(') {
        Some(group) => group.strip_suffix(')')?,
        None => body,
    };
    let is_literal = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    body.split('|')
        .map(|word| is_literal(word).then(|| word.to_owned()))
        .collect()
}
