"""Blocks that hand their session to others."""

from app.services import domains
from app.services.domains import Domains
from app.session import session_factory


async def helper_reads() -> int:
    async with session_factory() as session:
        return await domains.count(session)


async def helper_writes(name: str) -> None:
    async with session_factory() as session:
        await domains.put(session, name)


async def helper_writes_and_block_commits(name: str) -> None:
    async with session_factory() as session:
        await domains.put(session, name)
        await session.commit()


async def helper_writes_and_commits(name: str) -> None:
    async with session_factory() as session:
        await domains.put_and_commit(session, name)


async def helper_marks(key: int) -> None:
    async with session_factory() as session:
        await domains.mark(session, key)


async def helper_marks_by_a_method(key: int) -> None:
    async with session_factory() as session:
        await domains.mark_by_its_method(session, key)


async def helper_marks_twice(key: int) -> None:
    async with session_factory() as session:
        await domains.mark_twice(session, key)


async def helper_marks_all(status: str, dry: bool) -> int:
    async with session_factory() as session:
        count = await domains.mark_all(session, status)
        if dry:
            await session.rollback()
            return -count
        await session.commit()
        return count


async def repository_reads() -> list:
    async with session_factory() as session:
        return await Domains(session).names()


async def repository_writes(name: str) -> None:
    async with session_factory() as session:
        await Domains(session).put(name)


async def bare_dependency():
    async with session_factory() as session:
        yield session


async def whoever_takes_the_dependency(name: str) -> None:
    async for session in bare_dependency():
        await domains.put(session, name)
