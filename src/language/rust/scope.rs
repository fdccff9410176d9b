//! The tree of a Rust file, walked once into the neutral [`Model`].
//!
//! Items are known in all of their block. A `let` opens a scope of its own over the rest of the block, so that what stands before it, its
//! own value included, still means what the name meant there. The walk keeps its own stack, so that no nesting of the input can overflow
//! the program's.

use std::collections::{HashMap, HashSet};

use tree_sitter::{Node, Tree};

use super::nodes::{children, is_statement};
use super::{imports, patterns};
use crate::language::model::{
    Binding, BindingKind, Import, Model, Parameter, ParameterKind, Reference, ReferenceKind, Scope,
    ScopeId, ScopeKind, in_source_order,
};
use crate::language::name::{Name, Names};
use crate::source::Span;

/// Names, scopes and imports of a Rust file.
pub fn model(source: &str, tree: &Tree) -> Model {
    let whole = Span::new(0, source.len());
    let mut builder = Builder {
        source,
        names: Names::default(),
        scopes: Vec::new(),
        bindings: Vec::new(),
        references: Vec::new(),
        imports: Vec::new(),
        dynamic: false,
        work: Vec::new(),
    };
    let place = Place {
        scope: Model::MODULE,
        statement: whole,
        annotation: false,
        tokens: false,
    };
    builder.open(ScopeKind::Module, "", whole, whole, None);
    builder.later(tree.root_node(), place);
    while let Some((node, place)) = builder.work.pop() {
        builder.visit(node, place);
    }
    builder.finish()
}

/// Where the walk is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The scope that names stand in.
    pub(super) scope: ScopeId,
    /// The innermost statement.
    pub(super) statement: Span,
    /// Whether it is inside of a type.
    pub(super) annotation: bool,
    /// Whether it is inside of a macro's tokens.
    tokens: bool,
}

impl Place {
    pub(super) fn within(self, scope: ScopeId) -> Self {
        Self { scope, ..self }
    }

    fn types(self) -> Self {
        Self {
            annotation: true,
            ..self
        }
    }
}

/// The walk.
pub(super) struct Builder<'s, 't> {
    pub(super) source: &'s str,
    names: Names,
    scopes: Vec<Scope>,
    bindings: Vec<Binding>,
    references: Vec<Reference>,
    pub(super) imports: Vec<Import>,
    pub(super) dynamic: bool,
    work: Vec<(Node<'t>, Place)>,
}

impl<'s, 't> Builder<'s, 't> {
    /// The text of `node`.
    pub(super) fn text(&self, node: Node<'_>) -> &'s str {
        Span::from(node).text(self.source)
    }

    /// Visits `node` when its turn comes; the order does not matter, everything is sorted at the end.
    pub(super) fn later(&mut self, node: Node<'t>, place: Place) {
        self.work.push((node, place));
    }

    fn later_field(&mut self, node: Node<'t>, name: &str, place: Place) {
        if let Some(child) = node.child_by_field_name(name) {
            self.later(child, place);
        }
    }

    pub(super) fn later_children(&mut self, node: Node<'t>, place: Place) {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            let place = if is_statement(node, child) {
                Place {
                    statement: child.into(),
                    ..place
                }
            } else {
                place
            };
            self.later(child, place);
        }
    }

    fn open(
        &mut self,
        kind: ScopeKind,
        name: &str,
        span: Span,
        body: Span,
        parent: Option<ScopeId>,
    ) -> ScopeId {
        self.scopes.push(Scope {
            kind,
            name: name.to_owned(),
            span,
            body,
            parent,
            is_async: false,
            is_generator: false,
            decorators: Vec::new(),
            bases: Vec::new(),
            parameters: Vec::new(),
        });
        ScopeId(self.scopes.len() as u32 - 1)
    }

    fn block(&mut self, span: Span, place: Place) -> Place {
        place.within(self.open(ScopeKind::Block, "", span, span, Some(place.scope)))
    }

    fn refer(&mut self, name: Node<'_>, place: Place) {
        self.refer_at(name.into(), place);
    }

    fn refer_at(&mut self, span: Span, place: Place) {
        if span.is_empty() {
            return;
        }
        self.references.push(Reference {
            name: self.names.get(span.text(self.source)),
            span,
            scope: place.scope,
            target: None,
            kind: if place.annotation {
                ReferenceKind::Annotation
            } else {
                ReferenceKind::Read
            },
        });
    }

    /// How many parts of the file with items of their own are around `scope`.
    pub(super) fn namespaces(&self, scope: ScopeId) -> usize {
        let around = std::iter::successors(Some(scope), |id| self.scopes[id.0 as usize].parent);
        around
            .filter(|id| self.scopes[id.0 as usize].kind == ScopeKind::Namespace)
            .count()
    }

    /// Notes that the name at `span` is bound at `place`.
    pub(super) fn bind(
        &mut self,
        span: Span,
        name: &str,
        kind: BindingKind,
        known: (Option<Span>, Option<Span>),
        place: Place,
    ) {
        if span.is_empty() || name.is_empty() || name == "_" {
            return;
        }
        self.bindings.push(Binding {
            name: self.names.get(name),
            scope: place.scope,
            executed_in: place.scope,
            kind,
            span,
            value: known.0,
            annotation: known.1,
            statement: place.statement,
            opens: None,
        });
    }

    fn item(&mut self, node: Node<'t>, kind: BindingKind, opens: Option<ScopeId>, place: Place) {
        if let Some(name) = node.child_by_field_name("name") {
            let before = self.bindings.len();
            self.bind(name.into(), self.text(name), kind, (None, None), place);
            if let Some(binding) = self.bindings.get_mut(before) {
                binding.opens = opens;
            }
        }
    }

    fn visit(&mut self, node: Node<'t>, place: Place) {
        match node.kind() {
            "identifier" | "type_identifier" | "self" | "shorthand_field_identifier" => {
                self.refer(node, place);
            }
            "field_expression" | "field_initializer" => self.later_field(node, "value", place),
            "scoped_identifier" | "scoped_type_identifier" => self.path(node, place),
            "block" => self.statements(node, place),
            "let_declaration" => self.declaration(node, place, place),
            "if_expression" => self.conditional(node, "consequence", place),
            "while_expression" => self.conditional(node, "body", place),
            "match_arm" => self.arm(node, place),
            "for_expression" => self.each(node, place),
            "closure_expression" => self.closure(node, place),
            "async_block" => self.async_block(node, place),
            "function_item" | "function_signature_item" => self.function(node, place),
            "struct_item" | "enum_item" | "union_item" | "trait_item" => self.class(node, place),
            "impl_item" => self.implementation(node, place),
            "mod_item" => self.module(node, place),
            "const_item" | "static_item" => {
                self.constant(node, place);
            }
            "type_item" | "associated_type" => {
                let annotation = node.child_by_field_name("type").map(Span::from);
                if let Some(name) = node.child_by_field_name("name") {
                    let known = (None, annotation);
                    self.bind(
                        name.into(),
                        self.text(name),
                        BindingKind::Type,
                        known,
                        place,
                    );
                }
                self.later_field(node, "type", place.types());
            }
            "use_declaration" | "extern_crate_declaration" => imports::import(self, node, place),
            "token_tree" => self.later_children(
                node,
                Place {
                    tokens: true,
                    ..place
                },
            ),
            "string_literal" | "raw_string_literal" if place.tokens => {
                self.interpolated(node, place);
            }
            "macro_definition" | "label" | "lifetime" | "line_comment" | "block_comment" => {}
            "generic_type" | "reference_type" | "tuple_type" | "array_type" | "dynamic_type"
            | "abstract_type" | "function_type" | "pointer_type" | "type_arguments"
            | "bounded_type" | "trait_bounds" | "where_clause" => {
                self.later_children(node, place.types());
            }
            _ => self.later_children(node, place),
        }
    }

    /// Of a path only the first name is looked up in the scopes; type arguments on the way are types.
    fn path(&mut self, node: Node<'t>, place: Place) {
        // Without one it is `::name`, a package.
        self.later_field(node, "path", place);
    }

    /// The names that a text in the tokens of a macro puts in place: `"{name}"`.
    fn interpolated(&mut self, node: Node<'_>, place: Place) {
        let span = Span::from(node);
        let text = span.text(self.source);
        for (at, _) in text.match_indices('{') {
            let inner = &text[at + 1..];
            let name: &str = inner
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .next()
                .unwrap_or_default();
            let ends = inner[name.len()..].starts_with(['}', ':']);
            if ends && name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                let start = span.start + at + 1;
                self.refer_at(Span::new(start, start + name.len()), place);
            }
        }
    }

    /// The statements of a block. Items are known from its beginning, what a `let` binds only behind it.
    fn statements(&mut self, block: Node<'t>, place: Place) {
        let inside = self.block(block.into(), place);
        let mut current = inside;
        let end = block.end_byte();
        let mut cursor = block.walk();
        for child in block.named_children(&mut cursor) {
            let here = Place {
                statement: child.into(),
                ..current
            };
            match child.kind() {
                "let_declaration" => {
                    let rest = Span::new(child.end_byte(), end);
                    let behind = self.block(rest, current);
                    let binds = Place {
                        statement: child.into(),
                        ..behind
                    };
                    self.declaration(child, here, binds);
                    current = behind;
                }
                kind if kind.ends_with("_item") || kind == "use_declaration" => {
                    self.later(
                        child,
                        Place {
                            statement: child.into(),
                            ..inside
                        },
                    );
                }
                _ => self.later(child, here),
            }
        }
    }

    /// `let pattern: type = value else { … };`
    fn declaration(&mut self, node: Node<'t>, outside: Place, behind: Place) {
        let value = node.child_by_field_name("value");
        let annotation = node.child_by_field_name("type");
        if let Some(pattern) = node.child_by_field_name("pattern") {
            let kind = if annotation.is_some() {
                BindingKind::Annotation
            } else {
                BindingKind::Assignment
            };
            let known = (value.map(Span::from), annotation.map(Span::from));
            patterns::bind(self, pattern, kind, known, behind);
        }
        self.later_field(node, "value", outside);
        self.later_field(node, "alternative", outside);
        if let Some(annotation) = annotation {
            self.later(annotation, outside.types());
        }
    }

    /// `if` and `while`: what a `let` in the condition binds is known behind it and in the body, not in the `else`.
    fn conditional(&mut self, node: Node<'t>, body: &str, place: Place) {
        let Some(body) = node.child_by_field_name(body) else {
            return self.later_children(node, place);
        };
        let mut inside = place;
        let mut work: Vec<Node<'t>> = node.child_by_field_name("condition").into_iter().collect();
        while let Some(part) = work.pop() {
            match part.kind() {
                "let_chain" => work.extend(children(part).into_iter().rev()),
                "let_condition" => {
                    self.later_field(part, "value", inside);
                    let rest = Span::new(part.end_byte(), body.end_byte());
                    inside = self.block(rest, inside);
                    self.pattern(part, inside);
                }
                _ => self.later(part, inside),
            }
        }
        self.later(body, inside);
        self.later_field(node, "alternative", place);
    }

    fn pattern(&mut self, node: Node<'t>, place: Place) {
        let value = node.child_by_field_name("value").map(Span::from);
        if let Some(pattern) = node.child_by_field_name("pattern") {
            patterns::bind(self, pattern, BindingKind::Pattern, (value, None), place);
        }
    }

    fn arm(&mut self, node: Node<'t>, place: Place) {
        let inside = self.block(node.into(), place);
        if let Some(pattern) = node.child_by_field_name("pattern") {
            let condition = pattern.child_by_field_name("condition");
            for part in children(pattern) {
                if Some(part) == condition {
                    self.later(part, inside);
                } else {
                    patterns::bind(self, part, BindingKind::Pattern, (None, None), inside);
                }
            }
        }
        self.later_field(node, "value", inside);
    }

    fn each(&mut self, node: Node<'t>, place: Place) {
        let value = node.child_by_field_name("value");
        if let Some(value) = value {
            self.later(value, place);
        }
        let Some(body) = node.child_by_field_name("body") else {
            return;
        };
        let inside = self.block(body.into(), place);
        if let Some(pattern) = node.child_by_field_name("pattern") {
            let known = (value.map(Span::from), None);
            patterns::bind(self, pattern, BindingKind::For, known, inside);
        }
        self.later(body, inside);
    }

    fn async_block(&mut self, node: Node<'t>, place: Place) {
        let span = Span::from(node);
        let scope = self.open(ScopeKind::Lambda, "", span, span, Some(place.scope));
        self.scopes[scope.0 as usize].is_async = true;
        self.later_children(node, place.within(scope));
    }

    fn closure(&mut self, node: Node<'t>, place: Place) {
        let Some(body) = node.child_by_field_name("body") else {
            return self.later_children(node, place);
        };
        let parent = Some(place.scope);
        let scope = self.open(ScopeKind::Lambda, "", node.into(), body.into(), parent);
        self.scopes[scope.0 as usize].is_async = self
            .text(node)
            .trim_start_matches("move ")
            .starts_with("async");
        self.parameters(node, scope, place);
        self.later(body, place.within(scope));
    }

    fn function(&mut self, node: Node<'t>, place: Place) {
        let body = node.child_by_field_name("body");
        let end = Span::new(node.end_byte(), node.end_byte());
        let body_span = body.map_or(end, Span::from);
        let name = node.child_by_field_name("name");
        let name = name.map_or("", |name| self.text(name));
        let parent = Some(place.scope);
        let scope = self.open(ScopeKind::Function, name, node.into(), body_span, parent);
        self.item(node, BindingKind::Function, Some(scope), place);
        let mut cursor = node.walk();
        let modifiers = node
            .children(&mut cursor)
            .find(|child| child.kind() == "function_modifiers");
        let is_async = modifiers.is_some_and(|modifiers| self.text(modifiers).contains("async"));
        let decorators = attributes(node);
        let function = &mut self.scopes[scope.0 as usize];
        function.is_async = is_async;
        function.decorators = decorators;
        let inside = place.within(scope);
        self.type_parameters(node, inside);
        self.parameters(node, scope, place);
        self.later_field(node, "return_type", inside.types());
        if let Some(body) = body {
            self.later(body, inside);
        }
    }

    fn type_parameters(&mut self, node: Node<'t>, place: Place) {
        let Some(list) = node.child_by_field_name("type_parameters") else {
            return;
        };
        for parameter in children(list) {
            match parameter.child_by_field_name("name") {
                Some(name) => {
                    let text = self.text(name);
                    // Of what it promises the whole declaration tells.
                    let known = (None, Some(Span::from(parameter)));
                    self.bind(name.into(), text, BindingKind::Type, known, place);
                    self.later_field(parameter, "bounds", place.types());
                    self.later_field(parameter, "default_type", place.types());
                    self.later_field(parameter, "type", place.types());
                }
                None => self.later(parameter, place.types()),
            }
        }
    }

    fn parameters(&mut self, node: Node<'t>, scope: ScopeId, place: Place) {
        let Some(list) = node.child_by_field_name("parameters") else {
            return;
        };
        let inside = Place {
            statement: node.into(),
            ..place.within(scope)
        };
        let mut found = Vec::new();
        for parameter in children(list) {
            let before = self.bindings.len();
            let annotation = parameter.child_by_field_name("type").map(Span::from);
            match parameter.kind() {
                "self_parameter" => {
                    let receiver = children(parameter)
                        .into_iter()
                        .find(|child| child.kind() == "self");
                    if let Some(receiver) = receiver {
                        let known = (None, None);
                        self.bind(
                            receiver.into(),
                            "self",
                            BindingKind::Parameter,
                            known,
                            inside,
                        );
                    }
                }
                "parameter" => {
                    if let Some(pattern) = parameter.child_by_field_name("pattern") {
                        let known = (None, annotation);
                        patterns::bind(self, pattern, BindingKind::Parameter, known, inside);
                    }
                    self.later_field(parameter, "type", inside.types());
                }
                // A closure's parameter without a type, or a type alone.
                _ if node.kind() == "closure_expression" => {
                    let kind = BindingKind::Parameter;
                    patterns::bind(self, parameter, kind, (None, None), inside);
                }
                _ => self.later(parameter, inside.types()),
            }
            let (name, span) = match self.bindings.get(before) {
                Some(first) => (first.name.to_string(), first.span),
                None => (String::new(), parameter.into()),
            };
            found.push(Parameter {
                name,
                span,
                kind: ParameterKind::PositionalOnly,
                annotation,
                default: None,
            });
        }
        self.scopes[scope.0 as usize].parameters = found;
    }

    fn class(&mut self, node: Node<'t>, place: Place) {
        let name = node.child_by_field_name("name");
        let name = name.map_or("", |name| self.text(name));
        let body = node.child_by_field_name("body");
        let end = Span::new(node.end_byte(), node.end_byte());
        let body_span = body.map_or(end, Span::from);
        let parent = Some(place.scope);
        let scope = self.open(ScopeKind::Class, name, node.into(), body_span, parent);
        self.scopes[scope.0 as usize].decorators = attributes(node);
        self.item(node, BindingKind::Class, Some(scope), place);
        let inside = place.within(scope);
        self.type_parameters(node, inside);
        let Some(body) = body else { return };
        for member in children(body) {
            let here = Place {
                statement: member.into(),
                ..inside
            };
            match member.kind() {
                "field_declaration" => {
                    let annotation = member.child_by_field_name("type");
                    if let Some(name) = member.child_by_field_name("name") {
                        let known = (None, annotation.map(Span::from));
                        let text = self.text(name);
                        self.bind(name.into(), text, BindingKind::Annotation, known, here);
                    }
                    self.later_field(member, "type", here.types());
                }
                "enum_variant" => {
                    if let Some(name) = member.child_by_field_name("name") {
                        let text = self.text(name);
                        let kind = BindingKind::Assignment;
                        self.bind(name.into(), text, kind, (None, None), here);
                    }
                    self.later_field(member, "body", here.types());
                    self.later_field(member, "value", here);
                }
                "visibility_modifier" => {}
                _ => self.later(member, here),
            }
        }
    }

    fn implementation(&mut self, node: Node<'t>, place: Place) {
        let target = node.child_by_field_name("type");
        let plain = target.map(bare_type);
        let name = plain.map_or("", |plain| {
            let text = self.text(plain);
            text.rsplit("::").next().unwrap_or(text)
        });
        let body = node.child_by_field_name("body");
        let end = Span::new(node.end_byte(), node.end_byte());
        let body_span = body.map_or(end, Span::from);
        let parent = Some(place.scope);
        let scope = self.open(ScopeKind::Class, name, node.into(), body_span, parent);
        let interface = node.child_by_field_name("trait");
        let bases = plain.into_iter().chain(interface.map(bare_type));
        self.scopes[scope.0 as usize].bases = bases.map(Span::from).collect();
        let inside = place.within(scope);
        self.type_parameters(node, inside);
        for part in target.into_iter().chain(interface) {
            self.later(part, inside.types());
        }
        if let Some(body) = body {
            self.later_children(body, inside);
        }
    }

    /// `mod name { … }` is a part of the file, `mod name;` another file.
    fn module(&mut self, node: Node<'t>, place: Place) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let Some(body) = node.child_by_field_name("body") else {
            return imports::module(self, node, name, place);
        };
        let parent = Some(place.scope);
        let text = self.text(name);
        let scope = self.open(ScopeKind::Namespace, text, node.into(), body.into(), parent);
        self.item(node, BindingKind::Type, Some(scope), place);
        self.later_children(body, place.within(scope));
    }

    fn constant(&mut self, node: Node<'t>, place: Place) {
        let value = node.child_by_field_name("value").map(Span::from);
        let annotation = node.child_by_field_name("type").map(Span::from);
        if let Some(name) = node.child_by_field_name("name") {
            let text = self.text(name);
            let known = (value, annotation);
            self.bind(name.into(), text, BindingKind::Annotation, known, place);
        }
        self.later_field(node, "value", place);
        self.later_field(node, "type", place.types());
    }

    /// Gives methods to the type that they are implemented for, and every name its variable.
    fn finish(mut self) -> Model {
        let types: HashMap<(ScopeId, String), ScopeId> = self
            .bindings
            .iter()
            .filter(|binding| binding.kind == BindingKind::Class)
            .filter_map(|binding| Some(((binding.scope, binding.name.to_string()), binding.opens?)))
            .collect();
        for binding in &mut self.bindings {
            let scope = &self.scopes[binding.executed_in.0 as usize];
            if scope.kind == ScopeKind::Class
                && let Some(parent) = scope.parent
                && let Some(class) = types.get(&(parent, scope.name.clone()))
            {
                binding.scope = *class;
            }
        }
        let bound: HashSet<(ScopeId, &str)> = self
            .bindings
            .iter()
            .map(|binding| (binding.scope, binding.name.as_str()))
            .collect();
        let mut known: HashMap<(ScopeId, Name), Option<ScopeId>> = HashMap::new();
        for reference in &mut self.references {
            let key = (reference.scope, reference.name.clone());
            let target = *known
                .entry(key)
                .or_insert_with(|| lookup(&self.scopes, &bound, reference.scope, &reference.name));
            reference.target = target;
        }
        in_source_order(
            self.scopes,
            self.bindings,
            self.references,
            Vec::new(),
            self.imports,
            self.dynamic,
        )
    }
}

/// The scope that owns `name` as seen from `from`: the members of a type are never seen without naming it.
fn lookup(
    scopes: &[Scope],
    bound: &HashSet<(ScopeId, &str)>,
    from: ScopeId,
    name: &str,
) -> Option<ScopeId> {
    let mut next = Some(from);
    while let Some(id) = next {
        let scope = &scopes[id.0 as usize];
        if scope.kind != ScopeKind::Class && bound.contains(&(id, name)) {
            return Some(id);
        }
        next = scope.parent;
    }
    None
}

/// The attributes right before an item, without `#[` and `]`, outermost first.
pub(super) fn attributes(item: Node<'_>) -> Vec<Span> {
    let mut found = Vec::new();
    let mut before = item.prev_named_sibling();
    while let Some(node) = before {
        match node.kind() {
            "attribute_item" => {
                found.extend(children(node).first().map(|inner| Span::from(*inner)));
            }
            "line_comment" | "block_comment" => {}
            _ => break,
        }
        before = node.prev_named_sibling();
    }
    found.reverse();
    found
}

/// A type without its type arguments.
fn bare_type(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    while let "generic_type" | "reference_type" = node.kind() {
        match node.child_by_field_name("type") {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}
