//! The connection service for a project on psycopg: a package whose files are the same everywhere, but for the driver that it is for.

use super::{Scaffold, ScaffoldError, markers, place};
use crate::source::SourceFile;

/// The files of the package, by their names in it.
const FILES: [(&str, &str); 6] = [
    (
        "__init__.py",
        include_str!("../../../recipes/connection-service/scaffold/connection_service/__init__.py"),
    ),
    (
        "errors.py",
        include_str!("../../../recipes/connection-service/scaffold/connection_service/errors.py"),
    ),
    (
        "service.py",
        include_str!("../../../recipes/connection-service/scaffold/connection_service/service.py"),
    ),
    (
        "session.py",
        include_str!("../../../recipes/connection-service/scaffold/connection_service/session.py"),
    ),
    (
        "strategies.py",
        include_str!(
            "../../../recipes/connection-service/scaffold/connection_service/strategies.py"
        ),
    ),
    (
        "testing.py",
        include_str!("../../../recipes/connection-service/scaffold/connection_service/testing.py"),
    ),
];

const PSYCOPG2: &str =
    include_str!("../../../recipes/connection-service/scaffold/drivers/psycopg2_driver.py");
const PSYCOPG3: &str =
    include_str!("../../../recipes/connection-service/scaffold/drivers/psycopg3_driver.py");

/// The package for a project of these `files`.
pub(super) fn package(files: &[SourceFile]) -> Result<Scaffold, ScaffoldError> {
    let (package, folder) = place(files);
    let folder_of_service = format!("{folder}/connection_service");
    let module = format!("{folder_of_service}/__init__.py");
    if files.iter().any(|file| file.path() == module) {
        return Err(ScaffoldError::Exists(module));
    }
    let driver = if imports(files, "psycopg") > imports(files, "psycopg2") {
        PSYCOPG3
    } else {
        PSYCOPG2
    };
    let mut written: Vec<(String, String)> = FILES
        .iter()
        .map(|(name, text)| (format!("{folder_of_service}/{name}"), (*text).to_owned()))
        .collect();
    written.push((format!("{folder_of_service}/driver.py"), driver.to_owned()));
    written.extend(markers(files, package.as_deref(), &folder));
    Ok(Scaffold {
        module,
        files: written,
        next: None,
    })
}

/// How many files import a module.
fn imports(files: &[SourceFile], module: &str) -> usize {
    let imports = |text: &str| {
        text.lines().map(str::trim_start).any(|line| {
            let rest = ["import ", "from "]
                .iter()
                .find_map(|word| line.strip_prefix(word));
            let first = rest.and_then(|rest| rest.split([' ', '.', ',']).next());
            first == Some(module)
        })
    };
    files.iter().filter(|file| imports(file.text())).count()
}
