# rule: SELECT … FOR UPDATE and the statement that it protects stay in one transaction (2.3)
# file: backend/jobs/queue_worker.py
# differs: queue.result.once_each (bound)


async def take(self) -> Optional[Dict[str, Any]]:
    """The oldest waiting item, marked as taken. Two workers never get the same one."""
    from app.db.connection import execute_query_one, execute_statement

    row = await execute_query_one(
        """
        SELECT id, kind, payload, attempts FROM job_queue
        WHERE done_at IS NULL AND taken_at IS NULL
        ORDER BY id
        FOR UPDATE SKIP LOCKED
        LIMIT 1
        """
    )
    if row is None:
        return None
    await execute_statement(
        "UPDATE job_queue SET taken_at = now(), attempts = attempts + 1 WHERE id = $1", row["id"]
    )
    return {"id": row["id"], "kind": row["kind"], "payload": json.loads(row["payload"])}
