//! Expressions and the texts that they can have. A hole is shown as `⟨⟩`.

use super::evaluate;
use crate::language::python::tests::Fixture;
use crate::sql::{Part, SqlText};

pub(super) fn show(text: &SqlText) -> String {
    text.parts
        .iter()
        .map(|part| match part {
            Part::Literal(text) => text.as_str(),
            Part::Hole => "⟨⟩",
        })
        .collect()
}

fn value(marked: &str) -> Vec<SqlText> {
    let (fixture, span) = Fixture::marked(marked);
    evaluate(&fixture.file(), span)
}

/// What the expression between `«` and `»` can be.
fn texts(marked: &str) -> Vec<String> {
    let mut shown: Vec<String> = value(marked).iter().map(show).collect();
    shown.sort();
    shown
}

#[track_caller]
fn check(marked: &str, expected: &[&str]) {
    assert_eq!(texts(marked), expected, "{marked}");
}

/// The lines, as those of a function.
fn indented(body: &str) -> String {
    let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
    lines.concat()
}

/// The same for statements of a function that end with `use(q)`.
#[track_caller]
fn check_body(body: &str, expected: &[&str]) {
    let body = indented(&body.replace("use(q)", "use(«q»)"));
    check(&format!("async def f(p, self):\n{body}"), expected);
}

#[test]
fn literals() {
    check("x = «'a'»\n", &["a"]);
    check("x = «''»\n", &[""]);
    check("x = «\"a\" 'b' \"\"\"c\nd\"\"\"»\n", &["abc\nd"]);
    check("x = «r'\\d' '\\n'»\n", &["\\d\n"]);
    check("x = («('a')»)\n", &["a"]);
    check("x = «b'a'»\n", &["⟨⟩"]);
    check("x = «None»\n", &["⟨⟩"]);
    check("x = «f()»\n", &["⟨⟩"]);
    check("x = «['a']»\n", &["⟨⟩"]);
}

#[test]
fn interpolations() {
    check("x = «f'a {y} b {{c}}'»\n", &["a ⟨⟩ b {c}"]);
    check("T = 'lots'\nx = «f'FROM {T} t'»\n", &["FROM lots t"]);
    check("T = 'lots'\nx = «f'FROM {T!s}'»\n", &["FROM lots"]);
    check("T = 'lots'\nx = «f'FROM {T!r}'»\n", &["FROM ⟨⟩"]);
    check("T = 'lots'\nx = «f'FROM {T:>5}'»\n", &["FROM ⟨⟩"]);
    check("T = 'lots'\nx = «f'FROM {T=}'»\n", &["FROM ⟨⟩"]);
    check("N = 10\nx = «f'LIMIT {N} {2 + 3}'»\n", &["LIMIT 10 ⟨⟩"]);
    check("x = «f\"a {'b' if c else 'd'}\"»\n", &["a b", "a d"]);
    check("x = «f'{None} {True} {010}'»\n", &["None True ⟨⟩"]);
    check("x = «f'{y}{z}'»\n", &["⟨⟩"]);
    check("w = None if a else 'b'\nx = «f'{w}'»\n", &["None", "b"]);
}

#[test]
fn operators() {
    check("x = «'a' + 'b' + y + 'c'»\n", &["ab⟨⟩c"]);
    check("x = «'a' * 3»\n", &["⟨⟩"]);
    check("x = «'a %s %d %%' % (y, z)»\n", &["a ⟨⟩ ⟨⟩ %"]);
    check("T = 't'\nx = «'FROM %s' % T»\n", &["FROM t"]);
    check("x = «'%s %s' % ('a', y)»\n", &["a ⟨⟩"]);
    check("x = «'%(a)s %(b)s' % {'a': 'c'}»\n", &["c ⟨⟩"]);
    check("x = «'a' if y else 'b'»\n", &["a", "b"]);
    check("x = «y or 'b'»\n", &["b", "⟨⟩"]);
    check("x = «'' or None or 'b'»\n", &["b"]);
    check("x = «y and 'b'»\n", &["⟨⟩"]);
    check("x = «(y := 'b')»\n", &["b"]);
}

#[test]
fn a_long_chain_of_operators() {
    let chain = vec!["'a'"; 900].join(" + ");
    check(&format!("x = «{chain}»\n"), &[&"a".repeat(900)]);
}

#[test]
fn calls() {
    check("x = «'a {} {b}'.format(c, b='d')»\n", &["a ⟨⟩ d"]);
    check("x = «'a {} {}'.format(*c)»\n", &["a ⟨⟩ ⟨⟩"]);
    check("x = «' a '.strip()»\n", &["a"]);
    check("x = «f' {a} '.strip()»\n", &["⟨⟩"]);
    check("x = «' a '.lower()»\n", &["⟨⟩"]);
    check("x = «' '.join(['a', 'b', c])»\n", &["a b ⟨⟩"]);
    check("x = «' '.join(a)»\n", &["⟨⟩"]);
    check("x = «'p ' + ' AND '.join(a) + ' s'»\n", &["p ⟨⟩ s"]);
    check("x = «str('a')»\n", &["a"]);
    check("from textwrap import dedent as d\nx = «d('a')»\n", &["a"]);
    check("import textwrap\nx = «textwrap.dedent('a')»\n", &["a"]);
    check("import sqlalchemy as sa\nx = «sa.text('a')»\n", &["a"]);
    check("from sqlalchemy import text\nx = «text('a')»\n", &["a"]);
    check("def text(a): pass\nx = «text('a')»\n", &["⟨⟩"]);
    check("x = «text('a')»\n", &["⟨⟩"]);
}

#[test]
fn names_of_the_module() {
    check("Q = 'a'\ndef f():\n    use(«Q»)\n", &["a"]);
    check("def f():\n    use(«Q»)\nQ = 'a'\n", &["a"]);
    check(
        "if x:\n    Q = 'a'\nelse:\n    Q = 'b'\ndef f():\n    use(«Q»)\n",
        &["a", "b"],
    );
    // A function may be called between two assignments.
    check("Q = 'a'\nQ += 'b'\ndef f():\n    use(«Q»)\n", &["a", "ab"]);
    check("Q = 'a'\nQ += 'b'\nuse(«Q»)\n", &["ab"]);
    check(
        "Q = 'a'\ndef g():\n    global Q\n    Q = 'b'\ndef f():\n    use(«Q»)\n",
        &["a", "b"],
    );
    check("from x import Q\ndef f():\n    use(«Q»)\n", &["⟨⟩"]);
    check("Q = 'a'\nfrom x import *\nuse(«Q»)\n", &["⟨⟩"]);
    check("from x import *\nQ = 'a'\nuse(«Q»)\n", &["a"]);
    check(
        "A = 'a'\nB = A + 'b'\nC = f'{B}c'\ndef f():\n    use(«C»)\n",
        &["abc"],
    );
    check("A = B\nB = A\nuse(«A»)\n", &["⟨⟩"]);
}

#[test]
fn assignments_in_order() {
    check_body("q = 'a'\nuse(q)", &["a"]);
    check_body("q = 'a'\nq = 'b'\nuse(q)", &["b"]);
    check_body("q = 'a'\nuse(q)\nq = 'b'", &["a"]);
    check_body("q = 'a'; q += 'b'\nuse(q)", &["ab"]);
    check_body("q = 'a'\nq = q + 'b'\nuse(q)", &["ab"]);
    check_body("q = 'a'\nq = f'({q})'\nuse(q)", &["(a)"]);
    check_body("q: str = 'a'\nuse(q)", &["a"]);
    check_body("q: str\nq = 'a'\nuse(q)", &["a"]);
    check_body("q = r = 'a'\nuse(q)", &["a"]);
    check_body("q, r = 'a', 'b'\nuse(q)", &["a"]);
    check_body("q, r = g()\nuse(q)", &["⟨⟩"]);
    check_body("q = p\nuse(q)", &["⟨⟩"]);
    check_body("q = p + 'a'\nuse(q)", &["⟨⟩a"]);
    check_body("q = 'a'\nq -= 'b'\nuse(q)", &["⟨⟩"]);
    check_body("q = 'a %s'\nq %= p\nuse(q)", &["a ⟨⟩"]);
    check_body("q = 'a'\ndel q\nuse(q)", &["⟨⟩"]);
    check_body("use(q)\nq = 'a'", &["⟨⟩"]);
    check_body("q = 'a'\nq = g(q)\nuse(q)", &["⟨⟩"]);
    check("def f(q):\n    use(«q»)\n", &["⟨⟩"]);
    check("def f(q='a'):\n    use(«q»)\n", &["⟨⟩"]);
    check("def f(q):\n    q = q or 'a'\n    use(«q»)\n", &["a", "⟨⟩"]);
}

#[test]
fn branches() {
    check_body("q = 'a'\nif p: q += 'b'\nuse(q)", &["a", "ab"]);
    check_body(
        "q = 'a'\nif p:\n    q += 'b'\n    r.append(1)\nif r:\n    q += 'c'\nuse(q)",
        &["a", "ab", "abc", "ac"],
    );
    check_body(
        "if p: q = 'a'\nelif r: q = 'b'\nelse: q = 'c'\nuse(q)",
        &["a", "b", "c"],
    );
    check_body("if p: q = 'a'\nelse: raise E\nuse(q)", &["a"]);
    check_body("q = 'a'\nif p:\n    q = 'b'\n    return\nuse(q)", &["a"]);
    check_body("q = None\nif p: q = 'a'\nif q: use(q)", &["a"]);
    check_body("q = 'a'\nif p:\n    q = 'b'\n    use(q)", &["b"]);
    check_body("q = 'a'\nif p: q = 'b'\nelse: use(q)", &["a"]);
    check_body("q = 'a'\nif p: q = 'b'\nq = 'c'\nuse(q)", &["c"]);
    check_body("if (q := 'a'): use(q)", &["a"]);
    check_body(
        "match p:\n    case 1: q = 'a'\n    case 2: q = 'b'\n    case _: raise E\nuse(q)",
        &["a", "b"],
    );
    check_body("match p:\n    case [q]: use(q)", &["⟨⟩"]);
    check_body(
        "async with p.acquire() as c:\n    q = 'a'\n    if p: q += 'b'\n    use(q)",
        &["a", "ab"],
    );
    check_body("with p as q: use(q)", &["⟨⟩"]);
}

#[test]
fn loops() {
    check_body(
        "q = 'a'\nfor i in p: q += 'b'\nuse(q)",
        &["a", "ab", "a⟨⟩", "a⟨⟩b"],
    );
    check_body("q = 'a'\nfor i in p: q = 'b'\nuse(q)", &["a", "b"]);
    check_body(
        "for i in p:\n    q = 'a'\n    if i: q += 'b'\n    use(q)",
        &["a", "ab"],
    );
    check_body("q = 'a'\nwhile p:\n    use(q)\n    q = 'b'", &["a", "b"]);
    check_body("q = 'a'\nfor i in p: q = q + 'b'\nuse(q)", &["⟨⟩", "⟨⟩b"]);
    check_body("for q in ('a', 'b'): use(q)", &["a", "b"]);
    check_body("for q in p: use(q)", &["⟨⟩"]);
    check_body("[use(q) for q in ['a', 'b']]", &["a", "b"]);
    check_body("q = 'a'\n[use(q) for i in p]", &["a"]);
    check_body(
        "q = 'a'\nfor i in p:\n    if i:\n        q = 'b'\n        break\n    q = 'c'\nuse(q)",
        &["a", "b", "c"],
    );
    check_body(
        "q = 'a'\nfor i in p:\n    if i:\n        q = 'b'\n        continue\n    use(q)",
        &["a", "b"],
    );
    check_body(
        "q = 'a'\nr = q\nfor i in p:\n    r = q + 'b'\n    q = r\nuse(q)",
        &["a", "ab", "⟨⟩b"],
    );
}

#[test]
fn loops_over_constants() {
    check("T = ('a', 'b')\nfor q in T: use(«q»)\n", &["a", "b"]);
    check(
        "T = ['a', 'b']\ndef f():\n    for q in T: use(«q»)\n",
        &["a", "b"],
    );
    check("T = ['a']\nT.append('b')\nfor q in T: use(«q»)\n", &["⟨⟩"]);
    check("T = ('a', *b)\nfor q in T: use(«q»)\n", &["a", "⟨⟩"]);
    check("T = ('a',)\nT = g()\nfor q in T: use(«q»)\n", &["⟨⟩"]);
}

#[test]
fn exceptions() {
    check_body(
        "q = 'a'\ntry:\n    q = 'b'\nexcept E:\n    pass\nuse(q)",
        &["a", "b"],
    );
    check_body(
        "try:\n    q = 'a'\nexcept E:\n    q = 'b'\nelse:\n    q += 'c'\nuse(q)",
        &["ac", "b"],
    );
    check_body(
        "q = 'a'\ntry:\n    q = 'b'\n    q = 'c'\nexcept E:\n    use(q)",
        &["a", "b", "c"],
    );
    check_body(
        "q = 'a'\ntry:\n    q = 'b'\nfinally:\n    use(q)",
        &["a", "b"],
    );
    check_body("try:\n    q = 'a'\nexcept E:\n    raise\nuse(q)", &["a"]);
    check_body("try:\n    g()\nexcept E as q:\n    use(q)", &["⟨⟩"]);
    check_body(
        "with suppress(E):\n    q = 'a'\n    q = 'b'\nuse(q)",
        &["a", "b"],
    );
}

#[test]
fn closures() {
    check(
        "def f():\n    q = 'a'\n    def g(): use(«q»)\n    q = 'b'\n",
        &["a", "b"],
    );
    check(
        "def f():\n    q = 'a'\n    def g():\n        nonlocal q\n        q = 'b'\n    use(«q»)\n",
        &["a", "b"],
    );
    check(
        "def f(p):\n    q = 'a'\n    return lambda: use(«q»)\n",
        &["a"],
    );
    check("def f(p):\n    return lambda q='a': use(«q»)\n", &["⟨⟩"]);
}

#[test]
fn attributes_of_classes() {
    let class = "class C:\n    Q = 'a'\n    def f(self):\n        use(«self.Q»)\n";
    check(class, &["a"]);
    check(&class.replace("self.Q", "C.Q"), &["a"]);
    check(&class.replace("class C", "class C(object)"), &["a"]);
    check(
        "class C:\n    Q = 'a'\n    @classmethod\n    def f(cls): use(«cls.Q»)\n",
        &["a"],
    );
    check(
        "class C:\n    Q = 'a'\n    @staticmethod\n    def f(self): use(«self.Q»)\n",
        &["⟨⟩"],
    );
    check(
        "class C:\n    Q = 'a'\n    def f(self):\n        async def g(): use(«self.Q»)\n",
        &["a"],
    );
    check(
        "class C:\n    A = 'a'\n    Q = f'{A} b'\n    def f(self): use(«self.Q»)\n",
        &["a b"],
    );
    check(
        "class C:\n    def __init__(self): self.q = 'a'\n    def f(self): use(«self.q»)\n",
        &["a"],
    );
    check(
        "class C:\n    def __init__(self, q): self.q = q\n    def f(self): use(«self.q»)\n",
        &["⟨⟩"],
    );
    check(
        &format!("{class}    def g(self): self.Q += 'b'\n"),
        &["a", "⟨⟩"],
    );
    check(&format!("{class}def g(c): c.Q = 'b'\n"), &["a", "⟨⟩"]);
    check(
        &format!("{class}class D:\n    def g(self): self.Q = 'b'\n"),
        &["a"],
    );
    check(&format!("{class}class D(C):\n    Q = 'b'\n"), &["a", "b"]);
    check(
        "class B:\n    Q = 'a'\nclass C(B):\n    def f(self): use(«self.Q»)\n",
        &["a"],
    );
    check(
        "class C(Unknown):\n    def f(self): use(«self.Q»)\n",
        &["⟨⟩"],
    );
    check(
        "class C:\n    @property\n    def Q(self): return 'a'\n    def f(self): use(«self.Q»)\n",
        &["⟨⟩"],
    );
}

#[test]
fn entries_of_dictionaries() {
    check("D = {'k': 'a', 'l': b}\nuse(«D['k']»)\n", &["a"]);
    check("D = {'k': 'a', 'l': b}\nuse(«D['l']»)\n", &["⟨⟩"]);
    check("D = {'k': 'a'}\nuse(«D['m']»)\n", &["⟨⟩"]);
    check("D = {'k': 'a'}\nuse(«D[m]»)\n", &["⟨⟩"]);
    check("D = {'k': 'a', **e}\nuse(«D['k']»)\n", &["⟨⟩"]);
    check("D = {**e, 'k': 'a'}\nuse(«D['k']»)\n", &["a"]);
    check("D = {'k': 'a'}\nuse(«D.get('k', 'b')»)\n", &["a", "b"]);
    check("D = {'k': 'a'}\nD['k'] = 'b'\nuse(«D['k']»)\n", &["⟨⟩"]);
    check("D = {'k': 'a'}\nf(D)\nuse(«D['k']»)\n", &["⟨⟩"]);
    check("use(«{'k': 'a'}['k']»)\n", &["a"]);
}

#[test]
fn too_many_alternatives_keep_their_common_beginning() {
    let conditions: Vec<String> = (0..6)
        .map(|index| format!("if p: q += ' AND x = ${index}'\n"))
        .collect();
    let body = format!("q = 'SELECT a FROM t'\n{}", conditions.concat());
    let source = format!("def f(p):\n{}    use(«q»)\n", indented(&body));
    let all = value(&source);
    assert_eq!(all.len(), 64);
    assert!(!all.iter().any(SqlText::has_hole));
    check_body(
        &format!("{body}if p: q += ' z'\nuse(q)"),
        &["SELECT a FROM ⟨⟩"],
    );
}

#[test]
fn hostile_input_ends() {
    let doubling: Vec<String> = (0..60)
        .map(|n| format!("a{} = a{n} + a{n}\n", n + 1))
        .collect();
    check(
        &format!("a0 = 'x'\n{}use(«a60»)\n", doubling.concat()),
        &["⟨⟩"],
    );
    let nested: Vec<String> = (0..80)
        .map(|n| format!("{}while p:\n", " ".repeat(n + 1)))
        .collect();
    let nested = nested.concat();
    let source = format!(
        "def f(p):\n q = 'a'\n{nested}{}q += 'b'\n use(«q»)\n",
        " ".repeat(82)
    );
    assert!(texts(&source).contains(&"⟨⟩".to_owned()));
    let parentheses = format!("x = «{}'a'{}»\n", "('b' + ".repeat(300), ")".repeat(300));
    assert_eq!(texts(&parentheses).len(), 1);
}
