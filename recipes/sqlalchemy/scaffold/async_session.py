"""The one way to a database session.

A route declares that it depends on one::

    @router.get("/reports")
    async def reports(session: AsyncSession = Depends(get_session_dependency)):
        return (await session.scalars(select(Report))).all()

Everything else opens one for a block, and hands it to what it calls::

    async with get_session() as session:
        session.add(Report(title="weekly"))

Either way the session is committed when the block, or the request, ends well; an
exception rolls it back. It is closed in any case. Nothing else makes a session.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from MODULE import FACTORY


@asynccontextmanager
async def get_session() -> AsyncIterator[AsyncSession]:
    """Lend a session for a block: one transaction, committed at the end of the block and rolled back if it raises."""
    async with FACTORY() as session:
        yield session
        await session.commit()


async def get_session_dependency() -> AsyncIterator[AsyncSession]:
    """Give a route a session for the length of its request; for ``Depends(get_session_dependency)``."""
    async with get_session() as session:
        yield session
