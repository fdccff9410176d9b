//! A hand-built inventory that holds every verdict and every odd case, for the tests of all reports.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::ContextKind;
use crate::edit::{Applicability, Edit};
use crate::finding::{
    ContextRef, Dismissed, Facts, Finding, Fix, Identity, Inventory, PoolOrigin, Remark, RlsTable,
    Site, Tables, Unparsed, Verdict,
};
use crate::recipe::{Pattern, PoolClass, Severity};
use crate::source::Span;

fn context(name: &str, kind: ContextKind) -> ContextRef {
    ContextRef {
        name: name.to_owned(),
        kind,
    }
}

fn tables(known: &[&str], rls: &[&str], complete: bool) -> Tables {
    let set = |names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    };
    Tables {
        open: std::collections::BTreeSet::new(),
        known: set(known),
        rls: set(rls),
        complete,
    }
}

/// A finding with these central values; tests change the rest.
pub(crate) fn finding(
    file: &str,
    line: usize,
    pattern: Pattern,
    context: ContextRef,
    verdict: Verdict,
) -> Finding {
    Finding {
        id: format!("{}-{line:04}", file.replace(['/', '.'], "-")),
        site: Site {
            file: file.to_owned(),
            span: Span::new(line * 40, line * 40 + 20),
            line,
            end_line: line + 2,
            block_end_line: line + 2,
            column: 5,
            recipe: format!("asyncpg/{}", pattern.as_str().replace('_', "-")),
            pattern,
        },
        facts: Facts {
            context,
            function: None,
            tables: None,
            identity: Identity::None,
            pool: None,
        },
        verdict,
        form: None,
        target: None,
        reasons: Vec::new(),
        notes: Vec::new(),
        severity: Severity::None,
        decided_by: Some(21),
        fix: None,
    }
}

fn fix(applicability: Applicability) -> Fix {
    Fix {
        edits: vec![Edit::replace(Span::new(10, 20), "new")],
        region: Span::new(10, 30),
        applicability,
        imports: Vec::new(),
        removes: false,
        requires: BTreeSet::new(),
    }
}

fn agents() -> ContextRef {
    context("agents", ContextKind::User)
}

fn services() -> ContextRef {
    context("services", ContextKind::System)
}

fn scripts() -> ContextRef {
    context("scripts", ContextKind::Script)
}

fn rewrites() -> Vec<Finding> {
    let rls = Finding {
        facts: Facts {
            function: Some("Advisor.positions".into()),
            tables: Some(tables(&["lots", "prices"], &["lots"], true)),
            identity: Identity::Bound {
                expression: "ctx.user_id".into(),
            },
            pool: Some(PoolOrigin {
                class: PoolClass::Shared,
                story: "`pool` is bound to `get_db_pool()` in line 9".into(),
                doubt: None,
            }),
            context: agents(),
        },
        form: Some("rls".into()),
        target: Some("get_db_connection_with_rls(ctx.user_id)".into()),
        notes: vec!["two writes become atomic".into()],
        severity: Severity::Warning,
        fix: Some(fix(Applicability::Safe)),
        ..finding(
            "app/agents/advisor.py",
            10,
            Pattern::PoolAcquire,
            agents(),
            Verdict::Rewrite,
        )
    };
    let optional = Finding {
        facts: Facts {
            function: Some("Advisor.history".into()),
            identity: Identity::Optional {
                expression: "user_id".into(),
                why: "its default is `None`".into(),
            },
            ..rls.facts.clone()
        },
        target: Some("get_db_connection_with_rls(user_id)".into()),
        reasons: vec!["the identity `user_id` may be `None`: its default is `None`".into()],
        severity: Severity::Error,
        fix: Some(fix(Applicability::Unsafe)),
        ..Finding {
            form: Some("rls".into()),
            ..finding(
                "app/agents/advisor.py",
                40,
                Pattern::PoolAcquire,
                agents(),
                Verdict::Rewrite,
            )
        }
    };
    let helpers = Finding {
        facts: Facts {
            function: Some("Ratings._load".into()),
            tables: Some(tables(&["lots"], &["lots"], true)),
            ..finding("", 0, Pattern::PoolAcquire, services(), Verdict::Rewrite).facts
        },
        form: Some("helpers".into()),
        target: Some("execute_query, execute_statement".into()),
        notes: vec!["reads RLS table `lots` without a user, as before".into()],
        severity: Severity::Warning,
        fix: Some(fix(Applicability::Safe)),
        ..finding(
            "app/services/ratings.py",
            7,
            Pattern::PoolAcquire,
            services(),
            Verdict::Rewrite,
        )
    };
    vec![rls, optional, helpers]
}

fn reviews() -> Vec<Finding> {
    let dynamic = |line: usize| Finding {
        facts: Facts {
            function: Some("Harvester.run".into()),
            tables: Some(tables(&["news"], &[], false)),
            ..finding("", 0, Pattern::PoolAcquire, agents(), Verdict::Review).facts
        },
        reasons: vec!["the SQL is built at run time".into()],
        severity: Severity::Warning,
        ..finding(
            "app/agents/harvester.py",
            line,
            Pattern::PoolAcquire,
            agents(),
            Verdict::Review,
        )
    };
    let escapes = |line: usize, callee: &str| Finding {
        facts: Facts {
            function: Some("refresh|all".into()),
            tables: Some(tables(&[], &[], false)),
            ..finding("", 0, Pattern::PoolAcquire, services(), Verdict::Review).facts
        },
        reasons: vec![
            format!("the connection `conn` is passed to `{callee}`"),
            "the pool cannot be followed".into(),
        ],
        severity: Severity::Warning,
        ..finding(
            "app/services/ratings.py",
            line,
            Pattern::PoolAcquire,
            services(),
            Verdict::Review,
        )
    };
    let leak = Finding {
        facts: Facts {
            tables: Some(tables(&["lots"], &["lots"], true)),
            ..finding("", 0, Pattern::PoolAcquireManual, agents(), Verdict::Review).facts
        },
        reasons: vec!["the connection is not released on every path".into()],
        severity: Severity::Error,
        ..finding(
            "app/agents/harvester.py",
            90,
            Pattern::PoolAcquireManual,
            agents(),
            Verdict::Review,
        )
    };
    vec![
        dynamic(12),
        dynamic(55),
        leak,
        escapes(30, "store"),
        escapes(48, "load_all"),
    ]
}

fn others() -> Vec<Finding> {
    let helper = Finding {
        facts: Facts {
            function: Some("prices".into()),
            tables: Some(tables(&["prices"], &[], true)),
            ..finding("", 0, Pattern::HelperCall, services(), Verdict::Standard).facts
        },
        form: Some("helpers".into()),
        ..finding(
            "app/services/pricing.py",
            5,
            Pattern::HelperCall,
            services(),
            Verdict::Standard,
        )
    };
    let script = Finding {
        reasons: vec!["one-time operation".into()],
        ..finding(
            "scripts/seed.py",
            3,
            Pattern::DirectConnect,
            scripts(),
            Verdict::Keep,
        )
    };
    let silenced = Finding {
        reasons: vec!["connmod: ignore – needs its own session\u{1b}[31m\nsee *ops*".into()],
        ..finding(
            "tools/odd name.py",
            8,
            Pattern::DirectConnect,
            context("other", ContextKind::Unknown),
            Verdict::Suppressed,
        )
    };
    let broken = Finding {
        reasons: vec!["the region does not parse".into()],
        severity: Severity::Warning,
        ..finding(
            "tools/odd name.py",
            20,
            Pattern::PoolAcquire,
            context("other", ContextKind::Unknown),
            Verdict::Unparsed,
        )
    };
    vec![helper, script, silenced, broken]
}

/// The inventory.
pub(crate) fn inventory() -> Inventory {
    let mut findings: Vec<Finding> = [rewrites(), reviews(), others()].concat();
    findings.sort_by(|a, b| a.site.cmp(&b.site));
    let leaks: Vec<String> = findings
        .iter()
        .filter(|finding| finding.site.pattern == Pattern::PoolAcquireManual)
        .map(|finding| finding.id.clone())
        .collect();
    Inventory {
        applied: std::collections::BTreeSet::new(),
        uncovered: BTreeMap::new(),
        remarks: vec![Remark {
            file: "app/agents/advisor.py".into(),
            line: 39,
            text: "`allow(pool-aquire)`: there is no such recipe".into(),
        }],
        files: 40,
        parsed: 7,
        lacks_standard: false,
        findings,
        dismissed: vec![Dismissed {
            file: "app/locks.py".into(),
            line: 4,
            column: 16,
            recipe: "asyncpg/pool-acquire".into(),
            reason: "`self._lock` is an `asyncio.Lock`".into(),
        }],
        unparsed: vec![Unparsed {
            file: "tools/latin1.py".into(),
            reason: "not UTF-8 (byte 12)".into(),
        }],
        rls_tables: vec![
            RlsTable {
                table: "lots".into(),
                sources: vec![
                    ("db/001.sql".into(), 12, "enables row-level security".into()),
                    ("db/002.sql".into(), 3, "policy `lots_owner`".into()),
                ],
                user_data: true,
            },
            RlsTable {
                table: "prices".into(),
                sources: vec![("db/001.sql".into(), 14, "enables row-level security".into())],
                user_data: false,
            },
        ],
        contexts: vec![
            services(),
            agents(),
            context("jobs", ContextKind::System),
            scripts(),
        ],
        titles: BTreeMap::from([
            ("asyncpg/pool-acquire".into(), "Pool acquire block".into()),
            (
                "asyncpg/pool-acquire-manual".into(),
                "Manual acquire and release".into(),
            ),
            ("asyncpg/direct-connect".into(), "Direct connection".into()),
            ("asyncpg/helper-call".into(), "Helper call".into()),
            ("asyncpg/create-pool".into(), "Pool creation".into()),
        ]),
        checklist: vec![
            ("Every pool is the shared one".into(), Vec::new()),
            ("Every connection is given back".into(), leaks),
        ],
    }
}
