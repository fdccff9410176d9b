//! Names, scopes and imports of one file, in terms that fit every language.
//!
//! Everything is held by span, never by tree node, so that a model can be kept when the tree is gone.

use crate::language::Name;
use crate::source::Span;

/// Index of a scope in [`Model::scopes`]; 0 is the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(pub u32);

/// Index of a binding in [`Model::bindings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindingId(pub u32);

/// The kinds of scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeKind {
    /// The file itself.
    Module,
    /// A class body: its names are not seen from the functions inside.
    Class,
    /// A function or method.
    Function,
    /// An anonymous function.
    Lambda,
    /// A comprehension or generator expression.
    Comprehension,
    /// A part of a function in which further names are known: a block, an arm, what stands behind a declaration that may shadow others.
    Block,
    /// A named part of a file with items of its own.
    Namespace,
    /// The type parameters of a generic function, class or type alias: around its annotations and body, inside everything else.
    TypeParameters,
}

/// A region with names of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What opens it.
    pub kind: ScopeKind,
    /// Its name; empty for the module, lambdas and comprehensions.
    pub name: String,
    /// The whole definition, decorators not included.
    pub span: Span,
    /// Its body (a block, or the expression of a lambda or comprehension).
    pub body: Span,
    /// The scope around it; `None` only for the module.
    pub parent: Option<ScopeId>,
    /// Whether it is `async` (a function; a comprehension with `async for`).
    pub is_async: bool,
    /// Whether it yields: a function with `yield`, a generator expression.
    pub is_generator: bool,
    /// Decorator expressions (without `@`), outermost first.
    pub decorators: Vec<Span>,
    /// Base classes (positional arguments of the class statement), without the arguments of generic ones.
    pub bases: Vec<Span>,
    /// Parameters, in order.
    pub parameters: Vec<Parameter>,
}

/// How an argument reaches a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// By position only.
    PositionalOnly,
    /// By position or by name.
    Positional,
    /// The rest of the positions (`*args`).
    Rest,
    /// By name only.
    KeywordOnly,
    /// The rest of the names (`**kwargs`).
    KeywordRest,
}

/// One parameter of a function or lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// How an argument reaches it.
    pub kind: ParameterKind,
    /// Its annotation.
    pub annotation: Option<Span>,
    /// Its default.
    pub default: Option<Span>,
}

/// How a name comes to be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingKind {
    /// A parameter.
    Parameter,
    /// `x = value`, also as part of a pattern.
    Assignment,
    /// `x: T`, with or without a value.
    Annotation,
    /// `x += value`
    Augmented,
    /// `(x := value)`
    Walrus,
    /// Target of a `for`.
    For,
    /// Target of a `with … as`.
    With,
    /// `except … as x`
    Except,
    /// An import.
    Import,
    /// The name of a function.
    Function,
    /// The name of a class.
    Class,
    /// Target in a comprehension.
    Comprehension,
    /// Bound by a `match` pattern.
    Pattern,
    /// `del x`
    Delete,
    /// A type parameter or a type alias.
    Type,
}

/// One place where a name is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The name.
    pub name: Name,
    /// The scope that owns the variable (after `global` and `nonlocal`).
    pub scope: ScopeId,
    /// The scope in which the binding is executed.
    pub executed_in: ScopeId,
    /// How it is bound.
    pub kind: BindingKind,
    /// Where the name stands.
    pub span: Span,
    /// The expression whose value it takes *as a whole*: the right side of an assignment, the default of a parameter, the context
    /// expression of a `with` item, the iterable of a `for`. `None` where the value is a part of a pattern, or nothing is known.
    pub value: Option<Span>,
    /// Its annotation.
    pub annotation: Option<Span>,
    /// The innermost statement around it (for a parameter, the function).
    pub statement: Span,
    /// For a function or class: the scope that it opens.
    pub opens: Option<ScopeId>,
}

/// How a reference uses a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceKind {
    /// Its value is read.
    Read,
    /// Read and written at once (`x += 1`).
    ReadWrite,
    /// Only in an annotation.
    Annotation,
}

/// One place where a name is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name.
    pub name: Name,
    /// Where it stands.
    pub span: Span,
    /// The scope it stands in.
    pub scope: ScopeId,
    /// The scope whose variable it means; `None` for a builtin or a name that is bound nowhere in the file.
    pub target: Option<ScopeId>,
    /// How it is used.
    pub kind: ReferenceKind,
}

/// One place that says of a name that it is the variable of a scope further out: `global x`, `nonlocal x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The name.
    pub name: Name,
    /// Where it stands.
    pub span: Span,
    /// The scope that says so.
    pub scope: ScopeId,
    /// The scope whose variable it means, if anything binds that.
    pub target: Option<ScopeId>,
}

/// What an import brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportKind {
    /// `import a.b` (binds `a`) or `import a.b as c` (binds `c` to the module `a.b`).
    Module {
        /// Whether it is renamed by `as`.
        aliased: bool,
    },
    /// `from module import name`
    Name {
        /// The imported name, before `as`.
        name: String,
    },
    /// `from module import *`
    Star,
}

/// One imported name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The module as written, without leading dots.
    pub module: String,
    /// How many leading dots (`from ..a import b`: 2).
    pub level: usize,
    /// What it brings in.
    pub kind: ImportKind,
    /// The local name; empty for a star.
    pub local: String,
    /// The scope whose names it joins.
    pub scope: ScopeId,
    /// The whole import statement.
    pub statement: Span,
    /// This name's part of the statement (`b as c`).
    pub span: Span,
    /// Whether it stands under `if TYPE_CHECKING:`.
    pub type_checking: bool,
    /// Whether it stands inside `try`, `if` or another compound statement of its scope.
    pub conditional: bool,
}

/// Names, scopes and imports of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// All scopes; the module first, then in source order.
    pub scopes: Vec<Scope>,
    /// All bindings, in source order.
    pub bindings: Vec<Binding>,
    /// All references, in source order.
    pub references: Vec<Reference>,
    /// All declarations of names as those of outer scopes, in source order.
    pub declarations: Vec<Declaration>,
    /// All imports, in source order; each also has a binding.
    pub imports: Vec<Import>,
    /// All bindings by their variables: by scope, then name, then in source order.
    by_variable: Vec<BindingId>,
    /// Whether something may bind names unseen: a star import, `exec`, `globals()`, `locals()`, `vars()`, `__all__` built at run time.
    pub dynamic: bool,
    /// Where the innermost scope changes: from each offset on it is that scope.
    pub(super) regions: Vec<(usize, ScopeId)>,
}

impl Model {
    /// A scope.
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    /// A binding.
    pub fn binding(&self, id: BindingId) -> &Binding {
        &self.bindings[id.0 as usize]
    }

    /// The module's scope.
    pub const MODULE: ScopeId = ScopeId(0);

    /// The innermost scope whose body holds `offset`.
    pub fn scope_at(&self, offset: usize) -> ScopeId {
        let behind = self.regions.partition_point(|(start, _)| *start <= offset);
        behind
            .checked_sub(1)
            .map_or(Self::MODULE, |region| self.regions[region].1)
    }

    /// The scopes from `id` outwards to the module.
    pub fn ancestors(&self, id: ScopeId) -> impl Iterator<Item = ScopeId> + '_ {
        std::iter::successors(Some(id), |id| self.scope(*id).parent)
    }

    /// The innermost function (not lambda or comprehension) around `id`, itself included.
    pub fn function_around(&self, id: ScopeId) -> Option<ScopeId> {
        self.ancestors(id)
            .find(|id| self.scope(*id).kind == ScopeKind::Function)
    }

    /// The innermost class around `id`.
    pub fn class_around(&self, id: ScopeId) -> Option<ScopeId> {
        self.ancestors(id)
            .find(|id| self.scope(*id).kind == ScopeKind::Class)
    }

    /// The names of the classes and functions around `id`, outermost first, joined by dots; `None` at module level.
    pub fn dotted(&self, id: ScopeId) -> Option<String> {
        let mut names: Vec<&str> = self
            .ancestors(id)
            .map(|id| self.scope(id).name.as_str())
            .filter(|name| !name.is_empty())
            .collect();
        names.reverse();
        (!names.is_empty()).then(|| names.join("."))
    }

    /// The scope that owns the variable `name` as seen from `from`, by the language's rules; `None` if it is bound nowhere.
    pub fn resolve(&self, from: ScopeId, name: &str) -> Option<ScopeId> {
        // Names of a class body are seen in the body itself (and in type parameters there), not from functions inside it.
        let mut inside_function = false;
        self.ancestors(from).find(|id| {
            let kind = self.scope(*id).kind;
            let hidden = inside_function && kind == ScopeKind::Class;
            inside_function |= kind != ScopeKind::TypeParameters;
            !hidden && !self.bound_to(*id, name).is_empty()
        })
    }

    /// The bindings of a variable, in source order.
    pub fn bindings_of(&self, scope: ScopeId, name: &str) -> impl Iterator<Item = &Binding> + '_ {
        let bound = self.bound_to(scope, name).iter();
        bound.map(|id| self.binding(*id))
    }

    /// The bindings of a variable, by their ids.
    fn bound_to(&self, scope: ScopeId, name: &str) -> &[BindingId] {
        let variable = |id: &BindingId| {
            let binding = self.binding(*id);
            (binding.scope, binding.name.as_str())
        };
        let start = self
            .by_variable
            .partition_point(|id| variable(id) < (scope, name));
        let behind = &self.by_variable[start..];
        &behind[..behind.partition_point(|id| variable(id) == (scope, name))]
    }

    /// All variables, by the scopes that own them, then by name.
    pub fn variables(&self) -> impl Iterator<Item = (ScopeId, &Name)> {
        let same = |left: &BindingId, right: &BindingId| {
            let (left, right) = (self.binding(*left), self.binding(*right));
            left.scope == right.scope && left.name == right.name
        };
        let variables = self.by_variable.chunk_by(same);
        variables.map(|bound| {
            let first = self.binding(bound[0]);
            (first.scope, &first.name)
        })
    }

    /// The references to a variable, in source order.
    pub fn references_to<'a>(
        &'a self,
        scope: ScopeId,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Reference> + 'a {
        self.references
            .iter()
            .filter(move |reference| reference.target == Some(scope) && reference.name == name)
    }

    /// The declarations by which inner scopes, or the function itself, mean a variable: without a binding they are no code.
    pub fn declarations_of<'a>(
        &'a self,
        scope: ScopeId,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Declaration> + 'a {
        let declarations = self.declarations.iter();
        declarations.filter(move |declared| declared.target == Some(scope) && declared.name == name)
    }
}

/// Where the innermost scope changes, of scopes whose bodies lie inside or outside of each other.
pub(super) fn regions(scopes: &[Scope]) -> Vec<(usize, ScopeId)> {
    let mut sorted: Vec<usize> = (0..scopes.len()).collect();
    sorted.sort_by_key(|index| {
        let body = scopes[*index].body;
        (body.start, usize::MAX - body.end, *index)
    });
    let mut regions = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let id = |open: &[usize]| ScopeId(open.last().map_or(0, |index| *index as u32));
    let close = |open: &mut Vec<usize>, regions: &mut Vec<_>, until: usize| {
        while let Some(last) = open.last()
            && scopes[*last].body.end <= until
        {
            let end = scopes[*last].body.end;
            open.pop();
            regions.push((end, id(open)));
        }
    };
    for index in sorted {
        close(&mut open, &mut regions, scopes[index].body.start);
        open.push(index);
        regions.push((scopes[index].body.start, id(&open)));
    }
    close(&mut open, &mut regions, usize::MAX);
    regions
}

/// Sorts everything by its place in the file; a scope stands behind the scopes around it.
pub(super) fn in_source_order(
    scopes: Vec<Scope>,
    mut bindings: Vec<Binding>,
    mut references: Vec<Reference>,
    mut declarations: Vec<Declaration>,
    mut imports: Vec<Import>,
    dynamic: bool,
) -> Model {
    let mut sorted: Vec<usize> = (0..scopes.len()).collect();
    sorted.sort_by_key(|index| {
        let span = scopes[*index].span;
        (*index != 0, span.start, usize::MAX - span.end, *index)
    });
    let mut new = vec![Model::MODULE; scopes.len()];
    for (position, index) in sorted.iter().enumerate() {
        new[*index] = ScopeId(position as u32);
    }
    let renumber = |id: ScopeId| new[id.0 as usize];
    let mut scopes: Vec<(ScopeId, Scope)> = scopes
        .into_iter()
        .enumerate()
        .map(|(index, scope)| {
            let parent = scope.parent.map(renumber);
            (new[index], Scope { parent, ..scope })
        })
        .collect();
    scopes.sort_by_key(|(id, _)| *id);
    for binding in &mut bindings {
        binding.scope = renumber(binding.scope);
        binding.executed_in = renumber(binding.executed_in);
        binding.opens = binding.opens.map(renumber);
    }
    for reference in &mut references {
        reference.scope = renumber(reference.scope);
        reference.target = reference.target.map(renumber);
    }
    for declared in &mut declarations {
        declared.scope = renumber(declared.scope);
        declared.target = declared.target.map(renumber);
    }
    for import in &mut imports {
        import.scope = renumber(import.scope);
    }
    bindings.sort_by_key(|binding| binding.span);
    references.sort_by_key(|reference| reference.span);
    declarations.sort_by_key(|declared| declared.span);
    imports.sort_by_key(|import| import.span);
    let mut by_variable: Vec<BindingId> = (0..bindings.len() as u32).map(BindingId).collect();
    by_variable.sort_by_key(|id| {
        let binding = &bindings[id.0 as usize];
        (binding.scope, &binding.name)
    });
    bindings.shrink_to_fit();
    references.shrink_to_fit();
    imports.shrink_to_fit();
    let scopes: Vec<Scope> = scopes.into_iter().map(|(_, scope)| scope).collect();
    Model {
        regions: regions(&scopes),
        scopes,
        bindings,
        references,
        declarations,
        imports,
        by_variable,
        dynamic,
    }
}
