"""Objects that are used behind the block that loaded them."""

from sqlalchemy import select

from app.models import Domain
from app.session import session_factory

SEEN: dict = {}
KEPT: list = []


class Keeper:
    def __init__(self) -> None:
        self.domain = None
        self.names: list = []

    async def load(self, key: int) -> None:
        async with session_factory() as session:
            self.domain = await session.get(Domain, key)

    async def load_names(self) -> None:
        async with session_factory() as session:
            self.names = (await session.scalars(select(Domain.name).order_by(Domain.id))).all()


async def given_back(key: int):
    async with session_factory() as session:
        return await session.get(Domain, key)


async def all_given_back() -> list:
    async with session_factory() as session:
        return (await session.scalars(select(Domain).order_by(Domain.id))).all()


async def read_behind(key: int) -> dict:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
    return {"name": domain.name, "tags": [tag.name for tag in domain.tags]}


async def plain_values_read_behind(key: int) -> dict:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        name = domain.name
    return {"name": name}


async def collected_and_read_behind() -> list:
    found = []
    async with session_factory() as session:
        for domain in await session.scalars(select(Domain).order_by(Domain.id)):
            found.append(domain)
    return [domain.name for domain in found]


async def committed_and_read_behind(name: str) -> dict:
    async with session_factory() as session:
        domain = Domain(name=name, status="new")
        session.add(domain)
        await session.commit()
    return {"name": domain.name}


async def refreshed_and_given_back(name: str):
    async with session_factory() as session:
        domain = Domain(name=name, status="new")
        session.add(domain)
        await session.commit()
        await session.refresh(domain)
        return domain


async def given_back_before_the_commit(key: int):
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        if domain is None or domain.status == "done":
            return domain
        domain.status = "done"
        await session.commit()


async def lazily_given_back():
    async with session_factory() as session:
        domains = (await session.scalars(select(Domain).order_by(Domain.id))).all()
        return (domain.name for domain in domains)


async def one_after_the_other():
    async with session_factory() as session:
        for domain in await session.scalars(select(Domain).order_by(Domain.id)):
            yield domain


async def kept_in_an_attribute(key: int):
    keeper = Keeper()
    await keeper.load(key)
    return keeper.domain


async def names_kept_in_an_attribute() -> list:
    keeper = Keeper()
    await keeper.load_names()
    return list(keeper.names)


async def load_into_a_global(key: int) -> None:
    async with session_factory() as session:
        SEEN[key] = await session.get(Domain, key)


async def kept_in_a_global(key: int):
    await load_into_a_global(key)
    return SEEN[key]


def keep(domain) -> None:
    KEPT[:] = [domain]


async def load_and_keep(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        keep(domain)


async def kept_by_a_function(key: int):
    await load_and_keep(key)
    return KEPT[0]


async def told_later(key: int):
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        tell = lambda: domain.name
    return tell()


async def set_in_the_function_around(key: int):
    found = None

    async def load() -> None:
        nonlocal found
        async with session_factory() as session:
            found = await session.get(Domain, key)

    await load()
    return found.name
