"""Sessions that are made and closed by hand, without asyncio."""

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.models import Domain
from app.session import session_factory


def read_by_hand() -> int:
    session = session_factory()
    try:
        return session.scalar(select(func.count(Domain.id)))
    finally:
        session.close()


def committed_by_hand(name: str) -> bool:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        session.commit()
        return True
    except IntegrityError:
        session.rollback()
        return False
    finally:
        session.close()


def left_by_hand(name: str) -> None:
    session = session_factory()
    try:
        session.add(Domain(name=name, status="new"))
        session.flush()
    finally:
        session.close()
