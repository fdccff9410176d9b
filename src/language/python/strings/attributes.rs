//! Texts kept in attributes of a class: `self.QUERY`, `cls.QUERY`, `Reports.QUERY`.
//!
//! A class of this file is taken with the classes of this file that it derives from and that derive from it.

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use super::Evaluator;
use super::value::Value;
use crate::language::Code;
use crate::language::model::{BindingKind, ParameterKind, ScopeId, ScopeKind};
use crate::language::python::nodes::{children, unparenthesised};
use crate::source::Span;

/// One place where an attribute is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Store<'a> {
    /// What it is an attribute of.
    object: Node<'a>,
    /// The value, where it is taken as a whole.
    value: Option<Node<'a>>,
}

impl<'a> Evaluator<'a> {
    /// `object.name`
    pub(super) fn attribute(&mut self, node: Node<'a>) -> Value {
        let (Some(object), Some(name)) = (
            node.child_by_field_name("object"),
            node.child_by_field_name("attribute"),
        ) else {
            return Value::unknown();
        };
        let Some(class) = self.class_of(unparenthesised(object)) else {
            return Value::unknown();
        };
        let name = self.text(name);
        let mut value = self.inherited(class, name);
        for derived in self.derived(class) {
            value.join(&self.any_value(derived, name));
        }
        for store in self.stores_to(name) {
            value.join(&self.stored(class, store));
        }
        if value.is_empty() {
            return Value::unknown();
        }
        value
    }

    /// The class of this file that `object` is, or is an instance of.
    fn class_of(&self, object: Node<'_>) -> Option<ScopeId> {
        let model = self.file.model;
        let reference = self.file.reference_at(object.into())?;
        let owner = reference.target?;
        let mut bindings = model.bindings_of(owner, &reference.name);
        let (binding, None) = (bindings.next()?, bindings.next()) else {
            return None;
        };
        if binding.kind == BindingKind::Class {
            return binding.opens;
        }
        let scope = model.scope(owner);
        let first = scope.parameters.first()?;
        let is_method = scope.kind == ScopeKind::Function
            && first.span == binding.span
            && matches!(
                first.kind,
                ParameterKind::Positional | ParameterKind::PositionalOnly
            )
            && !scope
                .decorators
                .iter()
                .any(|decorator| self.file.text(*decorator) == "staticmethod");
        let class = model
            .ancestors(owner)
            .skip(1)
            .find(|id| model.scope(*id).kind != ScopeKind::TypeParameters)?;
        (is_method && model.scope(class).kind == ScopeKind::Class).then_some(class)
    }

    /// The attribute of the class itself, or else of its bases as far as they are in this file.
    fn inherited(&mut self, class: ScopeId, name: &str) -> Value {
        let mut value = Value::default();
        let mut done = BTreeSet::new();
        let mut work = vec![class];
        while let Some(class) = work.pop() {
            if !done.insert(class) {
                continue;
            }
            let model = self.file.model;
            if model.bindings_of(class, name).next().is_some() {
                value.join(&self.any_value(class, name));
                continue;
            }
            for base in &model.scope(class).bases {
                match self.class_named(*base) {
                    Some(base) => work.push(base),
                    // `object` and `ABC` have no texts; of any other class it is not known.
                    None if matches!(self.file.text(*base), "object" | "ABC" | "abc.ABC") => {}
                    None => value.join(&Value::unknown()),
                }
            }
        }
        value
    }

    /// The classes of this file that derive from `class`, in whatever number of steps.
    fn derived(&self, class: ScopeId) -> BTreeSet<ScopeId> {
        let mut bases: BTreeMap<ScopeId, Vec<ScopeId>> = BTreeMap::new();
        for (index, scope) in self.file.model.scopes.iter().enumerate() {
            for base in &scope.bases {
                if let Some(base) = self.class_named(*base) {
                    bases.entry(base).or_default().push(ScopeId(index as u32));
                }
            }
        }
        let mut found = BTreeSet::new();
        let mut work = vec![class];
        while let Some(class) = work.pop() {
            for derived in bases.get(&class).into_iter().flatten() {
                if *derived != class && found.insert(*derived) {
                    work.push(*derived);
                }
            }
        }
        found
    }

    fn class_named(&self, name: Span) -> Option<ScopeId> {
        let reference = self.file.reference_at(name)?;
        let mut bindings = self
            .file
            .model
            .bindings_of(reference.target?, &reference.name);
        match (bindings.next()?, bindings.next()) {
            (binding, None) => binding.opens.filter(|_| binding.kind == BindingKind::Class),
            _ => None,
        }
    }

    /// What a store gives the attribute of `class`: nothing if it is that of another class, no known text if it may be anyone's.
    fn stored(&mut self, class: ScopeId, store: Store<'a>) -> Value {
        let related = |evaluator: &Self, other: ScopeId| {
            other == class
                || evaluator.derived(class).contains(&other)
                || evaluator.derived(other).contains(&class)
        };
        match self.class_of(unparenthesised(store.object)) {
            Some(other) if !related(self, other) => Value::default(),
            Some(_) => match store.value {
                Some(value) => self.evaluate(value, None),
                None => Value::unknown(),
            },
            None => Value::unknown(),
        }
    }

    fn stores_to(&mut self, name: &str) -> Vec<Store<'a>> {
        let file = self.file;
        self.stores
            .get_or_insert_with(|| collect(file))
            .get(name)
            .cloned()
            .unwrap_or_default()
    }
}

/// Every place of the file where an attribute is written.
fn collect<'a>(file: &'a Code<'a>) -> BTreeMap<&'a str, Vec<Store<'a>>> {
    let mut stores: BTreeMap<&'a str, Vec<Store<'a>>> = BTreeMap::new();
    let mut work = vec![file.tree.root_node()];
    while let Some(node) = work.pop() {
        let target = match node.kind() {
            "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => {
                node.child_by_field_name("left")
            }
            "as_pattern_target" | "delete_statement" => Some(node),
            _ => None,
        };
        let value = (node.kind() == "assignment")
            .then(|| last_right(node))
            .flatten();
        let mut targets: Vec<(Node<'a>, Option<Node<'a>>)> =
            target.map(|target| (target, value)).into_iter().collect();
        while let Some((target, value)) = targets.pop() {
            if target.kind() == "attribute" {
                if let (Some(object), Some(name)) = (
                    target.child_by_field_name("object"),
                    target.child_by_field_name("attribute"),
                ) {
                    let name = file.text(name.into());
                    // `self.name: str` alone stores nothing.
                    if node.kind() != "assignment" || last_right(node).is_some() {
                        stores
                            .entry(name)
                            .or_default()
                            .push(Store { object, value });
                    }
                }
            } else if !matches!(target.kind(), "subscript" | "identifier" | "call") {
                targets.extend(children(target).into_iter().map(|inner| (inner, None)));
            }
        }
        work.extend(children(node));
    }
    stores
}

/// The value of an assignment, or of the chain that it begins.
fn last_right(assignment: Node<'_>) -> Option<Node<'_>> {
    let mut right = assignment.child_by_field_name("right")?;
    while right.kind() == "assignment" {
        right = right.child_by_field_name("right")?;
    }
    Some(right)
}
