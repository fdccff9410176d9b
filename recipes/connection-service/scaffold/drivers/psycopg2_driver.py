"""What the service needs to know of psycopg2; nothing else in this package names it.

Limits of the driver that remain:

- ``ThreadedConnectionPool`` opens connections under its lock: while one is opened, others that borrow or give back
  wait, at most for the connection timeout.
- It never shrinks. Idle connections stay open until they are closed or found dead.
- Types registered on a connection (``register_type(..., conn)``) stay registered for later borrowers.
"""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import Any, Dict, Mapping, Set, Tuple

import psycopg2
from psycopg2 import extensions
from psycopg2.extensions import connection as Connection
from psycopg2.pool import PoolError as PoolExhausted
from psycopg2.pool import ThreadedConnectionPool

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

Error = psycopg2.Error
OperationalError = psycopg2.OperationalError

#: How long, in seconds, the driver's own pool waits for a connection when all are borrowed: it fails at once.
DEFAULT_WAIT = 0.0

#: The attributes by which a borrower changes how a connection works.
_ATTRIBUTES = ("autocommit", "isolation_level", "readonly", "deferrable", "cursor_factory")


class Pool:
    """The driver's pool of connections to one server. Opening it connects, and raises what the driver raises."""

    def __init__(self, dsn: str, min_size: int, max_size: int, connect_timeout: float, connect: Mapping[str, Any]) -> None:
        self._pool = ThreadedConnectionPool(min_size, max_size, dsn, **connect)
        # A pool of psycopg2 closes whatever comes back while `minconn` connections are idle: with the number that is to
        # be open at the start it would connect anew all day. From here on the number says how many are kept.
        self._pool.minconn = max_size
        self._idle: Set[Connection] = set()
        self._changing = threading.Lock()
        self._closed = False

    def get(self) -> Connection:
        """A connection that nobody uses, or a new one."""
        if self._closed:
            raise OperationalError("the pool is closed")
        conn = self._pool.getconn()
        with self._changing:
            self._idle.discard(conn)
        return conn

    def put(self, conn: Connection) -> None:
        """Keep a clean connection for the next borrower."""
        with self._changing:
            if not self._closed:
                # Known as idle before it can be had by somebody else.
                self._idle.add(conn)
        self._pool.putconn(conn, close=self._closed)
        if conn.closed:
            # The server left at the last moment; the pool has noticed.
            with self._changing:
                self._idle.discard(conn)

    def discard(self, conn: Connection) -> None:
        """Close a connection, and make room for a new one."""
        self._pool.putconn(conn, close=True)

    def close(self) -> None:
        """Close the connections that nobody uses, now, and the others when they come back.

        ``closeall()`` would cut them off in the middle of what they do.
        """
        with self._changing:
            self._closed = True
            idle = list(self._idle)
            self._idle.clear()
        for _ in idle:
            # An error can only come from opening one, where a borrower was faster; then nothing is left to close.
            with suppress(psycopg2.Error):
                self._pool.putconn(self._pool.getconn(), close=True)


def parse(dsn: str) -> Dict[str, Any]:
    """The parts of an address; an error when it is none."""
    return dict(extensions.parse_dsn(dsn))


def settings(conn: Connection) -> Settings:
    """How a connection is set up, as far as the client knows it without asking the server."""
    found: Settings = {name: getattr(conn, name) for name in _ATTRIBUTES}
    found["encoding"] = conn.encoding
    found.update((name, conn.info.parameter_status(name)) for name in REPORTED)
    return found


def clean(conn: Connection, defaults: Settings) -> Tuple[str, ...]:
    """Roll back, and make the session what it was when it was opened; the names of what was found changed.

    An error says that the connection is not to be used any more.
    """
    conn.rollback()
    names = changed(defaults, settings(conn))
    if defaults["encoding"] != conn.encoding:
        # Not a setting of the server alone: the driver remembers how to read what it is sent.
        conn.set_client_encoding(defaults["encoding"])
    for name in _ATTRIBUTES:
        if getattr(conn, name) != defaults[name]:
            setattr(conn, name, defaults[name])
    _execute(conn, RESET_SESSION)
    del conn.notifies[:]
    return names


def answers(conn: Connection) -> bool:
    """Whether the server still answers on an idle connection."""
    try:
        _execute(conn, "SELECT 1")
    except psycopg2.Error:
        return False
    return True


def _execute(conn: Connection, statement: str) -> None:
    """Run a statement on an idle connection without a transaction, which would cost two more round trips."""
    autocommit = conn.autocommit
    conn.autocommit = True
    # Not by the cursor class of the connection, which may be anything.
    with closing(conn.cursor(cursor_factory=extensions.cursor)) as cur:
        cur.execute(statement)
    conn.autocommit = autocommit
