# rule: what cannot run in a transaction gets none (3.3)
# file: backend/jobs/archive.py
# differs: archive_and_listen.result.compact (bound)


async def compact() -> None:
    from app.db.connection import get_db_connection

    # Plain VACUUM refuses to run inside a transaction block.
    async with get_db_connection() as conn, conn.transaction():
        await conn.execute("VACUUM (ANALYZE) exchange_rates")
