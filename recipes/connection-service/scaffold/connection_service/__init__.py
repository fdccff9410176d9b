"""The one way to a database connection: borrowed from the service, given back to it.

Say once, when the program starts, where the database is::

    configure(SimplePoolStrategy(os.environ["DATABASE_URL"], max_size=10))

Borrow a connection for as long as it is needed, and say what for::

    with connection_service.connection(purpose="nightly report") as conn:
        with conn.cursor() as cur:
            cur.execute("UPDATE jobs SET state = 'done' WHERE id = %s", (job_id,))
        conn.commit()

Nothing is committed for you. What is not committed when the connection is given
back is rolled back, whether the block ended well or with an exception.

Where a block does not fit, ``acquire_connection()`` and ``release_connection()`` do
the same in two steps; whoever acquires must release, also after an error.

A program that configures nothing is served from the address in the environment
variable ``DATABASE_URL``.
"""

from __future__ import annotations

import atexit

from .driver import Connection
from .errors import (
    ConnectionServiceError,
    NoServerAvailable,
    NotBorrowed,
    NotConfigured,
    PoolExhausted,
    ServiceClosed,
)
from .service import ConnectionService, Holding
from .strategies import PoolMetrics, PoolStrategy, ResilientPoolStrategy, SimplePoolStrategy
from .testing import MockConnection, MockPoolStrategy

__all__ = [
    "Connection",
    "ConnectionService",
    "ConnectionServiceError",
    "Holding",
    "MockConnection",
    "MockPoolStrategy",
    "NoServerAvailable",
    "NotBorrowed",
    "NotConfigured",
    "PoolExhausted",
    "PoolMetrics",
    "PoolStrategy",
    "ResilientPoolStrategy",
    "ServiceClosed",
    "SimplePoolStrategy",
    "close",
    "configure",
    "connection_service",
]

#: The service that the whole program shares.
connection_service = ConnectionService()


def configure(strategy: PoolStrategy) -> None:
    """Say from which pool the shared service lends; see ``ConnectionService.configure``."""
    connection_service.configure(strategy)


def close(timeout: float = 10.0) -> None:
    """End the shared service; see ``ConnectionService.close``."""
    connection_service.close(timeout)


# Scripts seldom close what they use. Nobody is waited for here: what is still borrowed when a program ends is a leak,
# and the warning names who has it.
atexit.register(close, timeout=0.0)
