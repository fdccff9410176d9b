//! Learning alone: what `init` asks for, without judging a single site.

use crate::config::Config;
use crate::facts::schema;
use crate::learn::{self, Learnt, Scaffold, ScaffoldError, ScaffoldForm};
use crate::pipeline::{PipelineError, Request, read, threads, unread_rules};
use crate::progress::Progress;
use crate::recipe::Driver;
use crate::source::SourceFile;

/// What was learnt of a project.
pub struct Lesson {
    /// The settings, and how each of them is known.
    pub learnt: Learnt,
    /// The files of git's rules that could not be read, a line each.
    pub unread_rules: Vec<String>,
    files: Vec<SourceFile>,
    migrations: Vec<(String, Driver)>,
}

/// Reads the project and learns its settings; those of `request` do not count.
///
/// # Errors
/// When a root cannot be read.
pub fn learn_only(request: &Request, progress: &dyn Progress) -> Result<Lesson, PipelineError> {
    threads(request)?.install(|| {
        let tree = read(request, progress)?;
        progress.start("learning", 0);
        let migrations = request.library.migrations.values();
        let migrations = migrations.map(|own| (own.id.clone(), own.driver.clone()));
        let unread = unread_rules(&tree);
        let lesson = Lesson::of(tree.files, migrations.collect(), unread);
        progress.done();
        Ok(lesson)
    })
}

impl Lesson {
    fn of(
        files: Vec<SourceFile>,
        migrations: Vec<(String, Driver)>,
        unread_rules: Vec<String>,
    ) -> Self {
        let candidates = migrations.iter();
        let candidates: Vec<learn::Candidate<'_>> = candidates
            .map(|(name, driver)| (name.as_str(), driver))
            .collect();
        Self {
            learnt: learn::learn(&files, &candidates),
            unread_rules,
            files,
            migrations,
        }
    }

    /// The standard module that the project lacks.
    ///
    /// # Errors
    /// When it has one, or a file in its place.
    pub fn scaffold(&self) -> Result<Scaffold, ScaffoldError> {
        let config: &Config = &self.learnt.config;
        let schema = schema::schema(config, &self.files);
        let main = config.migrations.first();
        let driver = self
            .migrations
            .iter()
            .find(|(name, _)| Some(name) == main)
            .map(|(_, driver)| driver);
        let form = match driver {
            _ if learn::is_crate(&self.files) => ScaffoldForm::Crate,
            Some(driver) if driver.session.is_some() => ScaffoldForm::Session,
            Some(driver) if driver.any_pool => ScaffoldForm::Service,
            _ => ScaffoldForm::Module,
        };
        learn::scaffold(&self.files, &schema, &config.standard, form)
    }

    /// What is learnt of the project once `scaffold` is written.
    #[must_use]
    pub fn with(mut self, scaffold: &Scaffold) -> Self {
        let written = scaffold.files.iter();
        self.files
            .extend(written.map(|(path, text)| SourceFile::new(path.as_str(), text.as_str())));
        self.files
            .sort_by(|left, right| left.path().cmp(right.path()));
        Self::of(self.files, self.migrations, self.unread_rules)
    }
}
