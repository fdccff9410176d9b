//! The standard module as its code defines it: what its helpers take and give, which function returns the shared pool, which registers one.

pub mod reading;
pub mod setting;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::facts::World;
use crate::facts::session_scope::{self, SessionScope};
use crate::facts::standard::reading::given::{self, Form};
use crate::facts::standard::reading::{Lends, Reading, WITHOUT_RESULT};
use crate::language::expression::{Argument, Expression};
use crate::language::{ImportKind, Model, Parameter, ParameterKind, ScopeId};
use crate::project::{FileId, FunctionRef, ParsedFile, Project, Symbol};
use crate::recipe::Driver;
use crate::source::Span;

/// What one helper takes and gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Helper {
    /// Its name.
    pub name: String,
    /// Whether query parameters are passed one by one (`*args`).
    pub spreads: bool,
    /// How many arguments it takes by position before the rest; `execute_many(query, rows)`: 2.
    pub positional: usize,
    /// The keyword arguments that it takes and passes on.
    pub keywords: Vec<String>,
    /// Those that it takes and its query never gets.
    pub ignored: Vec<String>,
    /// How its result differs from the driver's (`rows become dicts`); empty where it does not.
    pub converts: Option<String>,
    /// The arguments that it needs by position, in order, and those that it needs by name.
    pub required: (Vec<String>, Vec<String>),
    /// What it does besides the method, as its code says.
    pub reading: Reading,
}

/// The standard module, read from its code.
#[derive(Debug, Clone, Default)]
pub struct StandardModule {
    /// Its file, if it was read.
    pub file: Option<FileId>,
    /// Helpers by the connection method that they stand for.
    pub helpers: BTreeMap<String, Helper>,
    /// Methods whose helper of the settings cannot stand for them, and why.
    pub refused: BTreeMap<String, String>,
    /// Names of the settings that the module's code does not define.
    pub absent: BTreeSet<String>,
    /// What the settings say of the module and its code does not bear out, a line each; names that it lacks are not among them.
    pub warnings: Vec<String>,
    /// What its scopes do, by the keys of the settings: `scope`, `rls`.
    pub scopes: BTreeMap<&'static str, Reading>,
    /// Whether its getter gives a pool without being told which.
    pub getter_needs: Vec<String>,
    /// Functions that make a pool the shared one.
    pub registrars: Vec<String>,
    /// Whether the scope with a user declares its user as text (`user_id: str`).
    pub rls_takes_text: bool,
    /// The function that sets the user, for a standard that is told which pool.
    pub user_scope: Option<FunctionRef>,
    /// What its scope does, for a driver with sessions.
    pub session: SessionScope,
    /// What its dependency does.
    pub dependency: SessionScope,
    /// What the names of the settings mean, seen from the module.
    members: BTreeMap<String, Symbol>,
    /// The files that define them.
    homes: BTreeSet<FileId>,
}

impl StandardModule {
    /// Reads the module that `config` names.
    pub fn read(project: &Project, config: &Config, driver: &Driver) -> Self {
        let mut module = Self::default();
        let standard = &config.standard;
        for (method, name) in &standard.helpers {
            // Until the code says more: the query, and its parameters one by one.
            let helper = Helper {
                name: name.clone(),
                spreads: method != "executemany",
                positional: 1 + usize::from(method == "executemany"),
                ..Helper::default()
            };
            module.helpers.insert(method.clone(), helper);
        }
        let path = standard.file.as_deref();
        let Some((path, id)) = path.and_then(|path| Some((path, project.by_path(path)?))) else {
            return module;
        };
        module.file = Some(id);
        module.homes.insert(id);
        let names = standard
            .helpers
            .values()
            .chain(&standard.pool)
            .chain(&standard.scope)
            .chain(&standard.rls)
            .chain(&standard.factory)
            .chain(&standard.dependency)
            .chain(&standard.service)
            .chain(&standard.begin)
            .chain(&standard.system);
        for name in names {
            let symbol = project.below(path, name);
            if let Symbol::Member { file, .. } = &symbol {
                module.homes.insert(*file);
            }
            module.members.insert(name.clone(), symbol);
            if !may_define(project, id, name) {
                module.absent.insert(name.clone());
            }
        }
        module.refuse_helpers(project, id, driver);
        module.read_helpers(project, id, config, driver);
        module.read_scopes(project, id, config, driver);
        let rls = standard
            .rls
            .as_deref()
            .and_then(|name| defined(project, &module.members, id, name));
        if let Some((file, scope)) = rls {
            let first = file.model.scope(scope).parameters.first();
            let annotation = first.and_then(|parameter| parameter.annotation);
            module.rls_takes_text = annotation.is_some_and(|span| span.text(file.text()) == "str");
        }
        let member = |name: &Option<String>| module.members.get(name.as_deref()?);
        let factory = member(&standard.factory);
        let scope_of =
            |name: &Option<String>| session_scope::read(project, id, member(name), factory, driver);
        (module.session, module.dependency) =
            (scope_of(&standard.scope), scope_of(&standard.dependency));
        let getter = standard
            .pool
            .as_deref()
            .and_then(|name| defined(project, &module.members, id, name));
        if let Some((file, scope)) = getter {
            module.registrars = registrars(file, scope);
        }
        module
    }

    /// What the helpers take, give and do besides.
    fn read_helpers(&mut self, project: &Project, home: FileId, config: &Config, driver: &Driver) {
        let pool = config.standard.pool.as_ref();
        let pool = pool.and_then(|name| self.members.get(name)).cloned();
        for (method, mut helper) in std::mem::take(&mut self.helpers) {
            let symbol = self.members.get(&helper.name);
            let function = symbol.and_then(|symbol| project.function(symbol, home));
            let Some(function) = function else {
                self.helpers.insert(method, helper);
                continue;
            };
            describe(
                project.file(function.file),
                function.scope,
                &mut helper,
                &method,
            );
            helper.reading = reading::helper(project, driver, pool.as_ref(), function, &method);
            if let Some(passes) = &helper.reading.passes {
                let keywords = std::mem::take(&mut helper.keywords).into_iter();
                (helper.keywords, helper.ignored) =
                    keywords.partition(|keyword| passes.contains(keyword));
            }
            let (file, scope) = (project.file(function.file), function.scope);
            if let Some(why) = not_by_position(file, scope, &method) {
                let place = project.place(function.file, file.model.scope(scope).span);
                helper.reading.refused.insert(0, format!("{why} ({place})"));
            }
            let name = &helper.name;
            let refused = helper
                .reading
                .refused
                .first()
                .map(|why| format!("`{name}` is not a helper for `.{method}()`: {why}"));
            let doubts = helper.reading.differs.iter().chain(&helper.reading.result);
            let doubts = doubts.map(|why| format!("`{name}` is not just `.{method}()`: {why}"));
            let warnings: Vec<String> = match &refused {
                Some(refused) => vec![refused.clone()],
                None => doubts.collect(),
            };
            let warnings = warnings
                .into_iter()
                .map(|warning| format!("standard.helpers.{method}: {warning}"));
            self.warnings.extend(warnings);
            match refused {
                Some(reason) => {
                    self.refused.insert(method, reason);
                }
                None => {
                    self.helpers.insert(method, helper);
                }
            }
        }
    }

    /// What the scopes do, and whether they and the getter can be called as rewrites do.
    fn read_scopes(&mut self, project: &Project, home: FileId, config: &Config, driver: &Driver) {
        let standard = &config.standard;
        if driver.pool_is_given {
            return self.read_given(project, home, config, driver);
        }
        let function = |name: &str| {
            let symbol = self.members.get(name)?;
            Some((symbol, project.function(symbol, home)))
        };
        let scopes = [
            ("scope", &standard.scope, Lends::Plain),
            ("rls", &standard.rls, Lends::ForUser),
            ("dependency", &standard.dependency, Lends::Inside),
        ];
        let mut warnings = Vec::new();
        for (key, name, lends) in scopes {
            let Some((name, (symbol, function))) = name
                .as_deref()
                .and_then(|name| Some((name, function(name)?)))
            else {
                continue;
            };
            let reading = match function {
                Some(function) if driver.session.is_some() => {
                    let factory = standard.factory.as_ref();
                    let factory = factory.and_then(|name| self.members.get(name));
                    let mut reading = reading::session(project, driver, function, factory);
                    // A framework fills the parameters of a dependency.
                    if lends != Lends::Inside {
                        reading.refused = reading::not_callable(project, function, 0);
                    }
                    reading
                }
                Some(function) => {
                    let pool = standard.pool.as_ref();
                    let pool = pool.and_then(|name| self.members.get(name));
                    reading::scope(project, driver, pool, function, lends)
                }
                None if driver.session.is_some() => Reading::default(),
                None => reading::openable(project, symbol, home),
            };
            let reasons = reading.refused.iter().chain(&reading.differs);
            warnings.extend(reasons.map(|why| format!("standard.{key}: `{name}`: {why}")));
            self.scopes.insert(key, reading);
        }
        if let Some(name) = &standard.service {
            let symbol = self.members.get(name);
            let reading = symbol.map_or_else(Reading::default, |symbol| {
                reading::service(project, driver, symbol, home)
            });
            let reasons = reading.differs.iter();
            warnings.extend(reasons.map(|why| format!("standard.service: `{name}`: {why}")));
            self.scopes.insert("service", reading);
        }
        if let Some(name) = &standard.pool
            && let Some((_, Some(function))) = function(name)
        {
            let needs = reading::not_callable(project, function, 0);
            warnings.extend(
                needs
                    .iter()
                    .map(|why| format!("standard.pool: `{name}`: {why}")),
            );
            self.getter_needs = needs;
        }
        self.warnings.extend(warnings);
    }

    /// What the functions do that are told which pool.
    fn read_given(&mut self, project: &Project, home: FileId, config: &Config, driver: &Driver) {
        let standard = &config.standard;
        let forms = [
            ("system", &standard.system, Form::System),
            ("scope", &standard.scope, Form::Acquire),
            ("begin", &standard.begin, Form::Begin),
            ("rls", &standard.rls, Form::Rls),
        ];
        for (key, name, wanted) in forms {
            let symbol = name.as_deref().and_then(|name| self.members.get(name));
            let function = symbol.and_then(|symbol| project.function(symbol, home));
            let (Some(name), Some(function)) = (name, function) else {
                continue;
            };
            let reading = given::read(project, driver, function, wanted);
            let reasons = reading.refused.iter().chain(&reading.differs);
            let lines = reasons.map(|why| format!("standard.{key}: `{name}`: {why}"));
            self.warnings.extend(lines);
            self.scopes.insert(key, reading);
            if wanted == Form::Rls {
                self.user_scope = Some(function);
            }
        }
    }

    /// Drops the helpers that cannot stand for the method that the settings give them: no rewrite may use them.
    fn refuse_helpers(&mut self, project: &Project, home: FileId, driver: &Driver) {
        for (method, helper) in std::mem::take(&mut self.helpers) {
            let name = &helper.name;
            let why = if self.absent.contains(name) {
                let path = project.file(home).source.path();
                Some(format!("{path} does not define it"))
            } else {
                let symbol = self.members.get(name);
                let function = symbol.and_then(|symbol| project.function(symbol, home));
                let why =
                    function.and_then(|function| does_another(project, function, &method, driver));
                self.warnings.extend(why.as_ref().map(|why| {
                    format!(
                        "standard.helpers.{method}: `{name}` is not a helper for `.{method}()`: {why}"
                    )
                }));
                why
            };
            match why {
                Some(why) => {
                    let reason = format!("`{name}` is not a helper for `.{method}()`: {why}");
                    self.refused.insert(method, reason);
                }
                None => {
                    self.helpers.insert(method, helper);
                }
            }
        }
    }

    /// Why no helper stands for `method`.
    pub fn no_helper(&self, method: &str) -> String {
        self.refused.get(method).map_or_else(
            || format!("no helper stands for `.{method}()`"),
            String::clone,
        )
    }

    /// Whether `file` is the module itself, or one that defines what the module gives on.
    pub fn is_file(&self, file: FileId) -> bool {
        self.homes.contains(&file)
    }

    /// Whether the expression at `span` means the member `name` of the module.
    pub fn is_member(&self, world: World<'_>, file: FileId, span: Span, name: &str) -> bool {
        let Some(symbol) = world.project.symbol(file, span) else {
            return false;
        };
        if self.members.get(name) == Some(&symbol) {
            return true;
        }
        let standard = &world.config.standard;
        match symbol {
            Symbol::Unread { path, name: found } => {
                found == name && standard.file.as_deref() == Some(path.as_str())
            }
            // The module is not part of the tree: its name has to do.
            Symbol::External(dotted) => standard.module.as_deref().is_some_and(|module| {
                let wanted = format!("{module}.{}", name.replace("::", "."));
                dotted == wanted
                    || dotted.ends_with(&format!(".{wanted}"))
                    || wanted.ends_with(&format!(".{dotted}"))
            }),
            _ => false,
        }
    }

    /// The member of the module that the expression at `span` means.
    pub fn member<'n>(
        &self,
        world: World<'_>,
        file: FileId,
        span: Span,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Option<&'n str> {
        names
            .into_iter()
            .find(|name| self.is_member(world, file, span, name))
    }

    /// Whether the expression at `span` means the function that returns the shared pool.
    ///
    /// One that has to be told which pool gives several, of which none is the shared one.
    pub fn is_pool_getter(&self, world: World<'_>, file: FileId, span: Span) -> bool {
        let is_getter = world
            .config
            .standard
            .pool
            .as_deref()
            .is_some_and(|name| self.is_member(world, file, span, name));
        is_getter && self.getter_needs.is_empty()
    }

    /// Whether a symbol is the module's session factory.
    pub fn is_factory(&self, world: World<'_>, symbol: &Symbol) -> bool {
        let factory = world.config.standard.factory.as_deref();
        factory.is_some_and(|name| self.members.get(name) == Some(symbol))
    }

    /// Whether the value that the expression at `created` makes is handed to a registrar by the file.
    pub fn registers(&self, world: World<'_>, file: FileId, created: Span) -> bool {
        let parsed = world.project.file(file);
        let binding = parsed.model.bindings.iter().find(|binding| {
            binding.value.is_some_and(|value| {
                value.contains(created)
                    && !matches!(parsed.expression(value), Expression::Call { .. })
                    || value == created
            })
        });
        let Some(binding) = binding else { return false };
        parsed.outline.calls.iter().any(|call| {
            self.registrars.contains(&call.name)
                && matches!(parsed.expression(call.span), Expression::Call { arguments, .. } if arguments.iter().any(|argument| {
                    let value = argument.value();
                    let target = parsed.model.resolve(parsed.model.scope_at(value.start), value.text(parsed.text()));
                    matches!(argument, Argument::Positional(_)) && value.text(parsed.text()) == binding.name && target == Some(binding.scope)
                }))
        })
    }
}

/// The definition of a member: its file and scope.
fn defined<'p>(
    project: &'p Project,
    members: &BTreeMap<String, Symbol>,
    home: FileId,
    name: &str,
) -> Option<(&'p ParsedFile, ScopeId)> {
    let FunctionRef { file, scope } = project.function(members.get(name)?, home)?;
    Some((project.file(file), scope))
}

/// Whether the module in `file` may have a member of this name: what it takes from modules that are not seen may be anything.
pub fn may_define(project: &Project, file: FileId, name: &str) -> bool {
    let parsed = project.file(file);
    let path = parsed.source.path();
    let unseen_star = |import: &crate::language::Import| {
        import.kind == ImportKind::Star
            && project
                .modules()
                .find(path, &import.module, import.level)
                .is_none_or(|found| project.by_path(found).is_none())
    };
    let symbol = project.below(path, name);
    // In a part of the module that was not parsed it may be all the same.
    let lacks = match &symbol {
        Symbol::Unread { path: unread, .. } => project.by_path(unread).is_some(),
        _ => false,
    };
    !lacks || parsed.model.imports.iter().any(unseen_star)
}

/// What a function does instead of calling `method`, where it and the functions of the project that it calls show that: nothing is said
/// of a function that calls no query method at all.
fn does_another(
    project: &Project,
    function: FunctionRef,
    method: &str,
    driver: &Driver,
) -> Option<String> {
    let mut seen = BTreeSet::from([function]);
    let mut open = vec![function];
    let mut others: Vec<String> = Vec::new();
    while let Some(FunctionRef { file: id, scope }) = open.pop() {
        let file = project.file(id);
        let body = file.model.scope(scope).body;
        let calls = file.outline.calls.iter();
        for call in calls.filter(|call| body.contains(call.span)) {
            let is_method = matches!(file.expression(call.callee), Expression::Attribute { .. });
            if is_method && driver.query_methods.contains(&call.name) {
                if call.name == method {
                    return None;
                }
                let other = format!("`.{}()`", call.name);
                if !others.contains(&other) {
                    others.push(other);
                }
            }
            let symbol = project.symbol(id, call.callee);
            let called = symbol.and_then(|symbol| project.function(&symbol, id));
            open.extend(called.filter(|called| seen.insert(*called)));
        }
    }
    (!others.is_empty()).then(|| format!("it calls {}", others.join(", ")))
}

fn describe(file: &ParsedFile, scope: ScopeId, helper: &mut Helper, method: &str) {
    let parameters = &file.model.scope(scope).parameters;
    let by_position = |parameter: &&Parameter| {
        matches!(
            parameter.kind,
            ParameterKind::PositionalOnly | ParameterKind::Positional
        )
    };
    helper.spreads = parameters
        .iter()
        .any(|parameter| parameter.kind == ParameterKind::Rest);
    helper.positional = parameters.iter().filter(by_position).count();
    let needed = |parameter: &&Parameter| parameter.default.is_none();
    let names = |parameter: &Parameter| parameter.name.clone();
    let positional = parameters.iter().filter(by_position);
    let by_name = parameters
        .iter()
        .filter(|parameter| parameter.kind == ParameterKind::KeywordOnly);
    helper.required = (
        positional.filter(needed).map(names).collect(),
        by_name.filter(needed).map(names).collect(),
    );
    // The parameters of a query come one by one, or all in one where they are sets of them.
    let own = 1 + usize::from(method == WITHOUT_RESULT);
    helper.positional = helper.positional.min(own);
    helper.keywords = parameters
        .iter()
        .filter(|parameter| {
            // Before `*args` a keyword would shift the parameters of the query.
            parameter.kind == ParameterKind::KeywordOnly
                || (!helper.spreads && parameter.kind == ParameterKind::Positional)
        })
        .map(|parameter| parameter.name.clone())
        .collect();
    let text = file.model.scope(scope).body.text(file.text());
    let result = ["dict(", "[dict("]
        .iter()
        .any(|conversion| text.contains(conversion));
    helper.converts = result.then(|| "rows become dicts".to_owned());
}

/// Why a helper takes neither the query first nor its parameters directly behind it.
fn not_by_position(file: &ParsedFile, scope: ScopeId, method: &str) -> Option<String> {
    let parameters = &file.model.scope(scope).parameters;
    let positional = parameters.iter().filter(|parameter| {
        matches!(
            parameter.kind,
            ParameterKind::PositionalOnly | ParameterKind::Positional
        )
    });
    let rest = parameters
        .iter()
        .any(|parameter| parameter.kind == ParameterKind::Rest);
    let own = 1 + usize::from(method == WITHOUT_RESULT);
    let mut positional = positional.skip(own);
    match positional.next() {
        Some(further) if rest => Some(format!(
            "it takes `{}` in the place of a parameter of the query",
            further.name
        )),
        _ => {
            let takes = rest
                || parameters.iter().any(|p| {
                    p.kind == ParameterKind::Positional || p.kind == ParameterKind::PositionalOnly
                });
            (!takes).then(|| "it takes no query by position".to_owned())
        }
    }
}

/// The functions that store a parameter where the getter at `getter` finds the pool.
fn registrars(file: &ParsedFile, getter: ScopeId) -> Vec<String> {
    let stored: Vec<String> = file
        .outline
        .returns
        .iter()
        .filter(|give_back| give_back.scope == getter)
        .filter_map(|give_back| give_back.value)
        .map(|value| last_part(value.text(file.text())).to_owned())
        .collect();
    let mut names: Vec<String> = Vec::new();
    let mut add = |scope: ScopeId, value: Option<Span>| {
        let function = file.model.scope(scope);
        let text = value.map(|span| span.text(file.text()));
        let from_parameter = function
            .parameters
            .iter()
            .any(|parameter| Some(parameter.name.as_str()) == text);
        if from_parameter && scope != getter && !names.contains(&function.name) {
            names.push(function.name.clone());
        }
    };
    for write in file
        .outline
        .writes
        .iter()
        .filter(|write| stored.contains(&write.name))
    {
        if let Some(function) = file.model.function_around(write.scope) {
            add(function, write.value);
        }
    }
    for binding in file
        .model
        .bindings
        .iter()
        .filter(|binding| binding.scope == Model::MODULE && stored.contains(&binding.name))
    {
        if let Some(function) = file.model.function_around(binding.executed_in) {
            add(function, binding.value);
        }
    }
    names
}

fn last_part(text: &str) -> &str {
    text.rsplit('.').next().unwrap_or(text)
}

#[cfg(test)]
mod tests;
