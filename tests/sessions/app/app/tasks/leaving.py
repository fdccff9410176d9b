"""Blocks that change something and never commit, or not on every path."""

from sqlalchemy import column, func, insert, select, table, text, update

from app.models import Domain, Tag
from app.session import session_factory


async def attribute_changed(key: int) -> str:
    async with session_factory() as session:
        domain = (await session.execute(select(Domain).where(Domain.id == key))).scalar_one()
        domain.status = "changed"
        return domain.status


async def added(name: str) -> None:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))


async def flushed(name: str) -> int:
    async with session_factory() as session:
        domain = Domain(name=name, status="new")
        session.add(domain)
        await session.flush()
        return domain.id


async def bulk_update_left(status: str) -> int:
    async with session_factory() as session:
        return (await session.execute(update(Domain).values(status=status))).rowcount


async def update_by_text_left(key: int) -> None:
    async with session_factory() as session:
        await session.execute(text("UPDATE domains SET views = views + 1 WHERE id = :key"), {"key": key})


async def returned_before_the_commit(name: str, dry: bool) -> bool:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        if dry:
            return False
        await session.commit()
        return True


async def committed_under_a_condition(name: str, dry: bool) -> None:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        if not dry:
            await session.commit()


async def changed_behind_the_commit(key: int) -> dict:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.status = "kept"
        await session.commit()
        domain.status = "shown"
        return {"status": domain.status}


async def collected(key: int) -> list:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.tags.append(Tag(name="more"))
        return [tag.name for tag in domain.tags]


async def collected_behind_the_commit(key: int) -> list:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.views = 7
        await session.commit()
        domain.tags.append(Tag(name="more"))
        return [tag.name for tag in domain.tags]


async def collected_under_a_name(key: int) -> int:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        tags = domain.tags
        tags.append(Tag(name="more"))
        return len(tags)


async def item_set(key: int) -> dict:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.data["seen"] = True
        return dict(domain.data)


async def item_deleted(key: int) -> int:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        del domain.tags[0]
        return len(domain.tags)


async def item_by_default(key: int) -> dict:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        return domain.data.setdefault("seen", {"by": "default"})


async def counted_up_left(key: int) -> int:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.views += 1
        return domain.views


async def both_changed(key: int) -> str:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.status, domain.views = "both", 5
        return domain.status


async def set_by_name(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        for name, value in {"status": "set"}.items():
            setattr(domain, name, value)


async def changed_by_its_method(key: int) -> str:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.activate()
        return domain.status


async def asked_by_its_method(key: int) -> bool:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        return domain.is_new()


def promote(domain: Domain) -> str:
    domain.status = "promoted"
    return domain.status


def described(domain: Domain) -> dict:
    return {"name": domain.name, "status": domain.status}


async def changed_by_a_function(key: int) -> str:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        return promote(domain)


async def described_by_a_function(key: int) -> dict:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        return described(domain)


async def writing_function_by_text(name: str) -> int:
    async with session_factory() as session:
        return (await session.execute(text("SELECT add_domain(:name)"), {"name": name})).scalar_one()


async def writing_function(name: str) -> int:
    async with session_factory() as session:
        return await session.scalar(select(func.add_domain(name)))


async def writing_function_in_a_part(name: str) -> int:
    part = select(func.add_domain(name).label("number")).subquery()
    async with session_factory() as session:
        return await session.scalar(select(part.c.number))


async def writing_function_as_column(name: str) -> int:
    async with session_factory() as session:
        return await session.scalar(select(text("add_domain(:name)")).params(name=name))


async def writing_part(name: str) -> list:
    new = insert(Domain).values(name=name, status="new").returning(Domain.id).cte("fresh")
    async with session_factory() as session:
        return (await session.scalars(select(new.c.id))).all()


async def writing_part_inside(name: str) -> list:
    async with session_factory() as session:
        query = select(insert(Domain).values(name=name, status="new").returning(Domain.id).cte("fresh").c.id)
        return (await session.scalars(query)).all()


async def writing_function_through_the_module(name: str) -> int:
    import sqlalchemy as sa

    async with session_factory() as session:
        return await session.scalar(sa.select(sa.func.add_domain(name)))


async def method_under_a_name(name: str) -> None:
    async with session_factory() as session:
        run = session.execute
        await run(insert(Domain).values(name=name, status="new"))


async def through_the_inner_session(name: str) -> None:
    async with session_factory() as session:
        session.sync_session.add(Domain(name=name, status="new"))


async def run_in_step(name: str) -> None:
    async with session_factory() as session:
        await session.run_sync(lambda inner: inner.add(Domain(name=name, status="new")))


class Promoter:
    def __init__(self) -> None:
        self.count = 0

    def promote(self, domain: Domain) -> None:
        domain.status = "promoted"


class Office:
    def __init__(self) -> None:
        self.promoter = Promoter()

    async def promote(self, key: int) -> None:
        async with session_factory() as session:
            domain = await session.get(Domain, key)
            self.promoter.promote(domain)


async def changed_by_a_service(key: int) -> None:
    promoter = Promoter()
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        promoter.promote(domain)


async def changed_by_the_service_of_an_office(key: int) -> None:
    await Office().promote(key)


async def all_changed_by_a_function() -> list:
    async with session_factory() as session:
        return [promote(domain) for domain in await session.scalars(select(Domain))]


async def mapped_to_a_function() -> list:
    async with session_factory() as session:
        return list(map(promote, await session.scalars(select(Domain))))


async def begun_in_the_header(name: str) -> None:
    async with session_factory() as session, session.begin():
        session.add(Domain(name=name, status="new"))


async def commit_that_nobody_awaits(name: str) -> None:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        session.commit()


async def changed_by_a_nested_function(key: int) -> None:
    mark = lambda domain: setattr(domain, "status", "marked")

    async with session_factory() as session:
        domain = await session.get(Domain, key)
        mark(domain)


async def set_by_its_own_method(key: int) -> None:
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        domain.__setattr__("status", "set")


async def left_by_a_case(name: str, key: int) -> None:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        match key:
            case 1:
                return
        await session.commit()


async def committed_behind_a_condition(name: str, dry: bool) -> None:
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        dry or await session.commit()


async def update_of_a_table_by_name(status: str) -> None:
    domains = table("domains", column("status"))
    async with session_factory() as session:
        await session.execute(domains.update().values(status=status))


def new_domain(name: str):
    return insert(Domain).values(name=name, status="new").returning(Domain)


async def writing_statement_of_a_function(name: str) -> list:
    async with session_factory() as session:
        return (await session.scalars(select(Domain).from_statement(new_domain(name)))).all()


async def rows_of(statement, number: int) -> list:
    async with session_factory() as session:
        return (await session.scalars(select(Domain).from_statement(statement))).all()


async def writing_statement_of_a_caller(name: str) -> list:
    return await rows_of(new_domain(name), 1)


def named(name: str) -> str:
    return name.strip()


async def compared_with_a_function(name: str) -> int:
    async with session_factory() as session:
        return await session.scalar(select(Domain.id).where(Domain.name == named(name)))
