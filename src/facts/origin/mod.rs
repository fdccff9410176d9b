//! Where a value comes from: pools followed through variables, attributes, parameters, returns and mappings, across files.
//!
//! Flow-insensitive: a variable may hold whatever any of its bindings gives it. What is not followed is [`Value::Unknown`] with a word on
//! why, never left out.

mod callers;
mod follow;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::facts::World;
use crate::finding::PoolOrigin;
use crate::language::ScopeId;
use crate::project::{ClassRef, FileId};
use crate::recipe::PoolClass;
use crate::source::Span;

pub use callers::{Passed, passed_for};
use follow::{DEPTH, Follower};

/// What an expression may evaluate to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// The shared pool; the text says by which way.
    Shared(String),
    /// A pool that is opened in this file and handed to the standard as the shared one; the text says where.
    Registered(FileId, String),
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
    /// Something that could bring another value in, but is not seen to: a function that nothing in the project calls, a class that is
    /// handed on as a value. It says nothing where others say something, but leaves a doubt.
    Doubt(String),
    /// No value where another call of the same function passes one; the text says which call.
    Absent(String),
    /// Not known, and why.
    Unknown(String),
}

/// All that an expression may evaluate to.
pub type Values = BTreeSet<Value>;

/// Follows the expression at `span`.
pub fn values(world: World<'_>, file: FileId, span: Span) -> Arc<Values> {
    world.memo.values.get((file, span), || {
        let mut follower = Follower::new(world);
        follower.expression(file, span, DEPTH);
        follower.into_values()
    })
}

/// Follows a variable.
pub fn variable(world: World<'_>, file: FileId, scope: ScopeId, name: &str) -> Values {
    let mut follower = Follower::new(world);
    follower.variable(file, scope, name, DEPTH);
    follower.into_values()
}

/// Whether the pool at `span` is the shared one, and how that is known.
pub fn pool_origin(world: World<'_>, file: FileId, span: Span) -> PoolOrigin {
    let values = values(world, file, span);
    let parsed = world.project.file(file);
    let is_absent = |value: &Value| matches!(value, Value::Absent(_));
    let is_asked = || {
        let name = span.text(parsed.text());
        parsed.language.known_present(parsed.code(), name, span)
    };
    if values.iter().any(is_absent) && is_asked() {
        let present = values.iter().filter(|value| !is_absent(value));
        return classify(&present.cloned().collect(), file);
    }
    classify(&values, file)
}

/// The pool of a site in whose place the standard is told which pool: it stays the same one.
pub fn given() -> PoolOrigin {
    PoolOrigin {
        class: PoolClass::Shared,
        story: "it is handed to the standard as it is".to_owned(),
        doubt: None,
    }
}

/// Sums up what a pool may be, as seen from the file `here`: where a pool is opened it is not the shared one yet.
pub fn classify(values: &Values, here: FileId) -> PoolOrigin {
    let first = |wanted: &dyn Fn(&Value) -> Option<String>| values.iter().find_map(wanted);
    let own = first(&|value| match value {
        Value::Own(story) => Some(story.clone()),
        Value::Registered(file, story) if *file == here => {
            Some(format!("{story}, but this may run before it is registered"))
        }
        _ => None,
    });
    let unknown = first(&|value| match value {
        Value::Unknown(story) | Value::SomePool(story) => Some(story.clone()),
        Value::Instance(_) => Some("an object of the project that lends connections".to_owned()),
        _ => None,
    });
    let shared = first(&|value| match value {
        Value::Shared(story) | Value::Registered(_, story) => Some(story.clone()),
        _ => None,
    });
    let uncalled = first(&|value| match value {
        Value::Doubt(story) | Value::Absent(story) => Some(story.clone()),
        _ => None,
    });
    let (class, story, doubt) = match (own, unknown, shared, uncalled) {
        (Some(story), ..) => (PoolClass::Own, story, None),
        (None, Some(story), ..) | (None, None, None, Some(story)) => {
            (PoolClass::Unknown, story, None)
        }
        (None, None, Some(story), doubt) => (PoolClass::Shared, story, doubt),
        (None, None, None, None) => (
            PoolClass::Unknown,
            "nothing in the project shows where the pool comes from".to_owned(),
            None,
        ),
    };
    PoolOrigin {
        class,
        story,
        doubt,
    }
}

/// Whether a value is the shared pool, as seen from the file `here`.
pub fn is_shared(value: &Value, here: FileId) -> bool {
    match value {
        Value::Shared(_) => true,
        Value::Registered(file, _) => *file != here,
        _ => false,
    }
}

/// What makes it certain that a value is no pool; `None` where it may be one.
pub fn not_a_pool(values: &Values) -> Option<String> {
    let mut reasons = values
        .iter()
        .filter(|value| !matches!(value, Value::Missing | Value::Absent(_)))
        .map(|value| match value {
            Value::NotAPool(what) => Some(what.clone()),
            _ => None,
        });
    let first = reasons.next()??;
    reasons.all(|reason| reason.is_some()).then_some(first)
}

/// Whether a value is known to be a pool, whichever.
pub fn is_pool(values: &Values) -> bool {
    let pool = |value: &Value| {
        matches!(
            value,
            Value::Shared(_) | Value::Registered(..) | Value::Own(_) | Value::SomePool(_)
        )
    };
    values.iter().any(pool)
}
