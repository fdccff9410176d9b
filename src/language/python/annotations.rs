//! Names in annotations, also in quoted ones (`"Pool | None"`).

use tree_sitter::Node;

use super::nodes::children;
use super::scope::{Builder, Place, Text};
use crate::language::model::ReferenceKind;
use crate::source::Span;

/// A string: in an annotation it may name types; an f-string holds expressions.
pub(super) fn string<'t>(builder: &mut Builder<'_, 't>, node: Node<'t>, place: Place) {
    if place.text != Text::Annotation {
        return builder.later_children(node, place);
    }
    let parts = children(node);
    let [start, content, _] = parts.as_slice() else {
        return builder.later_children(node, place);
    };
    let plain = builder.text(*start).starts_with(['"', '\'']);
    let content = Span::from(*content);
    let text = content.text(builder.source);
    if plain && !text.contains('\\') {
        for name in identifiers(text) {
            let span = Span::new(content.start + name.start, content.start + name.end);
            builder.refer_at(span, place.scope, ReferenceKind::Annotation);
        }
    }
}

/// `Literal["a"]` holds values, `Annotated[T, …]` a type and values, every other subscript of an annotation holds types.
pub(super) fn parameterised<'t>(builder: &mut Builder<'_, 't>, node: Node<'t>, place: Place) {
    let mut parts = children(node);
    // `X[…]` as a type: its arguments are one further node.
    if node.kind() == "generic_type"
        && let Some(arguments) = parts.pop_if(|last| last.kind() == "type_parameter")
    {
        parts.extend(children(arguments));
    }
    let mut parts = parts.into_iter();
    let Some(base) = parts.next() else { return };
    let name = builder.text(base);
    let name = name.rsplit('.').next().unwrap_or(name);
    builder.later(base, place);
    for (index, argument) in parts.enumerate() {
        let values = name == "Literal" || (name == "Annotated" && index > 0);
        let text = if values {
            Text::AnnotationValue
        } else {
            place.text
        };
        builder.later(argument, Place { text, ..place });
    }
}

const KEYWORDS: [&str; 11] = [
    "None", "True", "False", "and", "or", "not", "if", "else", "in", "is", "lambda",
];

/// The names that a quoted annotation reads: identifiers that follow no dot and stand in no inner quotes.
fn identifiers(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut quote = None;
    let mut after_dot = false;
    let mut characters = text.char_indices().peekable();
    while let Some((start, character)) = characters.next() {
        if let Some(open) = quote {
            if character == open {
                quote = None;
            }
        } else if matches!(character, '"' | '\'') {
            quote = Some(character);
        } else if character == '_' || character.is_alphanumeric() {
            let mut end = start + character.len_utf8();
            while let Some((at, next)) =
                characters.next_if(|(_, next)| *next == '_' || next.is_alphanumeric())
            {
                end = at + next.len_utf8();
            }
            let name = !character.is_numeric() && !KEYWORDS.contains(&&text[start..end]);
            if name && !after_dot {
                found.push(Span::new(start, end));
            }
            after_dot = false;
        } else if !character.is_whitespace() {
            after_dot = character == '.';
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_annotation_names_its_types() {
        let names = |text: &'static str| -> Vec<&str> {
            identifiers(text)
                .into_iter()
                .map(|span| span.text(text))
                .collect()
        };
        assert_eq!(names("Pool | None"), ["Pool"]);
        assert_eq!(
            names("typing.Optional[asyncpg . Pool]"),
            ["typing", "asyncpg"]
        );
        assert_eq!(names("Literal['a b', \"c\"]"), ["Literal"]);
        assert_eq!(names("tuple[int, ...]"), ["tuple", "int"]);
        assert_eq!(names("Größe[1e5]"), ["Größe"]);
        assert!(names("").is_empty());
    }
}
