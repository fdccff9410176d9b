//! Functions of a standard that are told which pool: what they lend, and which user they set in the transaction that they open.

use std::collections::BTreeSet;

use crate::facts::query;
use crate::facts::standard::reading::Reading;
use crate::facts::standard::setting::{self, Setting};
use crate::facts::types::{Kind, Type, Types};
use crate::language::expression::Expression;
use crate::project::{FunctionRef, Project};
use crate::recipe::Driver;

/// How many functions deep one is followed.
const DEPTH: usize = 4;

/// What a function that is told which pool does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// It gives the pool itself on.
    System,
    /// It lends a connection.
    Acquire,
    /// It opens a transaction.
    Begin,
    /// It opens a transaction and sets the user for it.
    Rls,
}

/// What a function does, and how that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Does {
    acquires: bool,
    begins: bool,
    settings: Vec<Setting>,
    others: bool,
}

/// The form that a function has by what it does; `None` for one that is no function of a standard.
pub fn form(project: &Project, driver: &Driver, function: FunctionRef) -> Option<Form> {
    let types = Types::new(project, driver);
    let parameters = parameters(project, function);
    if !takes_pool(project, driver, function) {
        return None;
    }
    let does = does(project, driver, function);
    let gives = types.result(function)?;
    let kind = types.kind_of(&types.plain(&gives));
    match parameters {
        1 if kind == Kind::Pool && !does.acquires && !does.begins && !does.others => {
            Some(Form::System)
        }
        2 if does.begins && does.settings.iter().any(|own| own.local) => Some(Form::Rls),
        1 if kind == Kind::Connection && does.settings.is_empty() && !does.others => {
            match (does.begins, does.acquires) {
                (true, _) => Some(Form::Begin),
                (false, true) => Some(Form::Acquire),
                (false, false) => None,
            }
        }
        _ => None,
    }
}

/// Reads a function that the settings take for one of this form.
pub fn read(project: &Project, driver: &Driver, function: FunctionRef, wanted: Form) -> Reading {
    let file = project.file(function.file);
    let place = project.place(function.file, file.model.scope(function.scope).span);
    let mut reading = Reading {
        in_transaction: matches!(wanted, Form::Begin | Form::Rls),
        ..Reading::default()
    };
    let needed = 1 + usize::from(wanted == Form::Rls);
    let parameters = parameters(project, function);
    if !takes_pool(project, driver, function) {
        let why = format!("it does not take a pool first ({place})");
        reading.refused.push(why);
    }
    if parameters != needed {
        let why = format!("it takes {parameters} arguments where {needed} are given ({place})");
        reading.refused.push(why);
    }
    let does = does(project, driver, function);
    let settings: BTreeSet<String> = does
        .settings
        .iter()
        .filter_map(|own| own.name.clone())
        .collect();
    let mut differs = |why: &str| reading.differs.push(format!("{why} ({place})"));
    match wanted {
        Form::Rls => {
            if does.settings.is_empty() {
                differs("it sets no user that could be read");
            } else if !does.settings.iter().all(|own| own.local) {
                differs("the user that it sets stays on the connection");
            }
            if !does.begins {
                differs("no transaction holds the user that it sets");
            }
        }
        Form::Begin if !does.begins => differs("it opens no transaction that could be seen"),
        Form::Acquire if does.begins => differs("it opens a transaction"),
        _ => {}
    }
    if wanted != Form::Rls && !does.settings.is_empty() {
        reading.differs.push(format!("it sets a user ({place})"));
    }
    reading.settings = (!settings.is_empty()).then_some(settings);
    reading
}

fn parameters(project: &Project, function: FunctionRef) -> usize {
    let file = project.file(function.file);
    file.model.scope(function.scope).parameters.len()
}

fn takes_pool(project: &Project, driver: &Driver, function: FunctionRef) -> bool {
    let file = project.file(function.file);
    let scope = file.model.scope(function.scope);
    let first = scope.parameters.first().and_then(|own| own.annotation);
    first.is_some_and(|span| {
        let types = Types::new(project, driver);
        types.kind_of_written(function.file, span, function.scope) == Kind::Pool
    })
}

/// What a function and those of the project that it calls do with pools and connections.
fn does(project: &Project, driver: &Driver, function: FunctionRef) -> Does {
    let types = Types::new(project, driver);
    let mut does = Does::default();
    let mut seen = BTreeSet::from([function]);
    let mut open = vec![(function, DEPTH)];
    while let Some((function, depth)) = open.pop() {
        let id = function.file;
        let file = project.file(id);
        let body = file.model.scope(function.scope).body;
        let calls = file.outline.calls.iter();
        for call in calls.filter(|call| body.contains(call.span)) {
            let is = |names: &[String]| names.iter().any(|name| call.name == *name);
            let object = match file.expression(call.callee) {
                Expression::Attribute { object, .. } => Some(object),
                _ => None,
            };
            let on_pool = || object.is_some_and(|on| types.kind(id, on) == Kind::Pool);
            if is(&driver.acquire) && on_pool() {
                does.acquires = true;
            } else if is(&driver.begin) && object.is_some() {
                does.begins = true;
            } else if is(&driver.executors) {
                let query = object.and_then(|on| query::of(project, driver, id, on));
                let text = query.as_ref().and_then(|query| query.text);
                let set = text.and_then(|text| {
                    let given = query.map(|query| query.given).unwrap_or_default();
                    setting::set_in(file, text, &given)
                });
                match set {
                    Some(set) => does.settings.push(set),
                    None => does.others = true,
                }
            } else if let Some(depth) = depth.checked_sub(1)
                && let Some(symbol) = project.symbol(id, call.callee)
                && let Some(called) = project.function(&symbol, id)
                && seen.insert(called)
            {
                open.push((called, depth));
            }
        }
    }
    does
}

/// The structure that a function gives, if it is one of the project.
pub fn given_type(project: &Project, driver: &Driver, function: FunctionRef) -> Option<Type> {
    let types = Types::new(project, driver);
    types.result(function).map(|found| types.plain(&found))
}
