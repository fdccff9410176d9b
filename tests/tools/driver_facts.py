"""Asks asyncpg and PostgreSQL what the rules of rewriting take for granted. Each fact is a function; its name says what must hold.

The only argument is the address of a server where databases and roles may be created.
"""

import asyncio
import contextlib
import datetime
import functools
import inspect
import json
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
    """Marks a function that fails when the fact does not hold.

    It is given `pool`, of one connection; `connect`, which opens another one as the same role; `owner`, a connection of the superuser.
    """
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
async def a_policy_that_is_true_does_not_help_where_another_one_restricts(pool, owner):
    await owner.execute("CREATE POLICY nobody ON notices AS RESTRICTIVE FOR SELECT USING (false)")
    try:
        assert await rows_of(pool, "SELECT * FROM notices") == []
    finally:
        await owner.execute("DROP POLICY nobody ON notices")


@fact
async def without_any_policy_a_protected_table_shows_no_rows(pool, owner):
    await owner.execute("CREATE TABLE shut (id int); INSERT INTO shut VALUES (1); ALTER TABLE shut ENABLE ROW LEVEL SECURITY")
    await owner.execute(f"GRANT SELECT ON shut TO {await pool.fetchval('SELECT current_user')}")
    assert await rows_of(pool, "SELECT * FROM shut") == []


@fact
async def an_owner_sees_all_rows_unless_row_level_security_is_forced(pool):
    async with pool.acquire() as connection:
        await connection.execute("CREATE TABLE own AS SELECT 1 AS id; ALTER TABLE own ENABLE ROW LEVEL SECURITY")
        assert len(await connection.fetch("SELECT * FROM own")) == 1
        await connection.execute("ALTER TABLE own FORCE ROW LEVEL SECURITY")
        assert await connection.fetch("SELECT * FROM own") == []


@fact
async def a_role_that_bypasses_the_policies_sees_all_rows_even_then(pool, owner, connect):
    role = await pool.fetchval("SELECT current_user")
    await owner.execute("CREATE TABLE forced AS SELECT 1 AS id; ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    await owner.execute(f"GRANT SELECT ON forced TO {role}")
    assert await rows_of(pool, "SELECT * FROM forced") == []
    assert len(await owner.fetch("SELECT * FROM forced")) == 1
    await owner.execute(f"ALTER ROLE {role} BYPASSRLS")
    try:
        # A session that has planned the statement before keeps its plan.
        async with connect() as other:
            assert len(await other.fetch("SELECT * FROM forced")) == 1
    finally:
        await owner.execute(f"ALTER ROLE {role} NOBYPASSRLS")


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
async def a_transaction_of_another_level_inside_a_transaction_is_refused(pool):
    async with pool.acquire() as connection, connection.transaction():
        error = await refusal(connection.transaction(isolation="repeatable_read").start())
    assert isinstance(error, asyncpg.InterfaceError), error


@fact
async def begin_as_text_inside_a_transaction_does_nothing_and_commit_ends_it(pool):
    async with pool.acquire() as connection:
        with contextlib.suppress(asyncpg.PostgresError):
            async with connection.transaction():
                await set_user(connection, ALICE)
                await connection.execute("BEGIN")
                assert len(await connection.fetch("SELECT id FROM lots")) == 1
                await connection.execute("COMMIT")
                assert await connection.fetchval("SELECT current_setting('app.user_id', true)") == ""


@fact
async def a_connection_that_is_closed_or_given_back_cannot_end_its_transaction(pool):
    async def end(how):
        async with pool.acquire() as connection:
            async with connection.transaction():
                await connection.fetch("SELECT 1")
                await how(connection)

    async def terminate(connection):
        connection.terminate()

    for how in (lambda connection: connection.close(), terminate, pool.release):
        error = await refusal(end(how))
        assert isinstance(error, asyncpg.InterfaceError), error


@fact
async def a_reset_takes_an_open_transaction_back_without_a_word(pool):
    async with pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("CREATE TEMP TABLE written AS SELECT 1 AS a")
            await connection.reset()
        assert await connection.fetchval("SELECT to_regclass('pg_temp.written')") is None


@fact
async def reset_all_takes_the_user_of_the_transaction_away(pool):
    async with pool.acquire() as connection, connection.transaction():
        await set_user(connection, ALICE)
        assert len(await connection.fetch("SELECT id FROM lots")) == 1
        await connection.execute("RESET ALL")
        assert await connection.fetchval("SELECT current_setting('app.user_id', true)") == ""


@fact
async def a_block_that_commits_fails_inside_a_transaction(pool):
    commits = "DO $$ BEGIN PERFORM 1; COMMIT; END $$"
    async with pool.acquire() as connection:
        await connection.execute(commits)
        transaction = connection.transaction()
        await transaction.start()
        error = await refusal(connection.execute(commits))
        assert isinstance(error, asyncpg.InvalidTransactionTerminationError), error
        await transaction.rollback()


@fact
async def a_timeout_of_a_statement_aborts_its_transaction(pool):
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.fetchval("SELECT pg_sleep(5)", timeout=0.05)
        except (asyncio.TimeoutError, TimeoutError):
            pass
        error = await refusal(connection.fetchval("SELECT 1"))
        await transaction.rollback()
    assert isinstance(error, asyncpg.InFailedSQLTransactionError), error


@fact
async def a_generator_that_is_left_early_rolls_its_transaction_back(pool):
    async def written():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO prices VALUES (9, 1)")
            yield 1
            yield 2

    generator = written()
    assert await anext(generator) == 1
    await generator.aclose()
    assert await rows_of(pool, "SELECT id FROM prices WHERE id = 9") == []


@fact
async def time_stands_still_in_a_transaction(pool):
    times = "SELECT now(), current_timestamp, localtimestamp, transaction_timestamp()"
    async with pool.acquire() as connection:
        assert await connection.fetchrow(times) != await connection.fetchrow(times)
        async with connection.transaction():
            assert await connection.fetchrow(times) == await connection.fetchrow(times)


@fact
async def some_statements_cannot_run_in_a_transaction(pool):
    for statement in (
        "VACUUM prices",
        "CREATE INDEX CONCURRENTLY by_value ON prices (value)",
        "DROP INDEX CONCURRENTLY IF EXISTS by_value",
        "REINDEX TABLE CONCURRENTLY prices",
        "ALTER SYSTEM SET work_mem = '5MB'",
        "CREATE DATABASE another",
        "DROP DATABASE another",
        "DISCARD ALL",
    ):
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            error = await refusal(connection.execute(statement))
            await transaction.rollback()
        assert "cannot run inside a transaction block" in str(error), (statement, error)


@fact
async def a_session_setting_ends_when_the_connection_goes_back(pool):
    async with pool.acquire() as connection:
        await connection.execute("SET app.note = 'x'")
        assert await connection.fetchval("SELECT current_setting('app.note', true)") == "x"
    rows = await rows_of(pool, "SELECT current_setting('app.note', true) AS note")
    assert rows[0]["note"] in (None, ""), rows


@fact
async def a_role_that_was_set_stays_when_the_connection_goes_back(pool, owner):
    role = await pool.fetchval("SELECT current_user")
    await owner.execute(f"CREATE ROLE {role}_other; GRANT {role}_other TO {role}")
    try:
        await pool.execute(f"SET ROLE {role}_other")
        assert await pool.fetchval("SELECT current_user") == f"{role}_other"
        await pool.execute("RESET ROLE")
    finally:
        await owner.execute(f"DROP ROLE {role}_other")


@fact
async def a_local_setting_outside_of_a_transaction_does_nothing(pool):
    async with pool.acquire() as connection:
        await connection.execute("SET LOCAL work_mem = '77MB'")
        assert await connection.fetchval("SHOW work_mem") != "77MB"


@fact
async def a_local_setting_counts_until_the_transaction_ends(pool):
    async with pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("SET LOCAL work_mem = '77MB'")
            assert await connection.fetchval("SHOW work_mem") == "77MB"
        assert await connection.fetchval("SHOW work_mem") != "77MB"


@fact
async def a_temporary_table_is_there_for_its_session_only_and_stays_in_the_pool(pool, connect):
    table = "SELECT to_regclass('pg_temp.mine')::text AS name"
    async with pool.acquire() as connection:
        await connection.execute("CREATE TEMPORARY TABLE mine (n int)")
    assert (await rows_of(pool, table))[0]["name"] is not None
    async with connect() as other:
        assert await other.fetchval(table) is None


@fact
async def the_last_number_of_a_sequence_is_known_to_its_session_only(pool, connect):
    async with pool.acquire() as connection:
        await connection.execute("CREATE SEQUENCE numbers; SELECT nextval('numbers')")
        assert await connection.fetchval("SELECT lastval()") == await connection.fetchval("SELECT currval('numbers')") == 1
    async with connect() as other:
        for query in ("SELECT lastval()", "SELECT currval('numbers')"):
            assert "not yet defined in this session" in str(await refusal(other.fetchval(query)))


@fact
async def a_statement_prepared_by_text_is_known_to_its_session_only(pool, connect):
    async with pool.acquire() as connection:
        await connection.execute("PREPARE six AS SELECT 6")
        assert await connection.fetchval("EXECUTE six") == 6
    async with connect() as other:
        assert isinstance(await refusal(other.fetchval("EXECUTE six")), asyncpg.InvalidSQLStatementNameError)


@fact
async def a_cursor_declared_by_text_ends_when_the_connection_goes_back(pool):
    async with pool.acquire() as connection:
        await connection.execute("DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 3)")
        assert len(await connection.fetch("FETCH 1 FROM held")) == 1
    assert isinstance(await refusal(rows_of(pool, "FETCH 1 FROM held")), asyncpg.InvalidCursorNameError)


@fact
async def a_cursor_needs_a_transaction(pool):
    async with pool.acquire() as connection:
        error = await refusal(anext(aiter(connection.cursor("SELECT 1"))))
        assert isinstance(error, asyncpg.NoActiveSQLTransactionError), error
        async with connection.transaction():
            assert [row[0] async for row in connection.cursor("SELECT 1")] == [1]


@fact
async def a_codec_belongs_to_its_connection(pool, connect):
    query = """SELECT '{"a": 1}'::json"""
    async with pool.acquire() as connection:
        await connection.set_type_codec("json", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        assert await connection.fetchval(query) == {"a": 1}
    async with connect() as other:
        assert await other.fetchval(query) == '{"a": 1}'


@fact
async def a_transaction_begun_by_text_is_rolled_back_when_the_connection_goes_back(pool):
    async with pool.acquire() as connection:
        await connection.execute("BEGIN; INSERT INTO prices VALUES (9, 1)")
    assert await rows_of(pool, "SELECT id FROM prices WHERE id = 9") == []


@fact
async def a_row_lock_ends_with_its_transaction(pool, connect):
    lock = "SELECT id FROM prices WHERE id = 1 FOR UPDATE"
    async with pool.acquire() as connection, connect() as other:
        await connection.execute(lock)
        assert await other.fetchval(f"{lock} NOWAIT") == 1
        async with connection.transaction():
            await connection.execute(lock)
            error = await refusal(other.fetchval(f"{lock} NOWAIT"))
    assert isinstance(error, asyncpg.LockNotAvailableError), error


@fact
async def a_connection_that_went_back_refuses_to_work(pool):
    async with pool.acquire() as connection:
        statement = await connection.prepare("SELECT 1")

    async def asked(method, *arguments):
        return await method(*arguments)

    for work in (asked(connection.fetchval, "SELECT 1"), asked(statement.fetchval)):
        error = await refusal(work)
        assert isinstance(error, asyncpg.InterfaceError), error


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
async def a_connection_that_is_not_given_back_is_missing(pool):
    connection = await pool.acquire()
    try:
        await asyncio.wait_for(pool.fetchval("SELECT 1"), 0.2)
        raise AssertionError("a second connection")
    except (asyncio.TimeoutError, TimeoutError):
        pass
    await pool.release(connection)
    assert await pool.fetchval("SELECT 1") == 1


@fact
async def what_is_written_in_an_open_transaction_is_unseen_and_makes_another_writer_wait(pool, connect):
    async with pool.acquire() as connection, connect() as other:
        await other.execute("SET lock_timeout = '100ms'")
        async with connection.transaction():
            await connection.execute("UPDATE prices SET value = 11 WHERE id = 1")
            assert await other.fetchval("SELECT value FROM prices WHERE id = 1") == 10
            error = await refusal(other.execute("UPDATE prices SET value = 12 WHERE id = 1"))
            assert isinstance(error, asyncpg.LockNotAvailableError), error
        await other.execute("UPDATE prices SET value = 10 WHERE id = 1")


@fact
async def connections_have_the_settings_of_the_pool_that_made_them(pool, connect):
    async with connect(server_settings={"app.note": "another pool's"}) as other:
        note = "SELECT current_setting('app.note', true)"
        assert await other.fetchval(note) == "another pool's"
        assert await pool.fetchval(note) is None


@fact
async def each_call_on_a_pool_is_committed_by_itself(pool, connect):
    async with connect() as other:
        await pool.execute("INSERT INTO prices VALUES (7, 1)")
        await refusal(pool.execute("INSERT INTO prices VALUES (7, 1)"))
        assert await other.fetchval("SELECT count(*) FROM prices WHERE id = 7") == 1
        await other.execute("DELETE FROM prices WHERE id = 7")


@fact
async def several_statements_in_one_execute_go_together(pool):
    async with pool.acquire() as connection:
        await refusal(connection.execute("INSERT INTO prices VALUES (9, 1); INSERT INTO prices VALUES (1, 1)"))
        assert await connection.fetch("SELECT id FROM prices WHERE id = 9") == []


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


@contextlib.asynccontextmanager
async def connected(address, **options):
    connection = await asyncpg.connect(address, **options)
    try:
        yield connection
    finally:
        await connection.close()


async def ask(address):
    name = f"connmod_facts_{os.getpid()}"
    server = await asyncpg.connect(address)
    await server.execute(f"CREATE ROLE {name} LOGIN")
    await server.execute(f"CREATE DATABASE {name}")
    failed = 0
    try:
        owner = await asyncpg.connect(address, database=name)
        await owner.execute(SCHEMA.format(alice=ALICE, bob=BOB, role=name))
        connect = functools.partial(connected, address, user=name, database=name)
        for check in FACTS:
            async with asyncpg.create_pool(address, user=name, database=name, min_size=1, max_size=1) as pool:
                given = {"pool": pool, "owner": owner, "connect": connect}
                taken = {key: given[key] for key in inspect.signature(check).parameters}
                try:
                    await asyncio.wait_for(check(**taken), 20)
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
