//! Whether a value may be `None`: by what a name is declared as, by what an expression looks up, by what a function gives back.

use crate::facts::World;
use crate::facts::passing;
use crate::language::expression::{Argument, Expression};
use crate::language::{BindingKind, Model};
use crate::project::{ClassRef, FileId, FunctionRef, Symbol};
use crate::source::Span;

/// How many values, functions and aliases deep is looked.
pub(super) const DEPTH: usize = 6;

/// Functions of libraries that give `None` where they find nothing.
const FINDERS: [&str; 4] = ["os.getenv", "re.match", "re.search", "re.fullmatch"];

/// Whether an annotation allows `None`: in quotes, inside of another type, or by a name that stands for such a type.
pub(super) fn is_optional(world: World<'_>, id: FileId, annotation: &str) -> bool {
    allows(world, id, annotation, DEPTH)
}

fn allows(world: World<'_>, id: FileId, annotation: &str, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let bare = annotation.replace(['"', '\''], "");
    if bare.contains("Optional[") || bare.split(['|', ',', '[', ']']).any(|p| p.trim() == "None") {
        return true;
    }
    let mut words = bare.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.any(|word| {
        let named = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let symbol = named.then(|| world.project.name_in(id, Model::MODULE, word));
        let Some(Symbol::Member { file, name }) = symbol else {
            return false;
        };
        let parsed = world.project.file(file);
        let mut bindings = parsed.model.bindings_of(Model::MODULE, &name);
        bindings.any(|binding| {
            let value = match binding.kind {
                BindingKind::Assignment | BindingKind::Annotation => {
                    binding.value.map(|value| value.text(parsed.text()))
                }
                BindingKind::Type => {
                    let statement = binding.statement.text(parsed.text());
                    statement.split_once('=').map(|(_, value)| value)
                }
                _ => None,
            };
            value.is_some_and(|value| allows(world, file, value, depth))
        })
    })
}

/// Whether the expression at `span` may give `None`.
pub(super) fn may_be(world: World<'_>, id: FileId, span: Span, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let file = world.project.file(id);
    let text = |span: Span| span.text(file.text());
    match file.expression(span) {
        Expression::Null => true,
        Expression::Same(inner) => {
            // `a and b` is `a` where that is nothing.
            let before = text(Span::new(span.start, inner.start));
            before.trim_end().ends_with(" and") || may_be(world, id, inner, depth)
        }
        Expression::Either(options) => {
            // `a or b` is `b` where `a` is nothing.
            let between = options
                .windows(2)
                .next()
                .map(|pair| Span::new(pair[0].end, pair[1].start));
            let between = between.map(text).unwrap_or_default();
            let last_only = between.trim() == "or";
            let counted = options.len().saturating_sub(1) * usize::from(last_only);
            options[counted..]
                .iter()
                .any(|option| may_be(world, id, *option, depth))
        }
        Expression::Call { callee, arguments } => {
            let null = |at: usize| {
                let given = arguments.get(at).map(Argument::value);
                given.is_some_and(|given| file.expression(given) == Expression::Null)
            };
            let name = text(callee);
            let last = name.rsplit('.').next().unwrap_or(name);
            let is_method = name.contains('.');
            let external = match world.project.symbol(id, callee) {
                Some(Symbol::External(dotted)) => FINDERS.contains(&dotted.as_str()),
                _ => false,
            };
            let looks_up = match (last, is_method) {
                // No entry; no row, or a column that is empty.
                ("get" | "fetchval" | "fetchrow", true) => true,
                ("pop", true) | ("next", false) => null(1),
                ("getattr", false) => null(2),
                ("Depends" | "Security", _) => {
                    let depends = arguments.first().map(Argument::value);
                    depends.is_some_and(|function| gives(world, id, function, depth))
                }
                _ => false,
            };
            looks_up || external && arguments.len() < 3 || gives(world, id, callee, depth)
        }
        Expression::Name(name) => {
            let Some(owner) = file.model.resolve(file.model.scope_at(span.start), &name) else {
                return false;
            };
            if file.language.known_present(file.code(), &name, span) {
                return false;
            }
            let mut bindings = file.model.bindings_of(owner, &name);
            bindings.any(|binding| {
                let annotated = binding.annotation.map(text);
                let value = binding.value.filter(|value| !value.contains(span));
                annotated.is_some_and(|text| allows(world, id, text, depth))
                    || binding.kind != BindingKind::For
                        && binding.kind != BindingKind::With
                        && value.is_some_and(|value| may_be(world, id, value, depth))
            })
        }
        _ => false,
    }
}

/// Whether the function that `callee` names may give `None`.
fn gives(world: World<'_>, id: FileId, callee: Span, depth: usize) -> bool {
    passing::target(world, id, callee)
        .is_some_and(|function| function_gives(world, function, depth))
}

/// Whether a function may give `None`: by its declaration, by what it returns, or by running to its end.
fn function_gives(world: World<'_>, function: FunctionRef, depth: usize) -> bool {
    let file = world.project.file(function.file);
    let scope = file.model.scope(function.scope);
    if scope.is_generator {
        return false;
    }
    let header = Span::new(scope.span.start, scope.body.start.max(scope.span.start));
    let declared = header.text(file.text()).rsplit_once("->");
    let declared = declared.filter(|(before, _)| before.trim_end().ends_with(')'));
    if let Some((_, result)) = declared
        && allows(
            world,
            function.file,
            result.trim().trim_end_matches(':').trim(),
            DEPTH,
        )
    {
        return true;
    }
    let returns = file.outline.returns.iter();
    let mut returns = returns.filter(|give_back| give_back.scope == function.scope);
    returns.any(|give_back| {
        give_back
            .value
            .is_none_or(|value| may_be(world, function.file, value, depth))
    }) || declared.is_none() && file.language.runs_to_end(file.code(), scope.body)
}

/// Whether a class (or a base) declares or sets an attribute, and if so whether that may be `None`.
pub(super) fn member(world: World<'_>, class: ClassRef, name: &str) -> Option<bool> {
    world.project.lineage(class).into_iter().find_map(|class| {
        let file = world.project.file(class.file);
        if let Some(binding) = file.model.bindings_of(class.scope, name).next() {
            if let Some(scope) = binding
                .opens
                .filter(|_| binding.kind == BindingKind::Function)
            {
                let property = FunctionRef {
                    file: class.file,
                    scope,
                };
                return Some(function_gives(world, property, DEPTH));
            }
            let annotation = binding.annotation.map(|span| span.text(file.text()));
            let optional = annotation.is_some_and(|text| is_optional(world, class.file, text));
            let null = |span: Span| file.expression(span) == Expression::Null;
            // `Field(default=None)`
            let default = binding
                .value
                .is_some_and(|value| match file.expression(value) {
                    Expression::Call { arguments, .. } => arguments.iter().any(|a| null(a.value())),
                    _ => null(value),
                });
            return Some(optional || default);
        }
        let body = file.model.scope(class.scope).span;
        let writes = file.outline.writes.iter();
        let set: Vec<Option<Span>> = writes
            .filter(|write| write.name == name && body.contains(write.statement))
            .map(|write| write.value)
            .collect();
        let missing = |value: &Option<Span>| {
            value.is_some_and(|value| may_be(world, class.file, value, DEPTH))
        };
        (!set.is_empty()).then(|| set.iter().any(missing))
    })
}
