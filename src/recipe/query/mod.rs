//! Checks queries more strictly than tree-sitter does, and says where in the query the fault is.
//!
//! tree-sitter ignores a predicate that it does not know, and some that it does, so that a typing error matches everything. Here
//! only the predicates that work are let through.

mod literals;
mod scan;

use tree_sitter::{CaptureQuantifier, Query, QueryError, QueryErrorKind};

use crate::source::Span;

use scan::{Argument, Predicate, Scanned};

/// Deeper patterns are refused: tree-sitter's parser of queries calls itself for each level.
const MAX_NESTING: usize = 100;
/// Longer queries are refused: their analysis takes more than linear time.
const MAX_BYTES: usize = 32 * 1024;

/// More optional and repeated parts are refused: each multiplies what the analysis has to look at.
const MAX_QUANTIFIERS: usize = 32;

/// The capture that marks a hit.
pub(super) const SITE: &str = "site";

/// Why a query is refused; the span is in the query's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueryFault {
    pub(super) span: Span,
    pub(super) problem: String,
    pub(super) help: Option<String>,
}

impl QueryFault {
    fn new(span: Span, problem: impl Into<String>) -> Self {
        Self {
            span,
            problem: problem.into(),
            help: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What the checks need to know of a query that has passed them.
#[derive(Debug)]
pub(super) struct CheckedQuery {
    /// The names of its captures.
    pub(super) captures: Vec<String>,
    /// Words of which a file must hold one for any pattern to match; empty when some pattern needs none.
    pub(super) literals: Vec<String>,
}

/// Compiles and checks a query over the grammar of `language`.
pub(super) fn check(
    language: &str,
    grammar: &tree_sitter::Language,
    text: &str,
) -> Result<CheckedQuery, QueryFault> {
    if text.len() > MAX_BYTES {
        let problem = format!("the query is longer than {MAX_BYTES} bytes");
        return Err(QueryFault::new(Span::at(0), problem));
    }
    let scanned = scan::scan(text)?;
    if let Some(at) = scanned.deeper_than(MAX_NESTING) {
        let problem = format!("nested deeper than {MAX_NESTING} levels");
        return Err(QueryFault::new(Span::new(at, at + 1), problem));
    }
    if let Some(at) = scanned.quantifiers.get(MAX_QUANTIFIERS) {
        let problem = format!("more than {MAX_QUANTIFIERS} of `?`, `*` and `+`");
        return Err(QueryFault::new(Span::new(*at, at + 1), problem));
    }
    for predicate in &scanned.predicates {
        check_predicate(predicate)?;
    }
    let query = Query::new(grammar, text)
        .map_err(|error| compile_fault(language, text, &scanned, &error))?;
    if query.pattern_count() == 0 {
        return Err(QueryFault::new(Span::at(0), "the query holds no pattern"));
    }
    check_site(&query, text)?;
    Ok(CheckedQuery {
        captures: query
            .capture_names()
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        literals: literals::of(&query, &scanned.predicates),
    })
}

/// Every pattern captures `@site`, exactly once.
fn check_site(query: &Query, text: &str) -> Result<(), QueryFault> {
    let site = query.capture_index_for_name(SITE);
    for pattern in 0..query.pattern_count() {
        let quantifier = site.map_or(CaptureQuantifier::Zero, |index| {
            query.capture_quantifiers(pattern)[index as usize]
        });
        let problem = match quantifier {
            CaptureQuantifier::One => continue,
            CaptureQuantifier::Zero => "this pattern does not capture `@site`",
            CaptureQuantifier::ZeroOrOne | CaptureQuantifier::ZeroOrMore => {
                "this pattern can match without capturing `@site`"
            }
            CaptureQuantifier::OneOrMore => "this pattern captures `@site` several times",
        };
        let start = query.start_byte_for_pattern(pattern);
        let end = query.end_byte_for_pattern(pattern).clamp(start, text.len());
        let fault = QueryFault::new(Span::new(start, end), problem);
        return Err(fault.help("`@site` marks the one node that becomes the site"));
    }
    Ok(())
}

const WORKING: &str =
    "predicates are #eq?, #not-eq?, #match?, #not-match?, #any-of? and #not-any-of?";

fn check_predicate(predicate: &Predicate) -> Result<(), QueryFault> {
    let fault = |span, problem: String| Err(QueryFault::new(span, problem));
    let arguments = &predicate.arguments;
    let shown = &predicate.operator;
    let Some(Argument::Capture { .. }) = arguments.first() else {
        return match predicate.operator.as_str() {
            operator if is_working(operator) => fault(
                predicate.span,
                format!("`#{shown}` begins with the capture that it is about"),
            ),
            _ => Err(unknown(predicate)),
        };
    };
    match predicate.operator.as_str() {
        "eq?" | "not-eq?" if arguments.len() == 2 => Ok(()),
        "match?" | "not-match?" if arguments.len() == 2 => match &arguments[1] {
            Argument::Text { .. } => Ok(()),
            Argument::Capture { span, .. } => fault(
                *span,
                format!("`#{shown}` compares with a regular expression in quotes"),
            ),
        },
        "eq?" | "not-eq?" | "match?" | "not-match?" => fault(
            predicate.span,
            format!("`#{shown}` takes a capture and one thing to compare it with"),
        ),
        "any-of?" | "not-any-of?" => {
            let capture = arguments[1..].iter().find_map(|argument| match argument {
                Argument::Capture { span, .. } => Some(*span),
                Argument::Text { .. } => None,
            });
            match capture {
                Some(span) => fault(span, format!("`#{shown}` compares with texts in quotes")),
                None if arguments.len() == 1 => {
                    fault(predicate.span, format!("`#{shown}` compares with nothing"))
                }
                None => Ok(()),
            }
        }
        _ => Err(unknown(predicate)),
    }
}

fn is_working(operator: &str) -> bool {
    matches!(
        operator,
        "eq?" | "not-eq?" | "match?" | "not-match?" | "any-of?" | "not-any-of?"
    )
}

fn unknown(predicate: &Predicate) -> QueryFault {
    let problem = format!("`#{}` does nothing in a recipe", predicate.operator);
    QueryFault::new(predicate.operator_span, problem).help(WORKING)
}

/// tree-sitter's complaint in plain words, with the place that it is about.
fn compile_fault(language: &str, text: &str, scanned: &Scanned, error: &QueryError) -> QueryFault {
    let at = text.floor_char_boundary(error.offset.min(text.len()));
    // For these kinds the message is the name in quotes.
    let name = error.message.trim_matches('"');
    let named = Span::new(at, (at + name.len()).min(text.len()).max(at));
    match error.kind {
        QueryErrorKind::NodeType => {
            QueryFault::new(named, format!("{language} has no node `{name}`"))
        }
        QueryErrorKind::Field => {
            QueryFault::new(named, format!("{language} has no field `{name}`"))
        }
        QueryErrorKind::Capture => {
            QueryFault::new(named, format!("no pattern here captures `@{name}`"))
        }
        QueryErrorKind::Structure => QueryFault::new(
            Span::at(at),
            format!("no {language} tree has this shape, so the pattern can never match"),
        ),
        QueryErrorKind::Predicate => predicate_fault(&scanned.predicates, error),
        QueryErrorKind::Syntax | QueryErrorKind::Language => match scanned.unclosed {
            Some(open) if text[at..].trim().is_empty() => {
                QueryFault::new(Span::new(open, open + 1), "this bracket is never closed")
            }
            _ => {
                let at = at.min(text.trim_end().len());
                QueryFault::new(Span::at(at), "the query cannot be read from here on")
            }
        },
    }
}

/// What is left for tree-sitter to refuse in a predicate is its regular expression.
fn predicate_fault(predicates: &[Predicate], error: &QueryError) -> QueryFault {
    let expression = predicates
        .iter()
        .flat_map(|predicate| &predicate.arguments)
        .find_map(|argument| match argument {
            Argument::Text { value, span }
                if error.message.contains(&format!("Invalid regex '{value}'")) =>
            {
                Some((value, *span))
            }
            _ => None,
        });
    match expression {
        Some((value, span)) => {
            QueryFault::new(span, format!("`{value}` is not a regular expression"))
        }
        None => QueryFault::new(Span::at(0), error.message.clone()),
    }
}

#[cfg(test)]
mod tests;
