# rule: what one transaction does is not split (2.1)
# file: backend/app/services/importer.py
# differs: rate_services.rows.public.exchange_rates.gone (bypassing)


async def load_rates(rates: List[Tuple[str, str, date, Decimal]]) -> int:
    """Many rates at once, over COPY. Existing days are replaced."""
    from app.db.connection import execute_statement

    await execute_statement(
        "DELETE FROM exchange_rates WHERE as_of = ANY($1::date[])", sorted({rate[2] for rate in rates})
    )
    async with get_db_connection() as conn:
        await conn.copy_records_to_table(
            "exchange_rates", records=rates, columns=["base", "quote", "as_of", "rate"]
        )
    return len(rates)
