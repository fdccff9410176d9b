"""A script as people write them. Put into the sample as `scripts/probe_scripts.py`; each function is called before and after."""
from __future__ import annotations

import os
from datetime import date

import asyncpg

from app.db.connection import close_db_pool, get_db_pool

DSN = os.environ.get("LEDGER_DATABASE_URL")


async def connects():
    conn = await asyncpg.connect(DSN)
    try:
        return await conn.fetchval("SELECT count(*) FROM rate_sources")
    finally:
        await conn.close()


async def has_a_pool_of_its_own():
    async with asyncpg.create_pool(DSN, min_size=1, max_size=2) as pool:
        async with pool.acquire() as conn:
            await conn.execute("SET work_mem = '8MB'")
            return await conn.fetchval("SHOW work_mem"), await pool.fetchval("SELECT count(*) FROM events")


async def backfills(dry_run: bool = False):
    changed = 0
    async with get_db_pool().acquire() as conn:
        for row in await conn.fetch("SELECT id, title FROM events WHERE day < $1 ORDER BY id", date(2025, 1, 1)):
            title = row["title"].upper()
            if not dry_run and title != row["title"]:
                await conn.execute("UPDATE events SET title = $2 WHERE id = $1", row["id"], title)
                changed += 1
    return changed


def _main() -> None:
    import asyncio

    async def run() -> None:
        try:
            print(await backfills())
        finally:
            await close_db_pool()

    asyncio.run(run())


if __name__ == "__main__":
    _main()
