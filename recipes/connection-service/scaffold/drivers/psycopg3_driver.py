"""What the service needs to know of psycopg 3; nothing else in this package names it.

Limits of the driver that remain:

- ``with conn:`` closes the connection at its end. Such a connection is replaced when it is given back; to keep the
  pool useful, say ``conn.commit()`` or ``with conn.transaction():``.
- What a borrower adds to a connection stays for later borrowers: adapters (``conn.adapters``), handlers of notices and
  notifications, and statements prepared by an SQL ``PREPARE``.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, Dict, Mapping, Tuple

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool
from psycopg_pool import PoolTimeout as PoolExhausted

from .session import REPORTED, RESET_SESSION, Settings, changed

__all__ = [
    "Connection",
    "DEFAULT_WAIT",
    "Error",
    "OperationalError",
    "Pool",
    "PoolExhausted",
    "answers",
    "clean",
    "parse",
    "settings",
]

Error = psycopg.Error
OperationalError = psycopg.OperationalError

#: How long, in seconds, the driver's own pool waits for a connection when all are borrowed.
DEFAULT_WAIT = 30.0

#: The attributes by which a borrower changes how a connection works.
_ATTRIBUTES = (
    "autocommit",
    "isolation_level",
    "read_only",
    "deferrable",
    "row_factory",
    "cursor_factory",
    "server_cursor_factory",
    "prepare_threshold",
    "prepared_max",
)

#: How often, in seconds, somebody who waits for a new connection looks whether connecting has failed.
_GLANCE = 0.1


class Pool:
    """The driver's pool of connections to one server. Opening it connects, and raises what the driver raises."""

    def __init__(self, dsn: str, min_size: int, max_size: int, connect_timeout: float, connect: Mapping[str, Any]) -> None:
        self._dsn = dsn
        self._connect = dict(connect)
        self._timeout = connect_timeout
        #: Whether the server may be gone. The pool connects behind the scenes, and whoever waits for it waits for all of
        #: the timeout and never learns why; so the server is asked directly first.
        self._suspect = True
        self._ask()
        self._pool: ConnectionPool[Any] = ConnectionPool(
            dsn,
            kwargs=self._connect,
            min_size=min_size,
            max_size=max_size,
            open=False,
            # A server that is gone is left alone until somebody wants a connection.
            reconnect_timeout=0,
            reconnect_failed=self._reconnect_failed,
        )
        self._pool.open()

    def get(self) -> Connection[Any]:
        """A connection that nobody uses, or a new one."""
        deadline = time.monotonic() + self._timeout
        while True:
            if self._suspect:
                self._ask()
            left = deadline - time.monotonic()
            try:
                conn: Connection[Any] = self._pool.getconn(min(left, _GLANCE))
                return conn
            except PoolExhausted:
                # Meanwhile the pool may have failed to connect; if so, the server is asked why.
                if left <= _GLANCE and not self._suspect:
                    raise

    def put(self, conn: Connection[Any]) -> None:
        """Keep a clean connection for the next borrower."""
        self._pool.putconn(conn)

    def discard(self, conn: Connection[Any]) -> None:
        """Close a connection, and make room for a new one."""
        if conn.broken:
            # Not by its borrower: the server may be gone for all.
            self._suspect = True
        with suppress(psycopg.Error):
            conn.close()
        self._pool.putconn(conn)

    def close(self) -> None:
        """Close the connections that nobody uses, now, and the others when they come back."""
        self._pool.close()

    def _ask(self) -> None:
        """Raise what the driver says when the server cannot be reached."""
        psycopg.connect(self._dsn, **self._connect).close()
        self._suspect = False

    def _reconnect_failed(self, _: Any) -> None:
        self._suspect = True


def parse(dsn: str) -> Dict[str, Any]:
    """The parts of an address; an error when it is none."""
    return dict(conninfo_to_dict(dsn))


def settings(conn: Connection[Any]) -> Settings:
    """How a connection is set up, as far as the client knows it without asking the server."""
    found: Settings = {name: getattr(conn, name) for name in _ATTRIBUTES}
    found.update((name, conn.info.parameter_status(name)) for name in REPORTED)
    return found


def clean(conn: Connection[Any], defaults: Settings) -> Tuple[str, ...]:
    """Roll back, and make the session what it was when it was opened; the names of what was found changed.

    An error says that the connection is not to be used any more.
    """
    conn.rollback()
    names = changed(defaults, settings(conn))
    for name in _ATTRIBUTES:
        if getattr(conn, name) != defaults[name]:
            setattr(conn, name, defaults[name])
    _execute(conn, RESET_SESSION)
    return names


def answers(conn: Connection[Any]) -> bool:
    """Whether the server still answers on an idle connection."""
    try:
        _execute(conn, "SELECT 1")
    except psycopg.Error:
        return False
    return True


def _execute(conn: Connection[Any], statement: str) -> None:
    """Run a statement on an idle connection without a transaction, which would cost two more round trips."""
    autocommit = conn.autocommit
    conn.autocommit = True
    # Not by the cursor class of the connection, which may be anything. Several statements cannot be prepared as one.
    with psycopg.Cursor(conn) as cur:
        cur.execute(statement, prepare=False)
    conn.autocommit = autocommit
