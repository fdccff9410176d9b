# rule: a session lock is gone when the connection goes back (2.3)
# file: backend/jobs/queue_worker.py
# differs: queue.result.not_alone (bound)


async def alone(self, work: Callable[[], Awaitable[Any]]) -> Optional[Any]:
    """Run `work` unless another process runs it."""
    from app.db.connection import execute_query_value, execute_statement

    if not await execute_query_value("SELECT pg_try_advisory_lock($1)", LOCK):
        return None
    try:
        return await work()
    finally:
        await execute_statement("SELECT pg_advisory_unlock($1)", LOCK)
