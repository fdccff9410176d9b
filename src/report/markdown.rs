//! Markdown that says what it is given: text of a scanned project never turns into markup.
//!
//! Knows nothing of sites. The dialect is GitHub's: tables, task lists, the rest `CommonMark`.

use std::fmt::Write;

use crate::report::escape::visible;

/// A sentence. What it quotes in backticks becomes code; everything else that could be markup is escaped.
pub(super) fn prose(text: &str) -> String {
    let text = visible(text);
    let parts: Vec<&str> = text.split('`').collect();
    let last = parts.len() - 1;
    // An odd number of backticks, or two beside each other, quote nothing.
    let quotes = last.is_multiple_of(2)
        && parts
            .iter()
            .enumerate()
            .all(|(at, part)| at % 2 == 0 || !part.trim().is_empty());
    let mut markdown = String::with_capacity(text.len());
    // These begin a heading or a list where they are the first of a line.
    if text.starts_with(['#', '+', '-', '=']) {
        markdown.push('\\');
    }
    if !quotes {
        markdown.push_str(&escape(&text));
        return markdown;
    }
    for (at, part) in parts.into_iter().enumerate() {
        markdown.push_str(&if at % 2 == 0 {
            escape(part)
        } else {
            code(part)
        });
    }
    markdown
}

/// Code, on one line.
///
/// Where backticks or bars would end the code or the table cell it stands in, the HTML element says the same without any of Markdown's
/// rules.
pub(super) fn code(text: &str) -> String {
    let text = visible(text);
    if text.trim().is_empty() {
        return String::new();
    }
    if !text.contains(['`', '|']) && text.trim() == text {
        return format!("`{text}`");
    }
    let mut html = String::from("<code>");
    for character in text.chars() {
        if character.is_ascii_punctuation() || character == ' ' {
            // Writing to a string cannot fail.
            let _ = write!(html, "&#{};", u32::from(character));
        } else {
            html.push(character);
        }
    }
    html.push_str("</code>");
    html
}

/// Puts a backslash before everything that could be markup within a line.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        let inner = before.is_alphanumeric()
            && characters
                .peek()
                .is_some_and(|after| after.is_alphanumeric());
        let markup = match character {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' => true,
            // Within a word an underscore is only that.
            '_' => !inner,
            _ => false,
        };
        if markup {
            escaped.push('\\');
        }
        escaped.push(character);
        before = character;
    }
    escaped
}

/// A heading.
pub(super) fn heading(out: &mut String, level: usize, title: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{} {title}\n", "#".repeat(level));
}

/// A paragraph of Markdown.
pub(super) fn paragraph(out: &mut String, text: &str) {
    out.push_str(text);
    out.push_str("\n\n");
}

/// A block of code in `language`. The fence is longer than any run of backticks in it.
pub(super) fn fenced(out: &mut String, language: &str, text: &str) {
    let longest = text
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    let _ = writeln!(out, "{fence}{}", visible(language));
    for line in text.lines() {
        let parts: Vec<_> = line.split('\t').map(visible).collect();
        let _ = writeln!(out, "{}", parts.join("\t"));
    }
    let _ = writeln!(out, "{fence}\n");
}

/// How a column is set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table, row by row. Cells hold Markdown that [`prose`] or [`code`] made.
pub(super) struct Table {
    text: String,
    columns: usize,
}

impl Table {
    /// A table with these columns.
    pub(super) fn new(columns: &[(&str, Align)]) -> Self {
        let mut table = Self {
            text: String::new(),
            columns: columns.len(),
        };
        let titles: Vec<String> = columns
            .iter()
            .map(|(title, _)| (*title).to_owned())
            .collect();
        table.row(&titles);
        table.text.push('|');
        for (_, align) in columns {
            table.text.push_str(match align {
                Align::Left => "---|",
                Align::Right => "---:|",
            });
        }
        table.text.push('\n');
        table
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: &[String]) {
        debug_assert_eq!(cells.len(), self.columns, "a row has one cell per column");
        self.text.push('|');
        for cell in cells {
            self.text.push(' ');
            self.text.push_str(cell);
            self.text.push_str(" |");
        }
        self.text.push('\n');
    }

    /// The table's Markdown, with the empty line that has to follow it.
    pub(super) fn finish(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_keeps_quotes_and_escapes_markup() {
        assert_eq!(prose("`conn` goes to *f*"), "`conn` goes to \\*f\\*");
        assert_eq!(prose("a | b <b> [x](y)"), "a \\| b \\<b\\> \\[x\\](y)");
        assert_eq!(prose("one ` alone"), "one \\` alone");
        assert_eq!(prose("`` two"), "\\`\\` two");
        assert_eq!(prose("under_score _x_"), "under_score \\_x\\_");
    }

    #[test]
    fn code_survives_bars_and_backticks() {
        assert_eq!(code("a.b"), "`a.b`");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(code("`"), "<code>&#96;</code>");
        assert_eq!(code(""), "");
        assert_eq!(code("   "), "");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let mut out = String::new();
        fenced(&mut out, "python", "a = '````'\n\tb = '\u{1b}'\n");
        assert_eq!(out, "`````python\na = '````'\n\tb = '\\u{1b}'\n`````\n\n");
    }

    /// Whether the texts stay in their cells, as the table extension splits rows: at every bar without a backslash, also in code.
    fn stays_in_its_cell(text: &str) {
        let mut table = Table::new(&[("A", Align::Left), ("B", Align::Right)]);
        table.row(&[prose(text), code(text)]);
        let markdown = table.finish();
        assert_eq!(markdown.split('\n').count(), 5, "{text:?} in {markdown}");
        let row = markdown.lines().nth(2).unwrap_or_default();
        let bars = row.replace("\\\\", "").replace("\\|", "");
        assert_eq!(bars.matches('|').count(), 3, "{text:?} in {row}");
        assert!(!row.contains('\u{1b}'), "{row}");
    }

    #[test]
    fn no_text_opens_a_new_line_or_cell() {
        for text in [
            "a\nb",
            "a\r\nb",
            "\u{1b}[31m",
            "a\\|b",
            "`a\\|b`",
            "`a\\`|b",
            "x\u{2028}y",
            "`a\n|`",
        ] {
            stays_in_its_cell(text);
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_it_is(text in "[`|\\\\*_a \\n<]{0,12}|.*") {
            stays_in_its_cell(&text);
        }
    }
}
