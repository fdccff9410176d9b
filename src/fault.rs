//! Why a file that people write is refused, shown with a caret under the fault.
//!
//! Knows texts and positions, and nothing of what recipes and settings mean.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::de::DeserializeOwned;
use serde_yaml::budget::BudgetBreach;
use serde_yaml::{DefaultMessageFormatter, Error as YamlError, Location, MessageFormatter};

use crate::source::{LineColumn, SourceFile, Span};

/// The size in bytes beyond which a file is refused.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// What is wrong with a file of several documents.
const SECOND: &str = "a second document; one file holds one";

/// What is wrong with brackets in brackets, or lines ever further to the right.
const TOO_DEEP: &str = "more nesting than this file can have";

/// Reads YAML of a given shape, within limits that no honest file comes near.
pub(crate) fn read_yaml<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    if text.len() > MAX_BYTES {
        let problem = format!("too large: more than {MAX_BYTES} bytes");
        return Err(Fault::new(Span::at(0), problem));
    }
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if let Some(at) = text.find(control) {
        return Err(Fault::new(Span::at(at), "a control character"));
    }
    let options = serde_yaml::options! {
        strict_booleans: true,
        with_snippet: false,
        budget: serde_yaml::budget! {
            max_depth: 24,
            max_nodes: 50_000,
            max_aliases: 100,
            max_documents: 1,
        },
    };
    serde_yaml::from_str_with_options(text, options).map_err(|error| Fault::of_yaml(text, &error))
}

/// A recipe, a migration or settings that cannot be used.
///
/// Shown, it is the message with file, line, column, and a caret under the fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rendered}")]
pub struct FileFault {
    /// The file.
    pub origin: String,
    /// Where the fault is.
    pub position: LineColumn,
    /// What is wrong, in one sentence.
    pub problem: String,
    rendered: String,
}

/// A fault in a text that is not yet bound to its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The bytes that are wrong.
    pub(crate) span: Span,
    /// What is wrong.
    pub(crate) problem: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

impl Fault {
    pub(crate) fn new(span: Span, problem: impl Into<String>) -> Self {
        Self {
            span,
            problem: problem.into(),
            help: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The fault that reading `text` as YAML of a given shape has ended in.
    pub(crate) fn of_yaml(text: &str, error: &YamlError) -> Self {
        let error = match error.without_snippet() {
            YamlError::AliasError { error, .. } => error.without_snippet(),
            error => error,
        };
        let span = error
            .location()
            .map_or(Span::at(0), |location| span_of(text, location));
        match error {
            YamlError::SerdeUnknownField {
                field, expected, ..
            } => Self::new(span, format!("unknown key `{field}`")).help(words(field, expected)),
            YamlError::SerdeUnknownVariant {
                variant, expected, ..
            } => {
                Self::new(span, format!("unknown word `{variant}`")).help(words(variant, expected))
            }
            YamlError::SerdeMissingField { field, .. } if is_at_line_start(text, span) => {
                // The reader stands at the last section, which is not at fault.
                Self::new(Span::at(0), format!("the section `{field}` is missing"))
            }
            YamlError::SerdeMissingField { field, .. } => {
                Self::new(span, format!("`{field}` is missing"))
            }
            YamlError::NullIntoString { .. } => Self::new(span, "this is empty"),
            YamlError::RecursiveReferencesRequireWeakTypes { .. } => {
                Self::new(span, "an alias of what it stands in")
            }
            YamlError::Unexpected { expected, .. } => {
                let expected = match *expected {
                    "string scalar" => "a text",
                    "mapping start" => "a map",
                    "sequence start" => "a list",
                    other => other,
                };
                Self::new(span, format!("expected {expected}"))
            }
            YamlError::DuplicateMappingKey { key: Some(key), .. } => {
                Self::new(span, format!("`{key}` is given twice"))
            }
            YamlError::DuplicateMappingKey { key: None, .. } => {
                Self::new(span, "a key is given twice")
            }
            YamlError::Budget {
                breach: BudgetBreach::Documents { .. },
                ..
            }
            | YamlError::MultipleDocuments { .. } => Self::new(span, SECOND),
            YamlError::Budget {
                breach: BudgetBreach::Depth { .. },
                ..
            } => Self::new(span, TOO_DEEP),
            YamlError::ExternalMessage { msg, .. } if msg == "recursion limit exceeded" => {
                Self::new(span, TOO_DEEP)
            }
            YamlError::Budget { .. }
            | YamlError::AliasReplayLimitExceeded { .. }
            | YamlError::AliasExpansionLimitExceeded { .. }
            | YamlError::AliasReplayStackDepthExceeded { .. } => Self::new(
                span,
                "more nesting, values or aliases than this file can have",
            ),
            error => Self::new(span, DefaultMessageFormatter.format_message(error)),
        }
    }

    /// Binds the fault to the file that it is in.
    pub(crate) fn in_file(self, origin: &str, text: &str) -> FileFault {
        let span = on_one_line(text, within(text, self.span));
        let file = SourceFile::new(origin, text);
        let problem = annotate_snippets::normalize_untrusted_str(&self.problem);
        let help = self
            .help
            .as_deref()
            .map(annotate_snippets::normalize_untrusted_str);

        let snippet = Snippet::source(text)
            .path(origin)
            .annotation(AnnotationKind::Primary.span(span.start..span.end));
        let mut group = Level::ERROR
            .primary_title(problem.as_str())
            .element(snippet);
        if let Some(help) = help {
            group = group.element(Level::HELP.message(help));
        }
        FileFault {
            origin: origin.to_owned(),
            position: file.position(span.start),
            rendered: Renderer::plain().render(&[group]),
            problem,
        }
    }
}

/// What could have been written instead of `word`.
fn words(word: &str, expected: &[&str]) -> String {
    let list = match expected {
        [] => return "nothing goes here".to_owned(),
        expected => format!("one of {}", expected.join(", ")),
    };
    match nearest(word, expected.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? {list}"),
        None => list,
    }
}

/// The one of `candidates` that `word` was probably meant to be.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let distances = candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate));
    // A third of the letters may be wrong; what is further away is another word.
    distances
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn is_at_line_start(text: &str, span: Span) -> bool {
    span.start == 0 || text[..span.start].ends_with('\n')
}

/// The bytes of `text` that a YAML location covers.
pub(crate) fn span_of(text: &str, location: Location) -> Span {
    let span = location.span();
    let (Some(start), Some(length)) = (span.byte_offset(), span.byte_len()) else {
        // Where no value was read yet, the reader knows lines and characters only.
        return Span::at(offset_of(text, location.line(), location.column()));
    };
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let start = start.min(text.len());
    within(
        text,
        Span::new(start, start.saturating_add(length).min(text.len())),
    )
}

/// The offset of a character, its line and itself counted from 1.
fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let before = |count: u64| usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
    let (line, column) = (before(line), before(column));
    let mut lines = text.split_inclusive('\n');
    let start: usize = lines.by_ref().take(line).map(str::len).sum();
    let characters = lines.next().unwrap_or_default().chars().take(column);
    start + characters.map(char::len_utf8).sum::<usize>()
}

/// The span cut to the text, between characters.
fn within(text: &str, span: Span) -> Span {
    let start = text.floor_char_boundary(span.start);
    let end = text.ceil_char_boundary(span.end.min(text.len()));
    Span::new(start, end.max(start))
}

/// The span's part on its first line: a caret under a whole section hides where the fault is.
fn on_one_line(text: &str, span: Span) -> Span {
    let covered = span.text(text);
    let length = covered.find(['\n', '\r']).unwrap_or(covered.len());
    Span::new(span.start, span.start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_recognised_and_another_word_is_not() {
        let known = ["contexts", "standard", "schema"];
        let meant = |word| nearest(word, known);
        assert_eq!(meant("context"), Some("contexts"));
        assert_eq!(meant("standrad"), Some("standard"));
        assert_eq!(meant("schemas"), Some("schema"));
        assert_eq!(meant("identity"), None);
        assert_eq!(meant(""), None);
    }

    /// What is wrong with a text that should be lists of words by name, and where.
    fn fault(text: &str) -> (String, usize, usize) {
        type Lists = std::collections::BTreeMap<String, Vec<String>>;
        let fault = read_yaml::<Lists>(text).expect_err(text);
        let fault = fault.in_file("x.yaml", text);
        (fault.problem, fault.position.line, fault.position.column)
    }

    #[test]
    fn a_second_document_is_called_one() {
        for text in ["a: [x]\n---\na: [x]\n", "a: [x]\n---\n"] {
            assert_eq!(fault(text), (SECOND.to_owned(), 2, 1));
        }
    }

    #[test]
    fn nesting_is_refused_where_it_is_too_deep() {
        let flow = |depth: usize| format!("a: [x]\né: {}", "[".repeat(depth));
        let (problem, line, column) = fault(&flow(100_000));
        assert_eq!((problem.as_str(), line), (TOO_DEEP, 2));
        assert!(column > 24, "{column}");
        let block: String = (0..400)
            .map(|depth| format!("{}-\n", " ".repeat(depth)))
            .collect();
        let (problem, line, column) = fault(&format!("a:\n{block}"));
        assert!(line > 2 && column == line - 1, "{problem} {line}:{column}");
    }

    #[test]
    fn what_is_no_yaml_is_shown_where_it_begins() {
        for (text, line, column) in [
            ("a: [x]\nb: [y\nc: d: e\n", 3, 2),
            ("a: [x]\nb:\n\t- x\n", 3, 2),
            ("a: [x]\né: [é, *nowhere]\n", 2, 8),
            ("a: [x]\nb: @c\n", 2, 4),
        ] {
            let (problem, at_line, at_column) = fault(text);
            assert_eq!((at_line, at_column), (line, column), "{text:?}: {problem}");
        }
    }
}
