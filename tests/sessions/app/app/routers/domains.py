from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.models import Domain
from app.session import get_session_dependency, session_factory

router = APIRouter()


@router.get("/count")
async def route_counts():
    """How many there are."""
    async with session_factory() as session:
        return await session.scalar(select(func.count(Domain.id)))


@router.get("/objects")
async def route_gives_objects(status: str):
    async with session_factory() as session:
        rows = await session.scalars(select(Domain).where(Domain.status == status).order_by(Domain.id))
        return rows.all()


@router.get("/names")
async def route_gives_names(key: int = 1, *, status: str):
    async with session_factory() as session:
        query = select(Domain.name).where(Domain.status == status, Domain.id >= key)
        return (await session.scalars(query)).all()


@router.get("/one")
async def route_not_found(key: int):
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        if domain is None:
            raise HTTPException(404)
        return {"name": domain.name}


@router.post("/add")
async def route_adds(name: str):
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        await session.commit()
        return {"name": name}


@router.post("/add-or-conflict")
async def route_adds_or_tells(name: str):
    async with session_factory() as session:
        try:
            session.add(Domain(name=name, status="new"))
            await session.commit()
        except IntegrityError:
            await session.rollback()
            raise HTTPException(409, "is there already")
        return {"name": name}


@router.post("/add-refused")
async def route_refuses_in_the_middle(name: str, dry: bool):
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        await session.flush()
        if dry:
            raise HTTPException(400)
        await session.commit()
        return {"name": name}


@router.post("/add-and-raise")
async def route_raises_in_the_middle(name: str, dry: bool):
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        await session.flush()
        if dry:
            raise ValueError(name)
        await session.commit()


@router.post("/begin")
async def route_begins(name: str):
    async with session_factory() as session:
        async with session.begin():
            session.add(Domain(name=name, status="new"))
        return {"name": name}


@router.post("/factory-begin")
async def route_with_a_factory_that_begins(name: str):
    async with session_factory.begin() as session:
        session.add(Domain(name=name, status="new"))


@router.post("/mark")
async def route_changes_and_leaves(key: int):
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        if domain is None:
            raise HTTPException(404)
        domain.status = "marked"
        return {"status": domain.status}


@router.post("/insert")
async def route_inserts_and_leaves(name: str):
    async with session_factory() as session:
        await session.execute(insert(Domain).values(name=name, status="new"))
        return {"name": name}


@router.post("/add-object")
async def route_adds_and_gives_the_object(name: str):
    async with session_factory() as session:
        domain = Domain(name=name, status="new")
        session.add(domain)
        await session.commit()
        await session.refresh(domain)
        return domain


async def mark_later(key: int):
    async with session_factory() as session:
        await session.execute(update(Domain).where(Domain.id == key).values(status="later"))
        await session.commit()


@router.post("/later")
async def route_with_a_task_behind(key: int, tasks: BackgroundTasks):
    async with session_factory() as session:
        name = await session.scalar(select(Domain.name).where(Domain.id == key))
        tasks.add_task(mark_later, key)
        return {"name": name}


@router.post("/later-locked")
async def route_with_a_lock_and_a_task_behind(key: int, tasks: BackgroundTasks):
    async with session_factory() as session:
        name = await session.scalar(select(Domain.name).where(Domain.id == key).with_for_update())
        tasks.add_task(mark_later, key)
        return {"name": name}


@router.get("/stream")
async def route_streams():
    async with session_factory() as session:
        names = (await session.scalars(select(Domain.name).order_by(Domain.id))).all()
        return StreamingResponse(iter(names))


async def reader(session=Depends(get_session_dependency)):
    return await session.scalar(select(func.count(Domain.id)))


async def visitor(session=Depends(get_session_dependency)):
    session.add(Domain(name="visitor", status="new"))
    return "visitor"


@router.post("/shared-begin")
async def route_begins_beside_a_reader(name: str, count: int = Depends(reader)):
    async with session_factory() as session:
        async with session.begin():
            session.add(Domain(name=name, status="new"))
        return {"count": count}


@router.post("/shared-rollback")
async def route_takes_back_beside_a_visitor(name: str, who: str = Depends(visitor)):
    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        await session.rollback()
        return {"who": who}


@router.get("/shared-count")
async def route_counts_beside_a_visitor(who: str = Depends(visitor)):
    async with session_factory() as session:
        return await session.scalar(select(func.count(Domain.id)))


@router.get("/shared-by-decorator", dependencies=[Depends(visitor)])
async def route_counts_beside_a_visitor_of_its_decorator():
    async with session_factory() as session:
        return await session.scalar(select(func.count(Domain.id)))


NOTED: list = []


def note(domain):
    NOTED.append(domain.name)


@router.get("/noted")
async def route_with_an_object_for_a_task(key: int, tasks: BackgroundTasks):
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        if domain is not None:
            tasks.add_task(note, domain)
    return {"found": bool(domain)}


@router.get("/shown")
async def route_shows_an_object(key: int):
    async with session_factory() as session:
        domain = await session.get(Domain, key)
        return jsonable_encoder(domain)
