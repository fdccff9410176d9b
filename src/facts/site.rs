//! All facts of one site, by the pattern that its recipe stands for.

use crate::facts::connection::{self, Connection, QueryCall};
use crate::facts::context::Contexts;
use crate::facts::{World, identity, origin, passing, tables};
use crate::finding::{Facts, Identity, Tables};
use crate::language::expression::{Argument, Expression};
use crate::language::usage::Usage;
use crate::language::{Binding, BindingKind};
use crate::locate::Hit;
use crate::project::FileId;
use crate::recipe::{Pattern, Recipe};
use crate::source::Span;
use crate::sql::SqlFacts;

/// The facts of a site, and what they were drawn from.
#[derive(Debug, Clone)]
pub struct SiteFacts {
    /// The facts.
    pub facts: Facts,
    /// The connection that the site opens, followed.
    pub connection: Option<Connection>,
    /// The query that the site is, for a call on a pool.
    pub call: Option<QueryCall>,
}

/// Gathers what is known about `hit`.
pub fn gather(
    world: World<'_>,
    contexts: &Contexts<'_>,
    id: FileId,
    hit: &Hit,
    recipe: &Recipe,
) -> SiteFacts {
    let file = world.project.file(id);
    let scope = file.model.scope_at(hit.site.start);
    let connection = opens_connection(recipe.pattern)
        .then(|| opened(world, id, hit.site))
        .flatten();
    let given = world.driver.pool_is_given;
    let is_call = matches!(
        recipe.pattern,
        Pattern::PoolDirectCall | Pattern::PoolMethodCall
    );
    let call = is_call.then(|| direct_call(world, id, hit)).flatten();
    let facts = Facts {
        context: contexts.at(file, scope, hit.site),
        function: file.model.dotted(scope),
        tables: touched(
            world,
            id,
            hit,
            recipe.pattern,
            connection.as_ref(),
            call.as_ref(),
        ),
        identity: user(world, id, hit, recipe.pattern),
        pool: hit.captures.get("POOL").map(|pool| {
            if given {
                origin::given()
            } else {
                origin::pool_origin(world, id, *pool)
            }
        }),
    };
    SiteFacts {
        facts,
        connection,
        call,
    }
}

fn opens_connection(pattern: Pattern) -> bool {
    matches!(
        pattern,
        Pattern::PoolAcquire
            | Pattern::PoolAcquireManual
            | Pattern::PoolBegin
            | Pattern::DirectConnect
            | Pattern::RlsBlock
            | Pattern::PlainConnectionBlock
            | Pattern::SessionBlock
            | Pattern::SessionManual
    )
}

/// The connection that the site gives a name to, followed through the block or function in which the name means it.
fn opened(world: World<'_>, id: FileId, site: Span) -> Option<Connection> {
    let file = world.project.file(id);
    let binding = bound_to(world, id, site)?;
    let body = if binding.kind == BindingKind::With {
        file.language.body(file.code(), binding.statement)?
    } else {
        let function = file.model.function_around(binding.executed_in);
        let around = function.map_or(Span::new(0, file.text().len()), |scope| {
            file.model.scope(scope).body
        });
        Span::new(binding.statement.end.min(around.end), around.end)
    };
    // The items behind it in the same `with` use it too.
    let from = if binding.kind == BindingKind::With {
        binding.span.end.min(body.start)
    } else {
        body.start
    };
    Some(connection::follow(
        world,
        id,
        &binding.name,
        binding.span,
        Span::new(from, body.end),
    ))
}

/// The queries that are run on the connection that the expression at `site` opens; `None` where not all are known.
pub(super) fn run_on(world: World<'_>, id: FileId, site: Span) -> Option<Vec<SqlFacts>> {
    let connection = opened(world, id, site)?;
    let lost = connection.lost_in.is_some()
        || connection.used_after.is_some()
        || connection.others.iter().any(|other| other.outlives);
    let calls = connection.calls.into_iter();
    let queries = calls.filter_map(|call| call.queries).flatten();
    (!lost).then(|| queries.chain(connection.passed_queries).collect())
}

/// The name that the value of the expression at `site` gets.
fn bound_to(world: World<'_>, id: FileId, site: Span) -> Option<&Binding> {
    let file = world.project.file(id);
    let given = |binding: &&Binding| {
        let same = |value: Span| value == site || is_same_value(world, id, value, site);
        matches!(
            binding.kind,
            BindingKind::With
                | BindingKind::Assignment
                | BindingKind::Walrus
                | BindingKind::Annotation
        ) && binding.value.is_some_and(same)
    };
    file.model.bindings.iter().find(given)
}

/// Whether `outer` is `inner` with an `await` or parentheses around it.
fn is_same_value(world: World<'_>, id: FileId, outer: Span, inner: Span) -> bool {
    let file = world.project.file(id);
    let mut span = outer;
    while span.contains(inner) && span != inner {
        match file.expression(span) {
            Expression::Same(next) if next != span => span = next,
            _ => return false,
        }
    }
    span == inner
}

fn direct_call(world: World<'_>, id: FileId, hit: &Hit) -> Option<QueryCall> {
    let pool = hit.captures.get("POOL").copied()?;
    let file = world.project.file(id);
    let statement = file
        .language
        .statement(file.code(), hit.site)
        .unwrap_or(hit.site);
    if let Expression::Call { callee, arguments } = file.expression(hit.site)
        && arguments.iter().any(|argument| argument.value() == pool)
    {
        return Some(connection::executed(world, id, hit.site, callee, statement));
    }
    connection::single_call(world, id, pool, statement)
}

fn touched(
    world: World<'_>,
    id: FileId,
    hit: &Hit,
    pattern: Pattern,
    connection: Option<&Connection>,
    call: Option<&QueryCall>,
) -> Option<Tables> {
    let settings = &world.config.schema;
    match pattern {
        Pattern::GetPoolCall
        | Pattern::CreatePool
        | Pattern::CachedPool
        | Pattern::StaticPool
        | Pattern::OtherDriver => None,
        _ if pattern.is_of_sessions() => None,
        // What a session runs is not followed to tables.
        Pattern::PlainConnectionBlock if world.driver.session.is_some() => None,
        // Cursors are not followed to tables.
        _ if world.driver.any_pool => None,
        Pattern::PoolDirectCall | Pattern::PoolMethodCall => {
            Some(call.map_or_else(Tables::default, |call| {
                tables::of_call(call, world.schema, settings)
            }))
        }
        Pattern::PoolHandedOn => Some(handed_tables(world, id, hit.site)),
        Pattern::HelperCall => Some(helper_tables(world, id, hit)),
        // A connection without a name cannot be followed.
        _ => Some(connection.map_or_else(Tables::default, |c| tables::of_connection(world, c))),
    }
}

/// The tables of what is run on the value at `span` by the function that it is handed to.
fn handed_tables(world: World<'_>, id: FileId, span: Span) -> Tables {
    let file = world.project.file(id);
    let Usage::Argument { call, callee } = file.language.usage(file.code(), span) else {
        return Tables::default();
    };
    let passed = passing::follow(world, id, call, callee, span);
    let mut found = tables::of_queries(&passed.queries, world.schema, &world.config.schema);
    found.complete &= !passed.is_lost;
    found
}

fn helper_tables(world: World<'_>, id: FileId, hit: &Hit) -> Tables {
    let file = world.project.file(id);
    // What the standard hands on is what the query around it runs on.
    if let Some(call) = connection::on(world, id, hit.site) {
        return tables::of_call(&call, world.schema, &world.config.schema);
    }
    if world.driver.pool_is_given {
        return handed_tables(world, id, hit.site);
    }
    let Expression::Call { arguments, .. } = file.expression(hit.site) else {
        return Tables::default();
    };
    let query = arguments.iter().find_map(|argument| match argument {
        Argument::Positional(span) => Some(*span),
        Argument::Keyword { name, value }
            if matches!(name.as_str(), "query" | "sql" | "statement") =>
        {
            Some(*value)
        }
        _ => None,
    });
    let queries = query
        .map(|span| connection::read(file, span))
        .unwrap_or_default();
    if queries.is_empty() {
        Tables::default()
    } else {
        tables::of_queries(&queries, world.schema, &world.config.schema)
    }
}

fn user(world: World<'_>, id: FileId, hit: &Hit, pattern: Pattern) -> Identity {
    if pattern != Pattern::RlsBlock {
        return identity::at(world, id, hit.site);
    }
    let file = world.project.file(id);
    match file.expression(hit.site) {
        // Behind the pool, where the scope is told which.
        Expression::Call { arguments, .. } => {
            match arguments.get(usize::from(world.driver.pool_is_given)) {
                Some(Argument::Positional(span) | Argument::Keyword { value: span, .. }) => {
                    identity::of_argument(world, id, *span)
                }
                _ => Identity::None,
            }
        }
        _ => Identity::None,
    }
}

/// Whether the scope that the site opens is entered by a `with`, as it has to be.
pub fn is_entered(world: World<'_>, id: FileId, hit: &Hit) -> bool {
    let file = world.project.file(id);
    matches!(file.language.usage(file.code(), hit.site), Usage::Entered)
}
