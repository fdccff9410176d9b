# rule: a setting for the transaction that had none gets none (3.3)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.local_setting:


@router.post("/local-setting")
async def local_setting(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        await conn.execute("SET LOCAL statement_timeout = '1ms'")
        await conn.fetchval("SELECT count(*), pg_sleep(0.1) FROM savings_goals")
        return "ok"
