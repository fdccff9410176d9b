//! tmp
use crate::edit::Edit;
use crate::source::Span;
use tree_sitter::Tree;
/// x
pub fn dedent(_s: &str, _t: &Tree, _b: Span, _h: Span) -> Option<Vec<Edit>> {
    None
}
/// x
pub fn indent(_s: &str, _t: &Tree, _b: Span, _u: &str) -> Option<Vec<Edit>> {
    None
}
/// x
pub fn indent_unit(_s: &str, _t: &Tree) -> String {
    "    ".into()
}
