//! Filling in templates: names of the standard module become local names, the identity becomes an expression of the site.

use crate::facts::identity::typed as identity;
use crate::facts::standard::{may_define, setting};
use crate::facts::types::{Type, Types, last_part, shown};
use crate::finding::{Identity, NeededImport};
use crate::language::expression::AttributeWrite;
use crate::language::usage::Usage;
use crate::project::{FileId, Project};
use crate::recipe::{Template, TemplatePart};
use crate::rewrite::imports::{self, Target};
use crate::rewrite::paths;
use crate::rewrite::{Refusal, Subject};

/// A filled template.
pub(super) struct Filled {
    /// The text.
    pub(super) text: String,
    /// The imports that it needs.
    pub(super) imports: Vec<NeededImport>,
    /// Whether it opens the scope with a user.
    pub(super) with_user: bool,
    /// The standard's name in it, for reports.
    pub(super) target: String,
    /// What is not proven of the scope that it opens.
    pub(super) unproven: Vec<String>,
}

/// Fills `template` for the site at `at`.
pub(super) fn fill(
    subject: Subject<'_>,
    template: &Template,
    at: usize,
) -> Result<Filled, Refusal> {
    let mut filled = Filled {
        text: String::new(),
        imports: Vec::new(),
        with_user: false,
        target: String::new(),
        unproven: Vec::new(),
    };
    for part in &template.parts {
        match part {
            TemplatePart::Text(text) => filled.text.push_str(text),
            TemplatePart::Standard(key) => {
                let name = subject.world.config.standard.get(key).ok_or_else(|| {
                    Refusal::one(format!(
                        "the project has no `standard.{key}`; name it in connmod.yaml"
                    ))
                })?;
                filled.with_user |= key == "rls";
                filled.unproven.extend(opened(subject, key, name)?);
                name.clone_into(&mut filled.target);
                filled
                    .text
                    .push_str(&name_at(subject, name, at, &mut filled.imports)?);
            }
            TemplatePart::Library { module, name } => {
                let target = Target { module, path: None };
                let (project, file) = (subject.world.project, subject.file);
                let reach =
                    imports::reach(project, file, target, name, at).map_err(Refusal::taken)?;
                filled.imports.extend(reach.needed);
                filled.text.push_str(&reach.local);
            }
            TemplatePart::Pool => filled.text.push_str(&lent_pool(subject)?),
            TemplatePart::Purpose => filled.text.push_str(&purpose(subject)),
            TemplatePart::Identity => filled.text.push_str(&identity_text(subject)?),
            TemplatePart::Capture(name) => {
                filled.text.push_str(subject.text(subject.capture(name)?));
            }
        }
    }
    Ok(filled)
}

/// The site's pool as it is handed to a function that takes a reference to one.
fn lent_pool(subject: Subject<'_>) -> Result<String, Refusal> {
    let pool = subject.capture("POOL")?;
    let text = subject.text(pool);
    let types = Types::new(subject.world.project, subject.world.driver);
    let is_reference = match types.declared(subject.file, pool) {
        Type::Named { is_reference, .. } => is_reference,
        _ => false,
    };
    let file = subject.parsed();
    // Where a query is run on it, it is lent already.
    let is_lent = is_reference
        || text.starts_with('&')
        || matches!(
            file.language.usage(file.code(), pool),
            Usage::Argument { .. }
        );
    Ok(if is_lent {
        text.to_owned()
    } else {
        format!("&{text}")
    })
}

/// What the scope `name` does besides lending a connection; an error where it cannot be opened.
fn opened(subject: Subject<'_>, key: &str, name: &str) -> Result<Vec<String>, Refusal> {
    let Some(reading) = subject.world.standard.scopes.get(key) else {
        return Ok(Vec::new());
    };
    let said = |why: &String| match key {
        "service" => format!("`{name}` does more than to lend what was taken: {why}"),
        _ => format!("`{name}` is not the scope that is asked for: {why}"),
    };
    Refusal::unless_empty(reading.refused.iter().map(said).collect())?;
    let mut unproven: Vec<String> = reading.differs.iter().map(said).collect();
    let read = subject.world.schema.setting_names();
    if let Some(settings) = &reading.settings {
        let read: Vec<String> = read.iter().map(|name| setting::plain(name)).collect();
        let known = settings.iter().any(|name| read.contains(name));
        if !known && !settings.is_empty() && !read.is_empty() {
            let names: Vec<&str> = settings.iter().map(String::as_str).collect();
            unproven.push(format!(
                "`{name}` sets `{}`, and the policies read `{}`",
                names.join("`, `"),
                read.join("`, `")
            ));
        }
    }
    Ok(unproven)
}

/// The flag that decides which way is gone, as it is written at the site.
pub(super) fn flag(subject: Subject<'_>, at: usize) -> Result<Filled, Refusal> {
    let flag = subject.world.config.flag.as_deref();
    let Some((module, expression)) = flag.and_then(|flag| flag.split_once(':')) else {
        return Err(Refusal::one(
            "the project has no `flag` that decides which way is gone; name it in connmod.yaml",
        ));
    };
    let (name, rest) = expression.split_at(expression.find('.').unwrap_or(expression.len()));
    let (project, file) = (subject.world.project, subject.file);
    let target = Target { module, path: None };
    let reach = imports::reach(project, file, target, name, at).map_err(Refusal::taken)?;
    Ok(Filled {
        text: format!("{}{rest}", reach.local),
        imports: reach.needed.into_iter().collect(),
        with_user: false,
        target: String::new(),
        unproven: doubt_of_flag(project, file, module, expression)?
            .into_iter()
            .collect(),
    })
}

/// Why the flag may not say the same at the acquire and at the release.
fn doubt_of_flag(
    project: &Project,
    file: FileId,
    module: &str,
    expression: &str,
) -> Result<Option<String>, Refusal> {
    let from = project.file(file).source.path();
    let home = project.modules().find(from, module, 0);
    let name = expression
        .split(['.', '(', '['])
        .next()
        .unwrap_or(expression);
    let Some(home) = home else {
        return Ok(Some(format!(
            "`{module}` is no module of the project: whether it has `{name}`, and that this stays while a connection is out, is not known"
        )));
    };
    let is_missing = |id: &FileId| !may_define(project, *id, name);
    if project.by_path(home).as_ref().is_some_and(is_missing) {
        return Err(Refusal::one(format!(
            "the flag cannot be imported: {home} defines no `{name}`"
        )));
    }
    let last = expression.rsplit('.').next().unwrap_or(expression);
    let mut writes = project.writes_named(last);
    let write = writes.next().filter(|_| expression.contains('.'));
    let told = |(file, write): (FileId, &AttributeWrite)| {
        let place = project.place(file, write.statement);
        format!(
            "the flag is set at {place}: a connection that is out then would be given back the other way"
        )
    };
    Ok(write.map(told))
}

/// What a connection is said to be for: by the settings' rule, of the context, the function and the module of the site.
fn purpose(subject: Subject<'_>) -> String {
    let config = subject.world.config;
    let rule = config.purpose.as_deref().unwrap_or("{context}");
    let path = subject.parsed().source.path();
    let module = path.rsplit('/').next().unwrap_or(path);
    let module = module.split('.').next().unwrap_or(module);
    let function = subject.facts.function.as_deref().unwrap_or(module);
    let text = rule
        .replace("{context}", &subject.facts.context.name)
        .replace("{function}", function)
        .replace("{module}", module);
    // Names of contexts are free text; what would end the quotes does not get in.
    let plain = |c: char| c.is_alphanumeric() || " _-.:/".contains(c);
    text.chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect()
}

/// The local name of a member of the standard module.
pub(super) fn name_at(
    subject: Subject<'_>,
    name: &str,
    at: usize,
    imports: &mut Vec<NeededImport>,
) -> Result<String, Refusal> {
    let standard = &subject.world.config.standard;
    let module = standard.module.as_deref().ok_or_else(|| {
        Refusal::one("the project has no `standard.module`; name it in connmod.yaml")
    })?;
    if subject.world.standard.absent.contains(name) {
        let file = standard.file.as_deref().unwrap_or(module);
        return Err(Refusal::one(format!("{file} does not define `{name}`")));
    }
    let target = Target {
        module,
        path: standard.file.as_deref(),
    };
    let by_path = subject.parsed().language.paths_begin_with_packages();
    let project = subject.world.project;
    let reach = if by_path {
        paths::reach(project, subject.file, target, name, at)
    } else {
        imports::reach(project, subject.file, target, name, at)
    };
    let reach = reach.map_err(Refusal::taken)?;
    imports.extend(reach.needed);
    Ok(reach.local)
}

/// The identity as the scope takes it: as text where the scope declares its user as text and the expression is not known to be one.
fn identity_text(subject: Subject<'_>) -> Result<String, Refusal> {
    let (Identity::Bound { expression } | Identity::Optional { expression, .. }) =
        &subject.facts.identity
    else {
        return Err(Refusal::one("no user identity is in scope"));
    };
    if subject.parsed().language.is_typed() {
        return user(subject, expression);
    }
    let wrap = subject.world.standard.rls_takes_text
        && !expression.starts_with("str(")
        && !is_text(subject, expression);
    let file = subject.parsed();
    let scope = file.model.scope_at(subject.hit.site.start);
    if wrap && file.model.resolve(scope, "str").is_some() {
        return Err(Refusal::taken("the name `str` means something else here"));
    }
    Ok(if wrap {
        format!("str({expression})")
    } else {
        expression.clone()
    })
}

/// The user as the standard's function takes it: lent, unless it is copied anyway.
fn user(subject: Subject<'_>, expression: &str) -> Result<String, Refusal> {
    let (world, id) = (subject.world, subject.file);
    let types = Types::new(world.project, world.driver);
    let site = subject.hit.site;
    let Some(found) = identity::type_of(world, id, site, expression) else {
        return Err(Refusal::one("no user identity is in scope"));
    };
    if matches!(&found, Type::Named { name, .. } if last_part(name) == "Option") {
        return Err(Refusal::one(format!(
            "`{expression}` is an `Option`; take the user out of it first"
        )));
    }
    let lent = if identity::is_copied(world, &found) {
        expression.to_owned()
    } else {
        format!("&{expression}")
    };
    let wanted = world.standard.user_scope.and_then(|function| {
        let file = world.project.file(function.file);
        let parameters = &file.model.scope(function.scope).parameters;
        let annotation = parameters.get(1)?.annotation?;
        Some((annotation, function))
    });
    let Some((annotation, function)) = wanted else {
        return Ok(lent);
    };
    match types.written(function.file, annotation, function.scope) {
        // Whatever can be written as text.
        Type::Promise(text) if text.contains("Display") || text.contains("ToString") => {
            match identity::not_as_text(world, &found) {
                Some(why) => Err(Refusal::one(format!(
                    "the user cannot be handed over: {why}"
                ))),
                None => Ok(lent),
            }
        }
        Type::Named {
            name, is_reference, ..
        } if matches!(&types.plain(&found), Type::Named { name: own, .. } if last_part(own) == last_part(&name)) =>
        {
            let is_lent = matches!(
                found,
                Type::Named {
                    is_reference: true,
                    ..
                }
            );
            Ok(match (is_reference, is_lent) {
                (true, false) => format!("&{expression}"),
                (false, true) => format!("*{expression}"),
                _ => expression.to_owned(),
            })
        }
        other => Err(Refusal::one(format!(
            "the standard takes the user as {}, and `{expression}` is {}",
            shown(&other),
            shown(&found)
        ))),
    }
}

/// Whether a plain name is declared as text.
fn is_text(subject: Subject<'_>, expression: &str) -> bool {
    let file = subject.parsed();
    let scope = file.model.scope_at(subject.hit.site.start);
    let Some(owner) = file.model.resolve(scope, expression) else {
        return false;
    };
    let mut annotations = file
        .model
        .bindings_of(owner, expression)
        .filter_map(|binding| binding.annotation);
    annotations.any(|span| span.text(file.text()) == "str")
}
