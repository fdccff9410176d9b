# rule: what runs before the shared pool is registered does not ask for it (2.4)
# file: backend/app/api/server.py
# fails: call init_db_pool() first


async def start(self, dsn: Optional[str] = None) -> None:
    from app.db.connection import execute_query

    pool = await asyncpg.create_pool(dsn or settings().database_url, min_size=1, max_size=settings().pool_max)
    rows = await execute_query("SELECT DISTINCT base FROM exchange_rates")
    self.known_currencies = {row["base"] for row in rows}
    register_external_pool(pool)
    self.services = build_services()
    logger.info("started with %d currencies", len(self.known_currencies))
