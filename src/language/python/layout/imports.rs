//! Import statements: new ones on lines of their own, names put into the list of one that there is and taken out of it.
//!
//! A list keeps the way it is written: on one line or a name a line, sorted or not, with a trailing comma or without, comments where they
//! are.

use super::removal::remove_statement;
use super::text::Text;
use crate::edit::Edit;
use crate::language::import::{ImportChange, ImportPlace, ModuleNames};
use crate::language::python::statements::comments;
use crate::language::{Code, Import};
use crate::source::Span;

/// Puts imports of `names` at `place`, a line for each module.
pub(in crate::language::python) fn add_imports(
    code: &Code<'_>,
    place: ImportPlace,
    names: &ModuleNames,
) -> Edit {
    let text = Text(code.source);
    let newline = text.newline();
    let lines = |indent: &str| -> String {
        let line = |(module, names): (&String, &std::collections::BTreeSet<String>)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("{indent}from {module} import {}{newline}", names.join(", "))
        };
        names.iter().map(line).collect()
    };
    match place {
        ImportPlace::Behind(statement) | ImportPlace::Apart(statement) => {
            let mut new = lines(text.indent_of_line(statement.start));
            let end = text.next_line(statement.end.saturating_sub(1).max(statement.start));
            if matches!(place, ImportPlace::Apart(_)) {
                new.insert_str(0, newline);
            }
            if end == code.source.len() && !code.source.ends_with('\n') {
                new.insert_str(0, newline);
                new.truncate(new.len() - newline.len());
            }
            Edit::insert(end, new)
        }
        ImportPlace::Before(start) => {
            let mut new = lines(text.indent_of_line(start));
            let imports = &code.model.imports;
            if !imports.iter().any(|import| import.statement.start == start) {
                new.push_str(newline);
            }
            Edit::insert(text.line_start(start), new)
        }
        ImportPlace::Top => {
            let mark = code.source.len() - code.source.trim_start_matches('\u{feff}').len();
            // Two empty lines stand above a definition.
            let defines = ["def ", "class ", "async def ", "@"];
            let rest = &code.source[mark..];
            let gap = if defines.iter().any(|word| rest.starts_with(word)) {
                newline.repeat(2)
            } else {
                newline.to_owned()
            };
            Edit::insert(mark, lines("") + &gap)
        }
    }
}

/// Takes names out of the list of the statement and puts others in; the whole line goes where nothing is left.
pub(in crate::language::python) fn change_import(
    code: &Code<'_>,
    statement: Span,
    change: &ImportChange,
) -> Vec<Edit> {
    let list = List::of(code, statement, change);
    if list.kept.is_empty() && change.add.is_empty() {
        return vec![remove_statement(code, statement)];
    }
    if !change.add.is_empty() && !change.drop.is_empty() && !list.has_comments() {
        return vec![list.rebuilt(change)];
    }
    let dropped = list
        .items
        .iter()
        .filter(|span| change.drop.contains(span))
        .map(|span| Edit::delete(list.entry(*span)));
    let added = change.add.iter().map(|name| list.added(name));
    dropped.chain(added).collect()
}

/// The list of names of an import statement.
struct List<'a> {
    code: &'a Code<'a>,
    text: Text<'a>,
    /// The entries, in source order.
    items: Vec<Span>,
    /// Those that stay.
    kept: Vec<Span>,
    /// Whether the entries are in the order of the alphabet.
    sorted: bool,
}

impl<'a> List<'a> {
    fn of(code: &'a Code<'a>, statement: Span, change: &ImportChange) -> Self {
        let is_item = |import: &&Import| import.statement == statement;
        let imports = code.model.imports.iter().filter(is_item);
        let items: Vec<Span> = imports.map(|import| import.span).collect();
        let kept = items
            .iter()
            .copied()
            .filter(|span| !change.drop.contains(span));
        Self {
            kept: kept.collect(),
            sorted: items
                .windows(2)
                .all(|pair| code.text(pair[0]) <= code.text(pair[1])),
            text: Text(code.source),
            code,
            items,
        }
    }

    /// From the first entry to the last.
    fn whole(&self) -> Span {
        let start = self.items.first().map_or(0, |first| first.start);
        let end = self.items.last().map_or(start, |last| last.end);
        Span::new(start, end)
    }

    fn has_comments(&self) -> bool {
        !comments(&self.code.tree, self.whole()).is_empty()
    }

    /// The list anew: entries that stay as they were written, the new ones where the order wants them or at the end.
    fn rebuilt(&self, change: &ImportChange) -> Edit {
        let kept = self.kept.iter().map(|span| self.code.text(*span));
        let mut names: Vec<&str> = kept.collect();
        for name in &change.add {
            let place = names
                .iter()
                .position(|other| self.sorted && *other > name.as_str());
            names.insert(place.unwrap_or(names.len()), name);
        }
        Edit::replace(self.whole(), names.join(&self.separator()))
    }

    /// An entry with the comma (and the line, where it has one of its own) that goes with it.
    fn entry(&self, span: Span) -> Span {
        let source = self.code.source;
        if let Some(comma) = self.comma_behind(span) {
            let end = comma + 1;
            let line = Span::new(self.text.line_start(span.start), self.text.next_line(end));
            let alone = source[line.start..span.start].trim().is_empty()
                && source[end..line.end].trim().is_empty();
            if alone {
                return line;
            }
            return Span::new(span.start, end + blanks(&source[end..]));
        }
        // The last entry: the comma before it goes instead.
        let mut before = self.items.iter().rev();
        let before = before.find(|other| other.end <= span.start);
        before.map_or(span, |before| Span::new(before.end, span.end))
    }

    /// Puts a name in: where the order wants it, else at the end.
    fn added(&self, name: &str) -> Edit {
        let separator = self.separator();
        let next = self
            .kept
            .iter()
            .find(|span| self.sorted && self.code.text(**span) > name);
        if let Some(next) = next {
            return Edit::insert(next.start, format!("{name}{separator}"));
        }
        let last = self
            .kept
            .last()
            .copied()
            .unwrap_or_else(|| Span::at(self.whole().end));
        match self.comma_behind(last) {
            // A trailing comma stays the last character of the list.
            Some(comma) => Edit::insert(comma + 1, format!("{}{name},", &separator[1..])),
            None => Edit::insert(last.end, format!("{separator}{name}")),
        }
    }

    /// Where the comma behind an entry stands, if it is the next thing on the line.
    fn comma_behind(&self, span: Span) -> Option<usize> {
        let behind = &self.code.source[span.end..];
        let blanks = blanks(behind);
        behind[blanks..]
            .starts_with(',')
            .then_some(span.end + blanks)
    }

    /// What stands between two entries, as the list has it: a comma and a space, a line break, a backslash.
    fn separator(&self) -> String {
        if let [first, second, ..] = self.items[..] {
            let between = self.code.text(Span::new(first.end, second.start));
            let blank = |c: char| c.is_whitespace() || c == '\\';
            if between.starts_with(',') && between[1..].chars().all(blank) {
                return between.to_owned();
            }
        }
        let start = self.whole().start;
        let own_line = self.text.indent_before(start);
        own_line.map_or_else(
            || ", ".to_owned(),
            |indent| format!(",{}{indent}", self.text.newline()),
        )
    }
}

/// How many blanks a text begins with.
fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}
