//! What runs before what, seen from both sides.

use super::*;
use crate::language::python::tests::Fixture;

/// Whether the statement between `«` and `»` dominates the name `site`.
fn dominated(marked: &str) -> bool {
    let (fixture, span) = Fixture::marked(marked);
    dominates(&fixture.file(), span, fixture.find("site"))
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

fn kinds(marked: &str) -> Vec<ExitKind> {
    let (fixture, span) = Fixture::marked(marked);
    exits(&fixture.file(), span)
        .into_iter()
        .map(|exit| exit.kind)
        .collect()
}

#[test]
fn exits_of_a_body_are_found() {
    use ExitKind::{Await, Break, Continue, Raise, Return, Yield};
    assert_eq!(
        kinds("async def f():\n    «if a: return 1\n    await b\n    yield c\n    raise d»\n"),
        [Return, Await, Yield, Raise]
    );
    assert_eq!(
        kinds("while a:\n    «if b: break\n    continue»\n"),
        [Break, Continue]
    );
    assert_eq!(
        kinds("while a:\n    «for b in c:\n        break\n    else:\n        continue»\n"),
        [Continue]
    );
    assert_eq!(kinds("«def f():\n    return 1\ng = lambda: (yield)»\n"), []);
    assert_eq!(
        kinds("«async with a:\n    async for b in c: pass\nx = [d async for d in e]»\n"),
        [Await, Await, Await]
    );
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
        let block = fixture
            .file()
            .model
            .scopes
            .iter()
            .find(|scope| scope.name == "f")
            .map(|scope| scope.body);
        assert_eq!(block, Some(span));
        assert_eq!(always_leaves(&fixture.file(), span), expected, "{body}");
    }
}

fn loop_kind(marked: &str) -> Option<LoopKind> {
    let (fixture, span) = Fixture::marked(marked);
    enclosing_loop(&fixture.file(), span).map(|found| found.kind)
}

#[test]
fn the_loop_around_a_site_is_found() {
    assert_eq!(
        loop_kind("for a in b:\n    if c: «d»\n"),
        Some(LoopKind::For)
    );
    assert_eq!(
        loop_kind("async def f():\n    async for a in b: «d»\n"),
        Some(LoopKind::AsyncFor)
    );
    assert_eq!(loop_kind("while «d»: pass\n"), Some(LoopKind::While));
    assert_eq!(loop_kind("for a in «d»: pass\n"), None);
    assert_eq!(loop_kind("for a in b: pass\nelse: «d»\n"), None);
    assert_eq!(loop_kind("for a in b:\n    def f(): «d»\n"), None);
    assert_eq!(loop_kind("for a in b:\n    f = lambda: «d»\n"), None);
    assert_eq!(
        loop_kind("[«d» for a in b]\n"),
        Some(LoopKind::Comprehension)
    );
    assert_eq!(
        loop_kind("[a for a in b if «d»]\n"),
        Some(LoopKind::Comprehension)
    );
    assert_eq!(
        loop_kind("[a for b in c for a in «d»]\n"),
        Some(LoopKind::Comprehension)
    );
    assert_eq!(loop_kind("[a for a in «d».e()]\n"), None);
    assert_eq!(
        loop_kind("for x in y:\n    [a for a in «d»]\n"),
        Some(LoopKind::For)
    );
}

#[test]
fn the_handlers_around_a_site_are_described() {
    let (fixture, span) = Fixture::marked(
        "def f():\n    try:\n        try:\n            «site»\n        except (A, B) as e:\n            log()\n            raise\n        \
         except C:\n            if a: return\n            raise\n        except:\n            pass\n    finally:\n        done()\n",
    );
    let file = fixture.file();
    let tries = tries_around(&file, span);
    assert_eq!(tries.len(), 2);
    let handlers: Vec<(Vec<&str>, bool, bool)> = tries[0]
        .handlers
        .iter()
        .map(|handler| {
            let types = handler.types.iter().map(|span| file.text(*span)).collect();
            (types, handler.always_raises, handler.always_leaves)
        })
        .collect();
    assert_eq!(
        handlers,
        [
            (vec!["A", "B"], true, true),
            (vec!["C"], false, true),
            (vec![], false, false),
        ]
    );
    assert!(tries[0].finally.is_none());
    assert_eq!(file.text(tries[1].finally.expect("has one")), "done()");
    assert!(tries_around(&file, tries[0].handlers[0].body).len() == 1);
    assert_eq!(try_at(&file, tries[0].span).as_ref(), Some(&tries[0]));
}

#[test]
fn a_try_around_a_nested_function_is_not_around_its_body() {
    let (fixture, span) = Fixture::marked("try:\n    def f(): «site»\nexcept E: pass\n");
    assert!(tries_around(&fixture.file(), span).is_empty());
}

#[test]
fn guards_are_recognised() {
    use GuardKind::{BranchIfPresent, RaiseIfMissing, ReturnIfMissing};
    for (guarded, expected) in [
        ("if not x:\n        raise E()", Some(RaiseIfMissing)),
        (
            "if x is None:\n        log()\n        raise E()",
            Some(RaiseIfMissing),
        ),
        ("if None is x:\n        raise E()", None),
        ("if x == None: return", Some(ReturnIfMissing)),
        ("if not (x): return []", Some(ReturnIfMissing)),
        ("if x:\n        y()", Some(BranchIfPresent)),
        ("if x is not None:\n        y()", Some(BranchIfPresent)),
        ("if not x:\n        y()", None),
        ("if not x:\n        if y: return\n        raise E", None),
        ("if not x or y:\n        raise E", None),
        ("if not y:\n        raise E", None),
        ("while not x:\n        raise E", None),
    ] {
        let source = format!("def f():\n    «x = g()»  # comment\n    # comment\n    {guarded}\n");
        let (fixture, span) = Fixture::marked(&source);
        let found = guard_after(&fixture.file(), span, "x");
        assert_eq!(found.map(|guard| guard.kind), expected, "{source}");
    }
}

#[test]
fn statements_and_blocks_are_found() {
    let (fixture, span) = Fixture::marked("@d\ndef f():\n    a; b(«c»)  # d\n\n    e\n");
    let file = fixture.file();
    let statement = statement_of(&file, span).expect("inside a statement");
    assert_eq!(file.text(statement), "b(c)");
    let block = block_of(&file, statement).expect("inside a block");
    let texts: Vec<&str> = statements_in(&file, block)
        .into_iter()
        .map(|span| file.text(span))
        .collect();
    assert_eq!(texts, ["a", "b(c)", "e"]);
    let next = next_statement(&file, statement).expect("one follows");
    assert_eq!(file.text(next), "e");
    let before = previous_statement(&file, statement).expect("one precedes");
    assert_eq!(file.text(before), "a");
    assert_eq!(next_statement(&file, next), None);
    let function = statement_of(&file, block).expect("inside the function");
    assert!(file.text(function).starts_with("@d"));
    assert_eq!(
        block_of(&file, function),
        Some(fixture.tree.root_node().into())
    );
}
