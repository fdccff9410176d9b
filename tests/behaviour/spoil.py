"""Puts a wrong rewrite into a migrated copy of the sample.

    spoil.py wrong/RULE.py APP_ROOT

The file in `wrong/` holds one function, and names in its head the file of the sample whose function of that name it takes the place of.
"""
from __future__ import annotations

import ast
import re
import sys
import textwrap
from pathlib import Path
from typing import Dict, Tuple


def functions(text: str) -> Dict[str, Tuple[int, int, int]]:
    """By name: the first line with its decorators, the last line, and the indentation."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found[node.name] = (first, node.end_lineno, node.col_offset)
    return found


def spoil(wrong: Path, root: Path) -> None:
    text = wrong.read_text(encoding="utf-8")
    target = root / re.search(r"^# file: (.+)$", text, re.MULTILINE).group(1)
    # Walked from the outside, so that what stands within the function comes after it.
    name, (first, last, _) = next(iter(functions(text).items()))
    function = "\n".join(text.splitlines()[first - 1 : last])

    lines = target.read_text(encoding="utf-8").splitlines()
    first, last, indentation = functions("\n".join(lines))[name]
    lines[first - 1 : last] = [textwrap.indent(function, " " * indentation)]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    spoil(Path(sys.argv[1]), Path(sys.argv[2]))
