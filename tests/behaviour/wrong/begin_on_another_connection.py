# rule: BEGIN as text, what follows and its end stay on one connection (2.3)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.rolled_back:


async def rolled_back():
    from app.db.connection import execute_query_value, execute_statement

    await execute_statement("BEGIN")
    await execute_statement(INS, "rolled back")
    await execute_statement("ROLLBACK")
    return await execute_query_value(Q)
