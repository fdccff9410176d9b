//! The tree of a Python file, walked once into the neutral [`Model`].
//!
//! The walk only collects: which scope every name stands in, and what is declared `global` or `nonlocal` there. Which variable a name
//! means is settled in [`names`](super::names) when everything is known, since a declaration may come after a nested function. The walk keeps
//! its own stack, so that no nesting of the input can overflow the program's.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use tree_sitter::{Node, Tree};

use super::names::{self, Declared, Draft};
use super::nodes::{children, identifier, is_statement};
use super::{annotations, exports, imports, patterns, targets};
use crate::language::model::{
    Binding, BindingKind, Declaration, Model, Reference, ReferenceKind, Scope, ScopeId, ScopeKind,
};
use crate::language::name::Names;
use crate::source::Span;

/// Names, scopes and imports of a Python file.
pub fn model(source: &str, tree: &Tree) -> Model {
    let root = tree.root_node();
    let whole = Span::new(0, source.len());
    let mut builder = Builder::new(source, whole);
    builder.later(
        root,
        Place {
            scope: Model::MODULE,
            statement: whole,
            conditional: false,
            type_checking: false,
            text: Text::Value,
        },
    );
    while let Some((node, place)) = builder.work.pop() {
        builder.visit(node, place);
    }
    names::resolve(builder.draft)
}

/// What a string at some place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// A value like any other.
    Value,
    /// A quoted annotation: the names in it are references.
    Annotation,
    /// A value inside of an annotation (`Literal["a"]`, `Field("a")`).
    AnnotationValue,
}

/// Where the walk is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The scope that names stand in.
    pub(super) scope: ScopeId,
    /// The innermost statement.
    pub(super) statement: Span,
    /// Whether a compound statement of this scope is around.
    pub(super) conditional: bool,
    /// Whether it is under `if TYPE_CHECKING:`.
    pub(super) type_checking: bool,
    /// What strings are.
    pub(super) text: Text,
}

impl Place {
    /// The same place, as an annotation.
    pub(super) fn annotation(self) -> Self {
        Self {
            text: Text::Annotation,
            ..self
        }
    }

    pub(super) fn in_scope(self, scope: ScopeId) -> Self {
        Self { scope, ..self }
    }
}

/// A name that is bound, before it is known which scope owns it.
pub(super) struct Bind<'t> {
    pub(super) name: Node<'t>,
    pub(super) kind: BindingKind,
    pub(super) value: Option<Span>,
    pub(super) annotation: Option<Span>,
    pub(super) opens: Option<ScopeId>,
}

/// The walk.
pub(super) struct Builder<'s, 't> {
    pub(super) source: &'s str,
    pub(super) draft: Draft<'s>,
    work: Vec<(Node<'t>, Place)>,
}

impl<'s, 't> Builder<'s, 't> {
    fn new(source: &'s str, whole: Span) -> Self {
        let module = Scope {
            kind: ScopeKind::Module,
            name: String::new(),
            span: whole,
            body: whole,
            parent: None,
            is_async: false,
            is_generator: false,
            decorators: Vec::new(),
            bases: Vec::new(),
            parameters: Vec::new(),
        };
        Self {
            source,
            draft: Draft {
                scopes: vec![module],
                names: Names::default(),
                declared: HashMap::new(),
                declarations: Vec::new(),
                bindings: Vec::new(),
                references: Vec::new(),
                imports: Vec::new(),
                builtin_calls: Vec::new(),
                dynamic: false,
            },
            work: Vec::new(),
        }
    }

    /// The text of `node`.
    pub(super) fn text(&self, node: Node<'_>) -> &'s str {
        Span::from(node).text(self.source)
    }

    /// Visits `node` when its turn comes; the order does not matter, everything is sorted at the end.
    pub(super) fn later(&mut self, node: Node<'t>, place: Place) {
        self.work.push((node, place));
    }

    /// Visits the field `name` of `node`, if it has one.
    pub(super) fn later_field(&mut self, node: Node<'t>, name: &str, place: Place) {
        if let Some(child) = node.child_by_field_name(name) {
            self.later(child, place);
        }
    }

    /// Visits all children of `node`.
    pub(super) fn later_children(&mut self, node: Node<'t>, place: Place) {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            self.later(child, place);
        }
    }

    /// Notes that `node` reads a name.
    pub(super) fn refer(&mut self, node: Node<'_>, place: Place, kind: ReferenceKind) {
        let kind = if place.text == Text::Value {
            kind
        } else {
            ReferenceKind::Annotation
        };
        self.refer_at(node.into(), place.scope, kind);
    }

    /// Notes that the text at `span` is a name that is read.
    pub(super) fn refer_at(&mut self, span: Span, scope: ScopeId, kind: ReferenceKind) {
        if !span.is_empty() {
            let name = identifier(span.text(self.source));
            self.draft.references.push(Reference {
                name: self.draft.names.get(&name),
                span,
                scope,
                target: None,
                kind,
            });
        }
    }

    /// Notes that a name is bound at `place`.
    pub(super) fn bind(&mut self, place: Place, bind: &Bind<'_>) {
        let span = Span::from(bind.name);
        if !span.is_empty() {
            let name = identifier(span.text(self.source));
            self.draft.bindings.push(Binding {
                name: self.draft.names.get(&name),
                scope: place.scope,
                executed_in: place.scope,
                kind: bind.kind,
                span,
                value: bind.value,
                annotation: bind.annotation,
                statement: place.statement,
                opens: bind.opens,
            });
        }
    }

    fn visit(&mut self, node: Node<'t>, mut place: Place) {
        let kind = node.kind();
        if is_statement(kind) {
            place.statement = node.into();
        }
        match kind {
            "identifier" => self.refer(node, place, ReferenceKind::Read),
            "attribute" => self.later_field(node, "object", place),
            "keyword_argument" => self.later_field(node, "value", place),
            "member_type" => {
                if let Some(inner) = node.named_child(0) {
                    self.later(inner, place);
                }
            }
            "string" => annotations::string(self, node, place),
            "subscript" | "generic_type" if place.text == Text::Annotation => {
                annotations::parameterised(self, node, place);
            }
            "call" => self.call(node, place),
            "yield" => {
                self.generator(place.scope);
                self.later_children(node, place);
            }
            "named_expression" => self.walrus(node, place),
            "lambda" => self.lambda(node, place),
            "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "generator_expression" => self.comprehension(node, place),
            "decorated_definition" => self.decorated(node, place),
            "function_definition" => self.function(node, &[], place),
            "class_definition" => self.class(node, &[], place),
            "assignment" => targets::assignment(self, node, place),
            "augmented_assignment" => targets::augmented(self, node, place),
            "as_pattern" => targets::with_alias(self, node, BindingKind::With, place),
            "except_clause" => self.except(node, conditional(place)),
            "for_statement" => self.for_loop(node, conditional(place)),
            "if_statement" => self.if_statement(node, conditional(place)),
            "while_statement" | "try_statement" | "with_statement" | "match_statement" => {
                self.later_children(node, conditional(place));
            }
            "case_pattern" => patterns::pattern(self, node, place),
            "delete_statement" => {
                let target = targets::Target::of(BindingKind::Delete);
                for child in children(node) {
                    targets::bind(self, child, None, target, place);
                }
            }
            "import_statement" | "import_from_statement" | "future_import_statement" => {
                imports::import(self, node, place);
            }
            "global_statement" => self.declare(node, Declared::Global, place),
            "nonlocal_statement" => self.declare(node, Declared::Nonlocal, place),
            "exec_statement" => {
                self.draft.dynamic = true;
                self.later_children(node, place);
            }
            "type_alias_statement" => self.type_alias(node, place),
            _ => self.later_children(node, place),
        }
    }

    fn declare(&mut self, node: Node<'t>, declared: Declared, place: Place) {
        for name in children(node) {
            let text = self.text(name);
            self.draft.declared.insert((place.scope, text), declared);
            let name_of = self.draft.names.get(&identifier(text));
            self.draft.declarations.push(Declaration {
                name: name_of,
                span: name.into(),
                scope: place.scope,
                target: None,
            });
        }
    }

    fn generator(&mut self, mut scope: ScopeId) {
        while let Scope {
            kind: ScopeKind::Comprehension,
            parent: Some(parent),
            ..
        } = &self.draft.scopes[scope.0 as usize]
        {
            scope = *parent;
        }
        self.draft.scopes[scope.0 as usize].is_generator = true;
    }

    fn call(&mut self, node: Node<'t>, place: Place) {
        if let Some(function) = node.child_by_field_name("function") {
            if function.kind() == "identifier" {
                let empty = node
                    .child_by_field_name("arguments")
                    .is_none_or(|arguments| children(arguments).is_empty());
                let name = self.text(function);
                if matches!(name, "exec" | "eval" | "globals" | "locals")
                    || (name == "vars" && empty)
                {
                    self.draft.builtin_calls.push((place.scope, name));
                }
            }
            exports::call(self, node, function, place);
            self.later(function, place);
        }
        let place = match place.text {
            Text::Annotation => Place {
                text: Text::AnnotationValue,
                ..place
            },
            _ => place,
        };
        self.later_field(node, "arguments", place);
    }

    fn walrus(&mut self, node: Node<'t>, place: Place) {
        let value = node.child_by_field_name("value");
        if let Some(name) = node.child_by_field_name("name") {
            self.bind(
                place,
                &Bind {
                    name,
                    kind: BindingKind::Walrus,
                    value: value.map(Span::from),
                    annotation: None,
                    opens: None,
                },
            );
        }
        if let Some(value) = value {
            self.later(value, place);
        }
    }

    fn except(&mut self, node: Node<'t>, place: Place) {
        let alias = node.child_by_field_name("alias");
        for child in children(node) {
            if Some(child) == alias {
                let target = targets::Target::of(BindingKind::Except);
                targets::bind(self, child, None, target, place);
            } else if child.kind() == "as_pattern" {
                targets::with_alias(self, child, BindingKind::Except, place);
            } else {
                self.later(child, place);
            }
        }
    }

    fn for_loop(&mut self, node: Node<'t>, place: Place) {
        let right = node.child_by_field_name("right");
        if let Some(left) = node.child_by_field_name("left") {
            let target = targets::Target::of(BindingKind::For);
            targets::bind(self, left, right, target, place);
        }
        for field in ["right", "body", "alternative"] {
            self.later_field(node, field, place);
        }
        self.later_errors(node, place);
    }

    fn if_statement(&mut self, node: Node<'t>, place: Place) {
        let checking = node
            .child_by_field_name("condition")
            .is_some_and(|condition| imports::is_type_checking(condition, self.source));
        let consequence = node.child_by_field_name("consequence");
        for child in children(node) {
            let type_checking = place.type_checking || (checking && Some(child) == consequence);
            self.later(
                child,
                Place {
                    type_checking,
                    ..place
                },
            );
        }
    }

    /// Visits what the parser could not place in `node`: a form that is read field by field has no other way to it.
    pub(super) fn later_errors(&mut self, node: Node<'t>, place: Place) {
        if node.has_error() {
            let mut cursor = node.walk();
            for child in node.children(&mut cursor).filter(Node::is_error) {
                self.later(child, place);
            }
        }
    }

    fn type_alias(&mut self, node: Node<'t>, place: Place) {
        let right = node.child_by_field_name("right");
        // `type X[T] = …`: the left side is written like a type.
        let left = node.child_by_field_name("left").and_then(|left| {
            let inner = left.named_child(0)?;
            match inner.kind() {
                "generic_type" => Some((inner.named_child(0)?, inner.named_child(1))),
                "identifier" => Some((inner, None)),
                _ => None,
            }
        });
        let inside = if let Some((name, parameters)) = left {
            self.bind(
                place,
                &Bind {
                    name,
                    kind: BindingKind::Type,
                    value: right.map(Span::from),
                    annotation: None,
                    opens: None,
                },
            );
            self.type_parameters(node, parameters, place)
        } else {
            // The grammar takes `type[i] = value` for an alias of the type `[i]`.
            if let Some(name) = node.child(0) {
                self.refer(name, place, ReferenceKind::Read);
            }
            return self.later_children(node, place);
        };
        if let Some(right) = right {
            self.later(right, inside.annotation());
        }
    }
}

/// The same place, inside of a compound statement.
fn conditional(place: Place) -> Place {
    Place {
        conditional: true,
        ..place
    }
}
