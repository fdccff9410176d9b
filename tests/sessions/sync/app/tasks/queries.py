"""The older way to ask."""

from app.models import Domain
from app.session import session_factory


def filtered(query):
    return query.filter(Domain.status == "new")


def queried(status: str) -> list:
    with session_factory() as session:
        return [domain.name for domain in session.query(Domain).filter(Domain.status == status)]


def updated_by_query(status: str) -> int:
    with session_factory() as session:
        count = session.query(Domain).filter(Domain.id > 1).update({"status": status})
        session.commit()
        return count


def updated_by_query_and_left(status: str) -> int:
    with session_factory() as session:
        return session.query(Domain).filter(Domain.id > 1).update({"status": status})


def updated_by_a_named_query_and_left(status: str) -> int:
    with session_factory() as session:
        query = session.query(Domain)
        return query.filter(Domain.id > 1).update({"status": status})


def updated_by_a_query_named_twice_and_left(status: str) -> int:
    with session_factory() as session:
        query = session.query(Domain)
        some = query.filter(Domain.id > 1)
        return some.update({"status": status})


def updated_by_a_query_of_a_function_and_left(status: str) -> int:
    with session_factory() as session:
        return filtered(session.query(Domain)).update({"status": status})


def changed_in_a_loop_and_left() -> None:
    with session_factory() as session:
        for domain in session.query(Domain):
            domain.views += 1
