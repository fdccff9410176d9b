//! Whether a hit is what its recipe looks for: a pool and not a lock, the driver's `connect` and not another's.

mod typed;

use std::sync::Arc;

use crate::facts::origin::{self, Value};
use crate::facts::types::Kind;
use crate::facts::{World, factories};
use crate::language::BindingKind;
use crate::language::expression::{Argument, Expression};
use crate::language::usage::Usage;
use crate::locate::Hit;
use crate::project::{FileId, Symbol};
use crate::recipe::{CLAIMS, Recipe, Role};
use crate::source::Span;
use crate::sql::Part;

/// What a hit turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A site.
    Site,
    /// Something else, and what: listed, because a person searching for the word would ask.
    Other(String),
    /// One of the many calls that the query had to look at and that nobody would ask about.
    Unrelated,
}

/// Checks the roles that `recipe` gives its captures.
pub fn standing(world: World<'_>, file: FileId, hit: &Hit, recipe: &Recipe) -> Standing {
    for (capture, role) in &recipe.roles {
        let Some(span) = hit.captures.get(capture).copied() else {
            continue;
        };
        let is_typed = world.project.file(file).language.is_typed();
        let standing = match role {
            Role::Pool if is_typed => typed::pool(world, file, hit, span),
            Role::CreatePool if is_typed => typed::opens(world, file, hit, span, &Kind::Pool),
            Role::Connect if is_typed => typed::opens(world, file, hit, span, &Kind::Connection),
            Role::Executor => typed::executor(world, file, hit, span),
            Role::KeptType => typed::kept_type(world, file, span),
            Role::HandedOn => typed::handed_on(world, file, span),
            Role::PoolName => typed::pool_name(world, file, span),
            Role::OtherPool => typed::other_pool(world, file, hit, span),
            Role::OtherConnect => typed::other_connect(world, file, span),
            Role::System => member(world, file, span, world.config.standard.system.as_slice()),
            Role::PlainScope => {
                let standard = &world.config.standard;
                let names = standard.scope.iter().chain(&standard.begin);
                let names: Vec<String> = names.cloned().collect();
                member(world, file, span, &names)
            }
            Role::Pool => pool(world, file, hit, span),
            Role::CreatePool => of_driver(
                world,
                file,
                span,
                &world.driver.create_pool,
                &["create_pool"],
            ),
            Role::Connect => of_driver(world, file, span, &world.driver.connect, &[]),
            Role::PoolGetter => member(world, file, span, world.config.standard.pool.as_slice()),
            Role::Helper => {
                let names: Vec<String> = world.config.standard.helpers.values().cloned().collect();
                member(world, file, span, &names)
            }
            Role::Scope => member(world, file, span, world.config.standard.scope.as_slice()),
            Role::Rls => member(world, file, span, world.config.standard.rls.as_slice()),
            Role::PoolHolder => holder(world, file, hit, span),
            Role::SessionFactory => factories::standing(world, file, span),
            Role::UnreadFactory => factories::unread(world, file, span),
            Role::CreateEngine => {
                let engines = &world.driver.create_engine;
                of_driver(world, file, span, engines, &[])
            }
            Role::Dependency => {
                let names = world.config.standard.dependency.as_slice();
                member(world, file, span, names)
            }
            Role::GivenSession => given_session(world, file, span),
            Role::Claims => claims(world, file, span),
            Role::Service => service(world, file, span),
            Role::Lender => lender(world, file, span),
            Role::ServiceObject => {
                member(world, file, span, world.config.standard.service.as_slice())
            }
        };
        if standing != Standing::Site {
            return standing;
        }
    }
    Standing::Site
}

/// Names that a session has where nothing declares it.
const SESSIONS: [&str; 4] = ["session", "db_session", "async_session", "db"];

/// A session that the function around the site was given: a parameter that is declared as one, or is called one and asked for what only
/// sessions do.
fn given_session(world: World<'_>, file: FileId, span: Span) -> Standing {
    let parsed = world.project.file(file);
    let Expression::Name(name) = parsed.expression(span) else {
        return Standing::Unrelated;
    };
    let scope = parsed.model.scope_at(span.start);
    let owner = parsed.model.resolve(scope, &name);
    let mut bindings = owner
        .into_iter()
        .flat_map(|owner| parsed.model.bindings_of(owner, &name));
    let (Some(binding), None) = (bindings.next(), bindings.next()) else {
        return Standing::Unrelated;
    };
    if binding.kind != BindingKind::Parameter || !world.linked[file.0] {
        return Standing::Unrelated;
    }
    let declared = binding.annotation.map(|span| span.text(parsed.text()));
    let is_session = match declared {
        Some(annotation) => {
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let mut words = annotation.split(|c| !is_name(c));
            words.any(|word| {
                world
                    .driver
                    .connection_types
                    .iter()
                    .any(|known| known == word)
            })
        }
        None => SESSIONS.contains(&name.as_str()),
    };
    if is_session {
        Standing::Site
    } else {
        Standing::Unrelated
    }
}

/// The method of the standard's service that lends a connection to a block.
fn service(world: World<'_>, file: FileId, span: Span) -> Standing {
    let parsed = world.project.file(file);
    let Expression::Attribute { object, name } = parsed.expression(span) else {
        return Standing::Unrelated;
    };
    let names = world.config.standard.service.as_slice();
    if name != "connection" {
        return Standing::Unrelated;
    }
    member(world, file, object, names)
}

/// A method of a class by which it lends connections out, where the class has one to take them back.
fn lender(world: World<'_>, file: FileId, span: Span) -> Standing {
    let parsed = world.project.file(file);
    let driver = world.driver;
    let name = span.text(parsed.text()).to_owned();
    if !driver.acquire.contains(&name) && !driver.release.contains(&name) {
        return Standing::Unrelated;
    }
    let scope = parsed.model.scope_at(span.start);
    let class = parsed.model.class_around(scope);
    let has = |names: &[String]| {
        class.is_some_and(|class| {
            let mut scopes = parsed.model.scopes.iter();
            scopes.any(|scope| scope.parent == Some(class) && names.contains(&scope.name))
        })
    };
    if has(&driver.acquire) && has(&driver.release) && !world.standard.is_file(file) {
        Standing::Site
    } else {
        Standing::Unrelated
    }
}

fn claims(world: World<'_>, file: FileId, span: Span) -> Standing {
    let text = span.text(world.project.file(file).text());
    if CLAIMS.iter().any(|known| text.contains(known)) {
        Standing::Site
    } else {
        Standing::Unrelated
    }
}

/// A member of the standard module. A name of the standard that means something else is listed.
fn member(world: World<'_>, file: FileId, span: Span, names: &[String]) -> Standing {
    if world
        .standard
        .member(world, file, span, names.iter().map(String::as_str))
        .is_some()
    {
        return Standing::Site;
    }
    let text = span.text(world.project.file(file).text());
    let last = text.rsplit('.').next().unwrap_or(text);
    // Where paths are written out, a last name says little: many things begin.
    if !world.project.file(file).language.is_typed() && names.iter().any(|name| name == last) {
        return Standing::Other(match world.project.symbol(file, span) {
            Some(Symbol::Member { file, .. }) => {
                format!(
                    "`{last}` of {}, not of the standard module",
                    world.project.file(file).source.path()
                )
            }
            Some(Symbol::External(dotted)) => format!("`{dotted}`, not the standard's"),
            _ => format!("a `{last}` that is not the standard's"),
        });
    }
    Standing::Unrelated
}

/// A function of the driver. Calls of other things by the same name are listed for the names in `listed` and for `connect`.
fn of_driver(
    world: World<'_>,
    file: FileId,
    span: Span,
    functions: &[String],
    listed: &[&str],
) -> Standing {
    let text = span.text(world.project.file(file).text());
    let last = text.rsplit('.').next().unwrap_or(text);
    let symbol = world.project.symbol(file, span);
    if let Some(Symbol::External(dotted)) = &symbol {
        let (module, name) = dotted.rsplit_once('.').unwrap_or(("", dotted));
        let driver = &world.driver.modules;
        if driver
            .iter()
            .any(|m| module == m || module.starts_with(&format!("{m}.")))
            && functions.iter().any(|f| f == name)
        {
            return Standing::Site;
        }
        if functions.iter().any(|f| f == name) {
            return Standing::Other(format!("`{dotted}`, not {}", driver.join(" or ")));
        }
    }
    if functions.iter().any(|f| f == last) || listed.contains(&last) {
        return Standing::Other(format!(
            "`{text}` is not known to be {}",
            world.driver.modules.join(" or ")
        ));
    }
    Standing::Unrelated
}

/// A pool of the driver, on which a method is called.
fn pool(world: World<'_>, file: FileId, hit: &Hit, span: Span) -> Standing {
    let parsed = world.project.file(file);
    let text = span.text(parsed.text());
    // Where no driver is in reach nothing is followed but what is called a pool: a lock is the usual case.
    let values = if world.linked[file.0] || named_pool(text) {
        origin::values(world, file, span)
    } else {
        Arc::default()
    };
    if origin::is_pool(&values) {
        return Standing::Site;
    }
    let Expression::Call { callee, arguments } = parsed.expression(hit.site) else {
        return Standing::Unrelated;
    };
    let method = callee
        .text(parsed.text())
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    let borrows = world.driver.acquire.contains(&method);
    // `getconn` says by itself what it is, whoever has it.
    if borrows && world.driver.any_pool {
        return Standing::Site;
    }
    let dismissed = |reason: String| {
        if borrows {
            Standing::Other(reason)
        } else {
            Standing::Unrelated
        }
    };
    if let Some(what) = origin::not_a_pool(&values) {
        return dismissed(format!(
            "not a pool of {}: {what}",
            world.driver.modules.join(" or ")
        ));
    }
    if borrows && lends_connections(world, &values, &method) {
        return Standing::Site;
    }
    if let Some(class) = own_class(world, &values) {
        return dismissed(format!(
            "an object of the project's class {class}, not a pool of the driver"
        ));
    }
    if !borrows {
        // Many things have an `execute`; only a pool is called a pool.
        return if named_pool(text) {
            Standing::Site
        } else if runs_sql(world, file, span, &method, &arguments) {
            let text: String = text.split_whitespace().collect();
            Standing::Other(format!(
                "it runs SQL, and nothing shows whether `{text}` is a pool or a connection"
            ))
        } else {
            Standing::Unrelated
        };
    }
    if let Some(strange) = strange_argument(world, &arguments) {
        return Standing::Other(format!(
            "takes {strange}, which the driver's `{method}` does not"
        ));
    }
    if named_pool(text) || used_as_connection(world, file, hit) {
        return Standing::Site;
    }
    if is_unused(world, file, hit) {
        return Standing::Other(
            "nothing is done with what it gives: a lock or a limiter".to_owned(),
        );
    }
    Standing::Other(format!(
        "nothing shows that `{}` is a database pool",
        text.lines().next().unwrap_or_default()
    ))
}

/// Whether the values are objects of a class of the project whose method borrows from a pool itself and gives the connection on.
fn lends_connections(world: World<'_>, values: &origin::Values, method: &str) -> bool {
    values.iter().any(|value| {
        let Value::Instance(class) = value else {
            return false;
        };
        let Some(function) = world.project.method(*class, method) else {
            return false;
        };
        let file = world.project.file(function.file);
        let body = file.model.scope(function.scope).body;
        file.outline
            .calls
            .iter()
            .filter(|call| body.contains(call.span))
            .any(|call| {
                let Expression::Attribute { object, .. } = file.expression(call.callee) else {
                    return false;
                };
                world.driver.acquire.contains(&call.name)
                    && origin::is_pool(&origin::values(world, function.file, object))
            })
    })
}

/// The class of the project that all values are objects of, unless it inherits from the driver's pool.
fn own_class(world: World<'_>, values: &origin::Values) -> Option<String> {
    let mut name = None;
    for value in values {
        let Value::Instance(class) = value else {
            continue;
        };
        let project = world.project;
        let inherits = project.lineage(*class).into_iter().any(|class| {
            let file = project.file(class.file);
            file.model.scope(class.scope).bases.iter().any(|base| {
                let text = base.text(file.text());
                let last = text.rsplit('.').next().unwrap_or(text);
                world.driver.pool_types.iter().any(|known| known == last)
            })
        });
        if inherits {
            return None;
        }
        let file = project.file(class.file);
        name = Some(format!(
            "`{}` ({})",
            file.model.scope(class.scope).name,
            file.source.path()
        ));
    }
    name
}

/// Whether a method of an attribute runs a text of SQL as the driver's pools and connections do: by one of the driver's own names
/// (`fetch`, `fetchrow`, `fetchval`), or by another one on a receiver that has one of these called on it, too.
fn runs_sql(
    world: World<'_>,
    file: FileId,
    receiver: Span,
    method: &str,
    arguments: &[Argument],
) -> bool {
    let parsed = world.project.file(file);
    let driver = world.driver;
    // Sessions and raw connections share their names with much else.
    if !world.linked[file.0] || driver.session.is_some() || driver.any_pool {
        return false;
    }
    let Expression::Attribute { name, .. } = parsed.expression(receiver) else {
        return false;
    };
    let lower = name.to_lowercase();
    // A connection is part of the site that borrowed it.
    if ["con", "cur", "tx", "trans", "session"]
        .iter()
        .any(|word| lower.trim_start_matches('_').starts_with(word))
    {
        return false;
    }
    let is_own = |name: &str| {
        name.starts_with("fetch") && driver.query_methods.iter().any(|method| method == name)
    };
    let text = receiver.text(parsed.text());
    let shared = || {
        parsed.outline.calls.iter().any(|call| {
            let callee = call.callee.text(parsed.text());
            let object = callee.rsplit_once('.').map(|(object, _)| object.trim_end());
            is_own(&call.name) && object == Some(text)
        })
    };
    let Some(Argument::Positional(query)) = arguments.first() else {
        return false;
    };
    let texts = parsed.language.texts(parsed.code(), *query);
    let is_statement = texts.iter().any(|text| match text.parts.first() {
        Some(Part::Literal(text)) => begins_statement(text),
        _ => false,
    });
    let queries = driver.query_methods.iter().any(|name| name == method);
    is_statement && queries && (is_own(method) || shared())
}

/// Whether a text begins as a statement of SQL does.
fn begins_statement(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    matches!(
        word.to_ascii_uppercase().as_str(),
        "SELECT"
            | "INSERT"
            | "UPDATE"
            | "DELETE"
            | "WITH"
            | "CREATE"
            | "ALTER"
            | "DROP"
            | "TRUNCATE"
            | "MERGE"
    )
}

/// Whether the last part of a receiver is called a pool.
fn named_pool(text: &str) -> bool {
    let last = text
        .trim_end_matches("()")
        .rsplit('.')
        .next()
        .unwrap_or(text);
    let last = last.trim_matches('_').to_lowercase();
    last == "pool" || last.ends_with("_pool") || last == "dbpool"
}

fn strange_argument(world: World<'_>, arguments: &[Argument]) -> Option<String> {
    arguments.iter().find_map(|argument| match argument {
        Argument::Keyword { name, .. } if !world.driver.acquire_keywords.contains(name) => {
            Some(format!("`{name}=`"))
        }
        Argument::Positional(_) | Argument::Spread(_) => Some("positional arguments".to_owned()),
        _ => None,
    })
}

/// Whether what the hit gives is used as the driver's connection is: one of its query methods is called on it.
fn used_as_connection(world: World<'_>, file: FileId, hit: &Hit) -> bool {
    let parsed = world.project.file(file);
    let Some(binding) = parsed
        .model
        .bindings
        .iter()
        .find(|binding| binding.value.is_some_and(|value| value.contains(hit.site)))
    else {
        return false;
    };
    parsed.model.references_to(binding.scope, &binding.name).any(|reference| {
        matches!(
            parsed.language.usage(parsed.code(), reference.span),
            Usage::MethodCall(call) if world.driver.query_methods.contains(&call.method) || call.method == "transaction"
        )
    })
}

/// Whether the result of the hit goes nowhere: `await limiter.acquire()` as a statement.
fn is_unused(world: World<'_>, file: FileId, hit: &Hit) -> bool {
    let parsed = world.project.file(file);
    let usage = parsed.language.usage(parsed.code(), hit.site);
    let whole = parsed
        .language
        .statement(parsed.code(), hit.site)
        .map(|span| span.text(parsed.text()).trim().to_owned());
    let call = hit.site.text(parsed.text());
    matches!(usage, Usage::Awaited | Usage::Tested)
        && whole.is_some_and(|whole| whole.trim_start_matches("await").trim() == call)
}

/// An attribute or constructor parameter that keeps a pool.
fn holder(world: World<'_>, file: FileId, hit: &Hit, span: Span) -> Standing {
    let parsed = world.project.file(file);
    if !world.linked[file.0] && !named_pool(span.text(parsed.text())) {
        return Standing::Unrelated;
    }
    let kept = match hit.captures.get("VALUE") {
        Some(value) => origin::values(world, file, *value),
        None => assigned(world, file, hit, span),
    };
    if origin::is_pool(&kept) {
        return Standing::Site;
    }
    let certain_other = origin::not_a_pool(&kept).is_some() || own_class(world, &kept).is_some();
    let nothing = kept
        .iter()
        .all(|value| matches!(value, Value::Missing | Value::Absent(_)));
    let text = span.text(parsed.text());
    if !certain_other && !nothing && named_pool(text) {
        Standing::Site
    } else {
        Standing::Unrelated
    }
}

/// The values that a holder is given: the right side of its assignment, or what callers pass for the parameter.
fn assigned(world: World<'_>, file: FileId, hit: &Hit, span: Span) -> Arc<origin::Values> {
    let parsed = world.project.file(file);
    let write = parsed
        .outline
        .writes
        .iter()
        .find(|write| write.statement == hit.site || hit.site.contains(write.statement));
    if let Some(value) = write.and_then(|write| write.value) {
        return origin::values(world, file, value);
    }
    // A parameter: what its function sees under the name.
    let binding = parsed
        .model
        .bindings
        .iter()
        .find(|binding| binding.span == span);
    let values = binding.map(|binding| origin::variable(world, file, binding.scope, &binding.name));
    Arc::new(values.unwrap_or_default())
}
