"""Brings an empty database to the state that the scenarios start from.

    prepare.py --dsn OWNER_DSN --app-root tests/fixtures/ledger

Applies the sample's SQL migrations, then its Alembic ones (without Alembic: `op.execute` is all they use), then
`seed.sql`. Connects as the owner of the tables; the application's role is created by the first migration.
"""
from __future__ import annotations

import argparse
import asyncio
import importlib.util
import sys
import types
from pathlib import Path

import asyncpg

SEED = Path(__file__).resolve().parent / "seed.sql"


def alembic_statements(path: Path) -> list[str]:
    """What `upgrade()` of a migration would run."""
    statements: list[str] = []
    op = types.SimpleNamespace(execute=statements.append)
    alembic = types.ModuleType("alembic")
    alembic.op = op
    sys.modules["alembic"] = alembic
    try:
        spec = importlib.util.spec_from_file_location(f"migration_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.upgrade()
    finally:
        del sys.modules["alembic"]
    return statements


async def prepare(dsn: str, app_root: Path) -> int:
    migrations = app_root / "backend" / "migrations"
    conn = await asyncpg.connect(dsn)
    applied = 0
    try:
        for path in sorted(migrations.glob("*.sql")):
            await conn.execute(path.read_text(encoding="utf-8"))
            applied += 1
        for path in sorted((migrations / "versions").glob("*.py")):
            for statement in alembic_statements(path):
                await conn.execute(statement)
            applied += 1
        await conn.execute(SEED.read_text(encoding="utf-8"))
    finally:
        await conn.close()
    return applied


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--app-root", required=True, type=Path)
    options = parser.parse_args()
    sys.dont_write_bytecode = True
    applied = asyncio.run(prepare(options.dsn, options.app_root.resolve()))
    print(f"{applied} migrations applied")


if __name__ == "__main__":
    main()
