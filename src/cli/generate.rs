//! `completions` and `man`: what shells and readers know of the command line, from its one definition.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::{Command, CommandFactory as _};

use crate::apply::put;
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
    let unwritable = || format!("{} cannot be written", folder.display());
    fs::create_dir_all(folder).with_context(unwritable)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    pages(command, folder)?;
    Ok(Outcome::Done)
}

/// Writes the page of a command and those of the commands below it.
fn pages(command: Command, folder: &Path) -> Result<()> {
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        pages(below.clone(), folder)?;
    }
    let page = clap_mangen::Man::new(command);
    let path = folder.join(page.get_filename());
    if path.is_symlink() {
        bail!(
            "{} is a symbolic link and is not followed; remove it",
            path.display()
        );
    }
    let mut text = Vec::new();
    page.render(&mut text)?;
    put(&path, &text).with_context(|| format!("{}", path.display()))
}
