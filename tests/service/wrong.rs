//! Faults of a connection service, put into copies of it: each must be found by the check that is named.

use std::fs;
use std::path::Path;

/// A fault, as another text in the place of one that must be in a file once.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) driver: &'static str,
    file: &'static str,
    right: &'static str,
    instead: &'static str,
    pub(crate) caught_by: &'static str,
}

impl Wrong {
    /// Puts it into the package in this folder.
    pub(crate) fn put_into(&self, package: &Path) {
        let path = package.join(self.file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(self.right).count(), 1, "{self:?}");
        fs::write(path, text.replace(self.right, self.instead)).unwrap();
    }
}

const fn wrong(
    driver: &'static str,
    file: &'static str,
    right: &'static str,
    instead: &'static str,
    caught_by: &'static str,
) -> Wrong {
    Wrong {
        driver,
        file,
        right,
        instead,
        caught_by,
    }
}

pub(crate) const WRONGS: &[Wrong] = &[
    wrong(
        "psycopg2",
        "service.py",
        "            yield lease.conn\n",
        "            yield lease.conn\n            lease.conn.commit()\n",
        "only_what_was_committed_is_kept",
    ),
    wrong(
        "psycopg2",
        "driver.py",
        "conn.rollback()",
        "conn.commit()",
        "an_exception_rolls_back_and_reaches_the_caller",
    ),
    wrong(
        "psycopg3",
        "driver.py",
        "conn.rollback()",
        "conn.commit()",
        "only_what_was_committed_is_kept",
    ),
    wrong(
        "psycopg2",
        "driver.py",
        "        self._pool.minconn = max_size\n",
        "",
        "idle_connections_that_the_server_ended_are_not_lent",
    ),
    wrong(
        "psycopg2",
        "driver.py",
        "    _execute(conn, RESET_SESSION)\n",
        "",
        "nothing_that_a_borrower_changes_reaches_the_next_one",
    ),
    wrong(
        "psycopg3",
        "session.py",
        "DISCARD TEMP; ",
        "",
        "nothing_that_a_borrower_changes_reaches_the_next_one",
    ),
    wrong(
        "psycopg2",
        "driver.py",
        "        conn.set_client_encoding(defaults[\"encoding\"])\n",
        "        pass\n",
        "nothing_that_a_borrower_changes_reaches_the_next_one",
    ),
    wrong(
        "psycopg3",
        "driver.py",
        "            setattr(conn, name, defaults[name])\n",
        "            pass\n",
        "nothing_that_a_borrower_changes_reaches_the_next_one",
    ),
    wrong(
        "psycopg3",
        "session.py",
        "\"SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; \"\n    \"SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES\"",
        "\"DISCARD ALL\"",
        "statements_that_the_driver_prepares_stay_good",
    ),
    wrong(
        "psycopg2",
        "service.py",
        "raise PoolExhausted(error.size, error.waited, self.held()) from None",
        "raise",
        "at_the_end_of_the_pool_the_error_names_the_holders",
    ),
    wrong(
        "psycopg3",
        "strategies.py",
        "if self.max_wait <= 0:",
        "if True:",
        "whoever_waits_gets_what_comes_back_and_no_longer_than_agreed",
    ),
    wrong(
        "psycopg2",
        "strategies.py",
        "self._waiting.popleft().set()",
        "self._waiting.pop().set()",
        "whoever_waits_longest_is_next",
    ),
    wrong(
        "psycopg2",
        "strategies.py",
        "            self._waiting.remove(turn)\n",
        "",
        "whoever_waits_gets_what_comes_back_and_no_longer_than_agreed",
    ),
    wrong(
        "psycopg2",
        "strategies.py",
        "            return self._server.lend(_seems_alive, lambda: None)\n        except BaseException:\n            self._slots.leave()\n",
        "            return self._server.lend(_seems_alive, lambda: None)\n        except BaseException:\n",
        "a_server_that_is_not_there_is_the_drivers_error_at_once",
    ),
    wrong(
        "psycopg2",
        "strategies.py",
        "if not conn.closed and is_alive(conn):",
        "if not conn.closed:",
        "idle_connections_that_the_server_ended_are_not_lent",
    ),
    wrong(
        "psycopg2",
        "strategies.py",
        "        except driver.Error as error:\n            logger",
        "        except driver.Error as error:\n            is_clean = True\n            logger",
        "a_connection_that_cannot_be_cleaned_is_replaced",
    ),
    wrong(
        "psycopg3",
        "service.py",
        "if self._leases.get(id(lease.conn)) is not lease:",
        "if id(lease.conn) not in self._leases:",
        "giving_back_twice_is_an_error_that_says_where_it_was",
    ),
    wrong(
        "psycopg3",
        "service.py",
        "        if lease is None:\n",
        "        if lease is None and not conn.close():\n",
        "what_comes_from_elsewhere_is_refused_and_left_alone",
    ),
    wrong(
        "psycopg2",
        "service.py",
        " and path != contextlib.__file__",
        "",
        "the_report_says_who_has_what_since_when_and_what_for",
    ),
    wrong(
        "psycopg3",
        "strategies.py",
        "for step in range(len(self._servers)):",
        "for step in range(1):",
        "a_connection_to_a_server_that_lends_no_more_is_not_kept",
    ),
    wrong(
        "psycopg2",
        "strategies.py",
        "        self._servers[old].retire()\n",
        "",
        "a_connection_to_a_server_that_lends_no_more_is_not_kept",
    ),
    wrong(
        "psycopg2",
        "strategies.py",
        "        with self._lock:\n            server = self._lenders.pop(id(conn))\n",
        "        server = self._servers[self._current]\n",
        "a_connection_to_a_server_that_lends_no_more_is_not_kept",
    ),
    wrong(
        "psycopg3",
        "strategies.py",
        "options[\"target_session_attrs\"] = \"read-write\"",
        "pass",
        "a_server_that_only_reads_is_passed_over",
    ),
    wrong(
        "psycopg2",
        "driver.py",
        "        for _ in idle:\n",
        "        self._pool.closeall()\n        for _ in idle:\n",
        "closing_waits_for_those_who_are_at_work_and_cuts_nobody_off",
    ),
    wrong(
        "psycopg2",
        "service.py",
        "            self._strategy.abandon()\n",
        "            pass\n",
        "a_forked_child_has_connections_of_its_own",
    ),
    wrong(
        "psycopg3",
        "service.py",
        "                if start_anew is not None:\n",
        "                if start_anew is None:\n",
        "a_forked_child_has_connections_of_its_own",
    ),
    wrong(
        "psycopg2",
        "strategies.py",
        "server.lend(driver.answers, ",
        "server.lend(lambda conn: True, ",
        "when_a_server_is_killed_the_next_one_takes_over",
    ),
];
