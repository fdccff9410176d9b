"""Routes of every shape that must not change what they do. Put into the sample as `app/api/routes/probe.py`.

Each is called for one person and answers alike before and after; the name of those whose answer cannot show the fault begins with `not_safe`.
"""
from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Optional
from uuid import UUID

import asyncpg

from app.api.deps import CurrentUser, get_current_user
from app.db.connection import execute_query_value, get_db_connection, get_db_pool
from app.web import Depends, HTTPException, Router

logger = logging.getLogger(__name__)
router = Router("/probe")

INS = "INSERT INTO savings_goals (user_id, name, target) VALUES ($1, $2, $3)"
BAD = "INSERT INTO savings_goals (id, user_id, name, target) VALUES ('0000ac01-0000-4000-8000-000000000000', $1, $2, $3)"
NAMES = "SELECT name FROM savings_goals WHERE user_id = $1 ORDER BY 1"
COUNT = "SELECT count(*) FROM savings_goals WHERE user_id = $1"


# The first of this module: what it gets without a user depends on who had the connection before.
@router.get("/policy-that-needs-a-user")
async def policy_that_needs_a_user(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        texts = await conn.fetch("SELECT text FROM probe_secrets WHERE user_id = $1", user.id)
        return [row["text"] for row in texts], await conn.fetchval("SELECT count(*) FROM probe_secrets WHERE user_id = $1", user.id)


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


# Shortcuts on the pool, pairs, plain scopes, transactions.


@router.get("/shortcut-returned")
async def shortcut_returned(user: CurrentUser = Depends(get_current_user)) -> Any:
    return await get_db_pool().fetchval(COUNT, user.id)


@router.get("/shortcuts-in-one-expression")
async def shortcuts_in_one_expression(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    return (await pool.fetchrow(COUNT, user.id))["count"], (await pool.fetch(NAMES, user.id))[0][0]


@router.get("/shortcut-in-a-condition")
async def shortcut_in_a_condition(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    if await pool.fetchval(COUNT, user.id) > 100:
        return "many"
    elif await pool.fetchval(COUNT, user.id) > 1:
        return "some"
    return "few"


@router.get("/shortcut-in-a-loop-head")
async def shortcut_in_a_loop_head(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    n = 0
    while await pool.fetchval(COUNT, user.id) > n:
        n += 1
    return n


@router.get("/shortcuts-gathered")
async def shortcuts_gathered(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    return await asyncio.gather(pool.fetchval(COUNT, user.id), pool.fetchval(COUNT, user.id))


@router.get("/shortcut-in-a-comprehension")
async def shortcut_in_a_comprehension(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    return [await pool.fetchval("SELECT count(*) FROM savings_goals WHERE user_id = $1 AND target > $2", user.id, t) for t in (0, 50, 500)]


@router.get("/shortcut-not-reached")
async def shortcut_not_reached(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    return False and await pool.fetchval("SELECT 1 / 0 FROM savings_goals WHERE user_id = $1", user.id)


@router.get("/shortcuts-in-a-dict")
async def shortcuts_in_a_dict(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    log = []
    def note(x):
        log.append(x)
        return x
    result = {note("first"): await pool.fetchval(COUNT, user.id), note("second"): await pool.execute(INS, user.id, note("third"), 1)}
    return log, result


@router.get("/shortcut-added")
async def shortcut_added(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    n = 1
    n += await pool.fetchval(COUNT, user.id)
    return n


@router.get("/shortcuts-in-try")
async def shortcuts_in_try(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    try:
        await pool.execute("INSERT INTO savings_goals (id, user_id, name, target) SELECT id, user_id, name, target FROM savings_goals WHERE user_id = $1", user.id)
    except asyncpg.UniqueViolationError:
        await pool.execute(INS, user.id, "shortcuts in try", 1)
    return await pool.fetchval(COUNT, user.id)


@router.get("/shortcut-in-raise")
async def shortcut_in_raise(user: CurrentUser = Depends(get_current_user)) -> Any:
    raise HTTPException(400 + await get_db_pool().fetchval(COUNT, user.id), "x")


@router.get("/shortcut-over-which-a-loop-goes")
async def shortcut_over_which_a_loop_goes(user: CurrentUser = Depends(get_current_user)) -> Any:
    names = []
    for row in await get_db_pool().fetch(NAMES, user.id):
        names.append(row["name"])
        if len(names) > 1:
            break
    else:
        names.append("else")
    return names


@router.get("/shortcut-on-a-shared-line")
async def shortcut_on_a_shared_line(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool(); n = await pool.fetchval(COUNT, user.id); m = n + 1
    return m


@router.get("/shortcut-then-raise")
async def shortcut_then_raise(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    await pool.execute(INS, user.id, "shortcut then raise", 1)
    raise HTTPException(403, "no")


@router.get("/shortcut-in-a-lambda")
async def shortcut_in_a_lambda(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    ask = lambda: pool.fetchval(COUNT, user.id)
    return await ask()


@router.get("/shortcut-awaited-later")
async def shortcut_awaited_later(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    coro = pool.fetchval(COUNT, user.id)
    return await coro


@router.get("/shortcuts-around-a-yield")
async def shortcuts_around_a_yield(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    yield await pool.fetchval(COUNT, user.id)
    await pool.execute(INS, user.id, "shortcuts around a yield", 1)
    yield 2


@router.get("/pair-with-early-return")
async def pair_with_early_return(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        if await conn.fetchval(COUNT, user.id) > 1:
            return "early"
        await conn.execute(INS, user.id, "pair with early return", 1)
    finally:
        await pool.release(conn)
    return "late"


@router.get("/pair-with-handler")
async def pair_with_handler(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        await conn.execute(INS, user.id, "pair with handler", 1)
        await conn.execute("SELECT 1 / 0")
    except asyncpg.PostgresError:
        return "failed"
    finally:
        await pool.release(conn)


@router.get("/pair-used-in-a-handler")
async def pair_used_in_a_handler(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        await conn.execute("SELECT 1 / 0 FROM savings_goals WHERE user_id = $1", user.id)
    except asyncpg.PostgresError:
        return await conn.fetchval(COUNT, user.id)
    finally:
        await pool.release(conn)


@router.get("/pair-with-else")
async def pair_with_else(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        n = await conn.fetchval(COUNT, user.id)
    except asyncpg.PostgresError:
        n = -1
    else:
        n += 10
        await conn.execute(INS, user.id, "pair with else", 1)
    finally:
        await pool.release(conn)
    return n


@router.get("/pair-with-more-in-finally")
async def pair_with_more_in_finally(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    log = []
    conn = await pool.acquire()
    try:
        log.append(await conn.fetchval(COUNT, user.id))
    finally:
        log.append("done")
        await pool.release(conn)
        log.append("released")
    return log


@router.get("/plain-scope-swallowed")
async def plain_scope_swallowed(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_connection() as conn:
        try:
            await conn.execute("SELECT 1 / 0 FROM savings_goals")
        except asyncpg.PostgresError:
            pass
        return await conn.fetchval(COUNT, user.id)


@router.get("/plain-scope-raise-after-a-write")
async def plain_scope_raise_after_a_write(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_connection() as conn:
        await conn.execute(INS, user.id, "plain scope raise after a write", 1)
        raise HTTPException(403, "no")


@router.get("/read-only-transaction")
async def read_only_transaction(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_connection() as conn, conn.transaction(readonly=True):
        return await conn.fetchval(COUNT, user.id)


@router.get("/transaction-by-hand")
async def transaction_by_hand(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        tr = conn.transaction()
        await tr.start()
        try:
            await conn.execute(INS, user.id, "transaction by hand", 1)
            await conn.execute("SELECT 1 / 0")
        except asyncpg.PostgresError:
            await tr.rollback()
        else:
            await tr.commit()
        return await conn.fetchval(COUNT, user.id)


@router.get("/second-transaction-fails")
async def second_transaction_fails(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        async with conn.transaction():
            await conn.execute(INS, user.id, "second transaction fails", 1)
        async with conn.transaction():
            await conn.execute("INSERT INTO savings_goals (id, user_id, name, target) SELECT id, user_id, name, target FROM savings_goals WHERE user_id = $1", user.id)


@router.get("/raise-after-a-transaction")
async def raise_after_a_transaction(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        async with conn.transaction():
            await conn.execute(INS, user.id, "raise after a transaction", 1)
        raise HTTPException(409, "after the commit")


@router.get("/raise-caught-around-a-transaction")
async def raise_caught_around_a_transaction(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        try:
            async with conn.transaction():
                await conn.execute(INS, user.id, "raise caught around a transaction", 1)
                raise ValueError
        except ValueError:
            pass
        return await conn.fetchval(COUNT, user.id)


@router.get("/raise-caught-outside")
async def raise_caught_outside(user: CurrentUser = Depends(get_current_user)) -> Any:
    try:
        async with get_db_pool().acquire() as conn:
            await conn.execute(INS, user.id, "raise caught outside", 1)
            raise LookupError
    except LookupError:
        return "caught"


@router.get("/raise-caught-inside")
async def raise_caught_inside(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute(INS, user.id, "raise caught inside", 1)
        try:
            raise LookupError
        except LookupError:
            pass
    return "caught"


@router.get("/write-in-a-cte")
async def write_in_a_cte(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        n = await conn.fetchval("WITH new AS (INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'write in a cte', 2) RETURNING 1) SELECT count(*) FROM new", user.id)
        if n:
            raise HTTPException(409, "after a write")
    return n


@router.get("/write-by-a-prepared-statement")
async def write_by_a_prepared_statement(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        statement = await conn.prepare(INS)
        await statement.fetch(user.id, "write by a prepared statement", 1)
        raise HTTPException(409, "after a write")


@router.get("/write-in-a-callee")
async def write_in_a_callee(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await _write(conn, user.id, "write in a callee")
        raise HTTPException(409, "after a write")


async def _write(conn, user_id, name):
    await conn.execute(INS, user_id, name, 1)


@router.get("/not-safe-method-without-its-call")
async def not_safe_method_without_its_call(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        run = conn.execute
        await run(INS, user.id, "not safe method without its call", 1)
        raise HTTPException(409, "after a write")


@router.get("/perhaps-a-write")
async def perhaps_a_write(sql: Optional[str] = None, user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.fetchval(COUNT, user.id)
        await conn.execute(sql or "SELECT 1")
        raise HTTPException(409, "after perhaps a write")


@router.get("/many-writes")
async def many_writes(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.executemany(INS, [(user.id, "many writes", 1)])
        raise HTTPException(409, "after a write")


@router.get("/exit-stack")
async def exit_stack(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(get_db_pool().acquire())
        return await conn.fetchval(COUNT, user.id)


@asynccontextmanager
async def _quiet():
    try:
        yield
    except asyncpg.PostgresError:
        pass


@router.get("/suppressed-by-a-context-manager")
async def suppressed_by_a_context_manager(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        async with _quiet():
            await conn.execute("SELECT 1 / 0 FROM savings_goals")
        return await conn.fetchval(COUNT, user.id)


@router.get("/return-in-finally")
async def return_in_finally(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute(INS, user.id, "return in finally", 1)
        try:
            await conn.execute("SELECT 1 / 0")
        finally:
            return "swallowed"


@router.get("/break-in-finally")
async def break_in_finally(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        for _ in range(2):
            try:
                await conn.execute("SELECT 1 / 0 FROM savings_goals")
            finally:
                break
        return await conn.fetchval(COUNT, user.id)


@router.get("/block-in-a-loop")
async def block_in_a_loop(user: CurrentUser = Depends(get_current_user)) -> Any:
    done = []
    for name in ("block in a loop", None, "another"):
        try:
            async with get_db_pool().acquire() as conn:
                await conn.execute(INS, user.id, name, 1)
                done.append(name)
        except asyncpg.PostgresError:
            done.append("failed")
    return done


@router.get("/swallowed-by-a-nested-function")
async def swallowed_by_a_nested_function(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        async def attempt(query):
            try:
                return await conn.fetchval(query)
            except asyncpg.PostgresError:
                return None
        return [await attempt("SELECT 1 / 0 FROM savings_goals"), await attempt("SELECT 5")]


@router.get("/used-if-nothing-failed")
async def used_if_nothing_failed(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        ok = None
        try:
            ok = await conn.fetchval("SELECT 1 / 0 FROM savings_goals")
        except asyncpg.PostgresError:
            conn = None
        if conn is not None:
            ok = await conn.fetchval(COUNT, user.id)
    return ok


@router.post("/transaction-as-text")
async def transaction_as_text(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("BEGIN")
        first = await conn.fetchval(COUNT, user.id)
        await conn.execute("COMMIT")
        return first, await conn.fetchval(COUNT, user.id)


@router.get("/closed-inside")
async def closed_inside(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        count = await conn.fetchval(COUNT, user.id)
        await conn.close()
        return count


@router.get("/reset-inside")
async def reset_inside(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        count = await conn.fetchval(COUNT, user.id)
        await conn.reset()
        return count


@router.get("/given-back-inside")
async def given_back_inside(user: CurrentUser = Depends(get_current_user)) -> Any:
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        count = await conn.fetchval(COUNT, user.id)
        await pool.release(conn)
        return count
    finally:
        await pool.release(conn)


@router.get("/all-settings-reset")
async def all_settings_reset(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("RESET ALL")
        return await conn.fetchval(COUNT, user.id)


@router.post("/block-that-commits")
async def block_that_commits(user: CurrentUser = Depends(get_current_user)) -> Any:
    async with get_db_pool().acquire() as conn:
        await conn.execute("DO $$ BEGIN PERFORM 1; COMMIT; END $$")
        return await conn.fetchval(COUNT, user.id)
