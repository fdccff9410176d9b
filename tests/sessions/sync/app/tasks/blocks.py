"""Blocks without asyncio."""

from sqlalchemy import func, insert, select

from app.errors import Refused
from app.models import Domain
from app.session import session_factory


def read() -> int:
    with session_factory() as session:
        return session.scalar(select(func.count(Domain.id)))


def committed(name: str) -> int:
    with session_factory() as session:
        domain = Domain(name=name, status="new")
        session.add(domain)
        session.commit()
        return domain.id


def left(name: str) -> None:
    with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        session.flush()


def inserted_and_left(name: str) -> None:
    with session_factory() as session:
        session.execute(insert(Domain).values(name=name, status="new"))


def refused(name: str, dry: bool) -> None:
    with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        session.flush()
        if dry:
            raise Refused(name)
        session.commit()


def begun(name: str) -> None:
    with session_factory.begin() as session:
        session.add(Domain(name=name, status="new"))


def given_back(key: int):
    with session_factory() as session:
        return session.get(Domain, key)


def loaded_lazily_behind_the_commit(key: int):
    with session_factory() as session:
        domain = session.get(Domain, key)
        domain.views = 4
        session.commit()
    return domain.name


def commit_in_a_comprehension(name: str, dry: bool) -> list:
    with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        return [session.commit() for _ in range(dry)]


def commit_that_nobody_asks_for(name: str) -> None:
    later = []
    with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        later.append(lambda: session.commit())
