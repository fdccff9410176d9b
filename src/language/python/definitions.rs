//! What opens a scope: functions, classes, lambdas, comprehensions, type parameters; and what of them is evaluated in the scope around.

use tree_sitter::Node;

use super::nodes::{begins_with, children, identifier};
use super::scope::{Bind, Builder, Place, Text};
use super::targets;
use crate::language::model::{BindingKind, Parameter, ParameterKind, Scope, ScopeId, ScopeKind};
use crate::source::Span;

impl<'t> Builder<'_, 't> {
    pub(super) fn open(
        &mut self,
        kind: ScopeKind,
        node: Node<'t>,
        body: Node<'t>,
        parent: ScopeId,
    ) -> ScopeId {
        let id = ScopeId(self.draft.scopes.len() as u32);
        self.draft.scopes.push(Scope {
            kind,
            name: String::new(),
            span: node.into(),
            body: body.into(),
            parent: Some(parent),
            is_async: false,
            is_generator: false,
            decorators: Vec::new(),
            bases: Vec::new(),
            parameters: Vec::new(),
        });
        id
    }

    pub(super) fn scope_mut(&mut self, id: ScopeId) -> &mut Scope {
        &mut self.draft.scopes[id.0 as usize]
    }

    /// Opens the scope of type parameters, if `parameters` is there, and returns the place inside.
    pub(super) fn type_parameters(
        &mut self,
        definition: Node<'t>,
        parameters: Option<Node<'t>>,
        place: Place,
    ) -> Place {
        let Some(parameters) = parameters else {
            return place;
        };
        let scope = self.open(
            ScopeKind::TypeParameters,
            definition,
            definition,
            place.scope,
        );
        let inside = place.in_scope(scope);
        for parameter in children(parameters) {
            self.type_parameter(parameter, inside);
        }
        inside
    }

    /// `T`, `T: Bound`, `*Ts`, `**P`, as the grammar writes them: as types.
    pub(super) fn type_parameter(&mut self, parameter: Node<'t>, place: Place) {
        let mut name = parameter;
        while name.kind() != "identifier" {
            let mut parts = children(name).into_iter();
            let Some(first) = parts.next() else { return };
            for bound in parts {
                self.later(bound, place.annotation());
            }
            name = first;
        }
        self.bind(
            place,
            &Bind {
                name,
                kind: BindingKind::Type,
                value: None,
                annotation: None,
                opens: None,
            },
        );
    }

    pub(super) fn decorated(&mut self, node: Node<'t>, place: Place) {
        let mut decorators = Vec::new();
        let definition = node.child_by_field_name("definition");
        for child in children(node) {
            if Some(child) == definition {
                continue;
            }
            self.later(child, place);
            if child.kind() == "decorator" {
                decorators.extend(child.named_child(0).map(Span::from));
            }
        }
        match definition {
            Some(function) if function.kind() == "function_definition" => {
                self.function(function, &decorators, place);
            }
            Some(class) => self.class(class, &decorators, place),
            None => {}
        }
    }

    pub(super) fn function(&mut self, node: Node<'t>, decorators: &[Span], place: Place) {
        let (Some(name), Some(body)) = (
            node.child_by_field_name("name"),
            node.child_by_field_name("body"),
        ) else {
            return self.later_children(node, place);
        };
        let typed = self.type_parameters(node, node.child_by_field_name("type_parameters"), place);
        let id = self.open(ScopeKind::Function, node, body, typed.scope);
        let text = identifier(self.text(name)).into_owned();
        let scope = self.scope_mut(id);
        scope.name = text;
        scope.is_async = begins_with(node, "async");
        scope.decorators = decorators.to_vec();
        self.bind(
            place,
            &Bind {
                name,
                kind: BindingKind::Function,
                value: None,
                annotation: None,
                opens: Some(id),
            },
        );
        if let Some(parameters) = node.child_by_field_name("parameters") {
            self.parameters(node, parameters, id, place, typed);
        }
        self.later_field(node, "return_type", typed.annotation());
        self.later_errors(node, place);
        self.later(
            body,
            Place {
                conditional: false,
                text: Text::Value,
                ..place.in_scope(id)
            },
        );
    }

    pub(super) fn class(&mut self, node: Node<'t>, decorators: &[Span], place: Place) {
        let (Some(name), Some(body)) = (
            node.child_by_field_name("name"),
            node.child_by_field_name("body"),
        ) else {
            return self.later_children(node, place);
        };
        let typed = self.type_parameters(node, node.child_by_field_name("type_parameters"), place);
        let id = self.open(ScopeKind::Class, node, body, typed.scope);
        let arguments = node.child_by_field_name("superclasses");
        let bases = arguments
            .map(children)
            .unwrap_or_default()
            .into_iter()
            .filter(|base| {
                !matches!(
                    base.kind(),
                    "keyword_argument" | "list_splat" | "dictionary_splat" | "ERROR"
                )
            })
            .map(|base| Span::from(unsubscripted(base)))
            .collect();
        let text = identifier(self.text(name)).into_owned();
        let scope = self.scope_mut(id);
        scope.name = text;
        scope.bases = bases;
        scope.decorators = decorators.to_vec();
        self.bind(
            place,
            &Bind {
                name,
                kind: BindingKind::Class,
                value: None,
                annotation: None,
                opens: Some(id),
            },
        );
        if let Some(arguments) = arguments {
            self.later(arguments, typed);
        }
        self.later_errors(node, place);
        self.later(
            body,
            Place {
                conditional: false,
                ..place.in_scope(id)
            },
        );
    }

    pub(super) fn lambda(&mut self, node: Node<'t>, place: Place) {
        let Some(body) = node.child_by_field_name("body") else {
            return self.later_children(node, place);
        };
        let id = self.open(ScopeKind::Lambda, node, body, place.scope);
        if let Some(parameters) = node.child_by_field_name("parameters") {
            self.parameters(node, parameters, id, place, place);
        }
        self.later_errors(node, place);
        self.later(body, place.in_scope(id));
    }

    /// The first iterable is evaluated outside, everything else inside.
    pub(super) fn comprehension(&mut self, node: Node<'t>, place: Place) {
        let Some(body) = node.child_by_field_name("body") else {
            return self.later_children(node, place);
        };
        let id = self.open(ScopeKind::Comprehension, node, body, place.scope);
        // Its elements are made when somebody asks for them, which may be much later.
        self.draft.scopes[id.0 as usize].is_generator = node.kind() == "generator_expression";
        let inside = place.in_scope(id);
        let mut first = true;
        for child in children(node) {
            if child.kind() != "for_in_clause" {
                self.later(child, inside);
                continue;
            }
            self.scope_mut(id).is_async |= begins_with(child, "async");
            let iterable = if first { place } else { inside };
            first = false;
            let left = child.child_by_field_name("left");
            if let Some(left) = left {
                let target = targets::Target::of(BindingKind::Comprehension);
                let right = child.child_by_field_name("right");
                targets::bind(self, left, right, target, inside);
            }
            for part in children(child) {
                if Some(part) != left {
                    self.later(part, iterable);
                }
            }
        }
    }

    /// Parameters belong to `scope`; their defaults are evaluated at `place`, their annotations at `typed`.
    pub(super) fn parameters(
        &mut self,
        function: Node<'t>,
        list: Node<'t>,
        scope: ScopeId,
        place: Place,
        typed: Place,
    ) {
        let inside = Place {
            statement: function.into(),
            ..place.in_scope(scope)
        };
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut rest = ParameterKind::Positional;
        for node in children(list) {
            match node.kind() {
                "positional_separator" => {
                    for earlier in &mut parameters {
                        earlier.kind = ParameterKind::PositionalOnly;
                    }
                    continue;
                }
                "keyword_separator" => {
                    rest = ParameterKind::KeywordOnly;
                    continue;
                }
                "ERROR" => {
                    self.later(node, place);
                    continue;
                }
                _ => {}
            }
            let annotation = node.child_by_field_name("type");
            let default = node.child_by_field_name("value");
            if let Some(annotation) = annotation {
                self.later(annotation, typed.annotation());
            }
            if let Some(default) = default {
                self.later(default, place);
            }
            let target = match node.kind() {
                "default_parameter" | "typed_default_parameter" => node.child_by_field_name("name"),
                "typed_parameter" => node.named_child(0),
                _ => Some(node),
            };
            let Some(target) = target else { continue };
            let (name, kind) = match target.kind() {
                "identifier" => (Some(target), rest),
                "list_splat_pattern" => {
                    rest = ParameterKind::KeywordOnly;
                    (target.named_child(0), ParameterKind::Rest)
                }
                "dictionary_splat_pattern" => (target.named_child(0), ParameterKind::KeywordRest),
                _ => (None, rest),
            };
            let Some(name) = name else {
                // Python 2 unpacked tuples in the parameter list.
                let kind = targets::Target::of(BindingKind::Parameter);
                targets::bind(self, target, None, kind, inside);
                continue;
            };
            let parameter = Parameter {
                name: identifier(self.text(name)).into_owned(),
                span: name.into(),
                kind,
                annotation: annotation.map(Span::from),
                default: default.map(Span::from),
            };
            self.bind(
                inside,
                &Bind {
                    name,
                    kind: BindingKind::Parameter,
                    value: parameter.default,
                    annotation: parameter.annotation,
                    opens: None,
                },
            );
            parameters.push(parameter);
        }
        self.scope_mut(scope).parameters = parameters;
    }
}

/// A generic base class without its arguments: `Base` of `Base[str]`. Arguments make no other class of it.
fn unsubscripted(mut base: Node<'_>) -> Node<'_> {
    while base.kind() == "subscript"
        && let Some(value) = base.child_by_field_name("value")
    {
        base = value;
    }
    base
}
