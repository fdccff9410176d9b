//! What the differential test against `CPython` cannot see: kinds, values, imports, spans, and input that no person writes.

use tree_sitter::Parser;

use super::*;
use crate::language::model::{Binding, ImportKind, ParameterKind};
use crate::language::python::tests::Fixture;

/// The only binding of `name`.
fn binding<'f>(fixture: &'f Fixture, name: &str) -> &'f Binding {
    let mut found = fixture
        .model
        .bindings
        .iter()
        .filter(|binding| binding.name == name);
    let binding = found.next().expect("is bound");
    assert!(found.next().is_none(), "{name} is bound once");
    binding
}

fn value_of<'f>(fixture: &'f Fixture, name: &str) -> Option<&'f str> {
    let value = binding(fixture, name).value;
    value.map(|span| span.text(&fixture.source))
}

#[test]
fn a_binding_knows_the_value_that_it_takes_as_a_whole() {
    let fixture = Fixture::new(
        "a = b = f()\nc, (d, *e) = g()\nh: T = 1\ni: T\nj, k = 1, (2)\n(l) = 3\n(m := 4)\nfor n in o: pass\nfor p, q in r: pass\n\
         with s() as t, u() as (v, w): pass\nx += 5\ntry: pass\nexcept E as y: pass\n",
    );
    for (name, value) in [
        ("a", Some("f()")),
        ("b", Some("f()")),
        ("c", None),
        ("d", None),
        ("e", None),
        ("h", Some("1")),
        ("i", None),
        ("j", Some("1")),
        ("k", Some("(2)")),
        ("l", Some("3")),
        ("m", Some("4")),
        ("n", Some("o")),
        ("p", None),
        ("t", Some("s()")),
        ("v", None),
        ("x", None),
        ("y", None),
    ] {
        assert_eq!(value_of(&fixture, name), value, "{name}");
    }
}

#[test]
fn a_binding_knows_its_statement_and_its_kind() {
    let fixture = Fixture::new(
        "@d\ndef f(a, b=1): pass\nclass C: pass\nwith x as y:\n    z = 1\nif (w := 2): pass\n[v for v in u]\nimport m\nmatch n:\n    case o: pass\ntype p = int\ndel q\n",
    );
    for (name, kind, statement) in [
        ("f", BindingKind::Function, "@d\ndef f(a, b=1): pass"),
        ("a", BindingKind::Parameter, "def f(a, b=1): pass"),
        ("C", BindingKind::Class, "class C: pass"),
        ("y", BindingKind::With, "with x as y:\n    z = 1"),
        ("z", BindingKind::Assignment, "z = 1"),
        ("w", BindingKind::Walrus, "if (w := 2): pass"),
        ("v", BindingKind::Comprehension, "[v for v in u]"),
        ("m", BindingKind::Import, "import m"),
        ("o", BindingKind::Pattern, "match n:\n    case o: pass"),
        ("p", BindingKind::Type, "type p = int"),
        ("q", BindingKind::Delete, "del q"),
    ] {
        let found = binding(&fixture, name);
        assert_eq!(found.kind, kind, "{name}");
        assert_eq!(found.statement.text(&fixture.source), statement, "{name}");
    }
}

#[test]
fn a_function_knows_its_parameters() {
    let fixture =
        Fixture::new("async def f(a, /, b: int, c=1, *d: str, e, g: T = 2, **h): yield\n");
    let scope = &fixture.model.scopes[1];
    assert!(scope.is_async && scope.is_generator);
    let parameters: Vec<(&str, ParameterKind, Option<&str>, Option<&str>)> = scope
        .parameters
        .iter()
        .map(|parameter| {
            let text = |span: Option<Span>| span.map(|span| span.text(&fixture.source));
            (
                parameter.name.as_str(),
                parameter.kind,
                text(parameter.annotation),
                text(parameter.default),
            )
        })
        .collect();
    assert_eq!(
        parameters,
        [
            ("a", ParameterKind::PositionalOnly, None, None),
            ("b", ParameterKind::Positional, Some("int"), None),
            ("c", ParameterKind::Positional, None, Some("1")),
            ("d", ParameterKind::Rest, Some("str"), None),
            ("e", ParameterKind::KeywordOnly, None, None),
            ("g", ParameterKind::KeywordOnly, Some("T"), Some("2")),
            ("h", ParameterKind::KeywordRest, None, None),
        ]
    );
    let fixture = Fixture::new("def f(a, *, b): pass\n");
    let kinds: Vec<ParameterKind> = fixture.model.scopes[1]
        .parameters
        .iter()
        .map(|parameter| parameter.kind)
        .collect();
    assert_eq!(
        kinds,
        [ParameterKind::Positional, ParameterKind::KeywordOnly]
    );
}

#[test]
fn scopes_are_in_source_order_and_know_what_is_around_them() {
    let fixture = Fixture::new(
        "@d(lambda: 1)\nclass A(B, C[D], metaclass=M):\n    @e\n    @f.g\n    async def h(self, x=lambda: 2):\n        return [y async for y in (z for z in x)]\n",
    );
    let model = &fixture.model;
    let kinds: Vec<(ScopeKind, &str)> = model
        .scopes
        .iter()
        .map(|scope| (scope.kind, scope.name.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (ScopeKind::Module, ""),
            (ScopeKind::Lambda, ""),
            (ScopeKind::Class, "A"),
            (ScopeKind::Function, "h"),
            (ScopeKind::Lambda, ""),
            (ScopeKind::Comprehension, ""),
            (ScopeKind::Comprehension, ""),
        ]
    );
    let texts = |spans: &[Span]| -> Vec<String> {
        spans
            .iter()
            .map(|span| span.text(&fixture.source).to_owned())
            .collect()
    };
    assert_eq!(texts(&model.scopes[2].bases), ["B", "C"]);
    assert_eq!(texts(&model.scopes[2].decorators), ["d(lambda: 1)"]);
    assert_eq!(texts(&model.scopes[3].decorators), ["e", "f.g"]);
    assert_eq!(model.dotted(ScopeId(3)).as_deref(), Some("A.h"));
    assert_eq!(model.scopes[4].parent, Some(ScopeId(2)));
    // The generator is the first iterable of the comprehension, so it stands beside it.
    assert_eq!(model.scopes[6].parent, Some(ScopeId(3)));
    assert!(model.scopes[5].is_async && !model.scopes[6].is_async);
    let inside = fixture.find("return").start;
    assert_eq!(model.scope_at(inside), ScopeId(3));
}

#[test]
fn imports_are_read_in_all_their_forms() {
    let fixture = Fixture::new(
        "from __future__ import annotations\nimport a.b, c.d as e\nfrom f.g import h, i as j\nfrom . import k\nfrom ...l . m import (n,)\n",
    );
    let imports: Vec<(String, usize, ImportKind, &str, &str)> = fixture
        .model
        .imports
        .iter()
        .map(|import| {
            (
                import.module.clone(),
                import.level,
                import.kind.clone(),
                import.local.as_str(),
                import.span.text(&fixture.source),
            )
        })
        .collect();
    let name = |name: &str| ImportKind::Name {
        name: name.to_owned(),
    };
    let module = |aliased| ImportKind::Module { aliased };
    let expected = [
        (
            "__future__",
            0,
            name("annotations"),
            "annotations",
            "annotations",
        ),
        ("a.b", 0, module(false), "a", "a.b"),
        ("c.d", 0, module(true), "e", "c.d as e"),
        ("f.g", 0, name("h"), "h", "h"),
        ("f.g", 0, name("i"), "j", "i as j"),
        ("", 1, name("k"), "k", "k"),
        ("l.m", 3, name("n"), "n", "n"),
    ]
    .map(|(module, level, kind, local, span)| (module.to_owned(), level, kind, local, span));
    assert_eq!(imports, expected);
    assert!(!fixture.model.dynamic);
}

#[test]
fn an_import_knows_where_it_stands() {
    let fixture = Fixture::new(
        "import a\nif TYPE_CHECKING:\n    import b\nif typing.TYPE_CHECKING:\n    import c\nelse:\n    import d\ntry:\n    import e\nexcept ImportError:\n    e = None\n\
         def f():\n    import g\n    if x:\n        import h\n    global i\n    import i\nclass C:\n    import j\n",
    );
    let found: Vec<(&str, bool, bool, ScopeId)> = fixture
        .model
        .imports
        .iter()
        .map(|import| {
            (
                import.local.as_str(),
                import.type_checking,
                import.conditional,
                import.scope,
            )
        })
        .collect();
    let (function, class) = (ScopeId(1), ScopeId(2));
    assert_eq!(
        found,
        [
            ("a", false, false, Model::MODULE),
            ("b", true, true, Model::MODULE),
            ("c", true, true, Model::MODULE),
            ("d", false, true, Model::MODULE),
            ("e", false, true, Model::MODULE),
            ("g", false, false, function),
            ("h", false, true, function),
            ("i", false, false, Model::MODULE),
            ("j", false, false, class),
        ]
    );
}

#[test]
fn names_that_come_unseen_are_told() {
    for (source, dynamic) in [
        ("from x import *\n", true),
        ("exec('a = 1')\n", true),
        ("globals()['a'] = 1\n", true),
        ("def f(): return locals()\n", true),
        ("vars()['a'] = 1\n", true),
        ("__all__ = ['a'] + b.__all__\n", true),
        ("__all__ = [n for n in dir()]\n", true),
        ("vars(a)\n", false),
        ("a.exec('b')\n", false),
        ("def exec(a): pass\nexec('b')\n", false),
        (
            "__all__ = ['a', 'b']\n__all__ += ('c',)\n__all__.append('d')\n",
            false,
        ),
    ] {
        assert_eq!(Fixture::new(source).model.dynamic, dynamic, "{source}");
    }
}

/// The names that are read, with their kinds.
fn reads(source: &str) -> Vec<(String, ReferenceKind)> {
    Fixture::new(source)
        .model
        .references
        .iter()
        .map(|reference| (reference.name.to_string(), reference.kind))
        .collect()
}

#[test]
fn names_in_annotations_are_told_from_reads() {
    use ReferenceKind::{Annotation, Read};
    let name = |name: &str, kind| (name.to_owned(), kind);
    assert_eq!(
        reads("def f(a: 'x.Pool | None' = B, *c: D[E]) -> \"F\": pass\n"),
        [
            name("x", Annotation),
            name("B", Read),
            name("D", Annotation),
            name("E", Annotation),
            name("F", Annotation)
        ]
    );
    assert_eq!(
        reads("a: Literal['b', 'c']\nd: t.Annotated['E', 'f', G('h')] = 'i'\n"),
        [
            name("Literal", Annotation),
            name("t", Annotation),
            name("E", Annotation),
            name("G", Annotation)
        ]
    );
}

#[test]
fn exported_names_are_in_use() {
    let fixture = Fixture::new("from x import y\n__all__ = ['y', \"z\"]\n");
    let references = &fixture.model.references;
    assert_eq!(references.len(), 2);
    assert_eq!(references[0].span.text(&fixture.source), "y");
    assert_eq!(references[0].target, Some(Model::MODULE));
    assert_eq!(references[1].target, None);
}

#[test]
fn an_augmented_assignment_reads_and_writes() {
    let found = reads("a += b\n");
    assert_eq!(found[0], ("a".to_owned(), ReferenceKind::ReadWrite));
    assert_eq!(found[1], ("b".to_owned(), ReferenceKind::Read));
}

#[test]
fn type_parameters_are_seen_by_annotations_and_body() {
    let fixture = Fixture::new(
        "class A:\n    B = 1\n    def f[T: B](self, a: T = T) -> T:\n        return T, B\nclass C[U](D[U]):\n    x: U\n    def g(self): return U\ntype V[W] = list[W]\n",
    );
    let model = &fixture.model;
    let owner = |index: usize, name: &str| -> Option<ScopeKind> {
        let mut found = model.references.iter().filter(|r| r.name == name);
        let reference = found.nth(index).expect("is read");
        reference.target.map(|target| model.scope(target).kind)
    };
    let typed = Some(ScopeKind::TypeParameters);
    // The bound sees the class; the annotation sees T; the default and the module do not.
    assert_eq!(owner(0, "B"), Some(ScopeKind::Class));
    assert_eq!(owner(0, "T"), typed);
    assert_eq!(owner(1, "T"), None);
    assert_eq!(owner(2, "T"), typed);
    assert_eq!(owner(3, "T"), typed);
    assert_eq!(owner(1, "B"), None);
    for index in 0..3 {
        assert_eq!(owner(index, "U"), typed);
    }
    assert_eq!(owner(0, "W"), typed);
    let body = fixture.find("return T").start;
    let inside = model.scope_at(body);
    assert_eq!(model.scope(inside).name, "f");
    assert_eq!(model.dotted(inside).as_deref(), Some("A.f"));
    assert!(model.resolve(inside, "T").is_some());
    assert_eq!(model.resolve(inside, "B"), None);
}

/// A model straight from the parser, without the limit on depth.
fn unlimited(source: &str) -> Model {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_python::LANGUAGE.into())
        .expect("the grammar loads");
    model(source, &parser.parse(source, None).expect("parses"))
}

#[test]
fn ten_thousand_levels_do_not_overflow_the_stack() {
    let levels = 10_000;
    let lambdas = format!("x = {}y\n", "lambda a: ".repeat(levels));
    assert_eq!(unlimited(&lambdas).scopes.len(), levels + 1);
    let brackets = format!("x = {}y{}\n", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(unlimited(&brackets).references.len(), 1);
    let targets = format!("{}y{} = x\n", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(unlimited(&targets).bindings.len(), 1);
    let nested = format!(
        "x = {}y{}\n",
        "[a for a in ".repeat(levels),
        "]".repeat(levels)
    );
    assert_eq!(unlimited(&nested).scopes.len(), levels + 1);
    let chain = format!("{}y\n", "x = ".repeat(levels));
    assert_eq!(unlimited(&chain).bindings.len(), levels);
    let attributes = format!("y{}\n", ".x".repeat(levels));
    assert_eq!(unlimited(&attributes).references.len(), 1);
    let sums = format!("__all__ = {}[]\n", "[] + ".repeat(levels));
    assert_eq!(unlimited(&sums).bindings.len(), 1);
    let patterns = format!(
        "match x:\n  case {}y{}: pass\n",
        "[".repeat(levels),
        "]".repeat(levels)
    );
    assert_eq!(unlimited(&patterns).bindings.len(), 1);
}

#[test]
fn broken_syntax_gives_what_can_be_had() {
    let fixture = Fixture::new("def f(a, b:\n    c = a\n\ndef g(d):\n    return d + (\n");
    assert!(fixture.model.references.iter().any(|r| r.name == "a"));
    // Every prefix of a text that uses the whole grammar, and every text with one byte less.
    let source = include_str!("../../../../tests/python_scopes.txt");
    for sample in source.split("# ---") {
        for cut in (0..sample.len()).filter(|at| sample.is_char_boundary(*at)) {
            unlimited(&sample[..cut]);
        }
        for cut in (1..sample.len()).step_by(7) {
            if sample.is_char_boundary(cut) && sample.is_char_boundary(cut - 1) {
                unlimited(&format!("{}{}", &sample[..cut - 1], &sample[cut..]));
            }
        }
    }
}

#[test]
fn the_scope_of_a_place_is_the_innermost_whose_body_holds_it() {
    let samples = include_str!("../../../../tests/python_scopes.txt");
    for source in samples.split("# ---") {
        let Ok(parsed) = crate::language::parse(&crate::language::python::Python, source) else {
            continue;
        };
        let model = model(source, &parsed.tree);
        for offset in 0..=source.len() {
            let inside = |scope: &Scope| scope.body.start <= offset && offset < scope.body.end;
            let innermost = model.scopes.iter().rposition(inside).unwrap_or(0);
            assert_eq!(
                model.scope_at(offset),
                ScopeId(innermost as u32),
                "{offset} of {source}"
            );
        }
    }
}
