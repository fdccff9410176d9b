"""Transactions that are begun by name."""

from sqlalchemy import func, select, text

from app.errors import Refused
from app.models import Domain
from app.session import session_factory


async def factory_begins(name: str) -> None:
    async with session_factory.begin() as session:
        session.add(Domain(name=name, status="new"))


async def factory_begins_and_raises(name: str, dry: bool) -> None:
    async with session_factory.begin() as session:
        session.add(Domain(name=name, status="new"))
        if dry:
            raise Refused(name)


async def factory_begins_and_returns(name: str, dry: bool) -> bool:
    async with session_factory.begin() as session:
        session.add(Domain(name=name, status="new"))
        if dry:
            return False
        await session.execute(text("UPDATE domains SET views = 9 WHERE name = :name"), {"name": name})
    return True


async def factory_begins_and_block_commits(name: str) -> None:
    async with session_factory.begin() as session:
        session.add(Domain(name=name, status="new"))
        await session.commit()
        await session.scalar(select(func.count(Domain.id)))


async def factory_begins_and_block_commits_last(name: str) -> None:
    async with session_factory.begin() as session:
        session.add(Domain(name=name, status="new"))
        await session.commit()


async def factory_begins_and_block_takes_back(name: str, dry: bool) -> None:
    async with session_factory.begin() as session:
        session.add(Domain(name=name, status="new"))
        if dry:
            await session.rollback()
            session.add(Domain(name="instead", status="new"))


async def session_begins(name: str) -> None:
    async with session_factory() as session:
        async with session.begin():
            session.add(Domain(name=name, status="new"))


async def session_begins_and_raises(name: str, dry: bool) -> None:
    async with session_factory() as session:
        async with session.begin():
            session.add(Domain(name=name, status="new"))
            if dry:
                raise Refused(name)


async def session_begins_and_is_read_behind(name: str) -> int:
    async with session_factory() as session:
        async with session.begin():
            session.add(Domain(name=name, status="new"))
        return await session.scalar(select(func.count(Domain.id)))


async def session_begins_and_is_changed_behind(name: str) -> None:
    async with session_factory() as session:
        async with session.begin():
            session.add(Domain(name=name, status="new"))
        session.add(Domain(name="behind", status="new"))


async def session_begins_too_late(name: str) -> None:
    async with session_factory() as session:
        await session.scalar(select(func.count(Domain.id)))
        async with session.begin():
            session.add(Domain(name=name, status="new"))


async def savepoint_left(name: str) -> None:
    async with session_factory() as session:
        async with session.begin_nested():
            session.add(Domain(name=name, status="new"))


async def savepoint_and_commit(name: str) -> None:
    async with session_factory() as session:
        async with session.begin_nested():
            session.add(Domain(name=name, status="new"))
        await session.commit()
