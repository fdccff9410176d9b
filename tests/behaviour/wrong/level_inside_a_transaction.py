# rule: a transaction of another level does not come to stand in one (3.3)
# file: backend/app/api/routes/accounts.py
# differs: cleaning_up.result.a.renamed


@router.post("/{account_id}/rename")
async def rename_account(
    account_id: UUID, name: str, user: CurrentUser = Depends(get_current_user)
) -> Dict[str, Any]:
    async with (
        get_db_connection_with_rls(str(user.id)) as conn,
        conn.transaction(isolation="repeatable_read"),
    ):
        status = await conn.execute(
            "UPDATE accounts SET name = $3 WHERE id = $1 AND user_id = $2", account_id, user.id, name
        )
    return {"changed": int(status.split()[-1])}
