"""Calls each function of the probe modules for one person and tells what it answers, which rows it changes, and how it fails.

The functions do not depend on each other: after each, all rows are put back.
"""
from __future__ import annotations

import asyncio
import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List

import asyncpg

from scenarios import PEOPLE, TODAY, App, all_rows, changes, masked, query_of_all_rows

SCHEMA = "backend/migrations/900_probes.sql"
# What waits for itself does so for ever.
PATIENCE = 1.5


def modules(root: Path) -> List[str]:
    """Those that were put into the application in `root`."""
    backend = root / "backend"
    names = (path.relative_to(backend).with_suffix("") for path in backend.rglob("probe*.py"))
    return sorted(".".join(name.parts) for name in names)


def functions(module: ModuleType) -> Iterator[Callable[..., Any]]:
    for name, value in vars(module).items():
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_"):
            yield value


async def called(function: Callable[..., Any]) -> Any:
    """The answer; of a generator the first item, like a client that hangs up."""
    from app.api.deps import CurrentUser
    from app.context import RequestCtx

    person, other = PEOPLE
    known = {
        "user": CurrentUser(id=person.id, email="a@example.org", base_currency="EUR"),
        "user_id": other.id,
        "ctx": RequestCtx(user_id=person.id, as_of=TODAY, household_id=person.household),
    }
    parameters = inspect.signature(function).parameters
    answer = function(**{name: value for name, value in known.items() if name in parameters})
    if not inspect.isasyncgen(answer):
        return await answer
    try:
        return [await anext(answer)]
    finally:
        await answer.aclose()


async def outcome(function: Callable[..., Any]) -> Any:
    try:
        return masked(await asyncio.wait_for(called(function), PATIENCE))
    except Exception as error:
        return {"error": type(error).__name__}


class Rows:
    """All rows of the database, as they were first."""

    def __init__(self, owner: asyncpg.Connection) -> None:
        self.owner = owner

    async def keep(self) -> None:
        self.query = await query_of_all_rows(self.owner)
        self.first = await all_rows(self.owner, self.query)
        for table in {table for table, _ in self.first}:
            await self.owner.execute(f"CREATE TEMPORARY TABLE {kept(table)} AS TABLE {table}")

    async def put_back(self) -> Dict[str, Any]:
        """What had changed."""
        changed = changes(self.first, await all_rows(self.owner, self.query))
        async with self.owner.transaction():
            await self.owner.execute("SET LOCAL session_replication_role = replica")
            for table in changed:
                await self.owner.execute(f"DELETE FROM {table}")
                if any(table == other for other, _ in self.first):
                    await self.owner.execute(
                        f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {kept(table)}"
                    )
        return changed


async def asked(dsn: str, query: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(query)
    finally:
        await conn.close()


def kept(table: str) -> str:
    return "kept_" + table.replace(".", "_")


async def run(root: Path, dsn: str, owner_dsn: str) -> Dict[str, Any]:
    """{function: {"answer": …, "rows": …}}"""
    await asked(owner_dsn, (root / SCHEMA).read_text(encoding="utf-8"))
    app = App(dsn)
    await app.start()
    results: Dict[str, Any] = {}
    try:
        async with asyncpg.create_pool(owner_dsn, min_size=1, max_size=1) as pool, pool.acquire() as owner:
            rows = Rows(owner)
            await rows.keep()
            for name in modules(root):
                for function in functions(importlib.import_module(name)):
                    answer = await outcome(function)
                    key = f"{name}.{function.__name__}"
                    results[key] = {"answer": answer, "rows": await rows.put_back()}
    finally:
        await app.stop()
    return results
