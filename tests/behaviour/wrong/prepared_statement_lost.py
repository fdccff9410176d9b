# rule: a statement is executed where it was prepared (2.3)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.prepared_statement:


async def prepared_statement():
    from app.db.connection import execute_query_value, execute_statement

    await execute_statement("PREPARE probe_seven AS SELECT 7")
    async with _another_request():
        n = await execute_query_value("EXECUTE probe_seven")
    await execute_statement("DEALLOCATE probe_seven")
    return n
