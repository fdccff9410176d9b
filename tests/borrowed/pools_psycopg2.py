"""A pool of one connection, and a delegate that lends it."""

import os

from psycopg2.pool import ThreadedConnectionPool

DSN = os.environ["DATABASE_URL"]
pool = ThreadedConnectionPool(0, 1, DSN)


class Infra:
    """Lends connections of the pool under names of its own."""

    def get_db_connection(self):
        return pool.getconn()

    def return_db_connection(self, conn):
        pool.putconn(conn)


infra = Infra()


def close():
    pool.closeall()
