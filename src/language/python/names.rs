//! Which variable a name means, once the whole file is walked.
//!
//! The rules are those of `CPython`'s `symtable.c`; a differential test holds them to it.

use std::collections::{HashMap, HashSet};

use crate::language::model::{
    Binding, BindingKind, Declaration, Import, Model, Reference, Scope, ScopeId, ScopeKind,
    in_source_order,
};
use crate::language::name::Names;

/// What a scope says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    /// `global x`
    Global,
    /// `nonlocal x`
    Nonlocal,
}

/// What the walk collected.
pub(super) struct Draft<'s> {
    pub(super) scopes: Vec<Scope>,
    pub(super) names: Names,
    pub(super) declared: HashMap<(ScopeId, &'s str), Declared>,
    /// Their `target` is not known.
    pub(super) declarations: Vec<Declaration>,
    /// Their `scope` is the one they stand in.
    pub(super) bindings: Vec<Binding>,
    /// Their `target` is not known.
    pub(super) references: Vec<Reference>,
    /// Their `scope` is the one they stand in; with each the index of its binding.
    pub(super) imports: Vec<(Import, Option<usize>)>,
    /// Calls by name of functions that make names dynamic, if the name is the builtin's.
    pub(super) builtin_calls: Vec<(ScopeId, &'s str)>,
    pub(super) dynamic: bool,
}

/// Gives every name its variable, and everything its final order.
pub(super) fn resolve(draft: Draft<'_>) -> Model {
    let Draft {
        scopes,
        names: _,
        declared,
        mut declarations,
        mut bindings,
        mut references,
        imports,
        builtin_calls,
        mut dynamic,
    } = draft;
    let owners: Vec<ScopeId> = {
        let owned = owned(&scopes, &declared, &bindings);
        let mut resolver = Resolver {
            scopes: &scopes,
            declared: &declared,
            owned: &owned,
            from_inside: HashMap::new(),
        };
        for reference in &mut references {
            reference.target = resolver.lookup(reference.scope, &reference.name);
        }
        for declaration in &mut declarations {
            declaration.target = resolver.lookup(declaration.scope, &declaration.name);
        }
        dynamic |= builtin_calls
            .iter()
            .any(|(scope, name)| resolver.lookup(*scope, name).is_none());
        bindings
            .iter()
            .map(|binding| resolver.owner(home(&scopes, binding), &binding.name))
            .collect()
    };
    for (binding, owner) in bindings.iter_mut().zip(owners) {
        binding.scope = owner;
    }
    let imports = imports
        .into_iter()
        .map(|(import, index)| Import {
            scope: index.map_or(import.scope, |index| bindings[index].scope),
            ..import
        })
        .collect();
    in_source_order(scopes, bindings, references, declarations, imports, dynamic)
}

/// The scope that a binding in a comprehension's walrus reaches; for all others, the one they stand in.
fn home(scopes: &[Scope], binding: &Binding) -> ScopeId {
    let mut id = binding.executed_in;
    if binding.kind == BindingKind::Walrus {
        while let Scope {
            kind: ScopeKind::Comprehension,
            parent: Some(parent),
            ..
        } = &scopes[id.0 as usize]
        {
            id = *parent;
        }
    }
    id
}

/// The variables that each scope owns: what it binds and does not declare, and for the module what any scope declares `global`.
fn owned<'a>(
    scopes: &[Scope],
    declared: &HashMap<(ScopeId, &str), Declared>,
    bindings: &'a [Binding],
) -> HashSet<(ScopeId, &'a str)> {
    let mut owned = HashSet::new();
    for binding in bindings {
        let home = home(scopes, binding);
        let name = binding.name.as_str();
        match declared.get(&(home, name)) {
            None => owned.insert((home, name)),
            Some(Declared::Global) => owned.insert((Model::MODULE, name)),
            Some(Declared::Nonlocal) => false,
        };
    }
    owned
}

struct Resolver<'a> {
    scopes: &'a [Scope],
    declared: &'a HashMap<(ScopeId, &'a str), Declared>,
    owned: &'a HashSet<(ScopeId, &'a str)>,
    /// What a name means to a function inside of a scope; so that deep nesting costs each scope one look.
    from_inside: HashMap<(ScopeId, String), Option<ScopeId>>,
}

impl Resolver<'_> {
    /// The owner of the name that is bound in `home`.
    fn owner(&mut self, home: ScopeId, name: &str) -> ScopeId {
        match self.declared.get(&(home, name)) {
            None => home,
            Some(Declared::Global) => Model::MODULE,
            Some(Declared::Nonlocal) => self.outer(home, name).unwrap_or(home),
        }
    }

    fn module(&self, name: &str) -> Option<ScopeId> {
        self.owned
            .contains(&(Model::MODULE, name))
            .then_some(Model::MODULE)
    }

    /// The owner of the name that is read in `scope`.
    fn lookup(&mut self, scope: ScopeId, name: &str) -> Option<ScopeId> {
        let mut id = scope;
        loop {
            match self.declared.get(&(id, name)) {
                Some(Declared::Global) => return self.module(name),
                Some(Declared::Nonlocal) => return self.outer(id, name),
                None if self.owned.contains(&(id, name)) => return Some(id),
                None => {}
            }
            let scope = &self.scopes[id.0 as usize];
            match scope.parent {
                // Type parameters see the class they stand in, as its body does.
                Some(parent) if scope.kind == ScopeKind::TypeParameters => id = parent,
                _ => return self.outer(id, name),
            }
        }
    }

    /// The owner of a name as seen from a function inside of `scope`'s parent: class bodies are passed over.
    fn outer(&mut self, scope: ScopeId, name: &str) -> Option<ScopeId> {
        let mut passed = Vec::new();
        let mut next = self.scopes[scope.0 as usize].parent;
        let found = loop {
            let Some(id) = next else { break None };
            let key = (id, name.to_owned());
            if let Some(known) = self.from_inside.get(&key) {
                break *known;
            }
            passed.push(key);
            let scope = &self.scopes[id.0 as usize];
            next = scope.parent;
            if scope.kind == ScopeKind::Class {
                continue;
            }
            match self.declared.get(&(id, name)) {
                Some(Declared::Global) => break self.module(name),
                None if self.owned.contains(&(id, name)) => break Some(id),
                Some(Declared::Nonlocal) | None => {}
            }
        };
        for key in passed {
            self.from_inside.insert(key, found);
        }
        found
    }
}
