"""Runs the application in `plain/`, which has no standard module at first, and prints what it answers and leaves in the tables.

    plain.py ADDRESS ROLE APP_ROOT

ADDRESS is that of a server where databases and roles may be created. ROLE is `bound`, a role that the policies bind, or
`bypassing`, the superuser of ADDRESS.
"""
from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Dict
from uuid import UUID, uuid4

import asyncpg

from scenarios import all_rows, changes, masked, query_of_all_rows, step
from stage import within

A, B = UUID(int=10), UUID(int=11)

TASKS = "INSERT INTO tasks (id, owner, title, label) VALUES ($1, $2, $3, $4)"
ROWS = [(1, A, "a sows", "garden"), (2, A, "a reaps", None), (3, B, "b reads", "books"), (4, B, "b writes", None)]


async def prepare(owner: asyncpg.Connection, root: Path, role: str) -> None:
    for path in sorted((root / "migrations").glob("*.sql")):
        await owner.execute(path.read_text(encoding="utf-8"))
    await owner.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    await owner.executemany("INSERT INTO users VALUES ($1, $2)", [(A, "Ada"), (B, "Béla")])
    await owner.executemany("INSERT INTO labels VALUES ($1, $2)", [("garden", "Garden"), ("books", "Books")])
    await owner.executemany(TASKS, ROWS)
    await owner.execute("SELECT setval(pg_get_serial_sequence('tasks', 'id'), 100)")


async def of_user(app: Any, user_id: UUID, others_task: int, own: int) -> Dict[str, Any]:
    from app.api.tasks import User

    user = User(user_id)
    return {
        "open": await step(app.tasks.open_tasks(user)),
        "own": await step(app.tasks.task(user, own)),
        "not_own": await step(app.tasks.task(user, others_task)),
        "added": await step(app.tasks.add(user, "new", "garden")),
        "finished": await step(app.tasks.finish(user, own)),
        "not_finished": await step(app.tasks.finish(user, own + 1, 99)),
        "count": await step(app.tasks.count(user)),
        "open_then": await step(app.tasks.open_tasks(user)),
    }


async def of_everybody(app: Any) -> Dict[str, Any]:
    return {
        "labels": await step(app.labels.all()),
        "label_added": await step(app.labels.add("music", "Music")),
        "label_changed": await step(app.labels.add("music", "Sound")),
        "swapped": await step(app.labels.swap("music", "books")),
        "not_swapped": await step(app.labels.swap("music", "none")),
        "labels_then": await step(app.labels.all()),
        "recounted": await step(app.recount.run()),
        "runs": await step(app.recount.runs()),
    }


async def answers(root: Path, dsn: str, owner: asyncpg.Connection) -> Dict[str, Any]:
    from app.main import Application

    query = await query_of_all_rows(owner)
    before = await all_rows(owner, query)
    app = Application()
    await app.start(dsn)
    try:
        found = {"a": await of_user(app, A, 3, 1), "b": await of_user(app, B, 1, 3), "all": await of_everybody(app)}
    finally:
        await app.stop()
    return {**masked(found), "rows": changes(before, await all_rows(owner, query))}


async def main(address: str, role: str, root: Path) -> None:
    name = f"connmod_plain_{uuid4().hex[:8]}"
    server = await asyncpg.connect(address)
    await server.execute(f"CREATE ROLE {name} LOGIN")
    await server.execute(f"CREATE DATABASE {name}")
    try:
        owner = await asyncpg.connect(within(address, name))
        await prepare(owner, root, name)
        dsn = within(address, name, {"bound": name, "bypassing": None}[role])
        print(json.dumps(await answers(root, dsn, owner), indent=1, ensure_ascii=False))
        await owner.close()
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.execute(f"DROP ROLE {name}")
        await server.close()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.insert(0, sys.argv[3])
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
