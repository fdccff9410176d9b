"""The checks of corpus_check.py and phases_check.py, each on something that it must find."""

import pathlib
import tempfile
import unittest

import corpus_check
import phases_check
from corpus_check import Report

BEFORE = b'''"""Doc."""
import os
from db import pool, query  # the pool


async def rows(ctx):
    # all of them
    async with pool.acquire() as conn:
        return await conn.fetch("SELECT 1", os.name)
'''
AFTER = b'''"""Doc."""
import os
from db import query  # the pool


async def rows(ctx):
    # all of them
    return await query("SELECT 1", os.name)
'''
SITE = {"form": "helpers", "verdict": "rewrite", "identity": None}


def kinds(after, before=BEFORE, sites=(SITE,)):
    report = Report()
    corpus_check.check_text(report, "apply", "a.py", before, after, sites)
    return {kind.removeprefix("apply: ") for kind in report.problems}


class Phases(unittest.TestCase):
    """A stand-in for the program writes what each case says."""

    def problems(self, written, again=""):
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            original = scratch / "original"
            original.mkdir()
            (original / "a.py").write_bytes(b"X = 1\nY = 2\n")
            (original / "b.py").write_bytes(b"from a import X\n\nprint(X)\n")
            diffs = [DIFF, again]

            def program(binary, folder, command, *line, report):
                if command == "diff":
                    return diffs.pop(0), "", 0
                (folder / "a.py").write_bytes(written)
                return "", "", 0

            real, phases_check.connmod = phases_check.connmod, program
            self.addCleanup(setattr, phases_check, "connmod", real)
            report = Report()
            sites = {"a.py": [{"identity": None, "form": "helpers", "verdict": "rewrite"}]}
            phases_check.check_phase(report, "", original, scratch, "one", sites)
            whole = {"a.py": b"X = 1\n", "b.py": b"from a import X\n\nprint(X)\n"}
            phases_check.check_order(report, "", original, scratch, ["one"], whole)
            return {kind.split(": ")[0 if kind.startswith("not the text") else 1] for kind in report.problems}

    def test_a_good_phase_passes(self):
        self.assertEqual(self.problems(b"X = 1\n"), set())

    def test_what_is_broken_is_found(self):
        other = {"not what the diff gives", "not the text that one apply gives"}
        for written, again, expected in [
            (b"X = 1\n", "more", {"a second diff is not empty"}),
            (b"Y = 2\n", "", other | {"import broken"}),
            (b"X = 1\n)", "", other | {"does not compile", "layout changed"}),
            (b"X = 1\nZ\n", "", other | {"new to pyflakes"}),
        ]:
            with self.subTest(written):
                self.assertLessEqual(expected - {"layout changed"}, self.problems(written, again))


DIFF = """--- a/a.py
+++ b/a.py
@@ -1,2 +1 @@
 X = 1
-Y = 2
"""


class Texts(unittest.TestCase):
    def test_a_good_edit_passes(self):
        self.assertEqual(kinds(AFTER), set())

    def test_what_is_broken_is_found(self):
        for old, new, kind in [
            (b"return await", b"return return", "does not compile"),
            (b"import query", b"import query, other", "new to pyflakes"),
            (b"import query", b"import other", "new to pyflakes"),
            (b"    # all of them\n", b"", "comment lost"),
            (b"# all of them", b"# all", "comment lost"),
            (b'"SELECT 1"', b'"SELECT 2"', "new string"),
            (b'"""Doc."""\n', b"", "string lost"),
            (b"\n", b"\r\n", "layout changed"),
            (b"os.name)\n", b"os.name)", "layout changed"),
            (b'"""Doc', b'\xef\xbb\xbf"""Doc', "layout changed"),
        ]:
            self.assertIn(old, AFTER)
            self.assertIn(kind, kinds(AFTER.replace(old, new)), new)

    def test_strings_may_go_with_what_is_removed_and_come_with_the_user(self):
        guard = BEFORE.replace(b"    # all", b'    if not pool:\n        raise OSError("gone")\n    # all')
        removed = {**SITE, "form": "remove"}
        self.assertEqual(kinds(AFTER, guard), {"string lost"})
        self.assertEqual(kinds(AFTER, guard, [removed]), set())
        user = AFTER.replace(b"os.name", b'ctx["id"], os.name')
        self.assertEqual(kinds(user), {"new string"})
        self.assertEqual(kinds(user, sites=[{**SITE, "identity": 'ctx["id"]'}]), set())

    def test_imports_of_what_is_gone_are_found(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            (folder / "app").mkdir()
            (folder / "app/a.py").write_bytes(AFTER)
            (folder / "app/b.py").write_text("from app.a import pool\n")
            report = Report()
            corpus_check.check_imports(report, "apply", folder, {"app/a.py": (BEFORE, AFTER)})
            self.assertEqual(list(report.problems), ["apply: import broken"])


class Search(unittest.TestCase):
    def unexplained(self, text, sites=(), dismissed=()):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            (folder / "a.py").write_text(text)
            scan = {"sites": list(sites), "dismissed": list(dismissed), "unparsed": []}
            report = Report()
            corpus_check.check_search(report, folder, {"a.py"}, scan, {"get_pool": "pool", "rows": "fetch"}, ["asyncpg"])
            return report.problems.get("unexplained", [])

    def test_code_without_a_site_is_found(self):
        for line in ["x = pool.acquire()", "asyncpg.connect(1)", "a = connect(1)  # asyncpg", "create_pool()", "f(get_pool)", "rows (1)"]:
            self.assertEqual(len(self.unexplained(line + "\n")), 1, line)

    def test_what_is_no_code_is_explained(self):
        for text in [
            "# pool.acquire()\n",
            '"""pool.acquire()\nconnect(1)"""\n',
            "from db import (\n    get_pool,\n)\n",
            "def get_pool():\n    pass\n",
            "x = my_get_pool()\n",
            "self.query = rows\n",
        ]:
            self.assertEqual(self.unexplained(text), [], text)

    def test_sites_and_dismissals_explain(self):
        text = "pool.acquire()\nlock.acquire()\n"
        site = {"file": "a.py", "line": 1, "end_line": 1}
        dismissed = {"file": "a.py", "line": 2}
        self.assertEqual(self.unexplained(text, [site], [dismissed]), [])
        self.assertEqual(len(self.unexplained(text, [site])), 1)


class Settings(unittest.TestCase):
    def test_names_of_the_standard_are_read(self):
        text = "version: 1\nstandard:\n  module: app.db\n  pool: get_pool  # found\n  helpers:\n    fetch: rows\n\ncontexts: []\n"
        self.assertEqual(corpus_check.standard_names(text), {"get_pool": "pool", "rows": "fetch"})


if __name__ == "__main__":
    unittest.main()
