//! Where trees are held: as many as there is room for. A tree takes some twenty-five times the room of its text, and can be made again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tree_sitter::Tree;

/// How many bytes of text may have their trees held: some 50 MB of trees.
const HELD: usize = 2 << 20;

/// The trees that the files of a run share a room for.
///
/// Where it is full, the tree that came first goes, unless it was asked for since it was last looked at. A tree that somebody works with
/// stays until they are done.
#[derive(Debug, Default)]
pub struct Room(Mutex<VecDeque<Held>>);

/// A tree that is held.
#[derive(Debug)]
struct Held {
    /// What the files' own pointers to the tree live on.
    _tree: Arc<Tree>,
    /// The length of its text.
    length: usize,
    asked: Arc<AtomicBool>,
}

impl Room {
    /// Holds a tree, and lets go of others where there is no room left.
    fn hold(&self, fresh: Held) {
        // A thread that panicked held the lock for moves of whole entries only.
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.push_back(fresh);
        let mut taken: usize = held.iter().map(|held| held.length).sum();
        while taken > HELD && held.len() > 1 {
            let Some(oldest) = held.pop_front() else {
                return;
            };
            if oldest.asked.swap(false, Ordering::Relaxed) {
                held.push_back(oldest);
            } else {
                taken -= oldest.length;
            }
        }
    }
}

#[cfg(test)]
impl Room {
    /// Lets go of all trees.
    pub(super) fn clear(&self) {
        self.0.lock().expect("nobody panicked").clear();
    }
}

/// The tree of one file, as long as the room holds it.
#[derive(Debug)]
pub(super) struct Lent {
    room: Arc<Room>,
    tree: Mutex<Weak<Tree>>,
    asked: Arc<AtomicBool>,
}

impl Lent {
    /// Gives a tree whose text is `length` bytes long to `room`.
    pub(super) fn new(tree: Tree, length: usize, room: &Arc<Room>) -> Self {
        let tree = Arc::new(tree);
        let lent = Self {
            room: Arc::clone(room),
            tree: Mutex::new(Arc::downgrade(&tree)),
            asked: Arc::default(),
        };
        lent.hold(tree, length);
        lent
    }

    /// The tree; `make` makes it again if it was let go.
    pub(super) fn get(&self, length: usize, make: impl FnOnce() -> Tree) -> Arc<Tree> {
        // A thread that panicked while it made a tree has left the pointer as it was.
        let mut known = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = known.upgrade() {
            self.asked.store(true, Ordering::Relaxed);
            return tree;
        }
        let tree = Arc::new(make());
        *known = Arc::downgrade(&tree);
        self.hold(Arc::clone(&tree), length);
        tree
    }

    fn hold(&self, tree: Arc<Tree>, length: usize) {
        self.room.hold(Held {
            _tree: tree,
            length,
            asked: Arc::clone(&self.asked),
        });
    }

    /// Where the tree is held.
    pub(super) fn room(&self) -> &Arc<Room> {
        &self.room
    }
}
