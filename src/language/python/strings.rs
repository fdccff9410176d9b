//! tmp
use crate::language::Code;
use crate::source::Span;
use crate::sql::SqlText;
/// x
pub struct StringValue {
    /// x
    pub alternatives: Vec<SqlText>,
}
/// x
pub fn evaluate(_c: Code<'_>, _s: Span) -> StringValue {
    StringValue {
        alternatives: vec![SqlText::unknown()],
    }
}
