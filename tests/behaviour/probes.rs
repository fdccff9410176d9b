//! Functions of every shape, put into the sample and called before and after a migration: what the tool calls safe does what it did.
//!
//! They are in `probes/`, one module for each context. A function of which the tool is known to be wrong has a line `# open: WHY` above
//! it, and must be wrong: who mends it takes the line out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::sites;
use crate::stage::{Answers, BEHAVIOUR, SAMPLE, Stage, migrate};

/// Each file of `probes/`, with its place in the sample.
const FILES: &[(&str, &str)] = &[
    ("schema.sql", "backend/migrations/900_probes.sql"),
    ("agents.py", "backend/app/agents/probe.py"),
    ("routes.py", "backend/app/api/routes/probe.py"),
    ("services.py", "backend/app/services/probe.py"),
    ("sessions.py", "backend/app/services/probe_sessions.py"),
    ("ordinary.py", "backend/app/services/probe_ordinary.py"),
    (
        "repositories.py",
        "backend/app/services/probe_repositories.py",
    ),
    ("handlers.py", "backend/app/api/routes/probe_handlers.py"),
    ("jobs.py", "backend/jobs/probe_jobs.py"),
    ("scripts.py", "backend/scripts/probe_scripts.py"),
];

/// Begins the names of the functions whose answer cannot show the fault; nothing of theirs may be called safe.
const NOT_SAFE: &str = "not_safe_";

/// The sample with the probes in it, migrated, and what they did before.
pub(crate) struct Probes {
    migrated: TempDir,
    before: Answers,
    sites: Vec<Value>,
    /// Why the tool is wrong of a function, by its name.
    open: BTreeMap<String, String>,
}

impl Probes {
    pub(crate) fn new(stage: &Stage) -> Self {
        let copy = stage.copy(Path::new(SAMPLE));
        let open = Self::put_into(copy.path());
        let sites = sites(copy.path());
        let before = stage.both("probes", copy.path(), "probes-before");
        migrate(copy.path(), &[]);
        Self {
            migrated: copy,
            before,
            sites,
            open,
        }
    }

    /// The application after its migration, not to be changed.
    pub(crate) fn migrated(&self) -> &Path {
        self.migrated.path()
    }

    /// Copies the files into the application at `root`.
    fn put_into(root: &Path) -> BTreeMap<String, String> {
        let mut open = BTreeMap::new();
        for (file, place) in FILES {
            let text = fs::read_to_string(Path::new(BEHAVIOUR).join("probes").join(file)).unwrap();
            fs::write(root.join(place), &text).unwrap();
            let mut why = None;
            for line in text.lines() {
                why = line.strip_prefix("# open: ").or(why);
                let name = line
                    .strip_prefix("async def ")
                    .and_then(|rest| rest.split('(').next());
                if let (Some(name), Some(why)) = (name, name.and_then(|_| why.take())) {
                    open.insert(name.to_owned(), why.to_owned());
                }
            }
        }
        open
    }

    /// What is wrong with what the functions did `after` a migration.
    pub(crate) fn faults(&self, after: &Answers) -> Vec<String> {
        let (before, after) = (Outcomes::read(&self.before), Outcomes::read(after));
        let functions = before.bypassing.as_object().unwrap().keys();
        let faults = functions.filter_map(|function| {
            let name = function.rsplit('.').next().unwrap_or(function);
            let fault = if name.starts_with(NOT_SAFE) {
                is_called_safe(name, &self.sites).then(|| "is called safe".to_owned())
            } else {
                changed(function, &before, &after)
            };
            match (fault, self.open.get(name)) {
                (Some(fault), None) => Some(format!("{function}: {fault}")),
                (None, Some(why)) => Some(format!("{function}: no longer open ({why})")),
                _ => None,
            }
        });
        faults.collect()
    }
}

/// What each function answered and changed, as each role.
struct Outcomes {
    bound: Value,
    bypassing: Value,
}

impl Outcomes {
    fn read(files: &Answers) -> Self {
        let read = |path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        Self {
            bound: read(&files.bound),
            bypassing: read(&files.bypassing),
        }
    }
}

/// How a function differs from what it was. In a user's context a role that policies bind may now get what one that bypasses them got.
fn changed(function: &str, before: &Outcomes, after: &Outcomes) -> Option<String> {
    let [bound, bypassing] = [&before.bound, &before.bypassing].map(|all| &all[function]);
    let [now_bound, now_bypassing] = [&after.bound, &after.bypassing].map(|all| &all[function]);
    let gets_rows = !is_of_the_system(function) && now_bound == bypassing;
    if now_bypassing == bypassing && (now_bound == bound || gets_rows) {
        return None;
    }
    Some(format!(
        "bypassing: {bypassing} became {now_bypassing}; bound: {bound} became {now_bound}"
    ))
}

fn is_of_the_system(function: &str) -> bool {
    [".services.", "jobs.", "scripts."]
        .iter()
        .any(|part| function.contains(part))
}

fn is_called_safe(function: &str, sites: &[Value]) -> bool {
    sites.iter().any(|site| {
        site["function"] == function && site["applicability"] == "safe" && site["form"] != "remove"
    })
}
