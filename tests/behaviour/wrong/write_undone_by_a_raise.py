# rule: an error that is raised on purpose after a write does not undo it (3.2)
# file: backend/app/api/routes/entries.py
# differs: errors_in_between.rows.audit.events.added (bypassing)


@router.post("/{entry_id}/unlock")
async def unlock_entry(entry_id: int, pin: str, user: CurrentUser = Depends(get_current_user)) -> Dict[str, Any]:
    """Cleared entries can be opened again, with a PIN and a trace of every try."""
    from app.db import get_db_connection_with_rls

    async with get_db_connection_with_rls(str(user.id)) as conn:
        await conn.execute(
            "INSERT INTO audit.events (user_id, action, detail) VALUES ($1, 'entry.unlock', jsonb_build_object('entry', $2::bigint))",
            user.id, entry_id,
        )
        if pin != "0000":
            raise HTTPException(403, "wrong pin")
        status = await conn.execute(
            "UPDATE entries SET cleared = false WHERE id = $1 AND user_id = $2", entry_id, user.id
        )
    return {"unlocked": status == "UPDATE 1"}
