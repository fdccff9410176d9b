"""Calls every function of an application, each with the same rows in the tables, and prints what it does.

    calls.py ADDRESS ROOT [NAME ...]

ADDRESS is that of a server where databases may be created, ROOT the folder of the application. With names of functions or
modules, only these are called. What is printed is, for each function and each choice of its arguments: what it gives or how it fails, the rows that are
in the tables then, and how many transactions are open still.
"""
from __future__ import annotations

import asyncio
import importlib
import inspect
import itertools
import json
import os
import pkgutil
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Tuple
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute

HERE = Path(__file__).resolve().parent

#: What a parameter of each name is given.
VALUES: Dict[str, List[Any]] = {
    "key": [1, 2, 99],
    "name": ["gamma", "alpha"],
    "status": ["new", "none"],
    "dry": [False, True],
    "names": [["x", "skipped", "y"], ["x", "alpha", "y"], ["x", "y", "skipped"]],
}

#: Longer than any call takes; one that takes longer waits for a lock that nobody gives back.
PATIENCE = 10

ROWS = """
    SELECT json_build_object(
        'domains', (SELECT coalesce(json_agg(d ORDER BY id), '[]') FROM domains d),
        'tags', (SELECT coalesce(json_agg(t ORDER BY id), '[]') FROM tags t))
"""
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
OPEN = f"SELECT count(*) {OTHERS} AND state LIKE 'idle in transaction%'"
END = f"SELECT count(pg_terminate_backend(pid)) {OTHERS}"

Call = Callable[..., Any]


def within(address: str, database: str) -> str:
    """The address of a database on the same server."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/{database}?{parts.query}"


def modules(package: str) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        yield importlib.import_module(found.name)


def tasks() -> Iterator[Tuple[str, str, Call]]:
    for module in modules("app.tasks"):
        for name, function in vars(module).items():
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                # One that is given anything else is a part of another.
                if all(parameter in VALUES for parameter in inspect.signature(function).parameters):
                    yield module.__name__, name, function


def routes(client: httpx.AsyncClient, application: FastAPI) -> Iterator[Tuple[str, str, Call]]:
    for module in modules("app.routers"):
        application.include_router(module.router)
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                yield module.__name__, route.name, asked(client, route)


def asked(client: httpx.AsyncClient, route: APIRoute) -> Call:
    """A function that asks for a route, with the parameters of the route."""

    async def ask(**arguments: Any) -> Any:
        response = await client.request(next(iter(route.methods)), route.path, params=arguments)
        is_json = response.headers.get("content-type") == "application/json"
        return {"status": response.status_code, "body": response.json() if is_json else response.text}

    parameters = inspect.signature(route.endpoint).parameters.values()
    ask.__signature__ = inspect.Signature([each for each in parameters if each.name in VALUES])
    return ask


def choices(function: Call) -> Iterator[Dict[str, Any]]:
    names = list(inspect.signature(function).parameters)
    for values in itertools.product(*(VALUES[name] for name in names)):
        yield dict(zip(names, values))


async def given(function: Call, arguments: Dict[str, Any]) -> Any:
    result = function(**arguments)
    if inspect.isawaitable(result):
        result = await result
    if hasattr(result, "__aiter__"):
        result = [each async for each in result]
    return plain(result)


def plain(value: Any) -> Any:
    """What a caller can read of it."""
    from app.models import Base

    if isinstance(value, Base):
        columns = type(value).__mapper__.columns.keys()
        return {type(value).__name__: {name: plain(getattr(value, name)) for name in columns}}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)) or inspect.isgenerator(value):
        return [plain(each) for each in value]
    is_simple = value is None or isinstance(value, (bool, int, float, str))
    return value if is_simple else type(value).__name__


class Stage:
    """A database with the tables, and the application in it."""

    def __init__(self, owner: asyncpg.Connection, engine: Any) -> None:
        self.owner = owner
        self.engine = engine
        self.seed = (HERE / "seed.sql").read_text(encoding="utf-8")

    async def call(self, function: Call, arguments: Dict[str, Any]) -> Dict[str, Any]:
        await self.owner.execute(self.seed)
        found: Dict[str, Any] = {}
        try:
            found["gives"] = await asyncio.wait_for(given(function, arguments), PATIENCE)
        except Exception as error:
            found["raises"] = type(error).__name__
        found["rows"] = json.loads(await self.owner.fetchval(ROWS))
        found["open"] = await self.owner.fetchval(OPEN)
        if found["open"]:
            # What is left open must not disturb the next call.
            await self.owner.fetchval(END)
            disposed = self.engine.dispose()
            if inspect.isawaitable(disposed):
                await disposed
        return found

    async def lose_connections(self) -> None:
        await self.owner.fetchval(END)


async def answers(owner: asyncpg.Connection, wanted: List[str]) -> Dict[str, Any]:
    from app import outside, session

    stage = Stage(owner, session.engine)
    outside.wait = stage.lose_connections
    application = FastAPI()
    found = {}
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        functions = [*tasks(), *routes(client, application)]
        names = [name for _, name, _ in functions]
        assert len(set(names)) == len(names), "two functions of one name"
        for module, name, function in functions:
            if not wanted or name in wanted or module in wanted:
                calls = [(arguments, await stage.call(function, arguments)) for arguments in choices(function)]
                found[name] = {json.dumps(arguments): answer for arguments, answer in calls}
    return found


async def main(address: str, root: str, wanted: List[str]) -> None:
    name = f"connmod_sessions_{uuid4().hex[:8]}"
    server = await asyncpg.connect(address)
    await server.execute(f"CREATE DATABASE {name}")
    # A call that would wait for itself fails instead.
    await server.execute(f"ALTER DATABASE {name} SET lock_timeout = '1s'")
    try:
        owner = await asyncpg.connect(within(address, name))
        await owner.execute((HERE / "schema.sql").read_text(encoding="utf-8"))
        os.environ["APP_DATABASE_URL"] = within(address, name)
        sys.path.insert(0, root)
        print(json.dumps(await answers(owner, wanted), indent=1))
        await owner.close()
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    # Sessions that are left open are told of when they are collected, which is what some functions are for.
    warnings.simplefilter("ignore")
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
