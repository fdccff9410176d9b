//! The rules of the semantics, each from both sides: code that keeps one, and code that breaks it and is told so.
//!
//! The cases are data (`tests/rules/*.txt`); they run in the project of the migration's examples: of the one that the file is called like,
//! else of asyncpg.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use connmod::edit::Applicability;
use connmod::finding::Finding;
use connmod::pipeline::{Selection, Survey};
use connmod::recipe::{Example, Expectation, Library, Migration, Pattern, builtin};
use connmod::recipe_test;

/// What stands above the code of a case that imports nothing itself.
const IMPORT: &str = "from app.db.connection import get_db_pool\n\n\n";

struct Case {
    /// File and line of its heading.
    place: String,
    title: String,
    path: String,
    before: String,
    /// Further files of the project, each below a line `┄┄ path`.
    files: BTreeMap<String, String>,
    /// Verdict, applicability and form, as far as they apply: `rewrite safe helpers`.
    expected: String,
    /// A part of a reason or note; may be empty.
    reason: String,
    /// The code afterwards, if it is given.
    after: Option<String>,
}

fn cases(name: &str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut line = 1;
    for (index, part) in text.split("\n## ").enumerate() {
        let start = line;
        line += part.matches('\n').count() + 1;
        if index == 0 {
            continue;
        }
        let place = format!("tests/rules/{name}:{start}");
        let (heading, code) = part.split_once('\n').unwrap_or((part, ""));
        let (title, path) = heading.split_once(" @ ").expect(&place);
        let (before, rest) = code.split_once("──▶ ").expect(&place);
        let (outcome, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let (expected, reason) = outcome.split_once(": ").unwrap_or((outcome, ""));
        let (before, files) = before.split_once("┄┄ ").unwrap_or((before, ""));
        let files = files.split("┄┄ ").filter(|file| !file.is_empty());
        let files: Vec<(&str, &str)> = files
            .map(|file| file.split_once('\n').expect(&place))
            .collect();
        let imports =
            before.contains("import ") || Path::new(path).extension() != Some("py".as_ref());
        cases.push(Case {
            place,
            title: title.to_owned(),
            path: path.to_owned(),
            files: files
                .into_iter()
                .map(|(path, text)| (path.to_owned(), text.to_owned()))
                .collect(),
            before: format!("{}{before}", if imports { "" } else { IMPORT }),
            expected: expected.to_owned(),
            reason: reason.to_owned(),
            after: (!after.trim().is_empty()).then(|| format!("{}\n", after.trim_end())),
        });
    }
    cases
}

impl Case {
    fn survey(&self, library: &Library, migration: &Migration, text: &str) -> Survey {
        let example = Example {
            title: self.title.clone(),
            path: self.path.clone(),
            before: text.to_owned(),
            files: self.files.clone(),
            expect: Expectation::Standard,
            line: 0,
        };
        recipe_test::survey(library, migration, &example, text).expect("the recipes compile")
    }

    /// Everything that is not as the case says.
    fn faults(&self, library: &Library, migration: &Migration) -> Vec<String> {
        let survey = self.survey(library, migration, &self.before);
        let borrowed = borrowed(&survey, &self.path);
        let mut faults = Vec::new();
        // No site, but said why: `listed`. Neither: `unseen`.
        if ["listed", "unseen"].contains(&self.expected.as_str()) {
            let dismissed = survey.inventory.dismissed.iter();
            let listed: Vec<&str> = dismissed
                .filter(|dismissed| dismissed.file == self.path)
                .map(|dismissed| dismissed.reason.as_str())
                .collect();
            let is_listed = listed.iter().any(|reason| reason.contains(&self.reason));
            if is_listed != (self.expected == "listed") || !borrowed.is_empty() {
                faults.push(format!("expected {}, got {listed:?}", self.expected));
            }
            return faults;
        }
        if borrowed.is_empty() {
            faults.push("no site borrows a connection".to_owned());
        }
        for finding in &borrowed {
            let said = said(finding);
            if outcome(finding) != self.expected {
                faults.push(format!("expected {}, got {said}", self.expected));
            } else if !said.contains(&self.reason) {
                faults.push(format!("no reason contains `{}`: {said}", self.reason));
            }
        }
        let patches = survey.patches(&Selection::default());
        for finding in &survey.inventory.findings {
            let written = patches
                .iter()
                .any(|patch| patch.sites.contains(&finding.id));
            if written != (finding.applicability() == Some(Applicability::Safe)) {
                faults.push(format!("written: {written}, but {}", said(finding)));
            }
        }
        if let Some(after) = &self.after {
            let patch = patches.iter().find(|patch| patch.path == self.path);
            let actual = patch.map_or(self.before.as_str(), |patch| patch.after.as_str());
            if actual != after {
                faults.push(format!("expected the text\n{after}\ngot\n{actual}"));
            }
            let again = self.survey(library, migration, actual);
            // What is not proven is still proposed, until somebody takes it.
            let changes = |finding: &Finding| finding.applicability() == Some(Applicability::Safe);
            if again.inventory.findings.iter().any(changes) {
                faults.push("a second run would change it again".to_owned());
            }
        }
        faults
    }
}

/// The sites that the rules are about; getters and holders go along.
fn borrowed<'s>(survey: &'s Survey, path: &str) -> Vec<&'s Finding> {
    let borrows = |pattern| {
        matches!(
            pattern,
            Pattern::PoolAcquire
                | Pattern::PoolAcquireManual
                | Pattern::PoolDirectCall
                | Pattern::PoolBegin
                | Pattern::PoolMethodCall
                | Pattern::PoolHandedOn
                | Pattern::SessionBlock
                | Pattern::SessionManual
                | Pattern::RawConnection
                | Pattern::DirectConnect
        )
    };
    let findings = survey.inventory.findings.iter();
    findings
        .filter(|finding| finding.site.file == path && borrows(finding.site.pattern))
        .collect()
}

fn outcome(finding: &Finding) -> String {
    let Some(applicability) = finding.applicability() else {
        return finding.verdict.as_str().to_owned();
    };
    let form = finding.form.as_deref().unwrap_or_default();
    format!(
        "{} {} {form}",
        finding.verdict.as_str(),
        applicability.as_str()
    )
}

fn said(finding: &Finding) -> String {
    let words: Vec<&str> = finding
        .reasons
        .iter()
        .chain(&finding.notes)
        .map(String::as_str)
        .collect();
    format!("{}: {}", outcome(finding), words.join("; "))
}

#[test]
fn every_rule_holds_from_both_sides() {
    let library = Library::load(builtin()).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the cases are there") {
        let path = entry.expect("it can be read").path();
        let name = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("it can be read");
        let further = name.split('.').next().expect("a name");
        let migration = library.migrations.get(further);
        let migration = migration.unwrap_or(&library.migrations["asyncpg"]);
        for case in cases(&name, &text) {
            count += 1;
            for fault in case.faults(&library, migration) {
                failures.push(format!(
                    "{} {}\n  {}",
                    case.place,
                    case.title,
                    fault.replace('\n', "\n  ")
                ));
            }
        }
    }
    assert!(count > 50, "only {count} cases were found");
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} of {count}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
