# rule: a connection is not closed, reset or given back while its transaction is open (3.3)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.given_back_inside:


@router.get("/given-back-inside")
async def given_back_inside(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    pool = get_db_pool()
    async with get_db_connection_with_rls(str(user.id)) as conn:
        count = await conn.fetchval(COUNT, user.id)
        await pool.release(conn)
        return count
