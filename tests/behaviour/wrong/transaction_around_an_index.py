# rule: an index is made concurrently outside of transactions (3.3)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.concurrent_index:


async def concurrent_index():
    async with get_db_connection() as conn, conn.transaction():
        await conn.execute("CREATE INDEX CONCURRENTLY probe_by_weight ON category_hints (weight)")
        await conn.execute("DROP INDEX CONCURRENTLY probe_by_weight")
