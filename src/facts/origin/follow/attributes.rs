//! What an attribute holds: whatever the methods of its class, the bases and heirs of that, and code outside of it write there.

use super::Follower;
use crate::facts::World;
use crate::facts::origin::Value;
use crate::language::expression::AttributeWrite;
use crate::language::{Binding, BindingKind, Model, ScopeId};
use crate::project::{ClassRef, FileId, FunctionRef};
use crate::source::Span;

impl Follower<'_> {
    /// What `object.name` holds.
    pub(super) fn attribute(
        &mut self,
        file: FileId,
        span: Span,
        object: Span,
        name: &str,
        depth: usize,
    ) {
        let world = self.world;
        if let Some(symbol) = world.project.symbol(file, span) {
            return self.symbol(file, &symbol, depth);
        }
        let objects = self.aside(file, object, depth);
        let mut followed = false;
        for value in &objects {
            if let Value::Instance(class) = value {
                followed = true;
                self.attribute_of(*class, name, depth);
            }
        }
        if !followed {
            let text = self.text(file, span);
            self.unknown(format!(
                "`{text}` cannot be followed: nothing in the project shows what it holds"
            ));
        }
    }

    /// Whatever the methods of a class, its bases and its heirs put into an attribute: `self` may be an object of an heir.
    pub(super) fn attribute_of(&mut self, class: ClassRef, name: &str, depth: usize) {
        let outer = self.receiver.replace(class);
        self.attribute_in_line(class, name, depth);
        self.receiver = outer;
    }

    /// The same, with the object of the class known: its own line of classes is looked through.
    pub(super) fn attribute_in_line(&mut self, class: ClassRef, name: &str, depth: usize) {
        let world = self.world;
        let line = world.project.lineage(class);
        let before = std::mem::take(&mut self.found);
        let mut writes = 0;
        let mut declared = Vec::new();
        for class in &line {
            writes += self.attribute_in_class(*class, name, depth, &mut declared);
        }
        for heir in world.project.heirs(class) {
            let outer = self.receiver.replace(heir);
            for other in world.project.lineage(heir) {
                if !line.contains(&other) {
                    writes += self.attribute_in_class(other, name, depth, &mut declared);
                }
            }
            self.receiver = outer;
        }
        writes += self.written_from_outside(class, name, depth);
        // A declaration without a value says what kind of thing is put there; where it is seen to be put there, which.
        for (file, annotation) in declared.into_iter().filter(|_| writes == 0) {
            self.annotated(file, annotation);
        }
        if writes == 0 && self.found.is_empty() && before.is_empty() {
            self.unknown(format!("nothing in the project sets `.{name}`"));
        }
        self.found.extend(before);
    }

    /// What one class puts into an attribute, and in how many places; declarations without a value are added to `declared`.
    pub(super) fn attribute_in_class(
        &mut self,
        class: ClassRef,
        name: &str,
        depth: usize,
        declared: &mut Vec<(FileId, Option<Span>)>,
    ) -> usize {
        let world = self.world;
        let mut writes = 0;
        let parsed = world.project.file(class.file);
        let body = parsed.model.scope(class.scope).span;
        for write in &parsed.outline.writes {
            let own = write.name == name
                && body.contains(write.statement)
                && is_receiver_name(
                    parsed.model.function_around(write.scope),
                    &parsed.model,
                    write.object.text(parsed.text()),
                );
            if !own {
                continue;
            }
            writes += 1;
            if let Some(value) = write.value {
                let given = self.aside(class.file, value, depth);
                let kept = std::mem::take(&mut self.found);
                self.any_of(vec![kept, given]);
            } else {
                let place = self.place(class.file, write.statement);
                self.unknown(format!(
                    "`self.{name}` is set at {place} in a way that is not followed"
                ));
            }
        }
        let in_body: Vec<&Binding> = parsed.model.bindings_of(class.scope, name).collect();
        for binding in in_body {
            match (binding.kind, binding.value) {
                (BindingKind::Function, _) => {
                    writes += 1;
                    self.property(class, binding.opens, depth);
                }
                (_, Some(value)) => {
                    writes += 1;
                    self.expression(class.file, value, depth);
                }
                (_, None) => declared.push((class.file, binding.annotation)),
            }
        }
        writes
    }

    /// Assignments to the attribute through other objects than `self`: those on objects of the class are followed, those on objects that
    /// are not known leave a doubt.
    pub(super) fn written_from_outside(
        &mut self,
        class: ClassRef,
        name: &str,
        depth: usize,
    ) -> usize {
        let world = self.world;
        let mut writes = 0;
        for (id, write) in world.project.writes_named(name) {
            let parsed = world.project.file(id);
            let through_self = matches!(write.object.text(parsed.text()), "self" | "cls");
            if through_self
                || world.tests.is_match(parsed.source.path())
                || world.standard.is_file(id)
            {
                continue;
            }
            {
                let objects = self.aside(id, write.object, depth);
                if objects.iter().any(|object| is_of(world, object, class)) {
                    writes += 1;
                    if let Some(value) = write.value {
                        self.expression(id, value, depth);
                    } else {
                        let place = self.place(id, write.statement);
                        self.unknown(format!(
                            "`.{name}` is set at {place} in a way that is not followed"
                        ));
                    }
                } else if objects
                    .iter()
                    .any(|object| matches!(object, Value::Unknown(_) | Value::Doubt(_)))
                {
                    self.doubtful_write(id, write, depth);
                }
            }
        }
        writes
    }

    /// An assignment to an attribute of that name on an object that may be one of the class: followed, and a doubt where that leads nowhere.
    pub(super) fn doubtful_write(&mut self, id: FileId, write: &AttributeWrite, depth: usize) {
        let values = write
            .value
            .map(|value| self.aside(id, value, depth))
            .unwrap_or_default();
        let unknown = |value: &Value| {
            matches!(
                value,
                Value::Unknown(_) | Value::Doubt(_) | Value::SomePool(_)
            )
        };
        if values.is_empty() || values.iter().any(unknown) {
            let place = self.place(id, write.statement);
            let name = &write.name;
            self.found.insert(Value::Doubt(format!(
                "`.{name}` is set at {place} on an object that is not known"
            )));
        } else {
            self.found.extend(values);
        }
    }

    /// A property stands for what it returns.
    pub(super) fn property(&mut self, class: ClassRef, scope: Option<ScopeId>, depth: usize) {
        let parsed = self.world.project.file(class.file);
        let Some(scope) = scope else { return };
        let decorators = &parsed.model.scope(scope).decorators;
        let is_property = decorators
            .iter()
            .any(|span| span.text(parsed.text()).ends_with("property"));
        if is_property {
            self.returned(
                FunctionRef {
                    file: class.file,
                    scope,
                },
                depth,
            );
        } else {
            self.found.insert(Value::NotAPool("a method".to_owned()));
        }
    }
}

/// Whether a value is an object of `class`, of an heir or of a base.
fn is_of(world: World<'_>, value: &Value, class: ClassRef) -> bool {
    matches!(value, Value::Instance(other)
        if world.project.lineage(*other).contains(&class) || world.project.lineage(class).contains(other))
}

fn is_receiver_name(function: Option<ScopeId>, model: &Model, object: &str) -> bool {
    let receiver = function.and_then(|function| model.scope(function).parameters.first());
    receiver.is_some_and(|first| first.name == object) || matches!(object, "self" | "cls")
}
