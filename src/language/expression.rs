//! Expressions and the outline of a file, in terms that fit every language.
//!
//! Only as much of an expression as following a value needs; what does not matter is [`Expression::Other`].

use crate::language::{Name, ScopeId};
use crate::source::Span;

/// One argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// By position.
    Positional(Span),
    /// By name.
    Keyword {
        /// The name.
        name: String,
        /// The value.
        value: Span,
    },
    /// `*values`
    Spread(Span),
    /// `**values`
    KeywordSpread(Span),
}

impl Argument {
    /// The value's expression.
    pub fn value(&self) -> Span {
        match self {
            Self::Positional(span)
            | Self::Keyword { value: span, .. }
            | Self::Spread(span)
            | Self::KeywordSpread(span) => *span,
        }
    }
}

/// The outermost form of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A name.
    Name(String),
    /// `object.name`
    Attribute {
        /// Before the dot.
        object: Span,
        /// Behind it.
        name: String,
    },
    /// A call.
    Call {
        /// What is called.
        callee: Span,
        /// With what.
        arguments: Vec<Argument>,
    },
    /// `await value`, `(value)`, `name := value`: the same value.
    Same(Span),
    /// One of several: a conditional expression, `a or b`.
    Either(Vec<Span>),
    /// No value: `None`.
    Null,
    /// A mapping display: its entries with literal keys, and whether these are all.
    Mapping {
        /// Literal key → value.
        entries: Vec<(String, Span)>,
        /// Whether there are no others.
        complete: bool,
    },
    /// `object[key]` with a literal key.
    Index {
        /// Before the bracket.
        object: Span,
        /// The key.
        key: String,
    },
    /// A literal of a type that is no object: number, text, truth value.
    Literal,
    /// Anything else.
    Other,
}

/// A call, by the last part of what is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite {
    /// The last part of the callee's name: `c` of `a.b.c(…)`.
    pub name: Name,
    /// The callee.
    pub callee: Span,
    /// The whole call.
    pub span: Span,
    /// The scope it stands in.
    pub scope: ScopeId,
}

/// An assignment to an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeWrite {
    /// The object's expression.
    pub object: Span,
    /// The attribute.
    pub name: Name,
    /// The value as a whole; `None` for a part of a pattern, an augmented assignment or a deletion.
    pub value: Option<Span>,
    /// The scope it stands in.
    pub scope: ScopeId,
    /// The statement.
    pub statement: Span,
}

/// Setting or deleting an element of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementWrite {
    /// The variable's name where it stands.
    pub name: Span,
    /// The statement.
    pub statement: Span,
}

/// Reading an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeRead {
    /// The object's expression.
    pub object: Span,
    /// The attribute.
    pub name: Name,
    /// The whole expression `object.name`.
    pub span: Span,
    /// The scope it stands in.
    pub scope: ScopeId,
}

/// What a function gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// The value; `None` for a bare `return`.
    pub value: Option<Span>,
    /// The function's scope.
    pub scope: ScopeId,
    /// Whether it yields rather than returns.
    pub yields: bool,
}

/// The calls, attribute accesses and returns of a file, in source order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// All calls.
    pub calls: Vec<CallSite>,
    /// All assignments to attributes.
    pub writes: Vec<AttributeWrite>,
    /// All places where an element of an attribute is set or deleted: `object.name[key] = …`.
    pub items: Vec<AttributeWrite>,
    /// All places where an element of a variable is set or deleted: `name[key] = …`.
    pub elements: Vec<ElementWrite>,
    /// All reads of attributes.
    pub reads: Vec<AttributeRead>,
    /// All returns and yields.
    pub returns: Vec<Return>,
}

impl Outline {
    /// Takes no more room than what was collected needs.
    pub(super) fn fitted(mut self) -> Self {
        self.calls.shrink_to_fit();
        self.writes.shrink_to_fit();
        self.elements.shrink_to_fit();
        self.reads.shrink_to_fit();
        self.returns.shrink_to_fit();
        self
    }
}
