"""The one way to a database session.

A route declares that it depends on one::

    @router.get("/reports")
    def reports(session: Session = Depends(get_session_dependency)):
        return session.scalars(select(Report)).all()

Everything else opens one for a block, and hands it to what it calls::

    with get_session() as session:
        session.add(Report(title="weekly"))

Either way the session is committed when the block, or the request, ends well; an
exception rolls it back. It is closed in any case. Nothing else makes a session.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from MODULE import FACTORY


@contextmanager
def get_session() -> Iterator[Session]:
    """Lend a session for a block: one transaction, committed at the end of the block and rolled back if it raises."""
    with FACTORY() as session:
        yield session
        session.commit()


def get_session_dependency() -> Iterator[Session]:
    """Give a route a session for the length of its request; for ``Depends(get_session_dependency)``."""
    with get_session() as session:
        yield session
