# rule: what is asked on behalf of a user is not asked without one next to it (2.5)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.policy_that_needs_a_user:


@router.get("/policy-that-needs-a-user")
async def policy_that_needs_a_user(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        texts = await conn.fetch("SELECT text FROM probe_secrets WHERE user_id = $1", user.id)
    # On the same connection, with the setting that was left behind.
    count = await execute_query_value("SELECT count(*) FROM probe_secrets WHERE user_id = $1", user.id)
    return [row["text"] for row in texts], count
