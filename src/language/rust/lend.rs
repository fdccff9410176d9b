//! A single call that comes to run on a connection of its own: the connection is taken before the statement, and committed right behind
//! the call.

use tree_sitter::Node;

use super::nodes::{children, is_function, is_statement, path};
use crate::edit::Edit;
use crate::language::Code;
use crate::language::usage::Lending;
use crate::source::Span;

/// Methods on the way from a result to its `?` that only change the error.
const OF_ERRORS: [&str; 4] = ["map_err", "context", "with_context", "wrap_err"];

/// Whether an error of the awaited call at `whole` leaves the function right there.
pub(super) fn error_leaves(code: &Code<'_>, whole: Span) -> bool {
    let path = path(&code.tree, whole);
    let Some(mut at) = path.iter().rposition(|node| Span::from(*node) == whole) else {
        return false;
    };
    while let Some(above) = at.checked_sub(1) {
        let (node, parent) = (path[at], path[above]);
        match parent.kind() {
            "try_expression" | "return_expression" => return true,
            "parenthesized_expression" => at = above,
            "field_expression" => match method_of(code, &path, above) {
                Some((call, name)) if OF_ERRORS.contains(&name) => at = call,
                Some((_, "unwrap" | "expect")) => return true,
                _ => return false,
            },
            "block" => {
                let is_body = above
                    .checked_sub(1)
                    .is_some_and(|above| is_function(path[above].kind()));
                return is_body && children(parent).last() == Some(&node);
            }
            _ => return false,
        }
    }
    false
}

/// The call of the method whose access is at `at`, and the method.
fn method_of<'s>(code: &Code<'s>, path: &[Node<'_>], at: usize) -> Option<(usize, &'s str)> {
    let name = path[at].child_by_field_name("field")?;
    let call = at.checked_sub(1)?;
    let is_call = path[call].kind() == "call_expression"
        && path[call].child_by_field_name("function") == Some(path[at]);
    is_call.then(|| (call, code.text(name.into())))
}

/// How the value of the awaited call goes on to be used.
struct Value {
    /// The call with all that lets its error out: `….await?`
    span: Span,
    /// What stands behind the `await` for that: `?`, `.unwrap()`.
    leaves: String,
    /// Whether it is the result itself that the function gives back, without a `?`.
    is_result: bool,
}

fn value(code: &Code<'_>, path: &[Node<'_>], whole: Span) -> Result<(usize, Value), String> {
    let other = || {
        "what becomes of an error of the query is not one of the forms that can be written for the transaction, too"
            .to_owned()
    };
    let begin = path
        .iter()
        .rposition(|node| Span::from(*node) == whole)
        .ok_or_else(other)?;
    let mut at = begin;
    loop {
        let above = at.checked_sub(1).ok_or_else(other)?;
        let parent = path[above];
        let tail = |end: usize| code.source[whole.end..end].to_owned();
        match parent.kind() {
            "try_expression" => {
                let span = Span::from(parent);
                let leaves = tail(span.end);
                return Ok((
                    above,
                    Value {
                        span,
                        leaves,
                        is_result: false,
                    },
                ));
            }
            "field_expression" => match method_of(code, path, above) {
                Some((call, name)) if OF_ERRORS.contains(&name) => {
                    let arguments = path[call].child_by_field_name("arguments");
                    let text = arguments.map_or("", |list| code.text(list.into()));
                    // What is written twice must not do anything twice.
                    if text.contains(".await") || text.contains('?') || text.contains("move ") {
                        return Err(other());
                    }
                    at = call;
                }
                Some((call, "unwrap" | "expect")) => {
                    let span = Span::from(path[call]);
                    let leaves = tail(span.end);
                    return Ok((
                        call,
                        Value {
                            span,
                            leaves,
                            is_result: false,
                        },
                    ));
                }
                _ => return Err(other()),
            },
            "block" if is_value_of_function(path, above, path[at]) => {
                let span = Span::from(path[at]);
                let leaves = format!("{}?", tail(span.end));
                return Ok((
                    at,
                    Value {
                        span,
                        leaves,
                        is_result: true,
                    },
                ));
            }
            "return_expression" => {
                let span = Span::from(path[at]);
                let leaves = format!("{}?", tail(span.end));
                return Ok((
                    at,
                    Value {
                        span,
                        leaves,
                        is_result: true,
                    },
                ));
            }
            _ => return Err(other()),
        }
    }
}

fn is_value_of_function(path: &[Node<'_>], block: usize, node: Node<'_>) -> bool {
    let is_body = block
        .checked_sub(1)
        .is_some_and(|above| is_function(path[above].kind()));
    is_body && children(path[block]).last() == Some(&node)
}

/// Whether `node` is what `parent` evaluates first, always and once.
fn is_first(code: &Code<'_>, parent: Node<'_>, node: Node<'_>) -> bool {
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    match parent.kind() {
        "try_expression"
        | "await_expression"
        | "parenthesized_expression"
        | "reference_expression"
        | "return_expression"
        | "expression_statement"
        | "unary_expression" => true,
        "field_expression"
        | "type_cast_expression"
        | "let_declaration"
        | "match_expression"
        | "let_condition"
        | "for_expression"
        | "field_initializer" => is("value"),
        "if_expression" => is("condition"),
        "binary_expression" => is("left"),
        "index_expression"
        | "tuple_expression"
        | "array_expression"
        | "arguments"
        | "let_chain"
        | "field_initializer_list" => children(parent).first() == Some(&node),
        "call_expression" => {
            is("function")
                || is("arguments")
                    && parent
                        .child_by_field_name("function")
                        .is_some_and(|function| {
                            matches!(
                                function.kind(),
                                "identifier" | "scoped_identifier" | "generic_function"
                            ) || code.text(function.into()).is_empty()
                        })
        }
        "struct_expression" => is("body"),
        _ => false,
    }
}

fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn indent(source: &str, at: usize) -> &str {
    let line = &source[line_start(source, at)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// The statement that the call stands in, when it is the first thing that runs there.
fn statement_of<'t>(code: &Code<'_>, path: &[Node<'t>], from: usize) -> Result<Node<'t>, String> {
    let mut at = from;
    // Outwards to the statement, as long as the call is the first thing that runs.
    while !is_statement(path[at - 1], path[at]) {
        let Some(above) = at.checked_sub(1).filter(|above| *above > 0) else {
            return Err("the call stands in no statement".to_owned());
        };
        if !is_first(code, path[above], path[at]) {
            let why =
                "the call is not the first thing that its statement does, or may not run at all";
            return Err(why.to_owned());
        }
        at = above;
    }
    let (node, block) = (path[at], path[at - 1]);
    if block.kind() != "block" {
        return Err("the call does not stand in a function".to_owned());
    }
    let mut before = node.prev_sibling();
    while let Some(sibling) = before.filter(|sibling| sibling.kind().ends_with("comment")) {
        before = sibling.prev_sibling();
    }
    if before.is_some_and(|sibling| sibling.kind() == "attribute_item") {
        return Err("an attribute belongs to the statement".to_owned());
    }
    let start = line_start(code.source, node.start_byte());
    if !code.source[start..node.start_byte()].trim().is_empty() {
        return Err("the statement shares its line with other code".to_owned());
    }
    Ok(node)
}

/// Whether the value of the call is all that a statement evaluates.
fn is_all_of(code: &Code<'_>, statement: Node<'_>, value: Span) -> bool {
    match statement.kind() {
        "let_declaration" => {
            statement.child_by_field_name("value").map(Span::from) == Some(value)
                && statement.child_by_field_name("alternative").is_none()
        }
        "expression_statement" => {
            let inner = children(statement).first().map(|inner| Span::from(*inner));
            inner == Some(value) && code.source[value.end..statement.end_byte()].trim() == ";"
        }
        _ => false,
    }
}

/// The edits by which the call runs on a connection of its own.
pub(super) fn lend(code: &Code<'_>, lending: &Lending<'_>) -> Result<Vec<Edit>, String> {
    let source = code.source;
    let path = path(&code.tree, lending.whole);
    let (found, value) = value(code, &path, lending.whole)?;
    let node = statement_of(code, &path, found)?;
    let statement = Span::from(node);
    let layout = Layout {
        margin: indent(source, statement.start),
        newline: if source.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        },
    };
    let leaves = leaves_of(&value.leaves);
    let opened = format!("let mut {} = ", lending.name);
    let taken = layout.chain(&opened, lending.scope, &[&[".await"], &leaves[..]].concat());
    let ends = [&[".commit()", ".await"], &leaves[..]].concat();
    let committed = layout.chain("", lending.name, &ends);
    let mut edits = vec![Edit::replace(
        lending.executor,
        format!("&mut *{}", lending.name),
    )];
    if is_all_of(code, node, value.span) && !value.is_result {
        let taken = format!("{taken}{}", layout.line());
        edits.push(Edit::insert(statement.start, taken));
        let end = end_of_line(source, statement.end)?;
        let committed = format!("{}{committed}", layout.line());
        edits.push(Edit::insert(end, committed));
        return Ok(edits);
    }
    let apart = Apart {
        layout: &layout,
        statement,
        value: &value,
        name: lending.value,
    };
    edits.extend(apart.edits(code, &taken, &committed)?);
    Ok(edits)
}

/// A statement whose first part, the call, becomes a statement of its own.
struct Apart<'a> {
    layout: &'a Layout<'a>,
    statement: Span,
    value: &'a Value,
    /// The name of its value.
    name: &'a str,
}

impl Apart<'_> {
    fn edits(&self, code: &Code<'_>, taken: &str, committed: &str) -> Result<Vec<Edit>, String> {
        let (source, value, statement) = (code.source, self.value.span, self.statement);
        let before = Span::new(statement.start, value.start);
        let prefix = before.text(source);
        if prefix.contains("//") || prefix.contains("/*") {
            return Err("a comment stands before the call in its statement".to_owned());
        }
        let (line, name) = (self.layout.line(), self.name);
        let (given, end) = if self.value.is_result {
            (format!("Ok({name})"), "?;")
        } else {
            (name.to_owned(), ";")
        };
        let is_broken = prefix.contains('\n');
        let shown = if is_broken {
            let words: Vec<&str> = prefix.split_whitespace().collect();
            words.join(" ").replace("( ", "(")
        } else {
            prefix.to_owned()
        };
        let behind = format!("{end}{line}{committed}{line}{shown}{given}");
        let mut edits = vec![Edit::replace(before, format!("{taken}{line}let {name} = "))];
        if !is_broken {
            let margin = self.layout.margin;
            let (end, rest) = goes_on(source, value.end, statement.end, &shown, name, margin);
            let text = format!("{behind}{rest}");
            edits.push(Edit::replace(Span::new(value.end, end), text));
            if end == value.end {
                let rest = Span::new(end, statement.end);
                edits.extend(indented(code, rest, margin));
            }
            return Ok(edits);
        }
        // What was broken over lines for the query fits on one without it.
        let rest = &source[value.end..statement.end];
        let closes = |c: char| c.is_whitespace() || matches!(c, ',' | ')' | ';');
        if !rest.chars().all(closes) {
            return Err("the statement is laid out around the call over several lines".to_owned());
        }
        let closed: String = rest.chars().filter(|c| matches!(c, ')' | ';')).collect();
        let text = format!("{behind}{closed}");
        edits.push(Edit::replace(Span::new(value.end, statement.end), text));
        let deeper = indent(source, value.start).len();
        let columns = deeper.saturating_sub(self.layout.margin.len());
        edits.extend(outdented(code, value, columns));
        Ok(edits)
    }
}

/// How the statement goes on behind the call that was laid out over lines, now that a name stands there: up to where, and by which text.
fn goes_on(
    source: &str,
    from: usize,
    end: usize,
    head: &str,
    name: &str,
    margin: &str,
) -> (usize, String) {
    let rest = &source[from..end];
    let space = rest.len() - rest.trim_start().len();
    if !rest[..space].contains('\n') {
        return (from, String::new());
    }
    let code = &rest[space..];
    if code.starts_with('{') {
        return (from + space, " ".to_owned());
    }
    let is_chain = code.starts_with('.') && !code.contains("//") && !code.contains("/*");
    let one_line: String = code.lines().map(str::trim).collect();
    let width = margin.len() + head.len() + name.len() + one_line.len();
    let quoted = code.contains('"') && code.trim_end().contains('\n');
    if is_chain && !quoted && name.len() + one_line.len() <= CHAIN && width <= LINE {
        return (end, one_line);
    }
    (from, String::new())
}

/// What stands behind an `await` to let its error out, call by call.
fn leaves_of(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '.' if depth == 0 && at > from => {
                parts.push(text[from..at].trim());
                from = at;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// How wide a chain of calls may be on one line, and a line.
const CHAIN: usize = 60;
const LINE: usize = 100;

/// Where a statement is written.
struct Layout<'a> {
    margin: &'a str,
    newline: &'a str,
}

impl Layout<'_> {
    /// The beginning of the next line.
    fn line(&self) -> String {
        format!("{}{}", self.newline, self.margin)
    }

    /// A statement of a chain of calls, on one line where formatters have it so. A `?` belongs to the call before it.
    fn chain(&self, head: &str, root: &str, calls: &[&str]) -> String {
        let mut parts: Vec<String> = Vec::new();
        for call in calls {
            match parts.last_mut() {
                Some(last) if *call == "?" => last.push('?'),
                _ => parts.push((*call).to_owned()),
            }
        }
        let one_line = format!("{root}{}", parts.concat());
        let width = self.margin.len() + head.len() + one_line.len() + 1;
        if one_line.len() <= CHAIN && width <= LINE {
            return format!("{head}{one_line};");
        }
        let mut text = format!("{head}{root}");
        let mut rest = parts.iter();
        // A short name has no line of its own.
        if root.len() <= 4 && head.is_empty() {
            text.extend(rest.next().map(String::as_str));
        }
        for part in rest {
            text.push_str(&self.line());
            text.push_str("    ");
            text.push_str(part);
        }
        text.push(';');
        text
    }
}

/// The end of the line behind `at`, where only a comment may stand.
fn end_of_line(source: &str, at: usize) -> Result<usize, String> {
    let rest = &source[at..];
    let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
    let between = rest[..end].trim();
    if between.is_empty() || between.starts_with("//") {
        let kept = rest[..end].trim_end().len();
        return Ok(at + kept);
    }
    Err("the statement shares its line with other code".to_owned())
}

/// Moves the rest of a chain in, whose calls stood below a call of several lines and stand below a name now.
fn indented(code: &Code<'_>, span: Span, margin: &str) -> Vec<Edit> {
    let rest = span.text(code.source);
    let next = rest.trim_start();
    let begins = span.start + (rest.len() - next.len());
    let is_chain = next.starts_with('.') || next.starts_with("//");
    if !rest.starts_with(['\n', '\r']) || !is_chain || indent(code.source, begins) != margin {
        return Vec::new();
    }
    let starts = lines_outside_of_texts(code, span).into_iter();
    let filled = starts.filter(|start| !code.source[*start..].starts_with(['\n', '\r']));
    filled
        .map(|start| Edit::insert(start, "    ".to_owned()))
        .collect()
}

/// Where the lines begin that begin inside of `span`, but not inside of a text.
fn lines_outside_of_texts(code: &Code<'_>, span: Span) -> Vec<usize> {
    let breaks = span.text(code.source).match_indices('\n');
    let starts = breaks.map(|(offset, _)| span.start + offset + 1);
    starts
        .filter(|start| {
            let around = path(&code.tree, Span::new(*start, *start));
            !around.iter().any(|node| {
                let is_text = matches!(
                    node.kind(),
                    "string_literal" | "raw_string_literal" | "block_comment"
                );
                is_text && node.start_byte() < *start
            })
        })
        .collect()
}

/// Takes `columns` of space from the beginning of each line that begins inside of `span`, but not inside of a text.
fn outdented(code: &Code<'_>, span: Span, columns: usize) -> Vec<Edit> {
    let starts = lines_outside_of_texts(code, span).into_iter();
    let deleted = starts.map(|start| {
        let line = &code.source[start..];
        let space = line.len() - line.trim_start_matches([' ', '\t']).len();
        Edit::delete(Span::new(start, start + columns.min(space)))
    });
    deleted.collect()
}

/// The line breaks that formatters put into the chain of calls around `span` when what stands at `changed` in it grows by `growth`.
pub(super) fn broken(code: &Code<'_>, span: Span, changed: Span, growth: usize) -> Vec<Edit> {
    let path = path(&code.tree, span);
    let Some(mut at) = path.iter().rposition(|node| Span::from(*node) == span) else {
        return Vec::new();
    };
    // Outwards to the whole chain.
    while let Some(above) = at.checked_sub(1) {
        let (node, parent) = (path[at], path[above]);
        let goes_on = match parent.kind() {
            "field_expression" => parent.child_by_field_name("value") == Some(node),
            "call_expression" => parent.child_by_field_name("function") == Some(node),
            "await_expression" | "try_expression" | "generic_function" => true,
            _ => false,
        };
        if !goes_on {
            break;
        }
        at = above;
    }
    let chain = Span::from(path[at]);
    let text = code.text(chain);
    let margin = indent(code.source, chain.start);
    let newline = if code.source.contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let broken = |dot: usize| Edit::insert(dot, format!("{newline}{margin}    "));
    let is_root = changed.start == chain.start;
    if text.contains('\n') {
        // A short root has the first call on its line; it is none any more.
        let next = &code.source[changed.end..chain.end];
        let grows = is_root && changed.len() <= 4 && next.starts_with('.');
        return grows.then(|| broken(changed.end)).into_iter().collect();
    }
    if text.len() > CHAIN || text.len() + growth <= CHAIN {
        return Vec::new();
    }
    let mut dots = Vec::new();
    let mut node = path[at];
    // Inwards from call to call; what remains is the root.
    loop {
        let inner = match node.kind() {
            "field_expression" => node.child_by_field_name("value"),
            "call_expression" | "generic_function" => node.child_by_field_name("function"),
            "await_expression" | "try_expression" => children(node).into_iter().next(),
            _ => None,
        };
        let Some(inner) = inner else { break };
        if matches!(node.kind(), "field_expression" | "await_expression") {
            dots.push(inner.end_byte());
        }
        if matches!(inner.kind(), "scoped_identifier" | "identifier" | "self") {
            node = inner;
            break;
        }
        node = inner;
    }
    let root_is_short = !is_root
        && dots
            .last()
            .is_some_and(|first| first - chain.start <= 4 && node.end_byte() == *first);
    if root_is_short {
        dots.pop();
    }
    dots.into_iter().map(broken).collect()
}
