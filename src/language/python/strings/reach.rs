//! Which values a variable can have where it is read.
//!
//! The statements of the scope that owns the variable are gone through in order, with the set of values that it can have so far: an assignment
//! replaces the set, `+=` extends each of it, a branch adds to it, a loop is gone through until nothing is added.

use tree_sitter::Node;

use super::value::Value;
use super::{Current, Evaluator, format};
use crate::language::model::{Binding, BindingKind, ScopeId};
use crate::language::python::flow::statement_leaves;
use crate::language::python::nodes::{children, is_statement, node_at};
use crate::source::Span;

/// The values so far; `None` where control never is.
type State = Option<Value>;

/// How deep statements may nest, those of variables that lead to others added, before nothing is known.
const MAX_LEVELS: usize = 100;

/// One walk through the statements of a scope.
pub(super) struct Reach<'e, 'a, 'n> {
    evaluator: &'e mut Evaluator<'a>,
    owner: ScopeId,
    name: &'n str,
    /// The bindings of the variable that the scope itself executes, in source order.
    bindings: Vec<&'a Binding>,
    /// Where the variable is read; `None` to see all its values.
    site: Option<Span>,
    /// Every value since the walk, or the loop or `try` that is being walked, began.
    seen: Value,
    /// The values at the site.
    found: Option<Value>,
}

impl<'e, 'a, 'n> Reach<'e, 'a, 'n> {
    /// A walk for the values at `site`, or for all values. `bindings` are those that the scope itself executes, in source order.
    pub(super) fn new(
        evaluator: &'e mut Evaluator<'a>,
        (owner, name): (ScopeId, &'n str),
        bindings: Vec<&'a Binding>,
        site: Option<Span>,
    ) -> Self {
        Self {
            evaluator,
            owner,
            name,
            bindings,
            site,
            seen: Value::default(),
            found: None,
        }
    }

    /// Walks through `body`, before which the variable has the values `start`.
    pub(super) fn through(mut self, body: Node<'a>, start: Value) -> Value {
        self.seen = start.clone();
        self.block(body, Some(start));
        match self.site {
            Some(_) => self.found.unwrap_or_default(),
            None => self.seen,
        }
    }

    fn holds_site(&self, node: Node<'_>) -> bool {
        self.site
            .is_some_and(|site| Span::from(node).contains(site))
    }

    fn bindings_in(&self, node: Node<'_>) -> Vec<&'a Binding> {
        let span = Span::from(node);
        let start = self
            .bindings
            .partition_point(|binding| binding.span.start < span.start);
        self.bindings[start..]
            .iter()
            .take_while(|binding| binding.span.end <= span.end)
            .copied()
            .collect()
    }

    fn block(&mut self, block: Node<'a>, mut state: State) -> State {
        for statement in children(block) {
            if self.found.is_some() {
                return None;
            }
            if is_statement(statement.kind()) {
                state = self.statement(statement, state);
            }
        }
        state
    }

    fn statement(&mut self, statement: Node<'a>, state: State) -> State {
        let concerned = self.holds_site(statement) || !self.bindings_in(statement).is_empty();
        if !concerned {
            return state.filter(|_| !statement_leaves(statement, MAX_LEVELS));
        }
        if self.evaluator.levels >= MAX_LEVELS || !self.evaluator.step() {
            return Some(self.give_up(statement));
        }
        self.evaluator.levels += 1;
        let after = match statement.kind() {
            "if_statement" => self.branches(statement, state),
            "for_statement" | "while_statement" => self.repeated(statement, state),
            "with_statement" => self.with(statement, state),
            "try_statement" => self.tried(statement, state),
            "match_statement" => self.cases(statement, state),
            _ => self.simple(statement, state),
        };
        self.evaluator.levels -= 1;
        after
    }

    /// Nothing is known during and after the statement.
    fn give_up(&mut self, statement: Node<'_>) -> Value {
        if self.holds_site(statement) {
            self.found = Some(Value::unknown());
        }
        self.seen.join(&Value::unknown());
        Value::unknown()
    }

    /// Notes the values at the site, if it is in `node`.
    fn look(&mut self, node: Node<'_>, state: &State) {
        if self.found.is_none() && self.holds_site(node) {
            self.found = Some(state.clone().unwrap_or_default());
        }
    }

    /// Notes a new set of values.
    fn becomes(&mut self, value: Value) -> Value {
        self.seen.join(&value);
        value
    }

    /// A statement without a block, or a definition.
    fn simple(&mut self, statement: Node<'a>, state: State) -> State {
        let (inline, whole): (Vec<&Binding>, Vec<&Binding>) = self
            .bindings_in(statement)
            .into_iter()
            .partition(|binding| binding.kind == BindingKind::Walrus);
        let state = self.inline(&inline, state);
        self.look(statement, &state);
        let mut state = state?;
        for binding in whole {
            state = self.bound(binding, state);
            self.seen.join(&state);
        }
        Some(state).filter(|_| !statement_leaves(statement, MAX_LEVELS))
    }

    /// `:=` anywhere in an expression: it may or may not be evaluated before the variable is read.
    fn inline(&mut self, bindings: &[&Binding], state: State) -> State {
        let mut state = state?;
        for binding in bindings {
            let value = self.evaluated(binding, &state);
            state.join(&value);
        }
        Some(self.becomes(state))
    }

    fn evaluated(&mut self, binding: &Binding, state: &Value) -> Value {
        let current = Current {
            owner: self.owner,
            name: self.name,
            value: state,
        };
        self.evaluator.assigned(binding, Some(current))
    }

    /// The values after one binding.
    fn bound(&mut self, binding: &Binding, state: Value) -> Value {
        match binding.kind {
            BindingKind::Annotation if binding.value.is_none() => state,
            BindingKind::Delete => Value::default(),
            BindingKind::Augmented => self.augmented(binding, &state),
            _ => self.evaluated(binding, &state),
        }
    }

    fn augmented(&mut self, binding: &Binding, state: &Value) -> Value {
        let tree = &self.evaluator.file.tree;
        let Some(node) = node_at(tree, binding.statement, |kind| {
            kind == "expression_statement"
        })
        .and_then(|statement| statement.named_child(0))
        .filter(|node| node.kind() == "augmented_assignment") else {
            return Value::unknown();
        };
        let (Some(operator), Some(right)) = (
            node.child_by_field_name("operator"),
            node.child_by_field_name("right"),
        ) else {
            return Value::unknown();
        };
        let current = Current {
            owner: self.owner,
            name: self.name,
            value: state,
        };
        match operator.kind() {
            "+=" => state.then(&self.evaluator.evaluate(right, Some(current))),
            "%=" => {
                let mut value = Value::default();
                for template in &state.texts {
                    value.join(&format::percent(template, &format::Fields::default()));
                }
                value
            }
            _ => Value::unknown(),
        }
    }

    /// The header of a compound statement: everything of it that is in no block.
    fn header(&mut self, header: Option<Node<'a>>, state: State) -> State {
        let Some(header) = header else { return state };
        let bindings = self.bindings_in(header);
        let state = if bindings.is_empty() {
            state
        } else {
            self.inline(&bindings, state)
        };
        self.look(header, &state);
        state
    }

    fn branches(&mut self, statement: Node<'a>, state: State) -> State {
        let mut out = None;
        let mut state = self.header(statement.child_by_field_name("condition"), state);
        if let Some(block) = statement.child_by_field_name("consequence") {
            out = either(out, self.block(block, state.clone()));
        }
        let mut cursor = statement.walk();
        let mut open = true;
        for clause in statement.children_by_field_name("alternative", &mut cursor) {
            if self.found.is_some() {
                return None;
            }
            state = self.header(clause.child_by_field_name("condition"), state);
            let block = clause
                .child_by_field_name("consequence")
                .or_else(|| clause.child_by_field_name("body"));
            if let Some(block) = block {
                out = either(out, self.block(block, state.clone()));
            }
            open &= clause.kind() != "else_clause";
        }
        if open { either(out, state) } else { out }
    }

    fn repeated(&mut self, statement: Node<'a>, state: State) -> State {
        let is_for = statement.kind() == "for_statement";
        let state = if is_for {
            self.header(statement.child_by_field_name("right"), state)
        } else {
            state
        };
        let head = self.loop_head(statement, state?);
        let outer = std::mem::take(&mut self.seen);
        let end = self.iteration(statement, &head, self.site);
        let inside = std::mem::replace(&mut self.seen, outer);
        self.seen.join(&inside);
        if self.found.is_some() {
            return None;
        }
        let mut after = head;
        // `break` leaves with any value that the variable had in the body.
        after.join(&inside);
        if let Some(end) = end {
            after.join(&end);
        }
        match statement
            .child_by_field_name("alternative")
            .and_then(|clause| clause.child_by_field_name("body"))
        {
            Some(block) => {
                let through = self.block(block, Some(after.clone()));
                either(Some(after), through)
            }
            None => Some(after),
        }
    }

    /// The values at the head of a loop: those before it, and those that its own body leaves.
    fn loop_head(&mut self, statement: Node<'a>, start: Value) -> Value {
        let bindings = self.bindings_in(statement);
        let mut head = start.clone();
        if bindings.is_empty() {
            return head;
        }
        for _ in 0..2 {
            let outer = std::mem::take(&mut self.seen);
            let end = self.iteration(statement, &head, None);
            let mut added = std::mem::replace(&mut self.seen, outer);
            if !holds_continue(statement) {
                added = Value::default();
            }
            if let Some(end) = end {
                added.join(&end);
            }
            if head.covers(&added) {
                return head;
            }
            head.join(&added);
        }
        // It grows with every turn. If it only ever grows at its end, what it began with is still known.
        if !bindings.iter().all(|binding| self.only_appends(binding)) {
            return Value::unknown();
        }
        let appends = |binding: &&Binding| binding.kind == BindingKind::Augmented;
        if bindings.iter().all(appends) {
            head = start;
        }
        let grown = head.then(&Value::unknown());
        head.join(&grown);
        head
    }

    /// Whether a binding either does not depend on the variable, or adds to its end.
    fn only_appends(&self, binding: &Binding) -> bool {
        let file = self.evaluator.file;
        if binding.kind == BindingKind::Augmented {
            let operator = Span::new(binding.span.end, binding.statement.end);
            return file.text(operator).trim_start().starts_with("+=");
        }
        let reads = |value: Span| {
            file.model
                .references_to(self.owner, self.name)
                .any(|reference| value.contains(reference.span))
        };
        !binding.value.is_none_or(reads)
    }

    /// One turn of a loop.
    fn iteration(&mut self, statement: Node<'a>, head: &Value, site: Option<Span>) -> State {
        let site = std::mem::replace(&mut self.site, site);
        let mut state = Some(head.clone());
        match statement.child_by_field_name("left") {
            Some(left) => {
                for binding in self.bindings_in(left) {
                    let value = self.evaluator.element(binding);
                    state = Some(self.becomes(value));
                }
                self.look(left, &state);
            }
            None => state = self.header(statement.child_by_field_name("condition"), state),
        }
        if let Some(body) = statement.child_by_field_name("body") {
            state = self.block(body, state);
        }
        self.site = site;
        state
    }

    fn with(&mut self, statement: Node<'a>, state: State) -> State {
        let clause = children(statement)
            .into_iter()
            .find(|child| child.kind() == "with_clause");
        let state = match clause {
            Some(clause) => {
                self.look(clause, &state);
                let mut state = state?;
                for binding in self.bindings_in(clause) {
                    state = self.bound(binding, state);
                    self.seen.join(&state);
                }
                Some(state)
            }
            None => state,
        };
        let Some(body) = statement.child_by_field_name("body") else {
            return state;
        };
        let (end, inside) = self.watched(body, state);
        // The context manager may swallow an exception from anywhere in the body.
        either(end, Some(inside))
    }

    /// Goes through a block, and returns also every value that the variable had in it.
    fn watched(&mut self, block: Node<'a>, state: State) -> (State, Value) {
        let start = state.clone().unwrap_or_default();
        let outer = std::mem::replace(&mut self.seen, start);
        let end = self.block(block, state);
        let inside = std::mem::replace(&mut self.seen, outer);
        self.seen.join(&inside);
        (end, inside)
    }

    fn tried(&mut self, statement: Node<'a>, state: State) -> State {
        let Some(body) = statement.child_by_field_name("body") else {
            return state;
        };
        let (mut out, mut anywhere) = self.watched(body, state);
        let mut handled = None;
        for clause in children(statement) {
            if self.found.is_some() {
                return None;
            }
            let Some(block) = children(clause)
                .into_iter()
                .find(|child| child.kind() == "block")
            else {
                continue;
            };
            match clause.kind() {
                "except_clause" => {
                    let caught = self.caught(clause, block, anywhere.clone());
                    let (end, inside) = self.watched(block, Some(caught));
                    handled = either(handled, end);
                    anywhere.join(&inside);
                }
                "else_clause" => {
                    let (end, inside) = self.watched(block, out);
                    out = end;
                    anywhere.join(&inside);
                }
                "finally_clause" => {
                    out = either(out, handled.take());
                    if self.holds_site(block) {
                        out = either(out, Some(anywhere.clone()));
                    }
                    out = self.block(block, out);
                }
                _ => {}
            }
        }
        either(out, handled)
    }

    /// The values at the start of a handler.
    fn caught(&mut self, clause: Node<'a>, block: Node<'a>, mut state: Value) -> Value {
        for binding in self.bindings_in(clause) {
            if binding.span.end <= block.start_byte() {
                state = self.bound(binding, state);
            }
        }
        if !self.holds_site(block) {
            self.look(clause, &Some(state.clone()));
        }
        self.becomes(state)
    }

    fn cases(&mut self, statement: Node<'a>, state: State) -> State {
        let Some(body) = statement.child_by_field_name("body") else {
            return state;
        };
        let mut cursor = statement.walk();
        let mut state = state;
        for subject in statement.children_by_field_name("subject", &mut cursor) {
            state = self.header(Some(subject), state);
        }
        let mut out = state.clone();
        for clause in children(body) {
            let Some(block) = clause.child_by_field_name("consequence") else {
                continue;
            };
            let mut inside = state.clone();
            for part in children(clause) {
                if part != block {
                    inside = self.header(Some(part), inside);
                }
            }
            out = either(out, self.block(block, inside));
        }
        out
    }
}

/// The values where two paths meet.
fn either(one: State, other: State) -> State {
    match (one, other) {
        (Some(mut one), Some(other)) => {
            one.join(&other);
            Some(one)
        }
        (one, other) => one.or(other),
    }
}

fn holds_continue(node: Node<'_>) -> bool {
    let mut work = vec![node];
    while let Some(node) = work.pop() {
        if node.kind() == "continue_statement" {
            return true;
        }
        work.extend(children(node));
    }
    false
}
