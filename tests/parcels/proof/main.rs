//! Asks sqlx and PostgreSQL whether the facts hold that the rules for Rust rest on (`facts.rs`), and the module that
//! `connmod init --scaffold` writes, here the crate's own `db`, whether it keeps its promises (`promises.rs`). Each is a function; its name
//! says what must hold.
//!
//!     proof ADDRESS

mod facts;
mod promises;
#[path = "../shared/stage.rs"]
mod stage;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sqlx::PgPool;
use stage::Stage;

/// What a check that fails says.
type Outcome = Result<(), Box<dyn Error>>;
type Check = for<'a> fn(&'a Stage) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// Users are text in `notes`: whatever is passed as one is a user that a row could belong to.
const SCHEMA: &str = "
CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, text text NOT NULL);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (owner = current_setting('app.user_id', true));
CREATE TABLE lots (owner uuid NOT NULL);
ALTER TABLE lots ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON lots USING (owner = current_setting('app.user_id', true)::uuid);
CREATE TABLE currencies (code text PRIMARY KEY);
CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
";
const SEED: &str = "
TRUNCATE notes, lots, currencies, late;
INSERT INTO notes VALUES (1, 'a', 'of a'), (2, 'b', 'of b'), (3, 'b', 'of b too'), (4, '7', 'of seven');
INSERT INTO lots VALUES ('00000000-0000-0000-0000-000000000010');
INSERT INTO currencies VALUES ('EUR'), ('USD');
";
const USER: &str = "SELECT coalesce(current_setting('app.user_id', true), 'unset')";
const BACKEND: &str = "SELECT pg_backend_pid()";

/// The functions under their names.
macro_rules! checks {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        const CHECKS: &[(&str, Check)] = &[$($((stringify!($name), |stage| Box::pin($module::$name(stage))),)+)+];
    };
}

checks! {
    facts:
        a_statement_on_a_pool_is_committed_by_itself,
        what_is_acquired_commits_each_statement_and_an_early_return_keeps_them,
        a_transaction_that_is_dropped_is_rolled_back,
        a_transaction_that_is_not_bound_ends_at_once,
        a_question_mark_inside_a_transaction_takes_its_writes_back,
        success_without_a_commit_keeps_nothing,
        a_transaction_that_is_cancelled_is_rolled_back,
        an_error_aborts_the_rest_of_a_transaction_but_not_of_a_connection,
        a_commit_behind_a_swallowed_error_succeeds_and_keeps_nothing,
        a_connection_borrowed_inside_a_statement_goes_back_at_its_end,
        a_connection_borrowed_in_the_head_of_a_match_is_held_to_its_end,
        a_stream_of_rows_holds_its_connection,
        a_second_connection_of_a_pool_of_one_is_waited_for_in_vain,
        a_second_connection_neither_sees_nor_passes_what_is_not_committed,
        a_setting_of_the_session_stays_on_the_pooled_connection,
        a_setting_of_the_session_set_in_a_transaction_outlives_its_commit_but_not_its_rollback,
        a_local_setting_ends_with_its_transaction_and_leaves_an_empty_text,
        a_local_setting_outside_of_a_transaction_does_nothing,
        a_lock_of_the_session_stays_with_the_pooled_connection,
        begin_as_text_is_still_open_for_the_next_borrower,
        a_transaction_inside_a_transaction_is_a_savepoint;
    promises:
        a_user_sees_their_own_rows_and_nobody_elses,
        no_user_id_becomes_sql,
        where_a_user_is_a_uuid_anything_else_is_an_error_and_no_row,
        nobody_is_refused_before_a_connection_is_borrowed,
        the_next_borrower_does_not_inherit_the_user,
        no_connection_is_lost_whenever_the_borrower_is_cancelled,
        dropping_takes_everything_back_and_so_does_rollback,
        an_error_takes_everything_back_and_a_commit_keeps_it,
        an_error_at_the_commit_is_given_and_takes_everything_back,
        rows_of_somebody_else_cannot_be_written,
        a_savepoint_inside_is_taken_back_alone,
        many_at_once_never_meet,
        a_connection_that_the_server_ends_is_an_error_and_is_replaced,
        system_has_no_user_while_somebody_else_has,
        what_is_acquired_is_one_connection_without_a_transaction,
        a_transaction_without_a_user_is_kept_by_its_commit_alone;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("proof ADDRESS")?;
    let stage = Stage::new(&address).await?;
    sqlx::raw_sql(SCHEMA).execute(&stage.owner).await?;
    stage.grant().await?;
    let mut failed = false;
    for (name, check) in CHECKS {
        sqlx::raw_sql(SEED).execute(&stage.owner).await?;
        let result = tokio::time::timeout(Duration::from_secs(20), check(&stage)).await;
        match result {
            Ok(Ok(())) => println!("holds: {name}"),
            Ok(Err(error)) => {
                println!("FAILS: {name}: {error}");
                failed = true;
            }
            Err(_) => {
                println!("FAILS: {name}: it does not end");
                failed = true;
            }
        }
    }
    stage.end().await?;
    if failed {
        return Err("some do not hold".into());
    }
    Ok(())
}

/// Fails with the place and both values.
#[macro_export]
macro_rules! same {
    ($left:expr, $right:expr) => {
        match (&$left, &$right) {
            (left, right) if left != right => {
                return Err(format!("line {}: {left:?} is not {right:?}", line!()).into());
            }
            _ => {}
        }
    };
}

/// The only value that a query gives.
async fn one<T>(executor: impl sqlx::PgExecutor<'_>, query: &str) -> sqlx::Result<T>
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(query).fetch_one(executor).await
}

async fn run(executor: impl sqlx::PgExecutor<'_>, query: &str) -> sqlx::Result<u64> {
    Ok(sqlx::query(query).execute(executor).await?.rows_affected())
}

/// Whether `code` is in the table that everybody may change.
async fn is_kept(stage: &Stage, code: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM currencies WHERE code = $1)")
        .bind(code)
        .fetch_one(&stage.owner)
        .await
}

/// Waits until the only connection of a pool is given back: that is done in the background.
async fn idle(pool: &PgPool) -> sqlx::Result<()> {
    pool.acquire().await.map(drop)
}
