"""Agent functions in which the user is not simply `ctx.user_id`. Put into the sample as `app/agents/probe.py`.

Each is called for one person and answers alike before and after; the name of those whose answer cannot show the fault begins with `not_safe`.
"""
from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Dict, List, Optional
from uuid import UUID

from app.context import RequestCtx
from app.db.connection import get_db_pool

COUNT = "SELECT count(*) FROM savings_goals WHERE user_id = $1"
OTHER = UUID("0000000b-0000-4000-8000-000000000000")


async def guarded(ctx: Optional[RequestCtx] = None) -> Any:
    if ctx is None:
        return None
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(COUNT, ctx.user_id)


async def guarded_by_the_user(ctx: RequestCtx) -> Any:
    if not ctx.user_id:
        raise PermissionError
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(COUNT, ctx.user_id)


async def guarded_in_the_branch(ctx: Optional[RequestCtx] = None) -> Any:
    if ctx:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval(COUNT, ctx.user_id)
    return None


async def not_safe_guarded_in_another_branch(ctx: Optional[RequestCtx] = None, loud: bool = False) -> Any:
    if loud:
        if ctx is None:
            return None
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(COUNT, ctx.user_id if ctx else None)


async def named(ctx: RequestCtx) -> Any:
    user_id = ctx.user_id
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(COUNT, user_id)


async def not_safe_context_bound_again(ctx: RequestCtx) -> Any:
    ctx = replace(ctx, user_id=OTHER)
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(COUNT, ctx.user_id)


async def not_safe_context_without_a_user(ctx: RequestCtx) -> Any:
    ctx = _anonymous(ctx)
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(COUNT, ctx.user_id)


def _anonymous(ctx: RequestCtx) -> RequestCtx:
    return replace(ctx, user_id=None)


async def not_safe_user_replaced(ctx: RequestCtx) -> Any:
    ctx.user_id = None
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT count(*) FROM savings_goals")


async def not_safe_context_of_a_loop(ctx: RequestCtx) -> List[Any]:
    found = []
    for ctx in [replace(ctx, user_id=OTHER)]:
        async with get_db_pool().acquire() as conn:
            found.append(await conn.fetchval(COUNT, ctx.user_id))
    return found


@contextmanager
def _child(ctx: RequestCtx):
    yield replace(ctx, user_id=OTHER)


async def not_safe_context_of_a_with(ctx: RequestCtx) -> Any:
    with _child(ctx) as ctx:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval(COUNT, ctx.user_id)


async def not_safe_context_of_a_handler(ctx: RequestCtx) -> Any:
    try:
        raise LookupError("no user")
    except LookupError as ctx:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval("SELECT count(*) FROM savings_goals"), str(ctx)


async def not_safe_context_in_a_tuple(ctx: RequestCtx) -> Any:
    ctx, note = replace(ctx, user_id=OTHER), "other"
    async with get_db_pool().acquire() as conn:
        return note, await conn.fetchval(COUNT, ctx.user_id)


async def not_safe_context_of_a_walrus(ctx: RequestCtx) -> Any:
    if (ctx := replace(ctx, user_id=OTHER)) is not None:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval(COUNT, ctx.user_id)


async def not_safe_context_of_a_match(ctx: Any) -> Any:
    match {"ctx": replace(ctx, user_id=OTHER)}:
        case {"ctx": ctx}:
            async with get_db_pool().acquire() as conn:
                return await conn.fetchval(COUNT, ctx.user_id)


async def context_of_a_comprehension(ctx: RequestCtx) -> Any:
    others = [ctx for ctx in (1, 2)]
    async with get_db_pool().acquire() as conn:
        return others, await conn.fetchval(COUNT, ctx.user_id)


async def context_of_a_lambda(ctx: RequestCtx) -> Any:
    twice = lambda ctx: ctx * 2  # noqa: E731
    async with get_db_pool().acquire() as conn:
        return twice(1), await conn.fetchval(COUNT, ctx.user_id)


async def context_of_the_function_around(ctx: RequestCtx) -> Any:
    async def ask() -> Any:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval(COUNT, ctx.user_id)

    return await ask()


async def not_safe_context_deleted(ctx: RequestCtx) -> Any:
    user = ctx.user_id
    del ctx
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval(COUNT, user)


async def not_safe_no_context(names: Optional[Dict[str, Any]] = None) -> Any:
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT count(*) FROM savings_goals")


async def not_safe_context_bound_later(request: Any = None) -> Any:
    async with get_db_pool().acquire() as conn:
        found = await conn.fetchval("SELECT count(*) FROM savings_goals")
    ctx = request
    return found, ctx


async def not_safe_context_on_some_paths(request: Any = None) -> Any:
    if request:
        ctx = request
    async with get_db_pool().acquire() as conn:
        return await conn.fetchval("SELECT count(*) FROM savings_goals"), bool(request and ctx)


class Holder:
    """A context that is kept."""

    def __init__(self, ctx: RequestCtx) -> None:
        self.ctx = ctx

    async def count(self) -> Any:
        async with get_db_pool().acquire() as conn:
            return await conn.fetchval(COUNT, self.ctx.user_id)


async def kept(ctx: RequestCtx) -> Any:
    return await Holder(ctx).count()
