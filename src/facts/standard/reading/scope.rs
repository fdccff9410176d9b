//! What a scope lends, how it leaves, and which user it sets.

use std::collections::BTreeSet;

use super::{
    Lends, Reader, VALUES, innermost, is_manager, is_transaction, last_part, not_callable,
    one_line, returned,
};
use crate::facts::standard::setting::{self, Setting};
use crate::language::expression::{CallSite, Expression};
use crate::project::FunctionRef;
use crate::source::Span;

impl Reader<'_> {
    pub(super) fn scope(&mut self, function: FunctionRef, lends: Lends, depth: usize) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let Some(depth) = depth.checked_sub(1) else {
            return self.differs(function, scope.span, "it is not followed any further");
        };
        if !self.seen.insert(function) {
            return;
        }
        self.definition(function);
        if lends != Lends::Inside {
            let given = usize::from(lends == Lends::ForUser);
            let reasons = not_callable(self.project, function, given);
            self.reading.refused.extend(reasons);
        }
        let managers = scope
            .decorators
            .iter()
            .filter(|span| is_manager(file, **span))
            .count();
        if !scope.is_generator {
            return self.gives_scope(function, lends, depth);
        }
        if scope.decorators.is_empty() {
            self.refuse(function, "it is no context manager");
        } else if managers > 0 && !scope.is_async && lends != Lends::Inside {
            self.refuse(function, "it is not asynchronous");
        }
        let yields = file.language.yields(file.code(), scope.body);
        self.other_pool(function);
        self.lent(function, &yields);
        let queries: Vec<&CallSite> = self
            .calls(function)
            .into_iter()
            .filter(|call| self.is_query(file, call))
            .collect();
        let mut known = yields.clone();
        if lends == Lends::ForUser {
            known.extend(self.sets_user(function, &queries, &yields));
        }
        for query in queries.iter().filter(|query| !known.contains(&query.span)) {
            let why = format!("it runs `{}`", one_line(query.span.text(file.text())));
            self.differs(function, query.span, &why);
        }
        let awaits = queries.iter().map(|query| query.span);
        let spans: Vec<Span> = yields.into_iter().chain(awaits).collect();
        let before = self.reading.in_transaction;
        self.body(function, &spans, depth);
        if lends == Lends::Plain && self.reading.in_transaction && !before {
            self.differs(function, scope.span, "it opens a transaction");
        }
    }

    /// A scope that is no generator: what it gives back has to be one.
    fn gives_scope(&mut self, function: FunctionRef, lends: Lends, depth: usize) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        if !scope.decorators.is_empty() {
            return;
        }
        if scope.is_async {
            return self.refuse(function, "it is no context manager");
        }
        let mut any = false;
        for value in returned(file, function.scope) {
            any = true;
            let Expression::Call { callee, arguments } = file.expression(innermost(file, value))
            else {
                self.differs(function, value, "what it gives back is not followed");
                continue;
            };
            let borrows = self.driver.acquire.iter();
            let callee_text = callee.text(file.text());
            if borrows
                .into_iter()
                .any(|name| last_part(callee_text) == name)
            {
                if !arguments.is_empty() {
                    let why = format!("it borrows by `{}`", one_line(value.text(file.text())));
                    self.differs(function, value, &why);
                }
            } else if let Some(target) = self.called(function, callee) {
                self.scope(target, Lends::Inside, depth);
            } else {
                self.differs(function, value, "what it gives back is not followed");
            }
        }
        if !any {
            self.refuse(function, "it is no context manager");
        } else if lends == Lends::ForUser {
            self.differs(function, scope.span, "it sets no user that could be read");
        }
    }

    /// What a scope yields: the connection that it has borrowed, once.
    fn lent(&mut self, function: FunctionRef, yields: &[Span]) {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let repeated = yields.iter().any(|span| {
            file.language
                .innermost_loop(file.code(), *span, scope.body)
                .is_some()
        });
        if yields.len() != 1 || repeated {
            self.differs(function, scope.span, "it yields several times");
        }
        for value in file
            .outline
            .returns
            .iter()
            .filter(|r| r.scope == function.scope && r.yields)
        {
            let Some(value) = value.value else {
                self.differs(function, scope.span, "it yields no connection");
                continue;
            };
            if !self.is_borrowed(function, value, VALUES) {
                let why = format!(
                    "it yields `{}`, which is not followed",
                    value.text(file.text())
                );
                self.differs(function, value, &why);
            }
        }
    }

    /// Whether a value is a connection that was borrowed: by `acquire()`, or from a scope of the project.
    fn is_borrowed(&self, function: FunctionRef, value: Span, depth: usize) -> bool {
        let file = self.file(function);
        let Some(depth) = depth.checked_sub(1) else {
            return false;
        };
        match file.expression(innermost(file, value)) {
            Expression::Name(name) => {
                let mut bindings = file.model.bindings_of(function.scope, &name).peekable();
                bindings.peek().is_some()
                    && bindings.all(|binding| {
                        binding.value.is_some_and(|value| {
                            file.expression(value) == Expression::Null
                                || self.is_borrowed(function, value, depth)
                        })
                    })
            }
            Expression::Call { callee, .. } => {
                let name = last_part(callee.text(file.text()));
                self.driver.acquire.iter().any(|acquire| acquire == name)
                    || self.called(function, callee).is_some()
            }
            _ => false,
        }
    }

    /// The queries of a scope that set its user, and whether they do it for the transaction and the connection that is lent.
    fn sets_user(
        &mut self,
        function: FunctionRef,
        queries: &[&CallSite],
        yields: &[Span],
    ) -> Vec<Span> {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let mut found = Vec::new();
        for query in queries {
            let Some(Setting { name, local }) = setting::set_by(file, query) else {
                continue;
            };
            found.push(query.span);
            if !local {
                let why = "the user that it sets stays on the connection";
                self.differs(function, query.span, why);
            }
            if !self.is_given(function, query) {
                let why = "the user that it sets is not the one that it is given";
                self.differs(function, query.span, why);
            }
            let settings = self.reading.settings.get_or_insert_default();
            settings.extend(name);
            let object = match file.expression(query.callee) {
                Expression::Attribute { object, .. } => object.text(file.text()),
                _ => "",
            };
            let lent = file
                .outline
                .returns
                .iter()
                .filter(|r| r.scope == function.scope);
            let mut lent = lent.filter_map(|give_back| give_back.value);
            if !lent.all(|value| value.text(file.text()) == object) {
                let why = "it sets the user on another connection than it lends";
                self.differs(function, query.span, why);
            }
            let entered = file.language.entered(file.code(), scope.body);
            let holds = entered.iter().any(|entered| {
                is_transaction(entered.resource.text(file.text()))
                    && entered.body.contains(query.span)
                    && yields.iter().all(|span| entered.body.contains(*span))
            });
            if !holds {
                let why = "no transaction holds the user that it sets";
                self.differs(function, query.span, why);
            }
        }
        if found.is_empty() {
            self.differs(function, scope.span, "it sets no user that could be read");
        }
        found
    }

    /// Whether a query mentions what the function is given first, or a variable that is made of it.
    fn is_given(&self, function: FunctionRef, query: &CallSite) -> bool {
        let file = self.file(function);
        let scope = file.model.scope(function.scope);
        let mut names: BTreeSet<&str> = scope
            .parameters
            .iter()
            .take(1)
            .map(|parameter| parameter.name.as_str())
            .collect();
        let mentions = |names: &BTreeSet<&str>, span: Span| {
            let mut references = file.model.references.iter();
            references.any(|reference| {
                span.contains(reference.span) && names.contains(reference.name.as_str())
            })
        };
        for _ in 0..VALUES {
            let bindings = file.model.bindings.iter();
            let made: Vec<&str> = bindings
                .filter(|binding| {
                    binding.scope == function.scope
                        && binding.value.is_some_and(|value| mentions(&names, value))
                })
                .map(|binding| binding.name.as_str())
                .collect();
            names.extend(made);
        }
        mentions(&names, query.span)
    }
}
