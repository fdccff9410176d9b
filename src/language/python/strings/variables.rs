//! The values of a variable: which of its bindings matter where it is read.
//!
//! A read from another function happens at an unknown time, so it gets every value that the variable ever has.

use super::reach::Reach;
use super::value::Value;
use super::{Current, Evaluator, MAX_DEPTH};
use crate::language::model::{Binding, BindingKind, ImportKind, Model, ScopeId, ScopeKind};
use crate::language::python::nodes::{children, expression_at, node_at};
use crate::source::Span;

impl Evaluator<'_> {
    /// What the variable `name` of `owner` can be when it is read at `site`, which stands in `scope`.
    pub(super) fn variable(
        &mut self,
        owner: ScopeId,
        name: &str,
        scope: ScopeId,
        site: Span,
    ) -> Value {
        let now = self.runs_at_once(scope, owner).then_some(site);
        let key = (owner, name.to_owned(), now);
        if self.active.contains(&key) || self.active.len() >= MAX_DEPTH {
            return Value::unknown();
        }
        self.active.push(key);
        let value = self.values(owner, name, now);
        self.active.pop();
        if value.is_empty() {
            return Value::unknown();
        }
        value
    }

    /// Every value that the variable `name` of `owner` ever has.
    pub(super) fn any_value(&mut self, owner: ScopeId, name: &str) -> Value {
        let key = (owner, name.to_owned(), None);
        if self.active.contains(&key) {
            return Value::unknown();
        }
        self.active.push(key);
        let value = self.values(owner, name, None);
        self.active.pop();
        value
    }

    /// Whether code of `scope` runs in the order of `owner`'s own: it is that scope, or a comprehension in it.
    fn runs_at_once(&self, scope: ScopeId, owner: ScopeId) -> bool {
        self.file
            .model
            .ancestors(scope)
            .take_while(|id| *id != owner)
            .all(|id| self.file.model.scope(id).kind == ScopeKind::Comprehension)
    }

    fn values(&mut self, owner: ScopeId, name: &str, site: Option<Span>) -> Value {
        let file = self.file;
        let bindings: Vec<&Binding> = file.model.bindings_of(owner, name).collect();
        let scope = file.model.scope(owner);
        let mut start = Value::default();
        for binding in &bindings {
            match binding.kind {
                BindingKind::Parameter => start = Value::unknown(),
                BindingKind::Comprehension => start.join(&self.element(binding)),
                _ => {}
            }
        }
        if matches!(scope.kind, ScopeKind::Comprehension | ScopeKind::Lambda) {
            return start;
        }
        if owner == Model::MODULE && self.star_may_rebind(&bindings) {
            return Value::unknown();
        }
        let elsewhere = self.bound_elsewhere(owner, &bindings);
        start.join(&elsewhere);
        let body = if owner == Model::MODULE {
            Some(file.tree.root_node())
        } else {
            node_at(&file.tree, scope.span, |kind| {
                matches!(kind, "function_definition" | "class_definition")
            })
            .and_then(|definition| definition.child_by_field_name("body"))
        };
        let Some(body) = body else {
            return Value::unknown();
        };
        let own = |binding: &&Binding| binding.executed_in == owner;
        let own = bindings.into_iter().filter(own).collect();
        let mut value = Reach::new(self, (owner, name), own, site).through(body, start);
        value.join(&elsewhere);
        value
    }

    /// Whether a star import behind the first binding may replace the variable.
    fn star_may_rebind(&self, bindings: &[&Binding]) -> bool {
        let first = bindings.first().map_or(0, |binding| binding.span.start);
        self.file.model.imports.iter().any(|import| {
            import.kind == ImportKind::Star
                && import.scope == Model::MODULE
                && import.span.start > first
        })
    }

    /// The values that other functions give the variable (`global`, `nonlocal`, `:=` in a comprehension): they come at any time.
    fn bound_elsewhere(&mut self, owner: ScopeId, bindings: &[&Binding]) -> Value {
        let mut value = Value::default();
        for binding in bindings {
            if binding.executed_in != owner && binding.kind != BindingKind::Delete {
                value.join(&self.assigned(binding, None));
            }
        }
        value
    }

    /// What an assignment gives.
    pub(super) fn assigned(&mut self, binding: &Binding, current: Option<Current<'_>>) -> Value {
        let plain = matches!(
            binding.kind,
            BindingKind::Assignment | BindingKind::Annotation | BindingKind::Walrus
        );
        binding
            .value
            .filter(|_| plain)
            .and_then(|value| expression_at(&self.file.tree, value))
            .map_or_else(Value::unknown, |value| self.evaluate(value, current))
    }

    /// What a loop over a display gives its target.
    pub(super) fn element(&mut self, binding: &Binding) -> Value {
        let display = binding
            .value
            .and_then(|value| expression_at(&self.file.tree, value))
            .and_then(|value| self.display(value, &["list", "tuple", "set", "expression_list"]));
        let Some(display) = display else {
            return Value::unknown();
        };
        let mut value = Value::default();
        for element in children(display) {
            value.join(&self.evaluate(element, None));
        }
        value
    }
}
