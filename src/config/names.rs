//! What settings say is written into code as it stands: it must be a name there, or one expression, and nothing more.
//!
//! Knows the few forms of Python that settings may hold; whether a project defines what they name is not known here.

/// Words that Python keeps for itself.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// Whether `text` can name something.
pub(super) fn is_name(text: &str) -> bool {
    Rest(text).after_name().is_some_and(Rest::is_end)
}

/// Whether `text` can name something in a module or in one of its parts: `rls::begin`.
pub(super) fn is_path(text: &str) -> bool {
    text.split("::").all(is_name)
}

/// Whether `text` can stand between quotes as it is, once its places are filled.
pub(super) fn is_purpose(text: &str) -> bool {
    let filled = ["{context}", "{function}", "{module}"]
        .iter()
        .fold(text.to_owned(), |text, place| text.replace(place, "x"));
    let is_plain = |c: char| c.is_alphanumeric() || " _-.:/".contains(c);
    !filled.trim().is_empty() && filled.chars().all(is_plain)
}

/// Whether `text` is a module and, behind a colon, an expression that begins with one of its names.
pub(super) fn is_flag(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(module, expression)| is_dotted(module) && is_dotted(expression))
}

/// Whether `text` can name a module: `app.db.connection`.
pub(super) fn is_dotted(text: &str) -> bool {
    text.split('.').all(is_name)
}

/// Whether `text` is one expression that starts at a name and only goes on from it: attributes, literal keys, calls with literals, as in
/// `ctx.user_id`, `user["id"]`, `claims.get("sub")`; also one of these made a text by `str(…)`.
pub(super) fn is_chain(text: &str) -> bool {
    let inner = text
        .strip_prefix("str(")
        .and_then(|inner| inner.strip_suffix(')'));
    std::iter::once(text).chain(inner).any(|text| {
        let Some(mut rest) = Rest(text).after_name() else {
            return false;
        };
        while !rest.is_end() {
            let Some(next) = rest.after_link() else {
                return false;
            };
            rest = next;
        }
        true
    })
}

/// What of a text is still to be read. Every step gives what is behind it, or nothing where the text does not begin as it should.
#[derive(Clone, Copy)]
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn is_end(self) -> bool {
        self.0.is_empty()
    }

    fn after(self, text: &str) -> Option<Self> {
        self.0.strip_prefix(text).map(Rest)
    }

    fn after_name(self) -> Option<Self> {
        let inside = |c: char| c == '_' || c.is_alphanumeric();
        let end = self.0.find(|c| !inside(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        let starts = name
            .chars()
            .next()
            .is_some_and(|c| c == '_' || c.is_alphabetic());
        (starts && !KEYWORDS.contains(&name)).then_some(Rest(rest))
    }

    /// `.name`, `[literal]` or `(literal, …)`.
    fn after_link(self) -> Option<Self> {
        if let Some(rest) = self.after(".") {
            rest.after_name()
        } else if let Some(rest) = self.after("[") {
            rest.after_literal()?.after("]")
        } else {
            self.after("(")?.after_literals()
        }
    }

    fn after_literals(mut self) -> Option<Self> {
        if let Some(rest) = self.after(")") {
            return Some(rest);
        }
        loop {
            self = self.after_literal()?;
            if let Some(rest) = self.after(")") {
                return Some(rest);
            }
            self = self.after(",")?;
            self = Rest(self.0.trim_start_matches(' '));
        }
    }

    fn after_literal(self) -> Option<Self> {
        let constant = ["None", "True", "False"].iter().find_map(|word| {
            self.after(word).filter(|rest| {
                !rest
                    .0
                    .starts_with(|c: char| c == '_' || c.is_alphanumeric())
            })
        });
        constant
            .or_else(|| self.after_number())
            .or_else(|| self.after_string())
    }

    fn after_number(self) -> Option<Self> {
        let digits = self.after("-").unwrap_or(self).0;
        let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = &digits[..digits.len() - rest.len()];
        let is_decimal = number == "0" || (!number.is_empty() && !number.starts_with('0'));
        is_decimal.then_some(Rest(rest))
    }

    fn after_string(self) -> Option<Self> {
        let quote = self.0.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let text = &self.0[1..];
        // A key with escapes or line breaks has no place in settings.
        let end = text.find([quote, '\\', '\n', '\r'])?;
        let rest = Rest(&text[end..]).after(quote.encode_utf8(&mut [0; 4]))?;
        // `""` and a third quote begin another kind of string.
        (!rest.0.starts_with(quote)).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["x", "_pool", "execute_query2", "größe", "match"] {
            assert!(is_name(name), "{name}");
        }
        for other in ["", "x()", "a.b", "2x", "a b", "class", "None", "x;", "x\n"] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn dotted_names() {
        for name in ["db", "app.db.connection"] {
            assert!(is_dotted(name), "{name}");
        }
        for other in ["", "app db", "class", "../x", ".db", "db.", "a..b", "a/b"] {
            assert!(!is_dotted(other), "{other}");
        }
    }

    #[test]
    fn chains_from_a_name() {
        for expression in [
            "user_id",
            "ctx.user.id",
            "current_user[\"id\"]",
            "user['id'].value",
            "claims.get(\"sub\")",
            "claims.get('sub', None)",
            "session.user()[0]",
            "str(user.id)",
            "str(row[-1])",
        ] {
            assert!(is_chain(expression), "{expression}");
        }
        for other in [
            "",
            "user.id) as c, g(",
            "user[\"id\"",
            "user; x",
            "lambda: user",
            "user.",
            "user .id",
            "user[key]",
            "user[f\"id\"]",
            "user['a''']",
            "user[\"a\\\"]",
            "user.get(",
            "user.get(1,)",
            "user[]",
            "user or None",
            "user # the one",
            "str(user.id) + str(x)",
            "str(str(user))",
            "user.class",
            "\"id\"",
            "None",
        ] {
            assert!(!is_chain(other), "{other}");
        }
    }

    #[test]
    fn a_long_chain_is_read_to_its_end() {
        assert!(is_chain(&format!("a{}", ".b".repeat(10_000))));
        assert!(!is_chain(&format!("a{}", "(".repeat(10_000))));
    }
}
