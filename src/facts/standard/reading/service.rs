//! What a service, or whatever else lends connections, does to a connection besides lending it and taking it back.

use std::collections::BTreeSet;

use super::{DEPTH, Reader, Reading, innermost, last_part, one_line};
use crate::language::Model;
use crate::language::expression::{Argument, Expression};
use crate::language::usage::Usage;
use crate::project::{ClassRef, FileId, FunctionRef, ParsedFile, Project, Symbol};
use crate::recipe::Driver;
use crate::source::Span;

/// Methods of a connection by which what was done on it stays.
const COMMITS: [&str; 1] = ["commit"];

/// Methods that make something else of a connection.
const HANDLES: [&str; 2] = ["cursor", "transaction"];

/// Reads the service that the variable `symbol` holds: how it lends to blocks, gives connections out and takes them back. What is no object
/// of a class of the project is not read.
pub fn service(project: &Project, driver: &Driver, symbol: &Symbol, home: FileId) -> Reading {
    let Some(class) = class(project, symbol, home) else {
        return Reading::default();
    };
    let mut reader = Reader::new(project, driver);
    if let Some(function) = project.method(class, "connection") {
        reader.lends_to_block(function);
    }
    for method in ["connection", "acquire_connection", "release_connection"] {
        if let Some(function) = project.method(class, method) {
            reader.works(Some(class), function, DEPTH);
        }
    }
    reader.reading
}

/// The class of which the variable `symbol` holds an object.
fn class(project: &Project, symbol: &Symbol, home: FileId) -> Option<ClassRef> {
    let Symbol::Member { file, name } = symbol else {
        return None;
    };
    let parsed = project.file(*file);
    let mut bindings = parsed.model.bindings_of(Model::MODULE, name);
    let value = bindings.find_map(|binding| binding.value)?;
    let Expression::Call { callee, .. } = parsed.expression(value) else {
        return None;
    };
    project.class(&project.symbol(*file, callee)?, home)
}

/// Reads a function of the project that gives connections out or takes them back.
pub fn lender(project: &Project, driver: &Driver, function: FunctionRef) -> Reading {
    let mut reader = Reader::new(project, driver);
    let scope = project
        .file(function.file)
        .model
        .class_around(function.scope);
    let class = scope.map(|scope| ClassRef {
        file: function.file,
        scope,
    });
    reader.works(class, function, DEPTH);
    reader.reading
}

impl Reader<'_> {
    /// How a method lends to a block: what leaves the block leaves it, and the connection is taken back in any case.
    fn lends_to_block(&mut self, function: FunctionRef) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        if !scope.is_generator {
            return;
        }
        let yields = file.language.yields(file.code(), scope.body);
        if yields.len() != 1 {
            self.differs(function, scope.span, "it yields several times");
        }
        self.leaves(function, &yields);
        for lent in &yields {
            let mut catches = file.language.catches(file.code(), scope.body).into_iter();
            let mut entered = file.language.entered(file.code(), scope.body).into_iter();
            let is_kept = catches.any(|catch| !catch.handles && catch.body.contains(*lent))
                || entered.any(|entered| entered.body.contains(*lent));
            if !is_kept {
                self.differs(
                    function,
                    *lent,
                    "an error in the block loses the connection",
                );
            }
        }
        let values = file.outline.returns.iter();
        let values = values.filter(|lent| lent.scope == function.scope && lent.yields);
        for value in values.filter_map(|lent| lent.value) {
            let Expression::Name(name) = file.expression(innermost(file, value)) else {
                continue;
            };
            for binding in file.model.bindings_of(function.scope, &name) {
                let Some(value) = binding.value else { continue };
                let Expression::Call { callee, .. } = file.expression(innermost(file, value))
                else {
                    continue;
                };
                if HANDLES.contains(&last_part(callee.text(file.text()))) {
                    let why = format!("it lends `{}`", one_line(value.text(file.text())));
                    self.differs(function, value, &why);
                }
            }
        }
    }

    /// What a method does to connections, and those of its class that it calls.
    fn works(&mut self, class: Option<ClassRef>, function: FunctionRef, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        if !self.seen.insert(function) {
            return;
        }
        let file = self.file(function);
        let body = file.model.scope(function.scope).body;
        let lent = connections(self.driver, file, function);
        let is_lent = |span: Span| lent.contains(span.text(file.text()));
        for call in self.calls(function) {
            let name = call.name.as_str();
            let Expression::Call { callee, arguments } = file.expression(call.span) else {
                continue;
            };
            let text = one_line(call.span.text(file.text()));
            if let Expression::Attribute { object, .. } = file.expression(callee) {
                let queries = self.driver.query_methods.iter().any(|query| query == name);
                if COMMITS.contains(&name) && is_lent(object) {
                    self.differs(function, call.span, "it commits what was left uncommitted");
                } else if queries || (name.starts_with("set_") && is_lent(object)) {
                    self.differs(function, call.span, &format!("it does `{text}` besides"));
                }
                if matches!(object.text(file.text()), "self" | "cls")
                    && let Some(class) = class
                    && let Some(target) = self.project.method(class, name)
                {
                    self.works(Some(class), target, depth);
                }
            }
            self.connects(function, call.span, name, &arguments);
        }
        let writes = file.outline.writes.iter();
        for write in writes.filter(|write| body.contains(write.statement) && is_lent(write.object))
        {
            let text = one_line(write.statement.text(file.text()));
            let why = format!("it does `{text}` besides");
            self.differs(function, write.statement, &why);
        }
        for entered in file.language.entered(file.code(), body) {
            if is_lent(entered.resource) {
                self.differs(
                    function,
                    entered.resource,
                    "it commits what was left uncommitted",
                );
            }
        }
    }

    /// A connection that is opened in a way of its own: `connect(dsn, cursor_factory=…)`.
    fn connects(&mut self, function: FunctionRef, call: Span, name: &str, given: &[Argument]) {
        let file = self.file(function);
        let opens = self.driver.connect.iter().chain(&self.driver.create_pool);
        if !opens.into_iter().any(|known| known == name) {
            return;
        }
        for (name, value) in behaving(self.driver, given) {
            let text = one_line(value.text(file.text()));
            let why = format!("its connections are told `{name}={text}`");
            self.differs(function, call, &why);
        }
    }
}

/// The arguments by which connections are told how to behave, rather than where their database is.
pub fn behaving(driver: &Driver, given: &[Argument]) -> Vec<(String, Span)> {
    let tells = |argument: &Argument| match argument {
        Argument::Keyword { name, value } if driver.behaves.contains(name) => {
            Some((name.clone(), *value))
        }
        _ => None,
    };
    given.iter().filter_map(tells).collect()
}

/// The names of a function that hold connections: those that are given back, and what was taken.
fn connections(driver: &Driver, file: &ParsedFile, function: FunctionRef) -> BTreeSet<String> {
    let takes = |name: &str| {
        let mut known = driver.acquire.iter().chain(&driver.connect);
        known.any(|known| known == name) || name == "acquire_connection"
    };
    let mut names = BTreeSet::new();
    for binding in &file.model.bindings {
        if binding.scope != function.scope {
            continue;
        }
        let Some(value) = binding.value else { continue };
        if let Expression::Call { callee, .. } = file.expression(innermost(file, value))
            && takes(last_part(callee.text(file.text())))
        {
            names.insert(binding.name.to_string());
        }
    }
    for parameter in &file.model.scope(function.scope).parameters {
        let references = file.model.references_to(function.scope, &parameter.name);
        let mut usages = references.map(|read| file.language.usage(file.code(), read.span));
        let is_given_back = usages.any(|usage| match usage {
            Usage::Argument { callee, .. } => {
                let last = last_part(callee.text(file.text()));
                driver.release.iter().any(|release| release == last)
            }
            _ => false,
        });
        if is_given_back || parameter.name.starts_with("conn") {
            names.insert(parameter.name.clone());
        }
    }
    names
}
