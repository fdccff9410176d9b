//! The document as a whole: what it says, that it adds up, and that it is the same every time.

use super::*;
use crate::recipe::Pattern;
use crate::report::sample;

#[test]
fn the_sample() {
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("report-inventory", render(&sample::inventory()));
    });
}

#[test]
fn an_empty_project_still_gets_a_document() {
    let document = render(&Inventory::default());
    assert!(document.contains("No site was found."), "{document}");
    assert!(
        document.contains("**Already standard:** 0 of 0"),
        "{document}"
    );
}

#[test]
fn every_site_has_one_row_in_the_table_of_its_file() {
    let inventory = sample::inventory();
    let document = render(&inventory);
    let start = document.find("## Sites by file").expect("the section");
    let length = document[start..]
        .find("\n## Tables")
        .expect("the next section");
    let rows = document[start..start + length]
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| Line"))
        .count();
    assert_eq!(rows, inventory.findings.len());
}

#[test]
fn text_of_the_project_does_not_reach_the_reader_as_markup() {
    let document = render(&sample::inventory());
    assert!(!document.contains('\u{1b}'));
    assert!(!document.contains("see *ops*"));
    assert!(!document.contains("`refresh|all`"));
}

#[test]
fn the_order_of_what_is_listed_beside_the_sites_does_not_matter() {
    let inventory = sample::inventory();
    let mut shuffled = inventory.clone();
    shuffled.rls_tables.reverse();
    shuffled.dismissed.reverse();
    shuffled.unparsed.reverse();
    assert_eq!(render(&inventory), render(&shuffled));
}

#[test]
fn files_with_sessions_are_audited() {
    let mut inventory = sample::inventory();
    assert!(!render(&inventory).contains("Audit of sessions"));
    let finding = &mut inventory.findings[0];
    finding.site.pattern = Pattern::SessionBlock;
    finding.verdict = Verdict::Review;
    let file = finding.site.file.clone();
    let id = finding.id.clone();
    let row = |inventory: &Inventory| {
        let text = render(inventory);
        let mut rows = text.lines().filter(|line| line.starts_with("| high"));
        rows.next().expect("the file has a row").to_owned()
    };
    let text = row(&inventory);
    assert!(
        text.contains(&file) && text.ends_with("| no | yes |"),
        "{text}"
    );
    inventory.applied.insert(file);
    inventory.checklist = vec![("Sessions come from the module".into(), vec![id])];
    assert!(
        row(&inventory).ends_with("| yes | no |"),
        "{}",
        row(&inventory)
    );
}
