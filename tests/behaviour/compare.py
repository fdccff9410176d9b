"""Compares what the sample answered before and after a migration, by the classes of `scenarios.py`.

    compare.py BEFORE_BOUND BEFORE_BYPASS AFTER_BOUND AFTER_BYPASS

Four files with the output of `scenarios.py`: each version of the application, run once as a role that the policies
bind and once as a role that bypasses them, each on a fresh database. Prints every difference that a migration must not
make, one a line; the exit code is 1 when there are any.
"""
from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Iterator, List, Tuple

from scenarios import EXPECTATIONS

MISSING = "<missing>"

#: By class, what a bound role may get after the migration, out of what the two roles got before.
ALLOWED = {
    "same": lambda bound, bypass: [bound],
    "user_rows": lambda bound, bypass: [bypass],
    "either": lambda bound, bypass: [bound] if bound == bypass else [bound, bypass],
    "private": lambda bound, bypass: [bound],
}


def answers(value: Any, path: Tuple[str, ...] = ()) -> Iterator[Tuple[Tuple[str, ...], Any]]:
    """The smallest parts that are compared: the answer to one step for one person."""
    if isinstance(value, dict) and value and len(path) < 3 and "error" not in value:
        for key, item in value.items():
            yield from answers(item, (*path, key))
    else:
        yield path, value


def differences(before_bound: Any, before_bypass: Any, after_bound: Any, after_bypass: Any) -> Iterator[str]:
    for name, expected in EXPECTATIONS.items():
        runs = [dict(answers(run.get(name, {}))) for run in (before_bound, before_bypass, after_bound, after_bypass)]
        for path in sorted(set().union(*runs)):
            of_rows = path[0] == "rows"
            bound, bypass, now_bound, now_bypass = (run.get(path, [] if of_rows else MISSING) for run in runs)
            where = ".".join((name, *path))
            if now_bypass != bypass:
                yield f"{where} (bypassing): {shown(bypass)} became {shown(now_bypass)}"
            if of_rows and expected == "either":
                yield from unexpected_rows(where, bound, bypass, now_bound)
                continue
            allowed = ALLOWED[expected](bound, bypass)
            if now_bound not in allowed:
                yield f"{where} (bound): {' or '.join(map(shown, allowed))} expected, got {shown(now_bound)}"
            if expected == "private" and not of_rows and bound == bypass:
                yield f"{where}: shows no leak, both roles got {shown(bound)}"


def unexpected_rows(where: str, bound: List[str], bypass: List[str], now: List[str]) -> Iterator[str]:
    """Several sites of a scenario may write to one table, so each row is that of one role or of the other."""
    bound, bypass, now = Counter(bound), Counter(bypass), Counter(now)
    for row in (now - (bound | bypass)).elements():
        yield f"{where} (bound): unexpected {row}"
    for row in ((bound & bypass) - now).elements():
        yield f"{where} (bound): missing {row}"


def shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def main() -> int:
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        return 2
    runs = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    found = list(differences(*runs))
    print("\n".join(found) if found else "no difference")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
