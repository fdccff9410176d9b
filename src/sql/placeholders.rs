//! Makes a query with placeholders and holes parsable.
//!
//! Drivers and libraries replace `%s`, `%(x)s`, `:x` and `?` before the server sees the text; the grammar knows only `$1`. Quoted text
//! and comments are not touched, so `LIKE '50%'` stays as it is. A `{…}` outside of quotes is no SQL but a template's, and so a hole.
//! Holes become names, or comments where a name cannot stand.

use super::lex::{HOLE, Lexer, Token, TokenKind};
use super::tokens::Tokens;
use super::{Part, SqlText};

/// The text of a query, each hole marked by [`HOLE`].
pub(super) fn with_marked_holes(query: &SqlText) -> String {
    let mut text = String::new();
    for part in &query.parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Hole => text.push(HOLE),
        }
    }
    text
}

/// The text with each placeholder written as `$1`.
pub(super) fn normalize(text: &str) -> String {
    let tokens: Vec<Token> = Lexer::new(text)
        .filter(|token| !token.is_comment())
        .collect();
    let mut normalizer = Normalizer {
        text,
        tokens: Tokens::new(text, &tokens),
        copied: 0,
        output: String::with_capacity(text.len()),
        brackets: 0,
    };
    let mut at = 0;
    while at < tokens.len() {
        at = normalizer.token(at);
    }
    normalizer.output.push_str(&text[normalizer.copied..]);
    normalizer.output
}

struct Normalizer<'a> {
    text: &'a str,
    tokens: Tokens<'a>,
    /// How much of the text has gone to the output.
    copied: usize,
    output: String,
    /// How many `[` are open.
    brackets: usize,
}

impl Normalizer<'_> {
    /// Handles the token at `at` and gives the position of the next one.
    fn token(&mut self, at: usize) -> usize {
        let Some(token) = self.tokens.get(at) else {
            return at + 1;
        };
        match (token.kind, self.tokens.text(at)) {
            (TokenKind::Parameter, _) => {
                self.parameter(at);
                at + 1
            }
            (TokenKind::Symbol, "[") => {
                self.brackets += 1;
                at + 1
            }
            (TokenKind::Symbol, "]") => {
                self.brackets = self.brackets.saturating_sub(1);
                at + 1
            }
            (TokenKind::Symbol, "{" | "$") => self.template_field(at),
            (TokenKind::Symbol, "%") => self.percent(at),
            (TokenKind::Symbol, ":") => self.colon(at),
            (TokenKind::Symbol, "?") if !self.follows_operand(at) && !self.is_in_operator(at) => {
                self.placeholder(at, at + 1);
                at + 1
            }
            _ => at + 1,
        }
    }

    /// `$1` stays, but where it would be refused, and where its number is a hole.
    fn parameter(&mut self, at: usize) {
        if at > 0 && self.tokens.is_any(at - 1, &TYPES_OF_LITERALS) {
            self.replace(at, at + 1, "'1'");
        } else if self.tokens.has_hole(at) {
            self.replace(at, at + 1, "$1");
        }
    }

    /// `{field}`, or `${number}`, which is a parameter.
    fn template_field(&mut self, at: usize) -> usize {
        let is_number = self.tokens.is_symbol(at, '$');
        let open = at + usize::from(is_number);
        let opens = self.tokens.is_symbol(open, '{') && (open == at || self.adjacent(at));
        let limit = self.tokens.len().min(open + MAX_FIELD);
        let close = (open..limit).find(|&close| opens && self.tokens.is_symbol(close, '}'));
        let Some(close) = close else { return at + 1 };
        if is_number {
            self.replace(at, close + 1, "$1");
        } else {
            self.replace(at, close + 1, HOLE.encode_utf8(&mut [0; 4]));
        }
        close + 1
    }

    fn percent(&mut self, at: usize) -> usize {
        if self.adjacent(at) && self.tokens.is_symbol(at + 1, '%') {
            self.replace(at, at + 2, "%");
            return at + 2;
        }
        if let Some(end) = self.named_percent(at) {
            self.placeholder(at, end);
            return end;
        }
        let is_plain =
            self.adjacent(at) && matches!(self.tokens.text(at + 1), "s" | "b" | "t" | "d");
        if is_plain && !self.follows_operand(at) {
            self.placeholder(at, at + 2);
            return at + 2;
        }
        at + 1
    }

    /// The position behind `%(name)s` at `at`.
    fn named_percent(&self, at: usize) -> Option<usize> {
        if !(self.adjacent(at) && self.tokens.is_symbol(at + 1, '(')) {
            return None;
        }
        let close = (at + 2..self.tokens.len().min(at + 8))
            .find(|&close| self.tokens.is_symbol(close, ')'))?;
        let conversion = matches!(self.tokens.text(close + 1), "s" | "b" | "t" | "d");
        (close > at + 2 && conversion && self.adjacent(close)).then_some(close + 2)
    }

    fn colon(&mut self, at: usize) -> usize {
        if self.tokens.is_symbol(at + 1, ':') || self.tokens.is_symbol(at + 1, '=') {
            return at + 2;
        }
        let is_name = self.adjacent(at) && self.tokens.kind(at + 1) == Some(TokenKind::Word);
        let is_slice = self.brackets > 0 && self.follows_operand(at);
        if is_name && !is_slice && !(at > 0 && self.follows_operand(at) && self.adjacent(at - 1)) {
            self.placeholder(at, at + 2);
            return at + 2;
        }
        at + 1
    }

    /// Writes `$1` for the tokens from `start` up to `end`, in the form that its place asks for.
    fn placeholder(&mut self, start: usize, end: usize) {
        let before = |words: &[&str]| start > 0 && self.tokens.is_any(start - 1, words);
        let text = if before(&LISTS) {
            "($1)"
        } else if before(&TYPES_OF_LITERALS) {
            "'1'"
        } else {
            "$1"
        };
        self.replace(start, end, text);
    }

    fn replace(&mut self, start: usize, end: usize, text: &str) {
        let (Some(first), Some(last)) = (self.tokens.get(start), self.tokens.get(end - 1)) else {
            return;
        };
        self.output
            .push_str(&self.text[self.copied..first.span.start]);
        self.output.push_str(text);
        self.copied = last.span.end;
    }

    /// Whether the tokens at `at` and behind it touch.
    fn adjacent(&self, at: usize) -> bool {
        match (self.tokens.get(at), self.tokens.get(at + 1)) {
            (Some(left), Some(right)) => left.span.end == right.span.start,
            _ => false,
        }
    }

    /// Whether the `?` at `at` belongs to `@?`, the operator of JSON paths.
    fn is_in_operator(&self, at: usize) -> bool {
        at > 0 && self.tokens.is_symbol(at - 1, '@') && self.adjacent(at - 1)
    }

    fn follows_operand(&self, at: usize) -> bool {
        at > 0 && ends_operand(self.tokens, at - 1)
    }
}

/// How many tokens the field of a template may have.
const MAX_FIELD: usize = 32;

/// The words behind which a list in brackets stands.
const LISTS: [&str; 2] = ["in", "values"];

/// The words that make a literal of the string behind them, which must be a string then.
const TYPES_OF_LITERALS: [&str; 5] = ["interval", "date", "timestamp", "timestamptz", "time"];

/// Whether the token at `at` can end an operand, so that an operator must follow it and not another operand.
fn ends_operand(tokens: Tokens<'_>, at: usize) -> bool {
    match tokens.kind(at) {
        Some(TokenKind::Word) => {
            !tokens.is_any(at, &EXPECTING_WORDS) && !tokens.is_any(at, &TYPES_OF_LITERALS)
        }
        Some(TokenKind::Symbol) => tokens.is_symbol(at, ')') || tokens.is_symbol(at, ']'),
        Some(_) => true,
        None => false,
    }
}

/// The keywords that a name, an operand or a list must follow.
const EXPECTING_WORDS: [&str; 75] = [
    "select",
    "distinct",
    "all",
    "from",
    "where",
    "and",
    "or",
    "not",
    "in",
    "is",
    "like",
    "ilike",
    "similar",
    "to",
    "between",
    "by",
    "having",
    "limit",
    "offset",
    "on",
    "using",
    "join",
    "inner",
    "outer",
    "cross",
    "natural",
    "lateral",
    "only",
    "into",
    "update",
    "insert",
    "delete",
    "set",
    "values",
    "returning",
    "union",
    "intersect",
    "except",
    "case",
    "when",
    "then",
    "else",
    "as",
    "with",
    "recursive",
    "table",
    "exists",
    "any",
    "some",
    "array",
    "interval",
    "cast",
    "collate",
    "truncate",
    "copy",
    "listen",
    "unlisten",
    "notify",
    "call",
    "do",
    "execute",
    "prepare",
    "explain",
    "analyze",
    "vacuum",
    "refresh",
    "concurrently",
    "add",
    "drop",
    "alter",
    "create",
    "references",
    "default",
    "check",
    "escape",
];

/// How holes are written for the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holes {
    /// As names, wherever they stand.
    Names,
    /// As names; as comments behind a complete operand and at the beginning, where only a further clause can stand.
    NamesWhereOperandsStand,
    /// As names; as comments wherever a neighbour is an operand.
    NamesAlone,
}

/// The text of a statement as the grammar may take it.
pub(super) fn with_holes_as(statement: Tokens<'_>, holes: Holes) -> String {
    let (source, mut output) = (statement.source(), String::new());
    let Some(first) = statement.get(0) else {
        return output;
    };
    let (start, mut copied) = (first.span.start, 0);
    let mut assigns = vec![false];
    for at in 0..statement.len() {
        track_assignments(statement, at, &mut assigns);
        if !is_bare_hole(statement, at) {
            continue;
        }
        let Some(token) = statement.get(at) else {
            continue;
        };
        output.push_str(&source[copied..token.span.start - start]);
        copied = token.span.end - start;
        let name = statement.text(at);
        let assigned = assigns.last() == Some(&true) && is_whole_assignment(statement, at);
        output.push_str(&hole_text(statement, at, name, holes, assigned));
    }
    output.push_str(&source[copied..]);
    output
}

fn is_bare_hole(statement: Tokens<'_>, at: usize) -> bool {
    statement.kind(at) == Some(TokenKind::Word) && statement.has_hole(at)
}

fn hole_text(statement: Tokens<'_>, at: usize, name: &str, holes: Holes, assigned: bool) -> String {
    let before = |words: &[&str]| at > 0 && statement.is_any(at - 1, words);
    let follows = at > 0 && ends_operand(statement, at - 1);
    let precedes = statement
        .kind(at + 1)
        .is_some_and(|kind| !matches!(kind, TokenKind::Symbol))
        && (statement.kind(at + 1) != Some(TokenKind::Word)
            || is_bare_hole(statement, at + 1)
            || at == 0);
    let comment = match holes {
        Holes::Names => false,
        Holes::NamesWhereOperandsStand => follows || at == 0,
        Holes::NamesAlone => follows || precedes,
    };
    if assigned {
        format!(" {name} = {name} ")
    } else if comment {
        // A comment keeps the hole visible to whoever looks at the text of a clause.
        format!(" /*{HOLE}*/ ")
    } else if before(&LISTS) {
        format!(" ({name}) ")
    } else if before(&TYPES_OF_LITERALS) {
        " '1' ".to_owned()
    } else {
        name.to_owned()
    }
}

/// Keeps, per open bracket, whether assignments are being listed: behind the `SET` of an `UPDATE`.
fn track_assignments(statement: Tokens<'_>, at: usize, assigns: &mut Vec<bool>) {
    if statement.is_symbol(at, '(') {
        assigns.push(false);
    } else if statement.is_symbol(at, ')') {
        if assigns.len() > 1 {
            assigns.pop();
        }
    } else if let Some(open) = assigns.last_mut() {
        if statement.is(at, "set") {
            *open = at > 0;
        } else if statement.is_any(at, &["where", "from", "returning"]) {
            *open = false;
        }
    }
}

/// Whether the hole at `at` stands for a whole `column = value`.
fn is_whole_assignment(statement: Tokens<'_>, at: usize) -> bool {
    let starts = at > 0 && (statement.is(at - 1, "set") || statement.is_symbol(at - 1, ','));
    let ends = at + 1 >= statement.len()
        || statement.is_symbol(at + 1, ',')
        || statement.is_symbol(at + 1, ')')
        || statement.is_any(at + 1, &["where", "from", "returning"]);
    starts && ends
}

/// Whether a hole of the statement can hold a relation, a clause or a statement.
///
/// Outside of quotes nothing is known of a hole's value, so it can, with two exceptions that hold a number and nothing else: behind
/// `LIMIT` or `OFFSET`, and right behind `$`, where it numbers a parameter. In quotes a hole is a value or a name; a name in the place of a
/// relation is found by whoever reads the relations. A line comment ends with its line, which a hole may hold.
pub(super) fn is_open(statement: Tokens<'_>, text: &str, comments: &[Token]) -> bool {
    let single = |at| statement.text(at).chars().eq([HOLE]);
    let counts = |at: usize| at > 0 && statement.is_any(at - 1, &["limit", "offset"]);
    (0..statement.len()).any(|at| match statement.kind(at) {
        Some(TokenKind::Word | TokenKind::Number) => {
            statement.has_hole(at) && !(single(at) && counts(at))
        }
        // What is left of a template.
        Some(TokenKind::Symbol) => matches!(statement.text(at), "{" | "}"),
        _ => false,
    }) || comments.iter().any(|comment| {
        comment.kind == TokenKind::LineComment && comment.span.text(text).contains(HOLE)
    })
}
