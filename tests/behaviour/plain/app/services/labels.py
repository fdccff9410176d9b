"""Labels, the same for everybody."""
from __future__ import annotations

import asyncpg


class Labels:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool

    async def all(self) -> dict[str, str]:
        async with self.pool.acquire() as conn:
            rows = await conn.fetch("SELECT code, label FROM labels ORDER BY code")
        return {row["code"]: row["label"] for row in rows}

    async def used(self, code: str) -> None:
        await self.pool.execute("UPDATE labels SET uses = uses + 1 WHERE code = $1", code)

    async def add(self, code: str, label: str) -> bool:
        async with self.pool.acquire() as conn:
            try:
                await conn.execute("INSERT INTO labels (code, label) VALUES ($1, $2)", code, label)
            except asyncpg.UniqueViolationError:
                await conn.execute("UPDATE labels SET label = $2 WHERE code = $1", code, label)
                return False
        return True

    async def swap(self, one: str, other: str) -> None:
        """Both or neither."""
        async with self.pool.acquire() as conn:
            async with conn.transaction():
                texts = [
                    await conn.fetchval("SELECT label FROM labels WHERE code = $1 FOR UPDATE", code)
                    for code in (one, other)
                ]
                await conn.execute("UPDATE labels SET label = $2 WHERE code = $1", one, texts[1])
                await conn.execute("UPDATE labels SET label = $2 WHERE code = $1", other, texts[0])
