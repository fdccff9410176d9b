# rule: a setting for the transaction stays with the statements that it is for (2.3)
# file: backend/app/services/importer.py
# differs: reminders_job.result.imported.a (bound)


async def import_entries(user_id: UUID, account_id: UUID, text: str) -> Dict[str, Any]:
    """All or nothing."""
    from app.db.connection import execute_query_value, execute_statement

    rows = parse(text)
    await execute_statement("SELECT set_config('app.user_id', $1, true)", str(user_id))
    batch = await execute_query_value(
        "INSERT INTO import_batches (user_id, source, row_count) VALUES ($1, 'csv', $2) RETURNING id",
        user_id, len(rows),
    )
    for booked_on, amount, payee in rows:
        await execute_statement(
            "INSERT INTO entries (user_id, account_id, booked_on, amount, payee) VALUES ($1, $2, $3, $4, $5)",
            user_id, account_id, booked_on, amount, payee,
        )
    await execute_statement("UPDATE import_batches SET finished_at = now() WHERE id = $1", batch)
    return {"batch": batch, "rows": len(rows)}
