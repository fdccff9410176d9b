"""Compares the names that a rewritten text reads and binds with those of the text before, by CPython's symbol table.

Input: a JSON list of [before, after, added, identities]: `added` are the names of the standard's forms, which a rewrite may bring, and so may
it the names of the users' expressions. What may go are connections, pools and getters: names that are bound to what a pool lends, or
that speak of a pool. Output: a JSON list; of each pair a list of sentences, or null if CPython refuses the text before.
"""

import json
import re
import symtable
import sys


def names(source):
    """Of each scope, by its path: the names that it reads, and those that it binds. Numbers tell scopes of one name apart."""
    found = {}
    work = [(symtable.symtable(source, "source", "exec"), "module")]
    while work:
        table, path = work.pop()
        number = 2
        own = path
        while own in found:
            own, number = f"{path}#{number}", number + 1
        symbols = [symbol for symbol in table.get_symbols() if not symbol.get_name().startswith(".")]
        reads = {symbol.get_name() for symbol in symbols if symbol.is_referenced()}
        binds = {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}
        binds |= {symbol.get_name() for symbol in symbols if symbol.is_parameter()}
        found[own] = (reads, binds)
        children = table.get_children()
        work.extend((child, f"{own}.{child.get_name()}") for child in reversed(children))
    return found


LENT = re.compile(r"\bas\s+(\w+)|\b(\w+)\s*=\s*await\b[^\n]*acquire")
POOL = re.compile(r"\b(\w+)\s*(?::[^=\n]*)?=\s*[^\n]*pool|\b(\w*pool\w*)\b", re.I)
# What a guard for a missing pool raises, whose attribute a pool is, and a lazy getter with what decorates it.
GUARD = re.compile(
    r"if (?:not [^\n]*?|\w*pool\w* is None):\s*(?:#[^\n]*\s*)*raise (\w+)"
    r"|\b(self|cls)\.\w*(?:pool|db)"
    r"|@(\w+)\s+def (\w+)\((\w*)\):\s+if \w+\.pool is None:"
    r"|=\s*(self)\.\w+\(\)\n"
)
# The names that a block gives its connection: the first of them that is free.
CONNECTIONS = {"conn", "connection", "db_connection"}
STANDARD = {"get_db_connection", "app", "db", "connection", "str"}


def removable(before):
    found = {name for pattern in (LENT, POOL, GUARD) for match in pattern.findall(before) for name in match if name}
    return found | STANDARD


def compare(before, after, added, identities):
    added = {*added, *STANDARD, *re.findall(r"\w+", " ".join(identities))}
    for name in [*added]:
        added.update(re.findall(rf"\b{name} as (\w+)", before))
    removed = removable(before)
    before, after = before.removeprefix("\ufeff"), after.removeprefix("\ufeff")
    try:
        old = names(before)
    except (SyntaxError, ValueError):
        return None
    try:
        new = names(after)
    except (SyntaxError, ValueError) as error:
        return [f"does not parse any more: {error}"]
    # How a scope is reached: by its name, or by that of its module.
    scopes = {*re.findall(r"\b(?<!\.)(\w+)(?:\.\w+)*\.get_db_connection", after)}
    scopes |= {name for name in added if name.startswith("get_db_connection")}
    faults = []
    for scope in sorted(new.keys() - old.keys()):
        faults.append(f"{scope} is new")
    for scope in sorted(old.keys() - new.keys()):
        if scope.rsplit(".", 1)[-1].split("#")[0] not in removed:
            faults.append(f"{scope} is gone")
    for scope in sorted(old.keys() & new.keys()):
        for word, was, now in zip(("reads", "binds"), old[scope], new[scope]):
            # A call on the pool may become a block, which names its connection.
            block = CONNECTIONS if scopes & new[scope][0] else set()
            for name in sorted((now - was) - added - block):
                faults.append(f"{scope} now {word} {name}")
            # A form of the standard that a function imported below its site comes from above now.
            gone = (was - now) - removed - (added if word == "binds" else set())
            for name in sorted(gone):
                faults.append(f"{scope} no longer {word} {name}")
    return faults


if __name__ == "__main__":
    json.dump([compare(*pair) for pair in json.load(sys.stdin)], sys.stdout)
