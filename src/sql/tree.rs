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

/// How deep constructs may nest that take the grammar through many functions for each level.
const MAX_NESTING: usize = 250;

/// How many tokens may follow each other without a comma, in all open brackets together. Of a thread's 2 MB of stack the grammar has
/// been seen to take less than 500 bytes for each.
const MAX_RUN: usize = 2_000;

/// A node or a token of the tree, by its place in the vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
        if is_too_deep(Tokens::new(text, &tokens)) {
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

/// Whether the grammar may recurse deeper on these tokens than the stack allows.
///
/// Brackets nest until they are closed, and within them so do `CASE`, prefix operators, joins and set operations until the next comma.
/// What else may nest takes a token for each level, so the number of tokens that no comma ends bounds it.
fn is_too_deep(tokens: Tokens<'_>) -> bool {
    let mut depth = Depth::default();
    for at in 0..tokens.len() {
        match (tokens.kind(at), tokens.text(at)) {
            (Some(TokenKind::Symbol), "(" | "[") => depth.open(),
            (Some(TokenKind::Symbol), ")" | "]") => depth.close(),
            (Some(TokenKind::Symbol), ",") => depth.restart(),
            (Some(TokenKind::Symbol), symbol) => {
                let is_first = at == 0 || tokens.kind(at - 1) == Some(TokenKind::Symbol);
                depth.add(symbol != "." && is_first);
            }
            _ => depth.add(tokens.is_any(at, &NESTING_WORDS)),
        }
        if depth.nesting > MAX_NESTING || depth.run > MAX_RUN {
            return true;
        }
    }
    false
}

/// How deep the grammar may be by now.
#[derive(Debug, Default)]
struct Depth {
    nesting: usize,
    run: usize,
    /// What both were when each of the open brackets began.
    outer: Vec<(usize, usize)>,
}

impl Depth {
    fn add(&mut self, nests: bool) {
        self.nesting += usize::from(nests);
        self.run += 1;
    }

    fn open(&mut self) {
        self.outer.push((self.nesting, self.run));
        self.add(true);
    }

    fn close(&mut self) {
        if let Some((nesting, run)) = self.outer.pop() {
            (self.nesting, self.run) = (nesting, run + 1);
        }
    }

    /// A comma: what follows begins anew within the innermost bracket.
    fn restart(&mut self) {
        (self.nesting, self.run) = match self.outer.last() {
            Some((nesting, run)) => (nesting + 1, run + 1),
            None => (0, 0),
        };
    }
}

/// The words behind which the grammar calls itself.
const NESTING_WORDS: [&str; 10] = [
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
