//! The standard module as its code defines it: what its helpers take and give, which function returns the shared pool, which registers one.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::facts::World;
use crate::language::expression::{Argument, Expression};
use crate::language::{Model, Parameter, ParameterKind, ScopeId};
use crate::project::{FileId, FunctionRef, ParsedFile, Project, Symbol};
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
    /// Functions that make a pool the shared one.
    pub registrars: Vec<String>,
    /// Whether the scope with a user declares its user as text (`user_id: str`).
    pub rls_takes_text: bool,
    /// What the names of the settings mean, seen from the module.
    members: BTreeMap<String, Symbol>,
    /// The files that define them.
    homes: BTreeSet<FileId>,
}

impl StandardModule {
    /// Reads the module that `config` names.
    pub fn read(project: &Project, config: &Config) -> Self {
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
            .chain(&standard.rls);
        for name in names {
            let symbol = project.member_of(path, name);
            if let Symbol::Member { file, .. } = &symbol {
                module.homes.insert(*file);
            }
            module.members.insert(name.clone(), symbol);
        }
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
        let getter = standard
            .pool
            .as_deref()
            .and_then(|name| defined(project, &module.members, id, name));
        if let Some((file, scope)) = getter {
            module.registrars = registrars(file, scope);
        }
        module
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
        let model = language.model(text, &parsed.tree);
        let outline = language.outline(text, &parsed.tree, &model);
        Arc::new(ParsedFile {
            source: SourceFile::new(path, text),
            tree: parsed.tree,
            model,
            outline,
            language,
            errors: Vec::new(),
        })
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
        let standard = StandardModule::read(&project, &config);
        assert_eq!(standard.registrars, ["register"]);
        let library = Library::load(builtin()).expect("the built-in recipes load");
        let world = World {
            project: &project,
            config: &config,
            driver: &library.migrations["asyncpg"].driver,
            standard: &standard,
            schema: &Schema::default(),
            tests: &globset::GlobSet::empty(),
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
