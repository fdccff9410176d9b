# rule: set_config(…, false) is a setting of the session, too (2.3)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.setting_by_a_function:


async def setting_by_a_function():
    from app.db.connection import execute_query_value, execute_statement

    await execute_statement("SELECT set_config('app.note', $1, false)", "mine")
    return await execute_query_value("SELECT current_setting('app.note', true)")
