"""Asks the connection service that is written into a project what it promises, with a real PostgreSQL.

    checks.py ADDRESS ROOT PACKAGE [CHECK ...]

ADDRESS is that of a server where databases and roles may be created, PACKAGE the dotted name of the service below the
folder ROOT. With names, only those checks are run. Each check is a function; its name says what must hold.
"""
from __future__ import annotations

import collections
import contextlib
import faulthandler
import importlib
import inspect
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
from urllib.parse import urlsplit
from uuid import uuid4

POSTGRES = Path(__file__).resolve().parent.parent / "tools" / "postgres"

#: Longer than any check takes on a busy machine; whoever takes longer waits for something that never comes.
PATIENCE = 60

Check = Callable[["Stage"], None]
CHECKS: List[Check] = []


def check(function: Check) -> Check:
    """Marks a function that is given the stage."""
    CHECKS.append(function)
    return function


class Stage:
    """The package under test, its driver, and a database with an empty table `things`."""

    def __init__(self, package: ModuleType, address: str) -> None:
        self.service = package
        self.address = address
        self.driver = sys.modules[package.Connection.__module__.partition(".")[0]]

    def simple(self, size: int = 1, **options: Any) -> Any:
        return self.service.SimplePoolStrategy(self.address, max_size=size, **options)

    def resilient(self, size: int = 1, **options: Any) -> Any:
        return self.service.ResilientPoolStrategy([self.address], max_size=size, **options)

    def strategies(self, size: int = 1) -> Iterator[Any]:
        yield self.simple(size)
        yield self.resilient(size)

    @contextlib.contextmanager
    def lending(self, strategy: Any) -> Iterator[Any]:
        """A service on this strategy, of which nothing may be borrowed at the end."""
        service = self.service.ConnectionService(strategy)
        try:
            yield service
            assert service.held() == []
        finally:
            service.close(timeout=0)

    @contextlib.contextmanager
    def outside(self, address: Optional[str] = None) -> Iterator[Any]:
        """A connection that has nothing to do with the service."""
        conn = self.driver.connect(address or self.address)
        try:
            conn.autocommit = True
            yield conn
        finally:
            conn.close()

    def ask(self, statement: str, *params: Any) -> Any:
        with self.outside() as conn:
            return value(conn, statement, *params)

    def things(self) -> List[str]:
        """What is in the table for everybody to see."""
        return self.ask("SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM things")


def value(conn: Any, statement: str, *params: Any) -> Any:
    """The first column of the first row, if there is one."""
    with conn.cursor() as cur:
        cur.execute(statement, params or None)
        row = cur.fetchone() if cur.description else [None]
        return next(iter(row.values())) if isinstance(row, dict) else row[0]


def backend(conn: Any) -> int:
    """The server's process for this connection."""
    return conn.info.backend_pid


def add(conn: Any, name: str) -> None:
    value(conn, "INSERT INTO things VALUES (%s)", name)


def refusal(work: Callable[[], Any]) -> Exception:
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError("no error")


def line_of_caller() -> str:
    frame = inspect.stack()[1]
    return f"{frame.filename}:{frame.lineno}"


def eventually(holds: Callable[[], bool]) -> None:
    """The server needs a moment to see that a client is gone, and a client that its server is."""
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline, inspect.getsource(holds)
        time.sleep(0.02)


@contextlib.contextmanager
def warnings(package: ModuleType) -> Iterator[List[str]]:
    """The warnings that the package logs meanwhile."""
    found: List[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    logger, handler = logging.getLogger(package.__name__), Collect(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)


# --- Transactions ---


@check
def only_what_was_committed_is_kept(stage: Stage) -> None:
    for strategy in stage.strategies():
        with stage.lending(strategy) as service:
            with service.connection() as conn:
                add(conn, "committed")
                conn.commit()
                add(conn, "forgotten")
            conn = service.acquire_connection()
            add(conn, "forgotten too")
            service.release_connection(conn)
        assert stage.things() == ["committed"], stage.things()
        stage.ask("TRUNCATE things")


@check
def an_exception_rolls_back_and_reaches_the_caller(stage: Stage) -> None:
    class Trouble(BaseException):
        pass

    def fail(service: Any, error: Any) -> None:
        with service.connection() as conn:
            add(conn, "never there")
            raise error

    for strategy in stage.strategies():
        with stage.lending(strategy) as service:
            for error in (ValueError("no"), KeyboardInterrupt(), Trouble(), GeneratorExit(), StopIteration()):
                try:
                    fail(service, error)
                    raise AssertionError("no error")
                except BaseException as found:
                    # A generator cannot let this one pass as it is; `contextlib` sees to it, whatever it is wrapped in.
                    assert found is error or error in (found.__cause__, found.__context__), found
                assert service.held() == []
            error = refusal(lambda: with_connection(service, lambda conn: value(conn, "SELECT 1 / 0")))
            assert "division by zero" in str(error), error
            with service.connection() as conn:
                assert value(conn, "SELECT count(*) FROM things") == 0


def with_connection(service: Any, work: Callable[[Any], Any]) -> Any:
    with service.connection() as conn:
        return work(conn)


@check
def a_connection_is_lent_again_outside_of_a_transaction(stage: Stage) -> None:
    for strategy in stage.strategies():
        with stage.lending(strategy) as service:
            first = with_connection(service, lambda conn: (value(conn, "SELECT 1"), backend(conn))[1])
            for _ in range(3):
                with service.connection() as conn:
                    assert backend(conn) == first
                    assert conn.info.transaction_status == 0, conn.info.transaction_status


# --- What a borrower leaves behind ---


def changes(stage: Stage) -> Iterator[Tuple[str, Callable[[Any], Any], str]]:
    """What a borrower may change: how, and by which name it is reported, or none."""
    for statement, name in {
        "SET search_path = pg_catalog": "",
        "SET app.user_id = '7'": "",
        "SELECT set_config('app.user_id', '7', false)": "",
        "SET statement_timeout = '1min'": "",
        "SET TIME ZONE 'Asia/Tokyo'": "TimeZone",
        "SET application_name = 'somebody'": "application_name",
        "SET default_transaction_read_only = on": "default_transaction_read_only",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE": "",
        "SET client_encoding = 'LATIN1'": "client_encoding",
        "SET ROLE pg_read_all_data": "",
        "SET SESSION AUTHORIZATION pg_read_all_data": "session_authorization",
        "CREATE TEMPORARY TABLE things (name text)": "",
        "SELECT pg_advisory_lock(1)": "",
        "LISTEN news": "",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1": "",
    }.items():
        yield name, lambda conn, statement=statement: (value(conn, statement), conn.commit()), statement
    driver = stage.driver
    yield "autocommit", lambda conn: setattr(conn, "autocommit", True), "autocommit"
    if driver.__name__ == "psycopg2":
        extensions, extras = driver.extensions, importlib.import_module("psycopg2.extras")
        yield "isolation_level", lambda conn: setattr(conn, "isolation_level", "SERIALIZABLE"), "isolation_level"
        yield "autocommit", lambda conn: conn.set_isolation_level(extensions.ISOLATION_LEVEL_AUTOCOMMIT), "level 0"
        yield "readonly", lambda conn: conn.set_session(readonly=True, deferrable=True), "set_session"
        yield "readonly", lambda conn: conn.set_session(readonly=True, autocommit=True), "set_session, autocommit"
        yield "cursor_factory", lambda conn: setattr(conn, "cursor_factory", extras.RealDictCursor), "cursor_factory"
        yield "encoding", lambda conn: conn.set_client_encoding("LATIN1"), "set_client_encoding"
    else:
        level = driver.IsolationLevel.SERIALIZABLE
        yield "isolation_level", lambda conn: setattr(conn, "isolation_level", level), "isolation_level"
        yield "read_only", lambda conn: setattr(conn, "read_only", True), "read_only"
        yield "row_factory", lambda conn: setattr(conn, "row_factory", driver.rows.dict_row), "row_factory"
        yield "cursor_factory", lambda conn: setattr(conn, "cursor_factory", driver.ClientCursor), "cursor_factory"
        yield "prepare_threshold", lambda conn: setattr(conn, "prepare_threshold", None), "prepare_threshold"


#: What a later borrower could notice on the server.
STATE = """
SELECT ARRAY[
    current_setting('search_path'), current_setting('app.user_id', true), current_setting('statement_timeout'),
    current_setting('TimeZone'), current_setting('application_name'), current_setting('transaction_read_only'),
    current_setting('transaction_isolation'), current_setting('transaction_deferrable'), current_setting('client_encoding'),
    current_user, session_user,
    (SELECT count(*)::text FROM pg_class WHERE relname = 'things' AND relpersistence = 't'),
    (SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
    (SELECT count(*)::text FROM pg_listening_channels()),
    (SELECT count(*)::text FROM pg_cursors WHERE is_holdable)
]
"""
CLIENT_STATE = (
    "autocommit isolation_level readonly read_only deferrable cursor_factory row_factory prepare_threshold encoding"
).split()


def state(conn: Any) -> Tuple[Any, ...]:
    client = {name: getattr(conn, name, None) for name in CLIENT_STATE}
    # Letters that another encoding would spoil.
    answer = (value(conn, STATE), value(conn, "SELECT '\u00fc\u0142'"), client)
    conn.rollback()
    return (backend(conn), answer)


@check
def nothing_that_a_borrower_changes_reaches_the_next_one(stage: Stage) -> None:
    # In a database of another encoding the driver itself would be confused by a mere SET.
    for strategy in stage.strategies():
        with stage.lending(strategy) as service:
            before = with_connection(service, state)
            # An empty text is what a server keeps of a setting that it has no definition of.
            for name, change, text in changes(stage):
                # Each is named once only, by a service.
                new = stage.service.ConnectionService(strategy)
                with warnings(stage.service) as found:
                    with_connection(new, change)
                    named = list(found)
                    with_connection(new, change)
                assert found == named, (text, found)
                assert not name or any(name in line for line in found), (text, found)
                assert name or not found or "search_path" in found[0], (text, found)
                after = with_connection(service, state)
                assert settled(after) == settled(before), (text, before, after)
            # Neither when the borrower fails, in the middle of a transaction.
            for _, change, text in changes(stage):
                with contextlib.suppress(ZeroDivisionError), service.connection() as conn:
                    change(conn)
                    value(conn, "SELECT 1")
                    raise ZeroDivisionError
                after = with_connection(service, state)
                assert settled(after) == settled(before), (text, before, after)


def settled(found: Tuple[Any, ...]) -> Tuple[Any, ...]:
    """A setting that was never set is NULL, and one that was reset is empty: both say that nobody is there."""
    pid, (server, text, client) = found
    return pid, [each or None for each in server], text, client


@check
def statements_that_the_driver_prepares_stay_good(stage: Stage) -> None:
    with stage.lending(stage.simple()) as service:
        for number in range(20):
            with service.connection() as conn, conn.cursor() as cur:
                cur.execute("SELECT %s::int + 1", (number,))
                assert cur.fetchone()[0] == number + 1
                if stage.driver.__name__ == "psycopg" and number > 10:
                    assert value(conn, "SELECT count(*) FROM pg_prepared_statements") > 0
                # The driver itself forgets them with a rollback.
                conn.commit()


# --- All are borrowed ---


@check
def at_the_end_of_the_pool_the_error_names_the_holders(stage: Stage) -> None:
    with stage.lending(stage.simple(2, max_wait=0)) as service:
        with service.connection("the report"), service.connection("the import"):
            line = line_of_caller().rpartition(":")[0] + f":{int(line_of_caller().rpartition(':')[2]) - 1}"
            started = time.monotonic()
            error = refusal(service.acquire_connection)
            assert time.monotonic() - started < 2
            assert isinstance(error, stage.service.PoolExhausted), error
            assert isinstance(error, stage.driver.Error), "who handles the driver's errors handles this one"
            pools = importlib.import_module("psycopg2.pool" if stage.driver.__name__ == "psycopg2" else "psycopg_pool")
            assert isinstance(error, getattr(pools, "PoolError", None) or pools.PoolTimeout)
            text = str(error)
            assert "all 2 connections" in text and text.count(line) == 2, (line, text)
            assert "'the report'" in text and "'the import'" in text and "MainThread" in text, text
            assert [holding.purpose for holding in error.holders] == ["the report", "the import"]
        with service.connection():
            pass


@check
def whoever_waits_gets_what_comes_back_and_no_longer_than_agreed(stage: Stage) -> None:
    strategy = stage.resilient(2, max_wait=0.4)
    with stage.lending(strategy) as service:
        first, second = service.acquire_connection("a"), service.acquire_connection("b")
        for _ in range(3):
            started = time.monotonic()
            error = refusal(service.acquire_connection)
            assert isinstance(error, stage.service.PoolExhausted) and "0.4 seconds" in str(error), error
            assert 0.39 < time.monotonic() - started < 5, time.monotonic() - started
        started = time.monotonic()
        threading.Timer(0.1, service.release_connection, [first]).start()
        third = service.acquire_connection("c")
        assert time.monotonic() - started > 0.09, time.monotonic() - started
        service.release_connection(second)
        service.release_connection(third)
        metrics = strategy.metrics()
        assert (metrics.exhausted, metrics.acquired, metrics.released, metrics.in_use) == (3, 3, 3, 0), metrics
        assert metrics.waited == 4 and metrics.wait_seconds > 1.2, metrics
        # Nobody who waited in vain has taken a place.
        with service.connection(), service.connection():
            pass


@check
def whoever_waits_longest_is_next(stage: Stage) -> None:
    with stage.lending(stage.simple(1, max_wait=30)) as service:
        served: List[int] = []

        def wait(number: int) -> None:
            with service.connection():
                served.append(number)

        conn = service.acquire_connection()
        threads = [threading.Thread(target=wait, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
            time.sleep(0.02)
        # Whoever gives back and asks at once is behind all of them.
        service.release_connection(conn)
        with service.connection():
            assert served == [0, 1, 2, 3, 4], served
        for thread in threads:
            thread.join()


@check
def without_a_wait_of_its_own_the_pool_waits_as_the_drivers(stage: Stage) -> None:
    with stage.lending(stage.simple(1)) as service:
        conn = service.acquire_connection()
        if stage.driver.__name__ == "psycopg2":
            assert isinstance(refusal(service.acquire_connection), stage.service.PoolExhausted)
            service.release_connection(conn)
        else:
            threading.Timer(0.2, service.release_connection, [conn]).start()
            with service.connection():
                pass


@check
def threads_never_share_a_connection(stage: Stage) -> None:
    for strategy in (stage.simple(3, max_wait=30), stage.resilient(3, max_wait=30)):
        busy: Dict[int, str] = {}
        faults: List[str] = []

        def work(number: int) -> None:
            try:
                for turn in range(15):
                    with service.connection(f"worker {number}") as conn:
                        other = busy.setdefault(id(conn), threading.current_thread().name)
                        if other != threading.current_thread().name or len(busy) > 3:
                            faults.append(f"{other} has it; {busy}")
                        add(conn, f"{number:02} {turn:02}")
                        if turn % 3 == 0:
                            conn.commit()
                        elif turn % 3 == 1:
                            value(conn, "SELECT pg_sleep(0.001)")
                        del busy[id(conn)]
            except Exception as error:
                faults.append(repr(error))

        with stage.lending(strategy) as service:
            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert not faults, faults
            assert stage.things() == [f"{number:02} {turn:02}" for number in range(8) for turn in range(0, 15, 3)]
            eventually(lambda: stage.ask(OTHERS) <= 3)
        eventually(lambda: stage.ask(OTHERS) == 0)
        stage.ask("TRUNCATE things")


#: The connections to this database, besides the one that asks.
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' "
    "AND pid <> pg_backend_pid()"
)


# --- Connections that are no good any more ---


@check
def idle_connections_that_the_server_ended_are_not_lent(stage: Stage) -> None:
    for strategy in stage.strategies(3):
        with stage.lending(strategy) as service:
            with service.connection() as a, service.connection() as b, service.connection() as c:
                ended = {backend(a), backend(b), backend(c)}
            for pid in ended:
                stage.ask("SELECT pg_terminate_backend(%s)", pid)
            eventually(lambda: stage.ask("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", list(ended)) == 0)
            with service.connection() as a, service.connection() as b, service.connection() as c:
                assert not ended & {value(conn, "SELECT pg_backend_pid()") for conn in (a, b, c)}
            if hasattr(strategy, "metrics"):
                assert strategy.metrics().found_dead == 3, strategy.metrics()
            eventually(lambda: stage.ask(OTHERS) == 3)


@check
def a_connection_that_is_lost_while_it_is_borrowed_is_replaced(stage: Stage) -> None:
    def lose(conn: Any) -> None:
        add(conn, "never there")
        value(conn, "SELECT pg_terminate_backend(pg_backend_pid())")

    for strategy in stage.strategies(2):
        with stage.lending(strategy) as service:
            for _ in range(5):
                error = refusal(lambda: with_connection(service, lose))
                assert isinstance(error, stage.driver.OperationalError), error
                assert "terminat" in str(error), error
            # Lost without that the borrower noticed.
            with service.connection() as conn:
                stage.ask("SELECT pg_terminate_backend(%s)", backend(conn))
                lost = conn
            with service.connection() as a, service.connection() as b:
                assert lost not in (a, b)
                assert value(a, "SELECT 1") == value(b, "SELECT 1") == 1
            assert stage.things() == []


@check
def a_connection_that_its_borrower_closed_is_replaced(stage: Stage) -> None:
    for strategy in stage.strategies(2):
        with stage.lending(strategy) as service:
            for _ in range(5):
                with service.connection() as conn:
                    value(conn, "SELECT 1")
                    conn.close()
                raw = service.acquire_connection()
                raw.close()
                service.release_connection(raw)
            with service.connection() as a, service.connection() as b:
                assert value(a, "SELECT 1") == value(b, "SELECT 1") == 1
            eventually(lambda: stage.ask(OTHERS) == 2)


@check
def a_connection_that_cannot_be_cleaned_is_replaced(stage: Stage) -> None:
    for strategy in stage.strategies():
        with stage.lending(strategy) as service:
            with service.connection() as conn:
                first = backend(conn)
                # In the middle of this neither driver rolls back by `rollback()`.
                conn.tpc_begin("connmod")
                add(conn, "never there")
            with service.connection() as conn:
                assert backend(conn) != first
                assert value(conn, "SELECT count(*) FROM things") == 0
            eventually(lambda: stage.ask(OTHERS) == 1)


# --- Servers that fail ---


@contextlib.contextmanager
def server() -> Iterator[Tuple[str, Path]]:
    """A server that may be killed: its address and its folder."""
    folder = Path(tempfile.mkdtemp(prefix="connmod-service."))
    try:
        yield postgres("start", folder).strip(), folder
    finally:
        if not (folder / PROCESS).exists():
            # Or the memory that it shared with its processes stays for ever.
            revive(folder)
        postgres("stop", folder)


#: The file by which a server says that it runs, and as which process.
PROCESS = "data/postmaster.pid"


def postgres(action: str, folder: Path) -> str:
    return subprocess.run([POSTGRES, action, folder], check=True, stdout=subprocess.PIPE, text=True).stdout


def kill(folder: Path) -> None:
    """No time to say goodbye to anybody."""
    os.kill(int((folder / PROCESS).read_text().split()[0]), signal.SIGKILL)
    # Where nobody waits for the process, it seems to be there still, and the server would not start again.
    (folder / PROCESS).unlink()


def revive(folder: Path) -> None:
    """As soon as the last process of the server that was killed is gone."""
    eventually(lambda: not subprocess.run([POSTGRES, "again", folder], stderr=subprocess.DEVNULL).returncode)


@check
def when_a_server_is_killed_the_next_one_takes_over(stage: Stage) -> None:
    with server() as (first, first_folder), server() as (second, second_folder):
        strategy = stage.service.ResilientPoolStrategy([first, second], max_size=4, max_wait=2, connect_timeout=2)

        def where(conn: Any) -> Path:
            return Path(value(conn, "SHOW data_directory")).parent

        with stage.lending(strategy) as service:
            with contextlib.ExitStack() as stack:
                lent = [stack.enter_context(service.connection()) for _ in range(3)]
                assert [where(conn) for conn in lent] == [first_folder] * 3

            def until_it_fails() -> None:
                with service.connection("a long one") as conn:
                    assert where(conn) == first_folder
                    kill(first_folder)
                    for _ in range(500):
                        value(conn, "SELECT pg_sleep(0.01)")

            error = refusal(until_it_fails)
            assert isinstance(error, stage.driver.OperationalError), repr(error)
            assert not isinstance(error, stage.service.ConnectionServiceError), repr(error)

            started = time.monotonic()
            with service.connection() as conn:
                assert where(conn) == second_folder
            assert time.monotonic() - started < 10, time.monotonic() - started
            metrics = strategy.metrics()
            assert (metrics.failovers, metrics.discarded, metrics.in_use) == (1, 1, 0), metrics
            assert metrics.server == f"{second_folder}:5432/postgres", metrics
            with contextlib.ExitStack() as stack:
                lent = [stack.enter_context(service.connection()) for _ in range(4)]
                assert [where(conn) for conn in lent] == [second_folder] * 4

            kill(second_folder)
            # More often than there are places in the pool: none may be lost.
            for _ in range(6):
                eventually(lambda: refuses(service, stage))
            error = refusal(service.acquire_connection)
            assert isinstance(error, stage.driver.OperationalError), "who handles the driver's errors handles this one"
            assert [name for name, _ in error.failures] == [f"{second_folder}:5432/postgres", f"{first_folder}:5432/postgres"]
            assert str(first_folder) in str(error) and str(second_folder) in str(error), error

            revive(first_folder)
            with contextlib.ExitStack() as stack:
                lent = [stack.enter_context(service.connection()) for _ in range(4)]
                assert [where(conn) for conn in lent] == [first_folder] * 4


def refuses(service: Any, stage: Stage) -> bool:
    """Whether no server is there any more. That of a killed postmaster may answer for a moment yet."""
    try:
        with service.connection():
            return False
    except stage.service.NoServerAvailable:
        return True


@check
def a_connection_to_a_server_that_lends_no_more_is_not_kept(stage: Stage) -> None:
    other = f"{urlsplit(stage.address).path[1:]}_other"
    stage.ask(f"CREATE DATABASE {other}")
    first = stage.address.replace(f"/{urlsplit(stage.address).path[1:]}?", f"/{other}?")
    there = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{other}'"
    try:
        strategy = stage.service.ResilientPoolStrategy([first, stage.address], min_size=0, max_size=3)
        with stage.lending(strategy) as service:
            with service.connection() as old:
                assert value(old, "SELECT current_database()") == other
                # It takes no new connections; those that it has go on.
                stage.ask(f"ALTER DATABASE {other} ALLOW_CONNECTIONS false")
                with service.connection() as new:
                    assert value(new, "SELECT current_database()") != other
                assert value(old, "SELECT current_database()") == other
            eventually(lambda: stage.ask(there) == 0)
            # There is no way back by itself.
            stage.ask(f"ALTER DATABASE {other} ALLOW_CONNECTIONS true")
            with service.connection() as conn:
                assert value(conn, "SELECT current_database()") != other
            assert strategy.metrics().failovers == 1
    finally:
        stage.ask(f"DROP DATABASE {other} WITH (FORCE)")


@check
def a_server_that_only_reads_is_passed_over(stage: Stage) -> None:
    reads = f"{stage.address}&options=-c%20default_transaction_read_only%3Don"
    with stage.lending(stage.service.ResilientPoolStrategy([reads, stage.address])) as service:
        with service.connection() as conn:
            add(conn, "written")
            conn.commit()
    assert stage.things() == ["written"]
    for strategy in (
        stage.service.ResilientPoolStrategy([reads, stage.address], writable=False),
        stage.service.ResilientPoolStrategy([f"{reads}&target_session_attrs=any", stage.address]),
    ):
        with stage.lending(strategy) as service:
            assert "read-only" in str(refusal(lambda: with_connection(service, lambda conn: add(conn, "not there"))))


@check
def a_server_that_is_not_there_is_the_drivers_error_at_once(stage: Stage) -> None:
    nowhere = f"{stage.address}&port=1"
    strategy = stage.service.SimplePoolStrategy(nowhere, max_size=1)
    with stage.lending(strategy) as service:
        for work in (service.open, service.acquire_connection, service.acquire_connection):
            started = time.monotonic()
            error = refusal(work)
            assert isinstance(error, stage.driver.OperationalError), repr(error)
            assert time.monotonic() - started < 4, time.monotonic() - started
    unknown = stage.service.SimplePoolStrategy(f"{stage.address}&user=nobody_knows_me", max_size=1)
    with stage.lending(unknown) as service:
        assert "nobody_knows_me" in str(refusal(service.open))
    assert isinstance(refusal(lambda: stage.service.SimplePoolStrategy("what is this")), stage.driver.Error)
    for wrong in (stage.address, []):
        assert isinstance(refusal(lambda: stage.service.ResilientPoolStrategy(wrong)), ValueError)
    for options in ({"size": 0}, {"min_size": 2}, {"min_size": -1}):
        assert isinstance(refusal(lambda: stage.simple(**options)), ValueError)


@check
def what_is_said_of_connecting_reaches_the_driver(stage: Stage) -> None:
    def parameters(strategy: Any) -> Dict[str, str]:
        with stage.lending(strategy) as service:
            found = with_connection(service, lambda conn: getattr(conn.info, "dsn_parameters", None) or conn.info.get_parameters())
            return {name: found.get(name) for name in ("connect_timeout", "tcp_user_timeout", "application_name")}

    package, own = stage.service, f"{stage.address}&connect_timeout=7&tcp_user_timeout=7000"
    for strategy, expected in (
        (stage.simple(application_name="mine"), ("5", None, "mine")),
        (stage.simple(connect_timeout=3), ("3", None, None)),
        (package.SimplePoolStrategy(own), ("7", None, None)),
        (stage.resilient(connect_timeout=3), ("3", "3000", None)),
        (package.ResilientPoolStrategy([own]), ("7", "7000", None)),
        (stage.resilient(tcp_user_timeout=9000), ("5", "9000", None)),
    ):
        found = parameters(strategy)
        assert found["connect_timeout"] == expected[0], (strategy, found)
        assert expected[1] is None or found["tcp_user_timeout"] == expected[1], (strategy, found)
        assert found["application_name"] == expected[2], (strategy, found)


@check
def no_password_is_shown(stage: Stage) -> None:
    for dsn in (f"{stage.address}&port=1&password=Geheim", "host=/nowhere user=u password=Geheim"):
        strategy = stage.service.ResilientPoolStrategy([dsn])
        with stage.lending(strategy) as service, warnings(stage.service) as found:
            error = refusal(service.acquire_connection)
            for text in (repr(error), str(error), repr(strategy), repr(strategy.metrics()), *found):
                assert "Geheim" not in text, text
            assert found
    assert "Geheim" not in repr(stage.service.SimplePoolStrategy("host=h password=Geheim"))


# --- Giving back what is not borrowed ---


@check
def giving_back_twice_is_an_error_that_says_where_it_was(stage: Stage) -> None:
    for strategy in stage.strategies():
        with stage.lending(strategy) as service:
            conn = service.acquire_connection()
            service.release_connection(conn); line = line_of_caller()  # noqa: E702
            error = refusal(lambda: service.release_connection(conn))
            assert isinstance(error, stage.service.NotBorrowed) and line in str(error), (line, error)

            def twice() -> None:
                with service.connection() as conn:
                    service.release_connection(conn)

            error = refusal(twice)
            assert isinstance(error, stage.service.NotBorrowed) and "checks.py" in str(error), error

            # By now it is somebody else's, from whom the end of the block may not take it.
            @contextlib.contextmanager
            def passed_on() -> Iterator[Any]:
                with service.connection() as conn:
                    service.release_connection(conn)
                    other = service.acquire_connection("somebody else")
                    assert other is conn
                    yield other

            block = passed_on()
            other = block.__enter__()
            assert isinstance(refusal(lambda: block.__exit__(None, None, None)), stage.service.NotBorrowed)
            assert [holding.purpose for holding in service.held()] == ["somebody else"]
            assert value(other, "SELECT 1") == 1
            service.release_connection(other)
            with service.connection() as conn:
                assert value(conn, "SELECT 1") == 1


@check
def what_comes_from_elsewhere_is_refused_and_left_alone(stage: Stage) -> None:
    with stage.lending(stage.simple()) as service, stage.lending(stage.simple()) as other:
        with stage.outside() as foreign, other.connection() as theirs:
            for conn in (foreign, theirs):
                error = refusal(lambda: service.release_connection(conn))
                assert isinstance(error, stage.service.NotBorrowed) and "not borrowed from this service" in str(error), error
                assert value(conn, "SELECT 1") == 1
        with service.connection():
            pass


# --- The report ---


@check
def the_report_says_who_has_what_since_when_and_what_for(stage: Stage) -> None:
    for strategy in stage.strategies(2):
        with stage.lending(strategy) as service:
            old = service.acquire_connection("the old one"); line = line_of_caller()  # noqa: E702
            time.sleep(0.15)
            ready, done = threading.Event(), threading.Event()

            def other() -> None:
                with service.connection():
                    ready.set()
                    done.wait(10)

            thread = threading.Thread(target=other, name="the other thread")
            thread.start()
            ready.wait(10)
            first, second = service.held()
            done.set()
            thread.join()
            assert (first.purpose, first.where, first.thread) == ("the old one", line, "MainThread"), first
            assert (second.purpose, second.thread) == ("general", "the other thread"), second
            assert second.where.startswith(f"{__file__}:"), second
            assert 0.15 <= first.seconds < 5 and second.seconds < first.seconds, (first, second)
            assert first.backend_pid == value(old, "SELECT pg_backend_pid()") != second.backend_pid
            text = str(first)
            assert all(word in text for word in ("'the old one'", line, "MainThread", str(first.backend_pid))), text
            assert len(service.held()) == 1
            service.release_connection(old)


# --- The life of a service ---


@check
def closing_waits_for_those_who_are_at_work_and_cuts_nobody_off(stage: Stage) -> None:
    package = stage.service
    for strategy in stage.strategies(3):
        service = package.ConnectionService(strategy)
        with service.connection(), service.connection():
            pass
        conn = service.acquire_connection("late")
        with warnings(package) as found:
            started = time.monotonic()
            service.close(timeout=0.2)
            assert 0.19 < time.monotonic() - started < 5
        assert any("'late'" in line for line in found), found
        eventually(lambda: stage.ask(OTHERS) == 1)
        for work in (service.acquire_connection, service.open):
            assert isinstance(refusal(work), package.ServiceClosed)
        assert isinstance(refusal(strategy.acquire), package.ServiceClosed)
        add(conn, "at the last moment")
        conn.commit()
        service.release_connection(conn)
        assert stage.things() == ["at the last moment"]
        stage.ask("TRUNCATE things")
        eventually(lambda: stage.ask(OTHERS) == 0)
        service.close()

        service.configure(stage.simple())
        conn = service.acquire_connection()
        threading.Timer(0.1, service.release_connection, [conn]).start()
        with warnings(package) as found:
            service.close(timeout=10)
        assert not found and service.held() == []


@check
def the_shared_service_is_configured_once_or_by_the_environment(stage: Stage) -> None:
    package = stage.service
    shared = package.connection_service
    os.environ.pop("DATABASE_URL", None)
    error = refusal(shared.acquire_connection)
    assert isinstance(error, package.NotConfigured) and "configure()" in str(error) and "DATABASE_URL" in str(error), error
    os.environ["DATABASE_URL"] = stage.address
    try:
        with shared.connection() as conn:
            assert value(conn, "SELECT 1") == 1
        assert isinstance(refusal(lambda: package.configure(stage.simple())), RuntimeError)
        package.close()
        assert isinstance(refusal(shared.acquire_connection), package.ServiceClosed)
        package.configure(stage.resilient())
        with shared.connection() as conn:
            assert value(conn, "SELECT 1") == 1
    finally:
        del os.environ["DATABASE_URL"]
        package.close()


@check
def a_forked_child_has_connections_of_its_own(stage: Stage) -> None:
    for strategy in stage.strategies(2):
        with stage.lending(strategy) as service:
            # Both idle and borrowed ones are there when the process is forked.
            with service.connection(), service.connection():
                pass
            mine = service.acquire_connection()
            number = value(mine, "SELECT 41 + 1")
            child = os.fork()
            if not child:
                os._exit(exit_status(lambda: in_child(stage, service, mine)))
            assert os.waitpid(child, 0)[1] == 0
            assert value(mine, "SELECT pg_backend_pid()") == backend(mine) and number == 42
            service.release_connection(mine)
            with service.connection() as a, service.connection() as b:
                assert value(a, "SELECT 1") == value(b, "SELECT 1") == 1
                assert mine in (a, b)


def in_child(stage: Stage, service: Any, of_parent: Any) -> None:
    assert service.held() == []
    assert isinstance(refusal(lambda: service.release_connection(of_parent)), stage.service.NotBorrowed)
    with service.connection() as a, service.connection() as b:
        assert backend(of_parent) not in (value(a, "SELECT pg_backend_pid()"), value(b, "SELECT pg_backend_pid()"))
    service.close()


def exit_status(work: Callable[[], None]) -> int:
    try:
        work()
        return 0
    except BaseException:
        traceback.print_exc()
        return 1


# --- Tests of other code ---


@check
def the_mock_needs_no_server_and_lends_like_the_others(stage: Stage) -> None:
    package = stage.service
    strategy = package.MockPoolStrategy({"SELECT name\n FROM users": [("Ada",), ("Bob",)]}, max_size=2)
    with stage.lending(strategy) as service:
        with service.connection("names") as conn, conn.cursor() as cur:
            cur.execute("SELECT name  FROM users")
            assert cur.rowcount == 2 and list(cur) == [("Ada",), ("Bob",)]
            cur.execute("UPDATE users SET name = %s", ("Eve",))
            assert cur.fetchone() is None and cur.fetchall() == [] and conn.in_transaction
            assert service.held()[0].purpose == "names"
        assert (conn.commits, conn.rollbacks) == (0, 1)
        assert strategy.statements == [("SELECT name  FROM users", None), ("UPDATE users SET name = %s", ("Eve",))]
        with service.connection() as again:
            assert again is conn
            again.autocommit = True
            again.commit()
        with service.connection() as a, service.connection() as b:
            assert not a.autocommit and a.commits == 1
            error = refusal(service.acquire_connection)
            assert isinstance(error, package.PoolExhausted) and len(error.holders) == 2, error
            b.close()
        assert isinstance(refusal(lambda: service.release_connection(a)), package.NotBorrowed)
        with service.connection() as a, service.connection() as c:
            assert b not in (a, c)
        assert len(strategy.connections) == 3


def within(address: str, database: str) -> str:
    """The address of a database on the same server."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/{database}?{parts.query}"


def kept(each: Check, stage: Stage) -> bool:
    """Whether it holds."""
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    started = time.monotonic()
    try:
        stage.ask("TRUNCATE things")
        eventually(lambda: stage.ask(OTHERS) == 0)
        each(stage)
        print(f"holds: {each.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        return True
    except BaseException:
        print("FAILS:", each.__name__, flush=True)
        traceback.print_exc()
        return False
    finally:
        faulthandler.cancel_dump_traceback_later()


def main(address: str, root: str, name: str, wanted: List[str]) -> int:
    sys.path.insert(0, root)
    package = importlib.import_module(name)
    found = collections.OrderedDict((each.__name__, each) for each in CHECKS)
    checks = [found[each] for each in wanted] if wanted else CHECKS
    database = f"connmod_service_{uuid4().hex[:8]}"
    server = Stage(package, address)
    server.ask(f"CREATE DATABASE {database}")
    try:
        stage = Stage(package, within(address, database))
        stage.ask("CREATE TABLE things (name text)")
        results = [kept(each, stage) for each in checks]
    finally:
        server.ask(f"DROP DATABASE {database} WITH (FORCE)")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    # Warnings are collected where they are expected; printed, they would hide what fails.
    logging.getLogger().addHandler(logging.NullHandler())
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
