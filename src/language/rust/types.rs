//! Types as Rust writes them, what they are the types of, and which code is for tests only.

use tree_sitter::Node;

use super::nodes::{children, path};
use super::scope::attributes;
use crate::language::Code;
use crate::language::types::{TypeForm, TypeUse};
use crate::source::Span;

/// Types that hand the value inside of them on to whoever uses them as that.
pub(super) const WRAPPERS: [&str; 29] = [
    "Option",
    "Result",
    "Arc",
    "Rc",
    "Box",
    "Cow",
    "Pin",
    "Ref",
    "RefMut",
    "Cell",
    "RefCell",
    "Mutex",
    "MutexGuard",
    "RwLock",
    "OnceCell",
    "OnceLock",
    "LazyLock",
    "LazyCell",
    "Lazy",
    "ArcSwap",
    "State",
    "Data",
    "Extension",
    "ReqData",
    "ThinData",
    "Json",
    "Path",
    "Query",
    "Form",
];

/// The form of the type at `span`.
pub(super) fn form(code: &Code<'_>, span: Span) -> Option<TypeForm> {
    let node = path(&code.tree, span)
        .into_iter()
        .rfind(|node| node.is_named() && Span::from(*node) == span)?;
    of_node(node)
}

fn of_node(node: Node<'_>) -> Option<TypeForm> {
    let mut node = node;
    let mut arguments = Vec::new();
    let (mut is_reference, mut is_promise) = (false, false);
    // Each round goes one level in.
    loop {
        match node.kind() {
            "reference_type" => {
                is_reference = true;
                node = node.child_by_field_name("type")?;
            }
            "dynamic_type" | "abstract_type" => {
                is_promise = true;
                node = node.child_by_field_name("trait")?;
            }
            "bounded_type" => node = children(node).into_iter().next()?,
            "generic_type" | "generic_type_with_turbofish" => {
                if let Some(list) = node.child_by_field_name("type_arguments") {
                    let types = children(list).into_iter();
                    arguments = types
                        .filter(|child| child.kind() != "lifetime")
                        .map(Span::from)
                        .collect();
                }
                node = node.child_by_field_name("type")?;
            }
            "tuple_type" => {
                // One in parentheses is itself.
                let mut parts = children(node).into_iter();
                let (Some(only), None) = (parts.next(), parts.next()) else {
                    return None;
                };
                node = only;
            }
            "type_identifier"
            | "identifier"
            | "scoped_type_identifier"
            | "scoped_identifier"
            | "primitive_type"
            | "self" => break,
            _ => return None,
        }
    }
    Some(TypeForm {
        name: node.into(),
        arguments,
        is_reference,
        is_promise,
    })
}

/// What the function at `span` declares to give back.
pub(super) fn declared_result(code: &Code<'_>, span: Span) -> Option<Span> {
    path(&code.tree, span)
        .into_iter()
        .rfind(|node| {
            Span::from(*node) == span
                && matches!(node.kind(), "function_item" | "function_signature_item")
        })?
        .child_by_field_name("return_type")
        .map(Span::from)
}

/// The type and the field that a pattern takes the name at `binding` from.
pub(super) fn field_of_pattern(code: &Code<'_>, binding: Span) -> Option<(Span, String)> {
    let path = path(&code.tree, binding);
    let at = path
        .iter()
        .rposition(|node| node.kind() == "field_pattern")?;
    let field = path[at];
    // Deeper patterns take a part of the field.
    if path[at + 1..].iter().any(|node| {
        matches!(
            node.kind(),
            "tuple_struct_pattern" | "struct_pattern" | "tuple_pattern"
        )
    }) {
        return None;
    }
    let around = path[..at]
        .iter()
        .rfind(|node| node.kind() == "struct_pattern")?;
    let name = field
        .child_by_field_name("name")
        .map_or(binding, Span::from);
    let structure = around.child_by_field_name("type")?;
    Some((structure.into(), code.text(name).to_owned()))
}

/// What the type or name of one at `span` does where it stands.
pub(super) fn type_use(code: &Code<'_>, span: Span) -> TypeUse {
    let path = path(&code.tree, span);
    let mut inner: Option<Node<'_>> = None;
    for node in path.iter().rev() {
        let is = |field: &str| inner.is_some() && node.child_by_field_name(field) == inner;
        match node.kind() {
            "field_declaration"
            | "ordered_field_declaration_list"
            | "static_item"
            | "const_item"
                if inner.is_some_and(|inner| Span::from(inner) != span) =>
            {
                return TypeUse::Within;
            }
            "field_declaration" | "ordered_field_declaration_list" => return TypeUse::Field,
            "static_item" | "const_item" if is("type") => return TypeUse::Static,
            "parameter" | "self_parameter" | "closure_parameters" => return TypeUse::Parameter,
            "function_item" | "function_signature_item" if is("return_type") => {
                return TypeUse::Result;
            }
            "let_declaration" if is("type") => return TypeUse::Variable,
            "use_declaration" | "extern_crate_declaration" | "type_item" | "associated_type" => {
                return TypeUse::Import;
            }
            "scoped_identifier" if is("path") => return TypeUse::Path,
            "block" | "source_file" | "declaration_list" | "token_tree" | "impl_item"
            | "call_expression" => break,
            _ => {}
        }
        inner = Some(*node);
    }
    TypeUse::Other
}

/// Whether what stands at `span` is compiled or run for tests only.
pub(super) fn is_for_tests(code: &Code<'_>, span: Span) -> bool {
    let marks = |attribute: &str| {
        let plain: String = attribute.chars().filter(|c| !c.is_whitespace()).collect();
        let name = plain.split(['(', '=']).next().unwrap_or_default();
        let words = || plain.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        match name.rsplit("::").next().unwrap_or(name) {
            "cfg" => words().any(|word| word == "test") && !plain.contains("not(test"),
            "test" | "rstest" | "test_case" | "bench" | "proptest" => true,
            _ => false,
        }
    };
    let path = path(&code.tree, span);
    let by_item = path.iter().any(|node| {
        let item = node.kind().ends_with("_item") || node.kind() == "use_declaration";
        item && attributes(*node)
            .into_iter()
            .any(|attribute| marks(code.text(attribute)))
    });
    by_item || {
        let root = code.tree.root_node();
        let mut cursor = root.walk();
        root.named_children(&mut cursor)
            .take_while(|node| {
                node.kind() == "inner_attribute_item" || node.kind().ends_with("comment")
            })
            .filter(|node| node.kind() == "inner_attribute_item")
            .any(|node| {
                children(node)
                    .first()
                    .is_some_and(|inner| marks(code.text((*inner).into())))
            })
    }
}

/// Whether what stands at `span` is a token of a macro, which need not be code as it looks.
pub(super) fn is_in_tokens(code: &Code<'_>, span: Span) -> bool {
    path(&code.tree, span)
        .iter()
        .any(|node| node.kind() == "token_tree" && Span::from(*node) != span)
}
