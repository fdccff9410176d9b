//! The audit of sessions, a row per file: what is wrong there, how urgent it is, whether a run has mended it and the checklist holds.
//!
//! Nothing is ticked by hand: *fixed* is what the history of applies says, *verified* what the checklist says.

use std::collections::{BTreeMap, BTreeSet};

use super::{Align, Report, Table, heading, paragraph};
use crate::finding::{Finding, Verdict};
use crate::recipe::Pattern;
use crate::report::markdown::{code, prose};
use crate::report::totals::Tally;

/// How urgent a file is, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Priority {
    /// It handles core connections: engines, roles, claims.
    Critical,
    /// It opens sessions itself.
    High,
    /// It has a factory of its own, or hands parameters on.
    Medium,
    /// Nothing but smaller things.
    Low,
    /// Nothing at all.
    None,
}

impl Priority {
    fn of(finding: &Finding) -> Self {
        if !is_open(finding) {
            return Self::None;
        }
        match finding.site.pattern {
            Pattern::CreateEngine | Pattern::ConnectionClaims => Self::Critical,
            Pattern::SessionBlock | Pattern::SessionManual | Pattern::DirectSession => Self::High,
            Pattern::CreateFactory | Pattern::FactoryImport | Pattern::TaskParameters => {
                Self::Medium
            }
            _ => Self::Low,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::None => "–",
        }
    }
}

fn is_open(finding: &Finding) -> bool {
    matches!(
        finding.verdict,
        Verdict::Rewrite | Verdict::Review | Verdict::Unparsed
    )
}

pub(super) fn render(report: &Report<'_>, out: &mut String) {
    let inventory = report.inventory;
    let mut files: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    let all = inventory.findings.iter();
    for finding in all.filter(|own| own.site.pattern.is_of_sessions()) {
        files.entry(&finding.site.file).or_default().push(finding);
    }
    if files.is_empty() {
        return;
    }
    heading(out, 2, "Audit of sessions");
    paragraph(
        out,
        "Critical: engines, roles and claims. High: sessions that are opened there. Medium: factories, and parameters that are handed on. \
         Low: the rest. *Fixed* says that an apply which still stands has changed the file; *verified* that nothing in it breaks an item of the \
         checklist.",
    );
    let broken: BTreeSet<&str> = inventory
        .checklist
        .iter()
        .flat_map(|(_, ids)| ids.iter().map(String::as_str))
        .collect();
    let mut rows: Vec<(Priority, &str, Vec<&Finding>)> = files
        .into_iter()
        .map(|(file, findings)| {
            let priority = findings.iter().map(|finding| Priority::of(finding)).min();
            (priority.unwrap_or(Priority::None), file, findings)
        })
        .collect();
    rows.sort_by_key(|(priority, file, _)| (*priority, *file));
    let mut table = Table::new(&[
        ("Priority", Align::Left),
        ("File", Align::Left),
        ("Status", Align::Left),
        ("Connection type", Align::Left),
        ("Issues", Align::Right),
        ("Fixed", Align::Left),
        ("Verified", Align::Left),
    ]);
    for (priority, file, findings) in rows {
        let tally = Tally::of(findings.iter().copied());
        let titles: BTreeSet<String> = findings.iter().map(|own| report.title(own)).collect();
        let titles: Vec<String> = titles.into_iter().collect();
        let yes = |holds: bool| if holds { "yes" } else { "no" };
        let breaks = findings
            .iter()
            .any(|finding| broken.contains(finding.id.as_str()));
        table.row(&[
            priority.as_str().to_owned(),
            code(file),
            if tally.open() == 0 {
                "compliant".to_owned()
            } else {
                "open".to_owned()
            },
            prose(&titles.join(", ")),
            tally.open().to_string(),
            yes(inventory.applied.contains(file)).to_owned(),
            yes(!breaks).to_owned(),
        ]);
    }
    out.push_str(&table.finish());
}
