//! What the scenarios answered, and where two runs of them differ.
//!
//! It knows the form of what `scenarios` prints and who answers which of them; not what has to be true of that.

use std::collections::BTreeSet;

use serde_json::Value;

/// The functions that answer a scenario on behalf of a user, each after the file that it is in.
pub(crate) const ASKED: &[(&str, &[&str])] = &[
    (
        "account",
        &[
            "routes/account.rs overview",
            "routes/account.rs invoices",
            "services/billing.rs BillingService.settle",
        ],
    ),
    (
        "addresses",
        &[
            "routes/addresses.rs list",
            "routes/addresses.rs add",
            "routes/addresses.rs choose",
        ],
    ),
    ("cancel", &["routes/parcels.rs cancel"]),
    (
        "create",
        &["routes/parcels.rs create", "routes/parcels.rs list"],
    ),
    ("history", &["routes/parcels.rs history"]),
    (
        "label_and_quote",
        &["repositories/parcels.rs ParcelRepository.find"],
    ),
    ("list", &["routes/parcels.rs list"]),
    ("more_count", &["routes/more.rs count"]),
    ("more_events", &["routes/more.rs how_many_events"]),
    ("more_from", &["routes/more.rs streets"]),
    ("more_heaviest", &["routes/more.rs heaviest"]),
    ("more_invoices", &["routes/more.rs open_invoices"]),
    ("more_labels", &["routes/more.rs labels"]),
    ("more_lighten", &["routes/more.rs lighten"]),
    ("more_longest", &["routes/more.rs longest"]),
    ("more_remember", &["routes/more.rs remember"]),
    ("more_repack", &["routes/more.rs repack"]),
    ("more_state_of", &["routes/more.rs state_of"]),
    ("more_totals", &["routes/more.rs totals"]),
    ("more_touch", &["routes/more.rs touch"]),
    ("odd_total", &["routes/odd.rs total"]),
    ("odd_summary", &["routes/odd.rs summary"]),
    ("odd_sentence", &["routes/odd.rs sentence"]),
    ("odd_one_by_one", &["routes/odd.rs one_by_one"]),
    ("odd_namesake", &["routes/odd.rs namesake"]),
    ("odd_mark", &["routes/odd.rs mark"]),
    ("odd_long_labels", &["routes/odd.rs long_labels"]),
    ("odd_lightest", &["routes/odd.rs lightest"]),
    ("odd_label", &["routes/odd.rs label"]),
    ("odd_greeting", &["routes/odd.rs greeting"]),
    ("odd_glance", &["routes/odd.rs glance"]),
    ("odd_discount", &["routes/odd.rs discount"]),
    ("public", &["routes/public.rs track"]),
    (
        "recent_then_list",
        &[
            "routes/account.rs recent",
            "routes/parcels.rs list",
            "routes/parcels.rs show",
        ],
    ),
    ("remove", &["routes/parcels.rs remove"]),
    ("rename", &["routes/parcels.rs rename"]),
    ("seen", &["routes/parcels.rs seen"]),
    (
        "services",
        &["repositories/parcels.rs ParcelRepository.weight"],
    ),
    ("show", &["routes/parcels.rs show"]),
];

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
