# rule: a statement that needs what an earlier one left in the session stays on its connection (2.3)
# file: backend/jobs/listener.py
# differs: archive_and_listen.result.deaf (bound)


async def deaf() -> bool:
    from app.db.connection import execute_query_value

    await execute_statement("LISTEN rates_changed")
    return not await execute_query_value("SELECT count(*) FROM pg_listening_channels()")
