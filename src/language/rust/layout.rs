//! Edits of whole statements and of `use` declarations. Only their own lines change.

use super::statements::{comments, siblings};
use crate::edit::Edit;
use crate::language::Code;
use crate::language::import::{ImportChange, ImportPlace, ModuleNames};
use crate::source::Span;

fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn next_line(source: &str, at: usize) -> usize {
    source[at..]
        .find('\n')
        .map_or(source.len(), |end| at + end + 1)
}

fn indent(source: &str, at: usize) -> &str {
    let line = &source[line_start(source, at)..];
    let code = line.trim_start_matches([' ', '\t']);
    &line[..line.len() - code.len()]
}

/// Takes the statement at `span` out with its lines, or, where other code or a comment shares them, alone.
pub(super) fn remove_statement(code: &Code<'_>, span: Span) -> Edit {
    let source = code.source;
    let comments: Vec<&str> = comments(&code.tree, span)
        .into_iter()
        .map(|comment| code.text(comment).trim_end())
        .collect();
    if !comments.is_empty() {
        let separator = format!("\n{}", indent(source, span.start));
        return Edit::replace(span, format!("{}{separator}();", comments.join(&separator)));
    }
    if siblings(&code.tree, span).last() == Some(&span) && !code.text(span).ends_with([';', '}']) {
        // It is the value of its block.
        return Edit::replace(span, "();");
    }
    let start = line_start(source, span.start);
    let end = next_line(source, span.end);
    let alone =
        source[start..span.start].trim().is_empty() && source[span.end..end].trim().is_empty();
    Edit::delete(if alone { Span::new(start, end) } else { span })
}

/// A path as it is written in the code.
fn written(module: &str) -> String {
    module.replace('.', "::")
}

/// Puts imports of `names` at `place`, a `use` for each module.
pub(super) fn add_imports(code: &Code<'_>, place: ImportPlace, names: &ModuleNames) -> Edit {
    let source = code.source;
    let newline = if source.contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let lines = |indent: &str| -> String {
        let line = |(module, names): (&String, &std::collections::BTreeSet<String>)| {
            let list: Vec<&str> = names.iter().map(String::as_str).collect();
            let module = written(module);
            match list[..] {
                [only] => format!("{indent}use {module}::{only};{newline}"),
                _ => format!("{indent}use {module}::{{{}}};{newline}", list.join(", ")),
            }
        };
        names.iter().map(line).collect()
    };
    match place {
        ImportPlace::Behind(statement) | ImportPlace::Apart(statement) => {
            let mut new = lines(indent(source, statement.start));
            let end = next_line(source, statement.end);
            if matches!(place, ImportPlace::Apart(_)) {
                new.insert_str(0, newline);
            }
            if end == source.len() && !source.ends_with('\n') {
                new.insert_str(0, newline);
                new.truncate(new.len() - newline.len());
            }
            Edit::insert(end, new)
        }
        ImportPlace::Before(start) => {
            let mut new = lines(indent(source, start));
            let imports = &code.model.imports;
            if !imports.iter().any(|import| import.statement.start == start) {
                new.push_str(newline);
            }
            Edit::insert(line_start(source, start), new)
        }
        ImportPlace::Top => {
            let mark = source.len() - source.trim_start_matches('\u{feff}').len();
            Edit::insert(mark, lines("") + newline)
        }
    }
}

/// Takes names out of the `use` declaration at `statement` and puts others in; the whole line goes where nothing is left.
pub(super) fn change_import(code: &Code<'_>, statement: Span, change: &ImportChange) -> Vec<Edit> {
    let items: Vec<Span> = code
        .model
        .imports
        .iter()
        .filter(|import| import.statement == statement)
        .map(|import| import.span)
        .collect();
    let kept = |span: &&Span| !change.drop.contains(span);
    let last_kept = items.iter().rfind(kept).copied();
    let Some(last_kept) = last_kept else {
        return vec![rebuilt(code, statement, change)];
    };
    let mut edits: Vec<Edit> = items
        .iter()
        .filter(|span| change.drop.contains(span))
        .map(|span| Edit::delete(entry(code.source, *span)))
        .collect();
    if !change.add.is_empty() {
        edits.push(added(code, statement, last_kept, change));
    }
    edits
}

/// The declaration with other names, or nothing.
fn rebuilt(code: &Code<'_>, statement: Span, change: &ImportChange) -> Edit {
    let module = code
        .model
        .imports
        .iter()
        .find(|import| import.statement == statement)
        .map(|import| written(&import.module));
    match (module, change.add.is_empty()) {
        (Some(module), false) => {
            let names: Vec<&str> = change.add.iter().map(String::as_str).collect();
            let text = code.text(statement);
            let head = text.split("use ").next().unwrap_or_default();
            Edit::replace(
                statement,
                match names[..] {
                    [only] => format!("{head}use {module}::{only};"),
                    _ => format!("{head}use {module}::{{{}}};", names.join(", ")),
                },
            )
        }
        _ => remove_statement(code, statement),
    }
}

/// Puts names behind the entry at `last`: into its list, or a list is made of it.
fn added(code: &Code<'_>, statement: Span, last: Span, change: &ImportChange) -> Edit {
    let names: Vec<&str> = change.add.iter().map(String::as_str).collect();
    let behind = Span::new(last.end, statement.end).text(code.source);
    if behind.trim_start().starts_with([',', '}']) {
        let between = code.source[line_start(code.source, last.start)..last.start]
            .trim()
            .is_empty();
        let separator = if between {
            format!(",\n{}", indent(code.source, last.start))
        } else {
            ", ".to_owned()
        };
        return Edit::insert(last.end, format!("{separator}{}", names.join(&separator)));
    }
    let text = code.text(last);
    let (path, name) = text.rsplit_once("::").unwrap_or(("self", text));
    Edit::replace(last, format!("{path}::{{{name}, {}}}", names.join(", ")))
}

/// An entry of a list with its comma and the space behind it.
fn entry(source: &str, span: Span) -> Span {
    let rest = &source[span.end..];
    let trimmed = rest.trim_start();
    if trimmed.starts_with(',') {
        let comma = span.end + (rest.len() - trimmed.len()) + 1;
        let behind = &source[comma..];
        let space = behind.len() - behind.trim_start().len();
        return Span::new(span.start, comma + space);
    }
    // The last one takes the comma before it.
    let before = source[..span.start].trim_end();
    match before.strip_suffix(',') {
        Some(comma) => Span::new(comma.len(), span.end),
        None => span,
    }
}
