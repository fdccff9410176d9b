"""Handlers and loops that leave a block before its change is committed or taken back."""

from sqlalchemy.exc import IntegrityError

from app.errors import Full
from app.models import Domain
from app.session import session_factory


async def returned_before_the_rollback(name: str, dry: bool) -> str:
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.flush()
            if name == "gamma":
                raise Full(name)
            await session.commit()
        except (IntegrityError, Full):
            if dry:
                return "dry"
            await session.rollback()
        return "done"


async def returned_or_raised(name: str, dry: bool) -> str:
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.flush()
            if name == "gamma":
                raise Full(name)
            await session.commit()
        except (IntegrityError, Full):
            if dry:
                return "dry"
            raise
        return "done"


async def rolled_back_or_raised(name: str, dry: bool) -> str:
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.flush()
            await session.commit()
        except IntegrityError:
            if dry:
                await session.rollback()
                return "dry"
            raise
        return "done"


async def continued_before_the_rollback(names: list) -> int:
    count = 0
    for name in names:
        async with session_factory() as session:
            try:
                session.add(Domain(name=name, status="new"))
                await session.flush()
                if name == "skipped":
                    raise Full(name)
                await session.commit()
                count += 1
            except Full:
                if count > 0:
                    continue
                await session.rollback()
    return count


async def returned_in_the_next_round(names: list) -> str:
    async with session_factory() as session:
        for name in names:
            if name == "skipped":
                return "stopped"
            session.add(Domain(name=name, status="new"))
        await session.commit()
    return "all"


async def broken_off_in_the_next_round(names: list) -> str:
    async with session_factory() as session:
        for name in names:
            if name == "skipped":
                break
            session.add(Domain(name=name, status="new"))
        await session.commit()
    return "all"
