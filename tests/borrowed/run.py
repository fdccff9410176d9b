"""Calls the functions of the sample, each with a fresh pool of one connection, and prints what came of each call as JSON.

    run.py ADDRESS ROOT [FUNCTION or MODULE ...]

What came of it: the result or the exception, the rows that others see afterwards, and whether the pool or the service is one connection short.
"""

import asyncio
import contextlib
import gc
import importlib
import inspect
import json
import os
import sys
from urllib.parse import urlsplit
from uuid import uuid4

# The arguments of each call. A function that is not named here is called once, without any.
CALLS = {
    "add": [("one",), (None,)],
    "add_and_forget": [("one",)],
    "add_or_raise": [("one", False), ("one", True)],
    "add_twice": [("one",)],
    "refused": [("one",), (None,)],
    "refused_and_raised": [("one",), (None,)],
    "repaired": [("one",), (None,)],
    "retried": [(["a", "skip", None, "b"],), (["a", "stop", "b"],)],
    "early": [("known",), ("one",)],
    "committed_by_a_block": [("one",), (None,)],
    "through_lent": [("one",), ("bad",)],
    "passed": [("one",), (None,)],
    "nested": [(["one", "two"],), (["one", None],)],
    "one_after_the_other": [("one",)],
    "commits_by_itself": [("one",)],
    "in_a_coroutine": [("one",), (None,)],
    "direct": [("one",), (None,)],
    "direct_and_forget": [("one",)],
    "fails_between": [(False,), (True,)],
    "returns_between": [(False,), (True,)],
    "continues": [(None,), (1,)],
    "fails_before_the_try": [(False,), (True,)],
    "fails_in_the_finally": [(False,), (True,)],
    "cleans_up": [(False,), (True,)],
    "left_early": [(True,), (False,)],
    "direct_that_commits": [("one",)],
}
# Called by others only.
HELPERS = {"lent", "insert"}


def result(function, arguments):
    if inspect.iscoroutinefunction(function):
        return asyncio.run(function(*arguments))
    if not inspect.isgeneratorfunction(function):
        return function(*arguments)
    rows = function(*arguments)
    if arguments == (False,):
        first = next(rows)
        rows.close()
        return first
    return list(rows)


def is_short(lend, give_back):
    try:
        give_back(lend())
    except Exception:
        return True
    return False


def outcome(stage, module, name, arguments):
    stage.execute("DELETE FROM papers")
    stage.execute("DELETE FROM archive.papers")
    stage.execute("INSERT INTO papers (title) VALUES ('known')")
    pools = importlib.reload(sys.modules["app.pools"])
    module = importlib.reload(module)
    service = importlib.import_module("app.db.connection_service")
    service.close(0)
    service.configure(service.SimplePoolStrategy(os.environ["DATABASE_URL"], max_size=1, max_wait=0.0))
    found = {}
    try:
        found["result"] = repr(result(getattr(module, name), arguments))
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {str(error).splitlines()[:1]}"
    # A generator or an exception may hold the connection's name, not the connection.
    gc.collect()
    pool, shared = pools.pool, service.connection_service
    found["short"] = is_short(pool.getconn, pool.putconn) or is_short(shared.acquire_connection, shared.release_connection)
    with contextlib.suppress(Exception):
        pools.close()
    service.close(0)
    found["rows"] = [
        stage.execute(f"SELECT title FROM {table} ORDER BY title") for table in ("public.papers", "archive.papers")
    ]
    return found


class Stage:
    """A look from outside."""

    def __init__(self, address):
        self.conn = importlib.import_module("psycopg").connect(address, autocommit=True)

    def execute(self, statement):
        cur = self.conn.execute(statement)
        return [row[0] for row in cur.fetchall()] if cur.description else None


def main(address, root, wanted):
    sys.path.insert(0, root)
    parts = urlsplit(address)
    database = f"connmod_borrowed_{uuid4().hex[:8]}"
    server = Stage(address)
    server.execute(f"CREATE DATABASE {database}")
    os.environ["DATABASE_URL"] = f"{parts.scheme}://{parts.netloc}/{database}?{parts.query}"
    found = {}
    try:
        stage = Stage(os.environ["DATABASE_URL"])
        stage.execute("CREATE TABLE papers (title text NOT NULL)")
        stage.execute("CREATE SCHEMA archive")
        stage.execute("CREATE TABLE archive.papers (title text NOT NULL)")
        importlib.import_module("app.pools")
        for part in ("safe", "doubtful", "left"):
            module = importlib.import_module(f"app.{part}")
            for name, function in list(vars(module).items()):
                own = inspect.isfunction(function) and function.__module__ == module.__name__
                if not own or name in HELPERS or (wanted and name not in wanted and part not in wanted):
                    continue
                for arguments in CALLS.get(name, [()]):
                    found[f"{part}.{name}{arguments!r}"] = outcome(stage, module, name, arguments)
        stage.conn.close()
    finally:
        server.execute(f"DROP DATABASE {database} WITH (FORCE)")
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
