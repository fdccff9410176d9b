//! `completions` and `man`: what shells and readers know of the command line, from its one definition.

use std::fs;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;

use crate::cli::Outcome;
use crate::cli::args::{Cli, Completions, Man};
use crate::cli::terminal::print;

pub(super) fn completions(args: &Completions) -> Result<Outcome> {
    let mut script = Vec::new();
    let mut command = Cli::command();
    clap_complete::generate(args.shell, &mut command, "connmod", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}

pub(super) fn man(args: &Man) -> Result<Outcome> {
    let Some(folder) = &args.out_dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(Outcome::Done);
    };
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .with_context(|| format!("{} cannot be written", folder.display()))?;
    Ok(Outcome::Done)
}
