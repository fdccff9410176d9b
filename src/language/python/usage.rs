//! What becomes of a value at the place where its name is read.
//!
//! Only the immediate surroundings are judged. Whether the reading scope is another than the variable's is told by the model
//! (`reference.scope != reference.target`).

mod arguments;
#[cfg(test)]
mod tests;

use tree_sitter::Node;

use super::PythonFile;
use super::nodes::{begins_with, children, path};
use crate::source::Span;

pub use arguments::{Argument, ArgumentKind, arguments};

/// A method that is called on a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodCall {
    /// The name of the method.
    pub method: String,
    /// The call, without `await`.
    pub call: Span,
    /// Its arguments, with the parentheses.
    pub arguments: Span,
}

/// How the expression at a name reference is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// `x.m(…)`, `await x.m(…)`
    MethodCall {
        /// The name of the method.
        method: String,
        /// The call, without `await`.
        call: Span,
        /// Its arguments, with the parentheses.
        arguments: Span,
        /// Whether the call is directly under `await`.
        awaited: bool,
        /// The `await` expression, or the call where there is none.
        whole: Span,
    },
    /// `with x:` or `with x.m(…):`, also `async with`, also with `as`
    ContextItem {
        /// The method that gives the context manager; `None` where it is the value itself.
        method: Option<MethodCall>,
        /// Whether it is `async with`.
        is_async: bool,
        /// The target of `as`.
        target: Option<Span>,
        /// The `with` statement.
        statement: Span,
    },
    /// `for … in x` or `for … in x.m(…)`, also `async for`, also in a comprehension
    Iterated {
        /// The method that gives the iterable; `None` where it is the value itself.
        method: Option<MethodCall>,
        /// Whether it is `async for`.
        is_async: bool,
        /// The `for` statement or clause.
        clause: Span,
    },
    /// `x.name`, not called
    Attribute {
        /// The name of the attribute.
        name: String,
        /// The whole `x.name`.
        span: Span,
        /// Whether it is assigned or deleted.
        written: bool,
    },
    /// `x[…]`
    Subscripted {
        /// The whole `x[…]`.
        span: Span,
        /// Whether it is assigned or deleted.
        written: bool,
    },
    /// `x(…)`
    Called {
        /// The call, without `await`.
        call: Span,
        /// Its arguments, with the parentheses.
        arguments: Span,
        /// Whether the call is directly under `await`.
        awaited: bool,
        /// The `await` expression, or the call where there is none.
        whole: Span,
    },
    /// `f(x)`, `f(k=x)`, `f(*x)`, `f(**x)`
    Argument {
        /// The call.
        call: Span,
        /// The expression that is called.
        callee: Span,
        /// The name that it is passed by.
        keyword: Option<String>,
        /// Its place among all arguments, from 0.
        position: usize,
        /// Whether it is spread by `*` or `**`.
        spread: bool,
    },
    /// `return x`, or the body of a lambda
    Returned,
    /// `yield x`, `yield from x`
    Yielded,
    /// `await x`
    Awaited,
    /// `y = x`, `(y := x)`: another name for it
    AssignedTo {
        /// The name.
        target: Span,
    },
    /// `self.a = x`, `d[k] = x`, `[x]`, `{k: x}`, `(x, y)`, a default of a parameter, the element of a comprehension
    StoredIn {
        /// The attribute, subscript or container.
        place: Span,
    },
    /// `x is None`, `x == y`, `match x:`
    Compared,
    /// `if x:`, `not x`, `assert x`, `x and …`
    Tested,
    /// `del x`
    Deleted,
    /// `f"{x}"`
    Interpolated,
    /// The name is bound here, not read; or read and bound (`x += 1`).
    Bound,
    /// The statement `x`
    Discarded,
    /// Anything else: an operand, an index, an annotation.
    Other,
}

/// How the expression at `reference` is used by what stands around it.
pub fn usage(file: &PythonFile<'_>, reference: Span) -> Usage {
    let path = path(file.tree, reference);
    // A statement may have the very span of the expression that it consists of.
    let exactly = |node: &Node<'_>| node.is_named() && Span::from(*node) == reference;
    let Some(at) = path.iter().rposition(exactly) else {
        return Usage::Other;
    };
    Around { file, path: &path }.of(at)
}

/// An expression among its ancestors.
struct Around<'a, 't> {
    file: &'a PythonFile<'a>,
    /// From the root inwards.
    path: &'a [Node<'t>],
}

impl<'t> Around<'_, 't> {
    /// The index of the parent, parentheses passed over, and of the child of it that is on the path.
    fn up(&self, mut at: usize) -> Option<(usize, Node<'t>)> {
        loop {
            let parent = at.checked_sub(1)?;
            if self.path[parent].kind() != "parenthesized_expression" {
                return Some((parent, self.path[at]));
            }
            at = parent;
        }
    }

    fn of(&self, at: usize) -> Usage {
        let Some((above, node)) = self.up(at) else {
            return Usage::Other;
        };
        let parent = self.path[above];
        let is = |field: &str| parent.child_by_field_name(field) == Some(node);
        match parent.kind() {
            "attribute" if is("object") => self.attribute(above),
            "subscript" if is("value") => Usage::Subscripted {
                span: parent.into(),
                written: self.written(above),
            },
            "call" if is("function") => {
                let (awaited, whole) = self.awaited(above);
                Usage::Called {
                    call: parent.into(),
                    arguments: arguments_of(parent),
                    awaited,
                    whole,
                }
            }
            "argument_list" => self.argument(above, node, None, false),
            "keyword_argument" if is("value") => {
                let keyword = parent.child_by_field_name("name");
                let keyword = keyword.map(|name| self.file.text(name.into()).to_owned());
                self.argument(above - 1, parent, keyword, false)
            }
            "list_splat" | "dictionary_splat" => self.splat(above),
            "return_statement" => Usage::Returned,
            "lambda" if is("body") => Usage::Returned,
            "yield" => Usage::Yielded,
            "await" => Usage::Awaited,
            "assignment" if is("right") => self.assigned(above),
            "named_expression" if is("value") => match parent.child_by_field_name("name") {
                Some(name) => Usage::AssignedTo {
                    target: name.into(),
                },
                None => Usage::Other,
            },
            "list"
            | "tuple"
            | "set"
            | "expression_list"
            | "list_comprehension"
            | "set_comprehension"
            | "generator_expression"
                if is_element(parent, node) =>
            {
                Usage::StoredIn {
                    place: parent.into(),
                }
            }
            "pair" => Usage::StoredIn {
                place: self.path[above.saturating_sub(1)].into(),
            },
            "default_parameter" | "typed_default_parameter" if is("value") => Usage::StoredIn {
                place: parent.into(),
            },
            "comparison_operator" | "match_statement" => Usage::Compared,
            "not_operator" | "assert_statement" | "if_clause" => Usage::Tested,
            "if_statement" | "elif_clause" | "while_statement" if is("condition") => Usage::Tested,
            "boolean_operator" => self.boolean(above, node),
            "conditional_expression" => {
                if children(parent).get(1) == Some(&node) {
                    Usage::Tested
                } else {
                    self.of(above)
                }
            }
            "delete_statement" => Usage::Deleted,
            "interpolation" | "format_expression" => Usage::Interpolated,
            "with_item" | "as_pattern" => self.context(above, node, None),
            "for_statement" | "for_in_clause" if is("right") => Usage::Iterated {
                method: None,
                is_async: begins_with(parent, "async"),
                clause: parent.into(),
            },
            "expression_statement" => Usage::Discarded,
            "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause"
                if is("left") =>
            {
                Usage::Bound
            }
            "named_expression" | "default_parameter" | "typed_default_parameter" if is("name") => {
                Usage::Bound
            }
            "as_pattern_target"
            | "pattern_list"
            | "tuple_pattern"
            | "list_pattern"
            | "list_splat_pattern"
            | "dictionary_splat_pattern"
            | "parameters"
            | "lambda_parameters"
            | "typed_parameter"
            | "aliased_import" => Usage::Bound,
            _ => Usage::Other,
        }
    }

    /// `x.name`, which is at `at`.
    fn attribute(&self, at: usize) -> Usage {
        let attribute = self.path[at];
        let name = attribute
            .child_by_field_name("attribute")
            .map(|name| self.file.text(name.into()).to_owned())
            .unwrap_or_default();
        let read = |written| Usage::Attribute {
            name: name.clone(),
            span: attribute.into(),
            written,
        };
        let Some((call, node)) = self.up(at) else {
            return read(false);
        };
        let parent = self.path[call];
        if parent.kind() != "call" || parent.child_by_field_name("function") != Some(node) {
            return read(self.written(at));
        }
        let method = MethodCall {
            method: name,
            call: parent.into(),
            arguments: arguments_of(parent),
        };
        self.method_call(call, method)
    }

    /// What becomes of the result of `method`, called at `call`.
    fn method_call(&self, call: usize, method: MethodCall) -> Usage {
        if let Some((above, node)) = self.up(call) {
            let parent = self.path[above];
            match parent.kind() {
                "with_item" | "as_pattern" => return self.context(above, node, Some(method)),
                "for_statement" | "for_in_clause"
                    if parent.child_by_field_name("right") == Some(node) =>
                {
                    return Usage::Iterated {
                        method: Some(method),
                        is_async: begins_with(parent, "async"),
                        clause: parent.into(),
                    };
                }
                _ => {}
            }
        }
        let (awaited, whole) = self.awaited(call);
        let MethodCall {
            method,
            call,
            arguments,
        } = method;
        Usage::MethodCall {
            method,
            call,
            arguments,
            awaited,
            whole,
        }
    }

    /// Whether the call at `at` is directly under `await`, and the span of it all.
    fn awaited(&self, at: usize) -> (bool, Span) {
        match self.up(at) {
            Some((above, _)) if self.path[above].kind() == "await" => {
                (true, self.path[above].into())
            }
            _ => (false, self.path[at].into()),
        }
    }

    /// Whether the attribute or subscript at `at` is a target.
    fn written(&self, at: usize) -> bool {
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

    /// The argument `node` of the list at `list`.
    fn argument(
        &self,
        list: usize,
        node: Node<'_>,
        keyword: Option<String>,
        spread: bool,
    ) -> Usage {
        let call = self.path[list.saturating_sub(1)];
        let Some(callee) = call.child_by_field_name("function") else {
            // The bases of a class.
            return Usage::Other;
        };
        let position = children(self.path[list])
            .iter()
            .position(|argument| *argument == node);
        Usage::Argument {
            call: call.into(),
            callee: callee.into(),
            keyword,
            position: position.unwrap_or(0),
            spread,
        }
    }

    /// `*x` or `**x`, which is at `at`.
    fn splat(&self, at: usize) -> Usage {
        let splat = self.path[at];
        match self.up(at) {
            Some((above, node)) if self.path[above].kind() == "argument_list" => {
                self.argument(above, node, None, true)
            }
            Some((above, _))
                if matches!(
                    self.path[above].kind(),
                    "list" | "tuple" | "set" | "dictionary" | "expression_list"
                ) =>
            {
                Usage::StoredIn {
                    place: self.path[above].into(),
                }
            }
            _ => Usage::StoredIn {
                place: splat.into(),
            },
        }
    }

    /// The right side of the assignment at `at`: kept by name only where every target of the chain is a name.
    fn assigned(&self, at: usize) -> Usage {
        let mut name = None;
        for link in self.path[..=at].iter().rev() {
            if link.kind() != "assignment" {
                break;
            }
            let Some(left) = link.child_by_field_name("left") else {
                continue;
            };
            if left.kind() != "identifier" {
                return Usage::StoredIn { place: left.into() };
            }
            name.get_or_insert(left);
        }
        match name {
            Some(name) => Usage::AssignedTo {
                target: name.into(),
            },
            None => Usage::Other,
        }
    }

    /// An operand of `and` or `or`: one that can be the result goes where the result goes.
    fn boolean(&self, at: usize, node: Node<'_>) -> Usage {
        let operation = self.path[at];
        let is_left = operation.child_by_field_name("left") == Some(node);
        let is_and = operation
            .child_by_field_name("operator")
            .is_some_and(|operator| operator.kind() == "and");
        if is_left && is_and {
            return Usage::Tested;
        }
        match self.of(at) {
            Usage::Discarded | Usage::Other => Usage::Tested,
            usage => usage,
        }
    }

    /// `with x`, where `above` is the item or its `as` pattern.
    fn context(&self, above: usize, node: Node<'_>, method: Option<MethodCall>) -> Usage {
        let pattern = self.path[above];
        let target = pattern.child_by_field_name("alias");
        if pattern.kind() == "as_pattern" && target == Some(node) {
            return Usage::Bound;
        }
        let statement = self.path[..above]
            .iter()
            .rev()
            .take(4)
            .find(|node| node.kind() == "with_statement");
        match statement {
            Some(statement) => Usage::ContextItem {
                method,
                is_async: begins_with(*statement, "async"),
                target: target.map(Span::from),
                statement: (*statement).into(),
            },
            // `except x as e`
            None => Usage::Other,
        }
    }
}

fn arguments_of(call: Node<'_>) -> Span {
    call.child_by_field_name("arguments")
        .map_or_else(|| Span::at(call.end_byte()), Span::from)
}

/// Whether `node` is an element of the display, or what the comprehension collects.
fn is_element(container: Node<'_>, node: Node<'_>) -> bool {
    container
        .child_by_field_name("body")
        .is_none_or(|body| body == node)
}
