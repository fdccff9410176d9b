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
    catch.handles
        && (catch.falls_through
            || catch.continues
            || file.language.raises(file.code(), handlers).is_empty())
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

/// A generator that is made a context manager ends the exceptions that it catches around its `yield`.
fn of_function(world: World<'_>, function: FunctionRef) -> Manager {
    let file = world.project.file(function.file);
    let scope = file.model.scope(function.scope);
    let is_manager = scope.decorators.iter().any(|decorator| {
        let text = decorator.text(file.text());
        let last = text.rsplit('.').next().unwrap_or(text);
        MANAGER_DECORATORS.contains(&last)
    });
    if !is_manager {
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
    let managers: Vec<Manager> = given.iter().map(of).collect();
    if managers.contains(&Manager::Swallows) {
        Manager::Swallows
    } else if managers.is_empty() || managers.contains(&Manager::Unknown) {
        Manager::Unknown
    } else {
        Manager::Passes
    }
}

/// The values that are assigned to a variable, or to an attribute of the object that the code belongs to.
fn given(world: World<'_>, id: FileId, value: Span) -> Vec<(FileId, Span)> {
    let file = world.project.file(id);
    let scope = file.model.scope_at(value.start);
    match file.expression(value) {
        Expression::Name(name) => {
            let (id, owner) = match world.project.name_in(id, scope, &name) {
                Symbol::Member { file, .. } => (file, crate::language::Model::MODULE),
                Symbol::Local { scope, .. } => (id, scope),
                _ => return Vec::new(),
            };
            assigned(world, id, owner, &name)
        }
        Expression::Attribute { object, name } if object.text(file.text()) == "self" => {
            let Some(class) = file.model.class_around(scope) else {
                return Vec::new();
            };
            let class = ClassRef {
                file: id,
                scope: class,
            };
            let writes = Family::of(world, class).writes(world, &name);
            let values = writes.into_iter();
            values
                .filter_map(|(id, write)| Some((id, write.value?)))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn assigned(world: World<'_>, id: FileId, owner: ScopeId, name: &str) -> Vec<(FileId, Span)> {
    let bindings = world.project.file(id).model.bindings_of(owner, name);
    bindings
        .filter(|binding| binding.kind != BindingKind::Parameter)
        .filter_map(|binding| Some((id, binding.value?)))
        .collect()
}
