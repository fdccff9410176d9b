"""Sessions in other hands, which go on working behind the commit."""

from functools import partial

from app.models import Domain
from app.session import session_factory


class Shelf:
    def __init__(self, session) -> None:
        self.session = session

    async def put(self, name: str) -> Domain:
        domain = Domain(name=name, status="shelf")
        self.session.add(domain)
        await self.session.flush()
        return domain


async def shelf_behind_the_commit(name: str) -> None:
    async with session_factory() as session:
        shelf = Shelf(session)
        await shelf.put(name)
        await session.commit()
        await shelf.put(f"{name}, too")


async def shelf_before_the_commit(name: str) -> int:
    async with session_factory() as session:
        shelf = Shelf(session)
        domain = await shelf.put(name)
        await session.commit()
        return domain.id


def put_one(session, name: str) -> None:
    session.add(Domain(name=name, status="new"))


async def partial_behind_the_commit(name: str) -> None:
    async with session_factory() as session:
        put = partial(put_one, session)
        put(name)
        await session.commit()
        put(f"{name}, too")


async def nested_behind_the_commit(name: str) -> None:
    async with session_factory() as session:

        def put(each: str) -> None:
            session.add(Domain(name=each, status="new"))

        put(name)
        await session.commit()
        put(f"{name}, too")


async def method_behind_the_commit(name: str) -> None:
    async with session_factory() as session:
        add = session.add
        add(Domain(name=name, status="new"))
        await session.commit()
        add(Domain(name=f"{name}, too", status="new"))


async def handle(data: dict, name: str) -> None:
    data["session"].add(Domain(name=name, status="handled"))


async def element_behind_the_commit(name: str) -> None:
    data: dict = {}
    async with session_factory() as session:
        data["session"] = session
        await session.commit()
        await handle(data, name)


async def element_before_the_commit(name: str) -> None:
    data: dict = {}
    async with session_factory() as session:
        data["session"] = session
        await handle(data, name)
        await session.commit()
