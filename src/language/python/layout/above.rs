//! Where a comment about a piece of code can stand: on a line of its own above the logical line that the code is on.

use super::text::Text;
use crate::language::Code;
use crate::language::python::statements::statement;
use crate::source::Span;

/// The start of the line that the logical line around `span` begins on. A comment line put there is part of nothing else: no string,
/// no bracket, no line that is continued by a backslash.
pub(in crate::language::python) fn line_above(code: &Code<'_>, span: Span) -> usize {
    let text = Text(code.source);
    let mut start = first(code, span);
    loop {
        let line = text.line_start(start);
        let blank = |c: char| matches!(c, ' ' | '\t' | '\u{c}' | '\u{feff}');
        let before = &code.source[line..start];
        let earlier = if !before.chars().all(blank) {
            // Behind other code: `a = 1; b = 2`, `if a: b = 2`.
            let at = line + before.len() - before.trim_start_matches(blank).len();
            first(code, Span::new(at, at + 1))
        } else if line > 0 && text.continues_line(&code.tree, start) {
            let at = text.line_start(line - 1);
            let indent = text.indent_of_line(line - 1).len();
            first(code, Span::new(at + indent, at + indent + 1))
        } else {
            return line;
        };
        if earlier >= start {
            return line;
        }
        start = earlier;
    }
}

/// Where the statement around `span` begins.
fn first(code: &Code<'_>, span: Span) -> usize {
    statement(&code.tree, span).map_or(span.start, |statement| statement.start)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::language::python::Python;
    use crate::language::{Language as _, parse};

    use super::*;

    /// The first words of the line that a comment on `mark` would stand above.
    fn above(source: &str) -> &str {
        let parsed = parse(&Python, source).expect("it parses");
        let model = Python.model(source, &parsed.tree);
        let code = Code {
            source,
            tree: Arc::new(parsed.tree),
            model: &model,
        };
        let at = source.find("mark").expect("it is there");
        let line = line_above(&code, Span::new(at, at + 4));
        source[line..].lines().next().unwrap_or_default().trim()
    }

    #[test]
    fn a_comment_stands_above_the_whole_logical_line() {
        for (source, first) in [
            ("a = 1\nb = mark()\n", "b = mark()"),
            ("a = 1; b = mark()\n", "a = 1; b = mark()"),
            ("if a: b = mark()\n", "if a: b = mark()"),
            ("if a:\n    b = f(\n        mark(),\n    )\n", "b = f("),
            ("x = '''\nabc\n'''; b = mark()\n", "x = '''"),
            ("a = 1; \\\nb = mark()\n", "a = 1; \\"),
            (
                "a = 1\nwith f() as g, \\\n        mark() as h:\n    pass\n",
                "with f() as g, \\",
            ),
            ("if a:\n    pass\nelif mark():\n    pass\n", "if a:"),
            ("@app.get(mark)\ndef f():\n    pass\n", "@app.get(mark)"),
            ("# note \\\nmark()\n", "mark()"),
            ("\u{feff}mark()\n", "\u{feff}mark()"),
        ] {
            assert_eq!(above(source), first, "{source}");
        }
    }
}
