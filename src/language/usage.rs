//! How the value of a name is used where it stands, and what control flow does around it, in terms that fit every language.

use crate::language::expression::Argument;
use crate::source::Span;

/// What the surroundings do with the value of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// A method of it is called.
    MethodCall(MethodCall),
    /// An attribute of it is read, not called.
    AttributeRead {
        /// The attribute.
        name: String,
    },
    /// An attribute of it is set.
    AttributeWrite {
        /// The attribute.
        name: String,
    },
    /// It is called itself.
    Called,
    /// It is passed as an argument.
    Argument {
        /// The call.
        call: Span,
        /// What is called.
        callee: Span,
    },
    /// It is returned.
    Returned,
    /// It is yielded.
    Yielded,
    /// It gets a further name.
    Aliased,
    /// It is put into an attribute, an element or a container.
    Stored,
    /// Its truth, identity or type is looked at.
    Tested,
    /// It is deleted.
    Deleted,
    /// It is put into a text.
    Interpolated,
    /// It is awaited.
    Awaited,
    /// It is the subject of a `with`.
    Entered,
    /// Something else.
    Other,
}

/// A call of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodCall {
    /// The method.
    pub method: String,
    /// `object.method`
    pub callee: Span,
    /// `object.method(…)`
    pub call: Span,
    /// With `await`, where there is one.
    pub whole: Span,
    /// The arguments.
    pub arguments: Vec<Argument>,
    /// What is done with the coroutine or object that it gives.
    pub manner: Manner,
}

/// What is done with the result of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It is awaited at once.
    Awaited,
    /// It is the subject of a `with`.
    Entered,
    /// It is iterated by a loop.
    Iterated,
    /// It is used as it is.
    Plain,
}

/// A place where exceptions are caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catch {
    /// The whole statement.
    pub span: Span,
    /// The body whose exceptions are caught.
    pub body: Span,
    /// Whether exceptions end here; otherwise code of the statement only runs on their way out (`finally`).
    pub handles: bool,
    /// Whether execution can go on behind the statement after an exception.
    pub falls_through: bool,
    /// Whether a handler jumps to the next round of a loop.
    pub continues: bool,
    /// The bodies of the handlers; none where there is no code that handles.
    pub handlers: Vec<Span>,
    /// The last part of the name of each type of exception that is caught; `None` where every exception is.
    pub types: Option<Vec<String>>,
}

/// An expression or statement that raises an exception for values which do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallible {
    /// Where; of an unpacking, the value that is unpacked.
    pub span: Span,
    /// What it does.
    pub risk: Risk,
}

/// What can go wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// What is looked up may not be there.
    Lookup,
    /// A divisor may be nought.
    Division,
    /// A text may be of another form, a collection may be empty, what is taken out may not be in it.
    Conversion,
    /// It may have more or fewer parts than the names that they get.
    Unpacking(usize),
    /// What is called with arguments that are only known at run time may not take them.
    Arguments,
    /// A module may not be there, or fail when it is loaded.
    Import,
}

/// A value that is awaited again and again without an `await`: the iterable of an asynchronous loop, the resource of an asynchronous block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Implied {
    /// The value.
    pub value: Span,
    /// The loop or block, at whose end it is awaited, too.
    pub whole: Span,
    /// Whether it is a resource, which has a body of its own.
    pub is_resource: bool,
}

/// What a conditional statement does when a name has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// `if not x: raise …`, and nothing else.
    RaiseIfMissing,
    /// `if not x: return …`, and nothing else.
    ReturnIfMissing,
    /// `if x:` without an alternative.
    OnlyIfPresent,
}

/// A statement that runs some code however its body ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleanup {
    /// What stands before the body: `try:`.
    pub header: Span,
    /// The body.
    pub body: Span,
    /// The clause that always runs, its keyword included.
    pub clause: Span,
    /// The statements of that clause.
    pub statements: Vec<Span>,
    /// Whether the statement does more: it catches exceptions, or runs code where there is none.
    pub handles: bool,
}

/// A single awaited call that comes to run on a connection of its own.
#[derive(Debug, Clone, Copy)]
pub struct Lending<'a> {
    /// The call, with its `await`.
    pub whole: Span,
    /// What it runs on.
    pub executor: Span,
    /// The call that opens the connection.
    pub scope: &'a str,
    /// The connection's name.
    pub name: &'a str,
    /// A name for the value of the call, where it needs one.
    pub value: &'a str,
}

/// A resource that is open while a body runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entered {
    /// The expression that gives the resource.
    pub resource: Span,
    /// The whole statement.
    pub span: Span,
    /// The body.
    pub body: Span,
}

/// A statement that runs its body under a condition, and nothing otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// The condition.
    pub condition: Span,
    /// The body.
    pub body: Span,
}
