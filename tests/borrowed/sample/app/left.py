"""Functions whose rewrites would change what they do."""

import psycopg2

from app.pools import DSN, pool


def direct_that_commits(title):
    conn = psycopg2.connect(DSN, options="-c search_path=archive,public")
    try:
        conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        conn.commit()
    finally:
        conn.close()


def used_afterwards():
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("SELECT 7")
    finally:
        pool.putconn(conn)
    return cur.fetchone()


def kept():
    conn = pool.getconn()
    Keeper.conn = conn
    try:
        conn.cursor().execute("SELECT 1")
    finally:
        pool.putconn(conn)


class Keeper:
    conn = None
