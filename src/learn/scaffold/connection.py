"""The one way to the database: the shared pool, and what runs queries on it.

System data goes through the helpers; each call takes a connection of its own::

    rows = await execute_query("SELECT code, label FROM currencies WHERE region = $1", region)

User data goes through the scope with a user: a transaction in which row-level
security sees who asks::

    async with get_db_connection_with_rls(user_id) as conn:
        lots = await conn.fetch("SELECT id, quantity FROM lots")

Statements that belong together, without a user, share one connection::

    async with get_db_connection() as conn, conn.transaction():
        await conn.execute("UPDATE jobs SET state = 'done' WHERE id = $1", job_id)
        await conn.execute("INSERT INTO job_log (job_id) VALUES ($1)", job_id)

Call ``init_db_pool()`` once when the program starts and ``close_db_pool()`` when
it ends. Nothing else opens a pool, keeps one, or passes one on.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

logger = logging.getLogger(__name__)

#: The setting that the policies of row-level security read.
USER_SETTING = "app.user_id"

_pool: asyncpg.Pool | None = None
_changing = asyncio.Lock()
#: The event loop that both belong to; in another one neither works.
_loop: asyncio.AbstractEventLoop | None = None


async def init_db_pool(
    dsn: str | None = None,
    *,
    min_size: int = 1,
    max_size: int = 10,
    command_timeout: float = 60.0,
) -> asyncpg.Pool:
    """Open the shared pool, unless it is open.

    Without ``dsn`` the environment says where the database is: ``DATABASE_URL``, or
    the ``PG…`` variables that every PostgreSQL client reads.
    """
    global _pool
    _enter_loop()
    async with _changing:
        if _pool is None:
            _pool = await asyncpg.create_pool(
                dsn or os.environ.get("DATABASE_URL"),
                min_size=min_size,
                max_size=max_size,
                command_timeout=command_timeout,
            )
            logger.info("database pool open (%d to %d connections)", min_size, max_size)
        return _pool


async def close_db_pool(timeout: float = 10.0) -> None:
    """Close the shared pool once its connections are given back; after ``timeout`` seconds cut them off."""
    global _pool
    _enter_loop()
    async with _changing:
        pool, _pool = _pool, None
    if pool is None:
        return
    try:
        await asyncio.wait_for(pool.close(), timeout)
    except asyncio.TimeoutError:
        logger.warning("database pool not idle after %s seconds; its connections are cut off", timeout)
        pool.terminate()


def get_db_pool() -> asyncpg.Pool:
    """The shared pool."""
    if _pool is None:
        raise RuntimeError("the database pool is not open; call init_db_pool() at startup")
    if _running_loop() not in (None, _loop):
        raise RuntimeError("the database pool belongs to another event loop; call init_db_pool() in the one that uses it")
    return _pool


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _enter_loop() -> None:
    """Start anew in a new event loop, as in each ``asyncio.run()``; a pool that was left open ended with the old one."""
    global _pool, _changing, _loop
    loop = asyncio.get_running_loop()
    if loop is _loop:
        return
    if _loop is not None and not _loop.is_closed() and (_pool is not None or _changing.locked()):
        raise RuntimeError("the database pool is open in another event loop; close it there first")
    _pool, _changing, _loop = None, asyncio.Lock(), loop


@asynccontextmanager
async def get_db_connection() -> AsyncIterator[asyncpg.Connection]:
    """Lend a connection without a user: each statement is a transaction of its own."""
    async with get_db_pool().acquire() as conn:
        yield conn


@asynccontextmanager
async def get_db_connection_with_rls(user_id: UUID | str | int) -> AsyncIterator[asyncpg.Connection]:
    """Lend a connection on behalf of a user, in one transaction.

    The user is set for this transaction alone, so that no later borrower of the
    connection inherits it. An exception rolls everything back.
    """
    if user_id is None or not str(user_id).strip():
        raise ValueError("a connection on behalf of a user needs the user's id")
    async with get_db_pool().acquire() as conn:
        async with conn.transaction():
            await conn.execute("SELECT set_config($1, $2, true)", USER_SETTING, str(user_id))
            yield conn


async def execute_query(query: str, *args: Any, timeout: float | None = None) -> list[asyncpg.Record]:
    """Run a query and return all its rows."""
    async with get_db_pool().acquire() as conn:
        return await conn.fetch(query, *args, timeout=timeout)


async def execute_query_one(query: str, *args: Any, timeout: float | None = None) -> asyncpg.Record | None:
    """Run a query and return its first row, or ``None`` if it has none."""
    async with get_db_pool().acquire() as conn:
        return await conn.fetchrow(query, *args, timeout=timeout)


async def execute_query_value(query: str, *args: Any, timeout: float | None = None) -> Any:
    """Run a query and return the first column of its first row, or ``None`` if it has none."""
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(query, *args, timeout=timeout)


async def execute_statement(query: str, *args: Any, timeout: float | None = None) -> str:
    """Run a statement and return its status, such as ``UPDATE 3``."""
    async with get_db_pool().acquire() as conn:
        return await conn.execute(query, *args, timeout=timeout)


async def execute_many(query: str, args: Iterable[Sequence[Any]], timeout: float | None = None) -> None:
    """Run a statement once for each of ``args``: all of them, or none if one fails."""
    async with get_db_pool().acquire() as conn:
        await conn.executemany(query, args, timeout=timeout)


async def check_db_health(timeout: float = 5.0) -> dict[str, Any]:
    """Say whether the database answers and how busy the pool is; a failure is an answer, not an exception."""
    try:
        pool = get_db_pool()
        async with pool.acquire(timeout=timeout) as conn:
            await conn.fetchval("SELECT 1", timeout=timeout)
    except (OSError, RuntimeError, asyncio.TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        logger.warning("database health check failed: %s", error)
        return {"status": "unhealthy", "error": str(error) or type(error).__name__}
    size, idle = pool.get_size(), pool.get_idle_size()
    return {"status": "healthy", "size": size, "idle": idle, "in_use": size - idle}
