//! Transactions on behalf of a user, as the policies of row-level security see them.

use std::fmt::Display;
use std::ops::{Deref, DerefMut};

use sqlx::postgres::{PgConnection, PgPool, Postgres};

/// The setting that the policies of row-level security read.
const USER_SETTING: &str = "app.user_id";

/// Begins a transaction in which row-level security sees `user`, and until whose end alone it does: who borrows the connection next has
/// no user.
///
/// `user` is what the policies compare with, by value or reference: a `Uuid`, a number, a text. It travels as an argument and never
/// becomes SQL.
///
/// # Errors
/// When `user` is blank, which is nobody; when no connection can be had.
pub async fn begin(pool: &PgPool, user: impl Display) -> sqlx::Result<RlsTransaction> {
    let user = user.to_string();
    if user.trim().is_empty() {
        return Err(sqlx::Error::Configuration(
            "no user to begin a transaction for".into(),
        ));
    }
    // Dropped on an error below, it takes itself back.
    let mut inner = pool.begin().await?;
    sqlx::query("SELECT set_config($1, $2, true)")
        .bind(USER_SETTING)
        .bind(user)
        .execute(&mut *inner)
        .await?;
    Ok(RlsTransaction { inner })
}

/// A transaction on behalf of a user; `&mut *tx` runs a statement in it. Unless it is committed, it is rolled back when it is dropped.
#[derive(Debug)]
#[must_use = "it is rolled back when it is dropped"]
pub struct RlsTransaction {
    inner: sqlx::Transaction<'static, Postgres>,
}

impl RlsTransaction {
    /// Keeps what was written.
    pub async fn commit(self) -> sqlx::Result<()> {
        self.inner.commit().await
    }

    /// Takes back what was written. Dropping does the same, but later: when the connection is next used.
    pub async fn rollback(self) -> sqlx::Result<()> {
        self.inner.rollback().await
    }
}

impl Deref for RlsTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for RlsTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}

impl AsMut<PgConnection> for RlsTransaction {
    fn as_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
