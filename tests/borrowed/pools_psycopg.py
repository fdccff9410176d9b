"""A pool of one connection, and a delegate that lends it."""

import os

from psycopg_pool import ConnectionPool

DSN = os.environ["DATABASE_URL"]
pool = ConnectionPool(DSN, min_size=0, max_size=1, timeout=0.3, open=True)


class Infra:
    """Lends connections of the pool under names of its own."""

    def get_db_connection(self):
        return pool.getconn()

    def return_db_connection(self, conn):
        pool.putconn(conn)


infra = Infra()


def close():
    pool.close()
