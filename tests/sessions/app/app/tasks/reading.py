"""Blocks that only read."""

import sqlalchemy as sa
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app import outside
from app.models import Domain, Tag
from app.session import session_factory

COUNT = "SELECT count(*) FROM domains WHERE status = :status"


async def count_all() -> int:
    async with session_factory() as session:
        return await session.scalar(select(func.count()).select_from(Domain))


async def names_of_status(status: str) -> list:
    async with session_factory() as session:
        rows = await session.execute(select(Domain.name).where(Domain.status == status).order_by(Domain.name))
        return rows.scalars().all()


async def name_of(key: int):
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        if domain is None:
            return None
        return domain.name


async def name_or_error(key: int) -> str:
    async with session_factory() as session:
        rows = await session.execute(select(Domain).where(Domain.id == key))
        domain = rows.scalar_one()
        return domain.name


async def count_by_text(status: str) -> int:
    async with session_factory() as session:
        return (await session.execute(text(COUNT), {"status": status})).scalar_one()


async def query_that_grows(status: str, key: int) -> list:
    query = select(Domain.id)
    if key > 1:
        query = query.where(Domain.status == status)
    query = query.order_by(Domain.id)
    async with session_factory() as session:
        return (await session.scalars(query)).all()


async def two_blocks(status: str) -> dict:
    async with session_factory() as session:
        total = await session.scalar(select(func.count(Domain.id)))
    async with session_factory() as session:
        some = await session.scalar(select(func.count(Domain.id)).where(Domain.status == status))
    return {"total": total, "some": some}


async def joined() -> list:
    async with session_factory() as session:
        rows = await session.execute(select(Domain.name, Tag.name).join(Tag, Tag.domain_id == Domain.id))
        return [list(row) for row in rows]


async def streamed() -> list:
    found = []
    async with session_factory() as session:
        async for name in await session.stream_scalars(select(Domain.name).order_by(Domain.id)):
            found.append(name)
    return found


async def locked(key: int):
    async with session_factory() as session:
        return await session.scalar(select(Domain.name).where(Domain.id == key).with_for_update())


async def error_of_the_server_swallowed(key: int):
    async with session_factory() as session:
        try:
            return await session.scalar(select(Domain.views / (key - key)).where(Domain.id == key))
        except DBAPIError:
            return None


async def found_through_an_alias() -> int:
    async with session_factory() as session:
        return await session.scalar(sa.select(sa.func.max(Domain.id)))


async def raised_in_the_middle(key: int):
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        return {"name": domain.name, "share": 10 // domain.views}


async def connection_lost_and_swallowed(key: int):
    async with session_factory() as session:
        await session.scalar(select(func.count(Domain.id)))
        await outside.wait()
        try:
            return await session.scalar(select(Domain.name).where(Domain.id == key))
        except DBAPIError:
            return None


async def connection_lost_and_taken_back(key: int):
    async with session_factory() as session:
        await session.scalar(select(func.count(Domain.id)))
        await outside.wait()
        try:
            return await session.scalar(select(Domain.name).where(Domain.id == key))
        except DBAPIError:
            await session.rollback()
            return None
