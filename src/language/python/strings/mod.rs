//! The texts that an expression can have when the program runs, as far as the file shows.
//!
//! Literals, formatting, and variables followed through their assignments; everything else is a hole. Whether the text is SQL is not
//! known here. The result is never less than the truth: what is not surely one of the alternatives makes a further one, with a hole.

mod attributes;
mod calls;
mod format;
mod literal;
mod reach;
mod value;
mod variables;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tree_sitter::Node;

use self::literal::Prefix;
use self::value::Value;
use super::nodes::{children, expression_at, unparenthesised};
use super::usage::only_looks_into;
use crate::language::Code;
use crate::language::model::{BindingKind, ScopeId};
use crate::source::Span;
use crate::sql::SqlText;

/// How deep expressions, and variables through variables, are followed.
const MAX_DEPTH: usize = 48;

/// How many steps one evaluation may take: assignments through assignments can multiply.
const MAX_STEPS: usize = 20_000;

/// The texts that the expression at `expression` can have, evaluated where it stands: every form, each once; never empty.
///
/// A text of one hole is one of which nothing is known.
pub(super) fn evaluate(file: &Code<'_>, expression: Span) -> Vec<SqlText> {
    let mut evaluator = Evaluator {
        file,
        steps: 0,
        depth: 0,
        levels: 0,
        active: Vec::new(),
        stores: None,
    };
    let value = match expression_at(&file.tree, expression) {
        Some(node) => evaluator.evaluate(node, None),
        None => Value::unknown(),
    };
    // `None` and numbers are no query: a call with it fails before it reaches the database.
    if value.texts.is_empty() {
        vec![SqlText::unknown()]
    } else {
        value.texts
    }
}

/// The value of one variable at the point where an expression is evaluated.
#[derive(Clone, Copy)]
struct Current<'v> {
    owner: ScopeId,
    name: &'v str,
    value: &'v Value,
}

struct Evaluator<'a> {
    file: &'a Code<'a>,
    steps: usize,
    depth: usize,
    /// How deep the statements nest that are being gone through.
    levels: usize,
    /// The variables that are being evaluated, and where they are read; the same once more is a circle.
    active: Vec<(ScopeId, String, Option<Span>)>,
    /// Assignments to attributes by the name of the attribute, collected when first asked for.
    stores: Option<BTreeMap<&'a str, Vec<attributes::Store<'a>>>>,
}

impl<'a> Evaluator<'a> {
    fn text(&self, node: Node<'_>) -> &'a str {
        self.file.text(node.into())
    }

    /// Counts a step; `false` when there were too many.
    fn step(&mut self) -> bool {
        self.steps += 1;
        self.steps <= MAX_STEPS
    }

    fn evaluate(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        if self.depth >= MAX_DEPTH || !self.step() {
            return Value::unknown();
        }
        self.depth += 1;
        let value = self.expression(unparenthesised(node), current);
        self.depth -= 1;
        value
    }

    fn field(&mut self, node: Node<'a>, name: &str, current: Option<Current<'_>>) -> Value {
        match node.child_by_field_name(name) {
            Some(child) => self.evaluate(child, current),
            None => Value::unknown(),
        }
    }

    fn expression(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        match node.kind() {
            "string" => self.string(node, current),
            "concatenated_string" => {
                let parts = children(node);
                self.sequence(parts, current)
            }
            "integer" => {
                let digits = self.text(node);
                let decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
                if decimal && (digits == "0" || !digits.starts_with('0')) {
                    Value::other(digits)
                } else {
                    Value::unknown()
                }
            }
            "none" | "true" | "false" => Value::other(self.text(node)),
            "identifier" => self.name(node, current),
            "attribute" => self.attribute(node),
            "subscript" => self.subscript(node, current),
            "call" => self.call(node, current),
            "binary_operator" => self.operator(node, current),
            "named_expression" => self.field(node, "value", current),
            "conditional_expression" => match children(node)[..] {
                [yes, _, no] => {
                    let mut value = self.evaluate(yes, current);
                    value.join(&self.evaluate(no, current));
                    value
                }
                _ => Value::unknown(),
            },
            "boolean_operator" => self.boolean(node, current),
            _ => Value::unknown(),
        }
    }

    /// The texts of `parts`, one behind the other.
    fn sequence(&mut self, parts: Vec<Node<'a>>, current: Option<Current<'_>>) -> Value {
        let mut value = Value::literal("");
        for part in parts {
            value = value.then(&self.evaluate(part, current));
        }
        value
    }

    fn string(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        let mut parts = children(node).into_iter();
        let Some(opening) = parts.next() else {
            return Value::unknown();
        };
        let prefix = Prefix::of(self.text(opening));
        if !prefix.is_text {
            return Value::unknown();
        }
        let mut value = Value::literal("");
        for part in parts {
            let piece = match part.kind() {
                "string_content" => Value::text(literal::decode(self.text(part), prefix)),
                "string_end" => continue,
                "interpolation" => self.interpolation(part, current),
                _ => Value::unknown(),
            };
            value = value.then(&piece);
        }
        value
    }

    fn interpolation(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        let conversion = node.child_by_field_name("type_conversion");
        let mut cursor = node.walk();
        let changed = node.child_by_field_name("format_specifier").is_some()
            || conversion.is_some_and(|conversion| self.text(conversion) != "!s")
            || node.children(&mut cursor).any(|child| child.kind() == "=");
        if changed {
            return Value::unknown();
        }
        self.field(node, "expression", current).shown()
    }

    fn boolean(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        let is_or = node
            .child_by_field_name("operator")
            .is_some_and(|operator| operator.kind() == "or");
        if !is_or {
            // The left side of `and` is a result too, and mostly no text.
            return Value::unknown();
        }
        // What is false never comes out of the left side.
        let mut value = self.field(node, "left", current).truthy();
        value.join(&self.field(node, "right", current));
        value
    }

    /// `a + b + …` and `template % values`. A chain is long where a query is, so it is taken apart without recursion.
    fn operator(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        let operator = |node: Node<'a>| node.child_by_field_name("operator").map(|o| o.kind());
        if operator(node) == Some("%") {
            return self.percent(node, current);
        }
        let mut operands = Vec::new();
        let mut left = node;
        while left.kind() == "binary_operator" && operator(left) == Some("+") {
            let (Some(first), Some(second)) = (
                left.child_by_field_name("left"),
                left.child_by_field_name("right"),
            ) else {
                return Value::unknown();
            };
            operands.push(second);
            left = unparenthesised(first);
        }
        if operands.is_empty() {
            return Value::unknown();
        }
        operands.push(left);
        operands.reverse();
        self.sequence(operands, current)
    }

    /// The text of a node that is a plain string literal.
    fn literal_text(&mut self, node: Node<'a>) -> Option<String> {
        let node = unparenthesised(node);
        if !matches!(node.kind(), "string" | "concatenated_string") {
            return None;
        }
        let value = self.evaluate(node, None);
        match value.texts.as_slice() {
            [text] => match text.parts.as_slice() {
                [] => Some(String::new()),
                [crate::sql::Part::Literal(text)] => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    fn name(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        let Some(reference) = self.file.reference_at(node.into()) else {
            return Value::unknown();
        };
        let Some(owner) = reference.target else {
            return Value::unknown();
        };
        if let Some(current) = current
            && current.owner == owner
            && current.name == reference.name
            && reference.scope == owner
        {
            return current.value.clone();
        }
        self.variable(owner, &reference.name, reference.scope, reference.span)
    }

    fn subscript(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        match (
            node.child_by_field_name("value"),
            node.child_by_field_name("subscript"),
        ) {
            (Some(object), Some(key)) => self.entry(object, key, current),
            _ => Value::unknown(),
        }
    }

    /// The entry of a dictionary that is written out and never changed.
    fn entry(&mut self, object: Node<'a>, key: Node<'a>, current: Option<Current<'_>>) -> Value {
        let (Some(dictionary), Some(key)) = (
            self.display(object, &["dictionary"]),
            self.literal_text(key),
        ) else {
            return Value::unknown();
        };
        for pair in children(dictionary).into_iter().rev() {
            let Some(name) = pair
                .child_by_field_name("key")
                .and_then(|name| self.literal_text(name))
            else {
                // This may be the key.
                return Value::unknown();
            };
            if name == key {
                return self.field(pair, "value", current);
            }
        }
        Value::unknown()
    }

    /// The display of one of `kinds` that `node` is, or that the constant it names holds.
    fn display(&self, node: Node<'a>, kinds: &[&str]) -> Option<Node<'a>> {
        let node = unparenthesised(node);
        if kinds.contains(&node.kind()) {
            return Some(node);
        }
        let file = self.file;
        let reference = file.reference_at(node.into())?;
        let owner = reference.target?;
        let mut bindings = file.model.bindings_of(owner, &reference.name);
        let (binding, None) = (bindings.next()?, bindings.next()) else {
            return None;
        };
        let plain = matches!(
            binding.kind,
            BindingKind::Assignment | BindingKind::Annotation
        );
        let display = unparenthesised(expression_at(&file.tree, binding.value.filter(|_| plain)?)?);
        let constant = || {
            matches!(display.kind(), "tuple" | "expression_list")
                || file
                    .model
                    .references_to(owner, &reference.name)
                    .all(|reference| only_looks_into(file, reference.span))
        };
        (kinds.contains(&display.kind()) && constant()).then_some(display)
    }
}
