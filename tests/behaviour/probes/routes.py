"""Routes of every shape that must not change what they do. Put into the sample as `app/api/routes/probe.py`.

Each is called for one person and answers alike before and after; the name of those whose answer cannot show the fault begins with `not_safe`.
"""
from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any, Optional
from uuid import UUID

import asyncpg

from app.api.deps import CurrentUser, get_current_user
from app.db.connection import execute_query_value, get_db_pool
from app.web import Depends, HTTPException, Router

logger = logging.getLogger(__name__)
router = Router("/probe")

INS = "INSERT INTO savings_goals (user_id, name, target) VALUES ($1, $2, $3)"
BAD = "INSERT INTO savings_goals (id, user_id, name, target) VALUES ('0000ac01-0000-4000-8000-000000000000', $1, $2, $3)"
COUNT = "SELECT count(*) FROM savings_goals WHERE user_id = $1"


@router.post("/swallowed-after-a-write")
async def swallowed_after_a_write(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    async with pool.acquire() as conn:
        await conn.execute(INS, user.id, "a1", 10)
        try:
            await conn.execute(BAD, user.id, "a2", 10)
        except asyncpg.UniqueViolationError:
            logger.info("there already")
    return "ok"


@router.post("/swallowed-by-a-return")
async def swallowed_by_a_return(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    async with pool.acquire() as conn:
        await conn.execute(INS, user.id, "a3", 10)
        try:
            await conn.execute(BAD, user.id, "a2", 10)
        except asyncpg.UniqueViolationError:
            return "conflict"
    return "ok"


@router.post("/swallowed-by-gather")
async def swallowed_by_gather(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        found = await asyncio.gather(conn.execute(BAD, user.id, "b", 1), return_exceptions=True)
        return [str(type(f)) for f in found] + [await conn.fetchval(COUNT, user.id)]


async def _try_insert(conn, user_id, name):
    try:
        await conn.execute(BAD, user_id, name, 1)
        return True
    except asyncpg.PostgresError:
        return False


@router.post("/swallowed-by-a-callee")
async def swallowed_by_a_callee(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        done = await _try_insert(conn, user.id, "c")
        return [done, await conn.fetchval(COUNT, user.id)]


@router.post("/swallowed-behind-a-savepoint")
async def swallowed_behind_a_savepoint(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute(INS, user.id, "d1", 10)
        try:
            async with conn.transaction():
                await conn.execute(BAD, user.id, "d", 1)
        except asyncpg.PostgresError:
            pass
        return await conn.fetchval(COUNT, user.id)


@router.post("/suppressed")
async def suppressed(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        with contextlib.suppress(asyncpg.PostgresError):
            await conn.execute(BAD, user.id, "u", 1)
        return await conn.fetchval(COUNT, user.id)


@router.post("/write-in-finally")
async def write_in_finally(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        try:
            await conn.execute(BAD, user.id, "v", 1)
        finally:
            await conn.execute(INS, user.id, "v after", 1)


@router.post("/write-in-a-handler-that-raises")
async def write_in_a_handler_that_raises(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        try:
            await conn.execute(BAD, user.id, "v", 1)
        except asyncpg.PostgresError:
            await conn.execute(INS, user.id, "v2 failed", 1)
            raise


@router.post("/translated-after-a-write")
async def translated_after_a_write(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute(INS, user.id, "v3", 1)
        try:
            await conn.execute(BAD, user.id, "v", 1)
        except asyncpg.PostgresError as error:
            raise HTTPException(409, "there") from error


@router.post("/second-try-in-a-loop")
async def second_try_in_a_loop(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        for query in (BAD, INS):
            try:
                await conn.execute(query, user.id, "retry", 1)
                break
            except asyncpg.UniqueViolationError:
                continue
    return "ok"


@router.post("/swallowed-now-and-then")
async def swallowed_now_and_then(hard: bool = False, user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        try:
            await conn.execute(BAD, user.id, "t", 1)
        except asyncpg.PostgresError:
            if hard:
                raise
        await conn.execute(INS, user.id, "t after", 1)
    return "ok"


@router.post("/local-setting")
async def local_setting(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("SET LOCAL statement_timeout = '1ms'")
        await conn.fetchval("SELECT count(*), pg_sleep(0.1) FROM savings_goals")
        return "ok"


@router.post("/not-safe-user-set-by-hand")
async def not_safe_user_set_by_hand(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("SELECT set_config('app.user_id', $1, true)", "0000000b-0000-4000-8000-000000000000")
        return await conn.fetchval("SELECT count(*) FROM savings_goals WHERE user_id <> $1", user.id)


@router.post("/table-lock")
async def table_lock(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("LOCK TABLE savings_goals IN ROW SHARE MODE")
        return await conn.fetchval(COUNT, user.id)


@router.post("/time-of-the-transaction")
async def time_of_the_transaction(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        first = await conn.fetchval("SELECT now() FROM savings_goals LIMIT 1")
        await asyncio.sleep(0.01)
        second = await conn.fetchval("SELECT now() FROM savings_goals LIMIT 1")
        return first == second


@router.post("/savepoint-as-text")
async def savepoint_as_text(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("SAVEPOINT a")
        return await conn.fetchval(COUNT, user.id)


@router.post("/second-connection-reads")
async def second_connection_reads(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'n1', 4)", user.id)
        return await _seen(user.id)


async def _seen(user_id):
    return await execute_query_value("SELECT count(*) FROM savings_goals WHERE name = 'n1'")


@router.post("/second-connection-writes")
async def second_connection_writes(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("UPDATE savings_goals SET target = target + 1 WHERE user_id = $1", user.id)
        await _other_write(user.id)
    return "ok"


async def _other_write(user_id):
    return await execute_query_value("UPDATE savings_goals SET target = target + 1 WHERE user_id = $1 RETURNING 1", user_id)


@router.post("/helper-in-the-block")
async def helper_in_the_block(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'n3', 4)", user.id)
        return await execute_query_value("SELECT count(*) FROM savings_goals WHERE name = 'n3'")


@router.get("/users/{user_id}/goals")
async def id_of_somebody_else(user_id: UUID, user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        return [r["name"] for r in await conn.fetch("SELECT name FROM savings_goals WHERE user_id = $1", user_id)]


@router.get("/public/{user_id}/goals")
async def not_safe_user_from_the_path(user_id: UUID) -> Any:
    async with get_db_pool().acquire() as conn:
        return [r["name"] for r in await conn.fetch("SELECT name FROM savings_goals WHERE user_id = $1", user_id)]


@router.get("/not-safe-user-of-a-loop")
async def not_safe_user_of_a_loop(user: CurrentUser = Depends(get_current_user)) -> Any:
    result = []
    for user in await _everybody():
        async with get_db_pool().acquire() as conn:
            result.append(await conn.fetchval(COUNT, user.id))
    return result


async def _everybody():
    return []


@router.get("/not-safe-optional-user")
async def not_safe_optional_user(user: Optional[CurrentUser] = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(COUNT, user.id if user else None)


@router.get("/not-safe-user-bound-again")
async def not_safe_user_bound_again(as_user: Optional[str] = None, user: CurrentUser = Depends(get_current_user)) -> Any:
    if as_user:
        user = None
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT count(*) FROM savings_goals")


@router.get("/parameter-of-a-nested-function")
async def parameter_of_a_nested_function(user: CurrentUser = Depends(get_current_user)) -> Any:
    async def inner(user):
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval("SELECT count(*) FROM savings_goals")
    return await inner("somebody")


@router.post("/write-before-a-yield")
async def write_before_a_yield(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'o1', 4)", user.id)
        yield 1
        yield 2


@router.post("/timeout-after-a-write")
async def timeout_after_a_write(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'w1', 4)", user.id)
        try:
            await asyncio.wait_for(conn.fetchval("SELECT count(*), pg_sleep(2) FROM savings_goals"), 0.05)
        except asyncio.TimeoutError:
            pass
    return "ok"


@router.post("/query-timeout-after-a-write")
async def query_timeout_after_a_write(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'w2', 4)", user.id)
        try:
            await conn.fetchval("SELECT pg_sleep(2)", timeout=0.05)
        except (asyncio.TimeoutError, TimeoutError):
            pass
    return "ok"


@router.post("/assertion-after-a-write")
async def assertion_after_a_write(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'x1', 4)", user.id)
        assert user.id is None, "always"


@router.post("/raise-in-a-callee")
async def raise_in_a_callee(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'x2', 4)", user.id)
        _refuse()


def _refuse():
    raise HTTPException(403, "no")


@router.post("/task-reads")
async def task_reads(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'n1', 4)", user.id)
        task = asyncio.create_task(_seen(user.id))
        await asyncio.sleep(0.1)
    return await task


@router.post("/not-safe-awaited-after-the-block")
async def not_safe_awaited_after_the_block(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        coro = conn.fetchval(COUNT, user.id)
    return await coro
