//! What reaches a parameter: its default, what callers pass, what its declared type says.

use super::Follower;
use crate::facts::origin::Value;
use crate::facts::origin::callers::{self, Passed};
use crate::language::expression::{Argument, Expression};
use crate::language::{Model, Parameter, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId, FunctionRef, Symbol};
use crate::source::Span;

impl Follower<'_> {
    /// Whatever the callers of a function pass for its parameter.
    pub(super) fn parameter(
        &mut self,
        file: FileId,
        scope: ScopeId,
        name: &str,
        default: Option<Span>,
        depth: usize,
    ) {
        let world = self.world;
        let parsed = world.project.file(file);
        let function = parsed.model.scope(scope);
        let parameter = function
            .parameters
            .iter()
            .find(|parameter| parameter.name == name);
        let Some(parameter) = parameter else {
            return self.unknown(format!("the parameter `{name}` cannot be followed"));
        };
        if is_receiver(&parsed.model, scope, parameter) {
            if let Some(class) = parsed.model.class_around(scope) {
                let own = ClassRef { file, scope: class };
                let heir = self
                    .receiver
                    .filter(|receiver| world.project.lineage(*receiver).contains(&own));
                self.found.insert(Value::Instance(heir.unwrap_or(own)));
            }
            return;
        }
        if let Some(default) = default.or(parameter.default) {
            self.default(file, default, depth);
        }
        let calls =
            callers::passed_for(world, FunctionRef { file, scope }, parameter, self.receiver);
        let passed = calls
            .iter()
            .filter(|call| !matches!(call, Passed::HandedOn(..)))
            .count();
        let nothing_by_default = default
            .or(parameter.default)
            .is_some_and(|default| matches!(parsed.expression(default), Expression::Null));
        let (mut absent, mut is_given) = (None, false);
        for call in calls {
            match call {
                Passed::Value(from, argument) => {
                    let given = self.aside(from, argument, depth);
                    let nothing = given.iter().all(|value| *value == Value::Missing);
                    if nothing && !given.is_empty() {
                        absent = absent.or(Some((from, argument)));
                    }
                    is_given |= !nothing;
                    self.found.extend(given);
                }
                Passed::Omitted(from, call) => {
                    if nothing_by_default {
                        absent = absent.or(Some((from, call)));
                    }
                }
                Passed::HandedOn(from, span) => {
                    let (class, place) = (self.text(from, span), self.place(from, span));
                    let doubt = format!(
                        "`{class}` is handed on as a value at {place} and may be made with another pool"
                    );
                    self.found.insert(Value::Doubt(doubt));
                }
                Passed::Untold(from, call) => {
                    let place = self.place(from, call);
                    self.unknown(format!("what {place} passes for `{name}` cannot be told"));
                }
            }
        }
        if let Some((from, span)) = absent.filter(|_| is_given) {
            let place = self.place(from, span);
            let class = function.parent.map(|parent| parsed.model.scope(parent));
            let text = match class.filter(|_| function.name == "__init__") {
                Some(class) => format!("`{}` is also made", class.name),
                None => format!("`{}` is also called", function.name),
            };
            self.found
                .insert(Value::Absent(format!("{text} without a pool at {place}")));
        }
        let typed = parameter
            .annotation
            .and_then(|annotation| self.annotation_kind(file, annotation));
        match typed {
            Some(true) if passed == 0 => self.annotated(file, parameter.annotation),
            Some(false) => {
                let text = parameter
                    .annotation
                    .map(|span| self.text(file, span))
                    .unwrap_or_default();
                self.declared_as(file, parameter, &text, passed);
            }
            _ if passed == 0 => {
                let place = self.place(file, parameter.span);
                self.found.insert(Value::Doubt(format!(
                    "no call in the project shows what is passed for `{name}` ({place})"
                )));
            }
            _ => {}
        }
    }

    /// A parameter whose declared type is no pool of the driver.
    pub(super) fn declared_as(
        &mut self,
        file: FileId,
        parameter: &Parameter,
        text: &str,
        passed: usize,
    ) {
        let symbol = parameter
            .annotation
            .and_then(|span| self.world.project.symbol(file, span));
        match symbol {
            Some(Symbol::External(dotted)) => {
                self.found.insert(Value::NotAPool(format!("a `{dotted}`")));
            }
            Some(symbol) => match self.world.project.class(&symbol, file) {
                Some(class) => {
                    self.found.insert(Value::Instance(class));
                }
                None => self.unknown(format!("declared as `{text}`")),
            },
            None if passed == 0 => self.unknown(format!("declared as `{text}`")),
            None => {}
        }
    }

    /// A default; `Depends(function)` stands for what the function returns.
    pub(super) fn default(&mut self, file: FileId, default: Span, depth: usize) {
        let world = self.world;
        if let Expression::Call { callee, arguments } = world.project.file(file).expression(default)
            && let Some(Argument::Positional(function)) = arguments.first()
            && matches!(
                world.project.symbol(file, callee),
                Some(Symbol::External(dotted)) if dotted.ends_with(".Depends")
            )
        {
            return self.result_of(file, *function, depth);
        }
        self.expression(file, default, depth);
    }

    /// What calling the expression at `function` gives.
    pub(super) fn result_of(&mut self, file: FileId, function: Span, depth: usize) {
        if self
            .world
            .standard
            .is_pool_getter(self.world, file, function)
        {
            let place = self.place(file, function);
            self.found
                .insert(Value::Shared(format!("the shared pool ({place})")));
            return;
        }
        let symbol = self.world.project.symbol(file, function);
        if let Some(target) = symbol.and_then(|symbol| self.world.project.function(&symbol, file)) {
            self.returned(target, depth);
        } else {
            let text = self.text(file, function);
            self.unknown(format!("what `{text}` returns is not known"));
        }
    }
}

/// Whether `parameter` is the object a method is called on.
fn is_receiver(model: &Model, scope: ScopeId, parameter: &Parameter) -> bool {
    let function = model.scope(scope);
    let in_class = function
        .parent
        .is_some_and(|parent| model.scope(parent).kind == ScopeKind::Class);
    let first = function
        .parameters
        .first()
        .is_some_and(|first| first.span == parameter.span);
    in_class && first && matches!(parameter.name.as_str(), "self" | "cls")
}
