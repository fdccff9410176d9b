//! What the queries find in the sample, against what the reports list: nothing that a person would search for gets lost in between.

use std::collections::BTreeMap;
use std::path::Path;

use crate::pipeline::{Request, Survey, survey};
use crate::progress::Silent;
use crate::recipe::{Library, builtin};

/// The calls that a person searches the code for. A release belongs to its acquire.
const SEARCHED: [&str; 4] = ["acquire", "connect", "create_pool", "get_db_pool"];

fn sample() -> Survey {
    let request = Request {
        base: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ledger"),
        roots: Vec::new(),
        config: None,
        library: Library::load(builtin()).expect("the built-in recipes load"),
        threads: None,
        hidden: false,
        no_ignore: false,
    };
    survey(&request, &Silent).expect("the sample can be read")
}

#[test]
fn each_hit_is_listed_once() {
    let survey = sample();
    // How often each place is listed, as a site or as something else.
    let mut listed: BTreeMap<(&str, usize, usize), usize> = BTreeMap::new();
    for finding in &survey.inventory.findings {
        let site = &finding.site;
        *listed
            .entry((&site.file, site.line, site.column))
            .or_default() += 1;
    }
    for dismissed in &survey.inventory.dismissed {
        let place = (dismissed.file.as_str(), dismissed.line, dismissed.column);
        *listed.entry(place).or_default() += 1;
    }
    let mut searched = 0;
    for (_, file) in survey.project.files() {
        for hit in survey.lanes[0].locator.hits(file).hits {
            let place = file.source.position(hit.site.start);
            let times = listed.get(&(file.source.path(), place.line, place.column));
            let times = times.copied().unwrap_or_default();
            let text = file.source.slice(hit.site);
            let head = text.lines().next().unwrap_or_default();
            let told = format!("{}:{}: `{head}`", file.source.path(), place.line);
            // A site can begin where another one does: `get_db_pool()` of `get_db_pool().acquire()`.
            assert!(times <= 2, "{told} is listed {times} times");
            let mut calls = file.outline.calls.iter();
            let call = calls.find(|call| call.span == hit.site);
            if call.is_some_and(|call| SEARCHED.contains(&call.name.as_str())) {
                searched += 1;
                assert!(times > 0, "{told} is lost");
            }
        }
    }
    assert!(searched > 100, "{searched} hits are too few for the sample");
}
