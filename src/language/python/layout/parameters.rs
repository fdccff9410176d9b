//! A parameter added to a function.

use tree_sitter::Node;

use super::text::Text;
use crate::edit::Edit;
use crate::language::Code;
use crate::language::python::nodes::{children, node_at};
use crate::source::Span;

/// Adds `parameter`, which has a default, to the function whose definition is at `function`: behind the last of its parameters, but before
/// `**rest`. A list over several lines gets a line more.
///
/// `None` where a comment stands where the comma would have to go.
pub(in crate::language::python) fn add_parameter(
    code: &Code<'_>,
    function: Span,
    parameter: &str,
) -> Option<Edit> {
    let definition = node_at(&code.tree, function, |kind| kind == "function_definition")?;
    let list = definition.child_by_field_name("parameters")?;
    if list.has_error() {
        return None;
    }
    let takes_rest = |node: &Node<'_>| {
        let pattern = match node.kind() {
            "typed_parameter" => children(*node).first().copied(),
            _ => Some(*node),
        };
        pattern.is_some_and(|pattern| pattern.kind() == "dictionary_splat_pattern")
    };
    let parameters = children(list);
    let Some(last) = parameters.iter().rfind(|node| !takes_rest(node)) else {
        let open = list.start_byte() + 1;
        let more = if parameters.is_empty() { "" } else { ", " };
        return Some(Edit::insert(open, format!("{parameter}{more}")));
    };
    let text = Text(code.source);
    let Some(indent) = text.indent_before(last.start_byte()) else {
        return Some(Edit::insert(last.end_byte(), format!(", {parameter}")));
    };
    let newline = text.newline();
    let line_end = text.line_end(last.end_byte());
    let rest = code.source[last.end_byte()..line_end].trim();
    match rest.strip_prefix(',') {
        Some(behind) if behind.trim().is_empty() || behind.trim().starts_with('#') => {
            let end = code.source[..line_end].trim_end_matches('\r').len();
            Some(Edit::insert(end, format!("{newline}{indent}{parameter},")))
        }
        _ if rest.starts_with('#') => None,
        _ => Some(Edit::insert(
            last.end_byte(),
            format!(",{newline}{indent}{parameter}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::splice;
    use crate::language::python::tests::Fixture;

    fn added(source: &str) -> String {
        let (fixture, span) = Fixture::marked(source);
        let code = fixture.file();
        let edit = add_parameter(&code, span, "s=D()").expect("there is a place");
        splice(code.source, &[edit]).expect("one edit")
    }

    #[test]
    fn a_parameter_goes_behind_the_last_but_before_the_rest() {
        for (before, after) in [
            ("«def f(): pass»\n", "def f(s=D()): pass\n"),
            ("«def f(a): pass»\n", "def f(a, s=D()): pass\n"),
            (
                "«def f(a, *b, **c): pass»\n",
                "def f(a, *b, s=D(), **c): pass\n",
            ),
            ("«def f(**c): pass»\n", "def f(s=D(), **c): pass\n"),
            (
                "«def f(\n    a: int,  # one\n    b=1,\n): pass»\n",
                "def f(\n    a: int,  # one\n    b=1,\n    s=D(),\n): pass\n",
            ),
            (
                "«def f(\n    a: int,\n    b=1,  # two\n): pass»\n",
                "def f(\n    a: int,\n    b=1,  # two\n    s=D(),\n): pass\n",
            ),
            (
                "«def f(\n    a: int,\n    b=1\n): pass»\n",
                "def f(\n    a: int,\n    b=1,\n    s=D()\n): pass\n",
            ),
        ] {
            assert_eq!(added(before), after);
        }
    }
}
