//! Wrong rewrites, put into projects after `apply`: the comparison must find each of them.

use std::path::Path;

use crate::projects::{PROJECTS, Project, replace};

/// Another text in the place of one that must be in a file once.
#[derive(Debug)]
pub(crate) struct Wrong {
    project: usize,
    file: &'static str,
    right: &'static str,
    instead: &'static str,
    /// The function that does something else then.
    pub(crate) function: &'static str,
}

impl Wrong {
    pub(crate) fn project(&self) -> &'static Project {
        &PROJECTS[self.project]
    }

    /// Puts it into the project at `root`.
    pub(crate) fn put_into(&self, root: &Path) {
        replace(&root.join(self.file), self.right, self.instead);
    }
}

const KEEPING: usize = 0;
const EXPIRING: usize = 1;

pub(crate) const WRONGS: &[Wrong] = &[];
