//! Follows an expression through names, attributes, calls, parameters and mappings, across files.

use std::collections::{BTreeMap, BTreeSet};

use super::callers::{self, Passed};
use super::{Value, Values};
use crate::facts::World;
use crate::language::expression::{Argument, AttributeWrite, Expression};
use crate::language::{Binding, BindingKind, Model, Parameter, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId, FunctionRef, Symbol};
use crate::source::Span;

/// How many steps a value is followed before giving up.
pub(super) const DEPTH: usize = 24;

/// How many expressions are looked at for one value before giving up. Ordinary projects need some hundreds; where a method is called like many
/// others, each call of that name may be one of it, and what each passes has callers of its own.
const STEPS: usize = 2_000;

/// An expression as seen by the methods of one class.
type Step = (FileId, Span, Option<ClassRef>);

/// Follows one value.
pub(super) struct Follower<'a> {
    world: World<'a>,
    /// What expressions were found to give.
    known: BTreeMap<Step, Values>,
    /// Expressions that are being followed: meeting one again is a cycle, which adds nothing.
    active: BTreeSet<Step>,
    /// The class whose object `self` is, where that is known to be an heir of the class that the code stands in.
    receiver: Option<ClassRef>,
    found: Values,
    /// How many expressions have been looked at.
    steps: usize,
}

impl<'a> Follower<'a> {
    /// Begins in `world`.
    pub(super) fn new(world: World<'a>) -> Self {
        Self {
            world,
            known: BTreeMap::new(),
            active: BTreeSet::new(),
            receiver: None,
            found: Values::new(),
            steps: 0,
        }
    }

    /// What was found.
    pub(super) fn into_values(self) -> Values {
        self.found
    }

    fn unknown(&mut self, why: impl Into<String>) {
        self.found.insert(Value::Unknown(why.into()));
    }

    fn text(&self, file: FileId, span: Span) -> String {
        let text = span.text(self.world.project.file(file).text());
        let line = text.lines().next().unwrap_or_default();
        line.chars().take(60).collect()
    }

    fn place(&self, file: FileId, span: Span) -> String {
        self.world.project.place(file, span)
    }

    /// Evaluates on the side, so that the caller can look at the result.
    fn aside(&mut self, file: FileId, span: Span, depth: usize) -> Values {
        let before = std::mem::take(&mut self.found);
        self.expression(file, span, depth);
        std::mem::replace(&mut self.found, before)
    }

    pub(super) fn expression(&mut self, file: FileId, span: Span, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.unknown("the pool is passed on too often to be followed");
        };
        if let Some(known) = self.known.get(&(file, span, self.receiver)) {
            self.found.extend(known.iter().cloned());
            return;
        }
        if !self.active.insert((file, span, self.receiver)) {
            return;
        }
        self.steps += 1;
        if self.steps > STEPS {
            self.active.remove(&(file, span, self.receiver));
            return self.unknown("too many places pass it on for all of them to be followed");
        }
        let before = std::mem::take(&mut self.found);
        self.step(file, span, depth);
        let found = std::mem::replace(&mut self.found, before);
        self.active.remove(&(file, span, self.receiver));
        self.found.extend(found.iter().cloned());
        // Inside a cycle the result is only part of the truth.
        if self.active.is_empty() || !found.is_empty() {
            self.known.insert((file, span, self.receiver), found);
        }
    }

    fn step(&mut self, file: FileId, span: Span, depth: usize) {
        match self.world.project.file(file).expression(span) {
            Expression::Name(name) => self.name(file, span, &name, depth),
            Expression::Attribute { object, name } => {
                self.attribute(file, span, object, &name, depth);
            }
            Expression::Call { callee, arguments } => {
                self.call(file, span, callee, &arguments, depth);
            }
            Expression::Same(inner) => self.expression(file, inner, depth),
            Expression::Either(options) => {
                for option in options {
                    self.expression(file, option, depth);
                }
            }
            Expression::Null => {
                self.found.insert(Value::Missing);
            }
            Expression::Mapping { .. } => {
                self.found.insert(Value::Mapping(file, span));
            }
            Expression::Index { object, key } => self.entry(file, span, object, &key, depth),
            Expression::Literal => {
                self.found.insert(Value::NotAPool("a literal".to_owned()));
            }
            Expression::Other => {
                let text = self.text(file, span);
                self.unknown(format!("`{text}` cannot be followed"));
            }
        }
    }

    fn name(&mut self, file: FileId, span: Span, name: &str, depth: usize) {
        match self.world.project.symbol(file, span) {
            Some(symbol) => self.symbol(file, &symbol, depth),
            None => self.unknown(format!("`{name}` cannot be followed")),
        }
    }

    fn symbol(&mut self, file: FileId, symbol: &Symbol, depth: usize) {
        // Modules may import a name from each other in a circle.
        let Some(depth) = depth.checked_sub(1) else {
            return self.unknown("the pool is passed on too often to be followed");
        };
        match symbol {
            Symbol::Local { scope, name } => self.variable(file, *scope, name, depth),
            Symbol::Member { file, name } => self.variable(*file, Model::MODULE, name, depth),
            Symbol::Module { path } => {
                self.found
                    .insert(Value::NotAPool(format!("the module {path}")));
            }
            Symbol::Unread { path, name } => {
                self.unknown(format!("`{name}` of {path} was not read"));
            }
            Symbol::External(dotted) => {
                self.unknown(format!("`{dotted}` is not part of the project"));
            }
            Symbol::Unbound(name) => self.unknown(format!("`{name}` is bound nowhere in its file")),
        }
    }

    /// Whatever the bindings of a variable give it.
    pub(super) fn variable(&mut self, file: FileId, scope: ScopeId, name: &str, depth: usize) {
        let world = self.world;
        let parsed = world.project.file(file);
        let bindings: Vec<&Binding> = parsed.model.bindings_of(scope, name).collect();
        for binding in bindings {
            match (binding.kind, binding.value) {
                (BindingKind::Parameter, default) => {
                    self.parameter(file, scope, name, default, depth);
                }
                (BindingKind::Annotation, None) | (BindingKind::Delete, _) => {
                    self.annotated(file, binding.annotation);
                }
                (
                    BindingKind::Assignment
                    | BindingKind::Walrus
                    | BindingKind::Annotation
                    | BindingKind::With,
                    Some(value),
                ) => self.expression(file, value, depth),
                (BindingKind::Function | BindingKind::Class, _) => {
                    self.found
                        .insert(Value::NotAPool(format!("`{name}` is a definition")));
                }
                (BindingKind::Import, _) => {
                    let symbol = world.project.name_in(file, binding.executed_in, name);
                    if !matches!(&symbol, Symbol::Member { file: other, name: same } if *other == file && same == name)
                    {
                        self.symbol(file, &symbol, depth);
                    }
                }
                _ => {
                    let place = self.place(file, binding.span);
                    self.unknown(format!(
                        "`{name}` is bound at {place} in a way that is not followed"
                    ));
                }
            }
        }
    }

    /// What a declared type says.
    fn annotated(&mut self, file: FileId, annotation: Option<Span>) {
        let Some(annotation) = annotation else { return };
        let place = self.place(file, annotation);
        if self.annotation_kind(file, annotation) == Some(true) {
            self.found.insert(Value::SomePool(format!(
                "declared as a pool at {place}, but which one is not known"
            )));
        }
    }

    /// Whether an annotation names a pool of the driver (`Some(true)`), surely something else (`Some(false)`), or says nothing.
    fn annotation_kind(&self, file: FileId, annotation: Span) -> Option<bool> {
        let text = annotation.text(self.world.project.file(file).text());
        let words: Vec<&str> = text
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
            .filter(|word| !word.is_empty())
            .collect();
        let last = |word: &str| word.rsplit('.').next().unwrap_or(word).to_owned();
        let is_pool = words
            .iter()
            .any(|word| self.world.driver.pool_types.contains(&last(word)));
        if is_pool {
            return Some(true);
        }
        let open = ["Any", "object", "T", "Optional", "Union", "None"];
        words
            .iter()
            .all(|word| !open.contains(&last(word).as_str()))
            .then_some(false)
    }

    /// Whatever the callers of a function pass for its parameter.
    fn parameter(
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
        for call in calls {
            match call {
                Passed::Value(from, argument) => self.expression(from, argument, depth),
                Passed::Omitted => {}
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
    fn declared_as(&mut self, file: FileId, parameter: &Parameter, text: &str, passed: usize) {
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
    fn default(&mut self, file: FileId, default: Span, depth: usize) {
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
    fn result_of(&mut self, file: FileId, function: Span, depth: usize) {
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

    fn attribute(&mut self, file: FileId, span: Span, object: Span, name: &str, depth: usize) {
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
    fn attribute_of(&mut self, class: ClassRef, name: &str, depth: usize) {
        let outer = self.receiver.replace(class);
        self.attribute_in_line(class, name, depth);
        self.receiver = outer;
    }

    fn attribute_in_line(&mut self, class: ClassRef, name: &str, depth: usize) {
        let world = self.world;
        let line = world.project.lineage(class);
        let mut writes = 0;
        for class in &line {
            writes += self.attribute_in_class(*class, name, depth);
        }
        for heir in world.project.heirs(class) {
            let outer = self.receiver.replace(heir);
            for other in world.project.lineage(heir) {
                if !line.contains(&other) {
                    writes += self.attribute_in_class(other, name, depth);
                }
            }
            self.receiver = outer;
        }
        writes += self.written_from_outside(class, name, depth);
        if writes == 0 && self.found.is_empty() {
            self.unknown(format!("nothing in the project sets `.{name}`"));
        }
    }

    /// What one class puts into an attribute, and in how many places.
    fn attribute_in_class(&mut self, class: ClassRef, name: &str, depth: usize) -> usize {
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
                self.expression(class.file, value, depth);
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
                (_, None) => self.annotated(class.file, binding.annotation),
            }
        }
        writes
    }

    /// Assignments to the attribute through other objects than `self`: those on objects of the class are followed, those on objects that
    /// are not known leave a doubt.
    fn written_from_outside(&mut self, class: ClassRef, name: &str, depth: usize) -> usize {
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
    fn doubtful_write(&mut self, id: FileId, write: &AttributeWrite, depth: usize) {
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
    fn property(&mut self, class: ClassRef, scope: Option<ScopeId>, depth: usize) {
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

    fn returned(&mut self, function: FunctionRef, depth: usize) {
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

    fn call(
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

    fn external_call(
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
            if self.world.standard.is_file(file) {
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

    /// `object.method(…)`, where the object is no module.
    fn method_call(
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
            if let Value::Instance(class) = value
                && let Some(method) = world.project.method(*class, &name)
            {
                followed = true;
                self.returned(method, depth);
            }
        }
        if !followed {
            let text = self.text(file, callee);
            let place = self.place(file, span);
            self.unknown(format!("what `{text}()` returns ({place}) is not known"));
        }
    }

    fn literal_key(&self, file: FileId, span: Span) -> Option<String> {
        let text = span.text(self.world.project.file(file).text());
        let inner = text
            .strip_prefix(['"', '\''])
            .and_then(|text| text.strip_suffix(['"', '\'']))?;
        (!inner.contains(['"', '\'', '\\'])).then(|| inner.to_owned())
    }

    /// `object["key"]` or `object.get("key")`.
    fn entry(&mut self, file: FileId, span: Span, object: Span, key: &str, depth: usize) {
        let world = self.world;
        let objects = self.aside(file, object, depth);
        let mut followed = false;
        for value in &objects {
            let Value::Mapping(home, display) = value else {
                continue;
            };
            let Expression::Mapping { entries, complete } =
                world.project.file(*home).expression(*display)
            else {
                continue;
            };
            let entry = entries.iter().rev().find(|(name, _)| name == key);
            match entry {
                Some((_, value)) => {
                    followed = true;
                    self.expression(*home, *value, depth);
                }
                None if complete => {
                    followed = true;
                    self.found.insert(Value::Missing);
                }
                None => {}
            }
        }
        // A function that nothing calls passes no mapping either.
        let uncalled = |value: &&Value| matches!(value, Value::Doubt(_));
        self.found.extend(objects.iter().filter(uncalled).cloned());
        let settled =
            |value: &&Value| matches!(value, Value::Mapping(..) | Value::Missing | Value::Doubt(_));
        let open: Vec<Value> = objects
            .iter()
            .filter(|value| !settled(value))
            .cloned()
            .collect();
        if open.is_empty() && followed {
            return;
        }
        let text = self.text(file, span);
        let why = open.iter().find_map(|value| match value {
            Value::Unknown(why) => Some(why.clone()),
            _ => None,
        });
        let why = why.unwrap_or_else(|| "nothing in the project shows what it holds".to_owned());
        self.unknown(format!("`{text}` cannot be followed: {why}"));
    }
}

/// Whether a value is an object of `class`, of an heir or of a base.
fn is_of(world: World<'_>, value: &Value, class: ClassRef) -> bool {
    matches!(value, Value::Instance(other)
        if world.project.lineage(*other).contains(&class) || world.project.lineage(class).contains(other))
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

fn is_receiver_name(function: Option<ScopeId>, model: &Model, object: &str) -> bool {
    let receiver = function.and_then(|function| model.scope(function).parameters.first());
    receiver.is_some_and(|first| first.name == object) || matches!(object, "self" | "cls")
}
