//! What a connection is taken from where a connection service takes its place: whether that reaches the same database, what is said to it, and
//! what it does to its connections.

use crate::facts::origin::{self, Value};
use crate::facts::standard::reading;
use crate::language::expression::{Argument, Expression};
use crate::language::{ScopeId, ScopeKind};
use crate::project::{FunctionRef, Symbol};
use crate::rewrite::Subject;
use crate::source::Span;

/// The service that takes the place of a pool has to reach the same database; only the settings can say that it does.
pub(super) fn other_database(subject: Subject<'_>) -> Option<String> {
    if is_of_service(subject) {
        return None;
    }
    let site = subject.text(subject.hit.site);
    let callee = site.split('(').next().unwrap_or(site).trim();
    let whole: String = callee.split_whitespace().collect();
    let source = match subject.hit.captures.get("POOL") {
        Some(pool) => subject.text(*pool).split_whitespace().collect(),
        None => whole,
    };
    let place = subject.hit.captures.get("POOL").copied();
    let place = place.unwrap_or(Span::new(
        subject.hit.site.start,
        subject.hit.site.start + callee.len(),
    ));
    let symbol = subject.world.project.symbol(subject.file, place);
    let is_named = |known: &String| {
        let end = format!(".{known}");
        // `archive.pool` is another one than `pool`, unless `archive` is the module that has it.
        source == *known
            || ["self", "cls"]
                .iter()
                .any(|own| source == format!("{own}{end}"))
            || (symbol.is_some() && source.ends_with(&end))
            || matches!(&symbol, Some(Symbol::External(dotted)) if dotted == known)
    };
    let replaces = &subject.world.config.standard.replaces;
    (!replaces.iter().any(is_named)).then(|| {
        format!(
            "the service has to reach the database that `{source}` reaches; `standard.replaces` in connmod.yaml names it where it does"
        )
    })
}

/// What the connections are told that are taken at a site, or what whoever lends them does with them besides: the service's connections
/// are not told so.
pub(super) fn told_by_lender(subject: Subject<'_>) -> Vec<String> {
    let Some(pool) = subject.hit.captures.get("POOL").copied() else {
        return Vec::new();
    };
    if is_of_service(subject) {
        return Vec::new();
    }
    let (world, project) = (subject.world, subject.world.project);
    let mut reasons = Vec::new();
    let values = origin::values(world, subject.file, pool);
    let opened = |place: &str| {
        values.iter().any(|value| {
            matches!(value, Value::Own(story) if story.ends_with(place) || story.contains(&format!("{place} ")))
        })
    };
    for name in &world.driver.create_pool {
        for (id, call) in project.calls_named(name) {
            let place = project.place(id, call.span);
            let file = project.file(id);
            let Expression::Call { arguments, .. } = file.expression(call.span) else {
                continue;
            };
            let told = reading::behaving(world.driver, &arguments);
            if told.is_empty() || !opened(&place) {
                continue;
            }
            reasons.extend(told.into_iter().map(|(name, value)| {
                let value = value.text(file.text()).lines().next().unwrap_or_default();
                format!("the connections of this pool are told `{name}={value}` ({place}), and the service's may not be")
            }));
        }
    }
    let site = subject.text(subject.hit.site);
    let callee = site.split('(').next().unwrap_or(site).trim_end();
    let of_driver = &world.driver.lends_or_raises;
    if of_driver
        .iter()
        .any(|name| callee.ends_with(&format!(".{name}")))
    {
        return reasons;
    }
    // One of the project lends it, by a method of this name or another.
    let lends = world.driver.acquire.iter().chain(&world.driver.release);
    let lends: Vec<&String> = lends.filter(|name| !of_driver.contains(*name)).collect();
    for (id, file) in project.files() {
        if world.standard.is_file(id) || world.tests.is_match(file.source.path()) {
            continue;
        }
        for (index, scope) in (0..).zip(&file.model.scopes) {
            if scope.kind != ScopeKind::Function || !lends.iter().any(|name| **name == scope.name) {
                continue;
            }
            let function = FunctionRef {
                file: id,
                scope: ScopeId(index),
            };
            let read = reading::lender(project, world.driver, function);
            let name = &scope.name;
            reasons.extend(
                read.differs
                    .into_iter()
                    .map(|why| format!("`{name}` does more than to lend and take back: {why}")),
            );
        }
    }
    reasons
}

/// Whether the site is one of the standard's service already: what a stage has left.
fn is_of_service(subject: Subject<'_>) -> bool {
    let (world, file) = (subject.world, subject.file);
    let service = world.config.standard.service.iter().map(String::as_str);
    let captures = &subject.hit.captures;
    let source = captures.get("POOL").or_else(|| captures.get("SERVICE"));
    source.is_some_and(|source| {
        let member = world.standard.member(world, file, *source, service);
        member.is_some()
    })
}

/// What the arguments of an acquire ask for beyond a connection to the database.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// What the service cannot give.
    pub(super) reasons: Vec<String>,
    /// What cannot be seen, or may not be what the service does.
    pub(super) doubts: Vec<String>,
}

/// Arguments that choose among the connections of a pool, or say how a new one behaves, would be lost: the service's connections are all alike.
/// Where the database is, it knows by itself.
pub(super) fn said_to_acquire(subject: Subject<'_>, acquire: Span) -> Said {
    let mut said = Said::default();
    let Expression::Call { arguments, .. } = subject.parsed().expression(acquire) else {
        return said;
    };
    if is_of_service(subject) {
        return said;
    }
    if subject.hit.captures.contains_key("POOL") {
        if !arguments.is_empty() {
            said.reasons.push(format!(
                "`{}`: the service takes no such argument",
                subject.text(acquire)
            ));
        }
        return said;
    }
    let addresses = &subject.world.driver.addresses;
    // What is written out at the site is its own; what comes from a variable may be what the service reads, too.
    let written_out = |value: Span| {
        matches!(subject.parsed().expression(value), Expression::Literal).then(|| {
            format!(
                "`{}` says by itself where this connection goes; the service's go where its settings say",
                subject.text(value)
            )
        })
    };
    for (index, argument) in arguments.iter().enumerate() {
        let behaves = match argument {
            // An address can say more: `options=-c search_path=…`.
            Argument::Positional(value)
                if index == 0 && !subject.text(*value).contains("options") =>
            {
                said.doubts.extend(written_out(*value));
                continue;
            }
            Argument::Keyword { name, value }
                if addresses.contains(name) && !subject.text(*value).contains("options") =>
            {
                let own = written_out(*value).map(|own| own.replacen('`', &format!("`{name}="), 1));
                said.doubts.extend(own);
                continue;
            }
            Argument::Positional(value) => subject.text(*value).to_owned(),
            Argument::Keyword { name, value } => format!("{name}={}", subject.text(*value)),
            Argument::Spread(value) | Argument::KeywordSpread(value) => {
                said.doubts.push(format!(
                    "`{}` may say more than where the database is: how the connection commits, or gives its rows",
                    subject.text(*value)
                ));
                continue;
            }
        };
        said.reasons.push(format!(
            "`{behaves}` says how this connection behaves, and the service's do not: the block has to say it"
        ));
    }
    said
}

/// Whether an acquire gives a connection or raises, as the driver's own does; another may give none.
pub(super) fn lends_or_raises(subject: Subject<'_>, acquire: Span) -> bool {
    let Expression::Call { callee, .. } = subject.parsed().expression(acquire) else {
        return false;
    };
    let last = subject.text(callee).rsplit('.').next().unwrap_or_default();
    let driver = subject.world.driver;
    driver.lends_or_raises.iter().any(|name| name == last)
        || driver.connect.iter().any(|name| name == last)
}
