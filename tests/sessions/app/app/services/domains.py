"""Functions that are given a session."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Domain


async def count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count(Domain.id)))


async def put(session: AsyncSession, name: str) -> None:
    session.add(Domain(name=name, status="new"))


async def put_and_commit(session: AsyncSession, name: str) -> None:
    session.add(Domain(name=name, status="new"))
    await session.commit()


async def mark(session: AsyncSession, key: int) -> None:
    domain = await session.get(Domain, key)
    domain.status = "marked"


async def mark_by_its_method(session: AsyncSession, key: int) -> None:
    domain = await session.get(Domain, key)
    domain.activate()


async def mark_twice(session: AsyncSession, key: int) -> None:
    domain = await session.get(Domain, key)
    domain.status = "marked"
    await session.commit()
    domain.status = "twice"


async def mark_all(session: AsyncSession, status: str) -> int:
    return (await session.execute(update(Domain).values(status=status))).rowcount


class Domains:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def names(self) -> list:
        return (await self.session.scalars(select(Domain.name).order_by(Domain.id))).all()

    async def put(self, name: str) -> None:
        self.session.add(Domain(name=name, status="new"))
