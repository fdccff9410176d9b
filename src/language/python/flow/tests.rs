//! What runs before what, seen from both sides.

use super::*;
use crate::language::python::nodes::node_at;
use crate::language::python::tests::Fixture;

/// Whether the statement between `«` and `»` dominates the name `site`.
fn dominated(marked: &str) -> bool {
    let (fixture, span) = Fixture::marked(marked);
    one_has_run(&fixture.tree, &[span], fixture.find("site"))
}

#[test]
fn an_earlier_statement_of_the_block_dominates() {
    for source in [
        "«x = 1»\nsite\n",
        "«x = 1»; site\n",
        "def f():\n    «x = 1»\n    if a:\n        for b in c:\n            site\n",
        "def f():\n    async with a:\n        «x = 1»\n        site\n",
        "for a in b:\n    «x = 1»\n    site\n",
        "try:\n    «x = 1»\n    site\nfinally:\n    pass\n",
        "«import x»\nsite\n",
        "«x = 1»\n[y for y in z if site]\n",
        "«with a as x:\n    pass»\nsite\n",
        "«@d\ndef f(): pass»\nsite\n",
    ] {
        assert!(dominated(source), "{source}");
    }
}

#[test]
fn what_a_header_binds_dominates_its_body() {
    for source in [
        "«with a as x:\n    site»\n",
        "«for x in a:\n    site»\n",
        "«def f(x):\n    site»\n",
        "«if (x := f()):\n    site»\n",
        "«if (x := f()) is not None and y:\n    pass\nelse:\n    site»\n",
        "«while x := f():\n    site»\n",
        "«if not (x := f()):\n    pass»\nsite\n",
    ] {
        assert!(dominated(source), "{source}");
    }
}

#[test]
fn a_branch_dominates_where_the_others_leave() {
    for source in [
        "try:\n    «x = 1»\nexcept E:\n    raise\nsite\n",
        "def f():\n    try:\n        «x = 1»\n    except E:\n        if a: return\n        else: raise B\n    site\n",
        "def f():\n    if a:\n        «x = 1»\n    else:\n        return\n    site\n",
        "try:\n    pass\nfinally:\n    «x = 1»\nsite\n",
    ] {
        assert!(dominated(source), "{source}");
    }
}

#[test]
fn what_may_not_have_run_does_not_dominate() {
    for source in [
        "site\n«x = 1»\n",
        "if a:\n    «x = 1»\nsite\n",
        "if a:\n    «x = 1»\nelse:\n    site\n",
        "if a:\n    «x = 1»\nelse:\n    b\nsite\n",
        "if a:\n    «x = 1»\nelif b:\n    raise\nsite\n",
        "for a in b:\n    «x = 1»\nsite\n",
        "while a:\n    «x = 1»\nsite\n",
        "«for x in a:\n    pass»\nsite\n",
        "«for x in site:\n    pass»\n",
        "with a:\n    «x = 1»\nsite\n",
        "try:\n    «x = 1»\nexcept E:\n    site\n",
        "try:\n    «x = 1»\nexcept E:\n    pass\nsite\n",
        "try:\n    pass\nexcept E:\n    «x = 1»\nsite\n",
        "match a:\n    case b:\n        «x = 1»\nsite\n",
        "«x = 1»\ndef f():\n    site\n",
        "«x = 1»\ny = lambda: site\n",
        "def f():\n    «x = 1»\nsite\n",
        "«if a and (x := f()):\n    site»\n",
        "«x = site»\n",
    ] {
        assert!(!dominated(source), "{source}");
    }
}

#[test]
fn a_body_that_never_ends_by_itself_is_told() {
    for (body, expected) in [
        ("return", true),
        ("a; raise", true),
        ("if a: return\n    else: raise", true),
        ("if a: return\n    elif b: pass\n    else: raise", false),
        ("if a: return", false),
        ("try: return\n    except E: raise", true),
        ("try: return\n    except E: pass", false),
        ("try: pass\n    finally: return", true),
        ("with a: return", false),
        ("while a: return", false),
    ] {
        let (fixture, span) = Fixture::marked(&format!("def f():\n    «{body}»\n"));
        let block = node_at(&fixture.tree, span, |kind| kind == "block").expect("a body");
        assert_eq!(leaves(block, MAX_LEVELS), expected, "{body}");
    }
}

/// Whether the statements `x = 1` together dominate the name `site`.
fn bound(source: &str) -> bool {
    let fixture = Fixture::new(source);
    let places = fixture.source.match_indices("x = 1");
    let earlier: Vec<Span> = places.map(|(at, _)| Span::new(at, at + 5)).collect();
    one_has_run(&fixture.tree, &earlier, fixture.find("site"))
}

#[test]
fn statements_in_different_branches_dominate_together() {
    for source in [
        "if a: x = 1\nelse: x = 1\nsite\n",
        "def f():\n    if a: x = 1\n    elif b: return\n    else:\n        if c: raise E\n        x = 1\n    with d: site\n",
        "try: x = 1\nexcept E: x = 1\nsite\n",
        "try: a\nexcept E: x = 1\nelse: x = 1\nsite\n",
        "if a:\n    if b: x = 1\n    else: x = 1\nelse: x = 1\nsite\n",
    ] {
        assert!(bound(source), "{source}");
    }
    for source in [
        "if a: x = 1\nelif b: x = 1\nsite\n",
        "if a: x = 1\nelse:\n    if b: x = 1\nsite\n",
        "try: x = 1\nexcept E: x = 1\nexcept F: pass\nsite\n",
        "if a:\n    with b: x = 1\nelse: x = 1\nsite\n",
        "if a: x = 1\nelse: x = 1\ndef f(): site\n",
        "for a in b:\n    if a: x = 1\n    else: x = 1\nsite\n",
    ] {
        assert!(!bound(source), "{source}");
    }
}

#[test]
fn raises_of_a_body_are_found() {
    let (fixture, span) = Fixture::marked(
        "def f():\n    raise A\n    «if a: raise B\n    def g(): raise C\n    try: raise\n    finally: pass»\n    raise D\n",
    );
    let texts: Vec<&str> = raises(&fixture.tree, span)
        .into_iter()
        .map(|span| span.text(&fixture.source))
        .collect();
    assert_eq!(texts, ["raise B", "raise"]);
}

/// How the loop begins that is found around the place between `«` and `»`.
fn loop_around(marked: &str) -> Option<String> {
    let (fixture, span) = Fixture::marked(marked);
    let whole = Span::new(0, fixture.source.len());
    innermost_loop(&fixture.tree, span, whole)
        .map(|found| found.text(&fixture.source)[..5].to_owned())
}

#[test]
fn the_loop_around_a_site_is_found() {
    for (marked, expected) in [
        ("x\nfor a in b:\n    if c: «d»\n", Some("for a")),
        ("async def f():\n    async for a in b: «d»\n", Some("async")),
        ("x\nwhile «d»: pass\n", Some("while")),
        ("x\nfor a in «d»: pass\n", None),
        ("x\nfor a in b: pass\nelse: «d»\n", None),
        ("x = [«d» for a in b]\n", Some("[d fo")),
        ("x = [a for a in b if «d»]\n", Some("[a fo")),
        ("x = {a: b for b in c for a in «d»}\n", Some("{a: b")),
        ("x = [a for a in «d».e()]\n", None),
        ("z\nfor x in y:\n    [a for a in «d»]\n", Some("for x")),
    ] {
        assert_eq!(loop_around(marked).as_deref(), expected, "{marked}");
    }
}

#[test]
fn a_function_that_is_defined_in_a_loop_counts_as_run_in_it() {
    assert!(loop_around("x\nfor a in b:\n    def f(): «d»\n").is_some());
    assert!(loop_around("x\nfor a in b:\n    f = lambda: «d»\n").is_some());
}

#[test]
fn a_loop_around_the_limit_is_none_inside_of_it_but_one_that_is_the_limit_is() {
    let (fixture, outer) =
        Fixture::marked("for a in b:\n    «with c:\n        for d in e: site»\n");
    let file = fixture.file();
    let site = fixture.find("site");
    let found = innermost_loop(&fixture.tree, site, outer).expect("a loop");
    assert_eq!(file.text(found), "for d in e: site");
    assert_eq!(innermost_loop(&fixture.tree, site, found), Some(found));
    assert_eq!(
        innermost_loop(&fixture.tree, fixture.find("c"), outer),
        None
    );
}

/// The bodies in the first function whose exceptions are caught, with `falls_through` and `continues`.
fn caught(body: &str) -> Vec<(String, bool, bool)> {
    let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
    let source = format!(
        "import contextlib as c\nfrom contextlib import suppress as s\ndef f():\n{}",
        lines.concat()
    );
    let fixture = Fixture::new(&source);
    let function = fixture.model.scopes.iter().find(|scope| scope.name == "f");
    catches(&fixture.file(), function.expect("defined").body)
        .into_iter()
        .filter(|catch| catch.handles)
        .map(|catch| {
            let body = catch.body.text(&source).split_whitespace();
            let body = body.collect::<Vec<_>>().join(" ");
            (body, catch.falls_through, catch.continues)
        })
        .collect()
}

#[test]
fn handlers_catch() {
    for (body, falls_through, continues) in [
        ("try: a\nexcept E: pass", true, false),
        ("try: a\nexcept E: raise", false, false),
        ("try: a\nexcept* E: pass", true, false),
        (
            "try: a\nexcept E: return\nexcept F:\n    log()",
            true,
            false,
        ),
        (
            "try: a\nexcept E:\n    if b: return\n    raise F",
            false,
            false,
        ),
        ("try: a\nexcept E:\n    if b: return", true, false),
        ("while b:\n    try: a\n    except E: continue", false, true),
        ("while b:\n    try: a\n    except E: break", true, false),
        (
            "while b:\n    try: a\n    except E:\n        if b: continue\n        raise",
            false,
            true,
        ),
        (
            "try: a\nexcept E:\n    for x in y: break\n    raise",
            false,
            false,
        ),
        ("try: a\nfinally: return", false, false),
        (
            "while b:\n    try: a\n    finally:\n        if b: break",
            true,
            false,
        ),
        ("with c.suppress(E): a", true, false),
        ("with s(E) as x, y: a", true, false),
        ("with (y, pytest.raises(E)): a", true, false),
        ("with self.assertRaises(E) as x: a", true, false),
    ] {
        assert_eq!(
            caught(body),
            [("a".to_owned(), falls_through, continues)],
            "{body}"
        );
    }
}

#[test]
fn what_catches_nothing_is_no_catch() {
    for body in [
        "try: a\nfinally: b",
        "with a: b",
        "with suppressed: b",
        "with praises(a): b",
        "def g():\n    try: a\n    except E: pass",
        "x = lambda: a",
    ] {
        assert_eq!(caught(body), [], "{body}");
    }
}

#[test]
fn a_finally_that_jumps_catches_for_the_handlers_too() {
    let found = caught("try: a\nexcept E: b\nfinally: return");
    assert_eq!(
        found,
        [
            ("a".to_owned(), true, false),
            ("a except E: b".to_owned(), false, false),
        ]
    );
}

#[test]
fn guards_are_recognised() {
    use crate::language::usage::Guard::{OnlyIfPresent, RaiseIfMissing, ReturnIfMissing};
    for (guarded, expected) in [
        ("if not x:\n        raise E()", Some(RaiseIfMissing)),
        (
            "if x is None:\n        # why\n        raise E()",
            Some(RaiseIfMissing),
        ),
        ("if x is None:\n        log()\n        raise E()", None),
        ("if None is x:\n        raise E()", None),
        ("if x == None: return", Some(ReturnIfMissing)),
        ("if not (x): return []", Some(ReturnIfMissing)),
        ("if not (x is not None): return []", Some(ReturnIfMissing)),
        ("if x:\n        y()", Some(OnlyIfPresent)),
        ("if x is not None:\n        y()", Some(OnlyIfPresent)),
        ("if not x:\n        y()", None),
        ("if not x: raise E\n    else: y()", None),
        ("if not x:\n        if y: return\n        raise E", None),
        ("if not x or y:\n        raise E", None),
        ("if not y:\n        raise E", None),
        ("if not (x := y):\n        raise E", None),
        ("while not x:\n        raise E", None),
    ] {
        let (fixture, span) = Fixture::marked(&format!("def f():\n    «{guarded}»\n"));
        let found = guard(&fixture.file(), span, "x");
        assert_eq!(found, expected, "{guarded}");
    }
    let (fixture, span) = Fixture::marked("«if not self.pool: raise E»\n");
    assert_eq!(
        guard(&fixture.file(), span, "self.pool"),
        Some(RaiseIfMissing)
    );
}

/// Whether `x.id` is known to be present at the place between `«` and `»` of a function.
fn present(body: &str) -> bool {
    let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
    let (fixture, span) = Fixture::marked(&format!("async def f(x, y):\n{}", lines.concat()));
    known_present(&fixture.file(), "x.id", span)
}

#[test]
fn a_guard_or_branch_makes_presence_certain() {
    for body in [
        "if not x.id: raise E\n«site»",
        "if x.id is None:\n    log()\n    return\nif y:\n    with z:\n        «site»",
        "if not y or not x.id: raise E\n«site»",
        "if not (y and (x.id)): raise E\n«site»",
        "for z in y:\n    if not x.id: continue\n    «site»",
        "if not x.id: return\nelse: z\n«site»",
        "if not x.id:\n    if y: return\n    else: raise E\n«site»",
        "if x.id: «site»",
        "if x.id and y: «site»",
        "if y and (z and x.id is not None): «site»",
        "if y: z\nelif x.id: «site»",
        "if not x.id: z\nelse: «site»",
        "if not x.id: z\nelif y: «site»",
        "if y: z\nelif not x.id: z\nelse: «site»",
        "while x.id: «site»",
        "z = «site» if x.id else y",
        "z = y if not x.id else «site»",
        "z = x.id and y and «site»",
        "z = x.id is None or «site»",
        "if not (z := x.id): return\n«site»",
        "if not x.id: raise E\nx.name = 1\nother.id = 2\n«site»",
        "if not x.id: raise E\nfor z in y: «site»",
        "try:\n    if not x.id: raise E\n    «site»\nexcept E: pass",
    ] {
        assert!(present(body), "{body}");
    }
}

#[test]
fn presence_is_not_certain_otherwise() {
    for body in [
        "«site»",
        "if not x.id: y\n«site»",
        "if not x.id and y: raise E\n«site»",
        "if x.id: raise E\n«site»",
        "if x.id or y: «site»",
        "if x.id: z\nelse: «site»",
        "if x.id: z\n«site»",
        "if not x.id: z\nelif y: z\n«site»",
        "if y: z\nelif x.id: z\nelse: «site»",
        "«site»\nif not x.id: raise E",
        "if not x.name: raise E\n«site»",
        "if not x: raise E\n«site»",
        "if not x.id: raise E\ndef g(): «site»",
        "if not x.id: raise E\nx = z\n«site»",
        "if not x.id: raise E\nx.id = None\n«site»",
        "if not x.id: raise E\ny, x.id = z\n«site»",
        "if not x.id: raise E\nfor x in z: «site»",
        "if not x.id: raise E\nwhile y:\n    «site»\n    x = z",
        "if not x.id: raise E\nwith z as x.id: «site»",
        "while y:\n    if not x.id: break\n«site»",
        "try:\n    if not x.id: raise E\nexcept E: pass\n«site»",
        "z = y if x.id else «site»",
        "z = x.id or «site»",
        "if len(x.id) == 0: raise E\n«site»",
        "if x.id == 1: return\n«site»",
    ] {
        assert!(!present(body), "{body}");
    }
}

#[test]
fn presence_of_a_variable_ends_where_it_is_bound_again() {
    let check = |body: &str| {
        let (fixture, span) = Fixture::marked(&format!("def f():\n{body}    «site»\n"));
        known_present(&fixture.file(), "u", span)
    };
    assert!(check("    u = g()\n    if not u: raise E\n"));
    assert!(check("    if (u := g()) is None: return\n"));
    assert!(check("    if not u: raise E\n    u: str\n"));
    assert!(!check("    u = g()\n    if not u: raise E\n    u = h()\n"));
    assert!(!check("    if not u: raise E\n    del u\n"));
}

#[test]
fn deep_conditions_are_walked_through() {
    let body = format!("if not x.id{}: raise E\n«site»", " or y".repeat(1_500));
    assert!(present(&body));
    let body = format!("if {}x.id: raise E\n«site»", "not ".repeat(1_501));
    assert!(present(&body));
}
