# rule: a second connection does not meet what the first has not committed (3.6)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.second_connection_writes:


@router.post("/second-connection-writes")
async def second_connection_writes(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        await conn.execute("UPDATE savings_goals SET target = target + 1 WHERE user_id = $1", user.id)
        await _other_write(user.id)
    return "ok"
