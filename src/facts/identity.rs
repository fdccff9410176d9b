//! The user on whose behalf a place runs: which of the project's identity expressions is in scope, and whether it may be missing.

mod absent;
pub mod typed;

use crate::facts::World;
use crate::facts::identity::absent::member;
use crate::finding::Identity;
use crate::language::expression::{Argument, Expression};
use crate::language::{Binding, BindingKind, Model, ParameterKind, ScopeId, ScopeKind};
use crate::project::{ClassRef, FileId};
use crate::source::Span;

/// The best identity expression of the settings that is in scope at `at`.
pub fn at(world: World<'_>, file: FileId, at: Span) -> Identity {
    let candidates = world.config.identity.iter();
    let mut fallback = Identity::None;
    for expression in candidates {
        match candidate(world, file, at, expression) {
            Some(found @ Identity::Bound { .. }) => return found,
            Some(found) if fallback == Identity::None => fallback = found,
            _ => {}
        }
    }
    fallback
}

/// What the expression at `argument`, which a scope is opened with, says of the user.
pub fn of_argument(world: World<'_>, file: FileId, argument: Span) -> Identity {
    let parsed = world.project.file(file);
    if parsed.language.is_typed() {
        // What may be missing does not compile where a text is wanted.
        let expression = argument.text(parsed.text()).to_owned();
        return Identity::Bound { expression };
    }
    // `str(user_id)` makes a text of whatever there is, `None` too.
    let inner = match parsed.expression(argument) {
        Expression::Call { callee, arguments } if callee.text(parsed.text()) == "str" => {
            arguments.first().map_or(argument, Argument::value)
        }
        _ => argument,
    };
    let expression = inner.text(parsed.text()).to_owned();
    match parsed.expression(inner) {
        Expression::Null => Identity::Optional {
            expression,
            why: "it is `None`".to_owned(),
        },
        Expression::Name(_)
        | Expression::Attribute { .. }
        | Expression::Index { .. }
        | Expression::Call { .. } => match missing(world, file, inner, &expression) {
            Some(why) => Identity::Optional { expression, why },
            None => Identity::Bound { expression },
        },
        Expression::Either(options)
            if options
                .iter()
                .any(|o| parsed.expression(*o) == Expression::Null) =>
        {
            Identity::Optional {
                expression,
                why: "it may be `None`".to_owned(),
            }
        }
        _ => Identity::Bound { expression },
    }
}

/// Tries one expression of the settings at a place.
fn candidate(world: World<'_>, id: FileId, at: Span, expression: &str) -> Option<Identity> {
    let file = world.project.file(id);
    if file.language.is_typed() {
        return typed::candidate(world, id, at, expression);
    }
    let inner = expression
        .strip_prefix("str(")
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(expression);
    let end = inner.find(['.', '[', '(']).unwrap_or(inner.len());
    let (root, rest) = inner.split_at(end);
    let scope = file.model.scope_at(at.start);
    let owner = file.model.resolve(scope, root)?;
    let function = file.model.scope(owner);
    // `*user_id` and `**user_id` are no user, but several.
    let several = function.parameters.iter().any(|parameter| {
        parameter.name == root
            && matches!(
                parameter.kind,
                ParameterKind::Rest | ParameterKind::KeywordRest
            )
    });
    if function.kind != ScopeKind::Function || several {
        return None;
    }
    let bound = file
        .model
        .bindings_of(owner, root)
        .any(|binding| is_bound(world, id, binding, owner, at))
        || bound_in_branches(world, id, owner, root, at);
    let deleted = file
        .model
        .bindings_of(owner, root)
        .any(|binding| binding.kind == BindingKind::Delete);
    let is_user_itself = !rest.is_empty() && is_identity(world, id, owner, root);
    if !bound || deleted || is_user_itself || !has_member(world, id, owner, root, rest) {
        return None;
    }
    let uncertain = hiding(world, id, owner, root)
        .or_else(|| rebound(world, id, owner, root, at))
        .or_else(|| path_parameter(world, id, owner, root))
        .or_else(|| assigned_member(world, id, inner, at));
    if let Some(why) = uncertain {
        return Some(Identity::Optional {
            expression: expression.to_owned(),
            why,
        });
    }
    let why = if rest.is_empty() {
        variable_missing(world, id, owner, root, at)
    } else if present(world, id, inner, at) {
        None
    } else if rest.contains(".get(") {
        Some(format!("`{inner}` gives `None` where there is none"))
    } else {
        // What may be missing itself has no attribute that could be relied on.
        member_missing(world, id, owner, root, rest)
            .or_else(|| variable_missing(world, id, owner, root, at))
    };
    let expression = expression.to_owned();
    Some(match why {
        Some(why) => Identity::Optional { expression, why },
        None => Identity::Bound { expression },
    })
}

/// Whether a variable is given the user by another of the expressions: `user = ctx.user_id` has nothing that `user.id` could mean.
fn is_identity(world: World<'_>, id: FileId, owner: ScopeId, root: &str) -> bool {
    let file = world.project.file(id);
    let values = file
        .model
        .bindings_of(owner, root)
        .filter_map(|binding| binding.value);
    let texts: Vec<&str> = values.map(|value| value.text(file.text())).collect();
    let mut identities = world.config.identity.iter();
    identities.any(|identity| texts.contains(&identity.as_str()))
}

/// A parameter of a nested function that hides a variable of the function around it: what it is called with need not be a user.
fn hiding(world: World<'_>, id: FileId, owner: ScopeId, root: &str) -> Option<String> {
    let file = world.project.file(id);
    let parameter = file
        .model
        .bindings_of(owner, root)
        .find(|binding| binding.kind == BindingKind::Parameter && binding.annotation.is_none())?;
    let around = file.model.scope(owner).parent?;
    let hidden = file.model.resolve(around, root)?;
    if file.model.scope(hidden).kind != ScopeKind::Function {
        return None;
    }
    let line = file.source.line_of(parameter.span.start);
    Some(format!(
        "`{root}` is a parameter of a nested function (line {line}), and what it is called with is not followed"
    ))
}

/// A parameter that is bound again before the site no longer holds what the caller passed.
fn rebound(world: World<'_>, id: FileId, owner: ScopeId, root: &str, at: Span) -> Option<String> {
    let file = world.project.file(id);
    let bindings = || file.model.bindings_of(owner, root);
    // A nested function runs at any time: what is bound later, or by another function, may be what it finds.
    let runs_later = file.function_at(at.start) != Some(owner);
    let unseen = bindings().find(|binding| {
        let elsewhere = file.model.function_around(binding.executed_in) != Some(owner);
        binding.kind != BindingKind::Parameter
            && (elsewhere || runs_later && binding.span.start > at.start)
    });
    if let Some(unseen) = unseen {
        let line = file.source.line_of(unseen.span.start);
        return Some(format!("`{root}` is bound again (line {line})"));
    }
    if !bindings().any(|binding| binding.kind == BindingKind::Parameter) {
        return None;
    }
    let again = bindings()
        .find(|binding| binding.kind != BindingKind::Parameter && binding.span.start < at.start)?;
    let line = file.source.line_of(again.span.start);
    Some(format!("`{root}` is bound again (line {line})"))
}

/// A parameter of the path is chosen by whoever sends the request, not the user who is signed in.
fn path_parameter(world: World<'_>, id: FileId, owner: ScopeId, root: &str) -> Option<String> {
    let file = world.project.file(id);
    let scope = file.model.scope(owner);
    let mut decorators = scope.decorators.iter().map(|span| span.text(file.text()));
    let in_path = |text: &str| {
        [format!("{{{root}}}"), format!("{{{root}:")]
            .iter()
            .any(|part| text.contains(part.as_str()))
    };
    decorators
        .any(in_path)
        .then(|| format!("`{root}` is a parameter of the path, which the caller chooses"))
}

/// An assignment to the identity expression itself before the site.
fn assigned_member(world: World<'_>, id: FileId, inner: &str, at: Span) -> Option<String> {
    let file = world.project.file(id);
    let function = file.function_at(at.start);
    let write = file.outline.writes.iter().find(|write| {
        let target = format!("{}.{}", write.object.text(file.text()), write.name);
        let on_path = inner == target || inner.starts_with(&format!("{target}."));
        on_path
            && write.statement.start < at.start
            && file.function_at(write.statement.start) == function
    })?;
    Some(format!(
        "`{inner}` is set in line {}",
        file.source.line_of(write.statement.start)
    ))
}

fn present(world: World<'_>, id: FileId, expression: &str, at: Span) -> bool {
    let file = world.project.file(id);
    file.language.known_present(file.code(), expression, at)
}

/// Whether a binding has run on every path to `at`.
fn is_bound(world: World<'_>, id: FileId, binding: &Binding, owner: ScopeId, at: Span) -> bool {
    let file = world.project.file(id);
    match binding.kind {
        BindingKind::Parameter => true,
        BindingKind::Delete
        | BindingKind::Import
        | BindingKind::Function
        | BindingKind::Class
        | BindingKind::Except
        | BindingKind::Pattern
        | BindingKind::Comprehension => false,
        BindingKind::Annotation if binding.value.is_none() => false,
        // A loop may have no round.
        BindingKind::For => {
            let body = file.language.body(file.code(), binding.statement);
            body.is_some_and(|body| body.contains(at))
        }
        _ => {
            // A nested function runs after the definition that it closes over only if that comes first.
            binding.executed_in == owner
                && file.language.dominates(file.code(), binding.statement, at)
        }
    }
}

/// Whether every path to `at` runs one of the assignments: another one in each branch.
fn bound_in_branches(world: World<'_>, id: FileId, owner: ScopeId, root: &str, at: Span) -> bool {
    let file = world.project.file(id);
    let assigned = file
        .model
        .bindings_of(owner, root)
        .filter(|binding| binding.kind == BindingKind::Assignment && binding.executed_in == owner);
    let statements: Vec<Span> = assigned.map(|binding| binding.statement).collect();
    statements.len() > 1 && file.language.one_has_run(file.code(), &statements, at)
}

/// Whether the root can have the attribute or key that `rest` asks for, as far as its declared type tells.
fn has_member(world: World<'_>, id: FileId, owner: ScopeId, root: &str, rest: &str) -> bool {
    let Some(attribute) = rest.strip_prefix('.') else {
        return rest.is_empty() || !is_declared_as_object(world, id, owner, root);
    };
    let attribute: String = attribute
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    match class_of(world, id, owner, root) {
        Declared::Class(class) => {
            member(world, class, &attribute).is_some() || has_open_base(world, class)
        }
        Declared::Plain => matches!(attribute.as_str(), "get"),
        Declared::Unknown => true,
    }
}

/// What the declared type of a variable is.
enum Declared {
    /// A class of the project.
    Class(ClassRef),
    /// A type without attributes of its own: text, number, mapping.
    Plain,
    /// Not known.
    Unknown,
}

fn class_of(world: World<'_>, id: FileId, owner: ScopeId, root: &str) -> Declared {
    let file = world.project.file(id);
    let Some(annotation) = file
        .model
        .bindings_of(owner, root)
        .find_map(|binding| binding.annotation)
    else {
        return Declared::Unknown;
    };
    let text = annotation.text(file.text());
    let bare = text
        .trim_matches(['"', '\''])
        .trim_start_matches("Optional[")
        .trim_end_matches(']')
        .split('|')
        .map(str::trim)
        .find(|part| *part != "None")
        .unwrap_or(text);
    let head = bare.split(['[', '(', ',']).next().unwrap_or(bare).trim();
    if matches!(
        head,
        "str"
            | "int"
            | "UUID"
            | "uuid.UUID"
            | "float"
            | "bool"
            | "bytes"
            | "dict"
            | "Dict"
            | "list"
            | "Mapping"
    ) {
        return Declared::Plain;
    }
    let name = head.rsplit('.').next().unwrap_or(head);
    let symbol = world.project.name_in(id, Model::MODULE, name);
    match world.project.class(&symbol, id) {
        Some(class) => Declared::Class(class),
        None => Declared::Unknown,
    }
}

/// Whether the root is declared as a class of the project, which is not indexed by a key.
fn is_declared_as_object(world: World<'_>, id: FileId, owner: ScopeId, root: &str) -> bool {
    matches!(class_of(world, id, owner, root), Declared::Class(_))
}

/// A base class from outside the project may bring any attribute in.
fn has_open_base(world: World<'_>, class: ClassRef) -> bool {
    world.project.lineage(class).into_iter().any(|class| {
        let file = world.project.file(class.file);
        file.model.scope(class.scope).bases.iter().any(|base| {
            let known = [
                "BaseModel",
                "object",
                "ABC",
                "NamedTuple",
                "TypedDict",
                "Protocol",
                "Generic",
            ];
            let text = base.text(file.text());
            let last = text.rsplit('.').next().unwrap_or(text);
            let own = world
                .project
                .symbol(class.file, *base)
                .and_then(|symbol| world.project.class(&symbol, class.file));
            own.is_none() && !known.contains(&last)
        })
    })
}

/// Whether a callee looks a key up and gives `None` where there is none.
fn is_lookup(callee: &str) -> bool {
    callee
        .rsplit_once('.')
        .is_some_and(|(_, method)| method == "get")
}

/// How the attribute of the identity can be missing.
fn member_missing(
    world: World<'_>,
    id: FileId,
    owner: ScopeId,
    root: &str,
    rest: &str,
) -> Option<String> {
    let attribute = rest.strip_prefix('.')?;
    let Declared::Class(class) = class_of(world, id, owner, root) else {
        return None;
    };
    member(world, class, attribute)?.then(|| {
        let file = world.project.file(class.file);
        let class = &file.model.scope(class.scope).name;
        format!("`{class}.{attribute}` may be `None`")
    })
}

/// How a plain variable can be missing.
fn variable_missing(
    world: World<'_>,
    id: FileId,
    owner: ScopeId,
    name: &str,
    at: Span,
) -> Option<String> {
    if present(world, id, name, at) {
        return None;
    }
    let file = world.project.file(id);
    let mut bindings = file
        .model
        .bindings_of(owner, name)
        .filter(|binding| binding.span.start < at.start);
    bindings.find_map(|binding| {
        let annotated = binding
            .annotation
            .is_some_and(|span| absent::is_optional(world, id, span.text(file.text())));
        let line = file.source.line_of(binding.span.start);
        if annotated {
            return Some(format!(
                "`{name}` is declared as optional (line {line}) and not checked"
            ));
        }
        let value = binding.value?;
        let text = value.text(file.text());
        let is_element = matches!(binding.kind, BindingKind::For | BindingKind::With);
        let null = !is_element
            && (absent::may_be(world, id, value, absent::DEPTH)
                || of_member(world, id, value).is_some());
        null.then(|| format!("`{name}` may be `None` (line {line}: `{text}`)"))
    })
}

/// How the identity that a scope is opened with can be missing.
fn missing(world: World<'_>, id: FileId, span: Span, expression: &str) -> Option<String> {
    if present(world, id, expression, span) {
        return None;
    }
    let file = world.project.file(id);
    match file.expression(span) {
        Expression::Name(name) => {
            let owner = file.model.resolve(file.model.scope_at(span.start), &name)?;
            variable_missing(world, id, owner, &name, span)
        }
        Expression::Attribute { .. } => of_member(world, id, span),
        Expression::Call { callee, .. } if is_lookup(callee.text(file.text())) => {
            Some(format!("`{expression}` gives `None` where there is none"))
        }
        Expression::Call { .. } => absent::may_be(world, id, span, absent::DEPTH)
            .then(|| format!("`{expression}` may return `None`")),
        _ => None,
    }
}

/// How an attribute of a variable can be missing: `ctx.user_id`, where nothing shows that it is there.
fn of_member(world: World<'_>, id: FileId, span: Span) -> Option<String> {
    let file = world.project.file(id);
    let Expression::Attribute { object, name } = file.expression(span) else {
        return None;
    };
    let Expression::Name(root) = file.expression(object) else {
        return None;
    };
    if present(world, id, span.text(file.text()), span) {
        return None;
    }
    let owner = file.model.resolve(file.model.scope_at(span.start), &root)?;
    member_missing(world, id, owner, &root, &format!(".{name}"))
}
