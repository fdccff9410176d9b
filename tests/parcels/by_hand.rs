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
        "src/routes/more.rs",
        &[
            (
                "use crate::auth::CurrentUser;\n",
                "use crate::auth::CurrentUser;\nuse crate::db;\n",
            ),
            (
                "    Ok(Json(\n        sqlx::query_scalar(\"SELECT count(*) FROM parcels WHERE user_id = $1\")\n            .bind(user.id)\n            .fetch_one(&state.pool)\n            .await?,\n    ))\n",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let count = sqlx::query_scalar(\"SELECT count(*) FROM parcels WHERE user_id = $1\")\n        .bind(user.id)\n        .fetch_one(&mut *tx)\n        .await?;\n    tx.commit().await?;\n    Ok(Json(count))\n",
            ),
            (
                "    if let Some(label) = sqlx::query_scalar::<_, String>(\n",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let heaviest = sqlx::query_scalar::<_, String>(\n",
            ),
            (
                "    .fetch_optional(&state.pool)\n    .await?\n    {\n",
                "    .fetch_optional(&mut *tx)\n    .await?;\n    tx.commit().await?;\n    if let Some(label) = heaviest {\n",
            ),
            (
                "    let found: Result<String, sqlx::Error> =\n",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let found: Result<String, sqlx::Error> =\n",
            ),
            (
                "            .fetch_one(&state.pool)\n            .await;\n    match found",
                "            .fetch_one(&mut *tx)\n            .await;\n    tx.commit().await?;\n    match found",
            ),
            (
                "        done += sqlx::query(",
                "        let mut tx = db::rls::begin(&state.pool, user.id).await?;\n        done += sqlx::query(",
            ),
            (
                "            .execute(&state.pool)\n            .await?\n            .rows_affected();\n",
                "            .execute(&mut *tx)\n            .await?\n            .rows_affected();\n        tx.commit().await?;\n",
            ),
            (
                "    let both = tokio::try_join!(\n        of_parcels.bind(user.id).fetch_one(&state.pool),\n        of_addresses.bind(user.id).fetch_one(&state.pool),\n    )?;\n",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let both = (\n        of_parcels.bind(user.id).fetch_one(&mut *tx).await?,\n        of_addresses.bind(user.id).fetch_one(&mut *tx).await?,\n    );\n    tx.commit().await?;\n",
            ),
            (
                "    let work = tokio::spawn(async move {\n        sqlx::query(\n            \"INSERT INTO tracking_events (user_id, parcel_id, what) VALUES ($1, $2, 'remembered')\",\n        )\n        .bind(user.id)\n        .bind(id)\n        .execute(&pool)\n        .await\n    });\n",
                "    let work = tokio::spawn(async move {\n        let mut tx = db::rls::begin(&pool, user.id).await?;\n        sqlx::query(\n            \"INSERT INTO tracking_events (user_id, parcel_id, what) VALUES ($1, $2, 'remembered')\",\n        )\n        .bind(user.id)\n        .bind(id)\n        .execute(&mut *tx)\n        .await?;\n        tx.commit().await\n    });\n",
            ),
            (
                "    Ok(Json(events(&state.pool, user.id).await?))\n",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let count = events(&mut *tx, user.id).await?;\n    tx.commit().await?;\n    Ok(Json(count))\n",
            ),
            (
                "    let mut rows = sqlx::query_scalar",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let mut rows = sqlx::query_scalar",
            ),
            ("    .fetch(&state.pool);", "    .fetch(&mut *tx);"),
            (
                "        labels.push(label.to_uppercase());\n    }\n",
                "        labels.push(label.to_uppercase());\n    }\n    drop(rows);\n    tx.commit().await?;\n",
            ),
            (
                "    let mut conn = state.pool.acquire().await?;\n    let mut tx = conn.begin().await?;\n",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n",
            ),
            (
                "use sqlx::{Acquire, PgExecutor, PgPool};",
                "use sqlx::{PgExecutor, PgPool};",
            ),
            (
                "    let mut tx = state.pool.begin().await?;\n",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n",
            ),
            (
                "    let labels: Vec<String> = sqlx",
                "    let mut scope = db::rls::begin(db, user.id).await?;\n    let labels: Vec<String> = sqlx",
            ),
            (
                "        .fetch_all(db)\n        .await\n        .map_err(AppError::Database)?;\n",
                "        .fetch_all(&mut *scope)\n        .await\n        .map_err(AppError::Database)?;\n    scope.commit().await?;\n",
            ),
            (
                "    let cents = sqlx::query_scalar(\"SELECT cents FROM invoices WHERE user_id = $1 AND NOT paid\")\n        .bind(id)\n        .fetch_all(&state.pool)\n        .await\n        .unwrap_or_default();\n    Json(cents)\n",
                "    let cents = async {\n        let mut tx = db::rls::begin(&state.pool, id).await?;\n        let cents =\n            sqlx::query_scalar(\"SELECT cents FROM invoices WHERE user_id = $1 AND NOT paid\")\n                .bind(id)\n                .fetch_all(&mut *tx)\n                .await?;\n        tx.commit().await?;\n        Ok::<_, sqlx::Error>(cents)\n    };\n    Json(cents.await.unwrap_or_default())\n",
            ),
        ],
    ),
    (
        "src/routes/odd.rs",
        &[
            (
                "use crate::error::AppError;\n",
                "use crate::db;\nuse crate::error::AppError;\n",
            ),
            (
                "    let Some(label) =",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let Some(label) =",
            ),
            (
                "    let (mut last, mut grams) = (0, Vec::new());",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let (mut last, mut grams) = (0, Vec::new());",
            ),
            (
                "    let granted = wanted > 1",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let granted = wanted > 1",
            ),
            (
                "    let count = \"SELECT count(*) FROM parcels WHERE user_id = $1 AND state = $2\";",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let count = \"SELECT count(*) FROM parcels WHERE user_id = $1 AND state = $2\";",
            ),
            (
                "    let text = match sqlx::query_scalar::<_, String>(",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let text = match sqlx::query_scalar::<_, String>(",
            ),
            (
                "    let text = format!(",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let text = format!(",
            ),
            (
                "    let _ = sqlx::query(",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let _ = sqlx::query(",
            ),
            (
                "    let marked = sqlx::query(",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let marked = sqlx::query(",
            ),
            (
                "    let id = user.id;\n    let name = called(user);",
                "    let id = user.id;\n    let mut tx = db::rls::begin(&state.pool, id).await?;\n    let name = called(user);",
            ),
            (
                "    let count = sqlx::query_scalar::<_, String>(\"SELECT label FROM parcels WHERE user_id = $1\")",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let count = sqlx::query_scalar::<_, String>(\"SELECT label FROM parcels WHERE user_id = $1\")",
            ),
            (
                "    let grams: i64 = {",
                "    let mut tx = db::rls::begin(&state.pool, user.id).await?;\n    let grams: i64 = {",
            ),
            (
                "    let id = user.id;\n    let user = String::from(\"parcels of \");",
                "    let id = user.id;\n    let mut tx = db::rls::begin(&state.pool, id).await?;\n    let user = String::from(\"parcels of \");",
            ),
            ("&state.pool)", "&mut *tx)"),
            ("    Ok(Json(", "    tx.commit().await?;\n    Ok(Json("),
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
