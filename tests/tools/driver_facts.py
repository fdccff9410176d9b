"""Asks asyncpg and PostgreSQL what the rules of rewriting take for granted. Each fact is a function; its name says what must hold.

The only argument is the address of a server where databases and roles may be created.
"""

import asyncio
import datetime
import os
import sys
import traceback
import uuid

import asyncpg

ALICE, BOB = uuid.UUID(int=1), uuid.UUID(int=2)

SCHEMA = """
CREATE TABLE lots (id int PRIMARY KEY, user_id uuid NOT NULL, opened date);
CREATE TABLE prices (id int PRIMARY KEY, value int);
CREATE TABLE notices (id int PRIMARY KEY);
INSERT INTO lots VALUES (1, '{alice}', '2020-01-01'), (2, '{bob}', '2020-01-02');
INSERT INTO prices VALUES (1, 10), (2, 20);
INSERT INTO notices VALUES (1);
ALTER TABLE lots ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON lots USING (user_id = current_setting('app.user_id', true)::uuid);
CREATE POLICY everybody ON notices FOR SELECT USING (true);
GRANT ALL ON lots, prices, notices TO {role};
GRANT CREATE ON SCHEMA public TO {role};
"""


FACTS = []


def fact(function):
    """Marks a function that is given a pool of one connection and fails when the fact does not hold."""
    FACTS.append(function)
    return function


async def set_user(connection, user):
    await connection.execute("SELECT set_config('app.user_id', $1, true)", str(user))


async def rows_of(pool, query, *arguments):
    """A helper call: its own connection, no user."""
    async with pool.acquire() as connection:
        return await connection.fetch(query, *arguments)


async def refusal(awaitable):
    """The error that PostgreSQL or the driver answers with."""
    try:
        await awaitable
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return error
    raise AssertionError("no error")


@fact
async def without_a_user_a_protected_table_shows_no_rows(pool):
    assert await rows_of(pool, "SELECT * FROM lots") == []


@fact
async def with_a_user_it_shows_the_rows_of_that_user_until_the_transaction_ends(pool):
    async with pool.acquire() as connection:
        async with connection.transaction():
            await set_user(connection, ALICE)
            assert [row["id"] for row in await connection.fetch("SELECT id FROM lots")] == [1]
        assert await connection.fetchval("SELECT current_setting('app.user_id', true)") == ""


@fact
async def after_a_block_with_a_user_the_same_connection_fails_without_one(pool):
    async with pool.acquire() as connection, connection.transaction():
        await set_user(connection, ALICE)
    error = await refusal(rows_of(pool, "SELECT * FROM lots"))
    assert 'invalid input syntax for type uuid: ""' in str(error), error


@fact
async def a_user_that_is_none_becomes_a_text_that_is_no_user(pool):
    async with pool.acquire() as connection, connection.transaction():
        await set_user(connection, None)
        error = await refusal(connection.fetch("SELECT * FROM lots"))
    assert 'invalid input syntax for type uuid: "None"' in str(error), error


@fact
async def a_policy_that_is_true_needs_no_user(pool):
    assert len(await rows_of(pool, "SELECT * FROM notices")) == 1


@fact
async def a_policy_for_select_lets_nobody_write(pool):
    error = await refusal(rows_of(pool, "INSERT INTO notices VALUES (2)"))
    assert "row-level security" in str(error), error


@fact
async def an_error_aborts_the_rest_of_a_transaction_but_not_of_a_plain_block(pool):
    async with pool.acquire() as connection:
        await refusal(connection.execute("INSERT INTO prices VALUES (1, 1)"))
        assert await connection.fetchval("SELECT 1") == 1
        transaction = connection.transaction()
        await transaction.start()
        await refusal(connection.execute("INSERT INTO prices VALUES (1, 1)"))
        error = await refusal(connection.fetchval("SELECT 1"))
        await transaction.rollback()
    assert isinstance(error, asyncpg.InFailedSQLTransactionError), error


@fact
async def a_transaction_inside_a_transaction_is_a_savepoint(pool):
    async with pool.acquire() as connection, connection.transaction():
        try:
            async with connection.transaction():
                await connection.execute("INSERT INTO prices VALUES (1, 1)")
        except asyncpg.UniqueViolationError:
            pass
        assert await connection.fetchval("SELECT 1") == 1


@fact
async def some_statements_cannot_run_in_a_transaction(pool):
    for statement in ("VACUUM prices", "CREATE INDEX CONCURRENTLY by_value ON prices (value)"):
        async with pool.acquire() as connection, connection.transaction():
            error = await refusal(connection.execute(statement))
        assert "cannot run inside a transaction block" in str(error), error


@fact
async def a_session_setting_ends_when_the_connection_goes_back(pool):
    async with pool.acquire() as connection:
        await connection.execute("SET app.note = 'x'")
        assert await connection.fetchval("SELECT current_setting('app.note', true)") == "x"
    rows = await rows_of(pool, "SELECT current_setting('app.note', true) AS note")
    assert rows[0]["note"] in (None, ""), rows


@fact
async def a_local_setting_outside_of_a_transaction_does_nothing(pool):
    async with pool.acquire() as connection:
        await connection.execute("SET LOCAL work_mem = '77MB'")
        assert await connection.fetchval("SHOW work_mem") != "77MB"


@fact
async def a_session_lock_ends_when_the_connection_goes_back(pool):
    held = "SELECT count(*) AS held FROM pg_locks WHERE locktype = 'advisory'"
    async with pool.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock(7)")
        assert await connection.fetchval(held) == 1
    assert (await rows_of(pool, held))[0]["held"] == 0


@fact
async def listening_ends_when_the_connection_goes_back(pool):
    async with pool.acquire() as connection:
        await connection.execute("LISTEN news")
    assert await rows_of(pool, "SELECT * FROM pg_listening_channels()") == []


@fact
async def a_second_connection_of_a_pool_of_one_waits_for_ever(pool):
    async with pool.acquire():
        try:
            async with pool.acquire(timeout=0.2):
                raise AssertionError("a second connection")
        except (asyncio.TimeoutError, TimeoutError):
            pass


@fact
async def execute_takes_several_statements_only_without_arguments(pool):
    async with pool.acquire() as connection:
        await connection.execute("SELECT 1; SELECT 2")
        error = await refusal(connection.execute("SELECT $1::int; SELECT 2", 1))
    assert "multiple commands" in str(error), error


@fact
async def arguments_are_checked_for_their_type(pool):
    query = "SELECT id FROM prices WHERE $1::date IS NOT NULL"
    error = await refusal(rows_of(pool, query, "2020-01-01"))
    assert isinstance(error, asyncpg.DataError), error
    assert await rows_of(pool, query, datetime.date(2020, 1, 1))


@fact
async def writes_in_one_transaction_go_together(pool):
    async def both(connection):
        await connection.execute("INSERT INTO prices VALUES (8, 1)")
        await connection.execute("INSERT INTO prices VALUES (1, 1)")

    count = "SELECT id FROM prices WHERE id = 8"
    async with pool.acquire() as connection:
        try:
            async with connection.transaction():
                await both(connection)
        except asyncpg.UniqueViolationError:
            pass
        assert await connection.fetch(count) == []
        await refusal(both(connection))
        assert len(await connection.fetch(count)) == 1
        await connection.execute("DELETE FROM prices WHERE id = 8")


async def ask(address):
    name = f"connmod_facts_{os.getpid()}"
    server = await asyncpg.connect(address)
    await server.execute(f"CREATE ROLE {name} LOGIN")
    await server.execute(f"CREATE DATABASE {name}")
    failed = 0
    try:
        owner = await asyncpg.connect(address, database=name)
        await owner.execute(SCHEMA.format(alice=ALICE, bob=BOB, role=name))
        await owner.close()
        for check in FACTS:
            async with asyncpg.create_pool(address, user=name, database=name, min_size=1, max_size=1) as pool:
                try:
                    await asyncio.wait_for(check(pool), 20)
                    print("holds:", check.__name__)
                except Exception:
                    failed += 1
                    print("FAILS:", check.__name__)
                    traceback.print_exc()
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.execute(f"DROP ROLE {name}")
        await server.close()
    return failed


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(ask(sys.argv[1])) else 0)
