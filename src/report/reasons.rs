//! Sites that share a reason: what reasons have in common, and what is each site's own.
//!
//! Reasons are sentences with names in backticks, lines and places in them. Reports group by the sentence and show the rest behind
//! each site.

use std::collections::BTreeMap;

use crate::finding::Finding;

/// What stands in the place of a detail.
const GAP: &str = "…";

/// Sites that share a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReasonGroup<'a> {
    /// The reason; where the sites differ in a detail only, without it.
    pub(super) reason: String,
    /// The sites, by file and position.
    pub(super) sites: Vec<&'a Finding>,
}

impl ReasonGroup<'_> {
    /// What [`Self::reason`] leaves out of the reason of one of the sites: names, lines, places; empty where it says all.
    pub(super) fn detail(&self, site: &Finding) -> String {
        let reason = first_reason(site);
        if reason == self.reason {
            return String::new();
        }
        General::of(reason).details.join(", ")
    }
}

/// The most important reason of a site, as reports group by it.
pub(super) fn first_reason(finding: &Finding) -> &str {
    finding
        .reasons
        .first()
        .map_or("no reason is given", String::as_str)
}

/// Groups sites by their first reason, the largest group first. Reasons that differ only in details are one.
pub(super) fn by_reason<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
) -> Vec<ReasonGroup<'a>> {
    let mut groups: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let general = General::of(first_reason(finding)).text;
        groups.entry(general).or_default().push(finding);
    }
    let mut groups: Vec<ReasonGroup<'_>> = groups
        .into_iter()
        .map(|(general, sites)| {
            let reason = first_reason(sites[0]);
            let same = sites.iter().all(|site| first_reason(site) == reason);
            ReasonGroup {
                reason: if same { reason.to_owned() } else { general },
                sites,
            }
        })
        .collect();
    groups.sort_by(|a, b| {
        let size = b.sites.len().cmp(&a.sites.len());
        size.then_with(|| a.reason.cmp(&b.reason))
    });
    groups
}

/// A reason taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct General {
    /// The sentence; a detail in brackets is left out of it, another is a gap.
    text: String,
    /// The details, in their order.
    details: Vec<String>,
}

impl General {
    fn of(reason: &str) -> Self {
        let mut general = Self::default();
        if !reason.matches('`').count().is_multiple_of(2) {
            general.text.push_str(reason);
            return general;
        }
        for (position, part) in reason.split('`').enumerate() {
            if position % 2 == 0 {
                general.push_prose(part);
            } else {
                general.text.push_str(GAP);
                general.details.push(format!("`{part}`"));
            }
        }
        general
    }

    fn push_prose(&mut self, prose: &str) {
        let words: Vec<&str> = prose.split(' ').collect();
        let mut at = 0;
        while at < words.len() {
            let length = places(&words[at..]);
            if length == 0 {
                self.push_word(words[at], at > 0);
                at += 1;
            } else {
                self.push_places(&words[at..at + length].join(" "), at > 0);
                at += length;
            }
        }
    }

    fn push_word(&mut self, word: &str, is_spaced: bool) {
        if is_spaced {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    fn push_places(&mut self, places: &str, is_spaced: bool) {
        let end = places.trim_end_matches([',', ';', ':', '.']).len();
        let (places, punctuation) = places.split_at(end);
        let bracketed = places
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'));
        if let Some(inner) = bracketed {
            self.details.push(inner.to_owned());
        } else {
            self.push_word(GAP, is_spaced);
            self.details.push(places.to_owned());
        }
        self.text.push_str(punctuation);
    }
}

/// How many of the first words name lines or places: `line 3`, `lines 3, 4`, `a.py:3, b.py:4 and 2 more`.
fn places(words: &[&str]) -> usize {
    let is_line = |word: &str| matches!(word.trim_start_matches('('), "line" | "lines");
    let mut length = match words {
        [first, second, ..] if is_line(first) && is_number(bare(second)) => 2,
        [first, ..] if is_place(bare(first)) => 1,
        _ => return 0,
    };
    let is_next = |word: &str| is_number(bare(word)) || is_place(bare(word));
    while words[length - 1].ends_with(',') && words.get(length).is_some_and(|word| is_next(word)) {
        length += 1;
    }
    match words[length..] {
        ["and", count, more, ..] if is_number(count) && bare(more) == "more" => length + 3,
        ["and", last, ..] if is_next(last) => length + 2,
        _ => length,
    }
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_start_matches('(')
        .trim_end_matches([')', ',', ';', ':', '.'])
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a word is `file:line`, with a column behind it or not.
fn is_place(word: &str) -> bool {
    word.rsplit_once(':')
        .is_some_and(|(file, line)| is_number(line) && file.contains(['.', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Verdict;
    use crate::report::sample;

    fn apart(reason: &str) -> (String, String) {
        let general = General::of(reason);
        (general.text, general.details.join(", "))
    }

    #[test]
    fn lines_places_and_names_are_details() {
        for (reason, text, details) in [
            (
                "something may still read it",
                "something may still read it",
                "",
            ),
            (
                "stays with `.acquire()` in line 113, which is not rewritten",
                "stays with … in …, which is not rewritten",
                "`.acquire()`, line 113",
            ),
            (
                "an error is caught and the connection is used again (line 116)",
                "an error is caught and the connection is used again",
                "line 116",
            ),
            (
                "an exception raised after a write (line 58) now undoes the write",
                "an exception raised after a write now undoes the write",
                "line 58",
            ),
            (
                "`.pool` is still read at a/b.py:23, a/b.py:24 and 3 more",
                "… is still read at …",
                "`.pool`, a/b.py:23, a/b.py:24 and 3 more",
            ),
            (
                "`x` is still read in lines 1053, 1054 and 1084; see there",
                "… is still read in …; see there",
                "`x`, lines 1053, 1054 and 1084",
            ),
            (
                "no call shows what is passed for `services` (app/x.py:545)",
                "no call shows what is passed for …",
                "`services`, app/x.py:545",
            ),
            (
                "a line of 3 calls, at 12:30",
                "a line of 3 calls, at 12:30",
                "",
            ),
            ("an odd ` in line 3", "an odd ` in line 3", ""),
            ("line", "line", ""),
            ("", "", ""),
        ] {
            assert_eq!(
                apart(reason),
                (text.to_owned(), details.to_owned()),
                "{reason}"
            );
        }
    }

    #[test]
    fn reasons_that_differ_in_a_quoted_name_are_one_group() {
        let inventory = sample::inventory();
        let reviews = inventory
            .findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Review);
        let groups = by_reason(reviews);
        let found: Vec<(&str, Vec<String>)> = groups
            .iter()
            .map(|group| {
                let details = group.sites.iter().map(|site| group.detail(site));
                (group.reason.as_str(), details.collect())
            })
            .collect();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].0, "the SQL is built at run time");
        assert!(found[0].1.iter().all(String::is_empty), "{found:?}");
        assert_eq!(found[1].0, "the connection … is passed to …");
        assert!(
            found[1].1.iter().all(|detail| detail.contains("`, `")),
            "{found:?}"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(reason in "[a-c(),:;` .…0-9]{0,30}|(line|lines|and|more|[0-9]|[(),:` ]){0,12}") {
            let general = General::of(&reason);
            proptest::prop_assert!(general.details.is_empty() || general.text != reason);
        }
    }
}
