# rule: calls on a pool are committed one by one (4)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.calls_on_the_pool:


async def calls_on_the_pool():
    async with get_db_connection() as conn, conn.transaction():
        await conn.execute(INS, "call on the pool")
        with contextlib.suppress(asyncpg.UniqueViolationError):
            await conn.execute(DUP)
        return await conn.fetchval(Q)
