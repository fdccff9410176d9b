//! The modules that a text names in imports, read line by line: for files that are not worth a parse.

/// Each module that may be imported, with the number of its leading dots: `from a import b` names `a` and `a.b`.
pub(super) fn imported(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        // `try: import a` and `x = 1; import a` are imports, too.
        for part in line.split([';', ':']) {
            let words = part.trim_start();
            if let Some(names) = words.strip_prefix("import ") {
                found.extend(
                    names
                        .split(',')
                        .filter_map(first_word)
                        .map(|name| (name.to_owned(), 0)),
                );
            } else if let Some((module, names)) = words
                .strip_prefix("from ")
                .and_then(|rest| rest.split_once(" import"))
            {
                let module = module.trim();
                let name = module.trim_start_matches('.');
                let level = module.len() - name.len();
                found.push((name.to_owned(), level));
                let mut names = without_comment(names).to_owned();
                // The rest of a list in parentheses or behind a backslash.
                while (names.starts_with('(') && !names.contains(')')) || names.ends_with('\\') {
                    let Some(next) = lines.next() else { break };
                    names = format!("{} {}", names.trim_end_matches('\\'), without_comment(next));
                }
                let names = names.trim_matches(['(', ')', ' ']);
                let members = names.split(',').filter_map(first_word);
                found.extend(members.map(|member| match name {
                    "" => (member.to_owned(), level),
                    _ => (format!("{name}.{member}"), level),
                }));
            }
        }
    }
    found
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

fn first_word(text: &str) -> Option<&str> {
    let word = text
        .trim_matches(['(', ')', ' '])
        .split_whitespace()
        .next()?;
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    word.chars().all(is_name).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_import_is_read() {
        let read = |text: &str| -> Vec<String> {
            let found = imported(text).into_iter();
            found
                .map(|(name, level)| format!("{}{name}", ".".repeat(level)))
                .collect()
        };
        assert_eq!(read("import a.b, c as d\n"), ["a.b", "c"]);
        assert_eq!(
            read("    from ..a import b, c as d\n"),
            ["..a", "..a.b", "..a.c"]
        );
        assert_eq!(
            read("from . import (  # here\n    a,\n    b as c,\n)\n"),
            [".", ".a", ".b"]
        );
        assert_eq!(read("from a import b, \\\n    c\n"), ["a", "a.b", "a.c"]);
        assert_eq!(
            read("try: import a\nexcept E: import b; import c\n"),
            ["a", "b", "c"]
        );
        assert_eq!(read("x = important\nfrom_ = 1\n"), Vec::<String>::new());
        assert_eq!(read("from a import (b,\n"), ["a", "a.b"]);
    }
}
