//! Asks the sample, as it stands in this folder, one question after another, and prints what it answered and what that left in the tables.
//!
//!     scenarios ADDRESS ROLE
//!
//! ADDRESS is that of a server where databases and roles may be created, as superuser. ROLE is `bound`, a role of the application that owns
//! nothing and that the policies bind, or `bypassing`, the superuser. Every scenario begins with the same rows and a pool of its own, of one
//! connection: the next borrower has that of the last one, and whoever wants a second one while holding the first is heard of.

#[path = "../shared/stage.rs"]
mod stage;

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::path::Path;

use axum::body::{to_bytes, Body};
use axum::http::{Method, Request};
use parcels::jobs::nightly;
use parcels::services::{BillingService, TrackingService};
use parcels::{metrics, router, AppState};
use serde_json::{json, Map, Value};
use sqlx::migrate::Migrator;
use sqlx::PgPool;
use stage::Stage;
use tower::ServiceExt;

const A: &str = "00000000-0000-0000-0000-00000000000a";
const B: &str = "00000000-0000-0000-0000-00000000000b";

/// Rows of two customers: numbers 1 to 3 are those of A, 4 and 5 those of B.
const SEED: &str = "
TRUNCATE carriers, rates, job_runs, audit_log, addresses, parcels, tracking_events, invoices RESTART IDENTITY;
INSERT INTO carriers VALUES ('dove', 'Dove', true), ('ox', 'Ox', true), ('snail', 'Snail', false);
INSERT INTO rates VALUES ('dove', 100, 300), ('dove', 1000, 900), ('ox', 100000, 2000);
INSERT INTO addresses (user_id, line, is_default) VALUES
    ('00000000-0000-0000-0000-00000000000a', 'a street', true), ('00000000-0000-0000-0000-00000000000a', 'a avenue', false),
    ('00000000-0000-0000-0000-00000000000b', 'b street', true);
INSERT INTO parcels (user_id, label, carrier, grams, state) VALUES
    ('00000000-0000-0000-0000-00000000000a', 'a books', 'dove', 900, 'packed'),
    ('00000000-0000-0000-0000-00000000000a', 'a piano', 'ox', 90000, 'under way'),
    ('00000000-0000-0000-0000-00000000000a', 'a socks', 'dove', 80, 'delivered'),
    ('00000000-0000-0000-0000-00000000000b', 'b seeds', 'dove', 20, 'packed'),
    ('00000000-0000-0000-0000-00000000000b', 'b stove', 'ox', 60000, 'delivered');
INSERT INTO tracking_events (user_id, parcel_id, what) SELECT user_id, id, 'packed' FROM parcels;
INSERT INTO tracking_events (user_id, parcel_id, what) SELECT user_id, id, 'left' FROM parcels WHERE state <> 'packed';
INSERT INTO invoices (user_id, parcel_id, cents) VALUES
    ('00000000-0000-0000-0000-00000000000a', 3, 300), ('00000000-0000-0000-0000-00000000000b', 5, 2000);
";

/// All rows that a scenario may have changed.
const TABLES: [(&str, &str); 8] = [
    ("carriers", "code"),
    ("rates", "carrier, up_to_grams"),
    ("job_runs", "id"),
    ("audit_log", "id"),
    ("addresses", "id"),
    ("parcels", "id"),
    ("tracking_events", "id"),
    ("invoices", "id"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, address, role] = &arguments[..] else {
        return Err("scenarios ADDRESS ROLE".into());
    };
    let stage = Stage::new(address).await?;
    let result = all(&stage, role == "bound").await;
    stage.end().await?;
    println!("{:#}", Value::Object(result?));
    Ok(())
}

async fn all(stage: &Stage, bound: bool) -> Result<Map<String, Value>, Box<dyn Error>> {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    Migrator::new(migrations).await?.run(&stage.owner).await?;
    stage.grant().await?;
    // The pool that is kept for the whole process: that of the first scenario would not outlive it.
    let kept = stage.pool(bound, 1).await?;
    metrics::install(kept.clone());

    let run = Run { stage, bound };
    let mut found = Map::new();
    for (scenario, requests) in over_http() {
        let answers = run.scenario(1, |pool| http(pool, requests)).await?;
        found.insert(scenario.to_owned(), answers);
    }
    found.insert("services".into(), run.scenario(1, services).await?);
    // A run holds one connection for its lock and takes another one for its work.
    found.insert("jobs".into(), run.scenario(2, jobs).await?);
    kept.close().await;
    Ok(found)
}

struct Run<'a> {
    stage: &'a Stage,
    bound: bool,
}

impl Run<'_> {
    /// What is answered on a pool of its own, and the rows behind it that are not those from before.
    async fn scenario<F: Future<Output = Value>>(
        &self,
        connections: u32,
        ask: impl FnOnce(PgPool) -> F,
    ) -> Result<Value, Box<dyn Error>> {
        sqlx::raw_sql(SEED).execute(&self.stage.owner).await?;
        let before = self.rows().await?;
        let pool = self.stage.pool(self.bound, connections).await?;
        let answers = ask(pool.clone()).await;
        pool.close().await;
        let after = self.rows().await?;
        let mut gone = before.clone();
        let mut added = after;
        gone.retain(|row, _| !added.contains_key(row));
        added.retain(|row, _| !before.contains_key(row));
        let keys = |rows: BTreeMap<String, ()>| rows.into_keys().collect::<Vec<_>>();
        Ok(json!({ "answers": answers, "added": keys(added), "gone": keys(gone) }))
    }

    async fn rows(&self) -> sqlx::Result<BTreeMap<String, ()>> {
        let mut rows = BTreeMap::new();
        for (table, order) in TABLES {
            let query =
                format!("SELECT '{table} ' || t FROM (SELECT * FROM {table} ORDER BY {order}) t");
            let found: Vec<String> = sqlx::query_scalar(&query)
                .fetch_all(&self.stage.owner)
                .await?;
            rows.extend(found.into_iter().map(|row| (row, ())));
        }
        Ok(rows)
    }
}

type Asked = (&'static str, &'static str, &'static str, &'static str);

/// Name and requests of each: who asks, how, for what, with what.
fn over_http() -> Vec<(&'static str, Vec<Asked>)> {
    vec![
        (
            "list",
            vec![
                (A, "GET", "/parcels", ""),
                (B, "GET", "/parcels", ""),
                ("", "GET", "/parcels", ""),
            ],
        ),
        (
            "show",
            vec![
                (A, "GET", "/parcels/1", ""),
                (A, "GET", "/parcels/4", ""),
                (B, "GET", "/parcels/4", ""),
                (B, "GET", "/parcels/1", ""),
                (B, "GET", "/parcels/99", ""),
            ],
        ),
        (
            "create",
            vec![
                (
                    A,
                    "POST",
                    "/parcels",
                    r#"{"label": "a new", "carrier": "dove", "grams": 5}"#,
                ),
                (
                    A,
                    "POST",
                    "/parcels",
                    r#"{"label": "nobody's carrier", "carrier": "none", "grams": 5}"#,
                ),
                (
                    B,
                    "POST",
                    "/parcels",
                    r#"{"label": "weightless", "carrier": "ox", "grams": 0}"#,
                ),
                (A, "GET", "/parcels", ""),
                (B, "GET", "/parcels", ""),
            ],
        ),
        (
            "cancel",
            vec![
                (A, "POST", "/parcels/1/cancel", ""),
                (A, "POST", "/parcels/2/cancel", ""),
                (A, "POST", "/parcels/4/cancel", ""),
                (A, "POST", "/parcels/1/cancel", ""),
            ],
        ),
        (
            "history",
            vec![
                (A, "GET", "/parcels/2/history", ""),
                (A, "GET", "/parcels/5/history", ""),
                (B, "GET", "/parcels/5/history", ""),
            ],
        ),
        (
            "remove",
            vec![
                (A, "DELETE", "/parcels/1", ""),
                // It has an invoice: the second statement fails, the first one stands.
                (A, "DELETE", "/parcels/3", ""),
                (B, "DELETE", "/parcels/2", ""),
                (B, "DELETE", "/parcels/99", ""),
            ],
        ),
        (
            "rename",
            vec![
                (
                    A,
                    "POST",
                    "/parcels/1/rename",
                    r#"{"label": "a '; DROP TABLE parcels"}"#,
                ),
                (A, "POST", "/parcels/4/rename", r#"{"label": "mine"}"#),
                (B, "POST", "/parcels/4/rename", r#"{"label": "b flowers"}"#),
            ],
        ),
        (
            "seen",
            vec![
                (A, "POST", "/parcels/1/seen", ""),
                // It is no parcel: the insertion fails, the count does not.
                (A, "POST", "/parcels/99/seen", ""),
                (B, "POST", "/parcels/4/seen", ""),
            ],
        ),
        (
            "label_and_quote",
            vec![
                (A, "POST", "/parcels/1/label", ""),
                (A, "GET", "/parcels/1/quote", ""),
                (B, "GET", "/parcels/1/quote", ""),
                (B, "GET", "/parcels/5/quote", ""),
            ],
        ),
        (
            "addresses",
            vec![
                (A, "GET", "/addresses", ""),
                (A, "POST", "/addresses", "a lane"),
                (B, "POST", "/addresses", "b lane"),
                (A, "GET", "/addresses", ""),
                (B, "GET", "/addresses", ""),
                (A, "POST", "/addresses/2/default", ""),
                (A, "POST", "/addresses/3/default", ""),
            ],
        ),
        (
            "account",
            vec![
                (A, "GET", "/account", ""),
                (B, "GET", "/account", ""),
                (A, "GET", "/account/invoices", ""),
                (B, "GET", "/account/invoices", ""),
                (A, "POST", "/account/invoices/1/pay", ""),
                (A, "POST", "/account/invoices/2/pay", ""),
            ],
        ),
        (
            "more_count",
            vec![(A, "GET", "/more/count", ""), (B, "GET", "/more/count", "")],
        ),
        (
            "more_heaviest",
            vec![
                (A, "GET", "/more/heaviest", ""),
                (B, "GET", "/more/heaviest", ""),
            ],
        ),
        (
            "more_state_of",
            vec![
                (A, "GET", "/more/state/2", ""),
                (B, "GET", "/more/state/2", ""),
            ],
        ),
        // The third one is too light already: what was done before stands.
        (
            "more_lighten",
            vec![
                (A, "POST", "/more/lighten", "[3, 1, 3, 2]"),
                (B, "POST", "/more/lighten", "[1, 5]"),
            ],
        ),
        (
            "more_totals",
            vec![
                (A, "GET", "/more/totals", ""),
                (B, "GET", "/more/totals", ""),
            ],
        ),
        (
            "more_remember",
            vec![
                (A, "POST", "/more/remember/1", ""),
                (A, "POST", "/more/remember/99", ""),
            ],
        ),
        (
            "more_events",
            vec![
                (A, "GET", "/more/events", ""),
                (B, "GET", "/more/events", ""),
            ],
        ),
        (
            "more_labels",
            vec![
                (A, "GET", "/more/labels", ""),
                (B, "GET", "/more/labels", ""),
            ],
        ),
        (
            "more_from",
            vec![(A, "GET", "/more/from", ""), (B, "GET", "/more/from", "")],
        ),
        (
            "more_repack",
            vec![
                (A, "POST", "/more/repack/2", ""),
                (A, "POST", "/more/repack/99", ""),
            ],
        ),
        (
            "more_touch",
            vec![
                (A, "POST", "/more/touch/4", ""),
                (A, "POST", "/more/touch/1", ""),
            ],
        ),
        (
            "more_longest",
            vec![
                (A, "GET", "/more/longest", ""),
                (B, "GET", "/more/longest", ""),
            ],
        ),
        (
            "more_invoices",
            vec![
                (A, "GET", "/more/invoices", ""),
                (B, "GET", "/more/invoices", ""),
            ],
        ),
        (
            "odd_label",
            vec![
                (A, "GET", "/odd/label/4", ""),
                (B, "GET", "/odd/label/4", ""),
            ],
        ),
        (
            "odd_one_by_one",
            vec![
                (A, "GET", "/odd/one-by-one", ""),
                (B, "GET", "/odd/one-by-one", ""),
            ],
        ),
        (
            "odd_discount",
            vec![
                (A, "GET", "/odd/discount/2", ""),
                (B, "GET", "/odd/discount/2", ""),
            ],
        ),
        (
            "odd_summary",
            vec![
                (A, "GET", "/odd/summary", ""),
                (B, "GET", "/odd/summary", ""),
            ],
        ),
        (
            "odd_lightest",
            vec![
                (A, "GET", "/odd/lightest", ""),
                (B, "GET", "/odd/lightest", ""),
            ],
        ),
        (
            "odd_sentence",
            vec![
                (A, "GET", "/odd/sentence", ""),
                (B, "GET", "/odd/sentence", ""),
            ],
        ),
        (
            "odd_glance",
            vec![
                (A, "POST", "/odd/glance/1", ""),
                (A, "POST", "/odd/glance/99", ""),
            ],
        ),
        (
            "odd_mark",
            vec![
                (A, "POST", "/odd/mark/1", ""),
                (A, "POST", "/odd/mark/99", ""),
            ],
        ),
        (
            "odd_greeting",
            vec![
                (A, "GET", "/odd/greeting", ""),
                (B, "GET", "/odd/greeting", ""),
            ],
        ),
        (
            "odd_long_labels",
            vec![(A, "GET", "/odd/long", ""), (B, "GET", "/odd/long", "")],
        ),
        (
            "odd_total",
            vec![(A, "GET", "/odd/total", ""), (B, "GET", "/odd/total", "")],
        ),
        (
            "odd_namesake",
            vec![
                (A, "GET", "/odd/namesake", ""),
                (B, "GET", "/odd/namesake", ""),
            ],
        ),
        // The first request leaves its user on the connection.
        (
            "recent_then_list",
            vec![
                (A, "GET", "/account/recent", ""),
                (B, "GET", "/parcels", ""),
                (B, "GET", "/parcels/1", ""),
            ],
        ),
        (
            "public",
            vec![
                ("", "GET", "/carriers", ""),
                ("", "GET", "/track/1", ""),
                ("", "GET", "/track/99", ""),
            ],
        ),
    ]
}

async fn http(pool: PgPool, requests: Vec<Asked>) -> Value {
    let app = router(AppState::new(pool));
    let mut answers = Vec::new();
    for (user, method, path, body) in requests {
        let mut request = Request::builder()
            .method(method.parse::<Method>().expect("a method"))
            .uri(path);
        if !user.is_empty() {
            request = request.header("x-user-id", user);
        }
        if body.starts_with(['{', '[']) {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Body::from(body)).expect("a request");
        let response = app
            .clone()
            .oneshot(request)
            .await
            .expect("a router does not fail");
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 1 << 20)
            .await
            .expect("a body");
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        answers.push(json!([
            format!("{} {method} {path}", name(user)),
            status,
            body
        ]));
    }
    Value::Array(answers)
}

fn name(user: &str) -> &str {
    match user {
        A => "a",
        B => "b",
        _ => "nobody",
    }
}

async fn services(pool: PgPool) -> Value {
    let tracking = TrackingService { pool: pool.clone() };
    let billing = BillingService::new(pool.clone());
    let a = A.parse().expect("a user");
    json!({
        "name": said(tracking.carrier_name("ox").await),
        "no_name": said(tracking.carrier_name("none").await),
        "retired": said(tracking.retire("ox").await),
        "retired_again": said(tracking.retire("ox").await),
        "ping": tracking.ping().await,
        "raised": said(billing.raise("dove", 10).await),
        "raised_nothing": said(billing.raise("snail", 10).await),
        "raised_too_far": said(billing.raise("dove", i64::MAX).await),
        "active": said(metrics::active_carriers().await),
        "open": said(billing.open_cents(a).await),
        "settled": said(billing.settle(a, 1).await),
        "weight": said(AppState::new(pool).parcels.weight(a).await),
    })
}

async fn jobs(pool: PgPool) -> Value {
    json!({
        "ran": said(nightly::run(&pool).await),
        "ran_again": said(nightly::run(&pool).await),
        "finished": said(metrics::finished_runs("nightly").await),
        "tidied_nothing": said(nightly::tidy(pool.clone(), 100).await),
        "tidied": said(nightly::tidy(pool, 1).await),
    })
}

fn said<T: std::fmt::Debug, E: std::fmt::Display>(result: Result<T, E>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("error: {error}"),
    }
}
