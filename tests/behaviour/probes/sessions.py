"""Service functions that keep something in the session of their connection. Put into the sample as `app/services/probe_sessions.py`.

Somebody else borrows a connection in between, as other requests do, so that what belongs to one connection shows on another.
"""
from __future__ import annotations

import contextlib
import json
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from app.db.connection import get_db_connection, get_db_pool

Q = "SELECT count(*) FROM category_hints"
INS = "INSERT INTO category_hints (pattern, category, weight) VALUES ($1, 'other', 1)"
DUP = "INSERT INTO category_hints (pattern, category) VALUES ('grocer', 'other')"


@asynccontextmanager
async def _another_request():
    """Gets the connection that went back last."""
    async with get_db_connection() as conn:
        yield conn


@asynccontextmanager
async def _all_connections_but_one():
    async with AsyncExitStack() as stack:
        for _ in range(get_db_pool().get_max_size() - 1):
            await stack.enter_async_context(get_db_connection())
        yield


async def temporary_table():
    async with get_db_pool().acquire() as conn:
        await conn.execute("CREATE TEMPORARY TABLE probe_mine AS SELECT 3 AS n")
        async with _another_request():
            n = await conn.fetchval("SELECT n FROM probe_mine")
        await conn.execute("DROP TABLE probe_mine")
    return n


async def last_number():
    async with get_db_pool().acquire() as conn:
        n = await conn.fetchval("INSERT INTO job_queue (kind) VALUES ('last') RETURNING id")
        async with _another_request():
            return n == await conn.fetchval("SELECT lastval()")


async def prepared_statement():
    async with get_db_pool().acquire() as conn:
        await conn.execute("PREPARE probe_seven AS SELECT 7")
        async with _another_request():
            n = await conn.fetchval("EXECUTE probe_seven")
        await conn.execute("DEALLOCATE probe_seven")
    return n


async def declared_cursor():
    async with get_db_pool().acquire() as conn:
        await conn.execute("DECLARE probe_held CURSOR WITH HOLD FOR SELECT generate_series(1, 3) AS n")
        return [row["n"] for row in await conn.fetch("FETCH 2 FROM probe_held")]


async def setting():
    async with get_db_pool().acquire() as conn:
        await conn.execute("SET app.note = 'mine'")
        return await conn.fetchval("SELECT current_setting('app.note', true)")


async def setting_by_a_function():
    async with get_db_pool().acquire() as conn:
        await conn.execute("SELECT set_config('app.note', $1, false)", "mine")
        return await conn.fetchval("SELECT current_setting('app.note', true)")


async def codec():
    async with get_db_pool().acquire() as conn:
        await conn.set_type_codec("json", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        try:
            return await conn.fetchval("""SELECT '{"a": 1}'::json""")
        finally:
            await conn.reset_type_codec("json", schema="pg_catalog")


async def rolled_back():
    async with get_db_pool().acquire() as conn:
        await conn.execute("BEGIN")
        await conn.execute(INS, "rolled back")
        await conn.execute("ROLLBACK")
        return await conn.fetchval(Q)


async def two_statements_in_one():
    async with get_db_pool().acquire() as conn:
        await conn.execute("DELETE FROM scratch_totals; DELETE FROM category_hints; SELECT 1 / 0")


async def calls_on_the_pool():
    pool = get_db_pool()
    await pool.execute(INS, "call on the pool")
    with contextlib.suppress(asyncpg.UniqueViolationError):
        await pool.execute(DUP)
    return await pool.fetchval(Q)


async def concurrent_index():
    async with get_db_pool().acquire() as conn:
        await conn.execute("CREATE INDEX CONCURRENTLY probe_by_weight ON category_hints (weight)")
        await conn.execute("DROP INDEX CONCURRENTLY probe_by_weight")


async def last_connection():
    async with _all_connections_but_one():
        async with get_db_pool().acquire() as conn:
            first = await conn.fetchval(Q)
            second = await conn.fetchval("SELECT count(*) FROM rate_sources")
    return first, second


async def pair_at_the_end_of_the_pool():
    """The last of this module, because a connection that does not come back is missing for all that follow."""
    found = []
    async with _all_connections_but_one():
        for _ in range(2):
            pool = get_db_pool()
            conn = await pool.acquire()
            try:
                found.append(await conn.fetchval(Q))
            finally:
                await pool.release(conn)
    return found
