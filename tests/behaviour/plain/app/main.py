"""Starts and stops the application."""
from __future__ import annotations

import asyncpg

from app.api.tasks import TaskRoutes
from app.jobs.recount import Recount
from app.services.labels import Labels


class Application:
    async def start(self, dsn: str) -> None:
        self.pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4)
        self.labels = Labels(self.pool)
        self.tasks = TaskRoutes(self.pool, self.labels)
        self.recount = Recount(self.pool)

    async def stop(self) -> None:
        await self.pool.close()
