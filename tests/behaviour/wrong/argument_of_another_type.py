# rule: an argument keeps the type that the driver asks for (7)
# file: backend/app/api/routes/rates.py
# differs: shared_data_routes.result.rates


@router.get("")
async def list_rates(base: str, as_of: date) -> List[Dict[str, Any]]:
    rows = await execute_query(
        "SELECT quote, rate FROM exchange_rates WHERE base = $1 AND as_of = $2 ORDER BY quote", base, as_of.isoformat()
    )
    return [dict(row) for row in rows]
