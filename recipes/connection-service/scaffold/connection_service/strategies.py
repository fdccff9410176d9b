"""Where connections come from: one pool, several servers with failover, or whatever else a program needs.

A strategy lends connections and takes them back. Who has which one, since when and what for is the business of the
service, which a strategy knows nothing of.
"""

from __future__ import annotations

import collections
import dataclasses
import logging
import threading
import time
from abc import ABC, abstractmethod
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Sequence, Tuple
from weakref import WeakKeyDictionary

from . import driver
from .driver import Connection
from .errors import NoServerAvailable, PoolExhausted, ServiceClosed
from .session import Settings, has_news

logger = logging.getLogger(__name__)


class PoolStrategy(ABC):
    """Lends connections. All methods may be called by several threads at once."""

    @abstractmethod
    def acquire(self) -> Connection:
        """Lend a connection, of which nobody else has the use until it is released.

        Raises ``PoolExhausted`` when all are borrowed, and the driver's ``OperationalError`` when the server cannot be
        reached.
        """

    @abstractmethod
    def release(self, conn: Connection) -> Sequence[str]:
        """Take a connection back, roll back what was not committed, and forget what the borrower changed.

        The answer names the settings that were found changed, as far as that is known. Trouble with the connection or
        its server is no error: the connection is discarded.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what is idle now, and what is borrowed when it is released. Nothing can be acquired afterwards."""

    def open(self) -> None:
        """Connect now instead of at the first ``acquire``, so that a wrong address is an error at the start."""

    def abandon(self) -> None:
        """Let go of everything without touching it: this is a forked child, and all of it belongs to the parent."""


class _Slots:
    """As many places as there may be connections; who finds none waits, for a while.

    A place that is left goes to whoever waits longest. A semaphore would give it to the next who asks, which in a busy
    program is the thread that has just left it.
    """

    def __init__(self, size: int, max_wait: float) -> None:
        if size < 1:
            raise ValueError("a pool needs room for one connection at least")
        self.size = size
        self.max_wait = max_wait
        self._free = size
        self._waiting: Deque[threading.Event] = collections.deque()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take a place, and say how long it took to get one."""
        with self._lock:
            if self._free:
                self._free -= 1
                return 0.0
            if self.max_wait <= 0:
                raise PoolExhausted(self.size, 0.0)
            turn = threading.Event()
            self._waiting.append(turn)
        started = time.monotonic()
        try:
            turn.wait(self.max_wait)
        except BaseException:
            if not self._is_in_vain(turn):
                self.leave()
            raise
        if self._is_in_vain(turn):
            raise PoolExhausted(self.size, self.max_wait)
        return time.monotonic() - started

    def leave(self) -> None:
        """Leave a place to the next one."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _is_in_vain(self, turn: threading.Event) -> bool:
        """Stop waiting; whether there was no place, not even at the last moment."""
        with self._lock:
            if turn.is_set():
                return False
            self._waiting.remove(turn)
            return True


@dataclasses.dataclass(frozen=True)
class _Origin:
    """Where a connection comes from, and how it was set up when it was new."""

    pool: driver.Pool
    settings: Settings


class _Server:
    """The connections to one server."""

    #: What belongs to a parent process. To collect a connection might end it for the parent too, so all are kept.
    _of_parents: List[object] = []

    def __init__(self, dsn: str, min_size: int, max_size: int, connect_timeout: float, connect: Mapping[str, Any]) -> None:
        if not 0 <= min_size <= max_size:
            raise ValueError(f"a pool of {min_size} to {max_size} connections cannot be")
        parts = {**driver.parse(dsn), **connect}
        self.name = f"{parts.get('host') or 'local'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"
        options = dict(connect)
        if "connect_timeout" not in parts:
            options["connect_timeout"] = max(1, round(connect_timeout))
        # As the driver's pool takes them.
        self._arguments = (dsn, min_size, max_size, connect_timeout, options)
        self._pool: Optional[driver.Pool] = None
        self._closed = False
        self._opening = threading.Lock()
        self._origins: WeakKeyDictionary[Connection, _Origin] = WeakKeyDictionary()

    def pool(self) -> driver.Pool:
        """The pool, opened by whoever needs it first: a process that is forked before that shares nothing."""
        with self._opening:
            if self._closed:
                raise ServiceClosed("the pool is closed")
            if self._pool is None:
                self._pool = driver.Pool(*self._arguments)
            return self._pool

    def lend(self, is_alive: Callable[[Connection], bool], found_dead: Callable[[], None]) -> Connection:
        """A new connection, or one that is alive still; those that are not are discarded."""
        pool = self.pool()
        while True:
            conn = pool.get()
            try:
                if conn not in self._origins:
                    self._origins[conn] = _Origin(pool, driver.settings(conn))
                    return conn
                if not conn.closed and is_alive(conn):
                    return conn
            except BaseException:
                pool.discard(conn)
                raise
            # Each round closes one that was idle, so this ends with a new connection or with the driver's error.
            pool.discard(conn)
            found_dead()

    def take_back(self, conn: Connection) -> Tuple[bool, Sequence[str]]:
        """Clean a connection and keep it, or discard it where that fails: whether it is kept, and what was changed."""
        origin = self._origins[conn]
        names: Sequence[str] = ()
        is_clean = False
        try:
            if not conn.closed:
                names = driver.clean(conn, origin.settings)
                is_clean = True
        except driver.Error as error:
            logger.info("a connection to %s cannot be used again: %s", self.name, str(error).strip())
        finally:
            # Also when this thread is interrupted half-way.
            if is_clean:
                origin.pool.put(conn)
            else:
                origin.pool.discard(conn)
        return is_clean, names

    def retire(self) -> None:
        """Close what is idle, and what is borrowed when it comes back; start anew if the server is needed again."""
        with self._opening:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def close(self) -> None:
        """Retire for good."""
        self._closed = True
        self.retire()

    def abandon(self) -> None:
        """Keep what the parent process has, untouched, and start anew."""
        self._of_parents.append((self._pool, list(self._origins)))
        self._pool = None
        self._opening = threading.Lock()
        self._origins = WeakKeyDictionary()


def _seems_alive(conn: Connection) -> bool:
    """Whether a connection is alive, as far as that can be seen without a round trip; in doubt the server is asked."""
    return not has_news(conn.fileno()) or driver.answers(conn)


class SimplePoolStrategy(PoolStrategy):
    """The driver's own pool, for one server.

    ``connect`` goes to the driver's ``connect()``: ``cursor_factory``, ``row_factory``, ``password``. When all
    ``max_size`` connections are borrowed, the next borrower waits ``max_wait`` seconds; without it as long as the
    driver's pool does: psycopg2 not at all, psycopg 3 half a minute.

    An idle connection that the server has closed is not lent: its socket tells. A server that is cut off without a
    word is only noticed by the borrower's first statement; ``ResilientPoolStrategy`` asks it before.
    """

    def __init__(
        self,
        dsn: str = "",
        *,
        min_size: int = 1,
        max_size: int = 10,
        max_wait: Optional[float] = None,
        connect_timeout: float = 5.0,
        **connect: Any,
    ) -> None:
        self._slots = _Slots(max_size, driver.DEFAULT_WAIT if max_wait is None else max_wait)
        self._server = _Server(dsn, min_size, max_size, connect_timeout, connect)

    def __repr__(self) -> str:
        # Never the address itself, which may hold a password.
        return f"<SimplePoolStrategy of {self._server.name}>"

    def open(self) -> None:
        self._server.pool()

    def acquire(self) -> Connection:
        self._slots.take()
        try:
            return self._server.lend(_seems_alive, lambda: None)
        except BaseException:
            self._slots.leave()
            raise

    def release(self, conn: Connection) -> Sequence[str]:
        try:
            return self._server.take_back(conn)[1]
        finally:
            self._slots.leave()

    def close(self) -> None:
        self._server.close()

    def abandon(self) -> None:
        self._slots = _Slots(self._slots.size, self._slots.max_wait)
        self._server.abandon()


@dataclasses.dataclass(frozen=True)
class PoolMetrics:
    """What a ``ResilientPoolStrategy`` has done so far, and how it stands."""

    #: The server that lends now.
    server: str
    size: int
    in_use: int = 0
    acquired: int = 0
    released: int = 0
    #: Borrowers that had to wait for a connection, and for how long altogether.
    waited: int = 0
    wait_seconds: float = 0.0
    #: Borrowers that waited in vain.
    exhausted: int = 0
    #: Connections found dead when they were to be lent, and found unusable when they came back.
    found_dead: int = 0
    discarded: int = 0
    #: Times that a server could not be reached, and times that another one took over.
    unreachable: int = 0
    failovers: int = 0


class ResilientPoolStrategy(PoolStrategy):
    """Several servers of which one lends; when that one fails, the next in the list takes over.

    The one that took over goes on until it fails itself. There is no way back by itself: a primary that returns after
    a failover may lack what was written meanwhile.

    Before an idle connection is lent, the server is asked whether it is there. When all ``max_size`` connections are
    borrowed, the next borrower waits up to ``max_wait`` seconds. Connecting may take ``connect_timeout`` seconds more
    for each server.

    With ``writable``, a server that only reads, as a standby does, counts as unavailable; an address that has
    ``target_session_attrs`` of its own decides for itself. ``connect`` goes to the driver's ``connect()``, for all
    servers.
    """

    def __init__(
        self,
        dsns: Sequence[str],
        *,
        min_size: int = 1,
        max_size: int = 10,
        max_wait: float = 10.0,
        connect_timeout: float = 5.0,
        writable: bool = True,
        **connect: Any,
    ) -> None:
        if isinstance(dsns, str) or not dsns:
            raise ValueError("a list of addresses is needed, one at least")
        self._slots = _Slots(max_size, max_wait)
        self._servers: List[_Server] = []
        for dsn in dsns:
            given = {**driver.parse(dsn), **connect}
            # A server that is cut off without a word must not keep the question whether it is there waiting for long.
            options: Dict[str, Any] = {"tcp_user_timeout": max(1, round(connect_timeout * 1000))}
            if writable:
                options["target_session_attrs"] = "read-write"
            options = {name: option for name, option in options.items() if name not in given}
            options.update(connect)
            self._servers.append(_Server(dsn, min_size, max_size, connect_timeout, options))
        self._current = 0
        #: Which server lent a connection that is out: it goes back there, also after a failover.
        self._lenders: Dict[int, _Server] = {}
        self._metrics = PoolMetrics(server=self._servers[0].name, size=max_size)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<ResilientPoolStrategy of {', '.join(server.name for server in self._servers)}>"

    def open(self) -> None:
        self.release(self.acquire())

    def acquire(self) -> Connection:
        try:
            waited = self._slots.take()
        except PoolExhausted:
            self._count(exhausted=1, waited=1, wait_seconds=self._slots.max_wait)
            raise
        try:
            server, conn = self._lend()
        except BaseException:
            self._slots.leave()
            raise
        with self._lock:
            self._lenders[id(conn)] = server
        self._count(acquired=1, in_use=1, waited=int(waited > 0), wait_seconds=waited)
        return conn

    def release(self, conn: Connection) -> Sequence[str]:
        with self._lock:
            server = self._lenders.pop(id(conn))
        is_kept = False
        try:
            is_kept, names = server.take_back(conn)
            return names
        finally:
            self._slots.leave()
            self._count(released=1, in_use=-1, discarded=int(not is_kept))

    def close(self) -> None:
        for server in self._servers:
            server.close()

    def abandon(self) -> None:
        self._slots = _Slots(self._slots.size, self._slots.max_wait)
        self._lock = threading.Lock()
        self._lenders = {}
        self._metrics = PoolMetrics(server=self._servers[self._current].name, size=self._slots.size)
        for server in self._servers:
            server.abandon()

    def metrics(self) -> PoolMetrics:
        """What happened so far."""
        with self._lock:
            return self._metrics

    def _lend(self) -> Tuple[_Server, Connection]:
        """A connection to the current server, or to the first one after it that can be reached."""
        first = self._current
        failures: List[Tuple[str, Exception]] = []
        for step in range(len(self._servers)):
            index = (first + step) % len(self._servers)
            server = self._servers[index]
            try:
                conn = server.lend(driver.answers, lambda: self._count(found_dead=1))
            except driver.OperationalError as error:
                logger.warning("%s is not available: %s", server.name, str(error).strip())
                self._count(unreachable=1)
                failures.append((server.name, error))
                continue
            if index != first:
                self._take_over(first, index)
            return server, conn
        raise NoServerAvailable(failures)

    def _take_over(self, old: int, new: int) -> None:
        with self._lock:
            # Several borrowers may find out at the same time.
            if self._current != old:
                return
            self._current = new
            self._metrics = dataclasses.replace(
                self._metrics, server=self._servers[new].name, failovers=self._metrics.failovers + 1
            )
        self._servers[old].retire()
        logger.warning("%s takes over from %s", self._servers[new].name, self._servers[old].name)

    def _count(self, **more: float) -> None:
        with self._lock:
            counted = {name: getattr(self._metrics, name) + number for name, number in more.items()}
            self._metrics = dataclasses.replace(self._metrics, **counted)
