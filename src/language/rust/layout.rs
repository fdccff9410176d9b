//! Edits of whole statements and of `use` declarations. Only their own lines change.

use tree_sitter::Tree;

use super::nodes::{children, path};
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
        ImportPlace::Behind(statement) => {
            let place = sorted_place(code, statement, names);
            let new = lines(indent(source, statement.start));
            let open = place == source.len() && !source.ends_with('\n');
            let new = if open {
                format!("{newline}{}", new.trim_end())
            } else {
                new
            };
            Edit::insert(place, new)
        }
        ImportPlace::Apart(statement) => {
            let mut new = lines(indent(source, statement.start));
            let end = next_line(source, statement.end);
            new.insert_str(0, newline);
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

/// Where lines for `names` stand in the group of `use` declarations around `statement`, which are sorted.
fn sorted_place(code: &Code<'_>, statement: Span, names: &ModuleNames) -> usize {
    let source = code.source;
    let (Some((module, list)), scope) = (
        names.first_key_value(),
        code.model.scope_at(statement.start),
    ) else {
        return next_line(source, statement.end);
    };
    let first = list.first().map_or("", String::as_str);
    let own = format!("{}::{first}", written(module));
    let mut group: Vec<Span> = code
        .model
        .imports
        .iter()
        .filter(|import| import.scope == scope && is_use(code, import.statement))
        .map(|import| import.statement)
        .collect();
    group.dedup();
    let Some(at) = group.iter().position(|other| *other == statement) else {
        return next_line(source, statement.end);
    };
    // Without an empty line or other code in between.
    let together = |left: Span, right: Span| {
        let between = &source[left.end..right.start];
        between.trim().is_empty() && between.matches('\n').count() == 1
    };
    let mut from = at;
    while from > 0 && together(group[from - 1], group[from]) {
        from -= 1;
    }
    let mut to = at;
    while to + 1 < group.len() && together(group[to], group[to + 1]) {
        to += 1;
    }
    let before = group[from..=to]
        .iter()
        .rfind(|other| order(path_of(code, **other)) < order(&own));
    match before {
        Some(before) => next_line(source, before.end),
        // An attribute above the first one would belong to what is put between.
        None if above_is_attribute(source, group[from].start) => next_line(source, group[to].end),
        None => line_start(source, group[from].start),
    }
}

fn above_is_attribute(source: &str, start: usize) -> bool {
    let line = line_start(source, start);
    let above = source[..line]
        .trim_end()
        .rsplit('\n')
        .next()
        .unwrap_or_default();
    above.trim_start().starts_with("#[")
}

fn is_use(code: &Code<'_>, statement: Span) -> bool {
    code.text(statement).contains("use ")
}

/// What a `use` declaration names.
fn path_of<'s>(code: &Code<'s>, statement: Span) -> &'s str {
    let text = code.text(statement);
    let path = text.split_once("use ").map_or(text, |(_, path)| path);
    path.trim_end_matches(';').trim()
}

/// The order in which formatters put paths: what is around first, modules before types before constants.
fn order(path: &str) -> Vec<(usize, String)> {
    let parts = path.trim_start_matches("::").split("::");
    let rank = |part: &str| match part.trim() {
        "self" => 0,
        "super" => 1,
        "crate" => 2,
        part if part.starts_with('{') => 7,
        "*" => 6,
        part if part.starts_with(char::is_lowercase) => 3,
        part if part.chars().any(char::is_lowercase) => 4,
        _ => 5,
    };
    parts
        .map(|part| (rank(part), part.trim().to_owned()))
        .collect()
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

/// Puts names into the list that the entry at `last` stands in, in its order; a declaration without a list is left as it is, and another
/// one is put beside it.
fn added(code: &Code<'_>, statement: Span, last: Span, change: &ImportChange) -> Edit {
    let names: Vec<&str> = change.add.iter().map(String::as_str).collect();
    let source = code.source;
    let Some(entries) = list_of(&code.tree, last) else {
        let import = code.model.imports.iter();
        let mut own = import.filter(|import| import.statement == statement);
        let module = own
            .next()
            .map_or_else(String::new, |own| own.module.clone());
        // Modules of a crate have lines of their own where a file does not list them.
        if !matches!(module.as_str(), "crate" | "super" | "self") {
            let text = code.text(last);
            let (path, name) = text.rsplit_once("::").unwrap_or(("self", text));
            let mut all = names;
            all.push(name);
            all.sort_by_key(|name| order(name));
            return Edit::replace(last, format!("{path}::{{{}}}", all.join(", ")));
        }
        let names = ModuleNames::from([(module, change.add.clone())]);
        return add_imports(code, ImportPlace::Behind(statement), &names);
    };
    let apart = |entry: Span| {
        let line = line_start(source, entry.start);
        source[line..entry.start].trim().is_empty()
    };
    let separator = |entry: Span| {
        if apart(entry) {
            format!(",\n{}", indent(source, entry.start))
        } else {
            ", ".to_owned()
        }
    };
    let first = names.first().copied().unwrap_or_default();
    let behind = entries
        .iter()
        .find(|entry| order(code.text(**entry)) > order(first));
    if let Some(entry) = behind {
        let separator = separator(*entry);
        let text = format!("{}{separator}", names.join(&separator));
        return Edit::insert(entry.start, text);
    }
    let separator = separator(last);
    let end = entries.last().map_or(last.end, |entry| entry.end);
    Edit::insert(end, format!("{separator}{}", names.join(&separator)))
}

/// The entries of the list that the one at `entry` stands in.
fn list_of(tree: &Tree, entry: Span) -> Option<Vec<Span>> {
    let path = path(tree, entry);
    let list = path
        .iter()
        .rfind(|node| node.kind() == "use_list" && Span::from(**node) != entry)?;
    Some(children(*list).into_iter().map(Span::from).collect())
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
