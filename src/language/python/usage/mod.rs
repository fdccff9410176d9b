//! What becomes of a value at the place where its name is read.
//!
//! Only the immediate surroundings are judged. Whether the reading scope is another than the variable's is told by the model
//! (`reference.scope != reference.target`).

#[cfg(test)]
mod tests;

use tree_sitter::Node;

use super::expression::arguments;
use super::nodes::{children, path};
use crate::language::Code;
use crate::language::usage::{Manner, MethodCall, Usage};
use crate::source::Span;

/// How the expression at `span` is used by what stands around it.
pub(super) fn usage(code: &Code<'_>, span: Span) -> Usage {
    let path = path(&code.tree, span);
    Around { code, path: &path }
        .expression(span)
        .map_or(Usage::Other, |(around, at)| around.of(at))
}

/// Whether the list or dictionary at `span` is only looked into there, never changed or handed on.
pub(super) fn only_looks_into(code: &Code<'_>, span: Span) -> bool {
    let path = path(&code.tree, span);
    let around = Around { code, path: &path };
    around
        .expression(span)
        .is_some_and(|(around, at)| around.looks_into(at))
}

/// An expression among its ancestors.
#[derive(Clone, Copy)]
struct Around<'a, 't> {
    code: &'a Code<'a>,
    /// From the root inwards.
    path: &'a [Node<'t>],
}

impl<'t> Around<'_, 't> {
    /// The index of the expression with this span. A statement may have the very span of the expression that it consists of.
    fn expression(self, span: Span) -> Option<(Self, usize)> {
        let exactly = |node: &Node<'_>| node.is_named() && Span::from(*node) == span;
        Some((self, self.path.iter().rposition(exactly)?))
    }

    /// The index of the parent, parentheses passed over, and of the child of it that is on the path.
    fn up(self, mut at: usize) -> Option<(usize, Node<'t>)> {
        loop {
            let parent = at.checked_sub(1)?;
            if self.path[parent].kind() != "parenthesized_expression" {
                return Some((parent, self.path[at]));
            }
            at = parent;
        }
    }

    fn of(self, at: usize) -> Usage {
        let mut at = at;
        let mut certain = true;
        while let Some((above, node)) = self.up(at) {
            let parent = self.path[above];
            match parent.kind() {
                "boolean_operator" if can_be_result(parent, node) => {}
                "conditional_expression" if children(parent).get(1) != Some(&node) => {}
                // What is called on one of several values is not known to be called on this one.
                "attribute" if !certain => return Usage::Other,
                _ => return self.by(above, node),
            }
            certain = false;
            at = above;
        }
        Usage::Other
    }

    /// What the parent at `above` does with `node`.
    fn by(self, above: usize, node: Node<'t>) -> Usage {
        let parent = self.path[above];
        let is = |field: &str| parent.child_by_field_name(field) == Some(node);
        match parent.kind() {
            "attribute" if is("object") => self.attribute(above),
            "call" if is("function") => Usage::Called,
            "argument_list" => self.argument(above),
            "keyword_argument" if is("value") => self.argument(above - 1),
            "list_splat" | "dictionary_splat" => match self.up(above) {
                Some((list, _)) if self.path[list].kind() == "argument_list" => self.argument(list),
                _ => Usage::Stored,
            },
            "return_statement" => Usage::Returned,
            "lambda" if is("body") => Usage::Returned,
            "yield" => Usage::Yielded,
            "await" => Usage::Awaited,
            "assignment" if is("right") => self.assigned(above),
            "named_expression" if is("value") => Usage::Aliased,
            "list"
            | "tuple"
            | "set"
            | "expression_list"
            | "list_comprehension"
            | "set_comprehension"
            | "generator_expression"
                if is_element(parent, node) =>
            {
                self.displayed(above)
            }
            "pair" => self.displayed(above - 1),
            "default_parameter" | "typed_default_parameter" if is("value") => Usage::Stored,
            "comparison_operator"
            | "not_operator"
            | "if_clause"
            | "boolean_operator"
            | "conditional_expression"
            | "expression_statement" => Usage::Tested,
            "assert_statement" if children(parent).first() == Some(&node) => Usage::Tested,
            "if_statement" | "elif_clause" | "while_statement" if is("condition") => Usage::Tested,
            "delete_statement" => Usage::Deleted,
            "interpolation" | "format_expression" => Usage::Interpolated,
            "with_item" => Usage::Entered,
            "as_pattern" if self.is_entered(above, node) => Usage::Entered,
            _ => Usage::Other,
        }
    }

    /// `x.name`, which is at `at`.
    fn attribute(self, at: usize) -> Usage {
        let attribute = self.path[at];
        let name = attribute.child_by_field_name("attribute");
        let name = name.map_or("", |name| self.code.text(name.into()));
        if let Some((call, node)) = self.up(at)
            && self.path[call].kind() == "call"
            && self.path[call].child_by_field_name("function") == Some(node)
        {
            return Usage::MethodCall(self.method_call(call, attribute, name));
        }
        let name = name.to_owned();
        if self.is_written(at) {
            Usage::AttributeWrite { name }
        } else {
            Usage::AttributeRead { name }
        }
    }

    fn method_call(self, at: usize, callee: Node<'_>, method: &str) -> MethodCall {
        let call = self.path[at];
        let mut whole = Span::from(call);
        let manner = match self.up(at) {
            Some((above, node)) => {
                let parent = self.path[above];
                match parent.kind() {
                    "await" => {
                        whole = parent.into();
                        Manner::Awaited
                    }
                    "with_item" => Manner::Entered,
                    "as_pattern" if self.is_entered(above, node) => Manner::Entered,
                    "for_statement" | "for_in_clause"
                        if parent.child_by_field_name("right") == Some(node) =>
                    {
                        Manner::Iterated
                    }
                    _ => Manner::Plain,
                }
            }
            None => Manner::Plain,
        };
        MethodCall {
            method: method.to_owned(),
            callee: callee.into(),
            call: call.into(),
            whole,
            arguments: call
                .child_by_field_name("arguments")
                .map(|list| arguments(self.code.source, list))
                .unwrap_or_default(),
            manner,
        }
    }

    /// Whether `node` is what the `as` pattern at `pattern` enters: `with node as target`.
    fn is_entered(self, pattern: usize, node: Node<'_>) -> bool {
        let is_item = self
            .up(pattern)
            .is_some_and(|(above, _)| self.path[above].kind() == "with_item");
        is_item && self.path[pattern].child_by_field_name("alias") != Some(node)
    }

    /// Whether the attribute or subscript at `at` is a target.
    fn is_written(self, at: usize) -> bool {
        let Some((mut above, mut node)) = self.up(at) else {
            return false;
        };
        loop {
            let parent = self.path[above];
            match parent.kind() {
                "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => {
                    return parent.child_by_field_name("left") == Some(node);
                }
                "delete_statement" | "as_pattern_target" => return true,
                // Targets may be nested; a display that is no target ends at something else.
                "pattern_list" | "tuple_pattern" | "list_pattern" | "list_splat_pattern"
                | "tuple" | "list" | "expression_list" => match self.up(above) {
                    Some(next) => (above, node) = next,
                    None => return false,
                },
                _ => return false,
            }
        }
    }

    /// A value in the argument list at `list`. The bases of a class are an argument list too.
    fn argument(self, list: usize) -> Usage {
        let call = self.path[list.saturating_sub(1)];
        match call.child_by_field_name("function") {
            Some(callee) => Usage::Argument {
                call: call.into(),
                callee: callee.into(),
            },
            None => Usage::Other,
        }
    }

    /// The right side of the assignment at `at`: kept by name only where every target of the chain is a name.
    fn assigned(self, at: usize) -> Usage {
        let chain = self.path[..=at].iter().rev();
        let named = chain
            .take_while(|link| link.kind() == "assignment")
            .filter_map(|link| link.child_by_field_name("left"))
            .all(|target| target.kind() == "identifier");
        if named { Usage::Aliased } else { Usage::Stored }
    }

    /// An element of the display at `at`: what is returned or yielded hands out what it holds.
    fn displayed(self, at: usize) -> Usage {
        match self.up(at).map(|(above, _)| self.path[above].kind()) {
            Some("return_statement") => Usage::Returned,
            Some("yield") => Usage::Yielded,
            _ => Usage::Stored,
        }
    }

    fn looks_into(self, at: usize) -> bool {
        let Some((above, node)) = self.up(at) else {
            return false;
        };
        let parent = self.path[above];
        let is = |field: &str| parent.child_by_field_name(field) == Some(node);
        match parent.kind() {
            "subscript" if is("value") => !self.is_written(above),
            "for_statement" | "for_in_clause" if is("right") => true,
            _ => match self.of(at) {
                Usage::MethodCall(call) => matches!(
                    call.method.as_str(),
                    "get" | "items" | "keys" | "values" | "copy"
                ),
                Usage::Tested => true,
                _ => false,
            },
        }
    }
}

/// Whether the value of an operation with `and` or `or` can be that of `operand`.
fn can_be_result(operation: Node<'_>, operand: Node<'_>) -> bool {
    let operator = operation.child_by_field_name("operator");
    let is_and = operator.is_some_and(|operator| operator.kind() == "and");
    !is_and || operation.child_by_field_name("left") != Some(operand)
}

/// Whether `node` is an element of the display, or what the comprehension collects.
fn is_element(container: Node<'_>, node: Node<'_>) -> bool {
    container
        .child_by_field_name("body")
        .is_none_or(|body| body == node)
}
