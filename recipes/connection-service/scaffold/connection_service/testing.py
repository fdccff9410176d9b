"""Connections without a server, for tests of code that borrows some::

    strategy = MockPoolStrategy(answers={"SELECT name FROM users WHERE id = %s": [("Ada",)]})
    service = ConnectionService(strategy)
    assert greeting(service, 1) == "Hello Ada"
    assert strategy.statements == [("SELECT name FROM users WHERE id = %s", (1,))]
    assert not service.held()

Code that borrows from the shared service is served by it after ``close()`` and ``configure(strategy)``.
"""

from __future__ import annotations

import threading
from typing import Any, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .errors import PoolExhausted, ServiceClosed
from .strategies import PoolStrategy

Row = Any
Answers = Mapping[str, Sequence[Row]]


class MockCursor:
    """What a program does with a cursor most of the time. It returns rows by the text of the statement.

    Like that of psycopg 3, ``execute`` returns the cursor; that of psycopg2 returns nothing.
    """

    #: Both drivers have it; what it says of columns is not imitated.
    description: Optional[Sequence[Any]] = None

    def __init__(self, connection: MockConnection) -> None:
        self.connection = connection
        self.rowcount = -1
        self.closed = False
        self._rows: List[Row] = []

    def execute(self, statement: Any, params: Any = None) -> MockCursor:
        self.connection.strategy.record(self.connection, statement, params)
        self._rows = list(self.connection.strategy.answer(statement))
        self.rowcount = len(self._rows)
        return self

    def executemany(self, statement: Any, params: Iterable[Any]) -> None:
        for each in params:
            self.execute(statement, each)

    def fetchone(self) -> Optional[Row]:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> List[Row]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def fetchall(self) -> List[Row]:
        rows, self._rows = self._rows, []
        return rows

    def close(self) -> None:
        self.closed = True

    def __iter__(self) -> Iterator[Row]:
        while self._rows:
            yield self._rows.pop(0)

    def __enter__(self) -> MockCursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class MockConnection:
    """A connection that writes down what it is told."""

    def __init__(self, strategy: MockPoolStrategy) -> None:
        self.strategy = strategy
        self.autocommit = False
        self.closed = False
        self.commits = 0
        self.rollbacks = 0
        #: Whether a statement ran that is neither committed nor rolled back.
        self.in_transaction = False

    def cursor(self, *_: Any, **__: Any) -> MockCursor:
        return MockCursor(self)

    def execute(self, statement: Any, params: Any = None) -> MockCursor:
        return self.cursor().execute(statement, params)

    def commit(self) -> None:
        self.commits += 1
        self.in_transaction = False

    def rollback(self) -> None:
        self.rollbacks += 1
        self.in_transaction = False

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> MockConnection:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is None:
            self.commit()
        else:
            self.rollback()


class MockPoolStrategy(PoolStrategy):
    """Lends connections that reach no server.

    ``answers`` has the rows for a statement by its text, in which white space does not count; any other statement has
    none. All statements are in ``statements``, in their order, each with its parameters.
    """

    def __init__(self, answers: Optional[Answers] = None, *, max_size: int = 10) -> None:
        self.answers = {_squeezed(statement): rows for statement, rows in (answers or {}).items()}
        self.max_size = max_size
        self.statements: List[Tuple[Any, Any]] = []
        #: All that were ever lent, so that a test can ask each for its commits.
        self.connections: List[MockConnection] = []
        self._idle: List[MockConnection] = []
        self._lent: List[MockConnection] = []
        self._is_closed = False
        self._lock = threading.Lock()

    def acquire(self) -> Any:
        with self._lock:
            if self._is_closed:
                raise ServiceClosed("the pool is closed")
            if len(self._lent) >= self.max_size:
                raise PoolExhausted(self.max_size, 0.0)
            if self._idle:
                conn = self._idle.pop()
            else:
                conn = MockConnection(self)
                self.connections.append(conn)
            self._lent.append(conn)
            return conn

    def release(self, conn: Any) -> Sequence[str]:
        changed: Sequence[str] = ()
        with self._lock:
            self._lent.remove(conn)
            if conn.in_transaction:
                conn.rollback()
            if conn.autocommit:
                conn.autocommit = False
                changed = ("autocommit",)
            if not conn.closed and not self._is_closed:
                self._idle.append(conn)
            else:
                conn.close()
        return changed

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            while self._idle:
                self._idle.pop().close()

    def abandon(self) -> None:
        self._lock = threading.Lock()
        self._idle, self._lent = [], []

    def record(self, conn: MockConnection, statement: Any, params: Any) -> None:
        """Write a statement down."""
        with self._lock:
            self.statements.append((statement, params))
        conn.in_transaction = not conn.autocommit

    def answer(self, statement: Any) -> Sequence[Row]:
        """The rows for a statement."""
        return self.answers.get(_squeezed(statement), ())


def _squeezed(statement: Any) -> str:
    return " ".join(str(statement).split())
