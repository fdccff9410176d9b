from fastapi import APIRouter, HTTPException
from sqlalchemy import func, select

from app.models import Domain
from app.session import session_factory

router = APIRouter()


@router.get("/count")
def route_counts():
    with session_factory() as session:
        return session.scalar(select(func.count(Domain.id)))


@router.post("/add")
def route_adds(name: str, dry: bool):
    with session_factory() as session:
        session.add(Domain(name=name, status="new"))
        session.flush()
        if dry:
            raise HTTPException(400)
        session.commit()
        return {"name": name}


@router.get("/objects")
def route_gives_objects(status: str):
    with session_factory() as session:
        return session.scalars(select(Domain).where(Domain.status == status)).all()


@router.post("/mark")
def route_marks_and_leaves(key: int):
    with session_factory() as session:
        domain = session.get(Domain, key)
        if domain is None:
            raise HTTPException(404)
        domain.status = "marked"
        return {"status": domain.status}
