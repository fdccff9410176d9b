//! Why something that should go has to stay: what still reads it, in words for people.

use std::collections::BTreeSet;

use crate::facts::World;
use crate::facts::attribute::{self, Family};
use crate::language::expression::{AttributeRead, AttributeWrite, Expression};
use crate::language::usage::{MethodCall, Usage};
use crate::language::{BindingKind, Model, ScopeId};
use crate::project::{ClassRef, FileId, ParsedFile};
use crate::rewrite::cleanup::Dead;
use crate::source::Span;

/// How many places a reason names before it says "and more".
const NAMED: usize = 3;

/// What is left of a file when other rewrites have taken theirs out.
#[derive(Clone, Copy)]
pub struct Rest<'a> {
    /// The project.
    pub world: World<'a>,
    /// The file.
    pub file: FileId,
    /// The spans that are taken out.
    pub gone: &'a [Span],
    /// What is dead because of it.
    pub dead: &'a Dead,
}

impl Rest<'_> {
    fn is_left(&self, span: Span) -> bool {
        !self.gone.iter().any(|gone| gone.contains(span)) && !self.dead.covers(span)
    }

    fn parsed(&self) -> &ParsedFile {
        self.world.project.file(self.file)
    }

    /// What still uses the pool that the expression at `site` gives.
    pub fn users_of_pool(&self, site: Span) -> Vec<String> {
        let file = self.parsed();
        let usage = file.language.usage(file.code(), site);
        if let Some(reason) = used_directly(file, site, &usage) {
            return vec![reason];
        }
        if let Usage::MethodCall(call) = &usage {
            return vec![stays_with(file, call)];
        }
        let binding = file
            .model
            .bindings
            .iter()
            .find(|binding| binding.value.is_some_and(|value| value.contains(site)));
        let Some(binding) = binding else {
            return vec!["the pool is used in a way that no rewrite takes over".to_owned()];
        };
        let reasons = self.readers(binding.scope, &binding.name);
        if reasons.is_empty() {
            return vec![format!(
                "`{}` is read by nothing, before the rewrites either",
                binding.name
            )];
        }
        reasons
    }

    /// What still reads a variable, the most telling use first.
    fn readers(&self, scope: ScopeId, name: &str) -> Vec<String> {
        let file = self.parsed();
        let left: Vec<Span> = file
            .model
            .references_to(scope, name)
            .map(|reference| reference.span)
            .filter(|span| self.is_left(*span))
            .collect();
        let mut handed: Vec<String> = Vec::new();
        let mut lines: BTreeSet<usize> = BTreeSet::new();
        for span in left {
            let usage = file.language.usage(file.code(), span);
            match used_directly(file, span, &usage) {
                _ if matches!(usage, Usage::MethodCall(_)) => {
                    if let Usage::MethodCall(call) = &usage {
                        handed.push(stays_with(file, call));
                    }
                }
                Some(reason) if !matches!(usage, Usage::Tested) => handed.push(format!(
                    "{reason} (line {})",
                    file.source.line_of(span.start)
                )),
                _ => {
                    lines.insert(file.source.line_of(span.start));
                }
            }
        }
        let scope_name = if scope == Model::MODULE {
            "the module variable "
        } else {
            ""
        };
        handed.truncate(NAMED);
        if !lines.is_empty() {
            handed.push(format!(
                "{scope_name}`{name}` is still read in {}",
                numbered(&lines)
            ));
        }
        handed
    }

    /// What still needs the attribute or the parameter that the site at `site` fills.
    pub fn users_of_holder(&self, site: Span) -> Vec<String> {
        let file = self.parsed();
        let own = |write: &&AttributeWrite| {
            site.contains(write.statement) || write.statement.contains(site)
        };
        let reasons = match file.outline.writes.iter().find(own) {
            Some(write) => self.users_of_attribute(write),
            None => self.users_of_parameter(site),
        };
        if reasons.is_empty() {
            vec!["something may still read it".to_owned()]
        } else {
            reasons
        }
    }

    fn users_of_attribute(&self, write: &AttributeWrite) -> Vec<String> {
        let file = self.parsed();
        let mut reasons = Vec::new();
        let own = matches!(write.object.text(file.text()), "self" | "cls");
        let class = file.model.class_around(write.scope).filter(|_| own);
        let Some(class) = class else {
            return vec![format!("`{}` belongs to another object", write.name)];
        };
        let family = Family::of(
            self.world,
            ClassRef {
                file: self.file,
                scope: class,
            },
        );
        let reads = family.reads(self.world, &write.name);
        let left = reads
            .iter()
            .filter(|(id, read)| *id != self.file || self.is_left(read.span));
        let (by_getter, left): (Vec<_>, Vec<_>) =
            left.partition(|(id, read)| self.getter_around(*id, read).is_some());
        let getters: BTreeSet<ScopeId> = by_getter
            .iter()
            .filter_map(|(id, read)| self.getter_around(*id, read))
            .collect();
        reasons.extend(
            getters
                .into_iter()
                .filter_map(|getter| self.callers_of(getter)),
        );
        let places: BTreeSet<(String, usize)> = left
            .iter()
            .map(|(id, read)| {
                let file = self.world.project.file(*id);
                (
                    file.source.path().to_owned(),
                    file.source.line_of(read.span.start),
                )
            })
            .collect();
        if !places.is_empty() {
            let named: Vec<String> = places
                .iter()
                .take(NAMED)
                .map(|(path, line)| format!("{path}:{line}"))
                .collect();
            let more = places.len().saturating_sub(NAMED);
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            reasons.push(format!(
                "`.{}` is still read at {}{more}",
                write.name,
                named.join(", ")
            ));
        }
        if let Some(path) = attribute::read_by_name(self.world, &write.name) {
            reasons.push(format!(
                "`{}` may be read by its name in {path}",
                write.name
            ));
        }
        if let Some(value) = write.value
            && let Expression::Name(name) = file.expression(value)
        {
            reasons.push(format!("the pool comes in by the parameter `{name}`, which callers may pass: pool injection"));
        }
        reasons
    }

    /// The method around a read of an attribute, if it gives the attribute to its callers.
    fn getter_around(&self, id: FileId, read: &AttributeRead) -> Option<ScopeId> {
        let file = self.parsed();
        if id != self.file {
            return None;
        }
        let method = file.model.function_around(read.scope)?;
        let gives = file.outline.returns.iter().any(|give_back| {
            let value = give_back.value.map(|span| file.expression(span));
            give_back.scope == method
                && matches!(value, Some(Expression::Attribute { name, .. }) if name == read.name)
        });
        gives.then_some(method)
    }

    /// Where a getter is still called.
    fn callers_of(&self, getter: ScopeId) -> Option<String> {
        let file = self.parsed();
        let name = &file.model.scope(getter).name;
        let left = file
            .outline
            .calls
            .iter()
            .filter(|call| call.name == *name && self.is_left(call.span));
        let lines: BTreeSet<usize> = left
            .map(|call| file.source.line_of(call.span.start))
            .collect();
        (!lines.is_empty()).then(|| format!("`{name}()` is still called in {}", numbered(&lines)))
    }

    fn users_of_parameter(&self, site: Span) -> Vec<String> {
        let file = self.parsed();
        let mut lines: BTreeSet<usize> = BTreeSet::new();
        for binding in file
            .model
            .bindings
            .iter()
            .filter(|b| b.kind == BindingKind::Parameter && site.contains(b.span))
        {
            let references = file.model.references_to(binding.scope, &binding.name);
            let left = references.filter(|reference| self.is_left(reference.span));
            lines.extend(left.map(|reference| file.source.line_of(reference.span.start)));
        }
        let mut reasons =
            vec!["callers may pass the pool to the constructor: pool injection".to_owned()];
        if !lines.is_empty() {
            reasons.push(format!(
                "the parameter is still read in {}",
                numbered(&lines)
            ));
        }
        reasons
    }
}

/// A call on the pool that is not rewritten keeps it.
fn stays_with(file: &ParsedFile, call: &MethodCall) -> String {
    format!(
        "stays with `.{}()` in line {}, which is not rewritten",
        call.method,
        file.source.line_of(call.call.start)
    )
}

/// What the surroundings do with a pool, where that says more than that they read it.
fn used_directly(file: &ParsedFile, span: Span, usage: &Usage) -> Option<String> {
    Some(match usage {
        Usage::Argument { callee, .. } if is_looked_at(callee.text(file.text())) => return None,
        Usage::Argument { callee, .. } => {
            let text = callee.text(file.text()).lines().next().unwrap_or_default();
            format!("the pool is handed to `{text}`: pool injection")
        }
        Usage::Returned => "the pool is returned to the caller".to_owned(),
        Usage::Yielded => "the pool is yielded to the caller".to_owned(),
        Usage::Stored => "the pool is kept beyond the function".to_owned(),
        Usage::Tested | Usage::Awaited if is_whole_statement(file, span) => {
            "nothing is done with the pool here; the call may be there to fail early".to_owned()
        }
        _ => return None,
    })
}

/// Functions that look at a value and do not keep it.
fn is_looked_at(callee: &str) -> bool {
    let builtin = [
        "str",
        "repr",
        "bool",
        "type",
        "id",
        "print",
        "isinstance",
        "hasattr",
        "getattr",
    ]
    .contains(&callee);
    builtin
        || ["logger.", "logging.", "log."]
            .iter()
            .any(|prefix| callee.starts_with(prefix))
}

/// Whether the expression at `span`, perhaps awaited, is a statement of its own.
fn is_whole_statement(file: &ParsedFile, span: Span) -> bool {
    let statement = file
        .language
        .statement(file.code(), span)
        .map(|statement| statement.text(file.text()));
    statement.is_some_and(|text| text.trim_start_matches("await").trim() == span.text(file.text()))
}

fn numbered(lines: &BTreeSet<usize>) -> String {
    let shown: Vec<String> = lines.iter().take(NAMED).map(ToString::to_string).collect();
    let noun = if lines.len() == 1 { "line" } else { "lines" };
    let more = if lines.len() > NAMED { " and more" } else { "" };
    format!("{noun} {}{more}", shown.join(", "))
}
