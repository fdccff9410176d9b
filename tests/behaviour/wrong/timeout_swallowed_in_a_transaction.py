# rule: a statement that ran out of time aborts its transaction, too (3.2)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.query_timeout_after_a_write:


@router.post("/query-timeout-after-a-write")
async def query_timeout_after_a_write(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'w2', 4)", user.id)
        try:
            await conn.fetchval("SELECT pg_sleep(2)", timeout=0.05)
        except (asyncio.TimeoutError, TimeoutError):
            pass
    return "ok"
