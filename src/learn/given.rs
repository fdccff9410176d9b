//! The standard of drivers whose queries are told which pool or connection they run on: functions that are given the pool, and what they
//! do with it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::facts::standard::reading::given::{self, Form};
use crate::learn::contexts::{is_script, is_test};
use crate::learn::evidence::Evidence;
use crate::learn::standard::Forms;
use crate::learn::{Learnt, Note};
use crate::project::{FileId, FunctionRef};

/// A function of a standard.
struct Found {
    function: FunctionRef,
    form: Form,
    /// What it is called below its home.
    name: String,
}

/// The names by which other files reach what may be the standard.
pub(super) fn names(evidence: &Evidence<'_>) -> BTreeSet<String> {
    let found = homes(evidence).into_values().flatten();
    found
        .map(|own| evidence.name(own.function).to_owned())
        .collect()
}

/// Learns `standard`.
pub(super) fn learn(evidence: &Evidence<'_>, learnt: &mut Learnt) -> Forms {
    let best = homes(evidence)
        .into_iter()
        .filter(|(_, found)| is_standard(found))
        .max_by_key(|(home, found)| {
            let path = evidence.file(*home).source.path();
            let has_rls = found.iter().any(|own| own.form == Form::Rls);
            let in_use = !is_test(path) && !is_script(path);
            (in_use, has_rls, found.len(), Reverse(path))
        });
    let Some((home, found)) = best else {
        let why = "no function that is given a pool sets a user in a transaction or lends what queries run on";
        let text = "none; `connmod init --scaffold` writes one";
        learnt.notes.push(Note::guessed("standard", text, why));
        return Forms::default();
    };
    let path = evidence.file(home).source.path();
    let module = evidence.project.modules().path_to(path, path);
    let module = module.map_or_else(|| "crate".to_owned(), |(module, _)| module);
    let first = found.iter().map(|own| own.function).min();
    let place = first.map_or_else(String::new, |first| evidence.place(first));
    for (setting, text) in [
        ("standard.module", module.as_str()),
        ("standard.file", path),
    ] {
        learnt
            .notes
            .push(Note::found(setting, text, place.as_str()));
    }
    let standard = &mut learnt.config.standard;
    standard.module = Some(module);
    standard.file = Some(path.to_owned());
    for own in &found {
        let (key, slot) = match own.form {
            Form::System => ("system", &mut standard.system),
            Form::Acquire => ("scope", &mut standard.scope),
            Form::Begin => ("begin", &mut standard.begin),
            Form::Rls => ("rls", &mut standard.rls),
        };
        // The first of several in a home is as good as the others.
        if slot.is_none() {
            *slot = Some(own.name.clone());
            let place = evidence.place(own.function);
            let setting = format!("standard.{key}");
            learnt
                .notes
                .push(Note::found(setting, own.name.as_str(), place));
        }
    }
    let (rls, plain): (Vec<&Found>, Vec<&Found>) =
        found.iter().partition(|own| own.form == Form::Rls);
    let functions = |found: Vec<&Found>| found.into_iter().map(|own| own.function).collect();
    let files = found.iter().map(|own| own.function.file).chain([home]);
    Forms::of_given(files.collect(), functions(rls), functions(plain))
}

/// Whether these functions are what a project goes through, rather than some that happen to be given a pool.
fn is_standard(found: &[Found]) -> bool {
    let has = |form: Form| found.iter().any(|own| own.form == form);
    has(Form::Rls) || (has(Form::System) && (has(Form::Begin) || has(Form::Acquire)))
}

/// The functions by the module that a project would name them by: a part of one that has such functions, too, belongs to that.
fn homes(evidence: &Evidence<'_>) -> BTreeMap<FileId, Vec<Found>> {
    let forms: Vec<(FunctionRef, Form)> = evidence
        .functions()
        .filter_map(|function| {
            let form = given::form(evidence.project, evidence.driver, function)?;
            Some((function, form))
        })
        .collect();
    let own: BTreeSet<FileId> = forms.iter().map(|(function, _)| function.file).collect();
    let mut homes: BTreeMap<FileId, Vec<Found>> = BTreeMap::new();
    for (function, form) in forms {
        let path = evidence.file(function.file).source.path();
        let name = evidence.name(function);
        let around = around(path).into_iter().find_map(|around| {
            let home = evidence.project.by_path(&around)?;
            own.contains(&home).then_some(home)
        });
        let (home, name) = match around {
            Some(home) => (home, format!("{}::{name}", stem(path))),
            None => (function.file, name.to_owned()),
        };
        homes.entry(home).or_default().push(Found {
            function,
            form,
            name,
        });
    }
    for found in homes.values_mut() {
        // What a module has itself comes before what its parts have.
        found.sort_by_key(|own| (own.name.contains("::"), own.function));
    }
    homes
}

/// The files that the module around the one at `path` can be.
fn around(path: &str) -> Vec<String> {
    let Some((folder, name)) = path.rsplit_once('/') else {
        return Vec::new();
    };
    if matches!(name, "mod.rs" | "lib.rs" | "main.rs") {
        return Vec::new();
    }
    vec![format!("{folder}/mod.rs"), format!("{folder}.rs")]
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}
