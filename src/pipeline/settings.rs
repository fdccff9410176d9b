//! What the settings name and the project does not have. A run goes on without it, but hardly does what was meant.

use crate::config::{self, Config, Standard};
use crate::facts::standard::may_define;
use crate::fault::nearest;
use crate::language::Model;
use crate::project::Project;

/// A line for each setting that names what is not there. `paths` are all files that were read or should have been.
pub(super) fn missing(config: &Config, project: &Project, paths: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    standard("standard", &config.standard, project, paths, &mut lines);
    for (migration, own) in &config.standards {
        let key = format!("standards.{migration}");
        standard(&key, own, project, paths, &mut lines);
    }
    for context in &config.contexts {
        let key = format!("contexts ({}): paths", context.name);
        unmatched(&key, &context.paths, paths, &mut lines);
        let by_code = [&context.decorators, &context.bases, &context.parameters];
        if context.paths.is_empty() && by_code.iter().all(|names| names.is_empty()) {
            lines.push(format!(
                "contexts ({}): it covers nothing; give it paths, decorators or bases",
                context.name
            ));
        }
    }
    unmatched("schema.files", &config.schema.files, paths, &mut lines);
    lines.extend(flag(config, project));
    lines
}

/// What the settings under `section` say of a standard module.
fn standard(
    section: &str,
    standard: &Standard,
    project: &Project,
    paths: &[&str],
    lines: &mut Vec<String>,
) {
    let Some(path) = &standard.file else {
        // An installed package may define it.
        return;
    };
    let Some(file) = project.by_path(path) else {
        lines.push(if paths.contains(&path.as_str()) {
            format!("{section}.file: {path} could not be read as code")
        } else {
            let meant = nearest(path, paths.iter().copied());
            format!("{section}.file: {path} is not there{}", instead(meant))
        });
        return;
    };
    if let Some(module) = &standard.module
        && project.modules().find(path, module, 0) != Some(path)
    {
        lines.push(format!(
            "{section}.module: `{module}` is not how {path} is imported"
        ));
    }
    let single = [
        ("pool", &standard.pool),
        ("scope", &standard.scope),
        ("rls", &standard.rls),
        ("factory", &standard.factory),
        ("dependency", &standard.dependency),
        ("service", &standard.service),
        ("begin", &standard.begin),
        ("system", &standard.system),
    ];
    let single = single
        .into_iter()
        .filter_map(|(key, name)| Some((key.to_owned(), name.as_ref()?)));
    let helpers = standard.helpers.iter();
    let helpers = helpers.map(|(method, name)| (format!("helpers.{method}"), name));
    for (key, name) in single.chain(helpers) {
        if !may_define(project, file, name) {
            let model = &project.file(file).model;
            let names = model.bindings.iter();
            let names = names.filter(|binding| binding.scope == Model::MODULE);
            let meant = nearest(name, names.map(|binding| binding.name.as_str()));
            lines.push(format!(
                "{section}.{key}: {path} defines no `{name}`{}",
                instead(meant)
            ));
        }
    }
}

/// What is wrong with the flag: imports of it would be written into many files.
fn flag(config: &Config, project: &Project) -> Option<String> {
    let (module, expression) = config.flag.as_deref()?.split_once(':')?;
    let Some(path) = project.modules().find("", module, 0) else {
        return Some(format!(
            "flag: `{module}` is no module of the project; where it is none of an installed package either, every file that goes both ways fails on its import"
        ));
    };
    let name = expression.split(['.', '(', '[']).next()?;
    let file = project.by_path(path)?;
    (!may_define(project, file, name)).then(|| format!("flag: {path} defines no `{name}`"))
}

fn unmatched(key: &str, globs: &[String], paths: &[&str], lines: &mut Vec<String>) {
    for glob in globs {
        let set = config::globs(std::slice::from_ref(glob));
        if !paths.iter().any(|path| set.is_match(path)) {
            lines.push(format!("{key}: `{glob}` matches no file that is read"));
        }
    }
}

fn instead(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pipeline::parse_file;
    use crate::source::SourceFile;

    const CONNECTION: &str = "\
from app.pool import get_pool
from app.more import *
async def execute_query(sql, *args): pass
";

    /// What is missing, in a project with a few files, by settings in YAML without their version.
    fn of(settings: &str) -> Vec<String> {
        let config = Config::parse("connmod.yaml", &format!("version: 1\n{settings}"))
            .expect("settings that can be used");
        let files = [
            ("app/db/connection.py", CONNECTION),
            ("app/more.py", "def scope(): pass\n"),
            ("app/star.py", "from installed import *\n"),
        ];
        let parsed = files.map(|(path, text)| {
            let parsed =
                parse_file(&SourceFile::new(path, text), &Arc::default()).expect("it parses");
            Arc::new(parsed.expect("it is code"))
        });
        let mut paths = files.map(|(path, _)| path).to_vec();
        let project = Project::new(parsed.into(), paths.iter().copied());
        paths.push("db/1.sql");
        missing(&config, &project, &paths)
    }

    #[test]
    fn what_is_there_is_not_remarked_on() {
        let none: [&str; 0] = [];
        assert_eq!(of(""), none);
        assert_eq!(
            of(
                "standard: {module: app.db.connection, file: app/db/connection.py, pool: get_pool, scope: scope, helpers: {fetch: execute_query}}\n\
                contexts:\n  - {name: a, kind: system, paths: [app/**]}\n  - {name: b, kind: user, bases: [Agent]}\n\
                schema: {files: [db/*.sql]}\n"
            ),
            none
        );
        // The driver may be wrapped by an installed package.
        assert_eq!(of("standard: {module: no.such, pool: nope}"), none);
        assert_eq!(
            of("standard: {file: app/star.py, pool: nope}"),
            none,
            "a star import may bring it"
        );
    }

    #[test]
    fn names_that_the_standard_does_not_have_are_named() {
        assert_eq!(
            of(
                "standard: {module: app.db.conection, file: app/db/connection.py, rls: nope, helpers: {fetch: execute_qery}}"
            ),
            [
                "standard.module: `app.db.conection` is not how app/db/connection.py is imported",
                "standard.rls: app/db/connection.py defines no `nope`",
                "standard.helpers.fetch: app/db/connection.py defines no `execute_qery`; did you mean `execute_query`?",
            ]
        );
        assert_eq!(
            of(
                "migrations: [asyncpg, other]\nstandards: {other: {file: app/db/connection.py, pool: nope}}"
            ),
            ["standards.other.pool: app/db/connection.py defines no `nope`"]
        );
        assert_eq!(
            of("standard: {file: app/db/conection.py, pool: nope}"),
            [
                "standard.file: app/db/conection.py is not there; did you mean `app/db/connection.py`?"
            ]
        );
    }

    #[test]
    fn globs_that_match_nothing_are_named() {
        assert_eq!(
            of(
                "contexts:\n  - {name: a, kind: system, paths: [app/**, ap/**]}\n  - {name: b, kind: user}\nschema: {files: [migration/*.sql]}\n"
            ),
            [
                "contexts (a): paths: `ap/**` matches no file that is read",
                "contexts (b): it covers nothing; give it paths, decorators or bases",
                "schema.files: `migration/*.sql` matches no file that is read",
            ]
        );
    }
}
