//! Makes text from the scanned code safe to show on a terminal.
//!
//! File names and source lines are other people's bytes: raw, an escape sequence in one of them could move the cursor, rewrite what
//! stands above or hide a change from the reviewer. What goes into a file or a pipe is not this module's business: a patch keeps its bytes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` as one line, with every character that a terminal would obey, or that would not show, as an escape (`\u{1b}`, `\n`). For
/// names, messages and single lines.
pub fn visible(text: &str) -> Cow<'_, str> {
    escape(text, |_, _| false)
}

/// Like [`visible`] for a text of several lines: tabs and line breaks stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c, next| match c {
        '\n' | '\t' => true,
        // The line break of a file that uses `\r\n`.
        '\r' => next == Some('\n'),
        _ => false,
    })
}

fn escape(text: &str, stays: impl Fn(char, Option<char>) -> bool) -> Cow<'_, str> {
    let next_of = |at: usize, c: char| text[at + c.len_utf8()..].chars().next();
    let is_bad = |at: usize, c: char| is_obeyed(c) && !stays(c, next_of(at, c));
    let Some((first, _)) = text.char_indices().find(|(at, c)| is_bad(*at, *c)) else {
        return Cow::Borrowed(text);
    };
    let mut shown = String::with_capacity(text.len() + 16);
    shown.push_str(&text[..first]);
    for (at, c) in text[first..].char_indices() {
        if is_bad(first + at, c) {
            push_escaped(&mut shown, c);
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn push_escaped(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        c => {
            // Writing to a string does not fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        }
    }
}

/// Whether a terminal acts on `c`, lays out the text around it differently, or shows nothing for it: control characters, the
/// separators of lines and paragraphs, the controls of writing direction, characters without width.
pub fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_handed_through_without_a_copy() {
        let text = "def f():\n\treturn 'é'\r\n";
        assert!(matches!(visible_lines(text), Cow::Borrowed(same) if same == text));
    }

    #[test]
    fn escape_sequences_are_written_out() {
        assert_eq!(
            visible_lines("a\x1b[2Jb\u{9b}2Jc\x07"),
            r"a\u{1b}[2Jb\u{9b}2Jc\u{7}"
        );
        assert_eq!(visible_lines("x\u{202e}y\u{2069}"), r"x\u{202e}y\u{2069}");
        assert_eq!(visible_lines("\u{feff}x"), r"\u{feff}x");
    }

    #[test]
    fn a_carriage_return_is_harmless_only_before_a_line_break() {
        assert_eq!(visible_lines("safe\rEVIL\r\n"), "safe\\rEVIL\r\n");
        assert_eq!(visible_lines("end\r"), "end\\r");
    }

    #[test]
    fn a_name_stays_on_one_line() {
        assert_eq!(visible("a\nb\tc\r\n.py"), r"a\nb\tc\r\n.py");
        assert_eq!(visible("a b.py"), "a b.py");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_is_left(text in "\\PC*|[\\x00-\\xff\\u{2020}-\\u{2070}a]*") {
            let line = visible(&text);
            proptest::prop_assert!(!line.chars().any(is_obeyed));
            proptest::prop_assert!(visible_lines(&text).chars().all(|c| !is_obeyed(c) || "\n\r\t".contains(c)));
        }
    }
}
