"""Repositories and clients as people write them. Put into the sample as `app/services/probe_repositories.py`.

The functions at the end ask them and are called before and after.
"""
from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, ClassVar, Dict, Generic, List, Optional, TypeVar

import asyncpg

from app.db.connection import get_db_connection, get_db_pool

T = TypeVar("T")


class Repository(ABC, Generic[T]):
    table: ClassVar[str]

    def __init__(self, pool: Optional[asyncpg.Pool] = None) -> None:
        self._pool = pool

    @property
    def pool(self) -> asyncpg.Pool:
        if self._pool is None:
            self._pool = get_db_pool()
        return self._pool

    @abstractmethod
    def build(self, row: asyncpg.Record) -> T: ...

    async def count(self) -> int:
        async with self.pool.acquire() as conn:
            return await conn.fetchval(f"SELECT count(*) FROM {self.table}")


class Kinds(Repository[str]):
    table = "account_kinds"

    def build(self, row: asyncpg.Record) -> str:
        return f"{row['code']}={row['label']}"

    async def all(self) -> List[str]:
        async with self.pool.acquire() as conn:
            rows = await conn.fetch("SELECT code, label FROM account_kinds ORDER BY code")
        return [self.build(row) for row in rows]

    async def get(self, code: str) -> Optional[str]:
        row = await self.pool.fetchrow("SELECT code, label FROM account_kinds WHERE code = $1", code)
        return self.build(row) if row else None

    async def add(self, code: str, label: str) -> bool:
        async with self.pool.acquire() as conn:
            status = await conn.execute(
                "INSERT INTO account_kinds (code, label) VALUES ($1, $2) ON CONFLICT DO NOTHING", code, label
            )
        return status == "INSERT 0 1"


class Outbox:
    """With the pool taken when it is made."""

    def __init__(self) -> None:
        self.pool = get_db_pool()

    async def put(self, recipient: str, template: str = "hello") -> int:
        async with self.pool.acquire() as conn:
            await conn.execute("INSERT INTO outbox (recipient, template) VALUES ($1, $2)", recipient, template)
            return await conn.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")

    async def send(self) -> List[str]:
        async with self.pool.acquire() as conn:
            async with conn.transaction():
                rows = await conn.fetch(
                    "SELECT id, recipient FROM outbox WHERE sent_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 10"
                )
                await conn.execute("UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])", [r["id"] for r in rows])
        return [r["recipient"] for r in rows]

    async def clear(self) -> str:
        return await self.pool.execute("DELETE FROM outbox WHERE sent_at IS NOT NULL")


class Settings:
    """A table behind a dictionary, with a lock around what writes."""

    _lock = asyncio.Lock()

    def __init__(self) -> None:
        self.values: Dict[str, str] = {}

    async def load(self) -> "Settings":
        async with get_db_pool().acquire() as conn:
            rows = await conn.fetch("SELECT code, base_url FROM rate_sources WHERE active")
        self.values = dict(rows)
        return self

    async def set(self, code: str, url: str) -> None:
        async with self._lock:
            async with get_db_pool().acquire() as conn:
                await conn.execute("UPDATE rate_sources SET base_url = $2 WHERE code = $1", code, url)
            self.values[code] = url

    async def __aenter__(self) -> "Settings":
        return await self.load()

    async def __aexit__(self, *_exc: Any) -> None:
        self.values.clear()


class UnitOfWork:
    """Several repositories on one connection."""

    async def __aenter__(self) -> "UnitOfWork":
        self.conn = await get_db_pool().acquire()
        self.transaction = self.conn.transaction()
        await self.transaction.start()
        return self

    async def __aexit__(self, kind: Any, *_rest: Any) -> None:
        try:
            await (self.transaction.rollback() if kind else self.transaction.commit())
        finally:
            await get_db_pool().release(self.conn)


class Prices:
    @staticmethod
    async def latest(ticker: str) -> Any:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval(
                "SELECT close FROM prices p JOIN securities s ON s.id = p.security_id "
                "WHERE s.ticker = $1 ORDER BY as_of DESC LIMIT 1", ticker,
            )

    @classmethod
    async def of_all(cls) -> Dict[str, Any]:
        async with get_db_pool().acquire() as conn:
            tickers = [row["ticker"] for row in await conn.fetch("SELECT ticker FROM securities ORDER BY 1")]
        return {ticker: await cls.latest(ticker) for ticker in tickers}


@lru_cache(maxsize=None)
def kinds() -> Kinds:
    return Kinds()


async def repository_reads():
    return await kinds().all(), await kinds().get("cash"), await kinds().get("?"), await kinds().count()


async def repository_writes():
    return await kinds().add("gold", "Gold"), await kinds().add("cash", "Again"), await kinds().count()


async def outbox_sends():
    box = Outbox()
    put = [await box.put("a"), await box.put("b", "bye")]
    return put, await box.send(), await box.send(), await box.clear()


async def settings_are_set():
    settings = await Settings().load()
    await asyncio.gather(settings.set("ecb", "one"), settings.set("fed", "two"))
    return sorted(settings.values.items()), sorted((await Settings().load()).values.items())


async def settings_within():
    settings = Settings()
    async with settings:
        found = len(settings.values)
    return found, settings.values


async def unit_of_work():
    async with UnitOfWork() as unit:
        await unit.conn.execute("UPDATE rate_sources SET base_url = 'kept' WHERE code = 'ecb'")
    try:
        async with UnitOfWork() as unit:
            await unit.conn.execute("UPDATE rate_sources SET base_url = 'undone' WHERE code = 'ecb'")
            raise LookupError
    except LookupError:
        pass
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT base_url FROM rate_sources WHERE code = 'ecb'")


async def prices_of_all():
    return await Prices.of_all()


async def scope_of_the_standard():
    async with get_db_connection() as conn:
        async with conn.transaction():
            await conn.execute("UPDATE rate_sources SET active = NOT active")
        return await conn.fetchval("SELECT count(*) FROM rate_sources WHERE active")
