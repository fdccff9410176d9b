//! How long work tells whoever waits that it goes on.
//!
//! Knows nothing of terminals: the pipeline calls it, the command line shows it.

/// Is told of the stages of a run. Calls may come from several threads.
pub trait Progress: Sync {
    /// A stage of `total` steps begins; the one before has ended.
    fn start(&self, what: &str, total: usize);
    /// One step of the stage is done.
    fn step(&self);
    /// The last stage has ended.
    fn done(&self);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _what: &str, _total: usize) {}
    fn step(&self) {}
    fn done(&self) {}
}
