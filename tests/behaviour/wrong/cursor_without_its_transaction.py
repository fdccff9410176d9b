# rule: a cursor stays in its transaction (2.1)
# file: backend/app/services/importer.py
# differs: rate_services.result.days


async def rate_days() -> List[date]:
    days: List[date] = []
    async with get_db_connection() as conn:
        async for record in conn.cursor("SELECT DISTINCT as_of FROM exchange_rates ORDER BY 1"):
            days.append(record["as_of"])
    return days
