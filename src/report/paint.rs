//! The look of reports on a terminal: which colour means what, and how lines are fitted to a width.
//!
//! Whether there is colour at all is decided elsewhere ([`crate::report::colour`]); without it every function returns plain text.

use anstyle::{AnsiColor, Style};

use crate::finding::{Finding, Verdict};
use crate::recipe::Severity;
use crate::report::escape::visible;

/// How text for people is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    /// Whether to colour.
    pub colour: bool,
    /// The width to fit lines to; `None` where the text does not go to a terminal, which keeps it the same everywhere.
    pub width: Option<usize>,
}

/// Titles.
pub(super) const TITLE: Style = Style::new().bold();
/// What matters less.
pub(super) const FAINT: Style = Style::new().dimmed();
/// Commands to type.
pub(super) const COMMAND: Style = AnsiColor::Cyan.on_default();

impl View {
    /// The text in a style.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// A line of text from a project, shortened to the columns that `taken` leaves free.
    pub(super) fn fit(self, text: &str, taken: usize) -> String {
        let text = visible(text);
        let Some(width) = self.width else {
            return text.into_owned();
        };
        // A terminal too narrow for anything wraps by itself.
        let free = width.saturating_sub(taken).max(20);
        if text.chars().count() <= free {
            return text.into_owned();
        }
        let mut short: String = text.chars().take(free - 1).collect();
        short.push('…');
        short
    }
}

/// The colour of a verdict.
pub(super) fn of_verdict(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Standard => AnsiColor::Green.on_default(),
        Verdict::Rewrite => AnsiColor::Cyan.on_default(),
        Verdict::Review => AnsiColor::Yellow.on_default(),
        Verdict::Keep | Verdict::Suppressed => FAINT,
        Verdict::Unparsed => AnsiColor::Magenta.on_default(),
    }
}

/// The colour of a severity.
pub(super) fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Error => AnsiColor::Red.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default(),
        Severity::Info | Severity::None => Style::new(),
    }
}

/// Where a site is, as editors and terminals read it.
pub(super) fn place(finding: &Finding) -> String {
    let site = &finding.site;
    format!("{}:{}:{}", visible(&site.file), site.line, site.column)
}

/// A text filled up with spaces on the right.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_only_where_there_is_a_width() {
        let long = "x".repeat(100);
        let everywhere = View::default();
        assert_eq!(everywhere.fit(&long, 10), long);
        let narrow = View {
            width: Some(40),
            ..everywhere
        };
        assert_eq!(narrow.fit(&long, 10).chars().count(), 30);
        assert_eq!(narrow.fit("short", 10), "short");
        assert_eq!(narrow.fit(&long, 90).chars().count(), 20);
    }

    #[test]
    fn nothing_from_a_project_steers_the_terminal() {
        assert_eq!(View::default().fit("a\u{1b}[2Jb\nc", 0), r"a\u{1b}[2Jb\nc");
    }
}
