"""Service functions of every shape that must not change what they do. Put into the sample as `app/services/probe.py`."""
from __future__ import annotations

import asyncio
import contextlib
import functools
from contextlib import asynccontextmanager

import asyncpg

from app.db.connection import PoolNotReady, get_db_connection, get_db_pool

Q = "SELECT count(*) FROM category_hints"
INS = "INSERT INTO category_hints (pattern, category, weight) VALUES ($1, 'other', 1)"
DUP = "INSERT INTO category_hints (pattern, category) VALUES ('grocer', 'other')"


async def two_calls_at_once():
    async with get_db_pool().acquire() as conn:
        return await asyncio.gather(conn.fetchval(Q), conn.fetchval(Q), return_exceptions=False)


async def awaited_after_the_block():
    async with get_db_pool().acquire() as conn:
        coro = conn.fetchval(Q)
    return await coro


async def task_that_outlives_the_block():
    async with get_db_pool().acquire() as conn:
        task = asyncio.create_task(conn.fetchval("SELECT pg_sleep(0.05)::text || 'x'"))
    return await task


async def generator_consumed_later():
    async with get_db_pool().acquire() as conn:
        values = (await conn.fetchval("SELECT $1::int", n) for n in range(3))
    return [value async for value in values]


async def helper_name_is_a_parameter(execute_query_value=None):
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(Q), execute_query_value


async def two_blocks():
    pool = get_db_pool()
    async with pool.acquire() as conn:
        first = await conn.fetchval(Q)
    async with pool.acquire() as conn:
        await conn.execute("SET work_mem = '64MB'")
        second = await conn.fetchval("SHOW work_mem")
    return first, second


async def block_in_block():
    pool = get_db_pool()
    async with pool.acquire() as outer:
        n = await outer.fetchval(Q)
        async with pool.acquire() as inner:
            return n, await inner.fetchval(Q), await outer.fetchval("SELECT 1")


async def block_in_block_of_the_same_name():
    pool = get_db_pool()
    async with pool.acquire() as conn:
        n = await conn.fetchval(Q)
        async with pool.acquire() as conn:
            return n, await conn.fetchval(Q)


@asynccontextmanager
async def _other():
    yield "other"


async def second_item():
    async with _other() as x, get_db_pool().acquire() as conn:
        return x, await conn.fetchval(Q)


async def first_item():
    async with get_db_pool().acquire() as conn, _other() as x:
        return x, await conn.fetchval(Q)


async def two_connections():
    async with get_db_pool().acquire() as a, get_db_pool().acquire() as b:
        return await a.fetchval(Q), await b.fetchval(Q)


async def on_one_line():
    async with get_db_pool().acquire() as conn: return await conn.fetchval(Q)


async def with_semicolons():
    async with get_db_pool().acquire() as conn: n = await conn.fetchval(Q); m = n + 1; return m


async def in_an_f_string():
    async with get_db_pool().acquire() as conn:
        return f"{await conn.fetchval(Q)} rows {(await conn.fetch('SELECT 1 AS x'))[0]['x']}"


async def in_walruses():
    async with get_db_pool().acquire() as conn:
        if (n := await conn.fetchval(Q)) and (row := await conn.fetchrow("SELECT 2 AS y")):
            return n, row["y"]


async def in_a_default():
    async with get_db_pool().acquire() as conn:
        f = lambda n=await conn.fetchval(Q): n
    return f()


async def method_without_its_call():
    async with get_db_pool().acquire() as conn:
        ask = conn.fetchval
        return await ask(Q)


async def by_getattr():
    async with get_db_pool().acquire() as conn:
        return await getattr(conn, "fetchval")(Q)


async def by_partial():
    async with get_db_pool().acquire() as conn:
        return await functools.partial(conn.fetchval, Q)()


async def in_a_list():
    async with get_db_pool().acquire() as conn:
        held = [conn]
        return await held[0].fetchval(Q)


async def id_of_this_session():
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO job_queue (kind) VALUES ('x')")
        return await conn.fetchval("SELECT lastval()") > 0


async def transaction_as_text():
    async with get_db_pool().acquire() as conn:
        await conn.execute("BEGIN; " + "DELETE FROM dead_letters; " + "COMMIT")
        return await conn.fetchval(Q)


async def setting_in_a_cte():
    async with get_db_pool().acquire() as conn:
        await conn.fetchval("WITH s AS (SELECT set_config('app.note', 'x', false) AS v) SELECT v FROM s")
        return await conn.fetchval("SELECT current_setting('app.note', true)")


async def table_until_commit():
    async with get_db_pool().acquire() as conn:
        await conn.execute("create  temp\n table probe_kept (n int) on commit drop")
        return await conn.fetchval("SELECT to_regclass('pg_temp.probe_kept')::text")


async def select_into_temp():
    async with get_db_pool().acquire() as conn:
        await conn.execute("SELECT 1 AS n INTO TEMP probe_into")
        try:
            return await conn.fetchval("SELECT n FROM probe_into")
        finally:
            await conn.execute("DROP TABLE probe_into")


async def write_in_finally():
    async with get_db_pool().acquire() as conn:
        try:
            await conn.execute(DUP)
        finally:
            await conn.execute(INS, "in finally")


async def swallowed_error():
    async with get_db_pool().acquire() as conn:
        with contextlib.suppress(asyncpg.UniqueViolationError):
            await conn.execute(DUP)
        return await conn.fetchval(Q)


async def guard_for_none():
    pool = get_db_pool()
    if pool is None:
        return "none"
    async with pool.acquire() as conn:
        return await conn.fetchval(Q)


async def getter_in_try():
    try:
        pool = get_db_pool()
    except PoolNotReady:
        return "not ready"
    async with pool.acquire() as conn:
        return await conn.fetchval(Q)


async def block_in_else():
    try:
        pool = get_db_pool()
    except PoolNotReady:
        return "not ready"
    else:
        async with pool.acquire() as conn:
            return await conn.fetchval(Q)


async def break_and_continue():
    pool = get_db_pool()
    for n in range(3):
        async with pool.acquire() as conn:
            if await conn.fetchval("SELECT $1::int = 1", n):
                break
            continue
    else:
        return "never"
    return n


async def while_loop():
    async with get_db_pool().acquire() as conn:
        while True:
            n = await conn.fetchval(Q)
            if n: break
        else:
            return None
    return n


async def match_statement():
    async with get_db_pool().acquire() as conn:
        match await conn.fetchval("SELECT 2"):
            case 1:
                return "one"
            case n if n == await conn.fetchval("SELECT 2"):
                return "two"


async def rows_yielded():
    async with get_db_pool().acquire() as conn:
        for row in await conn.fetch("SELECT generate_series(1, 3) AS n"):
            yield row["n"]


async def call_for_each_yield():
    async with get_db_pool().acquire() as conn:
        for n in range(3):
            yield await conn.fetchval("SELECT $1::int", n)


async def same_session():
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT pg_backend_pid()") == await conn.fetchval("SELECT pg_backend_pid()")


async def server_pid():
    async with get_db_pool().acquire() as conn:
        return conn.get_server_pid() == await conn.fetchval("SELECT pg_backend_pid()")


async def query_by_keyword(**kw):
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(query=Q)


async def timeout():
    async with get_db_pool().acquire() as conn:
        return [dict(r) for r in await conn.fetch("SELECT 1 AS a", timeout=3)]


async def column():
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT 1, 2", column=1)


async def stars():
    args = ["grocer"]
    kwargs = {"timeout": 3.0}
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT category FROM category_hints WHERE pattern = $1", *args, **kwargs)


async def two_statements_in_one():
    async with get_db_pool().acquire() as conn:
        return await conn.execute("DELETE FROM dead_letters; DELETE FROM scratch_totals")


async def pool_or_parameter(pool=None):
    pool = pool or get_db_pool()
    async with pool.acquire() as conn:
        return await conn.fetchval(Q)


async def pool_of_its_own():
    other = await asyncpg.create_pool(dsn=None, min_size=0, max_size=1, host="/nonexistent")
    return await _with(other)


async def _with(pool):
    async with pool.acquire() as conn:
        return await conn.fetchval(Q)


async def transaction_with_isolation():
    async with get_db_pool().acquire() as conn:
        async with conn.transaction(isolation="repeatable_read"):
            a = await conn.fetchval("SELECT txid_current()")
            b = await conn.fetchval("SELECT txid_current()")
    return a == b


async def transaction_by_hand():
    async with get_db_pool().acquire() as conn:
        tr = conn.transaction()
        await tr.start()
        await conn.execute(INS, "taken back")
        await tr.rollback()
        return await conn.fetchval(Q)


async def release_in_except_and_else():
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        value = await conn.fetchval(Q)
    except Exception:
        await pool.release(conn)
        raise
    else:
        await pool.release(conn)
    return value


async def pair_with_session_state():
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        await conn.execute("SET work_mem = '64MB'")
        return await conn.fetchval("SHOW work_mem")
    finally:
        await pool.release(conn)


async def pair_with_two_statements():
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        a = await conn.fetchval(Q)
        b = await conn.fetchval(Q)
        return a, b
    finally:
        await pool.release(conn)


async def used_in_a_handler_outside():
    conn = None
    try:
        async with get_db_pool().acquire() as conn:
            await conn.execute(DUP)
    except asyncpg.PostgresError as error:
        return type(error).__name__, conn is not None


async def deleted_name():
    async with get_db_pool().acquire() as conn:
        n = await conn.fetchval(Q)
        del conn
    return n


async def comments_behind():
    async with get_db_pool().acquire() as conn:
        n = await conn.fetchval(Q)
        # trailing
    # outer
    return n


async def query_over_two_lines():
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(
            """SELECT 'a
            b' || $1""",
            "x",
        )


async def backslashes():
    async with get_db_pool().acquire() as conn:
        n = await conn.fetchval(Q) \
            + await conn.fetchval("SELECT 1")
        s = 'a\
        b'
        return n, s


async def one_call_or_the_other(flag=True):
    async with get_db_pool().acquire() as conn:
        return await (conn.fetchval(Q) if flag else conn.fetchval("SELECT 0"))


async def awaited_later_in_the_block():
    async with get_db_pool().acquire() as conn:
        pending = conn.fetchval(Q)
        return await pending


async def behind_a_lock(lock=asyncio.Lock()):
    async with lock, get_db_pool().acquire() as conn:
        return await conn.fetchval(Q)


async def many():
    async with get_db_pool().acquire() as conn:
        await conn.executemany(INS, [("many 1",), ("many 2",)])
        return await conn.fetchval(Q)


async def cursor():
    async with get_db_pool().acquire() as conn, conn.transaction():
        return [r[0] async for r in conn.cursor("SELECT generate_series(1,3)")]


async def calls_on_the_pool():
    pool = get_db_pool()
    await pool.execute(INS, "pool 1")
    await pool.executemany(INS, [("pool 2",)])
    row = await pool.fetchrow("SELECT count(*) AS n FROM category_hints")
    return row["n"], await pool.fetchval(Q, column=0, timeout=2), len(await pool.fetch("SELECT 1"))


async def nested_function():
    n = 0
    async with get_db_pool().acquire() as conn:
        async def count():
            nonlocal n
            n = await conn.fetchval(Q)
        await count()
    return n


async def session_lock():
    async with get_db_pool().acquire() as conn:
        a = await conn.fetchval("SELECT pg_try_advisory_lock(99)")
        b = await conn.fetchval("SELECT pg_advisory_unlock(99)")
    return a, b


async def read_only_session():
    async with get_db_pool().acquire() as conn:
        await conn.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        try:
            return await conn.execute(INS, "read only")
        except asyncpg.PostgresError as error:
            return type(error).__name__


async def role():
    async with get_db_pool().acquire() as conn:
        await conn.execute("SET ROLE ledger_app")
        try:
            return await conn.fetchval("SELECT current_user")
        finally:
            # It would stay: going back to the pool resets settings, but no role.
            await conn.execute("RESET ROLE")


async def prepared_by_text():
    async with get_db_pool().acquire() as conn:
        await conn.execute("PREPARE probe_prepared AS SELECT 6")
        return await conn.fetchval("EXECUTE probe_prepared")


async def search_path():
    async with get_db_pool().acquire() as conn:
        await conn.execute("SET search_path TO audit")
        return await conn.fetchval("SELECT count(*) > 0 FROM events WHERE action IS NOT NULL")


async def time_zone():
    async with get_db_pool().acquire() as conn:
        await conn.execute("SET TIME ZONE 'Asia/Tokyo'")
        return await conn.fetchval("SHOW timezone")


async def do_block():
    async with get_db_pool().acquire() as conn:
        await conn.execute("DO $$ BEGIN PERFORM set_config('app.note', 'do', false); END $$")
        return await conn.fetchval("SELECT current_setting('app.note', true)")


async def row_locks():
    async with get_db_pool().acquire() as conn:
        await conn.fetch("SELECT * FROM category_hints FOR NO KEY UPDATE")
        return await conn.fetchval(Q)


async def annotated():
    async with get_db_pool().acquire() as conn:
        conn: asyncpg.Connection
        n: int = await conn.fetchval(Q)
        return n


async def global_result():
    global _cached
    async with get_db_pool().acquire() as conn:
        _cached = await conn.fetchval(Q)
    return _cached


_cached = None


async def raised_in_the_block():
    async with get_db_pool().acquire() as conn:
        n = await conn.fetchval(Q)
        if n:
            raise LookupError(n)
    return n


async def plain_scope():
    async with get_db_connection() as conn:
        with contextlib.suppress(asyncpg.UniqueViolationError):
            await conn.execute(DUP)
        return await conn.fetchval(Q)


async def calls_in_a_loop():
    result = []
    async with get_db_pool().acquire() as conn:
        for name in ("loop 1", "loop 2"):
            result.append(await conn.execute(INS, name))
            result.append(await conn.fetchval("DELETE FROM category_hints WHERE pattern = $1 RETURNING 1", name))
    return result


async def in_a_comprehension():
    async with get_db_pool().acquire() as conn:
        return {r["n"]: [x async for x in _numbers(r["n"])] for r in await conn.fetch("SELECT 1 AS n")}


async def _numbers(n):
    yield n


async def handler_inside():
    async with get_db_pool().acquire() as e:
        try:
            await e.execute(DUP)
        except asyncpg.PostgresError as error:
            return str(type(error).__name__)


async def class_body():
    async with get_db_pool().acquire() as conn:
        class Holder:
            connection = conn
        return await Holder.connection.fetchval(Q)
