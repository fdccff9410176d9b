//! The syntax tree of one statement.
//!
//! Built from the events of the PostgreSQL grammar into one flat vector: no node owns another, so neither walking nor dropping a deep
//! tree can exhaust the stack. The grammar itself recurses; statements that would take it too deep are refused before it starts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use squawk_parser::{EntryPoint, LexedStr, StrStep, SyntaxKind};

use super::lex::{Lexer, TokenKind};
use super::tokens::Tokens;
use crate::source::Span;

/// The longest statement that is parsed, in bytes. Longer ones are bulk data, whose tokens say enough.
const MAX_LENGTH: usize = 512 * 1024;

/// How deep the grammar may have to recurse. It overflows a thread's 2 MB of stack at some thousands.
const MAX_NESTING: usize = 250;

/// A node or a token of the tree, by its place in the vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(usize);

#[derive(Debug)]
struct Node {
    kind: SyntaxKind,
    span: Span,
    parent: usize,
    /// The place behind its last descendant; its first child, if any, stands right behind itself.
    end: usize,
}

/// The tree of one statement, without white space and comments.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Tree<'a> {
    /// The tree of the one statement `text`; nothing when the grammar refuses it or it is too much for it.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let tokens: Vec<_> = Lexer::new(text)
            .filter(|token| !token.is_comment())
            .collect();
        if nesting(Tokens::new(text, &tokens)) > MAX_NESTING {
            return None;
        }
        // A grammar of this size may still hold a path that panics; the input is then one that it does not take.
        catch_unwind(AssertUnwindSafe(|| build(text))).ok()?
    }

    /// The outermost node.
    pub(super) fn root() -> NodeId {
        NodeId(0)
    }

    /// The text of the statement, with white space and comments.
    pub(super) fn source(&self) -> &'a str {
        self.text
    }

    /// All nodes and tokens below and including `node`, parents before children.
    pub(super) fn subtree(&self, node: NodeId) -> impl Iterator<Item = NodeId> + use<'a> {
        (node.0..self.nodes[node.0].end).map(NodeId)
    }

    /// Its children.
    pub(super) fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let end = self.nodes[node.0].end;
        let mut next = node.0 + 1;
        std::iter::from_fn(move || {
            let child = (next < end).then_some(NodeId(next))?;
            next = self.nodes[next].end;
            Some(child)
        })
    }

    /// Its first child of the kind `kind`.
    pub(super) fn child(&self, node: NodeId, kind: SyntaxKind) -> Option<NodeId> {
        self.children(node).find(|&child| self.kind(child) == kind)
    }

    /// What it is.
    pub(super) fn kind(&self, node: NodeId) -> SyntaxKind {
        self.nodes[node.0].kind
    }

    /// The node around it.
    pub(super) fn parent(&self, node: NodeId) -> Option<NodeId> {
        (node.0 > 0).then(|| NodeId(self.nodes[node.0].parent))
    }

    /// Whether `inner` is `outer` or lies in it.
    pub(super) fn contains(&self, outer: NodeId, inner: NodeId) -> bool {
        (outer.0..self.nodes[outer.0].end).contains(&inner.0)
    }

    /// Where it stands.
    pub(super) fn span(&self, node: NodeId) -> Span {
        self.nodes[node.0].span
    }

    /// Its text.
    pub(super) fn text(&self, node: NodeId) -> &'a str {
        self.span(node).text(self.text)
    }
}

fn build(text: &str) -> Option<Tree<'_>> {
    let lexed = LexedStr::new(text);
    if lexed.errors().next().is_some() {
        return None;
    }
    let output = EntryPoint::SourceFile.parse(&lexed.to_input());
    let mut nodes: Vec<Node> = Vec::new();
    let (mut open, mut offset, mut failed) = (Vec::new(), 0, false);
    lexed.intersperse_trivia(&output, &mut |step| match step {
        StrStep::Token { kind, text } => {
            let span = Span::new(offset, offset + text.len());
            offset = span.end;
            if !kind.is_trivia() {
                let parent = open.last().copied().unwrap_or(0);
                let end = nodes.len() + 1;
                nodes.push(Node {
                    kind,
                    span,
                    parent,
                    end,
                });
            }
        }
        StrStep::Enter { kind } => {
            failed |= kind == SyntaxKind::ERROR;
            let parent = open.last().copied().unwrap_or(0);
            open.push(nodes.len());
            let (span, end) = (Span::at(offset), 0);
            nodes.push(Node {
                kind,
                span,
                parent,
                end,
            });
        }
        StrStep::Exit => {
            if let Some(node) = open.pop() {
                let end = nodes.len();
                let start = nodes.get(node + 1).map_or(offset, |first| first.span.start);
                let last = nodes[node..].last().map_or(offset, |last| last.span.end);
                nodes[node].end = end;
                nodes[node].span = Span::new(start, last.max(start));
            }
        }
        StrStep::Error { .. } => failed = true,
    });
    if failed || !open.is_empty() || nodes.is_empty() {
        return None;
    }
    let tree = Tree { text, nodes };
    (tree.children(Tree::root()).count() == 1).then_some(tree)
}

/// How deep the grammar may recurse on these tokens, from above.
///
/// Brackets and `CASE` nest until they are closed. Prefix operators, joins and set operations nest as far as the innermost bracket
/// goes. Everything else the grammar reads in loops.
fn nesting(tokens: Tokens<'_>) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let mut outer = Vec::new();
    for at in 0..tokens.len() {
        match tokens.kind(at) {
            Some(TokenKind::Symbol) => match tokens.text(at) {
                "(" | "[" => {
                    outer.push(depth);
                    depth += 1;
                }
                ")" | "]" => depth = outer.pop().unwrap_or(depth),
                "," => depth = outer.last().map_or(0, |depth| depth + 1),
                "." | ";" => {}
                _ => {
                    depth += usize::from(at == 0 || tokens.kind(at - 1) == Some(TokenKind::Symbol));
                }
            },
            Some(TokenKind::Word) if tokens.is_any(at, &RECURSIVE_WORDS) => depth += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The words behind which the grammar may call itself.
const RECURSIVE_WORDS: [&str; 10] = [
    "not",
    "case",
    "else",
    "join",
    "union",
    "except",
    "intersect",
    "select",
    "explain",
    "with",
];
