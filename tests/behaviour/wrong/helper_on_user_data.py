# rule: in a route, user data is asked for on behalf of the user (2.5)
# file: backend/app/api/routes/accounts.py
# differs: account_routes.result.a.closed (bound)


@router.get("/closed")
async def list_closed_accounts(current_user: dict = Depends(get_current_claims)) -> List[Dict[str, Any]]:
    from app.db.connection import execute_query

    rows = await execute_query(
        "SELECT id, name, closed_on FROM accounts WHERE user_id = $1::uuid AND closed_on IS NOT NULL",
        UUID(current_user["id"]),
    )
    return [dict(row) for row in rows]
