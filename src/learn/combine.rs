//! Which of the migrations a project needs, and the settings of all of them in one.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::config::Context;
use crate::learn::contexts::{is_script, is_test};
use crate::learn::{Candidate, Input, Learnt, Note, learn_one};
use crate::recipe::Driver;
use crate::source::SourceFile;

/// Learns the settings: those of the first migration, and those of every other whose driver the project has pools of.
pub(super) fn learn(files: &[SourceFile], migrations: &[Candidate<'_>]) -> Learnt {
    let Some((first, rest)) = migrations.split_first() else {
        return Learnt::default();
    };
    let further: Vec<(&str, Learnt)> = rest
        .iter()
        .filter(|(_, driver)| makes_pools(files, driver))
        .map(|(name, driver)| (*name, learn_one(&Input { files, driver })))
        .filter(|(_, learnt)| learnt.config.standard.is_known())
        .collect();
    let (name, driver) = *first;
    let of_first = learn_one(&Input { files, driver });
    if further.is_empty() {
        return of_first;
    }
    // A driver that is only mentioned needs no migration where another is what the project goes through.
    let mut all = further;
    if of_first.config.standard.is_known() || makes_pools(files, driver) {
        all.insert(0, (name, of_first));
    }
    let mut all = all.into_iter();
    let Some((main, mut learnt)) = all.next() else {
        return Learnt::default();
    };
    learnt.config.migrations = vec![main.to_owned()];
    for (name, other) in all {
        learnt.config.migrations.push(name.to_owned());
        add(&mut learnt, name, other);
    }
    let text = learnt.config.migrations.join(", ");
    let why = "whose factories, pools and standard modules the code has";
    learnt
        .notes
        .insert(0, Note::guessed("migrations", text, why));
    learnt
}

/// Adds what a further migration learnt: its standard module, and what its contexts have beside those that are known.
fn add(learnt: &mut Learnt, name: &str, other: Learnt) {
    let config = &mut learnt.config;
    config
        .standards
        .insert(name.to_owned(), other.config.standard);
    let mut by_name: BTreeMap<String, usize> = config
        .contexts
        .iter()
        .enumerate()
        .map(|(index, context)| (context.name.clone(), index))
        .collect();
    for context in other.config.contexts {
        if let Some(index) = by_name.get(&context.name) {
            merge(&mut config.contexts[*index], context);
        } else {
            by_name.insert(context.name.clone(), config.contexts.len());
            config.contexts.push(context);
        }
    }
    let of_standard = other
        .notes
        .into_iter()
        .filter(|note| note.setting.starts_with("standard"));
    learnt.notes.extend(of_standard.map(|note| {
        let setting = note
            .setting
            .replacen("standard", &format!("standards.{name}"), 1);
        Note { setting, ..note }
    }));
}

fn merge(context: &mut Context, other: Context) {
    let add = |own: &mut Vec<String>, more: Vec<String>| {
        for text in more {
            if !own.contains(&text) {
                own.push(text);
            }
        }
    };
    add(&mut context.paths, other.paths);
    add(&mut context.decorators, other.decorators);
    add(&mut context.bases, other.bases);
}

/// Whether code that is neither a test nor a script calls one of the functions that make a pool of the driver.
fn makes_pools(files: &[SourceFile], driver: &Driver) -> bool {
    let code = files
        .par_iter()
        .filter(|file| !is_test(file.path()) && !is_script(file.path()));
    code.into_par_iter().any(|file| {
        let text = file.text();
        let calls = |name: &String| text.contains(&format!("{name}("));
        driver
            .modules
            .iter()
            .any(|module| text.contains(module.as_str()))
            && driver.create_pool.iter().any(calls)
    })
}
