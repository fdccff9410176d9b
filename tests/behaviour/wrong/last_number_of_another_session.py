# rule: currval and lastval are asked where the number was drawn (2.3)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.last_number:


async def last_number():
    from app.db.connection import execute_query_value

    n = await execute_query_value("INSERT INTO job_queue (kind) VALUES ('last') RETURNING id")
    async with _another_request():
        return n == await execute_query_value("SELECT lastval()")
