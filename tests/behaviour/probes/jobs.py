"""Jobs as people write them. Put into the sample as `jobs/probe_jobs.py`; each function is called before and after."""
import asyncio
import contextlib
import datetime as dt
import logging
import signal
import sys

import asyncpg

from app.db.connection import get_db_pool

logger = logging.getLogger("jobs.probe")

LOCK_ID = 4242


async def nightly():
    """One step after the other, and a line for each in the table of runs."""
    day = dt.date(2024, 6, 1)
    pool = get_db_pool()
    done = []
    for name, sql in {
        "expired": "DELETE FROM sessions WHERE expires_at < '2000-01-01'",
        "scratch": "DELETE FROM scratch_totals",
    }.items():
        try:
            async with pool.acquire() as conn:
                status = await conn.execute(sql)
            async with pool.acquire() as conn:
                await conn.execute(
                    "INSERT INTO job_runs (job, day, status, detail) VALUES ($1, $2, 'ok', $3)", name, day, status
                )
            done.append(name)
        except asyncpg.PostgresError:
            logger.exception("step %s failed", name)
    return done


async def nightly_in_one_block():
    async with get_db_pool().acquire() as conn:
        run = await conn.fetchval(
            "INSERT INTO job_runs (job, day, status) VALUES ('n', '2024-06-01', 'running') RETURNING id"
        )
        try:
            deleted = await conn.execute("DELETE FROM login_attempts WHERE at < '2000-01-01'")
            await conn.execute("SELECT 1 / 0")
        except Exception as exc:
            logger.error("failed: %s", exc)
            await conn.execute("UPDATE job_runs SET status = 'failed', detail = $2 WHERE id = $1", run, type(exc).__name__)
        else:
            await conn.execute("UPDATE job_runs SET status = 'ok', detail = $2 WHERE id = $1", run, deleted)
        return await conn.fetchval("SELECT status || ' ' || detail FROM job_runs WHERE id = $1", run)


async def only_one_at_a_time():
    async with get_db_pool().acquire() as conn:
        if not await conn.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_ID):
            return "already running"
        try:
            return await conn.fetchval("SELECT count(*) FROM job_queue")
        finally:
            await conn.execute("SELECT pg_advisory_unlock($1)", LOCK_ID)


async def drained():
    pool = get_db_pool()
    async with pool.acquire() as conn:
        await conn.executemany("INSERT INTO job_queue (kind) VALUES ($1)", [("drain",)] * 3)
    taken = 0
    while True:
        async with pool.acquire() as conn:
            async with conn.transaction():
                row = await conn.fetchrow(
                    "SELECT id FROM job_queue WHERE kind = 'drain' AND done_at IS NULL FOR UPDATE SKIP LOCKED LIMIT 1"
                )
                if row is None:
                    break
                await conn.execute("UPDATE job_queue SET done_at = now() WHERE id = $1", row["id"])
                taken += 1
    return taken


async def several_workers():
    queue = asyncio.Queue()
    results = []

    async def worker():
        while True:
            code = await queue.get()
            try:
                async with get_db_pool().acquire() as conn:
                    results.append(await conn.fetchval("SELECT label FROM account_kinds WHERE code = $1", code))
            finally:
                queue.task_done()

    for code in ("cash", "loan", "savings"):
        queue.put_nowait(code)
    workers = [asyncio.create_task(worker()) for _ in range(2)]
    await queue.join()
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return sorted(results)


async def limited():
    limit = asyncio.Semaphore(2)

    async def one(base):
        async with limit, get_db_pool().acquire() as conn:
            return await conn.fetchval("SELECT count(*) FROM exchange_rates WHERE base = $1", base)

    return await asyncio.gather(*map(one, ["EUR", "USD", "JPY"]))


async def stopped_by_a_flag():
    stop = asyncio.Event()
    seen = []
    while not stop.is_set():
        async with get_db_pool().acquire() as conn:
            seen.append(await conn.fetchval("SELECT count(*) FROM events"))
        if len(seen) == 2:
            stop.set()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.01)
    return seen


async def with_an_argument_list(argv=("--days", "3000")):
    days = int(argv[argv.index("--days") + 1]) if "--days" in argv else 30
    if days <= 0:
        print("nothing to do", file=sys.stderr)
        return 2
    async with get_db_pool().acquire() as conn:
        result = await conn.execute(
            "DELETE FROM login_attempts WHERE at < now() - ($1 || ' days')::interval", str(days)
        )
    logger.info("removed %s", result)
    return 0


async def report_lines():
    lines = []
    async with get_db_pool().acquire() as conn:
        for row in await conn.fetch("SELECT base, count(*) AS n, max(as_of) AS newest FROM exchange_rates GROUP BY base ORDER BY base"):
            lines.append("%(base)s: %(n)d up to %(newest)s" % row)
            detail = await conn.fetchrow("SELECT min(rate) AS lo, max(rate) AS hi FROM exchange_rates WHERE base = $1", row["base"])
            lines.append("  {lo:.2f}–{hi:.2f}".format(**detail))
    return "\n".join(lines)


async def copied():
    async with get_db_pool().acquire() as conn:
        await conn.copy_records_to_table("scratch_totals", records=[(dt.date(2024, 1, 1), 1)], columns=["day", "total"])
        return await conn.fetchval("SELECT sum(total)::int FROM scratch_totals")


async def read_by_a_cursor():
    total = 0
    async with get_db_pool().acquire() as conn:
        async with conn.transaction():
            async for row in conn.cursor("SELECT weight FROM category_hints", prefetch=2):
                total += row["weight"]
    return total


async def dry_run(dry=True):
    async with get_db_pool().acquire() as conn:
        tr = conn.transaction()
        await tr.start()
        try:
            status = await conn.execute("DELETE FROM category_hints")
        except BaseException:
            await tr.rollback()
            raise
        if dry:
            await tr.rollback()
        else:
            await tr.commit()
        return status, await conn.fetchval("SELECT count(*) FROM category_hints")


async def on_signal():
    handled = signal.getsignal(signal.SIGTERM) is not None
    pool = get_db_pool()
    async with pool.acquire() as conn:
        return handled, await conn.fetchval("SELECT count(*) FROM rate_sources")
