# rule: a cursor is read where it was declared (2.3)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.declared_cursor:


async def declared_cursor():
    from app.db.connection import execute_query, execute_statement

    await execute_statement("DECLARE probe_held CURSOR WITH HOLD FOR SELECT generate_series(1, 3) AS n")
    return [row["n"] for row in await execute_query("FETCH 2 FROM probe_held")]
