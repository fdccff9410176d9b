//! Wrong rewrites of the sample: each breaks a rule, compiles, and must be found out by the scenarios.

/// A rewrite that breaks a rule.
pub(crate) struct Wrong {
    /// What goes wrong.
    pub(crate) name: &'static str,
    /// The file, and what is right in it and wrong instead.
    pub(crate) change: (&'static str, &'static [(&'static str, &'static str)]),
    /// Whether it shows to the role that the policies bind, or to the superuser.
    pub(crate) bound: bool,
    /// Where it shows.
    pub(crate) shows: &'static str,
}

pub(crate) const WRONG: &[Wrong] = &[
    Wrong {
        name: "writes_without_a_commit",
        change: (
            "src/routes/parcels.rs",
            &[(
                "        .execute(&mut *tx)\n        .await?;\n    tx.commit().await?;\n    if done",
                "        .execute(&mut *tx)\n        .await?;\n    if done",
            )],
        ),
        bound: false,
        shows: "rename: gone",
    },
    Wrong {
        name: "statements_that_were_committed_one_by_one_fail_together",
        change: (
            "src/routes/parcels.rs",
            &[
                (
                    "    let mut conn = state.pool.acquire().await?;\n    sqlx::query(\"DELETE",
                    "    let mut conn = db::rls::begin(&state.pool, user.id).await?;\n    sqlx::query(\"DELETE",
                ),
                (
                    "    match gone.rows_affected() {",
                    "    conn.commit().await?;\n    match gone.rows_affected() {",
                ),
            ],
        ),
        bound: false,
        shows: "remove: gone",
    },
    Wrong {
        name: "error_swallowed_in_a_transaction",
        change: (
            "src/routes/parcels.rs",
            &[
                (
                    "    let mut conn = state.pool.acquire().await?;\n    let noted",
                    "    let mut conn = db::rls::begin(&state.pool, user.id).await?;\n    let noted",
                ),
                (
                    "    Ok(Json(json!({ \"noted\"",
                    "    conn.commit().await?;\n    Ok(Json(json!({ \"noted\"",
                ),
            ],
        ),
        bound: false,
        shows: "seen: \"a POST /parcels/99/seen\"",
    },
    Wrong {
        name: "commit_where_it_was_taken_back",
        change: (
            "src/routes/parcels.rs",
            &[("tx.rollback().await?", "tx.commit().await?")],
        ),
        bound: false,
        shows: "cancel: added",
    },
    Wrong {
        name: "system_form_on_user_data",
        change: (
            "src/repositories/parcels.rs",
            &[
                (".fetch_one(&mut *tx)", ".fetch_one(db::system(&self.pool))"),
                (
                    "        let mut tx = db::rls::begin(&self.pool, user_id).await?;\n        let parcel = ",
                    "        let tx = db::rls::begin(&self.pool, user_id).await?;\n        tx.rollback().await?;\n        let parcel = ",
                ),
                (
                    "        tx.commit().await?;\n        Ok(parcel)",
                    "        Ok(parcel)",
                ),
            ],
        ),
        bound: true,
        shows: "label_and_quote: \"a POST /parcels/1/label\"",
    },
    Wrong {
        name: "wrong_user",
        change: (
            "src/routes/addresses.rs",
            &[(
                "db::rls::begin(&pool, user.id)",
                "db::rls::begin(&pool, uuid::Uuid::nil())",
            )],
        ),
        bound: true,
        shows: "addresses: \"a GET /addresses\"",
    },
    Wrong {
        name: "transaction_split",
        change: (
            "src/routes/addresses.rs",
            &[
                (
                    "    let mut tx = db::rls::begin(pool, user.id).await?;\n    sqlx::query(\"UPDATE addresses SET is_default = false",
                    "    let mut tx = db::acquire(pool).await?;\n    sqlx::query(\"UPDATE addresses SET is_default = false",
                ),
                (
                    "        return Err(AppError::NotFound);\n    }\n    tx.commit().await?;\n",
                    "        return Err(AppError::NotFound);\n    }\n",
                ),
            ],
        ),
        bound: false,
        shows: "addresses: added",
    },
    Wrong {
        name: "second_connection_while_the_first_is_held",
        change: (
            "src/routes/account.rs",
            &[
                (
                    "        .fetch_one(&mut *tx)\n        .await?;\n    tx.commit().await?;\n",
                    "        .fetch_one(&mut *tx)\n        .await?;\n",
                ),
                (
                    "    let open = state.billing.open_cents(user.id).await?;\n",
                    "    let open = state.billing.open_cents(user.id).await?;\n    tx.commit().await?;\n",
                ),
            ],
        ),
        bound: false,
        shows: "account: \"a GET /account\"",
    },
];
