//! The set of texts that an expression can have.

use crate::sql::{Part, SqlText};

/// How many alternatives are told apart: six independent `if` around `+=`. Beyond, only their common beginning is known.
pub(super) const MAX_ALTERNATIVES: usize = 64;

/// How long the known part of one text may grow.
const MAX_BYTES: usize = 1 << 18;

/// What an expression can be, as far as it matters to text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Value {
    /// The texts, each once, in the order in which they were found. Empty: it is no text (yet).
    pub(super) texts: Vec<SqlText>,
    /// What `str()` makes of the other values that it can have, where they are known: `None`, `True`, whole numbers.
    pub(super) others: Vec<String>,
}

impl Value {
    /// Nothing is known of it.
    pub(super) fn unknown() -> Self {
        Self::text(SqlText::unknown())
    }

    /// It is this text, to the letter.
    pub(super) fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            // No part at all, so that equal texts are equal.
            return Self::text(SqlText::default());
        }
        Self::text(SqlText::literal(text))
    }

    /// It is no text, but is shown as one.
    pub(super) fn other(shown: impl Into<String>) -> Self {
        Self {
            texts: Vec::new(),
            others: vec![shown.into()],
        }
    }

    /// It is this text.
    pub(super) fn text(text: SqlText) -> Self {
        Self {
            texts: vec![text],
            others: Vec::new(),
        }
    }

    /// Whether it has no value that is known of.
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.others.is_empty()
    }

    /// Adds the alternatives of `other`.
    pub(super) fn join(&mut self, other: &Self) {
        for shown in &other.others {
            if !self.others.contains(shown) {
                self.others.push(shown.clone());
            }
        }
        for text in &other.texts {
            if !self.texts.contains(text) {
                self.texts.push(text.clone());
            }
        }
        if self.texts.len() > MAX_ALTERNATIVES {
            self.texts = vec![common_beginning(&self.texts)];
        }
        if self.others.len() > MAX_ALTERNATIVES {
            self.others.clear();
            self.texts = vec![SqlText::unknown()];
        }
    }

    /// Whether `other` adds nothing.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.others.iter().all(|shown| self.others.contains(shown))
            && other.texts.iter().all(|text| self.texts.contains(text))
    }

    /// Every text of this one followed by every text of `other`. What is no text cannot be added to one, so it adds nothing.
    pub(super) fn then(&self, other: &Self) -> Self {
        if other.texts.is_empty() {
            return Self::default();
        }
        if self.texts.len() * other.texts.len() > MAX_ALTERNATIVES {
            return Self::text(concat(&common_beginning(&self.texts), &SqlText::unknown()));
        }
        let mut all = Self::default();
        for left in &self.texts {
            for right in &other.texts {
                all.join(&Self::text(concat(left, right)));
            }
        }
        all
    }

    /// The value as `str()` and an f-string show it.
    pub(super) fn shown(mut self) -> Self {
        for shown in std::mem::take(&mut self.others) {
            self.join(&Self::literal(shown));
        }
        if self.texts.is_empty() {
            return Self::unknown();
        }
        self
    }

    /// The value without what counts as false.
    pub(super) fn truthy(mut self) -> Self {
        self.texts.retain(|text| !text.parts.is_empty());
        self.others
            .retain(|shown| !matches!(shown.as_str(), "None" | "False" | "0"));
        self
    }

    /// The same with every text changed by `change`.
    pub(super) fn map(&self, change: impl Fn(&SqlText) -> SqlText) -> Self {
        let mut all = Self::default();
        for text in &self.texts {
            all.join(&Self::text(change(text)));
        }
        all
    }
}

/// What all `texts` begin with, up to the end of a word, and a hole for the rest of them.
fn common_beginning(texts: &[SqlText]) -> SqlText {
    let first = |text: &SqlText| match text.parts.first() {
        Some(Part::Literal(text)) => text.clone(),
        _ => String::new(),
    };
    let mut texts = texts.iter().map(first);
    let mut common = texts.next().unwrap_or_default();
    for text in texts {
        let same = common
            .char_indices()
            .zip(text.chars())
            .find(|((_, one), other)| one != other)
            .map_or(common.len().min(text.len()), |((at, _), _)| at);
        common.truncate(same);
    }
    // A word that is cut would look like another word.
    let end = common
        .char_indices()
        .rev()
        .find(|(_, character)| character.is_whitespace())
        .map_or(0, |(at, character)| at + character.len_utf8());
    common.truncate(end);
    let mut text = SqlText::default();
    if !common.is_empty() {
        text.parts.push(Part::Literal(common));
    }
    text.parts.push(Part::Hole);
    text
}

/// One text behind the other; neighbouring literals and neighbouring holes become one.
fn concat(left: &SqlText, right: &SqlText) -> SqlText {
    let mut parts = left.parts.clone();
    for part in &right.parts {
        match (parts.last_mut(), part) {
            (Some(Part::Literal(before)), Part::Literal(after)) => before.push_str(after),
            (Some(Part::Hole), Part::Hole) => {}
            _ => parts.push(part.clone()),
        }
    }
    let bytes: usize = parts
        .iter()
        .map(|part| match part {
            Part::Literal(text) => text.len(),
            Part::Hole => 0,
        })
        .sum();
    if bytes > MAX_BYTES {
        return SqlText::unknown();
    }
    SqlText { parts }
}

/// The text without white space at the ends that `start` and `end` ask for, where those ends are known.
pub(super) fn trimmed(text: &SqlText, start: bool, end: bool) -> SqlText {
    let mut parts = text.parts.clone();
    if let (true, Some(Part::Literal(first))) = (start, parts.first_mut()) {
        *first = first.trim_start().to_owned();
    }
    if let (true, Some(Part::Literal(last))) = (end, parts.last_mut()) {
        last.truncate(last.trim_end().len());
    }
    parts.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
    SqlText { parts }
}
