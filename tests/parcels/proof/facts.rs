//! What sqlx does with pools, connections and transactions.

use std::time::Duration;

use sqlx::{Acquire, Connection, Error, PgPool};

use crate::same;
use crate::stage::Stage;
use crate::{idle, is_kept, one, run, Outcome, BACKEND, USER};

const ADD: &str = "INSERT INTO currencies VALUES ('CHF')";
const ADD_ANOTHER: &str = "INSERT INTO currencies VALUES ('SEK')";
const FAIL: &str = "INSERT INTO currencies VALUES ('EUR')";

pub(crate) async fn a_statement_on_a_pool_is_committed_by_itself(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 2).await?;
    run(&pool, ADD).await?;
    same!(is_kept(stage, "CHF").await?, true);
    same!(run(&pool, FAIL).await.is_err(), true);
    same!(is_kept(stage, "CHF").await?, true);
    Ok(())
}

pub(crate) async fn what_is_acquired_commits_each_statement_and_an_early_return_keeps_them(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let early = async {
        let mut conn = pool.acquire().await?;
        run(&mut *conn, ADD).await?;
        run(&mut *conn, FAIL).await?;
        run(&mut *conn, ADD_ANOTHER).await
    };
    same!(early.await.is_err(), true);
    same!(is_kept(stage, "CHF").await?, true);
    same!(is_kept(stage, "SEK").await?, false);
    Ok(())
}

pub(crate) async fn a_transaction_that_is_dropped_is_rolled_back(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut tx = pool.begin().await?;
    run(&mut *tx, ADD).await?;
    drop(tx);
    idle(&pool).await?;
    same!(is_kept(stage, "CHF").await?, false);
    Ok(())
}

pub(crate) async fn a_transaction_that_is_not_bound_ends_at_once(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let _ = pool.begin().await?;
    // There is no other connection: it has been given back.
    run(&pool, ADD).await?;
    same!(is_kept(stage, "CHF").await?, true);
    run(&mut *pool.begin().await?, ADD_ANOTHER).await?;
    idle(&pool).await?;
    same!(is_kept(stage, "SEK").await?, false);
    Ok(())
}

pub(crate) async fn a_question_mark_inside_a_transaction_takes_its_writes_back(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let early = async {
        let mut tx = pool.begin().await?;
        run(&mut *tx, ADD).await?;
        run(&mut *tx, FAIL).await?;
        tx.commit().await
    };
    same!(early.await.is_err(), true);
    idle(&pool).await?;
    same!(is_kept(stage, "CHF").await?, false);
    Ok(())
}

pub(crate) async fn success_without_a_commit_keeps_nothing(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let early = async {
        let mut tx = pool.begin().await?;
        if run(&mut *tx, ADD).await? == 1 {
            return Ok::<_, Error>("added");
        }
        tx.commit().await?;
        Ok("there was nothing to add")
    };
    same!(early.await?, "added");
    idle(&pool).await?;
    same!(is_kept(stage, "CHF").await?, false);
    Ok(())
}

pub(crate) async fn a_transaction_that_is_cancelled_is_rolled_back(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let work = async {
        let mut tx = pool.begin().await?;
        run(&mut *tx, ADD).await?;
        run(&mut *tx, "SELECT pg_sleep(0.3)").await?;
        tx.commit().await
    };
    let cancelled = tokio::time::timeout(Duration::from_millis(100), work).await;
    same!(cancelled.is_err(), true);
    idle(&pool).await?;
    same!(is_kept(stage, "CHF").await?, false);
    Ok(())
}

pub(crate) async fn an_error_aborts_the_rest_of_a_transaction_but_not_of_a_connection(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut conn = pool.acquire().await?;
    same!(run(&mut *conn, FAIL).await.is_err(), true);
    same!(run(&mut *conn, ADD).await?, 1);
    drop(conn);
    let mut tx = pool.begin().await?;
    same!(run(&mut *tx, FAIL).await.is_err(), true);
    let error = one::<i32>(&mut *tx, "SELECT 1").await.err();
    same!(code(error).as_deref(), Some("25P02"));
    Ok(())
}

pub(crate) async fn a_commit_behind_a_swallowed_error_succeeds_and_keeps_nothing(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut tx = pool.begin().await?;
    run(&mut *tx, ADD).await?;
    let _ = run(&mut *tx, FAIL).await;
    tx.commit().await?;
    same!(is_kept(stage, "CHF").await?, false);
    Ok(())
}

pub(crate) async fn a_connection_borrowed_inside_a_statement_goes_back_at_its_end(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let first: i32 = one(&mut *pool.acquire().await?, BACKEND).await?;
    let second: i32 = one(&mut *pool.acquire().await?, BACKEND).await?;
    same!(first, second);
    Ok(())
}

pub(crate) async fn a_connection_borrowed_in_the_head_of_a_match_is_held_to_its_end(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    match one::<i32>(&mut *pool.acquire().await?, "SELECT 1").await {
        Ok(_) => {
            same!(waits(&pool).await, true);
        }
        Err(error) => return Err(error.into()),
    }
    same!(one::<i32>(&pool, "SELECT 2").await?, 2);
    Ok(())
}

pub(crate) async fn a_stream_of_rows_holds_its_connection(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let rows = sqlx::query("SELECT code FROM currencies").fetch(&pool);
    // It has not been asked for a row yet, and so has not borrowed.
    same!(one::<i32>(&pool, "SELECT 2").await?, 2);
    let mut rows = rows;
    let first = std::future::poll_fn(|context| rows.as_mut().poll_next(context)).await;
    same!(matches!(first, Some(Ok(_))), true);
    same!(waits(&pool).await, true);
    drop(rows);
    same!(one::<i32>(&pool, "SELECT 2").await?, 2);
    Ok(())
}

pub(crate) async fn a_second_connection_of_a_pool_of_one_is_waited_for_in_vain(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let tx = pool.begin().await?;
    let second = one::<i32>(&pool, "SELECT 2").await;
    same!(matches!(second, Err(Error::PoolTimedOut)), true);
    tx.rollback().await?;
    same!(one::<i32>(&pool, "SELECT 2").await?, 2);
    Ok(())
}

pub(crate) async fn a_second_connection_neither_sees_nor_passes_what_is_not_committed(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 2).await?;
    let mut tx = pool.begin().await?;
    run(&mut *tx, ADD).await?;
    same!(
        one::<i64>(&pool, "SELECT count(*) FROM currencies").await?,
        2
    );
    let second = tokio::time::timeout(Duration::from_millis(200), run(&pool, ADD)).await;
    same!(second.is_err(), true);
    Ok(())
}

pub(crate) async fn a_setting_of_the_session_stays_on_the_pooled_connection(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut conn = pool.acquire().await?;
    run(&mut *conn, "SELECT set_config('app.user_id', 'a', false)").await?;
    drop(conn);
    same!(one::<String>(&pool, USER).await?, "a");
    same!(
        one::<String>(&pool, "SELECT text FROM notes").await?,
        "of a"
    );
    Ok(())
}

pub(crate) async fn a_setting_of_the_session_set_in_a_transaction_outlives_its_commit_but_not_its_rollback(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let set = "SELECT set_config('app.user_id', 'a', false)";
    let mut tx = pool.begin().await?;
    run(&mut *tx, set).await?;
    tx.rollback().await?;
    same!(one::<String>(&pool, USER).await? != "a", true);
    let mut tx = pool.begin().await?;
    run(&mut *tx, set).await?;
    tx.commit().await?;
    same!(one::<String>(&pool, USER).await?, "a");
    Ok(())
}

pub(crate) async fn a_local_setting_ends_with_its_transaction_and_leaves_an_empty_text(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    same!(one::<String>(&pool, USER).await?, "unset");
    for commit in [true, false] {
        let mut tx = pool.begin().await?;
        run(&mut *tx, "SELECT set_config('app.user_id', 'a', true)").await?;
        same!(one::<String>(&mut *tx, USER).await?, "a");
        if commit {
            tx.commit().await?;
        } else {
            drop(tx);
        }
        same!(one::<String>(&pool, USER).await?, "");
    }
    // Which is no uuid: where policies cast it, reading without a user is an error from now on.
    let error = run(&pool, "SELECT FROM lots").await.err();
    same!(code(error).as_deref(), Some("22P02"));
    Ok(())
}

pub(crate) async fn a_local_setting_outside_of_a_transaction_does_nothing(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut conn = pool.acquire().await?;
    run(&mut *conn, "SELECT set_config('app.user_id', 'a', true)").await?;
    same!(one::<String>(&mut *conn, USER).await? == "a", false);
    Ok(())
}

pub(crate) async fn a_lock_of_the_session_stays_with_the_pooled_connection(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    run(&pool, "SELECT pg_advisory_lock(17)").await?;
    idle(&pool).await?;
    let free = "SELECT pg_try_advisory_lock(17)";
    same!(one::<bool>(&stage.owner, free).await?, false);
    pool.close().await;
    Ok(())
}

pub(crate) async fn begin_as_text_is_still_open_for_the_next_borrower(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    run(&pool, "BEGIN").await?;
    run(&pool, ADD).await?;
    same!(is_kept(stage, "CHF").await?, false);
    run(&pool, "ROLLBACK").await?;
    same!(is_kept(stage, "CHF").await?, false);
    Ok(())
}

pub(crate) async fn a_transaction_inside_a_transaction_is_a_savepoint(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut tx = pool.begin().await?;
    run(&mut *tx, ADD).await?;
    let mut inner = tx.begin().await?;
    run(&mut *inner, ADD_ANOTHER).await?;
    drop(inner);
    tx.commit().await?;
    same!(is_kept(stage, "CHF").await?, true);
    same!(is_kept(stage, "SEK").await?, false);
    let mut conn = pool.acquire().await?;
    conn.ping().await?;
    Ok(())
}

/// Whether a statement on a pool is kept waiting for a connection.
async fn waits(pool: &PgPool) -> bool {
    let second = one::<i32>(pool, "SELECT 2");
    let second = tokio::time::timeout(Duration::from_millis(300), second);
    second.await.is_err()
}

/// The server's code for an error.
fn code(error: Option<Error>) -> Option<String> {
    Some(error?.as_database_error()?.code()?.into_owned())
}
