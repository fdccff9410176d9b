//! Texts made by formatting and by calls: `%`, `.format()`, `.join()`, `.strip()`, and functions that give back what they get.

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::format::{self, Fields};
use super::value::{Value, trimmed};
use super::{Current, Evaluator};
use crate::language::python::imports::qualified;
use crate::language::python::nodes::{children, unparenthesised};
use crate::sql::SqlText;

impl<'a> Evaluator<'a> {
    pub(super) fn percent(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        let template = self.field(node, "left", current);
        let Some(right) = node.child_by_field_name("right") else {
            return Value::unknown();
        };
        let mut fields = Fields::default();
        let right = unparenthesised(right);
        match right.kind() {
            "tuple" => fields.positional = self.positional(&children(right), current),
            "dictionary" => {
                for pair in children(right) {
                    if let Some((name, value)) = self.pair(pair, current) {
                        fields.named.insert(name, value);
                    }
                }
            }
            "string" | "concatenated_string" => {
                fields.positional = Some(vec![self.evaluate(right, current)]);
            }
            _ => {
                // A variable may be a tuple; only a text that is known to the letter surely is none.
                let value = self.evaluate(right, current);
                let known = !value.texts.iter().any(SqlText::has_hole);
                fields.positional = known.then(|| vec![value]);
            }
        }
        let mut value = Value::default();
        for template in &template.texts {
            value.join(&format::percent(template, &fields));
        }
        value
    }

    fn positional(
        &mut self,
        nodes: &[Node<'a>],
        current: Option<Current<'_>>,
    ) -> Option<Vec<Value>> {
        let plain = |node: &Node<'_>| !matches!(node.kind(), "list_splat" | "dictionary_splat");
        if !nodes.iter().all(plain) {
            return None;
        }
        Some(
            nodes
                .iter()
                .map(|node| self.evaluate(*node, current))
                .collect(),
        )
    }

    /// A pair of a dictionary whose key is known.
    fn pair(&mut self, pair: Node<'a>, current: Option<Current<'_>>) -> Option<(String, Value)> {
        let key = self.literal_text(pair.child_by_field_name("key")?)?;
        Some((key, self.field(pair, "value", current)))
    }

    pub(super) fn call(&mut self, node: Node<'a>, current: Option<Current<'_>>) -> Value {
        let (Some(function), Some(arguments)) = (
            node.child_by_field_name("function"),
            node.child_by_field_name("arguments"),
        ) else {
            return Value::unknown();
        };
        let arguments = match arguments.kind() {
            "argument_list" => children(arguments),
            _ => vec![arguments],
        };
        if let Some(name) = qualified(self.file, function) {
            return match arguments.first() {
                Some(first) if passes_through(&name) => self.evaluate(*first, current),
                _ => Value::unknown(),
            };
        }
        if function.kind() == "identifier" {
            let builtin = self
                .file
                .reference_at(function.into())
                .is_some_and(|reference| reference.target.is_none());
            return match (self.text(function), arguments.as_slice()) {
                ("str", [only]) if builtin => self.evaluate(*only, current).shown(),
                _ => Value::unknown(),
            };
        }
        let (Some(object), Some(method)) = (
            function.child_by_field_name("object"),
            function.child_by_field_name("attribute"),
        ) else {
            return Value::unknown();
        };
        self.method(object, self.text(method), &arguments, current)
    }

    fn method(
        &mut self,
        object: Node<'a>,
        method: &str,
        arguments: &[Node<'a>],
        current: Option<Current<'_>>,
    ) -> Value {
        match (method, arguments) {
            ("strip", []) => self
                .evaluate(object, current)
                .map(|text| trimmed(text, true, true)),
            ("lstrip", []) => self
                .evaluate(object, current)
                .map(|text| trimmed(text, true, false)),
            ("rstrip", []) => self
                .evaluate(object, current)
                .map(|text| trimmed(text, false, true)),
            ("join", [items]) => self.join(object, *items, current),
            ("format", _) => self.format(object, arguments, current),
            ("get", [key, rest @ ..]) => {
                let mut value = self.entry(object, *key, current);
                match rest.first() {
                    Some(default) => value.join(&self.evaluate(*default, current)),
                    None => value.join(&Value::other("None")),
                }
                value
            }
            _ => Value::unknown(),
        }
    }

    fn join(
        &mut self,
        separator: Node<'a>,
        items: Node<'a>,
        current: Option<Current<'_>>,
    ) -> Value {
        let items = unparenthesised(items);
        let listed = matches!(items.kind(), "list" | "tuple");
        let elements = children(items);
        if !listed
            || elements
                .iter()
                .any(|element| element.kind() == "list_splat")
        {
            return Value::unknown();
        }
        let separator = self.evaluate(separator, current);
        let mut value = Value::literal("");
        for (index, element) in elements.into_iter().enumerate() {
            if index > 0 {
                value = value.then(&separator);
            }
            value = value.then(&self.evaluate(element, current));
        }
        value
    }

    fn format(
        &mut self,
        template: Node<'a>,
        arguments: &[Node<'a>],
        current: Option<Current<'_>>,
    ) -> Value {
        let template = self.evaluate(template, current);
        let is_named = |node: &Node<'_>| node.kind() == "keyword_argument";
        let (named, positional): (Vec<Node<'a>>, Vec<Node<'a>>) =
            arguments.iter().copied().partition(is_named);
        let mut fields = Fields {
            positional: self.positional(&positional, current),
            named: BTreeMap::new(),
        };
        for argument in named {
            if let Some(name) = argument.child_by_field_name("name") {
                let value = self.field(argument, "value", current);
                fields.named.insert(self.text(name).to_owned(), value);
            }
        }
        let mut value = Value::default();
        for template in &template.texts {
            value.join(&format::braces(template, &fields));
        }
        value
    }
}

/// Whether a function gives back the text that it is given, up to white space.
fn passes_through(name: &str) -> bool {
    matches!(
        name,
        "textwrap.dedent"
            | "inspect.cleandoc"
            | "sqlalchemy.text"
            | "sqlalchemy.sql.text"
            | "sqlalchemy.sql.expression.text"
            | "sqlmodel.text"
            | "psycopg2.sql.SQL"
            | "psycopg.sql.SQL"
    )
}
