# rule: a policy that is true for one command says nothing of another (2.5)
# file: backend/app/api/routes/categories.py
# differs: household_routes.result.a.category (bound)


@router.post("")
async def add_category(
    code: str, label: str, user: CurrentUser = Depends(get_current_user)
) -> Dict[str, Any]:
    from app.db.connection import execute_statement

    await execute_statement(
        "INSERT INTO categories (code, label, created_by) VALUES ($1, $2, $3)", code, label, user.id
    )
    return {"code": code}
