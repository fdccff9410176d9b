"""Prints what CPython's own symbol table says of each source on standard input.

Input: a JSON list of sources. Output: a JSON list, for each source the scopes as [kind, name, line, {symbol: class}], or null if CPython
refuses it. A class is local, global or free; a symbol that is only declared, or only passed through, is left out.
"""

import json
import symtable
import sys

COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}


def kind_of(table):
    if table.get_type() == "function" and table.get_name() == "lambda":
        return "lambda"
    if table.get_type() == "function" and table.get_name() in COMPREHENSIONS:
        return "comprehension"
    return str(getattr(table.get_type(), "value", table.get_type()))


def class_of(table, symbol):
    if table.get_type() == "module":
        return "global"
    if symbol.is_free():
        return "free"
    return "local" if symbol.is_local() or symbol.is_parameter() else "global"


def scopes(table):
    found = []
    work = [table]
    while work:
        table = work.pop()
        work.extend(table.get_children())
        kind = kind_of(table)
        if kind not in {"module", "class", "function", "lambda", "comprehension"}:
            continue
        symbols = {}
        for symbol in table.get_symbols():
            name = symbol.get_name()
            used = (
                symbol.is_referenced()
                or symbol.is_assigned()
                or symbol.is_imported()
                or symbol.is_parameter()
            )
            implicit = name.startswith(".") or (name == "__class__" and symbol.is_free())
            if used and not implicit:
                symbols[name] = class_of(table, symbol)
        name = table.get_name() if kind in {"class", "function"} else ""
        found.append([kind, name, table.get_lineno(), symbols])
    return found


def main():
    answers = []
    for source in json.load(sys.stdin):
        try:
            answers.append(scopes(symtable.symtable(source, "source", "exec")))
        except (SyntaxError, ValueError, RecursionError):
            answers.append(None)
    json.dump({"inlines": sys.version_info >= (3, 12), "sources": answers}, sys.stdout)


main()
