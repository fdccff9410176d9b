//! The decision table: words into values, and whether each row can be reached.

use std::collections::BTreeSet;

use serde_yaml::Spanned;

use super::file::{ConditionFile, RowFile, Words};
use super::model::{Condition, IdentityClass, Outcome, PoolClass, Row, TablesClass};
use crate::config::ContextKind;
use crate::fault::{Fault, span_of};
use crate::source::{SourceFile, Span};

/// The outcomes that are no rewrites.
pub(super) const VERDICTS: [&str; 3] = ["keep", "review", "standard"];

/// A row with the places of what it names.
pub(super) struct CheckedRow {
    pub(super) row: Row,
    /// The rewrites that it names, each with its place.
    pub(super) rewrites: Vec<(String, Span)>,
}

/// Checks the table of a recipe file.
pub(super) fn check(
    text: &str,
    decide: &Spanned<Vec<Spanned<RowFile>>>,
) -> Result<Vec<CheckedRow>, Fault> {
    let spot = span_of(text, decide.defined);
    let Some(last) = decide.value.len().checked_sub(1) else {
        return Err(Fault::new(spot, "the table has no rows").help("the last row is `else`"));
    };
    let file = SourceFile::new("", text);
    let mut rows = Vec::new();
    let mut open = Cells::all();
    for (index, written) in decide.value.iter().enumerate() {
        let start = span_of(text, written.defined).start;
        let line = file.line_of(start);
        // A row stands on one line, as a rule.
        let span = Span::new(start, file.line_end(start));
        let checked = check_row(text, &written.value, span, line, index == last)?;
        let cells = Cells::of(&checked.row.condition);
        if !cells.meets(&open) {
            return Err(unreachable(span, &cells, &rows));
        }
        open.remove(&cells);
        rows.push(checked);
    }
    Ok(rows)
}

fn check_row(
    text: &str,
    row: &RowFile,
    span: Span,
    line: usize,
    is_last: bool,
) -> Result<CheckedRow, Fault> {
    let (condition, outcome) = match (&row.condition, &row.then, &row.otherwise) {
        (None, None, Some(_)) if !is_last => {
            return Err(Fault::new(span, "`else` is not the last row")
                .help("no row behind it can be reached"));
        }
        (None, None, Some(otherwise)) => (Condition::default(), otherwise),
        (Some(_), Some(_), None) if is_last => {
            return Err(Fault::new(span, "the last row is not `else`")
                .help("end the table with `- {else: review, because: …}`"));
        }
        (Some(condition), Some(then), None) => {
            (check_condition(text, &condition.value, span)?, then)
        }
        _ => {
            return Err(Fault::new(
                span,
                "a row is either `if` and `then`, or `else`",
            ));
        }
    };
    let (outcome, rewrites) = check_outcome(text, outcome)?;
    let needs_reason = matches!(outcome, Outcome::Keep | Outcome::Review);
    if needs_reason
        && row
            .because
            .as_deref()
            .is_none_or(|why| why.trim().is_empty())
    {
        return Err(Fault::new(span, "this row does not say why")
            .help("`because:` is what the report prints beside the site"));
    }
    Ok(CheckedRow {
        row: Row {
            condition,
            outcome,
            because: row.because.clone(),
            warning: row.warn,
            severity: row.severity,
            line,
        },
        rewrites,
    })
}

fn check_outcome(
    text: &str,
    words: &Spanned<Words>,
) -> Result<(Outcome, Vec<(String, Span)>), Fault> {
    let whole = span_of(text, words.defined);
    let named: Vec<(String, Span)> = words
        .value
        .0
        .iter()
        .map(|word| {
            let span = word
                .location
                .map_or(whole, |location| span_of(text, location));
            (word.text.clone(), span)
        })
        .collect();
    let verdict = named
        .iter()
        .find(|(name, _)| VERDICTS.contains(&name.as_str()));
    let outcome = match (verdict, named.len()) {
        (_, 0) => return Err(Fault::new(whole, "this row decides nothing")),
        (Some((name, _)), 1) => match name.as_str() {
            "keep" => Outcome::Keep,
            "review" => Outcome::Review,
            _ => Outcome::Standard,
        },
        (Some((name, span)), _) => {
            let problem = format!("`{name}` is no rewrite, and stands alone");
            return Err(Fault::new(*span, problem)
                .help("when no rewrite of a list can be proven, a person decides anyway"));
        }
        (None, _) => Outcome::Rewrite(named.iter().map(|(name, _)| name.clone()).collect()),
    };
    let rewrites = if verdict.is_some() { Vec::new() } else { named };
    Ok((outcome, rewrites))
}

fn check_condition(text: &str, written: &ConditionFile, row: Span) -> Result<Condition, Fault> {
    let condition = Condition {
        context: values(text, written.context.as_ref())?,
        tables: values(text, written.tables.as_ref())?,
        identity: values(text, written.identity.as_ref())?,
        pool: values(text, written.pool.as_ref())?,
    };
    if condition == Condition::default() {
        return Err(
            Fault::new(row, "this condition asks for nothing, so it always holds")
                .help("a row that always holds is `else`"),
        );
    }
    Ok(condition)
}

/// A part of a condition: its values, and the words for them.
trait Part: Copy + Ord + 'static {
    const WHAT: &'static str;
    const ALL: &'static [(&'static str, Self)];
}

impl Part for ContextKind {
    const WHAT: &'static str = "context";
    const ALL: &'static [(&'static str, Self)] = &[
        ("user", Self::User),
        ("system", Self::System),
        ("script", Self::Script),
        ("standard", Self::Standard),
        ("test", Self::Test),
        ("root", Self::Root),
        ("unknown", Self::Unknown),
    ];
}

impl Part for TablesClass {
    const WHAT: &'static str = "tables";
    const ALL: &'static [(&'static str, Self)] = &[
        ("rls", Self::Rls),
        ("plain", Self::Plain),
        ("unknown", Self::Unknown),
    ];
}

impl Part for IdentityClass {
    const WHAT: &'static str = "identity";
    const ALL: &'static [(&'static str, Self)] = &[
        ("bound", Self::Bound),
        ("optional", Self::Optional),
        ("none", Self::None),
    ];
}

impl Part for PoolClass {
    const WHAT: &'static str = "pool";
    const ALL: &'static [(&'static str, Self)] = &[
        ("shared", Self::Shared),
        ("own", Self::Own),
        ("unknown", Self::Unknown),
    ];
}

fn values<T: Part>(
    text: &str,
    words: Option<&Spanned<Words>>,
) -> Result<Option<BTreeSet<T>>, Fault> {
    let Some(words) = words else {
        return Ok(None);
    };
    let whole = span_of(text, words.defined);
    let mut set = BTreeSet::new();
    for word in &words.value.0 {
        let span = word
            .location
            .map_or(whole, |location| span_of(text, location));
        let known = T::ALL.iter().find(|(name, _)| *name == word.text);
        let Some((_, value)) = known else {
            let names: Vec<&str> = T::ALL.iter().map(|(name, _)| *name).collect();
            let problem = format!("`{}` is no value of `{}`", word.text, T::WHAT);
            return Err(Fault::new(span, problem).help(format!("one of {}", names.join(", "))));
        };
        if !set.insert(*value) {
            return Err(Fault::new(span, format!("`{}` is given twice", word.text)));
        }
    }
    if set.is_empty() {
        return Err(Fault::new(whole, "an empty list never holds"));
    }
    Ok(Some(set))
}

/// The row at `span` adds nothing to `earlier`: says which of them leave nothing for it.
fn unreachable(span: Span, cells: &Cells, earlier: &[CheckedRow]) -> Fault {
    let lines: Vec<String> = earlier
        .iter()
        .filter(|row| Cells::of(&row.row.condition).meets(cells))
        .map(|row| row.row.line.to_string())
        .collect();
    let (noun, verb) = if lines.len() == 1 {
        ("row in line", "covers")
    } else {
        ("rows in lines", "cover")
    };
    Fault::new(span, "this row can never be reached").help(format!(
        "the {noun} {} already {verb} every case that it speaks of",
        lines.join(", ")
    ))
}

/// A set of cases: each combination of a context, tables, an identity and a pool is one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cells(BTreeSet<(ContextKind, TablesClass, IdentityClass, PoolClass)>);

impl Cells {
    fn all() -> Self {
        Self::of(&Condition::default())
    }

    /// The cases in which a condition holds.
    fn of(condition: &Condition) -> Self {
        let mut cells = BTreeSet::new();
        for context in either(condition.context.as_ref()) {
            for tables in either(condition.tables.as_ref()) {
                for identity in either(condition.identity.as_ref()) {
                    for pool in either(condition.pool.as_ref()) {
                        cells.insert((context, tables, identity, pool));
                    }
                }
            }
        }
        Self(cells)
    }

    fn meets(&self, other: &Self) -> bool {
        !self.0.is_disjoint(&other.0)
    }

    fn remove(&mut self, other: &Self) {
        self.0.retain(|cell| !other.0.contains(cell));
    }
}

/// The values that a part of a condition admits.
fn either<T: Part>(values: Option<&BTreeSet<T>>) -> Vec<T> {
    match values {
        Some(values) => values.iter().copied().collect(),
        None => T::ALL.iter().map(|(_, value)| *value).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_of_a_condition_are_a_product() {
        assert_eq!(Cells::all().0.len(), 7 * 3 * 3 * 3);
        let condition = Condition {
            tables: Some([TablesClass::Rls].into()),
            pool: Some([PoolClass::Own, PoolClass::Unknown].into()),
            ..Condition::default()
        };
        assert_eq!(Cells::of(&condition).0.len(), 7 * 3 * 2);
    }

    #[test]
    fn every_kind_of_context_has_a_word() {
        for (word, kind) in ContextKind::ALL {
            assert_eq!(*word, kind.as_str());
        }
    }
}
