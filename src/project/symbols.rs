//! What a name means: a definition of the project, or something from outside of it.

use std::collections::BTreeMap;

use crate::language::expression::Expression;
use crate::language::{self, Binding, BindingKind, Import, ImportKind, Model, ScopeId, ScopeKind};
use crate::project::{FileId, Modules, ParsedFile, Project};
use crate::source::Span;

/// How many imports are followed from file to file before giving up.
const HOPS: usize = 8;

/// A class of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassRef {
    /// Its file.
    pub file: FileId,
    /// The scope that it opens.
    pub scope: ScopeId,
}

/// A function or method of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionRef {
    /// Its file.
    pub file: FileId,
    /// The scope that it opens.
    pub scope: ScopeId,
}

/// What a name or a chain of attributes means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symbol {
    /// A variable, function or class at the top of a parsed file.
    Member {
        /// The file.
        file: FileId,
        /// The name there.
        name: String,
    },
    /// A module of the project.
    Module {
        /// Its path.
        path: String,
    },
    /// A name in a module of the project that was not parsed.
    Unread {
        /// The module's path.
        path: String,
        /// The name there.
        name: String,
    },
    /// Something from outside the project, by its dotted name: `asyncpg.create_pool`.
    External(String),
    /// A variable of a function or class.
    Local {
        /// The scope that owns it.
        scope: ScopeId,
        /// Its name.
        name: String,
    },
    /// A builtin, or a name that is bound nowhere.
    Unbound(String),
}

impl Project {
    /// What the expression at `span` means, if it is a name or a chain of attributes on modules.
    pub fn symbol(&self, file: FileId, span: Span) -> Option<Symbol> {
        self.symbol_within(file, span, HOPS)
    }

    fn symbol_within(&self, id: FileId, span: Span, hops: usize) -> Option<Symbol> {
        let file = self.file(id);
        match file.expression(span) {
            Expression::Name(name) => {
                let scope = file.model.scope_at(span.start);
                Some(self.name(id, scope, &name, hops))
            }
            Expression::Attribute { object, name } => {
                let object = self.symbol_within(id, object, hops.checked_sub(1)?)?;
                let object = match object {
                    Symbol::Unbound(package) if file.language.paths_begin_with_packages() => {
                        self.package(file.source.path(), &package)
                    }
                    bound => bound,
                };
                match object {
                    Symbol::Module { path } => Some(self.member(&path, &name, hops)),
                    Symbol::External(dotted) => {
                        // A folder without `__init__.py` is a package too.
                        let dotted = format!("{dotted}.{name}");
                        let found = self.modules().find(file.source.path(), &dotted, 0);
                        Some(match found {
                            Some(path) => Symbol::Module {
                                path: path.to_owned(),
                            },
                            None => Symbol::External(dotted),
                        })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What `name` means in `scope` of a file.
    pub fn name_in(&self, file: FileId, scope: ScopeId, name: &str) -> Symbol {
        self.name(file, scope, name, HOPS)
    }

    fn name(&self, id: FileId, scope: ScopeId, name: &str, hops: usize) -> Symbol {
        let model = &self.file(id).model;
        let Some(owner) = model.resolve(scope, name) else {
            return self
                .starred(id, name, hops)
                .unwrap_or_else(|| Symbol::Unbound(name.to_owned()));
        };
        if let Some(import) = import_of(self.file(id), owner, name) {
            return self.imported(id, import, name, hops);
        }
        if owner == Model::MODULE {
            return Symbol::Member {
                file: id,
                name: name.to_owned(),
            };
        }
        Symbol::Local {
            scope: owner,
            name: name.to_owned(),
        }
    }

    /// What an import of `name` brings in.
    fn imported(&self, from: FileId, import: &Import, name: &str, hops: usize) -> Symbol {
        let path = self.file(from).source.path();
        let outside = |tail: Option<&str>| {
            let dots = ".".repeat(import.level);
            let module = &import.module;
            Symbol::External(match tail {
                Some(tail) if module.is_empty() => format!("{dots}{tail}"),
                Some(tail) => format!("{dots}{module}.{tail}"),
                None => format!("{dots}{module}"),
            })
        };
        match &import.kind {
            // `import a.b` binds `a`; the chain behind it is followed as attributes.
            ImportKind::Module { aliased: false } if import.module.contains('.') => {
                self.package(path, name)
            }
            ImportKind::Module { .. } => {
                match self.modules().find(path, &import.module, import.level) {
                    Some(found) => Symbol::Module {
                        path: found.to_owned(),
                    },
                    None => outside(None),
                }
            }
            ImportKind::Name { name: original } => {
                match self.modules().find(path, &import.module, import.level) {
                    Some(found) => {
                        let found = found.to_owned();
                        self.member(&found, original, hops)
                    }
                    // `from package import module`, where the package has no file of its own.
                    None => match self.modules().find(
                        path,
                        &join(&import.module, original),
                        import.level,
                    ) {
                        Some(found) => Symbol::Module {
                            path: found.to_owned(),
                        },
                        None => outside(Some(original)),
                    },
                }
            }
            ImportKind::Star => Symbol::Unbound(name.to_owned()),
        }
    }

    fn package(&self, from: &str, name: &str) -> Symbol {
        match self.modules().find(from, name, 0) {
            Some(path) => Symbol::Module {
                path: path.to_owned(),
            },
            None => Symbol::External(name.to_owned()),
        }
    }

    /// What `name` means in the module at `path`: its own, what it imports, or a module beside it.
    pub fn member_of(&self, path: &str, name: &str) -> Symbol {
        self.member(path, name, HOPS)
    }

    /// What a name below the module at `path` means, whose parts are joined by `::`.
    pub fn below(&self, path: &str, name: &str) -> Symbol {
        let mut path = path.to_owned();
        let mut name = name;
        while let Some((part, rest)) = name.split_once("::") {
            match self.member_of(&path, part) {
                Symbol::Module { path: found } => path = found,
                other => return other,
            }
            name = rest;
        }
        self.member_of(&path, name)
    }

    fn member(&self, path: &str, name: &str, hops: usize) -> Symbol {
        let Some(hops) = hops.checked_sub(1) else {
            return Symbol::Unbound(name.to_owned());
        };
        let submodule = || {
            // Where files are the modules of a tree that begins in one, each knows those below it.
            let below = format!("self.{name}");
            let of_tree = language::for_path(path)
                .filter(|language| language.paths_begin_with_packages())
                .and_then(|_| self.modules().find(path, &below, 0));
            if let Some(found) = of_tree {
                return Some(Symbol::Module {
                    path: found.to_owned(),
                });
            }
            let folder = path.strip_suffix("/__init__.py")?;
            let inside = Modules::dotted(&format!("{folder}/{name}.py"));
            let found = self.modules().find(path, &inside, 0)?;
            Some(Symbol::Module {
                path: found.to_owned(),
            })
        };
        let Some(id) = self.by_path(path) else {
            return submodule().unwrap_or_else(|| Symbol::Unread {
                path: path.to_owned(),
                name: name.to_owned(),
            });
        };
        let model = &self.file(id).model;
        if model.resolve(Model::MODULE, name).is_some() {
            return self.name(id, Model::MODULE, name, hops);
        }
        submodule()
            .or_else(|| self.starred(id, name, hops))
            .unwrap_or_else(|| Symbol::Unread {
                path: path.to_owned(),
                name: name.to_owned(),
            })
    }

    /// A name that comes in by `from module import *`.
    fn starred(&self, id: FileId, name: &str, hops: usize) -> Option<Symbol> {
        let hops = hops.checked_sub(1)?;
        let file = self.file(id);
        let stars = file
            .model
            .imports
            .iter()
            .filter(|import| import.kind == ImportKind::Star);
        for import in stars {
            let path = file.source.path();
            let Some(found) = self.modules().find(path, &import.module, import.level) else {
                continue;
            };
            if let Some(other) = self.by_path(found)
                && self
                    .file(other)
                    .model
                    .resolve(Model::MODULE, name)
                    .is_some()
            {
                return Some(self.name(other, Model::MODULE, name, hops));
            }
        }
        None
    }

    /// The class that `symbol` names.
    pub fn class(&self, symbol: &Symbol, from: FileId) -> Option<ClassRef> {
        let (file, scope, name) = place_of(symbol, from)?;
        let opened = self.opened(file, scope, name, BindingKind::Class)?;
        Some(ClassRef {
            file,
            scope: opened,
        })
    }

    /// The function that `symbol` names.
    pub fn function(&self, symbol: &Symbol, from: FileId) -> Option<FunctionRef> {
        let (file, scope, name) = place_of(symbol, from)?;
        let opened = self.opened(file, scope, name, BindingKind::Function)?;
        Some(FunctionRef {
            file,
            scope: opened,
        })
    }

    fn opened(
        &self,
        file: FileId,
        scope: ScopeId,
        name: &str,
        kind: BindingKind,
    ) -> Option<ScopeId> {
        let bindings = self.file(file).model.bindings_of(scope, name);
        bindings
            .filter(|binding| binding.kind == kind)
            .last()
            .and_then(|binding| binding.opens)
    }

    /// The base classes of `class` that belong to the project, nearest first, itself first.
    pub fn lineage(&self, class: ClassRef) -> Vec<ClassRef> {
        self.lineages()
            .get(&class)
            .cloned()
            .unwrap_or_else(|| vec![class])
    }

    /// The classes of the project that inherit from `class`, itself not included.
    pub fn heirs(&self, class: ClassRef) -> Vec<ClassRef> {
        let others = self.lineages().iter().filter(|(heir, _)| **heir != class);
        others
            .filter(|(_, line)| line.contains(&class))
            .map(|(heir, _)| *heir)
            .collect()
    }

    fn lineages(&self) -> &BTreeMap<ClassRef, Vec<ClassRef>> {
        self.lineages.get_or_init(|| {
            let classes = self.files().flat_map(|(file, parsed)| {
                classes_of(&parsed.model).map(move |scope| ClassRef { file, scope })
            });
            classes
                .map(|class| (class, self.draw_lineage(class)))
                .collect()
        })
    }

    fn draw_lineage(&self, class: ClassRef) -> Vec<ClassRef> {
        let mut line = vec![class];
        let mut next = 0;
        while let Some(current) = line.get(next).copied() {
            next += 1;
            let bases = &self.file(current.file).model.scope(current.scope).bases;
            let mut found = Vec::new();
            for base in bases {
                self.named_classes(current.file, *base, HOPS, &mut found);
            }
            for base in found {
                if !line.contains(&base) && line.len() < 32 {
                    line.push(base);
                }
            }
        }
        line
    }

    /// The classes that an expression for a base class may give: behind other names for them, of a choice, or handed to a function that
    /// makes a class of them.
    fn named_classes(&self, file: FileId, span: Span, hops: usize, found: &mut Vec<ClassRef>) {
        let Some(hops) = hops.checked_sub(1) else {
            return;
        };
        match self.file(file).expression(span) {
            Expression::Same(value) | Expression::Index { object: value, .. } => {
                self.named_classes(file, value, hops, found);
            }
            Expression::Either(values) => {
                for value in values {
                    self.named_classes(file, value, hops, found);
                }
            }
            Expression::Call { arguments, .. } => {
                for argument in arguments {
                    self.named_classes(file, argument.value(), hops, found);
                }
            }
            Expression::Name(_) | Expression::Attribute { .. } => {
                let Some(symbol) = self.symbol(file, span) else {
                    return;
                };
                if let Some(class) = self.class(&symbol, file) {
                    found.push(class);
                } else if let Some((file, scope, name)) = place_of(&symbol, file) {
                    let bindings = self.file(file).model.bindings_of(scope, name);
                    for value in bindings.filter_map(|binding| binding.value) {
                        self.named_classes(file, value, hops, found);
                    }
                }
            }
            _ => {}
        }
    }

    /// The method `name` of `class` or of its nearest base that has one.
    pub fn method(&self, class: ClassRef, name: &str) -> Option<FunctionRef> {
        self.lineage(class).into_iter().find_map(|class| {
            let scope = self.opened(class.file, class.scope, name, BindingKind::Function)?;
            Some(FunctionRef {
                file: class.file,
                scope,
            })
        })
    }
}

/// Where a name of the project that is used in the file `from` is bound.
fn place_of(symbol: &Symbol, from: FileId) -> Option<(FileId, ScopeId, &str)> {
    match symbol {
        Symbol::Member { file, name } => Some((*file, Model::MODULE, name)),
        Symbol::Local { scope, name } => Some((from, *scope, name)),
        _ => None,
    }
}

/// The scopes of the classes of a file.
pub(crate) fn classes_of(model: &Model) -> impl Iterator<Item = ScopeId> + '_ {
    let scopes = model.scopes.iter().enumerate();
    scopes
        .filter(|(_, scope)| scope.kind == ScopeKind::Class)
        .map(|(index, _)| ScopeId(index as u32))
}

/// The import that binds a variable, if nothing else does but a fallback to `None` where the import fails.
fn import_of<'f>(file: &'f ParsedFile, scope: ScopeId, name: &str) -> Option<&'f Import> {
    let fallback = |binding: &Binding| {
        binding.kind == BindingKind::Assignment
            && binding
                .value
                .is_some_and(|value| file.expression(value) == Expression::Null)
    };
    let other = |binding: &Binding| {
        !matches!(binding.kind, BindingKind::Import | BindingKind::Delete) && !fallback(binding)
    };
    if file.model.bindings_of(scope, name).any(other) {
        return None;
    }
    file.model
        .imports
        .iter()
        .find(|import| import.scope == scope && import.local == name)
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::language;
    use crate::source::SourceFile;

    /// What is called in the first file, in the order of the calls.
    fn called(files: &[(&str, &str)]) -> Vec<String> {
        let parsed = files.iter().map(|(path, text)| {
            let language = language::for_path(path).expect("a language");
            let parsed = language::parse(language, text).expect("it parses");
            Arc::new(ParsedFile::new(
                SourceFile::new(*path, *text),
                parsed,
                language,
            ))
        });
        let paths = files.iter().map(|(path, _)| *path);
        let project = Project::new(parsed.collect(), paths);
        let file = FileId(0);
        let calls = project.file(file).outline.calls.iter();
        calls
            .map(|call| match project.symbol(file, call.callee) {
                Some(Symbol::External(dotted)) => dotted,
                Some(Symbol::Member { file, name }) => {
                    format!("{} {name}", project.file(file).source.path())
                }
                Some(other) => format!("{other:?}"),
                None => "?".to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_path_of_rust_is_followed_to_its_crate_or_out_of_the_project() {
        let found = called(&[
            (
                "web/src/main.rs",
                "use sqlx::postgres::PgPoolOptions as Options;\nuse db::get;\nmod own;\nfn main() {\n sqlx::query(q);\n Options::new();\n get();\n own::run();\n crate::own::run();\n db::rls::begin();\n own::again();\n}\n",
            ),
            (
                "web/src/own.rs",
                "pub use db::get as again;\npub fn run() {}\n",
            ),
            ("db/src/lib.rs", "pub mod rls;\npub fn get() {}\n"),
            ("db/src/rls.rs", "pub fn begin() {}\n"),
        ]);
        assert_eq!(
            found,
            [
                "sqlx.query",
                "sqlx.postgres.PgPoolOptions.new",
                "db/src/lib.rs get",
                "web/src/own.rs run",
                "web/src/own.rs run",
                "db/src/rls.rs begin",
                "db/src/lib.rs get"
            ]
        );
    }
}
