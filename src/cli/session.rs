//! What every command that looks at a project does first: find the base, read settings and recipes, survey.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::apply::put;
use crate::cli::args::Global;
use crate::cli::base::Base;
use crate::cli::history;
use crate::cli::progress::Bar;
use crate::cli::terminal::{Terminal, print};
use crate::config::{Config, FILE_NAME};
use crate::pipeline::{Lesson, Request, Survey, is_read, learn_only, survey};
use crate::recipe::{Library, RecipeError, builtin};
use crate::source::walk::read_text;

/// The folder of what this program keeps in a project.
const OWN: &str = ".connmod";

/// The folder of a project's own recipes.
pub(crate) const OWN_RECIPES: &str = ".connmod/recipes";

/// The size in bytes beyond which settings and recipes are not read.
const MAX_BYTES: u64 = 1 << 20;

/// How deep a folder of recipes is read: enough for `<migration>/<pattern>.yaml`, and too little for links that run in circles to matter.
const DEPTH: usize = 4;

/// One run of one command.
pub(crate) struct Session {
    global: Global,
    current: PathBuf,
    pub(crate) terminal: Terminal,
}

/// A project as it was found.
pub(crate) struct Surveyed {
    pub(crate) base: Base,
    pub(crate) library: Library,
    pub(crate) survey: Survey,
}

impl Session {
    /// A run with these options in the current folder.
    pub(crate) fn new(global: Global, terminal: Terminal) -> Result<Self> {
        let current = env::current_dir().context("the current folder cannot be found")?;
        Ok(Self {
            global,
            current,
            terminal,
        })
    }

    /// The place that `paths` and the options name; `root` takes precedence where it is given.
    pub(crate) fn base(&self, paths: &[PathBuf], root: Option<&Path>) -> Result<Base> {
        let Global { config, .. } = &self.global;
        let root = root.or(self.global.root.as_deref());
        let base = Base::find(&self.current, paths, root, config.as_deref())?;
        let folder = base.folder.display();
        if base.how.is_guess() && !paths.is_empty() {
            self.terminal.remark(&format!(
                "root: {folder} ({}); what lies outside of it is not seen, --root names another",
                base.how
            ));
        } else if self.terminal.verbose {
            self.terminal
                .remark(&format!("root: {folder} ({})", base.how));
        }
        Ok(base)
    }

    /// A path from the command line as a full one.
    pub(crate) fn full(&self, path: &Path) -> PathBuf {
        self.current.join(path)
    }

    /// Surveys the project around `paths`, and says what was learnt where there are no settings.
    pub(crate) fn survey(&self, paths: &[PathBuf]) -> Result<Surveyed> {
        let base = self.base(paths, None)?;
        let config = self.settings(&base)?;
        self.survey_with(base, config)
    }

    /// Surveys the project at `base` by these settings; without any they are learnt.
    pub(crate) fn survey_with(&self, base: Base, config: Option<Config>) -> Result<Surveyed> {
        history::remark_on_interrupted(self.terminal, &base.folder);
        let library = self.library(&base.folder)?;
        let is_learnt = config.is_none();
        let request = self.request(&base, config, library.clone());
        let bar = Bar::new();
        let survey = survey(&request, &bar);
        drop(bar);
        let survey = survey?;
        for line in &survey.unread_rules {
            self.terminal.warning(line);
        }
        if is_learnt {
            self.say_learnt(&survey.learnt);
        }
        let settings = base.settings.as_deref().map(|path| base.relative(path));
        let settings = settings.as_deref().unwrap_or(FILE_NAME);
        for line in &survey.missing {
            self.terminal.warning(&format!("{settings}: {line}"));
        }
        Ok(Surveyed {
            base,
            library,
            survey,
        })
    }

    /// The settings of the project at `base`, learnt where it has none, and the recipes.
    pub(crate) fn known(&self, base: &Base) -> Result<(Config, Library)> {
        history::remark_on_interrupted(self.terminal, &base.folder);
        let library = self.library(&base.folder)?;
        if let Some(config) = self.settings(base)? {
            return Ok((config, library));
        }
        let learnt = self.learn(base)?.learnt;
        let notes: Vec<String> = learnt.notes.iter().map(ToString::to_string).collect();
        self.say_learnt(&notes);
        Ok((learnt.config, library))
    }

    /// The file that a document is to be written to, if one was named: one that may be written, as far as can be said before.
    ///
    /// # Errors
    /// When it is named like what the program reads, lies among what git and this program keep, is no regular file, or lies behind a link
    /// out of the project.
    pub(crate) fn output(&self, base: &Base, given: Option<&Path>) -> Result<Option<PathBuf>> {
        let Some(given) = given else {
            return Ok(None);
        };
        let real = base.destination(&self.current, given)?;
        let name = given.display();
        for path in [given, &real] {
            if is_read(path) || path.file_name().is_some_and(|name| name == FILE_NAME) {
                bail!(
                    "{name} is named like what this program reads, and is not overwritten by a document; name another file"
                );
            }
        }
        let inside = real.strip_prefix(&base.folder).unwrap_or(Path::new(""));
        if inside.iter().any(|part| part == ".git" || part == OWN) {
            bail!(
                "{name} lies among what git and this program keep for themselves; name another file"
            );
        }
        match fs::metadata(&real) {
            Ok(there) if there.is_dir() => bail!("{name} is a folder; name a file"),
            Ok(there) if !there.is_file() => bail!(
                "{name} is a pipe or a device and no file; without -o the document goes to standard output"
            ),
            _ => Ok(Some(real)),
        }
    }

    /// Gives a document to standard output, or writes it to the file that was asked for, which `output` has looked at.
    pub(crate) fn deliver(
        &self,
        document: &str,
        given: Option<&Path>,
        output: Option<&Path>,
    ) -> Result<()> {
        let (Some(given), Some(path)) = (given, output) else {
            return Ok(print(document)?);
        };
        put(path, document.as_bytes()).with_context(|| format!("{}", given.display()))?;
        self.terminal.remark(&format!("wrote {}", given.display()));
        Ok(())
    }

    /// The folder that `given` names for results, which need not be there yet.
    pub(crate) fn destination(&self, base: &Base, given: &Path) -> Result<PathBuf> {
        base.destination(&self.current, given)
    }

    /// Learns the project at `base` anew, whatever its settings say.
    pub(crate) fn learn(&self, base: &Base) -> Result<Lesson> {
        let library = self.library(&base.folder)?;
        let request = self.request(base, None, library);
        let bar = Bar::new();
        let lesson = learn_only(&request, &bar);
        drop(bar);
        let lesson = lesson?;
        for line in &lesson.unread_rules {
            self.terminal.warning(line);
        }
        Ok(lesson)
    }

    fn request(&self, base: &Base, config: Option<Config>, library: Library) -> Request {
        Request {
            base: base.folder.clone(),
            roots: base.roots.clone(),
            config,
            library,
            threads: self.global.threads,
            hidden: self.global.hidden,
            no_ignore: self.global.no_ignore,
        }
    }

    fn say_learnt(&self, learnt: &[String]) {
        self.terminal.remark(&format!(
            "no {FILE_NAME}: its settings were learnt from the code; `connmod init` writes them down{}",
            if self.terminal.verbose { ":" } else { ", -v shows them" }
        ));
        if self.terminal.verbose {
            for line in learnt {
                self.terminal.remark(&format!("  {line}"));
            }
        }
    }

    /// The settings of the project, if it has any.
    pub(crate) fn settings(&self, base: &Base) -> Result<Option<Config>> {
        let Some(path) = &base.settings else {
            return Ok(None);
        };
        if self.terminal.verbose {
            self.terminal
                .remark(&format!("settings: {}", path.display()));
        }
        if path.parent() == Some(&base.folder) {
            refuse_outside(path, &base.folder, "--config")?;
        }
        let text = read_own(path)?;
        Ok(Some(Config::parse(&base.relative(path), &text)?))
    }

    /// The recipes of the program, of the project at `folder`, and of the command line; of two with one id the later one counts.
    pub(crate) fn library(&self, folder: &Path) -> Result<Library> {
        self.library_with(folder, &[])
    }

    /// The same, and those of `further` files and folders.
    pub(crate) fn library_with(&self, folder: &Path, further: &[PathBuf]) -> Result<Library> {
        let mut files = builtin();
        let own = folder.join(OWN_RECIPES);
        // A project need not have any.
        if own.is_dir() {
            read_folder(&own, DEPTH, Some(folder), &mut files)?;
        }
        for path in self.global.recipes.iter().chain(further) {
            read_recipes(&self.full(path), &mut files)?;
        }
        Library::load(files).map_err(|errors| all_of(&errors))
    }
}

fn all_of(errors: &[RecipeError]) -> anyhow::Error {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{}", texts.join("\n\n"))
}

/// Reads a recipe, or all of a folder and the folders in it, in the order of their names.
fn read_recipes(path: &Path, files: &mut Vec<(String, String)>) -> Result<()> {
    let before = files.len();
    read_folder(path, DEPTH, None, files)?;
    if files.len() == before {
        bail!("{} holds no recipe (a file *.yaml)", path.display());
    }
    Ok(())
}

/// A file that a project brings along does not reach beyond the project: errors show lines of it.
fn refuse_outside(path: &Path, folder: &Path, option: &str) -> Result<()> {
    if let (Ok(real), Ok(folder)) = (fs::canonicalize(path), fs::canonicalize(folder))
        && !real.starts_with(folder)
    {
        bail!(
            "{} is a symbolic link that leads out of the project and is not followed; name its target with {option}",
            path.display()
        );
    }
    Ok(())
}

/// The text of settings or of a recipe.
fn read_own(path: &Path) -> Result<String> {
    read_text(path, MAX_BYTES).map_err(|reason| anyhow::anyhow!("{}: {reason}", path.display()))
}

/// Reads below `path`; what a project brings along, only while it stays `inside`.
fn read_folder(
    path: &Path,
    depth: usize,
    inside: Option<&Path>,
    files: &mut Vec<(String, String)>,
) -> Result<()> {
    if let Some(folder) = inside {
        refuse_outside(path, folder, "--recipe")?;
    }
    let unreadable = || format!("{} cannot be read", path.display());
    if !path.is_dir() {
        files.push((path.display().to_string(), read_own(path)?));
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).with_context(unreadable)? {
        entries.push(entry.with_context(unreadable)?.path());
    }
    entries.sort();
    for entry in entries {
        let is_recipe = entry
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if (entry.is_dir() && depth > 0) || (is_recipe && !entry.is_dir()) {
            read_folder(&entry, depth.saturating_sub(1), inside, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_of_a_folder_come_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("b")).expect("a new folder");
        for name in ["z.yaml", "b/y.yaml", "a.yml", "notes.md"] {
            fs::write(folder.path().join(name), name).expect("a new file");
        }
        let mut files = Vec::new();
        read_recipes(folder.path(), &mut files).expect("there are recipes");
        let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a.yml", "b/y.yaml", "z.yaml"]);
    }

    #[test]
    fn a_folder_without_a_recipe_is_a_mistake() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = read_recipes(folder.path(), &mut Vec::new()).expect_err("it is empty");
        assert!(error.to_string().contains("holds no recipe"), "{error}");
    }
}
