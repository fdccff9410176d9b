//! What a call gives: what the function returns, what a method of the driver stands for, an object of a class.

use super::Follower;
use crate::facts::origin::Value;
use crate::language::expression::{Argument, Expression};
use crate::project::{ClassRef, FileId, FunctionRef, Symbol};
use crate::source::Span;

impl Follower<'_> {
    /// Whatever a function returns.
    pub(super) fn returned(&mut self, function: FunctionRef, depth: usize) {
        let world = self.world;
        let parsed = world.project.file(function.file);
        let Some(depth) = depth.checked_sub(1) else {
            return self.unknown("the pool is passed on too often to be followed");
        };
        let mut any = false;
        for give_back in parsed
            .outline
            .returns
            .iter()
            .filter(|r| r.scope == function.scope)
        {
            any = true;
            match give_back.value {
                Some(value) => self.expression(function.file, value, depth),
                None => {
                    self.found.insert(Value::Missing);
                }
            }
        }
        if !any {
            self.found.insert(Value::Missing);
        }
    }

    /// What a call gives.
    pub(super) fn call(
        &mut self,
        file: FileId,
        span: Span,
        callee: Span,
        arguments: &[Argument],
        depth: usize,
    ) {
        let world = self.world;
        let place = self.place(file, span);
        if world.standard.is_pool_getter(world, file, callee) {
            let name = self.text(file, callee);
            if !arguments.is_empty() {
                self.found.insert(Value::SomePool(format!(
                    "`{name}()` at {place} is asked for with arguments, which may name another pool"
                )));
                return;
            }
            self.found
                .insert(Value::Shared(format!("`{name}()` at {place}")));
            return;
        }
        let symbol = world.project.symbol(file, callee);
        match &symbol {
            Some(Symbol::External(dotted)) => {
                self.external_call(file, span, dotted, arguments, depth);
            }
            Some(Symbol::Unbound(name)) if name != "cls" => {
                self.unknown(format!("`{name}` is bound nowhere in its file ({place})"));
            }
            Some(symbol) => {
                if let Some(class) = world.project.class(symbol, file) {
                    self.found.insert(Value::Instance(class));
                } else if let Some(function) = world.project.function(symbol, file) {
                    self.returned(function, depth);
                } else {
                    let text = self.text(file, callee);
                    self.unknown(format!("what `{text}()` returns ({place}) is not known"));
                }
            }
            None => self.method_call(file, span, callee, arguments, depth),
        }
    }

    /// What a call of something that is not part of the project gives.
    pub(super) fn external_call(
        &mut self,
        file: FileId,
        span: Span,
        dotted: &str,
        arguments: &[Argument],
        depth: usize,
    ) {
        let driver = self.world.driver;
        let (module, name) = dotted.rsplit_once('.').unwrap_or(("", dotted));
        let of_driver = driver
            .modules
            .iter()
            .any(|m| module == m || module.starts_with(&format!("{m}.")));
        let place = self.place(file, span);
        if of_driver
            && (driver.create_pool.iter().chain(&driver.pool_types)).any(|known| known == name)
        {
            if self.world.standard.is_file(file) && driver.session.is_none() {
                self.found.insert(Value::Shared(format!(
                    "the pool of the standard module, opened at {place}"
                )));
            } else if self.world.standard.registers(self.world, file, span) {
                self.found.insert(Value::Registered(
                    file,
                    format!("the pool opened at {place} and registered as the shared one"),
                ));
            } else {
                self.found
                    .insert(Value::Own(format!("a pool of its own, opened at {place}")));
            }
            return;
        }
        // A cast and the like hand their argument through.
        if matches!(dotted, "typing.cast" | "typing_extensions.cast")
            && let Some(Argument::Positional(value)) = arguments.get(1)
        {
            return self.expression(file, *value, depth);
        }
        // Of a library that is not known, a class makes its own objects; what a function gives could be anything.
        let root = dotted.split('.').next().unwrap_or_default();
        let is_other = driver.other_modules.iter().any(|other| other == root);
        let makes_object = name.starts_with(|c: char| c.is_uppercase());
        self.found.insert(if is_other || makes_object {
            Value::NotAPool(format!("what `{dotted}()` gives ({place})"))
        } else {
            Value::Unknown(format!(
                "what `{dotted}()` gives is not part of the project ({place})"
            ))
        });
    }

    /// Whatever a method of a class, or of an heir that has its own, returns: `self` may be an object of an heir. Whether there is one.
    fn method_of(&mut self, class: ClassRef, name: &str, depth: usize) -> bool {
        let project = self.world.project;
        let own = project.method(class, name);
        let outer = self.receiver.replace(class);
        if let Some(method) = own {
            self.returned(method, depth);
        }
        let mut known = own.is_some();
        for heir in project.heirs(class) {
            let Some(method) = project
                .method(heir, name)
                .filter(|found| Some(*found) != own)
            else {
                continue;
            };
            known = true;
            self.receiver = Some(heir);
            self.returned(method, depth);
        }
        self.receiver = outer;
        known
    }

    /// `object.method(…)`, where the object is no module.
    pub(super) fn method_call(
        &mut self,
        file: FileId,
        span: Span,
        callee: Span,
        arguments: &[Argument],
        depth: usize,
    ) {
        let world = self.world;
        let Expression::Attribute { object, name } = world.project.file(file).expression(callee)
        else {
            let text = self.text(file, callee);
            return self.unknown(format!("what `{text}()` returns is not known"));
        };
        if name == "get"
            && let Some(Argument::Positional(key)) = arguments.first()
            && let Some(key) = self.literal_key(file, *key)
        {
            return self.entry(file, span, object, &key, depth);
        }
        let objects = self.aside(file, object, depth);
        let mut followed = false;
        for value in &objects {
            if let Value::Instance(class) = value {
                followed |= self.method_of(*class, &name, depth);
            }
        }
        if !followed {
            let text = self.text(file, callee);
            let place = self.place(file, span);
            self.unknown(format!("what `{text}()` returns ({place}) is not known"));
        }
    }
}
