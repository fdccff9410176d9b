# rule: the time that several statements ask for goes on (3.5)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.time_of_the_transaction:


@router.post("/time-of-the-transaction")
async def time_of_the_transaction(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        first = await conn.fetchval("SELECT now() FROM savings_goals LIMIT 1")
        await asyncio.sleep(0.01)
        second = await conn.fetchval("SELECT now() FROM savings_goals LIMIT 1")
        return first == second
