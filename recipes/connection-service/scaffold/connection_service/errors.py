"""What can go wrong between a caller and the service.

Two kinds: that no connection can be had now, which a caller may expect and handle, and that the service is used
wrongly, which is a fault in the program. Errors of statements are the driver's own and pass through unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence, Tuple

from . import driver

if TYPE_CHECKING:
    from .service import Holding

#: A message that lists hundreds of holders helps nobody.
_HOLDERS_SHOWN = 10


class ConnectionServiceError(Exception):
    """Whatever the service itself refuses."""


class PoolExhausted(ConnectionServiceError, driver.PoolExhausted):
    """All connections are borrowed, and none came back in time.

    It is also the error that the pool of the driver raises for this, so that a caller that handles that one handles
    this one.
    """

    def __init__(self, size: int, waited: float, holders: Sequence[Holding] = ()) -> None:
        text = f"all {size} connections are borrowed"
        if waited > 0:
            text += f", and none came back within {waited:g} seconds"
        shown = holders[:_HOLDERS_SHOWN]
        text += "".join(f"\n  {holding}" for holding in shown)
        if len(holders) > len(shown):
            text += f"\n  and {len(holders) - len(shown)} more"
        super().__init__(text)
        self.size = size
        self.waited = waited
        #: Who has them, the longest first.
        self.holders: Tuple[Holding, ...] = tuple(holders)


class NoServerAvailable(ConnectionServiceError, driver.OperationalError):
    """None of the servers could be reached. It is also the driver's error for a server that cannot be reached."""

    def __init__(self, failures: Sequence[Tuple[str, Exception]]) -> None:
        lines = [f"\n  {server}: {str(error).strip() or type(error).__name__}" for server, error in failures]
        super().__init__("no database server is available" + "".join(lines))
        #: Each server that was tried, and why it was of no use.
        self.failures: Tuple[Tuple[str, Exception], ...] = tuple(failures)


class NotBorrowed(ConnectionServiceError):
    """A connection is given back that is not borrowed: released before, or never from this service."""


class NotConfigured(ConnectionServiceError):
    """Nobody said where the database is."""


class ServiceClosed(ConnectionServiceError):
    """The service has been closed."""
