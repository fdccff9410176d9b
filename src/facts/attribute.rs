//! Who reads an attribute of a class: through `self` in the class and its relatives, or through any object that may be one of them.

use crate::facts::World;
use crate::facts::origin::{self, Value};
use crate::language::ScopeId;
use crate::language::expression::{AttributeRead, AttributeWrite};
use crate::project::{ClassRef, FileId};
use crate::source::Span;

/// A file that may read an attribute `name` by its name in a text or pattern. The standard's own module keeps its pool as it likes, and
/// reads none of the attributes of others.
pub fn read_by_name(world: World<'_>, name: &str) -> Option<String> {
    let links = world.project.links();
    let is_standard = |path: &str| {
        let file = world.project.by_path(path);
        file.is_some_and(|file| world.standard.is_file(file))
    };
    let mut files = links.reading(name).filter(|path| !is_standard(path));
    files.next().map(str::to_owned)
}

/// A class with the classes that share its attributes: its bases and its heirs.
#[derive(Debug, Clone)]
pub struct Family {
    members: Vec<ClassRef>,
}

impl Family {
    /// The family of `class`.
    pub fn of(world: World<'_>, class: ClassRef) -> Self {
        let mut members = world.project.lineage(class);
        members.extend(world.project.heirs(class));
        members.sort_unstable();
        members.dedup();
        Self { members }
    }

    /// Whether the class has no relatives in the project.
    pub fn is_alone(&self) -> bool {
        self.members.len() == 1
    }

    fn has(&self, class: ClassRef) -> bool {
        self.members.contains(&class)
    }

    /// Every read in the project that may read the attribute `name` of the family.
    pub fn reads<'w>(&self, world: World<'w>, name: &str) -> Vec<(FileId, &'w AttributeRead)> {
        world
            .project
            .reads_named(name)
            .filter(|(id, read)| self.may_be(world, *id, read.object, read.scope))
            .collect()
    }

    /// Every assignment through `self` to the attribute `name` of the family.
    pub fn writes<'w>(&self, world: World<'w>, name: &str) -> Vec<(FileId, &'w AttributeWrite)> {
        let mut found = Vec::new();
        for class in &self.members {
            let file = world.project.file(class.file);
            let body = file.model.scope(class.scope).span;
            let writes = file.outline.writes.iter();
            let own = writes.filter(|write| {
                write.name == name
                    && body.contains(write.statement)
                    && matches!(write.object.text(file.text()), "self" | "cls")
            });
            found.extend(own.map(|write| (class.file, write)));
        }
        found
    }

    /// Whether the expression at `object`, in `scope`, may be an object of the family.
    pub fn may_be(&self, world: World<'_>, id: FileId, object: Span, scope: ScopeId) -> bool {
        let file = world.project.file(id);
        if matches!(object.text(file.text()), "self" | "cls")
            && let Some(scope) = file.model.class_around(scope)
        {
            return self.has(ClassRef { file: id, scope });
        }
        let values = origin::values(world, id, object);
        // Objects of other classes, modules and the like have attributes of their own.
        let other = |value: &Value| match value {
            Value::Instance(class) => !self.has(*class),
            Value::NotAPool(_) | Value::Missing | Value::Absent(_) | Value::Mapping(..) => true,
            _ => false,
        };
        values.is_empty() || !values.iter().all(other)
    }
}
