# rule: a user who may be None is not turned into a text (3.1)
# file: backend/app/agents/goal_planner.py
# differs: guards_and_leaks.result.a.goals_of_nobody (bound)


async def goal_of(self, user_id: Optional[UUID] = None, due_before: Optional[date] = None) -> Dict[str, Any]:
    """For colleagues that have no context, only a user."""
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user_id)) as conn:
        count = await conn.fetchval(
            "SELECT count(*) FROM savings_goals WHERE user_id = $1 AND ($2::date IS NULL OR due_on < $2)",
            user_id, due_before,
        )
    return {"goals": count}
