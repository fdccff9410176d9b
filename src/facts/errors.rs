//! Where exceptions end before they leave a body: in handlers, and in context managers that swallow them, followed into the project.

use crate::facts::World;
use crate::facts::attribute::Family;
use crate::language::expression::Expression;
use crate::language::usage::{Catch, Entered};
use crate::language::{BindingKind, ScopeId};
use crate::project::{ClassRef, FileId, FunctionRef, ParsedFile, Symbol};
use crate::source::Span;

/// Context managers of libraries that let every exception of their body through, by dotted name or the beginning of one that ends in a dot.
///
/// Each `__exit__` or `__aexit__` of these returns nothing. Not here are those that swallow by design (`contextlib.suppress`,
/// `anyio.move_on_after`), which the language knows, and stacks, which do what was pushed onto them.
const TRANSPARENT: [&str; 22] = [
    "asyncio.",
    "threading.",
    "multiprocessing.",
    "tempfile.",
    "aiofiles.",
    "httpx.AsyncClient",
    "httpx.Client",
    "aiohttp.ClientSession",
    "requests.Session",
    "contextlib.closing",
    "contextlib.aclosing",
    "contextlib.nullcontext",
    "contextlib.redirect_stdout",
    "contextlib.redirect_stderr",
    "contextlib.chdir",
    "decimal.localcontext",
    "warnings.catch_warnings",
    "anyio.Lock",
    "anyio.Semaphore",
    "anyio.CapacityLimiter",
    "anyio.fail_after",
    "open",
];

/// The decorators that make a context manager of a generator.
const MANAGER_DECORATORS: [&str; 2] = ["contextmanager", "asynccontextmanager"];

/// What a context manager does with the exceptions of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Manager {
    /// It lets them through.
    Passes,
    /// It can end them.
    Swallows,
    /// It is not known.
    Unknown,
}

/// The places in `body` where exceptions are caught, context managers of the project among them.
pub fn catches(world: World<'_>, id: FileId, body: Span) -> Vec<Catch> {
    let file = world.project.file(id);
    let mut found = file.language.catches(file.code(), body);
    let managers = file.language.entered(file.code(), body).into_iter();
    let swallowing = managers.filter(|entered| manager(world, id, *entered) == Manager::Swallows);
    found.extend(swallowing.map(|entered| Catch {
        span: entered.span,
        body: entered.body,
        handles: true,
        falls_through: true,
        continues: false,
        handlers: Vec::new(),
        // What its exit method looks at is not followed.
        types: Some(Vec::new()),
    }));
    found
}

/// The resources opened in `body` of which it is not known whether they let exceptions through.
pub fn doubtful(world: World<'_>, id: FileId, body: Span) -> Vec<Entered> {
    let file = world.project.file(id);
    let managers = file.language.entered(file.code(), body).into_iter();
    managers
        .filter(|entered| manager(world, id, *entered) == Manager::Unknown)
        .collect()
}

/// Whether an exception can end in a place that catches: a handler goes on behind it, or leaves without raising again.
pub fn ends_in(file: &ParsedFile, catch: &Catch) -> bool {
    let handlers = Span::new(catch.body.end, catch.span.end.max(catch.body.end));
    // A handler that raises at its end may return before.
    let returns = |handler: &Span| !file.language.returns(file.code(), *handler).is_empty();
    catch.handles
        && (catch.falls_through
            || catch.continues
            || catch.handlers.iter().any(returns)
            || file.language.raises(file.code(), handlers).is_empty())
}

/// Whether an exception is certain to end in a place that catches, where it is raised as `raised`: the handlers take every exception, or
/// those of that type, and none raises itself.
pub fn surely_ends_in(file: &ParsedFile, catch: &Catch, raised: Option<&str>) -> bool {
    let handlers = Span::new(catch.body.end, catch.span.end.max(catch.body.end));
    let takes = match (&catch.types, raised) {
        (None, _) => true,
        (Some(types), Some(raised)) => types.iter().any(|name| name == raised),
        (Some(_), None) => false,
    };
    catch.handles && takes && file.language.raises(file.code(), handlers).is_empty()
}

/// The last part of the name of the exception that the statement at `raise` raises, where it says so.
pub fn raised_type(file: &ParsedFile, raise: Span) -> Option<String> {
    let text = raise.text(file.text()).strip_prefix("raise")?.trim_start();
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.');
    let end = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
    let name = text[..end].rsplit('.').next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The functions of the project that run when a resource is opened and when it is closed again: the methods of an object, or the generator
/// that the resource is made of. `None` where that is not known; neither for what the database or a library gives.
pub fn manager_functions(world: World<'_>, id: FileId, entered: Entered) -> Option<Managing> {
    let file = world.project.file(id);
    let of_class = |class: ClassRef| {
        let methods = |names: [&str; 2]| -> Vec<FunctionRef> {
            let names = names.iter();
            names
                .filter_map(|name| world.project.method(class, name))
                .collect()
        };
        let opening = methods(["__aenter__", "__enter__"]);
        let closing = methods(["__aexit__", "__exit__"]);
        (!closing.is_empty()).then_some(Managing::Methods { opening, closing })
    };
    let Expression::Call { callee, .. } = file.expression(entered.resource) else {
        let classes = instances(world, id, entered.resource)?;
        let mut all = (Vec::new(), Vec::new());
        for class in classes {
            if let Managing::Methods { opening, closing } = of_class(class)? {
                all.0.extend(opening);
                all.1.extend(closing);
            }
        }
        let (opening, closing) = all;
        return (!closing.is_empty()).then_some(Managing::Methods { opening, closing });
    };
    if is_of_database(world, id, callee) {
        return None;
    }
    let symbol = world.project.symbol(id, callee);
    if let Some(class) = symbol.and_then(|symbol| world.project.class(&symbol, id)) {
        return of_class(class);
    }
    let function = crate::facts::passing::target(world, id, callee)?;
    is_generator_manager(world, function).then_some(Managing::Generator(function))
}

/// Whether a resource is the database's: a transaction, a connection of a pool.
pub fn is_of_database_manager(world: World<'_>, id: FileId, entered: Entered) -> bool {
    match world.project.file(id).expression(entered.resource) {
        Expression::Call { callee, .. } => is_of_database(world, id, callee),
        _ => false,
    }
}

/// Whether a resource is of a library that is known to close it without raising anything.
pub fn closes_quietly(world: World<'_>, id: FileId, entered: Entered) -> bool {
    manager(world, id, entered) == Manager::Passes
        && manager_functions(world, id, entered).is_none()
}

/// What of the project opens and closes a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Managing {
    /// Methods of an object.
    Methods {
        /// `__aenter__`, `__enter__`
        opening: Vec<FunctionRef>,
        /// `__aexit__`, `__exit__`
        closing: Vec<FunctionRef>,
    },
    /// A generator, which opens before its `yield` and closes behind it.
    Generator(FunctionRef),
}

fn manager(world: World<'_>, id: FileId, entered: Entered) -> Manager {
    let file = world.project.file(id);
    let Expression::Call { callee, .. } = file.expression(entered.resource) else {
        return of_value(world, id, entered.resource);
    };
    if is_of_database(world, id, callee) {
        return Manager::Passes;
    }
    match world.project.symbol(id, callee) {
        Some(Symbol::External(dotted) | Symbol::Unbound(dotted)) => of_library(&dotted),
        Some(symbol) => of_symbol(world, id, &symbol),
        None => crate::facts::passing::target(world, id, callee)
            .map_or(Manager::Unknown, |function| of_function(world, function)),
    }
}

/// `conn.transaction()`, `pool.acquire()`, and the standard's own scopes.
fn is_of_database(world: World<'_>, id: FileId, callee: Span) -> bool {
    let text = callee.text(world.project.file(id).text());
    let last = text.rsplit('.').next().unwrap_or(text);
    let driver = world.driver;
    let standard = &world.config.standard;
    let scopes = standard.scope.iter().chain(&standard.rls);
    let of_driver = driver.silent_methods.iter().chain(&driver.acquire);
    of_driver.into_iter().any(|name| name == last)
        || world
            .standard
            .member(world, id, callee, scopes.map(String::as_str))
            .is_some()
}

fn of_library(dotted: &str) -> Manager {
    let known = TRANSPARENT
        .iter()
        .any(|name| dotted == *name || (name.ends_with('.') && dotted.starts_with(name)));
    if known {
        Manager::Passes
    } else {
        Manager::Unknown
    }
}

fn of_symbol(world: World<'_>, id: FileId, symbol: &Symbol) -> Manager {
    if let Some(class) = world.project.class(symbol, id) {
        return of_class(world, class);
    }
    world
        .project
        .function(symbol, id)
        .map_or(Manager::Unknown, |function| of_function(world, function))
}

/// Whether a function is a generator that is made a context manager.
fn is_generator_manager(world: World<'_>, function: FunctionRef) -> bool {
    let file = world.project.file(function.file);
    let decorators = &file.model.scope(function.scope).decorators;
    decorators.iter().any(|decorator| {
        let text = decorator.text(file.text());
        let last = text.rsplit('.').next().unwrap_or(text);
        MANAGER_DECORATORS.contains(&last)
    })
}

/// A generator that is made a context manager ends the exceptions that it catches around its `yield`.
fn of_function(world: World<'_>, function: FunctionRef) -> Manager {
    let file = world.project.file(function.file);
    let scope = file.model.scope(function.scope);
    if !is_generator_manager(world, function) {
        return Manager::Unknown;
    }
    let catches = file.language.catches(file.code(), scope.body);
    let yields = file.language.yields(file.code(), scope.body);
    let swallows = yields.iter().any(|place| {
        catches
            .iter()
            .any(|catch| catch.body.contains(*place) && ends_in(file, catch))
    });
    if swallows {
        Manager::Swallows
    } else {
        Manager::Passes
    }
}

/// An object ends the exceptions of its block when its exit method returns a true value.
fn of_class(world: World<'_>, class: ClassRef) -> Manager {
    let exits = ["__aexit__", "__exit__"];
    let methods: Vec<FunctionRef> = exits
        .iter()
        .filter_map(|name| world.project.method(class, name))
        .collect();
    if methods.is_empty() {
        return Manager::Unknown;
    }
    let returns_value = methods.iter().any(|method| {
        let file = world.project.file(method.file);
        let mut returns = file.outline.returns.iter();
        returns.any(|give_back| {
            let value = give_back.value.filter(|_| give_back.scope == method.scope);
            value.is_some_and(|value| {
                file.expression(value) != Expression::Null && value.text(file.text()) != "False"
            })
        })
    });
    if returns_value {
        Manager::Swallows
    } else {
        Manager::Passes
    }
}

/// An object that was made before: what the variable or attribute was given.
fn of_value(world: World<'_>, id: FileId, value: Span) -> Manager {
    let given = given(world, id, value);
    let of = |(id, value): &(FileId, Span)| {
        let file = world.project.file(*id);
        match file.expression(*value) {
            Expression::Call { callee, .. } => match world.project.symbol(*id, callee) {
                Some(Symbol::External(dotted) | Symbol::Unbound(dotted)) => of_library(&dotted),
                Some(symbol) => world
                    .project
                    .class(&symbol, *id)
                    .map_or(Manager::Unknown, |class| of_class(world, class)),
                None => Manager::Unknown,
            },
            _ => Manager::Unknown,
        }
    };
    let Some(given) = given else {
        return Manager::Unknown;
    };
    let managers: Vec<Manager> = given.iter().map(of).collect();
    if managers.contains(&Manager::Swallows) {
        Manager::Swallows
    } else if managers.is_empty() || managers.contains(&Manager::Unknown) {
        Manager::Unknown
    } else {
        Manager::Passes
    }
}

/// The classes of the project that a variable or attribute was given objects of; `None` where it may be something else.
fn instances(world: World<'_>, id: FileId, value: Span) -> Option<Vec<ClassRef>> {
    let given = given(world, id, value)?.into_iter();
    given
        .map(|(id, value)| {
            let file = world.project.file(id);
            let Expression::Call { callee, .. } = file.expression(value) else {
                return None;
            };
            world.project.class(&world.project.symbol(id, callee)?, id)
        })
        .collect()
}

/// The values that are assigned to a variable, or to an attribute of the object that the code belongs to; `None` where it may have others.
fn given(world: World<'_>, id: FileId, value: Span) -> Option<Vec<(FileId, Span)>> {
    let file = world.project.file(id);
    let scope = file.model.scope_at(value.start);
    match file.expression(value) {
        Expression::Name(name) => {
            let (id, owner) = match world.project.name_in(id, scope, &name) {
                Symbol::Member { file, .. } => (file, crate::language::Model::MODULE),
                Symbol::Local { scope, .. } => (id, scope),
                _ => return None,
            };
            assigned(world, id, owner, &name)
        }
        Expression::Attribute { object, name } if object.text(file.text()) == "self" => {
            let class = ClassRef {
                file: id,
                scope: file.model.class_around(scope)?,
            };
            let writes = Family::of(world, class).writes(world, &name);
            let values = writes.into_iter();
            values.map(|(id, write)| Some((id, write.value?))).collect()
        }
        _ => None,
    }
}

/// A parameter, or one of many things that a loop goes through, may be anything.
fn assigned(
    world: World<'_>,
    id: FileId,
    owner: ScopeId,
    name: &str,
) -> Option<Vec<(FileId, Span)>> {
    let bindings = world.project.file(id).model.bindings_of(owner, name);
    let is_plain = |kind: BindingKind| {
        matches!(
            kind,
            BindingKind::Assignment | BindingKind::Walrus | BindingKind::Annotation
        )
    };
    bindings
        .map(|binding| {
            let value = binding.value.filter(|_| is_plain(binding.kind))?;
            Some((id, value))
        })
        .collect()
}
