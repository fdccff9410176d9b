"""Route handlers as people write them. Put into the sample as `app/api/routes/probe_handlers.py`; each is called before and after."""
from __future__ import annotations

import asyncio
import csv
import io
import logging
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Dict, List, Optional
from uuid import UUID, uuid4

import asyncpg

from app.api.deps import CurrentUser, get_current_user
from app.db.connection import get_db_pool
from app.web import Depends, HTTPException, Router

logger = logging.getLogger(__name__)
router = Router("/handlers")

MAY = date(2024, 5, 1)
GOAL = UUID("0000ac01-0000-4000-8000-000000000000")


@dataclass
class GoalIn:
    name: str
    target: Decimal
    due_on: Optional[date] = None


@router.get("/goals")
async def goals(user: CurrentUser = Depends(get_current_user)) -> List[Dict[str, Any]]:
    pool = get_db_pool()
    async with pool.acquire() as conn:
        rows = await conn.fetch("SELECT name, target, saved FROM savings_goals WHERE user_id = $1 ORDER BY name", user.id)
        return [
            {**dict(row), "share": round(float(row["saved"] / row["target"]), 2)}
            for row in rows
        ]


@router.get("/goals/{goal_id}")
async def goal(goal_id: UUID = GOAL, user: CurrentUser = Depends(get_current_user)) -> Dict[str, Any]:
    async with get_db_pool().acquire() as conn:
        row = await conn.fetchrow("SELECT name FROM savings_goals WHERE id = $1 AND user_id = $2", goal_id, user.id)
        if not row:
            raise HTTPException(404, "no such goal")
        return dict(row)


@router.get("/goals/missing")
async def no_goal(user: CurrentUser = Depends(get_current_user)) -> Dict[str, Any]:
    async with get_db_pool().acquire() as conn:
        row = await conn.fetchrow("SELECT name FROM savings_goals WHERE id = $1 AND user_id = $2", UUID(int=5), user.id)
    if not row:
        raise HTTPException(404, "no such goal")
    return dict(row)


@router.post("/goals")
async def goal_added(user: CurrentUser = Depends(get_current_user)) -> Dict[str, Any]:
    body = GoalIn("bike", Decimal(300))
    pool = get_db_pool()
    async with pool.acquire() as conn:
        taken = await conn.fetchval("SELECT 1 FROM savings_goals WHERE user_id = $1 AND name = $2", user.id, body.name)
        if taken:
            raise HTTPException(409, "there is one of that name")
        row = await conn.fetchrow(
            "INSERT INTO savings_goals (user_id, name, target, due_on) VALUES ($1, $2, $3, $4) RETURNING name, target",
            user.id, body.name, body.target, body.due_on,
        )
    logger.info("goal %s", row["name"])
    return dict(row)


@router.patch("/goals/{goal_id}") if hasattr(router, "patch") else router.put("/goals/{goal_id}")
async def goal_changed(user: CurrentUser = Depends(get_current_user)) -> str:
    changes = {"name": "yacht", "target": Decimal(5000)}
    columns = ", ".join(f"{column} = ${n}" for n, column in enumerate(changes, start=3))
    async with get_db_pool().acquire() as conn:
        return await conn.execute(
            f"UPDATE savings_goals SET {columns} WHERE id = $1 AND user_id = $2", GOAL, user.id, *changes.values()
        )


@router.delete("/goals/{goal_id}")
async def goal_removed(user: CurrentUser = Depends(get_current_user)) -> Dict[str, bool]:
    async with get_db_pool().acquire() as conn:
        result = await conn.execute("DELETE FROM savings_goals WHERE id = $1 AND user_id = $2", GOAL, user.id)
    if result == "DELETE 0":
        raise HTTPException(404, "no such goal")
    return {"ok": True}


@router.get("/dashboard")
async def dashboard(user: CurrentUser = Depends(get_current_user)) -> Dict[str, Any]:
    async with get_db_pool().acquire() as conn:
        accounts = await conn.fetch("SELECT name, balance, currency FROM accounts WHERE user_id = $1 ORDER BY name", user.id)
        spent = await conn.fetchval(
            "SELECT COALESCE(-sum(amount), 0) FROM entries WHERE user_id = $1 AND amount < 0 AND booked_on >= $2", user.id, MAY
        )
        goals_left = await conn.fetchval("SELECT count(*) FROM savings_goals WHERE user_id = $1 AND saved < target", user.id)
    return {
        "accounts": [f"{a['name']}: {a['balance']} {a['currency']}" for a in accounts],
        "spent": spent,
        "goals": goals_left,
    }


@router.get("/search")
async def searched(q: str = "gro", user: CurrentUser = Depends(get_current_user)) -> List[str]:
    pattern = f"%{q.strip().lower()}%"
    async with get_db_pool().acquire() as conn:
        rows = await conn.fetch(
            "SELECT payee FROM entries WHERE user_id = $1 AND (lower(payee) LIKE $2 OR lower(memo) LIKE $2) ORDER BY id",
            user.id, pattern,
        )
    return [row["payee"] for row in rows]


@router.get("/export")
async def exported(user: CurrentUser = Depends(get_current_user)) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["booked on", "amount", "payee"])
    async with get_db_pool().acquire() as conn:
        for row in await conn.fetch("SELECT booked_on, amount, payee FROM entries WHERE user_id = $1 ORDER BY id", user.id):
            writer.writerow([row["booked_on"], row["amount"], row["payee"]])
    return out.getvalue()


@router.get("/exported-in-pieces")
async def exported_in_pieces(user: CurrentUser = Depends(get_current_user)):
    async with get_db_pool().acquire() as conn:
        async with conn.transaction():
            async for row in conn.cursor("SELECT payee FROM entries WHERE user_id = $1 ORDER BY id", user.id):
                yield row["payee"]


@router.post("/transfer")
async def transferred(user: CurrentUser = Depends(get_current_user)) -> Dict[str, Any]:
    amount = Decimal("10")
    async with get_db_pool().acquire() as conn:
        async with conn.transaction():
            accounts = await conn.fetch(
                "SELECT id, balance FROM accounts WHERE user_id = $1 AND closed_on IS NULL ORDER BY name DESC FOR UPDATE", user.id
            )
            if len(accounts) < 2:
                raise HTTPException(400, "two accounts are needed")
            source, target = accounts[0], accounts[1]
            if source["balance"] < amount:
                raise HTTPException(400, "not enough")
            await conn.execute("UPDATE accounts SET balance = balance - $2 WHERE id = $1", source["id"], amount)
            await conn.execute("UPDATE accounts SET balance = balance + $2 WHERE id = $1", target["id"], amount)
    return {"moved": amount}


@router.post("/transfer-too-much")
async def transferred_too_much(user: CurrentUser = Depends(get_current_user)) -> None:
    async with get_db_pool().acquire() as conn:
        async with conn.transaction():
            await conn.execute("UPDATE accounts SET balance = balance - 1000000 WHERE user_id = $1", user.id)
            low = await conn.fetchval("SELECT min(balance) FROM accounts WHERE user_id = $1", user.id)
            if low is None or low < 0:
                raise HTTPException(400, "not enough")


@router.get("/kinds")
async def shared_data() -> List[str]:
    async with get_db_pool().acquire() as conn:
        return [row["label"] for row in await conn.fetch("SELECT label FROM account_kinds ORDER BY label")]


@router.get("/kinds-and-accounts")
async def shared_and_own_data(user: CurrentUser = Depends(get_current_user)) -> Dict[str, int]:
    async with get_db_pool().acquire() as conn:
        kinds = await conn.fetch("SELECT code, label FROM account_kinds ORDER BY code")
        counts: Dict[str, int] = {}
        for kind in kinds:
            counts[kind["label"]] = await conn.fetchval(
                "SELECT count(*) FROM accounts WHERE user_id = $1 AND kind = $2", user.id, kind["code"]
            )
    return counts


@router.post("/login-attempt")
async def noted() -> Dict[str, Any]:
    async with get_db_pool().acquire() as conn:
        await conn.execute("INSERT INTO login_attempts (email, succeeded) VALUES ($1, false)", "probe@example.org")
        failures = await conn.fetchval("SELECT count(*) FROM login_attempts WHERE email = $1", "probe@example.org")
        if failures > 0:
            raise HTTPException(429, "slow down")
    return {"failures": failures}


@router.post("/upload")
async def uploaded(user: CurrentUser = Depends(get_current_user)) -> Dict[str, Any]:
    content, name = b"\x00\x01binary", "blob.bin"
    async with get_db_pool().acquire() as conn:
        size = await conn.fetchval(
            "INSERT INTO attachments (user_id, file_name, media_type, size_bytes, body) VALUES ($1, $2, $3, $4, $5) RETURNING size_bytes",
            user.id, name, "application/octet-stream", len(content), content,
        )
    return {"size": size}


@router.post("/many")
async def many_added(user: CurrentUser = Depends(get_current_user)) -> int:
    rows = [(user.id, f"goal {n}", Decimal(n)) for n in range(1, 4)]
    async with get_db_pool().acquire() as conn:
        await conn.executemany("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, $2, $3)", rows)
    return len(rows)


@router.get("/signed-out")
async def checked_inside(user: Optional[CurrentUser] = None) -> Any:
    if user is None:
        raise HTTPException(401, "sign in first")
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT count(*) FROM savings_goals WHERE user_id = $1", user.id)


@router.get("/slow")
async def slow_and_fast(user: CurrentUser = Depends(get_current_user)) -> List[Any]:
    async def goals_of(user: CurrentUser) -> int:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval("SELECT count(*) FROM savings_goals WHERE user_id = $1", user.id)

    async def budgets_of(user: CurrentUser) -> int:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval("SELECT count(*) FROM budgets WHERE user_id = $1", user.id)

    return await asyncio.gather(goals_of(user), budgets_of(user))


@router.post("/reminders")
async def reminder_added(user: CurrentUser = Depends(get_current_user)) -> str:
    try:
        async with get_db_pool().acquire() as conn:
            await conn.execute(
                "INSERT INTO reminders (user_id, due_on, text) VALUES ($1, $2, $3)", user.id, MAY, "call the bank"
            )
            return await conn.fetchval("SELECT text FROM reminders WHERE user_id = $1 AND due_on = $2", user.id, MAY)
    except asyncpg.ForeignKeyViolationError:
        raise HTTPException(400, "no such user")
    except asyncpg.PostgresError as exc:
        logger.error("reminder: %s", exc)
        raise


@router.get("/on-the-pool")
async def on_the_pool(user: CurrentUser = Depends(get_current_user)) -> Optional[str]:
    row = await get_db_pool().fetchrow("SELECT name FROM households WHERE owner_id = $1", user.id)
    return row and row["name"]


@router.post("/audited")
async def audited(user: CurrentUser = Depends(get_current_user)) -> int:
    request_id = uuid4()
    async with get_db_pool().acquire() as conn:
        await conn.execute(
            "INSERT INTO audit.events (user_id, action, detail) VALUES ($1, 'probe', jsonb_build_object('request', $2::text))",
            user.id, "r" if request_id else "",
        )
        return await conn.fetchval("SELECT count(*) FROM audit.events WHERE user_id = $1 AND action = 'probe'", user.id)
