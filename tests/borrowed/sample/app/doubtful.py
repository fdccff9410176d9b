"""Functions that lose their connection in some case."""

from app.pools import infra, pool


def fails_between(fails):
    conn = pool.getconn()
    cur = conn.cursor()
    cur.execute("INSERT INTO papers (title) VALUES ('between')")
    if fails:
        raise ValueError("between")
    conn.commit()
    pool.putconn(conn)
    return "done"


def returns_between(early):
    conn = pool.getconn()
    conn.cursor().execute("INSERT INTO papers (title) VALUES ('early')")
    if early:
        return "early"
    conn.commit()
    pool.putconn(conn)
    return "late"


def continues(skipped):
    count = 0
    for number in range(2):
        conn = pool.getconn()
        if number == skipped:
            continue
        conn.cursor().execute("INSERT INTO papers (title) VALUES ('loop')")
        conn.commit()
        count += 1
        pool.putconn(conn)
    return count


def fails_before_the_try(fails):
    conn = pool.getconn()
    cur = conn.cursor()
    if fails:
        cur.execute("SELECT 1 / 0")
    try:
        cur.execute("INSERT INTO papers (title) VALUES ('try')")
        conn.commit()
    finally:
        pool.putconn(conn)


def fails_in_the_finally(fails):
    conn = infra.get_db_connection()
    try:
        conn.cursor().execute("INSERT INTO papers (title) VALUES ('finally')")
        conn.commit()
    finally:
        if fails:
            raise RuntimeError("cannot clean up")
        infra.return_db_connection(conn)


def cleans_up(fails):
    conn = infra.get_db_connection()
    cur = None
    try:
        if fails:
            raise RuntimeError("no cursor")
        cur = conn.cursor()
        cur.execute("SELECT count(*) FROM papers")
        return cur.fetchone()
    finally:
        cur.close()
        infra.return_db_connection(conn)


def closed_for_good():
    conn = pool.getconn()
    try:
        cur = conn.cursor()
        cur.execute("SELECT 1")
        return cur.fetchone()
    finally:
        conn.close()


def left_early(all_of_them):
    conn = pool.getconn()
    for number in (1, 2, 3):
        conn.cursor().execute("SELECT 1")
        yield number
    pool.putconn(conn)
