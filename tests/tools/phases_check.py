#!/usr/bin/env python3
"""Applies a project phase by phase, and says where a phase does not stand on its own.

    tests/tools/phases_check.py PATH --binary target/debug/connmod

PATH needs no settings; they are learnt, and written into the copies. For each context of the settings, alone on a fresh copy:

- `apply --phase` writes what `diff --phase` shows, and a second `diff --phase` is empty;
- every file compiles that did, pyflakes finds nothing new, and no import from a module of the project fails that did not before.

And all phases, one after the other, give the bytes that one `apply` gives; so do they backwards. A line is printed per phase, and a line
per fault; the exit code is 1 if there is a fault, or fewer than two phases change something. Needs pyflakes; nothing of the project is run.
"""

import argparse
import ast
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from corpus_check import Report, check_text, compiled, connmod, module_names


def contexts(folder):
    """The names of the contexts in the settings."""
    settings = (folder / "connmod.yaml").read_text()
    section = re.split(r"^contexts:.*\n", settings, flags=re.M)[1]
    section = re.split(r"^\S", section, flags=re.M)[0]
    return re.findall(r"^ +- name: (.+?)(?: +#.*)?$", section, flags=re.M)


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".connmod" not in path.parts
    }


def unresolved(files):
    """Imports from modules of the project whose module or name is not there: (file, module, name)."""
    trees = {name: compiled(text, name) for name, text in files.items() if name.endswith(".py")}
    modules = {}
    for name in trees:
        parts = name.removesuffix(".py").removesuffix("/__init__").split("/")
        # The root of the packages may be any folder above.
        for start in range(len(parts)):
            modules.setdefault(".".join(parts[start:]), []).append(name)
    tops = {module.split(".")[0] for module in modules}
    names = {name: module_names(tree) for name, tree in trees.items() if tree}
    missing = set()
    for name, tree in trees.items():
        for node in ast.walk(tree) if tree else ():
            if not isinstance(node, ast.ImportFrom) or node.level or node.module.split(".")[0] not in tops:
                continue
            found = modules.get(node.module, [])
            for alias in node.names:
                known = any(alias.name in names.get(file, ()) for file in found)
                if not known and f"{node.module}.{alias.name}" not in modules:
                    missing.add((name, node.module, alias.name))
    return missing


def differing(one, other):
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def sites_of(binary, folder, report):
    """The sites by file."""
    by_file = collections.defaultdict(list)
    scan, _, _ = connmod(binary, folder, "scan", "--format", "json", report=report)
    for site in json.loads(scan)["sites"]:
        by_file[site["file"]].append(site)
    return by_file


def check_phase(report, binary, original, scratch, phase, sites):
    """One phase alone; returns how many files it changes."""
    folder = scratch / "alone"
    shutil.copytree(original, folder)
    before = files_of(folder)
    diff, _, _ = connmod(binary, folder, "diff", "--phase", phase, report=report)
    if not diff:
        shutil.rmtree(folder)
        return 0
    by_git = scratch / "by-git"
    shutil.copytree(original, by_git)
    line = ["git", "apply", "--whitespace=nowarn", "-"]
    subprocess.run(line, cwd=by_git, input=diff.encode(), check=True)
    connmod(binary, folder, "apply", "--phase", phase, report=report)
    after = files_of(folder)
    for name in differing(after, files_of(by_git)):
        report.problem(f"{phase}: not what the diff gives", name)
    again, _, _ = connmod(binary, folder, "diff", "--phase", phase, report=report)
    if again:
        report.problem(f"{phase}: a second diff is not empty", again)
    changed = differing(before, after)
    for name in changed:
        if name not in before or name not in after:
            report.problem(f"{phase}: unexpected file", name)
            continue
        check_text(report, phase, name, before[name], after[name], sites[name])
    for place in sorted(unresolved(after) - unresolved(before)):
        report.problem(f"{phase}: import broken", " ".join(place))
    shutil.rmtree(folder)
    shutil.rmtree(by_git)
    return len(changed)


def check_order(report, binary, original, scratch, phases, whole):
    """The phases in this order, one after the other."""
    folder = scratch / "in-order"
    shutil.copytree(original, folder)
    for phase in phases:
        connmod(binary, folder, "apply", "--phase", phase, report=report)
    order = " > ".join(phases)
    for name in differing(files_of(folder), whole):
        report.problem(f"not the text that one apply gives: {order}", name)
    shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=pathlib.Path)
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        original = scratch / "original"
        shutil.copytree(options.path, original)
        connmod(binary, original, "init", report=report)
        phases = contexts(original)
        sites = sites_of(binary, original, report)
        changing = []
        for phase in phases:
            count = check_phase(report, binary, original, scratch, phase, sites)
            changing += [phase] if count else []
            print(f"{phase}: {count} files")
        whole = scratch / "whole"
        shutil.copytree(original, whole)
        connmod(binary, whole, "apply", report=report)
        whole = files_of(whole)
        print(f"all: {len(differing(files_of(original), whole))} files")
        for order in (changing, changing[::-1]):
            check_order(report, binary, original, scratch, order, whole)
    if len(changing) < 2:
        report.problem("fewer than two phases change something", str(options.path))
    report.print(1000)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
