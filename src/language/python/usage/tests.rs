//! Every surrounding of a name, and the word for it.

use super::*;
use crate::language::python::tests::Fixture;

/// How the name between `«` and `»` is used.
fn used(marked: &str) -> (Usage, Fixture) {
    let (fixture, span) = Fixture::marked(marked);
    (usage(&fixture.file(), span), fixture)
}

fn name_of(marked: &str) -> String {
    let (usage, _) = used(marked);
    let debug = format!("{usage:?}");
    debug
        .split([' ', '{', '('])
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_method_call_is_told_from_its_await() {
    let (usage, fixture) = used("rows = await («c».fetch(q, 1))\n");
    let Usage::MethodCall {
        method,
        call,
        arguments,
        awaited,
        whole,
    } = usage
    else {
        panic!("{usage:?}");
    };
    let file = fixture.file();
    assert_eq!(method, "fetch");
    assert_eq!(file.text(call), "c.fetch(q, 1)");
    assert_eq!(file.text(arguments), "(q, 1)");
    assert!(awaited);
    assert_eq!(file.text(whole), "await (c.fetch(q, 1))");
    let (usage, _) = used("task = «c».fetch(q)\n");
    assert!(matches!(usage, Usage::MethodCall { awaited: false, .. }));
    let (usage, _) = used("(await «c».fetch(q))[0].x()\n");
    assert!(matches!(usage, Usage::MethodCall { awaited: true, .. }));
}

#[test]
fn a_context_item_is_told_with_and_without_a_method() {
    for (source, with_method, with_async, with_target) in [
        (
            "async with «c».transaction():\n    pass\n",
            true,
            true,
            false,
        ),
        (
            "async with «c».transaction() as t:\n    pass\n",
            true,
            true,
            true,
        ),
        (
            "with (a as b, «c».x() as t):\n    pass\n",
            true,
            false,
            true,
        ),
        ("with («c».x() as t):\n    pass\n", true, false, true),
        ("with («c».x()):\n    pass\n", true, false, false),
        ("with «c» as d:\n    pass\n", false, false, true),
        ("with «c»:\n    pass\n", false, false, false),
    ] {
        match used(source).0 {
            Usage::ContextItem {
                method,
                is_async,
                target,
                ..
            } => assert_eq!(
                (method.is_some(), is_async, target.is_some()),
                (with_method, with_async, with_target),
                "{source}"
            ),
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn an_iteration_is_told_with_and_without_a_method() {
    for (source, with_method, with_async) in [
        ("async for r in «c».cursor(q):\n    pass\n", true, true),
        ("x = [r async for r in «c».cursor(q)]\n", true, true),
        ("for r in «c»:\n    pass\n", false, false),
        ("x = {r for r in «c»}\n", false, false),
    ] {
        match used(source).0 {
            Usage::Iterated {
                method, is_async, ..
            } => {
                assert_eq!((method.is_some(), is_async), (with_method, with_async));
            }
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn every_surrounding_has_its_word() {
    for (source, expected) in [
        ("«c».x\n", "Attribute"),
        ("«c»[0]\n", "Subscripted"),
        ("«c»(1)\n", "Called"),
        ("f(«c»)\n", "Argument"),
        ("f(k=(«c»))\n", "Argument"),
        ("f(*«c»)\n", "Argument"),
        ("f(**«c»)\n", "Argument"),
        ("class D(«c»): pass\n", "Other"),
        ("def f(): return «c»\n", "Returned"),
        ("def f(): return «c», 1\n", "StoredIn"),
        ("f = lambda: «c»\n", "Returned"),
        ("def f(): yield «c»\n", "Yielded"),
        ("await «c»\n", "Awaited"),
        ("d = «c»\n", "AssignedTo"),
        ("d = (e := «c»)\n", "AssignedTo"),
        ("d: T = «c»\n", "AssignedTo"),
        ("d = e = «c»\n", "AssignedTo"),
        ("d.e = f = «c»\n", "StoredIn"),
        ("d.e = «c»\n", "StoredIn"),
        ("d[e] = «c»\n", "StoredIn"),
        ("d, e = «c»\n", "StoredIn"),
        ("d = [«c»]\n", "StoredIn"),
        ("d = {1: «c»}\n", "StoredIn"),
        ("d = {*«c»}\n", "StoredIn"),
        ("d = [«c» for e in f]\n", "StoredIn"),
        ("def f(d=«c»): pass\n", "StoredIn"),
        ("«c» is None\n", "Compared"),
        ("if «c»: pass\n", "Tested"),
        ("if not «c»: pass\n", "Tested"),
        ("if a and «c»: pass\n", "Tested"),
        ("assert «c»\n", "Tested"),
        ("d = «c» and e\n", "Tested"),
        ("d = «c» or e\n", "AssignedTo"),
        ("f(e or «c»)\n", "Argument"),
        ("d = 1 if «c» else 2\n", "Tested"),
        ("d = «c» if e else 2\n", "AssignedTo"),
        ("del «c»\n", "Deleted"),
        ("f'{«c»}'\n", "Interpolated"),
        ("f'{d:{«c»}}'\n", "Interpolated"),
        ("«c» = 1\n", "Bound"),
        ("«c» += 1\n", "Bound"),
        ("with d as «c»: pass\n", "Bound"),
        ("for «c» in d: pass\n", "Bound"),
        ("«c»\n", "Discarded"),
        ("d[«c»]\n", "Other"),
        ("d = «c» + 1\n", "Other"),
    ] {
        assert_eq!(name_of(source), expected, "{source}");
    }
}

#[test]
fn an_argument_tells_its_place() {
    let (usage, fixture) = used("f.g(1, *a, k=«c»)\n");
    let Usage::Argument {
        callee,
        keyword,
        position,
        ..
    } = usage
    else {
        panic!("{usage:?}");
    };
    assert_eq!(fixture.file().text(callee), "f.g");
    assert_eq!(keyword.as_deref(), Some("k"));
    assert_eq!(position, 2);
}

#[test]
fn a_written_attribute_is_told() {
    for (source, expected) in [
        ("«c».x = 1\n", true),
        ("«c».x += 1\n", true),
        ("a, («c».x, b) = d\n", true),
        ("del «c».x\n", true),
        ("for «c».x in d: pass\n", true),
        ("with d as «c».x: pass\n", true),
        ("d = «c».x\n", false),
        ("d = («c».x, 1)\n", false),
        ("«c».x.y = 1\n", false),
    ] {
        match used(source).0 {
            Usage::Attribute { written, .. } => assert_eq!(written, expected, "{source}"),
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn arguments_are_told_by_kind() {
    let (fixture, span) = Fixture::marked("f«(a, *b, k=1, # why\n  **d)»\n");
    let file = fixture.file();
    let found: Vec<(ArgumentKind, &str)> = arguments(&file, span)
        .into_iter()
        .map(|argument| (argument.kind, file.text(argument.value)))
        .collect();
    assert_eq!(
        found,
        [
            (ArgumentKind::Positional, "a"),
            (ArgumentKind::Star, "b"),
            (ArgumentKind::Keyword("k".to_owned()), "1"),
            (ArgumentKind::DoubleStar, "d"),
        ]
    );
    let (fixture, span) = Fixture::marked("f«(a for a in b)»\n");
    assert_eq!(arguments(&fixture.file(), span).len(), 1);
}
