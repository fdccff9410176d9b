"""The service: lends connections, and knows of each one that is out who has it, since when and what for."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import sys
import threading
import time
from typing import Dict, Iterator, List, Optional, Set, Tuple
from weakref import WeakKeyDictionary, WeakMethod

from .driver import Connection
from .errors import NotBorrowed, NotConfigured, PoolExhausted, ServiceClosed
from .strategies import PoolStrategy, SimplePoolStrategy

logger = logging.getLogger(__name__)

#: The environment variable with the address of the database, for programs that configure nothing.
ADDRESS_VARIABLE = "DATABASE_URL"

_HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass(frozen=True)
class Holding:
    """A connection that somebody has borrowed and not given back."""

    purpose: str
    #: For how long, until the report was made.
    seconds: float
    #: The name of the thread that borrowed it.
    thread: str
    #: The line that borrowed it, as ``path:number``.
    where: str
    #: The number by which the server knows the connection, as in ``pg_stat_activity``.
    backend_pid: Optional[int]

    def __str__(self) -> str:
        backend = f", server process {self.backend_pid}" if self.backend_pid else ""
        return f"{self.purpose!r} at {self.where}, for {self.seconds:.1f} seconds in thread {self.thread}{backend}"


@dataclasses.dataclass(frozen=True, eq=False)
class _Lease:
    """One borrowing of one connection."""

    conn: Connection
    strategy: PoolStrategy
    purpose: str
    since: float
    thread: str
    where: str
    backend_pid: Optional[int]

    def holding(self) -> Holding:
        seconds = time.monotonic() - self.since
        return Holding(self.purpose, seconds, self.thread, self.where, self.backend_pid)


class ConnectionService:
    """Single source of all database connections.

    It may be used by any number of threads. A connection serves one borrower at a time; it may be given back by
    another thread than the one that borrowed it.

    A process that is forked starts with nothing: it opens connections of its own, and those of its parent, lent or
    idle, are not touched.

    What cannot be noticed: that somebody goes on using a connection after giving it back, or gives it back a second
    time when the next borrower has it. ``connection()`` rules out the second.
    """

    def __init__(self, strategy: Optional[PoolStrategy] = None) -> None:
        self._strategy = strategy
        self._is_closed = False
        self._leases: Dict[int, _Lease] = {}
        #: Where a connection was given back, to tell a second time from a stranger.
        self._returned: WeakKeyDictionary[Connection, str] = WeakKeyDictionary()
        #: Which changes were named in the log.
        self._told: Set[Tuple[str, str]] = set()
        self._changed = threading.Condition()
        if hasattr(os, "register_at_fork"):
            # Weak, or every service would live as long as the process.
            in_child = WeakMethod(self._start_anew)

            def after_fork() -> None:
                start_anew = in_child()
                if start_anew is not None:
                    start_anew()

            os.register_at_fork(after_in_child=after_fork)

    def configure(self, strategy: PoolStrategy) -> None:
        """Say from which pool to lend. Once; to change it, ``close()`` first."""
        with self._changed:
            if self._strategy is not None:
                raise RuntimeError(f"the connection service uses {self._strategy!r} already; close() it first")
            self._strategy = strategy
            self._is_closed = False

    def open(self) -> None:
        """Connect now instead of at the first borrowing, so that a wrong address is an error at the start."""
        self._current_strategy().open()

    def close(self, timeout: float = 10.0) -> None:
        """End the service once all connections are given back, or after ``timeout`` seconds.

        Nothing can be borrowed from now on, until ``configure()`` says from where. A connection that is still out
        then is not cut off; it is closed when it is given back.
        """
        with self._changed:
            strategy, self._strategy = self._strategy, None
            self._is_closed = True
            self._changed.wait_for(lambda: not self._leases, timeout)
        left = self.held()
        if left:
            lines = "".join(f"\n  {holding}" for holding in left)
            logger.warning("the connection service is closed while connections are borrowed:%s", lines)
        if strategy is not None:
            strategy.close()

    def acquire_connection(self, purpose: str = "general") -> Connection:
        """Borrow a connection, and be the one who gives it back with ``release_connection()``.

        It is the driver's own connection, outside of a transaction. ``purpose`` is for the report of ``held()``.
        """
        return self._lend(purpose).conn

    def release_connection(self, conn: Connection) -> None:
        """Give a connection back.

        What is not committed is rolled back, and what was changed for the session is reset: settings, roles,
        ``autocommit``, isolation, temporary tables, locks. The log names what of this the client knows of without
        asking the server. A connection that cannot be used again is replaced.
        """
        with self._changed:
            lease = self._leases.get(id(conn))
        if lease is None:
            raise self._not_borrowed(conn)
        self._take_back(lease)

    @contextlib.contextmanager
    def connection(self, purpose: str = "general") -> Iterator[Connection]:
        """Borrow a connection for a block. Nothing is committed at its end; see ``release_connection()``."""
        lease = self._lend(purpose)
        try:
            yield lease.conn
        finally:
            self._take_back(lease)

    def held(self) -> List[Holding]:
        """Who has a connection at this moment, the longest first: after a program's work this should be nobody."""
        with self._changed:
            leases = sorted(self._leases.values(), key=lambda lease: lease.since)
        return [lease.holding() for lease in leases]

    def _current_strategy(self) -> PoolStrategy:
        with self._changed:
            if self._is_closed:
                raise ServiceClosed("the connection service is closed")
            if self._strategy is None:
                address = os.environ.get(ADDRESS_VARIABLE)
                if not address:
                    raise NotConfigured(f"call configure() when the program starts, or set {ADDRESS_VARIABLE}")
                self._strategy = SimplePoolStrategy(address)
            return self._strategy

    def _lend(self, purpose: str) -> _Lease:
        strategy = self._current_strategy()
        try:
            conn = strategy.acquire()
        except PoolExhausted as error:
            # Who has the connections is known here only.
            raise PoolExhausted(error.size, error.waited, self.held()) from None
        try:
            pid = getattr(getattr(conn, "info", None), "backend_pid", None)
            thread = threading.current_thread().name
            lease = _Lease(conn, strategy, purpose, time.monotonic(), thread, _caller(), pid)
            with self._changed:
                self._leases[id(conn)] = lease
        except BaseException:
            strategy.release(conn)
            raise
        return lease

    def _take_back(self, lease: _Lease) -> None:
        """Hand a connection to its pool, which may lend it to somebody else at once."""
        with self._changed:
            # Not by the connection alone: somebody else may have borrowed it by now.
            if self._leases.get(id(lease.conn)) is not lease:
                raise self._not_borrowed(lease.conn)
            del self._leases[id(lease.conn)]
            self._returned[lease.conn] = _caller()
        try:
            names = lease.strategy.release(lease.conn)
        finally:
            with self._changed:
                self._changed.notify_all()
        if names:
            self._tell(lease, ", ".join(names))

    def _tell(self, lease: _Lease, names: str) -> None:
        """Name what a borrower left changed: once for each place in the program, which may come by every second."""
        with self._changed:
            is_new = (lease.where, names) not in self._told
            self._told.add((lease.where, names))
        level = logging.WARNING if is_new else logging.DEBUG
        logger.log(level, "a borrower left these changed, and they are reset: %s; %s", names, lease.holding())

    def _not_borrowed(self, conn: Connection) -> NotBorrowed:
        where = self._returned.get(conn)
        if where is None:
            return NotBorrowed("this connection was not borrowed from this service, or not by this process")
        return NotBorrowed(f"this connection was given back already, at {where}")

    def _start_anew(self) -> None:
        """This is a forked child: the connections belong to the parent, and its other threads do not exist here."""
        self._changed = threading.Condition()
        if self._strategy is not None:
            self._strategy.abandon()
        self._leases = {}
        self._returned = WeakKeyDictionary()


def _caller() -> str:
    """The line that called into this package."""
    frame = sys._getframe(1)
    while True:
        path = frame.f_code.co_filename
        if os.path.dirname(os.path.abspath(path)) != _HERE and path != contextlib.__file__:
            return f"{path}:{frame.f_lineno}"
        if frame.f_back is None:
            return "unknown"
        frame = frame.f_back
