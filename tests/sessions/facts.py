"""What the rules of rewriting take for granted about the sessions of SQLAlchemy and the dependencies of FastAPI, checked on a server.

    facts.py ADDRESS

ADDRESS is that of a server where databases may be created. Each fact is a function; its name says what holds.
"""
from __future__ import annotations

import asyncio
import sys
import traceback
from contextlib import asynccontextmanager
from typing import Any, Awaitable, Callable, List, Type
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError, PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.exc import DetachedInstanceError

TABLES = """
    CREATE TABLE things (id serial PRIMARY KEY, name text UNIQUE);
    CREATE FUNCTION add_thing(name text) RETURNS integer LANGUAGE sql AS
        $$ INSERT INTO things (name) VALUES (name) RETURNING id $$;
"""


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    def rename(self, name: str) -> None:
        self.name = name


class Stage:
    """An engine on a database with an empty table, a factory of each kind, and the scope that the rules speak of."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.expiring = async_sessionmaker(engine)
        self.keeping = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def scope(self, factory: Any = None):
        session = (factory or self.keeping)()
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise
        finally:
            await session.close()

    async def names(self) -> List[str]:
        """What everybody sees in the table."""
        async with self.engine.connect() as conn:
            return list((await conn.execute(text("SELECT name FROM things ORDER BY id"))).scalars())

    async def put(self, name: str) -> int:
        async with self.engine.begin() as conn:
            return (await conn.execute(text("SELECT add_thing(:name)"), {"name": name})).scalar_one()


Fact = Callable[[Stage], Awaitable[None]]
FACTS: List[Fact] = []


def fact(function: Fact) -> Fact:
    FACTS.append(function)
    return function


async def raised(awaitable: Awaitable[Any]) -> Type[BaseException]:
    """The type of the error that comes of it."""
    try:
        value = await awaitable
    except Exception as error:
        return type(error)
    raise AssertionError(f"no error, but {value!r}")


def error_of(read: Callable[[], Any]) -> Type[BaseException]:
    try:
        value = read()
    except Exception as error:
        return type(error)
    raise AssertionError(f"no error, but {value!r}")


@fact
async def closing_takes_back_what_is_not_committed(stage: Stage) -> None:
    async with stage.keeping() as session:
        session.add(Thing(name="flushed"))
        await session.flush()
        session.add(Thing(name="pending"))
    assert await stage.names() == []


@fact
async def the_scope_commits_what_the_block_left(stage: Stage) -> None:
    async with stage.scope() as session:
        session.add(Thing(name="left"))
    assert await stage.names() == ["left"]


@fact
async def an_attribute_that_is_set_is_written_without_being_told(stage: Stage) -> None:
    key = await stage.put("old")
    async with stage.scope() as session:
        (await session.get(Thing, key)).rename("new")
    assert await stage.names() == ["new"]


@fact
async def an_exception_leaves_nothing_with_or_without_the_scope(stage: Stage) -> None:
    for opened in (stage.keeping, stage.scope, stage.keeping.begin):
        with_error = RuntimeError("refused")
        try:
            async with opened() as session:
                session.add(Thing(name="lost"))
                await session.flush()
                raise with_error
        except RuntimeError as error:
            assert error is with_error
        assert await stage.names() == [], opened


@fact
async def what_is_committed_stays_when_an_exception_follows(stage: Stage) -> None:
    for opened, name in ((stage.keeping, "a"), (stage.scope, "b")):
        try:
            async with opened() as session:
                session.add(Thing(name=name))
                await session.commit()
                raise RuntimeError
        except RuntimeError:
            pass
    assert await stage.names() == ["a", "b"]


@fact
async def a_commit_with_nothing_to_write_does_nothing(stage: Stage) -> None:
    async with stage.scope() as session:
        session.add(Thing(name="once"))
        await session.commit()
        assert not session.in_transaction()
    async with stage.scope() as session:
        assert await session.scalar(select(func.count(Thing.id))) == 1
    assert await stage.names() == ["once"]


@fact
async def a_commit_expires_objects_unless_told_not_to(stage: Stage) -> None:
    key = await stage.put("thing")
    for factory, lasts in ((stage.expiring, False), (stage.keeping, True)):
        async with stage.scope(factory) as session:
            thing = await session.get(Thing, key)
        if lasts:
            assert thing.name == "thing"
        else:
            assert error_of(lambda: thing.name) is DetachedInstanceError


@fact
async def closing_does_not_expire_objects(stage: Stage) -> None:
    key = await stage.put("thing")
    async with stage.expiring() as session:
        thing = await session.get(Thing, key)
    assert thing.name == "thing"


@fact
async def a_commit_inside_of_a_factory_that_begins_makes_the_rest_fail(stage: Stage) -> None:
    async def work() -> None:
        async with stage.keeping.begin() as session:
            session.add(Thing(name="before"))
            await session.commit()
            await session.scalar(select(func.count(Thing.id)))

    assert await raised(work()) is InvalidRequestError
    assert await stage.names() == ["before"]


@fact
async def a_transaction_cannot_begin_where_something_was_read(stage: Stage) -> None:
    async with stage.keeping() as session:
        await session.scalar(select(func.count(Thing.id)))
        assert await raised(session.begin().__aenter__()) is InvalidRequestError


@fact
async def a_factory_that_begins_commits_at_its_end_even_by_a_return(stage: Stage) -> None:
    async def work() -> None:
        async with stage.keeping.begin() as session:
            session.add(Thing(name="returned"))
            return

    await work()
    assert await stage.names() == ["returned"]


@fact
async def a_select_of_a_function_that_writes_is_committed_by_the_scope_only(stage: Stage) -> None:
    for statement in (text("SELECT add_thing('x')"), select(func.add_thing("x"))):
        async with stage.keeping() as session:
            await session.execute(statement)
        assert await stage.names() == []
    async with stage.scope() as session:
        await session.execute(select(func.add_thing("x")))
    assert await stage.names() == ["x"]


@fact
async def an_error_of_a_flush_must_be_taken_back_before_a_commit(stage: Stage) -> None:
    await stage.put("there")

    async def work() -> None:
        async with stage.scope() as session:
            session.add(Thing(name="there"))
            try:
                await session.flush()
            except IntegrityError:
                pass

    assert await raised(work()) is PendingRollbackError


@fact
async def an_error_of_a_statement_does_not_make_the_commit_fail(stage: Stage) -> None:
    async with stage.scope() as session:
        assert await raised(session.execute(text("SELECT 1 / 0")))
    async with stage.scope() as session:
        await session.execute(text("SELECT add_thing('lost')"))
        assert await raised(session.execute(text("SELECT 1 / 0")))
    assert await stage.names() == []


@fact
async def a_notice_is_given_when_it_is_committed(stage: Stage) -> None:
    async def heard(opened: Callable[[], Any]) -> List[str]:
        found: List[str] = []
        async with stage.engine.connect() as listener:
            driver = (await listener.get_raw_connection()).driver_connection
            await driver.add_listener("things", lambda *notice: found.append(notice[-1]))
            async with opened() as session:
                await session.execute(select(func.pg_notify("things", "told")))
            # Notices come with the answer to the next statement at the latest.
            await driver.fetchval("SELECT 1")
            await driver.reset()
        return found

    assert await heard(stage.keeping) == []
    assert await heard(stage.scope) == ["told"]


class Site:
    """An application with a dependency on the scope, which notes what happens."""

    def __init__(self, stage: Stage) -> None:
        self.order: List[str] = []
        self.application = FastAPI()

        async def dependency():
            try:
                async with stage.scope() as session:
                    yield session
                self.order.append("committed")
            except Exception as error:
                self.order.append(type(error).__name__)
                raise

        self.dependency = dependency

    async def get(self, path: str) -> httpx.Response:
        async def noting(scope, receive, send):
            async def note(message):
                if message["type"] == "http.response.body":
                    self.order.append("answered")
                await send(message)

            await self.application(scope, receive, note)

        transport = httpx.ASGITransport(app=noting, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.get(path)


@fact
async def a_dependency_is_left_after_the_handler_and_commits(stage: Stage) -> None:
    site = Site(stage)

    @site.application.get("/")
    async def handle(session: AsyncSession = Depends(site.dependency)):
        session.add(Thing(name="handled"))
        site.order.append("handled")

    assert (await site.get("/")).status_code == 200
    assert site.order.index("handled") < site.order.index("committed")
    assert await stage.names() == ["handled"]


@fact
async def a_dependency_commits_when_the_answer_is_given_already(stage: Stage) -> None:
    # So since FastAPI 0.118. Before, from 0.106 on, it was left between the handler and the answer, which the rules bear, too.
    site = Site(stage)
    await stage.put("there")

    @site.application.get("/")
    async def handle(session: AsyncSession = Depends(site.dependency)):
        session.add(Thing(name="there"))

    assert (await site.get("/")).status_code == 200
    assert site.order == ["answered", "IntegrityError"]


@fact
async def a_dependency_takes_back_on_an_http_exception(stage: Stage) -> None:
    site = Site(stage)

    @site.application.get("/")
    async def handle(session: AsyncSession = Depends(site.dependency)):
        session.add(Thing(name="refused"))
        await session.flush()
        raise HTTPException(409)

    assert (await site.get("/")).status_code == 409
    assert site.order[0] == "HTTPException"
    assert await stage.names() == []


@fact
async def dependencies_of_a_request_share_one_session(stage: Stage) -> None:
    site = Site(stage)

    async def other(session: AsyncSession = Depends(site.dependency)):
        return id(session)

    @site.application.get("/")
    async def handle(there: int = Depends(other), session: AsyncSession = Depends(site.dependency)):
        return there == id(session)

    assert (await site.get("/")).json() is True


@fact
async def a_task_behind_the_answer_runs_before_a_dependency_is_left(stage: Stage) -> None:
    site = Site(stage)

    @site.application.get("/")
    async def handle(tasks: BackgroundTasks, session: AsyncSession = Depends(site.dependency)):
        tasks.add_task(site.order.append, "task")

    await site.get("/")
    assert site.order == ["answered", "task", "committed"]


def within(address: str, path: str | None = None) -> str:
    """The address of a database on the same server, for SQLAlchemy."""
    parts = urlsplit(address)
    return f"postgresql+asyncpg://{parts.netloc}{path or parts.path}?{parts.query}"


async def holds(each: Fact, stage: Stage) -> bool:
    async with stage.engine.begin() as conn:
        await conn.execute(text("TRUNCATE things RESTART IDENTITY"))
    try:
        await each(stage)
    except Exception:
        print("FAILS:", each.__name__)
        traceback.print_exc()
        return False
    print("holds:", each.__name__)
    return True


async def main(address: str) -> int:
    name = f"connmod_facts_{uuid4().hex[:8]}"
    server = create_async_engine(within(address), isolation_level="AUTOCOMMIT")
    async with server.connect() as conn:
        await conn.execute(text(f"CREATE DATABASE {name}"))
    engine = create_async_engine(within(address, f"/{name}"))
    try:
        async with engine.begin() as conn:
            for statement in TABLES.split(";\n"):
                if statement.strip():
                    await conn.execute(text(statement))
        results = [await holds(each, Stage(engine)) for each in FACTS]
    finally:
        await engine.dispose()
        async with server.connect() as conn:
            await conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        await server.dispose()
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
