# rule: a connection is not asked after it went back (2.2)
# file: backend/app/services/categorizer.py
# differs: categorizer.result.guess_many


async def guess_many(self, payees: List[str]) -> Dict[str, Optional[str]]:
    from app.db.connection import get_db_connection

    async with get_db_connection() as conn:

        async def one(payee: str) -> Optional[str]:
            return await conn.fetchval(
                "SELECT category FROM category_hints WHERE position(pattern IN lower($1)) > 0 "
                "ORDER BY weight DESC, pattern LIMIT 1",
                payee,
            )

    return {payee: await one(payee) for payee in payees}
