"""The one way to a session, without asyncio."""

from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.settings import DATABASE_URL

engine = create_engine(DATABASE_URL, pool_size=4, max_overflow=0, pool_timeout=2)

session_factory = sessionmaker(engine, expire_on_commit=False)


@contextmanager
def get_session():
    """A session whose work is committed at the end, or taken back by an error."""
    session = session_factory()
    try:
        yield session
        session.commit()
    except Exception:
        session.rollback()
        raise
    finally:
        session.close()


def get_session_dependency():
    """The same for routes."""
    with get_session() as session:
        yield session
