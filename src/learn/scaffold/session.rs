//! The session module for a project on SQLAlchemy: a context manager and a dependency around the factory that it has.

use super::{Scaffold, ScaffoldError};
use crate::config::Standard;
use crate::language::{self, Model};
use crate::source::SourceFile;

const ASYNC: &str = include_str!("../../../recipes/sqlalchemy/scaffold/async_session.py");
const SYNC: &str = include_str!("../../../recipes/sqlalchemy/scaffold/session.py");

/// The name of the file, beside the one that makes the factory.
const FILE: &str = "session.py";

/// What in the value of a factory says that its sessions are asynchronous.
const ASYNCHRONOUS: [&str; 2] = ["async_sessionmaker", "AsyncSession"];

/// The module around the factory that `standard` names, beside the file that makes it.
pub(super) fn module(files: &[SourceFile], standard: &Standard) -> Result<Scaffold, ScaffoldError> {
    let (Some(factory), Some(home), Some(path)) =
        (&standard.factory, &standard.module, &standard.file)
    else {
        return Err(ScaffoldError::NoFactory);
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let module = format!("{folder}/{FILE}");
    let module = module.trim_start_matches('/').to_owned();
    if files.iter().any(|file| file.path() == module) {
        return Err(ScaffoldError::Exists(module));
    }
    let home_file = files.iter().find(|file| file.path() == path);
    let is_async = home_file.is_some_and(|file| is_async(file, factory));
    let text = if is_async { ASYNC } else { SYNC };
    let text = text.replace("MODULE", home).replace("FACTORY", factory);
    Ok(Scaffold {
        module: module.clone(),
        files: vec![(module, text)],
        next: None,
    })
}

/// Whether the value that the file gives the name says that its sessions are asynchronous.
fn is_async(file: &SourceFile, factory: &str) -> bool {
    let Some(language) = language::for_path(file.path()) else {
        return false;
    };
    let Ok(parsed) = language::parse(language, file.text()) else {
        return false;
    };
    let model = language.model(file.text(), &parsed.tree);
    let bindings = model.bindings_of(Model::MODULE, factory);
    let values: Vec<&str> = bindings
        .map(|binding| binding.statement.text(file.text()))
        .collect();
    let says = |value: &&str| ASYNCHRONOUS.iter().any(|word| value.contains(word));
    values.iter().any(says)
}
