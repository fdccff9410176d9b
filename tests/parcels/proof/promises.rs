//! What the module that `connmod init --scaffold` writes promises.

use std::time::Duration;

use parcels::db;
use sqlx::{Connection, Error, PgPool};
use uuid::Uuid;

use crate::same;
use crate::stage::Stage;
use crate::{idle, is_kept, one, run, Outcome, BACKEND, USER};

const OWNERS: &str =
    "SELECT coalesce(string_agg(DISTINCT owner, ' ' ORDER BY owner), '') FROM notes";
const ADD: &str = "INSERT INTO notes VALUES (10, 'c', 'first')";
const LOTS: Uuid = Uuid::from_u128(0x10);

/// Whose rows are seen on behalf of a user.
async fn owners(pool: &PgPool, user: impl std::fmt::Display) -> sqlx::Result<String> {
    let mut tx = db::rls::begin(pool, user).await?;
    let owners = one(&mut *tx, OWNERS).await?;
    tx.commit().await?;
    Ok(owners)
}

pub(crate) async fn a_user_sees_their_own_rows_and_nobody_elses(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let owned = String::from("b");
    same!(owners(&pool, "a").await?, "a");
    same!(owners(&pool, &owned).await?, "b");
    same!(owners(&pool, owned).await?, "b");
    same!(owners(&pool, 7_i64).await?, "7");
    same!(owners(&pool, &7_i64).await?, "7");
    same!(owners(&pool, LOTS).await?, "");
    same!(one::<String>(db::system(&pool), OWNERS).await?, "");
    Ok(())
}

pub(crate) async fn no_user_id_becomes_sql(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    for text in [
        "'; DROP TABLE notes; --",
        "' OR '1'='1",
        "a', true); SELECT set_config('app.user_id', 'b",
        "a'); RESET ROLE; --",
        "\\'; SELECT 1; --",
        "$1",
        "$2, true) --",
        "$$b$$",
        "%s {} b",
        "b\n; DROP TABLE notes",
        "\"b\"",
        "b--",
        " b",
        "ü☂",
    ] {
        let mut tx = db::rls::begin(&pool, text).await?;
        same!(one::<String>(&mut *tx, USER).await?, text);
        same!(one::<String>(&mut *tx, OWNERS).await?, "");
        tx.commit().await?;
    }
    same!(
        matches!(owners(&pool, "b\0").await, Err(Error::Database(_))),
        true
    );
    same!(owners(&pool, "b".repeat(1_000_000)).await?, "");
    same!(owners(&pool, "b").await?, "b");
    Ok(())
}

pub(crate) async fn where_a_user_is_a_uuid_anything_else_is_an_error_and_no_row(
    stage: &Stage,
) -> Outcome {
    async fn lots(pool: &PgPool, user: impl std::fmt::Display) -> sqlx::Result<i64> {
        let mut tx = db::rls::begin(pool, user).await?;
        one(&mut *tx, "SELECT count(*) FROM lots").await
    }
    let pool = stage.pool(true, 1).await?;
    same!(lots(&pool, LOTS).await?, 1);
    same!(lots(&pool, &LOTS).await?, 1);
    same!(lots(&pool, LOTS.to_string().to_uppercase()).await?, 1);
    same!(lots(&pool, Uuid::from_u128(0x11)).await?, 0);
    for text in [
        format!("{LOTS}'"),
        format!("{LOTS}' OR true --"),
        format!("{LOTS} OR true"),
        format!("{LOTS}\n"),
        "None".to_owned(),
        "0".to_owned(),
    ] {
        let error = lots(&pool, &text).await;
        let code = error.as_ref().err().and_then(Error::as_database_error);
        let code = code.and_then(|error| error.code()).map(String::from);
        same!(code.as_deref(), Some("22P02"));
    }
    same!(lots(&pool, LOTS).await?, 1);
    Ok(())
}

pub(crate) async fn nobody_is_refused_before_a_connection_is_borrowed(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    // Asking a pool that is closed is another error.
    pool.close().await;
    for nobody in ["", "  ", "\t\n"] {
        let refused = db::rls::begin(&pool, nobody).await;
        same!(matches!(refused, Err(Error::Configuration(_))), true);
    }
    let closed = db::rls::begin(&pool, "a").await;
    same!(matches!(closed, Err(Error::PoolClosed)), true);
    Ok(())
}

pub(crate) async fn the_next_borrower_does_not_inherit_the_user(stage: &Stage) -> Outcome {
    async fn asks(pool: &PgPool, way: &str) -> sqlx::Result<()> {
        let mut tx = db::rls::begin(pool, "b").await?;
        match way {
            "commit" => tx.commit().await?,
            "rollback" => tx.rollback().await?,
            "fails" => {
                run(&mut *tx, "SELECT 1 / 0").await?;
            }
            "is swallowed" => {
                let _ = run(&mut *tx, "SELECT 1 / 0").await;
                tx.commit().await?;
            }
            "sets it for longer" => {
                run(&mut *tx, "SELECT set_config('app.user_id', 'b', false)").await?;
            }
            "waits" => {
                run(&mut *tx, "SELECT pg_sleep(0.6)").await?;
            }
            "waits elsewhere" => tokio::time::sleep(Duration::from_secs(5)).await,
            "is dropped" => {}
            other => unreachable!("{other}"),
        }
        Ok(())
    }
    let pool = stage.pool(true, 1).await?;
    let backend: i32 = one(&pool, BACKEND).await?;
    for way in [
        "commit",
        "rollback",
        "fails",
        "is swallowed",
        "sets it for longer",
        "waits",
        "waits elsewhere",
        "is dropped",
    ] {
        let _ = tokio::time::timeout(Duration::from_millis(300), asks(&pool, way)).await;
        same!(
            (way, one::<String>(db::system(&pool), USER).await?.as_str()),
            (way, "")
        );
        same!(one::<i32>(&pool, BACKEND).await?, backend);
        let mut conn = db::acquire(&pool).await?;
        same!(one::<String>(&mut *conn, OWNERS).await?, "");
        drop(conn);
        let mut tx = db::begin(&pool).await?;
        same!(one::<String>(&mut *tx, OWNERS).await?, "");
        tx.commit().await?;
        same!(owners(&pool, "a").await?, "a");
    }
    Ok(())
}

pub(crate) async fn no_connection_is_lost_whenever_the_borrower_is_cancelled(
    stage: &Stage,
) -> Outcome {
    async fn writes(pool: &PgPool) -> sqlx::Result<()> {
        let mut tx = db::rls::begin(pool, "c").await?;
        run(&mut *tx, ADD).await?;
        run(&mut *tx, "DELETE FROM notes WHERE id = 10").await?;
        tx.commit().await
    }
    let pool = stage.pool(true, 1).await?;
    // How far it comes before it is cancelled: from not at all to the end.
    for micros in (0..3_000).step_by(50) {
        let _ = tokio::time::timeout(Duration::from_micros(micros), writes(&pool)).await;
    }
    // Empty, or unset where one was cut off while it connected.
    same!(one::<String>(db::system(&pool), USER).await? == "c", false);
    same!(owners(&pool, "c").await?, "");
    same!(owners(&pool, "b").await?, "b");
    same!(pool.size(), 1);
    Ok(())
}

pub(crate) async fn dropping_takes_everything_back_and_so_does_rollback(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut tx = db::rls::begin(&pool, "c").await?;
    run(&mut *tx, ADD).await?;
    drop(tx);
    same!(owners(&pool, "c").await?, "");
    let mut tx = db::rls::begin(&pool, "c").await?;
    run(tx.as_mut(), ADD).await?;
    tx.rollback().await?;
    same!(owners(&pool, "c").await?, "");
    Ok(())
}

pub(crate) async fn an_error_takes_everything_back_and_a_commit_keeps_it(stage: &Stage) -> Outcome {
    async fn writes(pool: &PgPool, second: &str) -> sqlx::Result<()> {
        let mut tx = db::rls::begin(pool, "c").await?;
        run(&mut *tx, ADD).await?;
        run(&mut *tx, second).await?;
        tx.commit().await
    }
    let pool = stage.pool(true, 1).await?;
    let of_nobody = "INSERT INTO notes VALUES (1, 'c', 'taken')";
    same!(writes(&pool, of_nobody).await.is_err(), true);
    same!(owners(&pool, "c").await?, "");
    writes(&pool, "INSERT INTO notes VALUES (11, 'c', 'second')").await?;
    same!(owners(&pool, "c").await?, "c");
    Ok(())
}

pub(crate) async fn an_error_at_the_commit_is_given_and_takes_everything_back(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut tx = db::rls::begin(&pool, "c").await?;
    run(&mut *tx, ADD).await?;
    run(&mut *tx, "INSERT INTO late VALUES (1), (1)").await?;
    same!(matches!(tx.commit().await, Err(Error::Database(_))), true);
    same!(owners(&pool, "c").await?, "");
    Ok(())
}

pub(crate) async fn rows_of_somebody_else_cannot_be_written(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut tx = db::rls::begin(&pool, "a").await?;
    let changed = run(&mut *tx, "UPDATE notes SET text = '' WHERE owner = 'b'").await?;
    same!(changed, 0);
    same!(run(&mut *tx, ADD).await.is_err(), true);
    Ok(())
}

pub(crate) async fn a_savepoint_inside_is_taken_back_alone(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut tx = db::rls::begin(&pool, "c").await?;
    run(&mut *tx, ADD).await?;
    let mut inner = Connection::begin(&mut *tx).await?;
    same!(run(&mut *inner, ADD).await.is_err(), true);
    inner.rollback().await?;
    same!(one::<String>(&mut *tx, USER).await?, "c");
    tx.commit().await?;
    same!(owners(&pool, "c").await?, "c");
    Ok(())
}

pub(crate) async fn many_at_once_never_meet(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 3).await?;
    let mut tasks = Vec::new();
    for number in 0..60 {
        let (pool, user) = (pool.clone(), ["a", "b"][number % 2]);
        tasks.push(tokio::spawn(async move {
            let mut tx = db::rls::begin(&pool, user).await?;
            let first: String = one(&mut *tx, OWNERS).await?;
            tokio::task::yield_now().await;
            let second: String = one(&mut *tx, OWNERS).await?;
            if number % 3 > 0 {
                tx.commit().await?;
            }
            Ok::<_, Error>((user, first, second))
        }));
    }
    for task in tasks {
        let (user, first, second) = task.await??;
        same!((first.as_str(), second.as_str()), (user, user));
    }
    Ok(())
}

pub(crate) async fn a_connection_that_the_server_ends_is_an_error_and_is_replaced(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    let mut tx = db::rls::begin(&pool, "c").await?;
    run(&mut *tx, ADD).await?;
    let end = "SELECT pg_terminate_backend(pg_backend_pid())";
    same!(run(&mut *tx, end).await.is_err(), true);
    drop(tx);
    same!(owners(&pool, "c").await?, "");
    same!(owners(&pool, "b").await?, "b");
    Ok(())
}

pub(crate) async fn system_has_no_user_while_somebody_else_has(stage: &Stage) -> Outcome {
    let pool = stage.pool(true, 2).await?;
    let mut tx = db::rls::begin(&pool, "b").await?;
    same!(one::<String>(db::system(&pool), OWNERS).await?, "");
    same!(one::<String>(&mut *tx, USER).await?, "b");
    run(db::system(&pool), "INSERT INTO currencies VALUES ('CHF')").await?;
    tx.rollback().await?;
    same!(is_kept(stage, "CHF").await?, true);
    Ok(())
}

pub(crate) async fn what_is_acquired_is_one_connection_without_a_transaction(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 2).await?;
    let mut conn = db::acquire(&pool).await?;
    let backend: i32 = one(&mut *conn, BACKEND).await?;
    same!(one::<i32>(&mut *conn, BACKEND).await?, backend);
    run(&mut *conn, "INSERT INTO currencies VALUES ('CHF')").await?;
    same!(is_kept(stage, "CHF").await?, true);
    Ok(())
}

pub(crate) async fn a_transaction_without_a_user_is_kept_by_its_commit_alone(
    stage: &Stage,
) -> Outcome {
    let pool = stage.pool(true, 1).await?;
    for keeps in [false, true] {
        let mut tx = db::begin(&pool).await?;
        same!(one::<String>(&mut *tx, OWNERS).await?, "");
        run(&mut *tx, "INSERT INTO currencies VALUES ('CHF')").await?;
        if keeps {
            tx.commit().await?;
        } else {
            drop(tx);
            idle(&pool).await?;
        }
        same!(is_kept(stage, "CHF").await?, keeps);
    }
    Ok(())
}
