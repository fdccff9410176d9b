"""What users ask about their tasks."""
from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.services.labels import Labels


@dataclass(frozen=True)
class User:
    id: UUID


class NotFound(LookupError):
    """There is no such task, or it is somebody else's."""


class TaskRoutes:
    def __init__(self, pool, labels: Labels) -> None:
        self.pool = pool
        self.labels = labels

    async def open_tasks(self, user: User) -> list[str]:
        async with self.pool.acquire() as conn:
            rows = await conn.fetch("SELECT title FROM tasks WHERE NOT done ORDER BY id")
        return [row["title"] for row in rows]

    async def task(self, user: User, task_id: int) -> dict:
        conn = await self.pool.acquire()
        try:
            row = await conn.fetchrow("SELECT title, label, done FROM tasks WHERE id = $1", task_id)
        finally:
            await self.pool.release(conn)
        if row is None:
            raise NotFound(task_id)
        return dict(row)

    async def add(self, user: User, title: str, label: str | None = None) -> str:
        if label is not None:
            await self.labels.used(label)
        async with self.pool.acquire() as conn:
            await conn.execute("INSERT INTO tasks (owner, title, label) VALUES ($1, $2, $3)", user.id, title, label)
            count = await conn.fetchval("SELECT count(*) FROM tasks")
        return f"{count} tasks"

    async def finish(self, user: User, *task_ids: int) -> int:
        async with self.pool.acquire() as conn:
            async with conn.transaction():
                for task_id in task_ids:
                    status = await conn.execute("UPDATE tasks SET done = true WHERE id = $1", task_id)
                    if status == "UPDATE 0":
                        raise NotFound(task_id)
        return len(task_ids)

    async def count(self, user: User) -> int:
        return await self.pool.fetchval("SELECT count(*) FROM tasks")
