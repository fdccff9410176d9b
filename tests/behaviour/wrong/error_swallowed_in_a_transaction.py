# rule: after a swallowed error nothing more is asked in the same transaction (3.2)
# file: backend/app/agents/net_worth.py
# differs: errors_in_between.result.a.refreshed (bypassing)


async def worth_refresh(self, ctx: RequestCtx, ticker: str, quantity: Decimal) -> Dict[str, Any]:
    """Sets a holding. The price may be missing, that must not lose the quantity."""
    async with get_db_connection_with_rls(str(ctx.user_id)) as conn:
        await conn.execute(
            """
            UPDATE holdings SET quantity = $3
            FROM securities s
            WHERE s.id = holdings.security_id AND s.ticker = $2 AND holdings.user_id = $1
            """,
            ctx.user_id, ticker, quantity,
        )
        price: Optional[Decimal] = None
        try:
            price = await conn.fetchval(
                "SELECT 1 / (p.close - p.close) FROM prices p JOIN securities s ON s.id = p.security_id "
                "WHERE s.ticker = $1 LIMIT 1",
                ticker,
            )
        except Exception as error:
            self.log.warning("no yield for %s: %s", ticker, error)
        left = await conn.fetchval("SELECT count(*) FROM holdings WHERE user_id = $1", ctx.user_id)
    return {"yield": price, "holdings": left}
