//! What the commands ask of the pipeline, and what it answers.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::config::Config;
use crate::finding::{Inventory, Patch};
use crate::progress::Progress;
use crate::recipe::Library;

pub(crate) struct Request {
    pub(crate) base: PathBuf,
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) config: Option<Config>,
    pub(crate) library: Library,
    pub(crate) threads: Option<usize>,
    pub(crate) hidden: bool,
    pub(crate) no_ignore: bool,
}

#[derive(Default)]
pub(crate) struct Selection {
    pub(crate) unsafe_too: bool,
    pub(crate) recipes: Vec<String>,
    pub(crate) contexts: Vec<String>,
    pub(crate) paths: Vec<String>,
}

pub(crate) struct Survey {
    pub(crate) inventory: Inventory,
    pub(crate) config: Config,
    pub(crate) learnt: Vec<String>,
}

impl Survey {
    pub(crate) fn patches(&self, _selection: &Selection) -> Vec<Patch> {
        Vec::new()
    }
}

pub(crate) fn survey(_request: &Request, _progress: &dyn Progress) -> Result<Survey> {
    bail!("waits for the pipeline")
}
