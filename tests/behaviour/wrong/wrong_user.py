# rule: the user is one that the code names as such, none is invented (3.1)
# file: backend/app/api/routes/households.py
# differs: household_routes.result.a.household (bound)


@router.get("/{household_id}")
async def household(household_id: UUID, user: CurrentUser = Depends(get_current_user)) -> Dict[str, Any]:
    async with get_db_connection_with_rls(str(household_id)) as conn:
        name = await conn.fetchval(
            "SELECT name FROM households WHERE id = $1 AND owner_id = $2", household_id, user.id
        )
        if name is None:
            raise HTTPException(404, "no such household")
        return {"name": name, "accounts": await _members_accounts(conn, household_id)}
