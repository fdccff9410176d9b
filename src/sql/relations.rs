//! The relations that a parsed statement uses, and how.
//!
//! Names of common table expressions are told from relations by their scopes. A target of a data-modifying statement is never one of
//! them, and neither is a name with a schema.

use std::collections::{BTreeSet, HashMap};

use squawk_parser::SyntaxKind;

use super::lex::HOLE;
use super::tokens::fold_name;
use super::tree::{NodeId, Tree};
use super::{Command, TableName, TableUse};

/// The relations of a statement.
#[derive(Debug, Default)]
pub(super) struct Relations {
    /// Those that are named in full, sorted.
    pub(super) uses: BTreeSet<TableUse>,
    /// Whether some relation has a hole in its name.
    pub(super) unnamed: bool,
}

/// Collects the relations that the statement `tree` uses.
pub(super) fn relations(tree: &Tree<'_>) -> Relations {
    let mut collector = Collector {
        tree,
        scopes: scopes(tree),
        found: Relations::default(),
    };
    for node in tree.subtree(Tree::root()) {
        collector.visit(node);
    }
    collector.found
}

/// Whether statements of this kind store their queries and names instead of running them.
fn is_stored(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::CREATE_FUNCTION
            | SyntaxKind::CREATE_VIEW
            | SyntaxKind::CREATE_PROCEDURE
            | SyntaxKind::CREATE_POLICY
            | SyntaxKind::ALTER_POLICY
            | SyntaxKind::CREATE_RULE
            | SyntaxKind::CREATE_TRIGGER
            | SyntaxKind::CREATE_PUBLICATION
            | SyntaxKind::COMMENT_ON
            | SyntaxKind::GRANT
            | SyntaxKind::REVOKE
    )
}

/// Where the common table expressions of one `WITH` can be referred to.
struct Scope {
    /// The statement that the `WITH` belongs to.
    statement: NodeId,
    /// The expressions in the order they are written.
    queries: Vec<NodeId>,
    /// Their names, and the place of the first of each.
    names: HashMap<String, usize>,
    recursive: bool,
}

impl Scope {
    /// Whether `name`, written at `node`, is one of these.
    fn hides(&self, tree: &Tree<'_>, node: NodeId, name: &str) -> bool {
        if !tree.contains(self.statement, node) {
            return false;
        }
        let Some(&place) = self.names.get(name) else {
            return false;
        };
        let behind = self.queries.partition_point(|&query| query <= node);
        let inside = behind
            .checked_sub(1)
            .filter(|&last| tree.contains(self.queries[last], node));
        match inside {
            // Without RECURSIVE an expression sees those before it, and a table of its own name is the table.
            Some(inside) => self.recursive || place < inside,
            None => true,
        }
    }
}

fn scopes(tree: &Tree<'_>) -> Vec<Scope> {
    tree.subtree(Tree::root())
        .filter(|&node| tree.kind(node) == SyntaxKind::WITH_CLAUSE)
        .filter_map(|with| {
            let mut statement = tree.parent(with)?;
            // The grammar puts the WITH of `a UNION b` into a; PostgreSQL lets it hold for both.
            while let Some(outer) = tree.parent(statement)
                && tree.kind(outer) == SyntaxKind::COMPOUND_SELECT
                && tree.children(outer).next() == Some(statement)
            {
                statement = outer;
            }
            let queries: Vec<_> = tree
                .children(with)
                .filter(|&child| tree.kind(child) == SyntaxKind::WITH_TABLE)
                .collect();
            let mut names = HashMap::new();
            for (place, &query) in queries.iter().enumerate() {
                if let Some(name) = tree.child(query, SyntaxKind::CTE_NAME) {
                    names.entry(fold_name(tree.text(name))).or_insert(place);
                }
            }
            let recursive = tree.child(with, SyntaxKind::RECURSIVE_KW).is_some();
            Some(Scope {
                statement,
                queries,
                names,
                recursive,
            })
        })
        .collect()
}

struct Collector<'a, 'b> {
    tree: &'a Tree<'b>,
    scopes: Vec<Scope>,
    found: Relations,
}

impl Collector<'_, '_> {
    fn visit(&mut self, node: NodeId) {
        match self.tree.kind(node) {
            SyntaxKind::RELATION_FROM_ITEM => {
                if let Some(name) = self.tree.child(node, SyntaxKind::RELATION_NAME_REF) {
                    self.add_source(name, Command::Select);
                }
            }
            SyntaxKind::LOCKING_CLAUSE => self.add_locked(node),
            SyntaxKind::TABLE => self.add_relation_names(node, &[Command::Select], true),
            SyntaxKind::LOCK => {
                self.add_relation_list(node, SyntaxKind::RELATION_LIST, Command::Select);
            }
            SyntaxKind::TRUNCATE => {
                self.add_relation_list(node, SyntaxKind::TABLE_LIST, Command::Delete);
            }
            SyntaxKind::UPDATE => self.add_relation_names(node, &[Command::Update], false),
            SyntaxKind::DELETE => self.add_relation_names(node, &[Command::Delete], false),
            SyntaxKind::INSERT => {
                let commands = self.insert_commands(node);
                if let Some(name) = self.tree.child(node, SyntaxKind::RELATION_NAME_REF) {
                    self.add_target(name, &commands);
                }
            }
            SyntaxKind::MERGE => {
                let commands = self.merge_commands(node);
                self.add_relation_names(node, &commands, false);
            }
            SyntaxKind::COPY_TABLE => self.add_copied(node),
            SyntaxKind::REFRESH => self.add_child(node, SyntaxKind::VIEW_REF, Command::Insert),
            SyntaxKind::CREATE_TABLE_AS | SyntaxKind::INTO_CLAUSE => {
                self.add_child(node, SyntaxKind::TABLE_NAME, Command::Insert);
            }
            SyntaxKind::CREATE_MATERIALIZED_VIEW => {
                self.add_child(node, SyntaxKind::VIEW, Command::Insert);
            }
            _ => {}
        }
    }

    /// What an `INSERT` does with its target: `RETURNING` and the search for a conflict read rows, too.
    fn insert_commands(&self, insert: NodeId) -> Vec<Command> {
        let conflict = self.tree.child(insert, SyntaxKind::ON_CONFLICT_CLAUSE);
        let updates = conflict.is_some_and(|clause| {
            self.tree
                .child(clause, SyntaxKind::CONFLICT_DO_UPDATE_SET)
                .is_some()
        });
        let returning = self.tree.child(insert, SyntaxKind::RETURNING_CLAUSE);
        let reads = conflict.is_some() || returning.is_some();
        let mut commands = vec![Command::Insert];
        commands.extend(reads.then_some(Command::Select));
        commands.extend(updates.then_some(Command::Update));
        commands
    }

    fn merge_commands(&self, merge: NodeId) -> Vec<Command> {
        let actions = self
            .tree
            .children(merge)
            .flat_map(|clause| self.tree.children(clause))
            .filter_map(|action| match self.tree.kind(action) {
                SyntaxKind::MERGE_INSERT => Some(Command::Insert),
                SyntaxKind::MERGE_UPDATE => Some(Command::Update),
                SyntaxKind::MERGE_DELETE => Some(Command::Delete),
                _ => None,
            });
        // It always reads its target, to join it.
        std::iter::once(Command::Select).chain(actions).collect()
    }

    fn add_copied(&mut self, copy_table: NodeId) {
        let reads = self
            .tree
            .parent(copy_table)
            .is_some_and(|copy| self.tree.child(copy, SyntaxKind::COPY_FROM).is_none());
        let command = if reads {
            Command::Select
        } else {
            Command::Insert
        };
        self.add_child(copy_table, SyntaxKind::TABLE_NAME_REF, command);
    }

    fn add_child(&mut self, node: NodeId, kind: SyntaxKind, command: Command) {
        if let Some(name) = self.tree.child(node, kind) {
            self.add_target(name, &[command]);
        }
    }

    fn add_relation_list(&mut self, node: NodeId, list: SyntaxKind, command: Command) {
        if let Some(list) = self.tree.child(node, list) {
            self.add_relation_names(list, &[command], false);
        }
    }

    /// Adds the children of `node` that are `ONLY name` or `name *`.
    fn add_relation_names(&mut self, node: NodeId, commands: &[Command], source: bool) {
        let tree = self.tree;
        for child in tree.children(node) {
            let name = match tree.kind(child) {
                SyntaxKind::RELATION_NAME => tree.child(child, SyntaxKind::RELATION_NAME_REF),
                SyntaxKind::TABLE_RELATION_NAME => tree.child(child, SyntaxKind::TABLE_NAME_REF),
                _ => None,
            };
            match name {
                Some(name) if source => self.add_source(name, Command::Select),
                Some(name) => self.add_target(name, commands),
                None => {}
            }
        }
    }

    /// Adds what a `FOR UPDATE` or its kin locks, for which PostgreSQL asks the policies for `UPDATE` too: the relations that its query
    /// reads from, or those that `OF` names. Sub-queries behind `FROM` are taken to be locked whole.
    fn add_locked(&mut self, clause: NodeId) {
        let tree = self.tree;
        let Some(query) = tree.parent(clause) else {
            return;
        };
        let from = tree.child(query, SyntaxKind::FROM_CLAUSE);
        let named = tree
            .child(clause, SyntaxKind::LOCKING_OF)
            .filter(|_| from.is_some());
        let named: Option<BTreeSet<String>> = named.map(|of| {
            tree.subtree(of)
                .filter(|&name| tree.kind(name) == SyntaxKind::NAME_REF)
                .map(|name| fold_name(tree.text(name)))
                .collect()
        });
        let from = from.unwrap_or(query);
        for item in tree.subtree(from) {
            let is_relation = matches!(
                tree.kind(item),
                SyntaxKind::RELATION_FROM_ITEM | SyntaxKind::RELATION_NAME
            );
            if let Some(name) = tree.child(item, SyntaxKind::RELATION_NAME_REF)
                && is_relation
                && named
                    .as_ref()
                    .is_none_or(|named| self.is_locked(item, name, named, from))
            {
                self.add_source(name, Command::Update);
            }
        }
    }

    /// Whether the relation `item` behind `from` goes by one of the names that `OF` lists, or lies in a sub-query, which may.
    fn is_locked(
        &self,
        item: NodeId,
        name: NodeId,
        named: &BTreeSet<String>,
        from: NodeId,
    ) -> bool {
        let tree = self.tree;
        let alias = tree
            .child(item, SyntaxKind::FROM_ALIAS)
            .and_then(|alias| tree.child(alias, SyntaxKind::TABLE_ALIAS))
            .map(|alias| fold_name(tree.text(alias)));
        let called = alias.or_else(|| {
            tree.subtree(name)
                .filter(|&part| tree.children(part).next().is_none())
                .last()
                .map(|part| fold_name(tree.text(part)))
        });
        let is_in_sub_query = std::iter::successors(tree.parent(item), |&node| tree.parent(node))
            .take_while(|&node| node > from)
            .any(|node| tree.kind(node) == SyntaxKind::SELECT);
        is_in_sub_query || called.is_some_and(|called| named.contains(&called))
    }

    /// Adds a relation that is read, or whose rows are locked, unless it is a common table expression.
    fn add_source(&mut self, name: NodeId, command: Command) {
        let Some(table) = self.table_name(name) else {
            return;
        };
        let is_expression = table.schema.is_none()
            && self
                .scopes
                .iter()
                .any(|scope| scope.hides(self.tree, name, &table.name));
        if !is_expression && !self.is_in_stored_statement(name) {
            self.found.uses.insert(TableUse { table, command });
        }
    }

    fn add_target(&mut self, name: NodeId, commands: &[Command]) {
        let Some(table) = self.table_name(name) else {
            return;
        };
        if self.is_in_stored_statement(name) {
            return;
        }
        for &command in commands {
            let table = table.clone();
            self.found.uses.insert(TableUse { table, command });
        }
    }

    fn is_in_stored_statement(&self, node: NodeId) -> bool {
        self.tree.children(Tree::root()).any(|statement| {
            is_stored(self.tree.kind(statement)) && self.tree.contains(statement, node)
        })
    }

    /// The name at `node`; nothing, and noted, when a hole is part of it.
    fn table_name(&mut self, node: NodeId) -> Option<TableName> {
        if self.tree.text(node).contains(HOLE) {
            self.found.unnamed = true;
            return None;
        }
        let mut parts = self
            .tree
            .subtree(node)
            .filter(|&part| self.tree.children(part).next().is_none())
            .filter(|&part| self.tree.kind(part) != SyntaxKind::DOT)
            .map(|part| fold_name(self.tree.text(part)));
        let mut table = TableName {
            schema: None,
            name: parts.next()?,
        };
        for part in parts {
            table.schema = Some(std::mem::replace(&mut table.name, part));
        }
        Some(table)
    }
}
