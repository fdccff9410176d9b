//! Moves of text, before and after.

use super::*;
use crate::edit::splice;
use crate::language::parse;
use crate::language::python::Python;
use crate::language::python::tests::Fixture;

/// The first `with` statement of the text.
fn first_with(fixture: &Fixture) -> Span {
    let mut work = vec![fixture.tree.root_node()];
    while let Some(node) = work.pop() {
        if node.kind() == "with_statement" {
            return node.into();
        }
        work.extend(children(node).into_iter().rev());
    }
    panic!("no with statement")
}

fn unwrapped(source: &str) -> Option<String> {
    let fixture = Fixture::new(source);
    let edits = unwrap_block(&fixture.file(), first_with(&fixture))?;
    Some(splice(source, &edits).expect("edits are disjoint"))
}

/// The leaves of the tree that carry meaning: all tokens, comments and contents of strings.
fn tokens(source: &str) -> Vec<String> {
    let parsed = parse(&Python, source).expect("parses");
    assert_eq!(parsed.errors, None, "{source}");
    let mut found = Vec::new();
    let mut work = vec![parsed.tree.root_node()];
    while let Some(node) = work.pop() {
        if node.child_count() == 0 || node.kind() == "string_content" {
            found.push(source[node.byte_range()].trim_end_matches('\r').to_owned());
        } else {
            let mut cursor = node.walk();
            let all: Vec<_> = node.children(&mut cursor).collect();
            work.extend(all.into_iter().rev());
        }
    }
    found.retain(|token| !token.is_empty());
    found
}

#[track_caller]
fn check(before: &str, after: &str) {
    assert_eq!(unwrapped(before).as_deref(), Some(after), "{before}");
    assert_eq!(parse(&Python, after).expect("parses").errors, None);
}

#[test]
fn a_suite_takes_the_place_of_its_header() {
    check(
        "def f():\n    with a as b:\n        c(b)\n\n        if d:\n            e\n    g\n",
        "def f():\n    c(b)\n\n    if d:\n        e\n    g\n",
    );
}

#[test]
fn comments_stay() {
    check(
        "if x:\n    with (\n        a as b,  # item\n    ):  # why\n        # lead\n\n        c  # side\n        # tail\n  # odd\nd\n",
        "if x:\n    # item\n    # why\n    # lead\n\n    c  # side\n    # tail\n  # odd\nd\n",
    );
    check(
        "with a:\n    b\n  # less\n    c\n# least\n    d\n",
        "b\n  # less\nc\n# least\nd\n",
    );
}

#[test]
fn the_inside_of_strings_never_moves() {
    check(
        "with a:\n    q = \"\"\"\n    SELECT\n        1\n    \"\"\"\n    r = f'''\n    {\n    b\n    } c\n    ''' + \\\n        d\n    s = 'a\\\n    b'\n",
        "q = \"\"\"\n    SELECT\n        1\n    \"\"\"\nr = f'''\n    {\n    b\n    } c\n    ''' + \\\n    d\ns = 'a\\\n    b'\n",
    );
    check(
        "with a:\n    await c(\n        '''\n    q''',\n        b\"\"\"\n        \"\"\")\n",
        "await c(\n    '''\n    q''',\n    b\"\"\"\n        \"\"\")\n",
    );
}

#[test]
fn continuation_lines_move_with_their_statement() {
    check(
        "with a:\n    b(\n        c,\n  # why\n  d,\nf,\n    )\n    g = [h\n     for h in i]\n    j = 1 + \\\n  2\n",
        "b(\n    c,\n  # why\nd,\nf,\n)\ng = [h\n for h in i]\nj = 1 + \\\n2\n",
    );
    check(
        "with a:\n    b = [c\n for c in d if (\n lambda: e)]\n",
        "b = [c\nfor c in d if (\nlambda: e)]\n",
    );
}

/// The edits of all `with` statements of the text together, as fixes that agree are put together: a deletion inside of a larger one goes.
fn all_unwrapped(source: &str) -> String {
    let fixture = Fixture::new(source);
    let mut edits: Vec<Edit> = Vec::new();
    let mut work = vec![fixture.tree.root_node()];
    while let Some(node) = work.pop() {
        if node.kind() == "with_statement" {
            edits.extend(unwrap_block(&fixture.file(), node.into()).expect("moves"));
        }
        work.extend(children(node));
    }
    let inside = |edit: &Edit, other: &Edit| {
        edit.text.is_empty()
            && other.text.is_empty()
            && other.span != edit.span
            && other.span.contains(edit.span)
    };
    let kept: Vec<Edit> = edits
        .iter()
        .filter(|edit| !edits.iter().any(|other| inside(edit, other)))
        .cloned()
        .collect();
    splice(source, &kept).expect("edits are disjoint")
}

#[test]
fn nested_blocks_are_unwrapped_together() {
    for (before, after) in [
        (
            "if x:\n    with a:\n        with b:\n            c(\n          d,\n      e,\n  f)\n            g\n",
            "if x:\n    c(\n    d,\n    e,\n  f)\n    g\n",
        ),
        (
            "with a:  # one\n    # two\n    with b:  # three\n        # four\n        c  # five\n    d\n",
            "# one\n# two\n# three\n# four\nc  # five\nd\n",
        ),
        (
            "if x:\n\twith a:\n\t\ty\n\t\twith (\n\t\t\tb,  # one\n\t\t\tc,\n\n\t\t\td,  # two\n\t\t):  # three\n\t\t\te\n\t\t\tf\n",
            "if x:\n\ty\n\t# one\n\t# two\n\t# three\n\te\n\tf\n",
        ),
        (
            "with a:\r\n    with b:  # one\r\n        with c:\r\n            d\r\n    with e: f\r\n",
            "# one\r\nd\r\nf\r\n",
        ),
        (
            "with a:\n    with b: c  # one\n    with (b,  # two\n          d): e\n",
            "c  # one\n# two\ne\n",
        ),
    ] {
        assert_eq!(all_unwrapped(before), after, "{before}");
    }
}

#[test]
fn the_header_of_a_block_on_one_line_may_be_of_several() {
    check(
        "if x:\n    with (a,  # why\nb): c\n",
        "if x:\n    # why\n    c\n",
    );
    check(
        "if x:\n    with (a,  # why\n\n            b,\n            d): c\n",
        "if x:\n    # why\n    c\n",
    );
}

#[test]
fn comments_stay_where_they_are() {
    check(
        "if x:\n    with (  # one\n        # two\n        a as b,\n        # three\n    ):\n        c\n",
        "if x:\n    # one\n    # two\n    # three\n    c\n",
    );
    check(
        "with a(\n    '''\n  # no\n'''):  # yes\n  c\n",
        "# yes\nc\n",
    );
}

#[test]
fn tabs_stay_tabs() {
    check(
        "def f():\n\twith a:\n\t\tb(\n\t\t  c)\n\t\tif d:\n\t\t\te\n",
        "def f():\n\tb(\n\t  c)\n\tif d:\n\t\te\n",
    );
    check(
        "if x:\n    with a:\n    \tb\n    \tc\n",
        "if x:\n    b\n    c\n",
    );
}

#[test]
fn an_indentation_that_does_not_tell_is_left_alone() {
    // A tab in the place of eight columns: the suite's indentation does not begin with its header's.
    assert_eq!(unwrapped("if x:\n        with a:\n\t\tb\n"), None);
    assert_eq!(unwrapped("with a:\n    b = = c\n"), None);
}

#[test]
fn suites_on_the_line_of_their_header_need_no_move() {
    check("async with a as b: await c(b)\n", "await c(b)\n");
    check(
        "if x:\n    with a: b; c(1,\n      2);  # d\n    e\n",
        "if x:\n    b; c(1,\n      2);  # d\n    e\n",
    );
    check(
        "if x:\n    with (a,  # why\n          b): c\n",
        "if x:\n    # why\n    c\n",
    );
}

#[test]
fn line_breaks_and_blank_lines_are_kept() {
    check(
        "with a:  # why\r\n    b\r\n  \r\n\r\n    c(\r\n      d)\r\n",
        "# why\r\nb\r\n  \r\n\r\nc(\r\n  d)\r\n",
    );
    check(
        "with a:\n    b\n\x0c\n    c\n\x0c    d",
        "b\n\x0c\nc\n\x0cd",
    );
    check("\u{feff}with a:\n    b\n", "\u{feff}b\n");
    check("x\n\x0cwith a:\n    b\n", "x\n\x0cb\n");
}

#[test]
fn nested_definitions_and_clauses_move_whole() {
    check(
        "with a:\n    @b\n    def c():\n        try:\n            d\n        except E:\n            e\n        else: f\n    match g:\n        case 1: h\n",
        "@b\ndef c():\n    try:\n        d\n    except E:\n        e\n    else: f\nmatch g:\n    case 1: h\n",
    );
}

#[test]
fn a_statement_with_a_further_clause_is_not_unwrapped() {
    for source in [
        "if a:\n    b\nelse:\n    c\n",
        "try:\n    b\nfinally:\n    c\n",
        "for a in b:\n    c\nelse:\n    d\n",
    ] {
        let fixture = Fixture::new(source);
        let statement = children(fixture.tree.root_node())[0];
        assert_eq!(
            unwrap_block(&fixture.file(), statement.into()),
            None,
            "{source}"
        );
    }
    let fixture = Fixture::new("if a:\n    b\n");
    let statement = children(fixture.tree.root_node())[0];
    assert!(unwrap_block(&fixture.file(), statement.into()).is_some());
}

const SAMPLES: [&str; 4] = [
    "if x:\n    a\n    # b\n\n    c(\n        d,\n  e)\n    f = \"\"\"g\n    h\"\"\"\n    if i:\n        j\n    else:\n        k\n",
    "def f():\n\ta\n\tb = [\n\t\tc,\n\t]\n",
    "class A:\r\n  @b\r\n  def c(self):\r\n    return '''\r\n  d'''\r\n",
    "for a in b:\n    c; d\n    e = f'''{\n  g}''' \\\n  + h  # i",
];

#[test]
fn a_block_that_is_indented_and_dedented_is_the_same() {
    for source in SAMPLES {
        let fixture = Fixture::new(source);
        let file = fixture.file();
        let unit = indent_unit(&file);
        let statement = children(fixture.tree.root_node())[0];
        let block = ["body", "consequence"]
            .iter()
            .find_map(|field| statement.child_by_field_name(field));
        let block = Span::from(block.expect("has a block"));
        let mut edits = indent_block(&file, block, unit).expect("indents");
        let text = Text(source);
        let indent = text.indent_before(block.start).expect("begins a line");
        let header = format!("{indent}with z:{}", text.newline());
        edits.insert(0, Edit::insert(text.line_start(block.start), header));
        let wrapped = splice(source, &edits).expect("disjoint");
        let mut kept = tokens(&wrapped);
        let at = kept.iter().position(|token| token == "with");
        let at = at.expect("is wrapped");
        kept.drain(at..at + 3);
        assert_eq!(kept, tokens(source), "{wrapped}");
        assert_eq!(unwrapped(&wrapped).as_deref(), Some(source), "{wrapped}");
    }
}

#[test]
fn only_whole_lines_are_indented() {
    let (fixture, span) = Fixture::marked("a; «b»\nc\n");
    assert_eq!(indent_block(&fixture.file(), span, "  "), None);
    let (fixture, span) = Fixture::marked("«a»; b\nc\n");
    assert_eq!(indent_block(&fixture.file(), span, "  "), None);
    let (fixture, span) = Fixture::marked("«a\nb;»  # c\nd\n");
    assert!(indent_block(&fixture.file(), span, "  ").is_some());
}

#[test]
fn the_unit_is_that_of_the_file() {
    for (source, unit) in [
        ("a\n", "    "),
        ("if a: b\n", "    "),
        ("if a:\n  b\n  if c:\n      d\n", "  "),
        ("class A:\n\tdef f(self):\n\t\tpass\n", "\t"),
        ("x = f(\n        a)\nif a:\n   b\n", "   "),
    ] {
        let fixture = Fixture::new(source);
        assert_eq!(indent_unit(&fixture.file()), unit, "{source}");
    }
}

fn removed(marked: &str) -> String {
    let (fixture, span) = Fixture::marked(marked);
    let edit = remove_statement(&fixture.file(), span);
    let after = splice(&fixture.source, &[edit]).expect("one edit");
    let parsed = parse(&Python, &after).expect("parses");
    assert_eq!(parsed.errors, None, "{marked}{after}");
    after
}

#[test]
fn a_statement_goes_with_its_lines() {
    for (before, after) in [
        ("a\n«b»\nc\n", "a\nc\n"),
        ("«a»\n", ""),
        ("a\n«b»", "a\n"),
        ("a\r\n«b»\r\nc\r\n", "a\r\nc\r\n"),
        ("\u{feff}«a»\nb\n", "\u{feff}b\n"),
        ("a\n\u{c}«b»\nc\n", "a\n\u{c}c\n"),
        ("if x:\n\ta\n\t«b(\n1,\n)»  \nc\n", "if x:\n\ta\nc\n"),
        ("a\n«b = '''\n'''»;\nc\n", "a\nc\n"),
        ("a\n\n«b»\n\nc\n", "a\n\n\nc\n"),
    ] {
        assert_eq!(removed(before), after, "{before}");
    }
}

#[test]
fn other_statements_of_the_line_stay() {
    for (before, after) in [
        ("«a»; b\n", "b\n"),
        ("a; «b»; c\n", "a; c\n"),
        ("a; «b»\n", "a\n"),
        ("a; «b»;  # why\n", "a;  # why\n"),
        ("if x: «a»; b\n", "if x: b\n"),
        ("if x: a; «b»\n", "if x: a\n"),
        ("a = '''\n'''; «b»\nc\n", "a = '''\n'''\nc\n"),
        ("«a = '''\n'''»; b\nc\n", "b\nc\n"),
        ("a; \\\n  «b»\nc\n", "a; \\\n  pass\nc\n"),
        ("«a»; \\\n  b\nc\n", "pass; \\\n  b\nc\n"),
    ] {
        assert_eq!(removed(before), after, "{before}");
    }
}

#[test]
fn a_block_never_gets_empty() {
    for (before, after) in [
        ("if x:\n    «a»\nb\n", "if x:\n    pass\nb\n"),
        ("if x: «a»\n", "if x: pass\n"),
        (
            "if x:\n    # c\n    «a»  # d\n",
            "if x:\n    # c\n    pass  # d\n",
        ),
        (
            "if x:\n    «a(  # c\n    )»\n",
            "if x:\n    # c\n    pass\n",
        ),
        ("if x: «a(  # c\n    )»\n", "if x: pass  # c\n"),
    ] {
        assert_eq!(removed(before), after, "{before}");
    }
}

#[test]
fn comments_of_what_is_removed_stay() {
    for (before, after) in [
        ("a\n# one\n«b»  # two\nc\n", "a\n# one\n# two\nc\n"),
        (
            "if x:\n    a\n    «b»;  # two\n",
            "if x:\n    a\n    # two\n",
        ),
        (
            "if x:\n    a\n    «b(  # one\n        c,  # two\n    )»  # three\n    d\n",
            "if x:\n    a\n    # one\n    # two\n    # three\n    d\n",
        ),
        (
            "if x:\r\n    a\r\n    «b(  # one\r\n    )»\r\n    d\r\n",
            "if x:\r\n    a\r\n    # one\r\n    d\r\n",
        ),
        ("«a(  # one\n)»; b\n", "# one\nb\n"),
        ("a; «b(  # one\n)»\n", "a; pass  # one\n"),
        ("a; «b(  # one\n)»; c\n", "a; (  # one\n); c\n"),
        ("«def f():\n    # one\n    a»\n\n\nb\n", "# one\n\n\nb\n"),
    ] {
        assert_eq!(removed(before), after, "{before}");
    }
}

#[test]
fn one_run_of_blank_lines_goes_with_a_definition() {
    for (before, after) in [
        ("a\n\n\n«def f():\n    b»\n\n\nc\n", "a\n\n\nc\n"),
        (
            "class A:\n    a\n\n    @d\n    «def f(self): b»\n\n    def g(self): c\n",
            "class A:\n    a\n\n    def g(self): c\n",
        ),
        (
            "class A:\n    a\n\n    «def f(self): b»\n\n\nc\n",
            "class A:\n    a\n\n\nc\n",
        ),
        ("a\n\n\n«class A:\n    b»\n", "a\n"),
    ] {
        assert_eq!(removed(before), after, "{before}");
    }
}

#[test]
fn a_statement_is_wrapped() {
    let wrapped = |marked: &str| {
        let (fixture, span) = Fixture::marked(marked);
        let edits = wrap_statement(&fixture.file(), span, "with z:")?;
        Some(splice(&fixture.source, &edits).expect("disjoint"))
    };
    for (before, after) in [
        ("«a»  # c\nb\n", Some("with z:\n    a  # c\nb\n")),
        (
            "if x:\n\t«a(\n\t\tb, '''\n\tc''')»\n",
            Some("if x:\n\twith z:\n\t\ta(\n\t\t\tb, '''\n\tc''')\n"),
        ),
        (
            "if x:\r\n  «a»\r\n",
            Some("if x:\r\n  with z:\r\n    a\r\n"),
        ),
        ("\u{feff}«a»\n", Some("\u{feff}with z:\n    a\n")),
        ("«a»; b\n", None),
        ("a; «b»\n", None),
        ("if x: «a»\n", None),
        ("a; \\\n  «b»\n", None),
    ] {
        assert_eq!(wrapped(before).as_deref(), after, "{before}");
    }
}
