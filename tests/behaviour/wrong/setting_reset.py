# rule: a setting of the session counts for its own connection until that goes back (2.3)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.setting:


async def setting():
    from app.db.connection import execute_query_value, execute_statement

    await execute_statement("SET app.note = 'mine'")
    return await execute_query_value("SELECT current_setting('app.note', true)")
