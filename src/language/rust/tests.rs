//! The language Rust, asked about small texts, and everything of every name of odd ones.

use std::sync::Arc;

use tree_sitter::Tree;

use super::{Rust, model};
use crate::edit::splice;
use crate::language::expression::Expression;
use crate::language::import::{ImportChange, ImportPlace, ModuleNames};
use crate::language::usage::Usage;
use crate::language::{Code, ImportKind, Language, Model, ScopeKind, parse};
use crate::source::Span;
use crate::sql::Part;

struct Fixture {
    source: String,
    tree: Arc<Tree>,
    model: Model,
}

impl Fixture {
    fn new(source: &str) -> Self {
        let tree = parse(&Rust, source).expect("parses").tree;
        let model = model(source, &tree);
        Self {
            source: source.to_owned(),
            tree: Arc::new(tree),
            model,
        }
    }

    fn marked(marked: &str) -> (Self, Span) {
        let start = marked.find('«').expect("a «");
        let end = marked.find('»').expect("a »") - '«'.len_utf8();
        let fixture = Self::new(&marked.replace(['«', '»'], ""));
        (fixture, Span::new(start, end))
    }

    fn code(&self) -> Code<'_> {
        Code {
            source: &self.source,
            tree: Arc::clone(&self.tree),
            model: &self.model,
        }
    }
}

/// The lines (from 1) of the bindings that the name between `«` and `»` may mean.
fn bound_at(marked: &str) -> Vec<usize> {
    let (fixture, span) = Fixture::marked(marked);
    let code = fixture.code();
    let reference = code.reference_at(span).expect("a reference");
    let Some(target) = reference.target else {
        return Vec::new();
    };
    let found = fixture.model.bindings_of(target, &reference.name);
    let line = |at: usize| fixture.source[..at].matches('\n').count() + 1;
    found.map(|binding| line(binding.span.start)).collect()
}

#[test]
fn a_name_means_the_nearest_binding_before_it() {
    for (marked, lines) in [
        ("fn f(x: T) {\n let y = «x»;\n}", &[1][..]),
        ("fn f(x: T) {\n let x = «x»;\n}", &[1]),
        ("fn f(x: T) {\n let x = x;\n g(«x»);\n}", &[2]),
        ("fn f() {\n let x = 1;\n let x = 2;\n «x»\n}", &[3]),
        ("fn f() {\n let x = 1;\n { let x = 2; }\n «x»\n}", &[2]),
        ("fn f(x: T) {\n if let Some(x) = «x» {}\n}", &[1]),
        ("fn f(x: T) {\n if let Some(x) = x {\n «x» }\n}", &[2]),
        ("fn f(x: T) {\n if let Some(x) = x {} else { «x» }\n}", &[1]),
        (
            "fn f(x: T) {\n if let Some(y) = x\n && let Z(z) = «y» {}\n}",
            &[2],
        ),
        ("fn f(x: T) {\n while let Some(x) = x {\n «x»; }\n}", &[2]),
        (
            "fn f(x: T) {\n let Some(x) = x else { return «x»; };\n}",
            &[1],
        ),
        (
            "fn f(x: T) {\n let Some(x) = x else { return; };\n «x»\n}",
            &[2],
        ),
        (
            "fn f(x: T) { match x {\n A { x, .. } => «x»,\n B => {}\n} }",
            &[2],
        ),
        ("fn f(x: T) { match x {\n A(x) => {},\n B => «x»\n} }", &[1]),
        (
            "fn f(x: T) { match x {\n y @ 1..=2 if «y» > 1 => {}, _ => {} } }",
            &[2],
        ),
        (
            "fn f(x: T) { match x {\n (a, [b, ..]) => «b», _ => {} } }",
            &[2],
        ),
        ("fn f() {\n for x in 0..3 {\n «x»; }\n}", &[2]),
        ("fn f(x: T) {\n g(|x|\n «x»)\n}", &[2]),
        ("fn f(State(pool): State<PgPool>) {\n «pool»\n}", &[1]),
        ("fn f() {\n «g»();\n}\nfn g() {}", &[4]),
        ("fn f() {\n «g»();\n fn g() {}\n}", &[3]),
        ("fn f() { «unknown»(); }", &[]),
        ("struct S {\n x: u8 }\nimpl S { fn f(&self) { «x» } }", &[]),
        ("fn f(x: T) {\n println!(\"a\", «x»);\n}", &[1]),
        ("fn f(x: T) {\n println!(\"{«x»:?}\");\n}", &[1]),
        ("const Q: &str = \"\";\nfn f() { g(«Q») }", &[1]),
    ] {
        assert_eq!(bound_at(marked), lines, "{marked}");
    }
}

#[test]
fn use_trees_are_read_name_by_name() {
    let fixture = Fixture::new(
        "use a::b::{self, c as d, e::{F, g::*}};\nuse sqlx;\npub use crate::db::Pool;\nuse x::Trait as _;\nmod db;\nextern crate alloc as mem;\n",
    );
    let found: Vec<String> = fixture
        .model
        .imports
        .iter()
        .map(|import| {
            let what = match &import.kind {
                ImportKind::Module { .. } => String::new(),
                ImportKind::Name { name } => format!(" {name}"),
                ImportKind::Star => " *".to_owned(),
            };
            format!("{}{what} = {}", import.module, import.local)
        })
        .collect();
    assert_eq!(
        found,
        [
            "a.b = b",
            "a.b c = d",
            "a.b.e F = F",
            "a.b.e.g * = ",
            "sqlx = sqlx",
            "crate.db Pool = Pool",
            "x Trait = ",
            "self.db = db",
            "alloc = mem"
        ]
    );
    assert!(fixture.model.dynamic);
}

#[test]
fn in_a_module_inside_of_the_file_super_is_the_file() {
    let fixture = Fixture::new(
        "mod a { use super::x; use super::super::y; mod b { use super::z; use super::super::w; } }\n",
    );
    let imports = fixture.model.imports.iter();
    let found: Vec<String> = imports
        .map(|import| format!("{} {}", import.module, import.local))
        .collect();
    assert_eq!(found, ["self x", "super y", "self z", "self w"]);
}

#[test]
fn methods_belong_to_their_type_and_fields_keep_their_type() {
    let fixture = Fixture::new(
        "struct Repo { pool: PgPool }\nimpl Repo { async fn all(&self, State(db): State<PgPool>) {} }\n",
    );
    let model = &fixture.model;
    let class = model
        .scopes
        .iter()
        .position(|scope| scope.kind == ScopeKind::Class)
        .expect("a class");
    let class = crate::language::ScopeId(class as u32);
    let field = model.bindings_of(class, "pool").next().expect("the field");
    assert_eq!(
        fixture.code().text(field.annotation.expect("typed")),
        "PgPool"
    );
    let method = model.bindings_of(class, "all").next().expect("the method");
    let function = model.scope(method.opens.expect("opens"));
    assert!(function.is_async);
    let names: Vec<&str> = function
        .parameters
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(names, ["self", "db"]);
    let annotation = function.parameters[1].annotation.expect("typed");
    assert_eq!(fixture.code().text(annotation), "State<PgPool>");
}

fn texts(marked: &str) -> Vec<String> {
    let (fixture, span) = Fixture::marked(marked);
    let shown = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::Hole => "…".to_owned(),
    };
    Rust.texts(fixture.code(), span)
        .iter()
        .map(|text| text.parts.iter().map(shown).collect())
        .collect()
}

#[test]
fn texts_are_read_as_the_program_would() {
    for (marked, expected) in [
        (r#"fn f() { g(«"a\n\"b\u{41}"»); }"#, "a\n\"bA"),
        ("fn f() { g(«\"a \\\n   b\"»); }", "a b"),
        ("fn f() { g(«r#\"a \"b\"\"#»); }", "a \"b\""),
        (
            r#"fn f() { g(«concat!("a", "b", C)»); } const C: &str = "c";"#,
            "abc",
        ),
        (
            r#"fn f() { g(«&format!("a {x} {{}} {}", y)»); }"#,
            "a … {} …",
        ),
        (r#"const Q: &str = "q"; fn f() { g(«Q»); }"#, "q"),
        (r#"fn f() { let q = "q"; g(«q»); }"#, "q"),
        (
            r#"fn f() { let mut q = "q".to_string(); q.push('x'); g(«&q»); }"#,
            "…",
        ),
        (r#"fn f() { let q = "q"; let q = h(); g(«q»); }"#, "…"),
        (
            r#"fn f() { let q = "q".to_owned(); g(«q.as_str()»); }"#,
            "q",
        ),
        ("fn f(q: &str) { g(«q»); }", "…"),
        (r#"fn f() { g(«b"a"»); }"#, "…"),
    ] {
        assert_eq!(texts(marked), [expected], "{marked}");
    }
}

#[test]
fn an_expression_has_one_outermost_form() {
    for (marked, expected) in [
        ("«pool»", "name pool"),
        ("«self.pool»", "self . pool"),
        ("«sqlx::PgPool::connect»", "sqlx::PgPool . connect"),
        ("«PgPool::connect(u)»", "PgPool::connect (1)"),
        ("«sqlx::query_as::<_, Row>(q)»", "sqlx::query_as (1)"),
        ("«sqlx::query!(\"a, b\", x, f(1, 2))»", "sqlx::query (3)"),
        ("«pool.clone()»", "same pool"),
        ("«&pool»", "same pool"),
        ("«&mut *tx»", "same *tx"),
        ("«pool.begin().await?»", "same pool.begin().await"),
        ("«Repo { pool, other: 1 }»", "Repo (2)"),
        ("«None»", "null"),
        ("«1»", "literal"),
        ("«|x| x»", "other"),
    ] {
        let (fixture, span) = Fixture::marked(&format!("fn f() {{ g({marked}); }}"));
        let code = fixture.code();
        let form = match Rust.expression(&fixture.source, &fixture.tree, span) {
            Expression::Name(name) => format!("name {name}"),
            Expression::Attribute { object, name } => format!("{} . {name}", code.text(object)),
            Expression::Call { callee, arguments } => {
                format!("{} ({})", code.text(callee), arguments.len())
            }
            Expression::Same(span) => format!("same {}", code.text(span)),
            Expression::Null => "null".to_owned(),
            Expression::Literal => "literal".to_owned(),
            _ => "other".to_owned(),
        };
        assert_eq!(form, expected, "{marked}");
    }
}

#[test]
fn a_use_is_told_from_its_surroundings() {
    for (marked, expected) in [
        ("fn f() { «p».begin().await; }", "call begin"),
        ("fn f() { (&mut *«p»).run::<T>(); }", "call run"),
        (
            "fn f() { q.fetch_one(&mut *«p»).await; }",
            "argument q.fetch_one",
        ),
        ("fn f() { let q = «p»; }", "Aliased"),
        ("fn f() { return «p»; }", "Returned"),
        ("fn f() { «p» }", "Returned"),
        ("fn f() { if a { «p» } }", "Other"),
        ("fn f() { S { a: «p» } }", "Stored"),
        ("fn f() { «p».size }", "read size"),
        ("fn f() { «p».size = 1; }", "write size"),
        ("fn f() { g(|| «p») }", "Returned"),
    ] {
        let (fixture, span) = Fixture::marked(marked);
        let code = fixture.code();
        let usage = match Rust.usage(code.clone(), span) {
            Usage::MethodCall(call) => format!("call {}", call.method),
            Usage::Argument { callee, .. } => format!("argument {}", code.text(callee)),
            Usage::AttributeRead { name } => format!("read {name}"),
            Usage::AttributeWrite { name } => format!("write {name}"),
            other => format!("{other:?}"),
        };
        assert_eq!(usage, expected, "{marked}");
    }
}

#[test]
fn only_what_stands_before_in_a_block_around_has_run() {
    for (marked, expected) in [
        ("fn f() { «a()?;» b(); }", true),
        ("fn f() { «a()?;» if c { b(); } }", true),
        ("fn f() { if c { «a()?;» } b(); }", false),
        ("fn f() { «a()?;» g(async move { b(); }) }", false),
        ("fn f() { «a()?;» g(|| b()) }", false),
    ] {
        let (fixture, span) = Fixture::marked(marked);
        let at = fixture.source.find("b()").expect("b()");
        let found = Rust.dominates(fixture.code(), span, Span::new(at, at + 3));
        assert_eq!(found, expected, "{marked}");
    }
}

#[test]
fn exits_are_those_of_the_function_itself() {
    let (fixture, span) = Fixture::marked(
        "fn f() «{ a()?; if b { return Err(c); } panic!(); g(|| d()?); async { e()? }; return Ok(()); }»",
    );
    let code = fixture.code();
    let found = Rust.raises(code.clone(), span);
    let found: Vec<&str> = found.into_iter().map(|span| code.text(span)).collect();
    assert_eq!(found, ["a()?", "return Err(c)", "panic!()"]);
}

#[test]
fn names_go_in_and_out_of_a_use_as_it_is_written() {
    let changed = |source: &str, add: &[&str], drop: &[&str]| {
        let fixture = Fixture::new(source);
        let imports = &fixture.model.imports;
        let statement = imports[0].statement;
        let dropped = imports.iter().filter(|i| drop.contains(&i.local.as_str()));
        let change = ImportChange {
            add: add.iter().map(|name| (*name).to_owned()).collect(),
            drop: dropped.map(|import| import.span).collect(),
        };
        let edits = Rust.change_import(fixture.code(), statement, &change);
        splice(&fixture.source, &edits).expect("the edits fit")
    };
    for (source, add, drop, after) in [
        ("use a::{B, C};\n", &[][..], &["B"][..], "use a::{C};\n"),
        ("use a::{B, C};\n", &[], &["C"], "use a::{B};\n"),
        (
            "use a::{B, C};\nfn f() {}\n",
            &[],
            &["B", "C"],
            "fn f() {}\n",
        ),
        ("use a::{B};\n", &["C"], &[], "use a::{B, C};\n"),
        (
            "use a::{\n    B,\n};\n",
            &["C"],
            &[],
            "use a::{\n    B,\n    C,\n};\n",
        ),
        ("use a::B;\n", &["C"], &[], "use a::{B, C};\n"),
        // In the order that formatters give them.
        ("use a::{C, d};\n", &["b"], &[], "use a::{b, C, d};\n"),
        (
            "use crate::{metrics, state};\n",
            &["db"],
            &[],
            "use crate::{db, metrics, state};\n",
        ),
        (
            "use crate::auth;\nuse crate::state::S;\n",
            &["db"],
            &[],
            "use crate::auth;\nuse crate::db;\nuse crate::state::S;\n",
        ),
        ("pub use a::B;\n", &["C"], &["B"], "pub use a::C;\n"),
    ] {
        assert_eq!(changed(source, add, drop), after, "{source}");
    }
}

#[test]
fn a_statement_goes_with_its_lines_and_no_comment_goes_with_it() {
    for (marked, after) in [
        (
            "fn f() {\n    «a();»\n    b();\n}\n",
            "fn f() {\n    b();\n}\n",
        ),
        ("fn f() { «a();» b(); }\n", "fn f() {  b(); }\n"),
        (
            "fn f() {\n    b();\n    «a()»\n}\n",
            "fn f() {\n    b();\n    ();\n}\n",
        ),
        (
            "fn f() {\n    «a(\n        // why\n        1,\n    );»\n    b();\n}\n",
            "fn f() {\n    // why\n    ();\n    b();\n}\n",
        ),
    ] {
        let (fixture, span) = Fixture::marked(marked);
        let edit = Rust.remove_statement(fixture.code(), span);
        assert_eq!(
            splice(&fixture.source, &[edit]).expect("fits"),
            after,
            "{marked}"
        );
    }
}

#[test]
fn a_new_use_stands_on_a_line_of_its_own() {
    let fixture = Fixture::new("use a::B;\n\nfn f() {}\n");
    let statement = fixture.model.imports[0].statement;
    let names = ModuleNames::from([(
        "crate.db".to_owned(),
        ["x".to_owned(), "y".to_owned()].into(),
    )]);
    let edit = Rust.add_imports(fixture.code(), ImportPlace::Behind(statement), &names);
    assert_eq!(
        splice(&fixture.source, &[edit]).expect("fits"),
        "use crate::db::{x, y};\nuse a::B;\n\nfn f() {}\n"
    );
}

/// Asks everything of every name of a text.
fn ask_everything(source: &str) {
    let Ok(parsed) = parse(&Rust, source) else {
        return;
    };
    let model = model(source, &parsed.tree);
    let _ = Rust.outline(source, &parsed.tree, &model);
    let code = Code {
        source,
        tree: Arc::new(parsed.tree),
        model: &model,
    };
    // A bounded share of the names, so that a long text does not take long.
    let step = model.references.len() / 200 + 1;
    for reference in model.references.iter().step_by(step) {
        let span = reference.span;
        Rust.usage(code.clone(), span);
        Rust.texts(code.clone(), span);
        Rust.expression(source, &code.tree, span);
        if let Some(statement) = Rust.statement(code.clone(), span) {
            Rust.remove_statement(code.clone(), statement);
            Rust.next_statement(code.clone(), statement);
            Rust.siblings(code.clone(), statement);
            Rust.dominates(code.clone(), statement, span);
            Rust.raises(code.clone(), statement);
            Rust.comments(code.clone(), statement);
        }
    }
    for call in &Rust.outline(source, &code.tree, &model).calls {
        if let Expression::Call { arguments, .. } = Rust.expression(source, &code.tree, call.span)
            && let Some(first) = arguments.first()
        {
            Rust.texts(code.clone(), first.value());
        }
    }
    for import in &model.imports {
        let change = ImportChange {
            add: ["New".to_owned()].into(),
            drop: [import.span].into(),
        };
        Rust.change_import(code.clone(), import.statement, &change);
    }
}

#[test]
fn no_text_makes_it_panic() {
    let odd = [
        "",
        "\0",
        "\u{feff}fn",
        "use",
        "use a::{",
        "use a::{self,};",
        "let",
        "fn f(",
        "r#\"",
        "\"\\u{",
        "x!(",
        "x!{,}",
        "impl",
        "mod;",
        "match {",
        "fn f() { let = ; }",
        "🦀",
        "use *;",
        "use {a, b::*};",
        "fn f() { format!(\"{\") }",
        "fn f() { g(\"\\x\"); h(\"\\u{zz}\"); }",
        "use self;",
        "fn f(self) {}",
    ];
    for source in odd {
        ask_everything(source);
    }
    let whole = include_str!("scope.rs");
    ask_everything(whole);
    for (at, _) in whole.char_indices().step_by(997) {
        ask_everything(&whole[at..]);
        ask_everything(&whole[..at]);
    }
}

#[test]
fn deep_nesting_is_walked_without_recursion() {
    ask_everything(&format!(
        "fn f() {{ {} {} }}",
        "{".repeat(900),
        "}".repeat(900)
    ));
    ask_everything(&format!("fn f() {{ {} }}", "let x = x;".repeat(5_000)));
}
