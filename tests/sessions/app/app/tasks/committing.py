"""Blocks that commit themselves."""

from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import IntegrityError

from app.errors import Full, Refused
from app.models import Domain, Tag
from app.session import session_factory


async def add(name: str) -> None:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        await session.commit()


async def add_and_give_number(name: str) -> int:
    async with session_factory() as session:
        domain = Domain(name=name, status="new")
        session.add(domain)
        await session.flush()
        number = domain.id
        await session.commit()
        return number


async def add_or_raise(name: str) -> None:
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.commit()
        except Exception:
            await session.rollback()
            raise


async def add_or_false(name: str) -> bool:
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.commit()
        except IntegrityError:
            await session.rollback()
            return False
        return True


async def add_or_other_error(name: str) -> None:
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.commit()
        except IntegrityError as error:
            raise Refused(name) from error


async def add_refused_in_the_middle(name: str, dry: bool) -> None:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        await session.flush()
        if dry:
            raise Refused(name)
        await session.commit()


async def change(key: int, status: str) -> bool:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        if domain is None:
            return False
        domain.status = status
        domain.data["by"] = "change"
        domain.tags.append(Tag(name=status))
        await session.commit()
        return True


async def count_up(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.views += 1
        await session.commit()


async def bulk_update(status: str) -> int:
    async with session_factory() as session:
        result = await session.execute(update(Domain).values(status=status))
        await session.commit()
        return result.rowcount


async def bulk_insert(names: list) -> None:
    async with session_factory() as session:
        await session.execute(insert(Domain), [{"name": name, "status": "new"} for name in names])
        await session.commit()


async def delete_all_tags() -> int:
    async with session_factory() as session:
        gone = await session.execute(delete(Tag))
        await session.commit()
        return gone.rowcount


async def update_by_text(key: int) -> None:
    async with session_factory() as session:
        await session.execute(text("UPDATE domains SET views = views + 1 WHERE id = :key"), {"key": key})
        await session.commit()


async def call_of_a_function(name: str) -> int:
    async with session_factory() as session:
        number = (await session.execute(text("SELECT add_domain(:name)"), {"name": name})).scalar_one()
        await session.commit()
        return number


async def taken_back(name: str) -> str:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        await session.flush()
        await session.rollback()
        return name


async def taken_back_by_closing(name: str) -> str:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        await session.flush()
        await session.close()
    return name


async def changed_under_a_condition(key: int, dry: bool) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        if not dry:
            domain.status = "changed"
        await session.commit()


async def merged(key: int, name: str) -> None:
    async with session_factory() as session:
        await session.merge(Domain(id=key, name=name, status="merged"))
        await session.commit()


async def two_handlers(name: str, key: int) -> str:
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.flush()
            if key > 1:
                raise Full(name)
            await session.commit()
            return "added"
        except Full:
            return "full"
        except IntegrityError:
            await session.rollback()
            return "there"


async def handler_that_may_roll_back(name: str, dry: bool, key: int) -> str:
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.flush()
            if key > 1:
                raise Full(name)
            await session.commit()
            return "added"
        except Full:
            if dry:
                await session.rollback()
            return "full"


async def suppressed(name: str, key: int) -> str:
    from contextlib import suppress

    async with session_factory() as session:
        with suppress(Full):
            session.add(Domain(name=name, status="new"))
            await session.flush()
            if key > 1:
                raise Full(name)
            await session.commit()
        return name


async def returned_from_finally(name: str, key: int) -> str:
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.flush()
            if key > 1:
                raise Full(name)
            await session.commit()
        finally:
            return name
