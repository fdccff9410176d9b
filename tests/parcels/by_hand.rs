//! The sample as a careful person migrates it: of each file the texts that change, and what they become.

/// Files of the sample, each with its changes.
pub(crate) const CHANGES: &[(&str, &[(&str, &str)])] = &[
    (
        "src/routes/parcels.rs",
        &[
            (
                "use crate::auth::CurrentUser;\n",
                "use crate::auth::CurrentUser;\nuse crate::db;\n",
            ),
            // list
            (
                "    let parcels = sqlx::query_as::<_, Parcel>(\n        \"SELECT id, label, carrier, grams, state FROM parcels ORDER BY label\",\n    )\n    .fetch_all(&state.pool)\n    .await?;\n",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let parcels = sqlx::query_as::<_, Parcel>(\n        \"SELECT id, label, carrier, grams, state FROM parcels ORDER BY label\",\n    )\n    .fetch_all(&mut *tx)\n    .await?;\n    tx.commit().await?;\n",
            ),
            // show
            (
                "    let parcel = sqlx::query_as::<_, Parcel>(\n",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let parcel = sqlx::query_as::<_, Parcel>(\n",
            ),
            (
                "    .fetch_optional(&state.pool)\n    .await?\n    .ok_or(AppError::NotFound)?;\n",
                "    .fetch_optional(&mut *tx)\n    .await?\n    .ok_or(AppError::NotFound)?;\n    tx.commit().await?;\n",
            ),
            // create, cancel
            (
                "state.pool.begin().await?",
                "db::rls::begin(&state.pool, user.id).await?",
            ),
            // history; what removes stays: it would be committed all at once
            (
                "    let mut conn = state.pool.acquire().await?;\n    let label: String =",
                "    let mut conn = db::rls::begin(&state.pool, user.id).await?;\n    let label: String =",
            ),
            // rename
            (
                "    let done = sqlx::query(",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let done = sqlx::query(",
            ),
            (
                "        .execute(&state.pool)\n        .await?;\n",
                "        .execute(&mut *tx)\n        .await?;\n    tx.commit().await?;\n",
            ),
            // quote
            (
                ".fetch_optional(&state.pool)",
                ".fetch_optional(db::system(&state.pool))",
            ),
        ],
    ),
    (
        "src/routes/addresses.rs",
        &[
            (
                "use crate::auth::CurrentUser;\n",
                "use crate::auth::CurrentUser;\nuse crate::db;\n",
            ),
            (
                "    let rows =\n",
                "    let mut tx = db::rls::begin(&pool, user.id).await?;\n    let rows =\n",
            ),
            (
                "            .fetch_all(&pool)\n            .await?;\n",
                "            .fetch_all(&mut *tx)\n            .await?;\n    tx.commit().await?;\n",
            ),
            (
                "    // By hand, since the driver has no scope for it.\n    let mut tx = state.pool.begin().await?;\n    sqlx::query(\"SELECT set_config('app.user_id', $1, true)\")\n        .bind(user.id.to_string())\n        .execute(&mut *tx)\n        .await?;\n",
                "    // By hand, since the driver has no scope for it.\n    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n",
            ),
            (
                "pool.begin().await?",
                "db::rls::begin(pool, user.id).await?",
            ),
        ],
    ),
    (
        "src/routes/account.rs",
        &[
            (
                "use crate::auth::CurrentUser;\n",
                "use crate::auth::CurrentUser;\nuse crate::db;\n",
            ),
            (
                "    let parcels: i64 = sqlx::query_scalar(\"SELECT count(*) FROM parcels\")\n        .fetch_one(pool)\n        .await?;\n",
                "    let mut tx = db::rls::begin(pool, user.id).await?;\n    let parcels: i64 = sqlx::query_scalar(\"SELECT count(*) FROM parcels\")\n        .fetch_one(&mut *tx)\n        .await?;\n    tx.commit().await?;\n",
            ),
            ("state.pool.begin().await?", "db::begin(&state.pool).await?"),
        ],
    ),
    (
        "src/routes/public.rs",
        &[
            (
                "use crate::error::AppError;\n",
                "use crate::db;\nuse crate::error::AppError;\n",
            ),
            (
                ".fetch_all(&state.pool)",
                ".fetch_all(db::system(&state.pool))",
            ),
        ],
    ),
    (
        "src/repositories/parcels.rs",
        &[
            ("use uuid::Uuid;\n", "use uuid::Uuid;\n\nuse crate::db;\n"),
            (
                "        sqlx::query_as(\n",
                "        let mut tx = db::rls::begin(&self.pool, user_id).await?;\n        let parcel = sqlx::query_as(\n",
            ),
            (
                "        .fetch_one(&self.pool)\n        .await\n",
                "        .fetch_one(&mut *tx)\n        .await?;\n        tx.commit().await?;\n        Ok(parcel)\n",
            ),
            (
                "        let grams: Vec<i64> =",
                "        let mut tx = db::rls::begin(&self.pool, user_id).await?;\n        let grams: Vec<i64> =",
            ),
            (
                "        .fetch_all(&self.pool)\n        .await?;\n",
                "        .fetch_all(&mut *tx)\n        .await?;\n        tx.commit().await?;\n",
            ),
        ],
    ),
    (
        "src/services/billing.rs",
        &[
            ("use uuid::Uuid;\n", "use uuid::Uuid;\n\nuse crate::db;\n"),
            (
                ".fetch_one(&self.pool)",
                ".fetch_one(db::system(&self.pool))",
            ),
            ("self.pool.begin().await?", "db::begin(&self.pool).await?"),
            (
                "self.pool.acquire().await?",
                "db::acquire(&self.pool).await?",
            ),
        ],
    ),
    (
        "src/services/tracking.rs",
        &[
            (
                "use crate::error::AppError;\n",
                "use crate::db;\nuse crate::error::AppError;\n",
            ),
            (
                ".fetch_optional(&self.pool)",
                ".fetch_optional(db::system(&self.pool))",
            ),
            ("self.pool.acquire().await", "db::acquire(&self.pool).await"),
        ],
    ),
    (
        "src/jobs/nightly.rs",
        &[
            (
                "use sqlx::{PgPool, Postgres, Transaction};\n",
                "use sqlx::{PgPool, Postgres, Transaction};\n\nuse crate::db;\n",
            ),
            ("pool.acquire().await?", "db::acquire(pool).await?"),
            (".fetch_one(pool)", ".fetch_one(db::system(pool))"),
            (
                "    let mut tx = pool.begin().await?;\n    let billed",
                "    let mut tx = db::begin(pool).await?;\n    let billed",
            ),
            ("pool.begin().await?", "db::begin(&pool).await?"),
        ],
    ),
    (
        "src/metrics.rs",
        &[
            (
                "use tokio::sync::OnceCell;\n",
                "use tokio::sync::OnceCell;\n\nuse crate::db;\n",
            ),
            (".fetch_one(pool())", ".fetch_one(db::system(pool()))"),
            ("pool.acquire().await?", "db::acquire(pool).await?"),
        ],
    ),
    (
        "src/bin/nightly.rs",
        &[
            (
                "use parcels::jobs::nightly;\n",
                "use parcels::db;\nuse parcels::jobs::nightly;\n",
            ),
            (".fetch_one(&pool)", ".fetch_one(db::system(&pool))"),
        ],
    ),
];
