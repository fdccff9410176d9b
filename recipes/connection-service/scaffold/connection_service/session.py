"""What a PostgreSQL session keeps beyond a transaction, and how it is forgotten before the next borrower comes."""

from __future__ import annotations

import selectors
from typing import Any, Dict, Tuple

#: One message to the server. It returns every setting to what it was when the connection was opened: ``SET``,
#: ``set_config``, roles; and ends what a session holds: cursors, listeners, advisory locks, temporary tables.
#:
#: ``DISCARD ALL`` would also drop prepared statements, and psycopg 3 prepares statements behind the scenes.
RESET_SESSION = (
    "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; "
    "SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"
)

#: The settings that a server reports to its clients whenever they change, so that looking at them costs nothing.
REPORTED = (
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "IntervalStyle",
    "search_path",
    "session_authorization",
    "TimeZone",
)

Settings = Dict[str, Any]

# Of those that take any number of a descriptor the one that is quickest to set up for a single question.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


def changed(before: Settings, after: Settings) -> Tuple[str, ...]:
    """The names of the settings that differ."""
    return tuple(sorted(name for name in before if before[name] != after[name]))


def has_news(descriptor: int) -> bool:
    """Whether the server sent something on this socket that nobody read yet.

    On a connection that nobody uses this is seldom good news: most often that the server has closed it.
    """
    with _Selector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(0))
