//! Where statements of Python stand: around, behind and inside of what, and which come first in a file or body.

use tree_sitter::{Node, Tree};

use super::nodes::{children, is_statement, node_at, path};
use crate::source::Span;

/// The innermost statement around `span`. A decorated definition is one statement with its decorators.
pub(super) fn statement(tree: &Tree, span: Span) -> Option<Span> {
    let path = path(tree, span);
    let at = path.iter().rposition(|node| is_statement(node.kind()))?;
    let decorated = at
        .checked_sub(1)
        .is_some_and(|above| path[above].kind() == "decorated_definition");
    Some(path[at - usize::from(decorated)].into())
}

/// The statement behind the one at `span` in its block.
pub(super) fn next_statement(tree: &Tree, span: Span) -> Option<Span> {
    let (_, block) = statement_in_block(tree, span)?;
    spans_of(block)
        .into_iter()
        .find(|other| other.start >= span.end)
}

/// The statements of the block of a suite or a function at `body`, in order.
pub(super) fn of_block(tree: &Tree, body: Span) -> Vec<Span> {
    let block = path(tree, body)
        .into_iter()
        .rfind(|node| matches!(node.kind(), "block" | "module"));
    block.map(spans_of).unwrap_or_default()
}

/// The statements of the block around the statement at `span`, in order; a module's own statements are none, for a module may be empty.
pub(super) fn siblings(tree: &Tree, span: Span) -> Vec<Span> {
    statement_in_block(tree, span)
        .filter(|(_, block)| block.kind() == "block")
        .map(|(_, block)| spans_of(block))
        .unwrap_or_default()
}

/// The innermost statement around `span` that is one of a block, and the block.
pub(super) fn statement_in_block(tree: &Tree, span: Span) -> Option<(Node<'_>, Node<'_>)> {
    let path = path(tree, span);
    path.windows(2).rev().find_map(|pair| match pair {
        [block, statement] if matches!(block.kind(), "block" | "module") => {
            Some((*statement, *block))
        }
        _ => None,
    })
}

/// The statements of a block or module, in order; comments are none.
pub(super) fn statements_of(block: Node<'_>) -> Vec<Node<'_>> {
    children(block)
        .into_iter()
        .filter(|child| is_statement(child.kind()))
        .collect()
}

fn spans_of(block: Node<'_>) -> Vec<Span> {
    statements_of(block).into_iter().map(Span::from).collect()
}

/// How many levels of indentation a file may have. CPython refuses more than 100 ("too many levels of indentation"); the grammar's scanner
/// keeps its stack in a buffer of 1,024 bytes and aborts the program when it is full.
const MAX_INDENTS: usize = 400;

/// Where a file goes beyond [`MAX_INDENTS`]. Lines inside of strings and brackets count too: that can only find too many.
pub(super) fn too_indented(source: &str) -> Option<usize> {
    let mut stack: Vec<usize> = Vec::new();
    let mut offset = 0;
    for line in source.split_inclusive('\n') {
        let code = line.trim_start_matches([' ', '\t', '\u{c}']);
        if !code.trim_end().is_empty() {
            let indent = line.len() - code.len();
            while stack.last().is_some_and(|last| *last >= indent) {
                stack.pop();
            }
            stack.push(indent);
            if stack.len() > MAX_INDENTS {
                return Some(offset);
            }
        }
        offset += line.len();
    }
    None
}

/// The statements of the module itself that are indented, where a line at the margin cut a body off: the grammar takes them, CPython does not.
pub(super) fn indented_at_top(source: &str, tree: &Tree) -> Vec<Span> {
    let statements = statements_of(tree.root_node()).into_iter();
    let indented = statements.filter(|statement| {
        let start = statement.start_byte();
        let before = source[..start].trim_end_matches([' ', '\t']);
        // `a; \` goes on in the next line.
        let line = before
            .strip_suffix('\n')
            .map(|line| line.trim_end_matches('\r'));
        before.len() < start
            && (before.is_empty() || line.is_some_and(|line| !line.ends_with('\\')))
    });
    indented.map(Span::from).collect()
}

/// The statement behind which the first import of a module may stand: the last `from __future__` import, or the docstring.
pub(super) fn import_anchor(tree: &Tree) -> Option<Span> {
    let mut anchor = None;
    for (index, statement) in statements_of(tree.root_node()).into_iter().enumerate() {
        if statement.kind() != "future_import_statement" && !(index == 0 && is_docstring(statement))
        {
            break;
        }
        anchor = Some(Span::from(statement));
    }
    anchor
}

/// The first statement of the body at `body`, behind a docstring.
pub(super) fn first_statement(tree: &Tree, body: Span) -> Option<Span> {
    let block = node_at(tree, body, |kind| kind == "block")?;
    let mut statements = statements_of(block).into_iter();
    let first = statements.next()?;
    let behind = is_docstring(first).then(|| statements.next()).flatten();
    Some(behind.unwrap_or(first).into())
}

/// Whether a statement is nothing but a text without interpolations.
pub(super) fn is_docstring(statement: Node<'_>) -> bool {
    let [only] = children(statement)[..] else {
        return false;
    };
    let parts = match only.kind() {
        "string" => vec![only],
        "concatenated_string" => children(only),
        _ => return false,
    };
    statement.kind() == "expression_statement"
        && parts
            .into_iter()
            .flat_map(children)
            .all(|part| part.kind() != "interpolation")
}

/// The comments inside `span`, in order.
pub(super) fn comments(tree: &Tree, span: Span) -> Vec<Span> {
    let mut found = Vec::new();
    let mut work = vec![tree.root_node()];
    while let Some(node) = work.pop() {
        if node.kind() == "comment" && span.contains(node.into()) {
            found.push(Span::from(node));
        }
        let mut cursor = node.walk();
        work.extend(
            node.named_children(&mut cursor)
                .filter(|child| span.overlaps(Span::from(*child))),
        );
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::python::tests::Fixture;

    #[test]
    fn statements_and_blocks_are_found() {
        let (fixture, span) = Fixture::marked("@d\ndef f():\n    a; b(«c»)  # d\n\n    e\n");
        let (file, tree) = (&fixture.file(), &fixture.tree);
        let found = statement(tree, span).expect("inside a statement");
        assert_eq!(file.text(found), "b(c)");
        let texts = |spans: Vec<Span>| -> Vec<&str> {
            spans.into_iter().map(|span| file.text(span)).collect()
        };
        assert_eq!(texts(siblings(tree, found)), ["a", "b(c)", "e"]);
        let next = next_statement(tree, found).expect("one follows");
        assert_eq!(file.text(next), "e");
        assert_eq!(next_statement(tree, next), None);
        let function = statement(tree, fixture.find("f()")).expect("inside the function");
        assert!(file.text(function).starts_with("@d"));
        assert_eq!(siblings(tree, function), []);
        let body = fixture.model.scopes[1].body;
        assert_eq!(texts(of_block(tree, body)), ["a", "b(c)", "e"]);
    }

    #[test]
    fn a_block_of_one_compound_statement_is_told_from_the_statement() {
        let (fixture, span) = Fixture::marked("if a:\n    «if b:\n        c»\n");
        assert_eq!(of_block(&fixture.tree, span), [span]);
        assert_eq!(statement(&fixture.tree, span), Some(span));
        assert_eq!(siblings(&fixture.tree, span), [span]);
    }

    #[test]
    fn imports_stand_behind_the_docstring_and_the_future() {
        for (source, expected) in [
            ("a\n", None),
            ("", None),
            ("# why\n'''doc'''\nimport a\n", Some("'''doc'''")),
            ("'doc' 'more'\n", Some("'doc' 'more'")),
            ("f'doc{a}'\n", None),
            ("a\n'no doc'\n", None),
            (
                "'doc'\n# c\nfrom __future__ import a\nfrom __future__ import b\nimport c\n",
                Some("from __future__ import b"),
            ),
        ] {
            let fixture = Fixture::new(source);
            let anchor = import_anchor(&fixture.tree).map(|span| span.text(source));
            assert_eq!(anchor, expected, "{source}");
        }
    }

    #[test]
    fn the_first_statement_of_a_body_is_behind_its_docstring() {
        for (source, expected) in [
            ("def f():\n    # c\n    a\n", "a"),
            ("def f():\n    'doc'\n    # c\n    a\n", "a"),
            ("def f():\n    'doc'\n", "'doc'"),
            ("def f(): a; b\n", "a"),
        ] {
            let fixture = Fixture::new(source);
            let found = first_statement(&fixture.tree, fixture.model.scopes[1].body);
            assert_eq!(found.map(|span| span.text(source)), Some(expected));
        }
    }

    #[test]
    fn comments_are_told_from_what_looks_like_them() {
        let source = "a = '# no'  # one\nb(  # two\n    c)\n# three\n";
        let fixture = Fixture::new(source);
        let texts = |span| -> Vec<&str> {
            let found = comments(&fixture.tree, span).into_iter();
            found.map(|span: Span| span.text(source)).collect()
        };
        let whole = Span::new(0, source.len());
        assert_eq!(texts(whole), ["# one", "# two", "# three"]);
        assert_eq!(texts(fixture.find("b(  # two\n    c)")), ["# two"]);
    }
}
