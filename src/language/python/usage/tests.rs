//! Every surrounding of a name, and the word for it.

use super::*;
use crate::language::python::tests::Fixture;

/// How the name between `«` and `»` is used.
fn used(marked: &str) -> (Usage, Fixture) {
    let (fixture, span) = Fixture::marked(marked);
    (usage(&fixture.file(), span), fixture)
}

fn method_call(marked: &str) -> (MethodCall, Fixture) {
    match used(marked) {
        (Usage::MethodCall(call), fixture) => (call, fixture),
        (other, _) => panic!("{marked}: {other:?}"),
    }
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
    let (call, fixture) = method_call("rows = await («c».fetch(q, 1))\n");
    let file = fixture.file();
    assert_eq!(call.method, "fetch");
    assert_eq!(file.text(call.callee), "c.fetch");
    assert_eq!(file.text(call.call), "c.fetch(q, 1)");
    assert_eq!(file.text(call.whole), "await (c.fetch(q, 1))");
    let values: Vec<&str> = call
        .arguments
        .iter()
        .map(|argument| file.text(argument.value()))
        .collect();
    assert_eq!(values, ["q", "1"]);
}

#[test]
fn the_manner_of_a_method_call_is_told() {
    use Manner::{Awaited, Entered, Iterated, Plain};
    for (source, manner) in [
        ("rows = await «c».fetch(q)\n", Awaited),
        ("(await («c»).fetch(q))[0].x()\n", Awaited),
        ("task = «c».fetch(q)\n", Plain),
        ("async with «c».transaction():\n    pass\n", Entered),
        ("async with «c».transaction() as t:\n    pass\n", Entered),
        ("with (a as b, «c».x() as t):\n    pass\n", Entered),
        ("with («c».x() as t):\n    pass\n", Entered),
        ("with («c».x()):\n    pass\n", Entered),
        ("async for r in «c».cursor(q):\n    pass\n", Iterated),
        ("x = [r async for r in «c».cursor(q)]\n", Iterated),
        ("for «c».x() in y:\n    pass\n", Plain),
        ("with a as «c».x().y:\n    pass\n", Plain),
        ("match «c».x():\n    case 1: pass\n", Plain),
    ] {
        assert_eq!(method_call(source).0.manner, manner, "{source}");
    }
}

#[test]
fn every_surrounding_has_its_word() {
    for (source, expected) in [
        ("«c».x\n", "AttributeRead"),
        ("«c»[0]\n", "Other"),
        ("«c»[0] = 1\n", "Other"),
        ("«c»(1)\n", "Called"),
        ("f(«c»)\n", "Argument"),
        ("f(k=(«c»))\n", "Argument"),
        ("f(*«c»)\n", "Argument"),
        ("f(**«c»)\n", "Argument"),
        ("f(e or «c»)\n", "Argument"),
        ("f([«c»])\n", "Stored"),
        ("class D(«c»): pass\n", "Other"),
        ("class D(k=«c»): pass\n", "Other"),
        ("def f(): return «c»\n", "Returned"),
        ("def f(): return «c», 1\n", "Returned"),
        ("def f(): return {'a': «c»}\n", "Returned"),
        ("def f(): return [d, «c»]\n", "Returned"),
        ("f = lambda: «c»\n", "Returned"),
        ("def f(): yield «c»\n", "Yielded"),
        ("def f(): yield from «c»\n", "Yielded"),
        ("def f(): yield «c», 1\n", "Yielded"),
        ("await «c»\n", "Awaited"),
        ("d = «c»\n", "Aliased"),
        ("d = (e := «c»)\n", "Aliased"),
        ("d: T = «c»\n", "Aliased"),
        ("d = e = «c»\n", "Aliased"),
        ("d = «c» or e\n", "Aliased"),
        ("d = a or b or «c» or e\n", "Aliased"),
        ("d = «c» if e else 2\n", "Aliased"),
        ("d = e if f else («c»)\n", "Aliased"),
        ("d.e = f = «c»\n", "Stored"),
        ("f = d.e = «c»\n", "Stored"),
        ("d.e = «c»\n", "Stored"),
        ("d[e] = «c»\n", "Stored"),
        ("d, e = «c»\n", "Stored"),
        ("d = [«c»]\n", "Stored"),
        ("d = {1: «c»}\n", "Stored"),
        ("d = {*«c»}\n", "Stored"),
        ("d = «c», 1\n", "Stored"),
        ("d = [«c» for e in f]\n", "Stored"),
        ("def f(d=«c»): pass\n", "Stored"),
        ("def f(d: T = «c»): pass\n", "Stored"),
        ("«c» is None\n", "Tested"),
        ("d = «c» == e\n", "Tested"),
        ("if «c»: pass\n", "Tested"),
        ("if a: pass\nelif «c»: pass\n", "Tested"),
        ("while «c»: pass\n", "Tested"),
        ("if not «c»: pass\n", "Tested"),
        ("if a and «c»: pass\n", "Tested"),
        ("x = [d for d in e if «c»]\n", "Tested"),
        ("assert «c»\n", "Tested"),
        ("assert a, «c»\n", "Other"),
        ("d = «c» and e\n", "Tested"),
        ("d = 1 if «c» else 2\n", "Tested"),
        ("«c»\n", "Tested"),
        ("del «c»\n", "Deleted"),
        ("f'{«c»}'\n", "Interpolated"),
        ("f'{d:{«c»}}'\n", "Interpolated"),
        ("with «c» as d:\n    pass\n", "Entered"),
        ("async with «c»:\n    pass\n", "Entered"),
        ("with (a, «c»):\n    pass\n", "Entered"),
        ("«c» = 1\n", "Other"),
        ("«c» += 1\n", "Other"),
        ("d += «c»\n", "Other"),
        ("with d as «c»: pass\n", "Other"),
        ("for «c» in d: pass\n", "Other"),
        ("for d in «c»: pass\n", "Other"),
        ("match «c»:\n    case d: pass\n", "Other"),
        ("try: pass\nexcept «c» as d: pass\n", "Other"),
        ("d[«c»]\n", "Other"),
        ("d = «c» + 1\n", "Other"),
        ("def f(d: «c»): pass\n", "Other"),
        ("raise «c»\n", "Other"),
    ] {
        assert_eq!(name_of(source), expected, "{source}");
    }
}

#[test]
fn what_is_called_on_one_of_several_values_is_not_known_to_be_called_on_this_one() {
    for source in [
        "(«c» or d).fetch(q)\n",
        "(d if e else «c»).fetch(q)\n",
        "(d and («c»)).x = 1\n",
    ] {
        assert_eq!(used(source).0, Usage::Other, "{source}");
    }
}

#[test]
fn an_argument_knows_its_call() {
    let (usage, fixture) = used("f.g(1, *a, k=«c»)\n");
    let Usage::Argument { call, callee } = usage else {
        panic!("{usage:?}");
    };
    assert_eq!(fixture.file().text(callee), "f.g");
    assert_eq!(fixture.file().text(call), "f.g(1, *a, k=c)");
}

#[test]
fn a_written_attribute_is_told() {
    let name = || "x".to_owned();
    for (source, expected) in [
        ("«c».x = 1\n", Usage::AttributeWrite { name: name() }),
        ("«c».x += 1\n", Usage::AttributeWrite { name: name() }),
        (
            "a, («c».x, b) = d\n",
            Usage::AttributeWrite { name: name() },
        ),
        ("del «c».x\n", Usage::AttributeWrite { name: name() }),
        (
            "for «c».x in d: pass\n",
            Usage::AttributeWrite { name: name() },
        ),
        (
            "with d as «c».x: pass\n",
            Usage::AttributeWrite { name: name() },
        ),
        ("d = «c».x\n", Usage::AttributeRead { name: name() }),
        ("d = («c».x, 1)\n", Usage::AttributeRead { name: name() }),
        ("«c».x.y = 1\n", Usage::AttributeRead { name: name() }),
    ] {
        assert_eq!(used(source).0, expected, "{source}");
    }
}

#[test]
fn looking_into_a_container_is_told_from_changing_it() {
    for (source, expected) in [
        ("x = «c»['k']\n", true),
        ("x = «c»['k'].y()\n", true),
        ("x = «c».get('k')\n", true),
        ("for x in «c».items(): pass\n", true),
        ("for x in «c»: pass\n", true),
        ("x = [y for y in «c»]\n", true),
        ("x = y in «c»\n", true),
        ("if «c»: pass\n", true),
        ("«c»['k'] = 1\n", false),
        ("del «c»['k']\n", false),
        ("«c».pop('k')\n", false),
        ("f(«c»)\n", false),
        ("x = «c»\n", false),
        ("return_ = «c»\n", false),
        ("«c» += [1]\n", false),
    ] {
        let (fixture, span) = Fixture::marked(source);
        assert_eq!(only_looks_into(&fixture.file(), span), expected, "{source}");
    }
}

#[test]
fn deep_operations_are_walked_through() {
    let source = format!("d = «c»{}\n", " or e".repeat(1_500));
    assert_eq!(name_of(&source), "Aliased");
}
