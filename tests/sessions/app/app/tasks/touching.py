"""Objects of a session that are changed by whoever they are handed to, and never committed."""

import operator

from sqlalchemy.orm.attributes import flag_modified

from app.models import Domain, Tag
from app.session import session_factory


def mark(domain: Domain) -> None:
    if domain is not None:
        domain.status = "marked"


HANDLERS = {"new": mark}


async def marked_by_a_table(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        HANDLERS["new"](domain)


async def marked_by_a_name_from_a_table(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        handler = HANDLERS.get("new")
        handler(domain)


async def marked_step_by_step(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        for step in (mark,):
            step(domain)


async def with_domain(number: int, work) -> None:
    async with session_factory() as session:
        work(await session.get(Domain, number))


async def marked_by_a_callback(key: int) -> None:
    await with_domain(key, mark)


async def item_set_under_a_name(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        data = domain.data if domain is not None else {}
        data["seen"] = True


async def item_set_by_a_function(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        operator.setitem(domain.data, "seen", True)


async def collection_found_by_its_name(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        getattr(domain, "tags").append(Tag(name="more"))


def add_tag(tags: list) -> None:
    tags.append(Tag(name="more"))


async def collection_handed_over(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        add_tag(domain.tags)


async def said_to_be_changed(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.__dict__["views"] = 5
        flag_modified(domain, "views")


class Job:
    def __init__(self, number: int) -> None:
        self.number = number
        self.domain = None
        self.steps = 0

    async def run(self) -> None:
        async with session_factory() as session:
            self.domain = await session.get(Domain, self.number)
            self.domain.status = "running"

    async def run_in_steps(self) -> None:
        async with session_factory() as session:
            self.domain = await session.get(Domain, self.number)
            self.step()

    def step(self) -> None:
        self.domain.status = "running"

    async def activate(self) -> None:
        async with session_factory() as session:
            self.domain = await session.get(Domain, self.number)
            self.domain.activate()

    async def look(self) -> str:
        async with session_factory() as session:
            self.domain = await session.get(Domain, self.number)
            self.steps += 1
            return self.domain.status


async def changed_in_an_attribute(key: int) -> None:
    await Job(key).run()


async def changed_in_an_attribute_by_a_method(key: int) -> None:
    await Job(key).run_in_steps()


async def activated_in_an_attribute(key: int) -> None:
    await Job(key).activate()


async def looked_at_in_an_attribute(key: int) -> str:
    return await Job(key).look()


class Editor:
    def __init__(self, domain: Domain) -> None:
        self.domain = domain

    def mark(self) -> None:
        self.domain.status = "edited"


async def changed_by_an_editor(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        editor = Editor(domain)
        editor.mark()


class Opening:
    def __init__(self, domain: Domain) -> None:
        domain.views += 1


async def changed_by_a_constructor(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        Opening(domain)


async def changed_by_a_function_around(key: int) -> None:
    domain = None

    def close() -> None:
        domain.status = "closed"

    async with session_factory() as session:
        domain = await session.get(Domain, key)
        close()


class Special(Domain):
    def demote(self) -> None:
        self.status = "demoted"


async def changed_by_a_method_of_its_kind(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        Special.demote(domain)
