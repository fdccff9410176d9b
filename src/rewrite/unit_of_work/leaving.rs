//! The ways out of a block between a change and what commits it or takes it back: returns, jumps, handlers.

use super::Work;
use crate::facts::errors;
use crate::language::usage::Catch;
use crate::source::Span;

/// What SQLAlchemy raises when the connection is lost, and what these errors are.
const LOSS: [&str; 6] = [
    "Exception",
    "BaseException",
    "SQLAlchemyError",
    "DBAPIError",
    "OperationalError",
    "InterfaceError",
];

impl Work<'_> {
    /// Where the block catches the loss of its connection and goes on: its transaction cannot be committed any more, which the scope does
    /// at its end ("Can't reconnect until invalid transaction is rolled back").
    pub(super) fn swallows_loss(&self) -> Option<String> {
        let file = self.subject.parsed();
        let ends = self.ends();
        let calls = self.connection.calls.iter().map(|call| call.call.call);
        let passed = self.connection.others.iter().map(|other| other.span);
        let uses: Vec<Span> = calls.chain(passed).collect();
        let catches = errors::catches(self.subject.world, self.subject.file, self.body);
        let swallowing = catches.into_iter().find(|catch| {
            let takes =
                |types: &Vec<String>| types.iter().any(|known| LOSS.contains(&known.as_str()));
            catch.types.as_ref().is_none_or(takes)
                && uses.iter().any(|used| catch.body.contains(*used))
                && errors::ends_in(file, catch)
                && !self.clears(catch, &ends)
        })?;
        Some(format!(
            "the loss of the server may be caught (line {}), and the scope's commit raises it",
            self.subject.line(swallowing.span)
        ))
    }

    /// The first place that leaves the block, or goes round a loop past `end`, with a change at `change` left where it is.
    ///
    /// In a loop of its own the change may have been made in the round before: what stands in front of it leaves it as well.
    pub(super) fn left_between(&self, change: Span, end: Span, ends: &[Span]) -> Option<Span> {
        let file = self.subject.parsed();
        let (language, code) = (&file.language, file.code());
        let start = match self.rounds(change, end) {
            Some(round) => round.start,
            None => change.end,
        };
        let region = |place: &Span| place.start >= start && place.end <= end.start;
        let returns = language.returns(code.clone(), self.body).into_iter();
        let jumps = language.jumps(code.clone(), self.body).into_iter();
        let passes_by = |jump: &Span| {
            let round = language.innermost_loop(code.clone(), *jump, self.body);
            // A loop around the block is none of it.
            round.is_none_or(|round| round.contains(end))
        };
        let mut leaving = returns.chain(jumps.filter(passes_by)).filter(region);
        leaving.find(|place| !self.is_settled(*place, ends))
    }

    /// The outermost loop of the block that runs the change again and again before it comes to the end.
    fn rounds(&self, change: Span, end: Span) -> Option<Span> {
        let file = self.subject.parsed();
        let mut found: Option<Span> = None;
        let mut inner = change;
        while let Some(round) = file
            .language
            .innermost_loop(file.code(), inner, self.body)
            .filter(|round| *round != inner && !round.contains(end))
        {
            found = Some(round);
            inner = round;
        }
        found
    }

    /// Whether each handler of a place that catches commits or takes back before anything leaves it, or lets the exception out.
    pub(super) fn clears(&self, catch: &Catch, ends: &[Span]) -> bool {
        let mut handlers = catch.handlers.iter();
        !catch.handlers.is_empty() && handlers.all(|handler| self.is_cleared(*handler, ends))
    }

    fn is_cleared(&self, handler: Span, ends: &[Span]) -> bool {
        let file = self.subject.parsed();
        let (language, code) = (&file.language, file.code());
        let statements = language.statements(code.clone(), handler);
        let raises = language.raises(code.clone(), handler);
        let end = statements.iter().find(|statement| ends.contains(statement));
        let until = match (end, statements.last()) {
            (Some(end), _) => end.start,
            (None, Some(last)) if raises.contains(last) => handler.end,
            _ => return false,
        };
        let leaves_handler = |jump: &Span| {
            let round = language.innermost_loop(code.clone(), *jump, handler);
            round.is_none()
        };
        let jumps = language.jumps(code.clone(), handler).into_iter();
        let returns = language.returns(code.clone(), handler).into_iter();
        let mut leaving = returns.chain(jumps.filter(leaves_handler));
        leaving.all(|place| place.start >= until || self.is_settled(place, ends))
    }

    /// Whether a statement right in front of `place`, in its block, commits or takes back.
    pub(super) fn is_settled(&self, place: Span, ends: &[Span]) -> bool {
        let file = self.subject.parsed();
        let siblings = file.language.siblings(file.code(), place);
        let mut before = siblings.iter().rev();
        let before = before.find(|sibling| sibling.end <= place.start);
        before.is_some_and(|before| ends.contains(before))
    }
}
