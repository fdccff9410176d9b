"""Services as people write them. Put into the sample as `app/services/probe_ordinary.py`; each function is called before and after."""
from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import wraps
from typing import Any, AsyncIterator, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import asyncpg

from app.db.connection import get_db_pool

log = logging.getLogger(__name__)

DAY = date(2024, 5, 1)
CACHE: Dict[str, Any] = {}


class Rate(NamedTuple):
    quote: str
    rate: Decimal


@dataclass
class Source:
    code: str
    url: str
    active: bool = True


async def rates_of_a_day() -> List[Rate]:
    pool = get_db_pool()
    async with pool.acquire() as conn:
        records = await conn.fetch(
            "SELECT quote, rate FROM exchange_rates WHERE base = $1 AND as_of = $2 ORDER BY quote",
            "EUR",
            DAY,
        )
        return [Rate(**dict(record)) for record in records]


async def sources_as_objects() -> List[Dict[str, Any]]:
    async with get_db_pool().acquire() as connection:
        found = await connection.fetch("SELECT code, base_url AS url, active FROM rate_sources ORDER BY code")
    return [asdict(Source(**row)) for row in found]


async def upserted_and_read_back() -> Any:
    pool = get_db_pool()
    async with pool.acquire() as conn:
        await conn.execute(
            """
            INSERT INTO rate_sources (code, base_url) VALUES ($1, $2)
            ON CONFLICT (code) DO UPDATE SET base_url = EXCLUDED.base_url
            """,
            "boe", "https://rates.example/boe",
        )
        row = await conn.fetchrow("SELECT * FROM rate_sources WHERE code = $1", "boe")
    return dict(row) if row else None


async def inserted_returning() -> Any:
    async with get_db_pool().acquire() as conn:
        row = await conn.fetchrow(
            "INSERT INTO job_queue (kind, payload) VALUES ($1, $2) RETURNING kind, payload", "mail", json.dumps({"to": "x"})
        )
    log.info("queued %s", row["kind"])
    return row["kind"], json.loads(row["payload"])


async def count_or_zero() -> int:
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT max(attempts) FROM job_queue WHERE kind = 'nothing'") or 0


async def first_that_fits() -> Optional[str]:
    pool = get_db_pool()
    for text in ("the zoo", "a bakery", "grocer"):
        async with pool.acquire() as conn:
            category = await conn.fetchval("SELECT category FROM category_hints WHERE position(pattern IN $1) > 0", text)
        if category is not None:
            return category
    return None


async def cached() -> Any:
    key = "labels"
    if key not in CACHE:
        async with get_db_pool().acquire() as conn:
            CACHE[key] = {r["code"]: r["label"] for r in await conn.fetch("SELECT code, label FROM account_kinds")}
    return sorted(CACHE[key].items())


async def grouped() -> Dict[str, List[str]]:
    groups: Dict[str, List[str]] = defaultdict(list)
    async with get_db_pool().acquire() as conn:
        for row in await conn.fetch("SELECT category, pattern FROM category_hints ORDER BY category, pattern"):
            groups[row["category"]].append(row["pattern"])
    return dict(groups)


async def filtered(since: Optional[date] = DAY, base: Optional[str] = None) -> int:
    conditions, values = ["TRUE"], []
    if since is not None:
        values.append(since)
        conditions.append(f"as_of >= ${len(values)}")
    if base:
        values.append(base)
        conditions.append(f"base = ${len(values)}")
    query = "SELECT count(*) FROM exchange_rates WHERE " + " AND ".join(conditions)
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(query, *values)


async def paged() -> List[List[str]]:
    pages, offset, size = [], 0, 2
    pool = get_db_pool()
    while True:
        async with pool.acquire() as conn:
            rows = await conn.fetch("SELECT pattern FROM category_hints ORDER BY pattern LIMIT $1 OFFSET $2", size, offset)
        if not rows:
            break
        pages.append([row["pattern"] for row in rows])
        offset += size
    return pages


async def batches() -> List[str]:
    rows = [("b1", 1), ("b2", 2), ("b3", 3)]
    done = []
    async with get_db_pool().acquire() as conn:
        for start in range(0, len(rows), 2):
            for pattern, weight in rows[start:start + 2]:
                status = await conn.execute(
                    "INSERT INTO category_hints (pattern, category, weight) VALUES ($1, 'other', $2)", pattern, weight
                )
                done.append(status)
    return done


async def many_at_once() -> str:
    async with get_db_pool().acquire() as conn:
        await conn.executemany(
            "INSERT INTO category_hints (pattern, category) VALUES ($1, $2)", [("m1", "other"), ("m2", "fun")]
        )
    return "done"


async def all_or_nothing() -> Any:
    pool = get_db_pool()
    try:
        async with pool.acquire() as conn:
            async with conn.transaction():
                await conn.execute("UPDATE rate_sources SET active = false")
                await conn.execute("INSERT INTO rate_sources (code, base_url) VALUES ('ecb', 'twice')")
    except asyncpg.UniqueViolationError as error:
        return error.sqlstate
    return None


async def all_and_everything() -> str:
    async with get_db_pool().acquire() as conn, conn.transaction():
        await conn.execute("UPDATE rate_sources SET active = false WHERE code = 'fed'")
        return await conn.execute("DELETE FROM rate_sources WHERE NOT active AND code = 'nobody'")


async def error_translated() -> str:
    class Taken(Exception):
        pass

    async def add() -> None:
        async with get_db_pool().acquire() as conn:
            try:
                await conn.execute("INSERT INTO category_hints (pattern, category) VALUES ('grocer', 'fun')")
            except asyncpg.UniqueViolationError as error:
                raise Taken("grocer") from error

    try:
        await add()
    except Taken as error:
        return f"{error} {type(error.__cause__).__name__}"
    return "added"


async def retried() -> Tuple[int, str]:
    tries = 0
    while True:
        tries += 1
        try:
            async with get_db_pool().acquire() as conn:
                return tries, await conn.fetchval("SELECT CASE WHEN $1::int < 3 THEN 1 / (3 - $1) - 1 ELSE 7 END::text", tries)
        except asyncpg.DivisionByZeroError:
            if tries >= 3:
                raise
            await asyncio.sleep(0)


async def either_way(kind: str = "cash") -> str:
    async with get_db_pool().acquire() as conn:
        label = await conn.fetchval("SELECT label FROM account_kinds WHERE code = $1", kind)
        if label is None:
            return "unknown"
        elif label.startswith("C"):
            n = await conn.fetchval("SELECT count(*) FROM account_kinds WHERE label LIKE 'C%'")
            return f"{label} is one of {n}"
        else:
            return label


async def finally_told() -> List[str]:
    told: List[str] = []
    try:
        async with get_db_pool().acquire() as conn:
            told.append(str(await conn.fetchval("SELECT count(*) FROM events")))
            await conn.execute("INSERT INTO events (day, title) VALUES ($1, $2)", DAY, None)
    except asyncpg.NotNullViolationError as error:
        told.append(error.column_name)
    finally:
        told.append("done")
    return told


def timed(function):
    @wraps(function)
    async def inner(*args, **kwargs):
        start = time.perf_counter()
        try:
            return await function(*args, **kwargs)
        finally:
            log.debug("%s took %.3f s", function.__name__, time.perf_counter() - start)

    return inner


@timed
async def decorated() -> List[str]:
    async with get_db_pool().acquire() as conn:
        return [r[0] for r in await conn.fetch("SELECT ticker FROM securities ORDER BY 1")]


async def streamed() -> AsyncIterator[str]:
    async with get_db_pool().acquire() as conn:
        rows = await conn.fetch("SELECT ticker FROM securities ORDER BY 1")
    for row in rows:
        yield row["ticker"]


async def in_parallel() -> List[Any]:
    async def one(ticker: str) -> Any:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval("SELECT name FROM securities WHERE ticker = $1", ticker)

    return await asyncio.gather(*(one(ticker) for ticker in ("ACME", "ZINC", "NONE")))


async def in_parallel_on_the_pool() -> List[Any]:
    pool = get_db_pool()
    names, count = await asyncio.gather(
        pool.fetch("SELECT name FROM securities ORDER BY 1"),
        pool.fetchval("SELECT count(*) FROM prices"),
    )
    return [[row["name"] for row in names], count]


async def with_a_deadline() -> str:
    async def counted() -> int:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval("SELECT count(*) FROM prices")

    try:
        return str(await asyncio.wait_for(counted(), timeout=1))
    except asyncio.TimeoutError:
        return "late"


async def too_late() -> str:
    try:
        async with get_db_pool().acquire() as conn:
            await conn.execute("SELECT pg_sleep(1)", timeout=0.02)
    except asyncio.TimeoutError:
        return "late"
    return "in time"


async def arrays_and_json() -> Any:
    async with get_db_pool().acquire() as conn:
        codes = await conn.fetchval("SELECT array_agg(code ORDER BY code) FROM account_kinds WHERE code = ANY($1)", ["cash", "loan"])
        data = await conn.fetchval("SELECT jsonb_build_object('n', count(*)) FROM account_kinds")
    return codes, json.loads(data)


async def dates() -> List[str]:
    first, last = DAY, DAY + timedelta(days=31)
    async with get_db_pool().acquire() as conn:
        rows = await conn.fetch(
            "SELECT generate_series($1::date, $2::date, '10 days')::date AS day", first, last
        )
    return [row["day"].isoformat() for row in rows]


async def deleted_and_told() -> Tuple[bool, int]:
    async with get_db_pool().acquire() as conn:
        tag = await conn.execute("DELETE FROM category_hints WHERE weight < $1", 4)
    deleted = int(tag.rpartition(" ")[2])
    return deleted > 0, deleted


async def with_a_cte() -> List[Any]:
    sql = """
        WITH ranked AS (
            SELECT base, quote, rate, row_number() OVER (PARTITION BY base, quote ORDER BY as_of DESC) AS n
            FROM exchange_rates
        )
        SELECT base, quote, rate FROM ranked WHERE n = 1 ORDER BY base, quote
    """
    async with get_db_pool().acquire() as conn:
        return [tuple(row) for row in await conn.fetch(sql)]


async def moved() -> int:
    """From the queue to the dead letters, in one statement."""
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO job_queue (kind, attempts) VALUES ('dead', 9)")
        return await conn.fetchval(
            """
            WITH gone AS (DELETE FROM job_queue WHERE attempts > 5 RETURNING kind, payload),
                 kept AS (INSERT INTO dead_letters (kind, payload, reason) SELECT kind, payload, 'tries' FROM gone RETURNING 1)
            SELECT count(*) FROM kept
            """
        )


async def maps(codes: Iterable[str] = ("ecb", "fed")) -> Dict[str, str]:
    async with get_db_pool().acquire() as conn:
        return {code: await conn.fetchval("SELECT base_url FROM rate_sources WHERE code = $1", code) for code in codes}


async def passed_to_a_function() -> int:
    async def total(connection: asyncpg.Connection, *tables: str) -> int:
        return sum([await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables])

    async with get_db_pool().acquire() as conn:
        return await total(conn, "rate_sources", "securities")


async def unpacked() -> str:
    async with get_db_pool().acquire() as conn:
        low, high = await conn.fetchrow("SELECT min(weight), max(weight) FROM category_hints")
        (n,) = await conn.fetchrow("SELECT count(*) FROM category_hints")
    return f"{low}–{high} of {n}"


async def old_style() -> Sequence[str]:
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        rows = await conn.fetch('SELECT label FROM account_kinds ORDER BY label')
        return tuple(r['label'] for r in rows)
    finally:
        await pool.release(conn)


async def old_style_with_a_transaction() -> str:
    pool = get_db_pool()
    conn = await pool.acquire()
    try:
        async with conn.transaction():
            await conn.execute("DELETE FROM outbox")
            await conn.execute("INSERT INTO outbox (recipient, template) VALUES ('a', 'b')")
        return await conn.fetchval("SELECT template FROM outbox")
    finally:
        await pool.release(conn)
