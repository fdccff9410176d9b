//! Source text to tree, with the two things a tree does not say aloud: where its first error is, and that it nests too deep.
//!
//! Queries over a tree of more than some 65,500 levels silently find nothing, so depth is capped here, once, for all who follow.

use tree_sitter::{Node, Parser, Tree};

use crate::language::Language;
use crate::source::Span;

/// How many levels a tree may have. Code that people write stays under 200.
pub const MAX_DEPTH: usize = 2_000;

/// How many pairs of loose tokens the places that do not parse may hold. To search them takes that much time, and 200,000 brackets that
/// nobody closes would take a minute; ten thousand in a row are still searched.
const MAX_LOOSE: usize = 50_000_000;

/// A parsed text.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The tree.
    pub tree: Tree,
    /// The first region that does not parse, or the place where something is missing.
    pub errors: Option<Span>,
}

/// Why a text has no usable tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseProblem {
    /// It nests deeper than [`MAX_DEPTH`].
    #[error("nests more than {MAX_DEPTH} levels deep (byte {offset})")]
    TooDeep {
        /// Where the first node beyond the limit begins.
        offset: usize,
    },
    /// So much of it does not parse that a search takes too long.
    #[error("does not parse (byte {offset}), and is too broken to be searched")]
    TooBroken {
        /// Where the first place that does not parse begins.
        offset: usize,
    },
    /// The grammar does not fit the parser that this program was built with.
    #[error("the grammar of {language} does not load")]
    Grammar {
        /// The name of the language.
        language: &'static str,
    },
    /// The parser gave up.
    #[error("the parser gave up")]
    GaveUp,
}

/// Parses `source`. Broken syntax is no problem here: the tree tells where it is.
///
/// # Errors
/// When the tree could not be relied on.
pub fn parse(language: &dyn Language, source: &str) -> Result<Parsed, ParseProblem> {
    if let Some(offset) = language.unparsable(source) {
        return Err(ParseProblem::TooDeep { offset });
    }
    let tree = tree_of(language, source)?;
    if let Some(offset) = beyond(&tree, MAX_DEPTH) {
        return Err(ParseProblem::TooDeep { offset });
    }
    let errors = first_error(&tree);
    if let Some(error) = errors.filter(|_| is_littered(&tree)) {
        return Err(ParseProblem::TooBroken {
            offset: error.start,
        });
    }
    Ok(Parsed { tree, errors })
}

fn tree_of(language: &dyn Language, source: &str) -> Result<Tree, ParseProblem> {
    let mut parser = Parser::new();
    parser
        .set_language(&language.grammar())
        .map_err(|_| ParseProblem::Grammar {
            language: language.name(),
        })?;
    parser.parse(source, None).ok_or(ParseProblem::GaveUp)
}

/// The tree of a text that [`parse`] has given one for. A parse depends on nothing but the text, so it gives the same tree.
pub fn parse_again(language: &dyn Language, source: &str) -> Tree {
    match tree_of(language, source) {
        Ok(tree) => tree,
        Err(problem) => unreachable!("it had a tree before: {problem}"),
    }
}

/// Where the first node below `limit` levels begins.
fn beyond(tree: &Tree, limit: usize) -> Option<usize> {
    let mut cursor = tree.walk();
    let mut depth = 0;
    loop {
        if depth > limit {
            return Some(cursor.node().start_byte());
        }
        if cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return None;
            }
            depth -= 1;
        }
    }
}

/// Whether the places that do not parse hold more loose tokens than can be searched: for each of a row of tokens without a name, a query
/// looks at all that follow.
fn is_littered(tree: &Tree) -> bool {
    let mut cursor = tree.walk();
    let (mut row, mut pairs) = (0usize, 0usize);
    loop {
        let node = cursor.node();
        row = if node.is_named() { 0 } else { row + 1 };
        pairs += row;
        if pairs > MAX_LOOSE {
            return true;
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return false;
            }
        }
    }
}

/// The first error or missing node, in source order; inner errors hide behind the one around them.
fn first_error(tree: &Tree) -> Option<Span> {
    let mut cursor = tree.walk();
    loop {
        let node: Node = cursor.node();
        if node.is_error() || node.is_missing() {
            return Some(node.into());
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return None;
            }
        }
    }
}

/// The places that do not parse, in source order: error nodes, and nodes that are missing.
pub fn error_spans(tree: &Tree) -> Vec<Span> {
    let mut found = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            found.push(Span::from(node));
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::python::Python;

    #[test]
    fn a_sound_text_has_no_error() {
        let parsed = parse(&Python, "x = (1 +\n     2)\n").expect("parses");
        assert_eq!(parsed.errors, None);
    }

    #[test]
    fn the_first_error_is_reported() {
        let parsed = parse(&Python, "x = 1\ny = = 2\nz = = 3\n").expect("parses");
        let error = parsed.errors.expect("has an error");
        assert!((6..14).contains(&error.start), "{error:?}");
    }

    #[test]
    fn a_missing_token_is_an_error() {
        let source = "f(1\n";
        assert!(parse(&Python, source).expect("parses").errors.is_some());
    }

    #[test]
    fn deep_nesting_is_reported_and_not_parsed_on() {
        let nested = |levels: usize| format!("x = {}1{}\n", "(".repeat(levels), ")".repeat(levels));
        assert!(parse(&Python, &nested(500)).is_ok());
        let problem = parse(&Python, &nested(10_000)).expect_err("too deep");
        assert!(matches!(problem, ParseProblem::TooDeep { .. }));
        let long = format!("x = {}1\n", "1 + ".repeat(100_000));
        assert!(matches!(
            parse(&Python, &long),
            Err(ParseProblem::TooDeep { .. })
        ));
    }

    #[test]
    fn brackets_that_nobody_closes_are_not_searched() {
        let open = |count| parse(&Python, &format!("x = 1\ny = {}\n", "[".repeat(count)));
        assert!(open(5_000).is_ok());
        let problem = open(200_000).expect_err("too broken");
        assert!(matches!(problem, ParseProblem::TooBroken { .. }));
    }

    #[test]
    fn hostile_bytes_do_not_panic() {
        for source in [
            "", "\0", "\u{feff}", "((((", "\"\"\"", "f'{", "\\", "\r\r\r", "🦀 = 1",
        ] {
            let _ = parse(&Python, source);
        }
    }
}
