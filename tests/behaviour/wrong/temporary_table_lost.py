# rule: a temporary table is there for its own session only (2.3)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.temporary_table:


async def temporary_table():
    from app.db.connection import execute_query_value, execute_statement

    await execute_statement("CREATE TEMPORARY TABLE probe_mine AS SELECT 3 AS n")
    async with _another_request():
        n = await execute_query_value("SELECT n FROM probe_mine")
    await execute_statement("DROP TABLE probe_mine")
    return n
