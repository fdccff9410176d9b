# rule: a connection that was borrowed by hand goes back on every path (4)
# file: backend/app/services/probe_sessions.py
# differs: app.services.probe_sessions.pair_at_the_end_of_the_pool:


async def pair_at_the_end_of_the_pool():
    found = []
    async with _all_connections_but_one():
        for _ in range(2):
            conn = await get_db_pool().acquire()
            found.append(await conn.fetchval(Q))
    return found
