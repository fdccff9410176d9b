# rule: nothing takes the user of a transaction away (3.3)
# file: backend/app/api/routes/probe.py
# differs: app.api.routes.probe.all_settings_reset:


@router.get("/all-settings-reset")
async def all_settings_reset(user: CurrentUser = Depends(get_current_user)) -> Any:
    from app.db.connection import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        await conn.execute("RESET ALL")
        return await conn.fetchval("SELECT current_setting('app.user_id')::uuid IS NULL")
