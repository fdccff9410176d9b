//! What a scope or dependency for sessions does besides making a session, lending it once and ending its transaction.

use std::collections::BTreeSet;

use super::{DEPTH, Reader, Reading, innermost, is_log, last_part, one_line};
use crate::language::BindingKind;
use crate::language::expression::Expression;
use crate::project::{FunctionRef, ParsedFile, Project, Symbol};
use crate::recipe::{Driver, SessionMethods};
use crate::source::Span;

/// What sessions may be asked for around the block without a change of what the block sees.
const ENDING: [&str; 2] = ["remove", "expunge_all"];

/// Reads the scope or dependency that `function` is. `factory` is the one that the sessions of the project come from.
pub fn session(
    project: &Project,
    driver: &Driver,
    function: FunctionRef,
    factory: Option<&Symbol>,
) -> Reading {
    let mut reader = Reader::new(project, driver);
    if let Some(methods) = &driver.session {
        reader.session(function, factory, methods, DEPTH);
    }
    reader.reading
}

/// The call that makes what a generator lends, if it lends one thing, under the name that it has there.
pub fn lent_session(project: &Project, function: FunctionRef) -> Option<Span> {
    let file = project.file(function.file);
    let mut lent = file.outline.returns.iter();
    let lent = lent.find(|lent| lent.scope == function.scope && lent.yields)?;
    made(file, function, lent.value?)
}

/// The call whose value a name of the function holds.
fn made(file: &ParsedFile, function: FunctionRef, value: Span) -> Option<Span> {
    let Expression::Name(name) = file.expression(innermost(file, value)) else {
        return None;
    };
    let mut calls = file
        .model
        .bindings_of(function.scope, &name)
        .filter(|binding| binding.kind != BindingKind::Annotation || binding.value.is_some())
        .map(|binding| {
            let value = innermost(file, binding.value?);
            matches!(file.expression(value), Expression::Call { .. }).then_some(value)
        });
    let first = calls.next()??;
    calls.next().is_none().then_some(first)
}

impl Reader<'_> {
    fn session(
        &mut self,
        function: FunctionRef,
        factory: Option<&Symbol>,
        methods: &SessionMethods,
        depth: usize,
    ) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let Some(depth) = depth.checked_sub(1) else {
            return self.differs(function, scope.span, "it is not followed any further");
        };
        if !self.seen.insert(function) {
            return;
        }
        self.definition(function);
        if !scope.is_generator {
            return self.differs(function, scope.span, "what it gives back is not followed");
        }
        let yields = file.language.yields(file.code(), scope.body);
        if yields.len() != 1 {
            self.differs(function, scope.span, "it yields several times");
        }
        let values = file.outline.returns.iter();
        let values = values.filter(|lent| lent.scope == function.scope && lent.yields);
        let values: Vec<Option<Span>> = values.map(|lent| lent.value).collect();
        let mut opened: Vec<Span> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for value in values {
            let made = value.and_then(|value| made(file, function, value));
            let (Some(value), Some(made)) = (value, made) else {
                let text = value.map_or("", |value| value.text(file.text()));
                let why = format!("it yields `{}`, which is not followed", one_line(text));
                self.differs(function, value.unwrap_or(scope.span), &why);
                continue;
            };
            names.push(value.text(file.text()));
            opened.push(made);
            self.makes_session(function, made, factory, methods, depth);
        }
        self.around(function, &yields, &opened, &names, methods);
    }

    /// Whether what is lent is made by the factory, or comes from another scope of the project.
    fn makes_session(
        &mut self,
        function: FunctionRef,
        made: Span,
        factory: Option<&Symbol>,
        methods: &SessionMethods,
        depth: usize,
    ) {
        let file = self.file(function);
        let Expression::Call { callee, arguments } = file.expression(made) else {
            return;
        };
        let text = one_line(made.text(file.text()));
        if !arguments.is_empty() {
            let why = format!("it makes its session by `{text}`");
            self.differs(function, made, &why);
        }
        let maker = match file.expression(callee) {
            Expression::Attribute { object, name } if methods.begin.contains(&name) => object,
            _ => callee,
        };
        let symbol = self.project.symbol(function.file, maker);
        if symbol.is_some() && symbol.as_ref() == factory {
            return;
        }
        match self.called(function, callee) {
            Some(target) if self.file(target).model.scope(target.scope).is_generator => {
                self.session(target, factory, methods, depth);
            }
            _ => {
                let why = format!("its session comes from `{text}`, and not from the factory");
                self.differs(function, made, &why);
            }
        }
    }

    /// What stands around the place where a session is lent: how errors leave, when it commits, what else is done.
    fn around(
        &mut self,
        function: FunctionRef,
        yields: &[Span],
        opened: &[Span],
        names: &[&str],
        methods: &SessionMethods,
    ) {
        let file = self.file(function);
        let body = file.model.scope(function.scope).body;
        self.leaves(function, yields);
        let is_lent = |span: Span| names.contains(&span.text(file.text()));
        let catches = file.language.catches(file.code(), body);
        let handlers: Vec<Span> = catches
            .iter()
            .filter(|catch| yields.iter().any(|lent| catch.body.contains(*lent)))
            .flat_map(|catch| catch.handlers.iter().copied())
            .collect();
        let ends = [
            &methods.commit,
            &methods.rollback,
            &methods.close,
            &methods.begin,
        ];
        for call in self.calls(function) {
            let (name, span) = (call.name.as_str(), call.span);
            let text = one_line(span.text(file.text()));
            let Expression::Call { callee, arguments } = file.expression(span) else {
                continue;
            };
            let of_session = match file.expression(callee) {
                Expression::Attribute { object, .. } => is_lent(object),
                _ => false,
            };
            let ending = ends
                .iter()
                .any(|names| names.iter().any(|known| known == name))
                || ENDING.contains(&name);
            if of_session && methods.commit.iter().any(|commit| commit == name) {
                if handlers.iter().any(|handler| handler.contains(span)) {
                    self.differs(function, span, "it commits behind an error, too");
                } else if is_conditional(file, span, body) {
                    self.differs(function, span, "it commits only under a condition");
                }
                continue;
            }
            let is_given = arguments.iter().any(|argument| is_lent(argument.value()));
            let besides = if of_session {
                !ending
            } else {
                is_given && !is_log(callee.text(file.text()))
            };
            if besides {
                self.differs(function, span, &format!("it does `{text}` besides"));
            }
        }
        let writes = file.outline.writes.iter();
        let written =
            writes.filter(|write| body.contains(write.statement) && is_lent(write.object));
        for write in written {
            let text = one_line(write.statement.text(file.text()));
            let why = format!("it does `{text}` besides");
            self.differs(function, write.statement, &why);
        }
        for entered in file.language.entered(file.code(), body) {
            let resource = innermost(file, entered.resource);
            let begins = match file.expression(resource) {
                Expression::Call { callee, .. } => {
                    let name = last_part(callee.text(file.text()));
                    methods.begin.iter().any(|begin| begin == name)
                }
                _ => is_lent(resource),
            };
            if !opened.contains(&resource) && !begins {
                let text = one_line(resource.text(file.text()));
                self.differs(function, resource, &format!("it opens `{text}`"));
            }
        }
        for awaited in file.language.awaits(file.code(), body) {
            let mut calls = self.calls(function).into_iter();
            let known = yields.iter().any(|lent| awaited.contains(*lent))
                || calls.any(|call| {
                    awaited.contains(call.span)
                        && (ends
                            .iter()
                            .any(|names| names.iter().any(|known| *known == call.name.as_str()))
                            || ENDING.contains(&call.name.as_str()))
                })
                || opened.iter().any(|opened| awaited.contains(*opened));
            if !known {
                let why = format!("it does `{}` besides", one_line(awaited.text(file.text())));
                self.differs(function, awaited, &why);
            }
        }
    }
}

/// Whether a call stands under a condition in a body.
fn is_conditional(file: &ParsedFile, call: Span, body: Span) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![body];
    while let Some(body) = open.pop() {
        if !seen.insert(body) {
            continue;
        }
        let statements = file.language.statements(file.code(), body).into_iter();
        for statement in statements.filter(|statement| statement.contains(call)) {
            let branch = file.language.branch(file.code(), statement);
            if branch.is_some_and(|branch| branch.body.contains(call)) {
                return true;
            }
            let entered = file.language.entered(file.code(), statement).into_iter();
            let catches = file.language.catches(file.code(), statement).into_iter();
            open.extend(entered.map(|entered| entered.body));
            open.extend(catches.map(|catch| catch.body));
            open.extend(file.language.body(file.code(), statement));
        }
    }
    false
}
