"""Loops around and inside of blocks."""

from sqlalchemy import select

from app.errors import Refused
from app.models import Domain
from app.session import session_factory


async def block_in_a_loop(names: list) -> None:
    for name in names:
        async with session_factory() as session:
            session.add(Domain(name=name, status="new"))
            await session.commit()


async def commit_in_a_loop(names: list) -> int:
    count = 0
    async with session_factory() as session:
        for name in names:
            session.add(Domain(name=name, status="new"))
            await session.commit()
            count += 1
    return count


async def commit_behind_a_loop(names: list) -> None:
    async with session_factory() as session:
        for name in names:
            if name == "skipped":
                continue
            session.add(Domain(name=name, status="new"))
        await session.commit()


async def refused_in_a_loop(names: list) -> None:
    async with session_factory() as session:
        for name in names:
            session.add(Domain(name=name, status="new"))
            if name == "skipped":
                raise Refused(name)
            await session.commit()


async def left_in_a_loop(names: list) -> None:
    async with session_factory() as session:
        for name in names:
            session.add(Domain(name=name, status="new"))
            if name == "skipped":
                break
            await session.commit()


async def skipped_in_a_loop(names: list) -> None:
    async with session_factory() as session:
        for name in names:
            domain = Domain(name=name, status="new")
            session.add(domain)
            if name == "skipped":
                continue
            await session.commit()


async def block_left_by_continue(names: list) -> None:
    for name in names:
        async with session_factory() as session:
            session.add(Domain(name=name, status="new"))
            if name == "skipped":
                continue
            await session.commit()


async def block_left_by_break(names: list) -> None:
    for name in names:
        async with session_factory() as session:
            session.add(Domain(name=name, status="new"))
            if name == "skipped":
                break
            await session.commit()


async def taken_back_in_a_loop(names: list) -> None:
    for name in names:
        async with session_factory() as session:
            session.add(Domain(name=name, status="new"))
            if name == "skipped":
                await session.rollback()
                continue
            await session.commit()


async def names_read_in_a_loop(names: list) -> list:
    found = []
    async with session_factory() as session:
        for name in names:
            found.append(await session.scalar(select(Domain.id).where(Domain.name == name)))
    return found


async def change_behind_the_commit_in_a_loop(names: list) -> None:
    async with session_factory() as session:
        for name in names:
            await session.commit()
            session.add(Domain(name=name, status="new"))
