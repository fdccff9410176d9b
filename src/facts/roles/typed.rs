//! The roles of captures in languages that declare types: the type of a value says whether it is a pool, not what it is called.
//!
//! Where no type is found, a thing that is called a pool in a file that can have one is one; everything else that a person searching for
//! the word would ask about is listed.

use super::{Standing, named_pool};
use crate::facts::World;
use crate::facts::connection;
use crate::facts::passing;
use crate::facts::types::{Kind, Type, Types, last_part, shown, written};
use crate::language::expression::Expression;
use crate::language::types::TypeUse;
use crate::language::usage::{Manner, Usage};
use crate::locate::Hit;
use crate::project::{FileId, Symbol};
use crate::source::Span;

fn types(world: World<'_>) -> Types<'_> {
    Types::new(world.project, world.driver)
}

/// The text of a capture on one line.
fn text(world: World<'_>, file: FileId, span: Span) -> String {
    let text = span.text(world.project.file(file).text());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The method that a hit calls.
fn method(world: World<'_>, file: FileId, hit: &Hit) -> String {
    let parsed = world.project.file(file);
    let called = hit.captures.get("m").or_else(|| hit.captures.get("METHOD"));
    called.map_or_else(String::new, |span| span.text(parsed.text()).to_owned())
}

/// Whether a pool may be met in the file at all and the thing is called one.
fn called_a_pool(world: World<'_>, file: FileId, text: &str) -> bool {
    world.linked[file.0] && named_pool(text.trim_start_matches('&'))
}

/// Whether the standard gives the pool on to a query of system data: that is a site of its own.
fn is_system(world: World<'_>, file: FileId, span: Span) -> bool {
    let Expression::Call { callee, .. } = world.project.file(file).expression(span) else {
        return false;
    };
    let names = world.config.standard.system.iter().map(String::as_str);
    world.standard.member(world, file, callee, names).is_some()
}

/// What a connection or transaction is taken from, or what a query is run on as a method of it.
pub(super) fn pool(world: World<'_>, file: FileId, hit: &Hit, span: Span) -> Standing {
    let method = method(world, file, hit);
    let is = |names: &[String]| names.contains(&method);
    let driver = world.driver;
    let borrows = is(&driver.acquire) || is(&driver.begin);
    let text = text(world, file, span);
    let library = driver.modules.join(" or ");
    let dismissed = |reason: String| {
        if borrows {
            Standing::Other(reason)
        } else {
            Standing::Unrelated
        }
    };
    if is_system(world, file, span) {
        return Standing::Unrelated;
    }
    match types(world).kind(file, span) {
        Kind::Pool => Standing::Site,
        Kind::Connection => dismissed(format!(
            "`{text}` is a connection already, not a pool: a transaction inside of what it was taken from"
        )),
        Kind::Executor(promise) => dismissed(format!(
            "`{text}` is whatever the caller gives (`{promise}`): a pool, a connection or a transaction"
        )),
        Kind::OtherPool(name) => dismissed(format!(
            "`{text}` is a `{}`, not a pool of {library} for PostgreSQL",
            written(&name)
        )),
        Kind::Builder => dismissed(format!("`{text}` sets a connection up and is none")),
        Kind::Other(what) => dismissed(format!(
            "`{text}` is `{what}`, not a pool of {library} for PostgreSQL"
        )),
        Kind::Unknown(_) if called_a_pool(world, file, &text) => Standing::Site,
        Kind::Unknown(why) => dismissed(format!(
            "nothing shows that `{text}` is a database pool; its type is not seen: {why}"
        )),
    }
}

/// What a query is run on, where that is the query's argument.
pub(super) fn executor(world: World<'_>, file: FileId, hit: &Hit, span: Span) -> Standing {
    let text = text(world, file, span);
    // What is lent to be changed is a connection: pools are shared.
    if text.starts_with("&mut") || is_system(world, file, span) {
        return Standing::Unrelated;
    }
    let parsed = world.project.file(file);
    let is_query = || match parsed.expression(hit.site) {
        Expression::Call { callee, .. } => match parsed.expression(callee) {
            Expression::Attribute { object, .. } => connection::is_query(world, file, object),
            _ => false,
        },
        _ => parsed.language.is_in_tokens(parsed.code(), hit.site),
    };
    match types(world).kind(file, span) {
        Kind::Pool => Standing::Site,
        Kind::Connection | Kind::Builder | Kind::Other(_) | Kind::OtherPool(_) => {
            Standing::Unrelated
        }
        Kind::Executor(promise) if is_query() => Standing::Other(format!(
            "it runs SQL on whatever its caller gives: `{text}` keeps `{promise}`"
        )),
        Kind::Unknown(_) if called_a_pool(world, file, &text) => Standing::Site,
        Kind::Unknown(_) if world.linked[file.0] && is_query() => Standing::Other(format!(
            "it runs SQL, and nothing shows whether `{text}` is a pool or a connection"
        )),
        Kind::Executor(_) | Kind::Unknown(_) => Standing::Unrelated,
    }
}

/// A pool that is handed to a function of the project which takes anything that queries can be run on.
pub(super) fn handed_on(world: World<'_>, file: FileId, span: Span) -> Standing {
    let parsed = world.project.file(file);
    if !world.linked[file.0] || span.text(parsed.text()).starts_with("&mut") {
        return Standing::Unrelated;
    }
    let Usage::Argument { call, callee } = parsed.language.usage(parsed.code(), span) else {
        return Standing::Unrelated;
    };
    let Some((function, parameter)) = passing::reached(world, file, call, callee, span) else {
        return Standing::Unrelated;
    };
    let takes_any = parameter.annotation.is_some_and(|written| {
        let kind = types(world).kind_of_written(function.file, written, function.scope);
        matches!(kind, Kind::Executor(_))
    });
    if takes_any && !is_system(world, file, span) && types(world).kind(file, span) == Kind::Pool {
        Standing::Site
    } else {
        Standing::Unrelated
    }
}

/// A call that opens a pool (`wanted`: [`Kind::Pool`]) or one connection, by the type of what it gives. Other calls of `connect` are listed
/// once, with those that open pools.
pub(super) fn opens(
    world: World<'_>,
    file: FileId,
    hit: &Hit,
    span: Span,
    wanted: &Kind,
) -> Standing {
    let parsed = world.project.file(file);
    if parsed.language.is_in_tokens(parsed.code(), hit.site) {
        return opens_in_tokens(world, file, span, wanted);
    }
    let Expression::Attribute { object, name } = parsed.expression(span) else {
        return Standing::Unrelated;
    };
    let driver = world.driver;
    let names = match wanted {
        Kind::Pool => &driver.create_pool,
        _ => &driver.connect,
    };
    if !names.contains(&name) {
        return Standing::Unrelated;
    }
    if types(world).kind(file, hit.site) == *wanted {
        return Standing::Site;
    }
    let is_path = span.text(parsed.text())[object.len()..]
        .trim_start()
        .starts_with("::");
    if *wanted != Kind::Pool || name != "connect" || !is_path {
        return Standing::Unrelated;
    }
    let scope = parsed.model.scope_at(span.start);
    let owner = types(world).written(file, object, scope);
    let is_neighbour = |dotted: &str| driver.neighbour(dotted).is_some();
    match (
        types(world).kind_of(&owner),
        &owner,
        world.project.symbol(file, span),
    ) {
        (Kind::Connection | Kind::Builder, ..) => Standing::Unrelated,
        (_, Type::Named { name, .. }, _) if is_neighbour(name) => Standing::Unrelated,
        (_, _, Some(Symbol::External(dotted))) if is_neighbour(&dotted) => Standing::Unrelated,
        (_, Type::Named { .. }, _) => Standing::Other(format!(
            "{} is no pool and no connection of {} for PostgreSQL",
            shown(&owner),
            driver.modules.join(" or ")
        )),
        _ => Standing::Other(format!(
            "nothing shows that `{}` opens a connection to a database",
            text(world, file, span)
        )),
    }
}

/// The same of a type that stands in the tokens of a macro, which are not read as code.
fn opens_in_tokens(world: World<'_>, file: FileId, span: Span, wanted: &Kind) -> Standing {
    let parsed = world.project.file(file);
    let scope = parsed.model.scope_at(span.start);
    match types(world).kind_of_written(file, span, scope) {
        kind if kind == *wanted => Standing::Site,
        Kind::Pool | Kind::Connection | Kind::Builder => Standing::Unrelated,
        _ if *wanted == Kind::Pool => Standing::Other(format!(
            "`{}` in the tokens of a macro is no pool and no connection of {} for PostgreSQL",
            text(world, file, span),
            world.driver.modules.join(" or ")
        )),
        _ => Standing::Unrelated,
    }
}

/// The type of a field, of a static, or of what a framework hands to a function.
pub(super) fn kept_type(world: World<'_>, file: FileId, span: Span) -> Standing {
    let parsed = world.project.file(file);
    if !world.linked[file.0] {
        return Standing::Unrelated;
    }
    let place = parsed.language.type_use(parsed.code(), span);
    if place == TypeUse::Parameter && !is_extractor(world, file, span) {
        return Standing::Unrelated;
    }
    let scope = parsed.model.scope_at(span.start);
    match types(world).kind_of_written(file, span, scope) {
        Kind::Pool => Standing::Site,
        _ => Standing::Unrelated,
    }
}

/// Whether a type is one by which a framework hands a value to a handler.
fn is_extractor(world: World<'_>, file: FileId, span: Span) -> bool {
    let parsed = world.project.file(file);
    let form = parsed.language.type_form(parsed.code(), span);
    form.is_some_and(|form| {
        let name = form.name.text(parsed.text());
        let last = name.rsplit("::").next().unwrap_or(name);
        world.driver.extractors.iter().any(|known| known == last)
    })
}

/// The name of a type of pools, or of what sets them up, where nothing keeps one.
pub(super) fn pool_name(world: World<'_>, file: FileId, span: Span) -> Standing {
    let parsed = world.project.file(file);
    let place = parsed.language.type_use(parsed.code(), span);
    if place == TypeUse::Field {
        return kept_type(world, file, span);
    }
    let driver = world.driver;
    let scope = parsed.model.scope_at(span.start);
    let name = span.text(parsed.text());
    let name = name.rsplit("::").next().unwrap_or(name);
    let builds = driver.builders.contains_key(name);
    if !builds && !driver.pool_types.iter().any(|known| known == name) {
        return Standing::Unrelated;
    }
    let kind = types(world).kind_of_written(file, span, scope);
    let is_ours = matches!(kind, Kind::Pool | Kind::Builder);
    // `Pool` is what many libraries call theirs; the other names are the driver's own.
    if place == TypeUse::Import && (is_ours || name != "Pool") {
        return Standing::Other("it is imported or named anew here".to_owned());
    }
    if !is_ours {
        return Standing::Unrelated;
    }
    if builds {
        return Standing::Other(
            "what a pool is set up with; the pool is where it is opened".to_owned(),
        );
    }
    match place {
        TypeUse::Within | TypeUse::Field | TypeUse::Static => Standing::Unrelated,
        TypeUse::Parameter => Standing::Other(
            "a parameter that is a pool; what is done with it is looked at where it is done"
                .to_owned(),
        ),
        TypeUse::Result => Standing::Other(
            "a function gives a pool on; what is done with it is looked at where it is done"
                .to_owned(),
        ),
        _ => Standing::Other("the type is named, and nothing is done with a pool here".to_owned()),
    }
}

/// A pool of a neighbour of the driver.
pub(super) fn other_pool(world: World<'_>, file: FileId, hit: &Hit, span: Span) -> Standing {
    let parsed = world.project.file(file);
    let method = method(world, file, hit);
    let text = text(world, file, span);
    let (_, manner) = parsed.language.whole_call(parsed.code(), hit.site);
    let in_tokens = parsed.language.is_in_tokens(parsed.code(), hit.site);
    let awaited = in_tokens || manner == Manner::Awaited;
    let is_plain = match parsed.expression(hit.site) {
        Expression::Call { arguments, .. } => arguments.is_empty(),
        _ => in_tokens,
    };
    let dismissed = |reason: String| {
        if awaited && method == "get" && is_plain {
            Standing::Other(reason)
        } else {
            Standing::Unrelated
        }
    };
    match types(world).kind(file, span) {
        Kind::OtherPool(name) => match world.driver.neighbour(&name) {
            Some(neighbour) if neighbour.acquire.contains(&method) => Standing::Site,
            _ => Standing::Unrelated,
        },
        Kind::Unknown(_) if awaited && is_plain && called_a_pool(world, file, &text) => {
            Standing::Site
        }
        Kind::Unknown(why) => dismissed(format!(
            "nothing shows that `{text}` is a database pool; its type is not seen: {why}"
        )),
        Kind::Other(what) => dismissed(format!("`{text}` is `{what}`, not a database pool")),
        Kind::Pool | Kind::Connection | Kind::Builder | Kind::Executor(_) => {
            dismissed(format!("`{text}` is no pool of another driver"))
        }
    }
}

/// A function of a neighbour of the driver that opens a connection.
pub(super) fn other_connect(world: World<'_>, file: FileId, span: Span) -> Standing {
    let parsed = world.project.file(file);
    let opens = |dotted: &str, name: &str| {
        let neighbour = world.driver.neighbour(dotted);
        neighbour.is_some_and(|own| own.connect.iter().any(|known| known == name))
    };
    if let Some(Symbol::External(dotted)) = world.project.symbol(file, span)
        && opens(&dotted, last_part(&dotted))
    {
        return Standing::Site;
    }
    let Expression::Attribute { object, name } = parsed.expression(span) else {
        return Standing::Unrelated;
    };
    let scope = parsed.model.scope_at(span.start);
    match types(world).written(file, object, scope) {
        Type::Named { name: owner, .. } if opens(&owner, &name) => Standing::Site,
        _ => Standing::Unrelated,
    }
}
