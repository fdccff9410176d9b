# rule: what is no query stays on its connection (2.1)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.codec:


async def codec():
    from app.db.connection import execute_query_value

    async with get_db_connection() as conn:
        await conn.set_type_codec("json", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        try:
            async with _another_request():
                return await execute_query_value("""SELECT '{"a": 1}'::json""")
        finally:
            await conn.reset_type_codec("json", schema="pg_catalog")
