//! Follows an expression through names, attributes, calls, parameters and mappings, across files.

mod attributes;
mod calls;
mod parameters;

use std::collections::{BTreeMap, BTreeSet};

use super::{Value, Values};
use crate::facts::World;
use crate::language::expression::Expression;
use crate::language::{Binding, BindingKind, Model, ScopeId};
use crate::project::{ClassRef, FileId, Symbol};
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
                let options = options.into_iter();
                let given: Vec<Values> = options
                    .map(|option| self.aside(file, option, depth))
                    .collect();
                self.any_of(given);
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

    /// Takes in what several sources give; where one always gives something, it is there to make good for the others.
    pub(super) fn any_of(&mut self, sources: Vec<Values>) {
        let is_sure = |values: &Values| {
            let nothing = |value: &Value| matches!(value, Value::Missing | Value::Absent(_));
            !values.is_empty() && !values.iter().any(nothing)
        };
        let made_good = sources.iter().any(is_sure);
        let values = sources.into_iter().flatten();
        self.found
            .extend(values.filter(|value| !(made_good && matches!(value, Value::Absent(_)))));
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
        if self.world.standard.is_factory(self.world, symbol) {
            let what = "the session factory of the standard module";
            self.found.insert(Value::Shared(what.to_owned()));
            return;
        }
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
        let before = std::mem::take(&mut self.found);
        let mut sources: Vec<Values> = Vec::new();
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
            sources.push(std::mem::take(&mut self.found));
        }
        self.found = before;
        self.any_of(sources);
    }

    /// What a declared type says.
    pub(super) fn annotated(&mut self, file: FileId, annotation: Option<Span>) {
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
        let settled = |value: &&Value| {
            matches!(
                value,
                Value::Mapping(..) | Value::Missing | Value::Absent(_) | Value::Doubt(_)
            )
        };
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
