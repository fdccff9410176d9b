//! The form of a statement or expression, where a rewrite depends on it: does it clean up, is it simple, does it open several things at once.

use tree_sitter::{Node, Tree};

use super::nodes::{
    children, is_comprehension, node_at, own_nodes, path, statement_at, unparenthesised,
};
use super::statements::statements_of;
use crate::language::Code;
use crate::language::usage::{Branch, Cleanup, Entered};
use crate::source::Span;

/// The `try` statement at `span`, if it has a `finally`.
pub(super) fn cleanup(code: &Code<'_>, span: Span) -> Option<Cleanup> {
    let statement = node_at(&code.tree, span, |kind| kind == "try_statement")?;
    let body = Span::from(statement.child_by_field_name("body")?);
    let clauses: Vec<Node<'_>> = children(statement)
        .into_iter()
        .filter(|child| child.kind().ends_with("_clause"))
        .collect();
    let clause = *clauses
        .iter()
        .find(|clause| clause.kind() == "finally_clause")?;
    let block = children(clause)
        .into_iter()
        .find(|child| child.kind() == "block")?;
    let before = Span::new(statement.start_byte(), body.start);
    let colon = before.start + code.text(before).find(':')? + 1;
    Some(Cleanup {
        header: Span::new(before.start, colon),
        body,
        clause: clause.into(),
        statements: statements_of(block).into_iter().map(Span::from).collect(),
        handles: clauses.len() > 1,
    })
}

/// The `if` statement at `span`, if it has neither `elif` nor `else`.
pub(super) fn branch(tree: &Tree, span: Span) -> Option<Branch> {
    let statement = node_at(tree, span, |kind| kind == "if_statement")?;
    if statement.child_by_field_name("alternative").is_some() {
        return None;
    }
    Some(Branch {
        condition: statement.child_by_field_name("condition")?.into(),
        body: statement.child_by_field_name("consequence")?.into(),
    })
}

/// Whether the statement at `span` is an expression, an assignment or a `return`.
pub(super) fn is_simple(tree: &Tree, span: Span) -> bool {
    let Some(statement) = statement_at(tree, span) else {
        return false;
    };
    match statement.kind() {
        "return_statement" => true,
        "expression_statement" => children(statement)
            .iter()
            .all(|part| matches!(part.kind(), "assignment" | "call" | "await")),
        _ => false,
    }
}

/// Whether the expression at `span` is all that its statement evaluates.
pub(super) fn is_whole_value(tree: &Tree, span: Span) -> bool {
    let around = path(tree, span);
    let mut outwards = around
        .iter()
        .rev()
        .skip_while(|node| Span::from(**node) != span);
    let beyond = outwards.find(|node| {
        Span::from(**node) != span || matches!(node.kind(), "expression_statement" | "block")
    });
    beyond.is_some_and(|node| {
        matches!(
            node.kind(),
            "expression_statement" | "return_statement" | "assignment" | "block" | "module"
        )
    })
}

/// Whether the expression at `span` runs whenever the statement at `statement` does: no operator or comprehension around it may pass it over.
pub(super) fn always_runs(tree: &Tree, span: Span, statement: Span) -> bool {
    let around = path(tree, span);
    around.windows(2).all(|pair| {
        let (node, part) = (pair[0], pair[1]);
        if !statement.contains(node.into()) {
            return true;
        }
        let parts = children(node);
        match node.kind() {
            "boolean_operator" => node.child_by_field_name("left") == Some(part),
            // `a if condition else b`
            "conditional_expression" => parts.get(1) == Some(&part),
            // `a < b < c` leaves off where one does not hold.
            "comparison_operator" => parts.iter().take(2).any(|first| *first == part),
            kind => {
                !is_comprehension(kind) && kind != "lambda" && kind != "assert_statement"
                    || parts.first() == Some(&part) && kind == "assert_statement"
            }
        }
    })
}

/// Whether an f-string shows the text of the code at `span`: `f"{span=}"`.
pub(super) fn is_shown(tree: &Tree, span: Span) -> bool {
    path(tree, span).iter().any(|node| {
        let mut cursor = node.walk();
        node.kind() == "interpolation"
            && node
                .children(&mut cursor)
                .any(|part| part.kind() == "=" || part.kind() == "type_conversion=")
    })
}

/// Whether the `with` that has `item` in its header has further items.
pub(super) fn opens_more(tree: &Tree, item: Span) -> bool {
    let clause = path(tree, item)
        .into_iter()
        .rfind(|node| node.kind() == "with_clause");
    clause.is_none_or(|clause| children(clause).len() > 1)
}

/// The items of `with` statements inside `body`, also those behind the one that `body` is of; not those of nested functions.
pub(super) fn entered(tree: &Tree, body: Span) -> Vec<Entered> {
    let items = own_nodes(tree, body).into_iter();
    items
        .filter(|node| node.kind() == "with_item")
        .filter_map(|item| {
            let statement = with_around(tree, item)?;
            Some(Entered {
                resource: resource_of(item)?.into(),
                span: statement.into(),
                body: statement.child_by_field_name("body")?.into(),
            })
        })
        .collect()
}

/// The `with` statement that has `item` in its header.
pub(super) fn with_around<'t>(tree: &'t Tree, item: Node<'t>) -> Option<Node<'t>> {
    path(tree, item.into())
        .into_iter()
        .rfind(|node| node.kind() == "with_statement")
}

/// The expression of a `with` item, without the name that its value gets.
pub(super) fn resource_of(item: Node<'_>) -> Option<Node<'_>> {
    let value = unparenthesised(item.child_by_field_name("value")?);
    if value.kind() == "as_pattern" {
        return children(value).first().copied().map(unparenthesised);
    }
    Some(value)
}

/// `name := value` with the parentheses around it.
pub(super) fn named_expression(code: &Code<'_>, name: Span, value: Span) -> Span {
    let inner = Span::new(name.start, value.end);
    let around = path(&code.tree, inner);
    let outer = around
        .iter()
        .rfind(|node| Span::from(**node) != inner)
        .filter(|node| node.kind() == "parenthesized_expression");
    outer.map_or(inner, |outer| Span::from(*outer))
}

/// The attribute or element access whose object is the value at `span`.
pub(super) fn access_around(tree: &Tree, span: Span) -> Option<Span> {
    let around = path(tree, span);
    let outer = around.iter().rfind(|node| Span::from(**node) != span)?;
    matches!(outer.kind(), "attribute" | "subscript").then(|| Span::from(*outer))
}

/// Whether `span` stands under `if __name__ == "__main__":`.
pub(super) fn runs_as_program(code: &Code<'_>, span: Span) -> bool {
    path(&code.tree, span).into_iter().any(|node| {
        let condition = node.child_by_field_name("condition").map(Span::from);
        condition.is_some_and(|condition| {
            code.text(condition).contains("__name__") && !condition.contains(span)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::python::tests::Fixture;

    #[test]
    fn a_try_cleans_up_by_its_finally() {
        let (fixture, span) = Fixture::marked("«try:\n    a\n    b\nfinally:\n    c\n    d»\n");
        let code = fixture.file();
        let found = cleanup(&code, span).expect("has a finally");
        assert_eq!(code.text(found.header), "try:");
        assert_eq!(code.text(found.body), "a\n    b");
        assert_eq!(code.text(found.clause), "finally:\n    c\n    d");
        let texts: Vec<&str> = found
            .statements
            .iter()
            .map(|span| code.text(*span))
            .collect();
        assert_eq!(texts, ["c", "d"]);
        assert!(!found.handles);
        for (source, handles) in [
            (
                "«try:\n    a\nexcept E:\n    b\nfinally:\n    c»\n",
                Some(true),
            ),
            (
                "«try:\n    a\nexcept* E:\n    b\nfinally:\n    c»\n",
                Some(true),
            ),
            (
                "«try:\n    a\nexcept E:\n    b\nelse:\n    d\nfinally:\n    c»\n",
                Some(true),
            ),
            ("«try:\n    a\nexcept E:\n    b»\n", None),
            ("«with a:\n    b»\n", None),
        ] {
            let (fixture, span) = Fixture::marked(source);
            let found = cleanup(&fixture.file(), span).map(|found| found.handles);
            assert_eq!(found, handles, "{source}");
        }
    }

    #[test]
    fn a_branch_has_no_alternative() {
        let (fixture, span) = Fixture::marked("«if a is None:\n    b»\n");
        let found = branch(&fixture.tree, span).expect("a branch");
        assert_eq!(fixture.file().text(found.condition), "a is None");
        assert_eq!(fixture.file().text(found.body), "b");
        for source in [
            "«if a:\n    b\nelse:\n    c»\n",
            "«if a:\n    b\nelif c:\n    d»\n",
            "«while a:\n    b»\n",
        ] {
            let (fixture, span) = Fixture::marked(source);
            assert_eq!(branch(&fixture.tree, span), None, "{source}");
        }
    }

    #[test]
    fn simple_statements_have_no_body() {
        for (source, simple) in [
            ("«a = await b()»\n", true),
            ("«await b()»\n", true),
            ("«b()»\n", true),
            ("«return b»\n", true),
            ("«a += b»\n", false),
            ("«raise b»\n", false),
            ("«if a: b»\n", false),
            ("«for a in b:\n    c»\n", false),
        ] {
            let (fixture, span) = Fixture::marked(source);
            assert_eq!(is_simple(&fixture.tree, span), simple, "{source}");
        }
    }

    #[test]
    fn a_whole_value_is_all_that_a_statement_evaluates() {
        for (source, whole) in [
            ("«await b()»\n", true),
            ("def f():\n    «await b()»\n", true),
            ("a = «await b()»\n", true),
            ("def f():\n    return «await b()»\n", true),
            ("a = c(«await b()»)\n", false),
            ("a = «await b()» or c()\n", false),
            ("return («await b()»)[0]\n", false),
        ] {
            let (fixture, span) = Fixture::marked(source);
            assert_eq!(is_whole_value(&fixture.tree, span), whole, "{source}");
        }
    }

    #[test]
    fn further_items_of_a_with_are_seen() {
        for (source, more) in [
            ("with «a() as b»:\n    c\n", false),
            ("with («a() as b»,):\n    c\n", false),
            ("with «a() as b», d:\n    c\n", true),
            ("with (d, «a() as b»):\n    c\n", true),
        ] {
            let (fixture, span) = Fixture::marked(source);
            assert_eq!(opens_more(&fixture.tree, span), more, "{source}");
        }
    }

    #[test]
    fn the_resources_of_a_body_are_found() {
        let (fixture, span) = Fixture::marked(
            "«with a() as b, (c):\n    async with (d.e() as f):\n        g\ndef h():\n    with i: pass»\n",
        );
        let code = fixture.file();
        let found: Vec<(&str, &str)> = entered(&fixture.tree, span)
            .into_iter()
            .map(|entered| (code.text(entered.resource), code.text(entered.body)))
            .collect();
        let outer = "async with (d.e() as f):\n        g";
        assert_eq!(found, [("a()", outer), ("c", outer), ("d.e()", "g")]);
    }

    #[test]
    fn a_named_expression_takes_its_parentheses_along() {
        for (source, expected) in [
            ("b((a := c()))\n", "(a := c())"),
            ("b(a := c())\n", "a := c()"),
            ("if a := c(): pass\n", "a := c()"),
            ("if (a := c()): pass\n", "(a := c())"),
        ] {
            let fixture = Fixture::new(source);
            let (name, value) = (fixture.find("a"), fixture.find("c()"));
            let found = named_expression(&fixture.file(), name, value);
            assert_eq!(fixture.file().text(found), expected, "{source}");
        }
    }

    #[test]
    fn an_access_is_the_attribute_or_element_of_a_value() {
        for (source, expected) in [
            ("«a».b.c\n", Some("a.b")),
            ("«a.b»['c']\n", Some("a.b['c']")),
            ("f(«a»)\n", None),
            ("«a»\n", None),
        ] {
            let (fixture, span) = Fixture::marked(source);
            let found = access_around(&fixture.tree, span);
            assert_eq!(
                found.map(|span| fixture.file().text(span)),
                expected,
                "{source}"
            );
        }
    }

    #[test]
    fn what_only_a_program_runs_is_told() {
        for (source, program) in [
            ("if __name__ == '__main__':\n    «a»\n", true),
            ("if __name__ == '__main__':\n    if b:\n        «a»\n", true),
            ("if b:\n    «a»\n", false),
            ("if «__name__» == '__main__':\n    a\n", false),
        ] {
            let (fixture, span) = Fixture::marked(source);
            assert_eq!(runs_as_program(&fixture.file(), span), program, "{source}");
        }
    }
}
