//! What can be typed: commands, options, and the words of their help.
//!
//! Only the shape; what a value means is for the command that reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::colour::When;

/// Finds the ways a codebase reaches its PostgreSQL database, and moves them to one standard.
#[derive(Debug, Parser)]
#[command(name = "connmod", version, max_term_width = 100)]
#[command(after_help = "\
Exit status: 0 when the command did its work, 1 when its answer is no (diff --exit-code with changes, an edit that was not \
written, a checklist that does not hold, a recipe that fails its examples), 2 when it could not do its work.

Without connmod.yaml every command learns in memory what `connmod init` would write.")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The folder that paths in settings and results are relative to
    ///
    /// By default the one that holds connmod.yaml, else the nearest that is the top of a git work tree or of a package
    /// (pyproject.toml, setup.py, setup.cfg, Cargo.toml), else the current folder if all PATHs lie in it, else the one that holds them.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// The settings to use instead of connmod.yaml
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Use the recipe in this file, or those in this folder, too
    #[arg(long = "recipe", global = true, value_name = "PATH")]
    pub(crate) recipes: Vec<PathBuf>,
    /// How many threads to work with; by default one per processor
    #[arg(long, global = true, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// Look into files and folders whose name starts with a dot
    #[arg(long, global = true)]
    pub(crate) hidden: bool,
    /// Look into files that .gitignore leaves out, too
    #[arg(long, global = true)]
    pub(crate) no_ignore: bool,
    /// Whether to colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    /// Say more: which settings were used, what was learnt, and every site of a scan
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one thread is needed".to_owned()),
        Ok(count) if count <= 1024 => Ok(count),
        _ => Err("a number from 1 to 1024 is needed".to_owned()),
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// As `NO_COLOR`, `CLICOLOR_FORCE` and the terminal say
    Auto,
    /// Also into a file or a pipe
    Always,
    /// Never
    Never,
}

impl From<Colour> for When {
    fn from(colour: Colour) -> Self {
        match colour {
            Colour::Auto => Self::Auto,
            Colour::Always => Self::Always,
            Colour::Never => Self::Never,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Learn the project and write connmod.yaml
    Init(Init),
    /// Find and classify every site, and sum it up
    Scan(Scan),
    /// Write the inventory, a Markdown document for a review meeting
    Inventory(InventoryArgs),
    /// Show the edits as one unified diff that `git apply` takes
    Diff(Diff),
    /// Write the edits that `diff` with the same options shows
    Apply(Apply),
    /// Take back what the last apply wrote, or some files of it
    Undo(Undo),
    /// Answer the migration's validation checklist from the code
    Verify(Verify),
    /// Write the project's connection guide: what to write where, and what not, with its own names
    Guide(Guide),
    /// Tell all that is known about one site and which row of its recipe decided
    Explain(Explain),
    /// For those who write recipes: list, show, test, begin one
    #[command(subcommand)]
    Recipe(RecipeCommand),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the man page, or write those of all commands into a folder
    Man(Man),
}

/// The files and folders to look at.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Paths {
    /// Files and folders to look at; by default the current folder
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

/// Learn the project and write connmod.yaml.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The project; by default the current folder
    #[arg(value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Overwrite a connmod.yaml that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the settings instead of writing them
    #[arg(long, conflicts_with = "force")]
    pub(crate) print: bool,
    /// Write a standard module too, for a project that has none: the pool, the helpers, the scopes
    #[arg(long, conflicts_with = "print")]
    pub(crate) scaffold: bool,
}

/// Find and classify every site, and sum it up.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// The formats of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A summary; with -v every site on a line of its own before it
    Text,
    /// One object, for programs
    Json,
}

/// Write the inventory.
#[derive(Debug, Args)]
pub(crate) struct InventoryArgs {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// What `diff` shows and `apply` writes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which edits")]
pub(crate) struct Narrowing {
    /// Take the unsafe edits too: those that rest on one rule that is not proven
    #[arg(long = "unsafe")]
    pub(crate) unsafe_too: bool,
    /// Only edits of these recipes: an id, the start of one, or a glob (asyncpg/pool-*)
    #[arg(long, value_name = "RECIPE", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Also put a comment above each site that is left to a person, `# connmod: review(RECIPE): REASON`, and take out those whose site is gone
    #[arg(long)]
    pub(crate) annotate: bool,
    /// Only edits in these contexts: names as in connmod.yaml, or a part that only one has
    #[arg(long, value_name = "CONTEXT", value_delimiter = ',')]
    pub(crate) phase: Vec<String>,
}

/// Show the edits.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// Show how many lines change in each file instead of the diff
    #[arg(long, conflicts_with_all = ["review", "out_dir"])]
    pub(crate) stat: bool,
    /// List what is left for a person instead of the diff
    #[arg(long, conflicts_with = "out_dir")]
    pub(crate) review: bool,
    /// End with status 1 when there are changes (with --review: when something is left)
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Write one patch per context into this folder, which holds none yet, to be applied in their order
    #[arg(long, value_name = "DIR", conflicts_with = "annotate")]
    pub(crate) out_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) narrowing: Narrowing,
}

/// Write the edits.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// Write also to files whose content is not committed in their git work tree
    #[arg(long)]
    pub(crate) allow_dirty: bool,
    /// Show every change with its reasons, and ask before it is written: y, n, a, d, q, e as in `git add -p`
    #[arg(long, short)]
    pub(crate) interactive: bool,
    /// Write the rest of an apply that was interrupted, and nothing else
    #[arg(long, conflicts_with_all = ["paths", "allow_dirty", "interactive", "unsafe_too", "only", "phase", "annotate"])]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) narrowing: Narrowing,
}

/// Take back what was written.
#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// Take back only these files, or those in these folders, each from the last apply that wrote it; by default all of the last apply
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// List what was written and taken back instead
    #[arg(long, conflicts_with_all = ["files", "force"])]
    pub(crate) list: bool,
    /// Take back also where a file was edited or deleted since; the edited text stays in the journal
    #[arg(long)]
    pub(crate) force: bool,
}

/// Answer the validation checklist.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) paths: Paths,
}

/// Write the connection guide.
#[derive(Debug, Args)]
pub(crate) struct Guide {
    /// The project; by default the current folder
    #[arg(value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Tell all that is known about one site.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Where it is: a file and a line of it
    #[arg(value_name = "FILE:LINE")]
    pub(crate) place: String,
}

/// What can be done with recipes. Those of the project (.connmod/recipes) and of --recipe count as well.
#[derive(Debug, Subcommand)]
pub(crate) enum RecipeCommand {
    /// List all recipes
    List,
    /// Show the manual page of a recipe: what it finds, how it decides, what it writes
    Show(RecipeShow),
    /// Run the examples of recipes
    Test(RecipeTest),
    /// Write a recipe to begin with into .connmod/recipes
    New(RecipeNew),
    /// Print the JSON Schema of a recipe, for editors
    Schema(RecipeSchema),
}

/// Show the manual page of a recipe.
#[derive(Debug, Args)]
pub(crate) struct RecipeShow {
    /// The recipe: <migration>/<name>
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// Run the examples of recipes.
#[derive(Debug, Args)]
pub(crate) struct RecipeTest {
    /// Recipes by id, the start of one, or a glob; or files and folders of recipes; by default all
    #[arg(value_name = "ID|PATH")]
    pub(crate) which: Vec<String>,
}

/// Write a recipe to begin with.
#[derive(Debug, Args)]
pub(crate) struct RecipeNew {
    /// Its id: <migration>/<name>
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// Print a JSON Schema.
#[derive(Debug, Args)]
pub(crate) struct RecipeSchema {
    /// That of connmod.yaml instead
    #[arg(long)]
    pub(crate) settings: bool,
    /// That of a migration.yaml instead
    #[arg(long, conflicts_with = "settings")]
    pub(crate) migration: bool,
}

/// Print a completion script.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Print the man page.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out_dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn threads_are_at_least_one() {
        assert_eq!(threads("4"), Ok(4));
        for text in ["0", "-1", "many", "5000"] {
            assert!(threads(text).is_err(), "{text}");
        }
    }

    #[test]
    fn options_of_every_command_stand_before_or_behind_it() {
        for line in [
            "connmod --threads 2 scan a b",
            "connmod scan --threads 2 a b",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).expect("the line is right");
            assert_eq!(cli.global.threads, Some(2));
            assert!(matches!(cli.command, Command::Scan(scan) if scan.paths.paths.len() == 2));
        }
    }

    #[test]
    fn ways_to_show_a_diff_exclude_each_other() {
        for line in [
            "connmod diff --stat --review",
            "connmod diff --review --out-dir x",
            "connmod diff --stat --out-dir x",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
