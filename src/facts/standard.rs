//! The standard module as its code defines it: what its helpers take and give, which function returns the shared pool, which registers one.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::facts::World;
use crate::facts::session_scope::{self, SessionScope};
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
    /// The keyword arguments that it takes.
    pub keywords: Vec<String>,
    /// How its result differs from the driver's (`rows become dicts`); empty where it does not.
    pub converts: Option<String>,
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
    /// Functions that make a pool the shared one.
    pub registrars: Vec<String>,
    /// Whether the scope with a user declares its user as text (`user_id: str`).
    pub rls_takes_text: bool,
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
            .chain(&standard.service);
        for name in names {
            let symbol = project.member_of(path, name);
            if let Symbol::Member { file, .. } = &symbol {
                module.homes.insert(*file);
            }
            module.members.insert(name.clone(), symbol);
            if !may_define(project, id, name) {
                module.absent.insert(name.clone());
            }
        }
        module.refuse_helpers(project, id, driver);
        for helper in module.helpers.values_mut() {
            if let Some((file, scope)) = defined(project, &module.members, id, &helper.name) {
                describe(file, scope, helper);
            }
        }
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
                let wanted = format!("{module}.{name}");
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
    pub fn is_pool_getter(&self, world: World<'_>, file: FileId, span: Span) -> bool {
        world
            .config
            .standard
            .pool
            .as_deref()
            .is_some_and(|name| self.is_member(world, file, span, name))
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
    let symbol = project.member_of(path, name);
    !matches!(symbol, Symbol::Unread { path: unread, .. } if unread == path)
        || parsed.model.imports.iter().any(unseen_star)
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

fn describe(file: &ParsedFile, scope: ScopeId, helper: &mut Helper) {
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
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Config;
    use crate::language;
    use crate::project::Project;
    use crate::recipe::{Library, builtin};
    use crate::source::SourceFile;
    use crate::sql::schema::Schema;

    fn parsed(path: &str, text: &str) -> Arc<ParsedFile> {
        let language: &'static dyn language::Language = &language::python::Python;
        let parsed = language::parse(language, text).expect("it parses");
        Arc::new(ParsedFile::new(
            SourceFile::new(path, text),
            parsed,
            language,
        ))
    }

    /// The standard module of one file, by these helpers.
    fn helpers(text: &str, helpers: &[(&str, &str)]) -> StandardModule {
        let files = vec![parsed("app/db.py", text)];
        let project = Project::new(files, ["app/db.py"]);
        let mut config = Config::default();
        config.standard.file = Some("app/db.py".into());
        let named = helpers
            .iter()
            .map(|(method, name)| ((*method).to_owned(), (*name).to_owned()));
        config.standard.helpers = named.collect();
        let library = Library::load(builtin()).expect("the built-in recipes load");
        StandardModule::read(&project, &config, &library.migrations["asyncpg"].driver)
    }

    const HELPERS: &str = "\
async def rows(sql, *args):
    async with pool.acquire() as conn:
        await conn.execute('SET ROLE reader')
        return await conn.fetch(sql, *args)
async def row(sql, *args):
    return await pool.fetchrow(sql, *args)
async def value(sql, *args):
    return await run('fetchval', sql, *args)
async def shared(sql, *args):
    await conn.execute('SELECT 1')
    return await inner(sql, *args)
async def inner(sql, *args):
    return await shared(sql, *args) or await pool.fetch(sql, *args)
";

    #[test]
    fn a_helper_that_does_another_method_is_not_used() {
        let standard = helpers(HELPERS, &[("fetch", "row"), ("fetchrow", "row")]);
        assert_eq!(standard.helpers.keys().collect::<Vec<_>>(), ["fetchrow"]);
        assert_eq!(
            standard.no_helper("fetch"),
            "`row` is not a helper for `.fetch()`: it calls `.fetchrow()`"
        );
        assert_eq!(
            standard.warnings,
            [
                "standard.helpers.fetch: `row` is not a helper for `.fetch()`: it calls `.fetchrow()`"
            ]
        );
        assert_eq!(
            standard.no_helper("execute"),
            "no helper stands for `.execute()`"
        );
    }

    #[test]
    fn a_helper_that_the_module_does_not_define_is_not_used() {
        let standard = helpers(HELPERS, &[("fetch", "nope")]);
        assert!(standard.helpers.is_empty());
        assert!(standard.absent.contains("nope"));
        assert_eq!(
            standard.no_helper("fetch"),
            "`nope` is not a helper for `.fetch()`: app/db.py does not define it"
        );
        assert!(
            standard.warnings.is_empty(),
            "the settings' own check says so"
        );
        let open = format!("from installed import *\n{HELPERS}");
        assert_eq!(helpers(&open, &[("fetch", "nope")]).helpers.len(), 1);
    }

    #[test]
    fn a_helper_that_also_does_more_or_does_it_elsewhere_is_one() {
        let standard = helpers(HELPERS, &[("fetch", "rows"), ("fetchval", "value")]);
        assert_eq!(standard.helpers.len(), 2);
        let standard = helpers(HELPERS, &[("fetch", "shared")]);
        assert_eq!(standard.helpers.len(), 1);
        assert!(standard.warnings.is_empty());
    }

    #[test]
    fn a_name_that_the_module_imports_is_a_name_of_the_module() {
        let files = [
            (
                "app/pool.py",
                "_pool = None\ndef register(pool):\n    global _pool\n    _pool = pool\ndef shared():\n    return _pool\ndef other(): pass\n",
            ),
            ("app/db.py", "from app.pool import shared as get\n"),
            (
                "app/a.py",
                "from app.pool import shared, other\nfrom app.db import get\nshared(), get(), other()\n",
            ),
        ];
        let files: Vec<Arc<ParsedFile>> = files
            .iter()
            .map(|(path, text)| parsed(path, text))
            .collect();
        let paths: Vec<String> = files
            .iter()
            .map(|file| file.source.path().to_owned())
            .collect();
        let project = Project::new(files, paths.iter().map(String::as_str));
        let mut config = Config::default();
        config.standard.file = Some("app/db.py".into());
        config.standard.pool = Some("get".into());
        let library = Library::load(builtin()).expect("the built-in recipes load");
        let driver = &library.migrations["asyncpg"].driver;
        let standard = StandardModule::read(&project, &config, driver);
        assert_eq!(standard.registrars, ["register"]);
        let linked = vec![true; project.files().count()];
        let world = World {
            project: &project,
            config: &config,
            driver,
            standard: &standard,
            schema: &Schema::default(),
            tests: &globset::GlobSet::empty(),
            linked: &linked,
            memo: &crate::facts::memo::Memo::default(),
        };
        let file = project.by_path("app/a.py").expect("it is there");
        let getters: Vec<(&str, bool)> = project
            .file(file)
            .outline
            .calls
            .iter()
            .map(|call| {
                let is_getter = standard.is_pool_getter(world, file, call.callee);
                (call.name.as_str(), is_getter)
            })
            .collect();
        assert_eq!(getters, [("shared", true), ("get", true), ("other", false)]);
    }
}
