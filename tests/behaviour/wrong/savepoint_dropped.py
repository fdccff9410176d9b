# rule: a transaction inside the block stays, as a savepoint (3.3)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.swallowed_behind_a_savepoint:


@router.post("/swallowed-behind-a-savepoint")
async def swallowed_behind_a_savepoint(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        await conn.execute(INS, user.id, "d1", 10)
        try:
            await conn.execute(BAD, user.id, "d", 1)
        except asyncpg.PostgresError:
            pass
        return await conn.fetchval(COUNT, user.id)
