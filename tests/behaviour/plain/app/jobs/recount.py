"""Counts at night what the day may have missed."""
from __future__ import annotations


class Recount:
    def __init__(self, pool) -> None:
        self.pool = pool

    async def run(self) -> int:
        async with self.pool.acquire() as conn:
            await conn.execute("SELECT pg_advisory_lock(1)")
            changed = await conn.execute(
                "UPDATE labels SET uses = n FROM (SELECT label, count(*) AS n FROM tasks GROUP BY 1) t WHERE t.label = code"
            )
            await conn.execute("INSERT INTO job_runs (job, done) VALUES ('recount', true)")
            await conn.execute("SELECT pg_advisory_unlock(1)")
        return int(changed.split()[-1])

    async def runs(self) -> int:
        async with self.pool.acquire() as conn:
            return await conn.fetchval("SELECT count(*) FROM job_runs")
