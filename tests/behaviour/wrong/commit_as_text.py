# rule: BEGIN and COMMIT as text do not come to stand in a transaction (3.3)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.transaction_as_text:


@router.post("/transaction-as-text")
async def transaction_as_text(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        await conn.execute("BEGIN")
        first = await conn.fetchval(COUNT, user.id)
        await conn.execute("COMMIT")
        return first, await conn.fetchval(COUNT, user.id)
