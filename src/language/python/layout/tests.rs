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

#[test]
fn moves_of_nested_suites_do_not_delete_the_same_bytes() {
    let source = "if x:\n    with a:\n        with b:\n            c(\n          d,\n      e,\n  f)\n            g\n";
    let fixture = Fixture::new(source);
    let mut edits = Vec::new();
    let mut work = vec![fixture.tree.root_node()];
    while let Some(node) = work.pop() {
        if let ("with_statement", Some(body)) = (node.kind(), node.child_by_field_name("body")) {
            let dedent = dedent_block(&fixture.file(), body.into(), node.into());
            edits.extend(dedent.expect("moves").edits);
        }
        work.extend(children(node));
    }
    assert_eq!(
        splice(source, &edits).as_deref(),
        Ok("if x:\n    with a:\n    with b:\n    c(\n    d,\n    e,\n  f)\n    g\n")
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

#[test]
fn what_dedent_reports() {
    let fixture = Fixture::new("with a:  # one\n    # two\n\n    b  # three\n");
    let file = fixture.file();
    let statement = first_with(&fixture);
    let block = fixture
        .tree
        .root_node()
        .named_child(0)
        .and_then(|with| with.child_by_field_name("body"))
        .expect("has a body");
    let dedent = dedent_block(&file, block.into(), statement).expect("moves");
    let texts = |spans: &[Span]| -> Vec<String> {
        spans
            .iter()
            .map(|span| file.text(*span).to_owned())
            .collect()
    };
    assert!(!dedent.one_line);
    assert_eq!(texts(&dedent.header_comments), ["# one"]);
    assert_eq!(texts(&dedent.leading_comments), ["# two"]);
    assert_eq!(file.text(dedent.header), "with a:  # one\n");
    assert_eq!(dedent.edits.len(), 2);
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
