//! What the scenarios answered, and where two runs of them differ.
//!
//! It knows the form of what `scenarios` prints; not what has to be true of that.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a scenario's requests were answered with.
fn answers<'a>(all: &'a Value, scenario: &str) -> &'a Vec<Value> {
    let answers = all[scenario]["answers"].as_array();
    answers.unwrap_or_else(|| panic!("no answers to {scenario}"))
}

/// The answer to the request that reads like this: status and body.
pub(crate) fn answer<'a>(all: &'a Value, scenario: &str, request: &str) -> (u64, &'a Value) {
    let found = answers(all, scenario).iter().find(|it| it[0] == *request);
    let found = found.unwrap_or_else(|| panic!("{scenario}: no {request}"));
    (found[1].as_u64().expect("a status"), &found[2])
}

/// The labels of the parcels in an answer.
pub(crate) fn labels(body: &Value) -> Vec<&str> {
    let parcels = body["parcels"].as_array().expect("parcels");
    let labels = parcels.iter().map(|parcel| parcel["label"].as_str());
    labels.map(|label| label.expect("a label")).collect()
}

/// Where two runs differ: scenario and request, or scenario and table.
pub(crate) fn differences(before: &Value, after: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (scenario, old) in before.as_object().expect("scenarios") {
        let new = &after[scenario];
        match (&old["answers"], &new["answers"]) {
            (Value::Array(old), Value::Array(new)) => {
                assert_eq!(old.len(), new.len(), "{scenario}");
                let both = old.iter().zip(new).filter(|(old, new)| old != new);
                found.extend(both.map(|(old, _)| format!("{scenario}: {}", old[0])));
            }
            (old, new) => {
                for (question, said) in old.as_object().expect("answers by name") {
                    if new[question] != *said {
                        found.insert(format!("{scenario}: {question}"));
                    }
                }
            }
        }
        for change in ["added", "gone"] {
            if old[change] != new[change] {
                found.insert(format!("{scenario}: {change}"));
            }
        }
    }
    let scenarios = |all: &Value| all.as_object().map(serde_json::Map::len);
    assert_eq!(scenarios(before), scenarios(after));
    found
}

/// Whether a difference would be one in what nobody in particular asks for.
pub(crate) fn is_of_the_system(difference: &str) -> bool {
    let system = ["services: ", "jobs: ", "public: "];
    // It is asked for a user.
    let of_user = difference == "services: weight";
    !of_user && system.iter().any(|start| difference.starts_with(start))
}
