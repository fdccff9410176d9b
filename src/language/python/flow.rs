//! Which statements are surely executed before which, and how a body can be left: what proofs about rewrites stand on.
//!
//! Everything is conservative: `true` is proven, `false` is "not shown".

use tree_sitter::Node;

use super::PythonFile;
use super::nodes::{
    begins_with, children, expression_at, is_comprehension, is_function, is_statement, node_at,
    path, unparenthesised,
};
use crate::source::Span;

/// How deep the questions about nested statements look; below it nothing is shown.
const MAX_LEVELS: usize = 100;

/// The innermost statement around `span`. A decorated definition is one statement with its decorators.
pub fn statement_of(file: &PythonFile<'_>, span: Span) -> Option<Span> {
    let path = path(file.tree, span);
    let at = path.iter().rposition(|node| is_statement(node.kind()))?;
    let decorated = at
        .checked_sub(1)
        .is_some_and(|above| path[above].kind() == "decorated_definition");
    Some(path[at - usize::from(decorated)].into())
}

/// The block (or the module) that the statement stands in.
pub fn block_of(file: &PythonFile<'_>, statement: Span) -> Option<Span> {
    let path = path(file.tree, statement);
    let at = path
        .iter()
        .position(|node| is_statement(node.kind()) && Span::from(*node) == statement)?;
    Some(path.get(at.checked_sub(1)?)?.to_owned().into())
}

/// The statements of a block or of the module, in order; comments are none.
pub fn statements_in(file: &PythonFile<'_>, block: Span) -> Vec<Span> {
    let root = file.tree.root_node();
    let node = if Span::from(root) == block || block == Span::new(0, file.source.len()) {
        Some(root)
    } else {
        node_at(file.tree, block, |kind| kind == "block")
    };
    node.map(statements)
        .unwrap_or_default()
        .into_iter()
        .map(Span::from)
        .collect()
}

/// The statement that follows in the same block.
pub fn next_statement(file: &PythonFile<'_>, statement: Span) -> Option<Span> {
    siblings(file, statement)?
        .into_iter()
        .find(|other| other.start >= statement.end)
}

/// The statement before it in the same block.
pub fn previous_statement(file: &PythonFile<'_>, statement: Span) -> Option<Span> {
    siblings(file, statement)?
        .into_iter()
        .rev()
        .find(|other| other.end <= statement.start)
}

fn siblings(file: &PythonFile<'_>, statement: Span) -> Option<Vec<Span>> {
    Some(statements_in(file, block_of(file, statement)?))
}

fn statements(block: Node<'_>) -> Vec<Node<'_>> {
    children(block)
        .into_iter()
        .filter(|child| is_statement(child.kind()))
        .collect()
}

fn is_block(node: Node<'_>) -> bool {
    matches!(node.kind(), "block" | "module")
}

/// Whether the bindings of `binding_statement` are made on every path that reaches `site`, both in one function.
///
/// A statement that binds in one branch or in a loop body does not dominate what follows, except where every other branch leaves. Of a
/// `with`, `for` or `if` only the names that its header surely binds count: the targets of `as`, the target of the loop inside of its body, a
/// `:=` that is evaluated first.
pub fn dominates(file: &PythonFile<'_>, binding_statement: Span, site: Span) -> bool {
    let to_site = path(file.tree, site);
    let to_binding = path(file.tree, binding_statement);
    let Some(statement) = to_binding.iter().position(|node| {
        Span::from(*node) == binding_statement
            && (is_statement(node.kind()) || is_function(node.kind()))
    }) else {
        return false;
    };
    let common = to_site
        .iter()
        .zip(&to_binding[..=statement])
        .take_while(|(one, other)| one == other)
        .count();
    let runs_later = |from: usize| to_site[from..].iter().any(|node| is_function(node.kind()));
    if common > statement {
        // The site is inside of the binding statement itself.
        return inside(&to_site[statement..]) && !runs_later(statement + 1);
    }
    let Some(block) = common.checked_sub(1) else {
        return false;
    };
    let (Some(before), Some(after)) = (to_binding.get(common), to_site.get(common)) else {
        return false;
    };
    is_block(to_site[block])
        && before.end_byte() <= after.start_byte()
        && !runs_later(common)
        && completed(&to_binding[common..=statement])
}

/// Whether a site inside of a statement runs after what its header binds. `path` leads from the statement to the site.
fn inside(path: &[Node<'_>]) -> bool {
    let (Some(statement), Some(part)) = (path.first(), path.get(1)) else {
        return false;
    };
    let is = |field: &str| statement.child_by_field_name(field) == Some(*part);
    match statement.kind() {
        "with_statement" | "for_statement" | "function_definition" | "lambda" => is("body"),
        "if_statement" => !is("condition") && binds_first(*statement),
        "while_statement" => is("body") && binds_first(*statement),
        _ => false,
    }
}

/// Whether what the last statement of `path` binds is bound when its first one is done. `path` leads from the one to the other.
fn completed(path: &[Node<'_>]) -> bool {
    let Some(binding) = path.last() else {
        return false;
    };
    let by_header = match binding.kind() {
        "for_statement" | "try_statement" | "match_statement" | "lambda" => false,
        "if_statement" | "while_statement" => binds_first(*binding),
        _ => true,
    };
    by_header
        && path.windows(2).all(|pair| match pair {
            [outer, inner] => !is_statement(outer.kind()) || always_taken(*outer, *inner),
            _ => false,
        })
}

/// Whether control that leaves `statement` at its end has gone through `part` of it.
fn always_taken(statement: Node<'_>, part: Node<'_>) -> bool {
    let others_leave = |kinds: &[&str]| {
        children(statement)
            .into_iter()
            .filter(|child| *child != part && kinds.contains(&child.kind()))
            .all(|child| own_block(child).is_some_and(|block| leaves(block, MAX_LEVELS)))
    };
    match statement.kind() {
        "decorated_definition" => true,
        "try_statement" => match part.kind() {
            "finally_clause" => true,
            "block" | "else_clause" => others_leave(&["except_clause"]),
            _ => false,
        },
        "if_statement" => {
            let has_else = children(statement)
                .iter()
                .any(|child| child.kind() == "else_clause");
            has_else && others_leave(&["block", "elif_clause", "else_clause"])
        }
        _ => false,
    }
}

/// The block of a clause; a block is its own.
fn own_block(clause: Node<'_>) -> Option<Node<'_>> {
    if clause.kind() == "block" {
        return Some(clause);
    }
    ["body", "consequence"]
        .iter()
        .find_map(|field| clause.child_by_field_name(field))
        .or_else(|| {
            children(clause)
                .into_iter()
                .find(|child| child.kind() == "block")
        })
}

/// Whether the condition evaluates a `:=` whatever its outcome.
fn binds_first(statement: Node<'_>) -> bool {
    let Some(mut node) = statement.child_by_field_name("condition") else {
        return false;
    };
    loop {
        node = unparenthesised(node);
        let next = match node.kind() {
            "named_expression" => return true,
            "not_operator" => node.child_by_field_name("argument"),
            "boolean_operator" => node.child_by_field_name("left"),
            "comparison_operator" => node.named_child(0),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return false,
        }
    }
}

/// A way to leave a body before its end, or to pause in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitKind {
    /// `return`
    Return,
    /// `raise`
    Raise,
    /// `break` out of a loop around the body
    Break,
    /// `continue` of a loop around the body
    Continue,
    /// `yield`
    Yield,
    /// `await`, `async with`, `async for`
    Await,
}

/// One place where a body is left or paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How.
    pub kind: ExitKind,
    /// The statement or expression.
    pub span: Span,
}

/// Where `body` can be left early or paused, in source order; nested functions and lambdas are not part of it.
pub fn exits(file: &PythonFile<'_>, body: Span) -> Vec<Exit> {
    let mut found = Vec::new();
    let mut work: Vec<_> = path(file.tree, body)
        .last()
        .map(|root| (*root, false))
        .into_iter()
        .collect();
    while let Some((node, in_loop)) = work.pop() {
        if is_function(node.kind()) && body.contains(node.into()) {
            continue;
        }
        let is_async = begins_with(node, "async");
        let kind = match node.kind() {
            "return_statement" => Some(ExitKind::Return),
            "raise_statement" => Some(ExitKind::Raise),
            "break_statement" if !in_loop => Some(ExitKind::Break),
            "continue_statement" if !in_loop => Some(ExitKind::Continue),
            "yield" => Some(ExitKind::Yield),
            "await" => Some(ExitKind::Await),
            "with_statement" | "for_statement" | "for_in_clause" if is_async => {
                Some(ExitKind::Await)
            }
            _ => None,
        };
        let span = Span::from(node);
        if let (Some(kind), true) = (kind, body.contains(span)) {
            found.push(Exit { kind, span });
        }
        let is_loop = matches!(node.kind(), "for_statement" | "while_statement")
            && body.contains(node.into());
        for child in children(node) {
            if body.overlaps(child.into()) {
                // `break` in the `else` of a loop belongs to the loop around it.
                let own = is_loop && child.kind() != "else_clause";
                work.push((child, in_loop || own));
            }
        }
    }
    found.sort_by_key(|exit| exit.span);
    found
}

/// The outermost node with this span that is a body.
fn widest<'t>(file: &PythonFile<'t>, body: Span) -> Option<Node<'t>> {
    node_at(file.tree, body, is_body).or_else(|| expression_at(file.tree, body))
}

fn is_body(kind: &str) -> bool {
    kind == "block" || kind == "module" || is_statement(kind)
}

/// Whether `body` never runs to its end: every path returns, raises, breaks or continues.
pub fn always_leaves(file: &PythonFile<'_>, body: Span) -> bool {
    widest(file, body).is_some_and(|node| {
        if is_block(node) {
            leaves(node, MAX_LEVELS)
        } else {
            statement_leaves(node, MAX_LEVELS)
        }
    })
}

fn leaves(block: Node<'_>, levels: usize) -> bool {
    let statements = statements(block);
    statements
        .iter()
        .any(|statement| statement_leaves(*statement, levels))
}

pub(super) fn statement_leaves(statement: Node<'_>, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else {
        return false;
    };
    let clause_leaves =
        |clause: &Node<'_>| own_block(*clause).is_some_and(|block| leaves(block, levels));
    match statement.kind() {
        "return_statement" | "raise_statement" | "break_statement" | "continue_statement" => true,
        "if_statement" => {
            let parts = children(statement);
            parts.iter().any(|part| part.kind() == "else_clause")
                && parts
                    .iter()
                    .filter(|part| matches!(part.kind(), "block" | "elif_clause" | "else_clause"))
                    .all(clause_leaves)
        }
        "try_statement" => {
            let parts = children(statement);
            let of = |kinds: &'static [&'static str]| {
                parts
                    .iter()
                    .filter(move |part| kinds.contains(&part.kind()))
            };
            of(&["finally_clause"]).any(clause_leaves)
                || of(&["block", "else_clause"]).any(clause_leaves)
                    && of(&["except_clause"]).all(clause_leaves)
        }
        _ => false,
    }
}

/// What a loop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopKind {
    /// `for`
    For,
    /// `async for`
    AsyncFor,
    /// `while`
    While,
    /// A comprehension or generator expression.
    Comprehension,
}

/// A loop around a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loop {
    /// What it is.
    pub kind: LoopKind,
    /// The whole statement or expression.
    pub span: Span,
}

/// The innermost loop of the same function that executes `site` again and again.
pub fn enclosing_loop(file: &PythonFile<'_>, site: Span) -> Option<Loop> {
    let path = path(file.tree, site);
    let function = path
        .iter()
        .rposition(|node| is_function(node.kind()) && Span::from(*node) != site);
    let inside = &path[function.unwrap_or(0)..];
    inside.windows(2).enumerate().rev().find_map(|(at, pair)| {
        let [node, part] = pair else { return None };
        let is = |field: &str| node.child_by_field_name(field) == Some(*part);
        let kind = match node.kind() {
            "for_statement" if is("body") || is("left") => {
                if begins_with(*node, "async") {
                    LoopKind::AsyncFor
                } else {
                    LoopKind::For
                }
            }
            "while_statement" if is("body") || is("condition") => LoopKind::While,
            kind if is_comprehension(kind) => {
                // The first iterable is evaluated once.
                let first = children(*node)
                    .into_iter()
                    .find(|child| child.kind() == "for_in_clause");
                let iterable = inside.get(at + 2).copied();
                let once = first == Some(*part)
                    && iterable.is_some()
                    && first.and_then(|first| first.child_by_field_name("right")) == iterable;
                if once {
                    return None;
                }
                LoopKind::Comprehension
            }
            _ => return None,
        };
        Some(Loop {
            kind,
            span: (*node).into(),
        })
    })
}

/// One `except` of a `try`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handler {
    /// The whole clause.
    pub span: Span,
    /// The exceptions it takes; empty for a bare `except:`.
    pub types: Vec<Span>,
    /// Its block.
    pub body: Span,
    /// Whether every path through it raises.
    pub always_raises: bool,
    /// Whether every path through it raises, returns, breaks or continues.
    pub always_leaves: bool,
}

/// A `try` around a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The whole statement.
    pub span: Span,
    /// Its body.
    pub body: Span,
    /// Its handlers, in order.
    pub handlers: Vec<Handler>,
    /// The block of its `finally`.
    pub finally: Option<Span>,
}

/// The `try` statements of the same function whose body holds `site`, innermost first.
pub fn tries_around(file: &PythonFile<'_>, site: Span) -> Vec<Try> {
    let path = path(file.tree, site);
    let mut found = Vec::new();
    for pair in path.windows(2).rev() {
        let [node, part] = pair else { continue };
        if is_function(node.kind()) && Span::from(*node) != site {
            break;
        }
        let body = node.child_by_field_name("body");
        if node.kind() == "try_statement" && body == Some(*part) {
            found.push(describe(*node, *part));
        }
    }
    found
}

/// The `try` statement with this span.
pub fn try_at(file: &PythonFile<'_>, statement: Span) -> Option<Try> {
    let node = node_at(file.tree, statement, |kind| kind == "try_statement")?;
    Some(describe(node, node.child_by_field_name("body")?))
}

fn describe(statement: Node<'_>, body: Node<'_>) -> Try {
    let parts = children(statement);
    let clauses = |kind: &'static str| parts.iter().filter(move |part| part.kind() == kind);
    Try {
        span: statement.into(),
        body: body.into(),
        handlers: clauses("except_clause")
            .filter_map(|clause| handler(*clause))
            .collect(),
        finally: clauses("finally_clause")
            .find_map(|clause| own_block(*clause))
            .map(Span::from),
    }
}

fn handler(clause: Node<'_>) -> Option<Handler> {
    let block = own_block(clause)?;
    let always_leaves = leaves(block, MAX_LEVELS);
    Some(Handler {
        span: clause.into(),
        types: handled(clause),
        body: block.into(),
        always_raises: always_leaves && !has_other_exit(block),
        always_leaves,
    })
}

/// The exceptions that an `except` takes, a tuple one by one.
fn handled(clause: Node<'_>) -> Vec<Span> {
    let mut cursor = clause.walk();
    let mut types = Vec::new();
    for value in clause.children_by_field_name("value", &mut cursor) {
        let value = match value.kind() {
            "as_pattern" => value.named_child(0).unwrap_or(value),
            _ => value,
        };
        let value = unparenthesised(value);
        if value.kind() == "tuple" {
            types.extend(children(value).into_iter().map(Span::from));
        } else {
            types.push(value.into());
        }
    }
    types
}

/// Whether a block holds a `return`, or a `break` or `continue` of a loop around it.
fn has_other_exit(block: Node<'_>) -> bool {
    let mut work = vec![(block, false)];
    while let Some((node, in_loop)) = work.pop() {
        match node.kind() {
            "return_statement" => return true,
            "break_statement" | "continue_statement" if !in_loop => return true,
            _ => {}
        }
        let is_loop = matches!(node.kind(), "for_statement" | "while_statement");
        work.extend(
            children(node)
                .into_iter()
                .filter(|child| !is_function(child.kind()))
                .map(|child| (child, in_loop || is_loop && child.kind() != "else_clause")),
        );
    }
    false
}

/// What a test of a name guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardKind {
    /// `if not x: raise …`
    RaiseIfMissing,
    /// `if x is None: return …`
    ReturnIfMissing,
    /// `if x: …`
    BranchIfPresent,
}

/// A statement that only asks whether a name has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// What it guards.
    pub kind: GuardKind,
    /// The `if` statement.
    pub statement: Span,
    /// The block of the `if`.
    pub body: Span,
    /// Whether `elif` or `else` follows.
    pub has_alternative: bool,
}

/// The guard whose condition is nothing but a test of the name at `reference`.
pub fn guard(file: &PythonFile<'_>, reference: Span) -> Option<Guard> {
    let statement = statement_of(file, reference)?;
    let node = node_at(file.tree, statement, |kind| kind == "if_statement")?;
    let (name, present) = tested(node.child_by_field_name("condition")?)?;
    if Span::from(name) != reference {
        return None;
    }
    let body = node.child_by_field_name("consequence")?;
    let has_alternative = node.child_by_field_name("alternative").is_some();
    let kind = if present {
        GuardKind::BranchIfPresent
    } else {
        match statements(body).last()?.kind() {
            "raise_statement" if !has_other_exit(body) => GuardKind::RaiseIfMissing,
            "return_statement" => GuardKind::ReturnIfMissing,
            _ => return None,
        }
    };
    Some(Guard {
        kind,
        statement,
        body: body.into(),
        has_alternative,
    })
}

/// The guard of `name` that directly follows `statement`.
pub fn guard_after(file: &PythonFile<'_>, statement: Span, name: &str) -> Option<Guard> {
    let next = next_statement(file, statement)?;
    let node = node_at(file.tree, next, |kind| kind == "if_statement")?;
    let (tested, _) = tested(node.child_by_field_name("condition")?)?;
    if file.text(tested.into()) != name {
        return None;
    }
    guard(file, tested.into())
}

/// The name that a condition asks for, and whether it holds when the name has a value.
fn tested(condition: Node<'_>) -> Option<(Node<'_>, bool)> {
    let mut node = unparenthesised(condition);
    let mut present = true;
    while node.kind() == "not_operator" {
        present = !present;
        node = unparenthesised(node.child_by_field_name("argument")?);
    }
    if node.kind() == "comparison_operator" {
        let [left, right] = children(node)[..] else {
            return None;
        };
        if right.kind() != "none" {
            return None;
        }
        let mut cursor = node.walk();
        let operator = node
            .children_by_field_name("operators", &mut cursor)
            .next()?;
        match operator.kind() {
            "is" | "==" => present = !present,
            "is not" | "!=" => {}
            _ => return None,
        }
        node = unparenthesised(left);
    }
    (node.kind() == "identifier").then_some((node, present))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::python::tests::Fixture;

    /// Whether the statement between `«` and `»` dominates the name `site`.
    fn dominated(marked: &str) -> bool {
        let (fixture, span) = Fixture::marked(marked);
        dominates(&fixture.file(), span, fixture.find("site"))
    }

    #[test]
    fn an_earlier_statement_of_the_block_dominates() {
        for source in [
            "«x = 1»\nsite\n",
            "«x = 1»; site\n",
            "def f():\n    «x = 1»\n    if a:\n        for b in c:\n            site\n",
            "def f():\n    async with a:\n        «x = 1»\n        site\n",
            "for a in b:\n    «x = 1»\n    site\n",
            "try:\n    «x = 1»\n    site\nfinally:\n    pass\n",
            "«import x»\nsite\n",
            "«x = 1»\n[y for y in z if site]\n",
            "«with a as x:\n    pass»\nsite\n",
            "«@d\ndef f(): pass»\nsite\n",
        ] {
            assert!(dominated(source), "{source}");
        }
    }

    #[test]
    fn what_a_header_binds_dominates_its_body() {
        for source in [
            "«with a as x:\n    site»\n",
            "«for x in a:\n    site»\n",
            "«def f(x):\n    site»\n",
            "«if (x := f()):\n    site»\n",
            "«if (x := f()) is not None and y:\n    pass\nelse:\n    site»\n",
            "«while x := f():\n    site»\n",
            "«if not (x := f()):\n    pass»\nsite\n",
        ] {
            assert!(dominated(source), "{source}");
        }
    }

    #[test]
    fn a_branch_dominates_where_the_others_leave() {
        for source in [
            "try:\n    «x = 1»\nexcept E:\n    raise\nsite\n",
            "def f():\n    try:\n        «x = 1»\n    except E:\n        if a: return\n        else: raise B\n    site\n",
            "def f():\n    if a:\n        «x = 1»\n    else:\n        return\n    site\n",
            "try:\n    pass\nfinally:\n    «x = 1»\nsite\n",
        ] {
            assert!(dominated(source), "{source}");
        }
    }

    #[test]
    fn what_may_not_have_run_does_not_dominate() {
        for source in [
            "site\n«x = 1»\n",
            "if a:\n    «x = 1»\nsite\n",
            "if a:\n    «x = 1»\nelse:\n    site\n",
            "if a:\n    «x = 1»\nelse:\n    b\nsite\n",
            "if a:\n    «x = 1»\nelif b:\n    raise\nsite\n",
            "for a in b:\n    «x = 1»\nsite\n",
            "while a:\n    «x = 1»\nsite\n",
            "«for x in a:\n    pass»\nsite\n",
            "«for x in site:\n    pass»\n",
            "with a:\n    «x = 1»\nsite\n",
            "try:\n    «x = 1»\nexcept E:\n    site\n",
            "try:\n    «x = 1»\nexcept E:\n    pass\nsite\n",
            "try:\n    pass\nexcept E:\n    «x = 1»\nsite\n",
            "match a:\n    case b:\n        «x = 1»\nsite\n",
            "«x = 1»\ndef f():\n    site\n",
            "«x = 1»\ny = lambda: site\n",
            "def f():\n    «x = 1»\nsite\n",
            "«if a and (x := f()):\n    site»\n",
            "«x = site»\n",
        ] {
            assert!(!dominated(source), "{source}");
        }
    }

    fn kinds(marked: &str) -> Vec<ExitKind> {
        let (fixture, span) = Fixture::marked(marked);
        exits(&fixture.file(), span)
            .into_iter()
            .map(|exit| exit.kind)
            .collect()
    }

    #[test]
    fn exits_of_a_body_are_found() {
        use ExitKind::{Await, Break, Continue, Raise, Return, Yield};
        assert_eq!(
            kinds("async def f():\n    «if a: return 1\n    await b\n    yield c\n    raise d»\n"),
            [Return, Await, Yield, Raise]
        );
        assert_eq!(
            kinds("while a:\n    «if b: break\n    continue»\n"),
            [Break, Continue]
        );
        assert_eq!(
            kinds("while a:\n    «for b in c:\n        break\n    else:\n        continue»\n"),
            [Continue]
        );
        assert_eq!(kinds("«def f():\n    return 1\ng = lambda: (yield)»\n"), []);
        assert_eq!(
            kinds("«async with a:\n    async for b in c: pass\nx = [d async for d in e]»\n"),
            [Await, Await, Await]
        );
    }

    #[test]
    fn a_body_that_never_ends_by_itself_is_told() {
        for (body, expected) in [
            ("return", true),
            ("a; raise", true),
            ("if a: return\n    else: raise", true),
            ("if a: return\n    elif b: pass\n    else: raise", false),
            ("if a: return", false),
            ("try: return\n    except E: raise", true),
            ("try: return\n    except E: pass", false),
            ("try: pass\n    finally: return", true),
            ("with a: return", false),
            ("while a: return", false),
        ] {
            let (fixture, span) = Fixture::marked(&format!("def f():\n    «{body}»\n"));
            let block = fixture
                .file()
                .model
                .scopes
                .iter()
                .find(|scope| scope.name == "f")
                .map(|scope| scope.body);
            assert_eq!(block, Some(span));
            assert_eq!(always_leaves(&fixture.file(), span), expected, "{body}");
        }
    }

    fn loop_kind(marked: &str) -> Option<LoopKind> {
        let (fixture, span) = Fixture::marked(marked);
        enclosing_loop(&fixture.file(), span).map(|found| found.kind)
    }

    #[test]
    fn the_loop_around_a_site_is_found() {
        assert_eq!(
            loop_kind("for a in b:\n    if c: «d»\n"),
            Some(LoopKind::For)
        );
        assert_eq!(
            loop_kind("async def f():\n    async for a in b: «d»\n"),
            Some(LoopKind::AsyncFor)
        );
        assert_eq!(loop_kind("while «d»: pass\n"), Some(LoopKind::While));
        assert_eq!(loop_kind("for a in «d»: pass\n"), None);
        assert_eq!(loop_kind("for a in b: pass\nelse: «d»\n"), None);
        assert_eq!(loop_kind("for a in b:\n    def f(): «d»\n"), None);
        assert_eq!(loop_kind("for a in b:\n    f = lambda: «d»\n"), None);
        assert_eq!(
            loop_kind("[«d» for a in b]\n"),
            Some(LoopKind::Comprehension)
        );
        assert_eq!(
            loop_kind("[a for a in b if «d»]\n"),
            Some(LoopKind::Comprehension)
        );
        assert_eq!(
            loop_kind("[a for b in c for a in «d»]\n"),
            Some(LoopKind::Comprehension)
        );
        assert_eq!(loop_kind("[a for a in «d».e()]\n"), None);
        assert_eq!(
            loop_kind("for x in y:\n    [a for a in «d»]\n"),
            Some(LoopKind::For)
        );
    }

    #[test]
    fn the_handlers_around_a_site_are_described() {
        let (fixture, span) = Fixture::marked(
            "def f():\n    try:\n        try:\n            «site»\n        except (A, B) as e:\n            log()\n            raise\n        \
             except C:\n            if a: return\n            raise\n        except:\n            pass\n    finally:\n        done()\n",
        );
        let file = fixture.file();
        let tries = tries_around(&file, span);
        assert_eq!(tries.len(), 2);
        let handlers: Vec<(Vec<&str>, bool, bool)> = tries[0]
            .handlers
            .iter()
            .map(|handler| {
                let types = handler.types.iter().map(|span| file.text(*span)).collect();
                (types, handler.always_raises, handler.always_leaves)
            })
            .collect();
        assert_eq!(
            handlers,
            [
                (vec!["A", "B"], true, true),
                (vec!["C"], false, true),
                (vec![], false, false),
            ]
        );
        assert!(tries[0].finally.is_none());
        assert_eq!(file.text(tries[1].finally.expect("has one")), "done()");
        assert!(tries_around(&file, tries[0].handlers[0].body).len() == 1);
        assert_eq!(try_at(&file, tries[0].span).as_ref(), Some(&tries[0]));
    }

    #[test]
    fn a_try_around_a_nested_function_is_not_around_its_body() {
        let (fixture, span) = Fixture::marked("try:\n    def f(): «site»\nexcept E: pass\n");
        assert!(tries_around(&fixture.file(), span).is_empty());
    }

    #[test]
    fn guards_are_recognised() {
        use GuardKind::{BranchIfPresent, RaiseIfMissing, ReturnIfMissing};
        for (guarded, expected) in [
            ("if not x:\n        raise E()", Some(RaiseIfMissing)),
            (
                "if x is None:\n        log()\n        raise E()",
                Some(RaiseIfMissing),
            ),
            ("if None is x:\n        raise E()", None),
            ("if x == None: return", Some(ReturnIfMissing)),
            ("if not (x): return []", Some(ReturnIfMissing)),
            ("if x:\n        y()", Some(BranchIfPresent)),
            ("if x is not None:\n        y()", Some(BranchIfPresent)),
            ("if not x:\n        y()", None),
            ("if not x:\n        if y: return\n        raise E", None),
            ("if not x or y:\n        raise E", None),
            ("if not y:\n        raise E", None),
            ("while not x:\n        raise E", None),
        ] {
            let source =
                format!("def f():\n    «x = g()»  # comment\n    # comment\n    {guarded}\n");
            let (fixture, span) = Fixture::marked(&source);
            let found = guard_after(&fixture.file(), span, "x");
            assert_eq!(found.map(|guard| guard.kind), expected, "{source}");
        }
    }

    #[test]
    fn statements_and_blocks_are_found() {
        let (fixture, span) = Fixture::marked("@d\ndef f():\n    a; b(«c»)  # d\n\n    e\n");
        let file = fixture.file();
        let statement = statement_of(&file, span).expect("inside a statement");
        assert_eq!(file.text(statement), "b(c)");
        let block = block_of(&file, statement).expect("inside a block");
        let texts: Vec<&str> = statements_in(&file, block)
            .into_iter()
            .map(|span| file.text(span))
            .collect();
        assert_eq!(texts, ["a", "b(c)", "e"]);
        let next = next_statement(&file, statement).expect("one follows");
        assert_eq!(file.text(next), "e");
        let before = previous_statement(&file, statement).expect("one precedes");
        assert_eq!(file.text(before), "a");
        assert_eq!(next_statement(&file, next), None);
        let function = statement_of(&file, block).expect("inside the function");
        assert!(file.text(function).starts_with("@d"));
        assert_eq!(
            block_of(&file, function),
            Some(fixture.tree.root_node().into())
        );
    }
}
