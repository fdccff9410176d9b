"""Sessions that are made and closed by hand."""

from sqlalchemy import func, select

from app.errors import Full, Refused
from app.models import Domain
from app.session import session_factory


async def read_and_closed() -> int:
    session = session_factory()
    try:
        return await session.scalar(select(func.count(Domain.id)))
    finally:
        await session.close()


async def committed_and_closed(name: str) -> str:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        await session.commit()
    finally:
        await session.close()
    return name


async def left_and_closed(name: str) -> None:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        await session.flush()
    finally:
        await session.close()


async def with_a_handler(name: str, dry: bool) -> bool:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        if dry:
            raise Refused(name)
        await session.commit()
        return True
    except Refused:
        await session.rollback()
        return False
    finally:
        await session.close()


async def with_a_handler_that_raises(name: str, dry: bool) -> None:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        if dry:
            raise ValueError(name)
        await session.commit()
    except ValueError as error:
        await session.rollback()
        raise Refused(name) from error
    finally:
        await session.close()


async def with_a_handler_that_swallows(name: str, dry: bool) -> bool:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        await session.flush()
        if dry:
            raise Refused(name)
        await session.commit()
        return True
    except Refused:
        return False
    finally:
        await session.close()


async def with_two_handlers(name: str, dry: bool) -> str:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        await session.flush()
        if dry:
            raise Full(name)
        await session.commit()
        return "added"
    except Full:
        return "full"
    except Refused:
        await session.rollback()
        return "refused"
    finally:
        await session.close()


async def with_an_else(name: str, dry: bool) -> str:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        if dry:
            raise Refused(name)
    except Refused:
        await session.rollback()
        return "refused"
    else:
        await session.commit()
        return "added"
    finally:
        await session.close()


async def object_read_behind(key: int) -> str:
    session = session_factory()
    try:
        domain = await session.get(Domain, key)
    finally:
        await session.close()
    return domain.name


async def commits_in_a_loop(names: list) -> None:
    session = session_factory()
    try:
        for name in names:
            session.add(Domain(name=name, status="new"))
            await session.commit()
    except Exception:
        await session.rollback()
        raise
    finally:
        await session.close()


async def error_behind_a_commit(name: str) -> None:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        await session.commit()
        raise Refused(name)
    finally:
        await session.close()
