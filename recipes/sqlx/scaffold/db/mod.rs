//! The one way to the database: what borrows from the pool, and for whom.
//!
//! Data that no policy guards is read with the pool as it is, under a name that says so:
//!
//! ```ignore
//! let carriers = sqlx::query_as("SELECT code, name FROM carriers").fetch_all(db::system(&pool)).await?;
//! ```
//!
//! Data of a user goes through a transaction in which row-level security sees who asks. It must be committed; dropped, for instance by
//! `?`, it is rolled back:
//!
//! ```ignore
//! let mut tx = db::rls::begin(&pool, user.id).await?;
//! let parcels = sqlx::query_as("SELECT id, label FROM parcels").fetch_all(&mut *tx).await?;
//! tx.commit().await?;
//! ```
//!
//! Statements that belong together, without a user, share a connection (`acquire`) or a transaction (`begin`).
//!
//! The pool is opened once, where the program starts. Nothing else opens one.

// Not every project calls each of these.
#![allow(dead_code)]

pub mod rls;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, Postgres};

/// Runs one statement without a user: `.fetch_one(db::system(&pool))`. It takes a connection of its own and is committed by itself.
///
/// A table under row-level security shows no rows this way.
pub fn system(pool: &PgPool) -> &PgPool {
    pool
}

/// A connection without a user, for several statements: each is committed by itself.
///
/// While it is held, do not ask the same pool for a second one: when all are held, both wait.
pub async fn acquire(pool: &PgPool) -> sqlx::Result<PoolConnection<Postgres>> {
    pool.acquire().await
}

/// A transaction without a user. It must be committed; dropped, it is rolled back.
pub async fn begin(pool: &PgPool) -> sqlx::Result<sqlx::Transaction<'static, Postgres>> {
    pool.begin().await
}
