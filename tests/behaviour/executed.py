"""Names each statement of a rewritten site that no scenario runs, before the migration or after it, one a line.

    executed.py BEFORE AFTER SITES RECIPES LINES_BEFORE LINES_AFTER

BEFORE and AFTER are the application's folder and its migrated copy, SITES what `scan --format json` printed for BEFORE, RECIPES
the ids of all recipes with commas between. LINES_… are files with the lines that ran there (`stage.py lines`), with commas
between; a line that is in one of them ran. Exits with 1 when there is anything to name.

What has to run: before, the whole statement in which a site lies, so all of its block, and whatever the migration takes out; after, whatever
it puts in, with the whole block where that is the head of one. And each recipe needs a site that runs, whatever its verdict.
"""
from __future__ import annotations

import ast
import difflib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Set

#: What the interpreter has no code for.
SILENT = (ast.Global, ast.Nonlocal)

#: Statements that cannot run, and why. One that does run is named, too.
UNREACHABLE = {
    ("backend/app/api/routes/budgets.py", 'raise HTTPException(503, "database is not available")'):
        "the getter raises an error of its own and never returns nothing",
}


@dataclass(frozen=True)
class Statement:
    """Its lines, and those that are its own: of one with a block, the head."""

    first: int
    last: int
    own: range


def statements(text: str) -> List[Statement]:
    found = []
    for node in ast.walk(ast.parse(text)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_bare = isinstance(node, ast.AnnAssign) and node.value is None
        if not isinstance(node, ast.stmt) or isinstance(node, SILENT) or is_text or is_bare:
            continue
        within = [child.lineno for child in ast.walk(node) if isinstance(child, ast.stmt) and child is not node]
        own = range(node.lineno, max(min(within, default=node.end_lineno + 1), node.lineno + 1))
        found.append(Statement(node.lineno, node.end_lineno, own))
    return found


class Version:
    """The application before or after, and what ran of it."""

    def __init__(self, root: Path, lines: str) -> None:
        self.root = root
        self.ran: Dict[str, Set[int]] = {}
        for name in lines.split(","):
            for file, numbers in json.loads(Path(name).read_text(encoding="utf-8")).items():
                self.ran.setdefault(file, set()).update(numbers)

    def text(self, file: str) -> str:
        return (self.root / file).read_bytes().decode("utf-8-sig")

    def has_run(self, file: str, statement: Statement) -> bool:
        return not self.ran.get(file, set()).isdisjoint(statement.own)

    def not_run(self, file: str, lines: Set[int]) -> Iterator[int]:
        """The first lines of those statements that own one of `lines`, and of those within them, that did not run."""
        every = statements(self.text(file))
        heads = [each for each in every if not lines.isdisjoint(each.own)]
        for each in every:
            is_meant = any(head.first <= each.first and each.last <= head.last for head in heads)
            if is_meant and not self.has_run(file, each):
                yield each.first


def changed(before: str, after: str) -> tuple[Set[int], Set[int]]:
    """The lines that are gone, and those that are new."""
    gone, new = set(), set()
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag != "equal":
            gone.update(range(first + 1, last + 1))
            new.update(range(new_first + 1, new_last + 1))
    return gone, new


def faults(before: Version, after: Version, sites: List[Dict], recipes: List[str]) -> Iterator[str]:
    rewritten = [site for site in sites if site["verdict"] == "rewrite"]
    stays = set(UNREACHABLE)
    for file in sorted({site["file"] for site in rewritten}):
        gone, new = changed(before.text(file), after.text(file))
        at_sites = {
            line for site in rewritten if site["file"] == file for line in range(site["line"], site["end_line"] + 1)
        }
        for name, version, lines in (("before", before, gone | at_sites), ("after", after, new)):
            source = version.text(file).splitlines()
            for line in sorted(set(version.not_run(file, lines))):
                code = source[line - 1].strip()
                if (file, code) in UNREACHABLE:
                    stays.discard((file, code))
                else:
                    yield f"{name}: {file}:{line}: {code}"
    for file, code in sorted(stays):
        yield f"{file}: runs, or is rewritten no more: {code}"
    run = {site["recipe"] for site in sites if site["line"] in before.ran.get(site["file"], set())}
    for recipe in recipes:
        if recipe not in run:
            yield f"{recipe}: no site of it runs"


def main() -> int:
    if len(sys.argv) != 7:
        print(__doc__, file=sys.stderr)
        return 2
    before, after, sites, recipes, lines_before, lines_after = sys.argv[1:]
    report = json.loads(Path(sites).read_text(encoding="utf-8"))
    versions = Version(Path(before), lines_before), Version(Path(after), lines_after)
    found = list(faults(*versions, report["sites"], recipes.split(",")))
    print("\n".join(found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
