//! String literals, decoded as Python decodes them.

use crate::sql::{Part, SqlText};

/// What the letters before the quote say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    /// Backslashes stand for themselves.
    pub(super) raw: bool,
    /// Braces hold expressions.
    pub(super) formatted: bool,
    /// It is a text: not bytes, not a template.
    pub(super) is_text: bool,
}

impl Prefix {
    /// Reads it off the opening of a string.
    pub(super) fn of(opening: &str) -> Self {
        let letters = opening.trim_end_matches(['"', '\'']).to_ascii_lowercase();
        Self {
            raw: letters.contains('r'),
            formatted: letters.contains('f'),
            is_text: !letters.contains(['b', 't']),
        }
    }
}

/// The text that the content of a literal (between its quotes, or between two interpolations) stands for.
pub(super) fn decode(content: &str, prefix: Prefix) -> SqlText {
    let mut decoder = Decoder {
        parts: Vec::new(),
        text: String::with_capacity(content.len()),
    };
    let mut rest = content;
    while let Some(character) = rest.chars().next() {
        let behind = &rest[character.len_utf8()..];
        rest = match character {
            '\\' if !prefix.raw => decoder.escape(behind),
            // Python reads every line break as `\n`.
            '\r' => {
                decoder.text.push('\n');
                behind.strip_prefix('\n').unwrap_or(behind)
            }
            '{' | '}' if prefix.formatted => {
                decoder.text.push(character);
                behind.strip_prefix(character).unwrap_or(behind)
            }
            _ => {
                decoder.text.push(character);
                behind
            }
        };
    }
    decoder.finish()
}

struct Decoder {
    parts: Vec<Part>,
    text: String,
}

impl Decoder {
    fn finish(mut self) -> SqlText {
        self.end_literal();
        SqlText { parts: self.parts }
    }

    fn end_literal(&mut self) {
        if !self.text.is_empty() {
            self.parts
                .push(Part::Literal(std::mem::take(&mut self.text)));
        }
    }

    /// Decodes what follows a backslash and returns what is left.
    fn escape<'a>(&mut self, rest: &'a str) -> &'a str {
        let Some(letter) = rest.chars().next() else {
            self.text.push('\\');
            return rest;
        };
        let behind = &rest[letter.len_utf8()..];
        let plain = match letter {
            '\n' => return behind,
            '\r' => return behind.strip_prefix('\n').unwrap_or(behind),
            '\\' | '\'' | '"' => letter,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => return self.number(rest, behind, 2, 16),
            'u' => return self.number(rest, behind, 4, 16),
            'U' => return self.number(rest, behind, 8, 16),
            '0'..='7' => {
                let digits = rest
                    .bytes()
                    .take(3)
                    .take_while(|byte| (b'0'..=b'7').contains(byte))
                    .count();
                return self.number(rest, rest, digits, 8);
            }
            'N' => {
                if let Some(end) = behind.strip_prefix('{').and_then(|name| name.find('}')) {
                    // A character by its name: some one character, but which is not known here.
                    self.end_literal();
                    self.parts.push(Part::Hole);
                    return &behind[end + 2..];
                }
                'N'
            }
            _ => {
                // An escape that Python does not know keeps its backslash.
                self.text.push('\\');
                letter
            }
        };
        self.text.push(plain);
        behind
    }

    /// A character by its number, `digits` long; where it is none, the backslash stands for itself.
    fn number<'a>(&mut self, rest: &'a str, from: &'a str, digits: usize, radix: u32) -> &'a str {
        let character = from
            .get(..digits)
            .and_then(|digits| u32::from_str_radix(digits, radix).ok())
            .and_then(char::from_u32);
        if let Some(character) = character {
            self.text.push(character);
            &from[digits..]
        } else {
            self.text.push('\\');
            rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(content: &str) -> SqlText {
        decode(content, Prefix::of("\""))
    }

    #[test]
    fn prefixes_are_read() {
        let of = |opening| {
            let prefix = Prefix::of(opening);
            (prefix.raw, prefix.formatted, prefix.is_text)
        };
        assert_eq!(of("\""), (false, false, true));
        assert_eq!(of("Rf'''"), (true, true, true));
        assert_eq!(of("u\""), (false, false, true));
        assert_eq!(of("bR\""), (true, false, false));
        assert_eq!(of("t\""), (false, false, false));
    }

    #[test]
    fn escapes_are_decoded() {
        for (content, expected) in [
            (r"a\nb\t\\\'\x41\101\0", "a\nb\t\\'AA\0"),
            (r"\u00e9\U0001F980", "é🦀"),
            ("a\\\nb\\\r\nc", "abc"),
            ("a\r\nb\rc", "a\nb\nc"),
            (r"\d\xZZ\u12", r"\d\xZZ\u12"),
            ("\\", "\\"),
            (r"{{x}}", "{{x}}"),
        ] {
            assert_eq!(plain(content), SqlText::literal(expected), "{content}");
        }
    }

    #[test]
    fn a_named_character_is_a_hole() {
        let text = plain(r"a\N{DASH}b");
        assert_eq!(
            text.parts,
            [
                Part::Literal("a".to_owned()),
                Part::Hole,
                Part::Literal("b".to_owned())
            ]
        );
    }

    #[test]
    fn raw_and_formatted_strings_have_their_own_rules() {
        let raw = decode(r"a\n{{", Prefix::of("r\""));
        assert_eq!(raw, SqlText::literal(r"a\n{{"));
        let formatted = decode(r"{{a}}\n", Prefix::of("f\""));
        assert_eq!(formatted, SqlText::literal("{a}\n"));
    }
}
