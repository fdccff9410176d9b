"""Asks the module that `connmod init --scaffold` writes what it promises. Each promise is a function; its name says what must hold.

    scaffold.py ADDRESS MODULE

ADDRESS is that of a server where databases and roles may be created, MODULE the path of the module.
"""
from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys
import traceback
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, AsyncIterator, Awaitable, Callable, List
from uuid import UUID, uuid4

import asyncpg

from stage import within

# Users are text here: whatever a caller passes as one is a user that a row could belong to.
SCHEMA = """
CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, text text NOT NULL);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (owner = current_setting('app.user_id', true));
CREATE TABLE currencies (code text PRIMARY KEY, label text NOT NULL);
INSERT INTO notes VALUES (1, 'a', 'of a'), (2, 'b', 'of b'), (3, 'b', 'of b too');
CREATE TABLE lots (owner uuid NOT NULL);
ALTER TABLE lots ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON lots USING (owner = current_setting('app.user_id', true)::uuid);
INSERT INTO lots VALUES ('{lots}');
CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO currencies VALUES ('EUR', 'Euro'), ('USD', 'Dollar');
GRANT ALL ON notes, currencies, lots, late TO {role};
"""

LOTS = UUID(int=10)
USER = "SELECT current_setting('app.user_id', true)"
OWNERS = "SELECT DISTINCT owner FROM notes ORDER BY 1"

Promise = Callable[[ModuleType, str], Awaitable[None]]
PROMISES: List[Promise] = []


def promise(function: Promise) -> Promise:
    """Marks a function that is given the module, freshly loaded, and the address of a database."""
    PROMISES.append(function)
    return function


@asynccontextmanager
async def opened(module: ModuleType, dsn: str, size: int = 1) -> AsyncIterator[asyncpg.Pool]:
    """The module with its pool open. With one connection, the next borrower has that of the last one."""
    pool = await module.init_db_pool(dsn, max_size=size)
    try:
        yield pool
    finally:
        await module.close_db_pool()


async def refusal(awaitable: Awaitable[Any]) -> Exception:
    try:
        await awaitable
    except Exception as error:
        return error
    raise AssertionError("no error")


async def owners_for(module: ModuleType, user: Any) -> List[str]:
    async with module.get_db_connection_with_rls(user) as conn:
        return [row["owner"] for row in await conn.fetch(OWNERS)]


async def owners_without_a_user(module: ModuleType) -> List[str]:
    return [row["owner"] for row in await module.execute_query(OWNERS)]


@promise
async def a_user_sees_their_own_rows_and_nobody_elses(module: ModuleType, dsn: str) -> None:
    async with opened(module, dsn):
        assert await owners_for(module, "a") == ["a"]
        assert await owners_for(module, "b") == ["b"]
        assert await owners_for(module, UUID(int=1)) == []
        assert await owners_for(module, 7) == []
        assert await owners_without_a_user(module) == []


@promise
async def no_user_id_becomes_sql(module: ModuleType, dsn: str) -> None:
    async with opened(module, dsn):
        for text in (
            "'; DROP TABLE notes; --",
            "' OR '1'='1",
            "a', true); SELECT set_config('app.user_id', 'b",
            "a'); RESET ROLE; --",
            "\\'; SELECT 1; --",
            "$1",
            "$$b$$",
            "%s {0} b",
            "b\n; DROP TABLE notes",
            '"b"',
            "b--",
            " b",
            "ü☂",
        ):
            async with module.get_db_connection_with_rls(text) as conn:
                assert await conn.fetchval(USER) == text, text
                assert await conn.fetch(OWNERS) == [], text
        assert isinstance(await refusal(owners_for(module, "b\0")), asyncpg.PostgresError)
        assert isinstance(await refusal(owners_for(module, "\ud800")), (asyncpg.DataError, UnicodeEncodeError))
        assert await owners_for(module, "b" * 1_000_000) == []
        assert await owners_for(module, "b") == ["b"]


@promise
async def where_a_user_is_a_uuid_anything_else_is_an_error_and_no_row(module: ModuleType, dsn: str) -> None:
    async def lots(user: Any) -> int:
        async with module.get_db_connection_with_rls(user) as conn:
            return len(await conn.fetch("SELECT * FROM lots"))

    async with opened(module, dsn):
        for user in (LOTS, str(LOTS), str(LOTS).upper(), f"{{{LOTS}}}"):
            assert await lots(user) == 1, user
        assert await lots(UUID(int=11)) == 0
        for text in (f"{LOTS}'", f"{LOTS}' OR true --", f"{LOTS};", "None", "0", f"{LOTS}\n", f"{LOTS} OR true"):
            error = await refusal(lots(text))
            assert isinstance(error, asyncpg.InvalidTextRepresentationError), (text, error)
        assert isinstance(await refusal(lots(f"{LOTS}\0")), asyncpg.CharacterNotInRepertoireError)
        assert await lots(LOTS) == 1


@promise
async def no_user_is_refused_before_a_connection_is_borrowed(module: ModuleType, dsn: str) -> None:
    for nobody in (None, "", "  ", "\t\n"):
        # There is no pool yet; asking for it would be another error.
        assert isinstance(await refusal(owners_for(module, nobody)), ValueError), repr(nobody)


@promise
async def the_next_borrower_does_not_inherit_the_user(module: ModuleType, dsn: str) -> None:
    async def fails() -> None:
        async with module.get_db_connection_with_rls("b") as conn:
            await conn.execute("SELECT 1 / 0")

    async def is_cancelled() -> None:
        async with module.get_db_connection_with_rls("b"):
            asyncio.current_task().cancel()
            await asyncio.sleep(1)

    async def is_cancelled_while_asking() -> None:
        async with module.get_db_connection_with_rls("b") as conn:
            asyncio.get_running_loop().call_later(0.05, asyncio.current_task().cancel)
            await conn.fetch("SELECT pg_sleep(5)")

    async def waits_too_long() -> None:
        async with module.get_db_connection_with_rls("b") as conn:
            await conn.fetch("SELECT pg_sleep(5)", timeout=0.05)

    async def is_waited_for_too_long() -> None:
        async def asks() -> None:
            async with module.get_db_connection_with_rls("b") as conn:
                await conn.fetch("SELECT pg_sleep(5)")

        await asyncio.wait_for(asks(), 0.05)

    async def sets_it_for_longer() -> None:
        async with module.get_db_connection_with_rls("a") as conn:
            await conn.execute("SELECT set_config('app.user_id', 'b', false)")

    async def is_left_early() -> None:
        async def rows() -> AsyncIterator[int]:
            async with module.get_db_connection_with_rls("b") as conn:
                for row in await conn.fetch("SELECT id FROM notes"):
                    yield row["id"]

        generator = rows()
        await anext(generator)
        await generator.aclose()

    async with opened(module, dsn) as pool:
        backend = await pool.fetchval("SELECT pg_backend_pid()")
        ways = (fails, is_cancelled, is_cancelled_while_asking, waits_too_long, is_waited_for_too_long, sets_it_for_longer, is_left_early)
        for way in (partial(owners_for, module, "b"), *ways):
            await asyncio.gather(way(), return_exceptions=True)
            async with module.get_db_connection() as conn:
                assert await conn.fetchval("SELECT pg_backend_pid()") == backend
                assert not await conn.fetchval(USER)
                assert not conn.is_in_transaction()
            assert not await module.execute_query_value(USER)
            assert await owners_without_a_user(module) == []
            assert await owners_for(module, "a") == ["a"]


@promise
async def no_connection_is_lost_whenever_the_borrower_is_cancelled(module: ModuleType, dsn: str) -> None:
    async def write() -> None:
        async with module.get_db_connection_with_rls("c") as conn:
            await conn.execute("INSERT INTO notes VALUES (30, 'c', 'left over')")
            await conn.execute("DELETE FROM notes WHERE id = 30")
            await asyncio.sleep(0)

    works = (
        write,
        partial(owners_for, module, "b"),
        partial(module.execute_query, "SELECT 1"),
        partial(module.execute_many, "SELECT $1::int", [(1,), (2,)]),
    )
    async with opened(module, dsn) as pool:
        for work in works:
            # How far it comes before it is cancelled: from not at all to the end.
            for turns in range(40):
                task = asyncio.create_task(work())
                for _ in range(turns):
                    await asyncio.sleep(0.0002 if turns % 2 else 0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert await asyncio.wait_for(module.execute_query_value("SELECT 1"), 2) == 1
            assert pool.get_size() - pool.get_idle_size() == 0
            assert not await module.execute_query_value(USER)
        assert await owners_for(module, "c") == []
        assert await asyncio.wait_for(owners_for(module, "b"), 2) == ["b"]


@promise
async def whoever_waits_for_a_connection_in_vain_takes_none(module: ModuleType, dsn: str) -> None:
    async with opened(module, dsn) as pool:
        async with module.get_db_connection():
            for work in (partial(owners_for, module, "b"), partial(module.execute_query, "SELECT 1")):
                found = await asyncio.gather(*(asyncio.wait_for(work(), 0.05) for _ in range(20)), return_exceptions=True)
                assert all(isinstance(each, (asyncio.TimeoutError, TimeoutError)) for each in found), found
        assert await asyncio.wait_for(owners_for(module, "b"), 2) == ["b"]
        assert pool.get_idle_size() == pool.get_size()


@promise
async def a_connection_that_the_server_ends_is_an_error_and_is_replaced(module: ModuleType, dsn: str) -> None:
    async def ended() -> None:
        async with module.get_db_connection_with_rls("b") as conn:
            await conn.execute("INSERT INTO notes VALUES (40, 'b', 'never there')")
            await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    async with opened(module, dsn):
        assert isinstance(await refusal(ended()), (asyncpg.PostgresError, asyncpg.InterfaceError, OSError))
        assert await asyncio.wait_for(owners_for(module, "b"), 2) == ["b"]
        assert await module.execute_query_value("SELECT count(*) FROM notes WHERE id = 40") == 0


@promise
async def a_helper_within_the_scope_has_no_user(module: ModuleType, dsn: str) -> None:
    async with opened(module, dsn, size=2):
        async with module.get_db_connection_with_rls("b") as conn:
            assert await owners_without_a_user(module) == []
            assert await conn.fetchval(USER) == "b"


@promise
async def many_at_once_never_meet(module: ModuleType, dsn: str) -> None:
    async def ask(user: str) -> bool:
        async with module.get_db_connection_with_rls(user) as conn:
            first = await conn.fetch(OWNERS)
            await asyncio.sleep(0)
            return [row["owner"] for row in [*first, *await conn.fetch(OWNERS)]] == [user, user]

    async with opened(module, dsn, size=3):
        assert all(await asyncio.gather(*(ask("ab"[n % 2]) for n in range(60))))


@promise
async def an_error_undoes_everything_and_a_success_keeps_it(module: ModuleType, dsn: str) -> None:
    async def write(error: BaseException | None) -> None:
        async with module.get_db_connection_with_rls("c") as conn:
            await conn.execute("INSERT INTO notes VALUES (10, 'c', 'first')")
            await conn.execute("INSERT INTO notes VALUES (11, 'c', 'second')")
            if error:
                raise error

    async with opened(module, dsn):
        for error in (ValueError("no"), asyncio.CancelledError(), KeyError()):
            await asyncio.gather(write(error), return_exceptions=True)
            assert await owners_for(module, "c") == []
        await write(None)
        assert await owners_for(module, "c") == ["c"]
        error = await refusal(write(None))
        assert isinstance(error, asyncpg.UniqueViolationError), error


@promise
async def an_error_at_the_commit_is_raised_and_undoes_everything(module: ModuleType, dsn: str) -> None:
    async def write() -> None:
        async with module.get_db_connection_with_rls("c") as conn:
            await conn.execute("INSERT INTO notes VALUES (50, 'c', 'with it')")
            await conn.execute("INSERT INTO late VALUES (1), (1)")

    async with opened(module, dsn):
        assert isinstance(await refusal(write()), asyncpg.UniqueViolationError)
        assert await owners_for(module, "c") == []
        assert await module.execute_query_value("SELECT count(*) FROM late") == 0


@promise
async def rows_of_somebody_else_cannot_be_written(module: ModuleType, dsn: str) -> None:
    async with opened(module, dsn):
        async with module.get_db_connection_with_rls("a") as conn:
            assert await conn.execute("UPDATE notes SET text = '' WHERE owner = 'b'") == "UPDATE 0"
            error = await refusal(conn.execute("INSERT INTO notes VALUES (20, 'b', 'not by b')"))
            assert isinstance(error, asyncpg.InsufficientPrivilegeError), error


@promise
async def fifty_first_callers_open_one_pool(module: ModuleType, dsn: str) -> None:
    opened_pools = 0
    create_pool = asyncpg.create_pool

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal opened_pools
        opened_pools += 1
        return create_pool(*arguments, **options)

    asyncpg.create_pool = counted
    try:
        pools = await asyncio.gather(*(module.init_db_pool(dsn) for _ in range(50)))
    finally:
        asyncpg.create_pool = create_pool
    assert opened_pools == 1
    assert {id(pool) for pool in pools} == {id(module.get_db_pool())}
    assert await connections(dsn) == 1
    await module.close_db_pool()
    assert await connections(dsn) == 0


async def connections(dsn: str) -> int:
    """Of this role to this database, besides the one that asks."""
    conn = await asyncpg.connect(dsn)
    try:
        # The server needs a moment to see that a client is gone.
        for _ in range(100):
            count = await conn.fetchval(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
            )
            if count <= 1:
                break
            await asyncio.sleep(0.02)
        return count
    finally:
        await conn.close()


@promise
async def an_opening_that_failed_or_was_cancelled_can_be_done_again(module: ModuleType, dsn: str) -> None:
    assert isinstance(await refusal(module.init_db_pool(dsn + "&port=1")), OSError)
    for turns in range(12):
        task = asyncio.create_task(module.init_db_pool(dsn))
        for _ in range(turns):
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await module.close_db_pool()
    async with opened(module, dsn):
        assert await owners_for(module, "b") == ["b"]


@promise
async def it_is_closed_once_and_can_be_opened_again(module: ModuleType, dsn: str) -> None:
    await module.close_db_pool()
    pool = await module.init_db_pool(dsn)
    closed = 0

    class Watched:
        async def close(self) -> None:
            nonlocal closed
            closed += 1
            await pool.close()

    module._pool = Watched()
    await asyncio.gather(*(module.close_db_pool() for _ in range(3)))
    assert closed == 1
    for work in (module.execute_query("SELECT 1"), module.execute_many("SELECT 1", []), owners_for(module, "b")):
        error = await refusal(work)
        assert isinstance(error, RuntimeError) and "init_db_pool()" in str(error), error
    async with opened(module, dsn):
        assert await module.execute_query_value("SELECT 1") == 1


@promise
async def a_new_event_loop_has_a_new_pool(module: ModuleType, dsn: str) -> None:
    async def ask() -> List[str]:
        # More than one at once, so that somebody waits for the lock.
        await asyncio.gather(*(module.init_db_pool(dsn) for _ in range(5)))
        return await owners_for(module, "b")

    async def ask_and_close() -> List[str]:
        try:
            return await ask()
        finally:
            await asyncio.gather(*(module.close_db_pool() for _ in range(5)))

    async def ask_without_opening() -> Exception:
        return await refusal(owners_for(module, "b"))

    def one_after_the_other() -> None:
        for _ in range(2):
            assert asyncio.run(ask_and_close()) == ["b"]
        # As test suites and scripts do that never close it.
        for _ in range(2):
            assert asyncio.run(ask()) == ["b"]
            error = asyncio.run(ask_without_opening())
            assert isinstance(error, RuntimeError) and "init_db_pool()" in str(error), error
        asyncio.run(module.close_db_pool())

    await asyncio.to_thread(one_after_the_other)


@promise
async def a_pool_is_not_taken_from_an_event_loop_that_runs(module: ModuleType, dsn: str) -> None:
    def elsewhere(work: Callable[[], Awaitable[Any]]) -> Exception:
        return asyncio.run(refusal(work()))

    async with opened(module, dsn) as pool:
        for work in (partial(module.init_db_pool, dsn), partial(owners_for, module, "b"), module.close_db_pool):
            error = await asyncio.to_thread(elsewhere, work)
            assert isinstance(error, RuntimeError) and "another event loop" in str(error), error
        assert module.get_db_pool() is pool
        assert await owners_for(module, "b") == ["b"]


@promise
async def closing_does_not_wait_for_ever(module: ModuleType, dsn: str) -> None:
    pool = await module.init_db_pool(dsn)
    async with pool.acquire() as conn:

        async def ask() -> None:
            await conn.fetchval("SELECT 1")

        await asyncio.wait_for(module.close_db_pool(timeout=0.2), 5)
        assert isinstance(await refusal(ask()), asyncpg.InterfaceError)


@promise
async def helpers_answer_as_the_connection_does(module: ModuleType, dsn: str) -> None:
    async with opened(module, dsn):
        rows = await module.execute_query("SELECT code FROM currencies WHERE code < $1 ORDER BY 1", "V")
        assert [row["code"] for row in rows] == ["EUR", "USD"]
        row = await module.execute_query_one("SELECT code, label FROM currencies WHERE code = $1", "EUR")
        assert dict(row) == {"code": "EUR", "label": "Euro"}
        assert await module.execute_query_one("SELECT 1 WHERE false") is None
        assert await module.execute_query_value("SELECT label FROM currencies WHERE code = $1", "USD") == "Dollar"
        assert await module.execute_query_value("SELECT 1 WHERE false") is None
        assert await module.execute_statement("UPDATE currencies SET label = label") == "UPDATE 2"
        error = await refusal(module.execute_query("SELECT pg_sleep(5)", timeout=0.1))
        assert isinstance(error, asyncio.TimeoutError), error
        insert = "INSERT INTO currencies VALUES ($1, $2)"
        await refusal(module.execute_many(insert, [("CHF", "Franc"), ("EUR", "again")]))
        assert await module.execute_query_value("SELECT count(*) FROM currencies") == 2
        await module.execute_many(insert, [("CHF", "Franc"), ("SEK", "Krona")])
        assert await module.execute_query_value("SELECT count(*) FROM currencies") == 4


@promise
async def the_plain_scope_keeps_one_connection_and_no_transaction(module: ModuleType, dsn: str) -> None:
    async with opened(module, dsn, size=2):
        async with module.get_db_connection() as conn:
            assert not conn.is_in_transaction()
            await conn.execute("CREATE TEMPORARY TABLE mine (n int)")
            assert await conn.fetchval("SELECT count(*) FROM mine") == 0


@promise
async def health_is_an_answer_and_no_error(module: ModuleType, dsn: str) -> None:
    assert (await module.check_db_health())["status"] == "unhealthy"
    async with opened(module, dsn) as pool:
        assert (await module.check_db_health())["status"] == "healthy"
        async with pool.acquire():
            assert (await module.check_db_health(timeout=0.1))["status"] == "unhealthy"
        assert (await module.check_db_health())["in_use"] == 0


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("scaffold_under_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def kept(check: Promise, server: asyncpg.Connection, address: str, name: str, path: Path) -> bool:
    """Whether the promise holds, on a database of its own."""
    await server.execute(f"CREATE DATABASE {name}_1 TEMPLATE {name}")
    try:
        await asyncio.wait_for(check(loaded(path), within(address, f"{name}_1", name)), 20)
        print("holds:", check.__name__)
        return True
    except Exception:
        print("FAILS:", check.__name__)
        traceback.print_exc()
        return False
    finally:
        await server.execute(f"DROP DATABASE {name}_1 WITH (FORCE)")


async def main(address: str, path: Path) -> int:
    name = f"connmod_scaffold_{uuid4().hex[:8]}"
    server = await asyncpg.connect(address)
    await server.execute(f"CREATE ROLE {name} LOGIN")
    await server.execute(f"CREATE DATABASE {name}")
    try:
        owner = await asyncpg.connect(within(address, name))
        await owner.execute(SCHEMA.format(role=name, lots=LOTS))
        await owner.close()
        results = [await kept(check, server, address, name, path) for check in PROMISES]
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.execute(f"DROP ROLE {name}")
        await server.close()
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    logging.disable(logging.CRITICAL)
    sys.exit(asyncio.run(main(sys.argv[1], Path(sys.argv[2]))))
