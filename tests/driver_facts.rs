//! What the rules of rewriting take for granted about asyncpg and PostgreSQL, checked against both.
//!
//! A driver or server that behaves differently fails here, before it makes a "safe" rewrite unsafe.

use std::process::Command;

mod support;

#[test]
fn asyncpg_and_postgresql_behave_as_the_rules_say() {
    let (Some(python), Some(database)) = (support::python(), support::database()) else {
        return;
    };
    let output = Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/tools/driver_facts.py"
        ))
        .arg(database)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{report}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(report.lines().count() >= 10, "too few facts: {report}");
}
