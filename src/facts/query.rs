//! The query that an expression gives, where queries are values: made of a text, given its parameters, and run on what it is handed.

use crate::language::expression::{Argument, Expression};
use crate::project::{FileId, ParsedFile, Project};
use crate::recipe::Driver;
use crate::source::Span;
use crate::sql;

/// How many calls and names a query is followed through.
const DEPTH: usize = 32;

/// A query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// What its text is; `None` where that is not seen.
    pub text: Option<Span>,
    /// Its parameters, as far as they are given one by one.
    pub given: Vec<Span>,
}

/// The query that the expression at `span` gives; `None` where nothing there makes one of a text.
pub fn of(project: &Project, driver: &Driver, id: FileId, span: Span) -> Option<Query> {
    let file = project.file(id);
    let mut span = span;
    let mut given: Vec<Span> = Vec::new();
    for _ in 0..DEPTH {
        match file.expression(span) {
            Expression::Same(inner) => span = inner,
            Expression::Literal => {
                given.reverse();
                let text = Some(span);
                return Some(Query { text, given });
            }
            Expression::Name(name) => {
                let owner = file.model.resolve(file.model.scope_at(span.start), &name)?;
                let mut bindings = file.model.bindings_of(owner, &name);
                let binding = bindings.next().filter(|_| bindings.next().is_none())?;
                span = binding.value?;
            }
            Expression::Call { callee, arguments } => {
                let (last, object) = match file.expression(callee) {
                    Expression::Attribute { object, name } => (name, Some(object)),
                    Expression::Name(name) => (name, None),
                    _ => return None,
                };
                let values = arguments.iter().map(Argument::value);
                if driver.query_makers.contains(&last) {
                    let values: Vec<Span> = values.collect();
                    let at = values.iter().position(|value| has_text(file, *value));
                    given.reverse();
                    // A macro is given the parameters behind the text.
                    given.extend(at.into_iter().flat_map(|at| &values[at + 1..]));
                    return Some(Query {
                        text: at.map(|at| values[at]),
                        given,
                    });
                }
                if last == "bind" {
                    given.extend(values);
                }
                span = object?;
            }
            _ => return None,
        }
    }
    None
}

/// Whether some part of the text that an expression gives is known.
fn has_text(file: &ParsedFile, span: Span) -> bool {
    let texts = file.language.texts(file.code(), span);
    let known = |part: &sql::Part| matches!(part, sql::Part::Literal(_));
    texts.iter().any(|text| text.parts.iter().any(known))
}
