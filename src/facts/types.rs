//! What a value is by its type, in languages that declare types: a pool, a connection, something else, or not known.
//!
//! Types are followed through names, fields, constructors, results of functions and other names for them, across files. Nothing is guessed
//! from what a thing is called: that is for whoever asks.

use crate::language::expression::{Argument, Expression};
use crate::language::{Binding, BindingKind, ImportKind, Model, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId, FunctionRef, Project, Symbol};
use crate::recipe::Driver;
use crate::source::Span;

/// How many steps a type is followed before giving up.
const DEPTH: usize = 16;

/// A type that is written somewhere, with the scope that its names are looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    file: FileId,
    span: Span,
    scope: ScopeId,
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// By its name.
    Named {
        /// The name, with its module where it is known: `sqlx.PgPool`.
        name: String,
        /// The structure, enumeration or trait of the project that it is.
        class: Option<ClassRef>,
        /// What it is given.
        arguments: Vec<Written>,
        /// Whether it is a reference.
        is_reference: bool,
    },
    /// Any type that keeps this promise.
    Promise(String),
    /// Not known, and why.
    Unknown(String),
}

/// What a type is to a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A pool of the driver.
    Pool,
    /// A connection or transaction of the driver.
    Connection,
    /// What a pool or a connection is set up with.
    Builder,
    /// A pool of a neighbour of the driver, by its name.
    OtherPool(String),
    /// Whatever keeps the promise that queries can be run on it.
    Executor(String),
    /// Certainly something else.
    Other(String),
    /// Not known, and why.
    Unknown(String),
}

/// Asks for types.
#[derive(Clone, Copy)]
pub struct Types<'a> {
    project: &'a Project,
    driver: &'a Driver,
}

impl<'a> Types<'a> {
    /// Asks in `project`, for a migration of `driver`.
    pub fn new(project: &'a Project, driver: &'a Driver) -> Self {
        Self { project, driver }
    }

    /// What the expression at `span` is.
    pub fn kind(self, file: FileId, span: Span) -> Kind {
        self.kind_of(&self.of(file, span))
    }

    /// The type of the expression at `span`, without what is around the value: references, `Option`, `Arc`.
    pub fn of(self, file: FileId, span: Span) -> Type {
        let found = self.expression(file, span, DEPTH);
        self.bare(found, DEPTH)
    }

    /// The type of a variable, as its binding declares it.
    pub fn of_binding(self, file: FileId, binding: &Binding) -> Type {
        self.binding(file, binding, DEPTH)
    }

    /// A type without what is around the value.
    pub fn plain(self, found: &Type) -> Type {
        self.bare(found.clone(), DEPTH)
    }

    /// The type of the expression at `span` as it is declared, with what is around the value.
    pub fn declared(self, file: FileId, span: Span) -> Type {
        self.expression(file, span, DEPTH)
    }

    /// The type that is written at `span` in `scope`.
    pub fn written(self, file: FileId, span: Span, scope: ScopeId) -> Type {
        self.read(Written { file, span, scope }, DEPTH)
    }

    /// What the type that is written at `span` in `scope` is.
    pub fn kind_of_written(self, file: FileId, span: Span, scope: ScopeId) -> Kind {
        let found = self.written(file, span, scope);
        self.kind_of(&self.bare(found, DEPTH))
    }

    /// What a type is to the migration.
    pub fn kind_of(self, found: &Type) -> Kind {
        match found {
            Type::Unknown(why) => Kind::Unknown(why.clone()),
            Type::Promise(text) => {
                let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
                let traits = &self.driver.executor_traits;
                if words.any(|word| traits.iter().any(|known| known == word)) {
                    Kind::Executor(text.clone())
                } else {
                    Kind::Unknown(format!("any type that keeps `{text}`"))
                }
            }
            Type::Named {
                name, arguments, ..
            } => self.kind_of_named(name, arguments),
        }
    }

    fn kind_of_named(self, name: &str, arguments: &[Written]) -> Kind {
        let driver = self.driver;
        let last = last_part(name);
        let is = |names: &[String]| names.iter().any(|known| known == last);
        if self.is_of_driver(name) {
            let ours = || arguments.iter().all(|own| self.is_our_database(*own));
            if is(&driver.executor_traits) {
                return Kind::Executor(written(name));
            }
            if is(&driver.pool_types) && ours() {
                return Kind::Pool;
            }
            if is(&driver.connection_types) && ours() {
                return Kind::Connection;
            }
            if driver.builders.contains_key(last) {
                return Kind::Builder;
            }
            return Kind::Other(self.with_arguments(name, arguments));
        }
        if let Some(neighbour) = driver.neighbour(name)
            && is(&neighbour.pool_types)
        {
            return Kind::OtherPool(name.to_owned());
        }
        Kind::Other(written(name))
    }

    /// A generic type for people.
    fn with_arguments(self, name: &str, arguments: &[Written]) -> String {
        let texts = arguments.iter().map(|own| {
            let file = self.project.file(own.file);
            own.span.text(file.text())
        });
        let texts: Vec<&str> = texts.collect();
        match texts[..] {
            [] => written(name),
            _ => one_line(format!("{}<{}>", written(name), texts.join(", "))),
        }
    }

    fn is_of_driver(self, name: &str) -> bool {
        let root = name.split('.').next().unwrap_or_default();
        name.contains('.') && self.driver.modules.iter().any(|module| module == root)
    }

    /// Whether an argument of a generic type lets it be one of the driver's database.
    fn is_our_database(self, argument: Written) -> bool {
        match self.read(argument, DEPTH) {
            Type::Named { name, .. } => {
                let last = last_part(&name);
                self.driver.databases.is_empty()
                    || self.driver.databases.iter().any(|known| known == last)
            }
            Type::Promise(_) | Type::Unknown(_) => true,
        }
    }

    /// The type of the value inside of what only hands it on.
    fn bare(self, found: Type, depth: usize) -> Type {
        let Some(depth) = depth.checked_sub(1) else {
            return found;
        };
        let Type::Named {
            name,
            class: None,
            arguments,
            ..
        } = &found
        else {
            return found;
        };
        let inner = arguments.first().filter(|first| {
            let wrappers = self.project.file(first.file).language.wrappers();
            wrappers.contains(&last_part(name))
        });
        match inner {
            Some(inner) => self.bare(self.read(*inner, depth), depth),
            None => found,
        }
    }

    /// The type that is written at a place.
    fn read(self, place: Written, depth: usize) -> Type {
        let file = self.project.file(place.file);
        let text = || one_line(place.span.text(file.text()));
        let Some(depth) = depth.checked_sub(1) else {
            return Type::Unknown(format!("`{}` leads on too far", text()));
        };
        let Some(form) = file.language.type_form(file.code(), place.span) else {
            return Type::Unknown(format!("`{}`", text()));
        };
        if form.is_promise {
            return Type::Promise(text());
        }
        let arguments = form.arguments.iter().map(|span| Written {
            span: *span,
            ..place
        });
        let arguments: Vec<Written> = arguments.collect();
        let named = |name: String, class| Type::Named {
            name,
            class,
            arguments: arguments.clone(),
            is_reference: form.is_reference,
        };
        let symbol = match file.expression(form.name) {
            Expression::Name(name) if name == "Self" => {
                return match self.class_at(place.file, place.scope) {
                    Some(class) => named(self.name_of(class), Some(class)),
                    None => Type::Unknown("`Self`".to_owned()),
                };
            }
            Expression::Name(name) => {
                if let Some(bounds) = self.parameter(place, &name) {
                    return Type::Promise(bounds);
                }
                self.project.name_in(place.file, place.scope, &name)
            }
            _ => match self.project.symbol(place.file, form.name) {
                Some(symbol) => symbol,
                None => return Type::Unknown(format!("`{}`", text())),
            },
        };
        if let Some(class) = self.project.class(&symbol, place.file) {
            return named(self.name_of(class), Some(class));
        }
        match symbol {
            Symbol::Member { file, name } => self
                .alias(file, Model::MODULE, &name, depth)
                .unwrap_or_else(|| named(name, None)),
            Symbol::Local { scope, name } => self
                .alias(place.file, scope, &name, depth)
                .unwrap_or_else(|| named(name, None)),
            Symbol::External(dotted) => named(dotted, None),
            Symbol::Unread { name, .. } => named(name, None),
            Symbol::Unbound(name) => named(self.starred(place.file, &name), None),
            Symbol::Module { path } => Type::Unknown(format!("the module {path}")),
        }
    }

    /// The bounds of the type parameter `name` that is seen in a scope; empty for one without any.
    fn parameter(self, place: Written, name: &str) -> Option<String> {
        let file = self.project.file(place.file);
        let model = &file.model;
        let scope = model.ancestors(place.scope).find(|scope| {
            let mut bindings = model.bindings.iter();
            bindings.any(|binding| {
                binding.executed_in == *scope
                    && binding.name == name
                    && is_type_parameter(model, binding)
            })
        })?;
        let declared = model.bindings.iter().find(|binding| {
            binding.executed_in == scope
                && binding.name == name
                && binding.kind == BindingKind::Type
        })?;
        let own = declared
            .annotation
            .map_or("", |span| span.text(file.text()));
        // What a `where` adds stands in the head of the same definition.
        let head = model.scope(scope);
        let head = Span::new(head.span.start, head.body.start.max(head.span.start));
        let added = head
            .text(file.text())
            .split_once("where")
            .map(|(_, added)| {
                let clauses = added.split(',');
                let own = clauses.filter(|clause| clause.trim_start().starts_with(name));
                own.collect::<Vec<_>>().join(",")
            });
        Some(one_line(
            format!("{own} {}", added.unwrap_or_default()).trim(),
        ))
    }

    /// The type that another name stands for.
    fn alias(self, file: FileId, scope: ScopeId, name: &str, depth: usize) -> Option<Type> {
        let mut bindings = self.project.file(file).model.bindings_of(scope, name);
        let alias = bindings.find(|binding| binding.kind == BindingKind::Type)?;
        let span = alias.annotation?;
        Some(self.read(Written { file, span, scope }, depth))
    }

    /// A name that is bound nowhere: of the driver where a star may bring it in, else of the language.
    fn starred(self, file: FileId, name: &str) -> String {
        let imports = self.project.file(file).model.imports.iter();
        let mut stars = imports.filter(|import| import.kind == ImportKind::Star);
        let module = stars.find(|import| {
            let root = import.module.split('.').next().unwrap_or_default();
            let known = self
                .driver
                .pool_types
                .iter()
                .chain(&self.driver.connection_types);
            let known = known.chain(self.driver.builders.keys());
            let own = self.driver.modules.iter().any(|module| module == root);
            (own && known.clone().any(|known| known == name))
                || self
                    .driver
                    .neighbour(&import.module)
                    .is_some_and(|neighbour| neighbour.pool_types.iter().any(|known| known == name))
        });
        match module {
            Some(star) => format!("{}.{name}", star.module),
            None => name.to_owned(),
        }
    }

    fn name_of(self, class: ClassRef) -> String {
        let file = self.project.file(class.file);
        file.model.scope(class.scope).name.clone()
    }

    /// The structure whose methods stand around `scope`.
    pub fn class_at(self, file: FileId, scope: ScopeId) -> Option<ClassRef> {
        let model = &self.project.file(file).model;
        let around = model.class_around(scope)?;
        self.structure(ClassRef {
            file,
            scope: around,
        })
    }

    /// The structure that a block of methods is for; a structure is its own.
    fn structure(self, class: ClassRef) -> Option<ClassRef> {
        let file = self.project.file(class.file);
        let Some(target) = file.model.scope(class.scope).bases.first() else {
            return Some(class);
        };
        let symbol = self.project.symbol(class.file, *target)?;
        self.project.class(&symbol, class.file).or(Some(class))
    }

    /// The type of a field.
    pub fn field(self, class: ClassRef, name: &str) -> Option<Type> {
        self.field_of(class, name, DEPTH)
    }

    fn field_of(self, class: ClassRef, name: &str, depth: usize) -> Option<Type> {
        let class = self.structure(class)?;
        let mut bindings = self
            .project
            .file(class.file)
            .model
            .bindings_of(class.scope, name);
        let span = bindings.find_map(|binding| {
            binding
                .annotation
                .filter(|_| binding.kind == BindingKind::Annotation)
        })?;
        let (file, scope) = (class.file, class.scope);
        Some(self.read(Written { file, span, scope }, depth))
    }

    /// The method of a structure, wherever it is implemented.
    pub fn method(self, class: ClassRef, name: &str) -> Option<FunctionRef> {
        let own = self.project.method(class, name);
        own.or_else(|| {
            let mut heirs = self.project.heirs(class).into_iter();
            heirs.find_map(|heir| self.project.method(heir, name))
        })
    }

    /// What a function declares to give.
    pub fn result(self, function: FunctionRef) -> Option<Type> {
        let found = self.result_of(function, DEPTH)?;
        Some(found)
    }

    fn result_of(self, function: FunctionRef, depth: usize) -> Option<Type> {
        let file = self.project.file(function.file);
        let definition = file.model.scope(function.scope).span;
        let span = file.language.declared_result(file.code(), definition)?;
        let place = Written {
            file: function.file,
            span,
            scope: function.scope,
        };
        Some(self.read(place, depth))
    }

    fn expression(self, id: FileId, span: Span, depth: usize) -> Type {
        let file = self.project.file(id);
        let text = || one_line(span.text(file.text()));
        let Some(depth) = depth.checked_sub(1) else {
            return Type::Unknown(format!("`{}` leads on too far", text()));
        };
        match file.expression(span) {
            Expression::Name(name) => self.name(id, span, &name, depth),
            Expression::Attribute { object, name } => match self.project.symbol(id, span) {
                Some(symbol) => self.symbol(id, &symbol, depth),
                None => self.member(id, object, &name, depth),
            },
            Expression::Call { callee, arguments } => self.call(id, callee, &arguments, depth),
            Expression::Same(inner) => {
                let inner = self.expression(id, inner, depth);
                referenced(inner, span.text(file.text()).starts_with('&'))
            }
            Expression::Literal => Type::Named {
                name: "a literal".to_owned(),
                class: None,
                arguments: Vec::new(),
                is_reference: false,
            },
            _ => Type::Unknown(format!("`{}`", text())),
        }
    }

    fn name(self, id: FileId, span: Span, name: &str, depth: usize) -> Type {
        let file = self.project.file(id);
        let scope = file.model.scope_at(span.start);
        match file.model.resolve(scope, name) {
            Some(owner) if owner != Model::MODULE => {
                let mut bindings = file.model.bindings_of(owner, name);
                let found = bindings
                    .next()
                    .map(|binding| self.binding(id, binding, depth));
                found.unwrap_or_else(|| Type::Unknown(format!("`{name}`")))
            }
            _ => {
                let symbol = self.project.name_in(id, scope, name);
                self.symbol(id, &symbol, depth)
            }
        }
    }

    fn symbol(self, from: FileId, symbol: &Symbol, depth: usize) -> Type {
        let (file, scope, name) = match symbol {
            Symbol::Member { file, name } => (*file, Model::MODULE, name),
            Symbol::Local { scope, name } => (from, *scope, name),
            Symbol::Unbound(name) | Symbol::Unread { name, .. } | Symbol::External(name) => {
                return Type::Unknown(format!("`{}`", written(name)));
            }
            Symbol::Module { path } => return Type::Unknown(format!("the module {path}")),
        };
        let mut bindings = self.project.file(file).model.bindings_of(scope, name);
        let found = bindings
            .next()
            .map(|binding| self.binding(file, binding, depth));
        found.unwrap_or_else(|| Type::Unknown(format!("`{name}`")))
    }

    /// The type of the variable that a binding makes.
    fn binding(self, id: FileId, binding: &Binding, depth: usize) -> Type {
        let file = self.project.file(id);
        let name = &binding.name;
        if *name == "self" && binding.annotation.is_none() {
            return match self.class_at(id, binding.scope) {
                Some(class) => Type::Named {
                    name: self.name_of(class),
                    class: Some(class),
                    arguments: Vec::new(),
                    is_reference: true,
                },
                None => Type::Unknown("`self`".to_owned()),
            };
        }
        if let Some((structure, field)) = file.language.field_of_pattern(file.code(), binding.span)
        {
            let structure = Written {
                file: id,
                span: structure,
                scope: binding.executed_in,
            };
            let class = match self.read(structure, depth) {
                Type::Named { class, .. } => class,
                _ => None,
            };
            let found = class.and_then(|class| self.field_of(class, &field, depth));
            return found.unwrap_or_else(|| Type::Unknown(format!("the field `{field}`")));
        }
        if let Some(span) = binding.annotation {
            let scope = binding.executed_in;
            return self.read(
                Written {
                    file: id,
                    span,
                    scope,
                },
                depth,
            );
        }
        match (binding.kind, binding.value) {
            (
                BindingKind::Assignment | BindingKind::Annotation | BindingKind::Pattern,
                Some(value),
            ) => self.expression(id, value, depth),
            (BindingKind::Import, _) => {
                let symbol = self.project.name_in(id, binding.executed_in, name);
                let is_itself = matches!(&symbol, Symbol::Member { file, .. } if *file == id);
                if is_itself {
                    return Type::Unknown(format!("`{name}`"));
                }
                self.symbol(id, &symbol, depth)
            }
            _ => Type::Unknown(format!("`{name}`, whose type is not written")),
        }
    }

    /// `object.name`
    fn member(self, id: FileId, object: Span, name: &str, depth: usize) -> Type {
        let owner = self.bare(self.expression(id, object, depth), depth);
        match &owner {
            Type::Named {
                class: Some(class), ..
            } => self.field_of(*class, name, depth).unwrap_or_else(|| {
                Type::Unknown(format!("the field `{name}` of {}", shown(&owner)))
            }),
            // The value inside of a type with one part only.
            Type::Named { .. } if name == "0" => owner,
            _ => Type::Unknown(format!("the field `{name}` of {}", shown(&owner))),
        }
    }

    fn call(self, id: FileId, callee: Span, arguments: &[Argument], depth: usize) -> Type {
        let file = self.project.file(id);
        let unknown = || {
            Type::Unknown(format!(
                "what `{}` gives",
                one_line(callee.text(file.text()))
            ))
        };
        let given = || arguments.first().map(Argument::value);
        if let Some(symbol) = self.project.symbol(id, callee) {
            if let Some(class) = self.project.class(&symbol, id) {
                return Type::Named {
                    name: self.name_of(class),
                    class: Some(class),
                    arguments: Vec::new(),
                    is_reference: false,
                };
            }
            if let Some(function) = self.project.function(&symbol, id) {
                return self.result_of(function, depth).unwrap_or_else(unknown);
            }
        }
        let Expression::Attribute { object, name } = file.expression(callee) else {
            // `Some(pool)`, `State(pool)`
            let wraps = file.language.wrappers().contains(&callee.text(file.text()))
                || matches!(callee.text(file.text()), "Some" | "Ok");
            return match given().filter(|_| wraps) {
                Some(value) => self.expression(id, value, depth),
                None => unknown(),
            };
        };
        let scope = file.model.scope_at(callee.start);
        let is_path = callee.text(file.text())[object.len()..]
            .trim_start_matches(|c| c != ':' && c != '.')
            .starts_with("::");
        if is_path && names_type(object.text(file.text())) {
            let place = Written {
                file: id,
                span: object,
                scope,
            };
            return self
                .constructed(place, &name, given(), depth)
                .unwrap_or_else(unknown);
        }
        let owner = self.expression(id, object, depth);
        self.called(owner, &name, depth).unwrap_or_else(unknown)
    }

    /// What the function `name` of a type gives.
    fn constructed(
        self,
        place: Written,
        name: &str,
        given: Option<Span>,
        depth: usize,
    ) -> Option<Type> {
        let owner = self.read(place, depth);
        let file = self.project.file(place.file);
        let Type::Named {
            name: owner_name,
            class,
            ..
        } = &owner
        else {
            return None;
        };
        if let Some(class) = class {
            let method = self.method(*class, name)?;
            return self.result_of(method, depth);
        }
        if file.language.wrappers().contains(&last_part(owner_name)) {
            return given.map(|value| self.expression(place.file, value, depth));
        }
        let opens = [&self.driver.create_pool, &self.driver.connect];
        let opens = opens.into_iter().flatten().any(|known| known == name);
        let makes = name.starts_with("new")
            || name.starts_with("from")
            || matches!(name, "default" | "builder" | "open" | "connect" | "bind");
        match self.kind_of(&owner) {
            Kind::Pool | Kind::Connection | Kind::Builder if opens || makes => Some(owner),
            Kind::Other(_) | Kind::OtherPool(_) if makes => Some(owner),
            _ => None,
        }
    }

    /// What the method `name` of a value gives.
    fn called(self, owner: Type, name: &str, depth: usize) -> Option<Type> {
        let bare = self.bare(owner.clone(), depth);
        let is = |names: &[String]| names.iter().any(|known| known == name);
        let of_driver = |last: &str| {
            let module = self.driver.modules.first()?;
            Some(Type::Named {
                name: format!("{module}.{last}"),
                class: None,
                arguments: Vec::new(),
                is_reference: false,
            })
        };
        match self.kind_of(&bare) {
            Kind::Pool if is(&self.driver.acquire) || is(&self.driver.begin) => {
                return of_driver(self.driver.connection_types.first()?);
            }
            Kind::Connection => return Some(bare),
            Kind::Builder => {
                let opens = is(&self.driver.create_pool) || is(&self.driver.connect);
                return match &bare {
                    Type::Named { name, .. } if opens => {
                        of_driver(self.driver.builders.get(last_part(name))?)
                    }
                    _ => Some(bare),
                };
            }
            _ => {}
        }
        match &bare {
            Type::Named {
                class: Some(class), ..
            } => {
                let method = self.method(*class, name)?;
                self.result_of(method, depth)
            }
            // What is around a value gives it by whatever it is asked for.
            _ if bare != owner => Some(match name {
                "get" | "as_ref" | "get_ref" | "get_or_init" | "get_or_try_init" | "deref"
                | "force" => referenced(bare, true),
                _ => owner,
            }),
            _ => None,
        }
    }
}

/// Whether a binding is a type parameter of the definition that its scope is.
fn is_type_parameter(model: &Model, binding: &Binding) -> bool {
    let scope = model.scope(binding.executed_in);
    binding.kind == BindingKind::Type
        && matches!(scope.kind, ScopeKind::Function | ScopeKind::Class)
        && binding.span.start < scope.body.start
}

fn referenced(found: Type, by_reference: bool) -> Type {
    match found {
        Type::Named {
            name,
            class,
            arguments,
            is_reference,
        } => Type::Named {
            name,
            class,
            arguments,
            is_reference: is_reference || by_reference,
        },
        other => other,
    }
}

/// Whether a path names a type rather than a module or a value.
fn names_type(text: &str) -> bool {
    let last = text.rsplit("::").next().unwrap_or(text);
    !text.contains('.') && last.starts_with(char::is_uppercase)
}

/// The last part of a dotted name.
pub fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// A dotted name as it is written.
pub fn written(name: &str) -> String {
    name.replace('.', "::")
}

/// A type for people.
pub fn shown(found: &Type) -> String {
    match found {
        Type::Named { name, .. } => format!("`{}`", written(name)),
        Type::Promise(text) => format!("`{text}`"),
        Type::Unknown(why) => why.clone(),
    }
}

fn one_line(text: impl AsRef<str>) -> String {
    let words: Vec<&str> = text.as_ref().split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
