"""Functions whose rewrites keep the meaning."""

from contextlib import contextmanager

import psycopg2

from app.pools import DSN, infra, pool


def count():
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("SELECT count(*) FROM papers")
        return cur.fetchone()[0]
    finally:
        pool.putconn(conn)


def add(title):
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        conn.commit()
    finally:
        pool.putconn(conn)


def add_and_forget(title):
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        return cur.rowcount
    finally:
        pool.putconn(conn)


def add_or_raise(title, fails):
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        if fails:
            raise ValueError(title)
        conn.commit()
        return title
    finally:
        pool.putconn(conn)


def add_twice(title):
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        conn.commit()
        cur.execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        conn.commit()
    finally:
        pool.putconn(conn)


def refused(title):
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        conn.commit()
        return "kept"
    except psycopg2.Error as error:
        conn.rollback()
        return type(error).__name__
    finally:
        pool.putconn(conn)


def refused_and_raised(title):
    conn = pool.getconn()
    try:
        conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
    except psycopg2.IntegrityError:
        conn.rollback()
        raise
    else:
        conn.commit()
        return "kept"
    finally:
        # For the next one.
        pool.putconn(conn)  # Whatever happened.


def repaired(title):
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        try:
            cur.execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        except psycopg2.IntegrityError:
            conn.rollback()
            cur.execute("INSERT INTO papers (title) VALUES ('untitled')")
        conn.commit()
    finally:
        pool.putconn(conn)


def retried(titles):
    done = []
    for title in titles:
        conn = pool.getconn()
        try:
            if title == "skip":
                continue
            conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
            if title == "stop":
                break
            conn.commit()
            done.append(title)
        except psycopg2.Error:
            conn.rollback()
            done.append("failed")
        finally:
            pool.putconn(conn)
    else:
        done.append("all")
    return done


def guarded():
    conn = pool.getconn()
    if conn is None:
        return []
    try:
        cur = conn.cursor()
        cur.execute("SELECT title FROM papers ORDER BY title")
        return cur.fetchall()
    finally:
        if conn:
            pool.putconn(conn)


def early(title):
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("SELECT count(*) FROM papers WHERE title = %s", (title,))
        if cur.fetchone()[0]:
            return "known"
        cur.execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        conn.commit()
        return "new"
    finally:
        pool.putconn(conn)


def committed_by_a_block(title):
    conn = pool.getconn()
    try:
        with conn:
            conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
    finally:
        pool.putconn(conn)


def titles():
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("SELECT title FROM papers ORDER BY title")
        for row in cur:
            yield row[0]
    finally:
        pool.putconn(conn)


@contextmanager
def lent():
    conn = pool.getconn()
    try:
        yield conn
        conn.commit()
    except Exception:
        conn.rollback()
        raise
    finally:
        pool.putconn(conn)


def through_lent(title):
    with lent() as conn:
        conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        if title == "bad":
            raise LookupError(title)


def insert(conn, title):
    conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))


def passed(title):
    conn = pool.getconn()
    try:
        insert(conn, title)
        conn.commit()
    finally:
        pool.putconn(conn)


def nested(wanted):
    conn = pool.getconn()
    try:
        def add_one(title):
            conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))

        for title in wanted:
            add_one(title)
        conn.commit()
    finally:
        pool.putconn(conn)


def by_infra():
    conn = infra.get_db_connection()
    try:
        cur = conn.cursor()
        cur.execute("""
    SELECT 'a
      text' || count(*) FROM papers
        """)
        return cur.fetchone()
    finally:
        infra.return_db_connection(conn)


class Papers:
    def __init__(self, infra):
        self.infra = infra

    def last(self):
        infra = self.infra
        conn = infra.get_db_connection()
        try:
            cur = conn.cursor()
            cur.execute("SELECT max(title) FROM papers")
            return cur.fetchone()
        finally:
            infra.return_db_connection(conn)


def by_method():
    return Papers(infra).last()


def one_after_the_other(title):
    conn = pool.getconn()
    try:
        conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        conn.commit()
    finally:
        pool.putconn(conn)
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("SELECT count(*) FROM papers")
        return cur.fetchone()
    finally:
        pool.putconn(conn)


def commits_by_itself(title):
    conn = pool.getconn()
    try:
        conn.autocommit = True
        conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        raise KeyError(title)
    finally:
        pool.putconn(conn)


async def in_a_coroutine(title):
    conn = pool.getconn()
    try:
        conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        conn.commit()
        return title
    finally:
        pool.putconn(conn)


def direct(title):
    conn = psycopg2.connect(DSN)
    try:
        conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
        conn.commit()
        return title
    finally:
        conn.close()


def direct_and_forget(title):
    conn = psycopg2.connect(DSN)
    try:
        conn.cursor().execute("INSERT INTO papers (title) VALUES (%s)", (title,))
    finally:
        conn.close()
