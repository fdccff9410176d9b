# rule: a procedure or block that commits does not come to stand in a transaction (3.3)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.block_that_commits:


@router.post("/block-that-commits")
async def block_that_commits(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        await conn.execute("DO $$ BEGIN PERFORM 1; COMMIT; END $$")
        return await conn.fetchval(COUNT, user.id)
