# rule: a role is taken back where it was set (2.3)
# file: backend/app/services/probe.py
# differs: app.services.probe.role:


async def role():
    from app.db.connection import execute_query_value, execute_statement

    await execute_statement("SET ROLE ledger_app")
    try:
        async with get_db_connection():
            return await execute_query_value("SELECT current_user")
    finally:
        await execute_statement("RESET ROLE")
