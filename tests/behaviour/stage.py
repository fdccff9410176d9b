"""Gives each run of the scenarios a database of its own, on a server where databases and roles may be created.

    stage.py ADDRESS prepare NAME APP_ROOT       makes the database NAME that the others are copied from
    stage.py ADDRESS answers NAME ROLE APP_ROOT  prints what the application answers to the scenarios, on a copy of it
    stage.py ADDRESS lines NAME ROLE APP_ROOT    prints which lines of the application they run
    stage.py ADDRESS probes NAME ROLE APP_ROOT   prints what the functions of the probe modules do there
    stage.py ADDRESS drop NAME

ROLE is `bound`, the application's own role, which the policies bind, or `bypassing`, the superuser of ADDRESS.
"""
from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, Dict
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

import prepare
import probing
import scenarios
import tracing

Run = Callable[[Path, str, str], Awaitable[Dict[str, Any]]]

APPLICATION = "ledger_app"
# Several of these programs may run at once, and the role belongs to the whole server.
LOCK = 0x6C6564676572


def within(address: str, database: str, role: str | None = None) -> str:
    """The address of a database on the same server."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{f'{role}@{host}' if role else parts.netloc}/{database}?{parts.query}"


@asynccontextmanager
async def the_role(server: asyncpg.Connection) -> AsyncIterator[None]:
    """Nobody else makes or drops the application's role meanwhile."""
    await server.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        yield
    finally:
        await server.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def make(server: asyncpg.Connection, address: str, name: str, root: str) -> None:
    await server.execute(f"CREATE DATABASE {name}")
    async with the_role(server):
        await prepare.prepare(within(address, name), Path(root))


async def lines(root: Path, dsn: str, owner_dsn: str) -> Dict[str, Any]:
    with tracing.followed(root) as followed:
        await scenarios.run(dsn, owner_dsn)
    return followed.listed()


async def answers(run: Run, server: asyncpg.Connection, address: str, name: str, role: str, root: str) -> None:
    copy = f"{name}_{uuid4().hex[:8]}"
    await server.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
    try:
        owner = within(address, copy)
        dsn = within(address, copy, {"bound": APPLICATION, "bypassing": None}[role])
        scenarios.enter(Path(root), dsn)
        print(json.dumps(await run(Path(root), dsn, owner), indent=1, ensure_ascii=False))
    finally:
        await server.execute(f"DROP DATABASE {copy} WITH (FORCE)")


async def drop(server: asyncpg.Connection, address: str, name: str) -> None:
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    async with the_role(server):
        try:
            await server.execute(f"DROP ROLE IF EXISTS {APPLICATION}")
        except asyncpg.DependentObjectsStillExistError:
            pass  # Another stage is in use.


async def main(address: str, verb: str, *arguments: str) -> None:
    server = await asyncpg.connect(address)
    try:
        verbs = {
            "prepare": make,
            "answers": partial(answers, lambda _, dsn, owner: scenarios.run(dsn, owner)),
            "lines": partial(answers, lines),
            "probes": partial(answers, probing.run),
            "drop": drop,
        }
        await verbs[verb](server, address, *arguments)
    finally:
        await server.close()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    asyncio.run(main(*sys.argv[1:]))
