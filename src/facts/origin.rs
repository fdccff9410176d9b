//! Where a value comes from: pools followed through variables, attributes, parameters, returns and mappings, across files.
//!
//! Flow-insensitive: a variable may hold whatever any of its bindings gives it. What is not followed is [`Value::Unknown`] with a word on
//! why, never left out.

use std::collections::BTreeSet;

use crate::facts::World;
use crate::finding::PoolOrigin;
use crate::language::expression::{Argument, Expression};
use crate::language::{Binding, BindingKind, Model, Parameter, ParameterKind, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId, FunctionRef, Symbol};
use crate::recipe::PoolClass;
use crate::source::Span;

/// How many steps a value is followed before giving up.
const DEPTH: usize = 24;

/// What an expression may evaluate to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// The shared pool; the text says by which way.
    Shared(String),
    /// A pool that is opened at this place.
    Own(String),
    /// A pool, by its declared type, but which one is not known.
    SomePool(String),
    /// No value.
    Missing,
    /// Something that is certainly no pool of this driver.
    NotAPool(String),
    /// An instance of a class of the project.
    Instance(ClassRef),
    /// A mapping display.
    Mapping(FileId, Span),
    /// Not known, and why.
    Unknown(String),
}

/// All that an expression may evaluate to.
pub type Values = BTreeSet<Value>;

/// Follows the expression at `span`.
pub fn values(world: World<'_>, file: FileId, span: Span) -> Values {
    let mut follower = Follower {
        world,
        visited: BTreeSet::new(),
        found: Values::new(),
    };
    follower.expression(file, span, DEPTH);
    follower.found
}

/// Follows a variable.
pub fn variable(world: World<'_>, file: FileId, scope: ScopeId, name: &str) -> Values {
    let mut follower = Follower {
        world,
        visited: BTreeSet::new(),
        found: Values::new(),
    };
    follower.variable(file, scope, name, DEPTH);
    follower.found
}

/// Whether the pool at `span` is the shared one, and how that is known.
pub fn pool_origin(world: World<'_>, file: FileId, span: Span) -> PoolOrigin {
    classify(&values(world, file, span))
}

/// Sums up what a pool may be.
pub fn classify(values: &Values) -> PoolOrigin {
    let first =
        |wanted: fn(&Value) -> Option<&str>| values.iter().find_map(wanted).map(str::to_owned);
    let own = first(|value| match value {
        Value::Own(story) => Some(story),
        _ => None,
    });
    let unknown = first(|value| match value {
        Value::Unknown(story) | Value::SomePool(story) => Some(story),
        _ => None,
    });
    let shared = first(|value| match value {
        Value::Shared(story) => Some(story),
        _ => None,
    });
    match (own, unknown, shared) {
        (Some(story), ..) => PoolOrigin {
            class: PoolClass::Own,
            story,
        },
        (None, Some(story), _) => PoolOrigin {
            class: PoolClass::Unknown,
            story,
        },
        (None, None, Some(story)) => PoolOrigin {
            class: PoolClass::Shared,
            story,
        },
        (None, None, None) => PoolOrigin {
            class: PoolClass::Unknown,
            story: "nothing in the project shows where the pool comes from".to_owned(),
        },
    }
}

/// What makes it certain that a value is no pool; `None` where it may be one.
pub fn not_a_pool(values: &Values) -> Option<String> {
    let mut reasons = values
        .iter()
        .filter(|value| **value != Value::Missing)
        .map(|value| match value {
            Value::NotAPool(what) => Some(what.clone()),
            _ => None,
        });
    let first = reasons.next()??;
    reasons.all(|reason| reason.is_some()).then_some(first)
}

/// Whether a value is known to be a pool, whichever.
pub fn is_pool(values: &Values) -> bool {
    values
        .iter()
        .any(|value| matches!(value, Value::Shared(_) | Value::Own(_) | Value::SomePool(_)))
}

struct Follower<'a> {
    world: World<'a>,
    visited: BTreeSet<(FileId, Span)>,
    found: Values,
}

impl Follower<'_> {
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

    fn expression(&mut self, file: FileId, span: Span, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.unknown("the pool is passed on too often to be followed");
        };
        // A cycle adds nothing that the first visit does not find.
        if !self.visited.insert((file, span)) {
            return;
        }
        match self.world.project.file(file).expression(span) {
            Expression::Name(name) => self.name(file, span, &name, depth),
            Expression::Attribute { object, name } => {
                self.attribute(file, span, object, &name, depth)
            }
            Expression::Call { callee, arguments } => {
                self.call(file, span, callee, &arguments, depth)
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
        match symbol {
            Symbol::Local { scope, name } => self.variable(file, *scope, name, depth),
            Symbol::Member { file, name } => self.variable(*file, Model::MODULE, name, depth),
            Symbol::Module { path } => {
                self.found
                    .insert(Value::NotAPool(format!("the module {path}")));
            }
            Symbol::Unread { path, name } => {
                self.unknown(format!("`{name}` of {path} was not read"))
            }
            Symbol::External(dotted) => {
                self.unknown(format!("`{dotted}` is not part of the project"))
            }
            Symbol::Unbound(name) => self.unknown(format!("`{name}` is bound nowhere in its file")),
        }
    }

    /// Whatever the bindings of a variable give it.
    fn variable(&mut self, file: FileId, scope: ScopeId, name: &str, depth: usize) {
        let world = self.world;
        let parsed = world.project.file(file);
        let bindings: Vec<&Binding> = parsed.model.bindings_of(scope, name).collect();
        for binding in bindings {
            match (binding.kind, binding.value) {
                (BindingKind::Parameter, default) => {
                    self.parameter(file, scope, name, default, depth)
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
        match self.annotation_kind(file, annotation) {
            Some(true) => {
                self.found.insert(Value::SomePool(format!(
                    "declared as a pool at {place}, but which one is not known"
                )));
            }
            Some(false) => {}
            None => {}
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
                self.found
                    .insert(Value::Instance(ClassRef { file, scope: class }));
            }
            return;
        }
        if let Some(default) = default.or(parameter.default) {
            self.default(file, default, depth);
        }
        let mut passed = 0;
        for (from, argument) in self.arguments_for(FunctionRef { file, scope }, parameter) {
            passed += 1;
            match argument {
                Some(argument) => self.expression(from, argument, depth),
                None => {
                    let place = self.place(file, parameter.span);
                    self.unknown(format!(
                        "an argument for `{name}` ({place}) is passed in a way that is not followed"
                    ));
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
                self.unknown(format!(
                    "no call in the project shows what is passed for `{name}` ({place})"
                ));
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
        match symbol.and_then(|symbol| self.world.project.function(&symbol, file)) {
            Some(target) => self.returned(target, depth),
            None => {
                let text = self.text(file, function);
                self.unknown(format!("what `{text}` returns is not known"));
            }
        }
    }

    /// The arguments that calls in the project pass for `parameter`; `None` for one that cannot be told apart.
    fn arguments_for(
        &self,
        function: FunctionRef,
        parameter: &Parameter,
    ) -> Vec<(FileId, Option<Span>)> {
        let project = self.world.project;
        let parsed = project.file(function.file);
        let scope = parsed.model.scope(function.scope);
        let class = scope
            .parent
            .filter(|parent| parsed.model.scope(*parent).kind == ScopeKind::Class);
        let Some(class) = class else {
            return self.calls_of(function, &scope.name, parameter, 0);
        };
        let class = ClassRef {
            file: function.file,
            scope: class,
        };
        let receivers = usize::from(!is_static(parsed.text(), scope));
        if scope.name != "__init__" {
            return self.calls_of(function, &scope.name, parameter, receivers);
        }
        let mut arguments = self.constructions(class, parameter);
        for heir in project.heirs(class) {
            match project.method(heir, "__init__") {
                // The heir has its own constructor and hands on what it likes.
                Some(own) if own != function => arguments.extend(self.super_calls(own, parameter)),
                _ => arguments.extend(self.constructions(heir, parameter)),
            }
        }
        arguments
    }

    fn calls_of(
        &self,
        function: FunctionRef,
        name: &str,
        parameter: &Parameter,
        receivers: usize,
    ) -> Vec<(FileId, Option<Span>)> {
        let project = self.world.project;
        let mut found = Vec::new();
        for (file, call) in project.calls_named(name) {
            let symbol = project.symbol(file, call.callee);
            let target = symbol
                .as_ref()
                .and_then(|symbol| project.function(symbol, file));
            let fits = match (&symbol, target) {
                (_, Some(target)) => target == function,
                // A method call on something that is not followed may mean this one.
                (None, _) => receivers > 0,
                _ => false,
            };
            if fits {
                found.extend(self.argument_in(function, file, call.span, parameter, receivers));
            }
        }
        found
    }

    fn constructions(&self, class: ClassRef, parameter: &Parameter) -> Vec<(FileId, Option<Span>)> {
        let project = self.world.project;
        let name = project
            .file(class.file)
            .model
            .scope(class.scope)
            .name
            .clone();
        let init = project.method(class, "__init__");
        let mut found = Vec::new();
        for (file, call) in project.calls_named(&name) {
            let target = project
                .symbol(file, call.callee)
                .and_then(|symbol| project.class(&symbol, file));
            if target.is_some_and(|target| target == class)
                && let Some(init) = init
            {
                found.extend(self.argument_in(init, file, call.span, parameter, 1));
            }
        }
        found
    }

    /// What the constructor `init` hands to `super().__init__(…)` for `parameter`.
    fn super_calls(&self, init: FunctionRef, parameter: &Parameter) -> Vec<(FileId, Option<Span>)> {
        let project = self.world.project;
        let parsed = project.file(init.file);
        let inside = parsed.model.scope(init.scope).span;
        let calls = parsed.outline.calls.iter().filter(|call| {
            call.name == "__init__"
                && inside.contains(call.span)
                && call.callee.text(parsed.text()).starts_with("super(")
        });
        calls
            .flat_map(|call| self.argument_in(init, init.file, call.span, parameter, 1))
            .collect()
    }

    /// The argument of one call that reaches `parameter`: nothing if it is left out, `None` inside if it cannot be told.
    fn argument_in(
        &self,
        function: FunctionRef,
        file: FileId,
        call: Span,
        parameter: &Parameter,
        receivers: usize,
    ) -> Option<(FileId, Option<Span>)> {
        let project = self.world.project;
        let Expression::Call { arguments, .. } = project.file(file).expression(call) else {
            return None;
        };
        let by_name = arguments.iter().find_map(|argument| match argument {
            Argument::Keyword { name, value } if *name == parameter.name => Some(*value),
            _ => None,
        });
        if by_name.is_some() {
            return Some((file, by_name));
        }
        // The parameter's own function counts the positions; for a `super()` call that is the base's, whose order it keeps.
        let owner = project.file(function.file).model.scope(function.scope);
        let named = owner
            .parameters
            .iter()
            .any(|other| other.span == parameter.span);
        let position = if named {
            owner
                .parameters
                .iter()
                .position(|other| other.span == parameter.span)
        } else {
            self.position_of(parameter, function)
        };
        let position = position?.checked_sub(receivers)?;
        let spread = arguments
            .iter()
            .take(position + 1)
            .any(|a| matches!(a, Argument::Spread(_)));
        let keywords = arguments
            .iter()
            .any(|a| matches!(a, Argument::KeywordSpread(_)));
        if spread || keywords {
            return Some((file, None));
        }
        if parameter.kind == ParameterKind::KeywordOnly {
            return None;
        }
        let positional = arguments.iter().filter_map(|argument| match argument {
            Argument::Positional(span) => Some(*span),
            _ => None,
        });
        positional
            .skip(position)
            .next()
            .map(|span| (file, Some(span)))
    }

    /// The position of `parameter` in the base constructor that `heir` calls.
    fn position_of(&self, parameter: &Parameter, heir: FunctionRef) -> Option<usize> {
        let project = self.world.project;
        let class = project.file(heir.file).model.class_around(heir.scope)?;
        let line = project.lineage(ClassRef {
            file: heir.file,
            scope: class,
        });
        line.into_iter().skip(1).find_map(|base| {
            let init = project.method(base, "__init__")?;
            let scope = project.file(init.file).model.scope(init.scope);
            scope
                .parameters
                .iter()
                .position(|other| other.span == parameter.span && other.name == parameter.name)
        })
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

    /// Whatever the methods of a class (and its bases) put into an attribute.
    fn attribute_of(&mut self, class: ClassRef, name: &str, depth: usize) {
        let world = self.world;
        let mut writes = 0;
        for class in world.project.lineage(class) {
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
                match write.value {
                    Some(value) => self.expression(class.file, value, depth),
                    None => {
                        let place = self.place(class.file, write.statement);
                        self.unknown(format!(
                            "`self.{name}` is set at {place} in a way that is not followed"
                        ));
                    }
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
        }
        if writes == 0 && self.found.is_empty() {
            self.unknown(format!("nothing in the project sets `.{name}`"));
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
                self.external_call(file, span, dotted, arguments, depth)
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
            if self.registered(file, span) {
                self.found.insert(Value::Shared(format!(
                    "the pool opened at {place} and registered as the shared one"
                )));
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
        self.found.insert(Value::NotAPool(format!(
            "what `{dotted}()` gives ({place})"
        )));
    }

    /// Whether the pool that is opened at `span` is handed to the standard's registrar, or opened by the standard itself.
    fn registered(&self, file: FileId, span: Span) -> bool {
        self.world.standard.is_file(self.world, file)
            || self.world.standard.registers(self.world, file, span)
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
        let open = objects
            .iter()
            .any(|value| !matches!(value, Value::Mapping(..) | Value::Missing));
        if !followed || open {
            let text = self.text(file, span);
            self.unknown(format!(
                "`{text}` cannot be followed: nothing in the project shows what it holds"
            ));
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

fn is_receiver_name(function: Option<ScopeId>, model: &Model, object: &str) -> bool {
    let receiver = function.and_then(|function| model.scope(function).parameters.first());
    receiver.is_some_and(|first| first.name == object) || matches!(object, "self" | "cls")
}

fn is_static(source: &str, scope: &crate::language::Scope) -> bool {
    scope
        .decorators
        .iter()
        .any(|span| span.text(source).ends_with("staticmethod"))
}
