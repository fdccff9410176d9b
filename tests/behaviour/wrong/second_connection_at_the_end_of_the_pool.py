# rule: whoever holds a connection does not wait for a second one (3.6)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.last_connection:


async def last_connection():
    from app.db.connection import execute_query_value

    async with _all_connections_but_one():
        async with get_db_connection() as conn:
            first = await conn.fetchval(Q)
            second = await execute_query_value("SELECT count(*) FROM rate_sources")
    return first, second
