# rule: a generator that is left early does not undo what it wrote (3.2)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.write_before_a_yield:


@router.post("/write-before-a-yield")
async def write_before_a_yield(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        await conn.execute("INSERT INTO savings_goals (user_id, name, target) VALUES ($1, 'o1', 4)", user.id)
        yield 1
        yield 2
