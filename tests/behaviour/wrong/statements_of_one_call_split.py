# rule: several statements in one execute stay one call (2.1)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.two_statements_in_one:


async def two_statements_in_one():
    from app.db.connection import execute_statement

    for statement in "DELETE FROM scratch_totals; DELETE FROM category_hints; SELECT 1 / 0".split(";"):
        await execute_statement(statement)
